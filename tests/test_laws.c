/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Laws of tallies, for every metric of the registry, with keys, weights, copies and invalid
 * values: however rows reach a tally, it saves as the same bytes. The oracle is always another
 * road to the same rows: one pass, repeated rows, the rows of one group. */
#include "tallies.h"

static const unsigned mixes[] = {
    0,
    BY_NUMBER,
    BY_TEXT,
    WEIGHTED,
    WITH_FREQ,
    WITH_INVALID,
    BY_NUMBER | WEIGHTED,
    WEIGHTED | WITH_FREQ,
    BY_NUMBER | BY_TEXT | WITH_FREQ | WITH_INVALID,
    BY_TEXT | LEAVE_OUT,
    BY_TEXT | DESIGNED | MARGINS | WEIGHTED | WITH_INVALID,
    BY_NUMBER | BY_TEXT | DESIGNED | WITH_FREQ,
    BY_NUMBER | BY_TEXT | WEIGHTED | WITH_FREQ | WITH_INVALID | LEAVE_OUT,
};

static uint64_t first_seed;

/* Calls `law` for every setup and mix of options; small and several blocks of rows. */
static void for_all(void (*law)(const struct rows *rows, struct saved want, uint64_t *seed))
{
    uint64_t seed = first_seed;
    for (size_t s = 0; s < N_SETUPS; s++) {
        for (size_t m = 0; m < COUNT_OF(mixes); m++) {
            const int64_t n = m % 3 == 0 ? 2500 : 1 + (int64_t)random_below(&seed, 60);
            struct rows rows = random_rows(&setups[s], mixes[m], n, &seed);
            struct cxm_tally *tally = tally_of(&rows);
            const struct saved want = save(tally);
            cxm_tally_free(tally);
            law(&rows, want, &seed);
            free(want.bytes);
            rows_free(&rows);
        }
    }
}

static int64_t *shuffled(int64_t n, uint64_t *seed)
{
    int64_t *index = must_alloc((size_t)n, sizeof *index);
    for (int64_t i = 0; i < n; i++) {
        const int64_t j = (int64_t)random_below(seed, (uint64_t)i + 1);
        index[i] = index[j];
        index[j] = i;
    }
    return index;
}

/* ---- the same rows on other roads ----------------------------------------------------- */

static void order_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    int64_t *index = shuffled(rows->n, seed);
    struct rows other = rows_gather(rows, index, rows->n);
    assert_saves_as_free(tally_of(&other), want, rows->setup->name);
    rows_free(&other);
    free(index);
}

static void order_does_not_matter(void **state)
{
    (void)state;
    for_all(order_law);
}

static void split_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    struct cxm_tally *tally = tally_for(rows->setup, NULL);
    for (int64_t at = 0; at < rows->n;) {
        int64_t n = (int64_t)random_below(seed, 700);
        n = n < rows->n - at ? n : rows->n - at;
        add_part(tally, rows, at, n, 1);
        at += n;
    }
    assert_saves_as_free(tally, want, rows->setup->name);
}

static void any_split_into_calls(void **state)
{
    (void)state;
    for_all(split_law);
}

enum { N_PARTS = 7 };

/* Parts are merged in random pairs, into either side, through bytes now and then. */
static void tree_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    struct cxm_tally *parts[N_PARTS];
    for (int p = 0; p < N_PARTS; p++) {
        const int64_t first = rows->n * p / N_PARTS, last = rows->n * (p + 1) / N_PARTS;
        parts[p] = tally_of_part(rows, first, last - first);
    }
    for (int left = N_PARTS; left > 1; left--) {
        const size_t a = (size_t)random_below(seed, (uint64_t)left);
        size_t b = (size_t)random_below(seed, (uint64_t)left - 1);
        b += b >= a;
        if (random_below(seed, 3) == 0) {
            const struct saved bytes = save(parts[b]);
            cxm_tally_free(parts[b]);
            assert_int_equal(cxm_tally_load(bytes.bytes, bytes.n, NULL, &parts[b], NULL), CXM_OK);
            free(bytes.bytes);
        }
        assert_int_equal(cxm_tally_merge(parts[a], parts[b], NULL), CXM_OK);
        cxm_tally_free(parts[b]);
        parts[b] = parts[left - 1];
    }
    assert_saves_as_free(parts[0], want, rows->setup->name);
}

