/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A section [cohorts]: customer, time and as_of in, a triangle out. Cells that cannot be known
 * yet stay blank; where the terminal can show it a block behind each share is as high as it. */
#include "cohort.h"

#include "format.h"
#include "result.h"
#include "words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_WIDTH = 6 };

struct events {
    struct cells *customer, *time;
    struct cells key[2];          /* only their names: cohort and period */
    struct cells *keys[2];
    struct cxm_cohorts_options rules;
    struct cxm_cohorts_base base;
    int64_t n, capacity;
    int64_t *times, *offsets;
    uint8_t *absent;
    char *heap;
    size_t heap_bytes, heap_capacity;
};

/* ---- binding -------------------------------------------------------------------------- */

static const struct entry *need(const struct binding *binding, const char *key,
                                const char *what)
{
    const struct entry *entry = binding_find(binding, key);
    if (entry == NULL)
        fail_at(binding->config->path, binding->section->line, "[%s] needs \"%s = %s\"",
                binding->section->name, key, what);
    return entry;
}

static int32_t choice(const struct binding *binding, const char *key,
                      const char *const *choices)
{
    const struct entry *entry = binding_find(binding, key);
    return entry == NULL ? 0 : (int32_t)binding_choice(binding, entry, choices);
}

static struct cells *column(const struct binding *binding, const char *key,
                            enum cell_kind kind)
{
    const struct entry *entry = need(binding, key, "<column>");
    char *missing_key = format_text("missing %s", key);
    const struct entry *missing = binding_find(binding, missing_key);
    free(missing_key);
    struct cell_rule rule = { .kind = kind, .column = entry->value, .strict = binding->strict,
                              .config_path = binding->config->path,
                              .config_line = entry->line,
                              .missing = missing != NULL ? missing->value : NULL };
    if (kind == CELL_TIME)
        binding_offset(binding, &rule);
    return source_cells(binding->source, &rule);
}

static int64_t instant(const struct binding *binding, const char *key, int64_t utc_offset)
{
    const struct entry *entry = need(binding, key, "2025-07-01");
    struct instant at;
    if (!parse_instant(entry->value, strlen(entry->value), &at))
        binding_fail(binding, entry, "not a date such as 2025-07-01");
    return at.local - (at.zoned ? at.offset : utc_offset);
}

void cohort_bind(struct card *card, const struct binding *binding)
{
    static const char *const units[] = { "month", "day", "week", "month", "quarter", "year",
                                         NULL };
    static const char *const modes[] = { "calendar", "rolling", NULL };
    static const char *const criteria[] = { "on", "on_or_after", NULL };
    static const char *const denominators[] = { "cohort", "customer", NULL };
    struct events *events = zeroed(1, sizeof *events);
    events->customer = column(binding, "customer", CELL_KEY);
    events->time = column(binding, "time", CELL_TIME);
    const int64_t offset = events->time->rule.utc_offset;
    const struct entry *unit = binding_find(binding, "unit");
    events->rules = (struct cxm_cohorts_options){
        CXM_INIT_cohorts, .has_as_of = 1, .has_utc_offset = 1, .utc_offset = offset,
        .as_of = instant(binding, "as_of", offset),
        .unit = unit == NULL ? CXM_MONTH : (int32_t)binding_choice(binding, unit, units + 1) + 1,
        .mode = choice(binding, "mode", modes),
        .criterion = choice(binding, "criterion", criteria),
        .denominator = choice(binding, "denominator", denominators),
    };
    events->key[0].rule.column = "cohort";
    events->key[1].rule.column = "period";
    card->tables = zeroed(1, sizeof *card->tables);
    card->n_tables = 1;
    card->tables[0].name = copy_text("cohort * period", strlen("cohort * period"));
    card->tables[0].keys = zeroed(2, sizeof *card->tables[0].keys);
    card->tables[0].n_keys = 2;
    for (int i = 0; i < 2; i++)
        card->tables[0].keys[i] = &events->key[i];
    card->events = events;
}

