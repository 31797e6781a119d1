/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Statuses and messages. Messages are composed with vsnprintf from integers and text only;
 * doubles go through cxm_priv_double_text, so that no locale can change a message. */
#include "base/base.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct status_text {
    const char *name, *message;
} status_texts[] = {
    [CXM_OK] = { "OK", "success" },
    [CXM_EINVAL] = { "EINVAL", "an argument or option is wrong" },
    [CXM_EDATA] = { "EDATA", "a value is wrong" },
    [CXM_ENOMEM] = { "ENOMEM", "out of memory" },
    [CXM_EOVERFLOW] = { "EOVERFLOW", "a count or a sum does not fit" },
    [CXM_ECORRUPT] = { "ECORRUPT", "the bytes are damaged" },
    [CXM_EMISMATCH] = { "EMISMATCH", "two tallies differ in what they count" },
    [CXM_EUNSUPPORTED] = { "EUNSUPPORTED", "not offered" },
    [CXM_ENOCONV] = { "ENOCONV", "an iteration did not converge" },
    [CXM_ESINGULAR] = { "ESINGULAR", "a matrix has no inverse" },
    [CXM_ELONELY] = { "ELONELY", "a stratum has a single cluster" },
    [CXM_EINCONSISTENT] = { "EINCONSISTENT", "the numbers contradict each other" },
    [CXM_EEMPTYCELL] = { "EEMPTYCELL", "a population cell has no respondent" },
};

const char *cxm_status_message(enum cxm_status status)
{
    return (unsigned)status < CXM_COUNT(status_texts) ? status_texts[status].message
                                                      : "unknown status";
}

const char *cxm_status_name(enum cxm_status status)
{
    return (unsigned)status < CXM_COUNT(status_texts) ? status_texts[status].name : "UNKNOWN";
}

const char *cxm_version(void)
{
    return CXM_VERSION;
}

/* The largest length <= n that does not cut a UTF-8 sequence in two. */
static size_t utf8_cut(const char *text, size_t n)
{
    size_t at = n;
    while (at > 0 && n - at < 4 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return ((unsigned char)text[at] & 0xC0) == 0x80 ? n : at;
}

void cxm_priv_copy_text(char *out, size_t capacity, const char *text, size_t bytes)
{
    static const char more[] = "\xE2\x80\xA6"; /* … */
    if (bytes < capacity) {
        if (bytes > 0)
            memcpy(out, text, bytes);
        out[bytes] = '\0';
        return;
    }
    const size_t keep = utf8_cut(text, capacity - sizeof more);
    memcpy(out, text, keep);
    memcpy(out + keep, more, sizeof more);
}

CXM_PRINTF(6, 0)
static void fill(struct cxm_error *error, enum cxm_status status, const char *column,
                 int64_t row, const char *value, const char *format, va_list args)
{
    char message[1024];
    const int length = vsnprintf(message, sizeof message, format, args);
    memset(error, 0, sizeof *error);
    error->status = (int32_t)status;
    error->row = row;
    if (column != NULL)
        cxm_priv_copy_text(error->column, sizeof error->column, column, strlen(column));
    if (value != NULL)
        cxm_priv_copy_text(error->value, sizeof error->value, value, strlen(value));
    if (length > 0)
        cxm_priv_copy_text(error->message, sizeof error->message, message, strlen(message));
}

enum cxm_status cxm_priv_fail(struct cxm_error *error, enum cxm_status status,
                              const char *column, const char *format, ...)
{
    if (error != NULL) {
        va_list args;
        va_start(args, format);
        fill(error, status, column, -1, NULL, format, args);
        va_end(args);
    }
    return status;
}

enum cxm_status cxm_priv_fail_at(struct cxm_error *error, enum cxm_status status,
                                 const char *column, int64_t row, const char *value,
                                 const char *format, ...)
{
    if (error != NULL) {
        va_list args;
        va_start(args, format);
        fill(error, status, column, row, value, format, args);
        va_end(args);
    }
    return status;
}

enum cxm_status cxm_priv_no_memory(struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_ENOMEM, NULL, "out of memory");
}

/* The decimal separator of the host's locale may be any text: what is not part of a number
 * in C becomes one point. */
