/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts that all comparisons share: what is compared, estimates of both sides, rows. Everything
 * is read from estimates, which every metric yields; difference.c takes one from the other. */
#include "analysis/comparing.h"

#include "estimate/check.h"

#include <math.h>

/* ---- options -------------------------------------------------------------------------- */

enum cxm_status cxm_priv_comparing_options(const void *options, size_t bytes, void *out,
                                           struct cxm_error *error)
{
    size_t size;
    if (options == NULL)
        return CXM_OK;
    memcpy(&size, options, sizeof size);
    if (size < sizeof size || size > bytes)
        return cxm_priv_fail(error, CXM_EINVAL, "options",
                             "options have size %zu; start them with CXM_INIT(name)", size);
    memcpy(out, options, size);
    return CXM_OK;
}

/* Measures that have a standard error. */
static bool comparable(const struct cxm_comparing *c, uint32_t measure)
{
    switch (cxm_priv_estimator_of(c, measure)->intervals) {
    case CXM_CLASS_SHARE:
    case CXM_CLASS_NET:
    case CXM_CLASS_MEAN:
    case CXM_CLASS_RATE:
    case CXM_CLASS_SURVIVAL:
    case CXM_CLASS_CLUSTERED:
    case CXM_CLASS_RATIO:
    case CXM_CLASS_CHANGE:
        return true;
    default:
        return false;
    }
}

/* The name itself, or a member of that family: "share" for "share[9]". */
static bool is_named(const char *measure, const char *name)
{
    const size_t n = strlen(name);
    return strncmp(measure, name, n) == 0 && (measure[n] == '\0' || measure[n] == '[');
}

static enum cxm_status choose_named(struct cxm_comparing *c, const char *name,
                                    struct cxm_error *error)
{
    bool found = false, exact = false;
    for (uint32_t m = 0; m < c->n_measures; m++)
        exact = exact || strcmp(c->measures[m].name, name) == 0;
    for (uint32_t m = 0; m < c->n_measures; m++) {
        if (exact ? strcmp(c->measures[m].name, name) != 0
                  : !is_named(c->measures[m].name, name))
            continue;
        found = true;
        if (!comparable(c, m))
            return cxm_priv_fail(error, CXM_EINVAL, "measures",
                                 "%s has no standard error: it cannot be compared",
                                 c->measures[m].name);
        bool there = false;
        for (size_t i = 0; i < c->n_chosen; i++)
            there = there || c->chosen[i] == m;
        if (!there)
            c->chosen[c->n_chosen++] = m;
    }
    return found ? CXM_OK
                 : cxm_priv_fail(error, CXM_EINVAL, "measures", "%s has no measure \"%.70s\"",
                                 c->metric->rules.info->name, name);
}

static enum cxm_status choose(struct cxm_comparing *c, const struct cxm_comparing_options *o,
                              struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < o->n_measures && o->measures != NULL && status == CXM_OK; i++)
        status = o->measures[i] != NULL
                   ? choose_named(c, o->measures[i], error)
                   : cxm_priv_fail(error, CXM_EINVAL, "measures", "a name is NULL");
    for (uint32_t m = 0; m < c->n_measures && o->measures == NULL; m++)
        if (comparable(c, m) && (o->all_measures || c->measures[m].is_default))
            c->chosen[c->n_chosen++] = m;
    if (status == CXM_OK && o->measures == NULL && c->n_chosen == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "measures",
                             "%s shows no measure with a standard error: nothing to compare",
                             c->metric->rules.info->name);
    bool fit = c->n_chosen == 0;
    for (size_t i = 0; i < c->n_chosen; i++)
        fit = fit || cxm_priv_method_fits(c->method, cxm_priv_estimator_of(c, c->chosen[i])->intervals,
                          c->linearised);
    if (status == CXM_OK && !fit)
        return cxm_priv_fail(error, CXM_EINVAL, "method",
                             c->linearised
                               ? "method \"%s\" needs rows without weights and sampling design; "
                                 "others are compared by their linearised standard errors"
                               : "method \"%s\" does not fit the measures asked for",
                             cxm_compare_method_name(c->method));
    return status;
}

