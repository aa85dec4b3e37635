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

const local = (at) => new Date(typeof at === 'number' ? at * 1000 : at);
const parts = (at) => Object.fromEntries(new Intl.DateTimeFormat('en-GB', {
	timeZone: 'Asia/Ho_Chi_Minh', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
}).formatToParts(local(at)).map((p) => [p.type, p.value]));

export const today = () => { const p = parts(Date.now() / 1000); return `${p.year}-${p.month}-${p.day}`; };
export const addDays = (iso, n) => new Date(Date.parse(iso + 'T00:00:00Z') + n * 86400000).toISOString().slice(0, 10);
export const daysUntil = (iso) => Math.round((Date.parse(iso + 'T00:00:00Z') - Date.parse(today() + 'T00:00:00Z')) / 86400000);

// "14:05 hôm nay", "16:30 ngày 20/11/2026"
export function moment(at) {
	if (!at)
		return '';
	const p = parts(at), time = `${p.hour}:${p.minute}`, iso = `${p.year}-${p.month}-${p.day}`;
	return iso === today() ? t('at-today', time) : t('at-day', time, `${p.day}/${p.month}/${p.year}`);
}

export const number = (n) => Number(n).toLocaleString('vi');
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
