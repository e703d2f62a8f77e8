/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tokperf tokenize --tokenizer PATH [--count|--ids|--pieces] [--jsonl] [FILE...]` and `tokperf
 * tokenizer info PATH`: what a tokenizer makes of texts, without a run.
 */
#include <cli/commands.h>

#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/log.h>
#include <base/text.h>
#include <cli/output.h>
#include <cli/text_input.h>
#include <run/exit_code.h>
#include <string.h>
#include <token/tokenizer.h>

enum shown { SHOW_DEFAULT, SHOW_COUNT, SHOW_IDS, SHOW_PIECES };

enum { OUTPUT_BYTES = 1 << 16 }; /* what is printed at once */

struct tokenizing {
    const char *path;
    enum shown shown;
    bool jsonl;
    uint32_t file_count;
    struct tkp_tokenizer *tokenizer;
    struct tkp_encoder *encoder;
    struct tkp_buffer text; /* a text unescaped from its line */
    struct tkp_buffer out;
};

static tokperf_status take_flag(struct tokenizing *t, const char *word, const char *next, int *used,
                                struct tokperf_error *error)
{
    static const char *const names[] = {"--tokenizer", "--count", "--ids",
                                        "--pieces",    "--jsonl", NULL};
    static const enum shown shown[] = {SHOW_DEFAULT, SHOW_COUNT, SHOW_IDS, SHOW_PIECES};
    size_t len = strcspn(word, "=");
    int i = 0;
    while (names[i] && (strlen(names[i]) != len || memcmp(names[i], word, len) != 0))
        i++;
    if (!names[i] || (word[len] && i != 0)) {
        const char *closest = tkp_text_closest(word, names);
        return tkp_fail(error, TOKPERF_E_INVALID, "tokperf tokenize has no flag %s%s%s%s", word,
                        closest ? "; did you mean '" : "", closest ? closest : "",
                        closest ? "'?" : "");
    }
    if (i == 4) {
        t->jsonl = true;
        return TOKPERF_OK;
    }
    if (i > 0 && t->shown != SHOW_DEFAULT && t->shown != shown[i])
        return tkp_fail(error, TOKPERF_E_INVALID, "only one of --count, --ids, --pieces is taken");
    if (i > 0) {
        t->shown = shown[i];
        return TOKPERF_OK;
    }
    t->path = word[len] ? word + len + 1 : next;
    *used = !word[len];
    return t->path && *t->path ? TOKPERF_OK
                               : tkp_fail(error, TOKPERF_E_INVALID,
                                          "--tokenizer needs the PATH of a tokenizer, or builtin");
}

/* The files' names stay in argv, moved to its begin. */
static tokperf_status parse(struct tokenizing *t, int argc, char **argv,
                            struct tokperf_error *error)
{
    tokperf_status status = TOKPERF_OK;
    bool only_files = false;
    for (int i = 0; status == TOKPERF_OK && i < argc; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0) {
            only_files = true;
        } else if (!only_files && argv[i][0] == '-' && argv[i][1]) {
            int used = 0;
            status = take_flag(t, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used, error);
            i += used;
        } else {
            argv[t->file_count++] = argv[i];
        }
    }
    if (status == TOKPERF_OK && !t->path)
        status =
            tkp_fail(error, TOKPERF_E_INVALID,
                     "tokenize needs a tokenizer: tokperf tokenize --tokenizer PATH [FILE...]");
    return status;
}

static void put_number_list(struct tkp_buffer *out, const uint32_t *ids, size_t count,
                            const char *between)
{
    for (size_t i = 0; i < count; i++) {
        char digits[12];
        size_t at = sizeof digits;
        uint32_t rest = ids[i];
        do
            digits[--at] = (char)('0' + rest % 10);
        while (rest /= 10);
        if (i)
            tkp_buffer_puts(out, between);
        tkp_buffer_append(out, digits + at, sizeof digits - at);
    }
}

static void put_text(struct tkp_buffer *out, const struct tkp_encoding *encoding,
                     const struct tkp_piece *piece)
{
    struct tokperf_json_writer w;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    tkp_json_writer_service.open(&w, &sink, 0);
    tkp_json_writer_service.string(
        &w, (struct tokperf_span){encoding->text + piece->text_offset, piece->text_bytes});
}

/* {"count": N, "ids": [...], "pieces": ["..."], "groups": [tokens of each]} */
static void put_line(const struct tokenizing *t, const struct tkp_encoding *e,
                     struct tkp_buffer *out)
{
    bool has_ids = t->shown != SHOW_COUNT && tkp_tokenizer_has_ids(t->tokenizer);
    tkp_buffer_printf(out, "{\"count\": %zu", e->count);
    if (has_ids) {
        tkp_buffer_puts(out, ", \"ids\": [");
        put_number_list(out, e->ids, e->count, ", ");
        tkp_buffer_puts(out, "]");
    }
    for (int groups = 0; t->shown == SHOW_PIECES && groups < 2; groups++) {
        const char *between = groups ? ", \"groups\": [" : ", \"pieces\": [";
        for (size_t i = 0; i < e->piece_count; i++) {
            if (e->pieces[i].id_count == 0)
                continue;
            tkp_buffer_puts(out, between);
            between = ", ";
            if (groups)
                tkp_buffer_printf(out, "%zu", e->pieces[i].id_count);
            else
                put_text(out, e, &e->pieces[i]);
        }
        tkp_buffer_puts(out, e->piece_count ? "]" : between);
        if (!e->piece_count)
            tkp_buffer_puts(out, "]");
    }
    tkp_buffer_puts(out, "}\n");
}

static void put_pieces(const struct tokenizing *t, const struct tkp_encoding *e,
                       struct tkp_buffer *out)
{
    for (size_t i = 0; i < e->piece_count; i++) {
        const struct tkp_piece *piece = &e->pieces[i];
        if (piece->id_count == 0)
            continue;
        put_text(out, e, piece);
        if (tkp_tokenizer_has_ids(t->tokenizer)) {
            tkp_buffer_puts(out, "\t");
            put_number_list(out, e->ids + piece->first_id, piece->id_count, " ");
        }
        tkp_buffer_puts(out, "\n");
    }
}

static tokperf_status answer(struct tokenizing *t, const char *name, struct tokperf_span text,
                             struct tokperf_error *error)
{
    struct tkp_encoding encoding;
    bool only_count = t->shown == SHOW_COUNT || (t->shown == SHOW_DEFAULT && !t->jsonl);
    tokperf_status status;
    if (only_count) {
        uint64_t count = 0;
        status = tkp_encoder_count(t->encoder, text, &count, error);
        encoding = (struct tkp_encoding){.count = count};
    } else {
        status = tkp_encoder_encode(t->encoder, text, t->shown == SHOW_PIECES, &encoding, error);
    }
    if (status != TOKPERF_OK)
        return status;
    if (t->jsonl) {
        put_line(t, &encoding, &t->out);
    } else if (only_count) {
        tkp_buffer_printf(&t->out, t->file_count > 1 ? "%zu %s\n" : "%zu\n", encoding.count, name);
    } else if (t->shown == SHOW_PIECES) {
        put_pieces(t, &encoding, &t->out);
    } else {
        put_number_list(&t->out, encoding.ids, encoding.count, " ");
        tkp_buffer_puts(&t->out, "\n");
    }
    return TOKPERF_OK;
}

/* The "text" of a line. */
static tokperf_status line_text(struct tokenizing *t, struct tokperf_span line,
                                struct tokperf_span *text, struct tokperf_error *error)
{
    struct tokperf_json scan;
    uint32_t token;
    bool found = false;
    tkp_buffer_clear(&t->text);
    tkp_json_open(&scan, line.data, line.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return tkp_fail(error, TOKPERF_E_PARSE, "it is no JSON object");
    while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY) {
        if (!tkp_json_equals(scan.text, scan.escaped, tkp_span("text"))) {
            (void)tkp_json_skip(&scan, NULL);
            continue;
        }
        if (tkp_json_next(&scan) != TOKPERF_JSON_STRING)
            return tkp_fail(error, TOKPERF_E_PARSE, "its 'text' is no string");
        uint64_t len = 0;
        char *room = tkp_buffer_reserve(&t->text, 3 * scan.text.len + 1);
        if (!room)
            return tkp_fail(error, TOKPERF_E_LIMIT, "its 'text' is too long");
        (void)tkp_json_unescape(scan.text, room, 3 * scan.text.len + 1, &len);
        *text = (struct tokperf_span){room, len};
        found = true;
    }
    if (token != TOKPERF_JSON_OBJECT_END || tkp_json_next(&scan) != TOKPERF_JSON_END)
        return tkp_fail(error, TOKPERF_E_PARSE, "it is not valid JSON: %s",
                        tkp_json_error_text(&scan));
    return found ? TOKPERF_OK : tkp_fail(error, TOKPERF_E_PARSE, "it has no 'text'");
}

static int print_some(struct tokenizing *t, size_t at_least)
{
    if (t->out.len < at_least && !t->out.failed)
        return TKP_EXIT_OK;
    int code = tkp_output_print(&t->out);
    tkp_buffer_clear(&t->out);
    return code;
}

static int tokenize_lines(struct tokenizing *t, const char *name, struct tokperf_span content)
{
    struct tokperf_error error = {0};
    const char *p = content.data, *end = p + content.len;
    uint64_t number = 0;
    for (int code; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        struct tokperf_span text = {NULL, 0}, line = {p, (size_t)((stop ? stop : end) - p)};
        p += line.len + (stop != NULL);
        number++;
        if (tkp_span_trim(line).len == 0)
            continue;
        tokperf_status status = line_text(t, line, &text, &error);
        if (status == TOKPERF_OK)
            status = answer(t, name, text, &error);
        if (status != TOKPERF_OK) {
            (void)tkp_error_prefix(&error, "%s:%llu", name, (unsigned long long)number);
            (void)print_some(t, 1);
            return tkp_output_refuse(status, &error);
        }
        if ((code = print_some(t, OUTPUT_BYTES)) != TKP_EXIT_OK)
            return code;
    }
    return print_some(t, 1);
}

static int tokenize_file(struct tokenizing *t, const char *name)
{
    struct tokperf_error error = {0};
    struct tkp_buffer content;
    int code;
    tkp_buffer_init(&content, TKP_TEXT_INPUT_MAX_BYTES);
    tokperf_status status = tkp_text_input_read(name, &content, &error);
    if (status != TOKPERF_OK) {
        code = tkp_output_refuse(status, &error);
    } else if (t->jsonl) {
        code = tokenize_lines(t, name, tkp_buffer_span(&content));
    } else {
        status = answer(t, name, tkp_buffer_span(&content), &error);
        if (status != TOKPERF_OK)
            (void)tkp_error_prefix(&error, "%s", name);
        code = status == TOKPERF_OK ? print_some(t, 1) : tkp_output_refuse(status, &error);
    }
    tkp_buffer_finish(&content);
    return code;
}

int tkp_cmd_tokenize(int argc, char **argv)
{
    struct tokperf_error error = {0};
    struct tokenizing t = {.path = NULL};
    static char standard_input[] = "-";
    int code = TKP_EXIT_OK;
    tkp_buffer_init(&t.text, (size_t)3 * TKP_TEXT_INPUT_MAX_BYTES);
    tkp_buffer_init(&t.out, (size_t)16 * TKP_TEXT_INPUT_MAX_BYTES);
    tokperf_status status = parse(&t, argc, argv, &error);
    if (status == TOKPERF_OK)
        status = tkp_tokenizer_load(t.path, &t.tokenizer, &error);
    if (status == TOKPERF_OK && t.shown == SHOW_IDS && !tkp_tokenizer_has_ids(t.tokenizer))
        status = tkp_fail(&error, TOKPERF_E_INVALID,
                          "--ids: the tokenizer builtin has no ids; take --count or --pieces");
    if (status == TOKPERF_OK)
        status = tkp_encoder_create(t.tokenizer, &t.encoder, &error);
    if (status != TOKPERF_OK)
        code = tkp_output_refuse(status, &error);
    else if (tkp_tokenizer_notice(t.tokenizer))
        tkp_log(TKP_LOG_WARNING, "%s", tkp_tokenizer_notice(t.tokenizer));
    if (status == TOKPERF_OK && t.file_count == 0)
        code = tokenize_file(&t, standard_input);
    for (uint32_t i = 0; status == TOKPERF_OK && code == TKP_EXIT_OK && i < t.file_count; i++)
        code = tokenize_file(&t, argv[i]);
    tkp_encoder_destroy(t.encoder);
    tkp_tokenizer_destroy(t.tokenizer);
    tkp_buffer_finish(&t.text);
    tkp_buffer_finish(&t.out);
    return code;
}

static int print_info(const char *path)
{
    struct tokperf_error error = {0};
    struct tkp_tokenizer *tokenizer = NULL;
    tokperf_status status = tkp_tokenizer_load(path, &tokenizer, &error);
    if (status != TOKPERF_OK)
        return tkp_output_refuse(status, &error);
    struct tkp_buffer out;
    tkp_buffer_init(&out, 1 << 16);
    tkp_tokenizer_describe(tokenizer, &out);
    if (tkp_tokenizer_notice(tokenizer))
        tkp_buffer_printf(&out, "notice: %s\n", tkp_tokenizer_notice(tokenizer));
    int code = tkp_output_print(&out);
    tkp_buffer_finish(&out);
    tkp_tokenizer_destroy(tokenizer);
    return code;
}

int tkp_cmd_tokenizer(int argc, char **argv)
{
    static const char *const subcommands[] = {"info", NULL};
    if (argc >= 1 && strcmp(argv[0], "info") != 0)
        return tkp_output_unknown("subcommand of tokenizer", argv[0], subcommands);
    if (argc == 2)
        return print_info(argv[1]);
    tkp_log(TKP_LOG_ERROR,
            "tokenizer takes one subcommand and a path: tokperf tokenizer info PATH");
    return TKP_EXIT_USAGE;
}
