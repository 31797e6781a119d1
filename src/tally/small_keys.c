/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys of small.c: whole numbers near each other are numbers of cursors as they are, so that no
 * dictionary is asked. Where they turn out to lie further apart than 65 536 the dictionary takes over. */
#include "tally/small_parts.h"

enum { MOST_KEYS = 1 << 16, FEW_KEYS = 1024 };

bool cxm_priv_small_is_direct(const struct cxm_sources *sources)
{
    const struct cxm_column *c = sources->keys[0];
    return sources->n_keys == 1 && sources->roles[0] < CXM_KEY_FPC && c->mask == NULL
           && c->dictionary == NULL && c->n_chunks == 0 && c->n_labels == 0
           && c->validity == NULL && (c->flags & CXM_COLUMN_SENTINEL) == 0
           && c->n_missing_codes == 0 && c->calendar == CXM_NO_CALENDAR
           && sources->plans[0].info.type == CXM_KEY_INT && c->type >= CXM_I8
           && c->type <= CXM_U32;
}

/* Keys that are not 32 bits side by side, from `base` on; what is beyond 32 bits becomes the
 * largest. The smallest and the largest key too. */
#define OFFSETS(TYPE)                                                                          \
    for (size_t i = 0; i < n; i++, from += stride) {                                           \
        TYPE v;                                                                                \
        memcpy(&v, from, sizeof v);                                                            \
        const int64_t key = (int64_t)v;                                                        \
        const uint64_t above = (uint64_t)key - (uint64_t)base;                                 \
        out[i] = above < UINT32_MAX ? (uint32_t)above : UINT32_MAX;                            \
        *low = key < *low ? key : *low;                                                        \
        *high = key > *high ? key : *high;                                                     \
    }                                                                                          \
    break

static void read_offsets(const struct cxm_column *c, int64_t row, size_t n, int64_t base,
                         uint32_t *out, int64_t *low, int64_t *high)
{
    const uint8_t *from = (const uint8_t *)c->data + (c->offset + row) * c->stride;
    const int64_t stride = c->stride;
    *low = INT64_MAX;
    *high = INT64_MIN;
    switch ((enum cxm_type)c->type) {
    case CXM_I8: OFFSETS(int8_t);
    case CXM_U8: OFFSETS(uint8_t);
    case CXM_I16: OFFSETS(int16_t);
    case CXM_U16: OFFSETS(uint16_t);
    case CXM_I32: OFFSETS(int32_t);
    case CXM_U32: OFFSETS(uint32_t);
    default: OFFSETS(int64_t);
    }
}

/* Cursors for keys low … high too. False: too many. */
static bool reach_of(const struct cxm_small *s, int64_t low, int64_t high, int64_t *base,
                     size_t *n)
{
    if (s->n_cursors > 0) {
        const int64_t last = s->base + (int64_t)(s->n_cursors - 1);
        low = low < s->base ? low : s->base;
        high = high > last ? high : last;
    }
    if ((uint64_t)high - (uint64_t)low >= MOST_KEYS)
        return false;
    *base = low;
    *n = FEW_KEYS;
    while (*n <= (uint64_t)high - (uint64_t)low)
        *n *= 2;
    if (low > INT64_MAX - (int64_t)*n) /* the last of them is a number, too */
        *base = INT64_MAX - (int64_t)*n;
    return true;
}

/* Keys of 8 and 16 bits side by side, all of which have a cursor: no look at their values. */
static bool read_narrow(struct cxm_small *s, const struct cxm_column *c, const uint8_t *from,
                        size_t n)
{
    if (c->type == CXM_U8 && c->stride == 1) {
        s->key_bytes = s->nibbles ? from : NULL;
        for (size_t i = 0; i < n && !s->nibbles; i++)
            s->keys[i] = from[i];
        return true;
    }
    if (c->type == CXM_I8 && c->stride == 1) {
        for (size_t i = 0; i < n; i++)
            s->keys[i] = from[i] ^ 128u;
        return true;
    }
    if ((c->type != CXM_U16 && c->type != CXM_I16) || c->stride != 2)
        return false;
    const uint32_t zero = c->type == CXM_I16 ? 1u << 15 : 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t key;
        memcpy(&key, from + 2 * i, sizeof key);
        s->keys[i] = key ^ zero;
    }
    return true;
}

/* Cursors for all keys of such a type. */
static bool reach_all(struct cxm_small *s, uint32_t type)
{
    const bool is_signed = type == CXM_I8 || type == CXM_I16;
    const size_t n = (size_t)1 << (type == CXM_I8 || type == CXM_U8 ? 8 : 16);
    return s->n_cursors > 0
           || cxm_priv_small_move_cursors(s, is_signed ? -(int64_t)(n / 2) : 0, n);
}

enum cxm_small_result cxm_priv_small_look_up(struct cxm_small *s, int64_t first, size_t n,
                                             size_t n_groups)
{
    const struct cxm_column *c = s->sources->keys[0];
    const uint8_t *from = (const uint8_t *)c->data + (c->offset + first) * c->stride;
    const bool wide = (c->type == CXM_U32 || c->type == CXM_I32) && c->stride == 4
                      && (uintptr_t)from % 4 == 0;
    const uint32_t *words = wide ? (const uint32_t *)(const void *)from : NULL;
    int64_t low, high, base;
    size_t room;
    if (wide && s->n_cursors > 0
        && s->kernels.reach(words, n, (uint32_t)s->base, s->keys) < s->n_cursors)
        return CXM_SMALL_DONE;
    if (read_narrow(s, c, from, n))
        return reach_all(s, c->type) ? CXM_SMALL_DONE : CXM_SMALL_NO_MEMORY;
    read_offsets(c, first, n, s->base, s->keys, &low, &high);
    if (s->n_cursors > 0 && low >= s->base && (uint64_t)high - (uint64_t)s->base < s->n_cursors)
        return CXM_SMALL_DONE;
    if (!reach_of(s, low, high, &base, &room))
        return cxm_priv_small_leave_keys(s, n_groups) ? CXM_SMALL_GROUPS : CXM_SMALL_NO_MEMORY;
    if (!cxm_priv_small_move_cursors(s, base, room))
        return CXM_SMALL_NO_MEMORY;
    read_offsets(c, first, n, s->base, s->keys, &low, &high);
    return CXM_SMALL_DONE;
}
