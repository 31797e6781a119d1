/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The gap between what customers perceived and what they expected: satisfaction = perceived -
 * expected, negative where it fell short (Parasuraman, Zeithaml and Berry 1988). Unit 0 is the
 * overall gap of a respondent, then one unit for each item, then one for each dimension. Units of
 * items and dimensions count short, met and exceeded, and keep perceived and expected as two
 * variables, so that means, paired t and Cohen's dz come from one moment matrix. */
#include "metric/call.h"
#include "metric/design.h"
#include "metric/gap.h"

#include <cxm/csi.h>

#include <math.h>

static enum cxm_status check_dimensions(const struct cxm_config *config, struct cxm_error *error)
{
    const struct cxm_value *d = &config->params[CXM_GAP_DIMENSION];
    const struct cxm_value *weights = &config->params[CXM_GAP_DIMENSION_WEIGHTS];
    if (d->n_texts == 0 && d->n_numbers == 0 && weights->n_numbers == 0)
        return CXM_OK;
    if (d->n_numbers != cxm_priv_gap_items(config) || d->n_texts > d->n_numbers)
        return cxm_priv_fail(error, CXM_EINVAL, "dimension",
                             "dimension must say for each of the %u items where it belongs",
                             cxm_priv_gap_items(config));
    for (size_t k = 0; k < d->n_texts; k++) {
        bool found = false;
        for (size_t i = 0; i < d->n_numbers; i++) {
            if (d->numbers[i] >= (double)d->n_texts)
                return cxm_priv_fail(error, CXM_EINVAL, "dimension",
                                     "item %s belongs to no known dimension",
                                     config->params[CXM_GAP_ITEMS].texts[i]);
            found = found || d->numbers[i] == (double)k;
        }
        if (!found)
            return cxm_priv_fail(error, CXM_EINVAL, "dimension", "%s has no items", d->texts[k]);
        for (size_t i = 0; i < cxm_priv_gap_items(config); i++) {
            if (strcmp(d->texts[k], config->params[CXM_GAP_ITEMS].texts[i]) == 0)
                return cxm_priv_fail(error, CXM_EINVAL, "dimension",
                                     "%s is the name of an item and of a dimension",
                                     d->texts[k]);
        }
        for (size_t other = 0; other < k; other++) {
            if (strcmp(d->texts[k], d->texts[other]) == 0)
                return cxm_priv_fail(error, CXM_EINVAL, "dimension", "%s is there twice",
                                     d->texts[k]);
        }
    }
    if (weights->n_numbers != 0 && weights->n_numbers != d->n_texts)
        return cxm_priv_fail(error, CXM_EINVAL, "dimension_weights",
                             "%zu weights for %zu dimensions", weights->n_numbers, d->n_texts);
    double sum = 0;
    for (size_t k = 0; k < weights->n_numbers; k++)
        sum += weights->numbers[k];
    if (weights->n_numbers > 0 && !(sum > 0))
        return cxm_priv_fail(error, CXM_EINVAL, "dimension_weights", "the weights sum to 0");
    return CXM_OK;
}

static enum cxm_status check_weights(const struct cxm_config *config, struct cxm_error *error)
{
    const int given = (config->params[CXM_GAP_WEIGHTS].n_numbers > 0)
                    + (config->params[CXM_GAP_DIMENSION_WEIGHTS].n_numbers > 0)
                    + (cxm_priv_gap_importance(config) != CXM_IMPORTANCE_NONE);
    if (given > 1)
        return cxm_priv_fail(error, CXM_EINVAL, "item_weights",
                             "item_weights, dimension_weights and importance exclude each "
                             "other");
    return CXM_OK;
}

