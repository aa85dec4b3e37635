// A worker's day in a real browser: from the invitation to the report.
import { T, PASS, ok, end, openPage, gone, browser, shot, axe, settled, nav, read, field, join } from './support.mjs';

const XSS = ['<img src=x onerror="window.hurt=1">', '"><script>window.hurt=1</script>', '\'-alert(1)-\'', '=cmd|calc', '</textarea><svg onload=window.hurt=1>', '{{7*7}}', 'javascript:window.hurt=1'];
const MARK = 'Dấu Vết Riêng Tư';
const home = join(T, 'lan');
let door = await openPage(home);
let { context, page, troubles, asked } = await browser(join(T, 'profile'));
const byLabel = (text) => page.locator('.q, .field', { has: page.locator('label, legend', { hasText: text }) }).locator('input, textarea').first();
const press = (name, exact) => page.getByRole('button', { name, exact: !!exact }).first().click();

// ---- joining ----
await page.goto(door.url);
await page.waitForSelector('input[type=file]');
ok(!page.url().includes('#'), 'the launch code has left the address');
await shot(page, 'join');
await axe(page, 'the welcome');
const began = Date.now();
await page.setInputFiles('input[type=file]', join(T, 'lan.invitation'));
await page.fill('input[type=text]', read('lan.code'));
for (const i of await page.locator('input[type=password]').all())
	await i.fill(PASS);
await press('Nhận máy vào tỉnh');
await page.waitForSelector('.code', { timeout: 120000 });
ok((await page.textContent('.code')).length > 20, 'the recovery code is shown, to be printed');
await shot(page, 'recovery');
await axe(page, 'the recovery sheet');
await press('Đã cất tờ mã');
await page.waitForSelector('.big button');
await settled(page);
await shot(page, 'today');
await axe(page, 'today');

// ---- the first record ----
await nav(page, 'Ghi mới');
await page.fill('main input', 'tu van');
await page.waitForFunction(() => document.querySelectorAll('main .rows > div').length < 6);
await shot(page, 'new');
await axe(page, 'the choice of a form');
await press('Ghi', true);
await page.waitForSelector('.form section');
await settled(page);
await press('Xem lại trước khi lưu');
await page.waitForSelector('.summary:not([hidden])');
ok((await page.textContent('.summary')).includes('Hãy nhập ngày thực hiện'), 'what is missing is said in words');
await shot(page, 'errors');
await axe(page, 'a form with errors');
await byLabel('Ngày thực hiện').fill('17/5/2026');
await byLabel('Xã, phường').fill('06184');
await page.keyboard.press('Tab');
await page.locator('.steps button', { hasText: 'Người được tư vấn' }).click();
await byLabel(/^Số nam/).fill('2');
await byLabel(/^Số nữ/).fill('3');
await page.waitForFunction(() => [...document.querySelectorAll('.worked')].some((x) => x.textContent.includes('5')));
ok(true, 'what is worked out is worked out while one types');
await page.locator('.steps button', { hasText: 'Kết quả' }).click();
await byLabel('Ghi chú').fill(XSS.join('\n'));
await press('Xem lại trước khi lưu');
await page.waitForSelector('dl.pairs');
await shot(page, 'look-over');
await axe(page, 'the summary');
await press('Lưu', true);
await page.waitForSelector('.tabs');
await settled(page);
ok((await page.textContent('main')).includes(XSS[0]), 'what was typed stands there as text');
await shot(page, 'record');
await axe(page, 'a record');

// ---- sync with a real server ----
await nav(page, 'Đồng bộ');
await shot(page, 'sync');
await axe(page, 'sync');
await press('Đồng bộ ngay');
await page.waitForSelector('.card.good, .note[role=alert]', { timeout: 60000 });
ok((await page.textContent('main')).includes('Máy chủ của tỉnh đã lưu') || (await page.textContent('main')).includes('chờ tỉnh chấp nhận'), 'the server has confirmed it', await page.textContent('main'));
ok(Date.now() - began < 120000, 'from the invitation to the first synced record in less than two minutes');
await shot(page, 'synced');

// ---- a person and a case, by keyboard alone ----
field(home, '--json', 'add', 'person', 'full_name=' + MARK + ' ' + XSS[0], 'sex=F', 'birth_date=1999-05', 'phone=0912345678', 'safe_contact_note=Chỉ gọi sau 18 giờ');
await page.keyboard.press('Alt+3');
await settled(page);
await page.locator('main select').first().selectOption('person');
await page.waitForSelector('main table');
const rows = await page.textContent('main table');
ok(!rows.includes(MARK), 'a list shows initials until somebody opens the record', rows);
await shot(page, 'list');
await axe(page, 'a list');
await page.locator('main table button').first().focus();
await page.keyboard.press('Enter');
await page.waitForSelector('.tabs');
await settled(page);
ok((await page.textContent('main')).includes(MARK), 'opened it shows the name');
ok(!(await page.title()).includes(MARK) && new URL(page.url()).pathname === '/', 'title and address say nothing');
await page.locator('.tabs button').first().focus();
await page.keyboard.press('ArrowRight');
await page.waitForFunction(() => document.querySelectorAll('.tabs button')[1].getAttribute('aria-selected') === 'true');
ok(true, 'tabs are turned by keys');

