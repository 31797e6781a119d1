/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut for items whose answers are small whole numbers, as nearly all are. A metric
 * describes each of its units by one or two whole linear forms of its inputs (the answer, the sum
 * of the answers); columns become bytes, sums become two bytes of 7 bits, and small_rows.c sums
 * bytes, squares and products by group. From these the counts and sums of the general road follow
 * exactly:
 *   x = b + c, y = d + e:  sum x y = sum b d + e sum b + c sum d + c e n,
 *   x = l + 128 h + c:     sum x^2 from the sums of l, h, l^2, l h and h^2.
 * Blocks with other values take the general road (range.c), into the same groups.
 *
 * Memory of a thread: 2 KiB a group for every 16 bytes of a row (five pairs and their sum are 12),
 * at most 5 120 groups, then the general road goes on; 4 bytes a key between the smallest and the
 * largest, at most 256 KiB. */
#include "tally/small.h"

#include "column/small.h"
#include "tally/small_rows.h"

#include <math.h>

enum { MOST_SLOTS = 5120, FEW_SLOTS = 32, MOST_KEYS = 1 << 16, FEW_KEYS = 1024, MOST_FORM = 1 << 14 };

/* A variable of a unit: constant + sum of coefs[k] times the byte of slots[k]. */
struct form {
    uint32_t n;
    const uint16_t *slots;
    const int16_t *coefs;
    int16_t shift;      /* what is added so that the sum of bytes is not negative */
    int64_t constant;   /* what that sum lacks to the value */
    bool plain;         /* it is the byte of slots[0] */
    uint8_t *low, *high;
};

struct unit {
    struct form forms[2];
    uint32_t n_forms;
    uint32_t stripe, lane; /* of the first form; the lane beside it: the second, or high bytes */
    bool two_bytes;        /* of one form: low and high */
    bool rescaled;
};

struct ahead {
    const uint8_t *from;
    size_t stride;
};

struct cxm_small {
    const struct cxm_allocator *allocator;
    const struct cxm_config *config;
    const struct cxm_sources *sources;
    struct cxm_small_kernels kernels;
    void *memory, *buffer_memory;     /* of the arrays from here on */
    struct unit *units;
    struct cxm_reader *readers;       /* by slot */
    struct cxm_small_scale *scales;
    const uint8_t **bytes;            /* by slot: the block */
    const uint8_t **terms;            /* of one form */
    struct ahead *ahead;              /* of inputs that lie there plainly: their next block */
    uint32_t n_ahead;
    uint8_t **buffers;                /* by slot */
    bool *used;                       /* by slot */
    struct cxm_small_stripe stripes[CXM_MOST_STRIPES];
    const uint8_t *lanes[CXM_MOST_STRIPES][CXM_LANES];
    bool missing, any_rescaled;       /* in the block; of the units */
    struct cxm_small_slots slots;
    void *rows_memory, *sums_memory;
    uint32_t n_slots, room;
    bool by_key;                      /* cursors are by key, not by number of the group + 1 */
    int64_t base;                     /* the first key */
    size_t n_cursors;
    uint32_t keys[CXM_BLOCK];
    uint8_t tile[CXM_MOST_STRIPES * CXM_TILE_BYTES];
};

/* ---- what the metric wants -------------------------------------------------------------- */

/* The whole numbers of an input that a byte can hold, 127 the largest. */
static bool make_scale(const struct cxm_config *config, uint32_t slot,
                       struct cxm_small_scale *out)
{
    const struct cxm_metric_info *info = config->rules->info;
    int role = info->n_inputs - 1;
    while (config->slot[role] > slot)
        role--;
    const double low = ceil(config->lowest[role]), high = floor(config->highest[role]);
    if (info->inputs[role].role != CXM_ROLE_NUMBER || low > 1000 || high < low || high < -1000)
        return false;
    out->lowest = low < -1000 ? 0 : (int32_t)low;
    out->base = out->lowest > 0 && high <= 127 ? 0 : out->lowest;
    out->highest = high < out->base + 127 ? (int32_t)high : out->base + 127;
    return out->highest >= out->lowest;
}

