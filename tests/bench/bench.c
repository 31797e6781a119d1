/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast: every workload is run through the public API, checks on, with one and two threads,
 * between readings of the same bytes (the yardstick). Figures are medians.
 *
 *   bench [--rows N] [--repeat N] [--only NAME] [--json] [--gate]
 *
 * --gate compares "times the time of reading the bytes once" with the recorded limits below
 * times 1.5 and fails beyond: a ratio of the same process on the same machine. */
#include <cxm/cxm.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_INPUTS = 16, MOST_REPEATS = 31 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
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

struct data {
    size_t n;
    uint8_t *score, *rating;
    uint32_t *segment, *many;
    double *weight;
    uint8_t *validity;
    float *answers[10]; /* perceived and expected, 5 dimensions */
};

/* Scores 0 … 10 with 3 % missing (255), as a survey has them: high answers are common. */
static void make_data(struct data *d, size_t n)
{
    static const uint8_t likely[32] = { 0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7, 7, 7, 7, 8, 8,
                                        8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10, 10, 10 };
    d->n = n;
    d->score = allocate(n, 1);
    d->rating = allocate(n, 1);
    d->segment = allocate(n, sizeof *d->segment);
    d->many = allocate(n, sizeof *d->many);
    d->weight = allocate(n, sizeof *d->weight);
    d->validity = allocate(n / 8 + 1, 1);
    for (size_t i = 0; i < n; i++) {
        const uint64_t r = next_random();
        d->score[i] = r % 100 < 3 ? 255 : likely[r >> 8 & 31];
        d->rating[i] = (uint8_t)(1 + (r >> 16) % 5);
        d->segment[i] = (uint32_t)((r >> 24) % 1000);
        d->many[i] = (uint32_t)(next_random() % 1000000);
        d->weight[i] = 0.2 + (double)(r >> 40) * 0x1p-23;
    }
    for (size_t i = 0; i <= n / 8; i++)
        d->validity[i] = (uint8_t)(next_random() | next_random());
    for (int k = 0; k < 10; k++) {
        d->answers[k] = allocate(n, sizeof(float));
        for (size_t i = 0; i < n; i++)
            d->answers[k][i] = (float)(1 + next_random() % 7);
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
        bytes += (double)w->columns[i].n
               * (double)cxm_type_bytes((enum cxm_type)w->columns[i].type);
    return bytes;
}

static double run(const struct workload *w, int threads)
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
    const double start = now();
    if (cxm_tally_new(w->metric, w->params, w->n_params, NULL, &tally, &error) != CXM_OK
        || cxm_tally_add(tally, inputs, w->n_inputs, &options, &error) != CXM_OK) {
        fprintf(stderr, "bench: %s: %s\n", w->name, error.message);
        exit(1);
    }
    const double seconds = now() - start;
    cxm_tally_free(tally);
    return seconds;
}

static volatile uint64_t sink;

