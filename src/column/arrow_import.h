/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside the Arrow importer: what arrow.c holds, arrow_format.c decodes and arrow_column.c
 * turns into columns. */
#ifndef CXM_SRC_ARROW_IMPORT_H
#define CXM_SRC_ARROW_IMPORT_H

#include "base/base.h"

#include <cxm/arrow.h>

/* Where the elements of a column are. */
enum cxm_arrow_layout {
    CXM_ARROW_NOTHING, /* null: no buffers */
    CXM_ARROW_FIXED,   /* validity, elements of `width` bytes */
    CXM_ARROW_BIT,     /* validity, bits */
    CXM_ARROW_OFFSETS, /* validity, n + 1 offsets of `width` bytes, text */
    CXM_ARROW_VIEWS    /* validity, 16-byte views, texts …, sizes of the texts */
};

/* A format string and its extension, understood. */
struct cxm_arrow_format {
    enum cxm_arrow_layout layout;
    int64_t width;
    uint32_t type;      /* enum cxm_type */
    uint32_t time_unit; /* enum cxm_time_unit */
    uint32_t flags;     /* enum cxm_column_flags */
    int32_t scale;
};

/* Memory of a view; freed with it. */
struct cxm_arrow_block {
    struct cxm_arrow_block *next;
    max_align_t memory[];
};

/* One column, made when it is asked for the first time. */
struct cxm_arrow_view {
    bool ready;
    struct cxm_column column;
    struct cxm_arrow_block *blocks;
};

struct cxm_arrow {
    struct cxm_allocator allocator;
    struct ArrowSchema schema;
    struct ArrowArray *chunks;
    int64_t n_chunks, capacity;
    int64_t rows;
    bool is_table; /* the root is a struct: its children are the columns */
    int64_t n_columns;
    struct cxm_arrow_view *views;
};

/* The type of `schema` without its dictionary. EUNSUPPORTED names what cannot be read. */
enum cxm_status cxm_priv_arrow_format(const struct ArrowSchema *schema, const char *name,
                                      struct cxm_arrow_format *out, struct cxm_error *error);

/* Lengths, offsets and pointers that do not depend on the type. */
enum cxm_status cxm_priv_arrow_check(const struct ArrowSchema *schema,
                                     const struct ArrowArray *array, const char *name,
                                     struct cxm_error *error);

void cxm_priv_arrow_free_blocks(const struct cxm_arrow *arrow, struct cxm_arrow_block *blocks);

/* The schema of a column. */
static inline const struct ArrowSchema *cxm_priv_arrow_schema(const struct cxm_arrow *arrow,
                                                              int64_t index)
{
    return arrow->is_table ? arrow->schema.children[index] : &arrow->schema;
}

#endif
