/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replacing bytes that a bitmap calls null: its bits become a mask of bytes, 32 at a time by
 * spreading each byte of the bitmap over eight lanes (AVX2), 64 at a time as they are (AVX-512). */
#include "tally/kernels.h"

#if CXM_X86

#include <immintrin.h>

__attribute__((target("avx2,popcnt"))) uint64_t
cxm_priv_mask_bytes_avx2(const uint8_t *bytes, size_t n, const uint8_t *bits, unsigned skip,
                         uint8_t fill, uint8_t *out)
{
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                            2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    const __m256i other = _mm256_set1_epi8((char)fill);
    uint64_t nulls = 0;
    size_t i = 0;
    for (; i + 64 <= n; i += 64, bits += 8) {
        const uint64_t word = cxm_priv_word_of_bits(bits, skip);
        for (int half = 0; half < 2; half++) {
            const __m256i four = _mm256_set1_epi32((int)(uint32_t)(word >> 32 * half));
            const __m256i picked = _mm256_and_si256(_mm256_shuffle_epi8(four, spread), bit);
            const __m256i valid = _mm256_cmpeq_epi8(picked, bit);
            const size_t at = i + 32 * (size_t)half;
            const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + at));
            _mm256_storeu_si256((__m256i *)(void *)(out + at),
                                _mm256_blendv_epi8(other, x, valid));
        }
        nulls += 64 - (uint64_t)__builtin_popcountll(word);
    }
    return nulls + cxm_priv_mask_bytes_c(bytes + i, n - i, bits, skip, fill, out + i);
}

__attribute__((target("avx512bw,popcnt"))) uint64_t
cxm_priv_mask_bytes_avx512(const uint8_t *bytes, size_t n, const uint8_t *bits, unsigned skip,
                           uint8_t fill, uint8_t *out)
{
    const __m512i other = _mm512_set1_epi8((char)fill);
    uint64_t nulls = 0;
    size_t i = 0;
    for (; i + 64 <= n; i += 64, bits += 8) {
        const uint64_t word = cxm_priv_word_of_bits(bits, skip);
        const __m512i x = _mm512_loadu_si512(bytes + i);
        _mm512_storeu_si512(out + i, _mm512_mask_mov_epi8(other, (__mmask64)word, x));
        nulls += 64 - (uint64_t)__builtin_popcountll(word);
    }
    return nulls + cxm_priv_mask_bytes_c(bytes + i, n - i, bits, skip, fill, out + i);
}

#else
typedef int cxm_no_x86;
#endif