/* A form from its coefficients by slot; false: its values do not fit two bytes. */
static bool make_form(const struct cxm_small *s, const int32_t *coefs, int32_t constant,
                      uint16_t *slots, int16_t *narrow, struct form *f)
{
    enum { MOST = 1 << 14 };
    int64_t below = 0, above = 0;
    *f = (struct form){ .slots = slots, .coefs = narrow, .constant = constant };
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
    if (f->n == 0 || above - below >= MOST)
        return false;
    f->shift = (int16_t)-below;
    f->constant += below;
    f->plain = f->n == 1 && narrow[0] == 1;
    return true;
}

/* Finds lanes for a unit: pairs first, at even places. */
static bool place(struct cxm_small *s, struct unit *unit, const struct cxm_unit_form *wanted,
                  uint32_t *lanes)
{
    const bool pair = unit->n_forms == 2 || unit->two_bytes;
    if (*lanes + 2 > CXM_MOST_STRIPES * CXM_LANES)
        return false;
    unit->stripe = *lanes / CXM_LANES;
    unit->lane = *lanes % CXM_LANES;
    *lanes += pair ? 2 : 1;
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

static bool is_pair(const struct unit *unit)
{
    return unit->n_forms == 2 || unit->two_bytes;
}

/* Describes all units; false: not this way. `coefs`: room for twice the slots. */
static bool make_units(struct cxm_small *s, int32_t *coefs, uint16_t *slots, int16_t *narrow)
{
    const struct cxm_config *config = s->config;
    const uint32_t n = config->n_slots;
    uint32_t lanes = 0;
    for (int pairs = 1; pairs >= 0; pairs--) {
        for (uint32_t u = 0; u < config->n_units; u++) {
            struct unit *unit = &s->units[u];
            struct cxm_unit_form wanted = { .coefs = { coefs, coefs + n } };
            memset(coefs, 0, 2 * (size_t)n * sizeof *coefs);
            if (!config->rules->form(config, u, &wanted))
                return false;
            if (pairs) { /* the first time */
                unit->n_forms = config->units[u].variables;
                unit->rescaled = wanted.rescaled;
                s->any_rescaled = s->any_rescaled || wanted.rescaled;
                for (uint32_t k = 0; k < unit->n_forms; k++) {
                    if (!make_form(s, wanted.coefs[k], wanted.constants[k], slots, narrow,
                                   &unit->forms[k]))
                        return false;
                    slots += unit->forms[k].n;
                    narrow += unit->forms[k].n;
                }
                unit->two_bytes = unit->n_forms == 1 && !unit->forms[0].plain;
            }
            if (is_pair(unit) == (pairs != 0) && !place(s, unit, &wanted, &lanes))
                return false;
        }
    }
    s->slots.n_stripes = (lanes + CXM_LANES - 1) / CXM_LANES;
    for (uint32_t t = 0; t < s->slots.n_stripes; t++)
        cxm_priv_small_orders(&s->stripes[t]);
    return true;
}

/* ---- making ------------------------------------------------------------------------------ */

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
    *slots = carve(c, terms, sizeof **slots);
    *narrow = carve(c, terms, sizeof **narrow);
}

/* Bytes of inputs that do not lie there as bytes, and of sums of several inputs. */
static void lay_out_buffers(struct cxm_small *s, struct carver *c)
{
    const uint8_t *zeros = carve(c, CXM_BLOCK, 1);
    for (uint32_t t = 0; t < CXM_MOST_STRIPES; t++)
        for (uint32_t lane = 0; lane < CXM_LANES; lane++)
            s->lanes[t][lane] = zeros;
    for (uint32_t slot = 0; slot < s->config->n_slots; slot++)
        s->buffers[slot] = s->used[slot] ? carve(c, CXM_BLOCK, 1) : NULL;
    for (uint32_t u = 0; u < s->config->n_units; u++) {
        for (uint32_t k = 0; k < s->units[u].n_forms; k++) {
            struct form *f = &s->units[u].forms[k];
            f->low = f->plain ? NULL : carve(c, CXM_BLOCK, 1);
            f->high = f->plain ? NULL : carve(c, CXM_BLOCK, 1);
        }
    }
}

