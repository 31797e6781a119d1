/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Net Promoter Score: worked numbers of the definitions (two independent routes each), other
 * scales, weights, the edges. */
#include "metric_testing.h"

/* ---- rows of counts ------------------------------------------------------------------- */

/* One interval of one column of the table; counts are of detractors, passives, promoters. */
static const struct interval_row {
    const char *name;
    int interval;
    const char *lower, *upper;
    int64_t counts[3];
} interval_rows[] = {
#define A { 15, 25, 40 }
#define B { 2, 3, 5 }
#define C { 0, 0, 5 }
#define D { 0, 5, 0 }
#define F { 0, 0, 1 }
    { "A default", CXM_INTERVAL_DEFAULT, "13.595746441472", "46.645217413949", A },
    { "A Wald", CXM_INTERVAL_WALD, "14.420485463520", "48.079514536480", A },
    { "A Wald t", CXM_INTERVAL_WALD_T, "14.050878526933", "48.449121473067", A },
    { "A adjusted", CXM_INTERVAL_ADJUSTED_WALD, "13.595746441472", "46.645217413949", A },
    { "A adjusted U", CXM_INTERVAL_ADJUSTED_WALD_U, "13.511598957556", "46.729364897866", A },
    { "A adjusted TZ", CXM_INTERVAL_ADJUSTED_WALD_TZ, "13.376606592178", "46.259760311852", A },
    { "A adjusted UZ", CXM_INTERVAL_ADJUSTED_WALD_UZ, "13.270546622904", "46.365820281126", A },
    { "A score", CXM_INTERVAL_SCORE, "13.48135957830", "46.85772423223", A },
    { "A contrast", CXM_INTERVAL_CONTRAST, "10.232067429043", "52.267932570957", A },
    { "A Goodman", CXM_INTERVAL_GOODMAN, "5.927594866635", "52.394270932405", A },
    { "A bootstrap", CXM_INTERVAL_BOOTSTRAP, "13.75", "47.5", A },
    { "A BCa", CXM_INTERVAL_BCA, "13.75", "47.5", A },
    { "B default", CXM_INTERVAL_DEFAULT, "-19.050615376364", "65.204461530210", B },
    { "B Wald", CXM_INTERVAL_WALD, "-18.407539501853", "78.407539501853", B },
    { "B Wald t", CXM_INTERVAL_WALD_T, "-28.893374158649", "88.893374158649", B },
    { "B adjusted U", CXM_INTERVAL_ADJUSTED_WALD_U, "-20.378595835688", "66.532441989535", B },
    { "B adjusted TZ", CXM_INTERVAL_ADJUSTED_WALD_TZ, "-19.048288164181", "62.396320172408", B },
    { "B adjusted UZ", CXM_INTERVAL_ADJUSTED_WALD_UZ, "-20.595123429300", "63.943155437526", B },
    { "B score", CXM_INTERVAL_SCORE, "-21.65921974904", "67.52778879883", B },
    { "B contrast", CXM_INTERVAL_CONTRAST, "-30.454887095551", "90.454887095551", B },
    { "B Goodman", CXM_INTERVAL_GOODMAN, "-37.611079606900", "75.751991669694", B },
    { "B bootstrap", CXM_INTERVAL_BOOTSTRAP, "-20", "80", B },
    { "B BCa", CXM_INTERVAL_BCA, "-20", "70", B },
    { "C default", CXM_INTERVAL_DEFAULT, "17.491453034169", "107.508546965831", C },
    { "C Wald", CXM_INTERVAL_WALD, "100", "100", C },
    { "C Wald t", CXM_INTERVAL_WALD_T, "100", "100", C },
    { "C adjusted U", CXM_INTERVAL_ADJUSTED_WALD_U, "14.272587977975", "110.727412022025", C },
    { "C adjusted TZ", CXM_INTERVAL_ADJUSTED_WALD_TZ, "11.702775192829", "101.400731850536", C },
    { "C adjusted UZ", CXM_INTERVAL_ADJUSTED_WALD_UZ, "8.322552020081", "104.780955023284", C },
    { "C score", CXM_INTERVAL_SCORE, "13.10350704337", "100", C },
    { "C contrast", CXM_INTERVAL_CONTRAST, "100", "100", C },
    { "C Goodman", CXM_INTERVAL_GOODMAN, "-6.813249392538", "100", C },
    { "C bootstrap", CXM_INTERVAL_BOOTSTRAP, "100", "100", C },
    { "C BCa falls back", CXM_INTERVAL_BCA, "100", "100", C },
    { "D default", CXM_INTERVAL_DEFAULT, "-30.005697977221", "30.005697977221", D },
    { "D Wald", CXM_INTERVAL_WALD, "0", "0", D },
    { "D adjusted U", CXM_INTERVAL_ADJUSTED_WALD_U, "-34.647595608742", "34.647595608742", D },
    { "D adjusted TZ", CXM_INTERVAL_ADJUSTED_WALD_TZ, "-30.722549715483", "30.722549715483", D },
    { "D adjusted UZ", CXM_INTERVAL_ADJUSTED_WALD_UZ, "-35.475344696851", "35.475344696851", D },
    { "D score", CXM_INTERVAL_SCORE, "-43.44824647832", "43.44824647832", D },
    { "D contrast", CXM_INTERVAL_CONTRAST, "0", "0", D },
    { "D Goodman", CXM_INTERVAL_GOODMAN, "-53.406624696269", "53.406624696269", D },
    { "F default", CXM_INTERVAL_DEFAULT, "-48.498649420252", "98.498649420252", F },
    { "F Wald", CXM_INTERVAL_WALD, "100", "100", F },
    { "F Wald t", CXM_INTERVAL_WALD_T, "nan", "nan", F },
    { "F adjusted U", CXM_INTERVAL_ADJUSTED_WALD_U, "-56.255814241616", "106.255814241616", F },
    { "F adjusted TZ", CXM_INTERVAL_ADJUSTED_WALD_TZ, "-46.039746450031", "87.349609325478", F },
    { "F adjusted UZ", CXM_INTERVAL_ADJUSTED_WALD_UZ, "-53.489882110337", "94.799744985785", F },
    { "F score", CXM_INTERVAL_SCORE, "-58.69013712455", "100", F },
    { "F contrast", CXM_INTERVAL_CONTRAST, "100", "100", F },
    { "F Goodman", CXM_INTERVAL_GOODMAN, "-70.287347858536", "100", F },
    { "(1,0,1) score", CXM_INTERVAL_SCORE, "-81.09375885315", "81.09375885315", { 1, 0, 1 } },
    { "(1,0,1) default", CXM_INTERVAL_DEFAULT, "-73.33513720565", "73.33513720565",
      { 1, 0, 1 } },
    { "all detractors mirror C", CXM_INTERVAL_DEFAULT, "-107.508546965831", "-17.491453034169",
      { 5, 0, 0 } },
    { "all detractors mirror C, score", CXM_INTERVAL_SCORE, "-100", "-13.10350704337",
      { 5, 0, 0 } },
#undef A
#undef B
#undef C
#undef D
#undef F
};

