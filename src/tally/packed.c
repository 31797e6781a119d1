/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Packing members of structs. Typical: score, weight and key of a record of 64 bytes; extreme: eight
 * members. A column keeps its rows' numbers, only its data, stride and offset are those of the
 * block, so that messages find their values. Rows are asked for 64 ahead: one pass that does so
 * takes little more than touching the lines, where a pass a column over 64 KB of lines took three
 * times that. (Packing the next block by turns with adding up this one took longer again: the
 * processor follows one stream of lines, but not one that is left every 64.) */
#include "tally/packed.h"

enum { ASKED_ROWS = 64, LINE = 64, ROOM = CXM_BLOCK * sizeof(double) };

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

static bool fits(const struct cxm_column *c)
{
    return c != NULL && c->n_chunks == 0 && c->dictionary == NULL && c->data != NULL
        && c->stride >= CXM_WIDE_STRIDE && width_of(c->type) != 0;
}

static bool any_fits(const struct cxm_config *config, const struct cxm_sources *sources)
{
    bool any = fits(sources->weight);
    for (uint32_t i = 0; i < config->n_slots; i++)
        any = any || fits(sources->slots[i]);
    for (uint32_t i = 0; i < sources->n_keys; i++)
        any = any || fits(sources->keys[i]);
    return any;
}

static void take(struct cxm_packed *p, const struct cxm_column **column)
{
    if (!fits(*column) || p->n == CXM_MOST_PACKED)
        return;
    struct cxm_packed_field *field = &p->fields[p->n];
    field->from = *column;
    field->column = **column;
    field->width = width_of(field->from->type);
    field->column.stride = field->width;
    field->rows = p->memory + p->n * (size_t)ROOM;
    *column = &field->column;
    p->n++;
}

bool cxm_priv_packed_new(const struct cxm_config *config, const struct cxm_sources *sources,
                         struct cxm_packed **out)
{
    const struct cxm_allocator *allocator = config->allocator;
    *out = NULL;
    if (!any_fits(config, sources))
        return true;
    struct cxm_packed *p = cxm_priv_alloc_zero(allocator, 1, sizeof *p);
    if (p == NULL)
        return false;
    p->allocator = allocator;
    p->sources = *sources;
    p->sources.slots = cxm_priv_alloc(allocator, config->n_slots, sizeof *p->sources.slots);
    p->memory = cxm_priv_alloc(allocator, CXM_MOST_PACKED, ROOM);
    if (p->sources.slots == NULL || p->memory == NULL) {
        cxm_priv_packed_free(p);
        return false;
    }
    for (uint32_t i = 0; i < config->n_slots; i++) {
        p->sources.slots[i] = sources->slots[i];
        take(p, &p->sources.slots[i]);
    }
    for (uint32_t i = 0; i < sources->n_keys; i++)
        take(p, &p->sources.keys[i]);
    take(p, &p->sources.weight);
    *out = p;
    return true;
}

void cxm_priv_packed_free(struct cxm_packed *p)
{
    if (p == NULL)
        return;
    cxm_priv_release(p->allocator, (void *)p->sources.slots);
    cxm_priv_release(p->allocator, p->memory);
    cxm_priv_release(p->allocator, p);
}

/* What lies `ahead` is not read, only asked for; it may be beyond the column. */
#define PACK(NAME, WIDTH)                                                                        \
    static void pack_##NAME(const uint8_t *from, int64_t stride, size_t n, uint8_t *to)          \
    {                                                                                            \
        for (size_t i = 0; i < n; i++)                                                           \
            memcpy(to + i * (WIDTH), from + (int64_t)i * stride, WIDTH);                         \
    }                                                                                            \
    static void pack_asking_##NAME(const uint8_t *from, int64_t stride, size_t n, uint8_t *to)   \
    {                                                                                            \
        const uintptr_t ahead = (uintptr_t)from + (uintptr_t)(stride * ASKED_ROWS);              \
        for (size_t i = 0; i < n; i++) {                                                         \
            memcpy(to + i * (WIDTH), from + (int64_t)i * stride, WIDTH);                         \
            __builtin_prefetch((const void *)(ahead + i * (uintptr_t)stride), 0, 0);             \
        }                                                                                        \
    }

PACK(1, 1)
PACK(2, 2)
PACK(4, 4)
PACK(8, 8)

/* Does another field before this one lie in the same lines? */
static bool is_beside(const struct cxm_packed *p, uint32_t field, const uint8_t *from, int64_t row)
{
    for (uint32_t i = 0; i < field; i++) {
        const struct cxm_column *c = p->fields[i].from;
        const uintptr_t at = (uintptr_t)c->data + (uintptr_t)((c->offset + row) * c->stride);
        if (c->stride == p->fields[field].from->stride && at / LINE == (uintptr_t)from / LINE)
            return true;
    }
    return false;
}

/* All fields of a few rows, whose lines stay in the first-level cache meanwhile. */
static void read_few(struct cxm_packed *p, int64_t row, size_t n, size_t at)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct cxm_packed_field *f = &p->fields[i];
        const struct cxm_column *c = f->from;
        const uint8_t *from = (const uint8_t *)c->data + (c->offset + row) * c->stride;
        uint8_t *to = f->rows + at * f->width;
        const bool ask = !is_beside(p, i, from, row);
        switch (f->width) {
        case 1: (ask ? pack_asking_1 : pack_1)(from, c->stride, n, to); break;
        case 2: (ask ? pack_asking_2 : pack_2)(from, c->stride, n, to); break;
        case 4: (ask ? pack_asking_4 : pack_4)(from, c->stride, n, to); break;
        default: (ask ? pack_asking_8 : pack_8)(from, c->stride, n, to); break;
        }
    }
}

void cxm_priv_packed_read(struct cxm_packed *p, int64_t first, size_t n)
{
    for (size_t i = 0; i < n; i += ASKED_ROWS)
        read_few(p, first + (int64_t)i, n - i < ASKED_ROWS ? n - i : ASKED_ROWS, i);
    for (uint32_t i = 0; i < p->n; i++) {
        p->fields[i].column.data = p->fields[i].rows;
        p->fields[i].column.offset = -first;
    }
}
