/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The few loops that every histogram metric spends its time in, and their variants. The C
 * variant is the reference; the others are taken when the processor has what they need. The
 * choice is made anew for each call: it costs nanoseconds and needs no global state. */
#ifndef CXM_SRC_KERNELS_H
#define CXM_SRC_KERNELS_H

#include "column/unweave.h"

enum { CXM_MOST_VALUES = 16 };

/* Counts how often each of n_values <= CXM_MOST_VALUES distinct bytes occurs among n, adding to
 * counts, and returns how many of the n are null. Bytes that are not listed are not counted, nor
 * are those where the bitmap, from bit `skip` < 8 of its first byte on, has a 0; NULL: none is
 * null. Reads no byte of the bitmap without a bit of a row. */
typedef uint64_t cxm_count_bytes(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                 unsigned skip, const uint8_t *values, size_t n_values,
                                 uint64_t *counts);

/* For variants that count without a bitmap: copies n bytes; where the bitmap has a 0 stands `fill`
 * instead. Returns how many those are. */
typedef uint64_t cxm_mask_bytes(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                unsigned skip, uint8_t fill, uint8_t *out);
typedef void cxm_count_plain(const uint8_t *bytes, size_t n, const uint8_t *values,
                             size_t n_values, uint64_t *counts);
uint64_t cxm_priv_count_masked(cxm_count_plain *count, cxm_mask_bytes *mask, const uint8_t *bytes,
                               size_t n, const uint8_t *bits, unsigned skip,
                               const uint8_t *values, size_t n_values, uint64_t *counts);

/* Writes n doubles as integers; false when not all are whole numbers below 2^51, q then holds
 * anything. *all gets every bit that a magnitude has. */
typedef bool cxm_whole_numbers(const double *x, size_t n, int64_t *q, uint64_t *all);

/* Rows counted by key and answer: one more in counter (key - base) * stride + code of the answer;
 * rows without a key count as those of key n_keys. Counters have 8 bits, of which multiples of 256
 * are carried at once, or, where they are few enough to stay in a cache, 16, which the caller has to
 * empty in time: a branch for each row would cost as much as the counting. Neighbours may count in
 * four tables that lie `apart`, so that equal ones do not wait for each other: what counts is the sum
 * of the four; 0: there is one table. */
struct cxm_key_counters {
    uint32_t base;         /* of keys of four bytes, for dense_many.c */
    uint32_t n_keys;
    uint32_t stride;       /* counters of a key; (n_keys + 1) * stride fits in 32 bits */
    size_t apart;
    uint8_t *counters;     /* of 8 bits, or NULL */
    uint16_t *wide;        /* of 16 bits, at most 65 536 of a table, or NULL */
    uint32_t *words;       /* the same of 32 bits */
    uint32_t *carried;     /* [(n_keys + 1) * stride], of all tables together; NULL: nothing as yet */
    uint8_t *wrapped;      /* by CXM_CARRY_BLOCK counters of 8 bits: was anything carried? */
    const uint8_t *codes;  /* [256], of every byte; below stride */
    uint8_t missing;       /* code where the bitmap has a 0 */
};
enum { CXM_CARRY_BLOCK = 512 };

/* Keys and answers side by side, neither need be aligned. Bitmaps begin with bit `skip` < 8 of their
 * first byte; NULL: none is null. */
struct cxm_key_rows {
    const uint8_t *keys, *answers;
    const uint8_t *key_bits, *answer_bits;
    unsigned key_skip, answer_skip;
    uint32_t width;        /* bytes of a key: 1, 2, 4 or 8 */
    uint64_t base;         /* key of the first counters, in its lowest `width` bytes */
};

static inline void cxm_priv_count_one(const struct cxm_key_counters *c, uint8_t *counters,
                                      size_t at)
{
    if (CXM_UNLIKELY(++counters[at] == 0)) {
        c->carried[at]++;
        c->wrapped[at / CXM_CARRY_BLOCK] = 1;
    }
}

/* Counts n rows and returns n; or stops before 64 rows (the rest, when fewer are left) among which is
 * a key out of range, and returns how many rows it counted, a multiple of 64. */
typedef size_t cxm_count_keys(const struct cxm_key_counters *c, const struct cxm_key_rows *rows,
                              size_t n);

/* For rows that are sorted by part of the keys, of 1 << shift keys each: bits 16-31 are the part of
 * the key, 0-15 its counter among those of the part. Keys have four bytes and no bitmap; at most
 * 65 536 counters a part, and as many parts. False when a key is out of range; `out` then holds
 * anything. */
