/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Retention and churn of one period, from two flags of each customer: active before, active
 * after. With S customers before:
 *   retention                    active in both / S
 *   churn, start denominator     lost / S, where lost = active before, not after
 *   churn, average denominator   all lost / ((S + E) / 2), a ratio of two sums
 * and the other rules that products use, for comparison (enum cxm_churn_denominator).
 * Customers who came in the period are not part of S; those who came and left again are known
 * from counts only. Reasons of churn are shares of S and sum to churn. */
#include "metric/bins.h"
#include "metric/call.h"
#include "metric/design.h"
#include "metric/metric.h"

#include <cxm/retention.h>

#include <math.h>

/* Codes of the start denominator; with the others, ADDED and PASSING are bins 2 and 3 and
 * all that follow move up by two. */
enum { KEPT = 0, LOST = 1, MISSING = 2, INVALID = 3, ADDED = 5, NEVER = 6, PASSING = 7 };
enum { AVERAGE_ADDED = 2, AVERAGE_PASSING = 3, AVERAGE_MISSING = 4, AVERAGE_INVALID = 5,
       AVERAGE_NEVER = 7 };
enum { BEFORE, AFTER, REASON };
enum { DENOMINATOR };

static enum cxm_churn_denominator rule_of(const struct cxm_config *config)
{
    return config->rules->info->n_params > 0
             ? (enum cxm_churn_denominator)cxm_priv_choice(config, DENOMINATOR)
             : CXM_CHURN_START;
}

/* Everyone counts who was there at any time, not only the customers at the start. */
static bool is_average(const struct cxm_config *config)
{
    return rule_of(config) != CXM_CHURN_START;
}

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    const bool average = is_average(config);
    const enum cxm_status status = cxm_priv_one_unit(config, average ? 4 : 2, 0, error);
    if (status != CXM_OK)
        return status;
    struct cxm_unit_spec *unit = config->units;
    unit->n_reasons = average ? 1 : 3;
    for (uint32_t i = 0; i < unit->n_reasons; i++)
        unit->reasons[i] = CXM_REASON_NOT_IN_DENOMINATOR;
    return CXM_OK;
}

/* Both flags must be known, also where `before` alone would settle that a customer was not at
 * risk: the same rows then count for both denominators. */
static uint16_t code_of(uint16_t before, uint16_t after)
{
    if (before == INVALID || after == INVALID)
        return INVALID;
    if (before == MISSING || after == MISSING)
        return MISSING;
    if (before == 1)
        return after == 1 ? KEPT : LOST;
    return after == 1 ? ADDED : NEVER;
}

static uint16_t to_average(uint16_t code)
{
    static const uint16_t codes[] = { [KEPT] = KEPT, [LOST] = LOST,
                                      [MISSING] = AVERAGE_MISSING, [INVALID] = AVERAGE_INVALID,
                                      [ADDED] = AVERAGE_ADDED, [NEVER] = AVERAGE_NEVER,
                                      [PASSING] = AVERAGE_PASSING };
    return codes[code];
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    const bool average = is_average(config);
    for (size_t i = 0; i < block->n; i++) {
        const uint16_t code = code_of(block->codes[BEFORE][i], block->codes[AFTER][i]);
        block->unit_codes[0][i] = average ? to_average(code) : code;
        block->in_key_table[i] = code == LOST;
    }
}

static const double is_kept[4] = { 1, 0, 0, 0 }, is_lost[4] = { 0, 1, 0, 0 },
                    is_start[4] = { 1, 1, 0, 0 }, all_lost[4] = { 0, 1, 0, 1 };

/* What a customer kept, lost, added, passing through adds to the denominator. */
static const double in_denominator[][4] = {
    [CXM_CHURN_START] = { 1, 1, 0, 0 },     [CXM_CHURN_AVERAGE] = { 1, 0.5, 0.5, 0 },
    [CXM_CHURN_JOINED] = { 1, 1, 1, 1 },    [CXM_CHURN_OPENING] = { 1, 1, 0, 0 },
    [CXM_CHURN_SURVIVORS] = { 1, 0, 0, 0 }, [CXM_CHURN_DAILY] = { 1, 0.5, 0.5, 0 },
};

