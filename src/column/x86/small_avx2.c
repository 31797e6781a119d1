/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small whole numbers with AVX2, as in small.c: what is missing or no such number is found 64 rows at
 * a time, a bit each. */
#include "column/decode.h"
#include "column/small.h"

#if CXM_COLUMN_X86

#include "column/x86/whole_avx2.h"

#define TARGET __attribute__((target("avx2")))

TARGET static inline __m256i load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* Are bytes at most that? A bit each. */
TARGET static inline uint32_t above(__m256i bytes, __m256i most)
{
    const __m256i within = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, most), most);
    return ~(uint32_t)_mm256_movemask_epi8(within);
}

TARGET bool cxm_priv_small_bytes_avx2(const uint8_t *bytes, size_t n, uint8_t lowest,
                                      uint8_t highest)
{
    const __m256i from = _mm256_set1_epi8((char)lowest);
    __m256i largest = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        largest = _mm256_max_epu8(largest, _mm256_sub_epi8(load(bytes + i), from));
    return above(largest, _mm256_set1_epi8((char)(highest - lowest))) == 0
           && cxm_priv_small_bytes_c(bytes + i, n - i, lowest, highest);
}

/* Bytes of four vectors packed twice, in order again. */
TARGET static inline __m256i in_order(__m256i packed)
{
    return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* 32 numbers below 128 of 32 bits each as bytes; others become anything. */
TARGET static inline __m256i narrow(__m256i a, __m256i b, __m256i c, __m256i d)
{
    return in_order(_mm256_packus_epi16(_mm256_packus_epi32(a, b), _mm256_packus_epi32(c, d)));
}

/* Bytes are 0 … 127 from the base on. Halfway between, 64, is what becomes 0 before the second packing:
 * that keeps what is below and above apart, at -128 and 127, whatever the range. */
TARGET bool cxm_priv_small_floats_avx2(const unsigned char *from, size_t n,
                                       const struct cxm_small_scale *scale, uint8_t *bytes)
{
    const __m256i middle = _mm256_set1_epi16((short)(scale->base + 64)), back = _mm256_set1_epi8(64);
    const __m256i start = _mm256_set1_epi8((char)(scale->lowest - scale->base));
    const __m256i range = _mm256_set1_epi8((char)(scale->highest - scale->lowest));
    __m256 odd = _mm256_setzero_ps();
    __m256i largest = _mm256_setzero_si256(); /* from the lowest on */
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m256i a = cxm_priv_whole_avx2(from + 4 * i, &odd);
        const __m256i b = cxm_priv_whole_avx2(from + 4 * i + 32, &odd);
        const __m256i c = cxm_priv_whole_avx2(from + 4 * i + 64, &odd);
        const __m256i d = cxm_priv_whole_avx2(from + 4 * i + 96, &odd);
        const __m256i low = _mm256_subs_epi16(_mm256_packs_epi32(a, b), middle);
        const __m256i high = _mm256_subs_epi16(_mm256_packs_epi32(c, d), middle);
        const __m256i k = _mm256_add_epi8(in_order(_mm256_packs_epi16(low, high)), back);
        largest = _mm256_max_epu8(largest, _mm256_sub_epi8(k, start));
        _mm256_storeu_si256((__m256i *)(void *)(bytes + i), k);
        if (CXM_UNLIKELY(_mm256_movemask_ps(odd) != 0)) /* a NaN, as a rule */
            return false;
    }
    return _mm256_movemask_ps(odd) == 0 && above(largest, range) == 0
           && cxm_priv_small_floats_c(from + 4 * i, n - i, scale, bytes + i);
}

/* ---- with missing values ---------------------------------------------------------------- */

/* What rows are compared with, and a bit for each of 64. */
struct wanted {
    int32_t lowest, most; /* the range is lowest … lowest + most */
    double codes[CXM_FEW_CODES];
    int n_codes;
};

struct found {
    uint64_t missing, bad;
};

