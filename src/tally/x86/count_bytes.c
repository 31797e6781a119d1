/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting bytes by value, as fast as memory is read. A byte is looked up in small tables by its
 * low bits: in one that says which listed value it could be, and, where it is that value, in
 * others that give each value a place of its own. Where two values have the same low bits one of
 * them is counted by the narrower variant, in the end by comparing.
 *
 * AVX-512: a value is one bit of one of two bytes. Carry-save adders (Harley and Seal; Warren,
 * Hacker's Delight, 2nd edition, section 5-2) make one vector of eights out of eight, of which the
 * bits are turned so that those of a value lie side by side: 10 instructions for 64 answers.
 * AVX2: a value is a field of two bits of one of up to four bytes, which are added up in wider and
 * wider fields, before they could overflow: 18 instructions for 32 answers of 12 values. */
#include "tally/kernels.h"

#if CXM_X86

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* ---- AVX2 ----------------------------------------------------------------------------- */

#define AVX2 __attribute__((target("avx2,popcnt")))

enum { LOW = 15, FIELDS = 4, MOST_TABLES = CXM_MOST_VALUES / FIELDS,
       THREES = 5, BATCH = 32 * 3 * THREES, STREAMS = 4, EACH = 4 };

/* Values by their low four bits; others stand in `left`. */
struct fields {
    uint8_t canon[16];                 /* the only value that may have these low bits */
    uint8_t one[MOST_TABLES][16];      /* 1 in its field */
    uint8_t place[CXM_MOST_VALUES], left[CXM_MOST_VALUES]; /* numbers of values */
    size_t n_placed, n_left;
};

static void make_fields(const uint8_t *values, size_t n_values, struct fields *f)
{
    uint16_t taken = 0;
    memset(f, 0, sizeof *f);
    for (int i = 0; i <= LOW; i++)
        f->canon[i] = (uint8_t)(i ^ 1); /* has other low bits: no byte is that */
    for (size_t v = 0; v < n_values; v++) {
        const unsigned low = values[v] & LOW;
        if (taken >> low & 1) {
            f->left[f->n_left++] = (uint8_t)v;
            continue;
        }
        taken |= (uint16_t)(1 << low);
        f->canon[low] = values[v];
        f->one[f->n_placed / FIELDS][low] = (uint8_t)(1 << 2 * (f->n_placed % FIELDS));
        f->place[f->n_placed++] = (uint8_t)v;
    }
}

AVX2 static inline __m256i load_avx2(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

AVX2 static inline __m256i table_avx2(const uint8_t *table)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

AVX2 static inline uint64_t sum_avx2(__m256i bytes)
{
    uint64_t parts[4];
    _mm256_storeu_si256((__m256i *)(void *)parts, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
    return parts[0] + parts[1] + parts[2] + parts[3];
}

/* Each of 32 bits as a byte: four bytes of a bitmap, each of them spread over eight lanes. */
AVX2 static inline __m256i bits_to_bytes(uint32_t bits)
{
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                            2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    const __m256i four = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), spread);
    return _mm256_cmpeq_epi8(_mm256_and_si256(four, bit), bit);
}

/* Low bits of 32 bytes, or what no table has an entry for, as where the bitmap has a 0. */
AVX2 INLINE __m256i index_avx2(const uint8_t *at, __m256i canon, const uint8_t *bits, bool masked)
{
    const __m256i x = load_avx2(at), low = _mm256_and_si256(x, _mm256_set1_epi8(LOW));
    __m256i listed = _mm256_cmpeq_epi8(x, _mm256_shuffle_epi8(canon, low));
    if (masked)
        listed = _mm256_and_si256(listed, bits_to_bytes(cxm_priv_get_u32(bits)));
    return _mm256_blendv_epi8(_mm256_set1_epi8(-1), low, listed);
}

/* At most STREAMS * EACH batches: fields of 2 bits hold three rounds, of 4 bits five times that, of 8 bits
 * 17 times that. They come by turns from STREAMS places that lie `apart`: from memory this is 1.6 times
 * as fast as one stream, which a processor does not read ahead beyond a page. With a bitmap it would be
 * slower (eight streams): batches then lie side by side. */
AVX2 INLINE void count_batches(const uint8_t *first, size_t n, size_t apart, const uint8_t *bits,
                               bool masked, const struct fields *f, int n_tables, uint64_t *found)
{
    const __m256i zero = _mm256_setzero_si256(), two = _mm256_set1_epi8(0x33);
    const __m256i four = _mm256_set1_epi8(LOW), canon = table_avx2(f->canon);
    const uint8_t *bytes = first;
    __m256i eights[FIELDS * MOST_TABLES];
    for (int k = 0; k < FIELDS * MOST_TABLES; k++)
        eights[k] = zero;
    for (size_t b = 0; b < n; b++) {
        if (!masked)
            bytes = first + b % STREAMS * apart + b / STREAMS * BATCH;
        __m256i fours[2 * MOST_TABLES];
        for (int k = 0; k < 2 * n_tables; k++)
            fours[k] = zero;
        for (int i = 0; i < THREES; i++) {
            const __m256i x = index_avx2(bytes, canon, bits, masked);
            const __m256i y = index_avx2(bytes + 32, canon, masked ? bits + 4 : NULL, masked);
            const __m256i z = index_avx2(bytes + 64, canon, masked ? bits + 8 : NULL, masked);
            bytes += 96;
            bits = masked ? bits + 12 : NULL;
            for (int t = 0; t < n_tables; t++) {
                const __m256i one = table_avx2(f->one[t]);
                const __m256i twos = _mm256_add_epi8(
                    _mm256_add_epi8(_mm256_shuffle_epi8(one, x), _mm256_shuffle_epi8(one, y)),
                    _mm256_shuffle_epi8(one, z));
                fours[2 * t] = _mm256_add_epi8(fours[2 * t], _mm256_and_si256(twos, two));
                fours[2 * t + 1] = _mm256_add_epi8(
                    fours[2 * t + 1], _mm256_and_si256(_mm256_srli_epi16(twos, 2), two));
            }
        }
        for (int k = 0; k < 2 * n_tables; k++) {
            __m256i *low = &eights[2 * k], *high = low + 1;
            *low = _mm256_add_epi8(*low, _mm256_and_si256(fours[k], four));
            *high = _mm256_add_epi8(*high, _mm256_and_si256(_mm256_srli_epi16(fours[k], 4), four));
        }
    }
    for (size_t p = 0; p < f->n_placed; p++) { /* fields 0, 2, 1, 3 of each table */
        const size_t field = p % FIELDS;
        found[f->place[p]] += sum_avx2(eights[p - field + (field & 1) * 2 + field / 2]);
    }
}

#define COUNT_BATCHES(NAME, TABLES)                                                              \
    AVX2 static void count_##NAME(const uint8_t *bytes, size_t n, size_t apart,                  \
                                  const uint8_t *bits, const struct fields *f, uint64_t *found)  \
    {                                                                                            \
        if (bits == NULL)                                                                        \
            count_batches(bytes, n, apart, NULL, false, f, TABLES, found);                       \
        else                                                                                     \
            count_batches(bytes, n, apart, bits, true, f, TABLES, found);                        \
    }