void cohort_free(struct events *events)
{
    if (events == NULL)
        return;
    free(events->times);
    free(events->offsets);
    free(events->absent);
    free(events->heap);
    free(events);
}

/* ---- events --------------------------------------------------------------------------- */

static void make_room(struct events *e, int64_t rows, size_t bytes)
{
    if (e->offsets == NULL || e->n + rows > e->capacity) {
        e->capacity = 2 * (e->n + rows);
        e->times = resize(e->times, (size_t)e->capacity, sizeof *e->times);
        e->offsets = resize(e->offsets, (size_t)e->capacity + 1, sizeof *e->offsets);
        e->absent = resize(e->absent, (size_t)e->capacity, 1);
    }
    if (e->heap_bytes + bytes > e->heap_capacity) {
        e->heap_capacity = 2 * (e->heap_bytes + bytes);
        e->heap = resize(e->heap, e->heap_capacity, 1);
    }
}

void cohort_take(struct card *card)
{
    struct events *e = card->events;
    const struct cells *customer = e->customer;
    const int64_t rows = customer->column.n;
    make_room(e, rows, (size_t)customer->offsets[rows] + 1);
    memcpy(e->times + e->n, e->time->times, (size_t)rows * sizeof *e->times);
    memcpy(e->absent + e->n, customer->absent, (size_t)rows);
    for (int64_t i = 0; i <= rows; i++)
        e->offsets[e->n + i] = (int64_t)e->heap_bytes + customer->offsets[i];
    if (customer->offsets[rows] > 0)
        memcpy(e->heap + e->heap_bytes, customer->heap, (size_t)customer->offsets[rows]);
    e->heap_bytes += (size_t)customer->offsets[rows];
    e->n += rows;
}

void cohort_finish(struct card *card)
{
    struct events *e = card->events;
    struct cxm_error error;
    make_room(e, 1, 1);
    if (e->n == 0)
        e->offsets[0] = 0;
    struct cxm_column customer = e->customer->column;
    customer.data = e->offsets;
    customer.heap = e->heap;
    customer.heap_bytes = &e->offsets[e->n];
    customer.mask = e->absent;
    customer.n = e->n;
    const struct cxm_column time =
        cxm_column_time(cxm_column_make(e->time->rule.column, CXM_I64, e->times, e->n, 8, 0),
                        CXM_S, INT64_MIN);
    e->rules.level = card->estimate.level;
    if (cxm_cohorts_tally(&customer, &time, &e->rules, NULL, &card->tables[0].tally, &e->base,
                          &error)
        != CXM_OK)
        fail_at(card->config->path, card->section->line, "[%s] %s", card->section->name,
                error.message);
}

/* ---- the triangle --------------------------------------------------------------------- */

static const char *block(double share)
{
    static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    return blocks[(int)lround(share * 8)];
}

/* What is not known stays blank; blanks at the end of a line are not printed. */
static void print_share(double share, bool utf8, int *blank)
{
    if (isnan(share)) {
        *blank += CELL_WIDTH;
        return;
    }
    printf("%*s%*.0f%s", *blank, "", CELL_WIDTH - 1, 100 * share, utf8 ? block(share) : "");
    *blank = !utf8;
}

struct triangle {
    struct cxm_report *report;
    const struct cxm_estimate *e;
    const int64_t *cohort, *period;
    size_t n, periods;
    bool utf8;
};

/* One row of cells: all of the measure and of the cohort of the report's row `first`. */
static void print_cells(const struct triangle *t, size_t first, const char *measure)
{
    int blank = 0;
    for (size_t i = first; i < t->n; i++) {
        if (strcmp(cxm_report_measure(t->report, i), measure) == 0
            && t->cohort[i] == t->cohort[first] && (size_t)t->period[i] < t->periods)
            print_share(t->e[i].value, t->utf8, &blank);
    }
    printf("\n");
}

static void print_cohort(const struct triangle *t, size_t first, const char *measure,
                         const char *label)
{
    char *count = first < t->n ? count_text(t->e[first].n) : copy_text("", 0);
    printf("%-10s%8s", label, count);
    print_cells(t, first, measure);
    free(count);
}

