/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parts of keys and places within them without AVX-512: rows that are to be sorted by part of the keys,
 * with codes and keys as in key_codes_avx2.h. */
#include "tally/x86/key_codes_avx2.h"

#if CXM_X86

struct parting {
    struct constants k;
    __m256i low_bits;
    __m128i shift;
    bool valid_bits;       /* answers have a bitmap */
};

/* Part and place of 32 rows; `outside` gets the lanes of keys that are out of range. */
INLINE void part_block(const struct parting *p, const uint8_t *keys, const uint8_t *answers,
                       uint32_t valid, uint32_t *out, __m256i *outside)
{
    _Alignas(32) uint8_t codes[32];
    __m256i code = codes_of(&p->k, answers);
    if (p->valid_bits)
        code = _mm256_blendv_epi8(p->k.missing, code, spread(valid));
    _mm256_store_si256((__m256i *)(void *)codes, code);
    for (int j = 0; j < 32; j += LANES) {
        const __m256i key = keys_of(&p->k, keys + (size_t)j * sizeof(uint32_t), sizeof(uint32_t));
        const __m256i part = _mm256_slli_epi32(_mm256_srl_epi32(key, p->shift), 16);
        const __m256i first = _mm256_mullo_epi32(_mm256_and_si256(key, p->low_bits), p->k.stride);
        const __m256i place = _mm256_add_epi32(first, eight_codes(codes + j));
        const __m256i beyond = _mm256_cmpeq_epi32(_mm256_max_epu32(key, p->k.n_keys), key);
        *outside = _mm256_or_si256(*outside, beyond);
        _mm256_storeu_si256((__m256i *)(void *)(out + j), _mm256_add_epi32(part, place));
    }
}

TARGET static bool part_scale(const struct cxm_key_counters *c, const struct scale *s, int shift,
                              const struct cxm_key_rows *rows, size_t n, uint32_t *out)
{
    const struct parting p = {
        .k = constants_of(c, s, rows),
        .low_bits = _mm256_set1_epi32((int32_t)(((uint32_t)1 << shift) - 1)),
        .shift = _mm_cvtsi32_si128(shift),
        .valid_bits = rows->answer_bits != NULL,
    };
    const size_t whole = n / ROWS * ROWS;
    __m256i outside = _mm256_setzero_si256();
    for (size_t i = 0; i < whole; i += ROWS) {
        const struct cxm_key_rows from = cxm_priv_key_rows_from(rows, i);
        const uint64_t valid = cxm_priv_valid_bits(from.answer_bits, from.answer_skip, ROWS);
        cxm_priv_fetch_rows(rows, i, sizeof(uint32_t));
        for (int half = 0; half < ROWS; half += 32)
            part_block(&p, from.keys + (size_t)half * sizeof(uint32_t), from.answers + half,
                       (uint32_t)(valid >> half), out + i + half, &outside);
    }
    const struct cxm_key_rows rest = cxm_priv_key_rows_from(rows, whole);
    return cxm_priv_part_rows_c(c, shift, &rest, n - whole, out + whole)
        && _mm256_testz_si256(outside, outside) != 0;
}

TARGET bool cxm_priv_part_rows_avx2(const struct cxm_key_counters *c, int shift,
                                    const struct cxm_key_rows *rows, size_t n, uint32_t *out)
{
    struct scale s;
    if (n < ROWS || !find_scale(c, &s))
        return cxm_priv_part_rows_loop(c, shift, rows, n, out);
    return part_scale(c, &s, shift, rows, n, out);
}

#else
typedef int cxm_no_x86;
#endif
