/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables of cells: see table.h. */
#include "tally/table.h"

static bool layout_init(struct cxm_layout *layout, const struct cxm_allocator *allocator,
                        uint32_t n_counts, uint32_t n_sums)
{
    *layout = (struct cxm_layout){ .n_counts = n_counts, .n_sums = n_sums, .stride = n_counts };
    if (n_sums == 0)
        return true;
    layout->windows = cxm_priv_alloc_zero(allocator, n_sums, sizeof *layout->windows);
    layout->at = cxm_priv_alloc_zero(allocator, n_sums, sizeof *layout->at);
    for (uint32_t s = 0; layout->at != NULL && s < n_sums; s++)
        layout->at[s] = n_counts;
    return layout->windows != NULL && layout->at != NULL;
}

static void layout_release(struct cxm_layout *layout, const struct cxm_allocator *allocator)
{
    cxm_priv_release(allocator, layout->windows);
    cxm_priv_release(allocator, layout->at);
    layout->windows = NULL;
    layout->at = NULL;
}

bool cxm_priv_table_init(struct cxm_table *table, const struct cxm_allocator *allocator,
                         uint32_t n_counts, uint32_t n_sums)
{
    cxm_priv_table_none(table, allocator);
    if (layout_init(&table->layout, allocator, n_counts, n_sums))
        return true;
    cxm_priv_table_release(table);
    return false;
}

void cxm_priv_table_release(struct cxm_table *table)
{
    layout_release(&table->layout, table->allocator);
    cxm_priv_dict_release(&table->dict);
    cxm_priv_release(table->allocator, table->cells);
    table->cells = NULL;
    table->capacity = 0;
}

/* Copies all cells into a layout with wider windows. */
static bool widen(struct cxm_table *table, size_t capacity, const struct cxm_window *windows)
{
    struct cxm_table wide = *table;
    if (!layout_init(&wide.layout, table->allocator, table->layout.n_counts,
                     table->layout.n_sums)) {
        layout_release(&wide.layout, table->allocator);
        return false;
    }
    for (uint32_t s = 0; s < wide.layout.n_sums; s++) {
        wide.layout.at[s] = (uint32_t)wide.layout.stride;
        wide.layout.windows[s] = cxm_priv_window_union(table->layout.windows[s], windows[s]);
        wide.layout.stride += (size_t)wide.layout.windows[s].n;
    }
    wide.cells = cxm_priv_alloc_zero_dense(table->allocator, capacity,
                                           wide.layout.stride * sizeof(int64_t));
    if (wide.cells == NULL) {
        layout_release(&wide.layout, table->allocator);
        return false;
    }
    wide.capacity = capacity;
    for (uint32_t i = 0; i < table->dict.n; i++)
        cxm_priv_cell_merge(&wide, cxm_priv_table_cell(&wide, i), table,
                            cxm_priv_table_cell(table, i), 1);
    layout_release(&table->layout, table->allocator);
    cxm_priv_release(table->allocator, table->cells);
    *table = wide;
    return true;
}

static bool covers(const struct cxm_layout *layout, const struct cxm_window *windows)
{
    for (uint32_t s = 0; windows != NULL && s < layout->n_sums; s++) {
        if (!cxm_priv_window_covers(layout->windows[s], windows[s]))
            return false;
    }
    return true;
}

bool cxm_priv_table_reserve(struct cxm_table *table, size_t cells,
                            const struct cxm_window *windows)
{
    const bool fits = cells <= table->capacity;
    const size_t half_more = table->capacity + table->capacity / 2;
    const size_t capacity = fits ? table->capacity : cells > half_more ? cells : half_more;
    if (!covers(&table->layout, windows))
        return widen(table, capacity > 0 ? capacity : 1, windows);
    if (fits)
        return true;
    const size_t bytes = table->layout.stride * sizeof(int64_t);
    int64_t *grown = cxm_priv_alloc_zero_dense(table->allocator, capacity, bytes);
    if (grown == NULL)
        return false;
    if (table->dict.n > 0)
        memcpy(grown, table->cells, table->dict.n * bytes);
    cxm_priv_release(table->allocator, table->cells);
    table->cells = grown;
    table->capacity = capacity;
    return true;
}

uint32_t cxm_priv_table_add(struct cxm_table *table, const uint8_t *key, size_t n)
{
    if (table->dict.n >= table->capacity) {
        const uint32_t found = cxm_priv_dict_find(&table->dict, key, n);
        if (found != UINT32_MAX)
            return found;
        if (!cxm_priv_table_reserve(table, (size_t)table->dict.n + 1, NULL))
            return UINT32_MAX;
    }
    return cxm_priv_dict_add(&table->dict, key, n);
}

