/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calls that take no allocator use malloc. The linker puts the functions below in its place
 * (--wrap), so that every allocation of these calls fails once, and once from then on: ENOMEM,
 * outputs as they were, nothing leaked. */
#include "failing_malloc.h"
#include "saved.h"

#include "analysis/report.h"

#include <cxm/cxm.h>

/* ---- the calls ------------------------------------------------------------------------ */

enum { N = 60, ROOM = 256, ITEMS = 2 };

static uint8_t score[N], rating[N], flag[N], other[N], replies[N];
static int32_t segment[N];
static double weight[N], series[N];
static struct cxm_row rows[ROOM];
static size_t n_rows;

static struct cxm_column c_score, c_rating, c_flag, c_other, c_replies, c_by, c_weight, c_series,
    c_items[ITEMS], c_expected[ITEMS];
static uint8_t *saved;
static size_t saved_bytes;
static struct cxm_tally *tally, *plain, *curves;
static struct cxm_report *report;

#define COMMON(metric)                                                                         \
    CXM_INIT(metric), .by = &c_by, .weight = &c_weight, .total = 1, .all_measures = 1
#define OUT CXM_ROWS(rows), &n_rows, NULL

static enum cxm_status nps(void)
{
    return cxm_nps(&c_score, &(struct cxm_nps_options){ COMMON(nps) }, OUT);
}

static enum cxm_status nps_bootstrap(void)
{
    return cxm_nps(&c_score, &(struct cxm_nps_options){ CXM_INIT(nps), .by = &c_by,
                                                        .interval = CXM_INTERVAL_BCA }, OUT);
}

static enum cxm_status csat(void)
{
    return cxm_csat(&c_rating, &(struct cxm_csat_options){ COMMON(csat) }, OUT);
}

static enum cxm_status ces(void)
{
    return cxm_ces(&c_rating, &(struct cxm_ces_options){ COMMON(ces) }, OUT);
}

static enum cxm_status csi(void)
{
    return cxm_csi(c_items, ITEMS,
                   &(struct cxm_csi_options){ COMMON(csi), .importance = c_expected,
                                              .importance_kind = CXM_IMPORTANCE_OF_ALL }, OUT);
}

static enum cxm_status gap(void)
{
    return cxm_gap(c_items, c_expected, ITEMS, &(struct cxm_gap_options){ COMMON(gap) }, OUT);
}

static enum cxm_status mean(void)
{
    return cxm_mean(&c_score, &(struct cxm_mean_options){ COMMON(mean) }, OUT);
}

static enum cxm_status ratio(void)
{
    return cxm_ratio(&c_score, &c_rating, &(struct cxm_mean_options){ COMMON(ratio) }, OUT);
}

static enum cxm_status total(void)
{
    return cxm_total(&c_score, &(struct cxm_mean_options){ COMMON(total) }, OUT);
}

static enum cxm_status share(void)
{
    return cxm_share(&c_flag, &(struct cxm_share_options){ COMMON(share),
                                                           .denominator = &c_other }, OUT);
}

static enum cxm_status fcr(void)
{
    return cxm_fcr(&c_flag, &(struct cxm_fcr_options){ COMMON(fcr) }, OUT);
}

static enum cxm_status one_touch(void)
{
    return cxm_one_touch(&c_flag, &c_replies, NULL,
                         &(struct cxm_one_touch_options){ COMMON(one_touch) }, OUT);
}

static enum cxm_status retention(void)
{
    return cxm_retention(&c_flag, &c_other,
                         &(struct cxm_retention_options){ COMMON(retention) }, OUT);
}

static enum cxm_status churn(void)
{
    return cxm_churn(&c_flag, &c_other,
                     &(struct cxm_churn_options){ COMMON(churn), .reason = &c_replies }, OUT);
}

static enum cxm_status rake(void)
{
    static const double categories[2] = { 0, 1 }, totals[2] = { 1, 2 };
    static double out[N];
    const struct cxm_column known = cxm_column_make(NULL, CXM_F64, categories, 2, 8, 8);
    const struct cxm_margin margin[2] = { { NULL, &c_flag, 0, &known, totals },
                                          { "other", &c_other, 0, &known, totals } };
    const struct cxm_calibrate_options linear = { .size = sizeof linear, .method = CXM_LINEAR };
    const enum cxm_status status = cxm_rake(NULL, margin, 2, NULL, out, NULL, NULL, NULL);
    return status != CXM_OK ? status : cxm_rake(NULL, margin, 2, &linear, out, NULL, NULL, NULL);
}

static enum cxm_status design(void)
{
    const struct cxm_column units[2] = { c_replies, c_by };
    return cxm_churn(&c_flag, &c_other,
                     &(struct cxm_churn_options){ COMMON(churn), .reason = &c_replies,
                                                  .strata = &c_by, .cluster = units,
                                                  .n_cluster = 2, .population = 1000,
                                                  .lonely = CXM_LONELY_ADJUST }, OUT);
}

