/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arrow's format strings: from "c" or "tsu:Europe/Berlin" to a type of ours, or to a refusal
 * that says in words what the column holds.
 * Reference: Arrow C data interface, "Data type description -- format strings". */
#include "column/arrow_import.h"

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- types named by one or two letters ---------------------------------------------- */

static const struct plain_format {
    const char *format;
    enum cxm_arrow_layout layout;
    uint8_t width, type, time_unit;
    uint8_t flags;
} plain_formats[] = {
    { "n", CXM_ARROW_NOTHING, 0, CXM_NULL, 0, 0 },
    { "b", CXM_ARROW_BIT, 0, CXM_BITS, 0, 0 },
    { "c", CXM_ARROW_FIXED, 1, CXM_I8, 0, 0 },
    { "C", CXM_ARROW_FIXED, 1, CXM_U8, 0, 0 },
    { "s", CXM_ARROW_FIXED, 2, CXM_I16, 0, 0 },
    { "S", CXM_ARROW_FIXED, 2, CXM_U16, 0, 0 },
    { "i", CXM_ARROW_FIXED, 4, CXM_I32, 0, 0 },
    { "I", CXM_ARROW_FIXED, 4, CXM_U32, 0, 0 },
    { "l", CXM_ARROW_FIXED, 8, CXM_I64, 0, 0 },
    { "L", CXM_ARROW_FIXED, 8, CXM_U64, 0, 0 },
    { "f", CXM_ARROW_FIXED, 4, CXM_F32, 0, 0 },
    { "g", CXM_ARROW_FIXED, 8, CXM_F64, 0, 0 },
    { "u", CXM_ARROW_OFFSETS, 4, CXM_UTF8, 0, 0 },
    { "z", CXM_ARROW_OFFSETS, 4, CXM_UTF8, 0, 0 },
    { "U", CXM_ARROW_OFFSETS, 8, CXM_UTF8_LARGE, 0, 0 },
    { "Z", CXM_ARROW_OFFSETS, 8, CXM_UTF8_LARGE, 0, 0 },
    { "vu", CXM_ARROW_VIEWS, 16, CXM_UTF8_VIEW, 0, 0 },
    { "vz", CXM_ARROW_VIEWS, 16, CXM_UTF8_VIEW, 0, 0 },
    { "tdD", CXM_ARROW_FIXED, 4, CXM_I32, CXM_DAYS, 0 },
    { "tdm", CXM_ARROW_FIXED, 8, CXM_I64, CXM_MS, CXM_COLUMN_DATES },
    { "tDs", CXM_ARROW_FIXED, 8, CXM_I64, CXM_S, CXM_COLUMN_DURATION },
    { "tDm", CXM_ARROW_FIXED, 8, CXM_I64, CXM_MS, CXM_COLUMN_DURATION },
    { "tDu", CXM_ARROW_FIXED, 8, CXM_I64, CXM_US, CXM_COLUMN_DURATION },
    { "tDn", CXM_ARROW_FIXED, 8, CXM_I64, CXM_NS, CXM_COLUMN_DURATION },
};

static bool read_plain(const char *format, struct cxm_arrow_format *out)
{
    for (size_t i = 0; i < CXM_COUNT(plain_formats); i++) {
        const struct plain_format *p = &plain_formats[i];
        if (strcmp(format, p->format) == 0) {
            *out = (struct cxm_arrow_format){ .layout = p->layout, .width = p->width,
                                              .type = p->type, .time_unit = p->time_unit,
                                              .flags = p->flags };
            return true;
        }
    }
    return false;
}

/* ---- instants, "tsm:Europe/Berlin" -------------------------------------------------- */

static bool read_instant(const char *format, struct cxm_arrow_format *out)
{
    static const char letters[] = "smun"; /* s, ms, µs, ns: the order of enum cxm_time_unit */
    if (!starts_with(format, "ts") || format[2] == '\0' || format[3] != ':')
        return false;
    const char *letter = strchr(letters, format[2]);
    if (letter == NULL)
        return false;
    *out = (struct cxm_arrow_format){ .layout = CXM_ARROW_FIXED, .width = 8, .type = CXM_I64 };
    out->time_unit = CXM_S + (uint32_t)(letter - letters);
    out->flags = format[4] != '\0' ? CXM_COLUMN_ZONED : 0;
    return true;
}

/* ---- decimals, "d:9,2" or "d:9,2,128" ----------------------------------------------- */

enum { MOST_DIGITS = 38, MOST_SCALE = 76 }; /* digits of 128 bits; what readers can scale */

/* A whole number of at most three digits, with a sign; NULL when there is none. */
static const char *read_small(const char *text, int *out)
{
    const bool negative = *text == '-';
    text += negative;
    int value = 0, digits = 0;
    for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
        value = 10 * value + (*text - '0');
    *out = negative ? -value : value;
    return digits >= 1 && digits <= 3 ? text : NULL;
}

