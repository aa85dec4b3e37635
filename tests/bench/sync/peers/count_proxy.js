'use strict';
/*
 * count_proxy PORT: a proxy on loopback before 127.0.0.1:PORT.  Prints its own port, then, for
 * each line on standard input, "UP DOWN REQUESTS CONNECTIONS" since the line before: every byte
 * of every connection, HTTP headers (or TLS) included.  The line "pace BITS MS" makes it a link
 * of so many bits a second, the same for all connections, and so many milliseconds each way;
 * "pace 0 0" ends that.
 */
const net = require('net');
const readline = require('readline');

const target = Number(process.argv[2]);
const zero = () => ({ up: 0, down: 0, requests: 0, connections: 0 });
const REQUEST_LINE = Buffer.from(' HTTP/1.1\r\n');
let seen = zero();
let pace = { bits: 0, ms: 0 };
const free = { up: 0, down: 0 };	/* when the line has let out what it took so far */

/* Milliseconds until the last of so many bytes has come to the other end. */
function late(way, bytes) {
	if (pace.bits === 0)
		return 0;
	const now = Date.now();
	free[way] = Math.max(free[way], now) + bytes * 8000 / pace.bits;
	return free[way] + pace.ms - now;
}

/* Pass data on in its order, each piece when the link would bring it; a transfer is held whole. */
function carry(from, to, way, open, look) {
	let last = open;

	from.on('data', chunk => {
		const at = Date.now() + late(way, chunk.length);

		seen[way] += chunk.length;
		look(chunk);
		last = last.then(() => at > Date.now() ? new Promise(done => setTimeout(done, at - Date.now())) :
			undefined).then(() => to.write(chunk));
	});
	from.on('end', () => { last = last.then(() => to.end()); });
	from.on('error', () => to.destroy());
}

const server = net.createServer({ noDelay: true }, client => {
	const upstream = net.connect({ host: '127.0.0.1', port: target, noDelay: true });
	/* SYN and its answer */
	const open = pace.ms > 0 ? new Promise(done => setTimeout(done, 2 * pace.ms)) : Promise.resolve();
	let tail = Buffer.alloc(0);

	seen.connections++;
	carry(client, upstream, 'up', open, chunk => {
		const both = Buffer.concat([tail, chunk]);

		for (let at = both.indexOf(REQUEST_LINE); at >= 0; at = both.indexOf(REQUEST_LINE, at + 1))
			seen.requests++;
		tail = both.subarray(Math.max(0, both.length - REQUEST_LINE.length + 1));
	});
	carry(upstream, client, 'down', Promise.resolve(), () => {});
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', line => {
	const words = line.split(' ');

	if (words[0] === 'pace')
		pace = { bits: Number(words[1]), ms: Number(words[2]) };
	console.log(`${seen.up} ${seen.down} ${seen.requests} ${seen.connections}`);
	seen = zero();
});
lines.on('close', () => process.exit(0));
