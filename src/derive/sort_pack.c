/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows as packed words: how many bits customers, codes and instants need, guessed from some
 * blocks spread over the rows, and the loop that packs a block and deals it out to partitions. */
#include "derive/sorting.h"

enum {
    SAMPLES = 64,               /* blocks */
    PARTITION_ROWS = 16384,     /* that a partition should have */
    MOST_PARTITION_BITS = 12,
    MOST_REST_BITS = 40         /* of code and time beside numbered customers: up to 2^24 of them */
};

/* ---- the guess ------------------------------------------------------------------------ */

struct range {
    uint64_t low, high;
    bool any;
};

static void widen(struct range *r, uint64_t x)
{
    if (!r->any)
        *r = (struct range){ x, x, true };
    r->low = x < r->low ? x : r->low;
    r->high = x > r->high ? x : r->high;
}

/* Instants as unsigned words in their order. */
static uint64_t word_of(int64_t time)
{
    return (uint64_t)time ^ (uint64_t)1 << 63;
}

static int64_t time_of(uint64_t word)
{
    return (int64_t)(word ^ (uint64_t)1 << 63);
}

struct guess {
    struct range customer, code, time, extra;
};

static void look_at(const struct cxm_sorting *s, const struct cxm_sort_block *b, size_t n,
                    struct guess *g)
{
    const bool has_limit = s->plan->has_latest;
    for (size_t i = 0; i < n; i++) {
        if (b->customer_state[i] != CXM_ROW_USED || b->time_state[i] != CXM_ROW_USED
            || (has_limit && b->time[i] > s->plan->latest))
            continue;
        widen(&g->customer, b->customer[i]);
        widen(&g->time, word_of(b->time[i]));
        if (b->code_state[i] == CXM_ROW_USED)
            widen(&g->code, b->code[i]);
        if (b->extra[i] != CXM_NO_INSTANT)
            widen(&g->extra, word_of(b->extra[i]));
    }
}

/* Some more on both sides, an eighth and `least` or so, but nothing below `lowest`; the bits. */
static int with_margin(struct range *r, uint64_t least, uint64_t lowest)
{
    const uint64_t margin = (r->high - r->low) / 8 + least;
    r->low = r->low - lowest > margin ? r->low - margin : lowest;
    r->high = r->high < UINT64_MAX - margin ? r->high + margin : UINT64_MAX;
    const int bits = cxm_priv_bits_of(r->high - r->low);
    return bits > 0 ? bits : 1;
}

/* Where the unsigned numbers of a key begin; for signed ones a margin may go below 0. */
static uint64_t lowest_of(const struct cxm_key_source *source)
{
    const struct cxm_column *c = source->column;
    const bool unsigned_key = c->n_chunks == 0
                           && (c->type == CXM_U32 || c->type == CXM_U16 || c->type == CXM_U8);
    return !source->coded && unsigned_key ? (uint64_t)1 << 63 : 0;
}

static void choose_bits(struct cxm_sorting *s, struct guess *g)
{
    enum { SECONDS_OF_A_DAY = 86400, CUSTOMERS = 4096 };
    struct cxm_pack *p = &s->pack;
    if (!g->customer.any)
        return;
    p->time_bits = with_margin(&g->time, SECONDS_OF_A_DAY, 0);
    p->time_base = time_of(g->time.low);
    if (g->extra.any) {
        with_margin(&g->extra, SECONDS_OF_A_DAY, 0);
        p->extra_base = time_of(g->extra.low);
    }
    if (s->columns->code != NULL) {
        if (!g->code.any)
            g->code = (struct range){ 0, 0, true };
        p->code_base = g->code.low;
        p->code_bits = cxm_priv_bits_of(g->code.high - g->code.low + 1); /* the last: missing */
        if (p->code_bits == 0)
            return;
    }
    p->customer_bits = with_margin(&g->customer, CUSTOMERS, lowest_of(&s->customer));
    p->customer_base = g->customer.low;
    if (p->customer_bits + p->code_bits + p->time_bits <= 64) {
        p->form = CXM_PACK_DIRECT;
    } else if (p->code_bits + p->time_bits <= MOST_REST_BITS) {
        p->form = CXM_PACK_HASHED;
        p->customer_bits = 64;
        p->customer_base = 0;
    }
}

static void choose_partitions(struct cxm_sorting *s)
{
    struct cxm_pack *p = &s->pack;
    const int most = p->customer_bits > 0 && p->customer_bits < MOST_PARTITION_BITS
                       ? p->customer_bits : MOST_PARTITION_BITS;
    p->partition_bits = 1;
    while (p->partition_bits < most && s->n_rows >> p->partition_bits > PARTITION_ROWS)
        p->partition_bits++;
    s->n_partitions = (uint32_t)1 << p->partition_bits;
}