/* 0, 0 stands for a scale without ends: real-valued input. */
static enum cxm_status set_scale(struct cxm_config *config, struct cxm_error *error)
{
    const double *const ends = config->params[CXM_GAP_SCALE].numbers;
    const double low = ends[0], high = ends[1];
    if (low == 0 && high == 0)
        return CXM_OK;
    if (!(low < high))
        return cxm_priv_fail(error, CXM_EINVAL, "scale", "scale must be two numbers, low before "
                             "high");
    config->lowest[CXM_GAP_PERCEIVED] = config->lowest[CXM_GAP_EXPECTED] = low;
    config->highest[CXM_GAP_PERCEIVED] = config->highest[CXM_GAP_EXPECTED] = high;
    return CXM_OK;
}

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_items_check(config, CXM_GAP_ITEMS, CXM_GAP_WEIGHTS, error);
    if (status == CXM_OK)
        status = check_dimensions(config, error);
    if (status == CXM_OK)
        status = check_weights(config, error);
    if (status == CXM_OK)
        status = set_scale(config, error);
    if (status != CXM_OK)
        return status;
    const uint32_t k = cxm_priv_gap_items(config), units = 1 + k + cxm_priv_gap_dimensions(config);
    for (int r = 0; r < 3; r++)
        config->n_items[r] = k;
    config->lowest[CXM_GAP_IMPORTANCE_INPUT] = 0;
    struct cxm_unit_spec *unit = cxm_priv_config_units(config, units);
    if (unit == NULL)
        return cxm_priv_no_memory(error);
    unit[0].bins = 1;
    unit[0].variables = cxm_priv_gap_importance(config) == CXM_IMPORTANCE_AGGREGATE ? 2 * k : 1;
    for (uint32_t u = 1; u < units; u++) {
        unit[u].bins = CXM_GAP_BINS;
        unit[u].variables = 2;
    }
    return CXM_OK;
}

static enum cxm_status check_inputs(const struct cxm_config *config, const bool *given,
                                    struct cxm_error *error)
{
    return cxm_priv_items_check_importance(config, CXM_GAP_IMPORTANCE,
                                           given[2 * cxm_priv_gap_items(config)], error);
}

/* ---- estimates ------------------------------------------------------------------------ */

/* The sum of the weights that the overall gap was summed with. */
static double total_weight(const struct cxm_config *config)
{
    const bool by_dimension = config->params[CXM_GAP_DIMENSION_WEIGHTS].n_numbers > 0;
    const struct cxm_value *fixed = &config->params[by_dimension ? CXM_GAP_DIMENSION_WEIGHTS
                                                                 : CXM_GAP_WEIGHTS];
    double sum = fixed->n_numbers > 0 ? 0 : cxm_priv_gap_items(config);
    for (size_t i = 0; i < fixed->n_numbers; i++)
        sum += fixed->numbers[i];
    return sum;
}

static const double difference[2] = { 1, -1 }, only_perceived[2] = { 1, 0 },
                    only_expected[2] = { 0, 1 };

static double widest(const struct cxm_config *config)
{
    return config->highest[CXM_GAP_PERCEIVED] - config->lowest[CXM_GAP_PERCEIVED];
}

static void estimate_overall(const struct cxm_view *view, uint32_t member,
                             const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    const double one = 1, range = widest(view->config);
    if (cxm_priv_gap_importance(view->config) == CXM_IMPORTANCE_AGGREGATE)
        cxm_priv_estimate_importance_index(view, 0, cxm_priv_gap_items(view->config), 0, 1, -range, range,
                                           ask, out);
    else if (cxm_priv_gap_importance(view->config) == CXM_IMPORTANCE_PERSON)
        cxm_priv_estimate_form(view, 0, &one, 0, 1, -range, range, ask, out);
    else
        cxm_priv_estimate_form(view, 0, &one, 0, 1 / total_weight(view->config), -range, range,
                               ask, out);
}

static void estimate_gap(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                         struct cxm_estimate *out)
{
    const double range = widest(view->config);
    cxm_priv_estimate_form(view, 1 + member, difference, 0,
                           1 / cxm_priv_gap_divisor(view->config, member), -range, range, ask, out);
}

static void estimate_perceived(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    cxm_priv_estimate_form(view, 1 + member, only_perceived, 0,
                           1 / cxm_priv_gap_divisor(view->config, member),
                           view->config->lowest[CXM_GAP_PERCEIVED], view->config->highest[CXM_GAP_PERCEIVED],
                           ask, out);
}

static void estimate_expected(const struct cxm_view *view, uint32_t member,
                              const struct cxm_ask *ask, struct cxm_estimate *out)
{
    cxm_priv_estimate_form(view, 1 + member, only_expected, 0,
                           1 / cxm_priv_gap_divisor(view->config, member),
                           view->config->lowest[CXM_GAP_EXPECTED],
                           view->config->highest[CXM_GAP_EXPECTED], ask, out);
}

