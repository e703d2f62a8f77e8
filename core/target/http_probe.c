/* SPDX-License-Identifier: Apache-2.0 */
/* See http_probe.h. The only user of libcurl so far. */
#include <target/http_probe.h>

#include <base/clock.h>
#include <base/error.h>
#include <curl/curl.h>
#include <stdio.h>

static size_t take_bytes(char *data, size_t size, size_t count, void *context)
{
    struct tkp_buffer *answer = context;
    tkp_buffer_append(answer, data, size * count);
    return answer->failed ? 0 : size * count;
}

static int look_at_cancel(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return tkp_flag_is_raised(context);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[8192];
    int n = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer =
        n > 0 && (size_t)n < sizeof line ? curl_slist_append(list, line) : NULL;
    return longer ? longer : list;
}

static struct curl_slist *make_headers(const struct tkp_probe *probe)
{
    struct curl_slist *list = NULL;
    for (uint32_t i = 0; i < probe->plan->header_count; i++)
        list = add_header(list, probe->plan->headers[i].name, probe->plan->headers[i].value);
    if (probe->body.len)
        list = add_header(list, "Content-Type", "application/json");
    return list;
}

static void set_target(CURL *curl, const struct tkp_probe *probe)
{
    char url[8192];
    const struct tkp_url *u = probe->url;
    snprintf(url, sizeof url, "%s://%s%s", u->scheme == TKP_URL_HTTPS ? "https" : "http",
             u->host_port, probe->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (u->scheme == TKP_URL_UNIX)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, u->unix_path);
}

static void set_options(CURL *curl, const struct tkp_probe *probe, struct tkp_buffer *answer)
{
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(probe->timeout_ns / TKP_NS_PER_MS));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_at_cancel);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)probe->cancel);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (probe->body.len) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)probe->body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, probe->body.data);
    }
}

tokperf_status tkp_probe_send(const struct tkp_probe *probe, long *http_status,
                              struct tkp_buffer *answer, struct tokperf_error *error)
{
    CURL *curl = curl_easy_init();
    if (!curl)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "libcurl cannot be set up");
    struct curl_slist *headers = make_headers(probe);
    tkp_buffer_clear(answer);
    set_target(curl, probe);
    set_options(curl, probe, answer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, http_status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (code == CURLE_OK)
        return TOKPERF_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return tkp_fail(error, TOKPERF_E_CANCELLED, "interrupted while waiting for the server");
    return tkp_fail(error, TOKPERF_E_IO, "no answer from %s: %s", probe->url->text,
                    curl_easy_strerror(code));
}
