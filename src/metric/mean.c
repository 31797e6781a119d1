/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mean, ratio and total of numeric columns. Sums and sums of products are exact; the standard
 * errors are those of Taylor linearisation with n - 1 (Woodruff 1971), which for the mean
 * without weights is s / sqrt(n). */
#include "metric/bins.h"
#include "metric/call.h"
#include "metric/design.h"
#include "metric/metric.h"

#include <cxm/mean.h>

#include <math.h>

static enum cxm_status configure_one(struct cxm_config *config, struct cxm_error *error)
{
    return cxm_priv_one_unit(config, 1, 1, error);
}

static enum cxm_status configure_two(struct cxm_config *config, struct cxm_error *error)
{
    return cxm_priv_one_unit(config, 1, 2, error);
}

/* A row is used when all its inputs are; states of inputs are codes of a unit with one bin. */
static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    const uint32_t n_slots = config->n_slots;
    uint16_t *codes = block->unit_codes[0];
    for (size_t i = 0; i < block->n; i++)
        codes[i] = block->states[0][i];
    for (uint32_t s = 1; s < n_slots; s++) {
        const uint8_t *states = block->states[s];
        for (size_t i = 0; i < block->n; i++)
            codes[i] = states[i] > codes[i] ? states[i] : codes[i];
    }
    for (uint32_t s = 0; s < n_slots; s++)
        block->variables[s] = block->values[s];
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    cxm_priv_append(out, capacity, used, "%s", tally->config.rules->info->name);
}

static struct cxm_score score_mean(const struct cxm_config *config, uint32_t member, double *y)
{
    (void)config, (void)member, (void)y;
    return (struct cxm_score){ CXM_SCORE_VARIABLE, 0, 0, 1, -INFINITY, INFINITY, NULL };
}

/* The standard deviation, divisor n - 1; weighted: n / (n - 1) times the weighted variance. */
static void estimate_sd(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                        struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_begin(view, 0, ask, out);
    if (out->n < 2) {
        out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd sum = cxm_priv_view_sum(view, 0, 0);
    const struct cxm_dd weight = cxm_priv_view_weight(view, 0, 0);
    const struct cxm_dd squares = view->weighted ? cxm_priv_view_plain_product(view, 0, 0, 0)
                                                 : cxm_priv_view_product(view, 0, 0, 0);
    const struct cxm_dd a = cxm_priv_dd_mul(weight, squares), b = cxm_priv_dd_mul(sum, sum);
    const struct cxm_dd scatter = cxm_priv_dd_sub(a, b);
    const double n = (double)out->n;
    const double variance = scatter.hi > ldexp(fabs(a.hi), -98)
                              ? cxm_priv_dd_div(scatter, cxm_priv_dd_mul(weight, weight)).hi
                          : isinf(a.hi) ? NAN : 0.0; /* beyond 1e140 */
    out->value = sqrt(variance * n / (n - 1));
    if (isnan(variance))
        out->flags |= CXM_FLAG_NO_DATA;
    if (variance == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
}

static void estimate_ratio(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_begin(view, 0, ask, out);
    out->interval = cxm_priv_method(ask, CXM_INTERVAL_T);
    const struct cxm_dd below = cxm_priv_view_sum(view, 0, 1);
    if (out->n == 0)
        return;
    if (below.hi == 0) {
        out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd ratio = cxm_priv_dd_div(cxm_priv_view_sum(view, 0, 0), below);
    /* influence of a row: w (x - R y) / sum w y */
    const struct cxm_dd a[2] = { cxm_priv_dd(1), { -ratio.hi, -ratio.lo } };
    const struct cxm_dd nothing = { 0, 0 };
    const struct cxm_form form = { 0, a, &nothing, 0, below, 1 };
    out->value = ratio.hi;
    if (view->domain != NULL) {
        out->std_error = cxm_priv_design_error(view, &form);
    } else {
        struct cxm_view plain = *view;
        plain.capture = NULL;
        const double per_row = cxm_priv_form_error(&plain, 0, a, nothing, 1);
        out->std_error = per_row * out->sum_weight / fabs(below.hi);
        cxm_priv_capture_form(view, &form, out->std_error);
    }
    cxm_priv_finish_mean(view, out, ask, -INFINITY, INFINITY);
}

/* V = n / (n - 1) (sum v^2 - (sum v)^2 / n), v = w x. */
static void estimate_total(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_begin(view, 0, ask, out);
    out->interval = cxm_priv_method(ask, CXM_INTERVAL_T);
    const struct cxm_dd sum = cxm_priv_view_sum(view, 0, 0);
    if (out->n == 0)
        return;
    const struct cxm_dd n = cxm_priv_dd_int(out->n), v = cxm_priv_view_rounded_sum(view, 0, 0);
    const struct cxm_dd a = cxm_priv_dd_mul(n, cxm_priv_view_product(view, 0, 0, 0));
    const struct cxm_dd scatter = cxm_priv_dd_sub(a, cxm_priv_dd_mul(v, v));
    const double variance = scatter.hi > ldexp(fabs(a.hi), -98) ? scatter.hi
                          : isinf(a.hi) ? NAN : 0.0; /* beyond 1e140 */
    out->value = sum.hi;
    out->std_error = out->n > 1 ? sqrt(variance / (double)(out->n - 1)) : NAN;
    const struct cxm_dd one = { 1, 0 }, nothing = { 0, 0 };
    const struct cxm_form form = { 0, &one, &nothing, 0, one, 1 };
    if (view->domain != NULL)
        out->std_error = cxm_priv_design_error(view, &form);
    else
        cxm_priv_capture_form(view, &form, out->std_error);
    cxm_priv_finish_mean(view, out, ask, -INFINITY, INFINITY);
}

/* Columns of counts: events a row, per unit of another column, in all. */
static bool events_of_rows(const struct cxm_view *view, int family, struct cxm_events *out)
{
    struct cxm_base base;
    cxm_priv_view_base(view, 0, &base);
    *out = (struct cxm_events){ cxm_priv_view_sum(view, 0, 0).hi, (double)base.n };
    return family == 0;
}

static bool events_of_units(const struct cxm_view *view, int family, struct cxm_events *out)
{
    *out = (struct cxm_events){ cxm_priv_view_sum(view, 0, 0).hi,
                                cxm_priv_view_sum(view, 0, 1).hi };
    return family == 0;
}

static bool events_in_all(const struct cxm_view *view, int family, struct cxm_events *out)
{
    *out = (struct cxm_events){ cxm_priv_view_sum(view, 0, 0).hi, NAN };
    return family == 0;
}

static const struct cxm_input_info value_input[] = {
    { .name = "value", .summary = "numbers", .role = CXM_ROLE_NUMBER },
};
static const struct cxm_input_info ratio_inputs[] = {
    { .name = "numerator", .summary = "numbers above", .role = CXM_ROLE_NUMBER },
    { .name = "denominator", .summary = "numbers below", .role = CXM_ROLE_NUMBER },
};

static const struct cxm_measure_info mean_measures[] = {
    { "mean", "mean", "平均值", CXM_UNIT_SCALE, 1 },
    { "sd", "standard deviation", "标准差", CXM_UNIT_SCALE, 0 },
};
static const struct cxm_measure_info ratio_measures[] = {
    { "ratio", "ratio of totals", "总量比", CXM_UNIT_RATIO, 1 },
};
static const struct cxm_measure_info total_measures[] = {
    { "total", "total", "总量", CXM_UNIT_SCALE, 1 },
};

static const struct cxm_estimator mean_estimators[] = {
    { CXM_CLASS_MEAN, CXM_ONE, CXM_BETTER_HIGH, 0, .score = score_mean },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = estimate_sd },
};
static const struct cxm_estimator ratio_estimators[] = {
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_ratio },
};
static const struct cxm_estimator total_estimators[] = {
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_total },
};

