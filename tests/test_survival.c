/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Survival curves and competing risks: the worked examples A, C, D of the definitions, figures
 * of R's survival package, edge cases. */
#include "metric_testing.h"
#include "saved.h"

#include "estimate/survival.h"
#include "tally/tally.h"
#include "tally/times.h"

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
    const struct cxm_limits got = cxm_priv_survival_limits(at, cxm_priv_z(0.95), (enum cxm_interval)interval);
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
    cxm_priv_nelson_aalen(example_a, N_A, curve);
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
            example_a, curve, NULL, N_A, rows[i].p, cxm_priv_z(0.95), CXM_INTERVAL_LOG_LOG);
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
            four, curve, NULL, 4, 0.25 * (i + 1), cxm_priv_z(0.95), CXM_INTERVAL_LOG_LOG);
        assert_close(q.time, r_quantiles[i], 0);
        assert_close(q.lower, r_lower[i], 0);
        assert_close(q.upper, r_upper[i], 0);
    }
    cxm_priv_kaplan_meier(two, 4, curve);
    assert_close(cxm_priv_survival_quantile(two, curve, NULL, 4, 0.5, 0, CXM_INTERVAL_NONE).time, 3,
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
        /* Sums after Kahan: valgrind has no long double worth the name. */
        double sum[2] = { 0, 0 }, lost[2] = { 0, 0 };
        for (int64_t k = rows[i].n - rows[i].d + 1; k <= rows[i].n; k++) {
            const double terms[2] = { 1.0 / (double)k, 1.0 / ((double)k * (double)k) };
            for (int t = 0; t < 2; t++) {
                const double add = terms[t] - lost[t], next = sum[t] + add;
                lost[t] = (next - sum[t]) - add;
                sum[t] = next;
            }
        }
        cxm_priv_tied_hazard(&risk, 1, &at);
        assert_close(at.hazard.hi, sum[0], 4e-15);
        assert_close(at.hazard_variance.hi, sum[1], 4e-15);
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

/* ---- analyses of tallies and columns ------------------------------------------------------ */

static const int32_t times_a[] = { 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 6 };
static const uint8_t events_a[] = { 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0 };
static const int32_t entry_c[] = { 0, 0, 0, 0, 1, 1, 2, 2, 3, 3 };
static const int32_t exit_c[] = { 1, 3, 4, 6, 2, 5, 3, 6, 4, 5 };
static const uint8_t events_c[] = { 1, 1, 0, 1, 1, 0, 1, 0, 1, 1 };
static const int32_t times_d[] = { 1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 6, 6, 7, 8, 8, 9, 10, 10, 11, 12 };
static const uint8_t causes_of_d[] = { 3, 1, 3, 0, 4, 3, 2, 3, 0, 1, 4, 4, 0, 3, 1, 0, 3, 0, 1, 0 };
static const char *const natures[] = { "\xE8\x87\xAA\xE7\x84\xB6", "\xE6\x81\xB6\xE6\x84\x8F",
                                       "\xE7\xAB\x9E\xE4\xBA\x89", "\xE8\xBF\x87\xE5\xA4\xB1" };

/* Row of a measure in the n-th place, counted within that measure. */
static size_t row_of(const struct cxm_report *report, const char *name, size_t place)
{
    for (size_t i = 0; i < cxm_report_rows(report); i++) {
        if (strcmp(cxm_report_measure(report, i), name) == 0 && place-- == 0)
            return i;
    }
    fail_msg("there is no such row of %s", name);
    return 0;
}

static const struct cxm_estimate *value_of(const struct cxm_report *report, const char *name,
                                           size_t place)
{
    return &cxm_report_estimates(report)[row_of(report, name, place)];
}

static double real_at(const struct cxm_report *report, size_t row, const char *axis)
{
    return cxm_report_reals(report, (size_t)cxm_report_find_axis(report, axis))[row];
}

static int64_t int_at(const struct cxm_report *report, size_t row, const char *axis)
{
    return cxm_report_ints(report, (size_t)cxm_report_find_axis(report, axis))[row];
}

static void must_be_ok(enum cxm_status status, const struct cxm_error *error)
{
    if (status != CXM_OK)
        fail_msg("%s", error->message);
}

static struct cxm_report *kaplan_meier_of(const struct cxm_column *duration,
                                          const struct cxm_column *event,
                                          const struct cxm_duration_options *options)
{
    struct cxm_report *report = NULL;
    struct cxm_error error;
    must_be_ok(cxm_kaplan_meier(duration, event, options, &report, &error), &error);
    return report;
}

static void curve_from_columns(void **state)
{
    const struct cxm_column duration = CXM_ARRAY(times_a, 12), event = CXM_ARRAY(events_a, 12);
    static const double quartiles[] = { 0.25, 0.75 }, taus[] = { 4, 6 };
    const struct cxm_survival_options curve = {
        .size = sizeof curve, .rows = 7, .quantiles = quartiles, .n_quantiles = 2, .taus = taus,
        .n_taus = 2,
    };
    (void)state;
    struct cxm_report *r = kaplan_meier_of(&duration, &event, &(struct cxm_duration_options){
                                               CXM_INIT(kaplan_meier), .curve = &curve });
    static const struct { double time; int64_t at_risk, events, censored; } rows[] = {
        { 1, 12, 2, 0 }, { 2, 10, 2, 1 }, { 3, 7, 1, 1 }, { 4, 5, 2, 0 }, { 5, 3, 0, 1 },
        { 6, 2, 1, 1 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const size_t row = row_of(r, "survival", i);
        assert_close(real_at(r, row, "time"), rows[i].time, 0);
        assert_int_equal(int_at(r, row, "at_risk"), rows[i].at_risk);
        assert_int_equal(int_at(r, row, "events"), rows[i].events);
        assert_int_equal(int_at(r, row, "censored"), rows[i].censored);
    }
    assert_printed(value_of(r, "survival", 3)->value, "0.3428571429");
    assert_printed(value_of(r, "survival", 3)->lower, "0.0887699769");
    assert_printed(value_of(r, "hazard", 3)->value, ".9095238095");
    assert_printed(value_of(r, "hazard", 3)->std_error, ".3664656221");
    assert_close(value_of(r, "median", 0)->value, 4, 0);
    assert_close(value_of(r, "median", 0)->lower, 1, 0);
    assert_close(value_of(r, "median", 0)->upper, 6, 0);
    assert_close(value_of(r, "quantile[0.25]", 0)->value, 2, 0);
    assert_close(value_of(r, "quantile[0.75]", 0)->value, 6, 0);
    assert_true(isnan(value_of(r, "quantile[0.75]", 0)->upper));
    assert_printed(value_of(r, "rmst", 0)->value, "3.071428571");
    assert_printed(value_of(r, "rmst", 1)->std_error, "0.5652839988");
    assert_string_equal(cxm_report_definition(r, 0), "kaplan-meier");
    cxm_report_free(r);
}

static void curve_at_asked_times(void **state)
{
    static const double times[] = { 0.5, 2.5, 4, 6, 7 };
    static const int64_t at_risk[] = { 12, 7, 5, 2, 0 }, events[] = { 0, 4, 3, 1, 0 },
                         censored[] = { 0, 1, 1, 2, 0 };
    const struct cxm_column duration = CXM_ARRAY(times_a, 12), event = CXM_ARRAY(events_a, 12);
    const struct cxm_survival_options curve = { .size = sizeof curve,
                                                .rows = CXM_SURVIVAL_CURVE, .times = times,
                                                .n_times = 5 };
    (void)state;
    struct cxm_report *r = kaplan_meier_of(&duration, &event, &(struct cxm_duration_options){
                                               CXM_INIT(kaplan_meier), .curve = &curve });
    assert_int_equal(cxm_report_rows(r), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_close(real_at(r, i, "time"), times[i], 0);
        assert_int_equal(int_at(r, i, "at_risk"), at_risk[i]);
        assert_int_equal(int_at(r, i, "events"), events[i]);
        assert_int_equal(int_at(r, i, "censored"), censored[i]);
    }
    const struct cxm_estimate *e = cxm_report_estimates(r);
    assert_close(e[0].value, 1, 0);
    assert_true(isnan(e[0].lower) && e[0].upper == 1 && (e[0].flags & CXM_FLAG_DEGENERATE));
    assert_printed(e[1].value, "0.6666666667");
    assert_printed(e[3].value, "0.1714285714");
    assert_true(isnan(e[4].value) && (e[4].flags & CXM_FLAG_CENSORED));
    cxm_report_free(r);
}

static void delayed_entry_from_columns(void **state)
{
    static const char *const s[] = { ".75", ".6", ".4", ".3333333333", ".25", ".125" };
    static const int64_t n[] = { 4, 5, 6, 6, 4, 2 };
    const struct cxm_column duration = CXM_ARRAY(exit_c, 10), event = CXM_ARRAY(events_c, 10),
                            entry = CXM_ARRAY(entry_c, 10);
    (void)state;
    struct cxm_report *r = kaplan_meier_of(&duration, &event, &(struct cxm_duration_options){
                                               CXM_INIT(kaplan_meier), .entry = &entry });
    for (size_t i = 0; i < 6; i++) {
        const size_t row = row_of(r, "survival", i);
        assert_printed(cxm_report_estimates(r)[row].value, s[i]);
        assert_int_equal(int_at(r, row, "at_risk"), n[i]);
        /* 4 were at risk at time 1, while others came in at 1, 2 and 3: fewer than 5. */
        assert_true(cxm_report_estimates(r)[row].flags & CXM_FLAG_SMALL_N);
    }
    assert_int_equal(int_at(r, row_of(r, "median", 0), "at_risk"), 4);
    assert_string_equal(cxm_report_definition(r, 0), "kaplan-meier/delayed-entry");
    cxm_report_free(r);
    static const char *const ignored[] = { ".9", ".8", ".6", ".5", ".375", ".1875" };
    r = kaplan_meier_of(&duration, &event, NULL);
    for (size_t i = 0; i < 6; i++)
        assert_printed(value_of(r, "survival", i)->value, ignored[i]);
    cxm_report_free(r);
}

static void competing_risks_from_columns(void **state)
{
    static const char *const f[] = { ".3004638219", ".0535714286", ".3538497217", ".1668831169" };
    static const char *const se[] = { ".1292868002", ".0520839407", ".1200826680", ".0881463544" };
    const struct cxm_column duration = CXM_ARRAY(times_d, 20), cause = CXM_ARRAY(causes_of_d, 20);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    (void)state;
    must_be_ok(cxm_competing_risks(&duration, &cause, &(struct cxm_duration_options){
                   CXM_INIT(competing_risks), .causes = natures, .n_causes = 4 }, &r, &error),
               &error);
    assert_int_equal(cxm_report_rows(r), 5 * 12);
    for (size_t k = 0; k < 4; k++) {
        char measure[64];
        snprintf(measure, sizeof measure, "incidence[%s]", natures[k]);
        assert_printed(value_of(r, measure, 11)->value, f[k]);
        assert_printed(value_of(r, measure, 11)->std_error, se[k]);
    }
    cxm_report_free(r);
    /* Without names the causes are numbered; a flag and any key do as well. */
    must_be_ok(cxm_competing_risks(&duration, &cause, NULL, &r, &error), &error);
    assert_printed(value_of(r, "incidence[4]", 11)->value, f[3]);
    cxm_report_free(r);
    const char *words[20];
    uint8_t lost[20];
    for (size_t i = 0; i < 20; i++) {
        lost[i] = causes_of_d[i] > 0;
        words[i] = causes_of_d[i] == 0 || causes_of_d[i] == 4 ? NULL
                                                              : natures[causes_of_d[i] - 1];
    }
    const struct cxm_column reason = CXM_ARRAY(words, 20), flag = CXM_ARRAY(lost, 20);
    must_be_ok(cxm_competing_risks(&duration, &reason, &(struct cxm_duration_options){
                   CXM_INIT(competing_risks), .lost = &flag }, &r, &error), &error);
    assert_printed(value_of(r, "incidence[\xE6\x81\xB6\xE6\x84\x8F]", 11)->value, f[1]);
    assert_printed(value_of(r, "incidence[unknown]", 11)->value, f[3]);
    cxm_report_free(r);
    r = NULL;
    assert_int_equal(cxm_competing_risks(&duration, &reason, NULL, &r, &error), CXM_EINVAL);
    assert_null(r);
}

/* 1 - S with all other causes as censored overstates: it is not the incidence, and they sum to 1.43. */
static void naive_curves_of_causes(void **state)
{
    static const char *const want[] = { ".6308954", ".0714286", ".4973497", ".2299465" };
    double sum = 0;
    (void)state;
    for (int k = 1; k <= 4; k++) {
        uint8_t events[20];
        for (int i = 0; i < 20; i++)
            events[i] = causes_of_d[i] == k;
        const struct cxm_column duration = CXM_ARRAY(times_d, 20), event = CXM_ARRAY(events, 20);
        struct cxm_report *r = kaplan_meier_of(&duration, &event, NULL);
        const struct cxm_estimate *const last = value_of(r, "survival", 11);
        assert_true(fabs(1 - last->value - strtod(want[k - 1], NULL)) <= 0.5000001e-7);
        sum += 1 - last->value;
        cxm_report_free(r);
    }
    assert_true(fabs(sum - 1.4296) <= 0.5e-4);
}

static void logrank_from_columns(void **state)
{
    static const char *const parity[] = { "odd", "even", "odd", "even", "odd", "even", "odd",
                                          "even", "odd", "even", "odd", "even" };
    static const uint8_t halves[] = { 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1 };
    const struct cxm_column duration = CXM_ARRAY(times_a, 12), event = CXM_ARRAY(events_a, 12),
                            by = CXM_ARRAY(parity, 12), strata = CXM_ARRAY(halves, 12);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    (void)state;
    must_be_ok(cxm_logrank(&duration, &event, &(struct cxm_logrank_call){ CXM_INIT(logrank),
                                                                          .by = &by },
                           &r, &error), &error);
    assert_int_equal(cxm_report_rows(r), 5);
    assert_close(real_at(r, 0, "statistic"), 0.042005803874185899, 1e-13);
    assert_close(real_at(r, 0, "df"), 1, 0);
    assert_close(value_of(r, "observed", 0)->value, 4, 0);
    assert_close(value_of(r, "expected", 1)->value, 3.7285714285714286, 1e-15);
    struct cxm_key key;
    assert_int_equal(cxm_report_key(r, row_of(r, "expected", 1), 0, &key), CXM_OK);
    assert_memory_equal(key.text, "odd", 3);
    cxm_report_free(r);
    must_be_ok(cxm_logrank(&duration, &event, &(struct cxm_logrank_call){
                   CXM_INIT(logrank), .by = &by, .within = &strata, .rho = 1 }, &r, &error),
               &error);
    assert_int_equal(cxm_report_rows(r), 5);
    assert_string_equal(cxm_report_definition(r, 0), "logrank/rho=1/strata=1");
    cxm_report_free(r);
    assert_int_equal(cxm_logrank(&duration, &event, NULL, &r, &error), CXM_EINVAL);
}

/* Figures of tests/reference/pairwise_logrank.R: survdiff of every two groups, Holm. */
/* Of four customers in one region, of two plans, one leaves after another. By hand: E of the first
 * plan is 1/2 + 1/3 + 1/2, V is 1/4 + 2/9 + 1/4, chi-square (2/3)^2 / (13/18) = 8/13. A third plan,
 * which is alone in another region, says nothing about it, whichever place its key has. */
static void logrank_leaves_out_who_was_alone(void **state)
{
    static const double times[] = { 1, 2, 3, 4, 5, 6 };
    static const uint8_t events[] = { 1, 1, 1, 1, 1, 1 }, regions[] = { 1, 1, 1, 1, 2, 2 };
    static const uint8_t plans[3][6] = { { 1, 2, 1, 2, 3, 3 }, { 1, 3, 1, 3, 2, 2 }, { 2, 3, 2, 3, 1, 1 } };
    const struct cxm_column duration = CXM_ARRAY(times, 6), event = CXM_ARRAY(events, 6),
                            region = CXM_ARRAY(regions, 6);
    (void)state;
    for (int i = 0; i < 3; i++) {
        const struct cxm_column plan = CXM_ARRAY(plans[i], 6);
        const struct cxm_logrank_call o = { CXM_INIT(logrank), .by = &plan, .within = &region };
        struct cxm_report *r = NULL;
        assert_int_equal(cxm_logrank(&duration, &event, &o, &r, NULL), CXM_OK);
        const struct cxm_estimate *e = value_of(r, "logrank", 0);
        assert_close(e->value, 8.0 / 13, 1e-14);
        assert_close(cxm_report_reals(r, (size_t)cxm_report_find_axis(r, "df"))[0], 1, 0);
        assert_true(e->flags & CXM_FLAG_DEGENERATE);
        cxm_report_free(r);
    }
    /* everybody alone: nothing to compare */
    const struct cxm_logrank_call alone = { CXM_INIT(logrank), .by = &region, .within = &region };
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_logrank(&duration, &event, &alone, &r, NULL), CXM_OK);
    assert_true(isnan(value_of(r, "logrank", 0)->value));
    cxm_report_free(r);
}

static void logrank_of_pairs(void **state)
{
    static const double time[] = { 5, 8, 8, 12, 3, 9, 14, 2, 7, 7, 11, 15, 4, 6, 10, 13, 1, 16 };
    static const uint8_t lost[] = { 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0 };
    static const struct { const char *group, *against; double chi2[2], p, holm; } want[] = {
        { "a", "b", { 1.65718786884251, 1.93959731543624 }, 0.197983440272339, 0.395966880544678 },
        { "a", "c", { 0.309684763276023, 0.617638718215332 }, 0.577873691618776,
          0.577873691618776 },
        { "b", "c", { 3.18505707733915, 4.32010279840091 }, 0.074314401974211,
          0.222943205922633 },
    };
    const char *group[18];
    for (size_t i = 0; i < 18; i++)
        group[i] = i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c";
    const struct cxm_column duration = CXM_ARRAY(time, 18), event = CXM_ARRAY(lost, 18),
                            by = CXM_ARRAY(group, 18);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    (void)state;
    for (int rho = 0; rho < 2; rho++) {
        struct cxm_logrank_call call = { CXM_INIT(logrank), .by = &by, .rho = rho, .pairwise = 1 };
        must_be_ok(cxm_logrank(&duration, &event, &call, &r, &error), &error);
        assert_int_equal(cxm_report_rows(r), 1 + 3 + 3 + 3);
        assert_close(real_at(r, 0, "df"), 2, 0);
        for (size_t i = 0; i < 3; i++) {
            const size_t row = row_of(r, "pairwise", i);
            struct cxm_key key;
            assert_int_equal(cxm_report_key(r, row, 0, &key), CXM_OK);
            assert_memory_equal(key.text, want[i].group, 1);
            assert_string_equal(cxm_report_text(r, (size_t)cxm_report_find_axis(r, "against"), row),
                                want[i].against);
            assert_close(real_at(r, row, "statistic"), want[i].chi2[rho], 1e-13);
            assert_close(real_at(r, row, "df"), 1, 0);
            if (rho == 0) {
                assert_close(real_at(r, row, "p_value"), want[i].p, 1e-13);
                assert_close(real_at(r, row, "p_adjusted"), want[i].holm, 1e-13);
            }
        }
        assert_string_equal(cxm_report_definition(r, row_of(r, "pairwise", 0)),
                            rho == 0 ? "logrank/pairwise/adjust=holm"
                                     : "logrank/rho=1/pairwise/adjust=holm");
        cxm_report_free(r);
        r = NULL;
        call.adjust = 9;
        assert_int_equal(cxm_logrank(&duration, &event, &call, &r, &error), CXM_EINVAL);
    }
    assert_null(r);
}

/* ---- edge cases --------------------------------------------------------------------------- */

static struct cxm_report *curve_of(const double *times, const uint8_t *events, size_t n,
                                   uint32_t rows, double tau)
{
    const struct cxm_column duration = CXM_ARRAY(times, n), event = CXM_ARRAY(events, n);
    const struct cxm_survival_options curve = { .size = sizeof curve, .rows = rows, .taus = &tau,
                                                .n_taus = 1 };
    return kaplan_meier_of(&duration, &event, &(struct cxm_duration_options){
                               CXM_INIT(kaplan_meier), .curve = &curve });
}

static void all_censored(void **state)
{
    static const double times[] = { 3, 5, 8 };
    static const uint8_t events[] = { 0, 0, 0 };
    (void)state;
    struct cxm_report *r = curve_of(times, events, 3, 0, 8);
    for (size_t i = 0; i < 3; i++) {
        const struct cxm_estimate *e = value_of(r, "survival", i);
        assert_close(e->value, 1, 0);
        assert_close(e->std_error, 0, 0);
        assert_true(isnan(e->lower) && e->upper == 1);
        assert_true(e->flags & CXM_FLAG_DEGENERATE);
    }
    assert_true(isnan(value_of(r, "median", 0)->value));
    assert_true(value_of(r, "median", 0)->flags & CXM_FLAG_CENSORED);
    assert_close(value_of(r, "rmst", 0)->value, 8, 0);
    assert_close(value_of(r, "rmst", 0)->std_error, 0, 0);
    cxm_report_free(r);
}

static void all_events_at_one_time(void **state)
{
    static const double times[] = { 4, 4, 4 };
    static const uint8_t events[] = { 1, 1, 1 };
    (void)state;
    struct cxm_report *r = curve_of(times, events, 3, 0, 100); /* S = 0: any tau will do */
    const struct cxm_estimate *e = value_of(r, "survival", 0);
    assert_close(e->value, 0, 0);
    assert_true(isnan(e->std_error) && isnan(e->lower) && isnan(e->upper));
    assert_true(e->flags & CXM_FLAG_DEGENERATE);
    assert_close(value_of(r, "median", 0)->value, 4, 0);
    assert_close(value_of(r, "rmst", 0)->value, 4, 0);
    cxm_report_free(r);
}

static void last_time_censored(void **state)
{
    static const double times[] = { 1, 2, 9 };
    static const uint8_t events[] = { 1, 1, 0 };
    const double tau = 9.5;
    const struct cxm_column duration = CXM_ARRAY(times, 3), event = CXM_ARRAY(events, 3);
    const struct cxm_survival_options curve = { .size = sizeof curve, .taus = &tau, .n_taus = 1 };
    struct cxm_report *none = NULL;
    struct cxm_error error;
    (void)state;
    struct cxm_report *r = curve_of(times, events, 3, 0, 9);
    assert_close(value_of(r, "survival", 2)->value, 1.0 / 3, 1e-16);
    assert_close(value_of(r, "rmst", 0)->value, 1 + 2.0 / 3 + 7.0 / 3, 1e-15);
    cxm_report_free(r);
    assert_int_equal(cxm_kaplan_meier(&duration, &event, &(struct cxm_duration_options){
                         CXM_INIT(kaplan_meier), .curve = &curve }, &none, &error), CXM_EINVAL);
    assert_string_equal(error.column, "tau");
    assert_null(none);
}

static void ties_event_first(void **state)
{
    static const double times[] = { 2, 2, 3 };
    static const uint8_t events[] = { 0, 1, 1 };
    (void)state;
    struct cxm_report *r = curve_of(times, events, 3, 0, 0);
    assert_int_equal(int_at(r, row_of(r, "survival", 0), "at_risk"), 3);
    assert_close(value_of(r, "survival", 0)->value, 2.0 / 3, 1e-16);
    cxm_report_free(r);
}

static void events_at_time_zero(void **state)
{
    static const double times[] = { 0, -0.0, 5, 5 };
    static const uint8_t events[] = { 1, 0, 1, 0 };
    (void)state;
    struct cxm_report *r = curve_of(times, events, 4, 0, 0);
    assert_int_equal(int_at(r, row_of(r, "survival", 0), "at_risk"), 4);
    assert_close(value_of(r, "survival", 0)->value, 0.75, 0);
    assert_close(value_of(r, "survival", 1)->value, 0.375, 0);
    assert_close(value_of(r, "rmst", 0)->value, 0, 0);
    cxm_report_free(r);
}

static void entry_at_exit_is_bad(void **state)
{
    static const double entry[] = { 3, 4, 0, NAN, 0 }, exit[] = { 3, 3, 3, 3, NAN };
    static const uint8_t events[] = { 1, 1, 1, 1, 1 };
    const struct cxm_column duration = CXM_ARRAY(exit, 5), event = CXM_ARRAY(events, 5),
                            entries = CXM_ARRAY(entry, 5);
    struct cxm_tally *tally = tally_of("survival", NULL, 0,
                                       ((struct cxm_input[]){ { "duration", &duration },
                                                              { "event", &event },
                                                              { "entry", &entries } }), 3);
    struct cxm_base base;
    (void)state;
    assert_int_equal(cxm_tally_base(tally, CXM_TOTAL, 0, &base, NULL), CXM_OK);
    assert_int_equal(base.n, 1);
    assert_int_equal(base.missing, 2);
    assert_int_equal(base.excluded_by[CXM_REASON_BAD], 2);
    cxm_tally_free(tally);
}

static void values_out_of_range(void **state)
{
    static const double times[] = { 1, 2, -1, 3 };
    static const uint8_t good[] = { 1, 0, 0, 0 }, bad[] = { 1, 2, 0, 0 };
    const struct cxm_column duration = CXM_ARRAY(times, 4), fine = CXM_ARRAY(times, 2),
                            event = CXM_ARRAY(good, 4), cause = CXM_ARRAY(bad, 2);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    (void)state;
    assert_int_equal(cxm_kaplan_meier(&duration, &event, NULL, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 2);
    assert_string_equal(error.value, "-1");
    /* A cause outside 0 … K. */
    assert_int_equal(cxm_kaplan_meier(&fine, &cause, NULL, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    assert_string_equal(error.value, "2");
    assert_string_equal(error.message,
                        "bad: row 1 is 2; it must be 0 or 1 (1 = the event, 0 = censored). Where 2 is the "
                        "event and 1 is not, subtract 1; to count such rows pass invalid=\"count\".");
    assert_null(r);
    r = kaplan_meier_of(&duration, &event, &(struct cxm_duration_options){
                            CXM_INIT(kaplan_meier), .invalid = CXM_INVALID_COUNT });
    assert_int_equal(value_of(r, "survival", 0)->invalid, 1);
    assert_int_equal(value_of(r, "survival", 0)->n, 3);
    cxm_report_free(r);
    assert_int_equal(cxm_kaplan_meier(&fine, &cause, &(struct cxm_duration_options){
                         CXM_INIT(kaplan_meier), .weight = &fine }, &r, &error),
                     CXM_EUNSUPPORTED);
}

static void nobody(void **state)
{
    struct cxm_tally *tally = tally_of("survival", NULL, 0, NULL, 0);
    struct cxm_report *r = NULL;
    (void)state;
    assert_int_equal(cxm_tally_survival(tally, NULL, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 1);
    assert_true(isnan(value_of(r, "median", 0)->value));
    assert_true(value_of(r, "median", 0)->flags & CXM_FLAG_NO_DATA);
    cxm_report_free(r);
    assert_int_equal(cxm_tally_logrank(tally, NULL, &r, NULL), CXM_OK);
    assert_true(isnan(value_of(r, "logrank", 0)->value));
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* A group all of whose customers came too late has a row that says so, not none. */
static void a_group_of_nobody_has_a_row(void **state)
{
    static const double times[] = { 1, 2, 3 }, entries[] = { 0, 2, 4 };
    static const uint8_t causes[] = { 1, 1, 1 }, teams[] = { 1, 2, 2 };
    static const char *const names[] = { "price", "other" };
    const struct cxm_column duration = CXM_ARRAY(times, 3), entry = CXM_ARRAY(entries, 3),
                            cause = CXM_ARRAY(causes, 3), team = CXM_ARRAY(teams, 3);
    struct cxm_report *r = NULL;
    (void)state;
    const struct cxm_duration_options o = { CXM_INIT(competing_risks), .by = &team, .entry = &entry,
                                            .causes = names, .n_causes = 2 };
    assert_int_equal(cxm_competing_risks(&duration, &cause, &o, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 4); /* two incidences and the survival of team 1 */
    const struct cxm_estimate *last = &cxm_report_estimates(r)[3];
    assert_true(isnan(last->value) && (last->flags & CXM_FLAG_NO_DATA) != 0);
    assert_int_equal(last->n, 0);
    assert_int_equal(last->excluded, 2);
    assert_true(isnan(cxm_report_reals(r, (size_t)cxm_report_find_axis(r, "time"))[3]));
    cxm_report_free(r);
    const struct cxm_survival_options curve = { .size = sizeof curve, .rows = CXM_SURVIVAL_CURVE };
    const struct cxm_duration_options only = { CXM_INIT(kaplan_meier), .by = &team, .entry = &entry,
                                               .curve = &curve };
    assert_int_equal(cxm_kaplan_meier(&duration, &cause, &only, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 2);
    cxm_report_free(r);
}

/* One cause only: the incidence is 1 - S, with the same standard error. */
static void one_cause_is_one_minus_survival(void **state)
{
    uint64_t seed = random_seed();
    (void)state;
    for (int trial = 0; trial < trials(300); trial++) {
        struct cxm_risk risk[40];
        int64_t events[40], n = 2 + (int64_t)random_below(&seed, 300);
        struct cxm_survival curve[40];
        struct cxm_incidence f[40];
        size_t m = 0;
        for (; m < 40 && n > 0; m++) {
            const int64_t d = (int64_t)random_below(&seed, (uint64_t)(n > 9 ? 9 : n) + 1);
            const int64_t c = (int64_t)random_below(&seed, (uint64_t)(n - d > 5 ? 5 : n - d) + 1);
            risk[m] = (struct cxm_risk){ (double)m, n, d, c };
            events[m] = d;
            n -= d + c;
        }
        cxm_priv_kaplan_meier(risk, m, curve);
        cxm_priv_aalen_johansen(risk, events, m, f);
        for (size_t i = 0; i < m; i++) {
            const double s = curve[i].survival.hi;
            assert_true(fabs(f[i].value.hi + s - 1) <= 2.3e-16);
            if (s > 0)
                assert_true(fabs(f[i].std_error - curve[i].std_error) <= 1e-14);
        }
    }
}

/* As of day 10: limits are closed, days are cut, what is not known yet is not used. */
static void durations_as_of(void **state)
{
    enum { DAY = 86400, NONE = -7, A = 10 * DAY };
    static const int64_t start[] = { 0, 0, A, A + 1, 5 * DAY, 5 * DAY, NONE, -3 * DAY, 1, 0 },
                         end[] = { A, A + 1, NONE, NONE, 5 * DAY, 4 * DAY, DAY, NONE, DAY, NONE };
    static const double want[] = { 10, 10, 0, NAN, 0, NAN, NAN, 13, 0, 10 };
    static const uint8_t lost[] = { 1, 0, 0, 0, 1, 0, 0, 0, 1, 0 };
    struct cxm_column columns[2] = { CXM_ARRAY(start, 10), CXM_ARRAY(end, 10) };
    struct cxm_duration_counts counts;
    struct cxm_error error;
    double duration[10] = { 77 };
    uint8_t event[10];
    (void)state;
    for (int i = 0; i < 2; i++) {
        columns[i].flags |= CXM_COLUMN_SENTINEL;
        columns[i].sentinel = NONE;
    }
    assert_int_equal(cxm_durations(&columns[0], &columns[1], A, 0, duration, event, NULL, &error),
                     CXM_EINVAL);
    assert_close(duration[0], 77, 0);
    assert_int_equal(cxm_durations(&columns[0], &columns[1], A, DAY, duration, event, &counts,
                                   &error), CXM_OK);
    for (int i = 0; i < 10; i++) {
        assert_close(duration[i], want[i], 0);
        assert_int_equal(event[i], lost[i]);
    }
    assert_int_equal(counts.n, 7);
    assert_int_equal(counts.missing, 1);
    assert_int_equal(counts.unseen, 1);
    assert_int_equal(counts.bad, 1);
}

/* No row, one row, and rows without any value. */
static void few_or_no_values(void **state)
{
    static const double nothing[] = { NAN, NAN, NAN }, one[] = { 4 };
    static const uint8_t lost[] = { 1, 0, 1 };
    (void)state;
    struct cxm_report *r = curve_of(nothing, lost, 3, 0, 0);
    assert_int_equal(cxm_report_rows(r), 2);
    assert_int_equal(value_of(r, "median", 0)->missing, 3);
    assert_int_equal(value_of(r, "median", 0)->n, 0);
    assert_true(value_of(r, "median", 0)->flags & CXM_FLAG_NO_DATA);
    assert_true(isnan(value_of(r, "rmst", 0)->value));
    cxm_report_free(r);
    r = curve_of(one, lost, 1, 0, 2);
    assert_close(value_of(r, "survival", 0)->value, 0, 0);
    assert_close(value_of(r, "median", 0)->value, 4, 0);
    assert_close(value_of(r, "rmst", 0)->value, 2, 0);
    cxm_report_free(r);
    r = curve_of(nothing, lost, 0, 0, 0);
    assert_true(value_of(r, "median", 0)->flags & CXM_FLAG_NO_DATA);
    cxm_report_free(r);
}

/* ---- tables that do not go with their groups ------------------------------------------------- */

static struct cxm_tally *tally_of_entries(const int32_t *from, const int32_t *to, size_t n)
{
    static const uint8_t lost[4] = { 1, 1, 1, 1 };
    const struct cxm_column duration = CXM_ARRAY(to, n), event = CXM_ARRAY(lost, n),
                            entry = CXM_ARRAY(from, n);
    return tally_of("survival", NULL, 0, ((struct cxm_input[]){ { "duration", &duration },
                                                                { "event", &event },
                                                                { "entry", &entry } }), 3);
}

static enum cxm_status load_again(struct cxm_tally *tally)
{
    size_t n = 0;
    struct cxm_tally *again = NULL;
    struct cxm_error error;
    uint8_t *bytes = save_tally(tally, &n);
    const enum cxm_status status = cxm_tally_load(bytes, n, NULL, &again, &error);
    cxm_tally_free(again);
    free(bytes);
    return status;
}

/* Counters: 0 censored, 1 lost, 2 came in. Every forgery has a sound checksum and sound sums of
 * rows, and would give risk sets below zero, losses that no group has, or groups without times. */
static void forged_tables_are_refused(void **state)
{
    static const int32_t from[] = { 0, 1, 2 }, to[] = { 3, 5, 6 };
    static const struct { uint32_t entry, counter; int64_t change; uint32_t entry_2, counter_2; }
    forgeries[] = {
        { 0, 2, 1, 1, 2 },   /* comes in at 0 instead of 1: fine */
        { 1, 2, 1, 0, 2 },   /* all the same */
        { 3, 1, 1, 4, 1 },   /* lost at 3 instead of 5: fine */
        { 0, 1, 1, 3, 1 },   /* lost at 0, before anybody came in */
        { 3, 0, 1, 3, 1 },   /* censored, but the group says lost */
        { 3, 1, 1, 3, 1 },   /* nothing changes */
        { 5, 2, 1, 2, 2 },   /* comes in at the last time and never leaves again */
    };
    static const bool sound[] = { true, true, true, false, false, true, false };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        struct cxm_tally *tally = tally_of_entries(from, to, 3);
        struct cxm_table *values = &tally->state.values;
        uint32_t order[8];
        assert_int_equal(values->dict.n, 6);
        assert_true(cxm_priv_dict_sort(&values->dict, order));
        cxm_priv_table_cell(values, order[forgeries[i].entry])[forgeries[i].counter] += 1;
        cxm_priv_table_cell(values, order[forgeries[i].entry_2])[forgeries[i].counter_2] -= 1;
        const enum cxm_status got = load_again(tally);
        if (got != (sound[i] ? CXM_OK : CXM_ECORRUPT))
            fail_msg("forgery %zu gives %d", i, got);
        cxm_tally_free(tally);
    }
}

/* The counters are there, the customer is not. */
static void subtracting_strangers(void **state)
{
    static const int32_t from[] = { 0, 3 }, to[] = { 5, 6 }, stranger_from[] = { 3 },
                         stranger_to[] = { 5 }, late[] = { 3 }, later[] = { 6 };
    (void)state;
    struct cxm_tally *tally = tally_of_entries(from, to, 2);
    struct cxm_tally *stranger = tally_of_entries(stranger_from, stranger_to, 1);
    struct cxm_tally *known = tally_of_entries(late, later, 1);
    /* 0 … 6 is left, which is sound: counters cannot tell. */
    assert_int_equal(cxm_tally_subtract(tally, stranger, NULL), CXM_OK);
    /* 0 … 6 less 3 … 6 has an entry without an exit. */
    assert_int_equal(cxm_tally_subtract(tally, known, NULL), CXM_EINCONSISTENT);
    cxm_tally_free(tally);
    cxm_tally_free(stranger);
    cxm_tally_free(known);
}

/* ---- the short cut of whole days ---------------------------------------------------------- */

enum { DENSE_ROWS = 9000 };

struct days {
    int64_t n;
    int32_t days[DENSE_ROWS], region[DENSE_ROWS];
    int64_t long_days[DENSE_ROWS], long_event[DENSE_ROWS];
    double real_days[DENSE_ROWS];
    uint8_t event[DENSE_ROWS], byte_region[DENSE_ROWS];
    int16_t small_region[2 * DENSE_ROWS]; /* every other element */
    int64_t ones[DENSE_ROWS];
};

static void random_days(struct days *d, int64_t n, uint64_t *seed)
{
    static const uint32_t spans[] = { 1, 60, 2001, 2048, 70000 };
    const uint32_t span = spans[random_below(seed, 5)], codes = random_below(seed, 4) ? 2 : 4;
    const uint32_t regions = (uint32_t[]){ 1, 10, 300 }[random_below(seed, 3)];
    const bool strange = random_below(seed, 3) == 0, nines = random_below(seed, 2) == 0;
    d->n = n;
    for (int64_t i = 0; i < n; i++) {
        d->days[i] = (int32_t)random_below(seed, i < n / 2 ? span / 2 + 1 : span);
        d->region[i] = (int32_t)random_below(seed, regions);
        d->event[i] = nines && random_below(seed, 50) == 0 ? 9 : (uint8_t)random_below(seed, codes);
        if (strange && random_below(seed, 2000) == 0)
            d->days[i] = (int32_t)random_u64(seed);
        if (strange && random_below(seed, 2000) == 0)
            d->region[i] = -(int32_t)random_below(seed, 5);
        d->long_days[i] = d->days[i];
        d->real_days[i] = random_below(seed, 100) == 0 ? NAN : d->days[i];
        d->long_event[i] = d->event[i];
        if (strange && random_below(seed, 3000) == 0)
            d->real_days[i] += 0.25;
        d->small_region[2 * i] = (int16_t)d->region[i];
        d->byte_region[i] = (uint8_t)d->region[i];
        d->ones[i] = 1;
    }
}

/* Rows first … of the days: one of the types of each column; `general` takes the general road,
 * since there are copies (of one). */
static struct cxm_tally *tally_of_days(const struct days *d, int64_t first, int64_t n, int kinds,
                                       bool keyed, bool general, int threads)
{
    static const double missing[] = { 9 };
    struct cxm_column columns[4] = {
        kinds % 3 == 0 ? cxm_column_make("d", CXM_I32, d->days + first, (size_t)n, 4, 4)
        : kinds % 3 == 1 ? cxm_column_make("d", CXM_I64, d->long_days + first, (size_t)n, 8, 8)
                         : cxm_column_make("d", CXM_F64, d->real_days + first, (size_t)n, 8, 8),
        kinds % 2 ? cxm_column_make("e", CXM_I64, d->long_event + first, (size_t)n, 8, 8)
                  : cxm_column_make("e", CXM_U8, d->event + first, (size_t)n, 1, 1),
        cxm_column_make("f", CXM_I64, d->ones + first, (size_t)n, 8, 8),
        kinds >= 6 ? cxm_column_make("region", CXM_U8, d->byte_region + first, (size_t)n, 1, 1)
        : kinds < 3 ? cxm_column_make("region", CXM_I32, d->region + first, (size_t)n, 4, 4)
                  : cxm_column_make("region", CXM_I16, d->small_region + 2 * first, (size_t)n, 4,
                                    2),
    };
    struct cxm_input inputs[4] = { { "duration", &columns[0] }, { "event", &columns[1] } };
    size_t n_inputs = 2;
    columns[1].missing_codes = missing;
    columns[1].n_missing_codes = 1;
    if (keyed)
        inputs[n_inputs++] = (struct cxm_input){ "by", &columns[3] };
    if (general)
        inputs[n_inputs++] = (struct cxm_input){ "freq", &columns[2] };
    const struct cxm_add_options o = { .size = sizeof o, .invalid = CXM_INVALID_COUNT,
                                       .threads = threads };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("survival", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, n_inputs, &o, NULL), CXM_OK);
    return tally;
}

static void assert_same_bytes(struct cxm_tally *a, struct cxm_tally *b)
{
    size_t n = 0, m = 0;
    uint8_t *const one = save_tally(a, &n), *const other = save_tally(b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(one, other, n);
    free(one);
    free(other);
}

static void whole_days_take_the_same_way(void **state)
{
    uint64_t seed = random_seed();
    struct days *d = malloc(sizeof *d);
    (void)state;
    for (int trial = 0; trial < trials(120); trial++) {
        random_days(d, trial % 4 == 0 ? (int64_t)random_below(&seed, 30) + 1 : DENSE_ROWS, &seed);
        const int kinds = (int)random_below(&seed, 9);
        const bool keyed = trial % 5 != 0;
        struct cxm_tally *want = tally_of_days(d, 0, d->n, kinds, keyed, true, 1);
        struct cxm_tally *got = tally_of_days(d, 0, d->n, kinds, keyed, false, 1);
        assert_same_bytes(got, want);
        const int64_t cut = (int64_t)random_below(&seed, (uint64_t)d->n + 1);
        struct cxm_tally *left = tally_of_days(d, 0, cut, kinds, keyed, false, 1);
        struct cxm_tally *right = tally_of_days(d, cut, d->n - cut, kinds, keyed, true, 1);
        assert_int_equal(cxm_tally_merge(right, left, NULL), CXM_OK);
        assert_same_bytes(right, want);
        cxm_tally_free(want);
        cxm_tally_free(got);
        cxm_tally_free(left);
        cxm_tally_free(right);
    }
    free(d);
}

/* Rows are counted 64 at a time, of 512 or 4 096 that are looked at together: ends beside these, all rows of
 * one cell, and times and keys that the counters reach only from the last row on. */
static void whole_days_end_anywhere(void **state)
{
    static const int64_t ends[] = { 1, 15, 16, 63, 64, 65, 127, 128, 511, 512, 513, 575, 639, 640, 641, 1023,
                                    1024, 1025, 1088, 4095, 4096, 4097, 4608, 8191, 8192, 8193 };
    struct days *d = calloc(1, sizeof *d);
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (int turn = 0; turn < 3; turn++) {
            const int64_t last = ends[i] - 1;
            for (int64_t k = 0; k <= last; k++) {
                d->days[k] = turn == 0 ? 3 : (int32_t)(k * 7 % 2001);
                d->event[k] = (uint8_t)(turn == 0 || k % 3 == 0);
                d->region[k] = turn == 0 ? 1 : (int32_t)(k % 10);
                d->byte_region[k] = (uint8_t)d->region[k];
                d->ones[k] = 1;
            }
            d->days[last] = turn == 2 ? 60000 : d->days[last];
            d->byte_region[last] = turn == 2 ? 200 : d->byte_region[last];
            d->region[last] = d->byte_region[last];
            for (int kinds = 0; kinds <= 6; kinds += 6) {
                struct cxm_tally *want = tally_of_days(d, 0, ends[i], kinds, true, true, 1);
                struct cxm_tally *got = tally_of_days(d, 0, ends[i], kinds, true, false, 1);
                assert_same_bytes(got, want);
                cxm_tally_free(want);
                cxm_tally_free(got);
            }
        }
    }
    free(d);
}

static void cells_of_rows(void **state)
{
    enum { N = 100 };
    uint64_t seed = random_seed();
    uint32_t times[N], keys[N], want[N], got[N];
    uint8_t bytes[N], events[N];
    (void)state;
    for (size_t n = 0; n <= N; n++) {
        for (size_t i = 0; i < n; i++) {
            times[i] = (uint32_t)random_u64(&seed) >> random_below(&seed, 32);
            keys[i] = (uint32_t)random_u64(&seed) >> random_below(&seed, 32);
            bytes[i] = (uint8_t)random_u64(&seed);
            events[i] = (uint8_t)(random_u64(&seed) & (n % 2 == 0 ? 1 : 255));
        }
        for (int kind = 0; kind < 3; kind++) {
            const struct cxm_time_rows rows = { .times = times, .events = events,
                                                .keys = kind == 1 ? keys : NULL,
                                                .byte_keys = kind == 2 ? bytes : NULL,
                                                .stride = 4099, .bins = 2 + (uint32_t)n % 3 };
            const struct cxm_time_bits a = cxm_priv_time_cells_c(&rows, n, want);
            for (unsigned without = 0; without <= CXM_TIMES_AVX512; without++) {
                const struct cxm_time_bits b = cxm_priv_time_cells(without)(&rows, n, got);
                assert_true(a.times == b.times && a.keys == b.keys && a.events == b.events);
                assert_memory_equal(want, got, n * sizeof want[0]);
            }
        }
    }
}

/* A variant that counts rows where they lie, beside the places of the reference: for every length, from an
 * odd row on, and up to the rows of which one is outside. */
static void rows_counted_where_they_lie(void **state)
{
    enum { N = 700, TIMES = 16, KEYS = 8, BINS = 2, STRIDE = TIMES * BINS + 2, CELLS = KEYS * STRIDE };
    cxm_time_count *const count = cxm_priv_time_count(0);
    uint64_t seed = random_seed();
    uint32_t times[N], keys[N], index[N], want[CELLS], got[CELLS];
    uint8_t bytes[N], events[N];
    const struct cxm_time_bits outside = { ~(uint32_t)(TIMES - 1), ~(uint32_t)(KEYS - 1),
                                           ~(uint32_t)(BINS - 1) };
    (void)state;
    assert_null(cxm_priv_time_count(CXM_TIMES_AVX512 | CXM_TIMES_AVX2));
    for (size_t n = 0; count != NULL && n < N; n++) {
        const size_t first = n % 5;
        for (size_t i = 0; i < N; i++) {
            times[i] = (uint32_t)random_below(&seed, TIMES);
            bytes[i] = (uint8_t)random_below(&seed, KEYS);
            keys[i] = bytes[i];
            events[i] = (uint8_t)random_below(&seed, BINS);
        }
        const size_t bad = first + random_below(&seed, 2 * (uint64_t)N); /* often none */
        if (bad < N && n % 3 == 0)
            times[bad] = (uint32_t)TIMES << random_below(&seed, 28);
        else if (bad < N && n % 3 == 1)
            events[bad] = (uint8_t)(BINS << random_below(&seed, 7));
        else if (bad < N)
            keys[bad] = bytes[bad] = (uint8_t)(KEYS << random_below(&seed, 5));
        for (int kind = n % 3 == 2; kind < 3; kind++) {
            const struct cxm_time_rows rows = { .times = times + first, .events = events + first,
                                                .keys = kind == 1 ? keys + first : NULL,
                                                .byte_keys = kind == 2 ? bytes + first : NULL,
                                                .stride = STRIDE, .bins = BINS };
            const size_t m = n + first <= N ? n : N - first;
            memset(got, 0, sizeof got);
            memset(want, 0, sizeof want);
            const size_t counted = count(&rows, &outside, m, got);
            assert_true(counted <= m && (counted + first <= bad || bad >= N || bad < first));
            if (bad >= N)
                assert_true(m - counted < 2 * CXM_TIME_LINE);
            cxm_priv_time_cells_c(&rows, counted, index);
            for (size_t i = 0; i < counted; i++)
                want[index[i]]++;
            assert_memory_equal(got, want, sizeof want);
        }
    }
}

/* The lowest wrong row is named whatever the road: row 4 500 is in the second chunk. */
static void whole_days_name_the_row(void **state)
{
    struct days *d = calloc(1, sizeof *d);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    (void)state;
    d->event[4500] = 7;
    d->event[8000] = 8;
    const struct cxm_column duration = CXM_ARRAY(d->days, DENSE_ROWS),
                            event = CXM_ARRAY(d->event, DENSE_ROWS);
    assert_int_equal(cxm_kaplan_meier(&duration, &event, NULL, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 4500);
    d->event[4500] = 0;
    d->days[4200] = -5;
    assert_int_equal(cxm_kaplan_meier(&duration, &event, NULL, &r, &error), CXM_EDATA);
    assert_int_equal(error.row, 4200);
    assert_string_equal(error.value, "-5");
    free(d);
}

/* ---- memory ----------------------------------------------------------------------------- */

typedef enum cxm_status analysis(struct cxm_tally *tally, struct cxm_report **out,
                                 struct cxm_error *error);

static enum cxm_status curves(struct cxm_tally *tally, struct cxm_report **out,
                              struct cxm_error *error)
{
    static const double p[] = { 0.25 }, tau[] = { 1 };
    const struct cxm_survival_options o = { .size = sizeof o, .rows = 7, .total = 1,
                                            .quantiles = p, .n_quantiles = 1, .taus = tau,
                                            .n_taus = 1 };
    return cxm_tally_survival(tally, &o, out, error);
}

static enum cxm_status incidences(struct cxm_tally *tally, struct cxm_report **out,
                                  struct cxm_error *error)
{
    const struct cxm_survival_options o = { .size = sizeof o, .total = 1 };
    return cxm_tally_incidence(tally, &o, out, error);
}

static enum cxm_status test_of(struct cxm_tally *tally, struct cxm_report **out,
                               struct cxm_error *error)
{
    const struct cxm_logrank_options o = { sizeof o, 1, 1, 0, 0, 0 };
    return cxm_tally_logrank(tally, &o, out, error);
}

static void memory_runs_out(void **state)
{
    static analysis *const analyses[] = { curves, incidences, test_of };
    static const char *const groups[] = { "a", "b", "b", "a", "c" };
    const struct cxm_column duration = CXM_ARRAY(times_d, 20), cause = CXM_ARRAY(causes_of_d, 20);
    const struct cxm_param causes = { "causes", NULL, 0, natures, 4 };
    const char *by[20];
    uint8_t strata[20];
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        by[i] = groups[i % 5];
        strata[i] = i % 3 == 0;
    }
    const struct cxm_column first = CXM_ARRAY(by, 20), second = CXM_ARRAY(strata, 20);
    const struct cxm_input inputs[] = { { "duration", &duration }, { "event", &cause },
                                        { "by", &first }, { "by", &second } };
    for (size_t a = 0; a < COUNT_OF(analyses); a++) {
        for (int on = 0; on < 2; on++) {
            for (int k = 1, left = 1; left; k++) {
                struct heap heap;
                struct cxm_tally *tally = NULL;
                struct cxm_report *report = NULL;
                heap_init(&heap, 0);
                assert_int_equal(cxm_tally_new("survival", &causes, 1, &heap.allocator, &tally,
                                               NULL), CXM_OK);
                assert_int_equal(cxm_tally_add(tally, inputs, 4, NULL, NULL), CXM_OK);
                heap.fail_on = on;
                heap.fail_at = heap.calls + k;
                const enum cxm_status got = analyses[a](tally, &report, NULL);
                left = heap.calls >= heap.fail_at;
                assert_int_equal(got, left && got != CXM_OK ? CXM_ENOMEM : CXM_OK);
                assert_true((got == CXM_OK) == (report != NULL));
                cxm_report_free(report);
                cxm_tally_free(tally);
                assert_int_equal(heap.live, 0);
            }
        }
    }
}

static void wrong_arguments(void **state)
{
    struct cxm_tally *nps = tally_of("nps", NULL, 0, NULL, 0);
    struct cxm_tally *tally = tally_of("survival", NULL, 0, NULL, 0);
    struct cxm_report *r = NULL;
    struct cxm_error error;
    static const double p[] = { 1.5 }, times[] = { 2, 1 };
    (void)state;
    assert_int_equal(cxm_tally_survival(nps, NULL, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_tally_survival(NULL, NULL, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_tally_survival(tally, NULL, NULL, &error), CXM_EINVAL);
    const struct cxm_survival_options bad[] = {
        { .size = 4 }, { .size = sizeof bad[0], .level = 95 },
        { .size = sizeof bad[0], .interval = CXM_INTERVAL_WILSON },
        { .size = sizeof bad[0], .rows = 8 }, { .size = sizeof bad[0], .hazard = 2 },
        { .size = sizeof bad[0], .quantiles = p, .n_quantiles = 1 },
        { .size = sizeof bad[0], .times = times, .n_times = 2 },
        { .size = sizeof bad[0], .n_taus = 1 },
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(cxm_tally_survival(tally, &bad[i], &r, &error), CXM_EINVAL);
        assert_true(error.message[0] != '\0');
    }
    const struct cxm_logrank_options rho = { sizeof rho, 0, -1, 0, 0, 0 };
    assert_int_equal(cxm_tally_logrank(tally, &rho, &r, &error), CXM_EINVAL);
    assert_int_equal(status_of_new("survival", &(struct cxm_param){
                         "causes", NULL, 0, (const char *const[]){ "a", "a" }, 2 }, 1),
                     CXM_EINVAL);
    assert_null(r);
    cxm_tally_free(nps);
    cxm_tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kaplan_meier),        cmocka_unit_test(quantiles),
        cmocka_unit_test(restricted_means),    cmocka_unit_test(logrank),
        cmocka_unit_test(delayed_entry),       cmocka_unit_test(tied_hazard_of_many),
        cmocka_unit_test(competing_risks),     cmocka_unit_test(curve_from_columns),
        cmocka_unit_test(curve_at_asked_times), cmocka_unit_test(delayed_entry_from_columns),
        cmocka_unit_test(competing_risks_from_columns), cmocka_unit_test(logrank_of_pairs),
        cmocka_unit_test(logrank_leaves_out_who_was_alone),
        cmocka_unit_test(logrank_from_columns), cmocka_unit_test(naive_curves_of_causes),
        cmocka_unit_test(all_censored),        cmocka_unit_test(all_events_at_one_time),
        cmocka_unit_test(last_time_censored),  cmocka_unit_test(ties_event_first),
        cmocka_unit_test(events_at_time_zero), cmocka_unit_test(entry_at_exit_is_bad),
        cmocka_unit_test(values_out_of_range), cmocka_unit_test(nobody),
        cmocka_unit_test(a_group_of_nobody_has_a_row),
        cmocka_unit_test(one_cause_is_one_minus_survival), cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(wrong_arguments),     cmocka_unit_test(whole_days_take_the_same_way),
        cmocka_unit_test(whole_days_name_the_row), cmocka_unit_test(cells_of_rows),
        cmocka_unit_test(rows_counted_where_they_lie),
        cmocka_unit_test(whole_days_end_anywhere),
        cmocka_unit_test(durations_as_of),     cmocka_unit_test(few_or_no_values),
        cmocka_unit_test(forged_tables_are_refused), cmocka_unit_test(subtracting_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
