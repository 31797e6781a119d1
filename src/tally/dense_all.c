/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut for the commonest call: one rating, no groups, no weights, no copies. Ratings are
 * bytes, or numbers of a wider type that become bytes, some thousand rows at a time
 * (read_bytes.c). Bytes are counted by value (kernels.h), and the general decoder says which code
 * each value has, so both roads agree by construction. Anything else, and any invalid answer that
 * is to be named, is left to the general road (range.c), which gives the same tally. */
#include "column/read_bytes.h"
#include "tally/dense.h"

#include <math.h>

enum { BUFFER = 1 << 13, WIDE = 1 << 10, FEW_ROWS = 256 };

/* How the rows of a column become bytes, and what these mean. */
struct bytes_of {
    const struct cxm_column *column;
    cxm_read_bytes *read;            /* NULL: they are bytes */
    struct cxm_byte_window window;
    uint16_t codes[256];
    uint8_t values[CXM_MOST_VALUES]; /* bytes that are not invalid */
    size_t n_values;
};

static bool is_bytes(const struct cxm_column *c)
{
    return c->type == CXM_U8 || c->type == CXM_I8;
}

static bool fits(const struct cxm_config *config, const struct cxm_sources *sources,
                 struct cxm_byte_window *window)
{
    const struct cxm_column *c = sources->slots[0];
    return config->rules->one_rating && sources->weight == NULL && sources->freq == NULL
        && cxm_priv_dense_plain(c) && config->units[0].bins + 2 <= CXM_MOST_VALUES
        && (is_bytes(c) || cxm_priv_byte_window(c, (int64_t)config->lowest[0],
                                               config->units[0].bins, window));
}

int64_t cxm_priv_dense_all_worth(const struct cxm_config *config,
                                 const struct cxm_sources *sources)
{
    enum { BYTES = 1 << 21, OTHERS = 1 << 18 };
    struct cxm_byte_window window;
    if (!fits(config, sources, &window))
        return 0;
    return is_bytes(sources->slots[0]) ? BYTES : OTHERS;
}

static void decode_all(const struct cxm_config *config, const struct cxm_column *column,
                       const void *values, uint32_t type, uint16_t codes[256])
{
    struct cxm_column all = *column;
    struct cxm_reader reader;
    all.data = values;
    all.type = type;
    all.n = 256;
    all.stride = (int64_t)cxm_type_bytes((enum cxm_type)type);
    all.offset = 0;
    all.validity = NULL;
    cxm_priv_reader_init(&reader, &all);
    cxm_priv_read_codes(&reader, 0, 256, (int64_t)config->lowest[0], config->units[0].bins,
                        codes);
}

void cxm_priv_dense_codes(const struct cxm_config *config, const struct cxm_column *column,
                          uint16_t codes[256])
{
    uint8_t bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    decode_all(config, column, bytes, column->type, codes);
}

static void codes_of_window(const struct cxm_config *config, const struct cxm_column *column,
                            const struct cxm_byte_window *window, uint16_t codes[256])
{
    double numbers[256];
    for (int i = 0; i < 256; i++)
        numbers[i] = i < window->n ? window->base + i : (double)NAN;
    decode_all(config, column, numbers, CXM_F64, codes);
    for (int i = window->n; i < 256; i++)
        codes[i] = (uint16_t)(config->units[0].bins + (i != CXM_BYTE_MISSING));
}

/* False: too many bytes are valid. */
static bool make_bytes(const struct cxm_config *config, const struct cxm_column *column,
                       struct bytes_of *b)
{
    b->column = column;
    b->read = is_bytes(column) ? NULL : cxm_priv_read_bytes();
    b->n_values = 0;
    if (b->read == NULL)
        cxm_priv_dense_codes(config, column, b->codes);
    else
        codes_of_window(config, column, &b->window, b->codes);
    for (int i = 0; i < 256; i++) {
        if (b->codes[i] == config->units[0].bins + 1)
            continue;
        if (b->n_values == CXM_MOST_VALUES)
            return false;
        b->values[b->n_values++] = (uint8_t)i;
    }
    return true;
}

/* Elements of a column side by side. */
static void gather(const uint8_t *from, int64_t stride, size_t width, size_t n, uint8_t *out)
{
#define GATHER(w)                                                \
    case w:                                                      \
        for (size_t i = 0; i < n; i++)                           \
            memcpy(out + i * w, from + (int64_t)i * stride, w);  \
        return
    switch (width) {
    GATHER(1);
    GATHER(2);
    GATHER(4);
    GATHER(8);
    default: return;
    }
#undef GATHER
}

