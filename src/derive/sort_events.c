/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Partitions with rows that did not fit packed words: everything as events of 32 bytes, counted
 * into buckets and compared. Slower by a factor of three or so, and right for any keys and
 * instants; the tests compare both. */
#include "derive/sorting.h"

enum { MOST_BUCKET_BITS = 20, SHORT_RUN = 16 /* rows that insertion sorts faster than merging */ };

/* ---- comparing -------------------------------------------------------------------------- */

static inline bool is_less(const struct cxm_event *a, const struct cxm_event *b)
{
    if (a->customer != b->customer)
        return a->customer < b->customer;
    if (a->code != b->code)
        return a->code < b->code;
    return a->time != b->time ? a->time < b->time : a->row < b->row;
}

static void insertion_sort(struct cxm_event *events, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct cxm_event event = events[i];
        size_t at = i;
        for (; at > 0 && is_less(&event, &events[at - 1]); at--)
            events[at] = events[at - 1];
        events[at] = event;
    }
}

/* From the bottom up; runs that follow one another in order already are left alone, so that a
 * log in time order costs one comparison a run. */
static void merge_sort(struct cxm_event *events, struct cxm_event *other, size_t n)
{
    for (size_t left = 0; left < n; left += SHORT_RUN)
        insertion_sort(events + left, n - left < SHORT_RUN ? n - left : SHORT_RUN);
    for (size_t width = SHORT_RUN; width < n; width *= 2) {
        for (size_t left = 0; left + width < n; left += 2 * width) {
            struct cxm_event *const a = events + left, *const b = a + width;
            const size_t n_b = n - left - width < width ? n - left - width : width;
            if (!is_less(b, b - 1))
                continue;
            memcpy(other, a, width * sizeof *a);
            size_t i = 0, j = 0;
            for (struct cxm_event *to = a; i < width; to++)
                *to = j < n_b && is_less(&b[j], &other[i]) ? b[j++] : other[i++];
        }
    }
}

static bool is_sorted(const struct cxm_event *events, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (is_less(&events[i], &events[i - 1]))
            return false;
    }
    return true;
}

static bool sort_bucket(struct cxm_sorter *w, struct cxm_event *events, size_t n)
{
    if (n <= SHORT_RUN) {
        insertion_sort(events, n);
        return true;
    }
    if (is_sorted(events, n))
        return true;
    if (!cxm_priv_sort_room(w->sorting->allocator, &w->other, &w->other_capacity, n,
                            sizeof *w->other))
        return false;
    merge_sort(events, w->other, n);
    return true;
}

/* ---- buckets ---------------------------------------------------------------------------- */

/* Where events go: counts[b] is where the next one of bucket b does. */
struct buckets {
    uint32_t *counts;
    struct cxm_event *events; /* NULL: they are counted only, in counts[b + 1] */
    int left, right;          /* shifts that leave a bucket's number of a customer */
};

static inline void place(const struct buckets *to, const struct cxm_event *event)
{
    const size_t b = (size_t)(event->customer << to->left >> to->right);
    if (to->events == NULL)
        to->counts[b + 1]++;
    else
        to->events[to->counts[b]++] = *event;
}

/* The records of a partition in one pool, as events. */
static void place_pool(const struct cxm_pack *pack, const struct cxm_pool *pool, bool whole,
                       uint32_t partition, const struct buckets *to)
{
    const unsigned char *at;
    size_t n;
    for (uint32_t c = 0; (at = cxm_priv_pool_chunk(pool, partition, c, &n)) != NULL; c++) {
        for (size_t i = 0; i < n; i++, at += pool->record_bytes) {
            const void *const record = at;
            const struct cxm_event event = whole ? *(const struct cxm_event *)record
                                                 : cxm_priv_unpack(pack, record);
            place(to, &event);
        }
    }
}

static void place_all(const struct cxm_sorting *s, uint32_t partition, const struct buckets *to)
{
    for (unsigned t = 0; t < s->n_workers; t++) {
        if (partition < s->n_partitions)
            place_pool(&s->pack, &s->workers[t].packed, false, partition, to);
        place_pool(&s->pack, &s->workers[t].whole, true, partition, to);
    }
}

enum cxm_status cxm_priv_sort_whole(struct cxm_sorter *w, uint32_t partition, size_t n)
{
    const struct cxm_sorting *s = w->sorting;
    int bits = 1;
    while (bits < MOST_BUCKET_BITS && (size_t)1 << bits < n)
        bits++;
    const size_t n_buckets = (size_t)1 << bits;
    if (!cxm_priv_sort_room(s->allocator, &w->counts, &w->counts_capacity, n_buckets + 1,
                            sizeof *w->counts)
        || !cxm_priv_sort_room(s->allocator, &w->events, &w->events_capacity, n,
                               sizeof *w->events))
        return cxm_priv_no_memory(&w->error);
    /* Partitions of direct words are not those of the scrambled customer's first bits. */
    const bool same = s->pack.form != CXM_PACK_DIRECT || partition >= s->n_partitions;
    struct buckets to = { w->counts, NULL, same ? s->pack.partition_bits : 0, 64 - bits };
    memset(to.counts, 0, (n_buckets + 1) * sizeof *to.counts);
    place_all(s, partition, &to);
    for (size_t b = 1; b < n_buckets; b++)
        to.counts[b] += to.counts[b - 1];
    to.events = w->events;
    place_all(s, partition, &to);
    /* Now counts[b] is where bucket b ends. */
    for (size_t b = 0, start = 0; b < n_buckets; start = to.counts[b++]) {
        const size_t size = to.counts[b] - start;
        if (size > 1 && !sort_bucket(w, w->events + start, size))
            return cxm_priv_no_memory(&w->error);
    }
    return s->plan->visit(s->plan->context, w->number, w->events, n, &w->error);
}
