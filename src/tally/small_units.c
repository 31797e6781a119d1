/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a metric wants of its items, as sums of bytes: each variable of a unit is a whole linear form
 * of its inputs (the answer, the sum of the answers, the gap), and takes a lane of a row or, when it
 * does not fit 7 bits, two. Anything else is not for this road. */
#include "tally/small_parts.h"

#include <math.h>

/* ---- forms and lanes ---------------------------------------------------------------------- */

/* The whole numbers of an input that a byte can hold, 127 the largest, or half a byte. A scale
 * without an end is taken to be one that fits. */
static bool make_scale(struct cxm_small *s, uint32_t slot, struct cxm_small_scale *out)
{
    const struct cxm_config *config = s->config;
    const struct cxm_metric_info *info = config->rules->info;
    const int32_t most = s->nibbles ? CXM_NIBBLE_MOST : 127;
    int role = info->n_inputs - 1;
    while (config->slot[role] > slot)
        role--;
    const double low = ceil(config->lowest[role]), high = floor(config->highest[role]);
    if (info->inputs[role].role != CXM_ROLE_NUMBER || low > 1000 || high < low || high < -1000)
        return false;
    out->lowest = low < -1000 ? 0 : (int32_t)low;
    out->base = out->lowest > 0 && high <= most ? 0 : out->lowest;
    out->highest = high < out->base + most ? (int32_t)high : out->base + most;
    s->cut = s->cut || (s->nibbles && isinf(high));
    return out->highest >= out->lowest
           && (!s->nibbles || isinf(high) || high <= out->base + most);
}

/* A form from its coefficients by slot; false: its values do not fit two bytes, or with nibbles
 * half a byte, and one, with its sign, where it is alone. */
static bool make_form(const struct cxm_small *s, const int32_t *coefs, int32_t constant,
                      bool alone, uint16_t *slots, int16_t *narrow, struct cxm_small_sum *f)
{
    enum { MOST = 1 << 14 };
    const int64_t most = !s->nibbles ? MOST - 1 : alone ? 2 * CXM_NIBBLE_ALONE : CXM_NIBBLE_MOST;
    int64_t below = 0, above = 0;
    *f = (struct cxm_small_sum){ .slots = slots, .coefs = narrow, .constant = constant };
    for (uint32_t slot = 0; slot < s->config->n_slots; slot++) {
        const int64_t c = coefs[slot];
        const struct cxm_small_scale *scale = &s->scales[slot];
        if (c == 0)
            continue;
        if (!s->used[slot] || c > MOST || c < -MOST)
            return false;
        slots[f->n] = (uint16_t)slot;
        narrow[f->n++] = (int16_t)c;
        f->constant += c * scale->base;
        above += c > 0 ? c * (scale->highest - scale->base) : 0;
        below += c < 0 ? c * (scale->highest - scale->base) : 0;
    }
    if (f->n == 0 || above - below > most)
        return false;
    f->plain = f->n == 1 && narrow[0] == 1;
    f->shift = (int16_t)(-below - (s->nibbles && alone && !f->plain ? CXM_NIBBLE_ALONE : 0));
    f->constant -= f->shift;
    return true;
}

/* Finds lanes for a unit: pairs first, at even places. */
static bool place(struct cxm_small *s, struct cxm_small_unit *unit,
                  const struct cxm_unit_form *wanted, uint32_t *lanes)
{
    const bool pair = unit->n_forms == 2 || unit->two_bytes;
    if (*lanes + 2 > (s->nibbles ? 2 * CXM_NIBBLE_BYTES : CXM_MOST_STRIPES * CXM_LANES))
        return false;
    unit->stripe = *lanes / CXM_LANES;
    unit->lane = *lanes % CXM_LANES;
    *lanes += pair || s->nibbles ? 2 : 1;
    struct cxm_small_stripe *stripe = &s->stripes[unit->stripe];
    const uint8_t met = (uint8_t)(wanted->met < 127 ? wanted->met : 127);
    for (uint32_t k = 0; k < (pair ? 2 : 1); k++) {
        const uint32_t lane = unit->lane + k;
        stripe->partner[lane] = (uint8_t)(pair ? unit->lane + 1 - k : lane);
        stripe->met[lane] = unit->n_forms == 2 ? met : 127;
        stripe->first[lane] = k == 0;
    }
    return true;
}

static bool is_pair(const struct cxm_small_unit *unit)
{
    return unit->n_forms == 2 || unit->two_bytes;
}

/* The coefficient of the input that another form is; 0: it is none. */
static int coef_of(const struct cxm_small_sum *f, const struct cxm_small_sum *other)
{
    for (uint32_t t = 0; other->plain && t < f->n; t++) {
        if (f->slots[t] == other->slots[0])
            return f->coefs[t];
    }
    return 0;
}