COUNT_BATCHES(two, 2)
COUNT_BATCHES(three, 3)
COUNT_BATCHES(all, MOST_TABLES)

static void count_fields(const uint8_t *bytes, size_t batches, size_t apart, const uint8_t *bits,
                         const struct fields *f, uint64_t *found)
{
    if (f->n_placed <= 2 * FIELDS)
        count_two(bytes, batches, apart, bits, f, found);
    else if (f->n_placed <= 3 * FIELDS)
        count_three(bytes, batches, apart, bits, f, found);
    else
        count_all(bytes, batches, apart, bits, f, found);
}

/* One value, by comparing, in at most 255 vectors. */
AVX2 static uint64_t count_one(const uint8_t *bytes, size_t rounds, uint8_t value)
{
    const __m256i wanted = _mm256_set1_epi8((char)value);
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < rounds; i++)
        sum = _mm256_sub_epi8(sum, _mm256_cmpeq_epi8(load_avx2(bytes + 32 * i), wanted));
    return sum_avx2(sum);
}

AVX2 static uint64_t count_zeros(const uint8_t *bits, size_t n_bytes)
{
    uint64_t ones = 0;
    size_t i = 0;
    for (; i + 8 <= n_bytes; i += 8)
        ones += (uint64_t)_mm_popcnt_u64(cxm_priv_get_u64(bits + i));
    for (; i < n_bytes; i++)
        ones += (uint64_t)_mm_popcnt_u64(bits[i]);
    return 8 * n_bytes - ones;
}

/* Batches of several places, `each` of them or one, that stay in the first-level cache for the values
 * that are left; a bitmap begins with a byte, and then none is left. Returns how many are null. */
