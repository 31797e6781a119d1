/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts, sums and sums of squares by group and answer, the quick way. A number is a mantissa of
 * 53 bits and an exponent. Exponents are cut into bands of twelve, so that within a band each
 * number is a whole number q below 2^64 times one power of two. A cell adds up parts of q and of q^2
 * in words that have room for 65 535 such rows, or for 1 023 in half the memory (wide and slim cells,
 * kernels.h; a variant has the one or the other): exact whatever the numbers are, and nothing is
 * rounded, scaled or looked ahead for. A cell that is full goes to the exact sums of the table, and all
 * do at the end, so all roads give the same tally. The first band is laid around the first numbers: weights that differ by less than
 * a factor of 2 000 all lie in it. (The slices on a fixed grid of Demmel and Nguyen 2015,
 * "Parallel reproducible summation", with integers for slices.)
 *
 * 64 or 32 bytes an answer, sign and group, for each band that occurs: the weights of 1 000 groups and 5
 * answers take 512 or 256 KB with the rows that have none. Beyond MOST_BYTES the sums go into the table
 * and further rows straight there. The only band of the values of a million groups may take more, of which
 * most is never touched: that a value is missing or below 0 has places of its own. */
#include "tally/kernels.h"
#include "tally/moments.h"

enum { MOST_BYTES = 1 << 26, MOST_BYTES_OF_MANY = 1 << 29, MUCH_BYTES = 1 << 22, MOST_FLUSHES = 4,
       MOST_BANDS = 176, LINE = 64, BLOCKS_OFF = 16,
       LEAST_EXPONENT = 1023 - 332, MOST_EXPONENT = 1023 + 332 }; /* 2^-332 > 1e-100 */

struct cxm_moments {
    const struct cxm_allocator *allocator;
    struct cxm_kernels kernels;
    uint64_t full;         /* least last word of a full cell */
    struct cxm_keyed *keyed;
    bool weighted;
    uint32_t bins, n_codes;
    uint32_t planes;       /* of a band: one a code, and again for numbers below 0 */
    size_t room;           /* cells of a plane: rows that are left out, then one a group or slot */
    size_t n_bands, most;  /* bands in use, bands that there is memory for */
    void *memory;
    uint64_t *cells;       /* [band][plane][room], from the start of a cache line on */
    int32_t bases[MOST_BANDS]; /* least biased exponent of each band */
    struct cxm_window *windows;  /* by sum */
    int flushes;           /* for want of memory */
    bool placed;           /* are the next rows in q and at? */
    uint32_t blocks_off;   /* where no such attempt is worth it */
    struct cxm_places places;
    uint64_t q[CXM_BLOCK];
    uint32_t at[CXM_BLOCK];
};

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

/* ---- from cells to the table ---------------------------------------------------------- */

/* The sums of a cell as words, low word first: the halves of a square overlap by 16 bits. */
struct totals {
    int64_t rows;
    uint64_t sum[2], squares[3];
};

static struct totals total_of_wide(const uint64_t *cell)
{
    const uint64_t last = cell[7] & (((uint64_t)1 << 48) - 1);
    const cxm_u128 sum = ((cxm_u128)cell[1] << 32) + cell[0];
    const cxm_u128 bb = ((cxm_u128)cell[3] << 32) + cell[2];
    const cxm_u128 ab = ((cxm_u128)cell[5] << 32) + cell[4];
    const cxm_u128 aa = ((cxm_u128)last << 32) + cell[6];
    const cxm_u128 lower = bb + (ab << 33), upper = (lower >> 64) + aa; /* all are below 2^114 */
    struct totals t = { .rows = (int64_t)(cell[7] >> 48) };
    t.sum[0] = (uint64_t)sum;
    t.sum[1] = (uint64_t)(sum >> 64);
    t.squares[0] = (uint64_t)lower;
    t.squares[1] = (uint64_t)upper;
    t.squares[2] = (uint64_t)(upper >> 64);
    return t;
}

static struct totals total_of_slim(const uint64_t *cell)
{
    enum { HIGH_BITS = CXM_SLIM_COUNT_AT - CXM_SLIM_HIGH_AT };
    const uint64_t high = cell[3] >> CXM_SLIM_HIGH_AT & (((uint64_t)1 << HIGH_BITS) - 1);
    const cxm_u128 sum = ((cxm_u128)high << CXM_SLIM_LOW) + cell[0];
    const cxm_u128 lower = ((cxm_u128)cell[2] << CXM_SLIM_SQUARE) + cell[1];
    const cxm_u128 upper = (lower >> 64) + ((cxm_u128)(uint32_t)cell[3] << (2 * CXM_SLIM_SQUARE - 64));
    struct totals t = { .rows = (int64_t)(cell[3] >> CXM_SLIM_COUNT_AT) };
    t.sum[0] = (uint64_t)sum;
    t.sum[1] = (uint64_t)(sum >> 64);
    t.squares[0] = (uint64_t)lower;
    t.squares[1] = (uint64_t)upper;
    t.squares[2] = (uint64_t)(upper >> 64);
    return t;
}