// ---- every screen ----
for (const name of ['Hồ sơ', 'Cần xem lại', 'Báo cáo', 'Cài đặt']) {
	await nav(page, name);
	await shot(page, name.normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/đ/gi, 'd').replace(/ /g, '-').toLowerCase());
	await axe(page, name);
}
await nav(page, 'Báo cáo');
await page.locator('main select').first().selectOption('b8');
await press('Xem số liệu');
await page.waitForSelector('main table');
ok((await page.locator('main table tbody tr').count()) > 3, 'a table stands in the page');
await shot(page, 'table');
await axe(page, 'a table');
const [saved] = await Promise.all([page.waitForEvent('download'), press('Lưu tệp Excel')]);
ok((await saved.path()) !== null && saved.suggestedFilename() === 'b8.xlsx', 'and is saved as a workbook');

// ---- narrow, large, English ----
await page.setViewportSize({ width: 400, height: 800 });
await nav(page, 'Hôm nay');
ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1), 'a narrow window needs no sideways scrolling');
await shot(page, 'narrow');
await page.setViewportSize({ width: 683, height: 384 });		// 1366 x 768 at 200 %
await nav(page, 'Ghi mới');
ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1), 'nor does 200 %');
await page.setViewportSize({ width: 1366, height: 768 });
await press('English');
await page.waitForFunction(() => document.documentElement.lang === 'en');
await nav(page, 'Today');
await shot(page, 'english');
ok(!/[ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/.test(await page.textContent('nav')), 'the rail is in English');
await press('Tiếng Việt');
await page.waitForFunction(() => document.documentElement.lang === 'vi');

// ---- a draft outlives a kill in the middle of typing ----
await nav(page, 'Ghi mới');
await page.fill('main input', 'tu van');
await page.waitForFunction(() => document.querySelectorAll('main .rows > div').length < 6);
await press('Ghi', true);
await page.waitForSelector('.form section');
await settled(page);
await byLabel('Thôn, bản').fill('Nà Lừa viết dở');
await page.waitForFunction(() => document.querySelector('.bar').textContent.includes('Đã lưu nháp'));
const pids = field(home, '--json', 'status') && door.child.pid;
door.child.kill('SIGKILL');
await gone(door.child);
await page.waitForSelector('.lone', { timeout: 30000 });
ok(!(await page.textContent('body')).includes('Nà Lừa'), 'a page whose program has gone shows nothing any more');
field(home, 'lock');
door = await openPage(home);
await page.goto(door.url);
await page.waitForSelector('input[type=password]');
await page.fill('input[type=password]', PASS);
await page.keyboard.press('Enter');
await page.waitForSelector('.big button');
await settled(page);
ok((await page.textContent('main')).includes('Đã lưu nháp'), 'what was begun waits on the first screen');
await press('Viết tiếp');
await page.waitForSelector('.form section');
await settled(page);
ok(await byLabel('Thôn, bản').inputValue() === 'Nà Lừa viết dở', 'with what was typed');
await shot(page, 'draft');

// ---- locked is locked ----
await nav(page, 'Danh sách');
await page.locator('main select').first().selectOption('person');
await page.waitForSelector('main table');
await page.locator('main table button').first().click();
await page.waitForSelector('.tabs');
await settled(page);
await page.keyboard.press('Alt+l');
await page.waitForSelector('input[type=password]');
ok(!(await page.content()).includes(MARK), 'after the lock nothing of it is in the page');
await page.goBack().catch(() => {});
ok(!(await page.content()).includes(MARK), 'nor behind the back button');
await page.goForward().catch(() => {});
ok(!(await page.content()).includes(MARK), 'nor in front of it');
await shot(page, 'locked');
await page.goto(door.url.split('/launch')[0] + '/');
await page.waitForSelector('input[type=password]');
ok(!(await page.evaluate(() => window.hurt)), 'nothing that was typed has run');
ok(asked.every((u) => u.startsWith('http://127.0.0.1:') || u.startsWith('data:') || u.startsWith('about:')), 'no other place was asked for anything', asked.filter((u) => !u.startsWith('http://127.0.0.1:')).join('\n'));
const bad = troubles.filter((x) => !/Failed to load resource|ERR_CONNECTION/.test(x));
ok(bad.length === 0, 'the console has nothing to say', bad.join('\n'));
await context.close();
door.child.kill('SIGTERM');
await gone(door.child);
end();
