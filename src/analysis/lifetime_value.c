/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lifetime value of a constant margin, and how unevenly value is spread among customers. */
#include "analysis/models.h"
#include "analysis/numbers.h"
#include "estimate/lifetime.h"

#include <cxm/lifetime.h>

#include <math.h>
#include <stdlib.h>

/* ---- a constant margin ---------------------------------------------------------------- */

static enum cxm_status check_value(const struct cxm_lifetime_value_options *o,
                                   struct cxm_error *error)
{
    if (!isfinite(o->margin))
        return cxm_priv_fail(error, CXM_EINVAL, "margin", "margin must be finite");
    if (!(o->retention >= 0 && o->retention <= 1))
        return cxm_priv_fail(error, CXM_EINVAL, "retention",
                             o->retention > 1 && o->retention <= 100
                                 ? "retention is a share between 0 and 1, not percent"
                                 : "retention must be between 0 and 1");
    if (!(o->discount > -1 && o->discount <= 1e6))
        return cxm_priv_fail(error, CXM_EINVAL, "discount", "discount must be above -1");
    if (o->discount < 0 && o->retention >= 1 + o->discount && o->periods == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "discount",
                             "with this discount the sum over all periods does not end");
    if (o->payment < CXM_PAYMENT_FIRST_NOW || o->payment > CXM_PAYMENT_FIRST_NEXT)
        return cxm_priv_fail(error, CXM_EINVAL, "payment",
                             "payment must say when the first payment is made: now, renewal or "
                             "next");
    if (o->periods < 0 || !(o->acquisition_cost >= 0) || isinf(o->acquisition_cost))
        return cxm_priv_fail(error, CXM_EINVAL, "periods",
                             "periods and acquisition_cost must be 0 or more");
    return CXM_OK;
}

enum cxm_status cxm_lifetime_value(const struct cxm_lifetime_value_options *options,
                                   struct cxm_report **out, struct cxm_error *error)
{
    static const enum cxm_first_payment payments[] = {
        [CXM_PAYMENT_FIRST_NOW] = CXM_PAYMENT_NOW,
        [CXM_PAYMENT_FIRST_RENEWAL] = CXM_PAYMENT_AFTER_RENEWAL,
        [CXM_PAYMENT_FIRST_NEXT] = CXM_PAYMENT_NEXT,
    };
    static const char *const names[] = { NULL, "lifetime-value/first=now",
                                         "lifetime-value/first=renewal",
                                         "lifetime-value/first=next" };
    struct cxm_lifetime_value_options o;
    if (out == NULL || options == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "options", "options or out is NULL");
    enum cxm_status status = cxm_priv_read_options(options, &o, sizeof o,
                                                   "cxm_lifetime_value_options", error);
    if (status == CXM_OK)
        status = check_value(&o, error);
    if (status != CXM_OK)
        return status;
    const double churn = 1 - o.retention, cost = o.acquisition_cost;
    const double value = cxm_priv_lifetime_value(o.margin, o.retention, o.discount,
                                                 payments[o.payment],
                                                 o.periods > 0 ? o.periods : INFINITY);
    struct cxm_model_page page = { .report = cxm_priv_report_new(NULL),
                                   .metric = "lifetime_value", .definition = names[o.payment] };
    page.blank = cxm_priv_blank_estimate(0.95, CXM_UNIT_MONEY, CXM_BASE_CUSTOMERS);
    cxm_priv_model_row(&page, "lifetime_value", value, NAN, CXM_SCALE_NONE, CXM_UNIT_MONEY);
    cxm_priv_model_row(&page, "mean_lifetime", churn > 0 ? 1 / churn : INFINITY, NAN,
                       CXM_SCALE_NONE, CXM_UNIT_PER_CUSTOMER);
    cxm_priv_model_row(&page, "completed_periods", churn > 0 ? o.retention / churn : INFINITY,
                       NAN, CXM_SCALE_NONE, CXM_UNIT_PER_CUSTOMER);
    if (cost > 0) {
        const double paid = cost * churn / o.margin;
        const double simple = o.margin > 0 ? cost / o.margin : NAN;
        const double among = o.margin > 0 && paid < 1
                                 ? churn > 0 ? log1p(-paid) / log(o.retention) : simple
                                 : NAN;
        cxm_priv_model_row(&page, "ltv_cac", value / cost, NAN, CXM_SCALE_NONE, CXM_UNIT_RATIO);
        cxm_priv_model_row(&page, "payback", simple, NAN, CXM_SCALE_NONE, CXM_UNIT_PER_CUSTOMER);
        cxm_priv_model_row(&page, "payback_churn", among, NAN, CXM_SCALE_NONE, CXM_UNIT_PER_CUSTOMER);
    }
    return cxm_priv_report_finish(page.report, out, error);
}

