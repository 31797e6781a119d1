/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts, sums and sums of squares by group and answer, the quick way. A number is a mantissa of
 * 53 bits and an exponent. Exponents are cut into bands of twelve, so that within a band each
 * number is a whole number q below 2^64 times one power of two. A cell adds up parts of q and of q^2
 * in words that have room for 65 535 such rows, or for 1 023 in half the memory (wide and slim cells,
 * kernels.h; a variant has the one or the other): exact whatever the numbers are, and nothing is
 * rounded, scaled or looked ahead for. A cell that is full goes to the exact sums of the table, and all
 * do at the end (moments_cells.c), so all roads give the same tally. The first band is laid around the
 * first numbers: weights that differ by less than a factor of 2 000 all lie in it. (The slices on a fixed
 * grid of Demmel and Nguyen 2015, "Parallel reproducible summation", with integers for slices.)
 *
 * 64 or 32 bytes an answer, sign and group, for each band that occurs: the weights of 1 000 groups and 5
 * answers take 512 or 256 KB with the rows that have none. Beyond MOST_BYTES the sums go into the table
 * and further rows straight there. The only band of the values of a million groups may take more, of which
 * most is never touched: that a value is missing or below 0 has places of its own. */
#include "tally/moments_parts.h"

enum { MOST_BYTES = 1 << 26, MOST_BYTES_OF_MANY = 1 << 29, MUCH_BYTES = 1 << 22, MOST_FLUSHES = 4,
       LINE = 64, BLOCKS_OFF = 16,
       LEAST_EXPONENT = 1023 - 332, MOST_EXPONENT = 1023 + 332 }; /* 2^-332 > 1e-100 */

