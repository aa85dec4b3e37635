// One control for each type of answer.  Each is {el, get, set, focus}, with texts as commands take them;
// get() gives a text, or a list for a field that takes several.
import { h, fresh, textInput, button, link } from './dom.js';
import { t } from './words.js';
import { day, isoDay, label, plain, today } from './format.js';
import { run, once } from './api.js';

const FEW = 7, MANY = 12, CHIPS = 24, SHOWN = 40;

// A box in which one types to narrow a list; `find(text)` gives [{value, label, more}].
export function combo(find, changed, options) {
	const listId = fresh();
	let value = '', shown = [], at = -1, turn = 0;
	const input = textInput({ role: 'combobox', 'aria-expanded': 'false', 'aria-controls': listId, 'aria-autocomplete': 'list', placeholder: t('type-to-find') });
	const list = h('ul', { id: listId, role: 'listbox', class: 'listbox', hidden: true });
	const el = h('div', { class: 'combo' }, input, list);
	function close() {
		list.hidden = true;
		at = -1;
		input.setAttribute('aria-expanded', 'false');
		input.removeAttribute('aria-activedescendant');
	}
	function mark(i) {
		at = i;
		[...list.children].forEach((li, k) => li.setAttribute('aria-selected', String(k === i)));
		if (list.children[i]) {
			input.setAttribute('aria-activedescendant', list.children[i].id);
			list.children[i].scrollIntoView({ block: 'nearest' });
		}
	}
	function pick(o) {
		value = o.value;
		input.value = o.label;
		close();
		changed();
	}
	async function open() {
		const mine = ++turn, found = await find(input.value);
		if (mine !== turn || !el.isConnected)
			return;
		shown = found.slice(0, SHOWN);
		list.replaceChildren(...shown.map((o) => h('li', { role: 'option', id: fresh(), 'aria-selected': 'false',
			onmousedown: (ev) => { ev.preventDefault(); pick(o); } }, o.label, o.more ? h('small', {}, o.more) : null)));
		if (shown.length === 0)
			list.append(h('li', { class: 'soft', role: 'option', 'aria-disabled': 'true', 'aria-selected': 'false' }, t('nothing-found')));
		if (options && options.make)
			list.append(h('li', { role: 'option', id: fresh(), 'aria-selected': 'false', class: 'make', onmousedown: (ev) => { ev.preventDefault(); options.make(input.value); } }, options.makeLabel));
		list.hidden = false;
		at = -1;
		input.setAttribute('aria-expanded', 'true');
	}
	input.addEventListener('input', () => {
		if (value !== '') {
			value = '';
			changed();
		}
		open();
	});
	input.addEventListener('focus', () => { if (value === '') open(); });
	input.addEventListener('click', () => { if (list.hidden) open(); });
	input.addEventListener('blur', () => {
		close();
		// what was typed whole counts as chosen; anything else stays, and the form says that it is none
		const same = shown.find((o) => plain(o.label) === plain(input.value.trim()));
		if (value === '' && same)
			pick(same);
		else if (value === '' && input.value.trim() !== '')
			changed();
	});
	input.addEventListener('keydown', (ev) => {
		if (ev.key === 'ArrowDown' || ev.key === 'ArrowUp') {
			ev.preventDefault();
			if (list.hidden)
				open();
			else
				mark(Math.max(0, Math.min(list.children.length - 1, at + (ev.key === 'ArrowDown' ? 1 : -1))));
		} else if (ev.key === 'Enter' && !list.hidden) {
			ev.preventDefault();
			if (at >= 0 && at < shown.length)
				pick(shown[at]);
			else if (at >= shown.length && options && options.make)
				options.make(input.value);
			else if (shown.length === 1)
				pick(shown[0]);
		} else if (ev.key === 'Escape' && !list.hidden) {
			ev.stopPropagation();
			close();
		}
	});
	return {
		el, input, get: () => value || input.value.trim(), focus: () => input.focus(),
		set: (v, text) => { value = v; input.value = text === undefined ? v : text; },
	};
}

