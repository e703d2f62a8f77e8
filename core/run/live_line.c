/* SPDX-License-Identifier: Apache-2.0 */
/* See live_line.h. */
#include <run/live_line.h>

#include <base/clock.h>
#include <base/log.h>
#include <base/outlet.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DEFAULT_COLUMNS = 100, FIELD_BYTES = 64 };

static void put(const char *text)
{
    (void)tkp_outlet_try(STDERR_FILENO, text, strlen(text), 0); /* the next one comes soon */
}

static void step_aside(void *context)
{
    const struct tkp_live_line *line = context;
    if (line->shown)
        put("\r\033[K");
}

static void come_back(void *context)
{
    const struct tkp_live_line *line = context;
    if (line->shown)
        put(line->text);
}

/* Another thread may log while main draws: what the hooks read changes with the log's mutex held.
 */
struct redraw {
    struct tkp_live_line *line;
    const char *text;
};

static void show(void *context)
{
    const struct redraw *redraw = context;
    struct tkp_live_line *line = redraw->line;
    step_aside(line);
    memcpy(line->text, redraw->text, sizeof line->text);
    line->shown = true;
    come_back(line);
}

static void hide(void *context)
{
    struct tkp_live_line *line = context;
    step_aside(line);
    line->shown = false;
}

void tkp_live_line_init(struct tkp_live_line *line, const struct tkp_plan *plan)
{
    *line = (struct tkp_live_line){.enabled = plan->ui == TKP_UI_SIMPLE,
                                   .streaming = plan->streaming,
                                   .tokens = plan->tokenizer != NULL};
    if (line->enabled)
        tkp_log_set_screen_hooks(step_aside, come_back, line);
}

static size_t columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    return DEFAULT_COLUMNS;
}

/* Appends a field, or leaves it out whole when it does not fit behind what is there. */
static void add_field(char *out, size_t width, const char *format, ...) TOKPERF_PRINTF(3, 4);
static void add_field(char *out, size_t width, const char *format, ...)
{
    char field[FIELD_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(field, sizeof field, format, arguments);
    va_end(arguments);
    size_t used = strlen(out), gap = used ? 2 : 0;
    if (len > 0 && (size_t)len < sizeof field && used + gap + (size_t)len < width)
        snprintf(out + used, width - used, "%s%s", gap ? "  " : "", field);
}

/* Seconds left by the phase's stop rules, or NaN when nothing can be said. */
static double seconds_left(const struct tkp_phase_plan *phase, double elapsed_s, uint64_t done)
{
    double left = NAN;
    if (phase->duration_ns)
        left = (double)phase->duration_ns / 1e9 - elapsed_s;
    if (phase->request_count && done)
        left = fmin(left, elapsed_s * ((double)phase->request_count / (double)done - 1.0));
    return fmax(left, 0.0);
}

void tkp_live_line_draw(struct tkp_live_line *line, const struct tkp_phase_plan *phase,
                        uint64_t start_ns, uint64_t in_flight, uint64_t counted,
                        const struct tkp_live_figures *figures)
{
    if (!line->enabled)
        return;
    uint64_t now_ns = tkp_clock_now_ns();
    double elapsed_s = now_ns > start_ns ? (double)(now_ns - start_ns) / 1e9 : 0.0;
    uint64_t done = figures->ok + figures->errors;
    char text[sizeof line->text] = "";
    size_t width = columns() < sizeof text ? columns() : sizeof text;
    if (phase->request_count)
        add_field(text, width, "%" PRIu64 "/%" PRIu64 " done", done, phase->request_count);
    else
        add_field(text, width, "%" PRIu64 " done in %.1fs", done, elapsed_s);
    add_field(text, width, "%" PRIu64 " in flight", in_flight);
    add_field(text, width, "%" PRIu64 " errors", figures->errors);
    add_field(text, width, "%.1f req/s", figures->requests_per_s);
    if (line->streaming && !isnan(figures->ttft_p50_ns))
        add_field(text, width, "TTFT %.1f ms", figures->ttft_p50_ns / 1e6);
    if (line->streaming && !isnan(figures->itl_p50_ns))
        add_field(text, width, "ITL %.1f ms", figures->itl_p50_ns / 1e6);
    if (line->tokens)
        add_field(text, width, "%" PRIu64 " counted", counted);
    double left = seconds_left(phase, elapsed_s, done);
    if (done && left > 0.0)
        add_field(text, width, "%.0fs left", left);
    add_field(text, width, "(%s)", phase->name);
    struct redraw redraw = {line, text};
    tkp_log_screen(show, &redraw);
}

void tkp_live_line_count(struct tkp_live_line *line, uint64_t counted)
{
    char text[sizeof line->text] = "";
    if (!line->enabled)
        return;
    add_field(text, columns() < sizeof text ? columns() : sizeof text,
              "counting tokens: %" PRIu64 " answers counted", counted);
    struct redraw redraw = {line, text};
    tkp_log_screen(show, &redraw);
}

void tkp_live_line_wait(struct tkp_live_line *line, const char *what)
{
    char text[sizeof line->text] = "";
    if (!line->enabled)
        return;
    add_field(text, columns() < sizeof text ? columns() : sizeof text, "%s", what);
    struct redraw redraw = {line, text};
    tkp_log_screen(show, &redraw);
}

void tkp_live_line_clear(struct tkp_live_line *line)
{
    tkp_log_screen(hide, line);
    if (line->enabled)
        tkp_log_set_screen_hooks(NULL, NULL, NULL);
}