/* 64 rows from lowest on, their low bytes; what is missing or bad is told by the bits. */
TARGET static inline void from_bytes(const unsigned char *from, const struct wanted *w,
                                     uint8_t *out, struct found *f)
{
    const __m256i lowest = _mm256_set1_epi8((char)w->lowest);
    const __m256i most = _mm256_set1_epi8((char)w->most);
    for (int part = 0; part < 2; part++) {
        const __m256i v = load(from + 32 * part), k = _mm256_sub_epi8(v, lowest);
        __m256i absent = _mm256_setzero_si256();
        for (int c = 0; c < w->n_codes; c++)
            if (w->codes[c] >= 0 && w->codes[c] <= 255)
                absent = _mm256_or_si256(
                    absent, _mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)(int)w->codes[c])));
        f->missing |= (uint64_t)(uint32_t)_mm256_movemask_epi8(absent) << 32 * part;
        f->bad |= (uint64_t)above(k, most) << 32 * part;
        _mm256_storeu_si256((__m256i *)(void *)(out + 32 * part), k);
    }
}

TARGET static inline void from_floats(const unsigned char *from, const struct wanted *w,
                                      uint8_t *out, struct found *f)
{
    const __m256 magic = _mm256_set1_ps(0x1.8p23f);
    const __m256i lowest =
        _mm256_add_epi32(_mm256_castps_si256(magic), _mm256_set1_epi32(w->lowest));
    const __m256i most = _mm256_set1_epi32(w->most);
    __m256i k[8];
    for (int part = 0; part < 8; part++) {
        const __m256 v = _mm256_castsi256_ps(load(from + 32 * part));
        const __m256 sum = _mm256_add_ps(v, magic);
        k[part] = _mm256_sub_epi32(_mm256_castps_si256(sum), lowest);
        __m256 absent = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
        for (int c = 0; c < w->n_codes; c++)
            absent = _mm256_or_ps(
                absent, _mm256_cmp_ps(v, _mm256_set1_ps((float)w->codes[c]), _CMP_EQ_OQ));
        const __m256i within = _mm256_cmpeq_epi32(_mm256_max_epu32(k[part], most), most);
        const __m256 good =
            _mm256_and_ps(_mm256_cmp_ps(_mm256_sub_ps(sum, magic), v, _CMP_EQ_OQ),
                          _mm256_castsi256_ps(within));
        f->missing |= (uint64_t)(uint32_t)_mm256_movemask_ps(absent) << 8 * part;
        f->bad |= (uint64_t)(~(uint32_t)_mm256_movemask_ps(good) & 255) << 8 * part;
    }
    for (int half = 0; half < 2; half++)
        _mm256_storeu_si256(
            (__m256i *)(void *)(out + 32 * half),
            narrow(k[4 * half], k[4 * half + 1], k[4 * half + 2], k[4 * half + 3]));
}

/* Four numbers of 64 bits: the low bytes, and which are not 0 … most. */
TARGET static inline uint32_t narrow_longs(__m256i k, int32_t most, uint8_t *out)
{
    const __m256i low =
        _mm256_setr_epi8(0, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 8, -1,
                         -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i bytes = _mm256_shuffle_epi8(k, low);
    const __m256i bad = _mm256_or_si256(_mm256_cmpgt_epi64(k, _mm256_set1_epi64x(most)),
                                        _mm256_cmpgt_epi64(_mm256_setzero_si256(), k));
    const uint32_t a = (uint32_t)_mm256_extract_epi16(bytes, 0);
    const uint32_t b = (uint32_t)_mm256_extract_epi16(bytes, 8);
    const uint32_t four = (a & 0xFFFF) | b << 16;
    memcpy(out, &four, sizeof four);
    return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(bad));
}

