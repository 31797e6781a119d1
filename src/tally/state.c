/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The state of a tally, and the schema of its keys. */
#include "tally/tally.h"

struct cxm_unit_layout cxm_priv_unit_layout(const struct cxm_config *config, uint32_t unit,
                                            bool weighted)
{
    struct cxm_unit_layout at = { 0 };
    for (uint32_t u = 0; u <= unit; u++) {
        const struct cxm_unit_spec *spec = &config->units[u];
        at.n_codes = spec->bins + 3 + spec->n_reasons;
        if (u == unit)
            break;
        at.counts_at += at.n_codes;
        at.variables_at += spec->variables;
        at.sums_at += cxm_priv_unit_sums(spec, weighted);
    }
    return at;
}

uint32_t cxm_priv_n_sums(const struct cxm_config *config, bool weighted)
{
    uint32_t n = 0;
    for (uint32_t u = 0; u < config->n_units; u++)
        n += cxm_priv_unit_sums(&config->units[u], weighted);
    return n;
}

static bool is_zero(const struct cxm_layout *layout, const int64_t *cell, uint32_t sum)
{
    int64_t any = 0;
    for (int32_t i = 0; i < layout->windows[sum].n; i++)
        any |= cell[layout->at[sum] + (uint32_t)i];
    return any == 0;
}

/* A normalised sum above zero. */
static bool is_positive(const struct cxm_layout *layout, const int64_t *cell, uint32_t sum)
{
    const int32_t n = layout->windows[sum].n;
    return !is_zero(layout, cell, sum) && cell[layout->at[sum] + (uint32_t)n - 1] >= 0;
}

/* The sum of weights and that of their squares: above zero where there are rows. */
static bool weights_are_sound(const struct cxm_layout *layout, const int64_t *cell, uint32_t sum,
                              int64_t rows)
{
    return rows > 0 ? is_positive(layout, cell, sum) && is_positive(layout, cell, sum + 1)
                    : is_zero(layout, cell, sum) && is_zero(layout, cell, sum + 1);
}

bool cxm_priv_group_is_sound(const struct cxm_config *config, bool weighted,
                             const struct cxm_table *groups, const int64_t *cell)
{
    const struct cxm_layout *layout = &groups->layout;
    const int64_t *counts = cell;
    uint32_t sum = 0;
    for (uint32_t u = 0; u < config->n_units; u++) {
        const struct cxm_unit_spec *unit = &config->units[u];
        const uint32_t end = sum + cxm_priv_unit_sums(unit, weighted);
        int64_t used = 0;
        for (uint32_t b = 0; b < unit->bins; b++) {
            used |= counts[b];
            if (weighted && !weights_are_sound(layout, cell, sum, counts[b]))
                return false;
            sum += weighted ? 2 : 0;
        }
        for (; sum < end && used == 0; sum++) {
            if (!is_zero(layout, cell, sum))
                return false;
        }
        sum = end;
        counts += unit->bins + 3 + unit->n_reasons;
    }
    return true;
}

bool cxm_priv_value_is_sound(bool weighted, const struct cxm_table *values, const int64_t *cell)
{
    for (uint32_t c = 0; c < values->layout.n_counts; c++) {
        if (cell[c] < 0)
            return false;
    }
    return !weighted || weights_are_sound(&values->layout, cell, 0, cell[0]);
}

enum cxm_status cxm_priv_check_table(const struct cxm_tally *tally, struct cxm_error *error)
{
    const struct cxm_dict *values = &tally->state.values.dict;
    if (tally->config.rules->table_is_sound == NULL)
        return CXM_OK;
    uint32_t *order = cxm_priv_alloc(&tally->allocator, values->n, sizeof *order);
    const bool room = order != NULL && cxm_priv_dict_sort(values, order);
    const bool sound = room && tally->config.rules->table_is_sound(tally, order);
    cxm_priv_release(&tally->allocator, order);
    if (!room)
        return cxm_priv_no_memory(error);
    return sound ? CXM_OK
                 : cxm_priv_fail(error, CXM_EINCONSISTENT, NULL,
                                 "the table of values does not go with its groups");
}

bool cxm_priv_frame_is_sound(const struct cxm_layout *layout, const int64_t *cell)
{
    return layout->n_sums == 0 || (is_zero(layout, cell, 0) && is_zero(layout, cell, 1))
        || (is_positive(layout, cell, 0) && is_positive(layout, cell, 1));
}

