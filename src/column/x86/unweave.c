/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members of 16 rows at a time with AVX-512. Four vectors hold 16 bytes of 16 rows each: lane k of
 * vector r is row 4 k + r. Transposing them lane by lane leaves columns of four bytes in order.
 * The very last row is left to the reference: 16 bytes of it might be more than there are. */
#include "column/unweave.h"

#if CXM_UNWEAVE_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))

struct rows {
    __m512i r[4];
};

TARGET static inline __m128i row_at(const uint8_t *from, int64_t stride, int row)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(from + row * stride));
}

TARGET static inline struct rows load(const uint8_t *from, int64_t stride)
{
    struct rows rows;
    for (int r = 0; r < 4; r++) {
        __m512i v = _mm512_castsi128_si512(row_at(from, stride, r));
        v = _mm512_inserti32x4(v, row_at(from, stride, r + 4), 1);
        v = _mm512_inserti32x4(v, row_at(from, stride, r + 8), 2);
        rows.r[r] = _mm512_inserti32x4(v, row_at(from, stride, r + 12), 3);
    }
    return rows;
}

/* The columns of four bytes. */
TARGET static inline struct rows turn(struct rows in)
{
    const __m512i a = _mm512_unpacklo_epi32(in.r[0], in.r[1]);
    const __m512i b = _mm512_unpackhi_epi32(in.r[0], in.r[1]);
    const __m512i c = _mm512_unpacklo_epi32(in.r[2], in.r[3]);
    const __m512i d = _mm512_unpackhi_epi32(in.r[2], in.r[3]);
    return (struct rows){ { _mm512_unpacklo_epi64(a, c), _mm512_unpackhi_epi64(a, c),
                            _mm512_unpacklo_epi64(b, d), _mm512_unpackhi_epi64(b, d) } };
}

/* One column of eight bytes, from both halves of rows. */
TARGET static inline void put_wide(struct rows in, bool upper, uint8_t *to)
{
    const __m512i low = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    const __m512i high = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    const __m512i a = upper ? _mm512_unpackhi_epi64(in.r[0], in.r[1])
                            : _mm512_unpacklo_epi64(in.r[0], in.r[1]);
    const __m512i b = upper ? _mm512_unpackhi_epi64(in.r[2], in.r[3])
                            : _mm512_unpacklo_epi64(in.r[2], in.r[3]);
    _mm512_storeu_si512(to, _mm512_permutex2var_epi64(a, low, b));
    _mm512_storeu_si512(to + 64, _mm512_permutex2var_epi64(a, high, b));
}

TARGET static inline void put(__m512i column, uint32_t width, uint32_t byte, uint8_t *to)
{
    const __m512i v = _mm512_srl_epi32(column, _mm_cvtsi32_si128((int)(8 * byte)));
    if (width == 1)
        _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtepi32_epi8(v));
    else if (width == 2)
        _mm256_storeu_si256((__m256i *)(void *)to, _mm512_cvtepi32_epi16(v));
    else
        _mm512_storeu_si512(to, column);
}

TARGET void cxm_priv_unweave_avx512(const uint8_t *from, int64_t stride, size_t n,
                                    const struct cxm_member *members, size_t n_members,
                                    struct cxm_asking asking, size_t asks, bool more)
{
    const bool fits = stride >= CXM_LEAST_WEAVE && stride <= CXM_MOST_WEAVE && n > 0;
    const size_t whole = fits ? (more ? n : n - 1) / 16 * 16 : 0;
    for (size_t row = 0; row < whole; row += 16) {
        const uint8_t *at = from + (int64_t)row * stride;
        struct rows rows = { { _mm512_setzero_si512() } }, columns = rows;
        bool turned = false;
        for (size_t i = 0; i < asks; i++)
            cxm_priv_ask(asking, row / 16 * asks + i);
        for (size_t m = 0; m < n_members; m++) {
            const struct cxm_member *one = &members[m];
            uint8_t *to = one->to + row * one->width;
            if (one->at == 0) {
                rows = load(at + one->offset, stride);
                turned = false;
            }
            if (one->width == 8) {
                put_wide(rows, one->at == 8, to);
                continue;
            }
            if (!turned)
                columns = turn(rows);
            turned = true;
            put(columns.r[one->at / 4], one->width, one->at % 4, to);
        }
    }
    cxm_priv_unweave_rest(from, stride, whole, n, members, n_members, asking, asks);
}

#else
typedef int cxm_no_x86;
#endif
