/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading columns, the only place that knows types, strides, validity, labels and chunks.
 * A reader is private to a thread; rows are read in blocks that fit the first-level cache. */
#ifndef CXM_SRC_READ_H
#define CXM_SRC_READ_H

#include "base/base.h"

#include <cxm/column.h>
#include <cxm/tally.h>

enum cxm_row_state { CXM_ROW_USED = 0, CXM_ROW_MISSING = 1, CXM_ROW_INVALID = 2 };

/* Room that a column needs before it was checked: none where there is none, or its length is nonsense. */
static inline size_t cxm_priv_rows_of(const struct cxm_column *c)
{
    return c != NULL && c->n > 0 ? (size_t)c->n : 0;
}

/* Nearly every block is: a pass of its own, so that the loops for the others can be left out. */
static inline bool cxm_priv_all_used(const uint8_t *states, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= states[i];
    return any == CXM_ROW_USED;
}

/* Numbers that are as they lie in memory, none of them missing unless it is NaN. */
static inline bool cxm_priv_is_bare(const struct cxm_column *c)
{
    return c->mask == NULL && c->dictionary == NULL && c->n_chunks == 0 && c->n_labels == 0
        && c->validity == NULL && c->n_missing_codes == 0 && c->time_unit == CXM_NO_TIME
        && c->calendar == CXM_NO_CALENDAR
        && (c->flags & (CXM_COLUMN_SENTINEL | CXM_COLUMN_DURATION)) == 0;
}

struct cxm_reader {
    const struct cxm_column *column; /* what the caller gave */
    const struct cxm_column *part;   /* the chunk that holds the rows read last */
    int64_t part_first;              /* its first row */
    int64_t part_index;
};

void cxm_priv_reader_init(struct cxm_reader *reader, const struct cxm_column *column);

/* Can the column be read as that role (a text column needs labels, an instant is no number …)?
 * `name` is the role's name, used when the column has none. Includes cxm_column_check. */
enum cxm_status cxm_priv_column_fits(const struct cxm_column *column, enum cxm_role role,
                                     const char *name, struct cxm_error *error);

/* Numbers of rows first … first + n - 1: state MISSING (value NaN), INVALID (±inf, integers
 * beyond 2^53, unlisted labels; value NaN), USED. bool is 0/1, durations are seconds, decimals
 * are correctly rounded. Order of tests: null/NaN/sentinel, missing code, label, range. */
void cxm_priv_read_numbers(struct cxm_reader *reader, int64_t first, size_t n, double *values,
                           uint8_t *states);

/* Ratings as codes: value lo + k -> k for k < bins; missing -> bins; not a whole number, out of
 * range or unlisted -> bins + 1. bins <= 60000. Equals what cxm_priv_read_numbers gives. */
void cxm_priv_read_codes(struct cxm_reader *reader, int64_t first, size_t n, int64_t lo,
                         uint32_t bins, uint16_t *codes);

/* Whole numbers (freq): INVALID when not whole or outside int64. Instants: seconds since 1970
 * UTC, finer units floored, *subsecond set when that lost something. Dates are local days: the
 * instant at which the day begins by the utc_offset or zone table of the column. */
void cxm_priv_read_integers(struct cxm_reader *reader, int64_t first, size_t n, int64_t *values,
                            uint8_t *states);
void cxm_priv_read_times(struct cxm_reader *reader, int64_t first, size_t n, int64_t *values,
                         uint8_t *states, bool *subsecond);

/* The column with that clock instead of its own. */
struct cxm_column cxm_priv_clocked(const struct cxm_column *time, int64_t utc_offset,
                                   const struct cxm_zone_row *zone, int64_t n_zone);
/* The column of instants where INT64_MIN is none, unless it says itself what is missing. */
struct cxm_column cxm_priv_with_missing(const struct cxm_column *time);
/* Are all instants of the column dates? Do some belong to a named zone? */
void cxm_priv_kinds_of_time(const struct cxm_column *column, bool *only_dates, bool *zoned);

