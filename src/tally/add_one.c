/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adding one row: SQL engines call once a row. The same rule and the same accumulation as for
 * blocks, on a block of one, straight into the tally: everything that can fail happens first. */
#include "tally/tally.h"

#include <math.h>

/* The code of a rating or flag, as cxm_priv_read_codes gives it. */
static uint16_t code_of(double value, double low, uint32_t bins)
{
    if (isnan(value))
        return (uint16_t)bins;
    const double k = value - low;
    if (!(k >= 0 && k < bins) || k != floor(k))
        return (uint16_t)(bins + 1);
    return (uint16_t)k;
}

static uint8_t state_of(double value, double low, double high, bool whole)
{
    if (isnan(value))
        return CXM_ROW_MISSING;
    if (!(value >= low && value <= high) || isinf(value) || (whole && value != floor(value)))
        return CXM_ROW_INVALID;
    return CXM_ROW_USED;
}

/* Puts a value into the block; false: it is invalid. */
static bool decode_one(const struct cxm_config *config, struct cxm_block *block, int role,
                       double value)
{
    const uint32_t slot = config->slot[role];
    const double low = config->lowest[role], high = config->highest[role];
    switch ((enum cxm_role)config->rules->info->inputs[role].role) {
    case CXM_ROLE_RATING: {
        const uint32_t bins = (uint32_t)(high - low) + 1;
        block->codes[slot][0] = code_of(value, low, bins);
        return block->codes[slot][0] != bins + 1;
    }
    case CXM_ROLE_FLAG:
        block->codes[slot][0] = code_of(value, 0, 2);
        return block->codes[slot][0] != 3;
    case CXM_ROLE_COUNT:
        block->values[slot][0] = value;
        block->states[slot][0] = state_of(value, 0, INFINITY, true);
        return block->states[slot][0] != CXM_ROW_INVALID;
    default:
        block->values[slot][0] = value;
        block->states[slot][0] = state_of(value, low, high,
                                          config->rules->info->inputs[role].role
                                              == CXM_ROLE_MONEY);
        return block->states[slot][0] != CXM_ROW_INVALID;
    }
}

static enum cxm_status refuse(const struct cxm_config *config, int role, double value,
                              struct cxm_error *error)
{
    const struct cxm_column column = cxm_column_make(NULL, CXM_F64, &value, 1, sizeof value, 8);
    return cxm_priv_invalid_value(config, config->slot[role], &column, 0, error);
}

static enum cxm_status check_call(const struct cxm_tally *tally, const double *values,
                                  size_t n_values, bool weighted, int64_t freq,
                                  struct cxm_error *error)
{
    if (tally == NULL || (values == NULL && n_values > 0))
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "tally or values is NULL");
    const struct cxm_metric_info *info = tally->config.rules->info;
    for (int r = 0; r < info->n_inputs; r++) {
        if (info->inputs[r].many || (info->inputs[r].role == CXM_ROLE_KEY && n_values > (size_t)r))
            return cxm_priv_fail(error, CXM_EUNSUPPORTED, info->inputs[r].name,
                                 "%s takes its rows through cxm_tally_add", info->name);
    }
    if (n_values > (size_t)info->n_inputs
        || (n_values < (size_t)info->n_inputs && !info->inputs[n_values].optional))
        return cxm_priv_fail(error, CXM_EINVAL, "values", "%s takes %d values, not %zu",
                             info->name, info->n_inputs, n_values);
    if (freq < 0)
        return cxm_priv_fail(error, CXM_EDATA, "freq", "freq must be 0 or more");
    if (weighted && tally->config.rules->unweighted)
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, "weight", "%s takes no survey weights",
                             info->name);
    if (tally->state.rows == 0)
        return CXM_OK;
    if (tally->schema.n_keys > 0)
        return cxm_priv_fail(error, CXM_EMISMATCH, "by", "the tally has keys");
    if (tally->schema.n_design > 0)
        return cxm_priv_fail(error, CXM_EMISMATCH, "strata", "the tally has a sampling design");
    if (tally->schema.weighted != weighted)
        return cxm_priv_fail(error, CXM_EMISMATCH, "weight",
                             "one has survey weights, the other has none");
    uint32_t given = 0;
    for (size_t r = 0; r < n_values; r++)
        given |= info->inputs[r].optional ? 1u << r : 0;
    if (tally->schema.given != given)
        return cxm_priv_fail(error, CXM_EMISMATCH, "values",
                             "earlier rows were counted with other optional inputs");
    return CXM_OK;
}

/* A state with the one group of a tally without keys. */
static bool start(struct cxm_state *state, const struct cxm_config *config, bool weighted)
{
    if (!cxm_priv_state_init(state, config, weighted, false))
        return false;
    if (cxm_priv_table_add(&state->groups, (const uint8_t *)"", 0) != UINT32_MAX)
        return true;
    cxm_priv_state_release(state);
    return false;
}

/* The first row fixes the schema: no keys, weights or not, the optional inputs given. */
static void take_over(struct cxm_tally *tally, const struct cxm_state *state, size_t n_values,
                      bool weighted)
{
    const struct cxm_metric_info *info = tally->config.rules->info;
    struct cxm_scratch *one = tally->one; /* what it knows is of this state */
    tally->one = NULL;
    cxm_priv_tally_begin(tally, state);
    tally->one = one;
    tally->schema.weighted = weighted;
    for (size_t r = 0; r < n_values; r++)
        tally->schema.given |= info->inputs[r].optional ? 1u << r : 0;
    tally->schema.has_values = tally->config.n_table_values > 0;
    tally->schema.values_type = tally->schema.has_values ? CXM_KEY_REAL : 0;
}

