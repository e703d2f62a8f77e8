/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in one form, and commands, with or without the values of secret names. No state. [any] */
#include <config/redact.h>

#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <config/settings.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 4096 /* of a command; longer ones are hidden */, COMMAND_MAX_BYTES = 4 << 20 };

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

/* The plain text of a key or string, to be freed; without memory nothing, which hides it. */
static struct tokperf_span plain_text(struct tokperf_span text, char **memory)
{
    uint64_t len = 0;
    *memory = malloc(3 * text.len + 1);
    if (!*memory || tkp_json_unescape(text, *memory, 3 * text.len, &len))
        return tkp_span(TKP_REDACTED);
    return (struct tokperf_span){*memory, len};
}

static void write_string(struct tokperf_json_writer *w, struct tokperf_span text)
{
    char *memory;
    json->string(w, plain_text(text, &memory));
    free(memory);
}

static void write_key(struct tokperf_json *scan, struct tokperf_json_writer *w, bool hides)
{
    char *memory;
    struct tokperf_span key = plain_text(scan->text, &memory);
    json->key(w, key);
    if (hides && tkp_text_is_secret_name(key) && tkp_json_skip(scan, NULL) == TOKPERF_OK)
        json->string(w, tkp_span(TKP_REDACTED));
    free(memory);
}

static void rewrite(struct tokperf_span value, struct tokperf_json_writer *w, bool hides)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, value.data, value.len);
    for (uint32_t token; (token = tkp_json_next(&scan)) > TOKPERF_JSON_ERROR;) {
        if (token == TOKPERF_JSON_OBJECT_BEGIN)
            json->object_begin(w);
        else if (token == TOKPERF_JSON_OBJECT_END)
            json->object_end(w);
        else if (token == TOKPERF_JSON_ARRAY_BEGIN)
            json->array_begin(w);
        else if (token == TOKPERF_JSON_ARRAY_END)
            json->array_end(w);
        else if (token == TOKPERF_JSON_KEY)
            write_key(&scan, w, hides);
        else if (token == TOKPERF_JSON_STRING)
            write_string(w, scan.text);
        else if (token == TOKPERF_JSON_NUMBER)
            json->raw(w, scan.text);
        else if (token == TOKPERF_JSON_NULL)
            json->null(w);
        else
            json->boolean(w, token == TOKPERF_JSON_TRUE);
    }
}

void tkp_redact_json(struct tokperf_span value, struct tokperf_json_writer *w)
{
    rewrite(value, w, true);
}

void tkp_compact_json(struct tokperf_span value, struct tokperf_json_writer *w)
{
    rewrite(value, w, false);
}

/* Up to the blank behind a word, which may have some in quotes. */
static size_t word_length(const char *word)
{
    char quote = '\0';
    size_t len = 0;
    for (; word[len] && (quote || !strchr(" \t\n", word[len])); len++) {
        char c = word[len];
        if (c == '\\' && quote != '\'' && word[len + 1])
            len++;
        else if (c == quote)
            quote = '\0';
        else if (!quote && (c == '\'' || c == '"'))
            quote = c;
    }
    return len;
}

/* The name that a word begins with, up to '=' or ':'; *is_whole: there is neither. */
static struct tokperf_span name_of(const char *word, bool *is_whole)
{
    const char *name = word + strspn(word, "-'\"");
    size_t len = strcspn(name, "=:'\"");
    *is_whole = name[len] != '=' && name[len] != ':';
    return (struct tokperf_span){name, len};
}

/* Writes a word. Returns whether the one behind it is the value of a secret name. */
static bool put_word(struct tkp_buffer *out, const char *word, bool is_hidden)
{
    char shown[WORD_BYTES];
    bool is_whole;
    struct tokperf_span name = name_of(word, &is_whole);
    bool is_secret = tkp_text_is_secret_name(name);
    if (is_hidden && word[0] != '-') {
        tkp_buffer_puts(out, TKP_REDACTED);
        return false;
    }
    if (is_secret && !is_whole) {
        tkp_buffer_append(out, word, (size_t)(name.data + name.len + 1 - word));
        tkp_buffer_puts(out, TKP_REDACTED);
    } else if (!strstr(word, "://")) {
        tkp_buffer_puts(out, word);
    } else {
        bool fits = tkp_text_redact_url(shown, sizeof shown, word) < sizeof shown;
        tkp_buffer_puts(out, fits ? shown : TKP_REDACTED);
    }
    return is_secret && is_whole && word[strspn(word, "'\"")] == '-';
}

void tkp_redact_command(const char *command, struct tkp_buffer *out)
{
    bool is_hidden = false;
    while (*command) {
        char word[WORD_BYTES];
        size_t blanks = strspn(command, " \t\n"), len = word_length(command + blanks);
        tkp_buffer_append(out, command, blanks);
        tkp_text_copy(word, sizeof word, (struct tokperf_span){command + blanks, len});
        if (len >= sizeof word)
            tkp_buffer_puts(out, TKP_REDACTED);
        else if (len)
            is_hidden = put_word(out, word, is_hidden);
        command += blanks + len;
    }
}

void tkp_redact_command_json(const char *command, struct tokperf_json_writer *w)
{
    struct tkp_buffer shown;
    tkp_buffer_init(&shown, COMMAND_MAX_BYTES);
    tkp_redact_command(command, &shown);
    json->string(w, shown.failed ? tkp_span(TKP_REDACTED) : tkp_buffer_span(&shown));
    tkp_buffer_finish(&shown);
}
