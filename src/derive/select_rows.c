/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all roads of selection share: threads over ranges of rows, the groups of rows, quickselect
 * (Hoare 1961, CACM 4:321, with three parts). A key of plain whole numbers that are near each other is
 * its own code, so that nothing is kept by row. */
#include "derive/select_kernels.h"
#include "derive/select_rows.h"

#include <pthread.h>

enum {
    BLOCK = CXM_SELECT_BLOCK, MOST_THREADS = CXM_SELECT_THREADS,
    FINE = 1024, /* parts of the values among which ranks are looked for */
};

double cxm_priv_select_number(uint64_t word)
{
    double x;
    word ^= (word >> 63) ? UINT64_C(1) << 63 : UINT64_MAX;
    memcpy(&x, &word, sizeof x);
    return x;
}

/* ---- threads over ranges of rows -------------------------------------------------------- */

struct thread {
    pthread_t id;
    bool started;
    void (*work)(void *);
    void *item;
};

static void *run(void *thread)
{
    struct thread *t = thread;
    t->work(t->item);
    return NULL;
}

void cxm_priv_select_run(void *items, size_t item_bytes, int n, void (*work)(void *))
{
    struct thread threads[MOST_THREADS];
    for (int i = 1; i < n; i++) {
        threads[i] = (struct thread){ .work = work,
                                      .item = (char *)items + (size_t)i * item_bytes };
        threads[i].started = pthread_create(&threads[i].id, NULL, run, &threads[i]) == 0;
    }
    work(items);
    for (int i = 1; i < n; i++) {
        if (threads[i].started)
            pthread_join(threads[i].id, NULL);
        else
            work(threads[i].item);
    }
}

int cxm_priv_select_workers(const struct cxm_selection *s)
{
    const int64_t blocks = s->column->n / (64 * BLOCK) + 1;
    const int wanted = s->threads < 1 ? 1 : s->threads > MOST_THREADS ? MOST_THREADS : s->threads;
    return wanted < blocks ? wanted : (int)blocks;
}

int64_t cxm_priv_select_first(const struct cxm_selection *s, int i, int n)
{
    return i == n ? s->column->n : s->column->n / n * i;
}

/* ---- codes ------------------------------------------------------------------------------- */

#define LESS_BASE_BY(TYPE, STEP)                                                                 \
    for (size_t i = 0; i < n; i++) {                                                             \
        TYPE v;                                                                                  \
        memcpy(&v, from + (ptrdiff_t)i * (STEP), sizeof v);                                      \
        buffer[i] = (uint32_t)v - base;                                                          \
    }

/* Side by side, as compilers like them, or as members of structs. */
#define LESS_BASE(TYPE)                                                                          \
    if (step == (ptrdiff_t)sizeof(TYPE))                                                         \
        LESS_BASE_BY(TYPE, (ptrdiff_t)sizeof(TYPE))                                              \
    else                                                                                         \
        LESS_BASE_BY(TYPE, step)                                                                 \
    break

/* Of n keys, `step` bytes from one to the next. */
static const uint32_t *less_base(const struct cxm_selection *s, const unsigned char *from,
                                 ptrdiff_t step, size_t n, uint32_t *buffer)
{
    const struct cxm_column *key = s->key;
    const uint32_t base = (uint32_t)s->key_base;
    if (base == 0 && step == 4 && (uintptr_t)from % 4 == 0
        && (key->type == CXM_I32 || key->type == CXM_U32))
        return (const uint32_t *)(const void *)from;
    switch ((enum cxm_type)key->type) {
    case CXM_I8: LESS_BASE(int8_t);
    case CXM_U8: LESS_BASE(uint8_t);
    case CXM_I16: LESS_BASE(int16_t);
    case CXM_U16: LESS_BASE(uint16_t);
    case CXM_I32: LESS_BASE(int32_t);
    case CXM_U32: LESS_BASE(uint32_t);
    default: LESS_BASE(uint64_t);
    }
    return buffer;
}

static int64_t bytes_of(const struct cxm_column *key)
{
    static const uint8_t bytes[] = { [CXM_I8] = 1,  [CXM_U8] = 1,  [CXM_I16] = 2, [CXM_U16] = 2,
                                     [CXM_I32] = 4, [CXM_U32] = 4, [CXM_I64] = 8, [CXM_U64] = 8 };
    return bytes[key->type];
}

const uint32_t *cxm_priv_select_codes(const struct cxm_selection *s, int64_t first, size_t n,
                                      uint32_t *buffer)
{
    const struct cxm_column *key = s->key;
    if (s->codes != NULL)
        return s->codes + first;
    if (key == NULL)
        return NULL;
    return less_base(s, (const unsigned char *)key->data + (key->offset + first) * key->stride,
                     (ptrdiff_t)key->stride, n, buffer);
}

