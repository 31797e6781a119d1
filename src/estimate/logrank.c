/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log-rank test of K groups and its weighted forms (Mantel 1966; Fleming & Harrington 1991,
 * chapter 7), stratified. Per time of a stratum, with n at risk and d events:
 *   E_j = d n_j / n,  V_jk = d (n_j / n) (delta_jk - n_k / n) (n - d) / (n - 1)
 * Typical: 2 to 10 groups, 2 000 times; the covariance costs K^2 a time. */
#include "estimate/quantile.h"
#include "estimate/survival.h"

#include <math.h>

bool cxm_priv_logrank_init(struct cxm_logrank *test, size_t groups,
                           const struct cxm_allocator *allocator)
{
    const size_t n = 3 * groups + groups * groups;
    memset(test, 0, sizeof *test);
    test->groups = groups;
    test->sums = cxm_priv_alloc_zero(allocator, n, sizeof *test->sums);
    test->observed = cxm_priv_alloc_zero(allocator, 2 * groups, sizeof *test->observed);
    if (test->sums == NULL || test->observed == NULL) {
        cxm_priv_logrank_release(test, allocator);
        return false;
    }
    test->expected = test->observed + groups;
    return true;
}

void cxm_priv_logrank_release(struct cxm_logrank *test, const struct cxm_allocator *allocator)
{
    cxm_priv_release(allocator, test->sums);
    cxm_priv_release(allocator, test->observed);
    memset(test, 0, sizeof *test);
}

static void add_to(struct cxm_dd *sum, struct cxm_dd term)
{
    *sum = cxm_priv_dd_add(*sum, term);
}

void cxm_priv_logrank_time(struct cxm_logrank *test, const int64_t *at_risk,
                           const int64_t *events, struct cxm_dd survival, double rho,
                           double gamma)
{
    const size_t k = test->groups;
    struct cxm_dd *observed = test->sums, *expected = observed + k, *gap = expected + k,
                  *covariance = gap + k;
    int64_t n = 0, d = 0;
    for (size_t j = 0; j < k; j++) {
        n += at_risk[j];
        d += events[j];
    }
    if (d == 0)
        return;
    const double rest = cxm_priv_dd_sub(cxm_priv_dd(1), survival).hi;
    const double w = (rho == 0 ? 1 : pow(survival.hi, rho)) * (gamma == 0 ? 1 : pow(rest, gamma));
    const struct cxm_dd weight = cxm_priv_dd(w);
    const struct cxm_dd share = cxm_priv_dd_div(cxm_priv_dd_int(d), cxm_priv_dd_int(n));
    /* d (n - d) / (n^2 (n - 1)), of which n_j (n delta_jk - n_k) follows. */
    const double common = n > 1 ? w * w * share.hi * ((double)(n - d) / (double)(n - 1)) : 0;
    for (size_t j = 0; j < k; j++) {
        if (at_risk[j] == 0)
            continue;
        const struct cxm_dd o = cxm_priv_dd_mul(weight, cxm_priv_dd_int(events[j]));
        const struct cxm_dd e = cxm_priv_dd_mul(weight, cxm_priv_dd_mul(
                                                    share, cxm_priv_dd_int(at_risk[j])));
        add_to(&observed[j], o);
        add_to(&expected[j], e);
        add_to(&gap[j], cxm_priv_dd_sub(o, e));
        const double c = common * (double)at_risk[j] / (double)n;
        for (size_t i = 0; i < j; i++) {
            if (at_risk[i] > 0)
                add_to(&covariance[j * k + i], cxm_priv_dd(-c * (double)at_risk[i]));
        }
        add_to(&covariance[j * k + j], cxm_priv_dd(c * (double)(n - at_risk[j])));
    }
}

/* x' V^- x of m equations, V as its lower triangle of m x m, by V = L D L'. A pivot that has lost its
 * digits is that of a gap which the ones before it determine, or which is always 0: a group alone in its
 * stratum. It is left out; the others are the rank. V and x are overwritten. */
static double inverse_form(double *v, double *x, size_t m, size_t *rank)
{
    double form = 0;
    *rank = 0;
    for (size_t j = 0; j < m; j++) {
        const double full = v[j * m + j];
        double pivot = full, y = x[j];
        for (size_t i = 0; i < j; i++) { /* row j of L, still times D */
            double l = v[j * m + i];
            if (v[i * m + i] == 0)
                continue;
            for (size_t h = 0; h < i; h++)
                l -= v[h * m + h] == 0 ? 0 : v[j * m + h] * v[i * m + h] / v[h * m + h];
            v[j * m + i] = l;
            pivot -= l * l / v[i * m + i];
            y -= l / v[i * m + i] * x[i];
        }
        v[j * m + j] = pivot > 1e-12 * full ? pivot : 0;
        if (v[j * m + j] == 0)
            continue;
        x[j] = y;
        form += y * y / pivot;
        ++*rank;
    }
    return form;
}

enum cxm_status cxm_priv_logrank_finish(struct cxm_logrank *test,
                                        const struct cxm_allocator *allocator,
                                        struct cxm_logrank_result *out)
{
    const size_t k = test->groups;
    const struct cxm_dd *gap = test->sums + 2 * k, *covariance = gap + k;
    double *v = cxm_priv_alloc(allocator, k * k, sizeof *v);
    double *x = cxm_priv_alloc(allocator, k, sizeof *x);
    size_t *kept = cxm_priv_alloc(allocator, k, sizeof *kept);
    size_t m = 0;
    for (size_t j = 0; j < k; j++) {
        test->observed[j] = test->sums[j].hi;
        test->expected[j] = test->sums[k + j].hi;
        if (kept != NULL && test->expected[j] > 0)
            kept[m++] = j;
    }
    const bool room = v != NULL && x != NULL && kept != NULL;
    if (room) {
        m = m > 0 ? m - 1 : 0; /* the gaps add up to 0 */
        for (size_t i = 0; i < m; i++) {
            x[i] = gap[kept[i]].hi;
            for (size_t j = 0; j <= i; j++)
                v[i * m + j] = covariance[kept[i] * k + kept[j]].hi;
        }
        size_t rank = 0;
        const double form = inverse_form(v, x, m, &rank);
        out->singular = rank < m;
        out->statistic = rank > 0 ? form : NAN;
        out->df = rank > 0 ? (double)rank : m > 0 ? (double)m : NAN;
        out->p_value = isnan(out->statistic) ? NAN : cxm_priv_chi2_upper(out->statistic, out->df);
    }
    cxm_priv_release(allocator, v);
    cxm_priv_release(allocator, x);
    cxm_priv_release(allocator, kept);
    return room ? CXM_OK : CXM_ENOMEM;
}
