/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Service-level attainment: three shares of the states that derive/waits.c gives to tickets. Each
 * has a base of its own, hence a unit. */
#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/hours.h>

enum { TARGET, HOURS };
enum { DUE, CLOSED, KNOWN, N_SHARES, FLOORED = N_SHARES, N_UNITS };
enum { STATE, SUBSECOND };
enum { BREACHED = 0, MET = 1, MISSING = 2, INVALID = 3, FIRST_REASON = 5 };
enum { PENDING = FIRST_REASON, OPEN, UNSEEN, BAD };

static const uint8_t reasons[] = { CXM_REASON_PENDING, CXM_REASON_OPEN, CXM_REASON_UNSEEN,
                                   CXM_REASON_BAD };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    struct cxm_unit_spec *units = cxm_priv_config_units(config, N_UNITS);
    if (units == NULL)
        return cxm_priv_no_memory(error);
    units[FLOORED].bins = 2;
    for (int u = 0; u < N_SHARES; u++) {
        units[u].bins = 2;
        units[u].n_reasons = CXM_COUNT(reasons);
        memcpy(units[u].reasons, reasons, sizeof reasons);
    }
    config->lowest[0] = 0;
    config->highest[0] = CXM_SLA_MISSING;
    return CXM_OK;
}

/* By unit and state; the last two are the codes of missing and invalid input. */
static const uint16_t codes[N_SHARES][CXM_SLA_MISSING + 3] = {
    [DUE] = { MET, PENDING, BREACHED, BREACHED, PENDING, UNSEEN, BAD, MISSING, MISSING, INVALID },
    [CLOSED] = { MET, MET, BREACHED, OPEN, OPEN, UNSEEN, BAD, MISSING, MISSING, INVALID },
    [KNOWN] = { MET, MET, BREACHED, BREACHED, PENDING, UNSEEN, BAD, MISSING, MISSING, INVALID },
};

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    for (int u = 0; u < N_SHARES; u++) {
        for (size_t i = 0; i < block->n; i++)
            block->unit_codes[u][i] = codes[u][block->codes[STATE][i]];
    }
    cxm_priv_floored_rows(block, SUBSECOND, FLOORED);
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    char target[CXM_DOUBLE_TEXT];
    cxm_priv_append(out, capacity, used, "sla/within=%ss",
                    cxm_priv_double_text(cxm_priv_number(&tally->config, TARGET), target));
    if (cxm_priv_choice(&tally->config, HOURS) != 0)
        cxm_priv_append(out, capacity, used, "/business-hours");
}

static void estimate_unit(const struct cxm_view *view, uint32_t unit, const struct cxm_ask *ask,
                          struct cxm_estimate *out)
{
    static const double met[] = { 0, 1 };
    cxm_priv_flag_unseen(view, unit, out);
    cxm_priv_flag_floored(view, FLOORED, out);
    cxm_priv_estimate_share(view, unit, met, ask, out);
}

static void estimate_due(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                         struct cxm_estimate *out)
{
    (void)member;
    estimate_unit(view, DUE, ask, out);
}

static void estimate_closed(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_unit(view, CLOSED, ask, out);
}

static void estimate_known(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_unit(view, KNOWN, ask, out);
}

static const struct cxm_input_info inputs[] = {
    { .name = "state", .summary = "state of every ticket, from cxm_sla_states",
      .role = CXM_ROLE_RATING },
    { .name = "subsecond", .summary = "instants were floored to the second",
      .role = CXM_ROLE_FLAG, .optional = 1 },
};

static const char *const kinds_of_hours[] = { "calendar", "business", NULL };

static const struct cxm_param_info params[] = {
    { .name = "target", .summary = "seconds within which a ticket is to be answered",
      .kind = CXM_PARAM_NUMBER, .required = 1, .lowest = 0, .highest = 1e15 },
    { .name = "hours", .summary = "which seconds count", .kind = CXM_PARAM_CHOICE,
      .default_text = "calendar", .choices = kinds_of_hours },
};

static const struct cxm_measure_info measures[] = {
    { "sla", "share of due tickets answered in time", "服务水平达成率", CXM_UNIT_SHARE, 1 },
    { "closed", "the same of all that were answered", "已答复工单达成率", CXM_UNIT_SHARE, 0 },
    { "known", "the same of those due and those answered early", "已知结果达成率", CXM_UNIT_SHARE, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, DUE, .estimate = estimate_due },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, CLOSED, .estimate = estimate_closed },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, KNOWN, .estimate = estimate_known },
};

static const struct cxm_metric_info info = {
    .name = "sla", .summary = "service-level attainment", .summary_zh = "服务水平达成率", .kind = 27,
    .base = CXM_BASE_TICKETS, .inputs = inputs, .n_inputs = CXM_COUNT(inputs), .params = params,
    .n_params = CXM_COUNT(params), .measures = measures, .n_measures = CXM_COUNT(measures),
    .intervals = cxm_priv_share_intervals, .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};

const struct cxm_metric cxm_priv_metric_sla = {
    .rules = { .info = &info, .configure = configure, .rule = rule }, .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};

/* ---- one call -------------------------------------------------------------------------- */

enum cxm_status cxm_sla(const struct cxm_column *opened, const struct cxm_column *answered,
                        const struct cxm_sla_options *options, struct cxm_row *rows,
                        size_t row_bytes, size_t capacity, size_t *n_out, struct cxm_error *error)
{
    static const char *const business[] = { "business" };
    struct cxm_sla_options o = { CXM_INIT(sla) };
    uint32_t flags = 0;
    size_t n = 0;
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK && (!o.has_as_of || !o.has_target))
        status = cxm_priv_fail(error, CXM_EINVAL, o.has_as_of ? "target" : "as_of", "%s is missing",
                               o.has_as_of ? "target" : "as_of");
    if (status != CXM_OK)
        return status;
    uint8_t *states = cxm_priv_alloc(NULL, cxm_priv_rows_of(opened), 1);
    if (states == NULL)
        return cxm_priv_no_memory(error);
    status = cxm_sla_states(opened, answered, o.target, o.as_of, o.schedule, states, &flags, error);
    struct cxm_call call;
    cxm_priv_call_begin(&call, "sla", &o);
    cxm_priv_call_number(&call, "target", &o.target, 1);
    if (o.schedule != NULL)
        cxm_priv_call_text(&call, "hours", business, 1);
    const struct cxm_column state = cxm_column_make("state", CXM_U8, states,
                                                    cxm_priv_rows_of(opened), 1, 1);
    const uint8_t floored = (flags & (uint32_t)CXM_FLAG_SUBSECOND) != 0;
    const struct cxm_column subsecond = cxm_column_make("subsecond", CXM_U8, &floored, state.n, 0,
                                                        1);
    cxm_priv_call_input(&call, "state", &state, 1);
    cxm_priv_call_input(&call, "subsecond", &subsecond, 1);
    if (status == CXM_OK)
        status = cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, &n },
                                   error);
    if (status == CXM_OK && n_out != NULL)
        *n_out = n;
    cxm_priv_release(NULL, states);
    return status;
}
