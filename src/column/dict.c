/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dictionary of keys: open addressing with linear probing, at most half full. */
#include "column/dict.h"

#include "column/words.h"

void cxm_priv_dict_release(struct cxm_dict *dict)
{
    cxm_priv_release(dict->allocator, dict->bytes);
    cxm_priv_release(dict->allocator, dict->ends);
    cxm_priv_release(dict->allocator, dict->slots);
    cxm_priv_dict_init(dict, dict->allocator);
}

static uint32_t slot_of(const struct cxm_dict *dict, const uint8_t *key, size_t n)
{
    const uint32_t mask = dict->n_slots - 1;
    uint32_t at = (uint32_t)cxm_priv_hash(key, n, 0) & mask;
    for (;; at = (at + 1) & mask) {
        if (dict->slots[at] == 0)
            return at;
        size_t length;
        const uint8_t *other = cxm_priv_dict_key(dict, dict->slots[at] - 1, &length);
        if (length == n && memcmp(other, key, n) == 0)
            return at;
    }
}

static int compare_bytes(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
    const size_t n = a_n < b_n ? a_n : b_n;
    const int order = n > 0 ? memcmp(a, b, n) : 0;
    return order != 0 ? order : (a_n > b_n) - (a_n < b_n);
}

static int compare_with(const struct cxm_dict *dict, uint32_t i, const uint8_t *key, size_t n)
{
    size_t length;
    const uint8_t *own = cxm_priv_dict_key(dict, i, &length);
    return compare_bytes(own, length, key, n);
}

static uint32_t find_sorted(const struct cxm_dict *dict, const uint8_t *key, size_t n)
{
    uint32_t low = 0, high = dict->n;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = compare_with(dict, middle, key, n);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return UINT32_MAX;
}

uint32_t cxm_priv_dict_find(const struct cxm_dict *dict, const uint8_t *key, size_t n)
{
    if (dict->n_slots == 0)
        return find_sorted(dict, key, n);
    return dict->slots[slot_of(dict, key, n)] - 1;
}

/* A larger table of slots, filled anew; the old one is kept when memory is out. */
static bool grow_slots(struct cxm_dict *dict, size_t keys)
{
    size_t wanted = dict->n_slots > 0 ? dict->n_slots : 16;
    while (wanted < 2 * keys)
        wanted *= 2;
    if (wanted == dict->n_slots)
        return true;
    uint32_t *slots = wanted > (size_t)1 << 31
                        ? NULL
                        : cxm_priv_alloc_zero(dict->allocator, wanted, sizeof *slots);
    if (slots == NULL)
        return false;
    cxm_priv_release(dict->allocator, dict->slots);
    dict->slots = slots;
    dict->n_slots = (uint32_t)wanted;
    for (uint32_t i = 0; i < dict->n; i++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(dict, i, &n);
        slots[slot_of(dict, key, n)] = i + 1;
    }
    return true;
}

bool cxm_priv_dict_index(struct cxm_dict *dict)
{
    return dict->n_slots > 0 || grow_slots(dict, (size_t)dict->n + 1);
}

static size_t doubled(size_t have, size_t need, size_t first)
{
    const size_t twice = have < first ? first : have + have / 2;
    return twice > need ? twice : need;
}

bool cxm_priv_dict_reserve(struct cxm_dict *dict, size_t keys, size_t bytes)
{
    const size_t n = dict->n + keys, used = dict->bytes_used + bytes;
    if (n > (size_t)1 << 30)
        return false;
    if (n > dict->capacity) {
        const size_t capacity = doubled(dict->capacity, n, 8);
        size_t *ends = cxm_priv_grow(dict->allocator, dict->ends, dict->n, capacity,
                                     sizeof *ends);
        if (ends == NULL)
            return false;
        dict->ends = ends;
        dict->capacity = (uint32_t)capacity;
    }
    if (used > dict->bytes_capacity) {
        const size_t capacity = doubled(dict->bytes_capacity, used, 128);
        uint8_t *grown = cxm_priv_grow(dict->allocator, dict->bytes, dict->bytes_used,
                                       capacity, 1);
        if (grown == NULL)
            return false;
        dict->bytes = grown;
        dict->bytes_capacity = capacity;
    }
    return dict->n_slots == 0 || grow_slots(dict, n);
}

static bool has_room(const struct cxm_dict *dict, size_t n)
{
    return dict->n < dict->capacity && dict->bytes_capacity - dict->bytes_used >= n
        && (dict->n_slots == 0 || 2 * ((size_t)dict->n + 1) <= dict->n_slots);
}

static uint32_t append(struct cxm_dict *dict, const uint8_t *key, size_t n)
{
    uint8_t *const at = cxm_priv_dict_append_room(dict, n);
    if (n > 0)
        memcpy(at, key, n);
    return dict->n - 1;
}

