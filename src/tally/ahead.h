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

struct cxm_packed;

/* Bytes that are still to be asked for; `step` bytes (or lines, where rows are further apart than
 * that) go with CXM_AHEAD_ROWS rows. */
struct cxm_ahead {
    struct cxm_stream {
        const char *at, *end;
        int64_t stride;
    } streams[CXM_MOST_STREAMS];
    uint32_t n;
    bool far_only;             /* numbers side by side are asked for otherwise (small.c) */
    struct cxm_packed *packed; /* members of wide structs, whose next block is packed meanwhile */
};
enum { CXM_AHEAD_ROWS = 64, CXM_CACHE_LINE = 64 };

/* The rows first … last - 1 of all columns, what earlier rows asked for is
 * dropped. */
void cxm_priv_ahead_plan(struct cxm_ahead *ahead, const struct cxm_config *config,
                         const struct cxm_sources *sources, int64_t first, int64_t last);

/* Packs the next CXM_AHEAD_ROWS rows of wide structs. A line for each of as many later ones, for the
 * caller to ask for one by one; or again and again one that is there. (packed.c) */
struct cxm_asking cxm_priv_packed_step(struct cxm_packed *packed);

/* Asks for the next CXM_AHEAD_ROWS rows. */
static inline void cxm_priv_ahead_near(struct cxm_ahead *ahead)
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

/* With every CXM_AHEAD_ROWS rows that are added up: brings as many of the next block. What is left
 * over is for the caller, as above. */
static inline struct cxm_asking cxm_priv_ahead_step(struct cxm_ahead *ahead)
{
    cxm_priv_ahead_near(ahead);
    return ahead->packed != NULL ? cxm_priv_packed_step(ahead->packed)
                                 : (struct cxm_asking){ (uintptr_t)ahead, 0 };
}

static inline void cxm_priv_ahead_all(struct cxm_ahead *ahead)
{
    for (int i = 0; i < CXM_BLOCK / CXM_AHEAD_ROWS; i++)
        cxm_priv_ahead_near(ahead);
}

#endif
