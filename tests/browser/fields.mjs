// What could hurt, in every field of every form; and a record written by keys alone.
import { T, PASS, ok, end, openPage, gone, browser, settled, field, writeFileSync, join, axe } from './support.mjs';

const XSS = ['<img src=x onerror="window.hurt=1">', '"><script>window.hurt=1</script>', '\'-alert(1)-\'', '</textarea><svg onload=window.hurt=1>', '</option></select><iframe srcdoc="<script>parent.hurt=1</script>">',
	'{{constructor.constructor("window.hurt=1")()}}', 'javascript:window.hurt=1', '=HYPERLINK("http://evil.example","x")', '&lt;b&gt;', '%3Cscript%3E', '\u202Etxt.exe', 'Đặng\u0000'.slice(0, 4)].join(' ');
const home = join(T, 'lan');
writeFileSync(join(T, 'lan.pass'), PASS + '\n', { mode: 0o600 });
field(home, '--code-file', join(T, 'lan.code'), '--passphrase-file', join(T, 'lan.pass'), 'join', join(T, 'lan.invitation'), '--kdf-memory', '32', '--recovery-file', join(T, 'lan.recovery'));
const door = await openPage(home);
const { context, page, troubles, asked } = await browser(join(T, 'profile'));

// ---- keys alone: from the passphrase to a record that is saved ----
await page.goto(door.url);
await page.waitForSelector('input[type=password]');
await page.keyboard.type(PASS);
await page.keyboard.press('Enter');
await page.waitForSelector('.big button');
await settled(page);
const focused = () => page.evaluate(() => { const e = document.activeElement; return [e.tagName, (e.innerText || '').trim(), (e.labels && e.labels[0] ? e.labels[0].innerText : e.getAttribute('aria-label') || '').trim(), getComputedStyle(e).outlineStyle].join('|'); });
async function tabTo(text, most = 80) {
	for (let i = 0; i < most; i++) {
		await page.keyboard.press('Tab');
		if ((await focused()).includes(text))
			return true;
	}
	return false;
}
await page.keyboard.press('Alt+2');
await page.waitForFunction(() => document.querySelector('nav button.on').textContent.startsWith('Ghi mới'));
await settled(page);
ok(await tabTo('Tìm biểu mẫu'), 'keys lead to the search of a form');
await page.keyboard.type('tu van');
await page.waitForFunction(() => document.querySelectorAll('main .rows > div').length < 6);
await page.keyboard.press('Tab');
await page.keyboard.press('Enter');
await page.waitForSelector('.form section');
await settled(page);
ok(await tabTo('Ngày thực hiện'), 'to the first question');
await page.keyboard.type('17/5/2026');
ok(await tabTo('Xã, phường'), 'to the commune');
await page.keyboard.type('dong dang');
await page.waitForSelector('.listbox:not([hidden]) li');
await page.keyboard.press('ArrowDown');
await page.keyboard.press('Enter');
ok(await tabTo('Tiếp theo'), 'to the next section');
ok((await focused()).endsWith('solid'), 'and one sees where one is', await focused());
await page.keyboard.press('Enter');
ok(await tabTo('Số nam'), 'to a number');
await page.keyboard.type('2');
ok(await tabTo('Số nữ'), 'and another');
await page.keyboard.type('3');
ok(await tabTo('Xem lại trước khi lưu'), 'to the end');
await page.keyboard.press('Enter');
await page.waitForSelector('dl.pairs');
ok(await tabTo('Lưu'), 'and to saving');
await page.keyboard.press('Enter');
await page.waitForSelector('.tabs');
await settled(page);
ok((await page.textContent('main')).includes('17/05/2026'), 'the record is written, by keys alone');

// ---- every field of every form ----
const forms = JSON.parse(field(home, '--json', 'forms'));
let fields = 0;
for (const f of forms) {
	const def = JSON.parse(field(home, '--json', 'forms', 'show', f.name)), answers = {};
	for (const x of def.fields)
		if (x.type !== 'note' && x.type !== 'calculate') {
			answers[x.name] = x.many || x.type === 'select_multiple' ? [XSS, '<b>' + x.name] : XSS;
			fields += 1;
		}
	writeFileSync(join(T, 'answers.json'), JSON.stringify({ answers }));
	const id = JSON.parse(field(home, '--json', 'draft', 'save', f.name, '--answers', join(T, 'answers.json'))).id;
	await page.keyboard.press('Alt+1');
	await page.waitForFunction(() => document.querySelector('nav button.on').textContent.startsWith('Hôm nay'));
	await settled(page);
	await page.locator('main .rows button', { hasText: 'Viết tiếp' }).first().click();
	await page.waitForSelector('.form section', { state: 'attached' });
	await settled(page);
	const hurt = await page.evaluate(() => [window.hurt, document.querySelectorAll('main iframe, main img, main script, main svg:not(.bars), main b').length]);
	if (hurt[0] || hurt[1])
		ok(false, f.name + ': what was typed has become a part of the page', hurt.join(' '));
	await page.keyboard.press('Alt+1');
	await page.waitForFunction(() => document.querySelector('nav button.on').textContent.startsWith('Hôm nay'));
	await settled(page);
	for (const d of JSON.parse(field(home, '--json', 'drafts')))
		field(home, 'draft', 'drop', String(d.id));
	if (!id)
		ok(false, f.name + ': no draft');
}
ok(fields > 400, `${fields} fields of ${forms.length} forms were filled with what could hurt, and it stayed text`, fields);
ok(asked.every((u) => u.startsWith('http://127.0.0.1:') || u.startsWith('data:') || u.startsWith('about:')), 'no other place was asked for anything', asked.filter((u) => !u.startsWith('http://127.0.0.1:')).join('\n'));
const bad = troubles.filter((x) => !/Failed to load resource|ERR_CONNECTION/.test(x));
ok(bad.length === 0, 'the console has nothing to say', bad.join('\n'));
await context.close();
door.child.kill('SIGTERM');
await gone(door.child);
end();
