// Opening the vault, joining with an invitation, and a forgotten passphrase.
import { h, fill, button, link, field, textInput, say } from './dom.js';
import { t, lang, speak } from './words.js';
import { run, call, upload, sheet } from './api.js';

const MINUTES = 15;

function secretInput() {
	const input = h('input', { type: 'password', autocomplete: 'off', spellcheck: false });
	const caps = h('span', { class: 'hint', 'aria-live': 'polite' });
	const look = h('button', { type: 'button', class: 'small', 'aria-pressed': 'false', onclick: () => {
		const shown = input.type === 'password';
		input.type = shown ? 'text' : 'password';
		look.setAttribute('aria-pressed', String(shown));
		look.textContent = t(shown ? 'hide' : 'show');
	} }, t('show'));
	input.addEventListener('keyup', (ev) => { caps.textContent = ev.getModifierState && ev.getModifierState('CapsLock') ? t('caps') : ''; });
	input.extra = h('span', { class: 'row' }, look, caps);
	return input;
}

const languages = (again) => h('p', {}, link(lang() === 'vi' ? 'English' : 'Tiếng Việt', () => { speak(lang() === 'vi' ? 'en' : 'vi'); again(); }));

export async function unlockScreen(now, opened) {
	const box = h('div', { class: 'lone' });
	const again = () => (now.vault ? unlock() : first());
	const unlockWith = (passphrase) => run(['unlock', '--idle', MINUTES], { secrets: { passphrase } });

	function unlock() {
		const input = secretInput(), asked = field(t('passphrase'), input);
		const press = h('button', { class: 'main' }, t('unlock'));
		fill(box, h('h1', {}, t('unlock-head')), h('form', { onsubmit: async (ev) => {
			ev.preventDefault();
			press.disabled = true;
			asked.complain('');
			try {
				await unlockWith(input.value);
				input.value = '';
				await opened();
			} catch (e) {
				asked.complain(e.text || e.message);
				press.disabled = false;
				input.select();
			}
		} }, asked, input.extra, h('p', {}, press)), h('p', {}, link(t('forgot'), recover)), languages(again));
		input.focus();
	}

	// With the code on paper: a new passphrase, then open.
	function recover() {
		const code = textInput({}), fresh = secretInput(), twice = secretInput();
		const a = field(t('code-paper'), code, t('code-paper-hint')), b = field(t('passphrase-new'), fresh, t('passphrase-hint')), c = field(t('passphrase-twice'), twice);
		fill(box, h('h1', {}, t('forgot')), h('p', {}, t('forgot-more')), h('form', { onsubmit: async (ev) => {
			ev.preventDefault();
			c.complain(fresh.value === twice.value ? '' : t('differ'));
			if (fresh.value !== twice.value)
				return;
			try {
				await run(['passphrase'], { secrets: { code: code.value, new_passphrase: fresh.value } });
				await unlockWith(fresh.value);
				await opened();
			} catch (e) {
				a.complain(e.text || e.message);
			}
		} }, a, b, fresh.extra, c, h('p', { class: 'row' }, h('button', { class: 'main' }, t('unlock')), button(t('back'), unlock))), h('p', { class: 'soft' }, t('forgot-office')));
		code.focus();
	}

	function first() {
		fill(box, h('h1', {}, t('welcome')), h('p', {}, t('welcome-more')), join(), languages(again));
	}

	function join() {
		const file = h('input', { type: 'file', accept: '.invitation' }), code = textInput({}), fresh = secretInput(), twice = secretInput();
		const a = field(t('invitation'), file, t('invitation-hint')), b = field(t('code-paper-invite'), code, t('code-paper-hint')), c = field(t('passphrase-new'), fresh, t('passphrase-hint')), d = field(t('passphrase-twice'), twice);
		const press = h('button', { class: 'main' }, t('join'));
		return h('form', { onsubmit: async (ev) => {
			ev.preventDefault();
			[a, b, c, d].forEach((x) => x.complain(''));
			if (!file.files[0])
				return a.complain(t('invitation-none'));
			if (fresh.value !== twice.value)
				return d.complain(t('differ'));
			press.disabled = true;
			try {
				const handle = await upload(file.files[0]);
				const reply = await call(['join', 'invitation', '--recovery-file', 'recovery.txt', '--sheet', 'recovery.html'],
					{ files: { invitation: handle }, secrets: { code: code.value, passphrase: fresh.value } });
				await unlockWith(fresh.value);
				now.vault = true;
				recovery(reply);
			} catch (e) {
				(e.name === 'not authentic' ? b : e.name === 'breaks a rule' ? c : a).complain(e.text || e.message);
				press.disabled = false;
			}
		} }, a, b, c, fresh.extra, d, h('p', {}, press));
	}

	// The code for a forgotten passphrase is shown once, and printed.
	async function recovery(reply) {
		const page = reply.files.find((f) => f.name === 'recovery.html'), text = reply.files.find((f) => f.name === 'recovery.txt');
		const code = text ? (await (await fetch('/file/' + text.handle)).text()).trim() : '';
		fill(box, h('h1', {}, t('joined')), h('p', {}, t('recovery-more')), h('p', { class: 'code' }, code), h('p', { class: 'row' },
			page ? button(t('print-sheet'), () => sheet(page)) : null, button(t('recovery-kept'), opened, 'main')));
		say(t('joined'));
	}

	again();
	return box;
}
