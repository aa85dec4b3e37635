// How long a worker waits: what is pressed until it stands on the screen, as the page itself sees it.
// RECORDS, SLOW: what the table says; ROUNDS: how often.
import { T, BIN, PASS, openPage, gone, browser, settled, nav, join } from './support.mjs';
import { readFileSync, statSync, readdirSync } from 'node:fs';

const ROUNDS = Number(process.env.ROUNDS || 30), UNLOCKS = Math.max(3, Math.round(ROUNDS / 4));
const SLOW = Number(process.env.SLOW || 4);
const NAMES = ['nguyen', 'hoang thi', 'Đặng', 'nong van', 'lo thi'];
const home = join(T, 'lan');
const door = await openPage(home);
const { context, page } = await browser(join(T, 'profile'));

/*
 * In the page: presses, then waits until `stands` says that it is there, and the next picture is drawn.
 * What changes is watched, not asked for again and again, so that waiting costs nothing.
 */
await page.addInitScript(() => {
	window.bench = (act, stands) => new Promise((done, fail) => {
		const watch = new MutationObserver(() => look());
		const late = setTimeout(() => { watch.disconnect(); fail(new Error(`never came: ${stands}; on the screen: ${document.body.innerText}`)); }, 20000);
		let begun = 0;
		function look() {
			if (!stands())
				return;
			watch.disconnect();
			clearTimeout(late);
			requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun), 0));
		}
		watch.observe(document.documentElement, { subtree: true, childList: true, attributes: true, characterData: true });
		begun = performance.now();
		act();
	});
	const main = () => document.querySelector('main');
	const text = (all, words) => [...all].find((b) => b.textContent.trim().startsWith(words));
	window.at = {
		button: (words, where) => text((where || document).querySelectorAll('button'), words),
		rows: () => main().querySelector('tbody tr, .rows > div, .empty') && !main().querySelector('main > .soft'),
		loading: () => /Đang mở…|Đang làm…/.test(main().textContent),
	};
});
await page.goto(door.url);
await page.waitForSelector('input[type=password]');
const debug = await context.newCDPSession(page);
await debug.send('Emulation.setCPUThrottlingRate', { rate: SLOW });

console.log(`${''.padEnd(44)}${'half'.padStart(8)}${'95 %'.padStart(8)}${'times'.padStart(7)}${'aim'.padStart(8)}`);
function note(what, times, aim) {
	const all = times.slice().sort((a, b) => a - b), at = (p) => all[Math.min(all.length - 1, Math.floor(all.length * p))];
	console.log(`${what.padEnd(44)}${at(0.5).toFixed(0).padStart(5)} ms${at(0.95).toFixed(0).padStart(5)} ms${String(all.length).padStart(7)}${('< ' + aim).padStart(8)}`);
}
async function times(what, n, aim, once) {
	const all = [];
	for (let i = 0; i < n; i++)
		all.push(await once(i));
	note(what, all, aim);
}
// Who works looks at what came before pressing again; by then the page has counted anew what waits.
const LOOK_MS = 400;
let flying = 0, last = 0;
page.on('request', () => { flying += 1; });
for (const over of ['requestfinished', 'requestfailed'])
	page.on(over, () => { flying -= 1; last = Date.now(); });
const quiet = async () => {
	do
		await page.waitForTimeout(LOOK_MS / 8);
	while (flying > 0 || Date.now() - last < LOOK_MS);
};

// ---- unlocking; what a wrong passphrase takes is the stretching alone ----
const fillIn = (words) => page.fill('input[type=password]', words);
const unlock = () => page.evaluate(() => window.bench(() => document.querySelector('form').requestSubmit(), () => document.querySelector('.big button') !== null && !window.at.loading()));
await fillIn('khong phai mat khau nay');
const stretching = await page.evaluate(() => window.bench(() => document.querySelector('form').requestSubmit(), () => document.querySelector('.error:not([hidden])') !== null));
const unlocks = [];
for (let i = 0; i < UNLOCKS; i++) {
	await fillIn(PASS);
	unlocks.push(await unlock());
	await quiet();
	if (i + 1 < UNLOCKS) {
		await page.keyboard.press('Alt+l');
		await page.waitForSelector('input[type=password]');
	}
}
note('unlock to usable, without the stretching', unlocks.map((x) => Math.max(0, x - stretching)), 1000);

// ---- lists ----
const rail = (words) => page.evaluate((w) => window.bench(() => window.at.button(w, document.querySelector('nav')).click(),
	() => document.querySelector('nav .on')?.textContent.startsWith(w) && !window.at.loading() && window.at.rows()), words);
