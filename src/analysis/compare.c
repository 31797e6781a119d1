/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two tallies compared, group by group. Typically two waves of some 10 segments; 10^5 groups
 * work. Groups are matched through the merged tally of both, whose keys the rows have; what is
 * within groups and what is mix is computed for each measure before its rows are written. */
#include "analysis/comparing.h"

#include "estimate/mix.h"
#include "metric/design.h"

#include <math.h>

struct side {
    struct cxm_tally *tally;
    int64_t *place;                /* by group of both: group here, -1 not there */
    struct cxm_estimate *estimates;/* see cxm_priv_comparing_read */
    size_t groups;
};

struct work {
    struct cxm_comparing c;
    struct cxm_tally *both;
    struct side a, b;
    size_t groups;                 /* of both; 0 without keys */
    struct cxm_mix_group *mixed;   /* scratch of one measure */
    struct cxm_mix_part *parts;    /* by measure, then group */
    struct cxm_mix *mixes;         /* by measure */
    bool *decomposes;
    struct cxm_estimate absent;
    bool effects;
};

static void release(struct work *w)
{
    if (w->both == NULL)
        return;
    const struct cxm_allocator *allocator = &w->both->allocator;
    cxm_priv_release(allocator, w->a.place);
    cxm_priv_release(allocator, w->b.place);
    cxm_priv_release(allocator, w->a.estimates);
    cxm_priv_release(allocator, w->b.estimates);
    cxm_priv_release(allocator, w->mixed);
    cxm_priv_release(allocator, w->parts);
    cxm_priv_release(allocator, w->mixes);
    cxm_priv_release(allocator, w->decomposes);
    if (w->c.tally != NULL)
        cxm_priv_comparing_release(&w->c);
    cxm_tally_free(w->both);
}

/* ---- do the two sides belong together? ------------------------------------------------ */

static enum cxm_status refuse(const struct cxm_tally *a, const struct cxm_tally *b,
                              const struct cxm_error *why, struct cxm_error *error)
{
    char left[160], right[160];
    cxm_tally_definition(a, left, sizeof left);
    cxm_tally_definition(b, right, sizeof right);
    return cxm_priv_fail(error, CXM_EMISMATCH, why->column, "%s against %s: %s", left, right,
                         why->message);
}

static enum cxm_status check_sides(const struct cxm_tally *a, const struct cxm_tally *b,
                                   struct cxm_error *error)
{
    struct cxm_error why = { .status = CXM_OK };
    if (a->config.rules != b->config.rules)
        cxm_priv_fail(&why, CXM_EMISMATCH, "metric", "these are different metrics");
    else if (cxm_priv_config_compare(&a->config, &b->config, &why) == CXM_OK
             && a->state.rows > 0 && b->state.rows > 0)
        (void)!cxm_priv_schema_compare(&a->config, &a->schema, &b->schema, &why);
    return why.status == CXM_OK ? CXM_OK : refuse(a, b, &why, error);
}

/* ---- reading both sides --------------------------------------------------------------- */

/* The bytes of a group's own keys, without those of its sampling design. */
static const uint8_t *key_of(const struct cxm_tally *tally, size_t group, size_t *bytes)
{
    size_t first, end;
    cxm_priv_group_cells(tally, (int64_t)group, &first, &end);
    const uint8_t *key = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[first], bytes);
    *bytes = cxm_priv_keys_bytes(&tally->schema, tally->schema.n_keys, key, *bytes);
    return key;
}

/* The groups of a side are some of those of both, in the same order. */
static enum cxm_status match_groups(struct side *side, struct cxm_tally *both, size_t groups,
                                    struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_tally_sort(side->tally, error);
    if (status != CXM_OK)
        return status;
    side->groups = cxm_tally_n_keys(side->tally) > 0 ? (size_t)cxm_tally_groups(side->tally) : 0;
    side->place = cxm_priv_alloc(&both->allocator, groups, sizeof *side->place);
    if (side->place == NULL)
        return cxm_priv_no_memory(error);
    for (size_t g = 0, next = 0; g < groups; g++) {
        size_t n, m = 0;
        const uint8_t *key = key_of(both, g, &n);
        const uint8_t *other = next < side->groups ? key_of(side->tally, next, &m) : NULL;
        const bool there = other != NULL && n == m && memcmp(key, other, n) == 0;
        side->place[g] = there ? (int64_t)next++ : -1;
    }
    return CXM_OK;
}

/* An estimate of a side; group w->groups: all of them together. */
static const struct cxm_estimate *estimate_at(const struct work *w, const struct side *side,
                                              size_t group, size_t i)
{
    const size_t n = w->c.n_chosen;
    if (group == w->groups)
        return &side->estimates[side->groups * n + i];
    return side->place[group] >= 0 ? &side->estimates[(size_t)side->place[group] * n + i]
                                   : NULL;
}

/* Estimates with normal or effective limits do not have the degrees of freedom of their design: they
 * get them. Groups as in cxm_priv_comparing_read. */
