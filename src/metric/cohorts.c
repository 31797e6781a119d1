/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The cohort matrix as a tally: keys cohort and period (after those of the caller), rows are
 * customers, once for each period: retained or not, and whether the period was over when the
 * data end. What was not over is pending, never 0. The derive step makes the rows; parts of the
 * customers merge exactly. The parameters only say how the rows were made, so that matrices of
 * other rules do not mix. */
#include "metric/metric.h"

#include <math.h>

enum { RETAINED, OBSERVABLE };
enum { NO, YES, MISSING, INVALID, NOT_YET = 5, ALREADY = 6 };
enum { UNIT, LENGTH, ROWS, MODE, CRITERION, DENOMINATOR, AS_OF, BRACKETS, N_PERIODS, UTC_OFFSET,
       START, HOUR_FLOOR };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_one_unit(config, 2, 0, error);
    if (status != CXM_OK)
        return status;
    config->units[0].n_reasons = 2;
    config->units[0].reasons[0] = config->units[0].reasons[1] = CXM_REASON_PENDING;
    return CXM_OK;
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    for (size_t i = 0; i < block->n; i++) {
        const uint16_t retained = block->codes[RETAINED][i];
        const uint16_t over = block->codes[OBSERVABLE][i];
        uint16_t code = retained;
        if (over > YES || retained > YES)
            code = over == INVALID || retained == INVALID ? INVALID : MISSING;
        else if (over == NO)
            code = retained == YES ? ALREADY : NOT_YET;
        block->unit_codes[0][i] = code;
    }
}

static const double is_yes[2] = { 0, 1 }, is_any[2] = { 1, 1 };

static uint32_t flags_of(const struct cxm_view *view)
{
    const int64_t pending = cxm_priv_view_count(view, 0, NOT_YET)
                          + cxm_priv_view_count(view, 0, ALREADY);
    const bool rises = cxm_priv_choice(view->config, CRITERION) == 1;
    return pending > 0 || rises ? CXM_FLAG_PROVISIONAL : 0;
}

static void estimate_share(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_share(view, 0, is_yes, ask, out);
    out->flags |= flags_of(view);
}

static void estimate_retained(const struct cxm_view *view, uint32_t member,
                              const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, 0, is_yes, ask, out);
    out->flags |= flags_of(view);
}

static void estimate_observed(const struct cxm_view *view, uint32_t member,
                              const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, 0, is_any, ask, out);
}

/* All of the cohort, and who came back so far, over or not. */
static void estimate_size(const struct cxm_view *view, uint32_t member,
                          const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_begin(view, 0, ask, out);
    out->value = (double)(out->n + cxm_priv_view_count(view, 0, NOT_YET)
                          + cxm_priv_view_count(view, 0, ALREADY));
}

static void estimate_so_far(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_begin(view, 0, ask, out);
    out->value = (double)(cxm_priv_view_count(view, 0, YES)
                          + cxm_priv_view_count(view, 0, ALREADY));
    out->flags |= flags_of(view);
}

static const char *choice_of(const struct cxm_tally *tally, int param)
{
    return tally->config.params[param].texts[0];
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const struct cxm_config *config = &tally->config;
    const bool rolling = cxm_priv_choice(config, MODE) == 1;
    char text[CXM_DOUBLE_TEXT];
    cxm_priv_append(out, capacity, used, "cohorts/%s", choice_of(tally, MODE));
    if (cxm_priv_number(config, LENGTH) > 0)
        cxm_priv_append(out, capacity, used, "/unit=%ss",
                        cxm_priv_double_text(cxm_priv_number(config, LENGTH), text));
    else
        cxm_priv_append(out, capacity, used, "/unit=%s", choice_of(tally, UNIT));
    if (strcmp(choice_of(tally, ROWS), "unit") != 0)
        cxm_priv_append(out, capacity, used, "/rows=%s", choice_of(tally, ROWS));
    cxm_priv_append(out, capacity, used, "/%s", choice_of(tally, CRITERION));
    const struct cxm_value *edges = &config->params[BRACKETS];
    for (size_t i = 0; i < edges->n_numbers; i++)
        cxm_priv_append(out, capacity, used, "%s%s", i == 0 ? "/brackets=" : ",",
                        cxm_priv_double_text(edges->numbers[i], text));
    if (rolling && cxm_priv_choice(config, DENOMINATOR) == 1)
        cxm_priv_append(out, capacity, used, "/of-customers");
    if (cxm_priv_choice(config, START) != 0)
        cxm_priv_append(out, capacity, used, "/start=%s", choice_of(tally, START));
    if (cxm_priv_number(config, HOUR_FLOOR) != 0)
        cxm_priv_append(out, capacity, used, "/hour-floor");
}

