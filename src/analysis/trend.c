/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A trend over the ordered groups of one tally: waves, months. Typically 3 to 60 groups. */
#include "analysis/grouped.h"
#include "estimate/association.h"
#include "estimate/quantile.h"

#include <math.h>

/* The groups that stand somewhere and have what the method needs. */
struct series {
    double *at, *value, *std_error, *x, *n; /* x, n: shares of whole counts */
    size_t count;
    bool counts;
};

static enum cxm_status check_scores(const struct cxm_grouped *g, struct cxm_error *error)
{
    const struct cxm_groups_options *o = &g->options;
    struct cxm_key_info info;
    if (o->scores != NULL && o->n_scores != g->n)
        return cxm_priv_fail(error, CXM_EINVAL, "scores", "%zu scores for %zu groups",
                             o->n_scores, g->n);
    for (size_t i = 0; o->scores != NULL && i < g->n; i++)
        if (isinf(o->scores[i]))
            return cxm_priv_fail(error, CXM_EINVAL, "scores", "scores must be finite");
    if (o->scores != NULL)
        return CXM_OK;
    if (cxm_tally_n_keys(g->c.tally) != 1
        || cxm_tally_key_info(g->c.tally, 0, &info) != CXM_OK)
        return cxm_priv_fail(error, CXM_EINVAL, "scores",
                             "groups of several keys have no order in time; pass scores=");
    if (info.type == CXM_KEY_TEXT || info.type == CXM_KEY_BYTES)
        return cxm_priv_fail(error, CXM_EINVAL, "scores",
                             "%s is text, which has no order in time; pass scores=",
                             info.name[0] != '\0' ? info.name : "the key");
    return CXM_OK;
}

static bool has_missing_key(const struct cxm_grouped *g, size_t group)
{
    struct cxm_key key;
    for (size_t k = 0; k < cxm_tally_n_keys(g->c.tally); k++)
        if (cxm_tally_key(g->c.tally, (int64_t)group, k, &key) == CXM_OK && key.missing)
            return true;
    return false;
}

static enum cxm_status collect(const struct cxm_grouped *g, struct series *s,
                               struct cxm_error *error)
{
    double *memory = cxm_priv_alloc(&g->c.tally->allocator, g->n, 5 * sizeof *memory);
    if (memory == NULL)
        return cxm_priv_no_memory(error);
    *s = (struct series){ memory, memory + g->n, memory + 2 * g->n, memory + 3 * g->n,
                          memory + 4 * g->n, 0,
                          cxm_priv_counted(&g->c, g->measure, &g->estimates[g->n])
                            == CXM_COUNTED_SHARE };
    for (size_t i = 0; i < g->n; i++) {
        const struct cxm_estimate *e = &g->estimates[i];
        const double at = g->options.scores != NULL ? g->options.scores[i] : (double)i;
        if (isnan(at) || !isfinite(e->value) || (g->options.scores == NULL && has_missing_key(g, i))
            || (!s->counts && !(e->std_error > 0)))
            continue;
        const struct cxm_share_count count = cxm_priv_share_count(e);
        s->at[s->count] = at;
        s->value[s->count] = e->value;
        s->std_error[s->count] = e->std_error;
        s->x[s->count] = s->counts ? count.x : 0;
        s->n[s->count++] = s->counts ? count.n : 0;
    }
    return CXM_OK;
}

/* ---- rows ----------------------------------------------------------------------------- */

static void add_test(struct cxm_grouped *g, const char *what, const char *how, double value,
                     double df, double p_value)
{
    cxm_priv_set_test(&g->c, cxm_priv_grouped_add(g, what, how, value, CXM_UNIT_RATIO), value, df,
                      p_value);
}

