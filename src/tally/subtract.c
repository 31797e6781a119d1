/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Subtracting: windows of SQL engines take out one row after the other, so that the work is that of
 * merging: only cells that both tallies have are touched. All of `into` is read where a group or a
 * value vanishes, and by metrics that check their table of values as a whole. */
#include "tally/tally.h"

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

/* What is left of a cell: counters may agree by chance, and rows that never were in then leave sums
 * behind where no row is. */
struct rest {
    bool sound;
    bool vanished; /* a cell is zero now */
};

static void check_cell(struct rest *rest, bool sound, const struct cxm_table *table,
                       const int64_t *cell)
{
    rest->sound = rest->sound && sound;
    rest->vanished = rest->vanished || cxm_priv_cell_is_zero(table, cell);
}

static int64_t *cell_of(const struct cxm_table *table, const struct cxm_dict *keys, uint32_t i)
{
    size_t n;
    const uint8_t *key = cxm_priv_dict_key(keys, i, &n);
    return cxm_priv_table_cell(table, cxm_priv_dict_find(&table->dict, key, n));
}

/* Only cells that `from` has too have changed. */
static struct rest check_rest(const struct cxm_tally *tally, const struct cxm_state *from)
{
    const struct cxm_state *state = &tally->state;
    const bool weighted = tally->schema.weighted;
    struct rest rest = { true, false };
    for (uint32_t i = 0; i < from->groups.dict.n; i++) {
        const int64_t *cell = cell_of(&state->groups, &from->groups.dict, i);
        check_cell(&rest, cxm_priv_group_is_sound(&tally->config, weighted, &state->groups, cell),
                   &state->groups, cell);
    }
    for (uint32_t i = 0; i < from->values.dict.n; i++) {
        const int64_t *cell = cell_of(&state->values, &from->values.dict, i);
        check_cell(&rest, cxm_priv_value_is_sound(weighted, &state->values, cell), &state->values,
                   cell);
    }
    for (uint32_t i = 0; i < from->frame.dict.n; i++) {
        const int64_t *cell = cell_of(&state->frame, &from->frame.dict, i);
        check_cell(&rest, cxm_priv_frame_is_sound(&state->frame.layout, cell), &state->frame, cell);
    }
    return rest;
}

static void apply(struct cxm_state *into, const struct cxm_state *from, int sign)
{
    cxm_priv_table_apply_merge(&into->groups, &from->groups, sign);
    cxm_priv_table_apply_merge(&into->values, &from->values, sign);
    cxm_priv_table_apply_merge(&into->frame, &from->frame, sign);
}

/* Groups and values without rows go. */
static enum cxm_status drop_zeros(struct cxm_tally *tally, struct cxm_error *error)
{
    const struct cxm_state *state = &tally->state;
    struct cxm_state left;
    if (!cxm_priv_state_init(&left, &tally->config, tally->schema.weighted,
                             cxm_priv_has_margins(&tally->schema)))
        return cxm_priv_no_memory(error);
    if (!copy_nonzero(&state->groups, &left.groups) || !copy_nonzero(&state->values, &left.values)
        || !copy_nonzero(&state->frame, &left.frame)) {
        cxm_priv_state_release(&left);
        return cxm_priv_no_memory(error);
    }
    left.rows = state->rows;
    left.left_out = state->left_out;
    cxm_priv_scratch_free(tally->one); /* it knew the windows of the old table */
    tally->one = NULL;
    cxm_priv_state_release(&tally->state);
    tally->state = left;
    return CXM_OK;
}

static enum cxm_status not_inside(struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_EINCONSISTENT, NULL,
                         "the tally to subtract has rows that this one has not");
}

/* In place; what cannot stand is added again, which leaves no trace: all numbers are exact. */
static enum cxm_status subtract_rows(struct cxm_tally *into, const struct cxm_state *from,
                                     struct cxm_error *error)
{
    struct cxm_state *state = &into->state;
    if (!cxm_priv_table_plan_merge(&state->groups, &from->groups)
        || !cxm_priv_table_plan_merge(&state->values, &from->values)
        || !cxm_priv_table_plan_merge(&state->frame, &from->frame))
        return cxm_priv_no_memory(error);
    apply(state, from, -1);
    state->rows -= from->rows;
    state->left_out -= from->left_out;
    const struct rest rest = check_rest(into, from);
    enum cxm_status status = rest.sound ? cxm_priv_check_table(into, error) : CXM_EINCONSISTENT;
    if (status == CXM_OK && rest.vanished)
        status = drop_zeros(into, error);
    if (status != CXM_OK) {
        apply(state, from, 1);
        state->rows += from->rows;
        state->left_out += from->left_out;
    }
    cxm_priv_tally_changed(into);
    return status == CXM_EINCONSISTENT ? not_inside(error) : status;
}

enum cxm_status cxm_tally_subtract(struct cxm_tally *into, const struct cxm_tally *from,
                                   struct cxm_error *error)
{
    if (into == NULL || from == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "a tally is NULL");
    enum cxm_status status = cxm_priv_config_compare(&into->config, &from->config, error);
    if (status != CXM_OK || from->state.rows == 0)
        return status;
    if (into == from) /* nothing is left */
        return cxm_priv_with_copy(cxm_tally_subtract, into, error);
    struct cxm_schema settled;
    bool own = false;
    if (into->state.rows > 0)
        status = cxm_priv_settle_schemas(into, from, &settled, &own, error);
    if (own)
        cxm_priv_schema_release(&settled, &into->allocator);
    if (status != CXM_OK)
        return status;
    if (into->state.rows < from->state.rows || into->state.left_out < from->state.left_out
        || !contains(&into->state.groups, &from->state.groups)
        || !contains(&into->state.values, &from->state.values)
        || !contains(&into->state.frame, &from->state.frame))
        return not_inside(error);
    return subtract_rows(into, &from->state, error);
}
