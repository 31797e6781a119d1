/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adding a range of rows to a fresh state: decode, find groups, apply the rule, accumulate,
 * block by block. One range is one thread's work. */
#include "tally/ahead.h"
#include "tally/grouper.h"
#include "tally/kernels.h"
#include "tally/moments.h"
#include "tally/packed.h"
#include "tally/small.h"
#include "tally/tally.h"

#include <math.h>

/* ---- decoding ------------------------------------------------------------------------- */

struct range {
    const struct cxm_config *config;
    const struct cxm_sources *sources;
    struct cxm_state *state;
    struct cxm_scratch *scratch;
    struct cxm_grouper grouper;
    struct cxm_reader *readers; /* by slot */
    struct cxm_reader weight, freq;
    const double *weights; /* of this block, in the caller's memory; NULL: they were copied */
    struct cxm_keyed keyed;
    struct cxm_moments *moments; /* NULL: sums go straight into the table */
    struct cxm_small *small;     /* NULL: no short cut for small whole numbers */
    int64_t small_until;         /* its blocks are no larger than others before this row */
    int64_t since_normalised;
    struct cxm_ahead ahead;      /* the rows of the next block */
    struct cxm_packed *packed;   /* members of wide structs; NULL: none */
};

static int role_of_slot(const struct cxm_config *config, uint32_t slot)
{
    int role = config->rules->info->n_inputs - 1;
    while (config->slot[role] > slot)
        role--;
    return role;
}

static void check_range(double *values, uint8_t *states, size_t n, double low, double high,
                        bool whole)
{
    for (size_t i = 0; i < n; i++) {
        const bool inside = values[i] >= low && values[i] <= high
                         && (!whole || values[i] == floor(values[i]));
        if (states[i] == CXM_ROW_USED && !inside)
            states[i] = CXM_ROW_INVALID;
    }
}

static void decode_slot(struct range *r, uint32_t slot, int64_t first, size_t n)
{
    const struct cxm_config *config = r->config;
    const int role = role_of_slot(config, slot);
    struct cxm_block *b = &r->scratch->block;
    const double low = config->lowest[role], high = config->highest[role];
    switch ((enum cxm_role)config->rules->info->inputs[role].role) {
    case CXM_ROLE_RATING:
        cxm_priv_read_codes(&r->readers[slot], first, n, (int64_t)low,
                            (uint32_t)(high - low) + 1, b->codes[slot]);
        break;
    case CXM_ROLE_FLAG:
        cxm_priv_read_codes(&r->readers[slot], first, n, 0, 2, b->codes[slot]);
        break;
    case CXM_ROLE_MONEY:
        cxm_priv_read_numbers(&r->readers[slot], first, n, b->values[slot], b->states[slot]);
        check_range(b->values[slot], b->states[slot], n, low, high, true);
        break;
    case CXM_ROLE_NUMBER:
    case CXM_ROLE_COUNT: {
        const bool count = config->rules->info->inputs[role].role == CXM_ROLE_COUNT;
        cxm_priv_read_numbers(&r->readers[slot], first, n, b->values[slot], b->states[slot]);
        if (count || isfinite(low) || isfinite(high))
            check_range(b->values[slot], b->states[slot], n, count ? 0 : low, high, count);
        break;
    }
    case CXM_ROLE_KEY:
        break;
    }
}

/* First row of a slot with an invalid value, n when there is none. */
static size_t first_invalid(const struct range *r, uint32_t slot, size_t n)
{
    const struct cxm_config *config = r->config;
    const struct cxm_block *b = &r->scratch->block;
    const int role = role_of_slot(config, slot);
    const int kind = config->rules->info->inputs[role].role;
    if (kind == CXM_ROLE_KEY || !r->sources->given[slot])
        return n;
    if (kind == CXM_ROLE_RATING || kind == CXM_ROLE_FLAG) {
        const uint16_t bad = kind == CXM_ROLE_FLAG
                               ? 3
                               : (uint16_t)(config->highest[role] - config->lowest[role] + 2);
        unsigned any = 0;
        for (size_t i = 0; i < n; i++)
            any |= b->codes[slot][i] == bad;
        for (size_t i = 0; any && i < n; i++) {
            if (b->codes[slot][i] == bad)
                return i;
        }
        return n;
    }
    const uint8_t *found = memchr(b->states[slot], CXM_ROW_INVALID, n);
    return found != NULL ? (size_t)(found - b->states[slot]) : n;
}