static uint64_t count_part(const uint8_t *bytes, size_t places, size_t each, size_t apart,
                           const uint8_t *bits, const struct fields *f, const uint8_t *values,
                           uint64_t *found)
{
    uint64_t nulls = 0;
    count_fields(bytes, places * each, apart, bits, f, found);
    for (size_t p = 0; p < places; p++) {
        for (size_t k = 0; k < f->n_left; k++)
            found[f->left[k]] += count_one(bytes + p * apart, each * BATCH / 32, values[f->left[k]]);
        nulls += bits != NULL ? count_zeros(bits + p * apart / 8, each * BATCH / 8) : 0;
    }
    return nulls;
}

/* All whole batches. Returns how many are null. */
static uint64_t count_whole(const uint8_t *bytes, size_t batches, const uint8_t *bits,
                            const struct fields *f, const uint8_t *values, uint64_t *found)
{
    const size_t places = bits != NULL ? 1 : STREAMS, most = STREAMS * EACH / places;
    const size_t of_place = batches / places, apart = of_place * BATCH, rest = batches % places;
    uint64_t nulls = 0;
    for (size_t i = 0; i < of_place; i += most) {
        const size_t each = of_place - i < most ? of_place - i : most;
        nulls += count_part(bytes + i * BATCH, places, each, apart,
                            bits != NULL ? bits + i * BATCH / 8 : NULL, f, values, found);
    }
    if (rest > 0)
        nulls += count_part(bytes + places * apart, rest, 1, BATCH, NULL, f, values, found);
    return nulls;
}

static void count_plain_avx2(const uint8_t *bytes, size_t n, const uint8_t *values,
                             size_t n_values, uint64_t *counts)
{
    struct fields f;
    make_fields(values, n_values, &f);
    uint64_t found[CXM_MOST_VALUES] = { 0 };
    const size_t whole = n / BATCH * BATCH;
    count_whole(bytes, n / BATCH, NULL, &f, values, found);
    bytes += whole;
    n -= whole;
    for (size_t v = 0; v < n_values; v++) {
        counts[v] += found[v] + count_one(bytes, n / 32, values[v]);
        for (size_t i = n / 32 * 32; i < n; i++)
            counts[v] += bytes[i] == values[v];
    }
}

AVX2 uint64_t cxm_priv_mask_bytes_avx2(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                       unsigned skip, uint8_t fill, uint8_t *out)
{
    const __m256i other = _mm256_set1_epi8((char)fill);
    uint64_t nulls = 0;
    size_t i = 0;
    for (; i + 64 <= n; i += 64, bits += 8) {
        const uint64_t word = cxm_priv_word_of_bits(bits, skip);
        for (int half = 0; half < 2; half++) {
            const __m256i valid = bits_to_bytes((uint32_t)(word >> 32 * half));
            const size_t at = i + 32 * (size_t)half;
            _mm256_storeu_si256((__m256i *)(void *)(out + at),
                                _mm256_blendv_epi8(other, load_avx2(bytes + at), valid));
        }
        nulls += 64 - (uint64_t)__builtin_popcountll(word);
    }
    return nulls + cxm_priv_mask_bytes_c(bytes + i, n - i, bits, skip, fill, out + i);
}

uint64_t cxm_priv_count_bytes_avx2(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                   unsigned skip, const uint8_t *values, size_t n_values,
                                   uint64_t *counts)
{
    struct fields f;
    size_t whole = 0;
    uint64_t nulls = 0;
    if (bits == NULL) {
        count_plain_avx2(bytes, n, values, n_values, counts);
        return 0;
    }
    make_fields(values, n_values, &f);
    if (skip == 0 && f.n_left == 0) { /* others are counted in a copy: three quarters as fast */
        uint64_t found[CXM_MOST_VALUES] = { 0 };
        whole = n / BATCH * BATCH;
        nulls = count_whole(bytes, n / BATCH, bits, &f, values, found);
        for (size_t v = 0; v < n_values; v++)
            counts[v] += found[v];
    }
    return nulls + cxm_priv_count_masked(count_plain_avx2, cxm_priv_mask_bytes_avx2,
                                         bytes + whole, n - whole, bits + whole / 8, skip, values,
                                         n_values, counts);
}

/* ---- AVX-512 -------------------------------------------------------------------------- */

#define AVX512 \
    CXM_TARGET("avx512f,avx512bw,avx512vbmi,avx512vpopcntdq,gfni,popcnt")

enum { LOW_SIX = 63, EIGHT = 8, PLACES = 2, BLOCK = 64 * EIGHT / PLACES,
       AHEAD = 192 };

