/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernels of packed words against their C references and against qsort, and packed histories
 * against rows compared one by one: keys and instants at both ends of their types, one customer,
 * all customers distinct, equal instants, rows far from the others, one to four threads. */
#include "testing.h"

#include "derive/sort.h"
#include "derive/sort_kernels.h"

#include <stdlib.h>

/* ---- kernels -------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

enum { WORDS = 4096, RUNS = 512 };

static uint64_t any_word(uint64_t *seed)
{
    const uint64_t word = random_u64(seed);
    switch (random_below(seed, 4)) {
    case 0: return word & 7;
    case 1: return UINT64_MAX - (word & 3);
    default: return word;
    }
}

static void runs_in_order(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static uint64_t from[WORDS], to[WORDS + CXM_RUN_SLACK], want[WORDS];
    cxm_sort_runs *const variants[] = { cxm_priv_sort_runs_c,
                                        cxm_priv_sort_kernels(CXM_SORT_AVX512).sort_runs,
                                        cxm_priv_sort_kernels(0).sort_runs };
    for (int round = 0; round < 300; round++) {
        uint32_t ends[RUNS];
        size_t n = 0, n_runs = 0;
        const uint64_t longest = round % 3 == 0 ? 5 : round % 3 == 1 ? 20 : 300;
        while (n_runs < RUNS && n + longest < WORDS) {
            n += random_below(&seed, longest + 1);
            ends[n_runs++] = (uint32_t)n;
        }
        for (size_t v = 0; v < COUNT_OF(variants); v++) {
            uint64_t again = seed;
            for (size_t i = 0; i < n; i++)
                want[i] = from[i] = any_word(&again);
            for (size_t r = 0, start = 0; r < n_runs; start = ends[r++])
                qsort(want + start, ends[r] - start, sizeof *want, by_value);
            variants[v](from, ends, n_runs, to);
            assert_memory_equal(to, want, n * sizeof *want);
        }
        any_word(&seed);
    }
}

/* One run beside its slack, which is of the same heap block: any byte beyond is found. */
static void long_run(void **state)
{
    (void)state;
    enum { MOST = 100000, RANDOM = 0, ASCENDING, DESCENDING, EQUAL, FEW_VALUES, CROWDED, TWO_ENDS,
           SHAPES };
    uint64_t seed = random_seed();
    for (int round = 0; round < 40 * SHAPES; round++) {
        const int shape = round % SHAPES;
        const size_t n = round < SHAPES ? MOST : 1 + random_below(&seed, round % 3 == 0 ? 90 : 3000);
        uint64_t *words = malloc(n * sizeof *words), *want = malloc(n * sizeof *want);
        uint64_t *from = malloc(n * sizeof *from);
        uint64_t *to = malloc((n + CXM_RUN_SLACK) * sizeof *to);
        for (size_t i = 0; i < n; i++) {
            const uint64_t any = random_u64(&seed);
            words[i] = shape == ASCENDING ? i : shape == DESCENDING ? UINT64_MAX - i
                     : shape == EQUAL ? 77 : shape == FEW_VALUES ? any % 5
                     : shape == CROWDED ? any >> random_below(&seed, 64)
                     : shape == TWO_ENDS ? (any & 1) - (any & 6) : any;
        }
        memcpy(want, words, n * sizeof *want);
        qsort(want, n, sizeof *want, by_value);
        for (unsigned without = 0; without < 8; without++) {
            memcpy(from, words, n * sizeof *from);
            const uint32_t end = (uint32_t)n;
            cxm_priv_sort_kernels(without).sort_runs(from, &end, 1, to);
            assert_memory_equal(to, want, n * sizeof *want);
        }
        free(words), free(want), free(from), free(to);
    }
}

static void near_words(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 20000; round++) {
        uint64_t words[65];
        const size_t n = random_below(&seed, 65);
        const struct cxm_near_rules rules = {
            .key_shift = 5, .customer_shift = 7, .most = random_below(&seed, 12),
            .time_mask = 31, .old = random_below(&seed, 32), .none_old = round % 5 == 0,
        };
        for (size_t i = 0; i < COUNT_OF(words); i++)
            words[i] = random_below(&seed, 1000);
        qsort(words, COUNT_OF(words), sizeof *words, by_value);
        struct cxm_near a, b;
        cxm_priv_near_words_c(words, n, &rules, &a);
        for (unsigned without = 0; without <= CXM_SORT_AVX512; without++) {
            cxm_priv_sort_kernels(without).near_words(words, n, &rules, &b);
            assert_memory_equal(&a, &b, sizeof a);
        }
        for (size_t i = 0; i < n; i++) {
            const uint64_t gap = words[i + 1] - words[i];
            const bool key = words[i] / 32 == words[i + 1] / 32;
            assert_int_equal(a.near >> i & 1, key && gap > 0 && gap <= rules.most);
            assert_int_equal(a.same >> i & 1, gap == 0);
            assert_int_equal(a.old >> i & 1, !rules.none_old && words[i] % 32 <= rules.old);
            assert_int_equal(a.last >> i & 1, words[i] / 128 != words[i + 1] / 128);
        }
    }
}

