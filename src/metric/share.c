/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shares of yes: any rate with a numerator and a denominator, first-contact resolution from a
 * flag, and one-touch resolution from replies and reopens. One unit with two bins: 0 no, 1 yes.
 *
 * First-contact resolution, gross: resolved at first contact / contacts; net: of the contacts
 * that the first level could solve (MetricNet, Rumburg): numerator and denominator both.
 * One-touch: solved tickets within the limits of replies and reopens / solved tickets; vendors
 * differ in each of the three conditions, hence they are parameters. */
#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/share.h>

enum { NO = 0, YES = 1, MISSING = 2, INVALID = 3, NOT_IN_DENOMINATOR = 5 };
enum { MOST_REPLIES = 1000000 }; /* as a limit: none */

static enum cxm_status two_bins(struct cxm_config *config, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_one_unit(config, 2, 0, error);
    if (status == CXM_OK) {
        config->units[0].n_reasons = 1;
        config->units[0].reasons[0] = CXM_REASON_NOT_IN_DENOMINATOR;
    }
    return status;
}

/* Codes of flags are those of a unit with two bins: 0, 1, missing, invalid. */
static void rule_share(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    uint16_t *out = block->unit_codes[0];
    const uint16_t *yes = block->codes[0];
    if (!block->given[1]) {
        memcpy(out, yes, block->n * sizeof *out);
        return;
    }
    const uint16_t *eligible = block->codes[1];
    for (size_t i = 0; i < block->n; i++)
        out[i] = eligible[i] == YES ? yes[i]
               : eligible[i] == NO  ? (uint16_t)NOT_IN_DENOMINATOR
                                    : eligible[i];
}

enum { ON_HOLD = 3, CUSTOMER_MESSAGES = 4 };

/* Never on hold, no further message of the customer: conditions that are there when their column
 * is. Returns the code, which is worse where one of them is not known. */
static uint16_t further_conditions(const struct cxm_block *block, size_t i, uint16_t code,
                                   bool *one_touch)
{
    if (block->given[ON_HOLD]) {
        const uint16_t held = block->codes[ON_HOLD][i];
        *one_touch = *one_touch && held == NO;
        code = held > YES && code != INVALID ? held : code;
    }
    if (block->given[CUSTOMER_MESSAGES]) {
        const uint8_t state = block->states[CUSTOMER_MESSAGES][i];
        *one_touch = *one_touch && block->values[CUSTOMER_MESSAGES][i] == 0;
        if (state != CXM_ROW_USED && code != INVALID)
            code = state == CXM_ROW_MISSING ? MISSING : INVALID;
    }
    return code;
}

static void rule_one_touch(const struct cxm_config *config, struct cxm_block *block)
{
    const double least = cxm_priv_number(config, 0), most = cxm_priv_number(config, 1);
    const double reopens = cxm_priv_number(config, 2);
    for (size_t i = 0; i < block->n; i++) {
        const uint16_t solved = block->codes[0][i];
        const bool in_base = solved == YES;
        uint16_t code = solved == NO ? (uint16_t)NOT_IN_DENOMINATOR : solved;
        bool one_touch = true;
        for (uint32_t s = 1; s <= 2 && in_base; s++) {
            if (!block->given[s])
                continue;
            const double value = block->values[s][i];
            one_touch = one_touch
                     && (s == 1 ? value >= least && value <= most : value <= reopens);
            if (block->states[s][i] != CXM_ROW_USED && code != INVALID)
                code = block->states[s][i] == CXM_ROW_MISSING ? MISSING : INVALID;
        }
        if (in_base)
            code = further_conditions(block, i, code, &one_touch);
        if (code == YES)
            code = one_touch ? YES : NO;
        block->unit_codes[0][i] = code;
    }
}

static enum cxm_status configure_one_touch(struct cxm_config *config, struct cxm_error *error)
{
    if (cxm_priv_number(config, 0) > cxm_priv_number(config, 1))
        return cxm_priv_fail(error, CXM_EINVAL, "min_replies",
                             "min_replies is above max_replies");
    return two_bins(config, error);
}

static void define_share(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    cxm_priv_append(out, capacity, used, "share/denominator=%s",
                    tally->schema.given != 0 ? "flag" : "answered");
}

