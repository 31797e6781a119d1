/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loops of weighed.h, compiled once a variant. A step of the formula is one loop along the groups,
 * without a branch, so that it becomes a few vector instructions; each is the same operation on the same
 * numbers as in dd.h and exact.c, so the bits are the same, too.
 *
 * An exact sum becomes a double-double without integers of 128 bits: its digits are doubles, and as
 * they do not overlap, adding them from the top leaves at most three numbers (Dekker 1971). The
 * rounding to two is right unless the second is just half a unit of the first and the third is not
 * 0; such groups, hardly ever one, are marked slow. */
#ifndef CXM_SRC_WEIGHED_LOOPS_H
#define CXM_SRC_WEIGHED_LOOPS_H

#include "metric/weighed.h"

#define CXM_LOOP static inline __attribute__((always_inline))

enum { CXM_LANES_OF_ROWS = CXM_SCORE_ROWS };

struct cxm_pairs {
    double hi[CXM_LANES_OF_ROWS], lo[CXM_LANES_OF_ROWS];
};

/* ---- double-doubles, all finite --------------------------------------------------------- */

/* a b - p, p being a b rounded; without a fused operation in halves of 26 bits (Veltkamp). */
CXM_LOOP double product_rest(double a, double b, double p, bool fused)
{
    if (fused)
        return __builtin_fma(a, b, -p);
    const double split = 0x1p27 + 1;
    const double a_part = split * a, b_part = split * b;
    const double a_high = a_part - (a_part - a), b_high = b_part - (b_part - b);
    const double a_low = a - a_high, b_low = b - b_high;
    return ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low;
}

CXM_LOOP struct cxm_dd sum_of(struct cxm_dd a, struct cxm_dd b)
{
    struct cxm_dd s = cxm_priv_two_sum(a.hi, b.hi);
    const struct cxm_dd t = cxm_priv_two_sum(a.lo, b.lo);
    s = cxm_priv_quick_two_sum(s.hi, s.lo + t.hi);
    return cxm_priv_quick_two_sum(s.hi, s.lo + t.lo);
}

CXM_LOOP struct cxm_dd product_of(struct cxm_dd a, struct cxm_dd b, bool fused)
{
    const double p = a.hi * b.hi;
    const double rest = product_rest(a.hi, b.hi, p, fused);
    return cxm_priv_quick_two_sum(p, rest + (a.hi * b.lo + a.lo * b.hi));
}

CXM_LOOP struct cxm_dd minus(struct cxm_dd a)
{
    return (struct cxm_dd){ -a.hi, -a.lo };
}

CXM_LOOP struct cxm_dd quotient_of(struct cxm_dd a, struct cxm_dd b, bool fused)
{
    const double q1 = a.hi / b.hi;
    struct cxm_dd r = sum_of(a, minus(product_of(cxm_priv_dd(q1), b, fused)));
    const double q2 = r.hi / b.hi;
    r = sum_of(r, minus(product_of(cxm_priv_dd(q2), b, fused)));
    const double q3 = r.hi / b.hi;
    return sum_of(cxm_priv_quick_two_sum(q1, q2), cxm_priv_dd(q3));
}

CXM_LOOP struct cxm_dd pair_at(const struct cxm_pairs *p, int i)
{
    return (struct cxm_dd){ p->hi[i], p->lo[i] };
}

CXM_LOOP void set_pair(struct cxm_pairs *p, int i, struct cxm_dd x)
{
    p->hi[i] = x.hi;
    p->lo[i] = x.lo;
}

/* into += y x, y mostly being -1, 0 or 1. */
CXM_LOOP void add_times(struct cxm_pairs *into, const struct cxm_pairs *x, double y, bool fused)
{
    if (y == 0)
        return;
    if (y == 1 || y == -1) {
        for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
            set_pair(into, i, sum_of(pair_at(into, i), (struct cxm_dd){ y * x->hi[i], y * x->lo[i] }));
        return;
    }
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
        set_pair(into, i, sum_of(pair_at(into, i),
                                 product_of(pair_at(x, i), cxm_priv_dd(y), fused)));
}

/* ---- exact sums ------------------------------------------------------------------------- */

/* A whole number below 2^52. */
CXM_LOOP double real_of_whole(int64_t x)
{
    const uint64_t bits = (uint64_t)x | (uint64_t)0x433 << 52;
    double real;
    memcpy(&real, &bits, sizeof real);
    return real - 0x1p52;
}

