/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customer satisfaction index of several items, in three published forms:
 *   fixed weights        y_r = sum w_i x_ri / sum w_i, CSI = mean of y
 *   person importance    y_r = sum I_ri x_ri / sum I_ri, CSI = mean of y
 *   aggregate importance CSI = sum Ibar_i xbar_i / sum Ibar_i (rows complete in both)
 * put on 0 … 100 by minmax, 100 (y - low) / (high - low), or ratio, 100 y / high (Aritonang
 * 2005), which cannot go below 100 low / high. Unit 0 is the index, units 1 … k the items. */
#include "metric/call.h"
#include "metric/items.h"

#include <cxm/csi.h>

#include <math.h>

enum { ITEMS, SCALE, WEIGHTS, IMPORTANCE, SCALING, PARTIAL };
enum { ITEM_INPUT, IMPORTANCE_INPUT };
enum { MINMAX, RATIO };
enum { WEIGHT_MEASURE = 3 };

static enum cxm_importance importance_of(const struct cxm_config *config)
{
    return (enum cxm_importance)cxm_priv_choice(config, IMPORTANCE);
}

static uint32_t n_items(const struct cxm_config *config)
{
    return (uint32_t)config->params[ITEMS].n_texts;
}

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_items_check(config, ITEMS, WEIGHTS, error);
    if (status == CXM_OK)
        status = cxm_priv_rating_scale(config, SCALE, ITEM_INPUT, error);
    if (status != CXM_OK)
        return status;
    const enum cxm_importance importance = importance_of(config);
    if (importance != CXM_IMPORTANCE_NONE && config->params[WEIGHTS].n_numbers > 0)
        return cxm_priv_fail(error, CXM_EINVAL, "item_weights",
                             "item_weights and importance exclude each other");
    if (cxm_priv_choice(config, SCALING) == RATIO && !(config->highest[ITEM_INPUT] > 0))
        return cxm_priv_fail(error, CXM_EINVAL, "scaling",
                             "ratio scaling needs a scale that ends above 0");
    const uint32_t k = n_items(config);
    config->n_items[ITEM_INPUT] = k;
    config->n_items[IMPORTANCE_INPUT] = k;
    config->lowest[IMPORTANCE_INPUT] = 0;
    struct cxm_unit_spec *units = cxm_priv_config_units(config, 1 + k);
    if (units == NULL)
        return cxm_priv_no_memory(error);
    for (uint32_t u = 0; u <= k; u++) {
        units[u].bins = 1;
        units[u].variables = 1;
    }
    if (importance == CXM_IMPORTANCE_AGGREGATE)
        units[0].variables = 2 * k;
    for (uint32_t u = 1; u <= k && importance == CXM_IMPORTANCE_PERSON; u++)
        units[u].variables = 2; /* the answer and its importance */
    return CXM_OK;
}

