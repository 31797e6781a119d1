/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The shifted beta geometric model from records or from cohorts: both become the number lost and
 * the number last seen in each period, which is all that the likelihood needs. At most 10 000
 * periods. */
#include "analysis/models.h"
#include "analysis/numbers.h"
#include "estimate/check.h"
#include "estimate/lifetime.h"

#include <cxm/lifetime.h>

#include <math.h>

enum { MOST_PERIODS = 10000 };

static const char metric[] = "shifted_beta_geometric", definition[] = "shifted-beta-geometric";

struct counts {
    int64_t *lost, *left;
    size_t n_periods; /* up to the last one with anybody */
    int64_t n, missing, excluded;
};

static enum cxm_status counts_new(struct counts *c, struct cxm_error *error)
{
    memset(c, 0, sizeof *c);
    c->lost = cxm_priv_alloc_zero(NULL, MOST_PERIODS, 2 * sizeof *c->lost);
    if (c->lost == NULL)
        return cxm_priv_no_memory(error);
    c->left = c->lost + MOST_PERIODS;
    return CXM_OK;
}

/* period 1 …; 0 tells nothing */
static enum cxm_status count(struct counts *c, size_t period, bool lost, int64_t customers,
                             struct cxm_error *error)
{
    int64_t *n = period == 0 ? &c->excluded : &c->n;
    if (__builtin_add_overflow(*n, customers, n))
        return cxm_priv_fail(error, CXM_EOVERFLOW, "freq", "more than 2^63 customers");
    if (period == 0 || customers == 0)
        return CXM_OK;
    (lost ? c->lost : c->left)[period - 1] += customers;
    if (period > c->n_periods)
        c->n_periods = period;
    return CXM_OK;
}

static enum cxm_status read_options(const struct cxm_sbg_options *options,
                                    struct cxm_sbg_options *o, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_read_options(options, o, sizeof *o, "cxm_sbg_options",
                                                   error);
    if (status != CXM_OK)
        return status;
    if (o->level == 0)
        o->level = 0.95;
    if (o->renewals == 0)
        o->renewals = 1;
    if (!(o->discount >= 0 && o->discount <= 1e6))
        return cxm_priv_fail(error, CXM_EINVAL, "discount", "discount must be 0 or more");
    if (o->horizon < 0 || o->horizon > MOST_PERIODS || o->renewals < 1)
        return cxm_priv_fail(error, CXM_EINVAL, "horizon",
                             "horizon must be 0 to %d, renewals 1 or more", MOST_PERIODS);
    return cxm_priv_check_level(o->level, error);
}

/* ---- rows ----------------------------------------------------------------------------- */

static void add_curve(const struct cxm_model_page *page, const struct cxm_fit *fit,
                      const struct counts *c, int32_t horizon)
{
    const double a = exp(fit->theta[0]), b = exp(fit->theta[1]);
    const int time = cxm_priv_report_axis(page->report, "time", CXM_AXIS_INT);
    const int at_risk = cxm_priv_report_axis(page->report, "at_risk", CXM_AXIS_INT);
    const int events = cxm_priv_report_axis(page->report, "events", CXM_AXIS_INT);
    int64_t there = c->n;
    for (int32_t t = 0; t <= horizon; t++) {
        double g[2] = { 0, 0 };
        if (t > 0)
            cxm_priv_sbg_survival_gradient(a, b, t, g);
        const size_t row = cxm_priv_model_row(page, "survival", cxm_priv_sbg_survival(a, b, t),
                                              sqrt(cxm_priv_fit_variance(fit, 2, g)),
                                              CXM_SCALE_LOGIT, CXM_UNIT_SHARE);
        cxm_priv_report_int(page->report, row, time, t);
    }
    for (int32_t t = 1; t <= horizon; t++) {
        const double r = cxm_priv_sbg_retention(a, b, t), base = a + b + t - 1;
        const double g[2] = { -a * r / base, b * (1 - r) / base };
        const size_t row = cxm_priv_model_row(page, "retention", r,
                                              sqrt(cxm_priv_fit_variance(fit, 2, g)),
                                              CXM_SCALE_LOGIT, CXM_UNIT_SHARE);
        cxm_priv_report_int(page->report, row, time, t);
        if ((size_t)t > c->n_periods)
            continue;
        cxm_priv_report_int(page->report, row, at_risk, there);
        cxm_priv_report_int(page->report, row, events, c->lost[t - 1]);
        there -= c->lost[t - 1] + c->left[t - 1];
    }
}

