// SPDX-License-Identifier: Apache-2.0
// Two-stage tables, and C arrays as text.

// Splits values into blocks of 2^shift and keeps each distinct block once.
export function twoStage(values, shift) {
    const size = 1 << shift;
    const blocks = [], kept = [], known = new Map();
    for (let at = 0; at < values.length; at += size) {
        const block = Array.from(values.slice(at, at + size));
        const key = block.join(',');
        if (!known.has(key)) {
            known.set(key, known.size);
            kept.push(...block);
        }
        blocks.push(known.get(key));
    }
    return { blocks, kept };
}

export function array(declaration, values) {
    const lines = [`${declaration} = {`];
    let line = '   ';
    for (const value of values) {
        const word = ` ${value},`;
        if (line.length + word.length > 100) {
            lines.push(line);
            line = '   ';
        }
        line += word;
    }
    lines.push(line, '};', '');
    return lines.join('\n');
}

// The number of the first place of each distinct value.
export function numbered(values) {
    const distinct = [], numbers = new Map();
    const kinds = Array.from(values, (value) => {
        if (!numbers.has(value)) {
            numbers.set(value, distinct.length);
            distinct.push(value);
        }
        return numbers.get(value);
    });
    return { kinds, distinct };
}
