/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run's conversations: made once by a dataset plugin, kept in an arena, rendered ahead by the
 * endpoint plugin wherever the conversation is known by then. Immutable after create; any thread
 * reads. Which conversation is sent when is a pure function of (seed, draw).
 */
#ifndef TKP_DATASET_DATASET_H
#define TKP_DATASET_DATASET_H

#include <config/plan.h>
#include <plugin/host.h>
#include <plugin/loader.h>
#include <tokperf/dataset.h>
#include <tokperf/endpoint.h>

enum { TKP_RENDERED_MAX_HOLES = 8 };

/* A request without its per-connection head: what to send for one turn. */
struct tkp_rendered {
    struct tokperf_span method;       /* "POST" */
    struct tokperf_span path;         /* empty: the run's endpoint path */
    struct tokperf_span content_type; /* "application/json" */
    struct tokperf_span headers;      /* "Name: value\r\n" lines of the endpoint plugin; or empty */
    struct tokperf_span body;         /* holes are already there, as '0' bytes of their width */
    struct {
        uint64_t offset; /* bytes into body */
        uint32_t kind;   /* TOKPERF_HOLE_* */
    } holes[TKP_RENDERED_MAX_HOLES];
    uint32_t hole_count;
    uint64_t prompt_hash;  /* of the body: equal bodies, equal hashes */
    int64_t input_tokens;  /* asked for (--isl), or -1 */
    int64_t output_tokens; /* asked for (--osl or the row's max_tokens), or -1 */
};
uint32_t tkp_hole_width(uint32_t kind); /* bytes; 0 for an unknown kind */

struct tkp_conversation {
    struct tokperf_span session_id;
    uint32_t turn_count; /* turns that are sent: answers and system messages are not among them */
    bool needs_answers;  /* later turns are rendered with the live answers of the earlier ones */
};

struct tkp_dataset;

struct tkp_dataset_inputs {
    const struct tkp_plan *plan;
    const struct tkp_instance *source;   /* kind dataset */
    const struct tkp_instance *endpoint; /* kind endpoint */
};

/* Runs the dataset plugin. Errors name the place. Before anything else is asked of the dataset it
 * must be rendered. [main] */
tokperf_status tkp_dataset_create(const struct tkp_dataset_inputs *inputs,
                                  struct tkp_dataset **dataset,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* Counts each prompt, once; before the dataset is rendered. Returns how many could not be counted:
 * request bodies that are sent as they are, and texts that the counter refuses. [main] */
uint64_t tkp_dataset_count_prompts(struct tkp_dataset *dataset,
                                   const struct tkp_text_counter *counter);
/* Renders what is known by now, for the model. Errors name the row. [main] */
tokperf_status tkp_dataset_render(struct tkp_dataset *dataset, const char *model,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_dataset_destroy(struct tkp_dataset *dataset);

uint64_t tkp_dataset_size(const struct tkp_dataset *dataset); /* conversations, >= 1 */
/* The row of a draw (0, 1, ... through all phases), by the plan's sampling strategy. */
uint64_t tkp_dataset_row(const struct tkp_dataset *dataset, uint64_t draw);
const struct tkp_conversation *tkp_dataset_conversation(const struct tkp_dataset *dataset,
                                                        uint64_t row);
/* Wait before sending turn (> 0) after the previous answer ended, ns. */
uint64_t tkp_dataset_delay_ns(const struct tkp_dataset *dataset, uint64_t row, uint32_t turn);
/* Tokens of the texts of a turn's prompt, without live answers; -1: not counted. */
int64_t tkp_dataset_prompt_tokens(const struct tkp_dataset *dataset, uint64_t row, uint32_t turn);
/* Rendered ahead, or NULL when the turn needs live answers. */
const struct tkp_rendered *tkp_dataset_rendered(const struct tkp_dataset *dataset, uint64_t row,
                                                uint32_t turn);

/* A live answer of an earlier turn, for rendering a later one. */
struct tkp_answer {
    struct tokperf_span text;       /* UTF-8; reasoning is not part of the history */
    struct tokperf_span tool_calls; /* JSON array, or empty */
};

/* Renders turns that need answers, on a worker. Memory is kept between calls. */
struct tkp_renderer;
struct tkp_renderer *tkp_renderer_create(const struct tkp_dataset *dataset);
void tkp_renderer_destroy(struct tkp_renderer *renderer);
/* *rendered borrows the renderer until its next call. answers[i] belongs to turn i. */
tokperf_status tkp_renderer_render(struct tkp_renderer *renderer, uint64_t row, uint32_t turn,
                                   const struct tkp_answer *answers, uint32_t answer_count,
                                   struct tkp_rendered *rendered,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;

/* Writes inputs.json: {"data":[{"session_id","payloads":[...]}]} (aiperf.md 9.2, inputs_json). A
 * turn that needs live answers is written without them. */
tokperf_status tkp_dataset_write_inputs(const struct tkp_dataset *dataset, const char *dir,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
