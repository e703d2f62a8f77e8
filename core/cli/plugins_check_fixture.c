/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays fixtures: the request must render as recorded, and the response must give the recorded
 * emissions whole, split at every byte, and byte by byte.
 */
#include <cli/plugins_check_fixture.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <cli/plugins_check_endpoint.h>
#include <cli/plugins_check_options.h>
#include <cli/plugins_check_replay.h>
#include <cli/plugins_check_request.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tokperf/endpoint.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 16 * 1024 * 1024,
    MAX_SPLITS = 4096, /* of a longer response every n-th byte is tried */
    MAX_FOLLOW_UPS = 16
};

struct fixture {
    const char *name; /* of its folder */
    struct tkp_check_request request;
    bool has_body, has_response;
    struct tkp_buffer request_file, body, response, expected;
    struct tkp_buffer follow_up[MAX_FOLLOW_UPS];
    uint32_t follow_up_count;
};

static bool read_part(struct tkp_check *check, const char *folder, const char *name,
                      struct tkp_buffer *out)
{
    char path[PATH_MAX];
    struct tokperf_error error;
    if (!tkp_files_join(path, sizeof path, folder, name))
        return false;
    if (tkp_files_read(path, FILE_MAX_BYTES, 0, out, &error) == TOKPERF_OK)
        return true;
    tkp_check_finding(check, "%s", error.message);
    return false;
}

static int is_response(const struct dirent *entry)
{
    return strncmp(entry->d_name, "response.", 9) == 0;
}

/* The response's name ends as its author likes: response.sse, response.json ... */
static bool read_response(struct tkp_check *check, const char *folder, struct fixture *f)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_response, alphasort);
    bool ok = count >= 0;
    if (count > 1)
        tkp_check_finding(check, "%s holds more than one response.* file", folder);
    if (count == 1) {
        f->has_response = true;
        ok = read_part(check, folder, names[0]->d_name, &f->response) &&
             read_part(check, folder, "expected.jsonl", &f->expected);
    }
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return ok && count <= 1;
}

static int is_follow_up(const struct dirent *entry)
{
    return strncmp(entry->d_name, "follow-up-", 10) == 0;
}

/* follow-up-1.*, follow-up-2.*: in the order of their numbers. */
static bool read_follow_ups(struct tkp_check *check, const char *folder, struct fixture *f)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_follow_up, versionsort);
    bool ok = count >= 0 && count <= MAX_FOLLOW_UPS;
    if (count > MAX_FOLLOW_UPS)
        tkp_check_finding(check, "%s holds more than %d follow-up-* files", folder, MAX_FOLLOW_UPS);
    for (int i = 0; i < count; i++) {
        ok = ok && read_part(check, folder, names[i]->d_name, &f->follow_up[i]);
        free(names[i]);
    }
    f->follow_up_count = ok ? (uint32_t)count : 0;
    free(names);
    return ok;
}

static bool read_fixture(struct tkp_check *check, const char *folder, struct tkp_arena *arena,
                         struct fixture *f)
{
    char path[PATH_MAX];
    struct tokperf_error error;
    if (!read_part(check, folder, "request.json", &f->request_file))
        return false;
    if (tkp_check_request_parse(tkp_buffer_span(&f->request_file), arena, &f->request, &error) !=
        TOKPERF_OK) {
        tkp_check_finding(check, "%s/request.json: %s", folder, error.message);
        return false;
    }
    if (tkp_files_join(path, sizeof path, folder, "body.json") && access(path, F_OK) == 0) {
        f->has_body = true;
        if (!read_part(check, folder, "body.json", &f->body))
            return false;
    }
    if (!read_response(check, folder, f) || !read_follow_ups(check, folder, f))
        return false;
    if (!f->has_body && !f->has_response)
        tkp_check_finding(check, "%s holds neither body.json nor response.*", folder);
    return f->has_body || f->has_response;
}

/* Says in which line two texts differ first. */
static void report_difference(struct tkp_check *check, const char *what, const char *expected,
                              const char *got)
{
    unsigned line = 1;
    while (*expected != '\0' || *got != '\0') {
        size_t expected_len = strcspn(expected, "\n");
        size_t got_len = strcspn(got, "\n");
        if (expected_len != got_len || memcmp(expected, got, got_len) != 0) {
            tkp_check_finding(check, "%s, line %u: expected %.*s, got %.*s", what, line,
                              (int)(expected_len < 700 ? expected_len : 700),
                              expected_len > 0 ? expected : "nothing",
                              (int)(got_len < 700 ? got_len : 700), got_len > 0 ? got : "nothing");
            return;
        }
        expected += expected_len + (expected[expected_len] != '\0');
        got += got_len + (got[got_len] != '\0');
        line++;
    }
}

