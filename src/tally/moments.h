/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts, sums and sums of squares of one number by group and answer: the weights of a metric
 * without variables, or the only variable of a metric without weights. */
#ifndef CXM_SRC_MOMENTS_H
#define CXM_SRC_MOMENTS_H

#include "tally/ahead.h"
#include "tally/keyed.h"
#include "tally/tally.h"

struct cxm_moments;

/* For a configuration of one unit: without variables (weighted), or with one. As long as `keyed`
 * has slots they stand for groups. NULL: out of memory. */
struct cxm_moments *cxm_priv_moments_new(const struct cxm_config *config, bool weighted,
                                         struct cxm_keyed *keyed,
                                         const struct cxm_allocator *allocator);
void cxm_priv_moments_free(struct cxm_moments *moments);

/* Counts n <= CXM_BLOCK rows: their group or slot (UINT32_MAX: left out, with a code that is not that of
 * an answer; NULL: all the first), code and number, which is finite where there is an answer. FULL:
 * nothing was added, flush and go another way; there are too many groups, also for the memory there is,
 * or the numbers are too far apart. What comes `ahead` is asked for meanwhile. */
enum cxm_moments_result { CXM_MOMENTS_ADDED, CXM_MOMENTS_FULL, CXM_MOMENTS_NO_MEMORY };
enum cxm_moments_result cxm_priv_moments_add(struct cxm_moments *moments,
                                             struct cxm_table *groups, const uint32_t *group,
                                             const uint16_t *codes, const double *numbers,
                                             size_t n, struct cxm_ahead *ahead);

/* Looks at n weights where they are to be added next, with these groups and codes: true when all are
 * between 1e-100 and 1e100. False: they may be even so. */
bool cxm_priv_moments_place(struct cxm_moments *moments, const struct cxm_table *groups,
                            const uint32_t *group, const uint16_t *codes, const double *weights,
                            size_t n);

/* Can rows be taken straight from their columns? Looks at these once, when slots are known. */
void cxm_priv_moments_look(struct cxm_moments *moments, const struct cxm_config *config,
                           const struct cxm_sources *sources);
/* Adds the rows from `first` on as long as they can be, none beyond `last`, *done in all; brings what comes
 * after them meanwhile. False: out of memory. */
bool cxm_priv_moments_add_rows(struct cxm_moments *moments, struct cxm_table *groups, int64_t first,
                               int64_t last, struct cxm_ahead *ahead, int64_t *done);

/* Moves what was counted to the cells of the table. False: out of memory. */
bool cxm_priv_moments_flush(struct cxm_moments *moments, struct cxm_table *groups);

#endif