/* The units and their arrays. False: out of memory. */
static bool set_up(struct cxm_small *s, int32_t *coefs, bool *possible)
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
        s->used[slot] = s->sources->given[slot] && make_scale(config, slot, &s->scales[slot]);
        if (s->used[slot])
            cxm_priv_reader_init(&s->readers[slot], s->sources->slots[slot]);
    }
    if (!make_units(s, coefs, slots, narrow))
        return true;
    c = (struct carver){ NULL, 0 };
    lay_out_buffers(s, &c);
    s->buffer_memory = cxm_priv_alloc_zero(s->allocator, c.used, 1);
    if (s->buffer_memory == NULL)
        return false;
    c = (struct carver){ s->buffer_memory, 0 };
    lay_out_buffers(s, &c);
    *possible = true;
    return true;
}

/* One key of whole numbers near each other needs no dictionary. */
static bool is_direct(const struct cxm_sources *sources)
{
    const struct cxm_column *c = sources->keys[0];
    return sources->n_keys == 1 && sources->roles[0] < CXM_KEY_FPC && c->mask == NULL
        && c->dictionary == NULL && c->n_chunks == 0 && c->n_labels == 0 && c->validity == NULL
        && (c->flags & CXM_COLUMN_SENTINEL) == 0 && c->n_missing_codes == 0
        && c->calendar == CXM_NO_CALENDAR && sources->plans[0].info.type == CXM_KEY_INT
        && c->type >= CXM_I8 && c->type <= CXM_U32;
}

bool cxm_priv_small_new(const struct cxm_config *config, const struct cxm_sources *sources,
                        const struct cxm_allocator *allocator, struct cxm_small **out)
{
    *out = NULL;
    if (config->rules->form == NULL || sources->weight != NULL || sources->freq != NULL
        || sources->value != NULL || config->n_table_values > 0
        || cxm_priv_sources_margins(sources))
        return true;
    struct cxm_small *s = cxm_priv_alloc_zero(allocator, 1, sizeof *s);
    int32_t *coefs = cxm_priv_alloc(allocator, 2 * (size_t)config->n_slots, sizeof *coefs);
    bool possible = false, room = s != NULL && coefs != NULL;
    if (room) {
        s->allocator = allocator;
        s->config = config;
        s->sources = sources;
        s->kernels = cxm_priv_small_kernels(0);
        s->slots.stripes = s->stripes;
        s->by_key = is_direct(sources);
        room = set_up(s, coefs, &possible);
    }
    cxm_priv_release(allocator, coefs);
    if (room && possible)
        *out = s;
    else
        cxm_priv_small_free(s);
    return room;
}

