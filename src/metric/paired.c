/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same customers in two waves. Unit 0 counts pairs of answers: all of them (121 on 0 … 10)
 * where the scale has at most 31 answers, else the nine pairs of detractor, passive, promoter.
 * Units 1 to 3 count where those who were detractors, passives, promoters before are now; for
 * each of them everybody else is not in the denominator. Tests: see estimate/paired.c. */
#include "metric/call.h"
#include "metric/metric.h"

#include "estimate/compare.h"

#include <cxm/paired.h>

#include <math.h>

enum { SCALE, PROMOTER, DETRACTOR };
enum { BEFORE, AFTER };
enum { JOINT, FIRST_ROW, KINDS = 3, UNITS = 1 + KINDS, MOST_ANSWERS = 31 };
enum { CHANGE, BEFORE_NPS, AFTER_NPS, T, STUART_MAXWELL, BHAPKAR, SCORE, BOWKER, MCNEMAR,
       MCNEMAR_CORRECTED, P, TRANSITION };

static const char *const tests[] = { "t", "stuart_maxwell", "bhapkar", "score", "bowker",
                                     "mcnemar", "mcnemar_corrected", "mcnemar_exact",
                                     "mcnemar_mid_p", NULL };
static const char *const transitions[] = {
    "detractor,detractor", "detractor,passive", "detractor,promoter",
    "passive,detractor",   "passive,passive",   "passive,promoter",
    "promoter,detractor",  "promoter,passive",  "promoter,promoter", NULL };

static const char *const *names_of(int family)
{
    return family == P ? tests : transitions;
}

static uint32_t unit_of(const struct cxm_config *config, int family, uint32_t usual)
{
    (void)config;
    return family == TRANSITION ? FIRST_ROW + (usual - FIRST_ROW) / KINDS : JOINT;
}

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_rating_scale(config, SCALE, BEFORE, error);
    if (status == CXM_OK)
        status = cxm_priv_rating_scale(config, SCALE, AFTER, error);
    if (status != CXM_OK)
        return status;
    const double promoter = cxm_priv_number(config, PROMOTER);
    const double detractor = cxm_priv_number(config, DETRACTOR);
    if (!(config->lowest[0] <= detractor && detractor < promoter
          && promoter <= config->highest[0]))
        return cxm_priv_fail(error, CXM_EINVAL, "promoter",
                             "detractor %d and promoter %d do not fit the scale %d to %d; pass "
                             "both cuts for this scale", (int)detractor, (int)promoter,
                             (int)config->lowest[0], (int)config->highest[0]);
    struct cxm_unit_spec *unit = cxm_priv_config_units(config, UNITS);
    if (unit == NULL)
        return cxm_priv_no_memory(error);
    const uint32_t answers = cxm_priv_scale_bins(config);
    unit[JOINT].bins = answers <= MOST_ANSWERS ? answers * answers : KINDS * KINDS;
    for (uint32_t u = FIRST_ROW; u < UNITS; u++) {
        unit[u].bins = KINDS;
        unit[u].n_reasons = 1;
        unit[u].reasons[0] = CXM_REASON_NOT_IN_DENOMINATOR;
    }
    return CXM_OK;
}

/* 0 detractor, 1 passive, 2 promoter. */
static uint32_t kind_of(const struct cxm_config *config, uint32_t answer)
{
    const double value = config->lowest[0] + answer;
    return value >= cxm_priv_number(config, PROMOTER)    ? 2
           : value <= cxm_priv_number(config, DETRACTOR) ? 0
                                                          : 1;
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    const uint32_t answers = cxm_priv_scale_bins(config), bins = config->units[JOINT].bins;
    const bool all = answers <= MOST_ANSWERS;
    uint8_t kinds[CXM_MAX_BINS];
    for (uint32_t a = 0; a < answers; a++)
        kinds[a] = (uint8_t)kind_of(config, a);
    for (size_t i = 0; i < block->n; i++) {
        const uint32_t b = block->codes[BEFORE][i], a = block->codes[AFTER][i];
        if (b < answers && a < answers) {
            block->unit_codes[JOINT][i] = (uint16_t)(all ? b * answers + a
                                                         : (uint32_t)(kinds[b] * KINDS + kinds[a]));
            for (uint32_t k = 0; k < KINDS; k++)
                block->unit_codes[FIRST_ROW + k][i] =
                    (uint16_t)(kinds[b] == k ? kinds[a] : KINDS + 3);
            continue;
        }
        /* missing (0) or invalid (1): the worse of the two */
        const uint32_t x = b >= answers ? b - answers : 0, y = a >= answers ? a - answers : 0;
        const uint32_t worse = x > y ? x : y;
        block->unit_codes[JOINT][i] = (uint16_t)(bins + worse);
        for (uint32_t k = 0; k < KINDS; k++)
            block->unit_codes[FIRST_ROW + k][i] = (uint16_t)(KINDS + worse);
    }
}

