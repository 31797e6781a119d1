/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Several p-values at once. Holm 1979, Hochberg 1988, Benjamini & Hochberg 1995, Benjamini &
 * Yekutieli 2001, Bonferroni: each p times a factor of its rank, then made monotone from the
 * small end (Holm) or from the large end (the others), never above 1. */
#include "estimate/compare.h"

#include <math.h>
#include <stdlib.h>

struct ranked {
    double p;
    size_t at;
};

static int by_p(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->p != b->p)
        return a->p < b->p ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* The factor of the p-value with this rank, 1 … m. */
static double factor_of(enum cxm_adjust_method method, double rank, double m)
{
    switch (method) {
    case CXM_ADJUST_HOLM:
    case CXM_ADJUST_HOCHBERG: return m - rank + 1.0;
    case CXM_ADJUST_BH:
    case CXM_ADJUST_BY: return m / rank;
    case CXM_ADJUST_NONE: return 1.0;
    default: return m;
    }
}

static double harmonic(size_t m)
{
    double sum = 0.0;
    for (size_t i = m; i > 0; i--)
        sum += 1.0 / (double)i;
    return sum;
}

enum cxm_status cxm_priv_adjust_p(const double *p, size_t n, enum cxm_adjust_method method,
                                  const struct cxm_allocator *allocator, double *out)
{
    struct ranked *const sorted = cxm_priv_alloc(allocator, n, sizeof *sorted);
    if (sorted == NULL)
        return CXM_ENOMEM;
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (isnan(p[i]))
            out[i] = NAN;
        else
            sorted[m++] = (struct ranked){ p[i], i };
    qsort(sorted, m, sizeof *sorted, by_p);
    const double dependence = method == CXM_ADJUST_BY ? harmonic(m) : 1.0;
    const bool upwards = method == CXM_ADJUST_HOLM;
    double bound = upwards ? 0.0 : 1.0;
    for (size_t i = 0; i < m; i++) {
        const size_t rank = upwards ? i + 1 : m - i;
        const double raw = sorted[rank - 1].p * factor_of(method, (double)rank, (double)m)
                         * dependence;
        const bool single = method == CXM_ADJUST_BONFERRONI || method == CXM_ADJUST_NONE;
        bound = fmin(1.0, upwards ? fmax(bound, raw) : single ? raw : fmin(bound, raw));
        out[sorted[rank - 1].at] = bound;
    }
    cxm_priv_release(allocator, sorted);
    return CXM_OK;
}

/* ---- public --------------------------------------------------------------------------- */

static const char *const names[] = { "holm", "hochberg", "bh", "by", "bonferroni", "none" };

const char *cxm_adjust_name(enum cxm_adjust_method method)
{
    return (unsigned)method < CXM_COUNT(names) ? names[method] : "unknown";
}

int cxm_adjust_from_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < CXM_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return (int)i;
    return -1;
}

enum cxm_status cxm_adjust(const double *p, size_t n, enum cxm_adjust_method method, double *out,
                           struct cxm_error *error)
{
    char text[CXM_DOUBLE_TEXT];
    if ((p == NULL || out == NULL) && n > 0)
        return cxm_priv_fail(error, CXM_EINVAL, "p", "p or out is NULL");
    if ((unsigned)method >= CXM_COUNT(names))
        return cxm_priv_fail(error, CXM_EINVAL, "method", "there is no adjustment %d", method);
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i]) && !(p[i] >= 0.0 && p[i] <= 1.0))
            return cxm_priv_fail_at(error, CXM_EDATA, "p", (int64_t)i,
                                    cxm_priv_double_text(p[i], text),
                                    "p: row %zu is %s, outside 0 to 1", i, text);
    if (cxm_priv_adjust_p(p, n, method, NULL, out) != CXM_OK)
        return cxm_priv_no_memory(error);
    return CXM_OK;
}
