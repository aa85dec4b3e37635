// Two pictures of the page for README.md: today's screen, and a form in the middle of writing.
import { T, SCREENS, openPage, gone, browser, settled, join } from './support.mjs';

const door = await openPage(join(T, 'lan'));
const { context, page } = await browser(join(T, 'profile'));
const take = async (name) => { await page.evaluate(() => scrollTo(0, 0)); await page.screenshot({ path: join(SCREENS, name + '.png') }); };
await page.goto(door.url);
await page.fill('input[type=password]', process.env.PASS);
await page.keyboard.press('Enter');
await page.waitForSelector('.big button');
await settled(page);
await take('today');
await page.getByRole('button', { name: 'Viết tiếp' }).first().click();
await page.waitForSelector('.form section');
await settled(page);
await page.locator('.steps button', { hasText: 'Người được tư vấn' }).click();
for (const [label, value] of [[/^Số hộ/, '4'], [/^Số nam/, '5'], [/^Số nữ/, '9'], [/^Trong đó trẻ em/, '16']])
	await page.locator('.q, .field', { has: page.locator('label', { hasText: label }) }).locator('input').first().fill(value);
await page.waitForFunction(() => document.querySelector('.bar').textContent.includes('Đã lưu nháp'));
await page.waitForFunction(() => [...document.querySelectorAll('.worked')].some((x) => x.textContent.includes('14')));
await take('form');
await context.close();
door.child.kill('SIGTERM');
await gone(door.child);
