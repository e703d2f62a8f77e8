/* SPDX-License-Identifier: Apache-2.0 */
/* A private folder for one test: made by mkdtemp, removed with everything in it. */
#ifndef TKP_TEST_TEMP_DIR_H
#define TKP_TEST_TEMP_DIR_H

#include <sys/stat.h>

struct temp_dir {
    char path[64]; /* resolved */
};

void temp_dir_make(struct temp_dir *dir);
void temp_dir_remove(struct temp_dir *dir);
/* dir/name in a static buffer, one of eight in turn. */
const char *temp_dir_path(const struct temp_dir *dir, const char *name);
/* Makes dir/name with its parents. */
const char *temp_dir_folder(const struct temp_dir *dir, const char *name);
/* Writes dir/name (parents are made), mode 0644. */
const char *temp_dir_write(const struct temp_dir *dir, const char *name, const char *text);

#endif