/* The digits of sums: of a sum below 0 those of its magnitude, and its sign. */
struct cxm_digits {
    int64_t of[CXM_WEIGHED_LIMBS + 1][CXM_LANES_OF_ROWS];
    double sign[CXM_LANES_OF_ROWS];
};

CXM_LOOP void load_limbs(const struct cxm_weighing *w, uint32_t at, int32_t n, struct cxm_digits *d)
{
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        const int64_t *from = w->cells[i] + at;
        __builtin_prefetch(w->next[i] + at);
        for (int32_t k = 0; k < n; k++)
            d->of[k][i] = from[k];
    }
}

/* The last limb has two digits and the sign. Weights have none. */
CXM_LOOP void cut_limbs(struct cxm_digits *d, int32_t n, bool any_sign, int64_t *slow)
{
    int64_t carry[CXM_LANES_OF_ROWS];
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        const int64_t last = d->of[n - 1][i];
        carry[i] = (int64_t)((uint64_t)last >> 63);
        d->of[n - 1][i] = last & UINT32_MAX;
        d->of[n][i] = (int64_t)((uint64_t)last >> 32);
        d->sign[i] = any_sign && last < 0 ? -1 : 1;
        slow[i] |= any_sign ? 0 : carry[i];
    }
    for (int32_t k = 0; any_sign && k <= n; k++) {
        for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
            const int64_t flip = d->sign[i] < 0 ? UINT32_MAX : 0;
            const int64_t digit = (d->of[k][i] ^ flip) + carry[i];
            d->of[k][i] = digit & UINT32_MAX;
            carry[i] = digit >> 32;
        }
    }
}

/* Of n digits the five from the highest that is not 0, or the lowest; more than 128 bits are never needed.
 * They then count units that are as much larger. */
CXM_LOOP void keep_five(struct cxm_digits *d, int32_t n, double *unit)
{
    enum { TOP = CXM_WEIGHED_DIGITS - 1 };
    for (int32_t top = n - 1; top > TOP; top--) {
        int64_t any = 0;
        for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
            any |= d->of[top][i];
        for (int32_t k = 0; any != 0 && k < top; k++) {
            for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
                d->of[k][i] = d->of[top][i] != 0 ? d->of[k + 1][i] : d->of[k][i];
        }
        for (int i = 0; any != 0 && i < CXM_LANES_OF_ROWS; i++)
            unit[i] *= d->of[top][i] != 0 ? 0x1p32 : 1;
    }
    if (n <= TOP)
        return;
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) { /* what is below the first 128 bits is left out */
        uint64_t below = (uint64_t)d->of[TOP][i];
        below |= below >> 1;
        below |= below >> 2;
        below |= below >> 4;
        below |= below >> 8;
        below |= below >> 16;
        d->of[0][i] &= (int64_t)~below;
    }
}

/* Five digits, hi rounded to nearest and lo what is left, rounded once more. */
CXM_LOOP struct cxm_dd value_of(double d4, double d3, double d2, double d1, double d0, int64_t *slow)
{
    const struct cxm_dd top = cxm_priv_quick_two_sum(d4 * 0x1p128, d3 * 0x1p96);
    const struct cxm_dd a = cxm_priv_quick_two_sum(top.hi, top.lo + d2 * 0x1p64); /* exact */
    const struct cxm_dd b = cxm_priv_quick_two_sum(d1 * 0x1p32, d0);
    const struct cxm_dd middle = cxm_priv_quick_two_sum(a.lo, b.hi);
    const struct cxm_dd low = cxm_priv_two_sum(middle.lo, b.lo);
    const struct cxm_dd high = cxm_priv_quick_two_sum(a.hi, middle.hi);
    const struct cxm_dd rest = cxm_priv_two_sum(high.lo, low.hi);
    const struct cxm_dd value = cxm_priv_quick_two_sum(high.hi, rest.hi);
    const double twice = 2 * value.lo;
    *slow |= (int64_t)(low.lo != 0)
           | ((int64_t)(rest.lo != 0) & (int64_t)((value.hi + twice) - value.hi == twice));
    return (struct cxm_dd){ value.hi, value.lo + rest.lo };
}

