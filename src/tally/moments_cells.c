/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From cells of moments (kernels.h, moments.c) to the table: the words of a cell are put together to the
 * sum and the sum of squares of its rows, whole numbers that become limbs of exact sums. A cell that is
 * full goes there by itself, and all do at the end; groups of slots are made then. */
#include "tally/moments_parts.h"

/* The sums of a cell as words, low word first: the halves of a square overlap by 16 bits. */
struct totals {
    int64_t rows;
    uint64_t sum[2], squares[3];
};

/* Of squares the lowest word, and what is above it. */
static struct totals totals_of(uint64_t rows, cxm_u128 sum, uint64_t lowest, cxm_u128 upper)
{
    return (struct totals){ (int64_t)rows,
                            { (uint64_t)sum, (uint64_t)(sum >> 64) },
                            { lowest, (uint64_t)upper, (uint64_t)(upper >> 64) } };
}

static struct totals total_of_wide(const uint64_t *cell)
{
    const uint64_t last = cell[7] & (((uint64_t)1 << CXM_COUNT_AT) - 1);
    const cxm_u128 sum = ((cxm_u128)cell[1] << 32) + cell[0];
    const cxm_u128 bb = ((cxm_u128)cell[3] << 32) + cell[2];
    const cxm_u128 ab = ((cxm_u128)cell[5] << 32) + cell[4];
    const cxm_u128 aa = ((cxm_u128)last << 32) + cell[6];
    const cxm_u128 lower = bb + (ab << 33), upper = (lower >> 64) + aa; /* all are below 2^114 */
    return totals_of(cell[7] >> CXM_COUNT_AT, sum, (uint64_t)lower, upper);
}

static struct totals total_of_slim(const uint64_t *cell)
{
    enum { HIGH_BITS = CXM_SLIM_COUNT_AT - CXM_SLIM_HIGH_AT };
    const uint64_t high = cell[3] >> CXM_SLIM_HIGH_AT & (((uint64_t)1 << HIGH_BITS) - 1);
    const cxm_u128 sum = ((cxm_u128)high << CXM_SLIM_LOW) + cell[0];
    const cxm_u128 lower = ((cxm_u128)cell[2] << CXM_SLIM_SQUARE) + cell[1];
    const cxm_u128 upper = (lower >> 64) + ((cxm_u128)(uint32_t)cell[3] << (2 * CXM_SLIM_SQUARE - 64));
    return totals_of(cell[3] >> CXM_SLIM_COUNT_AT, sum, (uint64_t)lower, upper);
}

static struct totals total(const struct cxm_moments *m, size_t at)
{
    return m->kernels.moment_words == CXM_SLIM_WORDS ? total_of_slim(cxm_priv_moments_cell(m, at))
                                                     : total_of_wide(cxm_priv_moments_cell(m, at));
}

static void include(struct cxm_span *span, const uint64_t *words, int n, int32_t exponent)
{
    for (int k = 0; k < n; k++) {
        if (words[k] != 0)
            cxm_priv_span_include(span, exponent + 64 * k + __builtin_ctzll(words[k]),
                                  exponent + 64 * (k + 1) - __builtin_clzll(words[k]));
    }
}

/* Words have 64 bits, digits 32; the last limb of a window has room for two. */
static void add_words(const struct cxm_layout *layout, int64_t *cell, uint32_t sum,
                      const uint64_t *words, int n, int32_t exponent, bool negative)
{
    const struct cxm_window window = layout->windows[sum];
    int64_t *limbs = cell + layout->at[sum];
    const int32_t up = exponent + 32 * CXM_MOST_DIGITS; /* not below 0 */
    int32_t at = up / 32 - CXM_MOST_DIGITS - window.lo;
    uint64_t rest = 0;
    for (int k = 0; k <= n; k++, at += 2) {
        const cxm_u128 both = ((cxm_u128)(k < n ? words[k] : 0) << up % 32) + rest;
        const uint32_t digits[2] = { (uint32_t)both, (uint32_t)(both >> 32) };
        for (int d = 0; d < 2; d++) {
            const int32_t limb = at + d < window.n ? at + d : window.n - 1;
            const int64_t digit = (int64_t)((uint64_t)digits[d] << (at + d > limb ? 32 : 0));
            if (digits[d] != 0)
                limbs[limb] += negative ? -digit : digit;
        }
        rest = (uint64_t)(both >> 64);
    }
    cxm_priv_exact_normalise(limbs, window);
}

/* Which cell that is: [band][plane][group or slot + 1]. */
struct place {
    size_t band, group;
    uint32_t code;
    bool negative;
};

static struct place place_of(const struct cxm_moments *m, size_t at)
{
    const size_t plane = at / m->room;
    const uint32_t in_band = (uint32_t)(plane % m->planes);
    return (struct place){ plane / m->planes, at % m->room - 1, in_band % m->n_codes,
                           in_band >= m->n_codes };
}

/* A number of band b is q 2^exponent. */
static int32_t exponent_of(const struct cxm_moments *m, size_t band)
{
    return m->bases[band] - 1075;
}

