/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The change of a mean over groups, taken apart (Kitagawa 1955, Journal of the American
 * Statistical Association 50:1168). With shares s and values m of a group on sides a and b, and
 * any r, because shares sum to 1 on both sides,
 *
 *   M_a - M_b = sum (s_a + s_b) / 2 (m_a - m_b) + sum (s_a - s_b) ((m_a + m_b) / 2 - r)
 *
 * r = (M_a + M_b) / 2 gives each group's own part of the mix a meaning: more of a group counts
 * for as much as the group is better than the average. A group without rows on one side has no
 * value there: all of it is mix. From 2 to 10^5 groups; everything is double-double, rounded once. */
#include "estimate/mix.h"

#include <math.h>

static struct cxm_dd mean_of(const struct cxm_mix_group *groups, size_t n, bool of_a,
                             struct cxm_dd *weight)
{
    struct cxm_dd sum = { 0, 0 }, all = { 0, 0 };
    for (size_t i = 0; i < n; i++) {
        const double w = of_a ? groups[i].weight_a : groups[i].weight_b;
        const double value = of_a ? groups[i].value_a : groups[i].value_b;
        if (!(w > 0))
            continue;
        all = cxm_priv_dd_add(all, cxm_priv_dd(w));
        sum = cxm_priv_dd_add(sum, cxm_priv_dd_mul(cxm_priv_dd(w), cxm_priv_dd(value)));
    }
    *weight = all;
    return cxm_priv_dd_div(sum, all);
}

static struct cxm_dd half(struct cxm_dd x)
{
    return (struct cxm_dd){ 0.5 * x.hi, 0.5 * x.lo };
}

struct cxm_mix cxm_priv_mix(const struct cxm_mix_group *groups, size_t n,
                            struct cxm_mix_part *parts)
{
    struct cxm_dd weight_a, weight_b, within_sum = { 0, 0 }, mix_sum = { 0, 0 };
    const struct cxm_dd mean_a = mean_of(groups, n, true, &weight_a);
    const struct cxm_dd mean_b = mean_of(groups, n, false, &weight_b);
    const struct cxm_dd centre = half(cxm_priv_dd_add(mean_a, mean_b));
    const bool defined = weight_a.hi > 0 && weight_b.hi > 0;
    for (size_t i = 0; i < n; i++) {
        const struct cxm_mix_group *g = &groups[i];
        const bool in_a = g->weight_a > 0, in_b = g->weight_b > 0;
        const struct cxm_dd none = { 0, 0 }, a = cxm_priv_dd(g->value_a),
                            b = cxm_priv_dd(g->value_b);
        const struct cxm_dd share_a = in_a ? cxm_priv_dd_div(cxm_priv_dd(g->weight_a), weight_a)
                                           : none;
        const struct cxm_dd share_b = in_b ? cxm_priv_dd_div(cxm_priv_dd(g->weight_b), weight_b)
                                           : none;
        const struct cxm_dd value = in_a && in_b ? half(cxm_priv_dd_add(a, b)) : in_a ? a : b;
        struct cxm_dd within = none, mix = none;
        if (in_a && in_b)
            within = cxm_priv_dd_mul(half(cxm_priv_dd_add(share_a, share_b)),
                                     cxm_priv_dd_sub(a, b));
        if (in_a || in_b)
            mix = cxm_priv_dd_mul(cxm_priv_dd_sub(share_a, share_b),
                                  cxm_priv_dd_sub(value, centre));
        within_sum = cxm_priv_dd_add(within_sum, within);
        mix_sum = cxm_priv_dd_add(mix_sum, mix);
        parts[i] = defined ? (struct cxm_mix_part){ within.hi, mix.hi }
                           : (struct cxm_mix_part){ NAN, NAN };
    }
    struct cxm_mix out = { NAN, NAN, { NAN, NAN } };
    if (defined)
        out = (struct cxm_mix){ mean_a.hi, mean_b.hi, { within_sum.hi, mix_sum.hi } };
    return out;
}
