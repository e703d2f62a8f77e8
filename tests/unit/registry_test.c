/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's sources, precedence, masks, refusals and sentences, with real folders. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/log.h>
#include <plugin/registry.h>
#include <plugin/source.h>
#include <stdio.h>
#include <string.h>
#include <temp_dir.h>
#include <unistd.h>

/* XDG_DATA_HOME, XDG_CONFIG_HOME and TOKPERF_PLUGIN_PATH below the test's folder. */
struct world {
    struct temp_dir dir;
    char path_variable[256], config_variable[256], data_variable[256];
    const char *environment[8];
};

static int set_up(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    temp_dir_make(&w.dir);
    snprintf(w.path_variable, sizeof w.path_variable, "TOKPERF_PLUGIN_PATH=%s/path::relative:%s/p2",
             w.dir.path, w.dir.path);
    snprintf(w.config_variable, sizeof w.config_variable, "XDG_CONFIG_HOME=%s/config", w.dir.path);
    snprintf(w.data_variable, sizeof w.data_variable, "XDG_DATA_HOME=%s/data", w.dir.path);
    w.environment[0] = w.path_variable;
    w.environment[1] = w.config_variable;
    w.environment[2] = w.data_variable;
    tkp_log_set_level(TKP_LOG_ERROR);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    temp_dir_remove(&w->dir);
    return 0;
}

#define CONFIG "config/tokperf/plugins.d/"
#define DATA   "data/tokperf/plugins/1/"

/* A fragment of one endpoint, with its module beside it. */
static void put(struct world *w, const char *file, const char *id, const char *name, int priority)
{
    char text[1024];
    snprintf(text, sizeof text,
             "schema: 1\n"
             "plugins:\n  - {id: %s, version: 1.2.0, abi: 1, module: %s.so, license: MIT}\n"
             "components:\n"
             "  - {kind: endpoint, name: %s, plugin: %s, summary: A chat, priority: %d,\n"
             "     metadata: {anything: [goes, {here: 1}]}}\n",
             id, id, name, id, priority);
    temp_dir_write(&w->dir, file, text);
    char module[512];
    const char *slash = strrchr(file, '/');
    snprintf(module, sizeof module, "%.*s/%s.so", (int)(slash - file), file, id);
    temp_dir_write(&w->dir, module, "");
}

static struct tkp_registry *open_world(const struct world *w)
{
    const struct tkp_registry_options options = {.environment = w->environment};
    struct tkp_registry *registry = NULL;
    struct tokperf_error error;
    if (tkp_registry_open(&options, &registry, &error) != TOKPERF_OK)
        fail_msg("%s", error.message);
    return registry;
}

static const struct tkp_component_entry *find(const struct tkp_registry *registry, const char *name)
{
    const struct tkp_component_entry *entry = NULL;
    struct tokperf_error error;
    return tkp_registry_find(registry, "endpoint", name, &entry, &error) == TOKPERF_OK ? entry
                                                                                       : NULL;
}

/* The same where there must be one. Never NULL, so that the compiler sees it too. */
static const struct tkp_component_entry *must_find(const struct tkp_registry *registry,
                                                   const char *name)
{
    static const struct tkp_component_entry none = {.plugin_id = "", .problem = ""};
    const struct tkp_component_entry *entry = find(registry, name);
    assert_non_null(entry);
    return entry != NULL ? entry : &none;
}

static void an_entry_says_where_it_comes_from(void **state)
{
    struct world *w = *state;
    put(w, CONFIG "acme.yaml", "com.acme.tokperf", "acme_chat", 3);
    struct tkp_registry *registry = open_world(w);
    const struct tkp_component_entry *entry = must_find(registry, "acme_chat");
    assert_non_null(entry);
    assert_string_equal(entry->kind, "endpoint");
    assert_string_equal(entry->plugin_id, "com.acme.tokperf");
    assert_string_equal(entry->full_id, "com.acme.tokperf:acme_chat");
    assert_string_equal(entry->version, "1.2.0");
    assert_string_equal(entry->license, "MIT");
    assert_string_equal(entry->summary, "A chat");
    assert_string_equal(entry->source, "XDG_CONFIG_HOME");
    assert_int_equal(entry->priority, 3);
    assert_int_equal(entry->state, TKP_COMPONENT_AVAILABLE);
    assert_false(entry->is_explicit);
    assert_string_equal(entry->module, temp_dir_path(&w->dir, CONFIG "com.acme.tokperf.so"));
    const char *at = strrchr(entry->origin, ':');
    assert_string_equal(at, ":5");
    assert_ptr_equal(find(registry, "com.acme.tokperf:acme_chat"), entry);
    tkp_registry_close(registry);
}

