/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Adding a range of rows to a fresh state: decode, find groups, apply the rule, accumulate,
 * block by block. One range is one thread's work. */
#include "tally/small.h"
#include "tally/tally.h"
#include "tally/weighed.h"

#include <math.h>

/* ---- group numbers -------------------------------------------------------------------- */

/* Words near each other get their group from an array instead of the dictionary: agents,
 * segments, weeks and the codes of categories are such keys. */
struct direct {
    uint32_t *groups; /* group number + 1 of word base + i, 0 = unknown */
    uint64_t base;
    size_t size;
};

enum { DIRECT_LIMIT = 1 << 22 };

struct grouper {
    const struct cxm_allocator *allocator;
    const struct cxm_sources *sources;
    struct cxm_reader readers[CXM_MOST_KEYS + 1]; /* keys, then the value of the key table */
    struct direct direct;
    uint8_t *key;          /* the encoded key of one row, and of its value */
    size_t key_capacity;
    uint64_t (*words)[CXM_BLOCK];
    struct cxm_text (*texts)[CXM_BLOCK];
    uint8_t (*states)[CXM_BLOCK];
};

static void grouper_release(struct grouper *g)
{
    cxm_priv_release(g->allocator, g->direct.groups);
    cxm_priv_release(g->allocator, g->key);
    cxm_priv_release(g->allocator, g->words);
    cxm_priv_release(g->allocator, g->texts);
    cxm_priv_release(g->allocator, g->states);
}

static bool grouper_init(struct grouper *g, const struct cxm_sources *sources,
                         const struct cxm_allocator *allocator)
{
    memset(g, 0, sizeof *g);
    g->allocator = allocator;
    g->sources = sources;
    const size_t n = sources->n_keys + (sources->value != NULL);
    if (n == 0)
        return true;
    for (uint32_t k = 0; k < sources->n_keys; k++)
        cxm_priv_reader_init(&g->readers[k], sources->keys[k]);
    if (sources->value != NULL)
        cxm_priv_reader_init(&g->readers[sources->n_keys], sources->value);
    g->words = cxm_priv_alloc(allocator, n, sizeof *g->words);
    g->texts = cxm_priv_alloc(allocator, n, sizeof *g->texts);
    g->states = cxm_priv_alloc(allocator, n, sizeof *g->states);
    return g->words != NULL && g->texts != NULL && g->states != NULL;
}

static const struct cxm_key_plan *plan_of(const struct grouper *g, uint32_t k)
{
    return k < g->sources->n_keys ? &g->sources->plans[k] : &g->sources->value_plan;
}

static void read_key(struct grouper *g, uint32_t k, int64_t first, size_t n)
{
    const struct cxm_key_plan *plan = plan_of(g, k);
    if (plan->words)
        cxm_priv_read_key_words(&g->readers[k], plan, first, n, g->words[k], g->states[k]);
    else
        cxm_priv_read_key_text(&g->readers[k], first, n, g->texts[k], g->states[k]);
}

static bool reserve_key(struct grouper *g, size_t n)
{
    if (n <= g->key_capacity)
        return true;
    const size_t capacity = n + n / 2 + 64;
    uint8_t *grown = cxm_priv_grow(g->allocator, g->key, g->key_capacity, capacity, 1);
    if (grown == NULL)
        return false;
    g->key = grown;
    g->key_capacity = capacity;
    return true;
}

/* Appends the key of a row at g->key + used; false: out of memory. */
static bool encode_key(struct grouper *g, uint32_t k, size_t row, size_t *used)
{
    const struct cxm_text *text = &g->texts[k][row];
    const bool words = plan_of(g, k)->words;
    if (g->states[k][row] != CXM_ROW_USED) {
        if (!reserve_key(g, *used + 1))
            return false;
        g->key[(*used)++] = CXM_TAG_MISSING;
        return true;
    }
    if (!reserve_key(g, *used + (words ? 9 : 2 * text->n + 3)))
        return false;
    uint8_t *to = g->key + *used;
    *to++ = CXM_TAG_PRESENT;
    if (words) {
        const uint64_t big = __builtin_bswap64(g->words[k][row]);
        cxm_priv_put_u64(to, big);
        *used += 9;
        return true;
    }
    for (size_t i = 0; i < text->n; i++) {
        *to++ = (uint8_t)text->bytes[i];
        if (text->bytes[i] == '\0')
            *to++ = 0xFF;
    }
    *to++ = 0;
    *to++ = 0;
    *used = (size_t)(to - g->key);
    return true;
}

