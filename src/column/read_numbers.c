/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parts of a column as numbers. Passes over a block in the first-level cache, each simple
 * enough to be vectorised: load, range, missing codes, what is null. Later passes win, which
 * gives the order of tests of read.h: null, missing code, label, range. */
#include "column/calendar.h"
#include "column/decode.h"

#include <float.h>
#include <math.h>

static void mark_codes(const struct cxm_column *column, const double *CXM_RESTRICT values,
                       size_t n, uint8_t *CXM_RESTRICT states)
{
    for (int64_t c = 0; c < column->n_missing_codes; c++) {
        const double code = column->missing_codes[c];
        size_t i = 0;
#if CXM_COLUMN_X86
        if (CXM_SUPPORTS("avx2"))
            i = cxm_priv_mark_code_avx2(values, n, code, states);
#endif
        for (; i < n; i++)
            states[i] = values[i] == code ? CXM_ROW_MISSING : states[i];
    }
}

/* NaN is missing, ±inf invalid; added up, because both tests are then made on every row and
 * the loop has no branch. */
static void classify_doubles(const double *CXM_RESTRICT values, size_t n,
                             uint8_t *CXM_RESTRICT states)
{
    size_t i = 0;
#if CXM_COLUMN_X86
    if (CXM_SUPPORTS("avx2"))
        i = cxm_priv_classify_avx2(values, n, states);
#endif
    for (; i < n; i++) {
        const int nan = values[i] != values[i], infinite = fabs(values[i]) > DBL_MAX;
        states[i] = (uint8_t)(nan * CXM_ROW_MISSING + infinite * CXM_ROW_INVALID);
    }
}

/* Floats side by side, where the processor has the instructions; false: not done. */
static bool load_together(const struct cxm_column *part, int64_t row, size_t n, double *values,
                          bool *finite)
{
#if CXM_COLUMN_X86
    const bool single = part->type == CXM_F32;
    if (part->stride == (single ? 4 : 8) && CXM_SUPPORTS("avx2")) {
        const unsigned char *from = cxm_priv_element(part, row);
        *finite = single ? cxm_priv_load_f32_avx2(from, n, values)
                         : cxm_priv_load_f64_avx2(from, n, values);
        return true;
    }
#endif
    (void)part, (void)row, (void)n, (void)values, (void)finite;
    return false;
}

/* Floats are finite in nearly every block: one pass that only asks whether all are. */
static void load_floats(const struct cxm_column *part, int64_t row, size_t n, double *values,
                        uint8_t *states)
{
    bool finite = true;
    if (!load_together(part, row, n, values, &finite)) {
        cxm_priv_load_doubles(part, row, n, values);
        for (size_t i = 0; i < n; i++)
            finite &= fabs(values[i]) <= DBL_MAX;
    }
    if (finite)
        memset(states, CXM_ROW_USED, n);
    else
        classify_doubles(values, n, states);
}

/* 2^53 + 1 rounds to 2^53 as a double: only the integer itself can tell. */
static void classify_wide(const struct cxm_column *part, int64_t row, size_t n,
                          uint8_t *CXM_RESTRICT states)
{
    int64_t raw[CXM_SCRATCH];
    const uint64_t most = (uint64_t)CXM_EXACT_INTEGER;
    const bool is_signed = part->type == CXM_I64;
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_load_integers(part, row + (int64_t)done, count, raw);
        for (size_t i = 0; i < count; i++) {
            const uint64_t v = (uint64_t)raw[i];
            const bool exact = is_signed ? v + most <= 2 * most : v <= most;
            states[done + i] = exact ? CXM_ROW_USED : CXM_ROW_INVALID;
        }
    }
}

/* The lengths of the first labels, so that most of them are passed over by one comparison. */
struct lengths {
    size_t of_label[32];
};

static uint8_t label_number(const struct cxm_column *column, const struct lengths *lengths,
                            struct cxm_text text, double *value)
{
    for (int64_t i = 0; i < column->n_labels; i++) {
        const struct cxm_label *const label = &column->labels[i];
        const size_t length = i < 32 ? lengths->of_label[i] : strlen(label->text);
        if (length != text.n || memcmp(label->text, text.bytes, length) != 0)
            continue;
        *value = label->value;
        if (label->missing || isnan(label->value))
            return CXM_ROW_MISSING;
        return isinf(label->value) ? CXM_ROW_INVALID : CXM_ROW_USED;
    }
    return CXM_ROW_INVALID;
}