/* Every line of JSON in one way of writing. */
static bool canonical_lines(struct tkp_check *check, const char *what, const char *text,
                            struct tkp_buffer *out)
{
    for (unsigned line = 1; *text != '\0'; line++) {
        size_t len = strcspn(text, "\n");
        struct tokperf_span one = {text, len > 0 && text[len - 1] == '\r' ? len - 1 : len};
        if (tkp_span_trim(one).len > 0) {
            if (!tkp_check_canonical(one, out)) {
                tkp_check_finding(check, "%s:%u: the line is not JSON", what, line);
                return false;
            }
            tkp_buffer_puts(out, "\n");
        }
        text += len + (text[len] != '\0');
    }
    return true;
}

static void check_body(struct tkp_check_subject *s, const struct fixture *f)
{
    const struct tokperf_endpoint_vtable *vtable = s->component->vtable;
    struct tkp_check_rendered rendered;
    struct tokperf_error error = {0};
    struct tkp_buffer expected;
    struct tkp_buffer got;
    tkp_check_rendered_init(&rendered);
    tkp_buffer_init(&expected, FILE_MAX_BYTES);
    tkp_buffer_init(&got, FILE_MAX_BYTES);
    if (vtable->format(s->self, &f->request.request, &rendered.sink, &error) != TOKPERF_OK) {
        error.message[sizeof error.message - 1] = '\0';
        tkp_check_finding(s->check, "format() fails: %s", error.message);
    } else if (!tkp_check_canonical(tkp_buffer_span(&f->body), &expected)) {
        tkp_check_finding(s->check, "body.json is not JSON");
    } else if (!tkp_check_canonical(tkp_buffer_span(&rendered.body), &got)) {
        tkp_check_finding(s->check, "the rendered body is not JSON: %.200s",
                          tkp_buffer_text(&rendered.body));
    } else {
        report_difference(s->check, "body", tkp_buffer_text(&expected), tkp_buffer_text(&got));
    }
    tkp_buffer_finish(&got);
    tkp_buffer_finish(&expected);
    tkp_check_rendered_finish(&rendered);
}

/* The response in all its cuts against what it said whole. */
static void check_cuts(struct tkp_check_subject *s, struct tkp_check_player *player,
                       struct tkp_check_response response, const struct tkp_check_emissions *whole)
{
    struct tkp_check_emissions cut;
    uint64_t step = response.bytes.len / MAX_SPLITS + 1;
    char what[96];
    tkp_check_emissions_init(&cut, whole->joins_text);
    for (uint64_t at = 0; at < response.bytes.len; at += step) {
        tkp_check_alive(s->check);
        response.first_bytes = at;
        response.by_byte = at == 0;
        const char *wrong = tkp_check_play(player, &response, &cut);
        if (at == 0)
            snprintf(what, sizeof what, "byte by byte");
        else
            snprintf(what, sizeof what, "split behind byte %llu", (unsigned long long)at);
        uint32_t before = s->check->step_findings;
        if (wrong != NULL)
            tkp_check_finding(s->check, "%s: %s", what, wrong);
        else
            report_difference(s->check, what, tkp_buffer_text(&whole->lines),
                              tkp_buffer_text(&cut.lines));
        if (s->check->step_findings != before)
            break; /* one cut that differs says it all */
    }
    tkp_check_emissions_finish(&cut);
}

static void check_response(struct tkp_check_subject *s, const struct fixture *f,
                           const struct tokperf_endpoint_info *info)
{
    bool streams = (f->request.request.flags & TOKPERF_REQUEST_STREAM) != 0;
    struct tokperf_span follow_ups[MAX_FOLLOW_UPS];
    for (uint32_t i = 0; i < f->follow_up_count; i++)
        follow_ups[i] = tkp_buffer_span(&f->follow_up[i]);
    struct tkp_check_response response = {
        .bytes = tkp_buffer_span(&f->response),
        .framing = f->request.framing != 0 ? f->request.framing
                   : streams               ? info->stream_framing
                                           : info->whole_framing,
        .end = f->request.end,
        .follow_ups = follow_ups,
        .follow_up_count = f->follow_up_count,
        .follow_framing = info->whole_framing,
    };
    struct tkp_check_player player;
    struct tkp_check_emissions whole;
    struct tkp_buffer expected;
    struct tkp_buffer got;
    tkp_check_emissions_init(&whole, response.framing == TOKPERF_FRAMING_BYTES);
    tkp_buffer_init(&expected, FILE_MAX_BYTES);
    tkp_buffer_init(&got, FILE_MAX_BYTES);
    if (!tkp_check_player_init(&player, s->component->vtable, s->self)) {
        tkp_check_skip(s->check, "no memory for its state");
    } else {
        const char *wrong = tkp_check_play(&player, &response, &whole);
        if (wrong != NULL)
            tkp_check_finding(s->check, "whole: %s", wrong);
        else if (canonical_lines(s->check, "expected.jsonl", tkp_buffer_text(&f->expected),
                                 &expected) &&
                 canonical_lines(s->check, "emissions", tkp_buffer_text(&whole.lines), &got))
            report_difference(s->check, "whole", tkp_buffer_text(&expected), tkp_buffer_text(&got));
        if (wrong == NULL)
            check_cuts(s, &player, response, &whole);
    }
    tkp_check_player_finish(&player);
    tkp_buffer_finish(&got);
    tkp_buffer_finish(&expected);
    tkp_check_emissions_finish(&whole);
}

