/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Effect sizes and further tests beside a difference of two sides: odds and risk ratio, Cohen's
 * h and d (Cohen 1988), Hedges' g (1981), Yates' and Fisher's tests, the 2 x 3 table behind two
 * net scores, and the rank test of ratings. A row each; whole counts only. */
#include "analysis/comparing.h"
#include "estimate/association.h"

#include <math.h>

struct effects {
    struct cxm_comparing *c;
    uint32_t measure;
    const struct cxm_effect_sides *sides;
    const struct cxm_estimate *a, *b;
};

static size_t add(const struct effects *x, const char *what, double value, enum cxm_unit unit)
{
    const size_t row = cxm_priv_add_number(x->c, x->measure, what, what, value, unit, x->a, x->b);
    cxm_priv_report_key_from(x->c->report, row, x->sides->keys, x->sides->group);
    return row;
}

static void add_test(const struct effects *x, const char *what, double value, double df,
                     double p_value)
{
    cxm_priv_set_test(x->c, add(x, what, value, CXM_UNIT_RATIO), value, df, p_value);
}

static void of_shares(const struct effects *x)
{
    const struct cxm_share_count a = cxm_priv_share_count(x->a), b = cxm_priv_share_count(x->b);
    const struct cxm_share_tests t = cxm_priv_share_tests(a, b, x->c->level);
    size_t row = add(x, "odds_ratio", t.odds_ratio, CXM_UNIT_RATIO);
    cxm_priv_set_row_limits(x->c, row, t.odds_lower, t.odds_upper, CXM_INTERVAL_LOG);
    row = add(x, "risk_ratio", t.risk_ratio, CXM_UNIT_RATIO);
    cxm_priv_set_row_limits(x->c, row, t.risk_lower, t.risk_upper, CXM_INTERVAL_LOG);
    add(x, "cohen_h", t.cohen_h, CXM_UNIT_RATIO);
    add_test(x, "yates", t.chi2_yates, 1, t.p_yates);
    row = add(x, "fisher", t.p_fisher, CXM_UNIT_RATIO);
    cxm_priv_set_test(x->c, row, NAN, NAN, t.p_fisher);
}

static void of_means(const struct effects *x)
{
    const struct cxm_mean_sample a = cxm_priv_sample_of(x->c, x->measure, x->a);
    const struct cxm_mean_sample b = cxm_priv_sample_of(x->c, x->measure, x->b);
    add(x, "cohen_d", cxm_priv_cohen_d(a, b), CXM_UNIT_RATIO);
    add(x, "hedges_g", cxm_priv_hedges_g(a, b), CXM_UNIT_RATIO);
}

static enum cxm_status of_nets(const struct effects *x, struct cxm_error *error)
{
    const struct cxm_net a = cxm_priv_net_count(x->a), b = cxm_priv_net_count(x->b);
    const double counts[6] = { a.detractors, a.passives, a.promoters,
                               b.detractors, b.passives, b.promoters };
    struct cxm_table_tests t;
    of_means(x);
    if (cxm_priv_table_tests(counts, 2, 3, &x->c->tally->allocator, NULL, &t) != CXM_OK)
        return cxm_priv_no_memory(error);
    add_test(x, "chi2", t.chi2, t.df, t.p_chi2);
    add_test(x, "g2", t.g2, t.df, t.p_g2);
    add(x, "cramer_v", t.cramer_v, CXM_UNIT_RATIO);
    return CXM_OK;
}

/* Ratings have the answers of both sides: pairs with a above b. */
static enum cxm_status of_ranks(const struct effects *x, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &x->c->tally->allocator;
    double *a = NULL, *b = NULL;
    size_t n = 0;
    enum cxm_status status =
        cxm_priv_answer_counts(x->c, x->sides->tally_a, x->sides->group_a, &a, &n, error);
    if (status == CXM_OK)
        status = cxm_priv_answer_counts(x->c, x->sides->tally_b, x->sides->group_b, &b, &n,
                                        error);
    if (status == CXM_OK) {
        const struct cxm_mann_whitney w = cxm_priv_mann_whitney(a, b, n);
        const size_t row = add(x, "mann_whitney", w.w, CXM_UNIT_COUNT);
        cxm_priv_set_test(x->c, row, w.z, INFINITY, w.p);
    }
    cxm_priv_release(allocator, a);
    cxm_priv_release(allocator, b);
    return status;
}

static bool has_answers(const struct cxm_comparing *c)
{
    for (size_t m = 0; m < c->n_measures; m++)
        if (cxm_priv_estimator_of(c, (uint32_t)m)->members == CXM_PER_BIN)
            return true;
    return false;
}

enum cxm_status cxm_priv_add_effects(struct cxm_comparing *c, uint32_t measure,
                                     const struct cxm_effect_sides *sides,
                                     const struct cxm_estimate *a, const struct cxm_estimate *b,
                                     struct cxm_error *error)
{
    const struct effects x = { c, measure, sides, a, b };
    const enum cxm_interval_class class = cxm_priv_estimator_of(c, measure)->intervals;
    if (c->linearised || !(a->n > 0 && b->n > 0))
        return CXM_OK;
    switch (cxm_priv_counted_both(c, measure, a, b)) {
    case CXM_COUNTED_SHARE:
        of_shares(&x);
        return CXM_OK;
    case CXM_COUNTED_NET:
        return of_nets(&x, error);
    case CXM_COUNTED_NOT:
        break;
    }
    if (class != CXM_CLASS_MEAN)
        return CXM_OK;
    of_means(&x);
    return has_answers(c) ? of_ranks(&x, error) : CXM_OK;
}
