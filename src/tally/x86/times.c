/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cells of times and events: sixteen rows at a time with AVX-512, eight with AVX2. */
#include "tally/times.h"

#if CXM_TIMES_X86

#include <immintrin.h>

#define AVX512 CXM_TARGET("avx512f,avx512dq")
#define AVX2 __attribute__((target("avx2")))

static struct cxm_time_rows rows_from(const struct cxm_time_rows *rows, size_t row)
{
    struct cxm_time_rows rest = *rows;
    rest.times += row;
    rest.events += row;
    if (rows->keys != NULL)
        rest.keys += row;
    if (rows->byte_keys != NULL)
        rest.byte_keys += row;
    return rest;
}

AVX512 static inline __m512i wide(const uint8_t *bytes)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

AVX512 struct cxm_time_bits cxm_priv_time_cells_avx512(const struct cxm_time_rows *rows, size_t n,
                                                       uint32_t *index)
{
    const struct cxm_time_rows r = *rows; /* which the index might overlap, for all one knows */
    const __m512i stride = _mm512_set1_epi32((int)rows->stride);
    const __m512i bins = _mm512_set1_epi32((int)rows->bins);
    __m512i times = _mm512_setzero_si512(), keys = times, events = times;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m512i time = _mm512_loadu_si512(r.times + i), event = wide(r.events + i);
        __m512i at = _mm512_add_epi32(_mm512_mullo_epi32(time, bins), event);
        times = _mm512_or_si512(times, time);
        events = _mm512_or_si512(events, event);
        if (r.keys != NULL || r.byte_keys != NULL) {
            const __m512i key = r.keys != NULL ? _mm512_loadu_si512(r.keys + i)
                                                   : wide(r.byte_keys + i);
            at = _mm512_add_epi32(at, _mm512_mullo_epi32(key, stride));
            keys = _mm512_or_si512(keys, key);
        }
        _mm512_storeu_si512(index + i, at);
    }
    const struct cxm_time_rows rest = rows_from(rows, i);
    struct cxm_time_bits bits = cxm_priv_time_cells_c(&rest, n - i, index + i);
    bits.times |= (uint32_t)_mm512_reduce_or_epi32(times);
    bits.keys |= (uint32_t)_mm512_reduce_or_epi32(keys);
    bits.events |= (uint32_t)_mm512_reduce_or_epi32(events);
    return bits;
}

AVX2 static inline __m256i eight(const uint8_t *bytes)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)bytes));
}

AVX2 struct cxm_time_bits cxm_priv_time_cells_avx2(const struct cxm_time_rows *rows, size_t n,
                                                       uint32_t *index)
{
    const struct cxm_time_rows r = *rows; /* which the index might overlap, for all one knows */
    const __m256i stride = _mm256_set1_epi32((int)rows->stride);
    const __m256i bins = _mm256_set1_epi32((int)rows->bins);
    __m256i times = _mm256_setzero_si256(), keys = times, events = times;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i time = _mm256_loadu_si256((const void *)(r.times + i)), event = eight(r.events + i);
        __m256i at = _mm256_add_epi32(_mm256_mullo_epi32(time, bins), event);
        times = _mm256_or_si256(times, time);
        events = _mm256_or_si256(events, event);
        if (r.keys != NULL || r.byte_keys != NULL) {
            const __m256i key = r.keys != NULL ? _mm256_loadu_si256((const void *)(r.keys + i))
                                                   : eight(r.byte_keys + i);
            at = _mm256_add_epi32(at, _mm256_mullo_epi32(key, stride));
            keys = _mm256_or_si256(keys, key);
        }
        _mm256_storeu_si256((void *)(index + i), at);
    }
    const struct cxm_time_rows rest = rows_from(rows, i);
    struct cxm_time_bits bits = cxm_priv_time_cells_c(&rest, n - i, index + i);
    uint32_t lanes[3][8];
    _mm256_storeu_si256((void *)lanes[0], times);
    _mm256_storeu_si256((void *)lanes[1], keys);
    _mm256_storeu_si256((void *)lanes[2], events);
    for (size_t k = 0; k < 8; k++) {
        bits.times |= lanes[0][k];
        bits.keys |= lanes[1][k];
        bits.events |= lanes[2][k];
    }
    return bits;
}

#else
typedef int cxm_no_x86;
#endif
