/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Random calls of cxm_tally_add, every metric with every kind of column, key, weight and design: the
 * rows one at a time (or in small parts) as plain columns with copies of 1, which no short cut takes,
 * against the call as it is, with threads, in parts, merged in any order and read back. All must save
 * as the same bytes and estimate the same; a value that is none must be named alike on every road and
 * leave the tally as it was. CXM_CALLS=1000000 CXM_SEED=… runs longer; a failure prints the seed of
 * its call, which CXM_CALLS=1 runs alone. */
#include "random_calls.h"

static const struct call *at_work;
static uint64_t its_seed;

/* What a stranger needs to repeat a failure and to see what is special about it. */
static void tell(const char *what)
{
    print_error("%s, %lld rows: %s; CXM_SEED=%llu CXM_CALLS=1\n", at_work->setup->name,
                (long long)at_work->n, what, (unsigned long long)its_seed);
    for (size_t k = 0; k < at_work->n_columns; k++) {
        const struct cxm_column *c = &at_work->stored[k], *part = c->n_chunks > 0 ? c->chunks : c;
        print_error("  %s: %s, stride %lld, offset %lld, %lld chunks%s%s%s%s%s%s, calendar %u, unit %u\n",
                    at_work->roles[k], cxm_type_name((enum cxm_type)part->type), (long long)part->stride,
                    (long long)part->offset, (long long)c->n_chunks, part->validity != NULL ? ", bitmap" : "",
                    part->mask != NULL ? ", mask" : "", part->dictionary != NULL ? ", dictionary" : "",
                    c->flags & CXM_COLUMN_SENTINEL ? ", sentinel" : "",
                    c->n_missing_codes > 0 ? ", codes" : "",
                    c->n_labels > 0 ? ", labels" : "", c->calendar, c->time_unit);
    }
}

#define SAME(condition, what)                                                                    \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            tell(what);                                                                          \
            fail();                                                                              \
        }                                                                                        \
    } while (0)

/* ---- a call --------------------------------------------------------------------------- */

static void push(struct call *call, const char *role, const char *name)
{
    call->roles[call->n_columns] = role;
    call->stored[call->n_columns].name = name;
    call->plain[call->n_columns].name = name;
    call->n_columns++;
}

static void add_key(struct call *call, const struct maker *m, const char *role, const char *name,
                    bool misses)
{
    struct cxm_column *stored = &call->stored[call->n_columns], *plain = &call->plain[call->n_columns];
    if (one_in(m, 2))
        make_number_key(m, misses, stored, plain);
    else
        make_text_key(m, misses, stored, plain);
    push(call, role, name);
}

static void add_numbers(struct call *call, const struct maker *m, const char *role, enum number_kind of,
                        enum slot_kind kind, const bool *absent, int64_t plant, bool *missing)
{
    const bool invalid = call->options.invalid == CXM_INVALID_COUNT && of == OF_SLOT;
    const bool planted = make_numbers(m, of, kind, absent, invalid, plant, &call->stored[call->n_columns],
                                      &call->plain[call->n_columns], missing);
    if (planted) {
        call->planted = plant;
        call->planted_slot = of == OF_SLOT;
    }
    push(call, role, one_in(m, 2) ? NULL : role);
}

/* Ratings, counts, yes and no: of numbers and money hardly any value is none. */
static bool is_bounded(const struct setup *setup, const char *role)
{
    const struct cxm_metric_info *info = cxm_metric_find(setup->metric);
    for (int32_t i = 0; i < info->n_inputs; i++) {
        if (strcmp(info->inputs[i].name, role) == 0)
            return info->inputs[i].role != CXM_ROLE_NUMBER && info->inputs[i].role != CXM_ROLE_MONEY;
    }
    return false;
}

/* Is a row without its only answer one that is not used, so that its weight may be missing? */
static bool leaves_missing_rows_out(const struct setup *setup)
{
    return setup->n_slots == 1 && strcmp(setup->metric, "stages") != 0;
}

static int64_t random_length(const struct maker *m)
{
    switch (random_below(m->seed, 32)) {
    case 0: return (int64_t)random_below(m->seed, 3);
    case 1: case 2: case 3: case 4: case 5: case 6:
        return 1 + (int64_t)random_below(m->seed, 300);
    case 7: case 8: case 9: case 10: case 11: case 12:
        return 1 + (int64_t)random_below(m->seed, 3000);
    case 31:
        return 66000 + (int64_t)random_below(m->seed, 140000);
    default:
        return 1 + (int64_t)random_below(m->seed, 20000);
    }
}

