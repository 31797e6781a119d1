/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First-contact resolution by a repeat-contact window. What needs the history of a customer was
 * done before (src/derive/repeat.c): here a row is a contact with its state, and once for every
 * customer the number of its counted contacts n_c and of the successes y_c among them. Then
 *
 *   p = sum y_c / sum n_c,   V = m/(m-1) sum (y_c - p n_c)^2 / N^2,   t with m - 1 df
 *
 * (ratio linearisation, Cochran 1977, chapter 9), from the moments of y_c and n_c, which are
 * integers. Issues, the chains of contacts, are a second base with clusters of its own. */
#include "derive/repeat.h"
#include "metric/call.h"
#include "metric/metric.h"

#include <cxm/fcr.h>

#include <math.h>

/* ---- units ---------------------------------------------------------------------------- */

enum { CONTACTS, CUSTOMERS, ISSUES, ISSUE_CUSTOMERS, FLOORED, N_UNITS };
enum { WINDOW, ANCHOR, RIGHT, AFTER_ONLY, KEY, MISSING_CATEGORY, DENOMINATOR, LOOKBACK };
enum { STATE, ISSUE_STATE, CUSTOMER_FCR, CUSTOMER_CONTACTS, ISSUE_FCR, CUSTOMER_ISSUES,
       SUBSECOND };
enum { FAILURE = 0, SUCCESS = 1, MISSING = 2, INVALID = 3, FIRST_REASON = 5 };

static const uint8_t reasons[] = {
    CXM_REASON_PENDING, CXM_REASON_EARLY_REPEAT, CXM_REASON_OPEN, CXM_REASON_BAD,
    CXM_REASON_UNSEEN, CXM_REASON_UNLINKED, CXM_REASON_NOT_IN_DENOMINATOR,
};

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    struct cxm_unit_spec *units = cxm_priv_config_units(config, N_UNITS);
    if (units == NULL)
        return cxm_priv_no_memory(error);
    for (int u = CONTACTS; u <= ISSUES; u += ISSUES - CONTACTS) {
        units[u].bins = 2;
        units[u].n_reasons = CXM_COUNT(reasons);
        memcpy(units[u].reasons, reasons, sizeof reasons);
        units[u + 1].bins = 1;
        units[u + 1].variables = 2;
    }
    units[FLOORED].bins = 2;
    config->lowest[STATE] = config->lowest[ISSUE_STATE] = 0;
    config->highest[STATE] = config->highest[ISSUE_STATE] = CXM_N_CONTACT_CODES - 1;
    return CXM_OK;
}

static uint16_t code_of_reason(uint8_t reason)
{
    uint16_t i = 0;
    while (reasons[i] != reason)
        i++;
    return FIRST_REASON + i;
}

/* The code in a unit of contacts or issues for each state, and for missing and invalid ones. */
static void fill_codes(enum cxm_fcr_denominator denominator,
                       uint16_t codes[CXM_N_CONTACT_CODES + 2])
{
    static const uint8_t reason_of[CXM_N_CONTACT_CODES] = {
        [CXM_CONTACT_PENDING] = CXM_REASON_PENDING,
        [CXM_CONTACT_EARLY_REPEAT] = CXM_REASON_EARLY_REPEAT,
        [CXM_CONTACT_OPEN] = CXM_REASON_OPEN,
        [CXM_CONTACT_BAD] = CXM_REASON_BAD,
        [CXM_CONTACT_UNSEEN] = CXM_REASON_UNSEEN,
        [CXM_CONTACT_UNLINKED] = CXM_REASON_UNLINKED,
        [CXM_CONTACT_OPEN_DUE] = CXM_REASON_OPEN,
        [CXM_CONTACT_OUTSIDE] = CXM_REASON_NOT_IN_DENOMINATOR,
    };
    for (unsigned c = 0; c < CXM_N_CONTACT_CODES; c++) {
        const int outcome = cxm_priv_contact_outcome(c, denominator);
        codes[c] = outcome >= 0                ? (uint16_t)outcome
                 : c == CXM_CONTACT_MISSING    ? (uint16_t)MISSING
                 : c == CXM_CONTACT_INVALID    ? (uint16_t)INVALID
                                               : code_of_reason(reason_of[c]);
    }
    codes[CXM_N_CONTACT_CODES] = MISSING;
    codes[CXM_N_CONTACT_CODES + 1] = INVALID;
}

