'use strict';
/* table RESULTS: the lines that the peers printed, as tables, with ratios to ours. */
const fs = require('fs');
const lines = fs.readFileSync(process.argv[2], 'utf8').trim().split('\n').map(l => JSON.parse(l));
const number = x => x >= 100 || Number.isInteger(x) ? Math.round(x).toLocaleString('en-US') : Number(x.toPrecision(2)).toString();
const print = cells => console.log('| ' + cells.join(' | ') + ' |');
const names = { field: 'Field', pouchdb: 'PouchDB 9 / express-pouchdb', session: 'SQLite session, zlib -9' };
const parts = [['push', 'first push'], ['edits_first', '20 edits, first'], ['edits', '20 edits, steady'],
	['idle', 'nothing to do'], ['pull', 'first pull, new device'], ['dispute', '100 fields on both']];
const SLOW_BITS = 20000, ROUND_TRIP = 1;

for (const n of new Set(lines.filter(l => l.n).map(l => l.n))) {
	const of = peer => lines.find(l => l.n === n && l.peer === peer);
	const peers = Object.keys(names).filter(of);
	console.log(`\n${n.toLocaleString('en-US')} records, ${of('pouchdb').fields.toLocaleString('en-US')} values: bytes up / down; requests; seconds`);
	print(['', ...peers.map(p => names[p]), 'bytes, as many times ours']);
	print(['-', ...peers.map(() => '-'), '-']);
	for (const [key, name] of parts) {
		const total = p => of(p)[key].up + of(p)[key].down;
		print([name, ...peers.map(p => { const c = of(p)[key];
			return `${number(c.up)} / ${number(c.down)}; ${c.requests}; ${number(c.seconds)}`; }),
		peers.slice(1).map(p => number(total(p) / total('field'))).join(', ')]);
	}
	const slow = (p, key) => { const c = of(p)[key];
		return number((c.up + c.down) * 8 / SLOW_BITS + c.requests * ROUND_TRIP) + ' s'; };
	print(['first push at 20 kbit/s, reckoned', ...peers.map(p => slow(p, 'push')), '']);
	for (const [key, name] of [['edits_slow', '20 edits'], ['idle_slow', 'nothing to do']])
		print([`${name} at 20 kbit/s and 1 s there and back`,
			...peers.map(p => of(p)[key] ? number(of(p)[key].seconds) + ' s' : 'no protocol'), '']);
	print(['values lost, of 200 in 100 fields', ...peers.map(p => of(p).lost), '']);
	print(['fields that show one value alone', ...peers.map(p => of(p).hidden + of(p).lost), '']);
	const f = of('field');
	const fold = p => p === 'field' ? f.memory.vault : of(p).fold;
	print(['values taken in, a second', ...peers.map(p => number(fold(p).wall)), '']);
	print(['the same, a second of processor time', ...peers.map(p => number(fold(p).cpu)), '']);
	const both = r => `${number(r.wall)} by the clock, ${number(r.cpu)} by the processor's time`;
	console.log(`Field's fold, field writes a second: through the vault ${both(f.memory.vault)}; ` +
		`whole in memory ${both(f.memory.memory)}; registers alone ${both(f.memory.core)}`);
	console.log(`Field keeps both values live on both devices, ${f.marked} of 100 marked as conflicts in the inbox`);
	for (const p of peers.slice(1))
		console.log(`${names[p]} keeps the other value: ${of(p).where}`);
}
const tls = lines.find(l => l.peer === 'tls');
if (tls)
	console.log(`\nTLS: a connection of an idle sync costs ${number(tls.secure.up - tls.plain.up)} bytes up and ` +
		`${number(tls.secure.down - tls.plain.down)} down more (handshake and records)`);
