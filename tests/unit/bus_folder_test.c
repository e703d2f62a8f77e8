/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a run's sockets: where it is made, that it is private, and who removes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <bus/bus.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <temp_dir.h>
#include <unistd.h>

/* Folders are made in `dir`, given by XDG_RUNTIME_DIR. */
static void begin(struct temp_dir *dir)
{
    temp_dir_make(dir);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", dir->path, 1), 0);
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

static void make(struct tkp_bus_folder *folder)
{
    struct tokperf_error error = {0};
    if (tkp_bus_folder_make(folder, &error))
        fail_msg("%s", error.message);
}

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void bind_socket(const char *folder, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, name) <
                (int)sizeof address.sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

/* A pid that no process has. */
static pid_t dead_pid(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

static const char *const sockets[] = {"events", "control", "a", "zzz"};
enum { SOCKETS = sizeof sockets / sizeof sockets[0] };

/* dir/tokperf-PID-SUFFIX of that process, with sockets. */
static const char *leave_folder(const struct temp_dir *dir, pid_t pid, const char *suffix)
{
    char name[64];
    snprintf(name, sizeof name, "tokperf-%ld-%s", (long)pid, suffix);
    const char *path = temp_dir_folder(dir, name);
    for (size_t i = 0; i < SOCKETS; i++)
        bind_socket(path, sockets[i]);
    return path;
}

static const char *leave_behind(const struct temp_dir *dir, const char *suffix)
{
    return leave_folder(dir, dead_pid(), suffix);
}

static void it_is_private_and_its_addresses_fit(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct tkp_bus_folder folder;
    struct stat st;
    char address[TKP_BUS_ADDRESS_BYTES], expected[TKP_BUS_ADDRESS_BYTES];
    begin(&dir);
    mode_t before = umask(0277); /* would take more away than may be */
    make(&folder);
    umask(before);
    assert_int_equal(strncmp(folder.path, dir.path, strlen(dir.path)), 0);
    assert_int_equal(stat(folder.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(st.st_uid, geteuid());
    snprintf(expected, sizeof expected, "ipc://%.100s/events", folder.path);
    tkp_bus_folder_address(&folder, "events", address);
    assert_string_equal(address, expected);
    bind_socket(folder.path, "events");
    bind_socket(folder.path, "control");
    char path[TKP_BUS_ADDRESS_BYTES];
    memcpy(path, folder.path, sizeof path);
    tkp_bus_folder_remove(&folder);
    assert_false(is_there(path));
    assert_string_equal(folder.path, "");
    tkp_bus_folder_remove(&folder);
    temp_dir_remove(&dir);
}

static void what_somebody_removed_is_removed_already(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct tkp_bus_folder folder;
    begin(&dir);
    make(&folder);
    assert_int_equal(rmdir(folder.path), 0);
    tkp_bus_folder_remove(&folder);
    temp_dir_remove(&dir);
}

static void a_file_of_somebody_elses_stays(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct tkp_bus_folder folder;
    char file[TKP_BUS_ADDRESS_BYTES + 8];
    begin(&dir);
    make(&folder);
    snprintf(file, sizeof file, "%s/notes", folder.path);
    close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    tkp_bus_folder_remove(&folder);
    assert_true(is_there(file));
    temp_dir_remove(&dir);
}

/* Too long for a socket's path, then not there, then not absolute: the next one is taken. */
static void the_first_place_that_will_do_is_taken(void **state)
{
    (void)state;
    struct temp_dir dir;
    begin(&dir);
    const char *longer = temp_dir_folder(
        &dir, "a-name-that-is-so-long-that-no-path-of-a-socket-would-ever-fit-behind-it");
    const char *unfit[] = {longer, "/nonexistent/folder", "relative", ""};
    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++) {
        struct tkp_bus_folder folder;
        assert_int_equal(setenv("XDG_RUNTIME_DIR", unfit[i], 1), 0);
        assert_int_equal(setenv("TMPDIR", dir.path, 1), 0);
        make(&folder);
        assert_int_equal(strncmp(folder.path, dir.path, strlen(dir.path)), 0);
        assert_null(strstr(folder.path, "a-name-that"));
        tkp_bus_folder_remove(&folder);
        assert_int_equal(setenv("TMPDIR", unfit[i], 1), 0);
        make(&folder);
        assert_int_equal(strncmp(folder.path, "/tmp/tokperf-", 13), 0);
        tkp_bus_folder_remove(&folder);
    }
    temp_dir_remove(&dir);
}

static void what_a_killed_run_left_is_removed_by_the_next(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct tkp_bus_folder folder;
    int ready[2];
    char path[sizeof folder.path], byte;
    begin(&dir);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (tkp_bus_folder_make(&folder, NULL))
            _exit(1);
        bind_socket(folder.path, "events");
        if (write(ready[1], folder.path, sizeof folder.path) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], path, sizeof path), sizeof path);
    make(&folder); /* while it lives it keeps its own */
    assert_true(is_there(path));
    tkp_bus_folder_remove(&folder);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(ready[0], &byte, 1), 0);
    close(ready[0]);
    make(&folder);
    assert_false(is_there(path));
    tkp_bus_folder_remove(&folder);
    temp_dir_remove(&dir);
}

/* Each is like the folder of a run that is gone, but for one thing. */
static void what_may_be_somebody_elses_is_left_alone(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct tkp_bus_folder folder;
    char name[64];
    begin(&dir);
    char *gone = strdup(leave_behind(&dir, "abcdef"));
    char *kept[6];
    kept[0] = strdup(leave_behind(&dir, "abcdefg")); /* not such a name */
    kept[1] = strdup(leave_behind(&dir, "locked"));  /* in use, where that pid is another's */
    int lock = open(kept[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    kept[2] = strdup(leave_behind(&dir, "hasdir"));
    snprintf(name, sizeof name, "%s/below", strrchr(kept[2], '/') + 1);
    temp_dir_folder(&dir, name);
    kept[3] = strdup(leave_behind(&dir, "hasone"));
    snprintf(name, sizeof name, "%s/file", strrchr(kept[3], '/') + 1);
    temp_dir_write(&dir, name, "text");
    kept[4] = strdup(leave_folder(&dir, getpid(), "living")); /* not locked yet, or it cannot be */
    snprintf(name, sizeof name, "tokperf-%ld-symlnk", (long)dead_pid());
    kept[5] = strdup(temp_dir_path(&dir, name));
    const char *elsewhere = temp_dir_folder(&dir, "elsewhere");
    assert_int_equal(symlink(elsewhere, kept[5]), 0);
    for (size_t i = 0; i < SOCKETS; i++)
        bind_socket(elsewhere, sockets[i]);
    make(&folder);
    assert_false(is_there(gone));
    for (size_t i = 0; i < sizeof kept / sizeof kept[0] * SOCKETS; i++) {
        char socket_path[200];
        snprintf(socket_path, sizeof socket_path, "%s/%s", kept[i / SOCKETS], sockets[i % SOCKETS]);
        if (!is_there(socket_path))
            fail_msg("%s was removed", socket_path);
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        free(kept[i]);
    free(gone);
    close(lock);
    tkp_bus_folder_remove(&folder);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_private_and_its_addresses_fit),
        cmocka_unit_test(what_somebody_removed_is_removed_already),
        cmocka_unit_test(a_file_of_somebody_elses_stays),
        cmocka_unit_test(the_first_place_that_will_do_is_taken),
        cmocka_unit_test(what_a_killed_run_left_is_removed_by_the_next),
        cmocka_unit_test(what_may_be_somebody_elses_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
