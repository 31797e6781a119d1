/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one-call functions: options in, rows out, over the same tally that everything uses. */
#ifndef CXM_SRC_CALL_H
#define CXM_SRC_CALL_H

#include "base/base.h"

#include <cxm/options.h>

/* The members of CXM_COMMON_OPTIONS. */
struct cxm_common_options {
    CXM_COMMON_OPTIONS;
};

struct cxm_call {
    const char *metric;
    struct cxm_common_options common;
    struct cxm_param params[12];
    size_t n_params;
    struct { const char *role; const struct cxm_column *columns; size_t n; } inputs[6];
    size_t n_inputs;
};

/* A call of a metric; its options start with the common ones. The lists are long, and only as far
 * written as they are used. */
static inline void cxm_priv_call_begin(struct cxm_call *call, const char *metric,
                                       const void *options)
{
    call->metric = metric;
    memcpy(&call->common, options, sizeof call->common);
    call->n_params = call->n_inputs = 0;
}

/* Where the rows go. */
struct cxm_rows_out {
    struct cxm_row *rows;
    size_t row_bytes, capacity, *n_out;
};

/* Copies options over defaults: a smaller struct of an earlier version keeps the defaults of
 * the members it does not know. */
enum cxm_status cxm_priv_take_options(const void *options, size_t bytes, void *out,
                                      struct cxm_error *error);
void cxm_priv_call_number(struct cxm_call *call, const char *name, const double *numbers,
                          size_t n);
/* The scale and the cuts of a net score: `cuts` are the lowest answer of a promoter and the highest
 * of a detractor, 0 where the caller gave none. They must live as long as the call. */
void cxm_priv_call_cuts(struct cxm_call *call, const double *scale, const double *cuts);
void cxm_priv_call_text(struct cxm_call *call, const char *name, const char *const *texts,
                        size_t n);
void cxm_priv_call_input(struct cxm_call *call, const char *role,
                         const struct cxm_column *columns, size_t n);
/* Adds the columns to a tally; `allocator` for the call. */
enum cxm_status cxm_priv_call_fill(struct cxm_tally *tally, const struct cxm_call *call,
                                   const struct cxm_allocator *allocator,
                                   struct cxm_error *error);
/* Adds the columns to a fresh tally and writes its rows. Columns without a name are given the
 * name of their role; `items` are named after their columns. */
enum cxm_status cxm_priv_call_run(const struct cxm_call *call, struct cxm_rows_out out,
                                  struct cxm_error *error);
/* The rows of a tally that is filled already. */
enum cxm_status cxm_priv_call_read(struct cxm_tally *tally,
                                   const struct cxm_common_options *common,
                                   struct cxm_rows_out out, struct cxm_error *error);
/* The parameter `items`: names of the columns, or item1, item2 … in memory that lives as long
 * as the call. */
struct cxm_item_names {
    char (*texts)[64];
    const char **names;
};
enum cxm_status cxm_priv_call_items(struct cxm_call *call, const struct cxm_column *items,
                                    size_t n, struct cxm_item_names *names,
                                    struct cxm_error *error);
void cxm_priv_call_free_items(struct cxm_item_names *names);

#endif
