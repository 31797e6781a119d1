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
        uint8_t *rows[2]; /* those of a block, and of the next one */
        uint32_t width;
    } *fields; /* those of one array of structs follow one another, in the order of their addresses */
    struct cxm_member *members; /* of each */
    uint32_t n;
    cxm_unweave *unweave;
    uint8_t *memory;
    int64_t first, last;   /* the next block begins at `first` … */
    size_t ahead, packed;  /* … and has that many rows, of which so many are packed */
    int64_t asked;         /* rows before that were asked for */
    uint32_t side;         /* where it is: rows[side] */
};

/* *out stays NULL where there is nothing to pack. False: out of memory. */
bool cxm_priv_packed_new(const struct cxm_config *config, const struct cxm_sources *sources,
                         struct cxm_packed **out);
void cxm_priv_packed_free(struct cxm_packed *p);

/* The columns of p->sources become those of n <= CXM_BLOCK rows. What of them was not packed with
 * cxm_priv_packed_step() is packed now; its next calls pack what follows, up to `last`. */
void cxm_priv_packed_read(struct cxm_packed *p, int64_t first, size_t n, int64_t last);

#endif
