/* SPDX-License-Identifier: Apache-2.0 */
/* The tables behind unicode.h and normal_form.c. No code; the numbers are made by a program. */
#include <token/unicode.h>
#include <token/unicode_data.h>

#include "unicode_tables.inc"
