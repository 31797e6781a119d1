/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codes of answers and keys of rows in vectors of 32 bytes, for count_keys_avx2.c and part_rows_avx2.c. A
 * table of 256 codes would be sixteen registers; but codes of a scale are the answer less its lowest one,
 * another code outside of it, and those of one or two bytes of their own (missing codes). Where they are
 * not, the C loops look them up. */
#ifndef CXM_SRC_KEY_CODES_AVX2_H
#define CXM_SRC_KEY_CODES_AVX2_H

#include "tally/count_keys.h"

#if CXM_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,popcnt")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { ROWS = CXM_KEY_ROWS, LANES = 8, ODD_BYTES = 2 };

/* The code of a byte x: x - low when that is at most `top`, otherwise `other`, but odd bytes have
 * codes of their own. */
struct scale {
    uint8_t low, top, other, odd[ODD_BYTES], code[ODD_BYTES];
};

struct constants {
    __m256i low, top, other, odd[ODD_BYTES], code[ODD_BYTES], missing;
    __m256i base, n_keys, stride, hot;
};

INLINE __m256i load(const uint8_t *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

INLINE __m256i fill_bytes(uint8_t byte)
{
    return _mm256_set1_epi8((char)byte);
}

INLINE uint32_t bits_of(__m256i bytes)
{
    return (uint32_t)_mm256_movemask_epi8(bytes);
}

INLINE uint32_t bits_of_words(__m256i words)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(words));
}

/* ---- codes ----------------------------------------------------------------------------- */

/* Which byte has code 0; false: none. */
TARGET static bool find_lowest(const uint8_t *codes, uint8_t *low)
{
    for (int i = 0; i < 256; i += 32) {
        const __m256i zero = _mm256_cmpeq_epi8(load(codes + i), _mm256_setzero_si256());
        const uint32_t found = bits_of(zero);
        if (found != 0) {
            *low = (uint8_t)(i + __builtin_ctz(found));
            return true;
        }
    }
    return false;
}

INLINE __m256i codes_on_scale(__m256i x, __m256i low, __m256i top, __m256i other)
{
    const __m256i k = _mm256_sub_epi8(x, low);
    return _mm256_blendv_epi8(other, k, _mm256_cmpeq_epi8(_mm256_min_epu8(k, top), k));
}

/* False: too many bytes are not on a scale. */
TARGET static bool find_scale(const struct cxm_key_counters *c, struct scale *s)
{
    uint32_t n = 0;
    if (c->stride < 2 || c->missing == 0 || !find_lowest(c->codes, &s->low))
        return false;
    s->top = (uint8_t)(c->missing - 1);
    s->other = (uint8_t)(c->stride - 1);
    const __m256i low = fill_bytes(s->low), top = fill_bytes(s->top), other = fill_bytes(s->other);
    __m256i x = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    for (int i = 0; i < ODD_BYTES; i++) { /* as the scale has it */
        s->odd[i] = s->low;
        s->code[i] = 0;
    }
    for (int i = 0; i < 256; i += 32, x = _mm256_add_epi8(x, fill_bytes(32))) {
        const __m256i codes = codes_on_scale(x, low, top, other);
        const __m256i same = _mm256_cmpeq_epi8(codes, load(c->codes + i));
        for (uint32_t odd = ~bits_of(same); odd != 0; odd &= odd - 1) {
            if (n == ODD_BYTES)
                return false;
            s->odd[n] = (uint8_t)(i + __builtin_ctz(odd));
            s->code[n] = c->codes[s->odd[n]];
            n++;
        }
    }
    return true;
}

/* Bytes of ones where bits are. */
INLINE __m256i spread(uint32_t bits)
{
    const __m256i of_byte = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                             2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201u);
    const __m256i x = _mm256_shuffle_epi8(_mm256_set1_epi32((int32_t)bits), of_byte);
    return _mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit);
}

INLINE __m256i codes_of(const struct constants *k, const uint8_t *answers)
{
    const __m256i x = load(answers);
    __m256i codes = codes_on_scale(x, k->low, k->top, k->other);
    for (int i = 0; i < ODD_BYTES; i++)
        codes = _mm256_blendv_epi8(codes, k->code[i], _mm256_cmpeq_epi8(x, k->odd[i]));
    return codes;
}

/* ---- keys ------------------------------------------------------------------------------ */

/* Eight keys less the base; one beyond 32 bits becomes the largest of those. */
INLINE __m256i keys_of(const struct constants *k, const uint8_t *keys, uint32_t width)
{
    const __m128i base = _mm256_castsi256_si128(k->base);
    if (width == 1)
        return _mm256_cvtepu8_epi32(
            _mm_sub_epi8(_mm_loadl_epi64((const __m128i *)(const void *)keys), base));
    if (width == 2)
        return _mm256_cvtepu16_epi32(
            _mm_sub_epi16(_mm_loadu_si128((const __m128i *)(const void *)keys), base));
    if (width == 4)
        return _mm256_sub_epi32(load(keys), k->base);
    const __m256 a = _mm256_castsi256_ps(_mm256_sub_epi64(load(keys), k->base));
    const __m256 b = _mm256_castsi256_ps(_mm256_sub_epi64(load(keys + 32), k->base));
    const __m256i low = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
    const __m256i high = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD));
    const __m256i near = _mm256_cmpeq_epi32(high, _mm256_setzero_si256());
    const __m256i key = _mm256_or_si256(low, _mm256_xor_si256(near, _mm256_set1_epi32(-1)));
    return _mm256_permute4x64_epi64(key, 0xD8);
}

INLINE __m256i eight_codes(const uint8_t *codes)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)codes));
}

INLINE struct constants constants_of(const struct cxm_key_counters *c, const struct scale *s,
                                     const struct cxm_key_rows *rows)
{
    const uint64_t base = rows->base;
    struct constants k = {
        .low = fill_bytes(s->low), .top = fill_bytes(s->top), .other = fill_bytes(s->other),
        .missing = fill_bytes(c->missing),
        .base = rows->width == 1 ? fill_bytes((uint8_t)base)
              : rows->width == 2 ? _mm256_set1_epi16((int16_t)base)
              : rows->width == 4 ? _mm256_set1_epi32((int32_t)base)
                                 : _mm256_set1_epi64x((int64_t)base),
        .n_keys = _mm256_set1_epi32((int32_t)c->n_keys),
        .stride = _mm256_set1_epi32((int32_t)c->stride),
        .hot = _mm256_set1_epi32(-1),
    };
    for (int i = 0; i < ODD_BYTES; i++) {
        k.odd[i] = fill_bytes(s->odd[i]);
        k.code[i] = fill_bytes(s->code[i]);
    }
    return k;
}

#endif

#endif
