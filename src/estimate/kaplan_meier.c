/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kaplan-Meier curves of many times. The terms of the times do not know of each other, and are
 * made in vectors, 64 times in one go; products and sums then follow one another. The bits are
 * those of cxm_priv_survival_step, time after time. Typical: 10 to 2 000 times. */
#include "estimate/survival.h"

#include <math.h>

enum { BATCH = 64, LANES = 8 };

#define MOST_EXACT ((int64_t)1 << 53)

/* Factors 1 - d / n of the curve and terms d / (n (n - d)) of Greenwood's sum. */
struct terms {
    double n[BATCH], d[BATCH];
    double factor[BATCH], factor_low[BATCH], term[BATCH], term_low[BATCH];
};

/* ---- base/dd.h without the questions whether a number is finite: here they all are ------- */

#define INLINE __attribute__((always_inline)) static inline

INLINE struct cxm_dd quick_sum(double a, double b)
{
    const double s = a + b;
    return (struct cxm_dd){ s, b - (s - a) };
}

INLINE struct cxm_dd whole_sum(double a, double b)
{
    const double s = a + b, t = s - a;
    return (struct cxm_dd){ s, (a - (s - t)) + (b - t) };
}

INLINE struct cxm_dd sum(struct cxm_dd a, struct cxm_dd b)
{
    const struct cxm_dd t = whole_sum(a.lo, b.lo);
    struct cxm_dd s = whole_sum(a.hi, b.hi);
    s = quick_sum(s.hi, s.lo + t.hi);
    return quick_sum(s.hi, s.lo + t.lo);
}

INLINE struct cxm_dd difference(struct cxm_dd a, struct cxm_dd b)
{
    return sum(a, (struct cxm_dd){ -b.hi, -b.lo });
}

INLINE struct cxm_dd product(struct cxm_dd a, struct cxm_dd b)
{
    const double p = a.hi * b.hi, rest = fma(a.hi, b.hi, -p);
    return quick_sum(p, rest + (a.hi * b.lo + a.lo * b.hi));
}

INLINE struct cxm_dd quotient(struct cxm_dd a, struct cxm_dd b)
{
    const double q1 = a.hi / b.hi;
    struct cxm_dd r = difference(a, product((struct cxm_dd){ q1, 0 }, b));
    const double q2 = r.hi / b.hi;
    r = difference(r, product((struct cxm_dd){ q2, 0 }, b));
    const double q3 = r.hi / b.hi;
    return sum(quick_sum(q1, q2), (struct cxm_dd){ q3, 0 });
}

/* ---- a batch --------------------------------------------------------------------------- */

INLINE void make_terms(struct terms *t, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        const struct cxm_dd n = { t->n[i], 0 }, d = { t->d[i], 0 }, left = { n.hi - d.hi, 0 };
        const struct cxm_dd factor = quotient(left, n), term = quotient(d, product(n, left));
        t->factor[i] = factor.hi;
        t->factor_low[i] = factor.lo;
        t->term[i] = term.hi;
        t->term_low[i] = term.lo;
    }
}

/* Scalars while it goes on, since a struct just written by parts is slow to copy whole. */
INLINE void steps(const struct cxm_risk *risk, size_t n, struct terms *t,
                  struct cxm_survival *at, struct cxm_survival *out)
{
    const size_t m = (n + LANES - 1) / LANES * LANES;
    struct cxm_dd survival = at->survival, greenwood = at->greenwood;
    for (size_t i = 0; i < m; i++) { /* where there is no term, that of 1 in 2 */
        const bool has = i < n && risk[i].events > 0 && risk[i].events < risk[i].at_risk
                      && risk[i].at_risk < MOST_EXACT;
        t->n[i] = has ? (double)risk[i].at_risk : 2;
        t->d[i] = has ? (double)risk[i].events : 1;
    }
    make_terms(t, m);
    for (size_t i = 0; i < n; i++) {
        if (risk[i].events == risk[i].at_risk || risk[i].at_risk >= MOST_EXACT) {
            struct cxm_survival step = { .survival = survival, .greenwood = greenwood };
            cxm_priv_survival_step(&step, &risk[i]);
            survival = step.survival;
            greenwood = step.greenwood;
        } else if (risk[i].events > 0) {
            survival = cxm_priv_dd_mul(survival, (struct cxm_dd){ t->factor[i],
                                                                  t->factor_low[i] });
            greenwood = cxm_priv_dd_add(greenwood, (struct cxm_dd){ t->term[i], t->term_low[i] });
        }
        out[i] = (struct cxm_survival){ .survival = survival, .greenwood = greenwood };
        t->n[i] = survival.hi; /* nobody needs the numbers any more */
        t->d[i] = greenwood.hi;
    }
    for (size_t i = 0; i < n; i++)
        t->d[i] = t->n[i] > 0 ? t->n[i] * sqrt(t->d[i]) : NAN;
    for (size_t i = 0; i < n; i++)
        out[i].std_error = t->d[i];
    at->survival = survival;
    at->greenwood = greenwood;
}

INLINE void curve(const struct cxm_risk *risk, size_t n, struct cxm_survival *out)
{
    struct cxm_survival at = CXM_SURVIVAL_START;
    struct terms terms;
    for (size_t i = 0; i < n; i += BATCH)
        steps(risk + i, n - i < BATCH ? n - i : BATCH, &terms, &at, out + i);
}

/* ---- variants: an fma is exact, and the same number whoever makes it -------------------- */

#if defined(__x86_64__) && defined(__GNUC__)
CXM_TARGET("avx512f,fma") static void
curve_avx512(const struct cxm_risk *risk, size_t n, struct cxm_survival *out)
{
    curve(risk, n, out);
}

__attribute__((target("avx2,fma"))) static void
curve_avx2(const struct cxm_risk *risk, size_t n, struct cxm_survival *out)
{
    curve(risk, n, out);
}
#endif

void cxm_priv_kaplan_meier(const struct cxm_risk *risk, size_t n, struct cxm_survival *out)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (CXM_SUPPORTS("avx512f") && CXM_SUPPORTS("fma"))
        curve_avx512(risk, n, out);
    else if (CXM_SUPPORTS("avx2") && CXM_SUPPORTS("fma"))
        curve_avx2(risk, n, out);
    else
#endif
        curve(risk, n, out);
}