static enum cxm_status scratch_of(struct cxm_tally *tally, size_t n_values, bool weighted,
                                  struct cxm_error *error)
{
    struct cxm_scratch *s = tally->one;
    if (s == NULL || s->weighted != weighted) {
        s = cxm_priv_scratch_new(&tally->config, weighted, 1, &tally->allocator);
        if (s != NULL)
            s->given = cxm_priv_alloc_zero(&tally->allocator, tally->config.n_slots, 1);
        if (s == NULL || s->given == NULL) {
            cxm_priv_scratch_free(s);
            return cxm_priv_no_memory(error);
        }
        cxm_priv_scratch_free(tally->one);
        tally->one = s;
    }
    for (size_t r = 0; r < (size_t)tally->config.rules->info->n_inputs; r++)
        s->given[tally->config.slot[r]] = r < n_values;
    s->block.given = s->given;
    s->block.n = 1;
    return CXM_OK;
}

/* The keys of the row's numbers in the key table; those that are not counted in the end stay
 * zero, which is as if they were not there. */
static bool find_values(const struct cxm_tally *tally, struct cxm_state *state,
                        uint32_t at[CXM_MAX_TABLE_VALUES])
{
    const struct cxm_block *b = &tally->one->block;
    for (uint32_t t = 0; t < tally->config.n_table_values; t++) {
        uint8_t key[CXM_NUMBER_KEY_BYTES];
        if (b->table_counters[t][0] == CXM_NO_COUNTER)
            continue;
        cxm_priv_put_number_key(key, b->table_values[t][0]);
        at[t] = cxm_priv_table_add(&state->values, key, sizeof key);
        if (at[t] == UINT32_MAX)
            return false;
    }
    return true;
}

static void add_values(const struct cxm_tally *tally, struct cxm_state *state,
                       const uint32_t at[CXM_MAX_TABLE_VALUES], int64_t freq)
{
    const struct cxm_block *b = &tally->one->block;
    for (uint32_t t = 0; t < tally->config.n_table_values; t++) {
        if (b->table_counters[t][0] != CXM_NO_COUNTER)
            cxm_priv_table_cell(&state->values, at[t])[b->table_counters[t][0]] += freq;
    }
}

/* Everything that can fail before the row is counted. */
static enum cxm_status prepare(const struct cxm_tally *tally, struct cxm_state *state,
                               int64_t freq, uint32_t at[CXM_MAX_TABLE_VALUES],
                               struct cxm_error *error)
{
    int64_t rows;
    if (__builtin_add_overflow(tally->state.rows, freq, &rows))
        return cxm_priv_fail(error, CXM_EOVERFLOW, "freq",
                             "more than 9223372036854775807 rows");
    /* A total of rows that were all left out has no group yet. */
    if (state->groups.dict.n == 0
        && cxm_priv_table_add(&state->groups, (const uint8_t *)"", 0) == UINT32_MAX)
        return cxm_priv_no_memory(error);
    if (!find_values(tally, state, at))
        return cxm_priv_no_memory(error);
    const enum cxm_status status = cxm_priv_block_check(tally->one, NULL, 0, error);
    if (status != CXM_OK)
        return status;
    return cxm_priv_block_prepare(tally->one, &state->groups, 0, error);
}

enum cxm_status cxm_tally_add_one(struct cxm_tally *tally, const double *values, size_t n_values,
                                  const double *weight, int64_t freq, struct cxm_error *error)
{
    enum cxm_status status = check_call(tally, values, n_values, weight != NULL, freq, error);
    if (status == CXM_OK)
        status = scratch_of(tally, n_values, weight != NULL, error);
    if (status != CXM_OK)
        return status;
    struct cxm_scratch *s = tally->one;
    for (size_t r = 0; r < n_values; r++) {
        if (!decode_one(&tally->config, &s->block, (int)r, values[r]))
            return refuse(&tally->config, (int)r, values[r], error);
    }
    if (freq == 0)
        return CXM_OK;
    if (weight != NULL) {
        s->weight[0] = *weight;
        s->weight_state[0] = isnan(*weight) ? CXM_ROW_MISSING : CXM_ROW_USED;
    }
    tally->config.rules->rule(&tally->config, &s->block);
    const bool first = tally->state.rows == 0;
    struct cxm_state fresh;
    if (first) {
        s->windows_known = false;
        if (!start(&fresh, &tally->config, weight != NULL))
            return cxm_priv_no_memory(error);
    }
    struct cxm_state *state = first ? &fresh : &tally->state;
    uint32_t at[CXM_MAX_TABLE_VALUES] = { 0 };
    status = prepare(tally, state, freq, at, error);
    if (status != CXM_OK && first)
        cxm_priv_state_release(&fresh);
    if (status != CXM_OK)
        return status;
    cxm_priv_block_add(s, &state->groups, NULL, freq == 1 ? NULL : &freq);
    add_values(tally, state, at, freq);
    if (state->groups.layout.n_sums > 0)
        cxm_priv_sums_carry_one(s, &state->groups);
    state->rows += freq;
    if (first)
        take_over(tally, &fresh, n_values, weight != NULL);
    return CXM_OK;
}
