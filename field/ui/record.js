// One record, whatever its form; a case with its story, its tabs, and how to contact before whom to contact.
import { h, fill, button, link, table, ask, choice, field, textInput, say } from './dom.js';
import { t, has } from './words.js';
import { run, call, once, sheet, reasons } from './api.js';
import { day, label, moment, number, short, today } from './format.js';
import { shown, stored } from './form.js';
import { combo, unitItems } from './controls.js';
import { dueTag } from './today.js';

const CHILDREN_MAX = 200;
const REASONS = ['SUPERVISE', 'SETTLE', 'HANDOVER', 'REQUEST', 'EMERGENCY', 'REPORT', 'INSPECT', 'OTHER'];

const titleOf = async (name) => { const f = (await once(['forms'])).find((x) => x.name === name); return f ? label(f.title) : name; };

// What stands in the record, section by section.
function body(def, record, go) {
	const sections = new Map([[null, []]]);
	for (const s of def.sections)
		sections.set(s.name, []);
	const values = stored(def, record);
	for (const f of def.fields) {
		const r = record.fields[f.name];
		if (!r || values[f.name] === undefined || f.type === 'note')
			continue;
		const text = f.type === 'reference' ? link(t('open-other'), () => go('record', { id: values[f.name] })) : shown(def, f, values[f.name]);
		(sections.get(f.group) || sections.get(null)).push([h('dt', {}, label(f.label)), h('dd', {}, text,
			r.state === 'conflict' ? [' ', button(t('two-values'), () => go('review'), 'small warn')] : r.state === 'settled' ? h('span', { class: 'tag' }, t('settled')) : null)]);
	}
	const heads = new Map(def.sections.map((s) => [s.name, label(s.label)]));
	return [...sections].filter(([, rows]) => rows.length).map(([name, rows]) => [name && heads.get(name) ? h('h2', {}, heads.get(name)) : null, h('dl', { class: 'pairs' }, rows)]);
}

// Who wrote what when, and every value that was replaced.
async function history(def, id, why) {
	const entries = await run(['show', id, '--history', ...why]);
	const byName = new Map(def.fields.map((f) => [f.name, f]));
	return h('ol', { class: 'time' }, entries.slice().reverse().map((e) => h('li', {}, h('b', {}, moment(e.at)), ' ', e.by,
		e.standing && e.standing !== 'counts' ? h('span', { class: 'tag warn' }, has('standing-' + e.standing) ? t('standing-' + e.standing) : e.standing) : null,
		e.reason ? h('p', { class: 'soft' }, t('reason'), ': ', e.reason) : null,
		h('ul', {}, (e.writes || []).map((w) => {
			const f = byName.get(w.field);
			const values = (w.values || []).map((v) => h('span', { class: v.live ? '' : 'gone' }, f ? shown(def, f, String(v.value)) : v.value, v.voided ? ' (' + t('voided') + ')' : '', ' '));
			return h('li', {}, f ? label(f.label) : w.field, ': ', values.length ? values : t('cleared'));
		})))));
}

const reasonFor = (title, more) => {
	const input = textInput({}), box = field(t('reason'), input, more);
	return ask(title, box, [[t('yes-do'), () => { if (input.value.trim()) return input.value.trim(); box.complain(t('reason-needed')); return undefined; }, 'main'], [t('no'), null]]);
};

async function acts(record, def, why, { go, refresh, back }) {
	const again = () => go('record', { id: record.id }, true);
	const attempt = async (what) => { try { await what(); await refresh(); await again(); } catch (e) { say(e.text || e.message, true); } };
	if (record.deleted)
		return [button(t('undelete'), () => attempt(() => run(['undelete', record.id])), 'main'), button(t('back'), back)];
	const out = [button(t('change'), () => go('make', { form: record.form, id: record.id }), 'main'),
		button(t('as-template'), () => { const v = stored(def, record); for (const f of def.fields) if (f.type === 'date' || f.sensitivity !== 'PUB') delete v[f.name]; go('make', { form: record.form, preset: v }); })];
	if (record.form === 'person' || record.form === 'case')
		out.push(button(t('print-person'), async () => {
			if (!await ask(t('print-person'), h('p', {}, t('print-person-more')), [[t('yes-do'), true, 'main'], [t('no'), null]]))
				return;
			try {
				const reply = await call(['print', record.id, 'record.html', ...why]);
				reply.files.forEach(sheet);
			} catch (e) { say(e.text || e.message, true); }
		}));
	out.push(button(t('delete'), async () => {
		const reason = await reasonFor(t('delete-ask'), t('delete-more'));
		if (reason)
			attempt(() => run(['delete', record.id, '--reason', reason]));
	}));
	return out;
}

