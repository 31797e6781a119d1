/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The revenue ledger of one period: what each customer paid before, p, and pays now, q. Every
 * customer is in one movement: new or reactivated (p = 0), expansion, contraction, churn, or
 * the same. All rates come from exact sums of whole minor units:
 *   start + new + expansion + reactivation - contraction - churn = end
 *   gross churn = (churn + contraction) / start       GRR = 1 - gross churn = sum min(p, q) / sum p
 *   NRR = sum_{p > 0} q / sum p                        net churn = 1 - NRR
 *   quick ratio = (new + expansion + reactivation) / (contraction + churn)
 * Standard errors are those of ratio linearisation over customers with n - 1 (Cochran 1977,
 * ch. 6). Two units: the customers who paid at the start, the base of the rates; and all who
 * paid at either end, the base of the ledger. Typical: 10^3 to 10^6 customers. */
#include "metric/call.h"
#include "metric/design.h"
#include "metric/metric.h"

#include <cxm/revenue.h>

#include <math.h>

enum { PREVIOUS, CURRENT, EVER };
enum { START, LEDGER };                            /* units */
enum { SAME, EXPANSION, CONTRACTION, CHURN, NEW, REACTIVATION }; /* bins; START has the first 4 */
enum { START_BINS = 4, LEDGER_BINS = 6 };
/* Variables: KEPT is min(p, q). The units share the first three. */
enum { P, Q, KEPT, LOST, START_VARIABLES, CAME = 3, BACK = 4, LEDGER_VARIABLES = 5 };

/* Codes beyond the bins. */
enum { MISSING = 0, INVALID = 1, NOT_IN_DENOMINATOR = 3, BAD = 4 };

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    struct cxm_unit_spec *units = cxm_priv_config_units(config, 2);
    if (units == NULL)
        return cxm_priv_no_memory(error);
    units[START].bins = START_BINS;
    units[START].variables = START_VARIABLES;
    units[LEDGER].bins = LEDGER_BINS;
    units[LEDGER].variables = LEDGER_VARIABLES;
    for (int u = START; u <= LEDGER; u++) {
        units[u].n_reasons = 2;
        units[u].reasons[0] = CXM_REASON_NOT_IN_DENOMINATOR;
        units[u].reasons[1] = CXM_REASON_BAD;
    }
    /* Doubles hold whole numbers up to 2^53 exactly: 90 billion million cents. */
    config->lowest[PREVIOUS] = config->lowest[CURRENT] = -0x1p53;
    config->highest[PREVIOUS] = config->highest[CURRENT] = 0x1p53;
    return CXM_OK;
}

static uint16_t bin_of(double p, double q)
{
    if (p > 0)
        return q == 0 ? CHURN : q > p ? EXPANSION : q < p ? CONTRACTION : SAME;
    return NEW;
}

/* Whether p = 0, q > 0 is new or back is only known from `ever`; missing makes the row missing,
 * also in the unit of the rates, where such a row would be left out: one base law for both. */
static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    (void)config;
    enum { FLAG_NO, FLAG_YES, FLAG_MISSING, FLAG_INVALID };
    const bool knows = block->given[EVER];
    for (size_t i = 0; i < block->n; i++) {
        const double p = block->values[PREVIOUS][i], q = block->values[CURRENT][i];
        const uint8_t a = block->states[PREVIOUS][i], b = block->states[CURRENT][i];
        uint16_t bin = LEDGER_BINS, start = START_BINS; /* missing */
        if (a == CXM_ROW_INVALID || b == CXM_ROW_INVALID) {
            bin += INVALID;
            start += INVALID;
        } else if (a == CXM_ROW_USED && b == CXM_ROW_USED) {
            const uint16_t ever = knows ? block->codes[EVER][i] : FLAG_NO;
            const bool bad = p < 0 || q < 0, nothing = p == 0 && q == 0;
            bin = bad ? LEDGER_BINS + BAD
                : nothing ? LEDGER_BINS + NOT_IN_DENOMINATOR : bin_of(p, q);
            if (bin == NEW && ever == FLAG_YES)
                bin = REACTIVATION;
            start = bin < START_BINS ? bin
                  : bad ? START_BINS + BAD : START_BINS + NOT_IN_DENOMINATOR;
            if (bin == NEW && ever >= FLAG_MISSING) {
                bin = (uint16_t)(LEDGER_BINS + (ever == FLAG_MISSING ? MISSING : INVALID));
                start = (uint16_t)(START_BINS + (ever == FLAG_MISSING ? MISSING : INVALID));
            }
        }
        block->unit_codes[START][i] = start;
        block->unit_codes[LEDGER][i] = bin;
        double *const *const start_of = block->variables;
        double *const *const ledger_of = block->variables + START_VARIABLES;
        start_of[P][i] = ledger_of[P][i] = p;
        start_of[Q][i] = ledger_of[Q][i] = q;
        start_of[KEPT][i] = ledger_of[KEPT][i] = q < p ? q : p;
        start_of[LOST][i] = q == 0 ? p : 0;
        ledger_of[CAME][i] = bin == NEW ? q : 0;
        ledger_of[BACK][i] = bin == REACTIVATION ? q : 0;
    }
}

