/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a share reaches a target ("satisfaction at least 90 %"). The verdict comes from the
 * exact one-sided limits: Wilson's would pass 58 of 58 against 95 % without proof. */
#include "estimate/compare.h"

#include "estimate/beta.h"
#include "estimate/exact.h"
#include "estimate/quantile.h"
#include "estimate/share.h"

#include <math.h>

static enum cxm_verdict verdict_of(const struct cxm_target *t, double target)
{
    return t->lower >= target ? CXM_VERDICT_MET
         : t->upper < target  ? CXM_VERDICT_NOT_MET
                              : CXM_VERDICT_INCONCLUSIVE;
}

static void exact_limits(double k, double n, double alpha, struct cxm_target *out)
{
    out->lower = k > 0.0 ? cxm_priv_beta_quantile(k, n - k + 1.0, alpha).x : 0.0;
    out->upper = k < n ? cxm_priv_beta_quantile(n - k, k + 1.0, alpha).y : 1.0;
}

struct cxm_target cxm_priv_target(double k, double n, double target, double alpha)
{
    if (!(n > 0.0))
        return (struct cxm_target){ NAN, false, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN,
                                    CXM_VERDICT_INCONCLUSIVE, CXM_FLAG_NO_DATA };
    struct cxm_target out = { .share = k / n, .point_pass = k / n >= target };
    out.p_at_least = cxm_priv_binomial_at_least(k, n, target);
    out.p_at_most = cxm_priv_binomial_at_most(k, n, target);
    out.mid_p = cxm_priv_binomial_at_least(k + 1.0, n, target)
              + 0.5 * cxm_priv_binomial(k, n, target);
    out.p_two_sided = cxm_priv_binomial_p_value(k, n, target);
    out.score_z = (k - n * target) / sqrt(n * target * (1.0 - target));
    out.score_p = cxm_priv_normal_upper(out.score_z);
    exact_limits(k, n, alpha, &out);
    const struct cxm_limits wilson = cxm_priv_wilson(k, n, -cxm_priv_normal_quantile(alpha));
    out.wilson_lower = wilson.lower;
    out.wilson_upper = wilson.upper;
    out.verdict = verdict_of(&out, target);
    return out;
}
