/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Amounts of money to whole minor units, and subscriptions to customers. Decimals are read as the
 * integers that they are; floats are rounded, up to 2^50 minor units, where the double of an amount
 * is less than a quarter of a unit away from it. Sums per customer are checked. */
#include "column/read.h"
#include "derive/customer_codes.h"

#include <cxm/revenue.h>

#include <math.h>

enum { BLOCK = 1024, MOST_DIGITS = 9 };
#define MISSING INT64_MIN
#define INVALID INT64_MAX
#define MOST_MONEY ((int64_t)1 << 53)

enum kind { NOTHING, WHOLE, REAL, DECIMAL };

/* What one amount column is made of, and how many decimals its values have. */
struct money {
    const struct cxm_column *column;
    const char *name;
    enum kind kind;
    int digits;
};

static enum kind kind_of(const struct cxm_column *part, int *scale)
{
    const struct cxm_column *values = part->dictionary != NULL ? part->dictionary : part;
    *scale = 0;
    if (part->n == 0 || values->type == CXM_NULL)
        return NOTHING;
    if (values->type == CXM_F32 || values->type == CXM_F64)
        return REAL;
    if (values->type != CXM_DECIMAL)
        return WHOLE;
    *scale = values->scale;
    return DECIMAL;
}

static enum cxm_status look_at(const struct cxm_column *column, const char *role,
                               struct money *out, struct cxm_error *error)
{
    const enum cxm_status status = cxm_priv_column_fits(column, CXM_ROLE_COUNT, role, error);
    if (status != CXM_OK)
        return status;
    *out = (struct money){ .column = column,
                           .name = column->name != NULL ? column->name : role };
    const struct cxm_column *parts = column->n_chunks > 0 ? column->chunks : column;
    const int64_t n = column->n_chunks > 0 ? column->n_chunks : 1;
    for (int64_t i = 0; i < n; i++) {
        int scale;
        const enum kind kind = kind_of(&parts[i], &scale);
        if (kind == NOTHING)
            continue;
        if (out->kind != NOTHING && (out->kind != kind || out->digits != scale))
            return cxm_priv_fail(error, CXM_EINVAL, out->name,
                                 "%s: the chunks have different types", out->name);
        out->kind = kind;
        out->digits = scale;
    }
    return CXM_OK;
}

/* How many decimals a minor unit has: what was said, or the larger scale of the decimals. */
static enum cxm_status choose_digits(struct money money[2],
                                     const struct cxm_revenue_input *input,
                                     struct cxm_error *error)
{
    int digits = input->has_digits ? input->currency_digits : 0;
    if (input->has_digits && (digits < 0 || digits > MOST_DIGITS))
        return cxm_priv_fail(error, CXM_EINVAL, "currency_digits",
                             "currency_digits is between 0 and %d, not %d", MOST_DIGITS, digits);
    bool whole = false;
    for (int i = 0; i < 2; i++) {
        if (money[i].kind == REAL && !input->has_digits)
            return cxm_priv_fail(error, CXM_EINVAL, money[i].name,
                                 "%s: floats are no money; say how many decimals count, "
                                 "currency_digits=2 for cents, or pass whole minor units",
                                 money[i].name);
        whole = whole || money[i].kind == WHOLE;
        if (!input->has_digits && money[i].kind == DECIMAL && money[i].digits > digits)
            digits = money[i].digits;
    }
    if (!input->has_digits && whole && digits > 0)
        return cxm_priv_fail(error, CXM_EINVAL, "currency_digits",
                             "%s holds integers, which are minor units, %s decimals of %d "
                             "digits; currency_digits= says what a minor unit is",
                             money[money[0].kind == WHOLE ? 0 : 1].name,
                             money[money[0].kind == WHOLE ? 1 : 0].name, digits);
    if (digits > MOST_DIGITS)
        return cxm_priv_fail(error, CXM_EINVAL, "currency_digits",
                             "decimals of %d digits; currency_digits= takes up to %d", digits,
                             MOST_DIGITS);
    money[0].digits = money[1].digits = digits;
    return CXM_OK;
}

