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

/* The table of one group, 170 bytes a time; the arrays live on from group to group. */
struct cxm_curve_table {
    size_t n, room;
    struct cxm_risk *risk;
    struct cxm_survival *curve;
    struct cxm_limits *limits; /* of the curve, where they are wanted at every time */
    struct cxm_incidence *incidence;
    int64_t *events;   /* by cause, then time */
    size_t first_few;  /* from there on SMALL_N: few were at risk early; n: nowhere */
    int64_t fewest;    /* at risk then; INT64_MIN: nowhere */
    bool has_limits;
};

void cxm_priv_curve_table_release(struct cxm_curve_table *table, const struct cxm_allocator *allocator);
/* Room for n times; false: out of memory. */
bool cxm_priv_curve_table_reserve(struct cxm_curve_table *table, size_t n, uint32_t causes,
                                  const struct cxm_allocator *allocator);
/* The group of these entries: who was at risk and lost when, and the Kaplan-Meier curve. Fewer than
 * `few` at risk are few. */
void cxm_priv_curve_table_read(struct cxm_curve_table *table, const struct cxm_tally *tally,
                               const uint32_t *entries, size_t n, int64_t few);
/* The limits of the curve cost four transcendental functions: once a time, for the rows of the curve
 * and for the quantiles. */
void cxm_priv_curve_table_limits(struct cxm_curve_table *table, double z, enum cxm_interval interval);

#endif
