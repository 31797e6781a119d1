/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns of Arrow tables, filled cell by cell, by runs of equal texts, or from the members of an array
 * of structs. Typically 1 to 10^5 rows; a result row has about 25 columns and some 250 bytes. */
#include "metric/arrow_stream.h"

#include <math.h>

static void set_bit(void *bits, size_t at)
{
    ((uint8_t *)bits)[at / 8] |= (uint8_t)(1u << at % 8);
}

static void set_present(struct ArrowArray *array, const struct cxm_arrow_block *block, size_t row)
{
    set_bit(cxm_priv_arrow_buffer(block, 0), row);
    array->null_count--;
}

/* ---- text columns ------------------------------------------------------------------- */

/* Bytes of the UTF-8 sequence at `s`, 0 when it is none (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    const size_t bytes = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
                         : (s[0] & 0xF0) == 0xE0        ? 3
                         : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                        : 0;
    if (bytes == 0 || bytes > n)
        return 0;
    const unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return bytes;
}

static bool is_utf8(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0, step; i < n; i += step) {
        step = utf8_sequence(s + i, n - i);
        if (step == 0)
            return false;
    }
    return true;
}

/* A column and the rows of its table. */
struct cells {
    const struct cxm_arrow_column *column;
    const int64_t *rows;
    size_t n;
};

static enum cxm_status read_cell(const struct cells *c, size_t at,
                                 char scratch[CXM_ARROW_SCRATCH], struct cxm_key *out,
                                 struct cxm_error *error)
{
    const struct cxm_arrow_column *column = c->column;
    const size_t row = c->rows != NULL ? (size_t)c->rows[at] : at;
    *out = (struct cxm_key){ 0 };
    const enum cxm_status status =
        column->cell(column->self, column->column, row, scratch, out, error);
    if (out->missing)
        out->text_bytes = 0;
    return status;
}

/* Rows from `at` on with the same text as row `at`, as far as the column says so. */
static size_t run_of(const struct cells *c, size_t at)
{
    const struct cxm_arrow_column *column = c->column;
    uint32_t first, next;
    size_t end = at + 1;
    if (column->numbers == NULL)
        return 1;
    if (column->step == 0)
        return c->n - at;
    const size_t row = c->rows != NULL ? (size_t)c->rows[at] : at;
    memcpy(&first, (const char *)column->numbers + row * column->step, sizeof first);
    for (; end < c->n; end++) {
        const size_t other = c->rows != NULL ? (size_t)c->rows[end] : end;
        memcpy(&next, (const char *)column->numbers + other * column->step, sizeof next);
        if (next != first)
            break;
    }
    return end - at;
}

/* n copies of a text, each copying what is there already, as long as that stays in a cache. */
static void repeat_text(char *out, const char *text, size_t bytes, size_t n)
{
    enum { CACHED = 1 << 13 };
    const size_t total = bytes * n;
    if (total == 0)
        return;
    memcpy(out, text, bytes);
    for (size_t done = bytes; done < total;) {
        const size_t most = done < CACHED ? done : CACHED / bytes * bytes;
        const size_t whole = most > 0 ? most : bytes;
        const size_t some = total - done < whole ? total - done : whole;
        memcpy(out + done, out, some);
        done += some;
    }
}

static void set_bits(uint8_t *bits, size_t first, size_t n)
{
    for (; n > 0 && first % 8 != 0; first++, n--)
        set_bit(bits, first);
    memset(bits + first / 8, 0xFF, n / 8);
    for (size_t i = n / 8 * 8; i < n; i++)
        set_bit(bits, first + i);
}

