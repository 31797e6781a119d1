/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact sums of a block, the quick way. Within a block most columns have values of like size:
 * then each is a whole number q times one power of two, |q| < 2^62, and a sum of values or
 * of products is a sum of integers that is cut along the digits of the accumulator with one
 * shift known beforehand. Blocks that do not fit, and those of one row, go value by value, with
 * the same result: both are exact. */
#include "tally/kernels.h"
#include "tally/tally.h"

#include <math.h>

enum { QUANTUM_BITS = 62 };

/* 2^e for |e| <= 1000, exact. */
static double power_of_two(int32_t e)
{
    const uint64_t bits = (uint64_t)(1023 + e) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t largest_bits(const double *x, size_t n)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= INT64_MAX;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

/* Answers are whole numbers most of the time. */
static bool quantise_whole(const double *x, size_t n, struct cxm_quanta *out)
{
    uint64_t all = 0;
    const bool whole = cxm_priv_kernels(0).whole_numbers(x, n, out->q, &all);
    out->exponent = 0;
    out->bits = all == 0 ? 0 : 64 - __builtin_clzll(all);
    return whole;
}

bool cxm_priv_quantise(const double *x, size_t n, struct cxm_quanta *out)
{
    if (quantise_whole(x, n, out))
        return true;
    const uint64_t largest = largest_bits(x, n);
    out->exponent = 0;
    out->bits = 0; /* no digits at all */
    if (largest == 0) {
        memset(out->q, 0, n * sizeof *out->q);
        return true;
    }
    const int32_t top = (int32_t)(largest >> 52) - 1022; /* |x| < 2^top */
    const int32_t low = top - QUANTUM_BITS;
    if (low < -1000 || low > 0) /* scaled down, a small value could vanish */
        return false;
    const double scale = power_of_two(-low);
    int64_t all = 0;
    bool whole = true;
    for (size_t i = 0; i < n; i++) {
        const double scaled = x[i] * scale;
        const int64_t q = (int64_t)scaled;
        whole = whole && (double)q == scaled;
        all |= q;
        out->q[i] = q;
    }
    if (!whole)
        return false;
    const int zeros = __builtin_ctzll((uint64_t)all);
    for (size_t i = 0; i < n && zeros > 0; i++)
        out->q[i] >>= zeros;
    out->exponent = low + zeros;
    out->bits = QUANTUM_BITS - zeros;
    return true;
}

/* ---- spans and windows ---------------------------------------------------------------- */

/* The digits of a column: at once when it was quantised, else value by value. */
static void include(struct cxm_span *span, const struct cxm_quanta *quanta, const double *x,
                    size_t n)
{
    if (quanta->good) {
        if (quanta->bits > 0)
            cxm_priv_span_include(span, quanta->exponent, quanta->exponent + quanta->bits);
        return;
    }
    for (size_t i = 0; i < n; i++)
        cxm_priv_span_value(span, x[i]);
}

static enum cxm_status overflow_of(const struct cxm_config *config, int64_t row,
                                   struct cxm_error *error)
{
    return cxm_priv_fail_at(error, CXM_EOVERFLOW, config->rules->info->inputs[0].name, row, NULL,
                            "row %lld: what is summed is beyond the range of a double",
                            (long long)row);
}

/* Infinite: the difference of huge values, or a huge value times its weight. The block ends
 * before the row that is named, so that another column can only name a lower one. */
static enum cxm_status check_finite(struct cxm_scratch *s, const double *x, int64_t first,
                                    struct cxm_error *error)
{
    for (size_t i = 0; i < s->block.n; i++) {
        if (isfinite(x[i]))
            continue;
        s->block.n = i;
        return overflow_of(s->config, first + (int64_t)i, error);
    }
    return CXM_OK;
}

/* v = w x, rounded to double: squares are those of v, which moves every value by less than half
 * a unit in its last place, the same in any order; a residual v - m w keeps its digits. */
static enum cxm_status weigh(struct cxm_scratch *s, uint32_t variable, int64_t first,
                             struct cxm_error *error)
{
    const double *x = s->block.variables[variable];
    double *v = s->weighed[variable];
    bool finite = true;
    for (size_t i = 0; i < s->block.n; i++) {
        v[i] = s->weight[i] * x[i];
        finite = finite && v[i] - v[i] == 0;
    }
    return finite ? CXM_OK : check_finite(s, v, first, error);
}

static void unit_windows(struct cxm_scratch *s, uint32_t u)
{
    const struct cxm_unit_spec *unit = &s->config->units[u];
    const struct cxm_unit_layout *layout = &s->layouts[u];
    const uint32_t p = unit->variables;
    const struct cxm_span *x = s->spans + layout->variables_at;
    const struct cxm_span *v = x + s->config->n_variables;
    const struct cxm_span w = s->weight_span;
    struct cxm_window *out = s->windows + layout->sums_at;
    for (uint32_t b = 0; s->weighted && b < unit->bins; b++) {
        *out++ = cxm_priv_window_for(w);
        *out++ = cxm_priv_window_for(cxm_priv_span_product(w, w));
    }
    for (uint32_t i = 0; i < p; i++)
        *out++ = cxm_priv_window_for(s->weighted ? cxm_priv_span_product(w, x[i]) : x[i]);
    for (uint32_t i = 0; s->weighted && i < p; i++)
        *out++ = cxm_priv_window_for(v[i]);
    for (uint32_t i = 0; s->weighted && i < p; i++)
        *out++ = cxm_priv_window_for(cxm_priv_span_product(w, v[i]));
    const struct cxm_span *left = s->weighted ? v : x;
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i; j < p; j++)
            *out++ = cxm_priv_window_for(cxm_priv_span_product(left[i], left[j]));
    for (uint32_t i = 0; s->weighted && i < p; i++)
        for (uint32_t j = i; j < p; j++)
            *out++ = cxm_priv_window_for(
                cxm_priv_span_product(w, cxm_priv_span_product(x[i], x[j])));
}

