/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live figures. Everything but `published` belongs to the recorder thread; `published` is copied
 * under the mutex, by the recorder once a tick and by readers whenever they like.
 */
#include <metrics/live.h>

#include <base/clock.h>
#include <base/histogram.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { WINDOW_TICKS = 32 };
#define WINDOW_NS (5 * TKP_NS_PER_S) /* rates are over about this long */

/* Totals at one tick. */
struct moment {
    uint64_t at_ns, ok;
    double output_tokens;
};

struct tkp_live {
    struct tkp_metric_context context;
    struct tkp_live_figures now;
    double output_tokens;
    struct tkp_histogram ttft, itl, latency; /* ns */
    struct moment window[WINDOW_TICKS];      /* a ring, oldest at `oldest` */
    uint32_t oldest, window_count;
    pthread_mutex_t mutex;
    struct tkp_live_figures published;
};

struct tkp_live_figures tkp_live_nothing(uint32_t phase)
{
    return (struct tkp_live_figures){.phase = phase,
                                     .ttft_p50_ns = NAN,
                                     .ttft_p99_ns = NAN,
                                     .itl_p50_ns = NAN,
                                     .itl_p99_ns = NAN,
                                     .latency_p50_ns = NAN,
                                     .latency_p99_ns = NAN};
}

static void begin_phase(struct tkp_live *live, uint32_t phase)
{
    live->now = tkp_live_nothing(phase);
    live->output_tokens = 0;
    live->window_count = live->oldest = 0;
    tkp_histogram_clear(&live->ttft);
    tkp_histogram_clear(&live->itl);
    tkp_histogram_clear(&live->latency);
}

struct tkp_live *tkp_live_create(const struct tkp_metric_context *context)
{
    struct tkp_live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->context = *context;
    tkp_histogram_init(&live->ttft);
    tkp_histogram_init(&live->itl);
    tkp_histogram_init(&live->latency);
    begin_phase(live, 0);
    live->published = live->now;
    if (pthread_mutex_init(&live->mutex, NULL)) {
        free(live);
        return NULL;
    }
    return live;
}

void tkp_live_destroy(struct tkp_live *live)
{
    if (!live)
        return;
    pthread_mutex_destroy(&live->mutex);
    tkp_histogram_finish(&live->ttft);
    tkp_histogram_finish(&live->itl);
    tkp_histogram_finish(&live->latency);
    free(live);
}

/* The run's sources are chosen at its end; until then the first ok request decides. */
static void choose_sources(struct tkp_live *live, const struct tkp_row *row)
{
    struct tkp_token_presence presence = {0};
    if (live->context.osl_source != TKP_TOKENS_NONE || row->outcome != TKP_OUTCOME_OK)
        return;
    tkp_token_presence_add(&presence, row);
    tkp_token_sources_choose(false, false, live->context.streaming, &presence,
                             &live->context.isl_source, &live->context.osl_source);
}

static void record(struct tkp_histogram *histogram, const struct tkp_values *values,
                   enum tkp_metric_id id)
{
    if (values->has[id])
        (void)tkp_histogram_count(histogram, (uint64_t)values->value[id]);
}

void tkp_live_row(struct tkp_live *live, const struct tkp_row *row, const uint64_t *chunk_ns,
                  uint32_t chunk_count)
{
    (void)chunk_ns;
    (void)chunk_count;
    struct tkp_values values;
    if (row->outcome >= TKP_OUTCOME_COUNT)
        return;
    if (row->phase > live->now.phase)
        begin_phase(live, row->phase);
    if (row->phase < live->now.phase) /* what a seamless phase overlaps */
        return;
    live->now.ok += row->outcome == TKP_OUTCOME_OK;
    live->now.cancelled += row->outcome == TKP_OUTCOME_CANCELLED;
    if (tkp_outcome_is_error((enum tkp_outcome)row->outcome)) {
        live->now.errors++;
        live->now.errors_by_outcome[row->outcome]++;
    }
    if (row->outcome != TKP_OUTCOME_OK)
        return;
    choose_sources(live, row);
    tkp_values_compute_latencies(&live->context, row, &values);
    record(&live->ttft, &values, TKP_METRIC_TIME_TO_FIRST_TOKEN);
    record(&live->itl, &values, TKP_METRIC_INTER_TOKEN_LATENCY);
    record(&live->latency, &values, TKP_METRIC_REQUEST_LATENCY);
    live->output_tokens += values.value[TKP_METRIC_OUTPUT_SEQUENCE_LENGTH];
}

/* Rates since the oldest tick of the window. */
static void update_rates(struct tkp_live *live, uint64_t now_ns)
{
    while (live->window_count > 1 && now_ns - live->window[live->oldest].at_ns > WINDOW_NS) {
        live->oldest = (live->oldest + 1) % WINDOW_TICKS;
        live->window_count--;
    }
    if (live->window_count) {
        const struct moment *then = &live->window[live->oldest];
        double seconds = (double)(now_ns - then->at_ns) / (double)TKP_NS_PER_S;
        if (seconds > 0) {
            live->now.requests_per_s = (double)(live->now.ok - then->ok) / seconds;
            live->now.output_tokens_per_s = (live->output_tokens - then->output_tokens) / seconds;
        }
    }
    if (live->window_count == WINDOW_TICKS) {
        live->oldest = (live->oldest + 1) % WINDOW_TICKS;
        live->window_count--;
    }
    uint32_t next = (live->oldest + live->window_count++) % WINDOW_TICKS;
    live->window[next] = (struct moment){now_ns, live->now.ok, live->output_tokens};
}

static double quantile(const struct tkp_histogram *histogram, double fraction)
{
    return histogram->count ? tkp_histogram_quantile(histogram, fraction) : NAN;
}

void tkp_live_tick(struct tkp_live *live, uint64_t now_ns)
{
    live->now.at_ns = now_ns;
    update_rates(live, now_ns);
    live->now.ttft_p50_ns = quantile(&live->ttft, 0.5);
    live->now.ttft_p99_ns = quantile(&live->ttft, 0.99);
    live->now.itl_p50_ns = quantile(&live->itl, 0.5);
    live->now.itl_p99_ns = quantile(&live->itl, 0.99);
    live->now.latency_p50_ns = quantile(&live->latency, 0.5);
    live->now.latency_p99_ns = quantile(&live->latency, 0.99);
    pthread_mutex_lock(&live->mutex);
    live->published = live->now;
    pthread_mutex_unlock(&live->mutex);
}

void tkp_live_read(struct tkp_live *live, struct tkp_live_figures *figures)
{
    pthread_mutex_lock(&live->mutex);
    *figures = live->published;
    pthread_mutex_unlock(&live->mutex);
}
