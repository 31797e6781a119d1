/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Perceived minus expected: worked numbers of the definitions on the mini data, dimensions,
 * tolerance, partial answers, the edges. */
#include "mini.h"

#define ITEMS TEXTS("items", "tangibles", "reliability", "responsiveness", "assurance", "empathy")
#define WEIGHTS NUMBERS("item_weights", 11, 32, 22, 19, 16)

struct data {
    double p[MINI_ITEMS][MINI_N], e[MINI_ITEMS][MINI_N], i[MINI_ITEMS][MINI_N];
    struct cxm_column columns[3 * MINI_ITEMS + 2];
    struct cxm_input inputs[3 * MINI_ITEMS + 2];
    size_t n;
};

static void fill(struct data *d, bool importance)
{
    mini_parse(MINI_P, d->p);
    mini_parse(MINI_E, d->e);
    mini_parse(MINI_I, d->i);
    d->n = mini_inputs("perceived", d->p, d->columns, d->inputs, 0);
    d->n = mini_inputs("expected", d->e, d->columns, d->inputs, d->n);
    if (importance)
        d->n = mini_inputs("importance", d->i, d->columns, d->inputs, d->n);
}

static const struct item_row {
    const char *item, *expected, *perceived, *gap, *sd, *t, *p, *lower, *upper, *dz;
    const char *exceeded, *met, *below, *short_lower, *short_upper;
} item_rows[] = {
    { "tangibles", "6.083333333333", "5.083333333333", "-1", "1.348399724926",
      "-2.569046515733", "0.026094682242", "-1.856732311623", "-0.143267688377",
      "-0.741619848710", "2/12", "2/12", "8/12", "0.390622088873", "0.861879908909" },
    { "reliability", "6.083333333333", "5.25", "-0.833333333333", "1.114640858045",
      "-2.589848851414", "0.025144992369", "-1.541542346796", "-0.125124319871",
      "-0.747624965762", "1/12", "5/12", "6/12", "0.253781597634", "0.746218402366" },
    { "responsiveness", "6.25", "5", "-1.25", "0.866025403784", "-5", "0.000402529818",
      "-1.800246290023", "-0.699753709977", "-1.443375672974", "0", "2/12", "10/12",
      "0.551969137747", "0.953034857816" },
    { "assurance", "5", "5.083333333333", "0.083333333333", "0.900336637379",
      "0.320630220531", "0.754499347023", "-0.488713274450", "0.655379941117",
      "0.092557972067", "5/12", "3/12", "4/12", "0.138120091091", "0.609377911127" },
    { "empathy", "5.75", "5.333333333333", "-0.416666666667", "1.378954368902",
      "-1.046717502424", "0.317685404768", "-1.292812472879", "0.459479139546",
      "-0.302161315895", "5/12", "1/12", "6/12", "0.253781597634", "0.746218402366" },
};

static const char *named(char out[64], const char *measure, const char *item)
{
    snprintf(out, 64, "%s[%s]", measure, item);
    return out;
}

static void item_matches_row(void **state)
{
    const struct item_row *r = *state;
    struct data d;
    char name[64];
    fill(&d, false);
    const struct cxm_param params[] = { ITEMS };
    struct cxm_tally *t = tally_of("gap", params, 1, d.inputs, d.n);
    assert_printed(measure(t, named(name, "expected", r->item)).value, r->expected);
    assert_printed(measure(t, named(name, "perceived", r->item)).value, r->perceived);
    const struct cxm_estimate gap = measure(t, named(name, "gap", r->item));
    assert_printed(gap.value, r->gap);
    assert_printed(gap.std_error * sqrt(12), r->sd);
    assert_printed(gap.lower_raw, r->lower);
    assert_printed(gap.upper_raw, r->upper);
    assert_true(gap.df == 11 && gap.interval == CXM_INTERVAL_T && gap.n == 12);
    assert_printed(measure(t, named(name, "t", r->item)).value, r->t);
    assert_printed(measure(t, named(name, "p", r->item)).value, r->p);
    assert_printed(measure(t, named(name, "dz", r->item)).value, r->dz);
    assert_printed(measure(t, named(name, "exceeded", r->item)).value, r->exceeded);
    assert_printed(measure(t, named(name, "met", r->item)).value, r->met);
    const struct cxm_estimate below = measure(t, named(name, "short", r->item));
    assert_printed(below.value, r->below);
    assert_printed(below.lower, r->short_lower);
    assert_printed(below.upper, r->short_upper);
    cxm_tally_free(t);
}

