/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and placing files by safe rules. Blocks: cold threads only. Outputs are in outfile.c. */
#include <base/files.h>

#include <base/error.h>
#include <base/text.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP_BYTES = 64 * 1024 };

static tokperf_status status_of(int errno_value)
{
    if (errno_value == ENOENT || errno_value == ENOTDIR)
        return TOKPERF_E_NOT_FOUND;
    if (errno_value == EACCES || errno_value == EPERM || errno_value == ELOOP)
        return TOKPERF_E_DENIED;
    return TOKPERF_E_IO;
}

/* Opens the directory `name` below at, closing at. A symbolic link gives -1 and ELOOP. */
static int step_into(int at, const char *name)
{
    int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int saved = errno;
    struct stat st;
    if (fd < 0 && saved == ENOTDIR && !fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) &&
        S_ISLNK(st.st_mode))
        saved = ELOOP;
    close(at);
    errno = saved;
    return fd;
}

/* Opens for reading without following a symbolic link in any component. */
static int open_walking(const char *path, int flags)
{
    int at = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0) {
        char name[NAME_MAX + 1];
        path += strspn(path, "/");
        size_t len = strcspn(path, "/");
        if (len > NAME_MAX) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        tkp_text_copy(name, sizeof name, (struct tokperf_span){len ? path : ".", len ? len : 1});
        path += len;
        if (!*path) {
            int fd = openat(at, name, flags | O_NOFOLLOW);
            int saved = errno;
            close(at);
            errno = saved;
            return fd;
        }
        at = step_into(at, name);
    }
    return -1;
}

/* Opens a regular file. O_NONBLOCK: a FIFO must not hang the open before fstat refuses it. */
static tokperf_status open_regular(const char *path, unsigned flags, int *fd, uint64_t *size_bytes,
                                   struct tokperf_error *error)
{
    const int how = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    *fd = flags & TKP_FILES_NO_SYMLINK ? open_walking(path, how) : open(path, how);
    if (*fd < 0 && errno == ELOOP && flags & TKP_FILES_NO_SYMLINK)
        return tkp_fail(error, TOKPERF_E_DENIED,
                        "cannot read '%s': a symbolic link is in its path, which is not followed "
                        "here; name the file itself",
                        path);
    if (*fd < 0)
        return tkp_fail_errno(error, status_of(errno), errno, "cannot open '%s'", path);
    struct stat st;
    if (fstat(*fd, &st)) {
        tokperf_status status =
            tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot examine '%s'", path);
        close(*fd);
        return status;
    }
    if (!S_ISREG(st.st_mode)) {
        close(*fd);
        return tkp_fail(error, TOKPERF_E_INVALID, "cannot read '%s': it is not a regular file",
                        path);
    }
    *size_bytes = (uint64_t)st.st_size;
    return TOKPERF_OK;
}

static tokperf_status too_large(const char *path, size_t max_bytes, struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_LIMIT, "cannot read '%s': it is larger than %zu bytes", path,
                    max_bytes);
}

/* An empty file ends with a NUL too. */
static tokperf_status end_content(const char *path, struct tkp_buffer *out,
                                  struct tokperf_error *error)
{
    char *end = tkp_buffer_reserve(out, 0);
    if (!end)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to read '%s'", path);
    *end = '\0';
    return TOKPERF_OK;
}

