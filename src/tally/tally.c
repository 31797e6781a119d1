/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The life of a tally: made, copied, merged, subtracted, compared, asked for its groups. */
#include "tally/tally.h"

#include <math.h>

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
    struct cxm_tally *tally = cxm_priv_alloc_zero(source, 1, sizeof *tally);
    if (tally == NULL)
        return cxm_priv_no_memory(error);
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
    cxm_priv_scratch_free(tally->one);
    tally->one = NULL;
    empty_table(&tally->state.groups);
    empty_table(&tally->state.values);
    cxm_priv_table_release(&tally->state.frame); /* the next rows may have no margins */
    memset(&tally->state.frame.layout, 0, sizeof tally->state.frame.layout);
    tally->state.rows = 0;
    tally->state.left_out = 0;
    cxm_priv_schema_release(&tally->schema, &tally->allocator);
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

/* A tally with the same metric, parameters and schema, and no rows. */
static enum cxm_status new_alike(const struct cxm_tally *tally, struct cxm_tally **out,
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
    enum cxm_status status = new_alike(tally, &copy, error);
    if (status == CXM_OK)
        status = cxm_priv_state_merge(&copy->state, &tally->state, error);
    if (status == CXM_OK)
        *out = copy;
    else
        cxm_tally_free(copy);
    return status;
}

static enum cxm_status compare_tallies(const struct cxm_tally *a, const struct cxm_tally *b,
                                       struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_config_compare(&a->config, &b->config, error);
    if (status != CXM_OK || a->state.rows == 0 || b->state.rows == 0)
        return status;
    return cxm_priv_schema_compare(&a->config, &a->schema, &b->schema, error);
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
    cxm_tally_clear(into);
    cxm_priv_state_release(&into->state);
    into->schema = schema;
    into->state = state;
    return CXM_OK;
}

enum cxm_status cxm_tally_merge(struct cxm_tally *into, const struct cxm_tally *from,
                                struct cxm_error *error)
{
    if (into == NULL || from == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "a tally is NULL");
    enum cxm_status status = compare_tallies(into, from, error);
    if (status != CXM_OK || from->state.rows == 0)
        return status;
    if (into->state.rows == 0)
        return take_over(into, from, error);
    if (into == from) { /* doubling: the rows are read from a copy */
        struct cxm_tally *copy = NULL;
        status = cxm_tally_copy(from, &copy, error);
        if (status == CXM_OK)
            status = cxm_tally_merge(into, copy, error);
        cxm_tally_free(copy);
        return status;
    }
    status = cxm_priv_state_merge(&into->state, &from->state, error);
    if (status == CXM_OK)
        cxm_priv_tally_changed(into);
    return status;
}

/* ---- subtracting ---------------------------------------------------------------------- */

/* Does `into` have all that `from` has? Counters tell: sums of real rows follow them. */
static bool contains(const struct cxm_table *into, const struct cxm_table *from)
{
    for (uint32_t i = 0; i < from->dict.n; i++) {
        size_t n;
        const int64_t *theirs = cxm_priv_table_cell(from, i);
        const uint8_t *key = cxm_priv_dict_key(&from->dict, i, &n);
        const uint32_t at = cxm_priv_dict_find(&into->dict, key, n);
        if (cxm_priv_cell_is_zero(from, theirs))
            continue;
        if (at == UINT32_MAX)
            return false;
        const int64_t *ours = cxm_priv_table_cell(into, at);
        for (uint32_t c = 0; c < from->layout.n_counts; c++) {
            if (ours[c] < theirs[c])
                return false;
        }
    }
    return true;
}

/* Copies the cells that are not zero. */
static bool copy_nonzero(const struct cxm_table *from, struct cxm_table *to)
{
    if (!cxm_priv_table_reserve(to, from->dict.n, from->layout.windows))
        return false;
    for (uint32_t i = 0; i < from->dict.n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&from->dict, i, &n);
        const int64_t *cell = cxm_priv_table_cell(from, i);
        if (cxm_priv_cell_is_zero(from, cell))
            continue;
        const uint32_t at = cxm_priv_table_add(to, key, n);
        if (at == UINT32_MAX)
            return false;
        cxm_priv_cell_merge(to, cxm_priv_table_cell(to, at), from, cell, 1);
    }
    return true;
}

