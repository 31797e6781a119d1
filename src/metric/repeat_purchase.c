/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Repeat purchase from customers: how many orders in the window, how many before it. Three
 * shares with three bases, a unit each: who bought twice or more of those who bought at all; who
 * had bought before, of those who bought now; who bought now, of those who had bought before. */
#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/repeat.h>

enum { ORDERS, BEFORE };
enum { REPEAT, RETURNING, REPURCHASE, N_UNITS };
enum { NO = 0, YES = 1, MISSING = 2, INVALID = 3, NOT_IN_DENOMINATOR = 5 };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    struct cxm_unit_spec *units = cxm_priv_config_units(config, N_UNITS);
    if (units == NULL)
        return cxm_priv_no_memory(error);
    for (int u = 0; u < N_UNITS; u++) {
        units[u].bins = 2;
        units[u].n_reasons = 1;
        units[u].reasons[0] = CXM_REASON_NOT_IN_DENOMINATOR;
    }
    return CXM_OK;
}

static uint16_t absent(uint8_t a, uint8_t b)
{
    return a == CXM_ROW_INVALID || b == CXM_ROW_INVALID ? INVALID
         : a == CXM_ROW_MISSING || b == CXM_ROW_MISSING ? MISSING : NO;
}

static uint16_t share_of(bool in_base, bool yes)
{
    return in_base ? (yes ? YES : NO) : NOT_IN_DENOMINATOR;
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    const bool knows = block->given[BEFORE];
    for (size_t i = 0; i < block->n; i++) {
        const uint8_t now_state = block->states[ORDERS][i];
        const uint8_t before_state = knows ? block->states[BEFORE][i] : (uint8_t)CXM_ROW_USED;
        const double now = block->values[ORDERS][i];
        const double before = knows ? block->values[BEFORE][i] : 0;
        const uint16_t gone = absent(now_state, CXM_ROW_USED);
        const uint16_t either = absent(now_state, before_state);
        block->unit_codes[REPEAT][i] = gone != NO ? gone : share_of(now >= 1, now >= 2);
        block->unit_codes[RETURNING][i] = either != NO ? either
                                        : share_of(knows && now >= 1, before >= 1);
        block->unit_codes[REPURCHASE][i] = either != NO ? either
                                         : share_of(knows && before >= 1, now >= 1);
    }
}

static const double is_yes[2] = { 0, 1 }, is_any[2] = { 1, 1 };

#define SHARE(name, unit)                                                                        \
    static void name(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,    \
                     struct cxm_estimate *out)                                                   \
    {                                                                                            \
        (void)member;                                                                            \
        cxm_priv_estimate_share(view, unit, is_yes, ask, out);                                   \
    }

SHARE(estimate_repeat, REPEAT)
SHARE(estimate_returning, RETURNING)
SHARE(estimate_repurchase, REPURCHASE)

static void estimate_successes(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, REPEAT, is_yes, ask, out);
}

static void estimate_denominator(const struct cxm_view *view, uint32_t member,
                                 const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, REPEAT, is_any, ask, out);
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    cxm_priv_append(out, capacity, used, "repeat_purchase/orders=%s",
                    tally->config.params[0].texts[0]);
}

static const struct cxm_input_info inputs[] = {
    { .name = "orders", .summary = "orders in the window", .role = CXM_ROLE_COUNT },
    { .name = "before", .summary = "orders before the window", .role = CXM_ROLE_COUNT,
      .optional = 1 },
};
static const char *const countings[] = { "rows", "ids", "days", NULL };
static const struct cxm_param_info params[] = {
    { .name = "counting", .summary = "what an order is: a row, an id, all of a day",
      .kind = CXM_PARAM_CHOICE, .default_text = "rows", .choices = countings },
};
static const struct cxm_measure_info measures[] = {
    { "repeat_purchase", "customers with two orders or more, of those with one", "复购率",
      CXM_UNIT_SHARE, 1 },
    { "returning_share", "buyers who had bought before", "回头客占比", CXM_UNIT_SHARE, 1 },
    { "repurchase", "earlier buyers who bought again", "老客户回购率", CXM_UNIT_SHARE, 1 },
    { "successes", "customers with two orders or more", "复购客户数", CXM_UNIT_COUNT, 0 },
    { "denominator", "customers with an order", "购买客户数", CXM_UNIT_COUNT, 0 },
};
static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, REPEAT, .estimate = estimate_repeat },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, RETURNING, .estimate = estimate_returning },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, REPURCHASE, .estimate = estimate_repurchase },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, REPEAT, .estimate = estimate_successes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, REPEAT, .estimate = estimate_denominator },
};
static const struct cxm_metric_info info = {
    .name = "repeat_purchase", .summary = "repeat purchase", .summary_zh = "复购率", .kind = 28,
    .base = CXM_BASE_CUSTOMERS, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .params = params, .n_params = CXM_COUNT(params), .measures = measures,
    .n_measures = CXM_COUNT(measures), .intervals = cxm_priv_share_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};