static void define_fcr(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    cxm_priv_append(out, capacity, used, "fcr/flag/%s",
                    tally->schema.given != 0 ? "net" : "gross");
}

static void define_one_touch(const struct cxm_tally *tally, char *out, size_t capacity,
                             size_t *used)
{
    char least[CXM_DOUBLE_TEXT], most[CXM_DOUBLE_TEXT], reopens[CXM_DOUBLE_TEXT];
    const struct cxm_config *config = &tally->config;
    const uint32_t given = tally->schema.given;
    cxm_priv_append(out, capacity, used, "one_touch/replies=%s",
                    cxm_priv_double_text(cxm_priv_number(config, 0), least));
    if (cxm_priv_number(config, 1) < MOST_REPLIES)
        cxm_priv_append(out, capacity, used, "-%s",
                        cxm_priv_double_text(cxm_priv_number(config, 1), most));
    else
        cxm_priv_append(out, capacity, used, "+");
    if (tally->state.rows == 0 || (given & 1u << 2) != 0)
        cxm_priv_append(out, capacity, used, "/reopens=0-%s",
                        cxm_priv_double_text(cxm_priv_number(config, 2), reopens));
    if ((given & 1u << ON_HOLD) != 0)
        cxm_priv_append(out, capacity, used, "/never-on-hold");
    if ((given & 1u << CUSTOMER_MESSAGES) != 0)
        cxm_priv_append(out, capacity, used, "/customer-messages=0");
    cxm_priv_append(out, capacity, used, "/of-solved");
}

static const struct cxm_input_info share_inputs[] = {
    { .name = "numerator", .summary = "yes or no", .role = CXM_ROLE_FLAG },
    { .name = "denominator", .summary = "does the row belong to the base?",
      .role = CXM_ROLE_FLAG, .optional = 1 },
};
static const struct cxm_input_info fcr_inputs[] = {
    { .name = "resolved_first", .summary = "resolved at first contact", .role = CXM_ROLE_FLAG },
    { .name = "eligible", .summary = "could be solved at the first level (net rate)",
      .role = CXM_ROLE_FLAG, .optional = 1 },
};
static const struct cxm_input_info touch_inputs[] = {
    { .name = "solved", .summary = "the ticket is solved", .role = CXM_ROLE_FLAG },
    { .name = "replies", .summary = "public replies of agents", .role = CXM_ROLE_COUNT },
    { .name = "reopens", .summary = "times it was reopened", .role = CXM_ROLE_COUNT,
      .optional = 1 },
    { .name = "on_hold", .summary = "was it ever pending or on hold?", .role = CXM_ROLE_FLAG,
      .optional = 1 },
    { .name = "customer_messages", .summary = "further messages of the customer",
      .role = CXM_ROLE_COUNT, .optional = 1 },
};
static const struct cxm_param_info touch_params[] = {
    { .name = "min_replies", .summary = "fewest replies", .kind = CXM_PARAM_INTEGER,
      .defaults = { 0 }, .lowest = 0, .highest = MOST_REPLIES },
    { .name = "max_replies", .summary = "most replies", .kind = CXM_PARAM_INTEGER,
      .defaults = { 1 }, .lowest = 0, .highest = MOST_REPLIES },
    { .name = "max_reopens", .summary = "most reopens", .kind = CXM_PARAM_INTEGER,
      .defaults = { 0 }, .lowest = 0, .highest = MOST_REPLIES },
};

#define RATE_MEASURES(name, text, zh)                                                            \
    { { name, text, zh, CXM_UNIT_SHARE, 1 },                                                     \
      { "successes", "rows that count as yes", "成功数", CXM_UNIT_COUNT, 0 },                    \
      { "denominator", "rows in the base", "基数", CXM_UNIT_COUNT, 0 } }

static const struct cxm_measure_info share_measures[] = RATE_MEASURES("share", "share of yes",
                                                                      "占比");
static const struct cxm_measure_info fcr_measures[] =
    RATE_MEASURES("fcr", "first-contact resolution", "首接解决率");
