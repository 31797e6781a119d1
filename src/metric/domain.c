/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Groups of a tally with a sampling design: a group is several cells. Its counts and sums are
 * those of its cells merged, exactly, and its view also knows the cells and their units. */
#include "metric/calibrated.h"

struct cxm_designed {
    struct cxm_tally *tally;
    struct cxm_sample sample;
    struct cxm_table merged, merged_values; /* one cell each */
    struct cxm_domain domain;
    struct cxm_unit_sums *sums;             /* room for the cells of a group */
    struct cxm_unit_totals *totals;
    const int64_t **value_cells;
    bool linear;
};

void cxm_priv_designed_free(struct cxm_designed *d)
{
    if (d == NULL)
        return;
    const struct cxm_allocator *allocator = &d->tally->allocator;
    cxm_priv_sample_release(&d->sample);
    cxm_priv_calibrated_free(d->domain.calibrated);
    if (d->merged.allocator != NULL)
        cxm_priv_table_release(&d->merged);
    if (d->merged_values.allocator != NULL)
        cxm_priv_table_release(&d->merged_values);
    cxm_priv_release(allocator, d->sums);
    cxm_priv_release(allocator, d->totals);
    cxm_priv_release(allocator, (void *)d->value_cells);
    cxm_priv_release(allocator, d);
}

static bool one_cell(struct cxm_table *table, const struct cxm_table *like)
{
    return cxm_priv_table_init(table, like->allocator, like->layout.n_counts, like->layout.n_sums)
        && cxm_priv_table_reserve(table, 1, like->layout.windows)
        && cxm_priv_table_add(table, (const uint8_t *)"", 0) == 0;
}

enum cxm_status cxm_priv_designed_new(struct cxm_tally *tally, enum cxm_lonely lonely,
                                      const struct cxm_margin *margins, size_t n_margins,
                                      const struct cxm_calibrate_options *how,
                                      struct cxm_designed **out, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = &tally->allocator;
    const size_t n = tally->state.groups.dict.n;
    struct cxm_designed *d = cxm_priv_alloc_zero(allocator, 1, sizeof *d);
    if (d == NULL)
        return cxm_priv_no_memory(error);
    d->tally = tally;
    d->sums = cxm_priv_alloc(allocator, n, sizeof *d->sums);
    d->totals = cxm_priv_alloc(allocator, 2 * n, sizeof *d->totals);
    d->value_cells = cxm_priv_alloc_zero(allocator, n, sizeof *d->value_cells);
    enum cxm_status status = CXM_OK;
    if (d->sums == NULL || d->totals == NULL || d->value_cells == NULL
        || !one_cell(&d->merged, &tally->state.groups)
        || !one_cell(&d->merged_values, &tally->state.values))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK)
        status = cxm_priv_tally_sort(tally, error);
    if (status == CXM_OK)
        status = cxm_priv_sample_make(tally, lonely, &d->sample, error);
    d->domain = (struct cxm_domain){ .sample = &d->sample, .cells = &tally->state.groups,
                                     .order = tally->order, .lonely = lonely, .sums = d->sums,
                                     .totals = d->totals, .linear = &d->linear };
    d->domain.values = &tally->state.values;
    if (status == CXM_OK && n_margins > 0)
        status = cxm_priv_calibrated_new(tally, margins, n_margins, how, &d->domain.calibrated,
                                         error);
    if (status == CXM_OK && d->domain.calibrated != NULL)
        d->domain.g = d->domain.calibrated->g;
    d->domain.simple = tally->schema.roles[tally->schema.n_keys] >= CXM_KEY_FPC;
    if (status == CXM_OK)
        *out = d;
    else
        cxm_priv_designed_free(d);
    return status;
}

static void clear_cell(const struct cxm_table *table)
{
    memset(table->cells, 0, table->layout.stride * sizeof *table->cells);
}