static uint32_t find_group(struct grouper *g, struct cxm_table *groups, size_t row)
{
    size_t used = 0;
    for (uint32_t k = 0; k < g->sources->n_keys; k++) {
        if (!encode_key(g, k, row, &used))
            return UINT32_MAX;
    }
    return cxm_priv_table_add(groups, g->key, used);
}

/* Makes the array reach a word, unless that would make it too long, also for so few rows;
 * failing to is no error. */
static void extend_direct(struct direct *d, const struct cxm_allocator *allocator, int64_t rows,
                          uint64_t word)
{
    const uint64_t most = rows >= DIRECT_LIMIT / 8 ? DIRECT_LIMIT : 1024 + 8 * (uint64_t)rows;
    /* Both ends inclusive: the end of an array that reaches the last word does not fit. */
    uint64_t first = d->size > 0 ? d->base : word & ~(uint64_t)1023;
    uint64_t last = first + (d->size > 0 ? d->size : 1024) - 1;
    if (word < first)
        first = word;
    if (word > last)
        last = word;
    if (last - first >= most)
        return;
    size_t size = d->size > 0 ? d->size : 1024;
    while (size <= last - first)
        size *= 2;
    if (word < d->base && d->size > 0) /* grow towards smaller words by doubling, too */
        first = last >= size - 1 ? last - (size - 1) : 0;
    else if (first > UINT64_MAX - (size - 1))
        first = UINT64_MAX - (size - 1);
    uint32_t *grown = cxm_priv_alloc_zero(allocator, size, sizeof *grown);
    if (grown == NULL)
        return;
    if (d->size > 0)
        memcpy(grown + (d->base - first), d->groups, d->size * sizeof *grown);
    cxm_priv_release(allocator, d->groups);
    *d = (struct direct){ grown, first, size };
}

static uint32_t word_group(struct grouper *g, struct cxm_table *groups, size_t row)
{
    const uint64_t word = g->words[0][row];
    const uint32_t group = find_group(g, groups, row);
    if (group == UINT32_MAX)
        return group;
    if (word - g->direct.base >= g->direct.size)
        extend_direct(&g->direct, g->allocator, g->sources->n, word);
    if (word - g->direct.base < g->direct.size)
        g->direct.groups[word - g->direct.base] = group + 1;
    return group;
}

static enum cxm_status bad_key(const struct grouper *g, uint32_t k, int64_t row,
                               struct cxm_error *error)
{
    const struct cxm_column *column = g->sources->keys[k];
    const char *name = column->name != NULL ? column->name : "by";
    char text[64];
    cxm_priv_value_text(column, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, which is outside the range of this key.", name,
                            (long long)row, text);
}

static enum cxm_status bad_design(const struct grouper *g, uint32_t k, int64_t row, bool missing,
                                  struct cxm_error *error)
{
    const struct cxm_column *column = g->sources->keys[k];
    const char *role = cxm_priv_role_name((enum cxm_key_role)g->sources->roles[k]);
    const char *name = column->name != NULL ? column->name : role;
    char text[64];
    cxm_priv_value_text(column, row, text, sizeof text);
    if (missing)
        return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                                "%s: row %lld is missing; every row of a sampling design needs "
                                "its %s.", name, (long long)row, role);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s; it counts the population (units of the "
                            "stratum), so it is 1 or more.", name, (long long)row, text);
}

/* Every row has its stratum, unit and population: is one missing, or a population no count? */
static enum cxm_status check_design(const struct grouper *g, size_t i, int64_t row,
                                    struct cxm_error *error)
{
    for (uint32_t k = g->sources->n_by; k < g->sources->n_keys; k++) {
        struct cxm_key key;
        if (g->states[k][i] == CXM_ROW_MISSING)
            return bad_design(g, k, row, true, error);
        if (g->sources->roles[k] != CXM_KEY_FPC && g->sources->roles[k] != CXM_KEY_FPC_2)
            continue;
        cxm_priv_key_from_word(plan_of(g, k)->info.type, g->words[k][i], &key);
        const double population = cxm_priv_key_number(&key);
        if (!(population >= 1 && isfinite(population)))
            return bad_design(g, k, row, false, error);
    }
    return CXM_OK;
}

/* The group number of every row of the block; rows left out get UINT32_MAX. A group is made
 * only for rows that have copies. */
