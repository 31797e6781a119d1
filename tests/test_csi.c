/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customer satisfaction index: worked numbers of the definitions on the mini data, partial
 * answers, importance, standard errors with estimated weights by brute force. */
#include "mini.h"

#define ITEMS TEXTS("items", "s1", "s2", "s3", "s4", "s5")
#define FIXED NUMBERS("item_weights", .30, .25, .20, .15, .10)
#define LISTWISE TEXTS("partial", "listwise")
#define AGGREGATE TEXTS("importance_kind", "aggregate")
#define PERSON TEXTS("importance_kind", "person")
#define RATIO TEXTS("scaling", "ratio")

struct data {
    double s[MINI_ITEMS][MINI_N], i[MINI_ITEMS][MINI_N];
    struct cxm_column columns[2 * MINI_ITEMS + 2];
    struct cxm_input inputs[2 * MINI_ITEMS + 2];
    size_t n;
};

static void fill(struct data *d, bool importance)
{
    mini_parse(MINI_S, d->s);
    mini_parse(MINI_I, d->i);
    d->n = mini_inputs("items", d->s, d->columns, d->inputs, 0);
    if (importance)
        d->n = mini_inputs("importance", d->i, d->columns, d->inputs, d->n);
}

static void fixed_and_equal(void **state)
{
    (void)state;
    struct data d;
    fill(&d, false);
    const struct cxm_param fixed[] = { ITEMS, FIXED }, equal[] = { ITEMS };
    struct cxm_tally *t = tally_of("csi", fixed, 2, d.inputs, d.n);
    static const struct want wants[] = {
        { "csi", "55.3125", "7.111338910394", "39.660548589840", "70.964451410160" },
        { "mean[s1]", "10/3", NULL, NULL, NULL }, { "mean[s2]", "19/6", NULL, NULL, NULL },
        { "mean[s3]", "3.5", NULL, NULL, NULL },  { "mean[s4]", "31/12", NULL, NULL, NULL },
        { "mean[s5]", "10/3", NULL, NULL, NULL },
        { "index[s1]", "58.333333333333", NULL, NULL, NULL },
        { "index[s2]", "54.166666666667", NULL, NULL, NULL },
        { "index[s3]", "62.5", NULL, NULL, NULL },
        { "index[s4]", "39.583333333333", NULL, NULL, NULL },
        { "weight[s1]", "0.3", NULL, NULL, NULL }, { "weight[s5]", "0.1", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    assert_definition(t, "csi/1-5/items=5/fixed-weights/minmax/renormalise"
                         "/weights=0.3,0.25,0.2,0.15,0.1");
    cxm_tally_free(t);
    t = tally_of("csi", equal, 1, d.inputs, d.n);
    static const struct want equals[] = {
        { "csi", "54.583333333333", "7.371585838731", NULL, NULL },
        { "weight[s3]", "0.2", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, equals);
    cxm_tally_free(t);
}

/* The five parts of loyalty, equal or not: overall, initiative, repurchase, recommendation, resistance. */
static void loyalty_composite(void **state)
{
    (void)state;
    struct data d;
    fill(&d, false);
    const struct cxm_param params[] = { ITEMS, NUMBERS("item_weights", .30, .15, .20, .20, .15) };
    struct cxm_tally *t = tally_of("csi", params, 2, d.inputs, d.n);
    static const struct want wants[] = {
        { "csi", "54.791666666667", "7.232989012193", "38.871965187724", "70.711368145609" },
        { "index[s1]", "58.333333333333", NULL, NULL, NULL },
        { "index[s3]", "62.5", NULL, NULL, NULL }, { "index[s5]", "58.333333333333", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    assert_printed(measure(t, "csi").std_error * sqrt(12), "25.055808919411");
    cxm_tally_free(t);
}

/* ACSI-type: three questions from 1 to 10, here of ten customers whose means are 7.9, 7.4 and 7.0;
 * the error by hand, (100/9) sqrt(w' Cov w / n) / sum w. */
static void acsi_type(void **state)
{
    (void)state;
    static const double answers[3][10] = { { 10, 9, 9, 8, 8, 8, 8, 7, 6, 6 },
                                           { 10, 10, 8, 8, 7, 7, 7, 6, 6, 5 },
                                           { 9, 10, 7, 8, 7, 6, 7, 6, 5, 5 } };
    static const struct { double w[3]; const char *want; } rows[] = {
        { { .3885, .3190, .2925 }, "71.969444444444" }, /* once published for the State of Ohio */
        { { 1, 1, 1 }, "71.481481481481" }, { { .40, .35, .32 }, "71.858774662513" },
    };
    struct cxm_column columns[3];
    struct cxm_input inputs[3];
    for (int i = 0; i < 3; i++) {
        columns[i] = CXM_ARRAY(answers[i], 10);
        inputs[i] = (struct cxm_input){ "items", &columns[i] };
    }
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        const double *const w = rows[r].w;
        const struct cxm_param params[] = { TEXTS("items", "satisfaction", "expectancy", "ideal"),
                                            NUMBERS("scale", 1, 10), { "item_weights", w, 3, NULL, 0 } };
        struct cxm_tally *t = tally_of("csi", params, 3, inputs, 3);
        double scatter = 0, mean[3] = { 7.9, 7.4, 7.0 };
        for (int k = 0; k < 10; k++) {
            double off = 0;
            for (int i = 0; i < 3; i++)
                off += w[i] * (answers[i][k] - mean[i]);
            scatter += off * off / 9;
        }
        assert_printed(measure(t, "csi").value, rows[r].want);
        assert_close(measure(t, "csi").std_error, 100.0 / 9 * sqrt(scatter / 10) / (w[0] + w[1] + w[2]),
                     1e-12);
        cxm_tally_free(t);
    }
}

static void missing_items(void **state)
{
    (void)state;
    struct data d;
    fill(&d, false);
    d.s[1][0] = d.s[3][2] = d.s[4][2] = NAN;
    const struct cxm_param renormalise[] = { ITEMS, FIXED };
    const struct cxm_param listwise[] = { ITEMS, FIXED, LISTWISE };
    struct cxm_tally *t = tally_of("csi", renormalise, 2, d.inputs, d.n);
    static const struct want a[] = {
        { "csi", "54.618055555556", "7.408152944121", NULL, NULL }
    };
    assert_wants(t, CXM_TOTAL, a);
    struct cxm_estimate e = measure(t, "csi");
    assert_counts(&e, 12, 0, 0, 0);
    e = measure(t, "mean[s2]");
    assert_counts(&e, 11, 1, 0, 0);
    cxm_tally_free(t);
    t = tally_of("csi", listwise, 3, d.inputs, d.n);
    static const struct want b[] = { { "csi", "62.875", "5.898593288046", NULL, NULL } };
    assert_wants(t, CXM_TOTAL, b);
    e = measure(t, "csi");
    assert_counts(&e, 10, 2, 0, 0);
    cxm_tally_free(t);
}

/* Exactly half of the weight is enough, less is not; also where halves are not exact in binary:
 * .1 + .2 = .3 of .6. */
static void half_of_the_weight(void **state)
{
    (void)state;
    const double first[3] = { 4, NAN, NAN }, second[3] = { 2, NAN, 5 }, third[3] = { NAN, 3, NAN };
    const struct cxm_column columns[3] = { CXM_ARRAY(first, 3), CXM_ARRAY(second, 3),
                                           CXM_ARRAY(third, 3) };
    const struct cxm_input inputs[3] = { { "items", &columns[0] }, { "items", &columns[1] },
                                         { "items", &columns[2] } };
    const struct cxm_param params[] = { TEXTS("items", "a", "b", "c"),
                                        NUMBERS("item_weights", .1, .2, .3) };
    struct cxm_tally *t = tally_of("csi", params, 2, inputs, 3);
    const struct cxm_estimate e = measure(t, "csi");
    assert_counts(&e, 2, 1, 0, 0); /* a and b: .3 of .6; c: .3 of .6; b alone: .2 of .6 */
    /* rows: (.1 * 75 + .2 * 25) / .3 = 125 / 3, and 50 */
    assert_close(e.value, (125.0 / 3 + 50) / 2, 1e-12);
    cxm_tally_free(t);
}

static void aggregate_importance(void **state)
{
    (void)state;
    struct data d;
    fill(&d, true);
    const struct cxm_param minmax[] = { ITEMS, AGGREGATE }, ratio[] = { ITEMS, AGGREGATE, RATIO };
    struct cxm_tally *t = tally_of("csi", minmax, 2, d.inputs, d.n);
    static const struct want wants[] = {
        { "csi", "54.942077727952", "7.237876351119", NULL, NULL },
        { "weight[s1]", "0.251121076233", NULL, NULL, NULL },
        { "weight[s2]", "0.219730941704", NULL, NULL, NULL },
        { "weight[s3]", "0.192825112108", NULL, NULL, NULL },
        { "weight[s4]", "0.174887892377", NULL, NULL, NULL },
        { "weight[s5]", "0.161434977578", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    cxm_tally_free(t);
    t = tally_of("csi", ratio, 3, d.inputs, d.n);
    static const struct want ratios[] = { { "csi", "63.953662182362", NULL, NULL, NULL } };
    assert_wants(t, CXM_TOTAL, ratios);
    /* 3.197683109118 on the scale itself; the ratio's error is 4/5 of that of minmax */
    assert_printed(measure(t, "csi").value / 20, "3.197683109118");
    assert_printed(measure(t, "csi").std_error / 0.8, "7.237876351119");
    cxm_tally_free(t);
}

static double index_without(const struct data *d, int left_out)
{
    double product = 0, weight = 0;
    for (int i = 0; i < MINI_ITEMS; i++) {
        double s = 0, w = 0;
        for (int r = 0; r < MINI_N; r++) {
            s += r == left_out ? 0 : d->s[i][r];
            w += r == left_out ? 0 : d->i[i][r];
        }
        product += w * s / (MINI_N - 1);
        weight += w;
    }
    return 25 * (product / weight - 1);
}

/* The jackknife of the definitions; near the linearised error, as an error of that order. */
static void jackknife_is_near(void **state)
{
    (void)state;
    struct data d;
    fill(&d, true);
    double sum = 0, squares = 0;
    for (int r = 0; r < MINI_N; r++) {
        const double x = index_without(&d, r);
        sum += x;
        squares += x * x;
    }
    const double jackknife = sqrt(11 * (squares / MINI_N - sum / MINI_N * (sum / MINI_N)));
    assert_true(fabs(jackknife - 7.235918005744) < 1e-9);
    const struct cxm_param params[] = { ITEMS, AGGREGATE };
    struct cxm_tally *t = tally_of("csi", params, 2, d.inputs, d.n);
    assert_true(fabs(measure(t, "csi").std_error / jackknife - 1) < 1e-3);
    cxm_tally_free(t);
}

static void person_importance(void **state)
{
    (void)state;
    struct data d;
    fill(&d, true);
    const struct cxm_param params[] = { ITEMS, PERSON };
    struct cxm_tally *t = tally_of("csi", params, 2, d.inputs, d.n);
    static const struct want wants[] = { /* weights: sums of importance by item, of 223 in all */
        { "csi", "54.965398074434", "7.259306870505", NULL, NULL },
        { "weight[s1]", "56/223", NULL, NULL, NULL },
        { "weight[s2]", "49/223", NULL, NULL, NULL },
        { "weight[s3]", "43/223", NULL, NULL, NULL },
        { "weight[s4]", "39/223", NULL, NULL, NULL },
        { "weight[s5]", "36/223", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    cxm_tally_free(t);
    for (int i = 0; i < MINI_ITEMS; i++)
        d.i[i][7] = 0; /* a person to whom nothing matters has no index */
    t = tally_of("csi", params, 2, d.inputs, d.n);
    const struct cxm_estimate e = measure(t, "csi");
    assert_counts(&e, 11, 1, 0, 0);
    cxm_tally_free(t);
}

/* An invalid importance is counted as invalid and moves no bound of what is enough. */
static void invalid_importance(void **state)
{
    (void)state;
    struct data d;
    fill(&d, true);
    d.i[0][0] = -100; /* importance below 0 */
    d.i[1][0] = INFINITY;
    d.s[2][1] = 9;
    const struct cxm_param params[] = { ITEMS, PERSON, LISTWISE };
    struct cxm_tally *t = tally_of("csi", params, 3, d.inputs, d.n);
    struct cxm_estimate e = measure(t, "csi");
    assert_counts(&e, 10, 0, 2, 0);
    cxm_tally_free(t);
    const struct cxm_param partial[] = { ITEMS, PERSON };
    t = tally_of("csi", partial, 2, d.inputs, d.n);
    e = measure(t, "csi"); /* 12 of 12 and 15 of 19 answered: both are enough */
    assert_counts(&e, 12, 0, 0, 0);
    double sum = 0;
    for (int r = 0; r < MINI_N; r++) {
        double above = 0, below = 0;
        for (int i = r == 0 ? 2 : 0; i < MINI_ITEMS; i++) {
            above += r == 1 && i == 2 ? 0 : d.i[i][r] * (d.s[i][r] - 1);
            below += r == 1 && i == 2 ? 0 : d.i[i][r];
        }
        sum += 25 * above / below;
    }
    assert_close(e.value, sum / MINI_N, 1e-13);
    cxm_tally_free(t);
    d.i[1][0] = 5;
    d.s[1][0] = d.s[2][0] = d.s[3][0] = NAN; /* 4 of 5 + 5 + 3 + 4 answered: less than half */
    t = tally_of("csi", partial, 2, d.inputs, d.n);
    e = measure(t, "csi");
    assert_counts(&e, 11, 0, 1, 0);
    cxm_tally_free(t);
}

static void edges(void **state)
{
    (void)state;
    struct data d;
    fill(&d, true);
    static const struct {
        const char *kind;
        bool importance;
    } kinds[] = { { "none", false }, { "aggregate", true }, { "person", true } };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        const char *const kind[] = { kinds[k].kind };
        const struct cxm_param params[] = { ITEMS, { "importance_kind", NULL, 0, kind, 1 } };
        const size_t n = kinds[k].importance ? d.n : MINI_ITEMS;
        struct cxm_tally *t = tally_of("csi", params, 2, NULL, 0);
        struct cxm_estimate e = measure(t, "csi");
        assert_true(isnan(e.value) && (e.flags & CXM_FLAG_NO_DATA));
        cxm_tally_free(t);
        for (size_t i = 0; i < d.n; i++)
            d.columns[i].n = 1;
        t = tally_of("csi", params, 2, d.inputs, n);
        e = measure(t, "csi");
        assert_true(e.n == 1 && !isnan(e.value) && isnan(e.std_error) && isnan(e.lower));
        cxm_tally_free(t);
        for (size_t i = 0; i < d.n; i++) {
            d.columns[i].n = MINI_N;
            d.columns[i].stride = 0; /* twelve times the first respondent */
        }
        t = tally_of("csi", params, 2, d.inputs, n);
        e = measure(t, "csi");
        assert_true(e.n == 12 && e.std_error == 0 && e.lower == e.value);
        assert_true(e.flags & CXM_FLAG_DEGENERATE);
        cxm_tally_free(t);
        for (size_t i = 0; i < d.n; i++)
            d.columns[i].stride = sizeof(double);
    }
}

/* Weight 2 for all is as none, but for sum_weight; freq 2 is every respondent twice. */
static void weights_and_copies(void **state)
{
    (void)state;
    struct data d;
    fill(&d, true);
    const double two[MINI_N] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 };
    const int64_t twice[MINI_N] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 };
    const struct cxm_column weight = CXM_ARRAY(two, MINI_N), freq = CXM_ARRAY(twice, MINI_N);
    const struct cxm_param params[] = { ITEMS, AGGREGATE };
    d.inputs[d.n] = (struct cxm_input){ "weight", &weight };
    struct cxm_tally *t = tally_of("csi", params, 2, d.inputs, d.n + 1);
    struct cxm_estimate e = measure(t, "csi");
    assert_printed(e.value, "54.942077727952");
    assert_printed(e.std_error, "7.237876351119");
    assert_true(e.sum_weight == 24 && e.n_eff == 12);
    cxm_tally_free(t);
    d.inputs[d.n] = (struct cxm_input){ "freq", &freq };
    t = tally_of("csi", params, 2, d.inputs, d.n + 1);
    e = measure(t, "csi");
    assert_true(e.n == 24);
    assert_printed(e.value, "54.942077727952");
    /* sum u^2 doubles, n (n - 1) goes from 132 to 552 */
    assert_printed(e.std_error / sqrt(2 * 132 / 552.0), "7.237876351119");
    cxm_tally_free(t);
}

static void wrong_parameters(void **state)
{
    (void)state;
    const struct cxm_param none[] = { FIXED }, twice[] = { TEXTS("items", "a", "a") };
    const struct cxm_param few[] = { ITEMS, NUMBERS("item_weights", 1, 2) };
    const struct cxm_param zero[] = { ITEMS, NUMBERS("item_weights", 0, 0, 0, 0, 0) };
    const struct cxm_param minus[] = { ITEMS, NUMBERS("item_weights", 1, 1, 1, 1, -1) };
    const struct cxm_param both[] = { ITEMS, FIXED, PERSON };
    const struct cxm_param low[] = { ITEMS, NUMBERS("scale", -5, 0), RATIO };
    assert_int_equal(status_of_new("csi", none, 1), CXM_EINVAL);
    assert_int_equal(status_of_new("csi", twice, 1), CXM_EINVAL);
    assert_int_equal(status_of_new("csi", few, 2), CXM_EINVAL);
    assert_int_equal(status_of_new("csi", zero, 2), CXM_EINVAL);
    assert_int_equal(status_of_new("csi", minus, 2), CXM_EINVAL);
    assert_int_equal(status_of_new("csi", both, 3), CXM_EINVAL);
    assert_int_equal(status_of_new("csi", low, 3), CXM_EINVAL);
    struct data d;
    fill(&d, false);
    const struct cxm_param person[] = { ITEMS, PERSON };
    struct cxm_tally *t = NULL;
    assert_int_equal(cxm_tally_new("csi", person, 2, NULL, &t, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(t, d.inputs, d.n, NULL, NULL), CXM_EINVAL);
    cxm_tally_free(t);
}

/* The ratio goes from 100 low / high to 100: limits end there, and not at 0. Mean -9/4 of 5, s^2 = 11/12,
 * t(.975; 3) = 3.182446305284. */
static void ends_of_the_ratio(void **state)
{
    (void)state;
    static const double answers[2][4] = { { -3, -2, -3, -1 }, { 1, 1, 1, 2 } };
    for (int i = 0; i < 2; i++) {
        const struct cxm_column a = CXM_ARRAY(answers[i], 4);
        const struct cxm_input input = { "items", &a };
        const struct cxm_param params[] = { TEXTS("items", "a"), NUMBERS("scale", i == 0 ? -5 : 1, 5),
                                            RATIO };
        struct cxm_tally *t = tally_of("csi", params, 3, &input, 1);
        static const char *const names[] = { "csi", "index[a]" };
        for (size_t k = 0; k < 2; k++) {
            const struct cxm_estimate e = measure(t, names[k]);
            const double value = i == 0 ? -45 : 25, error = 20 * sqrt(i == 0 ? 11.0 / 48 : 1.0 / 16);
            assert_close(e.value, value, 1e-15);
            assert_close(e.lower_raw, value - 3.182446305284263 * error, 1e-12);
            assert_close(e.lower, i == 0 ? e.lower_raw : 20, 1e-15);
            assert_int_equal(e.flags, (i == 0 ? 0 : CXM_FLAG_CLIPPED) | CXM_FLAG_SMALL_N);
        }
        cxm_tally_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_and_equal),      cmocka_unit_test(missing_items),
        cmocka_unit_test(loyalty_composite),    cmocka_unit_test(acsi_type),
        cmocka_unit_test(half_of_the_weight),   cmocka_unit_test(aggregate_importance),
        cmocka_unit_test(jackknife_is_near),    cmocka_unit_test(person_importance),
        cmocka_unit_test(invalid_importance),   cmocka_unit_test(edges),
        cmocka_unit_test(weights_and_copies),   cmocka_unit_test(wrong_parameters),
        cmocka_unit_test(ends_of_the_ratio),
    };
    return cmocka_run_group_tests_name("csi", tests, NULL, NULL);
}
