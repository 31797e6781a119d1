/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by key and answer: the places of 64 counters are computed in vectors (a table of 256
 * codes is four registers) while those of the 64 rows before are counted one by one. A processor
 * that looks some hundred instructions ahead does both at once, which halves the time; what is left
 * is one store a row. Rows of one key that come often are not stored at all: where it fills much of
 * 64 rows, as in data sorted by group or with few groups, their codes are compared and the ones
 * counted, so that no counter waits for itself. Places are 16 bits wide; larger tables, which the
 * caches are slower for anyway, are those of count_keys_avx2.c. */
#include "tally/count_keys.h"

#if CXM_X86

#include <immintrin.h>

enum { ROWS = CXM_KEY_ROWS, MOST_PLACES = 1 << 16, HOT_ROWS = 24, HOT_CODES = 16 };

#define TARGET CXM_TARGET("avx512bw,avx512vbmi,bmi,bmi2,popcnt")
#define INLINE TARGET static inline __attribute__((always_inline))

struct places {
    __m512i codes[4];
    __m512i base, n_keys, null_key, stride, missing, hot;
};

/* 64 rows: their places, and which of them are still to be counted. */
struct block {
    _Alignas(64) uint16_t at[ROWS];
    uint64_t rest;
};

/* Keys less the base, 32 and 32 of 16 bits, and which are out of range. */
struct keys {
    __m512i low, high;
    uint64_t outside;
};

INLINE struct keys keys_8(const struct places *p, const uint8_t *keys)
{
    const __m512i k = _mm512_sub_epi8(_mm512_loadu_si512(keys), p->base);
    return (struct keys){ _mm512_cvtepu8_epi16(_mm512_castsi512_si256(k)),
                          _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(k, 1)),
                          0 };
}

INLINE struct keys keys_16(const struct places *p, const uint8_t *keys)
{
    const __m512i a = _mm512_sub_epi16(_mm512_loadu_si512(keys), p->base);
    const __m512i b = _mm512_sub_epi16(_mm512_loadu_si512(keys + 64), p->base);
    return (struct keys){ a, b, 0 };
}

INLINE __m512i keys_32_half(const struct places *p, const uint8_t *keys, uint64_t *outside)
{
    const __m512i a = _mm512_sub_epi32(_mm512_loadu_si512(keys), p->base);
    const __m512i b = _mm512_sub_epi32(_mm512_loadu_si512(keys + 64), p->base);
    *outside = _mm512_cmpge_epu32_mask(a, p->n_keys)
             | (uint64_t)_mm512_cmpge_epu32_mask(b, p->n_keys) << 16;
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(a)),
                              _mm512_cvtepi32_epi16(b), 1);
}

INLINE struct keys keys_32(const struct places *p, const uint8_t *keys)
{
    uint64_t low, high;
    struct keys k;
    k.low = keys_32_half(p, keys, &low);
    k.high = keys_32_half(p, keys + 128, &high);
    k.outside = low | high << 32;
    return k;
}

INLINE __m128i keys_64_part(const struct places *p, const uint8_t *keys, int part,
                            uint64_t *outside)
{
    const __m512i k = _mm512_sub_epi64(_mm512_loadu_si512(keys + 64 * part), p->base);
    *outside |= (uint64_t)_mm512_cmpge_epu64_mask(k, p->n_keys) << (8 * part);
    return _mm512_cvtepi64_epi16(k);
}

INLINE __m512i keys_64_half(const struct places *p, const uint8_t *keys, uint64_t *outside)
{
    __m512i k = _mm512_castsi128_si512(keys_64_part(p, keys, 0, outside));
    k = _mm512_inserti32x4(k, keys_64_part(p, keys, 1, outside), 1);
    k = _mm512_inserti32x4(k, keys_64_part(p, keys, 2, outside), 2);
    return _mm512_inserti32x4(k, keys_64_part(p, keys, 3, outside), 3);
}

INLINE struct keys keys_64(const struct places *p, const uint8_t *keys)
{
    uint64_t low = 0, high = 0;
    struct keys k;
    k.low = keys_64_half(p, keys, &low);
    k.high = keys_64_half(p, keys + 256, &high);
    k.outside = low | high << 32;
    return k;
}

INLINE struct keys keys_of(const struct places *p, const uint8_t *keys, uint32_t width)
{
    struct keys k = width == 1 ? keys_8(p, keys)
                  : width == 2 ? keys_16(p, keys)
                  : width == 4 ? keys_32(p, keys)
                               : keys_64(p, keys);
    if (width < 4)
        k.outside = _mm512_cmpge_epu16_mask(k.low, p->n_keys)
                  | (uint64_t)_mm512_cmpge_epu16_mask(k.high, p->n_keys) << 32;
    return k;
}

