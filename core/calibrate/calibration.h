/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A calibration: how much load this machine makes while its times stay true. Its JSON, its place,
 * and what it allows a plan. [main]
 */
#ifndef TKP_CALIBRATE_CALIBRATION_H
#define TKP_CALIBRATE_CALIBRATION_H

#include <base/buffer.h>
#include <calibrate/errors.h>
#include <calibrate/host.h>
#include <calibrate/search.h>

enum { TKP_CALIBRATION_SHAPES = 2 }; /* of streams: many slow ones, few fast ones */

/* Of one search: the highest level that held, and what was measured there. */
struct tkp_calibrated_level {
    double level;                   /* requests/s offered, or streams; 0: no level held */
    double events_per_s_per_stream; /* of the shape; 0 for requests */
    double achieved;                /* requests/s, or events/s of all streams, measured */
    enum tkp_calibrated_by by;
    uint32_t steps;
    struct tkp_error_figures ttft, stamp, itl; /* itl: streams only */
};

struct tkp_calibration {
    struct tkp_calibrated_host host;
    uint64_t created_realtime_ns;
    double bound_ms;
    bool quick;
    double load_average;    /* of the machine, over the minute before; 0: not known */
    uint32_t workers;       /* of the load */
    char receive_clock[16]; /* "process" or "kernel" */
    struct tkp_calibrated_level requests, streams[TKP_CALIBRATION_SHAPES];
};

/* "$XDG_STATE_HOME/tokperf/calibration.json", ~/.local/state without it; false when neither
 * variable holds an absolute path. `dir` and `path`: PATH_MAX each. */
bool tkp_calibration_place(const char *const *environment, char *dir, char *path);

void tkp_calibration_write(const struct tkp_calibration *calibration, struct tkp_buffer *out);
/* For people. `place` is where it was saved. */
void tkp_calibration_write_text(const struct tkp_calibration *calibration, const char *place,
                                struct tkp_buffer *out);

/* Of a saved calibration, what plans are held against. A number that is 0 is not known. */
struct tkp_calibrated_limits {
    struct tkp_calibrated_host host;
    uint64_t workers;
    double bound_ms;
    double requests_per_s;
    double streams;      /* the most of any shape */
    double events_per_s; /* the most of any shape */
};
/* TOKPERF_E_PARSE for anything that is not a calibration of this schema. */
tokperf_status tkp_calibration_parse(struct tokperf_span json, struct tkp_calibrated_limits *limits,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
/* The saved calibration of this machine and version, per plan of `workers` threads: fewer threads
 * than were calibrated have their share, more have no more. False when there is none, with a debug
 * line when one is there and is damaged, foreign or old. */
bool tkp_calibration_load(const char *const *environment, uint32_t workers,
                          struct tkp_calibrated_limits *limits);

#endif