static void stretches(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 20000; round++) {
        uint64_t masks[CXM_MASKS];
        uint32_t a[64][CXM_MASKS] = { { 0 } }, b[64][CXM_MASKS] = { { 0 } };
        uint32_t open_a[CXM_MASKS] = { 3, 0, 1, 7 }, open_b[CXM_MASKS] = { 3, 0, 1, 7 };
        const size_t n = random_below(&seed, 65);
        for (int k = 0; k < CXM_MASKS; k++)
            masks[k] = random_u64(&seed);
        const uint64_t last = random_u64(&seed) & random_u64(&seed);
        const size_t ended = cxm_priv_count_stretches_c(masks, last, n, open_a, a);
        assert_int_equal(
            cxm_priv_sort_kernels(0).count_stretches(masks, last, n, open_b, b), ended);
        assert_memory_equal(a, b, sizeof a);
        assert_memory_equal(open_a, open_b, sizeof open_a);
    }
}

static void packed_arrays(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static uint64_t wide[600], customers[2][600], words[2][600];
    static uint32_t narrow[600], groups[600];
    static uint8_t bytes[600];
    static int64_t times[600];
    for (int round = 0; round < 20000; round++) {
        const int odd = round % 3 == 0 ? (int)random_below(&seed, 600) : -1;
        for (size_t i = 0; i < 600; i++) {
            narrow[i] = (uint32_t)random_below(&seed, 1000) - 3;
            wide[i] = (uint64_t)(int64_t)(int32_t)narrow[i];
            groups[i] = bytes[i] = (uint8_t)(5 + random_below(&seed, 3));
            times[i] = (int64_t)random_below(&seed, 100) - 40;
        }
        if (odd >= 0) {
            times[odd] = round % 2 == 0 ? INT64_MAX : INT64_MIN;
            bytes[odd] = round % 4 == 1 ? 200 : 3;
        }
        static const enum cxm_plain_kind kinds[] = { CXM_PLAIN_8, CXM_PLAIN_U32, CXM_PLAIN_I32 };
        const enum cxm_plain_kind kind = kinds[random_below(&seed, 3)];
        const int code = (int)random_below(&seed, 3);
        const struct cxm_plain_rows rows = {
            .customer_kind = kind, .customer = kind == CXM_PLAIN_8 ? (void *)wide : narrow,
            .code_kind = code == 0 ? CXM_PLAIN_NONE : code == 1 ? CXM_PLAIN_U8 : CXM_PLAIN_U32,
            .code = code == 1 ? (void *)bytes : groups, .time = times,
            .customer_base = kind == CXM_PLAIN_U32 ? 0 : (uint64_t)-3,
            .code_base = 5, .time_base = (uint64_t)-40,
            .customer_bits = kind == CXM_PLAIN_U32 ? 32 : 10, .code_bits = code == 0 ? 0 : 2,
            .time_bits = 7, .latest = round % 7 == 0 ? 98 : 127, .hashed = round % 2 == 0,
        };
        const size_t first = random_below(&seed, 9), n = random_below(&seed, 580);
        const bool a = cxm_priv_pack_plain_c(&rows, first, n, customers[0], words[0]);
        const unsigned without = round / 2 % 2 == 0 ? 0 : CXM_SORT_AVX512;
        const bool b = cxm_priv_sort_kernels(without).pack_plain(&rows, first, n, customers[1],
                                                                 words[1]);
        assert_true(a == b);
        if (odd >= (int)first && odd < (int)(first + n))
            assert_false(a);
        if (!a)
            continue;
        assert_memory_equal(words[0], words[1], n * sizeof words[0][0]);
        if (rows.hashed)
            assert_memory_equal(customers[0], customers[1], n * sizeof words[0][0]);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(words[0][i] & 127, times[first + i] + 40);
    }
}

/* ---- whole histories ------------------------------------------------------------------ */