/* A number with a standard error: normal limits, and z where it is tested against 0. */
static void add_number(struct cxm_grouped *g, const char *what, const char *how, double value,
                       double std_error, bool test)
{
    const enum cxm_unit unit = (enum cxm_unit)g->c.measures[g->measure].unit;
    const size_t row = cxm_priv_grouped_add(g, what, how, value, unit);
    const struct cxm_comparison d = cxm_priv_compare_wald(value, std_error, (double)INFINITY,
                                                          g->c.level);
    struct cxm_estimate *e = cxm_priv_report_estimate(g->c.report, row);
    if (e != NULL)
        e->std_error = std_error;
    cxm_priv_set_row_limits(&g->c, row, d.lower, d.upper, CXM_INTERVAL_WALD);
    if (!test)
        return;
    cxm_priv_set_test(&g->c, row, d.statistic, INFINITY, d.p_value);
    cxm_priv_report_real(g->c.report, row, g->c.axis.p_greater, d.p_greater);
    cxm_priv_report_real(g->c.report, row, g->c.axis.p_less, d.p_less);
}

static void add_kendall(struct cxm_grouped *g, const struct series *s)
{
    struct cxm_kendall k = { NAN, NAN, true };
    if (s->count > 1)
        k = cxm_priv_mann_kendall(s->value, s->at, s->count);
    const size_t row = cxm_priv_grouped_add(g, "mann_kendall", "mann-kendall", k.s,
                                            CXM_UNIT_COUNT);
    cxm_priv_set_test(&g->c, row, k.s, NAN, k.p);
    struct cxm_estimate *e = cxm_priv_report_estimate(g->c.report, row);
    if (e != NULL && !k.exact)
        e->flags |= CXM_FLAG_ASYMPTOTIC;
}

static void of_shares(struct cxm_grouped *g, const struct series *s)
{
    struct cxm_share_trend t = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    if (s->count > 1)
        t = cxm_priv_share_trend(s->x, s->n, s->at, s->count);
    add_number(g, "slope", "cochran-armitage", t.slope, t.slope_error, true);
    add_number(g, "pooled", "cochran-armitage", t.pooled, t.pooled_error, false);
    add_test(g, "cochran_armitage", "cochran-armitage", t.chi2, 1, t.p);
    add_test(g, "homogeneity", "chi-square", t.homogeneity, t.homogeneity_df, t.homogeneity_p);
    add_test(g, "departure", "cochran-armitage", t.departure, t.departure_df, t.departure_p);
}

static void of_estimates(struct cxm_grouped *g, const struct series *s)
{
    struct cxm_estimate_trend t = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    if (s->count > 1)
        t = cxm_priv_estimate_trend(s->value, s->std_error, s->at, s->count);
    add_number(g, "slope", "weighted-least-squares", t.slope, t.slope_error, true);
    add_number(g, "pooled", "weighted-least-squares", t.pooled, t.pooled_error, false);
    add_test(g, "homogeneity", "cochran-q", t.heterogeneity, t.heterogeneity_df,
             t.heterogeneity_p);
    add_test(g, "departure", "weighted-least-squares", t.residual, t.residual_df, t.residual_p);
}

/* Values in the order of their scores, for tests that look at nothing else. */
static void sort(struct series *s)
{
    for (size_t i = 1; i < s->count; i++)
        for (size_t k = i; k > 0 && s->at[k - 1] > s->at[k]; k--) {
            double *const columns[5] = { s->at, s->value, s->std_error, s->x, s->n };
            for (size_t c = 0; c < 5; c++) {
                const double kept = columns[c][k];
                columns[c][k] = columns[c][k - 1];
                columns[c][k - 1] = kept;
            }
        }
}

enum cxm_status cxm_trend(struct cxm_tally *tally, const struct cxm_groups_options *options,
                          struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_grouped g;
    struct series s = { 0 };
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    enum cxm_status status = cxm_priv_grouped_init(&g, tally, options, error);
    if (status == CXM_OK)
        status = check_scores(&g, error);
    if (status == CXM_OK)
        status = collect(&g, &s, error);
    if (status == CXM_OK) {
        sort(&s);
        if (s.counts)
            of_shares(&g, &s);
        else
            of_estimates(&g, &s);
        add_kendall(&g, &s);
        status = cxm_priv_grouped_finish(&g, out, error);
    }
    cxm_priv_release(&tally->allocator, s.at);
    cxm_priv_grouped_release(&g);
    return status;
}