/* The zone of tolerance (Zeithaml, Berry & Parasuraman 1993): how far perceived is above the least that
 * is accepted, and below what is desired. */
static void zone_of_tolerance(void **state)
{
    static const char *const items[] = { "tangibles", "reliability", "responsiveness", "assurance",
                                         "empathy" };
    static const struct {
        const char *expected, *measure, *want[5];
    } rows[] = {
        { MINI_M, "gap", { "0.666666666667", "0.583333333333", "0.083333333333", "1.416666666667", "1" } },
        { MINI_D, "gap", { "-1.083333333333", "-1.083333333333", "-1.416666666667", "-0.416666666667",
                           "-0.833333333333" } },
        { MINI_M, "short", { "0.25", "0.333333333333", "0.25", "0", "0.166666666667" } },
        { MINI_D, "exceeded", { "0.166666666667", "0.083333333333", "0", "0.083333333333", "0.25" } },
    };
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct data d;
        char name[64];
        fill(&d, false);
        mini_parse(rows[r].expected, d.e);
        const struct cxm_param params[] = { ITEMS };
        struct cxm_tally *t = tally_of("gap", params, 1, d.inputs, d.n);
        for (size_t k = 0; k < COUNT_OF(items); k++)
            assert_printed(measure(t, named(name, rows[r].measure, items[k])).value, rows[r].want[k]);
        cxm_tally_free(t);
    }
}

static void overall(void **state)
{
    (void)state;
    struct data d;
    fill(&d, true);
    const size_t without = 2 * MINI_ITEMS;
    const struct cxm_param equal[] = { ITEMS }, weighted[] = { ITEMS, WEIGHTS };
    const struct cxm_param person[] = { ITEMS, TEXTS("importance_kind", "person") };
    static const struct want a[] = { { "gap", "-0.683333333333", "0.171372946723", NULL, NULL } };
    static const struct want b[] = {
        { "gap", "-0.7025", "0.175050317441", "-1.087783150958", "-0.317216849042" }
    };
    static const struct want c[] = { { "gap", "-0.706576234295", NULL, NULL, NULL } };
    struct cxm_tally *t = tally_of("gap", equal, 1, d.inputs, without);
    assert_wants(t, CXM_TOTAL, a);
    assert_printed(measure(t, "gap").std_error * sqrt(12), "0.593653301536");
    assert_definition(t, "gap/perceived-expected/items=5/fixed-weights/listwise");
    cxm_tally_free(t);
    t = tally_of("gap", weighted, 2, d.inputs, without);
    assert_wants(t, CXM_TOTAL, b);
    assert_printed(measure(t, "gap").std_error * sqrt(12), "0.606392087379");
    cxm_tally_free(t);
    t = tally_of("gap", person, 2, d.inputs, d.n);
    assert_wants(t, CXM_TOTAL, c);
    cxm_tally_free(t);
}

/* Aggregate importance: sum Ibar gapbar / sum Ibar, from the means of the items. */
static void aggregate_importance(void **state)
{
    (void)state;
    struct data d;
    fill(&d, true);
    double product = 0, weight = 0;
    for (int i = 0; i < MINI_ITEMS; i++) {
        double importance = 0, gap = 0;
        for (int r = 0; r < MINI_N; r++) {
            importance += d.i[i][r];
            gap += d.p[i][r] - d.e[i][r];
        }
        product += importance * gap / MINI_N;
        weight += importance;
    }
    const struct cxm_param params[] = { ITEMS, TEXTS("importance_kind", "aggregate") };
    struct cxm_tally *t = tally_of("gap", params, 2, d.inputs, d.n);
    assert_close(measure(t, "gap").value, product / weight, 1e-14);
    cxm_tally_free(t);
}

