/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members of 8 rows at a time with AVX2, as unweave.c does 16: lane k of vector r is row 4 k + r. */
#include "column/unweave.h"

#if CXM_UNWEAVE_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

struct rows {
    __m256i r[4];
};

TARGET static inline __m128i row_at(const uint8_t *from, int64_t stride, int row)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(from + row * stride));
}

TARGET static inline struct rows load(const uint8_t *from, int64_t stride)
{
    struct rows rows;
    for (int r = 0; r < 4; r++)
        rows.r[r] = _mm256_inserti128_si256(_mm256_castsi128_si256(row_at(from, stride, r)),
                                            row_at(from, stride, r + 4), 1);
    return rows;
}

/* The columns of four bytes. */
TARGET static inline struct rows turn(struct rows in)
{
    const __m256i a = _mm256_unpacklo_epi32(in.r[0], in.r[1]);
    const __m256i b = _mm256_unpackhi_epi32(in.r[0], in.r[1]);
    const __m256i c = _mm256_unpacklo_epi32(in.r[2], in.r[3]);
    const __m256i d = _mm256_unpackhi_epi32(in.r[2], in.r[3]);
    return (struct rows){ { _mm256_unpacklo_epi64(a, c), _mm256_unpackhi_epi64(a, c),
                            _mm256_unpacklo_epi64(b, d), _mm256_unpackhi_epi64(b, d) } };
}

/* One column of eight bytes, from both halves of rows. */
TARGET static inline void put_wide(struct rows in, bool upper, uint8_t *to)
{
    const __m256i a = upper ? _mm256_unpackhi_epi64(in.r[0], in.r[1])
                            : _mm256_unpacklo_epi64(in.r[0], in.r[1]);
    const __m256i b = upper ? _mm256_unpackhi_epi64(in.r[2], in.r[3])
                            : _mm256_unpacklo_epi64(in.r[2], in.r[3]);
    __m256i *out = (__m256i *)(void *)to;
    _mm256_storeu_si256(out, _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(a, b, 0x31));
}

TARGET static inline void put(__m256i column, uint32_t width, uint32_t byte, uint8_t *to)
{
    const __m256i v = _mm256_srl_epi32(column, _mm_cvtsi32_si128((int)(8 * byte)));
    if (width == 4) {
        _mm256_storeu_si256((__m256i *)(void *)to, column);
        return;
    }
    const __m256i low = _mm256_and_si256(v, _mm256_set1_epi32(width == 1 ? 0xFF : 0xFFFF));
    const __m128i two = _mm_packus_epi32(_mm256_castsi256_si128(low),
                                         _mm256_extracti128_si256(low, 1));
    if (width == 2)
        _mm_storeu_si128((__m128i *)(void *)to, two);
    else
        _mm_storel_epi64((__m128i *)(void *)to, _mm_packus_epi16(two, two));
}

TARGET static void unweave_8(const uint8_t *from, int64_t stride, size_t row,
                             const struct cxm_member *members, size_t n_members)
{
    struct rows rows = { { _mm256_setzero_si256() } }, columns = rows;
    bool turned = false;
    for (size_t m = 0; m < n_members; m++) {
        const struct cxm_member *one = &members[m];
        uint8_t *to = one->to + row * one->width;
        if (one->at == 0) {
            rows = load(from + one->offset, stride);
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

TARGET void cxm_priv_unweave_avx2(const uint8_t *from, int64_t stride, size_t n,
                                  const struct cxm_member *members, size_t n_members,
                                  struct cxm_asking asking, size_t asks, bool more)
{
    const bool fits = stride >= CXM_LEAST_WEAVE && stride <= CXM_MOST_WEAVE && n > 0;
    const size_t whole = fits ? (more ? n : n - 1) / 16 * 16 : 0;
    for (size_t row = 0; row < whole; row += 8) {
        for (size_t i = 0; row % 16 == 0 && i < asks; i++)
            cxm_priv_ask(asking, row / 16 * asks + i);
        unweave_8(from + (int64_t)row * stride, stride, row, members, n_members);
    }
    cxm_priv_unweave_rest(from, stride, whole, n, members, n_members, asking, asks);
}

#else
typedef int cxm_no_x86;
#endif
