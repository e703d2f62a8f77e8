// SPDX-License-Identifier: Apache-2.0
// A corpus of what lies on the machine: sources, documentation, and the translations that programs
// carry (the .mo files of gettext), which is how it comes to many languages.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CHUNK_BYTES = 16384, TAKEN_OF_A_FILE = 24576;

function* files(root, wanted) {
    let entries = [];
    try {
        entries = readdirSync(root, { withFileTypes: true });
    } catch {
        return; // not on this machine
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = join(root, entry.name);
        if (entry.isDirectory()) {
            yield* files(path, wanted);
        } else if (entry.isFile() && wanted.test(entry.name)) {
            yield path;
        }
    }
}

// The translations in a file of gettext (its manual, "The Format of GNU MO Files").
function translations(bytes) {
    if (bytes.length < 28 || bytes.readUInt32LE(0) !== 0x950412de) {
        return '';
    }
    const count = bytes.readUInt32LE(8), table = bytes.readUInt32LE(16), texts = [];
    for (let i = 1; i < count && table + 8 * i + 8 <= bytes.length; i++) {
        const length = bytes.readUInt32LE(table + 8 * i), at = bytes.readUInt32LE(table + 8 * i + 4);
        texts.push(bytes.toString('utf8', at, at + length));
    }
    return texts.join('\n');
}

// Up to `budget` bytes, taken evenly from the files: every step-th one.
function take(paths, budget, read) {
    const step = Math.max(1, Math.floor(paths.length * TAKEN_OF_A_FILE / 3 / budget)), texts = [];
    let left = budget;
    for (let i = 0; i < paths.length && left > 0; i += step) {
        const text = read(readFileSync(paths[i])).slice(0, TAKEN_OF_A_FILE);
        for (let at = 0; at < text.length; at += CHUNK_BYTES) {
            texts.push(text.slice(at, at + CHUNK_BYTES));
        }
        left -= Buffer.byteLength(text);
    }
    return texts;
}

// scale 1 is about two megabytes.
export function naturalTexts(sourceDir, scale) {
    const plain = (bytes) => bytes.toString('utf8');
    const all = (root, wanted) => [...files(root, wanted)];
    return [
        ...take(all(join(sourceDir, 'core'), /\.[ch]$/), 200e3 * scale, plain),
        ...take(all(join(sourceDir, 'docs'), /\.md$/), 200e3 * scale, plain),
        ...take(all('/usr/include', /\.h$/), 200e3 * scale, plain),
        ...take(all('/usr/lib/python3', /\.py$/), 200e3 * scale, plain),
        ...take(all('/usr/share/doc', /\.(md|html|txt)$/), 300e3 * scale, plain),
        ...take(all('/usr/share/i18n/locales', /^[a-z]/), 200e3 * scale, plain),
        ...take(all('/usr/share/locale', /\.mo$/), 700e3 * scale, translations),
    ];
}
