/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sorting rows by customer and time: read, pack, deal out to partitions; then each partition on
 * its own. Sizes: from a handful of rows to 2^32 - 2; W5 of the benchmarks has 20 million rows of
 * 5 million customers. Every step is stable, so that rows that are equal in customer, code and
 * time stay in the order of their rows, whatever the number of threads. */
#include "derive/sorting.h"

bool cxm_priv_sort_room(const struct cxm_allocator *allocator, void *memory, size_t *capacity,
                        size_t n, size_t bytes)
{
    void *block;
    if (n <= *capacity)
        return true;
    memcpy(&block, memory, sizeof block); /* a pointer of some type */
    cxm_priv_release(allocator, block);
    block = cxm_priv_alloc_dense(allocator, n, bytes);
    memcpy(memory, &block, sizeof block);
    *capacity = block != NULL ? n : 0;
    return block != NULL;
}

/* ---- reading -------------------------------------------------------------------------- */

void cxm_priv_sort_readers(const struct cxm_sorting *s, struct cxm_sort_readers *out)
{
    const struct cxm_event_columns *c = s->columns;
    cxm_priv_reader_init(&out->customer, c->customer);
    if (c->code != NULL)
        cxm_priv_reader_init(&out->code, c->code);
    if (c->time != NULL)
        cxm_priv_reader_init(&out->time, &s->time);
    if (c->extra != NULL)
        cxm_priv_reader_init(&out->extra, &s->extra);
}

static void read_keys(const struct cxm_key_source *source, struct cxm_reader *reader,
                      int64_t first, size_t n, uint64_t *words, uint8_t *states)
{
    if (source->column == NULL)
        return;
    if (!source->coded) {
        cxm_priv_read_key_words(reader, &source->plan, first, n, words, states);
        for (size_t i = 0; source->narrow && i < n; i++)
            words[i] &= UINT16_MAX; /* a sign would make it look like CXM_CODE_MISSING */
        for (size_t i = 0; source->given && i < n; i++)
            words[i] &= UINT32_MAX;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t code = source->codes.codes[first + (int64_t)i];
        words[i] = code;
        states[i] = code == CXM_CODE_MISSING ? CXM_ROW_MISSING : CXM_ROW_USED;
    }
}

static bool is_plain_instant(const struct cxm_column *c)
{
    return c->type == CXM_I64 && c->dictionary == NULL && c->n_chunks == 0
        && (c->flags & CXM_COLUMN_SENTINEL) == 0
        && (c->time_unit == CXM_NO_TIME || c->time_unit == CXM_S);
}

static void read_instants(const struct cxm_column *column, struct cxm_reader *reader,
                          int64_t first, size_t n, int64_t none, int64_t *values,
                          uint8_t *states, bool *subsecond)
{
    if (column == NULL)
        return;
    bool no_instant = false;
    cxm_priv_read_times(reader, first, n, values, states, subsecond);
    for (size_t i = 0; i < n && is_plain_instant(column); i++)
        no_instant |= values[i] == INT64_MIN;
    if (!no_instant && cxm_priv_all_used(states, n))
        return;
    for (size_t i = 0; i < n && no_instant; i++) {
        if (values[i] == INT64_MIN && states[i] == CXM_ROW_USED)
            states[i] = CXM_ROW_MISSING;
    }
    for (size_t i = 0; i < n; i++)
        values[i] = states[i] == CXM_ROW_USED ? values[i] : none;
}

/* Instants that are missing are one that fits. */
void cxm_priv_sort_read(const struct cxm_sorting *s, struct cxm_sort_readers *r, int64_t first,
                        size_t n, struct cxm_sort_block *b, bool *subsecond)
{
    read_keys(&s->customer, &r->customer, first, n, b->customer, b->customer_state);
    read_keys(&s->code, &r->code, first, n, b->code, b->code_state);
    read_instants(s->columns->time, &r->time, first, n, s->pack.time_base, b->time,
                  b->time_state, subsecond);
    read_instants(s->columns->extra, &r->extra, first, n, CXM_NO_INSTANT, b->extra,
                  b->extra_state, subsecond);
    for (size_t i = 0; i < n; i++)
        b->row[i] = (uint32_t)first + (uint32_t)i;
}

/* Before anything is read: what columns that are not there would give. */
static void fill_block(struct cxm_sort_block *b)
{
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < CXM_SORT_BLOCK; i++)
        b->extra[i] = CXM_NO_INSTANT;
}