/* Sums of weights by kept, lost, added, passing. */
static double total_of(const struct cxm_view *view, const double y[4])
{
    double sum = 0;
    for (uint32_t b = 0; b < 4; b++)
        sum += y[b] * cxm_priv_view_weight(view, 0, b).hi;
    return sum;
}

/* The sum of the rates of 30 days, over which customers come and go evenly; so do the `lost`. */
static double daily_rate(const struct cxm_view *view, double lost)
{
    enum { DAYS = 30 };
    const double start = total_of(view, is_start);
    const double step = (total_of(view, (const double[4]){ 1, 0, 1, 0 }) - start) / DAYS;
    double sum = 0;
    for (int day = 0; day < DAYS; day++)
        sum += lost / DAYS / (start + day * step);
    return sum;
}

static void estimate_retention(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_share(view, 0, is_kept, ask, out);
}

static void estimate_churn(const struct cxm_view *view, uint32_t member,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    const enum cxm_churn_denominator rule = rule_of(view->config);
    if (rule == CXM_CHURN_START) {
        cxm_priv_estimate_share(view, 0, is_lost, ask, out);
    } else if (rule == CXM_CHURN_JOINED) {
        cxm_priv_estimate_share(view, 0, all_lost, ask, out);
    } else if (rule == CXM_CHURN_DAILY) {
        cxm_priv_begin(view, 0, ask, out);
        if (total_of(view, is_start) > 0)
            out->value = daily_rate(view, total_of(view, all_lost));
        else
            out->flags |= CXM_FLAG_NO_DATA;
    } else {
        /* No share of anybody: of the intervals of shares it knows the plain ones. */
        struct cxm_ask of_ratio = *ask;
        if (ask->interval != CXM_INTERVAL_NONE && ask->interval != CXM_INTERVAL_WALD)
            of_ratio.interval = CXM_INTERVAL_DEFAULT;
        cxm_priv_estimate_bin_ratio(view, 0, all_lost, in_denominator[rule], &of_ratio, out);
    }
}

/* A customer lost for another reason counts as not lost for this one: a share of S. The key
 * table has the customers, and with weights the sums of w and w^2, of every reason. */
static void estimate_reason(const struct cxm_view *view, uint32_t member,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_begin(view, 0, ask, out);
    const bool is_share = !is_average(view->config);
    if (is_share)
        out->interval = cxm_priv_method(ask, CXM_INTERVAL_WILSON);
    if (out->n == 0)
        return;
    const struct cxm_dd yes = cxm_priv_view_value(view, false);
    const struct cxm_dd squares_yes = cxm_priv_view_value(view, true);
    if (!is_share) {
        const bool daily = rule_of(view->config) == CXM_CHURN_DAILY;
        const double below = daily ? total_of(view, is_start)
                                   : total_of(view, in_denominator[rule_of(view->config)]);
        if (below > 0)
            out->value = daily ? daily_rate(view, yes.hi) : yes.hi / below;
        else
            out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd all = cxm_priv_view_weights(view, 0, 0, 2);
    const struct cxm_dd squares_all = cxm_priv_view_weights2(view, 0, 0, 2);
    /* sum w^2 (y - p)^2; differences of sums are taken before they are rounded to doubles. */
    const struct cxm_dd no = cxm_priv_dd_sub(all, yes);
    const struct cxm_dd squares_no = cxm_priv_dd_sub(squares_all, squares_yes);
    const double total = all.hi, n = (double)out->n;
    const double scatter = squares_yes.hi * (no.hi / total) * (no.hi / total)
                         + squares_no.hi * (yes.hi / total) * (yes.hi / total);
    const double correction = !view->weighted ? 1 : out->n > 1 ? n / (n - 1) : NAN;
    const double x = yes.hi;
    out->value = cxm_priv_dd_div(yes, all).hi;
    out->std_error = sqrt(correction * scatter) / total;
    const struct cxm_dd share = cxm_priv_dd_div(yes, all), minus = { -share.hi, -share.lo };
    const struct cxm_dd c[2] = { minus, minus };
    const struct cxm_form form = { 0, NULL, c, 1, all, 1 };
    if (view->domain != NULL)
        out->std_error = cxm_priv_design_error(view, &form);
    else
        cxm_priv_capture_form(view, &form, out->std_error);
    cxm_priv_finish_share(view, ask, x, out);
}

static void estimate_kept_count(const struct cxm_view *view, uint32_t member,
                                const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, 0, is_kept, ask, out);
}

