// Language, passphrase, the recovery sheet, a CSV sheet in, a lock now, and the end of this vault.
import { h, fill, button, link, field, textInput, say, ask, table } from './dom.js';
import { t, lang, speak } from './words.js';
import { run, call, once, upload, sheet, save, state } from './api.js';
import { label, number } from './format.js';

const secret = () => h('input', { type: 'password', autocomplete: 'off', spellcheck: false });

export async function settingsScreen({ go, refresh, status }) {
	const forms = await once(['forms']);
	const result = h('div', { 'aria-live': 'polite' });

	// These need the vault to themselves: it is locked, changed, and opened again.
	async function alone(passphrase, work) {
		await run(['lock']);
		try {
			return await work();
		} finally {
			await run(['unlock', '--idle', 15], { secrets: { passphrase: passphrase() } }).catch(() => {});
			await refresh().catch(() => {});
		}
	}

	function passphrase() {
		const old = secret(), fresh = secret(), twice = secret();
		const a = field(t('passphrase-now'), old), b = field(t('passphrase-new'), fresh, t('passphrase-hint')), c = field(t('passphrase-twice'), twice);
		return h('form', { onsubmit: async (ev) => {
			ev.preventDefault();
			c.complain(fresh.value === twice.value ? '' : t('differ'));
			if (fresh.value !== twice.value)
				return;
			let now = old.value;
			try {
				await alone(() => now, async () => { await run(['passphrase'], { secrets: { passphrase: old.value, new_passphrase: fresh.value } }); now = fresh.value; });
				old.value = fresh.value = twice.value = '';
				say(t('passphrase-changed'));
			} catch (e) { a.complain(e.text || e.message); }
		} }, a, b, c, h('p', {}, h('button', { class: 'main' }, t('passphrase-change'))));
	}

	function recovery() {
		const old = secret(), a = field(t('passphrase-now'), old);
		return h('form', { onsubmit: async (ev) => {
			ev.preventDefault();
			try {
				const reply = await alone(() => old.value, () => call(['recovery', '--sheet', 'recovery.html'], { secrets: { passphrase: old.value } }));
				old.value = '';
				reply.files.forEach(sheet);
				say(t('recovery-new'));
			} catch (e) { a.complain(e.text || e.message); }
		} }, h('p', {}, t('recovery-sheet-more')), a, h('p', {}, h('button', {}, t('recovery-make'))));
	}

	// What an import would do, and what is wrong in which row and column.
	const tried = (r) => h('div', {}, h('p', { class: r.errors ? 'note' : 'card good' }, t('csv-rows', number(r.rows), number(r.good), number(r.errors), number(r.warnings))), h('p', {}, r.errors ? t('csv-mend') : t('csv-would', number(r.would_add))),
		r.found.length ? table([t('csv-line'), t('csv-column'), t('csv-what')], r.found.map((f) => [number(f.line), f.header || (f.column ? number(f.column) : ''), [f.warning ? t('warning') + ': ' : '', f.what, f.help ? '. ' + f.help : ''].join('')]), t('csv-head')) : null);

	function csv() {
		const which = h('select', {}, forms.map((f) => h('option', { value: f.name }, label(f.title)))), file = h('input', { type: 'file', accept: '.csv' });
		const go_on = async (dry) => {
			if (!file.files[0])
				return say(t('choose-file'), true);
			try {
				const reply = await call(['import', which.value, 'sheet.csv', ...(dry ? ['--dry-run'] : [])], { files: { 'sheet.csv': await upload(file.files[0]) } });
				fill(result, dry ? tried(reply.data) : h('p', { class: 'card good' }, reply.notes || t('imported')));
				if (!dry) {
					say(t('imported'));
					await refresh();
				}
			} catch (e) { fill(result, e.reply && e.reply.data ? tried(e.reply.data) : h('p', { class: 'note' }, e.text || e.message)); }
			return undefined;
		};
		return h('div', {}, h('p', {}, t('csv-more')), field(t('form'), which), field(t('csv-file'), file), h('p', { class: 'row' }, button(t('csv-try'), () => go_on(true)), button(t('csv-in'), () => go_on(false), 'main')), result);
	}

	const purge = async () => {
		try {
			const list = await run(['purge', '--list']);
			const n = Array.isArray(list) ? list.length : list.records || 0;
			if (!await ask(t('purge'), h('p', {}, t('purge-more')), [[t('yes-do'), true, 'main'], [t('no'), null]]))
				return;
			const reply = await call(['purge']);
			say(reply.notes || t('purged', number(n)));
			await refresh();
		} catch (e) { say(e.text || e.message, true); }
	};

	const wipe = async () => {
		const word = textInput({}), box = field(t('wipe-word', t('wipe-type')), word);
		const yes = await ask(t('wipe'), h('div', {}, h('p', { class: 'note' }, t('wipe-more')), status.unsent > 0 ? h('p', { class: 'note' }, t('wipe-unsent', number(status.unsent))) : null, box), [[t('wipe'), () => (word.value.trim() === t('wipe-type') ? true : (box.complain(t('wipe-word', t('wipe-type'))), undefined)), 'danger'], [t('no'), null]]);
		if (!yes)
			return;
		try {
			await run(['wipe', '--yes']);
			location.reload();
		} catch (e) { say(e.text || e.message, true); }
	};

	const backup = async () => {
		try {
			const reply = await call(['backup', 'field.backup']);
			reply.files.forEach(save);
			say(reply.notes || t('backup-done'));
		} catch (e) { say(e.text || e.message, true); }
	};
	const verify = async () => { try { const reply = await call(['verify']); say(reply.notes || t('verified')); } catch (e) { say(e.text || e.message, true); } };

	return h('div', {}, h('h1', { tabIndex: -1 }, t('nav-settings')),
		h('dl', { class: 'facts' }, [[t('unit'), status.unit_name || status.unit], [t('role'), t('role-' + status.role)], [t('device'), status.device.slice(0, 12)], [t('records'), number(status.records)]].map(([k, v]) => h('div', {}, h('dt', {}, k), h('dd', {}, v)))),
		h('h2', {}, t('language')), h('p', { class: 'row' }, ['vi', 'en'].map((l) => button(l === 'vi' ? 'Tiếng Việt' : 'English', () => { speak(l); go('settings', {}, true); refresh(); }, lang() === l ? 'main' : ''))),
		h('h2', {}, t('lock-head')), h('p', {}, t('lock-more')),
		h('details', {}, h('summary', {}, t('passphrase-change')), passphrase()), h('details', {}, h('summary', {}, t('recovery-sheet')), recovery()),
		h('details', {}, h('summary', {}, t('csv-head')), csv()),
		h('details', {}, h('summary', {}, t('vault-head')), h('p', { class: 'row' }, button(t('backup'), backup), button(t('verify'), verify), button(t('purge'), purge)), h('p', { class: 'soft' }, t('vault-more'))),
		h('details', {}, h('summary', {}, t('wipe')), h('p', {}, t('wipe-more')), button(t('wipe'), wipe, 'danger')));
}
