/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows on their way from columns to cells of moments: keys, answers and numbers are read, looked at and
 * placed in one pass. Few rows at a time, so that what is written stays near until it is added up. */
#include "tally/x86/moments_avx2.h"

#if CXM_X86

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { ROWS = CXM_MOMENT_ROWS, ROWS_AHEAD = 512, KEY_BYTES = 4, LINE = 64 };

struct constants {
    __m256i low, high; /* first and last number of the band */
    __m256i base, widest, sign, negative, first, room;
    __m128i codes;
};

TARGET static struct constants constants_of(const struct cxm_places *p, const struct cxm_row_cells *cells)
{
    return (struct constants){
        .low = _mm256_set1_epi64x((int64_t)((uint64_t)p->first << 52)),
        .high = _mm256_set1_epi64x((int64_t)(((uint64_t)(p->first + CXM_BAND_EXPONENTS) << 52) - 1)),
        .base = _mm256_set1_epi32((int32_t)cells->base),
        .widest = _mm256_set1_epi32((int32_t)(cells->width - 1)),
        .sign = _mm256_set1_epi64x(INT64_MIN),
        .negative = _mm256_set1_epi32((int32_t)p->negative),
        .first = _mm256_set1_epi32(1),
        .room = _mm256_set1_epi32((int32_t)p->room),
        .codes = _mm_loadu_si128((const __m128i *)(const void *)cells->codes),
    };
}

/* What is wrong with a row sets the sign of its lane, of keys and answers or of numbers. */
struct odd {
    __m256i rows, numbers;
};

/* Are the answers of a step below 16? Then their codes fit a register. */
TARGET static bool are_small(const uint8_t *answers)
{
    const __m256i all = _mm256_or_si256(load_four(answers), load_four(answers + ROWS / 2));
    return _mm256_testz_si256(all, _mm256_set1_epi8((char)0xF0)) != 0;
}

INLINE __m256i cells_of_small(const struct constants *c, const uint8_t *answers)
{
    const __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)answers);
    const __m256i codes = _mm256_cvtepi8_epi32(_mm_shuffle_epi8(c->codes, eight));
    const __m256i none = _mm256_and_si256(codes, _mm256_set1_epi32((int32_t)CXM_NO_CELL));
    return _mm256_or_si256(_mm256_add_epi32(_mm256_mullo_epi32(codes, c->room), c->first), none);
}

/* By value: the processor has no quick way to do that side by side. */
INLINE __m256i cells_of_answers(const uint32_t of[256], const uint8_t *answers)
{
    return _mm256_setr_epi32((int32_t)of[answers[0]], (int32_t)of[answers[1]], (int32_t)of[answers[2]],
                             (int32_t)of[answers[3]], (int32_t)of[answers[4]], (int32_t)of[answers[5]],
                             (int32_t)of[answers[6]], (int32_t)of[answers[7]]);
}

/* Of eight numbers, of which those below 0 have cells of their own. */
INLINE __m256i cells_of_signs(const struct constants *c, __m256i left, __m256i right)
{
    const __m256 upper = _mm256_shuffle_ps(_mm256_castsi256_ps(left), _mm256_castsi256_ps(right), 0xDD);
    const __m256i signs = _mm256_srai_epi32(_mm256_permute4x64_epi64(_mm256_castps_si256(upper), 0xD8), 31);
    return _mm256_add_epi32(c->first, _mm256_and_si256(signs, c->negative));
}

enum answers { NO_ANSWERS, ANSWERS, SMALL_ANSWERS };

INLINE void place_eight(const struct constants *c, const struct cxm_row_cells *cells,
                        const struct cxm_plain_rows *rows, size_t i, enum answers answers, uint64_t *q,
                        uint32_t *at, struct odd *odd)
{
    const __m256i key = _mm256_sub_epi32(load_four(rows->keys + i * KEY_BYTES), c->base);
    const uint8_t *const numbers = rows->numbers + i * sizeof(double);
    __m256i left = load_four(numbers), right = load_four(numbers + 4 * sizeof(double)), cell;
    odd->rows = _mm256_or_si256(odd->rows, _mm256_or_si256(key, _mm256_sub_epi32(c->widest, key)));
    if (answers != NO_ANSWERS) {
        cell = answers == SMALL_ANSWERS ? cells_of_small(c, rows->answers + i)
                                        : cells_of_answers(cells->of, rows->answers + i);
        odd->rows = _mm256_or_si256(odd->rows, cell);
    } else {
        cell = cells_of_signs(c, left, right);
        left = _mm256_andnot_si256(c->sign, left);
        right = _mm256_andnot_si256(c->sign, right);
    }
    odd->numbers = _mm256_or_si256(odd->numbers, _mm256_or_si256(outside(left, c->low, c->high),
                                                                 outside(right, c->low, c->high)));
    _mm256_storeu_si256((__m256i *)(void *)(q + i), quanta(left, c->low));
    _mm256_storeu_si256((__m256i *)(void *)(q + i + 4), quanta(right, c->low));
    _mm256_storeu_si256((__m256i *)(void *)(at + i), _mm256_add_epi32(cell, key));
}

/* Rows that come soon: their addresses may be beyond the columns, which does not matter. */
INLINE void ask_ahead(const uint8_t *from, size_t bytes)
{
    const uintptr_t at = (uintptr_t)from + ROWS_AHEAD / ROWS * bytes;
    for (size_t i = 0; i < bytes; i += LINE)
        _mm_prefetch((const char *)(at + i), _MM_HINT_T0);
}

INLINE bool place_rows(const struct cxm_places *places, const struct cxm_row_cells *cells,
                       const struct cxm_plain_rows *rows, enum answers answers, uint64_t *q, uint32_t *at)
{
    const struct constants c = constants_of(places, cells);
    struct odd odd = { _mm256_setzero_si256(), _mm256_setzero_si256() };
    ask_ahead(rows->numbers, ROWS * sizeof(double));
    ask_ahead(rows->keys, ROWS * KEY_BYTES);
    if (answers != NO_ANSWERS)
        ask_ahead(rows->answers, ROWS);
    for (size_t i = 0; i < ROWS; i += 8)
        place_eight(&c, cells, rows, i, answers, q, at, &odd);
    return _mm256_movemask_ps(_mm256_castsi256_ps(odd.rows)) == 0
        && _mm256_movemask_pd(_mm256_castsi256_pd(odd.numbers)) == 0;
}

TARGET bool cxm_priv_place_rows_avx2(const struct cxm_places *places, const struct cxm_row_cells *cells,
                                     const struct cxm_plain_rows *rows, uint64_t *q, uint32_t *at)
{
    return rows->answers == NULL      ? place_rows(places, cells, rows, NO_ANSWERS, q, at)
         : are_small(rows->answers) ? place_rows(places, cells, rows, SMALL_ANSWERS, q, at)
                                    : place_rows(places, cells, rows, ANSWERS, q, at);
}

#else
typedef int cxm_no_x86;
#endif
