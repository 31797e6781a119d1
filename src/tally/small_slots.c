/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Room for the groups of small.c: each has a slot, that is a buffer of rows and sums, and a cursor by
 * its key or by its number, 65 536 of them at most. */
#include "tally/small_parts.h"

enum { FEW_SLOTS = 32 };

static uint8_t *align(void *memory)
{
    return (uint8_t *)memory + (64 - (uintptr_t)memory % 64) % 64;
}

/* Room for twice as many slots; buffers and sums begin with a line of the cache. */
static bool grow_slots(struct cxm_small *s)
{
    enum { FRONT = 64 };
    struct cxm_small_slots *slots = &s->slots;
    const size_t room = s->room > 0 ? 2 * (size_t)s->room : FEW_SLOTS;
    const size_t row_bytes = (size_t)slots->n_stripes * CXM_BUFFER_BYTES;
    const size_t sum_bytes = slots->n_stripes * sizeof *slots->sums;
    void *rows = cxm_priv_alloc(s->allocator, room * row_bytes + FRONT + 64, 1);
    void *sums = cxm_priv_alloc(s->allocator, room * sum_bytes + 64, 1);
    struct cxm_small_group *groups = cxm_priv_alloc(s->allocator, room, sizeof *groups);
    if (rows == NULL || sums == NULL || groups == NULL) {
        cxm_priv_release(s->allocator, rows);
        cxm_priv_release(s->allocator, sums);
        cxm_priv_release(s->allocator, groups);
        return false;
    }
    if (s->room > 0) {
        memcpy(align(rows), slots->buffers, FRONT + s->n_slots * row_bytes);
        memcpy(align(sums), slots->sums, s->n_slots * sum_bytes);
        memcpy(groups, slots->groups, s->n_slots * sizeof *groups);
    }
    cxm_priv_release(s->allocator, s->rows_memory);
    cxm_priv_release(s->allocator, s->sums_memory);
    cxm_priv_release(s->allocator, slots->groups);
    s->rows_memory = rows;
    s->sums_memory = sums;
    slots->buffers = align(rows);
    slots->sums = (struct cxm_small_sums *)(void *)align(sums);
    slots->groups = groups;
    s->room = (uint32_t)room;
    return true;
}

bool cxm_priv_small_new_slot(struct cxm_small *s, uint32_t group, uint32_t *cursor)
{
    if (s->n_slots == s->room && !grow_slots(s))
        return false;
    const uint32_t slot = s->n_slots++, n = s->slots.n_stripes;
    memset(&s->slots.sums[(size_t)slot * n], 0, n * sizeof *s->slots.sums);
    s->slots.groups[slot] = (struct cxm_small_group){ .group = group };
    *cursor = slot * n * CXM_BUFFER_BYTES + CXM_LANES;
    return true;
}

bool cxm_priv_small_move_cursors(struct cxm_small *s, int64_t base, size_t n)
{
    uint32_t *cursors = cxm_priv_alloc_zero(s->allocator, n, sizeof *cursors);
    if (cursors == NULL)
        return false;
    if (s->n_cursors > 0)
        memcpy(cursors + (s->base - base), s->slots.cursors, s->n_cursors * sizeof *cursors);
    cxm_priv_release(s->allocator, s->slots.cursors);
    s->slots.cursors = cursors;
    s->base = base;
    s->n_cursors = n;
    return true;
}

bool cxm_priv_small_leave_keys(struct cxm_small *s, size_t n_groups)
{
    const size_t n = n_groups + 1;
    uint32_t *cursors = cxm_priv_alloc_zero(s->allocator, n, sizeof *cursors);
    if (cursors == NULL)
        return false;
    for (size_t k = 0; k < s->n_cursors; k++) {
        const uint32_t cursor = s->slots.cursors[k];
        if (cursor != 0)
            cursors[s->slots.groups[cxm_priv_small_slot(&s->slots, cursor)].group + 1] = cursor;
    }
    cxm_priv_release(s->allocator, s->slots.cursors);
    s->slots.cursors = cursors;
    s->base = 0;
    s->n_cursors = n;
    s->by_key = false;
    return true;
}
