/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: any number of them gives the same bytes and names the same wrong row; tallies of
 * their own are independent. Enough rows that eight threads have work. */
#include "tallies.h"

#include <pthread.h>

enum { N_ROWS = 8 * 65536 + 1234 };

static const int counts[] = { 2, 3, 8, 1000 };

static const struct {
    const char *setup;
    unsigned options;
} cases[] = {
    { "nps", 0 },
    { "nps", BY_NUMBER | WITH_INVALID },
    { "nps", BY_TEXT | WEIGHTED | LEAVE_OUT },
    { "mean", BY_NUMBER | WITH_FREQ },
    { "mean", BY_NUMBER | WEIGHTED | DESIGNED },
    { "mean", WEIGHTED },
    { "gap, real values", 0 },
    { "churn by reason", BY_TEXT | WEIGHTED | WITH_FREQ },
    { "total", BY_TEXT },
};

static const struct setup *find_setup(const char *name)
{
    for (size_t i = 0; i < N_SETUPS; i++) {
        if (strcmp(setups[i].name, name) == 0)
            return &setups[i];
    }
    fail_msg("no setup %s", name);
    return NULL;
}

static void any_number_of_threads(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct rows rows = random_rows(find_setup(cases[c].setup), cases[c].options, N_ROWS,
                                       &seed);
        struct cxm_tally *tally = tally_of(&rows);
        const struct saved want = save(tally);
        cxm_tally_free(tally);
        for (size_t t = 0; t < COUNT_OF(counts); t++) {
            tally = tally_for(rows.setup, NULL);
            add_part(tally, &rows, 0, rows.n, counts[t]);
            assert_saves_as_free(tally, want, cases[c].setup);
        }
        free(want.bytes);
        rows_free(&rows);
    }
}

/* Wrong values, weights and copies anywhere: the lowest row, whoever meets it first. */
static void the_same_row_is_named(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    struct rows rows = random_rows(find_setup("nps"), BY_NUMBER | WEIGHTED | WITH_FREQ, N_ROWS,
                                   &seed);
    for (int64_t i = 0; i < N_ROWS; i++)
        rows.freq[i]++; /* rows without copies have no group, and their weight is not looked at */
    struct inputs inputs;
    inputs_of(&rows, 0, rows.n, &inputs);
    struct cxm_tally *tally = tally_of_part(&rows, 0, 1000);
    const struct saved before = save(tally);
    for (int trial = 0; trial < 12; trial++) {
        const int64_t at[3] = { (int64_t)random_below(&seed, N_ROWS),
                                (int64_t)random_below(&seed, N_ROWS),
                                (int64_t)random_below(&seed, N_ROWS) };
        const int64_t near = trial % 2 ? at[0] + 1 : at[1]; /* in the same block, too */
        const int64_t weight_at = near < N_ROWS ? near : 0;
        const double score = rows.values[0][at[0]], weight = rows.weight[weight_at];
        const int64_t freq = rows.freq[at[2]];
        rows.values[0][at[0]] = 11;
        rows.weight[weight_at] = -1;
        rows.freq[at[2]] = -1;
        struct cxm_error want = { 0 };
        for (int t = 0; t < (int)COUNT_OF(counts) + 1; t++) {
            struct cxm_error error = { 0 };
            const struct cxm_add_options options = {
                .size = sizeof options, .threads = t == 0 ? 1 : counts[t - 1]
            };
            assert_int_equal(cxm_tally_add(tally, inputs.list, inputs.n, &options, &error),
                             CXM_EDATA);
            if (t == 0)
                want = error;
            assert_memory_equal(&error, &want, sizeof error);
        }
        const int64_t lowest = at[0] < at[2] ? at[0] : at[2];
        assert_int_equal(want.row, weight_at < lowest ? weight_at : lowest);
        assert_saves_as(tally, before, want.message);
        rows.values[0][at[0]] = score;
        rows.weight[weight_at] = weight;
        rows.freq[at[2]] = freq;
    }
    free(before.bytes);
    cxm_tally_free(tally);
    rows_free(&rows);
}

/* ---- tallies of their own ------------------------------------------------------------- */

struct worker {
    const struct rows *rows;
    struct saved bytes;
    pthread_t thread;
};

static void *work(void *argument)
{
    struct worker *w = argument;
    struct inputs inputs;
    struct cxm_tally *sum = NULL, *part = NULL;
    const struct setup *setup = w->rows->setup;
    inputs_of(w->rows, 0, w->rows->n, &inputs);
    const struct cxm_add_options options = add_options_of(w->rows->options, 2);
    if (cxm_tally_new(setup->metric, setup->params, setup->n_params, NULL, &sum, NULL) == CXM_OK
        && cxm_tally_copy(sum, &part, NULL) == CXM_OK
        && cxm_tally_add(part, inputs.list, inputs.n, &options, NULL) == CXM_OK
        && cxm_tally_merge(sum, part, NULL) == CXM_OK
        && cxm_tally_save(sum, NULL, 0, &w->bytes.n, NULL) == CXM_OK) {
        w->bytes.bytes = malloc(w->bytes.n);
        if (w->bytes.bytes != NULL
            && cxm_tally_save(sum, w->bytes.bytes, w->bytes.n, &w->bytes.n, NULL) != CXM_OK)
            w->bytes.n = 0;
    }
    cxm_tally_free(part);
    cxm_tally_free(sum);
    return NULL;
}

static void tallies_of_their_own(void **state)
{
    enum { WORKERS = 4 };
    (void)state;
    uint64_t seed = random_seed();
    struct rows rows = random_rows(find_setup("churn by reason"), BY_TEXT | WEIGHTED, 140000, &seed);
    struct worker workers[WORKERS] = { { NULL, { NULL, 0 }, 0 } };
    struct cxm_tally *tally = tally_of(&rows);
    const struct saved want = save(tally);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].rows = &rows;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(workers[i].bytes.n, want.n);
        assert_memory_equal(workers[i].bytes.bytes, want.bytes, want.n);
        free(workers[i].bytes.bytes);
    }
    free(want.bytes);
    cxm_tally_free(tally);
    rows_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(the_same_row_is_named),
        cmocka_unit_test(tallies_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