/* ---- sums ----------------------------------------------------------------------------- */

struct ledger {
    struct cxm_dd start, end, came, back, expansion, contraction, churn;
    struct cxm_dd stayed; /* sum of q over p > 0 */
    struct cxm_dd kept;   /* sum of min(p, q) */
};

static struct ledger read_ledger(const struct cxm_view *view)
{
    struct ledger l;
    l.start = cxm_priv_view_sum(view, START, P);
    l.stayed = cxm_priv_view_sum(view, START, Q);
    l.kept = cxm_priv_view_sum(view, START, KEPT);
    l.churn = cxm_priv_view_sum(view, START, LOST);
    l.came = cxm_priv_view_sum(view, LEDGER, CAME);
    l.back = cxm_priv_view_sum(view, LEDGER, BACK);
    l.expansion = cxm_priv_dd_sub(l.stayed, l.kept);
    l.contraction = cxm_priv_dd_sub(cxm_priv_dd_sub(l.start, l.kept), l.churn);
    l.end = cxm_priv_dd_add(l.stayed, cxm_priv_dd_add(l.came, l.back));
    return l;
}

static struct cxm_dd negative(struct cxm_dd x)
{
    return (struct cxm_dd){ -x.hi, -x.lo };
}

/* ---- rates ---------------------------------------------------------------------------- */

/* above / below, both linear forms of the variables of a unit, with influence
 * (above_r - ratio below_r) / below; out->value is set by the caller. */
static void finish_ratio(const struct cxm_view *view, uint32_t unit, const struct cxm_dd *a,
                         struct cxm_dd below, double low, double high,
                         const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const struct cxm_dd nothing[LEDGER_BINS] = { { 0, 0 } };
    const struct cxm_form form = { unit, a, nothing, 0, below, 1 };
    if (view->domain != NULL) {
        out->std_error = cxm_priv_design_error(view, &form);
    } else {
        struct cxm_view plain = *view;
        plain.capture = NULL;
        out->std_error = cxm_priv_form_error(&plain, unit, a, nothing[0], 1) * out->sum_weight
                       / below.hi;
        cxm_priv_capture_form(view, &form, out->std_error);
    }
    cxm_priv_finish_mean(view, out, ask, low, high);
}

/* A sum over the revenue at the start, or (sign -1) what is left to 1; `back` also puts the
 * reactivated above, and everybody into the base. */
struct rate {
    uint32_t variable; /* Q or KEPT */
    bool back;
    double sign, low, high;
};

