/* SPDX-License-Identifier: Apache-2.0 */
/* Commands without secrets: whatever is called hunter2 in a row is not there any more, and what the
 * row says is what is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <config/redact.h>
#include <string.h>

#define R "<redacted>"

static const struct {
    const char *command, *shown;
} rows[] = {
    /* flags, assignments and headers in words of their own */
    {"w --api-key hunter2 -v", "w --api-key " R " -v"},
    {"w --api-key=hunter2 -v", "w --api-key=" R " -v"},
    {"w --token '=hunter2 x' -v", "w --token " R " -v"},
    {"w --API_KEY -hunter2 -v", "w --API_KEY " R " -v"},
    {"w --api-key= hunter2", "w --api-key= " R},
    {"w --api-key \t hunter2", "w --api-key \t " R},
    {"w api.key=hunter2 -v", "w api.key=" R " -v"},
    {"TOKEN=hunter2 w", "TOKEN=" R " w"},
    {"w password hunter2 -v", "w password " R " -v"},
    {"w Authorization: hunter2", "w Authorization: " R},
    {"w Authorization: Bearer hunter2 -v", "w Authorization: " R " " R " -v"},
    {"w Authorization: Bearer -hunter2 -v", "w Authorization: " R " " R " -v"},
    {"w Authorization:hunter2 -v", "w Authorization:" R " -v"},
    {"w Authorization:Bearer hunter2 -v", "w Authorization:" R " " R " -v"},
    {"w --header=Authorization:hunter2 -v", "w --header=Authorization:" R " -v"},
    {"w --header=Authorization: Bearer hunter2", "w --header=Authorization: " R " " R},
    {"w --header x-api-key=hunter2", "w --header x-api-key=" R},
    {"w -HX-Api-Key:hunter2", "w -HX-Api-Key:" R},
    {"w --auth --api-key hunter2 -v", "w --auth " R " " R " -v"},
    {"w --cookie a=hunter2, b=hunter2, c", "w --cookie " R " " R " " R},
    {"w --auth bearer hunter2", "w --auth " R " " R},
    {"w -x 'Bearer hunter2' -v", "w -x 'Bearer " R "' -v"},
    /* in quotes */
    {"w -H 'Authorization: Bearer hunter2' -v", "w -H 'Authorization: " R "' -v"},
    {"w -H \"Authorization: hunter2'S hunter2\" -v", "w -H \"Authorization: " R "\" -v"},
    {"w 'token=hunter2 hunter2' -v", "w 'token=" R "' -v"},
    {"w token='hunter2 hunter2' -v", "w token=" R " -v"},
    {"w token=hunter2' hunter2'hunter2 -v", "w token=" R " -v"},
    {"w token=hunter2\\ hunter2 -v", "w token=" R " -v"},
    {"w '--token' 'hunter2 \"hunter2' -v", "w '--token' " R " -v"},
    {"w \"--token\" \"hunter2\"", "w \"--token\" " R},
    {"w --token \"hunter2\\\"hunter2\" -v", "w --token " R " -v"},
    {"w --header='Authorization: hunter2 hunter2' -v", "w --header='Authorization: " R "' -v"},
    /* scripts */
    {"sh -c \"exec w --api-key hunter2\" x", "sh -c \"exec w --api-key " R "\" x"},
    {"sh -c \"exec w --api-key hunter2 -v\" x", "sh -c \"exec w --api-key " R " -v\" x"},
    {"sh -c \"w --api-key 'hunter2 hunter2' -v\"", "sh -c \"w --api-key " R " -v\""},
    {"sh -c 'A=1 API_KEY=hunter2 w -v'", "sh -c 'A=1 API_KEY=" R " w -v'"},
    {"sh -c \"w -H 'Authorization: Bearer hunter2' h | v\"",
     "sh -c \"w -H 'Authorization: " R "' h | v\""},
    {"sh -c \"w -H \\\"Authorization: Bearer hunter2\\\" h\"",
     "sh -c \"w -H \\\"Authorization: " R "\\\" h\""},
    {"sh -c \"sh -c \\\"w --token 'hunter2 hunter2' -v\\\" h\" x",
     "sh -c \"sh -c \\\"w --token " R " -v\\\" h\" x"},
    {"sh -c \"w -H Authorization:\\ hunter2 h\"", "sh -c \"w -H Authorization:" R "\""},
    {"w -d '{\"token\": \"hunter2 hunter2\"}' -v", "w -d '{\"token\": " R "' -v"},
    {"w -d '{\"a\":{\"api_key\":\"hunter2\",\"b\":1}}'", "w -d '{\"a\":{\"api_key\":" R "'"},
    {"w -d '{\"token\": \"hunter2 hunter2\", \"password\": \"hunter2\"}'",
     "w -d '{\"token\": " R " " R " " R "'"},
    {"w -d '{\"token\":\"hunter2\",\"password\": \"hunter2\"}'", "w -d '{\"token\":" R " " R "'"},
    {"w --cookie a=hunter2; b=hunter2 -v", "w --cookie " R " " R " -v"},
    {"w 'token = hunter2'", "w 'token = " R "'"},
    {"sh -c \"it''s; w --token 'hunter2 hunter2' -v\"", "sh -c \"it''s; w --token " R " -v\""},
    /* URLs and users */
    {"w http://u:hunter2@h/p?a=1", "w http://" R "@h/p?a=1"},
    {"w --url=http://u:hunter2@h:80/", "w --url=http://" R "@h:80/"},
    {"w 'http://u:hunter2 hunter2@h/' -v", "w 'http://" R "@h/' -v"},
    {"sh -c 'w redis://:hunter2@h && x'", "sh -c 'w redis://" R "@h && x'"},
    {"w http://h/?token=hunter2&b=1", "w http://h/?token=" R},
    {"w http://h/?api%5Fkey=hunter2", "w http://h/?api%5Fkey=" R},
    {"w u:hunter2@h:5432", "w " R "@h:5432"},
    {"w --dsn=u:hunter2@h", "w --dsn=" R "@h"},
    {"w -u me:hunter2 h", "w -u " R " h"},
    {"w --user=me:hunter2 h", "w --user=" R " h"},
    {"w --proxy-user 'me:hunter2 hunter2' h", "w --proxy-user " R " h"},
};