static void any_tree_of_merges(void **state)
{
    (void)state;
    for_all(tree_law);
}

static void chunk_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    enum { CHUNKS = 4 };
    struct inputs whole, parts[CHUNKS];
    struct cxm_column chunks[MOST_COLUMNS][CHUNKS];
    inputs_of(rows, 0, rows->n, &whole);
    int64_t at = 0;
    for (int c = 0; c < CHUNKS; c++) {
        const int64_t left = rows->n - at;
        const int64_t n = c + 1 == CHUNKS ? left
                                          : (int64_t)random_below(seed, (uint64_t)left + 1);
        inputs_of(rows, at, n, &parts[c]);
        for (size_t i = 0; i < whole.n; i++)
            chunks[i][c] = parts[c].columns[i];
        at += n;
    }
    for (size_t i = 0; i < whole.n; i++) {
        whole.columns[i].data = NULL;
        whole.columns[i].chunks = chunks[i];
        whole.columns[i].n_chunks = CHUNKS;
    }
    const struct cxm_add_options options = add_options_of(rows->options, 1);
    struct cxm_tally *tally = tally_for(rows->setup, NULL);
    assert_int_equal(cxm_tally_add(tally, whole.list, whole.n, &options, NULL), CXM_OK);
    assert_saves_as_free(tally, want, rows->setup->name);
}

static void chunked_columns(void **state)
{
    (void)state;
    for_all(chunk_law);
}

/* All columns interleaved in records of odd size, read from the last record to the first. */
static void stride_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    (void)seed;
    struct inputs inputs;
    inputs_of(rows, 0, rows->n, &inputs);
    const size_t record = 8 * inputs.n + 3;
    uint8_t *records = must_alloc((size_t)rows->n, record);
    for (size_t i = 0; i < inputs.n; i++) {
        for (int64_t r = 0; r < rows->n; r++)
            memcpy(records + (size_t)r * record + 8 * i,
                   (const uint8_t *)inputs.columns[i].data + 8 * r, 8);
        inputs.columns[i].data = records + (size_t)(rows->n - 1) * record + 8 * i;
        inputs.columns[i].stride = -(int64_t)record;
    }
    const struct cxm_add_options options = add_options_of(rows->options, 1);
    struct cxm_tally *tally = tally_for(rows->setup, NULL);
    assert_int_equal(cxm_tally_add(tally, inputs.list, inputs.n, &options, NULL), CXM_OK);
    assert_saves_as_free(tally, want, rows->setup->name);
    free(records);
}

static void strided_columns(void **state)
{
    (void)state;
    for_all(stride_law);
}

/* Copies of a row are the row again and again, with a weight too. */
static void freq_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    (void)seed;
    if (rows->freq == NULL)
        return;
    int64_t n = 0;
    int64_t *index = must_alloc(3 * (size_t)rows->n, sizeof *index);
    for (int64_t i = 0; i < rows->n; i++) {
        for (int64_t k = 0; k < rows->freq[i]; k++)
            index[n++] = i;
    }
    struct rows repeated = rows_gather(rows, index, n);
    free(repeated.freq);
    repeated.freq = NULL;
    repeated.options &= ~(unsigned)WITH_FREQ;
    assert_saves_as_free(tally_of(&repeated), want, rows->setup->name);
    rows_free(&repeated);
    free(index);
}

static void copies_are_repeated_rows(void **state)
{
    (void)state;
    for_all(freq_law);
}

static void add_one_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    (void)seed;
    if (!rows->setup->one || rows->number != NULL || rows->text != NULL
        || (rows->options & (WITH_INVALID | DESIGNED)))
        return;
    struct cxm_tally *tally = tally_for(rows->setup, NULL);
    for (int64_t i = 0; i < rows->n; i++) {
        double values[MOST_SLOTS];
        for (int s = 0; s < rows->setup->n_slots; s++)
            values[s] = rows->values[s][i];
        struct cxm_error error = { 0 };
        if (cxm_tally_add_one(tally, values, (size_t)rows->setup->n_slots,
                              rows->weight != NULL ? &rows->weight[i] : NULL,
                              rows->freq != NULL ? rows->freq[i] : 1, &error) != CXM_OK)
            fail_msg("%s: %s", rows->setup->name, error.message);
    }
    assert_saves_as_free(tally, want, rows->setup->name);
}