static void label_numbers(const struct cxm_rules *rules, const struct cxm_column *part,
                          int64_t row, size_t n, double *values, uint8_t *states)
{
    const struct cxm_column *const column = rules->column;
    struct lengths lengths;
    for (int64_t i = 0; i < 32 && i < column->n_labels; i++)
        lengths.of_label[i] = strlen(column->labels[i].text);
    memset(states, CXM_ROW_USED, n);
    cxm_priv_mark_missing(rules, part, row, n, states);
    for (size_t i = 0; i < n; i++) {
        struct cxm_text text;
        values[i] = (double)NAN;
        if (states[i] != CXM_ROW_USED)
            continue; /* the bytes under a null may be anything */
        if (!cxm_priv_text_at(part, row + (int64_t)i, &text))
            states[i] = CXM_ROW_INVALID;
        else if (text.bytes == NULL)
            states[i] = CXM_ROW_MISSING;
        else
            states[i] = label_number(column, &lengths, text, &values[i]);
    }
    mark_codes(column, values, n, states);
}

/* Seconds of a duration that is a whole number of units, correctly rounded. */
static bool duration_seconds(int64_t ticks, uint32_t unit, double *out)
{
    switch (unit) {
    case CXM_MS: *out = cxm_priv_decimal_to_double(ticks, 3); return true;
    case CXM_US: *out = cxm_priv_decimal_to_double(ticks, 6); return true;
    case CXM_NS: *out = cxm_priv_decimal_to_double(ticks, 9); return true;
    case CXM_DAYS:
        if (ticks > CXM_EXACT_INTEGER / 86400 || ticks < -(CXM_EXACT_INTEGER / 86400))
            return false;
        *out = (double)(ticks * 86400);
        return true;
    default:
        *out = (double)ticks;
        return ticks <= CXM_EXACT_INTEGER && ticks >= -CXM_EXACT_INTEGER;
    }
}

static double scale_duration(double ticks, uint32_t unit)
{
    switch (unit) {
    case CXM_MS: return ticks / 1e3;
    case CXM_US: return ticks / 1e6;
    case CXM_NS: return ticks / 1e9;
    case CXM_DAYS: return ticks * 86400.0;
    default: return ticks;
    }
}

/* Durations: codes and sentinel are in the unit of the column, the numbers are seconds. */
static void duration_numbers(const struct cxm_rules *rules, const struct cxm_column *part,
                             int64_t row, size_t n, double *values, uint8_t *states)
{
    const bool whole = cxm_priv_is_integer(part->type);
    cxm_priv_load_doubles(part, row, n, values);
    classify_doubles(values, n, states);
    mark_codes(rules->column, values, n, states);
    cxm_priv_mark_missing(rules, part, row, n, states);
    for (size_t i = 0; i < n; i++) {
        if (states[i] != CXM_ROW_USED)
            continue;
        if (whole) {
            int64_t ticks;
            cxm_priv_load_integers(part, row + (int64_t)i, 1, &ticks);
            const bool wrapped = part->type == CXM_U64 && ticks < 0;
            if (wrapped || !duration_seconds(ticks, rules->unit, &values[i]))
                states[i] = CXM_ROW_INVALID;
        } else {
            values[i] = scale_duration(values[i], rules->unit);
            if (isinf(values[i]))
                states[i] = CXM_ROW_INVALID;
        }
    }
}

void cxm_priv_plain_numbers(const struct cxm_rules *rules, const struct cxm_column *part,
                            int64_t row, size_t n, void *out, uint8_t *states)
{
    double *const values = out;
    if (cxm_priv_is_text(part->type)) {
        label_numbers(rules, part, row, n, values, states);
        return;
    }
    if (rules->duration && rules->unit != CXM_NO_TIME && part->type != CXM_BOOL
        && part->type != CXM_BITS) {
        duration_numbers(rules, part, row, n, values, states);
        return;
    }
    const bool floats = part->type == CXM_F32 || part->type == CXM_F64;
    if (floats)
        load_floats(part, row, n, values, states);
    else
        cxm_priv_load_doubles(part, row, n, values);
    if (part->type == CXM_I64 || part->type == CXM_U64)
        classify_wide(part, row, n, states);
    else if (!floats)
        memset(states, CXM_ROW_USED, n);
    mark_codes(rules->column, values, n, states);
    cxm_priv_mark_missing(rules, part, row, n, states);
}

/* ---- whole numbers -------------------------------------------------------------------- */

