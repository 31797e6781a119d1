/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The life of a tally: made, copied, merged, subtracted, compared. */
#include "tally/tally.h"

void cxm_priv_tally_changed(struct cxm_tally *tally)
{
    cxm_priv_release(&tally->allocator, tally->order);
    cxm_priv_release(&tally->allocator, tally->firsts);
    tally->order = NULL;
    tally->firsts = NULL;
    for (int k = 0; k < CXM_MAX_KEYS; k++) {
        cxm_priv_release(&tally->allocator, tally->key_text[k]);
        tally->key_text[k] = NULL;
    }
}

enum cxm_status cxm_priv_tally_new(const struct cxm_rules *rules, const struct cxm_param *params,
                                   size_t n_params, const struct cxm_allocator *allocator,
                                   struct cxm_tally **out, struct cxm_error *error)
{
    if (out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "out is NULL");
    const struct cxm_allocator *source = cxm_priv_allocator(allocator);
    struct cxm_tally *tally = cxm_priv_alloc(source, 1, sizeof *tally);
    if (tally == NULL)
        return cxm_priv_no_memory(error);
    /* In halves: above 2 KiB the C library takes an instruction that is slow to start. */
    const size_t half = sizeof *tally / 2;
    memset(tally, 0, half);
    memset((uint8_t *)tally + half, 0, sizeof *tally - half);
    tally->allocator = *source;
    enum cxm_status status = cxm_priv_config_init(&tally->config, rules, params, n_params,
                                                  &tally->allocator, error);
    if (status == CXM_OK && !cxm_priv_state_init(&tally->state, &tally->config, false,
                                                     false)) {
        cxm_priv_config_release(&tally->config);
        status = cxm_priv_no_memory(error);
    }
    if (status == CXM_OK)
        *out = tally;
    else
        cxm_priv_release(source, tally);
    return status;
}

void cxm_tally_free(struct cxm_tally *tally)
{
    if (tally == NULL)
        return;
    const struct cxm_allocator allocator = tally->allocator;
    cxm_priv_tally_changed(tally);
    cxm_priv_scratch_free(tally->one);
    cxm_priv_state_release(&tally->state);
    cxm_priv_schema_release(&tally->schema, &tally->allocator);
    cxm_priv_config_release(&tally->config);
    cxm_priv_release(&allocator, tally);
}

static void empty_table(struct cxm_table *table)
{
    const struct cxm_allocator *allocator = table->allocator;
    cxm_priv_dict_release(&table->dict);
    cxm_priv_release(allocator, table->cells);
    table->cells = NULL;
    table->capacity = 0;
}

void cxm_tally_clear(struct cxm_tally *tally)
{
    if (tally == NULL)
        return;
    cxm_priv_tally_changed(tally);
    if (tally->one != NULL) /* kept for the next row: engines clear and add one, row after row */
        cxm_priv_scratch_forget(tally->one);
    empty_table(&tally->state.groups);
    empty_table(&tally->state.values);
    cxm_priv_table_release(&tally->state.frame); /* the next rows may have no margins */
    memset(&tally->state.frame.layout, 0, sizeof tally->state.frame.layout);
    tally->state.rows = 0;
    tally->state.left_out = 0;
    cxm_priv_schema_release(&tally->schema, &tally->allocator);
}

void cxm_priv_tally_begin(struct cxm_tally *tally, const struct cxm_state *state)
{
    cxm_priv_tally_changed(tally);
    if (tally->one != NULL)
        cxm_priv_scratch_forget(tally->one);
    cxm_priv_schema_release(&tally->schema, &tally->allocator);
    cxm_priv_state_release(&tally->state);
    tally->state = *state;
}

/* The parameters of a configuration in the form of the public call. */
static size_t params_of(const struct cxm_config *config, struct cxm_param *out)
{
    const struct cxm_metric_info *info = config->rules->info;
    for (int i = 0; i < info->n_params; i++) {
        out[i] = (struct cxm_param){ info->params[i].name, config->params[i].numbers,
                                     config->params[i].n_numbers,
                                     (const char *const *)config->params[i].texts,
                                     config->params[i].n_texts };
    }
    return (size_t)info->n_params;
}

enum cxm_status cxm_priv_tally_like(const struct cxm_tally *tally, struct cxm_tally **out,
                                    struct cxm_error *error)
{
    struct cxm_param params[CXM_MAX_PARAMS];
    size_t n = params_of(&tally->config, params);
    /* A list that was not given stays not given: its default cannot be said otherwise. */
    for (size_t i = 0; i < n;) {
        if (params[i].n_numbers == 0 && params[i].n_texts == 0)
            params[i] = params[--n];
        else
            i++;
    }
    return cxm_priv_tally_new(tally->config.rules, params, n, &tally->allocator, out, error);
}

enum cxm_status cxm_priv_tally_new_alike(const struct cxm_tally *tally, struct cxm_tally **out,
                                         struct cxm_error *error)
{
    struct cxm_tally *alike;
    const enum cxm_status status = cxm_priv_tally_like(tally, &alike, error);
    if (status != CXM_OK)
        return status;
    struct cxm_state state;
    if (!cxm_priv_schema_copy(&tally->schema, &alike->schema, &alike->allocator)
        || !cxm_priv_state_init(&state, &alike->config, tally->schema.weighted,
                                cxm_priv_has_margins(&tally->schema))) {
        cxm_tally_free(alike);
        return cxm_priv_no_memory(error);
    }
    cxm_priv_state_release(&alike->state);
    alike->state = state;
    *out = alike;
    return CXM_OK;
}

