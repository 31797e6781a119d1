/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hot loop of cohorts with AVX2: eight rows at a time are seen to be inside, so that each of them
 * takes only what finds its period and its word. */
#include "derive/cohort_mark.h"

#if CXM_COHORT_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,bmi2")))

/* Rows are asked for so far ahead: processors read ahead too little beside words from everywhere. They
 * are not to stay, so that they leave the cache that threads share to the words. What lies behind
 * the last row is asked for in vain. */
enum { ROWS = 8, FURTHER = 512 };

TARGET static inline __m256i loaded(const void *from)
{
    return _mm256_loadu_si256(from);
}

/* `last` is not negative: what is before the begin is. */
TARGET static inline bool all_inside(const uint32_t *ids, const int64_t *times, __m256i low,
                                     __m256i most, __m256i begin, __m256i last)
{
    const __m256i at = _mm256_sub_epi32(loaded(ids), low);
    const __m256i a = _mm256_sub_epi64(loaded(times), begin);
    const __m256i b = _mm256_sub_epi64(loaded(times + ROWS / 2), begin);
    const __m256i known = _mm256_cmpeq_epi32(_mm256_min_epu32(at, most), at);
    const __m256i late = _mm256_or_si256(_mm256_cmpgt_epi64(a, last), _mm256_cmpgt_epi64(b, last));
    const __m256i bad = _mm256_or_si256(late, _mm256_or_si256(a, b));
    return _mm256_movemask_epi8(known) == -1 && _mm256_movemask_pd(_mm256_castsi256_pd(bad)) == 0;
}

TARGET size_t cxm_priv_cohort_mark_avx2(const struct cxm_cohort_marks *m, const uint32_t *ids,
                                        const int64_t *times, size_t n)
{
    const struct cxm_cohort_calendar *const c = m->calendar;
    if (m->n_ids == 0 || c->last > INT64_MAX)
        return cxm_priv_cohort_mark_c(m, ids, times, n);
    const __m256i low = _mm256_set1_epi32((int)m->low_id);
    const __m256i most = _mm256_set1_epi32((int)(m->n_ids - 1));
    const __m256i begin = _mm256_set1_epi64x(c->begin);
    const __m256i last = _mm256_set1_epi64x((int64_t)c->last);
    const uint64_t *const add = c->add;
    const int shift = c->shift;
    /* Of customer 0, who may have none: only a number. */
    const uintptr_t zero = (uintptr_t)m->words - 4 * (uintptr_t)m->low_id;
    size_t i = 0;
    for (; i + CXM_MARK_LEFT <= n; i += ROWS) {
        if (CXM_UNLIKELY(!all_inside(ids + i, times + i, low, most, begin, last)))
            return i;
        __builtin_prefetch((const void *)((uintptr_t)(ids + i) + FURTHER * sizeof *ids), 0, 0);
        __builtin_prefetch((const void *)((uintptr_t)(times + i) + FURTHER * sizeof *times), 0, 0);
        for (size_t k = i; k < i + ROWS; k++) {
            const uint64_t since = (uint64_t)times[k] - (uint64_t)c->begin;
            uint32_t *const word = (uint32_t *)(zero + 4 * (uintptr_t)ids[k]);
            __builtin_prefetch((const void *)(zero + 4 * (uintptr_t)ids[k + CXM_MARK_AHEAD]), 1);
            *word |= (uint32_t)1 << ((since + add[since >> shift]) >> shift);
        }
    }
    return i;
}

#endif
