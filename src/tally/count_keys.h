/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by key and answer in plain C, as a loop to be compiled for several targets. Two passes
 * over a few rows: the first is free of branches and tables, the second takes its increments from
 * memory that was just written, four at a time. A processor stores about one counter a cycle,
 * which bounds it all. Variants that find places in vectors of 64 rows count them as it is done at
 * the end of this file. */
#ifndef CXM_SRC_COUNT_KEYS_H
#define CXM_SRC_COUNT_KEYS_H

#include "tally/kernels.h"

#if defined(__GNUC__)
#define CXM_IN_PLACE static inline __attribute__((always_inline))
#else
#define CXM_IN_PLACE static inline
#endif

enum { CXM_KEY_ROWS = 64 };

/* As cxm_priv_some_bits(), NULL: ones. */
static inline uint64_t cxm_priv_valid_bits(const uint8_t *bits, unsigned skip, size_t n)
{
    return bits == NULL ? UINT64_MAX : cxm_priv_some_bits(bits, skip, n);
}

/* Brings rows some way ahead into the first cache, perhaps beyond the end: counters fill much of it,
 * and a processor that waits for rows counts nothing. It makes counting 1.3 to 2 times as fast. */
CXM_IN_PLACE void cxm_priv_fetch_rows(const struct cxm_key_rows *rows, size_t at, uint32_t width)
{
#if defined(__GNUC__)
    enum { AHEAD = 1024, LINE = 64 };
    const uintptr_t keys = (uintptr_t)rows->keys + (at + AHEAD) * width;
    for (uint32_t line = 0; line < width; line++)
        __builtin_prefetch((const void *)(keys + LINE * line), 0, 3);
    __builtin_prefetch((const void *)((uintptr_t)rows->answers + at + AHEAD), 0, 3);
#else
    (void)rows, (void)at, (void)width;
#endif
}

/* First counters of the keys of n rows; false when one that is `known` is out of range. */
#define CXM_KEY_PLACES(NAME, TYPE)                                                               \
    CXM_IN_PLACE bool cxm_priv_places_##NAME(const struct cxm_key_counters *c,                   \
                                             const struct cxm_key_rows *rows, size_t n,          \
                                             uint64_t known, uint32_t *at)                       \
    {                                                                                            \
        const uint32_t n_keys = c->n_keys, stride = c->stride;                                   \
        const TYPE base = (TYPE)rows->base;                                                      \
        uint32_t outside = 0;                                                                    \
        if (rows->key_bits == NULL) {                                                            \
            for (size_t i = 0; i < n; i++) {                                                     \
                TYPE key;                                                                        \
                memcpy(&key, rows->keys + i * sizeof key, sizeof key);                           \
                key = (TYPE)(key - base);                                                        \
                outside |= key >= n_keys;                                                        \
                at[i] = (uint32_t)key * stride;                                                  \
            }                                                                                    \
            return outside == 0;                                                                 \
        }                                                                                        \
        for (size_t i = 0; i < n; i++) {                                                         \
            const bool valid = (known >> i & 1) != 0;                                            \
            TYPE key;                                                                            \
            memcpy(&key, rows->keys + i * sizeof key, sizeof key);                               \
            key = (TYPE)(key - base);                                                            \
            outside |= valid && key >= n_keys;                                                   \
            at[i] = (valid ? (uint32_t)key : n_keys) * stride;                                   \
        }                                                                                        \
        return outside == 0;                                                                     \
    }

CXM_KEY_PLACES(u8, uint8_t)
CXM_KEY_PLACES(u16, uint16_t)
CXM_KEY_PLACES(u32, uint32_t)
CXM_KEY_PLACES(u64, uint64_t)

