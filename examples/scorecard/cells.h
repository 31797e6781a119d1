/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cells of one CSV column, converted and collected for a chunk of rows. */
#ifndef SCORECARD_CELLS_H
#define SCORECARD_CELLS_H

#include <cxm/cxm.h>

#include "text.h"
#include "value.h"

enum { CHUNK_ROWS = 1 << 16 };

enum cell_kind {
    CELL_NUMBER,      /* a number, or nothing */
    CELL_LABEL,       /* text that the library turns into a number */
    CELL_KEY,         /* text to group by */
    CELL_NUMBER_KEY,  /* a number to group by */
    CELL_CATEGORY,    /* one of a list of codes with names */
    CELL_TIME,        /* an ISO date or time */
    CELL_CONDITION    /* a comparison: yes, no or missing */
};

/** How the cells of a column are read. Texts are borrowed from the configuration. */
struct cell_rule {
    enum cell_kind kind;
    const char *column;         /* name in the CSV file */
    const char *missing;        /* words that mean "no answer"; NULL: none */
    const char *labels;         /* "yes: 1, no: 0" */
    const char *categories;     /* "1: morning, 2: noon" */
    const char *condition;      /* "reopens > 0" */
    enum cxm_calendar calendar;
    bool has_offset;
    int64_t utc_offset;
    bool strict;                /* text that cannot be read ends the program at once */
    const char *config_path;    /* for messages */
    int64_t config_line;
};

/** The cells of one CSV column in this chunk, read by one rule. */
struct cells {
    struct cell_rule rule;
    const char *csv_name;          /* of the column in the file */
    struct words missing;
    struct condition condition;
    struct cxm_column column;      /* ready after each chunk */
    double *numbers;
    int64_t *times;
    int32_t *codes;
    uint8_t *answers;
    uint8_t *absent;               /* 1: no answer */
    int64_t *offsets;              /* of text in heap */
    char *heap;
    size_t heap_bytes, heap_capacity;
    double *missing_codes;         /* the missing words that are numbers */
    size_t n_missing_codes;
    struct cxm_label *labels;
    struct cxm_column dictionary;  /* names of the categories */
    struct words category_codes, category_names, label_texts;
    int64_t *bad_rows;             /* rows of the chunk that could not be read, when strict */
    struct words bad_texts;        /* and what stood there */
    int64_t n_not_utf8;            /* in the whole file: texts that are not UTF-8 */
    int64_t n_bad_keys;            /* in the whole file: keys that could not be read */
};

struct source;

struct cells *cells_new(const struct cell_rule *rule);
/** Takes the cell of the current row of the source. */
void cells_take(struct cells *cells, const struct source *source, const char *text,
                size_t bytes);
/** What stood in this row of the chunk and could not be read, or NULL. */
const char *cells_bad_text(const struct cells *cells, int64_t row);
void cells_free(struct cells *cells);

#endif
