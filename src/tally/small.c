/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut for items whose answers are small whole numbers, as nearly all are. A metric
 * describes each of its units by one or two whole linear forms of its inputs (the answer, the sum
 * of the answers); columns become bytes, sums become two bytes of 7 bits, and small_rows.c sums
 * bytes, squares and products by group. From these the counts and sums of the general road follow
 * exactly:
 *   x = b + c, y = d + e:  sum x y = sum b d + e sum b + c sum d + c e n,
 *   x = l + 128 h + c:     sum x^2 from the sums of l, h, l^2, l h and h^2.
 * Blocks with other values take the general road (range.c), into the same groups.
 *
 * Memory of a thread: 2 KiB a group for every 16 bytes of a row (five pairs and their sum are 12),
 * at most 5 120 groups, then the general road goes on; 4 bytes a key between the smallest and the
 * largest, at most 256 KiB. */
#include "tally/ahead.h"
#include "tally/small_parts.h"

/* ---- making ------------------------------------------------------------------------------ */

/* Does a column lie there plainly, near enough to be fetched ahead? */
static bool is_near(const struct cxm_column *c)
{
    return c->n_chunks == 0 && c->data != NULL && c->stride >= 1 && c->stride <= CXM_NEAR_STRIDE;
}

/* Must any input be turned into bytes? */
static bool any_wide(const struct cxm_config *config, const struct cxm_sources *sources)
{
    bool wide = false;
    for (uint32_t slot = 0; slot < config->n_slots; slot++)
        wide = wide || (sources->given[slot] && sources->slots[slot]->stride > 1);
    return wide;
}

/* Large blocks of few columns that lie there plainly, and of many rows. */
static size_t block_of(const struct cxm_config *config, const struct cxm_sources *sources,
                       size_t rows)
{
    enum { MOST_COLUMNS = 16 };
    bool large = rows >= 4 * CXM_SMALL_BLOCK && config->n_slots <= MOST_COLUMNS;
    for (uint32_t slot = 0; large && slot < config->n_slots; slot++)
        large = !sources->given[slot] || is_near(sources->slots[slot]);
    for (uint32_t k = 0; large && k < sources->n_keys; k++)
        large = is_near(sources->keys[k]);
    return large ? CXM_SMALL_BLOCK : CXM_BLOCK;
}

/* With rows of one kind; *out stays NULL where that is not possible. False: out of memory. */
static bool make(const struct cxm_config *config, const struct cxm_sources *sources,
                 const struct cxm_allocator *allocator, size_t rows, bool nibbles,
                 struct cxm_small **out)
{
    struct cxm_small *s = cxm_priv_alloc_zero(allocator, 1, sizeof *s);
    int32_t *coefs = cxm_priv_alloc(allocator, 2 * (size_t)config->n_slots, sizeof *coefs);
    bool possible = false, room = s != NULL && coefs != NULL;
    if (s != NULL)
        s->allocator = allocator;
    if (room) {
        s->config = config;
        s->sources = sources;
        s->nibbles = nibbles;
        s->kernels = nibbles ? cxm_priv_nibble_kernels(0) : cxm_priv_small_kernels(0);
        s->slots.stripes = s->stripes;
        const bool nearer = s->kernels.nearer && any_wide(config, sources);
        s->block = nearer ? CXM_BLOCK : block_of(config, sources, rows);
        s->further = nearer ? CXM_BLOCK / 8 : CXM_BLOCK / 2;
        s->slots.add = s->kernels.add;
        s->slots.eights = s->kernels.eights;
        s->by_key = cxm_priv_small_is_direct(sources);
        room = cxm_priv_small_set_up(s, coefs, &possible);
    }
    cxm_priv_release(allocator, coefs);
    if (room && possible)
        *out = s;
    else
        cxm_priv_small_free(s);
    return room;
}

bool cxm_priv_small_new(const struct cxm_config *config, const struct cxm_sources *sources,
                        const struct cxm_allocator *allocator, size_t rows, bool wide,
                        struct cxm_small **out)
{
    *out = NULL;
    if (config->rules->form == NULL || sources->weight != NULL || sources->freq != NULL
        || sources->value != NULL || config->n_table_values > 0
        || cxm_priv_sources_margins(sources))
        return true;
    if (!wide && !make(config, sources, allocator, rows, true, out))
        return false;
    return *out != NULL || make(config, sources, allocator, rows, false, out);
}