const struct cxm_metric cxm_priv_metric_repeat_purchase = {
    .rules = { .info = &info, .configure = configure, .rule = rule }, .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};

/* ---- one call -------------------------------------------------------------------------- */

static enum cxm_status take(const struct cxm_repeat_purchase_options *options,
                            struct cxm_repeat_purchase_options *o, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_take_options(options, sizeof *o, o, error);
    if (status != CXM_OK)
        return status;
    if (o->weight != NULL || o->freq != NULL || o->strata != NULL || o->cluster != NULL
        || o->fpc != NULL || o->population != 0)
        return cxm_priv_fail(error, CXM_EINVAL, "freq",
                             "rows are orders here: repeat_purchase takes no freq, weight or "
                             "sampling design");
    if (o->orders.size != 0 && o->orders.size != sizeof o->orders)
        return cxm_priv_fail(error, CXM_EINVAL, "size",
                             "orders.size must be sizeof(struct cxm_repeat_options)");
    o->orders.size = sizeof o->orders;
    o->orders.by = o->by;
    o->orders.n_by = o->n_by;
    o->orders.invalid = o->invalid;
    return CXM_OK;
}

/* The customers' numbers as the rows of the metric. */
static enum cxm_status run(const struct cxm_repeat_purchase_options *o, int64_t n,
                           const int64_t *orders, const int64_t *before, const uint8_t *copies,
                           struct cxm_rows_out out, struct cxm_error *error)
{
    const char *counting = o->orders.order != NULL ? "ids" : o->orders.days ? "days" : "rows";
    struct cxm_column columns[] = {
        cxm_column_make("orders", CXM_I64, orders, n, 8, 8),
        cxm_column_make("before", CXM_I64, before, n, 8, 8),
    };
    const struct cxm_column freq = cxm_column_make("freq", CXM_U8, copies, n, 1, 1);
    struct cxm_call call;
    cxm_priv_call_begin(&call, "repeat_purchase", o);
    call.common.freq = &freq;
    cxm_priv_call_text(&call, "counting", &counting, 1);
    for (int i = 0; i < 2; i++) {
        columns[i].sentinel = INT64_MIN;
        columns[i].flags = CXM_COLUMN_SENTINEL;
        cxm_priv_call_input(&call, columns[i].name, &columns[i], 1);
    }
    return cxm_priv_call_run(&call, out, error);
}

enum cxm_status cxm_repeat_purchase(const struct cxm_column *customer,
                                    const struct cxm_column *time,
                                    const struct cxm_repeat_purchase_options *options,
                                    struct cxm_row *rows, size_t row_bytes, size_t capacity,
                                    size_t *n_out, struct cxm_error *error)
{
    struct cxm_repeat_purchase_options o = { CXM_INIT(repeat_purchase) };
    enum cxm_status status = take(options, &o, error);
    if (status == CXM_OK && (customer == NULL || time == NULL))
        status = cxm_priv_fail(error, CXM_EINVAL, "customer", "customer or time is NULL");
    if (status != CXM_OK)
        return status;
    const size_t n = customer->n > 0 ? (size_t)customer->n : 0;
    int64_t *numbers = cxm_priv_alloc(NULL, n, 2 * sizeof *numbers + 1);
    if (numbers == NULL)
        return cxm_priv_no_memory(error);
    uint8_t *copies = (uint8_t *)(numbers + 2 * n);
    status = cxm_repeat_rows(customer, time, &o.orders, numbers, numbers + n, copies, NULL, error);
    if (status == CXM_OK)
        status = run(&o, customer->n, numbers, numbers + n, copies,
                     (struct cxm_rows_out){ rows, row_bytes, capacity, n_out }, error);
    cxm_priv_release(NULL, numbers);
    return status;
}