/* Weights have their sums by answer. */
static uint32_t first_sum(const struct cxm_moments *m, uint32_t code)
{
    return m->weighted ? 2 * code : 0;
}

static void include_cell(struct cxm_moments *m, struct cxm_span *sum, struct cxm_span *squares,
                         size_t at)
{
    const struct place place = place_of(m, at);
    const struct totals t = total(m, at);
    include(sum, t.sum, 2, exponent_of(m, place.band));
    include(squares, t.squares, 3, 2 * exponent_of(m, place.band));
}

/* Number of a group in the table. UINT32_MAX: it was not there yet, and there is no memory. */
static uint32_t group_of(struct cxm_moments *m, struct cxm_table *groups, size_t group)
{
    return m->keyed->n_slots > 0 ? cxm_priv_keyed_group(m->keyed, groups, group) : (uint32_t)group;
}

/* The group is there, and windows for what is in the cell. */
static void empty_cell(struct cxm_moments *m, struct cxm_table *groups, size_t at)
{
    const struct place place = place_of(m, at);
    const struct totals t = total(m, at);
    int64_t *to = cxm_priv_table_cell(groups, group_of(m, groups, place.group));
    to[place.code] += t.rows;
    if (place.code < m->bins) {
        const int32_t exponent = exponent_of(m, place.band);
        const uint32_t sum = first_sum(m, place.code);
        add_words(&groups->layout, to, sum, t.sum, 2, exponent, place.negative);
        add_words(&groups->layout, to, sum + 1, t.squares, 3, 2 * exponent, false);
    }
    memset(cxm_priv_moments_cell(m, at), 0, cxm_priv_moments_bytes(m));
}

static bool widen(struct cxm_table *groups, const struct cxm_window *windows)
{
    return cxm_priv_table_reserve(groups, groups->capacity > 0 ? groups->capacity : 1, windows);
}

/* Windows of the table for all cells of the answers of its first groups. */
static bool widen_for_all(struct cxm_moments *m, struct cxm_table *groups, size_t known)
{
    struct cxm_span sum = CXM_SPAN_EMPTY, squares = CXM_SPAN_EMPTY;
    for (uint32_t c = 0; c < m->bins; c++) {
        for (size_t plane = c; plane < m->n_bands * m->planes; plane += m->n_codes) {
            for (size_t g = 1; g <= known; g++)
                include_cell(m, &sum, &squares, plane * m->room + g);
        }
        const uint32_t at = first_sum(m, c);
        m->windows[at] = cxm_priv_window_for(sum);
        m->windows[at + 1] = cxm_priv_window_for(squares);
        if (m->weighted)
            sum = squares = CXM_SPAN_EMPTY;
    }
    return widen(groups, m->windows);
}

/* A cell that is full, or one of the rows left out. */
static bool empty_full_cell(struct cxm_moments *m, struct cxm_table *groups, size_t at)
{
    const struct place place = place_of(m, at);
    if (at % m->room == 0) {
        memset(cxm_priv_moments_cell(m, at), 0, cxm_priv_moments_bytes(m));
        return true;
    }
    if (group_of(m, groups, place.group) == UINT32_MAX)
        return false;
    if (place.code < m->bins) {
        struct cxm_span sum = CXM_SPAN_EMPTY, squares = CXM_SPAN_EMPTY;
        include_cell(m, &sum, &squares, at);
        memcpy(m->windows, groups->layout.windows, groups->layout.n_sums * sizeof *m->windows);
        m->windows[first_sum(m, place.code)] = cxm_priv_window_for(sum);
        m->windows[first_sum(m, place.code) + 1] = cxm_priv_window_for(squares);
        if (!widen(groups, m->windows))
            return false;
    }
    empty_cell(m, groups, at);
    return true;
}

bool cxm_priv_moments_empty(struct cxm_moments *m, struct cxm_table *groups, const uint32_t *at,
                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (cxm_priv_moments_last(m, at[i]) >= m->full && !empty_full_cell(m, groups, at[i]))
            return false;
    }
    return true;
}

/* The groups of all slots with rows, in the order of their keys. */
static bool make_groups(struct cxm_moments *m, struct cxm_table *groups)
{
    for (size_t g = 1; g < m->room; g++) {
        uint64_t any = 0;
        for (size_t plane = 0; plane < m->n_bands * m->planes; plane++)
            any |= cxm_priv_moments_last(m, plane * m->room + g);
        if (any != 0 && group_of(m, groups, g - 1) == UINT32_MAX)
            return false;
    }
    return true;
}

bool cxm_priv_moments_to_table(struct cxm_moments *m, struct cxm_table *groups)
{
    const bool keyed = m->keyed->n_slots > 0;
    const size_t known = keyed || m->room - 1 < groups->dict.n ? m->room - 1 : groups->dict.n;
    if (keyed && !make_groups(m, groups))
        return false;
    if (!widen_for_all(m, groups, known))
        return false;
    for (size_t plane = 0; plane < m->n_bands * m->planes; plane++) {
        for (size_t g = 1; g <= known; g++) {
            const size_t at = plane * m->room + g;
            if (cxm_priv_moments_last(m, at) != 0)
                empty_cell(m, groups, at);
        }
    }
    return true;
}