static uint64_t *cell_at(const struct cxm_moments *m, size_t at)
{
    return m->cells + at * m->kernels.moment_words;
}

/* 0: no rows; not below m->full: it is full. */
static uint64_t last_word(const struct cxm_moments *m, size_t at)
{
    return cell_at(m, at)[m->kernels.moment_words - 1];
}

static struct totals total(const struct cxm_moments *m, size_t at)
{
    return m->kernels.moment_words == CXM_SLIM_WORDS ? total_of_slim(cell_at(m, at))
                                                     : total_of_wide(cell_at(m, at));
}

static size_t bytes_of_cell(const struct cxm_moments *m)
{
    return m->kernels.moment_words * sizeof *m->cells;
}

static void include(struct cxm_span *span, const uint64_t *words, int n, int32_t exponent)
{
    for (int k = 0; k < n; k++) {
        if (words[k] != 0)
            cxm_priv_span_include(span, exponent + 64 * k + __builtin_ctzll(words[k]),
                                  exponent + 64 * (k + 1) - __builtin_clzll(words[k]));
    }
}

/* Words have 64 bits, digits 32; the last limb of a window has room for two. */
static void add_words(const struct cxm_layout *layout, int64_t *cell, uint32_t sum,
                      const uint64_t *words, int n, int32_t exponent, bool negative)
{
    const struct cxm_window window = layout->windows[sum];
    int64_t *limbs = cell + layout->at[sum];
    const int32_t up = exponent + 32 * CXM_MOST_DIGITS; /* not below 0 */
    int32_t at = up / 32 - CXM_MOST_DIGITS - window.lo;
    uint64_t rest = 0;
    for (int k = 0; k <= n; k++, at += 2) {
        const cxm_u128 both = ((cxm_u128)(k < n ? words[k] : 0) << up % 32) + rest;
        const uint32_t digits[2] = { (uint32_t)both, (uint32_t)(both >> 32) };
        for (int d = 0; d < 2; d++) {
            const int32_t limb = at + d < window.n ? at + d : window.n - 1;
            const int64_t digit = (int64_t)((uint64_t)digits[d] << (at + d > limb ? 32 : 0));
            if (digits[d] != 0)
                limbs[limb] += negative ? -digit : digit;
        }
        rest = (uint64_t)(both >> 64);
    }
    cxm_priv_exact_normalise(limbs, window);
}

/* Which cell that is: [band][plane][group or slot + 1]. */
struct place {
    size_t band, group;
    uint32_t code;
    bool negative;
};

static struct place place_of(const struct cxm_moments *m, size_t at)
{
    const size_t plane = at / m->room;
    const uint32_t in_band = (uint32_t)(plane % m->planes);
    return (struct place){ plane / m->planes, at % m->room - 1, in_band % m->n_codes,
                           in_band >= m->n_codes };
}

/* A number of band b is q 2^exponent. */
static int32_t exponent_of(const struct cxm_moments *m, size_t band)
{
    return m->bases[band] - 1075;
}

/* Weights have their sums by answer. */
static uint32_t first_sum(const struct cxm_moments *m, uint32_t code)
{
    return m->weighted ? 2 * code : 0;
}

static void include_cell(struct cxm_moments *m, struct cxm_span *sum, struct cxm_span *squares,
                         size_t at)
{
    const struct place place = place_of(m, at);
    const struct totals t = total(m, at);
    include(sum, t.sum, 2, exponent_of(m, place.band));
    include(squares, t.squares, 3, 2 * exponent_of(m, place.band));
}

/* Number of a group in the table. UINT32_MAX: it was not there yet, and there is no memory. */
static uint32_t group_of(struct cxm_moments *m, struct cxm_table *groups, size_t group)
{
    return m->keyed->n_slots > 0 ? cxm_priv_keyed_group(m->keyed, groups, group) : (uint32_t)group;
}

/* The group is there, and windows for what is in the cell. */
static void empty_cell(struct cxm_moments *m, struct cxm_table *groups, size_t at)
{
    const struct place place = place_of(m, at);
    const struct totals t = total(m, at);
    int64_t *to = cxm_priv_table_cell(groups, group_of(m, groups, place.group));
    to[place.code] += t.rows;
    if (place.code < m->bins) {
        const int32_t exponent = exponent_of(m, place.band);
        const uint32_t sum = first_sum(m, place.code);
        add_words(&groups->layout, to, sum, t.sum, 2, exponent, place.negative);
        add_words(&groups->layout, to, sum + 1, t.squares, 3, 2 * exponent, false);
    }
    memset(cell_at(m, at), 0, bytes_of_cell(m));
}

