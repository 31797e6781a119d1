/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Change points of columns and of tallies: one row a change. */
#include "analysis/numbers.h"
#include "analysis/sequence.h"
#include "estimate/chart.h"
#include "estimate/check.h"

#include <math.h>

enum { FEWEST_POINTS = 4 };

static const struct { const char *name; enum cxm_change method; } methods[] = {
    { "mean", CXM_CHANGE_MEAN },
    { "pettitt", CXM_CHANGE_PETTITT },
    { "proportion", CXM_CHANGE_PROPORTION },
    { "rate", CXM_CHANGE_RATE },
};

struct change {
    const char *method;
    struct cxm_change_options options;
    struct cxm_change_setup setup;
    struct cxm_sequence sequence;
    struct cxm_report *report;
    size_t *at;              /* the points of a series that have a value, in the sequence */
    double *values, *sizes;
    struct cxm_split *splits;
    int period, statistic, p_value, value_a, value_b, n_a, n_b, verdict;
    char definition[512];
};

static enum cxm_status read_options(struct change *c, const char *method,
                                    const struct cxm_change_options *options,
                                    struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_change_options *o = &c->options;
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "out", "out is NULL");
    for (size_t i = 0; method != NULL && i < CXM_COUNT(methods); i++) {
        if (strcmp(methods[i].name, method) == 0) {
            c->method = methods[i].name;
            c->setup.method = methods[i].method;
        }
    }
    if (c->method == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "method",
                             "there is no method \"%.20s\"; there are mean, pettitt, proportion, rate",
                             method != NULL ? method : "");
    enum cxm_status status = cxm_priv_read_options(options, o, sizeof *o, "cxm_change_options",
                                                   error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(o->reserved, error);
    if (status != CXM_OK)
        return status;
    if (o->permutations < 0 || o->permutations > 100000000)
        return cxm_priv_fail(error, CXM_EINVAL, "permutations",
                             "permutations must be 0 to 100000000");
    if (o->permutations > 0 && o->seed == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "seed",
                             "permutations need a seed, so that the same call gives the same p");
    if (!(o->penalty >= 0.0))
        return cxm_priv_fail(error, CXM_EINVAL, "penalty", "penalty must be above 0");
    if (o->level == 0.0)
        o->level = 0.95;
    c->setup.several = o->several != 0;
    c->setup.penalty = o->penalty > 0.0 ? o->penalty : NAN;
    c->setup.level = o->level;
    c->setup.permutations = o->permutations;
    c->setup.seed = o->seed != NULL ? *o->seed : 0;
    return cxm_priv_check_level(o->level, error);
}

static void define(struct change *c)
{
    size_t used = 0, capacity = sizeof c->definition;
    char number[CXM_DOUBLE_TEXT];
    cxm_priv_append(c->definition, capacity, &used, "change_point/%s", c->method);
    if (c->setup.method == CXM_CHANGE_PETTITT)
        cxm_priv_append(c->definition, capacity, &used, "/level=%s",
                        cxm_priv_double_text(c->setup.level, number));
    else if (isnan(c->setup.penalty))
        cxm_priv_append(c->definition, capacity, &used, "/penalty=2-ln-n");
    else
        cxm_priv_append(c->definition, capacity, &used, "/penalty=%s",
                        cxm_priv_double_text(c->setup.penalty, number));
    if (c->setup.permutations > 0)
        cxm_priv_append(c->definition, capacity, &used, "/permutations=%lld/seed=%llu",
                        (long long)c->setup.permutations, (unsigned long long)c->setup.seed);
    cxm_priv_append(c->definition, capacity, &used, c->setup.several ? "/several" : "");
    if (c->sequence.tally != NULL) {
        char of[216];
        cxm_tally_definition(c->sequence.tally, of, sizeof of);
        cxm_priv_append(c->definition, capacity, &used, "/of=%s", of);
        if (c->sequence.measure_index != 0)
            cxm_priv_append(c->definition, capacity, &used, "/measure=%s", c->sequence.measure);
    }
}

/* ---- rows ----------------------------------------------------------------------------- */

