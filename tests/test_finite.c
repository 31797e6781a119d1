/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intervals for samples from a list of known length: worked rows, exact limits computed in
 * whole numbers, coverage by enumeration, limits that meet those of endless populations. */
#include "testing.h"

#include "estimate/finite.h"

#include <cxm/interval.h>

static struct cxm_interval_limits share(double x, double n, double population, double level,
                                        enum cxm_interval method)
{
    struct cxm_interval_limits out;
    assert_int_equal(cxm_share_interval_finite(x, n, population, level, method, &out, NULL),
                     CXM_OK);
    return out;
}

static struct cxm_interval_limits net(double d, double p, double r, double population,
                                      enum cxm_interval method)
{
    struct cxm_interval_limits out;
    assert_int_equal(cxm_nps_interval_finite(d, p, r, population, 0.95, method, NULL, &out, NULL),
                     CXM_OK);
    return out;
}

static void worked_rows(void **state)
{
    (void)state;
    /* 120 of 200 from 1000: R 4.2.2 and again by hand. */
    const struct cxm_interval_limits wilson = share(120, 200, 1000, 0.95, CXM_INTERVAL_DEFAULT);
    assert_close(wilson.value, 0.6, 0.0);
    assert_close(wilson.std_error, 0.031061618126, 2e-11);
    assert_close(wilson.lower, 0.538201663237, 1e-11);
    assert_close(wilson.upper, 0.658771676863, 1e-11);
    assert_int_equal(wilson.interval, CXM_INTERVAL_WILSON);
    assert_int_equal(wilson.flags, 0);
    const struct cxm_interval_limits exact =
        share(120, 200, 1000, 0.95, CXM_INTERVAL_CLOPPER_PEARSON);
    assert_close(exact.lower, 0.536, 1e-15);
    assert_close(exact.upper, 0.661, 1e-15);
    const struct cxm_interval_limits wald = share(120, 200, 1000, 0.95, CXM_INTERVAL_WALD);
    assert_close(wald.upper, 0.6 + 1.959963984540054 * 0.031061618126, 1e-11);
    /* d 15, p 25, r 40 of a list of 160: half of the variance, divisor n - 1. */
    const struct cxm_interval_limits nps = net(15, 25, 40, 160, CXM_INTERVAL_WALD);
    assert_close(nps.value, 31.25, 0.0);
    assert_close(nps.std_error, 8.640819742524 / sqrt(2), 1e-12);
    assert_close(nps.lower, 31.25 - 1.959963984540054 * 8.640819742524 / sqrt(2), 1e-12);
    struct cxm_interval_limits mean;
    assert_int_equal(cxm_mean_interval_finite(4.19, 0.103176812053, 100, 200, 0.95, &mean, NULL),
                     CXM_OK);
    assert_close(mean.std_error, 0.103176812053 / sqrt(2), 1e-15);
    assert_close(mean.upper, 4.19 + (4.394725179487 - 4.19) / sqrt(2), 1e-12);
    assert_close(mean.df, 99, 0.0);
    assert_int_equal(mean.interval, CXM_INTERVAL_T);
}

static const struct row {
    double x, n, population, level, fewest, most;
} rows[] = {
#include "data/finite_rows.h"
};

static void exact_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        const struct cxm_interval_limits got =
            share(r->x, r->n, r->population, r->level, CXM_INTERVAL_CLOPPER_PEARSON);
        if (got.lower != r->fewest / r->population || got.upper != r->most / r->population)
            fail_msg("%g of %g from %g at %g: [%g, %g], not [%g, %g]", r->x, r->n, r->population,
                     r->level, got.lower * r->population, got.upper * r->population, r->fewest,
                     r->most);
    }
}

/* The chance that the limits hold the true share, for every number of marked customers. */
static void exact_limits_cover(void **state)
{
    (void)state;
    const int population = 40;
    for (int n = 1; n < population; n += 3) {
        struct cxm_limits limits[41];
        for (int x = 0; x <= n; x++)
            limits[x] = cxm_priv_hypergeometric_limits(x, n, population, 0.05);
        for (int marked = 0; marked <= population; marked++) {
            double covered = 0.0, all = 0.0;
            for (int x = 0; x <= n; x++) {
                const double chance =
                    cxm_priv_hypergeometric_at_least(x, n, marked, population)
                    - cxm_priv_hypergeometric_at_least(x + 1, n, marked, population);
                const double truth = (double)marked / population;
                all += chance;
                if (limits[x].lower <= truth && truth <= limits[x].upper)
                    covered += chance;
            }
            assert_close(all, 1.0, 1e-12);
            assert_true(covered >= 0.9 - 1e-12);
        }
    }
}

