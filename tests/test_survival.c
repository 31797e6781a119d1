/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Survival curves and competing risks: the worked examples A, C, D of the definitions, figures
 * of R's survival package, edge cases. */
#include "metric_testing.h"

#include "estimate/survival.h"

enum { LOG_LOG = CXM_INTERVAL_LOG_LOG, LOG = CXM_INTERVAL_LOG, PLAIN = CXM_INTERVAL_PLAIN,
       LOGIT = CXM_INTERVAL_LOGIT, ARCSINE = CXM_INTERVAL_ARCSINE };

/* Example A, 12 customers: times at which somebody left. */
static const struct cxm_risk example_a[] = {
    { 1, 12, 2, 0 }, { 2, 10, 2, 1 }, { 3, 7, 1, 1 }, { 4, 5, 2, 0 }, { 5, 3, 0, 1 },
    { 6, 2, 1, 1 },
};
enum { N_A = COUNT_OF(example_a) };

static void assert_limits(const struct cxm_survival *at, int interval, const char *lower,
                          const char *upper)
{
    const struct cxm_limits got = cxm_priv_survival_limits(at, 0.95, (enum cxm_interval)interval);
    assert_printed(got.lower < 0 ? 0 : got.lower, lower);
    assert_printed(got.upper > 1 ? 1 : got.upper, upper);
}

/* customer.md 4.4, example A: R's survfit and by hand. */
static void kaplan_meier(void **state)
{
    static const struct {
        int at;
        const char *s, *se, *log_log[2], *plain[2], *log[2], *hazard, *hazard_se, *tied;
    } rows[] = {
        { 0, "0.8333333333", "0.1075828707", { "0.4817149422", "0.9555093657" },
          { ".6224747814", "1" }, { ".6470369870", "1" }, ".1666666667", ".1178511302",
          ".1742424242" },
        { 1, "0.6666666667", "0.1360827635", { "0.3370189325", "0.8597117991" },
          { ".3999493513", ".9333839820" }, { ".4468460812", ".9946253603" }, ".3666666667",
          ".1840893503", ".3853535354" },
        { 2, "0.5714285714", "0.1462189473", { "0.2538027805", "0.7958126875" },
          { ".2848447008", ".8580124421" }, { ".3460619196", ".9435612350" }, ".5095238095",
          ".2330172787", ".5282106782" },
        { 3, "0.3428571429", "0.1528733541", { "0.0887699769", "0.6230329423" },
          { ".0432308746", ".6424834111" }, { ".1430800006", ".8215754819" }, ".9095238095",
          ".3664656221", ".9782106782" },
        { 5, "0.1714285714", "0.1433054191", { "0.0114989171", "0.4983239101" },
          { "0", ".4523020317" }, { ".0333060202", ".8823556490" }, "1.4095238095",
          ".6199169720", "1.4782106782" },
    };
    struct cxm_survival curve[N_A], tied[N_A];
    (void)state;
    cxm_priv_kaplan_meier(example_a, N_A, curve);
    cxm_priv_kaplan_meier(example_a, N_A, tied);
    cxm_priv_tied_hazard(example_a, N_A, tied);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_survival *at = &curve[rows[i].at];
        assert_printed(at->survival.hi, rows[i].s);
        assert_printed(at->std_error, rows[i].se);
        assert_limits(at, LOG_LOG, rows[i].log_log[0], rows[i].log_log[1]);
        assert_limits(at, PLAIN, rows[i].plain[0], rows[i].plain[1]);
        assert_limits(at, LOG, rows[i].log[0], rows[i].log[1]);
        assert_printed(at->hazard.hi, rows[i].hazard);
        assert_printed(sqrt(at->hazard_variance.hi), rows[i].hazard_se);
        assert_printed(tied[rows[i].at].hazard.hi, rows[i].tied);
    }
    assert_limits(&curve[3], LOGIT, ".1212708191", ".6635769549");
    assert_limits(&curve[3], ARCSINE, ".0930183052", ".6532596829");
}