struct cxm_moments *cxm_priv_moments_new(const struct cxm_config *config, bool weighted,
                                         struct cxm_keyed *keyed,
                                         const struct cxm_allocator *allocator)
{
    struct cxm_moments *m = cxm_priv_alloc_zero(allocator, 1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->allocator = allocator;
    m->kernels = cxm_priv_kernels(0);
    m->full = m->kernels.moment_words == CXM_SLIM_WORDS ? (uint64_t)CXM_FULL_SLIM << CXM_SLIM_COUNT_AT
                                                        : (uint64_t)CXM_FULL_CELL << CXM_COUNT_AT;
    m->keyed = keyed;
    m->weighted = weighted;
    m->bins = config->units[0].bins;
    m->n_codes = cxm_priv_unit_layout(config, 0, weighted).n_codes;
    m->planes = weighted ? m->n_codes : 2 * m->n_codes;
    m->windows = cxm_priv_alloc_zero(allocator, cxm_priv_n_sums(config, weighted),
                                     sizeof *m->windows);
    if (m->windows != NULL)
        return m;
    cxm_priv_release(allocator, m);
    return NULL;
}

/* Without cells and bands; the next number lays the first band anew. */
static void clear(struct cxm_moments *m)
{
    cxm_priv_release(m->allocator, m->memory);
    memset(&m->places, 0, sizeof m->places);
    m->memory = NULL;
    m->cells = NULL;
    m->n_bands = m->most = m->room = 0;
}

void cxm_priv_moments_free(struct cxm_moments *m)
{
    if (m == NULL)
        return;
    clear(m);
    cxm_priv_release(m->allocator, m->windows);
    cxm_priv_release(m->allocator, m);
}

bool cxm_priv_moments_flush(struct cxm_moments *m, struct cxm_table *groups)
{
    if (m->n_bands == 0)
        return true;
    if (!cxm_priv_moments_to_table(m, groups))
        return false;
    clear(m);
    return true;
}

/* ---- memory ---------------------------------------------------------------------------- */

static size_t bytes_of(const struct cxm_moments *m, size_t bands, size_t room)
{
    return bands * m->planes * room * cxm_priv_moments_bytes(m);
}

static size_t most_bytes(const struct cxm_moments *m)
{
    return m->keyed->n_slots > CXM_MANY_SLOTS ? MOST_BYTES_OF_MANY : MOST_BYTES;
}

static void note_places(struct cxm_moments *m, size_t band)
{
    const uint64_t cell = band * m->planes * m->room;
    for (int32_t shift = 0; shift < CXM_BAND_EXPONENTS; shift++) {
        const int32_t exponent = m->bases[band] + shift;
        const uint64_t place = CXM_PLACE_KNOWN | (uint64_t)shift << CXM_PLACE_SHIFT | cell;
        if (exponent >= 1 && exponent < CXM_EXPONENTS - 1)
            m->places.of[exponent] = place | CXM_LEADING_ONE;
        if (exponent == 1) /* subnormal numbers, and zeros with them */
            m->places.of[0] = place;
    }
    if (band == 0 && m->places.of[0] == 0)
        m->places.of[0] = CXM_PLACE_KNOWN | CXM_PLACE_ONLY_ZERO;
}

/* Memory for that many bands and cells of a plane, at least. */
static bool reserve(struct cxm_moments *m, size_t bands, size_t room)
{
    if (bands <= m->most && room <= m->room)
        return true;
    void *memory = cxm_priv_alloc_zero_dense(m->allocator, bytes_of(m, bands, room) + LINE, 1);
    if (memory == NULL)
        return false;
    uint64_t *cells = (uint64_t *)(void *)((uint8_t *)memory + LINE - (uintptr_t)memory % LINE);
    for (size_t plane = 0; plane < m->n_bands * m->planes; plane++)
        memcpy(cells + plane * room * m->kernels.moment_words, cxm_priv_moments_cell(m, plane * m->room),
               m->room * cxm_priv_moments_bytes(m));
    cxm_priv_release(m->allocator, m->memory);
    m->memory = memory;
    m->cells = cells;
    m->room = room;
    m->most = bands;
    m->places.room = (uint32_t)room;
    m->places.negative = m->n_codes * (uint32_t)room;
    m->places.of[0] = 0;
    for (size_t band = 0; band < m->n_bands; band++)
        note_places(m, band);
    return true;
}

/* Cells of very many groups or slots are asked for at once, most of them perhaps never touched; the
 * table alone, which grows with its groups, may do with what memory there is. */
static enum cxm_moments_result make_room(struct cxm_moments *m, size_t bands, size_t room)
{
    return reserve(m, bands, room)                ? CXM_MOMENTS_ADDED
         : bytes_of(m, bands, room) >= MUCH_BYTES ? CXM_MOMENTS_FULL
                                                  : CXM_MOMENTS_NO_MEMORY;
}

/* Room for all groups of the table, or for all slots. */
static enum cxm_moments_result reserve_groups(struct cxm_moments *m, struct cxm_table *groups)
{
    const uint32_t slots = m->keyed->n_slots;
    const size_t n = (size_t)(slots > 0 ? slots : groups->dict.n) + 1;
    if (n <= m->room)
        return CXM_MOMENTS_ADDED;
    const size_t room = slots > 0 ? n : m->room == 0 ? n + n / 2 : n > 2 * m->room ? n : 2 * m->room;
    if (m->flushes > MOST_FLUSHES || bytes_of(m, 1, room) > most_bytes(m))
        return CXM_MOMENTS_FULL;
    if (bytes_of(m, m->most, room) > most_bytes(m)) {
        m->flushes++;
        if (!cxm_priv_moments_flush(m, groups))
            return CXM_MOMENTS_NO_MEMORY;
    }
    return make_room(m, m->most > 0 ? m->most : 1, room);
}

/* ---- bands ----------------------------------------------------------------------------- */

static int32_t biased_exponent(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (int32_t)(bits >> 52 & (CXM_EXPONENTS - 1));
}

/* Around the numbers of a block, or below its largest when they are too far apart. */
static void lay_first_band(struct cxm_moments *m, const uint16_t *codes, const double *x, size_t n)
{
    int32_t low = CXM_EXPONENTS, high = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t e = biased_exponent(x[i]);
        if (codes[i] >= m->bins || e == 0)
            continue;
        low = e < low ? e : low;
        high = e > high ? e : high;
    }
    if (high == 0) /* only zeros */
        low = high = 1023;
    const int32_t spare = CXM_BAND_EXPONENTS - 1 - (high - low);
    int32_t base = spare >= 0 ? low - spare / 2 : high - (CXM_BAND_EXPONENTS - 2);
    if (base > CXM_EXPONENTS - 1 - CXM_BAND_EXPONENTS)
        base = CXM_EXPONENTS - 1 - CXM_BAND_EXPONENTS;
    if (base < 1)
        base = 1;
    m->bases[0] = base;
    m->n_bands = 1;
    m->places.first = (uint32_t)base;
    note_places(m, 0);
    const uint64_t bits = (uint64_t)base << 52;
    memcpy(&m->places.filler, &bits, sizeof bits);
    m->places.bins = m->bins;
}

