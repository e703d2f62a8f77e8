/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the command and runs it. */
#include <cli/commands.h>
#include <cli/output.h>
#include <cli/plugins_command.h>
#include <fcntl.h>
#include <run/exit_code.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"profile", tkp_cmd_profile},   {"report", tkp_cmd_report},
    {"config", tkp_cmd_config},     {"calibrate", tkp_cmd_calibrate},
    {"plugins", tkp_cmd_plugins},   {"help", tkp_cmd_help},
    {"version", tkp_cmd_version},   {"--help", tkp_cmd_help},
    {"-h", tkp_cmd_help},           {"--version", tkp_cmd_version},
    {"tokenize", tkp_cmd_tokenize}, {"tokenizer", tkp_cmd_tokenizer},
    {"events", tkp_cmd_events},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* `tokperf COMMAND ... --help`, with any command. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* A standard descriptor that is closed would be the next file's: what is printed would go into a
 * result. */
static void claim_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    const char *names[COMMANDS + 1] = {NULL};
    claim_standard_descriptors();
    if (argc < 2) {
        (void)tkp_cmd_help(0, argv);
        return TKP_EXIT_USAGE;
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0 && asks_for_help(argc - 2, argv + 2))
            return tkp_cmd_help(1, argv + 1);
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
        names[i] = commands[i].name;
    }
    return tkp_output_unknown("command", argv[1], names);
}
