/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lifetime models. Rows are published figures (Fader & Hardie 2007, 2010; Fader, Hardie & Lee
 * 2005) and tests/reference/lifetime_rows.py, which computes them with mpmath and SciPy. */
#include "testing.h"

#include "estimate/lifetime.h"
#include "estimate/special.h"

/* Half a unit of the last digit given. */
#define assert_digits(got, want, half_unit) assert_true(fabs((got) - (want)) <= (half_unit))

/* ---- special functions ---------------------------------------------------------------- */

static void special_functions(void **state)
{
    (void)state;
    assert_close(cxm_priv_digamma(1), -0.57721566490153286061, 1e-15);
    assert_close(cxm_priv_digamma(0.25), -4.2274535333762654080, 1e-15);
    assert_close(cxm_priv_digamma(1e6), 13.815510057964190771, 1e-15);
    assert_close(cxm_priv_log_gamma(0.3), 1.0957979948180756, 1e-15);
    assert_close(cxm_priv_log_beta(2, 3), log(1.0 / 12), 1e-14);
    assert_close(cxm_priv_hyper_2f1_one(8, 8.5, 0.999), 142.17212271242184969, 1e-13);
    assert_close(cxm_priv_hyper_2f1_one(3.806, 4.474, 0), 1, 0);
}

/* ---- shifted beta geometric ----------------------------------------------------------- */

struct cohort {
    int64_t lost[12], left[12];
    struct cxm_sbg_counts counts;
};

/* Per mille active at the start and after each period. */
static void cohort_of(const int64_t *active, size_t n, struct cohort *c)
{
    memset(c, 0, sizeof *c);
    for (size_t t = 1; t < n; t++)
        c->lost[t - 1] = active[t - 1] - active[t];
    c->left[n - 2] = active[n - 1];
    c->counts = (struct cxm_sbg_counts){ c->lost, c->left, n - 1 };
}

static const int64_t high_end[] = { 1000, 869, 743, 653, 593, 551, 517, 491 };
static const int64_t regular[] = { 1000, 631, 468, 382, 326, 289, 262, 241 };

static void sbg_fits_the_published_cohorts(void **state)
{
    (void)state;
    struct cohort c;
    cohort_of(high_end, 8, &c);
    struct cxm_fit fit = cxm_priv_sbg_fit(&c.counts);
    assert_true(fit.converged);
    assert_close(exp(fit.theta[0]), 0.66808835110644622, 1e-9);
    assert_close(exp(fit.theta[1]), 3.8060949640582669, 1e-9);
    assert_close(fit.value, -1611.1581473911564, 1e-13);
    /* from the observed information in log a and log b; 0.78548 in the definitions is off */
    assert_close(exp(fit.theta[0]) * sqrt(fit.covariance[0][0]), 0.10373493114956455, 1e-6);
    assert_close(exp(fit.theta[1]) * sqrt(fit.covariance[1][1]), 0.7855316917757071, 1e-6);
    assert_close(fit.covariance[0][1] / sqrt(fit.covariance[0][0] * fit.covariance[1][1]),
                 0.95302419595533715, 1e-6);
    assert_digits(cxm_priv_sbg_log_likelihood(&c.counts, 1, 1), -2115.545507, 5e-7);
    cohort_of(high_end, 5, &c);
    fit = cxm_priv_sbg_fit(&c.counts);
    assert_close(exp(fit.theta[0]), 1.280976380367425, 1e-8);
    assert_close(exp(fit.theta[1]), 7.7903840952638604, 1e-8);
    cohort_of(regular, 8, &c);
    fit = cxm_priv_sbg_fit(&c.counts);
    assert_close(exp(fit.theta[0]), 0.70407729847351621, 1e-9);
    assert_close(exp(fit.theta[1]), 1.1820430262094757, 1e-9);
    assert_close(fit.value, -1680.265188463287, 1e-13);
    assert_close(exp(fit.theta[0]) * sqrt(fit.covariance[0][0]), 0.065598964234037207, 1e-6);
    assert_close(exp(fit.theta[1]) * sqrt(fit.covariance[1][1]), 0.15247563167590936, 1e-6);
}

