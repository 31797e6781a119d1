/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mean, ratio and total: the weighted mini design of the definitions, variances next to large
 * means, the edges. */
#include "metric_testing.h"

static const double weights[12] = { 10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30 };
static const int32_t scores[12] = { 10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2 };
static const int16_t ages[12] = { 1, 1, 2, 2, 1, 2, 1, 1, 2, 2, 1, 2 };

static void mini_design(void **state)
{
    (void)state;
    const struct cxm_column score = CXM_ARRAY(scores, 12), age = CXM_ARRAY(ages, 12);
    const struct cxm_column weight = CXM_ARRAY(weights, 12);
    const struct cxm_input one[] = { { "value", &score }, { "weight", &weight } };
    const struct cxm_input two[] = { { "numerator", &score }, { "denominator", &age },
                                     { "weight", &weight } };
    struct cxm_tally *t = tally_of("mean", NULL, 0, one, 2);
    struct cxm_estimate e = measure(t, "mean");
    assert_printed(e.value, "7.151515151515");
    assert_true(e.sum_weight == 198 && e.n_eff == 10.125 && e.n == 12 && e.df == 11);
    assert_definition(t, "mean");
    cxm_tally_free(t);
    t = tally_of("total", NULL, 0, one, 2);
    assert_printed(measure(t, "total").value, "1416");
    cxm_tally_free(t);
    t = tally_of("ratio", NULL, 0, two, 3);
    assert_printed(measure(t, "ratio").value, "4.597402597403");
    cxm_tally_free(t);
}

/* Without weights: s / sqrt(n), n times that for the total; sum 91, sum of squares 769. */
static void unweighted(void **state)
{
    (void)state;
    const struct cxm_column score = CXM_ARRAY(scores, 12);
    const struct cxm_input input = { "value", &score };
    const double s = sqrt((769 - 91.0 * 91 / 12) / 11);
    struct cxm_tally *t = tally_of("mean", NULL, 0, &input, 1);
    const struct cxm_estimate e = measure(t, "mean");
    assert_close(e.value, 91.0 / 12, 1e-15);
    assert_close(e.std_error, s / sqrt(12), 1e-14);
    assert_close(measure(t, "sd").value, s, 1e-14);
    assert_close((e.upper - e.lower) / 2 / e.std_error, 2.200985160091639, 1e-14); /* t(11) */
    cxm_tally_free(t);
    t = tally_of("total", NULL, 0, &input, 1);
    assert_printed(measure(t, "total").value, "91");
    assert_close(measure(t, "total").std_error, s * sqrt(12), 1e-14);
    cxm_tally_free(t);
}

/* Value and cost of four customers of the definitions (Kotler). */
static void customer_value(void **state)
{
    (void)state;
    const double value[4] = { 25, 15, 36, 5 };
    const struct cxm_column column = CXM_ARRAY(value, 4);
    const struct cxm_input input = { "value", &column };
    struct cxm_tally *t = tally_of("mean", NULL, 0, &input, 1);
    assert_printed(measure(t, "mean").value, "20.25");
    assert_printed(measure(t, "mean").std_error, "6.650501234243");
    assert_printed(measure(t, "sd").value, "13.301002468486");
    cxm_tally_free(t);
    const double benefit[4] = { 60, 53, 71, 47 }, cost[4] = { 35, 38, 35, 42 };
    const struct cxm_column above = CXM_ARRAY(benefit, 4), below = CXM_ARRAY(cost, 4);
    const struct cxm_input two[] = { { "numerator", &above }, { "denominator", &below } };
    t = tally_of("ratio", NULL, 0, two, 2);
    assert_printed(measure(t, "ratio").value, "1.54"); /* 231 / 150 */
    cxm_tally_free(t);
}

/* x and x + 10^k have the same deviation, with and without weights. The weighted error is the
 * root of 12/11 sum (w (y - 1416/198) / 198)^2. */
static void a_large_mean(void **state)
{
    (void)state;
    static const double shifts[] = { 0, 1e6, 1e9 };
    double squares = 0;
    for (int r = 0; r < 12; r++)
        squares += pow(weights[r] * (scores[r] - 1416.0 / 198) / 198, 2);
    const double error = sqrt(squares * 12 / 11);
    for (size_t i = 0; i < COUNT_OF(shifts); i++) {
        double x[12];
        for (int r = 0; r < 12; r++)
            x[r] = scores[r] + shifts[i];
        const struct cxm_column value = CXM_ARRAY(x, 12), weight = CXM_ARRAY(weights, 12);
        const struct cxm_input inputs[] = { { "value", &value }, { "weight", &weight } };
        struct cxm_tally *t = tally_of("mean", NULL, 0, inputs, 1);
        assert_close(measure(t, "sd").value, sqrt((769 - 91.0 * 91 / 12) / 11), 1e-14);
        cxm_tally_free(t);
        t = tally_of("mean", NULL, 0, inputs, 2);
        assert_close(measure(t, "mean").std_error, error, 1e-10);
        cxm_tally_free(t);
    }
}

/* Weighted products are rounded before they are squared: values 10^11 times their spread leave 5 of
 * 16 digits to the standard error; expected values by fractions. */
