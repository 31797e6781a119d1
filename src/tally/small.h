/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Items whose answers are small whole numbers: blocks of rows go to small integer sums by group
 * instead of the table, with the same result. See small.c. */
#ifndef CXM_SRC_SMALL_TALLY_H
#define CXM_SRC_SMALL_TALLY_H

#include "tally/tally.h"

struct cxm_small;

/* Rows of a large block: ten columns of bytes of as many are pages of their own, which the processor
 * reads ahead of itself. */
enum { CXM_SMALL_BLOCK = 4096 };

/* *out is NULL where the metric or its columns do not go this way. `rows`: how many there will be;
 * `wide`: the answers are known not to be as small as they might be. False: out of memory. */
bool cxm_priv_small_new(const struct cxm_config *config, const struct cxm_sources *sources,
                        const struct cxm_allocator *allocator, size_t rows, bool wide,
                        struct cxm_small **out);
void cxm_priv_small_free(struct cxm_small *small);

enum cxm_small_result {
    CXM_SMALL_DONE,
    CXM_SMALL_NO,       /* nothing was added: not this block */
    CXM_SMALL_WIDER,    /* nothing was added: flush and begin anew with wide rows */
    CXM_SMALL_AGAIN,    /* nothing was added: read it once more, in another way */
    CXM_SMALL_GROUPS,   /* nothing was added: give the numbers of the groups */
    CXM_SMALL_FULL,     /* nothing was added: too many groups, flush and go another way */
    CXM_SMALL_NO_MEMORY
};

/* Rows of the block that begins with row `first`, at most CXM_SMALL_BLOCK: more than CXM_BLOCK only where
 * no others are asked for the numbers of groups. */
size_t cxm_priv_small_rows(const struct cxm_small *small, int64_t first);
/* Reads a block of at most as many rows: DONE, where all its values are as wanted, NO or WIDER. */
enum cxm_small_result cxm_priv_small_read(struct cxm_small *small, int64_t first, size_t n);
/* Adds the block of *n rows that was read, or the first *n then, which may be fewer. group: numbers of the
 * groups, UINT32_MAX for rows left out; NULL: there is one, or the keys are to be looked up here. Makes the
 * groups that it meets. */
enum cxm_small_result cxm_priv_small_add(struct cxm_small *small, struct cxm_table *groups,
                                         int64_t first, size_t *n, const uint32_t *group);
/* Moves what was summed to the table, once. False: out of memory. */
bool cxm_priv_small_flush(struct cxm_small *small, struct cxm_table *groups);

#endif
