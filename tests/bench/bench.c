/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast: every workload is run through the public API, checks on, with one and two threads,
 * between readings of the same bytes (the yardstick). README.md says how to read the figures.
 *
 *   bench [--rows N] [--repeat N] [--only NAME] [--json] [--gate]
 *
 * Times are medians; "x reading" is the least processor time of one thread by the least one of
 * reading the bytes once: a busy machine disturbs it little. --gate compares that with what
 * was recorded (GATE_ROWS rows), times 1.5, and measures again before it fails. */
#include <cxm/cxm.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_INPUTS = 16, MOST_REPEATS = 31, MOST_WORKLOADS = 32, GATE_ROWS = 2000000 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What this thread itself computed: others on the machine do not add to it. */
static double computed(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t random_state = 42;
static uint64_t next_random(void)
{
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void *allocate(size_t n, size_t bytes)
{
    void *p = malloc(n * bytes);
    if (p == NULL) {
        fputs("bench: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

/* An answer among the other columns of its row: a cache line each. */
struct survey {
    uint8_t score;
    uint8_t other[63];
};

struct data {
    size_t n;
    uint8_t *score, *rating, *equal;
    uint32_t *segment, *zipf, *sorted, *none, *many, *tenth;
    double *weight, *wide;
    uint8_t *validity;
    struct survey *surveys;
    float *answers[10];  /* perceived and expected, 5 dimensions */
    uint8_t *bytes[10];  /* the same */
};

/* Scores 0 … 10 with 3 % missing (255), as a survey has them: high answers are common. */
static void make_data(struct data *d, size_t n)
{
    static const uint8_t likely[32] = { 0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7, 7, 7, 7, 8, 8,
                                        8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10, 10, 10 };
    d->n = n;
    d->score = allocate(n, 1);
    d->rating = allocate(n, 1);
    d->equal = allocate(n, 1);
    uint32_t **const keys[] = { &d->segment, &d->zipf, &d->sorted, &d->none, &d->many, &d->tenth };
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        *keys[k] = allocate(n, sizeof(uint32_t));
    d->weight = allocate(n, sizeof *d->weight);
    d->wide = allocate(n, sizeof *d->wide);
    d->validity = allocate(n / 8 + 1, 1);
    d->surveys = allocate(n, sizeof *d->surveys);
    for (size_t i = 0; i < n; i++) {
        const uint64_t r = next_random();
        d->score[i] = r % 100 < 3 ? 255 : likely[r >> 8 & 31];
        d->surveys[i].score = d->score[i];
        d->equal[i] = 9;
        d->rating[i] = (uint8_t)(1 + (r >> 16) % 5);
        d->segment[i] = (uint32_t)((r >> 24) % 1000);
        d->sorted[i] = (uint32_t)(i * 1000 / n);
        d->none[i] = 7;
        d->tenth[i] = (uint32_t)((r >> 24) % 100);
        d->zipf[i] = (uint32_t)pow(1000.0, (double)(next_random() >> 11) * 0x1p-53) - 1;
        d->many[i] = (uint32_t)(next_random() % 1000000);
        d->weight[i] = 0.2 + (double)(r >> 40) * 0x1p-23;
        d->wide[i] = exp(4 * ((double)(r >> 40) * 0x1p-24 + (double)(r >> 16 & 0xFFFF) * 0x1p-16
                              - 1)); /* from 1/55 to 55 */
    }
    for (size_t i = 0; i <= n / 8; i++)
        d->validity[i] = (uint8_t)(next_random() | next_random());
    for (int k = 0; k < 10; k++) {
        d->answers[k] = allocate(n, sizeof(float));
        d->bytes[k] = allocate(n, 1);
        for (size_t i = 0; i < n; i++) {
            d->bytes[k][i] = (uint8_t)(1 + next_random() % 7);
            d->answers[k][i] = d->bytes[k][i];
        }
    }
}

struct workload {
    const char *name, *metric;
    struct cxm_column columns[MOST_INPUTS];
    const char *roles[MOST_INPUTS];
    size_t n_inputs;
    struct cxm_param params[4];
    size_t n_params;
    double gate; /* times reading the bytes once, one thread */
};

static void add_input(struct workload *w, const char *role, struct cxm_column column)
{
    w->roles[w->n_inputs] = role;
    w->columns[w->n_inputs++] = column;
}

static double bytes_of(const struct workload *w)
{
    double bytes = 0;
    for (size_t i = 0; i < w->n_inputs; i++)
        bytes += (double)w->columns[i].n * (double)w->columns[i].stride;
    return bytes;
}

/* Seconds, and what the calling thread computed. */
struct seconds {
    double wall, computed;
};

static struct seconds since(double wall, double cpu)
{
    return (struct seconds){ now() - wall, computed() - cpu };
}

static struct seconds run(const struct workload *w, int threads)
{
    static const double missing[1] = { 255 };
    struct cxm_input inputs[MOST_INPUTS];
    struct cxm_column columns[MOST_INPUTS];
    for (size_t i = 0; i < w->n_inputs; i++) {
        columns[i] = w->columns[i];
        if (strcmp(w->roles[i], "score") == 0) {
            columns[i].missing_codes = missing;
            columns[i].n_missing_codes = 1;
        }
        inputs[i] = (struct cxm_input){ w->roles[i], &columns[i] };
    }
    struct cxm_tally *tally;
    struct cxm_error error;
    const struct cxm_add_options options = { .size = sizeof options, .threads = threads };
    const double start = now(), cpu = computed();
    if (cxm_tally_new(w->metric, w->params, w->n_params, NULL, &tally, &error) != CXM_OK
        || cxm_tally_add(tally, inputs, w->n_inputs, &options, &error) != CXM_OK) {
        fprintf(stderr, "bench: %s: %s\n", w->name, error.message);
        exit(1);
    }
    const struct seconds seconds = since(start, cpu);
    cxm_tally_free(tally);
    return seconds;
}

static volatile uint64_t sink;

/* Reads all bytes of the columns once, 64 at a time in four sums. */
static struct seconds yardstick(const struct workload *w)
{
    const double start = now(), cpu = computed();
    uint64_t sum[4] = { 0, 0, 0, 0 };
    for (size_t i = 0; i < w->n_inputs; i++) {
        const size_t bytes = (size_t)(w->columns[i].n * w->columns[i].stride);
        const uint64_t *p = w->columns[i].data;
        for (size_t k = 0; k + 4 <= bytes / 8; k += 4) {
            sum[0] += p[k];
            sum[1] += p[k + 1];
            sum[2] += p[k + 2];
            sum[3] += p[k + 3];
        }
    }
    sink = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
    return since(start, cpu);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return values[n / 2];
}

struct times {
    double one, two, ratio, speedup;
};

static struct times take_times(const struct workload *w, int repeats)
{
    double one[MOST_REPEATS], two[MOST_REPEATS];
    struct seconds read = yardstick(w), first = run(w, 1), both = run(w, 2); /* to warm up */
    for (int i = 0; i < repeats; i++) {
        const struct seconds r = yardstick(w), a = run(w, 1), b = run(w, 2);
        one[i] = a.wall;
        two[i] = b.wall;
        read.computed = fmin(read.computed, r.computed);
        first.computed = fmin(first.computed, a.computed);
        first.wall = fmin(first.wall, a.wall);
        both.wall = fmin(both.wall, b.wall);
    }
    return (struct times){ median(one, repeats), median(two, repeats),
                           first.computed / read.computed, first.wall / both.wall };
}

static bool measure(const struct workload *w, int repeats, bool json, bool gate, bool first)
{
    const double rows = (double)w->columns[0].n, bytes = bytes_of(w);
    struct times t = take_times(w, repeats);
    for (int again = 0; gate && again < 4 && t.ratio > 1.5 * w->gate; again++) {
        const struct times other = take_times(w, repeats);
        t = other.ratio < t.ratio ? other : t;
    }
    if (json)
        printf("%s{\"workload\": \"%s\", \"rows\": %.0f, \"seconds_1\": %.6f, \"seconds_2\": "
               "%.6f, \"bytes\": %.0f, \"times_reading\": %.3f, \"speedup\": %.3f}",
               first ? "[" : ",\n ", w->name, rows, t.one, t.two, bytes, t.ratio, t.speedup);
    else
        printf("%-32s %9.1f %9.1f M rows/s %7.2f %7.2f GB/s %8.2f x reading %6.2f x with 2\n",
               w->name, rows / t.one * 1e-6, rows / t.two * 1e-6, bytes / t.one * 1e-9,
               bytes / t.two * 1e-9, t.ratio, t.speedup);
    if (gate && t.ratio > 1.5 * w->gate) {
        fprintf(stderr, "bench: %s takes %.1f x reading its bytes, recorded %.1f\n", w->name,
                t.ratio, w->gate);
        return false;
    }
    return true;
}

/* cxm_nps of 100 scores, and rows added one at a time. */
static void small_calls(const struct data *d)
{
    enum { CALLS = 20000, ROWS = 1000000 };
    static const double missing[1] = { 255 };
    struct cxm_column score = CXM_ARRAY(d->score, 100);
    score.missing_codes = missing;
    score.n_missing_codes = 1;
    struct cxm_row row;
    double start = now();
    for (int i = 0; i < CALLS; i++) {
        if (cxm_nps(&score, NULL, CXM_ROW(row), NULL, NULL) != CXM_OK)
            exit(1);
    }
    printf("%-28s %9.0f ns\n", "cxm_nps of 100 scores", (now() - start) / CALLS * 1e9);
    for (int weighted = 0; weighted < 2; weighted++) {
        struct cxm_tally *tally;
        if (cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL) != CXM_OK)
            exit(1);
        start = now();
        for (int i = 0; i < ROWS; i++) {
            const double value = (double)(i % 11), weight = d->weight[i % 100];
            if (cxm_tally_add_one(tally, &value, 1, weighted ? &weight : NULL, 1, NULL)
                != CXM_OK)
                exit(1);
        }
        printf("%-28s %9.1f ns\n", weighted ? "add_one with weight" : "add_one",
               (now() - start) / ROWS * 1e9);
        cxm_tally_free(tally);
    }
}

static struct cxm_column with_validity(struct cxm_column column, const uint8_t *validity)
{
    column.validity = validity;
    return column;
}

/* One workload a line: its name, metric, gate, the answers and what else there is. */
static struct workload *add(struct workload *all, size_t *n, const char *name, const char *metric,
                            double gate)
{
    struct workload *w = &all[(*n)++];
    *w = (struct workload){ .name = name, .metric = metric, .gate = gate };
    return w;
}

static void add_ratings(const struct data *d, struct workload *all, size_t *n)
{
    const struct { const char *name; const uint8_t *score; const uint32_t *by; double gate; } rows[] = {
        { "W1 nps", d->score, NULL, 3 },
        { "W1 all equal", d->equal, NULL, 3 },
        { "W2 by 1 000", d->score, d->segment, 12 },
        { "W2z Zipf", d->score, d->zipf, 10 },
        { "W2 one group", d->equal, d->none, 10 },
        { "W2 sorted by group", d->score, d->sorted, 10 },
        { "W2m by 1 000 000", d->score, d->many, 300 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct workload *w = add(all, n, rows[i].name, "nps", rows[i].gate);
        add_input(w, "score", CXM_ARRAY(rows[i].score, d->n));
        if (rows[i].by != NULL)
            add_input(w, "by", CXM_ARRAY(rows[i].by, d->n));
    }
    struct workload *w = add(all, n, "W1 with a bitmap", "nps", 5);
    add_input(w, "score", with_validity(CXM_ARRAY(d->score, d->n), d->validity));
    w = add(all, n, "W2 with a bitmap", "nps", 12);
    add_input(w, "score", with_validity(CXM_ARRAY(d->score, d->n), d->validity));
    add_input(w, "by", CXM_ARRAY(d->segment, d->n));
    w = add(all, n, "W1 struct of 64 bytes", "nps", 1.3);
    add_input(w, "score", cxm_column_make("score", CXM_U8, &d->surveys[0].score, (int64_t)d->n,
                                          sizeof d->surveys[0], 1));
}

static void add_weighted(const struct data *d, struct workload *all, size_t *n)
{
    static const double five[2] = { 1, 5 };
    const struct { const char *name; const double *weight; double gate; } rows[] = {
        { "W3 csat weighted", d->weight, 14 },
        { "W3 weights far apart", d->wide, 16 },
    };
    for (size_t i = 0; i < 2; i++) {
        struct workload *w = add(all, n, rows[i].name, "csat", rows[i].gate);
        add_input(w, "score", CXM_ARRAY(d->rating, d->n));
        add_input(w, "weight", CXM_ARRAY(rows[i].weight, d->n));
        add_input(w, "by", CXM_ARRAY(d->segment, d->n));
        w->params[w->n_params++] = (struct cxm_param){ "scale", five, 2, NULL, 0 };
    }
    struct workload *w = add(all, n, "mean f64 by 1 000", "mean", 40);
    add_input(w, "value", CXM_ARRAY(d->weight, d->n));
    add_input(w, "by", CXM_ARRAY(d->segment, d->n));
}

static void add_gaps(const struct data *d, struct workload *all, size_t *n)
{
    static const char *const names[5] = { "tangibles", "reliability", "responsiveness",
                                          "assurance", "empathy" };
    for (int bytes = 0; bytes < 2; bytes++) {
        struct workload *w = add(all, n, bytes ? "W4u gap of bytes" : "W4 gap of floats", "gap",
                                 bytes ? 75 : 28);
        for (int k = 0; k < 10; k++) {
            if (bytes)
                add_input(w, k < 5 ? "perceived" : "expected", CXM_ARRAY(d->bytes[k], d->n));
            else
                add_input(w, k < 5 ? "perceived" : "expected", CXM_ARRAY(d->answers[k], d->n));
        }
        add_input(w, "by", CXM_ARRAY(d->tenth, d->n));
        w->params[w->n_params++] = (struct cxm_param){ "items", NULL, 0, names, 5 };
    }
}

static size_t make_workloads(const struct data *d, struct workload all[MOST_WORKLOADS])
{
    size_t n = 0;
    add_ratings(d, all, &n);
    add_weighted(d, all, &n);
    add_gaps(d, all, &n);
    return n;
}

/* What is done with the tally of a million groups: medians of five rounds, each of which reads the
 * bytes of the one before. */
static void many_groups(const struct data *d)
{
    enum { ROUNDS = 5, STEPS = 4 };
    struct cxm_column score = CXM_ARRAY(d->score, d->n), by = CXM_ARRAY(d->many, d->n);
    static const double missing[1] = { 255 };
    score.missing_codes = missing;
    score.n_missing_codes = 1;
    const struct cxm_input inputs[2] = { { "score", &score }, { "by", &by } };
    struct cxm_tally *tally, *other;
    size_t bytes = 0;
    if (cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL) != CXM_OK
        || cxm_tally_add(tally, inputs, 2, NULL, NULL) != CXM_OK
        || cxm_tally_save(tally, NULL, 0, &bytes, NULL) != CXM_OK)
        exit(1);
    const size_t groups = (size_t)cxm_tally_groups(tally);
    uint8_t *saved = allocate(bytes, 1);
    struct cxm_estimate *estimates = allocate(groups, sizeof *estimates);
    memset(saved, 1, bytes); /* pages that are there */
    memset(estimates, 1, groups * sizeof *estimates);
    double steps[STEPS][ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        double at[STEPS + 1] = { now() };
        if (cxm_tally_save(tally, saved, bytes, &bytes, NULL) != CXM_OK)
            exit(1);
        at[1] = now();
        if (cxm_tally_load(saved, bytes, NULL, &other, NULL) != CXM_OK)
            exit(1);
        at[2] = now();
        if (cxm_tally_merge(tally, other, NULL) != CXM_OK)
            exit(1);
        at[3] = now();
        if (cxm_tally_estimate(tally, NULL, estimates, sizeof *estimates, groups, NULL, NULL)
            != CXM_OK)
            exit(1);
        at[4] = now();
        for (int i = 0; i < STEPS; i++)
            steps[i][r] = at[i + 1] - at[i];
        cxm_tally_free(other);
    }
    const double first_load = steps[1][0];
    const double gigabytes = (double)bytes * 1e-9;
    printf("%zu groups: save %.2f GB/s, load %.2f GB/s (%.2f into memory that is new), merge %.2f "
           "GB/s, estimate %.0f ns a group\n", groups, gigabytes / median(steps[0], ROUNDS),
           gigabytes / median(steps[1], ROUNDS), gigabytes / first_load,
           gigabytes / median(steps[2], ROUNDS), median(steps[3], ROUNDS) / (double)groups * 1e9);
    free(saved);
    free(estimates);
    cxm_tally_free(tally);
}

/* W8: the bootstrap of a net score from its counts. */
static void resampling(const struct data *d)
{
    const size_t n = d->n < 1000000 ? d->n : 1000000;
    struct cxm_column score = CXM_ARRAY(d->score, n);
    static const double missing[1] = { 255 };
    score.missing_codes = missing;
    score.n_missing_codes = 1;
    struct cxm_nps_options options = { CXM_INIT(nps) };
    struct cxm_row row;
    options.interval = CXM_INTERVAL_BOOTSTRAP;
    const double start = now();
    if (cxm_nps(&score, &options, CXM_ROW(row), NULL, NULL) != CXM_OK)
        exit(1);
    printf("%-32s %9.3f ms\n", "W8 bootstrap of 1 000 000 scores", (now() - start) * 1e3);
}

int main(int argc, char **argv)
{
    size_t rows = 10000000;
    int repeats = 5;
    bool json = false, gate = false, rows_given = false;
    const char *only = "";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc)
            rows = (size_t)strtoull(argv[++i], NULL, 10), rows_given = true;
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            repeats = atoi(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--gate") == 0)
            gate = true;
    }
    if (gate && !rows_given)
        rows = GATE_ROWS;
    if (rows < 1000 || repeats < 1 || repeats > MOST_REPEATS) {
        fputs("usage: bench [--rows N] [--repeat N] [--only NAME] [--json] [--gate]\n", stderr);
        return 2;
    }
    struct data d;
    make_data(&d, rows);
    struct workload all[MOST_WORKLOADS];
    const size_t n = make_workloads(&d, all);
    bool good = true, first = true;
    for (size_t i = 0; i < n; i++) {
        if (strstr(all[i].name, only) == NULL)
            continue;
        good = measure(&all[i], repeats, json, gate, first) && good;
        first = false;
    }
    if (json)
        puts(first ? "[]" : "]");
    if (!json && !gate && only[0] == '\0') {
        small_calls(&d);
        many_groups(&d);
        resampling(&d);
    }
    return good ? 0 : 1;
}
