// SPDX-License-Identifier: Apache-2.0
// Reads Unicode properties from the npm packages @unicode/unicode-N.0.0 below a node_modules folder.
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

export const CODE_POINTS = 0x110000;

export class Unicode {
    constructor(nodeModules, version) {
        this.root = pathToFileURL(resolve(nodeModules, `@unicode/unicode-${version}.0.0`)).href;
        this.version = version;
    }

    async import(path) {
        return (await import(`${this.root}/${path}.mjs`)).default;
    }

    // One byte for each code point: 1 where one of the properties holds.
    async set(...properties) {
        const members = new Uint8Array(CODE_POINTS);
        for (const property of properties) {
            for (const range of await this.import(`${property}/ranges`)) {
                for (const codePoint of range.keys()) {
                    members[codePoint] = 1;
                }
            }
        }
        return members;
    }

    // Code point to the sequence of code points that it becomes in lower case, without context.
    async lowercase() {
        const mapping = new Map();
        for (const [from, to] of await this.import('Simple_Case_Mapping/Lowercase/code-points')) {
            mapping.set(from, [to]);
        }
        for (const [from, to] of await this.import('Special_Casing/Lowercase/code-points')) {
            mapping.set(from, to);
        }
        return mapping;
    }
}
