// SPDX-License-Identifier: Apache-2.0
// Speed of the npm package tokenizers on one corpus: tokens.mjs FOLDER TOKENIZER CORPUS.jsonl, with
// FOLDER/node_modules/tokenizers. Prints a JSON object: tokens, MB per CPU-second of the process.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const BATCH = 16;
const [folder, file, corpus] = process.argv.slice(2);
const { Tokenizer } = createRequire(join(folder, 'x.js'))('tokenizers');
const tokenizer = Tokenizer.fromString(readFileSync(file, 'utf8'));
const texts = readFileSync(corpus, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line).text);
const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
const before = process.cpuUsage();
let tokens = 0;
for (let at = 0; at < texts.length; at += BATCH) {
    const encodings = await tokenizer.encodeBatch(texts.slice(at, at + BATCH), { addSpecialTokens: false });
    for (const encoding of encodings) {
        tokens += encoding.getLength();
    }
}
const used = process.cpuUsage(before);
console.log(JSON.stringify({ tokens, mb_s: bytes / (used.user + used.system) }));