static void run_fixture(struct tkp_check_subject *s, const struct fixture *f)
{
    struct tokperf_endpoint_info info;
    struct tokperf_error error;
    const struct tokperf_config *config = s->config;
    if (f->request.option_count > 0 &&
        tkp_check_config(s, f->request.options, f->request.option_count, &config, &error) !=
            TOKPERF_OK) {
        tkp_check_finding(s->check, "%s", error.message);
        return;
    }
    if (tkp_check_create(s->check, s->component, config, &s->self, &error) != TOKPERF_OK) {
        tkp_check_finding(s->check, "create fails: %s", error.message);
        return;
    }
    if (tkp_check_describe(s->check, s->component->vtable, s->self, &info)) {
        if (f->has_body)
            check_body(s, f);
        if (f->has_response)
            check_response(s, f, &info);
    }
    tkp_check_destroy(s->component, s->self);
}

/* The module's endpoints: whether `name` is one, and which is the first. */
static bool has_endpoint(const struct tkp_check_subject *s, const char *name,
                         const struct tokperf_component **first)
{
    bool found = false;
    *first = NULL;
    for (size_t i = 0; s->check->plugin->components[i] != NULL; i++) {
        const struct tokperf_component *c = s->check->plugin->components[i];
        if (strcmp(c->kind, TOKPERF_KIND_ENDPOINT) != 0)
            continue;
        if (*first == NULL)
            *first = c;
        found = found || (name != NULL && strcmp(c->name, name) == 0);
    }
    return found;
}

static void check_folder(struct tkp_check_subject *s, const char *folder, const char *name)
{
    struct tkp_arena arena;
    struct fixture f = {.name = name};
    const struct tokperf_component *first = NULL;
    tkp_arena_init(&arena, FILE_MAX_BYTES);
    tkp_buffer_init(&f.request_file, FILE_MAX_BYTES);
    tkp_buffer_init(&f.body, FILE_MAX_BYTES);
    tkp_buffer_init(&f.response, FILE_MAX_BYTES);
    tkp_buffer_init(&f.expected, FILE_MAX_BYTES);
    for (size_t i = 0; i < MAX_FOLLOW_UPS; i++)
        tkp_buffer_init(&f.follow_up[i], FILE_MAX_BYTES);
    tkp_check_step(s->check, "endpoint %s: fixture %s", s->component->name, name);
    if (read_fixture(s->check, folder, &arena, &f)) {
        const char *wanted = f.request.component;
        bool known = has_endpoint(s, wanted, &first);
        if (wanted == NULL ? first == s->component : strcmp(wanted, s->component->name) == 0)
            run_fixture(s, &f);
        else if (wanted != NULL && !known && first == s->component)
            tkp_check_finding(s->check, "the module has no endpoint %s", wanted);
        else
            tkp_check_skip(s->check, "it is about another endpoint");
    }
    tkp_buffer_finish(&f.request_file);
    tkp_buffer_finish(&f.body);
    tkp_buffer_finish(&f.response);
    tkp_buffer_finish(&f.expected);
    for (size_t i = 0; i < MAX_FOLLOW_UPS; i++)
        tkp_buffer_finish(&f.follow_up[i]);
    tkp_arena_finish(&arena);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* What is not about one endpoint is said once. */
static bool is_first_endpoint(const struct tkp_check_subject *s)
{
    const struct tokperf_component *first = NULL;
    (void)has_endpoint(s, NULL, &first);
    return first == s->component;
}

void tkp_check_fixtures(struct tkp_check_subject *s)
{
    const char *root = s->check->args->fixtures;
    char path[PATH_MAX];
    struct dirent **names = NULL;
    unsigned found = 0;
    bool is_first = is_first_endpoint(s);
    if (tkp_files_join(path, sizeof path, root, "request.json") && access(path, F_OK) == 0) {
        check_folder(s, root, root);
        return;
    }
    int count = scandir(root, &names, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char folder[PATH_MAX];
        if (tkp_files_join(folder, sizeof folder, root, names[i]->d_name) &&
            tkp_files_join(path, sizeof path, folder, "request.json") && access(path, F_OK) == 0) {
            check_folder(s, folder, names[i]->d_name);
            found++;
        } else if (is_first && is_folder(folder)) {
            tkp_check_step(s->check, "fixture %s", names[i]->d_name);
            tkp_check_finding(s->check, "%s has no request.json", folder);
        }
        free(names[i]);
    }
    free(names);
    if (found == 0) {
        tkp_check_step(s->check, "endpoint %s: fixtures", s->component->name);
        tkp_check_finding(s->check, "%s holds no folder with a request.json", root);
    }
}