static const struct cxm_metric_info mean_info = {
    .name = "mean", .summary = "mean of a column", .summary_zh = "平均值", .kind = 11,
    .base = CXM_BASE_RESPONSES, .inputs = value_input, .n_inputs = CXM_COUNT(value_input),
    .measures = mean_measures, .n_measures = CXM_COUNT(mean_measures),
    .intervals = cxm_priv_mean_intervals, .n_intervals = CXM_COUNT(cxm_priv_mean_intervals),
};
static const struct cxm_metric_info ratio_info = {
    .name = "ratio", .summary = "ratio of two columns", .summary_zh = "总量比", .kind = 12,
    .base = CXM_BASE_RESPONSES, .inputs = ratio_inputs, .n_inputs = CXM_COUNT(ratio_inputs),
    .measures = ratio_measures, .n_measures = CXM_COUNT(ratio_measures),
    .intervals = cxm_priv_mean_intervals, .n_intervals = CXM_COUNT(cxm_priv_mean_intervals),
};
static const struct cxm_metric_info total_info = {
    .name = "total", .summary = "total of a column", .summary_zh = "总量", .kind = 13,
    .base = CXM_BASE_RESPONSES, .inputs = value_input, .n_inputs = CXM_COUNT(value_input),
    .measures = total_measures, .n_measures = CXM_COUNT(total_measures),
    .intervals = cxm_priv_mean_intervals, .n_intervals = CXM_COUNT(cxm_priv_mean_intervals),
};

const struct cxm_metric cxm_priv_metric_mean = {
    .rules = { .info = &mean_info, .configure = configure_one, .rule = rule, .one_number = true },
    .estimators = mean_estimators,
    .items_param = -1, .dimensions_param = -1, .define = define, .events = events_of_rows,
};
const struct cxm_metric cxm_priv_metric_ratio = {
    .rules = { .info = &ratio_info, .configure = configure_two, .rule = rule },
    .estimators = ratio_estimators,
    .items_param = -1, .dimensions_param = -1, .define = define, .events = events_of_units,
};
const struct cxm_metric cxm_priv_metric_total = {
    .rules = { .info = &total_info, .configure = configure_one, .rule = rule, .one_number = true },
    .estimators = total_estimators,
    .items_param = -1, .dimensions_param = -1, .define = define, .events = events_in_all,
};

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_mean(const struct cxm_column *value, const struct cxm_mean_options *options,
                       struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_mean_options o = { CXM_INIT(mean) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "mean", &o);
    cxm_priv_call_input(&call, "value", value, 1);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}

enum cxm_status cxm_ratio(const struct cxm_column *numerator,
                          const struct cxm_column *denominator,
                          const struct cxm_mean_options *options,
                          struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                          struct cxm_error *error)
{
    struct cxm_mean_options o = { CXM_INIT(ratio) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "ratio", &o);
    cxm_priv_call_input(&call, "numerator", numerator, 1);
    cxm_priv_call_input(&call, "denominator", denominator, 1);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}

enum cxm_status cxm_total(const struct cxm_column *value, const struct cxm_mean_options *options,
                       struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_mean_options o = { CXM_INIT(total) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "total", &o);
    cxm_priv_call_input(&call, "value", value, 1);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}
