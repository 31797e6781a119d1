/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table while it is built, and the Arrow C stream of one chunk that it becomes. Whoever fills a
 * column asks for its memory here. */
#ifndef CXM_SRC_ARROW_STREAM_H
#define CXM_SRC_ARROW_STREAM_H

#include "metric/arrow_columns.h"

enum { CXM_FIELD_NAME_BYTES = 64, CXM_FIELD_FORMAT_BYTES = 8 };

struct cxm_arrow_field {
    char name[CXM_FIELD_NAME_BYTES];
    char format[CXM_FIELD_FORMAT_BYTES];
    const char *numbers; /* to be copied when all columns are there; NULL: nothing */
    size_t step;
};

/* Afterwards the private part of its stream. */
struct cxm_arrow_table {
    struct ArrowArray chunk; /* released once it was handed over */
    const char *failure;     /* what the last call complained about, or NULL */
    const int64_t *rows;     /* borrowed while columns are added */
    size_t n_filled;
    size_t n_fields;
    struct cxm_arrow_field fields[];
};

/* Starts the memory of every column; the buffers follow, each aligned to a cache line. */
struct cxm_arrow_block {
    const void *buffers[3];
};

/* An array of `n` rows, all null, with zeroed buffers of these sizes (text_bytes: with a third
 * buffer). NULL when memory is out; otherwise the array is `out`. */
struct cxm_arrow_block *cxm_priv_arrow_block(size_t n, size_t data_bytes, bool has_text,
                                             size_t text_bytes, struct ArrowArray *out);

/* The buffers are const for consumers; while a column is filled they are ours. */
static inline void *cxm_priv_arrow_buffer(const struct cxm_arrow_block *block, int index)
{
    return (void *)(uintptr_t)block->buffers[index];
}

/* The stream of a table whose columns are all there. */
void cxm_priv_arrow_stream(struct cxm_arrow_table *table, struct ArrowArrayStream *out);

#endif
