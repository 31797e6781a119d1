/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of nibbles (nibble_rows.h): every kernel against what its definition says number by number,
 * and whole tallies of answers 0 … 15, and a little beyond, against the general road, which a
 * frequency of 1 in every row forces: same saved bytes. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "guarded.h"
#include "saved.h"

#include "tally/nibble_rows.h"

#include <cxm/cxm.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed;

static size_t below(size_t n)
{
    return (size_t)random_below(&seed, n);
}

/* ---- kernels ---------------------------------------------------------------------------- */

enum { PAIRS = 5 }; /* of the seven bytes, the others are single */

static struct cxm_small_stripe make_stripe(bool balance)
{
    static const uint8_t met[PAIRS] = { 0, 1, 3, 14, 127 };
    struct cxm_small_stripe s;
    memset(&s, 0, sizeof s);
    for (size_t lane = 0; lane < CXM_LANES; lane++) {
        s.partner[lane] = (uint8_t)(lane < 2 * PAIRS ? lane ^ 1 : lane);
        s.first[lane] = lane % 2 == 0 && !(balance && lane / 2 == PAIRS);
        s.met[lane] = lane < 2 * PAIRS ? met[lane / 2] : 127;
        s.range[lane] = UINT8_MAX;
    }
    s.balance = balance;
    s.start = (uint8_t)(balance ? -17 : 0);
    cxm_priv_nibble_orders(&s);
    return s;
}

/* What is in the columns of the last byte when it is to be the balance. */
static void balance(const struct cxm_small_stripe *stripe, uint8_t *const *columns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int sum = (int8_t)stripe->start;
        bool flagged = false;
        for (size_t lane = 0; lane < 2 * PAIRS; lane++) {
            flagged = flagged || columns[lane][i] == CXM_SMALL_FLAG;
            sum += lane % 2 == 0 ? columns[lane][i] : -columns[lane][i];
        }
        columns[2 * CXM_NIBBLE_BALANCE][i] = flagged ? CXM_SMALL_FLAG : (uint8_t)sum;
    }
}

/* A number of a lane: extremes, small ones, or any. */
static uint8_t number(size_t lane, size_t kind)
{
    if (lane < 2 * PAIRS)
        return (uint8_t)(kind == 0 ? 15 : kind == 1 ? 15 * below(2) : below(16));
    if (lane % 2 == 1)
        return 0; /* nothing lies beside a single lane */
    const int v = kind == 0 ? -127 : kind == 1 ? (below(2) ? 127 : -127) : (int)below(255) - 127;
    return (uint8_t)v;
}

/* What the sums of rows are, one by one. */
static void count(const struct cxm_small_stripe *stripe, const uint8_t *const *columns,
                  size_t first, size_t n, int64_t want[CXM_SMALL_SUMS][CXM_LANES])
{
    for (size_t i = first; i < first + n; i++) {
        for (size_t k = 0; k < CXM_NIBBLE_BYTES; k++) {
            const int a = (int8_t)columns[2 * k][i], b = (int8_t)columns[2 * k + 1][i];
            const int met = k < PAIRS ? stripe->met[2 * k] : 1000;
            if (a == -128 || b == -128) {
                want[CXM_SUM_FLAG][2 * k] += CXM_SMALL_FLAG;
                continue;
            }
            want[CXM_SUM_X][2 * k] += a;
            want[CXM_SUM_X][2 * k + 1] += b;
            want[CXM_SUM_XX][2 * k] += a * a;
            want[CXM_SUM_XX][2 * k + 1] += b * b;
            want[CXM_SUM_XY][2 * k] += a * b;
            want[CXM_SUM_BEYOND][2 * k] += a > b + met;
            want[CXM_SUM_BEYOND][2 * k + 1] += b > a + met;
        }
    }
}

enum { MOST_TILES = 3, MOST_TILED = MOST_TILES * CXM_TILE };

/* The numbers of n + 3 rows; with flags some of them are missing. */
static void fill_columns(const struct cxm_small_stripe *stripe, struct guarded *columns, size_t n,
                         size_t kind, bool flags)
{
    for (size_t lane = 0; lane < CXM_LANES; lane++) {
        columns[lane] = guard(n + 3);
        for (size_t i = 0; i < n + 3; i++)
            columns[lane].bytes[i] = stripe->balance && lane >= 2 * PAIRS ? 0
                                   : flags && below(9) == 0 && (lane < 2 * PAIRS || lane % 2 == 0)
                                       ? CXM_SMALL_FLAG
                                       : number(lane, kind);
    }
}