static const uint8_t one_of_each[3] = { 3, 7, 10 };

static struct cxm_tally *tally_of_counts(const int64_t counts[3])
{
    const struct cxm_column score = CXM_ARRAY(one_of_each, 3), freq = CXM_ARRAY(counts, 3);
    const struct cxm_input inputs[] = { { "score", &score }, { "freq", &freq } };
    return tally_of("nps", NULL, 0, inputs, 2);
}

static void interval_matches_row(void **state)
{
    const struct interval_row *r = *state;
    struct cxm_tally *t = tally_of_counts(r->counts);
    const struct cxm_estimate e = measure_with(t, "nps", r->interval, 0.95);
    assert_printed(e.lower_raw, r->lower);
    assert_printed(e.upper_raw, r->upper);
    if (r->interval != CXM_INTERVAL_DEFAULT)
        assert_int_equal(e.interval, r->interval);
    else
        assert_int_equal(e.interval, CXM_INTERVAL_ADJUSTED_WALD);
    cxm_tally_free(t);
}

static const struct point_row {
    const char *name;
    int64_t counts[3];
    const char *nps, *std_error, *promoters, *passives, *detractors;
} point_rows[] = {
    { "A", { 15, 25, 40 }, "31.25", "8.586644790021", "0.5", "25/80", "15/80" },
    { "B", { 2, 3, 5 }, "30", "24.698178070457", "0.5", "0.3", "0.2" },
    { "C", { 0, 0, 5 }, "100", "0", "1", "0", "0" },
    { "D", { 0, 5, 0 }, "0", "0", "0", "1", "0" },
    { "F", { 0, 0, 1 }, "100", "0", "1", "0", "0" },
    { "one of each: 100 sqrt(2/9)", { 1, 1, 1 }, "0", "47.140452079103168", "1/3", "1/3", "1/3" },
    { "all but one of 1e9, v = 999999999 / 1e18", { 0, 1, 999999999 }, "99.9999999",
      "9.999999995e-8", "0.999999999", "1e-9", "0" },
    { "wave 2", { 12, 28, 60 }, "48", "6.99714227381436", "0.6", "0.28", "0.12" },
};

