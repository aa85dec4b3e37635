'use strict';
/*
 * pouch FOLDER RECORDS: the workload with PouchDB on each device (LevelDB files) and
 * express-pouchdb as the server, a process of its own behind count_proxy.  RECORDS are the
 * lines of corpus_json.  Prints one line of JSON.
 */
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const { spawn } = require('child_process');
const { randomUUID } = require('crypto');
const PouchDB = require('pouchdb');

const [folder, recordsFile] = process.argv.slice(2);
const EDITED = 20, SLOW_BITS = 20000, SLOW_MS = 500, DISPUTED = 100, BATCH = 500, FOLD_BATCH = 100;

function child(script, argument) {
	const p = spawn(process.execPath, [path.join(__dirname, script), argument],
		{ stdio: ['pipe', 'pipe', 'inherit'] });
	const lines = readline.createInterface({ input: p.stdout })[Symbol.asyncIterator]();
	return { p, line: async () => (await lines.next()).value };
}

/* A document has fields as keys; a list is an array; what refers holds the other's _id. */
function documentsOf(records) {
	const documents = [];
	const lists = new Set();

	for (const r of records) {
		const times = {};
		for (const [name] of r.fields)
			times[name] = (times[name] || 0) + 1;
		for (const name in times)
			if (times[name] > 1)
				lists.add(name);
	}
	for (const r of records) {
		const d = { _id: randomUUID().replace(/-/g, ''), form: r.form, saved_at: r.saved_at };
		for (const [name, value, refers] of r.fields) {
			const v = refers ? documents[value]._id : value;
			if (lists.has(name))
				(d[name] = d[name] || []).push(v);
			else
				d[name] = v;
		}
		documents.push(d);
	}
	return documents;
}

async function edit(db, ids, change) {
	const { rows } = await db.allDocs({ keys: ids, include_docs: true });
	await db.bulkDocs(rows.map((row, i) => Object.assign(row.doc, change(i))));
}

async function timed(work) {
	const start = process.hrtime.bigint();
	await work();
	return Number(process.hrtime.bigint() - start) / 1e9;
}

async function main() {
	const Device = name => {
		const dir = path.join(folder, name) + '/';
		fs.mkdirSync(dir, { recursive: true });
		return PouchDB.defaults({ prefix: dir });
	};
	fs.mkdirSync(path.join(folder, 'server'), { recursive: true });
	const server = child('pouch_server.js', path.join(folder, 'server'));
	const proxy = child('count_proxy.js', await server.line());
	const url = `http://127.0.0.1:${await proxy.line()}/work`;
	const tell = async line => { proxy.p.stdin.write(line + '\n'); return proxy.line(); };
	const counted = async work => {
		await tell('');
		const seconds = await timed(work);
		const [up, down, requests, connections] = (await tell('')).split(' ').map(Number);
		return { up, down, requests, connections, seconds };
	};
	const remotes = new Map();	/* one a device, kept: opening it again costs three requests */
	const sync = db => counted(async () => {
		if (!remotes.has(db))
			remotes.set(db, new PouchDB(url));
		await db.sync(remotes.get(db));
	});

	const records = fs.readFileSync(recordsFile, 'utf8').trimEnd().split('\n').map(l => JSON.parse(l));
	const fields = records.reduce((n, r) => n + r.fields.length, 0);
	const documents = documentsOf(records);
	const a = new (Device('a'))('work'), b = new (Device('b'))('work');
	const result = { peer: 'pouchdb', n: records.length, fields };

	result.save_seconds = await timed(async () => {
		for (let i = 0; i < documents.length; i += BATCH)
			await a.bulkDocs(documents.slice(i, i + BATCH));
	});
	const ids = documents.filter(d => d.form === 'follow_up').map(d => d._id);
	result.push = await sync(a);
	await edit(a, ids.slice(0, EDITED), () => ({ work: 'WORKING', note: 'Đã có việc làm tại xã.' }));
	result.edits_first = await sync(a);
	await edit(a, ids.slice(EDITED, 2 * EDITED), () => ({ work: 'WORKING', note: 'Đã có việc làm tại xã.' }));
	result.edits = await sync(a);
	result.idle = await sync(a);
	await tell(`pace ${SLOW_BITS} ${SLOW_MS}`);
	await edit(a, ids.slice(2 * EDITED, 3 * EDITED), () => ({ work: 'WORKING', note: 'Đã có việc làm tại xã.' }));
	result.edits_slow = await sync(a);
	result.idle_slow = await sync(a);
	await tell('pace 0 0');
	result.pull = await sync(b);

	/* two devices write the same 100 fields before either hears of the other */
	const disputed = ids.slice(3 * EDITED, 3 * EDITED + DISPUTED);
	await edit(a, disputed, i => ({ note: `A${i}` }));
	await edit(b, disputed, i => ({ note: `B${i}` }));
	await sync(a);
	result.dispute = await sync(b);
	await sync(a);
	result.lost = 0;
	result.hidden = 0;
	for (const db of [a, b]) {
		let lost = 0, hidden = 0;
		for (let i = 0; i < disputed.length; i++) {
			const shown = await db.get(disputed[i], { conflicts: true });
			const values = new Set([shown.note]);
			for (const rev of shown._conflicts || [])
				values.add((await db.get(disputed[i], { rev })).note);
			lost += !values.has(`A${i}`) + !values.has(`B${i}`);
			hidden += values.size - 1;
		}
		result.lost = Math.max(result.lost, lost);
		result.hidden = Math.max(result.hidden, hidden);
	}
	result.where = 'a losing revision, read by whoever asks for conflicts; who reads the document sees one value';

	/* taking in what others wrote, without a line */
	const taken = new (Device('c'))('work');
	const { rows } = await b.allDocs({ include_docs: true });
	const cpu = process.cpuUsage();
	const seconds = await timed(async () => {
		for (let i = 0; i < rows.length; i += FOLD_BATCH)
			await taken.bulkDocs(rows.slice(i, i + FOLD_BATCH).map(r => r.doc), { new_edits: false });
	});
	const used = process.cpuUsage(cpu);
	result.fold = { wall: fields / seconds, cpu: fields * 1e6 / (used.user + used.system) };
	console.log(JSON.stringify(result));
	for (const c of [server, proxy])
		c.p.stdin.end();
	for (const db of [a, b, taken])
		await db.close();
}

main().catch(e => { console.error(e); process.exit(1); });