static void tiles(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_kernels c = cxm_priv_nibble_kernels(~0u);
    const struct cxm_small_kernels best = cxm_priv_nibble_kernels(*forbidden);
    for (size_t n = 1; n <= MOST_TILED; n++) {
        for (size_t kind = 0; kind < 12; kind++) {
            const bool flags = kind % 6 >= 3, balanced = kind >= 6;
            const struct cxm_small_stripe stripe = make_stripe(balanced);
            const size_t room = (n + CXM_TILE - 1) / CXM_TILE * CXM_TILE;
            struct guarded columns[CXM_LANES], rows = guard(room * CXM_NIBBLE_ROW);
            const uint8_t *from[CXM_LANES];
            static uint8_t plain[MOST_TILED * CXM_NIBBLE_ROW];
            static struct cxm_small_sums sums, others;
            int64_t want[CXM_SMALL_SUMS][CXM_LANES] = { { 0 } };
            memset(&sums, 0, sizeof sums);
            memset(&others, 0, sizeof others);
            fill_columns(&stripe, columns, n, kind % 3, flags);
            for (size_t lane = 0; lane < CXM_LANES; lane++)
                from[lane] = columns[lane].bytes;
            assert_true(c.tiles(&stripe, from, 3, n, flags, plain));
            assert_true(best.tiles(&stripe, from, 3, n, flags, rows.bytes));
            assert_memory_equal(rows.bytes, plain, room * CXM_NIBBLE_ROW);
            for (size_t i = n; i < room; i++)
                for (size_t k = 0; k < CXM_NIBBLE_ROW; k++)
                    assert_int_equal(plain[i / CXM_TILE * CXM_NIBBLE_TILE
                                           + cxm_priv_nibble_place(i % CXM_TILE) + k], 0);
            if (balanced) {
                uint8_t *to[CXM_LANES];
                for (size_t lane = 0; lane < CXM_LANES; lane++)
                    to[lane] = columns[lane].bytes;
                balance(&stripe, to, n + 3);
            }
            count(&stripe, from, 3, n, want);
            for (size_t i = 0; i < room; i += CXM_TILE) {
                best.add(&stripe, rows.bytes + i * CXM_NIBBLE_ROW, CXM_TILE, flags, &sums);
                c.add(&stripe, plain + i * CXM_NIBBLE_ROW, CXM_TILE, flags, &others);
            }
            cxm_priv_nibble_widen(&sums);
            cxm_priv_nibble_widen(&others);
            assert_memory_equal(sums.wide, want, sizeof want);
            assert_memory_equal(others.wide, want, sizeof want);
            for (size_t lane = 0; lane < CXM_LANES; lane++)
                unguard(columns[lane]);
            unguard(rows);
        }
    }
}

/* One number beyond the range of its lane, in each place, is found; those at its ends are not. */
static void ranges(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_kernels best = cxm_priv_nibble_kernels(*forbidden);
    static uint8_t rows[MOST_TILED * CXM_NIBBLE_ROW];
    for (size_t n = 1; n <= MOST_TILED; n += n % 5 + 1) {
        const bool alike = n % 2 == 0, balanced = n % 3 == 0;
        struct cxm_small_stripe stripe = make_stripe(balanced);
        struct guarded columns[CXM_LANES];
        const uint8_t *from[CXM_LANES];
        for (size_t lane = 0; lane < CXM_LANES; lane++) {
            stripe.lowest[lane] = (uint8_t)(alike ? 1 : lane % 4);
            stripe.range[lane] = (uint8_t)(lane >= 2 * PAIRS ? UINT8_MAX : alike ? 6 : 1 + lane);
            columns[lane] = guard(n);
            from[lane] = columns[lane].bytes;
            for (size_t i = 0; i < n; i++)
                columns[lane].bytes[i] =
                    (uint8_t)(stripe.lowest[lane] + (below(2) ? stripe.range[lane] : 0));
        }
        assert_true(best.tiles(&stripe, from, 0, n, false, rows));
        for (size_t i = 0; i < n; i++) {
            const size_t lane = below(2 * PAIRS);
            const uint8_t kept = columns[lane].bytes[i], low = stripe.lowest[lane];
            const uint8_t odd[3] = { (uint8_t)(low - 1), (uint8_t)(low + stripe.range[lane] + 1),
                                     (uint8_t)(128 + below(120)) };
            columns[lane].bytes[i] = odd[below(3)];
            assert_false(best.tiles(&stripe, from, 0, n, false, rows));
            columns[lane].bytes[i] = kept;
        }
        for (size_t lane = 0; lane < CXM_LANES; lane++)
            unguard(columns[lane]);
    }
}