/* Doubles that were read as numbers, kept where they are whole and fit. */
static void keep_whole(const double *numbers, size_t n, int64_t *values, uint8_t *states)
{
    for (size_t i = 0; i < n; i++) {
        const double v = numbers[i];
        values[i] = 0;
        if (states[i] != CXM_ROW_USED)
            continue;
        if (v >= -0x1p63 && v < 0x1p63 && v == floor(v))
            values[i] = (int64_t)v;
        else
            states[i] = CXM_ROW_INVALID;
    }
}

static void integer_codes(const struct cxm_rules *rules, const struct cxm_column *part,
                          const int64_t *values, size_t n, uint8_t *states)
{
    for (int64_t c = 0; c < rules->column->n_missing_codes; c++) {
        const double code = rules->column->missing_codes[c];
        for (size_t i = 0; i < n; i++) {
            const double v =
                part->type == CXM_U64 ? (double)(uint64_t)values[i] : (double)values[i];
            states[i] = v == code ? CXM_ROW_MISSING : states[i];
        }
    }
}

static void decimal_integers(const struct cxm_rules *rules, const struct cxm_column *part,
                             int64_t row, size_t n, int64_t *values, uint8_t *states)
{
    for (size_t i = 0; i < n; i++) {
        const cxm_i128 integer = cxm_priv_load_decimal(part, row + (int64_t)i);
        const double number = cxm_priv_decimal_to_double(integer, part->scale);
        bool fraction;
        states[i] = CXM_ROW_USED;
        if (!cxm_priv_decimal_floor(integer, part->scale, &values[i], &fraction) || fraction)
            states[i] = CXM_ROW_INVALID;
        mark_codes(rules->column, &number, 1, &states[i]);
    }
    cxm_priv_mark_missing(rules, part, row, n, states);
}

void cxm_priv_plain_integers(const struct cxm_rules *rules, const struct cxm_column *part,
                             int64_t row, size_t n, void *out, uint8_t *states)
{
    int64_t *const values = out;
    if (part->type == CXM_DECIMAL) {
        decimal_integers(rules, part, row, n, values, states);
        return;
    }
    if (cxm_priv_is_integer(part->type) || part->type == CXM_BOOL || part->type == CXM_BITS) {
        cxm_priv_load_integers(part, row, n, values);
        for (size_t i = 0; i < n; i++)
            states[i] = part->type == CXM_U64 && values[i] < 0 ? CXM_ROW_INVALID : CXM_ROW_USED;
        integer_codes(rules, part, values, n, states);
        cxm_priv_mark_missing(rules, part, row, n, states);
        return;
    }
    /* Floats and labels; the unit of a duration does not matter to a count. */
    struct cxm_rules plain = *rules;
    plain.duration = false;
    double numbers[CXM_SCRATCH];
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_plain_numbers(&plain, part, row + (int64_t)done, count, numbers,
                               states + done);
        keep_whole(numbers, count, values + done, states + done);
    }
}

/* ---- instants ------------------------------------------------------------------------- */

static int64_t units_per_second(uint32_t unit)
{
    switch (unit) {
    case CXM_MS: return 1000;
    case CXM_US: return 1000000;
    case CXM_NS: return 1000000000;
    default: return 1;
    }
}

static void days_to_seconds(size_t n, int64_t *values, uint8_t *states)
{
    const int64_t most = INT64_MAX / 86400;
    for (size_t i = 0; i < n; i++) {
        const bool fits = values[i] <= most && values[i] >= -most;
        values[i] = fits ? values[i] * 86400 : 0;
        states[i] = fits || states[i] == CXM_ROW_MISSING ? states[i] : CXM_ROW_INVALID;
    }
}

/* Inlined below with constants, by which a compiler divides without a division. */
static inline bool floor_by(int64_t per_second, size_t n, int64_t *CXM_RESTRICT values,
                            const uint8_t *CXM_RESTRICT states)
{
    bool lost = false;
    for (size_t i = 0; i < n; i++) {
        const int64_t rest = values[i] % per_second;
        values[i] = values[i] / per_second - (rest < 0);
        lost |= (rest != 0) & (states[i] == CXM_ROW_USED);
    }
    return lost;
}

static void floor_ticks(uint32_t unit, size_t n, int64_t *values, uint8_t *states, bool *lost)
{
    switch (unit) {
    case CXM_MS: *lost |= floor_by(1000, n, values, states); break;
    case CXM_US: *lost |= floor_by(1000000, n, values, states); break;
    case CXM_NS: *lost |= floor_by(1000000000, n, values, states); break;
    case CXM_DAYS: days_to_seconds(n, values, states); break;
    default: break;
    }
}

