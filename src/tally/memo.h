/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A short memory of which group a key has, by a hash of 64 bits: an open table, at most half full
 * (an eighth where it is small: a second look is a branch that no processor foretells), that
 * answers where the dictionary would first want the key encoded. For keys of one word the hash is
 * the word, its bits mixed so that nothing is lost; for texts the caller compares. At most 256 KiB
 * up to 8 192 groups, then 32 to 128 bytes a group. */
#ifndef CXM_SRC_MEMO_H
#define CXM_SRC_MEMO_H

#include "base/base.h"

struct cxm_memo {
    struct cxm_memo_entry {
        uint64_t hash;
        uint32_t group; /* + 1; 0: free */
    } *entries;
    size_t n;
    int shift;          /* 64 - log2 of the number of entries */
};

/* A bijection (the finaliser of SplitMix64, Steele, Lea and Flood 2014). */
static inline uint64_t cxm_priv_mix_word(uint64_t word)
{
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
    word = (word ^ word >> 27) * 0x94D049BB133111EBu;
    return word ^ word >> 31;
}

/* As good for a place by the highest bits, and a third of the time: also a bijection. */
static inline uint64_t cxm_priv_spread_word(uint64_t word)
{
    return (word ^ word >> 32) * 0xD6E8FEB86659FD93u;
}

uint64_t cxm_priv_mix_text(const char *text, size_t n);

/* False: out of memory. */
bool cxm_priv_memo_init(struct cxm_memo *memo, const struct cxm_allocator *allocator);
/* There is room for another afterwards; false: out of memory. */
bool cxm_priv_memo_reserve(struct cxm_memo *memo, const struct cxm_allocator *allocator);
/* A hash may come more than once, with different groups. */
void cxm_priv_memo_add(struct cxm_memo *memo, uint64_t hash, uint32_t group);

static inline size_t cxm_priv_memo_place(const struct cxm_memo *memo, uint64_t hash)
{
    return (size_t)(hash >> memo->shift);
}

static inline size_t cxm_priv_memo_next(const struct cxm_memo *memo, size_t place)
{
    return (place + 1) & (((size_t)1 << (64 - memo->shift)) - 1);
}

#endif