void cxm_priv_small_free(struct cxm_small *s)
{
    if (s == NULL)
        return;
    cxm_priv_release(s->allocator, s->slots.cursors);
    cxm_priv_release(s->allocator, s->slots.groups);
    cxm_priv_release(s->allocator, s->rows_memory);
    cxm_priv_release(s->allocator, s->sums_memory);
    cxm_priv_release(s->allocator, s->buffer_memory);
    cxm_priv_release(s->allocator, s->memory);
    cxm_priv_release(s->allocator, s);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Sums of several inputs. False: they do not fit their bytes. */
static bool make_sums(struct cxm_small *s, const struct unit *unit, size_t n)
{
    for (uint32_t k = 0; k < unit->n_forms; k++) {
        const struct form *f = &unit->forms[k];
        if (f->plain)
            continue;
        for (uint32_t t = 0; t < f->n; t++)
            s->terms[t] = s->bytes[f->slots[t]];
        const uint8_t high = s->kernels.form(s->terms, f->coefs, f->n, f->shift, n, s->missing,
                                             f->low, f->high);
        if (high != 0 && !unit->two_bytes)
            return false;
    }
    return true;
}

static void set_lanes(struct cxm_small *s, const struct unit *unit)
{
    const uint8_t **lanes = &s->lanes[unit->stripe][unit->lane];
    for (uint32_t k = 0; k < unit->n_forms; k++) {
        const struct form *f = &unit->forms[k];
        lanes[k] = f->plain ? s->bytes[f->slots[0]] : f->low;
    }
    if (unit->two_bytes)
        lanes[1] = unit->forms[0].high;
}

/* What the next block will read is fetched line by line while this one is summed. */
static void look_ahead_at(struct cxm_small *s, const struct cxm_column *c, int64_t next)
{
    if (c->n_chunks == 0 && c->data != NULL && c->stride >= 1 && c->stride <= 8
        && c->n - next >= CXM_BLOCK)
        s->ahead[s->n_ahead++] = (struct ahead){
            (const uint8_t *)c->data + (c->offset + next) * c->stride, (size_t)c->stride };
}

static void look_ahead(struct cxm_small *s, int64_t next)
{
    s->n_ahead = 0;
    for (uint32_t slot = 0; slot < s->config->n_slots; slot++) {
        if (s->used[slot])
            look_ahead_at(s, s->sources->slots[slot], next);
    }
    if (s->by_key)
        look_ahead_at(s, s->sources->keys[0], next);
}

static void fetch(const struct cxm_small *s, size_t first)
{
    for (uint32_t k = 0; k < s->n_ahead; k++) {
        const size_t stride = s->ahead[k].stride;
        const uint8_t *from = s->ahead[k].from + first * stride;
        __builtin_prefetch(from);
        for (size_t line = 1; line < stride; line++)
            __builtin_prefetch(from + 64 * line);
    }
}

enum cxm_small_result cxm_priv_small_read(struct cxm_small *s, int64_t first, size_t n)
{
    s->missing = false;
    look_ahead(s, first + (int64_t)n);
    for (uint32_t slot = 0; slot < s->config->n_slots; slot++) {
        if (!s->used[slot])
            continue;
        s->bytes[slot] = cxm_priv_read_small(&s->readers[slot], first, n, &s->scales[slot],
                                             s->buffers[slot], &s->missing);
        if (s->bytes[slot] == NULL)
            return CXM_SMALL_NO;
    }
    if (s->missing && s->any_rescaled)
        return CXM_SMALL_NO;
    for (uint32_t u = 0; u < s->config->n_units; u++) {
        if (!make_sums(s, &s->units[u], n))
            return CXM_SMALL_NO;
        set_lanes(s, &s->units[u]);
    }
    return CXM_SMALL_DONE;
}

/* ---- room -------------------------------------------------------------------------------- */

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

/* A slot for a new group. */
static bool new_slot(struct cxm_small *s, uint32_t group, uint32_t *cursor)
{
    if (s->n_slots == s->room && !grow_slots(s))
        return false;
    const uint32_t slot = s->n_slots++, n = s->slots.n_stripes;
    memset(&s->slots.sums[(size_t)slot * n], 0, n * sizeof *s->slots.sums);
    s->slots.groups[slot] = (struct cxm_small_group){ .group = group };
    *cursor = slot * n * CXM_BUFFER_BYTES + CXM_LANES;
    return true;
}

/* n cursors from `base` on, those that there are at their new place. */
static bool move_cursors(struct cxm_small *s, int64_t base, size_t n)
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

/* From cursors by key to cursors by number of the group + 1; 0 is for rows left out. */
static bool leave_keys(struct cxm_small *s, size_t n_groups)
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

/* ---- keys -------------------------------------------------------------------------------- */

/* Keys that are not 32 bits side by side, from `base` on; what is beyond 32 bits becomes the
 * largest. The smallest and the largest key too. */
#define OFFSETS(TYPE)                                                                            \
    for (size_t i = 0; i < n; i++, from += stride) {                                             \
        TYPE v;                                                                                  \
        memcpy(&v, from, sizeof v);                                                              \
        const int64_t key = (int64_t)v;                                                          \
        const uint64_t above = (uint64_t)key - (uint64_t)base;                                   \
        out[i] = above < UINT32_MAX ? (uint32_t)above : UINT32_MAX;                              \
        *low = key < *low ? key : *low;                                                          \
        *high = key > *high ? key : *high;                                                       \
    }                                                                                            \
    break

static void read_offsets(const struct cxm_column *c, int64_t row, size_t n, int64_t base,
                         uint32_t *out, int64_t *low, int64_t *high)
{
    const uint8_t *from = (const uint8_t *)c->data + (c->offset + row) * c->stride;
    const int64_t stride = c->stride;
    *low = INT64_MAX;
    *high = INT64_MIN;
    switch ((enum cxm_type)c->type) {
    case CXM_I8:
        OFFSETS(int8_t);
    case CXM_U8:
        OFFSETS(uint8_t);
    case CXM_I16:
        OFFSETS(int16_t);
    case CXM_U16:
        OFFSETS(uint16_t);
    case CXM_I32:
        OFFSETS(int32_t);
    case CXM_U32:
        OFFSETS(uint32_t);
    default:
        OFFSETS(int64_t);
    }
}

/* Cursors for keys low … high too. False: too many. */
static bool reach_of(const struct cxm_small *s, int64_t low, int64_t high, int64_t *base,
                     size_t *n)
{
    if (s->n_cursors > 0) {
        const int64_t last = s->base + (int64_t)(s->n_cursors - 1);
        low = low < s->base ? low : s->base;
        high = high > last ? high : last;
    }
    if ((uint64_t)high - (uint64_t)low >= MOST_KEYS)
        return false;
    *base = low;
    *n = FEW_KEYS;
    while (*n <= (uint64_t)high - (uint64_t)low)
        *n *= 2;
    if (low > INT64_MAX - (int64_t)*n) /* the last of them is a number, too */
        *base = INT64_MAX - (int64_t)*n;
    return true;
}

/* Keys of 8 and 16 bits side by side, all of which have a cursor: no look at their values. */
static bool read_narrow(struct cxm_small *s, const struct cxm_column *c, const uint8_t *from,
                        size_t n)
{
    if (c->type == CXM_U8 && c->stride == 1) {
        for (size_t i = 0; i < n; i++)
            s->keys[i] = from[i];
        return true;
    }
    if (c->type == CXM_I8 && c->stride == 1) {
        for (size_t i = 0; i < n; i++)
            s->keys[i] = from[i] ^ 128u;
        return true;
    }
    if ((c->type != CXM_U16 && c->type != CXM_I16) || c->stride != 2)
        return false;
    const uint32_t zero = c->type == CXM_I16 ? 1u << 15 : 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t key;
        memcpy(&key, from + 2 * i, sizeof key);
        s->keys[i] = key ^ zero;
    }
    return true;
}