/* Counters may agree by chance: rows that never were in leave sums behind where no row is. */
static bool rest_is_sound(const struct cxm_tally *rest)
{
    const struct cxm_table *groups = &rest->state.groups, *values = &rest->state.values;
    const bool weighted = rest->schema.weighted;
    for (uint32_t i = 0; i < groups->dict.n; i++) {
        if (!cxm_priv_group_is_sound(&rest->config, weighted, groups,
                                     cxm_priv_table_cell(groups, i)))
            return false;
    }
    for (uint32_t i = 0; i < values->dict.n; i++) {
        if (!cxm_priv_value_is_sound(weighted, values, cxm_priv_table_cell(values, i)))
            return false;
    }
    return true;
}

static enum cxm_status not_inside(struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_EINCONSISTENT, NULL,
                         "the tally to subtract has rows that this one has not");
}

enum cxm_status cxm_tally_subtract(struct cxm_tally *into, const struct cxm_tally *from,
                                   struct cxm_error *error)
{
    if (into == NULL || from == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "a tally is NULL");
    enum cxm_status status = compare_tallies(into, from, error);
    if (status != CXM_OK || from->state.rows == 0)
        return status;
    if (into->state.rows < from->state.rows || into->state.left_out < from->state.left_out
        || !contains(&into->state.groups, &from->state.groups)
        || !contains(&into->state.values, &from->state.values)
        || !contains(&into->state.frame, &from->state.frame))
        return not_inside(error);
    struct cxm_tally *work = NULL;
    struct cxm_state rest;
    status = cxm_tally_copy(into, &work, error);
    if (status != CXM_OK)
        return status;
    bool room = cxm_priv_table_plan_merge(&work->state.groups, &from->state.groups)
             && cxm_priv_table_plan_merge(&work->state.values, &from->state.values)
             && cxm_priv_table_plan_merge(&work->state.frame, &from->state.frame)
             && cxm_priv_state_init(&rest, &into->config, into->schema.weighted,
                                    cxm_priv_has_margins(&into->schema));
    bool sound = true;
    if (room) {
        cxm_priv_table_apply_merge(&work->state.groups, &from->state.groups, -1);
        cxm_priv_table_apply_merge(&work->state.values, &from->state.values, -1);
        cxm_priv_table_apply_merge(&work->state.frame, &from->state.frame, -1);
        const enum cxm_status goes = cxm_priv_check_table(work, NULL);
        room = goes != CXM_ENOMEM;
        sound = goes != CXM_EINCONSISTENT && rest_is_sound(work);
        rest.rows = into->state.rows - from->state.rows;
        rest.left_out = into->state.left_out - from->state.left_out;
        room = room && copy_nonzero(&work->state.groups, &rest.groups)
            && copy_nonzero(&work->state.values, &rest.values)
            && copy_nonzero(&work->state.frame, &rest.frame);
        if (!room || !sound)
            cxm_priv_state_release(&rest);
    }
    cxm_tally_free(work);
    if (!sound)
        return not_inside(error);
    if (!room)
        return cxm_priv_no_memory(error);
    cxm_priv_scratch_free(into->one); /* it knew the windows of the old table */
    into->one = NULL;
    cxm_priv_state_release(&into->state);
    into->state = rest;
    cxm_priv_tally_changed(into);
    return CXM_OK;
}

/* ---- comparing ------------------------------------------------------------------------ */

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

/* ---- groups and keys ------------------------------------------------------------------ */

static const uint8_t *by_prefix(const struct cxm_tally *tally, uint32_t cell, size_t *n)
{
    const uint8_t *key = cxm_priv_dict_key(&tally->state.groups.dict, cell, n);
    *n = cxm_priv_keys_bytes(&tally->schema, tally->schema.n_keys, key, *n);
    return key;
}

/* Without any memory to sort in: each cell whose keys of "by" no earlier one has. */
static int64_t count_groups_slowly(const struct cxm_tally *tally)
{
    int64_t n_groups = 0;
    for (uint32_t i = 0; i < tally->state.groups.dict.n; i++) {
        size_t n, m;
        const uint8_t *key = by_prefix(tally, i, &n);
        bool seen = false;
        for (uint32_t j = 0; j < i && !seen; j++) {
            const uint8_t *other = by_prefix(tally, j, &m);
            seen = m == n && memcmp(key, other, n) == 0;
        }
        n_groups += !seen;
    }
    return n_groups;
}

