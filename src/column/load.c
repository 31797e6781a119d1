/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Raw loads of one part of a column. The type is chosen once per call, outside of the loop
 * over rows; loads go through memcpy, so that elements need not be aligned. */
#include "column/decode.h"

#include <math.h>

bool cxm_priv_is_integer(uint32_t type)
{
    return type >= CXM_I8 && type <= CXM_U64;
}

bool cxm_priv_is_text(uint32_t type)
{
    return (type >= CXM_TEXT && type <= CXM_UTF8_VIEW) || type == CXM_STRINGS;
}

/* ---- bits ----------------------------------------------------------------------------- */

static uint64_t low_bits(unsigned n)
{
    return n == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
}

/* Up to 64 bits that start at bit `position`, in the low bits; reads no byte without them. */
static uint64_t load_bits(const uint8_t *bits, int64_t position, unsigned n)
{
    const uint8_t *const p = bits + position / 8;
    const unsigned skip = (unsigned)(position % 8);
    const unsigned n_bytes = (skip + n + 7) / 8;
    uint64_t word = 0;
    if (n_bytes >= 8)
        word = cxm_priv_get_u64(p);
    else
        for (unsigned i = 0; i < n_bytes; i++)
            word |= (uint64_t)p[i] << 8 * i;
    word >>= skip;
    if (n_bytes == 9)
        word |= (uint64_t)p[8] << (64 - skip);
    return word & low_bits(n);
}

uint64_t cxm_priv_null_word(const struct cxm_column *part, int64_t row, size_t n)
{
    const unsigned count = n < 64 ? (unsigned)n : 64;
    return low_bits(count)
           ^ load_bits(part->validity, part->validity_offset + row, count);
}

bool cxm_priv_is_absent(const struct cxm_column *part, int64_t row)
{
    const bool in = (part->flags & CXM_COLUMN_MASKED_IN) != 0;
    return part->type == CXM_NULL
           || (part->validity != NULL && cxm_priv_null_word(part, row, 1) != 0)
           || (part->mask != NULL && (part->mask[row * part->mask_stride] != 0) != in);
}

/* ---- sentinel ------------------------------------------------------------------------- */

static void mark_sentinel(int64_t sentinel, const struct cxm_column *part, int64_t row,
                          size_t n, uint8_t *CXM_RESTRICT states)
{
    switch (part->type) {
    case CXM_F32:
        CXM_EACH(float, if ((double)v == (double)sentinel) states[i] = CXM_ROW_MISSING);
        return;
    case CXM_F64:
        CXM_EACH(double, if (v == (double)sentinel) states[i] = CXM_ROW_MISSING);
        return;
    case CXM_BOOL: /* the byte itself: a column of -1, 0, 1 may use -1 or 255 */
        CXM_EACH(uint8_t,
                 if (v == sentinel || (int8_t)v == sentinel) states[i] = CXM_ROW_MISSING);
        return;
    case CXM_DECIMAL:
        for (size_t i = 0; i < n; i++)
            if (cxm_priv_load_decimal(part, row + (int64_t)i) == sentinel)
                states[i] = CXM_ROW_MISSING;
        return;
    default: break;
    }
    if (!cxm_priv_is_integer(part->type) && part->type != CXM_BITS)
        return;
    int64_t raw[CXM_SCRATCH];
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        cxm_priv_load_integers(part, row + (int64_t)done, count, raw);
        for (size_t i = 0; i < count; i++)
            states[done + i] = raw[i] == sentinel ? CXM_ROW_MISSING : states[done + i];
    }
}

static void mark_masked(const struct cxm_column *part, int64_t row, size_t n,
                        uint8_t *CXM_RESTRICT states)
{
    const uint8_t *const mask = part->mask + row * part->mask_stride;
    const bool in = (part->flags & CXM_COLUMN_MASKED_IN) != 0;
    for (size_t i = 0; i < n; i++) {
        const bool absent = (mask[(int64_t)i * part->mask_stride] != 0) != in;
        states[i] = absent ? CXM_ROW_MISSING : states[i];
    }
}

