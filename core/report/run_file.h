/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.json: which process a run is, and while it lives, where other programs find it. Written
 * atomically when the run begins, when its addresses are there, and without them when it has ended;
 * after kill -9 the addresses stay, and the process is gone. docs/bus.md has its members. [main]
 */
#ifndef TKP_REPORT_RUN_FILE_H
#define TKP_REPORT_RUN_FILE_H

#include <base/arena.h>
#include <base/buffer.h>
#include <stdbool.h>
#include <stdint.h>

enum { TKP_RUN_FILE_MAX_PHASES = 64 };

struct tkp_run_file {
    const char *benchmark_id;
    int64_t pid;
    uint64_t process_begin_ticks;     /* of the process, see process_begin.h; 0: not known */
    uint64_t start_ns, end_ns;        /* epoch; end 0: it has not ended, or nobody could say so */
    int64_t monotonic_to_realtime_ns; /* of the machine that the run is on */
    const char *events, *control;     /* addresses on the bus; NULL: none */
    const char *phases[TKP_RUN_FILE_MAX_PHASES]; /* their names, in the plan's order */
    uint32_t phase_count;
};

/* That it is the calling process. */
void tkp_run_file_set_process(struct tkp_run_file *file);
void tkp_run_file_print(const struct tkp_run_file *file, struct tkp_buffer *out);
/* Texts lie in the arena. TOKPERF_E_PARSE: it is no run's. */
tokperf_status tkp_run_file_parse(struct tokperf_span text, struct tkp_arena *arena,
                                  struct tkp_run_file *file) TOKPERF_MUST_USE;
tokperf_status tkp_run_file_write(const char *dir, const struct tkp_run_file *file,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* As tkp_run_file_parse(). TOKPERF_E_NOT_FOUND: there is no such file. */
tokperf_status tkp_run_file_read(const char *dir, struct tkp_arena *arena,
                                 struct tkp_run_file *file,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* Whether its process is there and has not ended, under whatever name the program was started. */
bool tkp_run_file_is_live(const struct tkp_run_file *file);

#endif