typedef bool cxm_part_rows(const struct cxm_key_counters *c, int shift,
                           const struct cxm_key_rows *rows, size_t n, uint32_t *out);

/* Where numbers of one exponent are added up, see moments.c: bits 0-31 the first cell of their
 * band, 32-37 how far their mantissa is shifted, 52 its leading one; ONLY_ZERO: the mantissa must be
 * 0; KNOWN: such numbers have a band. */
#define CXM_PLACE_KNOWN ((uint64_t)1 << 63)
#define CXM_PLACE_ONLY_ZERO ((uint64_t)1 << 62)
#define CXM_LEADING_ONE ((uint64_t)1 << 52)
enum { CXM_EXPONENTS = 2048, CXM_BAND_EXPONENTS = 12, CXM_PLACE_SHIFT = 32 };

struct cxm_places {
    uint64_t of[CXM_EXPONENTS]; /* by biased exponent */
    uint32_t first;             /* least biased exponent of the band that begins at cell 0 */
    uint32_t room;              /* cells of a code */
    uint32_t negative;          /* cells from a number to one below 0 */
    uint32_t bins;              /* rows of other codes may hold anything: they get `filler` */
    double filler;              /* a number of that band */
};

/* Writes finite doubles as whole numbers q of their band, and the cell of each row by its sign,
 * code and group (UINT32_MAX: cell 0 of the code; NULL: all cell 1). Codes are below 2^15. False
 * when one has no band; q and at then hold anything. */
typedef bool cxm_place_numbers(const struct cxm_places *places, const uint32_t *group,
                               const uint16_t *codes, const double *x, size_t n, uint64_t *q,
                               uint32_t *at);

/* The same, but false as well when a number, whatever its code, is not in the band that begins at cell 0 or
 * is below 0: of weights nothing else needs to be looked at. NULL: there is no such variant. */
typedef cxm_place_numbers cxm_place_weights;

/* Rows as they lie in columns, side by side: keys of four bytes, answers (NULL: there are none, and numbers
 * may be below 0) and doubles; nothing need be aligned. Later rows may lie where no memory is. */
struct cxm_plain_rows {
    const uint8_t *keys, *answers, *numbers;
};

/* The keys base … base + width - 1 have cells side by side, from cell of[answer], of[0] without answers.
 * Rows of an answer with CXM_NO_CELL cannot be taken. Codes of small answers: of[a] is room * codes[a] + 1,
 * or no cell where the code is CXM_NO_CODE. */
struct cxm_row_cells {
    uint32_t base, width;
    uint32_t of[256];
    uint8_t codes[16];
};
#define CXM_NO_CELL ((uint32_t)1 << 31)
#define CXM_NO_CODE 0x80

/* Places CXM_MOMENT_ROWS of them, and asks for later ones. False: a key or answer has no cell, or a number is
 * not in the band that begins at cell 0; q and at then hold anything. NULL: there is no such variant. */
typedef bool cxm_place_rows(const struct cxm_places *places, const struct cxm_row_cells *cells,
                            const struct cxm_plain_rows *rows, uint64_t *q, uint32_t *at);

/* Adds n <= CXM_MOMENT_ROWS rows to cells. True: one of these cells is full now, of CXM_FULL_CELL or
 * CXM_FULL_SLIM rows, and wants to be emptied before the next call. The last word counts the rows in its
 * uppermost bits. Asks for a line with every row. */
enum { CXM_MOMENT_ROWS = 64 };
typedef bool cxm_add_moments(uint64_t *cells, const uint64_t *q, const uint32_t *at, size_t n,
                             struct cxm_asking asking);

/* Wide cells: of q = 2^32 a + b the words get b, a, the halves of b^2, of a b and of a^2, and the upper 16
 * bits of the last count rows. The words then are below 2^48. */
enum { CXM_MOMENT_WORDS = 8, CXM_FULL_CELL = 1 << 15, CXM_COUNT_AT = 48 };
/* Slim cells: the words get the lower 54 bits of q; of q^2 = s + 2^53 t + 2^106 u, s below 2^54, t and u;
 * u shares its word with the upper 10 bits of q, from bit 32 on, and the count of rows, from bit 54 on. */
