/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by key and answer: the places of 64 counters are computed in vectors (a table of 256
 * codes is four registers) while those of the 64 rows before are counted one by one. A processor
 * that looks some hundred instructions ahead does both at once, which halves the time. Places are
 * 16 bits wide; larger tables, which the caches are slower for anyway, take the C loop. */
#include "tally/kernels.h"

#if CXM_X86

#include <immintrin.h>

enum { ROWS = 64, MOST_PLACES = 1 << 16 };

#define TARGET __attribute__((target("avx512bw,avx512vbmi")))

struct places {
    __m512i codes[4];
    __m512i base, n_keys, stride, missing;
};

TARGET static inline __m512i codes_of(const struct places *p, const uint8_t *answers)
{
    const __m512i x = _mm512_loadu_si512(answers);
    const __m512i low = _mm512_permutex2var_epi8(p->codes[0], x, p->codes[1]);
    const __m512i high = _mm512_permutex2var_epi8(p->codes[2], x, p->codes[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high);
}

/* The places of 64 rows; false when a key is out of range, `out` then holds anything. */
TARGET static inline bool find_places(const struct places *p, const uint8_t *keys, __m512i codes,
                                      uint16_t out[ROWS])
{
    __mmask16 outside = 0;
    for (int half = 0; half < 2; half++) {
        const __m512i a = _mm512_sub_epi32(_mm512_loadu_si512(keys + 128 * half), p->base);
        const __m512i b = _mm512_sub_epi32(_mm512_loadu_si512(keys + 128 * half + 64), p->base);
        outside |= _mm512_cmpge_epu32_mask(a, p->n_keys) | _mm512_cmpge_epu32_mask(b, p->n_keys);
        const __m512i key = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(a)),
                                               _mm512_cvtepi32_epi16(b), 1);
        const __m256i code = half == 0 ? _mm512_castsi512_si256(codes)
                                       : _mm512_extracti64x4_epi64(codes, 1);
        _mm512_store_si512(out + 32 * half,
                           _mm512_add_epi16(_mm512_mullo_epi16(key, p->stride),
                                            _mm512_cvtepu8_epi16(code)));
    }
    return outside == 0;
}

static inline void count_places(const struct cxm_key_counters *c, const uint16_t at[ROWS])
{
    uint8_t *const t0 = c->counters, *const t1 = t0 + c->apart;
    uint8_t *const t2 = t1 + c->apart, *const t3 = t2 + c->apart;
    for (int j = 0; j < ROWS; j += 4) {
        cxm_priv_count_one(c, t0, at[j]);
        cxm_priv_count_one(c, t1, at[j + 1]);
        cxm_priv_count_one(c, t2, at[j + 2]);
        cxm_priv_count_one(c, t3, at[j + 3]);
    }
}

TARGET static inline __m512i with_nulls(const struct places *p, __m512i codes,
                                        const uint8_t *bits, unsigned skip)
{
    if (bits == NULL)
        return codes;
    return _mm512_mask_mov_epi8(p->missing, (__mmask64)cxm_priv_word_of_bits(bits, skip), codes);
}

TARGET size_t cxm_priv_count_keys_avx512(const struct cxm_key_counters *c, const uint8_t *keys,
                                         const uint8_t *answers, const uint8_t *bits,
                                         unsigned skip, size_t n)
{
    if ((uint64_t)c->n_keys * c->stride > MOST_PLACES)
        return cxm_priv_count_keys_c(c, keys, answers, bits, skip, n);
    const struct places p = {
        { _mm512_loadu_si512(c->codes), _mm512_loadu_si512(c->codes + 64),
          _mm512_loadu_si512(c->codes + 128), _mm512_loadu_si512(c->codes + 192) },
        _mm512_set1_epi32((int)c->base), _mm512_set1_epi32((int)c->n_keys),
        _mm512_set1_epi16((short)c->stride), _mm512_set1_epi8((char)c->missing),
    };
    _Alignas(64) uint16_t at[2][ROWS];
    const size_t whole = n / ROWS * ROWS;
    bool good = true;
    for (size_t i = 0; i <= whole; i += ROWS) {
        const bool before = i > 0 && good;
        if (i < whole) {
            const uint8_t *part = bits != NULL ? bits + i / 8 : NULL;
            good = find_places(&p, keys + 4 * i,
                               with_nulls(&p, codes_of(&p, answers + i), part, skip),
                               at[i / ROWS & 1]);
        }
        if (before)
            count_places(c, at[(i / ROWS & 1) ^ 1]);
        if (!good)
            return i;
    }
    return whole + cxm_priv_count_keys_c(c, keys + 4 * whole, answers + whole,
                                         bits != NULL ? bits + whole / 8 : NULL, skip, n - whole);
}

#else
typedef int cxm_no_x86;
#endif
