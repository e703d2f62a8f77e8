/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See last_will.h. Two fixed lists. An entry counts once its number is set, which is the last thing
 * that is done to it, and no longer counts once that is 0, which is the first: a handler that comes
 * in between finds a whole entry or none.
 */
#include <base/last_will.h>

#include <base/atomic.h>
#include <base/text.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct {
    struct tkp_gauge group; /* 0: free */
    int signal;
} groups[TKP_LAST_WILL_GROUPS];

static struct {
    struct tkp_gauge is_set; /* 0: free */
    char path[TKP_LAST_WILL_PATH_BYTES];
} paths[TKP_LAST_WILL_PATHS];

void tkp_last_will_signal(pid_t group, int signal)
{
    for (int i = 0; i < TKP_LAST_WILL_GROUPS; i++) {
        if (tkp_gauge_get(&groups[i].group))
            continue;
        groups[i].signal = signal;
        tkp_gauge_set(&groups[i].group, (uint64_t)group);
        return;
    }
}

void tkp_last_will_spare(pid_t group)
{
    for (int i = 0; i < TKP_LAST_WILL_GROUPS; i++)
        if (tkp_gauge_get(&groups[i].group) == (uint64_t)group)
            tkp_gauge_set(&groups[i].group, 0);
}

void tkp_last_will_remove(const char *path)
{
    if (strlen(path) >= TKP_LAST_WILL_PATH_BYTES)
        return;
    for (int i = 0; i < TKP_LAST_WILL_PATHS; i++) {
        if (tkp_gauge_get(&paths[i].is_set))
            continue;
        tkp_text_copy(paths[i].path, sizeof paths[i].path, tkp_span(path));
        tkp_gauge_set(&paths[i].is_set, 1);
        return;
    }
}

void tkp_last_will_keep(const char *path)
{
    for (int i = 0; i < TKP_LAST_WILL_PATHS; i++)
        if (tkp_gauge_get(&paths[i].is_set) && strcmp(paths[i].path, path) == 0)
            tkp_gauge_set(&paths[i].is_set, 0);
}

void tkp_last_will_carry_out(void)
{
    bool is_main = gettid() == getpid();
    for (int i = 0; is_main && i < TKP_LAST_WILL_GROUPS; i++) {
        pid_t group = (pid_t)tkp_gauge_get(&groups[i].group);
        if (group > 0)
            (void)kill(-group, groups[i].signal);
    }
    for (int i = 0; i < TKP_LAST_WILL_PATHS; i++)
        if (tkp_gauge_get(&paths[i].is_set) && unlink(paths[i].path))
            (void)rmdir(paths[i].path); /* a folder is no file */
}
