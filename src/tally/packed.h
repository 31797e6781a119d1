/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members of structs side by side, a block of rows at a time: of a row all members are in the same one
 * or two cache lines, which are then read once and in order. */
#ifndef CXM_SRC_PACKED_H
#define CXM_SRC_PACKED_H

#include "tally/ahead.h"

enum { CXM_LEAST_STRIDE = 16 };

struct cxm_packed {
    const struct cxm_allocator *allocator;
    struct cxm_sources sources; /* as the caller's, but for packed columns: of one block */
    struct cxm_packed_field {
        const struct cxm_column *from;
        struct cxm_column column;
        uint8_t *rows;
        uint32_t width;
    } *fields; /* those of one array of structs follow one another, in the order of their addresses */
    struct cxm_member *members; /* of each */
    uint32_t n;
    cxm_unweave *unweave;
    uint8_t *memory;
};

/* *out stays NULL where there is nothing to pack. False: out of memory. */
bool cxm_priv_packed_new(const struct cxm_config *config, const struct cxm_sources *sources,
                         struct cxm_packed **out);
void cxm_priv_packed_free(struct cxm_packed *p);

/* The columns of p->sources become those of n <= CXM_BLOCK rows. Lines of the rows that follow, up to
 * `last`, are asked for meanwhile, `asks` with every CXM_WEAVE_ROWS rows; what is left of the next
 * block's is for ahead->wide. */
void cxm_priv_packed_read(struct cxm_packed *p, int64_t first, size_t n, int64_t last, size_t asks,
                          struct cxm_ahead *ahead);

#endif
