/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibrated estimates from a tally with margins: its base weights, fitted to known totals. */
#ifndef CXM_SRC_METRIC_CALIBRATED_H
#define CXM_SRC_METRIC_CALIBRATED_H

#include "estimate/residual.h"
#include "metric/design.h"

struct cxm_calibrated {
    const struct cxm_allocator *allocator;
    struct cxm_dd *g;            /* by place in the tally's order: calibrated over base weight */
    uint32_t *combination;       /* by place: of categories */
    uint32_t *columns;           /* [combination][margin] of the regression */
    struct cxm_dd *weights;      /* by combination: of all rows */
    struct cxm_dd *frame, *frame2; /* by place: sums of w and of w^2 of all rows */
    struct cxm_dd *totals, *fitted; /* by combination */
    struct cxm_dd *cells, *cross, *squares; /* by place, of one form */
    double *sizes;               /* of the parts of these cells */
    struct cxm_fit fit;
    size_t n_combinations;
};

/* Margins: `by` is not read, n_by says how many of the tally's columns make the margin, in the
 * order in which they were given. */
enum cxm_status cxm_priv_calibrated_new(struct cxm_tally *tally, const struct cxm_margin *margins,
                                        size_t n_margins, const struct cxm_calibrate_options *how,
                                        struct cxm_calibrated **out, struct cxm_error *error);
void cxm_priv_calibrated_free(struct cxm_calibrated *calibrated);

#endif