static enum cxm_status only_count(void)
{
    return cxm_nps(&c_score, &(struct cxm_nps_options){ COMMON(nps) }, NULL, 0, 0, &n_rows,
                   NULL);
}

static enum cxm_status info(void)
{
    struct cxm_tally_info out;
    return cxm_tally_info(saved, saved_bytes, &out, NULL);
}

static enum cxm_status load(void)
{
    struct cxm_tally *loaded = NULL;
    const enum cxm_status status = cxm_tally_load(saved, saved_bytes, NULL, &loaded, NULL);
    cxm_tally_free(loaded);
    return status;
}

/* The stream may also run out of memory when it is read: it says so by a number. */
static enum cxm_status report_to_arrow(void)
{
    struct ArrowArrayStream stream = { .private_data = &stream };
    struct ArrowSchema schema;
    enum cxm_status status = cxm_report_to_arrow(report, NULL, 0, &stream, NULL);
    if (status != CXM_OK) {
        assert_ptr_equal(stream.private_data, &stream);
        return status;
    }
    if (stream.get_schema(&stream, &schema) != 0)
        status = CXM_ENOMEM;
    else
        schema.release(&schema);
    stream.release(&stream);
    return status;
}

/* What an analysis made is of no interest here. */
static enum cxm_status done(enum cxm_status status, struct cxm_report **out)
{
    assert_true((*out != NULL) == (status == CXM_OK));
    cxm_report_free(*out);
    return status;
}

static enum cxm_status chart(void)
{
    struct cxm_report *out = NULL;
    const struct cxm_chart_options options = { .size = sizeof options, .rules = "all",
                                               .median_range = 1, .period = &c_series };
    return done(cxm_chart("xmr", &c_series, NULL, &options, &out, NULL), &out);
}

static enum cxm_status chart_tally(void)
{
    struct cxm_report *out = NULL;
    return done(cxm_chart_tally("xmr", tally, 0, NULL, &out, NULL), &out);
}

static enum cxm_status preset_report(void)
{
    struct cxm_report *out = NULL;
    const struct cxm_preset_info *preset = NULL;
    return done(cxm_preset_report(&tally, &preset, 1, 0, &out, NULL), &out);
}

static enum cxm_status run_rules(void)
{
    struct cxm_report *out = NULL;
    return done(cxm_run_rules(&c_score, "all", CXM_GAPS_SPLIT, &out, NULL), &out);
}

static enum cxm_status change_point(void)
{
    struct cxm_report *out = NULL;
    const uint64_t seed = 1;
    const struct cxm_change_options options = { .size = sizeof options, .permutations = 3,
                                                .seed = &seed, .several = 1 };
    return done(cxm_change_point("pettitt", &c_score, NULL, &options, &out, NULL), &out);
}

static enum cxm_status change_point_tally(void)
{
    struct cxm_report *out = NULL;
    return done(cxm_change_point_tally("mean", tally, 0, NULL, &out, NULL), &out);
}

static enum cxm_status breakdown(void)
{
    struct cxm_report *out = NULL;
    return done(cxm_breakdown(plain, NULL, &out, NULL), &out);
}

#define SLA                                                                                    \
    { CXM_INIT(sla), .by = &c_by, .as_of = 100, .has_as_of = 1, .target = 5, .has_target = 1 }

static enum cxm_status sla(void)
{
    return cxm_sla(&c_replies, &c_score, &(struct cxm_sla_options)SLA, OUT);
}

static enum cxm_status sla_km(void)
{
    struct cxm_report *out = NULL;
    return done(cxm_sla_km(&c_replies, &c_score, &(struct cxm_sla_options)SLA, &out, NULL), &out);
}

static enum cxm_status logrank_of_pairs(void)
{
    struct cxm_report *out = NULL;
    const struct cxm_logrank_options pairs = { .size = sizeof pairs, .pairwise = 1 };
    return done(cxm_tally_logrank(curves, &pairs, &out, NULL), &out);
}

static enum cxm_status repeat_purchase(void)
{
    return cxm_repeat_purchase(&c_by, &c_series,
                               &(struct cxm_repeat_purchase_options){
                                   CXM_INIT(repeat_purchase), .by = &c_replies,
                                   .orders = { .size = sizeof(struct cxm_repeat_options),
                                               .start = 10, .end = 50 } },
                               OUT);
}

static enum cxm_status to_arrow(void)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema = { .release = NULL };
    struct ArrowArray array = { .release = NULL };
    enum cxm_status status = cxm_tally_to_arrow(tally, NULL, &stream, NULL);
    if (status != CXM_OK)
        return status;
    if (stream.get_schema(&stream, &schema) != 0 || stream.get_next(&stream, &array) != 0)
        status = CXM_ENOMEM;
    if (array.release != NULL)
        array.release(&array);
    if (schema.release != NULL)
        schema.release(&schema);
    stream.release(&stream);
    return status;
}

static enum cxm_status match(void)
{
    uint8_t before[2 * N], after[2 * N];
    return cxm_match_customers(&c_by, &c_by, before, after, 2 * N, &n_rows, NULL, NULL);
}

