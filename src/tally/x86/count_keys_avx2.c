/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by key and answer without AVX-512: as in count_keys.c the places of 64 counters are
 * computed in vectors while those of the 64 rows before are counted, and a key that fills much of
 * 64 rows is counted by comparing. Codes and keys are those of key_codes_avx2.h.
 *
 * Reading a place is a load like reading a counter, and counters of 8 and 16 bits are slow to store on
 * some processors (Zen 3: 2 cycles): several places are read as one word and taken from it, and where
 * counters are few they are words themselves, which makes 1.3 cycles a row. */
#include "tally/x86/key_codes_avx2.h"

#if CXM_X86

enum { SAMPLE = 16, NEAR = 1 << 16, HOT_OF_SAMPLE = 6, HOT_CODES = 16 };

/* 64 rows: their places, of 16 bits where all counters have such a place, and which of them are still
 * to be counted. */
struct block {
    union {
        _Alignas(32) uint32_t at[ROWS];
        _Alignas(32) uint16_t near[ROWS];
    };
    uint64_t rest;
};

/* What differs between the loops, constant in each of them. */
struct form {
    uint32_t width;  /* bytes of a key */
    uint32_t bytes;  /* of a counter: 1, 2 or 4 */
    bool near;       /* places of 16 bits */
    bool bits;       /* are there bitmaps? false: none */
};

/* ---- places ---------------------------------------------------------------------------- */

INLINE __m256i sixteen_codes(const uint8_t *codes)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)codes));
}

/* Which of 32 rows from row i on have a place that, less its code, is `first`. */
INLINE uint32_t rows_of_key(const struct block *b, const uint8_t *codes, int i, uint32_t first, bool near)
{
    uint32_t rows = 0;
    if (near) {
        const __m256i hot = _mm256_set1_epi16((int16_t)first);
        __m256i same[2];
        for (int k = 0; k < 2; k++)
            same[k] = _mm256_cmpeq_epi16(_mm256_sub_epi16(load((const uint8_t *)(b->near + i + 16 * k)),
                                                          sixteen_codes(codes + i + 16 * k)), hot);
        return bits_of(_mm256_permute4x64_epi64(_mm256_packs_epi16(same[0], same[1]), 0xD8));
    }
    const __m256i hot = _mm256_set1_epi32((int32_t)first);
    for (int k = 0; k < 32; k += LANES) {
        const __m256i place = load((const uint8_t *)(b->at + i + k));
        const __m256i key = _mm256_sub_epi32(place, eight_codes(codes + i + k));
        rows |= bits_of_words(_mm256_cmpeq_epi32(key, hot)) << k;
    }
    return rows;
}

/* Counts the rows of a key that came often among the first, and returns the others: its counters
 * begin at `first`, and a place less its code is where those of its key begin. */
TARGET __attribute__((noinline)) static uint64_t count_hot(const struct cxm_key_counters *c,
                                                           size_t first, const struct block *b,
                                                           const uint8_t *codes, struct form form)
{
    const __m256i low = load(codes), high = load(codes + 32);
    const uint64_t rows = rows_of_key(b, codes, 0, (uint32_t)first, form.near)
                        | (uint64_t)rows_of_key(b, codes, 32, (uint32_t)first, form.near) << 32;
    for (uint32_t code = 0; code < c->stride; code++) {
        const __m256i x = fill_bytes((uint8_t)code);
        const uint64_t equal = bits_of(_mm256_cmpeq_epi8(low, x))
                             | (uint64_t)bits_of(_mm256_cmpeq_epi8(high, x)) << 32;
        const uint32_t n = (uint32_t)__builtin_popcountll(equal & rows);
        if (form.bytes == 4)
            c->words[first + code] += n;
        else
            cxm_priv_count_several(c, first + code, n, form.bytes == 2);
    }
    return ~rows;
}

INLINE uint32_t hot_key(const struct constants *k)
{
    return (uint32_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(k->hot));
}

/* Eight keys; `known` has the bits of those that are given, others become n_keys. */
INLINE __m256i known_keys(const struct constants *k, const uint8_t *keys, uint32_t width, bool masked,
                          uint64_t known, __m256i *largest)
{
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i key = keys_of(k, keys, width);
    if (!masked) {
        *largest = _mm256_max_epu32(*largest, key);
        return key;
    }
    const __m256i bits = _mm256_set1_epi32((int32_t)(known & 0xFF));
    const __m256i given = _mm256_cmpeq_epi32(_mm256_and_si256(bits, bit), bit);
    *largest = _mm256_max_epu32(*largest, _mm256_and_si256(key, given));
    return _mm256_blendv_epi8(k->n_keys, key, given);
}

