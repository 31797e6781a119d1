/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * BG/NBD and Gamma-Gamma from columns, and what they predict for every customer. A fit holds 32
 * bytes a row while distinct rows are found; predictions hold the columns, 8 bytes a row each. */
#include "analysis/models.h"
#include "analysis/numbers.h"
#include "estimate/check.h"
#include "estimate/lifetime.h"

#include <cxm/lifetime.h>

#include <math.h>

static enum cxm_status too_many(struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_EOVERFLOW, "freq", "more than 2^63 customers");
}

static struct cxm_model_page page_of(const char *metric, const char *definition, double level)
{
    struct cxm_model_page page = { .report = cxm_priv_report_new(NULL), .metric = metric,
                                   .definition = definition };
    page.blank = cxm_priv_blank_estimate(level, CXM_UNIT_RATIO, CXM_BASE_CUSTOMERS);
    return page;
}

static void settle_base(struct cxm_model_page *page)
{
    page->blank.sum_weight = page->blank.n_eff = (double)page->blank.n;
    if (page->blank.n < 30)
        page->blank.flags |= CXM_FLAG_SMALL_N;
}

/* ---- BG/NBD --------------------------------------------------------------------------- */

enum { FREQUENCY, RECENCY, AGE, FREQ };

static bool is_bad(double x, double recency, double age)
{
    return recency > age || (x == 0) != (recency == 0);
}

/* Rows of (x, recency, age, n), and the base of the report. */
static enum cxm_status take_purchases(const struct cxm_numbers *in, double *rows, size_t *n,
                                      struct cxm_estimate *base, struct cxm_error *error)
{
    *n = 0;
    for (size_t i = 0; i < in->n; i++) {
        const double x = in->columns[FREQUENCY][i], recency = in->columns[RECENCY][i];
        const double age = in->columns[AGE][i], customers = in->columns[FREQ][i];
        const bool missing = isnan(x) || isnan(recency) || isnan(age);
        int64_t *counter = missing ? &base->missing
                         : is_bad(x, recency, age) ? &base->excluded : &base->n;
        if (__builtin_add_overflow(*counter, (int64_t)customers, counter))
            return too_many(error);
        if (counter == &base->n) {
            const double row[] = { x, recency, age, customers };
            memcpy(rows + 4 * (*n)++, row, sizeof row);
        }
    }
    *n = cxm_priv_distinct_rows(rows, *n, 4);
    return CXM_OK;
}

/* E[X(t)] with the delta method: the gradient by central differences in the logarithms. */
static void add_expected(const struct cxm_model_page *page, const struct cxm_fit *fit,
                         const double *times, size_t n_times)
{
    static const double h = 1e-4;
    const int time = cxm_priv_report_axis(page->report, "time", CXM_AXIS_REAL);
    for (size_t i = 0; i < n_times; i++) {
        double theta[4], g[4];
        memcpy(theta, fit->theta, sizeof theta);
        for (int k = 0; k < 4; k++) {
            double side[2];
            for (int s = 0; s < 2; s++) {
                theta[k] = fit->theta[k] + (s == 0 ? -h : h);
                const struct cxm_bg_nbd m = { exp(theta[0]), exp(theta[1]), exp(theta[2]),
                                              exp(theta[3]) };
                side[s] = cxm_priv_bg_nbd_expected(&m, times[i]);
            }
            theta[k] = fit->theta[k];
            g[k] = (side[1] - side[0]) / (2 * h);
        }
        const struct cxm_bg_nbd m = { exp(theta[0]), exp(theta[1]), exp(theta[2]), exp(theta[3]) };
        const size_t row = cxm_priv_model_row(page, "expected",
                                              cxm_priv_bg_nbd_expected(&m, times[i]),
                                              sqrt(cxm_priv_fit_variance(fit, 4, g)),
                                              CXM_SCALE_LOG, CXM_UNIT_PER_CUSTOMER);
        cxm_priv_report_real(page->report, row, time, times[i]);
    }
}

static enum cxm_status fit_purchases(const double *rows, size_t n, struct cxm_model_page *page,
                                     const struct cxm_bg_nbd_options *o,
                                     struct cxm_report **out, struct cxm_error *error)
{
    static const char *const names[] = { "r", "alpha", "a", "b" };
    settle_base(page);
    if (page->blank.n == 0) {
        for (size_t i = 0; i < CXM_COUNT(names); i++)
            cxm_priv_model_row(page, names[i], NAN, NAN, CXM_SCALE_NONE, CXM_UNIT_RATIO);
        return cxm_priv_report_finish(page->report, out, error);
    }
    struct cxm_purchases *kinds = cxm_priv_alloc(NULL, n, sizeof *kinds);
    if (kinds == NULL) {
        cxm_report_free(page->report);
        return cxm_priv_no_memory(error);
    }
    bool repeat = false;
    for (size_t i = 0; i < n; i++) {
        const double *row = rows + 4 * i;
        kinds[i] = (struct cxm_purchases){ row[0], row[1], row[2], row[3] };
        repeat |= row[0] > 0;
    }
    struct cxm_fit fit = { .converged = false };
    if (repeat)
        fit = cxm_priv_bg_nbd_fit(kinds, n);
    cxm_priv_release(NULL, kinds);
    if (!fit.converged) {
        cxm_report_free(page->report);
        return cxm_priv_fail(error, CXM_ENOCONV, "frequency",
                             "the BG/NBD model has no maximum: %s",
                             repeat ? "the likelihood rises towards the boundary"
                                    : "no customer ordered again");
    }
    cxm_priv_model_parameters(page, &fit, names, 4);
    add_expected(page, &fit, o->times, o->n_times);
    return cxm_priv_report_finish(page->report, out, error);
}

