/* SPDX-License-Identifier: Apache-2.0 */
/* Permission bits of plugin files and their folders. Access control lists are not looked at. */
#include <plugin/trust.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool tkp_trust_folder(const char *path, char *reason, size_t capacity)
{
    struct stat info;
    if (stat(path, &info) != 0 || (info.st_mode & S_IWOTH) == 0 || (info.st_mode & S_ISVTX) != 0)
        return true;
    snprintf(reason, capacity, "everyone may write to the folder %s; run chmod o-w on it", path);
    return false;
}

bool tkp_trust_file(const char *path, char *reason, size_t capacity)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & S_IWOTH) != 0) {
        snprintf(reason, capacity, "everyone may write to %s; run chmod o-w on it", path);
        return false;
    }
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (slash == NULL || len >= sizeof folder)
        return true;
    memcpy(folder, path, len);
    folder[len] = '\0';
    return tkp_trust_folder(len > 0 ? folder : "/", reason, capacity);
}
