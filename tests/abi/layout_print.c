/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints size and offsets of every struct of the SDK, and the value of every constant that crosses:
 * what tests/abi/layout.txt pins. A difference there is a break of the ABI, unless the contract is
 * still a draft.
 */
#include <stdio.h>
#include <tokperf/dataset.h>
#include <tokperf/endpoint.h>
#include <tokperf/exporter.h>

#define CONSTANT(name) printf("%s = %lld\n", #name, (long long)(name));
#define STRUCT(name)   printf("%s: %zu bytes\n", #name, sizeof(struct name));
#define MEMBER(type, member)                                                 \
    printf("  %s: %zu, %zu bytes\n", #member, offsetof(struct type, member), \
           sizeof(((struct type *)0)->member));

int main(void)
{
    printf("kinds: %s %s %s\n", TOKPERF_KIND_ENDPOINT, TOKPERF_KIND_DATASET, TOKPERF_KIND_EXPORTER);
    printf("entry: %s, ABI %d.%d\n", TOKPERF_PLUGIN_ENTRY, TOKPERF_ABI_MAJOR, TOKPERF_ABI_MINOR);
#include "layout_names.inc"
    return 0;
}