INLINE __m512i codes_of(const struct places *p, const struct cxm_key_rows *rows, size_t i)
{
    const __m512i x = _mm512_loadu_si512(rows->answers + i);
    const __m512i low = _mm512_permutex2var_epi8(p->codes[0], x, p->codes[1]);
    const __m512i high = _mm512_permutex2var_epi8(p->codes[2], x, p->codes[3]);
    const __m512i codes = _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high);
    if (rows->answer_bits == NULL)
        return codes;
    const uint64_t valid = cxm_priv_word_of_bits(rows->answer_bits + i / 8, rows->answer_skip);
    return _mm512_mask_mov_epi8(p->missing, (__mmask64)valid, codes);
}

/* Counts the rows of the key that came often before; where it does not, the first row's may next. */
TARGET __attribute__((noinline)) static void count_hot(const struct cxm_key_counters *c,
                                                       const struct places *p, uint64_t hot,
                                                       __m512i codes, bool wide)
{
    const size_t key = (uint16_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(p->hot));
    for (uint32_t code = 0; code < c->stride; code++) {
        const __mmask64 equal = _mm512_cmpeq_epi8_mask(codes, _mm512_set1_epi8((char)code));
        const uint32_t n = (uint32_t)_mm_popcnt_u64(equal & hot);
        cxm_priv_count_several(c, key * c->stride + code, n, wide);
    }
}

/* The places of 64 rows; false when a key is out of range. */
INLINE bool find_places(const struct cxm_key_counters *c, struct places *p,
                        const struct cxm_key_rows *rows, size_t i, uint32_t width, bool wide,
                        struct block *out)
{
    struct keys k = keys_of(p, rows->keys + i * width, width);
    const __m512i codes = codes_of(p, rows, i);
    if (rows->key_bits != NULL) {
        const uint64_t valid = cxm_priv_word_of_bits(rows->key_bits + i / 8, rows->key_skip);
        k.outside &= valid;
        k.low = _mm512_mask_mov_epi16(p->null_key, (__mmask32)valid, k.low);
        k.high = _mm512_mask_mov_epi16(p->null_key, (__mmask32)(valid >> 32), k.high);
    }
    if (k.outside != 0)
        return false;
    _mm512_store_si512(out->at, _mm512_add_epi16(
        _mm512_mullo_epi16(k.low, p->stride), _mm512_cvtepu8_epi16(_mm512_castsi512_si256(codes))));
    _mm512_store_si512(out->at + 32, _mm512_add_epi16(
        _mm512_mullo_epi16(k.high, p->stride),
        _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(codes, 1))));
    const uint64_t hot = _mm512_cmpeq_epi16_mask(k.low, p->hot)
                       | (uint64_t)_mm512_cmpeq_epi16_mask(k.high, p->hot) << 32;
    out->rest = UINT64_MAX;
    if (CXM_LIKELY(_mm_popcnt_u64(hot) < HOT_ROWS)) {
        p->hot = _mm512_broadcastw_epi16(_mm512_castsi512_si128(k.low));
    } else if (c->stride <= HOT_CODES) {
        count_hot(c, p, hot, codes, wide);
        out->rest = ~hot;
    }
    return true;
}

INLINE size_t count(const struct cxm_key_counters *c, const struct cxm_key_rows *rows, size_t n,
                    uint32_t width, bool wide)
{
    const uint64_t base = rows->base;
    const short few = (short)(c->n_keys < UINT16_MAX ? c->n_keys : UINT16_MAX);
    struct places p = {
        { _mm512_loadu_si512(c->codes), _mm512_loadu_si512(c->codes + 64),
          _mm512_loadu_si512(c->codes + 128), _mm512_loadu_si512(c->codes + 192) },
        width == 1   ? _mm512_set1_epi8((char)base)
        : width == 2 ? _mm512_set1_epi16((short)base)
        : width == 4 ? _mm512_set1_epi32((int)base)
                     : _mm512_set1_epi64((long long)base),
        width < 4    ? _mm512_set1_epi16(few)
        : width == 4 ? _mm512_set1_epi32((int)c->n_keys)
                     : _mm512_set1_epi64((long long)c->n_keys),
        _mm512_set1_epi16(few), _mm512_set1_epi16((short)c->stride),
        _mm512_set1_epi8((char)c->missing), _mm512_set1_epi16(-1),
    };
    struct block blocks[2];
    const size_t whole = n / ROWS * ROWS;
    bool good = true;
    for (size_t i = 0; i <= whole; i += ROWS) {
        const struct block *const before = &blocks[(i / ROWS & 1) ^ 1];
        cxm_priv_fetch_rows(rows, i, width);
        if (i < whole)
            good = find_places(c, &p, rows, i, width, wide, &blocks[i / ROWS & 1]);
        if (i > 0)
            cxm_priv_count_places(c, before->at, sizeof before->at[0], before->rest, wide);
        if (!good)
            return i;
    }
    const struct cxm_key_rows rest = cxm_priv_key_rows_from(rows, whole);
    return whole + cxm_priv_count_keys_c(c, &rest, n - whole);
}