/* The values of n + 1 digits, the first of them that of 2^(32 lo). */
CXM_LOOP void values_of(struct cxm_digits *d, struct cxm_window window, struct cxm_pairs *out,
                        int64_t *slow)
{
    double unit[CXM_LANES_OF_ROWS], real[CXM_WEIGHED_DIGITS][CXM_LANES_OF_ROWS];
    const double lowest = ldexp(1, 32 * window.lo);
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
        unit[i] = d->sign[i] * lowest;
    keep_five(d, window.n + 1, unit);
    for (int32_t k = 0; k < CXM_WEIGHED_DIGITS; k++) {
        for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
            real[k][i] = k <= window.n ? real_of_whole(d->of[k][i]) : 0;
    }
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        int64_t odd = 0;
        const struct cxm_dd value = value_of(real[4][i], real[3][i], real[2][i], real[1][i],
                                             real[0][i], &odd);
        slow[i] |= odd;
        out->hi[i] = value.hi * unit[i];
        out->lo[i] = value.lo * unit[i];
    }
}

CXM_LOOP void read_sums(const struct cxm_weighing *w, uint32_t sum, bool any_sign,
                        struct cxm_pairs *out, int64_t *slow)
{
    const struct cxm_window window = w->windows[sum];
    struct cxm_digits d;
    if (window.n == 0) {
        memset(out, 0, sizeof *out);
        return;
    }
    load_limbs(w, w->at[sum], window.n, &d);
    cut_limbs(&d, window.n, any_sign, slow);
    values_of(&d, window, out, slow);
}

/* ---- runs of bins ----------------------------------------------------------------------- */

/* Of a run, or of all bins: not carried. */
struct cxm_limbs {
    int64_t of[CXM_WEIGHED_LIMBS][CXM_LANES_OF_ROWS];
};

/* The digits of the weights of all bins and of their squares. `stride` is not 0 where those of every bin are
 * the same: then each is so many limbs behind the one before. */
struct cxm_reach {
    struct cxm_window of[2];
    uint32_t stride;
};

CXM_LOOP struct cxm_reach reach_of(const struct cxm_weighing *w)
{
    struct cxm_reach r = { { cxm_priv_weighed_window(w, 0), cxm_priv_weighed_window(w, 1) }, 0 };
    const uint32_t stride = (uint32_t)(r.of[0].n + r.of[1].n);
    bool alike = stride >= 4;
    for (uint32_t s = 0; s < 2 * w->bins; s++)
        alike = alike && w->windows[s].n == r.of[s % 2].n
             && w->at[s] == w->at[0] + s / 2 * stride + (uint32_t)(s % 2 == 0 ? 0 : r.of[0].n);
    r.stride = alike ? stride : 0;
    return r;
}

enum { CXM_LIMBS_OF_BIN = 2 * CXM_WEIGHED_LIMBS };

/* Four limbs at a time, the last four perhaps a second time. */
CXM_LOOP void add_alike(const int64_t *from, uint32_t bins, uint32_t stride, int64_t *into)
{
    typedef int64_t four __attribute__((vector_size(4 * sizeof(int64_t))));
    for (uint32_t k = 0; k < stride; k += 4) {
        const uint32_t at = k + 4 <= stride ? k : stride - 4;
        four sum = { 0, 0, 0, 0 }, limbs;
        for (uint32_t b = 0; b < bins; b++) {
            memcpy(&limbs, from + b * stride + at, sizeof limbs);
            sum += limbs;
        }
        memcpy(into + at, &sum, sizeof sum);
    }
}

/* Limbs that are carried are below 2^32, so that those of all bins have room; a last one may be too large. */
CXM_LOOP int64_t add_apart(const struct cxm_weighing *w, const int64_t *cell, uint32_t b, uint32_t end,
                           const struct cxm_reach *reach, int64_t *into)
{
    int64_t large = 0;
    memset(into, 0, CXM_LIMBS_OF_BIN * sizeof *into);
    for (uint32_t s = 2 * b; s < 2 * end; s++) {
        const struct cxm_window window = w->windows[s];
        if (window.n == 0)
            continue;
        const int64_t *from = cell + w->at[s];
        int64_t *to = into + (s % 2 == 0 ? 0 : reach->of[0].n) + (window.lo - reach->of[s % 2].lo);
        for (int32_t k = 0; k < window.n; k++)
            to[k] += from[k];
        large |= from[window.n - 1];
    }
    return large;
}