static void make_call(struct call *call, uint64_t *seed)
{
    static const char *const key_names[] = { "shop", "segment", "agent" };
    memset(call, 0, sizeof *call);
    struct maker m = { &call->arena, seed, 0 };
    m.n = call->n = random_length(&m);
    call->setup = &setups[one_in(&m, 3) ? random_below(seed, 4) : random_below(seed, N_SETUPS)];
    at_work = call;
    call->planted = -1;
    call->options = (struct cxm_add_options){ .size = sizeof call->options,
                                              .threads = (int32_t)random_below(seed, 5) };
    if (one_in(&m, 4))
        call->options.invalid = CXM_INVALID_COUNT;
    if (one_in(&m, 8))
        call->options.missing_key = CXM_MISSING_KEY_LEAVE_OUT;
    const int n_slots = call->setup->n_slots;
    const bool weighted = one_in(&m, 3) && takes_weights(call->setup);
    const bool designed = one_in(&m, 10);
    const uint64_t n_keys = one_in(&m, 3) ? 0 : one_in(&m, 3) ? 1 + random_below(seed, 3) : 1;
    const int plant_in = call->n > 0 && one_in(&m, 5) ? (int)random_below(seed, (uint64_t)n_slots + 2) : -1;
    const int64_t plant = call->n > 0 ? (int64_t)random_below(seed, (uint64_t)call->n) : 0;
    bool *missing = arena_take(&call->arena, (size_t)call->n, sizeof *missing);
    memset(missing, 0, (size_t)call->n * sizeof *missing);
    for (int s = 0; s < n_slots; s++)
        add_numbers(call, &m, call->setup->roles[s], OF_SLOT, call->setup->kinds[s], NULL,
                    plant_in == s && call->options.invalid == CXM_INVALID_ERROR
                            && (call->setup->kinds[s] == SLOT_REAL
                                || is_bounded(call->setup, call->setup->roles[s]))
                        ? plant : -1, missing);
    if (call->setup->reason)
        add_key(call, &m, "reason", NULL, true);
    for (uint64_t k = 0; k < n_keys; k++)
        add_key(call, &m, "by", one_in(&m, 5) ? NULL : key_names[k], one_in(&m, 2));
    if (weighted)
        add_numbers(call, &m, "weight", OF_WEIGHT, SLOT_REAL,
                    leaves_missing_rows_out(call->setup) ? missing : NULL,
                    plant_in == n_slots ? plant : -1, NULL);
    call->has_freq = one_in(&m, 4);
    if (call->has_freq)
        add_numbers(call, &m, "freq", OF_FREQ, SLOT_COUNT, NULL, plant_in == n_slots + 1 ? plant : -1, NULL);
    if (designed) {
        if (one_in(&m, 2))
            add_key(call, &m, "strata", NULL, false);
        for (uint64_t k = random_below(seed, 3); k > 0; k--)
            add_key(call, &m, "cluster", NULL, false);
        if (weighted && one_in(&m, 3))
            add_key(call, &m, "calibrate", "margin", false);
    }
}

/* ---- roads ---------------------------------------------------------------------------- */

/* The same column from a row on; chunks are cut. */
static struct cxm_column part_of(struct arena *arena, const struct cxm_column *whole, int64_t first,
                                 int64_t n)
{
    struct cxm_column c = *whole;
    c.n = n;
    if (whole->n_chunks > 0) {
        struct cxm_column *chunks = arena_take(arena, (size_t)whole->n_chunks, sizeof *chunks);
        int64_t at = 0;
        c.n_chunks = 0;
        for (int64_t k = 0; k < whole->n_chunks; k++) {
            const struct cxm_column *chunk = &whole->chunks[k];
            const int64_t from = first > at ? first - at : 0;
            const int64_t to = first + n - at < chunk->n ? first + n - at : chunk->n;
            if (from < to || (k + 1 == whole->n_chunks && c.n_chunks == 0))
                chunks[c.n_chunks++] = part_of(arena, chunk, from < to ? from : 0, from < to ? to - from : 0);
            at += chunk->n;
        }
        c.chunks = chunks;
        return c;
    }
    c.offset += first;
    c.validity_offset += whole->validity != NULL ? first : 0;
    c.mask = whole->mask != NULL ? whole->mask + first * whole->mask_stride : NULL;
    return c;
}

/* How rows first … first + n - 1 are added. */
struct road {
    bool plain, copies;
    int32_t threads;
};