static enum cxm_status set_design_df(struct work *w, struct side *side, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &w->both->allocator;
    const size_t n = side->groups + 1;
    if (side->tally->schema.n_design == 0)
        return CXM_OK;
    int64_t *groups = cxm_priv_alloc(allocator, n, sizeof *groups);
    struct cxm_estimate *estimates = cxm_priv_alloc(allocator, n, sizeof *estimates);
    struct cxm_capture *captures = cxm_priv_alloc_zero(allocator, n, sizeof *captures);
    enum cxm_status status = CXM_OK;
    if (groups == NULL || estimates == NULL || captures == NULL)
        status = cxm_priv_no_memory(error);
    for (size_t g = 0; g < n && status == CXM_OK; g++) {
        groups[g] = g < side->groups ? (int64_t)g : CXM_TOTAL;
        captures[g].allocator = allocator;
    }
    if (status == CXM_OK)
        status = cxm_priv_estimate_captured(side->tally, 0, groups, n, w->c.lonely, estimates, captures,
                                            error);
    for (size_t g = 0; captures != NULL && g < n; g++) {
        const double df = (double)(captures[g].n_primary - captures[g].n_strata);
        for (size_t i = 0; i < w->c.n_chosen && captures[g].n_primary > 0; i++)
            side->estimates[g * w->c.n_chosen + i].df = df;
        cxm_priv_release(allocator, captures[g].sums);
    }
    cxm_priv_release(allocator, captures);
    cxm_priv_release(allocator, estimates);
    cxm_priv_release(allocator, groups);
    return status;
}

static enum cxm_status read_side(struct work *w, struct side *side, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_comparing_read(&w->c, side->tally, &side->estimates, error);
    return status == CXM_OK ? set_design_df(w, side, error) : status;
}

static enum cxm_status read_sides(struct work *w, struct cxm_error *error)
{
    enum cxm_status status = cxm_priv_tally_sort(w->both, error);
    w->groups = cxm_tally_n_keys(w->both) > 0 ? (size_t)cxm_tally_groups(w->both) : 0;
    if (status == CXM_OK)
        status = match_groups(&w->a, w->both, w->groups, error);
    if (status == CXM_OK)
        status = match_groups(&w->b, w->both, w->groups, error);
    if (status == CXM_OK)
        status = read_side(w, &w->a, error);
    if (status == CXM_OK)
        status = read_side(w, &w->b, error);
    return status;
}

/* ---- within and mix ------------------------------------------------------------------- */

/* Is the value of all groups the mean of their values? Ratios are not, nor indexes whose weights
 * are estimated from the rows, nor rates of an average base. */
static bool is_mean_of_groups(const struct cxm_comparing *c, uint32_t measure,
                              const struct cxm_estimate *e)
{
    const struct cxm_estimator *estimator = cxm_priv_estimator_of(c, measure);
    const struct cxm_metric_info *info = c->metric->rules.info;
    for (int p = 0; p < info->n_params && measure == 0; p++)
        if (strcmp(info->params[p].name, "importance_kind") == 0
            && strcmp(c->tally->config.params[p].texts[0], "aggregate") == 0)
            return false;
    const enum cxm_interval_class class = estimator->intervals;
    return class == CXM_CLASS_NET || class == CXM_CLASS_MEAN || class == CXM_CLASS_CHANGE
        || class == CXM_CLASS_CLUSTERED
        || (class == CXM_CLASS_SHARE && e->interval != CXM_INTERVAL_T);
}

/* The same seen in the numbers, for metrics that do not say so. */
static bool is_near(double mean, double value, double largest)
{
    return fabs(mean - value) <= 1e-9 * largest;
}

static void mix_measure(struct work *w, size_t i)
{
    double largest = 0;
    for (size_t g = 0; g < w->groups; g++) {
        const struct cxm_estimate *a = estimate_at(w, &w->a, g, i);
        const struct cxm_estimate *b = estimate_at(w, &w->b, g, i);
        const bool in_a = a != NULL && a->n > 0, in_b = b != NULL && b->n > 0;
        w->mixed[g] = (struct cxm_mix_group){ in_a ? a->value : 0, in_a ? a->sum_weight : 0,
                                              in_b ? b->value : 0, in_b ? b->sum_weight : 0 };
        largest = fmax(largest, fmax(fabs(w->mixed[g].value_a), fabs(w->mixed[g].value_b)));
    }
    const struct cxm_estimate *a = estimate_at(w, &w->a, w->groups, i);
    const struct cxm_estimate *b = estimate_at(w, &w->b, w->groups, i);
    w->mixes[i] = cxm_priv_mix(w->mixed, w->groups, w->parts + i * w->groups);
    w->decomposes[i] = is_mean_of_groups(&w->c, w->c.chosen[i], a->n > 0 ? a : b);
    if (a->n > 0 && b->n > 0)
        w->decomposes[i] = w->decomposes[i] && is_near(w->mixes[i].mean_a, a->value, largest)
                        && is_near(w->mixes[i].mean_b, b->value, largest);
}

