// Exchanges the launch code for a session.  The code stands behind # in the address, and leaves it at once.
const code = location.hash.slice(1);
history.replaceState(null, '', '/launch');
const reply = await fetch('/launch', {
	method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }),
}).catch(() => null);
if (reply && reply.status === 204)
	location.replace('/');
else
	document.getElementById('say').textContent = 'Liên kết này đã dùng hoặc đã quá hạn. Hãy đóng thẻ này và mở lại Field. · ' +
		'This link was used, or is too old. Close this tab and open Field again.';
