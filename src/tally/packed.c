/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packing members of structs. Typical: score, weight and key of a record of 64 bytes, or ten answers;
 * extreme: 44 answers. A column keeps its rows' numbers, only its data, stride and offset are those of
 * the block, so that messages find their values.
 *
 * The rows of the next block are packed while those of this one are added up, a few at a time
 * (cxm_priv_ahead_step), and lines of later ones are asked for one by one: memory then never rests, and
 * of what was brought little waits in the first-level cache. (Lines of a whole block that were asked for
 * while the one before was added up drove out what that used; 64 asked for at once are waited for.) */
#include "tally/packed.h"

/* Rows that lines are asked for ahead of their packing, at least and at most. Columns of 4 KiB that
 * follow one another would all want the same places of a cache, and take five times as long. */
enum { AHEAD = 128, MOST_AHEAD = 384, BETWEEN = 5 * CXM_CACHE_LINE };

static uint32_t width_of(uint32_t type)
{
    switch ((enum cxm_type)type) {
    case CXM_I8: case CXM_U8: case CXM_BOOL: return 1;
    case CXM_I16: case CXM_U16: return 2;
    case CXM_I32: case CXM_U32: case CXM_F32: return 4;
    case CXM_I64: case CXM_U64: case CXM_F64: return 8;
    default: return 0;
    }
}

static size_t bytes_of(uint32_t width)
{
    return CXM_BLOCK * (size_t)width + BETWEEN;
}

static bool fits(const struct cxm_column *c)
{
    return c != NULL && c->n_chunks == 0 && c->dictionary == NULL && c->data != NULL
        && c->stride >= CXM_LEAST_STRIDE && width_of(c->type) != 0;
}

static uintptr_t address_of(const struct cxm_column *c, int64_t row)
{
    return (uintptr_t)c->data + (uintptr_t)((c->offset + row) * c->stride);
}

static bool is_before(const struct cxm_column *a, const struct cxm_column *b)
{
    return a->stride != b->stride ? a->stride < b->stride : address_of(a, 0) < address_of(b, 0);
}

/* Are both members of one struct? */
static bool is_beside(const struct cxm_column *first, const struct cxm_column *c)
{
    return c->stride == first->stride
        && address_of(c, 0) - address_of(first, 0) < (uintptr_t)first->stride;
}

/* ---- which columns ---------------------------------------------------------------------- */

/* Every column that can be packed, one after another; NULL: there are no more. */
static const struct cxm_column **next_column(const struct cxm_config *config,
                                             struct cxm_sources *sources, uint32_t *i)
{
    const uint32_t n = config->n_slots + sources->n_keys;
    while (*i <= n) {
        const uint32_t at = (*i)++;
        const struct cxm_column **column = at < config->n_slots ? &sources->slots[at]
                                         : at < n ? &sources->keys[at - config->n_slots]
                                                  : &sources->weight;
        if (fits(*column))
            return column;
    }
    return NULL;
}

static void sort_fields(struct cxm_packed *p)
{
    for (uint32_t i = 1; i < p->n; i++) {
        const struct cxm_packed_field field = p->fields[i];
        uint32_t at = i;
        for (; at > 0 && is_before(field.from, p->fields[at - 1].from); at--)
            p->fields[at] = p->fields[at - 1];
        p->fields[at] = field;
    }
}

/* How many fields from `first` on are members of one struct. */
static uint32_t count_members(const struct cxm_packed *p, uint32_t first)
{
    uint32_t n = 1;
    while (first + n < p->n && is_beside(p->fields[first].from, p->fields[first + n].from))
        n++;
    return n;
}

static void plan_members(struct cxm_packed *p)
{
    for (uint32_t first = 0, n; first < p->n; first += n) {
        const uintptr_t start = address_of(p->fields[first].from, 0);
        n = count_members(p, first);
        for (uint32_t i = first; i < first + n; i++) {
            const struct cxm_packed_field *f = &p->fields[i];
            p->members[i] = (struct cxm_member){ (int64_t)(address_of(f->from, 0) - start), f->width,
                                                 0, NULL };
        }
        cxm_priv_unweave_plan(p->members + first, n);
    }
}

/* Columns of the packed sources are those of the fields, which have their places by now. */
static void point_at_fields(const struct cxm_config *config, struct cxm_packed *p)
{
    const struct cxm_column **column;
    for (uint32_t i = 0; (column = next_column(config, &p->sources, &i)) != NULL;) {
        for (uint32_t k = 0; k < p->n; k++) {
            if (p->fields[k].from == *column) {
                *column = &p->fields[k].column;
                break;
            }
        }
    }
}

static bool has_field(const struct cxm_packed *p, const struct cxm_column *column)
{
    for (uint32_t k = 0; k < p->n; k++) {
        if (p->fields[k].from == column)
            return true;
    }
    return false;
}

