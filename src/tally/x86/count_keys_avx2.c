/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by key and answer without AVX-512: as in count_keys.c the places of 64 counters are
 * computed in vectors while those of the 64 rows before are counted, and a key that fills much of
 * 64 rows is counted by comparing. A table of 256 codes would be sixteen registers; but codes of a
 * scale are the answer less its lowest one, another code outside of it, and those of one or two bytes
 * of their own (missing codes). Where they are not, the C loop looks them up.
 *
 * Reading a place is a load like reading a counter, and counters of 8 and 16 bits are slow to store on
 * some processors (Zen 3: 2 cycles a row): several places are read as one word and taken from it, which
 * makes 1.4 of these. */
#include "tally/count_keys.h"

#if CXM_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,popcnt")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { ROWS = CXM_KEY_ROWS, LANES = 8, SAMPLE = 16, NEAR = 1 << 16, HOT_OF_SAMPLE = 6, HOT_CODES = 16,
       ODD_BYTES = 2 };

/* The code of a byte x: x - low when that is at most `top`, otherwise `other`, but odd bytes have
 * codes of their own. */
struct scale {
    uint8_t low, top, other, odd[ODD_BYTES], code[ODD_BYTES];
};

struct constants {
    __m256i low, top, other, odd[ODD_BYTES], code[ODD_BYTES], missing;
    __m256i base, n_keys, stride, hot;
};

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

INLINE __m256i load(const uint8_t *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

INLINE __m256i fill_bytes(uint8_t byte)
{
    return _mm256_set1_epi8((char)byte);
}

INLINE uint32_t bits_of(__m256i bytes)
{
    return (uint32_t)_mm256_movemask_epi8(bytes);
}

INLINE uint32_t bits_of_words(__m256i words)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(words));
}

/* ---- codes ----------------------------------------------------------------------------- */

/* Which byte has code 0; false: none. */
TARGET static bool find_lowest(const uint8_t *codes, uint8_t *low)
{
    for (int i = 0; i < 256; i += 32) {
        const __m256i zero = _mm256_cmpeq_epi8(load(codes + i), _mm256_setzero_si256());
        const uint32_t found = bits_of(zero);
        if (found != 0) {
            *low = (uint8_t)(i + __builtin_ctz(found));
            return true;
        }
    }
    return false;
}

INLINE __m256i codes_on_scale(__m256i x, __m256i low, __m256i top, __m256i other)
{
    const __m256i k = _mm256_sub_epi8(x, low);
    return _mm256_blendv_epi8(other, k, _mm256_cmpeq_epi8(_mm256_min_epu8(k, top), k));
}

/* False: too many bytes are not on a scale. */
TARGET static bool find_scale(const struct cxm_key_counters *c, struct scale *s)
{
    uint32_t n = 0;
    if (c->stride < 2 || c->missing == 0 || !find_lowest(c->codes, &s->low))
        return false;
    s->top = (uint8_t)(c->missing - 1);
    s->other = (uint8_t)(c->stride - 1);
    const __m256i low = fill_bytes(s->low), top = fill_bytes(s->top), other = fill_bytes(s->other);
    __m256i x = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    for (int i = 0; i < ODD_BYTES; i++) { /* as the scale has it */
        s->odd[i] = s->low;
        s->code[i] = 0;
    }
    for (int i = 0; i < 256; i += 32, x = _mm256_add_epi8(x, fill_bytes(32))) {
        const __m256i codes = codes_on_scale(x, low, top, other);
        const __m256i same = _mm256_cmpeq_epi8(codes, load(c->codes + i));
        for (uint32_t odd = ~bits_of(same); odd != 0; odd &= odd - 1) {
            if (n == ODD_BYTES)
                return false;
            s->odd[n] = (uint8_t)(i + __builtin_ctz(odd));
            s->code[n] = c->codes[s->odd[n]];
            n++;
        }
    }
    return true;
}

/* Bytes of ones where bits are. */
INLINE __m256i spread(uint32_t bits)
{
    const __m256i of_byte = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                             2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201u);
    const __m256i x = _mm256_shuffle_epi8(_mm256_set1_epi32((int32_t)bits), of_byte);
    return _mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit);
}

INLINE __m256i codes_of(const struct constants *k, const uint8_t *answers)
{
    const __m256i x = load(answers);
    __m256i codes = codes_on_scale(x, k->low, k->top, k->other);
    for (int i = 0; i < ODD_BYTES; i++)
        codes = _mm256_blendv_epi8(codes, k->code[i], _mm256_cmpeq_epi8(x, k->odd[i]));
    return codes;
}

/* ---- keys ------------------------------------------------------------------------------ */