static void estimate_lost_count(const struct cxm_view *view, uint32_t member,
                                const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, 0, is_average(view->config) ? all_lost : is_lost, ask, out);
}

static void estimate_denominator(const struct cxm_view *view, uint32_t member,
                                 const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_count(view, 0, is_start, ask, out);
    if (is_average(view->config))
        out->value = total_of(view, in_denominator[rule_of(view->config)]);
}

/* Came in the period and left again; only counts of a period tell. */
static void estimate_lost_new(const struct cxm_view *view, uint32_t member,
                              const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    const uint32_t code = is_average(view->config) ? AVERAGE_PASSING : PASSING;
    cxm_priv_begin(view, 0, ask, out);
    out->flags &= ~(uint32_t)CXM_FLAG_NO_DATA;
    out->value = (double)cxm_priv_view_count(view, 0, code);
}

static void define_retention(const struct cxm_tally *tally, char *out, size_t capacity,
                             size_t *used)
{
    (void)tally;
    cxm_priv_append(out, capacity, used, "retention/start-cohort");
}

static void define_churn(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    static const char *const names[] = {
        [CXM_CHURN_START] = "start-cohort", [CXM_CHURN_AVERAGE] = "average-customers",
        [CXM_CHURN_JOINED] = "all-lost/start-and-joined", [CXM_CHURN_OPENING] = "all-lost/start",
        [CXM_CHURN_SURVIVORS] = "all-lost/survivors", [CXM_CHURN_DAILY] = "all-lost/daily-30",
    };
    cxm_priv_append(out, capacity, used, "churn/%s", names[rule_of(&tally->config)]);
}

static const struct cxm_input_info inputs[] = {
    { .name = "active_before", .summary = "customer at the start", .role = CXM_ROLE_FLAG },
    { .name = "active_after", .summary = "customer at the end", .role = CXM_ROLE_FLAG },
    { .name = "reason", .summary = "why the customer was lost", .role = CXM_ROLE_KEY,
      .optional = 1 },
};

static const char *const denominators[] = { "start", "average", "joined", "opening",
                                            "survivors", "daily", NULL };
static const struct cxm_param_info churn_params[] = {
    { .name = "denominator", .summary = "customers at the start, the average of both ends, "
                                         "or another rule of a product",
      .kind = CXM_PARAM_CHOICE, .default_text = "start", .choices = denominators },
};

static const struct cxm_measure_info retention_measures[] = {
    { "retention", "customer retention", "客户留存率", CXM_UNIT_SHARE, 1 },
    { "successes", "customers kept", "留存客户数", CXM_UNIT_COUNT, 0 },
    { "denominator", "customers at the start", "期初客户数", CXM_UNIT_COUNT, 0 },
};
static const struct cxm_measure_info churn_measures[] = {
    { "churn", "customer churn", "客户流失率", CXM_UNIT_SHARE, 1 },
    { "churn[reason]", "customers lost for a reason", "按原因的客户流失率", CXM_UNIT_SHARE, 1 },
    { "successes", "customers lost", "流失客户数", CXM_UNIT_COUNT, 0 },
    { "denominator", "customers in the denominator", "客户基数", CXM_UNIT_COUNT, 0 },
    { "lost_new", "came and left within the period", "期内新增又流失的客户数",
      CXM_UNIT_COUNT, 0 },
};

static const struct cxm_estimator retention_estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_retention },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_kept_count },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = estimate_denominator },
};
static const struct cxm_estimator churn_estimators[] = {
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_churn },
    { CXM_CLASS_SHARE, CXM_PER_VALUE, CXM_BETTER_LOW, 0, .estimate = estimate_reason },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_lost_count },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, 0, .estimate = estimate_denominator },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, 0, .estimate = estimate_lost_new },
};

static const struct cxm_metric_info retention_info = {
    .name = "retention", .summary = "customer retention", .summary_zh = "客户留存率", .kind = 8,
    .base = CXM_BASE_CUSTOMERS, .inputs = inputs, .n_inputs = 2,
    .measures = retention_measures, .n_measures = CXM_COUNT(retention_measures),
    .intervals = cxm_priv_share_intervals, .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};
