// SPDX-License-Identifier: Apache-2.0
// Generated texts that a tokenizer gets wrong first: scripts, marks, emoji sequences, white space,
// digits, contractions in every case, long runs, literal special tokens, private use, unassigned.
// A function of the seed and the vocabulary alone.

// mulberry32: a small generator with a full period for each seed.
export function random(seed) {
    let state = seed >>> 0;
    const next = () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let x = Math.imul(state ^ (state >>> 15), state | 1);
        x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
        return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
    };
    const below = (n) => Math.floor(next() * n);
    return { below, pick: (list) => list[below(list.length)] };
}

const range = (first, last) => ({ first, last });
const SCRIPTS = [
    range(0x41, 0x5a), range(0x61, 0x7a), range(0xc0, 0x24f), range(0x250, 0x2ff),
    range(0x370, 0x3ff), range(0x400, 0x4ff), range(0x530, 0x58f), range(0x590, 0x5ff),
    range(0x600, 0x6ff), range(0x700, 0x7ff), range(0x8a0, 0x8ff), range(0x900, 0x97f),
    range(0x980, 0xdff), range(0xe00, 0xeff), range(0xf00, 0xfff), range(0x1000, 0x109f),
    range(0x10a0, 0x10ff), range(0x1100, 0x11ff), range(0x1200, 0x137f), range(0x13a0, 0x13ff),
    range(0x1780, 0x17ff), range(0x1800, 0x18af), range(0x1c80, 0x1cbf), range(0x1d00, 0x1dff),
    range(0x1e00, 0x1fff), range(0x2c00, 0x2dff), range(0x3040, 0x30ff), range(0x3100, 0x31ff),
    range(0x3400, 0x34ff), range(0x4e00, 0x9fff), range(0xa000, 0xa4cf), range(0xa640, 0xa7ff),
    range(0xac00, 0xd7a3), range(0xf900, 0xfaff), range(0xfb00, 0xfdff), range(0xfe70, 0xfeff),
    range(0xff00, 0xffef), range(0x10400, 0x1047f), range(0x11380, 0x113ff), range(0x1d400, 0x1d7ff),
    range(0x1e900, 0x1e95f), range(0x20000, 0x200ff), range(0x2f800, 0x2fa1f),
];
const SYMBOLS = [
    range(0x21, 0x2f), range(0x3a, 0x40), range(0x5b, 0x60), range(0x7b, 0x7e), range(0xa1, 0xbf),
    range(0x2000, 0x206f), range(0x20a0, 0x20cf), range(0x2100, 0x214f), range(0x2190, 0x23ff),
    range(0x2500, 0x27bf), range(0x3000, 0x303f), range(0xfe10, 0xfe6f), range(0x1f300, 0x1f6ff),
    range(0x1f900, 0x1f9ff), range(0x1fb00, 0x1fbff),
];
const MARKS = [
    range(0x300, 0x36f), range(0x483, 0x489), range(0x5b0, 0x5c7), range(0x64b, 0x65f),
    range(0x897, 0x89f), range(0x93c, 0x94d), range(0x1ab0, 0x1aff), range(0x1dc0, 0x1dff),
    range(0x20d0, 0x20f0), range(0x302a, 0x302f), range(0x3099, 0x309a), range(0xfe00, 0xfe0f),
    range(0xfe20, 0xfe2f), range(0xe0100, 0xe01ef), range(0x1d165, 0x1d169),
];
const BASES = [range(0x41, 0x5a), range(0x61, 0x7a), range(0x391, 0x3c9), range(0x3046, 0x30fd),
    range(0x1100, 0x1112), range(0xac00, 0xd7a3), range(0x1e00, 0x1eff)];
const COMPOSING = [range(0x300, 0x345), range(0x300, 0x345), range(0x3099, 0x309a),
    range(0x1161, 0x1175), range(0x11a7, 0x11c2), range(0x5b0, 0x5bf)];
const DIGITS = [
    range(0x30, 0x39), range(0x30, 0x39), range(0x30, 0x39), range(0x660, 0x669), range(0x966, 0x96f),
    range(0xbc, 0xbe), range(0xb2, 0xb3), range(0x2070, 0x2089), range(0x2150, 0x2189),
    range(0x2460, 0x249b), range(0x3007, 0x3029), range(0x3220, 0x3229), range(0xff10, 0xff19),
    range(0x10d40, 0x10d49), range(0x11de0, 0x11de9), range(0x1d7ce, 0x1d7ff), range(0x1fbf0, 0x1fbf9),
];
const OTHERS = [
    range(0, 0x1f), range(0x7f, 0x9f), range(0xe000, 0xf8ff), range(0xfdd0, 0xfdef),
    range(0xfff0, 0xffff), range(0x378, 0x379), range(0x1c8b, 0x1c8f), range(0xa7ce, 0xa7d4),
    range(0x16ea0, 0x16ed3), range(0x2fe0, 0x2fff), range(0xe0000, 0xe007f), range(0xf0000, 0xf00ff),
    range(0x10ff00, 0x10ffff), range(0x323b0, 0x3347f), range(0x13430, 0x13455),
];
const SPACES = [' ', ' ', ' ', '  ', '\t', '\n', '\n\n', '\r\n', '\r', '\u00a0', '\u0085', '\u1680',
    '\u2002', '\u2009', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000', '\v', '\f', '\u200b',
    '\ufeff', '\u180e', '\u001c', '\u001f'];