static void add_axes(struct change *c)
{
    c->period = cxm_priv_sequence_axes(&c->sequence, c->report);
    c->statistic = cxm_priv_report_axis(c->report, "statistic", CXM_AXIS_REAL);
    c->p_value = cxm_priv_report_axis(c->report, "p_value", CXM_AXIS_REAL);
    c->value_a = cxm_priv_report_axis(c->report, "value_a", CXM_AXIS_REAL);
    c->value_b = cxm_priv_report_axis(c->report, "value_b", CXM_AXIS_REAL);
    c->n_a = cxm_priv_report_axis(c->report, "n_a", CXM_AXIS_INT);
    c->n_b = cxm_priv_report_axis(c->report, "n_b", CXM_AXIS_INT);
    c->verdict = cxm_priv_report_axis(c->report, "verdict", CXM_AXIS_TEXT);
}

/* One change, or (split NULL or not accepted) none. */
static void add_row(struct change *c, size_t first, size_t used, size_t missing,
                    const struct cxm_split *split)
{
    const struct cxm_estimate like = cxm_priv_sequence_estimate(&c->sequence, first);
    struct cxm_estimate e = cxm_priv_blank_estimate(NAN, (enum cxm_unit)like.unit,
                                                    (enum cxm_base_kind)like.base);
    struct cxm_report *r = c->report;
    e.n = (int64_t)used;
    e.missing = (int64_t)missing;
    e.sum_weight = e.n_eff = (double)used;
    if (split->at != split->first)
        e.value = split->after - split->before;
    else
        e.flags |= CXM_FLAG_DEGENERATE;
    const char *metric = c->sequence.tally != NULL ? c->sequence.metric : "change_point";
    const size_t row = cxm_priv_report_add(r, metric, "change", c->definition, &e);
    const bool there = split->at != split->first;
    cxm_priv_sequence_place(&c->sequence, r, row, there ? c->period : -1,
                            c->at[there ? split->at - 1 : 0]);
    cxm_priv_report_real(r, row, c->statistic, split->statistic);
    cxm_priv_report_real(r, row, c->p_value, split->p);
    cxm_priv_report_text(r, row, c->verdict, split->accepted ? "change" : "no change");
    if (!there)
        return;
    cxm_priv_report_real(r, row, c->value_a, split->before);
    cxm_priv_report_real(r, row, c->value_b, split->after);
    cxm_priv_report_int(r, row, c->n_a, (int64_t)(split->at - split->first));
    cxm_priv_report_int(r, row, c->n_b, (int64_t)(split->last - split->at));
}

/* Between the neighbours of a list of changes, so that value_a and value_b are the levels of the
 * stretches that are left. */
static double level_between(const struct change *c, size_t first, size_t last)
{
    struct cxm_dd sum = { 0.0, 0.0 }, size = { 0.0, 0.0 };
    for (size_t i = first; i < last; i++) {
        sum = cxm_priv_dd_add(sum, cxm_priv_dd(c->values[i]));
        size = cxm_priv_dd_add(size, cxm_priv_dd(c->sizes[i]));
    }
    return cxm_priv_dd_div(sum, size).hi;
}

static void set_levels(struct change *c, size_t used, size_t n_splits)
{
    for (size_t i = 0; i < n_splits; i++) {
        struct cxm_split *split = &c->splits[i];
        split->first = i > 0 ? c->splits[i - 1].at : 0;
        split->last = i + 1 < n_splits ? c->splits[i + 1].at : used;
        split->before = level_between(c, split->first, split->at);
        split->after = level_between(c, split->at, split->last);
    }
}

