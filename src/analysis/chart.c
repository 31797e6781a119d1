/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Control charts of columns and of tallies: options checked, points gathered by series, limits
 * from src/estimate/chart.c, one row a point and measure. */
#include "analysis/numbers.h"
#include "analysis/rules.h"
#include "analysis/sequence.h"

#include <math.h>

/* Fewer points in the baseline of single values are worth a warning (NIST 6.3.2). */
enum { FEW_POINTS = 15 };

static const struct kind {
    const char *name, *measure;
    enum cxm_chart chart;
} kinds[] = {
    { "p", "p", CXM_CHART_P },          { "u", "u", CXM_CHART_U },
    { "laney", "p", CXM_CHART_LANEY },  { "laney_u", "u", CXM_CHART_LANEY_U },
    { "c", "c", CXM_CHART_C },          { "xmr", "x", CXM_CHART_XMR },
    { "ewma", "ewma", CXM_CHART_EWMA }, { "cusum", "cusum_high", CXM_CHART_CUSUM },
};

struct chart {
    const struct kind *kind;
    struct cxm_chart_options options;
    struct cxm_chart_setup setup;
    uint32_t rules;
    struct cxm_sequence sequence;
    struct cxm_chart_point *points;
    double *scratch;        /* n numbers */
    bool *after_gap;        /* n */
    uint32_t *hits;         /* n */
    struct cxm_report *report;
    int period, centre, sigma, signal, reason, sigma_z, step;
    char definition[512];
};

static bool is_rate(const struct chart *c)
{
    return c->kind->chart <= CXM_CHART_LANEY_U;
}

/* ---- options -------------------------------------------------------------------------- */

