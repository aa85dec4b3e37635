// The seventeen tables: a period, a look, a chart, and out as a workbook; freeze and send.
import { h, fill, button, link, table, field, textInput, say, ask, fresh } from './dom.js';
import { t, has } from './words.js';
import { run, call, once, save, upload } from './api.js';
import { day, isoDay, number, today, moment, label } from './format.js';
import { unitItems } from './controls.js';

const halves = (y) => [[`${y}-01-01`, `${y}-06-30`, t('half-1', y)], [`${y}-07-01`, `${y}-12-31`, t('half-2', y)], [`${y}-01-01`, `${y}-12-31`, t('year-n', y)]];

// Bars of a column of numbers: lengths with the numbers beside them, readable in black and white.
export function bars(rows, name, value, caption) {
	const most = Math.max(1, ...rows.map(value)), ROW = 28, WIDTH = 640, LEFT = 300;
	const NS = 'http://www.w3.org/2000/svg';
	const el = (tag, attrs, text) => { const e = document.createElementNS(NS, tag); for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v); if (text !== undefined) e.textContent = text; return e; };
	const svg = el('svg', { viewBox: `0 0 ${WIDTH + 60} ${rows.length * ROW + 8}`, role: 'img', 'aria-label': caption, class: 'bars' });
	rows.forEach((r, i) => {
		const y = i * ROW + 6, w = Math.round((WIDTH - LEFT) * value(r) / most), text = name(r);
		svg.append(el('text', { x: LEFT - 8, y: y + 15, 'text-anchor': 'end' }, text.length > 38 ? text.slice(0, 37) + '…' : text), el('rect', { x: LEFT, y, width: Math.max(w, value(r) > 0 ? 2 : 0), height: ROW - 8, rx: 3 }), el('text', { x: LEFT + w + 6, y: y + 15 }, number(value(r))));
	});
	return svg;
}

