/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ratings as small codes: the hot road of every survey metric. Integers and floats go straight
 * from memory to codes in one vectorised pass, then one pass for each missing code, then one
 * for what is null; everything else is read as numbers first. Both roads give the same. */
#include "column/decode.h"

#include <math.h>

/* The direct road needs lo within this, and the answers of a survey are. */
enum { DIRECT_LO = 1000 };

struct scale {
    int64_t lo;
    uint32_t bins;
    uint16_t missing, invalid; /* bins, bins + 1 */
};

/* ---- the direct road ------------------------------------------------------------------ */

/* A value of one byte below lo wraps to 65536 - 1128 or more, which is no bin. */
static inline uint16_t code_of_byte(int v, int lo, uint16_t bins, uint16_t invalid)
{
    const uint16_t k = (uint16_t)(v - lo);
    return k < bins ? k : invalid;
}

/* lo … lo + bins - 1 lies inside of int32, so the wrapped difference is below bins for no
 * other int32. */
static inline uint16_t code_of_int(int32_t v, int32_t lo, uint32_t bins, uint16_t invalid)
{
    const uint32_t k = (uint32_t)v - (uint32_t)lo;
    return k < bins ? (uint16_t)k : invalid;
}

static inline uint16_t code_of_uint(uint32_t v, int32_t lo, uint32_t bins, uint16_t invalid)
{
    const uint32_t k = v - (uint32_t)lo;
    return k < bins && v <= INT32_MAX ? (uint16_t)k : invalid;
}

static inline uint16_t code_of_long(int64_t v, int32_t lo, uint32_t bins, uint16_t invalid)
{
    const uint64_t k = (uint64_t)v - (uint64_t)(int64_t)lo;
    return k < bins ? (uint16_t)k : invalid;
}

static inline uint16_t code_of_ulong(uint64_t v, int32_t lo, uint32_t bins, uint16_t invalid)
{
    const uint64_t k = v - (uint64_t)(int64_t)lo;
    return k < bins && v <= INT32_MAX ? (uint16_t)k : invalid;
}

/* Range first: converting a float that does not fit is undefined. Both bounds are always tested
 * (& and not &&), so that there is no branch. */
static inline uint16_t code_of_double(double v, int32_t lo, int32_t hi, uint16_t missing,
                                      uint16_t invalid)
{
    const double inside = ((v >= lo) & (v <= hi)) ? v : lo - 0.5;
    const int32_t whole = (int32_t)inside;
    const uint16_t code = (double)whole == inside ? (uint16_t)(whole - lo) : invalid;
    return v != v ? missing : code;
}

static inline uint16_t code_of_float(float v, int32_t lo, int32_t hi, uint16_t missing,
                                     uint16_t invalid)
{
    const float inside = ((v >= (float)lo) & (v <= (float)hi)) ? v : (float)lo - 0.5f;
    const int32_t whole = (int32_t)inside;
    const uint16_t code = (float)whole == inside ? (uint16_t)(whole - lo) : invalid;
    return v != v ? missing : code;
}

static bool direct_type(uint32_t type)
{
    return cxm_priv_is_integer(type) || type == CXM_F32 || type == CXM_F64 || type == CXM_BOOL;
}

static void direct_codes(const struct cxm_column *part, int64_t row, size_t n,
                         const struct scale *scale, uint16_t *CXM_RESTRICT codes)
{
    const uint32_t bins = scale->bins;
    const int32_t lo = (int32_t)scale->lo, hi = lo + (int32_t)bins - 1;
    const uint16_t missing = scale->missing, invalid = scale->invalid;
    const uint16_t few = (uint16_t)bins;
    switch (part->type) {
    case CXM_BOOL: CXM_EACH(uint8_t, codes[i] = code_of_byte(v != 0, lo, few, invalid)); break;
    case CXM_U8: CXM_EACH(uint8_t, codes[i] = code_of_byte(v, lo, few, invalid)); break;
    case CXM_I8: CXM_EACH(int8_t, codes[i] = code_of_byte(v, lo, few, invalid)); break;
    case CXM_U16: CXM_EACH(uint16_t, codes[i] = code_of_int(v, lo, bins, invalid)); break;
    case CXM_I16: CXM_EACH(int16_t, codes[i] = code_of_int(v, lo, bins, invalid)); break;
    case CXM_I32: CXM_EACH(int32_t, codes[i] = code_of_int(v, lo, bins, invalid)); break;
    case CXM_U32: CXM_EACH(uint32_t, codes[i] = code_of_uint(v, lo, bins, invalid)); break;
    case CXM_I64: CXM_EACH(int64_t, codes[i] = code_of_long(v, lo, bins, invalid)); break;
    case CXM_U64: CXM_EACH(uint64_t, codes[i] = code_of_ulong(v, lo, bins, invalid)); break;
    case CXM_F32: CXM_EACH(float, codes[i] = code_of_float(v, lo, hi, missing, invalid)); break;
    default: CXM_EACH(double, codes[i] = code_of_double(v, lo, hi, missing, invalid)); break;
    }
}

