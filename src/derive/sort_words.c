/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A partition of packed records in order: counted into about as many buckets as there are rows by
 * the bits below those of the partition, and each bucket, a few words, sorted on its own. All of
 * it stays in the second-level cache (some 16 000 rows; 8 to 32 bytes a row, twice). Words of two
 * words are made one first: customers are numbered with a hash table. */
#include "derive/sorting.h"

enum { MOST_BUCKET_BITS = 20, SHORT_RUN = 16 };

/* Words that follow one another, `stride` to a record. */
struct records {
    uint64_t *at;
    size_t n;
    int bits; /* of a word below those of the partition: the others are the same in all */
};

static bool room_for_words(struct cxm_sorter *w, int which, size_t n)
{
    return cxm_priv_sort_room(w->sorting->allocator, &w->words[which],
                              &w->words_capacity[which], n, sizeof *w->words[which]);
}

/* ---- the pieces of a partition --------------------------------------------------------- */

const uint64_t *cxm_priv_next_piece(struct cxm_sort_walk *walk, size_t *n)
{
    const struct cxm_sorting *s = walk->sorting;
    for (; walk->left > 0 && walk->worker < s->n_workers; walk->worker++, walk->chunk = 0) {
        const struct cxm_pool *pool = &s->workers[walk->worker].packed;
        const uint64_t *at = cxm_priv_pool_walk(pool, walk->partition, walk->chunk, n);
        if (at == NULL)
            continue;
        walk->chunk++;
        walk->left--;
        return at;
    }
    return NULL;
}

static struct cxm_sort_walk whole_walk(const struct cxm_sorter *w, uint32_t partition)
{
    return (struct cxm_sort_walk){ w->sorting, partition, 0, 0, UINT32_MAX };
}

/* ---- numbering customers --------------------------------------------------------------- */

/* Two words of each record, and its payload, to one with the number of the customer on top. The
 * customers themselves go to words[1]; how many there are is returned. */
static size_t number_piece(struct cxm_sorter *w, const uint64_t *from, size_t n, int slot_bits,
                           int rest_bits, size_t customers, uint64_t **to)
{
    const struct cxm_pack *const p = &w->sorting->pack;
    uint64_t *const known = w->words[1];
    uint32_t *const slots = w->slots;
    const size_t mask = ((size_t)1 << slot_bits) - 1;
    uint64_t *out = *to;
    for (size_t i = 0; i < n; i++, from += p->n_words) {
        const uint64_t customer = from[0];
        size_t slot = (size_t)(customer << p->partition_bits >> (64 - slot_bits));
        uint32_t number;
        while ((number = slots[slot]) != 0 && known[number - 1] != customer)
            slot = (slot + 1) & mask;
        if (number == 0) {
            known[customers++] = customer;
            number = slots[slot] = (uint32_t)customers;
        }
        *out++ = (uint64_t)(number - 1) << rest_bits | from[1];
        if (p->payload)
            *out++ = from[2];
    }
    *to = out;
    return customers;
}

/* false: out of memory. */
static bool number_customers(struct cxm_sorter *w, uint32_t partition, struct records *r)
{
    const struct cxm_pack *const p = &w->sorting->pack;
    const int rest_bits = p->code_bits + p->time_bits;
    const int slot_bits = cxm_priv_bits_of(r->n) + 1; /* at least twice as many slots as rows */
    const size_t n_slots = (size_t)1 << slot_bits;
    if (!room_for_words(w, 0, (p->n_words - 1) * r->n + CXM_RUN_SLACK)
        || !room_for_words(w, 1, (p->n_words - 1) * r->n + CXM_RUN_SLACK)
        || !cxm_priv_sort_room(w->sorting->allocator, &w->slots, &w->slots_capacity, n_slots,
                               sizeof *w->slots))
        return false;
    memset(w->slots, 0, n_slots * sizeof *w->slots);
    struct cxm_sort_walk walk = whole_walk(w, partition);
    uint64_t *to = w->words[0];
    size_t n, customers = 0;
    for (const uint64_t *from; (from = cxm_priv_next_piece(&walk, &n)) != NULL;)
        customers = number_piece(w, from, n, slot_bits, rest_bits, customers, &to);
    r->at = w->words[0];
    r->bits = cxm_priv_bits_of(customers - 1) + rest_bits;
    return true;
}

/* ---- buckets ---------------------------------------------------------------------------- */

