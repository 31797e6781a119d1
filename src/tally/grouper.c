/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Group numbers of a block of rows. One key of whole numbers that lie near each other goes
 * through an array; all else is encoded and looked up in the dictionary of the table, several keys
 * unless they came together a short while ago. */
#include "tally/grouper.h"
#include "tally/memo.h"

#include <math.h>

enum { DIRECT_LIMIT = 1 << 22, RECENT_BITS = 12, RECENT_ROWS = 1024 };

void cxm_priv_grouper_release(struct cxm_grouper *g)
{
    cxm_priv_release(g->allocator, g->direct.groups);
    cxm_priv_release(g->allocator, g->recent);
    cxm_priv_release(g->allocator, g->key);
    cxm_priv_release(g->allocator, g->words);
    cxm_priv_release(g->allocator, g->texts);
    cxm_priv_release(g->allocator, g->states);
}

/* Texts that are not of a dictionary lie somewhere else in each row. */
static bool keeps_recent(const struct cxm_sources *sources)
{
    bool all = sources->n_keys > 1 && sources->n_keys <= CXM_RECENT_KEYS
            && sources->n >= RECENT_ROWS;
    for (uint32_t k = 0; k < sources->n_keys; k++)
        all = all && (sources->plans[k].words || sources->keys[k]->dictionary != NULL);
    return all;
}

bool cxm_priv_grouper_init(struct cxm_grouper *g, const struct cxm_sources *sources,
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
    if (keeps_recent(sources)) /* failing to is no error */
        g->recent = cxm_priv_alloc_zero(allocator, (size_t)1 << RECENT_BITS, sizeof *g->recent);
    g->words = cxm_priv_alloc(allocator, n, sizeof *g->words);
    g->texts = cxm_priv_alloc(allocator, n, sizeof *g->texts);
    g->states = cxm_priv_alloc(allocator, n, sizeof *g->states);
    return g->words != NULL && g->texts != NULL && g->states != NULL;
}

static const struct cxm_key_plan *plan_of(const struct cxm_grouper *g, uint32_t k)
{
    return k < g->sources->n_keys ? &g->sources->plans[k] : &g->sources->value_plan;
}

void cxm_priv_read_key(struct cxm_grouper *g, uint32_t k, int64_t first, size_t n)
{
    const struct cxm_key_plan *plan = plan_of(g, k);
    if (plan->words)
        cxm_priv_read_key_words(&g->readers[k], plan, first, n, g->words[k], g->states[k]);
    else
        cxm_priv_read_key_text(&g->readers[k], first, n, g->texts[k], g->states[k]);
}

