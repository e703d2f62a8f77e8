/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which a module can be broken gets one sentence, through the real registry and
 * loader.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <plugin/loader.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <temp_dir.h>
#include <tokperf/endpoint.h>
#include <unistd.h>

static const char *const environment[] = {"TOKPERF_NO_DEFAULT_PLUGINS=1", NULL};
static struct temp_dir dir;

/* A fragment that lists `name` of plugin `id` in `module`. */
static const char *write_fragment(const char *module, const char *id, const char *name)
{
    char text[2048];
    snprintf(text, sizeof text,
             "schema: 1\n"
             "plugins:\n"
             "  - {id: %s, version: 1.0.0, abi: 1, module: %s, license: MIT}\n"
             "components:\n"
             "  - {kind: endpoint, name: %s, plugin: %s, summary: Broken}\n",
             id, module, name, id);
    return temp_dir_write(&dir, "broken.yaml", text);
}

static tokperf_status create_from(const char *fragment, const char *name,
                                  struct tokperf_error *error)
{
    const struct tkp_registry_options options = {
        .registry_files = &fragment, .registry_file_count = 1, .environment = environment};
    struct tkp_registry *registry = NULL;
    struct tkp_instance *instance = NULL;
    struct tkp_host host;
    tkp_host_init(&host);
    tokperf_status status = tkp_registry_open(&options, &registry, error);
    if (status == TOKPERF_OK)
        status =
            tkp_instance_create(registry, "endpoint", name, NULL, 0, &host.api, &instance, error);
    tkp_instance_destroy(instance);
    tkp_registry_close(registry);
    return status;
}

static void expect_sentence(const char *what, tokperf_status status, tokperf_status expected,
                            const struct tokperf_error *error, const char *part)
{
    if (status != expected || (part != NULL && strstr(error->message, part) == NULL) ||
        (part != NULL && strchr(error->message, '\n') != NULL))
        fail_msg("%s: status %u (expected %u), '%s' lacks '%s'", what, status, expected,
                 error->message, part != NULL ? part : "");
}

static void each_broken_module_gets_its_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *module;
        tokperf_status status;
        const char *part;
    } cases[] = {
        {"good", TOKPERF_OK, NULL},
        {"grown", TOKPERF_OK, NULL},
        {"wrong_abi", TOKPERF_E_ABI, "wrong_abi.so is a plugin of ABI 2, this tokperf loads ABI 1"},
        {"missing_symbol", TOKPERF_E_ABI, "does not export tokperf_plugin_entry_v1"},
        {"null_descriptor", TOKPERF_E_ABI, "returned no descriptor"},
        {"small_descriptor", TOKPERF_E_ABI, "the descriptor's struct_size is 8, at least"},
        {"newer_host", TOKPERF_E_ABI, "needs a host of ABI 1.99 or later"},
        {"bad_id", TOKPERF_E_UNSUPPORTED, "the plugin id 'noDots' is not a reverse domain name"},
        {"small_vtable", TOKPERF_E_ABI, "the vtable of component broken has struct_size 24"},
        {"missing_member", TOKPERF_E_UNSUPPORTED, "the vtable of component broken lacks event()"},
        {"wrong_kind", TOKPERF_E_ABI, "is of kind tokperf.endpoint/7, this tokperf uses"},
        {"other_kind", TOKPERF_E_UNSUPPORTED, "as kind endpoint, but the module"},
        {"failing_create", TOKPERF_E_INVALID,
         "component broken of plugin com.acme.broken failed to create: the moon is not full"},
        {"silent_create", TOKPERF_E_NO_MEMORY, "failed to create and gave no reason (no_memory)"},
        {"needs_service", TOKPERF_E_ABI, "requires the service teleport/1, which this tokperf"},
        {"bad_option", TOKPERF_E_UNSUPPORTED, "component broken: option mode is an enum without"},
        {"no_components", TOKPERF_E_UNSUPPORTED, "the plugin com.acme.broken has no components"},
        {"late_symbol", TOKPERF_E_UNSUPPORTED,
         "late_symbol.so: undefined symbol: tokperf_a_symbol_that_nobody_defines"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char module[1024];
        struct tokperf_error error = {0};
        snprintf(module, sizeof module, "%s/%s.so", TKP_BROKEN_DIR, cases[i].module);
        const char *fragment = write_fragment(module, "com.acme.broken", "broken");
        tokperf_status status = create_from(fragment, "broken", &error);
        expect_sentence(cases[i].module, status, cases[i].status, &error, cases[i].part);
    }
}

