/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Resolution of tickets: of those opened in a period the share that is resolved, and the
 * clearance ratio of two flows, which is another number. Times became states before
 * (src/derive/tickets.c). */
#include "derive/tickets.h"
#include "metric/metric.h"

#include <cxm/service.h>

enum { COHORT, FLOW, FLOORED, N_UNITS };
enum { WITHIN };
enum { NO = 0, YES = 1, MISSING = 2, INVALID = 3, FIRST_REASON = 5 };
enum { FLOW_MISSING = 4, FLOW_INVALID = 5, FLOW_REASON = 7 };

static const uint8_t reasons[] = { CXM_REASON_PENDING, CXM_REASON_NOT_IN_DENOMINATOR,
                                   CXM_REASON_BAD, CXM_REASON_UNSEEN };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    struct cxm_unit_spec *units = cxm_priv_config_units(config, N_UNITS);
    if (units == NULL)
        return cxm_priv_no_memory(error);
    units[COHORT].bins = 2;
    units[FLOW].bins = 4;
    units[FLOORED].bins = 2;
    for (int u = COHORT; u <= FLOW; u++) {
        units[u].n_reasons = CXM_COUNT(reasons);
        memcpy(units[u].reasons, reasons, sizeof reasons);
    }
    config->lowest[COHORT] = config->lowest[FLOW] = 0;
    config->highest[COHORT] = config->highest[FLOW] = CXM_N_TICKET_STATES - 1;
    return CXM_OK;
}

/* States to codes of a unit whose reasons begin at `reason`; 10 and 11: missing and invalid. */
static uint16_t code_of(uint16_t state, uint16_t bins)
{
    if (state < CXM_TICKET_PENDING)
        return state;
    if (state < CXM_TICKET_MISSING)
        return (uint16_t)(bins + 3 + state - CXM_TICKET_PENDING);
    return (uint16_t)(bins + ((state - CXM_TICKET_MISSING) & 1));
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    for (size_t i = 0; i < block->n; i++) {
        const uint16_t cohort = code_of(block->codes[COHORT][i], 2);
        block->unit_codes[COHORT][i] = cohort;
        block->unit_codes[FLOW][i] = code_of(block->codes[FLOW][i], 4);
    }
    cxm_priv_floored_rows(block, FLOORED, FLOORED);
}

static const double came[4] = { 0, 1, 0, 1 }, went[4] = { 0, 0, 1, 1 };

static void add_flags(const struct cxm_view *view, struct cxm_estimate *out)
{
    cxm_priv_flag_unseen(view, COHORT, out);
    cxm_priv_flag_floored(view, FLOORED, out);
}

static void estimate_resolution(const struct cxm_view *view, uint32_t member,
                                const struct cxm_ask *ask, struct cxm_estimate *out)
{
    add_flags(view, out);
    cxm_priv_estimate_yes(view, member, ask, out); /* COHORT is unit 0 */
}

static void estimate_clearance(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    add_flags(view, out);
    cxm_priv_estimate_bin_ratio(view, FLOW, went, came, ask, out);
}

static void estimate_came(const struct cxm_view *view, uint32_t member,
                          const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, FLOW, came, ask, out);
}

static void estimate_went(const struct cxm_view *view, uint32_t member,
                          const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, FLOW, went, ask, out);
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const int64_t within = (int64_t)cxm_priv_number(&tally->config, WITHIN);
    if (within <= 0)
        cxm_priv_append(out, capacity, used, "resolution/opened-cohort");
    else if (within % 86400 == 0)
        cxm_priv_append(out, capacity, used, "resolution/opened-cohort/within=%lldd",
                        (long long)(within / 86400));
    else if (within % 3600 == 0)
        cxm_priv_append(out, capacity, used, "resolution/opened-cohort/within=%lldh",
                        (long long)(within / 3600));
    else
        cxm_priv_append(out, capacity, used, "resolution/opened-cohort/within=%llds",
                        (long long)within);
}

