/* SPDX-License-Identifier: Apache-2.0 */
/* What a module exports. [check child] */
#ifndef TKP_CLI_PLUGINS_CHECK_SYMBOLS_H
#define TKP_CLI_PLUGINS_CHECK_SYMBOLS_H

#include <cli/plugins_check_child.h>

/* Step "symbols": the entry is the only dynamic symbol that the module defines. */
void tkp_check_symbols(struct tkp_check *check);

#endif
