/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adding a range of rows to a fresh state: decode, find groups, apply the rule, accumulate,
 * block by block. */
#include "tally/range.h"
#include "tally/kernels.h"

static enum cxm_status count_rows(struct cxm_range *r, const int64_t *freq, struct cxm_error *error)
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

static void normalise_sometimes(struct cxm_range *r, size_t n)
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
static bool leave_slots(struct cxm_range *r)
{
    const bool room = cxm_priv_moments_flush(r->moments, &r->state->groups);
    cxm_priv_keyed_release(&r->keyed);
    return room;
}

/* The group of every row, or its slot. */
static enum cxm_status find_groups(struct cxm_range *r, int64_t first, size_t *n, const int64_t *freq,
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
static enum cxm_status leave_moments(struct cxm_range *r, int64_t first, struct cxm_error *error)
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
static enum cxm_status add_to_cells(struct cxm_range *r, int64_t first, const int64_t *freq,
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
static void read_weights(struct cxm_range *r, int64_t first, size_t n)
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

static enum cxm_status add_block(struct cxm_range *r, int64_t first, size_t n,
                                 struct cxm_error *error)
{
    struct cxm_scratch *s = r->scratch;
    const struct cxm_sources *sources = r->sources;
    struct cxm_table *groups = &r->state->groups;
    for (uint32_t slot = 0; slot < r->config->n_slots; slot++) {
        if (sources->given[slot])
            cxm_priv_range_decode(r, slot, first, n);
    }
    enum cxm_status status = sources->count_invalid ? CXM_OK
                                                    : cxm_priv_range_refuse(r, first, &n, error);
    const int64_t *freq = sources->freq != NULL ? s->freq : NULL;
    if (freq != NULL)
        status = later(status, cxm_priv_range_freq(r, first, &n, error));
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
        status = cxm_priv_range_frame(r, freq, error);
    if (status != CXM_OK)
        return status;
    if (sources->value != NULL)
        status = cxm_priv_range_values(r, first, freq, error);
    for (uint32_t t = 0; t < r->config->n_table_values && status == CXM_OK; t++)
        status = cxm_priv_range_numbers(r, t, freq, error);
    normalise_sometimes(r, n);
    return status;
}

/* Moves what was summed to the table; with `wide`, goes on with larger numbers. */
static enum cxm_status leave_small(struct cxm_range *r, bool wide, struct cxm_error *error)
{
    bool room = cxm_priv_small_flush(r->small, &r->state->groups);
    cxm_priv_small_free(r->small);
    r->small = NULL;
    if (room && wide)
        room = cxm_priv_small_new(r->config, r->sources, r->config->allocator, 0, true, &r->small);
    return room ? CXM_OK : cxm_priv_no_memory(error);
}

/* Reads a block for them. False: it goes the general way, or when it is large, once more by blocks. */
static bool read_small_block(struct cxm_range *r, int64_t first, size_t n, enum cxm_status *status,
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
static enum cxm_status add_small_block(struct cxm_range *r, int64_t first, size_t n, size_t *done,
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
static bool pack(struct cxm_range *r)
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

static enum cxm_status range_init(struct cxm_range *r, int64_t first, int64_t last,
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
static int64_t add_plain_rows(struct cxm_range *r, int64_t first, int64_t last, enum cxm_status *status,
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
static size_t rows_of_block(const struct cxm_range *r, int64_t first)
{
    const bool large = r->small != NULL && r->packed == NULL && first >= r->small_until;
    return large ? cxm_priv_small_rows(r->small, first) : CXM_BLOCK;
}

static enum cxm_status add_blocks(const struct cxm_config *config,
                                  const struct cxm_sources *sources, int64_t first,
                                  int64_t last, struct cxm_state *state,
                                  struct cxm_error *error)
{
    struct cxm_range r = { .config = config, .sources = sources, .state = state };
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
