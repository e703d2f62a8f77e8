# SPDX-License-Identifier: Apache-2.0
# The command `tokperf plugins`.
set(TKP_PLUGINS_COMMAND_SOURCES
  plugins_args.c plugins_check.c plugins_check_child.c plugins_check_emit.c plugins_check_endpoint.c
  plugins_check_fixture.c plugins_check_options.c plugins_check_replay.c plugins_check_report.c
  plugins_check_request.c plugins_check_symbols.c plugins_command.c plugins_list.c plugins_show.c)