static enum cxm_status find_kind(struct chart *c, const char *name, struct cxm_error *error)
{
    for (size_t i = 0; name != NULL && i < CXM_COUNT(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            c->kind = &kinds[i];
    if (c->kind != NULL)
        return CXM_OK;
    return cxm_priv_fail(error, CXM_EINVAL, "kind",
                         "there is no chart \"%.20s\"; there are p, u, laney, laney_u, c, xmr, "
                         "ewma, cusum", name != NULL ? name : "");
}

static enum cxm_status wrong(struct cxm_error *error, const char *option, const char *text)
{
    return cxm_priv_fail(error, CXM_EINVAL, option, "%s", text);
}

static enum cxm_status check_frozen(const struct chart *c, struct cxm_error *error)
{
    const struct cxm_chart_options *o = &c->options;
    const bool laney = c->kind->chart == CXM_CHART_LANEY || c->kind->chart == CXM_CHART_LANEY_U;
    const bool share = c->kind->chart == CXM_CHART_P || c->kind->chart == CXM_CHART_LANEY;
    if (o->centre != NULL && !isfinite(*o->centre))
        return wrong(error, "centre", "centre must be a finite number");
    if (o->centre != NULL && c->kind->chart <= CXM_CHART_C
        && (*o->centre < 0.0 || (share && *o->centre > 1.0)))
        return wrong(error, "centre", share ? "centre must be a share, 0 to 1"
                                            : "centre must be 0 or more");
    if (o->sigma != NULL && (is_rate(c) || c->kind->chart == CXM_CHART_C))
        return wrong(error, "sigma", "the sigma of counts follows from their centre");
    if (o->sigma != NULL && !(*o->sigma > 0.0 && isfinite(*o->sigma)))
        return wrong(error, "sigma", "sigma must be above 0");
    if (o->sigma_z != NULL && !laney)
        return wrong(error, "sigma_z", "sigma_z belongs to the charts laney and laney_u");
    if (o->sigma_z != NULL && !(*o->sigma_z > 0.0 && isfinite(*o->sigma_z)))
        return wrong(error, "sigma_z", "sigma_z must be above 0");
    return CXM_OK;
}

static enum cxm_status check_sums(const struct chart *c, struct cxm_error *error)
{
    const struct cxm_chart_options *o = &c->options;
    const bool cusum = c->kind->chart == CXM_CHART_CUSUM;
    if (!cusum && (o->k != NULL || o->h != 0.0 || o->sigma_units || o->head_start))
        return wrong(error, "k", "k, h, sigma_units and head_start belong to cusum");
    if (o->lambda != 0.0 && c->kind->chart != CXM_CHART_EWMA)
        return wrong(error, "lambda", "lambda belongs to ewma");
    if (!(o->lambda >= 0.0 && o->lambda <= 1.0))
        return wrong(error, "lambda", "lambda must be above 0 and at most 1");
    if (o->k != NULL && !(*o->k >= 0.0 && isfinite(*o->k)))
        return wrong(error, "k", "k must be 0 or more");
    if (!(o->h >= 0.0 && isfinite(o->h)))
        return wrong(error, "h", "h must be above 0");
    if ((o->k == NULL) != (o->h == 0.0) && !o->sigma_units)
        return wrong(error, "h", "k and h in the unit of the values come together; with "
                                 "sigma_units the other one is 0.5 or 5");
    return CXM_OK;
}

static enum cxm_status check_options(struct chart *c, struct cxm_error *error)
{
    const struct cxm_chart_options *o = &c->options;
    const bool moving = c->kind->chart >= CXM_CHART_EWMA;
    const bool needs_sigma = c->kind->chart == CXM_CHART_EWMA
                          || (o->k == NULL && o->h == 0.0) || o->sigma_units;
    if (!(o->limits >= 0.0 && isfinite(o->limits)))
        return wrong(error, "limits", "limits must be above 0");
    if (o->baseline < 0)
        return wrong(error, "baseline", "baseline must be a number of points");
    if (o->gaps < CXM_GAPS_ERROR || o->gaps > CXM_GAPS_SKIP)
        return wrong(error, "gaps", "gaps is none of enum cxm_gaps");
    if (c->rules != 0 && moving)
        return wrong(error, "rules", "run rules are for independent points; those of ewma and "
                                     "cusum carry their past along");
    if (o->start != NULL && !moving)
        return wrong(error, "start", "start continues ewma and cusum");
    if (o->start != NULL && o->start->step < 0)
        return wrong(error, "start", "step must be 0 or more");
    if (moving && o->baseline == 0 && (o->centre == NULL || (needs_sigma && o->sigma == NULL)))
        return wrong(error, "baseline", "the target and sigma must come from a baseline, not "
                                        "from the points that are judged: pass centre and sigma, "
                                        "or baseline");
    const enum cxm_status status = check_frozen(c, error);
    return status == CXM_OK ? check_sums(c, error) : status;
}

static double number_or(const double *number, double otherwise)
{
    return number != NULL ? *number : otherwise;
}

static void set_up(struct chart *c)
{
    const struct cxm_chart_options *o = &c->options;
    const bool in_sigma = o->sigma_units || (o->k == NULL && o->h == 0.0);
    c->setup = (struct cxm_chart_setup){
        .kind = c->kind->chart,
        .limits = o->limits == 0.0 ? 3.0 : o->limits,
        .centre = number_or(o->centre, NAN),
        .sigma = number_or(o->sigma, NAN),
        .sigma_z = number_or(o->sigma_z, NAN),
        .exact = o->exact != 0,
        .median_range = o->median_range != 0,
        .asymptotic = o->asymptotic != 0,
        .lambda = o->lambda == 0.0 ? 0.2 : o->lambda,
        .k = number_or(o->k, 0.5),
        .h = o->h == 0.0 ? 5.0 : o->h,
        .sigma_units = in_sigma,
        .head_start = o->head_start ? 0.5 : 0.0,
        .start_high = o->start != NULL ? o->start->cusum_high : NAN,
        .start_low = o->start != NULL ? o->start->cusum_low : NAN,
        .start_z = o->start != NULL ? o->start->ewma : NAN,
        .start_t = o->start != NULL ? o->start->step : 0,
    };
}

/* ---- definition ----------------------------------------------------------------------- */

static void define_number(struct chart *c, size_t *used, const char *name, double value)
{
    char text[CXM_DOUBLE_TEXT];
    cxm_priv_append(c->definition, sizeof c->definition, used, "/%s=%s", name,
                    cxm_priv_double_text(value, text));
}

static void define(struct chart *c)
{
    const struct cxm_chart_setup *s = &c->setup;
    size_t used = 0, capacity = sizeof c->definition;
    char *out = c->definition;
    cxm_priv_append(out, capacity, &used, "chart/%s", c->kind->name);
    if (s->kind != CXM_CHART_CUSUM)
        define_number(c, &used, "limits", s->limits);
    if (s->kind == CXM_CHART_EWMA)
        define_number(c, &used, "lambda", s->lambda);
    if (s->kind == CXM_CHART_CUSUM) {
        define_number(c, &used, "k", s->k);
        define_number(c, &used, "h", s->h);
        cxm_priv_append(out, capacity, &used, s->sigma_units ? "/sigma-units" : "");
        cxm_priv_append(out, capacity, &used, s->head_start > 0.0 ? "/head-start" : "");
    }
    if (!isnan(s->centre))
        define_number(c, &used, "centre", s->centre);
    if (!isnan(s->sigma))
        define_number(c, &used, "sigma", s->sigma);
    if (!isnan(s->sigma_z))
        define_number(c, &used, "sigma_z", s->sigma_z);
    if (c->options.baseline > 0)
        cxm_priv_append(out, capacity, &used, "/baseline=%lld", (long long)c->options.baseline);
    cxm_priv_append(out, capacity, &used, s->exact ? "/exact" : "");
    cxm_priv_append(out, capacity, &used, s->median_range ? "/median-range" : "");
    cxm_priv_append(out, capacity, &used, s->asymptotic ? "/asymptotic" : "");
    if (c->rules != 0) {
        cxm_priv_append(out, capacity, &used, "/rules=");
        cxm_priv_rules_define(c->rules, out, capacity, &used);
    }
    cxm_priv_append(out, capacity, &used, c->options.gaps == CXM_GAPS_SPLIT  ? "/gaps=split"
                                          : c->options.gaps == CXM_GAPS_SKIP ? "/gaps=skip"
                                                                             : "");
    if (c->sequence.tally != NULL) {
        char of[216];
        cxm_tally_definition(c->sequence.tally, of, sizeof of);
        cxm_priv_append(out, capacity, &used, "/of=%s", of);
        if (c->sequence.measure_index != 0)
            cxm_priv_append(out, capacity, &used, "/measure=%s", c->sequence.measure);
    }
}

/* ---- points --------------------------------------------------------------------------- */

static enum cxm_status refuse_gap(const struct chart *c, size_t at, bool missing,
                                  struct cxm_error *error)
{
    char where[128] = "";
    const struct cxm_place *place = &c->sequence.places[at];
    cxm_priv_sequence_where(&c->sequence, at, where, sizeof where);
    return cxm_priv_fail_at(error, CXM_EDATA, "values", c->sequence.tally == NULL ? place->row : -1,
                            NULL, missing ? "%s has no value: the series has a gap; gaps are "
                                            "split or skipped only when you say so"
                                          : "periods are missing before %s: the series has a gap; "
                                            "gaps are split or skipped only when you say so",
                            where);
}

/* The points of one series; those without a period are no part of it. */
static enum cxm_status fill_points(struct chart *c, size_t first, size_t n,
                                   struct cxm_error *error)
{
    const int32_t gaps = c->options.gaps;
    bool gap = false;
    for (size_t i = 0; i < n; i++) {
        const struct cxm_place *place = &c->sequence.places[first + i];
        const bool empty = is_rate(c) && place->size == 0.0;
        const bool missing = isnan(place->value) && !place->no_period && !empty;
        if (gaps == CXM_GAPS_ERROR && (missing || place->period_gap))
            return refuse_gap(c, first + i, missing, error);
        gap = gap || place->period_gap || missing;
        c->points[i] = (struct cxm_chart_point){ .value = place->value, .size = place->size,
                                                 .skip = empty || missing || place->no_period };
        if (c->points[i].skip)
            continue;
        c->points[i].after_gap = gap && gaps == CXM_GAPS_SPLIT && i > 0;
        gap = false;
    }
    return CXM_OK;
}

static double z_of(const struct cxm_chart_point *p)
{
    const double gap = p->plotted - p->centre;
    return gap == 0.0 ? 0.0 : gap / p->sigma;
}

/* Run rules over the points that are plotted. */
static void apply_rules(struct chart *c, size_t n)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (c->points[i].skip)
            continue;
        c->scratch[m] = z_of(&c->points[i]);
        c->after_gap[m++] = c->points[i].after_gap;
    }
    cxm_priv_run_rules(c->scratch, c->after_gap, m, c->rules, c->hits);
    for (size_t i = n; i-- > 0;)
        c->hits[i] = c->points[i].skip ? 0 : c->hits[--m];
}

