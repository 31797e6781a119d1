/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting bytes with wide compares: a vector is compared with each value, and the lanes that
 * match are added up in 8-bit lanes, which are widened before 255 rounds could overflow them.
 * Twelve values take 24 instructions for 32 (AVX2) or 64 (AVX-512) answers. */
#include "tally/kernels.h"

#if CXM_X86

#include <immintrin.h>

enum { ROUNDS = 255 };

/* Four values at a time: their sums stay in registers over all rounds of a part, and the part
 * stays in the first-level cache for the next four. */
__attribute__((target("avx2"))) static void
count_four_avx2(const uint8_t *bytes, size_t rounds, const uint8_t *values, uint64_t *counts)
{
    const __m256i v0 = _mm256_set1_epi8((char)values[0]), v1 = _mm256_set1_epi8((char)values[1]);
    const __m256i v2 = _mm256_set1_epi8((char)values[2]), v3 = _mm256_set1_epi8((char)values[3]);
    const __m256i zero = _mm256_setzero_si256();
    __m256i s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    for (size_t i = 0; i < rounds; i++) {
        const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32 * i));
        s0 = _mm256_sub_epi8(s0, _mm256_cmpeq_epi8(x, v0));
        s1 = _mm256_sub_epi8(s1, _mm256_cmpeq_epi8(x, v1));
        s2 = _mm256_sub_epi8(s2, _mm256_cmpeq_epi8(x, v2));
        s3 = _mm256_sub_epi8(s3, _mm256_cmpeq_epi8(x, v3));
    }
    const __m256i sums[4] = { s0, s1, s2, s3 };
    for (int k = 0; k < 4; k++) {
        uint64_t parts[4];
        _mm256_storeu_si256((__m256i *)(void *)parts, _mm256_sad_epu8(sums[k], zero));
        counts[k] += parts[0] + parts[1] + parts[2] + parts[3];
    }
}

__attribute__((target("avx512bw"))) static void
count_four_avx512(const uint8_t *bytes, size_t rounds, const uint8_t *values, uint64_t *counts)
{
    const __m512i v0 = _mm512_set1_epi8((char)values[0]), v1 = _mm512_set1_epi8((char)values[1]);
    const __m512i v2 = _mm512_set1_epi8((char)values[2]), v3 = _mm512_set1_epi8((char)values[3]);
    const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi8(1);
    __m512i s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    for (size_t i = 0; i < rounds; i++) {
        const __m512i x = _mm512_loadu_si512(bytes + 64 * i);
        s0 = _mm512_mask_add_epi8(s0, _mm512_cmpeq_epi8_mask(x, v0), s0, one);
        s1 = _mm512_mask_add_epi8(s1, _mm512_cmpeq_epi8_mask(x, v1), s1, one);
        s2 = _mm512_mask_add_epi8(s2, _mm512_cmpeq_epi8_mask(x, v2), s2, one);
        s3 = _mm512_mask_add_epi8(s3, _mm512_cmpeq_epi8_mask(x, v3), s3, one);
    }
    const __m512i sums[4] = { s0, s1, s2, s3 };
    for (int k = 0; k < 4; k++)
        counts[k] += (uint64_t)_mm512_reduce_add_epi64(_mm512_sad_epu8(sums[k], zero));
}

typedef void count_four(const uint8_t *, size_t, const uint8_t *, uint64_t *);

static void count_parts(const uint8_t *bytes, size_t n, size_t width, const uint8_t *values,
                        size_t n_values, uint64_t *counts, count_four *four)
{
    uint64_t found[CXM_MOST_VALUES + 4] = { 0 };
    uint8_t padded[CXM_MOST_VALUES + 4];
    memset(padded, values[0], sizeof padded); /* what pads is counted, and not looked at */
    memcpy(padded, values, n_values);
    size_t done = 0;
    while (n - done >= width) {
        const size_t left = (n - done) / width;
        const size_t rounds = left < ROUNDS ? left : ROUNDS;
        for (size_t v = 0; v < n_values; v += 4)
            four(bytes + done, rounds, padded + v, found + v);
        done += rounds * width;
    }
    for (; done < n; done++)
        for (size_t v = 0; v < n_values; v++)
            found[v] += bytes[done] == values[v];
    for (size_t v = 0; v < n_values; v++)
        counts[v] += found[v];
}

void cxm_priv_count_bytes_avx2(const uint8_t *bytes, size_t n, const uint8_t *values,
                               size_t n_values, uint64_t *counts)
{
    if (n_values > 0)
        count_parts(bytes, n, 32, values, n_values, counts, count_four_avx2);
}

void cxm_priv_count_bytes_avx512(const uint8_t *bytes, size_t n, const uint8_t *values,
                                 size_t n_values, uint64_t *counts)
{
    if (n_values > 0)
        count_parts(bytes, n, 64, values, n_values, counts, count_four_avx512);
}

#else
typedef int cxm_no_x86;
#endif