static void estimate_rate(const struct cxm_view *view, const struct rate *rate,
                          const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const uint32_t unit = rate->back ? LEDGER : START;
    cxm_priv_begin(view, unit, ask, out);
    const struct ledger l = read_ledger(view);
    if (!(l.start.hi > 0)) {
        out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd one = cxm_priv_dd(1);
    struct cxm_dd above = rate->variable == Q ? l.stayed : l.kept;
    if (rate->back)
        above = cxm_priv_dd_add(above, l.back);
    const struct cxm_dd ratio = cxm_priv_dd_div(above, l.start);
    struct cxm_dd a[LEDGER_VARIABLES] = { [P] = negative(ratio) };
    a[rate->variable] = one;
    if (rate->back) /* all of q but what is new */
        a[CAME] = negative(one);
    out->value = rate->sign > 0 ? ratio.hi
                                : cxm_priv_dd_div(cxm_priv_dd_sub(l.start, above), l.start).hi;
    finish_ratio(view, unit, a, l.start, rate->low, rate->high, ask, out);
}

static void estimate_nrr(const struct cxm_view *view, uint32_t member,
                         const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_rate(view, &(struct rate){ Q, false, 1, 0, INFINITY }, ask, out);
}

static void estimate_grr(const struct cxm_view *view, uint32_t member,
                         const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_rate(view, &(struct rate){ KEPT, false, 1, 0, 1 }, ask, out);
}

static void estimate_gross_churn(const struct cxm_view *view, uint32_t member,
                                 const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_rate(view, &(struct rate){ KEPT, false, -1, 0, 1 }, ask, out);
}

static void estimate_net_churn(const struct cxm_view *view, uint32_t member,
                               const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_rate(view, &(struct rate){ Q, false, -1, -INFINITY, 1 }, ask, out);
}

/* ChartMogul's form: money that came back from former customers offsets churn. */
static void estimate_net_churn_back(const struct cxm_view *view, uint32_t member,
                                    const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_rate(view, &(struct rate){ Q, true, -1, -INFINITY, 1 }, ask, out);
}

static const double is_churned[START_BINS] = { 0, 0, 0, 1 };

static void estimate_logo_churn(const struct cxm_view *view, uint32_t member,
                                const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    cxm_priv_estimate_share(view, START, is_churned, ask, out);
}

/* gains / losses: of each customer q - min(p, q), and p - min(p, q). */
static void estimate_quick(const struct cxm_view *view, bool with_back,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    cxm_priv_begin(view, LEDGER, ask, out);
    const struct ledger l = read_ledger(view);
    struct cxm_dd gains = cxm_priv_dd_add(l.came, l.expansion);
    if (with_back)
        gains = cxm_priv_dd_add(gains, l.back);
    const struct cxm_dd losses = cxm_priv_dd_sub(l.start, l.kept);
    if (!(losses.hi > 0)) {
        if (gains.hi > 0)
            out->value = INFINITY;
        else
            out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd ratio = cxm_priv_dd_div(gains, losses), one = cxm_priv_dd(1);
    struct cxm_dd a[LEDGER_VARIABLES] = { [P] = negative(ratio), [Q] = one,
                                          [KEPT] = cxm_priv_dd_sub(ratio, one) };
    if (!with_back)
        a[BACK] = negative(one);
    out->value = ratio.hi;
    finish_ratio(view, LEDGER, a, losses, 0, INFINITY, ask, out);
}

static void estimate_quick_ratio(const struct cxm_view *view, uint32_t member,
                                 const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_quick(view, true, ask, out);
}

static void estimate_quick_ratio_new(const struct cxm_view *view, uint32_t member,
                                     const struct cxm_ask *ask, struct cxm_estimate *out)
{
    (void)member;
    estimate_quick(view, false, ask, out);
}

/* ---- the ledger ----------------------------------------------------------------------- */

#define MONEY(field)                                                                             \
    static void estimate_##field(const struct cxm_view *view, uint32_t member,                   \
                                 const struct cxm_ask *ask, struct cxm_estimate *out)            \
    {                                                                                            \
        (void)member;                                                                            \
        cxm_priv_begin(view, LEDGER, ask, out);                                                  \
        out->value = read_ledger(view).field.hi;                                                 \
    }

MONEY(start)
MONEY(end)
MONEY(came)
MONEY(back)
MONEY(expansion)
MONEY(contraction)
MONEY(churn)

static void count_bin(const struct cxm_view *view, uint32_t bin, const struct cxm_ask *ask,
                      struct cxm_estimate *out)
{
    double y[LEDGER_BINS] = { 0 };
    y[bin] = 1;
    cxm_priv_estimate_count(view, LEDGER, y, ask, out);
}

#define CUSTOMERS(name, bin)                                                                     \
    static void name(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,    \
                     struct cxm_estimate *out)                                                   \
    {                                                                                            \
        (void)member;                                                                            \
        count_bin(view, bin, ask, out);                                                          \
    }

CUSTOMERS(customers_new, NEW)
CUSTOMERS(customers_back, REACTIVATION)
CUSTOMERS(customers_up, EXPANSION)
CUSTOMERS(customers_down, CONTRACTION)
CUSTOMERS(customers_lost, CHURN)
CUSTOMERS(customers_same, SAME)

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    const bool knows = tally->schema.given != 0 || tally->state.rows == 0;
    cxm_priv_append(out, capacity, used, "revenue/customer/%s",
                    knows ? "reactivation=ever" : "reactivation=unknown");
}