static void force_point(char *text)
{
    char *to = text;
    bool in_separator = false;
    for (const char *from = text; *from != '\0'; from++) {
        const bool plain = (*from >= '0' && *from <= '9') || *from == '-' || *from == '+'
                        || *from == 'e';
        if (plain)
            *to++ = *from;
        else if (!in_separator)
            *to++ = '.';
        in_separator = !plain;
    }
    *to = '\0';
}

/* Parameters and scales are whole numbers most of the time, and every call names them. Returns the
 * length of the text. */
static size_t whole_text(int64_t value, char out[CXM_DOUBLE_TEXT])
{
    char digits[CXM_DOUBLE_TEXT];
    int n = 0;
    char *to = out;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        *to++ = '-';
    while (n > 0)
        *to++ = digits[--n];
    *to = '\0';
    return (size_t)(to - out);
}

/* Digits are tried from 15 to 17 and the first that reads back is taken; the reading is done
 * before the separator is replaced, with the same locale that wrote it. */
const char *cxm_priv_double_text(double value, char out[CXM_DOUBLE_TEXT])
{
    if (isnan(value))
        return strcpy(out, "nan");
    if (isinf(value))
        return strcpy(out, value > 0 ? "inf" : "-inf");
    if (fabs(value) < 9007199254740992.0 && value == floor(value)) {
        whole_text((int64_t)value, out);
        return out;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, CXM_DOUBLE_TEXT, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    force_point(out);
    return out;
}

/* Reads the conversion at `at`: %s, %.*s, %d or %lld, of which the text and its length are given.
 * Returns the bytes of the conversion, 0 when it is another one. */
static size_t convert(const char *at, va_list *args, char digits[CXM_DOUBLE_TEXT], const char **text,
                      size_t *n)
{
    const bool part = at[1] == '.' && at[2] == '*' && at[3] == 's', whole = at[1] == 'd';
    if (part || at[1] == 's') {
        const int most = part ? va_arg(*args, int) : -1;
        const char *given = va_arg(*args, const char *);
        *text = given != NULL ? given : "(null)"; /* as snprintf */
        const char *end = most < 0 ? NULL : memchr(*text, '\0', (size_t)most);
        *n = end != NULL ? (size_t)(end - *text) : most < 0 ? strlen(*text) : (size_t)most;
        return part ? 4 : 2;
    }
    if (!whole && !(at[1] == 'l' && at[2] == 'l' && at[3] == 'd'))
        return 0;
    *n = whole_text(whole ? va_arg(*args, int) : va_arg(*args, long long), digits);
    *text = digits;
    return whole ? 2 : 4;
}

/* The formats of names, keys and definitions, literal text with some conversions, without the
 * machinery of snprintf, which takes longer than the estimates that they name. False: another
 * conversion; *used is as it was. */
static bool append_plainly(char *out, size_t capacity, size_t *used, const char *format,
                           va_list *args)
{
    char digits[CXM_DOUBLE_TEXT];
    const size_t start = *used, room = capacity > 0 ? capacity - 1 : 0;
    for (const char *at = format; *at != '\0';) {
        const char *text = at;
        size_t n = 0, step;
        while (at[n] != '\0' && at[n] != '%')
            n++;
        step = n > 0 ? n : convert(at, args, digits, &text, &n);
        if (step == 0) {
            *used = start; /* what was written is written again */
            return false;
        }
        at += step;
        const size_t left = *used < room ? room - *used : 0;
        if (left > 0)
            memcpy(out + *used, text, n < left ? n : left);
        *used += n;
    }
    if (capacity > 0)
        out[*used < room ? *used : room] = '\0';
    return true;
}

void cxm_priv_append(char *out, size_t capacity, size_t *used, const char *format, ...)
{
    va_list plain;
    va_start(plain, format);
    const bool done = append_plainly(out, capacity, used, format, &plain);
    va_end(plain);
    if (done)
        return;
    const size_t left = *used < capacity ? capacity - *used : 0;
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(left > 0 ? out + *used : NULL, left, format, args);
    va_end(args);
    if (length > 0)
        *used += (size_t)length;
}

enum cxm_status cxm_priv_reserved(int64_t reserved, struct cxm_error *error)
{
    return reserved == 0 ? CXM_OK
                         : cxm_priv_fail(error, CXM_EINVAL, "reserved",
                                         "a reserved member of the options is not 0");
}