static bool little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

static bool read_decimal(const char *format, struct cxm_arrow_format *out)
{
    int precision, scale, bits = 128;
    if (!starts_with(format, "d:"))
        return false;
    const char *rest = read_small(format + 2, &precision);
    if (rest == NULL || *rest != ',' || (rest = read_small(rest + 1, &scale)) == NULL)
        return false;
    if (*rest == ',' && (rest = read_small(rest + 1, &bits)) == NULL)
        return false;
    if (*rest != '\0' || bits != 128 || precision < 1 || precision > MOST_DIGITS ||
        scale < -MOST_SCALE || scale > MOST_SCALE || !little_endian())
        return false;
    *out = (struct cxm_arrow_format){ .layout = CXM_ARROW_FIXED, .width = 16,
                                      .type = CXM_DECIMAL, .scale = scale };
    return true;
}

/* ---- extension types ---------------------------------------------------------------- */

enum { MOST_ENTRIES = 1024, MOST_ENTRY_BYTES = 1 << 24 };

static int32_t read_length(const char **at)
{
    int32_t value;
    memcpy(&value, *at, sizeof value);
    *at += sizeof value;
    return value;
}

static bool equals(const char *bytes, int32_t n, const char *text)
{
    return (size_t)n == strlen(text) && memcmp(bytes, text, (size_t)n) == 0;
}

/* Metadata are a count and then pairs of texts, each with its length in front, native order.
 * Is there "ARROW:extension:name" = `extension`? Odd lengths end the search: no. */
static bool has_extension(const char *metadata, const char *extension)
{
    static const char key_name[] = "ARROW:extension:name";
    if (metadata == NULL)
        return false;
    const char *at = metadata;
    const int32_t n = read_length(&at);
    for (int32_t i = 0; i < n && i < MOST_ENTRIES; i++) {
        const int32_t key_bytes = read_length(&at);
        if (key_bytes < 0 || key_bytes > MOST_ENTRY_BYTES)
            return false;
        const char *key = at;
        at += key_bytes;
        const int32_t value_bytes = read_length(&at);
        if (value_bytes < 0 || value_bytes > MOST_ENTRY_BYTES)
            return false;
        if (equals(key, key_bytes, key_name))
            return equals(at, value_bytes, extension);
        at += value_bytes;
    }
    return false;
}

/* ---- refusals ----------------------------------------------------------------------- */

/* The first prefix that fits names the type. */
static const struct refused_format {
    const char *prefix, *what;
} refused_formats[] = {
    { "e", "half-precision floats" },
    { "d:", "decimals that are not 128-bit, or have too many digits" },
    { "w:", "fixed-size binary values" },
    { "tt", "times of day" },
    { "ti", "calendar intervals" },
    { "+l", "lists" },
    { "+L", "large lists" },
    { "+vl", "list views" },
    { "+vL", "large list views" },
    { "+w:", "fixed-size lists" },
    { "+s", "structs inside a table" },
    { "+m", "maps" },
    { "+ud:", "dense unions" },
    { "+us:", "sparse unions" },
    { "+r", "run-end encoded values" },
};

static const char *what_is(const char *format)
{
    for (size_t i = 0; i < CXM_COUNT(refused_formats); i++)
        if (starts_with(format, refused_formats[i].prefix))
            return refused_formats[i].what;
    return "values of an unknown type";
}

static enum cxm_status refuse(const char *what, const char *format, const char *name,
                              struct cxm_error *error)
{
    return cxm_priv_fail(error, CXM_EUNSUPPORTED, name,
                         "the column holds %s (Arrow format \"%.40s\"), which cannot be read; "
                         "cast it to a number, a flag, text or a timestamp", what, format);
}

enum cxm_status cxm_priv_arrow_format(const struct ArrowSchema *schema, const char *name,
                                      struct cxm_arrow_format *out, struct cxm_error *error)
{
    const char *format = schema->format;
    if (!read_plain(format, out) && !read_instant(format, out) && !read_decimal(format, out))
        return refuse(what_is(format), format, name, error);
    /* Stored as numbers of periods of any length, and as nothing at all. */
    if (out->type == CXM_I64 && has_extension(schema->metadata, "pandas.period"))
        return refuse("periods of pandas", format, name, error);
    if (out->type == CXM_NULL && has_extension(schema->metadata, "arrow.opaque"))
        return refuse("values that its producer could not hand over", format, name, error);
    if (out->type == CXM_I8 && has_extension(schema->metadata, "arrow.bool8"))
        out->type = CXM_BOOL;
    return CXM_OK;
}