/* The value of one row as text for a message: "11", "1.5", "Blank". */
void cxm_priv_value_text(const struct cxm_column *column, int64_t row, char *out,
                         size_t capacity);
/* EDATA: the row is no instant; `role` is the name where the column has none. */
enum cxm_status cxm_priv_no_instant(const struct cxm_column *column, const char *role, int64_t row,
                                    struct cxm_error *error);
/* EDATA: a flag of the row is neither 0 nor 1. */
enum cxm_status cxm_priv_invalid_flag(const struct cxm_column *column, const char *name, int64_t row,
                                      struct cxm_error *error);

/* ---- keys ----------------------------------------------------------------------------- */

struct cxm_text {
    const char *bytes;
    size_t n;
};

/* How a key column is read: `words` (everything but text and bytes) or as text. */
struct cxm_key_plan {
    struct cxm_key_info info;       /* name ("" when the column has none), type, calendar */
    bool words;
    bool unknown;                        /* nothing but nulls: the type is a guess */
    const struct cxm_column *categories; /* CXM_KEY_CATEGORY: the dictionary, in order */
};

/* EINVAL: a zoned column with a calendar rule but without offset or zone table, a calendar on
 * something that is no instant, a key type that cannot be (decimal: EUNSUPPORTED).
 * Integers -> INT (u64: UINT), floats -> REAL, bool and bits -> BOOL, text -> TEXT (a
 * dictionary too, unless it is ORDERED: CATEGORY; all chunks must share it), instants -> TIME
 * (days -> DATE), calendar rules -> DATE. */
enum cxm_status cxm_priv_key_plan(const struct cxm_column *column, struct cxm_key_plan *out,
                                  struct cxm_error *error);

/* Keys as 64-bit words whose unsigned order is the order of the keys; MISSING for null, NaN,
 * sentinel and missing codes. -0.0 is 0.0. INVALID only for instants that overflow and indexes
 * outside of their dictionary. */
void cxm_priv_read_key_words(struct cxm_reader *reader, const struct cxm_key_plan *plan,
                             int64_t first, size_t n, uint64_t *words, uint8_t *states);
/* Keys as text inside the caller's memory (labels marked missing are MISSING; INVALID only for
 * indexes outside of the dictionary). */
void cxm_priv_read_key_text(struct cxm_reader *reader, int64_t first, size_t n,
                            struct cxm_text *text, uint8_t *states);
/* For a column in one piece with a dictionary: its indexes, MISSING where there is none, INVALID
 * outside of the dictionary. What the dictionary holds there is for cxm_priv_read_key_text. */
void cxm_priv_read_key_indexes(const struct cxm_column *column, int64_t first, size_t n,
                               int64_t *indexes, uint8_t *states);
/* A word back to the value of the key (text of categories is filled in by the owner). */
void cxm_priv_key_from_word(int32_t type, uint64_t word, struct cxm_key *out);

#define CXM_SIGN_BIT ((uint64_t)1 << 63)

/* The word of a number, CXM_KEY_REAL; both zeros are one. */
static inline uint64_t cxm_priv_word_of_real(double value)
{
    uint64_t bits;
    value += 0.0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &value, sizeof bits);
    return (bits & CXM_SIGN_BIT) != 0 ? ~bits : bits ^ CXM_SIGN_BIT;
}

static inline double cxm_priv_real_of_word(uint64_t word)
{
    const uint64_t bits = (word & CXM_SIGN_BIT) != 0 ? word ^ CXM_SIGN_BIT : ~word;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- calendar ------------------------------------------------------------------------- */

/* First day (days since 1970-01-01, proleptic Gregorian) of the period that holds the local
 * day of an instant. */
int64_t cxm_priv_period_day(int64_t utc_seconds, enum cxm_calendar calendar, int64_t utc_offset,
                            const struct cxm_zone_row *zone, int64_t n_zone);
int64_t cxm_priv_days_from_civil(int64_t year, int month, int day);
void cxm_priv_civil_from_days(int64_t days, int64_t *year, int *month, int *day);

#endif
