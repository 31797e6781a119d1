/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A tally of one group of a tally, or of all of them together: with the group's keys, or without, and
 * then with those of the sampling design alone. */
#include "tally/tally.h"

/* Moves the values of one group (all groups: prefix NULL) under another key. */
static bool copy_values(const struct cxm_schema *schema, const struct cxm_table *from,
                        const uint8_t *prefix, size_t n_prefix, bool keep, struct cxm_table *to)
{
    for (uint32_t i = 0; i < from->dict.n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&from->dict, i, &n);
        if (prefix != NULL && (n < n_prefix || memcmp(key, prefix, n_prefix) != 0))
            continue;
        const size_t skip = keep ? 0 : cxm_priv_keys_bytes(schema, schema->n_keys, key, n);
        if (!cxm_priv_table_reserve(to, (size_t)to->dict.n + 1, from->layout.windows))
            return false;
        const uint32_t at = cxm_priv_table_add(to, key + skip, n - skip);
        if (at == UINT32_MAX)
            return false;
        cxm_priv_cell_merge(to, cxm_priv_table_cell(to, at), from, cxm_priv_table_cell(from, i),
                            1);
    }
    return true;
}

/* Copies the frame of the same cells, whose numbers in it are others. */
static bool copy_frame(struct cxm_tally *tally, size_t first, size_t end, bool keep,
                       struct cxm_table *to)
{
    const struct cxm_table *from = &tally->state.frame;
    if (from->dict.n == 0)
        return true;
    if (!cxm_priv_dict_index(&tally->state.frame.dict)
        || !cxm_priv_table_reserve(to, end - first, from->layout.windows))
        return false;
    for (size_t i = first; i < end; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[i], &n);
        const uint32_t at = cxm_priv_dict_find(&from->dict, key, n);
        if (at == UINT32_MAX)
            continue;
        const size_t skip = keep ? 0 : cxm_priv_keys_bytes(&tally->schema, tally->schema.n_keys,
                                                           key, n);
        const uint32_t into = cxm_priv_table_add(to, key + skip, n - skip);
        if (into == UINT32_MAX)
            return false;
        cxm_priv_cell_merge(to, cxm_priv_table_cell(to, into), from,
                            cxm_priv_table_cell(from, at), 1);
    }
    return true;
}

/* Copies cells first … end - 1 of the order, without the keys of "by" unless they are kept. */
static bool copy_cells(const struct cxm_tally *tally, size_t first, size_t end, bool keep,
                       struct cxm_table *to)
{
    const struct cxm_schema *schema = &tally->schema;
    const struct cxm_table *from = &tally->state.groups;
    for (size_t i = first; i < end; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&from->dict, tally->order[i], &n);
        const size_t skip = keep ? 0 : cxm_priv_keys_bytes(schema, schema->n_keys, key, n);
        const uint32_t at = cxm_priv_table_add(to, key + skip, n - skip);
        if (at == UINT32_MAX)
            return false;
        cxm_priv_cell_merge(to, cxm_priv_table_cell(to, at), from,
                            cxm_priv_table_cell(from, tally->order[i]), 1);
    }
    return true;
}

static bool copy_group(struct cxm_tally *tally, int64_t group, bool keep,
                       struct cxm_state *to)
{
    const struct cxm_table *from = &tally->state.groups;
    size_t n = 0, first, end;
    const uint8_t *key = NULL;
    cxm_priv_group_cells(tally, group, &first, &end);
    end = end < from->dict.n ? end : from->dict.n; /* without rows there is no cell yet */
    if (group != CXM_TOTAL && first < end) {
        key = cxm_priv_dict_key(&from->dict, tally->order[first], &n);
        n = cxm_priv_keys_bytes(&tally->schema, tally->schema.n_keys, key, n);
    }
    if (!cxm_priv_table_reserve(&to->groups, 1, from->layout.windows)
        || !copy_cells(tally, first, end, keep, &to->groups)
        || !copy_frame(tally, first, end, keep, &to->frame))
        return false;
    if (to->groups.dict.n == 0 && tally->schema.n_design == 0
        && cxm_priv_table_add(&to->groups, (const uint8_t *)"", 0) == UINT32_MAX)
        return false;
    return copy_values(&tally->schema, &tally->state.values, key, n, keep, &to->values);
}

int64_t cxm_priv_cell_rows(const struct cxm_config *config, const int64_t *cell)
{
    const struct cxm_unit_layout unit = cxm_priv_unit_layout(config, 0, false);
    int64_t rows = 0;
    for (uint32_t c = 0; c < unit.n_codes; c++)
        rows += cell[c];
    return rows;
}

/* Takes the keys of "by" out of a schema; those of the design move up. */
static void drop_by_keys(struct cxm_schema *schema, const struct cxm_allocator *allocator)
{
    const uint32_t by = schema->n_keys, all = cxm_priv_all_keys(schema);
    for (uint32_t k = 0; k < by; k++) {
        for (uint32_t i = 0; i < schema->n_categories[k]; i++)
            cxm_priv_release(allocator, schema->categories[k][i]);
        cxm_priv_release(allocator, schema->categories[k]);
        schema->categories[k] = NULL;
        schema->n_categories[k] = 0;
    }
    for (uint32_t k = 0; by > 0 && k < all; k++) {
        const uint32_t from = k + by;
        const bool moves = from < all;
        schema->roles[k] = moves ? schema->roles[from] : 0;
        schema->categories[k] = moves ? schema->categories[from] : NULL;
        schema->n_categories[k] = moves ? schema->n_categories[from] : 0;
        if (moves)
            schema->keys[k] = schema->keys[from];
        else
            memset(&schema->keys[k], 0, sizeof schema->keys[k]);
    }
    schema->n_keys = 0;
}

enum cxm_status cxm_priv_check_group(const struct cxm_tally *tally, const char *option,
                                     int64_t group, struct cxm_error *error)
{
    if (group < CXM_TOTAL || group >= cxm_tally_groups(tally))
        return cxm_priv_fail(error, CXM_EINVAL, option, "there is no group %lld",
                             (long long)group);
    return CXM_OK;
}

enum cxm_status cxm_tally_group(struct cxm_tally *tally, int64_t group, int keep_keys,
                                struct cxm_tally **out, struct cxm_error *error)
{
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "group", "tally or out is NULL");
    enum cxm_status status = cxm_priv_tally_sort(tally, error);
    if (status == CXM_OK)
        status = cxm_priv_check_group(tally, "group", group, error);
    if (status != CXM_OK)
        return status;
    struct cxm_tally *one = NULL;
    status = cxm_priv_tally_new_alike(tally, &one, error);
    if (status != CXM_OK)
        return status;
    const bool keep = keep_keys != 0 && group != CXM_TOTAL;
    if (!copy_group(tally, group, keep, &one->state)) {
        cxm_tally_free(one);
        return cxm_priv_no_memory(error);
    }
    if (!keep)
        drop_by_keys(&one->schema, &one->allocator);
    for (uint32_t i = 0; i < one->state.groups.dict.n; i++)
        one->state.rows += cxm_priv_cell_rows(&one->config,
                                              cxm_priv_table_cell(&one->state.groups, i));
    if (group == CXM_TOTAL) {
        one->state.left_out = tally->state.left_out;
        one->state.rows += one->state.left_out;
    }
    *out = one;
    return CXM_OK;
}