/* A tile of floats is that of their bytes, for any number of pairs; anything but the numbers wanted is found
 * in each place. */
static void tiles_of_floats(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_kernels c = cxm_priv_nibble_kernels(~0u);
    const struct cxm_small_kernels best = cxm_priv_nibble_kernels(*forbidden);
    if (best.floats == NULL) /* this processor, or this choice, has none */
        return;
    static const float others[] = { -1, 0.5f, 6.9999995f, 128, 255, 256, 65536 + 3, 4294967296.0f + 3,
                                    -2147483648.0f, 1e-30f, 3e38f, INFINITY, -INFINITY, NAN };
    for (size_t round = 0; round < 4 * (CXM_NIBBLE_BYTES + 1); round++) {
        const size_t n_pairs = 1 + round % CXM_NIBBLE_BYTES, start = below(4);
        struct cxm_small_stripe stripe = make_stripe(n_pairs <= CXM_NIBBLE_BALANCE && round % 2 == 0);
        struct guarded columns[CXM_LANES], rows = guard(CXM_NIBBLE_TILE);
        const unsigned char *from[CXM_LANES];
        static uint8_t bytes[CXM_LANES][CXM_TILE], plain[CXM_NIBBLE_TILE];
        const uint8_t *lanes[CXM_LANES];
        stripe.n_pairs = (uint8_t)n_pairs;
        stripe.least = (uint8_t)below(3);
        stripe.most = (uint8_t)(round % 3 == 0 ? 15 - stripe.least : 6);
        memset(bytes, 0, sizeof bytes);
        for (size_t lane = 0; lane < CXM_LANES; lane++)
            lanes[lane] = bytes[lane];
        for (size_t lane = 0; lane < 2 * n_pairs; lane++) {
            columns[lane] = guard((start + CXM_TILE) * sizeof(float));
            from[lane] = columns[lane].bytes;
            for (size_t i = 0; i < CXM_TILE; i++) {
                const size_t above = below(3) ? below(stripe.most + 1u) : stripe.most;
                bytes[lane][i] = (uint8_t)(stripe.least + above);
                const float v = bytes[lane][i] == 0 && below(2) ? -0.0f : bytes[lane][i];
                memcpy(columns[lane].bytes + (start + i) * sizeof v, &v, sizeof v);
            }
        }
        assert_true(c.tiles(&stripe, lanes, 0, CXM_TILE, false, plain));
        assert_true(best.floats(&stripe, from, start, rows.bytes));
        assert_memory_equal(rows.bytes, plain, sizeof plain);
        for (size_t i = 0; i < CXM_TILE; i++) {
            uint8_t *at = columns[below(2 * n_pairs)].bytes + (start + i) * sizeof(float);
            const size_t which = below(sizeof others / sizeof *others + 2);
            const float v = which < sizeof others / sizeof *others ? others[which]
                          : which % 2 == 0 ? (float)(stripe.least - 1)
                                           : (float)(stripe.least + stripe.most + 1);
            float kept;
            memcpy(&kept, at, sizeof kept);
            memcpy(at, &v, sizeof v);
            assert_false(best.floats(&stripe, from, start, rows.bytes));
            memcpy(at, &kept, sizeof kept);
        }
        for (size_t lane = 0; lane < 2 * n_pairs; lane++)
            unguard(columns[lane]);
        unguard(rows);
    }
}

