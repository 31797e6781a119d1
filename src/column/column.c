/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checks of columns. A column comes from outside and may be wrong or hostile: after the check
 * no reader leaves the memory that the column describes, provided that its pointers and the
 * sizes that only the caller can know (n, heap_bytes) are true. */
#include "column/decode.h"

size_t cxm_type_bytes(enum cxm_type type)
{
    switch (type) {
    case CXM_I8:
    case CXM_U8:
    case CXM_BOOL: return 1;
    case CXM_I16:
    case CXM_U16: return 2;
    case CXM_I32:
    case CXM_U32:
    case CXM_F32: return 4;
    case CXM_I64:
    case CXM_U64:
    case CXM_F64: return 8;
    case CXM_DECIMAL:
    case CXM_UTF8_VIEW: return 16;
    case CXM_STRINGS: return sizeof(const char *);
    case CXM_NULL:
    case CXM_BITS:
    case CXM_TEXT:
    case CXM_UTF8:
    case CXM_UTF8_LARGE:
    default: return 0;
    }
}

const char *cxm_type_name(enum cxm_type type)
{
    static const char *const names[] = {
        "null", "i8",         "i16",       "i32",     "i64",     "u8",   "u16",
        "u32",  "u64",        "f32",       "f64",     "bool",    "bits", "text",
        "utf8", "utf8_large", "utf8_view", "decimal", "strings",
    };
    return (unsigned)type < CXM_COUNT(names) ? names[type] : "unknown";
}

/* What the checks of one column share. `name` is never NULL. */
struct check {
    const char *name;
    struct cxm_error *error;
};

static enum cxm_status wrong(const struct check *check, const char *what)
{
    return cxm_priv_fail(check->error, CXM_EINVAL, check->name, "%s: %s", check->name, what);
}

static enum cxm_status corrupt(const struct check *check, int64_t row, const char *what)
{
    return cxm_priv_fail_at(check->error, CXM_ECORRUPT, check->name, row, NULL,
                            "%s: row %lld: %s", check->name, (long long)row, what);
}

/* ---- sizes ---------------------------------------------------------------------------- */

/* Do all of `n` elements, `stride` bytes apart, have an address distance that fits? */
static bool extent_fits(int64_t n, int64_t stride, int64_t bytes)
{
    int64_t reach;
    return n <= 0
           || (!__builtin_mul_overflow(n, stride, &reach) && reach <= PTRDIFF_MAX - bytes
               && reach >= -(PTRDIFF_MAX - bytes));
}

/* Bytes from one element to the next in memory; bits, offsets and views ignore the stride. */
static int64_t stride_of(const struct cxm_column *part)
{
    switch (part->type) {
    case CXM_BITS: return 1; /* more than enough */
    case CXM_UTF8: return 4;
    case CXM_UTF8_LARGE: return 8;
    case CXM_UTF8_VIEW: return 16;
    default: return part->stride;
    }
}

static enum cxm_status check_sizes(const struct check *check, const struct cxm_column *part)
{
    int64_t elements, bits;
    if (part->n < 0)
        return wrong(check, "the number of rows is negative");
    if (part->offset < 0 || part->validity_offset < 0)
        return wrong(check, "an offset is negative");
    /* one more for the last offset of text */
    if (__builtin_add_overflow(part->n, part->offset, &elements)
        || __builtin_add_overflow(elements, 1, &elements)
        || __builtin_add_overflow(part->n, part->validity_offset, &bits))
        return wrong(check, "the number of rows plus the offset does not fit in 64 bits");
    if (part->type == CXM_TEXT && part->width == 0)
        return wrong(check, "text of a fixed size needs a width of at least 1 byte");
    const int64_t bytes = part->type == CXM_TEXT ? (int64_t)part->width : 16;
    if (!extent_fits(elements, stride_of(part), bytes)
        || (part->mask != NULL && !extent_fits(part->n, part->mask_stride, 1)))
        return wrong(check, "rows times stride does not fit in the address space");
    if (part->n > 0 && part->data == NULL && part->type != CXM_NULL)
        return wrong(check, "there are rows but no data");
    return CXM_OK;
}