static void quantiles(void **state)
{
    static const struct { double p, time, lower, upper; } rows[] = {
        { 0.5, 4, 1, 6 }, { 0.25, 2, 1, 4 }, { 0.5, 4, 1, 6 }, { 0.75, 6, 4, NAN },
    };
    struct cxm_survival curve[N_A];
    (void)state;
    cxm_priv_kaplan_meier(example_a, N_A, curve);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_survival_quantile q = cxm_priv_survival_quantile(
            example_a, curve, N_A, rows[i].p, 0.95, CXM_INTERVAL_LOG_LOG);
        assert_close(q.time, rows[i].time, 0);
        assert_close(q.lower, rows[i].lower, 0);
        assert_close(q.upper, rows[i].upper, 0);
    }
    /* R: events 1, 2, 3, 4 -> 2.5; and with 3, 4 censored the flat piece ends at the last time. */
    static const struct cxm_risk four[] = { { 1, 4, 1, 0 }, { 2, 3, 1, 0 }, { 3, 2, 1, 0 },
                                            { 4, 1, 1, 0 } };
    static const struct cxm_risk two[] = { { 1, 4, 1, 0 }, { 2, 3, 1, 0 }, { 3, 2, 0, 1 },
                                           { 4, 1, 0, 1 } };
    static const double r_quantiles[4] = { 1.5, 2.5, 3.5, 4 }, r_upper[4] = { 3, NAN, NAN, NAN },
                        r_lower[4] = { 1, 1, 1, NAN };
    cxm_priv_kaplan_meier(four, 4, curve);
    for (int i = 0; i < 4; i++) {
        const struct cxm_survival_quantile q = cxm_priv_survival_quantile(
            four, curve, 4, 0.25 * (i + 1), 0.95, CXM_INTERVAL_LOG_LOG);
        assert_close(q.time, r_quantiles[i], 0);
        assert_close(q.lower, r_lower[i], 0);
        assert_close(q.upper, r_upper[i], 0);
    }
    cxm_priv_kaplan_meier(two, 4, curve);
    assert_close(cxm_priv_survival_quantile(two, curve, 4, 0.5, 0.95, CXM_INTERVAL_NONE).time, 3,
                 0);
}

static void restricted_means(void **state)
{
    static const struct { double tau; const char *mean, *se; } rows[] = {
        { 4, "3.071428571", "0.3429433471" }, { 6, "3.757142857", "0.5652839988" },
        { 0, "0", "0" }, { 0.5, "0.5", "0" },
    };
    struct cxm_survival curve[N_A];
    (void)state;
    cxm_priv_kaplan_meier(example_a, N_A, curve);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_restricted_mean got = cxm_priv_restricted_mean(example_a, curve, N_A,
                                                                        rows[i].tau);
        assert_printed(got.mean, rows[i].mean);
        assert_printed(got.std_error, rows[i].se);
    }
}

static struct cxm_logrank_result logrank_of(const int64_t n[][2], const int64_t d[][2], size_t m,
                                            double rho, double *observed, double *expected,
                                            double *variance)
{
    struct cxm_logrank test;
    struct cxm_logrank_result result;
    struct cxm_survival at = CXM_SURVIVAL_START;
    assert_true(cxm_priv_logrank_init(&test, 2, NULL));
    for (size_t i = 0; i < m; i++) {
        const struct cxm_risk both = { 0, n[i][0] + n[i][1], d[i][0] + d[i][1], 0 };
        cxm_priv_logrank_time(&test, n[i], d[i], at.survival, rho, 0);
        cxm_priv_survival_step(&at, &both);
    }
    assert_int_equal(cxm_priv_logrank_finish(&test, NULL, &result), CXM_OK);
    *observed = test.observed[0];
    *expected = test.expected[0];
    *variance = test.sums[6].hi;
    cxm_priv_logrank_release(&test, NULL);
    return result;
}

/* Odd against even rows of example A. The figures of the definitions are those with the event at
 * time 3 among the odd rows (5 events); as listed, it is an even row's: R's survdiff. */
static void logrank(void **state)
{
    static const int64_t n[6][2] = { { 6, 6 }, { 5, 5 }, { 3, 4 }, { 2, 3 }, { 1, 2 }, { 1, 1 } };
    static const int64_t five[6][2] = { { 1, 1 }, { 1, 1 }, { 1, 0 }, { 1, 1 }, { 0, 0 },
                                        { 1, 0 } };
    static const int64_t four[6][2] = { { 1, 1 }, { 1, 1 }, { 0, 1 }, { 1, 1 }, { 0, 0 },
                                        { 1, 0 } };
    double observed, expected, variance;
    (void)state;
    struct cxm_logrank_result got = logrank_of(n, five, 6, 0, &observed, &expected, &variance);
    assert_close(observed, 5, 0);
    assert_printed(expected, "3.728571429");
    assert_printed(variance, "1.753887858");
    assert_printed(got.statistic, "0.9216841343");
    assert_close(got.df, 1, 0);
    assert_printed(got.p_value, "0.3370331618");
    got = logrank_of(n, four, 6, 0, &observed, &expected, &variance);
    assert_close(observed, 4, 0);
    assert_close(expected, 3.7285714285714286, 1e-15);
    assert_close(got.statistic, 0.042005803874185899, 1e-13);
}

