/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Order statistics in one pass over the rows: what its two halves, the sample (select_sample.c) and the
 * pass (select_pass.c), share. */
#ifndef CXM_SRC_SELECT_PASS_H
#define CXM_SRC_SELECT_PASS_H

#include "column/unweave.h"
#include "derive/select_kernels.h"
#include "derive/select_rows.h"

#define CXM_NOT_A_WORD UINT64_MAX /* of no finite number */

struct cxm_sampled {
    struct cxm_select_map map;
    struct cxm_select_kernels kernels;
    int64_t runs, step; /* of the sample, and rows from one to the next */
    uint16_t *table;    /* by group and bucket, the last group being none: the cell */
    uint32_t *first_cell; /* by group, and where the last ends: the cell of no group */
    size_t n_cells;     /* with that one; even */
    uint64_t *pivots;   /* by bracket: a value that is counted, not kept */
    bool any_pivot;
    double kept;        /* share of the rows that will be kept, as the sample has it */
    int threads;
    int64_t *counts;    /* by cell */
    int64_t *equal;     /* by bracket: rows of its pivot */
    struct cxm_sampler *samplers; /* one a thread */
};

/* One thread. */
struct cxm_sampler {
    struct cxm_selection *s;
    struct cxm_sampled *d;
    int64_t first, last;         /* rows, or runs of the sample */
    uint32_t *histogram;         /* of the sample, by group and bucket */
    bool bare, apart;            /* plain doubles; and members of structs */
    bool streams;                /* whose lines need not be asked for */
    int64_t block;               /* rows that are counted together */
    cxm_unweave *unweave;
    struct cxm_member members[2]; /* where they are apart: the value and the key beside it, if one is, */
    size_t n_members;             /* in the order in which they lie */
    uintptr_t struct_of_first;    /* where the first member of row 0 lies */
    uint64_t keys[CXM_SELECT_BLOCK];
    struct cxm_reader reader;
    double values[CXM_SELECT_BLOCK];
    uint8_t states[CXM_SELECT_BLOCK];
    uint32_t codes[CXM_SELECT_BLOCK], index[CXM_SELECT_BLOCK];
    uint16_t cells[CXM_SELECT_BLOCK];
    uint32_t *counts[2];         /* by cell; rows take turns, so that neighbours do not wait */
    int64_t *missing, *invalid;  /* by group */
    int64_t bad_row;
    uint64_t words[CXM_SELECT_BLOCK + CXM_SELECT_SLACK]; /* picked from a block */
    uint16_t picked[CXM_SELECT_BLOCK + CXM_SELECT_SLACK]; /* their cells */
    uint64_t **to;               /* by bracket: where the next value is kept */
    void *pools;                 /* the last one, which begins with a pointer to the one before */
    char *unused;                /* chunks of it */
    int n_unused;
    uint64_t *nowhere;           /* the last word of a chunk that stands for none */
    bool no_memory;
    /* the last step */
    const uint32_t *groups;
    const int64_t *ranks;
    double *out;
    size_t n_wanted;
    uint64_t *scratch;
    struct cxm_span *spans;
    bool outside;
};

static inline uintptr_t cxm_priv_select_address(const struct cxm_column *c, int64_t row)
{
    return (uintptr_t)c->data + (uintptr_t)(c->offset + row) * (uintptr_t)c->stride;
}

void cxm_priv_sampler_init(struct cxm_sampler *r, struct cxm_selection *s, struct cxm_sampled *d);
/* n <= r->block values from a row on, and the codes of their rows. */
const double *cxm_priv_sampler_block(struct cxm_sampler *r, int64_t row, size_t n,
                                     const uint32_t **codes);
/* n values from a row on: where they lie, then no state is set, or in `values`. */
const double *cxm_priv_sampler_values(struct cxm_sampler *r, int64_t row, size_t n);

/* Map, brackets and table from the sample. NO: too much would be kept. */
enum cxm_sample_result cxm_priv_sampled_take(struct cxm_selection *s, struct cxm_sampled *d,
                                             double scale);

#endif
