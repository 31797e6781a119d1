/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sums of small.c as counts and sums of the table, once at the end; the formulas stand there. */
#include "tally/small_parts.h"

/* The sums of one group, 64 bits wide. */
struct totals {
    const struct cxm_small *small;
    const struct cxm_small_sums *sums; /* of its stripes */
    int64_t rows;
};

static int64_t total(const struct totals *t, const struct cxm_small_unit *unit, int sum,
                     uint32_t beside)
{
    return t->sums[unit->stripe].wide[sum][unit->lane + beside];
}

static void add_sum(const struct cxm_layout *layout, int64_t *cell, uint32_t sum,
                    cxm_i128 value)
{
    const bool negative = value < 0;
    const cxm_u128 size = negative ? -(cxm_u128)value : (cxm_u128)value;
    if (size != 0)
        cxm_priv_exact_add(cell + layout->at[sum], layout->windows[sum], size, 0, negative, 1);
}

/* Two variables: x = b + c, y = d + e. */
static void add_two(const struct totals *t, const struct cxm_small_unit *unit,
                    const struct cxm_layout *layout, int64_t *cell, uint32_t sum, int64_t used)
{
    const cxm_i128 c = unit->forms[0].constant, e = unit->forms[1].constant;
    const cxm_i128 b = total(t, unit, CXM_SUM_X, 0), d = total(t, unit, CXM_SUM_X, 1);
    add_sum(layout, cell, sum, b + c * used);
    add_sum(layout, cell, sum + 1, d + e * used);
    add_sum(layout, cell, sum + 2, total(t, unit, CXM_SUM_XX, 0) + 2 * c * b + c * c * used);
    add_sum(layout, cell, sum + 3,
            total(t, unit, CXM_SUM_XY, 0) + e * b + c * d + c * e * used);
    add_sum(layout, cell, sum + 4, total(t, unit, CXM_SUM_XX, 1) + 2 * e * d + e * e * used);
}

/* One variable: b + c, or l + 128 h + c. */
static void add_single(const struct totals *t, const struct cxm_small_unit *unit,
                       const struct cxm_layout *layout, int64_t *cell, uint32_t sum,
                       int64_t used)
{
    const cxm_i128 c = unit->forms[0].constant;
    cxm_i128 x = total(t, unit, CXM_SUM_X, 0), xx = total(t, unit, CXM_SUM_XX, 0);
    if (unit->two_bytes) {
        x += (cxm_i128)128 * total(t, unit, CXM_SUM_X, 1);
        xx += (cxm_i128)256 * total(t, unit, CXM_SUM_XY, 0)
              + (cxm_i128)16384 * total(t, unit, CXM_SUM_XX, 1);
    }
    add_sum(layout, cell, sum, x + c * used);
    add_sum(layout, cell, sum + 1, xx + 2 * c * x + c * c * used);
}

static void add_unit(const struct totals *t, uint32_t u, const struct cxm_layout *layout,
                     int64_t *cell)
{
    const struct cxm_config *config = t->small->config;
    const struct cxm_small_unit *unit = &t->small->units[u];
    const struct cxm_unit_layout at = cxm_priv_unit_layout(config, u, false);
    const uint32_t bins = config->units[u].bins;
    int64_t *counts = cell + at.counts_at;
    const int64_t missing = total(t, unit, CXM_SUM_FLAG, 0) / CXM_SMALL_FLAG;
    const int64_t used = t->rows - missing;
    if (bins == 3) {
        const int64_t above = total(t, unit, CXM_SUM_BEYOND, 0);
        const int64_t below = total(t, unit, CXM_SUM_BEYOND, 1);
        counts[0] += below;
        counts[1] += used - above - below;
        counts[2] += above;
    } else {
        counts[0] += used;
    }
    counts[bins] += missing;
    if (unit->n_forms == 2)
        add_two(t, unit, layout, cell, at.sums_at, used);
    else
        add_single(t, unit, layout, cell, at.sums_at, used);
}

/* The rows that are left in a buffer, and zeros that make them whole vectors. */
static void add_rest(struct cxm_small *s, uint32_t cursor)
{
    const uint32_t slot = cxm_priv_small_slot(&s->slots, cursor),
                   n_stripes = s->slots.n_stripes;
    const uint32_t bytes = s->slots.row_bytes;
    const uint32_t n = (cursor - bytes) % s->slots.buffer_bytes / bytes;
    const uint32_t start = cursor - n * bytes, whole = (n + 7) / 8 * 8;
    for (uint32_t t = 0; t < n_stripes && n > 0; t++) {
        uint8_t *rows = cxm_priv_small_row(&s->slots, start, t);
        memset(rows + (size_t)n * bytes, 0, (size_t)(whole - n) * bytes);
        s->kernels.add(&s->stripes[t], rows, whole, s->slots.flags,
                       &s->slots.sums[(size_t)slot * n_stripes + t]);
    }
    s->slots.groups[slot].rows += n;
    cxm_priv_small_spill(&s->slots, slot);
}

bool cxm_priv_small_flush(struct cxm_small *s, struct cxm_table *groups)
{
    struct cxm_window *windows =
        cxm_priv_alloc(s->allocator, groups->layout.n_sums, sizeof *windows);
    for (uint32_t k = 0; windows != NULL && k < groups->layout.n_sums; k++)
        windows[k] = (struct cxm_window){ 0, 2 };
    const bool room =
        windows != NULL
        && cxm_priv_table_reserve(groups, groups->capacity > 0 ? groups->capacity : 1, windows);
    cxm_priv_release(s->allocator, windows);
    for (size_t k = 0; room && k < s->n_cursors; k++) {
        const uint32_t cursor = s->slots.cursors[k];
        if (cursor == 0)
            continue;
        add_rest(s, cursor);
        const uint32_t slot = cxm_priv_small_slot(&s->slots, cursor);
        const struct cxm_small_group *group = &s->slots.groups[slot];
        const struct totals totals = { s, &s->slots.sums[(size_t)slot * s->slots.n_stripes],
                                       group->rows };
        if (group->group == UINT32_MAX)
            continue;
        int64_t *cell = cxm_priv_table_cell(groups, group->group);
        for (uint32_t u = 0; u < s->config->n_units; u++)
            add_unit(&totals, u, &groups->layout, cell);
    }
    return room;
}
