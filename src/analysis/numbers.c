/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns of numbers as a whole. Distinct rows are found by a heap sort of fixed-width rows: in
 * place, no memory, the same order for the same rows, which makes sums over them order-free. */
#include "analysis/numbers.h"

#include <math.h>

enum { ROWS = 1024, MOST_WIDTH = 8 };

static const char *name_of(const struct cxm_number_input *input)
{
    return input->column->name != NULL ? input->column->name : input->name;
}

static enum cxm_status refuse(const struct cxm_number_input *input, int64_t row, double value,
                              bool infinite, struct cxm_error *error)
{
    char text[64], low[CXM_DOUBLE_TEXT], high[CXM_DOUBLE_TEXT];
    const char *const name = name_of(input);
    cxm_priv_value_text(input->column, row, text, sizeof text);
    if (infinite)
        return cxm_priv_fail_at(error, CXM_EDATA, name, row, text, "%s: row %lld is %s, not a "
                                "finite number", name, (long long)row, text);
    if (input->whole && value != floor(value))
        return cxm_priv_fail_at(error, CXM_EDATA, name, row, text, "%s: row %lld is %s, not a "
                                "whole number", name, (long long)row, text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, outside %s to %s", name, (long long)row, text,
                            cxm_priv_double_text(input->lowest, low),
                            cxm_priv_double_text(input->highest, high));
}

static enum cxm_status refuse_missing(const struct cxm_number_input *input, int64_t row,
                                      struct cxm_error *error)
{
    const char *const name = name_of(input);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, "", "%s: row %lld is missing", name,
                            (long long)row);
}

static enum cxm_status read_column(const struct cxm_number_input *input, double *out, size_t n,
                                   struct cxm_error *error)
{
    struct cxm_reader reader;
    uint8_t states[ROWS];
    cxm_priv_reader_init(&reader, input->column);
    for (size_t first = 0; first < n; first += ROWS) {
        const size_t rows = n - first < ROWS ? n - first : ROWS;
        cxm_priv_read_numbers(&reader, (int64_t)first, rows, out + first, states);
        for (size_t i = 0; i < rows; i++) {
            const double x = out[first + i];
            if (states[i] == CXM_ROW_MISSING && input->optional)
                return refuse_missing(input, (int64_t)(first + i), error);
            if (states[i] == CXM_ROW_MISSING)
                continue;
            const bool invalid = states[i] == CXM_ROW_INVALID;
            if (invalid || x < input->lowest || x > input->highest
                || (input->whole && x != floor(x)))
                return refuse(input, (int64_t)(first + i), x, invalid, error);
        }
    }
    return CXM_OK;
}

enum cxm_status cxm_priv_numbers_read(const struct cxm_number_input *inputs, size_t n_inputs,
                                      const struct cxm_allocator *allocator,
                                      struct cxm_numbers *out, struct cxm_error *error)
{
    memset(out, 0, sizeof *out);
    out->allocator = allocator;
    for (size_t i = 0; i < n_inputs; i++) {
        const struct cxm_column *column = inputs[i].column;
        if (column == NULL && inputs[i].optional)
            continue;
        if (column == NULL)
            return cxm_priv_fail(error, CXM_EINVAL, inputs[i].name, "%s is missing",
                                 inputs[i].name);
        const enum cxm_status status = cxm_priv_column_fits(column, CXM_ROLE_NUMBER,
                                                            inputs[i].name, error);
        if (status != CXM_OK)
            return status;
        if (column->n != inputs[0].column->n)
            return cxm_priv_fail(error, CXM_EINVAL, inputs[i].name, "%s: %lld rows, %s has %lld",
                                 inputs[i].name, (long long)column->n, inputs[0].name,
                                 (long long)inputs[0].column->n);
    }
    out->n = (size_t)inputs[0].column->n;
    enum cxm_status status = CXM_OK;
    for (size_t i = 0; i < n_inputs && status == CXM_OK; i++) {
        out->columns[i] = cxm_priv_alloc(allocator, out->n, sizeof *out->columns[i]);
        if (out->columns[i] == NULL)
            status = cxm_priv_no_memory(error);
        else if (inputs[i].column != NULL)
            status = read_column(&inputs[i], out->columns[i], out->n, error);
        for (size_t row = 0; inputs[i].column == NULL && status == CXM_OK && row < out->n; row++)
            out->columns[i][row] = 1;
    }
    if (status != CXM_OK)
        cxm_priv_numbers_release(out);
    return status;
}

void cxm_priv_numbers_release(struct cxm_numbers *numbers)
{
    for (size_t i = 0; i < CXM_MOST_NUMBERS; i++) {
        cxm_priv_release(numbers->allocator, numbers->columns[i]);
        numbers->columns[i] = NULL;
    }
}

/* ---- distinct rows -------------------------------------------------------------------- */

static int compare(const double *a, const double *b, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

static void swap(double *a, double *b, size_t width)
{
    double kept[MOST_WIDTH];
    memcpy(kept, a, width * sizeof *a);
    memcpy(a, b, width * sizeof *a);
    memcpy(b, kept, width * sizeof *a);
}

static void sift(double *rows, size_t at, size_t n, size_t width)
{
    for (size_t child = 2 * at + 1; child < n; at = child, child = 2 * at + 1) {
        if (child + 1 < n && compare(rows + child * width, rows + (child + 1) * width, width) < 0)
            child++;
        if (compare(rows + at * width, rows + child * width, width) >= 0)
            return;
        swap(rows + at * width, rows + child * width, width);
    }
}

size_t cxm_priv_distinct_rows(double *rows, size_t n, size_t width)
{
    size_t used = 0;
    for (size_t i = n / 2; i-- > 0;)
        sift(rows, i, n, width);
    for (size_t left = n; left > 1; left--) {
        swap(rows, rows + (left - 1) * width, width);
        sift(rows, 0, left - 1, width);
    }
    for (size_t i = 0; i < n; i++) {
        double *row = rows + i * width;
        if (row[width - 1] == 0)
            continue;
        if (used > 0 && compare(row, rows + (used - 1) * width, width - 1) == 0) {
            rows[used * width - 1] += row[width - 1];
        } else {
            memmove(rows + used * width, row, width * sizeof *row);
            used++;
        }
    }
    return used;
}

/* ---- options -------------------------------------------------------------------------- */

enum cxm_status cxm_priv_read_options(const void *options, void *out, size_t bytes,
                                      const char *name, struct cxm_error *error)
{
    size_t size;
    memset(out, 0, bytes);
    if (options == NULL)
        return CXM_OK;
    memcpy(&size, options, sizeof size);
    if (size < sizeof size || size > bytes)
        return cxm_priv_fail(error, CXM_EINVAL, "options", "options.size must be sizeof(struct %s)",
                             name);
    memcpy(out, options, size);
    return CXM_OK;
}
