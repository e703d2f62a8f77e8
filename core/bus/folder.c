/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a run's sockets, "tokperf-PID-XXXXXX". Its owner keeps it locked, so that a process
 * with another view of pids (a container that shares /tmp) knows that it is in use. What is left of
 * runs that were killed is removed by the next one: folders of this user with that name and nothing
 * but sockets in them, whose process is gone and whose lock is free. One that ends at once removes
 * its own (base/last_will.h). [main]
 */
#include <bus/bus.h>

#include <base/error.h>
#include <base/last_will.h>
#include <base/text.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_PREFIX "tokperf-"
enum { RANDOM_CHARACTERS = 6, LONGEST_SOCKET_NAME = 16, MAX_STALE_ENTRIES = 64 };

/* The pid in the name of such a folder; 0: it is none. */
static pid_t pid_of(const char *name)
{
    static const char digits[] = "0123456789";
    int64_t pid;
    if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0)
        return 0;
    name += strlen(NAME_PREFIX);
    size_t len = strspn(name, digits);
    char number[16];
    if (len == 0 || len >= sizeof number || name[len] != '-' ||
        strlen(name + len + 1) != RANDOM_CHARACTERS)
        return 0;
    tkp_text_copy(number, sizeof number, (struct tokperf_span){name, len});
    return tkp_text_to_int(number, &pid) && pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* Whether all of what is in the folder is sockets, and not many. With `remove`, removes them. */
static bool holds_sockets_only(int folder_fd, bool remove)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool only_sockets = true;
    int count = 0;
    for (struct dirent *entry; only_sockets && (entry = readdir(dir));) {
        struct stat st;
        if (tkp_span_is(tkp_span(entry->d_name), ".") || tkp_span_is(tkp_span(entry->d_name), ".."))
            continue;
        only_sockets = ++count <= MAX_STALE_ENTRIES &&
                       !fstatat(folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
                       S_ISSOCK(st.st_mode);
        if (only_sockets && remove)
            unlinkat(folder_fd, entry->d_name, 0);
    }
    closedir(dir);
    return only_sockets;
}

static void remove_if_stale(int base_fd, const char *name)
{
    struct stat st;
    pid_t pid = pid_of(name);
    if (!pid || !kill(pid, 0) || errno != ESRCH)
        return;
    int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (!fstat(fd, &st) && st.st_uid == geteuid() && !flock(fd, LOCK_EX | LOCK_NB) &&
        holds_sockets_only(fd, false) && holds_sockets_only(fd, true))
        unlinkat(base_fd, name, AT_REMOVEDIR);
    close(fd);
}

static void remove_stale(const char *base)
{
    DIR *dir = opendir(base);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        remove_if_stale(dirfd(dir), entry->d_name);
    closedir(dir);
}

/* Whether a path to a socket in such a folder below base would fit. */
static bool fits(const char *base)
{
    static const char longest[] = "/" NAME_PREFIX "4194304-XXXXXX/"; /* the kernel's greatest pid */
    struct sockaddr_un address;
    return strlen(base) + strlen(longest) + LONGEST_SOCKET_NAME < sizeof address.sun_path;
}

/* The sockets that a run has there, then the folder itself. */
static void write_will(const char *folder, void (*write)(const char *path))
{
    static const char *const sockets[] = {TKP_BUS_EVENTS, TKP_BUS_CONTROL};
    char path[TKP_BUS_ADDRESS_BYTES + LONGEST_SOCKET_NAME + 2];
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, sockets[i]);
        write(path);
    }
    write(folder);
}

/* Makes sure that the new folder is this user's alone, and locks it. */
static bool take_over(struct tkp_bus_folder *folder)
{
    struct stat st;
    int fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && !fchmod(fd, S_IRWXU) && !fstat(fd, &st) && st.st_uid == geteuid() &&
        (st.st_mode & 07777) == S_IRWXU) {
        (void)!flock(fd, LOCK_EX | LOCK_NB); /* a file system without locks has only the pid */
        folder->lock_fd = fd;
        write_will(folder->path, tkp_last_will_remove);
        return true;
    }
    int saved = errno;
    if (fd >= 0)
        close(fd);
    rmdir(folder->path);
    folder->path[0] = '\0';
    errno = saved;
    return false;
}

static bool make_below(const char *base, struct tkp_bus_folder *folder)
{
    if (!base || base[0] != '/' || !fits(base)) {
        errno = base ? ENAMETOOLONG : ENOENT;
        return false;
    }
    remove_stale(base);
    snprintf(folder->path, sizeof folder->path, "%s/" NAME_PREFIX "%ld-XXXXXX", base,
             (long)getpid());
    if (mkdtemp(folder->path))
        return take_over(folder);
    folder->path[0] = '\0';
    return false;
}

tokperf_status tkp_bus_folder_make(struct tkp_bus_folder *folder, struct tokperf_error *error)
{
    const char *bases[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
    memset(folder, 0, sizeof *folder);
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        if (make_below(bases[i], folder))
            return TOKPERF_OK;
    return tkp_fail_errno(error, TOKPERF_E_IO, errno,
                          "cannot make a folder for the sockets of this run below "
                          "XDG_RUNTIME_DIR, TMPDIR or /tmp; set TMPDIR to a short path that can be "
                          "written to");
}

void tkp_bus_folder_address(const struct tkp_bus_folder *folder, const char *name,
                            char address[TKP_BUS_ADDRESS_BYTES])
{
    int path_bytes = TKP_BUS_ADDRESS_BYTES - 8 - LONGEST_SOCKET_NAME; /* "ipc://", "/", NUL */
    snprintf(address, TKP_BUS_ADDRESS_BYTES, "ipc://%.*s/%.*s", path_bytes, folder->path,
             LONGEST_SOCKET_NAME, name);
}

void tkp_bus_folder_remove(struct tkp_bus_folder *folder)
{
    if (!folder->path[0])
        return;
    if (holds_sockets_only(folder->lock_fd, false))
        holds_sockets_only(folder->lock_fd, true);
    rmdir(folder->path); /* with something else in it, it stays; somebody may have removed it */
    write_will(folder->path, tkp_last_will_keep);
    close(folder->lock_fd);
    memset(folder, 0, sizeof *folder);
}
