/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sampling designs: the mini design of the definitions (survey section 7), to the digits printed
 * there; what goes wrong, and how it is said. Figures of mpmath and R are in data/design_cases.txt. */
#include "mini.h"

#include "metric/design.h"

/* ---- the mini design ------------------------------------------------------------------ */

static const int64_t stratum[MINI_N] = { 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2 };
static const int64_t psu[MINI_N] = { 1, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 2 };
static const double weight[MINI_N] = { 10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30 };
static const double score[MINI_N] = { 10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2 };
static const int64_t domain[MINI_N] = { 1, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 2 };
static const double age[MINI_N] = { 1, 1, 2, 2, 1, 2, 1, 2, 1, 1, 2, 2 };
static const double population[MINI_N] = { 12, 12, 12, 12, 12, 12, 12, 8, 8, 8, 8, 8 };

enum { STRATA = 1, CLUSTER = 2, FPC = 4, DOMAIN = 8, NO_WEIGHT = 16 };

struct columns {
    struct cxm_column column[8];
    struct cxm_input input[8];
    size_t n;
};

static void push(struct columns *c, const char *role, const char *name, uint32_t type,
                 const void *data)
{
    c->column[c->n] = cxm_column_make(name, type, data, MINI_N, 8, 8);
    c->input[c->n] = (struct cxm_input){ role, &c->column[c->n] };
    c->n++;
}

/* A tally of the rows of the mini design with those columns. */
static struct cxm_tally *mini(const char *metric, unsigned what)
{
    struct columns c = { .n = 0 };
    const bool ratio = strcmp(metric, "ratio") == 0;
    const bool number = strcmp(metric, "mean") == 0 || strcmp(metric, "total") == 0;
    push(&c, ratio ? "numerator" : number ? "value" : "score", NULL, CXM_F64, score);
    if (ratio)
        push(&c, "denominator", NULL, CXM_F64, age);
    if (!(what & NO_WEIGHT))
        push(&c, "weight", NULL, CXM_F64, weight);
    if (what & DOMAIN)
        push(&c, "by", "domain", CXM_I64, domain);
    if (what & STRATA)
        push(&c, "strata", "stratum", CXM_I64, stratum);
    if (what & CLUSTER)
        push(&c, "cluster", "psu", CXM_I64, psu);
    if (what & FPC)
        push(&c, "fpc", NULL, CXM_F64, population);
    return tally_of(metric, NULL, 0, c.input, c.n);
}

/* ---- rows of the definitions ---------------------------------------------------------- */

