/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact order statistics of a column by group, without sorting it. */
#ifndef CXM_SRC_SELECT_H
#define CXM_SRC_SELECT_H

#include "column/read.h"

/* How often each group has each leading half of a value's bits (its bucket), by thread. */
struct cxm_selection {
    const struct cxm_allocator *allocator;
    const struct cxm_column *column;
    const uint32_t *codes;  /* by row: the group; NULL: all rows are of group 0 */
    uint32_t n_groups;      /* rows whose code is n_groups or more are left out */
    int threads;
    bool count_invalid;
    int64_t *n, *missing, *invalid; /* by group */
    uint32_t *histogram;    /* by thread, group, bucket */
    uint64_t *words;        /* many groups: the values of each as words, one group after another */
    int64_t *starts;        /* of each group in `words` */
};

enum { CXM_SELECT_BUCKETS = 65536, CXM_SELECT_GROUPS = 256 };

/* Pass one: n, missing, invalid of every group. Set all members from `allocator` to
 * `count_invalid` before. EDATA: the lowest row with an invalid value, unless counted. EOVERFLOW: more
 * than 2^32 - 1 rows. */
enum cxm_status cxm_priv_select_count(struct cxm_selection *s, struct cxm_error *error);

/* Pass two: out[i] = the value of rank ranks[i] (from 0, below n) of group groups[i]. */
enum cxm_status cxm_priv_select_values(struct cxm_selection *s, const uint32_t *groups,
                                       const int64_t *ranks, size_t n, double *out,
                                       struct cxm_error *error);
void cxm_priv_select_release(struct cxm_selection *s);

#endif
