/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of plain arrays into words, eight at a time. */
#include "derive/sort_kernels.h"

#if CXM_SORT_X86

#include <immintrin.h>

#define AVX512 CXM_TARGET("avx512f,avx512dq")

AVX512 static inline __m512i load_plain(const void *array, enum cxm_plain_kind kind, size_t row)
{
    switch (kind) {
    case CXM_PLAIN_8: return _mm512_loadu_si512((const uint64_t *)array + row);
    case CXM_PLAIN_U32:
        return _mm512_cvtepu32_epi64(
            _mm256_loadu_si256((const void *)((const uint32_t *)array + row)));
    case CXM_PLAIN_I32:
        return _mm512_cvtepi32_epi64(
            _mm256_loadu_si256((const void *)((const int32_t *)array + row)));
    case CXM_PLAIN_U8:
        return _mm512_cvtepu8_epi64(
            _mm_loadl_epi64((const void *)((const uint8_t *)array + row)));
    case CXM_PLAIN_NONE:
    default: return _mm512_setzero_si512();
    }
}

AVX512 static inline __m512i shift_left(__m512i x, int bits)
{
    return _mm512_sll_epi64(x, _mm_cvtsi32_si128(bits));
}

AVX512 static inline __m512i shift_right(__m512i x, int bits)
{
    return _mm512_srl_epi64(x, _mm_cvtsi32_si128(bits));
}

AVX512 __attribute__((always_inline)) static inline bool
pack(const struct cxm_plain_rows *r, size_t first, size_t n, uint64_t *customers,
     uint64_t *words, enum cxm_plain_kind customer_kind, enum cxm_plain_kind code_kind)
{
    enum { LANES = 8 };
    const __m512i customer_base = _mm512_set1_epi64((int64_t)r->customer_base);
    const __m512i code_base = _mm512_set1_epi64((int64_t)r->code_base);
    const __m512i time_base = _mm512_set1_epi64((int64_t)r->time_base);
    const __m512i latest = _mm512_set1_epi64((int64_t)r->latest);
    const __m512i most = _mm512_set1_epi64((int64_t)(UINT64_MAX >> (64 - r->customer_bits)));
    const __m512i factor = _mm512_set1_epi64((int64_t)CXM_MIX_FACTOR);
    const __m512i one = _mm512_set1_epi64(1);
    const int half = (r->customer_bits + 1) / 2, rest_bits = r->code_bits + r->time_bits;
    __m512i odd = _mm512_setzero_si512();
    __mmask8 wrong = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m512i time = _mm512_sub_epi64(_mm512_loadu_si512(r->time + first + i), time_base);
        const __m512i customer = _mm512_sub_epi64(
            load_plain(r->customer, customer_kind, first + i), customer_base);
        __m512i word = time;
        wrong |= _mm512_cmpgt_epu64_mask(time, latest);
        if (code_kind != CXM_PLAIN_NONE) {
            const __m512i code = _mm512_sub_epi64(load_plain(r->code, code_kind, first + i),
                                                  code_base);
            odd = _mm512_or_si512(odd, shift_right(code, r->code_bits));
            odd = _mm512_or_si512(odd, shift_right(_mm512_add_epi64(code, one), r->code_bits));
            word = _mm512_or_si512(word, shift_left(code, r->time_bits));
        }
        if (r->hashed) {
            _mm512_storeu_si512(customers + i, customer);
        } else {
            wrong |= _mm512_cmpgt_epu64_mask(customer, most);
            __m512i mixed = _mm512_xor_si512(customer, shift_right(customer, half));
            mixed = _mm512_and_si512(_mm512_mullo_epi64(mixed, factor), most);
            word = _mm512_or_si512(word, shift_left(mixed, rest_bits));
        }
        _mm512_storeu_si512(words + i, word);
    }
    const bool fits = wrong == 0 && _mm512_test_epi64_mask(odd, odd) == 0;
    return fits && (i == n || cxm_priv_pack_plain_c(r, first + i, n - i, customers + i, words + i));
}

CXM_PACK_PLAIN(cxm_priv_pack_plain_avx512, AVX512, pack)

#endif