static void sbg_projects(void **state)
{
    static const double percent[12] = { 85.068, 74.686, 66.979, 60.992, 56.183, 52.222,
                                        48.891, 46.044, 43.578, 41.417, 39.506, 37.800 };
    (void)state;
    struct cohort c;
    cohort_of(high_end, 8, &c);
    const struct cxm_fit fit = cxm_priv_sbg_fit(&c.counts);
    const double a = exp(fit.theta[0]), b = exp(fit.theta[1]);
    assert_close(cxm_priv_sbg_survival(a, b, 0), 1, 0);
    for (int t = 1; t <= 12; t++) {
        assert_digits(100 * cxm_priv_sbg_survival(a, b, t), percent[t - 1], 5e-4);
        assert_close(cxm_priv_sbg_retention(a, b, t),
                     cxm_priv_sbg_survival(a, b, t) / cxm_priv_sbg_survival(a, b, t - 1), 1e-12);
    }
    /* Regular: fitted to seven years, projected to twelve */
    static const double other[12] = { 62.671, 47.382, 38.797, 33.207, 29.235, 26.246,
                                      23.902, 22.008, 20.441, 19.119, 17.986, 17.004 };
    cohort_of(regular, 8, &c);
    const struct cxm_fit second = cxm_priv_sbg_fit(&c.counts);
    for (int t = 1; t <= 12; t++)
        assert_digits(100 * cxm_priv_sbg_survival(exp(second.theta[0]), exp(second.theta[1]), t),
                      other[t - 1], 5e-4);
    double g[2];
    const double h = 1e-6;
    cxm_priv_sbg_survival_gradient(a, b, 5, g);
    assert_close(g[0], (cxm_priv_sbg_survival(a * exp(h), b, 5)
                        - cxm_priv_sbg_survival(a * exp(-h), b, 5)) / (2 * h), 1e-8);
    assert_close(g[1], (cxm_priv_sbg_survival(a, b * exp(h), 5)
                        - cxm_priv_sbg_survival(a, b * exp(-h), 5)) / (2 * h), 1e-8);
}

static void sbg_discounts(void **state)
{
    (void)state;
    const double a = 0.668, b = 3.806;
    assert_close(cxm_priv_sbg_del(a, b, 0.1), 5.922596407613, 1e-13);
    assert_close(cxm_priv_sbg_derl(a, b, 1, 0.1), 5.4148560483740406, 1e-13);
    assert_close(cxm_priv_sbg_derl(a, b, 2, 0.1), 5.9017531677530224, 1e-13);
    assert_close(cxm_priv_sbg_derl(a, b, 5, 0.1), 6.8970573977460909, 1e-13);
    assert_close(cxm_priv_sbg_del(a, b, 0.01), 19.821411862394855, 1e-13);
    assert_close(cxm_priv_sbg_del(a, b, 0.001), 53.002470676801412, 1e-13);
    assert_close(cxm_priv_sbg_del(2, 3, 0), 4, 1e-15);
    assert_true(isinf(cxm_priv_sbg_del(0.9, 3, 0)));
    /* a = 2, b = 3: S(t) = 12 / ((3 + t)(4 + t)), so the sum without discount is 4 */
    assert_close(cxm_priv_sbg_del(2, 3, 1e-9), 4, 1e-6);
}

static void sbg_at_the_boundary(void **state)
{
    (void)state;
    const int64_t none[] = { 0, 0, 0 }, left[] = { 0, 0, 100 };
    const struct cxm_sbg_counts kept = { none, left, 3 };
    struct cxm_fit fit = cxm_priv_sbg_fit(&kept);
    assert_false(fit.converged); /* nobody left: b / a grows without bound */
    assert_true(isnan(fit.covariance[0][0]));
    const int64_t all[] = { 100, 0, 0 }, nobody[] = { 0, 0, 0 };
    const struct cxm_sbg_counts gone = { all, nobody, 3 };
    fit = cxm_priv_sbg_fit(&gone);
    assert_false(fit.converged);
    const int64_t lost[] = { 30 }, stay[] = { 70 };
    const struct cxm_sbg_counts one = { lost, stay, 1 };
    fit = cxm_priv_sbg_fit(&one); /* one period tells a / (a + b) only */
    assert_false(fit.converged);
}

/* ---- BG/NBD --------------------------------------------------------------------------- */