/* ---- text ----------------------------------------------------------------------------- */

/* Offsets never fall and end inside of the heap; the loops vectorise. */
static bool offsets_rise_32(const unsigned char *p, int64_t n)
{
    int32_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t pair[2];
        memcpy(pair, p + 4 * i, sizeof pair);
        bad |= pair[0] > pair[1];
    }
    return !bad;
}

static bool offsets_rise_64(const unsigned char *p, int64_t n)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t pair[2];
        memcpy(pair, p + 8 * i, sizeof pair);
        bad |= pair[0] > pair[1];
    }
    return !bad;
}

static enum cxm_status check_offsets(const struct check *check, const struct cxm_column *part)
{
    const unsigned char *const data = part->data;
    int64_t begin, end;
    bool rises;
    if (part->type == CXM_UTF8) {
        int32_t bounds[2];
        memcpy(&bounds[0], data + 4 * part->offset, 4);
        memcpy(&bounds[1], data + 4 * (part->offset + part->n), 4);
        begin = bounds[0];
        end = bounds[1];
        rises = offsets_rise_32(data + 4 * part->offset, part->n);
    } else {
        memcpy(&begin, data + 8 * part->offset, 8);
        memcpy(&end, data + 8 * (part->offset + part->n), 8);
        rises = offsets_rise_64(data + 8 * part->offset, part->n);
    }
    if (rises && begin >= 0 && end <= part->heap_bytes[0]
        && (end == begin || part->heap != NULL))
        return CXM_OK;
    for (int64_t i = 0; i < part->n; i++) {
        struct cxm_text text;
        if (!cxm_priv_text_at(part, i, &text))
            return corrupt(check, i, "the text lies outside of its buffer");
    }
    return corrupt(check, -1, "the text lies outside of its buffer");
}

/* The view under a null may hold anything: it is never read. */
static enum cxm_status check_views(const struct check *check, const struct cxm_column *part)
{
    const struct cxm_rules no_sentinel = { .column = part };
    struct cxm_text text[CXM_SCRATCH];
    uint8_t states[CXM_SCRATCH];
    for (int64_t row = 0; row < part->n; row += CXM_SCRATCH) {
        const size_t n = part->n - row < CXM_SCRATCH ? (size_t)(part->n - row) : CXM_SCRATCH;
        memset(states, CXM_ROW_USED, n);
        cxm_priv_mark_missing(&no_sentinel, part, row, n, states);
        cxm_priv_texts_at(part, row, n, text, states);
        const uint8_t *const bad = memchr(states, CXM_ROW_INVALID, n);
        if (bad != NULL)
            return corrupt(check, row + (bad - states), "the text lies outside of its buffers");
    }
    return CXM_OK;
}

static enum cxm_status check_text(const struct check *check, const struct cxm_column *part)
{
    if (part->type == CXM_UTF8_VIEW) {
        if (part->n_buffers < 0 || (part->n_buffers > 0 && part->heap == NULL))
            return wrong(check, "text views need an array of buffers");
        for (int64_t i = 0; part->heap_bytes != NULL && i < part->n_buffers; i++)
            if (part->heap_bytes[i] < 0)
                return wrong(check, "the size of a text buffer is negative");
    } else if (part->heap_bytes != NULL && part->heap_bytes[0] < 0) {
        return wrong(check, "the size of the text buffer is negative");
    }
    if (part->heap_bytes == NULL || part->n == 0)
        return CXM_OK; /* trusted */
    return part->type == CXM_UTF8_VIEW ? check_views(check, part) : check_offsets(check, part);
}

/* ---- one part ------------------------------------------------------------------------- */

static enum cxm_status check_values(const struct check *check, const struct cxm_column *part)
{
    if (part->type > CXM_STRINGS)
        return wrong(check, "unknown type");
    const enum cxm_status sizes = check_sizes(check, part);
    if (sizes != CXM_OK)
        return sizes;
    if (part->type == CXM_DECIMAL
        && (part->scale > CXM_MOST_SCALE || part->scale < -CXM_MOST_SCALE))
        return wrong(check, "the scale of a decimal is between -76 and 76");
    if (part->type == CXM_UTF8 || part->type == CXM_UTF8_LARGE || part->type == CXM_UTF8_VIEW)
        return check_text(check, part);
    return CXM_OK;
}