static void fill_run(const struct cxm_arrow_block *block, size_t row, size_t run, const struct cxm_key *cell,
                     struct ArrowArray *out)
{
    int32_t *offsets = cxm_priv_arrow_buffer(block, 1);
    const int32_t bytes = (int32_t)cell->text_bytes, start = offsets[row];
    if (run == 1 && bytes > 0)
        memcpy((char *)cxm_priv_arrow_buffer(block, 2) + start, cell->text, cell->text_bytes);
    else if (bytes > 0)
        repeat_text((char *)cxm_priv_arrow_buffer(block, 2) + start, cell->text, cell->text_bytes, run);
    for (size_t i = 0; i < run; i++)
        offsets[row + 1 + i] = start + (int32_t)(i + 1) * bytes;
    if (cell->missing)
        return;
    set_bits(cxm_priv_arrow_buffer(block, 0), row, run);
    out->null_count -= (int64_t)run;
}

/* Consumers trust Arrow text to be UTF-8, some with their lives, so keys and names with other
 * bytes go out as binary, unchanged. Two passes: the sizes, then the bytes; by runs of rows that the
 * column says have the same text, as all rows of a tally have most of theirs. */
static enum cxm_status fill_text(const struct cells *c, char *format, struct ArrowArray *out,
                                 struct cxm_error *error)
{
    const size_t n = c->n;
    char scratch[CXM_ARROW_SCRATCH];
    struct cxm_key cell;
    size_t total = 0;
    const char *last = NULL;
    bool utf8 = c->column->type != CXM_KEY_BYTES;
    size_t first_run = 0;
    for (size_t row = 0, run; row < n; row += run) {
        const enum cxm_status status = read_cell(c, row, scratch, &cell, error);
        if (status != CXM_OK)
            return status;
        if (!c->column->names || cell.text != last)
            utf8 = utf8 && is_utf8(cell.text, cell.text_bytes);
        last = cell.text;
        run = run_of(c, row);
        first_run = row == 0 ? run : first_run;
        if (cell.text_bytes > 0 && run > (INT32_MAX - total) / cell.text_bytes)
            return cxm_priv_fail(error, CXM_EOVERFLOW, c->column->name,
                                 "a column of the result has more than 2 GiB of text");
        total += run * cell.text_bytes;
    }
    memcpy(format, utf8 ? "u" : "z", 2);
    const struct cxm_arrow_block *block = cxm_priv_arrow_block(n, (n + 1) * sizeof(int32_t), true,
                                                               total, out);
    if (block == NULL)
        return cxm_priv_no_memory(error);
    for (size_t row = 0, run; row < n; row += run) {
        const enum cxm_status status = read_cell(c, row, scratch, &cell, error);
        if (status != CXM_OK)
            return status;
        run = row == 0 ? first_run : run_of(c, row);
        fill_run(block, row, run, &cell, out);
    }
    return CXM_OK;
}

/* ---- columns of numbers ------------------------------------------------------------- */

static enum cxm_status put_number(const struct cxm_arrow_column *c, const struct cxm_key *cell,
                                  size_t row, void *data, struct cxm_error *error)
{
    switch (c->type) {
    case CXM_KEY_REAL: ((double *)data)[row] = cell->real; return CXM_OK;
    case CXM_KEY_BOOL:
        if (cell->integer != 0)
            set_bit(data, row);
        return CXM_OK;
    case CXM_KEY_DATE:
        if (cell->integer < INT32_MIN || cell->integer > INT32_MAX)
            return cxm_priv_fail(error, CXM_EOVERFLOW, c->name,
                                 "a day is more than five million years from 1970 and does not "
                                 "fit an Arrow date");
        ((int32_t *)data)[row] = (int32_t)cell->integer;
        return CXM_OK;
    default:
        ((int64_t *)data)[row] = cell->integer; /* UINT: the same bits */
        return CXM_OK;
    }
}

/* Some rows of a member of their structs. */
static void copy_numbers(const struct cxm_arrow_table *table, size_t column, size_t first,
                         size_t end)
{
    const struct cxm_arrow_field *field = &table->fields[column];
    struct ArrowArray *out = table->chunk.children[column];
    const struct cxm_arrow_block *block = out->private_data;
    const bool real = field->format[0] == 'g';
    uint64_t *data = cxm_priv_arrow_buffer(block, 1);
    uint8_t *bits = cxm_priv_arrow_buffer(block, 0);
    size_t n_present = 0;
    for (size_t i = first; i < end; i++) {
        const size_t row = table->rows != NULL ? (size_t)table->rows[i] : i;
        double value;
        memcpy(&data[i], field->numbers + row * field->step, sizeof *data);
        memcpy(&value, &data[i], sizeof value);
        const bool present = !real || !isnan(value);
        if (!present)
            data[i] = 0;
        bits[i / 8] |= (uint8_t)(present << i % 8);
        n_present += present;
    }
    out->null_count -= (int64_t)n_present;
}

