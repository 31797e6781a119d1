/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs of up to 16 words in one or two vectors of eight, by bitonic networks (Batcher 1968): no
 * branch depends on a word. A vector is stored whole; the run that follows overwrites what is
 * beyond the end. Loading from another array than is stored to keeps loads from waiting. */
#include "derive/sort_kernels.h"

#if CXM_SORT_X86

#include <immintrin.h>

#define AVX512 CXM_TARGET("avx512f")

/* Lanes of `upper` get the larger of both, the others the smaller. */
AVX512 static inline __m512i exchange(__m512i a, __m512i b, __mmask8 upper)
{
    return _mm512_mask_max_epu64(_mm512_min_epu64(a, b), upper, a, b);
}

AVX512 static inline __m512i swap_neighbours(__m512i a)
{
    return _mm512_permutex_epi64(a, _MM_SHUFFLE(2, 3, 0, 1));
}

AVX512 static inline __m512i swap_pairs(__m512i a)
{
    return _mm512_permutex_epi64(a, _MM_SHUFFLE(1, 0, 3, 2));
}

AVX512 static inline __m512i swap_halves(__m512i a)
{
    return _mm512_shuffle_i64x2(a, a, _MM_SHUFFLE(1, 0, 3, 2));
}

AVX512 static inline __m512i reverse(__m512i a)
{
    const __m512i order = _mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm512_permutexvar_epi64(order, a);
}

/* A bitonic sequence of eight into order. */
AVX512 static inline __m512i finish(__m512i a)
{
    a = exchange(a, swap_halves(a), 0xF0);
    a = exchange(a, swap_pairs(a), 0xCC);
    return exchange(a, swap_neighbours(a), 0xAA);
}

AVX512 static inline __m512i sort_eight(__m512i a)
{
    a = exchange(a, swap_neighbours(a), 0xAA);
    a = exchange(a, _mm512_permutex_epi64(a, _MM_SHUFFLE(0, 1, 2, 3)), 0xCC);
    a = exchange(a, swap_neighbours(a), 0xAA);
    a = exchange(a, reverse(a), 0xF0);
    a = exchange(a, swap_pairs(a), 0xCC);
    return exchange(a, swap_neighbours(a), 0xAA);
}

AVX512 static inline __m512i load(const uint64_t *from, size_t n)
{
    const __mmask8 there = (__mmask8)((1u << n) - 1);
    return _mm512_mask_loadu_epi64(_mm512_set1_epi64(-1), there, from);
}

AVX512 void cxm_priv_sort_runs_avx512(uint64_t *from, const uint32_t *ends, size_t n_runs,
                                      uint64_t *to)
{
    enum { LANES = 8 };
    for (size_t r = 0, start = 0; r < n_runs; start = ends[r++]) {
        const size_t n = ends[r] - start;
        if (CXM_LIKELY(n <= LANES)) {
            _mm512_storeu_si512(to + start, sort_eight(load(from + start, n)));
        } else if (CXM_LIKELY(n <= 2 * LANES)) {
            const __m512i a = sort_eight(load(from + start, LANES));
            const __m512i b = reverse(sort_eight(load(from + start + LANES, n - LANES)));
            _mm512_storeu_si512(to + start, finish(_mm512_min_epu64(a, b)));
            _mm512_storeu_si512(to + start + LANES, finish(_mm512_max_epu64(a, b)));
        } else {
            cxm_priv_sort_long(from + start, n, to + start, cxm_priv_sort_runs_avx512);
        }
    }
}

AVX512 void cxm_priv_near_words_avx512(const uint64_t *words, size_t n,
                                       const struct cxm_near_rules *rules, struct cxm_near *out)
{
    enum { LANES = 8 };
    const __m128i key_shift = _mm_cvtsi32_si128(rules->key_shift);
    const __m128i customer_shift = _mm_cvtsi32_si128(rules->customer_shift);
    const __m512i one = _mm512_set1_epi64(1), most = _mm512_set1_epi64((int64_t)rules->most);
    const __m512i time_mask = _mm512_set1_epi64((int64_t)rules->time_mask);
    const __m512i old_time = _mm512_set1_epi64((int64_t)rules->old);
    struct cxm_near bits = { 0, 0, 0, 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m512i word = _mm512_loadu_si512(words + i);
        const __m512i next = _mm512_loadu_si512(words + i + 1);
        const __m512i other = _mm512_xor_si512(word, next);
        const __m512i later = _mm512_sub_epi64(_mm512_sub_epi64(next, word), one);
        const __m512i key = _mm512_srl_epi64(other, key_shift);
        const __m512i customer = _mm512_srl_epi64(other, customer_shift);
        const __mmask8 same_key = _mm512_testn_epi64_mask(key, key);
        const uint64_t near = _mm512_mask_cmplt_epu64_mask(same_key, later, most);
        const uint64_t same = _mm512_testn_epi64_mask(other, other);
        const uint64_t old = _mm512_cmple_epu64_mask(_mm512_and_si512(word, time_mask), old_time);
        const uint64_t last = _mm512_test_epi64_mask(customer, customer);
        bits.near |= near << i;
        bits.same |= same << i;
        bits.old |= old << i;
        bits.last |= last << i;
    }
    if (rules->none_old)
        bits.old = 0;
    cxm_priv_near_rest(words, i, n, rules, &bits);
    *out = bits;
}

#endif
