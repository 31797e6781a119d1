/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Control charts and run rules: the worked examples of NIST/SEMATECH and Montgomery, figures of
 * tests/reference/chart_rows.py, limits of a p' chart of Mohammed et al. 2013, edges, errors. */
#include "testing.h"

#include "estimate/chart.h"

#include <cxm/chart.h>
#include <cxm/share.h>

#define COLUMN(array) cxm_column_of((array), COUNT_OF(array))

static struct cxm_column cxm_column_of(const double *values, size_t n)
{
    return cxm_column_make(NULL, CXM_F64, values, (int64_t)n, sizeof *values, sizeof *values);
}

static struct cxm_report *chart(const char *kind, struct cxm_column values,
                                const struct cxm_column *sizes,
                                const struct cxm_chart_options *options)
{
    struct cxm_report *report = NULL;
    struct cxm_error error = { .message = "" };
    if (cxm_chart(kind, &values, sizes, options, &report, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return report;
}

static struct cxm_chart_options defaults(void)
{
    return (struct cxm_chart_options){ .size = sizeof(struct cxm_chart_options) };
}

static double axis(const struct cxm_report *report, const char *name, size_t row)
{
    const int64_t at = cxm_report_find_axis(report, name);
    assert_true(at >= 0);
    const double *reals = cxm_report_reals(report, (size_t)at);
    return reals != NULL ? reals[row] : (double)cxm_report_ints(report, (size_t)at)[row];
}

/* The rows of a measure whose signal is set, as "15 23". */
static const char *signals(const struct cxm_report *report, const char *measure)
{
    static char text[512];
    size_t used = 0;
    text[0] = '\0';
    for (size_t row = 0; row < cxm_report_rows(report); row++) {
        if (strcmp(cxm_report_measure(report, row), measure) == 0
            && axis(report, "signal", row) == 1.0)
            cxm_priv_append(text, sizeof text, &used, used > 0 ? " %d" : "%d",
                            (int)axis(report, "period", row));
    }
    return text;
}

#define ASSERT_LIMITS(report, row, lower_, upper_, tolerance)                                   \
    do {                                                                                       \
        const struct cxm_estimate *e_ = &cxm_report_estimates(report)[row];                     \
        assert_close(e_->lower, lower_, tolerance);                                            \
        assert_close(e_->upper, upper_, tolerance);                                            \
        assert_int_equal(e_->interval, CXM_INTERVAL_CONTROL);                                  \
    } while (0)

/* ---- single values (NIST 6.3.2.2) ----------------------------------------------------- */

static const double flow[] = { 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1 };

static void xmr_as_printed(void **state)
{
    (void)state;
    struct cxm_report *r = chart("xmr", COLUMN(flow), NULL, NULL);
    assert_int_equal(cxm_report_rows(r), 19);
    ASSERT_LIMITS(r, 0, 45.8159, 55.8041, 1e-6);
    assert_close(axis(r, "centre", 0), 50.81, 1e-12);
    assert_string_equal(cxm_report_measure(r, 10), "mr");
    ASSERT_LIMITS(r, 10, 0.0, 6.1347, 1e-12); /* 3.267 times 16.9 / 9 */
    assert_close(axis(r, "centre", 10), 1.8777777777777778, 1e-12);
    assert_close(cxm_report_estimates(r)[10].value, 2.0, 1e-12);
    assert_string_equal(signals(r, "x"), "");
    assert_true(cxm_report_estimates(r)[0].flags == CXM_FLAG_SMALL_N); /* below 15 points */
    assert_string_equal(cxm_report_definition(r, 0), "chart/xmr/limits=3");
    cxm_report_free(r);
}

static void xmr_with_exact_constants(void **state)
{
    (void)state;
    struct cxm_chart_options o = defaults();
    o.exact = 1;
    struct cxm_report *r = chart("xmr", COLUMN(flow), NULL, &o);
    ASSERT_LIMITS(r, 0, 45.817588, 55.802412, 1e-8);
    assert_close(cxm_report_estimates(r)[10].upper, 3.2665319 * 16.9 / 9.0, 1e-7);
    cxm_report_free(r);
    o.exact = 0;
    o.median_range = 1;
    r = chart("xmr", COLUMN(flow), NULL, &o);
    assert_close(axis(r, "sigma", 0), 1.57254, 1e-6);
    cxm_report_free(r);
}

static const double eight[] = { 2.5, 3.25, 2.75, 4, 3.5, 3.5, 6.25, 2 };

static void xmr_of_the_reference(void **state)
{
    (void)state;
    struct cxm_chart_options o = defaults();
    o.exact = 1;
    o.median_range = 1;
    struct cxm_report *r = chart("xmr", COLUMN(eight), NULL, &o);
    assert_close(axis(r, "sigma", 0), 0.7862685618806479, 1e-14);
    assert_close(axis(r, "centre", 8), 0.75, 1e-14);
    assert_close(cxm_report_estimates(r)[8].upper, 2.8980967298010546, 1e-14);
    cxm_report_free(r);
    o = defaults();
    o.baseline = 4;
    o.limits = 2.0;
    r = chart("xmr", COLUMN(eight), NULL, &o);
    ASSERT_LIMITS(r, 7, 1.6474586288416076, 2 * 3.125 - 1.6474586288416076, 1e-14);
    assert_close(cxm_report_estimates(r)[8].upper, 2.0925177329381117, 1e-14);
    assert_string_equal(signals(r, "x"), "7");
    assert_string_equal(signals(r, "mr"), "7 8");
    assert_string_equal(cxm_report_definition(r, 0), "chart/xmr/limits=2/baseline=4");
    cxm_report_free(r);
}

/* A constant baseline has no width: the next point off it is a signal, one on it is not. */
static void no_spread(void **state)
{
    (void)state;
    static const double x[] = { 5, 5, 5, 5, 6 };
    struct cxm_chart_options o = defaults();
    o.baseline = 4;
    struct cxm_report *r = chart("xmr", COLUMN(x), NULL, &o);
    ASSERT_LIMITS(r, 0, 5.0, 5.0, 0.0);
    assert_string_equal(signals(r, "x"), "5");
    assert_true(cxm_report_estimates(r)[0].flags & CXM_FLAG_DEGENERATE);
    cxm_report_free(r);
}

/* ---- rates ---------------------------------------------------------------------------- */

static void p_of_montgomery(void **state)
{
    (void)state;
    static const double k[] = { 12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22,
                                8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6 };
    double n[COUNT_OF(k)];
    for (size_t i = 0; i < COUNT_OF(k); i++)
        n[i] = 50;
    const struct cxm_column sizes = COLUMN(n);
    struct cxm_report *r = chart("p", COLUMN(k), &sizes, NULL);
    assert_close(axis(r, "centre", 0), 0.2313333, 1e-6);
    ASSERT_LIMITS(r, 0, 0.0524275, 0.4102391, 1e-6);
    assert_string_equal(signals(r, "p"), "15 23");
    assert_close(cxm_report_estimates(r)[0].value, 0.24, 1e-15);
    assert_int_equal(cxm_report_estimates(r)[0].n, 50);
    assert_int_equal(cxm_report_estimates(r)[0].unit, CXM_UNIT_SHARE);
    cxm_report_free(r);
}

static void u_and_c(void **state)
{
    (void)state;
    static const double k[] = { 10, 12, 8, 14, 10, 16, 11, 7, 10, 15,
                                9, 5, 7, 11, 12, 6, 8, 10, 7, 5 };
    double n[COUNT_OF(k)];
    for (size_t i = 0; i < COUNT_OF(k); i++)
        n[i] = 5;
    const struct cxm_column sizes = COLUMN(n);
    struct cxm_report *r = chart("u", COLUMN(k), &sizes, NULL);
    assert_close(axis(r, "centre", 0), 1.93, 1e-15);
    ASSERT_LIMITS(r, 0, 0.0661331, 3.7938669, 1e-6);
    assert_string_equal(signals(r, "u"), "");
    cxm_report_free(r);
    /* NIST 6.3.3.1: a mean of 16 defects a wafer. */
    static const double wafers[] = { 16, 14, 28, 16, 12, 20, 10, 12 };
    r = chart("c", COLUMN(wafers), NULL, NULL);
    ASSERT_LIMITS(r, 0, 4.0, 28.0, 1e-15);
    assert_string_equal(signals(r, "c"), ""); /* 28 is on the limit, not beyond */
    cxm_report_free(r);
}

/* Week 1 of 20 weeks of A&E attendances within 4 hours, limits from all 20. */
static void p_prime_of_mohammed(void **state)
{
    (void)state;
    static const double k[] = { 266501 }, n[] = { 280443 };
    const struct cxm_column sizes = COLUMN(n);
    const double centre = 0.9528997113, sigma_z = 10.6404219;
    struct cxm_chart_options o = defaults();
    o.centre = &centre;
    struct cxm_report *r = chart("p", COLUMN(k), &sizes, &o);
    ASSERT_LIMITS(r, 0, 0.9516996, 0.9540999, 1e-7);
    assert_string_equal(signals(r, "p"), "1"); /* 0.950286 */
    cxm_report_free(r);
    o.sigma_z = &sigma_z;
    r = chart("laney", COLUMN(k), &sizes, &o);
    ASSERT_LIMITS(r, 0, 0.9401296, 0.9656698, 1e-7);
    assert_string_equal(signals(r, "p"), "");
    assert_string_equal(cxm_report_definition(r, 0),
                        "chart/laney/limits=3/centre=0.9528997113/sigma_z=10.6404219");
    cxm_report_free(r);
}

static const struct rate_row {
    const char *kind;
    double centre, sigma_z, lower, upper;
} rate_rows[] = {
    { "p", 0.10431654676258993, 0.89124788058592213, -0.022850170241496487, 0.23148326376667634 },
    { "laney", 0.10431654676258993, 0.89124788058592213, -0.0090205202483718343,
      0.21765361377355169 },
    { "u", 0.10431654676258993, 0.84348193504038999, -0.030051555626626784, 0.23868464915180664 },
    { "laney_u", 0.10431654676258993, 0.84348193504038999, -0.0090205202483718343,
      0.21765361377355169 },
};

/* A subgroup of nobody is shown, flagged, and skipped. */
static void rates_of_the_reference(void **state)
{
    (void)state;
    static const double k[] = { 3, 5, 2, 9, 4, 0, 6 }, n[] = { 40, 52, 31, 60, 45, 0, 50 };
    const struct cxm_column sizes = COLUMN(n);
    for (size_t i = 0; i < COUNT_OF(rate_rows); i++) {
        const struct rate_row *want = &rate_rows[i];
        struct cxm_report *r = chart(want->kind, COLUMN(k), &sizes, NULL);
        const struct cxm_estimate *e = cxm_report_estimates(r);
        assert_int_equal(cxm_report_rows(r), 7);
        assert_close(axis(r, "centre", 1), want->centre, 1e-15);
        assert_close(axis(r, "sigma_z", 1), want->sigma_z, 1e-14);
        assert_close(e[1].lower_raw, want->lower, 1e-13);
        assert_close(e[1].upper, want->upper, 1e-14);
        assert_close(e[1].lower, 0.0, 0.0);
        assert_int_equal(e[1].flags, CXM_FLAG_CLIPPED);
        assert_true(isnan(e[5].value) && isnan(e[5].lower));
        assert_int_equal(e[5].flags, CXM_FLAG_NO_DATA);
        assert_true(axis(r, "signal", 5) == (double)INT64_MIN); /* neither yes nor no */
        cxm_report_free(r);
    }
}

/* All of nothing: limits without width, and nothing is flagged. */
static void shares_of_0_and_1(void **state)
{
    (void)state;
    static const double none[] = { 0, 0, 0 }, all[] = { 10, 20, 5 };
    const struct cxm_column sizes = COLUMN(all);
    static const char *const rate_kinds[] = { "p", "laney" };
    for (size_t i = 0; i < 4; i++) {
        struct cxm_report *r = chart(rate_kinds[i / 2], i % 2 ? COLUMN(all) : COLUMN(none),
                                     &sizes, NULL);
        ASSERT_LIMITS(r, 2, (double)(i % 2), (double)(i % 2), 0.0);
        assert_string_equal(signals(r, "p"), "");
        assert_true(isnan(axis(r, "sigma_z", 0)));
        cxm_report_free(r);
    }
    static const double ones[] = { 1, 0, 1, 1, 0 }, size[] = { 1, 1, 1, 1, 1 };
    const struct cxm_column one = COLUMN(size);
    struct cxm_report *r = chart("laney", COLUMN(ones), &one, NULL);
    /* |z| differ by 1 / sqrt(0.24) three times of four. */
    assert_close(axis(r, "sigma_z", 0), 0.75 / sqrt(0.24) / 1.128, 1e-14);
    cxm_report_free(r);
}

/* ---- EWMA (NIST 6.3.2.4) -------------------------------------------------------------- */

static const double ewma[] = { 52, 47, 53, 49.3, 50.1, 47, 51, 50.1, 51.2, 50.5,
                               49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1 };

static void ewma_as_printed(void **state)
{
    (void)state;
    static const double z[] = { 50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26,
                                50.33, 50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23,
                                51.94, 51.99 };
    const double target = 50.0, sigma = 2.0539;
    struct cxm_chart_options o = defaults();
    o.centre = &target;
    o.sigma = &sigma;
    o.lambda = 0.3;
    struct cxm_report *r = chart("ewma", COLUMN(ewma), NULL, &o);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    for (size_t i = 0; i < COUNT_OF(z); i++)
        assert_true(fabs(e[i].value - z[i]) <= 0.005);
    assert_close(e[0].upper, 51.84851, 1e-9);
    assert_close(e[1].upper, 52.256394, 1e-8);
    assert_close(e[4].upper, 52.551611, 1e-8);
    assert_string_equal(signals(r, "ewma"), "");
    cxm_report_free(r);
    o.asymptotic = 1;
    r = chart("ewma", COLUMN(ewma), NULL, &o);
    ASSERT_LIMITS(r, 0, 47.411568, 52.588432, 1e-8);
    cxm_report_free(r);
}

static void ewma_of_the_reference(void **state)
{
    (void)state;
    const double target = 3.0, sigma = 0.8;
    struct cxm_chart_options o = defaults();
    o.centre = &target;
    o.sigma = &sigma;
    o.lambda = 0.05;
    o.limits = 2.7;
    struct cxm_report *r = chart("ewma", COLUMN(eight), NULL, &o);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    assert_close(e[0].value, 2.975, 1e-15);
    assert_close(e[0].upper, 3.108, 1e-15);
    assert_close(e[7].value, 3.1711551420117187, 1e-15);
    assert_close(e[7].upper, 3.2588012312586295, 1e-15);
    cxm_report_free(r);
    o.lambda = 1.0; /* the values themselves, as a Shewhart chart */
    r = chart("ewma", COLUMN(eight), NULL, &o);
    e = cxm_report_estimates(r);
    for (size_t i = 0; i < COUNT_OF(eight); i++) {
        assert_close(e[i].value, eight[i], 0.0);
        ASSERT_LIMITS(r, i, 3.0 - 2.7 * 0.8, 3.0 + 2.7 * 0.8, 1e-15);
    }
    cxm_report_free(r);
}

/* ---- CUSUM (NIST 6.3.2.3) ------------------------------------------------------------- */

static const double cusum[] = { 324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125,
                                324.525, 325.225, 324.600, 324.625, 325.150, 328.325, 327.250,
                                327.825, 328.500, 326.675, 327.775, 326.875, 328.350 };

static void cusum_as_printed(void **state)
{
    (void)state;
    static const double high[] = { 0, 0, 0, 0, 0.0325, 0, 0, 0, 0, 0,
                                   0, 0, 3.0075, 4.94, 7.4475, 10.63, 11.9875, 14.445, 16.0025,
                                   19.035 };
    static const double low[] = { 0, 0.0075, 0, 0.3325, 0, 0, 0.5575, 0.715, 0.1725, 0.255,
                                  0.3125, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    const double target = 325.0, k = 0.3175;
    struct cxm_chart_options o = defaults();
    o.centre = &target;
    o.k = &k;
    o.h = 4.1959;
    struct cxm_report *r = chart("cusum", COLUMN(cusum), NULL, &o);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    assert_int_equal(cxm_report_rows(r), 40);
    for (size_t i = 0; i < 20; i++) {
        assert_true(fabs(e[i].value - high[i]) < 1e-10);
        assert_true(fabs(e[20 + i].value - low[i]) < 1e-10);
        assert_close(e[i].upper, 4.1959, 0.0);
    }
    assert_string_equal(signals(r, "cusum_high"), "14 15 16 17 18 19 20");
    assert_string_equal(signals(r, "cusum_low"), "");
    cxm_report_free(r);
}

static void cusum_of_the_reference(void **state)
{
    (void)state;
    const double target = 3.0, sigma = 0.8, nothing = 0.0;
    struct cxm_chart_options o = defaults();
    o.centre = &target;
    o.sigma = &sigma;
    o.sigma_units = 1;
    o.h = 4.0;
    o.head_start = 1;
    struct cxm_report *r = chart("cusum", COLUMN(eight), NULL, &o);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    assert_close(e[0].value, 0.7, 1e-14);
    assert_close(e[6].value, 3.65, 1e-14);
    assert_close(e[7].value, 2.25, 1e-14);
    assert_close(e[8].value, 1.7, 1e-14);
    assert_close(e[14].value, 0.0, 0.0);
    assert_close(e[15].value, 0.6, 1e-14);
    assert_close(e[0].upper, 3.2, 1e-15);
    assert_string_equal(signals(r, "cusum_high"), "7");
    cxm_report_free(r);
    o.head_start = 0;
    o.k = &nothing; /* every step above the target counts in full */
    r = chart("cusum", COLUMN(eight), NULL, &o);
    e = cxm_report_estimates(r);
    assert_close(e[1].value, 0.25, 0.0);
    assert_close(e[7].value, 4.25, 1e-15);
    cxm_report_free(r);
    o = defaults(); /* 0.5 and 5 sigma of a baseline */
    o.baseline = 4;
    r = chart("cusum", COLUMN(eight), NULL, &o);
    assert_close(cxm_report_estimates(r)[0].upper, 5.0 * (2.5 / 3.0 / 1.128), 1e-14);
    cxm_report_free(r);
}

/* ---- continuing ----------------------------------------------------------------------- */

static struct cxm_chart_state end_of(const struct cxm_report *r, size_t n)
{
    const struct cxm_estimate *e = cxm_report_estimates(r);
    const bool sums = cxm_report_rows(r) == 2 * n;
    return (struct cxm_chart_state){ sums ? NAN : e[n - 1].value, sums ? e[n - 1].value : NAN,
                                     sums ? e[2 * n - 1].value : NAN,
                                     (int64_t)axis(r, "step", n - 1) };
}

/* Wherever a series is cut, the two parts give the rows of the whole, bit for bit. */
static void parts_continue(void **state)
{
    (void)state;
    static const char *const kinds[] = { "ewma", "cusum" };
    const double target = 325.0, sigma = 0.6;
    for (size_t cut = 1; cut < 2 * COUNT_OF(cusum); cut++) {
        const char *kind = kinds[cut % 2];
        const size_t first = (cut + 1) / 2, rest = COUNT_OF(cusum) - first;
        if (rest == 0)
            continue;
        struct cxm_chart_options o = defaults();
        o.centre = &target;
        o.sigma = &sigma;
        struct cxm_report *whole = chart(kind, COLUMN(cusum), NULL, &o);
        struct cxm_report *a = chart(kind, cxm_column_of(cusum, first), NULL, &o);
        const struct cxm_chart_state at = end_of(a, first);
        o.start = &at;
        struct cxm_report *b = chart(kind, cxm_column_of(cusum + first, rest), NULL, &o);
        const struct cxm_estimate *want = cxm_report_estimates(whole);
        for (size_t i = 0; i < rest; i++) {
            const struct cxm_estimate *got = &cxm_report_estimates(b)[i];
            assert_close(got->value, want[first + i].value, 0.0);
            assert_close(got->upper, want[first + i].upper, 0.0);
        }
        if (cut % 2)
            assert_close(cxm_report_estimates(b)[2 * rest - 1].value,
                         want[2 * COUNT_OF(cusum) - 1].value, 0.0);
        assert_close(axis(b, "step", 0), (double)(first + 1), 0.0);
        cxm_report_free(whole);
        cxm_report_free(a);
        cxm_report_free(b);
    }
}

/* ---- gaps and periods ----------------------------------------------------------------- */

static void gaps(void **state)
{
    (void)state;
    static const double x[] = { 1, 2, NAN, 9, 10, 9 };
    struct cxm_column values = COLUMN(x);
    struct cxm_chart_options o = defaults();
    struct cxm_report *r = NULL;
    struct cxm_error error;
    assert_int_equal(cxm_chart("xmr", &values, NULL, &o, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 2);
    assert_null(r);
    o.gaps = CXM_GAPS_SPLIT; /* moving ranges 1; 1 1 */
    r = chart("xmr", values, NULL, &o);
    assert_int_equal(cxm_report_rows(r), 6 + 3);
    assert_close(axis(r, "sigma", 0), 1.0 / 1.128, 1e-15);
    assert_true(isnan(cxm_report_estimates(r)[2].value));
    assert_int_equal(cxm_report_estimates(r)[2].missing, 1);
    cxm_report_free(r);
    o.gaps = CXM_GAPS_SKIP; /* 1; 7; 1 1 */
    r = chart("xmr", values, NULL, &o);
    assert_int_equal(cxm_report_rows(r), 6 + 4);
    assert_close(axis(r, "sigma", 0), 2.5 / 1.128, 1e-15);
    cxm_report_free(r);
    const double target = 5.0, sigma = 1.0;
    o.centre = &target;
    o.sigma = &sigma;
    o.lambda = 0.5;
    o.gaps = CXM_GAPS_SPLIT; /* starts anew at the target */
    r = chart("ewma", values, NULL, &o);
    assert_close(cxm_report_estimates(r)[3].value, 7.0, 0.0);
    assert_close(axis(r, "step", 3), 1.0, 0.0);
    cxm_report_free(r);
    o.gaps = CXM_GAPS_SKIP; /* 3, 2.5, then 9 */
    r = chart("ewma", values, NULL, &o);
    assert_close(cxm_report_estimates(r)[3].value, 5.75, 0.0);
    assert_close(axis(r, "step", 3), 3.0, 0.0);
    cxm_report_free(r);
}

static void periods_set_the_order(void **state)
{
    (void)state;
    static const double x[] = { 30, 10, 20 };
    static const int64_t seconds[] = { 1709251200, 1704067200, 1706745600 }; /* Mar, Jan, Feb */
    struct cxm_column period =
        cxm_column_period(CXM_TIME(cxm_column_make("t", CXM_I64, seconds, 3, 8, 8), CXM_S,
                                   INT64_MIN), CXM_MONTH, 0);
    struct cxm_chart_options o = defaults();
    o.period = &period;
    struct cxm_report *r = chart("xmr", COLUMN(x), NULL, &o);
    assert_close(cxm_report_estimates(r)[0].value, 10.0, 0.0);
    assert_close(cxm_report_estimates(r)[2].value, 30.0, 0.0);
    assert_true(axis(r, "period", 0) == 19723.0); /* 2024-01-01 */
    assert_close(axis(r, "sigma", 0), 10.0 / 1.128, 1e-15);
    cxm_report_free(r);
    /* December 2023 instead of January: a month is missing. */
    static const int64_t gap[] = { 1709251200, 1701388800, 1706745600 };
    struct cxm_column values = COLUMN(x);
    struct cxm_error error;
    period.data = gap;
    assert_int_equal(cxm_chart("xmr", &values, NULL, &o, &r, &error), CXM_EDATA);
    assert_non_null(strstr(error.message, "before 2024-02-01"));
    static const int64_t twice[] = { 1709251200, 1704067200, 1709337600 };
    period.data = twice;
    assert_int_equal(cxm_chart("xmr", &values, NULL, &o, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 2);
}

/* ---- charts of tallies ---------------------------------------------------------------- */

/* Shares by region and month; the months of a region are in no order in the rows. */
static struct cxm_tally *shares(void)
{
    static const struct { const char *region; int64_t day; int n, k; } cells[] = {
        { "b", 30, 40, 10 }, { "a", 60, 20, 5 }, { "a", 0, 30, 9 },
        { "b", 60, 50, 20 }, { "a", 30, 25, 5 }, { "b", 0, 60, 15 },
    };
    static const char *region[300];
    static int64_t seconds[300];
    static uint8_t yes[300];
    int64_t n = 0;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        for (int j = 0; j < cells[i].n; j++, n++) {
            region[n] = cells[i].region;
            seconds[n] = cells[i].day * 86400 + 86400;
            yes[n] = j < cells[i].k;
        }
    }
    const struct cxm_column value = cxm_column_make("yes", CXM_U8, yes, n, 1, 1);
    struct cxm_column regions = CXM_ARRAY(region, COUNT_OF(region));
    regions.name = "region";
    regions.n = n;
    const struct cxm_column by[2] = {
        cxm_column_period(CXM_TIME(cxm_column_make("t", CXM_I64, seconds, n, 8, 8), CXM_S,
                                   INT64_MIN), CXM_MONTH, 0),
        regions,
    };
    const struct cxm_input inputs[] = { { "numerator", &value }, { "by", &by[0] }, { "by", &by[1] } };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &tally, NULL), CXM_OK);
    struct cxm_error error;
    if (cxm_tally_add(tally, inputs, 3, NULL, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return tally;
}

/* Each region has a centre of its own; the chart of the counts says the same. */
static void a_series_for_each_other_key(void **state)
{
    (void)state;
    static const double k[2][3] = { { 9, 5, 5 }, { 15, 10, 20 } };
    static const double n[2][3] = { { 30, 25, 20 }, { 60, 40, 50 } };
    static const double days[] = { 0, 31, 59 };
    struct cxm_tally *tally = shares();
    struct cxm_report *r = NULL;
    struct cxm_row row;
    assert_int_equal(cxm_chart_tally("p", tally, 0, NULL, &r, NULL), CXM_OK);
    cxm_tally_free(tally);
    assert_int_equal(cxm_report_rows(r), 6);
    for (size_t i = 0; i < 2; i++) {
        const struct cxm_column sizes = cxm_column_of(n[i], 3);
        struct cxm_report *want = chart("p", cxm_column_of(k[i], 3), &sizes, NULL);
        for (size_t j = 0; j < 3; j++) {
            const struct cxm_estimate *a = &cxm_report_estimates(r)[3 * i + j];
            const struct cxm_estimate *b = &cxm_report_estimates(want)[j];
            assert_close(a->value, b->value, 0.0);
            assert_close(a->lower, b->lower, 0.0);
            assert_close(a->upper, b->upper, 0.0);
            assert_int_equal(a->n, b->n);
            assert_int_equal(cxm_report_row(r, 3 * i + j, &row), CXM_OK);
            assert_string_equal(row.group, i == 0 ? "a" : "b");
            assert_string_equal(row.metric, "share");
            assert_string_equal(row.definition, "chart/p/limits=3/of=share/denominator=answered");
            assert_close(axis(r, "period", 3 * i + j), days[j], 0.0);
        }
        cxm_report_free(want);
    }
    cxm_report_free(r);
}

/* Counts of events by period, two rows each, in no order: a tally of a metric of two columns. */
static struct cxm_tally *events(const char *metric, const char *events_name, const double *k,
                                const char *sizes_name, double size, size_t n)
{
    double split[64], sizes[64];
    int32_t period[64];
    struct cxm_tally *tally = NULL;
    struct cxm_error error;
    for (size_t i = 0; i < n; i++) {
        const size_t at = (7 * i) % n; /* n is not a multiple of 7 */
        split[2 * i] = floor(k[at] / 3);
        split[2 * i + 1] = k[at] - split[2 * i];
        sizes[2 * i] = 0.4 * size;
        sizes[2 * i + 1] = 0.6 * size;
        period[2 * i] = period[2 * i + 1] = (int32_t)at + 1;
    }
    const struct cxm_column x = cxm_column_of(split, 2 * n), y = cxm_column_of(sizes, 2 * n);
    const struct cxm_column by = cxm_column_make("period", CXM_I32, period, 2 * (int64_t)n, 4, 4);
    const struct cxm_input inputs[] = { { events_name, &x }, { "by", &by }, { sizes_name, &y } };
    assert_int_equal(cxm_tally_new(metric, NULL, 0, NULL, &tally, NULL), CXM_OK);
    if (cxm_tally_add(tally, inputs, sizes_name != NULL ? 3 : 2, NULL, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return tally;
}

static struct cxm_report *of_tally(const char *kind, struct cxm_tally *tally, uint32_t measure)
{
    struct cxm_report *r = NULL;
    struct cxm_error error;
    if (cxm_chart_tally(kind, tally, measure, NULL, &r, &error) != CXM_OK)
        fail_msg("%s", error.message);
    cxm_tally_free(tally);
    return r;
}

/* Montgomery's 20 inspections of 5 units each (1.93 a unit), as a ratio, as complaints of 5 000
 * customers, as contacts of 5 customers: the limits are in the unit of the measure. */
static void u_charts_of_tallies(void **state)
{
    (void)state;
    static const double k[] = { 10, 12, 8, 14, 10, 16, 11, 7, 10, 15, 9, 5, 7, 11, 12, 6, 8, 10, 7,
                                5 };
    static const struct { const char *metric, *events, *sizes, *of; double size; } rows[] = {
        { "ratio", "numerator", "denominator", "ratio", 5 },
        { "complaints", "complaints", "customers", "complaints/per-1000-customers", 5000 },
        { "contact_rate", "contacts", "customers", "contact_rate/per-active-customer", 5 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char want[96];
        struct cxm_report *r = of_tally("u", events(rows[i].metric, rows[i].events, k,
                                                    rows[i].sizes, rows[i].size, 20), 0);
        assert_int_equal(cxm_report_rows(r), 20);
        assert_close(axis(r, "centre", 0), 1.93, 1e-15);
        for (size_t j = 0; j < 20; j++) {
            ASSERT_LIMITS(r, j, 0.0661331, 3.7938669, 1e-6);
            assert_close(cxm_report_estimates(r)[j].value, k[j] / 5, 1e-14);
            assert_close(axis(r, "period", j), (double)j + 1, 0.0);
        }
        snprintf(want, sizeof want, "chart/u/limits=3/of=%s", rows[i].of);
        assert_string_equal(cxm_report_definition(r, 0), want);
        assert_string_equal(cxm_report_metric(r, 0), rows[i].metric);
        cxm_report_free(r);
    }
    /* u' of the tally is u' of the columns. */
    double five[20];
    for (size_t i = 0; i < 20; i++)
        five[i] = 5;
    const struct cxm_column sizes = COLUMN(five);
    struct cxm_report *r = of_tally("laney_u", events("ratio", "numerator", k, "denominator", 5, 20),
                                    0);
    struct cxm_report *want = chart("laney_u", COLUMN(k), &sizes, NULL);
    for (size_t j = 0; j < 20; j++)
        ASSERT_LIMITS(r, j, cxm_report_estimates(want)[j].lower,
                      cxm_report_estimates(want)[j].upper, 1e-14);
    cxm_report_free(want);
    cxm_report_free(r);
}

/* NIST 6.3.3.1 as a total, as the number of complaints, and as the events of their rate; the
 * mean of counts of two rows each has half of it as its rate. */
static void c_charts_of_tallies(void **state)
{
    (void)state;
    static const double wafers[] = { 16, 14, 28, 16, 12, 20, 10, 12 };
    static const struct { const char *metric, *events, *sizes; uint32_t measure; } rows[] = {
        { "total", "value", NULL, 0 }, { "complaints", "complaints", "customers", 2 },
        { "complaints", "complaints", "customers", 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_report *r = of_tally("c", events(rows[i].metric, rows[i].events, wafers,
                                                    rows[i].sizes, 100, 8), rows[i].measure);
        assert_int_equal(cxm_report_rows(r), 8);
        ASSERT_LIMITS(r, 0, 4.0, 28.0, 1e-15);
        assert_string_equal(signals(r, "c"), "");
        cxm_report_free(r);
    }
    struct cxm_report *r = of_tally("u", events("mean", "value", wafers, NULL, 0, 8), 0);
    assert_close(axis(r, "centre", 0), 8.0, 1e-15);
    ASSERT_LIMITS(r, 0, 2.0, 14.0, 1e-15); /* 8 ± 3 sqrt(8 / 2) */
    cxm_report_free(r);
}

/* A period without customers has no point; one without counts is a gap. */
static void empty_periods_of_tallies(void **state)
{
    (void)state;
    static const double k[] = { 4, NAN, 6, 5, 0 }, customers[] = { 2, 2, 2, 2, 0 };
    static const int32_t period[] = { 1, 2, 3, 4, 5 };
    const struct cxm_column x = COLUMN(k), y = COLUMN(customers);
    const struct cxm_column by = cxm_column_make("p", CXM_I32, period, 5, 4, 4);
    const struct cxm_input inputs[] = { { "complaints", &x }, { "by", &by }, { "customers", &y } };
    struct cxm_tally *tally = NULL;
    struct cxm_report *r = NULL;
    struct cxm_error error;
    assert_int_equal(cxm_tally_new("complaints", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_chart_tally("u", tally, 0, NULL, &r, &error), CXM_OK);
    assert_close(axis(r, "centre", 0), 2500.0, 1e-15); /* 15 of 6 customers, per 1 000 */
    for (size_t i = 1; i < 5; i += 3) {
        assert_true(isnan(cxm_report_estimates(r)[i].value));
        assert_true(cxm_report_estimates(r)[i].flags & CXM_FLAG_NO_DATA);
    }
    cxm_report_free(r);
    r = NULL;
    assert_int_equal(cxm_chart_tally("c", tally, 0, NULL, &r, &error), CXM_EDATA);
    assert_non_null(strstr(error.message, "has no value"));
    cxm_tally_free(tally);
}

/* Halves are no counts, shares no rates of events; every allocation may fail. */
static void tallies_without_events(void **state)
{
    (void)state;
    static const double halves[] = { 1.5, 2, 3, 4 };
    struct cxm_report *r = NULL;
    struct cxm_error error;
    struct cxm_tally *tally = events("total", "value", halves, NULL, 0, 4);
    assert_int_equal(cxm_chart_tally("c", tally, 0, NULL, &r, &error), CXM_EUNSUPPORTED);
    assert_non_null(strstr(error.message, "no whole number of events"));
    assert_int_equal(cxm_chart_tally("u", tally, 0, NULL, &r, &error), CXM_EUNSUPPORTED);
    cxm_tally_free(tally);
    tally = shares();
    assert_int_equal(cxm_chart_tally("u", tally, 0, NULL, &r, &error), CXM_EUNSUPPORTED);
    assert_string_equal(error.message, "share of share is no rate of events; use \"p\" for shares, "
                                       "\"xmr\"");
    cxm_tally_free(tally);
    assert_null(r);
}

static void tallies_that_do_not_fit(void **state)
{
    (void)state;
    struct cxm_report *r = NULL;
    struct cxm_tally *tally = shares(), *plain = NULL;
    struct cxm_chart_options o = defaults();
    struct cxm_column column = COLUMN(flow);
    assert_int_equal(cxm_chart_tally("p", NULL, 0, NULL, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_chart_tally("p", tally, 99, NULL, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_chart_tally("u", tally, 0, NULL, &r, NULL), CXM_EUNSUPPORTED);
    o.period = &column;
    assert_int_equal(cxm_chart_tally("p", tally, 0, &o, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &plain, NULL), CXM_OK);
    assert_int_equal(cxm_chart_tally("xmr", plain, 0, NULL, &r, NULL), CXM_EINVAL); /* no key */
    cxm_tally_free(plain);
    cxm_tally_free(tally);
    assert_null(r);
}

/* ---- run rules ------------------------------------------------------------------------ */

static const struct rule_row {
    double z[16];
    size_t n;
    const char *want; /* point: rules, by point */
} rule_rows[] = {
    { { .2, -.4, 3.1, .5, 2.3, -.3, 2.4, .1, -.2 }, 9, "3:N1 5:N5 7:N5 " },
    { { .3, .4, .1, .6, .2, .8, .5, .1, .4, -.1 }, 10, "8:WE4 9:N2+WE4 " },
    { { -1.2, -.8, -.1, .3, .9, 1.4, 1.3 }, 7, "6:N3 " },
    { { .3, -.2, .4, -.5, .1, -.6, .2, -.3, .5, -.1, .6, -.4, .3, -.2, .1 }, 15,
      "14:N4 15:N4+N7 " },
    { { 1.2, 1.4, .2, 1.1, 1.3, -.3 }, 6, "5:N6 " },
    { { .2, -.9, .5, .3, -.4, .8, -.2, .1, -.7, .6, .4, -.3, .2, -.5, .9, .1 }, 16,
      "15:N7 16:N7 " },
    { { 1.2, -1.4, 1.6, 1.1, -1.3, -1.9, 1.5, 1.2, .3 }, 9, "8:N8 " },
    { { 0, 2, 2, 2, -2.5, -.1, -2.2 }, 7, "7:N5 " },
    { { .3, .4, .1, .6, 0, .8, .5, .1, .4, .1, .1, .2, .3 }, 13, "13:WE4 " }, /* the centre breaks */
    { { 3, -3, 1, -1 }, 4, "" },                                        /* all comparisons strict */
};

static void run_rule_vectors(void **state)
{
    (void)state;
    static const char *const names[] = { "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "WE4" };
    for (size_t i = 0; i < COUNT_OF(rule_rows); i++) {
        uint32_t hits[16];
        char text[256] = "";
        size_t used = 0;
        cxm_priv_run_rules(rule_rows[i].z, NULL, rule_rows[i].n, UINT32_MAX, hits);
        for (size_t j = 0; j < rule_rows[i].n; j++) {
            const char *before = ":";
            if (hits[j] != 0)
                cxm_priv_append(text, sizeof text, &used, "%d", (int)j + 1);
            for (size_t rule = 0; rule < COUNT_OF(names); rule++) {
                if ((hits[j] >> rule & 1) == 0)
                    continue;
                cxm_priv_append(text, sizeof text, &used, "%s%s", before, names[rule]);
                before = "+";
            }
            if (hits[j] != 0)
                cxm_priv_append(text, sizeof text, &used, " ");
        }
        assert_string_equal(text, rule_rows[i].want);
    }
}

static void run_rules_by_name(void **state)
{
    (void)state;
    static const double z[] = { .3, .4, .1, .6, .2, .8, .5, .1, 3.5 };
    struct cxm_column column = COLUMN(z);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    assert_int_equal(cxm_run_rules(&column, NULL, 0, &r, NULL), CXM_OK);
    assert_string_equal(signals(r, "z"), "8 9");
    const size_t reason = (size_t)cxm_report_find_axis(r, "reason");
    assert_string_equal(cxm_report_text(r, reason, 8), "N1: beyond 3 sigma; WE4: 8 on one side");
    assert_string_equal(cxm_report_definition(r, 0), "run_rules/N1+N5+WE4");
    cxm_report_free(r);
    assert_int_equal(cxm_run_rules(&column, "N1, N7", 0, &r, NULL), CXM_OK);
    assert_string_equal(signals(r, "z"), "9");
    assert_string_equal(cxm_report_text(r, (size_t)cxm_report_find_axis(r, "reason"), 8),
                        "N1: beyond 3 sigma");
    cxm_report_free(r);
    assert_int_equal(cxm_run_rules(&column, "all", 0, &r, NULL), CXM_OK);
    assert_string_equal(signals(r, "z"), "9");
    cxm_report_free(r);
    assert_int_equal(cxm_run_rules(&column, "N9", 0, &r, &error), CXM_EINVAL);
    assert_string_equal(error.column, "rules");
    assert_int_equal(cxm_run_rules(&column, NULL, 7, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_run_rules(NULL, NULL, 0, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_run_rules(&column, NULL, 0, NULL, NULL), CXM_EINVAL);
    static const double broken[] = { .3, .4, .1, .6, NAN, .2, .8, .5, .1 };
    column.data = broken;
    assert_int_equal(cxm_run_rules(&column, NULL, CXM_GAPS_ERROR, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 4);
    assert_int_equal(cxm_run_rules(&column, NULL, CXM_GAPS_SPLIT, &r, NULL), CXM_OK);
    assert_string_equal(signals(r, "z"), "");
    cxm_report_free(r);
    assert_int_equal(cxm_run_rules(&column, NULL, CXM_GAPS_SKIP, &r, NULL), CXM_OK);
    assert_string_equal(signals(r, "z"), "9"); /* eight on one side */
    cxm_report_free(r);
}

static void rules_on_a_chart(void **state)
{
    (void)state;
    const double centre = 0.0, sigma = 2.0;
    struct cxm_chart_options o = defaults();
    double x[9];
    for (size_t i = 0; i < 9; i++)
        x[i] = 2.0 * rule_rows[0].z[i];
    o.centre = &centre;
    o.sigma = &sigma;
    o.rules = "N1,N5";
    struct cxm_report *r = chart("xmr", COLUMN(x), NULL, &o);
    assert_string_equal(signals(r, "x"), "3 5 7");
    const size_t reason = (size_t)cxm_report_find_axis(r, "reason");
    assert_string_equal(cxm_report_text(r, reason, 2), "above the upper limit; N1: beyond 3 sigma");
    assert_string_equal(cxm_report_definition(r, 0),
                        "chart/xmr/limits=3/centre=0/sigma=2/rules=N1+N5");
    cxm_report_free(r);
}

/* ---- bad input ------------------------------------------------------------------------ */

static void options_that_do_not_fit(void **state)
{
    (void)state;
    const double number = 1.0, zero = 0.0, two = 2.0, nan = NAN;
    const struct cxm_chart_state start = { 0, 0, 0, 0 };
    const struct { const char *kind, *column; struct cxm_chart_options o; } rows[] = {
        { "nothing", "kind", { .limits = 0 } },
        { NULL, "kind", { .limits = 0 } },
        { "xmr", "limits", { .limits = -1 } },
        { "xmr", "limits", { .limits = INFINITY } },
        { "xmr", "baseline", { .baseline = -1 } },
        { "xmr", "baseline", { .baseline = 11 } },
        { "xmr", "baseline", { .baseline = 1 } },
        { "xmr", "gaps", { .gaps = 3 } },
        { "xmr", "rules", { .rules = "N1 nothing" } },
        { "ewma", "rules", { .baseline = 5, .rules = "N1" } },
        { "xmr", "start", { .start = &start } },
        { "ewma", "baseline", { .limits = 0 } },
        { "ewma", "baseline", { .centre = &number } },
        { "cusum", "baseline", { .sigma = &number } },
        { "cusum", "baseline", { .centre = &number } },
        { "ewma", "lambda", { .baseline = 5, .lambda = 1.5 } },
        { "xmr", "lambda", { .lambda = 0.5 } },
        { "cusum", "h", { .baseline = 5, .k = &number } },
        { "cusum", "h", { .baseline = 5, .h = 4 } },
        { "cusum", "h", { .baseline = 5, .k = &number, .h = -4 } },
        { "cusum", "k", { .baseline = 5, .k = &nan, .h = 4 } },
        { "xmr", "k", { .h = 4 } },
        { "c", "sigma", { .sigma = &number } },
        { "xmr", "sigma", { .sigma = &zero } },
        { "xmr", "sigma_z", { .sigma_z = &number } },
        { "c", "centre", { .centre = &nan } },
        { "c", "values", { .limits = 0 } }, /* 49.6 is no count */
    };
    struct cxm_column values = COLUMN(flow);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_chart_options o = rows[i].o;
        struct cxm_report *r = NULL;
        struct cxm_error error = { .column = "" };
        o.size = sizeof o;
        const enum cxm_status status = cxm_chart(rows[i].kind, &values, NULL, &o, &r, &error);
        assert_int_equal(status, i + 1 < COUNT_OF(rows) ? CXM_EINVAL : CXM_EDATA);
        assert_string_equal(error.column, rows[i].column);
        assert_null(r);
    }
    struct cxm_chart_options o = { .size = 3 };
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_chart("xmr", &values, NULL, &o, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_chart("xmr", &values, NULL, NULL, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_chart("xmr", NULL, NULL, NULL, &r, NULL), CXM_EINVAL);
    o = defaults();
    o.centre = &two;
    assert_int_equal(cxm_chart("p", &values, &values, &o, &r, NULL), CXM_EINVAL);
    assert_null(r);
}

static void counts_that_cannot_be(void **state)
{
    (void)state;
    static const struct { const char *kind; double k, n; bool ok; } rows[] = {
        { "p", 3, 2, false },   { "p", 1.5, 2, false }, { "p", -1, 2, false },
        { "p", 2, 2.5, false }, { "p", 0, 0, true },    { "p", 2, 2, true },
        { "u", 3, 2, true },    { "u", 3, 0, false },   { "u", 3, 2.5, true },
        { "u", 0.5, 2, false }, { "c", 1.5, 0, false }, { "c", INFINITY, 0, false },
        { "c", 7, 0, true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const double k[] = { 1, rows[i].k }, n[] = { 2, rows[i].n };
        struct cxm_column values = COLUMN(k), sizes = COLUMN(n);
        struct cxm_report *r = NULL;
        struct cxm_error error;
        const enum cxm_status status = cxm_chart(rows[i].kind, &values,
                                                 rows[i].kind[0] == 'c' ? NULL : &sizes, NULL, &r,
                                                 &error);
        assert_int_equal(status, rows[i].ok ? CXM_OK : CXM_EDATA);
        if (!rows[i].ok)
            assert_int_equal(error.row, 1);
        cxm_report_free(r);
    }
    struct cxm_column values = COLUMN(flow), none = cxm_column_of(flow, 0);
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_chart("p", &values, NULL, NULL, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_chart("xmr", &values, &values, NULL, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_chart("xmr", &none, NULL, NULL, &r, NULL), CXM_EINVAL);
    none.n = 1;
    assert_int_equal(cxm_chart("xmr", &none, NULL, NULL, &r, NULL), CXM_EINVAL);
    assert_null(r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(xmr_as_printed),
        cmocka_unit_test(xmr_with_exact_constants),
        cmocka_unit_test(xmr_of_the_reference),
        cmocka_unit_test(no_spread),
        cmocka_unit_test(p_of_montgomery),
        cmocka_unit_test(u_and_c),
        cmocka_unit_test(p_prime_of_mohammed),
        cmocka_unit_test(rates_of_the_reference),
        cmocka_unit_test(shares_of_0_and_1),
        cmocka_unit_test(ewma_as_printed),
        cmocka_unit_test(ewma_of_the_reference),
        cmocka_unit_test(cusum_as_printed),
        cmocka_unit_test(cusum_of_the_reference),
        cmocka_unit_test(parts_continue),
        cmocka_unit_test(gaps),
        cmocka_unit_test(periods_set_the_order),
        cmocka_unit_test(a_series_for_each_other_key),
        cmocka_unit_test(u_charts_of_tallies),
        cmocka_unit_test(c_charts_of_tallies),
        cmocka_unit_test(empty_periods_of_tallies),
        cmocka_unit_test(tallies_without_events),
        cmocka_unit_test(tallies_that_do_not_fit),
        cmocka_unit_test(run_rule_vectors),
        cmocka_unit_test(run_rules_by_name),
        cmocka_unit_test(rules_on_a_chart),
        cmocka_unit_test(options_that_do_not_fit),
        cmocka_unit_test(counts_that_cannot_be),
    };
    return cmocka_run_group_tests_name("chart", tests, NULL, NULL);
}
