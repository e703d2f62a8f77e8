// SPDX-License-Identifier: Apache-2.0
// Small tokenizers for what the known vocabularies do not use: every normalizer, every splitter with
// its behaviours, flags of added tokens, options of the model. Two models: one of bytes with the
// first merges of r50k_base, one of characters with byte fallback out of llama2.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vocabulary } from './vocabularies.mjs';

const MERGES = 3000;
const BYTES = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
const GPT2 = { ...BYTES, use_regex: true };
const sequence = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });
const chain = (...normalizers) => ({ type: 'Sequence', normalizers });
const split = (pattern, behavior, invert = false) => ({ type: 'Split', pattern, behavior, invert });
const metaspace = (prepend_scheme, doSplit = true) =>
    ({ type: 'Metaspace', replacement: '\u2581', prepend_scheme, split: doSplit });
const replace = (pattern, content) => ({ type: 'Replace', pattern, content });
const BEHAVIOURS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'];

// name: {normalizer, splitter, bytes: false for the model of characters, model, added tokens;
// thorough: every code point is tried}
function recipes() {
    const all = {
        'gpt2 with a space before': { splitter: { ...GPT2, add_prefix_space: true } },
        'whitespace': { splitter: sequence({ type: 'Whitespace' }, BYTES), thorough: true },
        'whitespace split': { splitter: sequence({ type: 'WhitespaceSplit' }, BYTES) },
        'digits': { splitter: sequence({ type: 'Digits', individual_digits: false }, BYTES), thorough: true },
        'each digit': { splitter: sequence({ type: 'Digits', individual_digits: true }, GPT2) },
        'no splitter': { splitter: null, bytes: false },
        'llama': { bytes: false, normalizer: chain({ type: 'Prepend', prepend: '\u2581' },
            replace({ String: ' ' }, '\u2581')), splitter: null },
        'strip, then one space': { normalizer: chain({ type: 'Strip', strip_left: true, strip_right: true },
            replace({ Regex: '\\s+' }, ' ')), splitter: GPT2 },
        'replace runs of spaces': { normalizer: replace({ Regex: ' {2,}' }, '\u2581'), splitter: GPT2 },
        'replace letters': { normalizer: replace({ String: 'a' }, 'bb'), splitter: GPT2 },
        'accents, lower case': { normalizer: chain({ type: 'NFD' }, { type: 'StripAccents' }, { type: 'Lowercase' }),
            splitter: GPT2, thorough: true },
        'as Bert': { thorough: true, normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true,
            strip_accents: null, lowercase: true }, splitter: sequence({ type: 'BertPreTokenizer' }, BYTES) },
        'as Bert, cased': { normalizer: { type: 'BertNormalizer', clean_text: false, handle_chinese_chars: true,
            strip_accents: true, lowercase: false }, splitter: sequence({ type: 'BertPreTokenizer' }, BYTES) },
        'strip at the left': { normalizer: { type: 'Strip', strip_left: true, strip_right: false }, splitter: GPT2 },
        'no merges before vocabulary': { splitter: GPT2, model: { ignore_merges: true } },
        'unknown': { bytes: false, splitter: null, model: { byte_fallback: false, fuse_unk: false } },
        'unknown, fused': { bytes: false, splitter: null, model: { byte_fallback: false, fuse_unk: true } },
        'sequence of splits': { splitter: sequence(split({ Regex: '\\p{N}{1,3}' }, 'Isolated'),
            split({ Regex: '\\s+' }, 'MergedWithNext'), split({ String: '-' }, 'Removed'), BYTES) },
        'added tokens': { splitter: GPT2, normalizer: { type: 'Lowercase' }, added: [
            { content: 'the', single_word: true }, { content: '<|X|>', special: true, lstrip: true },
            { content: 'Hello', normalized: true }, { content: 'world', normalized: false, rstrip: true },
            { content: '\n\n', normalized: true }, { content: 'and', lstrip: true, rstrip: true, single_word: true },
            { content: '   ', normalized: false },
        ] },
        'added tokens that overlap': { splitter: GPT2, added: [
            { content: 'ab', normalized: false }, { content: 'aba', normalized: false },
            { content: 'aa', normalized: true }, { content: '中', normalized: true }, { content: '中中', normalized: true },
        ] },
    };
    Object.assign(all, models());
    for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) {
        all[form] = { normalizer: { type: form }, splitter: GPT2, thorough: true };
    }
    for (const scheme of ['always', 'never', 'first']) {
        all[`metaspace ${scheme}`] = { bytes: false, splitter: metaspace(scheme), added: [{ content: '<|X|>', special: true }] };
        all[`metaspace ${scheme}, unsplit`] = { bytes: false, splitter: metaspace(scheme, false),
            added: [{ content: '<|X|>', special: true }] };
    }
    for (const behaviour of BEHAVIOURS) {
        all[`punctuation ${behaviour}`] = { thorough: behaviour === 'Isolated',
            splitter: sequence({ type: 'Punctuation', behavior: behaviour }, BYTES) };
        all[`split at a space ${behaviour}`] = { splitter: sequence(split({ String: ' ' }, behaviour), BYTES) };
        all[`split at words ${behaviour}`] = { splitter: sequence(split({ Regex: '[A-Za-z]+|[^A-Za-z\\s]+' }, behaviour), BYTES) };
        all[`inverted split ${behaviour}`] = { splitter: sequence(split({ Regex: '[A-Za-z]+' }, behaviour, true), BYTES) };
    }
    return all;
}

