/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of plain arrays into words, four at a time, with AVX2. Products of 64 bits are made of three
 * of 32; comparisons know only signed numbers, which are turned by their highest bit. */
#include "derive/sort_kernels.h"

#if CXM_SORT_X86

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i load_plain(const void *array, enum cxm_plain_kind kind, size_t row)
{
    uint32_t four;
    switch (kind) {
    case CXM_PLAIN_8: return _mm256_loadu_si256((const void *)((const uint64_t *)array + row));
    case CXM_PLAIN_U32:
        return _mm256_cvtepu32_epi64(
            _mm_loadu_si128((const void *)((const uint32_t *)array + row)));
    case CXM_PLAIN_I32:
        return _mm256_cvtepi32_epi64(
            _mm_loadu_si128((const void *)((const int32_t *)array + row)));
    case CXM_PLAIN_U8:
        memcpy(&four, (const uint8_t *)array + row, sizeof four);
        return _mm256_cvtepu8_epi64(_mm_cvtsi32_si128((int)four));
    case CXM_PLAIN_NONE:
    default: return _mm256_setzero_si256();
    }
}

AVX2 static inline __m256i shift_left(__m256i x, int bits)
{
    return _mm256_sll_epi64(x, _mm_cvtsi32_si128(bits));
}

AVX2 static inline __m256i shift_right(__m256i x, int bits)
{
    return _mm256_srl_epi64(x, _mm_cvtsi32_si128(bits));
}

AVX2 static inline __m256i greater(__m256i a, __m256i b)
{
    const __m256i top = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_cmpgt_epi64(_mm256_xor_si256(a, top), _mm256_xor_si256(b, top));
}

AVX2 static inline __m256i times_factor(__m256i x)
{
    const __m256i low = _mm256_set1_epi64x((int64_t)(CXM_MIX_FACTOR & UINT32_MAX));
    const __m256i high = _mm256_set1_epi64x((int64_t)(CXM_MIX_FACTOR >> 32));
    const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(x, 32), low),
                                           _mm256_mul_epu32(x, high));
    return _mm256_add_epi64(_mm256_mul_epu32(x, low), _mm256_slli_epi64(cross, 32));
}

AVX2 __attribute__((always_inline)) static inline bool
pack(const struct cxm_plain_rows *r, size_t first, size_t n, uint64_t *customers,
     uint64_t *words, enum cxm_plain_kind customer_kind, enum cxm_plain_kind code_kind)
{
    enum { LANES = 4 };
    const __m256i customer_base = _mm256_set1_epi64x((int64_t)r->customer_base);
    const __m256i code_base = _mm256_set1_epi64x((int64_t)r->code_base);
    const __m256i time_base = _mm256_set1_epi64x((int64_t)r->time_base);
    const __m256i latest = _mm256_set1_epi64x((int64_t)r->latest);
    const __m256i most = _mm256_set1_epi64x((int64_t)(UINT64_MAX >> (64 - r->customer_bits)));
    const __m256i one = _mm256_set1_epi64x(1);
    const int half = (r->customer_bits + 1) / 2, rest_bits = r->code_bits + r->time_bits;
    __m256i odd = _mm256_setzero_si256(), wrong = odd;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m256i time = _mm256_sub_epi64(
            _mm256_loadu_si256((const void *)(r->time + first + i)), time_base);
        const __m256i customer = _mm256_sub_epi64(
            load_plain(r->customer, customer_kind, first + i), customer_base);
        __m256i word = time;
        wrong = _mm256_or_si256(wrong, greater(time, latest));
        if (code_kind != CXM_PLAIN_NONE) {
            const __m256i code = _mm256_sub_epi64(load_plain(r->code, code_kind, first + i),
                                                  code_base);
            odd = _mm256_or_si256(odd, _mm256_or_si256(code, _mm256_add_epi64(code, one)));
            word = _mm256_or_si256(word, shift_left(code, r->time_bits));
        }
        if (r->hashed) {
            _mm256_storeu_si256((void *)(customers + i), customer);
        } else {
            wrong = _mm256_or_si256(wrong, greater(customer, most));
            __m256i mixed = _mm256_xor_si256(customer, shift_right(customer, half));
            mixed = _mm256_and_si256(times_factor(mixed), most);
            word = _mm256_or_si256(word, shift_left(mixed, rest_bits));
        }
        _mm256_storeu_si256((void *)(words + i), word);
    }
    wrong = _mm256_or_si256(wrong, shift_right(odd, r->code_bits));
    return _mm256_testz_si256(wrong, wrong)
        && (i == n || cxm_priv_pack_plain_c(r, first + i, n - i, customers + i, words + i));
}

CXM_PACK_PLAIN(cxm_priv_pack_plain_avx2, AVX2, pack)

#endif