struct buckets {
    uint32_t *counts; /* of bucket b at b + 1; then where it begins, at b; then where it ends */
    int left, right;  /* shifts that leave a bucket's number */
};

static inline void count_words(const struct buckets *b, const uint64_t *from, size_t n,
                               size_t stride)
{
    uint32_t *const counts = b->counts + 1;
    for (size_t i = 0; i < n; i++)
        counts[from[i * stride] << b->left >> b->right]++;
}

static inline void place_words(const struct buckets *b, const uint64_t *from, size_t n,
                               size_t stride, uint64_t *to)
{
    uint32_t *const counts = b->counts;
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = from[i * stride];
        const size_t at = counts[word << b->left >> b->right]++;
        to[at * stride] = word;
        if (stride == 2)
            to[at * stride + 1] = from[i * stride + 1];
    }
}

static void count_piece(const struct buckets *b, const uint64_t *from, size_t n, bool pairs)
{
    if (pairs)
        count_words(b, from, n, 2);
    else
        count_words(b, from, n, 1);
}

static void place_piece(const struct buckets *b, const uint64_t *from, size_t n, bool pairs,
                        uint64_t *to)
{
    if (pairs)
        place_words(b, from, n, 2, to);
    else
        place_words(b, from, n, 1, to);
}

/* counts[b] is where bucket b begins then. */
static void count_buckets(struct cxm_sorter *w, uint32_t partition, const struct records *r,
                          const struct buckets *b, size_t n_buckets)
{
    const bool pairs = w->sorting->pack.payload;
    struct cxm_sort_walk walk = whole_walk(w, partition);
    const uint64_t *from;
    size_t n;
    memset(b->counts, 0, (n_buckets + 1) * sizeof *b->counts);
    if (r->at != NULL)
        count_piece(b, r->at, r->n, pairs);
    else
        while ((from = cxm_priv_next_piece(&walk, &n)) != NULL)
            count_piece(b, from, n, pairs);
    for (size_t i = 1; i < n_buckets; i++)
        b->counts[i] += b->counts[i - 1];
}

/* All records to their buckets; counts[b] is where bucket b ends then. */
static void fill_buckets(struct cxm_sorter *w, uint32_t partition, const struct records *r,
                         const struct buckets *b, size_t n_buckets, uint64_t *to)
{
    const bool pairs = w->sorting->pack.payload;
    struct cxm_sort_walk walk = whole_walk(w, partition);
    const uint64_t *from;
    size_t n;
    count_buckets(w, partition, r, b, n_buckets);
    if (r->at != NULL)
        place_piece(b, r->at, r->n, pairs, to);
    else
        while ((from = cxm_priv_next_piece(&walk, &n)) != NULL)
            place_piece(b, from, n, pairs, to);
}

/* As many buckets as rows: one to three in each that is used at all. */
static int bucket_bits(const struct records *r)
{
    int bits = cxm_priv_bits_of(r->n) - 1;
    bits = bits < MOST_BUCKET_BITS ? bits : MOST_BUCKET_BITS;
    bits = bits < r->bits ? bits : r->bits;
    return bits > 0 ? bits : 1;
}

/* ---- records with a payload ------------------------------------------------------------ */

struct pair {
    uint64_t word, payload;
};

static void insert_pairs(struct pair *pairs, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct pair pair = pairs[i];
        size_t at = i;
        for (; at > 0 && pairs[at - 1].word > pair.word; at--)
            pairs[at] = pairs[at - 1];
        pairs[at] = pair;
    }
}

/* Stable, so that rows of the same word stay in their order. */
static void sort_pairs(struct pair *pairs, size_t n, struct pair *other)
{
    for (size_t left = 0; left < n; left += SHORT_RUN)
        insert_pairs(pairs + left, n - left < SHORT_RUN ? n - left : SHORT_RUN);
    for (size_t width = SHORT_RUN; width < n; width *= 2) {
        for (size_t left = 0; left + width < n; left += 2 * width) {
            struct pair *const a = pairs + left, *const b = a + width;
            const size_t n_b = n - left - width < width ? n - left - width : width;
            if (b[-1].word <= b[0].word)
                continue;
            memcpy(other, a, width * sizeof *a);
            size_t i = 0, j = 0;
            for (struct pair *to = a; i < width; to++)
                *to = j < n_b && b[j].word < other[i].word ? b[j++] : other[i++];
        }
    }
}