static void hides_what_belongs_to_secret_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_buffer out;
        tkp_buffer_init(&out, 4096);
        tkp_redact_command(rows[i].command, &out);
        assert_string_equal(tkp_buffer_text(&out), rows[i].shown);
        assert_null(strstr(tkp_buffer_text(&out), "hunter2"));
        tkp_buffer_clear(&out);
        tkp_redact_command(rows[i].shown, &out); /* what is shown can be shown again */
        assert_null(strstr(tkp_buffer_text(&out), "hunter2"));
        tkp_buffer_finish(&out);
    }
}

static void leaves_the_rest(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "",
        "  w  -v ",
        "python3 gpu.py --interval 1 --out '/a b/c' \"d\"",
        "get-token -v",
        "python3 credentials.py --gpu 0",
        "sh -c 'cat >/dev/null; echo \"it is\" done'",
        "w http://token:8000/metrics?a=1&b=2#c",
        "w git@host:x -u 1000 --user me",
        "w 'it'\\''s' \\ x\\\\ \"y",
        "w --tokens 5 --keys=3 -k",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct tkp_buffer out;
        tkp_buffer_init(&out, 4096);
        tkp_redact_command(commands[i], &out);
        assert_string_equal(tkp_buffer_text(&out), commands[i]);
        tkp_buffer_finish(&out);
    }
}

/* Whatever the quotes are like, it comes to an end within the text. */
static void reads_any_text(void **state)
{
    (void)state;
    static const char letters[] = "'\"\\ =:@-k?a";
    char text[] = "token       ";
    for (unsigned n = 0; n < 200000; n++) {
        struct tkp_buffer out;
        unsigned draw = n * 2654435761u;
        for (size_t i = 5; i + 1 < sizeof text; i++, draw = draw * 1664525u + 1013904223u)
            text[i] = letters[(draw >> 16) % (sizeof letters - 1)];
        tkp_buffer_init(&out, 1024);
        tkp_redact_command(text, &out);
        assert_false(out.failed);
        tkp_buffer_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides_what_belongs_to_secret_names),
        cmocka_unit_test(leaves_the_rest),
        cmocka_unit_test(reads_any_text),
    };
    return cmocka_run_group_tests_name("redact_command", tests, NULL, NULL);
}