/* Those of sixteen rows from row i on. */
INLINE void put_places(const struct constants *k, __m256i a, __m256i b, const uint8_t *codes, int i,
                       bool near, struct block *out)
{
    if (near) {
        const __m256i keys = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xD8);
        const __m256i stride = _mm256_packus_epi32(k->stride, k->stride);
        _mm256_store_si256((__m256i *)(void *)(out->near + i),
                           _mm256_add_epi16(_mm256_mullo_epi16(keys, stride), sixteen_codes(codes + i)));
        return;
    }
    _mm256_store_si256((__m256i *)(void *)(out->at + i),
                       _mm256_add_epi32(_mm256_mullo_epi32(a, k->stride), eight_codes(codes + i)));
    _mm256_store_si256((__m256i *)(void *)(out->at + i + LANES),
                       _mm256_add_epi32(_mm256_mullo_epi32(b, k->stride), eight_codes(codes + i + LANES)));
}

/* The places of 64 rows; false when a key is out of range. */
INLINE bool find_places(const struct cxm_key_counters *c, struct constants *k,
                        const struct cxm_key_rows *rows, size_t i, struct form form, struct block *out)
{
    _Alignas(32) uint8_t codes[ROWS];
    const struct cxm_key_rows from = cxm_priv_key_rows_from(rows, i);
    const bool masked = form.bits && rows->key_bits != NULL;
    const bool masked_answers = form.bits && rows->answer_bits != NULL;
    const uint64_t known = masked ? cxm_priv_some_bits(from.key_bits, from.key_skip, ROWS) : UINT64_MAX;
    const uint64_t valid = masked_answers ? cxm_priv_some_bits(from.answer_bits, from.answer_skip, ROWS)
                                          : UINT64_MAX;
    __m256i largest = _mm256_setzero_si256(), first = largest;
    uint32_t hot = 0;
    for (int half = 0; half < ROWS; half += 32) {
        __m256i code = codes_of(k, from.answers + half);
        if (masked_answers)
            code = _mm256_blendv_epi8(k->missing, code, spread((uint32_t)(valid >> half)));
        _mm256_store_si256((__m256i *)(void *)(codes + half), code);
    }
#pragma GCC unroll 4
    for (int j = 0; j < ROWS; j += SAMPLE) {
        const uint8_t *const at = from.keys + (size_t)j * form.width;
        const __m256i a = known_keys(k, at, form.width, masked, known >> j, &largest);
        const __m256i b = known_keys(k, at + LANES * form.width, form.width, masked,
                                     known >> (j + LANES), &largest);
        if (j == 0) {
            hot = bits_of_words(_mm256_cmpeq_epi32(a, k->hot))
                | bits_of_words(_mm256_cmpeq_epi32(b, k->hot)) << LANES;
            first = a;
        }
        put_places(k, a, b, codes, j, form.near, out);
    }
    const __m256i outside = _mm256_cmpeq_epi32(_mm256_max_epu32(largest, k->n_keys), largest);
    if (CXM_UNLIKELY(!_mm256_testz_si256(outside, outside)))
        return false;
    out->rest = UINT64_MAX;
    if (CXM_LIKELY(__builtin_popcount(hot) < HOT_OF_SAMPLE))
        k->hot = _mm256_broadcastd_epi32(_mm256_castsi256_si128(first));
    else if (c->stride <= HOT_CODES)
        out->rest = count_hot(c, hot_key(k) * (size_t)c->stride, out, codes, form);
    return true;
}

/* ---- counting -------------------------------------------------------------------------- */

/* Those that rows take by turns. */
struct tables {
    uint32_t *words[4];
    uint16_t *wide[4];
};

INLINE struct tables tables_of(const struct cxm_key_counters *c, struct form form)
{
    struct tables t = { { NULL }, { NULL } };
    for (size_t i = 0; i < 4 && form.bytes > 1; i++) {
        if (form.bytes == 4)
            t.words[i] = c->words + i * c->apart;
        else
            t.wide[i] = c->wide + i * c->apart;
    }
    return t;
}