const uint32_t *cxm_priv_select_packed_codes(const struct cxm_selection *s, const void *keys,
                                             size_t n, uint32_t *buffer)
{
    return less_base(s, keys, (ptrdiff_t)bytes_of(s->key), n, buffer);
}

uint32_t cxm_priv_select_key_bytes(const struct cxm_selection *s)
{
    return (uint32_t)bytes_of(s->key);
}

static bool is_plain_key(const struct cxm_column *c)
{
    return c->type >= CXM_I8 && c->type <= CXM_U64 && c->stride >= bytes_of(c)
        && c->validity == NULL && c->mask == NULL && c->dictionary == NULL && c->n_chunks == 0
        && c->n_labels == 0 && c->n_missing_codes == 0 && c->time_unit == CXM_NO_TIME
        && c->calendar == CXM_NO_CALENDAR
        && (c->flags & (CXM_COLUMN_SENTINEL | CXM_COLUMN_DURATION)) == 0;
}

struct key_range {
    const struct cxm_column *key;
    cxm_select_range *kernel;
    int64_t first, last;
    uint64_t flip, least, most;
};

/* n keys side by side: where they lie, or in `buffer`. */
static const void *keys_of(const struct cxm_column *key, int64_t row, size_t n, uint64_t *buffer)
{
    const int64_t bytes = bytes_of(key);
    const unsigned char *from = (const unsigned char *)key->data
                              + (key->offset + row) * key->stride;
    if (key->stride == bytes)
        return from;
    for (size_t i = 0; i < n; i++)
        memcpy((unsigned char *)buffer + i * (size_t)bytes, from + (int64_t)i * key->stride,
               (size_t)bytes);
    return buffer;
}

static void find_range(void *range)
{
    struct key_range *r = range;
    const struct cxm_column *key = r->key;
    uint64_t buffer[BLOCK];
    const bool apart = key->stride != bytes_of(key);
    r->least = UINT64_MAX;
    r->most = 0;
    for (int64_t row = r->first; row < r->last;) { /* short at first: most others are told so */
        const int64_t left = r->last - row;
        const int64_t step = apart || row == r->first ? BLOCK : 64 * BLOCK;
        const int64_t n = left < step ? left : step;
        uint64_t least, most;
        r->kernel(keys_of(key, row, (size_t)n, buffer), (size_t)n, (size_t)bytes_of(key), r->flip,
                  &least, &most);
        r->least = least < r->least ? least : r->least;
        r->most = most > r->most ? most : r->most;
        if (r->most - r->least >= CXM_SELECT_KEYS)
            return;
        row += n;
    }
}

/* The smallest and the largest key, after ^ flip. */
static void range_of(const struct cxm_selection *s, const struct cxm_column *key, uint64_t flip,
                     uint64_t *least, uint64_t *most)
{
    struct key_range ranges[MOST_THREADS];
    const int n = cxm_priv_select_workers(s);
    cxm_select_range *const kernel = cxm_priv_select_kernels(s->without).range;
    for (int i = 0; i < n; i++)
        ranges[i] = (struct key_range){ .key = key, .kernel = kernel, .flip = flip,
                                        .first = cxm_priv_select_first(s, i, n),
                                        .last = cxm_priv_select_first(s, i + 1, n) };
    cxm_priv_select_run(ranges, sizeof *ranges, n, find_range);
    *least = UINT64_MAX;
    *most = 0;
    for (int i = 0; i < n; i++) {
        *least = ranges[i].least < *least ? ranges[i].least : *least;
        *most = ranges[i].most > *most ? ranges[i].most : *most;
    }
}

bool cxm_priv_select_by_key(struct cxm_selection *s, const struct cxm_column *key)
{
    uint64_t least = 0, most = UINT8_MAX;
    if (!is_plain_key(key) || key->n == 0)
        return false;
    const int64_t bytes = bytes_of(key);
    const bool is_signed = key->type == CXM_I8 || key->type == CXM_I16 || key->type == CXM_I32
                        || key->type == CXM_I64;
    const uint64_t flip = is_signed ? UINT64_C(1) << (8 * bytes - 1) : 0;
    /* A byte among the members of a struct is not worth a look at every line: it is of 256. */
    if (bytes > 1 || key->stride == bytes)
        range_of(s, key, flip, &least, &most);
    if (most - least >= CXM_SELECT_KEYS || most - least >= 256 + (uint64_t)key->n / 2)
        return false;
    s->key = key;
    s->key_base = least - flip; /* of the value as 64 bits with its sign */
    s->n_groups = (uint32_t)(most - least) + 1;
    return true;
}