static bool same_spans(const struct cxm_span *a, const struct cxm_span *b, uint32_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

enum cxm_status cxm_priv_sums_prepare(struct cxm_scratch *s, struct cxm_table *groups,
                                      int64_t first, struct cxm_error *error)
{
    const uint32_t n = s->config->n_variables;
    const bool alone = s->block.n == 1; /* one value is its digits: nothing to look for in common */
    const struct cxm_span weight_span = s->weight_span;
    const bool known = s->windows_known;
    enum cxm_status status = CXM_OK;
    s->windows_known = false; /* until all went well: spans may have grown when it did not */
    memcpy(s->old_spans, s->spans, 2 * n * sizeof *s->spans);
    for (uint32_t v = 0; v < n; v++) {
        const double *x = s->block.variables[v];
        s->x[v].good = !alone && cxm_priv_quantise(x, s->block.n, &s->x[v]);
        const enum cxm_status finite = s->weighted     ? weigh(s, v, first, error)
                                     : s->x[v].good    ? CXM_OK
                                                       : check_finite(s, x, first, error);
        status = finite != CXM_OK ? finite : status;
        include(&s->spans[v], &s->x[v], x, s->block.n);
        if (!s->weighted)
            continue;
        s->v[v].good = !alone && cxm_priv_quantise(s->weighed[v], s->block.n, &s->v[v]);
        include(&s->spans[n + v], &s->v[v], s->weighed[v], s->block.n);
    }
    if (status != CXM_OK)
        return status;
    if (s->weighted) {
        s->w.good = !alone && cxm_priv_quantise(s->weight, s->block.n, &s->w);
        include(&s->weight_span, &s->w, s->weight, s->block.n);
    }
    if (!known || !same_spans(s->old_spans, s->spans, 2 * n)
        || !same_spans(&weight_span, &s->weight_span, 1)) {
        for (uint32_t u = 0; u < s->config->n_units; u++)
            unit_windows(s, u);
        if (!cxm_priv_table_reserve(groups, groups->capacity > 0 ? groups->capacity : 1,
                                    s->windows))
            return cxm_priv_no_memory(error);
    }
    s->windows_known = true;
    return CXM_OK;
}

/* ---- the quick way -------------------------------------------------------------------- */

static int32_t floor_div_32(int32_t x)
{
    return x >= 0 ? x / 32 : -((31 - x) / 32);
}

static struct cxm_term make_term(const struct cxm_layout *layout, uint32_t sum,
                                 const struct cxm_quanta *a, const struct cxm_quanta *b)
{
    const bool nothing = a->bits == 0 || (b != NULL && b->bits == 0);
    const int32_t exponent = a->exponent + (b != NULL ? b->exponent : 0);
    const int32_t bits = a->bits + (b != NULL ? b->bits : 0);
    const int32_t digit = floor_div_32(exponent);
    const int32_t shift = exponent - 32 * digit;
    struct cxm_term t = { .a = a->q, .b = b != NULL ? b->q : NULL, .shift = shift };
    if (nothing)
        return t; /* only zeros: no digits */
    t.digits = bits + shift <= 32 ? 1 : bits + shift <= QUANTUM_BITS ? 2 : bits + shift <= 96 ? 3
             : bits + shift <= 126           ? 4 : 5;
    t.at = (int32_t)layout->at[sum] + digit - layout->windows[sum].lo;
    return t;
}

/* The sum of w x y. */
static struct cxm_term make_triple(const struct cxm_scratch *s, const struct cxm_layout *layout,
                                   uint32_t sum, uint32_t i, uint32_t j)
{
    const struct cxm_quanta *x = &s->x[i], *y = &s->x[j];
    struct cxm_quanta pair = { x->q, x->exponent + y->exponent, x->bits + y->bits, true };
    if (x->bits == 0 || y->bits == 0)
        pair.bits = 0;
    struct cxm_term t = make_term(layout, sum, &s->w, &pair);
    t.c = y->q;
    if (t.digits != 0 && s->w.bits + pair.bits + 31 > 126) {
        t.x = s->block.variables[i];
        t.y = s->block.variables[j];
        t.at = (int32_t)layout->at[sum];
        t.sum = sum;
        t.digits = CXM_BY_VALUE;
    }
    return t;
}

/* The terms of a unit; the first two, of the weights, are placed for bin 0. */
static uint32_t make_terms(struct cxm_scratch *s, const struct cxm_layout *layout, uint32_t u)
{
    const struct cxm_unit_spec *unit = &s->config->units[u];
    const struct cxm_unit_layout *at = &s->layouts[u];
    const uint32_t p = unit->variables;
    const struct cxm_quanta *x = s->x + at->variables_at, *v = s->v + at->variables_at;
    uint32_t sum = at->sums_at, n = 0;
    struct cxm_term *t = s->terms;
    if (s->weighted) {
        t[n++] = make_term(layout, sum, &s->w, NULL);
        t[n++] = make_term(layout, sum + 1, &s->w, &s->w);
        sum += 2 * unit->bins;
    }
    for (uint32_t i = 0; i < p; i++)
        t[n++] = s->weighted ? make_term(layout, sum++, &s->w, &x[i])
                             : make_term(layout, sum++, &x[i], NULL);
    for (uint32_t i = 0; s->weighted && i < p; i++)
        t[n++] = make_term(layout, sum++, &v[i], NULL);
    for (uint32_t i = 0; s->weighted && i < p; i++)
        t[n++] = make_term(layout, sum++, &s->w, &v[i]);
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i; j < p; j++)
            t[n++] = s->weighted ? make_term(layout, sum++, &v[i], &v[j])
                                 : make_term(layout, sum++, &x[i], &x[j]);
    for (uint32_t i = 0; s->weighted && i < p; i++)
        for (uint32_t j = i; j < p; j++)
            t[n++] = make_triple(s, layout, sum++, at->variables_at + i, at->variables_at + j);
    return n;
}