const ENDINGS = ['s', 't', 'm', 'd', 're', 've', 'll', '\u017f', 'l', 'r', 'v', 'sx', 'LLa', 'n\'t', 'K'];
const APOSTROPHES = ['\'', '\'', '\'', '\u2019', '\uff07', '`'];
const EMOJI = ['\u{1f600}', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}',
    '\u{1f3f3}\ufe0f\u200d\u{1f308}', '\u{1f1e9}\u{1f1ea}', '\u{1f1fa}', '1\ufe0f\u20e3', '#\u20e3',
    '\u{1f44d}\u{1f3fd}', '\u2764\ufe0f', '\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}', '\u{1fae8}', '\u200d'];
const WORDS = ['the', 'and', 'Hello', 'world', 'HTTPServer', 'camelCase', 'snake_case', 'don', 'I', 'we',
    'Stra\u00dfe', 'na\u00efve', '\u0130stanbul', '\u0179\u00d3\u0141W', '\u041f\u0440\u0438\u0432\u0435\u0442', '\u4f60\u597d',
    '\u3053\u3093\u306b\u3061\u306f', '\u30ab\u30bf\u30ab\u30ca', '\u00e9t\u00e9', 'e\u0301t\u00e9', '\ud55c\uad6d\uc5b4',
    '\u0928\u092e\u0938\u094d\u0924\u0947', '\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35', '\u0645\u0631\u062d\u0628\u0627', '\u05e9\u05dc\u05d5\u05dd', '\u01c5', '\u01c4', '\ufb01', '\u2126'];
const CODE = ['for (int i = 0; i < n; ++i) {', '}\n\n', '    return x;\n', '\tif err != nil {\n', '// ',
    '/* */', '<div class="a">', '</div>', '#include <x.h>', '=>', '->', '!=', '===', '\\n', '\\u0000',
    'https://a.example/b?c=d&e=%20#f', 'a@b.example', '0x1F', '1e-9', '3.14159', '1,234,567', '$100',
    '50%', '...', '---', '/////', '\r\n/\n', '{{', '<|', '|>', '<', '</', '[INST]', '\u2581', '\u0120', '\u010a',
    '<0x0A>', '<0xE2>', '\u2581\u2581', '\u00e2', '\ufffd'];

const codePoint = (rng, ranges) => {
    const { first, last } = rng.pick(ranges);
    return String.fromCodePoint(first + rng.below(last - first + 1));
};

const anyScalar = (rng) => {
    const scalar = rng.below(0x110000 - 0x800);
    return String.fromCodePoint(scalar < 0xd800 ? scalar : scalar + 0x800);
};

function several(rng, most, make) {
    let text = '';
    for (let left = 1 + rng.below(most); left > 0; left--) {
        text += make();
    }
    return text;
}

const caseOf = (rng, text) => Array.from(text, (c) => (rng.below(2) ? c.toUpperCase() : c)).join('');

function script(rng, most) {
    const one = [rng.pick(SCRIPTS)];
    return several(rng, most, () => codePoint(rng, rng.below(8) ? one : SCRIPTS));
}

function special(rng, specials) {
    const token = rng.pick(specials);
    const cut = rng.below(4) ? token.length : rng.below(token.length + 1);
    return token.slice(0, cut);
}

const longRun = (rng) =>
    rng.pick(['a', 'A', ' ', '\n', '1', '!', '-', '\u4e2d', '\u0301', '\ud55c', 'ab', ' a', '\r\n', '=', '\u{1f600}'])
        .repeat(1 + rng.below(rng.below(20) ? 40 : 1500));

const marked = (rng) => codePoint(rng, SCRIPTS) + several(rng, 4, () => codePoint(rng, MARKS));
// What normalization puts into order and composes.
const composing = (rng) => codePoint(rng, BASES) + several(rng, 4, () => codePoint(rng, COMPOSING));
const contraction = (rng) => rng.pick(WORDS) + rng.pick(APOSTROPHES) + caseOf(rng, rng.pick(ENDINGS));

const MAKERS = [
    (rng) => script(rng, 12),
    (rng) => ' ' + script(rng, 6),
    (rng) => rng.pick(WORDS),
    (rng) => ' ' + caseOf(rng, rng.pick(WORDS)),
    (rng) => several(rng, 3, () => marked(rng)),
    (rng) => several(rng, 3, () => composing(rng)),
    (rng) => several(rng, 3, () => rng.pick(EMOJI)),
    (rng) => several(rng, 6, () => rng.pick(SPACES)),
    (rng) => several(rng, 8, () => codePoint(rng, DIGITS)),
    (rng) => several(rng, 9, () => String(rng.below(10))),
    (rng) => contraction(rng),
    (rng) => several(rng, 5, () => codePoint(rng, SYMBOLS)),
    (rng) => rng.pick(CODE),
    (rng) => rng.pick(['', ' ', '\n']) + rng.pick(CODE) + rng.pick(['', ' ', '\n', '  ']),
    (rng) => several(rng, 3, () => codePoint(rng, OTHERS)),
    (rng) => several(rng, 3, () => anyScalar(rng)),
    (rng) => longRun(rng),
    (rng) => rng.pick(['\ud83d', '\ude00', '\udc00', '\ud800']) + rng.pick(WORDS), // half a pair
    (rng, lists) => special(rng, lists.specials),
    (rng, lists) => several(rng, 3, () => rng.pick(lists.tokens)),
    (rng) => rng.pick([' ', '  ', '\n', '\t']),
];

// specials: literal added tokens; tokens: texts out of the vocabulary; both may be used in pieces.
export function* adversarialTexts(seed, count, lists) {
    const rng = random(seed);
    for (let i = 0; i < count; i++) {
        yield several(rng, rng.below(10) ? 6 : 30, () => rng.pick(MAKERS)(rng, lists));
    }
}