/* Cursors for all keys of such a type. */
static bool reach_all(struct cxm_small *s, uint32_t type)
{
    const bool is_signed = type == CXM_I8 || type == CXM_I16;
    const size_t n = (size_t)1 << (type == CXM_I8 || type == CXM_U8 ? 8 : 16);
    return s->n_cursors > 0 || move_cursors(s, is_signed ? -(int64_t)(n / 2) : 0, n);
}

/* The keys of a block, in s->keys as numbers of cursors. GROUPS: they lie too far apart. */
static enum cxm_small_result look_up_keys(struct cxm_small *s, int64_t first, size_t n,
                                          size_t n_groups)
{
    const struct cxm_column *c = s->sources->keys[0];
    const uint8_t *from = (const uint8_t *)c->data + (c->offset + first) * c->stride;
    const bool wide = (c->type == CXM_U32 || c->type == CXM_I32) && c->stride == 4
                   && (uintptr_t)from % 4 == 0;
    const uint32_t *words = wide ? (const uint32_t *)(const void *)from : NULL;
    int64_t low, high, base;
    size_t room;
    if (wide && s->n_cursors > 0
        && s->kernels.reach(words, n, (uint32_t)s->base, s->keys) < s->n_cursors)
        return CXM_SMALL_DONE;
    if (read_narrow(s, c, from, n))
        return reach_all(s, c->type) ? CXM_SMALL_DONE : CXM_SMALL_NO_MEMORY;
    read_offsets(c, first, n, s->base, s->keys, &low, &high);
    if (s->n_cursors > 0 && low >= s->base && (uint64_t)high - (uint64_t)s->base < s->n_cursors)
        return CXM_SMALL_DONE;
    if (!reach_of(s, low, high, &base, &room))
        return leave_keys(s, n_groups) ? CXM_SMALL_GROUPS : CXM_SMALL_NO_MEMORY;
    if (!move_cursors(s, base, room))
        return CXM_SMALL_NO_MEMORY;
    read_offsets(c, first, n, s->base, s->keys, &low, &high);
    return CXM_SMALL_DONE;
}

