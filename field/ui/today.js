// What waits today: due first, then what was begun, what must be looked at, and reports.
import { h, fill, button, link } from './dom.js';
import { t } from './words.js';
import { run, once } from './api.js';
import { longDay, today, day, daysUntil, moment, number, label, short } from './format.js';

const SHOWN = 20;
const FAVOURITES = ['awareness_session', 'outreach', 'follow_up'];

export function dueTag(iso) {
	const n = daysUntil(iso);
	return n < 0 ? h('span', { class: 'tag bad' }, t('late-days', number(-n))) : n === 0 ? h('span', { class: 'tag warn' }, t('due-today')) :
		h('span', { class: 'tag' + (n <= 7 ? ' warn' : '') }, n === 1 ? t('tomorrow') : n <= 7 ? t('in-days', number(n)) : day(iso));
}

// One thing that is due: of a case, or a report.
export function dueRow(d, go, own, kinds) {
	const id = d.case || d.record, report = d.rule === 'report';
	return h('div', {}, dueTag(d.due), h('span', {}, report ? t('due-report', (kinds && kinds.get(d.kind)) || d.kind) : (d.label || d.rule) + (d.month ? t('month-n', d.month) : ''), ' ', h('b', {}, d.code || (d.case ? short(d.case) : '')), d.unit && d.unit !== own ? h('span', { class: 'soft block' }, d.unit) : null),
		report ? button(t('look'), () => go('reports')) : id ? button(t('open'), () => go('record', { id })) : null);
}

// Kinds of reports by their codes, where this device knows the form.
export async function reportKinds() {
	const def = await once(['forms', 'show', 'report_submission']).catch(() => null), kind = def && def.fields.find((f) => f.name === 'kind');
	return new Map(kind ? (def.lists[kind.list] || []).map((k) => [k.code, label(k)]) : []);
}

export async function todayScreen({ go, status }) {
	const [forms, drafts] = await Promise.all([once(['forms']), run(['drafts'])]);
	const mine = [...forms].filter((f) => f.writes !== false).sort((a, b) => (b.made || 0) - (a.made || 0) || FAVOURITES.indexOf(b.name) - FAVOURITES.indexOf(a.name)).filter((f) => (f.made || 0) > 0 || FAVOURITES.includes(f.name)).slice(0, 3);
	const title = new Map(forms.map((f) => [f.name, label(f.title)]));
	// many cases take a while to be gone through: the rest of the screen does not wait for it
	const dueBox = h('div', { 'aria-live': 'polite' }, h('p', { class: 'soft' }, t('working-due')));
	Promise.all([run(['due']), reportKinds()]).then(([due, kinds]) => fill(dueBox, due.length ? h('div', { class: 'card rows' }, due.slice(0, SHOWN).map((d) => dueRow(d, go, status.unit, kinds))) : h('p', { class: 'empty' }, t('due-none')),
		due.length > SHOWN ? h('p', {}, link(t('all-due', number(due.length)), () => go('cases', { due: true }))) : null)).catch((e) => fill(dueBox, h('p', { class: 'note' }, e.text || e.message)));
	const begun = drafts.map((d) => h('div', {}, h('span', { class: 'soft' }, moment(d.saved_at || d.at)), h('span', {}, title.get(d.form) || d.form, ' ', h('span', { class: 'tag good' }, t('draft-kept'))),
		button(t('go-on-writing'), () => go('make', { draft: d.id }))));
	const look = [[status.conflicts, 'n-conflicts'], [status.duplicates, 'n-duplicates'], [status.referrals, 'n-referrals'], [status.quarantined, 'n-quarantined']].filter(([n]) => n > 0);
	return h('div', {}, h('h1', { tabIndex: -1 }, longDay(today())),
		h('div', { class: 'big' }, mine.map((f, i) => button([label(f.title), h('small', {}, t('make-one'))], () => go('make', { form: f.name }), i === 0 ? 'main' : ''))),
		h('p', {}, link(t('other-form'), () => go('make'))),
		h('h2', {}, t('due-head')), dueBox,
		begun.length ? [h('h2', {}, t('begun-head')), h('div', { class: 'card rows' }, begun)] : null,
		look.length ? [h('h2', {}, t('look-head')), h('div', { class: 'card rows' }, look.map(([n, key]) => h('div', {}, h('span', { class: 'tag warn' }, number(n)), h('span', {}, t(key)), button(t('look'), () => go(key === 'n-quarantined' ? 'sync' : 'review')))))] : null,
		(status.events || []).length ? [h('h2', {}, t('events-head')), h('div', { class: 'card rows' }, status.events.slice(0, 5).map((e) => h('div', {}, h('span', { class: 'soft' }, moment(e.at)), h('span', {}, e.text || e.kind))))] : null);
}
