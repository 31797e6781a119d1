/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of tickets and of customers: reopened and escalated tickets, complaints per 1 000
 * customers, contacts per customer. Complaints are rare and taken for Poisson counts (Garwood
 * 1936); contacts cluster by customer, whose numbers therefore give the error. */
#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/service.h>

#include <math.h>

enum { NO = 0, YES = 1, MISSING = 2, INVALID = 3, NOT_IN_DENOMINATOR = 5 };

static enum cxm_status configure_tickets(struct cxm_config *config, struct cxm_error *error)
{
    const bool counted = config->rules->info->inputs[0].role == CXM_ROLE_COUNT;
    const enum cxm_status status = cxm_priv_one_unit(config, 2, counted, error);
    if (status == CXM_OK) {
        config->units[0].n_reasons = 1;
        config->units[0].reasons[0] = CXM_REASON_NOT_IN_DENOMINATOR;
    }
    return status;
}

static void rule_reopen(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    for (size_t i = 0; i < block->n; i++) {
        const uint16_t resolved = block->given[1] ? block->codes[1][i] : YES;
        const uint8_t state = block->states[0][i];
        const uint16_t answer = state == CXM_ROW_MISSING   ? MISSING
                              : state == CXM_ROW_INVALID   ? INVALID
                              : block->values[0][i] >= 1   ? YES
                                                           : NO;
        block->unit_codes[0][i] = resolved == YES ? answer
                                : resolved == NO  ? (uint16_t)NOT_IN_DENOMINATOR
                                                  : resolved;
    }
    memcpy(block->variables[0], block->values[0], block->n * sizeof(double));
}

static void rule_escalation(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    memcpy(block->unit_codes[0], block->codes[0], block->n * sizeof(uint16_t));
}

/* Two variables, events and exposure; the second bin are the rows with an event. */
static enum cxm_status configure_rate(struct cxm_config *config, struct cxm_error *error)
{
    config->lowest[1] = 0;
    return cxm_priv_one_unit(config, 2, 2, error);
}

static void rule_rate(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    for (size_t i = 0; i < block->n; i++) {
        const uint8_t a = block->states[0][i];
        const uint8_t b = block->given[1] ? block->states[1][i] : CXM_ROW_USED;
        const uint8_t worst = a > b ? a : b;
        block->unit_codes[0][i] = worst == CXM_ROW_MISSING   ? MISSING
                                : worst == CXM_ROW_INVALID   ? INVALID
                                : block->values[0][i] >= 1   ? YES
                                                             : NO;
        block->variables[1][i] = block->given[1] ? block->values[1][i] : 1.0;
    }
    memcpy(block->variables[0], block->values[0], block->n * sizeof(double));
}

/* ---- estimates ------------------------------------------------------------------------ */

static void estimate_mean_reopens(const struct cxm_view *view, uint32_t member,
                                  const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    const double one = 1;
    cxm_priv_estimate_form(view, 0, &one, 0, 1, 0, INFINITY, ask, out);
}

/* sum x / sum e times factor, with the error of ratio linearisation over rows, or that of one
 * Poisson count. */
