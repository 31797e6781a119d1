/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From cells to columns. Numbers that cannot be read become infinity, which is outside of every
 * scale: so the library counts them as invalid, or names the first row that holds one. */
#include "source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NO = 0, YES = 1, NO_ANSWER = 2, UNREADABLE = 3 };

static const double answer_missing_codes[1] = { NO_ANSWER };

/* ---- rules ------------------------------------------------------------------------------- */

/* "yes: 1" becomes "yes" and "1". */
static void split_pair(const struct cell_rule *rule, const char *pair, char **left,
                       char **right)
{
    struct words sides = split(pair, ':');
    if (sides.n != 2)
        fail_at(rule->config_path, rule->config_line,
                "\"%s\" is not of the form text: meaning (quote texts with a colon)", pair);
    *left = copy_text(sides.item[0], strlen(sides.item[0]));
    *right = copy_text(sides.item[1], strlen(sides.item[1]));
    words_free(&sides);
}

static void set_missing(struct cells *cells)
{
    if (cells->rule.missing == NULL)
        return;
    cells->missing = split(cells->rule.missing, ',');
    cells->missing_codes = resize(NULL, cells->missing.n, sizeof *cells->missing_codes);
    for (size_t i = 0; i < cells->missing.n; i++) {
        const char *word = cells->missing.item[i];
        if (parse_number(word, strlen(word), &cells->missing_codes[cells->n_missing_codes]))
            cells->n_missing_codes++;
    }
    if (cells->rule.kind == CELL_NUMBER && cells->n_missing_codes > 0) {
        cells->column.missing_codes = cells->missing_codes;
        cells->column.n_missing_codes = (int64_t)cells->n_missing_codes;
    }
}

static void set_labels(struct cells *cells)
{
    struct words pairs = split(cells->rule.labels, ',');
    cells->labels = zeroed(pairs.n + cells->missing.n, sizeof *cells->labels);
    for (size_t i = 0; i < pairs.n; i++) {
        char *text = NULL, *meaning = NULL;
        split_pair(&cells->rule, pairs.item[i], &text, &meaning);
        if (words_contain(&cells->label_texts, text))
            fail_at(cells->rule.config_path, cells->rule.config_line, "\"%s\" has two meanings",
                    text);
        struct cxm_label *label = &cells->labels[cells->column.n_labels++];
        label->missing = strcmp(meaning, "missing") == 0;
        if (!label->missing && !parse_number(meaning, strlen(meaning), &label->value))
            fail_at(cells->rule.config_path, cells->rule.config_line,
                    "\"%s\" means neither a number nor missing", pairs.item[i]);
        words_add(&cells->label_texts, text);
        free(text);
        free(meaning);
    }
    for (size_t i = 0; i < cells->missing.n; i++) {
        cells->labels[cells->column.n_labels++].missing = 1;
        words_add(&cells->label_texts, cells->missing.item[i]);
    }
    for (size_t i = 0; i < cells->label_texts.n; i++)
        cells->labels[i].text = cells->label_texts.item[i];
    cells->column.labels = cells->labels;
    words_free(&pairs);
}

static void set_categories(struct cells *cells)
{
    struct words pairs = split(cells->rule.categories, ',');
    for (size_t i = 0; i < pairs.n; i++) {
        char *code = NULL, *name = NULL;
        split_pair(&cells->rule, pairs.item[i], &code, &name);
        if (words_contain(&cells->category_names, name))
            fail_at(cells->rule.config_path, cells->rule.config_line,
                    "two categories are called \"%s\"", name);
        if (words_contain(&cells->category_codes, code))
            fail_at(cells->rule.config_path, cells->rule.config_line, "\"%s\" has two names", code);
        words_add(&cells->category_codes, code);
        words_add(&cells->category_names, name);
        free(code);
        free(name);
    }
    words_free(&pairs);
    const struct words *names = &cells->category_names;
    cells->dictionary = cxm_column_make(NULL, CXM_STRINGS, names->item, names->n,
                                        (int64_t)sizeof *names->item, 0);
    cells->dictionary.flags = CXM_COLUMN_ORDERED;
    cells->column.dictionary = &cells->dictionary;
    cells->column.flags |= CXM_COLUMN_ORDERED;
}

static void set_condition(struct cells *cells)
{
    const char *wrong = parse_condition(cells->rule.condition, &cells->condition);
    if (wrong != NULL)
        fail_at(cells->rule.config_path, cells->rule.config_line, "%s: %s",
                cells->rule.condition, wrong);
    cells->csv_name = cells->condition.column;
    cells->column.missing_codes = answer_missing_codes;
    cells->column.n_missing_codes = 1;
}