static enum cxm_status check_times(const double *times, size_t n, struct cxm_error *error)
{
    if (n > 0 && times == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "times", "times are missing");
    for (size_t i = 0; i < n; i++) {
        if (!(times[i] >= 0 && times[i] <= 1e12))
            return cxm_priv_fail(error, CXM_EINVAL, "times",
                                 "times must be finite and 0 or more");
    }
    return CXM_OK;
}

enum cxm_status cxm_bg_nbd(const struct cxm_column *frequency, const struct cxm_column *recency,
                           const struct cxm_column *age, const struct cxm_bg_nbd_options *options,
                           struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_bg_nbd_options o;
    struct cxm_numbers in;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    enum cxm_status status = cxm_priv_read_options(options, &o, sizeof o, "cxm_bg_nbd_options",
                                                   error);
    if (status == CXM_OK && o.level == 0)
        o.level = 0.95;
    if (status == CXM_OK)
        status = cxm_priv_check_level(o.level, error);
    if (status == CXM_OK)
        status = check_times(o.times, o.n_times, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_number_input inputs[] = {
        { "frequency", frequency, false, 0, 1e9, true },
        { "recency", recency, false, 0, 1e12, false },
        { "age", age, false, 0, 1e12, false },
        { "freq", o.freq, true, 0, 0x1p53, true },
    };
    status = cxm_priv_numbers_read(inputs, CXM_COUNT(inputs), NULL, &in, error);
    if (status != CXM_OK)
        return status;
    double *rows = cxm_priv_alloc(NULL, in.n, 4 * sizeof *rows);
    struct cxm_model_page page = page_of("bg_nbd", "bg-nbd", o.level);
    size_t n = 0;
    status = rows == NULL || page.report == NULL
                 ? cxm_priv_no_memory(error)
                 : take_purchases(&in, rows, &n, &page.blank, error);
    cxm_priv_numbers_release(&in);
    if (status == CXM_OK)
        status = fit_purchases(rows, n, &page, &o, out, error);
    else
        cxm_report_free(page.report);
    cxm_priv_release(NULL, rows);
    return status;
}

/* ---- Gamma-Gamma ---------------------------------------------------------------------- */

/* Rows of (x, mean, n). */
static enum cxm_status take_spending(const struct cxm_numbers *in, double *rows, size_t *n,
                                     struct cxm_estimate *base, struct cxm_error *error)
{
    *n = 0;
    for (size_t i = 0; i < in->n; i++) {
        const double x = in->columns[0][i], value = in->columns[1][i];
        const double customers = in->columns[2][i];
        const bool missing = isnan(x) || (isnan(value) && x > 0);
        int64_t *counter = missing ? &base->missing
                         : x == 0 || !(value > 0) ? &base->excluded : &base->n;
        if (__builtin_add_overflow(*counter, (int64_t)customers, counter))
            return too_many(error);
        if (counter == &base->n) {
            const double row[] = { x, value, customers };
            memcpy(rows + 3 * (*n)++, row, sizeof row);
        }
    }
    *n = cxm_priv_distinct_rows(rows, *n, 3);
    return CXM_OK;
}

/* Pearson's correlation of columns 0 and 1 with counts in column 2. */
static double correlation(const double *rows, size_t n)
{
    struct cxm_dd size = { 0, 0 }, mean[2] = { { 0, 0 }, { 0, 0 } }, square[3] = { { 0, 0 } };
    for (size_t i = 0; i < n; i++) {
        const struct cxm_dd w = cxm_priv_dd(rows[3 * i + 2]);
        size = cxm_priv_dd_add(size, w);
        for (int k = 0; k < 2; k++)
            mean[k] = cxm_priv_dd_add(mean[k], cxm_priv_dd_mul(w, cxm_priv_dd(rows[3 * i + (size_t)k])));
    }
    for (int k = 0; k < 2; k++)
        mean[k] = cxm_priv_dd_div(mean[k], size);
    for (size_t i = 0; i < n; i++) {
        const struct cxm_dd w = cxm_priv_dd(rows[3 * i + 2]);
        const struct cxm_dd u = cxm_priv_dd_sub(cxm_priv_dd(rows[3 * i]), mean[0]);
        const struct cxm_dd v = cxm_priv_dd_sub(cxm_priv_dd(rows[3 * i + 1]), mean[1]);
        square[0] = cxm_priv_dd_add(square[0], cxm_priv_dd_mul(w, cxm_priv_dd_mul(u, u)));
        square[1] = cxm_priv_dd_add(square[1], cxm_priv_dd_mul(w, cxm_priv_dd_mul(v, v)));
        square[2] = cxm_priv_dd_add(square[2], cxm_priv_dd_mul(w, cxm_priv_dd_mul(u, v)));
    }
    if (!(square[0].hi > 0 && square[1].hi > 0))
        return NAN;
    return square[2].hi / (sqrt(square[0].hi) * sqrt(square[1].hi));
}

/* The mean order value p gamma / (q - 1) and its delta-method error. */
static void add_mean_value(const struct cxm_model_page *page, const struct cxm_fit *fit)
{
    const struct cxm_gamma_gamma m = { exp(fit->theta[0]), exp(fit->theta[1]),
                                       exp(fit->theta[2]) };
    const double mean = cxm_priv_gamma_gamma_expected(&m, 0, 0);
    const double g[3] = { mean, -mean * m.q / (m.q - 1), mean };
    const double error = isinf(mean) ? NAN : sqrt(cxm_priv_fit_variance(fit, 3, g));
    cxm_priv_model_row(page, "mean_value", mean, error, CXM_SCALE_LOG, CXM_UNIT_MONEY);
}

static enum cxm_status fit_spending(const double *rows, size_t n, struct cxm_model_page *page,
                                    struct cxm_report **out, struct cxm_error *error)
{
    static const char *const names[] = { "p", "q", "gamma" };
    settle_base(page);
    if (page->blank.n == 0) {
        for (size_t i = 0; i < CXM_COUNT(names); i++)
            cxm_priv_model_row(page, names[i], NAN, NAN, CXM_SCALE_NONE, CXM_UNIT_RATIO);
        return cxm_priv_report_finish(page->report, out, error);
    }
    struct cxm_spending *kinds = cxm_priv_alloc(NULL, n, sizeof *kinds);
    if (kinds == NULL) {
        cxm_report_free(page->report);
        return cxm_priv_no_memory(error);
    }
    for (size_t i = 0; i < n; i++)
        kinds[i] = (struct cxm_spending){ rows[3 * i], rows[3 * i + 1], rows[3 * i + 2] };
    const struct cxm_fit fit = cxm_priv_gamma_gamma_fit(kinds, n);
    cxm_priv_release(NULL, kinds);
    if (!fit.converged) {
        cxm_report_free(page->report);
        return cxm_priv_fail(error, CXM_ENOCONV, "value",
                             "the Gamma-Gamma model has no maximum: values of customers do not "
                             "differ more than orders do, or there are too few");
    }
    cxm_priv_model_parameters(page, &fit, names, 3);
    add_mean_value(page, &fit);
    cxm_priv_model_row(page, "correlation", correlation(rows, n), NAN, CXM_SCALE_NONE,
                       CXM_UNIT_RATIO);
    return cxm_priv_report_finish(page->report, out, error);
}

enum cxm_status cxm_gamma_gamma(const struct cxm_column *frequency,
                                const struct cxm_column *value,
                                const struct cxm_gamma_gamma_options *options,
                                struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_gamma_gamma_options o;
    struct cxm_numbers in;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    enum cxm_status status = cxm_priv_read_options(options, &o, sizeof o,
                                                   "cxm_gamma_gamma_options", error);
    if (status == CXM_OK && o.level == 0)
        o.level = 0.95;
    if (status == CXM_OK)
        status = cxm_priv_check_level(o.level, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_number_input inputs[] = {
        { "frequency", frequency, false, 0, 1e9, true },
        { "value", value, false, -1e15, 1e15, false },
        { "freq", o.freq, true, 0, 0x1p53, true },
    };
    status = cxm_priv_numbers_read(inputs, CXM_COUNT(inputs), NULL, &in, error);
    if (status != CXM_OK)
        return status;
    double *rows = cxm_priv_alloc(NULL, in.n, 3 * sizeof *rows);
    struct cxm_model_page page = page_of("gamma_gamma", "gamma-gamma", o.level);
    size_t n = 0;
    status = rows == NULL || page.report == NULL
                 ? cxm_priv_no_memory(error)
                 : take_spending(&in, rows, &n, &page.blank, error);
    cxm_priv_numbers_release(&in);
    if (status == CXM_OK)
        status = fit_spending(rows, n, &page, out, error);
    else
        cxm_report_free(page.report);
    cxm_priv_release(NULL, rows);
    return status;
}