static void sort_pair_runs(uint64_t *words, const uint32_t *ends, size_t n_runs, uint64_t *other)
{
    struct pair *const pairs = (struct pair *)(void *)words;
    for (size_t r = 0, start = 0; r < n_runs; start = ends[r++]) {
        if (ends[r] - start > 1)
            sort_pairs(pairs + start, ends[r] - start, (struct pair *)(void *)other);
    }
}

/* Sorted records. Where a word and the number of its record fit 64 bits together, they are sorted as
 * one, by the same networks as words alone, and payloads stay where they are. */
struct sorted {
    bool numbered;
    int number_bits;          /* below the word */
    uint64_t above;           /* what all words of the partition have above r.bits */
    const uint64_t *words;    /* numbered: one a record, else two, the second its payload */
    const uint64_t *payloads; /* by number, `stride` from one to the next */
    size_t stride;
};

static inline void number_words(const struct buckets *b, const uint64_t *from, size_t n,
                                size_t number, int number_bits, uint64_t *to)
{
    uint32_t *const counts = b->counts;
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = from[2 * i] << b->left;
        to[counts[word >> b->right]++] = word >> b->left << number_bits | (number + i);
    }
}

/* Into words[1], then sorted into words[2]; payloads into words[0], if they are not there. */
static void sort_numbered(struct cxm_sorter *w, uint32_t partition, const struct records *r,
                          const struct buckets *b, size_t n_buckets, struct sorted *out)
{
    struct cxm_sort_walk walk = whole_walk(w, partition);
    uint64_t *const payloads = w->words[0];
    const uint64_t *from;
    size_t n;
    count_buckets(w, partition, r, b, n_buckets);
    if (r->at != NULL)
        number_words(b, r->at, r->n, 0, out->number_bits, w->words[1]);
    for (size_t at = 0; r->at == NULL && (from = cxm_priv_next_piece(&walk, &n)) != NULL; at += n) {
        number_words(b, from, n, at, out->number_bits, w->words[1]);
        for (size_t i = 0; i < n; i++)
            payloads[at + i] = from[2 * i + 1];
    }
    w->sorting->kernels.sort_runs(w->words[1], b->counts, n_buckets, w->words[2]);
    out->words = w->words[2];
    out->payloads = r->at != NULL ? r->at + 1 : payloads;
    out->stride = r->at != NULL ? 2 : 1;
}

/* Numbers of customers begin anew in each partition. */
static inline void make_events(const struct cxm_sorter *w, uint32_t partition,
                               const struct sorted *sorted, bool numbered, size_t n,
                               struct cxm_event *events)
{
    const struct cxm_pack *const p = &w->sorting->pack;
    const struct sorted s = *sorted; /* which no event overlaps */
    const int rest_bits = p->code_bits + p->time_bits, time_bits = p->time_bits;
    const uint64_t missing = cxm_priv_ones(p->code_bits);
    const uint64_t times = cxm_priv_ones(p->time_bits), numbers = cxm_priv_ones(s.number_bits);
    const uint32_t code_base = p->code_bits > 0 ? (uint32_t)p->code_base : 0;
    const uint64_t above = p->form == CXM_PACK_HASHED ? (uint64_t)partition << 32 : 0;
    const uint64_t time_base = (uint64_t)p->time_base, extra_base = (uint64_t)p->extra_base;
    const uint64_t none = p->code_bits > 0 ? missing : UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = numbered ? s.above | s.words[i] >> s.number_bits : s.words[2 * i];
        const uint64_t payload = numbered ? s.payloads[(s.words[i] & numbers) * s.stride]
                                          : s.words[2 * i + 1];
        const uint64_t code = word >> time_bits & missing, extra = payload >> 32;
        events[i].customer = above | word >> rest_bits;
        events[i].time = (int64_t)(time_base + (word & times));
        events[i].extra = extra == CXM_NO_EXTRA ? CXM_NO_INSTANT : (int64_t)(extra_base + extra);
        events[i].code = code == none ? CXM_CODE_MISSING : code_base + (uint32_t)code;
        events[i].row = (uint32_t)payload;
    }
}

