/* SPDX-License-Identifier: Apache-2.0 */
/* See calibration.h: place and loading. The JSON is in calibration_json.c. */
#include <calibrate/calibration.h>

#include <base/error.h>
#include <base/files.h>
#include <base/log.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX_BYTES = 64 * 1024 };

static const char *variable(const char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return *environment + len + 1;
    return "";
}

/* The XDG base directory specification: a relative path is ignored. */
bool tkp_calibration_place(const char *const *environment, char *dir, char *path)
{
    char base[PATH_MAX];
    const char *state = variable(environment, "XDG_STATE_HOME");
    const char *home = variable(environment, "HOME");
    bool fits = false;
    if (*state == '/')
        fits = tkp_files_join(base, sizeof base, state, "tokperf");
    else if (*home == '/')
        fits = tkp_files_join(base, sizeof base, home, ".local/state/tokperf");
    if (!fits || !tkp_files_join(path, PATH_MAX, base, "calibration.json"))
        return false;
    memcpy(dir, base, strlen(base) + 1);
    return true;
}

static tokperf_status read_limits(const char *path, struct tkp_calibrated_limits *limits,
                                  struct tokperf_error *error)
{
    struct tkp_buffer text;
    tkp_buffer_init(&text, FILE_MAX_BYTES);
    tokperf_status status = tkp_files_read(path, FILE_MAX_BYTES, TKP_FILES_UTF8, &text, error);
    if (status == TOKPERF_OK)
        status = tkp_calibration_parse(tkp_buffer_span(&text), limits, error);
    tkp_buffer_finish(&text);
    return status;
}

bool tkp_calibration_load(const char *const *environment, uint32_t workers,
                          struct tkp_calibrated_limits *limits)
{
    char dir[PATH_MAX], path[PATH_MAX];
    struct tokperf_error error = {0};
    struct tkp_calibrated_host here;
    if (!tkp_calibration_place(environment, dir, path))
        return false;
    tokperf_status status = read_limits(path, limits, &error);
    if (status == TOKPERF_E_NOT_FOUND)
        return false;
    if (status != TOKPERF_OK) {
        tkp_log(TKP_LOG_DEBUG, "the saved calibration is ignored: %s", error.message);
        return false;
    }
    tkp_calibrated_host_read(&here);
    if (!tkp_calibrated_host_equal(&here, &limits->host)) {
        tkp_log(TKP_LOG_DEBUG,
                "the calibration in '%s' is ignored: it is of another machine, kernel or tokperf",
                path);
        return false;
    }
    double share = fmin(1, (double)workers / (double)limits->workers);
    limits->requests_per_s *= share;
    limits->streams *= share;
    limits->events_per_s *= share;
    return true;
}
