/* SPDX-License-Identifier: Apache-2.0 */
/* See text_input.h. */
#include <cli/text_input.h>

#include <base/error.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16 };

static tokperf_status read_all(int fd, const char *name, struct tkp_buffer *out,
                               struct tokperf_error *error)
{
    for (;;) {
        char *room = tkp_buffer_reserve(out, READ_BYTES);
        if (!room)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "'%s' has more than the %zu bytes that are read at once", name,
                            out->max_bytes);
        ssize_t n = read(fd, room, READ_BYTES);
        if (n == 0)
            return TOKPERF_OK;
        if (n < 0 && errno != EINTR)
            return tkp_fail_errno(error, TOKPERF_E_INVALID, errno, "cannot read '%s'", name);
        if (n > 0)
            tkp_buffer_advance(out, (size_t)n);
    }
}

tokperf_status tkp_text_input_read(const char *name, struct tkp_buffer *out,
                                   struct tokperf_error *error)
{
    if (name[0] == '-' && !name[1])
        return read_all(STDIN_FILENO, "standard input", out, error);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tkp_fail_errno(error, TOKPERF_E_INVALID, errno, "cannot open '%s'", name);
    tokperf_status status = read_all(fd, name, out, error);
    close(fd);
    return status;
}