/* The checks of a block take the number of rows, and cut it before a row that is wrong: a later
 * check then sees only lower rows, and the lowest one of all is named, wherever blocks begin. */
static enum cxm_status refuse_invalid(struct range *r, int64_t first, size_t *n,
                                      struct cxm_error *error)
{
    size_t lowest = *n;
    uint32_t slot = 0;
    for (uint32_t s = 0; s < r->config->n_slots; s++) {
        const size_t row = first_invalid(r, s, lowest);
        if (row < lowest) {
            lowest = row;
            slot = s;
        }
    }
    if (lowest == *n)
        return CXM_OK;
    *n = lowest;
    return cxm_priv_invalid_value(r->config, slot, r->sources->slots[slot],
                                  first + (int64_t)lowest, error);
}

static enum cxm_status read_freq(struct range *r, int64_t first, size_t *n,
                                 struct cxm_error *error)
{
    int64_t *freq = r->scratch->freq;
    uint8_t *states = r->scratch->weight_state; /* read before the weights */
    cxm_priv_read_integers(&r->freq, first, *n, freq, states);
    for (size_t i = 0; i < *n; i++) {
        if (CXM_LIKELY(states[i] == CXM_ROW_USED && freq[i] >= 0))
            continue;
        *n = i;
        const struct cxm_column *column = r->sources->freq;
        const char *name = column->name != NULL ? column->name : "freq";
        const int64_t row = first + (int64_t)i;
        char text[64];
        cxm_priv_value_text(column, row, text, sizeof text);
        return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                                "%s: row %lld is %s; a frequency is a whole number of copies, "
                                "0 or more.", name, (long long)row, text);
    }
    return CXM_OK;
}

/* ---- key table ------------------------------------------------------------------------ */

static enum cxm_status add_values(struct range *r, int64_t first, const int64_t *freq,
                                  struct cxm_error *error)
{
    const uint32_t k = r->sources->n_keys;
    const struct cxm_scratch *s = r->scratch;
    struct cxm_table *values = &r->state->values;
    cxm_priv_read_key(&r->grouper, k, first, s->block.n);
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        if (!s->block.in_key_table[i] || copies == 0 || s->groups[i] == UINT32_MAX)
            continue;
        size_t used = 0;
        bool room = true;
        for (uint32_t key = 0; key <= k && room; key++)
            room = cxm_priv_encode_key(&r->grouper, key, i, &used);
        if (room && s->weighted) {
            struct cxm_span span = CXM_SPAN_EMPTY;
            cxm_priv_span_value(&span, s->weight[i]);
            const struct cxm_window windows[2] = {
                cxm_priv_window_for(span),
                cxm_priv_window_for(cxm_priv_span_product(span, span)),
            };
            room = cxm_priv_table_reserve(values, (size_t)values->dict.n + 1, windows);
        }
        const uint32_t at = room ? cxm_priv_table_add(values, r->grouper.key, used) : UINT32_MAX;
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(error);
        int64_t *cell = cxm_priv_table_cell(values, at);
        cell[0] += copies;
        if (s->weighted) {
            const struct cxm_layout *l = &values->layout;
            cxm_priv_exact_add_double(cell + l->at[0], l->windows[0], s->weight[i], copies);
            cxm_priv_exact_add_product(cell + l->at[1], l->windows[1], s->weight[i],
                                       s->weight[i], copies);
        }
    }
    return CXM_OK;
}

