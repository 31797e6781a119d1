/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by very many keys that are far apart: customers, tickets. A memo of them all (coded.c)
 * does not fit in a cache, and one a thread has to be merged. So some millions of rows at a time are
 * first sorted by the upper bits of a hash of the key: a row becomes the hash, from which the key can
 * be had back, and its code. Then each part has a table of its own that stays in the cache while it
 * takes up its rows; no two threads have one in common. At the end the keys are sorted, and cells are
 * made in their order, by ranges of keys.
 *
 * Typical: 1 000 000 keys, 20 to 100 rows a key. Memory: 9 bytes a row of a batch, at most 38 MB; for
 * NPS 42 to 84 bytes a key, 4 times as much for parts where an answer came 256 times; 32 bytes a key
 * while they are sorted. (Hashed partitions as in Manegold, Boncz and Kersten 2002.) */
#include "tally/dense_hashed.h"
#include "tally/memo.h"

enum { FEWEST_ROWS = 1 << 17, BATCH = 1 << 22, FIRST_SLOTS = 1 << 8, MOST_SLOTS = 1 << 22, LOOKS = 16,
       LOOK_ROWS = 256 };

/* ---- sorting by part ------------------------------------------------------------------ */

static int64_t share_begin(const struct cxm_hashing *m, int i)
{
    return i < m->n_threads ? m->first + (m->last - m->first) / m->n_threads * i : m->last;
}

/* Hashes of the keys of a block, and which rows have one. */
struct block {
    struct cxm_reader reader;
    uint64_t words[CXM_BLOCK];
    uint8_t states[CXM_BLOCK], answers[CXM_BLOCK];
    bool all;               /* have one */
};

static void read_block(const struct cxm_hashing *m, int64_t row, size_t n, struct block *b)
{
    cxm_priv_read_key_words(&b->reader, &m->sources->plans[0], row, n, b->words, b->states);
    b->all = cxm_priv_all_used(b->states, n);
    for (size_t i = 0; i < n; i++)
        b->words[i] = cxm_priv_mix_word(b->words[i]);
}

static void count_parts(struct block *b, size_t n, size_t *counts)
{
    for (size_t i = 0; i < n; i++) {
        if (CXM_LIKELY(b->all) || b->states[i] == CXM_ROW_USED)
            counts[b->words[i] >> (64 - CXM_HASHED_BITS)]++;
    }
}

/* First where rows go, then the rows: a processor looks ahead to the end of a later row's part only while
 * it knows where all stores before that go. */
static void place_block(const struct cxm_hashing *m, struct block *b, const uint8_t *answers,
                        const uint8_t *bits, unsigned skip, size_t n, struct cxm_hashed_share *share)
{
    const uint8_t *of_byte = m->rows->codes, no_answer = (uint8_t)(m->rows->stride - 2);
    uint32_t at[CXM_BLOCK];
    uint8_t code_of[CXM_BLOCK];
    size_t kept = 0;
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        const size_t bit = i + skip;
        const uint8_t code = bits == NULL || (bits[bit / 8] >> bit % 8 & 1) != 0
                               ? of_byte[answers[i]]
                               : no_answer;
        bad |= code > no_answer && !m->sources->count_invalid;
        if (!CXM_LIKELY(b->all) && b->states[i] != CXM_ROW_USED) {
            bad |= b->states[i] == CXM_ROW_INVALID;
            share->missing[code]++;
            continue;
        }
        at[kept] = (uint32_t)share->ends[b->words[i] >> (64 - CXM_HASHED_BITS)]++;
        code_of[kept] = code;
        b->words[kept++] = b->words[i];
    }
    for (size_t i = 0; i < kept; i++) {
        m->hashes[at[i]] = b->words[i];
        m->codes[at[i]] = code_of[i];
    }
    share->bad = share->bad || bad;
}

static void sort_share(void *context, int t)
{
    const struct cxm_hashing *m = context;
    struct cxm_hashed_share *share = &m->shares[t];
    const int64_t first = share_begin(m, t), last = share_begin(m, t + 1);
    const struct cxm_dense_rows *rows = m->rows;
    struct block block;
    size_t at = (size_t)(first - m->first);
    memset(share->ends, 0, sizeof share->ends);
    cxm_priv_reader_init(&block.reader, m->sources->keys[0]);
    for (int64_t row = first; row < last; row += CXM_BLOCK) {
        const size_t n = last - row < CXM_BLOCK ? (size_t)(last - row) : CXM_BLOCK;
        read_block(m, row, n, &block);
        count_parts(&block, n, share->ends);
    }
    for (int p = 0; p < CXM_HASHED_PARTS; p++) {
        const size_t count = share->ends[p];
        share->ends[p] = at;
        at += count;
    }
    for (int64_t row = first; row < last; row += CXM_BLOCK) {
        const size_t n = last - row < CXM_BLOCK ? (size_t)(last - row) : CXM_BLOCK;
        unsigned skip;
        const uint8_t *bits = cxm_priv_dense_bits(rows->answers, row, &skip);
        read_block(m, row, n, &block);
        place_block(m, &block, cxm_priv_rating_bytes(&rows->rating, row, n, block.answers), bits, skip,
                    n, share);
    }
}

