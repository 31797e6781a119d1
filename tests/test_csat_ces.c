/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customer satisfaction and customer effort: worked numbers of the definitions, intervals of
 * shares, other scales and directions, the edges. */
#include "metric_testing.h"

static const int8_t five[5] = { 1, 2, 3, 4, 5 };
static const int64_t counts[5] = { 3, 5, 12, 30, 50 }; /* of 100 answers, in the definitions */

static struct cxm_tally *of_counts(const char *metric, const struct cxm_param *params,
                                   size_t n_params, const int64_t *copies)
{
    const struct cxm_column score = CXM_ARRAY(five, 5), freq = CXM_ARRAY(copies, 5);
    const struct cxm_input inputs[] = { { "score", &score }, { "freq", &freq } };
    return tally_of(metric, params, n_params, inputs, 2);
}

/* ---- CSAT ----------------------------------------------------------------------------- */

static void csat_worked(void **state)
{
    (void)state;
    struct cxm_tally *t = of_counts("csat", NULL, 0, counts);
    static const struct want wants[] = {
        { "csat", "0.8", "0.04", "0.711170834407", "0.866633066669" },
        { "top", "0.5", "0.05", NULL, NULL },
        { "top2", "0.8", "0.04", "0.711170834407", "0.866633066669" },
        { "bottom2", "0.08", NULL, NULL, NULL },
        { "net", "72", NULL, NULL, NULL },
        { "mean", "4.19", "0.103176812053", "3.985274820513", "4.394725179487" },
        { "index", "79.75", "2.579420301329", "74.631870512837", "84.868129487164" },
        { "share[1]", "0.03", NULL, NULL, NULL },
        { "share[2]", "0.05", NULL, NULL, NULL },
        { "share[3]", "0.12", NULL, NULL, NULL },
        { "share[4]", "0.3", NULL, NULL, NULL },
        { "share[5]", "0.5", "0.05", NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    assert_definition(t, "csat/1-5/top-2");
    /* sd = se sqrt(n) of the definitions: 1.031768120532 and 25.794203013292 */
    assert_printed(measure(t, "mean").std_error * 10, "1.031768120532");
    assert_printed(measure(t, "index").std_error * 10, "25.794203013292");
    /* net = top2 - bottom2 is a net score of detractors 8, passives 12, promoters 80 */
    const struct cxm_estimate net = measure(t, "net");
    assert_close(net.std_error, 100 * sqrt((88.0 / 100 - 0.72 * 0.72) / 100), 1e-14);
    assert_int_equal(net.interval, CXM_INTERVAL_ADJUSTED_WALD);
    const double centre = (80.75 - 8.75) / 103; /* + 3/4, 1 1/2, 3/4 */
    assert_close((net.lower_raw + net.upper_raw) / 2, 100 * centre, 1e-14);
    assert_int_equal(measure(t, "csat").unit, CXM_UNIT_SHARE);
    assert_int_equal(measure(t, "net").unit, CXM_UNIT_POINTS);
    assert_int_equal(measure(t, "mean").unit, CXM_UNIT_SCALE);
    cxm_tally_free(t);
}

/* Intervals of x of n by name: the table of the definitions. */
static const struct share_row {
    const char *name;
    int64_t x, n;
    int interval;
    double level;
    const char *lower, *upper;
} share_rows[] = {
    { "80/100 Wald", 80, 100, CXM_INTERVAL_WALD, 0.95, "0.721601440618", "0.878398559382" },
    { "80/100 default", 80, 100, CXM_INTERVAL_DEFAULT, 0.95, "0.711170834407",
      "0.866633066669" },
    { "80/100 Wilson", 80, 100, CXM_INTERVAL_WILSON, 0.95, "0.711170834407", "0.866633066669" },
    { "80/100 Wilson cc", 80, 100, CXM_INTERVAL_WILSON_CC, 0.95, "0.705677028803",
      "0.870751785913" },
    { "80/100 Agresti-Coull", 80, 100, CXM_INTERVAL_AGRESTI_COULL, 0.95, "0.710411589667",
      "0.867392311409" },
    { "80/100 Clopper-Pearson", 80, 100, CXM_INTERVAL_CLOPPER_PEARSON, 0.95, "0.708157310911",
      "0.873344447898" },
    { "80/100 Jeffreys", 80, 100, CXM_INTERVAL_JEFFREYS, 0.95, "0.713720427173",
      "0.869209584581" },
    { "80/100 mid-p", 80, 100, CXM_INTERVAL_MID_P, 0.95, "0.713088225085", "0.869753988092" },
    { "80/100 logit", 80, 100, CXM_INTERVAL_LOGIT, 0.95, "0.710189251012", "0.867183871998" },
    { "80/100 Wilson .90", 80, 100, CXM_INTERVAL_WILSON, 0.90, "0.726696191190",
      "0.857498176340" },
    { "80/100 Wilson .99", 80, 100, CXM_INTERVAL_WILSON, 0.99, "0.679826467385",
      "0.882841119986" },
    { "80/100 Clopper-Pearson .90", 80, 100, CXM_INTERVAL_CLOPPER_PEARSON, 0.90,
      "0.722799750329", "0.863338674754" },
    { "80/100 Clopper-Pearson .99", 80, 100, CXM_INTERVAL_CLOPPER_PEARSON, 0.99,
      "0.678773587147", "0.891589458533" },
    { "9/10 Wald", 9, 10, CXM_INTERVAL_WALD, 0.95, "0.714061490309", "1.085938509691" },
    { "9/10 Wilson", 9, 10, CXM_INTERVAL_WILSON, 0.95, "0.595849973205", "0.982123786905" },
    { "9/10 Wilson cc", 9, 10, CXM_INTERVAL_WILSON_CC, 0.95, "0.541153983843",
      "0.994757698430" },
    { "9/10 Agresti-Coull", 9, 10, CXM_INTERVAL_AGRESTI_COULL, 0.95, "0.574032262605",
      "1.003941497505" },
    { "9/10 Clopper-Pearson", 9, 10, CXM_INTERVAL_CLOPPER_PEARSON, 0.95, "0.554983882972",
      "0.997471421456" },
    { "9/10 Jeffreys", 9, 10, CXM_INTERVAL_JEFFREYS, 0.95, "0.618685228933", "0.988988326237" },
    { "9/10 mid-p", 9, 10, CXM_INTERVAL_MID_P, 0.95, "0.596523844262", "0.994998524718" },
    { "9/10 logit", 9, 10, CXM_INTERVAL_LOGIT, 0.95, "0.532763270716", "0.986118342671" },
    { "0/10 Wald", 0, 10, CXM_INTERVAL_WALD, 0.95, "0", "0" },
    { "0/10 Wilson", 0, 10, CXM_INTERVAL_WILSON, 0.95, "0", "0.277532799863" },
    { "0/10 Wilson cc", 0, 10, CXM_INTERVAL_WILSON_CC, 0.95, "0", "0.344537218307" },
    { "0/10 Agresti-Coull", 0, 10, CXM_INTERVAL_AGRESTI_COULL, 0.95, "-0.043354505888",
      "0.320887305751" },
    { "0/10 Clopper-Pearson", 0, 10, CXM_INTERVAL_CLOPPER_PEARSON, 0.95, "0",
      "0.308497107819" },
    { "0/10 mid-p", 0, 10, CXM_INTERVAL_MID_P, 0.95, "0", "0.258865550893" },
    { "0/10 logit", 0, 10, CXM_INTERVAL_LOGIT, 0.95, "nan", "nan" },
    { "45/50 Wald", 45, 50, CXM_INTERVAL_WALD, 0.95, "0.816845770539", "0.983154229461" },
    { "45/50 Wilson", 45, 50, CXM_INTERVAL_WILSON, 0.95, "0.786397685625", "0.956524235068" },
    { "45/50 Wilson cc", 45, 50, CXM_INTERVAL_WILSON_CC, 0.95, "0.774088160743",
      "0.962595380117" },
    { "45/50 Clopper-Pearson", 45, 50, CXM_INTERVAL_CLOPPER_PEARSON, 0.95, "0.781864633566",
      "0.966724906411" },
    { "45/50 Jeffreys", 45, 50, CXM_INTERVAL_JEFFREYS, 0.95, "0.794645171977",
      "0.960805635606" },
    { "10/10 Wilson", 10, 10, CXM_INTERVAL_WILSON, 0.95, "0.722467200137", "1" },
    { "10/10 Clopper-Pearson", 10, 10, CXM_INTERVAL_CLOPPER_PEARSON, 0.95, "0.691502892181",
      "1" },
    { "10/10 mid-p", 10, 10, CXM_INTERVAL_MID_P, 0.95, "0.741134449107", "1" },
    { "1/1 Wilson", 1, 1, CXM_INTERVAL_WILSON, 0.95, "0.206549314377", "1" },
    { "1/1 Clopper-Pearson", 1, 1, CXM_INTERVAL_CLOPPER_PEARSON, 0.95, "0.025", "1" },
    { "1/1 mid-p", 1, 1, CXM_INTERVAL_MID_P, 0.95, "0.05", "1" },
    { "7/12 Wilson", 7, 12, CXM_INTERVAL_WILSON, 0.95, "0.319511312550", "0.806739686341" },
    { "7/12 Clopper-Pearson", 7, 12, CXM_INTERVAL_CLOPPER_PEARSON, 0.95, "0.276669685682",
      "0.848347770192" },
    { "7/12 Jeffreys", 7, 12, CXM_INTERVAL_JEFFREYS, 0.95, "0.311940425040", "0.819521305210" },
};

static void share_matches_row(void **state)
{
    const struct share_row *r = *state;
    const int64_t copies[5] = { 0, 0, r->n - r->x, r->x, 0 };
    struct cxm_tally *t = of_counts("csat", NULL, 0, copies);
    const struct cxm_estimate e = measure_with(t, "csat", r->interval, r->level);
    assert_close(e.value, (double)r->x / (double)r->n, 1e-15);
    assert_printed(e.lower_raw, r->lower);
    assert_printed(e.upper_raw, r->upper);
    assert_true(isnan(e.lower) || (e.lower >= 0 && e.upper <= 1));
    cxm_tally_free(t);
}

/* Jeffreys' limits at the ends. The definitions have lower = 0 at x = 0 and upper = 1 at
 * x = n; the other limit is the quantile of their table. */
static void jeffreys_at_the_ends(void **state)
{
    (void)state;
    static const struct {
        int64_t x, n;
        const char *lower, *upper;
    } rows[] = { { 0, 10, "0", "0.217196267509" }, { 10, 10, "0.782803732491", "1" },
                 { 1, 1, "0.146746316310", "1" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const int64_t copies[5] = { 0, 0, rows[i].n - rows[i].x, rows[i].x, 0 };
        struct cxm_tally *t = of_counts("csat", NULL, 0, copies);
        const struct cxm_estimate e = measure_with(t, "csat", CXM_INTERVAL_JEFFREYS, 0.95);
        assert_printed(e.lower_raw, rows[i].lower);
        assert_printed(e.upper_raw, rows[i].upper);
        cxm_tally_free(t);
    }
}

static void csat_scales(void **state)
{
    (void)state;
    static const int8_t ten[4] = { 1, 8, 9, 10 };
    static const int64_t copies[4] = { 1, 2, 3, 4 };
    const struct cxm_param params[] = { NUMBERS("scale", 1, 10), NUMBERS("satisfied", 9) };
    const struct cxm_column score = CXM_ARRAY(ten, 4), freq = CXM_ARRAY(copies, 4);
    const struct cxm_input inputs[] = { { "score", &score }, { "freq", &freq } };
    struct cxm_tally *t = tally_of("csat", params, 2, inputs, 2);
    static const struct want wants[] = {
        { "csat", "0.7", NULL, NULL, NULL },    { "top", "0.4", NULL, NULL, NULL },
        { "top2", "0.7", NULL, NULL, NULL },    { "bottom2", "0.1", NULL, NULL, NULL },
        { "net", "60", NULL, NULL, NULL },      { "mean", "8.4", NULL, NULL, NULL },
        { "index", "740/9", NULL, NULL, NULL }, { "share[8]", "0.2", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    assert_definition(t, "csat/1-10/top-2");
    cxm_tally_free(t);
    const struct cxm_param no_cut[] = { NUMBERS("scale", 1, 10) };
    const struct cxm_param low_cut[] = { NUMBERS("satisfied", 1) };
    const struct cxm_param high_cut[] = { NUMBERS("satisfied", 6) };
    assert_int_equal(status_of_new("csat", no_cut, 1), CXM_EINVAL);
    assert_int_equal(status_of_new("csat", low_cut, 1), CXM_EINVAL);
    assert_int_equal(status_of_new("csat", high_cut, 1), CXM_EINVAL);
}

/* Good / bad and yes / no come in as labels on a scale of two answers. */
static void good_and_bad(void **state)
{
    (void)state;
    static const char *const answers[6] = { "good", "bad", "good", "offered", NULL, "good" };
    static const struct cxm_label labels[] = { { "good", 1, 0, 0 }, { "bad", 0, 0, 0 },
                                               { "offered", 0, 1, 0 } };
    const struct cxm_param params[] = { NUMBERS("scale", 0, 1), NUMBERS("satisfied", 1) };
    struct cxm_column score = CXM_ARRAY(answers, 6);
    score.labels = labels;
    score.n_labels = 3;
    const struct cxm_input input = { "score", &score };
    struct cxm_tally *t = tally_of("csat", params, 2, &input, 1);
    const struct cxm_estimate e = measure(t, "csat");
    assert_counts(&e, 4, 2, 0, 0);
    assert_true(e.value == 0.75);
    assert_printed(measure(t, "index").value, "75");
    /* On two answers top2 and bottom2 are both everybody, and their net is nothing. */
    assert_printed(measure(t, "top2").value, "1");
    assert_printed(measure(t, "bottom2").value, "1");
    assert_printed(measure(t, "net").value, "0");
    cxm_tally_free(t);
    static const bool yes[4] = { true, false, true, true };
    const struct cxm_column flag = CXM_ARRAY(yes, 4);
    const struct cxm_input flags = { "score", &flag };
    t = tally_of("csat", params, 2, &flags, 1);
    assert_printed(measure(t, "csat").value, "0.75");
    cxm_tally_free(t);
}

/* ---- CES ------------------------------------------------------------------------------ */

static void ces_seven(void **state)
{
    (void)state;
    static const int8_t seven[7] = { 1, 2, 3, 4, 5, 6, 7 };
    static const int64_t copies[7] = { 1, 0, 2, 3, 4, 6, 4 }; /* n = 20 */
    const struct cxm_column score = CXM_ARRAY(seven, 7), freq = CXM_ARRAY(copies, 7);
    const struct cxm_input inputs[] = { { "score", &score }, { "freq", &freq } };
    struct cxm_tally *t = tally_of("ces", NULL, 0, inputs, 2);
    static const struct want easy[] = {
        { "ces", "103/20", NULL, NULL, NULL }, /* 1 + 6 + 12 + 20 + 36 + 28 */
        { "easy", "0.7", NULL, NULL, NULL },   { "difficult", "0.15", NULL, NULL, NULL },
        { "net", "55", NULL, NULL, NULL },     { "top2", "0.5", NULL, NULL, NULL },
        { "share[4]", "0.15", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, easy);
    assert_definition(t, "ces/1-7/high-is-easy");
    /* squares: 1 + 18 + 48 + 100 + 216 + 196 = 579; sd^2 = (579 - 103^2 / 20) / 19 */
    const struct cxm_estimate e = measure(t, "ces");
    assert_close(e.std_error, sqrt((579 - 103.0 * 103 / 20) / 19 / 20), 1e-14);
    assert_int_equal(e.interval, CXM_INTERVAL_T);
    cxm_tally_free(t);
    const struct cxm_param low[] = { NUMBERS("high_is_easy", 0) };
    t = tally_of("ces", low, 1, inputs, 2);
    static const struct want hard[] = {
        { "ces", "103/20", NULL, NULL, NULL }, { "easy", "0.15", NULL, NULL, NULL },
        { "difficult", "0.7", NULL, NULL, NULL }, { "net", "-55", NULL, NULL, NULL },
        { "top2", "0.05", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, hard);
    assert_definition(t, "ces/1-7/low-is-easy");
    cxm_tally_free(t);
}

/* An even number of answers has no midpoint among them: everybody is on one side. */
static void ces_without_a_midpoint(void **state)
{
    (void)state;
    static const int8_t answers[4] = { 1, 2, 3, 4 };
    static const int64_t copies[4] = { 1, 2, 3, 4 };
    const struct cxm_param params[] = { NUMBERS("scale", 1, 4) };
    const struct cxm_column score = CXM_ARRAY(answers, 4), freq = CXM_ARRAY(copies, 4);
    const struct cxm_input inputs[] = { { "score", &score }, { "freq", &freq } };
    struct cxm_tally *t = tally_of("ces", params, 1, inputs, 2);
    static const struct want wants[] = {
        { "ces", "3", NULL, NULL, NULL }, { "easy", "0.7", NULL, NULL, NULL },
        { "difficult", "0.3", NULL, NULL, NULL }, { "net", "40", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    cxm_tally_free(t);
}

/* ---- edges ---------------------------------------------------------------------------- */

static void edges(void **state)
{
    (void)state;
    static const struct {
        const char *metric;
        const char *names[9];
    } metrics[] = {
        { "csat", { "csat", "top", "top2", "bottom2", "net", "mean", "index", "share[1]",
                    "share[5]" } },
        { "ces", { "ces", "easy", "difficult", "net", "top2", "share[1]", "share[7]" } },
    };
    const double nobody[2] = { NAN, NAN }, one[1] = { 5 }, same[3] = { 5, 5, 5 };
    const struct cxm_column none = CXM_ARRAY(nobody, 2), single = CXM_ARRAY(one, 1);
    const struct cxm_column equal = CXM_ARRAY(same, 3);
    const struct cxm_input a = { "score", &none }, b = { "score", &single },
                           c = { "score", &equal };
    for (size_t m = 0; m < COUNT_OF(metrics); m++) {
        struct cxm_tally *empty = tally_of(metrics[m].metric, NULL, 0, &a, 1);
        struct cxm_tally *first = tally_of(metrics[m].metric, NULL, 0, &b, 1);
        struct cxm_tally *third = tally_of(metrics[m].metric, NULL, 0, &c, 1);
        for (size_t i = 0; i < 9 && metrics[m].names[i] != NULL; i++) {
            struct cxm_estimate e = measure(empty, metrics[m].names[i]);
            assert_true(isnan(e.value) && isnan(e.std_error) && isnan(e.lower));
            assert_true(e.flags & CXM_FLAG_NO_DATA);
            assert_counts(&e, 0, 2, 0, 0);
            e = measure(first, metrics[m].names[i]);
            assert_true(!isnan(e.value) && (e.flags & CXM_FLAG_SMALL_N));
            assert_true(isnan(e.std_error) == (e.interval == CXM_INTERVAL_T));
            e = measure(third, metrics[m].names[i]);
            assert_true(e.std_error == 0);
            assert_true(e.interval != CXM_INTERVAL_T
                        || (e.lower == e.value && (e.flags & CXM_FLAG_DEGENERATE)));
        }
        cxm_tally_free(empty);
        cxm_tally_free(first);
        cxm_tally_free(third);
    }
}

/* An interval that fits some of the measures asked for leaves the others their own; one that
 * fits none is refused. */
static void an_interval_that_does_not_fit(void **state)
{
    (void)state;
    struct cxm_tally *t = of_counts("csat", NULL, 0, counts);
    const uint32_t both[] = { measure_index_at(t, "csat", __FILE__, __LINE__),
                              measure_index_at(t, "mean", __FILE__, __LINE__) };
    struct cxm_estimate_options options = { .size = sizeof options,
                                            .interval = CXM_INTERVAL_JEFFREYS,
                                            .measures = both, .n_measures = 2 };
    struct cxm_estimate out[2];
    assert_int_equal(cxm_tally_estimate(t, &options, out, sizeof out[0], 2, NULL, NULL), CXM_OK);
    assert_int_equal(out[0].interval, CXM_INTERVAL_JEFFREYS);
    assert_int_equal(out[1].interval, CXM_INTERVAL_T);
    options.measures = &both[1];
    options.n_measures = 1;
    assert_int_equal(cxm_tally_estimate(t, &options, out, sizeof out[0], 2, NULL, NULL),
                     CXM_EINVAL);
    cxm_tally_free(t);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(share_rows) + 16];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(share_rows); i++)
        tests[n++] = (struct CMUnitTest){ share_rows[i].name, share_matches_row, NULL, NULL,
                                          (void *)&share_rows[i] };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(csat_worked),
        cmocka_unit_test(jeffreys_at_the_ends),
        cmocka_unit_test(csat_scales),
        cmocka_unit_test(good_and_bad),
        cmocka_unit_test(ces_seven),
        cmocka_unit_test(ces_without_a_midpoint),
        cmocka_unit_test(edges),
        cmocka_unit_test(an_interval_that_does_not_fit),
    };
    memcpy(&tests[n], others, sizeof others);
    n += COUNT_OF(others);
    return _cmocka_run_group_tests("csat and ces", tests, n, NULL, NULL);
}
