/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Change points: where a series in time order splits best in two, and by binary segmentation in
 * more. Typically 12 to 10^4 points; a split is linear in them (ranks: sorted once a stretch),
 * a Monte Carlo p as many times that as there are permutations.
 *
 *   MEAN        B = max_k S_k^2/k + (S - S_k)^2/(n - k) - S^2/n of values about their mean;
 *               supF = B / ((RSS0 - B) / (n - 2)), gain = n ln(RSS0 / (RSS0 - B)) of the series
 *   PETTITT     K = max_k |2 (r_1 + … + r_k) - k (n + 1)| of mid-ranks (Pettitt 1979), whole
 *               numbers; p = 2 exp(-6 K^2 / (n^3 + n^2))
 *   PROPORTION  LR = 2 (l(left) + l(right) - l(all)), l the binomial log likelihood: the sum of
 *               2 (o ln(o / e) - o + e) of the successes and failures of both sides
 *   RATE        the same of the events, with the Poisson log likelihood
 *
 * A split is kept when it gains more than 2 ln n: two parameters of the BIC. Bai and Perron
 * 1998; Scott and Knott 1974 for the segmentation. The p of a supF is not that of an F: it comes
 * from permuting the stretch, for shares from multivariate hypergeometric draws, for rates from
 * multinomial ones (the events of the stretch fall anywhere in its exposure). */
#include "base/random.h"
#include "estimate/beta.h"
#include "estimate/chart.h"

#include <math.h>
#include <stdlib.h>

/* Statistics that are this close, relatively, are ties: rounding must not decide a p. */
#define TIE 1e-12
/* All orders of so many points are gone through: 40320, and the p is exact. */
enum { ALL_ORDERS = 8 };

struct series {
    const struct cxm_change_setup *setup;
    const double *values, *sizes;
    size_t n;
    double *work;    /* n: a permutation of a stretch */
    double *sorted;  /* n */
    double *ranks;   /* n: twice the mid-ranks of a stretch; MEAN: the values, scaled */
    double rss;      /* MEAN: what the accepted splits leave */
};