/* The sums of the bins b … end - 1 of all groups. Weights have no sign. */
CXM_LOOP void read_run(const struct cxm_weighing *w, uint32_t b, uint32_t end,
                       const struct cxm_reach *reach, struct cxm_limbs out[2], int64_t *slow)
{
    enum { MOST_BITS = 52, LINE = 8 };
    const int32_t n = reach->of[0].n, n2 = reach->of[1].n;
    const uint32_t first = w->at[2 * b], last = w->at[2 * end - 1] + (uint32_t)w->windows[2 * end - 1].n;
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        int64_t limbs[CXM_LIMBS_OF_BIN], large = 0;
        for (uint32_t k = first; k < last; k += LINE)
            __builtin_prefetch(w->next[i] + k);
        if (reach->stride != 0)
            add_alike(w->cells[i] + first, end - b, reach->stride, limbs);
        else
            large = add_apart(w, w->cells[i], b, end, reach, limbs);
        for (int32_t k = 0; k < n; k++)
            out[0].of[k][i] = limbs[k];
        for (int32_t k = 0; k < n2; k++)
            out[1].of[k][i] = limbs[n + k];
        large |= n > 0 ? limbs[n - 1] | limbs[n + n2 - 1] : 0;
        slow[i] |= (int64_t)((uint64_t)large >> MOST_BITS);
    }
}

CXM_LOOP void add_all(struct cxm_limbs *into, const struct cxm_limbs *run, int32_t n)
{
    for (int32_t k = 0; k < n; k++) {
        for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
            into->of[k][i] += run->of[k][i];
    }
}

CXM_LOOP void value_of_limbs(const struct cxm_limbs *limbs, struct cxm_window window,
                             struct cxm_pairs *out, int64_t *slow)
{
    struct cxm_digits d;
    uint64_t carry[CXM_LANES_OF_ROWS] = { 0 };
    if (window.n == 0) {
        memset(out, 0, sizeof *out);
        return;
    }
    for (int32_t k = 0; k < window.n; k++) {
        for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
            const uint64_t limb = (uint64_t)limbs->of[k][i] + carry[i];
            d.of[k][i] = (int64_t)(limb & UINT32_MAX);
            carry[i] = limb >> 32;
        }
    }
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        d.of[window.n][i] = (int64_t)carry[i];
        d.sign[i] = 1;
    }
    values_of(&d, window, out, slow);
}

/* ---- means of y ------------------------------------------------------------------------- */

/* (y - mean)^2, 0 where only the rounding of the mean is left. */
CXM_LOOP void squares_of(const struct cxm_pairs *mean, double y, struct cxm_pairs *out, bool fused)
{
    const double least = fabs(y) * 0x1p-98;
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        struct cxm_dd d = sum_of(cxm_priv_dd(y), minus(pair_at(mean, i)));
        const double keep = fabs(d.hi) <= least ? 0 : 1;
        d = (struct cxm_dd){ d.hi * keep, d.lo * keep };
        set_pair(out, i, product_of(d, d, fused));
    }
}

CXM_LOOP void cxm_weigh_loop(const struct cxm_weighing *w, struct cxm_weighed *out, bool fused)
{
    const struct cxm_reach reach = reach_of(w);
    struct cxm_limbs all[2] = { { { { 0 } } } }, run[2];
    struct cxm_pairs squared[CXM_WEIGHED_BINS]; /* weights of a run */
    struct cxm_pairs sum = { { 0 }, { 0 } }, scatter = sum, weight, weight2, mean, square, one;
    uint32_t runs = 0;
    double y[CXM_WEIGHED_BINS];
    memset(out->counts, 0, sizeof out->counts);
    memset(out->slow, 0, sizeof out->slow);
    for (uint32_t b = 0, end; b < w->bins; b = end, runs++) {
        y[runs] = w->y[b];
        double *counts = out->counts[y[runs] < 0 ? 0 : y[runs] > 0 ? 2 : 1];
        end = cxm_priv_run_end(w->y, b, w->bins);
        read_run(w, b, end, &reach, run, out->slow);
        add_all(&all[0], &run[0], reach.of[0].n);
        add_all(&all[1], &run[1], reach.of[1].n);
        value_of_limbs(&run[0], reach.of[0], &one, out->slow);
        value_of_limbs(&run[1], reach.of[1], &squared[runs], out->slow);
        add_times(&sum, &one, y[runs], fused);
        for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
            counts[i] += one.hi[i];
    }
    value_of_limbs(&all[0], reach.of[0], &weight, out->slow);
    value_of_limbs(&all[1], reach.of[1], &weight2, out->slow);
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
        set_pair(&mean, i, quotient_of(pair_at(&sum, i), pair_at(&weight, i), fused));
    for (uint32_t r = 0; r < runs; r++) {
        squares_of(&mean, y[r], &square, fused);
        for (int i = 0; i < CXM_LANES_OF_ROWS; i++)
            set_pair(&scatter, i, sum_of(pair_at(&scatter, i),
                                         product_of(pair_at(&squared[r], i), pair_at(&square, i), fused)));
    }
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        const struct cxm_dd total = pair_at(&weight, i), whole = product_of(total, total, fused);
        out->weight[i] = total.hi;
        out->mean[i] = mean.hi[i];
        out->scatter[i] = quotient_of(pair_at(&scatter, i), whole, fused).hi;
        out->n_eff[i] = quotient_of(whole, pair_at(&weight2, i), fused).hi;
        out->slow[i] |= (int64_t)!(total.hi > 0) | (int64_t)!(weight2.hi[i] > 0);
    }
}