/* ---- rows ----------------------------------------------------------------------------- */

struct line {
    const char *measure;
    double value, centre, sigma, lower, upper, lowest, highest;
    uint32_t hits;
};

static void add_row(struct chart *c, size_t at, const struct cxm_chart_fit *fit,
                    const struct line *line)
{
    struct cxm_estimate e = cxm_priv_sequence_estimate(&c->sequence, at);
    e.value = line->value;
    e.lower_raw = line->lower;
    e.upper_raw = line->upper;
    e.lower = fmax(line->lower, line->lowest);
    e.upper = fmin(line->upper, line->highest);
    if (isnan(line->lower) || isnan(line->upper))
        e.lower = e.upper = NAN;
    else
        e.interval = CXM_INTERVAL_CONTROL;
    if (e.lower != e.lower_raw || e.upper != e.upper_raw)
        e.flags |= isnan(e.lower) ? 0 : CXM_FLAG_CLIPPED;
    e.flags |= isnan(line->value) ? CXM_FLAG_NO_DATA : 0;
    e.flags |= line->sigma == 0.0 ? CXM_FLAG_DEGENERATE : 0;
    e.flags &= ~(uint32_t)CXM_FLAG_SMALL_N;
    if (c->kind->chart >= CXM_CHART_XMR && isnan(c->setup.sigma) && fit->n < FEW_POINTS)
        e.flags |= CXM_FLAG_SMALL_N;
    const char *metric = c->sequence.tally != NULL ? c->sequence.metric : "chart";
    const size_t row = cxm_priv_report_add(c->report, metric, line->measure, c->definition, &e);
    cxm_priv_sequence_place(&c->sequence, c->report, row, c->period, at);
    if (isnan(line->value))
        return;
    char text[320] = "";
    size_t used = 0;
    if (line->value > line->upper)
        cxm_priv_append(text, sizeof text, &used, "above the upper limit");
    else if (line->value < line->lower)
        cxm_priv_append(text, sizeof text, &used, "below the lower limit");
    cxm_priv_rules_tell(line->hits, text, sizeof text, &used);
    cxm_priv_report_real(c->report, row, c->centre, line->centre);
    cxm_priv_report_real(c->report, row, c->sigma, line->sigma);
    cxm_priv_report_int(c->report, row, c->signal, used > 0);
    if (used > 0)
        cxm_priv_report_text(c->report, row, c->reason, text);
    if (is_rate(c))
        cxm_priv_report_real(c->report, row, c->sigma_z, fit->sigma_z);
}

