/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a run, in the order in which they are made; taken down in the reverse order. The
 * stages of run.c fill them. [main]
 */
#ifndef TKP_RUN_PARTS_H
#define TKP_RUN_PARTS_H

#include <bus/publisher.h>
#include <count/counter.h>
#include <metrics/live.h>
#include <record/recorder.h>
#include <record/token_counts.h>
#include <report/export.h>
#include <report/rundir.h>
#include <report/summary.h>
#include <run/cpu_plan.h>
#include <run/limits.h>
#include <run/live_line.h>
#include <run/sample_feed.h>
#include <run/snapshots.h>
#include <target/mock_child.h>
#include <telemetry/collectors.h>
#include <worker/worker.h>

enum tkp_run_end {
    TKP_RUN_COMPLETE = 1,
    TKP_RUN_INTERRUPTED, /* by a signal */
    TKP_RUN_HOPELESS     /* by --failed-request-threshold, or nobody there to connect to */
};

struct tkp_run {
    const struct tkp_plan *plan;
    struct tkp_arena arena;

    /* setup.c */
    struct tkp_mock_child *mock;
    struct tkp_url *urls; /* the plan's, with mock: replaced by where the mock listens */
    struct tkp_host host;
    struct tkp_flag terminal_failed;
    struct tkp_registry *registry;
    struct tkp_instance *endpoint, *source;
    struct tokperf_endpoint_info endpoint_info;
    struct tkp_exports exports;
    const char *model;
    struct tkp_plan resolved; /* the plan with the model that the server named, when it named one */
    struct tkp_dataset *dataset;
    struct tkp_target *targets;
    struct tkp_tls_context *tls; /* NULL: no URL is https */
    struct tkp_target proxy;     /* its addresses, when the plan has one */
    bool kernel_clock;           /* arrivals are stamped by the kernel */
    int stamps_fd;               /* keeps the kernel stamping while it is open; 0: none */
    struct tkp_cpu_plan cpus;
    struct tkp_machine_limits limits;
    struct tkp_demand demand;
    struct tkp_control_note *controls; /* that were made before there was a record log */
    uint32_t control_count, control_capacity;

    /* tokens.c: NULL without --tokenizer */
    struct tkp_tokenizer *tokenizer;
    const char *tokenizer_identity;
    struct tkp_encoder *prompt_encoder; /* of the main thread */
    struct tkp_text_counter prompt_counter;
    struct tkp_counter *counter; /* from the record log's opening to the drain's end */
    char counts_path[TKP_RUNDIR_PATH_BYTES];
    struct tkp_token_counts *counts;

    /* results.c */
    struct tkp_rundir dir;
    char log_path[TKP_RUNDIR_PATH_BYTES];
    char benchmark_id[37];
    char governors[256];
    struct tkp_run_facts facts;
    struct tkp_summarizer *summarizer;
    struct tkp_live *live;
    uint64_t tick_ns, next_live_ns; /* of the recorder; [recorder], then main: of the drain */
    struct tkp_snapshots *snapshots;

    /* bus.c: all NULL or empty when there is no bus */
    struct tkp_bus *bus;
    struct tkp_bus_folder bus_folder;
    char events_address[TKP_BUS_ADDRESS_BYTES];
    char control_address[TKP_BUS_ADDRESS_BYTES]; /* empty: nobody listens there */
    struct tkp_publisher *publisher;
    struct tkp_events_log *events_log; /* NULL: none was asked for */
    struct tkp_sample_feed samples;    /* [recorder] */
    struct tkp_phase_tally *tallies;   /* of plan->phases; [recorder], main's after a sync */

    struct tkp_collectors *collectors; /* NULL without --collector; started by setup.c */

    /* load.c */
    struct tkp_block_channel **channels;
    struct tkp_recorder *recorder;
    struct tkp_workers *workers;
    struct tkp_live_line line;
    enum tkp_run_end end;
    const char *failure;            /* in few words, where the exit code is 1 */
    bool load_began;                /* requests may have been sent */
    struct tkp_stop_note stop;      /* once the recorder has it */
    struct tokperf_error log_error; /* status set: the record log is incomplete */
};

/* Everything that can be wrong is found here, before a request is sent and a file is made; inputs
 * is its first part, which needs no server: what the user gave. */