static void priority_then_source_decides(void **state)
{
    static const struct {
        const char *file, *id;
        int priority;
    } all[] = {
        {DATA "d.yaml", "d.data", 0}, {CONFIG "c.yaml", "c.config", 0}, {"p2/b.yaml", "b.p2", 0},
        {"path/a.yaml", "a.path", 0}, {DATA "e.yaml", "e.data", 7},
    };
    struct world *w = *state;
    static const char *const winners[] = {"d.data", "c.config", "b.p2", "a.path", "e.data"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        put(w, all[i].file, all[i].id, "acme_chat", all[i].priority);
        struct tkp_registry *registry = open_world(w);
        const struct tkp_component_entry *entry = must_find(registry, "acme_chat");
        assert_non_null(entry);
        assert_string_equal(entry->plugin_id, winners[i]);
        uint32_t shadowed = 0;
        for (uint32_t j = 0; j < tkp_registry_count(registry); j++)
            if (tkp_registry_at(registry, j)->state == TKP_COMPONENT_SHADOWED &&
                tkp_registry_at(registry, j)->winner == entry)
                shadowed++;
        assert_int_equal(shadowed, i);
        tkp_registry_close(registry);
    }
}

static void what_the_user_names_wins(void **state)
{
    struct world *w = *state;
    put(w, CONFIG "c.yaml", "c.config", "acme_chat", 100);
    put(w, "own/o.yaml", "o.own", "acme_chat", 0);
    const char *file = temp_dir_path(&w->dir, "own/o.yaml");
    const struct tkp_registry_options options = {
        .registry_files = &file, .registry_file_count = 1, .environment = w->environment};
    struct tkp_registry *registry = NULL;
    struct tokperf_error error;
    assert_int_equal(tkp_registry_open(&options, &registry, &error), TOKPERF_OK);
    assert_string_equal(must_find(registry, "acme_chat")->plugin_id, "o.own");
    assert_true(must_find(registry, "acme_chat")->is_explicit);
    assert_string_equal(must_find(registry, "c.config:acme_chat")->plugin_id, "c.config");
    tkp_registry_close(registry);
}

static void a_file_name_overrides_and_a_link_masks(void **state)
{
    struct world *w = *state;
    put(w, DATA "acme.yaml", "d.data", "acme_chat", 9);
    put(w, DATA "gone.yaml", "g.data", "acme_gone", 0);
    put(w, CONFIG "acme.yaml", "c.config", "acme_chat", 0);
    assert_int_equal(symlink("/dev/null", temp_dir_path(&w->dir, CONFIG "gone.yaml")), 0);
    struct tkp_registry *registry = open_world(w);
    assert_string_equal(must_find(registry, "acme_chat")->plugin_id, "c.config");
    assert_null(find(registry, "d.data:acme_chat"));
    assert_null(find(registry, "acme_gone"));
    tkp_registry_close(registry);
}

static void defaults_can_be_switched_off(void **state)
{
    struct world *w = *state;
    put(w, CONFIG "acme.yaml", "c.config", "acme_chat", 0);
    put(w, "path/acme2.yaml", "p.path", "acme_two", 0);
    w->environment[3] = "TOKPERF_NO_DEFAULT_PLUGINS=1";
    struct tkp_registry *registry = open_world(w);
    assert_null(find(registry, "acme_chat"));
    assert_null(find(registry, "acme_two"));
    tkp_registry_close(registry);
}