struct bits_of_values {
    uint8_t canon[64];
    uint8_t one[PLACES][64];
    uint8_t place[CXM_MOST_VALUES], left[CXM_MOST_VALUES]; /* numbers of values */
    size_t n_placed, n_left;
};

static void make_bits(const uint8_t *values, size_t n_values, struct bits_of_values *b)
{
    uint64_t taken = 0;
    memset(b, 0, sizeof *b);
    for (int i = 0; i <= LOW_SIX; i++)
        b->canon[i] = (uint8_t)(i ^ 1);
    for (size_t v = 0; v < n_values; v++) {
        const unsigned low = values[v] & LOW_SIX;
        if (taken >> low & 1) {
            b->left[b->n_left++] = (uint8_t)v;
            continue;
        }
        taken |= (uint64_t)1 << low;
        b->canon[low] = values[v];
        b->one[b->n_placed / 8][low] = (uint8_t)(1 << b->n_placed % 8);
        b->place[b->n_placed++] = (uint8_t)v;
    }
}

/* A number of many bits for each bit of each lane: its lowest three in vectors, the eights by
 * bit. */
struct adder {
    __m512i ones, twos, fours, eights;
};

/* How often each of the eight bits is set among 64 bytes. */
AVX512 static inline __m512i count_bits(__m512i bytes)
{
    const __m512i diagonal = _mm512_set1_epi64((long long)0x8040201008040201u);
    const __m512i column = _mm512_setr_epi64(
        0x3830282018100800, 0x3931292119110901, 0x3A322A221A120A02, 0x3B332B231B130B03,
        0x3C342C241C140C04, 0x3D352D251D150D05, 0x3E362E261E160E06, 0x3F372F271F170F07);
    const __m512i turned = _mm512_gf2p8affine_epi64_epi8(diagonal, bytes, 0);
    return _mm512_popcnt_epi64(_mm512_permutexvar_epi8(column, turned));
}

/* Adds two vectors to *low, and returns what is carried. */
AVX512 static inline __m512i carry(__m512i *low, __m512i a, __m512i b)
{
    const __m512i sum = _mm512_ternarylogic_epi64(*low, a, b, 0x96);
    const __m512i carried = _mm512_ternarylogic_epi64(*low, a, b, 0xE8);
    *low = sum;
    return carried;
}

AVX512 static inline void add_eight(struct adder *s, const __m512i v[EIGHT])
{
    const __m512i a = carry(&s->ones, v[0], v[1]), b = carry(&s->ones, v[2], v[3]);
    const __m512i c = carry(&s->ones, v[4], v[5]), d = carry(&s->ones, v[6], v[7]);
    const __m512i e = carry(&s->twos, a, b), f = carry(&s->twos, c, d);
    s->eights = _mm512_add_epi64(s->eights, count_bits(carry(&s->fours, e, f)));
}

AVX512 static inline void add_up(const struct adder *s, __m512i singles, uint64_t found[8])
{
    __m512i sum = _mm512_slli_epi64(s->eights, 3);
    sum = _mm512_add_epi64(sum, _mm512_slli_epi64(count_bits(s->fours), 2));
    sum = _mm512_add_epi64(sum, _mm512_slli_epi64(count_bits(s->twos), 1));
    sum = _mm512_add_epi64(sum, _mm512_add_epi64(count_bits(s->ones), singles));
    _mm512_storeu_si512(found, sum);
}

/* Where are listed values, of the bytes that are `there`? */
AVX512 static inline __mmask64 listed(__m512i x, __m512i canon, __mmask64 there)
{
    return _mm512_mask_cmpeq_epi8_mask(there, x, _mm512_permutexvar_epi8(x, canon));
}

/* A bitmap's words are read in place where each begins with a byte, as it nearly always does. */
enum bitmap { NO_BITMAP, BY_BYTES, BY_BITS };

AVX512 INLINE uint64_t valid_bits(const uint8_t *bits, size_t row, unsigned skip,
                                  enum bitmap kind)
{
    return kind == NO_BITMAP ? UINT64_MAX
         : kind == BY_BYTES  ? cxm_priv_get_u64(bits + row / 8)
                             : cxm_priv_word_of_bits(bits + row / 8, skip);
}

/* The bitmap is a stream of its own that advances by a line in 512 rows, too slowly for the
 * processor to keep far enough ahead: asked for, it costs 1.2 times the time without it from memory,
 * else 1.7. Much further ahead than this it is no better than that. */
