/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of request bodies. */
#ifndef OPENAI_FORMAT_TEST_H
#define OPENAI_FORMAT_TEST_H

void test_format_options(void **unused);
void test_format_contents(void **unused);
void test_format_history(void **unused);
void test_format_extra(void **unused);
void test_format_completions(void **unused);
void test_format_refusals(void **unused);
void test_format_salt(void **unused);

#endif