static void add_points(struct chart *c, size_t first, size_t n, const struct cxm_chart_fit *fit)
{
    const bool counts = c->kind->chart <= CXM_CHART_C;
    const bool share = c->kind->chart == CXM_CHART_P || c->kind->chart == CXM_CHART_LANEY;
    for (size_t i = 0; i < n; i++) {
        const struct cxm_chart_point *p = &c->points[i];
        add_row(c, first + i, fit,
                &(struct line){ c->kind->measure, p->plotted, p->centre, p->sigma, p->lower,
                                p->upper, counts ? 0.0 : -INFINITY, share ? 1.0 : INFINITY,
                                c->hits[i] });
    }
}

static void add_ranges(struct chart *c, size_t first, size_t n, const struct cxm_chart_fit *fit)
{
    for (size_t i = 0; i < n; i++) {
        if (!isnan(c->points[i].range))
            add_row(c, first + i, fit,
                    &(struct line){ "mr", c->points[i].range, fit->range, fit->sigma, 0.0,
                                    fit->range_upper, 0.0, INFINITY, 0 });
    }
}

static void add_sums(struct chart *c, size_t first, size_t n, const struct cxm_chart_fit *fit)
{
    for (int low = 0; low < 2; low++) {
        for (size_t i = 0; i < n; i++) {
            const struct cxm_chart_point *p = &c->points[i];
            add_row(c, first + i, fit,
                    &(struct line){ low ? "cusum_low" : "cusum_high", low ? p->low : p->high,
                                    p->centre, p->sigma, 0.0, fit->h, 0.0, INFINITY, 0 });
        }
    }
}