/* Bytes side by side: as they are, or made in the buffer. */
static const uint8_t *bytes_from(const struct bytes_of *b, int64_t row, size_t n,
                                 uint8_t buffer[BUFFER])
{
    const struct cxm_column *c = b->column;
    const uint8_t *from = cxm_priv_row_of(c, row);
    const size_t width = cxm_type_bytes((enum cxm_type)c->type);
    const bool apart = c->stride != (int64_t)width;
    if (b->read == NULL) {
        if (apart)
            gather(from, c->stride, width, n, buffer);
        return apart ? buffer : from;
    }
    uint64_t wide[WIDE];
    for (size_t i = 0; apart && i < n; i += WIDE) {
        const size_t some = n - i < WIDE ? n - i : WIDE;
        gather(from + (int64_t)i * c->stride, c->stride, width, some, (uint8_t *)wide);
        b->read(c->type, (const uint8_t *)wide, some, b->window, buffer + i);
    }
    if (!apart)
        b->read(c->type, from, n, b->window, buffer);
    return buffer;
}

/* Counts rows by value; returns how many are null. */
static int64_t count_rows(const struct bytes_of *b, int64_t first, int64_t last,
                          uint64_t counts[CXM_MOST_VALUES])
{
    uint8_t buffer[BUFFER];
    cxm_count_bytes *count = cxm_priv_kernels(0).count_bytes;
    const int64_t step = b->read == NULL && b->column->stride == 1 ? last - first : BUFFER;
    int64_t nulls = 0;
    for (int64_t row = first; row < last; row += step) {
        const size_t n = last - row < step ? (size_t)(last - row) : (size_t)step;
        unsigned skip;
        const uint8_t *bits = cxm_priv_dense_bits(b->column, row, &skip);
        nulls += (int64_t)count(bytes_from(b, row, n, buffer), n, bits, skip, b->values,
                                b->n_values, counts);
    }
    return nulls;
}

/* Fewer rows than bytes have values: decoded one by one, and counted. */
static enum cxm_dense_result count_few(const struct cxm_config *config,
                                       const struct cxm_sources *sources, int64_t first,
                                       int64_t last, struct cxm_state *state)
{
    uint16_t codes[FEW_ROWS];
    struct cxm_reader reader;
    const uint32_t bins = config->units[0].bins;
    const size_t n = (size_t)(last - first);
    cxm_priv_reader_init(&reader, sources->slots[0]);
    cxm_priv_read_codes(&reader, first, n, (int64_t)config->lowest[0], bins, codes);
    if (cxm_priv_table_add(&state->groups, (const uint8_t *)"", 0) == UINT32_MAX)
        return CXM_DENSE_NO_MEMORY;
    int64_t *cell = cxm_priv_table_cell(&state->groups, 0);
    for (size_t i = 0; i < n; i++)
        cell[codes[i]]++;
    return cell[bins + 1] == 0 || sources->count_invalid ? CXM_DENSE_DONE : CXM_DENSE_NO;
}

enum cxm_dense_result cxm_priv_dense_all(const struct cxm_config *config,
                                         const struct cxm_sources *sources, int64_t first,
                                         int64_t last, struct cxm_state *state)
{
    struct bytes_of b;
    uint64_t counts[CXM_MOST_VALUES] = { 0 };
    const uint32_t invalid = config->units[0].bins + 1;
    if (!fits(config, sources, &b.window))
        return CXM_DENSE_NO;
    if (last - first <= FEW_ROWS)
        return count_few(config, sources, first, last, state);
    if (!make_bytes(config, sources->slots[0], &b))
        return CXM_DENSE_NO;
    const int64_t nulls = count_rows(&b, first, last, counts);
    int64_t known = nulls;
    for (size_t v = 0; v < b.n_values; v++)
        known += (int64_t)counts[v];
    if (known != last - first && !sources->count_invalid)
        return CXM_DENSE_NO; /* the general road names the row */
    if (cxm_priv_table_add(&state->groups, (const uint8_t *)"", 0) == UINT32_MAX)
        return CXM_DENSE_NO_MEMORY;
    int64_t *cell = cxm_priv_table_cell(&state->groups, 0);
    for (size_t v = 0; v < b.n_values; v++)
        cell[b.codes[b.values[v]]] += (int64_t)counts[v];
    cell[invalid - 1] += nulls;
    cell[invalid] += last - first - known;
    return CXM_DENSE_DONE;
}