void cxm_priv_pack_choose(struct cxm_sorting *s, struct cxm_sort_block *b)
{
    struct guess g = { 0 };
    struct cxm_sort_readers readers;
    cxm_priv_sort_readers(s, &readers);
    const int64_t blocks = (s->n_rows + CXM_SORT_BLOCK - 1) / CXM_SORT_BLOCK;
    const int64_t step = blocks <= SAMPLES ? 1 : blocks / SAMPLES;
    for (int64_t at = 0; at < blocks; at += step) {
        const int64_t left = s->n_rows - at * CXM_SORT_BLOCK;
        const size_t n = left < CXM_SORT_BLOCK ? (size_t)left : CXM_SORT_BLOCK;
        bool subsecond = false;
        cxm_priv_sort_read(s, &readers, at * CXM_SORT_BLOCK, n, b, &subsecond);
        look_at(s, b, n, &g);
    }
    s->pack.form = CXM_PACK_NONE;
    s->pack.payload = (s->plan->visit_packed == NULL && s->plan->visit_records == NULL)
                   || s->columns->extra != NULL;
    choose_bits(s, &g);
    s->pack.n_words = (s->pack.form == CXM_PACK_HASHED ? 2 : 1) + (s->pack.payload ? 1 : 0);
    choose_partitions(s);
    cxm_priv_pack_plain_choose(s);
}

/* ---- packing -------------------------------------------------------------------------- */

/* Codes as differences from the base, the last number for missing ones; returns anything but 0
 * when some does not fit. */
static uint64_t pack_codes(const struct cxm_pack *p, struct cxm_sort_block *b, size_t n)
{
    const uint64_t base = p->code_base, missing = cxm_priv_ones(p->code_bits);
    uint64_t odd = 0;
    if (cxm_priv_all_used(b->code_state, n)) {
        for (size_t i = 0; i < n; i++) {
            b->word[i] = b->code[i] - base;
            odd |= (b->word[i] + 1) >> p->code_bits | b->word[i] >> p->code_bits;
        }
        return odd;
    }
    for (size_t i = 0; i < n; i++) {
        const bool there = b->code_state[i] == CXM_ROW_USED;
        b->word[i] = there ? b->code[i] - base : missing;
        odd |= there && b->word[i] >= missing;
    }
    return odd;
}

/* The words of n rows that are kept; false when some row does not fit. */
static bool pack_words(const struct cxm_sorting *s, struct cxm_sort_block *b, size_t n)
{
    const struct cxm_pack *const p = &s->pack;
    const int time_bits = p->time_bits, rest_bits = p->code_bits + time_bits;
    const uint64_t time_base = (uint64_t)p->time_base;
    uint64_t odd = 0;
    if (p->code_bits > 0)
        odd = pack_codes(p, b, n);
    else
        memset(b->word, 0, n * sizeof *b->word);
    for (size_t i = 0; i < n; i++) {
        const uint64_t time = (uint64_t)b->time[i] - time_base;
        odd |= time >> time_bits;
        b->word[i] = b->word[i] << time_bits | time;
    }
    if (p->form == CXM_PACK_DIRECT) {
        const int bits = p->customer_bits;
        const uint64_t base = p->customer_base;
        for (size_t i = 0; i < n; i++) {
            const uint64_t customer = b->customer[i] - base;
            odd |= customer >> bits;
            b->word[i] |= cxm_priv_mix(customer, bits) << rest_bits;
        }
    }
    return odd == 0;
}

static bool pack_payload(const struct cxm_sorting *s, struct cxm_sort_block *b, size_t n)
{
    const bool has_extra = s->columns->extra != NULL;
    const uint64_t base = (uint64_t)s->pack.extra_base;
    uint64_t odd = 0;
    for (size_t i = 0; i < n; i++) {
        const bool none = !has_extra || b->extra[i] == CXM_NO_INSTANT;
        const uint64_t extra = none ? CXM_NO_EXTRA : (uint64_t)b->extra[i] - base;
        odd |= !none && extra >= CXM_NO_EXTRA;
        b->payload[i] = extra << 32 | b->row[i];
    }
    return odd == 0;
}

struct cxm_event cxm_priv_unpack(const struct cxm_pack *p, const uint64_t *record)
{
    const bool hashed = p->form == CXM_PACK_HASHED;
    const uint64_t rest = record[hashed ? 1 : 0], mixed = record[0];
    const int rest_bits = p->code_bits + p->time_bits;
    const uint64_t missing = cxm_priv_ones(p->code_bits);
    const uint64_t code = rest >> p->time_bits & missing;
    const uint64_t payload = p->payload ? record[hashed ? 2 : 1] : (uint64_t)CXM_NO_EXTRA << 32;
    const uint64_t word = cxm_priv_unmix(mixed >> rest_bits, p->customer_bits) + p->customer_base;
    return (struct cxm_event){
        hashed ? mixed : cxm_priv_mix(word, 64),
        (int64_t)((uint64_t)p->time_base + (rest & cxm_priv_ones(p->time_bits))),
        payload >> 32 == CXM_NO_EXTRA ? CXM_NO_INSTANT
                                      : (int64_t)((uint64_t)p->extra_base + (payload >> 32)),
        p->code_bits == 0 ? 0 : code == missing ? CXM_CODE_MISSING
                                                : (uint32_t)(p->code_base + code),
        (uint32_t)payload,
    };
}

