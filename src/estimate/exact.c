/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact tests of counts: binomial against a chance, Fisher 1935 for two shares, and for two net
 * scores the permutation distribution (Pitman 1937): which answers fell into which group is
 * taken as random, the answers themselves as fixed, so the counts drawn are hypergeometric.
 *
 * From a handful of answers to 1e9 (2000 for permutations). Tails are walked term by term from
 * the mode with ratios of neighbours, or taken from the beta distribution. */
#include "estimate/exact.h"

#include "estimate/beta.h"

#include <math.h>

/* Outcomes this much likelier than the observed one still count as equal (as in R): a tie must
 * not hang on rounding. */
#define TIE (1.0 + 1e-7)

/* ---- binomial ------------------------------------------------------------------------- */

double cxm_priv_binomial(double k, double n, double p)
{
    if (!(k >= 0.0 && k <= n))
        return 0.0;
    if (n == 0.0)
        return 1.0;
    return exp(cxm_priv_log_poisson(k, n * p) + cxm_priv_log_poisson(n - k, n * (1.0 - p))
               - cxm_priv_log_poisson(n, n));
}

double cxm_priv_binomial_at_least(double k, double n, double p)
{
    if (k <= 0.0)
        return 1.0;
    return k > n ? 0.0 : cxm_priv_beta_lower(k, n - k + 1.0, p, 1.0 - p);
}

double cxm_priv_binomial_at_most(double k, double n, double p)
{
    if (k >= n)
        return 1.0;
    return k < 0.0 ? 0.0 : cxm_priv_beta_lower(n - k, k + 1.0, 1.0 - p, p);
}

/* The count nearest to the mean on the other side of it that is no likelier than `limit`;
 * probabilities fall from `low` to `high`, which is beyond the scale. */
static double first_unlikely(double low, double high, double n, double p, double limit)
{
    while (fabs(high - low) > 1.0) {
        const double half = trunc(0.5 * (low + high));
        if (half == low || half == high) /* beyond 2^53 no double lies between */
            break;
        if (cxm_priv_binomial(half, n, p) <= limit)
            high = half;
        else
            low = half;
    }
    return high;
}

double cxm_priv_binomial_p_value(double k, double n, double p)
{
    if (p <= 0.0 || p >= 1.0)
        return k == n * p ? 1.0 : 0.0;
    const double mode = floor((n + 1.0) * p);
    const double limit = cxm_priv_binomial(k, n, p) * TIE;
    if (cxm_priv_binomial(fmin(mode, n), n, p) <= limit)
        return 1.0;
    if (k < mode) {
        const double other = first_unlikely(mode, n + 1.0, n, p, limit);
        return fmin(1.0, cxm_priv_binomial_at_most(k, n, p)
                             + cxm_priv_binomial_at_least(other, n, p));
    }
    const double other = first_unlikely(mode, -1.0, n, p, limit);
    return fmin(1.0, cxm_priv_binomial_at_least(k, n, p)
                         + cxm_priv_binomial_at_most(other, n, p));
}

/* ---- two shares ----------------------------------------------------------------------- */

struct urn {
    double total, marked, drawn;
};

/* The likelihood of k marked ones among those drawn, over that of k - 1. */
static double up_ratio(const struct urn *u, double k)
{
    return (u->marked - k + 1.0) / k * ((u->drawn - k + 1.0)
           / (u->total - u->marked - u->drawn + k));
}

/* Likelihoods on one side of the mode, that of the mode being 1: of the observed count, of all,
 * of those not above `limit`, and of counts at least and at most as large as observed. */
struct side {
    double observed, all, extreme, at_least, at_most;
};

static struct side walk(const struct urn *u, double mode, double end, double observed,
                        double limit)
{
    struct side side = { 0 };
    const double direction = end > mode ? 1.0 : -1.0;
    double weight = 1.0;
    for (double k = mode; k != end && weight > 1e-20 * limit; ) {
        weight *= direction > 0.0 ? up_ratio(u, k + 1.0) : 1.0 / up_ratio(u, k);
        k += direction;
        side.all += weight;
        if (weight <= limit)
            side.extreme += weight;
        if (k >= observed)
            side.at_least += weight;
        if (k <= observed)
            side.at_most += weight;
        if (k == observed)
            side.observed = weight;
    }
    return side;
}

static bool is_whole(double x)
{
    return x == floor(x);
}

/* Of the same table seen from both sides one is computed, so that they agree to the last bit. */
static bool is_first(struct cxm_share_count a, struct cxm_share_count b)
{
    return a.n != b.n ? a.n < b.n : a.x <= b.x;
}