/* What a row is, and how often: packed words carry no row numbers. */
struct fact {
    uint64_t customer, code;
    int64_t time;
};

struct found {
    struct fact *facts;
    size_t n[CXM_MOST_WORKERS], room;
    uint64_t names[CXM_MOST_WORKERS]; /* a new name for each customer that comes */
    int packed;
};

static void add_fact(struct found *f, unsigned worker, bool same_customer, uint64_t code,
                     int64_t time)
{
    f->names[worker] += !same_customer;
    f->facts[worker * f->room + f->n[worker]++] =
        (struct fact){ (uint64_t)worker << 40 | f->names[worker], code, time };
}

static enum cxm_status take_events(void *context, unsigned worker, struct cxm_event *events,
                                   size_t n, struct cxm_error *error)
{
    (void)error;
    for (size_t i = 0; i < n; i++)
        add_fact(context, worker, i > 0 && events[i].customer == events[i - 1].customer,
                 events[i].code, events[i].time);
    return CXM_OK;
}

static enum cxm_status take_words(void *context, unsigned worker, const struct cxm_packed *p,
                                  struct cxm_error *error)
{
    (void)error;
    const uint64_t ones = p->code_bits > 0 ? UINT64_MAX >> (64 - p->code_bits) : 0;
    const int shift = p->code_bits + p->time_bits;
    __atomic_fetch_add(&((struct found *)context)->packed, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < p->n; i++) {
        const uint64_t word = p->words[i], code = word >> p->time_bits & ones;
        assert_true(i == 0 || p->words[i - 1] <= word);
        add_fact(context, worker, i > 0 && p->words[i - 1] >> shift == word >> shift,
                 ones > 0 && code == ones ? CXM_CODE_MISSING : p->code_base + code,
                 (int64_t)((uint64_t)p->time_base
                           + (word & UINT64_MAX >> (64 - p->time_bits))));
    }
    return CXM_OK;
}

static int by_fact(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    if (x->customer != y->customer)
        return x->customer < y->customer ? -1 : 1;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

/* Histories mostly come in this order: looking is quicker than sorting them again. */
static bool in_order(const struct fact *facts, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (by_fact(&facts[i - 1], &facts[i]) > 0)
            return false;
    return true;
}

/* A fingerprint of each customer's facts, those sorted: histories without names. */
static size_t histories(struct fact *facts, size_t n, uint64_t *prints)
{
    size_t count = 0;
    if (!in_order(facts, n))
        qsort(facts, n, sizeof *facts, by_fact);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || facts[i].customer != facts[i - 1].customer)
            prints[count++] = 1;
        const uint64_t fact[2] = { facts[i].code, (uint64_t)facts[i].time };
        prints[count - 1] = cxm_priv_hash(fact, sizeof fact, prints[count - 1]);
    }
    qsort(prints, count, sizeof *prints, by_value);
    return count;
}

static void compare(const struct cxm_event_columns *columns, size_t n, struct fact *want,
                    bool must_pack)
{
    uint64_t *prints = malloc((n + 1) * sizeof *prints), *got = malloc((n + 1) * sizeof *got);
    const size_t customers = histories(want, n, prints);
    static const unsigned masks[] = { 0, CXM_SORT_AVX512,
                                      CXM_SORT_AVX512 | CXM_SORT_POPCNT | CXM_SORT_AVX2 };
    for (size_t m = 0; m < COUNT_OF(masks); m++) {
        const unsigned without = masks[m];
        for (int threads = 1; threads <= 4; threads++) {
            for (int packed = 0; packed < 2; packed++) {
                struct found found = { .room = n };
                found.facts = malloc((4 * n + 1) * sizeof *found.facts);
                const struct cxm_event_plan plan = {
                    .visit = take_events, .visit_packed = packed ? take_words : NULL,
                    .context = &found, .threads = threads, .without = without,
                    .large = (m + (size_t)threads) % 2 == 0 ? 64 : 0,
                };
                assert_int_equal(cxm_priv_sort_events(columns, &plan, NULL), CXM_OK);
                size_t all = 0;
                for (int w = 0; w < 4; w++) {
                    memmove(found.facts + all, found.facts + (size_t)w * n,
                            found.n[w] * sizeof *found.facts);
                    all += found.n[w];
                }
                assert_int_equal(all, n);
                assert_int_equal(histories(found.facts, n, got), customers);
                assert_memory_equal(got, prints, customers * sizeof *got);
                assert_true(!must_pack || !packed || found.packed > 0);
                free(found.facts);
            }
        }
    }
    free(prints);
    free(got);
}

