/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf calibrate`: measures how much load this machine makes while its times stay true. */
#include <cli/commands.h>

#include <base/error.h>
#include <base/files.h>
#include <base/log.h>
#include <base/text.h>
#include <calibrate/calibrate.h>
#include <cli/output.h>
#include <config/document.h>
#include <limits.h>
#include <run/exit_code.h>
#include <run/interrupt.h>
#include <string.h>
#include <unistd.h>

#define BOUND_MS_DEFAULT 1.0
#define BOUND_MS_LEAST   0.001
#define BOUND_MS_MOST    10000.0

struct arguments {
    double bound_ms;
    bool quick, json;
    const char *output; /* or NULL: the usual place */
};

static tokperf_status take_bound(const char *text, struct arguments *a, struct tokperf_error *error)
{
    if (tkp_text_to_double(text, &a->bound_ms) && a->bound_ms >= BOUND_MS_LEAST &&
        a->bound_ms <= BOUND_MS_MOST)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "--bound-ms: '%s' is not a number of milliseconds from %g to %g", text,
                    BOUND_MS_LEAST, BOUND_MS_MOST);
}

static tokperf_status take_format(const char *text, struct arguments *a,
                                  struct tokperf_error *error)
{
    a->json = strcmp(text, "json") == 0;
    if (a->json || strcmp(text, "text") == 0)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID, "--format: '%s' is not one of text, json", text);
}

/* A flag with a value: "--flag value" or "--flag=value". */
static tokperf_status take_value(int argc, char **argv, int *at, struct arguments *a,
                                 struct tokperf_error *error)
{
    static const char *const names[] = {"--bound-ms", "--format", "--output",
                                        "--quick",    "--help",   NULL};
    const char *word = argv[*at];
    size_t len = strcspn(word, "=");
    for (int i = 0; i < 3; i++) {
        if (strlen(names[i]) != len || memcmp(names[i], word, len) != 0)
            continue;
        const char *value = word[len] == '=' ? word + len + 1 : "";
        if (!word[len] && *at + 1 < argc)
            value = argv[++*at];
        if (!*value)
            return tkp_fail(error, TOKPERF_E_INVALID, "%s needs a value", names[i]);
        if (i == 2)
            a->output = value;
        return i == 0 ? take_bound(value, a, error)
                      : (i == 1 ? take_format(value, a, error) : TOKPERF_OK);
    }
    const char *closest = tkp_text_closest(word, names);
    return tkp_fail(error, TOKPERF_E_INVALID, "tokperf calibrate takes no '%s'%s%s%s", word,
                    closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
}

static tokperf_status parse(int argc, char **argv, struct arguments *a, struct tokperf_error *error)
{
    *a = (struct arguments){.bound_ms = BOUND_MS_DEFAULT};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            a->quick = true;
        else {
            tokperf_status status = take_value(argc, argv, &i, a, error);
            if (status != TOKPERF_OK)
                return status;
        }
    }
    return TOKPERF_OK;
}

/* Where the result goes: found before anything is measured. */
struct place {
    char dir[PATH_MAX], path[PATH_MAX];
    const char *name;
};

static tokperf_status find_place(const char *output, struct place *place,
                                 struct tokperf_error *error)
{
    if (!output) {
        place->name = "calibration.json";
        if (tkp_calibration_place((const char *const *)environ, place->dir, place->path))
            return TOKPERF_OK;
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "neither XDG_STATE_HOME nor HOME holds an absolute path: say with --output "
                        "where to save");
    }
    const char *slash = strrchr(output, '/');
    place->name = slash ? slash + 1 : output;
    size_t dir_len = slash ? (size_t)(slash - output) : 0;
    struct tokperf_span dir =
        dir_len ? (struct tokperf_span){output, dir_len} : tkp_span(slash ? "/" : ".");
    if (tkp_text_copy(place->dir, sizeof place->dir, dir) >= sizeof place->dir ||
        tkp_text_copy(place->path, sizeof place->path, tkp_span(output)) >= sizeof place->path ||
        !tkp_files_is_safe_name(place->name))
        return tkp_fail(error, TOKPERF_E_INVALID, "--output: '%s' is not the path of a file",
                        output);
    if (access(place->dir, F_OK))
        return tkp_fail(error, TOKPERF_E_INVALID, "--output: there is no directory '%s'",
                        place->dir);
    return TOKPERF_OK;
}

static tokperf_status save(const struct tkp_calibration *calibration, const struct place *place,
                           struct tkp_buffer *json, struct tokperf_error *error)
{
    tkp_calibration_write(calibration, json);
    if (json->failed)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the calibration");
    tokperf_status status = tkp_files_make_dirs(place->dir, error);
    if (status == TOKPERF_OK)
        status = tkp_files_replace(place->dir, place->name, json->data, json->len, error);
    return status;
}

static int measure(const struct arguments *a, const struct place *place)
{
    struct tokperf_error error = {0};
    struct tkp_calibration calibration;
    struct tkp_buffer json, text;
    struct tkp_calibrate_options options = {
        .bound_ms = a->bound_ms, .quick = a->quick, .environment = (const char *const *)environ};
    tkp_buffer_init(&json, TKP_DOCUMENT_MAX_BYTES);
    tkp_buffer_init(&text, TKP_DOCUMENT_MAX_BYTES);
    tokperf_status status = tkp_interrupt_install(&error);
    options.cancel = tkp_interrupt_flag();
    if (status == TOKPERF_OK)
        status = tkp_calibrate(&options, &calibration, &error);
    if (status == TOKPERF_OK)
        status = save(&calibration, place, &json, &error);
    int code = TKP_EXIT_OK;
    if (status == TOKPERF_OK) {
        tkp_calibration_write_text(&calibration, place->path, &text);
        code = tkp_output_print(a->json ? &json : &text);
    } else {
        code = tkp_output_refuse(status, &error);
    }
    tkp_buffer_finish(&json);
    tkp_buffer_finish(&text);
    return code;
}

int tkp_cmd_calibrate(int argc, char **argv)
{
    struct tokperf_error error = {0};
    struct arguments arguments;
    struct place place;
    tokperf_status status = parse(argc, argv, &arguments, &error);
    if (status == TOKPERF_OK)
        status = find_place(arguments.output, &place, &error);
    if (status != TOKPERF_OK)
        return tkp_output_refuse(status, &error);
    tkp_log_set_level(isatty(STDERR_FILENO) ? TKP_LOG_INFO : TKP_LOG_WARNING);
    return measure(&arguments, &place);
}