/* ---- amounts -------------------------------------------------------------------------- */

/* One number in minor units; false: it is none. Decimals are read apart. */
static bool to_minor(const struct money *money, double value, int64_t *out)
{
    static const double powers[MOST_DIGITS + 1] = { 1e0, 1e1, 1e2, 1e3, 1e4,
                                                    1e5, 1e6, 1e7, 1e8, 1e9 };
    if (money->kind != REAL) {
        *out = money->kind == WHOLE ? (int64_t)value : 0;
        return true;
    }
    const double scaled = value * powers[money->digits];
    if (!(fabs(scaled) <= 0x1p50))
        return false;
    *out = (int64_t)round(scaled);
    return true;
}

static enum cxm_status refuse(const struct money *money, int64_t row, struct cxm_error *error)
{
    char text[64];
    cxm_priv_value_text(money->column, row, text, sizeof text);
    if (money->kind == WHOLE)
        return cxm_priv_fail_at(error, CXM_EDATA, money->name, row, text,
                                "%s: row %lld is %s, more than 2^53 minor units. To count such "
                                "rows pass invalid=\"count\".",
                                money->name, (long long)row, text);
    return cxm_priv_fail_at(error, CXM_EDATA, money->name, row, text,
                            "%s: row %lld is %s, no amount of at most %d decimals up to 2^%d "
                            "minor units. To count such rows pass invalid=\"count\".",
                            money->name, (long long)row, text, money->digits,
                            money->kind == DECIMAL ? 53 : 50);
}

/* The decimals of one chunk, of which `out` already says which are missing. With the point moved to
 * the right they are whole numbers of minor units, which are read exactly. */
static void read_decimals(const struct money *money, const struct cxm_column *part, int64_t *out)
{
    struct cxm_column moved = *part, values;
    if (part->dictionary != NULL) {
        values = *part->dictionary;
        values.scale -= money->digits;
        moved.dictionary = &values;
    } else {
        moved.scale -= money->digits;
    }
    moved.n_missing_codes = 0;
    struct cxm_reader reader;
    int64_t numbers[BLOCK];
    uint8_t states[BLOCK];
    cxm_priv_reader_init(&reader, &moved);
    for (int64_t first = 0; first < part->n; first += BLOCK) {
        const size_t n = part->n - first < BLOCK ? (size_t)(part->n - first) : BLOCK;
        cxm_priv_read_integers(&reader, first, n, numbers, states);
        for (size_t i = 0; i < n; i++) {
            const bool whole = states[i] == CXM_ROW_USED && numbers[i] <= MOST_MONEY
                            && numbers[i] >= -MOST_MONEY;
            if (out[first + (int64_t)i] != MISSING)
                out[first + (int64_t)i] = whole ? numbers[i] : INVALID;
        }
    }
}

/* On EDATA, where rows without an amount are not counted, bad_row is the lowest of them. */
static enum cxm_status read_money(const struct money *money, bool count_invalid, int64_t *out,
                                  int64_t *bad_row)
{
    const struct cxm_column *column = money->column;
    struct cxm_reader reader;
    double values[BLOCK];
    uint8_t states[BLOCK];
    cxm_priv_reader_init(&reader, column);
    for (int64_t first = 0; first < column->n; first += BLOCK) {
        const size_t n = column->n - first < BLOCK ? (size_t)(column->n - first) : BLOCK;
        cxm_priv_read_numbers(&reader, first, n, values, states);
        for (size_t i = 0; i < n; i++) {
            int64_t *to = &out[first + (int64_t)i];
            if (states[i] != CXM_ROW_USED || !to_minor(money, values[i], to))
                *to = states[i] == CXM_ROW_MISSING ? MISSING : INVALID;
        }
    }
    const struct cxm_column *parts = column->n_chunks > 0 ? column->chunks : column;
    const int64_t n_parts = column->n_chunks > 0 ? column->n_chunks : 1;
    int64_t row = 0;
    for (int64_t i = 0; money->kind == DECIMAL && i < n_parts; row += parts[i++].n)
        read_decimals(money, &parts[i], out + row);
    for (row = 0; row < column->n && !count_invalid; row++) {
        if (out[row] != INVALID)
            continue;
        *bad_row = row;
        return CXM_EDATA;
    }
    return CXM_OK;
}