enum { FEW = 500, MANY = 270000 };

static void shapes(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    enum { CLOSE, FAR, ONE, MOSTLY_ONE, MOSTLY_FAR, DISTINCT, EQUAL_TIMES, ENDS, OUTLIERS,
           WIDE_TIMES, SHAPES };
    for (int round = 0; round < 20 * SHAPES; round++) {
        const int shape = round % SHAPES;
        const size_t n = round < SHAPES && shape != ENDS ? MANY : random_below(&seed, FEW);
        uint64_t *customer = malloc((n + 1) * sizeof *customer);
        uint8_t *code = malloc(n + 1);
        int64_t *time = malloc((n + 1) * sizeof *time);
        struct fact *want = malloc((n + 1) * sizeof *want);
        const bool codes = random_below(&seed, 3) > 0;
        for (size_t i = 0; i < n; i++) {
            customer[i] = shape == ONE ? 7 : shape == DISTINCT ? i : random_below(&seed, n / 4 + 1);
            if ((shape == MOSTLY_ONE || shape == MOSTLY_FAR) && random_below(&seed, 4) > 0)
                customer[i] = n / 9;
            customer[i] *= shape == FAR || shape == MOSTLY_FAR ? 0x9e3779b97f4a7c15u : 1;
            code[i] = (uint8_t)(random_below(&seed, 5) + 100);
            time[i] = (int64_t)random_below(&seed, 3000000) - 1000000;
            if (shape == EQUAL_TIMES)
                time[i] = -5;
            if (shape == ENDS) {
                customer[i] = random_below(&seed, 3) == 0 ? UINT64_MAX : random_below(&seed, 2);
                time[i] = random_below(&seed, 2) == 0 ? INT64_MAX : INT64_MIN + 1;
            }
            if (shape == WIDE_TIMES)
                time[i] *= (int64_t)1 << 40;
            if (shape == OUTLIERS && random_below(&seed, 5000) == 0)
                time[i] -= (int64_t)1 << 50;
            if (shape == OUTLIERS && random_below(&seed, 5000) == 0)
                customer[i] += (uint64_t)1 << 60;
            want[i] = (struct fact){ customer[i], codes ? code[i] : 0, time[i] };
        }
        const struct cxm_column columns[3] = {
            cxm_column_make("customer", CXM_U64, customer, n, 8, 8),
            cxm_column_make("time", CXM_I64, time, n, 8, 8),
            cxm_column_make("code", CXM_U8, code, n, 1, 1),
        };
        compare(&(struct cxm_event_columns){ &columns[0], &columns[1], NULL,
                                             codes ? &columns[2] : NULL },
                n, want, n == MANY && shape <= EQUAL_TIMES);
        free(customer);
        free(code);
        free(time);
        free(want);
    }
}

static void memory_runs_out(void **state)
{
    (void)state;
    uint64_t customer[300];
    int64_t time[300];
    for (int shape = 0; shape < 5; shape++) {
        for (size_t i = 0; i < 300; i++) {
            customer[i] = i % 70 * (shape == 1 || shape == 4 ? 0x9e3779b97f4a7c15u : 1);
            time[i] = (int64_t)(i * 7919 % 300) * (shape == 2 && i % 60 == 0 ? 1 << 30 : 1);
        }
        const struct cxm_column columns[2] = {
            cxm_column_make("customer", CXM_U64, customer, 300, 8, 8),
            cxm_column_make("time", CXM_I64, time, 300, 8, 8),
        };
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            heap_init(&heap, fail_at);
            static struct fact facts[300 * CXM_MOST_WORKERS];
            struct found found = { .facts = facts, .room = 300 };
            const struct cxm_event_plan plan = { .visit = take_events,
                                                 .visit_packed = take_words, .context = &found,
                                                 .large = shape >= 3 ? 64 : 0,
                                                 .allocator = &heap.allocator };
            const struct cxm_event_columns c = { &columns[0], &columns[1], NULL, NULL };
            const enum cxm_status got = cxm_priv_sort_events(&c, &plan, NULL);
            assert_int_equal(heap.live, 0);
            if (got == CXM_OK)
                break;
            assert_int_equal(got, CXM_ENOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_in_order), cmocka_unit_test(long_run),
        cmocka_unit_test(near_words),    cmocka_unit_test(stretches),
        cmocka_unit_test(packed_arrays), cmocka_unit_test(shapes),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
