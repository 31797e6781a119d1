/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibrated weights: the mini design of the definitions (survey section 7), keys of any type,
 * and what goes wrong. */
#include "mini.h"

static const double weight[MINI_N] = { 10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30 };
static const double score[MINI_N] = { 10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2 };
static const int64_t age[MINI_N] = { 1, 1, 2, 2, 1, 2, 1, 2, 1, 1, 2, 2 };
static const char *const sex[MINI_N] = { "m", "f", "m", "f", "m", "f", "f", "m",
                                         "m", "f", "m", "f" };
static const int64_t ages[2] = { 1, 2 };
static const double real_ages[2] = { 1, 2 };
static const char *const sexes[2] = { "m", "f" };
static const double age_totals[2] = { 120, 90 }, sex_totals[2] = { 100, 110 };

/* Columns of both margins; sex 1 of the definitions is "m", 2 is "f". */
struct margins {
    struct cxm_column weight, by[2], categories[2];
    struct cxm_margin list[2];
};

static void make(struct margins *m)
{
    m->weight = cxm_column_make("w", CXM_F64, weight, MINI_N, 8, 8);
    m->by[0] = cxm_column_make("age", CXM_I64, age, MINI_N, 8, 8);
    m->by[1] = cxm_column_make("sex", CXM_STRINGS, sex, MINI_N, 8, 8);
    m->categories[0] = cxm_column_make(NULL, CXM_I64, ages, 2, 8, 8);
    m->categories[1] = cxm_column_make(NULL, CXM_STRINGS, sexes, 2, 8, 8);
    m->list[0] = (struct cxm_margin){ NULL, &m->by[0], 0, &m->categories[0], age_totals };
    m->list[1] = (struct cxm_margin){ NULL, &m->by[1], 0, &m->categories[1], sex_totals };
}

static double nps_of(const double *weights)
{
    struct cxm_row row;
    const struct cxm_column answers = cxm_column_make(NULL, CXM_F64, score, MINI_N, 8, 8);
    const struct cxm_column column = cxm_column_make(NULL, CXM_F64, weights, MINI_N, 8, 8);
    assert_int_equal(cxm_nps(&answers, &(struct cxm_nps_options){ CXM_INIT(nps),
                                                                  .weight = &column },
                             CXM_ROW(row), NULL, NULL), CXM_OK);
    return row.estimate.value;
}

static void post_stratified(void **state)
{
    struct margins m;
    double out[MINI_N], factors[2];
    (void)state;
    make(&m);
    assert_int_equal(cxm_poststratify(&m.weight, &m.list[0], out, factors, NULL), CXM_OK);
    assert_close(factors[0], 120.0 / 88, 1e-15);
    assert_close(factors[1], 90.0 / 110, 1e-15);
    for (int i = 0; i < MINI_N; i++)
        assert_close(out[i], weight[i] * (age[i] == 1 ? 120.0 / 88 : 90.0 / 110), 4e-16);
    assert_printed(nps_of(out), "34.935064935065");
}

static void raked(void **state)
{
    static const char *const first[4] = { "13.867279595445", "13.460867507474",
                                          "9.958807902597", "6.444628296251" };
    struct margins m;
    struct cxm_calibration info;
    double out[MINI_N], again[MINI_N], factors[4];
    const struct cxm_calibrate_options exact = { .size = sizeof exact, .tolerance = 1e-14 };
    (void)state;
    make(&m);
    assert_int_equal(cxm_rake(&m.weight, m.list, 2, &exact, out, factors, &info, NULL), CXM_OK);
    for (int i = 0; i < 4; i++)
        assert_printed(out[i], first[i]);
    assert_printed(nps_of(out), "35.138170443347");
    assert_true(info.error <= 1e-14 && info.iterations > 1);
    assert_int_equal(cxm_rake(&m.weight, m.list, 2, NULL, again, NULL, &info, NULL), CXM_OK);
    for (int i = 0; i < MINI_N; i++)
        assert_close(again[i], out[i], 1e-13);
    assert_true(info.error <= 1e-10);
    /* In place, ages as reals, and in another order of rows. */
    double in_place[MINI_N];
    memcpy(in_place, weight, sizeof weight);
    m.weight.data = in_place;
    m.categories[0] = cxm_column_make(NULL, CXM_F64, real_ages, 2, 8, 8);
    assert_int_equal(cxm_rake(&m.weight, m.list, 2, &exact, in_place, factors, NULL, NULL),
                     CXM_OK);
    assert_memory_equal(in_place, out, sizeof out);
    m.weight = cxm_column_make("w", CXM_F64, weight + MINI_N - 1, MINI_N, -8, 8);
    m.by[0] = cxm_column_make("age", CXM_I64, age + MINI_N - 1, MINI_N, -8, 8);
    m.by[1] = cxm_column_make("sex", CXM_STRINGS, sex + MINI_N - 1, MINI_N, -8, 8);
    assert_int_equal(cxm_rake(&m.weight, m.list, 2, &exact, again, factors, NULL, NULL), CXM_OK);
    for (int i = 0; i < MINI_N; i++)
        assert_true(again[MINI_N - 1 - i] == out[i]);
}