/* Up to 62 bits; and up to 126. */
static inline int64_t narrow_value(const struct cxm_term *t, size_t row)
{
    const int64_t value = t->b != NULL ? t->a[row] * t->b[row] : t->a[row];
    return t->c != NULL ? value * t->c[row] : value;
}

static inline cxm_i128 wide_value(const struct cxm_term *t, size_t row)
{
    const cxm_i128 value = t->b != NULL ? (cxm_i128)t->a[row] * t->b[row] : t->a[row];
    return t->c != NULL ? value * t->c[row] : value;
}

/* Two's complement: all digits but the last are taken modulo 2^32, the last keeps the sign. */
static inline void add_term(int64_t *cell, const struct cxm_term *t, size_t row)
{
    int64_t *limbs = cell + t->at;
    if (t->digits == 1) { /* a limb may be negative until it is normalised */
        limbs[0] += narrow_value(t, row) * ((int64_t)1 << t->shift);
        return;
    }
    if (t->digits == 2) {
        const int64_t value = narrow_value(t, row) * ((int64_t)1 << t->shift);
        limbs[0] += (int64_t)(uint32_t)value;
        limbs[1] += value >> 32;
        return;
    }
    const cxm_i128 value = wide_value(t, row);
    const cxm_u128 low = (cxm_u128)(uint64_t)value << t->shift;
    limbs[0] += (int64_t)(uint32_t)low;
    limbs[1] += (int64_t)(uint32_t)(low >> 32);
    const cxm_i128 high = (value >> 64) * ((cxm_i128)1 << t->shift) + (int64_t)(low >> 64);
    if (t->digits == 3) {
        limbs[2] += (int64_t)high;
        return;
    }
    limbs[2] += (int64_t)(uint32_t)high;
    if (t->digits == 4) {
        limbs[3] += (int64_t)(high >> 32);
        return;
    }
    limbs[3] += (int64_t)(uint32_t)(high >> 32);
    limbs[4] += (int64_t)(high >> 64);
}

