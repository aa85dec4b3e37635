// Any form of the province, drawn from its definition.  What is asked next, what is wrong and what is worked out
// is said by the program (`try`); the page only shows it.
import { h, fill, button, say, field as fieldBox, fresh } from './dom.js';
import { t, lang } from './words.js';
import { run, once, Trouble } from './api.js';
import { day, label, number } from './format.js';
import { control } from './controls.js';

const TRY_MS = 120, KEEP_MS = 500, WHOLE = 10;

const empty = (v) => v === '' || v === undefined || (Array.isArray(v) && v.length === 0);
const same = (a, b) => JSON.stringify(empty(a) ? '' : a) === JSON.stringify(empty(b) ? '' : b);

// What a value is called: the label of a code, a day as people write it.
export function shown(def, f, v) {
	if (empty(v))
		return '';
	if (Array.isArray(v))
		return v.map((x) => shown(def, f, x)).join('; ');
	const code = f.list && (def.lists[f.list] || []).find((o) => o.code === v);
	return code ? label(code) : f.type === 'date' ? day(v) : f.type === 'integer' || f.type === 'decimal' ? (isNaN(v) ? v : number(v)) : v;
}

// Values of a record as the form has them.
export function stored(def, record) {
	const out = {};
	for (const f of def.fields) {
		const r = record.fields[f.name];
		if (r && (f.many || f.type === 'select_multiple'))
			out[f.name] = r.values.map((x) => x.value);
		else if (r && r.value !== '' && r.value !== null)
			out[f.name] = String(r.value);
	}
	return out;
}

function pairs(def, answers, base) {
	const out = [];
	for (const f of def.fields) {
		const v = answers[f.name];
		if (f.type === 'note' || f.type === 'calculate' || v === undefined || (base && same(v, base[f.name])) || (!base && empty(v)))
			continue;
		if (empty(v))
			out.push(f.name + '=');
		else
			for (const x of [].concat(v))
				out.push(f.name + '=' + x);
	}
	return out;
}

/*
 * spec: form, and id + seen of a record to change, or preset {name: value}, or draft {id, answers, of}.
 * back(): left without saving; done(id): saved.
 */