enum cxm_status cxm_priv_comparing_init(struct cxm_comparing *c, struct cxm_tally *tally,
                                        const struct cxm_comparing_options *o,
                                        struct cxm_error *error)
{
    memset(c, 0, sizeof *c);
    c->tally = tally;
    c->metric = cxm_priv_metric_of(&tally->config);
    c->level = o->level == 0 ? 0.95 : o->level;
    c->method = (enum cxm_compare_method)o->method;
    c->small_n = o->small_n;
    c->lonely = o->lonely;
    c->linearised = tally->schema.weighted || tally->schema.n_design > 0;
    enum cxm_status status = cxm_priv_check_level(c->level, error);
    if (status == CXM_OK && !cxm_priv_is_method(o->method))
        status = cxm_priv_fail(error, CXM_EINVAL, "method", "there is no method %d", o->method);
    if (status == CXM_OK && o->small_n < 0)
        status = cxm_priv_fail(error, CXM_EINVAL, "small_n", "small_n must be 0 or more");
    if (status == CXM_OK)
        status = cxm_tally_measures(tally, NULL, 0, 0, &c->n_measures, error);
    if (status != CXM_OK)
        return status;
    c->measures = cxm_priv_alloc(&tally->allocator, c->n_measures, sizeof *c->measures);
    c->chosen = cxm_priv_alloc(&tally->allocator, c->n_measures, sizeof *c->chosen);
    if (c->measures == NULL || c->chosen == NULL)
        return cxm_priv_no_memory(error);
    status = cxm_tally_measures(tally, c->measures, sizeof *c->measures, c->n_measures,
                                &c->n_measures, error);
    if (status == CXM_OK)
        status = choose(c, o, error);
    if (status != CXM_OK)
        return status;
    struct cxm_report *r = c->report = cxm_priv_report_new(&tally->allocator);
    cxm_priv_report_keys_of(r, tally);
    c->axis.statistic = cxm_priv_report_axis(r, "statistic", CXM_AXIS_REAL);
    c->axis.df = cxm_priv_report_axis(r, "df", CXM_AXIS_REAL);
    c->axis.p_value = cxm_priv_report_axis(r, "p_value", CXM_AXIS_REAL);
    c->axis.p_greater = cxm_priv_report_axis(r, "p_greater", CXM_AXIS_REAL);
    c->axis.p_less = cxm_priv_report_axis(r, "p_less", CXM_AXIS_REAL);
    c->axis.value_a = cxm_priv_report_axis(r, "value_a", CXM_AXIS_REAL);
    c->axis.value_b = cxm_priv_report_axis(r, "value_b", CXM_AXIS_REAL);
    c->axis.n_a = cxm_priv_report_axis(r, "n_a", CXM_AXIS_INT);
    c->axis.n_b = cxm_priv_report_axis(r, "n_b", CXM_AXIS_INT);
    c->axis.centre = cxm_priv_report_axis(r, "centre", CXM_AXIS_REAL);
    return CXM_OK;
}

void cxm_priv_comparing_release(struct cxm_comparing *c)
{
    cxm_priv_release(&c->tally->allocator, c->measures);
    cxm_priv_release(&c->tally->allocator, c->chosen);
    cxm_report_free(c->report);
}

/* ---- reading estimates ---------------------------------------------------------------- */

/* Where the chosen measures are in another tally of the same definition; UINT32_MAX: not met. */
static enum cxm_status find_measures(const struct cxm_comparing *c, struct cxm_tally *from,
                                     uint32_t *index, struct cxm_error *error)
{
    size_t n = 0;
    enum cxm_status status = cxm_tally_measures(from, NULL, 0, 0, &n, error);
    if (status != CXM_OK)
        return status;
    struct cxm_measure *theirs = cxm_priv_alloc(&c->tally->allocator, n, sizeof *theirs);
    if (theirs == NULL)
        return cxm_priv_no_memory(error);
    status = cxm_tally_measures(from, theirs, sizeof *theirs, n, &n, error);
    for (size_t i = 0; i < c->n_chosen && status == CXM_OK; i++) {
        const struct cxm_measure *wanted = &c->measures[c->chosen[i]];
        index[i] = UINT32_MAX;
        for (uint32_t m = 0; m < n && index[i] == UINT32_MAX; m++)
            if (theirs[m].family == wanted->family && strcmp(theirs[m].name, wanted->name) == 0)
                index[i] = m;
    }
    cxm_priv_release(&c->tally->allocator, theirs);
    return status;
}

/* A reason for which nobody left: the share of the headline's base, and it is 0. */
static void make_zero(struct cxm_estimate *e)
{
    e->value = e->std_error = e->n > 0 ? 0.0 : (double)NAN;
    e->lower = e->upper = e->lower_raw = e->upper_raw = NAN;
    if (e->n > 0)
        e->flags |= CXM_FLAG_DEGENERATE;
}