/* ---- memory of a chunk ------------------------------------------------------------------- */

static void set_arrays(struct cells *cells)
{
    const char *name = cells->rule.column;
    switch (cells->rule.kind) {
    case CELL_NUMBER:
    case CELL_NUMBER_KEY:
        cells->numbers = zeroed(CHUNK_ROWS, sizeof *cells->numbers);
        cells->column = cxm_column_make(name, CXM_F64, cells->numbers, CHUNK_ROWS, 8, 0);
        break;
    case CELL_LABEL:
    case CELL_KEY:
        cells->offsets = zeroed(CHUNK_ROWS + 1, sizeof *cells->offsets);
        cells->absent = zeroed(CHUNK_ROWS, 1);
        cells->column = cxm_column_make(name, CXM_UTF8_LARGE, cells->offsets, CHUNK_ROWS, 8, 0);
        break;
    case CELL_CATEGORY:
        cells->codes = zeroed(CHUNK_ROWS, sizeof *cells->codes);
        cells->absent = zeroed(CHUNK_ROWS, 1);
        cells->column = cxm_column_make(name, CXM_I32, cells->codes, CHUNK_ROWS, 4, 0);
        break;
    case CELL_TIME:
        cells->times = zeroed(CHUNK_ROWS, sizeof *cells->times);
        cells->column = cxm_column_period(
            cxm_column_time(cxm_column_make(name, CXM_I64, cells->times, CHUNK_ROWS, 8, 0),
                            CXM_S, INT64_MIN),
            cells->rule.calendar, cells->rule.utc_offset);
        break;
    case CELL_CONDITION:
        cells->answers = zeroed(CHUNK_ROWS, 1);
        cells->column = cxm_column_make(name, CXM_U8, cells->answers, CHUNK_ROWS, 1, 0);
        break;
    }
    cells->column.mask = cells->absent;
    cells->column.mask_stride = 1;
}

struct cells *cells_new(const struct cell_rule *rule)
{
    struct cells *cells = zeroed(1, sizeof *cells);
    cells->rule = *rule;
    cells->csv_name = rule->column;
    set_arrays(cells);
    set_missing(cells);
    if (rule->kind == CELL_LABEL)
        set_labels(cells);
    if (rule->kind == CELL_CATEGORY)
        set_categories(cells);
    if (rule->kind == CELL_CONDITION)
        set_condition(cells);
    return cells;
}

/* ---- one cell ---------------------------------------------------------------------------- */

static void note_bad(struct cells *cells, int64_t row, const char *text)
{
    if (!cells->rule.strict)
        return;
    const size_t n = cells->bad_texts.n;
    cells->bad_rows = resize(cells->bad_rows, n + 1, sizeof *cells->bad_rows);
    cells->bad_rows[n] = row;
    words_add(&cells->bad_texts, text);
}

const char *cells_bad_text(const struct cells *cells, int64_t row)
{
    for (size_t i = 0; i < cells->bad_texts.n; i++)
        if (cells->bad_rows[i] == row)
            return cells->bad_texts.item[i];
    return NULL;
}

/* "99.0" is the code 99, as it is to the library. */
static bool is_missing_code(const struct cells *cells, double number)
{
    for (size_t i = 0; i < cells->n_missing_codes; i++)
        if (cells->missing_codes[i] == number)
            return true;
    return false;
}

static bool same_word(const char *text, size_t bytes, const char *word)
{
    return strlen(word) == bytes && memcmp(text, word, bytes) == 0;
}

static double read_number(struct cells *cells, int64_t row, const char *text, size_t bytes)
{
    double number = NAN;
    if (bytes == 0 || parse_number(text, bytes, &number))
        return number;
    if (words_contain(&cells->missing, text))
        return NAN;
    note_bad(cells, row, text);
    return INFINITY;
}

static void keep_text(struct cells *cells, int64_t row, const char *text, size_t bytes)
{
    if (cells->heap_bytes + bytes > cells->heap_capacity) {
        cells->heap_capacity = 2 * (cells->heap_bytes + bytes) + 4096;
        cells->heap = resize(cells->heap, cells->heap_capacity, 1);
    }
    if (bytes > 0)
        memcpy(cells->heap + cells->heap_bytes, text, bytes);
    cells->heap_bytes += bytes;
    cells->offsets[row + 1] = (int64_t)cells->heap_bytes;
    cells->absent[row] = bytes == 0;
}