static enum cxm_status invalid_at(const struct cxm_sorting *s, const struct cxm_column *column,
                                  const char *role, int64_t row, const char *what,
                                  struct cxm_error *error)
{
    const char *const advice = s->plan->never_counts
                                 ? "" : "; to count such rows pass invalid=\"count\".";
    const char *name = column->name != NULL ? column->name : role;
    char text[64];
    cxm_priv_value_text(column, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, %s%s", name, (long long)row, text, what, advice);
}

static enum cxm_status refuse_invalid(const struct cxm_sorting *s, const struct cxm_sort_block *b,
                                      int64_t first, size_t n, struct cxm_error *error)
{
    static const char no_time[] = "no instant of whole 64-bit seconds";
    static const char no_key[] = "which is outside the range of this key";
    const uint8_t invalid = CXM_ROW_INVALID;
    if (memchr(b->customer_state, invalid, n) == NULL && memchr(b->code_state, invalid, n) == NULL
        && memchr(b->time_state, invalid, n) == NULL
        && memchr(b->extra_state, invalid, n) == NULL)
        return CXM_OK;
    for (size_t i = 0; i < n; i++) {
        const int64_t row = first + (int64_t)i;
        if (b->customer_state[i] == invalid)
            return invalid_at(s, s->columns->customer, "customer", row, no_key, error);
        if (b->time_state[i] == invalid)
            return invalid_at(s, s->columns->time, "time", row, no_time, error);
        if (b->extra_state[i] == invalid)
            return invalid_at(s, s->columns->extra, "time", row, no_time, error);
        if (b->code_state[i] == invalid)
            return invalid_at(s, s->columns->code, "category", row, no_key, error);
    }
    return CXM_OK;
}

static void keep_complete(const struct cxm_sort_block *b, size_t n, bool *keep)
{
    for (size_t i = 0; i < n; i++)
        keep[i] = b->customer_state[i] == CXM_ROW_USED && b->time_state[i] == CXM_ROW_USED
               && b->extra_state[i] != CXM_ROW_INVALID && b->code_state[i] != CXM_ROW_INVALID;
}

/* Moves the rows that are kept to the front; how many they are. */
static size_t keep_only(struct cxm_sort_block *b, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        b->customer[kept] = b->customer[i];
        b->code[kept] = b->code[i];
        b->time[kept] = b->time[i];
        b->extra[kept] = b->extra[i];
        b->row[kept] = b->row[i];
        b->code_state[kept] = b->code_state[i];
        kept += b->keep[i];
    }
    return kept;
}

static enum cxm_status partition_block(struct cxm_sorter *w, struct cxm_sort_readers *r,
                                       int64_t first, size_t n)
{
    const struct cxm_sorting *s = w->sorting;
    struct cxm_sort_block *b = w->block;
    bool room = true;
    if (s->is_plain && cxm_priv_pack_plain_rows(w, first, n, &room))
        return room ? CXM_OK : cxm_priv_no_memory(&w->error);
    cxm_priv_sort_read(s, r, first, n, b, &w->subsecond);
    if (!s->plan->count_invalid) {
        const enum cxm_status status = refuse_invalid(s, b, first, n, &w->error);
        if (status != CXM_OK)
            return status;
    }
    if (s->plan->filter != NULL) {
        const struct cxm_event_block block = { first, n, w->number, b->time, b->extra,
                                               b->customer_state, b->time_state,
                                               b->extra_state, b->code_state };
        s->plan->filter(s->plan->context, &block, b->keep);
    } else {
        keep_complete(b, n, b->keep);
    }
    if (memchr(b->keep, false, n) != NULL)
        n = keep_only(b, n);
    return n == 0 || cxm_priv_pack_rows(w, n) ? CXM_OK : cxm_priv_no_memory(&w->error);
}

static void *partition_rows(void *argument)
{
    struct cxm_sorter *w = argument;
    struct cxm_sort_readers readers;
    cxm_priv_sort_readers(w->sorting, &readers);
    for (int64_t first = w->first; first < w->last && w->status == CXM_OK;
         first += CXM_SORT_BLOCK) {
        const int64_t left = w->last - first;
        w->status = partition_block(w, &readers, first,
                                    left < CXM_SORT_BLOCK ? (size_t)left : CXM_SORT_BLOCK);
    }
    if (w->status == CXM_OK
        && !(cxm_priv_pool_close(&w->packed) && cxm_priv_pool_close(&w->whole)))
        w->status = cxm_priv_no_memory(&w->error);
    return NULL;
}

/* ---- partitions ----------------------------------------------------------------------- */

static void count_rows(const struct cxm_sorting *s, uint32_t partition, size_t *packed,
                       size_t *whole)
{
    *packed = *whole = 0;
    for (unsigned t = 0; t < s->n_workers; t++) {
        if (partition < s->n_partitions)
            *packed += cxm_priv_pool_count(&s->workers[t].packed, partition);
        *whole += cxm_priv_pool_count(&s->workers[t].whole, partition);
    }
}

