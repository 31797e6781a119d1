/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stages of the life cycle: shares of customers that are new, active, dormant, lost. The derive
 * step (derive/history.c) gives every record a state; only the latest record of a customer counts,
 * so that groups, merging by customer and saved tallies work as for any other share. */
#include "metric/call.h"
#include "metric/metric.h"

#include "derive/history.h"

enum { NEW_DAYS, ACTIVE_DAYS, DORMANT_DAYS };
enum { STAGE, SUBSECOND };
enum { CUSTOMERS, FLOORED, N_UNITS };
enum { STATES = CXM_STAGE_MISSING + 1, STAGES = CXM_STAGE_LOST + 1 };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    if (cxm_priv_number(config, ACTIVE_DAYS) > cxm_priv_number(config, DORMANT_DAYS))
        return cxm_priv_fail(error, CXM_EINVAL, "dormant_days",
                             "dormant_days must not be below active_days");
    config->lowest[0] = 0;
    config->highest[0] = STATES - 1;
    struct cxm_unit_spec *units = cxm_priv_config_units(config, N_UNITS);
    if (units == NULL)
        return cxm_priv_no_memory(error);
    units[FLOORED].bins = 2;
    units[CUSTOMERS].bins = STAGES;
    units[CUSTOMERS].n_reasons = 3;
    units[CUSTOMERS].reasons[0] = CXM_REASON_NOT_IN_DENOMINATOR;
    units[CUSTOMERS].reasons[1] = CXM_REASON_UNSEEN;
    units[CUSTOMERS].reasons[2] = CXM_REASON_UNLINKED;
    return CXM_OK;
}

/* Input codes: 0 … 7 the states, then missing, invalid. Unit codes: 0 … 3, missing, invalid, zero
 * weight, other, unseen, unlinked. */
static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    static const uint16_t of_state[STATES + 2] = {
        0, 1, 2, 3, STAGES + 3, STAGES + 4, STAGES + 5, STAGES, STAGES, STAGES + 1,
    };
    (void)config;
    for (size_t i = 0; i < block->n; i++)
        block->unit_codes[CUSTOMERS][i] = of_state[block->codes[STAGE][i]];
    cxm_priv_floored_rows(block, SUBSECOND, FLOORED);
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    char a[CXM_DOUBLE_TEXT], b[CXM_DOUBLE_TEXT], c[CXM_DOUBLE_TEXT];
    cxm_priv_append(out, capacity, used, "stages/new=%sd/active=%sd/dormant=%sd",
                    cxm_priv_double_text(cxm_priv_number(&tally->config, NEW_DAYS), a),
                    cxm_priv_double_text(cxm_priv_number(&tally->config, ACTIVE_DAYS), b),
                    cxm_priv_double_text(cxm_priv_number(&tally->config, DORMANT_DAYS), c));
}

static void estimate_stage(const struct cxm_view *view, enum cxm_stage stage,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    double y[STAGES] = { 0 };
    y[stage] = 1;
    cxm_priv_flag_unseen(view, CUSTOMERS, out);
    cxm_priv_flag_floored(view, FLOORED, out);
    cxm_priv_estimate_share(view, 0, y, ask, out);
}

static void estimate_new(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                         struct cxm_estimate *out)
{
    (void)member;
    estimate_stage(view, CXM_STAGE_NEW, ask, out);
}

static void estimate_active(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_stage(view, CXM_STAGE_ACTIVE, ask, out);
}

static void estimate_dormant(const struct cxm_view *view, uint32_t member,
                             const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_stage(view, CXM_STAGE_DORMANT, ask, out);
}

static void estimate_lost(const struct cxm_view *view, uint32_t member,
                          const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_stage(view, CXM_STAGE_LOST, ask, out);
}

static const struct cxm_input_info inputs[] = {
    { .name = "stage", .summary = "state of every record, from cxm_stage_states",
      .role = CXM_ROLE_RATING },
    { .name = "subsecond", .summary = "instants were floored to the second",
      .role = CXM_ROLE_FLAG, .optional = 1 },
};

static const struct cxm_param_info params[] = {
    { .name = "new_days", .summary = "new: first record at most that long ago",
      .kind = CXM_PARAM_NUMBER, .defaults = { 30 }, .lowest = 0, .highest = 1e6 },
    { .name = "active_days", .summary = "active: last record at most that long ago",
      .kind = CXM_PARAM_NUMBER, .defaults = { 60 }, .lowest = 0, .highest = 1e6 },
    { .name = "dormant_days", .summary = "dormant: the same; longer ago is lost",
      .kind = CXM_PARAM_NUMBER, .defaults = { 180 }, .lowest = 0, .highest = 1e6 },
};

static const struct cxm_measure_info measures[] = {
    { "active", "share of active customers", "活跃客户占比", CXM_UNIT_SHARE, 1 },
    { "new", "share of new customers", "新客户占比", CXM_UNIT_SHARE, 1 },
    { "dormant", "share of dormant customers", "沉睡客户占比", CXM_UNIT_SHARE, 1 },
    { "lost", "share of lost customers", "流失客户占比", CXM_UNIT_SHARE, 1 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_active },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_new },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_dormant },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_lost },
};

