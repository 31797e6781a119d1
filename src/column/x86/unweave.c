/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members of 16 rows at a time with AVX-512. Four vectors hold 16 bytes of 16 rows each: lane k of
 * vector r is row 4 k + r. Transposing them lane by lane leaves columns of four bytes in order.
 * The very last row is left to the reference: 16 bytes of it might be more than there are. */
#include "column/unweave.h"

#if CXM_UNWEAVE_X86

#include <immintrin.h>

#define TARGET CXM_TARGET("avx512f,avx512bw")
#define INLINE TARGET static inline __attribute__((always_inline))

struct rows {
    __m512i r[4];
};

INLINE __m128i row_at(const uint8_t *from, int64_t stride, int row, bool ask, int64_t ahead)
{
    const uint8_t *const at = from + row * stride;
    if (ask)
        __builtin_prefetch((const void *)((uintptr_t)at + (uintptr_t)ahead), 0, 3);
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

INLINE struct rows load(const uint8_t *from, int64_t stride, bool ask, int64_t ahead)
{
    struct rows rows;
    for (int r = 0; r < 4; r++)
        rows.r[r] = _mm512_castsi128_si512(row_at(from, stride, r, ask, ahead));
    for (int r = 0; r < 4; r++)
        rows.r[r] = _mm512_inserti32x4(rows.r[r], row_at(from, stride, r + 4, ask, ahead), 1);
    for (int r = 0; r < 4; r++)
        rows.r[r] = _mm512_inserti32x4(rows.r[r], row_at(from, stride, r + 8, ask, ahead), 2);
    for (int r = 0; r < 4; r++)
        rows.r[r] = _mm512_inserti32x4(rows.r[r], row_at(from, stride, r + 12, ask, ahead), 3);
    return rows;
}

/* The columns of four bytes. */
INLINE struct rows turn(struct rows in)
{
    const __m512i a = _mm512_unpacklo_epi32(in.r[0], in.r[1]);
    const __m512i b = _mm512_unpackhi_epi32(in.r[0], in.r[1]);
    const __m512i c = _mm512_unpacklo_epi32(in.r[2], in.r[3]);
    const __m512i d = _mm512_unpackhi_epi32(in.r[2], in.r[3]);
    return (struct rows){ { _mm512_unpacklo_epi64(a, c), _mm512_unpackhi_epi64(a, c),
                            _mm512_unpacklo_epi64(b, d), _mm512_unpackhi_epi64(b, d) } };
}

/* One column of eight bytes, of its lower and upper halves. */
INLINE void put_wide(__m512i lower, __m512i upper, uint8_t *to)
{
    const __m512i first = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    _mm512_storeu_si512(to, _mm512_permutex2var_epi32(lower, first, upper));
    _mm512_storeu_si512(to + 64, _mm512_permutex2var_epi32(lower, second, upper));
}

INLINE void put(__m512i column, uint32_t width, uint32_t byte, uint8_t *to)
{
    const __m512i v = _mm512_srl_epi32(column, _mm_cvtsi32_si128((int)(8 * byte)));
    if (width == 1)
        _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtepi32_epi8(v));
    else if (width == 2)
        _mm256_storeu_si256((__m256i *)(void *)to, _mm512_cvtepi32_epi16(v));
    else
        _mm512_storeu_si512(to, column);
}

/* Members within 16 bytes, of 16 rows at a time. */
INLINE void unweave_window(const uint8_t *from, int64_t stride, size_t first, size_t last,
                           const struct cxm_member *members, size_t n_members, bool ask,
                           int64_t ahead)
{
    for (size_t row = first; row < last; row += 16) {
        const struct rows columns = turn(load(from + (int64_t)row * stride, stride, ask, ahead));
        for (size_t m = 0; m < n_members; m++) {
            const struct cxm_member *one = &members[m];
            const uint32_t k = one->at / 4;
            uint8_t *to = one->to + row * one->width;
            if (one->width == 8)
                put_wide(columns.r[k], columns.r[k + 1], to);
            else
                put(columns.r[k], one->width, one->at % 4, to);
        }
    }
}

TARGET void cxm_priv_unweave_avx512(const uint8_t *from, int64_t stride, size_t n,
                                    const struct cxm_member *members, size_t n_members,
                                    int64_t ahead, bool more)
{
    const bool fits = stride >= CXM_LEAST_WEAVE && stride <= CXM_MOST_WEAVE && n > 0;
    const size_t whole = fits ? (more ? n : n - 1) / 16 * 16 : 0;
    for (size_t row = 0; row < whole; row += CXM_WEAVE_ROWS) {
        const size_t end = whole - row < CXM_WEAVE_ROWS ? whole : row + CXM_WEAVE_ROWS;
        for (size_t m = 0, some; m < n_members; m += some) {
            const uint8_t *at = from + members[m].offset;
            some = cxm_priv_unweave_window(members + m, n_members - m);
            if (m == 0 && ahead != 0)
                unweave_window(at, stride, row, end, members, some, true, ahead);
            else
                unweave_window(at, stride, row, end, members + m, some, false, 0);
        }
    }
    cxm_priv_unweave_rows(from, stride, whole, n, members, n_members);
}

#else
typedef int cxm_no_x86;
#endif
