/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables as Arrow C streams of one chunk, column by column: what result rows and reports share.
 *
 *   struct cxm_arrow_table *t = cxm_priv_arrow_table(n_columns, n_rows);
 *   status = cxm_priv_arrow_column(t, &column, error);     n_columns times
 *   cxm_priv_arrow_finish(t, out);                         or cxm_priv_arrow_drop(t)
 */
#ifndef CXM_SRC_ARROW_COLUMNS_H
#define CXM_SRC_ARROW_COLUMNS_H

#include "base/base.h"

#include <cxm/arrow.h>

enum { CXM_ARROW_SCRATCH = 512 };

/* Tells one cell; `scratch` may hold its text. `out` comes zeroed, its type is not looked at. */
typedef enum cxm_status cxm_arrow_cell(const void *self, size_t column, size_t row,
                                       char scratch[CXM_ARROW_SCRATCH], struct cxm_key *out,
                                       struct cxm_error *error);

struct cxm_arrow_column {
    const char *name;
    enum cxm_key_type type;
    cxm_arrow_cell *cell;
    const void *self; /* for the two arguments of the cell function */
    size_t column;
    /* Of REAL and INT, instead of `cell`: the 8 bytes of row i are at numbers + i step; NaN is null. Of
     * texts: neighbours with the same 4 bytes there have the same text (step 0: all rows have it). */
    const void *numbers;
    size_t step;
    bool names; /* texts stay where they are: the same address is the same text */
};

struct cxm_arrow_table;

/* NULL: out of memory. `rows` are the numbers that cell functions get for the rows; they are borrowed,
 * and so are the numbers of columns, until the table is finished; NULL: 0, 1, 2 … */
struct cxm_arrow_table *cxm_priv_arrow_table(size_t n_columns, const int64_t *rows,
                                             size_t n_rows);
/* The next column. Text that is not UTF-8 goes out as binary. */
enum cxm_status cxm_priv_arrow_column(struct cxm_arrow_table *table,
                                      const struct cxm_arrow_column *column,
                                      struct cxm_error *error);
void cxm_priv_arrow_drop(struct cxm_arrow_table *table);
/* The table becomes the stream. */
void cxm_priv_arrow_finish(struct cxm_arrow_table *table, struct ArrowArrayStream *out);

/* ---- result rows: the key columns, then the schema that all results share -------------- */

enum cxm_arrow_name { CXM_ARROW_METRIC, CXM_ARROW_MEASURE, CXM_ARROW_DEFINITION };

/* The number of the name of row i is at numbers + i step, see struct cxm_arrow_column. */
struct cxm_arrow_numbers {
    const void *numbers;
    size_t step;
};

/* Where result rows come from. */
struct cxm_arrow_rows {
    const struct cxm_estimate *estimates;
    const int64_t *rows; /* which of them; NULL: the first n_rows */
    size_t n_rows, n_keys;
    const void *self; /* for the functions below */
    const char *(*name)(const void *self, size_t row, enum cxm_arrow_name what);
    struct cxm_arrow_numbers names[3]; /* by enum cxm_arrow_name */
    enum cxm_status (*key_info)(const void *self, size_t key, struct cxm_key_info *out);
    enum cxm_status (*key)(const void *self, size_t row, size_t key, struct cxm_key *out);
    bool (*is_axis)(const void *self, const char *name); /* a name after the schema; NULL: none */
};

/* A table with these rows and room for `n_more` columns after them. */
enum cxm_status cxm_priv_arrow_rows(const struct cxm_arrow_rows *rows, size_t n_more,
                                    struct cxm_arrow_table **out, struct cxm_error *error);

#endif
