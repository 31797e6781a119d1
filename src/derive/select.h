/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact order statistics of a column by group, without sorting it. */
#ifndef CXM_SRC_SELECT_H
#define CXM_SRC_SELECT_H

#include "column/read.h"

enum cxm_select_road { CXM_SELECT_ANY, CXM_SELECT_HISTOGRAM, CXM_SELECT_PARTS };

/* Set all members of the first part before. The second part: counts, and how often each group has
 * each leading half of a value's bits (its bucket), by thread, or the values by parts of the groups. */
struct cxm_selection {
    const struct cxm_allocator *allocator;
    const struct cxm_column *column;
    const uint32_t *codes;        /* by row: the group; NULL: by key, or all rows are of group 0 */
    const struct cxm_column *key; /* set, with the next two, by cxm_priv_select_by_key */
    uint64_t key_base;            /* the key of group 0, a whole number as 64 bits */
    uint32_t n_groups;            /* rows whose code is n_groups or more are left out */
    int threads;
    bool count_invalid;
    const double *probs;          /* ranks of these quantiles, ascending, will be wanted, and of their */
    size_t n_probs;               /* binomial limits of that level; 0: nobody knows */
    double level;
    /* for tests; 0: as it pays */
    int64_t sample_rows;
    enum cxm_select_road road;    /* after the sample, or instead of it where n_probs is 0 */
    unsigned without;        /* variants of kernels that are not to be used, for tests */

    int64_t *n, *missing, *invalid; /* by group */
    struct cxm_sampled *sampled;
    uint32_t *histogram;          /* by thread, group, bucket */
    struct cxm_parts *parts;
};

enum { CXM_SELECT_BUCKETS = 65536, CXM_SELECT_GROUPS = 256, CXM_SELECT_KEYS = 1 << 24 };

/* Takes a column of plain whole numbers, without any missing, as groups: as many as the numbers
 * reach from the smallest to the largest, some of which may have no row. False: it is no such
 * column, or reaches over more than CXM_SELECT_KEYS or far more than it has rows. One pass over the
 * column. */
bool cxm_priv_select_by_key(struct cxm_selection *s, const struct cxm_column *key);

/* n, missing, invalid of every group. EDATA: the lowest row with an invalid value, unless
 * counted. EOVERFLOW: more than 2^32 - 1 rows. */
enum cxm_status cxm_priv_select_count(struct cxm_selection *s, struct cxm_error *error);

/* Of how many groups, about as many as given, ranks are best asked for at a time, from group 0 on; all:
 * of all at once. */
uint32_t cxm_priv_select_batch(const struct cxm_selection *s, uint32_t groups);
/* Afterwards: out[i] = the value of rank ranks[i] (from 0, below n) of group groups[i]; groups ascend. */
enum cxm_status cxm_priv_select_values(struct cxm_selection *s, const uint32_t *groups,
                                       const int64_t *ranks, size_t n, double *out,
                                       struct cxm_error *error);
void cxm_priv_select_release(struct cxm_selection *s);

#endif