/* ---- adding ------------------------------------------------------------------------------ */

/* The slot of a key that was not met before; `at`: the place of its cursor. */
static bool meet(struct cxm_small *s, struct cxm_table *groups, uint32_t at)
{
    uint32_t group = at - 1; /* UINT32_MAX: left out */
    if (s->by_key) {
        uint8_t key[9] = { CXM_TAG_PRESENT };
        const uint64_t word = (uint64_t)(s->base + (int64_t)at) ^ (uint64_t)1 << 63;
        cxm_priv_put_u64(key + 1, __builtin_bswap64(word));
        group = cxm_priv_table_add(groups, key, sizeof key);
        if (group == UINT32_MAX)
            return false;
    }
    return new_slot(s, group, &s->slots.cursors[at]);
}

static bool all_equal(const uint32_t *keys, size_t n)
{
    if (keys[0] != keys[n / 2] || keys[0] != keys[n - 1])
        return false;
    uint32_t other = 0;
    for (size_t i = 1; i < n; i++)
        other |= keys[i] ^ keys[0];
    return other == 0;
}

/* A tile whose rows are all of one group. */
static bool add_tile(struct cxm_small *s, struct cxm_table *groups, uint32_t at, size_t n)
{
    if (s->slots.cursors[at] == 0 && !meet(s, groups, at))
        return false;
    const uint32_t slot = cxm_priv_small_slot(&s->slots, s->slots.cursors[at]);
    const uint32_t n_stripes = s->slots.n_stripes;
    cxm_priv_small_count(&s->slots, slot, (uint32_t)n);
    for (uint32_t t = 0; t < n_stripes; t++)
        s->kernels.add(&s->stripes[t], s->tile + t * CXM_TILE_BYTES, CXM_TILE, s->slots.flags,
                       &s->slots.sums[(size_t)slot * n_stripes + t]);
    return true;
}

static bool add_tiles(struct cxm_small *s, struct cxm_table *groups, size_t n)
{
    const uint32_t n_stripes = s->slots.n_stripes;
    for (size_t first = 0; first < n; first += CXM_TILE) {
        const size_t m = n - first < CXM_TILE ? n - first : CXM_TILE;
        const uint32_t *keys = s->keys + first;
        fetch(s, first);
        for (uint32_t t = 0; t < n_stripes; t++)
            s->kernels.tile(&s->stripes[t], s->lanes[t], first, m, s->missing,
                            s->tile + t * CXM_TILE_BYTES);
        if (s->sources->n_keys == 0 || all_equal(keys, m)) {
            if (!add_tile(s, groups, keys[0], m))
                return false;
            continue;
        }
        size_t at = 0;
        while ((at = s->kernels.deal(&s->slots, s->tile, keys, at, m)) < m) {
            if (!meet(s, groups, keys[at]))
                return false;
        }
    }
    return true;
}

/* Groups by their numbers + 1: rows that are left out are group 0. */
static bool take_groups(struct cxm_small *s, size_t n_groups, size_t n, const uint32_t *group)
{
    for (size_t i = 0; group != NULL && i < n; i++)
        s->keys[i] = group[i] + 1;
    for (size_t i = 0; group == NULL && i < n; i += CXM_TILE)
        s->keys[i] = 1;
    return n_groups < s->n_cursors || move_cursors(s, 0, n_groups + n_groups / 2 + 16);
}

enum cxm_small_result cxm_priv_small_add(struct cxm_small *s, struct cxm_table *groups,
                                         int64_t first, size_t n, const uint32_t *group)
{
    uint32_t trap;
    if (s->n_slots > MOST_SLOTS - CXM_BLOCK)
        return CXM_SMALL_FULL;
    if (s->n_slots == 0 && !new_slot(s, UINT32_MAX, &trap))
        return CXM_SMALL_NO_MEMORY;
    enum cxm_small_result found = CXM_SMALL_DONE;
    if (s->by_key)
        found = look_up_keys(s, first, n, groups->dict.n);
    else if (group == NULL && s->sources->n_keys > 0)
        found = CXM_SMALL_GROUPS;
    else if (!take_groups(s, groups->dict.n, n, group))
        found = CXM_SMALL_NO_MEMORY;
    if (found != CXM_SMALL_DONE)
        return found;
    s->slots.flags = s->slots.flags || s->missing;
    return add_tiles(s, groups, n) ? CXM_SMALL_DONE : CXM_SMALL_NO_MEMORY;
}

