/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members of 8 rows at a time with AVX2, as unweave.c does 16: lane k of vector r is row 4 k + r. */
#include "column/unweave.h"

#if CXM_UNWEAVE_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET static inline __attribute__((always_inline))

struct rows {
    __m256i r[4];
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
        rows.r[r] = _mm256_castsi128_si256(row_at(from, stride, r, ask, ahead));
    for (int r = 0; r < 4; r++)
        rows.r[r] = _mm256_inserti128_si256(rows.r[r], row_at(from, stride, r + 4, ask, ahead), 1);
    return rows;
}

/* The columns of four bytes. */
INLINE struct rows turn(struct rows in)
{
    const __m256i a = _mm256_unpacklo_epi32(in.r[0], in.r[1]);
    const __m256i b = _mm256_unpackhi_epi32(in.r[0], in.r[1]);
    const __m256i c = _mm256_unpacklo_epi32(in.r[2], in.r[3]);
    const __m256i d = _mm256_unpackhi_epi32(in.r[2], in.r[3]);
    return (struct rows){ { _mm256_unpacklo_epi64(a, c), _mm256_unpackhi_epi64(a, c),
                            _mm256_unpacklo_epi64(b, d), _mm256_unpackhi_epi64(b, d) } };
}

/* One column of eight bytes, of its lower and upper halves. */
INLINE void put_wide(__m256i lower, __m256i upper, uint8_t *to)
{
    const __m256i a = _mm256_unpacklo_epi32(lower, upper);
    const __m256i b = _mm256_unpackhi_epi32(lower, upper);
    __m256i *out = (__m256i *)(void *)to;
    _mm256_storeu_si256(out, _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(a, b, 0x31));
}

/* One of a byte or two. */
INLINE void put_narrow(__m256i column, uint32_t width, uint32_t byte, uint8_t *to)
{
    const __m256i v = _mm256_srl_epi32(column, _mm_cvtsi32_si128((int)(8 * byte)));
    const __m256i low = _mm256_and_si256(v, _mm256_set1_epi32(width == 1 ? 0xFF : 0xFFFF));
    const __m128i two = _mm_packus_epi32(_mm256_castsi256_si128(low),
                                         _mm256_extracti128_si256(low, 1));
    if (width == 2)
        _mm_storeu_si128((__m128i *)(void *)to, two);
    else
        _mm_storel_epi64((__m128i *)(void *)to, _mm_packus_epi16(two, two));
}

/* Members within 16 bytes: where what begins at each four of them goes, if anything does. */
struct window {
    int64_t offset; /* of the 16 bytes */
    uint8_t *words[4], *wide[3];
    const struct cxm_member *members;
    size_t n;
    bool narrow;
};

/* Of the members from the first one on. */
INLINE struct window window_of(const struct cxm_member *members, size_t n_members)
{
    struct window w = { .offset = members[0].offset - members[0].at, .members = members };
    const size_t most = cxm_priv_unweave_window(members, n_members);
    for (; w.n < most; w.n++) {
        const struct cxm_member *m = &members[w.n];
        uint8_t **to = m->width == 8 ? &w.wide[m->at / 4] : &w.words[m->at / 4];
        if (m->width < 4)
            w.narrow = true;
        else if (*to == NULL)
            *to = m->to;
        else
            break; /* two columns of one member */
    }
    return w;
}

/* 8 rows of them. */
INLINE void unweave_eight(const struct window *w, const uint8_t *from, int64_t stride, size_t row,
                          bool ask, int64_t ahead)
{
    const struct rows columns = turn(load(from + w->offset + (int64_t)row * stride, stride, ask, ahead));
    for (int k = 0; k < 4; k++) {
        if (w->words[k] != NULL)
            _mm256_storeu_si256((__m256i *)(void *)(w->words[k] + 4 * row), columns.r[k]);
    }
    for (int k = 0; k < 3; k++) {
        if (w->wide[k] != NULL)
            put_wide(columns.r[k], columns.r[k + 1], w->wide[k] + 8 * row);
    }
    for (size_t i = 0; w->narrow && i < w->n; i++) {
        const struct cxm_member *m = &w->members[i];
        if (m->width < 4)
            put_narrow(columns.r[m->at / 4], m->width, m->at % 4, m->to + row * m->width);
    }
}

enum { PLACES = 4, PAGE = 4096, /* where a processor stops looking for what comes next */
       MOST_WINDOWS = 24 };

/* The rows first … last - 1, a multiple of 8. */
INLINE void unweave_rows(const uint8_t *from, int64_t stride, size_t first, size_t last,
                         const struct window *windows, size_t n_windows, int64_t ahead)
{
    for (size_t row = first; row < last; row += CXM_WEAVE_ROWS) {
        const size_t end = last - row < CXM_WEAVE_ROWS ? last : row + CXM_WEAVE_ROWS;
        for (size_t w = 0; w < n_windows; w++) {
            for (size_t i = row; i < end; i += 8) {
                if (w == 0 && ahead != 0)
                    unweave_eight(windows, from, stride, i, true, ahead);
                else
                    unweave_eight(&windows[w], from, stride, i, false, 0);
            }
        }
    }
}

/* Rows, a multiple of 8, of each of four places that follow one another, by turns: a processor finds out
 * of each what comes next, and has more of them under way than of one (on Zen 3, 3.2 ns a line where
 * it was 4.4; being asked for lines would only keep it busy). While the second 16 bytes of rows are
 * turned into columns the next rows are asked for, since nothing else reads new lines then. */
INLINE void unweave_places(const uint8_t *from, int64_t stride, size_t rows,
                           const struct window *windows, size_t n_windows)
{
    for (size_t row = 0; row < rows; row += 8) {
        for (size_t w = 0; w < n_windows; w++) {
            for (size_t place = 0; place < PLACES; place++) {
                const size_t at = row + place * rows;
                if (w == 1)
                    unweave_eight(&windows[1], from, stride, at, true, 8 * stride);
                else
                    unweave_eight(&windows[w], from, stride, at, false, 0);
            }
        }
    }
}

TARGET void cxm_priv_unweave_avx2(const uint8_t *from, int64_t stride, size_t n,
                                  const struct cxm_member *members, size_t n_members, int64_t ahead,
                                  bool more)
{
    const bool fits = stride >= CXM_LEAST_WEAVE && stride <= CXM_MOST_WEAVE && n > 0;
    const size_t whole = fits ? (more ? n : n - 1) / 8 * 8 : 0;
    const size_t part = whole * (size_t)stride >= PLACES * PAGE ? whole / PLACES / 8 * 8 : 0;
    struct window windows[MOST_WINDOWS];
    for (size_t m = 0; m < n_members && whole > 0;) {
        size_t n_windows = 0;
        for (; m < n_members && n_windows < MOST_WINDOWS; m += windows[n_windows++].n)
            windows[n_windows] = window_of(members + m, n_members - m);
        unweave_places(from, stride, part, windows, n_windows);
        unweave_rows(from, stride, PLACES * part, whole, windows, n_windows, ahead);
    }
    cxm_priv_unweave_rows(from, stride, whole, n, members, n_members);
}

#else
typedef int cxm_no_x86;
#endif
