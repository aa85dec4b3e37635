// For those who answer for units below: who has not synced, what waits, and how each stands against its targets.
import { h, fill, button, table, field, textInput, say } from './dom.js';
import { t, has } from './words.js';
import { run } from './api.js';
import { moment, number, day, today, isoDay } from './format.js';
import { bars } from './reports.js';

const SILENT_DAYS = 14;

export async function unitsScreen({ go }) {
	const all = await run(['overview']);
	const rows = Array.isArray(all) ? all : all.units || [];
	const last = (u) => (u.devices || []).map((d) => d.last_at || d.last || '').filter(Boolean).sort().pop() || u.last || '';
	const days = (at) => (at ? Math.floor((Date.now() - Date.parse(at)) / 86400000) : null);
	const silent = rows.filter((u) => days(last(u)) === null || days(last(u)) >= SILENT_DAYS);
	const count = (v) => (typeof v === 'number' ? v : v && typeof v === 'object' ? Object.values(v).reduce((a, b) => a + (typeof b === 'number' ? b : 0), 0) : 0);
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
		silent.length ? [h('h2', {}, t('silent-head', SILENT_DAYS)), h('ul', {}, silent.map((u) => h('li', {}, u.name, ': ', last(u) ? moment(last(u)) : t('never'))))] : h('p', { class: 'empty' }, t('all-synced')),
		h('h2', {}, t('all-units')), table([t('unit'), t('last-seen'), t('n-conflicts'), t('n-duplicates'), t('n-quarantined')], rows.map((u) => [u.name || u.code, last(u) ? moment(last(u)) : t('never'), count(u.conflicts), count(u.duplicates), count(u.quarantined)]), t('all-units')),
		rows.some((u) => count(u.conflicts) + count(u.duplicates) > 0) ? h('figure', {}, h('figcaption', {}, t('open-work')), bars(rows.filter((u) => count(u.conflicts) + count(u.duplicates) > 0), (u) => u.name || u.code, (u) => count(u.conflicts) + count(u.duplicates), t('open-work'))) : null,
		h('h2', {}, t('indicators')), h('p', {}, button(t('show-figures'), targets, 'main')), chart);
}