INLINE void count_one(const struct cxm_key_counters *c, const struct tables *t, int table, size_t place,
                      uint32_t bytes)
{
    if (bytes == 4)
        t->words[table][place]++;
    else if (bytes == 2)
        t->wide[table][place]++;
    else
        cxm_priv_count_one(c, c->counters, place);
}

/* One more at each place that is left. */
INLINE void count_block(const struct cxm_key_counters *c, const struct tables *t, const struct block *b,
                        struct form form)
{
    if (CXM_UNLIKELY(b->rest != UINT64_MAX)) {
        for (uint64_t rest = b->rest; rest != 0; rest &= rest - 1) {
            const int i = __builtin_ctzll(rest);
            count_one(c, t, 0, form.near ? b->near[i] : b->at[i], form.bytes);
        }
        return;
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i += 4) {
        uint64_t four, low, high;
        if (form.near) {
            memcpy(&four, b->near + i, sizeof four);
            count_one(c, t, 0, four & 0xFFFF, form.bytes);
            count_one(c, t, 1, four >> 16 & 0xFFFF, form.bytes);
            count_one(c, t, 2, four >> 32 & 0xFFFF, form.bytes);
            count_one(c, t, 3, four >> 48, form.bytes);
        } else {
            memcpy(&low, b->at + i, sizeof low);
            memcpy(&high, b->at + i + 2, sizeof high);
            count_one(c, t, 0, low & UINT32_MAX, form.bytes);
            count_one(c, t, 1, low >> 32, form.bytes);
            count_one(c, t, 2, high & UINT32_MAX, form.bytes);
            count_one(c, t, 3, high >> 32, form.bytes);
        }
    }
}

/* ---- rows ------------------------------------------------------------------------------ */

INLINE size_t count(const struct cxm_key_counters *c, const struct scale *s,
                    const struct cxm_key_rows *rows, size_t n, struct form form)
{
    const struct cxm_key_counters own = *c; /* which no counter can be part of */
    const struct cxm_key_rows all = *rows;
    const struct tables tables = tables_of(c, form);
    struct constants k = constants_of(c, s, rows);
    struct block blocks[2];
    const size_t whole = n / ROWS * ROWS;
    bool good = true;
    for (size_t i = 0; i <= whole; i += ROWS) {
        const struct block *const before = &blocks[(i / ROWS & 1) ^ 1];
        cxm_priv_fetch_rows(&all, i, form.width);
        if (i < whole)
            good = find_places(c, &k, &all, i, form, &blocks[i / ROWS & 1]);
        if (i > 0)
            count_block(&own, &tables, before, form);
        if (!good)
            return i;
    }
    const struct cxm_key_rows rest = cxm_priv_key_rows_from(rows, whole);
    return whole + cxm_priv_count_keys_c(c, &rest, n - whole);
}

#define COUNT(width)                                                                             \
    TARGET static size_t count_##width(const struct cxm_key_counters *c, const struct scale *s,  \
                                       const struct cxm_key_rows *rows, size_t n)                \
    {                                                                                            \
        const bool near = ((uint64_t)c->n_keys + 1) * c->stride <= NEAR;                         \
        const bool bits = rows->key_bits != NULL || rows->answer_bits != NULL;                   \
        if (c->words != NULL)                                                                    \
            return bits ? count(c, s, rows, n, (struct form){ width, 4, true, true })            \
                        : count(c, s, rows, n, (struct form){ width, 4, true, false });          \
        if (c->wide != NULL)                                                                     \
            return count(c, s, rows, n, (struct form){ width, 2, true, true });                  \
        return near ? count(c, s, rows, n, (struct form){ width, 1, true, true })                \
                    : count(c, s, rows, n, (struct form){ width, 1, false, true });              \
    }

COUNT(1)
COUNT(2)
COUNT(4)
COUNT(8)

TARGET static size_t look_up(const struct cxm_key_counters *c, const struct cxm_key_rows *rows,
                             size_t n)
{
    return cxm_priv_count_keys_loop(c, rows, n);
}

TARGET size_t cxm_priv_count_keys_avx2(const struct cxm_key_counters *c,
                                       const struct cxm_key_rows *rows, size_t n)
{
    struct scale s;
    if (n < ROWS || !find_scale(c, &s))
        return look_up(c, rows, n);
    switch (rows->width) {
    case 1: return count_1(c, &s, rows, n);
    case 2: return count_2(c, &s, rows, n);
    case 4: return count_4(c, &s, rows, n);
    default: return count_8(c, &s, rows, n);
    }
}

#else
typedef int cxm_no_x86;
#endif
