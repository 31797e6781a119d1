/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Decoding the rows of a block, and naming the lowest one that is wrong. */
#include "tally/range.h"

#include <math.h>

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

void cxm_priv_range_decode(struct cxm_range *r, uint32_t slot, int64_t first, size_t n)
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
static size_t first_invalid(const struct cxm_range *r, uint32_t slot, size_t n)
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

enum cxm_status cxm_priv_range_refuse(struct cxm_range *r, int64_t first, size_t *n,
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

enum cxm_status cxm_priv_range_freq(struct cxm_range *r, int64_t first, size_t *n,
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
