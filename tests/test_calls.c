/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The calls a C program makes first: every one-call function against the same tally made by
 * hand, wrong options and parameters and what is said of them, lists of customers, periods
 * from counts, the registry, the layout of public structs. */
#include "testing.h"

#include <cxm/cxm.h>

enum { N = 12, ITEMS = 3, ROOM = 64 };

/* The mini design of the survey definitions, section 7. */
static const int32_t score[N] = { 10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2 };
static const double weight[N] = { 10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30 };
static const int8_t domain[N] = { 1, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 2 };
static const uint8_t flag[N] = { 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1 };
static const uint8_t other[N] = { 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1 };
static const uint8_t replies[N] = { 0, 1, 2, 1, 0, 3, 1, 1, 0, 0, 5, 1 };
static const uint8_t answers[ITEMS][N] = { { 2, 3, 2, 4, 3, 4, 3, 4, 3, 3, 4, 5 },
                                           { 3, 4, 1, 3, 3, 4, 2, 3, 3, 3, 4, 5 },
                                           { 2, 5, 1, 4, 3, 4, 3, 4, 4, 2, 5, 5 } };
static const uint8_t expected[ITEMS][N] = { { 5, 4, 3, 4, 5, 4, 4, 5, 3, 3, 4, 5 },
                                            { 3, 4, 5, 3, 3, 4, 5, 3, 5, 3, 4, 5 },
                                            { 4, 5, 2, 4, 3, 5, 3, 4, 4, 4, 5, 5 } };

static struct cxm_column column(const void *data, enum cxm_type type, const char *name)
{
    const size_t bytes = cxm_type_bytes(type);
    return cxm_column_make(name, type, data, N, (int64_t)bytes, (uint32_t)bytes);
}

/* The rows that the tally calls give for the same inputs: all measures, groups, total. */
static size_t by_hand(const char *metric, const struct cxm_param *params, size_t n_params,
                      const struct cxm_input *inputs, size_t n_inputs, struct cxm_row *rows)
{
    struct cxm_tally *tally;
    struct cxm_error error;
    size_t n = 0, n_measures = 0;
    assert_int_equal(cxm_tally_new(metric, params, n_params, NULL, &tally, &error), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, n_inputs, NULL, &error), CXM_OK);
    assert_int_equal(cxm_tally_measures(tally, NULL, 0, 0, &n_measures, &error), CXM_OK);
    uint32_t measures[ROOM];
    int64_t groups[ROOM];
    assert_true(n_measures <= ROOM);
    for (size_t i = 0; i < n_measures; i++)
        measures[i] = (uint32_t)i;
    const int64_t n_groups = cxm_tally_groups(tally);
    for (int64_t g = 0; g < n_groups; g++)
        groups[g] = g;
    groups[n_groups] = CXM_TOTAL;
    const struct cxm_estimate_options options = {
        .size = sizeof options, .measures = measures, .n_measures = n_measures,
        .groups = groups, .n_groups = (size_t)n_groups + (cxm_tally_n_keys(tally) > 0),
    };
    assert_int_equal(cxm_tally_rows(tally, &options, rows, sizeof *rows, 4 * ROOM, &n, &error),
                     CXM_OK);
    cxm_tally_free(tally);
    return n;
}

static void assert_same_rows(const struct cxm_row *a, size_t n_a, const struct cxm_row *b,
                             size_t n_b)
{
    assert_int_equal(n_a, n_b);
    for (size_t i = 0; i < n_a; i++) {
        assert_string_equal(a[i].metric, b[i].metric);
        assert_string_equal(a[i].measure, b[i].measure);
        assert_string_equal(a[i].group, b[i].group);
        assert_string_equal(a[i].definition, b[i].definition);
        assert_memory_equal(&a[i].estimate, &b[i].estimate, sizeof a[i].estimate);
    }
}

#define COMMON(metric) CXM_INIT(metric), .by = &by, .weight = &w, .total = 1, .all_measures = 1
#define KEYED { "by", &by }, { "weight", &w }

static struct cxm_row got[4 * ROOM], want[4 * ROOM];

