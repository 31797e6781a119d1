/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many groups at once: tests of all of them, and each against the rest, a base, or each other. */
#include "analysis/grouped.h"
#include "estimate/association.h"
#include "estimate/quantile.h"

#include <math.h>

/* ---- differences ---------------------------------------------------------------------- */

struct differences {
    struct cxm_difference *d;
    struct cxm_estimate *others;
    double *p;
    size_t *rows;
    size_t n;
};

static bool allocate(struct differences *x, size_t n, const struct cxm_allocator *allocator)
{
    x->d = cxm_priv_alloc(allocator, n, sizeof *x->d);
    x->others = cxm_priv_alloc(allocator, n, sizeof *x->others);
    x->p = cxm_priv_alloc(allocator, n, sizeof *x->p);
    x->rows = cxm_priv_alloc(allocator, n, sizeof *x->rows);
    return x->d != NULL && x->others != NULL && x->p != NULL && x->rows != NULL;
}

static void release(struct differences *x, const struct cxm_allocator *allocator)
{
    cxm_priv_release(allocator, x->d);
    cxm_priv_release(allocator, x->others);
    cxm_priv_release(allocator, x->p);
    cxm_priv_release(allocator, x->rows);
}

static void add_difference(struct cxm_grouped *g, struct differences *x, size_t group,
                           const struct cxm_estimate *other, const struct cxm_difference *d,
                           const char *against)
{
    const size_t row = cxm_priv_add_difference(&g->c, g->measure, "difference",
                                               &g->estimates[group], other, d);
    cxm_priv_report_key_from(g->c.report, row, g->c.tally, (int64_t)group);
    cxm_priv_report_text(g->c.report, row, g->against, against);
    x->rows[x->n] = row;
    x->p[x->n++] = d->c.p_value;
}

static enum cxm_status add_pairs(struct cxm_grouped *g, struct differences *x,
                                 struct cxm_error *error)
{
    char against[256];
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = i + 1; k < g->n; k++) {
            struct cxm_difference d;
            const enum cxm_status status = cxm_priv_grouped_difference(g, i, k, &d, error);
            if (status != CXM_OK)
                return status;
            cxm_priv_grouped_key(g, k, against, sizeof against);
            add_difference(g, x, i, &g->estimates[k], &d, against);
        }
    return CXM_OK;
}

static enum cxm_status add_differences(struct cxm_grouped *g, struct differences *x,
                                       struct cxm_error *error)
{
    const bool base = g->options.against == CXM_AGAINST_BASE;
    char against[256] = "rest";
    if (base)
        cxm_priv_grouped_key(g, (size_t)g->options.base, against, sizeof against);
    const enum cxm_status status = cxm_priv_grouped_against(g, x->d, x->others, error);
    for (size_t i = 0; i < g->n && status == CXM_OK; i++)
        if (!base || i != (size_t)g->options.base)
            add_difference(g, x, i, &x->others[i], &x->d[i], against);
    return status;
}

static enum cxm_status differences(struct cxm_grouped *g, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &g->c.tally->allocator;
    const bool pairs = g->options.against == CXM_AGAINST_PAIRS;
    struct differences x = { 0 };
    if (g->options.against == CXM_AGAINST_NONE)
        return CXM_OK;
    if (pairs && g->n > CXM_GROUPED_MOST_PAIRS)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "against",
                             "%zu groups have too many pairs; at most %d groups", g->n,
                             CXM_GROUPED_MOST_PAIRS);
    enum cxm_status status = CXM_OK;
    if (!allocate(&x, pairs ? g->n * (g->n - 1) / 2 : g->n, allocator))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = pairs ? add_pairs(g, &x, error) : add_differences(g, &x, error);
    if (status == CXM_OK)
        status = cxm_priv_grouped_adjust(g, x.p, x.rows, x.n, error);
    release(&x, allocator);
    return status;
}

/* ---- tests of all groups -------------------------------------------------------------- */

static void add_test(struct cxm_grouped *g, const char *what, const char *how, double value,
                     double df, double p_value, uint32_t flags)
{
    const size_t row = cxm_priv_grouped_add(g, what, how, value, CXM_UNIT_RATIO);
    cxm_priv_set_test(&g->c, row, value, df, p_value);
    struct cxm_estimate *e = cxm_priv_report_estimate(g->c.report, row);
    if (e != NULL)
        e->flags |= flags;
}

/* A row of the table: answers of one group. */
static void fill(const struct cxm_estimate *e, bool net, double *out)
{
    if (net) {
        const struct cxm_net counts = cxm_priv_net_count(e);
        out[0] = counts.detractors;
        out[1] = counts.passives;
        out[2] = counts.promoters;
    } else {
        const struct cxm_share_count count = cxm_priv_share_count(e);
        out[0] = count.x;
        out[1] = count.n - count.x;
    }
}

static void add_residuals(struct cxm_grouped *g, size_t columns, const double *residuals)
{
    static const char *const names[3] = { "residual[detractors]", "residual[passives]",
                                          "residual[promoters]" };
    const struct cxm_estimate none = cxm_priv_blank_estimate(g->c.level, CXM_UNIT_RATIO,
                                                             CXM_BASE_RESPONSES);
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < (columns == 3 ? 3 : 1); k++) {
            const double z = residuals[i * columns + k];
            const size_t row = cxm_priv_add_number(
                &g->c, g->measure, columns == 3 ? names[k] : "residual", "haberman", z,
                CXM_UNIT_RATIO, &g->estimates[i], &none);
            cxm_priv_set_test(&g->c, row, z, INFINITY, cxm_priv_normal_p_value(z));
            cxm_priv_report_int(g->c.report, row, g->c.axis.n_b, INT64_MIN);
            cxm_priv_report_key_from(g->c.report, row, g->c.tally, (int64_t)i);
        }
}

