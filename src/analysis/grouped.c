/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The groups of one tally, one measure: estimates, the rest of each group, differences within a
 * sampling design. From 2 to some 10^4 groups. */
#include "analysis/grouped.h"

#include "metric/design.h"

#include <math.h>

/* ---- beginning and end ---------------------------------------------------------------- */

static enum cxm_status check_options(const struct cxm_grouped *g, const struct cxm_tally *tally,
                                     struct cxm_error *error)
{
    const struct cxm_groups_options *o = &g->options;
    if (cxm_tally_n_keys(tally) == 0)
        return cxm_priv_fail(error, CXM_EINVAL, "by", "these rows have no groups: count them by=");
    if (o->against < CXM_AGAINST_REST || o->against > CXM_AGAINST_NONE)
        return cxm_priv_fail(error, CXM_EINVAL, "against", "there is no against %d", o->against);
    if (o->adjust < CXM_ADJUST_HOLM || o->adjust > CXM_ADJUST_NONE)
        return cxm_priv_fail(error, CXM_EINVAL, "adjust", "there is no adjustment %d", o->adjust);
    if (o->against == CXM_AGAINST_BASE && (o->base < 0 || o->base >= cxm_tally_groups(tally)))
        return cxm_priv_fail(error, CXM_EINVAL, "base", "there is no group %lld",
                             (long long)o->base);
    return CXM_OK;
}

static enum cxm_status read_covariance(struct cxm_grouped *g, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &g->c.tally->allocator;
    if (g->n > CXM_GROUPED_MOST_RANKS)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "by",
                             "%zu groups under a sampling design, at most %d compare", g->n,
                             CXM_GROUPED_MOST_RANKS);
    int64_t *groups = cxm_priv_alloc(allocator, g->n, sizeof *groups);
    g->covariance = cxm_priv_alloc(allocator, g->n * g->n, sizeof *g->covariance);
    enum cxm_status status = CXM_OK;
    if (groups == NULL || g->covariance == NULL)
        status = cxm_priv_no_memory(error);
    for (size_t i = 0; i < g->n && status == CXM_OK; i++)
        groups[i] = (int64_t)i;
    if (status == CXM_OK)
        status = cxm_priv_design_covariance(g->c.tally, g->measure, groups, g->n,
                                            g->options.lonely, g->covariance, &g->df, error);
    cxm_priv_release(allocator, groups);
    return status;
}

enum cxm_status cxm_priv_grouped_init(struct cxm_grouped *g, struct cxm_tally *tally,
                                      const struct cxm_groups_options *options,
                                      struct cxm_error *error)
{
    memset(g, 0, sizeof *g);
    g->options = (struct cxm_groups_options){ CXM_INIT_groups };
    enum cxm_status status = cxm_priv_comparing_options(options, sizeof g->options, &g->options,
                                                        error);
    if (status == CXM_OK)
        status = cxm_priv_reserved(g->options.reserved, error);
    if (status == CXM_OK)
        status = check_options(g, tally, error);
    if (status != CXM_OK)
        return status;
    const struct cxm_groups_options *o = &g->options;
    const char *name = o->measure != NULL
                         ? o->measure
                         : cxm_priv_metric_of(&tally->config)->rules.info->measures[0].name;
    const struct cxm_comparing_options common = { o->level, o->method, o->small_n, o->lonely,
                                                  &name, 1, false };
    status = cxm_priv_comparing_init(&g->c, tally, &common, error);
    if (status == CXM_OK && g->c.n_chosen != 1)
        status = cxm_priv_fail(error, CXM_EINVAL, "measure", "\"%.70s\" is a family; name one of "
                               "its members", name);
    if (status == CXM_OK) {
        g->measure = g->c.chosen[0];
        status = cxm_priv_comparing_read(&g->c, tally, &g->estimates, error);
    }
    if (status != CXM_OK)
        return status;
    g->n = (size_t)cxm_tally_groups(tally);
    g->p_adjusted = cxm_priv_report_axis(g->c.report, "p_adjusted", CXM_AXIS_REAL);
    g->against = cxm_priv_report_axis(g->c.report, "against", CXM_AXIS_TEXT);
    return tally->schema.n_design > 0 ? read_covariance(g, error) : CXM_OK;
}

void cxm_priv_grouped_release(struct cxm_grouped *g)
{
    if (g->c.tally == NULL)
        return;
    cxm_priv_release(&g->c.tally->allocator, g->estimates);
    cxm_priv_release(&g->c.tally->allocator, g->covariance);
    cxm_priv_comparing_release(&g->c);
}

enum cxm_status cxm_priv_grouped_finish(struct cxm_grouped *g, struct cxm_report **out,
                                        struct cxm_error *error)
{
    struct cxm_report *report = g->c.report;
    g->c.report = NULL;
    return cxm_priv_report_finish(report, out, error);
}

/* ---- differences ---------------------------------------------------------------------- */

