/* SPDX-License-Identifier: Apache-2.0 */
/* See interrupt.h. The handler uses async-signal-safe calls only. */
#include <run/interrupt.h>

#include <base/error.h>
#include <base/last_will.h>
#include <errno.h>
#include <run/exit_code.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct tkp_flag interrupted;
static struct tkp_gauge settled = {TKP_EXIT_INTERRUPTED};
static int wake_fd = -1;

static void end_at_once(void)
{
    tkp_last_will_carry_out();
    _exit((int)tkp_gauge_get(&settled));
}

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    if (tkp_flag_is_raised(&interrupted))
        end_at_once();
    tkp_flag_raise(&interrupted);
    uint64_t one = 1;
    if (write(wake_fd, &one, sizeof one) < 0)
        end_at_once(); /* nobody would wake: end rather than hang */
    errno = saved;
}

tokperf_status tkp_interrupt_ignore_failed_writes(struct tokperf_error *error)
{
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    if (sigaction(SIGPIPE, &ignore, NULL) || sigaction(SIGXFSZ, &ignore, NULL))
        return tkp_fail_errno(error, TOKPERF_E_INTERNAL, errno, "cannot handle signals");
    return TOKPERF_OK;
}

tokperf_status tkp_interrupt_install(struct tokperf_error *error)
{
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction end;
    memset(&end, 0, sizeof end);
    end.sa_handler = on_signal;
    end.sa_flags = SA_RESTART;
    sigemptyset(&end.sa_mask); /* two of them at once are two, one after the other */
    sigaddset(&end.sa_mask, SIGINT);
    sigaddset(&end.sa_mask, SIGTERM);
    if (wake_fd < 0 || sigaction(SIGINT, &end, NULL) || sigaction(SIGTERM, &end, NULL))
        return tkp_fail_errno(error, TOKPERF_E_INTERNAL, errno, "cannot handle signals");
    return tkp_interrupt_ignore_failed_writes(error);
}

const struct tkp_flag *tkp_interrupt_flag(void)
{
    return &interrupted;
}

int tkp_interrupt_fd(void)
{
    return wake_fd;
}

void tkp_interrupt_settle(int code)
{
    tkp_gauge_set(&settled, (uint64_t)code);
}