static enum cxm_status find_groups(struct grouper *g, struct cxm_table *groups, int64_t first,
                                   size_t *n, const int64_t *freq, uint32_t *out,
                                   struct cxm_error *error)
{
    const uint32_t n_keys = g->sources->n_keys;
    for (uint32_t k = 0; k < n_keys; k++)
        read_key(g, k, first, *n);
    const bool one_word = n_keys == 1 && plan_of(g, 0)->words;
    const bool design = n_keys > g->sources->n_by;
    enum cxm_status status = CXM_OK;
    size_t i = 0;
    if (one_word && freq == NULL && cxm_priv_all_used(g->states[0], *n)) {
        const uint64_t *words = g->words[0]; /* until a key is met that is not known yet */
        const struct direct d = g->direct;
        for (; i < *n; i++) {
            const uint64_t at = words[i] - d.base;
            const uint32_t known = at < d.size ? d.groups[at] : 0;
            if (CXM_UNLIKELY(known == 0))
                break;
            out[i] = known - 1;
        }
    }
    for (; i < *n; i++) {
        if (one_word && g->states[0][i] == CXM_ROW_USED && (freq == NULL || freq[i] > 0)) {
            const uint64_t at = g->words[0][i] - g->direct.base;
            if (CXM_LIKELY(at < g->direct.size && g->direct.groups[at] != 0)) {
                out[i] = g->direct.groups[at] - 1;
                continue;
            }
            if (design)
                status = check_design(g, i, first + (int64_t)i, error);
            if (status == CXM_OK)
                out[i] = word_group(g, groups, i);
        } else {
            bool missing = false;
            for (uint32_t k = 0; k < n_keys; k++) {
                if (g->states[k][i] == CXM_ROW_INVALID) {
                    *n = i;
                    return bad_key(g, k, first + (int64_t)i, error);
                }
                missing = missing || g->states[k][i] == CXM_ROW_MISSING;
            }
            if ((missing && g->sources->leave_out_missing_keys)
                || (freq != NULL && freq[i] == 0)) {
                out[i] = UINT32_MAX;
                continue;
            }
            if (design)
                status = check_design(g, i, first + (int64_t)i, error);
            if (status == CXM_OK)
                out[i] = find_group(g, groups, i);
        }
        if (status != CXM_OK) {
            *n = i;
            return status;
        }
        if (out[i] == UINT32_MAX) {
            *n = i;
            return cxm_priv_no_memory(error);
        }
    }
    return CXM_OK;
}

/* ---- decoding ------------------------------------------------------------------------- */

