/* SPDX-License-Identifier: Apache-2.0 */
/* A calibration as JSON, written in full and read back as far as plans are held against it. */
#include <calibrate/calibration.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define SCHEMA_VERSION "1.0"
static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void put_number(struct tokperf_json_writer *w, const char *key, double value)
{
    json->key(w, tkp_span(key));
    json->number(w, round(value * 1000) / 1000);
}

static void put_count(struct tokperf_json_writer *w, const char *key, uint64_t value)
{
    json->key(w, tkp_span(key));
    json->integer(w, (int64_t)value);
}

static void put_figures(struct tokperf_json_writer *w, const char *key,
                        const struct tkp_error_figures *f)
{
    json->key(w, tkp_span(key));
    json->object_begin(w);
    put_count(w, "samples", f->samples);
    put_count(w, "independent_samples", f->independent);
    put_number(w, "p50_us", f->p50_us);
    put_number(w, "p90_us", f->p90_us);
    put_number(w, "p99_us", f->p99_us);
    put_number(w, "max_us", f->max_us);
    if (f->has_bound)
        put_number(w, "p99_upper_bound_99_us", f->p99_bound_us);
    json->object_end(w);
}

static void put_level(struct tokperf_json_writer *w, const struct tkp_calibrated_level *l)
{
    bool streams = l->events_per_s_per_stream > 0;
    json->object_begin(w);
    put_number(w, streams ? "streams" : "requests_per_s", l->level);
    if (streams)
        put_number(w, "events_per_s_per_stream", l->events_per_s_per_stream);
    put_number(w, streams ? "events_per_s" : "achieved_per_s", l->achieved);
    tkp_json_write_pair(w, "limited_by", tkp_calibrated_by_name(l->by));
    put_count(w, "steps", l->steps);
    if (l->level > 0) {
        put_figures(w, "added_ttft", &l->ttft);
        put_figures(w, "stamp_error", &l->stamp);
        if (streams)
            put_figures(w, "itl_error", &l->itl);
    }
    json->object_end(w);
}

static void put_host(struct tokperf_json_writer *w, const struct tkp_calibrated_host *host)
{
    json->key(w, tkp_span("machine"));
    json->object_begin(w);
    tkp_json_write_pair(w, "cpu_model", host->cpu_model);
    put_count(w, "cores", host->cores);
    tkp_json_write_pair(w, "kernel", host->kernel);
    json->object_end(w);
}