bool cxm_priv_reserve_key(struct cxm_grouper *g, size_t n)
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
bool cxm_priv_encode_key(struct cxm_grouper *g, uint32_t k, size_t row, size_t *used)
{
    const struct cxm_text *text = &g->texts[k][row];
    const bool words = plan_of(g, k)->words;
    if (g->states[k][row] != CXM_ROW_USED) {
        if (!cxm_priv_reserve_key(g, *used + 1))
            return false;
        g->key[(*used)++] = CXM_TAG_MISSING;
        return true;
    }
    if (!cxm_priv_reserve_key(g, *used + (words ? 9 : 2 * text->n + 3)))
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

static uint32_t find_group(struct cxm_grouper *g, struct cxm_table *groups, size_t row)
{
    size_t used = 0;
    for (uint32_t k = 0; k < g->sources->n_keys; k++) {
        if (!cxm_priv_encode_key(g, k, row, &used))
            return UINT32_MAX;
    }
    return cxm_priv_table_add(groups, g->key, used);
}

/* What a row has of its keys, as long as the call lasts; false: one is missing, or a text too long to say
 * it in 64 bits. */
static bool recent_keys(const struct cxm_grouper *g, size_t row, uint64_t keys[CXM_RECENT_KEYS])
{
    enum { ADDRESS = 48 };
    for (uint32_t k = 0; k < g->sources->n_keys; k++) {
        if (g->states[k][row] != CXM_ROW_USED)
            return false;
        if (plan_of(g, k)->words) {
            keys[k] = g->words[k][row];
            continue;
        }
        const uint64_t at = (uint64_t)(uintptr_t)g->texts[k][row].bytes, n = g->texts[k][row].n;
        if (at >> ADDRESS != 0 || n >> (64 - ADDRESS) != 0)
            return false;
        keys[k] = at | n << ADDRESS;
    }
    return true;
}

/* The group of a row with several keys. */
static uint32_t recall_group(struct cxm_grouper *g, struct cxm_table *groups, size_t row)
{
    struct cxm_recent now = { .group = 0 };
    if (g->recent == NULL || !recent_keys(g, row, now.keys))
        return find_group(g, groups, row);
    uint64_t hash = 0;
    for (int k = 0; k < CXM_RECENT_KEYS; k++)
        hash = cxm_priv_spread_word(hash ^ now.keys[k]);
    struct cxm_recent *known = &g->recent[hash >> (64 - RECENT_BITS)];
    if (known->group == 0 || memcmp(known->keys, now.keys, sizeof now.keys) != 0) {
        now.group = find_group(g, groups, row) + 1; /* 0 when memory is out */
        *known = now;
    }
    return known->group - 1;
}

/* Makes the array reach a word, unless that would make it too long, also for so few rows;
 * failing to is no error. */
static void extend_direct(struct cxm_direct *d, const struct cxm_allocator *allocator, int64_t rows,
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
    *d = (struct cxm_direct){ grown, first, size };
}

static uint32_t word_group(struct cxm_grouper *g, struct cxm_table *groups, size_t row)
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

static enum cxm_status bad_key(const struct cxm_grouper *g, uint32_t k, int64_t row,
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

static enum cxm_status bad_design(const struct cxm_grouper *g, uint32_t k, int64_t row, bool missing,
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
static enum cxm_status check_design(const struct cxm_grouper *g, size_t i, int64_t row,
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

/* One loop for each type of key: all in one function would run out of registers. False where a key has
 * no group yet; out then holds anything. */
#define LOOK_UP(NAME, TYPE)                                                                      \
    CXM_NOINLINE static bool look_up_##NAME(const char *keys, int64_t stride, size_t n,          \
                                            uint64_t flip, const struct cxm_direct *d,           \
                                            uint32_t *restrict out)                              \
    {                                                                                            \
        const uint32_t *const groups = d->groups;                                                \
        const uint64_t base = d->base, size = d->size;                                           \
        bool all = true;                                                                         \
        for (size_t i = 0; i < n; i++) {                                                         \
            TYPE key;                                                                            \
            memcpy(&key, keys + (int64_t)i * stride, sizeof key);                                \
            const uint64_t at = ((uint64_t)(int64_t)key ^ flip) - base;                          \
            if (CXM_UNLIKELY(at >= size))                                                        \
                return false;                                                                    \
            out[i] = groups[at] - 1;                                                             \
            all &= out[i] != UINT32_MAX;                                                         \
        }                                                                                        \
        return all;                                                                              \
    }

LOOK_UP(i8, int8_t)
LOOK_UP(u8, uint8_t)
LOOK_UP(i16, int16_t)
LOOK_UP(u16, uint16_t)
LOOK_UP(i32, int32_t)
LOOK_UP(u32, uint32_t)
LOOK_UP(i64, int64_t)

/* All groups of a block at once, where its only key is a bare column and all are known. */
static bool look_up(const struct cxm_grouper *g, int64_t first, size_t n, uint32_t *out)
{
    const struct cxm_column *c = g->sources->keys[0];
    const int32_t type = plan_of(g, 0)->info.type;
    if (g->keys_wanted || g->sources->n_keys != 1 || g->direct.size == 0 || !cxm_priv_is_bare(c)
        || (type != CXM_KEY_INT && type != CXM_KEY_UINT))
        return false;
    const uint64_t flip = type == CXM_KEY_INT ? (uint64_t)1 << 63 : 0;
    const char *keys = (const char *)c->data + (c->offset + first) * c->stride;
    switch ((enum cxm_type)c->type) {
    case CXM_I8: return look_up_i8(keys, c->stride, n, flip, &g->direct, out);
    case CXM_U8: return look_up_u8(keys, c->stride, n, flip, &g->direct, out);
    case CXM_I16: return look_up_i16(keys, c->stride, n, flip, &g->direct, out);
    case CXM_U16: return look_up_u16(keys, c->stride, n, flip, &g->direct, out);
    case CXM_I32: return look_up_i32(keys, c->stride, n, flip, &g->direct, out);
    case CXM_U32: return look_up_u32(keys, c->stride, n, flip, &g->direct, out);
    case CXM_I64:
    case CXM_U64: return look_up_i64(keys, c->stride, n, flip, &g->direct, out);
    default: return false;
    }
}

/* The group number of every row of the block; rows left out get UINT32_MAX. A group is made
 * only for rows that have copies. */
enum cxm_status cxm_priv_find_groups(struct cxm_grouper *g, struct cxm_table *groups, int64_t first,
                                   size_t *n, const int64_t *freq, uint32_t *out,
                                   struct cxm_error *error)
{
    const uint32_t n_keys = g->sources->n_keys;
    if (freq == NULL && look_up(g, first, *n, out))
        return CXM_OK;
    for (uint32_t k = 0; k < n_keys; k++)
        cxm_priv_read_key(g, k, first, *n);
    const bool one_word = n_keys == 1 && plan_of(g, 0)->words;
    const bool design = n_keys > g->sources->n_by;
    enum cxm_status status = CXM_OK;
    size_t i = 0;
    if (one_word && freq == NULL && cxm_priv_all_used(g->states[0], *n)) {
        const uint64_t *words = g->words[0]; /* until a key is met that is not known yet */
        const struct cxm_direct d = g->direct;
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
                out[i] = recall_group(g, groups, i);
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