bool cxm_priv_state_init(struct cxm_state *state, const struct cxm_config *config, bool weighted,
                         bool margins)
{
    state->rows = state->left_out = 0;
    cxm_priv_table_none(&state->values, config->allocator);
    cxm_priv_table_none(&state->frame, config->allocator);
    if (cxm_priv_table_init(&state->groups, config->allocator, config->n_counts,
                            cxm_priv_n_sums(config, weighted))
        && cxm_priv_table_init(&state->values, config->allocator, cxm_priv_table_counts(config),
                               weighted ? 2 : 0)
        && (!margins
            || cxm_priv_table_init(&state->frame, config->allocator, 1, weighted ? 2 : 0)))
        return true;
    cxm_priv_state_release(state);
    return false;
}

void cxm_priv_state_release(struct cxm_state *state)
{
    cxm_priv_table_release(&state->groups);
    cxm_priv_table_release(&state->values);
    cxm_priv_table_release(&state->frame);
}

enum cxm_status cxm_priv_state_merge(struct cxm_state *into, const struct cxm_state *from,
                                     struct cxm_error *error)
{
    int64_t rows;
    if (__builtin_add_overflow(into->rows, from->rows, &rows))
        return cxm_priv_fail(error, CXM_EOVERFLOW, NULL, "more than 9223372036854775807 rows");
    if (!cxm_priv_table_plan_merge(&into->groups, &from->groups)
        || !cxm_priv_table_plan_merge(&into->values, &from->values)
        || !cxm_priv_table_plan_merge(&into->frame, &from->frame))
        return cxm_priv_no_memory(error);
    cxm_priv_table_apply_merge(&into->groups, &from->groups, 1);
    cxm_priv_table_apply_merge(&into->values, &from->values, 1);
    cxm_priv_table_apply_merge(&into->frame, &from->frame, 1);
    into->rows = rows;
    into->left_out += from->left_out;
    return CXM_OK;
}

/* ---- schema --------------------------------------------------------------------------- */

static void release_names(char ***names, uint32_t *n, const struct cxm_allocator *allocator)
{
    for (uint32_t i = 0; i < *n; i++)
        cxm_priv_release(allocator, (*names)[i]);
    cxm_priv_release(allocator, *names);
    *names = NULL;
    *n = 0;
}

void cxm_priv_schema_release(struct cxm_schema *schema, const struct cxm_allocator *allocator)
{
    if (cxm_priv_schema_is_plain(schema)) {
        schema->weighted = false;
        schema->given = 0;
        return;
    }
    for (uint32_t k = 0; k < CXM_MOST_KEYS; k++)
        release_names(&schema->categories[k], &schema->n_categories[k], allocator);
    release_names(&schema->value_categories, &schema->n_value_categories, allocator);
    memset(schema, 0, sizeof *schema);
}

void cxm_priv_schema_move(struct cxm_schema *to, struct cxm_schema *from)
{
    if (!cxm_priv_schema_is_plain(from)) {
        *to = *from;
        memset(from, 0, sizeof *from);
        return;
    }
    to->weighted = from->weighted;
    to->given = from->given;
    from->weighted = false;
    from->given = 0;
}

static bool copy_names(char *const *from, uint32_t n, char ***to, uint32_t *n_to,
                       const struct cxm_allocator *allocator)
{
    *to = NULL;
    *n_to = 0;
    if (from == NULL)
        return true;
    *to = cxm_priv_alloc_zero(allocator, n, sizeof **to);
    for (uint32_t i = 0; *to != NULL && i < n; i++) {
        const size_t bytes = strlen(from[i]) + 1;
        char *copy = cxm_priv_alloc(allocator, bytes, 1);
        if (copy == NULL)
            return false;
        memcpy(copy, from[i], bytes);
        (*to)[(*n_to)++] = copy;
    }
    return *to != NULL;
}

bool cxm_priv_schema_copy(const struct cxm_schema *from, struct cxm_schema *to,
                          const struct cxm_allocator *allocator)
{
    *to = *from;
    bool room = copy_names(from->value_categories, from->n_value_categories,
                           &to->value_categories, &to->n_value_categories, allocator);
    for (uint32_t k = 0; k < CXM_MOST_KEYS; k++)
        room = copy_names(from->categories[k], from->n_categories[k], &to->categories[k],
                          &to->n_categories[k], allocator) && room;
    if (!room)
        cxm_priv_schema_release(to, allocator);
    return room;
}