/* ---- tables of parts ------------------------------------------------------------------ */

static void release_part(const struct cxm_hashing *m, struct cxm_hashed_part *part)
{
    const struct cxm_allocator *allocator = m->rows->config->allocator;
    cxm_priv_release(allocator, part->slots);
    cxm_priv_release(allocator, part->counters);
    cxm_priv_release(allocator, part->carried);
}

static bool make_part(const struct cxm_hashing *m, struct cxm_hashed_part *part, uint32_t n_slots,
                      bool carried)
{
    const struct cxm_allocator *allocator = m->rows->config->allocator;
    const size_t n = ((size_t)n_slots + 1) * m->rows->stride;
    *part = (struct cxm_hashed_part){ .n_slots = n_slots, .shift = 33 + __builtin_clz(n_slots) };
    part->slots = cxm_priv_alloc_zero(allocator, n_slots, sizeof *part->slots);
    part->counters = cxm_priv_alloc_zero(allocator, n, 1);
    part->carried = carried ? cxm_priv_alloc_zero(allocator, n, sizeof *part->carried) : NULL;
    if (part->slots != NULL && part->counters != NULL && (part->carried != NULL) == carried)
        return true;
    release_part(m, part);
    *part = (struct cxm_hashed_part){ .slots = NULL };
    return false;
}

/* The bits below those of the part. */
static inline uint32_t slot_of(const struct cxm_hashed_part *part, uint64_t hash)
{
    return (uint32_t)(hash << CXM_HASHED_BITS >> part->shift);
}

static void move_counters(const struct cxm_hashing *m, const struct cxm_hashed_part *from, uint32_t slot,
                          struct cxm_hashed_part *to, uint32_t new_slot)
{
    const uint32_t stride = m->rows->stride;
    const size_t old_at = (size_t)slot * stride, at = (size_t)new_slot * stride;
    memcpy(to->counters + at, from->counters + old_at, stride);
    if (from->carried != NULL)
        memcpy(to->carried + at, from->carried + old_at, stride * sizeof *to->carried);
}

static bool grow_part(const struct cxm_hashing *m, struct cxm_hashed_part *part)
{
    struct cxm_hashed_part larger;
    if (part->n_slots >= MOST_SLOTS
        || !make_part(m, &larger, 4 * part->n_slots, part->carried != NULL))
        return false;
    larger.n = part->n;
    larger.zero = part->zero;
    for (uint32_t s = 0; s < part->n_slots; s++) {
        if (part->slots[s] == 0)
            continue;
        uint32_t at = slot_of(&larger, part->slots[s]);
        while (larger.slots[at] != 0)
            at = (at + 1) & (larger.n_slots - 1);
        larger.slots[at] = part->slots[s];
        move_counters(m, part, s, &larger, at);
    }
    move_counters(m, part, part->n_slots, &larger, larger.n_slots);
    release_part(m, part);
    *part = larger;
    return true;
}

/* A key that is not there yet, or that of hash 0; UINT32_MAX: out of memory. */
static uint32_t meet(const struct cxm_hashing *m, struct cxm_hashed_part *part, uint64_t hash)
{
    if (hash == 0) {
        part->n += !part->zero;
        part->zero = true;
        return part->n_slots;
    }
    if (2 * (part->n + 1) > part->n_slots && !grow_part(m, part))
        return UINT32_MAX;
    uint32_t at = slot_of(part, hash);
    while (part->slots[at] != 0)
        at = (at + 1) & (part->n_slots - 1);
    part->slots[at] = hash;
    part->n++;
    return at;
}

static bool carry(const struct cxm_hashing *m, struct cxm_hashed_part *part, size_t at)
{
    if (part->carried == NULL)
        part->carried = cxm_priv_alloc_zero(m->rows->config->allocator,
                                            ((size_t)part->n_slots + 1) * m->rows->stride,
                                            sizeof *part->carried);
    if (part->carried == NULL)
        return false;
    part->carried[at]++;
    return true;
}

/* False: out of memory. */
static bool count_items(const struct cxm_hashing *m, struct cxm_hashed_part *part, const uint64_t *hashes,
                        const uint8_t *codes, size_t n)
{
    const uint32_t stride = m->rows->stride;
    for (size_t i = 0; i < n; i++) {
        const uint64_t hash = hashes[i];
        uint32_t slot = slot_of(part, hash);
        while (part->slots[slot] != hash && part->slots[slot] != 0)
            slot = (slot + 1) & (part->n_slots - 1);
        if (CXM_UNLIKELY(part->slots[slot] == 0)) {
            slot = meet(m, part, hash);
            if (slot == UINT32_MAX)
                return false;
        }
        const size_t at = (size_t)slot * stride + codes[i];
        if (CXM_UNLIKELY(++part->counters[at] == 0) && !carry(m, part, at))
            return false;
    }
    return true;
}