static uint8_t worse(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static void rule_items(const struct cxm_config *config, struct cxm_block *block)
{
    const uint32_t k = n_items(config);
    const bool person = importance_of(config) == CXM_IMPORTANCE_PERSON;
    const uint32_t first = config->units[0].variables;
    for (uint32_t i = 0; i < k; i++) {
        const uint32_t at = first + (person ? 2 : 1) * i;
        for (size_t r = 0; r < block->n; r++) {
            const uint8_t other = person && block->given[k + i] ? block->states[k + i][r] : 0;
            block->unit_codes[1 + i][r] = worse(block->states[i][r], other);
        }
        memcpy(block->variables[at], block->values[i], block->n * sizeof(double));
        if (person)
            memcpy(block->variables[at + 1], block->values[k + i], block->n * sizeof(double));
    }
}

static void rule_aggregate(const struct cxm_config *config, struct cxm_block *block)
{
    const uint32_t k = n_items(config);
    for (size_t r = 0; r < block->n; r++) {
        uint8_t state = CXM_ROW_USED;
        for (uint32_t s = 0; s < 2 * k; s++)
            state = worse(state, block->states[s][r]);
        block->unit_codes[0][r] = state;
    }
    for (uint32_t i = 0; i < k; i++) {
        memcpy(block->variables[i], block->values[k + i], block->n * sizeof(double));
        memcpy(block->variables[k + i], block->values[i], block->n * sizeof(double));
    }
}

/* The sum of the fixed weights. */
static double total_weight(const struct cxm_config *config)
{
    const struct cxm_value *fixed = &config->params[WEIGHTS];
    double sum = fixed->n_numbers > 0 ? 0 : n_items(config);
    for (size_t i = 0; i < fixed->n_numbers; i++)
        sum += fixed->numbers[i];
    return sum;
}

/* A respondent's index: answers counted from the low end (minmax) or from 0 (ratio). What is
 * kept is sum w x for fixed weights, scaled when it is read, and 100 times the mean over the
 * range for the respondent's own weights. */
static void rule_person(const struct cxm_config *config, struct cxm_block *block)
{
    const uint32_t k = n_items(config);
    const bool person = importance_of(config) == CXM_IMPORTANCE_PERSON;
    const bool ratio = cxm_priv_choice(config, SCALING) == RATIO;
    const double from = ratio ? 0 : config->lowest[ITEM_INPUT];
    const double range = config->highest[ITEM_INPUT] - from;
    const double *fixed = config->params[WEIGHTS].n_numbers > 0 ? config->params[WEIGHTS].numbers
                                                                : NULL;
    const enum cxm_partial partial = (enum cxm_partial)cxm_priv_choice(config, PARTIAL);
    struct cxm_answer answers[CXM_MAX_ITEMS];
    for (size_t r = 0; r < block->n; r++) {
        for (uint32_t i = 0; i < k; i++) {
            answers[i].value = block->values[i][r] - from;
            answers[i].weight = person ? block->values[k + i][r] : fixed != NULL ? fixed[i] : 1;
            answers[i].state = worse(block->states[i][r],
                                     person ? block->states[k + i][r] : CXM_ROW_USED);
        }
        double sum, all;
        block->unit_codes[0][r] = cxm_priv_items_sum(answers, k, partial, 1, &sum, &all);
        block->variables[0][r] = person ? 100 * (sum / all) / range : sum;
    }
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    rule_items(config, block);
    if (importance_of(config) == CXM_IMPORTANCE_AGGREGATE)
        rule_aggregate(config, block);
    else
        rule_person(config, block);
}

/* The same for whole numbers. */
static bool form(const struct cxm_config *config, uint32_t unit, struct cxm_unit_form *out)
{
    const struct cxm_value *weights = &config->params[WEIGHTS];
    const bool ratio = cxm_priv_choice(config, SCALING) == RATIO;
    const double from = ratio ? 0 : config->lowest[ITEM_INPUT];
    if (importance_of(config) != CXM_IMPORTANCE_NONE)
        return false;
    if (unit > 0) {
        out->coefs[0][unit - 1] = 1;
        return true;
    }
    out->rescaled = cxm_priv_choice(config, PARTIAL) == CXM_PARTIAL_RENORMALISE;
    double all = 0;
    for (uint32_t i = 0; i < n_items(config); i++) {
        const double w = weights->n_numbers > 0 ? weights->numbers[i] : 1;
        if (!(w >= 1 && w <= 1000 && w == floor(w)))
            return false;
        out->coefs[0][i] = (int32_t)w;
        all += w;
    }
    if (fabs(from * all) > 1e9)
        return false;
    out->constants[0] = (int32_t)(-from * all);
    return true;
}

static enum cxm_status check_inputs(const struct cxm_config *config, const bool *given,
                                    struct cxm_error *error)
{
    return cxm_priv_items_check_importance(config, IMPORTANCE, given[n_items(config)], error);
}

/* From the scale of the answers to that of the index, which ends at 100. */
struct index_scale {
    double offset, factor, lowest;
};

static struct index_scale scaling_of(const struct cxm_config *config)
{
    const double low = config->lowest[ITEM_INPUT], high = config->highest[ITEM_INPUT];
    if (cxm_priv_choice(config, SCALING) == RATIO)
        return (struct index_scale){ 0, 100 / high, 100 * low / high };
    return (struct index_scale){ -low * (100 / (high - low)), 100 / (high - low), 0 };
}

static void estimate_csi(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                         struct cxm_estimate *out)
{
    (void)member;
    const double one = 1;
    const struct index_scale s = scaling_of(view->config);
    if (importance_of(view->config) == CXM_IMPORTANCE_AGGREGATE)
        cxm_priv_estimate_importance_index(view, 0, n_items(view->config), s.offset, s.factor,
                                           s.lowest, 100, ask, out);
    else if (importance_of(view->config) == CXM_IMPORTANCE_PERSON)
        cxm_priv_estimate_form(view, 0, &one, 0, 1, s.lowest, 100, ask, out);
    else
        cxm_priv_estimate_form(view, 0, &one, 0, s.factor / total_weight(view->config), s.lowest,
                               100, ask, out);
}

double cxm_priv_csi_lowest(const struct cxm_config *config)
{
    return scaling_of(config).lowest;
}

static const double first_variable[2] = { 1, 0 };

static void estimate_mean(const struct cxm_view *view, uint32_t item, const struct cxm_ask *ask,
                          struct cxm_estimate *out)
{
    cxm_priv_estimate_form(view, 1 + item, first_variable, 0, 1, view->config->lowest[0],
                           view->config->highest[0], ask, out);
}

static void estimate_index(const struct cxm_view *view, uint32_t item, const struct cxm_ask *ask,
                           struct cxm_estimate *out)
{
    const struct index_scale s = scaling_of(view->config);
    cxm_priv_estimate_form(view, 1 + item, first_variable, s.offset, s.factor, s.lowest, 100, ask,
                           out);
}

/* Fixed weights are exact numbers; importances of persons have no common denominator, so only
 * the value of their mean share is given. */
static void estimate_weight(const struct cxm_view *view, uint32_t item,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const struct cxm_config *config = view->config;
    const uint32_t k = n_items(config);
    if (importance_of(config) == CXM_IMPORTANCE_AGGREGATE) {
        cxm_priv_estimate_importance_weight(view, 0, k, item, ask, out);
        return;
    }
    cxm_priv_begin(view, 1 + item, ask, out);
    double sum = 0, own = 0;
    for (uint32_t i = 0; i < k; i++) {
        double w = config->params[WEIGHTS].n_numbers > 0 ? config->params[WEIGHTS].numbers[i] : 1;
        if (importance_of(config) == CXM_IMPORTANCE_PERSON)
            w = cxm_priv_dd_div(cxm_priv_view_sum(view, 1 + i, 1),
                                cxm_priv_view_weight(view, 1 + i, 0)).hi;
        sum += w;
        own = i == item ? w : own;
    }
    out->value = own / sum;
}

/* Weights that are means of the sample rest on the rows of the index. */
static uint32_t unit_of(const struct cxm_config *config, int family, uint32_t usual)
{
    return family == WEIGHT_MEASURE && importance_of(config) == CXM_IMPORTANCE_AGGREGATE ? 0
                                                                                         : usual;
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const struct cxm_config *config = &tally->config;
    static const char *const kinds[] = { "fixed-weights", "aggregate-importance",
                                         "person-importance" };
    cxm_priv_append(out, capacity, used, "csi/");
    cxm_priv_define_scale(config, out, capacity, used);
    cxm_priv_append(out, capacity, used, "/items=%u/%s/%s", n_items(config),
                    kinds[importance_of(config)], config->params[SCALING].texts[0]);
    if (importance_of(config) == CXM_IMPORTANCE_AGGREGATE)
        cxm_priv_append(out, capacity, used, "/listwise");
    else
        cxm_priv_append(out, capacity, used, "/%s", config->params[PARTIAL].texts[0]);
    cxm_priv_define_weights(config, WEIGHTS, out, capacity, used);
}

static const struct cxm_input_info inputs[] = {
    { .name = "items", .summary = "satisfaction with each item", .role = CXM_ROLE_NUMBER,
      .many = 1 },
    { .name = "importance", .summary = "importance of each item", .role = CXM_ROLE_NUMBER,
      .optional = 1, .many = 1 },
};

static const char *const scalings[] = { "minmax", "ratio", NULL };
static const struct cxm_param_info params[] = {
    { .name = "items", .summary = "names of the items", .kind = CXM_PARAM_TEXTS, .required = 1 },
    { .name = "scale", .summary = "lowest and highest answer", .kind = CXM_PARAM_PAIR,
      .defaults = { 1, 5 }, .lowest = -1e6, .highest = 1e6 },
    { .name = "item_weights", .summary = "fixed weights; equal when not given",
      .kind = CXM_PARAM_NUMBERS, .lowest = 0, .highest = 1e100 },
    { .name = "importance_kind", .summary = "how importance weighs the items",
      .kind = CXM_PARAM_CHOICE, .default_text = "none",
      .choices = cxm_priv_importance_choices },
    { .name = "scaling", .summary = "how the index is put on 0 to 100",
      .kind = CXM_PARAM_CHOICE, .default_text = "minmax", .choices = scalings },
    { .name = "partial", .summary = "respondents who did not answer every item",
      .kind = CXM_PARAM_CHOICE, .default_text = "renormalise",
      .choices = cxm_priv_partial_choices },
};

static const struct cxm_measure_info measures[] = {
    { "csi", "customer satisfaction index", "客户满意度指数", CXM_UNIT_POINTS, 1 },
    { "mean[item]", "mean answer of an item", "要素平均分", CXM_UNIT_SCALE, 0 },
    { "index[item]", "index of an item", "要素满意度指数", CXM_UNIT_POINTS, 0 },
    { "weight[item]", "weight of an item", "要素权重", CXM_UNIT_SHARE, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_MEAN, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_csi },
    { CXM_CLASS_MEAN, CXM_PER_ITEM, CXM_BETTER_HIGH, 1, .estimate = estimate_mean },
    { CXM_CLASS_MEAN, CXM_PER_ITEM, CXM_BETTER_HIGH, 1, .estimate = estimate_index },
    { CXM_CLASS_RATIO, CXM_PER_ITEM, CXM_BETTER_NEITHER, 1, .estimate = estimate_weight },
};

static const struct cxm_metric_info info = {
    .name = "csi", .summary = "customer satisfaction index", .summary_zh = "客户满意度指数",
    .kind = 4, .base = CXM_BASE_RESPONSES, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .params = params, .n_params = CXM_COUNT(params), .measures = measures,
    .n_measures = CXM_COUNT(measures), .intervals = cxm_priv_mean_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_mean_intervals),
};