/* ---- estimates ------------------------------------------------------------------------ */

/* The kinds of a bin of unit 0. */
static void kinds_of_bin(const struct cxm_config *config, uint32_t bin, uint32_t *before,
                         uint32_t *after)
{
    const uint32_t answers = cxm_priv_scale_bins(config);
    const bool all = answers <= MOST_ANSWERS;
    *before = all ? kind_of(config, bin / answers) : bin / KINDS;
    *after = all ? kind_of(config, bin % answers) : bin % KINDS;
}

static bool is_simple(const struct cxm_view *view)
{
    return !view->weighted && view->domain == NULL;
}

/* The mean of d with n - 1 and t limits; without weights the standard error then gets the divisor
 * n of net scores, and so do Wald limits. */
static void estimate_change(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    double y[CXM_MAX_BINS];
    for (uint32_t bin = 0; bin < view->config->units[JOINT].bins; bin++) {
        uint32_t before, after;
        kinds_of_bin(view->config, bin, &before, &after);
        y[bin] = (double)after - (double)before;
    }
    struct cxm_ask t = *ask;
    const bool wald = ask->interval == CXM_INTERVAL_WALD;
    t.interval = wald || ask->interval == CXM_INTERVAL_NONE ? ask->interval : CXM_INTERVAL_T;
    cxm_priv_estimate_bin_mean(view, JOINT, y, 0, 100, -200, 200, &t, out);
    if (t.interval == CXM_INTERVAL_T)
        out->interval = CXM_INTERVAL_WALD_T;
    if (out->n == 0 || !is_simple(view))
        return;
    const double n = (double)out->n;
    out->std_error = n > 1 ? out->std_error * sqrt((n - 1) / n) : 0.0;
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    if (!wald)
        return;
    out->flags &= ~(uint32_t)(CXM_FLAG_CLIPPED | CXM_FLAG_OFF_CENTRE);
    cxm_priv_set_limits(out, cxm_priv_mean_limits(out->value, out->std_error, INFINITY,
                                                  ask->level), -200, 200);
}

static void estimate_wave(const struct cxm_view *view, bool after, const struct cxm_ask *ask,
                          struct cxm_estimate *out)
{
    double y[CXM_MAX_BINS];
    for (uint32_t bin = 0; bin < view->config->units[JOINT].bins; bin++) {
        uint32_t kinds[2];
        kinds_of_bin(view->config, bin, &kinds[0], &kinds[1]);
        y[bin] = (double)kinds[after] - 1;
    }
    cxm_priv_estimate_net(view, JOINT, y, ask, out);
}

static void estimate_before(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_wave(view, false, ask, out);
}

static void estimate_after(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_wave(view, true, ask, out);
}

static struct cxm_paired_nets tests_of(const struct cxm_view *view, double level)
{
    double counts[3][3] = { { 0 } };
    for (uint32_t bin = 0; bin < view->config->units[JOINT].bins; bin++) {
        uint32_t before, after;
        kinds_of_bin(view->config, bin, &before, &after);
        counts[before][after] += (double)cxm_priv_view_count(view, JOINT, bin);
    }
    return cxm_priv_paired_nets((const double (*)[3])counts, level);
}

static void finish_test(struct cxm_estimate *out, double value)
{
    out->value = value;
    if (isnan(value))
        out->flags |= CXM_FLAG_NO_DATA;
}

/* t of any design: the change over its standard error, and its degrees of freedom. */
static struct cxm_comparison t_of(const struct cxm_view *view, const struct cxm_ask *ask)
{
    struct cxm_estimate e = { .flags = 0 };
    estimate_change(view, 0, &(struct cxm_ask){ ask->level, CXM_INTERVAL_DEFAULT, ask->small_n,
                                               ask->critical },
                    &e);
    const double n = (double)e.n;
    const double error = !is_simple(view) ? e.std_error
                         : n > 1          ? e.std_error * sqrt(n / (n - 1))
                                          : (double)NAN;
    return cxm_priv_compare_wald(e.value, error, e.df, ask->level);
}

