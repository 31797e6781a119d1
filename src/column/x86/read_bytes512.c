/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of wider types as bytes, 64 at a time, with AVX-512: each vector's are shifted into the next
 * byte of the lanes, and the lanes are put in order at the end. Narrowing every vector by itself
 * costs a third more. What is left of the rows is read_bytes.c's. */
#include "column/decode.h"
#include "column/read_bytes.h"

#if CXM_COLUMN_X86

#include <immintrin.h>

#define TARGET CXM_TARGET("avx512f,avx512bw")
#define INLINE TARGET static inline __attribute__((always_inline))

enum { ROWS = 64, ODD = CXM_BYTE_MISSING, NAN_MARK = CXM_BYTE_NONE };

/* Whole numbers less the base, and more than a byte holds as 255. */
INLINE __m512i near_u16(__m512i v, int32_t base)
{
    return _mm512_min_epu16(_mm512_sub_epi16(v, _mm512_set1_epi16((short)base)),
                            _mm512_set1_epi16(CXM_BYTE_NONE));
}

INLINE __m512i near_u32(__m512i v, int32_t base)
{
    return _mm512_min_epu32(_mm512_sub_epi32(v, _mm512_set1_epi32(base)),
                            _mm512_set1_epi32(CXM_BYTE_NONE));
}

INLINE __m512i near_u64(__m512i v, int32_t base)
{
    return _mm512_min_epu64(_mm512_sub_epi64(v, _mm512_set1_epi64(base)),
                            _mm512_set1_epi64(CXM_BYTE_NONE));
}

/* As read_bytes.c has it, but that numbers below the window wrap too: a bit pattern less that of the
 * base is then beyond it. One that is not whole or too large becomes ODD. */
INLINE __m512i near_f32(__m512i bits, int32_t base)
{
    const __m512 v = _mm512_castsi512_ps(bits), magic = _mm512_set1_ps(0x1.8p23f);
    const __m512 sum = _mm512_add_ps(v, magic);
    const __mmask16 whole = _mm512_cmp_ps_mask(_mm512_sub_ps(sum, magic), v, _CMP_EQ_OQ);
    const __m512i odd = _mm512_set1_epi32(ODD);
    const __m512i k = _mm512_sub_epi32(_mm512_castps_si512(sum), _mm512_set1_epi32(0x4B400000 + base));
    return _mm512_mask_mov_epi32(_mm512_mask_min_epu32(odd, whole, k, odd),
                                 _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), _mm512_set1_epi32(NAN_MARK));
}

INLINE __m512i near_f64(__m512i bits, int32_t base)
{
    const __m512d v = _mm512_castsi512_pd(bits), magic = _mm512_set1_pd(0x1.8p52);
    const __m512d sum = _mm512_add_pd(v, magic);
    const __mmask8 whole = _mm512_cmp_pd_mask(_mm512_sub_pd(sum, magic), v, _CMP_EQ_OQ);
    const __m512i odd = _mm512_set1_epi64(ODD);
    const __m512i k = _mm512_sub_epi64(_mm512_castpd_si512(sum),
                                       _mm512_set1_epi64(0x4338000000000000 + base));
    return _mm512_mask_mov_epi64(_mm512_mask_min_epu64(odd, whole, k, odd),
                                 _mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q), _mm512_set1_epi64(NAN_MARK));
}

INLINE __m512i or3(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0xFE);
}

#define LOADED(i) _mm512_loadu_si512(from + 64 * (i))

#define EIGHT(near)                                                                          \
    or3(                                                                                \
        or3(near(LOADED(0), base), _mm512_slli_epi64(near(LOADED(1), base), 8), \
                     _mm512_slli_epi64(near(LOADED(2), base), 16)),                          \
        or3(_mm512_slli_epi64(near(LOADED(3), base), 24),                           \
                     _mm512_slli_epi64(near(LOADED(4), base), 32),                           \
                     _mm512_slli_epi64(near(LOADED(5), base), 40)),                          \
        _mm512_or_si512(_mm512_slli_epi64(near(LOADED(6), base), 48),                        \
                        _mm512_slli_epi64(near(LOADED(7), base), 56)))

#define FOUR(near)                                                                           \
    _mm512_or_si512(                                                                             \
        or3(near(LOADED(0), base), _mm512_slli_epi32(near(LOADED(1), base), 8), \
                     _mm512_slli_epi32(near(LOADED(2), base), 16)),                          \
        _mm512_slli_epi32(near(LOADED(3), base), 24))

#define TWO(near)                                                                                \
    _mm512_or_si512(near(LOADED(0), base), _mm512_slli_epi16(near(LOADED(1), base), 8))

/* Byte j of lane i belongs to place j n + i, of n lanes: first within 16 bytes, then between them. */
INLINE __m512i order_8(__m512i x)
{
    const __m512i near = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
    const __m512i far = _mm512_set_epi16(31, 23, 15, 7, 30, 22, 14, 6, 29, 21, 13, 5, 28, 20, 12, 4,
                                         27, 19, 11, 3, 26, 18, 10, 2, 25, 17, 9, 1, 24, 16, 8, 0);
    return _mm512_permutexvar_epi16(far, _mm512_shuffle_epi8(x, near));
}

INLINE __m512i order_16(__m512i x)
{
    const __m512i near = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m512i far = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    return _mm512_permutexvar_epi32(far, _mm512_shuffle_epi8(x, near));
}

INLINE __m512i order_32(__m512i x)
{
    const __m512i near = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
    const __m512i far = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
    return _mm512_permutexvar_epi64(far, _mm512_shuffle_epi8(x, near));
}

/* Bytes beyond the window. */
INLINE __m512i bound(__m512i x, struct cxm_byte_window w)
{
    const __mmask64 out = _mm512_cmpgt_epu8_mask(x, _mm512_set1_epi8((char)(w.n - 1)));
    return _mm512_mask_mov_epi8(x, out, _mm512_set1_epi8((char)CXM_BYTE_NONE));
}

/* The same, of floats: NaN was marked. */
INLINE __m512i bound_floats(__m512i x, struct cxm_byte_window w)
{
    const __mmask64 missing = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8((char)NAN_MARK));
    return _mm512_mask_mov_epi8(bound(x, w), missing, _mm512_set1_epi8((char)CXM_BYTE_MISSING));
}

INLINE __m512i bytes_of(uint32_t type, const unsigned char *from, struct cxm_byte_window w)
{
    const int32_t base = w.base;
    switch (type) {
    case CXM_I16:
    case CXM_U16: return bound(order_32(TWO(near_u16)), w);
    case CXM_I32:
    case CXM_U32: return bound(order_16(FOUR(near_u32)), w);
    case CXM_I64:
    case CXM_U64: return bound(order_8(EIGHT(near_u64)), w);
    case CXM_F32: return bound_floats(order_16(FOUR(near_f32)), w);
    default: return bound_floats(order_8(EIGHT(near_f64)), w);
    }
}

TARGET void cxm_priv_read_bytes_avx512(uint32_t type, const unsigned char *from, size_t n,
                                       struct cxm_byte_window window, uint8_t *bytes)
{
    const size_t width = cxm_type_bytes((enum cxm_type)type);
    size_t i = 0;
    for (; i + ROWS <= n; i += ROWS, from += ROWS * width)
        _mm512_storeu_si512(bytes + i, bytes_of(type, from, window));
    cxm_priv_read_bytes_c(type, from, n - i, window, bytes + i);
}

#else
typedef int cxm_no_x86;
#endif