static void add_steps(struct chart *c, size_t first_row, size_t n)
{
    int64_t step = c->setup.start_t;
    for (size_t i = 0; i < n; i++) {
        if (c->points[i].after_gap)
            step = 0;
        if (!c->points[i].skip)
            cxm_priv_report_int(c->report, first_row + i, c->step, ++step);
    }
}

static enum cxm_status add_series(struct chart *c, size_t first, size_t n,
                                  struct cxm_error *error)
{
    struct cxm_chart_fit fit;
    enum cxm_status status = fill_points(c, first, n, error);
    if (status != CXM_OK)
        return status;
    c->setup.baseline = c->options.baseline > 0 ? (size_t)c->options.baseline : n;
    if (c->setup.baseline > n)
        return cxm_priv_fail(error, CXM_EINVAL, "baseline",
                             "a baseline of %lld points, but there are %zu",
                             (long long)c->options.baseline, n);
    status = cxm_priv_chart(&c->setup, c->points, n, c->scratch, &fit, error);
    if (status != CXM_OK)
        return status;
    memset(c->hits, 0, n * sizeof *c->hits);
    if (c->rules != 0)
        apply_rules(c, n);
    const size_t first_row = c->report != NULL ? cxm_report_rows(c->report) : 0;
    if (c->kind->chart == CXM_CHART_CUSUM)
        add_sums(c, first, n, &fit);
    else
        add_points(c, first, n, &fit);
    if (c->kind->chart == CXM_CHART_XMR)
        add_ranges(c, first, n, &fit);
    if (c->kind->chart >= CXM_CHART_EWMA)
        add_steps(c, first_row, n);
    return CXM_OK;
}

static void add_axes(struct chart *c)
{
    c->period = cxm_priv_sequence_axes(&c->sequence, c->report);
    c->centre = cxm_priv_report_axis(c->report, "centre", CXM_AXIS_REAL);
    c->sigma = cxm_priv_report_axis(c->report, "sigma", CXM_AXIS_REAL);
    c->signal = cxm_priv_report_axis(c->report, "signal", CXM_AXIS_BOOL);
    c->reason = cxm_priv_report_axis(c->report, "reason", CXM_AXIS_TEXT);
    if (is_rate(c))
        c->sigma_z = cxm_priv_report_axis(c->report, "sigma_z", CXM_AXIS_REAL);
    if (c->kind->chart >= CXM_CHART_EWMA)
        c->step = cxm_priv_report_axis(c->report, "step", CXM_AXIS_INT);
}

/* ---- the calls ------------------------------------------------------------------------ */