uint32_t cxm_priv_dict_add(struct cxm_dict *dict, const uint8_t *key, size_t n)
{
    if (dict->n_slots == 0) {
        const int order = dict->n > 0 ? compare_with(dict, dict->n - 1, key, n) : -1;
        if (order == 0)
            return dict->n - 1;
        if (order < 0) {
            if (!has_room(dict, n) && !cxm_priv_dict_reserve(dict, 1, n))
                return UINT32_MAX;
            return append(dict, key, n);
        }
        if (!cxm_priv_dict_index(dict))
            return UINT32_MAX;
    }
    uint32_t at = slot_of(dict, key, n);
    if (dict->slots[at] != 0)
        return dict->slots[at] - 1;
    if (!has_room(dict, n)) {
        if (!cxm_priv_dict_reserve(dict, 1, n))
            return UINT32_MAX;
        at = slot_of(dict, key, n);
    }
    dict->slots[at] = dict->n + 1;
    return append(dict, key, n);
}

void cxm_priv_dict_append(struct cxm_dict *dict, const uint8_t *key, size_t n)
{
    append(dict, key, n);
}

bool cxm_priv_dict_equal(const struct cxm_dict *a, const struct cxm_dict *b)
{
    return a->n == b->n && a->bytes_used == b->bytes_used
        && (a->n == 0 || memcmp(a->ends, b->ends, a->n * sizeof *a->ends) == 0)
        && (a->bytes_used == 0 || memcmp(a->bytes, b->bytes, a->bytes_used) == 0);
}

bool cxm_priv_dict_reserve_like(struct cxm_dict *into, const struct cxm_dict *from)
{
    cxm_priv_release(into->allocator, into->slots);
    into->slots = NULL;
    into->n_slots = 0;
    if (!cxm_priv_dict_reserve(into, from->n, from->bytes_used))
        return false;
    if (from->n_slots > 0)
        into->slots = cxm_priv_alloc_zero(into->allocator, from->n_slots, sizeof *into->slots);
    into->n_slots = into->slots != NULL ? from->n_slots : 0;
    return into->n_slots == from->n_slots;
}

void cxm_priv_dict_copy(struct cxm_dict *into, const struct cxm_dict *from)
{
    if (from->n > 0)
        memcpy(into->ends, from->ends, from->n * sizeof *from->ends);
    if (from->bytes_used > 0)
        memcpy(into->bytes, from->bytes, from->bytes_used);
    if (from->n_slots > 0)
        memcpy(into->slots, from->slots, from->n_slots * sizeof *from->slots);
    into->n = from->n;
    into->bytes_used = from->bytes_used;
}

uint32_t cxm_priv_dict_fetch(const struct cxm_dict *dict, const struct cxm_dict *from, uint32_t i)
{
    enum { NEAR = 8, FAR = 16 };
    const uint32_t mask = dict->n_slots - 1;
    size_t n;
    if (dict->n_slots == 0 || i + FAR >= from->n)
        return UINT32_MAX;
    const uint8_t *key = cxm_priv_dict_key(from, i + FAR, &n);
    __builtin_prefetch(&dict->slots[(uint32_t)cxm_priv_hash(key, n, 0) & mask]);
    key = cxm_priv_dict_key(from, i + NEAR, &n);
    const uint32_t slot = dict->slots[(uint32_t)cxm_priv_hash(key, n, 0) & mask];
    if (slot == 0)
        return UINT32_MAX;
    __builtin_prefetch(&dict->ends[slot - 1]);
    return slot - 1;
}

static int compare(const struct cxm_dict *dict, uint32_t a, uint32_t b)
{
    size_t n;
    const uint8_t *key = cxm_priv_dict_key(dict, b, &n);
    return compare_with(dict, a, key, n);
}

static int compare_across(const struct cxm_dict *a, uint32_t i, const struct cxm_dict *b,
                          uint32_t j)
{
    size_t n;
    const uint8_t *key = cxm_priv_dict_key(b, j, &n);
    return compare_with(a, i, key, n);
}

size_t cxm_priv_dict_missing(const struct cxm_dict *into, const struct cxm_dict *from,
                             size_t *bytes)
{
    const bool in_order = cxm_priv_dict_in_order(into) && cxm_priv_dict_in_order(from);
    size_t keys = 0;
    *bytes = 0;
    for (uint32_t i = 0, j = 0; j < from->n; j++) {
        size_t n;
        const uint8_t *key = cxm_priv_dict_key(from, j, &n);
        bool found;
        if (in_order) {
            int order = 1;
            while (i < into->n && (order = compare_across(into, i, from, j)) < 0)
                i++;
            found = i < into->n && order == 0;
        } else {
            (void)cxm_priv_dict_fetch(into, from, j);
            found = cxm_priv_dict_find(into, key, n) != UINT32_MAX;
        }
        keys += !found;
        *bytes += found ? 0 : n;
    }
    return keys;
}

