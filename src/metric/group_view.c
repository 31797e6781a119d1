/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The view of one group of a tally: its cell, its values, its place in the sampling design. */
#include "metric/reading.h"

/* The entries of the key table whose key begins with that of the group. */
static void find_numbers(const struct cxm_dict *values, const uint32_t *order,
                         const uint8_t *group, size_t n_group, struct cxm_view *view)
{
    size_t n, low = 0, high = values->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const uint8_t *key = cxm_priv_dict_key(values, order[middle], &n);
        const size_t shared = n < n_group ? n : n_group;
        const int cmp = shared > 0 ? memcmp(key, group, shared) : 0;
        if (cmp < 0 || (cmp == 0 && n < n_group))
            low = middle + 1;
        else
            high = middle;
    }
    view->numbers = order + low;
    while (low + view->n_numbers < values->n) {
        const uint8_t *key = cxm_priv_dict_key(values, order[low + view->n_numbers], &n);
        if (n < n_group || (n_group > 0 && memcmp(key, group, n_group) != 0))
            break;
        view->n_numbers++;
    }
}

/* The view of a group of a tally with a sampling design. */
static enum cxm_status design_view(struct cxm_reading *r, int64_t group, enum cxm_lonely lonely,
                                   struct cxm_view *view, struct cxm_error *error)
{
    enum cxm_status status = CXM_OK;
    const bool whole = group == CXM_TOTAL && r->tally->schema.n_keys > 0;
    struct cxm_designed **place = whole ? &r->whole : &r->design;
    if (whole && r->total == NULL)
        status = cxm_tally_group(r->tally, CXM_TOTAL, 0, &r->total, error);
    const struct cxm_estimate_options none = { .size = sizeof none };
    const struct cxm_estimate_options *o = r->options != NULL ? r->options : &none;
    const struct cxm_calibrate_options how = { .size = sizeof how, .tolerance = o->tolerance,
                                               .max_iterations = o->max_iterations,
                                               .method = o->calibration };
    if (status == CXM_OK && *place == NULL)
        status = cxm_priv_designed_new(whole ? r->total : r->tally, lonely, o->margins, o->n_margins,
                                       &how, place, error);
    if (status == CXM_OK)
        cxm_priv_designed_view(*place, group, view);
    return status;
}

enum cxm_status cxm_priv_group_view(struct cxm_reading *r, int64_t group, enum cxm_lonely lonely,
                                    struct cxm_view *view, struct cxm_error *error)
{
    struct cxm_tally *tally = r->tally;
    memset(view, 0, sizeof *view);
    view->config = &tally->config;
    view->allocator = &tally->allocator;
    /* An empty tally reads the same before and after it was saved: without a kind of weights. */
    view->weighted = tally->schema.weighted && tally->state.rows > 0;
    view->values = &tally->state.values;
    if (tally->schema.n_design > 0 && tally->state.groups.dict.n > 0)
        return design_view(r, group, lonely, view, error);
    if (group == CXM_TOTAL && tally->schema.n_keys > 0) {
        if (r->total == NULL) {
            const enum cxm_status status = cxm_tally_group(tally, CXM_TOTAL, 0, &r->total,
                                                           error);
            if (status != CXM_OK)
                return status;
        }
        tally = r->total;
        group = 0;
        if (r->numbers != NULL && r->total_numbers == NULL) {
            r->total_numbers = cxm_priv_sort_values(tally);
            if (r->total_numbers == NULL)
                return cxm_priv_no_memory(error);
        }
    }
    view->table = &tally->state.groups;
    view->values = &tally->state.values;
    view->left_out = tally->schema.n_keys == 0 ? tally->state.left_out : 0;
    const struct cxm_dict *dict = &tally->state.groups.dict;
    if (dict->n == 0)
        return CXM_OK;
    const uint32_t at = tally->schema.n_keys > 0 ? tally->order[group] : 0;
    view->cell = cxm_priv_table_cell(view->table, at);
    if (r->numbers != NULL) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(dict, at, &n);
        find_numbers(&view->values->dict, tally == r->tally ? r->numbers : r->total_numbers, key,
                     n, view);
    }
    return CXM_OK;
}

/* The cell of one value within the group of a view. */
enum cxm_status cxm_priv_view_find_value(const struct cxm_reading *r, struct cxm_view *view,
                                         int64_t group, uint32_t member,
                                         struct cxm_error *error)
{
    const bool total = group == CXM_TOTAL || r->tally->schema.n_keys == 0;
    size_t n_group = 0, n_value;
    const uint8_t *prefix = (const uint8_t *)"";
    const uint8_t *value = cxm_priv_dict_key(&r->values, r->values_order[member], &n_value);
    if (view->domain != NULL)
        return cxm_priv_designed_value(total && r->whole != NULL ? r->whole : r->design, value,
                                       n_value, view, error);
    if (!total)
        prefix = cxm_priv_dict_key(&r->tally->state.groups.dict, r->tally->order[group],
                                   &n_group);
    return cxm_priv_find_value(view->values, prefix, n_group, value, n_value, &view->value_cell,
                               error);
}

bool cxm_priv_is_missing_group(const struct cxm_reading *r, int64_t group)
{
    const struct cxm_schema *schema = &r->tally->schema;
    if (group == CXM_TOTAL || schema->n_keys == 0)
        return false;
    /* A single missing key is the last group. */
    if (schema->n_keys == 1 && schema->n_design == 0 && group + 1 < (int64_t)r->tally->n_groups)
        return false;
    size_t n, first, end, at = 0;
    cxm_priv_group_cells(r->tally, group, &first, &end);
    const uint8_t *key = cxm_priv_dict_key(&r->tally->state.groups.dict,
                                           r->tally->order[first], &n);
    struct cxm_key out;
    for (uint32_t k = 0; k < schema->n_keys; k++) {
        at += cxm_priv_parse_key(schema->keys[k].type, key + at, n - at, &out, NULL);
        if (out.missing)
            return true;
    }
    return false;
}
