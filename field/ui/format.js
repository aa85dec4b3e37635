// Dates, numbers and names as people in Viet Nam write them, and back.
import { t, lang } from './words.js';

const two = (n) => String(n).padStart(2, '0');

// 2026-05-17 -> 17/05/2026, 2026-05 -> 05/2026, 1998 -> 1998
export const day = (iso) => iso ? iso.slice(0, 10).split('-').reverse().join('/') : '';

// 17/5/2026, 17.5.2026, 5/2026, 1998 -> ISO; anything else comes back as it is, for the form to say no to.
export function isoDay(text) {
	const s = text.trim();
	const m = s.match(/^(?:(?:(\d{1,2})[/.\- ])?(\d{1,2})[/.\- ])?(\d{4})$/);
	if (!m)
		return s;
	return [m[3], m[2] && two(m[2]), m[1] && two(m[1])].filter(Boolean).join('-');
}

// Viet Nam is seven hours ahead all the year; a formatter for every row of a list would take most of its time.
const HERE_MS = 7 * 3600000;
const local = (at) => new Date((typeof at === 'number' ? at * 1000 : Date.parse(at)) + HERE_MS).toISOString();

export const today = () => local(Date.now() / 1000).slice(0, 10);
export const addDays = (iso, n) => new Date(Date.parse(iso + 'T00:00:00Z') + n * 86400000).toISOString().slice(0, 10);
export const daysUntil = (iso) => Math.round((Date.parse(iso + 'T00:00:00Z') - Date.parse(today() + 'T00:00:00Z')) / 86400000);

// "14:05 hôm nay", "16:30 ngày 20/11/2026"
export function moment(at) {
	if (!at)
		return '';
	const when = local(at), time = when.slice(11, 16), iso = when.slice(0, 10);
	return iso === today() ? t('at-today', time) : t('at-day', time, day(iso));
}

const numbers = new Intl.NumberFormat('vi');
export const number = (n) => numbers.format(Number(n));
const letters = new Intl.Collator('vi');
export const byName = (a, b) => letters.compare(a, b);
export function size(bytes) {
	return bytes < 1000 ? number(bytes) + ' B' : bytes < 1e6 ? number(Math.round(bytes / 100) / 10) + ' kB' : number(Math.round(bytes / 1e5) / 10) + ' MB';
}

// Weekday and day, for a heading.
export function longDay(iso) {
	const d = new Date(iso + 'T12:00:00Z');
	const name = new Intl.DateTimeFormat(lang() === 'en' ? 'en' : 'vi', { weekday: 'long', timeZone: 'UTC' }).format(d);
	return name[0].toUpperCase() + name.slice(1) + ', ' + day(iso);
}

// Letters without their marks, for a search that needs none.
export const plain = (s) => s.toLowerCase().replace(/đ/g, 'd').normalize('NFD').replace(/[\u0300-\u036f]/g, '');

// Đ.T.H.: until somebody opens the record.
export const initials = (name) => name.split(/\s+/).filter(Boolean).map((w) => [...w][0].toUpperCase() + '.').join('');
export const short = (id) => id.split('.')[0].slice(-4).toUpperCase() + '-' + id.split('.')[1];

// Every code of the lists that forms have, in the language of the page.
export const label = (pair) => pair ? pair[lang()] || pair.vi || pair.en || '' : '';