const finder = (items) => (text) => {
	const words = plain(text).split(/\s+/).filter(Boolean);
	return items.filter((o) => words.every((w) => o.key.includes(w)));
};

export async function unitItems() {
	const units = await once(['units']);
	const name = new Map(units.map((u) => [u.code, u.name]));
	return units.map((u) => ({ value: u.code, label: u.name + ' (' + u.code + ')', more: name.get(u.parent) || '', key: plain(u.name + ' ' + u.code) }));
}

function unitControl(f, changed) {
	let items = null;
	const c = combo(async (text) => finder(items = items || await unitItems())(text), changed);
	const set = c.set;
	c.set = async (v) => {
		set(v);
		items = items || await unitItems();
		const o = items.find((x) => x.value === v);
		if (o && c.get() === v)
			set(v, o.label);
	};
	return c;
}

// Persons and cases by name, number or place; what is shown until then are initials and a short code.
function referenceControl(f, changed, make) {
	const c = combo(async (text) => {
		const rows = text.trim() ? await run(['search', text, '--form', f.refers, '--limit', SHOWN]) : await run(['list', f.refers, '--limit', SHOWN]);
		return rows.map((r) => ({ value: r.id, label: r.headline || r.id, more: r.code || '' }));
	}, changed, make ? { make, makeLabel: t('make-new') } : null);
	const set = c.set;
	c.set = async (v, text) => {
		set(v, text);
		if (!text && v) {
			const r = await run(['show', v]).catch(() => null);
			if (r && c.get() === v)
				set(v, r.headline || v);
		}
	};
	return c;
}

function textControl(f, changed) {
	const big = f.appearance === 'multiline';
	const input = big ? h('textarea', { rows: 4, spellcheck: false, autocomplete: 'off', oninput: changed }) :
		textInput({ oninput: changed, inputMode: f.type === 'integer' ? 'numeric' : f.type === 'decimal' ? 'decimal' : 'text',
			class: f.type === 'text' ? '' : 'narrow' });
	return { el: input, input, get: () => f.type === 'integer' ? input.value.trim().replace(/\.(?=\d{3}(\D|$))/g, '') : input.value.trim(), set: (v) => { input.value = v; }, focus: () => input.focus() };
}

function dateControl(f, changed) {
	const input = textInput({ oninput: changed, inputMode: 'numeric', class: 'narrow', placeholder: t('date-shape') });
	const c = { el: h('span', { class: 'row' }, input, link(t('today'), () => { c.set(today()); changed(); })), input,
		get: () => isoDay(input.value), set: (v) => { input.value = day(v); }, focus: () => input.focus() };
	return c;
}

// Several texts: one a line.
function linesControl(f, changed) {
	const input = h('textarea', { rows: 3, spellcheck: false, autocomplete: 'off', oninput: changed });
	return { el: input, input, get: () => input.value.split('\n').map((s) => s.trim()).filter(Boolean),
		set: (v) => { input.value = [].concat(v).join('\n'); }, focus: () => input.focus() };
}

function oneControl(f, items, changed, legend) {
	const codes = items.map((o) => ({ value: o.code, label: label(o), key: plain(label(o) + ' ' + o.code) }));
	let offers = null;
	if (items.length > FEW) {
		const c = combo((text) => finder(codes.filter((o) => !offers || offers.has(o.value)))(text), changed);
		const set = c.set;
		c.set = (v) => { const o = codes.find((x) => x.value === v); set(v, o ? o.label : v); };
		c.offer = (list) => { offers = list && new Set(list); };
		return c;
	}
	const name = fresh();
	const el = h('fieldset', { class: 'choice' }, legend, items.map((o) => h('label', { class: 'option' },
		h('input', { type: 'radio', name, value: o.code, onchange: changed }), h('span', {}, label(o)))));
	el.append(link(t('clear'), () => { el.querySelectorAll('input').forEach((i) => { i.checked = false; }); changed(); }, 'small'));
	return { el, whole: true, get: () => (el.querySelector('input:checked') || { value: '' }).value, focus: () => el.querySelector('input').focus(),
		set: (v) => { el.querySelectorAll('input').forEach((i) => { i.checked = i.value === v; }); },
		offer: (list) => { el.querySelectorAll('label').forEach((l) => { l.hidden = !!list && !list.includes(l.querySelector('input').value); }); } };
}