static enum cxm_status add(struct call *call, struct cxm_tally *tally, struct road road, int64_t first,
                           int64_t n, struct cxm_error *error)
{
    static const int64_t one = 1;
    struct cxm_column columns[MOST_COLUMNS + 1];
    struct cxm_input inputs[MOST_COLUMNS + 1];
    struct cxm_add_options options = call->options;
    struct arena arena = { NULL, 0, 0 };
    size_t k = 0;
    for (; k < call->n_columns; k++) {
        columns[k] = part_of(&arena, road.plain ? &call->plain[k] : &call->stored[k], first, n);
        inputs[k] = (struct cxm_input){ call->roles[k], &columns[k] };
    }
    if (road.copies && !call->has_freq) {
        columns[k] = cxm_column_make("freq", CXM_I64, &one, (size_t)n, 0, 8);
        inputs[k] = (struct cxm_input){ "freq", &columns[k] };
        k++;
    }
    options.threads = road.threads;
    const enum cxm_status status = cxm_tally_add(tally, inputs, k, &options, error);
    arena_free(&arena);
    return status;
}

/* Row by row where rows are few, else in parts of at most `most` rows. */
static enum cxm_status add_in_parts(struct call *call, struct cxm_tally *tally, struct road road,
                                    uint64_t most, uint64_t *seed, struct cxm_error *error)
{
    enum cxm_status status;
    int64_t at = 0;
    do {
        const int64_t some = 1 + (int64_t)random_below(seed, most);
        const int64_t n = some < call->n - at ? some : call->n - at;
        status = add(call, tally, road, at, n, error);
        at += n;
    } while (at < call->n && status == CXM_OK);
    return status;
}

static void check_bytes(struct cxm_tally *tally, struct saved want, const char *what)
{
    const struct saved got = save(tally);
    SAME(got.n == want.n && memcmp(got.bytes, want.bytes, want.n) == 0, what);
    free(got.bytes);
}

/* Parts of both kinds of columns, merged in random pairs, through bytes now and then. */
static void merged(struct call *call, uint64_t *seed, struct saved want)
{
    enum { MOST = 6 };
    const struct setup *setup = call->setup;
    struct cxm_tally *parts[MOST];
    int n = 2 + (int)random_below(seed, MOST - 1);
    for (int p = 0; p < n; p++) {
        const int64_t first = call->n * p / n, last = call->n * (p + 1) / n;
        const struct road road = { random_below(seed, 3) == 0, random_below(seed, 4) == 0,
                                   1 + (int32_t)random_below(seed, 3) };
        parts[p] = tally_for(setup, NULL);
        SAME(add(call, parts[p], road, first, last - first, NULL) == CXM_OK, "a part");
    }
    for (; n > 1; n--) {
        const size_t a = random_below(seed, (uint64_t)n), other = random_below(seed, (uint64_t)n - 1);
        const size_t b = other + (other >= a);
        if (random_below(seed, 3) == 0) {
            const struct saved bytes = save(parts[b]);
            cxm_tally_free(parts[b]);
            SAME(cxm_tally_load(bytes.bytes, bytes.n, NULL, &parts[b], NULL) == CXM_OK, "loading a part");
            check_bytes(parts[b], bytes, "loaded");
            free(bytes.bytes);
        }
        struct cxm_error error = { .message = "" };
        SAME(cxm_tally_merge(parts[a], parts[b], &error) == CXM_OK, error.message);
        cxm_tally_free(parts[b]);
        parts[b] = parts[n - 1];
    }
    check_bytes(parts[0], want, "merged parts");
    cxm_tally_free(parts[0]);
}

/* All measures of both, bit by bit. */
static void same_estimates(struct cxm_tally *a, struct cxm_tally *b)
{
    enum { MOST = 1 << 14 };
    struct cxm_tally *tallies[2] = { a, b };
    struct cxm_estimate *rows[2];
    enum cxm_status status[2];
    size_t n_measures = 0, n[2];
    SAME(cxm_tally_measures(a, NULL, sizeof(struct cxm_measure), 0, &n_measures, NULL) == CXM_OK, "measures");
    if ((double)n_measures * (double)cxm_tally_groups(a) > MOST)
        return;
    uint32_t *measures = must_alloc(n_measures, sizeof *measures);
    for (uint32_t k = 0; k < n_measures; k++)
        measures[k] = k;
    struct cxm_estimate_options options = { .size = sizeof options, .measures = measures,
                                            .n_measures = n_measures, .lonely = CXM_LONELY_ADJUST };
    for (int k = 0; k < 2; k++) {
        n[k] = 0;
        status[k] = cxm_tally_estimate(tallies[k], &options, NULL, sizeof **rows, 0, &n[k], NULL);
        rows[k] = must_alloc(n[k], sizeof **rows);
        options.threads = 1 + k;
        if (status[k] == CXM_OK && n[k] > 0)
            status[k] = cxm_tally_estimate(tallies[k], &options, rows[k], sizeof **rows, n[k], &n[k], NULL);
    }
    SAME(status[0] == status[1] && n[0] == n[1], "estimates");
    SAME(status[0] != CXM_OK || memcmp(rows[0], rows[1], n[0] * sizeof **rows) == 0, "other estimates");
    free(rows[0]);
    free(rows[1]);
    free(measures);
}

