/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact quantiles of values that repeat (whole seconds, minutes, days): value -> number of rows, a
 * table that adds up under any partition. At most 2^30 pairs of group and value; for columns of
 * ever new reals see analysis/quantiles.c, which selects without a table. */
#include "metric/value_table.h"

#include "estimate/order.h"

#include <math.h>

enum { USED = 0, MISSING = 1, INVALID = 2 };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_one_unit(config, 1, 0, error);
    config->lowest[0] = -1.7976931348623157e308;
    config->highest[0] = 1.7976931348623157e308;
    config->n_table_values = 1;
    config->n_table_counts = 1;
    return status;
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    for (size_t i = 0; i < block->n; i++) {
        const uint8_t state = block->states[0][i];
        block->unit_codes[0][i] = state == CXM_ROW_USED ? USED
                                : state == CXM_ROW_MISSING ? MISSING : INVALID;
        block->table_counters[0][i] = state == CXM_ROW_USED ? 0 : CXM_NO_COUNTER;
        block->table_values[0][i] = block->values[0][i] + 0.0; /* -0.0 is 0.0 */
    }
}

static bool table_is_sound(const struct cxm_tally *tally, const uint32_t *order)
{
    return cxm_priv_numbers_are_sound(tally, order, tally->config.lowest[0],
                                      tally->config.highest[0]);
}

/* ---- measures --------------------------------------------------------------------------- */

static void estimate_quantile(const struct cxm_view *view, double p, const struct cxm_ask *ask,
                              struct cxm_estimate *out)
{
    cxm_priv_begin(view, 0, ask, out);
    if (out->n == 0)
        return;
    const struct cxm_quantile_ranks r = cxm_priv_quantile_ranks(out->n, p, 7, ask->level);
    const int64_t lower[] = { r.lower, r.low }, upper[] = { r.high, r.upper };
    double x[2], y[2];
    cxm_priv_table_statistics(view->values, view->numbers, view->n_numbers, lower, 2, x);
    cxm_priv_table_statistics(view->values, view->numbers, view->n_numbers, upper, 2, y);
    out->value = cxm_priv_between(x[1], y[0], r.part);
    if (ask->interval == CXM_INTERVAL_NONE)
        return;
    out->interval = CXM_INTERVAL_ORDER_STATISTIC;
    out->lower = out->lower_raw = r.lower < 0 ? -INFINITY : x[0];
    out->upper = out->upper_raw = r.upper >= out->n ? INFINITY : y[1];
}

#define QUANTILE(name, p)                                                                      \
    static void name(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,   \
                     struct cxm_estimate *out)                                                 \
    {                                                                                          \
        (void)member;                                                                          \
        estimate_quantile(view, p, ask, out);                                                  \
    }

QUANTILE(estimate_median, 0.5)
QUANTILE(estimate_p25, 0.25)
QUANTILE(estimate_p75, 0.75)
QUANTILE(estimate_p90, 0.9)
QUANTILE(estimate_p95, 0.95)
QUANTILE(estimate_p99, 0.99)

/* ---- the description -------------------------------------------------------------------- */

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    (void)tally;
    cxm_priv_append(out, capacity, used, "quantiles/type=7");
}

static const struct cxm_input_info inputs[] = {
    { .name = "value", .summary = "any real number, such as seconds", .role = CXM_ROLE_NUMBER },
};

static const struct cxm_measure_info measures[] = {
    { "median", "median", "中位数", CXM_UNIT_SCALE, 1 },
    { "p25", "25 % quantile", "第25百分位数", CXM_UNIT_SCALE, 0 },
    { "p75", "75 % quantile", "第75百分位数", CXM_UNIT_SCALE, 0 },
    { "p90", "90 % quantile", "第90百分位数", CXM_UNIT_SCALE, 1 },
    { "p95", "95 % quantile", "第95百分位数", CXM_UNIT_SCALE, 1 },
    { "p99", "99 % quantile", "第99百分位数", CXM_UNIT_SCALE, 1 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_QUANTILE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_median },
    { CXM_CLASS_QUANTILE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_p25 },
    { CXM_CLASS_QUANTILE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_p75 },
    { CXM_CLASS_QUANTILE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_p90 },
    { CXM_CLASS_QUANTILE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_p95 },
    { CXM_CLASS_QUANTILE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_p99 },
};

static const enum cxm_interval intervals[] = { CXM_INTERVAL_ORDER_STATISTIC, CXM_INTERVAL_NONE };

static const struct cxm_metric_info info = {
    .name = "quantiles", .summary = "exact quantiles", .summary_zh = "分位数", .kind = 19,
    .base = CXM_BASE_TICKETS, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .measures = measures, .n_measures = CXM_COUNT(measures), .intervals = intervals,
    .n_intervals = CXM_COUNT(intervals),
};

const struct cxm_metric cxm_priv_metric_quantiles = {
    .rules = { .info = &info, .configure = configure, .rule = rule, .unweighted = true,
               .table_is_sound = table_is_sound },
    .estimators = estimators, .items_param = -1, .dimensions_param = -1, .define = define,
};
