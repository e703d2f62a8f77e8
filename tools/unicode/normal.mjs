// SPDX-License-Identifier: Apache-2.0
// Normalization data of one Unicode version, read out of this program's own String.normalize. That
// is exact although it may know a later version: decompositions and combining classes of assigned
// characters never change (Unicode's stability policy), and later characters are left out here.
import { CODE_POINTS, Unicode } from './data.mjs';

export const FLAGS = {
    CANONICAL: 1, // has a canonical decomposition
    COMPATIBLE: 2, // has a compatibility decomposition
    RECOMPOSES: 4, // its canonical decomposition composes to itself again
    BACKWARD: 8, // may compose with what is before it
    FORWARD: 16, // may compose with what is after it
    SECOND: 32, // the compatibility decomposition differs from the canonical one, and follows it
};
const HANGUL = [0xac00, 0xd7a3], VOWELS = [0x1161, 0x1175], FINALS = [0x11a8, 0x11c2];
const LEADS = [0x1100, 0x1112];
const inside = (c, [first, last]) => c >= first && c <= last;

// Ranks of the combining classes: 0 for starters, else 1.. in the order of the classes.
function combiningRanks(assigned) {
    const swaps = (a, b) => String.fromCodePoint(a, b).normalize('NFD') !== String.fromCodePoint(a, b);
    const LOWEST = 0x334, HIGHEST = 0x345;
    const ranks = new Uint8Array(CODE_POINTS), classes = [];
    const members = [];
    for (let c = 0; c < CODE_POINTS; c++) {
        const alone = assigned[c] && String.fromCodePoint(c).normalize('NFD') === String.fromCodePoint(c);
        if (alone && (swaps(c, LOWEST) || swaps(HIGHEST, c) || c === LOWEST || c === HIGHEST)) {
            members.push(c);
        }
    }
    for (const c of members) {
        if (!classes.some((one) => !swaps(one, c) && !swaps(c, one))) {
            classes.push(c);
        }
    }
    classes.sort((a, b) => (swaps(a, b) ? 1 : -1));
    for (const c of members) {
        ranks[c] = 1 + classes.findIndex((one) => !swaps(one, c) && !swaps(c, one));
    }
    return ranks;
}

// [first, second, composite] of every pair that composes, Hangul syllables not among them.
function compositions(assigned) {
    const pairs = [];
    for (let c = 0; c < CODE_POINTS; c++) {
        const text = String.fromCodePoint(c);
        if (!assigned[c] || inside(c, HANGUL) || inside(c, [0xd800, 0xdfff])) {
            continue;
        }
        const parts = Array.from(text.normalize('NFD'));
        if (parts.length > 1 && text.normalize('NFC') === text) {
            const first = Array.from(parts.slice(0, -1).join('').normalize('NFC'));
            if (first.length !== 1) {
                throw new Error(`U+${c.toString(16)} is not made of two`);
            }
            pairs.push([first[0].codePointAt(0), parts.at(-1).codePointAt(0), c]);
        }
    }
    return pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

// Decompositions in UTF-8, each behind its length, each once.
class Pool {
    bytes = [];
    offsets = new Map();

    add(...texts) {
        const key = texts.join('\u0000');
        if (!this.offsets.has(key)) {
            this.offsets.set(key, this.bytes.length);
            for (const text of texts) {
                const bytes = Buffer.from(text);
                this.bytes.push(bytes.length, ...bytes);
            }
        }
        return this.offsets.get(key);
    }
}

function entry(c, pool, rank, first, second) {
    const text = String.fromCodePoint(c);
    const canonical = text.normalize('NFD'), compatible = text.normalize('NFKD');
    let flags = 0, offset = 0;
    if (canonical !== text) {
        flags |= FLAGS.CANONICAL | (text.normalize('NFC') === text ? FLAGS.RECOMPOSES : 0);
    }
    if (compatible !== canonical) {
        flags |= FLAGS.COMPATIBLE | (canonical !== text ? FLAGS.SECOND : 0);
    }
    if (canonical !== text && !inside(c, HANGUL)) {
        offset = flags & FLAGS.SECOND ? pool.add(canonical, compatible) : pool.add(canonical);
    } else if (compatible !== text && !inside(c, HANGUL)) {
        offset = pool.add(compatible);
    }
    const lv = inside(c, HANGUL) && (c - HANGUL[0]) % 28 === 0;
    const start = canonical.codePointAt(0);
    flags |= first.has(c) || inside(c, LEADS) || lv ? FLAGS.FORWARD : 0;
    flags |= second.has(start) || inside(start, VOWELS) || inside(start, FINALS) ? FLAGS.BACKWARD : 0;
    return `${offset}, ${rank}, ${flags}`;
}

// entries: for each code point the initializer of its struct, and the tables these point into.
export async function normalData(nodeModules, version) {
    const assigned = await new Unicode(nodeModules, version).set('Binary_Property/Assigned');
    const ranks = combiningRanks(assigned), pairs = compositions(assigned), pool = new Pool();
    const first = new Set(pairs.map((p) => p[0])), second = new Set(pairs.map((p) => p[1]));
    const entries = Array.from({ length: CODE_POINTS }, (_, c) =>
        assigned[c] && !inside(c, [0xd800, 0xdfff])
            ? entry(c, pool, ranks[c], first, second) : '0, 0, 0');
    return { entries, pairs, pool: pool.bytes };
}
