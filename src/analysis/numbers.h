/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns of numbers as a whole, for analyses that need all rows at once: 8 bytes a row and
 * column. What is not a number stays NaN; which rows count is decided by the analysis. */
#ifndef CXM_SRC_NUMBERS_H
#define CXM_SRC_NUMBERS_H

#include "column/read.h"

enum { CXM_MOST_NUMBERS = 6 };

struct cxm_number_input {
    const char *name;                /* of the argument, for messages */
    const struct cxm_column *column; /* NULL: all 1 (only where `optional`) */
    bool optional;                   /* how many a row stands for: none may be missing */
    double lowest, highest;          /* values outside are EDATA */
    bool whole;                      /* so are values with a fraction */
};

/* All columns, each as n doubles; NaN where missing. */
struct cxm_numbers {
    const struct cxm_allocator *allocator;
    size_t n;
    double *columns[CXM_MOST_NUMBERS];
};

/* EINVAL: a column is missing, or lengths differ. EDATA: names the lowest row with a value that
 * is out of range, or that an optional column lacks. The first input is given. */
enum cxm_status cxm_priv_numbers_read(const struct cxm_number_input *inputs, size_t n_inputs,
                                      const struct cxm_allocator *allocator,
                                      struct cxm_numbers *out, struct cxm_error *error);
void cxm_priv_numbers_release(struct cxm_numbers *numbers);

/* Sorts rows of `width` doubles and merges equal ones: the last double is a count, added up. The
 * number of distinct rows. Rows with count 0 vanish. */
size_t cxm_priv_distinct_rows(double *rows, size_t n, size_t width);

/* Options start with their size; smaller structs of earlier versions keep zeros. */
enum cxm_status cxm_priv_read_options(const void *options, void *out, size_t bytes,
                                      const char *name, struct cxm_error *error);

#endif