static enum cxm_status unidentified(const struct counts *c, struct cxm_error *error)
{
    int64_t lost = 0;
    for (size_t t = 0; t < c->n_periods; t++)
        lost += c->lost[t];
    const char *why = c->n_periods < 2 ? "one period tells a / (a + b) only"
                    : lost == 0 ? "nobody was lost"
                    : lost == c->lost[0] ? "all were lost in the first period, or nobody later"
                    : "the likelihood rises towards the boundary";
    return cxm_priv_fail(error, CXM_ENOCONV, "event",
                         "the shifted beta geometric model has no maximum: %s", why);
}

static enum cxm_status fit_counts(const struct counts *c, const struct cxm_sbg_options *o,
                                  struct cxm_report **out, struct cxm_error *error)
{
    static const char *const names[] = { "a", "b" };
    const struct cxm_sbg_counts counts = { c->lost, c->left, c->n_periods };
    struct cxm_model_page page = { .report = cxm_priv_report_new(NULL), .metric = metric,
                                   .definition = definition };
    page.blank = cxm_priv_blank_estimate(o->level, CXM_UNIT_RATIO, CXM_BASE_CUSTOMERS);
    page.blank.n = c->n;
    page.blank.missing = c->missing;
    page.blank.excluded = c->excluded;
    page.blank.sum_weight = page.blank.n_eff = (double)c->n;
    if (c->n < 30)
        page.blank.flags = CXM_FLAG_SMALL_N;
    if (c->n == 0) {
        for (int i = 0; i < 2; i++)
            cxm_priv_model_row(&page, names[i], NAN, NAN, CXM_SCALE_NONE, CXM_UNIT_RATIO);
        return cxm_priv_report_finish(page.report, out, error);
    }
    /* One period is a ridge of maxima: the fit would end anywhere on it and call that converged. */
    struct cxm_fit fit = { .converged = false };
    if (c->n_periods > 1)
        fit = cxm_priv_sbg_fit(&counts);
    if (!fit.converged) {
        cxm_report_free(page.report);
        return unidentified(c, error);
    }
    const double a = exp(fit.theta[0]), b = exp(fit.theta[1]);
    const int32_t horizon = o->horizon > 0 ? o->horizon
                          : c->n_periods + 5 < MOST_PERIODS ? (int32_t)c->n_periods + 5
                                                            : MOST_PERIODS;
    cxm_priv_model_parameters(&page, &fit, names, 2);
    add_curve(&page, &fit, c, horizon);
    cxm_priv_model_row(&page, "tenure", cxm_priv_sbg_del(a, b, 0), NAN, CXM_SCALE_NONE,
                       CXM_UNIT_PER_CUSTOMER);
    if (o->discount > 0) {
        cxm_priv_model_row(&page, "del", cxm_priv_sbg_del(a, b, o->discount), NAN,
                           CXM_SCALE_NONE, CXM_UNIT_PER_CUSTOMER);
        cxm_priv_model_row(&page, "derl", cxm_priv_sbg_derl(a, b, o->renewals, o->discount), NAN,
                           CXM_SCALE_NONE, CXM_UNIT_PER_CUSTOMER);
    }
    return cxm_priv_report_finish(page.report, out, error);
}

/* ---- records -------------------------------------------------------------------------- */

static enum cxm_status count_records(const struct cxm_numbers *in, const char *name,
                                     struct counts *c, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < in->n && status == CXM_OK; i++) {
        const double duration = in->columns[0][i], event = in->columns[1][i];
        const double customers = in->columns[2][i];
        if (isnan(duration) || isnan(event)) {
            if (__builtin_add_overflow(c->missing, (int64_t)customers, &c->missing))
                status = cxm_priv_fail(error, CXM_EOVERFLOW, "freq", "more than 2^63 customers");
        } else if (duration == 0 && event != 0) {
            status = cxm_priv_fail_at(error, CXM_EDATA, name, (int64_t)i, "0",
                                      "%s: row %zu left in period 0; the first period is 1", name,
                                      i);
        } else {
            status = count(c, (size_t)duration, event != 0, (int64_t)customers, error);
        }
    }
    return status;
}

