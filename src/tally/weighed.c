/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sums of weights and of their squares by group and answer, the quick way. A weight is a
 * mantissa of 53 bits and an exponent; exponents are cut into bands of eight, so that within a
 * band each weight is a whole number below 2^60 times one power of two, and its square one
 * below 2^120. A cell counts rows and adds up these whole numbers in 128 and 192 bits: exact
 * whatever the weights are, and nothing is rounded, scaled or looked ahead for. Weights from
 * 1/8 to 16 - nearly all that a survey has - lie in one band. At the end the cells are added to
 * the exact sums of the table, so both roads give the same tally. (The slices on a fixed grid of
 * Demmel and Nguyen 2015, "Parallel reproducible summation", with integers for slices.)
 *
 * 64 bytes an answer and group, for each band that occurs: 1 000 groups and 5 answers take
 * 512 KB. Beyond MOST_BYTES the sums go into the table and further rows straight there. */
#include "tally/weighed.h"

enum { BANDS = 256, MOST_BYTES = 1 << 26 };

/* Biased exponent + 4 = 8 band + shift: bands begin at 2^-4, 2^4, 2^12 … */
enum { OFFSET = 4, BAND_BITS = 3 };

struct cell {
    uint64_t rows;
    uint64_t sum[2], squares[3]; /* low word first */
    uint64_t unused[2];          /* a cell is a cache line */
};

struct cxm_weighed {
    const struct cxm_allocator *allocator;
    struct cell *bands[BANDS];   /* [group + 1][code]; row 0 takes the rows that are left out */
    size_t n_bands, groups;      /* that a band has room for, with the one left out */
    uint32_t n_codes, bins;
    struct cxm_window *windows;  /* by sum: W and Q of each bin */
    int spills;                  /* how often MOST_BYTES was reached */
};