static const struct row {
    const char *name, *metric, *measure;
    unsigned what;
    int64_t group;
    int32_t interval;
    const char *value, *std_error, *df, *lower, *upper;
} rows[] = {
    { "nps, weights only", "nps", "nps", 0, CXM_TOTAL, CXM_INTERVAL_WALD_T, "15.656565656566",
      "27.919065050943", "11", "-45.792882204193", "77.106013517324" },
    { "nps, strata", "nps", "nps", STRATA, CXM_TOTAL, CXM_INTERVAL_WALD_T, "15.656565656566",
      "29.558466785150", "10", NULL, NULL },
    { "nps, strata and clusters", "nps", "nps", STRATA | CLUSTER, CXM_TOTAL,
      CXM_INTERVAL_WALD_T, "15.656565656566", "16.458533780129", "3", "-36.721834362394",
      "68.034965675525" },
    { "nps, finite population", "nps", "nps", STRATA | CLUSTER | FPC, CXM_TOTAL,
      CXM_INTERVAL_WALD_T, "15.656565656566", "14.253508362636", "3", "-29.704459369436",
      "61.017590682568" },
    { "nps, domain 1", "nps", "nps", STRATA | CLUSTER | DOMAIN, 0, CXM_INTERVAL_WALD,
      "14.444444444444", "18.211897774412", "inf", NULL, NULL },
    { "nps, domain 2", "nps", "nps", STRATA | CLUSTER | DOMAIN, 1, CXM_INTERVAL_WALD,
      "16.666666666667", "36.778936073497", "inf", NULL, NULL },
    { "nps, total of domains", "nps", "nps", STRATA | CLUSTER | DOMAIN, CXM_TOTAL,
      CXM_INTERVAL_WALD_T, "15.656565656566", "16.458533780129", "3", "-36.721834362394",
      "68.034965675525" },
    { "mean", "mean", "mean", STRATA | CLUSTER, CXM_TOTAL, CXM_INTERVAL_T, "7.151515151515",
      "0.588578626293", "3", NULL, NULL },
    { "mean of ratings", "nps", "mean", STRATA | CLUSTER, CXM_TOTAL, CXM_INTERVAL_T,
      "7.151515151515", "0.588578626293", "3", NULL, NULL },
    { "total", "total", "total", STRATA | CLUSTER, CXM_TOTAL, CXM_INTERVAL_T, "1416",
      "216.960825957130", "3", NULL, NULL },
    { "ratio", "ratio", "ratio", STRATA | CLUSTER, CXM_TOTAL, CXM_INTERVAL_T, "4.597402597403",
      "0.561288719798", "3", NULL, NULL },
    { "detractors", "nps", "detractors", STRATA | CLUSTER, CXM_TOTAL, CXM_INTERVAL_DEFAULT,
      "0.287878787879", "0.105407433204", NULL, NULL, NULL },
    { "passives", "nps", "passives", STRATA | CLUSTER, CXM_TOTAL, CXM_INTERVAL_DEFAULT,
      "0.267676767677", "0.067220965189", NULL, NULL, NULL },
    { "promoters, logit", "nps", "promoters", STRATA | CLUSTER, CXM_TOTAL, CXM_INTERVAL_LOGIT,
      "0.444444444444", "0.068503786870", "3", "0.248601947915", "0.659214431691" },
    { "promoters, Korn-Graubard", "nps", "promoters", STRATA | CLUSTER, CXM_TOTAL,
      CXM_INTERVAL_KORN_GRAUBARD, "0.444444444444", "0.068503786870", NULL, "0.248356240482",
      "0.654091735840" },
    { "promoters, Wald-t", "nps", "promoters", STRATA | CLUSTER, CXM_TOTAL, CXM_INTERVAL_WALD_T,
      "0.444444444444", "0.068503786870", "3", "0.226434821023", "0.662454067866" },
};