export async function formScreen(spec, back, done) {
	const def = await once(['forms', 'show', spec.form]);
	const record = spec.id ? await run(['show', spec.id]) : null;
	const base = record ? stored(def, record) : null;
	const answers = { ...(base || {}), ...(spec.preset || {}), ...(spec.draft ? spec.draft.answers : {}) };
	const seen = (spec.draft && spec.draft.seen) || (record && record.seen);
	let draft = spec.draft ? spec.draft.id : null;
	const rows = new Map(), touched = new Set(Object.keys(spec.preset || {}));
	let verdict = null, asked = false, tryTimer = 0, keepTimer = 0, turn = 0, ended = false, keeping = Promise.resolve();

	const summary = h('div', { class: 'summary', role: 'alert', tabIndex: -1, hidden: true });
	const kept = h('span', { class: 'soft', 'aria-live': 'polite' });
	const body = h('div', {}), steps = h('ol', { class: 'steps' });
	const before = button(t('before'), () => step(-1)), after = button(t('after'), () => step(1));
	let at = 0, sections = [];

	// irrelevant answers stay on the screen of who wrote them, and are not saved
	const relevant = (f) => !verdict || !verdict.fields[f.name] || verdict.fields[f.name].relevant;
	const toSave = () => Object.fromEntries(def.fields.filter((f) => f.name in answers).map((f) =>
		[f.name, relevant(f) ? answers[f.name] : '']));

	function show() {
		for (const [name, row] of rows) {
			const v = verdict.fields[name];
			if (!v)
				continue;
			row.el.hidden = !v.relevant;
			row.need.hidden = !v.required;
			if (row.c.offer && v.offers)
				row.c.offer(v.offers);
			if (row.output)
				row.output.textContent = v.value ? shown(def, row.f, String(v.value)) : '–';
			row.complain((asked || touched.has(name)) && v.errors && v.errors.length ? v.errors[0] : '');
			row.warn((v.warnings || []).join(' '));
		}
		turnTo(at);
	}

	// A long form is filled in section by section; those without a question that applies are passed over.
	const applies = (s) => [...s.querySelectorAll('.q')].some((q) => !q.hidden);
	const wrong = (s) => s.querySelector('.wrong') !== null;
	function turnTo(n) {
		at = n;
		const whole = rows.size <= WHOLE;
		sections.forEach((s, i) => { s.hidden = !applies(s) || (!whole && i !== at); });
		steps.hidden = whole;
		before.hidden = whole || next(-1) < 0;
		after.hidden = whole || next(1) < 0;
		after.className = 'main';
		fill(steps, sections.map((s, i) => (applies(s) ? h('li', {}, button([s.name, wrong(s) ? h('span', { class: 'tag bad' }, t('to-mend-short')) : null], () => turnTo(i), i === at ? 'link on' : 'link')) : null)));
		[...steps.children].forEach((li) => { const b = li.firstChild; if (b.classList.contains('on')) b.setAttribute('aria-current', 'step'); });
	}
	function next(way) {
		for (let i = at + way; i >= 0 && i < sections.length; i += way)
			if (applies(sections[i]))
				return i;
		return -1;
	}
	function step(way) {
		const to = next(way);
		if (to < 0)
			return;
		turnTo(to);
		steps.scrollIntoView({ block: 'start' });
		const first = sections[to].querySelector('h2');
		if (first)
			first.focus();
	}

	// What the form itself proposes; nothing else is filled in beforehand.
	let first = true;
	function preset() {
		for (const f of def.fields) {
			const v = verdict.fields[f.name];
			if (f.type !== 'calculate' && v && v.value && empty(answers[f.name]) && rows.has(f.name)) {
				answers[f.name] = String(v.value);
				rows.get(f.name).c.set(answers[f.name]);
			}
		}
	}

	async function attempt() {
		const mine = ++turn;
		try {
			const v = await run(['try', spec.form, ...(spec.id ? [spec.id] : []), ...pairs(def, answers, base)]);
			if (mine !== turn || ended)
				return;
			verdict = v;
			if (first && !base)
				preset();
			first = false;
			show();
		} catch (e) {
			if (!(e instanceof Trouble) || mine === turn)
				say(e.text || e.message, true);
		}
	}

	async function keep() {
		clearTimeout(keepTimer);
		keepTimer = 0;
		if (ended)
			return;
		const text = JSON.stringify({ answers, seen });
		keeping = keeping.then(async () => {
			if (ended)
				return;
			const r = await run(['draft', 'save', ...(draft ? [draft] : []), spec.form, ...(spec.id ? ['--of', spec.id] : []), '--answers', 'answers.json'],
				{ texts: { 'answers.json': text } });
			draft = r.id;
			kept.textContent = t('draft-kept');
		}).catch((e) => { kept.textContent = ''; say(e.text || e.message, true); });
		await keeping;
	}

	function changed(name) {
		return () => {
			answers[name] = rows.get(name).c.get();
			touched.add(name);
			kept.textContent = '';
			clearTimeout(tryTimer);
			tryTimer = setTimeout(attempt, TRY_MS);
			// at the latest half a second after the first key, however fast somebody types
			keepTimer = keepTimer || setTimeout(keep, KEEP_MS);
		};
	}

	function question(f) {
		const text = label(f.label), hint = label(f.hint);
		if (f.type === 'note')
			return h('p', { class: 'q note' }, text);
		const need = h('span', { class: 'need', hidden: true }, t('needed'));
		const warnEl = h('p', { class: 'warn', hidden: true, role: 'status' });
		let el, c, complain, output = null;
		if (f.type === 'calculate') {
			if (!text)
				return null;
			output = h('output', {}, '–');
			el = h('div', { class: 'q worked' }, h('span', {}, text), output);
			c = {};
			complain = () => {};
		} else {
			const legend = h('legend', {}, text, ' ', need, hint ? h('span', { class: 'hint' }, hint) : null);
			c = control(f, def.lists, () => changed(f.name)(), legend);
			if (c.whole) {
				const err = h('span', { class: 'error', hidden: true });
				legend.append(err);
				el = h('div', { class: 'q' }, c.el, warnEl);
				complain = (m) => { err.textContent = m; err.hidden = !m; el.classList.toggle('wrong', !!m); };
			} else {
				const box = fieldBox([text, ' ', need], c.input, hint);
				if (c.el !== c.input)
					box.append(c.el);
				el = h('div', { class: 'q' }, box, warnEl);
				complain = box.complain;
			}
		}
		rows.set(f.name, { f, el, c, need, complain, output, warn: (m) => { warnEl.textContent = m; warnEl.hidden = !m; } });
		if (c.set && !empty(answers[f.name]))
			c.set(answers[f.name]);
		return el;
	}

	function draw() {
		const heads = new Map(def.sections.map((s) => [s.name, label(s.label)])), groups = new Map();
		for (const f of def.fields) {
			const q = question(f), name = heads.has(f.group) ? f.group : null;
			if (q)
				groups.set(name, [...(groups.get(name) || []), q]);
		}
		fill(body, [...groups].filter(([, qs]) => qs.length).map(([name, qs]) =>
			Object.assign(h('section', {}, name && heads.get(name) ? h('h2', { tabIndex: -1 }, heads.get(name)) : null, qs), { name: (name && heads.get(name)) || t('general') })));
		sections = [...body.children];
	}

	function complainAll() {
		const wrong = def.fields.filter((f) => verdict.fields[f.name] && (verdict.fields[f.name].errors || []).length && rows.has(f.name));
		fill(summary, h('h2', {}, t('to-mend', wrong.length)), h('ul', {}, wrong.map((f) =>
			h('li', {}, button(label(f.label) + ': ' + verdict.fields[f.name].errors[0], () => {
				turnTo(sections.findIndex((s) => s.contains(rows.get(f.name).el)));
				rows.get(f.name).el.scrollIntoView({ block: 'center' });
				rows.get(f.name).c.focus();
			}, 'link')))));
		summary.hidden = false;
		summary.focus();
	}

	async function review() {
		clearTimeout(tryTimer);
		asked = true;
		await attempt();
		if (!verdict)
			return;
		if (!verdict.valid) {
			complainAll();
			return;
		}
		summary.hidden = true;
		const what = toSave();
		const lines = def.fields.filter((f) => f.type !== 'note' && (base ? !same(what[f.name], base[f.name]) : !empty(what[f.name])) && f.name in what);
		if (lines.length === 0) {
			say(t(base ? 'nothing-changed' : 'nothing-written'));
			return;
		}
		const cards = h('dl', { class: 'pairs' }, lines.map((f) => [h('dt', {}, label(f.label)),
			h('dd', {}, rows.get(f.name) && rows.get(f.name).c.input && f.type !== 'date' && !f.list ? rows.get(f.name).c.input.value || shown(def, f, what[f.name]) || t('cleared') : shown(def, f, what[f.name]) || t('cleared'))]));
		fill(screen, h('h1', { tabIndex: -1 }, t('look-over')), h('p', {}, label(def.title)), cards, h('p', { class: 'row' },
			button(t('save'), () => save(what), 'main'), button(t('go-on-writing'), () => { fill(screen, ...editing); show(); })));
		screen.querySelector('h1').focus();
	}

	async function save(what) {
		try {
			await keeping;
			clearTimeout(keepTimer);
			const list = pairs(def, what, base);
			const with_draft = draft ? ['--draft', draft] : [];
			const r = spec.id ? await run(['edit', spec.id, ...(seen ? ['--seen', seen] : []), ...with_draft, ...list]) :
				await run(['add', spec.form, ...(spec.unit ? ['--unit', spec.unit] : []), ...with_draft, ...list]);
			ended = true;
			say(t('saved'));
			done(spec.id || r.id);
		} catch (e) {
			say(e.text || e.message, true);
		}
	}

	draw();
	const editing = [
		h('h1', { tabIndex: -1 }, t(spec.id ? 'change-of' : 'new-of', label(def.title))), summary, steps, body,
		h('p', { class: 'row bar' }, before, after, button(t('look-over'), review, rows.size <= WHOLE ? 'main' : ''), button(t('later'), async () => { if (keepTimer) await keep(); ended = true; back(); }),
			button(t('drop-draft'), async () => {
				clearTimeout(keepTimer);
				await keeping;
				ended = true;
				if (draft)
					await run(['draft', 'drop', draft]).catch((e) => say(e.text, true));
				back();
			}), kept)];
	const screen = h('div', { class: 'form' }, editing);
	await attempt();
	screen.leave = async () => { if (keepTimer) await keep(); ended = true; };
	return screen;
}