/* Numbers that the rule made: one or two a row, each adds to one of the counters. */
static enum cxm_status add_numbers(struct range *r, uint32_t t, const int64_t *freq,
                                   struct cxm_error *error)
{
    const struct cxm_scratch *s = r->scratch;
    struct cxm_table *values = &r->state->values;
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        const uint16_t counter = s->block.table_counters[t][i];
        if (counter == CXM_NO_COUNTER || copies == 0 || s->groups[i] == UINT32_MAX)
            continue;
        size_t used = 0;
        bool room = true;
        for (uint32_t key = 0; key < r->sources->n_keys && room; key++)
            room = cxm_priv_encode_key(&r->grouper, key, i, &used);
        if (!room || !cxm_priv_reserve_key(&r->grouper, used + CXM_NUMBER_KEY_BYTES))
            return cxm_priv_no_memory(error);
        cxm_priv_put_number_key(r->grouper.key + used, s->block.table_values[t][i]);
        const uint32_t at = cxm_priv_table_add(values, r->grouper.key,
                                               used + CXM_NUMBER_KEY_BYTES);
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(error);
        cxm_priv_table_cell(values, at)[counter] += copies;
    }
    return CXM_OK;
}

/* ---- one range ------------------------------------------------------------------------ */

static enum cxm_status count_rows(struct range *r, const int64_t *freq, struct cxm_error *error)
{
    const struct cxm_scratch *s = r->scratch;
    struct cxm_state *state = r->state;
    const bool all_kept = r->sources->n_keys == 0 || !r->sources->leave_out_missing_keys;
    if (freq == NULL && all_kept) {
        state->rows += (int64_t)s->block.n;
        return CXM_OK;
    }
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        if (__builtin_add_overflow(state->rows, copies, &state->rows))
            return cxm_priv_fail(error, CXM_EOVERFLOW, "freq",
                                 "more than 9223372036854775807 rows");
        if (r->sources->n_keys > 0 && s->groups[i] == UINT32_MAX)
            state->left_out += copies;
    }
    return CXM_OK;
}

static void normalise_sometimes(struct range *r, size_t n)
{
    r->since_normalised += (int64_t)n;
    if (r->since_normalised < CXM_EXACT_ADDITIONS)
        return;
    cxm_priv_table_normalise(&r->state->groups);
    cxm_priv_table_normalise(&r->state->values);
    cxm_priv_table_normalise(&r->state->frame);
    r->since_normalised = 0;
}

static enum cxm_status later(enum cxm_status status, enum cxm_status next)
{
    return next != CXM_OK ? next : status;
}

/* Rows from here on look up their groups. False: out of memory. */
static bool leave_slots(struct range *r)
{
    const bool room = cxm_priv_moments_flush(r->moments, &r->state->groups);
    cxm_priv_keyed_release(&r->keyed);
    return room;
}

/* The group of every row, or its slot. */
static enum cxm_status find_groups(struct range *r, int64_t first, size_t *n, const int64_t *freq,
                                   struct cxm_error *error)
{
    uint32_t *groups = r->scratch->groups;
    if (r->keyed.n_slots > 0) {
        if (cxm_priv_keyed_slots(&r->keyed, first, *n, groups))
            return CXM_OK;
        if (!leave_slots(r))
            return cxm_priv_no_memory(error);
    }
    return cxm_priv_find_groups(&r->grouper, &r->state->groups, first, n, freq, groups, error);
}

/* The table gets what was added up by group, and so do all further rows, from those of this block
 * on. */
static enum cxm_status leave_moments(struct range *r, int64_t first, struct cxm_error *error)
{
    struct cxm_scratch *s = r->scratch;
    struct cxm_table *groups = &r->state->groups;
    size_t n = s->block.n;
    enum cxm_status status = CXM_OK;
    if (!cxm_priv_moments_flush(r->moments, groups))
        return cxm_priv_no_memory(error);
    cxm_priv_moments_free(r->moments);
    r->moments = NULL;
    if (r->keyed.n_slots > 0)
        status = cxm_priv_find_groups(&r->grouper, groups, first, &n, NULL, s->groups, error);
    cxm_priv_keyed_release(&r->keyed);
    return status == CXM_OK ? cxm_priv_block_prepare(s, groups, first, error) : status;
}

