// Elements without a line of HTML in a string: what persons wrote is only ever text.

export function h(tag, props, ...kids) {
	const e = document.createElement(tag);
	for (const [k, v] of Object.entries(props || {})) {
		if (v === null || v === undefined || v === false)
			continue;
		if (k.startsWith('on'))
			e.addEventListener(k.slice(2), v);
		else if (k === 'class' || k === 'for' || k === 'role' || k.includes('-'))
			e.setAttribute(k, v === true ? '' : v);
		else
			e[k] = v;
	}
	put(e, kids);
	return e;
}

function put(e, kids) {
	for (const k of kids.flat(Infinity))
		if (k !== null && k !== undefined && k !== false)
			e.append(k instanceof Node ? k : String(k));
}

export function fill(e, ...kids) {
	e.replaceChildren();
	put(e, kids);
	return e;
}

let counter = 0;
// Browsers remember what was typed by the name of a field: these have none, and an id that says nothing.
export const fresh = () => 'e' + (++counter).toString(36);

export function button(label, onclick, cls) {
	return h('button', { type: 'button', class: cls || '', onclick }, label);
}

// A link that leads to another screen: the address does not change.
export function link(label, go, cls) {
	return h('button', { type: 'button', class: 'link ' + (cls || ''), onclick: go }, label);
}

// Text that a screen reader is told.
export function say(text, bad) {
	const asking = [...document.querySelectorAll('dialog[open]')].pop();
	if (asking) {	// what stands behind it is not seen
		const said = asking.querySelector('.said') || asking.appendChild(h('p', { class: 'said note', role: 'alert' }));
		said.textContent = text;
		return;
	}
	const box = document.getElementById('say');
	if (!box)
		return;
	box.className = bad ? 'toast bad' : 'toast';
	box.textContent = text;
	clearTimeout(say.timer);
	say.timer = setTimeout(() => { box.textContent = ''; box.className = 'toast'; }, bad ? 15000 : 6000);
}

// A question over the page; resolves with what the chosen button gives, or null.
export function ask(title, body, buttons) {
	return new Promise((done) => {
		const d = h('dialog', { 'aria-label': title });
		const end = (v) => { d.close(); d.remove(); done(v); };
		d.append(h('h2', {}, title), h('div', {}, body), h('p', { class: 'row' },
			buttons.map(([label, value, cls]) => button(label, () => {
				const v = typeof value === 'function' ? value() : value;
				if (v !== undefined)
					end(v);
			}, cls))));
		d.addEventListener('cancel', (ev) => { ev.preventDefault(); end(null); });
		document.body.append(d);
		d.showModal();
	});
}

export function table(heads, rows, caption) {
	return h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption }, h('table', {},
		h('caption', { class: 'hidden' }, caption),
		h('thead', {}, h('tr', {}, heads.map((x) => h('th', { scope: 'col' }, x)))),
		h('tbody', {}, rows.map((r) => h('tr', {}, r.map((x, i) =>
			h(i === 0 ? 'th' : 'td', i === 0 ? { scope: 'row' } : { class: typeof x === 'number' ? 'number' : '' },
				x instanceof Node ? x : typeof x === 'number' ? x.toLocaleString('vi') : x)))))));
}

// Radio buttons that read as one question; value() is '' until somebody chose.
export function choice(legend, options, chosen, onchange, cls) {
	const name = fresh();
	const box = h('fieldset', { class: cls || 'choice' }, h('legend', {}, legend), options.map(([value, label, more]) =>
		h('label', { class: 'option' }, h('input', { type: 'radio', name, value, checked: value === chosen, onchange }),
			h('span', {}, label, more ? h('small', {}, more) : null))));
	box.value = () => { const c = box.querySelector('input:checked'); return c ? c.value : ''; };
	return box;
}

export function field(label, input, hint, error) {
	input.id = input.id || fresh();
	const ids = [];
	const hintEl = hint ? h('span', { class: 'hint', id: fresh() }, hint) : null;
	const errorEl = h('span', { class: 'error', id: fresh(), hidden: !error }, error || '');
	if (hintEl)
		ids.push(hintEl.id);
	ids.push(errorEl.id);
	input.setAttribute('aria-describedby', ids.join(' '));
	const box = h('div', { class: 'field' }, h('label', { for: input.id }, label), hintEl, errorEl, input);
	box.complain = (text) => {
		errorEl.textContent = text || '';
		errorEl.hidden = !text;
		box.classList.toggle('wrong', !!text);
		if (text)
			input.setAttribute('aria-invalid', 'true');
		else
			input.removeAttribute('aria-invalid');
	};
	return box;
}

export function textInput(props) {
	return h('input', { type: 'text', autocomplete: 'off', spellcheck: false, autocapitalize: 'off', ...props });
}

// What is asked for with every key: at once, and while an answer is awaited only what was typed last.
export function latest(work) {
	let busy = false, again = false;
	return async () => {
		again = true;
		if (busy)
			return;
		busy = true;
		try {
			while (again) {
				again = false;
				await work();
			}
		} finally {
			busy = false;
		}
	};
}