void cxm_priv_table_normalise(struct cxm_table *table)
{
    const struct cxm_layout *layout = &table->layout;
    for (uint32_t i = 0; i < table->dict.n && layout->n_sums > 0; i++) {
        int64_t *cell = cxm_priv_table_cell(table, i);
        for (uint32_t s = 0; s < layout->n_sums; s++)
            cxm_priv_exact_normalise(cell + layout->at[s], layout->windows[s]);
    }
}

/* Cell order[i] becomes cell i, cycle by cycle; cells of the way are asked for. `order` is used up. */
static void move_cells(struct cxm_table *table, uint32_t *order, int64_t *spare)
{
    enum { LINE = 8 };
    const size_t stride = table->layout.stride, bytes = stride * sizeof *spare;
    for (uint32_t i = 0; i < table->dict.n; i++) {
        if (order[i] == i)
            continue;
        memcpy(spare, cxm_priv_table_cell(table, i), bytes);
        uint32_t at = i, from, soon = order[order[i]];
        for (; (from = order[at]) != i; at = from) {
            soon = order[soon];
            for (size_t k = 0; k < stride; k += LINE)
                __builtin_prefetch(cxm_priv_table_cell(table, soon) + k);
            memcpy(cxm_priv_table_cell(table, at), cxm_priv_table_cell(table, from), bytes);
            order[at] = at;
        }
        memcpy(cxm_priv_table_cell(table, at), spare, bytes);
        order[at] = at;
    }
}

void cxm_priv_table_settle(struct cxm_table *table)
{
    enum { MANY = 1 << 14 };
    const uint32_t n = table->dict.n;
    if (n < MANY || cxm_priv_dict_in_order(&table->dict))
        return;
    uint32_t *order = cxm_priv_alloc(table->allocator, n, sizeof *order);
    int64_t *spare = cxm_priv_alloc(table->allocator, table->layout.stride, sizeof *spare);
    if (order != NULL && spare != NULL && cxm_priv_dict_sort(&table->dict, order)
        && cxm_priv_dict_put_in_order(&table->dict, order))
        move_cells(table, order, spare);
    cxm_priv_release(table->allocator, order);
    cxm_priv_release(table->allocator, spare);
}

static void merge_sum(int64_t *limbs, struct cxm_window to, const int64_t *from,
                      struct cxm_window window, int sign)
{
    if (to.lo == window.lo && to.n == window.n)
        cxm_priv_exact_merge_alike(limbs, from, to.n, sign);
    else
        cxm_priv_exact_merge(limbs, to, from, window, sign);
}

void cxm_priv_cell_merge(const struct cxm_table *into, int64_t *cell,
                         const struct cxm_table *from, const int64_t *other, int sign)
{
    for (uint32_t i = 0; i < from->layout.n_counts; i++)
        cell[i] += sign * other[i];
    for (uint32_t s = 0; s < from->layout.n_sums; s++)
        merge_sum(cell + into->layout.at[s], into->layout.windows[s], other + from->layout.at[s],
                  from->layout.windows[s], sign);
}

struct cxm_dd cxm_priv_cell_sums(const struct cxm_table *table, const int64_t *cell, uint32_t first,
                                 uint32_t n)
{
    const struct cxm_layout *layout = &table->layout;
    if (n == 1)
        return cxm_priv_cell_sum(table, cell, first);
    int64_t limbs[CXM_MOST_DIGITS];
    struct cxm_window window = { 0, 0 };
    for (uint32_t i = 0; i < n; i++)
        window = cxm_priv_window_union(window, layout->windows[first + 2 * i]);
    memset(limbs, 0, (size_t)window.n * sizeof *limbs);
    for (uint32_t i = 0; i < n; i++)
        merge_sum(limbs, window, cell + layout->at[first + 2 * i], layout->windows[first + 2 * i], 1);
    return cxm_priv_exact_value(limbs, window);
}

bool cxm_priv_cell_equal(const struct cxm_table *a, const int64_t *cell,
                         const struct cxm_table *b, const int64_t *other)
{
    if (memcmp(cell, other, a->layout.n_counts * sizeof *cell) != 0)
        return false;
    for (uint32_t s = 0; s < a->layout.n_sums; s++) {
        if (!cxm_priv_exact_equal(cell + a->layout.at[s], a->layout.windows[s],
                                  other + b->layout.at[s], b->layout.windows[s]))
            return false;
    }
    return true;
}