/* The units that have rows of the group, and whether all units were drawn. */
static void count_domain(const struct cxm_config *config, struct cxm_domain *d)
{
    const struct cxm_sample *s = d->sample;
    uint32_t last_primary = UINT32_MAX, last_stratum = UINT32_MAX;
    d->n_strata = d->n_primary = 0;
    d->census = true;
    for (size_t i = d->first; i < d->end; i++) {
        const uint32_t unit = s->finest_of_cell[i];
        const uint32_t c = s->second ? s->primary_of_finest[unit] : unit;
        const uint32_t h = s->clusters ? s->stratum_of_primary[c] : unit;
        if (h != last_stratum) {
            d->n_strata++;
            d->census = d->census && cxm_priv_is_census(s->strata[h]);
        }
        if (!s->clusters)
            d->n_primary += cxm_priv_cell_rows(config,
                                               cxm_priv_table_cell(d->cells, d->order[i]));
        else if (c != last_primary)
            d->n_primary++;
        if (s->second || s->second_rows)
            d->census = d->census && cxm_priv_is_census(s->primary[c]);
        last_primary = c;
        last_stratum = h;
    }
}

/* Rows whose calibrated weight is 0, as the total of their category is, are excluded like those whose own
 * weight is. */
static void exclude_used(const struct cxm_config *config, const int64_t *cell, int64_t *merged)
{
    for (uint32_t u = 0; u < config->n_units; u++) {
        const uint32_t bins = config->units[u].bins;
        const uint32_t at = cxm_priv_unit_layout(config, u, true).counts_at;
        for (uint32_t b = 0; b < bins; b++) {
            merged[at + b] -= cell[at + b];
            merged[at + bins + 2] += cell[at + b];
        }
    }
}

void cxm_priv_designed_view(struct cxm_designed *d, int64_t group, struct cxm_view *view)
{
    struct cxm_domain *domain = &d->domain;
    cxm_priv_group_cells(d->tally, group, &domain->first, &domain->end);
    domain->value_cells = NULL;
    count_domain(&d->tally->config, domain);
    clear_cell(&d->merged);
    for (size_t i = domain->first; i < domain->end; i++) {
        const int64_t *cell = cxm_priv_table_cell(domain->cells, domain->order[i]);
        cxm_priv_cell_merge(&d->merged, d->merged.cells, domain->cells, cell, 1);
        if (domain->g != NULL && domain->g[i].hi == 0)
            exclude_used(&d->tally->config, cell, d->merged.cells);
    }
    view->table = &d->merged;
    view->cell = d->merged.cells;
    view->domain = domain;
}

enum cxm_status cxm_priv_find_value(const struct cxm_table *values, const uint8_t *prefix,
                                    size_t n_prefix, const uint8_t *value, size_t n_value,
                                    const int64_t **out, struct cxm_error *error)
{
    uint8_t *key = cxm_priv_alloc(values->allocator, n_prefix + n_value, 1);
    if (key == NULL)
        return cxm_priv_no_memory(error);
    if (n_prefix > 0)
        memcpy(key, prefix, n_prefix);
    memcpy(key + n_prefix, value, n_value);
    const uint32_t at = cxm_priv_dict_find(&values->dict, key, n_prefix + n_value);
    *out = at != UINT32_MAX ? cxm_priv_table_cell(values, at) : NULL;
    cxm_priv_release(values->allocator, key);
    return CXM_OK;
}

enum cxm_status cxm_priv_designed_value(struct cxm_designed *d, const uint8_t *value,
                                        size_t n_value, struct cxm_view *view,
                                        struct cxm_error *error)
{
    const struct cxm_table *values = &d->tally->state.values;
    enum cxm_status status = CXM_OK;
    clear_cell(&d->merged_values);
    for (size_t i = d->domain.first; i < d->domain.end && status == CXM_OK; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&d->tally->state.groups.dict, d->tally->order[i],
                                               &n);
        const int64_t **cell = &d->value_cells[i - d->domain.first];
        status = cxm_priv_find_value(values, key, n, value, n_value, cell, error);
        if (status == CXM_OK && *cell != NULL)
            cxm_priv_cell_merge(&d->merged_values, d->merged_values.cells, values, *cell, 1);
    }
    d->domain.value_cells = d->value_cells;
    view->values = &d->merged_values;
    view->value_cell = d->merged_values.cells;
    return status;
}
