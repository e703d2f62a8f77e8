/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration file: a tree whose every node is readable and a plan whose document
 * reads back as itself, or one sentence.
 */
#include <config/resolve.h>
#include <config/yaml.h>
#include <stdlib.h>
#include <string.h>

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

static bool resolve(const char *text, struct tkp_plan *plan)
{
    static const char *const environment[] = {"HOME=/home/x", NULL};
    struct tokperf_error error = {0};
    struct tkp_config_input input = {.environment = environment, .config_text = text};
    tokperf_status status = tkp_config_resolve(&input, plan, &error);
    if (status && !error.message[0])
        abort();
    return status == TOKPERF_OK;
}

static void read_back(const char *text)
{
    struct tkp_plan plan = {0}, again = {0};
    if (resolve(text, &plan))
        if (!resolve(plan.config_yaml, &again) || strcmp(plan.config_yaml, again.config_yaml) != 0)
            abort();
    tkp_plan_finish(&plan);
    tkp_plan_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tkp_yaml yaml;
    struct tokperf_error error = {0};
    tokperf_status status = tkp_yaml_parse(&yaml, "fuzz", (const char *)data, size, &error);
    if (status && (!error.message[0] || yaml.root))
        abort();
    bool has_tree = !status && yaml.root;
    if (has_tree)
        visit(yaml.root);
    tkp_yaml_close(&yaml);
    char *text = has_tree && size < 65536 ? strndup((const char *)data, size) : NULL;
    if (text)
        read_back(text);
    free(text);
    return 0;
}