struct cxm_weighed *cxm_priv_weighed_new(const struct cxm_config *config,
                                         const struct cxm_allocator *allocator)
{
    struct cxm_weighed *w = cxm_priv_alloc_zero(allocator, 1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->allocator = allocator;
    w->bins = config->units[0].bins;
    w->n_codes = cxm_priv_unit_layout(config, 0, true).n_codes;
    w->windows = cxm_priv_alloc(allocator, 2 * (size_t)w->bins, sizeof *w->windows);
    if (w->windows != NULL)
        return w;
    cxm_priv_release(allocator, w);
    return NULL;
}

static void release_bands(struct cxm_weighed *w)
{
    for (int b = 0; b < BANDS; b++) {
        cxm_priv_release(w->allocator, w->bands[b]);
        w->bands[b] = NULL;
    }
    w->n_bands = w->groups = 0;
}

void cxm_priv_weighed_free(struct cxm_weighed *w)
{
    if (w == NULL)
        return;
    release_bands(w);
    cxm_priv_release(w->allocator, w->windows);
    cxm_priv_release(w->allocator, w);
}

static size_t bytes_of(const struct cxm_weighed *w, size_t groups)
{
    return groups * w->n_codes * sizeof(struct cell);
}

/* Room for that many groups in every band. */
static bool reserve(struct cxm_weighed *w, size_t groups)
{
    if (groups <= w->groups)
        return true;
    const size_t larger = groups > 2 * w->groups ? groups : 2 * w->groups;
    for (int b = 0; b < BANDS; b++) {
        if (w->bands[b] == NULL)
            continue;
        struct cell *grown = cxm_priv_alloc_zero(w->allocator, larger * w->n_codes,
                                                 sizeof *grown);
        if (grown == NULL)
            return false; /* some bands are longer than they must be */
        memcpy(grown, w->bands[b], bytes_of(w, w->groups));
        cxm_priv_release(w->allocator, w->bands[b]);
        w->bands[b] = grown;
    }
    w->groups = larger;
    return true;
}

/* ---- from cells to the table ---------------------------------------------------------- */

static int32_t exponent_of(int band)
{
    return (band << BAND_BITS) - OFFSET - 1075;
}

static void include(struct cxm_span *span, const uint64_t *words, int n, int32_t exponent)
{
    for (int k = 0; k < n; k++) {
        if (words[k] != 0)
            cxm_priv_span_include(span, exponent + 64 * k + __builtin_ctzll(words[k]),
                                  exponent + 64 * (k + 1) - __builtin_clzll(words[k]));
    }
}

static void add_words(int64_t *limbs, struct cxm_window window, const uint64_t *words, int n,
                      int32_t exponent)
{
    for (int k = 0; k < n; k++) {
        if (words[k] == 0)
            continue;
        const int zeros = __builtin_ctzll(words[k]);
        cxm_priv_exact_add(limbs, window, words[k] >> zeros, exponent + 64 * k + zeros, false, 1);
    }
}

static bool widen(struct cxm_weighed *w, struct cxm_table *groups)
{
    for (uint32_t c = 0; c < w->bins; c++) {
        struct cxm_span sum = CXM_SPAN_EMPTY, squares = CXM_SPAN_EMPTY;
        for (int b = 0; b < BANDS; b++) {
            for (size_t g = 1; w->bands[b] != NULL && g <= groups->dict.n; g++) {
                const struct cell *cell = &w->bands[b][g * w->n_codes + c];
                include(&sum, cell->sum, 2, exponent_of(b));
                include(&squares, cell->squares, 3, 2 * exponent_of(b));
            }
        }
        w->windows[2 * c] = cxm_priv_window_for(sum);
        w->windows[2 * c + 1] = cxm_priv_window_for(squares);
    }
    return cxm_priv_table_reserve(groups, groups->capacity > 0 ? groups->capacity : 1,
                                  w->windows);
}

bool cxm_priv_weighed_flush(struct cxm_weighed *w, struct cxm_table *groups)
{
    const struct cxm_layout *layout = &groups->layout;
    if (w->n_bands == 0)
        return true;
    if (!reserve(w, (size_t)groups->dict.n + 1) || !widen(w, groups))
        return false;
    for (int b = 0; b < BANDS; b++) {
        const struct cell *cell = w->bands[b] != NULL ? w->bands[b] + w->n_codes : NULL;
        for (uint32_t g = 0; cell != NULL && g < groups->dict.n; g++) {
            int64_t *to = cxm_priv_table_cell(groups, g);
            for (uint32_t c = 0; c < w->n_codes; c++, cell++) {
                to[c] += (int64_t)cell->rows;
                if (c >= w->bins || cell->rows == 0)
                    continue;
                add_words(to + layout->at[2 * c], layout->windows[2 * c], cell->sum, 2,
                          exponent_of(b));
                add_words(to + layout->at[2 * c + 1], layout->windows[2 * c + 1], cell->squares,
                          3, 2 * exponent_of(b));
            }
        }
    }
    release_bands(w);
    cxm_priv_table_normalise(groups);
    return true;
}

/* ---- rows ----------------------------------------------------------------------------- */

/* A new band; too many of them are emptied first. */
static struct cell *make_band(struct cxm_weighed *w, struct cxm_table *groups, size_t band)
{
    const size_t n_groups = (size_t)groups->dict.n + 1;
    if ((w->n_bands + 1) * bytes_of(w, w->groups) > MOST_BYTES && w->n_bands > 0) {
        w->spills++;
        if (!cxm_priv_weighed_flush(w, groups))
            return NULL;
    }
    if (!reserve(w, n_groups))
        return NULL;
    w->bands[band] = cxm_priv_alloc_zero(w->allocator, w->groups * w->n_codes,
                                         sizeof(struct cell));
    w->n_bands += w->bands[band] != NULL;
    return w->bands[band];
}

enum cxm_weighed_result cxm_priv_weighed_add(struct cxm_weighed *w, struct cxm_table *groups,
                                             const uint32_t *group, const uint16_t *codes,
                                             const double *weights, size_t n)
{
    enum { MOST_SPILLS = 4, LEAST = 1023 - 333, MOST = 1023 + 333 };
    const uint64_t one = (uint64_t)1023 << 52, implicit = (uint64_t)1 << 52;
    const size_t n_groups = (size_t)groups->dict.n + 1;
    const size_t wanted = n_groups > w->groups ? n_groups + n_groups / 2 : w->groups;
    if (w->spills > MOST_SPILLS || bytes_of(w, wanted) > MOST_BYTES)
        return CXM_WEIGHED_FULL;
    if (w->n_bands * bytes_of(w, wanted) > MOST_BYTES) {
        w->spills++;
        if (!cxm_priv_weighed_flush(w, groups))
            return CXM_WEIGHED_NO_MEMORY;
    }
    if (!reserve(w, n_groups))
        return CXM_WEIGHED_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &weights[i], sizeof bits);
        if (CXM_UNLIKELY((bits >> 52) - LEAST > MOST - LEAST)) /* not a row that is used */
            bits = one;
        const uint64_t scaled = (bits >> 52) + OFFSET;
        struct cell *cells = w->bands[scaled >> BAND_BITS];
        if (CXM_UNLIKELY(cells == NULL)) {
            cells = make_band(w, groups, scaled >> BAND_BITS);
            if (cells == NULL)
                return CXM_WEIGHED_NO_MEMORY;
        }
        const uint64_t q = ((bits & (implicit - 1)) | implicit)
                        << (scaled & (((uint64_t)1 << BAND_BITS) - 1));
        const size_t row = group != NULL ? group[i] + (uint32_t)1 : 1; /* left out: 0 */
        struct cell *cell = &cells[row * w->n_codes + codes[i]];
        const cxm_u128 square = (cxm_u128)q * q;
        const uint64_t low = (uint64_t)square, high = (uint64_t)(square >> 64);
        cell->rows++;
        cell->sum[0] += q;
        cell->sum[1] += cell->sum[0] < q;
        cell->squares[0] += low;
        const uint64_t carried = high + (cell->squares[0] < low); /* high < 2^56 */
        cell->squares[1] += carried;
        cell->squares[2] += cell->squares[1] < carried;
    }
    return CXM_WEIGHED_ADDED;
}