enum cxm_status cxm_priv_comparing_read(const struct cxm_comparing *c, struct cxm_tally *from,
                                        struct cxm_estimate **out, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &c->tally->allocator;
    const size_t groups = cxm_tally_n_keys(from) > 0 ? (size_t)cxm_tally_groups(from) : 0;
    const size_t n = c->n_chosen;
    size_t rows = 0;
    uint32_t *index = cxm_priv_alloc(allocator, n, 2 * sizeof *index);
    int64_t *which = cxm_priv_alloc(allocator, groups + 1, sizeof *which);
    struct cxm_estimate *e = cxm_priv_alloc(allocator, (groups + 1) * n, sizeof *e);
    enum cxm_status status = CXM_OK;
    if (index == NULL || which == NULL || e == NULL)
        status = cxm_priv_no_memory(error);
    else
        status = find_measures(c, from, index, error);
    for (size_t i = 0; i < n && status == CXM_OK; i++)
        index[n + i] = index[i] != UINT32_MAX ? index[i] : 0;
    for (size_t g = 0; g <= groups && status == CXM_OK; g++)
        which[g] = g < groups ? (int64_t)g : CXM_TOTAL;
    if (status == CXM_OK && n > 0) {
        const struct cxm_estimate_options options = {
            .size = sizeof options, .level = c->level, .small_n = c->small_n,
            .lonely = c->lonely, .measures = index + n, .n_measures = n, .groups = which,
            .n_groups = groups + 1,
        };
        status = cxm_tally_estimate(from, &options, e, sizeof *e, (groups + 1) * n, &rows,
                                    error);
    }
    for (size_t i = 0; i < (groups + 1) * n && status == CXM_OK; i++)
        if (index[i % n] == UINT32_MAX)
            make_zero(&e[i]);
    cxm_priv_release(allocator, index);
    cxm_priv_release(allocator, which);
    if (status == CXM_OK)
        *out = e;
    else
        cxm_priv_release(allocator, e);
    return status;
}

/* ---- rows ----------------------------------------------------------------------------- */

/* "within" of the headline, "within[promoters]" of other measures. */
static void name_of(const struct cxm_comparing *c, uint32_t measure, const char *what, char out[96])
{
    size_t used = 0;
    out[0] = '\0';
    if (measure == 0)
        cxm_priv_append(out, 96, &used, "%s", what);
    else
        cxm_priv_append(out, 96, &used, "%s[%s]", what, c->measures[measure].name);
}

/* An estimate with the bases of both sides added and their flags, without numbers. */
static struct cxm_estimate both_bases(const struct cxm_comparing *c, const struct cxm_estimate *a,
                                      const struct cxm_estimate *b)
{
    const uint32_t own = CXM_FLAG_CLIPPED | CXM_FLAG_OFF_CENTRE | CXM_FLAG_DEGENERATE
                       | CXM_FLAG_NO_DATA;
    struct cxm_estimate e = cxm_priv_blank_estimate(c->level, (enum cxm_unit)a->unit,
                                                    (enum cxm_base_kind)a->base);
    e.n = a->n + b->n;
    e.missing = a->missing + b->missing;
    e.invalid = a->invalid + b->invalid;
    e.excluded = a->excluded + b->excluded;
    e.sum_weight = a->sum_weight + b->sum_weight;
    e.n_eff = a->n_eff + b->n_eff;
    e.flags = (a->flags | b->flags) & ~own;
    return e;
}

static size_t add_row(struct cxm_comparing *c, uint32_t measure, const char *what,
                      const char *how, const struct cxm_estimate *e,
                      const struct cxm_estimate *a, const struct cxm_estimate *b)
{
    char name[96], definition[1088];
    size_t used = cxm_tally_definition(c->tally, definition, sizeof definition);
    cxm_priv_append(definition, sizeof definition, &used, "/compare=%s", how);
    name_of(c, measure, what, name);
    const size_t row = cxm_priv_report_add(c->report, c->metric->rules.info->name, name,
                                           definition, e);
    cxm_priv_report_real(c->report, row, c->axis.value_a, a->value);
    cxm_priv_report_real(c->report, row, c->axis.value_b, b->value);
    cxm_priv_report_int(c->report, row, c->axis.n_a, a->n);
    cxm_priv_report_int(c->report, row, c->axis.n_b, b->n);
    return row;
}

