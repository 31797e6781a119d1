/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns of random values in random storage: any type, stride, offset, bitmap, mask, sentinel,
 * missing code, label, dictionary and chunk that means the same values as a plain column beside it.
 * Blocks of memory are as long as what is to be read, so that a sanitizer sees a byte too many, and
 * what stands where a value is missing is noise. */
#ifndef CXM_TESTS_RANDOM_COLUMNS_H
#define CXM_TESTS_RANDOM_COLUMNS_H

#include "testing.h"

#include <cxm/cxm.h>

/* ---- memory that lives as long as a call ---------------------------------------------- */

struct arena {
    void **blocks;
    size_t n, capacity;
};

static inline void *arena_take(struct arena *arena, size_t n, size_t bytes)
{
    if (arena->n == arena->capacity) {
        arena->capacity = 2 * arena->capacity + 64;
        arena->blocks = realloc(arena->blocks, arena->capacity * sizeof *arena->blocks);
        assert_non_null(arena->blocks);
    }
    void *block = malloc(n * bytes > 0 ? n * bytes : 1);
    assert_non_null(block);
    memset(block, 0xA5, n * bytes);
    arena->blocks[arena->n++] = block;
    return block;
}

static inline void arena_free(struct arena *arena)
{
    for (size_t i = 0; i < arena->n; i++)
        free(arena->blocks[i]);
    free(arena->blocks);
    memset(arena, 0, sizeof *arena);
}

struct maker {
    struct arena *arena;
    uint64_t *seed;
    int64_t n;
};

static inline bool one_in(const struct maker *m, uint64_t n)
{
    return random_below(m->seed, n) == 0;
}

/* ---- texts ---------------------------------------------------------------------------- */

static const char *const words_of_all_kinds[] = {
    "EMEA", "", "\xE4\xB8\xAD\xE5\x9B\xBD", "Z", "EMEA North and everything that belongs there", "e",
    "eight by", "sixteen by sixte", "EME", "EMEA ", "\xC3\xAEle", "0",
};

static inline const char *random_text(const struct maker *m, uint64_t kinds)
{
    const uint64_t k = random_below(m->seed, kinds);
    if (k < COUNT_OF(words_of_all_kinds))
        return words_of_all_kinds[k];
    char *text = arena_take(m->arena, 40, 1);
    snprintf(text, 40, "%s%llu", k % 2 ? "customer number " : "", (unsigned long long)k);
    return text;
}

/* Texts of one part, NULL where missing; a bitmap is made by the caller for the types that need it. */
static inline void store_texts(const struct maker *m, struct cxm_column *c, uint32_t type,
                               const char *const *texts, int64_t n)
{
    const int64_t skip = (int64_t)random_below(m->seed, 5);
    size_t total = 0, longest = 1;
    for (int64_t i = 0; i < n; i++) {
        const size_t bytes = texts[i] != NULL ? strlen(texts[i]) : 0;
        total += bytes;
        longest = bytes > longest ? bytes : longest;
    }
    c->type = type;
    c->offset = skip;
    if (type == CXM_STRINGS) {
        const char **at = arena_take(m->arena, (size_t)(skip + n), sizeof *at);
        for (int64_t i = 0; i < skip + n; i++)
            at[i] = i < skip ? NULL : texts[i - skip];
        c->data = at;
        c->stride = sizeof *at;
        c->width = sizeof *at;
    } else if (type == CXM_TEXT) {
        c->width = (uint32_t)(longest + random_below(m->seed, 3));
        c->stride = (int64_t)c->width + (int64_t)random_below(m->seed, 9);
        const size_t reach = (size_t)((skip + n) * c->stride);
        char *at = arena_take(m->arena, n > 0 ? reach - ((size_t)c->stride - c->width) : 0, 1);
        for (int64_t i = 0; i < n; i++) {
            char *to = at + (skip + i) * c->stride;
            const size_t bytes = texts[i] != NULL ? strlen(texts[i]) : 0;
            if (texts[i] == NULL)
                continue;
            memset(to, 0, c->width);
            memcpy(to, texts[i], bytes);
        }
        c->data = at;
    } else if (type == CXM_UTF8 || type == CXM_UTF8_LARGE) {
        char *heap = arena_take(m->arena, total, 1);
        int64_t *wide = arena_take(m->arena, (size_t)(skip + n + 1), 8), *size = arena_take(m->arena, 1, 8);
        int32_t *narrow = arena_take(m->arena, (size_t)(skip + n + 1), 4);
        size_t at = 0;
        for (int64_t i = 0; i <= skip + n; i++) {
            const char *text = i < skip || i == skip + n ? NULL : texts[i - skip];
            wide[i] = (int64_t)at;
            narrow[i] = (int32_t)at;
            if (text != NULL) {
                memcpy(heap + at, text, strlen(text));
                at += strlen(text);
            }
        }
        *size = (int64_t)total;
        c->data = type == CXM_UTF8 ? (const void *)narrow : wide;
        c->heap = heap;
        c->heap_bytes = one_in(m, 2) ? size : NULL;
    } else { /* views */
        enum { VIEW = 16, SHORT = 12 };
        char *heap = arena_take(m->arena, total, 1);
        const void **buffers = arena_take(m->arena, 1, sizeof *buffers);
        int64_t *size = arena_take(m->arena, 1, 8);
        unsigned char *views = arena_take(m->arena, (size_t)(skip + n), VIEW);
        int32_t at = 0;
        for (int64_t i = 0; i < n; i++) {
            unsigned char *view = views + (skip + i) * VIEW;
            const int32_t bytes = texts[i] != NULL ? (int32_t)strlen(texts[i]) : 0, buffer = 0;
            memset(view, 0, VIEW);
            memcpy(view, &bytes, 4);
            if (bytes > SHORT) {
                memcpy(view + 4, texts[i], 4);
                memcpy(view + 8, &buffer, 4);
                memcpy(view + 12, &at, 4);
                memcpy(heap + at, texts[i], (size_t)bytes);
                at += bytes;
            } else if (bytes > 0) {
                memcpy(view + 4, texts[i], (size_t)bytes);
            }
        }
        buffers[0] = heap;
        *size = (int64_t)total;
        c->data = views;
        c->heap = buffers;
        c->heap_bytes = one_in(m, 2) ? size : NULL;
        c->n_buffers = 1;
    }
}

