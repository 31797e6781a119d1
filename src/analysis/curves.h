/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The groups of a survival tally, one after the other, as arrays of times. */
#ifndef CXM_SRC_CURVES_H
#define CXM_SRC_CURVES_H

#include "metric/survival.h"

/* EINVAL: NULL, or a tally of another metric. */
enum cxm_status cxm_priv_survival_check(const struct cxm_tally *tally, struct cxm_error *error);

/* The entries of a tally's time table in order, cut into the runs of its groups. */
struct cxm_curve_groups {
    struct cxm_tally *tally;
    uint32_t *order;
    size_t n_entries, at;
};
enum cxm_status cxm_priv_curve_groups_init(struct cxm_curve_groups *groups,
                                           struct cxm_tally *tally, struct cxm_error *error);
void cxm_priv_curve_groups_release(struct cxm_curve_groups *groups);
/* The entries of a group, which must be asked for in ascending order; there may be none. */
const uint32_t *cxm_priv_curve_entries(struct cxm_curve_groups *groups, int64_t group,
                                       size_t *n);

#endif
