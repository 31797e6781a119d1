/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns are read by turns, a block each: too short for the processor to see what comes next, so
 * the rows of the next block are asked for, a few at a time while this one is added up. (All at
 * once they would wait for each other: of 2.5 ns a row that way 1 ns was waiting.) */
#ifndef CXM_SRC_AHEAD_H
#define CXM_SRC_AHEAD_H

#include "column/unweave.h"
#include "tally/tally.h"

enum { CXM_MOST_STREAMS = 16, CXM_MOST_STRIDE = 4096, CXM_NEAR_STRIDE = 8 };

/* Bytes that are still to be asked for; `step` bytes (or lines, where rows are further apart than
 * that) go with CXM_AHEAD_ROWS rows. */
struct cxm_ahead {
    struct cxm_stream {
        const char *at, *end;
        int64_t stride;
    } streams[CXM_MOST_STREAMS];
    uint32_t n;
    bool near_only;         /* wide structs are read otherwise */
    bool far_only;          /* numbers side by side are asked for otherwise (small.c) */
    struct cxm_asking wide; /* rows of wide structs that are left, one by one */
    size_t wide_left;
};
enum { CXM_AHEAD_ROWS = 64, CXM_CACHE_LINE = 64 };

/* The rows first … last - 1 of all columns, what earlier rows asked for is
 * dropped. */
void cxm_priv_ahead_plan(struct cxm_ahead *ahead, const struct cxm_config *config,
                         const struct cxm_sources *sources, int64_t first, int64_t last);

/* Asks for the next CXM_AHEAD_ROWS rows. */
static inline void cxm_priv_ahead_step(struct cxm_ahead *ahead)
{
    for (uint32_t i = 0; i < ahead->n; i++) {
        struct cxm_stream *s = &ahead->streams[i];
        const int64_t bytes = s->end - s->at, step = s->stride * CXM_AHEAD_ROWS;
        const char *const to = s->at + (step < bytes ? step : bytes);
        const int64_t hop = s->stride > CXM_CACHE_LINE ? s->stride : CXM_CACHE_LINE;
        for (; to - s->at > 0; s->at += to - s->at < hop ? to - s->at : hop)
            __builtin_prefetch(s->at, 0, 3);
    }
}

/* A line for each of the next rows, when there are that many; or again and again one that is there. */
static inline struct cxm_asking cxm_priv_ahead_wide(struct cxm_ahead *ahead, size_t rows,
                                                    const void *there)
{
    const struct cxm_asking asking = ahead->wide;
    if (rows > ahead->wide_left)
        return (struct cxm_asking){ (uintptr_t)there, 0 };
    ahead->wide_left -= rows;
    ahead->wide.from += rows * (uintptr_t)asking.step;
    return asking;
}

static inline void cxm_priv_ahead_all(struct cxm_ahead *ahead)
{
    for (int i = 0; i < CXM_BLOCK / CXM_AHEAD_ROWS; i++)
        cxm_priv_ahead_step(ahead);
}

#endif