static const struct cxm_input_info inputs[] = {
    { .name = "retained", .summary = "came back in the period", .role = CXM_ROLE_FLAG },
    { .name = "observable", .summary = "the period was over at as_of", .role = CXM_ROLE_FLAG },
};

static const char *const units[] = { "day", "week", "month", "quarter", "year", NULL };
static const char *const row_units[] = { "unit", "day", "week", "month", "quarter", "year",
                                         NULL };
static const char *const modes[] = { "calendar", "rolling", NULL };
static const char *const criteria[] = { "on", "on_or_after", NULL };
static const char *const denominators[] = { "cohort", "customer", NULL };
static const char *const starts[] = { "first", "event", "time", NULL };

static const struct cxm_param_info params[] = {
    { .name = "unit", .summary = "what a period is", .kind = CXM_PARAM_CHOICE,
      .default_text = "month", .choices = units },
    { .name = "length", .summary = "seconds of a period, instead of a unit; 0: none",
      .kind = CXM_PARAM_INTEGER, .defaults = { 0 }, .lowest = 0, .highest = 1e12 },
    { .name = "rows", .summary = "what a cohort is", .kind = CXM_PARAM_CHOICE,
      .default_text = "unit", .choices = row_units },
    { .name = "mode", .summary = "calendar periods, or counted from each start",
      .kind = CXM_PARAM_CHOICE, .default_text = "calendar", .choices = modes },
    { .name = "criterion", .summary = "came back in the period, or in it or later",
      .kind = CXM_PARAM_CHOICE, .default_text = "on", .choices = criteria },
    { .name = "denominator", .summary = "whole cohorts, or customers one by one",
      .kind = CXM_PARAM_CHOICE, .default_text = "cohort", .choices = denominators },
    { .name = "as_of", .summary = "seconds UTC up to which everything is known",
      .kind = CXM_PARAM_INTEGER, .defaults = { 0 }, .lowest = -0x1p53, .highest = 0x1p53 },
    { .name = "brackets", .summary = "edges of the columns in units",
      .kind = CXM_PARAM_NUMBERS, .lowest = 0, .highest = 1e9 },
    { .name = "n_periods", .summary = "columns; 0: up to as_of", .kind = CXM_PARAM_INTEGER,
      .defaults = { 0 }, .lowest = 0, .highest = 1e6 },
    { .name = "utc_offset", .summary = "seconds east of UTC, or the hash of a zone table",
      .kind = CXM_PARAM_INTEGER, .defaults = { 0 }, .lowest = -172800, .highest = 0x1p53 },
    { .name = "start", .summary = "what starts a customer", .kind = CXM_PARAM_CHOICE,
      .default_text = "first", .choices = starts },
    { .name = "hour_floor", .summary = "instants are floored to the hour first",
      .kind = CXM_PARAM_YES_NO, .defaults = { 0 }, .lowest = 0, .highest = 1 },
};

static const struct cxm_measure_info measures[] = {
    { "retention", "share of the cohort that came back", "同期群留存率", CXM_UNIT_SHARE, 1 },
    { "successes", "customers who came back, of those observed", "回访客户数", CXM_UNIT_COUNT,
      0 },
    { "denominator", "customers observed for the whole period", "可观察客户数", CXM_UNIT_COUNT,
      0 },
    { "size", "customers of the cohort", "同期群人数", CXM_UNIT_COUNT, 0 },
    { "so_far", "customers who came back so far", "至今回访客户数", CXM_UNIT_COUNT, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_share },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_retained },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = estimate_observed },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = estimate_size },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_so_far },
};

static const struct cxm_metric_info info = {
    .name = "cohorts", .summary = "retention by cohort and period", .summary_zh = "同期群留存率",
    .kind = 16, .base = CXM_BASE_CUSTOMERS, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .params = params, .n_params = CXM_COUNT(params), .measures = measures,
    .n_measures = CXM_COUNT(measures), .intervals = cxm_priv_share_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};

const struct cxm_metric cxm_priv_metric_cohorts = {
    .rules = { .info = &info, .configure = configure, .rule = rule }, .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};
