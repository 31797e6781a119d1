/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Margins of a population: which category a row or a cell of a tally is in, whatever types the
 * keys have (1, 1.0 and a u8 of 1 are one category, so are a text and an ordered category of
 * that name), and how many there are of each. */
#ifndef CXM_SRC_METRIC_MARGIN_H
#define CXM_SRC_METRIC_MARGIN_H

#include "column/dict.h"
#include "column/read.h"
#include "estimate/rake.h"
#include "tally/table.h"

#include <cxm/calibrate.h>

enum { CXM_MOST_MARGINS = 8, CXM_MARGIN_BLOCK = 256 };

/* The categories of one margin by number. */
struct cxm_categories {
    struct cxm_dict dict;     /* encoded categories; number k has totals[k] */
    const double *totals;
    const char *name;
    uint32_t n;
};

/* A growing row of bytes, for encoded categories. */
struct cxm_bytes_out {
    const struct cxm_allocator *allocator;
    uint8_t *bytes;
    size_t n, capacity;
};

/* Appends one key; false: out of memory. Equal keys of any types append equal bytes. */
bool cxm_priv_encode_category(const struct cxm_key *key, struct cxm_bytes_out *out);
void cxm_priv_bytes_release(struct cxm_bytes_out *out);

/* Reads keys of one column, a block at a time. */
struct cxm_key_reader {
    struct cxm_key_plan plan;
    struct cxm_reader reader, names; /* names: of ordered categories */
    uint64_t words[CXM_MARGIN_BLOCK];
    struct cxm_text texts[CXM_MARGIN_BLOCK];
    uint8_t states[CXM_MARGIN_BLOCK];
};

enum cxm_status cxm_priv_key_reader_init(struct cxm_key_reader *r,
                                         const struct cxm_column *column, const char *name,
                                         struct cxm_error *error);
/* At most CXM_MARGIN_BLOCK rows. */
void cxm_priv_key_reader_read(struct cxm_key_reader *r, int64_t first, size_t n);
/* The key of row i of the block; false: missing. */
bool cxm_priv_key_reader_key(struct cxm_key_reader *r, size_t i, struct cxm_key *out);

/* Checks and reads the categories and totals of a margin of n_by keys. */
enum cxm_status cxm_priv_categories_init(struct cxm_categories *c,
                                         const struct cxm_margin *margin, const char *name,
                                         const struct cxm_allocator *allocator,
                                         struct cxm_error *error);
void cxm_priv_categories_release(struct cxm_categories *c);
/* A category as text for messages. */
void cxm_priv_category_text(const struct cxm_categories *c, uint32_t k, char *out,
                            size_t capacity);
/* Method, tolerance and number of sweeps, checked; options may be NULL. */
enum cxm_status cxm_priv_calibrate_options(const struct cxm_calibrate_options *options,
                                           struct cxm_calibrate_options *out,
                                           struct cxm_error *error);

/* A table of cells, keyed by a category number of each margin (uint32_t in the machine's order),
 * with the sum of weights as its first sum, and how it was calibrated. */
struct cxm_raking {
    const struct cxm_allocator *allocator;
    struct cxm_rake_table table;
    struct cxm_rake_margin margins[CXM_MOST_MARGINS];
    struct cxm_dd *weights, *sums;
    uint32_t *categories, *order; /* cells in the order of their keys */
    double *cell_factors, *factors;
};
enum cxm_status cxm_priv_raking_run(struct cxm_raking *r, const struct cxm_table *cells,
                                    const struct cxm_categories *categories, size_t n_margins,
                                    const struct cxm_calibrate_options *options,
                                    struct cxm_rake_error *how, struct cxm_error *error);
void cxm_priv_raking_release(struct cxm_raking *r);

/* All margins count the same population. */
enum cxm_status cxm_priv_categories_agree(const struct cxm_categories *c, size_t n,
                                          struct cxm_error *error);

#endif