/* Are the values counts, of sizes? */
static bool of_sizes(const struct series *s)
{
    return s->setup->method == CXM_CHANGE_PROPORTION || s->setup->method == CXM_CHANGE_RATE;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- the best split of a stretch ------------------------------------------------------ */

struct best {
    size_t at;        /* length of the left part, 0: none */
    double statistic; /* B, K or LR */
};

static double mean_of(const double *x, size_t n)
{
    struct cxm_dd sum = { 0.0, 0.0 };
    for (size_t i = 0; i < n; i++)
        sum = cxm_priv_dd_add(sum, cxm_priv_dd(x[i]));
    return n > 0 ? cxm_priv_dd_div(sum, cxm_priv_dd_int((int64_t)n)).hi : NAN;
}

/* About the mean, of which `centre` is what a double can hold. */
static double squares_about(const double *x, size_t n, double centre)
{
    struct cxm_dd sum = { 0.0, 0.0 }, squares = { 0.0, 0.0 };
    for (size_t i = 0; i < n; i++) {
        const double gap = x[i] - centre;
        sum = cxm_priv_dd_add(sum, cxm_priv_dd(gap));
        squares = cxm_priv_dd_add(squares, cxm_priv_dd(gap * gap));
    }
    return fmax(0.0, squares.hi - sum.hi * sum.hi / (double)n);
}

static struct best best_mean(const double *x, size_t n)
{
    const double centre = mean_of(x, n);
    struct best best = { 0, 0.0 };
    struct cxm_dd total = { 0.0, 0.0 }, left = { 0.0, 0.0 };
    for (size_t i = 0; i < n; i++)
        total = cxm_priv_dd_add(total, cxm_priv_dd(x[i] - centre));
    for (size_t k = 1; k < n; k++) {
        left = cxm_priv_dd_add(left, cxm_priv_dd(x[k - 1] - centre));
        const double l = left.hi, r = cxm_priv_dd_sub(total, left).hi;
        const double between = l * l / (double)k + r * r / (double)(n - k)
                             - total.hi * total.hi / (double)n;
        if (between > best.statistic * (1.0 + TIE)) /* of equal splits the first, of decimals too */
            best = (struct best){ k, between };
    }
    return best;
}

/* Of twice the mid-ranks: sums of whole numbers below 2^53. */
static struct best best_rank(const double *ranks, size_t n)
{
    struct best best = { 0, 0.0 };
    double u = 0.0;
    for (size_t k = 1; k < n; k++) {
        u += ranks[k - 1] - (double)(n + 1);
        if (fabs(u) > best.statistic)
            best = (struct best){ k, fabs(u) };
    }
    return best;
}

/* o ln(o / e) - o + e >= 0, gap = o - e: as differences of logarithms, large counts that are nearly as
 * expected would leave rounding only. */
static double deviance(double observed, double expected, double gap)
{
    if (!(observed > 0.0))
        return expected;
    const double u = -gap / observed;
    return -observed * (u < -0.5 ? log(expected / observed) - u : cxm_priv_log1pmx(u));
}

/* Half of what k of n add to LR where all_k of all_n are expected, gap = k - n all_k / all_n: of
 * events in exposure (`rate`), or of successes and failures. */
static double side(bool rate, double k, double n, double all_k, double all_n, double gap)
{
    const double events = deviance(k, n * (all_k / all_n), gap);
    return rate ? events : events + deviance(n - k, n * ((all_n - all_k) / all_n), -gap);
}

/* Of counts of sizes: whole trials, or (`rate`) exposures. The gaps of both sides add up to 0. Sizes
 * are summed in two doubles: what is left of 10^16 and 1 is 1, not 0. */
static struct best best_share(bool rate, const double *k, const double *size, size_t n)
{
    double all_k = 0.0, left_k = 0.0;
    struct cxm_dd sizes = { 0, 0 }, left_sizes = { 0, 0 };
    for (size_t i = 0; i < n; i++) {
        all_k += k[i];
        sizes = cxm_priv_dd_add(sizes, cxm_priv_dd(size[i]));
    }
    const double all_n = sizes.hi;
    struct best best = { 0, 0.0 };
    if (all_k == 0.0 || (!rate && all_k == all_n))
        return best;
    for (size_t i = 1; i < n; i++) {
        left_k += k[i - 1];
        left_sizes = cxm_priv_dd_add(left_sizes, cxm_priv_dd(size[i - 1]));
        const double left_n = left_sizes.hi;
        const double right_n = fmax(cxm_priv_dd_sub(sizes, left_sizes).hi, size[n - 1]);
        const double gap =
            cxm_priv_difference_of_products(left_k, all_n, left_n, all_k) / all_n;
        const double lr = 2.0 * (side(rate, left_k, left_n, all_k, all_n, gap)
                                 + side(rate, all_k - left_k, right_n, all_k, all_n, -gap));
        if (lr > best.statistic * (1.0 + TIE))
            best = (struct best){ i, lr };
    }
    return best;
}

static struct best best_of(const struct series *s, const double *x, size_t first, size_t n)
{
    switch (s->setup->method) {
    case CXM_CHANGE_MEAN: return best_mean(x, n);
    case CXM_CHANGE_PETTITT: return best_rank(x, n);
    case CXM_CHANGE_RATE: return best_share(true, x, s->sizes + first, n);
    default: return best_share(false, x, s->sizes + first, n);
    }
}

/* Twice the mid-ranks of a stretch: below + not above + 1. */
static void rank_stretch(const struct series *s, size_t first, size_t n)
{
    memcpy(s->sorted, s->values + first, n * sizeof *s->sorted);
    qsort(s->sorted, n, sizeof *s->sorted, by_value);
    for (size_t i = 0; i < n; i++) {
        const double x = s->values[first + i];
        size_t below = 0, within = n;
        for (size_t high = n; below < high;) {
            const size_t middle = below + (high - below) / 2;
            if (s->sorted[middle] < x)
                below = middle + 1;
            else
                high = middle;
        }
        for (size_t low = below; low < within;) {
            const size_t middle = low + (within - low) / 2;
            if (s->sorted[middle] <= x)
                low = middle + 1;
            else
                within = middle;
        }
        s->ranks[i] = (double)(below + within + 1);
    }
}

/* ---- p values from orders ------------------------------------------------------------- */

static bool as_large(double statistic, double observed)
{
    return statistic >= observed * (1.0 - TIE);
}

/* Every order of x once (Heap 1963, not recursive): the share that is as extreme. */
static double exact_p(const struct series *s, double *x, size_t first, size_t n,
                      double observed)
{
    size_t counter[ALL_ORDERS] = { 0 };
    int64_t hits = as_large(best_of(s, x, first, n).statistic, observed), orders = 1;
    for (size_t i = 1; i < n;) {
        if (counter[i] >= i) {
            counter[i++] = 0;
            continue;
        }
        const size_t with = i % 2 == 0 ? 0 : counter[i];
        const double swap = x[with];
        x[with] = x[i];
        x[i] = swap;
        hits += as_large(best_of(s, x, first, n).statistic, observed);
        orders++;
        counter[i]++;
        i = 1;
    }
    return (double)hits / (double)orders;
}

static double log_choose(double n, double k)
{
    return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
}

/* A distribution on low … high by the ratio of neighbours, P(k + 1) / P(k). */
struct outcomes {
    double low, mode, high, top; /* top = P(mode) */
    double (*ratio)(const double *parameters, double k);
    double parameters[3];
};

/* A draw by inversion, outwards from the mode: it costs about a standard deviation. */
static double draw(struct cxm_random *random, const struct outcomes *o)
{
    double left = cxm_priv_random_share(random) - o->top;
    double up = o->mode, down = o->mode, p_up = o->top, p_down = o->top;
    while (left > 0.0 && (up < o->high || down > o->low)) {
        if (up < o->high) {
            p_up *= o->ratio(o->parameters, up);
            up += 1.0;
            left -= p_up;
            if (left <= 0.0)
                return up;
        }
        if (down > o->low) {
            down -= 1.0;
            p_down /= o->ratio(o->parameters, down);
            left -= p_down;
            if (left <= 0.0)
                return down;
        }
    }
    return o->mode;
}

static double hypergeometric_ratio(const double *p, double k)
{
    const double draws = p[0], marked = p[1], all = p[2];
    return (marked - k) * (draws - k) / ((k + 1.0) * (all - marked - draws + k + 1.0));
}

/* How many of `draws` taken from `all` are among the `marked`. */
static double hypergeometric(struct cxm_random *random, double draws, double marked, double all)
{
    const double low = fmax(0.0, draws - (all - marked)), high = fmin(draws, marked);
    const double mode =
        fmin(high, fmax(low, floor((draws + 1.0) * (marked + 1.0) / (all + 2.0))));
    const double top = exp(log_choose(marked, mode) + log_choose(all - marked, draws - mode)
                           - log_choose(all, draws));
    const struct outcomes o = { low, mode, high, top, hypergeometric_ratio,
                                { draws, marked, all } };
    return draw(random, &o);
}

static double binomial_ratio(const double *p, double k)
{
    return (p[0] - k) / (k + 1.0) * p[1];
}

/* How many of n events fall into a part `share` of the exposure. */
static double binomial(struct cxm_random *random, double n, double share)
{
    if (share >= 1.0 || n == 0.0)
        return n;
    const double mode = fmin(n, floor((n + 1.0) * share));
    const double top = exp(log_choose(n, mode) + mode * log(share) + (n - mode) * log1p(-share));
    const struct outcomes o = { 0.0, mode, n, top, binomial_ratio,
                                { n, share / (1.0 - share) } };
    return draw(random, &o);
}

/* The successes of a stretch dealt out anew, every order of all its trials equally likely; of a
 * rate, every event equally likely at any time of the exposure. */
static void deal(struct cxm_random *random, bool rate, const double *sizes,
                 const double *observed, size_t n, double *out)
{
    double marked = 0.0;
    struct cxm_dd all = { 0, 0 };
    for (size_t i = 0; i < n; i++) {
        marked += observed[i];
        all = cxm_priv_dd_add(all, cxm_priv_dd(sizes[i]));
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = rate ? binomial(random, marked, i + 1 < n && all.hi > 0 ? sizes[i] / all.hi : 1.0)
                      : hypergeometric(random, sizes[i], marked, all.hi);
        marked -= out[i];
        all = cxm_priv_dd_sub(all, cxm_priv_dd(sizes[i]));
    }
}

static double monte_carlo_p(const struct series *s, size_t first, size_t n, double observed)
{
    const bool rate = s->setup->method == CXM_CHANGE_RATE;
    const bool counts = of_sizes(s);
    struct cxm_random random;
    cxm_priv_random_init(&random, s->setup->seed);
    int64_t hits = 0;
    for (int64_t i = 0; i < s->setup->permutations; i++) {
        if (counts)
            deal(&random, rate, s->sizes + first, s->values + first, n, s->work);
        else
            cxm_priv_random_shuffle(&random, s->work, n);
        hits += as_large(best_of(s, s->work, first, n).statistic, observed);
    }
    return (double)(hits + 1) / (double)(s->setup->permutations + 1);
}

static double order_p(const struct series *s, const double *x, size_t first, size_t n,
                      double observed)
{
    memcpy(s->work, x, n * sizeof *x);
    if (n <= ALL_ORDERS && !of_sizes(s))
        return exact_p(s, s->work, first, n, observed);
    return monte_carlo_p(s, first, n, observed);
}

/* ---- segmentation --------------------------------------------------------------------- */

static double pooled(const struct series *s, size_t first, size_t last)
{
    if (!of_sizes(s))
        return mean_of(s->values + first, last - first);
    double k = 0.0, n = 0.0;
    for (size_t i = first; i < last; i++) {
        k += s->values[i];
        n += s->sizes[i];
    }
    return k / n;
}

/* supF of a split that takes `between` from the squares of the stretch. */
static double sup_f(const struct series *s, size_t first, size_t n, size_t at, double between)
{
    const double *x = s->values + first;
    const double rss = squares_about(x, at, mean_of(x, at))
                     + squares_about(x + at, n - at, mean_of(x + at, n - at));
    return between / (rss / (double)(n - 2));
}

static struct cxm_split split_stretch(const struct series *s, size_t first, size_t last)
{
    const size_t n = last - first;
    const double size = (double)n;
    struct cxm_split out = { first, last, first, 0.0, 0.0, NAN, NAN, NAN, false };
    const bool ranked = s->setup->method == CXM_CHANGE_PETTITT;
    if (ranked)
        rank_stretch(s, first, n);
    const double *x = ranked ? s->ranks : s->values + first;
    const struct best best = best_of(s, x, first, n);
    out.p = 1.0; /* all equal: no split is better than another */
    if (best.at == 0)
        return out;
    out.at = first + best.at;
    out.before = pooled(s, first, out.at);
    out.after = pooled(s, out.at, last);
    out.statistic = out.gain = best.statistic;
    out.p = ranked ? fmin(1.0, 2.0 * exp(-6.0 * best.statistic * best.statistic
                                         / (size * size * (size + 1.0))))
                   : NAN;
    if (s->setup->method == CXM_CHANGE_MEAN)
        out.statistic = sup_f(s, first, n, best.at, best.statistic);
    if (s->setup->permutations > 0)
        out.p = order_p(s, x, first, n, best.statistic);
    return out;
}

/* Is the best split of a stretch worth it? Sets its gain. */
static bool worth(const struct series *s, struct cxm_split *split)
{
    const double n = (double)s->n;
    const double penalty = isnan(s->setup->penalty) ? 2.0 * log(n) : s->setup->penalty;
    if (split->at == split->first)
        return false;
    if (s->setup->method == CXM_CHANGE_PETTITT)
        return split->p < 1.0 - s->setup->level;
    if (s->setup->method == CXM_CHANGE_MEAN) {
        /* Differences of rounding are no squares: what is left of them is all explained. */
        const double rest = s->rss - split->gain;
        return (rest <= s->rss * 1e-14 ? INFINITY : n * log(s->rss / rest)) > penalty;
    }
    return split->gain > penalty;
}

static int by_place(const void *a, const void *b)
{
    const size_t x = ((const struct cxm_split *)a)->at, y = ((const struct cxm_split *)b)->at;
    return (x > y) - (x < y);
}

static bool better(const struct series *s, const struct cxm_split *a, const struct cxm_split *b)
{
    return s->setup->method == CXM_CHANGE_PETTITT ? a->p < b->p : a->gain > b->gain;
}

/* The open stretches are kept behind the accepted splits; the best of them is taken while it is
 * worth it, and leaves its two parts behind. */
static size_t segment(struct series *s, struct cxm_split *splits)
{
    size_t accepted = 0, open = 1;
    while (open > 0) {
        struct cxm_split *best = &splits[accepted];
        for (size_t i = accepted + 1; i < accepted + open; i++)
            if (better(s, &splits[i], best))
                best = &splits[i];
        if (!worth(s, best))
            break;
        struct cxm_split taken = *best;
        *best = splits[accepted + --open];
        for (size_t i = accepted + open; i > accepted; i--)
            splits[i] = splits[i - 1];
        s->rss = fmax(0.0, s->rss - taken.gain);
        taken.accepted = true;
        splits[accepted++] = taken;
        if (taken.at - taken.first > 1)
            splits[accepted + open++] = split_stretch(s, taken.first, taken.at);
        if (taken.last - taken.at > 1)
            splits[accepted + open++] = split_stretch(s, taken.at, taken.last);
    }
    qsort(splits, accepted, sizeof *splits, by_place);
    return accepted;
}

/* The values over a power of two, so that no square leaves the range of doubles. */
static int scale_values(const double *values, size_t n, double *out)
{
    int exponent;
    double most = 0.0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(values[i]));
    frexp(most, &exponent);
    for (size_t i = 0; i < n; i++)
        out[i] = ldexp(values[i], -exponent);
    return exponent;
}