/* Buffers of every length, the largest numbers in all rows. */
static void buffers(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_kernels best = cxm_priv_nibble_kernels(*forbidden);
    for (size_t n = 8; n <= CXM_NIBBLE_DEALT; n += 8) {
        for (size_t which = 0; which < 8; which++) {
            const size_t kind = which / 2;
            const struct cxm_small_stripe stripe = make_stripe(which % 2 == 1);
            struct guarded rows = guard(n * CXM_NIBBLE_ROW);
            static uint8_t columns[CXM_LANES][CXM_NIBBLE_DEALT];
            const uint8_t *from[CXM_LANES];
            static struct cxm_small_sums sums;
            int64_t want[CXM_SMALL_SUMS][CXM_LANES] = { { 0 } };
            memset(&sums, 0, sizeof sums);
            for (size_t i = 0; i < n; i++) {
                for (size_t lane = 0; lane < CXM_LANES; lane++) {
                    from[lane] = columns[lane];
                    columns[lane][i] = stripe.balance && lane / 2 == PAIRS ? 0 : number(lane, kind % 3);
                }
                uint8_t *row = rows.bytes + i * CXM_NIBBLE_ROW;
                for (size_t k = 0; k < CXM_NIBBLE_BYTES; k++)
                    row[k] = (uint8_t)(columns[2 * k][i] | columns[2 * k + 1][i] << 4);
                row[CXM_NIBBLE_BYTES] = 0;
                if (kind == 3) { /* nothing but flags */
                    row[CXM_NIBBLE_BYTES] = (uint8_t)(1 << CXM_NIBBLE_BYTES) - 1;
                    memset(row, 0, CXM_NIBBLE_BYTES);
                    for (size_t k = 0; k < CXM_NIBBLE_BYTES; k++)
                        columns[2 * k][i] = CXM_SMALL_FLAG;
                }
            }
            count(&stripe, from, 0, n, want);
            best.add(&stripe, rows.bytes, n, kind == 3, &sums);
            cxm_priv_nibble_widen(&sums);
            assert_memory_equal(sums.wide, want, sizeof want);
            unguard(rows);
        }
    }
}

static void forms(void **state)
{
    const unsigned *forbidden = *state;
    const struct cxm_small_kernels best = cxm_priv_nibble_kernels(*forbidden);
    static const int16_t coefs[2][4] = { { 1, -1, 1, -1 }, { 1, -1, 3, -7 } };
    for (size_t n = 1; n <= 3 * 64 + 5; n++) {
        const int16_t *by = coefs[n / 2 % 2];
        const int16_t constant = n / 2 % 2 ? -7 : -30;
        const bool flags = n % 2 == 0;
        struct guarded columns[4], low = guard(n);
        const uint8_t *from[4];
        for (size_t k = 0; k < 4; k++) {
            columns[k] = guard(n);
            from[k] = columns[k].bytes;
            for (size_t i = 0; i < n; i++)
                columns[k].bytes[i] = flags && below(9) == 0 ? CXM_SMALL_FLAG
                                                             : (uint8_t)below(16);
        }
        assert_int_equal(best.form(from, by, 4, constant, n, flags, low.bytes, NULL), 0);
        for (size_t i = 0; i < n; i++) {
            int sum = constant, any = 0;
            for (size_t k = 0; k < 4; k++) {
                sum += by[k] * from[k][i];
                any |= from[k][i];
            }
            assert_int_equal((int8_t)low.bytes[i], any >= 128 ? -128 : (int8_t)sum);
        }
        for (size_t k = 0; k < 4; k++)
            unguard(columns[k]);
        unguard(low);
    }
}

/* ---- whole tallies ---------------------------------------------------------------------- */

enum { ROWS = 5000, MOST_ITEMS = 8, MOST_COLUMNS = 2 * MOST_ITEMS + 2 };

struct plan {
    size_t items;
    int low, high;
    bool declared, bytes, missing;
    size_t groups;
    int odd;     /* a value once, in row `at`; 0: none */
    size_t at, n;
    const double *weights;
};

static const char *const names[MOST_ITEMS] = { "a", "b", "c", "d", "e", "f", "g", "h" };
static const double weights[MOST_ITEMS] = { 1, 2, 1, 1, 3, 1, 1, 1 };

struct table {
    struct plan plan;
    float floats[2 * MOST_ITEMS][ROWS];
    uint8_t bytes[2 * MOST_ITEMS][ROWS];
    uint8_t keys[ROWS];
    int64_t ones[ROWS];
};

static struct table *make_table(struct plan p)
{
    struct table *t = malloc(sizeof *t);
    assert_non_null(t);
    t->plan = p;
    for (size_t i = 0; i < p.n; i++) {
        for (size_t k = 0; k < 2 * p.items; k++) {
            int v = p.low + (int)below((size_t)(p.high - p.low) + 1);
            if (below(3) == 0)
                v = below(2) ? p.low : p.high;
            if (p.odd != 0 && i == p.at && k == p.items)
                v = p.odd;
            t->bytes[k][i] = (uint8_t)v;
            const bool may = p.items % 2 == 0 || i > p.n * 2 / 3; /* or only late */
            const bool gone = p.missing && may && below(30) == 0;
            t->floats[k][i] = gone ? NAN : (float)v;
        }
        t->keys[i] = (uint8_t)(p.groups > 1000 ? i * 9 / p.n : below(p.groups));
        t->ones[i] = 1;
    }
    return t;
}