/* Into the table, or into cells of moments as long as they are few enough. */
static enum cxm_status add_to_cells(struct range *r, int64_t first, const int64_t *freq,
                                    struct cxm_error *error)
{
    struct cxm_scratch *s = r->scratch;
    struct cxm_table *groups = &r->state->groups;
    const uint32_t *group = r->sources->n_keys > 0 ? s->groups : NULL;
    if (r->moments != NULL) {
        uint16_t *codes = s->block.unit_codes[0];
        for (size_t i = 0; r->sources->leave_out_missing_keys && group != NULL && i < s->block.n; i++)
            codes[i] = group[i] != UINT32_MAX ? codes[i] : (uint16_t)r->config->units[0].bins;
        const double *numbers = r->weights != NULL ? r->weights
                              : s->weighted        ? s->weight
                                                   : s->block.variables[0];
        const enum cxm_moments_result result = cxm_priv_moments_add(r->moments, groups, group,
                                                                    codes, numbers, s->block.n,
                                                                    &r->ahead);
        if (result == CXM_MOMENTS_ADDED)
            return CXM_OK;
        if (r->weights != NULL)
            cxm_priv_read_numbers(&r->weight, first, s->block.n, s->weight, s->weight_state);
        if (result == CXM_MOMENTS_NO_MEMORY)
            return cxm_priv_no_memory(error);
        const enum cxm_status status = leave_moments(r, first, error);
        if (status != CXM_OK)
            return status;
    }
    cxm_priv_block_add(s, groups, group, freq);
    return CXM_OK;
}

/* For moments, doubles that all are good weights stay where they are, or are only copied. */
static void read_weights(struct range *r, int64_t first, size_t n)
{
    const struct cxm_column *c = r->sources->weight;
    struct cxm_scratch *s = r->scratch;
    r->weights = NULL;
    if (r->moments != NULL && !cxm_priv_sources_margins(r->sources) && cxm_priv_is_bare(c)
        && c->type == CXM_F64) {
        const char *at = (const char *)c->data + (c->offset + first) * c->stride;
        const bool in_place = c->stride == sizeof(double) && (uintptr_t)at % sizeof(double) == 0;
        for (size_t i = 0; !in_place && i < n; i++)
            memcpy(&s->weight[i], at + (int64_t)i * c->stride, sizeof(double));
        const double *weights = in_place ? (const void *)at : s->weight;
        const uint32_t *group = r->sources->n_keys > 0 ? s->groups : NULL;
        if (cxm_priv_moments_place(r->moments, &r->state->groups, group, s->block.unit_codes[0], weights, n)
            || cxm_priv_kernels(0).all_within(weights, n, 1e-100, 1e100)) {
            r->weights = weights;
            return;
        }
    }
    cxm_priv_read_numbers(&r->weight, first, n, s->weight, s->weight_state);
}

/* With margins: the weight of every row, also where there is no answer. */
static enum cxm_status add_frame(struct range *r, const int64_t *freq, struct cxm_error *error)
{
    const struct cxm_scratch *s = r->scratch;
    struct cxm_table *frame = &r->state->frame;
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        const double w = s->weighted && s->weight_state[i] == CXM_ROW_USED && s->weight[i] > 0
                           ? s->weight[i]
                           : 0;
        if (copies == 0 || s->groups[i] == UINT32_MAX)
            continue;
        struct cxm_span span = CXM_SPAN_EMPTY;
        cxm_priv_span_value(&span, w <= 1e100 ? w : 0);
        const struct cxm_window windows[2] = {
            cxm_priv_window_for(span), cxm_priv_window_for(cxm_priv_span_product(span, span)),
        };
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(&r->state->groups.dict, s->groups[i], &n);
        const bool room = cxm_priv_table_reserve(frame, (size_t)frame->dict.n + 1,
                                                 s->weighted ? windows : NULL);
        const uint32_t at = room ? cxm_priv_table_add(frame, key, n) : UINT32_MAX;
        if (at == UINT32_MAX)
            return cxm_priv_no_memory(error);
        int64_t *cell = cxm_priv_table_cell(frame, at);
        cell[0] += copies;
        if (s->weighted && w > 0 && w <= 1e100) {
            const struct cxm_layout *l = &frame->layout;
            cxm_priv_exact_add_double(cell + l->at[0], l->windows[0], w, copies);
            cxm_priv_exact_add_product(cell + l->at[1], l->windows[1], w, w, copies);
        }
    }
    return CXM_OK;
}