const away = async () => { await nav(page, 'Cài đặt'); await quiet(); };
await times('open the list of a form', ROUNDS, 100, async () => { await away(); return rail('Danh sách'); });
await away();
await rail('Danh sách');
const choose = (form) => page.evaluate((f) => window.bench(() => {
	const pick = document.querySelector('main select');
	pick.value = f;
	window.caption = document.querySelector('main caption');
	pick.dispatchEvent(new Event('change'));
}, () => document.querySelector('main caption') !== window.caption && window.at.rows()), form);
await times('another form in the list', ROUNDS, 100, async (i) => { await quiet(); return choose(['person', 'outreach', 'case', 'follow_up'][i % 4]); });

// ---- search, letter by letter ----
await choose('outreach');
await choose('person');
const keys = [];
for (const name of NAMES)
	for (let n = 1; n <= name.length; n++) {
		await quiet();
		keys.push(await page.evaluate((typed) => window.bench(() => {
			const input = document.querySelector('main input[type=text]');
			window.stood = document.querySelector('main [aria-live]').firstChild;
			input.value = typed;
			input.dispatchEvent(new Event('input'));
		}, () => document.querySelector('main [aria-live]').firstChild !== window.stood), name.slice(0, n)));
	}
note('search: a keystroke until what is found', keys, 100);

// ---- a case ----
const open = (i) => page.evaluate((n) => window.bench(() => document.querySelectorAll('main tbody th button')[n].click(),
	() => document.querySelector('.tabs') && !window.at.loading()), i);
async function records(what, form) {
	await times(what, ROUNDS, 100, async (i) => { await away(); await rail('Danh sách'); await choose(form); await quiet(); return open(i % 20); });
}
await records('open a case', 'case');
await records('open a person', 'person');

// ---- a record ----
const looks = [], saves = [], forms = [];
const byLabel = (text) => page.locator('.q, .field', { has: page.locator('label', { hasText: text }) }).locator('input').first();
const turn = (text) => page.locator('.steps button', { hasText: text }).click();
for (let i = 0; i < ROUNDS; i++) {
	await nav(page, 'Ghi mới');
	await page.fill('main input', 'tu van');
	await page.waitForFunction(() => document.querySelectorAll('main .rows > div').length < 6);
	await quiet();
	forms.push(await page.evaluate(() => window.bench(() => document.querySelector('main .rows button').click(), () => document.querySelector('.form section') && !window.at.loading())));
	await byLabel('Ngày thực hiện').fill('17/5/2026');
	await byLabel('Xã, phường').fill('06184');
	await turn('Người được tư vấn');
	await byLabel(/^Số nam/).fill('2');
	await byLabel(/^Số nữ/).fill(String(3 + i));
	await quiet();
	looks.push(await page.evaluate(() => window.bench(() => window.at.button('Xem lại trước khi lưu').click(), () => document.querySelector('dl.pairs'))));
	await quiet();
	saves.push(await page.evaluate(() => window.bench(() => window.at.button('Lưu').click(), () => document.querySelector('.tabs') && !window.at.loading())));
	await quiet();
}
note('open an empty form', forms, 100);
note('look over what was written', looks, 100);
note('save, until the record stands', saves, 100);
await rail('Hôm nay');

// ---- what it weighs ----
const peak = (pid) => Number((readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmHWM:\s+(\d+)/) || [])[1]) / 1024;
const started = readdirSync('/proc').filter((d) => /^\d+$/.test(d)).filter((pid) => {
	try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(home); } catch { return false; }
}).map(Number);
const weights = [['field open, at the most', peak(door.child.pid), 'MB', 64]];
for (const pid of started.filter((p) => p !== door.child.pid))
	weights.push(['keeper or porter, at the most', peak(pid), 'MB', 64]);
const ui = 'field/ui';
weights.push(['the page, uncompressed', readdirSync(ui).reduce((n, f) => n + statSync(join(ui, f)).size, 0) / 1000, 'kB', 150]);
weights.push(['field, stripped', statSync(join(T, 'stripped')).size / 1e6, 'MB', 3]);

console.log(`(the stretching itself, with 32 MiB and not slowed: ${stretching.toFixed(0)} ms)`);
for (const [what, n, unit, aim] of weights)
	console.log(`${what.padEnd(44)}${(n < 10 ? n.toFixed(1) : n.toFixed(0)).padStart(5)} ${unit}${('< ' + aim).padStart(22)}`);
await context.close();
door.child.kill('SIGTERM');
await gone(door.child);