static enum cxm_status add(const struct table *t, bool general, size_t chunk,
                           const struct cxm_allocator *allocator, struct cxm_tally **tally,
                           struct cxm_error *error)
{
    const struct plan *p = &t->plan;
    const double scale[2] = { p->low, p->high };
    struct cxm_param params[3] = { { "items", NULL, 0, names, p->items } };
    size_t n_params = 1;
    if (p->declared)
        params[n_params++] = (struct cxm_param){ "scale", scale, 2, NULL, 0 };
    if (p->weights != NULL)
        params[n_params++] = (struct cxm_param){ "item_weights", p->weights, p->items, NULL, 0 };
    enum cxm_status status = cxm_tally_new("gap", params, n_params, allocator, tally, error);
    for (size_t first = 0; status == CXM_OK && first < p->n; first += chunk) {
        const size_t n = p->n - first < chunk ? p->n - first : chunk;
        struct cxm_column columns[MOST_COLUMNS];
        struct cxm_input inputs[MOST_COLUMNS];
        size_t m = 0;
        for (size_t k = 0; k < 2 * p->items; k++, m++) {
            columns[m] = p->bytes ? cxm_column_make("x", CXM_U8, t->bytes[k] + first, n, 1, 1)
                                  : cxm_column_make("x", CXM_F32, t->floats[k] + first, n, 4, 4);
            inputs[m].role = k < p->items ? "perceived" : "expected";
        }
        columns[m] = cxm_column_make("by", CXM_U8, t->keys + first, n, 1, 1);
        inputs[m++].role = "by";
        columns[m] = cxm_column_make("freq", CXM_I64, t->ones + first, n, 8, 8);
        inputs[m].role = "freq";
        m += general;
        for (size_t k = 0; k < m; k++)
            inputs[k].column = &columns[k];
        struct cxm_add_options options = { .size = sizeof options, .threads = 1 };
        status = cxm_tally_add(*tally, inputs, m, &options, error);
    }
    return status;
}

struct saved {
    uint8_t *bytes;
    size_t n;
};

static struct saved save(const struct table *t, bool general, size_t chunk)
{
    struct cxm_error error;
    struct cxm_tally *tally = NULL;
    struct saved out = { NULL, 0 };
    if (add(t, general, chunk, NULL, &tally, &error) != CXM_OK)
        fail_msg("%s", error.message);
    out.bytes = save_tally(tally, &out.n);
    cxm_tally_free(tally);
    return out;
}

static void same_on_every_road(struct plan p, const char *what)
{
    struct table *t = make_table(p);
    const struct saved want = save(t, true, p.n);
    const size_t chunks[] = { p.n, 1537 };
    for (size_t k = 0; k < COUNT_OF(chunks); k++) {
        const struct saved got = save(t, false, chunks[k]);
        if (got.n != want.n || memcmp(got.bytes, want.bytes, got.n) != 0)
            fail_msg("%s: %zu items %d to %d by %zu, chunks of %zu: other bytes", what, p.items,
                     p.low, p.high, p.groups, chunks[k]);
        free(got.bytes);
    }
    free(want.bytes);
    free(t);
}

static void tallies(void **state)
{
    (void)state;
    static const int scales[][2] = { { 0, 15 }, { 1, 7 }, { 0, 10 }, { -3, 3 }, { -7, 8 },
                                     { 1, 15 }, { 1, 16 }, { 40, 55 }, { 40, 56 } };
    static const size_t groups[] = { 1, 3, 100, 250, 1 << 20 }; /* the last: sorted */
    for (size_t s = 0; s < COUNT_OF(scales); s++)
        for (size_t items = 1; items <= MOST_ITEMS; items++)
            for (size_t g = 0; g < COUNT_OF(groups); g++) {
                struct plan p = { items, scales[s][0], scales[s][1], .groups = groups[g] };
                p.declared = scales[s][0] != 0 || below(2);
                p.bytes = p.low >= 0 && below(2);
                p.missing = below(2);
                p.n = 513 + below(ROWS - 512);
                p.weights = below(3) == 0 ? weights : NULL;
                same_on_every_road(p, "tally");
            }
}

/* Without a scale, a number that is too large for half a byte, wherever it comes. */
static void wider(void **state)
{
    (void)state;
    for (size_t at = 0; at < 2300; at += at < 70 || (at > 1000 && at < 1100) ? 1 : 61) {
        struct plan p = { 5, 0, 15, .groups = 100, .odd = 16 + (int)below(112), .at = at,
                          .n = 2300, .bytes = at % 2 == 0 };
        same_on_every_road(p, "wider");
        p.odd = 128 + (int)below(128); /* and for the wider rows */
        same_on_every_road(p, "general");
    }
}

