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
    const size_t row_bytes = (size_t)slots->n_stripes * slots->buffer_bytes;
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

/* Where the first row of a slot goes. Groups that grow alike would all write to the same few sets
 * of the cache if they began with their buffers, which are a power of two long: they begin a line
 * further one after the other, with zeros before. */
static uint32_t first_row(const struct cxm_small_slots *s, uint32_t slot)
{
    enum { LINE = 64, SETS = 64 };
    const uint32_t lines = s->buffer_bytes / LINE, buffers = SETS / lines > 0 ? SETS / lines : 1;
    return slot / buffers % lines * LINE;
}

bool cxm_priv_small_new_slot(struct cxm_small *s, uint32_t group, uint32_t *cursor)
{
    if (s->n_slots == s->room && !grow_slots(s))
        return false;
    struct cxm_small_slots *slots = &s->slots;
    const uint32_t slot = s->n_slots++, n = slots->n_stripes, zeros = first_row(slots, slot);
    memset(&slots->sums[(size_t)slot * n], 0, n * sizeof *slots->sums);
    slots->groups[slot] =
        (struct cxm_small_group){ .group = group, .rows = -(int64_t)(zeros / slots->row_bytes) };
    *cursor = slot * n * slots->buffer_bytes + slots->row_bytes;
    for (uint32_t t = 0; t < n; t++)
        memset(cxm_priv_small_row(slots, *cursor, t), 0, zeros);
    *cursor += zeros;
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
