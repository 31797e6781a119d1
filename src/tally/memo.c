/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * See memo.h. */
#include "tally/memo.h"

enum { FIRST_BITS = 10, LARGE = 1 << 14 };

/* Texts up to 16 bytes, which nearly all keys are, are two words that may overlap. */
uint64_t cxm_priv_mix_text(const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text;
    uint64_t a = 0, b = 0, hash = n * 0x9E3779B97F4A7C15u;
    for (; n > 16; p += 8, n -= 8)
        hash = cxm_priv_mix_word(hash ^ cxm_priv_get_u64(p)) + 0x9E3779B97F4A7C15u;
    if (n >= 8) {
        a = cxm_priv_get_u64(p);
        b = cxm_priv_get_u64(p + n - 8);
    } else if (n >= 4) {
        a = cxm_priv_get_u32(p);
        b = cxm_priv_get_u32(p + n - 4);
    } else if (n > 0) {
        a = p[0];
        b = (uint64_t)p[n / 2] << 8 | p[n - 1];
    }
    return cxm_priv_mix_word(cxm_priv_mix_word(hash ^ a) + b);
}

bool cxm_priv_memo_init(struct cxm_memo *memo, const struct cxm_allocator *allocator)
{
    memo->n = 0;
    memo->shift = 64 - FIRST_BITS;
    memo->entries = cxm_priv_alloc_zero(allocator, (size_t)1 << FIRST_BITS,
                                        sizeof *memo->entries);
    return memo->entries != NULL;
}

bool cxm_priv_memo_reserve(struct cxm_memo *memo, const struct cxm_allocator *allocator)
{
    const size_t size = (size_t)1 << (64 - memo->shift);
    if ((size < LARGE ? 8 : 2) * (memo->n + 1) <= size)
        return true;
    struct cxm_memo larger = { NULL, 0, memo->shift - 2 };
    larger.entries = cxm_priv_alloc_zero(allocator, 4 * size, sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (memo->entries[i].group != 0)
            cxm_priv_memo_add(&larger, memo->entries[i].hash, memo->entries[i].group - 1);
    }
    cxm_priv_release(allocator, memo->entries);
    *memo = larger;
    return true;
}

void cxm_priv_memo_add(struct cxm_memo *memo, uint64_t hash, uint32_t group)
{
    size_t place = cxm_priv_memo_place(memo, hash);
    while (memo->entries[place].group != 0)
        place = cxm_priv_memo_next(memo, place);
    memo->entries[place] = (struct cxm_memo_entry){ hash, group + 1 };
    memo->n++;
}