/* ---- dealing out ---------------------------------------------------------------------- */

static inline bool put_record(struct cxm_pool *pool, uint32_t partition, const void *record,
                              size_t bytes)
{
    uintptr_t at = pool->cursors[partition];
    if (CXM_UNLIKELY(cxm_priv_is_full(pool, at))) {
        at = cxm_priv_pool_extend(pool, partition);
        if (at == 0)
            return false;
    }
    memcpy((void *)at, record, bytes);
    pool->cursors[partition] = at + bytes;
    return true;
}

/* The number of words is a constant where this is called, so that the copy is a few moves. */
static inline bool deal(struct cxm_sorter *w, size_t n, bool hashed, bool payload)
{
    const struct cxm_pack *const p = &w->sorting->pack;
    const struct cxm_sort_block *const b = w->block;
    struct cxm_pool *const pool = &w->packed;
    const int shift = hashed ? 64 - p->partition_bits
                             : p->customer_bits + p->code_bits + p->time_bits - p->partition_bits;
    for (size_t i = 0; i < n; i++) {
        uint64_t record[3];
        size_t used = 0;
        if (hashed)
            record[used++] = cxm_priv_mix(b->customer[i], 64);
        record[used++] = b->word[i];
        if (payload)
            record[used++] = b->payload[i];
        if (!put_record(pool, (uint32_t)(record[0] >> shift), record, used * sizeof *record))
            return false;
    }
    return true;
}

static bool deal_packed(struct cxm_sorter *w, size_t n)
{
    const struct cxm_pack *const p = &w->sorting->pack;
    if (p->form == CXM_PACK_DIRECT)
        return p->payload ? deal(w, n, false, true) : deal(w, n, false, false);
    return p->payload ? deal(w, n, true, true) : deal(w, n, true, false);
}

/* A row that does not fit waits as an event, in the partition of its customer. */
static bool put_whole(struct cxm_sorter *w, size_t i)
{
    const struct cxm_sorting *s = w->sorting;
    const struct cxm_pack *const p = &s->pack;
    const struct cxm_sort_block *const b = w->block;
    if (w->whole.cursors == NULL
        && !cxm_priv_pool_init(&w->whole, sizeof(struct cxm_event), 0, w->last - w->first,
                               2 * s->n_partitions, s->allocator))
        return false;
    const uint64_t key = cxm_priv_mix(b->customer[i], 64);
    const struct cxm_event event = {
        key, b->time[i], b->extra[i],
        s->columns->code == NULL ? 0
        : b->code_state[i] == CXM_ROW_USED ? (uint32_t)b->code[i] : CXM_CODE_MISSING,
        b->row[i],
    };
    const uint64_t customer = b->customer[i] - p->customer_base;
    uint32_t partition = (uint32_t)(key >> (64 - p->partition_bits));
    if (p->form == CXM_PACK_DIRECT && customer >> p->customer_bits == 0)
        partition = (uint32_t)(cxm_priv_mix(customer, p->customer_bits)
                               >> (p->customer_bits - p->partition_bits));
    else if (p->form == CXM_PACK_DIRECT)
        partition += s->n_partitions;
    return put_record(&w->whole, partition, &event, sizeof event);
}

/* One row moved to the first place, as a block of its own. */
static void move_first(struct cxm_sort_block *b, size_t i)
{
    b->customer[0] = b->customer[i];
    b->code[0] = b->code[i];
    b->time[0] = b->time[i];
    b->extra[0] = b->extra[i];
    b->row[0] = b->row[i];
    b->code_state[0] = b->code_state[i];
}

bool cxm_priv_pack_plain_rows(struct cxm_sorter *w, int64_t first, size_t n, bool *room)
{
    const struct cxm_sorting *s = w->sorting;
    struct cxm_sort_block *b = w->block;
    if (!s->kernels.pack_plain(&s->plain, (size_t)first, n, b->customer, b->word))
        return false;
    for (size_t i = 0; s->pack.payload && i < n; i++)
        b->payload[i] = (uint64_t)CXM_NO_EXTRA << 32 | ((uint32_t)first + (uint32_t)i);
    *room = deal_packed(w, n);
    return true;
}

bool cxm_priv_pack_rows(struct cxm_sorter *w, size_t n)
{
    const struct cxm_sorting *s = w->sorting;
    struct cxm_sort_block *b = w->block;
    const bool none = s->pack.form == CXM_PACK_NONE, payload = s->pack.payload;
    if (!none && pack_words(s, b, n) && (!payload || pack_payload(s, b, n)))
        return deal_packed(w, n);
    for (size_t i = 0; i < n; i++) {
        move_first(b, i);
        const bool fits = !none && pack_words(s, b, 1) && (!payload || pack_payload(s, b, 1));
        if (!(fits ? deal_packed(w, 1) : put_whole(w, 0)))
            return false;
    }
    return true;
}
