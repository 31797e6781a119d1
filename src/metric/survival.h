/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The time tables of the survival metric, as its analyses read them. */
#ifndef CXM_SRC_SURVIVAL_H
#define CXM_SRC_SURVIVAL_H

#include "estimate/survival.h"
#include "metric/metric.h"

enum { CXM_MAX_CAUSES = 64 };

/* K, and the name of cause 1 … K ("event" when there are no names). */
uint32_t cxm_priv_survival_causes(const struct cxm_config *config);
const char *cxm_priv_survival_cause(const struct cxm_config *config, uint32_t cause);
/* Did rows come with the time at which observation began? */
bool cxm_priv_survival_has_entry(const struct cxm_tally *tally);


/* `order` sorts n entries of the key table: by group, then time. */
/* Where the run of one group ends. */
size_t cxm_priv_survival_run(const struct cxm_table *values, const uint32_t *order, size_t first,
                             size_t n);
/* The key of an entry's group. */
const uint8_t *cxm_priv_survival_group(const struct cxm_table *values, uint32_t entry,
                                       size_t *n);

/* The times of one group at which somebody left, one after the other, with who was at risk. */
struct cxm_risk_walk {
    const struct cxm_table *values;
    const uint32_t *order;
    size_t n, at;
    uint32_t codes;
    int64_t at_risk;
    int64_t to_come; /* who came in at the last time or later, or comes */
    int64_t came;    /* of these at the last time */
};
struct cxm_risk_walk cxm_priv_survival_walk(const struct cxm_config *config,
                                            const struct cxm_table *values,
                                            const uint32_t *order, size_t n);
/* The cell of the time: censored, lost by cause 1 … K, came in. NULL: no more. */
const int64_t *cxm_priv_survival_next(struct cxm_risk_walk *walk, struct cxm_risk *out);
/* The next time of the table, also one at which customers only came in; INFINITY at the end. */
double cxm_priv_survival_peek(const struct cxm_risk_walk *walk);
/* Steps over it; its events. at_risk is then that after it. */
int64_t cxm_priv_survival_pass(struct cxm_risk_walk *walk);

/* Value, standard error and limits of a curve; `interval` may be DEFAULT (log-log). */
void cxm_priv_put_survival(const struct cxm_survival *at, double z,
                           enum cxm_interval interval, struct cxm_estimate *out);

#endif
