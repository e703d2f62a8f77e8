/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in until core/token has the real ones, which win over these. */
#include <token/tokenizer.h>

#include <base/error.h>

#define WEAK __attribute__((weak))
WEAK tokperf_status tkp_tokenizer_load(const char *path, struct tkp_tokenizer **out,
                                       struct tokperf_error *error)
{
    *out = NULL;
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "'%s' cannot be read", path);
}
WEAK void tkp_tokenizer_destroy(struct tkp_tokenizer *tokenizer)
{
    (void)tokenizer;
}
WEAK const char *tkp_tokenizer_notice(const struct tkp_tokenizer *tokenizer)
{
    (void)tokenizer;
    return NULL;
}
WEAK tokperf_status tkp_encoder_create(const struct tkp_tokenizer *tokenizer,
                                       struct tkp_encoder **out, struct tokperf_error *error)
{
    (void)tokenizer;
    *out = NULL;
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "no encoder");
}
WEAK void tkp_encoder_destroy(struct tkp_encoder *encoder)
{
    (void)encoder;
}
WEAK tokperf_status tkp_encoder_count(struct tkp_encoder *encoder, struct tokperf_span text,
                                      uint64_t *count, struct tokperf_error *error)
{
    (void)encoder;
    (void)text;
    *count = 0;
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "no encoder");
}
