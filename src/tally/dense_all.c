/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut for the commonest call: one rating of a byte, no groups, no weights, no copies.
 * Bytes are counted by value (kernels.h), and the general decoder says which code each value has,
 * so both roads agree by construction. Anything else, and any invalid answer that is to be named,
 * is left to the general road (range.c), which gives the same tally. */
#include "tally/dense.h"

enum { BUFFER = 1 << 13, FEW_ROWS = 256 };

static bool fits(const struct cxm_config *config, const struct cxm_sources *sources)
{
    const struct cxm_column *c = sources->slots[0];
    return config->rules->one_rating && sources->weight == NULL && sources->freq == NULL
        && cxm_priv_dense_plain(c) && (c->type == CXM_U8 || c->type == CXM_I8)
        && config->units[0].bins + 2 <= CXM_MOST_VALUES;
}

void cxm_priv_dense_codes(const struct cxm_config *config, const struct cxm_column *column,
                          uint16_t codes[256])
{
    uint8_t bytes[256];
    struct cxm_column all = *column;
    struct cxm_reader reader;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    all.data = bytes;
    all.n = 256;
    all.stride = 1;
    all.offset = 0;
    all.validity = NULL;
    cxm_priv_reader_init(&reader, &all);
    cxm_priv_read_codes(&reader, 0, 256, (int64_t)config->lowest[0], config->units[0].bins,
                        codes);
}

/* Answers side by side: as they are, or copied into the buffer. */
static const uint8_t *answers_of(const struct cxm_column *column, int64_t row, size_t n,
                                 uint8_t buffer[BUFFER])
{
    const uint8_t *bytes = cxm_priv_row_of(column, row);
    const int64_t stride = column->stride;
    if (stride == 1)
        return bytes;
    for (size_t i = 0; i < n; i++)
        buffer[i] = bytes[(int64_t)i * stride];
    return buffer;
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
    uint16_t codes[256];
    uint8_t values[CXM_MOST_VALUES];
    uint64_t counts[CXM_MOST_VALUES] = { 0 };
    uint8_t buffer[BUFFER];
    size_t n_values = 0;
    const struct cxm_column *column = sources->slots[0];
    const uint32_t invalid = config->units[0].bins + 1;
    if (!fits(config, sources))
        return CXM_DENSE_NO;
    if (last - first <= FEW_ROWS)
        return count_few(config, sources, first, last, state);
    cxm_priv_dense_codes(config, column, codes);
    for (int i = 0; i < 256; i++) {
        if (codes[i] == invalid)
            continue;
        if (n_values == CXM_MOST_VALUES)
            return CXM_DENSE_NO;
        values[n_values++] = (uint8_t)i;
    }
    const int64_t step = column->stride == 1 ? last - first : BUFFER;
    int64_t known = 0;
    for (int64_t row = first; row < last; row += step) {
        const size_t n = last - row < step ? (size_t)(last - row) : (size_t)step;
        unsigned skip;
        const uint8_t *bits = cxm_priv_dense_bits(column, row, &skip);
        known += (int64_t)cxm_priv_kernels(0).count_bytes(answers_of(column, row, n, buffer), n,
                                                          bits, skip, values, n_values, counts);
    }
    const int64_t null = known;
    for (size_t v = 0; v < n_values; v++)
        known += (int64_t)counts[v];
    if (known != last - first && !sources->count_invalid)
        return CXM_DENSE_NO; /* the general road names the row */
    if (cxm_priv_table_add(&state->groups, (const uint8_t *)"", 0) == UINT32_MAX)
        return CXM_DENSE_NO_MEMORY;
    int64_t *cell = cxm_priv_table_cell(&state->groups, 0);
    for (size_t v = 0; v < n_values; v++)
        cell[codes[values[v]]] += (int64_t)counts[v];
    cell[invalid - 1] += null;
    cell[invalid] += last - first - known;
    return CXM_DENSE_DONE;
}