static enum cxm_status mix(struct work *w, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &w->both->allocator;
    const size_t n = w->c.n_chosen;
    w->mixed = cxm_priv_alloc(allocator, w->groups, sizeof *w->mixed);
    w->parts = cxm_priv_alloc(allocator, w->groups * (n + 1), sizeof *w->parts);
    w->mixes = cxm_priv_alloc(allocator, n, sizeof *w->mixes);
    w->decomposes = cxm_priv_alloc_zero(allocator, n, sizeof *w->decomposes);
    if (w->mixed == NULL || w->parts == NULL || w->mixes == NULL || w->decomposes == NULL)
        return cxm_priv_no_memory(error);
    for (size_t i = 0; i < n; i++)
        mix_measure(w, i);
    return CXM_OK;
}

/* ---- rows ----------------------------------------------------------------------------- */

static void add_part(struct work *w, uint32_t measure, const char *what, double value,
                     int64_t group, const struct cxm_estimate *a, const struct cxm_estimate *b)
{
    const enum cxm_unit unit = (enum cxm_unit)w->c.measures[measure].unit;
    const size_t row = cxm_priv_add_number(&w->c, measure, what, "kitagawa", value, unit, a, b);
    cxm_priv_report_key_from(w->c.report, row, w->both, group);
}

static enum cxm_status add_rows(struct work *w, size_t group, size_t i, struct cxm_error *error)
{
    const uint32_t measure = w->c.chosen[i];
    const struct cxm_estimate *a = estimate_at(w, &w->a, group, i);
    const struct cxm_estimate *b = estimate_at(w, &w->b, group, i);
    const bool total = group == w->groups;
    const int64_t key = total ? CXM_TOTAL : (int64_t)group;
    const struct cxm_effect_sides sides = {
        w->a.tally, w->b.tally, total ? CXM_TOTAL : w->a.place[group],
        total ? CXM_TOTAL : w->b.place[group], w->both, key };
    struct cxm_difference d;
    w->absent.unit = (a != NULL ? a : b)->unit;
    w->absent.base = (a != NULL ? a : b)->base;
    w->absent.interval = (a != NULL ? a : b)->interval;
    a = a != NULL ? a : &w->absent;
    b = b != NULL ? b : &w->absent;
    enum cxm_status status = cxm_priv_difference(&w->c, measure, a, b, &d, error);
    if (status != CXM_OK)
        return status;
    const size_t row = cxm_priv_add_difference(&w->c, measure, "difference", a, b, &d);
    cxm_priv_report_key_from(w->c.report, row, w->both, key);
    if (w->decomposes != NULL && w->decomposes[i]) {
        const struct cxm_mix_part part = total ? w->mixes[i].sum
                                               : w->parts[i * w->groups + group];
        add_part(w, measure, "within", part.within, key, a, b);
        add_part(w, measure, "mix", part.mix, key, a, b);
    }
    return w->effects ? cxm_priv_add_effects(&w->c, measure, &sides, a, b, error) : CXM_OK;
}

static enum cxm_status compare(struct work *w, const struct cxm_compare_options *o,
                               struct cxm_error *error)
{
    const struct cxm_comparing_options common = {
        o->level, o->method, o->small_n, o->lonely, o->measures, o->n_measures,
        o->all_measures != 0 };
    enum cxm_status status = cxm_tally_copy(w->a.tally, &w->both, error);
    if (status == CXM_OK)
        status = cxm_tally_merge(w->both, w->b.tally, error);
    if (status == CXM_OK)
        status = cxm_priv_comparing_init(&w->c, w->both, &common, error);
    if (status == CXM_OK)
        status = read_sides(w, error);
    if (status == CXM_OK && w->groups > 0 && !o->no_mix)
        status = mix(w, error);
    w->effects = o->effects != 0;
    w->absent = cxm_priv_blank_estimate(w->c.level, CXM_UNIT_SHARE, CXM_BASE_RESPONSES);
    w->absent.flags = CXM_FLAG_NO_DATA;
    for (size_t g = 0; g <= w->groups; g++)
        for (size_t i = 0; i < w->c.n_chosen && status == CXM_OK; i++)
            status = add_rows(w, g, i, error);
    return status;
}

enum cxm_status cxm_compare(struct cxm_tally *a, struct cxm_tally *b,
                            const struct cxm_compare_options *options, struct cxm_report **out,
                            struct cxm_error *error)
{
    struct cxm_compare_options o = { CXM_INIT_compare };
    if (a == NULL || b == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "a tally or out is NULL");
    enum cxm_status status = cxm_priv_comparing_options(options, sizeof o, &o, error);
    if (status == CXM_OK)
        status = check_sides(a, b, error);
    if (status != CXM_OK)
        return status;
    struct work w = { .a.tally = a, .b.tally = b };
    status = compare(&w, &o, error);
    if (status == CXM_OK) {
        status = cxm_priv_report_finish(w.c.report, out, error);
        w.c.report = NULL;
    }
    release(&w);
    return status;
}
