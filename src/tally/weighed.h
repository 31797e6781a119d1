/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sums of weights and of their squares by group and answer, for metrics without variables. */
#ifndef CXM_SRC_WEIGHED_H
#define CXM_SRC_WEIGHED_H

#include "tally/tally.h"

struct cxm_weighed;

/* For a configuration of one unit without variables. NULL: out of memory. */
struct cxm_weighed *cxm_priv_weighed_new(const struct cxm_config *config,
                                         const struct cxm_allocator *allocator);
void cxm_priv_weighed_free(struct cxm_weighed *weighed);

/* Counts n rows: their group (UINT32_MAX: left out; NULL: all the first), code and weight, which
 * was checked where the code is that of an answer. FULL: nothing was added, flush and go another
 * way, there are too many groups. */
enum cxm_weighed_result { CXM_WEIGHED_ADDED, CXM_WEIGHED_FULL, CXM_WEIGHED_NO_MEMORY };
enum cxm_weighed_result cxm_priv_weighed_add(struct cxm_weighed *weighed,
                                             struct cxm_table *groups, const uint32_t *group,
                                             const uint16_t *codes, const double *weights,
                                             size_t n);

/* Moves what was counted to the cells of the table. False: out of memory. */
bool cxm_priv_weighed_flush(struct cxm_weighed *weighed, struct cxm_table *groups);

#endif