AVX512 INLINE void fetch_bits(const uint8_t *bits)
{
    __builtin_prefetch((const void *)((uintptr_t)bits + AHEAD), 0, 3);
}

/* The bits of a block, of both places. */
AVX512 INLINE __m512i two_halves(const uint8_t *low, const uint8_t *high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(load_avx2(low)), load_avx2(high), 1);
}

/* Two places of the array are read at once: a fifth faster than one, where it comes from memory. */
AVX512 INLINE uint64_t count_avx512(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                    unsigned skip, const struct bits_of_values *b,
                                    enum bitmap kind, uint64_t found[2 * 8])
{
    const bool masked = kind != NO_BITMAP;
    const __m512i canon = _mm512_loadu_si512(b->canon), zero = _mm512_setzero_si512();
    const __m512i one = _mm512_loadu_si512(b->one[0]), other = _mm512_loadu_si512(b->one[1]);
    struct adder first = { zero, zero, zero, zero }, second = first;
    __m512i singles = zero, other_singles = zero;
    const size_t half = n / (64 * EIGHT) * BLOCK;
    __m512i valid = zero;
    uint64_t present = 0;
    for (size_t i = 0; i < half; i += BLOCK) {
        __m512i u[EIGHT], v[EIGHT];
        if (masked) {
            fetch_bits(bits + i / 8);
            fetch_bits(bits + (half + i) / 8);
        }
        if (kind == BY_BYTES)
            valid = _mm512_add_epi64(valid, _mm512_popcnt_epi64(two_halves(
                                                bits + i / 8, bits + (half + i) / 8)));
#pragma GCC unroll 8
        for (size_t k = 0; k < EIGHT; k++) {
            const size_t at = (k % PLACES) * half + i + k / PLACES * 64;
            const uint64_t there = valid_bits(bits, at, skip, kind);
            const __m512i x = _mm512_loadu_si512(bytes + at);
            const __mmask64 m = listed(x, canon, there);
            u[k] = _mm512_maskz_permutexvar_epi8(m, x, one);
            v[k] = _mm512_maskz_permutexvar_epi8(m, x, other);
            present += kind == BY_BITS ? (uint64_t)_mm_popcnt_u64(there) : 0;
        }
        add_eight(&first, u);
        add_eight(&second, v);
    }
    for (size_t i = PLACES * half; i < n; i += 64) {
        uint64_t there = n - i < 64 ? ((uint64_t)1 << (n - i)) - 1 : UINT64_MAX;
        const __m512i x = _mm512_maskz_loadu_epi8(there, bytes + i);
        if (masked)
            there &= cxm_priv_some_bits(bits + i / 8, skip, n - i < 64 ? n - i : 64);
        const __mmask64 m = listed(x, canon, there);
        singles = _mm512_add_epi64(singles, count_bits(_mm512_maskz_permutexvar_epi8(m, x, one)));
        other_singles = _mm512_add_epi64(
            other_singles, count_bits(_mm512_maskz_permutexvar_epi8(m, x, other)));
        present += masked ? (uint64_t)_mm_popcnt_u64(there) : 0;
    }
    add_up(&first, singles, found);
    add_up(&second, other_singles, found + 8);
    present += (uint64_t)_mm512_reduce_add_epi64(valid);
    return masked ? n - present : 0;
}

AVX512 uint64_t cxm_priv_count_bytes_avx512(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                            unsigned skip, const uint8_t *values,
                                            size_t n_values, uint64_t *counts)
{
    struct bits_of_values b;
    uint64_t found[CXM_MOST_VALUES];
    make_bits(values, n_values, &b);
    const uint64_t nulls =
        bits == NULL ? count_avx512(bytes, n, bits, 0, &b, NO_BITMAP, found)
        : skip == 0  ? count_avx512(bytes, n, bits, 0, &b, BY_BYTES, found)
                     : count_avx512(bytes, n, bits, skip, &b, BY_BITS, found);
    for (size_t p = 0; p < b.n_placed; p++)
        counts[b.place[p]] += found[p];
    if (b.n_left > 0) {
        uint8_t left[CXM_MOST_VALUES];
        uint64_t more[CXM_MOST_VALUES] = { 0 };
        for (size_t k = 0; k < b.n_left; k++)
            left[k] = values[b.left[k]];
        cxm_priv_count_bytes_avx2(bytes, n, bits, skip, left, b.n_left, more);
        for (size_t k = 0; k < b.n_left; k++)
            counts[b.left[k]] += more[k];
    }
    return nulls;
}

#else
typedef int cxm_no_x86;
#endif
