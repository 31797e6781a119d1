/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Times and events counted with AVX2, two lines of rows at a time: eight rows' places in a vector. */
#include "tally/times.h"

#if CXM_TIMES_X86

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* Rows are asked for so far ahead; what lies behind the last one in vain. */
enum { ROWS = 2 * CXM_TIME_LINE, FURTHER = 512 };

AVX2 static inline __m256i loaded(const uint32_t *words)
{
    return _mm256_loadu_si256((const void *)words);
}

AVX2 static inline __m256i eight(const uint8_t *bytes)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)bytes));
}

/* A line of a column with members of some bytes. */
AVX2 CXM_PREFETCHER void ask_for(const void *column, size_t row, size_t bytes)
{
    for (size_t k = 0; k < CXM_TIME_LINE * bytes; k += 64)
        __builtin_prefetch((const void *)((uintptr_t)column + (row + FURTHER) * bytes + k), 0, 3);
}

AVX2 size_t cxm_priv_time_count_avx2(const struct cxm_time_rows *rows, const struct cxm_time_bits *outside,
                                     size_t n, uint32_t *cells)
{
    const struct cxm_time_rows r = *rows; /* which the cells might overlap, for all one knows */
    const __m256i stride = _mm256_set1_epi32((int)r.stride), bins = _mm256_set1_epi32((int)r.bins);
    const __m256i no_time = _mm256_set1_epi32((int)outside->times);
    const __m256i no_key = _mm256_set1_epi32((int)outside->keys);
    const __m256i no_event = _mm256_set1_epi32((int)outside->events);
    uint32_t index[ROWS];
    size_t first = 0;
    for (; first + ROWS <= n; first += ROWS) {
        __m256i times = _mm256_setzero_si256(), keys = times, events = times;
        for (size_t i = 0; i < ROWS; i += 8) {
            const size_t row = first + i;
            const __m256i time = loaded(r.times + row), event = eight(r.events + row);
            __m256i at = _mm256_add_epi32(_mm256_mullo_epi32(time, bins), event);
            times = _mm256_or_si256(times, time);
            events = _mm256_or_si256(events, event);
            if (r.keys != NULL || r.byte_keys != NULL) {
                const __m256i key = r.keys != NULL ? loaded(r.keys + row) : eight(r.byte_keys + row);
                at = _mm256_add_epi32(at, _mm256_mullo_epi32(key, stride));
                keys = _mm256_or_si256(keys, key);
            }
            _mm256_storeu_si256((void *)(index + i), at);
        }
        const __m256i bad = _mm256_or_si256(_mm256_and_si256(times, no_time),
                                            _mm256_or_si256(_mm256_and_si256(keys, no_key),
                                                            _mm256_and_si256(events, no_event)));
        if (CXM_UNLIKELY(!_mm256_testz_si256(bad, bad)))
            break;
        for (size_t i = 0; i < ROWS; i += CXM_TIME_LINE) {
            ask_for(r.times, first + i, sizeof *r.times);
            ask_for(r.events, first + i, 1);
            if (r.keys != NULL)
                ask_for(r.keys, first + i, sizeof *r.keys);
            if (r.byte_keys != NULL)
                ask_for(r.byte_keys, first + i, 1);
            cxm_priv_count_line(cells, index + i);
        }
    }
    return first;
}

#else
typedef int cxm_no_x86;
#endif