/* Is a unit of nibbles the sum of the differences of all other units, which are pairs? Then its bytes
 * come with those of the pairs, and need no pass of their own. */
static bool is_balance(const struct cxm_small *s, const struct cxm_small_unit *unit)
{
    const struct cxm_small_sum *sum = &unit->forms[0];
    const uint32_t n_pairs = s->config->n_units - 1;
    bool all = s->nibbles && n_pairs <= CXM_NIBBLE_BALANCE && sum->n == 2 * n_pairs;
    for (uint32_t u = 0; all && u <= n_pairs; u++) {
        const struct cxm_small_unit *pair = &s->units[u];
        all = pair == unit || (pair->n_forms == 2 && coef_of(sum, &pair->forms[0]) == 1
                               && coef_of(sum, &pair->forms[1]) == -1);
    }
    return all;
}

/* Describes all units; false: not this way. `coefs`: room for twice the slots. */
static bool make_units(struct cxm_small *s, int32_t *coefs, uint16_t *slots, int16_t *narrow)
{
    const struct cxm_config *config = s->config;
    const uint32_t n = config->n_slots;
    uint32_t lanes = 0;
    for (int pairs = 1; pairs >= 0; pairs--) {
        for (uint32_t u = 0; u < config->n_units; u++) {
            struct cxm_small_unit *unit = &s->units[u];
            struct cxm_unit_form wanted = { .coefs = { coefs, coefs + n } };
            memset(coefs, 0, 2 * (size_t)n * sizeof *coefs);
            if (!config->rules->form(config, u, &wanted))
                return false;
            if (pairs) { /* the first time */
                unit->n_forms = config->units[u].variables;
                unit->rescaled = wanted.rescaled;
                s->any_rescaled = s->any_rescaled || wanted.rescaled;
                for (uint32_t k = 0; k < unit->n_forms; k++) {
                    if (!make_form(s, wanted.coefs[k], wanted.constants[k],
                                   unit->n_forms == 1, slots, narrow, &unit->forms[k]))
                        return false;
                    slots += unit->forms[k].n;
                    narrow += unit->forms[k].n;
                }
                unit->two_bytes =
                    !s->nibbles && unit->n_forms == 1 && !unit->forms[0].plain;
            }
            if (!pairs && !is_pair(unit) && is_balance(s, unit)) {
                unit->balance = s->stripes[0].balance = true;
                s->stripes[0].start = (uint8_t)unit->forms[0].shift;
                lanes = 2 * CXM_NIBBLE_BALANCE;
            }
            if (is_pair(unit) == (pairs != 0) && !place(s, unit, &wanted, &lanes))
                return false;
        }
    }
    s->slots.n_stripes = (lanes + CXM_LANES - 1) / CXM_LANES;
    s->slots.row_bytes = s->nibbles ? CXM_NIBBLE_ROW : CXM_LANES;
    s->slots.buffer_bytes = s->nibbles ? CXM_NIBBLE_BUFFER : CXM_BUFFER_BYTES;
    for (uint32_t t = 0; t < s->slots.n_stripes; t++)
        (s->nibbles ? cxm_priv_nibble_orders : cxm_priv_small_orders)(&s->stripes[t]);
    return true;
}

/* ---- arrays ------------------------------------------------------------------------------ */

/* Carves arrays out of one allocation; the first time it measures. */
struct carver {
    uint8_t *memory;
    size_t used;
};

static void *carve(struct carver *c, size_t count, size_t bytes)
{
    void *at = c->memory != NULL ? c->memory + c->used : NULL;
    c->used += (count * bytes + 63) / 64 * 64;
    return at;
}

/* Terms of all forms; 0: not this way. */
static size_t count_terms(const struct cxm_config *config, int32_t *coefs)
{
    const uint32_t n = config->n_slots;
    size_t terms = 0;
    for (uint32_t u = 0; u < config->n_units; u++) {
        struct cxm_unit_form wanted = { .coefs = { coefs, coefs + n } };
        memset(coefs, 0, 2 * (size_t)n * sizeof *coefs);
        if (!config->rules->form(config, u, &wanted))
            return 0;
        for (uint32_t k = 0; k < 2 * n; k++)
            terms += coefs[k] != 0;
    }
    return terms;
}