/* The lowest row that is wrong in either column is named. */
static enum cxm_status read_amounts(const struct money money[2],
                                    const struct cxm_revenue_input *input,
                                    const struct cxm_revenue_output *out,
                                    struct cxm_error *error)
{
    int64_t bad[2] = { INT64_MAX, INT64_MAX };
    int64_t *const to[2] = { out->previous, out->current };
    enum cxm_status status = CXM_OK;
    for (int i = 0; i < 2; i++) {
        if (read_money(&money[i], input->count_invalid != 0, to[i], &bad[i]) != CXM_OK)
            status = CXM_EDATA;
    }
    const int which = bad[1] < bad[0] ? 1 : 0;
    return status == CXM_OK ? CXM_OK : refuse(&money[which], bad[which], error);
}

static enum cxm_status read_ever(const struct cxm_revenue_input *input, uint8_t *out,
                                 struct cxm_error *error)
{
    if (input->ever == NULL || out == NULL)
        return CXM_OK;
    enum cxm_status status = cxm_priv_column_fits(input->ever, CXM_ROLE_FLAG, "ever", error);
    struct cxm_reader reader;
    uint16_t codes[BLOCK];
    cxm_priv_reader_init(&reader, input->ever);
    for (int64_t first = 0; status == CXM_OK && first < input->ever->n; first += BLOCK) {
        const int64_t left = input->ever->n - first;
        const size_t n = left < BLOCK ? (size_t)left : BLOCK;
        cxm_priv_read_codes(&reader, first, n, 0, 2, codes);
        for (size_t i = 0; i < n && status == CXM_OK; i++) {
            out[first + (int64_t)i] = (uint8_t)codes[i];
            if (codes[i] == 3 && !input->count_invalid)
                status = cxm_priv_invalid_flag(input->ever, "ever", first + (int64_t)i, error);
        }
    }
    return status;
}

/* ---- customers ------------------------------------------------------------------------ */

/* Missing wins over a number, invalid over both. */
static bool add_amount(int64_t *sum, int64_t amount)
{
    if (*sum == INVALID || amount == INVALID) {
        *sum = INVALID;
        return true;
    }
    if (*sum == MISSING || amount == MISSING) {
        *sum = MISSING;
        return true;
    }
    return !__builtin_add_overflow(*sum, amount, sum) && *sum < INVALID && *sum > MISSING;
}

/* Yes, then invalid, then missing, then no. */
static uint8_t either(uint8_t a, uint8_t b)
{
    if (a == 1 || b == 1)
        return 1;
    return a > b ? a : b;
}

static enum cxm_status too_large(const struct cxm_revenue_input *input, int64_t row,
                                 struct cxm_error *error)
{
    char text[64];
    cxm_priv_value_text(input->customer, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EOVERFLOW, "customer", row, text,
                            "customer %s: the amounts sum to more than 2^53 minor units", text);
}

/* Sums go to the first row of each customer. On its way a sum may leave the range of amounts
 * (not that of 64 bits) and come back: what counts is the end, in any order of the rows. */