static void share_of_bin(const struct cxm_view *view, uint32_t member, int bin,
                         const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const double y[CXM_GAP_BINS] = { bin == CXM_GAP_SHORT, bin == CXM_GAP_MET, bin == CXM_GAP_EXCEEDED };
    cxm_priv_estimate_share(view, 1 + member, y, ask, out);
}

static void estimate_exceeded(const struct cxm_view *view, uint32_t member,
                              const struct cxm_ask *ask, struct cxm_estimate *out)
{
    share_of_bin(view, member, CXM_GAP_EXCEEDED, ask, out);
}

static void estimate_met(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                         struct cxm_estimate *out)
{
    share_of_bin(view, member, CXM_GAP_MET, ask, out);
}

static void estimate_short(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    share_of_bin(view, member, CXM_GAP_SHORT, ask, out);
}

/* The gap's t statistic; ±inf where everybody has the same gap other than 0. */
static double t_of(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                   struct cxm_estimate *out)
{
    estimate_gap(view, member, ask, out);
    const double t = out->std_error == 0 && out->value == 0 ? NAN : out->value / out->std_error;
    out->std_error = out->lower = out->upper = out->lower_raw = out->upper_raw = NAN;
    out->flags &= ~(uint32_t)(CXM_FLAG_CLIPPED | CXM_FLAG_OFF_CENTRE);
    out->interval = CXM_INTERVAL_NONE;
    if (out->n == 1)
        out->flags |= CXM_FLAG_NO_DATA;
    return t;
}

static void estimate_t(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                       struct cxm_estimate *out)
{
    out->value = t_of(view, member, ask, out);
}

static void estimate_p(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                       struct cxm_estimate *out)
{
    const double t = t_of(view, member, ask, out);
    out->value = out->n > 1 ? cxm_priv_t_p_value(t, cxm_priv_view_df(view, out->n)) : NAN;
}

/* The standard deviation of an item's gaps, divisor n - 1; weighted: n / (n - 1) times the weighted
 * variance. Of customers, not of answers drawn: neither weights nor clusters make it larger. */
static double deviation(const struct cxm_view *view, uint32_t unit, double n)
{
    const struct cxm_dd weight = cxm_priv_view_weights(view, unit, 0, CXM_GAP_BINS);
    struct cxm_dd p[3]; /* of perceived, of both, of expected */
    for (uint32_t i = 0; i < 3; i++)
        p[i] = view->weighted ? cxm_priv_view_plain_product(view, unit, i / 2, (i + 1) / 2)
                              : cxm_priv_view_product(view, unit, i / 2, (i + 1) / 2);
    const struct cxm_dd sum = cxm_priv_dd_sub(cxm_priv_view_sum(view, unit, 0),
                                              cxm_priv_view_sum(view, unit, 1));
    const struct cxm_dd squares = cxm_priv_dd_sub(cxm_priv_dd_add(p[0], p[2]), cxm_priv_dd_add(p[1], p[1]));
    const struct cxm_dd scatter = cxm_priv_dd_sub(cxm_priv_dd_mul(weight, squares),
                                                  cxm_priv_dd_mul(sum, sum));
    if (!(scatter.hi > ldexp(weight.hi * (p[0].hi + p[2].hi), -96)))
        return isnan(scatter.hi) ? NAN : 0; /* what is left of all that cancels */
    return sqrt(cxm_priv_dd_div(scatter, cxm_priv_dd_mul(weight, weight)).hi * (n / (n - 1)))
         / cxm_priv_gap_divisor(view->config, unit - 1);
}