/* A band for a number that has none; the general road says what is wrong with an infinite one. */
static enum cxm_moments_result add_band(struct cxm_moments *m, double x)
{
    const int32_t e = biased_exponent(x) > 0 ? biased_exponent(x) : 1;
    const int32_t ahead = e - m->bases[0];
    const int32_t steps = ahead >= 0 ? ahead / CXM_BAND_EXPONENTS
                                     : -((CXM_BAND_EXPONENTS - 1 - ahead) / CXM_BAND_EXPONENTS);
    if (e == CXM_EXPONENTS - 1 || m->n_bands == CXM_MOST_BANDS
        || bytes_of(m, m->n_bands + 1, m->room) > most_bytes(m))
        return CXM_MOMENTS_FULL;
    const enum cxm_moments_result result = make_room(m, m->n_bands + 1, m->room);
    if (result != CXM_MOMENTS_ADDED)
        return result;
    m->bases[m->n_bands] = m->bases[0] + steps * CXM_BAND_EXPONENTS;
    note_places(m, m->n_bands++);
    return CXM_MOMENTS_ADDED;
}

static bool has_place(const struct cxm_moments *m, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t place = m->places.of[bits >> 52 & (CXM_EXPONENTS - 1)];
    return (place & CXM_PLACE_KNOWN) != 0
        && ((place & CXM_PLACE_ONLY_ZERO) == 0 || (bits & (CXM_LEADING_ONE - 1)) == 0);
}

/* ---- rows ----------------------------------------------------------------------------- */

/* Cells for all groups there are. */
static bool has_room(const struct cxm_moments *m, const struct cxm_table *groups)
{
    return (size_t)(m->keyed->n_slots > 0 ? m->keyed->n_slots : groups->dict.n) < m->room;
}

bool cxm_priv_moments_weights(const struct cxm_moments *m)
{
    return m->bases[0] >= LEAST_EXPONENT && m->bases[0] + CXM_BAND_EXPONENTS <= MOST_EXPONENT;
}

bool cxm_priv_moments_place(struct cxm_moments *m, const struct cxm_table *groups,
                            const uint32_t *group, const uint16_t *codes, const double *weights,
                            size_t n)
{
    m->placed = false;
    if (m->kernels.place_weights == NULL || m->n_bands == 0 || !has_room(m, groups)
        || !cxm_priv_moments_weights(m))
        return false;
    if (m->blocks_off > 0) {
        m->blocks_off--;
        return false;
    }
    m->placed = m->kernels.place_weights(&m->places, group, codes, weights, n, m->q, m->at);
    m->blocks_off = m->placed ? 0 : BLOCKS_OFF;
    return m->placed;
}

/* Where rows are to be added. */
static enum cxm_moments_result place(struct cxm_moments *m, struct cxm_table *groups,
                                     const uint32_t *group, const uint16_t *codes, const double *x,
                                     size_t n)
{
    enum cxm_moments_result result = reserve_groups(m, groups);
    if (result != CXM_MOMENTS_ADDED)
        return result;
    if (m->n_bands == 0)
        lay_first_band(m, codes, x, n);
    while (!m->kernels.place_numbers(&m->places, group, codes, x, n, m->q, m->at)) {
        for (size_t i = 0; i < n; i++) {
            if (codes[i] >= m->bins || has_place(m, x[i]))
                continue;
            result = add_band(m, x[i]);
            if (result != CXM_MOMENTS_ADDED)
                return result;
        }
    }
    return CXM_MOMENTS_ADDED;
}

enum cxm_moments_result cxm_priv_moments_add(struct cxm_moments *m, struct cxm_table *groups,
                                             const uint32_t *group, const uint16_t *codes,
                                             const double *x, size_t n, struct cxm_ahead *ahead)
{
    const enum cxm_moments_result result = m->placed ? CXM_MOMENTS_ADDED
                                                     : place(m, groups, group, codes, x, n);
    if (result != CXM_MOMENTS_ADDED)
        return result;
    m->placed = false;
    for (size_t i = 0; i < n; i += CXM_MOMENT_ROWS) {
        const size_t rows = n - i < CXM_MOMENT_ROWS ? n - i : CXM_MOMENT_ROWS;
        const struct cxm_asking asking = cxm_priv_ahead_step(ahead);
        if (CXM_UNLIKELY(m->kernels.add_moments(m->cells, m->q + i, m->at + i, rows, asking))
            && !cxm_priv_moments_empty(m, groups, m->at + i, rows))
            return CXM_MOMENTS_NO_MEMORY;
    }
    return CXM_MOMENTS_ADDED;
}