enum { CXM_SLIM_WORDS = 4, CXM_FULL_SLIM = (1 << 10) - CXM_MOMENT_ROWS, CXM_SLIM_LOW = 54,
       CXM_SLIM_SQUARE = 53, CXM_SLIM_HIGH_AT = 32, CXM_SLIM_COUNT_AT = 54 };

/* Do all lie between two numbers, ends included? NaN does not. */
typedef bool cxm_all_within(const double *x, size_t n, double low, double high);

cxm_count_bytes cxm_priv_count_bytes_c;
cxm_count_keys cxm_priv_count_keys_c;
cxm_part_rows cxm_priv_part_rows_c;
cxm_mask_bytes cxm_priv_mask_bytes_c;
cxm_whole_numbers cxm_priv_whole_numbers_c;
cxm_place_numbers cxm_priv_place_numbers_c;
cxm_add_moments cxm_priv_add_moments_c, cxm_priv_add_slim_c;
cxm_all_within cxm_priv_all_within_c;
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_X86 1
cxm_count_bytes cxm_priv_count_bytes_avx2, cxm_priv_count_bytes_avx512;
cxm_count_keys cxm_priv_count_keys_avx2, cxm_priv_count_keys_avx512;
cxm_part_rows cxm_priv_part_rows_avx2, cxm_priv_part_rows_avx512;
cxm_mask_bytes cxm_priv_mask_bytes_avx2;
cxm_whole_numbers cxm_priv_whole_numbers_avx2;
cxm_place_numbers cxm_priv_place_numbers_avx2;
cxm_place_weights cxm_priv_place_weights_avx2;
cxm_place_rows cxm_priv_place_rows_avx2;
cxm_place_numbers cxm_priv_place_numbers_avx512;
cxm_add_moments cxm_priv_add_slim_avx2, cxm_priv_add_moments_avx512;
cxm_all_within cxm_priv_all_within_avx2, cxm_priv_all_within_avx512;
#else
#define CXM_X86 0
#endif
#if defined(__aarch64__) && defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CXM_NEON 1
cxm_count_bytes cxm_priv_count_bytes_neon;
cxm_mask_bytes cxm_priv_mask_bytes_neon;
cxm_whole_numbers cxm_priv_whole_numbers_neon;
cxm_count_keys cxm_priv_count_keys_neon;
cxm_place_numbers cxm_priv_place_numbers_neon;
cxm_add_moments cxm_priv_add_moments_neon;
#else
#define CXM_NEON 0
#endif

struct cxm_kernels {
    cxm_count_bytes *count_bytes;
    cxm_whole_numbers *whole_numbers;
    cxm_count_keys *count_keys;
    cxm_place_numbers *place_numbers;
    cxm_place_weights *place_weights;
    cxm_place_rows *place_rows;
    cxm_add_moments *add_moments;
    uint32_t moment_words; /* of its cells */
    cxm_all_within *all_within;
    cxm_part_rows *part_rows;
    bool key_words;        /* count_keys wants counters of 32 bits where these may be so */
};

/* The same rows from a multiple of 8 on. */
static inline struct cxm_key_rows cxm_priv_key_rows_from(const struct cxm_key_rows *rows, size_t row)
{
    struct cxm_key_rows rest = *rows;
    rest.keys += row * rows->width;
    rest.answers += row;
    if (rows->key_bits != NULL)
        rest.key_bits += row / 8;
    if (rows->answer_bits != NULL)
        rest.answer_bits += row / 8;
    return rest;
}

/* Bits skip … skip + 63 of a bitmap that has them all. */
static inline uint64_t cxm_priv_word_of_bits(const uint8_t *bits, unsigned skip)
{
    const uint64_t word = cxm_priv_get_u64(bits) >> skip;
    return skip > 0 ? word | (uint64_t)bits[8] << (64 - skip) : word;
}

/* The next n <= 64 bits of a bitmap that need not have more. */
static inline uint64_t cxm_priv_some_bits(const uint8_t *bits, unsigned skip, size_t n)
{
    uint64_t word = 0;
    if (n == 64)
        return cxm_priv_word_of_bits(bits, skip);
    for (size_t i = 0; i < skip + n; i += 8)
        word |= i >= skip ? (uint64_t)bits[i / 8] << (i - skip) : (uint64_t)bits[i / 8] >> (skip - i);
    return word & (((uint64_t)1 << n) - 1);
}

/* What this processor runs best; `mask` (of CXM_CPU_…) forbids variants, for tests. */
struct cxm_kernels cxm_priv_kernels(unsigned mask);

#endif
