// SPDX-License-Identifier: Apache-2.0
// Lower case without context as ranges: every step-th code point from first to last, plus delta.
import { Unicode } from './data.mjs';

// The one code point that becomes two (i and a dot above), which the C code spells out.
export const DOTTED_I = 0x130;

export async function lowercaseRanges(nodeModules, version) {
    const ranges = [];
    const mapping = await new Unicode(nodeModules, version).lowercase();
    for (const [from, to] of [...mapping].sort((a, b) => a[0] - b[0])) {
        if (from === DOTTED_I) {
            continue;
        }
        if (to.length !== 1) {
            throw new Error(`U+${from.toString(16)} becomes more than one code point`);
        }
        const last = ranges.at(-1), delta = to[0] - from, step = last ? from - last.last : 0;
        if (last && last.delta === delta && step <= 2 && (last.step === step || last.first === last.last)) {
            last.last = from;
            last.step = step;
        } else {
            ranges.push({ first: from, last: from, step: 1, delta });
        }
    }
    return ranges.map((r) => `{${r.first}, ${r.last}, ${r.step}, ${r.delta}}`);
}