/* For all workers to sort it together, when the others are done. */
static bool waits(const struct cxm_sorting *s, uint32_t partition)
{
    size_t packed, whole;
    count_rows(s, partition, &packed, &whole);
    return whole == 0 && cxm_priv_is_large(s, packed);
}

static enum cxm_status sort_partition(struct cxm_sorter *w, uint32_t partition)
{
    size_t packed, whole;
    count_rows(w->sorting, partition, &packed, &whole);
    bool fits = whole == 0;
    enum cxm_status status = CXM_OK;
    if (packed > 0 && fits)
        status = cxm_priv_sort_words(w, partition, packed, &fits);
    if (packed + whole > 0 && !fits && status == CXM_OK)
        status = cxm_priv_sort_whole(w, partition, packed + whole);
    return status;
}

/* Workers take partitions as they come: a large one would hold up the others, and waits. */
static void *sort_partitions(void *argument)
{
    struct cxm_sorter *w = argument;
    struct cxm_sorting *s = w->sorting;
    while (w->status == CXM_OK) {
        const uint32_t p = __atomic_fetch_add(&s->next_partition, 1, __ATOMIC_RELAXED);
        if (p >= 2 * s->n_partitions)
            break;
        if (!waits(s, p))
            w->status = sort_partition(w, p);
    }
    return NULL;
}

/* ---- workers -------------------------------------------------------------------------- */

/* The failure of the worker with the lowest rows is the one that is told. */
enum cxm_status cxm_priv_sort_together(struct cxm_sorting *s, void *(*work)(void *),
                                       struct cxm_error *error)
{
    for (unsigned t = 1; t < s->n_workers; t++)
        s->workers[t].started =
            pthread_create(&s->workers[t].thread, NULL, work, &s->workers[t]) == 0;
    for (unsigned t = 0; t < s->n_workers; t++) {
        if (!s->workers[t].started)
            work(&s->workers[t]);
    }
    for (unsigned t = 1; t < s->n_workers; t++) {
        if (s->workers[t].started)
            pthread_join(s->workers[t].thread, NULL);
        s->workers[t].started = false;
    }
    for (unsigned t = 0; t < s->n_workers; t++) {
        if (s->workers[t].status == CXM_OK)
            continue;
        if (error != NULL)
            *error = s->workers[t].error;
        return s->workers[t].status;
    }
    return CXM_OK;
}

static enum cxm_status sort_large(struct cxm_sorting *s, struct cxm_error *error)
{
    struct cxm_sorter *w = &s->workers[0];
    enum cxm_status status = CXM_OK;
    for (uint32_t p = 0; status == CXM_OK && p < s->n_partitions; p++) {
        if (waits(s, p))
            status = sort_partition(w, p);
    }
    if (status != CXM_OK && error != NULL)
        *error = w->error;
    return status;
}

/* What a worker sorts fits its second-level cache a few times, unless there is far more of one
 * partition than of others. */
static size_t large_partition(const struct cxm_sorting *s)
{
    enum { LARGE = 1 << 17, SHARES = 8, LEAST = 64 };
    const size_t many = SHARES * ((size_t)s->n_rows >> s->pack.partition_bits);
    if (s->plan->large > 0)
        return s->plan->large > LEAST ? s->plan->large : LEAST;
    return many > LARGE ? many : LARGE;
}

/* In plain columns of seconds INT64_MIN is looked for among the instants, which is faster than by
 * the sentinel. */
static struct cxm_column with_missing(const struct cxm_column *column)
{
    struct cxm_column none;
    memset(&none, 0, sizeof none);
    if (column == NULL)
        return none;
    return is_plain_instant(column) ? *column : cxm_priv_with_missing(column);
}

static bool is_narrow(const struct cxm_column *column)
{
    return column->n_chunks == 0 && column->dictionary == NULL
        && (column->type == CXM_U8 || column->type == CXM_I8 || column->type == CXM_U16
            || column->type == CXM_I16 || column->type == CXM_BOOL || column->type == CXM_BITS);
}

/* Texts are numbered; so are wide categories, which must fit 32 bits. */
static enum cxm_status open_source(struct cxm_sorting *s, struct cxm_key_source *source,
                                   const struct cxm_column *column, const char *role,
                                   bool narrow, struct cxm_error *error)
{
    source->column = column;
    if (column == NULL)
        return CXM_OK;
    const enum cxm_status status = cxm_priv_key_plan(column, &source->plan, error);
    if (status != CXM_OK)
        return status;
    source->given = narrow && s->plan->codes_given;
    source->narrow = narrow && !source->given && is_narrow(column);
    source->coded = !source->plan.words || (narrow && !source->narrow && !source->given);
    if (!source->coded)
        return CXM_OK;
    return cxm_priv_code_keys(&column, 1, role, s->plan->count_invalid, s->allocator,
                              &source->codes, error);
}

