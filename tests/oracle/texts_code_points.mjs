// SPDX-License-Identifier: Apache-2.0
// Every code point that is assigned and no private one, some in each text, between a letter and a
// digit, where its class decides how the text is split and its decomposition what it becomes.
const IN_A_TEXT = 40;
const BULK = [[0x3500, 0x4db0], [0x4f00, 0x9fa0], [0xac80, 0xd780], [0x17080, 0x187f0],
    [0x20080, 0x2a6d0], [0x2a700, 0x2eb90], [0x30000, 0x323a0]]; // alike: every 16th will do

function isWanted(codePoint) {
    if (/[\p{Cn}\p{Co}\p{Cs}]/u.test(String.fromCodePoint(codePoint))) {
        return false;
    }
    return codePoint % 16 === 0 || !BULK.some(([first, last]) => codePoint >= first && codePoint <= last);
}

export function codePointTexts() {
    const texts = [];
    let text = '', count = 0;
    for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
        if (!isWanted(codePoint)) {
            continue;
        }
        const character = String.fromCodePoint(codePoint);
        text += `a${character}1${character}${character} `;
        if (++count % IN_A_TEXT === 0) {
            texts.push(text);
            text = '';
        }
    }
    return [...texts, text];
}
