// Sync in words: what waits, what was confirmed, what was set aside and why; by the line or by a stick.
import { h, fill, button, link, field, textInput, say, choice, ask } from './dom.js';
import { t, has } from './words.js';
import { run, call, once, progress, upload, save, forget } from './api.js';
import { moment, number, size, label } from './format.js';
import { shown } from './form.js';

const LOOK_MS = 400, SHOWN = 50;

export async function syncScreen({ go, refresh, status }) {
	const result = h('div', { 'aria-live': 'polite' }), bar = h('p', { class: 'soft', role: 'status' });
	const url = textInput({ placeholder: 'https://' }), aside = h('div', {});

	async function while_running(press, work) {
		press.disabled = true;
		const timer = setInterval(async () => { bar.textContent = await progress().catch(() => '') || t('working'); }, LOOK_MS);
		try {
			return await work();
		} finally {
			clearInterval(timer);
			bar.textContent = '';
			press.disabled = false;
		}
	}

	const sync = button(t('sync-now'), () => while_running(sync, async () => {
		try {
			const reply = await call(['sync', ...(url.value.trim() ? ['--server', url.value.trim()] : [])]), r = reply.data;
			forget();
			fill(result, h('div', { class: 'card good' }, h('h2', {}, t('synced')), h('ul', {}, h('li', {}, t('sent-n', number(r.sent.entries))), h('li', {}, t('got-n', number(r.received.entries))),
				h('li', {}, t('bytes-n', size(r.bytes_up), size(r.bytes_down), number(r.requests))),
				r.receipt ? h('li', {}, t(r.receipt.level === 'held' ? 'province-has' : 'server-has', moment(r.receipt.at))) : null,
				r.waits_for_admission ? h('li', {}, t('not-admitted')) : null), reply.notes ? h('p', {}, reply.notes) : null));
			stand(await refresh());
			await quarantine();
		} catch (e) {
			fill(result, h('div', { class: 'note', role: 'alert' }, h('p', {}, e.text || e.message), h('p', {}, t('nothing-lost'))));
			refresh().catch(() => {});
		}
	}), 'main');

	const out = button(t('stick-out'), () => while_running(out, async () => {
		try {
			const reply = await call(['bundle', 'export', 'field.bundle']);
			reply.files.forEach(save);
			fill(result, h('p', { class: 'card good' }, t('stick-out-done'), ' ', reply.notes));
		} catch (e) { say(e.text || e.message, true); }
	}));
	const file = h('input', { type: 'file', accept: '.bundle', onchange: () => while_running(file, async () => {
		try {
			const reply = await call(['bundle', 'import', 'bundle'], { files: { bundle: await upload(file.files[0]) } });
			forget();
			fill(result, h('p', { class: 'card good' }, t('stick-in-done'), ' ', reply.notes));
			await refresh();
		} catch (e) { say(e.text || e.message, true); }
		file.value = '';
	}) });

	async function quarantine() {
		const rows = await run(['quarantine']).catch(() => []);
		const release = async (r) => {
			const entries = await run(['quarantine', r.id]).catch(() => []), forms = await Promise.all(entries.slice(0, SHOWN).map((e) => once(['forms', 'show', e.form]).catch(() => null)));
			const said = (def, values) => Object.entries(values).map(([name, v]) => { const f = def && def.fields.find((x) => x.name === name); return f ? `${label(f.label)}: ${shown(def, f, v)}` : `${name}: ${v}`; }).join('; ');
			const yes = await ask(t('release'), h('div', {}, h('p', {}, t('release-more')), h('ul', {}, entries.slice(0, SHOWN).map((e, i) => h('li', {}, moment(e.at), ' · ', forms[i] ? label(forms[i].title) : e.form, ': ', said(forms[i], e.values))))), [[t('release'), true, 'main'], [t('no'), null]]);
			if (!yes)
				return;
			try {
				await run(['quarantine', 'release', r.id]);
				await refresh();
				await quarantine();
			} catch (e) { say(e.text || e.message, true); }
		};
		fill(aside, rows.length ? [h('h2', {}, t('aside-head')), h('p', {}, t('aside-more')), h('div', { class: 'card rows' }, rows.map((r) => h('div', {}, h('span', { class: 'soft' }, moment(r.at)), h('span', {}, r.why, h('span', { class: 'soft block' }, r.by, ' · ', r.unit, ' · ', t('entries-n', number(r.entries)))),
			(r.state === 'retired' || r.state === 'forked') && status.role === 'supervisor' ? button(t('release'), () => release(r)) : null)))] : null);
	}

	const standing = h('p', {});
	function stand(s) {
		if (s)
			fill(standing, s.unsent === 0 ? t('none-waits') : t('waits', number(s.unsent)), '. ', s.last_receipt ? t(s.last_receipt.level === 'held' ? 'province-has' : 'server-has', moment(s.last_receipt.at)) : t('never-confirmed'), '.');
	}

	stand(status);
	await quarantine();
	return h('div', {}, h('h1', { tabIndex: -1 }, t('nav-sync')), standing,
		h('p', { class: 'row' }, sync), bar, result,
		h('details', {}, h('summary', {}, t('other-server')), field(t('server'), url, t('server-hint'))),
		h('h2', {}, t('stick')), h('p', {}, t('stick-more')), h('p', { class: 'row' }, out), field(t('stick-in'), file), aside,
		(status.events || []).length ? [h('h2', {}, t('events-head')), h('ul', { class: 'time' }, status.events.map((e) => h('li', {}, h('b', {}, moment(e.at)), ' ', e.text)))] : null);
}
