// The one door to the program: field/API.md.
import { lang, t } from './words.js';

const token = document.querySelector('meta[name=token]').content;

export class Trouble extends Error {
	constructor(error, reply) {
		super(error.what);
		Object.assign(this, error);
		this.reply = reply;
	}
	get text() {
		return [this.what, this.where, this.help].filter(Boolean).join(': ').replace(/^./, (c) => c.toUpperCase()) + '.';
	}
}

// Called when the vault is locked, and when the program has gone.
export const on = { locked() {}, gone() {} };

async function post(path, body, type) {
	let reply;
	try {
		reply = await fetch('/api/' + path, {
			method: 'POST', body, credentials: 'same-origin',
			headers: { 'Content-Type': type || 'application/json', 'X-Field-Token': token },
		});
	} catch {
		on.gone();
		throw new Trouble({ code: 75, name: 'gone', what: 'the program has ended', where: '', help: '' });
	}
	if (reply.status === 401 || reply.status === 403) {
		on.gone();
		throw new Trouble({ code: 77, name: 'gone', what: 'this page is closed', where: '', help: '' });
	}
	if (!reply.ok)
		throw new Trouble({ code: 70, name: String(reply.status), what: 'HTTP ' + reply.status, where: '', help: '' });
	return reply.json();
}

/*
 * A command as typed.  more: secrets {passphrase, new_passphrase, code}; files {name in argv: handle};
 * texts {name in argv: text}.  Resolves with the whole reply {data, notes, files}.
 */
export async function call(argv, more) {
	const reply = await post('run', JSON.stringify({ argv: argv.map(String), lang: lang(), ...more }));
	if (reply.locked) {
		on.locked();
		throw new Trouble(reply.error, reply);
	}
	if (!reply.ok)
		throw new Trouble(reply.error, reply);
	return reply;
}

export const run = async (argv, more) => (await call(argv, more)).data;
export const state = () => post('state', '{}');
export const progress = async () => (await post('progress', '{}')).text || '';
// More than this is cut off, so it is not sent.
const UPLOAD_MAX = 64 << 20;
export async function upload(blob) {
	if (blob.size > UPLOAD_MAX)
		throw new Trouble({ code: 65, name: 'limit', what: t('too-large'), where: '', help: '' });
	return (await post('upload', blob, 'application/octet-stream')).handle;
}

// Save to the computer, or show to be printed.
export function save(file) {
	const a = document.createElement('a');
	a.href = '/file/' + file.handle;
	a.download = file.name;
	document.body.append(a);
	a.click();
	a.remove();
}
export const sheet = (file) => window.open('/sheet/' + file.handle, '_blank', 'noopener');

// Definitions do not change while the page is open, but for a sync: forget() then.
let kept = new Map();
export function once(argv) {
	const key = lang() + argv.join('\0');
	if (!kept.has(key))
		kept.set(key, run(argv).catch((e) => { kept.delete(key); throw e; }));
	return kept.get(key);
}
// Why somebody opens what is another unit's: said once for each unit, until the lock.
export const reasons = new Map();
export function forget() {
	kept = new Map();
}