export async function reportsScreen(ctx) {
	const { refresh, go } = ctx;
	const [list, units] = await Promise.all([once(['reports']), unitItems().catch(() => [])]);
	const y = Number(today().slice(0, 4)), periods = [...halves(y), ...halves(y - 1)];
	const which = h('select', {}, list.map((r) => h('option', { value: r.name }, r.title)));
	const period = h('select', { onchange: () => { const p = periods[period.value]; if (p) { from.value = day(p[0]); to.value = day(p[1]); } } }, periods.map((p, i) => h('option', { value: i, selected: i === 2 }, p[2])));
	const from = textInput({ class: 'narrow', value: day(periods[2][0]) }), to = textInput({ class: 'narrow', value: day(periods[2][1]) });
	const unit = h('select', {}, h('option', { value: '' }, t('all-units')), units.map((u) => h('option', { value: u.value }, u.label)));
	const out = h('div', { 'aria-live': 'polite' });
	const args = () => [which.value, '--from', isoDay(from.value), '--to', isoDay(to.value), ...(unit.value ? ['--unit', unit.value] : [])];

	async function show() {
		fill(out, h('p', { class: 'soft' }, t('working')));
		try {
			const r = await run(['report', ...args()]);
			const first = r.columns.findIndex((c, i) => r.rows.some((row) => typeof row[i] === 'number'));
			const drawn = first > 0 ? r.rows.filter((row) => typeof row[first] === 'number' && row[first] > 0).slice(0, 20) : [];
			fill(out, h('h2', {}, r.title), h('p', { class: 'soft' }, t('from-to', day(r.from), day(r.to))), table(r.columns, r.rows.map((row) => row.map((c) => (c === null ? '' : c))), r.title),
				drawn.length > 1 ? h('figure', {}, h('figcaption', {}, r.columns[first]), bars(drawn, (row) => String(row.slice(0, first).filter(Boolean).join(': ')), (row) => row[first], r.columns[first])) : null,
				(r.notes || []).length ? h('ul', { class: 'soft' }, r.notes.map((n) => h('li', {}, n))) : null,
				r.open_conflicts ? h('p', { class: 'note' }, t('open-conflicts', number(r.open_conflicts))) : null,
				h('p', { class: 'row' }, ['xlsx', 'csv'].map((kind) => button(t('save-' + kind), () => take(kind))), button(t('print'), () => print()), button(t('save-public'), () => take('xlsx', true))));
		} catch (e) { fill(out, h('p', { class: 'note' }, e.text || e.message)); }
	}
	async function take(kind, open) {
		try {
			const reply = await call(['report', ...args(), '--out', which.value + '.' + kind, ...(open ? ['--public'] : [])]);
			say(reply.notes || t('clear-text'));
			reply.files.forEach(save);
		} catch (e) { say(e.text || e.message, true); }
	}

	// ---- reports that are sent ----
	const sent = h('div', {});
	const form = await once(['forms', 'show', 'report_submission']);
	const kinds = form.lists[form.fields.find((f) => f.name === 'kind').list] || [];
	const kindName = (code) => label(kinds.find((k) => k.code === code)) || code;
	const nameOf = (code) => (units.find((u) => u.value === code) || { label: code }).label;

	// The table chosen above, as it was frozen in a report.
	async function frozen(r) {
		try {
			const table_of = await run(['report', 'show', r.id, which.value]);
			fill(out, h('h2', {}, table_of.title), h('p', { class: 'soft' }, t('frozen-of', nameOf(r.unit), day(r.from), day(r.to))),
				table(table_of.columns, table_of.rows.map((row) => row.map((c) => (c === null ? '' : c))), table_of.title));
			out.scrollIntoView({ block: 'start' });
		} catch (e) { say(e.text || e.message, true); }
	}

	// The plans that ship with the program: whose deadlines and targets count here.
	async function plansThatShip() {
		const rows = await run(['plans']).catch(() => []);
		const add = async (p) => {
			try {
				await run(['plan', 'add', p.code]);
				say(t('plan-added'));
				await go('reports', {}, true);
			} catch (e) { say(e.text || e.message, true); }
		};
		return h('details', {}, h('summary', {}, t('plans-head')), h('div', { class: 'card rows' }, rows.map((p) => h('div', {}, h('span', {}, h('b', {}, p.code), h('span', { class: 'soft block' }, p.year)),
			h('span', {}, p.title, h('span', { class: 'soft block' }, p.issuer)), p.here ? h('span', { class: 'tag good' }, t('plan-here')) : button(t('plan-add'), () => add(p))))));
	}
	async function submissions() {
		const rows = await run(['report', 'submissions']).catch(() => null);
		const due = await run(['report', 'submissions', '--due']).catch(() => []);
		if (!rows) {
			fill(sent, h('p', { class: 'empty' }, t('submissions-none')));
			return;
		}
		const act = async (argv) => { try { await run(argv); await refresh(); await submissions(); } catch (e) { say(e.text || e.message, true); } };
		const back = async (r) => {
			const input = textInput({}), box = field(t('reason'), input);
			const reason = await ask(t('return-report'), box, [[t('return-report'), () => { if (input.value.trim()) return input.value.trim(); box.complain(t('reason-needed')); return undefined; }, 'main'], [t('no'), null]]);
			if (reason)
				act(['report', 'return', r.id, '--reason', reason]);
		};
		const missing = due.filter((d) => ['MISSING', 'OVERDUE', 'RETURNED'].includes(d.state));
		fill(sent, rows.length ? h('div', { class: 'card rows' }, rows.map((r) => h('div', {}, h('span', { class: 'tag' + (r.state === 'RETURNED' ? ' bad' : r.state === 'ACCEPTED' ? ' good' : '') }, has('sub-' + r.state) ? t('sub-' + r.state) : r.state),
			h('span', {}, `${r.plan} · ${kindName(r.kind)} · ${nameOf(r.unit)}`, h('span', { class: 'soft block' }, t('from-to', day(r.from), day(r.to)), ' · ', t('version-n', r.version || 1), (r.reasons || []).length ? ' · ' + r.reasons.join('; ') : '')),
			h('span', { class: 'row' }, r.state === 'SUBMITTED' && sends && r.unit !== ctx.status.unit ? [button(t('accept'), () => act(['report', 'accept', r.id]), 'main'), button(t('return-report'), () => back(r))] : null, button(t('show-frozen'), () => frozen(r)), button(t('open'), () => go('record', { id: r.id })))))) : h('p', { class: 'empty' }, t('submissions-none')),
		missing.length ? [h('h3', {}, t('missing-head')), h('ul', {}, missing.map((d) => h('li', {}, [d.plan, kindName(d.kind), d.unit_name || d.unit, d.last_day ? t('by-day', day(d.last_day)) : ''].filter(Boolean).join(' · '))))] : null);
	}
	async function submit() {
		const plans = await run(['list', 'plan', '--limit', 50, '--columns', 'code']).catch(() => []);
		const known = h('datalist', { id: fresh() }, [...new Set([...plans.map((p) => p.values.code), ...(await run(['plans']).catch(() => [])).map((p) => p.code)])].map((value) => h('option', { value })));
		const plan = textInput({ class: 'narrow' }), kind = h('select', {}, h('option', { value: '' }, ''), kinds.map((k) => h('option', { value: k.code }, label(k))));
		plan.setAttribute('list', known.id);
		plan.value = plans.length === 1 ? plans[0].values.code : '';
		const text = h('textarea', { rows: 6, spellcheck: false, autocomplete: 'off' }), to = textInput({});
		const yes = await ask(t('submit-head'), h('div', {}, h('p', {}, t('submit-more', from.value, to_day())), field(t('plan'), plan, t('plan-hint')), known, field(t('kind'), kind), field(t('receiver'), to), field(t('narrative'), text)), [[t('submit'), () => (plan.value.trim() && kind.value ? true : (say(t('submit-fill'), true), undefined)), 'main'], [t('no'), null]]);
		if (!yes)
			return;
		try {
			await run(['report', 'submit', plan.value.trim(), kind.value, '--from', isoDay(from.value), '--to', isoDay(to_day()), ...(unit.value ? ['--unit', unit.value] : []), ...(to.value ? ['--receiver', to.value] : []), ...(text.value.trim() ? ['--narrative', 'text'] : [])], text.value.trim() ? { texts: { text: text.value } } : {});
			say(t('submitted'));
			await refresh();
			await submissions();
		} catch (e) { say(e.text || e.message, true); }
	}
	const to_day = () => to.value;

	// a report is the office's to send
	const sends = ctx.status.role === 'supervisor';
	submissions();
	return h('div', {}, h('h1', { tabIndex: -1 }, t('nav-reports')), h('div', { class: 'row tools' }, field(t('table'), which), field(t('period'), period), field(t('from'), from), field(t('to'), to), field(t('unit'), unit)),
		h('p', { class: 'row' }, button(t('show-figures'), show, 'main'), sends ? button(t('submit-head'), submit) : null), out, h('h2', {}, t('sent-reports')), sent, sends ? await plansThatShip() : null);
}