static void estimate_events(const struct cxm_view *view, double factor, bool poisson,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    cxm_priv_begin(view, 0, ask, out);
    const struct cxm_dd events = cxm_priv_view_sum(view, 0, 0);
    const struct cxm_dd exposure = cxm_priv_view_sum(view, 0, 1);
    if (!(exposure.hi > 0 && events.hi >= 0)) { /* forged sums may be below 0 */
        out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd ratio = cxm_priv_dd_div(events, exposure);
    out->value = factor * ratio.hi;
    if (poisson) {
        out->std_error = factor * sqrt(events.hi) / exposure.hi;
        out->interval = CXM_INTERVAL_GARWOOD;
        out->df = INFINITY;
        if (view->weighted) { /* weighted counts are no Poisson counts */
            out->std_error = NAN;
            return;
        }
        cxm_priv_set_limits(out, cxm_priv_poisson_limits(events.hi, exposure.hi / factor,
                                                         ask->level), 0, INFINITY);
        return;
    }
    const struct cxm_dd a[2] = { cxm_priv_dd(1), { -ratio.hi, -ratio.lo } };
    const double per_row = cxm_priv_form_error(view, 0, a, cxm_priv_dd(0),
                                               out->sum_weight / exposure.hi);
    out->std_error = factor * per_row;
    cxm_priv_finish_mean(view, out, ask, 0, INFINITY);
}

static void estimate_complaints(const struct cxm_view *view, uint32_t member,
                                const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    const bool poisson = ask->interval == CXM_INTERVAL_DEFAULT
                      || ask->interval == CXM_INTERVAL_GARWOOD;
    estimate_events(view, 1000, poisson, ask, out);
}

static void estimate_contacts(const struct cxm_view *view, uint32_t member,
                              const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_events(view, 1, ask->interval == CXM_INTERVAL_GARWOOD, ask, out);
}

/* Known only where a row is one customer: then the exposures sum to the rows, squares too. */
static void estimate_share_of_customers(const struct cxm_view *view, uint32_t member,
                                        const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    const struct cxm_dd squares = view->weighted ? cxm_priv_view_plain_product(view, 0, 1, 1)
                                                 : cxm_priv_view_product(view, 0, 1, 1);
    cxm_priv_begin(view, 0, ask, out);
    if (squares.hi == out->sum_weight && cxm_priv_view_sum(view, 0, 1).hi == out->sum_weight) {
        out->flags = 0;
        cxm_priv_estimate_yes(view, 0, ask, out);
    } else {
        out->flags |= CXM_FLAG_NO_DATA;
    }
}

static void estimate_sum(const struct cxm_view *view, uint32_t variable,
                         const struct cxm_ask *ask, struct cxm_estimate *out)
{
    cxm_priv_begin(view, 0, ask, out);
    if (out->n > 0)
        out->value = cxm_priv_view_sum(view, 0, variable).hi;
}

static void estimate_number(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_sum(view, 0, ask, out);
}

static void estimate_customers(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_sum(view, 1, ask, out);
}

/* ---- events, for charts ---------------------------------------------------------------- */

static double rows_used(const struct cxm_view *view)
{
    struct cxm_base base;
    cxm_priv_view_base(view, 0, &base);
    return (double)base.n;
}

static bool events_reopen(const struct cxm_view *view, int family, struct cxm_events *out)
{
    *out = (struct cxm_events){ cxm_priv_view_sum(view, 0, 0).hi, rows_used(view) };
    return family == 1;
}

static bool events_complaints(const struct cxm_view *view, int family, struct cxm_events *out)
{
    *out = (struct cxm_events){ cxm_priv_view_sum(view, 0, 0).hi,
                                cxm_priv_view_sum(view, 0, 1).hi / 1000 };
    return family == 0;
}

static bool events_contacts(const struct cxm_view *view, int family, struct cxm_events *out)
{
    *out = (struct cxm_events){ cxm_priv_view_sum(view, 0, 0).hi,
                                cxm_priv_view_sum(view, 0, 1).hi };
    return family == 0;
}

/* ---- definitions ----------------------------------------------------------------------- */

static void define_reopen(const struct cxm_tally *tally, char *out, size_t capacity,
                          size_t *used)
{
    cxm_priv_append(out, capacity, used, "reopen/of-%s",
                    tally->schema.given != 0 ? "resolved" : "tickets");
}

static void define_escalation(const struct cxm_tally *tally, char *out, size_t capacity,
                              size_t *used)
{
    (void)tally;
    cxm_priv_append(out, capacity, used, "escalation/of-opened");
}

static void define_complaints(const struct cxm_tally *tally, char *out, size_t capacity,
                              size_t *used)
{
    (void)tally;
    cxm_priv_append(out, capacity, used, "complaints/per-1000-customers");
}

static void define_contact_rate(const struct cxm_tally *tally, char *out, size_t capacity,
                                size_t *used)
{
    (void)tally;
    cxm_priv_append(out, capacity, used, "contact_rate/per-active-customer");
}

/* ---- descriptions --------------------------------------------------------------------- */

static const struct cxm_input_info reopen_inputs[] = {
    { .name = "reopens", .summary = "times the ticket was reopened", .role = CXM_ROLE_COUNT },
    { .name = "resolved", .summary = "was the ticket ever resolved?", .role = CXM_ROLE_FLAG,
      .optional = 1 },
};
static const struct cxm_input_info escalation_inputs[] = {
    { .name = "escalated", .summary = "was the ticket escalated?", .role = CXM_ROLE_FLAG },
};
static const struct cxm_input_info complaints_inputs[] = {
    { .name = "complaints", .summary = "number of complaints", .role = CXM_ROLE_COUNT },
    { .name = "customers", .summary = "customers of the row; one when left out",
      .role = CXM_ROLE_NUMBER, .optional = 1 },
};
static const struct cxm_input_info contact_inputs[] = {
    { .name = "contacts", .summary = "number of contacts", .role = CXM_ROLE_COUNT },
    { .name = "customers", .summary = "active customers of the row; one when left out",
      .role = CXM_ROLE_NUMBER, .optional = 1 },
};

static const struct cxm_measure_info reopen_measures[] = {
    { "reopen", "tickets that were reopened", "重新打开率", CXM_UNIT_SHARE, 1 },
    { "reopens_per_ticket", "reopenings per ticket", "平均重新打开次数", CXM_UNIT_RATIO, 0 },
    { "successes", "reopened tickets", "重新打开数", CXM_UNIT_COUNT, 0 },
    { "denominator", "tickets ever resolved", "基数", CXM_UNIT_COUNT, 0 },
};
static const struct cxm_measure_info escalation_measures[] = {
    { "escalation", "tickets that were escalated", "升级率", CXM_UNIT_SHARE, 1 },
    { "successes", "escalated tickets", "升级数", CXM_UNIT_COUNT, 0 },
    { "denominator", "opened tickets", "基数", CXM_UNIT_COUNT, 0 },
};
static const struct cxm_measure_info complaints_measures[] = {
    { "complaints", "complaints per 1 000 customers", "千人投诉率", CXM_UNIT_PER_1000, 1 },
    { "complainers", "customers with a complaint", "抱怨率", CXM_UNIT_SHARE, 0 },
    { "number", "complaints", "投诉数", CXM_UNIT_COUNT, 0 },
    { "customers", "customers", "客户数", CXM_UNIT_COUNT, 0 },
};
static const struct cxm_measure_info contact_measures[] = {
    { "contact_rate", "contacts per active customer", "联系率", CXM_UNIT_PER_CUSTOMER, 1 },
    { "contacting", "customers with a contact", "联系客户占比", CXM_UNIT_SHARE, 0 },
    { "number", "contacts", "联系次数", CXM_UNIT_COUNT, 0 },
    { "customers", "active customers", "活跃客户数", CXM_UNIT_COUNT, 0 },
};

static const struct cxm_estimator reopen_estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .score = cxm_priv_score_yes },
    { CXM_CLASS_MEAN, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_mean_reopens },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = cxm_priv_estimate_successes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = cxm_priv_estimate_denominator },
};
static const struct cxm_estimator escalation_estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .score = cxm_priv_score_yes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = cxm_priv_estimate_successes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = cxm_priv_estimate_denominator },
};
static const struct cxm_estimator complaints_estimators[] = {
    { CXM_CLASS_RATE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_complaints },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_share_of_customers },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_number },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = estimate_customers },
};
static const struct cxm_estimator contact_estimators[] = {
    { CXM_CLASS_RATE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_contacts },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_share_of_customers },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_number },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = estimate_customers },
};

