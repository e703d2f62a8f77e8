// SPDX-License-Identifier: Apache-2.0
// Long texts of one kind, which a splitter does not cut and a cache of pieces does not hold.
import { adversarialTexts, random } from './texts_adversarial.mjs';

const CHARACTERS = 30000;

function drawn(rng, alphabet, length) {
    let text = '';
    while (text.length < length) {
        text += rng.pick(alphabet);
    }
    return text;
}

export function longTexts(seed, lists) {
    const rng = random(seed), letters = Array.from('etaoinshrdlucmfwypvbgkjqxz');
    const ideographs = Array.from({ length: 2000 }, (_, i) => String.fromCodePoint(0x4e00 + 7 * i));
    return [
        'a'.repeat(CHARACTERS), ' '.repeat(CHARACTERS), '=-'.repeat(CHARACTERS), '\u0301'.repeat(3000),
        drawn(rng, ['a', 'b'], CHARACTERS), drawn(rng, letters, CHARACTERS),
        drawn(rng, Array.from('0123456789'), CHARACTERS), drawn(rng, [' ', '\n', '\t', '\r\n'], CHARACTERS),
        drawn(rng, ideographs, CHARACTERS), drawn(rng, ['\u3042', '\u30a2', '\u6f22', '\u3001'], CHARACTERS),
        drawn(rng, ['\ud55c', '\uad6d', '\uc5b4'], CHARACTERS), drawn(rng, ['\u{1f600}', '\u200d', '\ufe0f'], 9000),
        drawn(rng, ['!', '?', '/', '\n', '.'], CHARACTERS), drawn(rng, ['A', 'b', '\u0301'], CHARACTERS),
        drawn(rng, ['\'s', '\'LL', 'x', ' '], CHARACTERS), drawn(rng, ['\u2581', ' ', 'the'], CHARACTERS),
        drawn(rng, lists.tokens, CHARACTERS), drawn(rng, lists.tokens.filter((t) => /^\p{L}+$/u.test(t)), CHARACTERS),
        [...adversarialTexts(seed, 300, lists)].join(''),
    ];
}