/* ---- elements of a fixed size --------------------------------------------------------- */

/* A value as doubles have it, and as integers of 64 bits have it (two's complement). */
struct number {
    double real;
    uint64_t whole;
};

static inline void put_number(uint32_t type, int32_t scale, struct number v, unsigned char *at)
{
    switch (type) {
    case CXM_I8: case CXM_U8: case CXM_BOOL: memcpy(at, &v.whole, 1); return;
    case CXM_I16: case CXM_U16: memcpy(at, &v.whole, 2); return;
    case CXM_I32: case CXM_U32: memcpy(at, &v.whole, 4); return;
    case CXM_I64: case CXM_U64: memcpy(at, &v.whole, 8); return;
    case CXM_F32: {
        const float x = (float)v.real;
        memcpy(at, &x, 4);
        return;
    }
    case CXM_F64: memcpy(at, &v.real, 8); return;
    default: { /* decimal: v.real times 10^scale is whole */
        const int64_t low = (int64_t)llround(v.real * pow(10, scale)), high = low < 0 ? -1 : 0;
        memcpy(at, &low, 8);
        memcpy(at + 8, &high, 8);
        return;
    }
    }
}

static inline bool is_whole_type(uint32_t type)
{
    return type >= CXM_I8 && type <= CXM_U64;
}

/* Noise, but no element that a sanitizer would have to complain about. */
static inline struct number noise_of(const struct maker *m, uint32_t type)
{
    static const double odd[] = { -7, 0.5, 1e300, -0.0, 250 };
    struct number noise = { odd[random_below(m->seed, COUNT_OF(odd))], random_u64(m->seed) };
    if (type == CXM_F32 || type == CXM_DECIMAL)
        noise.real = one_in(m, 2) ? 0.5 : 77;
    if (type == CXM_F64 && one_in(m, 3))
        noise.real = NAN;
    return noise;
}

enum absence { BY_BITMAP = 1, BY_MASK = 2, BY_SENTINEL = 4, BY_CODE = 8, BY_NAN = 16 };

/* How all parts of a column are stored. */
struct storage {
    uint32_t type;
    int32_t scale;
    unsigned absence;
    struct number sentinel, code;
    bool strided;
};