/* Example C: left truncation. */
static void delayed_entry(void **state)
{
    static const struct cxm_risk c[] = { { 1, 4, 1, 0 }, { 2, 5, 1, 0 }, { 3, 6, 2, 0 },
                                         { 4, 6, 1, 1 }, { 5, 4, 1, 1 }, { 6, 2, 1, 1 } };
    static const char *const s[] = { ".75", ".6", ".4", ".3333333333", ".25", ".125" };
    static const char *const se[] = { ".2165063509", ".2190890230", ".1861898673", ".1666666667",
                                      ".1443375673", ".1141088661" };
    struct cxm_survival curve[6];
    (void)state;
    cxm_priv_kaplan_meier(c, 6, curve);
    for (int i = 0; i < 6; i++) {
        assert_printed(curve[i].survival.hi, s[i]);
        assert_printed(curve[i].std_error, se[i]);
    }
}

/* Ties broken: the closed form of many events agrees with the sum of 1 / k. */
static void tied_hazard_of_many(void **state)
{
    static const struct { int64_t n, d; } rows[] = {
        { 65, 65 }, { 64, 64 }, { 66, 65 }, { 1000, 65 }, { 1000, 999 }, { 1000, 1000 },
        { 100000, 70 }, { 100000, 99990 }, { 3000000, 1000 }, { 3000000, 2999000 }, { 300, 66 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_risk risk = { 1, rows[i].n, rows[i].d, 0 };
        struct cxm_survival at;
        long double one = 0, two = 0;
        for (int64_t k = rows[i].n - rows[i].d + 1; k <= rows[i].n; k++) {
            one += 1.0L / (long double)k;
            two += 1.0L / ((long double)k * (long double)k);
        }
        cxm_priv_kaplan_meier(&risk, 1, &at);
        cxm_priv_tied_hazard(&risk, 1, &at);
        assert_close(at.hazard.hi, (double)one, 4e-15);
        assert_close(at.hazard_variance.hi, (double)two, 4e-15);
    }
}

/* Example D, 20 customers and four causes of churn: by R's etm, prodlim and survfit. */
static const struct cxm_risk example_d[] = {
    { 1, 20, 1, 0 }, { 2, 19, 2, 0 }, { 3, 17, 2, 1 }, { 4, 14, 1, 0 }, { 5, 13, 1, 1 },
    { 6, 11, 3, 0 }, { 7, 8, 0, 1 }, { 8, 7, 2, 0 }, { 9, 5, 0, 1 }, { 10, 4, 1, 1 },
    { 11, 2, 1, 0 }, { 12, 1, 0, 1 },
};
static const int64_t causes_d[4][12] = {
    { 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0 },
    { 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 },
    { 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0 },
    { 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0 },
};
enum { N_D = COUNT_OF(example_d) };

static void competing_risks(void **state)
{
    static const struct { int at; const char *s, *f[4], *se[4]; } rows[] = {
        { 5, ".4675324675", { ".1084415584", ".0535714286", ".2035714286", ".1668831169" },
          { ".0727000614", ".0520839407", ".0910173909", ".0881463544" } },
        { 11, ".1252319109", { ".3004638219", ".0535714286", ".3538497217", ".1668831169" },
          { ".1292868002", ".0520839407", ".1200826680", ".0881463544" } },
    };
    struct cxm_survival curve[N_D];
    struct cxm_incidence f[4][N_D];
    (void)state;
    cxm_priv_kaplan_meier(example_d, N_D, curve);
    for (int k = 0; k < 4; k++)
        cxm_priv_aalen_johansen(example_d, causes_d[k], N_D, f[k]);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_printed(curve[rows[i].at].survival.hi, rows[i].s);
        for (int k = 0; k < 4; k++) {
            assert_printed(f[k][rows[i].at].value.hi, rows[i].f[k]);
            assert_printed(f[k][rows[i].at].std_error, rows[i].se[k]);
        }
    }
    for (int i = 0; i < N_D; i++) {
        double sum = curve[i].survival.hi;
        for (int k = 0; k < 4; k++)
            sum += f[k][i].value.hi;
        assert_true(fabs(sum - 1) <= 1e-15 * N_D);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kaplan_meier),        cmocka_unit_test(quantiles),
        cmocka_unit_test(restricted_means),    cmocka_unit_test(logrank),
        cmocka_unit_test(delayed_entry),       cmocka_unit_test(tied_hazard_of_many),
        cmocka_unit_test(competing_risks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