static enum cxm_status add_block(struct range *r, int64_t first, size_t n,
                                 struct cxm_error *error)
{
    struct cxm_scratch *s = r->scratch;
    const struct cxm_sources *sources = r->sources;
    struct cxm_table *groups = &r->state->groups;
    for (uint32_t slot = 0; slot < r->config->n_slots; slot++) {
        if (sources->given[slot])
            decode_slot(r, slot, first, n);
    }
    enum cxm_status status = sources->count_invalid ? CXM_OK
                                                    : refuse_invalid(r, first, &n, error);
    const int64_t *freq = sources->freq != NULL ? s->freq : NULL;
    if (freq != NULL)
        status = later(status, read_freq(r, first, &n, error));
    if (sources->n_keys > 0)
        status = later(status, find_groups(r, first, &n, freq, error));
    s->block.n = n;
    r->config->rules->rule(r->config, &s->block);
    if (sources->weight != NULL)
        read_weights(r, first, n);
    if (r->weights == NULL)
        status = later(status, cxm_priv_block_check(s, sources, first, error));
    if (r->moments == NULL)
        status = later(status, cxm_priv_block_prepare(s, groups, first, error));
    if (status == CXM_OK)
        status = count_rows(r, freq, error);
    if (status != CXM_OK)
        return status;
    status = add_to_cells(r, first, freq, error);
    if (status == CXM_OK && cxm_priv_sources_margins(sources))
        status = add_frame(r, freq, error);
    if (status != CXM_OK)
        return status;
    if (sources->value != NULL)
        status = add_values(r, first, freq, error);
    for (uint32_t t = 0; t < r->config->n_table_values && status == CXM_OK; t++)
        status = add_numbers(r, t, freq, error);
    normalise_sometimes(r, n);
    return status;
}

/* Moves what was summed to the table; with `wide`, goes on with larger numbers. */
static enum cxm_status leave_small(struct range *r, bool wide, struct cxm_error *error)
{
    bool room = cxm_priv_small_flush(r->small, &r->state->groups);
    cxm_priv_small_free(r->small);
    r->small = NULL;
    if (room && wide)
        room = cxm_priv_small_new(r->config, r->sources, r->config->allocator, 0, true, &r->small);
    return room ? CXM_OK : cxm_priv_no_memory(error);
}

/* Reads a block for them. False: it goes the general way, or when it is large, once more by blocks. */
static bool read_small_block(struct range *r, int64_t first, size_t n, enum cxm_status *status,
                             struct cxm_error *error)
{
    enum cxm_small_result result = cxm_priv_small_read(r->small, first, n);
    if (result == CXM_SMALL_WIDER) {
        *status = leave_small(r, true, error);
        result = *status == CXM_OK && r->small != NULL && n <= CXM_BLOCK
                   ? cxm_priv_small_read(r->small, first, n)
                   : CXM_SMALL_NO;
    }
    return result == CXM_SMALL_DONE;
}

/* Items of small whole numbers. *done: so many rows, or 0 where the block has to go the general way, which
 * then also tells what is wrong with it. */
static enum cxm_status add_small_block(struct range *r, int64_t first, size_t n, size_t *done,
                                       struct cxm_error *error)
{
    struct cxm_table *groups = &r->state->groups;
    struct cxm_scratch *s = r->scratch;
    enum cxm_status status = CXM_OK;
    *done = 0;
    if (!read_small_block(r, first, n, &status, error))
        return status;
    size_t added = n;
    enum cxm_small_result result = cxm_priv_small_add(r->small, groups, first, &added, NULL);
    if (result == CXM_SMALL_AGAIN)
        return add_small_block(r, first, n, done, error);
    const bool counted = result == CXM_SMALL_GROUPS && n <= CXM_BLOCK;
    if (counted) {
        size_t whole = n;
        status = cxm_priv_find_groups(&r->grouper, groups, first, &whole, NULL, s->groups, error);
        if (status != CXM_OK) /* the general way may find a lower row */
            return status == CXM_ENOMEM ? status : CXM_OK;
        result = cxm_priv_small_add(r->small, groups, first, &added, s->groups);
    }
    if (result == CXM_SMALL_NO_MEMORY)
        return cxm_priv_no_memory(error);
    if (result == CXM_SMALL_GROUPS)
        return CXM_OK; /* block by block */
    if (result == CXM_SMALL_FULL)
        return leave_small(r, false, error);
    s->block.n = added;
    *done = added;
    if (counted)
        return count_rows(r, NULL, error);
    r->state->rows += (int64_t)added;
    return CXM_OK;
}