/* Bits and mask bytes of one part; how each missing row of it is told. */
static inline void store_absence(const struct maker *m, const struct storage *s, struct cxm_column *c,
                                 const bool *present, unsigned *told)
{
    const size_t n = (size_t)c->n;
    for (size_t i = 0; i < n; i++) {
        told[i] = 0;
        while (!present[i] && told[i] == 0 && s->absence != 0) /* strings may be NULL */
            told[i] = s->absence & (1u << random_below(m->seed, 5));
    }
    if (s->absence & BY_BITMAP) {
        c->validity_offset = (int64_t)random_below(m->seed, 70);
        uint8_t *bits = arena_take(m->arena, ((size_t)c->validity_offset + n + 7) / 8, 1);
        for (size_t i = 0; i < n; i++) {
            const size_t bit = (size_t)c->validity_offset + i;
            bits[bit / 8] = (uint8_t)((bits[bit / 8] & ~(1u << bit % 8))
                                      | (unsigned)(told[i] != BY_BITMAP) << bit % 8);
        }
        c->validity = bits;
    }
    if (s->absence & BY_MASK) {
        const bool in = one_in(m, 2);
        c->mask_stride = one_in(m, 3) ? (int64_t)random_below(m->seed, 9) + 1 : 1;
        uint8_t *mask = arena_take(m->arena, n > 0 ? (n - 1) * (size_t)c->mask_stride + 1 : 0, 1);
        for (size_t i = 0; i < n; i++)
            mask[i * (size_t)c->mask_stride] =
                (told[i] != BY_MASK) == in ? (uint8_t)(1 + random_below(m->seed, 255)) : 0;
        c->mask = mask;
        c->flags |= in ? CXM_COLUMN_MASKED_IN : 0u;
    }
}

static inline void store_numbers(const struct maker *m, const struct storage *s, struct cxm_column *c,
                                 const struct number *values, const bool *present)
{
    const int64_t n = c->n, skip = one_in(m, 2) ? 0 : (int64_t)random_below(m->seed, 70);
    unsigned *told = arena_take(m->arena, (size_t)n, sizeof *told);
    store_absence(m, s, c, present, told);
    c->type = s->type;
    c->scale = s->scale;
    c->offset = skip;
    if (s->type == CXM_BITS) {
        uint8_t *bits = arena_take(m->arena, (size_t)(skip + n + 7) / 8, 1);
        for (int64_t i = 0; i < n; i++) {
            const int64_t bit = skip + i;
            const unsigned on = present[i] ? values[i].real != 0 : one_in(m, 2);
            bits[bit / 8] = (uint8_t)((bits[bit / 8] & ~(1u << bit % 8)) | on << bit % 8);
        }
        c->data = bits;
        return;
    }
    const int64_t width = (int64_t)cxm_type_bytes((enum cxm_type)s->type);
    const int64_t stride = s->strided ? width + (int64_t)random_below(m->seed, 40) : width;
    const size_t shift = one_in(m, 3) ? random_below(m->seed, 8) : 0; /* not aligned */
    const int64_t rows = skip + n;
    unsigned char *at = arena_take(m->arena, rows > 0 ? (size_t)((rows - 1) * stride + width) + shift : 0, 1);
    const bool back = s->strided && one_in(m, 3);
    c->width = (uint32_t)width;
    c->stride = back ? -stride : stride;
    c->data = rows > 0 ? at + shift + (back ? (rows - 1) * stride : 0) : at;
    for (int64_t i = 0; i < n; i++) {
        struct number v = told[i] == BY_SENTINEL ? s->sentinel : told[i] == BY_CODE ? s->code : values[i];
        if (told[i] == BY_NAN)
            v.real = NAN;
        else if (told[i] == BY_BITMAP || told[i] == BY_MASK)
            v = noise_of(m, s->type);
        if (s->type == CXM_BOOL && v.whole != 0)
            v.whole = 1 + random_below(m->seed, 255);
        put_number(s->type, s->scale, v, (unsigned char *)(uintptr_t)c->data + (skip + i) * c->stride);
    }
}

/* ---- parts ---------------------------------------------------------------------------- */

typedef void store_part(const struct maker *m, const void *storage, struct cxm_column *part,
                        int64_t first);

/* One part, or several of any length. */
static inline void store_parts(const struct maker *m, const void *storage, store_part *store,
                               struct cxm_column *c)
{
    c->n = m->n;
    if (!one_in(m, 6)) {
        store(m, storage, c, 0);
        return;
    }
    const int64_t most = 1 + (int64_t)random_below(m->seed, one_in(m, 4) ? 40 : 4);
    struct cxm_column *parts = arena_take(m->arena, (size_t)most, sizeof *parts);
    memset(parts, 0, (size_t)most * sizeof *parts);
    int64_t at = 0;
    for (int64_t p = 0; p < most; p++) {
        const int64_t left = m->n - at;
        parts[p].n = p + 1 == most ? left
                   : one_in(m, 5)  ? 0
                                   : (int64_t)random_below(m->seed, 2 * (uint64_t)(left / (most - p)) + 2);
        parts[p].n = parts[p].n < left ? parts[p].n : left;
        store(m, storage, &parts[p], at);
        at += parts[p].n;
    }
    c->chunks = parts;
    c->n_chunks = most;
}

#endif