/* ---- contribution --------------------------------------------------------------------- */

/* Rows of (value, count), ascending. Curves are read with counts as steps of many customers. */
struct spread {
    const double *rows;
    size_t n_rows;
    double customers;
    struct cxm_dd total;
};

static double gini(const struct spread *s, bool unbiased)
{
    /* sum over customers of (2 i - n - 1) y_(i); a block of k equal ones ending at rank i has
     * the mean rank i - (k - 1) / 2. */
    struct cxm_dd ranked = { 0, 0 };
    double before = 0;
    for (size_t r = 0; r < s->n_rows; r++) {
        const double y = s->rows[2 * r], k = s->rows[2 * r + 1];
        const struct cxm_dd place = cxm_priv_dd_mul(cxm_priv_dd(2 * before + k - s->customers),
                                                    cxm_priv_dd(k));
        ranked = cxm_priv_dd_add(ranked, cxm_priv_dd_mul(place, cxm_priv_dd(y)));
        before += k;
    }
    const double per = unbiased ? s->customers - 1 : s->customers;
    if (!(s->total.hi > 0) || !(per > 0))
        return NAN;
    return cxm_priv_dd_div(ranked, cxm_priv_dd_mul(cxm_priv_dd(per), s->total)).hi;
}

static double top_share(const struct spread *s, double q)
{
    struct cxm_dd sum = { 0, 0 };
    double wanted = q * s->customers;
    for (size_t r = s->n_rows; r-- > 0 && wanted > 0;) {
        const double k = fmin(wanted, s->rows[2 * r + 1]);
        sum = cxm_priv_dd_add(sum, cxm_priv_dd_mul(cxm_priv_dd(k), cxm_priv_dd(s->rows[2 * r])));
        wanted -= k;
    }
    return s->total.hi > 0 ? cxm_priv_dd_div(sum, s->total).hi : NAN;
}

static enum cxm_status spread_report(const struct spread *s, struct cxm_model_page *page,
                                     const struct cxm_contribution_options *o,
                                     struct cxm_report **out, struct cxm_error *error)
{
    static const double usual[] = { 0.01, 0.05, 0.1, 0.2, 0.5 };
    const double *top = o->top != NULL ? o->top : usual;
    const size_t n_top = o->top != NULL ? o->n_top : CXM_COUNT(usual);
    const bool empty = s->customers == 0, loss = !empty && s->rows[0] < 0;
    cxm_priv_model_row(page, "total", empty ? NAN : s->total.hi, NAN, CXM_SCALE_NONE,
                       CXM_UNIT_MONEY);
    cxm_priv_model_row(page, "mean",
                       empty ? NAN : cxm_priv_dd_div(s->total, cxm_priv_dd(s->customers)).hi, NAN,
                       CXM_SCALE_NONE, CXM_UNIT_MONEY);
    for (int unbiased = 0; unbiased < 2; unbiased++) {
        const size_t row = cxm_priv_model_row(page, unbiased ? "gini_unbiased" : "gini",
                                              loss ? NAN : gini(s, unbiased), NAN,
                                              CXM_SCALE_NONE, CXM_UNIT_RATIO);
        struct cxm_estimate *e = cxm_priv_report_estimate(page->report, row);
        if (e != NULL && loss)
            e->flags |= CXM_FLAG_INCONSISTENT;
    }
    for (size_t i = 0; i < n_top; i++) {
        char name[64] = "", text[CXM_DOUBLE_TEXT];
        size_t used = 0;
        cxm_priv_append(name, sizeof name, &used, "top_share[%s]",
                        cxm_priv_double_text(top[i], text));
        cxm_priv_model_row(page, name, top_share(s, top[i]), NAN, CXM_SCALE_NONE, CXM_UNIT_SHARE);
    }
    return cxm_priv_report_finish(page->report, out, error);
}

