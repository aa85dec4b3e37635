// Cases: those that wait first, then all, then referrals from and to other units.
import { h, fill, button, link, table, textInput, field, say, ask, latest } from './dom.js';
import { t, has } from './words.js';
import { run, once } from './api.js';
import { day, number, moment, short, label } from './format.js';
import { dueRow, dueTag } from './today.js';
import { unitItems } from './controls.js';

const DAYS = 30, PAGE = 50;

export async function casesScreen({ go, refresh, status }) {
	const quiet = (argv) => run(argv).catch(() => []);
	const [due, referrals, requests, kept, request] = await Promise.all([quiet(['due', '--days', DAYS]), quiet(['referrals']), quiet(['requests', '--open']), quiet(['due', '--retention']), once(['forms', 'show', 'subject_request']).catch(() => null)]);
	const rights = request ? request.lists.subject_right || [] : [], units = new Map((await unitItems().catch(() => [])).map((u) => [u.value, u.label]));
	const find = textInput({ oninput: () => { at = 0; typed(); } }), typed = latest(() => load());
	const rows = h('div', { 'aria-live': 'polite' });
	let at = 0, turn = 0;

	async function load() {
		const mine = ++turn;
		try {
			const page = await run(['list', 'case', '--offset', at, '--limit', PAGE, '--discreet', '--sort', 'created', ...(find.value.trim() ? ['--match', find.value.trim()] : [])]);
			if (mine !== turn)
				return;
			fill(rows, page.total === 0 ? h('p', { class: 'empty' }, find.value ? t('nothing-found') : t('no-cases')) : [
				h('p', { class: 'soft' }, t('rows-of', number(at + 1), number(at + page.rows.length), number(page.total))),
				h('div', { class: 'card rows' }, page.rows.map((r) => h('div', {}, h('span', { class: 'soft' }, moment(r.created_at)), h('span', {}, r.headline || r.code || short(r.id), r.conflicts ? h('span', { class: 'tag warn' }, t('to-review')) : null), button(t('open'), () => go('record', { id: r.id }))))),
				h('p', { class: 'row' }, at > 0 ? button(t('previous'), () => { at -= PAGE; load(); }) : null, at + PAGE < page.total ? button(t('next'), () => { at += PAGE; load(); }) : null)]);
		} catch (e) { if (mine === turn) fill(rows, h('p', { class: 'note' }, e.text || e.message)); }
	}

	async function answer(what, id, reason) {
		try {
			await run([what, id, ...(reason ? ['--reason', reason] : [])]);
			await refresh();
			await go('cases', {}, true);
		} catch (e) { say(e.text || e.message, true); }
	}

	async function decline(id) {
		const input = textInput({}), box = field(t('reason'), input);
		const reason = await ask(t('decline'), box, [[t('decline'), () => { if (input.value.trim()) return input.value.trim(); box.complain(t('reason-needed')); return undefined; }, 'main'], [t('no'), null]]);
		if (reason)
			answer('decline', id, reason);
	}

	const waiting = (r) => r.state === 'WAITING' || r.state === 'PENDING' || r.state === 'SENT' || r.state === '';
	load();
	return h('div', {}, h('h1', { tabIndex: -1 }, t('nav-cases')), h('p', {}, button(t('new-case'), () => go('make', { form: 'case' }), 'main')),
		h('h2', {}, t('due-head')), due.length ? h('div', { class: 'card rows' }, due.map((d) => dueRow(d, go, status.unit))) : h('p', { class: 'empty' }, t('due-none')),
		referrals.length ? [h('h2', {}, t('referrals')), h('div', { class: 'card rows' }, referrals.map((r) => h('div', {}, h('span', { class: 'tag' + (waiting(r) ? ' warn' : '') }, t(r.direction === 'in' ? 'ref-in' : 'ref-out')),
			h('span', {}, units.get(r.unit) || r.unit, ' · ', has('ref-' + r.state) ? t('ref-' + r.state) : r.state, h('span', { class: 'soft block' }, day(r.sent_at), r.answer_by ? ' · ' + t('answer-by', day(r.answer_by)) : '')),
			h('span', { class: 'row' }, r.direction === 'in' && waiting(r) ? [button(t('accept'), () => answer('accept', r.id), 'main'), button(t('decline'), () => decline(r.id))] : null, r.case ? button(t('open'), () => go('record', { id: r.case })) : null))))] : null,
		requests.length ? [h('h2', {}, t('requests-head')), h('div', { class: 'card rows' }, requests.map((r) => h('div', {}, dueTag(r.due), h('span', {}, label(rights.find((o) => o.code === r.kind)) || r.kind, ' ', h('b', {}, r.code), h('span', { class: 'soft block' }, t('received-on', day(r.received)))), button(t('open'), () => go('record', { id: r.id })))))] : null,
		kept.length ? h('details', {}, h('summary', {}, t('retention-head'), ' (', number(kept.length), ')'), h('p', {}, t('retention-more')), h('div', { class: 'card rows' }, kept.slice(0, PAGE).map((r) => h('div', {}, dueTag(r.due), h('span', {}, t('step-' + r.step), ' ', h('b', {}, r.code), h('span', { class: 'soft block' }, r.source)), button(t('open'), () => go('record', { id: r.id })))))) : null,
		h('h2', {}, t('all-cases')), field(t('find'), find, t('find-hint')), rows);
}