/* A customer is counted on the one row that carries its two counts. */
static void count_customers(struct cxm_block *block, uint32_t unit, uint32_t yes, uint32_t all,
                            uint32_t variable)
{
    for (size_t i = 0; i < block->n; i++) {
        const uint8_t a = block->states[yes][i], b = block->states[all][i];
        block->unit_codes[unit][i] = a > b ? a : b;
    }
    memcpy(block->variables[variable], block->values[yes], block->n * sizeof(double));
    memcpy(block->variables[variable + 1], block->values[all], block->n * sizeof(double));
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    uint16_t codes[CXM_N_CONTACT_CODES + 2];
    fill_codes((enum cxm_fcr_denominator)cxm_priv_choice(config, DENOMINATOR), codes);
    for (size_t i = 0; i < block->n; i++) {
        block->unit_codes[CONTACTS][i] = codes[block->codes[STATE][i]];
        block->unit_codes[ISSUES][i] = codes[block->codes[ISSUE_STATE][i]];
    }
    count_customers(block, CUSTOMERS, CUSTOMER_FCR, CUSTOMER_CONTACTS, 0);
    count_customers(block, ISSUE_CUSTOMERS, ISSUE_FCR, CUSTOMER_ISSUES, 2);
    if (block->given[SUBSECOND])
        memcpy(block->unit_codes[FLOORED], block->codes[SUBSECOND],
               block->n * sizeof(uint16_t));
    else
        memset(block->unit_codes[FLOORED], 0, block->n * sizeof(uint16_t));
}

/* ---- estimates ------------------------------------------------------------------------ */

static const double is_success[2] = { 0, 1 }, is_failure[2] = { 1, 0 }, is_any[2] = { 1, 1 };

static void add_flags(const struct cxm_view *view, struct cxm_estimate *out)
{
    struct cxm_base base;
    cxm_priv_view_base(view, CONTACTS, &base);
    const int64_t unseen = base.excluded_by[CXM_REASON_UNSEEN];
    if (unseen > 0 && unseen == base.rows - base.missing - base.invalid)
        out->flags |= CXM_FLAG_ALL_AFTER_AS_OF;
    if (cxm_priv_view_count(view, FLOORED, 1) > 0)
        out->flags |= CXM_FLAG_SUBSECOND;
    if (cxm_priv_choice(view->config, DENOMINATOR) == CXM_FCR_PENDING_AS_SUCCESS)
        out->flags |= CXM_FLAG_PROVISIONAL;
}

/* N^2 sum (y_c - p n_c)^2 = N^2 S_yy - 2 Y N S_yn + Y^2 S_nn, of integers; failures have the same
 * spread as successes. */
static double clustered_error(const struct cxm_view *view, uint32_t unit)
{
    const int64_t m = cxm_priv_view_count(view, unit, 0);
    const struct cxm_dd y = cxm_priv_view_sum(view, unit, 0);
    const struct cxm_dd n = cxm_priv_view_sum(view, unit, 1);
    const struct cxm_dd n2 = cxm_priv_dd_mul(n, n);
    if (m < 2 || !(n.hi > 0))
        return NAN;
    const struct cxm_dd yy = cxm_priv_dd_mul(n2, cxm_priv_view_product(view, unit, 0, 0));
    const struct cxm_dd nn = cxm_priv_dd_mul(cxm_priv_dd_mul(y, y),
                                             cxm_priv_view_product(view, unit, 1, 1));
    const struct cxm_dd yn = cxm_priv_dd_mul(cxm_priv_dd_mul(y, n),
                                             cxm_priv_view_product(view, unit, 0, 1));
    const struct cxm_dd size = cxm_priv_dd_add(yy, nn);
    const struct cxm_dd sum = cxm_priv_dd_sub(size, cxm_priv_dd_add(yn, yn));
    /* What is left of terms that cancel to the last of their 100 digits is rounding. */
    if (!(sum.hi > ldexp(size.hi, -98)))
        return 0;
    const double scatter = cxm_priv_dd_div(sum, cxm_priv_dd_mul(n2, n2)).hi;
    return sqrt((double)m / (double)(m - 1) * scatter);
}