void cxm_priv_small_free(struct cxm_small *s)
{
    if (s == NULL)
        return;
    cxm_priv_release(s->allocator, s->slots.cursors);
    cxm_priv_release(s->allocator, s->slots.groups);
    cxm_priv_release(s->allocator, s->rows_memory);
    cxm_priv_release(s->allocator, s->sums_memory);
    cxm_priv_release(s->allocator, s->buffer_memory);
    cxm_priv_release(s->allocator, s->memory);
    cxm_priv_release(s->allocator, s);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Sums of several inputs. False: they do not fit their bytes. */
static bool make_sums(struct cxm_small *s, const struct cxm_small_unit *unit, size_t n)
{
    for (uint32_t k = 0; k < unit->n_forms; k++) {
        const struct cxm_small_sum *f = &unit->forms[k];
        if (f->plain || unit->balance)
            continue;
        for (uint32_t t = 0; t < f->n; t++)
            s->terms[t] = s->bytes[f->slots[t]];
        const uint8_t high =
            s->kernels.form(s->terms, f->coefs, f->n, f->shift, n, s->missing, f->low, f->high);
        if (high != 0 && !unit->two_bytes)
            return false;
    }
    return true;
}

static void set_lanes(struct cxm_small *s, const struct cxm_small_unit *unit)
{
    const uint8_t **lanes = &s->lanes[unit->stripe][unit->lane];
    for (uint32_t k = 0; k < unit->n_forms && !unit->balance; k++) {
        const struct cxm_small_sum *f = &unit->forms[k];
        lanes[k] = f->plain ? s->bytes[f->slots[0]] : f->low;
    }
    if (unit->two_bytes)
        lanes[1] = unit->forms[0].high;
}

/* What the next block will read is fetched line by line while this one is summed, and some rows
 * further on, since the first lines of it are wanted at once. */
static void look_ahead_at(struct cxm_small *s, const struct cxm_column *c, int64_t next, size_t n)
{
    const int64_t further = (int64_t)s->further;
    if (is_near(c) && c->n - next >= (int64_t)n + further)
        s->ahead[s->n_ahead++] = (struct cxm_small_ahead){
            (const uint8_t *)c->data + (c->offset + next + further) * c->stride,
            (size_t)c->stride,
        };
}

/* `next`: the first row of the next block, of n rows as this one. */
static void look_ahead(struct cxm_small *s, int64_t next, size_t n)
{
    for (uint32_t slot = 0; slot < s->config->n_slots; slot++) {
        if (s->used[slot])
            look_ahead_at(s, s->sources->slots[slot], next, n);
    }
    if (s->by_key)
        look_ahead_at(s, s->sources->keys[0], next, n);
}

static void fetch(const struct cxm_small *s, size_t first)
{
    for (uint32_t k = 0; k < s->n_ahead; k++) {
        const size_t stride = s->ahead[k].stride;
        const uint8_t *from = s->ahead[k].from + first * stride;
        __builtin_prefetch(from);
        for (size_t line = 1; line < stride; line++)
            __builtin_prefetch(from + 64 * line);
    }
}

/* Members of a struct share lines of the cache: their columns are read together, few rows at a
 * time, so that a line comes once and not for each of them. */
enum { FEW_ROWS = 128 };

static bool is_apart(const struct cxm_column *c)
{
    return c->n_chunks == 0 && c->data != NULL && c->stride > CXM_NEAR_STRIDE;
}

/* Rows first + from … of a column. False: other values. */
static bool read_slot(struct cxm_small *s, uint32_t slot, int64_t first, size_t from, size_t n)
{
    const struct cxm_small_scale *scale = &s->scales[slot];
    if (s->in_place[slot]) {
        s->bytes[slot] =
            cxm_priv_small_in_place(s->sources->slots[slot], first + (int64_t)from, scale) - from;
        return true;
    }
    for (const size_t end = from + n; from < end; from += CXM_MOST_SMALL) {
        const size_t some = end - from < CXM_MOST_SMALL ? end - from : CXM_MOST_SMALL;
        const uint8_t *bytes =
            cxm_priv_read_small(&s->readers[slot], first + (int64_t)from, some, scale,
                                s->buffers[slot] + from, &s->missing);
        if (bytes == NULL)
            return false;
        s->bytes[slot] = bytes - from;
    }
    return true;
}

/* Rows first + from … of the columns that lie apart, or of the others. */
static bool read_slots(struct cxm_small *s, int64_t first, size_t from, size_t n, bool apart)
{
    for (uint32_t slot = 0; slot < s->config->n_slots; slot++) {
        if (s->used[slot] && is_apart(s->sources->slots[slot]) == apart
            && !read_slot(s, slot, first, from, n))
            return false;
    }
    return true;
}

/* Rows of n less those by which the block after them would begin behind that of a line of the cache, in
 * the first column that is used: others often lie as that one does, and a load that crosses two lines
 * costs two. */
static size_t to_a_line(const struct cxm_small *s, int64_t first, size_t n)
{
    uint32_t slot = 0;
    while (slot < s->config->n_slots && !s->used[slot])
        slot++;
    const struct cxm_column *c = slot < s->config->n_slots ? s->sources->slots[slot] : NULL;
    if (c == NULL || !is_near(c) || CXM_CACHE_LINE % c->stride != 0)
        return n;
    const uintptr_t end = (uintptr_t)c->data
                        + (uintptr_t)((c->offset + first + (int64_t)n) * c->stride);
    return n - (size_t)(end % CXM_CACHE_LINE / (uintptr_t)c->stride);
}

size_t cxm_priv_small_rows(const struct cxm_small *s, int64_t first)
{
    const bool alone = s->by_key || s->sources->n_keys == 0;
    const bool room = s->n_slots <= CXM_MOST_SLOTS - CXM_SMALL_BLOCK;
    return to_a_line(s, first, alone && room ? s->block : CXM_BLOCK);
}

enum cxm_small_result cxm_priv_small_read(struct cxm_small *s, int64_t first, size_t n)
{
    s->missing = false;
    s->n_ahead = 0;
    if (cxm_priv_small_take_floats(s, first, n))
        return CXM_SMALL_DONE;
    look_ahead(s, first + (int64_t)n, n);
    const enum cxm_small_result other = s->cut ? CXM_SMALL_WIDER : CXM_SMALL_NO;
    if (!read_slots(s, first, 0, n, false))
        return other;
    bool any_apart = false;
    for (uint32_t slot = 0; slot < s->config->n_slots; slot++)
        any_apart = any_apart || (s->used[slot] && is_apart(s->sources->slots[slot]));
    for (size_t from = 0; any_apart && from < n; from += FEW_ROWS)
        if (!read_slots(s, first, from, n - from < FEW_ROWS ? n - from : FEW_ROWS, true))
            return other;
    if (s->missing && s->any_rescaled)
        return CXM_SMALL_NO;
    for (uint32_t u = 0; u < s->config->n_units; u++) {
        if (!make_sums(s, &s->units[u], n))
            return CXM_SMALL_NO;
        set_lanes(s, &s->units[u]);
    }
    if (s->any_in_place && !s->kernels.tiles(&s->stripes[0], s->lanes[0], 0, n, s->missing, s->tile))
        return other;
    return CXM_SMALL_DONE;
}

/* ---- adding ------------------------------------------------------------------------------ */

/* The slot of a key that was not met before; `at`: the place of its cursor. */
static bool meet(struct cxm_small *s, struct cxm_table *groups, uint32_t at)
{
    uint32_t group = at - 1; /* UINT32_MAX: left out */
    if (s->by_key) {
        uint8_t key[9] = { CXM_TAG_PRESENT };
        const uint64_t word = (uint64_t)(s->base + (int64_t)at) ^ (uint64_t)1 << 63;
        cxm_priv_put_u64(key + 1, __builtin_bswap64(word));
        group = cxm_priv_table_add(groups, key, sizeof key);
        if (group == UINT32_MAX)
            return false;
    }
    return cxm_priv_small_new_slot(s, group, &s->slots.cursors[at]);
}

/* The number of the cursor of a row of the block. */
static uint32_t cursor_of(const struct cxm_small *s, size_t row)
{
    return s->key_bytes != NULL ? s->key_bytes[row] : s->keys[row];
}

/* Have rows first … first + n - 1 of the block one key? */
static bool all_equal(const struct cxm_small *s, size_t first, size_t n)
{
    const uint32_t key = cursor_of(s, first);
    if (cursor_of(s, first + n / 2) != key || cursor_of(s, first + n - 1) != key)
        return false;
    uint32_t other = 0;
    for (size_t i = first; i < first + n; i++)
        other |= cursor_of(s, i) ^ key;
    return other == 0;
}

/* The tile of the rows from `first` on. Where nothing has to be looked at beforehand it is made only now:
 * while memory answers to what was asked for. NULL: there is something else in it. */
static const uint8_t *tile_of(struct cxm_small *s, size_t first, size_t n)
{
    uint8_t *const rows = s->of_floats ? s->tile : s->tile + first * CXM_NIBBLE_ROW;
    if (s->of_floats)
        return s->kernels.floats(&s->stripes[0], s->floats, first, rows) ? rows : NULL;
    if (s->nibbles && !s->any_in_place)
        (void)s->kernels.tiles(&s->stripes[0], s->lanes[0], first, n, s->missing, rows);
    if (s->nibbles)
        return rows;
    for (uint32_t t = 0; t < s->slots.n_stripes; t++)
        s->kernels.tile(&s->stripes[t], s->lanes[t], first, n, s->missing,
                        s->tile + t * CXM_TILE_BYTES);
    return s->tile;
}

/* Deals rows at … n - 1 of the tile of rows first … out; stops at one whose key is new. */
static size_t deal(struct cxm_small *s, const uint8_t *tile, size_t first, size_t at, size_t n)
{
    return s->key_bytes != NULL
             ? cxm_priv_nibble_deal(&s->slots, tile, s->key_bytes + first, at, n)
             : cxm_priv_small_deal(&s->slots, tile, s->keys + first, at, n);
}

/* A tile whose rows are all of one group. */
static bool add_tile(struct cxm_small *s, struct cxm_table *groups, const uint8_t *tile,
                     uint32_t at, size_t n)
{
    if (s->slots.cursors[at] == 0 && !meet(s, groups, at))
        return false;
    const uint32_t slot = cxm_priv_small_slot(&s->slots, s->slots.cursors[at]);
    const uint32_t n_stripes = s->slots.n_stripes;
    cxm_priv_small_count(&s->slots, slot, (uint32_t)n);
    for (uint32_t t = 0; t < n_stripes; t++)
        s->kernels.add(&s->stripes[t], tile + t * CXM_TILE_BYTES, CXM_TILE, s->slots.flags,
                       &s->slots.sums[(size_t)slot * n_stripes + t]);
    return true;
}

/* So many rows are read in the other way where tiles of floats did not do. */
enum { OTHER_ROWS = 16 * CXM_BLOCK };

/* *n becomes less where something else comes. */
static bool add_tiles(struct cxm_small *s, struct cxm_table *groups, size_t *n)
{
    for (size_t first = 0; first < *n; first += CXM_TILE) {
        const size_t m = *n - first < CXM_TILE ? *n - first : CXM_TILE;
        fetch(s, first);
        const uint8_t *tile = tile_of(s, first, m);
        if (tile == NULL) {
            *n = first;
            break;
        }
        if (s->sources->n_keys == 0 || all_equal(s, first, m)) {
            if (!add_tile(s, groups, tile, cursor_of(s, first), m))
                return false;
            continue;
        }
        size_t at = 0;
        while ((at = deal(s, tile, first, at, m)) < m) {
            if (!meet(s, groups, cursor_of(s, first + at)))
                return false;
        }
    }
    return true;
}

/* Groups by their numbers + 1: rows that are left out are group 0. */
static bool take_groups(struct cxm_small *s, size_t n_groups, size_t n, const uint32_t *group)
{
    for (size_t i = 0; group != NULL && i < n; i++)
        s->keys[i] = group[i] + 1;
    for (size_t i = 0; group == NULL && i < n; i += CXM_TILE)
        s->keys[i] = 1;
    return n_groups < s->n_cursors
           || cxm_priv_small_move_cursors(s, 0, n_groups + n_groups / 2 + 16);
}

enum cxm_small_result cxm_priv_small_add(struct cxm_small *s, struct cxm_table *groups,
                                         int64_t first, size_t *rows, const uint32_t *group)
{
    const size_t n = *rows;
    uint32_t trap;
    if (s->n_slots > CXM_MOST_SLOTS - (n < CXM_BLOCK ? CXM_BLOCK : n))
        return CXM_SMALL_FULL;
    if (s->n_slots == 0 && !cxm_priv_small_new_slot(s, UINT32_MAX, &trap))
        return CXM_SMALL_NO_MEMORY;
    enum cxm_small_result found = CXM_SMALL_DONE;
    s->key_bytes = NULL;
    if (s->by_key)
        found = cxm_priv_small_look_up(s, first, n, groups->dict.n);
    else if (group == NULL && s->sources->n_keys > 0)
        found = CXM_SMALL_GROUPS;
    else if (!take_groups(s, groups->dict.n, n, group))
        found = CXM_SMALL_NO_MEMORY;
    if (found != CXM_SMALL_DONE)
        return found == CXM_SMALL_GROUPS && s->of_floats ? CXM_SMALL_AGAIN : found;
    s->slots.flags = s->slots.flags || s->missing;
    if (!add_tiles(s, groups, rows))
        return CXM_SMALL_NO_MEMORY;
    if (*rows < n)
        s->other_until = first + (int64_t)*rows + OTHER_ROWS;
    return *rows > 0 ? CXM_SMALL_DONE : CXM_SMALL_AGAIN;
}
