/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys that dense_hashed.c counted become cells in their order: they are collected by part, dealt out to
 * buckets of some thousand keys by their upper bits, and threads take the buckets, sort them within a
 * cache and write their cells. Typical: 1 000 000 keys, of which threads make the cells side by side. */
#include "column/words.h"
#include "tally/dense_hashed.h"

enum { WORD_KEY = 9, AHEAD = 16, BUCKET_BITS = 8, N_BUCKETS = 1 << BUCKET_BITS, BUCKET_KEYS = 1 << 13 };

static uint64_t word_of(uint64_t hash)
{
    hash = (hash ^ hash >> 31 ^ hash >> 62) * 0x319642B2D24D8EC3u; /* cxm_priv_mix_word undone */
    hash = (hash ^ hash >> 27 ^ hash >> 54) * 0x96DE1B173F119089u;
    return hash ^ hash >> 30 ^ hash >> 60;
}

struct making {
    const struct cxm_hashing *m;
    struct cxm_table *groups;
    struct cxm_word *words, *other; /* keys in the order of their parts, of their buckets */
    size_t first[CXM_HASHED_PARTS + 1];      /* key of a part */
    size_t ends[N_BUCKETS];
};

static void collect_part(void *context, size_t p)
{
    const struct making *c = context;
    const struct cxm_hashed_part *part = &c->m->parts[p];
    struct cxm_word *to = c->words + c->first[p];
    for (uint32_t s = 0; s < part->n_slots; s++) {
        if (part->slots[s] != 0)
            *to++ = (struct cxm_word){ word_of(part->slots[s]), s, (uint32_t)p };
    }
    if (part->zero)
        *to = (struct cxm_word){ 0, part->n_slots, (uint32_t)p };
}

/* Buckets of some thousand keys, by the highest bits in which any two differ. Returns how many. */
static size_t deal_out(struct making *c)
{
    const size_t n = c->first[CXM_HASHED_PARTS];
    uint64_t differ = 0;
    int bits = 0;
    for (size_t i = 1; i < n; i++)
        differ |= c->words[i].word ^ c->words[0].word;
    const int top = differ != 0 ? 64 - __builtin_clzll(differ) : 0;
    while (bits < BUCKET_BITS && bits < top && n >> bits > BUCKET_KEYS)
        bits++;
    const int shift = top - bits;
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        c->ends[c->words[i].word >> shift & mask]++;
    for (size_t b = 0; b <= mask; b++) {
        const size_t count = c->ends[b];
        c->ends[b] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++)
        c->other[c->ends[c->words[i].word >> shift & mask]++] = c->words[i];
    return (size_t)mask + 1;
}

static void fetch_counters(const struct cxm_hashing *m, const struct cxm_word *key)
{
    __builtin_prefetch(m->parts[key->b].counters + (size_t)key->a * m->rows->stride);
}

static void fill_cell(const struct cxm_hashing *m, const struct cxm_hashed_part *part, uint32_t slot,
                      int64_t *cell)
{
    const size_t at = (size_t)slot * m->rows->stride;
    for (uint32_t c = 0; c < m->rows->stride; c++)
        cell[c] = part->counters[at + c]
                + (part->carried != NULL ? (int64_t)256 * part->carried[at + c] : 0);
}

static void make_bucket(void *context, size_t b)
{
    const struct making *c = context;
    const size_t first = b > 0 ? c->ends[b - 1] : 0, end = c->ends[b];
    const struct cxm_word *sorted =
        cxm_priv_words_sort(c->other + first, c->words + first, end - first);
    struct cxm_dict *dict = &c->groups->dict;
    for (size_t i = first; i < end; i++) {
        const struct cxm_word *key = &sorted[i - first];
        if (end - i > AHEAD)
            fetch_counters(c->m, key + AHEAD);
        dict->bytes[i * WORD_KEY] = CXM_TAG_PRESENT;
        cxm_priv_put_u64(dict->bytes + i * WORD_KEY + 1, __builtin_bswap64(key->word));
        dict->ends[i] = (i + 1) * WORD_KEY;
        fill_cell(c->m, &c->m->parts[key->b], key->a, cxm_priv_table_cell(c->groups, (uint32_t)i));
    }
}

/* Rows without a key. */
static bool sum_missing(const struct cxm_hashing *m, int64_t *missing)
{
    int64_t any = 0;
    for (int t = 0; t < m->n_threads; t++) {
        for (uint32_t c = 0; c < m->rows->stride; c++) {
            missing[c] += m->shares[t].missing[c];
            any |= missing[c];
        }
    }
    return any != 0;
}

bool cxm_priv_hashed_cells(const struct cxm_hashing *m, struct cxm_table *groups)
{
    int64_t missing[CXM_DENSE_MOST_CODES] = { 0 };
    const bool any = sum_missing(m, missing);
    struct making c = { .m = m, .groups = groups };
    for (int p = 0; p < CXM_HASHED_PARTS; p++)
        c.first[p + 1] = c.first[p] + m->parts[p].n;
    const size_t n = c.first[CXM_HASHED_PARTS];
    c.words = cxm_priv_alloc_dense(m->rows->config->allocator, 2 * n, sizeof *c.words);
    const bool room = c.words != NULL && cxm_priv_table_reserve(groups, n + any, NULL)
                   && cxm_priv_dict_reserve(&groups->dict, n + any, WORD_KEY * n + 1);
    if (room) {
        c.other = c.words + n;
        cxm_priv_share_out(m->n_threads, CXM_HASHED_PARTS, collect_part, &c);
        cxm_priv_share_out(m->n_threads, deal_out(&c), make_bucket, &c);
        groups->dict.n = (uint32_t)n;
        groups->dict.bytes_used = WORD_KEY * n;
    }
    if (room && any) {
        cxm_priv_dict_append(&groups->dict, (const uint8_t[]){ CXM_TAG_MISSING }, 1);
        memcpy(cxm_priv_table_cell(groups, (uint32_t)n), missing,
               m->rows->stride * sizeof *missing);
    }
    cxm_priv_release(m->rows->config->allocator, c.words);
    return room;
}