static void estimate_clustered(const struct cxm_view *view, uint32_t unit, const double *y,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const bool by_row = ask->interval >= CXM_INTERVAL_WILSON
                     && ask->interval <= CXM_INTERVAL_LOGIT;
    if (unit == ISSUES)
        out->base = CXM_BASE_ISSUES;
    add_flags(view, out);
    if (by_row) {
        cxm_priv_estimate_share(view, unit, y, ask, out);
        return;
    }
    cxm_priv_begin(view, unit, ask, out);
    if (out->n == 0)
        return;
    const uint32_t bin = y[SUCCESS] != 0 ? SUCCESS : FAILURE;
    const struct cxm_dd all = cxm_priv_view_weights(view, unit, 0, 2);
    out->value = cxm_priv_dd_div(cxm_priv_view_weight(view, unit, bin), all).hi;
    /* The counts of a customer know nothing of weights. */
    out->std_error = view->weighted ? NAN : clustered_error(view, unit + 1);
    out->interval = ask->interval == CXM_INTERVAL_DEFAULT ? CXM_INTERVAL_T : ask->interval;
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    if (out->interval == CXM_INTERVAL_NONE)
        return;
    const int64_t clusters = cxm_priv_view_count(view, unit + 1, 0);
    out->df = out->interval == CXM_INTERVAL_T ? (double)(clusters - 1) : INFINITY;
    cxm_priv_set_limits(out, cxm_priv_mean_limits(out->value, out->std_error, out->df,
                                                  ask->level), 0, 1);
}

static void estimate_fcr(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,
                         struct cxm_estimate *out)
{
    (void)member;
    estimate_clustered(view, CONTACTS, is_success, ask, out);
}

static void estimate_issue_fcr(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_clustered(view, ISSUES, is_success, ask, out);
}

static void estimate_repeat(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_clustered(view, CONTACTS, is_failure, ask, out);
}

/* Counts of rows: known also where nothing is in the denominator. */
static void estimate_count(const struct cxm_view *view, uint32_t unit, const double *y,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    if (unit == ISSUES)
        out->base = CXM_BASE_ISSUES;
    add_flags(view, out);
    cxm_priv_estimate_count(view, unit, y, ask, out);
    out->flags &= ~(uint32_t)CXM_FLAG_NO_DATA;
}

static void estimate_successes(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_count(view, CONTACTS, is_success, ask, out);
}

static void estimate_denominator(const struct cxm_view *view, uint32_t member,
                                 const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_count(view, CONTACTS, is_any, ask, out);
}

static void estimate_issue_successes(const struct cxm_view *view, uint32_t member,
                                     const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_count(view, ISSUES, is_success, ask, out);
}

static void estimate_issue_denominator(const struct cxm_view *view, uint32_t member,
                                       const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_count(view, ISSUES, is_any, ask, out);
}

static void estimate_customers(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    static const double none[2] = { 0, 0 };
    estimate_count(view, CONTACTS, none, ask, out);
    out->value = (double)cxm_priv_view_count(view, CUSTOMERS, 0);
}

static void count_reason(const struct cxm_view *view, enum cxm_reason reason,
                         const struct cxm_ask *ask, struct cxm_estimate *out)
{
    static const double none[2] = { 0, 0 };
    struct cxm_base base;
    estimate_count(view, CONTACTS, none, ask, out);
    cxm_priv_view_base(view, CONTACTS, &base);
    out->value = (double)base.excluded_by[reason];
}

#define COUNT_OF_REASON(name, reason)                                                          \
    static void estimate_##name(const struct cxm_view *view, uint32_t member,                  \
                                const struct cxm_ask *ask, struct cxm_estimate *out)           \
    {                                                                                          \
        (void)member;                                                                          \
        count_reason(view, reason, ask, out);                                                  \
    }