/* All rows but those of a group; to be made for each group in turn. */
static enum cxm_status estimate_rest(const struct cxm_grouped *g, size_t group,
                                     struct cxm_tally *total, struct cxm_estimate *out,
                                     struct cxm_error *error)
{
    struct cxm_tally *one = NULL, *rest = NULL;
    struct cxm_estimate *e = NULL;
    enum cxm_status status = cxm_tally_group(g->c.tally, (int64_t)group, 0, &one, error);
    if (status == CXM_OK)
        status = cxm_tally_copy(total, &rest, error);
    if (status == CXM_OK)
        status = cxm_tally_subtract(rest, one, error);
    if (status == CXM_OK)
        status = cxm_priv_comparing_read(&g->c, rest, &e, error);
    if (status == CXM_OK)
        *out = e[0];
    cxm_priv_release(&g->c.tally->allocator, e);
    cxm_tally_free(one);
    cxm_tally_free(rest);
    return status;
}

enum cxm_status cxm_priv_grouped_difference(const struct cxm_grouped *g, size_t i, size_t k,
                                            struct cxm_difference *out, struct cxm_error *error)
{
    const struct cxm_estimate *a = &g->estimates[i], *b = &g->estimates[k];
    const enum cxm_status status = cxm_priv_difference(&g->c, g->measure, a, b, out, error);
    if (status != CXM_OK || g->covariance == NULL || !(a->n > 0 && b->n > 0))
        return status;
    const double variance = g->covariance[i * g->n + i] + g->covariance[k * g->n + k]
                          - (g->covariance[i * g->n + k] + g->covariance[k * g->n + i]);
    const double df = g->c.method == CXM_COMPARE_WALD ? (double)INFINITY : g->df;
    out->c = cxm_priv_compare_wald(a->value - b->value, sqrt(variance < 0 ? 0 : variance), df,
                                   g->c.level); /* NaN: not known */
    return CXM_OK;
}

enum cxm_status cxm_priv_grouped_against(const struct cxm_grouped *g,
                                         struct cxm_difference *differences,
                                         struct cxm_estimate *others, struct cxm_error *error)
{
    const size_t base = (size_t)g->options.base;
    if (g->options.against == CXM_AGAINST_BASE) {
        enum cxm_status status = CXM_OK;
        for (size_t i = 0; i < g->n && status == CXM_OK; i++) {
            others[i] = g->estimates[base];
            status = cxm_priv_grouped_difference(g, i, base, &differences[i], error);
        }
        return status;
    }
    if (g->covariance != NULL)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "against",
                             "under a sampling design groups compare with a group, not with the "
                             "rest: pass base=");
    struct cxm_tally *total = NULL;
    enum cxm_status status = cxm_tally_group(g->c.tally, CXM_TOTAL, 0, &total, error);
    for (size_t i = 0; i < g->n && status == CXM_OK; i++) {
        status = estimate_rest(g, i, total, &others[i], error);
        if (status == CXM_OK)
            status = cxm_priv_difference(&g->c, g->measure, &g->estimates[i], &others[i],
                                         &differences[i], error);
    }
    cxm_tally_free(total);
    return status;
}

/* ---- rows ----------------------------------------------------------------------------- */

void cxm_priv_grouped_key(const struct cxm_grouped *g, size_t group, char *out, size_t capacity)
{
    struct cxm_key key;
    size_t used = 0;
    out[0] = '\0';
    for (size_t k = 0; k < cxm_tally_n_keys(g->c.tally); k++) {
        if (k > 0)
            cxm_priv_append(out, capacity, &used, ", ");
        if (cxm_tally_key(g->c.tally, (int64_t)group, k, &key) == CXM_OK)
            cxm_priv_append_key(&key, out, capacity, &used);
        else
            g->c.report->out_of_memory = true;
    }
}

enum cxm_status cxm_priv_grouped_adjust(struct cxm_grouped *g, double *p, const size_t *rows,
                                        size_t n, struct cxm_error *error)
{
    if (cxm_priv_adjust_p(p, n, (enum cxm_adjust_method)g->options.adjust,
                          &g->c.tally->allocator, p) != CXM_OK)
        return cxm_priv_no_memory(error);
    for (size_t i = 0; i < n; i++)
        if (rows[i] != SIZE_MAX)
            cxm_priv_report_real(g->c.report, rows[i], g->p_adjusted, p[i]);
    return CXM_OK;
}

size_t cxm_priv_grouped_add(struct cxm_grouped *g, const char *what, const char *how, double value,
                            enum cxm_unit unit)
{
    const struct cxm_estimate *total = &g->estimates[g->n];
    const struct cxm_estimate none = cxm_priv_blank_estimate(
        g->c.level, (enum cxm_unit)total->unit, (enum cxm_base_kind)total->base);
    const size_t row = cxm_priv_add_number(&g->c, g->measure, what, how, value, unit, total, &none);
    cxm_priv_report_int(g->c.report, row, g->c.axis.n_b, INT64_MIN); /* there is no other side */
    return row;
}
