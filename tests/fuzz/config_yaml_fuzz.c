/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a YAML file: a tree whose every node is readable, or one sentence. */
#include <config/yaml.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const struct tkp_yaml_node *node)
{
    bool boolean;
    int64_t integer;
    double number;
    if (node->kind == TKP_YAML_SCALAR) {
        bool is_null = tkp_yaml_is_null(node);
        bool is_bool = tkp_yaml_to_bool(node, &boolean);
        bool is_number = tkp_yaml_to_double(node, &number);
        if (is_null + is_bool + is_number > 1)
            abort();
        if (tkp_yaml_to_int(node, &integer) && !is_number)
            abort();
    }
    for (const struct tkp_yaml_node *n = node->first; n; n = n->next)
        visit(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tkp_yaml yaml;
    struct tokperf_error error = {0};
    tokperf_status status = tkp_yaml_parse(&yaml, "fuzz", (const char *)data, size, &error);
    if (status && (!error.message[0] || yaml.root))
        abort();
    if (!status && yaml.root)
        visit(yaml.root);
    tkp_yaml_close(&yaml);
    return 0;
}