void cxm_priv_dict_merge_in_order(struct cxm_dict *into, const struct cxm_dict *from,
                                  cxm_dict_place *place, void *context)
{
    size_t bytes;
    const size_t more = cxm_priv_dict_missing(into, from, &bytes);
    uint32_t i = into->n, j = from->n, k = into->n + (uint32_t)more;
    size_t end = into->bytes_used + bytes;
    into->n = k;
    into->bytes_used = end;
    while (j > 0) {
        const int order = i > 0 ? compare_across(into, i - 1, from, j - 1) : -1;
        size_t n;
        const uint8_t *key = order >= 0 ? cxm_priv_dict_key(into, i - 1, &n)
                                        : cxm_priv_dict_key(from, j - 1, &n);
        if (n > 0)
            memmove(into->bytes + end - n, key, n);
        i -= order >= 0;
        j -= order <= 0;
        into->ends[--k] = end;
        end -= n;
        place(context, k, order >= 0 ? i : UINT32_MAX, order <= 0 ? j : UINT32_MAX);
    }
}

static void merge_runs(const struct cxm_dict *dict, const uint32_t *from, uint32_t *to,
                       size_t left, size_t middle, size_t right)
{
    size_t i = left, j = middle;
    for (size_t k = left; k < right; k++) {
        const bool take_left = j == right || (i < middle && compare(dict, from[i], from[j]) <= 0);
        to[k] = take_left ? from[i++] : from[j++];
    }
}

/* ---- keys of one word ------------------------------------------------------------------ */

enum { WORD_KEY = 9, FEW_KEYS = 64 };

/* Keys of a tag and eight bytes each, all of the same tag, but for a last one that is shorter and
 * above them (missing): as words. False: others are among them. */
static bool read_words(const struct cxm_dict *dict, struct cxm_word *out, uint32_t *odd)
{
    const uint8_t tag = dict->bytes[dict->ends[0] == WORD_KEY ? 0 : dict->ends[0]];
    uint32_t n = 0;
    *odd = UINT32_MAX;
    for (uint32_t i = 0; i < dict->n; i++) {
        size_t length;
        const uint8_t *key = cxm_priv_dict_key(dict, i, &length);
        if (length == 1 && key[0] > tag && *odd == UINT32_MAX) {
            *odd = i;
            continue;
        }
        if (length != WORD_KEY || key[0] != tag)
            return false;
        out[n++] = (struct cxm_word){ __builtin_bswap64(cxm_priv_get_u64(key + 1)), i, 0 };
    }
    return true;
}

/* Four passes for a million keys where comparing takes twenty. False: it does not go so. */
static bool sort_as_words(const struct cxm_dict *dict, uint32_t *order)
{
    if (dict->n < FEW_KEYS || dict->bytes_used < (size_t)(dict->n - 1) * WORD_KEY)
        return false;
    struct cxm_word *words = cxm_priv_alloc_dense(dict->allocator, 2 * (size_t)dict->n,
                                                  sizeof *words);
    uint32_t odd;
    const bool good = words != NULL && read_words(dict, words, &odd);
    if (good) {
        const size_t n = dict->n - (odd != UINT32_MAX);
        const struct cxm_word *sorted = cxm_priv_words_sort(words, words + dict->n, n);
        for (size_t i = 0; i < n; i++)
            order[i] = sorted[i].a;
        if (odd != UINT32_MAX)
            order[n] = odd;
    }
    cxm_priv_release(dict->allocator, words);
    return good;
}

bool cxm_priv_dict_sort(const struct cxm_dict *dict, uint32_t *order)
{
    const size_t n = dict->n;
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    bool sorted = true;
    for (uint32_t i = 1; i < dict->n && sorted && !cxm_priv_dict_in_order(dict); i++)
        sorted = compare(dict, i - 1, i) < 0;
    if (sorted || sort_as_words(dict, order))
        return true;
    uint32_t *other = cxm_priv_alloc(dict->allocator, n, sizeof *other);
    if (other == NULL)
        return false;
    uint32_t *from = order, *to = other;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t left = 0; left < n; left += 2 * width) {
            const size_t middle = left + width < n ? left + width : n;
            const size_t right = middle + width < n ? middle + width : n;
            merge_runs(dict, from, to, left, middle, right);
        }
        uint32_t *const swap = from;
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, n * sizeof *order);
    cxm_priv_release(dict->allocator, other);
    return true;
}

bool cxm_priv_dict_put_in_order(struct cxm_dict *dict, const uint32_t *order)
{
    enum { FAR = 16, NEAR = 8 };
    struct cxm_dict sorted;
    cxm_priv_dict_init(&sorted, dict->allocator);
    if (!cxm_priv_dict_reserve(&sorted, dict->n, dict->bytes_used)) {
        cxm_priv_dict_release(&sorted);
        return false;
    }
    for (uint32_t i = 0; i < dict->n; i++) {
        size_t n;
        if (i + FAR < dict->n) {
            __builtin_prefetch(&dict->ends[order[i + FAR]]);
            __builtin_prefetch(cxm_priv_dict_key(dict, order[i + NEAR], &n));
        }
        const uint8_t *key = cxm_priv_dict_key(dict, order[i], &n);
        append(&sorted, key, n);
    }
    cxm_priv_dict_release(dict);
    *dict = sorted;
    return true;
}