enum cxm_status cxm_tally_copy(const struct cxm_tally *tally, struct cxm_tally **out,
                               struct cxm_error *error)
{
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or out is NULL");
    struct cxm_tally *copy = NULL;
    enum cxm_status status = cxm_priv_tally_new_alike(tally, &copy, error);
    if (status == CXM_OK)
        status = cxm_priv_state_merge(&copy->state, &tally->state, error);
    if (status == CXM_OK)
        *out = copy;
    else
        cxm_tally_free(copy);
    return status;
}

enum cxm_status cxm_priv_with_copy(cxm_tally_join *join, struct cxm_tally *tally,
                                   struct cxm_error *error)
{
    struct cxm_tally *copy = NULL;
    enum cxm_status status = cxm_tally_copy(tally, &copy, error);
    if (status == CXM_OK)
        status = join(tally, copy, error);
    cxm_tally_free(copy);
    return status;
}

/* `into` has no rows: it becomes a copy of the rows of `from`. */
static enum cxm_status take_over(struct cxm_tally *into, const struct cxm_tally *from,
                                 struct cxm_error *error)
{
    struct cxm_schema schema;
    struct cxm_state state;
    if (!cxm_priv_schema_copy(&from->schema, &schema, &into->allocator))
        return cxm_priv_no_memory(error);
    enum cxm_status status = CXM_ENOMEM;
    if (cxm_priv_state_init(&state, &into->config, from->schema.weighted,
                            cxm_priv_has_margins(&from->schema))) {
        status = cxm_priv_state_merge(&state, &from->state, error);
        if (status != CXM_OK)
            cxm_priv_state_release(&state);
    } else {
        cxm_priv_no_memory(error);
    }
    if (status != CXM_OK) {
        cxm_priv_schema_release(&schema, &into->allocator);
        return status;
    }
    cxm_priv_tally_begin(into, &state);
    into->schema = schema;
    return CXM_OK;
}

/* Both have rows. */
static enum cxm_status merge_rows(struct cxm_tally *into, const struct cxm_tally *from,
                                  struct cxm_error *error)
{
    struct cxm_schema ours;
    bool own = false;
    enum cxm_status status = cxm_priv_settle_schemas(into, from, &ours, &own, error);
    if (status == CXM_OK)
        status = cxm_priv_state_merge(&into->state, &from->state, error);
    if (status == CXM_OK)
        cxm_priv_tally_changed(into);
    if (own)
        cxm_priv_schema_release(status == CXM_OK ? &into->schema : &ours, &into->allocator);
    if (own && status == CXM_OK)
        into->schema = ours;
    return status;
}

enum cxm_status cxm_tally_merge(struct cxm_tally *into, const struct cxm_tally *from,
                                struct cxm_error *error)
{
    if (into == NULL || from == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "a tally is NULL");
    enum cxm_status status = cxm_priv_config_compare(&into->config, &from->config, error);
    if (status != CXM_OK || from->state.rows == 0)
        return status;
    if (into->state.rows == 0)
        return take_over(into, from, error);
    if (into == from) /* doubling */
        return cxm_priv_with_copy(cxm_tally_merge, into, error);
    return merge_rows(into, from, error);
}

/* ---- comparing ------------------------------------------------------------------------ */

static enum cxm_status compare_tallies(const struct cxm_tally *a, const struct cxm_tally *b,
                                       struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_config_compare(&a->config, &b->config, error);
    if (status != CXM_OK || a->state.rows == 0 || b->state.rows == 0)
        return status;
    return cxm_priv_schema_compare(&a->config, &a->schema, &b->schema, error);
}

static uint32_t count_nonzero(const struct cxm_table *table)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < table->dict.n; i++)
        n += !cxm_priv_cell_is_zero(table, cxm_priv_table_cell(table, i));
    return n;
}

static bool tables_equal(const struct cxm_table *a, const struct cxm_table *b)
{
    if (count_nonzero(a) != count_nonzero(b))
        return false;
    for (uint32_t i = 0; i < a->dict.n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&a->dict, i, &n);
        const int64_t *cell = cxm_priv_table_cell(a, i);
        const uint32_t at = cxm_priv_dict_find(&b->dict, key, n);
        if (cxm_priv_cell_is_zero(a, cell))
            continue;
        if (at == UINT32_MAX || !cxm_priv_cell_equal(a, cell, b, cxm_priv_table_cell(b, at)))
            return false;
    }
    return true;
}

int cxm_tally_equal(const struct cxm_tally *a, const struct cxm_tally *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (compare_tallies(a, b, NULL) != CXM_OK || a->state.rows != b->state.rows)
        return 0;
    if (a->state.rows == 0)
        return 1;
    return a->state.left_out == b->state.left_out
        && tables_equal(&a->state.groups, &b->state.groups)
        && tables_equal(&a->state.values, &b->state.values)
        && tables_equal(&a->state.frame, &b->state.frame);
}