static enum cxm_status interval(void)
{
    struct cxm_interval_limits out;
    return cxm_nps_interval(15, 25, 40, 0.95, CXM_INTERVAL_BOOTSTRAP, NULL, &out, NULL);
}

static const struct call {
    const char *name;
    enum cxm_status (*call)(void);
} calls[] = {
    { "nps", nps },         { "nps_bootstrap", nps_bootstrap }, { "csat", csat },
    { "ces", ces },         { "csi", csi },                     { "gap", gap },
    { "mean", mean },       { "ratio", ratio },                 { "total", total },
    { "share", share },     { "fcr", fcr },                     { "one_touch", one_touch },
    { "retention", retention }, { "churn", churn },             { "only_count", only_count },
    { "rake", rake },       { "design", design },
    { "info", info },       { "load", load },                   { "to_arrow", to_arrow },
    { "report_to_arrow", report_to_arrow },
    { "chart", chart },     { "chart_tally", chart_tally },     { "run_rules", run_rules },
    { "preset_report", preset_report }, { "change_point", change_point },
    { "change_point_tally", change_point_tally },
    { "match", match },     { "interval", interval },
    { "breakdown", breakdown }, { "sla", sla }, { "sla_km", sla_km },
    { "logrank_of_pairs", logrank_of_pairs }, { "repeat_purchase", repeat_purchase },
};

static struct cxm_column column(const void *data, enum cxm_type type, const char *name)
{
    const size_t bytes = cxm_type_bytes(type);
    return cxm_column_make(name, type, data, N, (int64_t)bytes, (uint32_t)bytes);
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) {
        score[i] = (uint8_t)(i * 7 % 11);
        rating[i] = (uint8_t)(1 + i % 5);
        flag[i] = i % 3 != 0;
        other[i] = i % 4 != 0;
        replies[i] = (uint8_t)(i % 3);
        segment[i] = i * 1000003 % 7;
        weight[i] = 0.5 + i * 0.37;
        series[i] = i * 17 % N;
    }
    c_score = column(score, CXM_U8, "score");
    c_rating = column(rating, CXM_U8, "rating");
    c_flag = column(flag, CXM_BOOL, "flag");
    c_other = column(other, CXM_U8, "other");
    c_replies = column(replies, CXM_U8, "replies");
    c_by = column(segment, CXM_I32, "segment");
    c_weight = column(weight, CXM_F64, "weight");
    c_series = column(series, CXM_F64, "series");
    c_items[0] = c_rating;
    c_items[1] = column(rating, CXM_U8, NULL);
    c_expected[0] = column(replies, CXM_U8, "a");
    c_expected[1] = column(flag, CXM_U8, "b");
    const struct cxm_input inputs[] = { { "score", &c_score }, { "by", &c_by },
                                        { "weight", &c_weight } };
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_OK);
    const struct cxm_input seen[] = { { "duration", &c_replies }, { "event", &c_flag },
                                      { "by", &c_by } };
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &plain, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(plain, inputs, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_new("survival", NULL, 0, NULL, &curves, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(curves, seen, 3, NULL, NULL), CXM_OK);
    struct cxm_report *made = cxm_priv_report_new(NULL);
    cxm_priv_report_keys_of(made, tally);
    const struct cxm_estimate e = cxm_priv_blank_estimate(0.95, CXM_UNIT_POINTS, 0);
    const size_t row = cxm_priv_report_add(made, "nps", "nps", "d", &e);
    cxm_priv_report_text(made, row, cxm_priv_report_axis(made, "verdict", CXM_AXIS_TEXT), "met");
    assert_int_equal(cxm_priv_report_finish(made, &report, NULL), CXM_OK);
    saved = save_tally(tally, &saved_bytes);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cxm_tally_free(tally);
    cxm_tally_free(plain);
    cxm_tally_free(curves);
    cxm_report_free(report);
    free(saved);
    return 0;
}

static void allocations_fail_in_turn(void **state)
{
    const struct call *c = *state;
    struct cxm_row before[ROOM];
    assert_int_equal(c->call(), CXM_OK); /* derived parts of the tally are made now */
    for (int on = 0; on < 2; on++) {
        for (long fail_at = 1;; fail_at++) {
            memset(rows, 0x5A, sizeof rows);
            memcpy(before, rows, sizeof rows);
            countdown = fail_at;
            fail_on = on != 0;
            balance = 0;
            armed = true;
            const enum cxm_status status = c->call();
            armed = false;
            assert_int_equal(balance, 0);
            if (status == CXM_OK && countdown > 0)
                break; /* nothing was left to fail */
            if (status == CXM_OK)
                continue; /* only the array that spares look-ups of keys could not be made */
            assert_int_equal(status, CXM_ENOMEM);
            assert_memory_equal(rows, before, sizeof rows);
            assert_true(fail_at < 100000);
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(calls)];
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        tests[i] = (struct CMUnitTest){ calls[i].name, allocations_fail_in_turn, NULL, NULL,
                                        (void *)(uintptr_t)&calls[i] };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