static const struct cxm_metric_info churn_info = {
    .name = "churn", .summary = "customer churn", .summary_zh = "客户流失率", .kind = 9,
    .base = CXM_BASE_CUSTOMERS, .inputs = inputs, .n_inputs = 3, .params = churn_params,
    .n_params = CXM_COUNT(churn_params), .measures = churn_measures,
    .n_measures = CXM_COUNT(churn_measures), .intervals = cxm_priv_share_intervals,
    .n_intervals = CXM_COUNT(cxm_priv_share_intervals),
};

const struct cxm_metric cxm_priv_metric_retention = {
    .rules = { .info = &retention_info, .configure = configure, .rule = rule },
    .estimators = retention_estimators,
    .items_param = -1, .dimensions_param = -1, .define = define_retention,
};
const struct cxm_metric cxm_priv_metric_churn = {
    .rules = { .info = &churn_info, .configure = configure, .rule = rule },
    .estimators = churn_estimators,
    .items_param = -1, .dimensions_param = -1, .define = define_churn,
};

/* ---- counts of a period --------------------------------------------------------------- */

static enum cxm_status resolve_counts(const struct cxm_period_counts *c, int64_t *kept,
                                      struct cxm_error *error)
{
    if (c->start < 0 || c->added < 0 || c->reactivated < 0 || c->lost_added < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "n_start", "counts must be 0 or more");
    if (c->end < 0 && c->lost < 0)
        return cxm_priv_fail(error, CXM_EINVAL, "n_end",
                             "either the customers at the end or those lost are needed");
    int64_t from_end = 0;
    if (c->end >= 0 && (__builtin_sub_overflow(c->end, c->added, &from_end)
                        || __builtin_sub_overflow(from_end, c->reactivated, &from_end)))
        return cxm_priv_fail(error, CXM_EOVERFLOW, "n_end", "the counts are too large");
    const int64_t from_lost = c->start - (c->lost >= 0 ? c->lost : 0);
    if (c->end >= 0 && c->lost >= 0 && from_end != from_lost)
        return cxm_priv_fail(error, CXM_EINCONSISTENT, "n_lost",
                             "end - new - reactivated is %lld, but start - lost is %lld",
                             (long long)from_end, (long long)from_lost);
    *kept = c->end >= 0 ? from_end : from_lost;
    if (*kept < 0 || *kept > c->start)
        return cxm_priv_fail(error, CXM_EINCONSISTENT, "n_end",
                             "%lld customers of %lld would be retained", (long long)*kept,
                             (long long)c->start);
    return CXM_OK;
}

enum cxm_status cxm_tally_add_period(struct cxm_tally *tally,
                                     const struct cxm_period_counts *counts,
                                     struct cxm_error *error)
{
    struct cxm_period_counts c = { .end = -1, .lost = -1 };
    if (tally == NULL || counts == NULL || counts->size < sizeof counts->size
        || counts->size > sizeof c)
        return cxm_priv_fail(error, CXM_EINVAL, NULL,
                             "tally is NULL, or counts.size is not that of the struct");
    memcpy(&c, counts, counts->size);
    if (tally->config.rules != &cxm_priv_metric_retention.rules
        && tally->config.rules != &cxm_priv_metric_churn.rules)
        return cxm_priv_fail(error, CXM_EINVAL, "metric",
                             "periods belong to retention and churn, not to %s",
                             tally->config.rules->info->name);
    int64_t kept = 0;
    enum cxm_status status = resolve_counts(&c, &kept, error);
    if (status != CXM_OK)
        return status;
    const uint8_t before[3] = { 1, 1, 0 }, after[3] = { 1, 0, 1 };
    int64_t added = 0;
    if (__builtin_add_overflow(c.added, c.reactivated, &added))
        return cxm_priv_fail(error, CXM_EOVERFLOW, "n_new", "the counts are too large");
    const int64_t copies[3] = { kept, c.start - kept, added };
    const struct cxm_column columns[3] = {
        cxm_column_make("active_before", CXM_U8, before, 3, 1, 1),
        cxm_column_make("active_after", CXM_U8, after, 3, 1, 1),
        cxm_column_make("freq", CXM_I64, copies, 3, 8, 8),
    };
    const struct cxm_input rows[3] = { { "active_before", &columns[0] },
                                       { "active_after", &columns[1] },
                                       { "freq", &columns[2] } };
    struct cxm_tally *period = NULL;
    status = cxm_priv_tally_like(tally, &period, error);
    if (status == CXM_OK)
        status = cxm_tally_add(period, rows, 3, NULL, error);
    if (status == CXM_OK && c.lost_added > 0) {
        const uint32_t code = is_average(&tally->config) ? AVERAGE_PASSING : PASSING;
        if (__builtin_add_overflow(period->state.rows, c.lost_added, &period->state.rows))
            status = cxm_priv_fail(error, CXM_EOVERFLOW, "n_lost_new",
                                   "the counts are too large");
        else
            cxm_priv_table_cell(&period->state.groups, 0)[code] += c.lost_added;
    }
    if (status == CXM_OK)
        status = cxm_tally_merge(tally, period, error);
    cxm_tally_free(period);
    return status;
}

