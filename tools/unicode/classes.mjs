// SPDX-License-Identifier: Apache-2.0
// The classes of core/token/unicode.h for each code point, one bit each, in the order of its enum.
import { CODE_POINTS, Unicode } from './data.mjs';

const GC = 'General_Category/';
const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/;

// [what the bit is, of which version, properties that are joined]
const CLASSES = [
    ['LU', 16, GC + 'Uppercase_Letter'],
    ['LL', 16, GC + 'Lowercase_Letter'],
    ['LT', 16, GC + 'Titlecase_Letter'],
    ['LM', 16, GC + 'Modifier_Letter'],
    ['LO', 16, GC + 'Other_Letter'],
    ['MARK', 16, GC + 'Mark'],
    ['ND', 16, GC + 'Decimal_Number'],
    ['NL', 16, GC + 'Letter_Number'],
    ['NO', 16, GC + 'Other_Number'],
    ['PUNCT', 16, GC + 'Punctuation'],
    ['SYMBOL', 16, GC + 'Symbol'],
    ['SPACE', 16, 'Binary_Property/White_Space'],
    ['HAN', 16, 'Script/Han'],
    ['HIRAGANA', 16, 'Script/Hiragana'],
    ['KATAKANA', 16, 'Script/Katakana'],
    ['WORD', 16, 'Binary_Property/Alphabetic', GC + 'Mark', GC + 'Decimal_Number',
        GC + 'Connector_Punctuation', 'Binary_Property/Join_Control'],
    ['DIGITS', 17, GC + 'Number'],
    ['SPLIT_PUNCT', 8, GC + 'Punctuation'],
    ['ACCENT', 9, GC + 'Mark'],
    ['BERT_ACCENT', 8, GC + 'Nonspacing_Mark'],
    ['BERT_CONTROL', 8, GC + 'Control', GC + 'Format', GC + 'Private_Use'],
];

export async function classMasks(nodeModules) {
    const masks = new Uint32Array(CODE_POINTS);
    for (const [bit, [name, version, ...properties]] of CLASSES.entries()) {
        const members = await new Unicode(nodeModules, version).set(...properties);
        for (let c = 0; c < CODE_POINTS; c++) {
            const ascii = name === 'SPLIT_PUNCT' && c < 128 &&
                ASCII_PUNCTUATION.test(String.fromCharCode(c));
            if (members[c] || ascii) {
                masks[c] |= 1 << bit;
            }
        }
    }
    return masks;
}
