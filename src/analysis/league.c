/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * League tables: groups in the order of a measure, with simultaneous limits of their ranks and
 * their difference to the rest. Limits of ranks come from all pairs at once: with no false
 * rejection at level 1 - alpha, every group's true rank lies between 1 + the groups found higher
 * and k - the groups found lower (Mohamad, Goeman & van Zwet 2019, Biometrical Journal 61:1514,
 * there with Tukey's procedure). Typically 5 to 200 groups; pairs are O(k^2). */
#include "analysis/grouped.h"

#include <math.h>
#include <stdlib.h>

struct place {
    double value;
    size_t group;
};

static int by_value(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (isnan(a->value) != isnan(b->value))
        return isnan(a->value) ? 1 : -1;
    if (a->value != b->value && !isnan(a->value))
        return a->value > b->value ? -1 : 1;
    return a->group < b->group ? -1 : a->group > b->group;
}

struct table {
    struct place *places;          /* in the order of the rows */
    int64_t *lower, *upper;        /* ranks, by group */
    struct cxm_difference *d;
    struct cxm_estimate *others;
    double *p;
    size_t *rows;
};

static bool allocate(struct table *t, size_t n, const struct cxm_allocator *allocator)
{
    t->places = cxm_priv_alloc(allocator, n, sizeof *t->places);
    t->lower = cxm_priv_alloc(allocator, n, 2 * sizeof *t->lower);
    t->d = cxm_priv_alloc(allocator, n, sizeof *t->d);
    t->others = cxm_priv_alloc(allocator, n, sizeof *t->others);
    t->p = cxm_priv_alloc(allocator, n, sizeof *t->p);
    t->rows = cxm_priv_alloc(allocator, n, sizeof *t->rows);
    if (t->lower != NULL)
        t->upper = t->lower + n;
    return t->places != NULL && t->lower != NULL && t->d != NULL && t->others != NULL
        && t->p != NULL && t->rows != NULL;
}

static void release(struct table *t, const struct cxm_allocator *allocator)
{
    cxm_priv_release(allocator, t->places);
    cxm_priv_release(allocator, t->lower);
    cxm_priv_release(allocator, t->d);
    cxm_priv_release(allocator, t->others);
    cxm_priv_release(allocator, t->p);
    cxm_priv_release(allocator, t->rows);
}

/* ---- limits of ranks ------------------------------------------------------------------ */

/* p-values of all pairs i < k, in that order, and the signs of their statistics: those of adjusted
 * net scores may differ from the sign of the plain difference. */
static enum cxm_status pair_p_values(const struct cxm_grouped *g, double *p, bool *higher,
                                     struct cxm_error *error)
{
    size_t at = 0;
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = i + 1; k < g->n; k++) {
            struct cxm_difference d;
            const enum cxm_status status = cxm_priv_grouped_difference(g, i, k, &d, error);
            if (status != CXM_OK)
                return status;
            higher[at] = d.c.statistic > 0;
            p[at++] = d.c.p_value;
        }
    return CXM_OK;
}

static enum cxm_status rank_limits(const struct cxm_grouped *g, struct table *t,
                                   struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &g->c.tally->allocator;
    int64_t count = 0;
    for (size_t i = 0; i < g->n; i++)
        count += !isnan(g->estimates[i].value);
    for (size_t i = 0; i < g->n; i++) {
        const bool ranked = !isnan(g->estimates[i].value) && g->n <= CXM_GROUPED_MOST_RANKS;
        t->lower[i] = ranked ? 1 : INT64_MIN;
        t->upper[i] = ranked ? count : INT64_MIN;
    }
    if (g->n > CXM_GROUPED_MOST_RANKS)
        return CXM_OK;
    const size_t pairs = g->n * (g->n - 1) / 2;
    double *p = cxm_priv_alloc(allocator, pairs, sizeof *p);
    bool *higher = cxm_priv_alloc(allocator, pairs, sizeof *higher);
    enum cxm_status status = p != NULL && higher != NULL ? pair_p_values(g, p, higher, error)
                                                         : cxm_priv_no_memory(error);
    if (status == CXM_OK
        && cxm_priv_adjust_p(p, pairs, CXM_ADJUST_HOLM, allocator, p) != CXM_OK)
        status = cxm_priv_no_memory(error);
    size_t at = 0;
    for (size_t i = 0; i < g->n && status == CXM_OK; i++)
        for (size_t k = i + 1; k < g->n; k++) {
            if (p[at] <= 1 - g->c.level) {
                t->lower[higher[at] ? k : i]++;
                t->upper[higher[at] ? i : k]--;
            }
            at++;
        }
    cxm_priv_release(allocator, p);
    cxm_priv_release(allocator, higher);
    return status;
}