/* Reads all bytes of the columns once, 64 at a time in four sums. */
static double yardstick(const struct workload *w)
{
    const double start = now();
    uint64_t sum[4] = { 0, 0, 0, 0 };
    for (size_t i = 0; i < w->n_inputs; i++) {
        const size_t bytes = (size_t)w->columns[i].n
                           * cxm_type_bytes((enum cxm_type)w->columns[i].type);
        const uint64_t *p = w->columns[i].data;
        for (size_t k = 0; k + 4 <= bytes / 8; k += 4) {
            sum[0] += p[k];
            sum[1] += p[k + 1];
            sum[2] += p[k + 2];
            sum[3] += p[k + 3];
        }
    }
    sink = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
    return now() - start;
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

static bool measure(const struct workload *w, int repeats, bool json, bool gate, bool first)
{
    double one[MOST_REPEATS], two[MOST_REPEATS], read[MOST_REPEATS], ratio[MOST_REPEATS];
    for (int i = -1; i < repeats; i++) { /* one round to warm up */
        const int at = i < 0 ? 0 : i;
        read[at] = yardstick(w);
        one[at] = run(w, 1);
        two[at] = run(w, 2);
        ratio[at] = one[at] / read[at];
    }
    const double a = median(one, repeats), b = median(two, repeats), r = median(ratio, repeats);
    const double rows = (double)w->columns[0].n, bytes = bytes_of(w);
    if (json)
        printf("%s{\"workload\": \"%s\", \"rows\": %.0f, \"seconds_1\": %.6f, \"seconds_2\": "
               "%.6f, \"bytes\": %.0f, \"times_reading\": %.3f}", first ? "[" : ",\n ",
               w->name, rows, a, b, bytes, r);
    else
        printf("%-28s %9.1f %9.1f M rows/s %8.2f %8.2f GB/s %8.2f x reading %6.2f x with 2\n",
               w->name, rows / a * 1e-6, rows / b * 1e-6, bytes / a * 1e-9, bytes / b * 1e-9, r,
               a / b);
    if (gate && r > 1.5 * w->gate) {
        fprintf(stderr, "bench: %s takes %.1f x reading its bytes, recorded %.1f\n", w->name, r,
                w->gate);
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

int main(int argc, char **argv)
{
    size_t rows = 10000000;
    int repeats = 5;
    bool json = false, gate = false;
    const char *only = "";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc)
            rows = (size_t)strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            repeats = atoi(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--gate") == 0)
            gate = true;
    }
    if (rows < 1000 || repeats < 1 || repeats > MOST_REPEATS) {
        fputs("usage: bench [--rows N] [--repeat N] [--only NAME] [--json] [--gate]\n", stderr);
        return 2;
    }
    struct data d;
    make_data(&d, rows);
    static const double five[2] = { 1, 5 };
    static const char *const names[5] = { "tangibles", "reliability", "responsiveness",
                                          "assurance", "empathy" };
    struct workload w[] = {
        { .name = "nps", .metric = "nps", .gate = 3 },
        { .name = "nps, validity bitmap", .metric = "nps", .gate = 8 },
        { .name = "nps by 1 000", .metric = "nps", .gate = 8 },
        { .name = "nps by 1 000 000", .metric = "nps", .gate = 60 },
        { .name = "csat weighted by 1 000", .metric = "csat", .gate = 40 },
        { .name = "gap 5 x f32 by 1 000", .metric = "gap", .gate = 20 },
        { .name = "mean f64 by 1 000", .metric = "mean", .gate = 20 },
    };
    const struct cxm_column score = CXM_ARRAY(d.score, rows);
    add_input(&w[0], "score", score);
    add_input(&w[1], "score", with_validity(score, d.validity));
    add_input(&w[2], "score", score);
    add_input(&w[2], "by", CXM_ARRAY(d.segment, rows));
    add_input(&w[3], "score", score);
    add_input(&w[3], "by", CXM_ARRAY(d.many, rows));
    add_input(&w[4], "score", CXM_ARRAY(d.rating, rows));
    add_input(&w[4], "weight", CXM_ARRAY(d.weight, rows));
    add_input(&w[4], "by", CXM_ARRAY(d.segment, rows));
    w[4].params[0] = (struct cxm_param){ "scale", five, 2, NULL, 0 };
    w[4].n_params = 1;
    for (int k = 0; k < 10; k++)
        add_input(&w[5], k < 5 ? "perceived" : "expected", CXM_ARRAY(d.answers[k], rows));
    add_input(&w[5], "by", CXM_ARRAY(d.segment, rows));
    w[5].params[0] = (struct cxm_param){ "items", NULL, 0, names, 5 };
    w[5].n_params = 1;
    add_input(&w[6], "value", CXM_ARRAY(d.weight, rows));
    add_input(&w[6], "by", CXM_ARRAY(d.segment, rows));
    bool good = true;
    for (size_t i = 0; i < sizeof w / sizeof w[0]; i++)
        good = (strstr(w[i].name, only) == NULL || measure(&w[i], repeats, json, gate, i == 0)) && good;
    if (json)
        puts("]");
    else if (only[0] == '\0')
        small_calls(&d);
    return good ? 0 : 1;
}