static enum cxm_status add_series(struct change *c, size_t first, size_t n,
                                  struct cxm_error *error)
{
    size_t used = 0, n_splits = 0;
    for (size_t i = first; i < first + n; i++) {
        const struct cxm_place *place = &c->sequence.places[i];
        if (isnan(place->value) || place->size == 0.0 || place->no_period)
            continue;
        c->at[used] = i;
        c->values[used] = place->value;
        c->sizes[used++] = place->size;
    }
    if (used < FEWEST_POINTS)
        return cxm_priv_fail(error, CXM_EINVAL, "values",
                             "a change point needs at least %d points; there %s %zu",
                             FEWEST_POINTS, used == 1 ? "is" : "are", used);
    if (cxm_priv_change_points(&c->setup, c->values, c->sizes, used, NULL, c->splits, &n_splits)
        != CXM_OK)
        return cxm_priv_no_memory(error);
    if (n_splits == 0) { /* the best split of all, which was not worth it */
        struct cxm_change_setup one = c->setup;
        one.several = false;
        if (cxm_priv_change_points(&one, c->values, c->sizes, used, NULL, c->splits, &n_splits)
            != CXM_OK)
            return cxm_priv_no_memory(error);
    } else if (c->setup.several) {
        set_levels(c, used, n_splits);
    }
    for (size_t i = 0; i < n_splits; i++)
        add_row(c, first, used, n - used, &c->splits[i]);
    return CXM_OK;
}

static enum cxm_status find(struct change *c, struct cxm_report **out, struct cxm_error *error)
{
    const size_t n = c->sequence.n;
    c->at = cxm_priv_alloc(NULL, n, sizeof *c->at);
    c->values = cxm_priv_alloc(NULL, n, sizeof *c->values);
    c->sizes = cxm_priv_alloc(NULL, n, sizeof *c->sizes);
    c->splits = cxm_priv_alloc(NULL, n + 1, sizeof *c->splits);
    if (c->at == NULL || c->values == NULL || c->sizes == NULL || c->splits == NULL)
        return cxm_priv_no_memory(error);
    if (n == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "values", "there are no points");
    c->report = cxm_priv_report_new(NULL);
    add_axes(c);
    define(c);
    enum cxm_status status = CXM_OK;
    for (size_t first = 0; first < n && status == CXM_OK;) {
        const size_t length = cxm_priv_sequence_series(&c->sequence, first);
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

static void release(struct change *c)
{
    cxm_priv_release(NULL, c->at);
    cxm_priv_release(NULL, c->values);
    cxm_priv_release(NULL, c->sizes);
    cxm_priv_release(NULL, c->splits);
    cxm_report_free(c->report);
    cxm_priv_sequence_release(&c->sequence);
}

enum cxm_status cxm_change_point(const char *method, const struct cxm_column *values,
                                 const struct cxm_column *sizes,
                                 const struct cxm_change_options *options,
                                 struct cxm_report **out, struct cxm_error *error)
{
    struct change c = { .method = NULL };
    enum cxm_status status = read_options(&c, method, options, out, error);
    if (status != CXM_OK)
        return status;
    const bool share = c.setup.method == CXM_CHANGE_PROPORTION;
    const bool rate = share || c.setup.method == CXM_CHANGE_RATE;
    const struct cxm_sequence_input input = { .values_name = "values", .values = values,
                                              .sizes = sizes, .period = c.options.period,
                                              .rate = rate, .share = share, .counts = rate };
    status = cxm_priv_sequence_columns(&input, &c.sequence, error);
    if (status == CXM_OK)
        status = find(&c, out, error);
    release(&c);
    return status;
}

enum cxm_status cxm_change_point_tally(const char *method, struct cxm_tally *tally,
                                       uint32_t measure,
                                       const struct cxm_change_options *options,
                                       struct cxm_report **out, struct cxm_error *error)
{
    struct change c = { .method = NULL };
    enum cxm_status status = read_options(&c, method, options, out, error);
    if (status != CXM_OK)
        return status;
    if (c.options.period != NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "period",
                             "the period of a tally is one of its keys");
    const enum cxm_points points = c.setup.method == CXM_CHANGE_PROPORTION ? CXM_POINTS_SHARES
                                 : c.setup.method == CXM_CHANGE_RATE       ? CXM_POINTS_RATES
                                                                           : CXM_POINTS_VALUES;
    status = cxm_priv_sequence_tally(tally, measure, points, &c.sequence, error);
    if (status == CXM_OK)
        status = find(&c, out, error);
    release(&c);
    return status;
}