COUNT_OF_REASON(pending, CXM_REASON_PENDING)
COUNT_OF_REASON(early_repeat, CXM_REASON_EARLY_REPEAT)
COUNT_OF_REASON(open, CXM_REASON_OPEN)
COUNT_OF_REASON(bad, CXM_REASON_BAD)
COUNT_OF_REASON(unseen, CXM_REASON_UNSEEN)
COUNT_OF_REASON(unlinked, CXM_REASON_UNLINKED)

/* ---- the definition ------------------------------------------------------------------- */

static void define_length(const char *name, int64_t length, char *out, size_t capacity,
                          size_t *used)
{
    if (length % 86400 == 0 && length > 0)
        cxm_priv_append(out, capacity, used, "%s=%lldd", name, (long long)(length / 86400));
    else if (length % 3600 == 0 && length > 0)
        cxm_priv_append(out, capacity, used, "%s=%lldh", name, (long long)(length / 3600));
    else
        cxm_priv_append(out, capacity, used, "%s=%llds", name, (long long)length);
}

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    static const char *const of[] = { "", "/with=early-repeats", "/with=pending-as-success",
                                      "/of=all" };
    const struct cxm_config *config = &tally->config;
    const int64_t window = (int64_t)cxm_priv_number(config, WINDOW);
    const bool category = cxm_priv_choice(config, KEY) == 1;
    define_length("fcr/window", window, out, capacity, used);
    cxm_priv_append(out, capacity, used, "/key=%s", category ? "customer+category" : "customer");
    if (category && cxm_priv_choice(config, MISSING_CATEGORY) == 1)
        cxm_priv_append(out, capacity, used, "(missing=own)");
    cxm_priv_append(out, capacity, used, "/from=%s",
                    cxm_priv_choice(config, ANCHOR) == 1 ? "opening" : "resolution");
    if (cxm_priv_choice(config, RIGHT) == 1)
        cxm_priv_append(out, capacity, used, "/right=open");
    if (cxm_priv_number(config, AFTER_ONLY) != 0)
        cxm_priv_append(out, capacity, used, "/after-only");
    cxm_priv_append(out, capacity, used, "%s", of[cxm_priv_choice(config, DENOMINATOR)]);
    if (cxm_priv_number(config, LOOKBACK) > 0)
        define_length("/first-since", (int64_t)cxm_priv_number(config, LOOKBACK), out, capacity,
                      used);
}

/* ---- the description ------------------------------------------------------------------ */

static const struct cxm_input_info inputs[] = {
    { .name = "state", .summary = "state of the contact", .role = CXM_ROLE_RATING },
    { .name = "issue_state", .summary = "state of the issue that begins with it",
      .role = CXM_ROLE_RATING },
    { .name = "customer_fcr", .summary = "successes of the customer, on one of its rows",
      .role = CXM_ROLE_COUNT },
    { .name = "customer_contacts", .summary = "counted contacts of the customer, on that row",
      .role = CXM_ROLE_COUNT },
    { .name = "customer_issue_fcr", .summary = "successful issues of the customer",
      .role = CXM_ROLE_COUNT },
    { .name = "customer_issues", .summary = "counted issues of the customer",
      .role = CXM_ROLE_COUNT },
    { .name = "subsecond", .summary = "instants were floored to the second",
      .role = CXM_ROLE_FLAG, .optional = 1 },
};

static const char *const anchors[] = { "resolved", "opened", NULL };
static const char *const ends[] = { "closed", "open", NULL };
static const char *const keys[] = { "customer", "customer+category", NULL };
static const char *const missing_categories[] = { "unlinked", "own", NULL };
static const char *const denominators[] = { "mature", "keep_early_repeats",
                                            "pending_as_success", "all", NULL };