/* Rows of (value, count); the base of the report. */
static enum cxm_status take_values(const struct cxm_numbers *in, double *rows, struct spread *s,
                                   struct cxm_estimate *base, struct cxm_error *error)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++) {
        const double value = in->columns[0][i], customers = in->columns[1][i];
        int64_t *counter = isnan(value) ? &base->missing : &base->n;
        if (__builtin_add_overflow(*counter, (int64_t)customers, counter))
            return cxm_priv_fail(error, CXM_EOVERFLOW, "freq", "more than 2^63 customers");
        if (isnan(value))
            continue;
        rows[2 * n] = value == 0 ? 0 : value; /* -0.0 is 0.0 */
        rows[2 * n + 1] = customers;
        n++;
    }
    s->rows = rows;
    s->n_rows = cxm_priv_distinct_rows(rows, n, 2);
    s->customers = (double)base->n;
    for (size_t r = 0; r < s->n_rows; r++)
        s->total = cxm_priv_dd_add(s->total, cxm_priv_dd_mul(cxm_priv_dd(rows[2 * r]),
                                                             cxm_priv_dd(rows[2 * r + 1])));
    base->sum_weight = base->n_eff = (double)base->n;
    if (base->n < 30)
        base->flags |= CXM_FLAG_SMALL_N;
    return CXM_OK;
}

enum cxm_status cxm_contribution(const struct cxm_column *value,
                                 const struct cxm_contribution_options *options,
                                 struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_contribution_options o;
    struct cxm_numbers in;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    enum cxm_status status = cxm_priv_read_options(options, &o, sizeof o,
                                                   "cxm_contribution_options", error);
    for (size_t i = 0; status == CXM_OK && o.top != NULL && i < o.n_top; i++) {
        if (!(o.top[i] > 0 && o.top[i] <= 1))
            status = cxm_priv_fail(error, CXM_EINVAL, "top",
                                   "top must be shares of the customers above 0 and at most 1");
    }
    if (status != CXM_OK)
        return status;
    const struct cxm_number_input inputs[] = {
        { "value", value, false, -1e300, 1e300, false },
        { "freq", o.freq, true, 0, 0x1p53, true },
    };
    status = cxm_priv_numbers_read(inputs, CXM_COUNT(inputs), NULL, &in, error);
    if (status != CXM_OK)
        return status;
    struct cxm_model_page page = { .report = cxm_priv_report_new(NULL),
                                   .metric = "contribution", .definition = "contribution" };
    page.blank = cxm_priv_blank_estimate(0.95, CXM_UNIT_MONEY, CXM_BASE_CUSTOMERS);
    struct spread spread = { .n_rows = 0 };
    double *rows = cxm_priv_alloc(NULL, in.n, 2 * sizeof *rows);
    status = rows == NULL ? cxm_priv_no_memory(error)
                          : take_values(&in, rows, &spread, &page.blank, error);
    cxm_priv_numbers_release(&in);
    if (status == CXM_OK)
        status = spread_report(&spread, &page, &o, out, error);
    else
        cxm_report_free(page.report);
    cxm_priv_release(NULL, rows);
    return status;
}
