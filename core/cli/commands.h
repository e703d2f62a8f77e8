/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the program, one file each. Each takes the arguments behind its name and returns
 * the exit code (run/exit_code.h). [main]
 */
#ifndef TKP_CLI_COMMANDS_H
#define TKP_CLI_COMMANDS_H

int tkp_cmd_profile(int argc, char **argv);
int tkp_cmd_calibrate(int argc, char **argv);
int tkp_cmd_report(int argc, char **argv);
int tkp_cmd_events(int argc, char **argv);
int tkp_cmd_tokenize(int argc, char **argv);
int tkp_cmd_tokenizer(int argc, char **argv);
int tkp_cmd_config(int argc, char **argv);
int tkp_cmd_help(int argc, char **argv);
int tkp_cmd_version(int argc, char **argv);

#endif