/* All such columns side by side, some rows at a time that stay in a cache. */
static void copy_all_numbers(const struct cxm_arrow_table *table)
{
    enum { ROWS = 256 };
    const size_t n = (size_t)table->chunk.length;
    for (size_t first = 0; first < n; first += ROWS)
        for (size_t i = 0; i < table->n_filled; i++)
            if (table->fields[i].numbers != NULL)
                copy_numbers(table, i, first, n - first < ROWS ? n : first + ROWS);
}

static enum cxm_status fill_numbers(const struct cells *c, struct cxm_arrow_field *field,
                                    struct ArrowArray *out, struct cxm_error *error)
{
    const size_t n = c->n;
    const enum cxm_key_type type = c->column->type;
    const size_t bytes = type == CXM_KEY_BOOL   ? n / 8 + 1
                         : type == CXM_KEY_DATE ? n * sizeof(int32_t)
                                                : n * sizeof(int64_t);
    const struct cxm_arrow_block *block = cxm_priv_arrow_block(n, bytes, false, 0, out);
    if (block == NULL)
        return cxm_priv_no_memory(error);
    if (c->column->numbers != NULL) { /* with all the others, see copy_all_numbers() */
        field->numbers = c->column->numbers;
        field->step = c->column->step;
        return CXM_OK;
    }
    char scratch[CXM_ARROW_SCRATCH];
    for (size_t row = 0; row < n; row++) {
        struct cxm_key cell;
        enum cxm_status status = read_cell(c, row, scratch, &cell, error);
        if (status == CXM_OK && !cell.missing) {
            status = put_number(c->column, &cell, row, cxm_priv_arrow_buffer(block, 1), error);
            set_present(out, block, row);
        }
        if (status != CXM_OK)
            return status;
    }
    return CXM_OK;
}

enum cxm_status cxm_priv_arrow_column(struct cxm_arrow_table *table,
                                      const struct cxm_arrow_column *column,
                                      struct cxm_error *error)
{
    static const char formats[][CXM_FIELD_FORMAT_BYTES] = {
        [CXM_KEY_INT] = "l",   [CXM_KEY_UINT] = "L",  [CXM_KEY_REAL] = "g",
        [CXM_KEY_BOOL] = "b",  [CXM_KEY_TEXT] = "u",  [CXM_KEY_BYTES] = "z",
        [CXM_KEY_DATE] = "tdD", [CXM_KEY_TIME] = "tss:", [CXM_KEY_CATEGORY] = "u",
    };
    if ((int)column->type < 0 || (size_t)column->type >= CXM_COUNT(formats))
        return cxm_priv_fail(error, CXM_EUNSUPPORTED, column->name, "keys of an unknown type");
    struct cxm_arrow_field *field = &table->fields[table->n_filled];
    struct ArrowArray *array = table->chunk.children[table->n_filled];
    const struct cells cells = { column, table->rows, (size_t)table->chunk.length };
    table->n_filled++;
    cxm_priv_copy_text(field->name, sizeof field->name, column->name, strlen(column->name));
    memcpy(field->format, formats[column->type], CXM_FIELD_FORMAT_BYTES);
    if (column->type == CXM_KEY_TEXT || column->type == CXM_KEY_CATEGORY
        || column->type == CXM_KEY_BYTES)
        return fill_text(&cells, field->format, array, error);
    return fill_numbers(&cells, field, array, error);
}

void cxm_priv_arrow_finish(struct cxm_arrow_table *table, struct ArrowArrayStream *out)
{
    copy_all_numbers(table);
    cxm_priv_arrow_stream(table, out);
}