function severalControl(f, items, changed, legend) {
	const boxes = items.map((o) => h('label', { class: 'option' }, h('input', { type: 'checkbox', value: o.code, onchange: changed }), h('span', {}, label(o))));
	const narrow = items.length > MANY ? textInput({ placeholder: t('type-to-narrow'), 'aria-label': t('type-to-narrow'), class: 'narrow', oninput: () => {
		const want = plain(narrow.value);
		boxes.forEach((b) => { b.hidden = want !== '' && !plain(b.textContent).includes(want) && !b.querySelector('input').checked; });
	} }) : null;
	const el = h('fieldset', { class: 'choice several' }, legend, narrow, h('div', { class: 'grid' }, boxes));
	return { el, whole: true, get: () => [...el.querySelectorAll('input:checked')].map((i) => i.value), focus: () => el.querySelector('input').focus(),
		set: (v) => { const s = new Set([].concat(v)); boxes.forEach((b) => { const i = b.querySelector('input'); i.checked = s.has(i.value); }); },
		offer: (list) => { boxes.forEach((b) => { b.hidden = !!list && !list.includes(b.querySelector('input').value); }); } };
}

// A long list of which few are chosen: one types, and what was chosen stands above.
function chipsControl(f, items, changed, legend) {
	const codes = items.map((o) => ({ value: o.code, label: label(o), key: plain(label(o) + ' ' + o.code) }));
	let chosen = [], offers = null;
	const chips = h('ul', { class: 'chips' });
	const c = combo((text) => finder(codes.filter((o) => !chosen.includes(o.value) && (!offers || offers.has(o.value))))(text), () => {
		const v = c.get();
		if (codes.some((o) => o.value === v)) {
			chosen.push(v);
			c.set('', '');
			draw();
			changed();
		}
	});
	c.input.setAttribute('aria-label', legend.firstChild.textContent);
	function draw() {
		chips.replaceChildren(...chosen.map((v) => h('li', {}, (codes.find((o) => o.value === v) || { label: v }).label, ' ',
			h('button', { type: 'button', class: 'small', 'aria-label': t('take-off', (codes.find((o) => o.value === v) || { label: v }).label), onclick: () => { chosen = chosen.filter((x) => x !== v); draw(); changed(); c.focus(); } }, '×'))));
	}
	return { el: h('fieldset', { class: 'choice' }, legend, chips, c.el), whole: true, get: () => chosen.slice(), focus: () => c.focus(),
		set: (v) => { chosen = [].concat(v).filter(Boolean); draw(); }, offer: (list) => { offers = list && new Set(list); } };
}

// legend: for those that are a group of their own (`whole`).
export function control(f, lists, changed, legend, make) {
	if (f.type === 'select_one')
		return oneControl(f, lists[f.list] || [], changed, legend);
	if (f.type === 'select_multiple')
		return (lists[f.list] || []).length > CHIPS ? chipsControl(f, lists[f.list], changed, legend) : severalControl(f, lists[f.list] || [], changed, legend);
	if (f.type === 'reference')
		return referenceControl(f, changed, make);
	if (f.many)
		return linesControl(f, changed);
	if (f.type === 'date')
		return dateControl(f, changed);
	if (f.appearance === 'commune')
		return unitControl(f, changed);
	return textControl(f, changed);
}