TARGET static inline void from_doubles(const unsigned char *from, const struct wanted *w,
                                       uint8_t *out, struct found *f)
{
    const __m256d magic = _mm256_set1_pd(0x1.8p52);
    const __m256i lowest =
        _mm256_add_epi64(_mm256_castpd_si256(magic), _mm256_set1_epi64x(w->lowest));
    for (int part = 0; part < 16; part++) {
        const __m256d v = _mm256_castsi256_pd(load(from + 32 * part));
        const __m256d sum = _mm256_add_pd(v, magic);
        const __m256i k = _mm256_sub_epi64(_mm256_castpd_si256(sum), lowest);
        const __m256d odd = _mm256_cmp_pd(_mm256_sub_pd(sum, magic), v, _CMP_NEQ_UQ);
        __m256d absent = _mm256_cmp_pd(v, v, _CMP_UNORD_Q);
        for (int c = 0; c < w->n_codes; c++)
            absent =
                _mm256_or_pd(absent, _mm256_cmp_pd(v, _mm256_set1_pd(w->codes[c]), _CMP_EQ_OQ));
        const uint32_t bad =
            narrow_longs(k, w->most, out + 4 * part) | (uint32_t)_mm256_movemask_pd(odd);
        f->missing |= (uint64_t)(uint32_t)_mm256_movemask_pd(absent) << 4 * part;
        f->bad |= (uint64_t)bad << 4 * part;
    }
}

TARGET static inline void from_longs(const unsigned char *from, const struct wanted *w,
                                     uint8_t *out, struct found *f)
{
    const __m256i lowest = _mm256_set1_epi64x(w->lowest);
    for (int part = 0; part < 16; part++) {
        const __m256i v = load(from + 32 * part), k = _mm256_sub_epi64(v, lowest);
        __m256i absent = _mm256_setzero_si256();
        for (int c = 0; c < w->n_codes; c++)
            absent = _mm256_or_si256(
                absent, _mm256_cmpeq_epi64(v, _mm256_set1_epi64x((long long)w->codes[c])));
        const uint32_t missing = (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(absent));
        f->missing |= (uint64_t)missing << 4 * part;
        f->bad |= (uint64_t)narrow_longs(k, w->most, out + 4 * part) << 4 * part;
    }
}

/* Bytes of all ones where a bit is set. */
TARGET static inline __m256i spread(uint32_t bits)
{
    const __m256i which =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    const __m256i each = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), which);
    return _mm256_cmpeq_epi8(_mm256_and_si256(each, bit), bit);
}

TARGET bool cxm_priv_small_rows_avx2(const struct cxm_column *column, int64_t row, size_t n,
                                     const struct cxm_small_scale *scale, uint8_t *bytes,
                                     bool *missing)
{
    struct wanted w = { .lowest = scale->lowest, .most = scale->highest - scale->lowest };
    const __m256i start = _mm256_set1_epi8((char)(scale->lowest - scale->base));
    const __m256i flag = _mm256_set1_epi8((char)CXM_SMALL_MISSING);
    uint64_t any = 0, bad = 0;
    for (int64_t c = 0; c < column->n_missing_codes; c++)
        w.codes[w.n_codes++] = column->missing_codes[c];
    for (size_t i = 0; i < n; i += 64) {
        const unsigned char *from = cxm_priv_element(column, row + (int64_t)i);
        struct found f = { 0, 0 };
        if (column->type == CXM_U8)
            from_bytes(from, &w, bytes + i, &f);
        else if (column->type == CXM_F32)
            from_floats(from, &w, bytes + i, &f);
        else if (column->type == CXM_F64)
            from_doubles(from, &w, bytes + i, &f);
        else
            from_longs(from, &w, bytes + i, &f);
        if (column->validity != NULL)
            f.missing |= cxm_priv_null_word(column, row + (int64_t)i, 64);
        any |= f.missing;
        bad |= f.bad & ~f.missing;
        for (int part = 0; part < 2; part++) {
            __m256i *const at = (__m256i *)(void *)(bytes + i + 32 * (size_t)part);
            const __m256i k = _mm256_add_epi8(_mm256_loadu_si256(at), start);
            _mm256_storeu_si256(
                at, _mm256_blendv_epi8(k, flag, spread((uint32_t)(f.missing >> 32 * part))));
        }
    }
    *missing = *missing || any != 0;
    return bad == 0;
}

#else
typedef int cxm_no_x86;
#endif
