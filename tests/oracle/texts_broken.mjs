// SPDX-License-Identifier: Apache-2.0
// Bytes that are not UTF-8: generated texts with bytes lost, changed, doubled, or cut off. The
// rule: each maximal invalid part is one U+FFFD, as Node's own decoding has it too.
import { adversarialTexts, random } from './texts_adversarial.mjs';

const STRAY = [0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0xe2, 0xed, 0xf0, 0xf4, 0xf5, 0xff, 0xa0, 0x9f];

function broken(rng, bytes) {
    const at = rng.below(bytes.length + 1), stray = Buffer.from([rng.pick(STRAY)]);
    switch (rng.below(4)) {
    case 0:
        return bytes.subarray(0, at);
    case 1:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    case 2:
        return Buffer.concat([bytes.subarray(0, at), stray, bytes.subarray(at)]);
    default:
        return Buffer.concat([bytes.subarray(0, at), stray, bytes.subarray(at + 1)]);
    }
}

export function brokenTexts(seed, count, lists) {
    const rng = random(seed);
    return [...adversarialTexts(seed, count, lists)].map((text) => {
        let bytes = Buffer.from(text);
        for (let left = 1 + rng.below(4); left > 0; left--) {
            bytes = broken(rng, bytes);
        }
        return bytes;
    });
}
