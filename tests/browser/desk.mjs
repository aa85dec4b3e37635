// Desks with real work: case workers', the office of a commune and that of the province.
import { T, ok, end, openPage, gone, browser, shot, axe, settled, nav, read, field, join } from './support.mjs';

const PHONE = '0912345678';
const desks = [];
async function desk(who) {
	const home = join(T, who), door = await openPage(home), b = await browser(join(T, 'profile-' + who));
	await b.page.goto(door.url);
	await b.page.waitForSelector('input[type=password], .big button');
	if (await b.page.locator('input[type=password]').count()) {
		await b.page.fill('input[type=password]', read(who + '.pass'));
		await b.page.keyboard.press('Enter');
	}
	await b.page.waitForSelector('.big button');
	await settled(b.page);
	const d = { who, home, door, ...b };
	d.press = (name, exact) => d.page.getByRole('button', { name, exact: !!exact }).first().click();
	d.main = () => d.page.textContent('main');
	d.has = (words) => d.page.waitForFunction((w) => document.querySelector('main').textContent.includes(w), words).then(() => true, () => false);
	d.look = async (name) => { await shot(d.page, who + '-' + name); await axe(d.page, `${who}: ${name}`); };
	d.row = (words) => d.page.locator('main .rows > div', { hasText: words }).first();
	d.list = async (form) => {
		await nav(d.page, 'Danh sách');
		await d.page.locator('main select').first().selectOption(form);
		await d.page.waitForSelector(`main table caption`);
		await d.page.waitForFunction(() => document.querySelector('main table tbody tr'));
		await settled(d.page);
	};
	// What stands between pressing a button and its question being answered.
	d.question = async (answer) => {
		await d.page.waitForSelector('dialog[open]');
		await answer(d.page.locator('dialog[open]'));
		await d.page.waitForSelector('dialog', { state: 'detached' });
		await settled(d.page);
	};
	d.opened = async () => { await d.page.waitForSelector('.tabs'); await settled(d.page); };
	d.tab = async (name) => { await d.page.locator('.tabs button', { hasText: name }).first().click(); await settled(d.page); };
	desks.push(d);
	return d;
}
const sync = (who) => field(join(T, who), '--json', 'sync');
const byLabel = (page, text) => page.locator('.q, .field', { has: page.locator('label, legend', { hasText: text }) }).locator('input, textarea').first();

// ---- two wrote different names: side by side, and a person decides ----
const lan = await desk('lan');
ok(await lan.page.locator('.tag.bad', { hasText: 'quá hạn' }).count() > 0, 'what is overdue stands on the first screen');
await lan.look('today');
await nav(lan.page, 'Cần xem lại');
const card = lan.page.locator('.card.pick-one').first();
ok((await card.textContent()).includes('Đặng Thị Hoà') && (await card.textContent()).includes('Đặng Thị Hoa') && (await card.textContent()).includes('Hoàng Văn Minh'), 'both names stand there, with who wrote them');
ok(await card.locator('input:checked').count() === 0, 'and none is chosen beforehand');
await lan.look('review');
await lan.press('Lưu lựa chọn');
ok((await lan.page.textContent('#say')).includes('Hãy chọn một nội dung'), 'nothing is settled without a choice');
await card.locator('label', { hasText: 'Đặng Thị Hoà' }).click();
await lan.press('Lưu lựa chọn');
ok(await lan.has('Không có gì ghi khác nhau'), 'then it is');

// ---- one person, twice ----
ok((await lan.main()).includes('cùng số điện thoại'), 'why two may be one is said');
await lan.press('Là cùng một người');
await lan.question(async (q) => { await q.getByRole('button', { name: 'Đồng ý' }).click(); ok((await q.textContent()).includes('Hãy ghi lý do'), 'a link takes a reason'); await q.locator('input').fill('Đã hỏi trưởng thôn'); await q.getByRole('button', { name: 'Đồng ý' }).click(); });
ok(await lan.has('Không có ai bị trùng'), 'the pair is decided');
await lan.page.locator('main summary', { hasText: 'Đã quyết định' }).click();
ok(await lan.page.locator('.tag.good', { hasText: 'Là cùng một người' }).count() === 1, 'and can be decided again');
await lan.look('decided');

// ---- from the person to the case, and how to call before whom to call ----
await lan.list('person');
await lan.page.fill('main .tools input', 'hoa');
await lan.page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 1);
await lan.page.locator('main table button').first().click();
await lan.opened();
await lan.tab('Hồ sơ hỗ trợ');
await lan.look('person');
await lan.row('HS/2026/1').getByRole('button').click();
await lan.page.waitForSelector('.contact');
await lan.opened();
const contact = await lan.page.textContent('.contact');
ok(contact.includes('Được liên hệ') && contact.indexOf('Chỉ gọi sau 18 giờ') >= 0 && contact.indexOf('Chỉ gọi sau 18 giờ') < contact.indexOf(PHONE), 'how to call stands before whom to call');
ok(!(await lan.page.getByText(PHONE).isVisible()), 'the telephone is not shown yet');
await lan.press('Hiện họ tên và số điện thoại');
ok(await lan.page.getByText(PHONE).isVisible(), 'until it is asked for');
ok(await lan.page.locator('.tabs button').count() < 12, 'a case has as many tabs as it has kinds of records');
await lan.look('case');