static enum cxm_status add_table(struct cxm_grouped *g, bool net, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &g->c.tally->allocator;
    const size_t columns = net ? 3 : 2;
    double *counts = cxm_priv_alloc(allocator, g->n * columns, 2 * sizeof *counts);
    if (counts == NULL)
        return cxm_priv_no_memory(error);
    double *residuals = counts + g->n * columns;
    struct cxm_table_tests t;
    for (size_t i = 0; i < g->n; i++)
        fill(&g->estimates[i], net, counts + i * columns);
    enum cxm_status status = cxm_priv_table_tests(counts, g->n, columns, allocator, residuals, &t);
    if (status == CXM_OK) {
        const uint32_t small = t.n_small > 0 ? CXM_FLAG_SMALL_N : 0;
        add_residuals(g, columns, residuals);
        add_test(g, "homogeneity", "chi-square", t.chi2, t.df, t.p_chi2, small);
        add_test(g, "g2", "likelihood-ratio", t.g2, t.df, t.p_g2, small);
        cxm_priv_grouped_add(g, "cramer_v", "cramer-v", t.cramer_v, CXM_UNIT_RATIO);
    } else {
        status = cxm_priv_no_memory(error);
    }
    cxm_priv_release(allocator, counts);
    return status;
}

/* Cochran's Q of the groups whose standard error is known and above 0. */
static enum cxm_status add_q(struct cxm_grouped *g, const char *what, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &g->c.tally->allocator;
    double *value = cxm_priv_alloc(allocator, g->n, 2 * sizeof *value);
    if (value == NULL)
        return cxm_priv_no_memory(error);
    double *std_error = value + g->n;
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        if (isfinite(g->estimates[i].value) && g->estimates[i].std_error > 0) {
            value[n] = g->estimates[i].value;
            std_error[n++] = g->estimates[i].std_error;
        }
    struct cxm_estimate_trend t = { .heterogeneity = NAN, .heterogeneity_df = NAN,
                                    .heterogeneity_p = NAN };
    if (n > 1)
        t = cxm_priv_estimate_trend(value, std_error, NULL, n);
    add_test(g, what, "cochran-q", t.heterogeneity, t.heterogeneity_df, t.heterogeneity_p,
             n < g->n ? CXM_FLAG_DEGENERATE : 0);
    cxm_priv_release(allocator, value);
    return CXM_OK;
}

/* Ratings: their ranks over all groups. */
static enum cxm_status add_ranks(struct cxm_grouped *g, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &g->c.tally->allocator;
    double *counts = NULL, *one = NULL;
    size_t bins = 0;
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < g->n && status == CXM_OK; i++) {
        status = cxm_priv_answer_counts(&g->c, g->c.tally, (int64_t)i, &one, &bins, error);
        if (status != CXM_OK || one == NULL)
            break;
        if (counts == NULL)
            counts = cxm_priv_alloc(allocator, g->n * bins, sizeof *counts);
        if (counts != NULL)
            memcpy(counts + i * bins, one, bins * sizeof *counts);
        else
            status = cxm_priv_no_memory(error);
        cxm_priv_release(allocator, one);
    }
    struct cxm_kruskal k;
    if (status == CXM_OK && counts != NULL
        && cxm_priv_kruskal(counts, g->n, bins, allocator, &k) != CXM_OK)
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK && counts != NULL)
        add_test(g, "kruskal_wallis", "kruskal-wallis", k.h, k.df, k.p, 0);
    cxm_priv_release(allocator, counts);
    return status;
}

static enum cxm_status tests(struct cxm_grouped *g, struct cxm_error *error)
{
    const struct cxm_estimate *total = &g->estimates[g->n];
    const struct cxm_estimator *estimator = cxm_priv_estimator_of(&g->c, g->measure);
    if (g->covariance != NULL)
        return CXM_OK;
    switch (cxm_priv_counted(&g->c, g->measure, total)) {
    case CXM_COUNTED_SHARE:
        return add_table(g, false, error);
    case CXM_COUNTED_NET: {
        const enum cxm_status status = add_table(g, true, error);
        return status == CXM_OK ? add_q(g, "heterogeneity", error) : status;
    }
    case CXM_COUNTED_NOT:
        break;
    }
    const enum cxm_status status = add_q(g, "homogeneity", error);
    const bool ranks = !g->c.linearised && estimator->intervals == CXM_CLASS_MEAN
                    && estimator->members == CXM_ONE;
    return status == CXM_OK && ranks ? add_ranks(g, error) : status;
}

enum cxm_status cxm_compare_groups(struct cxm_tally *tally,
                                   const struct cxm_groups_options *options,
                                   struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_grouped g;
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    enum cxm_status status = cxm_priv_grouped_init(&g, tally, options, error);
    if (status == CXM_OK)
        status = differences(&g, error);
    if (status == CXM_OK)
        status = tests(&g, error);
    if (status == CXM_OK)
        status = cxm_priv_grouped_finish(&g, out, error);
    cxm_priv_grouped_release(&g);
    return status;
}