static void one_row_at_a_time(void **state)
{
    (void)state;
    for_all(add_one_law);
}

/* ---- identities ----------------------------------------------------------------------- */

static void load_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    (void)seed;
    struct cxm_tally *tally = NULL, *direct = tally_of(rows);
    struct cxm_error error = { 0 };
    if (cxm_tally_load(want.bytes, want.n, NULL, &tally, &error) != CXM_OK)
        fail_msg("%s: %s", rows->setup->name, error.message);
    assert_true(cxm_tally_equal(tally, direct));
    struct cxm_tally_info told, read;
    cxm_tally_describe(direct, &told);
    assert_int_equal(cxm_tally_info(want.bytes, want.n, &read, NULL), CXM_OK);
    assert_string_equal(told.metric, read.metric);
    assert_string_equal(told.definition, read.definition);
    assert_int_equal(told.configuration, read.configuration);
    assert_int_equal(told.rows, read.rows);
    assert_int_equal(told.groups, read.groups);
    assert_int_equal(told.weighted, read.weighted);
    assert_int_equal(told.n_keys, read.n_keys);
    assert_int_equal(told.kind, read.kind);
    assert_saves_as(tally, want, rows->setup->name);
    add_part(tally, rows, 0, rows->n, 1); /* a loaded tally goes on counting */
    assert_int_equal(cxm_tally_merge(direct, direct, NULL), CXM_OK);
    assert_true(cxm_tally_equal(tally, direct));
    cxm_tally_free(direct);
    cxm_tally_free(tally);
}

static void load_undoes_save(void **state)
{
    (void)state;
    for_all(load_law);
}

static void empty_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    (void)seed;
    struct cxm_tally *tally = tally_of(rows), *empty = tally_for(rows->setup, NULL);
    const struct saved nothing = save(empty);
    assert_int_equal(cxm_tally_merge(tally, empty, NULL), CXM_OK);
    assert_int_equal(cxm_tally_subtract(tally, empty, NULL), CXM_OK);
    assert_saves_as(tally, want, "tally + empty");
    assert_int_equal(cxm_tally_merge(empty, tally, NULL), CXM_OK);
    assert_saves_as(empty, want, "empty + tally");
    cxm_tally_clear(empty);
    assert_saves_as(empty, nothing, "cleared");
    add_part(empty, rows, 0, 0, 1);
    assert_saves_as(empty, nothing, "no rows");
    struct cxm_tally *copy = NULL;
    assert_int_equal(cxm_tally_copy(tally, &copy, NULL), CXM_OK);
    assert_saves_as(copy, want, "copy");
    assert_int_equal(cxm_tally_subtract(copy, tally, NULL), CXM_OK);
    assert_saves_as(copy, nothing, "tally - tally");
    assert_true(cxm_tally_equal(copy, empty));
    cxm_tally_free(copy);
    cxm_tally_free(empty);
    cxm_tally_free(tally);
    free(nothing.bytes);
}

static void empty_is_the_identity(void **state)
{
    (void)state;
    for_all(empty_law);
}

static void subtract_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    const int64_t cut = (int64_t)random_below(seed, (uint64_t)rows->n + 1);
    struct cxm_tally *kept = tally_of(rows), *gone = tally_of_part(rows, cut, rows->n - cut);
    struct cxm_tally *head = tally_of_part(rows, 0, cut);
    const struct saved first = save(head);
    struct cxm_error error = { 0 };
    if (cxm_tally_subtract(kept, gone, &error) != CXM_OK)
        fail_msg("%s: %s", rows->setup->name, error.message);
    assert_saves_as(kept, first, rows->setup->name);
    assert_int_equal(cxm_tally_groups(kept) == cxm_tally_groups(head) || cut == 0, 1);
    assert_int_equal(cxm_tally_merge(kept, gone, NULL), CXM_OK);
    assert_saves_as(kept, want, rows->setup->name);
    cxm_tally_free(kept);
    cxm_tally_free(gone);
    cxm_tally_free(head);
    free(first.bytes);
}

static void subtract_undoes_merge(void **state)
{
    (void)state;
    for_all(subtract_law);
}