// ---- a follow-up ----
await lan.tab('Ghi thêm');
await lan.look('more');
await lan.row('Theo dõi sau hỗ trợ').getByRole('button').click();
await lan.page.waitForSelector('.form section');
await settled(lan.page);
await lan.look('follow-up');
await byLabel(lan.page, 'Ngày đã thực hiện').fill('20/11/2026');
await lan.press('Xem lại trước khi lưu');
await lan.page.waitForSelector('dl.pairs');
await lan.look('follow-up-summary');
await lan.press('Lưu', true);
await lan.opened();
ok((await lan.page.textContent('h1')).includes('Theo dõi sau hỗ trợ'), 'the follow-up is there');

// ---- deleted, and taken back ----
await lan.press('Xóa', true);
await lan.question(async (q) => { await q.locator('input').fill('ghi nhầm ngày'); await q.getByRole('button', { name: 'Đồng ý' }).click(); });
ok(await lan.has('Bản ghi này đã bị xóa'), 'a record is deleted for a reason');
await lan.press('Khôi phục');
ok(await lan.page.getByRole('button', { name: 'Xóa', exact: true }).waitFor().then(() => true), 'and taken back');
await lan.opened();
await lan.tab('Lịch sử');
await lan.look('history');

// ---- referred with consent, and accepted by the other commune ----
await lan.list('case');
await lan.page.locator('main table button').first().click();
await lan.opened();
ok(await lan.page.locator('.tabs button', { hasText: 'Theo dõi sau hỗ trợ' }).count() === 1, 'the case has it among its own');
await lan.press('Chuyển tuyến');
await lan.page.waitForSelector('dialog[open]');
await lan.look('refer');
await lan.question(async (q) => {
	await q.locator('input[role=combobox]').fill('quoc khanh');
	await q.locator('li[role=option]', { hasText: 'Quốc Khánh' }).click();
	await q.locator('label', { hasText: 'đơn vị này vẫn phụ trách' }).click();
	await q.getByRole('button', { name: 'Chuyển', exact: true }).click();
});
ok(await lan.page.waitForFunction(() => document.getElementById('say').textContent.includes('Đã chuyển')).then(() => true, () => false), 'it is sent with the consent on record');
await nav(lan.page, 'Hồ sơ');
ok((await lan.row('Quốc Khánh').textContent()).includes('đang chờ trả lời'), 'and waits for an answer');
sync('lan');
sync('thu');
const thu = await desk('thu');
await nav(thu.page, 'Hồ sơ');
await thu.look('referral');
await thu.row('chuyển đến').getByRole('button', { name: 'Tiếp nhận' }).click();
ok(await thu.has('đã tiếp nhận'), 'the other commune accepts it');
await thu.row('chuyển đến').getByRole('button', { name: 'Mở' }).click();
await thu.opened();
await thu.look('accepted');

// ---- a bundle out, and in ----
await nav(lan.page, 'Đồng bộ');
const [bundle] = await Promise.all([lan.page.waitForEvent('download'), lan.press('Ghi gói ra thẻ nhớ')]);
ok(bundle.suggestedFilename() === 'field.bundle', 'a bundle is written');
const minh = await desk('minh');
await nav(minh.page, 'Đồng bộ');
await minh.page.setInputFiles('main input[type=file]', await bundle.path());
ok(await minh.has('Đã nhận gói'), 'and taken in on another laptop', await minh.main());
await minh.look('bundle');
await minh.list('follow_up');
await minh.page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 1, null, { timeout: 10000 }).catch(() => {});
ok(await minh.page.locator('main tbody tr').count() === 1, 'with what was recorded on the first', await minh.main());

// ---- a sheet is tried before it is imported ----
await nav(minh.page, 'Cài đặt');
await minh.page.locator('summary', { hasText: 'Nhập từ bảng tính' }).click();
await minh.page.locator('main details[open] select').selectOption('person');
for (const [name, words] of [['bad', 'Chưa có gì được nhập'], ['good', 'Sẽ thêm 2 bản ghi']]) {
	await minh.page.setInputFiles('main details[open] input[type=file]', join(T, name + '.csv'));
	await minh.press('Kiểm tra thử');
	ok(await minh.has(words), `a sheet that is ${name} is tried`, await minh.main());
	await minh.look('sheet-' + name);
}
ok(!(await minh.main()).includes('undefined'), 'every cell is said');