/* The largest numbers in more rows than 32 bits are to hold. */
static void widening(void **state)
{
    (void)state;
    static const char *const two[2] = { "a", "b" };
    enum { N = CXM_MOST_ADDED + 70000 };
    uint8_t *values[2] = { malloc(N), malloc(N) }, *keys = malloc(N);
    int64_t *ones = malloc(N * sizeof *ones);
    assert_true(values[0] != NULL && values[1] != NULL && keys != NULL && ones != NULL);
    for (int kind = 0; kind < 3; kind++) {
        struct saved saved[2];
        for (size_t i = 0; i < N; i++) {
            values[0][i] = 15;
            values[1][i] = (uint8_t)(kind == 2 ? i % 16 : 0);
            keys[i] = (uint8_t)(kind == 1 && i % 9 == 0);
            ones[i] = 1;
        }
        for (int general = 0; general < 2; general++) {
            struct cxm_column c[6] = {
                cxm_column_make("a", CXM_U8, values[0], N, 1, 1),
                cxm_column_make("b", CXM_U8, values[0], N, 1, 1),
                cxm_column_make("a", CXM_U8, values[1], N, 1, 1),
                cxm_column_make("b", CXM_U8, values[1], N, 1, 1),
                cxm_column_make("by", CXM_U8, keys, N, 1, 1),
                cxm_column_make("freq", CXM_I64, ones, N, 8, 8),
            };
            const struct cxm_input inputs[6] = { { "perceived", c },     { "perceived", c + 1 },
                                                 { "expected", c + 2 },  { "expected", c + 3 },
                                                 { "by", c + 4 },        { "freq", c + 5 } };
            const struct cxm_param items = { "items", NULL, 0, two, 2 };
            struct cxm_tally *tally;
            struct cxm_error error;
            struct saved *out = &saved[general];
            assert_int_equal(cxm_tally_new("gap", &items, 1, NULL, &tally, &error), CXM_OK);
            assert_int_equal(cxm_tally_add(tally, inputs, general ? 6 : 5, NULL, &error), CXM_OK);
            out->bytes = save_tally(tally, &out->n);
            cxm_tally_free(tally);
        }
        assert_int_equal(saved[0].n, saved[1].n);
        assert_memory_equal(saved[0].bytes, saved[1].bytes, saved[0].n);
        free(saved[0].bytes);
        free(saved[1].bytes);
    }
    free(values[0]);
    free(values[1]);
    free(keys);
    free(ones);
}

/* Each allocation fails in turn, those after the rows became wider, too. */
static void memory_runs_out(void **state)
{
    (void)state;
    struct plan p = { 5, 1, 7, .groups = 100, .odd = 90, .at = 3000, .n = 4000, .missing = true };
    struct table *t = make_table(p);
    bool done = false;
    for (int call = 1; !done; call++) {
        struct heap heap;
        struct cxm_error error;
        struct cxm_tally *tally = NULL;
        heap_init(&heap, call);
        const enum cxm_status status = add(t, false, p.n, &heap.allocator, &tally, &error);
        done = status == CXM_OK;
        assert_true(done ? call > 10 : status == CXM_ENOMEM);
        cxm_tally_free(tally);
        assert_int_equal(heap.live, 0);
    }
    free(t);
}

int main(void)
{
    seed = random_seed();
    static unsigned none, no_avx512 = CXM_CPU_AVX512, plain = ~0u;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(tiles, &none),
        cmocka_unit_test_prestate(ranges, &none),
        cmocka_unit_test_prestate(tiles, &no_avx512),
        cmocka_unit_test_prestate(ranges, &no_avx512),
        cmocka_unit_test_prestate(ranges, &plain),
        cmocka_unit_test_prestate(tiles_of_floats, &none),
        cmocka_unit_test_prestate(tiles_of_floats, &no_avx512),
        cmocka_unit_test_prestate(buffers, &none),
        cmocka_unit_test_prestate(buffers, &no_avx512),
        cmocka_unit_test_prestate(buffers, &plain),
        cmocka_unit_test_prestate(forms, &none),
        cmocka_unit_test_prestate(forms, &no_avx512),
        cmocka_unit_test_prestate(forms, &plain),
        cmocka_unit_test(tallies),
        cmocka_unit_test(wider),
        cmocka_unit_test(widening),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
