/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the readers of numbers, codes, instants, text and keys share: raw loads of one part of
 * a column, what is absent in it, text, decimals. Nothing here looks at chunks. */
#ifndef CXM_SRC_DECODE_H
#define CXM_SRC_DECODE_H

#include "column/read.h"

#if defined(__GNUC__)
#define CXM_RESTRICT __restrict__
#else
#define CXM_RESTRICT restrict
#endif

/* n floats that lie side by side as doubles; true when all are finite. */
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_COLUMN_X86 1
bool cxm_priv_load_f64_avx2(const unsigned char *from, size_t n, double *values);
bool cxm_priv_load_f32_avx2(const unsigned char *from, size_t n, double *values);
/* The first rows of n, as many as fill vectors: how many. States of doubles: NaN is missing, ±inf
 * invalid; a code that is missing; values that are not used become NaN. */
size_t cxm_priv_classify_avx2(const double *values, size_t n, uint8_t *states);
size_t cxm_priv_mark_code_avx2(const double *values, size_t n, double code, uint8_t *states);
size_t cxm_priv_blank_avx2(double *values, const uint8_t *states, size_t n, double nan);
/* 64 rows, of which some are null. */
void cxm_priv_mark_nulls_avx2(uint64_t null, uint8_t *states);
void cxm_priv_mark_null_codes_avx2(uint64_t null, uint16_t missing, uint16_t *codes);
#else
#define CXM_COLUMN_X86 0
#endif

/* Scratch arrays hold that many rows: 4 KiB of numbers each. */
enum { CXM_SCRATCH = 512 };

/* Integers beyond this have no exact double. */
#define CXM_EXACT_INTEGER ((int64_t)1 << 53)

/* What the values of a column mean: chunks and dictionaries hold values, the column that the
 * caller gave says how they are read. */
struct cxm_rules {
    const struct cxm_column *column; /* missing codes and labels */
    bool sentinel;                   /* column->sentinel means missing */
    bool duration, dates;
    bool days_begin; /* dates become the instants at which these days begin, by the column's clock */
    uint32_t unit;   /* enum cxm_time_unit */
    bool *subsecond; /* set by instants that were floored; may be NULL */
};

struct cxm_rules cxm_priv_rules(const struct cxm_column *column);

/* What integers of a part mean in time. A dictionary of instants says it itself; everything
 * else is said by the column that the caller gave. */
struct cxm_clock {
    uint32_t unit; /* enum cxm_time_unit */
    bool duration, zoned, dates;
};

struct cxm_clock cxm_priv_clock(const struct cxm_column *column, const struct cxm_column *part);

/* Finds the part that holds row `first` and the row inside it; returns how many of the n rows
 * lie in that part (0 beyond the end of the column). */
size_t cxm_priv_reader_span(struct cxm_reader *reader, int64_t first, size_t n, int64_t *row);

/* ---- one part ------------------------------------------------------------------------- */

static inline const unsigned char *cxm_priv_element(const struct cxm_column *part, int64_t row)
{
    return (const unsigned char *)part->data + (part->offset + row) * part->stride;
}

/* Every element v of type T of n rows of a part; `action` stores it at index i. The loop over
 * contiguous elements is written apart because compilers vectorise only that one. */
#define CXM_EACH(T, action)                                                                    \
    do {                                                                                       \
        const unsigned char *const p = cxm_priv_element(part, row);                            \
        const int64_t stride = part->stride;                                                   \
        T v;                                                                                   \
        if (stride == (int64_t)sizeof v) {                                                     \
            for (size_t i = 0; i < n; i++) {                                                   \
                memcpy(&v, p + i * sizeof v, sizeof v);                                        \
                action;                                                                        \
            }                                                                                  \
        } else {                                                                               \
            for (size_t i = 0; i < n; i++) {                                                   \
                memcpy(&v, p + (int64_t)i * stride, sizeof v);                                 \
                action;                                                                        \
            }                                                                                  \
        }                                                                                      \
    } while (0)

bool cxm_priv_is_integer(uint32_t type); /* I8 … U64 */
bool cxm_priv_is_text(uint32_t type);

/* Raw integers of I8 … U64 (u64 as its bits), BOOL and BITS (0 or 1). */
void cxm_priv_load_integers(const struct cxm_column *part, int64_t row, size_t n,
                            int64_t *values);
/* The same as doubles, and F32, F64, DECIMAL; NaN for CXM_NULL. */
void cxm_priv_load_doubles(const struct cxm_column *part, int64_t row, size_t n,
                           double *values);
cxm_i128 cxm_priv_load_decimal(const struct cxm_column *part, int64_t row);

/* A bit for each of the next rows (64, or n if that is less) that the validity bitmap, which
 * there is, calls null. Nulls are rare: walking over set bits beats a pass over rows. */
uint64_t cxm_priv_null_word(const struct cxm_column *part, int64_t row, size_t n);

/* Whether validity or mask say that one row is missing. */
bool cxm_priv_is_absent(const struct cxm_column *part, int64_t row);

/* Sets states of rows that are null, masked or the sentinel to MISSING. */
void cxm_priv_mark_missing(const struct cxm_rules *rules, const struct cxm_column *part,
                           int64_t row, size_t n, uint8_t *states);

/* The text of one row; false when it lies outside of the heap. NULL bytes: no text. */
bool cxm_priv_text_at(const struct cxm_column *part, int64_t row, struct cxm_text *out);
/* Those of n rows whose state is USED, which becomes INVALID outside of the heap, MISSING where there is
 * no text. The others get none. */
void cxm_priv_texts_at(const struct cxm_column *part, int64_t row, size_t n, struct cxm_text *text,
                       uint8_t *states);

/* ---- dictionaries --------------------------------------------------------------------- */

/* Reads n rows of a part without dictionary: 8 bytes a value, one state a row. */
typedef void cxm_decode(const struct cxm_rules *rules, const struct cxm_column *part,
                        int64_t row, size_t n, void *values, uint8_t *states);

/* Reads rows through the dictionary of the part, if it has one. */
void cxm_priv_decode(const struct cxm_rules *rules, const struct cxm_column *part, int64_t row,
                     size_t n, void *values, uint8_t *states, cxm_decode *plain);

/* The indexes of a part with dictionary: USED ones are inside of the dictionary. */
void cxm_priv_load_indexes(const struct cxm_rules *rules, const struct cxm_column *part,
                           int64_t row, size_t n, int64_t *indexes, uint8_t *states);

/* Parts without dictionary as numbers, integers, instants. */
cxm_decode cxm_priv_plain_numbers, cxm_priv_plain_integers, cxm_priv_plain_times;

/* ---- decimals ------------------------------------------------------------------------- */

enum { CXM_MOST_SCALE = 76 };

/* integer / 10^scale, correctly rounded; |scale| <= CXM_MOST_SCALE. */
double cxm_priv_decimal_to_double(cxm_i128 integer, int32_t scale);

/* floor(integer / 10^scale); false when it does not fit. *fraction: something was cut off. */
bool cxm_priv_decimal_floor(cxm_i128 integer, int32_t scale, int64_t *out, bool *fraction);

#endif