static void print_rows(const struct triangle *t, const struct options *options)
{
    int64_t shown = 0, more = 0;
    for (size_t i = 0; i < t->n; i++) {
        const char *measure = cxm_report_measure(t->report, i);
        if (strcmp(measure, "retention") == 0 && t->period[i] == 0) {
            if (options->rows > 0 && shown == options->rows) {
                more++;
                continue;
            }
            char *day = key_day(t->cohort[i]);
            print_cohort(t, i, measure, day);
            free(day);
            shown++;
        } else if (strcmp(measure, "pooled") == 0 && t->period[i] == 0) {
            if (more > 0)
                printf("+ %lld %s\n", (long long)more,
                       word_text(WORD_MORE, options->chinese));
            print_cohort(t, i, measure, word_text(WORD_POOLED, options->chinese));
        }
    }
}

/* 69 659 rows = 69 659 used + 0 missing + 0 invalid + 0 excluded  [customers 23 570] */
static void print_base(const struct cxm_cohorts_base *base, bool chinese)
{
    const int64_t excluded = base->unseen + base->unlinked + base->early;
    const struct { enum word word; int64_t n; } parts[] = {
        { WORD_ROWS, base->used + base->missing + base->invalid + excluded },
        { WORD_USED, base->used }, { WORD_MISSING, base->missing },
        { WORD_INVALID, base->invalid }, { WORD_EXCLUDED, excluded },
    };
    static const char *const signs[] = { "", " = ", " + ", " + ", " + " };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *count = count_text(parts[i].n);
        printf("%s%s %s", signs[i], count, word_text(parts[i].word, chinese));
        free(count);
    }
    char *customers = count_text(base->customers);
    printf("  [%s %s]\n", cxm_base_name(CXM_BASE_CUSTOMERS), customers);
    free(customers);
}

void cohort_print(const struct card *card, const struct options *options)
{
    struct cxm_error error;
    struct triangle t = { .utf8 = options->utf8 };
    if (cxm_cohorts_report(card->tables[0].tally, card->estimate.level, 0, NULL, &t.report, &error)
        != CXM_OK)
        fail_at(card->config->path, card->section->line, "[%s] %s", card->section->name,
                error.message);
    const int64_t cohort = cxm_report_find_axis(t.report, "cohort");
    const int64_t period = cxm_report_find_axis(t.report, "period");
    t.n = cxm_report_rows(t.report);
    t.e = cxm_report_estimates(t.report);
    t.cohort = cxm_report_ints(t.report, (size_t)cohort);
    t.period = cxm_report_ints(t.report, (size_t)period);
    const size_t room = (options->columns - 18) / CELL_WIDTH;
    for (size_t i = 0; i < t.n; i++)
        if (!isnan(t.e[i].value) && t.period[i] + 1 > (int64_t)t.periods)
            t.periods = (size_t)t.period[i] + 1;
    const size_t more = t.periods > room ? t.periods - room : 0;
    t.periods -= more;
    char *title = clean_text(card_title(card, options), strlen(card_title(card, options)), true);
    struct cxm_tally_info info;
    cxm_tally_describe(card->tables[0].tally, &info);
    printf("%s  (%s, %%)\n", title, info.definition);
    if (options->merge == NULL) /* tallies know their customers, not the rows of other nights */
        print_base(&card->events->base, options->chinese);
    const size_t pad = text_width(word_text(WORD_N, options->chinese));
    printf("%-10s%*s%s", "", pad < 8 ? (int)(8 - pad) : 0, "",
           word_text(WORD_N, options->chinese));
    for (size_t i = 0; i < t.periods; i++)
        printf("%*zu%s", CELL_WIDTH - 1, i, i + 1 < t.periods ? " " : "");
    printf("\n");
    print_rows(&t, options);
    if (more > 0)
        printf("+ %zu %s\n", more, word_text(WORD_MORE_PERIODS, options->chinese));
    free(title);
    cxm_report_free(t.report);
}
