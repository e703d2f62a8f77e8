/* SPDX-License-Identifier: Apache-2.0 */
/* Which clock stamps the arrivals of this run: one for all of it, decided before the load. */
#include <run/parts.h>

#include <base/error.h>
#include <base/log.h>
#include <worker/receive_stamp.h>

/* The first URL whose sockets are never stamped, or NULL. */
static const char *find_unix(const struct tkp_run *run)
{
    for (uint32_t i = 0; i < run->plan->url_count; i++)
        if (run->urls[i].scheme == TKP_URL_UNIX)
            return run->urls[i].text;
    return NULL;
}

static tokperf_status look_for_stamps(struct tkp_run *run, struct tokperf_error *error)
{
    const char *url = find_unix(run);
    if (url)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "no kernel receive stamps: %s is a unix socket, which has none", url);
    return tkp_receive_stamp_probe(&run->stamps_fd, error);
}

tokperf_status tkp_run_choose_clock(struct tkp_run *run, struct tokperf_error *error)
{
    enum tkp_receive_clock choice = run->plan->receive_clock;
    if (choice == TKP_RECEIVE_CLOCK_PROCESS || run->plan->uses_curl)
        return TOKPERF_OK; /* libcurl does not show the kernel's stamps */
    struct tokperf_error why = {0};
    run->kernel_clock = look_for_stamps(run, &why) == TOKPERF_OK;
    if (run->kernel_clock)
        return TOKPERF_OK;
    if (choice == TKP_RECEIVE_CLOCK_KERNEL)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "--receive-clock kernel: %s; leave it at 'auto' to stamp arrivals when "
                        "they are read",
                        why.message);
    tkp_log(TKP_LOG_INFO, "arrivals are stamped when they are read: %s", why.message);
    return TOKPERF_OK;
}