/* ---- rows ----------------------------------------------------------------------------- */

static void add_row(struct cxm_grouped *g, struct table *t, size_t group, int64_t rank,
                    const char *against)
{
    struct cxm_comparing *c = &g->c;
    struct cxm_report *r = c->report;
    const struct cxm_difference *d = &t->d[group];
    char definition[1088];
    cxm_tally_definition(c->tally, definition, sizeof definition);
    const size_t row = cxm_priv_report_add(r, c->metric->rules.info->name,
                                           c->measures[g->measure].name, definition,
                                           &g->estimates[group]);
    cxm_priv_report_key_from(r, row, c->tally, (int64_t)group);
    cxm_priv_set_test(c, row, d->c.statistic, d->c.df, d->c.p_value);
    cxm_priv_report_real(r, row, c->axis.value_b, t->others[group].value);
    cxm_priv_report_int(r, row, c->axis.n_b, t->others[group].n);
    cxm_priv_report_text(r, row, g->against, against);
    cxm_priv_report_real(r, row, cxm_priv_report_axis(r, "difference", CXM_AXIS_REAL),
                         d->c.difference);
    cxm_priv_report_int(r, row, cxm_priv_report_axis(r, "rank", CXM_AXIS_INT), rank);
    cxm_priv_report_int(r, row, cxm_priv_report_axis(r, "rank_lower", CXM_AXIS_INT),
                        t->lower[group]);
    cxm_priv_report_int(r, row, cxm_priv_report_axis(r, "rank_upper", CXM_AXIS_INT),
                        t->upper[group]);
    t->rows[group] = row;
    t->p[group] = d->c.p_value;
}

static enum cxm_status league(struct cxm_grouped *g, struct table *t, struct cxm_error *error)
{
    const bool base = g->options.against == CXM_AGAINST_BASE;
    char against[256] = "rest";
    enum cxm_status status = cxm_priv_grouped_against(g, t->d, t->others, error);
    if (status == CXM_OK)
        status = rank_limits(g, t, error);
    if (status != CXM_OK)
        return status;
    if (base) {
        const size_t i = (size_t)g->options.base;
        cxm_priv_grouped_key(g, i, against, sizeof against);
        t->d[i].c = (struct cxm_comparison){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0 };
    }
    for (size_t i = 0; i < g->n; i++)
        t->places[i] = (struct place){ g->estimates[i].value, i };
    qsort(t->places, g->n, sizeof *t->places, by_value);
    int64_t rank = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (i == 0 || t->places[i].value != t->places[i - 1].value)
            rank = (int64_t)i + 1;
        add_row(g, t, t->places[i].group, isnan(t->places[i].value) ? INT64_MIN : rank, against);
    }
    return cxm_priv_grouped_adjust(g, t->p, t->rows, g->n, error);
}

enum cxm_status cxm_league(struct cxm_tally *tally, const struct cxm_groups_options *options,
                           struct cxm_report **out, struct cxm_error *error)
{
    struct cxm_grouped g;
    struct table t = { 0 };
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    enum cxm_status status = cxm_priv_grouped_init(&g, tally, options, error);
    if (status == CXM_OK && g.options.against > CXM_AGAINST_BASE)
        status = cxm_priv_fail(error, CXM_EINVAL, "against",
                               "a league table compares with the rest or with one group");
    if (status == CXM_OK && !allocate(&t, g.n, &tally->allocator))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = league(&g, &t, error);
    if (status == CXM_OK)
        status = cxm_priv_grouped_finish(&g, out, error);
    release(&t, &tally->allocator);
    cxm_priv_grouped_release(&g);
    return status;
}