static enum cxm_status sum_customers(const struct cxm_revenue_input *input,
                                     const struct cxm_revenue_output *out,
                                     const struct cxm_codes *customers, int64_t *first_row,
                                     struct cxm_error *error)
{
    const int64_t n = input->customer->n;
    for (uint32_t c = 0; c < customers->n; c++)
        first_row[c] = -1;
    for (int64_t row = 0; row < n; row++) {
        const uint32_t code = customers->codes[row];
        out->copies[row] = 1;
        if (code == CXM_CODE_MISSING) {
            out->previous[row] = out->current[row] = MISSING;
            continue;
        }
        int64_t *const at = &first_row[code];
        if (*at < 0) {
            *at = row;
            continue;
        }
        out->copies[row] = 0;
        if (!add_amount(&out->previous[*at], out->previous[row])
            || !add_amount(&out->current[*at], out->current[row]))
            return too_large(input, row, error);
        if (input->ever != NULL)
            out->ever[*at] = either(out->ever[*at], out->ever[row]);
    }
    for (int64_t row = 0; row < n; row++) {
        const int64_t sums[2] = { out->previous[row], out->current[row] };
        for (int i = 0; out->copies[row] && i < 2; i++) {
            const bool number = sums[i] != MISSING && sums[i] != INVALID;
            if (number && (sums[i] > MOST_MONEY || sums[i] < -MOST_MONEY))
                return too_large(input, row, error);
        }
    }
    return CXM_OK;
}

static enum cxm_status add_up(const struct cxm_revenue_input *input,
                              const struct cxm_revenue_output *out,
                              const struct cxm_allocator *allocator, struct cxm_error *error)
{
    struct cxm_codes customers;
    enum cxm_status status = cxm_priv_customer_codes(input->customer, input->by, input->n_by,
                                                     NULL, input->count_invalid != 0, allocator,
                                                     &customers, error);
    if (status != CXM_OK)
        return status;
    int64_t *first_row = cxm_priv_alloc(allocator, customers.n, sizeof *first_row);
    status = first_row == NULL ? cxm_priv_no_memory(error)
                               : sum_customers(input, out, &customers, first_row, error);
    cxm_priv_release(allocator, first_row);
    cxm_priv_codes_release(&customers);
    return status;
}

static enum cxm_status check_rows(const struct cxm_revenue_input *input,
                                  struct cxm_error *error)
{
    const int64_t n = input->previous->n;
    const struct { const struct cxm_column *column; const char *name; } others[] = {
        { input->current, "current" }, { input->ever, "ever" }, { input->customer, "customer" },
    };
    for (size_t i = 0; i < CXM_COUNT(others); i++) {
        if (others[i].column != NULL && others[i].column->n != n)
            return cxm_priv_fail(error, CXM_EINVAL, others[i].name,
                                 "%s: %lld rows, previous has %lld", others[i].name,
                                 (long long)others[i].column->n, (long long)n);
    }
    for (size_t k = 0; k < input->n_by; k++) {
        if (input->by[k].n != n)
            return cxm_priv_fail(error, CXM_EINVAL, "by", "by: %lld rows, previous has %lld",
                                 (long long)input->by[k].n, (long long)n);
    }
    return CXM_OK;
}

enum cxm_status cxm_revenue_rows(const struct cxm_revenue_input *input,
                                 const struct cxm_revenue_output *out,
                                 const struct cxm_allocator *allocator, struct cxm_error *error)
{
    struct money money[2];
    if (input == NULL || out == NULL || input->size != sizeof *input || input->previous == NULL
        || input->current == NULL || out->previous == NULL || out->current == NULL
        || (input->ever != NULL && out->ever == NULL)
        || (input->customer != NULL && out->copies == NULL)
        || (input->n_by > 0 && input->by == NULL))
        return cxm_priv_fail(error, CXM_EINVAL, NULL,
                             "a column or an output is NULL, or input.size is wrong");
    enum cxm_status status = check_rows(input, error);
    if (status == CXM_OK)
        status = look_at(input->previous, "previous", &money[0], error);
    if (status == CXM_OK)
        status = look_at(input->current, "current", &money[1], error);
    if (status == CXM_OK)
        status = choose_digits(money, input, error);
    if (status == CXM_OK)
        status = read_amounts(money, input, out, error);
    if (status == CXM_OK)
        status = read_ever(input, out->ever, error);
    if (status == CXM_OK && input->customer != NULL)
        status = add_up(input, out, cxm_priv_allocator(allocator), error);
    return status;
}