/* ---- groups --------------------------------------------------------------------------- */

static bool in_group(const struct rows *rows, int64_t row, struct cxm_tally *tally, int64_t group)
{
    size_t key = 0;
    struct cxm_key got;
    if (rows->freq != NULL && rows->freq[row] == 0)
        return false;
    if (rows->number != NULL) {
        assert_int_equal(cxm_tally_key(tally, group, key++, &got), CXM_OK);
        assert_int_equal(got.type, CXM_KEY_INT);
        const bool missing = rows->number[row] == NO_NUMBER;
        if (missing != (got.missing != 0) || (!missing && got.integer != rows->number[row]))
            return false;
    }
    if (rows->text != NULL) {
        assert_int_equal(cxm_tally_key(tally, group, key, &got), CXM_OK);
        assert_int_equal(got.type, CXM_KEY_TEXT);
        const char *text = rows->text[row];
        if ((text == NULL) != (got.missing != 0)
            || (text != NULL && (strlen(text) != got.text_bytes
                                 || memcmp(text, got.text, got.text_bytes) != 0)))
            return false;
    }
    return true;
}

/* A group is a tally of its rows; all groups together are the tally without keys. */
static void group_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    (void)want;
    (void)seed;
    if (rows->number == NULL && rows->text == NULL)
        return;
    struct cxm_tally *tally = tally_of(rows), *merged = NULL;
    struct rows bare = *rows;
    bare.number = NULL;
    bare.text = NULL;
    bare.options &= ~(unsigned)(BY_NUMBER | BY_TEXT | LEAVE_OUT);
    const int64_t groups = cxm_tally_groups(tally);
    int64_t *index = must_alloc((size_t)rows->n, sizeof *index);
    for (int64_t g = 0; g < groups; g++) {
        int64_t n = 0;
        for (int64_t r = 0; r < rows->n; r++) {
            if (in_group(rows, r, tally, g))
                index[n++] = r;
        }
        assert_true(n > 0);
        struct rows own = rows_gather(rows, index, n), own_bare = own;
        own_bare.options = bare.options;
        own_bare.number = NULL;
        own_bare.text = NULL;
        struct cxm_tally *keyed = tally_of(&own), *unkeyed = tally_of(&own_bare), *one = NULL;
        const struct saved with = save(keyed), without = save(unkeyed);
        assert_int_equal(cxm_tally_group(tally, g, 1, &one, NULL), CXM_OK);
        assert_saves_as(one, with, rows->setup->name);
        if (merged == NULL)
            merged = one;
        else {
            assert_int_equal(cxm_tally_merge(merged, one, NULL), CXM_OK);
            cxm_tally_free(one);
        }
        assert_int_equal(cxm_tally_group(tally, g, 0, &one, NULL), CXM_OK);
        assert_saves_as_free(one, without, rows->setup->name);
        cxm_tally_free(keyed);
        cxm_tally_free(unkeyed);
        free(with.bytes);
        free(without.bytes);
        rows_free(&own);
    }
    struct cxm_tally *total = NULL;
    assert_int_equal(cxm_tally_group(tally, CXM_TOTAL, 0, &total, NULL), CXM_OK);
    const struct saved bytes = save(total);
    struct cxm_tally *again = NULL;
    assert_int_equal(cxm_tally_load(bytes.bytes, bytes.n, NULL, &again, NULL), CXM_OK);
    assert_saves_as_free(again, bytes, "total, loaded");
    if (!(rows->options & LEAVE_OUT) && merged != NULL) { /* NULL: no copy of any row */
        assert_saves_as(merged, want, "groups merged");
        assert_saves_as_free(tally_of(&bare), bytes, "total");
    }
    free(bytes.bytes);
    cxm_tally_free(total);
    cxm_tally_free(merged);
    cxm_tally_free(tally);
    free(index);
}

static void groups_are_tallies_of_their_rows(void **state)
{
    (void)state;
    for_all(group_law);
}

static int compare_keys(const struct cxm_key *a, const struct cxm_key *b)
{
    if (a->missing || b->missing)
        return a->missing - b->missing;
    if (a->type != CXM_KEY_TEXT)
        return (a->integer > b->integer) - (a->integer < b->integer);
    const size_t n = a->text_bytes < b->text_bytes ? a->text_bytes : b->text_bytes;
    const int order = n > 0 ? memcmp(a->text, b->text, n) : 0;
    return order != 0 ? order : (a->text_bytes > b->text_bytes) - (a->text_bytes < b->text_bytes);
}

