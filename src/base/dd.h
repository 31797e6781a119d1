/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Double-double arithmetic (Dekker 1971; Hida, Li and Bailey 2001, "accurate" variants):
 * relative error of an operation below 2^-102. Needs strict IEEE doubles without contraction,
 * which the build enforces.
 *
 * In the header: the rows of weighted estimates are made of little else. */
#ifndef CXM_SRC_DD_H
#define CXM_SRC_DD_H

#include <math.h>
#include <stdint.h>

/* An unevaluated sum hi + lo, |lo| <= ulp(hi)/2: about 106 bits. Exact sums come out of a
 * tally in this form, so that differences of large moments keep their digits. */
struct cxm_dd {
    double hi, lo;
};

static inline struct cxm_dd cxm_priv_dd(double x)
{
    return (struct cxm_dd){ x, 0.0 };
}

struct cxm_dd cxm_priv_dd_int(int64_t x);

static inline struct cxm_dd cxm_priv_quick_two_sum(double a, double b)
{
    const double s = a + b;
    return (struct cxm_dd){ s, b - (s - a) };
}

static inline struct cxm_dd cxm_priv_two_sum(double a, double b)
{
    const double s = a + b;
    const double t = s - a;
    return (struct cxm_dd){ s, (a - (s - t)) + (b - t) };
}

/* fma is exact; with infinities the low part would be NaN, so it is dropped. */
static inline struct cxm_dd cxm_priv_two_prod(double a, double b)
{
    const double p = a * b;
    return (struct cxm_dd){ p, isfinite(p) ? fma(a, b, -p) : 0.0 };
}

/* a b - c d with one rounding error (Kahan; Jeannerod, Louvet & Muller 2013). */
static inline double cxm_priv_difference_of_products(double a, double b, double c, double d)
{
    const double cd = c * d;
    const double error = fma(-c, d, cd);
    return fma(a, b, -cd) + error;
}

static inline struct cxm_dd cxm_priv_dd_add(struct cxm_dd a, struct cxm_dd b)
{
    struct cxm_dd s = cxm_priv_two_sum(a.hi, b.hi);
    const struct cxm_dd t = cxm_priv_two_sum(a.lo, b.lo);
    if (!isfinite(s.hi))
        return cxm_priv_dd(s.hi);
    s = cxm_priv_quick_two_sum(s.hi, s.lo + t.hi);
    return cxm_priv_quick_two_sum(s.hi, s.lo + t.lo);
}

static inline struct cxm_dd cxm_priv_dd_sub(struct cxm_dd a, struct cxm_dd b)
{
    return cxm_priv_dd_add(a, (struct cxm_dd){ -b.hi, -b.lo });
}

static inline struct cxm_dd cxm_priv_dd_mul(struct cxm_dd a, struct cxm_dd b)
{
    const struct cxm_dd p = cxm_priv_two_prod(a.hi, b.hi);
    if (!isfinite(p.hi))
        return cxm_priv_dd(p.hi);
    return cxm_priv_quick_two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline struct cxm_dd cxm_priv_dd_div(struct cxm_dd a, struct cxm_dd b)
{
    const double q1 = a.hi / b.hi;
    if (!isfinite(q1) || q1 == 0)
        return cxm_priv_dd(q1);
    struct cxm_dd r = cxm_priv_dd_sub(a, cxm_priv_dd_mul(cxm_priv_dd(q1), b));
    const double q2 = r.hi / b.hi;
    r = cxm_priv_dd_sub(r, cxm_priv_dd_mul(cxm_priv_dd(q2), b));
    const double q3 = r.hi / b.hi;
    const struct cxm_dd q = cxm_priv_quick_two_sum(q1, q2);
    return cxm_priv_dd_add(q, cxm_priv_dd(q3));
}

#endif