static const struct cxm_param_info params[] = {
    { .name = "window", .summary = "seconds in which a further contact is a repeat",
      .kind = CXM_PARAM_INTEGER, .defaults = { 7 * 86400 }, .lowest = 0,
      .highest = 9007199254740992.0 },
    { .name = "anchor", .summary = "where the window starts", .kind = CXM_PARAM_CHOICE,
      .default_text = "resolved", .choices = anchors },
    { .name = "right", .summary = "does its last instant belong to the window?",
      .kind = CXM_PARAM_CHOICE, .default_text = "closed", .choices = ends },
    { .name = "after_only", .summary = "contacts before the anchor are no repeats",
      .kind = CXM_PARAM_YES_NO, .defaults = { 0 }, .lowest = 0, .highest = 1 },
    { .name = "key", .summary = "what a repeat has in common with the first contact",
      .kind = CXM_PARAM_CHOICE, .default_text = "customer", .choices = keys },
    { .name = "missing_category", .summary = "contacts without a category",
      .kind = CXM_PARAM_CHOICE, .default_text = "unlinked", .choices = missing_categories },
    { .name = "denominator", .summary = "which contacts are counted", .kind = CXM_PARAM_CHOICE,
      .default_text = "mature", .choices = denominators },
    { .name = "lookback", .summary = "seconds before a first contact without another; 0: any",
      .kind = CXM_PARAM_INTEGER, .defaults = { 0 }, .lowest = 0, .highest = 9007199254740992.0,
      .later = 1 },
};

static const struct cxm_measure_info measures[] = {
    { "fcr", "first-contact resolution", "首接解决率", CXM_UNIT_SHARE, 1 },
    { "issue_fcr", "issues solved at the first contact", "问题首接解决率", CXM_UNIT_SHARE, 1 },
    { "repeat", "contacts that were followed by another", "重复来电率", CXM_UNIT_SHARE, 0 },
    { "successes", "contacts without a repeat", "首接解决数", CXM_UNIT_COUNT, 0 },
    { "denominator", "contacts that are counted", "基数", CXM_UNIT_COUNT, 0 },
    { "issue_successes", "issues without a repeat", "首接解决的问题数", CXM_UNIT_COUNT, 0 },
    { "issue_denominator", "issues that are counted", "问题数", CXM_UNIT_COUNT, 0 },
    { "customers", "customers with counted contacts", "客户数", CXM_UNIT_COUNT, 0 },
    { "pending", "window not over, no repeat so far", "待定数", CXM_UNIT_COUNT, 0 },
    { "early_repeat", "window not over, repeated already", "提前重复数", CXM_UNIT_COUNT, 0 },
    { "open", "not resolved yet", "未解决数", CXM_UNIT_COUNT, 0 },
    { "bad", "resolved before they were opened", "异常数", CXM_UNIT_COUNT, 0 },
    { "unseen", "opened after the as-of instant", "截止时点后的数", CXM_UNIT_COUNT, 0 },
    { "unlinked", "without customer or category", "无法关联数", CXM_UNIT_COUNT, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_CLUSTERED, CXM_ONE, CXM_BETTER_HIGH, CONTACTS, .estimate = estimate_fcr },
    { CXM_CLASS_CLUSTERED, CXM_ONE, CXM_BETTER_HIGH, ISSUES, .estimate = estimate_issue_fcr },
    { CXM_CLASS_CLUSTERED, CXM_ONE, CXM_BETTER_LOW, CONTACTS, .estimate = estimate_repeat },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, CONTACTS, .estimate = estimate_successes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, CONTACTS, .estimate = estimate_denominator },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, ISSUES, .estimate = estimate_issue_successes },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, ISSUES, .estimate = estimate_issue_denominator },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, CONTACTS, .estimate = estimate_customers },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, CONTACTS, .estimate = estimate_pending },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, CONTACTS, .estimate = estimate_early_repeat },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, CONTACTS, .estimate = estimate_open },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, CONTACTS, .estimate = estimate_bad },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, CONTACTS, .estimate = estimate_unseen },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, CONTACTS, .estimate = estimate_unlinked },
};

static const struct cxm_metric_info info = {
    .name = "fcr_window", .summary = "first-contact resolution by repeat contacts",
    .summary_zh = "首接解决率（重复来电窗口）", .kind = 15, .base = CXM_BASE_CONTACTS,
    .inputs = inputs, .n_inputs = CXM_COUNT(inputs), .params = params,
    .n_params = CXM_COUNT(params), .measures = measures, .n_measures = CXM_COUNT(measures),
    .intervals = cxm_priv_clustered_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_clustered_intervals),
};

const struct cxm_metric cxm_priv_metric_fcr_window = {
    .rules = { .info = &info, .configure = configure, .rule = rule }, .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};
