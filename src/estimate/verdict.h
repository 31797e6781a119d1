/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A number beside its target: one-sided p-values and limits, the verdict, and how many answers
 * would give one. Shares, net scores and rates of events from (effective) counts, everything else
 * from a standard error. Net scores are on -1 … 1 here. Arguments were checked by the caller. */
#ifndef CXM_SRC_VERDICT_H
#define CXM_SRC_VERDICT_H

#include "estimate/net.h"

#include <cxm/target.h>

enum cxm_evidence_kind {
    CXM_EVIDENCE_SHARE, CXM_EVIDENCE_NET, CXM_EVIDENCE_VALUE, CXM_EVIDENCE_RATE
};

struct cxm_evidence {
    enum cxm_evidence_kind kind;
    double n;             /* answers that count: effective ones */
    double x;             /* SHARE: successes among them; RATE: events */
    double exposure;      /* RATE: value = x / exposure */
    struct cxm_net net;   /* NET: counts, together n */
    double value, std_error, df; /* VALUE */
    double scale;         /* answers as they come for one that counts; usually 1 */
};

/* Everything of the result but the unit: value, target and limits are on the scale of the
 * evidence. With `census` nothing but value, verdict and point_pass. */
struct cxm_target_result cxm_priv_judge(const struct cxm_evidence *evidence, double target,
                                        double alpha, enum cxm_direction direction, bool census);

/* Options with their defaults, checked. */
enum cxm_status cxm_priv_target_options(const struct cxm_target_options *options,
                                        struct cxm_target_options *out, struct cxm_error *error);
/* A target of this unit and range; a share target of 90 gets the hint 0.9. */
enum cxm_status cxm_priv_check_target(double target, enum cxm_evidence_kind kind,
                                      struct cxm_error *error);

#endif