async function refer(record, consents, { go, refresh }) {
	const units = await unitItems(), to = combo(async (text) => units.filter((u) => u.key.includes(text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/đ/g, 'd'))), () => {});
	const which = h('select', {}, consents.map((c) => h('option', { value: c.id }, `${c.label}: ${c.state_label} ${day(c.at)}`)));
	const way = choice(t('refer-way'), [['refer', t('refer-refer'), t('refer-refer-more')], ['transfer', t('refer-transfer'), t('refer-transfer-more')]], '', () => {});
	const box = field(t('refer-to'), to.input);
	box.append(to.el);
	const form = h('div', {}, box, consents.length ? field(t('refer-consent'), which) : h('p', { class: 'note' }, t('refer-no-consent')), way);
	const yes = await ask(t('refer'), form, [[t('refer-send'), () => (to.get() && way.value() && consents.length ? true : (say(t('refer-fill'), true), undefined)), 'main'], [t('no'), null]]);
	if (!yes)
		return;
	try {
		await run(['refer', record.id, '--to', to.get(), '--consent', which.value, ...(way.value() === 'transfer' ? ['--transfer'] : [])]);
		say(t('refer-done'));
		await refresh();
		await go('record', { id: record.id }, true);
	} catch (e) { say(e.text || e.message, true); }
}

async function children(def, parent, name, go, fieldName) {
	const rows = await run(['list', name, '--where', `\${${fieldName}} = '${parent}'`, '--limit', CHILDREN_MAX]);
	const child = await once(['forms', 'show', name]);
	return h('div', {}, rows.length === 0 ? h('p', { class: 'empty' }, t('list-empty')) : h('div', { class: 'card rows' }, rows.map((r) => h('div', {}, h('span', { class: 'soft' }, moment(r.created_at)), h('span', {}, r.headline || short(r.id)),
		button(t('open'), () => go('record', { id: r.id }))))),
	h('p', {}, button(t('write-x', label(child.title)), () => go('make', { form: name, preset: { [fieldName]: parent } }), 'main')));
}

// Forms whose records belong to this one.
const kin = async (form) => (await run(['forms'])).filter((f) => f.reads !== false && (f.refers || []).some((r) => r.form === form));

function contact(story) {
	const c = story.contact || {}, s = story.safe_contact || {};
	const more = h('div', { hidden: true }, h('dl', { class: 'pairs' }, [['name', c.name], ['phone', c.phone], ['address', c.address]].filter(([, v]) => v).map(([k, v]) => [h('dt', {}, t('contact-' + k)), h('dd', {}, v)])));
	const press = button(t('contact-show'), () => { more.hidden = !more.hidden; press.setAttribute('aria-expanded', String(!more.hidden)); });
	press.setAttribute('aria-expanded', 'false');
	return h('section', { class: 'card contact' }, h('h2', {}, t('contact-safe')), h('p', {}, s.do_not_contact ? s.label || s.do_not_contact : t('contact-unknown')),
		s.note ? h('p', {}, t('contact-how'), ': ', s.note) : null, s.time ? h('p', {}, t('contact-when'), ': ', s.time) : null, press, more);
}

async function caseTop(story) {
	const l = story.labels || {};
	return h('div', {}, h('dl', { class: 'facts' }, [[t('case-state'), l.state || story.state], [t('case-stage'), story.stage ? `${l.stage || story.stage}, ${day(story.stage_at)}` : ''],
		[t('case-class'), l.class], [t('case-regime'), l.regime], [t('case-code'), story.case_no || story.code]].filter(([, v]) => v).map(([k, v]) => h('div', {}, h('dt', {}, k), h('dd', {}, v)))),
	(story.warnings || []).map((w) => h('p', { class: 'note' }, w.text, w.about_label ? ': ' + w.about_label : '')), contact(story));
}

function caseStory(story, go) {
	const deadlines = (story.deadlines || []).map((d) => h('div', {}, d.state === 'OPEN' || d.state === 'OVERDUE' ? dueTag(d.due) : h('span', { class: 'tag good' }, t('due-' + d.state)),
		h('span', {}, (d.label || d.rule) + (d.month ? t('month-n', d.month) : ''), h('span', { class: 'soft block' }, day(d.due), d.source ? ' · ' + d.source : '')),
		d.record ? button(t('open'), () => go('record', { id: d.record })) : null));
	const events = (story.events || []).slice().sort((a, b) => (a.at < b.at ? 1 : -1)).map((e) => h('li', { class: e.voided ? 'gone' : '' }, h('b', {}, day(e.at)), ' ', link(e.label || e.event, () => go('record', { id: e.id })), e.org ? h('span', { class: 'soft' }, ' · ' + e.org) : null));
	return [deadlines.length ? [h('h2', {}, t('deadlines')), h('div', { class: 'card rows' }, deadlines)] : null,
		h('h2', {}, t('events-of')), events.length ? h('ul', { class: 'time' }, events) : h('p', { class: 'empty' }, t('list-empty')),
		(story.services || []).length ? [h('h2', {}, t('services')), table([t('service'), t('state'), t('from'), t('to')], story.services.map((s) => [link(s.label, () => go('record', { id: s.id })), s.status_label || s.status, day(s.from), day(s.to)]), t('services'))] : null];
}