static void sorted_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    (void)want;
    (void)seed;
    struct cxm_tally *tally = tally_of(rows);
    const size_t n_keys = cxm_tally_n_keys(tally);
    for (int64_t g = 1; g < cxm_tally_groups(tally) && n_keys > 0; g++) {
        int order = 0;
        for (size_t k = 0; k < n_keys && order == 0; k++) {
            struct cxm_key before, after;
            assert_int_equal(cxm_tally_key(tally, g - 1, k, &before), CXM_OK);
            assert_int_equal(cxm_tally_key(tally, g, k, &after), CXM_OK);
            order = compare_keys(&before, &after);
        }
        assert_true(order < 0);
    }
    cxm_tally_free(tally);
}

static void groups_are_sorted(void **state)
{
    (void)state;
    for_all(sorted_law);
}

/* ---- bases ---------------------------------------------------------------------------- */

/* rows = n + missing + invalid + excluded for every group and measure, and groups and left-out
 * rows add up to the total. */
static void base_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    (void)want;
    (void)seed;
    struct cxm_tally *tally = tally_of(rows);
    int64_t given = 0;
    for (int64_t i = 0; i < rows->n; i++)
        given += rows->freq != NULL ? rows->freq[i] : 1;
    size_t n_measures = 0;
    assert_int_equal(cxm_tally_measures(tally, NULL, sizeof(struct cxm_measure), 0, &n_measures,
                                        NULL), CXM_OK);
    for (uint32_t m = 0; m < n_measures; m++) {
        struct cxm_base total, sum = { 0 };
        assert_int_equal(cxm_tally_base(tally, CXM_TOTAL, m, &total, NULL), CXM_OK);
        assert_int_equal(total.rows, given);
        assert_int_equal(total.rows, total.n + total.missing + total.invalid + total.excluded);
        for (int64_t g = 0; g < cxm_tally_groups(tally); g++) {
            struct cxm_base base;
            assert_int_equal(cxm_tally_base(tally, g, m, &base, NULL), CXM_OK);
            assert_int_equal(base.rows, base.n + base.missing + base.invalid + base.excluded);
            int64_t by_reason = 0;
            for (int r = 0; r < 16; r++)
                by_reason += base.excluded_by[r];
            assert_int_equal(by_reason, base.excluded);
            sum.n += base.n;
            sum.missing += base.missing;
            sum.invalid += base.invalid;
            sum.excluded += base.excluded;
        }
        const int64_t left_out = cxm_tally_n_keys(tally) > 0
                                   ? total.excluded_by[CXM_REASON_GROUP_LEFT_OUT] : 0;
        assert_int_equal(sum.n, total.n);
        assert_int_equal(sum.missing, total.missing);
        assert_int_equal(sum.invalid, total.invalid);
        assert_int_equal(sum.excluded + left_out, total.excluded);
    }
    cxm_tally_free(tally);
}

static void bases_add_up(void **state)
{
    (void)state;
    for_all(base_law);
}

/* ---- estimates ------------------------------------------------------------------------ */

