/* SPDX-License-Identifier: Apache-2.0 */
/* Option rows: counting tokens. Data only. */
#include <config/options.h>

static const struct tkp_option rows[] = {
    {.id = TKP_OPT_TOKENIZER,
     .group = TKP_GROUP_TOKENS,
     .type = TKP_TYPE_TEXT,
     .path = "tokenizer.name",
     .path_alias = "tokenizer",
     .flag = "--tokenizer",
     .value = "PATH|builtin",
     .help =
         "Count prompts and answers with this tokenizer: a tokenizer.json, a directory with one, "
         "or a tiktoken file; builtin counts one token per GPT-2 piece, as no model does. "
         "Nothing is downloaded."},
    {.id = TKP_OPT_TOKENIZER_THREADS,
     .group = TKP_GROUP_TOKENS,
     .type = TKP_TYPE_INTEGER,
     .path = "tokenizer.threads",
     .flag = "--tokenizer-threads",
     .fallback_note = "one for each core that neither a worker nor the recorder has, at most 4",
     .minimum = 0,
     .maximum = 255,
     .help =
         "Threads that count while the load runs, at the lowest priority; 0 leaves all of it to "
         "the end, when every core counts."},
    {.id = TKP_OPT_DRAIN_TIMEOUT,
     .group = TKP_GROUP_TOKENS,
     .type = TKP_TYPE_DURATION,
     .path = "tokenizer.drain_timeout",
     .flag = "--drain-timeout",
     .fallback = "0",
     .minimum = 0,
     .maximum = 31536000,
     .help = "Longest time for counting after the load, 0 without limit; 'tokperf report DIR "
             "--tokenizer PATH' counts what is left."},
};

const struct tkp_option_rows tkp_options_token = {rows, sizeof rows / sizeof rows[0]};
