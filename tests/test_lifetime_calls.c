/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The calls of lifetime.h: worked figures through columns, the base, bad input, memory. Figures are
 * those of test_lifetime.c, of the definitions' papers, or worked by hand beside the row. */
#include "failing_malloc.h"

#include <cxm/cxm.h>

static struct cxm_column reals(const char *name, const double *data, size_t n)
{
    return cxm_column_make(name, CXM_F64, data, (int64_t)n, 8, 8);
}

/* The row of a measure, the k-th of them. */
static struct cxm_row row_of(const struct cxm_report *r, const char *measure, size_t k)
{
    struct cxm_row row = { .measure = "" };
    for (size_t i = 0; i < cxm_report_rows(r); i++) {
        if (strcmp(cxm_report_measure(r, i), measure) == 0 && k-- == 0) {
            assert_int_equal(cxm_report_row(r, i, &row), CXM_OK);
            return row;
        }
    }
    fail_msg("there is no measure %s", measure);
    return row;
}

static double value_of(const struct cxm_report *r, const char *measure)
{
    return row_of(r, measure, 0).estimate.value;
}

/* ---- shifted beta geometric ----------------------------------------------------------- */

static const double high_end[] = { 1000, 869, 743, 653, 593, 551, 517, 491 };

static enum cxm_status fit_high_end(double discount, struct cxm_report **out)
{
    const struct cxm_column active = reals("active", high_end, 8);
    return cxm_shifted_beta_geometric_active(
        &active, 1, &(struct cxm_sbg_options){ .size = sizeof(struct cxm_sbg_options),
                                               .discount = discount, .horizon = 12 },
        out, NULL);
}

static void sbg_from_cohorts(void **state)
{
    (void)state;
    struct cxm_report *r = NULL;
    assert_int_equal(fit_high_end(0.1, &r), CXM_OK);
    assert_close(value_of(r, "a"), 0.66808835110644622, 1e-9);
    assert_close(value_of(r, "b"), 3.8060949640582669, 1e-9);
    assert_close(value_of(r, "log_likelihood"), -1611.1581473911564, 1e-13);
    assert_close(row_of(r, "survival", 12).estimate.value, 0.37799907159740885, 1e-9);
    assert_close(row_of(r, "survival", 0).estimate.value, 1, 0);
    assert_int_equal(row_of(r, "a", 0).estimate.n, 1000);
    assert_true(isinf(value_of(r, "tenure")));
    assert_true(value_of(r, "del") > value_of(r, "derl"));
    const struct cxm_estimate s = row_of(r, "survival", 8).estimate;
    assert_true(s.lower < 0.468 && s.value < s.upper); /* 46.8 % were seen in year 8 */
    const double odds = s.value / (1 - s.value); /* the value is in the middle of the logits */
    assert_close(s.lower / (1 - s.lower) * (s.upper / (1 - s.upper)), odds * odds, 1e-12);
    const int64_t at_risk = cxm_report_find_axis(r, "at_risk");
    for (size_t i = 0; i < cxm_report_rows(r); i++) {
        if (strcmp(cxm_report_measure(r, i), "retention") == 0) {
            assert_true(cxm_report_ints(r, (size_t)at_risk)[i] == 1000);
            break;
        }
    }
    cxm_report_free(r);
}

/* The same customers as records, with freq, in another order: the same bits. */
static void sbg_from_records(void **state)
{
    static const double duration[] = { 7, 7, 6, 5, 4, 3, 2, 1, NAN, 0 };
    static const double event[] = { 0, 1, 1, 1, 1, 1, 1, 1, 1, 0 };
    static const double freq[] = { 491, 26, 34, 42, 60, 90, 126, 131, 5, 3 };
    (void)state;
    struct cxm_report *a = NULL, *b = NULL;
    const struct cxm_column d = reals("d", duration, 10), e = reals("e", event, 10),
                            f = reals("f", freq, 10);
    struct cxm_sbg_options o = { .size = sizeof o, .freq = &f, .horizon = 12 };
    assert_int_equal(fit_high_end(0, &a), CXM_OK);
    assert_int_equal(cxm_shifted_beta_geometric(&d, &e, &o, &b, NULL), CXM_OK);
    const struct cxm_estimate got = row_of(b, "a", 0).estimate;
    assert_int_equal(got.n, 1000);
    assert_int_equal(got.missing, 5);
    assert_int_equal(got.excluded, 3);
    assert_int_equal(cxm_report_rows(a), cxm_report_rows(b));
    for (size_t i = 0; i < cxm_report_rows(a); i++)
        assert_close(cxm_report_estimates(a)[i].value, cxm_report_estimates(b)[i].value, 0);
    cxm_report_free(a);
    cxm_report_free(b);
}

