// SPDX-License-Identifier: Apache-2.0
// The vocabularies of the oracle: tokenizer.json files that npm packages carry, and those made of
// tiktoken's ranks, with the rank files themselves.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const GPT2_TEXT = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const PACKAGED = ['deepseek_v3', 'gemma', 'llama2', 'llama3', 'mistral_nemo', 'qwen2_5'];
const RANKED = ['r50k_base', 'cl100k_base', 'o200k_base'];

export const NAMES = [...PACKAGED, ...RANKED, ...RANKED.map((name) => `${name}.tiktoken`)];

// GPT-2's alphabet: each byte as a printable character.
function byteAlphabet() {
    const shown = [];
    let next = 256;
    for (let byte = 0; byte < 256; byte++) {
        const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
        shown.push(String.fromCodePoint(printable ? byte : next++));
    }
    return shown;
}

// "! 0 IQ== Ig== ..." a line: a first rank and the tokens from it on, in base64.
function ranksOf(encoder) {
    const ranks = new Map();
    for (const line of encoder.bpe_ranks.split('\n')) {
        const [, first, ...tokens] = line.split(' ');
        tokens.forEach((token, i) => ranks.set(
            Buffer.from(token, 'base64').toString('latin1'), Number(first) + i));
    }
    return ranks;
}

// The two parts of a token that merging by lower ranks ends with.
function lastMerge(token, ranks) {
    const limit = ranks.get(token);
    let parts = Array.from(token);
    while (parts.length > 2) {
        let best = limit, at = -1;
        for (let i = 0; i + 1 < parts.length; i++) {
            const rank = ranks.get(parts[i] + parts[i + 1]);
            if (rank !== undefined && rank < best) {
                best = rank;
                at = i;
            }
        }
        if (at < 0) {
            return null;
        }
        parts.splice(at, 2, parts[at] + parts[at + 1]);
    }
    return parts;
}

function tokenizerOf(encoder) {
    const ranks = ranksOf(encoder), alphabet = byteAlphabet(), vocab = {}, merges = [];
    const shown = (token) => Array.from(token, (byte) => alphabet[byte.charCodeAt(0)]).join('');
    for (const [token, rank] of ranks) {
        vocab[shown(token)] = rank;
        const parts = token.length > 1 ? lastMerge(token, ranks) : null;
        if (parts) {
            merges.push(parts.map(shown).join(' '));
        }
    }
    Object.assign(vocab, encoder.special_tokens); // there they keep their numbers
    const split = { type: 'Split', pattern: { Regex: encoder.pat_str }, behavior: 'Isolated', invert: false };
    const gpt2 = encoder.pat_str.startsWith("'s");
    return {
        version: '1.0', truncation: null, padding: null,
        added_tokens: Object.entries(encoder.special_tokens).map(([content, id]) => ({
            id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true,
        })),
        normalizer: null,
        pre_tokenizer: gpt2 ? GPT2_TEXT : {
            type: 'Sequence', pretokenizers: [split, { ...GPT2_TEXT, use_regex: false }],
        },
        post_processor: null,
        decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
        model: {
            type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null,
            end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, vocab, merges,
        },
    };
}

function writeOnce(path, make) {
    if (!existsSync(path)) {
        writeFileSync(path, make());
    }
    return path;
}

function rankFile(encoder) {
    return [...ranksOf(encoder)].map(([token, rank]) =>
        `${Buffer.from(token, 'latin1').toString('base64')} ${rank}\n`).join('');
}

// What the generator of texts uses of a tokenizer.json: literal added tokens, texts of other tokens.
export function wordLists(file) {
    const { model, added_tokens: added } = JSON.parse(readFileSync(file, 'utf8'));
    const bytes = new Map(byteAlphabet().map((shown, byte) => [shown, byte]));
    const textOf = (token) => {
        const mapped = Array.from(token, (character) => bytes.get(character));
        return mapped.includes(undefined) ? token.replaceAll('\u2581', ' ') : Buffer.from(mapped).toString();
    };
    const tokens = Object.keys(model.vocab).filter((_, i) => i % 23 === 0).map(textOf);
    const specials = added.slice(0, 40).map((token) => token.content);
    return {
        tokens: tokens.filter((token) => !token.includes('\ufffd')),
        specials: specials.length ? specials : ['<|endoftext|>', '<s>'],
    };
}

// {file, encoder, reference}: the file for tokperf below `folder`, which holds node_modules.
export function vocabulary(name, folder) {
    const require = createRequire(join(folder, 'x.js'));
    if (PACKAGED.includes(name)) {
        const file = join(folder, 'node_modules', '@lenml', `tokenizer-${name}`, 'models', 'tokenizer.json');
        return { file, reference: 'tokenizers' };
    }
    const base = name.split('.')[0];
    const encoder = JSON.parse(readFileSync(require.resolve(`tiktoken/encoders/${base}.json`), 'utf8'));
    if (name !== base) {
        const file = writeOnce(join(folder, name), () => rankFile(encoder));
        return { file, encoder, reference: 'tiktoken' };
    }
    const file = writeOnce(join(folder, `${base}.json`), () => JSON.stringify(tokenizerOf(encoder)));
    return { file, reference: 'tokenizers' };
}