static void an_absent_module_is_unavailable(void **state)
{
    struct world *w = *state;
    put(w, CONFIG "acme.yaml", "c.config", "acme_chat", 0);
    put(w, DATA "other.yaml", "d.data", "acme_chat", -1);
    assert_int_equal(unlink(temp_dir_path(&w->dir, CONFIG "c.config.so")), 0);
    struct tkp_registry *registry = open_world(w);
    const struct tkp_component_entry *entry = must_find(registry, "acme_chat");
    assert_int_equal(entry->state, TKP_COMPONENT_UNAVAILABLE);
    assert_string_equal(entry->plugin_id, "c.config");
    assert_non_null(strstr(entry->problem, "c.config.so is absent"));
    tkp_registry_close(registry);
}

static void what_everyone_may_write_is_refused(void **state)
{
    struct world *w = *state;
    put(w, CONFIG "module.yaml", "m.module", "acme_module", 0);
    put(w, CONFIG "fragment.yaml", "f.fragment", "acme_fragment", 0);
    put(w, DATA "folder.yaml", "d.folder", "acme_folder", 0);
    put(w, "path/sticky.yaml", "s.sticky", "acme_sticky", 0);
    assert_int_equal(chmod(temp_dir_path(&w->dir, CONFIG "m.module.so"), 0666), 0);
    assert_int_equal(chmod(temp_dir_path(&w->dir, CONFIG "fragment.yaml"), 0666), 0);
    assert_int_equal(chmod(temp_dir_path(&w->dir, "data/tokperf/plugins/1"), 0777), 0);
    assert_int_equal(chmod(temp_dir_path(&w->dir, "path"), 01777), 0);
    struct tkp_registry *registry = open_world(w);
    assert_int_equal(must_find(registry, "acme_module")->state, TKP_COMPONENT_UNAVAILABLE);
    assert_non_null(strstr(must_find(registry, "acme_module")->problem, "everyone may write to"));
    assert_null(find(registry, "acme_fragment"));
    assert_null(find(registry, "acme_folder"));
    assert_int_equal(must_find(registry, "acme_sticky")->state, TKP_COMPONENT_AVAILABLE);
    tkp_registry_close(registry);
    /* Named explicitly: a warning, and used. */
    const char *file = temp_dir_path(&w->dir, CONFIG "module.yaml");
    const struct tkp_registry_options options = {
        .registry_files = &file, .registry_file_count = 1, .environment = NULL};
    struct tokperf_error error;
    assert_int_equal(tkp_registry_open(&options, &registry, &error), TOKPERF_OK);
    assert_int_equal(must_find(registry, "acme_module")->state, TKP_COMPONENT_AVAILABLE);
    tkp_registry_close(registry);
}

static void twice_in_one_source_is_an_error(void **state)
{
    struct world *w = *state;
    put(w, CONFIG "a.yaml", "a.one", "acme_chat", 0);
    put(w, CONFIG "b.yaml", "b.two", "acme_chat", 0);
    struct tkp_registry *registry = open_world(w);
    const struct tkp_component_entry *entry = must_find(registry, "acme_chat");
    assert_int_equal(entry->state, TKP_COMPONENT_UNAVAILABLE);
    assert_non_null(strstr(entry->problem, "listed twice in one place"));
    tkp_registry_close(registry);
}

static void a_broken_drop_in_leaves_the_others(void **state)
{
    struct world *w = *state;
    put(w, CONFIG "good.yaml", "c.config", "acme_chat", 0);
    temp_dir_write(&w->dir, CONFIG "bad.yaml", "schema: 1\nplugins: 7\n");
    temp_dir_write(&w->dir, CONFIG "half.yaml",
                   "schema: 1\n"
                   "plugins: [{id: a.b, version: 1, abi: 1, module: x.so, license: MIT}]\n"
                   "components:\n"
                   "  - {kind: endpoint, name: acme_half, plugin: a.b, summary: s}\n"
                   "  - {kind: endpoint, name: acme_rest, plugin: a.b, sumary: s}\n");
    struct tkp_registry *registry = open_world(w);
    assert_non_null(find(registry, "acme_chat"));
    assert_null(find(registry, "acme_half"));
    tkp_registry_close(registry);
}

