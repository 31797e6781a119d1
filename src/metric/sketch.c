/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DDSketch (Masson, Rim & Lee 2019, PVLDB 12): quantiles of a stream with a bound on their relative
 * error, in a table of buckets that adds up under any partition, bit for bit. With accuracy a and
 * gamma = (1 + a) / (1 - a) a value x > 0 goes into bucket i = ceil(log x / log gamma), whose value is
 * 2 gamma^i / (gamma + 1); negative values are mirrored, 0 has a bucket of its own. Buckets: log(max
 * / min) / log gamma, some 400 for a = 0.01 and four orders of magnitude.
 *
 * The key must be the same on every machine, and log is not: where the estimate lies within 1e-6 of
 * an edge, x is compared with gamma^i in double-double arithmetic, which is exact to 2^-90. */
#include "metric/sketch.h"

#include "estimate/order.h"
#include "metric/value_table.h"

#include <float.h>
#include <math.h>

enum { ACCURACY };
enum { USED = 0, MISSING = 1, INVALID = 2 };

/* Codes in the table: 0 for zero, ±(2^30 + i) for the others. */
static const double offset = 1073741824.0;

static struct cxm_dd gamma_of(double a)
{
    return cxm_priv_dd_div(cxm_priv_dd_add(cxm_priv_dd(1), cxm_priv_dd(a)),
                           cxm_priv_dd_sub(cxm_priv_dd(1), cxm_priv_dd(a)));
}

/* gamma^n as mantissa and exponent, so that no power leaves the range. */
static struct cxm_dd power(struct cxm_dd base, int64_t n, int64_t *exponent)
{
    struct cxm_dd out = { 1, 0 };
    int64_t scale = 0, of_base = 0;
    uint64_t left = n < 0 ? (uint64_t)-n : (uint64_t)n;
    for (; left > 0; left >>= 1) {
        int e;
        if (left & 1) {
            out = cxm_priv_dd_mul(out, base);
            frexp(out.hi, &e);
            out = (struct cxm_dd){ ldexp(out.hi, -e), ldexp(out.lo, -e) };
            scale += of_base + e;
        }
        base = cxm_priv_dd_mul(base, base);
        frexp(base.hi, &e);
        base = (struct cxm_dd){ ldexp(base.hi, -e), ldexp(base.lo, -e) };
        of_base = 2 * of_base + e;
    }
    if (n < 0) {
        out = cxm_priv_dd_div(cxm_priv_dd(1), out);
        scale = -scale;
    }
    *exponent = scale;
    return out;
}

/* Is x <= gamma^i? */
static bool below_edge(double x, double accuracy, int64_t i)
{
    int64_t exponent;
    int e;
    struct cxm_dd edge = power(gamma_of(accuracy), i, &exponent);
    const double mantissa = frexp(x, &e);
    const int64_t shift = exponent - e; /* edge 2^shift against the mantissa of x */
    if (shift > 4 || shift < -4)
        return shift > 0;
    edge = (struct cxm_dd){ ldexp(edge.hi, (int)shift), ldexp(edge.lo, (int)shift) };
    return cxm_priv_dd_sub(cxm_priv_dd(mantissa), edge).hi <= 0;
}

static double log_gamma(double a)
{
    return log1p(a) - log1p(-a);
}

static int64_t bucket(double x, double accuracy, double per_log)
{
    const double at = log(x) * per_log, near = rint(at);
    if (fabs(at - near) > 1e-6 + 1e-12 * fabs(at))
        return (int64_t)ceil(at);
    const int64_t i = (int64_t)near;
    return below_edge(x, accuracy, i) ? i : i + 1;
}

static inline double code_of(double value, double accuracy, double per_log)
{
    return value == 0 ? 0 : copysign(offset + (double)bucket(fabs(value), accuracy, per_log), value);
}

double cxm_priv_sketch_code(double value, double accuracy)
{
    return code_of(value, accuracy, 1 / log_gamma(accuracy));
}

double cxm_priv_sketch_value(double code, double accuracy)
{
    if (code == 0)
        return 0;
    int64_t exponent;
    const struct cxm_dd g = gamma_of(accuracy);
    const struct cxm_dd edge = power(g, (int64_t)(fabs(code) - offset), &exponent);
    const struct cxm_dd middle = cxm_priv_dd_div(cxm_priv_dd_add(edge, edge),
                                                 cxm_priv_dd_add(g, cxm_priv_dd(1)));
    double x = ldexp(middle.hi, exponent > 2000 ? 2000 : exponent < -2000 ? -2000 : (int)exponent);
    x = fmin(x, DBL_MAX); /* the last bucket reaches beyond the doubles */
    return code < 0 ? -x : x;
}

/* ---- the metric ------------------------------------------------------------------------- */