static const struct cxm_metric_info info = {
    .name = "stages", .summary = "customers by stage of the life cycle",
    .summary_zh = "客户生命周期阶段", .kind = 29, .base = CXM_BASE_CUSTOMERS, .inputs = inputs,
    .n_inputs = CXM_COUNT(inputs), .params = params, .n_params = CXM_COUNT(params),
    .measures = measures, .n_measures = CXM_COUNT(measures),
    .intervals = cxm_priv_share_intervals, .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};

const struct cxm_metric cxm_priv_metric_stages = {
    .rules = { .info = &info, .configure = configure, .rule = rule }, .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};

/* ---- calls ---------------------------------------------------------------------------- */

static const double usual_days[] = { 30, 60, 180 };

enum cxm_status cxm_stage_states(const struct cxm_column *customer,
                                 const struct cxm_column *time, int64_t as_of,
                                 const double days[3], uint8_t *states, uint32_t *flags,
                                 struct cxm_error *error)
{
    const double *limit = days != NULL ? days : usual_days;
    struct cxm_histories histories;
    if (states == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "states", "states is NULL");
    if (!(limit[0] >= 0 && limit[0] <= 1e6 && limit[1] >= 0 && limit[2] >= limit[1]
          && limit[2] <= 1e6))
        return cxm_priv_fail(error, CXM_EINVAL, "dormant_days",
                             "days must be 0 to 1e6, dormant_days not below active_days");
    const struct cxm_history_options h = { .size = sizeof h, .as_of = as_of, .unit = 86400,
                                           .has_as_of = 1 };
    uint8_t *made = cxm_priv_alloc(NULL, cxm_priv_rows_of(customer), 1);
    if (made == NULL)
        return cxm_priv_no_memory(error);
    const enum cxm_status status = cxm_priv_histories(customer, time, &h, made, &histories,
                                                      error);
    for (size_t i = 0; status == CXM_OK && i < histories.n; i++) {
        const struct cxm_history *one = &histories.list[i];
        made[one->row] = (uint8_t)(one->age <= limit[0]    ? CXM_STAGE_NEW
                                   : one->idle <= limit[1] ? CXM_STAGE_ACTIVE
                                   : one->idle <= limit[2] ? CXM_STAGE_DORMANT
                                                           : CXM_STAGE_LOST);
    }
    if (status == CXM_OK) {
        memcpy(states, made, (size_t)customer->n);
        if (flags != NULL)
            *flags = histories.base.flags;
    }
    cxm_priv_histories_release(&histories);
    cxm_priv_release(NULL, made);
    return status;
}

enum cxm_status cxm_stages(const struct cxm_column *customer, const struct cxm_column *time,
                           const struct cxm_stages_options *options, struct cxm_row *rows,
                           size_t row_bytes, size_t capacity, size_t *n_out,
                           struct cxm_error *error)
{
    static const char *const names[] = { "new_days", "active_days", "dormant_days" };
    struct cxm_stages_options o = { CXM_INIT(stages) };
    uint32_t flags = 0;
    size_t n = 0;
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o.reserved, error);
    if (status == CXM_OK && !o.has_as_of)
        status = cxm_priv_fail(error, CXM_EINVAL, "as_of",
                               "as_of is missing: the instant up to which records are known");
    if (status != CXM_OK)
        return status;
    const double given[] = { o.new_days, o.active_days, o.dormant_days };
    double days[3];
    struct cxm_call call;
    cxm_priv_call_begin(&call, "stages", &o);
    for (int i = 0; i < 3; i++) {
        days[i] = given[i] != 0 ? given[i] : usual_days[i];
        cxm_priv_call_number(&call, names[i], &days[i], 1);
    }
    uint8_t *states = cxm_priv_alloc(NULL, cxm_priv_rows_of(customer), 1);
    if (states == NULL)
        return cxm_priv_no_memory(error);
    status = cxm_stage_states(customer, time, o.as_of, days, states, &flags, error);
    const struct cxm_column stage = cxm_column_make("stage", CXM_U8, states,
                                                    cxm_priv_rows_of(customer), 1, 1);
    const uint8_t floored = (flags & (uint32_t)CXM_FLAG_SUBSECOND) != 0;
    const struct cxm_column subsecond = cxm_column_make("subsecond", CXM_U8, &floored, stage.n, 0,
                                                        1);
    cxm_priv_call_input(&call, "stage", &stage, 1);
    cxm_priv_call_input(&call, "subsecond", &subsecond, 1);
    if (status == CXM_OK)
        status = cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, &n },
                                   error);
    if (status == CXM_OK && n_out != NULL)
        *n_out = n;
    cxm_priv_release(NULL, states);
    return status;
}