void cxm_priv_mark_missing(const struct cxm_rules *rules, const struct cxm_column *part,
                           int64_t row, size_t n, uint8_t *states)
{
    if (rules->sentinel)
        mark_sentinel(rules->column->sentinel, part, row, n, states);
    if (part->type == CXM_NULL)
        memset(states, CXM_ROW_MISSING, n);
    else if (part->mask != NULL)
        mark_masked(part, row, n, states);
    if (part->validity == NULL)
        return;
    for (size_t i = 0; i < n; i += 64) {
        uint64_t null = cxm_priv_null_word(part, row + (int64_t)i, n - i);
#if CXM_COLUMN_X86
        if (n - i >= 64 && CXM_SUPPORTS("avx2")) {
            cxm_priv_mark_nulls_avx2(null, states + i);
            continue;
        }
#endif
        for (; null != 0; null &= null - 1)
            states[i + (size_t)__builtin_ctzll(null)] = CXM_ROW_MISSING;
    }
}

/* ---- numbers -------------------------------------------------------------------------- */

static void load_bit_column(const struct cxm_column *part, int64_t row, size_t n,
                            int64_t *CXM_RESTRICT values)
{
    for (size_t i = 0; i < n; i += 64) {
        const unsigned count = n - i < 64 ? (unsigned)(n - i) : 64;
        const uint64_t word =
            load_bits(part->data, part->offset + row + (int64_t)i, count);
        for (unsigned j = 0; j < count; j++)
            values[i + j] = (int64_t)(word >> j & 1);
    }
}

void cxm_priv_load_integers(const struct cxm_column *part, int64_t row, size_t n,
                            int64_t *CXM_RESTRICT values)
{
    switch (part->type) {
    case CXM_I8: CXM_EACH(int8_t, values[i] = v); break;
    case CXM_I16: CXM_EACH(int16_t, values[i] = v); break;
    case CXM_I32: CXM_EACH(int32_t, values[i] = v); break;
    case CXM_I64: CXM_EACH(int64_t, values[i] = v); break;
    case CXM_U8: CXM_EACH(uint8_t, values[i] = v); break;
    case CXM_U16: CXM_EACH(uint16_t, values[i] = v); break;
    case CXM_U32: CXM_EACH(uint32_t, values[i] = v); break;
    case CXM_U64: CXM_EACH(uint64_t, values[i] = (int64_t)v); break;
    case CXM_BOOL: CXM_EACH(uint8_t, values[i] = v != 0); break;
    case CXM_BITS: load_bit_column(part, row, n, values); break;
    default:
        for (size_t i = 0; i < n; i++)
            values[i] = 0;
    }
}

cxm_i128 cxm_priv_load_decimal(const struct cxm_column *part, int64_t row)
{
    const uint8_t *const p = cxm_priv_element(part, row);
    return (cxm_i128)((cxm_u128)cxm_priv_get_u64(p + 8) << 64 | cxm_priv_get_u64(p));
}

static void load_bit_doubles(const struct cxm_column *part, int64_t row, size_t n,
                             double *values)
{
    int64_t raw[CXM_SCRATCH];
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        load_bit_column(part, row + (int64_t)done, count, raw);
        for (size_t i = 0; i < count; i++)
            values[done + i] = (double)raw[i];
    }
}

void cxm_priv_load_doubles(const struct cxm_column *part, int64_t row, size_t n,
                           double *CXM_RESTRICT values)
{
    switch (part->type) {
    case CXM_I8: CXM_EACH(int8_t, values[i] = v); break;
    case CXM_I16: CXM_EACH(int16_t, values[i] = v); break;
    case CXM_I32: CXM_EACH(int32_t, values[i] = v); break;
    case CXM_I64: CXM_EACH(int64_t, values[i] = (double)v); break;
    case CXM_U8: CXM_EACH(uint8_t, values[i] = v); break;
    case CXM_U16: CXM_EACH(uint16_t, values[i] = v); break;
    case CXM_U32: CXM_EACH(uint32_t, values[i] = v); break;
    case CXM_U64: CXM_EACH(uint64_t, values[i] = (double)v); break;
    case CXM_F32: CXM_EACH(float, values[i] = (double)v); break;
    case CXM_F64: CXM_EACH(double, values[i] = v); break;
    case CXM_BOOL: CXM_EACH(uint8_t, values[i] = v != 0); break;
    case CXM_BITS: load_bit_doubles(part, row, n, values); break;
    case CXM_DECIMAL:
        for (size_t i = 0; i < n; i++)
            values[i] = cxm_priv_decimal_to_double(
                cxm_priv_load_decimal(part, row + (int64_t)i), part->scale);
        break;
    default:
        for (size_t i = 0; i < n; i++)
            values[i] = (double)NAN;
    }
}

/* ---- text ----------------------------------------------------------------------------- */

