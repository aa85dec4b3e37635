// For those who answer for units below: who has not synced, what waits, and how each stands against its targets.
import { h, fill, button, table, field, textInput, say } from './dom.js';
import { t, has } from './words.js';
import { run } from './api.js';
import { moment, number, day, today, isoDay } from './format.js';
import { bars } from './reports.js';

const SILENT_DAYS = 14;

export async function unitsScreen({ go }) {
	const rows = await run(['overview']);
	const working = (u) => u.devices.filter((d) => !d.retired);
	const silent = rows.flatMap((u) => working(u).filter((d) => d.days === null || d.days >= SILENT_DAYS).map((d) => ({ unit: u.name, ...d })));
	const open = (u) => u.conflicts.open + u.duplicates.open;
	// how many wait, and how many of them for too long
	const waits = (v) => (v.month ? t('of-them-month', number(v.open), number(v.month)) : v.open);
	const chart = h('div', {});
	async function targets() {
		const y = today().slice(0, 4);
		fill(chart, h('p', { class: 'soft' }, t('working')));
		try {
			const r = await run(['report', 'b16', '--from', y + '-01-01', '--to', today()]);
			fill(chart, h('h2', {}, r.title), table(r.columns, r.rows.map((row) => row.map((c) => (c === null ? '' : c))), r.title));
		} catch (e) { fill(chart, h('p', { class: 'note' }, e.text || e.message)); }
	}
	return h('div', {}, h('h1', { tabIndex: -1 }, t('nav-units')),
		silent.length ? [h('h2', {}, t('silent-head', SILENT_DAYS)), h('ul', {}, silent.map((d) => h('li', {}, d.unit, ' · ', d.name, ': ', d.last ? moment(d.last) : t('never'))))] : h('p', { class: 'empty' }, t('all-synced')),
		h('h2', {}, t('all-units')), table([t('unit'), t('devices'), t('last-seen'), t('n-conflicts'), t('n-duplicates'), t('n-quarantined')], rows.map((u) => [u.name, working(u).length, u.last ? moment(u.last) : t('never'), waits(u.conflicts), waits(u.duplicates), u.aside]), t('all-units')),
		rows.some((u) => open(u) > 0) ? h('figure', {}, h('figcaption', {}, t('open-work')), bars(rows.filter((u) => open(u) > 0), (u) => u.name, open, t('open-work'))) : null,
		h('h2', {}, t('indicators')), h('p', {}, button(t('show-figures'), targets, 'main')), chart);
}
