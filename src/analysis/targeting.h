/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What targets and scorecards share: the measures of a tally, and the evidence behind one of its
 * estimates. */
#ifndef CXM_SRC_TARGETING_H
#define CXM_SRC_TARGETING_H

#include "analysis/report.h"
#include "estimate/verdict.h"
#include "metric/metric.h"

struct cxm_targeting {
    struct cxm_tally *tally;
    const struct cxm_metric *metric;
    struct cxm_measure *measures;
    size_t n_measures;
};

/* To be released with cxm_priv_targeting_release, also after a failure. EINVAL: no tally. */
enum cxm_status cxm_priv_targeting_init(struct cxm_targeting *t, struct cxm_tally *tally,
                                        struct cxm_error *error);
void cxm_priv_targeting_release(struct cxm_targeting *t);
/* The measure of that name, NULL: the headline. EINVAL: none. */
enum cxm_status cxm_priv_targeting_find(const struct cxm_targeting *t, const char *name,
                                        uint32_t *out, struct cxm_error *error);
/* Estimates of all groups, or of all merged when `total` is TOTAL_ONLY, or both. The array is to
 * be released with the allocator of the tally. */
enum cxm_total { CXM_TOTAL_NOT, CXM_TOTAL_TOO, CXM_TOTAL_ONLY };
enum cxm_status cxm_priv_targeting_read(const struct cxm_targeting *t,
                                        const struct cxm_estimate_options *options,
                                        enum cxm_total total, struct cxm_estimate **out,
                                        size_t *n_out, struct cxm_error *error);

/* What a measure is judged as. */
enum cxm_evidence_kind cxm_priv_evidence_kind(const struct cxm_targeting *t, uint32_t measure);
/* The direction meant by default: at most where less of the measure is better. */
enum cxm_direction cxm_priv_usual_direction(const struct cxm_targeting *t, uint32_t measure,
                                            enum cxm_direction asked);
/* EINVAL: a target off the scale; a measure such as a standard deviation, of which neither more nor
 * less is better, and no direction was asked for. */
enum cxm_status cxm_priv_check_goal(const struct cxm_targeting *t, uint32_t measure, double target,
                                    enum cxm_direction asked, struct cxm_error *error);
/* An estimate beside a target that was checked, both in the unit of the measure; census, alpha and
 * direction from the options. EUNSUPPORTED: no standard error. */
enum cxm_status cxm_priv_judge_estimate(const struct cxm_targeting *t,
                                        const struct cxm_estimate *estimate, double target,
                                        const struct cxm_target_options *options,
                                        struct cxm_target_result *out, struct cxm_error *error);

#endif