static const struct cxm_input_info inputs[] = {
    { .name = "state", .summary = "state of the ticket", .role = CXM_ROLE_RATING },
    { .name = "flow", .summary = "opened or resolved in the period", .role = CXM_ROLE_RATING },
    { .name = "subsecond", .summary = "instants were floored to the second",
      .role = CXM_ROLE_FLAG, .optional = 1 },
};
static const struct cxm_param_info params[] = {
    { .name = "within", .summary = "seconds in which to resolve; 0: any time",
      .kind = CXM_PARAM_INTEGER, .defaults = { 0 }, .lowest = 0,
      .highest = 9007199254740992.0 },
};
static const struct cxm_measure_info measures[] = {
    { "resolution", "resolved tickets of those opened", "问题解决率", CXM_UNIT_SHARE, 1 },
    { "clearance", "resolved in the period / opened in it", "工单清理率", CXM_UNIT_RATIO, 0 },
    { "successes", "resolved tickets", "已解决数", CXM_UNIT_COUNT, 0 },
    { "denominator", "opened tickets", "基数", CXM_UNIT_COUNT, 0 },
    { "opened", "opened in the period", "新开工单数", CXM_UNIT_COUNT, 0 },
    { "resolved", "resolved in the period", "期内解决数", CXM_UNIT_COUNT, 0 },
};
static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, COHORT, .estimate = estimate_resolution },
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_HIGH, FLOW, .estimate = estimate_clearance },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, COHORT, .estimate = cxm_priv_estimate_successes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, COHORT, .estimate = cxm_priv_estimate_denominator },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, FLOW, .estimate = estimate_came },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, FLOW, .estimate = estimate_went },
};
static const struct cxm_metric_info info = {
    .name = "resolution", .summary = "resolved tickets", .summary_zh = "问题解决率", .kind = 21,
    .base = CXM_BASE_TICKETS, .inputs = inputs, .n_inputs = CXM_COUNT(inputs), .params = params,
    .n_params = CXM_COUNT(params), .measures = measures, .n_measures = CXM_COUNT(measures),
    .intervals = cxm_priv_share_intervals, .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};
const struct cxm_metric cxm_priv_metric_resolution = {
    .rules = { .info = &info, .configure = configure, .rule = rule }, .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};

/* ---- tickets -------------------------------------------------------------------------- */

static enum cxm_status take_tickets(const struct cxm_tally *tally,
                                    const struct cxm_tickets *tickets, struct cxm_tickets *out,
                                    struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    if (tally == NULL || tickets == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or tickets is NULL");
    if (tally->config.rules != &cxm_priv_metric_resolution.rules)
        return cxm_priv_fail(error, CXM_EINVAL, "metric",
                             "tickets belong to resolution, not to %s",
                             tally->config.rules->info->name);
    if (tickets->size < sizeof tickets->size || tickets->size > sizeof *out)
        return cxm_priv_fail(error, CXM_EINVAL, "size",
                             "tickets.size must be sizeof(struct cxm_tickets)");
    memcpy(out, tickets, tickets->size);
    out->n_by = out->by == NULL ? 0 : out->n_by == 0 ? 1 : out->n_by;
    if (out->n_by > CXM_MAX_KEYS)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "at most %d keys", CXM_MAX_KEYS);
    if (out->period_start > out->period_end)
        return cxm_priv_fail(error, CXM_EINVAL, "period", "the period ends before it starts");
    if (out->invalid != CXM_INVALID_ERROR && out->invalid != CXM_INVALID_COUNT)
        return cxm_priv_fail(error, CXM_EINVAL, "invalid",
                             "invalid must be \"error\" or \"count\"");
    const enum cxm_status status = cxm_priv_reserved(out->reserved, error);
    return status == CXM_OK ? cxm_priv_check_tickets(out->opened, out->resolved, error) : status;
}

enum cxm_status cxm_tally_add_tickets(struct cxm_tally *tally,
                                      const struct cxm_tickets *tickets,
                                      struct cxm_error *error)
{
    struct cxm_tickets t;
    enum cxm_status status = take_tickets(tally, tickets, &t, error);
    if (status != CXM_OK)
        return status;
    const size_t n = (size_t)t.opened->n;
    const struct cxm_ticket_rules rules = {
        t.as_of, t.period_start, t.period_end, t.period_start != 0 || t.period_end != 0,
        (int64_t)cxm_priv_number(&tally->config, WITHIN),
    };
    bool subsecond = false;
    uint8_t *states = cxm_priv_alloc(&tally->allocator, n, 2);
    if (states == NULL)
        return cxm_priv_no_memory(error);
    status = cxm_priv_ticket_states(t.opened, t.resolved, &rules,
                                    t.invalid == CXM_INVALID_COUNT, states, states + n,
                                    &subsecond, &tally->allocator, error);
    const uint8_t floored = subsecond;
    const struct cxm_column columns[] = {
        cxm_column_make("state", CXM_U8, states, n, 1, 1),
        cxm_column_make("flow", CXM_U8, states + n, n, 1, 1),
        cxm_column_make("subsecond", CXM_U8, &floored, n, 0, 1),
    };
    struct cxm_input input[3 + CXM_MAX_KEYS];
    for (size_t i = 0; i < 3; i++)
        input[i] = (struct cxm_input){ columns[i].name, &columns[i] };
    for (size_t k = 0; k < t.n_by; k++)
        input[3 + k] = (struct cxm_input){ "by", &t.by[k] };
    const struct cxm_add_options options = { .size = sizeof options,
                                             .missing_key = t.missing_key,
                                             .threads = t.threads };
    if (status == CXM_OK)
        status = cxm_tally_add(tally, input, 3 + t.n_by, &options, error);
    cxm_priv_release(&tally->allocator, states);
    return status;
}