static void point_matches_row(void **state)
{
    const struct point_row *r = *state;
    struct cxm_tally *t = tally_of_counts(r->counts);
    const struct cxm_estimate e = measure(t, "nps");
    assert_printed(e.value, r->nps);
    assert_printed(e.std_error, r->std_error);
    assert_printed(measure(t, "promoters").value, r->promoters);
    assert_printed(measure(t, "passives").value, r->passives);
    assert_printed(measure(t, "detractors").value, r->detractors);
    const int64_t n = r->counts[0] + r->counts[1] + r->counts[2];
    assert_counts(&e, n, 0, 0, 0);
    assert_true(e.sum_weight == (double)n && e.n_eff == (double)n);
    assert_int_equal(e.unit, CXM_UNIT_POINTS);
    assert_int_equal(e.base, CXM_BASE_RESPONSES);
    assert_int_equal(!!(e.flags & CXM_FLAG_SMALL_N), n < 30);
    cxm_tally_free(t);
}

/* ---- the answers of A ----------------------------------------------------------------- */

static const int64_t answers_of_a[11] = { 2, 0, 1, 1, 2, 4, 5, 10, 15, 20, 20 };

static size_t scores_of_a(int8_t out[80])
{
    size_t n = 0;
    for (int k = 0; k <= 10; k++)
        for (int64_t i = 0; i < answers_of_a[k]; i++)
            out[n++] = (int8_t)k;
    return n;
}