/* The gap over its standard deviation, which is t / sqrt(n) of answers without weights or design. */
static void estimate_dz(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                        struct cxm_estimate *out)
{
    const double t = t_of(view, member, ask, out), n = (double)out->n;
    if (!view->weighted && view->domain == NULL) {
        out->value = t / sqrt(n);
        return;
    }
    const double gap = out->value, sd = out->n > 1 ? deviation(view, 1 + member, n) : NAN;
    out->value = sd == 0 && gap == 0 ? NAN : gap / sd;
    out->flags &= ~(uint32_t)CXM_FLAG_DEGENERATE;
    out->flags |= sd == 0 ? CXM_FLAG_DEGENERATE : 0;
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const struct cxm_config *config = &tally->config;
    static const char *const kinds[] = { "fixed-weights", "aggregate-importance",
                                         "person-importance" };
    char text[CXM_DOUBLE_TEXT];
    cxm_priv_append(out, capacity, used, "gap/perceived-expected");
    if (isfinite(config->highest[CXM_GAP_PERCEIVED])) {
        cxm_priv_append(out, capacity, used, "/");
        cxm_priv_define_scale(config, out, capacity, used);
    }
    cxm_priv_append(out, capacity, used, "/items=%u", cxm_priv_gap_items(config));
    if (cxm_priv_gap_dimensions(config) > 0)
        cxm_priv_append(out, capacity, used, "/dimensions=%u", cxm_priv_gap_dimensions(config));
    cxm_priv_append(out, capacity, used, "/%s/%s", kinds[cxm_priv_gap_importance(config)],
                    cxm_priv_gap_importance(config) == CXM_IMPORTANCE_AGGREGATE
                      ? "listwise"
                      : config->params[CXM_GAP_PARTIAL].texts[0]);
    if (cxm_priv_number(config, CXM_GAP_TOLERANCE) > 0)
        cxm_priv_append(out, capacity, used, "/tolerance=%s",
                        cxm_priv_double_text(cxm_priv_number(config, CXM_GAP_TOLERANCE), text));
    cxm_priv_define_weights(config, CXM_GAP_WEIGHTS, out, capacity, used);
    cxm_priv_define_weights(config, CXM_GAP_DIMENSION_WEIGHTS, out, capacity, used);
}

static const struct cxm_input_info inputs[] = {
    { .name = "perceived", .summary = "what was perceived", .role = CXM_ROLE_NUMBER, .many = 1 },
    { .name = "expected", .summary = "what was expected", .role = CXM_ROLE_NUMBER, .many = 1 },
    { .name = "importance", .summary = "importance of each item", .role = CXM_ROLE_NUMBER,
      .optional = 1, .many = 1 },
};

static const struct cxm_param_info params[] = {
    { .name = "items", .summary = "names of the items", .kind = CXM_PARAM_TEXTS, .required = 1 },
    { .name = "scale", .summary = "lowest and highest answer; 0, 0: no ends",
      .kind = CXM_PARAM_PAIR, .defaults = { 0, 0 }, .lowest = -1e300, .highest = 1e300 },
    { .name = "item_weights", .summary = "weights of the overall gap; equal when not given",
      .kind = CXM_PARAM_NUMBERS, .lowest = 0, .highest = 1e100 },
    { .name = "importance_kind", .summary = "how importance weighs the items",
      .kind = CXM_PARAM_CHOICE, .default_text = "none",
      .choices = cxm_priv_importance_choices },
    { .name = "dimension", .summary = "items that belong together", .kind = CXM_PARAM_GROUPING,
      .lowest = -1, .highest = CXM_MAX_ITEMS },
    { .name = "dimension_weights", .summary = "weights of the dimensions in the overall gap",
      .kind = CXM_PARAM_NUMBERS, .lowest = 0, .highest = 1e100 },
    { .name = "partial", .summary = "respondents who did not answer every item",
      .kind = CXM_PARAM_CHOICE, .default_text = "listwise",
      .choices = cxm_priv_partial_choices },
    { .name = "tolerance", .summary = "gaps up to this count as met",
      .kind = CXM_PARAM_NUMBER, .defaults = { 0 }, .lowest = 0, .highest = 1e300 },
};

