/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What part of a change is within groups, and what part comes from their other sizes. */
#ifndef CXM_SRC_ESTIMATE_MIX_H
#define CXM_SRC_ESTIMATE_MIX_H

#include "base/base.h"

/* A group on both sides; weight 0 where it has no rows, and its value is then ignored. */
struct cxm_mix_group {
    double value_a, weight_a, value_b, weight_b;
};

struct cxm_mix_part {
    double within, mix;
};

/* The two means over all groups, and the sums of the parts. */
struct cxm_mix {
    double mean_a, mean_b;
    struct cxm_mix_part sum;
};

/* Writes n parts. NaN throughout when a side has no weight. */
struct cxm_mix cxm_priv_mix(const struct cxm_mix_group *groups, size_t n,
                            struct cxm_mix_part *parts);

#endif