static tokperf_status read_all(int fd, const char *path, size_t max_bytes, struct tkp_buffer *out,
                               struct tokperf_error *error)
{
    for (;;) {
        size_t room = max_bytes - out->len;
        char probe; /* the byte past the bound is read here, not into out */
        size_t step = room < READ_STEP_BYTES ? room : READ_STEP_BYTES;
        char *to = step ? tkp_buffer_reserve(out, step) : &probe;
        if (!to)
            return out->max_bytes < max_bytes
                       ? too_large(path, out->max_bytes, error)
                       : tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to read '%s'", path);
        ssize_t n = read(fd, to, step ? step : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot read '%s'", path);
        if (!n)
            return end_content(path, out, error);
        if (!step)
            return too_large(path, max_bytes, error);
        tkp_buffer_advance(out, (size_t)n);
    }
}

static tokperf_status check_utf8(const char *path, const struct tkp_buffer *content,
                                 struct tokperf_error *error)
{
    const char *data = tkp_buffer_text(content);
    if (tkp_text_is_utf8(data, content->len))
        return TOKPERF_OK;
    unsigned line = 1;
    const char *from = data, *end = data + content->len;
    for (const char *next; (next = memchr(from, '\n', (size_t)(end - from))); from = next + 1) {
        if (!tkp_text_is_utf8(from, (size_t)(next - from)))
            break;
        line++;
    }
    return tkp_fail(error, TOKPERF_E_PARSE,
                    "%s:%u: the line is not UTF-8; save the file in that encoding", path, line);
}

tokperf_status tkp_files_read(const char *path, size_t max_bytes, unsigned flags,
                              struct tkp_buffer *out, struct tokperf_error *error)
{
    tkp_buffer_clear(out);
    int fd;
    uint64_t size_bytes = 0;
    tokperf_status status = open_regular(path, flags, &fd, &size_bytes, error);
    if (status)
        return status;
    if (size_bytes > max_bytes)
        status = too_large(path, max_bytes, error);
    else
        status = read_all(fd, path, max_bytes, out, error);
    close(fd);
    if (!status && flags & TKP_FILES_UTF8)
        status = check_utf8(path, out, error);
    if (status)
        tkp_buffer_clear(out);
    return status;
}

tokperf_status tkp_files_write_all(int fd, const char *data, size_t len,
                                   struct tokperf_error *error)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot write %zu bytes", len);
        data += n;
        len -= (size_t)n;
    }
    return TOKPERF_OK;
}

tokperf_status tkp_files_replace(const char *dir, const char *name, const char *data, size_t len,
                                 struct tokperf_error *error)
{
    struct tkp_outfile *file;
    tokperf_status status = tkp_outfile_open(dir, name, &file, error);
    if (status)
        return status;
    tkp_outfile_write(file, data, len);
    status = tkp_outfile_commit(file, error);
    tkp_outfile_close(file);
    return status;
}

tokperf_status tkp_files_make_dirs(const char *path, struct tokperf_error *error)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (!len || len >= sizeof part)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "cannot make the directory '%s': the name is empty or too long", path);
    for (size_t at = 1; at <= len; at++) {
        if (at < len && path[at] != '/')
            continue;
        tkp_text_copy(part, sizeof part, (struct tokperf_span){path, at});
        if (mkdir(part, 0755) && errno != EEXIST && errno != EROFS && errno != EACCES)
            return tkp_fail_errno(error, status_of(errno), errno, "cannot make the directory '%s'",
                                  part);
        /* A parent that exists may refuse mkdir with EACCES or EROFS before it says EEXIST. */
        struct stat st;
        int refused = errno;
        if (stat(part, &st))
            return tkp_fail_errno(error, status_of(refused), refused,
                                  "cannot make the directory '%s'", part);
        if (!S_ISDIR(st.st_mode))
            return tkp_fail(error, TOKPERF_E_EXISTS,
                            "cannot make the directory '%s': a file of that name is there", part);
    }
    return TOKPERF_OK;
}

tokperf_status tkp_files_make_own_dir(const char *path, struct tokperf_error *error)
{
    struct stat st;
    tokperf_status status = tkp_files_make_dirs(path, error);
    if (status == TOKPERF_OK && (lstat(path, &st) || !S_ISDIR(st.st_mode)))
        return tkp_fail(error, TOKPERF_E_DENIED,
                        "'%s' is no directory of its own but a link, which is not followed: remove "
                        "it",
                        path);
    return status;
}

bool tkp_files_join(char *out, size_t capacity, const char *dir, const char *name)
{
    size_t dir_len = strlen(dir), name_len = strlen(name);
    bool slash = dir_len && dir[dir_len - 1] != '/';
    size_t bound = capacity < PATH_MAX ? capacity : PATH_MAX;
    if (dir_len >= bound || name_len >= bound || dir_len + slash + name_len >= bound)
        return false;
    memcpy(out, dir, dir_len);
    if (slash)
        out[dir_len] = '/';
    memcpy(out + dir_len + slash, name, name_len + 1);
    return true;
}

bool tkp_files_is_safe_name(const char *name)
{
    for (;;) {
        size_t len = strcspn(name, "/");
        if (!len || len > NAME_MAX || (len == 1 && name[0] == '.') ||
            (len == 2 && name[0] == '.' && name[1] == '.'))
            return false;
        if (!name[len])
            return true;
        name += len + 1;
    }
}
