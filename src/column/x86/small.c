/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small whole numbers with AVX-512. Floats: adding 1.5 2^23 leaves a whole number in the low
 * bits; subtracting it again gives the value back when it was one. */
#include "column/decode.h"
#include "column/small.h"

#if CXM_COLUMN_X86

#include <immintrin.h>

#define TARGET CXM_TARGET("avx512f,avx512bw")

TARGET bool cxm_priv_small_bytes_avx512(const uint8_t *bytes, size_t n, uint8_t lowest,
                                        uint8_t highest)
{
    const __m512i from = _mm512_set1_epi8((char)lowest);
    __m512i largest = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        largest = _mm512_max_epu8(largest, _mm512_sub_epi8(_mm512_loadu_si512(bytes + i), from));
    if (i < n) {
        const __mmask64 there = ((__mmask64)1 << (n - i)) - 1;
        const __m512i last = _mm512_maskz_loadu_epi8(there, bytes + i);
        largest = _mm512_mask_max_epu8(largest, there, largest, _mm512_sub_epi8(last, from));
    }
    const __m512i most = _mm512_set1_epi8((char)(highest - lowest));
    return _mm512_cmpgt_epu8_mask(largest, most) == 0;
}

struct seen {
    __mmask16 odd;      /* is any no whole number … */
    __m512i largest;    /* … or too large? */
};

/* 16 floats as whole numbers from the lowest on, in 32 bits. */
TARGET static inline __m512i whole(const unsigned char *from, __m512i lowest, struct seen *seen)
{
    const __m512 magic = _mm512_set1_ps(0x1.8p23f), v = _mm512_loadu_ps(from);
    const __m512 sum = _mm512_add_ps(v, magic);
    const __m512i k = _mm512_sub_epi32(_mm512_castps_si512(sum), lowest);
    seen->odd |= _mm512_cmp_ps_mask(_mm512_sub_ps(sum, magic), v, _CMP_NEQ_UQ);
    seen->largest = _mm512_max_epu32(seen->largest, k);
    return k;
}

TARGET bool cxm_priv_small_floats_avx512(const unsigned char *from, size_t n,
                                         const struct cxm_small_scale *scale, uint8_t *bytes)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i zero = _mm512_castps_si512(_mm512_set1_ps(0x1.8p23f));
    const __m512i lowest = _mm512_add_epi32(zero, _mm512_set1_epi32(scale->lowest));
    const __m512i above = _mm512_set1_epi8((char)(scale->lowest - scale->base));
    struct seen seen = { 0, _mm512_setzero_si512() };
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        const __m512i a = whole(from + 4 * i, lowest, &seen);
        const __m512i b = whole(from + 4 * i + 64, lowest, &seen);
        const __m512i c = whole(from + 4 * i + 128, lowest, &seen);
        const __m512i d = whole(from + 4 * i + 192, lowest, &seen);
        const __m512i four = _mm512_packus_epi16(_mm512_packus_epi32(a, b),
                                                 _mm512_packus_epi32(c, d));
        _mm512_storeu_si512(bytes + i,
                            _mm512_add_epi8(_mm512_permutexvar_epi32(order, four), above));
        if (CXM_UNLIKELY(seen.odd != 0)) /* a NaN, as a rule: not for this loop */
            return false;
    }
    const uint32_t most = (uint32_t)(scale->highest - scale->lowest);
    return seen.odd == 0 && _mm512_reduce_max_epu32(seen.largest) <= most
        && cxm_priv_small_floats_c(from + 4 * i, n - i, scale, bytes + i);
}

/* ---- with missing values ---------------------------------------------------------------- */

/* What 64 rows are compared with, and what was found. */
struct wanted {
    int32_t lowest, most;             /* the range is lowest … lowest + most */
    double codes[CXM_FEW_CODES];
    int n_codes;
};

struct found {
    __mmask64 missing, bad;
};

