/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs of up to 16 words in vectors of four, by bitonic networks (Batcher 1968), as sort_runs.c
 * does with eight. Comparisons know only signed numbers: words are turned by their highest bit. */
#include "derive/sort_kernels.h"

#if CXM_SORT_X86

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

enum { LANES = 4 };

AVX2 static inline __m256i turn(__m256i a)
{
    return _mm256_xor_si256(a, _mm256_set1_epi64x(INT64_MIN));
}

/* Lanes of `upper`, all ones, get the larger of both, the others the smaller. */
AVX2 static inline __m256i exchange(__m256i a, __m256i b, __m256i upper)
{
    const __m256i other = _mm256_xor_si256(_mm256_cmpgt_epi64(a, b), upper);
    return _mm256_blendv_epi8(a, b, other);
}

AVX2 static inline __m256i swap_neighbours(__m256i a)
{
    return _mm256_shuffle_epi32(a, _MM_SHUFFLE(1, 0, 3, 2));
}

AVX2 static inline __m256i swap_pairs(__m256i a)
{
    return _mm256_permute4x64_epi64(a, _MM_SHUFFLE(1, 0, 3, 2));
}

AVX2 static inline __m256i reverse(__m256i a)
{
    return _mm256_permute4x64_epi64(a, _MM_SHUFFLE(0, 1, 2, 3));
}

AVX2 static inline __m256i odd_lanes(void)
{
    return _mm256_set_epi64x(-1, 0, -1, 0);
}

AVX2 static inline __m256i high_lanes(void)
{
    return _mm256_set_epi64x(-1, -1, 0, 0);
}

/* A bitonic sequence of four into order. */
AVX2 static inline __m256i finish(__m256i a)
{
    a = exchange(a, swap_pairs(a), high_lanes());
    return exchange(a, swap_neighbours(a), odd_lanes());
}

AVX2 static inline __m256i sort_four(__m256i a)
{
    a = exchange(a, swap_neighbours(a), odd_lanes());
    a = exchange(a, reverse(a), high_lanes());
    return exchange(a, swap_neighbours(a), odd_lanes());
}

/* Lane by lane: the smaller to a, the larger to b. */
AVX2 static inline void order(__m256i *a, __m256i *b)
{
    const __m256i greater = _mm256_cmpgt_epi64(*a, *b);
    const __m256i low = _mm256_blendv_epi8(*a, *b, greater);
    *b = _mm256_blendv_epi8(*b, *a, greater);
    *a = low;
}

AVX2 static inline void sort_eight(__m256i *a, __m256i *b)
{
    *a = sort_four(*a);
    *b = reverse(sort_four(*b));
    order(a, b);
    *a = finish(*a);
    *b = finish(*b);
}

/* Up to four words; the lanes that are left are the largest. */
AVX2 static inline __m256i load(const uint64_t *from, size_t n)
{
    static const int64_t there[2 * LANES] = { -1, -1, -1, -1, 0, 0, 0, 0 };
    const size_t used = n < LANES ? n : LANES;
    const __m256i mask = _mm256_loadu_si256((const void *)(there + LANES - used));
    const __m256i words = _mm256_maskload_epi64((const void *)from, mask);
    const __m256i largest = _mm256_set1_epi64x(INT64_MAX);
    return _mm256_blendv_epi8(largest, turn(words), mask);
}

AVX2 static inline void store(uint64_t *to, __m256i a)
{
    _mm256_storeu_si256((void *)to, turn(a));
}

AVX2 static inline void sort_up_to_eight(const uint64_t *from, size_t n, uint64_t *to)
{
    __m256i a = load(from, LANES), b = load(from + LANES, n - LANES);
    sort_eight(&a, &b);
    store(to, a);
    store(to + LANES, b);
}

AVX2 static inline void sort_up_to_sixteen(const uint64_t *from, size_t n, uint64_t *to)
{
    const size_t left = n > 3 * LANES ? n - 3 * LANES : 0;
    __m256i a = load(from, LANES), b = load(from + LANES, LANES);
    __m256i c = load(from + 2 * LANES, n - 2 * LANES), d = load(from + n - left, left);
    sort_eight(&a, &b);
    sort_eight(&c, &d);
    __m256i e = reverse(d), f = reverse(c);
    order(&a, &e);
    order(&b, &f);
    order(&a, &b);
    order(&e, &f);
    store(to, finish(a));
    store(to + LANES, finish(b));
    store(to + 2 * LANES, finish(e));
    store(to + 3 * LANES, finish(f));
}

AVX2 void cxm_priv_sort_runs_avx2(uint64_t *from, const uint32_t *ends, size_t n_runs,
                                  uint64_t *to)
{
    for (size_t r = 0, start = 0; r < n_runs; start = ends[r++]) {
        const size_t n = ends[r] - start;
        if (n <= LANES)
            store(to + start, sort_four(load(from + start, n)));
        else if (n <= 2 * LANES)
            sort_up_to_eight(from + start, n, to + start);
        else if (n <= 4 * LANES)
            sort_up_to_sixteen(from + start, n, to + start);
        else
            cxm_priv_sort_long(from + start, n, to + start, cxm_priv_sort_runs_avx2);
    }
}

/* ---- neighbours ------------------------------------------------------------------------- */

AVX2 static inline uint64_t lanes_of(__m256i mask)
{
    return (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(mask));
}

AVX2 void cxm_priv_near_words_avx2(const uint64_t *words, size_t n,
                                   const struct cxm_near_rules *rules, struct cxm_near *out)
{
    const __m128i key_shift = _mm_cvtsi32_si128(rules->key_shift);
    const __m128i customer_shift = _mm_cvtsi32_si128(rules->customer_shift);
    const __m256i one = _mm256_set1_epi64x(1), zero = _mm256_setzero_si256();
    const __m256i most = turn(_mm256_set1_epi64x((int64_t)rules->most));
    const __m256i time_mask = _mm256_set1_epi64x((int64_t)rules->time_mask);
    const __m256i old_time = turn(_mm256_set1_epi64x((int64_t)rules->old));
    struct cxm_near bits = { 0, 0, 0, 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m256i word = _mm256_loadu_si256((const void *)(words + i));
        const __m256i next = _mm256_loadu_si256((const void *)(words + i + 1));
        const __m256i other = _mm256_xor_si256(word, next);
        const __m256i later = turn(_mm256_sub_epi64(_mm256_sub_epi64(next, word), one));
        const __m256i key = _mm256_cmpeq_epi64(_mm256_srl_epi64(other, key_shift), zero);
        const __m256i customer = _mm256_cmpeq_epi64(_mm256_srl_epi64(other, customer_shift), zero);
        const __m256i young = _mm256_cmpgt_epi64(turn(_mm256_and_si256(word, time_mask)),
                                                 old_time);
        bits.near |= lanes_of(_mm256_and_si256(key, _mm256_cmpgt_epi64(most, later))) << i;
        bits.same |= lanes_of(_mm256_cmpeq_epi64(word, next)) << i;
        bits.old |= (lanes_of(young) ^ 15) << i;
        bits.last |= (lanes_of(customer) ^ 15) << i;
    }
    if (rules->none_old)
        bits.old = 0;
    cxm_priv_near_rest(words, i, n, rules, &bits);
    *out = bits;
}

#endif
