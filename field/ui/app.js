// The page: what is always in view, which screen stands, and what happens when the vault is locked.
import { h, fill, button, say } from './dom.js';
import { t, lang, speak } from './words.js';
import { run, once, state, on, forget, reasons } from './api.js';
import { moment, number } from './format.js';
import { unlockScreen } from './unlock.js';
import { todayScreen } from './today.js';
import { newScreen, listScreen } from './lists.js';
import { recordScreen } from './record.js';
import { casesScreen } from './cases.js';
import { reviewScreen } from './review.js';
import { syncScreen } from './sync.js';
import { reportsScreen } from './reports.js';
import { settingsScreen } from './settings.js';
import { unitsScreen } from './units.js';

const LOOK_MS = 5000, COUNT_MS = 300;
const BELOW = ['supervisor', 'holder'];

// name: [screen, key of its name in the rail, for whom]
const screens = {
	today: [todayScreen, 'nav-today'], make: [newScreen, 'nav-new'], lists: [listScreen, 'nav-lists'], cases: [casesScreen, 'nav-cases'],
	review: [reviewScreen, 'nav-review'], sync: [syncScreen, 'nav-sync'], reports: [reportsScreen, 'nav-reports'],
	units: [unitsScreen, 'nav-units', BELOW], settings: [settingsScreen, 'nav-settings'],
	record: [recordScreen, null],
};

let status = null, standing = null, open = false, counting = 0;
// Where the back button leads: the address says nothing, and what it would say is forgotten at the lock.
let way = [], at = -1;

const main = h('main', { id: 'main', tabIndex: -1 });
const top = h('header', { class: 'top' }), rail = h('nav', { 'aria-label': t('nav') });
const live = h('p', { id: 'say', class: 'toast', role: 'status', 'aria-live': 'polite' });

function truths() {
	const waiting = status.unsent, last = status.last_receipt;
	return h('div', { class: 'state' },
		h('span', {}, t('is-open')),
		h('span', {}, waiting === 0 ? t('none-waits') : t('waits', number(waiting))),
		h('span', {}, !last ? t('never-confirmed') : t(last.level === 'held' ? 'province-has' : 'server-has', moment(last.at))),
		button(lang() === 'vi' ? 'English' : 'Tiếng Việt', () => { speak(lang() === 'vi' ? 'en' : 'vi'); forget(); draw(); go(way[at].name, way[at].what, true); }),
		button(t('lock'), lock));
}

function draw() {
	fill(top, h('a', { class: 'skip', href: '#main', onclick: (ev) => { ev.preventDefault(); main.focus(); } }, t('skip')),
		h('b', {}, t('title')), h('span', { class: 'unit' }, status.unit_name || status.unit), truths());
	const counts = { review: status.conflicts + status.duplicates + (status.referrals || 0) + status.waiting, sync: status.unsent + status.quarantined };
	fill(rail, Object.entries(screens).filter(([, s]) => s[1] && (!s[2] || s[2].includes(status.role))).map(([name, s]) =>
		h('button', { type: 'button', class: way[at] && way[at].name === name ? 'on' : '', 'aria-current': way[at] && way[at].name === name ? 'page' : null,
			onclick: () => go(name) }, t(s[1]), counts[name] ? h('i', {}, number(counts[name])) : null)));
}

export async function refresh() {
	if (!open)
		return null;
	const [now, units] = await Promise.all([run(['status']), once(['units']).catch(() => [])]);
	if (!open)
		return null;		// it was locked meanwhile
	status = now;
	status.unit_name = (units.find((u) => u.code === status.unit) || {}).name;
	draw();
	return status;
}

async function show() {
	const { name, what } = way[at];
	if (standing && standing.leave)
		await standing.leave();
	standing = null;
	draw();
	fill(main, h('p', { class: 'soft' }, t('loading')));
	const mine = at;
	let made;
	try {
		made = await screens[name][0]({ go, refresh, back: () => history.back(), status, ...what });
	} catch (e) {
		made = h('div', {}, h('h1', { tabIndex: -1 }, t('went-wrong')), h('p', { class: 'note' }, e.text || e.message), button(t('nav-today'), () => go('today')));
	}
	if (mine !== at || !open)
		return;
	standing = made;
	fill(main, made, h('details', { class: 'help' }, h('summary', {}, t('help')), h('p', {}, t('help-' + name))));
	const head = main.querySelector('h1');
	(head || main).focus({ preventScroll: true });
	scrollTo(0, 0);
}

export async function go(name, what, stay) {
	if (stay) {
		way[at] = { name, what };
	} else {
		way = way.slice(0, at + 1);
		way.push({ name, what });
		at = way.length - 1;
		history.pushState({ at }, '');
	}
	await show();
	// what is counted around a screen must not keep the screen waiting: one command runs at a time
	clearTimeout(counting);
	counting = setTimeout(() => refresh().catch(() => {}), COUNT_MS);
}

addEventListener('popstate', (ev) => {
	if (!open)
		return;
	const to = ev.state && ev.state.at;
	if (to === undefined || !way[to]) {
		history.pushState({ at }, '');
		return;
	}
	at = to;
	show();
});

async function lock() {
	if (standing && standing.leave)
		await standing.leave();
	await run(['lock']).catch(() => {});
	closed();
}

// Nothing of what was shown stays: not on the page, not behind the back button.
async function closed() {
	open = false;
	status = standing = null;
	way = [];
	at = -1;
	forget();
	reasons.clear();
	document.querySelectorAll('dialog').forEach((d) => d.remove());
	fill(top);
	fill(rail);
	document.body.className = 'locked';
	const now = await state();
	fill(main, await unlockScreen(now, opened));
	const first = main.querySelector('input, button');
	if (first)
		first.focus();
}

async function opened() {
	open = true;
	document.body.className = '';
	await refresh();
	await go('today');
}

on.locked = () => { if (open) { closed(); say(t('was-locked')); } };
on.gone = () => {
	open = false;
	status = standing = null;
	document.querySelectorAll('dialog').forEach((d) => d.remove());
	fill(document.body, h('main', { class: 'lone' }, h('h1', {}, t('gone')), h('p', {}, t('gone-more'))));
};

document.body.append(top, h('div', { class: 'shell' }, rail, main), live);
document.documentElement.lang = lang();

// The keeper locks by itself: after a while, and when the computer has slept.
setInterval(async () => {
	const now = await state().catch(() => null);
	if (now && open && !now.open)
		on.locked();
}, LOOK_MS);

addEventListener('keydown', (ev) => {
	if (!open || !ev.altKey || ev.ctrlKey || ev.metaKey)
		return;
	const names = Object.keys(screens).filter((n) => screens[n][1]);
	const n = Number(ev.key);
	if (n >= 1 && n <= names.length) {
		ev.preventDefault();
		go(names[n - 1]);
	} else if (ev.key === 'l') {
		ev.preventDefault();
		lock();
	}
});

const now = await state().catch(() => null);
if (now && now.open)
	await opened();
else if (now)
	await closed();