CXM_IN_PLACE bool cxm_priv_key_places(const struct cxm_key_counters *c,
                                      const struct cxm_key_rows *rows, size_t n, uint32_t *at)
{
    const uint64_t known = cxm_priv_valid_bits(rows->key_bits, rows->key_skip, n);
    switch (rows->width) {
    case 1: return cxm_priv_places_u8(c, rows, n, known, at);
    case 2: return cxm_priv_places_u16(c, rows, n, known, at);
    case 4: return cxm_priv_places_u32(c, rows, n, known, at);
    default: return cxm_priv_places_u64(c, rows, n, known, at);
    }
}

/* The code, or `missing` where the bit is 0: without a branch, which no one could foretell. */
static inline uint32_t cxm_priv_code_or(uint32_t code, uint32_t missing, uint64_t bit)
{
    return missing ^ ((code ^ missing) & (0 - (uint32_t)bit));
}

/* Counts n rows at these places; ONE(table, place) adds one. */
#define CXM_COUNT_PLACES(TYPE, TABLE, ONE)                                                       \
    TYPE *const t0 = (TABLE), *const t1 = t0 + c->apart, *const t2 = t1 + c->apart;              \
    TYPE *const t3 = t2 + c->apart;                                                              \
    size_t i = 0;                                                                                \
    if (rows->answer_bits == NULL) {                                                             \
        for (; i + 4 <= n; i += 4) {                                                             \
            ONE(t0, at[i] + codes[a[i]]);                                                        \
            ONE(t1, at[i + 1] + codes[a[i + 1]]);                                                \
            ONE(t2, at[i + 2] + codes[a[i + 2]]);                                                \
            ONE(t3, at[i + 3] + codes[a[i + 3]]);                                                \
        }                                                                                        \
    } else {                                                                                     \
        for (; i + 4 <= n; i += 4, valid >>= 4) {                                                \
            ONE(t0, at[i] + cxm_priv_code_or(codes[a[i]], missing, valid & 1));                  \
            ONE(t1, at[i + 1] + cxm_priv_code_or(codes[a[i + 1]], missing, valid >> 1 & 1));     \
            ONE(t2, at[i + 2] + cxm_priv_code_or(codes[a[i + 2]], missing, valid >> 2 & 1));     \
            ONE(t3, at[i + 3] + cxm_priv_code_or(codes[a[i + 3]], missing, valid >> 3 & 1));     \
        }                                                                                        \
    }                                                                                            \
    for (; i < n; i++, valid >>= 1)                                                              \
        ONE(t0, at[i] + cxm_priv_code_or(codes[a[i]], missing, valid & 1));

CXM_IN_PLACE void cxm_priv_count_at(const struct cxm_key_counters *c,
                                    const struct cxm_key_rows *rows, size_t n, const uint32_t *at)
{
    const uint8_t *const a = rows->answers, *const codes = c->codes;
    const uint32_t missing = c->missing;
    uint64_t valid = cxm_priv_valid_bits(rows->answer_bits, rows->answer_skip, n);
    if (c->words != NULL) {
#define CXM_ONE(table, place) ((table)[place]++)
        CXM_COUNT_PLACES(uint32_t, c->words, CXM_ONE)
    } else if (c->wide != NULL) {
        CXM_COUNT_PLACES(uint16_t, c->wide, CXM_ONE)
#undef CXM_ONE
    } else {
#define CXM_ONE(table, place) cxm_priv_count_one(c, table, place)
        CXM_COUNT_PLACES(uint8_t, c->counters, CXM_ONE)
#undef CXM_ONE
    }
}

CXM_IN_PLACE size_t cxm_priv_count_keys_loop(const struct cxm_key_counters *c,
                                             const struct cxm_key_rows *rows, size_t n)
{
    struct cxm_key_rows some = *rows;
    uint32_t at[CXM_KEY_ROWS];
    size_t i = 0;
    for (; i + CXM_KEY_ROWS <= n; i += CXM_KEY_ROWS) {
        cxm_priv_fetch_rows(&some, 0, rows->width);
        if (!cxm_priv_key_places(c, &some, CXM_KEY_ROWS, at))
            return i;
        cxm_priv_count_at(c, &some, CXM_KEY_ROWS, at);
        some = cxm_priv_key_rows_from(&some, CXM_KEY_ROWS);
    }
    if (i < n) {
        if (!cxm_priv_key_places(c, &some, n - i, at))
            return i;
        cxm_priv_count_at(c, &some, n - i, at);
    }
    return n;
}