static const struct cxm_input_info inputs[] = {
    { .name = "previous", .summary = "minor units paid before", .role = CXM_ROLE_MONEY },
    { .name = "current", .summary = "minor units paid now", .role = CXM_ROLE_MONEY },
    { .name = "ever", .summary = "has paid at any time before", .role = CXM_ROLE_FLAG,
      .optional = 1 },
};

static const struct cxm_measure_info measures[] = {
    { "nrr", "net revenue retention", "净收入留存率", CXM_UNIT_RATIO, 1 },
    { "grr", "gross revenue retention", "总收入留存率", CXM_UNIT_SHARE, 1 },
    { "gross_churn", "gross revenue churn", "收入总流失率", CXM_UNIT_SHARE, 1 },
    { "net_churn", "net revenue churn, 1 - nrr", "收入净流失率", CXM_UNIT_RATIO, 1 },
    { "net_churn_reactivation", "net revenue churn, reactivation offsets it",
      "收入净流失率(含回流)", CXM_UNIT_RATIO, 0 },
    { "quick_ratio", "gains / losses", "速动比率", CXM_UNIT_RATIO, 1 },
    { "quick_ratio_new", "gains without reactivation / losses", "速动比率(不含回流)",
      CXM_UNIT_RATIO, 0 },
    { "logo_churn", "customers lost", "客户流失率", CXM_UNIT_SHARE, 1 },
    { "start", "revenue at the start", "期初收入", CXM_UNIT_MONEY, 1 },
    { "new", "revenue of new customers", "新增收入", CXM_UNIT_MONEY, 1 },
    { "expansion", "more revenue of customers who stay", "增购收入", CXM_UNIT_MONEY, 1 },
    { "reactivation", "revenue of customers who came back", "回流收入", CXM_UNIT_MONEY, 1 },
    { "contraction", "less revenue of customers who stay", "减购收入", CXM_UNIT_MONEY, 1 },
    { "churn", "revenue of customers lost", "流失收入", CXM_UNIT_MONEY, 1 },
    { "end", "revenue at the end", "期末收入", CXM_UNIT_MONEY, 1 },
    { "customers_new", "new customers", "新增客户数", CXM_UNIT_COUNT, 0 },
    { "customers_reactivated", "customers who came back", "回流客户数", CXM_UNIT_COUNT, 0 },
    { "customers_expanded", "customers who pay more", "增购客户数", CXM_UNIT_COUNT, 0 },
    { "customers_contracted", "customers who pay less", "减购客户数", CXM_UNIT_COUNT, 0 },
    { "customers_churned", "customers lost", "流失客户数", CXM_UNIT_COUNT, 0 },
    { "customers_same", "customers who pay the same", "持平客户数", CXM_UNIT_COUNT, 0 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_HIGH, START, .estimate = estimate_nrr },
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_HIGH, START, .estimate = estimate_grr },
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_LOW, START, .estimate = estimate_gross_churn },
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_LOW, START, .estimate = estimate_net_churn },
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_LOW, LEDGER, .estimate = estimate_net_churn_back },
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = estimate_quick_ratio },
    { CXM_CLASS_RATIO, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = estimate_quick_ratio_new },
    { CXM_CLASS_SHARE, CXM_ONE, CXM_BETTER_LOW, START, .estimate = estimate_logo_churn },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = estimate_start },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = estimate_came },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = estimate_expansion },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = estimate_back },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, LEDGER, .estimate = estimate_contraction },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, LEDGER, .estimate = estimate_churn },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = estimate_end },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = customers_new },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = customers_back },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, LEDGER, .estimate = customers_up },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, LEDGER, .estimate = customers_down },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_LOW, LEDGER, .estimate = customers_lost },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_NEITHER, LEDGER, .estimate = customers_same },
};

static const struct cxm_metric_info info = {
    .name = "revenue", .summary = "revenue retention and churn", .summary_zh = "收入留存与流失",
    .kind = 17, .base = CXM_BASE_CUSTOMERS, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .measures = measures, .n_measures = CXM_COUNT(measures),
    .intervals = cxm_priv_mean_intervals, .n_intervals = CXM_COUNT(cxm_priv_mean_intervals),
};