struct cxm_fisher cxm_priv_fisher_tails(struct cxm_share_count a, struct cxm_share_count b)
{
    if (!(is_whole(a.x) && is_whole(a.n) && is_whole(b.x) && is_whole(b.n))
        || a.n + b.n > CXM_FISHER_MOST)
        return (struct cxm_fisher){ NAN, NAN, NAN };
    if (!is_first(a, b)) {
        const struct cxm_fisher other = cxm_priv_fisher_tails(b, a);
        return (struct cxm_fisher){ other.two_sided, other.less, other.greater };
    }
    const struct urn u = { a.n + b.n, a.x + b.x, a.n };
    const double least = fmax(0.0, u.drawn + u.marked - u.total);
    const double most = fmin(u.drawn, u.marked);
    const double mode = fmin(fmax(floor((u.drawn + 1.0) / (u.total + 2.0) * (u.marked + 1.0)),
                                  least), most);
    double observed = 1.0;
    if (a.x != mode)
        observed = walk(&u, mode, a.x, a.x, 0.0).observed;
    const double limit = observed * TIE;
    const struct side down = walk(&u, mode, least, a.x, limit);
    const struct side up = walk(&u, mode, most, a.x, limit);
    const double all = 1.0 + down.all + up.all;
    struct cxm_fisher out = {
        fmin(1.0, (down.extreme + up.extreme + (limit >= 1.0 ? 1.0 : 0.0)) / all),
        fmin(1.0, (down.at_least + up.at_least + (mode >= a.x ? 1.0 : 0.0)) / all),
        fmin(1.0, (down.at_most + up.at_most + (mode <= a.x ? 1.0 : 0.0)) / all),
    };
    if (a.n == b.n && a.x == b.x) /* both tails are one number */
        out.less = out.greater;
    return out;
}

double cxm_priv_fisher(struct cxm_share_count a, struct cxm_share_count b)
{
    return cxm_priv_fisher_tails(a, b).two_sided;
}

/* ---- two net scores ------------------------------------------------------------------- */

/* log of n choose k as a difference of Poisson logarithms. */
static double log_choose(double n, double k)
{
    return cxm_priv_log_poisson(k, k) + cxm_priv_log_poisson(n - k, n - k)
         - cxm_priv_log_poisson(n, n)
         + (k > 0.0 ? k * log(n / k) : 0.0) + (k < n ? (n - k) * log(n / (n - k)) : 0.0);
}

/* The chances that detractors, passives and promoters, in all `drawn`, are as far from their
 * expectation as observed, at least as many, at most as many. `choose` has the logs for each
 * count of each kind. */
struct tails {
    double both, greater, less;
};

static struct tails permutation_tails(struct cxm_net all, double drawn, double observed,
                                      const double *choose_d, const double *choose_p,
                                      const double *choose_r)
{
    const double n = cxm_priv_net_n(all);
    const double expected = drawn * (all.promoters - all.detractors);
    const double distance = fabs(n * observed - expected);
    const double scale = log_choose(n, drawn);
    struct tails tails = { 0 };
    double total = 0.0;
    for (double d = 0.0; d <= fmin(all.detractors, drawn); d += 1.0) {
        const double least = fmax(0.0, drawn - d - all.passives);
        const double most = fmin(all.promoters, drawn - d);
        for (double r = least; r <= most; r += 1.0) {
            const double chance = exp(choose_d[(size_t)d] + choose_r[(size_t)r]
                                      + choose_p[(size_t)(drawn - d - r)] - scale);
            total += chance;
            if (fabs(n * (r - d) - expected) >= distance)
                tails.both += chance;
            if (r - d >= observed)
                tails.greater += chance;
            if (r - d <= observed)
                tails.less += chance;
        }
    }
    if (n == 2.0 * drawn && 2.0 * observed == all.promoters - all.detractors)
        tails.less = tails.greater; /* two equal groups: both tails are one number */
    return (struct tails){ tails.both / total, tails.greater / total, tails.less / total };
}

static struct cxm_net rounded(struct cxm_net a)
{
    return (struct cxm_net){ round(a.detractors), round(a.passives), round(a.promoters) };
}

/* Of the two groups the one that is drawn, so that both orders give the same bits. */
static bool is_drawn(struct cxm_net a, struct cxm_net b)
{
    const double n = cxm_priv_net_n(a), m = cxm_priv_net_n(b);
    if (n != m)
        return n < m;
    return a.promoters != b.promoters ? a.promoters < b.promoters : a.detractors <= b.detractors;
}

enum cxm_status cxm_priv_permute_nets(struct cxm_net a, struct cxm_net b,
                                      const struct cxm_allocator *allocator,
                                      struct cxm_comparison *out)
{
    a = rounded(a);
    b = rounded(b);
    const bool drawn_a = is_drawn(a, b);
    const struct cxm_net first = drawn_a ? a : b;
    const struct cxm_net all = { a.detractors + b.detractors, a.passives + b.passives,
                                 a.promoters + b.promoters };
    const double n = cxm_priv_net_n(all);
    if (n > CXM_COMPARE_NET_EXACT_MOST) {
        out->flags |= CXM_FLAG_ASYMPTOTIC;
        return CXM_OK;
    }
    double *const logs = cxm_priv_alloc(allocator, (size_t)n + 3, sizeof(double));
    if (logs == NULL)
        return CXM_ENOMEM;
    double *const choose_p = logs + (size_t)all.detractors + 1;
    double *const choose_r = choose_p + (size_t)all.passives + 1;
    for (size_t k = 0; k <= (size_t)all.detractors; k++)
        logs[k] = log_choose(all.detractors, (double)k);
    for (size_t k = 0; k <= (size_t)all.passives; k++)
        choose_p[k] = log_choose(all.passives, (double)k);
    for (size_t k = 0; k <= (size_t)all.promoters; k++)
        choose_r[k] = log_choose(all.promoters, (double)k);
    const struct tails tails = permutation_tails(all, cxm_priv_net_n(first),
                                                 first.promoters - first.detractors, logs,
                                                 choose_p, choose_r);
    out->p_value = tails.both;
    out->p_greater = drawn_a ? tails.greater : tails.less;
    out->p_less = drawn_a ? tails.less : tails.greater;
    cxm_priv_release(allocator, logs);
    return CXM_OK;
}