static void everybody_answered(void **state)
{
    (void)state;
    static const enum cxm_interval methods[] = {
        CXM_INTERVAL_WALD, CXM_INTERVAL_WILSON, CXM_INTERVAL_WILSON_CC,
        CXM_INTERVAL_AGRESTI_COULL, CXM_INTERVAL_CLOPPER_PEARSON, CXM_INTERVAL_JEFFREYS,
        CXM_INTERVAL_MID_P };
    for (size_t m = 0; m < COUNT_OF(methods); m++)
        for (double x = 0; x <= 7; x++) {
            const struct cxm_interval_limits got = share(x, 7, 7, 0.95, methods[m]);
            assert_close(got.std_error, 0.0, 0.0);
            assert_close(got.lower, x / 7, 0.0);
            assert_close(got.upper, x / 7, 0.0);
        }
    static const enum cxm_interval nets[] = {
        CXM_INTERVAL_WALD, CXM_INTERVAL_WALD_T, CXM_INTERVAL_ADJUSTED_WALD, CXM_INTERVAL_SCORE,
        CXM_INTERVAL_GOODMAN, CXM_INTERVAL_BCA };
    for (size_t m = 0; m < COUNT_OF(nets); m++) {
        const struct cxm_interval_limits got = net(1, 2, 4, 7, nets[m]);
        assert_close(got.std_error, 0.0, 0.0);
        assert_true(got.lower == got.value && got.upper == got.value);
    }
    for (double detractors = 0; detractors <= 7; detractors++) { /* -400 / 7 had limits beside it */
        const struct cxm_interval_limits got = net(detractors, 7 - detractors, 0, 7, CXM_INTERVAL_SCORE);
        assert_true(got.lower == got.value && got.upper == got.value);
        assert_int_equal(got.flags & CXM_FLAG_OFF_CENTRE, 0);
    }
    struct cxm_interval_limits mean;
    assert_int_equal(cxm_mean_interval_finite(4, 0.5, 7, 7, 0.95, &mean, NULL), CXM_OK);
    assert_true(mean.std_error == 0.0 && mean.lower == 4.0 && mean.upper == 4.0);
    assert_int_equal(mean.flags, 0);
    assert_int_equal(cxm_mean_interval_finite(4, NAN, 1, 1, 0.95, &mean, NULL), CXM_OK);
    assert_true(mean.lower == 4.0 && mean.upper == 4.0);
}

/* A list without end gives the limits of cxm_share_interval; a shorter list never wider ones. */
static void longer_lists_widen(void **state)
{
    (void)state;
    static const enum cxm_interval methods[] = {
        CXM_INTERVAL_WILSON, CXM_INTERVAL_WILSON_CC, CXM_INTERVAL_JEFFREYS, CXM_INTERVAL_MID_P,
        CXM_INTERVAL_CLOPPER_PEARSON, CXM_INTERVAL_LOGIT };
    static const double counts[] = { 0, 1, 20, 39, 40 };
    for (size_t m = 0; m < COUNT_OF(methods); m++)
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
            struct cxm_interval_limits before = share(counts[i], 40, 41, 0.95, methods[m]);
            for (double population = 80; population <= 1e12; population *= 10) {
                const struct cxm_interval_limits got =
                    share(counts[i], 40, population, 0.95, methods[m]);
                const double slack = 1e-12 + 1.0 / population;
                assert_true(isnan(got.lower) || got.lower <= before.lower + slack);
                assert_true(isnan(got.upper) || got.upper >= before.upper - slack);
                before = got;
            }
            struct cxm_interval_limits endless;
            assert_int_equal(cxm_share_interval(counts[i], 40, 0.95, methods[m], &endless, NULL),
                             CXM_OK);
            assert_true(isnan(endless.lower) || fabs(before.lower - endless.lower) < 1e-9);
            assert_true(isnan(endless.upper) || fabs(before.upper - endless.upper) < 1e-9);
        }
}

/* Exact limits of large lists meet those on the effective number where the one form ends. */
static void large_lists(void **state)
{
    (void)state;
    const struct cxm_interval_limits exact =
        share(3e8, 1e9, 1e10, 0.95, CXM_INTERVAL_CLOPPER_PEARSON);
    const struct cxm_interval_limits beyond =
        share(3e8, 1e9, 1e10 + 10, 0.95, CXM_INTERVAL_CLOPPER_PEARSON);
    assert_int_equal(exact.flags, 0);
    assert_int_equal(beyond.flags, CXM_FLAG_ASYMPTOTIC);
    assert_close(exact.lower, beyond.lower, 1e-8);
    assert_close(exact.upper, beyond.upper, 1e-8);
    const struct cxm_interval_limits wilson = share(3e14, 1e15 - 1, 1e15, 0.95,
                                                    CXM_INTERVAL_WILSON);
    assert_true(wilson.lower <= wilson.value && wilson.value <= wilson.upper);
    /* symmetric about the observed count: one half and half of its probability, that of a normal
     * variable with variance 1e9 / 4 (1 - 1/10) */
    assert_close(cxm_priv_hypergeometric_at_least(5e8, 1e9, 5e9, 1e10),
                 0.5 + 0.5 / sqrt(2 * 3.14159265358979324 * 2.25e8), 1e-12);
}