int64_t cxm_tally_groups(const struct cxm_tally *tally)
{
    if (tally == NULL)
        return 0;
    if (tally->schema.n_keys == 0)
        return 1;
    if (tally->schema.n_design == 0)
        return (int64_t)tally->state.groups.dict.n;
    /* Groups of cells are known once these are in order, which is kept like all that follows from
     * the state: a tally belongs to one thread at a time. */
    if (cxm_priv_tally_sort((struct cxm_tally *)(uintptr_t)tally, NULL) != CXM_OK)
        return count_groups_slowly(tally);
    return tally->n_groups;
}

size_t cxm_tally_n_keys(const struct cxm_tally *tally)
{
    return tally != NULL ? tally->schema.n_keys : 0;
}

enum cxm_status cxm_tally_key_info(const struct cxm_tally *tally, size_t key,
                                   struct cxm_key_info *out)
{
    if (tally == NULL || out == NULL || key >= tally->schema.n_keys)
        return CXM_EINVAL;
    *out = tally->schema.keys[key];
    return CXM_OK;
}

size_t cxm_priv_keys_bytes(const struct cxm_schema *schema, uint32_t n, const uint8_t *bytes,
                           size_t n_bytes)
{
    size_t at = 0;
    struct cxm_key unused;
    for (uint32_t k = 0; k < n; k++)
        at += cxm_priv_parse_key(schema->keys[k].type, bytes + at, n_bytes - at, &unused, NULL);
    return at;
}

/* Where the keys of "by" change along the order of the cells. */
static uint32_t find_firsts(const struct cxm_tally *tally, const uint32_t *order,
                            uint32_t *firsts)
{
    const struct cxm_dict *dict = &tally->state.groups.dict;
    const uint8_t *last = NULL;
    size_t n_last = 0;
    uint32_t n_groups = 0;
    for (uint32_t i = 0; i < dict->n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(dict, order[i], &n);
        n = cxm_priv_keys_bytes(&tally->schema, tally->schema.n_keys, key, n);
        if (last == NULL || n != n_last || memcmp(key, last, n) != 0)
            firsts[n_groups++] = i;
        last = key;
        n_last = n;
    }
    firsts[n_groups] = dict->n;
    return n_groups;
}

enum cxm_status cxm_priv_tally_sort(struct cxm_tally *tally, struct cxm_error *error)
{
    if (tally->order != NULL)
        return CXM_OK;
    const struct cxm_dict *dict = &tally->state.groups.dict;
    const bool design = tally->schema.n_design > 0;
    uint32_t *order = cxm_priv_alloc(&tally->allocator, dict->n, sizeof *order);
    uint32_t *firsts = design ? cxm_priv_alloc(&tally->allocator, (size_t)dict->n + 1,
                                               sizeof *firsts)
                              : NULL;
    if (order == NULL || (design && firsts == NULL) || !cxm_priv_dict_sort(dict, order)) {
        cxm_priv_release(&tally->allocator, order);
        cxm_priv_release(&tally->allocator, firsts);
        return cxm_priv_no_memory(error);
    }
    tally->order = order;
    tally->firsts = firsts;
    tally->n_groups = design ? find_firsts(tally, order, firsts) : dict->n;
    return CXM_OK;
}

void cxm_priv_group_cells(const struct cxm_tally *tally, int64_t group, size_t *first,
                          size_t *end)
{
    const bool all = group == CXM_TOTAL || tally->schema.n_keys == 0;
    *first = all ? 0 : tally->firsts != NULL ? tally->firsts[group] : (size_t)group;
    *end = all                     ? tally->state.groups.dict.n
         : tally->firsts != NULL ? tally->firsts[group + 1]
                                 : (size_t)group + 1;
}

static size_t text_end(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (bytes[i] != 0)
            continue;
        if (bytes[i + 1] == 0)
            return i + 2;
        if (bytes[i + 1] != 0xFF)
            return 0;
        i++;
    }
    return 0;
}

static bool is_word_type(int32_t type)
{
    return type != CXM_KEY_TEXT && type != CXM_KEY_BYTES;
}

