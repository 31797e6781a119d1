/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The readers that the layers above call: they walk over the chunks of a column, apply the
 * dictionary, and leave each part to a decoder. Also whether a column fits its role. */
#include "column/decode.h"

void cxm_priv_reader_init(struct cxm_reader *reader, const struct cxm_column *column)
{
    reader->column = column;
    reader->part = column->n_chunks > 0 ? column->chunks : column;
    reader->part_first = 0;
    reader->part_index = 0;
}

size_t cxm_priv_reader_span(struct cxm_reader *reader, int64_t first, size_t n, int64_t *row)
{
    const struct cxm_column *const column = reader->column;
    if (first < reader->part_first) {
        reader->part = column->chunks;
        reader->part_first = 0;
        reader->part_index = 0;
    }
    while (first - reader->part_first >= reader->part->n) {
        if (reader->part_index + 1 >= column->n_chunks)
            return 0;
        reader->part_first += reader->part->n;
        reader->part_index++;
        reader->part++;
    }
    *row = first - reader->part_first;
    const int64_t left = reader->part->n - *row;
    return (uint64_t)left < n ? (size_t)left : n;
}

struct cxm_rules cxm_priv_rules(const struct cxm_column *column)
{
    return (struct cxm_rules){
        .column = column,
        .sentinel = (column->flags & CXM_COLUMN_SENTINEL) != 0,
        .duration = (column->flags & CXM_COLUMN_DURATION) != 0,
        .dates = column->time_unit == CXM_DAYS || (column->flags & CXM_COLUMN_DATES) != 0,
        .unit = column->time_unit,
    };
}

struct cxm_clock cxm_priv_clock(const struct cxm_column *column, const struct cxm_column *part)
{
    const struct cxm_column *const from =
        part->dictionary != NULL && part->dictionary->time_unit != CXM_NO_TIME
            ? part->dictionary
            : column;
    return (struct cxm_clock){
        .unit = from->time_unit,
        .duration = (from->flags & CXM_COLUMN_DURATION) != 0,
        .zoned = (from->flags & CXM_COLUMN_ZONED) != 0,
        .dates = from->time_unit == CXM_DAYS || (from->flags & CXM_COLUMN_DATES) != 0,
    };
}

struct cxm_column cxm_priv_clocked(const struct cxm_column *time, int64_t utc_offset,
                                   const struct cxm_zone_row *zone, int64_t n_zone)
{
    struct cxm_column clocked = *time;
    clocked.utc_offset = utc_offset;
    clocked.zone = zone;
    clocked.n_zone = n_zone;
    return clocked;
}

struct cxm_column cxm_priv_with_missing(const struct cxm_column *time)
{
    struct cxm_column copy = *time;
    const struct cxm_column *const part = time->n_chunks > 0 ? time->chunks : time;
    if ((copy.flags & CXM_COLUMN_SENTINEL) == 0 && part->type == CXM_I64
        && part->dictionary == NULL) {
        copy.flags |= CXM_COLUMN_SENTINEL;
        copy.sentinel = INT64_MIN;
    }
    return copy;
}

void cxm_priv_kinds_of_time(const struct cxm_column *column, bool *only_dates, bool *zoned)
{
    const struct cxm_column *const parts = column->n_chunks > 0 ? column->chunks : column;
    const int64_t n_parts = column->n_chunks > 0 ? column->n_chunks : 1;
    *only_dates = true;
    *zoned = false;
    for (int64_t i = 0; i < n_parts; i++) {
        const struct cxm_clock clock = cxm_priv_clock(column, &parts[i]);
        *only_dates &= clock.dates;
        *zoned |= clock.zoned;
    }
}

/* ---- dictionaries --------------------------------------------------------------------- */

void cxm_priv_load_indexes(const struct cxm_rules *rules, const struct cxm_column *part,
                           int64_t row, size_t n, int64_t *indexes, uint8_t *states)
{
    /* An unsigned index above INT64_MAX has negative bits here: outside in any case. */
    const uint64_t size = (uint64_t)part->dictionary->n;
    cxm_priv_load_integers(part, row, n, indexes);
    for (size_t i = 0; i < n; i++)
        states[i] = (uint64_t)indexes[i] < size ? CXM_ROW_USED : CXM_ROW_INVALID;
    cxm_priv_mark_missing(rules, part, row, n, states);
}

/* Any 8-byte value, so that one gather serves numbers, integers and words. */
union scratch {
    double numbers[CXM_SCRATCH];
    int64_t integers[CXM_SCRATCH];
    uint64_t words[CXM_SCRATCH];
};