const struct cxm_metric cxm_priv_metric_csi = {
    .rules = { .info = &info, .configure = configure, .rule = rule, .form = form,
               .check_inputs = check_inputs },
    .estimators = estimators,
    .items_param = ITEMS, .dimensions_param = -1, .unit_of = unit_of, .define = define,
};

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_csi(const struct cxm_column *items, size_t n_items,
                       const struct cxm_csi_options *options, struct cxm_row *rows,
                       size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_csi_options o = { CXM_INIT(csi) };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o.reserved, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "csi", &o);
    if (o.importance_kind < 0 || o.importance_kind > 2 || o.partial < 0 || o.partial > 2
        || o.scaling < 0 || o.scaling > 1)
        return cxm_priv_fail(error, CXM_EINVAL, "options", "an option is out of range");
    struct cxm_item_names names;
    status = cxm_priv_call_items(&call, items, n_items, &names, error);
    if (status != CXM_OK)
        return status;
    if (o.scale[0] != 0 || o.scale[1] != 0)
        cxm_priv_call_number(&call, "scale", o.scale, 2);
    if (o.item_weights != NULL)
        cxm_priv_call_number(&call, "item_weights", o.item_weights, n_items);
    cxm_priv_call_text(&call, "importance_kind",
                       &cxm_priv_importance_choices[o.importance_kind], 1);
    if (o.partial != CXM_PARTIAL_DEFAULT)
        cxm_priv_call_text(&call, "partial", &cxm_priv_partial_choices[o.partial - 1], 1);
    cxm_priv_call_text(&call, "scaling", &scalings[o.scaling], 1);
    cxm_priv_call_input(&call, "items", items, n_items);
    cxm_priv_call_input(&call, "importance", o.importance, o.importance != NULL ? n_items : 0);
    status = cxm_priv_call_run(&call,
                               (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                               error);
    cxm_priv_call_free_items(&names);
    return status;
}