static enum cxm_status visit_events(struct cxm_sorter *w, uint32_t partition,
                                    const struct records *r, const struct buckets *b,
                                    size_t n_buckets)
{
    const struct cxm_sorting *s = w->sorting;
    const int number_bits = cxm_priv_bits_of(r->n);
    const bool direct = s->pack.form == CXM_PACK_DIRECT;
    const size_t n = r->n;
    struct sorted sorted = { .numbered = r->bits + number_bits <= 64, .number_bits = number_bits };
    if (!cxm_priv_sort_room(s->allocator, &w->events, &w->events_capacity, n, sizeof *w->events)
        || (r->at == NULL && !room_for_words(w, 0, n)))
        return cxm_priv_no_memory(&w->error);
    if (sorted.numbered) {
        sorted.above = direct ? (uint64_t)partition << r->bits : 0;
        sort_numbered(w, partition, r, b, n_buckets, &sorted);
        make_events(w, partition, &sorted, true, n, w->events);
    } else {
        fill_buckets(w, partition, r, b, n_buckets, w->words[1]);
        sort_pair_runs(w->words[1], b->counts, n_buckets, w->words[2]);
        sorted.words = w->words[1];
        make_events(w, partition, &sorted, false, n, w->events);
    }
    return s->plan->visit(s->plan->context, w->number, w->events, n, &w->error);
}

static enum cxm_status visit_words(struct cxm_sorter *w, uint64_t *words, size_t n)
{
    const struct cxm_event_plan *const plan = w->sorting->plan;
    const struct cxm_pack *const p = &w->sorting->pack;
    words[n] = ~words[n - 1];
    const struct cxm_packed packed = { words, n, p->code_bits, p->time_bits, p->time_base,
                                       (uint32_t)p->code_base };
    return plan->visit_packed(plan->context, w->number, &packed, &w->error);
}

static enum cxm_status visit_records(struct cxm_sorter *w, uint32_t partition)
{
    const struct cxm_event_plan *const plan = w->sorting->plan;
    const struct cxm_pack *const p = &w->sorting->pack;
    struct cxm_sort_walk walk = whole_walk(w, partition);
    struct cxm_records records = {
        .stride = p->n_words, .time_bits = p->time_bits, .time_base = p->time_base,
        .customer_shift = p->form == CXM_PACK_HASHED ? 0 : p->code_bits + p->time_bits,
    };
    enum cxm_status status = CXM_OK;
    do {
        records.words = cxm_priv_next_piece(&walk, &records.n);
        if (records.words == NULL)
            records.n = 0;
        status = plan->visit_records(plan->context, w->number, &records, &w->error);
    } while (status == CXM_OK && records.n > 0);
    return status;
}

enum cxm_status cxm_priv_sort_words(struct cxm_sorter *w, uint32_t partition, size_t n,
                                    bool *fits)
{
    const struct cxm_sorting *s = w->sorting;
    const struct cxm_pack *const p = &s->pack;
    const size_t stride = p->payload ? 2 : 1;
    struct records r = { NULL, n, p->customer_bits - p->partition_bits + p->code_bits
                                      + p->time_bits };
    if (s->plan->visit_records != NULL && !p->payload)
        return visit_records(w, partition);
    if (p->form == CXM_PACK_HASHED && !number_customers(w, partition, &r))
        return cxm_priv_no_memory(&w->error);
    *fits = r.bits <= 64;
    if (!*fits)
        return CXM_OK;
    if (cxm_priv_is_large(s, n)) {
        uint64_t *words;
        enum cxm_status status = cxm_priv_sort_large(w, partition, n, r.at, &words);
        if (status == CXM_OK)
            status = visit_words(w, words, n);
        cxm_priv_release(s->allocator, words);
        return status;
    }
    const int bits = bucket_bits(&r);
    const size_t n_buckets = (size_t)1 << bits;
    if (!room_for_words(w, 1, stride * n + CXM_RUN_SLACK)
        || !room_for_words(w, 2, stride * n + CXM_RUN_SLACK)
        || !cxm_priv_sort_room(s->allocator, &w->counts, &w->counts_capacity, n_buckets + 1,
                               sizeof *w->counts))
        return cxm_priv_no_memory(&w->error);
    const struct buckets b = { w->counts, 64 - r.bits, 64 - bits };
    if (p->payload)
        return visit_events(w, partition, &r, &b, n_buckets);
    fill_buckets(w, partition, &r, &b, n_buckets, w->words[1]);
    s->kernels.sort_runs(w->words[1], b.counts, n_buckets, w->words[2]);
    return visit_words(w, w->words[2], n);
}