/* A dictionary of at most 256 values, such as labels of answers, is decoded once per block;
 * from a larger one each row takes its own value. */
enum { TABLE = 256, TABLE_PAYS = 64 };

static void gather(const struct cxm_rules *of_values, const struct cxm_column *dictionary,
                   const int64_t *indexes, size_t n, unsigned char *values, uint8_t *states,
                   cxm_decode *plain)
{
    union scratch table;
    uint8_t table_states[TABLE];
    /* Instants note that one was floored: only the rows' own values may do that. */
    const bool whole =
        dictionary->n <= TABLE && n >= TABLE_PAYS && of_values->subsecond == NULL;
    if (whole)
        plain(of_values, dictionary, 0, (size_t)dictionary->n, &table, table_states);
    for (size_t i = 0; i < n; i++) {
        int64_t at = indexes[i];
        if (states[i] != CXM_ROW_USED)
            continue;
        if (!whole) {
            plain(of_values, dictionary, at, 1, &table, table_states);
            at = 0;
        }
        memcpy(values + 8 * i, &table.words[at], 8);
        states[i] = table_states[at];
    }
}

void cxm_priv_decode(const struct cxm_rules *rules, const struct cxm_column *part, int64_t row,
                     size_t n, void *values, uint8_t *states, cxm_decode *plain)
{
    if (part->dictionary == NULL) {
        plain(rules, part, row, n, values, states);
        return;
    }
    /* The sentinel is a mark in the data, such as -1 among the codes of a categorical; codes
     * and labels speak about values. */
    struct cxm_rules of_values = *rules;
    const struct cxm_clock clock = cxm_priv_clock(rules->column, part);
    of_values.sentinel = false;
    of_values.unit = clock.unit;
    of_values.duration = clock.duration;
    of_values.dates = clock.dates;
    int64_t indexes[CXM_SCRATCH];
    for (size_t done = 0; done < n; done += CXM_SCRATCH) {
        const size_t count = n - done < CXM_SCRATCH ? n - done : CXM_SCRATCH;
        unsigned char *const out = (unsigned char *)values + 8 * done;
        cxm_priv_load_indexes(rules, part, row + (int64_t)done, count, indexes, states + done);
        gather(&of_values, part->dictionary, indexes, count, out, states + done, plain);
    }
}

/* ---- readers -------------------------------------------------------------------------- */

static void read_parts(struct cxm_reader *reader, const struct cxm_rules *rules, int64_t first,
                       size_t n, void *values, uint8_t *states, cxm_decode *plain)
{
    for (size_t done = 0; done < n;) {
        int64_t row = 0;
        const size_t count =
            cxm_priv_reader_span(reader, first + (int64_t)done, n - done, &row);
        if (count == 0)
            return;
        cxm_priv_decode(rules, reader->part, row, count, (unsigned char *)values + 8 * done,
                        states + done, plain);
        done += count;
    }
}

static double not_a_number(void)
{
    const uint64_t bits = (uint64_t)0x7ff8 << 48;
    double nan;
    memcpy(&nan, &bits, sizeof nan);
    return nan;
}

void cxm_priv_read_numbers(struct cxm_reader *reader, int64_t first, size_t n, double *values,
                           uint8_t *states)
{
    const struct cxm_rules rules = cxm_priv_rules(reader->column);
    const double nan = not_a_number();
    read_parts(reader, &rules, first, n, values, states, cxm_priv_plain_numbers);
    if (cxm_priv_all_used(states, n))
        return;
    size_t i = 0;
#if CXM_COLUMN_X86
    if (CXM_SUPPORTS("avx2"))
        i = cxm_priv_blank_avx2(values, states, n, nan);
#endif
    for (; i < n; i++)
        values[i] = states[i] == CXM_ROW_USED ? values[i] : nan;
}

void cxm_priv_read_integers(struct cxm_reader *reader, int64_t first, size_t n, int64_t *values,
                            uint8_t *states)
{
    const struct cxm_rules rules = cxm_priv_rules(reader->column);
    read_parts(reader, &rules, first, n, values, states, cxm_priv_plain_integers);
    for (size_t i = 0; i < n; i++)
        values[i] = states[i] == CXM_ROW_USED ? values[i] : 0;
}

void cxm_priv_read_times(struct cxm_reader *reader, int64_t first, size_t n, int64_t *values,
                         uint8_t *states, bool *subsecond)
{
    struct cxm_rules rules = cxm_priv_rules(reader->column);
    rules.subsecond = subsecond;
    rules.days_begin = reader->column->utc_offset != 0 || reader->column->n_zone > 0;
    read_parts(reader, &rules, first, n, values, states, cxm_priv_plain_times);
    for (size_t i = 0; i < n; i++)
        values[i] = states[i] == CXM_ROW_USED ? values[i] : 0;
}

