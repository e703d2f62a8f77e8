/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a corpus through a fuzz target without libFuzzer: every regular file of the folder named
 * on the command line, then a few thousand deterministic mutations of each. Fails when the folder
 * has no file, so that a target cannot pass without input.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT_BYTES = 1 << 20, MUTATIONS = 2000 };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* splitmix64, Steele et al. 2014 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Runs on a heap copy of the exact size, so that AddressSanitizer sees the first byte past it. */
static void run_exact(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return;
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void mutate(const uint8_t *data, size_t size, uint64_t seed)
{
    uint8_t *copy = malloc(size + 1);
    if (!copy || !size) {
        free(copy);
        return;
    }
    for (int round = 0; round < MUTATIONS; round++) {
        memcpy(copy, data, size);
        size_t length = size;
        uint64_t edits = 1 + next_random(&seed) % 4;
        for (uint64_t i = 0; i < edits; i++)
            copy[next_random(&seed) % size] = (uint8_t)next_random(&seed);
        if (next_random(&seed) % 4 == 0)
            length = next_random(&seed) % (size + 1);
        run_exact(copy, length);
    }
    free(copy);
}

static int replay_file(const char *path, uint64_t seed)
{
    static uint8_t input[MAX_INPUT_BYTES];
    FILE *file = fopen(path, "rbe");
    if (!file)
        return 0;
    size_t size = fread(input, 1, sizeof input, file);
    int bad = ferror(file);
    fclose(file);
    if (bad)
        return 0;
    run_exact(input, size);
    if (size <= 65536)
        mutate(input, size, seed);
    return 1;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "replay: cannot open the corpus folder '%s'\n", argc == 2 ? argv[1] : "");
        return 1;
    }
    int replayed = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (entry->d_name[0] != '.' && n > 0 && (size_t)n < sizeof path)
            replayed += replay_file(path, (uint64_t)replayed + 1);
    }
    closedir(dir);
    printf("%d inputs replayed\n", replayed);
    return replayed ? 0 : 1;
}
