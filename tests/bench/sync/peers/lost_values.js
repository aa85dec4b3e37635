'use strict';
/*
 * lost_values FILE...: what `field show --json` gave on each device for records whose note both A
 * and B wrote, in order (A0 and B0, A1 and B1 ...).  Prints how many values are on no device as a
 * live value, how many are not shown beside the other, and how many are marked as a conflict.
 */
const fs = require('fs');
let lost = 0, hidden = 0, marked = 0;

for (const file of process.argv.slice(2)) {
	const shown = fs.readFileSync(file, 'utf8').trim().split('\n').filter(l => l !== '').map(l => JSON.parse(l));
	let missing = 0, alone = 0, conflicts = 0;

	shown.forEach((record, i) => {
		const note = record.fields.note;
		const values = new Set(note.values.map(v => v.value));

		missing += !values.has(`A${i}`) + !values.has(`B${i}`);
		alone += values.size < 2;
		conflicts += note.state === 'conflict';
	});
	lost = Math.max(lost, missing);
	hidden = Math.max(hidden, alone);
	marked = Math.max(marked, conflicts);
}
console.log(`"lost":${lost},"hidden":${hidden},"marked":${marked}`);
