/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A range of rows, one thread's work: what its blocks share while they are decoded (range_read.c),
 * added up by group (range.c) and put into the other tables (range_tables.c). */
#ifndef CXM_SRC_RANGE_H
#define CXM_SRC_RANGE_H

#include "tally/ahead.h"
#include "tally/grouper.h"
#include "tally/moments.h"
#include "tally/packed.h"
#include "tally/small.h"
#include "tally/tally.h"

struct cxm_range {
    const struct cxm_config *config;
    const struct cxm_sources *sources;
    struct cxm_state *state;
    struct cxm_scratch *scratch;
    struct cxm_grouper grouper;
    struct cxm_reader *readers; /* by slot */
    struct cxm_reader weight, freq;
    const double *weights; /* of this block, in the caller's memory; NULL: they were copied */
    struct cxm_keyed keyed;
    struct cxm_moments *moments; /* NULL: sums go straight into the table */
    struct cxm_small *small;     /* NULL: no short cut for small whole numbers */
    int64_t small_until;         /* its blocks are no larger than others before this row */
    int64_t since_normalised;
    struct cxm_ahead ahead;      /* the rows of the next block */
    struct cxm_packed *packed;   /* members of wide structs; NULL: none */
};

/* The n rows from `first` on of a slot that was given. */
void cxm_priv_range_decode(struct cxm_range *r, uint32_t slot, int64_t first, size_t n);
/* The checks of a block take the number of rows, and cut it before a row that is wrong: a later
 * check then sees only lower rows, and the lowest one of all is named, wherever blocks begin. */
enum cxm_status cxm_priv_range_refuse(struct cxm_range *r, int64_t first, size_t *n,
                                      struct cxm_error *error);
enum cxm_status cxm_priv_range_freq(struct cxm_range *r, int64_t first, size_t *n,
                                    struct cxm_error *error);

/* The key table: the values of the block's rows; or numbers that the rule made, one or two a row, each
 * of which adds to one of the counters. freq NULL: every row once. */
enum cxm_status cxm_priv_range_values(struct cxm_range *r, int64_t first, const int64_t *freq,
                                      struct cxm_error *error);
enum cxm_status cxm_priv_range_numbers(struct cxm_range *r, uint32_t t, const int64_t *freq,
                                       struct cxm_error *error);
/* With margins: the weight of every row, also where there is no answer. */
enum cxm_status cxm_priv_range_frame(struct cxm_range *r, const int64_t *freq,
                                     struct cxm_error *error);

#endif