enum cxm_status cxm_shifted_beta_geometric(const struct cxm_column *duration,
                                           const struct cxm_column *event,
                                           const struct cxm_sbg_options *options,
                                           struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_sbg_options o;
    struct cxm_numbers in;
    struct counts c;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    enum cxm_status status = read_options(options, &o, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_number_input inputs[] = {
        { "duration", duration, false, 0, MOST_PERIODS, true },
        { "event", event, false, 0, 1, true },
        { "freq", o.freq, true, 0, 0x1p53, true },
    };
    status = cxm_priv_numbers_read(inputs, CXM_COUNT(inputs), NULL, &in, error);
    if (status != CXM_OK)
        return status;
    status = counts_new(&c, error);
    if (status == CXM_OK)
        status = count_records(&in, duration->name != NULL ? duration->name : "duration", &c, error);
    if (status == CXM_OK)
        status = fit_counts(&c, &o, out, error);
    cxm_priv_release(NULL, c.lost);
    cxm_priv_numbers_release(&in);
    return status;
}

/* ---- cohorts -------------------------------------------------------------------------- */

static enum cxm_status count_cohort(const struct cxm_column *column, const double *active,
                                    size_t n, struct counts *c, struct cxm_error *error)
{
    const char *name = column->name != NULL ? column->name : "active";
    size_t seen = 0;
    enum cxm_status status = CXM_OK;
    while (seen < n && !isnan(active[seen]))
        seen++;
    for (size_t t = seen; t < n; t++) {
        if (!isnan(active[t]))
            return cxm_priv_fail_at(error, CXM_EDATA, name, (int64_t)t, "",
                                    "%s: row %zu has customers after a row without", name, t);
    }
    for (size_t t = 1; t < seen && status == CXM_OK; t++) {
        if (active[t] > active[t - 1])
            return cxm_priv_fail_at(error, CXM_EDATA, name, (int64_t)t, "",
                                    "%s: more customers in row %zu than before", name, t);
        status = count(c, t, true, (int64_t)(active[t - 1] - active[t]), error);
    }
    if (status == CXM_OK && seen > 0)
        status = count(c, seen - 1, false, (int64_t)active[seen - 1], error);
    return status;
}

enum cxm_status cxm_shifted_beta_geometric_active(const struct cxm_column *active,
                                                  size_t n_cohorts,
                                                  const struct cxm_sbg_options *options,
                                                  struct cxm_report **out,
                                                  struct cxm_error *error)
{
    struct cxm_sbg_options o;
    struct counts c;
    if (out == NULL || active == NULL || n_cohorts == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "active", "active or out is missing");
    enum cxm_status status = read_options(options, &o, error);
    if (status == CXM_OK && o.freq != NULL)
        status = cxm_priv_fail(error, CXM_EINVAL, "freq", "freq does not go with cohorts");
    if (status != CXM_OK)
        return status;
    status = counts_new(&c, error);
    for (size_t i = 0; i < n_cohorts && status == CXM_OK; i++) {
        const struct cxm_number_input input = { "active", &active[i], false, 0, 0x1p53, true };
        struct cxm_numbers in;
        if (active[i].n > MOST_PERIODS)
            status = cxm_priv_fail(error, CXM_EINVAL, "active", "more than %d periods",
                                   MOST_PERIODS);
        else
            status = cxm_priv_numbers_read(&input, 1, NULL, &in, error);
        if (status != CXM_OK)
            break;
        status = count_cohort(&active[i], in.columns[0], in.n, &c, error);
        cxm_priv_numbers_release(&in);
    }
    if (status == CXM_OK)
        status = fit_counts(&c, &o, out, error);
    cxm_priv_release(NULL, c.lost);
    return status;
}