static enum cxm_status draw(struct chart *c, struct cxm_report **out, struct cxm_error *error)
{
    const size_t n = c->sequence.n;
    c->points = cxm_priv_alloc(NULL, n, sizeof *c->points);
    c->scratch = cxm_priv_alloc(NULL, n, sizeof *c->scratch);
    c->hits = cxm_priv_alloc(NULL, n, sizeof *c->hits);
    c->after_gap = cxm_priv_alloc(NULL, n, sizeof *c->after_gap);
    if (c->points == NULL || c->scratch == NULL || c->hits == NULL || c->after_gap == NULL)
        return cxm_priv_no_memory(error);
    if (n == 0 && c->sequence.tally == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "values", "there are no points");
    c->report = cxm_priv_report_new(NULL);
    add_axes(c);
    define(c);
    enum cxm_status status = CXM_OK;
    for (size_t first = 0; first < n && status == CXM_OK;) {
        const size_t length = cxm_priv_sequence_series(&c->sequence, first);
        if (c->options.start != NULL && length < n)
            return wrong(error, "start", "start continues one series; these are several");
        status = add_series(c, first, length, error);
        first += length;
    }
    if (status == CXM_OK) {
        struct cxm_report *made = c->report;
        c->report = NULL;
        status = cxm_priv_report_finish(made, out, error);
    }
    return status;
}

static void release(struct chart *c)
{
    cxm_priv_release(NULL, c->points);
    cxm_priv_release(NULL, c->scratch);
    cxm_priv_release(NULL, c->hits);
    cxm_priv_release(NULL, c->after_gap);
    cxm_report_free(c->report);
    cxm_priv_sequence_release(&c->sequence);
}

static enum cxm_status read_options(struct chart *c, const char *kind,
                                    const struct cxm_chart_options *options,
                                    struct cxm_report **out, struct cxm_error *error)
{
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    enum cxm_status status = find_kind(c, kind, error);
    if (status == CXM_OK)
        status = cxm_priv_read_options(options, &c->options, sizeof c->options,
                                       "cxm_chart_options", error);
    if (status == CXM_OK)
        status = cxm_priv_rules_read(c->options.rules, &c->rules, error);
    if (status == CXM_OK)
        status = check_options(c, error);
    if (status == CXM_OK)
        set_up(c);
    return status;
}

enum cxm_status cxm_chart(const char *kind, const struct cxm_column *values,
                          const struct cxm_column *sizes,
                          const struct cxm_chart_options *options, struct cxm_report **out,
                          struct cxm_error *error)
{
    struct chart c = { .kind = NULL };
    enum cxm_status status = read_options(&c, kind, options, out, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_sequence_input input = {
        .values_name = "values",
        .values = values,
        .sizes = sizes,
        .period = c.options.period,
        .rate = is_rate(&c),
        .share = c.kind->chart == CXM_CHART_P || c.kind->chart == CXM_CHART_LANEY,
        .counts = c.kind->chart <= CXM_CHART_C,
    };
    status = cxm_priv_sequence_columns(&input, &c.sequence, error);
    if (status == CXM_OK)
        status = draw(&c, out, error);
    release(&c);
    return status;
}

enum cxm_status cxm_chart_tally(const char *kind, struct cxm_tally *tally, uint32_t measure,
                                const struct cxm_chart_options *options,
                                struct cxm_report **out, struct cxm_error *error)
{
    struct chart c = { .kind = NULL };
    enum cxm_status status = read_options(&c, kind, options, out, error);
    if (status != CXM_OK)
        return status;
    if (c.options.period != NULL)
        return wrong(error, "period", "the period of a tally is one of its keys");
    static const enum cxm_points points[] = {
        [CXM_CHART_P] = CXM_POINTS_SHARES, [CXM_CHART_LANEY] = CXM_POINTS_SHARES,
        [CXM_CHART_U] = CXM_POINTS_RATES, [CXM_CHART_LANEY_U] = CXM_POINTS_RATES,
        [CXM_CHART_C] = CXM_POINTS_COUNTS, [CXM_CHART_CUSUM] = CXM_POINTS_VALUES,
    };
    status = cxm_priv_sequence_tally(tally, measure, points[c.kind->chart], &c.sequence, error);
    if (status == CXM_OK)
        status = draw(&c, out, error);
    release(&c);
    return status;
}