enum cxm_status cxm_priv_change_points(const struct cxm_change_setup *setup,
                                       const double *values, const double *sizes, size_t n,
                                       const struct cxm_allocator *allocator,
                                       struct cxm_split *splits, size_t *n_splits)
{
    double *memory = cxm_priv_alloc(allocator, 3 * n, sizeof *memory);
    if (memory == NULL)
        return CXM_ENOMEM;
    struct series s = { setup, values, sizes, n, memory, memory + n, memory + 2 * n, 0.0 };
    const bool mean = setup->method == CXM_CHANGE_MEAN;
    int exponent = 0;
    if (mean) { /* which needs no ranks */
        exponent = scale_values(values, n, s.ranks);
        s.values = s.ranks;
        s.rss = squares_about(s.values, n, mean_of(s.values, n));
    }
    splits[0] = split_stretch(&s, 0, n);
    if (setup->several) {
        *n_splits = segment(&s, splits);
    } else {
        splits[0].accepted = worth(&s, &splits[0]);
        *n_splits = 1;
    }
    for (size_t i = 0; mean && i < *n_splits; i++) {
        splits[i].before = ldexp(splits[i].before, exponent);
        splits[i].after = ldexp(splits[i].after, exponent);
    }
    cxm_priv_release(allocator, memory);
    return CXM_OK;
}
