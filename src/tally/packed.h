/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members of wide structs side by side, a block of rows at a time: of a row all members are in the
 * same one or two cache lines, which are then read once and in order. */
#ifndef CXM_SRC_PACKED_H
#define CXM_SRC_PACKED_H

#include "tally/tally.h"

enum { CXM_MOST_PACKED = 8, CXM_WIDE_STRIDE = 64 };

struct cxm_packed {
    const struct cxm_allocator *allocator;
    struct cxm_sources sources; /* as the caller's, but for packed columns: of one block */
    struct cxm_packed_field {
        const struct cxm_column *from;
        struct cxm_column column;
        uint8_t *rows;
        uint32_t width;
    } fields[CXM_MOST_PACKED];
    uint32_t n;
    uint8_t *memory;
};

/* *out stays NULL where there is nothing to pack. False: out of memory. */
bool cxm_priv_packed_new(const struct cxm_config *config, const struct cxm_sources *sources,
                         struct cxm_packed **out);
void cxm_priv_packed_free(struct cxm_packed *p);

/* The columns of p->sources become those of n <= CXM_BLOCK rows. */
void cxm_priv_packed_read(struct cxm_packed *p, int64_t first, size_t n);

#endif