/* ---- calls that are fine, and calls that are not -------------------------------------- */

static const struct road general = { true, true, 1 };

static void same_tally(struct call *call, uint64_t *seed, struct cxm_tally *reference)
{
    static const struct road roads[] = { { false, false, 1 }, { true, false, 1 }, { false, true, 1 },
                                         { false, false, 3 } };
    static const char *const names[] = { "as it is", "plain", "copies of 1", "three threads" };
    const struct saved want = save(reference);
    for (size_t k = 0; k < COUNT_OF(roads); k++) {
        struct cxm_tally *tally = tally_for(call->setup, NULL);
        struct cxm_error error = { .message = "" };
        SAME(add(call, tally, roads[k], 0, call->n, &error) == CXM_OK, error.message);
        check_bytes(tally, want, names[k]);
        if (k == 0)
            same_estimates(tally, reference);
        cxm_tally_free(tally);
    }
    struct cxm_tally *tally = tally_for(call->setup, NULL);
    SAME(add_in_parts(call, tally, roads[0], 1 + (uint64_t)call->n / 2, seed, NULL) == CXM_OK, "in parts");
    check_bytes(tally, want, "in parts");
    cxm_tally_free(tally);
    merged(call, seed, want);
    free(want.bytes);
}

static void same_refusal(struct call *call)
{
    static const struct road roads[] = { { false, true, 1 }, { false, false, 1 }, { false, false, 2 },
                                         { true, true, 1 }, { true, false, 4 } };
    struct cxm_error first = { .row = -1 };
    enum cxm_status refused = CXM_OK;
    const int64_t good = call->planted < 0 ? 0 : call->planted; /* rows that may be there before */
    for (size_t k = 0; k < COUNT_OF(roads); k++) {
        struct cxm_tally *tally = tally_for(call->setup, NULL);
        struct cxm_error error = { .row = -1 };
        if (k > 1 && good > 0 && add(call, tally, general, 0, good, NULL) != CXM_OK)
            cxm_tally_clear(tally);
        const struct saved before = save(tally);
        const enum cxm_status status = add(call, tally, roads[k], 0, call->n, &error);
        if (k == 0) {
            first = error;
            refused = status;
        }
        SAME(status == refused, "another status");
        if (status == CXM_OK) { /* such a row is not used */
            cxm_tally_free(tally);
            free(before.bytes);
            continue;
        }
        check_bytes(tally, before, "changed by a call that failed");
        SAME(error.row == first.row, "another row");
        SAME(roads[k].plain || strcmp(error.message, first.message) == 0, "another message");
        SAME(roads[k].plain || strcmp(error.value, first.value) == 0, "another value");
        SAME(strcmp(error.column, first.column) == 0, "another column");
        SAME(!call->planted_slot || status != CXM_EDATA || error.row == call->planted, error.message);
        cxm_tally_free(tally);
        free(before.bytes);
    }
    SAME(refused != CXM_OK || !call->planted_slot, "a value that is none went in");
}

static void any_call(uint64_t seed)
{
    struct call call;
    struct cxm_error error = { .message = "" };
    its_seed = seed;
    make_call(&call, &seed);
    struct cxm_tally *reference = tally_for(call.setup, NULL);
    const uint64_t most = call.n <= 300 ? 1 : call.n <= 3000 ? 100 : 5000;
    if (call.planted >= 0 || add(&call, reference, general, 0, call.n, NULL) != CXM_OK) {
        same_refusal(&call);
    } else {
        cxm_tally_clear(reference);
        SAME(add_in_parts(&call, reference, general, most, &seed, &error) == CXM_OK, error.message);
        same_tally(&call, &seed, reference);
    }
    cxm_tally_free(reference);
    arena_free(&call.arena);
}

static void every_road(void **state)
{
    (void)state;
    const uint64_t seed = random_seed();
    const char *const text = getenv("CXM_CALLS");
    const uint64_t calls = text != NULL ? strtoull(text, NULL, 0) : 200;
    for (uint64_t k = 0; k < calls; k++)
        any_call(seed + k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_road),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