/* Takes parts as they come, until there are none. */
static void count_some(void *context, int t)
{
    struct cxm_hashing *m = context;
    for (;;) {
        const size_t p = __atomic_fetch_add(&m->next, 1, __ATOMIC_RELAXED);
        if (p >= CXM_HASHED_PARTS || m->shares[t].no_memory)
            return;
        for (int i = 0; i < m->n_threads; i++) {
            const size_t *ends = m->shares[i].ends;
            const size_t begin = p > 0 ? ends[p - 1] : (size_t)(share_begin(m, i) - m->first);
            if (!count_items(m, &m->parts[p], m->hashes + begin, m->codes + begin,
                             ends[p] - begin))
                m->shares[t].no_memory = true;
        }
    }
}

/* ---- all of it ------------------------------------------------------------------------ */

static bool make_memory(struct cxm_hashing *m, size_t batch)
{
    const struct cxm_allocator *allocator = m->rows->config->allocator;
    m->hashes = cxm_priv_alloc_dense(allocator, batch, sizeof *m->hashes);
    m->codes = cxm_priv_alloc_dense(allocator, batch, 1);
    m->shares = cxm_priv_alloc_zero(allocator, (size_t)m->n_threads, sizeof *m->shares);
    m->parts = cxm_priv_alloc_zero(allocator, CXM_HASHED_PARTS, sizeof *m->parts);
    bool room = m->hashes != NULL && m->codes != NULL && m->shares != NULL && m->parts != NULL;
    for (int p = 0; p < CXM_HASHED_PARTS && room; p++)
        room = make_part(m, &m->parts[p], FIRST_SLOTS, false);
    return room;
}

static void release(struct cxm_hashing *m)
{
    const struct cxm_allocator *allocator = m->rows->config->allocator;
    for (int p = 0; p < CXM_HASHED_PARTS && m->parts != NULL; p++)
        release_part(m, &m->parts[p]);
    cxm_priv_release(allocator, m->hashes);
    cxm_priv_release(allocator, m->codes);
    cxm_priv_release(allocator, m->shares);
    cxm_priv_release(allocator, m->parts);
}

static enum cxm_dense_result count_batches(struct cxm_hashing *m, struct cxm_state *state)
{
    const int64_t n = m->sources->n, batch = n < BATCH ? n : BATCH;
    if (!make_memory(m, (size_t)batch))
        return CXM_DENSE_NO_MEMORY;
    for (m->first = 0; m->first < n; m->first = m->last) {
        m->last = n - m->first < batch ? n : m->first + batch;
        cxm_priv_side_by_side(m->n_threads, sort_share, m);
        for (int t = 0; t < m->n_threads; t++) {
            if (m->shares[t].bad)
                return CXM_DENSE_NO; /* the general road names the row */
        }
        m->next = 0;
        cxm_priv_side_by_side(m->n_threads, count_some, m);
        for (int t = 0; t < m->n_threads; t++) {
            if (m->shares[t].no_memory)
                return CXM_DENSE_NO_MEMORY;
        }
    }
    return cxm_priv_hashed_cells(m, &state->groups) ? CXM_DENSE_DONE : CXM_DENSE_NO_MEMORY;
}

/* Have most of some thousand rows all over the column keys of their own? */
static bool has_many_keys(const struct cxm_sources *sources)
{
    enum { LOOKED = LOOKS * LOOK_ROWS, PLACES = 1 << 15 };
    uint8_t seen[PLACES / 8] = { 0 };
    struct block block;
    int distinct = 0, used = 0;
    cxm_priv_reader_init(&block.reader, sources->keys[0]);
    for (int k = 0; k < LOOKS; k++) {
        cxm_priv_read_key_words(&block.reader, &sources->plans[0],
                                (sources->n - LOOK_ROWS) / (LOOKS - 1) * k, LOOK_ROWS, block.words,
                                block.states);
        for (int i = 0; i < LOOK_ROWS; i++) {
            const uint64_t place = cxm_priv_mix_word(block.words[i]) % PLACES;
            if (block.states[i] != CXM_ROW_USED)
                continue;
            used++;
            distinct += (seen[place / 8] >> place % 8 & 1) == 0;
            seen[place / 8] |= (uint8_t)(1u << place % 8);
        }
    }
    return used > LOOKED / 4 && distinct > used / 4 * 3;
}

enum cxm_dense_result cxm_priv_dense_hashed(const struct cxm_dense_rows *rows,
                                            const struct cxm_sources *sources, int n_threads,
                                            struct cxm_state *state)
{
    struct cxm_hashing m = { .rows = rows, .sources = sources, .n_threads = n_threads };
    if (sources->n < FEWEST_ROWS || !sources->plans[0].words || sources->leave_out_missing_keys
        || sources->n_keys != 1 || sources->n_by != 1 || !has_many_keys(sources))
        return CXM_DENSE_NO;
    const enum cxm_dense_result result = count_batches(&m, state);
    release(&m);
    return result;
}