static void an_include_list_is_followed(void **state)
{
    struct world *w = *state;
    put(w, "tree/plugins/endpoint/a/plugin.yaml", "a.one", "acme_one", 0);
    put(w, "tree/plugins/endpoint/b/plugin.yaml", "b.two", "acme_two", 0);
    const char *file = temp_dir_write(&w->dir, "tree/plugins.yaml",
                                      "schema: 1\nincludes:\n"
                                      "  - plugins/endpoint/a/plugin.yaml\n"
                                      "  - plugins/endpoint/b/plugin.yaml\n");
    const struct tkp_registry_options options = {.registry_files = &file, .registry_file_count = 1};
    struct tkp_registry *registry = NULL;
    struct tokperf_error error;
    assert_int_equal(tkp_registry_open(&options, &registry, &error), TOKPERF_OK);
    assert_non_null(find(registry, "acme_one"));
    assert_non_null(find(registry, "acme_two"));
    tkp_registry_close(registry);
}

#define PLUGIN "plugins: [{id: a.b, version: 1, abi: 1, module: x.so, license: MIT}]\n"

static void broken_files_get_a_sentence_with_a_place(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", ":1:1: a registry file is a mapping"},
        {"schema: 2\n", ":1:9: schema: 2 is not known here, only 1"},
        {"plugins: []\n", "needs the key schema"},
        {"schema: 1\nplugin: []\n", "plugins"},
        {"schema: 1\nplugins: {}\n", ":2:10: plugins: expected a list, found a mapping"},
        {"schema: 1\nplugins: [x]\n", ":2:11: plugins[0]: expected a mapping, found text"},
        {"schema: 1\nplugins: [{id: a.b, version: 1, abi: 1, module: x.so}]\n",
         "plugins[0] needs the key license"},
        {"schema: 1\nplugins: [{id: ab, version: 1, abi: 1, module: x.so, license: MIT}]\n",
         "plugins[0].id: 'ab' is not a reverse domain name"},
        {"schema: 1\nplugins: [{id: a.b, version: 1, abi: one, module: x.so, license: MIT}]\n",
         ":2:38: plugins[0].abi: expected a whole number, found one"},
        {"schema: 1\n" PLUGIN "components: [{kind: endpoint, name: x, plugin: a.c, summary: s}]\n",
         "components[0].plugin: a.c is not listed under plugins; there is a.b"},
        {"schema: 1\n" PLUGIN "components: [{kind: endpoint, name: X, plugin: a.b, summary: s}]\n",
         ":3:37: components[0].name: 'X' is not made of a-z, 0-9 and _"},
        {"schema: 1\n" PLUGIN "components: [{kind: endpoint, name: x, plugn: a.b, summary: s}]\n",
         "plugin"},
        {"schema: 1\nincludes: [absent.yaml]\n", ":2:12: includes[0]: there is no file"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *file = temp_dir_write(&w->dir, "own.yaml", cases[i].text);
        const struct tkp_registry_options options = {.registry_files = &file,
                                                     .registry_file_count = 1};
        struct tkp_registry *registry = NULL;
        struct tokperf_error error = {0};
        tokperf_status status = tkp_registry_open(&options, &registry, &error);
        if (status != TOKPERF_E_UNSUPPORTED || strstr(error.message, cases[i].part) == NULL ||
            strstr(error.message, "own.yaml") == NULL)
            fail_msg("case %zu: status %u, \"%s\" lacks \"%s\"", i, status, error.message,
                     cases[i].part);
        assert_null(registry);
    }
}