// ---- the commune's report: seen, frozen, sent ----
sync('lan');
sync('commune');
const commune = await desk('commune');
await nav(commune.page, 'Báo cáo');
await commune.page.locator('summary', { hasText: 'Các kế hoạch có sẵn' }).click();
await commune.row('LS-2023').getByRole('button', { name: 'Áp dụng' }).click();
await commune.page.waitForFunction(() => document.getElementById('say').textContent.includes('Đã ghi kế hoạch'));
await settled(commune.page);
await commune.page.locator('summary', { hasText: 'Các kế hoạch có sẵn' }).click();
ok((await commune.row('LS-2023').textContent()).includes('đang áp dụng'), 'a plan that ships is put to use');
await commune.look('plans');
await commune.press('Xem số liệu');
await commune.page.waitForSelector('main table');
await commune.look('report');
await commune.press('Chốt và gửi báo cáo');
await commune.page.waitForSelector('dialog[open]');
await commune.look('submit');
await commune.question(async (q) => { await q.locator('select').selectOption('M6'); await q.locator('textarea').fill('Không có vướng mắc.'); await q.getByRole('button', { name: 'Chốt và gửi', exact: true }).click(); });
ok(await commune.row('đã gửi').waitFor().then(() => true, () => false), 'the report is frozen', await commune.main());
await commune.row('đã gửi').getByRole('button', { name: 'Xem biểu đã chốt' }).click();
ok(await commune.has('số liệu đã chốt'), 'its tables can be looked at');
await commune.look('frozen');
sync('commune');
sync('chief');

// ---- the province: units, what was set aside, reports ----
const chief = await desk('chief');
await chief.look('today');
await nav(chief.page, 'Đơn vị cấp dưới');
ok(/Đồng Đăng *3/.test(await chief.page.locator('main table tr', { hasText: 'Đồng Đăng' }).first().textContent()), 'a unit stands there with its laptops in use', await chief.main());
await chief.press('Xem số liệu');
await settled(chief.page);
await chief.look('units');
await nav(chief.page, 'Đồng bộ');
await chief.press('Cho nhận');
await chief.page.waitForSelector('dialog[open]');
ok((await chief.page.textContent('dialog')).includes('Gặp ở chợ phiên') && (await chief.page.textContent('dialog')).includes('Họp thôn Nà Lầu'), 'what was set aside is shown in words before it is released');
await chief.look('release');
await chief.question(async (q) => { await q.getByRole('button', { name: 'Cho nhận' }).click(); });
await chief.page.waitForFunction(() => !document.querySelector('main').textContent.includes('Được giữ riêng'));
ok((await field(chief.home, '--json', 'search', 'Nà Lầu')).includes('awareness_session'), 'and counts then');
await nav(chief.page, 'Báo cáo');
await chief.row('đã gửi').getByRole('button', { name: 'Trả lại' }).click();
await chief.question(async (q) => { await q.locator('input').fill('Thiếu một trường hợp'); await q.getByRole('button', { name: 'Trả lại' }).click(); });
ok(await chief.has('Thiếu một trường hợp'), 'a report is returned with the reason');
await chief.look('returned');
sync('chief');
sync('commune');
await nav(commune.page, 'Báo cáo');
ok(await commune.has('Thiếu một trường hợp'), 'which the commune reads');
await commune.press('Chốt và gửi báo cáo');
await commune.question(async (q) => { await q.locator('select').selectOption('M6'); await q.getByRole('button', { name: 'Chốt và gửi', exact: true }).click(); });
await commune.row('đã gửi').waitFor();
sync('commune');
sync('chief');
await nav(chief.page, 'Báo cáo');
await chief.row('đã gửi').getByRole('button', { name: 'Tiếp nhận' }).click();
ok(await chief.row('đã tiếp nhận').waitFor().then(() => true, () => false), 'the next version is accepted');

// ---- another unit's case: for a reason ----
await chief.list('case');
await chief.page.locator('main table button').first().click();
await chief.page.waitForSelector('dialog[open]');
ok(!(await chief.page.content()).includes('Đặng Thị Ho'), 'nothing of it is shown before a reason was given');
await chief.look('why');
await chief.question(async (q) => { await q.getByRole('button', { name: 'Không', exact: true }).click(); });
ok(await chief.has('chỉ mở khi có lý do'), 'without one it stays closed');
await chief.press('Quay lại');
await settled(chief.page);
await chief.list('case');
await chief.page.locator('main table button').first().click();
await chief.question(async (q) => { await q.locator('label', { hasText: 'Giám sát' }).click(); await q.getByRole('button', { name: 'Mở', exact: true }).click(); });
await chief.opened();
const log = JSON.parse(field(chief.home, '--json', 'access'));
ok(log.some((x) => x.reason === 'SUPERVISE') && !log.some((x) => x.reason === '-'), 'with one it is opened, and the access log has the reason and no line without', JSON.stringify(log));
await chief.look('case');

for (const d of desks) {
	const bad = d.troubles.filter((x) => !/Failed to load resource/.test(x));
	ok(bad.length === 0, `${d.who}: the console has nothing to say`, bad.join('\n'));
	ok(d.asked.every((u) => /^(http:\/\/127\.0\.0\.1:|data:|about:|blob:)/.test(u)), `${d.who}: no other place was asked for anything`);
	await d.context.close();
	d.door.child.kill('SIGTERM');
	await gone(d.door.child);
}
end();