static void wrong_arguments(void **state)
{
    (void)state;
    struct cxm_interval_limits out = { .value = 42.0 };
    struct cxm_error error;
    assert_int_equal(cxm_share_interval_finite(3, 10, 9, 0.95, CXM_INTERVAL_DEFAULT, &out,
                                               &error), CXM_EINVAL);
    assert_string_equal(error.column, "population");
    assert_string_equal(error.message, "10 answers cannot come from a population of 9");
    assert_int_equal(cxm_share_interval_finite(3, 10, NAN, 0.95, CXM_INTERVAL_DEFAULT, &out,
                                               NULL), CXM_EINVAL);
    assert_int_equal(cxm_share_interval_finite(3.5, 10, 20, 0.95, CXM_INTERVAL_CLOPPER_PEARSON,
                                               &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_share_interval_finite(3, 10, 20, 0.95, CXM_INTERVAL_SCORE, &out, NULL),
                     CXM_EUNSUPPORTED);
    assert_int_equal(cxm_share_interval_finite(11, 10, 20, 0.95, CXM_INTERVAL_DEFAULT, &out,
                                               NULL), CXM_EINVAL);
    assert_int_equal(cxm_share_interval_finite(3, 10, 20, 95, CXM_INTERVAL_DEFAULT, &out, NULL),
                     CXM_EINVAL);
    assert_int_equal(cxm_share_interval_finite(3, 10, 20, 0.95, CXM_INTERVAL_DEFAULT, NULL, NULL),
                     CXM_EINVAL);
    assert_int_equal(cxm_nps_interval_finite(1, 2, 4, 6, 0.95, CXM_INTERVAL_DEFAULT, NULL, &out,
                                             NULL), CXM_EINVAL);
    assert_int_equal(cxm_nps_interval_finite(1, 2, 4, 9, 0.95, CXM_INTERVAL_WILSON, NULL, &out,
                                             NULL), CXM_EUNSUPPORTED);
    assert_int_equal(cxm_nps_interval_finite(0, 0, 0, 9, 0.95, CXM_INTERVAL_WILSON, NULL, &out,
                                             NULL), CXM_EUNSUPPORTED);
    assert_int_equal(cxm_mean_interval_finite(1, 1, 7, 6, 0.95, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_mean_interval_finite(1, -1, 5, 6, 0.95, &out, NULL), CXM_EINVAL);
    assert_int_equal(cxm_mean_interval_finite(1, 1, -1, 6, 0.95, &out, NULL), CXM_EINVAL);
    assert_close(out.value, 42.0, 0.0);
    struct heap heap;
    heap_init(&heap, 1);
    assert_int_equal(cxm_nps_interval_finite(1, 2, 4, 9, 0.95, CXM_INTERVAL_BCA, &heap.allocator,
                                             &out, NULL), CXM_ENOMEM);
    assert_close(out.value, 42.0, 0.0);
}

static void nobody_and_one(void **state)
{
    (void)state;
    struct cxm_interval_limits got = share(0, 0, 10, 0.95, CXM_INTERVAL_DEFAULT);
    assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
    assert_true(isnan(got.value) && isnan(got.lower));
    got = share(1, 1, 10, 0.95, CXM_INTERVAL_DEFAULT);
    assert_true(isnan(got.std_error) && got.upper == 1.0 && got.lower > 0.0);
    got = share(0, 0, 0, 0.95, CXM_INTERVAL_DEFAULT);
    assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
    got = net(0, 0, 0, 10, CXM_INTERVAL_DEFAULT);
    assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
    got = net(0, 0, 1, 10, CXM_INTERVAL_DEFAULT);
    assert_true(isnan(got.std_error) && got.lower < got.upper);
    assert_int_equal(cxm_mean_interval_finite(NAN, NAN, 0, 10, 0.95, &got, NULL), CXM_OK);
    assert_int_equal(got.flags, CXM_FLAG_NO_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_rows),
        cmocka_unit_test(exact_rows),
        cmocka_unit_test(exact_limits_cover),
        cmocka_unit_test(everybody_answered),
        cmocka_unit_test(longer_lists_widen),
        cmocka_unit_test(large_lists),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(nobody_and_one),
    };
    return cmocka_run_group_tests_name("finite", tests, NULL, NULL);
}