static const struct cxm_measure_info measures[] = {
    { "gap", "overall gap, perceived minus expected", "满意度 = 可感知效果 − 期望值",
      CXM_UNIT_SCALE, 1 },
    { "gap[item]", "gap of an item or dimension", "要素差距", CXM_UNIT_SCALE, 1 },
    { "perceived[item]", "mean perceived", "可感知效果", CXM_UNIT_SCALE, 0 },
    { "expected[item]", "mean expected", "期望值", CXM_UNIT_SCALE, 0 },
    { "exceeded[item]", "share that exceeded expectations", "超出期望占比", CXM_UNIT_SHARE, 0 },
    { "met[item]", "share that met expectations", "符合期望占比", CXM_UNIT_SHARE, 0 },
    { "short[item]", "share that fell short", "低于期望占比", CXM_UNIT_SHARE, 0 },
    { "t[item]", "paired t statistic", "配对 t 统计量", CXM_UNIT_RATIO, 0 },
    { "p[item]", "two-sided p of the paired t test", "配对 t 检验 p 值", CXM_UNIT_RATIO, 0 },
    { "dz[item]", "Cohen's dz", "效应量 dz", CXM_UNIT_RATIO, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_MEAN, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_overall },
    { CXM_CLASS_MEAN, CXM_PER_UNIT, CXM_BETTER_HIGH, 1, .estimate = estimate_gap },
    { CXM_CLASS_MEAN, CXM_PER_UNIT, CXM_BETTER_HIGH, 1, .estimate = estimate_perceived },
    { CXM_CLASS_MEAN, CXM_PER_UNIT, CXM_BETTER_NEITHER, 1, .estimate = estimate_expected },
    { CXM_CLASS_SHARE, CXM_PER_UNIT, CXM_BETTER_HIGH, 1, .estimate = estimate_exceeded },
    { CXM_CLASS_SHARE, CXM_PER_UNIT, CXM_BETTER_NEITHER, 1, .estimate = estimate_met },
    { CXM_CLASS_SHARE, CXM_PER_UNIT, CXM_BETTER_LOW, 1, .estimate = estimate_short },
    { CXM_CLASS_NONE, CXM_PER_UNIT, CXM_BETTER_HIGH, 1, .estimate = estimate_t },
    { CXM_CLASS_NONE, CXM_PER_UNIT, CXM_BETTER_NEITHER, 1, .estimate = estimate_p },
    { CXM_CLASS_NONE, CXM_PER_UNIT, CXM_BETTER_HIGH, 1, .estimate = estimate_dz },
};

static const struct cxm_metric_info info = {
    .name = "gap", .summary = "perceived minus expected",
    .summary_zh = "满意度 = 可感知效果 − 期望值", .kind = 5, .base = CXM_BASE_RESPONSES,
    .inputs = inputs, .n_inputs = CXM_COUNT(inputs), .params = params,
    .n_params = CXM_COUNT(params), .measures = measures, .n_measures = CXM_COUNT(measures),
    .intervals = cxm_priv_mean_intervals, .n_intervals = CXM_COUNT(cxm_priv_mean_intervals),
};

const struct cxm_metric cxm_priv_metric_gap = {
    .rules = { .info = &info, .configure = configure, .rule = cxm_priv_gap_rule, .form = cxm_priv_gap_form,
               .check_inputs = check_inputs },
    .estimators = estimators,
    .items_param = CXM_GAP_ITEMS, .dimensions_param = CXM_GAP_DIMENSION, .define = define,
};

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_gap(const struct cxm_column *perceived, const struct cxm_column *expected, size_t n_items,
                       const struct cxm_gap_options *options, struct cxm_row *rows,
                       size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_gap_options o = { CXM_INIT(gap) };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "gap", &o);
    if (o.importance_kind < 0 || o.importance_kind > 2 || o.partial < 0 || o.partial > 2)
        return cxm_priv_fail(error, CXM_EINVAL, "options", "an option is out of range");
    struct cxm_item_names names;
    status = cxm_priv_call_items(&call, perceived, n_items, &names, error);
    if (status != CXM_OK)
        return status;
    cxm_priv_call_number(&call, "scale", o.scale, 2);
    if (o.item_weights != NULL)
        cxm_priv_call_number(&call, "item_weights", o.item_weights, n_items);
    cxm_priv_call_text(&call, "importance_kind",
                       &cxm_priv_importance_choices[o.importance_kind], 1);
    if (o.partial != CXM_PARTIAL_DEFAULT)
        cxm_priv_call_text(&call, "partial", &cxm_priv_partial_choices[o.partial - 1], 1);
    cxm_priv_call_number(&call, "tolerance", &o.tolerance, 1);
    if (o.dimensions != NULL && o.dimension_of != NULL)
        call.params[call.n_params++] = (struct cxm_param){ "dimension", o.dimension_of, n_items,
                                                           o.dimensions, o.n_dimensions };
    if (o.dimension_weights != NULL)
        cxm_priv_call_number(&call, "dimension_weights", o.dimension_weights, o.n_dimensions);
    cxm_priv_call_input(&call, "perceived", perceived, n_items);
    cxm_priv_call_input(&call, "expected", expected, n_items);
    cxm_priv_call_input(&call, "importance", o.importance, o.importance != NULL ? n_items : 0);
    status = cxm_priv_call_run(&call,
                               (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                               error);
    cxm_priv_call_free_items(&names);
    return status;
}