/* Eight keys less the base; one beyond 32 bits becomes the largest of those. */
INLINE __m256i keys_of(const struct constants *k, const uint8_t *keys, uint32_t width)
{
    const __m128i base = _mm256_castsi256_si128(k->base);
    if (width == 1)
        return _mm256_cvtepu8_epi32(
            _mm_sub_epi8(_mm_loadl_epi64((const __m128i *)(const void *)keys), base));
    if (width == 2)
        return _mm256_cvtepu16_epi32(
            _mm_sub_epi16(_mm_loadu_si128((const __m128i *)(const void *)keys), base));
    if (width == 4)
        return _mm256_sub_epi32(load(keys), k->base);
    const __m256 a = _mm256_castsi256_ps(_mm256_sub_epi64(load(keys), k->base));
    const __m256 b = _mm256_castsi256_ps(_mm256_sub_epi64(load(keys + 32), k->base));
    const __m256i low = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
    const __m256i high = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD));
    const __m256i near = _mm256_cmpeq_epi32(high, _mm256_setzero_si256());
    const __m256i key = _mm256_or_si256(low, _mm256_xor_si256(near, _mm256_set1_epi32(-1)));
    return _mm256_permute4x64_epi64(key, 0xD8);
}

/* ---- places ---------------------------------------------------------------------------- */

INLINE __m256i eight_codes(const uint8_t *codes)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)codes));
}

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

INLINE struct constants constants_of(const struct cxm_key_counters *c, const struct scale *s,
                                     const struct cxm_key_rows *rows)
{
    const uint64_t base = rows->base;
    struct constants k = {
        .low = fill_bytes(s->low), .top = fill_bytes(s->top), .other = fill_bytes(s->other),
        .missing = fill_bytes(c->missing),
        .base = rows->width == 1 ? fill_bytes((uint8_t)base)
              : rows->width == 2 ? _mm256_set1_epi16((int16_t)base)
              : rows->width == 4 ? _mm256_set1_epi32((int32_t)base)
                                 : _mm256_set1_epi64x((int64_t)base),
        .n_keys = _mm256_set1_epi32((int32_t)c->n_keys),
        .stride = _mm256_set1_epi32((int32_t)c->stride),
        .hot = _mm256_set1_epi32(-1),
    };
    for (int i = 0; i < ODD_BYTES; i++) {
        k.odd[i] = fill_bytes(s->odd[i]);
        k.code[i] = fill_bytes(s->code[i]);
    }
    return k;
}

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

/* ---- rows that are sorted by part of the keys ---------------------------------------------- */

struct parting {
    struct constants k;
    __m256i low_bits;
    __m128i shift;
    bool valid_bits;       /* answers have a bitmap */
};

/* Part and place of 32 rows; `outside` gets the lanes of keys that are out of range. */
INLINE void part_block(const struct parting *p, const uint8_t *keys, const uint8_t *answers,
                       uint32_t valid, uint32_t *out, __m256i *outside)
{
    _Alignas(32) uint8_t codes[32];
    __m256i code = codes_of(&p->k, answers);
    if (p->valid_bits)
        code = _mm256_blendv_epi8(p->k.missing, code, spread(valid));
    _mm256_store_si256((__m256i *)(void *)codes, code);
    for (int j = 0; j < 32; j += LANES) {
        const __m256i key = keys_of(&p->k, keys + (size_t)j * sizeof(uint32_t), sizeof(uint32_t));
        const __m256i part = _mm256_slli_epi32(_mm256_srl_epi32(key, p->shift), 16);
        const __m256i first = _mm256_mullo_epi32(_mm256_and_si256(key, p->low_bits), p->k.stride);
        const __m256i place = _mm256_add_epi32(first, eight_codes(codes + j));
        const __m256i beyond = _mm256_cmpeq_epi32(_mm256_max_epu32(key, p->k.n_keys), key);
        *outside = _mm256_or_si256(*outside, beyond);
        _mm256_storeu_si256((__m256i *)(void *)(out + j), _mm256_add_epi32(part, place));
    }
}

TARGET static bool part_scale(const struct cxm_key_counters *c, const struct scale *s, int shift,
                              const struct cxm_key_rows *rows, size_t n, uint32_t *out)
{
    const struct parting p = {
        .k = constants_of(c, s, rows),
        .low_bits = _mm256_set1_epi32((int32_t)(((uint32_t)1 << shift) - 1)),
        .shift = _mm_cvtsi32_si128(shift),
        .valid_bits = rows->answer_bits != NULL,
    };
    const size_t whole = n / ROWS * ROWS;
    __m256i outside = _mm256_setzero_si256();
    for (size_t i = 0; i < whole; i += ROWS) {
        const struct cxm_key_rows from = cxm_priv_key_rows_from(rows, i);
        const uint64_t valid = cxm_priv_valid_bits(from.answer_bits, from.answer_skip, ROWS);
        cxm_priv_fetch_rows(rows, i, sizeof(uint32_t));
        for (int half = 0; half < ROWS; half += 32)
            part_block(&p, from.keys + (size_t)half * sizeof(uint32_t), from.answers + half,
                       (uint32_t)(valid >> half), out + i + half, &outside);
    }
    const struct cxm_key_rows rest = cxm_priv_key_rows_from(rows, whole);
    return cxm_priv_part_rows_c(c, shift, &rest, n - whole, out + whole)
        && _mm256_testz_si256(outside, outside) != 0;
}

TARGET bool cxm_priv_part_rows_avx2(const struct cxm_key_counters *c, int shift,
                                    const struct cxm_key_rows *rows, size_t n, uint32_t *out)
{
    struct scale s;
    if (n < ROWS || !find_scale(c, &s))
        return cxm_priv_part_rows_loop(c, shift, rows, n, out);
    return part_scale(c, &s, shift, rows, n, out);
}

#else
typedef int cxm_no_x86;
#endif