struct range {
    const struct cxm_config *config;
    const struct cxm_sources *sources;
    struct cxm_state *state;
    struct cxm_scratch *scratch;
    struct grouper grouper;
    struct cxm_reader *readers; /* by slot */
    struct cxm_reader weight, freq;
    struct cxm_weighed *weighed; /* NULL: weights go straight into the table */
    struct cxm_small *small;     /* NULL: no short cut for small whole numbers */
    int64_t since_normalised;
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
    read_key(&r->grouper, k, first, s->block.n);
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        if (!s->block.in_key_table[i] || copies == 0 || s->groups[i] == UINT32_MAX)
            continue;
        size_t used = 0;
        bool room = true;
        for (uint32_t key = 0; key <= k && room; key++)
            room = encode_key(&r->grouper, key, i, &used);
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
            room = encode_key(&r->grouper, key, i, &used);
        if (!room || !reserve_key(&r->grouper, used + CXM_NUMBER_KEY_BYTES))
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

/* Into the table, or into the cells of weights as long as they are few enough. */
static enum cxm_status add_to_cells(struct range *r, int64_t first, const int64_t *freq,
                                    struct cxm_error *error)
{
    struct cxm_scratch *s = r->scratch;
    struct cxm_table *groups = &r->state->groups;
    const uint32_t *group = r->sources->n_keys > 0 ? s->groups : NULL;
    if (r->weighed != NULL) {
        const enum cxm_weighed_result result = cxm_priv_weighed_add(
            r->weighed, groups, group, s->block.unit_codes[0], s->weight, s->block.n);
        if (result == CXM_WEIGHED_ADDED)
            return CXM_OK;
        if (result == CXM_WEIGHED_NO_MEMORY || !cxm_priv_weighed_flush(r->weighed, groups))
            return cxm_priv_no_memory(error);
        cxm_priv_weighed_free(r->weighed);
        r->weighed = NULL;
        const enum cxm_status status = cxm_priv_block_prepare(s, groups, first, error);
        if (status != CXM_OK)
            return status;
    }
    cxm_priv_block_add(s, groups, group, freq);
    return CXM_OK;
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
        status = later(status,
                       find_groups(&r->grouper, groups, first, &n, freq, s->groups, error));
    if (sources->weight != NULL)
        cxm_priv_read_numbers(&r->weight, first, n, s->weight, s->weight_state);
    s->block.n = n;
    r->config->rules->rule(r->config, &s->block);
    status = later(status, cxm_priv_block_check(s, sources, first, error));
    if (r->weighed == NULL)
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

/* Items of small whole numbers. *done stays false where the block has to go the general way, which
 * then also tells what is wrong with it. */
static enum cxm_status add_small_block(struct range *r, int64_t first, size_t n, bool *done,
                                       struct cxm_error *error)
{
    struct cxm_table *groups = &r->state->groups;
    struct cxm_scratch *s = r->scratch;
    if (cxm_priv_small_read(r->small, first, n) != CXM_SMALL_DONE)
        return CXM_OK;
    enum cxm_small_result result = cxm_priv_small_add(r->small, groups, first, n, NULL);
    const bool counted = result == CXM_SMALL_GROUPS;
    if (counted) {
        size_t whole = n;
        const enum cxm_status status = find_groups(&r->grouper, groups, first, &whole, NULL,
                                                   s->groups, error);
        if (status != CXM_OK) /* the general way may find a lower row */
            return status == CXM_ENOMEM ? status : CXM_OK;
        result = cxm_priv_small_add(r->small, groups, first, n, s->groups);
    }
    if (result == CXM_SMALL_NO_MEMORY)
        return cxm_priv_no_memory(error);
    if (result == CXM_SMALL_FULL) {
        const bool room = cxm_priv_small_flush(r->small, groups);
        cxm_priv_small_free(r->small);
        r->small = NULL;
        return room ? CXM_OK : cxm_priv_no_memory(error);
    }
    s->block.n = n;
    *done = true;
    if (counted)
        return count_rows(r, NULL, error);
    r->state->rows += (int64_t)n;
    return CXM_OK;
}

static enum cxm_status range_init(struct range *r, size_t rows, struct cxm_error *error)
{
    const struct cxm_allocator *allocator = r->config->allocator;
    r->scratch = cxm_priv_scratch_new(r->config, r->sources->weight != NULL, rows, allocator);
    r->readers = cxm_priv_alloc(allocator, r->config->n_slots, sizeof *r->readers);
    if (r->scratch == NULL || r->readers == NULL
        || !grouper_init(&r->grouper, r->sources, allocator))
        return cxm_priv_no_memory(error);
    const struct cxm_unit_spec *unit = r->config->units;
    if (r->sources->weight != NULL && r->sources->freq == NULL && r->config->n_units == 1
        && unit->variables == 0 && r->sources->value == NULL && r->config->n_table_values == 0) {
        r->weighed = cxm_priv_weighed_new(r->config, allocator);
        if (r->weighed == NULL)
            return cxm_priv_no_memory(error);
    }
    enum { FEW_ROWS = 512 };
    if (rows >= FEW_ROWS && !cxm_priv_small_new(r->config, r->sources, allocator, &r->small))
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

static enum cxm_status add_blocks(const struct cxm_config *config,
                                  const struct cxm_sources *sources, int64_t first,
                                  int64_t last, struct cxm_state *state,
                                  struct cxm_error *error)
{
    struct range r = { .config = config, .sources = sources, .state = state };
    enum cxm_status status = range_init(&r, (size_t)(last - first), error);
    while (status == CXM_OK && first < last) {
        const size_t n = last - first < CXM_BLOCK ? (size_t)(last - first) : CXM_BLOCK;
        bool done = false;
        if (r.small != NULL)
            status = add_small_block(&r, first, n, &done, error);
        if (status == CXM_OK && !done)
            status = add_block(&r, first, n, error);
        first += (int64_t)n;
    }
    if (status == CXM_OK && r.small != NULL && !cxm_priv_small_flush(r.small, &state->groups))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK && r.weighed != NULL && !cxm_priv_weighed_flush(r.weighed, &state->groups))
        status = cxm_priv_no_memory(error);
    if (status == CXM_OK) {
        cxm_priv_table_normalise(&state->groups);
        cxm_priv_table_normalise(&state->values);
        cxm_priv_table_normalise(&state->frame);
    }
    grouper_release(&r.grouper);
    cxm_priv_release(config->allocator, r.readers);
    cxm_priv_scratch_free(r.scratch);
    cxm_priv_weighed_free(r.weighed);
    cxm_priv_small_free(r.small);
    return status;
}

enum cxm_status cxm_priv_add_range(const struct cxm_config *config,
                                   const struct cxm_sources *sources, int64_t first,
                                   int64_t last, struct cxm_state *state,
                                   struct cxm_error *error)
{
    switch ((config->rules->dense_times ? cxm_priv_dense_times : cxm_priv_dense_range)(
        config, sources, first, last, state)) {
    case CXM_DENSE_DONE:
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
    return add_blocks(config, sources, first, last, state, error);
}