/* ---- keys of which nothing is known ---------------------------------------------------- */

bool cxm_priv_schema_take_key(struct cxm_schema *to, const struct cxm_schema *from, uint32_t k,
                              const struct cxm_allocator *allocator)
{
    to->keys[k].type = from->keys[k].type;
    to->keys[k].calendar = from->keys[k].calendar;
    release_names(&to->categories[k], &to->n_categories[k], allocator);
    return copy_names(from->categories[k], from->n_categories[k], &to->categories[k],
                      &to->n_categories[k], allocator);
}

bool cxm_priv_schema_take_values(struct cxm_schema *to, const struct cxm_schema *from,
                                 const struct cxm_allocator *allocator)
{
    to->values_type = from->values_type;
    release_names(&to->value_categories, &to->n_value_categories, allocator);
    return copy_names(from->value_categories, from->n_value_categories, &to->value_categories,
                      &to->n_value_categories, allocator);
}

/* Columns of nothing but nulls count as whole numbers, until a value says what they are. Key k of
 * the groups; of values, which follow all keys of their group. */
static bool is_unknown(const struct cxm_schema *schema, const struct cxm_dict *dict, uint32_t k,
                       int32_t type)
{
    for (uint32_t i = 0; i < dict->n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(dict, i, &n);
        const size_t at = cxm_priv_keys_bytes(schema, k, key, n);
        if (at >= n || key[at] != CXM_TAG_MISSING)
            return false;
    }
    return type == CXM_KEY_INT;
}

/* A copy of the tally's schema, made when the first of its types is settled. */
static bool copy_once(const struct cxm_tally *tally, struct cxm_schema *out, bool *settled)
{
    if (!*settled)
        *settled = cxm_priv_schema_copy(&tally->schema, out, &tally->allocator);
    return *settled;
}

enum cxm_status cxm_priv_settle_keys(const struct cxm_tally *tally, const struct cxm_schema *beside,
                                     struct cxm_schema *out, bool *settled,
                                     struct cxm_error *error)
{
    const struct cxm_schema *schema = &tally->schema;
    const struct cxm_allocator *allocator = &tally->allocator;
    bool room = true;
    *settled = false;
    for (uint32_t k = 0; k < schema->n_keys && k < beside->n_keys && room; k++) {
        if (schema->keys[k].type != beside->keys[k].type
            && is_unknown(schema, &tally->state.groups.dict, k, schema->keys[k].type))
            room = copy_once(tally, out, settled)
                && cxm_priv_schema_take_key(out, beside, k, allocator);
    }
    if (room && schema->has_values && beside->has_values
        && schema->values_type != beside->values_type
        && is_unknown(schema, &tally->state.values.dict, cxm_priv_all_keys(schema),
                      schema->values_type))
        room = copy_once(tally, out, settled)
            && cxm_priv_schema_take_values(out, beside, allocator);
    if (room)
        return CXM_OK;
    if (*settled)
        cxm_priv_schema_release(out, allocator);
    *settled = false;
    return cxm_priv_no_memory(error);
}

/* ---- comparing -------------------------------------------------------------------------- */

static bool names_equal(char *const *a, uint32_t n_a, char *const *b, uint32_t n_b)
{
    if (n_a != n_b)
        return false;
    for (uint32_t i = 0; i < n_a; i++) {
        if (strcmp(a[i], b[i]) != 0)
            return false;
    }
    return true;
}

static const char *key_type_name(int32_t type)
{
    static const char *const names[] = { "whole numbers", "unsigned whole numbers",
                                         "real numbers", "yes/no", "text", "bytes",
                                         "categories", "dates", "instants" };
    return (uint32_t)type < CXM_COUNT(names) ? names[type] : "unknown";
}

const char *cxm_priv_role_name(enum cxm_key_role role)
{
    static const char *const names[] = { "by", "strata", "cluster", "cluster", "fpc", "fpc",
                                         "calibrate" };
    return names[role];
}

