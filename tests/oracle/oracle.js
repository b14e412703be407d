// oracle.js TABLE: reads what o_statement prints and asks @learninglocker/xapi-validation
// about the same statements. Every disagreement must have a row in TABLE (README.md), which
// names it by a pattern of the reason; prints how many fall under each. Status 1: some have
// none, 2: the module is not here (make oracle says where it comes from).
'use strict';
const fs = require('fs');
const readline = require('readline');

let validate;
try {
	validate = require('@learninglocker/xapi-validation').default;
} catch (e) {
	console.error('oracle: the module @learninglocker/xapi-validation is not installed: ' + e.message.split('\n')[0]);
	process.exit(2);
}

// | `pattern` | who takes it | ... of the first column
const rows = [];
for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n')) {
	const m = /^\| `(.*?)` \| (ours|theirs) \|/.exec(line);
	if (m) rows.push({ pattern: new RegExp(m[1].replace(/\\\|/g, '|')), taker: m[2], n: 0, text: m[1] });
}

const kind = (w) => `${w.constructor.name} ${w.typeName || (w.type && w.type.name) || (w.keys || []).join(',')} at ` +
	w.path.slice(1).map((k) => (/^\d+$/.test(k) ? '[]' : k)).join('.').replace(/\.\[\]/g, '[]');

let asked = 0, agreed = 0;
const unknown = new Map();
readline.createInterface({ input: process.stdin }).on('line', (line) => {
	const [verdict, why, ...rest] = line.split('\t');
	let reasons;
	try {
		reasons = validate(JSON.parse(rest.join('\t'))).map(kind);
	} catch (e) {
		reasons = ['not JSON'];
	}
	asked++;
	const ours = verdict === '+', theirs = reasons.length === 0;
	if (ours === theirs) {
		agreed++;
		return;
	}
	const said = ours ? reasons : [why];
	const taker = ours ? 'ours' : 'theirs';
	const unexplained = said.filter((s) => {
		const row = rows.find((r) => r.taker === taker && r.pattern.test(s));
		if (row) row.n++;
		return !row;
	});
	for (const s of unexplained) {
		const key = `${taker} takes it: ${s}`;
		if (!unknown.has(key)) unknown.set(key, { n: 0, line: rest.join('\t') });
		unknown.get(key).n++;
	}
}).on('close', () => {
	console.log(`oracle: ${asked} statements, ${agreed} judged alike`);
	for (const r of rows) console.log(`  ${r.n}  ${r.taker} take: ${r.text}`);
	for (const [k, v] of [...unknown].sort((a, b) => b[1].n - a[1].n)) console.log(`  ${v.n}  NO ROW: ${k}\n      ${v.line.slice(0, 600)}`);
	process.exit(unknown.size > 0 ? 1 : 0);
});