const struct cxm_metric cxm_priv_metric_revenue = {
    .rules = { .info = &info, .configure = configure, .rule = rule }, .estimators = estimators,
    .items_param = -1, .dimensions_param = -1, .define = define,
};

/* ---- one call ------------------------------------------------------------------------- */

/* Columns of whole minor units, in one block of memory. */
struct amounts {
    void *memory;
    struct cxm_column previous, current, ever, copies;
};

static struct cxm_column amount_column(const struct cxm_column *from, const char *name,
                                       const int64_t *values, size_t n)
{
    struct cxm_column column = CXM_TIME(CXM_ARRAY_AS(CXM_I64, values, n), CXM_NO_TIME,
                                        INT64_MIN);
    column.name = from->name != NULL ? from->name : name;
    return column;
}

static struct cxm_column byte_column(const struct cxm_column *from, const char *name,
                                     const uint8_t *values, size_t n)
{
    struct cxm_column column = CXM_TIME(CXM_ARRAY_AS(CXM_U8, values, n), CXM_NO_TIME, 2);
    column.name = from != NULL && from->name != NULL ? from->name : name;
    return column;
}

static enum cxm_status make_amounts(const struct cxm_revenue_input *input, struct amounts *out,
                                    struct cxm_error *error)
{
    const size_t n = input->previous->n > 0 ? (size_t)input->previous->n : 0;
    out->memory = cxm_priv_alloc(NULL, n + 1, 2 * sizeof(int64_t) + 2);
    if (out->memory == NULL)
        return cxm_priv_no_memory(error);
    int64_t *const p = out->memory, *const q = p + n;
    uint8_t *const ever = (uint8_t *)(q + n), *const copies = ever + n;
    const struct cxm_revenue_output rows = { p, q, ever, copies };
    const enum cxm_status status = cxm_revenue_rows(input, &rows, NULL, error);
    out->previous = amount_column(input->previous, "previous", p, n);
    out->current = amount_column(input->current, "current", q, n);
    out->ever = byte_column(input->ever, "ever", ever, n);
    out->copies = byte_column(NULL, "freq", copies, n);
    return status;
}

enum cxm_status cxm_revenue(const struct cxm_column *previous, const struct cxm_column *current,
                            const struct cxm_revenue_options *options, struct cxm_row *rows,
                            size_t row_bytes, size_t capacity, size_t *n_out,
                            struct cxm_error *error)
{
    struct cxm_revenue_options o = { CXM_INIT(revenue) };
    enum cxm_status status = cxm_priv_take_options(options, sizeof o, &o, error);
    if (status != CXM_OK)
        return status;
    if (previous == NULL || current == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, previous == NULL ? "previous" : "current",
                             "the column is NULL");
    if (o.customer != NULL && (o.weight != NULL || o.freq != NULL))
        return cxm_priv_fail(error, CXM_EINVAL, o.weight != NULL ? "weight" : "freq",
                             "subscriptions are summed per customer; weight and freq belong to "
                             "customers");
    const struct cxm_revenue_input input = {
        .size = sizeof input, .previous = previous, .current = current, .ever = o.ever,
        .customer = o.customer, .by = o.by,
        .n_by = o.by == NULL ? 0 : o.n_by == 0 ? 1 : o.n_by, .has_digits = o.has_digits,
        .currency_digits = o.currency_digits, .count_invalid = o.invalid == CXM_INVALID_COUNT,
    };
    struct amounts amounts;
    status = make_amounts(&input, &amounts, error);
    struct cxm_call call;
    cxm_priv_call_begin(&call, "revenue", &o);
    if (o.customer != NULL)
        call.common.freq = &amounts.copies;
    cxm_priv_call_input(&call, "previous", &amounts.previous, 1);
    cxm_priv_call_input(&call, "current", &amounts.current, 1);
    cxm_priv_call_input(&call, "ever", &amounts.ever, o.ever != NULL);
    if (status == CXM_OK)
        status = cxm_priv_call_run(&call, (struct cxm_rows_out){ rows, row_bytes, capacity,
                                                                 n_out }, error);
    cxm_priv_release(NULL, amounts.memory);
    return status;
}