/* A key that cannot be read is an error, or counted among the rows without a key. */
static void bad_key(struct cells *cells, const struct source *source, const char *text,
                    const char *wanted)
{
    if (cells->rule.strict)
        fail_at(source->path, source->lines[source->rows], "%s is \"%s\", %s",
                cells->rule.column, text, wanted);
    cells->n_bad_keys++;
}

static void take_key(struct cells *cells, const struct source *source, const char *text,
                     size_t bytes)
{
    if (cells->missing.n > 0 && words_contain(&cells->missing, text))
        bytes = 0;
    keep_text(cells, source->rows, text, bytes);
}

static void take_number_key(struct cells *cells, const struct source *source, const char *text,
                            size_t bytes)
{
    double *number = &cells->numbers[source->rows];
    *number = NAN;
    if (bytes == 0 || words_contain(&cells->missing, text))
        return;
    if (!parse_number(text, bytes, number))
        bad_key(cells, source, text, "not a number");
    else if (is_missing_code(cells, *number))
        *number = NAN;
}

static void take_category(struct cells *cells, const struct source *source, const char *text,
                          size_t bytes)
{
    const int64_t row = source->rows;
    const struct words *codes = &cells->category_codes;
    cells->codes[row] = 0;
    cells->absent[row] = 1;
    if (bytes == 0 || words_contain(&cells->missing, text))
        return;
    for (size_t i = 0; i < codes->n; i++) {
        if (!same_word(text, bytes, codes->item[i]))
            continue;
        cells->codes[row] = (int32_t)i;
        cells->absent[row] = 0;
        return;
    }
    bad_key(cells, source, text, "which has no name in the configuration");
}

static void take_time(struct cells *cells, const struct source *source, const char *text,
                      size_t bytes)
{
    int64_t *time = &cells->times[source->rows];
    struct instant instant;
    *time = INT64_MIN;
    if (bytes == 0 || words_contain(&cells->missing, text))
        return;
    if (!parse_instant(text, bytes, &instant)) {
        bad_key(cells, source, text, "not a date such as 2025-03-31 or 2025-03-31 14:05");
        return;
    }
    if (instant.zoned && !cells->rule.has_offset)
        fail_at(source->path, source->lines[source->rows],
                "%s is %s, with a zone: say where days and months begin, such as "
                "utc_offset = +08:00 or Z",
                cells->rule.column, text);
    /* Without a zone it is local time, so that the library's calendar gives the same day. */
    *time = instant.local - (instant.zoned ? instant.offset : cells->rule.utc_offset);
}

static uint8_t read_answer(struct cells *cells, int64_t row, const char *text, size_t bytes)
{
    const struct condition *condition = &cells->condition;
    if (bytes == 0 || words_contain(&cells->missing, text))
        return NO_ANSWER;
    if (!condition->numeric) {
        const bool equal = same_word(text, bytes, condition->word);
        return equal == (condition->comparison == EQUAL) ? YES : NO;
    }
    const double number = read_number(cells, row, text, bytes);
    if (isinf(number))
        return UNREADABLE;
    if (is_missing_code(cells, number))
        return NO_ANSWER;
    return condition_holds(condition, number) ? YES : NO;
}

void cells_take(struct cells *cells, const struct source *source, const char *text,
                size_t bytes)
{
    const int64_t row = source->rows;
    if (cells->rule.kind != CELL_NUMBER) /* which is an error or invalid anyhow */
        cells->n_not_utf8 += !is_utf8(text, bytes);
    switch (cells->rule.kind) {
    case CELL_NUMBER: cells->numbers[row] = read_number(cells, row, text, bytes); break;
    case CELL_LABEL: keep_text(cells, row, text, bytes); break;
    case CELL_KEY: take_key(cells, source, text, bytes); break;
    case CELL_NUMBER_KEY: take_number_key(cells, source, text, bytes); break;
    case CELL_CATEGORY: take_category(cells, source, text, bytes); break;
    case CELL_TIME: take_time(cells, source, text, bytes); break;
    case CELL_CONDITION: cells->answers[row] = read_answer(cells, row, text, bytes); break;
    }
}

void cells_free(struct cells *cells)
{
    words_free(&cells->missing);
    words_free(&cells->category_codes);
    words_free(&cells->category_names);
    words_free(&cells->label_texts);
    condition_free(&cells->condition);
    free(cells->numbers);
    free(cells->times);
    free(cells->codes);
    free(cells->answers);
    free(cells->absent);
    free(cells->offsets);
    free(cells->heap);
    free(cells->missing_codes);
    free(cells->labels);
    free(cells->bad_rows);
    words_free(&cells->bad_texts);
    free(cells);
}