/* Dimensions of two items, of two items, and of one; their weights make the overall gap. */
static void dimensions(void **state)
{
    (void)state;
    struct data d;
    fill(&d, false);
    static const double of[MINI_ITEMS] = { 0, 0, 1, 1, 2 };
    static const char *const names[] = { "things", "people", "care" };
    const struct cxm_param params[] = { ITEMS, { "dimension", of, MINI_ITEMS, names, 3 },
                                        NUMBERS("dimension_weights", 1, 2, 1) };
    struct cxm_tally *t = tally_of("gap", params, 3, d.inputs, d.n);
    static const struct want wants[] = {
        { "gap[things]", "-11/12", NULL, NULL, NULL },   /* (-1 - 10/12) / 2 */
        { "gap[people]", "-7/12", NULL, NULL, NULL },    /* (-15/12 + 1/12) / 2 */
        { "gap[care]", "-5/12", NULL, NULL, NULL },      /* one item: empathy */
        { "perceived[people]", "121/24", NULL, NULL, NULL }, /* (60 + 61) / 24 */
        { "expected[people]", "135/24", NULL, NULL, NULL },  /* (75 + 60) / 24 */
        { "gap", "-30/48", NULL, NULL, NULL },           /* (-11 - 14 - 5) / 48 */
    };
    assert_wants(t, CXM_TOTAL, wants);
    assert_printed(measure(t, "gap[care]").std_error * sqrt(12), "1.378954368902");
    double sum = 0, squares = 0; /* gaps of "things", respondent by respondent */
    int exceeded = 0;
    for (int r = 0; r < MINI_N; r++) {
        const double gap = (d.p[0][r] + d.p[1][r] - d.e[0][r] - d.e[1][r]) / 2;
        sum += gap;
        squares += gap * gap;
        exceeded += gap > 0;
    }
    const double error = sqrt((squares - sum * sum / 12) / 11 / 12);
    assert_close(measure(t, "gap[things]").std_error, error, 1e-14);
    assert_close(measure(t, "t[things]").value, sum / 12 / error, 1e-13);
    assert_close(measure(t, "exceeded[things]").value, exceeded / 12.0, 1e-15);
    assert_definition(t, "gap/perceived-expected/items=5/dimensions=3/fixed-weights/listwise"
                         "/weights=1,2,1");
    cxm_tally_free(t);
}

/* Gaps of 1 count as met with a tolerance of 1. */
static void tolerance(void **state)
{
    (void)state;
    struct data d;
    fill(&d, false);
    int counts[3] = { 0, 0, 0 };
    for (int r = 0; r < MINI_N; r++) {
        const double gap = d.p[0][r] - d.e[0][r];
        counts[gap > 1 ? 2 : gap < -1 ? 0 : 1]++;
    }
    const struct cxm_param params[] = { ITEMS, NUMBERS("tolerance", 1) };
    struct cxm_tally *t = tally_of("gap", params, 2, d.inputs, d.n);
    assert_close(measure(t, "short[tangibles]").value, counts[0] / 12.0, 1e-15);
    assert_close(measure(t, "met[tangibles]").value, counts[1] / 12.0, 1e-15);
    assert_close(measure(t, "exceeded[tangibles]").value, counts[2] / 12.0, 1e-15);
    assert_printed(measure(t, "gap[tangibles]").value, "-1"); /* the gap itself has none */
    cxm_tally_free(t);
}

/* A pair with a missing side is dropped for its item only; the overall gap needs all items, or
 * half of the weight when it is renormalised. */
static void partial_answers(void **state)
{
    (void)state;
    struct data d;
    fill(&d, false);
    d.p[0][0] = NAN; /* gap 6 - 7 = -1 */
    d.e[1][3] = NAN;
    d.e[2][3] = d.e[3][3] = NAN;
    const struct cxm_param listwise[] = { ITEMS };
    const struct cxm_param renormalise[] = { ITEMS, TEXTS("partial", "renormalise") };
    struct cxm_tally *t = tally_of("gap", listwise, 1, d.inputs, d.n);
    struct cxm_estimate e = measure(t, "gap[tangibles]");
    assert_counts(&e, 11, 1, 0, 0);
    assert_printed(e.value, "-1"); /* -11 / 11 */
    e = measure(t, "gap[empathy]");
    assert_counts(&e, 12, 0, 0, 0);
    e = measure(t, "gap");
    assert_counts(&e, 10, 2, 0, 0);
    cxm_tally_free(t);
    t = tally_of("gap", renormalise, 2, d.inputs, d.n);
    e = measure(t, "gap"); /* respondent 0 has 4 of 5, respondent 3 has 2 of 5 */
    assert_counts(&e, 11, 1, 0, 0);
    cxm_tally_free(t);
}

/* Real-valued answers have no scale; with one, what is outside of it is invalid. */
static void scales(void **state)
{
    (void)state;
    const double p[3] = { 12.5, -0.25, 80 }, e[3] = { 10, 0.25, 81.5 };
    const struct cxm_column perceived = CXM_ARRAY(p, 3), expected = CXM_ARRAY(e, 3);
    const struct cxm_input inputs[] = { { "perceived", &perceived }, { "expected", &expected } };
    const struct cxm_param open[] = { TEXTS("items", "x") };
    const struct cxm_param closed[] = { TEXTS("items", "x"), NUMBERS("scale", 0, 80) };
    struct cxm_tally *t = tally_of("gap", open, 1, inputs, 2);
    struct cxm_estimate e_gap = measure(t, "gap[x]");
    assert_counts(&e_gap, 3, 0, 0, 0);
    assert_close(e_gap.value, 0.5 / 3, 1e-15);
    cxm_tally_free(t);
    t = tally_of("gap", closed, 2, inputs, 2);
    e_gap = measure(t, "gap[x]");
    assert_counts(&e_gap, 1, 0, 2, 0);
    assert_true(e_gap.value == 2.5);
    cxm_tally_free(t);
}

