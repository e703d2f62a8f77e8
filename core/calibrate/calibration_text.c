/* SPDX-License-Identifier: Apache-2.0 */
/* A calibration for people, 100 columns. */
#include <calibrate/calibration.h>

#include <inttypes.h>

/* Load average a core above which something else took part of the time that was measured. */
#define BUSY_SHARE 0.5

static void put_errors(struct tkp_buffer *out, const char *name, const struct tkp_error_figures *f)
{
    tkp_buffer_printf(out, "    %-12s %9.1f %9.1f %9.1f %9.1f %9" PRIu64 "  ", name, f->p50_us,
                      f->p90_us, f->p99_us, f->max_us, f->samples);
    if (f->has_bound)
        tkp_buffer_printf(out, "p99 <= %.1f with 99 %% confidence\n", f->p99_bound_us);
    else
        tkp_buffer_printf(out, "no bound: %" PRIu64 " independent samples, 662 needed\n",
                          f->independent);
}

static const char *why(enum tkp_calibrated_by by)
{
    switch (by) {
    case TKP_CALIBRATED_BY_ERROR:
        return "above it the error breaks the bound";
    case TKP_CALIBRATED_BY_THROUGHPUT:
        return "above it client and mock server together do not reach the load on this machine";
    case TKP_CALIBRATED_BY_RANGE:
        return "the end of the range: no more was tried";
    case TKP_CALIBRATED_BY_TIME:
        return "the time was over: no more was tried";
    }
    return "";
}

static void put_level(struct tkp_buffer *out, const struct tkp_calibrated_level *l)
{
    bool streams = l->events_per_s_per_stream > 0;
    if (!(l->level > 0)) {
        tkp_buffer_puts(out, "  no level of ");
        if (streams)
            tkp_buffer_printf(out, "streams of %.0f events/s", l->events_per_s_per_stream);
        else
            tkp_buffer_puts(out, "requests/s");
        tkp_buffer_printf(out,
                          " held (%" PRIu32 " steps)\n    the machine is too busy, or --bound-ms "
                          "is too low\n",
                          l->steps);
        return;
    }
    if (streams)
        tkp_buffer_printf(out, "  %.0f streams of %.0f events/s: %.0f events/s measured", l->level,
                          l->events_per_s_per_stream, l->achieved);
    else
        tkp_buffer_printf(out, "  %.0f requests/s, open loop: %.0f requests/s measured", l->level,
                          l->achieved);
    tkp_buffer_printf(out, " (%" PRIu32 " steps)\n    %s\n", l->steps, why(l->by));
    tkp_buffer_printf(out, "    %-12s %9s %9s %9s %9s %9s\n", "error, us", "p50", "p90", "p99",
                      "max", "samples");
    put_errors(out, "added TTFT", &l->ttft);
    put_errors(out, "stamp", &l->stamp);
    if (streams)
        put_errors(out, "ITL", &l->itl);
}

void tkp_calibration_write_text(const struct tkp_calibration *c, const char *place,
                                struct tkp_buffer *out)
{
    tkp_buffer_printf(out,
                      "%s, %" PRIu64 " cores, Linux %s, tokperf %s: %" PRIu32
                      " worker%s, %s clock\n"
                      "The most load at which the p99 of every error stays under %g ms:\n\n",
                      c->host.cpu_model, c->host.cores, c->host.kernel, c->host.tokperf_version,
                      c->workers, c->workers == 1 ? "" : "s", c->receive_clock, c->bound_ms);
    put_level(out, &c->requests);
    for (int i = 0; i < TKP_CALIBRATION_SHAPES; i++) {
        tkp_buffer_puts(out, "\n");
        put_level(out, &c->streams[i]);
    }
    if (c->load_average > BUSY_SHARE * (double)c->host.cores)
        tkp_buffer_printf(out,
                          "\nThe machine was busy before (load average %.2f on %" PRIu64
                          " cores): it can do more when it is not.\n",
                          c->load_average, c->host.cores);
    tkp_buffer_printf(
        out,
        "\nThe confidence assumes independent samples, one a request. The mock server "
        "ran on the same cores.\nSaved in %s\n",
        place);
}