static bool is_quick(const struct cxm_scratch *s, uint32_t u)
{
    const uint32_t from = s->layouts[u].variables_at;
    bool good = !s->weighted || s->w.good;
    for (uint32_t i = 0; i < s->config->units[u].variables; i++)
        good = good && s->x[from + i].good && (!s->weighted || s->v[from + i].good);
    return good;
}

/* ---- value by value ------------------------------------------------------------------- */

static void add_row(const struct cxm_scratch *s, const struct cxm_layout *layout, int64_t *cell,
                    const struct cxm_unit_layout *at, uint32_t p, size_t row, int64_t copies)
{
    uint32_t sum = at->sums_at;
    double *const *x = s->block.variables + at->variables_at;
    for (uint32_t i = 0; i < p; i++, sum++)
        cxm_priv_exact_add_double(cell + layout->at[sum], layout->windows[sum], x[i][row],
                                  copies);
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i; j < p; j++, sum++)
            cxm_priv_exact_add_product(cell + layout->at[sum], layout->windows[sum], x[i][row],
                                       x[j][row], copies);
}

static void add_weighted_row(const struct cxm_scratch *s, const struct cxm_layout *layout,
                             int64_t *cell, const struct cxm_unit_layout *at,
                             const struct cxm_unit_spec *unit, size_t row, uint32_t code,
                             int64_t copies)
{
    const uint32_t p = unit->variables;
    const double w = s->weight[row];
    double *const *x = s->block.variables + at->variables_at;
    double *const *v = s->weighed + at->variables_at;
    uint32_t sum = at->sums_at + 2 * code;
    cxm_priv_exact_add_double(cell + layout->at[sum], layout->windows[sum], w, copies);
    sum++;
    cxm_priv_exact_add_product(cell + layout->at[sum], layout->windows[sum], w, w, copies);
    sum = at->sums_at + 2 * unit->bins;
    for (uint32_t i = 0; i < p; i++, sum++)
        cxm_priv_exact_add_product(cell + layout->at[sum], layout->windows[sum], w, x[i][row],
                                   copies);
    for (uint32_t i = 0; i < p; i++, sum++)
        cxm_priv_exact_add_double(cell + layout->at[sum], layout->windows[sum], v[i][row],
                                  copies);
    for (uint32_t i = 0; i < p; i++, sum++)
        cxm_priv_exact_add_product(cell + layout->at[sum], layout->windows[sum], w, v[i][row],
                                   copies);
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i; j < p; j++, sum++)
            cxm_priv_exact_add_product(cell + layout->at[sum], layout->windows[sum], v[i][row],
                                       v[j][row], copies);
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i; j < p; j++, sum++)
            cxm_priv_exact_add_triple(cell + layout->at[sum], layout->windows[sum], w, x[i][row],
                                      x[j][row], copies);
}

/* From a digit of one sum to the same digit of another: each has a window of its own. */
static int32_t distance(const struct cxm_layout *layout, uint32_t from, uint32_t to)
{
    return (int32_t)layout->at[to] - (int32_t)layout->at[from]
         - (layout->windows[to].lo - layout->windows[from].lo);
}

/* ---- small whole numbers --------------------------------------------------------------- */

/* Are all sums of the unit whole numbers of one limb, of one or two variables? */
static bool is_narrow(const struct cxm_scratch *s, const struct cxm_unit_spec *unit,
                      uint32_t n_terms)
{
    for (uint32_t t = 0; t < n_terms; t++) {
        if (s->terms[t].digits < 0 || s->terms[t].digits > 1)
            return false;
    }
    return !s->weighted && unit->variables >= 1 && unit->variables <= 2;
}

/* Where a term is added; one that is always 0 may be added anywhere. */
static int64_t *place_of(int64_t *cell, const struct cxm_term *t)
{
    return cell + (t->digits > 0 ? t->at : 0);
}