static bool make_workers(struct cxm_sorting *s)
{
    s->workers = cxm_priv_alloc_zero(s->allocator, s->n_workers, sizeof *s->workers);
    if (s->workers == NULL)
        return false;
    bool room = true;
    const int64_t share = s->n_rows / s->n_workers;
    for (unsigned t = 0; t < s->n_workers; t++) {
        struct cxm_sorter *w = &s->workers[t];
        w->sorting = s;
        w->number = t;
        w->first = share * t;
        w->last = t + 1 < s->n_workers ? share * (t + 1) : s->n_rows;
        w->packed.allocator = w->whole.allocator = s->allocator;
        w->block = cxm_priv_alloc(s->allocator, 1, sizeof *w->block);
        room = room && w->block != NULL;
        if (w->block != NULL)
            fill_block(w->block);
    }
    return room;
}

static bool make_pools(struct cxm_sorting *s)
{
    bool room = true;
    const size_t bytes = s->pack.n_words * sizeof(uint64_t);
    for (unsigned t = 0; s->pack.form != CXM_PACK_NONE && room && t < s->n_workers; t++) {
        struct cxm_sorter *w = &s->workers[t];
        room = cxm_priv_pool_init(&w->packed, bytes, 0, w->last - w->first, s->n_partitions,
                                  s->allocator);
    }
    return room;
}

static void release(struct cxm_sorting *s)
{
    for (unsigned t = 0; s->workers != NULL && t < s->n_workers; t++) {
        struct cxm_sorter *w = &s->workers[t];
        cxm_priv_pool_release(&w->packed);
        cxm_priv_pool_release(&w->whole);
        cxm_priv_release(s->allocator, w->block);
        cxm_priv_release(s->allocator, w->events);
        cxm_priv_release(s->allocator, w->other);
        cxm_priv_release(s->allocator, w->counts);
        cxm_priv_release(s->allocator, w->slots);
        for (size_t i = 0; i < CXM_COUNT(w->words); i++)
            cxm_priv_release(s->allocator, w->words[i]);
    }
    cxm_priv_release(s->allocator, s->workers);
    cxm_priv_codes_release(&s->customer.codes);
    cxm_priv_codes_release(&s->code.codes);
}

static unsigned count_workers(int wanted, int64_t rows)
{
    enum { ROWS_WORTH_A_THREAD = 65536 };
    int64_t n = wanted < CXM_MOST_WORKERS ? wanted : CXM_MOST_WORKERS;
    if (n > rows / ROWS_WORTH_A_THREAD)
        n = rows / ROWS_WORTH_A_THREAD;
    return n > 1 ? (unsigned)n : 1;
}

static enum cxm_status prepare(struct cxm_sorting *s, struct cxm_error *error)
{
    const struct cxm_event_columns *c = s->columns;
    enum cxm_status status = open_source(s, &s->customer, c->customer, "customer", false, error);
    if (status == CXM_OK)
        status = open_source(s, &s->code, c->code, "category", true, error);
    if (status != CXM_OK)
        return status;
    if (!make_workers(s))
        return cxm_priv_no_memory(error);
    cxm_priv_pack_choose(s, s->workers[0].block);
    s->large = large_partition(s);
    return make_pools(s) ? CXM_OK : cxm_priv_no_memory(error);
}

enum cxm_status cxm_priv_sort_events(const struct cxm_event_columns *columns,
                                     const struct cxm_event_plan *plan, struct cxm_error *error)
{
    struct cxm_sorting s = { .plan = plan, .columns = columns, .n_rows = columns->customer->n,
                             .allocator = cxm_priv_allocator(plan->allocator),
                             .kernels = cxm_priv_sort_kernels(plan->without) };
    s.time = with_missing(columns->time);
    s.extra = with_missing(columns->extra);
    if (s.n_rows > (int64_t)UINT32_MAX - 1)
        return cxm_priv_fail(error, CXM_EOVERFLOW, "customer",
                             "at most 2^32 - 2 rows a call; split the customers");
    s.n_workers = count_workers(plan->threads, s.n_rows);
    enum cxm_status status = prepare(&s, error);
    if (status == CXM_OK)
        status = cxm_priv_sort_together(&s, partition_rows, error);
    for (unsigned t = 0; status == CXM_OK && plan->subsecond != NULL && t < s.n_workers; t++)
        *plan->subsecond = *plan->subsecond || s.workers[t].subsecond;
    if (status == CXM_OK)
        status = cxm_priv_sort_together(&s, sort_partitions, error);
    if (status == CXM_OK)
        status = sort_large(&s, error);
    release(&s);
    return status;
}