static void ratings(void **state)
{
    (void)state;
    const struct cxm_column s = column(score, CXM_I32, "score"), by = column(domain, CXM_I8, "d");
    const struct cxm_column w = column(weight, CXM_F64, "w");
    const struct cxm_input inputs[] = { { "score", &s }, KEYED };
    static const double ten[2] = { 0, 10 }, one_to_ten[2] = { 1, 10 }, eight = 8, seven = 7,
                        five = 5, no = 0;
    size_t n;
    assert_int_equal(cxm_nps(&s, &(struct cxm_nps_options){ COMMON(nps) }, CXM_ROWS(got), &n,
                             NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("nps", NULL, 0, inputs, 3, want));
    const struct cxm_param cuts[] = { { "scale", one_to_ten, 2, NULL, 0 },
                                      { "promoter", &eight, 1, NULL, 0 },
                                      { "detractor", &five, 1, NULL, 0 } };
    assert_int_equal(cxm_nps(&s, &(struct cxm_nps_options){ COMMON(nps), .scale = { 1, 10 },
                                                            .promoter = 8, .detractor = 5 },
                             CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("nps", cuts, 3, inputs, 3, want));
    const struct cxm_param csat[] = { { "scale", ten, 2, NULL, 0 },
                                      { "satisfied", &seven, 1, NULL, 0 } };
    assert_int_equal(cxm_csat(&s, &(struct cxm_csat_options){ COMMON(csat), .scale = { 0, 10 },
                                                              .satisfied = 7 },
                              CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("csat", csat, 2, inputs, 3, want));
    const struct cxm_param ces[] = { { "scale", ten, 2, NULL, 0 },
                                     { "high_is_easy", &no, 1, NULL, 0 } };
    assert_int_equal(cxm_ces(&s, &(struct cxm_ces_options){ COMMON(ces), .scale = { 0, 10 },
                                                            .low_is_easy = 1 },
                             CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("ces", ces, 2, inputs, 3, want));
    assert_string_equal(got[0].definition, "ces/0-10/low-is-easy");
}

/* Answers from -2 to 2: satisfied = 0 is an answer there, not "the default". */
static void satisfied_at_zero(void **state)
{
    (void)state;
    int8_t around[N];
    for (int i = 0; i < N; i++)
        around[i] = (int8_t)(i % 5 - 2);
    const struct cxm_column s = column(around, CXM_I8, NULL);
    struct cxm_row row;
    assert_int_equal(cxm_csat(&s, &(struct cxm_csat_options){ CXM_INIT(csat),
                                                              .scale = { -2, 2 } },
                              CXM_ROW(row), NULL, NULL), CXM_OK);
    assert_string_equal(row.definition, "csat/-2-2/top-3");
    assert_close(row.estimate.value, 0.5, 0); /* 6 of 12 answers are -2 or -1 */
    for (int i = 0; i < N; i++)
        around[i] = (int8_t)(around[i] + 3);
    assert_int_equal(cxm_csat(&s, NULL, CXM_ROW(row), NULL, NULL), CXM_OK);
    assert_string_equal(row.definition, "csat/1-5/top-2");
    assert_close(row.estimate.value, 4.0 / 12, 0); /* 4 and 5, twice each */
}

static void numbers(void **state)
{
    (void)state;
    const struct cxm_column s = column(score, CXM_I32, "score"), by = column(domain, CXM_I8, "d");
    const struct cxm_column w = column(weight, CXM_F64, "w");
    const struct cxm_input one[] = { { "value", &s }, KEYED };
    const struct cxm_input two[] = { { "numerator", &s }, { "denominator", &by }, KEYED };
    const struct cxm_mean_options options = { COMMON(mean) };
    size_t n;
    assert_int_equal(cxm_mean(&s, &options, CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("mean", NULL, 0, one, 3, want));
    assert_int_equal(cxm_total(&s, &options, CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("total", NULL, 0, one, 3, want));
    assert_int_equal(cxm_ratio(&s, &by, &options, CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("ratio", NULL, 0, two, 4, want));
}

static void rates(void **state)
{
    (void)state;
    const struct cxm_column f = column(flag, CXM_BOOL, "f"), o = column(other, CXM_U8, "o");
    const struct cxm_column by = column(domain, CXM_I8, "d"), w = column(weight, CXM_F64, "w");
    const struct cxm_column r = column(replies, CXM_U8, "r");
    const struct cxm_input share[] = { { "numerator", &f }, { "denominator", &o }, KEYED };
    const struct cxm_input fcr[] = { { "resolved_first", &f }, { "eligible", &o }, KEYED };
    const struct cxm_input touch[] = { { "solved", &f }, { "replies", &r }, { "reopens", &o },
                                       KEYED };
    const struct cxm_input two[] = { { "active_before", &f }, { "active_after", &o }, KEYED };
    const struct cxm_input three[] = { { "active_before", &f }, { "active_after", &o }, KEYED,
                                       { "reason", &r } };
    size_t n;
    assert_int_equal(cxm_share(&f, &(struct cxm_share_options){ COMMON(share), .denominator = &o },
                               CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("share", NULL, 0, share, 4, want));
    assert_int_equal(cxm_fcr(&f, &(struct cxm_fcr_options){ COMMON(fcr), .eligible = &o },
                             CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("fcr", NULL, 0, fcr, 4, want));
    assert_int_equal(cxm_one_touch(&f, &r, &o, &(struct cxm_one_touch_options){
                                                   COMMON(one_touch) },
                                   CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("one_touch", NULL, 0, touch, 5, want));
    static const double none = 0;
    const struct cxm_param no_replies = { "max_replies", &none, 1, NULL, 0 };
    assert_int_equal(cxm_one_touch(&f, &r, &o, &(struct cxm_one_touch_options){
                                                   COMMON(one_touch), .max_replies = -1 },
                                   CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("one_touch", &no_replies, 1, touch, 5, want));
    assert_int_equal(cxm_retention(&f, &o, &(struct cxm_retention_options){ COMMON(retention) },
                                   CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("retention", NULL, 0, two, 4, want));
    for (int average = 0; average < 2; average++) {
        const char *const words[2] = { "start", "average" };
        const struct cxm_param p = { "denominator", NULL, 0, &words[average], 1 };
        assert_int_equal(cxm_churn(&f, &o, &(struct cxm_churn_options){ COMMON(churn),
                                                                        .reason = &r,
                                                                        .denominator = average },
                                   CXM_ROWS(got), &n, NULL), CXM_OK);
        assert_same_rows(got, n, want, by_hand("churn", &p, 1, three, 5, want));
    }
    assert_int_equal(cxm_churn(&f, &o, &(struct cxm_churn_options){ COMMON(churn),
                                                                    .denominator = 6 },
                               CXM_ROWS(got), &n, NULL), CXM_EINVAL);
}

static void several_items(void **state)
{
    (void)state;
    struct cxm_column perceived[ITEMS], wanted[ITEMS];
    const struct cxm_column by = column(domain, CXM_I8, "d"), w = column(weight, CXM_F64, "w");
    for (int i = 0; i < ITEMS; i++) {
        perceived[i] = column(answers[i], CXM_U8, i == 1 ? "second" : NULL);
        wanted[i] = column(expected[i], CXM_U8, NULL);
    }
    static const char *const names[] = { "item1", "second", "item3" };
    static const double weights[] = { 3, 2, 1 }, of[] = { 0, 1, 0 }, importance[] = { 2, 5 };
    static const char *const dimensions[] = { "a", "b" };
    static const char *const kinds[] = { "aggregate", "ratio", "listwise", "renormalise" };
    static const double tolerance = 1;
    const struct cxm_param csi[] = { { "items", NULL, 0, names, ITEMS },
                                     { "item_weights", weights, ITEMS, NULL, 0 },
                                     { "scaling", NULL, 0, &kinds[1], 1 },
                                     { "partial", NULL, 0, &kinds[2], 1 } };
    const struct cxm_input items[] = { { "items", &perceived[0] }, { "items", &perceived[1] },
                                       { "items", &perceived[2] }, KEYED };
    size_t n;
    assert_int_equal(cxm_csi(perceived, ITEMS,
                             &(struct cxm_csi_options){ COMMON(csi), .item_weights = weights,
                                                        .scaling = CXM_RATIO_TO_HIGHEST,
                                                        .partial = CXM_LISTWISE },
                             CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("csi", csi, 4, items, 5, want));
    const struct cxm_param gap[] = { { "items", NULL, 0, names, ITEMS },
                                     { "dimension", of, ITEMS, dimensions, 2 },
                                     { "dimension_weights", importance, 2, NULL, 0 },
                                     { "tolerance", &tolerance, 1, NULL, 0 },
                                     { "partial", NULL, 0, &kinds[3], 1 } };
    const struct cxm_input pairs[] = { { "perceived", &perceived[0] },
                                       { "perceived", &perceived[1] },
                                       { "perceived", &perceived[2] },
                                       { "expected", &wanted[0] }, { "expected", &wanted[1] },
                                       { "expected", &wanted[2] }, KEYED };
    assert_int_equal(cxm_gap(perceived, wanted, ITEMS,
                             &(struct cxm_gap_options){ COMMON(gap), .dimensions = dimensions,
                                                        .n_dimensions = 2, .dimension_of = of,
                                                        .dimension_weights = importance,
                                                        .tolerance = 1,
                                                        .partial = CXM_RENORMALISE },
                             CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("gap", gap, 5, pairs, 8, want));
    const struct cxm_param mixed[] = { { "items", NULL, 0, names, ITEMS },
                                       { "importance_kind", NULL, 0, &kinds[0], 1 } };
    const struct cxm_input with[] = { { "items", &perceived[0] }, { "items", &perceived[1] },
                                      { "items", &perceived[2] }, { "importance", &wanted[0] },
                                      { "importance", &wanted[1] }, { "importance", &wanted[2] },
                                      KEYED };
    assert_int_equal(cxm_csi(perceived, ITEMS,
                             &(struct cxm_csi_options){ COMMON(csi), .importance = wanted,
                                                        .scale = { 1, 5 },
                                                        .importance_kind =
                                                            CXM_IMPORTANCE_OF_ALL },
                             CXM_ROWS(got), &n, NULL), CXM_OK);
    assert_same_rows(got, n, want, by_hand("csi", mixed, 2, with, 8, want));
    const struct cxm_gap_options bad = { CXM_INIT(gap), .importance_kind = 3 };
    assert_int_equal(cxm_gap(perceived, wanted, ITEMS, &bad, CXM_ROWS(got), &n, NULL),
                     CXM_EINVAL);
    const struct cxm_csi_options bad_scaling = { CXM_INIT(csi), .scaling = 2 };
    assert_int_equal(cxm_csi(perceived, ITEMS, &bad_scaling, CXM_ROWS(got), &n, NULL),
                     CXM_EINVAL);
    assert_int_equal(cxm_csi(NULL, 0, NULL, CXM_ROWS(got), &n, NULL), CXM_EINVAL);
    assert_int_equal(cxm_gap(perceived, NULL, ITEMS, NULL, CXM_ROWS(got), &n, NULL), CXM_EINVAL);
}

static void wrong_calls(void **state)
{
    (void)state;
    const struct cxm_column s = column(score, CXM_I32, "score"), by = column(domain, CXM_I8, "d");
    struct cxm_error error;
    struct cxm_row row, before;
    size_t n = 77;
    memset(&row, 0x5A, sizeof row);
    before = row;
    const struct cxm_nps_options no_size = { .size = 0 };
    assert_int_equal(cxm_nps(&s, &no_size, CXM_ROW(row), &n, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "CXM_INIT"));
    const struct cxm_nps_options newer = { .size = sizeof newer + 8 };
    assert_int_equal(cxm_nps(&s, &newer, CXM_ROW(row), &n, &error), CXM_EINVAL);
    const struct cxm_nps_options grouped = { CXM_INIT(nps), .by = &by };
    assert_int_equal(cxm_nps(&s, &grouped, CXM_ROW(row), &n, &error), CXM_EINVAL);
    assert_string_equal(error.message, "there are 2 rows, and room for 1");
    assert_int_equal(cxm_nps(&s, NULL, &row, 8, 1, &n, &error), CXM_EINVAL);
    assert_int_equal(cxm_nps(NULL, NULL, CXM_ROW(row), &n, &error), CXM_EINVAL);
    assert_string_equal(error.message, "score: the column is NULL");
    assert_int_equal(cxm_nps(&s, NULL, NULL, sizeof row, 1, &n, &error), CXM_EINVAL);
    assert_int_equal(cxm_nps(&s, NULL, NULL, 0, 0, NULL, &error), CXM_EINVAL);
    const struct cxm_nps_options percent = { CXM_INIT(nps), .level = 95 };
    assert_int_equal(cxm_nps(&s, &percent, CXM_ROW(row), &n, &error), CXM_EINVAL);
    assert_string_equal(error.message, "level must be between 0 and 1; did you mean 0.95?");
    const struct cxm_nps_options levels[] = { { CXM_INIT(nps), .level = -1 },
                                              { CXM_INIT(nps), .promoter = 6 },
                                              { CXM_INIT(nps), .scale = { 0, 2 }, .promoter = 3 },
                                              { CXM_INIT(nps), .level = NAN },
                                              { CXM_INIT(nps), .level = 200 },
                                              { CXM_INIT(nps), .interval = 99 },
                                              { CXM_INIT(nps), .interval = -1 },
                                              { CXM_INIT(nps), .interval = CXM_INTERVAL_WILSON },
                                              { CXM_INIT(nps), .invalid = 2 },
                                              { CXM_INIT(nps), .missing_key = 2 },
                                              { CXM_INIT(nps), .threads = -1 },
                                              { CXM_INIT(nps), .promoter = 5, .detractor = 6 },
                                              { CXM_INIT(nps), .scale = { 5, 1 } },
                                              { CXM_INIT(nps), .scale = { 0, 5000 } },
                                              { CXM_INIT(nps), .scale = { 0, 1.5 } },
                                              { CXM_INIT(nps), .scale = { NAN, 1 } } };
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        assert_int_equal(cxm_nps(&s, &levels[i], CXM_ROW(row), &n, &error), CXM_EINVAL);
    assert_memory_equal(&row, &before, sizeof row);
    assert_int_equal(n, 77);
    assert_int_equal(cxm_nps(&s, &grouped, NULL, 0, 0, &n, &error), CXM_OK);
    assert_int_equal(n, 2);
}

/* ---- parameters ----------------------------------------------------------------------- */

static void wrong_parameters(void **state)
{
    (void)state;
    static const double two[2] = { 1, 2 }, half = 0.5, infinite = INFINITY, far = 1e9,
                        negative[2] = { -1, 2 }, zeros[2] = { 0, 0 }, lost[2] = { 0, 5 },
                        first[2] = { 0, 0 }, minus[2] = { -1, -1 };
    static const char *const words[] = { "sideways", NULL, "a", "a", "", "aggregate", "b" };
    const struct row {
        const char *metric, *column;
        struct cxm_param params[3];
        size_t n;
    } rows[] = {
        { "nothing", "metric", { { 0 } }, 0 },
        { "nps", "color", { { "color", two, 1, NULL, 0 } }, 1 },
        { "nps", "", { { NULL, two, 1, NULL, 0 } }, 1 },
        { "nps", "scale", { { "scale", two, 2, NULL, 0 }, { "scale", two, 2, NULL, 0 } }, 2 },
        { "nps", "scale", { { "scale", two, 1, NULL, 0 } }, 1 },
        { "nps", "promoter", { { "promoter", two, 2, NULL, 0 } }, 1 },
        { "nps", "promoter", { { "promoter", NULL, 1, NULL, 0 } }, 1 },
        { "nps", "scale", { { "scale", NULL, 2, NULL, 0 } }, 1 },
        { "churn", "denominator", { { "denominator", NULL, 0, NULL, 1 } }, 1 },
        { "survival", "causes", { { "causes", NULL, 0, NULL, 2 } }, 1 },
        { "nps", "promoter", { { "promoter", &half, 1, NULL, 0 } }, 1 },
        { "nps", "promoter", { { "promoter", &infinite, 1, NULL, 0 } }, 1 },
        { "nps", "promoter", { { "promoter", &far, 1, NULL, 0 } }, 1 },
        { "churn", "denominator", { { "denominator", NULL, 0, words, 1 } }, 1 },
        { "churn", "denominator", { { "denominator", NULL, 0, words, 2 } }, 1 },
        { "churn", "denominator", { { "denominator", NULL, 0, &words[1], 1 } }, 1 },
        { "csat", "satisfied", { { "scale", (const double[]){ 1, 7 }, 2, NULL, 0 } }, 1 },
        { "csat", "satisfied", { { "satisfied", (const double[]){ 1 }, 1, NULL, 0 } }, 1 },
        { "csi", "items", { { 0 } }, 0 },
        { "csi", "items", { { "items", NULL, 0, &words[2], 2 } }, 1 },
        { "csi", "items", { { "items", NULL, 0, &words[4], 1 } }, 1 },
        { "csi", "items", { { "items", NULL, 0, words, 0 } }, 1 },
        { "csi", "items", { { "items", NULL, 0, &words[1], 1 } }, 1 },
        { "csi", "item_weights",
          { { "items", NULL, 0, &words[2], 1 }, { "item_weights", two, 2, NULL, 0 } }, 2 },
        { "csi", "item_weights",
          { { "items", NULL, 0, &words[5], 2 }, { "item_weights", zeros, 2, NULL, 0 } }, 2 },
        { "csi", "item_weights",
          { { "items", NULL, 0, &words[5], 2 }, { "item_weights", negative, 2, NULL, 0 } }, 2 },
        { "csi", "item_weights",
          { { "items", NULL, 0, &words[5], 2 }, { "item_weights", two, 2, NULL, 0 },
            { "importance_kind", NULL, 0, &words[5], 1 } }, 3 },
        { "csi", "scaling",
          { { "items", NULL, 0, &words[5], 2 }, { "scale", (const double[]){ -5, 0 }, 2, NULL, 0 },
            { "scaling", NULL, 0, (const char *const[]){ "ratio" }, 1 } }, 3 },
        { "gap", "dimension",
          { { "items", NULL, 0, &words[5], 2 }, { "dimension", first, 1, &words[2], 1 } }, 2 },
        { "gap", "dimension",
          { { "items", NULL, 0, &words[5], 2 }, { "dimension", lost, 2, &words[2], 1 } }, 2 },
        { "gap", "dimension",
          { { "items", NULL, 0, &words[5], 2 }, { "dimension", minus, 2, &words[2], 1 } }, 2 },
        { "gap", "dimension",
          { { "items", NULL, 0, &words[5], 2 },
            { "dimension", (const double[]){ 0, 1 }, 2, &words[2], 2 } }, 2 },
        { "gap", "dimension_weights",
          { { "items", NULL, 0, &words[5], 2 }, { "dimension", first, 2, &words[2], 1 },
            { "dimension_weights", two, 2, NULL, 0 } }, 3 },
        { "gap", "dimension_weights",
          { { "items", NULL, 0, &words[5], 2 }, { "dimension", first, 2, &words[2], 1 },
            { "dimension_weights", zeros, 1, NULL, 0 } }, 3 },
        { "gap", "item_weights",
          { { "items", NULL, 0, &words[5], 2 }, { "item_weights", two, 2, NULL, 0 },
            { "importance_kind", NULL, 0, &words[5], 1 } }, 3 },
        { "gap", "scale",
          { { "items", NULL, 0, &words[5], 2 },
            { "scale", (const double[]){ 7, 1 }, 2, NULL, 0 } }, 2 },
        { "one_touch", "min_replies", { { "min_replies", &two[1], 1, NULL, 0 } }, 1 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_tally *tally = NULL;
        struct cxm_error error;
        assert_int_equal(cxm_tally_new(rows[i].metric, rows[i].params, rows[i].n, NULL, &tally,
                                       &error), CXM_EINVAL);
        assert_null(tally);
        assert_string_equal(error.column, rows[i].column);
        assert_true(error.message[0] != '\0');
    }
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("nps", NULL, 1, NULL, &tally, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_new(NULL, NULL, 0, NULL, &tally, NULL), CXM_EINVAL);
}

/* ---- inputs --------------------------------------------------------------------------- */

static void wrong_inputs(void **state)
{
    (void)state;
    const struct cxm_column s = column(score, CXM_I32, NULL), w = column(weight, CXM_F64, NULL);
    struct cxm_column shorter = s;
    shorter.n = N - 1;
    static const char *const names[] = { "a", "b" };
    const struct cxm_param items = { "items", NULL, 0, names, 2 };
    const struct row {
        const char *metric, *message;
        struct cxm_input inputs[12];
        size_t n;
    } rows[] = {
        { "nps", "nps needs score", { { "weight", &w } }, 1 },
        { "nps", "score is given twice", { { "score", &s }, { "score", &s } }, 2 },
        { "nps", "weight is given twice", { { "score", &s }, { "weight", &w }, { "weight", &w } },
          3 },
        { "nps", "has no input stars", { { "stars", &s } }, 1 },
        { "nps", "input 0 has no role", { { NULL, &s } }, 1 },
        { "nps", "score: the column is NULL", { { "score", NULL } }, 1 },
        { "nps", "weight: 11 rows, score has 12", { { "score", &s }, { "weight", &shorter } }, 2 },
        { "nps", "at most 8 keys",
          { { "score", &s }, { "by", &s }, { "by", &s }, { "by", &s }, { "by", &s }, { "by", &s },
            { "by", &s }, { "by", &s }, { "by", &s }, { "by", &s } }, 10 },
        { "gap", "1 columns for 2 items", { { "perceived", &s }, { "expected", &s } }, 2 },
        { "gap", "more columns than the 2 items",
          { { "perceived", &s }, { "perceived", &s }, { "perceived", &s } }, 3 },
        { "gap", "importance_kind",
          { { "perceived", &s }, { "perceived", &s }, { "expected", &s }, { "expected", &s },
            { "importance", &s }, { "importance", &s } }, 6 },
        { "csi", "importance_kind",
          { { "items", &s }, { "items", &s }, { "importance", &s }, { "importance", &s } }, 4 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_tally *tally;
        struct cxm_error error;
        const bool many = strcmp(rows[i].metric, "nps") != 0;
        assert_int_equal(cxm_tally_new(rows[i].metric, &items, many, NULL, &tally, &error),
                         CXM_OK);
        assert_int_equal(cxm_tally_add(tally, rows[i].inputs, rows[i].n, NULL, &error),
                         CXM_EINVAL);
        if (strstr(error.message, rows[i].message) == NULL)
            print_error("row %zu: %s\n", i, error.message);
        assert_non_null(strstr(error.message, rows[i].message));
        cxm_tally_free(tally);
    }
    struct cxm_tally *tally;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    const struct cxm_input input = { "score", &s };
    const struct cxm_add_options odd = { .size = 1 }, newer = { .size = sizeof newer + 1 };
    assert_int_equal(cxm_tally_add(NULL, &input, 1, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add(tally, NULL, 1, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add(tally, &input, 0, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add(tally, &input, 1, &odd, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add(tally, &input, 1, &newer, NULL), CXM_EINVAL);
    cxm_tally_free(tally);
}

/* What a message says of an invalid value depends on what the input is. */
static void messages_about_values(void **state)
{
    (void)state;
    static const double bad[2] = { 1, 1.5 }, wide[2] = { 3, -4 }, huge[2] = { 1, INFINITY };
    static const char *const texts[2] = { "good", "odd" };
    const struct cxm_label labels[1] = { { "good", 5, 0, 0 } };
    struct cxm_column text = cxm_column_make("mood", CXM_STRINGS, texts, 2, sizeof texts[0], 8);
    text.labels = labels;
    text.n_labels = 1;
    const struct row {
        const char *metric, *role, *message;
        struct cxm_column column;
    } rows[] = {
        { "csat", "score", "score: row 1 is 1.5, not a whole number.", CXM_ARRAY(bad, 2) },
        { "csat", "score", "mood: row 1 is \"odd\", which is not among the labels", text },
        { "share", "numerator", "row 0 is 3, neither 0 (no) nor 1 (yes)", CXM_ARRAY(wide, 2) },
        { "mean", "value", "row 1 is inf, not a finite number", CXM_ARRAY(huge, 2) },
        { "csat", "score", "row 1 is -4, outside 1\xE2\x80\x93""5. If -4 means", CXM_ARRAY(wide, 2) },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_tally *tally;
        struct cxm_error error;
        struct cxm_column one = rows[i].column;
        if (i == 0)
            one.name = NULL;
        const struct cxm_input input = { rows[i].role, &one };
        assert_int_equal(cxm_tally_new(rows[i].metric, NULL, 0, NULL, &tally, &error), CXM_OK);
        assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, &error), CXM_EDATA);
        if (strstr(error.message, rows[i].message) == NULL)
            print_error("row %zu: %s\n", i, error.message);
        assert_non_null(strstr(error.message, rows[i].message));
        cxm_tally_free(tally);
    }
}

/* ---- customers and periods ------------------------------------------------------------ */

static void lists_of_customers(void **state)
{
    (void)state;
    /* the definitions, 3.1: P = 1..8, C = 2,3,4,5,6,9,10; twice the same customer counts once */
    static const int32_t before[] = { 1, 2, 3, 4, 5, 6, 7, 8, 8 }, after[] = { 2, 3, 4, 5, 6, 9, 10 };
    const struct cxm_column p = CXM_ARRAY(before, 9), c = CXM_ARRAY(after, 7);
    uint8_t was[ROOM], is[ROOM];
    size_t n;
    assert_int_equal(cxm_match_customers(&p, &c, NULL, NULL, 0, &n, NULL, NULL), CXM_OK);
    assert_int_equal(n, 10);
    assert_int_equal(cxm_match_customers(&p, &c, was, is, ROOM, &n, NULL, NULL), CXM_OK);
    const struct cxm_column flags[2] = { cxm_column_make("b", CXM_U8, was, n, 1, 1),
                                         cxm_column_make("a", CXM_U8, is, n, 1, 1) };
    struct cxm_row row;
    assert_int_equal(cxm_retention(&flags[0], &flags[1], NULL, CXM_ROW(row), NULL, NULL), CXM_OK);
    assert_close(row.estimate.value, 0.625, 0);
    assert_int_equal(row.estimate.n, 8);
    assert_int_equal(row.estimate.excluded, 2);
    /* texts, with one missing on either side: rows of their own, as 2 */
    static const char *const old[] = { "ann", NULL, "bob" }, *const now[] = { "bob", "eve", NULL };
    const struct cxm_column o = CXM_ARRAY(old, 3), w = CXM_ARRAY(now, 3);
    assert_int_equal(cxm_match_customers(&o, &w, was, is, ROOM, &n, NULL, NULL), CXM_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(was, ((const uint8_t[]){ 1, 1, 0, 2, 2 }), 5);
    assert_memory_equal(is, ((const uint8_t[]){ 0, 1, 1, 2, 2 }), 5);
    struct cxm_error error;
    assert_int_equal(cxm_match_customers(&o, &w, was, is, 4, &n, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_match_customers(&o, &p, was, is, ROOM, &n, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_match_customers(NULL, &p, was, is, ROOM, &n, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_match_customers(&p, &c, NULL, is, ROOM, &n, NULL, &error), CXM_EINVAL);
    struct cxm_column zoned = p;
    zoned.type = 99;
    assert_int_equal(cxm_match_customers(&zoned, &p, was, is, ROOM, &n, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_match_customers(&p, &zoned, was, is, ROOM, &n, NULL, NULL), CXM_EINVAL);
    struct cxm_column category = cxm_column_make("c", CXM_I32, before, 3, 4, 4);
    category.dictionary = &o;
    category.flags = CXM_COLUMN_ORDERED;
    assert_int_equal(cxm_match_customers(&category, &o, was, is, ROOM, &n, NULL, NULL),
                     CXM_EUNSUPPORTED);
    for (int fail_on = 0; fail_on < 2; fail_on++) {
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            heap_init(&heap, fail_at);
            heap.fail_on = fail_on;
            const enum cxm_status status = cxm_match_customers(&p, &c, was, is, ROOM, &n,
                                                               &heap.allocator, NULL);
            assert_int_equal(heap.live, 0);
            if (status == CXM_OK)
                break;
            assert_int_equal(status, CXM_ENOMEM);
        }
    }
}

static void many_customers(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    static uint32_t before[MANY], after[MANY];
    static uint8_t was[2 * MANY], is[2 * MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        before[i] = 7 * i;
        after[i] = 7 * (i + 1000);
    }
    const struct cxm_column p = CXM_ARRAY(before, MANY), c = CXM_ARRAY(after, MANY);
    size_t n, both = 0;
    assert_int_equal(cxm_match_customers(&p, &c, was, is, 2 * MANY, &n, NULL, NULL), CXM_OK);
    assert_int_equal(n, MANY + 1000);
    for (size_t i = 0; i < n; i++)
        both += was[i] && is[i];
    assert_int_equal(both, MANY - 1000);
}

static void periods(void **state)
{
    (void)state;
    enum { SIZE = sizeof(struct cxm_period_counts) };
    const struct row {
        const char *metric;
        struct cxm_period_counts counts;
        enum cxm_status want;
        double value;
    } rows[] = { /* the definitions, 3.1 and 4.1 */
        { "retention", { SIZE, 200, 212, 32, 0, -1, 0 }, CXM_OK, 0.90 },
        { "retention", { SIZE, 200, 212, 32, 6, -1, 0 }, CXM_OK, 0.87 },
        { "retention", { SIZE, 200, -1, 0, 0, 26, 0 }, CXM_OK, 0.87 },
        { "churn", { SIZE, 500, 550, 75, 0, 25, 5 }, CXM_OK, 0.05 },
        { "retention", { SIZE, 0, 0, 0, 0, -1, 0 }, CXM_OK, NAN },
        { "retention", { SIZE, 200, 10, 32, 0, -1, 0 }, CXM_EINCONSISTENT, 0 },
        { "retention", { SIZE, 200, 500, 32, 0, -1, 0 }, CXM_EINCONSISTENT, 0 },
        { "retention", { SIZE, 200, 212, 32, 0, 30, 0 }, CXM_EINCONSISTENT, 0 },
        { "retention", { SIZE, -1, 212, 32, 0, -1, 0 }, CXM_EINVAL, 0 },
        { "retention", { SIZE, 200, -1, 32, 0, -1, 0 }, CXM_EINVAL, 0 },
        { "retention", { 1, 200, 212, 32, 0, -1, 0 }, CXM_EINVAL, 0 },
        { "retention", { SIZE + 8, 200, 212, 32, 0, -1, 0 }, CXM_EINVAL, 0 },
        { "nps", { SIZE, 200, 212, 32, 0, -1, 0 }, CXM_EINVAL, 0 },
        { "churn", { SIZE, 1, -1, INT64_MAX, INT64_MAX, 0, 0 }, CXM_EOVERFLOW, 0 },
        { "churn", { SIZE, INT64_MAX - 1, -1, 0, 0, 0, INT64_MAX }, CXM_EOVERFLOW, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_tally *tally;
        struct cxm_estimate e;
        assert_int_equal(cxm_tally_new(rows[i].metric, NULL, 0, NULL, &tally, NULL), CXM_OK);
        assert_int_equal(cxm_tally_add_period(tally, &rows[i].counts, NULL), rows[i].want);
        if (rows[i].want == CXM_OK) {
            assert_int_equal(cxm_tally_estimate(tally, NULL, &e, sizeof e, 1, NULL, NULL),
                             CXM_OK);
            assert_close(e.value, rows[i].value, 1e-15);
        }
        cxm_tally_free(tally);
    }
    const char *const average = "average";
    const struct cxm_param p = { "denominator", NULL, 0, &average, 1 };
    struct cxm_tally *tally;
    struct cxm_estimate e;
    assert_int_equal(cxm_tally_new("churn", &p, 1, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_period(tally, &rows[3].counts, NULL), CXM_OK);
    assert_int_equal(cxm_tally_estimate(tally, NULL, &e, sizeof e, 1, NULL, NULL), CXM_OK);
    assert_close(e.value, 30.0 / 525, 1e-15);
    assert_int_equal(cxm_tally_add_period(NULL, &rows[3].counts, NULL), CXM_EINVAL);
    assert_int_equal(cxm_tally_add_period(tally, NULL, NULL), CXM_EINVAL);
    for (int fail_at = 1;; fail_at++) {
        struct heap heap;
        struct cxm_tally *failing = NULL;
        heap_init(&heap, fail_at);
        enum cxm_status status = cxm_tally_new("churn", &p, 1, &heap.allocator, &failing, NULL);
        if (status == CXM_OK)
            status = cxm_tally_add_period(failing, &rows[3].counts, NULL);
        cxm_tally_free(failing);
        assert_int_equal(heap.live, 0);
        if (status == CXM_OK)
            break;
        assert_int_equal(status, CXM_ENOMEM);
    }
    cxm_tally_free(tally);
}

static void converted_rates(void **state)
{
    (void)state;
    /* the definitions, 4.1: a month is 30.436875 days */
    assert_close(cxm_convert_rate(0.03, 1, 12), 0.3061576390, 2e-10);
    assert_close(cxm_convert_rate(0.20, 12, 1), 0.0184235, 3e-6);
    assert_close(cxm_convert_rate(0.03, 30.436875, 7), 0.0069807, 8e-6);
    assert_close(cxm_convert_rate(0, 1, 12), 0, 0);
    assert_close(cxm_convert_rate(1, 1, 12), 1, 0);
    assert_close(cxm_convert_rate(-0.1, 1, 12), NAN, 0);
    assert_close(cxm_convert_rate(1.1, 1, 12), NAN, 0);
    assert_close(cxm_convert_rate(NAN, 1, 12), NAN, 0);
    assert_close(cxm_convert_rate(0.1, 0, 12), NAN, 0);
    assert_close(cxm_convert_rate(0.1, 1, INFINITY), NAN, 0);
    assert_close(cxm_convert_rate(0.1, INFINITY, 1), NAN, 0);
    assert_close(cxm_convert_rate(0.1, 1, -1), NAN, 0);
}

/* ---- the registry and the layout ------------------------------------------------------ */

static void registry_is_complete(void **state)
{
    (void)state;
    assert_true(cxm_metric_count() >= 13);
    assert_null(cxm_metric_at(cxm_metric_count()));
    assert_null(cxm_metric_find("nothing"));
    assert_null(cxm_metric_find(NULL));
    for (size_t i = 0; i < cxm_metric_count(); i++) {
        const struct cxm_metric_info *m = cxm_metric_at(i);
        assert_ptr_equal(cxm_metric_find(m->name), m);
        assert_true(m->n_inputs > 0 && m->n_measures > 0 && m->n_intervals > 0);
        assert_true(m->summary_zh != NULL && m->summary_zh[0] != '\0');
        assert_int_equal(m->measures[0].is_default, 1);
        /* The headline has the name of the metric, or a name of its own in the field. */
        static const struct { const char *metric, *headline; } own[] = {
            { "revenue", "nrr" }, { "stages", "active" }, { "quantiles", "median" },
            { "sketch", "median" }, { "fcr_window", "fcr" },
            { "cohorts", "retention" },
            { "paired", "change" },
        };
        const char *headline = m->name;
        for (size_t k = 0; k < COUNT_OF(own); k++) {
            if (strcmp(own[k].metric, m->name) == 0)
                headline = own[k].headline;
        }
        assert_string_equal(m->measures[0].name, headline);
        for (int k = 0; k < m->n_measures; k++)
            assert_true(m->measures[k].summary_zh[0] != '\0' && m->measures[k].summary[0] != '\0');
        for (size_t j = 0; j < i; j++) /* numbers in saved tallies are never shared */
            assert_int_not_equal(cxm_metric_at(j)->kind, m->kind);
    }
}

static void layout_of_structs(void **state)
{
    (void)state;
    const size_t n = cxm_layout(NULL, 0);
    uint64_t layout[4096] = { 0 };
    assert_true(n > 100 && n < COUNT_OF(layout));
    assert_int_equal(cxm_layout(layout, 2), n);
    assert_int_equal(layout[0], sizeof(struct cxm_error));
    assert_int_equal(layout[2], 0); /* where the second member begins, had there been room */
    assert_int_equal(cxm_layout(layout, COUNT_OF(layout)), n);
    assert_int_equal(layout[1 + 6], sizeof(struct cxm_column)); /* cxm_error has 6 members */
    assert_int_equal(layout[n], 0);
}

static void names_of_things(void **state)
{
    (void)state;
    assert_string_equal(cxm_interval_name(CXM_INTERVAL_ADJUSTED_WALD), "adjusted-wald");
    assert_string_equal(cxm_interval_title(CXM_INTERVAL_ADJUSTED_WALD), "adjusted Wald");
    assert_string_equal(cxm_interval_name((enum cxm_interval)99), "unknown");
    assert_string_equal(cxm_interval_title((enum cxm_interval)99), "unknown");
    for (int i = 0; i <= CXM_INTERVAL_CONTROL; i++)
        assert_int_equal(cxm_interval_from_name(cxm_interval_name((enum cxm_interval)i)), i);
    assert_int_equal(cxm_interval_from_name("loose"), -1);
    assert_int_equal(cxm_interval_from_name(NULL), -1);
    assert_string_equal(cxm_unit_name(CXM_UNIT_PER_1000), "per 1000");
    assert_string_equal(cxm_unit_name((enum cxm_unit)99), "unknown");
    assert_string_equal(cxm_base_name(CXM_BASE_TICKETS), "tickets");
    assert_string_equal(cxm_reason_name(CXM_REASON_EARLY_REPEAT), "early_repeat");
    assert_string_equal(cxm_flag_name(CXM_FLAG_NOT_CONVERGED), "NOT_CONVERGED");
    assert_null(cxm_flag_name(1u << 30));
    assert_string_equal(cxm_status_name(CXM_EEMPTYCELL), "EEMPTYCELL");
    assert_string_equal(cxm_status_name((enum cxm_status)99), "UNKNOWN");
    assert_string_equal(cxm_status_message((enum cxm_status)99), "unknown status");
    assert_string_equal(cxm_status_message(CXM_OK), "success");
    assert_string_equal(cxm_version(), CXM_VERSION);
}

/* 0 means the default of a cut, unless it is an answer that only that cut can mean. */
static void one_cut_is_enough(void **state)
{
    (void)state;
    const struct cut_row {
        const char *want;
        double scale[2];
        int32_t promoter, detractor;
    } rows[] = {
        { "nps/0-10/6-9", { 0, 0 }, 0, 0 },   { "nps/0-10/6-8", { 0, 0 }, 8, 0 },
        { "nps/0-10/5-9", { 0, 0 }, 0, 5 },   { "nps/0-10/6-8", { 0, 10 }, 8, 0 },
        { "nps/1-10/6-8", { 1, 10 }, 8, 0 },  { "nps/1-10/5-9", { 1, 10 }, 0, 5 },
        { "nps/0-2/0-2", { 0, 2 }, 2, 0 },    { "nps/-1-1/-1-1", { -1, 1 }, 1, -1 },
        { "nps/-2-2/-1-0", { -2, 2 }, 0, -1 }, { "nps/-2-2/0-1", { -2, 2 }, 1, 0 },
    };
    const int8_t none[] = { -1 };
    const double no_answer[] = { -1 };
    struct cxm_column answer = CXM_ARRAY(none, 1);
    answer.missing_codes = no_answer;
    answer.n_missing_codes = 1;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_nps_options options = { CXM_INIT(nps), .promoter = rows[i].promoter,
                                           .detractor = rows[i].detractor };
        memcpy(options.scale, rows[i].scale, sizeof options.scale);
        struct cxm_row row;
        assert_int_equal(cxm_nps(&answer, &options, CXM_ROW(row), NULL, NULL), CXM_OK);
        assert_string_equal(row.definition, rows[i].want);
        struct cxm_paired_options pair = { CXM_INIT(paired), .promoter = rows[i].promoter,
                                           .detractor = rows[i].detractor };
        memcpy(pair.scale, rows[i].scale, sizeof pair.scale);
        assert_int_equal(cxm_paired(&answer, &answer, &pair, CXM_ROW(row), NULL, NULL), CXM_OK);
        assert_string_equal(strchr(row.definition, '/'), strchr(rows[i].want, '/'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cut_is_enough),
        cmocka_unit_test(ratings),
        cmocka_unit_test(satisfied_at_zero),
        cmocka_unit_test(numbers),
        cmocka_unit_test(rates),
        cmocka_unit_test(several_items),
        cmocka_unit_test(wrong_calls),
        cmocka_unit_test(wrong_parameters),
        cmocka_unit_test(wrong_inputs),
        cmocka_unit_test(messages_about_values),
        cmocka_unit_test(lists_of_customers),
        cmocka_unit_test(many_customers),
        cmocka_unit_test(periods),
        cmocka_unit_test(converted_rates),
        cmocka_unit_test(registry_is_complete),
        cmocka_unit_test(layout_of_structs),
        cmocka_unit_test(names_of_things),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