/* Rows that are not used are zeros, which change nothing: no branch but for groups left out. */
static void add_narrow(const struct cxm_scratch *s, struct cxm_table *groups, bool two,
                       const uint32_t *group)
{
    const struct cxm_term *t = s->terms;
    const int64_t *x = t[0].a, *y = two ? t[1].a : NULL;
    const size_t stride = groups->layout.stride;
    for (size_t i = 0; i < s->block.n; i++) {
        if (group != NULL && group[i] == UINT32_MAX)
            continue;
        int64_t *cell = groups->cells + (group != NULL ? group[i] : 0) * stride;
        const int64_t a = x[i];
        if (!two) {
            *place_of(cell, &t[0]) += a * ((int64_t)1 << t[0].shift);
            *place_of(cell, &t[1]) += a * a * ((int64_t)1 << t[1].shift);
            continue;
        }
        const int64_t b = y[i];
        *place_of(cell, &t[0]) += a * ((int64_t)1 << t[0].shift);
        *place_of(cell, &t[1]) += b * ((int64_t)1 << t[1].shift);
        *place_of(cell, &t[2]) += a * a * ((int64_t)1 << t[2].shift);
        *place_of(cell, &t[3]) += a * b * ((int64_t)1 << t[3].shift);
        *place_of(cell, &t[4]) += b * b * ((int64_t)1 << t[4].shift);
    }
}

/* ---- both ----------------------------------------------------------------------------- */

void cxm_priv_sums_add(struct cxm_scratch *s, struct cxm_table *groups, uint32_t u,
                       const uint32_t *group, const int64_t *freq)
{
    const struct cxm_unit_spec *unit = &s->config->units[u];
    const struct cxm_unit_layout *at = &s->layouts[u];
    const struct cxm_layout *layout = &groups->layout;
    const uint16_t *codes = s->block.unit_codes[u];
    const bool quick = is_quick(s, u);
    const uint32_t n_terms = quick ? make_terms(s, layout, u) : 0;
    if (quick && freq == NULL && groups->cells != NULL && is_narrow(s, unit, n_terms)) {
        add_narrow(s, groups, unit->variables == 2, group);
        return;
    }
    for (size_t i = 0; i < s->block.n; i++) {
        const int64_t copies = freq != NULL ? freq[i] : 1;
        const uint32_t code = codes[i];
        if (code >= unit->bins || copies == 0 || (group != NULL && group[i] == UINT32_MAX))
            continue;
        int64_t *cell = groups->cells + (group != NULL ? group[i] : 0) * layout->stride;
        if (quick && copies == 1) {
            const struct cxm_term *t = s->terms, *end = t + n_terms;
            if (s->weighted) { /* the sums of weights are those of the row's bin */
                struct cxm_term w = t[0], w2 = t[1];
                w.at += distance(layout, at->sums_at, at->sums_at + 2 * code);
                w2.at += distance(layout, at->sums_at + 1, at->sums_at + 2 * code + 1);
                add_term(cell, &w, i);
                add_term(cell, &w2, i);
                t += 2;
            }
            for (; t < end; t++) {
                if (t->digits > 0)
                    add_term(cell, t, i);
                else if (t->digits == CXM_BY_VALUE)
                    cxm_priv_exact_add_triple(cell + t->at,
                                              layout->windows[t->sum], s->weight[i],
                                              t->x[i], t->y[i], 1);
            }
        } else if (s->weighted) {
            add_weighted_row(s, layout, cell, at, unit, i, code, copies);
        } else {
            add_row(s, layout, cell, at, unit->variables, i, copies);
        }
    }
}

static void carry_sums(const struct cxm_layout *layout, int64_t *cell, uint32_t first, uint32_t end)
{
    for (uint32_t sum = first; sum < end; sum++)
        cxm_priv_exact_carry(cell + layout->at[sum], layout->windows[sum].n);
}

void cxm_priv_sums_carry_one(const struct cxm_scratch *s, struct cxm_table *groups)
{
    for (uint32_t u = 0; u < s->config->n_units; u++) {
        const struct cxm_unit_spec *unit = &s->config->units[u];
        const uint32_t code = s->block.unit_codes[u][0], sums = s->layouts[u].sums_at;
        const uint32_t of_bins = s->weighted ? 2 * unit->bins : 0;
        if (code >= unit->bins)
            continue;
        if (s->weighted)
            carry_sums(&groups->layout, groups->cells, sums + 2 * code, sums + 2 * code + 2);
        carry_sums(&groups->layout, groups->cells, sums + of_bins,
                   sums + cxm_priv_unit_sums(unit, s->weighted));
    }
}
