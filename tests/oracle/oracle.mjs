// SPDX-License-Identifier: Apache-2.0
// Compares tokperf's tokens and pieces with those of the reference implementations, text by text.
// Pieces show wrong splits that happen to give the same tokens.
//   node oracle.mjs FOLDER TOKPERF SOURCE_DIR [JOB]
// FOLDER holds node_modules and takes files. Without JOB every job runs, two at a time. Exit 1 when
// anything differs.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPONENTS, componentTokenizers } from './components.mjs';
import { referenceAnswers } from './reference.mjs';
import { adversarialTexts } from './texts_adversarial.mjs';
import { codePointTexts } from './texts_code_points.mjs';
import { brokenTexts } from './texts_broken.mjs';
import { longTexts } from './texts_long.mjs';
import { naturalTexts } from './texts_natural.mjs';
import { NAMES, vocabulary, wordLists } from './vocabularies.mjs';

const GENERATED = Number(process.env.TKP_ORACLE_TEXTS || 20000); // for a vocabulary
const GENERATED_FOR_A_COMPONENT = GENERATED / 10, SHOWN = 3, AT_ONCE = 2;
const SEED = Number(process.env.TKP_ORACLE_SEED || 20251); // another number, other texts
const COMPONENT_JOB = 'components', BYTES_JOB = 'bytes';
const BROKEN = 500, BROKEN_WITH = ['llama3', 'llama2', 'qwen2_5'];
const [folder, program, sourceDir, job] = process.argv.slice(2);

// The lines that `tokperf tokenize` prints.
function tokenize(...words) {
    const run = spawnSync(program, ['tokenize', '--tokenizer', ...words],
        { encoding: 'utf8', maxBuffer: 1 << 30 });
    if (run.status !== 0) {
        throw new Error(`tokperf tokenize ended with ${run.status}: ${run.stderr}`);
    }
    return run.stdout.split('\n').slice(0, -1);
}

function tokperfAnswers(name, file, texts) {
    const input = join(folder, `${name.replaceAll(/\W+/g, '_')}.jsonl`);
    writeFileSync(input, texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
    const answers = tokenize(file, '--jsonl', '--pieces', input).map((line) => JSON.parse(line));
    const counts = tokenize(file, '--jsonl', '--count', input).map((line) => JSON.parse(line).count);
    return answers.map((answer, i) => ({ ...answer, alone: counts[i] }));
}

const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

// The pieces are compared by how many tokens each has; one without tokens is no piece.
function difference(ours, theirs) {
    const alone = ours.alone ?? ours.ids.length;
    if (alone !== theirs.ids.length && same(ours.ids, theirs.ids)) {
        return `counted alone\n    tokperf:   ${alone}\n    reference: ${theirs.ids.length}`;
    }
    if (!same(ours.ids, theirs.ids)) {
        return `identifiers\n    tokperf:   ${ours.ids}\n    reference: ${theirs.ids}`;
    }
    if (ours.groups && theirs.groups && !same(ours.groups, theirs.groups)) {
        return `pieces (tokens of each)\n    tokperf:   ${ours.groups}\n    reference: ${theirs.groups}`;
    }
    return null;
}

async function compare(name, tokenizer, texts, ours = tokperfAnswers(name, tokenizer.file, texts)) {
    const theirs = await referenceAnswers(tokenizer, folder, texts);
    let different = texts.length === ours.length ? 0 : 1;
    texts.slice(0, ours.length).forEach((text, i) => {
        const found = difference(ours[i], theirs[i]);
        if (found && different++ < SHOWN) {
            console.log(`${name}: ${JSON.stringify(text).slice(0, 2000)}\n  ${found.slice(0, 4000)}`);
        }
    });
    const tokens = theirs.reduce((sum, answer) => sum + answer.ids.length, 0);
    console.log(`${name}: ${texts.length} texts, ${tokens} tokens, ${different} differences`);
    return different;
}

async function compareVocabulary(name) {
    const tokenizer = vocabulary(name, folder);
    const lists = wordLists(vocabulary(name.split('.')[0], folder).file);
    const seed = SEED + NAMES.indexOf(name);
    return compare(name, tokenizer, [...adversarialTexts(seed, GENERATED, lists), ...codePointTexts(),
        ...longTexts(seed, lists), ...naturalTexts(sourceDir, 1)]);
}

async function compareComponents() {
    let different = 0;
    for (const [i, tokenizer] of componentTokenizers(folder).entries()) {
        const lists = wordLists(tokenizer.file);
        const texts = [...adversarialTexts(SEED + 100 + i, GENERATED_FOR_A_COMPONENT, lists)];
        if (tokenizer.thorough) {
            texts.push(...codePointTexts());
        }
        different += await compare(`component ${COMPONENTS[i]}`, tokenizer, texts);
    }
    return different;
}

// Files of bytes that are not UTF-8.
async function compareBytes() {
    let different = 0;
    mkdirSync(join(folder, 'broken'), { recursive: true });
    for (const [i, name] of BROKEN_WITH.entries()) {
        const tokenizer = vocabulary(name, folder);
        const all = brokenTexts(SEED + 200 + i, BROKEN, wordLists(tokenizer.file));
        const files = all.map((bytes, k) => {
            writeFileSync(join(folder, 'broken', `${k}`), bytes);
            return join(folder, 'broken', `${k}`);
        });
        const ours = tokenize(tokenizer.file, '--ids', ...files)
            .map((line) => ({ ids: line.split(' ').filter(Boolean).map(Number) }));
        different += await compare(`bytes, ${name}`, tokenizer, all.map((bytes) => bytes.toString()), ours);
    }
    return different;
}

function runJob(name) {
    return new Promise((resolve) => {
        const child = spawn(process.execPath, [fileURLToPath(import.meta.url), folder, program,
            sourceDir, name], { stdio: 'inherit' });
        child.on('exit', (code) => resolve(code === 0));
    });
}

async function runAll() {
    const waiting = [COMPONENT_JOB, BYTES_JOB, ...NAMES], failed = [];
    NAMES.forEach((name) => vocabulary(name, folder)); // both lanes read the files it makes
    const lane = async () => {
        for (let name = waiting.shift(); name; name = waiting.shift()) {
            if (!await runJob(name)) {
                failed.push(name);
            }
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    console.log(failed.length ? `differences in: ${failed.join(', ')}` : 'no differences');
    return failed.length;
}

const jobs = { [COMPONENT_JOB]: compareComponents, [BYTES_JOB]: compareBytes };
const bad = job ? await (jobs[job] || compareVocabulary)(job) : await runAll();
process.exit(bad ? 1 : 0);