static void lay_out(struct cxm_small *s, struct carver *c, size_t terms, uint16_t **slots,
                    int16_t **narrow)
{
    const uint32_t n = s->config->n_slots;
    s->units = carve(c, s->config->n_units, sizeof *s->units);
    s->readers = carve(c, n, sizeof *s->readers);
    s->scales = carve(c, n, sizeof *s->scales);
    s->bytes = carve(c, n, sizeof *s->bytes);
    s->terms = carve(c, n, sizeof *s->terms);
    s->ahead = carve(c, n + 1, sizeof *s->ahead);
    s->buffers = carve(c, n, sizeof *s->buffers);
    s->used = carve(c, n, sizeof *s->used);
    s->in_place = carve(c, n, sizeof *s->in_place);
    *slots = carve(c, terms, sizeof **slots);
    *narrow = carve(c, terms, sizeof **narrow);
}

/* Rows, keys, bytes of inputs that do not lie there as bytes, and of sums of several inputs. */
static void lay_out_buffers(struct cxm_small *s, struct carver *c)
{
    const size_t block = s->block;
    const size_t tile = s->nibbles ? block * CXM_NIBBLE_ROW : CXM_MOST_STRIPES * CXM_TILE_BYTES;
    s->tile = carve(c, tile, 1);
    s->keys = carve(c, block, sizeof *s->keys);
    const uint8_t *zeros = carve(c, block, 1);
    for (uint32_t t = 0; t < CXM_MOST_STRIPES; t++)
        for (uint32_t lane = 0; lane < CXM_LANES; lane++)
            s->lanes[t][lane] = zeros;
    for (uint32_t slot = 0; slot < s->config->n_slots; slot++)
        s->buffers[slot] = s->used[slot] ? carve(c, block, 1) : NULL;
    for (uint32_t u = 0; u < s->config->n_units; u++) {
        for (uint32_t k = 0; k < s->units[u].n_forms; k++) {
            struct cxm_small_sum *f = &s->units[u].forms[k];
            f->low = f->plain ? NULL : carve(c, block, 1);
            f->high = f->plain ? NULL : carve(c, block, 1);
        }
    }
}

/* Bytes of a lane that are read where they lie are looked at when the tiles are made of them. */
static void set_ranges(struct cxm_small *s)
{
    for (uint32_t t = 0; t < CXM_MOST_STRIPES; t++)
        memset(s->stripes[t].range, UINT8_MAX, sizeof s->stripes[t].range);
    for (uint32_t u = 0; s->nibbles && u < s->config->n_units; u++) {
        const struct cxm_small_unit *unit = &s->units[u];
        struct cxm_small_stripe *stripe = &s->stripes[unit->stripe];
        for (uint32_t k = 0; k < unit->n_forms; k++) {
            const uint16_t slot = unit->forms[k].slots[0];
            const struct cxm_small_scale *scale = &s->scales[slot];
            if (!unit->forms[k].plain
                || cxm_priv_small_in_place(s->sources->slots[slot], 0, scale) == NULL)
                continue;
            s->in_place[slot] = s->any_in_place = true;
            stripe->lowest[unit->lane + k] = (uint8_t)scale->lowest;
            stripe->range[unit->lane + k] = (uint8_t)(scale->highest - scale->lowest);
        }
    }
}

bool cxm_priv_small_set_up(struct cxm_small *s, int32_t *coefs, bool *possible)
{
    const struct cxm_config *config = s->config;
    const size_t terms = count_terms(config, coefs);
    uint16_t *slots;
    int16_t *narrow;
    *possible = false;
    if (terms == 0)
        return true;
    struct carver c = { NULL, 0 };
    lay_out(s, &c, terms, &slots, &narrow);
    s->memory = cxm_priv_alloc_zero(s->allocator, c.used, 1);
    if (s->memory == NULL)
        return false;
    c = (struct carver){ s->memory, 0 };
    lay_out(s, &c, terms, &slots, &narrow);
    for (uint32_t slot = 0; slot < config->n_slots; slot++) {
        s->used[slot] = s->sources->given[slot] && make_scale(s, slot, &s->scales[slot]);
        if (s->used[slot])
            cxm_priv_reader_init(&s->readers[slot], s->sources->slots[slot]);
    }
    if (!make_units(s, coefs, slots, narrow))
        return true;
    set_ranges(s);
    cxm_priv_small_plan_floats(s);
    c = (struct carver){ NULL, 0 };
    lay_out_buffers(s, &c);
    s->buffer_memory = cxm_priv_alloc_zero(s->allocator, c.used + 63, 1);
    if (s->buffer_memory == NULL)
        return false;
    const size_t front = (64 - (uintptr_t)s->buffer_memory % 64) % 64; /* tiles are lines of the cache */
    c = (struct carver){ (uint8_t *)s->buffer_memory + front, 0 };
    lay_out_buffers(s, &c);
    *possible = true;
    return true;
}