/* One missing code; bytes are compared as bytes, the rest as doubles like read.h says. */
static void direct_missing(const struct cxm_column *part, int64_t row, size_t n, double code,
                           uint16_t missing, uint16_t *CXM_RESTRICT codes)
{
    const bool byte = code >= -128.0 && code <= 255.0 && code == floor(code);
    const int small = byte ? (int)code : -1000;
#define MARK(test) codes[i] = (test) ? missing : codes[i]
    switch (part->type) {
    case CXM_BOOL: CXM_EACH(uint8_t, MARK((v != 0) == small)); break;
    case CXM_U8: CXM_EACH(uint8_t, MARK((int16_t)v == (int16_t)small)); break;
    case CXM_I8: CXM_EACH(int8_t, MARK((int16_t)v == (int16_t)small)); break;
    case CXM_U16: CXM_EACH(uint16_t, MARK((double)v == code)); break;
    case CXM_I16: CXM_EACH(int16_t, MARK((double)v == code)); break;
    case CXM_I32: CXM_EACH(int32_t, MARK((double)v == code)); break;
    case CXM_U32: CXM_EACH(uint32_t, MARK((double)v == code)); break;
    case CXM_I64: CXM_EACH(int64_t, MARK((double)v == code)); break;
    case CXM_U64: CXM_EACH(uint64_t, MARK((double)v == code)); break;
    case CXM_F32: CXM_EACH(float, MARK((double)v == code)); break;
    default: CXM_EACH(double, MARK(v == code)); break;
    }
#undef MARK
}

static void mark_nulls(const struct cxm_column *part, int64_t row, size_t n, uint16_t missing,
                       uint16_t *codes)
{
    for (size_t i = 0; i < n; i += 64) {
        uint64_t null = cxm_priv_null_word(part, row + (int64_t)i, n - i);
#if CXM_COLUMN_X86
        if (n - i >= 64 && CXM_SUPPORTS("avx2")) {
            cxm_priv_mark_null_codes_avx2(null, missing, codes + i);
            continue;
        }
#endif
        for (; null != 0; null &= null - 1)
            codes[i + (size_t)__builtin_ctzll(null)] = missing;
    }
}

static void mark_states(const struct cxm_rules *rules, const struct cxm_column *part,
                        int64_t row, size_t n, uint16_t missing, uint16_t *codes)
{
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        uint8_t states[CXM_SCRATCH] = { CXM_ROW_USED };
        cxm_priv_mark_missing(rules, part, row + (int64_t)done, count, states);
        for (size_t i = 0; i < count; i++)
            codes[done + i] = states[i] != CXM_ROW_USED ? missing : codes[done + i];
    }
}

static void direct_part(const struct cxm_rules *rules, const struct cxm_column *part,
                        int64_t row, size_t n, const struct scale *scale, uint16_t *codes)
{
    direct_codes(part, row, n, scale, codes);
    for (int64_t c = 0; c < rules->column->n_missing_codes; c++)
        direct_missing(part, row, n, rules->column->missing_codes[c], scale->missing, codes);
    if (part->mask != NULL || rules->sentinel)
        mark_states(rules, part, row, n, scale->missing, codes);
    else if (part->validity != NULL)
        mark_nulls(part, row, n, scale->missing, codes);
}

/* ---- the general road ----------------------------------------------------------------- */

static uint16_t code_of_whole(int64_t v, uint8_t state, const struct scale *scale)
{
    if (state != CXM_ROW_USED)
        return state == CXM_ROW_MISSING ? scale->missing : scale->invalid;
    const uint64_t k = (uint64_t)v - (uint64_t)scale->lo;
    return v >= scale->lo && k < scale->bins ? (uint16_t)k : scale->invalid;
}

static uint16_t code_of_number(double v, uint8_t state, const struct scale *scale)
{
    if (state == CXM_ROW_USED && (!(v >= -0x1p63 && v < 0x1p63) || v != floor(v)))
        return scale->invalid;
    return code_of_whole(state == CXM_ROW_USED ? (int64_t)v : 0, state, scale);
}

/* Decimals are whole or not by their own digits: 8.9999999999999999 is 9 as a double. */
static void decimal_part(const struct cxm_rules *rules, const struct cxm_column *part,
                         int64_t row, size_t n, const struct scale *scale, uint16_t *codes)
{
    int64_t whole[CXM_SCRATCH];
    uint8_t states[CXM_SCRATCH];
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_decode(rules, part, row + (int64_t)done, count, whole, states,
                        cxm_priv_plain_integers);
        for (size_t i = 0; i < count; i++)
            codes[done + i] = code_of_whole(whole[i], states[i], scale);
    }
}

static bool is_decimal(const struct cxm_column *part)
{
    return (part->dictionary != NULL ? part->dictionary : part)->type == CXM_DECIMAL;
}

static void general_part(const struct cxm_rules *rules, const struct cxm_column *part,
                         int64_t row, size_t n, const struct scale *scale, uint16_t *codes)
{
    double numbers[CXM_SCRATCH];
    uint8_t states[CXM_SCRATCH];
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_decode(rules, part, row + (int64_t)done, count, numbers, states,
                        cxm_priv_plain_numbers);
        for (size_t i = 0; i < count; i++)
            codes[done + i] = code_of_number(numbers[i], states[i], scale);
    }
}

void cxm_priv_read_codes(struct cxm_reader *reader, int64_t first, size_t n, int64_t lo,
                         uint32_t bins, uint16_t *codes)
{
    const struct cxm_rules rules = cxm_priv_rules(reader->column);
    const struct scale scale = { lo, bins, (uint16_t)bins, (uint16_t)(bins + 1) };
    const bool near_zero = lo >= -DIRECT_LO && lo <= DIRECT_LO;
    const bool scaled = rules.duration && rules.unit > CXM_S;
    for (size_t done = 0; done < n;) {
        int64_t row = 0;
        const size_t count =
            cxm_priv_reader_span(reader, first + (int64_t)done, n - done, &row);
        if (count == 0)
            return;
        const struct cxm_column *const part = reader->part;
        const bool direct =
            near_zero && !scaled && part->dictionary == NULL && direct_type(part->type);
        (direct             ? direct_part
         : is_decimal(part) ? decimal_part
                            : general_part)(&rules, part, row, count, &scale, codes + done);
        done += count;
    }
}