static bool make_fields(const struct cxm_config *config, struct cxm_packed *p, uint32_t most,
                        size_t bytes)
{
    p->sources.slots = cxm_priv_alloc(p->allocator, config->n_slots, sizeof *p->sources.slots);
    p->fields = cxm_priv_alloc_zero(p->allocator, most, sizeof *p->fields);
    p->members = cxm_priv_alloc_zero(p->allocator, most, sizeof *p->members);
    p->memory = cxm_priv_alloc(p->allocator, bytes, 1);
    return p->sources.slots != NULL && p->fields != NULL && p->members != NULL
        && p->memory != NULL;
}

bool cxm_priv_packed_new(const struct cxm_config *config, const struct cxm_sources *sources,
                         struct cxm_packed **out)
{
    const struct cxm_allocator *allocator = config->allocator;
    struct cxm_sources all = *sources;
    const struct cxm_column **column;
    uint32_t most = 0;
    size_t bytes = 0;
    *out = NULL;
    for (uint32_t i = 0; (column = next_column(config, &all, &i)) != NULL; most++)
        bytes += 2 * bytes_of(width_of((*column)->type));
    if (most == 0)
        return true;
    struct cxm_packed *p = cxm_priv_alloc_zero(allocator, 1, sizeof *p);
    if (p == NULL)
        return false;
    p->allocator = allocator;
    p->sources = *sources;
    if (!make_fields(config, p, most, bytes)) {
        cxm_priv_packed_free(p);
        return false;
    }
    memcpy(p->sources.slots, sources->slots, config->n_slots * sizeof *p->sources.slots);
    uint8_t *rows = p->memory;
    for (uint32_t i = 0; (column = next_column(config, &all, &i)) != NULL;) {
        if (has_field(p, *column))
            continue;
        struct cxm_packed_field *field = &p->fields[p->n++];
        *field = (struct cxm_packed_field){ .from = *column, .column = **column,
                                            .width = width_of((*column)->type) };
        field->column.stride = field->width;
        for (int side = 0; side < 2; side++, rows += bytes_of(field->width))
            field->rows[side] = rows;
    }
    sort_fields(p);
    plan_members(p);
    point_at_fields(config, p);
    p->unweave = cxm_priv_unweave(0);
    *out = p;
    return true;
}

void cxm_priv_packed_free(struct cxm_packed *p)
{
    if (p == NULL)
        return;
    cxm_priv_release(p->allocator, (void *)p->sources.slots);
    cxm_priv_release(p->allocator, p->fields);
    cxm_priv_release(p->allocator, p->members);
    cxm_priv_release(p->allocator, p->memory);
    cxm_priv_release(p->allocator, p);
}

/* ---- blocks ----------------------------------------------------------------------------- */

/* The next n rows of the next block. Lines of later ones are asked for, those of the first array
 * where the others have not done that. */
static void pack(struct cxm_packed *p, size_t n)
{
    const int64_t row = p->first + (int64_t)p->packed;
    for (uint32_t k = 0, members; k < p->n; k += members) {
        const struct cxm_column *c = p->fields[k].from;
        const uint8_t *from = (const uint8_t *)c->data + (c->offset + row) * c->stride;
        const bool asked = k == 0 && p->asked - row >= (int64_t)n + AHEAD;
        members = count_members(p, k);
        for (uint32_t i = k; i < k + members; i++)
            p->members[i].to = p->fields[i].rows[p->side] + p->packed * p->fields[i].width;
        p->unweave(from, c->stride, n, p->members + k, members, asked ? 0 : AHEAD * c->stride,
                   p->last - row > (int64_t)n);
    }
    p->packed += n;
}

static struct cxm_asking ask(struct cxm_packed *p)
{
    const struct cxm_column *c = p->fields[0].from;
    const int64_t row = p->first + (int64_t)p->packed;
    if (p->asked < row + AHEAD)
        p->asked = row + AHEAD;
    if (p->asked - row > MOST_AHEAD || p->last - p->asked < CXM_AHEAD_ROWS)
        return (struct cxm_asking){ (uintptr_t)p, 0 };
    p->asked += CXM_AHEAD_ROWS;
    return (struct cxm_asking){ address_of(c, p->asked - CXM_AHEAD_ROWS), c->stride };
}

struct cxm_asking cxm_priv_packed_step(struct cxm_packed *p)
{
    const size_t left = p->ahead - p->packed;
    if (left > 0)
        pack(p, left < CXM_AHEAD_ROWS ? left : CXM_AHEAD_ROWS);
    return ask(p);
}

static void go_on(struct cxm_packed *p, int64_t first, int64_t last)
{
    p->first = first;
    p->last = last;
    p->ahead = last - first < CXM_BLOCK ? (size_t)(last - first) : CXM_BLOCK;
    p->packed = 0;
}

void cxm_priv_packed_read(struct cxm_packed *p, int64_t first, size_t n, int64_t last)
{
    if (p->ahead != n || p->first != first)
        go_on(p, first, last);
    if (p->packed < n)
        pack(p, n - p->packed);
    for (uint32_t i = 0; i < p->n; i++) {
        p->fields[i].column.data = p->fields[i].rows[p->side];
        p->fields[i].column.offset = -first;
        p->fields[i].column.n = first + (int64_t)n; /* what follows is not there */
    }
    p->side = 1 - p->side;
    go_on(p, first + (int64_t)n, last);
}