static void begin_test(const struct cxm_view *view, const struct cxm_ask *ask,
                       struct cxm_estimate *out)
{
    cxm_priv_begin(view, JOINT, ask, out);
}

static void estimate_t(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                       struct cxm_estimate *out)
{
    (void)member;
    begin_test(view, ask, out);
    finish_test(out, t_of(view, ask).statistic);
}

/* The chi-squares, in the order of `tests`. */
static double statistic_of(const struct cxm_paired_nets *x, int test)
{
    const double all[] = { NAN, x->stuart_maxwell, x->bhapkar, x->score, x->bowker, x->mcnemar,
                           x->mcnemar_corrected };
    return all[test];
}

static double p_of(const struct cxm_paired_nets *x, uint32_t test)
{
    const double all[] = { NAN, x->stuart_maxwell_p, x->bhapkar_p, x->score_p, x->bowker_p,
                           x->mcnemar_p, x->mcnemar_corrected_p, x->mcnemar_exact_p,
                           x->mcnemar_mid_p };
    return all[test];
}

static void estimate_statistic(const struct cxm_view *view, int test, const struct cxm_ask *ask,
                               struct cxm_estimate *out)
{
    begin_test(view, ask, out);
    const struct cxm_paired_nets x = tests_of(view, ask->level);
    finish_test(out, is_simple(view) ? statistic_of(&x, test) : (double)NAN);
}

#define STATISTIC(name, test)                                                                    \
    static void estimate_##name(const struct cxm_view *view, uint32_t member,                    \
                                const struct cxm_ask *ask, struct cxm_estimate *out)             \
    {                                                                                            \
        (void)member;                                                                            \
        estimate_statistic(view, test, ask, out);                                                \
    }
STATISTIC(stuart_maxwell, 1)
STATISTIC(bhapkar, 2)
STATISTIC(score, 3)
STATISTIC(bowker, 4)
STATISTIC(mcnemar, 5)
STATISTIC(mcnemar_corrected, 6)

static void estimate_p(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                       struct cxm_estimate *out)
{
    begin_test(view, ask, out);
    if (member == 0) {
        finish_test(out, t_of(view, ask).p_value);
        return;
    }
    const struct cxm_paired_nets x = tests_of(view, ask->level);
    finish_test(out, is_simple(view) && out->n > 0 ? p_of(&x, member) : (double)NAN);
}

static void estimate_transition(const struct cxm_view *view, uint32_t member,
                                const struct cxm_ask *ask, struct cxm_estimate *out)
{
    double y[KINDS] = { 0 };
    y[member % KINDS] = 1;
    cxm_priv_estimate_share(view, FIRST_ROW + member / KINDS, y, ask, out);
}

/* ---- description ---------------------------------------------------------------------- */

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const struct cxm_config *config = &tally->config;
    cxm_priv_append(out, capacity, used, "paired/");
    cxm_priv_define_scale(config, out, capacity, used);
    cxm_priv_append(out, capacity, used, "/%d-%d", (int)cxm_priv_number(config, DETRACTOR),
                    (int)cxm_priv_number(config, PROMOTER));
}

static const struct cxm_input_info inputs[] = {
    { .name = "before", .summary = "answer in the first wave", .role = CXM_ROLE_RATING },
    { .name = "after", .summary = "answer in the second wave", .role = CXM_ROLE_RATING },
};

static const struct cxm_param_info params[] = {
    { .name = "scale", .summary = "lowest and highest answer", .kind = CXM_PARAM_PAIR,
      .defaults = { 0, 10 }, .lowest = -1e6, .highest = 1e6 },
    { .name = "promoter", .summary = "lowest answer of a promoter", .kind = CXM_PARAM_INTEGER,
      .defaults = { 9 }, .lowest = -1e6, .highest = 1e6 },
    { .name = "detractor", .summary = "highest answer of a detractor",
      .kind = CXM_PARAM_INTEGER, .defaults = { 6 }, .lowest = -1e6, .highest = 1e6 },
};

