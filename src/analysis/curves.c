/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The groups of a survival tally, and the table of one as arrays. */
#include "analysis/curves.h"

enum cxm_status cxm_priv_survival_check(const struct cxm_tally *tally, struct cxm_error *error)
{
    if (tally == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "tally", "tally is NULL");
    if (tally->config.rules != &cxm_priv_metric_survival.rules)
        return cxm_priv_fail(error, CXM_EINVAL, "tally",
                             "curves belong to tallies of survival, not of %s",
                             tally->config.rules->info->name);
    return CXM_OK;
}

/* ---- groups --------------------------------------------------------------------------- */

enum cxm_status cxm_priv_curve_groups_init(struct cxm_curve_groups *groups,
                                           struct cxm_tally *tally, struct cxm_error *error)
{
    const struct cxm_dict *values = &tally->state.values.dict;
    *groups = (struct cxm_curve_groups){ .tally = tally, .n_entries = values->n };
    const enum cxm_status status = cxm_priv_tally_sort(tally, error);
    if (status != CXM_OK)
        return status;
    groups->order = cxm_priv_alloc(&tally->allocator, values->n, sizeof *groups->order);
    if (groups->order != NULL && cxm_priv_dict_sort(values, groups->order))
        return CXM_OK;
    cxm_priv_curve_groups_release(groups);
    return cxm_priv_no_memory(error);
}

void cxm_priv_curve_groups_release(struct cxm_curve_groups *groups)
{
    cxm_priv_release(&groups->tally->allocator, groups->order);
    groups->order = NULL;
}

const uint32_t *cxm_priv_curve_entries(struct cxm_curve_groups *groups, int64_t group, size_t *n)
{
    const struct cxm_table *values = &groups->tally->state.values;
    const struct cxm_dict *dict = &groups->tally->state.groups.dict;
    *n = 0;
    if (groups->at == groups->n_entries || dict->n == 0)
        return groups->order;
    size_t n_key, n_run;
    const uint8_t *key = cxm_priv_dict_key(dict, groups->tally->order[group], &n_key);
    const uint8_t *run = cxm_priv_survival_group(values, groups->order[groups->at], &n_run);
    if (n_key != n_run || (n_key > 0 && memcmp(key, run, n_key) != 0))
        return groups->order;
    const size_t first = groups->at;
    groups->at = cxm_priv_survival_run(values, groups->order, first, groups->n_entries);
    *n = groups->at - first;
    return groups->order + first;
}

/* ---- one group as arrays -------------------------------------------------------------- */

void cxm_priv_curve_table_release(struct cxm_curve_table *t, const struct cxm_allocator *allocator)
{
    cxm_priv_release(allocator, t->risk);
    cxm_priv_release(allocator, t->curve);
    cxm_priv_release(allocator, t->limits);
    cxm_priv_release(allocator, t->incidence);
    cxm_priv_release(allocator, t->events);
    memset(t, 0, sizeof *t);
}

bool cxm_priv_curve_table_reserve(struct cxm_curve_table *t, size_t n, uint32_t causes,
                                  const struct cxm_allocator *allocator)
{
    if (n <= t->room && t->risk != NULL)
        return true;
    cxm_priv_curve_table_release(t, allocator);
    t->risk = cxm_priv_alloc(allocator, n, sizeof *t->risk);
    t->curve = cxm_priv_alloc(allocator, n, sizeof *t->curve);
    t->limits = cxm_priv_alloc(allocator, n, sizeof *t->limits);
    t->incidence = cxm_priv_alloc(allocator, n, sizeof *t->incidence);
    t->events = cxm_priv_alloc(allocator, n, causes * sizeof *t->events);
    t->room = n;
    if (t->risk != NULL && t->curve != NULL && t->limits != NULL && t->incidence != NULL
        && t->events != NULL)
        return true;
    cxm_priv_curve_table_release(t, allocator);
    return false;
}

void cxm_priv_curve_table_read(struct cxm_curve_table *t, const struct cxm_tally *tally,
                               const uint32_t *entries, size_t n, int64_t few)
{
    const uint32_t causes = cxm_priv_survival_causes(&tally->config);
    struct cxm_risk_walk walk = cxm_priv_survival_walk(&tally->config, &tally->state.values,
                                                       entries, n);
    struct cxm_risk risk;
    const int64_t *cell;
    t->n = 0;
    t->first_few = SIZE_MAX;
    t->fewest = INT64_MIN;
    while ((cell = cxm_priv_survival_next(&walk, &risk)) != NULL) {
        for (uint32_t k = 0; k < causes; k++)
            t->events[k * t->room + t->n] = cell[1 + k];
        if (risk.events > 0 && risk.at_risk < few && walk.to_come > 0) {
            t->first_few = t->first_few < t->n ? t->first_few : t->n;
            t->fewest = t->fewest >= 0 && t->fewest < risk.at_risk ? t->fewest : risk.at_risk;
        }
        t->risk[t->n++] = risk;
    }
    cxm_priv_kaplan_meier(t->risk, t->n, t->curve);
    t->has_limits = false;
}

void cxm_priv_curve_table_limits(struct cxm_curve_table *t, double z, enum cxm_interval interval)
{
    t->has_limits = true;
    cxm_priv_curve_limits(t->risk, t->curve, t->n, z, interval, t->limits);
}
