/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which bytes the next rows of a call lie in. Members of one struct are one stream: they are in
 * the same lines. */
#include "tally/ahead.h"
#include "tally/packed.h"

static bool follows(const struct cxm_stream *s, const char *at, int64_t stride)
{
    const uintptr_t here = (uintptr_t)at, there = (uintptr_t)s->at;
    const uintptr_t apart = here > there ? here - there : there - here;
    return s->stride == stride && stride >= CXM_CACHE_LINE
        && (stride % CXM_CACHE_LINE == 0 ? here / CXM_CACHE_LINE == there / CXM_CACHE_LINE
                                         : apart < CXM_CACHE_LINE / 2);
}

static void plan_column(struct cxm_ahead *ahead, const struct cxm_column *c, int64_t first,
                        int64_t last)
{
    if (c == NULL || c->data == NULL || c->n_chunks > 0 || c->type < CXM_I8 || c->type > CXM_BOOL
        || c->stride < 1 || c->stride > (ahead->packed != NULL ? CXM_LEAST_STRIDE - 1 : CXM_MOST_STRIDE)
        || (ahead->far_only && c->stride <= CXM_NEAR_STRIDE) || ahead->n == CXM_MOST_STREAMS)
        return;
    const char *const at = (const char *)c->data + (c->offset + first) * c->stride;
    for (uint32_t i = 0; i < ahead->n; i++) {
        if (follows(&ahead->streams[i], at, c->stride))
            return;
    }
    ahead->streams[ahead->n++] = (struct cxm_stream){
        at, at + (last - first - 1) * c->stride + 1, c->stride,
    };
}

void cxm_priv_ahead_plan(struct cxm_ahead *ahead, const struct cxm_config *config,
                         const struct cxm_sources *sources, int64_t first, int64_t last)
{
    ahead->n = 0;
    if (first >= last)
        return;
    const int64_t end = last - first < CXM_BLOCK ? last : first + CXM_BLOCK;
    for (uint32_t slot = 0; slot < config->n_slots; slot++)
        plan_column(ahead, sources->slots[slot], first, end);
    for (uint32_t k = 0; k < sources->n_keys; k++)
        plan_column(ahead, sources->keys[k], first, end);
    plan_column(ahead, sources->weight, first, end);
}
