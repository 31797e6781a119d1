/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of moments share: cells that rows go to (moments.c, moments_rows.c), and that go to the
 * table (moments_cells.c). */
#ifndef CXM_SRC_MOMENTS_PARTS_H
#define CXM_SRC_MOMENTS_PARTS_H

#include "tally/kernels.h"
#include "tally/moments.h"
#include "tally/rating.h"

enum { CXM_MOST_BANDS = 176 };

struct cxm_moments {
    const struct cxm_allocator *allocator;
    struct cxm_kernels kernels;
    struct cxm_keyed *keyed;
    uint64_t full;         /* least last word of a full cell */
    bool weighted;
    uint32_t bins, n_codes;
    uint32_t planes;       /* of a band: one a code, and again for numbers below 0 */
    size_t room;           /* cells of a plane: rows that are left out, then one a group or slot */
    size_t n_bands, most;  /* bands in use, bands that there is memory for */
    void *memory;
    uint64_t *cells;       /* [band][plane][room], from the start of a cache line on */
    int32_t bases[CXM_MOST_BANDS]; /* least biased exponent of each band */
    struct cxm_window *windows;  /* by sum */
    int flushes;           /* for want of memory */
    bool placed;           /* are the next rows in q and at? */
    uint32_t blocks_off;   /* where no such attempt is worth it */
    struct cxm_places places;
    struct {                     /* rows straight from their columns (moments_rows.c) */
        bool fit;                /* are there such columns? */
        uint32_t blocks_off;     /* where it is not worth looking */
        struct cxm_rating rating; /* of answers with weights */
        uint16_t codes[256];     /* of their bytes */
        struct cxm_row_cells cells; /* of them, … */
        uint32_t room;           /* … as long as there is that much room; 0: not yet */
        const struct cxm_column *numbers;
    } rows;
    uint64_t q[CXM_BLOCK];
    uint32_t at[CXM_BLOCK];
};

static inline uint64_t *cxm_priv_moments_cell(const struct cxm_moments *m, size_t at)
{
    return m->cells + at * m->kernels.moment_words;
}

/* 0: no rows; not below m->full: it is full. */
static inline uint64_t cxm_priv_moments_last(const struct cxm_moments *m, size_t at)
{
    return cxm_priv_moments_cell(m, at)[m->kernels.moment_words - 1];
}

static inline size_t cxm_priv_moments_bytes(const struct cxm_moments *m)
{
    return m->kernels.moment_words * sizeof *m->cells;
}

/* Moves those cells that n rows went to and that are full now, or all there are: to the exact sums of the
 * table. False: out of memory. */
bool cxm_priv_moments_empty(struct cxm_moments *m, struct cxm_table *groups, const uint32_t *at, size_t n);
bool cxm_priv_moments_to_table(struct cxm_moments *m, struct cxm_table *groups);

/* Is the first band one of weights, all of which are between 1e-100 and 1e100? */
bool cxm_priv_moments_weights(const struct cxm_moments *m);

#endif