static bool same_double(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void assert_same_estimate(const struct cxm_estimate *a, const struct cxm_estimate *b)
{
    const double *x = &a->value, *y = &b->value;
    for (size_t i = 0; i < offsetof(struct cxm_estimate, n) / sizeof *x; i++)
        assert_true(same_double(x[i], y[i]));
    assert_memory_equal(&a->n, &b->n, sizeof *a - offsetof(struct cxm_estimate, n));
}

/* A higher level never narrows an interval; an estimate is the same from loaded bytes. */
static void level_law(const struct rows *rows, struct saved want, uint64_t *seed)
{
    static const double levels[] = { 0.5, 0.8, 0.95, 0.99, 0.9999 };
    (void)seed;
    struct cxm_tally *tally = NULL, *direct = tally_of(rows);
    assert_int_equal(cxm_tally_load(want.bytes, want.n, NULL, &tally, NULL), CXM_OK);
    if (cxm_tally_groups(direct) == 0) { /* no copy of any row: saved without keys */
        cxm_tally_free(direct);
        cxm_tally_free(tally);
        return;
    }
    size_t n_measures = 0;
    assert_int_equal(cxm_tally_measures(tally, NULL, sizeof(struct cxm_measure), 0, &n_measures,
                                        NULL), CXM_OK);
    uint32_t *measures = must_alloc(n_measures, sizeof *measures);
    for (uint32_t m = 0; m < n_measures; m++)
        measures[m] = m;
    struct cxm_estimate_options options = { .size = sizeof options, .measures = measures,
                                            .lonely = CXM_LONELY_ADJUST,
                                            .n_measures = n_measures };
    size_t n = 0;
    assert_int_equal(cxm_tally_estimate(tally, &options, NULL, sizeof(struct cxm_estimate), 0, &n,
                                        NULL), CXM_OK);
    struct cxm_estimate *narrow = must_alloc(n, sizeof *narrow), *wide = must_alloc(n, sizeof *wide);
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        options.level = levels[l];
        assert_int_equal(cxm_tally_estimate(direct, &options, wide, sizeof *wide, n, &n, NULL),
                         CXM_OK);
        struct cxm_estimate *again = must_alloc(n, sizeof *again);
        assert_int_equal(cxm_tally_estimate(tally, &options, again, sizeof *again, n, &n, NULL),
                         CXM_OK);
        for (size_t i = 0; i < n; i++)
            assert_same_estimate(&again[i], &wide[i]);
        free(again);
        for (size_t i = 0; l > 0 && i < n; i++) {
            if (isnan(narrow[i].lower) || isnan(wide[i].lower))
                continue;
            assert_true(wide[i].lower <= narrow[i].lower);
            assert_true(wide[i].upper >= narrow[i].upper);
        }
        memcpy(narrow, wide, n * sizeof *wide);
    }
    free(narrow);
    free(wide);
    free(measures);
    cxm_tally_free(tally);
    cxm_tally_free(direct);
}

static void higher_levels_never_narrow(void **state)
{
    (void)state;
    for_all(level_law);
}

static double nps_of(struct cxm_tally *tally)
{
    struct cxm_estimate out;
    assert_int_equal(cxm_tally_estimate(tally, NULL, &out, sizeof out, 1, NULL, NULL), CXM_OK);
    return out.value;
}

static void a_promoter_never_lowers_nps(void **state)
{
    (void)state;
    uint64_t seed = first_seed;
    for (int trial = 0; trial < 300; trial++) {
        struct rows rows = random_rows(&setups[0], trial % 2 ? WEIGHTED : 0,
                                       1 + (int64_t)random_below(&seed, 40), &seed);
        struct cxm_tally *tally = tally_of(&rows);
        const double before = nps_of(tally), nine = 9, zero = 0;
        const double weight = fabs(random_real(&seed, 3));
        struct cxm_tally *other = NULL;
        assert_int_equal(cxm_tally_copy(tally, &other, NULL), CXM_OK);
        const double *w = trial % 2 ? &weight : NULL;
        assert_int_equal(cxm_tally_add_one(tally, &nine, 1, w, 1, NULL), CXM_OK);
        assert_int_equal(cxm_tally_add_one(other, &zero, 1, w, 1, NULL), CXM_OK);
        if (!isnan(before)) {
            assert_true(nps_of(tally) >= before);
            assert_true(nps_of(other) <= before);
        }
        cxm_tally_free(tally);
        cxm_tally_free(other);
        rows_free(&rows);
    }
}

int main(void)
{
    first_seed = random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(any_split_into_calls),
        cmocka_unit_test(any_tree_of_merges),
        cmocka_unit_test(chunked_columns),
        cmocka_unit_test(strided_columns),
        cmocka_unit_test(copies_are_repeated_rows),
        cmocka_unit_test(one_row_at_a_time),
        cmocka_unit_test(load_undoes_save),
        cmocka_unit_test(empty_is_the_identity),
        cmocka_unit_test(subtract_undoes_merge),
        cmocka_unit_test(groups_are_tallies_of_their_rows),
        cmocka_unit_test(groups_are_sorted),
        cmocka_unit_test(bases_add_up),
        cmocka_unit_test(higher_levels_never_narrow),
        cmocka_unit_test(a_promoter_never_lowers_nps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