/* A row from lowest on: its low byte; what is missing or bad is told by the masks. */
TARGET static inline __m512i from_bytes(const unsigned char *from, const struct wanted *w,
                                        struct found *f)
{
    const __m512i v = _mm512_loadu_si512(from);
    const __m512i k = _mm512_sub_epi8(v, _mm512_set1_epi8((char)w->lowest));
    for (int c = 0; c < w->n_codes; c++)
        if (w->codes[c] >= 0 && w->codes[c] <= 255)
            f->missing |= _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)(int)w->codes[c]));
    f->bad = _mm512_cmpgt_epu8_mask(k, _mm512_set1_epi8((char)w->most));
    return k;
}

/* 16 floats as `whole` gives them, zeros where they are missing; *there: where they are not. */
TARGET static inline __m512i whole_if_there(const unsigned char *from, const struct wanted *w,
                                            __m512i lowest, __mmask16 *there, struct seen *seen)
{
    const __m512 magic = _mm512_set1_ps(0x1.8p23f), v = _mm512_loadu_ps(from);
    const __m512 sum = _mm512_add_ps(v, magic);
    __mmask16 known = _mm512_mask_cmp_ps_mask(*there, v, v, _CMP_ORD_Q);
    for (int c = 0; c < w->n_codes; c++)
        known = _mm512_mask_cmp_ps_mask(known, v, _mm512_set1_ps((float)w->codes[c]),
                                        _CMP_NEQ_UQ);
    const __m512i k = _mm512_maskz_sub_epi32(known, _mm512_castps_si512(sum), lowest);
    seen->odd |= _mm512_mask_cmp_ps_mask(known, _mm512_sub_ps(sum, magic), v, _CMP_NEQ_UQ);
    seen->largest = _mm512_max_epu32(seen->largest, k);
    *there = known;
    return k;
}

/* Floats, n a multiple of 64, of which some are missing. */
TARGET static bool rows_of_floats(const struct cxm_column *column, int64_t row, size_t n,
                                  const struct wanted *w, uint8_t first, uint8_t *bytes,
                                  bool *missing)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i zero = _mm512_castps_si512(_mm512_set1_ps(0x1.8p23f));
    const __m512i lowest = _mm512_add_epi32(zero, _mm512_set1_epi32(w->lowest));
    const __m512i above = _mm512_set1_epi8((char)first);
    const __m512i flag = _mm512_set1_epi8((char)CXM_SMALL_MISSING);
    struct seen seen = { 0, _mm512_setzero_si512() };
    __mmask64 all = ~(__mmask64)0;
    for (size_t i = 0; i < n; i += 64) {
        const unsigned char *from = cxm_priv_element(column, row + (int64_t)i);
        const uint64_t valid = column->validity == NULL
                                 ? ~(uint64_t)0
                                 : ~cxm_priv_null_word(column, row + (int64_t)i, 64);
        __mmask16 there[4];
        __m512i k[4];
        for (int part = 0; part < 4; part++) {
            there[part] = (__mmask16)(valid >> 16 * part);
            k[part] = whole_if_there(from + 64 * part, w, lowest, &there[part], &seen);
        }
        const __mmask64 known = _mm512_kunpackd(_mm512_kunpackw(there[3], there[2]),
                                                _mm512_kunpackw(there[1], there[0]));
        const __m512i four = _mm512_packus_epi16(_mm512_packus_epi32(k[0], k[1]),
                                                 _mm512_packus_epi32(k[2], k[3]));
        const __m512i v = _mm512_add_epi8(_mm512_permutexvar_epi32(order, four), above);
        _mm512_storeu_si512(bytes + i, _mm512_mask_mov_epi8(flag, known, v));
        all &= known;
    }
    *missing = *missing || ~all != 0;
    return seen.odd == 0 && _mm512_reduce_max_epu32(seen.largest) <= (uint32_t)w->most;
}

