/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of scores: the estimates of a share, a net score or a mean of bins in many groups, from counts
 * alone. A million groups of some hundred rows are the size that matters; one group is a row too,
 * so that there is one home for the formulas.
 *
 * Some groups at a time: their counters are added up, then each step of the formula runs along the groups
 * (quotients and roots of eight groups take as long as those of one), then the rows are written. A
 * quotient of whole numbers below 2^53 is rounded once: neither mean nor variance needs more than
 * doubles as long as n^3 and n sum(y^2) are that small; other groups go through double-doubles. */
#include "estimate/net.h"
#include "estimate/share.h"
#include "metric/bins.h"

enum { LARGEST_N = 100000, LARGEST_Y = 1024 };

/* y as whole numbers; of shares and net scores, whose y is -1, 0 or 1, as masks. */
struct steps {
    bool whole, thirds;
    uint64_t y[CXM_MAX_BINS];        /* thirds: all ones where y = -1 */
    uint64_t squares[CXM_MAX_BINS];  /* thirds: all ones where y is not 0 */
};

static void steps_init(struct steps *s, uint32_t bins, const struct cxm_score *score)
{
    const double *y = score->y;
    s->whole = true;
    s->thirds = score->kind == CXM_SCORE_SHARE || score->kind == CXM_SCORE_NET;
    for (uint32_t b = 0; s->thirds && b < bins; b++) {
        s->y[b] = 0 - (uint64_t)(y[b] < 0);
        s->squares[b] = 0 - (uint64_t)(y[b] != 0);
    }
    for (uint32_t b = 0; !s->thirds && b < bins; b++) {
        const int64_t whole = fabs(y[b]) <= LARGEST_Y ? (int64_t)y[b] : 0;
        s->whole = s->whole && y[b] == (double)whole;
        s->y[b] = (uint64_t)whole;
        s->squares[b] = (uint64_t)(whole * whole);
    }
}

/* The groups side by side. */
struct lanes {
    int64_t n[CXM_SCORE_ROWS];
    bool slow[CXM_SCORE_ROWS];
    double count[CXM_SCORE_ROWS];   /* n; 1 where it is 0 */
    double sum[CXM_SCORE_ROWS];     /* of y */
    double scatter[CXM_SCORE_ROWS]; /* n sum(y^2) - sum(y)^2, then the variance of the mean */
    double squares[CXM_SCORE_ROWS]; /* sum(y^2): of thirds how many are not 0 */
    double mean[CXM_SCORE_ROWS], error[CXM_SCORE_ROWS];
    double lower[CXM_SCORE_ROWS], upper[CXM_SCORE_ROWS];
};

static void add_up(struct lanes *lanes, size_t i, const struct steps *s, uint32_t bins,
                   const int64_t *counts)
{
    uint64_t n = 0, sum = 0, squares = 0; /* that wrap where n is too large to use them */
    if (s->thirds) {
        for (uint32_t b = 0; b < bins; b++) {
            const uint64_t count = (uint64_t)counts[b];
            n += count;
            sum += count & s->y[b];
            squares += count & s->squares[b];
        }
        sum = squares - 2 * sum;
    } else {
        for (uint32_t b = 0; b < bins; b++) {
            const uint64_t count = (uint64_t)counts[b];
            n += count;
            sum += count * s->y[b];
            squares += count * s->squares[b];
        }
    }
    const uint64_t scatter = n * squares - sum * sum;
    lanes->n[i] = (int64_t)n;
    lanes->slow[i] = !s->whole || n > LARGEST_N || scatter >= (uint64_t)1 << 53;
    lanes->count[i] = n > 0 ? (double)(int64_t)n : 1;
    lanes->sum[i] = (double)(int64_t)sum;
    lanes->squares[i] = (double)(int64_t)squares;
    lanes->scatter[i] = (double)(int64_t)scatter;
}

/* Means, and their standard errors with divisor n, or n - 1 of means. */
static void divide(struct lanes *lanes, size_t rows, const struct cxm_score *score, uint32_t bins,
                   const int64_t *const *counts)
{
    bool any_slow = false;
    for (size_t i = 0; i < rows; i++) {
        lanes->mean[i] = lanes->sum[i] / lanes->count[i];
        lanes->scatter[i] /= lanes->count[i] * lanes->count[i] * lanes->count[i];
    }
    for (size_t i = 0; i < rows; i++)
        any_slow = any_slow || lanes->slow[i];
    for (size_t i = 0; any_slow && i < rows; i++) {
        if (!lanes->slow[i] || lanes->n[i] == 0)
            continue;
        const struct cxm_bin_mean m = cxm_priv_mean_of_counts(counts[i], bins, score->y);
        lanes->mean[i] = m.mean;
        lanes->scatter[i] = m.scatter;
    }
    if (score->kind == CXM_SCORE_MEAN) {
        for (size_t i = 0; i < rows; i++)
            lanes->scatter[i] *= cxm_priv_bessel(lanes->n[i]);
    }
    const double size = fabs(score->factor);
    for (size_t i = 0; i < rows; i++)
        lanes->error[i] = size * sqrt(lanes->scatter[i]);
}

/* ---- limits --------------------------------------------------------------------------- */

