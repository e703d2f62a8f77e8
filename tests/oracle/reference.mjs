// SPDX-License-Identifier: Apache-2.0
// What the reference says to each text: {ids, groups}. groups are the numbers of tokens of one piece
// after the other, which show where the reference split the text; tiktoken does not tell them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const BATCH = 1000;

function groupsOf(wordIds) {
    const groups = [];
    let last;
    for (const word of wordIds) {
        if (groups.length && word === last) {
            groups[groups.length - 1]++;
        } else {
            groups.push(1);
        }
        last = word;
    }
    return groups;
}

async function tokenizersAnswers(require, file, texts) {
    const { Tokenizer } = require('tokenizers');
    const tokenizer = Tokenizer.fromString(readFileSync(file, 'utf8'));
    const answers = [];
    for (let at = 0; at < texts.length; at += BATCH) {
        const batch = texts.slice(at, at + BATCH);
        const encodings = await tokenizer.encodeBatch(batch, { addSpecialTokens: false });
        for (const encoding of encodings) {
            answers.push({ ids: encoding.getIds(), groups: groupsOf(encoding.getWordIds()) });
        }
    }
    return answers;
}

function tiktokenAnswers(require, encoder, texts) {
    const { Tiktoken } = require('tiktoken');
    const tokenizer = new Tiktoken(encoder.bpe_ranks, encoder.special_tokens, encoder.pat_str);
    const answers = texts.map((text) => ({ ids: Array.from(tokenizer.encode_ordinary(text)) }));
    tokenizer.free();
    return answers;
}

export async function referenceAnswers({ file, encoder, reference }, folder, texts) {
    const require = createRequire(join(folder, 'x.js'));
    return reference === 'tiktoken'
        ? tiktokenAnswers(require, encoder, texts) : tokenizersAnswers(require, file, texts);
}
