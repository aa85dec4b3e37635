// A new record of any form; and what there is of each form.
import { h, fill, button, link, table, textInput, field, say, latest } from './dom.js';
import { t } from './words.js';
import { run, call, once, save } from './api.js';
import { byName, label, moment, number, plain, short } from './format.js';
import { formScreen, shown } from './form.js';

const PAGE = 30;

export async function newScreen({ go, back, form, id, draft, preset, unit }) {
	if (draft) {
		const d = await run(['draft', 'show', draft]);
		const kept = d.answers && d.answers.answers ? d.answers : { answers: d.answers || {} };
		return formScreen({ form: d.form, id: d.of || null, draft: { id: draft, answers: kept.answers, seen: kept.seen } }, back, (made) => go('record', { id: made }));
	}
	if (form)
		return formScreen({ form, id, preset, unit }, back, (made) => go('record', { id: made }));
	const forms = (await once(['forms'])).slice().sort((a, b) => (b.made || 0) - (a.made || 0) || (b.records || 0) - (a.records || 0) || byName(label(a.title), label(b.title)));
	const find = textInput({ oninput: () => draw() }), list = h('div', { class: 'card rows two-columns' });
	function draw() {
		const want = plain(find.value);
		const found = forms.filter((f) => plain(label(f.title)).includes(want));
		fill(list, found.length ? found.map((f) => h('div', {}, h('span', { class: 'soft' }, f.made ? t('made-n', number(f.made)) : ''), h('span', {}, label(f.title)), button(t('write'), () => go('make', { form: f.name })))) :
			h('p', { class: 'empty' }, t('nothing-found')));
	}
	draw();
	return h('div', {}, h('h1', { tabIndex: -1 }, t('nav-new')), field(t('find-form'), find), list);
}

export async function listScreen({ go, form }) {
	const forms = (await once(['forms'])).filter((f) => f.reads !== false).sort((a, b) => (b.records || 0) - (a.records || 0) || byName(label(a.title), label(b.title)));
	let name = form || (forms[0] && forms[0].name), at = 0, turn = 0, sort = 'created', deleted = false;
	const pick = h('select', { onchange: () => { name = pick.value; at = 0; load(); } }, forms.map((f) => h('option', { value: f.name, selected: f.name === name }, label(f.title) + (f.records ? ' (' + number(f.records) + ')' : ''))));
	const find = textInput({ oninput: () => { at = 0; typed(); } }), typed = latest(() => load());
	const order = h('select', { onchange: () => { sort = order.value; at = 0; load(); } }, h('option', { value: 'created' }, t('sort-new')), h('option', { value: 'name' }, t('sort-name')));
	const bin = h('input', { type: 'checkbox', onchange: () => { deleted = bin.checked; at = 0; load(); } });
	const rows = h('div', { 'aria-live': 'polite' });

	async function load() {
		const mine = ++turn;
		try {
			const def = await once(['forms', 'show', name]);
			const columns = def.fields.filter((f) => f.type !== 'note' && f.type !== 'calculate' && f.sensitivity === 'PUB' && f.name !== def.headline).slice(0, 3);
			const page = await run(['list', name, '--offset', at, '--limit', PAGE, '--sort', sort, '--discreet', ...(deleted ? ['--deleted'] : []),
				...(columns.length ? ['--columns', columns.map((f) => f.name).join(',')] : []), ...(find.value.trim() ? ['--match', find.value.trim()] : [])]);
			if (mine !== turn)
				return;
			const total = page.total;
			fill(rows, total === 0 ? h('p', { class: 'empty' }, find.value ? t('nothing-found') : t('list-empty')) : [
				h('p', { class: 'soft' }, t('rows-of', number(at + 1), number(at + page.rows.length), number(total))),
				table([t('record'), ...columns.map((f) => label(f.label)), t('written')], page.rows.map((r) => [
					link(r.headline || r.code || short(r.id), () => go('record', { id: r.id })),
					...columns.map((f) => shown(def, f, (r.values || {})[f.name]) || ''), h('span', { class: 'soft' }, moment(r.created_at), r.conflicts ? h('span', { class: 'tag warn' }, t('to-review')) : null)]), label(def.title)),
				h('p', { class: 'row' }, at > 0 ? button(t('previous'), () => { at -= PAGE; load(); }) : null, at + PAGE < total ? button(t('next'), () => { at += PAGE; load(); }) : null)]);
		} catch (e) {
			if (mine === turn)
				fill(rows, h('p', { class: 'note' }, e.text || e.message));
		}
	}

	async function out() {
		try {
			const reply = await call(['export', name, name + '.csv']);
			say(reply.notes);
			reply.files.forEach(save);
		} catch (e) {
			say(e.text || e.message, true);
		}
	}

	load();
	return h('div', {}, h('h1', { tabIndex: -1 }, t('nav-lists')),
		h('div', { class: 'row tools' }, field(t('form'), pick), field(t('find'), find, t('find-hint')), field(t('sort'), order),
			h('label', { class: 'option' }, bin, t('deleted-ones'))),
		h('p', { class: 'row' }, button(t('write-new'), () => go('make', { form: name }), 'main'), button(t('csv-out'), out)), rows);
}