static enum cxm_status check_part(const struct check *check, const struct cxm_column *part)
{
    const enum cxm_status values = check_values(check, part);
    if (values != CXM_OK || part->dictionary == NULL)
        return values;
    if (!cxm_priv_is_integer(part->type))
        return wrong(check, "the indexes into a dictionary are integers");
    if (part->dictionary->dictionary != NULL || part->dictionary->n_chunks != 0)
        return wrong(check, "a dictionary is a plain column, without dictionary and chunks");
    return check_values(check, part->dictionary);
}

/* ---- the column ----------------------------------------------------------------------- */

static enum cxm_status check_lists(const struct check *check, const struct cxm_column *column)
{
    if (column->n_missing_codes < 0
        || (column->n_missing_codes > 0 && column->missing_codes == NULL))
        return wrong(check, "missing codes without a list");
    if (column->n_labels < 0 || (column->n_labels > 0 && column->labels == NULL))
        return wrong(check, "labels without a list");
    for (int64_t i = 0; i < column->n_labels; i++)
        if (column->labels[i].text == NULL)
            return wrong(check, "a label has no text");
    return CXM_OK;
}

/* Clocks on Earth are at most 26 hours apart; two days leave room for any local rule. */
static bool offset_is_sane(int64_t seconds)
{
    return seconds >= -172800 && seconds <= 172800;
}

static enum cxm_status check_time(const struct check *check, const struct cxm_column *column)
{
    if (column->time_unit > CXM_DAYS)
        return wrong(check, "unknown time unit");
    if (column->calendar > CXM_YEAR)
        return wrong(check, "unknown calendar rule");
    if (!offset_is_sane(column->utc_offset))
        return wrong(check, "utc_offset is in seconds, within two days");
    if (column->n_zone < 0 || (column->n_zone > 0 && column->zone == NULL))
        return wrong(check, "a zone table without rows");
    for (int64_t i = 0; i < column->n_zone; i++) {
        if (!offset_is_sane(column->zone[i].offset))
            return wrong(check, "the offsets of a zone table are in seconds, within two days");
        if (i > 0 && column->zone[i].utc_from <= column->zone[i - 1].utc_from)
            return wrong(check, "the rows of a zone table must rise");
    }
    return CXM_OK;
}

static enum cxm_status check_chunks(const struct check *check, const struct cxm_column *column)
{
    int64_t rows = 0;
    if (column->n < 0 || column->n_chunks < 0 || column->chunks == NULL)
        return wrong(check, "a column in chunks needs a list of chunks");
    for (int64_t i = 0; i < column->n_chunks; i++) {
        if (column->chunks[i].n_chunks != 0)
            return wrong(check, "a chunk is a plain column, without chunks");
        const enum cxm_status part = check_part(check, &column->chunks[i]);
        if (part != CXM_OK)
            return part;
        if (__builtin_add_overflow(rows, column->chunks[i].n, &rows))
            return wrong(check, "the chunks have too many rows");
    }
    if (rows != column->n)
        return cxm_priv_fail(check->error, CXM_EINVAL, check->name,
                             "%s: the chunks have %lld rows, the column has %lld", check->name,
                             (long long)rows, (long long)column->n);
    return CXM_OK;
}

enum cxm_status cxm_column_check(const struct cxm_column *column, struct cxm_error *error)
{
    if (column == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, NULL, "the column is NULL");
    const bool named = column->name != NULL && column->name[0] != '\0';
    const struct check check = { named ? column->name : "column", error };
    enum cxm_status status = check_lists(&check, column);
    if (status == CXM_OK)
        status = check_time(&check, column);
    if (status == CXM_OK)
        status =
            column->n_chunks != 0 ? check_chunks(&check, column) : check_part(&check, column);
    return status;
}
