/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the rates of yes and no share: unit 0 with the bins no and yes, and its three measures. */
#include "metric/metric.h"

static const double is_yes[2] = { 0, 1 }, is_any[2] = { 1, 1 };

struct cxm_score cxm_priv_score_yes(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)config, (void)member, (void)y;
    return cxm_priv_score_share(0, is_yes);
}

void cxm_priv_estimate_yes(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_share(view, 0, is_yes, ask, out);
}

void cxm_priv_estimate_successes(const struct cxm_view *view, uint32_t member,
                                 const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, 0, is_yes, ask, out);
}

void cxm_priv_estimate_denominator(const struct cxm_view *view, uint32_t member,
                                   const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, 0, is_any, ask, out);
}