static bool text_by_offsets(const struct cxm_column *part, int64_t begin, int64_t end,
                            struct cxm_text *out)
{
    if (begin < 0 || end < begin || (part->heap_bytes != NULL && end > part->heap_bytes[0]))
        return false;
    *out = (struct cxm_text){ "", (size_t)(end - begin) };
    if (end > begin) {
        if (part->heap == NULL)
            return false;
        out->bytes = (const char *)part->heap + begin;
    }
    return true;
}

static bool text_by_view(const struct cxm_column *part, const unsigned char *view,
                         struct cxm_text *out)
{
    int32_t length, buffer, start; /* native order, as Arrow hands them over */
    memcpy(&length, view, 4);
    if (length < 0)
        return false;
    if (length <= 12) {
        *out = (struct cxm_text){ (const char *)view + 4, (size_t)length };
        return true;
    }
    memcpy(&buffer, view + 8, 4);
    memcpy(&start, view + 12, 4);
    if (buffer < 0 || buffer >= part->n_buffers || start < 0
        || (part->heap_bytes != NULL && (int64_t)start + length > part->heap_bytes[buffer]))
        return false;
    const char *bytes;
    memcpy(&bytes, (const char *)part->heap + (size_t)buffer * sizeof bytes, sizeof bytes);
    if (bytes == NULL)
        return false;
    *out = (struct cxm_text){ bytes + start, (size_t)length };
    return true;
}

bool cxm_priv_text_at(const struct cxm_column *part, int64_t row, struct cxm_text *out)
{
    const unsigned char *const data = part->data;
    const int64_t at = part->offset + row;
    *out = (struct cxm_text){ NULL, 0 };
    switch (part->type) {
    case CXM_TEXT: {
        const char *const text = (const char *)cxm_priv_element(part, row);
        const char *const end = memchr(text, 0, part->width);
        *out = (struct cxm_text){ text, end != NULL ? (size_t)(end - text) : part->width };
        return true;
    }
    case CXM_UTF8: {
        int32_t bounds[2];
        memcpy(bounds, data + at * 4, sizeof bounds);
        return text_by_offsets(part, bounds[0], bounds[1], out);
    }
    case CXM_UTF8_LARGE: {
        int64_t bounds[2];
        memcpy(bounds, data + at * 8, sizeof bounds);
        return text_by_offsets(part, bounds[0], bounds[1], out);
    }
    case CXM_UTF8_VIEW: return text_by_view(part, data + at * 16, out);
    case CXM_STRINGS: {
        const char *text;
        memcpy(&text, cxm_priv_element(part, row), sizeof text);
        *out = (struct cxm_text){ text, text != NULL ? strlen(text) : 0 };
        return true;
    }
    default: return true; /* CXM_NULL: no text */
    }
}

static inline uint8_t state_of(bool inside, const struct cxm_text *text)
{
    return !inside ? CXM_ROW_INVALID : text->bytes != NULL ? CXM_ROW_USED : CXM_ROW_MISSING;
}

/* One loop for each layout: the switch is outside of it. */
#define CXM_EACH_TEXT(read)                                                                    \
    for (size_t i = 0; i < n; i++) {                                                           \
        struct cxm_text one = { NULL, 0 };                                                     \
        if (states[i] == CXM_ROW_USED)                                                         \
            states[i] = state_of((read), &one);                                                \
        text[i] = one;                                                                         \
    }

void cxm_priv_texts_at(const struct cxm_column *part, int64_t row, size_t n, struct cxm_text *text,
                       uint8_t *states)
{
    const struct cxm_column p = *part; /* which no text can be part of */
    const unsigned char *const data = p.data;
    const int64_t first = p.offset + row;
    if (p.type == CXM_UTF8_VIEW) {
        CXM_EACH_TEXT(text_by_view(&p, data + (first + (int64_t)i) * 16, &one))
    } else if (p.type == CXM_UTF8) {
        int32_t bounds[2];
        CXM_EACH_TEXT((memcpy(bounds, data + (first + (int64_t)i) * 4, sizeof bounds),
                       text_by_offsets(&p, bounds[0], bounds[1], &one)))
    } else if (p.type == CXM_UTF8_LARGE) {
        int64_t bounds[2];
        CXM_EACH_TEXT((memcpy(bounds, data + (first + (int64_t)i) * 8, sizeof bounds),
                       text_by_offsets(&p, bounds[0], bounds[1], &one)))
    } else {
        CXM_EACH_TEXT(cxm_priv_text_at(&p, row + (int64_t)i, &one))
    }
}