/* ---- values ------------------------------------------------------------------------------ */

enum cxm_status cxm_priv_select_refuse(const struct cxm_column *column, int64_t row,
                                       struct cxm_error *error)
{
    char text[64];
    const char *name = column->name != NULL ? column->name : "value";
    cxm_priv_value_text(column, row, text, sizeof text);
    return cxm_priv_fail_at(error, CXM_EDATA, name, row, text,
                            "%s: row %lld is %s, not a finite number; to count such rows pass "
                            "invalid=\"count\"", name, (long long)row, text);
}

static uint64_t middle_of(uint64_t a, uint64_t b, uint64_t c)
{
    return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* The word of that rank: three-way quickselect, in place. */
uint64_t cxm_priv_select_rank(uint64_t *x, size_t n, size_t rank)
{
    size_t low = 0, high = n;
    for (;;) {
        const uint64_t pivot = middle_of(x[low], x[low + (high - low) / 2], x[high - 1]);
        size_t less = low, at = low, more = high;
        while (at < more) {
            const uint64_t moved = x[at];
            if (moved < pivot) {
                x[at++] = x[less];
                x[less++] = moved;
            } else if (moved > pivot) {
                x[at] = x[--more];
                x[more] = moved;
            } else {
                at++;
            }
        }
        if (rank < less)
            high = less;
        else if (rank >= more)
            low = more;
        else
            return pivot;
    }
}

void cxm_priv_select_ranks(const struct cxm_span *spans, size_t n_spans, const int64_t *ranks,
                           size_t k, uint64_t *scratch, uint64_t *out)
{
    enum { AHEAD = 2, MOST_ASKED = 128 };
    cxm_select_range *const range = cxm_priv_select_kernels(0).range;
    uint32_t counts[FINE] = { 0 }, number[CXM_SELECT_TOGETHER];
    uint8_t marks[FINE] = { 0 };
    uint64_t least = UINT64_MAX, most = 0;
    size_t ends[CXM_SELECT_TOGETHER + 1] = { 0 }, at[CXM_SELECT_TOGETHER + 1], below[CXM_SELECT_TOGETHER];
    size_t n_marks = 0;
    unsigned shift = 0;
    for (const struct cxm_span *s = spans; s < spans + n_spans; s++) {
        if (s + AHEAD < spans + n_spans) /* of spans apart no processor guesses where the next one is */
            cxm_priv_ask_for(s[AHEAD].words, s[AHEAD].n < MOST_ASKED ? 8 * s[AHEAD].n : 8 * MOST_ASKED);
        uint64_t low, high;
        range(s->words, s->n, sizeof *s->words, 0, &low, &high);
        least = low < least ? low : least;
        most = high > most ? high : most;
    }
    while ((most - least) >> shift >= FINE)
        shift++;
    for (const struct cxm_span *s = spans; s < spans + n_spans; s++) {
        for (size_t i = 0; i < s->n; i++)
            counts[(s->words[i] - least) >> shift]++;
    }
    for (size_t j = 0; j < k; j++) {
        size_t part = 0, before = 0;
        while (before + counts[part] <= (size_t)ranks[j])
            before += counts[part++];
        if (marks[part] == 0) {
            marks[part] = (uint8_t)++n_marks;
            ends[n_marks] = ends[n_marks - 1] + counts[part];
        }
        number[j] = marks[part] - 1u;
        below[j] = before;
    }
    memcpy(at, ends, sizeof at);
    for (const struct cxm_span *s = spans; s < spans + n_spans; s++) {
        for (size_t i = 0; i < s->n; i++) {
            const uint8_t mark = marks[(s->words[i] - least) >> shift];
            if (mark != 0)
                scratch[at[mark - 1]++] = s->words[i];
        }
    }
    for (size_t j = 0; j < k; j++) { /* a rank that was found divides its part */
        const size_t rank = (size_t)ranks[j] - below[j];
        size_t low = 0, high = ends[number[j] + 1] - ends[number[j]];
        for (size_t i = 0; i < j; i++) {
            const size_t other = (size_t)ranks[i] - below[i];
            if (number[i] != number[j])
                continue;
            if (other <= rank && other > low)
                low = other;
            if (other > rank && other < high)
                high = other;
        }
        out[j] = cxm_priv_select_rank(scratch + ends[number[j]] + low, high - low, rank - low);
    }
}