static bool widen(struct cxm_table *groups, const struct cxm_window *windows)
{
    return cxm_priv_table_reserve(groups, groups->capacity > 0 ? groups->capacity : 1, windows);
}

/* Windows of the table for all cells of the answers of its first groups. */
static bool widen_for_all(struct cxm_moments *m, struct cxm_table *groups, size_t known)
{
    struct cxm_span sum = CXM_SPAN_EMPTY, squares = CXM_SPAN_EMPTY;
    for (uint32_t c = 0; c < m->bins; c++) {
        for (size_t plane = c; plane < m->n_bands * m->planes; plane += m->n_codes) {
            for (size_t g = 1; g <= known; g++)
                include_cell(m, &sum, &squares, plane * m->room + g);
        }
        const uint32_t at = first_sum(m, c);
        m->windows[at] = cxm_priv_window_for(sum);
        m->windows[at + 1] = cxm_priv_window_for(squares);
        if (m->weighted)
            sum = squares = CXM_SPAN_EMPTY;
    }
    return widen(groups, m->windows);
}

/* A cell that is full, or one of the rows left out. */
static bool empty_full_cell(struct cxm_moments *m, struct cxm_table *groups, size_t at)
{
    const struct place place = place_of(m, at);
    if (at % m->room == 0) {
        memset(cell_at(m, at), 0, bytes_of_cell(m));
        return true;
    }
    if (group_of(m, groups, place.group) == UINT32_MAX)
        return false;
    if (place.code < m->bins) {
        struct cxm_span sum = CXM_SPAN_EMPTY, squares = CXM_SPAN_EMPTY;
        include_cell(m, &sum, &squares, at);
        memcpy(m->windows, groups->layout.windows, groups->layout.n_sums * sizeof *m->windows);
        m->windows[first_sum(m, place.code)] = cxm_priv_window_for(sum);
        m->windows[first_sum(m, place.code) + 1] = cxm_priv_window_for(squares);
        if (!widen(groups, m->windows))
            return false;
    }
    empty_cell(m, groups, at);
    return true;
}

/* Those that a few rows went to. */
static bool empty_full_cells(struct cxm_moments *m, struct cxm_table *groups, const uint32_t *at,
                             size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (last_word(m, at[i]) >= m->full && !empty_full_cell(m, groups, at[i]))
            return false;
    }
    return true;
}

/* The groups of all slots with rows, in the order of their keys. */
static bool make_groups(struct cxm_moments *m, struct cxm_table *groups)
{
    for (size_t g = 1; g < m->room; g++) {
        uint64_t any = 0;
        for (size_t plane = 0; plane < m->n_bands * m->planes; plane++)
            any |= last_word(m, plane * m->room + g);
        if (any != 0 && group_of(m, groups, g - 1) == UINT32_MAX)
            return false;
    }
    return true;
}

bool cxm_priv_moments_flush(struct cxm_moments *m, struct cxm_table *groups)
{
    if (m->n_bands == 0)
        return true;
    const bool keyed = m->keyed->n_slots > 0;
    const size_t known = keyed || m->room - 1 < groups->dict.n ? m->room - 1 : groups->dict.n;
    if (keyed && !make_groups(m, groups))
        return false;
    if (!widen_for_all(m, groups, known))
        return false;
    for (size_t plane = 0; plane < m->n_bands * m->planes; plane++) {
        for (size_t g = 1; g <= known; g++) {
            const size_t at = plane * m->room + g;
            if (last_word(m, at) != 0)
                empty_cell(m, groups, at);
        }
    }
    clear(m);
    return true;
}

/* ---- memory ---------------------------------------------------------------------------- */

static size_t bytes_of(const struct cxm_moments *m, size_t bands, size_t room)
{
    return bands * m->planes * room * bytes_of_cell(m);
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
        memcpy(cells + plane * room * m->kernels.moment_words, cell_at(m, plane * m->room),
               m->room * bytes_of_cell(m));
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
    if (e == CXM_EXPONENTS - 1 || m->n_bands == MOST_BANDS
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

bool cxm_priv_moments_place(struct cxm_moments *m, const struct cxm_table *groups,
                            const uint32_t *group, const uint16_t *codes, const double *weights,
                            size_t n)
{
    if (m->kernels.place_weights == NULL || m->n_bands == 0 || !has_room(m, groups)
        || m->bases[0] < LEAST_EXPONENT || m->bases[0] + CXM_BAND_EXPONENTS > MOST_EXPONENT)
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
            && !empty_full_cells(m, groups, m->at + i, rows))
            return CXM_MOMENTS_NO_MEMORY;
    }
    return CXM_MOMENTS_ADDED;
}