/* ---- roles ---------------------------------------------------------------------------- */

static const char *role_noun(enum cxm_role role)
{
    switch (role) {
    case CXM_ROLE_RATING: return "ratings";
    case CXM_ROLE_FLAG: return "flags (0 or 1)";
    case CXM_ROLE_COUNT: return "whole numbers";
    case CXM_ROLE_MONEY: return "amounts of money";
    case CXM_ROLE_NUMBER:
    case CXM_ROLE_KEY:
    default: return "numbers";
    }
}

static bool has_value_labels(const struct cxm_column *column)
{
    for (int64_t i = 0; i < column->n_labels; i++)
        if (!column->labels[i].missing)
            return true;
    return false;
}

/* Digits in quotes are what a column of numbers becomes with one word in it, such as "Blank". */
static enum cxm_status refuse_text(const struct cxm_column *values, enum cxm_role role,
                                   const char *name, struct cxm_error *error)
{
    struct cxm_text text = { "", 0 };
    char shown[40];
    bool digit = false;
    for (int64_t row = 0; row < values->n && !digit; row++)
        digit = !cxm_priv_is_absent(values, row) && cxm_priv_text_at(values, row, &text)
             && text.n > 0 && text.bytes[0] >= '0' && text.bytes[0] <= '9';
    if (!digit)
        return cxm_priv_fail(error, CXM_EINVAL, name,
                             "%s: the column holds text, not %s; pass labels= to say which "
                             "number each answer stands for", name, role_noun(role));
    cxm_priv_copy_text(shown, sizeof shown, text.bytes, text.n);
    return cxm_priv_fail(error, CXM_EINVAL, name,
                         "%s: the column holds text, such as \"%s\", not %s; turn digits into numbers "
                         "first, or pass labels= to say which number each answer stands for",
                         name, shown, role_noun(role));
}

/* Whether the values of one part can be the role; text needs the labels of the column. */
static enum cxm_status part_fits(const struct cxm_column *column, const struct cxm_column *part,
                                 enum cxm_role role, const char *name, struct cxm_error *error)
{
    const struct cxm_column *const values = part->dictionary != NULL ? part->dictionary : part;
    if (values->type == CXM_NULL || part->n == 0)
        return CXM_OK;
    if (cxm_priv_is_text(values->type)) {
        if (has_value_labels(column))
            return CXM_OK;
        return refuse_text(values, role, name, error);
    }
    if (role == CXM_ROLE_MONEY && values->type == CXM_DECIMAL && values->scale != 0)
        return cxm_priv_fail(error, CXM_EINVAL, name,
                             "%s: money is counted in whole minor units; decimals are turned "
                             "into them by cxm_revenue_rows (in Python: cxm.revenue)", name);
    const struct cxm_clock clock = cxm_priv_clock(column, part);
    if (clock.unit == CXM_NO_TIME || values->type == CXM_BOOL || values->type == CXM_BITS)
        return CXM_OK;
    if (!clock.duration)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s: the column holds instants, not %s",
                             name, role_noun(role));
    if (role != CXM_ROLE_NUMBER)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s: the column holds durations, not %s",
                             name, role_noun(role));
    return CXM_OK;
}

enum cxm_status cxm_priv_column_fits(const struct cxm_column *column, enum cxm_role role,
                                     const char *name, struct cxm_error *error)
{
    if (column == NULL)
        return cxm_priv_fail(error, CXM_EINVAL, name, "%s: the column is NULL",
                             name != NULL ? name : "column");
    struct cxm_column named = *column; /* messages name the role when the column has no name */
    if (named.name == NULL || named.name[0] == '\0')
        named.name = name != NULL ? name : "column";
    const enum cxm_status checked = cxm_column_check(&named, error);
    if (checked != CXM_OK)
        return checked;
    if (role == CXM_ROLE_KEY) {
        struct cxm_key_plan plan;
        return cxm_priv_key_plan(&named, &plan, error);
    }
    const struct cxm_column *const parts = column->n_chunks > 0 ? column->chunks : column;
    const int64_t n_parts = column->n_chunks > 0 ? column->n_chunks : 1;
    for (int64_t i = 0; i < n_parts; i++) {
        const enum cxm_status fits = part_fits(column, &parts[i], role, named.name, error);
        if (fits != CXM_OK)
            return fits;
    }
    return CXM_OK;
}