// How models that have no job of their own split.
function models() {
    const gpt2 = { ...GPT2 }, digits = (each) => ({ type: 'Digits', individual_digits: each });
    return {
        'as StarCoder': { splitter: sequence(digits(true), gpt2), added: [{ content: '<fim_prefix>', special: true }] },
        'as Command R': { normalizer: { type: 'NFC' }, splitter: sequence(digits(true), gpt2) },
        'as GPT-NeoX': { normalizer: { type: 'NFC' }, splitter: gpt2,
            added: ['  ', '   ', '    '].map((content) => ({ content, normalized: true })) },
        'as BLOOM': { splitter: sequence(split({ Regex: ' ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+' },
            'Isolated'), BYTES) },
        'a pattern of its own': { thorough: true, splitter: sequence(split({ Regex: "(?i:'s|'t|'re|'ve|'m|'ll|'d)" +
            '|\\p{Han}+|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{Nd}{1,3}|\\p{No}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*' +
            '|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+' }, 'Isolated'), BYTES) },
        'categories': { thorough: true, splitter: sequence(split({ Regex: '[\\p{Lu}\\p{Lt}]+|\\p{Ll}+|[\\p{Lm}\\p{Lo}]|\\P{P}' },
            'Isolated'), BYTES) },
        'as Gemma 2': { bytes: false, normalizer: replace({ String: ' ' }, '\u2581'),
            splitter: split({ String: ' ' }, 'MergedWithPrevious'), added: [{ content: '\n\n', normalized: false }] },
        'as Mistral': { bytes: false, splitter: metaspace('first', false),
            added: [{ content: '[INST]', special: true }, { content: '[/INST]', special: true }] },
        'as Llama without a space before': { bytes: false, normalizer: replace({ String: ' ' }, '\u2581'), splitter: null },
    };
}

export const COMPONENTS = Object.keys(recipes());

function bases(folder) {
    const bytes = JSON.parse(readFileSync(vocabulary('r50k_base', folder).file, 'utf8'));
    bytes.model.merges = bytes.model.merges.slice(0, MERGES);
    const kept = new Set(bytes.model.merges.map((merge) => merge.replace(' ', '')));
    bytes.model.vocab = Object.fromEntries(Object.entries(bytes.model.vocab)
        .filter(([token]) => Array.from(token).length === 1 || kept.has(token)).map(([token], id) => [token, id]));
    const characters = JSON.parse(readFileSync(vocabulary('llama2', folder).file, 'utf8'));
    return { bytes, characters };
}

// A token that the vocabulary has keeps its number, others follow behind it.
function addedTokens(tokens, vocab) {
    let next = Object.keys(vocab).length;
    return tokens.map((token) => addedToken(token, vocab[token.content] ?? next++));
}

function addedToken(token, id) {
    return { id, content: token.content, single_word: !!token.single_word, lstrip: !!token.lstrip,
        rstrip: !!token.rstrip, normalized: !!token.normalized, special: !!token.special };
}

// Writes the tokenizers below folder: [{name, file, reference, thorough}].
export function componentTokenizers(folder) {
    const { bytes, characters } = bases(folder);
    return Object.entries(recipes()).map(([name, recipe], i) => {
        const base = recipe.bytes === false ? characters : bytes;
        const added = addedTokens(recipe.added || [], base.model.vocab);
        const file = join(folder, `component-${i}.json`);
        writeFileSync(file, JSON.stringify({
            ...base, normalizer: recipe.normalizer || null, pre_tokenizer: recipe.splitter,
            post_processor: null, added_tokens: added, model: { ...base.model, ...recipe.model },
        }));
        return { name, file, reference: 'tokenizers', thorough: recipe.thorough };
    });
}