/* ---- means of a variable ----------------------------------------------------------------- */

/* Without weights: they are counted. */
CXM_LOOP void count_weights(const struct cxm_averaging *a, struct cxm_pairs *out, int64_t *slow)
{
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        const int64_t n = a->sums.cells[i][a->counts_at];
        slow[i] |= (int64_t)((uint64_t)n >> 52);
        set_pair(out, i, cxm_priv_dd(real_of_whole(n & (((int64_t)1 << 52) - 1))));
    }
}

/* sum (v - c w)^2 = sum v^2 - 2 c sum w v + c^2 sum w^2, v = w x; nothing where only the rounding of terms
 * that cancel is left. */
CXM_LOOP double scatter_of(struct cxm_dd c, struct cxm_dd weight, struct cxm_dd weight2,
                           struct cxm_dd across, struct cxm_dd squares, bool fused)
{
    struct cxm_dd sum = product_of(product_of(c, c, fused), weight2, fused);
    const double size = sum.hi + fabs(squares.hi);
    const struct cxm_dd part = product_of(c, across, fused);
    sum = sum_of(sum, minus((struct cxm_dd){ 2 * part.hi, 2 * part.lo }));
    sum = sum_of(sum, squares);
    const bool any = sum.hi > size * 0x1p-98;
    sum = (struct cxm_dd){ any ? sum.hi : 0, any ? sum.lo : 0 };
    return quotient_of(sum, product_of(weight, weight, fused), fused).hi;
}

/* As cxm_priv_estimate_form of the variable itself. */
CXM_LOOP void cxm_average_loop(const struct cxm_averaging *a, struct cxm_weighed *out, bool fused)
{
    const struct cxm_weighing *w = &a->sums;
    struct cxm_pairs weight, weight2, sum, across, squares;
    memset(out->slow, 0, sizeof out->slow);
    if (a->weighted) { /* sums of w, w^2, w x, v, w v, v^2 */
        read_sums(w, 0, false, &weight, out->slow);
        read_sums(w, 1, false, &weight2, out->slow);
        read_sums(w, 2, true, &sum, out->slow);
        read_sums(w, 4, true, &across, out->slow);
        read_sums(w, 5, false, &squares, out->slow);
    } else {
        count_weights(a, &weight, out->slow);
        read_sums(w, 0, true, &sum, out->slow);
        read_sums(w, 1, false, &squares, out->slow);
        weight2 = weight;
        across = sum;
    }
    for (int i = 0; i < CXM_LANES_OF_ROWS; i++) {
        const struct cxm_dd all = pair_at(&weight, i), all2 = pair_at(&weight2, i);
        const struct cxm_dd mean = quotient_of(pair_at(&sum, i), all, fused);
        out->weight[i] = all.hi;
        out->mean[i] = mean.hi;
        out->scatter[i] = scatter_of(mean, all, all2, pair_at(&across, i), pair_at(&squares, i), fused);
        out->n_eff[i] = quotient_of(product_of(all, all, fused), all2, fused).hi;
        out->slow[i] |= (int64_t)!(all.hi > 0) | (int64_t)!(all2.hi > 0)
                      | (int64_t)!(out->scatter[i] < INFINITY);
    }
}

#endif