static void every_measure_of_a(void **state)
{
    (void)state;
    int8_t scores[80];
    const struct cxm_column score = CXM_ARRAY(scores, scores_of_a(scores));
    const struct cxm_input input = { "score", &score };
    struct cxm_tally *t = tally_of("nps", NULL, 0, &input, 1);
    static const struct want wants[] = {
        { "nps", "31.25", "8.586644790021", "13.595746441472", "46.645217413949" },
        { "promoters", "0.5", NULL, NULL, NULL },
        { "passives", "0.3125", NULL, NULL, NULL },
        { "detractors", "0.1875", NULL, NULL, NULL },
        { "mean", "633/80", NULL, NULL, NULL },
        { "share[0]", "2/80", NULL, NULL, NULL }, { "share[1]", "0", "0", NULL, NULL },
        { "share[2]", "1/80", NULL, NULL, NULL }, { "share[3]", "1/80", NULL, NULL, NULL },
        { "share[4]", "2/80", NULL, NULL, NULL }, { "share[5]", "4/80", NULL, NULL, NULL },
        { "share[6]", "5/80", NULL, NULL, NULL }, { "share[7]", "10/80", NULL, NULL, NULL },
        { "share[8]", "15/80", NULL, NULL, NULL }, { "share[9]", "20/80", NULL, NULL, NULL },
        { "share[10]", "20/80", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    assert_close(measure(t, "promoters").std_error, sqrt(40.0 * 40 / 80) / 80, 1e-15);
    assert_close(measure(t, "passives").std_error, sqrt(25.0 * 55 / 80) / 80, 1e-15);
    assert_close(measure(t, "detractors").std_error, sqrt(15.0 * 65 / 80) / 80, 1e-15);
    /* Wilson's limits of a half: 1/2 -+ z / (2 sqrt(n + z^2)) */
    const double z = 1.959963984540054, half = z / (2 * sqrt(80 + z * z));
    assert_close(measure(t, "promoters").lower, 0.5 - half, 1e-14);
    assert_close(measure(t, "promoters").upper, 0.5 + half, 1e-14);
    double sum = 0;
    for (int k = 0; k <= 10; k++) {
        char name[16];
        snprintf(name, sizeof name, "share[%d]", k);
        sum += measure(t, name).value;
    }
    assert_close(sum, 1.0, 1e-15);
    /* mean and its t limits from the rows themselves */
    double total = 0, squares = 0;
    for (int k = 0; k <= 10; k++) {
        total += (double)(k * answers_of_a[k]);
        squares += (double)(k * k * answers_of_a[k]);
    }
    const struct cxm_estimate mean = measure(t, "mean");
    assert_close(mean.value, total / 80, 1e-15);
    assert_close(mean.std_error, sqrt((squares - total * total / 80) / 79 / 80), 1e-14);
    assert_int_equal(mean.interval, CXM_INTERVAL_T);
    assert_true(mean.df == 79);
    assert_definition(t, "nps/0-10/6-9");
    cxm_tally_free(t);
}

/* ---- other scales --------------------------------------------------------------------- */

static const struct scale_row {
    const char *name;
    double scale[2], promoter, detractor;
    int8_t answers[6];
    int64_t freq[6];
    const char *nps, *promoters, *passives, *detractors, *definition;
} scale_rows[] = {
    { "five points: 3 5 12 30 50", { 1, 5 }, 5, 3, { 1, 2, 3, 4, 5, 5 }, { 3, 5, 12, 30, 50, 0 },
      "30", "0.5", "0.3", "0.2", "nps/1-5/3-5" },
    { "seven points, detractors to 4", { 1, 7 }, 7, 4, { 1, 4, 5, 6, 7, 7 },
      { 1, 2, 3, 4, 10, 0 }, "35", "0.5", "7/20", "3/20", "nps/1-7/4-7" },
    { "seven points, detractors to 5", { 1, 7 }, 7, 5, { 1, 4, 5, 6, 7, 7 },
      { 1, 2, 3, 4, 10, 0 }, "20", "0.5", "0.2", "0.3", "nps/1-7/5-7" },
    { "1 to 10 with the cuts of 0 to 10", { 1, 10 }, 9, 6, { 1, 6, 7, 8, 9, 10 },
      { 1, 1, 2, 2, 3, 1 }, "20", "0.4", "0.4", "0.2", "nps/1-10/6-9" },
    { "no passives: cuts side by side", { -2, 2 }, 1, 0, { -2, -1, 0, 1, 2, 2 },
      { 1, 0, 1, 1, 2, 0 }, "20", "0.6", "0", "0.4", "nps/-2-2/0-1" },
};

static void scale_matches_row(void **state)
{
    const struct scale_row *r = *state;
    const struct cxm_param params[] = { { "scale", r->scale, 2, NULL, 0 },
                                        { "promoter", &r->promoter, 1, NULL, 0 },
                                        { "detractor", &r->detractor, 1, NULL, 0 } };
    const struct cxm_column score = CXM_ARRAY(r->answers, 6), freq = CXM_ARRAY(r->freq, 6);
    const struct cxm_input inputs[] = { { "score", &score }, { "freq", &freq } };
    struct cxm_tally *t = tally_of("nps", params, 3, inputs, 2);
    assert_printed(measure(t, "nps").value, r->nps);
    assert_printed(measure(t, "promoters").value, r->promoters);
    assert_printed(measure(t, "passives").value, r->passives);
    assert_printed(measure(t, "detractors").value, r->detractors);
    assert_definition(t, r->definition);
    cxm_tally_free(t);
}

static void wrong_cuts_are_refused(void **state)
{
    (void)state;
    const struct cxm_param five[] = { NUMBERS("scale", 1, 5) };
    const struct cxm_param crossed[] = { NUMBERS("promoter", 6), NUMBERS("detractor", 6) };
    const struct cxm_param outside[] = { NUMBERS("promoter", 11) };
    const struct cxm_param below[] = { NUMBERS("detractor", -1) };
    const struct cxm_param half[] = { NUMBERS("scale", 0.5, 10) };
    const struct cxm_param reversed[] = { NUMBERS("scale", 10, 0) };
    assert_int_equal(status_of_new("nps", five, 1), CXM_EINVAL); /* cuts of 0-10 do not fit */
    assert_int_equal(status_of_new("nps", crossed, 2), CXM_EINVAL);
    assert_int_equal(status_of_new("nps", outside, 1), CXM_EINVAL);
    assert_int_equal(status_of_new("nps", below, 1), CXM_EINVAL);
    assert_int_equal(status_of_new("nps", half, 1), CXM_EINVAL);
    assert_int_equal(status_of_new("nps", reversed, 1), CXM_EINVAL);
}

/* ---- the mini design, weights only ---------------------------------------------------- */

static const double mini_weight[12] = { 10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30 };
static const int8_t mini_score[12] = { 10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2 };

static void weights_only(void **state)
{
    (void)state;
    const struct cxm_column score = CXM_ARRAY(mini_score, 12);
    const struct cxm_column weight = CXM_ARRAY(mini_weight, 12);
    const struct cxm_input inputs[] = { { "score", &score }, { "weight", &weight } };
    struct cxm_tally *t = tally_of("nps", NULL, 0, inputs, 2);
    const struct cxm_estimate wald = measure_with(t, "nps", CXM_INTERVAL_WALD_T, 0.95);
    assert_printed(wald.value, "15.656565656566");
    assert_printed(wald.std_error, "27.919065050943");
    assert_printed(wald.lower_raw, "-45.792882204193");
    assert_printed(wald.upper_raw, "77.106013517324");
    assert_true(wald.df == 11 && wald.sum_weight == 198 && wald.n_eff == 10.125 && wald.n == 12);
    /* n_d = v / se^2 = 9.0806, at most n = 12; t_11 / t_11 = 1; counts n_d * shares + (3/4,
     * 3/2, 3/4), Wald on those. v and se^2 as fractions of 198: by metric_cases.py. */
    const struct cxm_estimate e = measure(t, "nps");
    assert_int_equal(e.interval, CXM_INTERVAL_ADJUSTED_WALD);
    static const struct want shares[] = {
        { "nps", "15.656565656566", "27.919065050943", NULL, NULL },
        { "detractors", "0.287878787879", NULL, NULL, NULL },
        { "passives", "0.267676767677", NULL, NULL, NULL },
        { "promoters", "0.444444444444", NULL, NULL, NULL },
        { "mean", "7.151515151515", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, shares);
    cxm_tally_free(t);
}

static void domains_by_key(void **state)
{
    (void)state;
    static const int8_t domain[12] = { 1, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 2 };
    const struct cxm_column score = CXM_ARRAY(mini_score, 12), by = CXM_ARRAY(domain, 12);
    const struct cxm_column weight = CXM_ARRAY(mini_weight, 12);
    const struct cxm_input inputs[] = { { "score", &score }, { "weight", &weight },
                                        { "by", &by } };
    struct cxm_tally *t = tally_of("nps", NULL, 0, inputs, 3);
    assert_int_equal(cxm_tally_groups(t), 2);
    const struct cxm_estimate first = measure_in(t, "nps", 0), second = measure_in(t, "nps", 1);
    assert_printed(first.value, "14.444444444444");
    assert_printed(second.value, "16.666666666667");
    assert_int_equal(first.n + second.n, 12);
    assert_true(first.sum_weight + second.sum_weight == 198);
    assert_printed(measure(t, "nps").value, "15.656565656566");
    cxm_tally_free(t);
}

/* Every other key has no rows, and is no group; counters of so many lie in one table. Key 7 + 2 k has
 * ten rows: k % 10 promoters, the others detractors. */
static void every_other_key(void **state)
{
    (void)state;
    enum { KEYS = 300, EACH = 10, N = KEYS * EACH };
    static uint8_t scores[N];
    static uint32_t keys[N];
    for (uint32_t i = 0; i < N; i++) {
        keys[i] = 7 + 2 * (i % KEYS);
        scores[i] = i / KEYS < i % KEYS % 10 ? 10 : 0;
    }
    const struct cxm_column score = CXM_ARRAY(scores, N), by = CXM_ARRAY(keys, N);
    const struct cxm_input inputs[] = { { "score", &score }, { "by", &by } };
    struct cxm_tally *t = tally_of("nps", NULL, 0, inputs, 2);
    assert_int_equal(cxm_tally_groups(t), KEYS);
    for (int64_t g = 0; g < KEYS; g++) {
        struct cxm_key key;
        assert_int_equal(cxm_tally_key(t, g, 0, &key), CXM_OK);
        assert_int_equal(key.integer, 7 + 2 * g);
        const struct cxm_estimate e = measure_in(t, "nps", g);
        assert_int_equal(e.n, EACH);
        assert_true(e.value == (double)(20 * (g % 10) - 100));
    }
    cxm_tally_free(t);
}

/* ---- edges ---------------------------------------------------------------------------- */

static void nobody(void **state)
{
    (void)state;
    static const char *const names[] = { "nps", "promoters", "passives", "detractors", "mean",
                                         "share[0]", "share[10]" };
    struct cxm_tally *empty = tally_of("nps", NULL, 0, NULL, 0);
    const double missing[3] = { NAN, NAN, NAN };
    const struct cxm_column score = CXM_ARRAY(missing, 3);
    const struct cxm_input input = { "score", &score };
    struct cxm_tally *all_missing = tally_of("nps", NULL, 0, &input, 1);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct cxm_tally *const tallies[2] = { empty, all_missing };
        for (int k = 0; k < 2; k++) {
            const struct cxm_estimate e = measure(tallies[k], names[i]);
            assert_true(isnan(e.value) && isnan(e.std_error) && isnan(e.lower)
                        && isnan(e.upper));
            assert_true(e.flags & CXM_FLAG_NO_DATA);
            assert_counts(&e, 0, k == 0 ? 0 : 3, 0, 0);
        }
    }
    cxm_tally_free(empty);
    cxm_tally_free(all_missing);
}

static void one_answer(void **state)
{
    (void)state;
    const uint8_t scores[1] = { 9 };
    const struct cxm_column score = CXM_ARRAY(scores, 1);
    const struct cxm_input input = { "score", &score };
    struct cxm_tally *t = tally_of("nps", NULL, 0, &input, 1);
    const struct cxm_estimate e = measure(t, "nps"), mean = measure(t, "mean");
    assert_printed(e.value, "100");
    assert_printed(e.lower, "-48.498649420252"); /* F of the table */
    assert_printed(e.upper, "98.498649420252");
    assert_true(e.flags & CXM_FLAG_OFF_CENTRE);
    assert_true(e.flags & CXM_FLAG_SMALL_N);
    assert_true(mean.value == 9 && isnan(mean.std_error) && isnan(mean.lower));
    assert_printed(measure(t, "promoters").lower, "0.206549314377"); /* Wilson of 1 of 1 */
    assert_printed(measure(t, "promoters").upper, "1");
    cxm_tally_free(t);
}

static void what_is_no_answer_is_counted(void **state)
{
    (void)state;
    static const double codes[] = { 99, -99 };
    const double scores[9] = { 10, 11, -1, 9.5, INFINITY, NAN, 99, 0, -99 };
    struct cxm_column score = CXM_ARRAY(scores, 9);
    score.missing_codes = codes;
    score.n_missing_codes = 2;
    const struct cxm_input input = { "score", &score };
    struct cxm_tally *t = tally_of("nps", NULL, 0, &input, 1);
    const struct cxm_estimate e = measure(t, "nps");
    assert_counts(&e, 2, 3, 4, 0);
    assert_true(e.value == 0);
    cxm_tally_free(t);
    /* by default the first one is an error that names it, and nothing was added */
    struct cxm_error error;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &t, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(t, &input, 1, NULL, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    assert_string_equal(error.value, "11");
    const struct cxm_estimate none = measure(t, "nps");
    assert_counts(&none, 0, 0, 0, 0);
    cxm_tally_free(t);
}

/* A row of weight 0 adds nothing and is not part of n; of weight 0 only: no data. */
static void weight_zero(void **state)
{
    (void)state;
    const uint8_t scores[4] = { 10, 0, 9, 3 };
    const double weights[4] = { 2, 0, 2, 4 }, zero[4] = { 0, 0, 0, 0 };
    const struct cxm_column score = CXM_ARRAY(scores, 4), weight = CXM_ARRAY(weights, 4);
    const struct cxm_column none = CXM_ARRAY(zero, 4);
    const struct cxm_input inputs[] = { { "score", &score }, { "weight", &weight } };
    const struct cxm_input nothing[] = { { "score", &score }, { "weight", &none } };
    struct cxm_tally *t = tally_of("nps", NULL, 0, inputs, 2);
    struct cxm_estimate e = measure(t, "nps");
    assert_counts(&e, 3, 0, 0, 1);
    assert_true(e.value == 0 && e.sum_weight == 8);
    assert_close(e.n_eff, 64.0 / 24, 1e-15);
    struct cxm_base base;
    assert_int_equal(cxm_tally_base(t, CXM_TOTAL, 0, &base, NULL), CXM_OK);
    assert_int_equal(base.excluded_by[CXM_REASON_ZERO_WEIGHT], 1);
    cxm_tally_free(t);
    t = tally_of("nps", NULL, 0, nothing, 2);
    e = measure(t, "nps");
    assert_counts(&e, 0, 0, 0, 4);
    assert_true(isnan(e.value) && (e.flags & CXM_FLAG_NO_DATA));
    cxm_tally_free(t);
}

/* freq copies a row: also with weights, and also where the answer is missing. */
static void freq_copies(void **state)
{
    (void)state;
    const double scores[4] = { 10, NAN, 7, 2 }, weights[4] = { 1.5, 1, 0.25, 3 };
    const int64_t copies[4] = { 3, 2, 0, 1 };
    const double long_scores[6] = { 10, 10, 10, NAN, NAN, 2 };
    const double long_weights[6] = { 1.5, 1.5, 1.5, 1, 1, 3 };
    const struct cxm_column score = CXM_ARRAY(scores, 4), weight = CXM_ARRAY(weights, 4);
    const struct cxm_column freq = CXM_ARRAY(copies, 4);
    const struct cxm_column long_score = CXM_ARRAY(long_scores, 6);
    const struct cxm_column long_weight = CXM_ARRAY(long_weights, 6);
    const struct cxm_input a[] = { { "score", &score }, { "weight", &weight },
                                   { "freq", &freq } };
    const struct cxm_input b[] = { { "score", &long_score }, { "weight", &long_weight } };
    struct cxm_tally *x = tally_of("nps", NULL, 0, a, 3), *y = tally_of("nps", NULL, 0, b, 2);
    assert_true(cxm_tally_equal(x, y));
    const struct cxm_estimate e = measure(x, "nps");
    assert_counts(&e, 4, 2, 0, 0);
    assert_close(e.value, 20.0, 1e-15); /* (4.5 - 3) / 7.5 */
    cxm_tally_free(x);
    cxm_tally_free(y);
}

/* A constant weight changes the divisor of the error (n - 1 for n) and nothing of the score. */
static void constant_weight(void **state)
{
    (void)state;
    int8_t scores[80];
    double weights[80];
    const size_t n = scores_of_a(scores);
    for (size_t i = 0; i < n; i++)
        weights[i] = 0.3;
    const struct cxm_column score = CXM_ARRAY(scores, n), weight = CXM_ARRAY(weights, n);
    const struct cxm_input inputs[] = { { "score", &score }, { "weight", &weight } };
    struct cxm_tally *t = tally_of("nps", NULL, 0, inputs, 2);
    const struct cxm_estimate e = measure_with(t, "nps", CXM_INTERVAL_WALD_T, 0.95);
    assert_printed(e.value, "31.25");
    assert_printed(e.std_error, "8.640819742524"); /* se_t of the table */
    assert_printed(e.lower_raw, "14.050878526933");
    assert_printed(e.upper_raw, "48.449121473067");
    assert_close(e.n_eff, 80, 1e-14);
    cxm_tally_free(t);
}

/* A higher level never narrows; a further promoter never lowers the score. */
static void laws(void **state)
{
    (void)state;
    uint64_t random = random_seed();
    for (int i = 0; i < 200; i++) {
        int64_t counts[3];
        for (int k = 0; k < 3; k++)
            counts[k] = (int64_t)random_below(&random, 1u << random_below(&random, 9));
        struct cxm_tally *t = tally_of_counts(counts);
        const struct cxm_estimate a = measure_with(t, "nps", CXM_INTERVAL_DEFAULT, 0.8);
        const struct cxm_estimate b = measure_with(t, "nps", CXM_INTERVAL_DEFAULT, 0.99);
        if (a.n > 0)
            assert_true(b.lower_raw < a.lower_raw && a.upper_raw < b.upper_raw);
        counts[2]++;
        struct cxm_tally *more = tally_of_counts(counts);
        const double value = measure(more, "nps").value;
        assert_true(a.n == 0 || value >= a.value);
        cxm_tally_free(t);
        cxm_tally_free(more);
    }
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(interval_rows) + COUNT_OF(point_rows)
                                   + COUNT_OF(scale_rows) + 16];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(interval_rows); i++)
        tests[n++] = (struct CMUnitTest){ interval_rows[i].name, interval_matches_row, NULL, NULL,
                                          (void *)&interval_rows[i] };
    for (size_t i = 0; i < COUNT_OF(point_rows); i++)
        tests[n++] = (struct CMUnitTest){ point_rows[i].name, point_matches_row, NULL, NULL,
                                          (void *)&point_rows[i] };
    for (size_t i = 0; i < COUNT_OF(scale_rows); i++)
        tests[n++] = (struct CMUnitTest){ scale_rows[i].name, scale_matches_row, NULL, NULL,
                                          (void *)&scale_rows[i] };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(every_measure_of_a),      cmocka_unit_test(wrong_cuts_are_refused),
        cmocka_unit_test(weights_only),            cmocka_unit_test(domains_by_key),
        cmocka_unit_test(every_other_key),
        cmocka_unit_test(nobody),                  cmocka_unit_test(one_answer),
        cmocka_unit_test(what_is_no_answer_is_counted), cmocka_unit_test(weight_zero),
        cmocka_unit_test(freq_copies),             cmocka_unit_test(constant_weight),
        cmocka_unit_test(laws),
    };
    memcpy(&tests[n], others, sizeof others);
    n += COUNT_OF(others);
    return _cmocka_run_group_tests("nps", tests, n, NULL, NULL);
}