size_t cxm_priv_add_difference(struct cxm_comparing *c, uint32_t measure, const char *what,
                               const struct cxm_estimate *a, const struct cxm_estimate *b,
                               const struct cxm_difference *d)
{
    struct cxm_estimate e = both_bases(c, a, b);
    e.value = d->c.difference;
    e.std_error = d->c.std_error;
    e.df = d->c.df;
    e.interval = d->interval;
    e.flags |= d->c.flags | (isnan(e.value) ? CXM_FLAG_NO_DATA : 0);
    cxm_priv_set_limits(&e, (struct cxm_limits){ d->c.lower, d->c.upper, 0 }, -d->furthest,
                        d->furthest);
    const size_t row = add_row(c, measure, what, d->method, &e, a, b);
    cxm_priv_set_test(c, row, d->c.statistic, d->c.df, d->c.p_value);
    cxm_priv_report_real(c->report, row, c->axis.p_greater, d->c.p_greater);
    cxm_priv_report_real(c->report, row, c->axis.p_less, d->c.p_less);
    cxm_priv_report_real(c->report, row, c->axis.centre, d->c.centre);
    return row;
}

size_t cxm_priv_add_number(struct cxm_comparing *c, uint32_t measure, const char *what,
                           const char *how, double value, enum cxm_unit unit,
                           const struct cxm_estimate *a, const struct cxm_estimate *b)
{
    struct cxm_estimate e = both_bases(c, a, b);
    e.value = value;
    e.unit = unit;
    e.df = NAN;
    e.flags |= isnan(value) ? CXM_FLAG_NO_DATA : 0;
    return add_row(c, measure, what, how, &e, a, b);
}

void cxm_priv_set_test(struct cxm_comparing *c, size_t row, double statistic, double df,
                       double p_value)
{
    cxm_priv_report_real(c->report, row, c->axis.statistic, statistic);
    cxm_priv_report_real(c->report, row, c->axis.df, df);
    cxm_priv_report_real(c->report, row, c->axis.p_value, p_value);
}

void cxm_priv_set_row_limits(struct cxm_comparing *c, size_t row, double lower, double upper,
                             enum cxm_interval interval)
{
    struct cxm_estimate *e = cxm_priv_report_estimate(c->report, row);
    if (e == NULL)
        return;
    e->interval = interval;
    e->df = INFINITY;
    const uint32_t flags = lower == upper ? CXM_FLAG_DEGENERATE : 0;
    cxm_priv_set_limits(e, (struct cxm_limits){ lower, upper, flags }, -INFINITY, INFINITY);
}

/* ---- answers -------------------------------------------------------------------------- */

enum cxm_status cxm_priv_answer_counts(const struct cxm_comparing *c, struct cxm_tally *from,
                                       int64_t group, double **out, size_t *n_bins,
                                       struct cxm_error *error)
{
    size_t n = 0, first = 0, rows = 0;
    for (size_t m = c->n_measures; m-- > 0;)
        if (cxm_priv_estimator_of(c, (uint32_t)m)->members == CXM_PER_BIN) {
            first = m;
            n++;
        }
    *out = NULL;
    *n_bins = n;
    if (n == 0)
        return CXM_OK;
    const struct cxm_allocator *allocator = &c->tally->allocator;
    uint32_t *index = cxm_priv_alloc(allocator, n, sizeof *index);
    struct cxm_estimate *e = cxm_priv_alloc(allocator, n, sizeof *e);
    double *counts = cxm_priv_alloc(allocator, n, sizeof *counts);
    enum cxm_status status = CXM_OK;
    if (index == NULL || e == NULL || counts == NULL)
        status = cxm_priv_no_memory(error);
    for (size_t i = 0; i < n && status == CXM_OK; i++)
        index[i] = (uint32_t)(first + i);
    if (status == CXM_OK) {
        const struct cxm_estimate_options options = {
            .size = sizeof options, .interval = CXM_INTERVAL_NONE, .measures = index,
            .n_measures = n, .groups = &group, .n_groups = 1,
        };
        status = cxm_tally_estimate(from, &options, e, sizeof *e, n, &rows, error);
    }
    for (size_t i = 0; i < n && status == CXM_OK; i++)
        counts[i] = cxm_priv_share_count(&e[i]).x;
    cxm_priv_release(allocator, index);
    cxm_priv_release(allocator, e);
    if (status == CXM_OK)
        *out = counts;
    else
        cxm_priv_release(allocator, counts);
    return status;
}
