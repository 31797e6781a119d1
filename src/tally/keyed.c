/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Slots of keys. Typical: 16 to 1 000 groups of one key, or 20 strata of 50 clusters; extreme: a million
 * combinations, most of which must occur near each other, or be fewer by far than rows. The ranges of the
 * keys come from a look at rows all over the columns, with some room around them for keys that are
 * rare; a row beyond ends it, and everything goes on by looking up groups. */
#include "tally/keyed.h"

enum { LOOKS = 16, LOOK_ROWS = 512, FEW_ROWS = LOOKS * LOOK_ROWS, PAGE_SLOTS = 64, FEW_SLOTS = 2048,
       MANY_SLOTS = CXM_MANY_SLOTS, MOST_SLOTS = CXM_MOST_SLOTS, ROWS_OF_SLOT = 4, KEY_BYTES = 9 };

static bool fits(const struct cxm_sources *sources, uint32_t k)
{
    const struct cxm_column *c = sources->keys[k];
    return sources->roles[k] < CXM_KEY_FPC && cxm_priv_is_bare(c)
        && sources->plans[k].info.type == CXM_KEY_INT && c->type >= CXM_I8 && c->type <= CXM_U32;
}

static int64_t row_of_look(int64_t first, int64_t last, int look)
{
    return first + (last - first - LOOK_ROWS) / (LOOKS - 1) * look;
}

static void find_range(struct cxm_keyed_key *key, int64_t first, int64_t last)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (int i = 0; i < LOOKS; i++) {
        int64_t low, high;
        key->loops.find(cxm_priv_row_of(key->column, row_of_look(first, last, i)),
                        key->column->stride, LOOK_ROWS, &low, &high);
        least = low < least ? low : least;
        most = high > most ? high : most;
    }
    const uint64_t reach = (uint64_t)most - (uint64_t)least;
    key->base = least;
    key->width = reach < MOST_SLOTS ? (uint32_t)reach + 1 : MOST_SLOTS;
}

/* Do the rows that were looked at lie close together? The cells of a group far from others take a
 * page of memory each. (Of rows sorted by group a look sees few groups, far apart: few slots are
 * taken without asking.) */
static bool is_dense(const struct cxm_keyed *k, int64_t first, int64_t last)
{
    uint64_t slots[MANY_SLOTS / 64] = { 0 };
    uint32_t seen = 0, pages = 0, at[LOOK_ROWS];
    for (int i = 0; i < LOOKS; i++) {
        if (!cxm_priv_keyed_slots(k, row_of_look(first, last, i), LOOK_ROWS, at))
            return false;
        for (int j = 0; j < LOOK_ROWS; j++)
            slots[at[j] / 64] |= (uint64_t)1 << at[j] % 64;
    }
    for (int i = 0; i < MANY_SLOTS / PAGE_SLOTS; i++) {
        seen += (uint32_t)__builtin_popcountll(slots[i]);
        pages += slots[i] != 0;
    }
    return PAGE_SLOTS * pages <= 4 * (seen + PAGE_SLOTS);
}

static uint64_t count_slots(const struct cxm_keyed *k)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < k->n_keys && n <= MOST_SLOTS; i++)
        n *= k->keys[i].width;
    return n;
}

/* Few slots cost nothing; more must be near each other, very many are a part of the rows at most. */
static bool is_worth_it(const struct cxm_keyed *k, int64_t first, int64_t last, uint32_t most)
{
    const uint64_t n = count_slots(k);
    if (n >= most)
        return false;
    return n <= FEW_SLOTS || (n < MANY_SLOTS && is_dense(k, first, last))
        || (most > MANY_SLOTS && (uint64_t)(last - first) / ROWS_OF_SLOT >= n);
}

/* A part of the range on both sides, as far as the type of the column goes. */
static void make_room(struct cxm_keyed_key *key, uint32_t part)
{
    const uint64_t high = (uint64_t)key->base + key->width - 1, room = key->width / part + 1;
    const uint64_t below = (uint64_t)key->base - (uint64_t)key->loops.lowest;
    const uint64_t above = (uint64_t)key->loops.highest - high;
    key->base -= (int64_t)(below < room ? below : room);
    key->width = (uint32_t)(high + (above < room ? above : room) - (uint64_t)key->base + 1);
}