double cxm_convert_rate(double rate, double from, double to)
{
    if (!(rate >= 0 && rate <= 1) || !(from > 0 && isfinite(from)) || !(to > 0 && isfinite(to)))
        return NAN;
    return rate == 1 ? 1.0 : -expm1(to / from * log1p(-rate));
}

static double over_period(double hazard, double length)
{
    return -expm1(-hazard * length);
}

enum cxm_status cxm_exposure_churn(double lost, double exposure, double length, double level,
                                   struct cxm_interval_limits *out, struct cxm_error *error)
{
    if (!(length > 0 && isfinite(length)))
        return cxm_priv_fail(error, CXM_EINVAL, "length",
                             "length must be a finite number above 0");
    struct cxm_interval_limits h;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    const enum cxm_status status = cxm_rate_interval(lost, exposure, level, &h, error);
    if (status != CXM_OK)
        return status;
    h.std_error *= length * exp(-h.value * length);
    h.value = over_period(h.value, length);
    h.lower = over_period(h.lower, length);
    h.upper = over_period(h.upper, length);
    h.lower_raw = over_period(h.lower_raw, length);
    h.upper_raw = over_period(h.upper_raw, length);
    *out = h;
    return CXM_OK;
}

double cxm_mean_lifetime(double churn, int completed)
{
    if (!(churn >= 0 && churn <= 1))
        return NAN;
    if (churn == 0)
        return INFINITY;
    return (completed ? 1 - churn : 1) / churn;
}

/* ---- one call ------------------------------------------------------------------------- */

enum cxm_status cxm_retention(const struct cxm_column *active_before,
                              const struct cxm_column *active_after,
                              const struct cxm_retention_options *options,
                              struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                              struct cxm_error *error)
{
    struct cxm_retention_options o = { CXM_INIT(retention) };
    const enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "retention", &o);
    cxm_priv_call_input(&call, "active_before", active_before, 1);
    cxm_priv_call_input(&call, "active_after", active_after, 1);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}

enum cxm_status cxm_churn(const struct cxm_column *active_before,
                          const struct cxm_column *active_after,
                          const struct cxm_churn_options *options,
                          struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
                          struct cxm_error *error)
{
    struct cxm_churn_options o = { CXM_INIT(churn) };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o.reserved, error);
    if (status != CXM_OK)
        return status;
    struct cxm_call call;
    cxm_priv_call_begin(&call, "churn", &o);
    if (o.denominator < CXM_CHURN_START || o.denominator > CXM_CHURN_DAILY)
        return cxm_priv_fail(error, CXM_EINVAL, "denominator", "there is no denominator %d",
                             o.denominator);
    const char *const *denominator = &denominators[o.denominator];
    cxm_priv_call_text(&call, "denominator", denominator, 1);
    cxm_priv_call_input(&call, "active_before", active_before, 1);
    cxm_priv_call_input(&call, "active_after", active_after, 1);
    cxm_priv_call_input(&call, "reason", o.reason, o.reason != NULL);
    return cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity, n_out },
                             error);
}