/* ---- to the table ------------------------------------------------------------------------ */

/* The sums of one group, 64 bits wide. */
struct totals {
    const struct cxm_small *small;
    const struct cxm_small_sums *sums; /* of its stripes */
    int64_t rows;
};

static int64_t total(const struct totals *t, const struct unit *unit, int sum, uint32_t beside)
{
    return t->sums[unit->stripe].wide[sum][unit->lane + beside];
}

static void add_sum(const struct cxm_layout *layout, int64_t *cell, uint32_t sum, cxm_i128 value)
{
    const bool negative = value < 0;
    const cxm_u128 size = negative ? -(cxm_u128)value : (cxm_u128)value;
    if (size != 0)
        cxm_priv_exact_add(cell + layout->at[sum], layout->windows[sum], size, 0, negative, 1);
}

/* Two variables: x = b + c, y = d + e. */
static void add_two(const struct totals *t, const struct unit *unit,
                    const struct cxm_layout *layout, int64_t *cell, uint32_t sum, int64_t used)
{
    const cxm_i128 c = unit->forms[0].constant, e = unit->forms[1].constant;
    const cxm_i128 b = total(t, unit, CXM_SUM_X, 0), d = total(t, unit, CXM_SUM_X, 1);
    add_sum(layout, cell, sum, b + c * used);
    add_sum(layout, cell, sum + 1, d + e * used);
    add_sum(layout, cell, sum + 2, total(t, unit, CXM_SUM_XX, 0) + 2 * c * b + c * c * used);
    add_sum(layout, cell, sum + 3, total(t, unit, CXM_SUM_XY, 0) + e * b + c * d + c * e * used);
    add_sum(layout, cell, sum + 4, total(t, unit, CXM_SUM_XX, 1) + 2 * e * d + e * e * used);
}

/* One variable: b + c, or l + 128 h + c. */
static void add_single(const struct totals *t, const struct unit *unit,
                       const struct cxm_layout *layout, int64_t *cell, uint32_t sum, int64_t used)
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
    const struct unit *unit = &t->small->units[u];
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

/* The rows that are left in a buffer. */
static void add_rest(struct cxm_small *s, uint32_t cursor)
{
    const uint32_t slot = cxm_priv_small_slot(&s->slots, cursor), n_stripes = s->slots.n_stripes;
    const uint32_t n = (cursor - CXM_LANES) % CXM_BUFFER_BYTES / CXM_LANES;
    const uint32_t start = cursor - n * CXM_LANES, whole = (n + 3) / 4 * 4;
    for (uint32_t t = 0; t < n_stripes && n > 0; t++) {
        uint8_t *rows = cxm_priv_small_row(&s->slots, start, t);
        memset(rows + (size_t)n * CXM_LANES, 0, (size_t)(whole - n) * CXM_LANES);
        s->kernels.add(&s->stripes[t], rows, whole, s->slots.flags,
                       &s->slots.sums[(size_t)slot * n_stripes + t]);
    }
    s->slots.groups[slot].rows += n;
    cxm_priv_small_spill(&s->slots, slot);
}

bool cxm_priv_small_flush(struct cxm_small *s, struct cxm_table *groups)
{
    struct cxm_window *windows = cxm_priv_alloc(s->allocator, groups->layout.n_sums,
                                                sizeof *windows);
    for (uint32_t k = 0; windows != NULL && k < groups->layout.n_sums; k++)
        windows[k] = (struct cxm_window){ 0, 2 };
    const bool room = windows != NULL
                   && cxm_priv_table_reserve(groups, groups->capacity > 0 ? groups->capacity : 1,
                                             windows);
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