/* Everybody has the same gap: t is infinite with p = 0, or undefined where the gap is 0. */
static void all_the_same(void **state)
{
    (void)state;
    const double p[3] = { 5, 6, 7 }, lower[3] = { 4, 5, 6 };
    const struct cxm_column perceived = CXM_ARRAY(p, 3), expected = CXM_ARRAY(lower, 3);
    const struct cxm_column same = CXM_ARRAY(p, 3);
    const struct cxm_input one_more[] = { { "perceived", &perceived }, { "expected", &expected } };
    const struct cxm_input one_less[] = { { "perceived", &expected }, { "expected", &perceived } };
    const struct cxm_input equal[] = { { "perceived", &perceived }, { "expected", &same } };
    const struct cxm_param params[] = { TEXTS("items", "x") };
    struct cxm_tally *t = tally_of("gap", params, 1, one_more, 2);
    assert_true(measure(t, "gap[x]").std_error == 0);
    assert_true(measure(t, "t[x]").value == INFINITY && measure(t, "p[x]").value == 0);
    assert_true(measure(t, "dz[x]").value == INFINITY);
    cxm_tally_free(t);
    t = tally_of("gap", params, 1, one_less, 2);
    assert_true(measure(t, "t[x]").value == -INFINITY && measure(t, "p[x]").value == 0);
    cxm_tally_free(t);
    t = tally_of("gap", params, 1, equal, 2);
    assert_true(measure(t, "gap[x]").value == 0);
    assert_true(measure(t, "gap[x]").flags & CXM_FLAG_DEGENERATE);
    assert_true(isnan(measure(t, "t[x]").value) && isnan(measure(t, "p[x]").value));
    cxm_tally_free(t);
}

static void nobody_and_one(void **state)
{
    (void)state;
    static const char *const names[] = { "gap", "gap[x]", "perceived[x]", "expected[x]",
                                         "exceeded[x]", "met[x]", "short[x]", "t[x]", "p[x]",
                                         "dz[x]" };
    const double p[1] = { 5 }, missing[1] = { NAN };
    const struct cxm_column perceived = CXM_ARRAY(p, 1), none = CXM_ARRAY(missing, 1);
    const struct cxm_input one[] = { { "perceived", &perceived }, { "expected", &perceived } };
    const struct cxm_input nobody[] = { { "perceived", &perceived }, { "expected", &none } };
    const struct cxm_param params[] = { TEXTS("items", "x") };
    struct cxm_tally *t = tally_of("gap", params, 1, nobody, 2);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct cxm_estimate e = measure(t, names[i]);
        assert_counts(&e, 0, 1, 0, 0);
        assert_true(isnan(e.value) && (e.flags & CXM_FLAG_NO_DATA));
    }
    cxm_tally_free(t);
    t = tally_of("gap", params, 1, one, 2);
    assert_true(measure(t, "gap[x]").value == 0 && isnan(measure(t, "gap[x]").std_error));
    assert_true(measure(t, "met[x]").value == 1);
    for (size_t i = 7; i < COUNT_OF(names); i++)
        assert_true(isnan(measure(t, names[i]).value));
    cxm_tally_free(t);
}

/* Decimals are no binary fractions: 3.2 is within .1 of 3.1, and .1, .2 and -.3 are 0 on average. What
 * is further off by a millionth is not; whole numbers are compared exactly. */
