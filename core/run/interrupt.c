/* SPDX-License-Identifier: Apache-2.0 */
/* See interrupt.h. The handler uses async-signal-safe calls only. */
#include <run/interrupt.h>

#include <base/error.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { INTERRUPTED_EXIT = 130 };

static struct tkp_flag interrupted;
static int wake_fd = -1;

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    if (tkp_flag_is_raised(&interrupted))
        _exit(INTERRUPTED_EXIT);
    tkp_flag_raise(&interrupted);
    uint64_t one = 1;
    if (write(wake_fd, &one, sizeof one) < 0)
        _exit(INTERRUPTED_EXIT); /* nobody would wake: end rather than hang */
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