/* Columns of wide structs block by block. False: out of memory. */
static bool pack(struct range *r)
{
    if (!cxm_priv_packed_new(r->config, r->sources, &r->packed))
        return false;
    if (r->packed == NULL)
        return true;
    r->ahead.packed = r->packed;
    r->sources = &r->packed->sources;
    r->grouper.sources = r->sources;
    for (uint32_t k = 0; k < r->sources->n_keys; k++) {
        cxm_priv_reader_init(&r->grouper.readers[k], r->sources->keys[k]);
        if (k < r->keyed.n_keys)
            r->keyed.keys[k].column = r->sources->keys[k];
    }
    return true;
}

static enum cxm_status range_init(struct range *r, int64_t first, int64_t last,
                                  struct cxm_error *error)
{
    const size_t rows = (size_t)(last - first);
    const struct cxm_allocator *allocator = r->config->allocator;
    r->scratch = cxm_priv_scratch_new(r->config, r->sources->weight != NULL, rows, allocator);
    r->readers = cxm_priv_alloc(allocator, r->config->n_slots, sizeof *r->readers);
    if (r->scratch == NULL || r->readers == NULL
        || !cxm_priv_grouper_init(&r->grouper, r->sources, allocator))
        return cxm_priv_no_memory(error);
    const struct cxm_unit_spec *unit = r->config->units;
    const bool weighted = r->sources->weight != NULL;
    r->grouper.keys_wanted = r->sources->value != NULL || r->config->n_table_values > 0;
    if (r->sources->freq == NULL && r->config->n_units == 1 && r->sources->value == NULL
        && unit->variables == (weighted ? 0 : 1) && r->config->n_table_values == 0) {
        r->moments = cxm_priv_moments_new(r->config, weighted, &r->keyed, allocator);
        if (r->moments == NULL
            || !cxm_priv_keyed_init(&r->keyed, r->sources, first, last,
                                    weighted ? CXM_MANY_SLOTS : CXM_MOST_SLOTS, allocator))
            return cxm_priv_no_memory(error);
    }
    enum { FEW_ROWS = 512 };
    if (rows >= 2 * CXM_BLOCK && !pack(r))
        return cxm_priv_no_memory(error);
    if (r->moments != NULL)
        cxm_priv_moments_look(r->moments, r->config, r->sources);
    if (rows >= FEW_ROWS && !cxm_priv_small_new(r->config, r->sources, allocator, rows, false, &r->small))
        return cxm_priv_no_memory(error);
    r->scratch->block.given = r->sources->given;
    for (uint32_t slot = 0; slot < r->config->n_slots; slot++) {
        if (r->sources->given[slot])
            cxm_priv_reader_init(&r->readers[slot], r->sources->slots[slot]);
    }
    if (r->sources->weight != NULL)
        cxm_priv_reader_init(&r->weight, r->sources->weight);
    if (r->sources->freq != NULL)
        cxm_priv_reader_init(&r->freq, r->sources->freq);
    /* Without keys there is one group, whose key is empty; rows without copies make none. */
    if (r->sources->n_keys == 0
        && cxm_priv_table_add(&r->state->groups, (const uint8_t *)"", 0) == UINT32_MAX)
        return cxm_priv_no_memory(error);
    return CXM_OK;
}