tokperf_status tkp_run_set_up_inputs(struct tkp_run *run,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_run_set_up(struct tkp_run *run, struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_run_take_down(struct tkp_run *run);
/* receive_clock.c, a part of it: which clock stamps arrivals. */
tokperf_status tkp_run_choose_clock(struct tkp_run *run,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;

/* tokens.c, parts of set up, results and report. */
tokperf_status tkp_run_open_tokenizer(struct tkp_run *run,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_run_count_prompts(struct tkp_run *run); /* before they are rendered */
tokperf_status tkp_run_start_counting(struct tkp_run *run,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
/* Counts what is left; the reader's rows and run->summarizer have the counts from here on. */
tokperf_status tkp_run_count_tokens(struct tkp_run *run, struct tkp_log_reader *reader,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
uint64_t tkp_run_counted(const struct tkp_run *run); /* answers, so far */
void tkp_run_close_tokens(struct tkp_run *run);

/* bus.c: what other programs hear of the run (docs/bus.md). Without a bus, which is one warning,
 * each of them does nothing. Session and phase events send what was handed over before, first. */
void tkp_run_open_bus(struct tkp_run *run); /* before the recorder and the workers start */
void tkp_run_tally_row(struct tkp_run *run, const struct tkp_row *row); /* [recorder] */
void tkp_run_publish_phase_begun(struct tkp_run *run, uint32_t index, uint64_t start_ns);
/* After tkp_recorder_sync(): its rows are out before it. */
void tkp_run_publish_phase_ended(struct tkp_run *run, const struct tkp_phase_note *note);
/* The last thing that is published. code: of the process. */
void tkp_run_publish_session_ended(struct tkp_run *run, int code);
/* run.json with the addresses that there are; end_ns 0: while the run lives. */
tokperf_status tkp_run_write_run_file(struct tkp_run *run, uint64_t end_ns,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
/* Waits, bounded, until what was published has gone out; says what was lost. */
void tkp_run_close_bus(struct tkp_run *run);

/* The directory, its first files, the record log with its header; starts recorder and workers. */
tokperf_status tkp_run_open_results(struct tkp_run *run,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
/* Runs every phase and ends the threads. Sets run->end. */
tokperf_status tkp_run_load(struct tkp_run *run, struct tokperf_error *error) TOKPERF_MUST_USE;
/* report.c: numbers, exporters, and how the run ended: returns its exit code, which the final
 * snapshot agrees with. */
int tkp_run_report(struct tkp_run *run);
/* Instead of it, when a stage failed: the final snapshot tells what is known. */
int tkp_run_give_up(struct tkp_run *run, tokperf_status status, const struct tokperf_error *error);
/* control.c: what is asked of the servers around the load. Nothing unless the plan wants it. */
tokperf_status tkp_run_reset_cache(struct tkp_run *run,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* Into the new log and the summary: what was asked before. */
void tkp_run_note_controls(struct tkp_run *run, struct tkp_log_writer *log);
tokperf_status tkp_run_start_profiler(struct tkp_run *run, const struct tkp_phase_plan *phase,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
/* A failure is logged and in the result. */
void tkp_run_stop_profiler(struct tkp_run *run, const struct tkp_phase_plan *phase);
/* Puts what this machine is calibrated for into run->facts; warns of a plan that goes past it. */
void tkp_run_look_up_calibration(struct tkp_run *run);
/* Ends the threads; where the run got so far, their last results are there. */
void tkp_run_end_threads(struct tkp_run *run);
/* Writes the stop note, drains and closes the record log; keeps its failure in run->log_error. */
void tkp_run_stop_recorder(struct tkp_run *run);
/* gates.c: the collectors beside the run. Nothing of it does anything without --collector. */
/* Part of set-up, before there are threads. */
tokperf_status tkp_run_start_collectors(struct tkp_run *run,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
/* Tells them where the run is, once the bus is open. */
void tkp_run_open_collectors(struct tkp_run *run);
/* Before the first phase: waits until each of them is ready or has failed. */
void tkp_run_await_collectors(struct tkp_run *run);
/* The gate before a phase's first request (nothing of the phase has begun) or after its last
 * response, for a cancelled phase too; not where phases overlap. Waits at most --baseline-timeout,
 * which may be 0. false: a signal came before or at a START gate, and the phase must not begin. */
bool tkp_run_gate(struct tkp_run *run, uint32_t phase, enum tkp_gate_kind kind);
/* Readable when a collector has said something or died, or -1: for poll() where main waits. */
int tkp_run_collectors_fd(const struct tkp_run *run);
/* Takes notice of it, without waiting. */
void tkp_run_look_at_collectors(struct tkp_run *run);
/* Behind the last phase, before the recorder stops: waits for the results that are owed. */
void tkp_run_finish_collectors(struct tkp_run *run);
/* Ends threads and frees what open_results and load made. */
void tkp_run_close_results(struct tkp_run *run);

#endif
