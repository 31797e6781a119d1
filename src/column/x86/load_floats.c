/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Floats side by side as doubles, and whether all are finite: four at a time with AVX2. */
#include "column/decode.h"

#if CXM_COLUMN_X86

#include <float.h>
#include <immintrin.h>

/* NaN, which compares with nothing, counts as not finite. */
__attribute__((target("avx2"))) static inline __m256d odd_of(__m256d value)
{
    const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), value);
    return _mm256_cmp_pd(size, _mm256_set1_pd(DBL_MAX), _CMP_NLE_UQ);
}

__attribute__((target("avx2"))) bool
cxm_priv_load_f64_avx2(const unsigned char *from, size_t n, double *values)
{
    __m256d odd = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const __m256d v = _mm256_castsi256_pd(
            _mm256_loadu_si256((const __m256i *)(const void *)(from + 8 * i)));
        odd = _mm256_or_pd(odd, odd_of(v));
        _mm256_storeu_pd(values + i, v);
    }
    double rest[4] = { 0, 0, 0, 0 };
    memcpy(rest, from + 8 * i, 8 * (n - i));
    memcpy(values + i, rest, 8 * (n - i));
    odd = _mm256_or_pd(odd, odd_of(_mm256_loadu_pd(rest)));
    return _mm256_movemask_pd(odd) == 0;
}

__attribute__((target("avx2"))) bool
cxm_priv_load_f32_avx2(const unsigned char *from, size_t n, double *values)
{
    __m256d odd = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const __m128 four = _mm_castsi128_ps(
            _mm_loadu_si128((const __m128i *)(const void *)(from + 4 * i)));
        const __m256d v = _mm256_cvtps_pd(four);
        odd = _mm256_or_pd(odd, odd_of(v));
        _mm256_storeu_pd(values + i, v);
    }
    float rest[4] = { 0, 0, 0, 0 };
    memcpy(rest, from + 4 * i, 4 * (n - i));
    const __m256d v = _mm256_cvtps_pd(_mm_loadu_ps(rest));
    double wide[4];
    _mm256_storeu_pd(wide, v);
    memcpy(values + i, wide, 8 * (n - i));
    odd = _mm256_or_pd(odd, odd_of(v));
    return _mm256_movemask_pd(odd) == 0;
}

#else
typedef int cxm_no_x86;
#endif