static void problems_are_told_without_loading(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"plugins: [{id: a.b, version: 1, abi: 2, module: x.so, license: MIT}]\n"
         "components: [{kind: endpoint, name: acme_x, plugin: a.b, summary: s}]\n",
         "it is built for plugin ABI 2, this tokperf loads 1"},
        {PLUGIN "components: [{kind: endpiont, name: acme_x, plugin: a.b, summary: s}]\n",
         "this tokperf has no plugin kind endpiont; did you mean 'endpoint'?"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "schema: 1\n%s", cases[i].text);
        temp_dir_write(&w->dir, CONFIG "own.yaml", text);
        temp_dir_write(&w->dir, CONFIG "x.so", "");
        struct tkp_registry *registry = open_world(w);
        const struct tkp_component_entry *entry = NULL;
        for (uint32_t j = 0; j < tkp_registry_count(registry); j++)
            if (strcmp(tkp_registry_at(registry, j)->name, "acme_x") == 0)
                entry = tkp_registry_at(registry, j);
        assert_non_null(entry);
        assert_int_equal(entry->state, TKP_COMPONENT_UNAVAILABLE);
        assert_string_equal(entry->problem, cases[i].part);
        tkp_registry_close(registry);
    }
}

static void a_slip_gets_the_closest_name(void **state)
{
    struct world *w = *state;
    put(w, CONFIG "a.yaml", "a.one", "acme_chat", 0);
    struct tkp_registry *registry = open_world(w);
    const struct tkp_component_entry *entry = NULL;
    struct tokperf_error error;
    assert_int_equal(tkp_registry_find(registry, "endpoint", "acme_chta", &entry, &error),
                     TOKPERF_E_NOT_FOUND);
    assert_string_equal(error.message, "there is no endpoint 'acme_chta'; did you mean "
                                       "'acme_chat'? (tokperf plugins list shows all)");
    assert_null(entry);
    tkp_registry_close(registry);
}

static void sources_come_in_order(void **state)
{
    struct world *w = *state;
    struct tkp_arena arena;
    struct tkp_source_list list = {.count = 0};
    tkp_arena_init(&arena, 0);
    temp_dir_folder(&w->dir, "path");
    const struct tkp_source_place place = {w->environment, w->dir.path, false};
    tkp_source_search(&place, &arena, &list);
    static const char *const names[] = {"TOKPERF_PLUGIN_PATH",
                                        "TOKPERF_PLUGIN_PATH",
                                        "XDG_CONFIG_HOME",
                                        "XDG_DATA_HOME",
                                        "system",
                                        "local"};
    assert_true(list.count >= 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(list.items[i].name, names[i]);
    assert_true(list.items[0].exists);
    assert_false(list.items[1].exists);
    /* A secure-exec process believes neither variables nor HOME. */
    struct tkp_source_list secure = {.count = 0};
    const struct tkp_source_place secure_place = {w->environment, w->dir.path, true};
    tkp_source_search(&secure_place, &arena, &secure);
    for (uint32_t i = 0; i < secure.count; i++)
        assert_null(strstr(secure.items[i].path, "/config/"));
    assert_string_equal(secure.items[0].name, "system");
    /* A build tree is known by its marker, and stays when the defaults go. */
    w->environment[3] = "TOKPERF_NO_DEFAULT_PLUGINS=1";
    temp_dir_write(&w->dir, "lib/tokperf/plugins/1/.build-tree", "");
    temp_dir_folder(&w->dir, "bin");
    struct tkp_source_list build = {.count = 0};
    const struct tkp_source_place build_place = {w->environment, temp_dir_path(&w->dir, "bin"),
                                                 false};
    tkp_source_search(&build_place, &arena, &build);
    assert_int_equal(build.count, 1);
    assert_string_equal(build.items[0].name, "build tree");
    assert_string_equal(build.items[0].path, temp_dir_path(&w->dir, "lib/tokperf/plugins/1"));
    tkp_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_entry_says_where_it_comes_from, set_up, tear_down),
        cmocka_unit_test_setup_teardown(priority_then_source_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_user_names_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_name_overrides_and_a_link_masks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(defaults_can_be_switched_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_absent_module_is_unavailable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_everyone_may_write_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(twice_in_one_source_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_drop_in_leaves_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_include_list_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_files_get_a_sentence_with_a_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(problems_are_told_without_loading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slip_gets_the_closest_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sources_come_in_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