static void decimals_within_the_tolerance(void **state)
{
    (void)state;
    const double p[3] = { 3.2, 3.1, 3.200001 }, e[3] = { 3.1, 3.2, 3.1 };
    const double ones[3] = { 3.1, 3.2, 3.3 }, others[3] = { 3, 3, 3.6 };
    const double large[1] = { 9007199254740992 }, less[1] = { 9007199254740988 };
    const struct cxm_column perceived = CXM_ARRAY(p, 3), expected = CXM_ARRAY(e, 3);
    const struct cxm_column far = CXM_ARRAY(large, 1), near = CXM_ARRAY(less, 1);
    struct cxm_column a[3], b[3];
    const struct cxm_input inputs[] = { { "perceived", &perceived }, { "expected", &expected } };
    const struct cxm_input apart[] = { { "perceived", &far }, { "expected", &near } };
    const struct cxm_input items[] = { { "perceived", &a[0] }, { "perceived", &a[1] },
                                       { "perceived", &a[2] }, { "expected", &b[0] },
                                       { "expected", &b[1] },  { "expected", &b[2] } };
    const struct cxm_param params[] = { TEXTS("items", "x"), NUMBERS("tolerance", 0.1) };
    const struct cxm_param whole[] = { TEXTS("items", "x"), NUMBERS("tolerance", 3) };
    static const char *const names[] = { "x", "y", "z" }, *const dimension[] = { "d" };
    static const double belongs[] = { 0, 0, 0 };
    const struct cxm_param grouped[] = { { .name = "items", .texts = names, .n_texts = 3 },
                                         { .name = "dimension", .numbers = belongs, .n_numbers = 3,
                                           .texts = dimension, .n_texts = 1 } };
    struct cxm_tally *t = tally_of("gap", params, 2, inputs, 2);
    assert_close(measure(t, "met[x]").value, 2.0 / 3, 1e-15);
    assert_close(measure(t, "exceeded[x]").value, 1.0 / 3, 1e-15);
    cxm_tally_free(t);
    t = tally_of("gap", whole, 2, apart, 2);
    assert_true(measure(t, "exceeded[x]").value == 1);
    cxm_tally_free(t);
    for (int i = 0; i < 3; i++) {
        a[i] = cxm_column_make("a", CXM_F64, &ones[i], 1, sizeof *ones, 1);
        b[i] = cxm_column_make("b", CXM_F64, &others[i], 1, sizeof *others, 1);
    }
    t = tally_of("gap", grouped, 2, items, 6);
    assert_true(measure(t, "met[d]").value == 1);
    cxm_tally_free(t);
}

/* Gaps of 1, 2 and 3, the third of two customers: mean 9/4, variance 3/2 (11/4) / 4 = 33/32. An effect
 * size is of the customers: neither the scale of weights nor clusters change it. */
static void effect_of_weighted_customers(void **state)
{
    (void)state;
    const double p[3] = { 5, 6, 7 }, e[3] = { 4, 4, 4 }, w[3] = { 10, 10, 20 };
    const uint8_t shop[3] = { 1, 1, 2 };
    const struct cxm_column perceived = CXM_ARRAY(p, 3), expected = CXM_ARRAY(e, 3);
    const struct cxm_column weight = CXM_ARRAY(w, 3), cluster = CXM_ARRAY_AS(CXM_U8, shop, 3);
    const struct cxm_input inputs[] = { { "perceived", &perceived }, { "expected", &expected },
                                        { "weight", &weight }, { "cluster", &cluster } };
    const struct cxm_input unweighted[] = { inputs[0], inputs[1], inputs[3] };
    const struct cxm_param params[] = { TEXTS("items", "x") };
    for (size_t n = 3; n <= 4; n++) {
        struct cxm_tally *t = tally_of("gap", params, 1, inputs, n);
        assert_close(measure(t, "dz[x]").value, 2.25 / sqrt(33.0 / 32), 1e-14);
        assert_close(measure(t, "t[x]").value, measure(t, "gap[x]").value / measure(t, "gap[x]").std_error,
                     1e-14);
        cxm_tally_free(t);
    }
    struct cxm_tally *t = tally_of("gap", params, 1, unweighted, 3);
    assert_close(measure(t, "dz[x]").value, 2, 1e-14);
    cxm_tally_free(t);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(item_rows) + 12];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(item_rows); i++)
        tests[n++] = (struct CMUnitTest){ item_rows[i].item, item_matches_row, NULL, NULL,
                                          (void *)&item_rows[i] };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(overall),         cmocka_unit_test(aggregate_importance),
        cmocka_unit_test(dimensions),      cmocka_unit_test(tolerance),
        cmocka_unit_test(partial_answers), cmocka_unit_test(scales),
        cmocka_unit_test(all_the_same),    cmocka_unit_test(nobody_and_one),
        cmocka_unit_test(zone_of_tolerance),
        cmocka_unit_test(decimals_within_the_tolerance),
        cmocka_unit_test(effect_of_weighted_customers),
    };
    memcpy(&tests[n], others, sizeof others);
    n += COUNT_OF(others);
    return _cmocka_run_group_tests("gap", tests, n, NULL, NULL);
}