static void put_time(struct tokperf_json_writer *w, const char *key, uint64_t realtime_ns)
{
    char text[32];
    struct tm parts;
    time_t seconds = (time_t)(realtime_ns / TKP_NS_PER_S);
    if (gmtime_r(&seconds, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        tkp_json_write_pair(w, key, text);
}

void tkp_calibration_write(const struct tkp_calibration *c, struct tkp_buffer *out)
{
    struct tokperf_json_writer writer, *w = &writer;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    json->open(w, &sink, TOKPERF_JSON_INDENT);
    json->object_begin(w);
    tkp_json_write_pair(w, "schema_version", SCHEMA_VERSION);
    tkp_json_write_pair(w, "tokperf_version", c->host.tokperf_version);
    put_time(w, "created_at", c->created_realtime_ns);
    put_host(w, &c->host);
    put_count(w, "workers", c->workers);
    tkp_json_write_pair(w, "receive_clock", c->receive_clock);
    put_number(w, "bound_ms", c->bound_ms);
    put_number(w, "load_average", c->load_average);
    json->key(w, tkp_span("quick"));
    json->boolean(w, c->quick);
    json->key(w, tkp_span("request_rate"));
    put_level(w, &c->requests);
    json->key(w, tkp_span("streams"));
    json->array_begin(w);
    for (int i = 0; i < TKP_CALIBRATION_SHAPES; i++)
        put_level(w, &c->streams[i]);
    json->array_end(w);
    json->object_end(w);
    tkp_buffer_puts(out, "\n");
}

/* Reading. Each member() takes the value of the key that was read; false is damage. */
struct parse {
    struct tokperf_json scan;
    struct tkp_calibrated_limits *limits;
    bool has_schema, has_machine, has_requests, has_streams;
};

static bool take_text(struct parse *p, char *out, size_t capacity)
{
    char plain[3 * 256 + 1];
    uint64_t len;
    if (tkp_json_next(&p->scan) != TOKPERF_JSON_STRING || p->scan.text.len > 256 ||
        tkp_json_unescape(p->scan.text, plain, sizeof plain, &len) != TOKPERF_OK)
        return false;
    return tkp_text_copy(out, capacity, (struct tokperf_span){plain, len}) < capacity;
}

static bool take_number(struct parse *p, double *value)
{
    return tkp_json_next(&p->scan) == TOKPERF_JSON_NUMBER &&
           tkp_json_to_double(p->scan.text, value) == TOKPERF_OK && *value >= 0;
}

static bool take_count(struct parse *p, uint64_t *value)
{
    int64_t number;
    if (tkp_json_next(&p->scan) != TOKPERF_JSON_NUMBER ||
        tkp_json_to_int(p->scan.text, &number) != TOKPERF_OK || number < 1)
        return false;
    *value = (uint64_t)number;
    return true;
}

static bool take_greatest(struct parse *p, double *most)
{
    double value;
    if (!take_number(p, &value))
        return false;
    *most = fmax(*most, value);
    return true;
}

static bool key_is(const struct parse *p, const char *name)
{
    return tkp_json_equals(p->scan.text, p->scan.escaped, tkp_span(name)) != 0;
}

static bool skip(struct parse *p)
{
    return tkp_json_skip(&p->scan, NULL) == TOKPERF_OK;
}

/* The members of the object that begins here. */
static bool take_object(struct parse *p, bool (*member)(struct parse *))
{
    uint32_t token;
    if (tkp_json_next(&p->scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return false;
    while ((token = tkp_json_next(&p->scan)) == TOKPERF_JSON_KEY)
        if (!member(p))
            return false;
    return token == TOKPERF_JSON_OBJECT_END;
}

static bool machine_member(struct parse *p)
{
    struct tkp_calibrated_host *host = &p->limits->host;
    if (key_is(p, "cpu_model"))
        return take_text(p, host->cpu_model, sizeof host->cpu_model);
    if (key_is(p, "kernel"))
        return take_text(p, host->kernel, sizeof host->kernel);
    return key_is(p, "cores") ? take_count(p, &host->cores) : skip(p);
}

static bool rate_member(struct parse *p)
{
    return key_is(p, "requests_per_s") ? take_number(p, &p->limits->requests_per_s) : skip(p);
}

static bool shape_member(struct parse *p)
{
    if (key_is(p, "streams"))
        return take_greatest(p, &p->limits->streams);
    return key_is(p, "events_per_s") ? take_greatest(p, &p->limits->events_per_s) : skip(p);
}

/* The array's objects, read from the text of the whole array. */
static bool take_shapes(struct parse *p)
{
    struct tokperf_span raw;
    if (tkp_json_skip(&p->scan, &raw) != TOKPERF_OK || !raw.len || raw.data[0] != '[')
        return false;
    struct parse inner = {.limits = p->limits};
    tkp_json_open(&inner.scan, raw.data, raw.len);
    (void)tkp_json_next(&inner.scan);
    for (;;) {
        uint32_t token = tkp_json_next(&inner.scan);
        if (token == TOKPERF_JSON_ARRAY_END)
            return true;
        if (token != TOKPERF_JSON_OBJECT_BEGIN)
            return false;
        while ((token = tkp_json_next(&inner.scan)) == TOKPERF_JSON_KEY)
            if (!shape_member(&inner))
                return false;
        if (token != TOKPERF_JSON_OBJECT_END)
            return false;
    }
}

static bool top_member(struct parse *p)
{
    struct tkp_calibrated_limits *l = p->limits;
    char schema[16];
    if (key_is(p, "schema_version"))
        return p->has_schema =
                   take_text(p, schema, sizeof schema) && schema[0] == '1' && schema[1] == '.';
    if (key_is(p, "tokperf_version"))
        return take_text(p, l->host.tokperf_version, sizeof l->host.tokperf_version);
    if (key_is(p, "machine"))
        return p->has_machine = take_object(p, machine_member);
    if (key_is(p, "workers"))
        return take_count(p, &l->workers);
    if (key_is(p, "bound_ms"))
        return take_number(p, &l->bound_ms);
    if (key_is(p, "request_rate"))
        return p->has_requests = take_object(p, rate_member);
    if (key_is(p, "streams"))
        return p->has_streams = take_shapes(p);
    return skip(p);
}

tokperf_status tkp_calibration_parse(struct tokperf_span text, struct tkp_calibrated_limits *limits,
                                     struct tokperf_error *error)
{
    struct parse p = {.limits = limits};
    *limits = (struct tkp_calibrated_limits){0};
    tkp_json_open(&p.scan, text.data, text.len);
    if (take_object(&p, top_member) && tkp_json_next(&p.scan) == TOKPERF_JSON_END && p.has_schema &&
        p.has_machine && p.has_requests && p.has_streams && limits->workers)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_PARSE,
                    "it is no calibration of schema 1 (byte %llu); make it anew with 'tokperf "
                    "calibrate'",
                    (unsigned long long)(p.scan.position - p.scan.begin));
}
