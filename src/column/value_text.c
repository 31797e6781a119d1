/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One value as text, for messages: "score: row 17 is 99". Integers and decimals are printed
 * exactly, floats with the fewest digits that read back, text as it is, cut when it is long. */
#include "column/decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUE_TEXT = 64, LONGEST_TEXT = 60 };

/* Digits of a 128-bit integer with a point `scale` digits from the right. */
static void decimal_text(cxm_i128 integer, int32_t scale, char out[VALUE_TEXT])
{
    char digits[48];
    int n = 0;
    cxm_u128 left = integer < 0 ? -(cxm_u128)integer : (cxm_u128)integer;
    size_t used = 0;
    for (; left != 0 || n == 0; left /= 10)
        digits[n++] = (char)('0' + (int)(left % 10));
    if (scale < 0 || scale > 40) { /* rare: as written in mathematics */
        cxm_priv_append(out, VALUE_TEXT, &used, "%s", integer < 0 ? "-" : "");
        while (n > 0)
            cxm_priv_append(out, VALUE_TEXT, &used, "%c", digits[--n]);
        cxm_priv_append(out, VALUE_TEXT, &used, "e%d", -(int)scale);
        return;
    }
    while (n <= scale)
        digits[n++] = '0';
    cxm_priv_append(out, VALUE_TEXT, &used, "%s", integer < 0 ? "-" : "");
    while (n > 0) {
        if (n == scale)
            cxm_priv_append(out, VALUE_TEXT, &used, ".");
        cxm_priv_append(out, VALUE_TEXT, &used, "%c", digits[--n]);
    }
}

static void real_text(double value, char out[VALUE_TEXT])
{
    char digits[CXM_DOUBLE_TEXT];
    cxm_priv_double_text(value, digits);
    cxm_priv_copy_text(out, VALUE_TEXT, digits, strlen(digits));
}

/* The fewest digits that read back as the float, found with the same locale that writes and
 * reads; the double of those digits has no shorter text. */
static void single_text(float value, char out[VALUE_TEXT])
{
    char digits[VALUE_TEXT];
    double nearest = (double)value;
    for (int n = 6; n <= 9 && isfinite(value); n++) {
        snprintf(digits, sizeof digits, "%.*g", n, (double)value);
        if (strtof(digits, NULL) == value) {
            nearest = strtod(digits, NULL);
            break;
        }
    }
    real_text(nearest, out);
}

static void number_text(const struct cxm_column *part, int64_t row, char out[VALUE_TEXT])
{
    int64_t integer = 0;
    float single;
    double real;
    switch (part->type) {
    case CXM_F32:
        memcpy(&single, cxm_priv_element(part, row), sizeof single);
        single_text(single, out);
        return;
    case CXM_F64:
        memcpy(&real, cxm_priv_element(part, row), sizeof real);
        real_text(real, out);
        return;
    case CXM_DECIMAL: decimal_text(cxm_priv_load_decimal(part, row), part->scale, out); return;
    default: break;
    }
    cxm_priv_load_integers(part, row, 1, &integer);
    if (part->type == CXM_BOOL || part->type == CXM_BITS)
        snprintf(out, VALUE_TEXT, "%s", integer ? "true" : "false");
    else if (part->type == CXM_U64)
        snprintf(out, VALUE_TEXT, "%llu", (unsigned long long)integer);
    else
        snprintf(out, VALUE_TEXT, "%lld", (long long)integer);
}

/* A part without dictionary. */
static void plain_text(const struct cxm_column *part, int64_t row, char out[VALUE_TEXT])
{
    struct cxm_text text;
    if (cxm_priv_is_absent(part, row)) {
        snprintf(out, VALUE_TEXT, "null");
        return;
    }
    if (!cxm_priv_is_text(part->type)) {
        number_text(part, row, out);
        return;
    }
    if (!cxm_priv_text_at(part, row, &text))
        snprintf(out, VALUE_TEXT, "text outside of its buffer");
    else if (text.bytes == NULL)
        snprintf(out, VALUE_TEXT, "null");
    else
        cxm_priv_copy_text(out, LONGEST_TEXT + 1, text.bytes, text.n);
}

void cxm_priv_value_text(const struct cxm_column *column, int64_t row, char *out,
                         size_t capacity)
{
    struct cxm_reader reader;
    char text[VALUE_TEXT] = "";
    int64_t at = 0;
    if (capacity == 0)
        return;
    cxm_priv_reader_init(&reader, column);
    if (row >= 0 && cxm_priv_reader_span(&reader, row, 1, &at) == 1) {
        const struct cxm_column *const part = reader.part;
        int64_t index = at;
        const bool null = cxm_priv_is_absent(part, at);
        if (part->dictionary != NULL && !null)
            cxm_priv_load_integers(part, at, 1, &index);
        if (part->dictionary == NULL || null)
            plain_text(part, at, text);
        else if ((uint64_t)index < (uint64_t)part->dictionary->n)
            plain_text(part->dictionary, index, text);
        else
            snprintf(text, sizeof text, "index %lld of a dictionary of %lld", (long long)index,
                     (long long)part->dictionary->n);
    }
    out[0] = '\0';
    if (capacity > sizeof "\xE2\x80\xA6") /* room for the mark of a cut */
        cxm_priv_copy_text(out, capacity, text, strlen(text));
}

enum cxm_status cxm_priv_no_instant(const struct cxm_column *column, const char *role, int64_t row,
                                    struct cxm_error *error)
{
    const char *name = column->name != NULL ? column->name : role;
    char text[64];
    cxm_priv_value_text(column, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, no instant of whole 64-bit seconds; to count "
                            "such rows pass invalid=\"count\".", name, (long long)row, text);
}

enum cxm_status cxm_priv_invalid_flag(const struct cxm_column *column, const char *name, int64_t row,
                                      struct cxm_error *error)
{
    char text[64];
    cxm_priv_value_text(column, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, neither 0 (no) nor 1 (yes)", name, (long long)row,
                            text);
}