static enum cxm_status configure(struct cxm_config *config, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_one_unit(config, 1, 0, error);
    config->lowest[0] = -DBL_MAX;
    config->highest[0] = DBL_MAX;
    config->n_table_values = 1;
    config->n_table_counts = 1;
    return status;
}

static void rule(const struct cxm_config *config, struct cxm_block *block)
{
    const double accuracy = cxm_priv_number(config, ACCURACY);
    const double per_log = 1 / log_gamma(accuracy);
    for (size_t i = 0; i < block->n; i++) {
        const uint8_t state = block->states[0][i];
        const double x = block->values[0][i];
        block->unit_codes[0][i] = state == CXM_ROW_USED ? USED
                                : state == CXM_ROW_MISSING ? MISSING : INVALID;
        block->table_counters[0][i] = state == CXM_ROW_USED ? 0 : CXM_NO_COUNTER;
        block->table_values[0][i] = state == CXM_ROW_USED ? code_of(x, accuracy, per_log) : 0;
    }
}

static bool table_is_sound(const struct cxm_tally *tally, const uint32_t *order)
{
    const struct cxm_table *values = &tally->state.values;
    for (uint32_t i = 0; i < values->dict.n; i++) {
        size_t n;
        (void)cxm_priv_dict_key(&values->dict, i, &n);
        if (n < CXM_NUMBER_KEY_BYTES)
            return false;
        const double code = cxm_priv_table_number(values, i);
        if (code != 0 && (code != rint(code) || !(fabs(fabs(code) - offset) < offset / 2)))
            return false;
    }
    return cxm_priv_numbers_are_sound(tally, order, -2 * offset, 2 * offset);
}

static void estimate_quantile(const struct cxm_view *view, double p, const struct cxm_ask *ask,
                              struct cxm_estimate *out)
{
    double code;
    cxm_priv_begin(view, 0, ask, out);
    if (out->n == 0)
        return;
    const int64_t rank = cxm_priv_lower_rank(out->n, p);
    cxm_priv_table_statistics(view->values, view->numbers, view->n_numbers, &rank, 1, &code);
    out->value = cxm_priv_sketch_value(code, cxm_priv_number(view->config, ACCURACY));
}

#define QUANTILE(name, p)                                                                      \
    static void name(const struct cxm_view *view, uint32_t member, const struct cxm_ask *ask,   \
                     struct cxm_estimate *out)                                                 \
    {                                                                                          \
        (void)member;                                                                          \
        estimate_quantile(view, p, ask, out);                                                  \
    }

QUANTILE(estimate_median, 0.5)
QUANTILE(estimate_p90, 0.9)
QUANTILE(estimate_p95, 0.95)
QUANTILE(estimate_p99, 0.99)

static void define(const struct cxm_tally *tally, char *out, size_t capacity, size_t *used)
{
    char text[CXM_DOUBLE_TEXT];
    cxm_priv_append(out, capacity, used, "sketch/accuracy=%s",
                    cxm_priv_double_text(cxm_priv_number(&tally->config, ACCURACY), text));
}

static const struct cxm_input_info inputs[] = {
    { .name = "value", .summary = "any real number, such as seconds", .role = CXM_ROLE_NUMBER },
};

static const struct cxm_param_info params[] = {
    { .name = "accuracy", .summary = "bound of the relative error", .kind = CXM_PARAM_NUMBER,
      .defaults = { 0.01 }, .lowest = 1e-4, .highest = 0.5 },
};

static const struct cxm_measure_info measures[] = {
    { "median", "median", "中位数", CXM_UNIT_SCALE, 1 },
    { "p90", "90 % quantile", "第90百分位数", CXM_UNIT_SCALE, 1 },
    { "p95", "95 % quantile", "第95百分位数", CXM_UNIT_SCALE, 1 },
    { "p99", "99 % quantile", "第99百分位数", CXM_UNIT_SCALE, 1 },
};

static const struct cxm_estimator estimators[] = {
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_median },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_p90 },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_p95 },
    { CXM_CLASS_NONE, CXM_ONE, CXM_BETTER_HIGH, 0, .estimate = estimate_p99 },
};

static const enum cxm_interval intervals[] = { CXM_INTERVAL_NONE };

static const struct cxm_metric_info info = {
    .name = "sketch", .summary = "quantiles of streams (DDSketch)", .summary_zh = "分位数草图",
    .kind = 20, .base = CXM_BASE_TICKETS, .inputs = inputs, .n_inputs = CXM_COUNT(inputs),
    .params = params, .n_params = CXM_COUNT(params), .measures = measures,
    .n_measures = CXM_COUNT(measures), .intervals = intervals,
    .n_intervals = CXM_COUNT(intervals),
};

const struct cxm_metric cxm_priv_metric_sketch = {
    .rules = { .info = &info, .configure = configure, .rule = rule, .unweighted = true,
               .table_is_sound = table_is_sound },
    .estimators = estimators, .items_param = -1, .dimensions_param = -1, .define = define,
};