static const struct cxm_measure_info measures[] = {
    { "change", "change of the Net Promoter Score of the same customers", "净推荐值变化",
      CXM_UNIT_POINTS, 1 },
    { "before", "Net Promoter Score in the first wave", "前期净推荐值", CXM_UNIT_POINTS, 0 },
    { "after", "Net Promoter Score in the second wave", "后期净推荐值", CXM_UNIT_POINTS, 0 },
    { "t", "paired t statistic of the change", "配对 t 统计量", CXM_UNIT_RATIO, 0 },
    { "stuart_maxwell", "chi-square of equal shares", "Stuart-Maxwell 边际齐性检验",
      CXM_UNIT_RATIO, 0 },
    { "bhapkar", "chi-square of equal shares (Bhapkar)", "Bhapkar 边际齐性检验", CXM_UNIT_RATIO,
      0 },
    { "score", "chi-square of an equal net score", "净推荐值得分检验", CXM_UNIT_RATIO, 0 },
    { "bowker", "chi-square of symmetry", "Bowker 对称性检验", CXM_UNIT_RATIO, 0 },
    { "mcnemar", "chi-square of promoter or not", "McNemar 检验", CXM_UNIT_RATIO, 0 },
    { "mcnemar_corrected", "the same with continuity correction", "McNemar 连续性校正检验",
      CXM_UNIT_RATIO, 0 },
    { "p[test]", "p-value of a test", "检验 p 值", CXM_UNIT_RATIO, 0 },
    { "transition[before,after]", "share of the kind before that is of the kind after",
      "客户类型转移占比", CXM_UNIT_SHARE, 0 },
};

static const struct cxm_estimator estimators[] = {
    [CHANGE] = { CXM_CLASS_CHANGE, CXM_ONE, CXM_BETTER_HIGH, JOINT, .estimate = estimate_change },
    [BEFORE_NPS] = { CXM_CLASS_NET, CXM_ONE, CXM_BETTER_HIGH, JOINT, .estimate = estimate_before },
    [AFTER_NPS] = { CXM_CLASS_NET, CXM_ONE, CXM_BETTER_HIGH, JOINT, .estimate = estimate_after },
    [T] = { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, JOINT, .estimate = estimate_t },
    [STUART_MAXWELL] = { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, JOINT,
                         .estimate = estimate_stuart_maxwell },
    [BHAPKAR] = { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, JOINT, .estimate = estimate_bhapkar },
    [SCORE] = { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, JOINT, .estimate = estimate_score },
    [BOWKER] = { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, JOINT, .estimate = estimate_bowker },
    [MCNEMAR] = { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, JOINT, .estimate = estimate_mcnemar },
    [MCNEMAR_CORRECTED] = { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, JOINT,
                            .estimate = estimate_mcnemar_corrected },
    [P] = { CXM_CLASS_NONE, CXM_PER_NAME, CXM_BETTER_NEITHER, JOINT, .estimate = estimate_p },
    [TRANSITION] = { CXM_CLASS_SHARE, CXM_PER_NAME, CXM_BETTER_NEITHER, FIRST_ROW,
                     .estimate = estimate_transition },
};

static const enum cxm_interval intervals[] = { CXM_INTERVAL_WALD_T, CXM_INTERVAL_WALD,
                                               CXM_INTERVAL_NONE };

static const struct cxm_metric_info info = {
    .name = "paired", .summary = "Net Promoter Score of the same customers in two waves",
    .summary_zh = "同一客户两期净推荐值", .kind = 14, .base = CXM_BASE_CUSTOMERS,
    .inputs = inputs, .n_inputs = CXM_COUNT(inputs), .params = params,
    .n_params = CXM_COUNT(params), .measures = measures, .n_measures = CXM_COUNT(measures),
    .intervals = intervals, .n_intervals = CXM_COUNT(intervals),
};

const struct cxm_metric cxm_priv_metric_paired = {
    .rules = { .info = &info, .configure = configure, .rule = rule }, .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .unit_of = unit_of, .names_of = names_of,
    .define = define,
};

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_paired(const struct cxm_column *before, const struct cxm_column *after,
                           const struct cxm_paired_options *options, struct cxm_row *rows,
                           size_t row_bytes, size_t capacity, size_t *n_out,
                           struct cxm_error *error)
{
    struct cxm_paired_options o = { CXM_INIT(paired) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "paired", &o);
    const double cuts[2] = { o.promoter, o.detractor };
    cxm_priv_call_cuts(&call, o.scale, cuts);
    cxm_priv_call_input(&call, "before", before, 1);
    cxm_priv_call_input(&call, "after", after, 1);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}