static struct cxm_estimate estimate_of(struct cxm_tally *tally, const char *measure,
                                       int64_t group, int32_t interval, int32_t lonely)
{
    const uint32_t index = measure_index_at(tally, measure, __FILE__, __LINE__);
    const struct cxm_estimate_options options = {
        .size = sizeof options, .interval = interval, .measures = &index, .n_measures = 1,
        .groups = &group, .n_groups = 1, .lonely = lonely,
    };
    struct cxm_estimate out;
    struct cxm_error error = { .status = CXM_OK };
    if (cxm_tally_estimate(tally, &options, &out, sizeof out, 1, NULL, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return out;
}

static void matches_row(void **state)
{
    const struct row *r = *state;
    struct cxm_tally *tally = mini(r->metric, r->what);
    const struct cxm_estimate got = estimate_of(tally, r->measure, r->group, r->interval, 0);
    assert_printed(got.value, r->value);
    assert_printed(got.std_error, r->std_error);
    assert_printed(got.df, r->df);
    assert_printed(got.lower_raw, r->lower);
    assert_printed(got.upper_raw, r->upper);
    if (r->interval != CXM_INTERVAL_DEFAULT)
        assert_int_equal(got.interval, r->interval);
    assert_printed(got.n_eff, r->group == CXM_TOTAL ? "10.125" : NULL);
    cxm_tally_free(tally);
}

/* ---- effective numbers of answers ----------------------------------------------------- */

/* The rows of the definitions are not capped at n; the library's n_a is. */
static void effective_answers(void **state)
{
    static const double shares[3] = { 57.0 / 198, 53.0 / 198, 88.0 / 198 };
    const double v = shares[0] + shares[2] - (31.0 / 198) * (31.0 / 198);
    const double se = 0.16458533780129, level = 0.95;
    const double n_d = v / (se * se);
    const double n_a = cxm_priv_effective_answers(v, se, 12, 3, level);
    const double p = 88.0 / 198;
    const struct {
        double n;
        enum cxm_interval method;
        const char *lower, *upper;
    } want[] = {
        { n_a, CXM_INTERVAL_ADJUSTED_WALD, "-28.168622543607", "53.420435560930" },
        { n_a, CXM_INTERVAL_SCORE, "-30.257145367359", "55.179599519820" },
        { n_d, CXM_INTERVAL_ADJUSTED_WALD, "-16.091929961934", "44.180196408302" },
        { 10.125, CXM_INTERVAL_ADJUSTED_WALD, "-32.027241523060", "56.183085678904" },
        { 10.125, CXM_INTERVAL_SCORE, "-34.670706121933", "58.431981384133" },
    };
    (void)state;
    assert_printed(v, "0.707810427507");
    assert_printed(n_d, "26.129714831649");
    assert_printed(n_a, "12.498178672512");
    assert_printed(p * (1 - p) / (0.068503786870 * 0.068503786870), "52.6157562737");
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct cxm_interval_limits got;
        assert_int_equal(cxm_nps_interval(want[i].n * shares[0], want[i].n * shares[1],
                                          want[i].n * shares[2], level, want[i].method, NULL,
                                          &got, NULL), CXM_OK);
        assert_printed(got.lower_raw, want[i].lower);
        assert_printed(got.upper_raw, want[i].upper);
    }
    struct cxm_tally *tally = mini("nps", STRATA | CLUSTER);
    struct cxm_interval_limits capped;
    const struct cxm_estimate got = estimate_of(tally, "nps", CXM_TOTAL, 0, 0);
    assert_int_equal(cxm_nps_interval(12 * shares[0], 12 * shares[1], 12 * shares[2], level, 0,
                                      NULL, &capped, NULL), CXM_OK);
    assert_int_equal(got.interval, CXM_INTERVAL_ADJUSTED_WALD);
    assert_close(got.lower, capped.lower, 1e-13);
    assert_close(got.upper, capped.upper, 1e-13);
    cxm_tally_free(tally);
}

/* ---- design effects ------------------------------------------------------------------- */

static void design_effects(void **state)
{
    static const struct {
        unsigned what;
        int64_t strata, clusters;
        const char *df, *deff;
    } want[] = {
        { 0, 1, 12, "11", "1.289524850971" },
        { STRATA, 2, 12, "10", NULL },
        { STRATA | CLUSTER, 2, 5, "3", "0.448136441396" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct cxm_tally *tally = mini("nps", want[i].what);
        struct cxm_design d;
        assert_int_equal(cxm_tally_design(tally, CXM_TOTAL, 0, 0, &d, NULL), CXM_OK);
        assert_int_equal(d.strata, want[i].strata);
        assert_int_equal(d.clusters, want[i].clusters);
        assert_printed(d.df, want[i].df);
        assert_printed(d.deff, want[i].deff);
        assert_close(d.deff_replace, d.deff * (198 - 12) / 198, 1e-14);
        assert_printed(d.deff_weight, "1.185185185185");
        assert_printed(d.n_eff_kish, "10.125");
        if (want[i].what == (STRATA | CLUSTER))
            assert_printed(d.n_eff_design, "26.129714831649");
        assert_int_equal(cxm_tally_design(tally, 1, 0, 0, &d, NULL), CXM_EINVAL);
        assert_int_equal(cxm_tally_design(tally, 0, 99, 0, &d, NULL), CXM_EINVAL);
        cxm_tally_free(tally);
    }
}

/* A simple random sample of 200 from 1 000 (section 8): Wilson on n / (1 - n / N). */
static void finite_population(void **state)
{
    uint8_t answers[200];
    const struct {
        double population;
        enum cxm_status want;
        const char *std_error, *lower, *upper;
    } want[] = {
        { 0, CXM_OK, "0.034641016151", NULL, NULL },
        { 1000, CXM_OK, "0.031061618126", "0.538201663237", "0.658771676863" },
        { 200, CXM_OK, "0", "0.6", "0.6" },
        { 199, CXM_EDATA, NULL, NULL, NULL },
        { 0.2, CXM_EDATA, NULL, NULL, NULL },
    };
    (void)state;
    for (int i = 0; i < 200; i++)
        answers[i] = i < 120 ? 5 : 2;
    const struct cxm_column score_column = cxm_column_make("score", CXM_U8, answers, 200, 1, 1);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct cxm_row row = { .estimate.n = -1 };
        const struct cxm_csat_options options = { CXM_INIT(csat),
                                                  .population = want[i].population };
        assert_int_equal(cxm_csat(&score_column, &options, CXM_ROW(row), NULL, NULL),
                         want[i].want);
        if (want[i].want == CXM_OK) {
            assert_printed(row.estimate.std_error, want[i].std_error);
            assert_printed(row.estimate.lower, want[i].lower);
            assert_printed(row.estimate.upper, want[i].upper);
        } else {
            assert_true(row.estimate.n == -1);
        }
    }
    /* Weights of 1 are weights: the error is linearised, with n - 1. */
    static const double one = 1;
    struct cxm_row weighted;
    const struct cxm_column ones = cxm_column_make("weight", CXM_F64, &one, 200, 0, 8);
    const struct cxm_csat_options linearised = { CXM_INIT(csat), .weight = &ones };
    assert_int_equal(cxm_csat(&score_column, &linearised, CXM_ROW(weighted), NULL, NULL), CXM_OK);
    assert_printed(weighted.estimate.std_error, "0.034727944810");
    struct cxm_row exact;
    const struct cxm_csat_options hypergeometric = {
        CXM_INIT(csat), .population = 1000, .interval = CXM_INTERVAL_CLOPPER_PEARSON,
    };
    assert_int_equal(cxm_csat(&score_column, &hypergeometric, CXM_ROW(exact), NULL, NULL),
                     CXM_OK);
    assert_close(exact.estimate.lower, 0.536, 1e-14);
    assert_close(exact.estimate.upper, 0.661, 1e-14);
    const struct cxm_column fpc = cxm_column_make("fpc", CXM_F64, &want[1].population, 200, 0, 8);
    struct cxm_row row;
    const struct cxm_csat_options both = { CXM_INIT(csat), .fpc = &fpc, .population = 1000 };
    assert_int_equal(cxm_csat(&score_column, &both, CXM_ROW(row), NULL, NULL), CXM_EINVAL);
}

/* ---- calibration ---------------------------------------------------------------------- */

static const int64_t sex[MINI_N] = { 1, 2, 1, 2, 1, 2, 2, 1, 1, 2, 1, 2 };

static void calibrated(void **state)
{
    static const double codes[2] = { 1, 2 }, age_totals[2] = { 120, 90 },
                        sex_totals[2] = { 100, 110 };
    const struct cxm_column known = cxm_column_make(NULL, CXM_F64, codes, 2, 8, 8);
    const struct cxm_margin margins[2] = { { "age", NULL, 0, &known, age_totals },
                                           { "sex", NULL, 0, &known, sex_totals } };
    static const struct {
        size_t n_margins;
        int32_t method;
        const char *value, *std_error;
    } want[] = {
        { 1, CXM_RAKING, "34.935064935065", "6.230543467679" },
        { 2, CXM_RAKING, "35.138170443347", "4.718851512579" },
        { 1, CXM_LINEAR, "34.935064935065", "6.230543467679" },
        { 2, CXM_LINEAR, "35.198150626246", "4.729968597668" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct columns c = { .n = 0 };
        push(&c, "score", NULL, CXM_F64, score);
        push(&c, "weight", NULL, CXM_F64, weight);
        push(&c, "strata", "stratum", CXM_I64, stratum);
        push(&c, "cluster", "psu", CXM_I64, psu);
        push(&c, "calibrate", "age", CXM_F64, age);
        if (want[i].n_margins > 1)
            push(&c, "calibrate", "sex", CXM_I64, sex);
        struct cxm_tally *tally = tally_of("nps", NULL, 0, c.input, c.n);
        struct cxm_estimate_options options = {
            .size = sizeof options, .margins = margins, .n_margins = want[i].n_margins,
            .calibration = want[i].method,
        };
        struct cxm_estimate got;
        assert_int_equal(cxm_tally_estimate(tally, &options, &got, sizeof got, 1, NULL, NULL),
                         CXM_OK);
        assert_printed(got.value, want[i].value);
        assert_printed(got.std_error, want[i].std_error);
        assert_printed(got.sum_weight, "210");
        options.calibration = 2;
        assert_int_equal(cxm_tally_estimate(tally, &options, &got, sizeof got, 1, NULL, NULL),
                         CXM_EINVAL);
        options.calibration = want[i].method;
        options.n_margins = 0; /* base weights */
        assert_int_equal(cxm_tally_estimate(tally, &options, &got, sizeof got, 1, NULL, NULL),
                         CXM_OK);
        assert_printed(got.std_error, "16.458533780129");
        options.n_margins = 3 - want[i].n_margins; /* not the columns that were given */
        assert_int_equal(cxm_tally_estimate(tally, &options, &got, sizeof got, 1, NULL, NULL),
                         CXM_EINVAL);
        cxm_tally_free(tally);
    }
}

/* ---- jackknife ------------------------------------------------------------------------ */

/* Of R's survey 4.1.1, as.svrepdesign(type = "JKn"), JK1 without strata; the first row is that of
 * the definitions too. tests/reference/jackknife.R */
static void jackknife(void **state)
{
    static const struct {
        const char *metric;
        unsigned design;
        int64_t group;
        double std_error;
    } want[] = {
        { "nps", STRATA | CLUSTER, 0, 17.3100857419461 },
        { "nps", STRATA | CLUSTER | FPC, 0, 14.9909739942121 },
        { "nps", CLUSTER, 0, 14.6649386306754 },
        { "nps", STRATA | CLUSTER | DOMAIN, CXM_TOTAL, 17.3100857419461 },
        { "nps", STRATA | CLUSTER | DOMAIN, 0, 18.8568374683167 },
        { "nps", STRATA | CLUSTER | DOMAIN, 1, 40.6548917722565 },
        { "mean", STRATA | CLUSTER, 0, 0.614858326556365 },
        { "ratio", STRATA | CLUSTER, 0, 0.602556255897679 },
        { "total", STRATA | CLUSTER, 0, 216.96082595713 },
    };
    double got;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct cxm_tally *tally = mini(want[i].metric, want[i].design);
        assert_int_equal(cxm_tally_jackknife(tally, want[i].group, 0, 0, &got, NULL), CXM_OK);
        assert_close(got, want[i].std_error, 1e-13);
        cxm_tally_free(tally);
    }
    struct cxm_tally *tally = mini("nps", STRATA | CLUSTER);
    assert_int_equal(cxm_tally_jackknife(tally, CXM_TOTAL, 1, 0, &got, NULL), CXM_OK);
    struct cxm_measure measures[32];
    size_t n = 0;
    assert_int_equal(cxm_tally_measures(tally, measures, sizeof measures[0], 32, &n, NULL),
                     CXM_OK);
    assert_string_equal(measures[1].name, "promoters");
    assert_close(got, 0.0721742766826699, 1e-13);
    got = -7;
    assert_int_equal(cxm_tally_jackknife(tally, 1, 0, 0, &got, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_jackknife(tally, 0, 99, 0, &got, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_jackknife(tally, 0, 0, CXM_LONELY_ADJUST, &got, NULL),
                     CXM_EINVAL);
    assert_int_equal(cxm_tally_jackknife(tally, 0, 0, 0, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_jackknife(NULL, 0, 0, 0, &got, NULL), CXM_EINVAL);
    cxm_tally_free(tally);
    static const unsigned wrong[] = { 0, STRATA, STRATA | CLUSTER | NO_WEIGHT };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        tally = mini("nps", wrong[i]);
        assert_int_equal(cxm_tally_jackknife(tally, 0, 0, 0, &got, NULL), CXM_EINVAL);
        cxm_tally_free(tally);
    }
    assert_true(got == -7);
}

/* ---- covariances ---------------------------------------------------------------------- */

static void domains_covary(void **state)
{
    struct cxm_tally *tally = mini("nps", STRATA | CLUSTER | DOMAIN);
    const int64_t groups[2] = { 1, 0 };
    double v[4], df = 0;
    (void)state;
    assert_int_equal(cxm_priv_design_covariance(tally, 0, groups, 2, 0, v, &df, NULL), CXM_OK);
    assert_printed(sqrt(v[0]), "36.778936073497");
    assert_printed(sqrt(v[3]), "18.211897774412");
    assert_true(v[1] == v[2]);
    assert_printed(sqrt(v[0] + v[3] - 2 * v[1]), "49.718546353921");
    assert_true(df == 3);
    cxm_tally_free(tally);
}

/* ---- laws ----------------------------------------------------------------------------- */

/* A tally of the mini design with all weights times a factor. */
static struct cxm_tally *scaled(const char *metric, double factor, bool rows_are_units)
{
    static double weights[MINI_N];
    struct columns c = { .n = 0 };
    for (int i = 0; i < MINI_N; i++)
        weights[i] = factor * weight[i];
    push(&c, strcmp(metric, "mean") == 0 ? "value" : "score", NULL, CXM_F64, score);
    push(&c, "weight", NULL, CXM_F64, weights);
    push(&c, "by", "domain", CXM_I64, domain);
    push(&c, "strata", "stratum", CXM_I64, stratum);
    if (!rows_are_units)
        push(&c, "cluster", "psu", CXM_I64, psu);
    push(&c, "fpc", NULL, CXM_F64, population);
    return tally_of(metric, NULL, 0, c.input, c.n);
}

/* Powers of two change no bit, other factors none that matter. */
static void weights_may_be_scaled(void **state)
{
    static const double factors[] = { 0x1p40, 0x1p-60, 0x1p300, 0x1p-300, 3, 1e-98, 1e98 };
    (void)state;
    for (int m = 0; m < 4; m++) {
        const char *metric = m & 1 ? "mean" : "nps";
        struct cxm_tally *one = scaled(metric, 1, m & 2);
        for (size_t f = 0; f < COUNT_OF(factors); f++) {
            struct cxm_tally *other = scaled(metric, factors[f], m & 2);
            int exponent;
            const bool power = frexp(factors[f], &exponent) == 0.5;
            for (int64_t g = CXM_TOTAL; g < 2; g++) {
                const struct cxm_estimate a = estimate_of(one, metric, g, 0, 0);
                const struct cxm_estimate b = estimate_of(other, metric, g, 0, 0);
                const double tolerance = power ? 0 : 1e-12;
                assert_close(b.value, a.value, tolerance);
                assert_close(b.std_error, a.std_error, tolerance);
                assert_close(b.lower, a.lower, tolerance);
                assert_close(b.upper, a.upper, tolerance);
            }
            cxm_tally_free(other);
        }
        cxm_tally_free(one);
    }
}

/* Equal answers have no error, exactly; nor have strata that answer alike within themselves. */
static void equal_answers(void **state)
{
    double same[MINI_N];
    (void)state;
    for (unsigned what = 0; what < 4; what++) {
        struct columns c = { .n = 0 };
        for (int i = 0; i < MINI_N; i++)
            same[i] = 0.1 + (what & 2 ? (double)stratum[i] : 0);
        push(&c, "value", NULL, CXM_F64, same);
        push(&c, "strata", "stratum", CXM_I64, stratum);
        if (what & 1)
            push(&c, "weight", NULL, CXM_F64, weight);
        struct cxm_tally *tally = tally_of("mean", NULL, 0, c.input, c.n);
        const struct cxm_estimate got = estimate_of(tally, "mean", CXM_TOTAL, 0, 0);
        if (what & 1 && what & 2)
            assert_true(got.std_error > 0); /* weights vary within strata */
        else
            assert_true(got.std_error == 0 && (got.flags & CXM_FLAG_DEGENERATE));
        cxm_tally_free(tally);
    }
}

/* What units sum to is beyond doubles: an error that nobody can tell, not none. */
static void beyond_doubles(void **state)
{
    double huge[MINI_N];
    (void)state;
    for (int what = 0; what < 4; what++) {
        struct columns c = { .n = 0 };
        for (int i = 0; i < MINI_N; i++) /* 6 of either sign, in whole clusters; or all but one alike */
            huge[i] = what < 2 ? ((psu[i] == 1) == (stratum[i] == 1) && psu[i] < 3 ? 1e308 : -1e308)
                               : i == 0 ? 1.7e308 : -1.7e308;
        push(&c, "value", NULL, CXM_F64, huge);
        push(&c, "strata", "stratum", CXM_I64, stratum);
        if (what % 2 == 0)
            push(&c, "cluster", "psu", CXM_I64, psu);
        struct cxm_tally *tally = tally_of("mean", NULL, 0, c.input, c.n);
        const struct cxm_estimate got = estimate_of(tally, "mean", CXM_TOTAL, 0, 0);
        assert_true(what >= 2 || got.value == 0);
        assert_true(isnan(got.std_error) && (got.flags & CXM_FLAG_DEGENERATE) == 0);
        assert_true(isnan(got.lower) && isnan(got.upper));
        cxm_tally_free(tally);
    }
}

/* Calibrated estimates, while memory runs out. */
static void memory_runs_out(void **state)
{
    static const double codes[2] = { 1, 2 }, totals[2] = { 120, 90 };
    const struct cxm_column known = cxm_column_make(NULL, CXM_F64, codes, 2, 8, 8);
    const struct cxm_margin margins[2] = { { NULL, NULL, 0, &known, totals },
                                           { NULL, NULL, 0, &known, totals } };
    (void)state;
    for (int fail_at = 1, done = 0, method = CXM_RAKING; method <= CXM_LINEAR; fail_at++) {
        struct heap heap;
        struct columns c = { .n = 0 };
        struct cxm_tally *tally = NULL;
        heap_init(&heap, 0);
        push(&c, "score", NULL, CXM_F64, score);
        push(&c, "weight", NULL, CXM_F64, weight);
        push(&c, "by", "domain", CXM_I64, domain);
        push(&c, "strata", "stratum", CXM_I64, stratum);
        if (method == CXM_LINEAR)
            push(&c, "cluster", "psu", CXM_I64, psu);
        push(&c, "calibrate", "age", CXM_F64, age);
        push(&c, "calibrate", "sex", CXM_I64, sex);
        assert_int_equal(cxm_tally_new("nps", NULL, 0, &heap.allocator, &tally, NULL), CXM_OK);
        assert_int_equal(cxm_tally_add(tally, c.input, c.n, NULL, NULL), CXM_OK);
        const int64_t groups[2] = { CXM_TOTAL, 1 };
        const struct cxm_estimate_options options = {
            .size = sizeof options, .margins = margins, .n_margins = 2, .groups = groups,
            .n_groups = 2, .calibration = method,
        };
        struct cxm_estimate got[2];
        double covariance[4], df, jackknifed;
        const int64_t pair[2] = { 0, 1 };
        const int live = heap.live;
        heap.calls = 0;
        heap.fail_at = fail_at;
        enum cxm_status status = cxm_tally_estimate(tally, &options, got, sizeof got[0], 2, NULL,
                                                    NULL);
        if (status == CXM_OK)
            status = cxm_priv_design_covariance(tally, 0, pair, 2, 0, covariance, &df, NULL);
        if (status == CXM_OK && method == CXM_LINEAR)
            status = cxm_tally_jackknife(tally, CXM_TOTAL, 0, 0, &jackknifed, NULL);
        assert_true(status == CXM_OK || status == CXM_ENOMEM);
        assert_true(heap.live - live <= 2); /* the order of the cells may stay */
        done = status == CXM_OK && heap.calls < fail_at;
        cxm_tally_free(tally);
        assert_int_equal(heap.live, 0);
        if (done) {
            assert_true(fail_at > 20);
            method++;
            fail_at = 0;
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(rows) + 10];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].name, matches_row, NULL, NULL,
                                          (void *)(uintptr_t)&rows[i] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(effective_answers);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(domains_covary);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(design_effects);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(calibrated);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(jackknife);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(finite_population);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(weights_may_be_scaled);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(equal_answers);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(beyond_doubles);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(memory_runs_out);
    return _cmocka_run_group_tests("design", tests, n, NULL, NULL);
}
