/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Options and rows of reports of quantiles. */
#include "analysis/quantiles.h"
#include "estimate/check.h"

#include <math.h>

enum { MOST_PROBS = 1000 };

static const double usual[] = { 0.5, 0.9, 0.95, 0.99 };

/* ---- options ----------------------------------------------------------------------------- */

enum cxm_status cxm_priv_quantile_check(struct cxm_quantile_options *o, struct cxm_error *error)
{
    if (o->probs == NULL) {
        o->probs = usual;
        o->n_probs = CXM_COUNT(usual);
    }
    o->level = o->level == 0 ? 0.95 : o->level;
    if (o->n_probs > MOST_PROBS)
        return cxm_priv_fail(error, CXM_EINVAL, "probs", "at most %d quantiles", MOST_PROBS);
    for (size_t i = 0; i < o->n_probs; i++) {
        char text[CXM_DOUBLE_TEXT], hint[CXM_DOUBLE_TEXT];
        const double p = o->probs[i];
        if (p > 1 && p <= 100)
            return cxm_priv_fail(error, CXM_EINVAL, "probs",
                                 "probs are shares between 0 and 1; did you mean %s?",
                                 cxm_priv_double_text(p / 100, hint));
        if (!(p >= 0 && p <= 1))
            return cxm_priv_fail(error, CXM_EINVAL, "probs",
                                 "probs must be between 0 and 1, not %s",
                                 cxm_priv_double_text(p, text));
    }
    if (o->type < 0 || o->type > 9)
        return cxm_priv_fail(error, CXM_EINVAL, "type", "type must be 1 to 9, not %d", o->type);
    return cxm_priv_check_level(o->level, error);
}

/* ---- rows -------------------------------------------------------------------------------- */

void cxm_priv_quantile_axes(struct cxm_quantile_page *page)
{
    page->probability = cxm_priv_report_axis(page->report, "probability", CXM_AXIS_REAL);
    page->coverage = cxm_priv_report_axis(page->report, "coverage", CXM_AXIS_REAL);
}

size_t cxm_priv_quantile_row(const struct cxm_quantile_page *page, size_t i, size_t names,
                             const struct cxm_estimate *e, double coverage)
{
    if (names + i < cxm_report_rows(page->report)) {
        const size_t like = cxm_priv_report_add_run(page->report, names + i, 1, e);
        cxm_priv_report_real(page->report, like, page->probability, page->o.probs[i]);
        cxm_priv_report_real(page->report, like, page->coverage, coverage);
        return like;
    }
    char name[64] = "", text[CXM_DOUBLE_TEXT];
    size_t used = 0;
    cxm_priv_append(name, sizeof name, &used, "quantile[%s]",
                    cxm_priv_double_text(page->o.probs[i], text));
    const size_t row = cxm_priv_report_add(page->report, page->metric, name, page->definition, e);
    cxm_priv_report_real(page->report, row, page->probability, page->o.probs[i]);
    cxm_priv_report_real(page->report, row, page->coverage, coverage);
    return row;
}

void cxm_priv_quantile_set(struct cxm_estimate *e, const struct cxm_quantile_ranks *r,
                           const double x[CXM_QUANTILE_STATISTICS])
{
    e->value = cxm_priv_between(x[1], x[2], r->part);
    e->interval = CXM_INTERVAL_ORDER_STATISTIC;
    e->lower = e->lower_raw = r->lower < 0 ? -INFINITY : x[0];
    e->upper = e->upper_raw = r->upper >= e->n ? INFINITY : x[3];
    if (e->value < e->lower || e->value > e->upper)
        e->flags |= CXM_FLAG_OFF_CENTRE;
}
