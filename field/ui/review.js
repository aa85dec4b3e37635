// What two people wrote differently, and who may be one person: side by side, and nothing chosen beforehand.
import { h, fill, button, link, choice, field, textInput, say, ask } from './dom.js';
import { t, has } from './words.js';
import { run, once } from './api.js';
import { day, label, moment, number, short } from './format.js';
import { shown } from './form.js';

async function conflictCard(c, { go, refresh }) {
	const def = await once(['forms', 'show', c.form]);
	const f = def.fields.find((x) => x.name === c.field) || { label: { vi: c.field, en: c.field } };
	const head = h('p', {}, label(def.title), ' ', link(short(c.id), () => go('record', { id: c.id })), ' · ', h('b', {}, label(f.label)));
	if (c.breach)
		return h('div', { class: 'card pick-one' }, head, h('p', { class: 'note' }, c.breach), h('p', {}, button(t('change'), () => go('make', { form: c.form, id: c.id }), 'main')));
	const own = textInput({});
	const pick = choice(t('which-holds'), [...c.values.map((v) => [v.k, shown(def, f, String(v.value)) || t('cleared'), t('by-at', v.by, moment(v.at))]), ['', t('write-third')]], null, () => {}, 'choice two');
	const third = field(t('write-third'), own);
	const press = button(t('settle'), async () => {
		const chosen = pick.querySelector('input:checked');
		if (!chosen || (chosen.value === '' && !own.value.trim())) {
			say(t('choose-first'), true);
			return;
		}
		try {
			await run(['resolve', c.id, c.field, ...(chosen.value ? ['--pick', chosen.value] : ['--value', own.value.trim()]), '--seen', c.seen]);
			say(t('settled-now'));
			await refresh();
			await go('review', {}, true);
		} catch (e) { say(e.text || e.message, true); }
	}, 'main');
	return h('div', { class: 'card pick-one' }, head, pick, third, f.sensitivity && f.sensitivity !== 'PUB' ? h('p', { class: 'note' }, t('ask-first')) : null, h('p', { class: 'row' }, press, h('span', { class: 'soft' }, t('later-fine'))));
}

function personCard(p, go) {
	return h('div', { class: 'card side' }, h('h3', {}, p.name || p.headline || short(p.id)), h('p', { class: 'soft' }, [day(p.birth_date), p.unit].filter(Boolean).join(' · ')), link(t('open'), () => go('record', { id: p.id })));
}

function pairCard(p, { go, refresh }) {
	const decide = async (what) => {
		const input = textInput({}), box = field(t('reason'), input);
		const reason = await ask(t(what === 'link' ? 'one-person' : 'two-persons'), box, [[t('yes-do'), () => { if (input.value.trim()) return input.value.trim(); box.complain(t('reason-needed')); return undefined; }, 'main'], [t('no'), null]]);
		if (!reason)
			return;
		try {
			await run([what, p.a.id, p.b.id, '--reason', reason]);
			await refresh();
			await go('review', {}, true);
		} catch (e) { say(e.text || e.message, true); }
	};
	const ground = (g) => (typeof g === 'string' ? g : g.text || g.label || g.code);
	return h('div', { class: 'card pick-one' }, h('div', { class: 'two' }, personCard(p.a, go), personCard(p.b, go)),
		p.score === undefined ? null : h('p', {}, t('alike', number(p.score)), ': ', (p.grounds || []).map(ground).join('; '), (p.against || []).length ? h('span', { class: 'soft block' }, t('against'), ': ', p.against.map(ground).join('; ')) : null),
		h('p', { class: 'row' }, p.state === 'linked' ? h('span', { class: 'tag good' }, t('one-person')) : button(t('one-person'), () => decide('link')), p.state === 'dismissed' ? h('span', { class: 'tag' }, t('two-persons')) : button(t('two-persons'), () => decide('unlink'))));
}

export async function reviewScreen(ctx) {
	const [conflicts, pairs, settled, all] = await Promise.all([run(['conflicts']), run(['duplicates', '--limit', 20]).catch(() => []), run(['conflicts', '--settled']).catch(() => []), run(['duplicates', '--decided']).catch(() => [])]);
	const cards = await Promise.all(conflicts.slice(0, 30).map((c) => conflictCard(c, ctx)));
	const decided = all.filter((p) => p.link && !pairs.some((x) => x.link === p.link));
	const undo = async (c) => { await ctx.go('record', { id: c.id }); };
	return h('div', {}, h('h1', { tabIndex: -1 }, t('nav-review')), h('p', {}, t('review-more')),
		h('h2', {}, t('n-conflicts'), ' (', number(conflicts.length), ')'), cards.length ? cards : h('p', { class: 'empty' }, t('no-conflicts')),
		conflicts.length > cards.length ? h('p', { class: 'soft' }, t('more-after', number(conflicts.length - cards.length))) : null,
		h('h2', {}, t('n-duplicates'), ' (', number(pairs.length), ')'), pairs.length ? pairs.map((p) => pairCard(p, ctx)) : h('p', { class: 'empty' }, t('no-duplicates')),
		decided.length ? h('details', {}, h('summary', {}, t('decided-pairs'), ' (', number(decided.length), ')'), decided.map((p) => pairCard(p, ctx))) : null,
		settled.length ? h('details', {}, h('summary', {}, t('settled-by-rule'), ' (', number(settled.length), ')'), h('div', { class: 'card rows' }, await Promise.all(settled.slice(0, 50).map(async (c) => {
			const def = await once(['forms', 'show', c.form]), f = def.fields.find((x) => x.name === c.field);
			return h('div', {}, h('span', { class: 'soft' }, label(def.title)), h('span', {}, f ? label(f.label) : c.field, ': ', (c.values || []).map((v) => (f ? shown(def, f, String(v.value)) : v.value)).join(' · ')), button(t('open'), () => undo(c)));
		})))) : null);
}
