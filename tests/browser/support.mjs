// What the tests of the page share: TAP, real programs, a real browser.
import { spawn, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(join(process.env.PAGE_MODULES, 'x.js'));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const T = process.env.PAGE_DIR, BIN = process.env.BIN, SCREENS = process.env.PAGE_SCREENS;
export const PASS = 'mot mat khau dai';

let n = 0, failed = 0;
export function ok(good, name, more) {
	n += 1;
	failed += good ? 0 : 1;
	console.log(`${good ? 'ok' : 'not ok'} ${n} - ${name}`);
	if (!good && more !== undefined)
		console.log('# ' + String(more).slice(0, 1500).replace(/\n/g, '\n# '));
	return good;
}
// The plan comes from `run`, which goes on counting.
export function end() {
	writeFileSync(join(T, 'count'), String(n));
	process.exit(failed ? 1 : 0);
}

export const field = (home, ...args) => execFileSync(join(BIN, 'field'), ['--home', home, '--lang', 'vi', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

// The page of a home: resolves with its process and the launch URL.
export function openPage(home) {
	return new Promise((done, fail) => {
		const child = spawn(join(BIN, 'field'), ['--home', home, 'open', '--no-browser'], { stdio: ['ignore', 'pipe', 'inherit'] });
		let text = '';
		child.stdout.on('data', (d) => {
			text += d;
			if (text.includes('\n'))
				done({ child, url: text.trim() });
		});
		child.on('exit', (code) => fail(new Error('field open ended: ' + code)));
	});
}
export const gone = (child) => new Promise((done) => { if (child.exitCode !== null || child.signalCode !== null) done(); else child.on('exit', done); });

export async function browser(profile, size) {
	mkdirSync(profile, { recursive: true });
	const context = await chromium.launchPersistentContext(profile, {
		executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu'], viewport: size || { width: 1366, height: 768 }, acceptDownloads: true, locale: 'vi-VN',
	});
	const page = context.pages()[0] || await context.newPage();
	page.setDefaultTimeout(30000);
	const troubles = [], asked = [];
	page.on('pageerror', (e) => troubles.push(e.message));
	page.on('console', (m) => { if (m.type() === 'error') troubles.push(m.text()); });
	page.on('request', (r) => asked.push(r.url()));
	page.on('dialog', (d) => { troubles.push('dialog ' + d.message()); d.dismiss(); });
	return { context, page, troubles, asked };
}

let shots = 0;
export async function shot(page, name) {
	mkdirSync(SCREENS, { recursive: true });
	shots += 1;
	await page.screenshot({ path: join(SCREENS, `${String(shots).padStart(2, '0')}-${name}.png`), fullPage: true });
}

// WCAG 2.2 AA as axe-core sees it.
export async function axe(page, name) {
	// evaluated by the debugger: the page itself loads no script but its own
	await page.evaluate(axeSource);
	const found = await page.evaluate(async () => (await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })).violations
		.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((x) => x.html.slice(0, 160)).join(' | ')));
	ok(found.length === 0, `axe has nothing to say about ${name}`, found.join('\n'));
}

// Waits until the screen that was asked for stands: its heading has the focus, and nothing is being opened.
export async function settled(page) {
	await page.waitForFunction(() => {
		const main = document.querySelector('main');
		return main && main.querySelector('h1') && !/Đang mở…|Opening…|Đang làm…|Working…|Đang tính|Working out/.test(main.textContent);
	});
}
export async function nav(page, name) {
	await page.locator('nav button', { hasText: name }).first().click();
	await page.waitForFunction((text) => { const on = document.querySelector('nav button.on'); return on && on.textContent.startsWith(text); }, name);
	await settled(page);
}
export const read = (name) => readFileSync(join(T, name), 'utf8').trim();
export { existsSync, writeFileSync, join };
