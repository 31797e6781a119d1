/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Double-double arithmetic (Dekker 1971; Hida, Li and Bailey 2001, "accurate" variants):
 * relative error of an operation below 2^-102. Needs strict IEEE doubles without contraction,
 * which the build enforces. */
#include "base/base.h"

#include <math.h>

static struct cxm_dd quick_two_sum(double a, double b)
{
    const double s = a + b;
    return (struct cxm_dd){ s, b - (s - a) };
}

static struct cxm_dd two_sum(double a, double b)
{
    const double s = a + b;
    const double t = s - a;
    return (struct cxm_dd){ s, (a - (s - t)) + (b - t) };
}

/* fma is exact; with infinities the low part would be NaN, so it is dropped. */
static struct cxm_dd two_prod(double a, double b)
{
    const double p = a * b;
    return (struct cxm_dd){ p, isfinite(p) ? fma(a, b, -p) : 0.0 };
}

struct cxm_dd cxm_priv_dd_add(struct cxm_dd a, struct cxm_dd b)
{
    struct cxm_dd s = two_sum(a.hi, b.hi);
    const struct cxm_dd t = two_sum(a.lo, b.lo);
    if (!isfinite(s.hi))
        return cxm_priv_dd(s.hi);
    s = quick_two_sum(s.hi, s.lo + t.hi);
    return quick_two_sum(s.hi, s.lo + t.lo);
}

struct cxm_dd cxm_priv_dd_sub(struct cxm_dd a, struct cxm_dd b)
{
    return cxm_priv_dd_add(a, (struct cxm_dd){ -b.hi, -b.lo });
}

struct cxm_dd cxm_priv_dd_mul(struct cxm_dd a, struct cxm_dd b)
{
    const struct cxm_dd p = two_prod(a.hi, b.hi);
    if (!isfinite(p.hi))
        return cxm_priv_dd(p.hi);
    return quick_two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

struct cxm_dd cxm_priv_dd_div(struct cxm_dd a, struct cxm_dd b)
{
    const double q1 = a.hi / b.hi;
    if (!isfinite(q1) || q1 == 0)
        return cxm_priv_dd(q1);
    struct cxm_dd r = cxm_priv_dd_sub(a, cxm_priv_dd_mul(cxm_priv_dd(q1), b));
    const double q2 = r.hi / b.hi;
    r = cxm_priv_dd_sub(r, cxm_priv_dd_mul(cxm_priv_dd(q2), b));
    const double q3 = r.hi / b.hi;
    const struct cxm_dd q = quick_two_sum(q1, q2);
    return cxm_priv_dd_add(q, cxm_priv_dd(q3));
}

struct cxm_dd cxm_priv_dd_int(int64_t x)
{
    const double hi = (double)x;
    if (x > -((int64_t)1 << 53) && x < (int64_t)1 << 53)
        return cxm_priv_dd(hi);
    /* (double)x may round up to 2^63, which int64 cannot hold. */
    return (struct cxm_dd){ hi, (double)(int64_t)((cxm_i128)x - (cxm_i128)hi) };
}