size_t cxm_priv_parse_key(int32_t type, const uint8_t *bytes, size_t n, struct cxm_key *out,
                          char *text)
{
    memset(out, 0, sizeof *out);
    out->type = type;
    if (n > 0 && bytes[0] == CXM_TAG_MISSING) {
        out->missing = 1;
        return 1;
    }
    if (n == 0 || bytes[0] != CXM_TAG_PRESENT)
        return 0;
    if (is_word_type(type)) {
        if (n < 9)
            return 0;
        cxm_priv_key_from_word(type, __builtin_bswap64(cxm_priv_get_u64(bytes + 1)), out);
        return 9;
    }
    const size_t end = text_end(bytes + 1, n - 1);
    if (end == 0)
        return 0;
    /* Without escapes the text stands in the key as it is; with them it needs a copy. */
    size_t length = 0;
    for (size_t i = 0; i < end - 2; i++, length++) {
        if (text != NULL)
            text[length] = (char)bytes[1 + i];
        if (bytes[1 + i] == 0)
            i++;
    }
    out->text = text != NULL ? text : (const char *)bytes + 1;
    out->text_bytes = text != NULL ? length : end - 2;
    return 1 + end;
}

double cxm_priv_key_number(const struct cxm_key *key)
{
    switch (key->type) {
    case CXM_KEY_REAL:
        return key->real;
    case CXM_KEY_UINT:
        return (double)(uint64_t)key->integer;
    case CXM_KEY_INT:
    case CXM_KEY_BOOL:
        return (double)key->integer;
    default:
        return NAN;
    }
}

void cxm_priv_decode_key(const struct cxm_schema *schema, const uint8_t *bytes, size_t n,
                         size_t key, struct cxm_key *out)
{
    for (size_t k = 0, at = 0; k <= key; k++)
        at += cxm_priv_parse_key(schema->keys[k].type, bytes + at, n - at, out, NULL);
    if (out->type == CXM_KEY_CATEGORY && !out->missing
        && out->integer < (int64_t)schema->n_categories[key]) {
        out->text = schema->categories[key][out->integer];
        out->text_bytes = strlen(out->text);
    }
}

enum cxm_status cxm_tally_key(struct cxm_tally *tally, int64_t group, size_t key,
                              struct cxm_key *out)
{
    if (tally == NULL || out == NULL || key >= tally->schema.n_keys || group < 0)
        return CXM_EINVAL;
    const enum cxm_status status = cxm_priv_tally_sort(tally, NULL);
    if (status != CXM_OK)
        return status;
    if (group >= cxm_tally_groups(tally))
        return CXM_EINVAL;
    size_t n, first, end;
    cxm_priv_group_cells(tally, group, &first, &end);
    const uint8_t *bytes = cxm_priv_dict_key(&tally->state.groups.dict, tally->order[first], &n);
    cxm_priv_decode_key(&tally->schema, bytes, n, key, out);
    if (is_word_type(out->type) || out->missing
        || memchr(out->text, 0, out->text_bytes) == NULL)
        return CXM_OK;
    /* A NUL inside is escaped in the key: the text is put together outside of it. */
    char *text = cxm_priv_alloc(&tally->allocator, n, 1);
    if (text == NULL)
        return CXM_ENOMEM;
    const uint8_t *start = (const uint8_t *)out->text - 1;
    cxm_priv_parse_key(out->type, start, n - (size_t)(start - bytes), out, text);
    cxm_priv_release(&tally->allocator, tally->key_text[key]);
    tally->key_text[key] = text;
    return CXM_OK;
}

/* ---- one group ------------------------------------------------------------------------ */

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

enum cxm_status cxm_tally_group(struct cxm_tally *tally, int64_t group, int keep_keys,
                                struct cxm_tally **out, struct cxm_error *error)
{
    if (tally == NULL || out == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "group", "tally or out is NULL");
    enum cxm_status status = cxm_priv_tally_sort(tally, error);
    if (status != CXM_OK)
        return status;
    if (group < CXM_TOTAL || group >= cxm_tally_groups(tally))
        return cxm_priv_fail(error, CXM_EINVAL, "group", "there is no group %lld",
                             (long long)group);
    struct cxm_tally *one = NULL;
    status = new_alike(tally, &one, error);
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