static const struct cxm_measure_info touch_measures[] =
    RATE_MEASURES("one_touch", "one-touch resolution", "一次性解决率");

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .score = cxm_priv_score_yes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = cxm_priv_estimate_successes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = cxm_priv_estimate_denominator },
};

static const struct cxm_metric_info share_info = {
    .name = "share", .summary = "share of yes", .summary_zh = "占比", .kind = 10,
    .base = CXM_BASE_RESPONSES, .inputs = share_inputs, .n_inputs = CXM_COUNT(share_inputs),
    .measures = share_measures, .n_measures = CXM_COUNT(share_measures),
    .intervals = cxm_priv_share_intervals, .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};
static const struct cxm_metric_info fcr_info = {
    .name = "fcr", .summary = "first-contact resolution", .summary_zh = "首接解决率", .kind = 6,
    .base = CXM_BASE_CONTACTS, .inputs = fcr_inputs, .n_inputs = CXM_COUNT(fcr_inputs),
    .measures = fcr_measures, .n_measures = CXM_COUNT(fcr_measures),
    .intervals = cxm_priv_share_intervals, .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};
static const struct cxm_metric_info touch_info = {
    .name = "one_touch", .summary = "one-touch resolution", .summary_zh = "一次性解决率",
    .kind = 7, .base = CXM_BASE_TICKETS, .inputs = touch_inputs,
    .n_inputs = CXM_COUNT(touch_inputs), .params = touch_params,
    .n_params = CXM_COUNT(touch_params), .measures = touch_measures,
    .n_measures = CXM_COUNT(touch_measures), .intervals = cxm_priv_share_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};

const struct cxm_metric cxm_priv_metric_share = {
    .rules = { .info = &share_info, .configure = two_bins, .rule = rule_share },
    .estimators = estimators, .items_param = -1,
    .dimensions_param = -1, .define = define_share,
};
const struct cxm_metric cxm_priv_metric_fcr = {
    .rules = { .info = &fcr_info, .configure = two_bins, .rule = rule_share },
    .estimators = estimators, .items_param = -1,
    .dimensions_param = -1, .define = define_fcr,
};
const struct cxm_metric cxm_priv_metric_one_touch = {
    .rules = { .info = &touch_info, .configure = configure_one_touch, .rule = rule_one_touch },
    .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define_one_touch,
};

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_share(const struct cxm_column *numerator, const struct cxm_share_options *options,
                       struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_share_options o = { CXM_INIT(share) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "share", &o);
    cxm_priv_call_input(&call, "numerator", numerator, 1);
    cxm_priv_call_input(&call, "denominator", o.denominator, o.denominator != NULL);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}

enum cxm_status cxm_fcr(const struct cxm_column *resolved_first, const struct cxm_fcr_options *options,
                       struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                       struct cxm_error *error)
{
    struct cxm_fcr_options o = { CXM_INIT(fcr) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "fcr", &o);
    cxm_priv_call_input(&call, "resolved_first", resolved_first, 1);
    cxm_priv_call_input(&call, "eligible", o.eligible, o.eligible != NULL);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}

enum cxm_status cxm_one_touch(const struct cxm_column *solved, const struct cxm_column *replies,
                              const struct cxm_column *reopens,
                              const struct cxm_one_touch_options *options,
                              struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                              struct cxm_error *error)
{
    struct cxm_one_touch_options o = { CXM_INIT(one_touch) };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o.reserved, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "one_touch", &o);
    const double limits[3] = { o.min_replies,
                               o.max_replies == 0    ? 1
                               : o.max_replies == -1 ? 0
                                                     : o.max_replies,
                               o.max_reopens };
    cxm_priv_call_number(&call, "min_replies", &limits[0], 1);
    cxm_priv_call_number(&call, "max_replies", &limits[1], 1);
    cxm_priv_call_number(&call, "max_reopens", &limits[2], 1);
    cxm_priv_call_input(&call, "solved", solved, 1);
    cxm_priv_call_input(&call, "replies", replies, 1);
    cxm_priv_call_input(&call, "reopens", reopens, reopens != NULL);
    cxm_priv_call_input(&call, "on_hold", o.on_hold, o.on_hold != NULL);
    cxm_priv_call_input(&call, "customer_messages", o.customer_messages,
                        o.customer_messages != NULL);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}