/* Rows that need no block, up to one that does. */
static int64_t add_plain_rows(struct range *r, int64_t first, int64_t last, enum cxm_status *status,
                              struct cxm_error *error)
{
    int64_t done = 0;
    if (r->moments == NULL || r->small != NULL)
        return 0;
    if (!cxm_priv_moments_add_rows(r->moments, &r->state->groups, first, last, &r->ahead, &done))
        *status = cxm_priv_no_memory(error);
    r->state->rows += done;
    return done;
}

/* How many rows the next block may have. */
static size_t rows_of_block(const struct range *r, int64_t first)
{
    const bool large = r->small != NULL && r->packed == NULL && first >= r->small_until;
    return large ? cxm_priv_small_rows(r->small, first) : CXM_BLOCK;
}

static enum cxm_status add_blocks(const struct cxm_config *config,
                                  const struct cxm_sources *sources, int64_t first,
                                  int64_t last, struct cxm_state *state,
                                  struct cxm_error *error)
{
    struct range r = { .config = config, .sources = sources, .state = state };
    enum cxm_status status = range_init(&r, first, last, error);
    while (status == CXM_OK && first < last) {
        if (r.packed == NULL)
            first += add_plain_rows(&r, first, last, &status, error);
        if (status != CXM_OK || first == last)
            break;
        const size_t most = rows_of_block(&r, first);
        const size_t n = (uint64_t)(last - first) < most ? (size_t)(last - first) : most;
        if (r.packed != NULL)
            cxm_priv_packed_read(r.packed, first, n, last);
        r.ahead.far_only = r.small != NULL;
        cxm_priv_ahead_plan(&r.ahead, config, sources, first + (int64_t)n, last);
        if (r.small != NULL || r.moments == NULL)
            cxm_priv_ahead_all(&r.ahead);
        size_t done = 0;
        if (r.small != NULL)
            status = add_small_block(&r, first, n, &done, error);
        else if (r.packed != NULL)
            done = (size_t)add_plain_rows(&r, first, first + (int64_t)n, &status, error);
        if (status == CXM_OK && done == 0 && n > CXM_BLOCK) { /* again, block by block, and some more */
            r.small_until = first + 16 * CXM_SMALL_BLOCK;
            continue;
        }
        if (status == CXM_OK && done == 0)
            status = add_block(&r, first, n, error);
        first += (int64_t)(done > 0 ? done : n);
    }
    if (status == CXM_OK && r.small != NULL && !cxm_priv_small_flush(r.small, &state->groups))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK && r.moments != NULL && !cxm_priv_moments_flush(r.moments, &state->groups))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK) {
        cxm_priv_table_normalise(&state->groups);
        cxm_priv_table_normalise(&state->values);
        cxm_priv_table_normalise(&state->frame);
    }
    cxm_priv_grouper_release(&r.grouper);
    cxm_priv_release(config->allocator, r.readers);
    cxm_priv_scratch_free(r.scratch);
    cxm_priv_moments_free(r.moments);
    cxm_priv_keyed_release(&r.keyed);
    cxm_priv_packed_free(r.packed);
    cxm_priv_small_free(r.small);
    return status;
}

enum cxm_status cxm_priv_add_range(const struct cxm_config *config,
                                   const struct cxm_sources *sources, int64_t first,
                                   int64_t last, struct cxm_state *state,
                                   struct cxm_error *error)
{
    /* For metrics of times it was tried before, with all rows. */
    switch (config->rules->dense_times
                ? CXM_DENSE_NO : cxm_priv_dense_range(config, sources, first, last, state)) {
    case CXM_DENSE_DONE:
        cxm_priv_table_settle(&state->groups);
        return CXM_OK;
    case CXM_DENSE_NO_MEMORY:
        return cxm_priv_no_memory(error);
    case CXM_DENSE_NO:
        break;
    }
    if (state->groups.dict.n > 0) { /* it had begun */
        cxm_priv_state_release(state);
        if (!cxm_priv_state_init(state, config, sources->weight != NULL,
                                 cxm_priv_sources_margins(sources)))
            return cxm_priv_no_memory(error);
    }
    const enum cxm_status status = add_blocks(config, sources, first, last, state, error);
    if (status == CXM_OK)
        cxm_priv_table_settle(&state->groups);
    return status;
}