static enum cxm_status compare_key(const struct cxm_schema *a, const struct cxm_schema *b,
                                   uint32_t k, struct cxm_error *error)
{
    const struct cxm_key_info *x = &a->keys[k], *y = &b->keys[k];
    if (strcmp(x->name, y->name) != 0 && k >= a->n_keys)
        return cxm_priv_fail(error, CXM_EMISMATCH,
                             cxm_priv_role_name((enum cxm_key_role)a->roles[k]),
                             "%s is %s in one, %s in the other",
                             cxm_priv_role_name((enum cxm_key_role)a->roles[k]), x->name,
                             y->name);
    if (strcmp(x->name, y->name) != 0)
        return cxm_priv_fail(error, CXM_EMISMATCH, "by",
                             "by: key %u is called %s in one, %s in the other; give both one name",
                             k + 1, x->name, y->name);
    if (x->type != y->type)
        return cxm_priv_fail(error, CXM_EMISMATCH, x->name, "%s holds %s in one, %s in the other",
                             x->name, key_type_name(x->type), key_type_name(y->type));
    if (x->calendar != y->calendar)
        return cxm_priv_fail(error, CXM_EMISMATCH, x->name,
                             "%s: the calendar periods differ (rule %d and %d)", x->name,
                             x->calendar, y->calendar);
    if (!names_equal(a->categories[k], a->n_categories[k], b->categories[k], b->n_categories[k]))
        return cxm_priv_fail(error, CXM_EMISMATCH, x->name,
                             "%s: the lists of categories differ", x->name);
    return CXM_OK;
}

/* "strata, cluster", or "none". */
static const char *design_text(const struct cxm_schema *schema, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t k = schema->n_keys; k < cxm_priv_all_keys(schema); k++)
        cxm_priv_append(out, capacity, &used, "%s%s", used > 0 ? ", " : "",
                        cxm_priv_role_name((enum cxm_key_role)schema->roles[k]));
    if (used == 0)
        cxm_priv_append(out, capacity, &used, "none");
    return out;
}

enum cxm_status cxm_priv_schema_compare(const struct cxm_config *config,
                                        const struct cxm_schema *a, const struct cxm_schema *b,
                                        struct cxm_error *error)
{
    if (a->weighted != b->weighted)
        return cxm_priv_fail(error, CXM_EMISMATCH, "weight",
                             "one has survey weights, the other has none");
    if (a->n_keys != b->n_keys)
        return cxm_priv_fail(error, CXM_EMISMATCH, "by", "one has %u keys, the other %u",
                             a->n_keys, b->n_keys);
    if (a->n_design != b->n_design || memcmp(a->roles, b->roles, sizeof a->roles) != 0) {
        char one[80], other[80];
        return cxm_priv_fail(error, CXM_EMISMATCH, "strata",
                             "the sampling designs differ: one has %s, the other %s",
                             design_text(a, one, sizeof one), design_text(b, other, sizeof other));
    }
    for (uint32_t k = 0; k < cxm_priv_all_keys(a); k++) {
        const enum cxm_status status = compare_key(a, b, k, error);
        if (status != CXM_OK)
            return status;
    }
    for (int r = 0; r < config->rules->info->n_inputs; r++) {
        if (((a->given ^ b->given) >> r & 1) != 0)
            return cxm_priv_fail(error, CXM_EMISMATCH, config->rules->info->inputs[r].name,
                                 "one was counted with %s, the other without",
                                 config->rules->info->inputs[r].name);
    }
    if (a->has_values
        && (a->values_type != b->values_type
            || !names_equal(a->value_categories, a->n_value_categories, b->value_categories,
                            b->n_value_categories)))
        return cxm_priv_fail(error, CXM_EMISMATCH, "reason",
                             "the values hold %s in one, %s in the other, or their categories "
                             "differ", key_type_name(a->values_type),
                             key_type_name(b->values_type));
    return CXM_OK;
}

enum cxm_status cxm_priv_settle_schemas(const struct cxm_tally *into,
                                        const struct cxm_tally *from, struct cxm_schema *ours,
                                        bool *own, struct cxm_error *error)
{
    struct cxm_schema theirs;
    bool their_own = false;
    enum cxm_status status = cxm_priv_settle_keys(into, &from->schema, ours, own, error);
    if (status == CXM_OK)
        status = cxm_priv_settle_keys(from, &into->schema, &theirs, &their_own, error);
    if (status == CXM_OK)
        status = cxm_priv_schema_compare(&into->config, *own ? ours : &into->schema,
                                         their_own ? &theirs : &from->schema, error);
    if (their_own)
        cxm_priv_schema_release(&theirs, &from->allocator);
    if (*own && status != CXM_OK) {
        cxm_priv_schema_release(ours, &into->allocator);
        *own = false;
    }
    return status;
}