static const enum cxm_interval poisson_first[] = { CXM_INTERVAL_GARWOOD, CXM_INTERVAL_T,
                                                   CXM_INTERVAL_WALD, CXM_INTERVAL_NONE };
static const enum cxm_interval t_first[] = { CXM_INTERVAL_T, CXM_INTERVAL_WALD,
                                             CXM_INTERVAL_GARWOOD, CXM_INTERVAL_NONE };

#define LISTS(topic)                                                                           \
    .inputs = topic##_inputs, .n_inputs = CXM_COUNT(topic##_inputs),                           \
    .measures = topic##_measures, .n_measures = CXM_COUNT(topic##_measures)

static const struct cxm_metric_info reopen_info = {
    .name = "reopen", .summary = "reopened tickets", .summary_zh = "重新打开率", .kind = 22,
    .base = CXM_BASE_TICKETS, LISTS(reopen), .intervals = cxm_priv_share_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};
static const struct cxm_metric_info escalation_info = {
    .name = "escalation", .summary = "escalated tickets", .summary_zh = "升级率", .kind = 23,
    .base = CXM_BASE_TICKETS, LISTS(escalation), .intervals = cxm_priv_share_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};
static const struct cxm_metric_info complaints_info = {
    .name = "complaints", .summary = "complaints per 1 000 customers", .summary_zh = "投诉率",
    .kind = 24, .base = CXM_BASE_CUSTOMERS, LISTS(complaints), .intervals = poisson_first,
    .n_intervals = CXM_COUNT(poisson_first),
};
static const struct cxm_metric_info contact_info = {
    .name = "contact_rate", .summary = "contacts per active customer", .summary_zh = "联系率",
    .kind = 25, .base = CXM_BASE_CUSTOMERS, LISTS(contact), .intervals = t_first,
    .n_intervals = CXM_COUNT(t_first),
};