/* The limits of all rows; false: they are found row by row. */
static bool find_limits(struct lanes *lanes, size_t rows, const struct cxm_score *score,
                        enum cxm_interval method, double z)
{
    double minus[CXM_SCORE_ROWS], plus[CXM_SCORE_ROWS], zero[CXM_SCORE_ROWS];
    if (score->kind == CXM_SCORE_SHARE && method == CXM_INTERVAL_WILSON) {
        cxm_priv_wilson_rows(rows, lanes->squares, lanes->count, z, lanes->lower, lanes->upper);
        return true;
    }
    if (score->kind != CXM_SCORE_NET || method != CXM_INTERVAL_ADJUSTED_WALD)
        return false;
    for (size_t i = 0; i < rows; i++) {
        minus[i] = 0.5 * (lanes->squares[i] - lanes->sum[i]);
        plus[i] = 0.5 * (lanes->squares[i] + lanes->sum[i]);
        zero[i] = lanes->count[i] - lanes->squares[i];
    }
    const struct cxm_net more = cxm_priv_net_adjusted((struct cxm_net){ 0, 0, 0 }, 3);
    cxm_priv_net_wald_rows(rows, minus, zero, plus, more, z, lanes->lower, lanes->upper);
    for (size_t i = 0; i < rows; i++) {
        lanes->lower[i] *= 100;
        lanes->upper[i] *= 100;
    }
    return true;
}

/* The limits of one row by the roads of bins.c. */
static void finish_row(const struct cxm_view *view, const struct cxm_score *score,
                       const struct cxm_ask *ask, const struct lanes *lanes, size_t i,
                       struct cxm_estimate *out)
{
    const double any = lanes->squares[i], sum = lanes->sum[i];
    const double counts[3] = { 0.5 * (any - sum), lanes->count[i] - any, 0.5 * (any + sum) };
    if (score->kind == CXM_SCORE_SHARE)
        cxm_priv_finish_share(view, ask, any, out);
    else if (score->kind == CXM_SCORE_NET)
        cxm_priv_finish_net(view, ask, counts, out);
    else
        cxm_priv_finish_mean(view, out, ask, score->low, score->high);
}

enum cxm_interval cxm_priv_score_method(const struct cxm_score *score, const struct cxm_ask *ask)
{
    static const enum cxm_interval by_default[] = {
        [CXM_SCORE_SHARE] = CXM_INTERVAL_WILSON,
        [CXM_SCORE_NET] = CXM_INTERVAL_ADJUSTED_WALD,
        [CXM_SCORE_MEAN] = CXM_INTERVAL_T,
        [CXM_SCORE_VARIABLE] = CXM_INTERVAL_T,
    };
    return cxm_priv_method(ask, by_default[score->kind]);
}

/* ---- rows ----------------------------------------------------------------------------- */

/* What a row has before its value: the base, and NaN. */
static void begin_row(const struct cxm_view *view, const struct cxm_unit_spec *spec,
                      const int64_t *counts, const struct cxm_ask *ask, int64_t n,
                      enum cxm_interval method, struct cxm_estimate *out)
{
    out->value = out->std_error = out->lower = out->upper = NAN;
    out->lower_raw = out->upper_raw = out->df = NAN;
    out->level = ask->level;
    out->n = n;
    out->excluded = view->left_out;
    cxm_priv_count_others(spec, counts, out);
    out->sum_weight = out->n_eff = (double)n;
    out->interval = method;
    out->flags |= (n == 0 ? CXM_FLAG_NO_DATA : 0u) | (n < ask->small_n ? CXM_FLAG_SMALL_N : 0u);
}

void cxm_priv_score_rows(const struct cxm_view *view, const struct cxm_score *score,
                         const struct cxm_ask *ask, size_t rows, const int64_t *const *cells,
                         struct cxm_estimate *out, size_t step)
{
    const struct cxm_unit_spec *spec = &view->config->units[score->unit];
    const uint32_t at = cxm_priv_unit_layout(view->config, score->unit, false).counts_at;
    const enum cxm_interval method = cxm_priv_score_method(score, ask);
    const int64_t *counts[CXM_SCORE_ROWS];
    struct steps steps;
    struct lanes lanes;
    steps_init(&steps, spec->bins, score);
    for (size_t i = 0; i < rows; i++) {
        counts[i] = cells[i] + at;
        add_up(&lanes, i, &steps, spec->bins, counts[i]);
    }
    divide(&lanes, rows, score, spec->bins, counts);
    const double z = ask->critical != NULL ? ask->critical->z : cxm_priv_z(ask->level);
    const bool limits = find_limits(&lanes, rows, score, method, z);
    for (size_t i = 0; i < rows; i++) {
        struct cxm_estimate *o = &out[i * step];
        begin_row(view, spec, counts[i], ask, lanes.n[i], method, o);
        if (lanes.n[i] == 0)
            continue;
        o->value = score->offset + score->factor * lanes.mean[i];
        o->std_error = lanes.error[i];
        if (!limits) {
            finish_row(view, score, ask, &lanes, i, o);
            continue;
        }
        o->df = INFINITY;
        o->flags |= o->std_error == 0 ? CXM_FLAG_DEGENERATE : 0u;
        cxm_priv_set_limits(o, (struct cxm_limits){ lanes.lower[i], lanes.upper[i], 0 },
                            score->low, score->high);
    }
}