TARGET static inline __m512i from_doubles(const unsigned char *from, const struct wanted *w,
                                          struct found *f)
{
    const __m512d magic = _mm512_set1_pd(0x1.8p52);
    const __m512i lowest = _mm512_add_epi64(_mm512_castpd_si512(magic),
                                            _mm512_set1_epi64(w->lowest));
    const __m512i most = _mm512_set1_epi64(w->most);
    uint8_t bytes[64];
    for (int part = 0; part < 8; part++) {
        const __m512d v = _mm512_loadu_pd(from + 64 * part), sum = _mm512_add_pd(v, magic);
        const __m512i k = _mm512_sub_epi64(_mm512_castpd_si512(sum), lowest);
        __mmask8 absent = _mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q);
        for (int c = 0; c < w->n_codes; c++)
            absent |= _mm512_cmp_pd_mask(v, _mm512_set1_pd(w->codes[c]), _CMP_EQ_OQ);
        const __mmask8 odd = _mm512_cmp_pd_mask(_mm512_sub_pd(sum, magic), v, _CMP_NEQ_UQ);
        f->missing |= (__mmask64)absent << 8 * part;
        f->bad |= (__mmask64)(__mmask8)(odd | _mm512_cmpgt_epu64_mask(k, most)) << 8 * part;
        _mm_storel_epi64((__m128i *)(void *)(bytes + 8 * part), _mm512_cvtepi64_epi8(k));
    }
    return _mm512_loadu_si512(bytes);
}

TARGET static inline __m512i from_longs(const unsigned char *from, const struct wanted *w,
                                        struct found *f)
{
    const __m512i lowest = _mm512_set1_epi64(w->lowest), most = _mm512_set1_epi64(w->most);
    uint8_t bytes[64];
    for (int part = 0; part < 8; part++) {
        const __m512i v = _mm512_loadu_si512(from + 64 * part), k = _mm512_sub_epi64(v, lowest);
        for (int c = 0; c < w->n_codes; c++)
            f->missing |= (__mmask64)_mm512_cmpeq_epi64_mask(
                              v, _mm512_set1_epi64((long long)w->codes[c])) << 8 * part;
        f->bad |= (__mmask64)_mm512_cmpgt_epu64_mask(k, most) << 8 * part;
        _mm_storel_epi64((__m128i *)(void *)(bytes + 8 * part), _mm512_cvtepi64_epi8(k));
    }
    return _mm512_loadu_si512(bytes);
}

TARGET bool cxm_priv_small_rows_avx512(const struct cxm_column *column, int64_t row, size_t n,
                                       const struct cxm_small_scale *scale, uint8_t *bytes,
                                       bool *missing)
{
    struct wanted w = { .lowest = scale->lowest, .most = scale->highest - scale->lowest };
    const __m512i above = _mm512_set1_epi8((char)(scale->lowest - scale->base));
    const __m512i flag = _mm512_set1_epi8((char)CXM_SMALL_MISSING);
    __mmask64 any = 0, bad = 0;
    for (int64_t c = 0; c < column->n_missing_codes; c++)
        w.codes[w.n_codes++] = column->missing_codes[c];
    if (column->type == CXM_F32)
        return rows_of_floats(column, row, n, &w, (uint8_t)(scale->lowest - scale->base), bytes,
                              missing);
    for (size_t i = 0; i < n; i += 64) {
        const unsigned char *from = cxm_priv_element(column, row + (int64_t)i);
        struct found f = { 0, 0 };
        const __m512i k = column->type == CXM_U8    ? from_bytes(from, &w, &f)
                        : column->type == CXM_F64 ? from_doubles(from, &w, &f)
                                                  : from_longs(from, &w, &f);
        if (column->validity != NULL)
            f.missing |= cxm_priv_null_word(column, row + (int64_t)i, 64);
        any |= f.missing;
        bad |= f.bad & ~f.missing;
        _mm512_storeu_si512(bytes + i,
                            _mm512_mask_mov_epi8(_mm512_add_epi8(k, above), f.missing, flag));
    }
    *missing = *missing || any != 0;
    return bad == 0;
}

#else
typedef int cxm_no_x86;
#endif
