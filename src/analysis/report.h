/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How analyses build their report: columns first, then row by row. Running out of memory is
 * remembered, so that nothing needs a check but the end:
 *
 *   struct cxm_report *r = cxm_priv_report_new(allocator);
 *   cxm_priv_report_keys_of(r, tally);
 *   const int p = cxm_priv_report_axis(r, "p_value", CXM_AXIS_REAL);
 *   const size_t row = cxm_priv_report_add(r, "nps", "difference", definition, &estimate);
 *   cxm_priv_report_key_from(r, row, tally, group);
 *   cxm_priv_report_real(r, row, p, 0.03);
 *   return cxm_priv_report_finish(r, out, error);
 */
#ifndef CXM_SRC_REPORT_H
#define CXM_SRC_REPORT_H

#include "column/dict.h"

#include <cxm/report.h>

struct cxm_axis {
    struct cxm_axis_info info;
    bool of_reals;
    union {
        double *reals;
        int64_t *ints;     /* of TEXT: number of the text, -1 undefined */
    } values;
};

/* The keys of a row: none (all groups together), its own, or surely those of the row before. */
enum cxm_row_key { CXM_ROW_NO_KEY, CXM_ROW_KEY, CXM_ROW_KEY_BEFORE };

enum cxm_row_name { CXM_NAME_METRIC, CXM_NAME_MEASURE, CXM_NAME_DEFINITION, CXM_N_NAMES };

/* Names and texts are kept once, each with a final NUL, and numbered. */
struct cxm_report {
    struct cxm_allocator allocator;
    bool out_of_memory;
    struct cxm_dict texts;
    struct cxm_dict measures;  /* names, for estimate.measure */
    struct cxm_key_info *keys;
    size_t n_keys;
    struct cxm_axis *axes;
    size_t n_axes;
    size_t n_rows, capacity;
    struct cxm_estimate *estimates;
    uint32_t *names;           /* by row: enum cxm_row_name */
    struct cxm_key *key_values;/* by row and key; `integer` of a text is its number */
    uint8_t *has_key;          /* by row: enum cxm_row_key */
};

/* NULL: out of memory. All functions below accept that, and finish then says ENOMEM. */
struct cxm_report *cxm_priv_report_new(const struct cxm_allocator *allocator);

/* The key columns, before the first row: those of a tally (all kinds of its keys that make
 * groups), or one by one. `name` may be "": it is then called group, group_2 … */
void cxm_priv_report_keys_of(struct cxm_report *report, const struct cxm_tally *tally);
int cxm_priv_report_key_column(struct cxm_report *report, const char *name,
                               enum cxm_key_type type, int32_t calendar);
/* An axis column, at any time; rows that were not set are undefined. Its index; the same name
 * again gives the same column. */
int cxm_priv_report_axis(struct cxm_report *report, const char *name, enum cxm_axis_type type);

/* A row with missing keys and undefined axes; names are copied. estimate->group and ->measure
 * are set by the report. */
size_t cxm_priv_report_add(struct cxm_report *report, const char *metric, const char *measure,
                           const char *definition, const struct cxm_estimate *estimate);

/* Room for that many rows in all, ahead of time; after the columns that all rows have. */
void cxm_priv_report_reserve(struct cxm_report *report, size_t rows);
/* n rows with the names and the keys of another row, and one estimate, which may then be set in
 * place; axes are undefined. The first of them; for curves of thousands of rows. */
size_t cxm_priv_report_add_run(struct cxm_report *report, size_t like, size_t n,
                               const struct cxm_estimate *estimate);

/* The key of a row: copied from a group of a tally (CXM_TOTAL: stays missing), or set. */
void cxm_priv_report_key_from(struct cxm_report *report, size_t row, struct cxm_tally *tally,
                              int64_t group);
void cxm_priv_report_key(struct cxm_report *report, size_t row, int key,
                         const struct cxm_key *value);

void cxm_priv_report_real(struct cxm_report *report, size_t row, int axis, double value);
void cxm_priv_report_int(struct cxm_report *report, size_t row, int axis, int64_t value);
void cxm_priv_report_text(struct cxm_report *report, size_t row, int axis, const char *text);

/* The values of a row and those that follow, to be set many at a time; NULL: out of memory. */
double *cxm_priv_report_reals(struct cxm_report *report, size_t row, int axis);
int64_t *cxm_priv_report_ints(struct cxm_report *report, size_t row, int axis);

/* The estimate of a row, to be changed until the report is finished; NULL: out of memory. */
struct cxm_estimate *cxm_priv_report_estimate(struct cxm_report *report, size_t row);

/* Remembers that memory ran out while a row was made. */
void cxm_priv_report_fail(struct cxm_report *report);

/* An estimate without any number: NaN, counts 0, the level, unit and base given. */
struct cxm_estimate cxm_priv_blank_estimate(double level, enum cxm_unit unit,
                                            enum cxm_base_kind base);

/* Hands the report over; frees it and says ENOMEM when memory ran out on the way. */
enum cxm_status cxm_priv_report_finish(struct cxm_report *report, struct cxm_report **out,
                                       struct cxm_error *error);

/* A text by its number. */
const char *cxm_priv_report_text_at(const struct cxm_report *report, int64_t at, size_t *n);

static inline bool cxm_priv_is_text_key(int32_t type)
{
    return type == CXM_KEY_TEXT || type == CXM_KEY_BYTES || type == CXM_KEY_CATEGORY;
}

#endif
