/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's log. One mutex serialises lines and protects the settings; the screen hooks are
 * called with it held and must not log. Where the reader of stderr stands still the first line
 * waits a moment for it; that one and those behind it are counted instead, until one can be written
 * again.
 */
#include <base/log.h>

#include <base/clock.h>
#include <base/files.h>
#include <base/outlet.h>
#include <base/secrets.h>
#include <base/printable.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_TEXT_BYTES = 4096,
    MAX_ESCAPED_BYTES = TKP_PRINTABLE_GROWTH * MAX_TEXT_BYTES,
    MAX_LINE_BYTES = MAX_ESCAPED_BYTES + 64,
    SCREEN_WAIT_MS = 100 /* main looks at the load ten times a second */
};

static const char *const level_names[] = {
    [TKP_LOG_ERROR] = "error",
    [TKP_LOG_WARNING] = "warning",
    [TKP_LOG_INFO] = "info",
    [TKP_LOG_DEBUG] = "debug",
};

/* On the screen an error is just its sentence, as users expect of a command. */
static const char *const screen_heads[] = {
    [TKP_LOG_ERROR] = "",
    [TKP_LOG_WARNING] = "warning: ",
    [TKP_LOG_INFO] = "",
    [TKP_LOG_DEBUG] = "debug: ",
};

static struct {
    pthread_mutex_t mutex;
    enum tkp_log_level stderr_level;
    int fd;
    uint64_t unprinted; /* lines that stderr did not take */
    bool is_torn;       /* the last thing that it took is a part of a line */
    void (*before)(void *);
    void (*after)(void *);
    void *context;
} sink = {.mutex = PTHREAD_MUTEX_INITIALIZER, .stderr_level = TKP_LOG_WARNING, .fd = -1};

static size_t put_time(char *out, size_t capacity)
{
    uint64_t now_ns = tkp_clock_realtime_ns();
    time_t seconds = (time_t)(now_ns / TKP_NS_PER_S);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t n = strftime(out, capacity, "%Y-%m-%dT%H:%M:%S", &utc);
    int ms = snprintf(out + n, capacity - n, ".%03uZ",
                      (unsigned)(now_ns % TKP_NS_PER_S / TKP_NS_PER_MS));
    return n + (size_t)ms;
}

/* The lines that are missing come first. Without room for that there is none for the line. */
static bool say_unprinted(void)
{
    char line[128];
    if (!sink.unprinted)
        return true;
    int n = snprintf(line, sizeof line, "%stokperf: %" PRIu64 " %s not printed%s\n",
                     sink.is_torn ? "\n" : "", sink.unprinted,
                     sink.unprinted == 1 ? "message was" : "messages were",
                     sink.fd >= 0 ? "; the run's log file has them" : "");
    size_t done = tkp_outlet_try(STDERR_FILENO, line, (size_t)n, 0);
    sink.is_torn = done ? done < (size_t)n : sink.is_torn;
    return done == (size_t)n;
}

static void write_screen(const char *line, size_t len)
{
    if (sink.before)
        sink.before(sink.context);
    bool was_read = !sink.unprinted;
    if (say_unprinted()) {
        size_t done = tkp_outlet_try(STDERR_FILENO, line, len, was_read ? SCREEN_WAIT_MS : 0);
        sink.unprinted = done < len;
        sink.is_torn = done && done < len;
    } else {
        sink.unprinted++;
    }
    if (sink.after)
        sink.after(sink.context);
}

/* head: what stands before the text in the file. */
static void write_line(enum tkp_log_level level, const char *head, const char *text, size_t len)
{
    static const char gone[] = "warning: the log file cannot be written any more\n";
    char line[MAX_LINE_BYTES];
    pthread_mutex_lock(&sink.mutex);
    if (level <= sink.stderr_level) {
        int n =
            snprintf(line, sizeof line, "tokperf: %s%.*s\n", screen_heads[level], (int)len, text);
        write_screen(line, (size_t)n);
    }
    if (sink.fd >= 0) {
        int n = snprintf(line, sizeof line, "%s%.*s\n", head, (int)len, text);
        if (tkp_files_write_all(sink.fd, line, (size_t)n, NULL)) {
            close(sink.fd);
            sink.fd = -1;
            write_screen(gone, sizeof gone - 1);
        }
    }
    pthread_mutex_unlock(&sink.mutex);
}

void tkp_log_set_level(enum tkp_log_level stderr_level)
{
    pthread_mutex_lock(&sink.mutex);
    sink.stderr_level = stderr_level;
    pthread_mutex_unlock(&sink.mutex);
}

void tkp_log_set_file(int fd)
{
    pthread_mutex_lock(&sink.mutex);
    if (sink.fd >= 0)
        close(sink.fd);
    sink.fd = fd;
    pthread_mutex_unlock(&sink.mutex);
}

void tkp_log_set_screen_hooks(void (*before)(void *), void (*after)(void *), void *context)
{
    pthread_mutex_lock(&sink.mutex);
    sink.before = before;
    sink.after = after;
    sink.context = context;
    pthread_mutex_unlock(&sink.mutex);
}

void tkp_log_screen(void (*draw)(void *), void *context)
{
    pthread_mutex_lock(&sink.mutex);
    draw(context);
    pthread_mutex_unlock(&sink.mutex);
}

void tkp_log(enum tkp_log_level level, const char *format, ...)
{
    char text[MAX_TEXT_BYTES], clean[MAX_TEXT_BYTES], escaped[MAX_ESCAPED_BYTES], head[64];
    va_list args;
    va_start(args, format);
    int need = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (need < 0)
        return;
    size_t len = (size_t)need < sizeof text ? (size_t)need : sizeof text - 1;
    if ((size_t)need > len)
        memcpy(text + len - 3, "...", 3);
    (void)tkp_secrets_copy(clean, sizeof clean, (struct tokperf_span){text, len}); /* cut is cut */
    size_t at = put_time(head, sizeof head);
    snprintf(head + at, sizeof head - at, " %-7s ", level_names[level]);
    write_line(level, head, escaped, tkp_printable_copy(escaped, clean, strlen(clean), true));
}

bool tkp_log_level_parse(const char *name, enum tkp_log_level *level)
{
    for (unsigned i = TKP_LOG_ERROR; i <= TKP_LOG_DEBUG; i++)
        if (!strcmp(name, level_names[i])) {
            *level = (enum tkp_log_level)i;
            return true;
        }
    return false;
}