static void sbg_does_not_pretend(void **state)
{
    static const double kept[] = { 100, 100, 100 }, one[] = { 100, 80 }, half_left[] = { 100, 50 },
                        up[] = { 5, 6 },
                        hole[] = { 5, NAN, 4 }, zero_duration[] = { 0 }, left[] = { 1 },
                        late[] = { 3.5 };
    (void)state;
    struct cxm_report *r = NULL;
    struct cxm_error error;
    struct cxm_column c = reals("kept", kept, 3);
    assert_int_equal(cxm_shifted_beta_geometric_active(&c, 1, NULL, &r, &error), CXM_ENOCONV);
    assert_non_null(strstr(error.message, "nobody was lost"));
    c = reals("one", one, 2);
    assert_int_equal(cxm_shifted_beta_geometric_active(&c, 1, NULL, &r, &error), CXM_ENOCONV);
    assert_non_null(strstr(error.message, "one period"));
    c = reals("half_left", half_left, 2); /* the fit starts on the ridge, where nothing rises */
    assert_int_equal(cxm_shifted_beta_geometric_active(&c, 1, NULL, &r, &error), CXM_ENOCONV);
    assert_non_null(strstr(error.message, "one period"));
    c = reals("up", up, 2);
    assert_int_equal(cxm_shifted_beta_geometric_active(&c, 1, NULL, &r, &error), CXM_EDATA);
    assert_string_equal(error.column, "up");
    assert_int_equal(error.row, 1);
    c = reals("hole", hole, 3);
    assert_int_equal(cxm_shifted_beta_geometric_active(&c, 1, NULL, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 2);
    const struct cxm_column d = reals("d", zero_duration, 1), e = reals("e", left, 1),
                            half = reals("half", late, 1), two = reals("e", one, 2);
    assert_int_equal(cxm_shifted_beta_geometric(&d, &e, NULL, &r, &error), CXM_EDATA);
    assert_int_equal(cxm_shifted_beta_geometric(&half, &e, NULL, &r, &error), CXM_EDATA);
    assert_non_null(strstr(error.message, "whole"));
    assert_int_equal(cxm_shifted_beta_geometric(&d, &two, NULL, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_shifted_beta_geometric(NULL, &e, NULL, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_shifted_beta_geometric(&d, &e, NULL, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_shifted_beta_geometric_active(&c, 0, NULL, &r, &error), CXM_EINVAL);
    struct cxm_sbg_options o = { .size = sizeof o, .level = 95 };
    assert_int_equal(cxm_shifted_beta_geometric_active(&c, 1, &o, &r, &error), CXM_EINVAL);
    o.size = 1;
    assert_int_equal(cxm_shifted_beta_geometric_active(&c, 1, &o, &r, &error), CXM_EINVAL);
    assert_null(r);
}

static void sbg_of_nobody(void **state)
{
    (void)state;
    struct cxm_report *r = NULL;
    const struct cxm_column d = reals("d", NULL, 0), e = reals("e", NULL, 0);
    assert_int_equal(cxm_shifted_beta_geometric(&d, &e, NULL, &r, NULL), CXM_OK);
    const struct cxm_estimate a = row_of(r, "a", 0).estimate;
    assert_true(isnan(a.value) && (a.flags & CXM_FLAG_NO_DATA));
    cxm_report_free(r);
}

/* ---- BG/NBD and Gamma-Gamma ----------------------------------------------------------- */

enum { KINDS = 12 };
static const double x[KINDS] = { 0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 9, 15 };
static const double recency[KINDS] = { 0, 0, 5, 18, 12, 19, 28, 10, 29, 19, 28, 29 };
static const double age[KINDS] = { 30, 20, 30, 20, 30, 20, 30, 20, 30, 20, 30, 30 };
static const double customers[KINDS] = { 500, 300, 90, 60, 50, 30, 35, 12, 25, 10, 8, 3 };

static enum cxm_status fit_orders(struct cxm_report **out)
{
    static const double times[] = { 1, 10 };
    const struct cxm_column cx = reals("x", x, KINDS), cr = reals("r", recency, KINDS),
                            ca = reals("a", age, KINDS), cf = reals("f", customers, KINDS);
    const struct cxm_bg_nbd_options o = { .size = sizeof o, .freq = &cf, .times = times,
                                          .n_times = 2 };
    return cxm_bg_nbd(&cx, &cr, &ca, &o, out, NULL);
}

/* Customers one by one, shuffled, with rows that do not count. */
static void bg_nbd_does_not_see_the_order(void **state)
{
    (void)state;
    enum { N = 1123 + 3 };
    double cx[N], cr[N], ca[N];
    size_t n = 0;
    for (size_t k = 0; k < KINDS; k++) {
        for (int i = 0; i < (int)customers[k]; i++, n++) {
            cx[n] = x[k];
            cr[n] = recency[k];
            ca[n] = age[k];
        }
    }
    cx[n] = NAN, cr[n] = 1, ca[n++] = 2;  /* missing */
    cx[n] = 2, cr[n] = 31, ca[n++] = 30;  /* recency > age: bad */
    cx[n] = 0, cr[n] = 3, ca[n++] = 30;   /* no repeat order, yet a recency: bad */
    assert_int_equal(n, N);
    for (size_t i = N - 1, seed = 12345; i > 0; i--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const size_t j = (seed >> 33) % (i + 1);
        double t = cx[i];
        cx[i] = cx[j], cx[j] = t;
        t = cr[i], cr[i] = cr[j], cr[j] = t;
        t = ca[i], ca[i] = ca[j], ca[j] = t;
    }
    struct cxm_report *one = NULL, *all = NULL;
    const struct cxm_column columns[] = { reals("x", cx, N), reals("r", cr, N),
                                          reals("a", ca, N) };
    static const double times[] = { 1, 10 };
    const struct cxm_bg_nbd_options o = { .size = sizeof o, .times = times, .n_times = 2 };
    assert_int_equal(fit_orders(&all), CXM_OK);
    assert_int_equal(cxm_bg_nbd(&columns[0], &columns[1], &columns[2], &o, &one, NULL), CXM_OK);
    const struct cxm_estimate r = row_of(one, "r", 0).estimate;
    assert_int_equal(r.n, 1123);
    assert_int_equal(r.missing, 1);
    assert_int_equal(r.excluded, 2);
    for (size_t i = 0; i < cxm_report_rows(all); i++)
        assert_close(cxm_report_estimates(one)[i].value, cxm_report_estimates(all)[i].value, 0);
    assert_true(row_of(one, "expected", 0).estimate.std_error > 0);
    cxm_report_free(one);
    cxm_report_free(all);
}

static void predictions(void **state)
{
    static const double orders[] = { 0.243, 4.414, 0.793, 2.426 }, spending[] = { 6.25, 3.74, 15.44 };
    static const double px[] = { 2, 0, 1, 2, 1 }, pr[] = { 30.43, 0, 1.71, 40, NAN };
    static const double pa[] = { 38.86, 38.86, 38.86, 38.86, 38.86 };
    static const double pv[] = { 22.35, NAN, 11.77, 5, 5 };
    (void)state;
    double alive[5], expected[5], value[5], worth[5];
    struct cxm_error error;
    const struct cxm_column cx = reals("x", px, 5), cr = reals("r", pr, 5),
                            ca = reals("a", pa, 5), cv = reals("v", pv, 5);
    assert_int_equal(cxm_bg_nbd_predict(orders, &cx, &cr, &ca, 39, alive, expected, NULL), CXM_OK);
    assert_close(alive[0], 0.72657857008067291, 1e-14);
    assert_close(expected[0], 1.2260281747671444, 1e-12);
    assert_close(alive[1], 1, 0);
    assert_close(expected[1], 0.19509805201126264, 1e-12);
    assert_close(expected[2], 0.20318698707975406, 1e-12);
    assert_true(isnan(alive[3]) && isnan(expected[3]) && isnan(alive[4]));
    assert_int_equal(cxm_gamma_gamma_predict(spending, &cx, &cv, value, NULL), CXM_OK);
    assert_true(fabs(value[0] - 24.6637) < 5e-5);
    assert_true(fabs(value[1] - 35.2190) < 5e-5);
    assert_true(fabs(value[2] - 18.9169) < 5e-5);
    assert_int_equal(cxm_customer_lifetime_value(orders, spending, &cx, &cr, &ca, &cv, 12, 4.345,
                                                 0.01, worth, NULL), CXM_OK);
    assert_true(fabs(worth[0] - 36.289211) < 5e-7);
    assert_true(isnan(worth[3]));
    static const double wrong[] = { 0.243, 0, 0.793, 2.426 };
    assert_int_equal(cxm_bg_nbd_predict(wrong, &cx, &cr, &ca, 39, alive, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_bg_nbd_predict(orders, &cx, &cr, &ca, -1, alive, NULL, &error),
                     CXM_EINVAL);
    assert_int_equal(cxm_customer_lifetime_value(orders, spending, &cx, &cr, &ca, &cv, 0, 4, 0,
                                                 worth, &error), CXM_EINVAL);
    assert_int_equal(cxm_gamma_gamma_predict(spending, &cx, &cv, NULL, &error), CXM_EINVAL);
}

static void bg_nbd_does_not_pretend(void **state)
{
    static const double none[] = { 0, 0 }, ages[] = { 10, 20 }, half[] = { 0.5, 1 };
    (void)state;
    struct cxm_report *r = NULL;
    struct cxm_error error;
    const struct cxm_column cx = reals("x", none, 2), ca = reals("a", ages, 2),
                            ch = reals("h", half, 2);
    assert_int_equal(cxm_bg_nbd(&cx, &cx, &ca, NULL, &r, &error), CXM_ENOCONV);
    assert_non_null(strstr(error.message, "ordered again"));
    assert_int_equal(cxm_bg_nbd(&ch, &cx, &ca, NULL, &r, &error), CXM_EDATA);
    assert_string_equal(error.column, "h");
    assert_int_equal(cxm_bg_nbd(&cx, &cx, &ca, NULL, NULL, &error), CXM_EINVAL);
    assert_null(r);
}

static const double gx[KINDS] = { 1, 1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8 };
static const double gm[KINDS] = { 8, 15, 30, 60, 12, 25, 50, 15, 30, 70, 28, 45 };
static const double gn[KINDS] = { 60, 120, 90, 40, 50, 80, 40, 25, 45, 20, 15, 12 };

static enum cxm_status fit_spending(struct cxm_report **out)
{
    const struct cxm_column cx = reals("x", gx, KINDS), cm = reals("m", gm, KINDS),
                            cn = reals("n", gn, KINDS);
    const struct cxm_gamma_gamma_options o = { .size = sizeof o, .freq = &cn };
    return cxm_gamma_gamma(&cx, &cm, &o, out, NULL);
}

static void gamma_gamma_from_columns(void **state)
{
    (void)state;
    struct cxm_report *r = NULL;
    assert_int_equal(fit_spending(&r), CXM_OK);
    assert_true(fabs(value_of(r, "p") - 4.6242) < 5e-5);
    assert_true(fabs(value_of(r, "q") - 5.6181) < 5e-5);
    assert_true(fabs(value_of(r, "gamma") - 27.904) < 5e-4);
    assert_true(fabs(value_of(r, "log_likelihood") + 2393.717286) < 5e-7);
    const struct cxm_estimate mean = row_of(r, "mean_value", 0).estimate;
    assert_close(mean.value, value_of(r, "p") * value_of(r, "gamma") / (value_of(r, "q") - 1),
                 1e-12);
    assert_true(mean.lower < mean.value && mean.value < mean.upper && mean.upper < 40);
    assert_close(value_of(r, "correlation"), 0.2319771117363834, 1e-13); /* NumPy corrcoef */
    cxm_report_free(r);
    static const double fx[] = { 0, 2, 1, 3 }, fm[] = { NAN, -1, NAN, 0 };
    const struct cxm_column cx = reals("x", fx, 4), cm = reals("m", fm, 4);
    assert_int_equal(cxm_gamma_gamma(&cx, &cm, NULL, &r, NULL), CXM_OK);
    const struct cxm_estimate p = row_of(r, "p", 0).estimate;
    assert_int_equal(p.n, 0);
    assert_int_equal(p.missing, 1);
    assert_int_equal(p.excluded, 3);
    assert_true(isnan(p.value));
    cxm_report_free(r);
}

/* ---- lifetime value, contribution ------------------------------------------------------ */

static struct cxm_report *lifetime(struct cxm_lifetime_value_options o)
{
    struct cxm_report *r = NULL;
    o.size = sizeof o;
    assert_int_equal(cxm_lifetime_value(&o, &r, NULL), CXM_OK);
    return r;
}

static void lifetime_values(void **state)
{
    (void)state;
    struct cxm_report *r = lifetime((struct cxm_lifetime_value_options){
        .margin = 100, .retention = 0.8, .discount = 0.1, .payment = CXM_PAYMENT_FIRST_NOW });
    assert_close(value_of(r, "lifetime_value"), 110 / 0.3, 1e-14);
    assert_close(value_of(r, "mean_lifetime"), 5, 1e-14);
    assert_close(value_of(r, "completed_periods"), 4, 1e-14);
    assert_int_equal(cxm_report_rows(r), 3);
    cxm_report_free(r);
    /* ARPA 50 at a margin of 0.8, churn 3 %, CAC 300 */
    r = lifetime((struct cxm_lifetime_value_options){
        .margin = 40, .retention = 0.97, .payment = CXM_PAYMENT_FIRST_NOW,
        .acquisition_cost = 300 });
    assert_close(value_of(r, "lifetime_value"), 40 / 0.03, 1e-13);
    assert_close(value_of(r, "ltv_cac"), 40 / 0.03 / 300, 1e-13);
    assert_close(value_of(r, "payback"), 7.5, 1e-15);
    assert_true(fabs(value_of(r, "payback_churn") - 8.3683) < 5e-5);
    cxm_report_free(r);
    r = lifetime((struct cxm_lifetime_value_options){
        .margin = 40, .retention = 0.97, .discount = 0.01, .payment = CXM_PAYMENT_FIRST_NOW });
    assert_close(value_of(r, "lifetime_value"), 1010, 1e-13);
    cxm_report_free(r);
    r = lifetime((struct cxm_lifetime_value_options){
        .margin = 4, .retention = 0.9, .payment = CXM_PAYMENT_FIRST_NOW, .acquisition_cost = 50 });
    assert_true(isnan(value_of(r, "payback_churn"))); /* 50 x 0.1 >= 4: never */
    cxm_report_free(r);
    /* ln(1 - c / 2) / ln(1 - c): 1 / 2 when nobody leaves, and less the more leave */
    const struct { double retention, payback; } paid[] = {
        { 1, 0.5 }, { 0.5, 0.41503749927884381 }, { 0x1p-60, 1.0 / 60 }, { 0, 0 },
    };
    for (size_t i = 0; i < sizeof paid / sizeof paid[0]; i++) {
        r = lifetime((struct cxm_lifetime_value_options){
            .margin = 100, .retention = paid[i].retention, .payment = CXM_PAYMENT_FIRST_NOW,
            .acquisition_cost = 50 });
        assert_close(value_of(r, "payback"), 0.5, 0);
        assert_close(value_of(r, "payback_churn"), paid[i].payback, 1e-15);
        cxm_report_free(r);
    }
    struct cxm_error error;
    struct cxm_lifetime_value_options o = { .size = sizeof o, .margin = 1, .retention = 80,
                                            .payment = CXM_PAYMENT_FIRST_NOW };
    assert_int_equal(cxm_lifetime_value(&o, &r, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "percent"));
    o.retention = 0.8;
    o.payment = 0;
    assert_int_equal(cxm_lifetime_value(&o, &r, &error), CXM_EINVAL);
    assert_string_equal(error.column, "payment");
    o.payment = CXM_PAYMENT_FIRST_NEXT;
    o.discount = -1;
    assert_int_equal(cxm_lifetime_value(&o, &r, &error), CXM_EINVAL);
}

static struct cxm_report *contribution(const double *data, size_t n, double top,
                                       const double *freq)
{
    struct cxm_report *r = NULL;
    const struct cxm_column c = reals("profit", data, n), f = reals("f", freq, n);
    const struct cxm_contribution_options o = { .size = sizeof o, .top = top > 0 ? &top : NULL,
                                                .n_top = 1, .freq = freq ? &f : NULL };
    assert_int_equal(cxm_contribution(&c, &o, &r, NULL), CXM_OK);
    return r;
}

static void contributions(void **state)
{
    static const double five[] = { 300, 20, 500, 60, NAN, 120 }, losses[] = { 500, 300, 120, 60, 20, 0, -40 };
    static const double owner[] = { 0, 9, 0, 0 }, zero[] = { 0, 0 };
    (void)state;
    struct cxm_report *r = contribution(five, 6, 0.3, NULL);
    assert_close(value_of(r, "gini"), 0.48, 1e-15);
    assert_close(value_of(r, "gini_unbiased"), 0.60, 1e-15);
    assert_close(value_of(r, "top_share[0.3]"), 0.65, 1e-15);
    assert_close(value_of(r, "total"), 1000, 0);
    assert_int_equal(row_of(r, "total", 0).estimate.missing, 1);
    cxm_report_free(r);
    r = contribution(losses, 7, 4.0 / 7, NULL); /* 980 of 960 */
    assert_close(row_of(r, "top_share[0.5714285714285714]", 0).estimate.value, 980.0 / 960, 1e-14);
    assert_true(isnan(value_of(r, "gini")));
    assert_true(row_of(r, "gini", 0).estimate.flags & CXM_FLAG_INCONSISTENT);
    cxm_report_free(r);
    r = contribution(owner, 4, 0, NULL);
    assert_close(value_of(r, "gini"), 0.75, 1e-15);
    assert_close(value_of(r, "top_share[0.5]"), 1, 0);
    cxm_report_free(r);
    r = contribution(zero, 2, 0, NULL);
    assert_true(isnan(value_of(r, "gini")) && isnan(value_of(r, "top_share[0.2]")));
    cxm_report_free(r);
    /* copies: 3 x 10 and 2 x 40 as rows and as freq */
    static const double rows[] = { 10, 40, 10, 40, 10 }, kinds[] = { 40, 10 }, freq[] = { 2, 3 };
    struct cxm_report *a = contribution(rows, 5, 0.1, NULL), *b = contribution(kinds, 2, 0.1, freq);
    for (size_t i = 0; i < cxm_report_rows(a); i++)
        assert_close(cxm_report_estimates(a)[i].value, cxm_report_estimates(b)[i].value, 0);
    assert_close(value_of(a, "top_share[0.1]"), 20.0 / 110, 1e-15);
    cxm_report_free(a);
    cxm_report_free(b);
    const double infinite[] = { 1, INFINITY };
    const struct cxm_column c = reals("profit", infinite, 2);
    struct cxm_error error;
    assert_int_equal(cxm_contribution(&c, NULL, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
}

/* What is wrong is named by the column that it stands in. */
static void columns_are_named(void **state)
{
    static const double values[] = { 1, 0, 3 }, copies[] = { 1, 2, NAN }, left[] = { 1, 1, 0 };
    const struct cxm_column v = reals("months", values, 3), f = reals("customers", copies, 3),
                            e = reals("left", left, 3);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    (void)state;
    const struct cxm_contribution_options contribution = { .size = sizeof contribution, .freq = &f };
    assert_int_equal(cxm_contribution(&v, &contribution, &r, &error), CXM_EDATA);
    assert_string_equal(error.message, "customers: row 2 is missing");
    assert_string_equal(error.column, "customers");
    assert_int_equal(error.row, 2);
    const struct cxm_bg_nbd_options orders = { .size = sizeof orders, .freq = &f };
    assert_int_equal(cxm_bg_nbd(&v, &v, &v, &orders, &r, &error), CXM_EDATA);
    assert_string_equal(error.message, "customers: row 2 is missing");
    const struct cxm_gamma_gamma_options spending = { .size = sizeof spending, .freq = &f };
    assert_int_equal(cxm_gamma_gamma(&v, &v, &spending, &r, &error), CXM_EDATA);
    assert_string_equal(error.message, "customers: row 2 is missing");
    struct cxm_sbg_options stays = { .size = sizeof stays, .freq = &f };
    assert_int_equal(cxm_shifted_beta_geometric(&v, &e, &stays, &r, &error), CXM_EDATA);
    assert_string_equal(error.message, "customers: row 2 is missing");
    stays.freq = NULL;
    assert_int_equal(cxm_shifted_beta_geometric(&v, &e, &stays, &r, &error), CXM_EDATA);
    assert_string_equal(error.message, "months: row 1 left in period 0; the first period is 1");
    assert_string_equal(error.column, "months");
    assert_null(r);
}

/* ---- memory --------------------------------------------------------------------------- */

static enum cxm_status call_sbg(void)
{
    struct cxm_report *r = NULL;
    const enum cxm_status status = fit_high_end(0.1, &r);
    cxm_report_free(r);
    return status;
}

static enum cxm_status call_orders(void)
{
    struct cxm_report *r = NULL;
    const enum cxm_status status = fit_orders(&r);
    cxm_report_free(r);
    return status;
}

static enum cxm_status call_spending(void)
{
    struct cxm_report *r = NULL;
    const enum cxm_status status = fit_spending(&r);
    cxm_report_free(r);
    return status;
}

static enum cxm_status call_records(void)
{
    static const double duration[] = { 1, 1, 1, 2, 2, 3, 4, 4, 4, 4 };
    static const double event[] = { 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 };
    struct cxm_report *r = NULL;
    const struct cxm_column d = reals("d", duration, 10), e = reals("e", event, 10);
    const enum cxm_status status = cxm_shifted_beta_geometric(&d, &e, NULL, &r, NULL);
    cxm_report_free(r);
    return status;
}

static enum cxm_status call_predict(void)
{
    static const double orders[] = { 0.243, 4.414, 0.793, 2.426 }, spending[] = { 6.25, 3.74, 15.44 };
    double out[KINDS];
    const struct cxm_column cx = reals("x", x, KINDS), cr = reals("r", recency, KINDS),
                            ca = reals("a", age, KINDS), cv = reals("v", customers, KINDS);
    enum cxm_status status = cxm_bg_nbd_predict(orders, &cx, &cr, &ca, 39, out, NULL, NULL);
    if (status == CXM_OK)
        status = cxm_gamma_gamma_predict(spending, &cx, &cv, out, NULL);
    if (status == CXM_OK)
        status = cxm_customer_lifetime_value(orders, spending, &cx, &cr, &ca, &cv, 3, 4, 0.01, out,
                                             NULL);
    return status;
}

static enum cxm_status call_contribution(void)
{
    struct cxm_report *r = NULL;
    const struct cxm_column c = reals("profit", customers, KINDS);
    const enum cxm_status status = cxm_contribution(&c, NULL, &r, NULL);
    cxm_report_free(r);
    return status;
}

static enum cxm_status call_value(void)
{
    struct cxm_report *r = NULL;
    const struct cxm_lifetime_value_options o = { .size = sizeof o, .margin = 1, .retention = 0.5,
                                                  .payment = CXM_PAYMENT_FIRST_NOW };
    const enum cxm_status status = cxm_lifetime_value(&o, &r, NULL);
    cxm_report_free(r);
    return status;
}

static void memory_runs_out(void **state)
{
    (void)state;
    enum cxm_status (*const calls[])(void) = { call_sbg, call_orders, call_spending, call_records,
                                               call_predict, call_contribution, call_value };
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        assert_survives_no_memory(calls[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sbg_from_cohorts),
        cmocka_unit_test(sbg_from_records),
        cmocka_unit_test(sbg_does_not_pretend),
        cmocka_unit_test(sbg_of_nobody),
        cmocka_unit_test(bg_nbd_does_not_see_the_order),
        cmocka_unit_test(predictions),
        cmocka_unit_test(bg_nbd_does_not_pretend),
        cmocka_unit_test(gamma_gamma_from_columns),
        cmocka_unit_test(lifetime_values),
        cmocka_unit_test(contributions),
        cmocka_unit_test(columns_are_named),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
