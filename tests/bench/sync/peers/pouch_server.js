'use strict';
/* pouch_server FOLDER: express-pouchdb over LevelDB files in FOLDER; prints its port. */
const express = require('express');
const expressPouch = require('express-pouchdb');
const PouchDB = require('pouchdb');

const folder = process.argv[2] + '/';
const app = express();
app.use('/', expressPouch(PouchDB.defaults({ prefix: folder }), {
	mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: folder + 'log.txt' }));
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