static void files_that_are_no_modules_get_theirs(void **state)
{
    (void)state;
    static const struct {
        const char *name, *content, *part;
    } cases[] = {
        {"text.so", "hello, I am a text\n", "text.so is a text file, not a shared object"},
        {"script.so", "INPUT(-lc)\n", "script.so is a text file, not a shared object"},
        {"bytes.so", "\x01\x02\x03\x04 bytes", "bytes.so is something else, not a shared object"},
        {"empty.so", "", "empty.so is empty, not a shared object"},
        {"short.so", "\x7f\x45LF\x02", "short.so ends within its ELF header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tokperf_error error = {0};
        const char *module = temp_dir_write(&dir, cases[i].name, cases[i].content);
        const char *fragment = write_fragment(module, "com.acme.broken", "broken");
        tokperf_status status = create_from(fragment, "broken", &error);
        expect_sentence(cases[i].name, status, TOKPERF_E_UNSUPPORTED, &error, cases[i].part);
    }
}

static void a_program_is_no_module(void **state)
{
    (void)state;
    struct tokperf_error error = {0};
    struct tkp_module *module = NULL;
    tokperf_status status = tkp_module_open("/proc/self/exe", &module, &error);
    expect_sentence("self", status, TOKPERF_E_INVALID, &error, "/abi_broken_test");
    assert_null(module);
    status = tkp_module_open(temp_dir_path(&dir, "none.so"), &module, &error);
    expect_sentence("absent", status, TOKPERF_E_NOT_FOUND, &error, "cannot open the module");
    status = tkp_module_open(dir.path, &module, &error);
    expect_sentence("folder", status, TOKPERF_E_INVALID, &error, "is not a regular file");
}

static void fragment_and_descriptor_must_agree(void **state)
{
    (void)state;
    static const char module[] = TKP_BROKEN_DIR "/good.so";
    struct tokperf_error error = {0};
    tokperf_status status =
        create_from(write_fragment(module, "com.acme.other", "broken"), "broken", &error);
    expect_sentence("id", status, TOKPERF_E_UNSUPPORTED, &error,
                    "lists plugin com.acme.other, but the module");
    status = create_from(write_fragment(module, "com.acme.broken", "tango"), "tango", &error);
    expect_sentence("name", status, TOKPERF_E_UNSUPPORTED, &error,
                    "broken.yaml:5 lists endpoint tango, but its module");
    status =
        create_from(write_fragment("absent.so", "com.acme.broken", "broken"), "broken", &error);
    expect_sentence("module", status, TOKPERF_E_UNSUPPORTED, &error,
                    "endpoint broken cannot be used: its module");
}

/* The handler's sentence, from a child that crashes inside a plugin's create. */
static void a_crash_names_the_plugin(void **state)
{
    (void)state;
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    const char *fragment =
        write_fragment(TKP_BROKEN_DIR "/crashes.so", "com.acme.broken", "broken");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tokperf_error error;
        (void)dup2(pipe_ends[1], STDERR_FILENO);
        tkp_crash_handler_install();
        (void)create_from(fragment, "broken", &error);
        _exit(0);
    }
    close(pipe_ends[1]);
    char text[1024];
    size_t len = 0;
    ssize_t got;
    while ((got = read(pipe_ends[0], text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)got;
    close(pipe_ends[0]);
    text[len] = '\0';
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 4);
    assert_non_null(strstr(text, "tokperf: the plugin com.acme.broken crashed (SIG"));
}

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_module_gets_its_sentence),
        cmocka_unit_test(files_that_are_no_modules_get_theirs),
        cmocka_unit_test(a_program_is_no_module),
        cmocka_unit_test(fragment_and_descriptor_must_agree),
        cmocka_unit_test(a_crash_names_the_plugin),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