/* Linear: the row of the definitions; 1 + the sum of the categories' numbers is the factor. */
static void linear(void **state)
{
    static const char *const first[2] = { "13.815368286273", "13.500320102433" };
    const struct cxm_calibrate_options greg = { .size = sizeof greg, .method = CXM_LINEAR };
    struct margins m;
    struct cxm_calibration info;
    double out[MINI_N], post[MINI_N], lambda[4], sums[4] = { 0 };
    (void)state;
    make(&m);
    assert_int_equal(cxm_rake(&m.weight, m.list, 2, &greg, out, lambda, &info, NULL), CXM_OK);
    for (int i = 0; i < 2; i++)
        assert_printed(out[i], first[i]);
    assert_printed(nps_of(out), "35.198150626246");
    assert_true(info.error < 1e-14 && info.iterations == 1);
    for (int i = 0; i < MINI_N; i++) {
        const int a = age[i] == 2, s = sex[i][0] == 'f';
        assert_close(out[i], weight[i] * (1 + lambda[a] + lambda[2 + s]), 1e-15);
        sums[a] += out[i];
        sums[2 + s] += out[i];
    }
    for (int k = 0; k < 4; k++)
        assert_close(sums[k], k < 2 ? age_totals[k] : sex_totals[k - 2], 1e-14);
    /* One margin has only one way to be met, and one that is met already changes nothing. */
    assert_int_equal(cxm_rake(&m.weight, m.list, 1, &greg, out, NULL, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_poststratify(&m.weight, m.list, post, NULL, NULL), CXM_OK);
    for (int i = 0; i < MINI_N; i++)
        assert_close(out[i], post[i], 1e-15);
    const struct cxm_margin same[2] = { m.list[0], m.list[0] };
    assert_int_equal(cxm_rake(&m.weight, same, 2, &greg, out, lambda, NULL, NULL), CXM_OK);
    for (int i = 0; i < MINI_N; i++)
        assert_close(out[i], post[i], 1e-15);
    assert_true(lambda[2] == 0 && lambda[3] == 0);
    /* Rows of no weight stay rows of no weight. */
    double some[MINI_N];
    memcpy(some, weight, sizeof weight);
    some[0] = some[2] = some[6] = 0;
    m.weight.data = some;
    assert_int_equal(cxm_rake(&m.weight, m.list, 2, &greg, out, NULL, NULL, NULL), CXM_OK);
    assert_true(out[0] == 0 && out[2] == 0 && out[6] == 0);
}

static void linear_refused(void **state)
{
    static const int64_t a[4] = { 1, 1, 2, 2 }, b[4] = { 1, 2, 1, 2 };
    static const double w[4] = { 40, 10, 10, 40 };
    static const double far_a[2] = { 95, 5 }, far_b[2] = { 5, 95 }, near_a[2] = { 60, 40 };
    const struct cxm_column by[2] = { cxm_column_make("a", CXM_I64, a, 4, 8, 8),
                                      cxm_column_make("b", CXM_I64, b, 4, 8, 8) };
    const struct cxm_column weights = cxm_column_make("w", CXM_F64, w, 4, 8, 8);
    const struct cxm_column known = cxm_column_make(NULL, CXM_I64, ages, 2, 8, 8);
    struct cxm_calibrate_options o = { .size = sizeof o, .method = CXM_LINEAR };
    struct cxm_error error;
    double out[4] = { -7, -7, -7, -7 };
    (void)state;
    /* Raking moves weight to a = 1, b = 2; linearly a = 2, b = 1 would get less than none. */
    struct cxm_margin margins[2] = { { NULL, &by[0], 0, &known, far_a },
                                     { NULL, &by[1], 0, &known, far_b } };
    assert_int_equal(cxm_rake(&weights, margins, 2, &o, out, NULL, NULL, &error),
                     CXM_EINCONSISTENT);
    assert_non_null(strstr(error.message, "a 2, b 1: linear calibration multiplies weights by -"));
    assert_true(out[0] == -7 && out[3] == -7);
    /* Margins that say different things of the same rows. */
    margins[1].by = &by[0];
    assert_int_equal(cxm_rake(&weights, margins, 2, &o, out, NULL, NULL, &error), CXM_ENOCONV);
    assert_non_null(strstr(error.message, "no weights of these rows meet all totals: a: "));
    margins[0].totals = margins[1].totals = near_a;
    assert_int_equal(cxm_rake(&weights, margins, 2, &o, out, NULL, NULL, &error), CXM_OK);
    o.method = 2;
    assert_int_equal(cxm_rake(&weights, margins, 2, &o, out, NULL, NULL, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "method must be"));
}

/* Two keys crossed are one margin. */
static void crossed(void **state)
{
    static const int64_t pair_ages[4] = { 1, 1, 2, 2 };
    static const char *const pair_sexes[4] = { "f", "m", "f", "m" };
    static const double totals[4] = { 10, 20, 30, 40 };
    struct margins m;
    double out[MINI_N], sums[4] = { 0 };
    (void)state;
    make(&m);
    const struct cxm_column categories[2] = {
        cxm_column_make(NULL, CXM_I64, pair_ages, 4, 8, 8),
        cxm_column_make(NULL, CXM_STRINGS, pair_sexes, 4, 8, 8),
    };
    const struct cxm_margin margin = { "age x sex", m.by, 2, categories, totals };
    assert_int_equal(cxm_poststratify(NULL, &margin, out, NULL, NULL), CXM_OK);
    for (int i = 0; i < MINI_N; i++)
        sums[2 * (age[i] - 1) + (sex[i][0] == 'm')] += out[i];
    for (int k = 0; k < 4; k++)
        assert_close(sums[k], totals[k], 1e-15);
}

static void refused(void **state)
{
    static const double differ[2] = { 100, 100 }, negative[2] = { -1, 211 }, none[2] = { 0, 0 };
    static const double three[3] = { 120, 40, 50 };
    static const int64_t one_age[1] = { 1 }, other_ages[3] = { 1, 2, 3 }, twice[2] = { 1, 1 };
    static const uint64_t large[2] = { UINT64_MAX, UINT64_MAX };
    static const double bad_weight[MINI_N] = { 1, 1, 1, 1, -1, 1, 1, 1, 1, 1, 1, 1 };
    struct margins m;
    struct cxm_error error;
    double out[MINI_N], untouched[MINI_N];
    (void)state;
    for (int i = 0; i < MINI_N; i++)
        out[i] = untouched[i] = -7;
    for (int step = 0; step < 12; step++) {
        make(&m);
        struct cxm_calibrate_options o = { .size = sizeof o };
        struct cxm_column *by = &m.by[0], *categories = &m.categories[0];
        enum cxm_status want = CXM_EINVAL;
        const char *says = "";
        size_t n = 2;
        switch (step) {
        case 0: m.list[1].totals = differ; want = CXM_EINCONSISTENT; says = "add up to 210"; break;
        case 1: m.list[0].totals = negative; says = "age: the total of 1 is -1"; break;
        case 2: m.list[0].totals = none; says = "all totals are 0"; break;
        case 3: *categories = cxm_column_make(NULL, CXM_I64, one_age, 1, 8, 8);
            m.list[0].totals = three; n = 1; want = CXM_EDATA;
            says = "age: row 2 is 2, which has no total"; break;
        case 4: *categories = cxm_column_make(NULL, CXM_I64, other_ages, 3, 8, 8);
            m.list[0].totals = three; want = CXM_EEMPTYCELL;
            says = "age: 3 has a total of 50, but no rows"; break;
        case 5: *categories = cxm_column_make(NULL, CXM_I64, twice, 2, 8, 8);
            says = "category 1 is there twice"; break;
        case 6: m.weight.data = bad_weight; want = CXM_EDATA; says = "w: row 4 is -1"; break;
        case 7: by->flags |= CXM_COLUMN_SENTINEL; by->sentinel = 2; want = CXM_EDATA;
            says = "age: row 2 is missing"; break;
        case 8: by->n = 11; says = "sex: 12 rows, age has 11"; break;
        case 9: o.max_iterations = 1; o.tolerance = 1e-15; want = CXM_ENOCONV;
            says = "after 1 iterations age: "; break;
        case 10: *categories = cxm_column_make(NULL, CXM_U64, large, 2, 8, 8);
            says = "category 18446744073709551615 is there twice"; break;
        default: n = 0; says = "between 1 and 8 margins"; break;
        }
        if (cxm_rake(&m.weight, m.list, n, &o, out, NULL, NULL, &error) != want
            || strstr(error.message, says) == NULL) {
            print_error("step %d: %s\n", step, error.message);
            fail();
        }
        assert_memory_equal(out, untouched, sizeof out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(post_stratified),
        cmocka_unit_test(raked),
        cmocka_unit_test(linear),
        cmocka_unit_test(linear_refused),
        cmocka_unit_test(crossed),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