/* floor(ticks / per second): the quotient may round up to a whole second, which the exact
 * remainder of fma reveals. */
static bool floor_seconds(double ticks, uint32_t unit, int64_t *out, bool *lost)
{
    const double per_second = (double)units_per_second(unit);
    double seconds = unit == CXM_DAYS ? floor(ticks * 86400.0) : floor(ticks / per_second);
    if (unit != CXM_DAYS && fma(seconds, per_second, -ticks) > 0.0)
        seconds -= 1.0;
    if (!(seconds >= -0x1p63 && seconds < 0x1p63))
        return false;
    *lost = unit == CXM_DAYS ? seconds != ticks * 86400.0 : seconds * per_second != ticks;
    *out = (int64_t)seconds;
    return true;
}

static void double_times(const struct cxm_rules *rules, const struct cxm_column *part,
                         int64_t row, size_t n, int64_t *values, uint8_t *states, bool *lost)
{
    struct cxm_rules plain = *rules;
    plain.duration = false;
    double ticks[CXM_SCRATCH];
    for (size_t i = 0; i < n; i++) {
        const size_t at = i % CXM_SCRATCH;
        bool floored = false;
        if (at == 0)
            cxm_priv_plain_numbers(&plain, part, row + (int64_t)i,
                                   n - i < CXM_SCRATCH ? n - i : CXM_SCRATCH, ticks,
                                   states + i);
        values[i] = 0;
        if (states[i] != CXM_ROW_USED)
            continue;
        if (!floor_seconds(ticks[at], rules->unit, &values[i], &floored))
            states[i] = CXM_ROW_INVALID;
        *lost |= floored && states[i] == CXM_ROW_USED;
    }
}

/* floor(floor(x) / k) = floor(x / k) for whole k, so the fraction can be cut off first. */
static void decimal_times(const struct cxm_rules *rules, const struct cxm_column *part,
                          int64_t row, size_t n, int64_t *values, uint8_t *states, bool *lost)
{
    for (size_t i = 0; i < n; i++) {
        const cxm_i128 integer = cxm_priv_load_decimal(part, row + (int64_t)i);
        const double number = cxm_priv_decimal_to_double(integer, part->scale);
        bool fraction = false;
        values[i] = 0;
        states[i] = CXM_ROW_USED;
        if (!cxm_priv_decimal_floor(integer, part->scale, &values[i], &fraction))
            states[i] = CXM_ROW_INVALID;
        mark_codes(rules->column, &number, 1, &states[i]);
        cxm_priv_mark_missing(rules, part, row + (int64_t)i, 1, &states[i]);
        *lost |= fraction && states[i] == CXM_ROW_USED;
    }
    floor_ticks(rules->unit, n, values, states, lost);
}

/* Midnights UTC that stand for local days. INT64_MIN, which is no instant, stays. */
static void days_to_instants(const struct cxm_column *column, size_t n, int64_t *values,
                             uint8_t *states)
{
    for (size_t i = 0; i < n; i++) {
        if (states[i] != CXM_ROW_USED || values[i] == INT64_MIN)
            continue;
        const cxm_i128 begin = cxm_priv_local_begin(values[i], column->utc_offset, column->zone,
                                                    column->n_zone);
        const bool fits = begin > INT64_MIN && begin <= INT64_MAX;
        values[i] = fits ? (int64_t)begin : 0;
        states[i] = fits ? CXM_ROW_USED : CXM_ROW_INVALID;
    }
}

void cxm_priv_plain_times(const struct cxm_rules *rules, const struct cxm_column *part,
                          int64_t row, size_t n, void *out, uint8_t *states)
{
    int64_t *const values = out;
    bool lost = false;
    if (part->type == CXM_F32 || part->type == CXM_F64) {
        double_times(rules, part, row, n, values, states, &lost);
    } else if (part->type == CXM_DECIMAL) {
        decimal_times(rules, part, row, n, values, states, &lost);
    } else if (cxm_priv_is_text(part->type)) {
        for (size_t i = 0; i < n; i++) {
            values[i] = 0;
            states[i] = CXM_ROW_INVALID;
        }
        cxm_priv_mark_missing(rules, part, row, n, states);
    } else {
        cxm_priv_plain_integers(rules, part, row, n, values, states);
        floor_ticks(rules->unit, n, values, states, &lost);
    }
    if (rules->dates && rules->days_begin)
        days_to_instants(rules->column, n, values, states);
    if (lost && rules->subsecond != NULL)
        *rules->subsecond = true;
}