static const struct cxm_bg_nbd published = { 0.243, 4.414, 0.793, 2.426 };
/* MLE of the CDNOW customers, from the reference script */
static const struct cxm_bg_nbd fitted = { 0.242593, 4.413532, 0.792886, 2.425753 };

static void bg_nbd_likelihood(void **state)
{
    static const struct {
        struct cxm_purchases row;
        double want;
    } rows[] = {
        { { 0, 0, 38.86, 1 }, -0.5547132764 },
        { { 1, 1.71, 38.86, 1 }, -4.4690932750 },
        { { 2, 30.43, 38.86, 1 }, -9.4586063071 },
        { { 29, 38, 38.86, 1 }, -44.4420685251 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_digits(cxm_priv_bg_nbd_log_likelihood(&published, &rows[i].row), rows[i].want,
                      5e-11);
}

static void bg_nbd_expectations(void **state)
{
    static const double times[] = { 0.1429, 1, 3, 31.8571, 32, 78 };
    static const double expected[] = { 0.0078160742780685235, 0.053184755885664124,
                                       0.15063197325501271, 1.0404946233624349,
                                       1.0437375470064056, 1.8579723797262539 };
    static const double orders[] = { 0, 29, 400, 2000 };
    static const double brackets[] = { 0.19509805201126264, 20.364166151784199,
                                       275.32861034193168, 1374.8303752334314 };
    const struct cxm_bg_nbd *m = &published;
    (void)state;
    assert_close(cxm_priv_bg_nbd_conditional(m, 39, 2, 30.43, 38.86), 1.2260281747671444, 1e-12);
    assert_close(cxm_priv_bg_nbd_alive(m, 2, 30.43, 38.86), 0.72657857008067291, 1e-14);
    assert_close(cxm_priv_bg_nbd_alive(m, 0, 0, 38.86), 1, 0);
    assert_close(cxm_priv_bg_nbd_conditional(m, 39, 1, 1.71, 38.86), 0.20318698707975406, 1e-12);
    assert_close(cxm_priv_bg_nbd_alive(m, 1, 1.71, 38.86), 0.21210098537737908, 1e-14);
    assert_close(cxm_priv_bg_nbd_conditional(&fitted, 39, 2, 30.43, 38.86), 1.2259105201579891,
                 1e-12);
    assert_close(cxm_priv_bg_nbd_alive(&fitted, 2, 30.43, 38.86), 0.72660916044301469, 1e-14);
    for (size_t i = 0; i < COUNT_OF(times); i++)
        assert_close(cxm_priv_bg_nbd_expected(&fitted, times[i]), expected[i], 1e-11);
    assert_close(cxm_priv_bg_nbd_expected(&fitted, 0), 0, 0);
    assert_close(cxm_priv_bg_nbd_expected(m, 30), 0.99916790118645788, 1e-12);
    for (size_t i = 0; i < COUNT_OF(orders); i++)
        assert_close(cxm_priv_bg_nbd_conditional(m, 39, orders[i], 38, 38.86)
                         / cxm_priv_bg_nbd_alive(m, orders[i], 38, 38.86), brackets[i], 1e-11);
}

static void bg_nbd_near_a_of_one(void **state)
{
    (void)state;
    struct cxm_bg_nbd m = { 0.5, 3, 1, 2.5 };
    const double at = cxm_priv_bg_nbd_expected(&m, 20);
    m.a = 1 + 2e-5;
    const double above = cxm_priv_bg_nbd_expected(&m, 20);
    m.a = 1 - 2e-5;
    const double below = cxm_priv_bg_nbd_expected(&m, 20);
    assert_close(at, (above + below) / 2, 1e-9);
}

/* With r = 1 orders are geometric and z = t / (alpha + t) is the chance of one more, so that
 * E = sum_k z^(k + 1) (b)_k / (a + b)_k: by hand for several a and b. */
static void bg_nbd_expectations_by_hand(void **state)
{
    (void)state;
    /* a = b = 1/2: (1/2)_k / k!, the binomial series, z / sqrt(1 - z); z = 0.84 */
    const struct cxm_bg_nbd halves = { 1, 4, 0.5, 0.5 };
    assert_close(cxm_priv_bg_nbd_expected(&halves, 21), 2.1, 1e-14);
    assert_close(cxm_priv_bg_nbd_conditional(&halves, 42, 0, 0, 4), 2.1, 1e-14);
    /* a = b = 1: z^(k + 1) / (k + 1), the logarithm 1 / (1 - z) */
    const struct cxm_bg_nbd ones = { 1, 4, 1, 1 };
    assert_close(cxm_priv_bg_nbd_expected(&ones, 12), log(4), 1e-14);
    assert_close(cxm_priv_bg_nbd_expected(&ones, 1e-6), log1p(2.5e-7), 1e-14);
    /* b = 1, large a: all but nobody stays for a second order */
    const struct cxm_bg_nbd leavers = { 1, 4, 1000, 1 };
    assert_close(cxm_priv_bg_nbd_expected(&leavers, 36),
                 0.9 + 0.81 / 1001 * (1 + 2 * 0.9 / 1002 * (1 + 3 * 0.9 / 1003
                     * (1 + 4 * 0.9 / 1004 * (1 + 5 * 0.9 / 1005)))), 1e-13);
    /* hardly anybody leaves: r t / alpha, although P(no order) = 21^-1000 underflows */
    const struct cxm_bg_nbd faithful = { 1000, 1, 1e-18, 1 };
    assert_close(cxm_priv_bg_nbd_expected(&faithful, 20), 20000, 1e-11);
    assert_close(cxm_priv_bg_nbd_expected(&faithful, 1e-9), 1e-6, 1e-14);
}

/* Twelve kinds of customers drawn from the model, so that the gradient can be checked and the
 * fit is the same for any order of the rows. */
static void bg_nbd_fit_is_a_maximum(void **state)
{
    static const struct cxm_purchases rows[] = {
        { 0, 0, 30, 500 }, { 0, 0, 20, 300 }, { 1, 5, 30, 90 }, { 1, 18, 20, 60 },
        { 2, 12, 30, 50 }, { 2, 19, 20, 30 }, { 3, 28, 30, 35 }, { 4, 10, 20, 12 },
        { 5, 29, 30, 25 }, { 7, 19, 20, 10 }, { 9, 28, 30, 8 }, { 15, 29, 30, 3 },
    };
    (void)state;
    const struct cxm_fit fit = cxm_priv_bg_nbd_fit(rows, COUNT_OF(rows));
    assert_true(fit.converged);
    for (int k = 0; k < 4; k++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            double theta[4], sum = 0;
            memcpy(theta, fit.theta, sizeof theta);
            theta[k] += sign * 1e-3;
            const struct cxm_bg_nbd m = { exp(theta[0]), exp(theta[1]), exp(theta[2]),
                                          exp(theta[3]) };
            for (size_t i = 0; i < COUNT_OF(rows); i++)
                sum += rows[i].n * cxm_priv_bg_nbd_log_likelihood(&m, &rows[i]);
            assert_true(sum < fit.value);
        }
    }
}

/* ---- Gamma-Gamma ---------------------------------------------------------------------- */

static void gamma_gamma_rows(void **state)
{
    static const struct cxm_gamma_gamma cdnow = { 6.25, 3.74, 15.44 };
    (void)state;
    assert_digits(cxm_priv_gamma_gamma_expected(&cdnow, 0, 0), 35.2190, 5e-5);
    assert_digits(cxm_priv_gamma_gamma_expected(&cdnow, 2, 22.35), 24.6637, 5e-5);
    assert_digits(cxm_priv_gamma_gamma_expected(&cdnow, 1, 11.77), 18.9169, 5e-5);
    const struct cxm_spending rows[] = { { 1, 11.77, 1 }, { 2, 22.35, 1 }, { 6, 73.74, 1 } };
    assert_digits(cxm_priv_gamma_gamma_log_likelihood(&cdnow, &rows[0]), -3.7377096787, 5e-11);
    assert_digits(cxm_priv_gamma_gamma_log_likelihood(&cdnow, &rows[1]), -3.5513167597, 5e-11);
    assert_digits(cxm_priv_gamma_gamma_log_likelihood(&cdnow, &rows[2]), -6.0512681375, 5e-11);
    const struct cxm_gamma_gamma heavy = { 2, 1, 3 };
    assert_true(isinf(cxm_priv_gamma_gamma_expected(&heavy, 0, 0)));
}

static void gamma_gamma_fits(void **state)
{
    static const struct cxm_spending rows[] = {
        { 1, 8, 60 }, { 1, 15, 120 }, { 1, 30, 90 }, { 1, 60, 40 }, { 2, 12, 50 }, { 2, 25, 80 },
        { 2, 50, 40 }, { 4, 15, 25 }, { 4, 30, 45 }, { 4, 70, 20 }, { 8, 28, 15 }, { 8, 45, 12 },
    };
    (void)state;
    const struct cxm_fit fit = cxm_priv_gamma_gamma_fit(rows, COUNT_OF(rows));
    assert_true(fit.converged);
    assert_digits(exp(fit.theta[0]), 4.6242, 5e-5);
    assert_digits(exp(fit.theta[1]), 5.6181, 5e-5);
    assert_digits(exp(fit.theta[2]), 27.904, 5e-4);
    assert_digits(fit.value, -2393.717286, 5e-7);
}

/* ---- lifetime value ------------------------------------------------------------------- */

static void lifetime_values(void **state)
{
    (void)state;
    assert_digits(cxm_priv_lifetime_value(100, 0.8, 0.1, CXM_PAYMENT_NOW, INFINITY), 366.6667,
                  5e-5);
    assert_digits(cxm_priv_lifetime_value(100, 0.8, 0.1, CXM_PAYMENT_AFTER_RENEWAL, INFINITY),
                  266.6667, 5e-5);
    assert_digits(cxm_priv_lifetime_value(100, 0.8, 0.1, CXM_PAYMENT_NEXT, INFINITY), 333.3333,
                  5e-5);
    assert_close(cxm_priv_lifetime_value(100, 0.8, 0, CXM_PAYMENT_NOW, INFINITY), 500, 1e-14);
    assert_digits(cxm_priv_lifetime_value(100, 0.8, 0.1, CXM_PAYMENT_NOW, 5), 292.0633836, 5e-8);
    assert_close(cxm_priv_lifetime_value(100, 0.85, 0.1, CXM_PAYMENT_NOW, INFINITY), 440, 1e-14);
    assert_true(isinf(cxm_priv_lifetime_value(1, 1, 0, CXM_PAYMENT_NOW, INFINITY)));
    assert_close(cxm_priv_lifetime_value(7, 1, 0, CXM_PAYMENT_NOW, 3), 21, 0);
    assert_close(cxm_priv_lifetime_value(100, 0.8, 0.1, CXM_PAYMENT_NOW, 0), 0, 0);
    assert_close(cxm_priv_lifetime_value(100, 0, 0.1, CXM_PAYMENT_NOW, INFINITY), 100, 1e-15);
    /* r = 1: (1 + d) / d, 1 / d. Rounding 1 + d first would cost eight digits, or all. */
    assert_close(cxm_priv_lifetime_value(1, 1, 1e-9, CXM_PAYMENT_NOW, INFINITY), 1000000001, 1e-15);
    assert_close(cxm_priv_lifetime_value(1, 1, 1e-17, CXM_PAYMENT_NEXT, INFINITY), 1e17, 1e-15);
    /* 1 / (churn + d), with 2^-30 and 2^-60 or 2^-30 */
    assert_close(cxm_priv_lifetime_value(1, 1 - 0x1p-30, 0x1p-60, CXM_PAYMENT_NEXT, INFINITY),
                 0x1p30 / (1 + 0x1p-30), 1e-15);
    assert_close(cxm_priv_lifetime_value(1, 1 - 0x1p-30, 0x1p-30, CXM_PAYMENT_NEXT, INFINITY), 0x1p29,
                 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_functions),
        cmocka_unit_test(sbg_fits_the_published_cohorts),
        cmocka_unit_test(sbg_projects),
        cmocka_unit_test(sbg_discounts),
        cmocka_unit_test(sbg_at_the_boundary),
        cmocka_unit_test(bg_nbd_likelihood),
        cmocka_unit_test(bg_nbd_expectations),
        cmocka_unit_test(bg_nbd_near_a_of_one),
        cmocka_unit_test(bg_nbd_expectations_by_hand),
        cmocka_unit_test(bg_nbd_fit_is_a_maximum),
        cmocka_unit_test(gamma_gamma_rows),
        cmocka_unit_test(gamma_gamma_fits),
        cmocka_unit_test(lifetime_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