bool cxm_priv_keyed_init(struct cxm_keyed *k, const struct cxm_sources *sources, int64_t first,
                         int64_t last, uint32_t most, const struct cxm_allocator *allocator)
{
    memset(k, 0, sizeof *k);
    k->allocator = allocator;
    if (last - first < FEW_ROWS || sources->n_keys == 0 || sources->n_keys > CXM_MOST_KEYED)
        return true;
    for (uint32_t i = 0; i < sources->n_keys; i++) {
        if (!fits(sources, i))
            return true;
        k->keys[i].column = sources->keys[i];
        k->keys[i].loops = cxm_priv_key_loops(sources->keys[i]->type);
        find_range(&k->keys[i], first, last);
    }
    k->n_keys = sources->n_keys;
    if (!is_worth_it(k, first, last, most))
        return true;
    const uint32_t part = count_slots(k) < MANY_SLOTS / 2 ? 4 : 64;
    for (uint32_t i = 0; i < k->n_keys; i++)
        make_room(&k->keys[i], part);
    const uint64_t n = count_slots(k);
    if (n > most)
        return true;
    k->groups = cxm_priv_alloc_zero(allocator, (size_t)n, sizeof *k->groups);
    k->n_slots = k->groups != NULL ? (uint32_t)n : 0;
    return k->groups != NULL;
}

void cxm_priv_keyed_release(struct cxm_keyed *k)
{
    cxm_priv_release(k->allocator, k->groups);
    k->groups = NULL;
    k->n_slots = 0;
}

/* Of four bytes, side by side. Differences are taken modulo 2^32, which is exact: all keys of
 * the range are of the column's type, so that no other value of it has the same difference. */
static bool near_places(const uint8_t *keys, size_t n, uint32_t base, uint32_t width, uint32_t *out)
{
    uint32_t beyond = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t key;
        memcpy(&key, keys + i * sizeof key, sizeof key);
        out[i] = key - base;
        beyond |= out[i] | (width - 1 - out[i]); /* widths are below 2^31 */
    }
    return beyond >> 31 == 0;
}

static bool places(const struct cxm_keyed_key *key, int64_t first, size_t n, uint32_t *out)
{
    const uint8_t *keys = cxm_priv_row_of(key->column, first);
    const int64_t stride = key->column->stride;
    if (key->loops.width == 4 && stride == 4)
        return near_places(keys, n, (uint32_t)key->base, key->width, out);
    uint32_t beyond = 0;
    if (key->loops.load(keys, stride, n, key->base, out) != 0)
        return false;
    for (size_t i = 0; i < n; i++)
        beyond |= out[i] | (key->width - 1 - out[i]);
    return beyond >> 31 == 0;
}

bool cxm_priv_keyed_slots(const struct cxm_keyed *k, int64_t first, size_t n, uint32_t *out)
{
    uint32_t next[CXM_BLOCK];
    if (!places(&k->keys[0], first, n, out))
        return false;
    for (uint32_t i = 1; i < k->n_keys; i++) {
        const uint32_t width = k->keys[i].width;
        if (!places(&k->keys[i], first, n, next))
            return false;
        for (size_t row = 0; row < n; row++)
            out[row] = out[row] * width + next[row];
    }
    return true;
}

uint32_t cxm_priv_keyed_group(struct cxm_keyed *k, struct cxm_table *groups, size_t slot)
{
    uint8_t bytes[CXM_MOST_KEYED * KEY_BYTES];
    if (k->groups[slot] != 0)
        return k->groups[slot] - 1;
    size_t rest = slot;
    for (uint32_t i = k->n_keys; i-- > 0;) {
        const int64_t key = k->keys[i].base + (int64_t)(rest % k->keys[i].width);
        rest /= k->keys[i].width;
        bytes[i * KEY_BYTES] = CXM_TAG_PRESENT;
        cxm_priv_put_u64(bytes + i * KEY_BYTES + 1,
                         __builtin_bswap64((uint64_t)key ^ (uint64_t)1 << 63));
    }
    const uint32_t group = cxm_priv_table_add(groups, bytes, k->n_keys * KEY_BYTES);
    if (group != UINT32_MAX)
        k->groups[slot] = group + 1;
    return group;
}