// A case or a person of another unit is opened for a reason, which the access log keeps; null: none was given.
async function opened(id) {
	let unit;
	try {
		return [await run(['show', id, '--reason', 'ASK']), []];
	} catch (e) {
		if (e.code !== 77 || !e.where)
			throw e;
		unit = e.where;
	}
	if (!reasons.has(unit)) {
		const pick = choice(t('why-open'), REASONS.map((code) => [code, t('why-' + code)]), '', () => {});
		const place = (await unitItems()).find((u) => u.value === unit);
		const given = await ask(t('other-unit'), h('div', {}, h('p', {}, t('other-unit-more', place ? place.label : unit)), pick),
			[[t('open'), () => pick.value() || (say(t('choose-reason'), true), undefined), 'main'], [t('no'), null]]);
		if (!given)
			return null;
		reasons.set(unit, given);
	}
	const why = ['--reason', reasons.get(unit)];
	return [await run(['show', id, ...why]), why];
}

export async function recordScreen(ctx) {
	const { id, go, back } = ctx;
	const [record, why] = await opened(id) || [];
	if (!record)
		return h('div', {}, h('h1', { tabIndex: -1 }, t('not-opened')), h('p', {}, t('not-opened-more')), h('p', {}, button(t('back'), back)));
	const def = await once(['forms', 'show', record.form]);
	const story = record.form === 'case' && !record.deleted ? await run(['case', id, ...why]).catch(() => null) : null;
	const tabs = [], panel = h('div', { class: 'panel' });
	if (story)
		tabs.push([t('tab-story'), async () => caseStory(story, go)]);
	tabs.push([t('tab-record'), async () => body(def, record, go)]);
	const family = record.deleted ? [] : await kin(record.form), field_of = (f) => f.refers.find((r) => r.form === record.form).field;
	for (const f of family.filter((x) => x.records > 0))
		tabs.push([label(f.title), async () => children(def, id, f.name, go, field_of(f))]);
	const none = family.filter((f) => !f.records);
	if (none.length)
		tabs.push([t('tab-more'), async () => h('div', { class: 'card rows two-columns' }, none.map((f) => h('div', {}, h('span', {}), h('span', {}, label(f.title)), button(t('write'), () => go('make', { form: f.name, preset: { [field_of(f)]: id } })))))]);
	tabs.push([t('tab-history'), async () => history(def, id, why)]);
	const bar = h('div', { class: 'tabs', role: 'tablist' }, tabs.map(([name], i) => h('button', { type: 'button', role: 'tab', 'aria-selected': 'false', onclick: () => open(i) }, name)));
	bar.addEventListener('keydown', (ev) => {
		const now = [...bar.children].indexOf(document.activeElement), n = bar.children.length;
		if (now < 0 || (ev.key !== 'ArrowRight' && ev.key !== 'ArrowLeft'))
			return;
		const to = (now + (ev.key === 'ArrowRight' ? 1 : n - 1)) % n;
		bar.children[to].focus();
		open(to);
	});
	async function open(i) {
		[...bar.children].forEach((b, k) => { b.setAttribute('aria-selected', String(k === i)); b.tabIndex = k === i ? 0 : -1; });
		panel.setAttribute('role', 'tabpanel');
		panel.setAttribute('aria-label', tabs[i][0]);
		fill(panel, h('p', { class: 'soft' }, t('loading')));
		try { fill(panel, await tabs[i][1]()); } catch (e) { fill(panel, h('p', { class: 'note' }, e.text || e.message)); }
	}
	const buttons = await acts(record, def, why, ctx);
	if (story && !story.handed_over)
		buttons.splice(1, 0, button(t('refer'), () => refer(record, (story.consents || []).filter((c) => c.id), ctx)));
	await open(0);
	return h('div', {}, h('h1', { tabIndex: -1 }, label(def.title), ' ', h('span', { class: 'soft' }, (story && (story.case_no || story.code)) || short(id))),
		h('p', { class: 'soft' }, t('written-by', record.created.by, moment(record.created.at))), record.deleted ? h('p', { class: 'note' }, t('is-deleted')) : null,
		story ? await caseTop(story) : null, h('p', { class: 'row' }, buttons), bar, panel);
}
