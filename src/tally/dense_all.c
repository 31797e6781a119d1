/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The short cut for the commonest call: one rating, no groups, no weights, no copies. Ratings are
 * bytes, or become bytes, some thousand rows at a time (rating.c). Bytes are counted by value
 * (kernels.h), and the general decoder says which code each value has, so both roads agree by
 * construction. Anything else, and any invalid answer that is to be named, is left to the general
 * road (range.c), which gives the same tally. */
#include "tally/dense.h"

enum { BUFFER = 1 << 13, FEW_ROWS = 256 };

/* Bytes, and what they mean. */
struct bytes_of {
    struct cxm_rating rating;
    uint16_t codes[256];
    uint8_t values[CXM_MOST_VALUES]; /* bytes that are not invalid */
    size_t n_values;
};

static bool fits(const struct cxm_config *config, const struct cxm_sources *sources,
                 struct cxm_rating *rating)
{
    return config->rules->one_rating && sources->weight == NULL && sources->freq == NULL
        && config->units[0].bins + 2 <= CXM_MOST_VALUES
        && cxm_priv_rating_init(rating, config, sources->slots[0]);
}

int64_t cxm_priv_dense_all_worth(const struct cxm_config *config,
                                 const struct cxm_sources *sources)
{
    enum { BYTES = 1 << 21, OTHERS = 1 << 18 };
    struct cxm_rating rating;
    if (!fits(config, sources, &rating))
        return 0;
    return rating.read == NULL ? BYTES : OTHERS;
}

/* False: too many bytes are valid. */
static bool make_bytes(const struct cxm_config *config, struct bytes_of *b)
{
    b->n_values = 0;
    cxm_priv_rating_codes(&b->rating, config, b->codes);
    for (int i = 0; i < 256; i++) {
        if (b->codes[i] == config->units[0].bins + 1)
            continue;
        if (b->n_values == CXM_MOST_VALUES)
            return false;
        b->values[b->n_values++] = (uint8_t)i;
    }
    return true;
}

/* Counts rows by value; returns how many are null. */
static int64_t count_rows(const struct bytes_of *b, int64_t first, int64_t last,
                          uint64_t counts[CXM_MOST_VALUES])
{
    uint8_t buffer[BUFFER];
    cxm_count_bytes *count = cxm_priv_kernels(0).count_bytes;
    const int64_t step = cxm_priv_rating_in_place(&b->rating) ? last - first : BUFFER;
    int64_t nulls = 0;
    for (int64_t row = first; row < last; row += step) {
        const size_t n = last - row < step ? (size_t)(last - row) : (size_t)step;
        unsigned skip;
        const uint8_t *bits = cxm_priv_dense_bits(b->rating.column, row, &skip);
        nulls += (int64_t)count(cxm_priv_rating_bytes(&b->rating, row, n, buffer), n, bits, skip, b->values,
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
    if (!fits(config, sources, &b.rating))
        return CXM_DENSE_NO;
    if (last - first <= FEW_ROWS)
        return count_few(config, sources, first, last, state);
    if (!make_bytes(config, &b))
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
