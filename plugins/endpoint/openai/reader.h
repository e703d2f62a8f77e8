/* SPDX-License-Identifier: Apache-2.0 */
/* An event while it is read, shared between parse.c (what is around), message.c (what is said)
 * and embeddings.c (vectors). */
#ifndef OPENAI_READER_H
#define OPENAI_READER_H

#include "openai.h"

struct reader {
    const struct openai *self;
    struct openai_state *state;
    const struct tokperf_emit *emit;
    struct tokperf_json scan;
    struct openai_error error; /* of an "error" member */
    struct openai_error flat;  /* code, type, message at the top of the event */
};

static inline uint32_t next(struct reader *reader)
{
    return reader->self->json->next(&reader->scan);
}

static inline void skip(struct reader *reader)
{
    reader->self->json->skip(&reader->scan, NULL);
}

static inline void drain(struct reader *reader, uint32_t token)
{
    json_drain(reader->self->json, &reader->scan, token);
}

#define IS(reader, literal) JSON_IS((reader)->self->json, &(reader)->scan, literal)

/* The value of "delta" or "message". */
void openai_read_message(struct reader *reader);
/* Text, or a list of parts with text, of `kind`; other values are passed over. */
void openai_read_text(struct reader *reader, uint32_t kind);

/* embeddings.c: the value of "data", a list of {"embedding": vector}. */
void openai_read_embeddings(struct reader *reader);

#endif
