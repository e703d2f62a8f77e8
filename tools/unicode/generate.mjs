// SPDX-License-Identifier: Apache-2.0
// Makes core/token/unicode_tables.inc out of the npm packages @unicode/unicode-N.0.0:
//   node tools/unicode/generate.mjs NODE_MODULES           writes the file
//   node tools/unicode/generate.mjs NODE_MODULES --check   exit 1 when the file is not what comes out
import { readFileSync, writeFileSync } from 'node:fs';
import { classMasks } from './classes.mjs';
import { array, numbered, twoStage } from './emit.mjs';
import { lowercaseRanges } from './lowercase.mjs';
import { normalData } from './normal.mjs';

const TABLES = new URL('../../core/token/unicode_tables.inc', import.meta.url);
const CLASS_SHIFT = 8, NORMAL_SHIFT = 7;
// The versions that the reference implementation's components carry (unicode.h, normal_form.h).
const NORMAL_VERSION = 9, LOWERCASE_VERSION = 17;

const HEAD = `/* SPDX-License-Identifier: Apache-2.0 AND Unicode-3.0 */
/*
 * Made by tools/unicode/generate.mjs; do not edit. Derived from the Unicode Character Database,
 * versions 8.0, 9.0, 16.0 and 17.0, as in the npm packages @unicode/unicode-*.0.0.
 * Copyright 1991-2025 Unicode, Inc. Distributed under https://www.unicode.org/license.txt
 */
`;

async function classTables(nodeModules) {
    const { kinds, distinct } = numbered(await classMasks(nodeModules));
    const { blocks, kept } = twoStage(kinds, CLASS_SHIFT);
    return [
        array('const uint8_t tkp_unicode_blocks[0x110000 >> TKP_UNICODE_SHIFT]', blocks),
        array('const uint8_t tkp_unicode_kinds[]', kept),
        array('const uint32_t tkp_unicode_masks[]', distinct),
    ];
}

async function normalTables(nodeModules) {
    const { entries, pairs, pool } = await normalData(nodeModules, NORMAL_VERSION);
    const { kinds, distinct } = numbered(entries);
    const { blocks, kept } = twoStage(kinds, NORMAL_SHIFT);
    return [
        array('const uint8_t tkp_normal_blocks[0x110000 >> TKP_NORMAL_SHIFT]', blocks),
        array('const uint16_t tkp_normal_kinds[]', kept),
        array('const struct tkp_normal_entry tkp_normal_entries[]', distinct.map((e) => `{${e}}`)),
        array('const uint8_t tkp_normal_pool[]', pool),
        array('const struct tkp_normal_pair tkp_normal_pairs[]',
            pairs.map(([a, b, c]) => `{${a}, ${b}, ${c}}`)),
        `const size_t tkp_normal_pairs_len = ${pairs.length};\n`,
    ];
}

async function lowercaseTables(nodeModules) {
    const ranges = await lowercaseRanges(nodeModules, LOWERCASE_VERSION);
    return [
        array('const struct tkp_lowercase_range tkp_lowercase_ranges[]', ranges),
        `const size_t tkp_lowercase_ranges_len = ${ranges.length};\n`,
    ];
}

const [nodeModules, mode] = process.argv.slice(2);
if (!nodeModules || (mode && mode !== '--check')) {
    console.error('usage: node tools/unicode/generate.mjs NODE_MODULES [--check]');
    process.exit(2);
}
const text = [HEAD, ...await classTables(nodeModules), ...await normalTables(nodeModules),
    ...await lowercaseTables(nodeModules)].join('\n');
if (!mode) {
    writeFileSync(TABLES, text);
} else if (readFileSync(TABLES, 'utf8') !== text) {
    console.error('core/token/unicode_tables.inc is not what its generator makes: run ' +
        'node tools/unicode/generate.mjs NODE_MODULES');
    process.exit(1);
}