const struct cxm_metric cxm_priv_metric_reopen = {
    .rules = { .info = &reopen_info, .configure = configure_tickets, .rule = rule_reopen },
    .estimators = reopen_estimators, .items_param = -1, .dimensions_param = -1,
    .define = define_reopen, .events = events_reopen,
};
const struct cxm_metric cxm_priv_metric_escalation = {
    .rules = { .info = &escalation_info, .configure = configure_tickets, .rule = rule_escalation },
    .estimators = escalation_estimators, .items_param = -1, .dimensions_param = -1,
    .define = define_escalation,
};
const struct cxm_metric cxm_priv_metric_complaints = {
    .rules = { .info = &complaints_info, .configure = configure_rate, .rule = rule_rate },
    .estimators = complaints_estimators, .items_param = -1, .dimensions_param = -1,
    .define = define_complaints, .events = events_complaints,
};
const struct cxm_metric cxm_priv_metric_contact_rate = {
    .rules = { .info = &contact_info, .configure = configure_rate, .rule = rule_rate },
    .estimators = contact_estimators, .items_param = -1, .dimensions_param = -1,
    .define = define_contact_rate, .events = events_contacts,
};

/* ---- one call ------------------------------------------------------------------------- */

static enum cxm_status call_service(const char *metric, const char *first,
                                    const struct cxm_column *a, const char *second,
                                    const struct cxm_column *b,
                                    const struct cxm_service_options *options,
                                    struct cxm_rows_out out, struct cxm_error *error)
{
    struct cxm_service_options o = { CXM_INIT(reopen) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, metric, &o);
    cxm_priv_call_input(&call, first, a, 1);
    if (b != NULL)
        cxm_priv_call_input(&call, second, b, 1);
    return cxm_priv_call_run(&call, out, error);
}

#define ROWS_OUT (struct cxm_rows_out){ rows, row_bytes, capacity, n_out }

enum cxm_status cxm_reopen(const struct cxm_column *reopens, const struct cxm_column *resolved,
                           const struct cxm_service_options *options, struct cxm_row *rows,
                           size_t row_bytes, size_t capacity, size_t *n_out,
                           struct cxm_error *error)
{
    return call_service("reopen", "reopens", reopens, "resolved", resolved, options, ROWS_OUT,
                        error);
}

enum cxm_status cxm_escalation(const struct cxm_column *escalated,
                               const struct cxm_service_options *options, struct cxm_row *rows,
                               size_t row_bytes, size_t capacity, size_t *n_out,
                               struct cxm_error *error)
{
    return call_service("escalation", "escalated", escalated, NULL, NULL, options, ROWS_OUT,
                        error);
}

enum cxm_status cxm_complaints(const struct cxm_column *complaints,
                               const struct cxm_column *customers,
                               const struct cxm_service_options *options, struct cxm_row *rows,
                               size_t row_bytes, size_t capacity, size_t *n_out,
                               struct cxm_error *error)
{
    return call_service("complaints", "complaints", complaints, "customers", customers, options,
                        ROWS_OUT, error);
}

enum cxm_status cxm_contact_rate(const struct cxm_column *contacts,
                                 const struct cxm_column *customers,
                                 const struct cxm_service_options *options, struct cxm_row *rows,
                                 size_t row_bytes, size_t capacity, size_t *n_out,
                                 struct cxm_error *error)
{
    return call_service("contact_rate", "contacts", contacts, "customers", customers, options,
                        ROWS_OUT, error);
}