/* Codes first, which no vector can look up here, then all the rest in vectors. */
CXM_IN_PLACE bool cxm_priv_part_rows_loop(const struct cxm_key_counters *c, int shift,
                                          const struct cxm_key_rows *rows, size_t n, uint32_t *out)
{
    const uint8_t *const keys = rows->keys, *const a = rows->answers, *const codes = c->codes;
    const uint32_t n_keys = c->n_keys, stride = c->stride, base = (uint32_t)rows->base;
    const uint32_t low_bits = ((uint32_t)1 << shift) - 1;
    uint32_t outside = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t bit = i + rows->answer_skip;
        const bool valid = rows->answer_bits == NULL || (rows->answer_bits[bit / 8] >> bit % 8 & 1) != 0;
        out[i] = cxm_priv_code_or(codes[a[i]], c->missing, valid);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t key;
        memcpy(&key, keys + i * sizeof key, sizeof key);
        key -= base;
        outside |= key >= n_keys;
        out[i] += (key >> shift << 16) + (key & low_bits) * stride;
    }
    return outside == 0;
}

/* ---- rows whose places are known ------------------------------------------------------- */

#if defined(__GNUC__)

/* n more in one counter; `wide`: is it one of 16 bits? */
CXM_IN_PLACE void cxm_priv_count_several(const struct cxm_key_counters *c, size_t at, uint32_t n,
                                         bool wide)
{
    if (wide) {
        c->wide[at] = (uint16_t)(c->wide[at] + n);
        return;
    }
    const uint32_t sum = c->counters[at] + n;
    c->counters[at] = (uint8_t)sum;
    if (CXM_UNLIKELY(sum > UINT8_MAX)) {
        c->carried[at] += sum / 256;
        c->wrapped[at / CXM_CARRY_BLOCK] = 1;
    }
}

CXM_IN_PLACE size_t cxm_priv_place_of(const void *at, size_t row, size_t bytes)
{
    return bytes == sizeof(uint16_t) ? ((const uint16_t *)at)[row] : ((const uint32_t *)at)[row];
}

/* One more at the places of those of 64 rows that are still to be counted: the bits of `rest`. A
 * place has 2 or 4 bytes. */
CXM_IN_PLACE void cxm_priv_count_places(const struct cxm_key_counters *c, const void *at,
                                        size_t bytes, uint64_t rest, bool wide)
{
    if (CXM_UNLIKELY(rest != UINT64_MAX)) {
        for (; rest != 0; rest &= rest - 1) {
            const size_t place = cxm_priv_place_of(at, (size_t)__builtin_ctzll(rest), bytes);
            if (wide)
                c->wide[place]++;
            else
                cxm_priv_count_one(c, c->counters, place);
        }
        return;
    }
    if (wide) {
        uint16_t *const t0 = c->wide, *const t1 = t0 + c->apart;
        uint16_t *const t2 = t1 + c->apart, *const t3 = t2 + c->apart;
        for (size_t i = 0; i < CXM_KEY_ROWS; i += 4) {
            t0[cxm_priv_place_of(at, i, bytes)]++;
            t1[cxm_priv_place_of(at, i + 1, bytes)]++;
            t2[cxm_priv_place_of(at, i + 2, bytes)]++;
            t3[cxm_priv_place_of(at, i + 3, bytes)]++;
        }
        return;
    }
    for (size_t i = 0; i < CXM_KEY_ROWS; i++)
        cxm_priv_count_one(c, c->counters, cxm_priv_place_of(at, i, bytes));
}

#endif

#endif
