/* SPDX-License-Identifier: Apache-2.0 */
/* See http_probe.h. */
#include <target/http_probe.h>

#include <base/clock.h>
#include <base/error.h>
#include <curl/curl.h>
#include <limits.h>
#include <string.h>
#include <target/curl_options.h>

enum { MAX_LINE_BYTES = 16 << 20 }; /* more than a command line or a configuration holds */

static size_t take_bytes(char *data, size_t size, size_t count, void *context)
{
    struct tkp_buffer *answer = context;
    tkp_buffer_append(answer, data, size * count);
    return answer->failed ? 0 : size * count;
}

static int look_at_cancel(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return context && tkp_flag_is_raised(context);
}

/* Sets *list to a longer one with the header; false: no memory. */
static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    struct tkp_buffer line;
    tkp_buffer_init(&line, MAX_LINE_BYTES);
    tkp_buffer_puts(&line, name);
    tkp_buffer_puts(&line, ": ");
    tkp_buffer_puts(&line, value);
    struct curl_slist *longer =
        line.failed ? NULL : curl_slist_append(*list, tkp_buffer_text(&line));
    tkp_buffer_finish(&line);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool add_headers(const struct tkp_probe *probe, struct curl_slist **list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < probe->plan->header_count; i++)
        good = add_header(list, probe->plan->headers[i].name, probe->plan->headers[i].value);
    if (good && probe->body.len)
        good = add_header(list, "Content-Type", "application/json");
    return good;
}

/* --resolve, which libcurl spells alike. */
static bool add_names(const struct tkp_plan *plan, struct curl_slist **list)
{
    for (uint32_t i = 0; i < plan->resolve_rule_count; i++) {
        struct curl_slist *longer = curl_slist_append(*list, plan->resolve_rules[i].text);
        if (!longer)
            return false;
        *list = longer;
    }
    return true;
}

static bool set_target(CURL *curl, const struct tkp_probe *probe)
{
    struct tkp_buffer url;
    const struct tkp_url *u = probe->url;
    tkp_buffer_init(&url, MAX_LINE_BYTES);
    tkp_buffer_puts(&url, u->scheme == TKP_URL_HTTPS ? "https://" : "http://");
    tkp_buffer_puts(&url, u->host_port);
    tkp_buffer_puts(&url, probe->path);
    bool good =
        !url.failed && curl_easy_setopt(curl, CURLOPT_URL, tkp_buffer_text(&url)) == CURLE_OK;
    tkp_buffer_finish(&url);
    if (good && u->scheme == TKP_URL_UNIX)
        good = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, u->unix_path) == CURLE_OK;
    return good;
}

/* For libcurl 0 is no limit, and more than an int is refused. */
static long timeout_ms(uint64_t timeout_ns)
{
    uint64_t ms = timeout_ns / TKP_NS_PER_MS;
    return ms < 1 ? 1 : ms > INT_MAX ? INT_MAX : (long)ms;
}

static void set_options(CURL *curl, const struct tkp_probe *probe, struct tkp_buffer *answer)
{
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms(probe->timeout_ns));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_at_cancel);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)probe->cancel);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (probe->body.len || probe->post) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)probe->body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, probe->body.len ? probe->body.data : "");
    }
}

/* What to do about a certificate that libcurl refused for this reason, in its words. */
static const char *verify_advice(const char *reason)
{
    if (strstr(reason, "subject name"))
        return "use a name that it has (--resolve gives that an address), or --insecure";
    if (strstr(reason, "expired") || strstr(reason, "not yet valid"))
        return "renew it, set the clock, or give --insecure";
    return "give its authority with --cacert, or --insecure";
}

tokperf_status tkp_probe_send(const struct tkp_probe *probe, long *http_status,
                              struct tkp_buffer *answer, struct tokperf_error *error)
{
    CURL *curl = curl_easy_init();
    if (!curl)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "libcurl cannot be set up");
    struct curl_slist *headers = NULL, *names = NULL;
    char reason[CURL_ERROR_SIZE] = ""; /* what exactly was wrong with a certificate */
    tkp_buffer_clear(answer);
    if (!set_target(curl, probe) || !tkp_curl_options_set(curl, probe->plan) ||
        !add_headers(probe, &headers) || !add_names(probe->plan, &names)) {
        curl_easy_cleanup(curl);
        curl_slist_free_all(headers);
        curl_slist_free_all(names);
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the request to %s",
                        probe->url->text);
    }
    set_options(curl, probe, answer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_RESOLVE, names);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, http_status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    curl_slist_free_all(names);
    if (code == CURLE_OK)
        return TOKPERF_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return tkp_fail(error, TOKPERF_E_CANCELLED, "interrupted while waiting for the server");
    const char *words = reason[0] ? reason : curl_easy_strerror(code);
    bool is_refused = code == CURLE_PEER_FAILED_VERIFICATION;
    return tkp_fail(error, TOKPERF_E_IO, "no answer from %s: %s%s%s", probe->url->text, words,
                    is_refused ? "; " : "", is_refused ? verify_advice(words) : "");
}