bool cxm_priv_cell_is_zero(const struct cxm_table *table, const int64_t *cell)
{
    for (size_t i = 0; i < table->layout.stride; i++) {
        if (cell[i] != 0)
            return false;
    }
    return true;
}

/* Worth walking along both? A few rows at a time shall not move all cells each time. */
static bool both_in_order(const struct cxm_table *into, const struct cxm_table *from)
{
    enum { PART = 16 };
    return cxm_priv_dict_in_order(&into->dict) && cxm_priv_dict_in_order(&from->dict)
        && from->dict.n >= into->dict.n / PART;
}

static bool becomes_copy(const struct cxm_table *into, int sign)
{
    return into->dict.n == 0 && sign == 1;
}

bool cxm_priv_table_plan_merge(struct cxm_table *into, const struct cxm_table *from)
{
    size_t bytes;
    if (into->dict.n == 0)
        return cxm_priv_table_reserve(into, from->dict.n, from->layout.windows)
            && cxm_priv_dict_reserve_like(&into->dict, &from->dict);
    if (cxm_priv_dict_equal(&into->dict, &from->dict))
        return cxm_priv_table_reserve(into, into->dict.n, from->layout.windows);
    if (from->dict.n > 0 && !both_in_order(into, from) && !cxm_priv_dict_index(&into->dict))
        return false;
    const size_t keys = cxm_priv_dict_missing(&into->dict, &from->dict, &bytes);
    return cxm_priv_table_reserve(into, into->dict.n + keys, from->layout.windows)
        && cxm_priv_dict_reserve(&into->dict, keys, bytes);
}

static bool same_layout(const struct cxm_layout *a, const struct cxm_layout *b)
{
    return a->stride == b->stride
        && (a->n_sums == 0
            || memcmp(a->windows, b->windows, a->n_sums * sizeof *a->windows) == 0);
}

static void copy_table(struct cxm_table *into, const struct cxm_table *from)
{
    const size_t bytes = from->layout.stride * sizeof *from->cells;
    cxm_priv_dict_copy(&into->dict, &from->dict);
    if (same_layout(&into->layout, &from->layout)) {
        if (from->dict.n > 0)
            memcpy(into->cells, from->cells, from->dict.n * bytes);
        return;
    }
    for (uint32_t i = 0; i < from->dict.n; i++)
        cxm_priv_cell_merge(into, cxm_priv_table_cell(into, i), from, cxm_priv_table_cell(from, i),
                            1);
}

struct merge {
    struct cxm_table *into;
    const struct cxm_table *from;
    int sign;
};

/* A cell moves up to its new place and takes up that of the other table. */
static void place(void *context, uint32_t to, uint32_t own, uint32_t other)
{
    const struct merge *m = context;
    const size_t bytes = m->into->layout.stride * sizeof(int64_t);
    int64_t *cell = cxm_priv_table_cell(m->into, to);
    if (own == UINT32_MAX)
        memset(cell, 0, bytes);
    else if (own != to)
        memcpy(cell, cxm_priv_table_cell(m->into, own), bytes);
    if (other != UINT32_MAX)
        cxm_priv_cell_merge(m->into, cell, m->from, cxm_priv_table_cell(m->from, other), m->sign);
}

/* The cells of keys that come soon. */
static void fetch_cell(const struct cxm_table *into, const struct cxm_table *from, uint32_t i)
{
    enum { LINE = 8 };
    const uint32_t at = cxm_priv_dict_fetch(&into->dict, &from->dict, i);
    if (at == UINT32_MAX)
        return;
    const int64_t *cell = cxm_priv_table_cell(into, at);
    for (size_t k = 0; k < into->layout.stride; k += LINE)
        __builtin_prefetch(cell + k, 1);
}

void cxm_priv_table_apply_merge(struct cxm_table *into, const struct cxm_table *from, int sign)
{
    if (becomes_copy(into, sign)) {
        copy_table(into, from);
        return;
    }
    const bool same_keys = cxm_priv_dict_equal(&into->dict, &from->dict);
    if (!same_keys && both_in_order(into, from)) {
        struct merge merge = { into, from, sign };
        cxm_priv_dict_merge_in_order(&into->dict, &from->dict, place, &merge);
        return;
    }
    for (uint32_t i = 0; i < from->dict.n; i++) {
        size_t n;
        uint32_t at = i;
        if (!same_keys) {
            const uint8_t *key = cxm_priv_dict_key(&from->dict, i, &n);
            fetch_cell(into, from, i);
            at = cxm_priv_dict_add(&into->dict, key, n);
        }
        cxm_priv_cell_merge(into, cxm_priv_table_cell(into, at), from,
                            cxm_priv_table_cell(from, i), sign);
    }
}