#define COUNT(width)                                                                             \
    TARGET static size_t count_##width(const struct cxm_key_counters *c,                         \
                                       const struct cxm_key_rows *rows, size_t n)                \
    {                                                                                            \
        return c->wide != NULL ? count(c, rows, n, width, true)                                  \
                               : count(c, rows, n, width, false);                                \
    }

COUNT(1)
COUNT(2)
COUNT(4)
COUNT(8)

size_t cxm_priv_count_keys_avx512(const struct cxm_key_counters *c,
                                  const struct cxm_key_rows *rows, size_t n)
{
    if (((uint64_t)c->n_keys + 1) * c->stride > MOST_PLACES)
        return cxm_priv_count_keys_avx2(c, rows, n);
    switch (rows->width) {
    case 1: return count_1(c, rows, n);
    case 2: return count_2(c, rows, n);
    case 4: return count_4(c, rows, n);
    default: return count_8(c, rows, n);
    }
}

/* ---- rows sorted by part of the keys -------------------------------------------------- */

/* 16 rows; which keys are out of range. Both factors of a place are below 2^16. */
INLINE __mmask16 part_16(const struct places *p, int shift, const uint8_t *keys, __m128i codes,
                         uint32_t *out)
{
    const __m512i key = _mm512_sub_epi32(_mm512_loadu_si512(keys), p->base);
    const __m128i by = _mm_cvtsi32_si128(shift);
    const __m512i part = _mm512_srl_epi32(key, by);
    const __m512i low = _mm512_sub_epi32(key, _mm512_sll_epi32(part, by));
    const __m512i at = _mm512_add_epi32(_mm512_mullo_epi16(low, p->stride),
                                        _mm512_cvtepu8_epi32(codes));
    _mm512_storeu_si512(out, _mm512_or_si512(at, _mm512_slli_epi32(part, 16)));
    return _mm512_cmpge_epu32_mask(key, p->n_keys);
}

TARGET bool cxm_priv_part_rows_avx512(const struct cxm_key_counters *c, int shift,
                                      const struct cxm_key_rows *rows, size_t n, uint32_t *out)
{
    const struct places p = {
        .codes = { _mm512_loadu_si512(c->codes), _mm512_loadu_si512(c->codes + 64),
                   _mm512_loadu_si512(c->codes + 128), _mm512_loadu_si512(c->codes + 192) },
        .base = _mm512_set1_epi32((int)(uint32_t)rows->base),
        .n_keys = _mm512_set1_epi32((int)c->n_keys),
        .stride = _mm512_set1_epi32((int)c->stride),
        .missing = _mm512_set1_epi8((char)c->missing),
    };
    unsigned outside = 0;
    size_t i = 0;
    for (; i + ROWS <= n; i += ROWS) {
        const __m512i codes = codes_of(&p, rows, i);
        const uint8_t *keys = rows->keys + i * sizeof(uint32_t);
        uint32_t *to = out + i;
        outside |= part_16(&p, shift, keys, _mm512_castsi512_si128(codes), to);
        outside |= part_16(&p, shift, keys + 64, _mm512_extracti32x4_epi32(codes, 1), to + 16);
        outside |= part_16(&p, shift, keys + 128, _mm512_extracti32x4_epi32(codes, 2), to + 32);
        outside |= part_16(&p, shift, keys + 192, _mm512_extracti32x4_epi32(codes, 3), to + 48);
    }
    const struct cxm_key_rows rest = cxm_priv_key_rows_from(rows, i);
    return cxm_priv_part_rows_c(c, shift, &rest, n - i, out + i) && outside == 0;
}

#else
typedef int cxm_no_x86;
#endif