static void a_large_weighted_mean(void **state)
{
    (void)state;
    static const double values[3] = { 0.1, -0.1, 0.1 };
    static const double heavy[3] = { 3.1449740504090406e-49, 2.1973891697859448e+20, 3.482984081320222e+31 };
    const struct cxm_column value = CXM_ARRAY(values, 3), weight = CXM_ARRAY(heavy, 3);
    const struct cxm_input inputs[] = { { "value", &value }, { "weight", &weight } };
    struct cxm_tally *t = tally_of("mean", NULL, 0, inputs, 2);
    const struct cxm_estimate e = measure(t, "mean");
    assert_close(e.value, 0.09999999999873822, 4e-16);
    assert_close(e.std_error, 2.1854763600183726e-12, 1e-5);
    cxm_tally_free(t);
}

static void equal_values(void **state)
{
    (void)state;
    double x[12], w[12];
    for (int r = 0; r < 12; r++) {
        x[r] = 0.1;
        w[r] = weights[r] / 7;
    }
    const struct cxm_column value = CXM_ARRAY(x, 12), weight = CXM_ARRAY(w, 12);
    const struct cxm_input inputs[] = { { "value", &value }, { "weight", &weight } };
    for (size_t n = 1; n <= 2; n++) {
        struct cxm_tally *t = tally_of("mean", NULL, 0, inputs, n);
        const struct cxm_estimate e = measure(t, "mean"), sd = measure(t, "sd");
        assert_true(e.value == 0.1 && sd.value == 0);
        assert_true(e.flags & CXM_FLAG_DEGENERATE && sd.flags & CXM_FLAG_DEGENERATE);
        cxm_tally_free(t);
    }
}

static void edges(void **state)
{
    (void)state;
    static const struct {
        const char *metric, *names[2];
    } metrics[] = { { "mean", { "mean", "sd" } }, { "total", { "total" } },
                    { "ratio", { "ratio" } } };
    const double missing[2] = { NAN, NAN }, one[1] = { 4 };
    const struct cxm_column none = CXM_ARRAY(missing, 2), single = CXM_ARRAY(one, 1);
    for (size_t m = 0; m < COUNT_OF(metrics); m++) {
        const bool ratio = m == 2;
        const struct cxm_input nobody[] = { { ratio ? "numerator" : "value", &none },
                                            { "denominator", &none } };
        const struct cxm_input first[] = { { ratio ? "numerator" : "value", &single },
                                           { "denominator", &single } };
        struct cxm_tally *t = tally_of(metrics[m].metric, NULL, 0, nobody, ratio ? 2 : 1);
        for (int i = 0; i < 2 && metrics[m].names[i] != NULL; i++) {
            const struct cxm_estimate e = measure(t, metrics[m].names[i]);
            assert_counts(&e, 0, 2, 0, 0);
            assert_true(isnan(e.value) && (e.flags & CXM_FLAG_NO_DATA));
        }
        cxm_tally_free(t);
        t = tally_of(metrics[m].metric, NULL, 0, first, ratio ? 2 : 1);
        const struct cxm_estimate e = measure(t, metrics[m].names[0]);
        assert_true(e.value == (ratio ? 1 : 4) && isnan(e.std_error) && isnan(e.lower));
        if (m == 0)
            assert_true(isnan(measure(t, "sd").value));
        cxm_tally_free(t);
    }
}

/* A denominator that sums to 0 leaves nothing to say. */
static void ratio_of_nothing(void **state)
{
    (void)state;
    const double above[2] = { 1, 2 }, below[2] = { 3, -3 };
    const struct cxm_column a = CXM_ARRAY(above, 2), b = CXM_ARRAY(below, 2);
    const struct cxm_input inputs[] = { { "numerator", &a }, { "denominator", &b } };
    struct cxm_tally *t = tally_of("ratio", NULL, 0, inputs, 2);
    const struct cxm_estimate e = measure(t, "ratio");
    assert_true(isnan(e.value) && (e.flags & CXM_FLAG_NO_DATA) && e.n == 2);
    cxm_tally_free(t);
}

static void infinite_values_are_invalid(void **state)
{
    (void)state;
    const double x[4] = { 1, INFINITY, -INFINITY, 3 };
    const struct cxm_column value = CXM_ARRAY(x, 4);
    const struct cxm_input input = { "value", &value };
    struct cxm_tally *t = tally_of("mean", NULL, 0, &input, 1);
    const struct cxm_estimate e = measure(t, "mean");
    assert_counts(&e, 2, 0, 2, 0);
    assert_true(e.value == 2);
    cxm_tally_free(t);
    struct cxm_error error;
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &t, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(t, &input, 1, NULL, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    cxm_tally_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mini_design),     cmocka_unit_test(unweighted),
        cmocka_unit_test(customer_value),  cmocka_unit_test(a_large_mean),
        cmocka_unit_test(a_large_weighted_mean),
        cmocka_unit_test(equal_values),    cmocka_unit_test(edges),
        cmocka_unit_test(ratio_of_nothing), cmocka_unit_test(infinite_values_are_invalid),
    };
    return cmocka_run_group_tests_name("mean, ratio, total", tests, NULL, NULL);
}
