/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The inner loops of sorting and scanning packed words, and their variants. The C variant is the
 * reference; the choice is made anew for each call. */
#ifndef CXM_SRC_SORT_KERNELS_H
#define CXM_SRC_SORT_KERNELS_H

#include "base/base.h"

enum { CXM_RUN_SLACK = 16 }; /* words after the end that a kernel may overwrite */

/* Sorts each run of words from `from` to the same place in `to`: run r ends at ends[r], where the
 * next one begins. `to` has room for CXM_RUN_SLACK words more; `from` is left with anything. */
typedef void cxm_sort_runs(uint64_t *from, const uint32_t *ends, size_t n_runs, uint64_t *to);

/* What a scan for repeats asks of neighbours in sorted words, a bit for each of up to 64. */
struct cxm_near_rules {
    int key_shift, customer_shift; /* what lies above: key, and customer */
    uint64_t most;                 /* a later word of the key is near up to this difference */
    uint64_t time_mask, old;       /* old: time is at most that */
    bool none_old;
};

struct cxm_near {
    uint64_t near; /* the next word is of the same key, later, and near */
    uint64_t same; /* the next word is the same */
    uint64_t old;
    uint64_t last; /* of its customer */
};

/* Of words 0 … n - 1, n <= 64; word n is read too. */
typedef void cxm_near_words(const uint64_t *words, size_t n, const struct cxm_near_rules *rules,
                            struct cxm_near *out);

/* How many bits of each of four masks lie in each stretch that ends with a bit of `last`, of bits
 * 0 … n - 1. `open` has the counts of the stretch before, that was still open, and gets those of
 * the one that is at the end. Returns how many stretches ended. */
enum { CXM_MASKS = 4 };
typedef size_t cxm_count_stretches(const uint64_t masks[CXM_MASKS], uint64_t last, size_t n,
                                   uint32_t open[CXM_MASKS], uint32_t (*counts)[CXM_MASKS]);

/* Columns that are plain arrays, and how their rows become words (sorting.h). */
enum cxm_plain_kind { CXM_PLAIN_NONE, CXM_PLAIN_8, CXM_PLAIN_U8, CXM_PLAIN_U32, CXM_PLAIN_I32 };

struct cxm_plain_rows {
    enum cxm_plain_kind customer_kind, code_kind; /* customers: 8, U32, I32; codes: NONE, U8, U32 */
    const void *customer, *code;
    const int64_t *time;
    uint64_t customer_base, code_base, time_base; /* that are taken off */
    int customer_bits, code_bits, time_bits;
    uint64_t latest;   /* time - time_base of rows that are kept, at most */
    bool hashed;
};

/* Packs rows 0 … n - 1: words, and where customers are hashed those as they are. false when some
 * row does not fit: the words then hold anything. */
typedef bool cxm_pack_plain(const struct cxm_plain_rows *rows, size_t first, size_t n,
                            uint64_t *customers, uint64_t *words);

cxm_pack_plain cxm_priv_pack_plain_c;
cxm_sort_runs cxm_priv_sort_runs_c;
cxm_near_words cxm_priv_near_words_c;
cxm_count_stretches cxm_priv_count_stretches_c;
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_SORT_X86 1
cxm_pack_plain cxm_priv_pack_plain_avx2, cxm_priv_pack_plain_avx512;
cxm_sort_runs cxm_priv_sort_runs_avx2, cxm_priv_sort_runs_avx512;
cxm_near_words cxm_priv_near_words_avx2, cxm_priv_near_words_avx512;
cxm_count_stretches cxm_priv_count_stretches_popcnt;

/* The last words, fewer than a vector, i … n - 1. */
static inline void cxm_priv_near_rest(const uint64_t *words, size_t i, size_t n,
                                      const struct cxm_near_rules *rules, struct cxm_near *bits)
{
    struct cxm_near rest;
    if (i == n)
        return;
    cxm_priv_near_words_c(words + i, n - i, rules, &rest);
    bits->near |= rest.near << i;
    bits->same |= rest.same << i;
    bits->old |= rest.old << i;
    bits->last |= rest.last << i;
}

/* A cxm_pack_plain of PACK, which has the kinds as two more parameters: constants where it is
 * called, so that no branch on them is left in its loop. */
#define CXM_PACK_BY_CODE(PACK, customer_kind)                                                    \
    (r->code_kind == CXM_PLAIN_NONE                                                              \
         ? PACK(r, first, n, customers, words, customer_kind, CXM_PLAIN_NONE)                    \
     : r->code_kind == CXM_PLAIN_U8                                                              \
         ? PACK(r, first, n, customers, words, customer_kind, CXM_PLAIN_U8)                      \
         : PACK(r, first, n, customers, words, customer_kind, CXM_PLAIN_U32))
#define CXM_PACK_PLAIN(NAME, TARGET, PACK)                                                       \
    TARGET bool NAME(const struct cxm_plain_rows *r, size_t first, size_t n,                     \
                     uint64_t *customers, uint64_t *words)                                       \
    {                                                                                            \
        switch (r->customer_kind) {                                                              \
        case CXM_PLAIN_8: return CXM_PACK_BY_CODE(PACK, CXM_PLAIN_8);                            \
        case CXM_PLAIN_U32: return CXM_PACK_BY_CODE(PACK, CXM_PLAIN_U32);                        \
        case CXM_PLAIN_I32: return CXM_PACK_BY_CODE(PACK, CXM_PLAIN_I32);                        \
        case CXM_PLAIN_U8:                                                                       \
        case CXM_PLAIN_NONE:                                                                     \
        default: return cxm_priv_pack_plain_c(r, first, n, customers, words);                    \
        }                                                                                        \
    }
#else
#define CXM_SORT_X86 0
#endif

/* One-to-one among numbers of so many bits (1 … 64), and every bit reaches the highest. */
#define CXM_MIX_FACTOR 0x9E3779B97F4A7C15u
static inline uint64_t cxm_priv_mix(uint64_t x, int bits)
{
    return (x ^ x >> (bits + 1) / 2) * CXM_MIX_FACTOR & UINT64_MAX >> (64 - bits);
}

/* The same for one run of more than 16 words: dealt out to short runs, that `sort` sorts. */
void cxm_priv_sort_long(uint64_t *from, size_t n, uint64_t *to, cxm_sort_runs *sort);

struct cxm_sort_kernels {
    cxm_pack_plain *pack_plain;
    cxm_sort_runs *sort_runs;
    cxm_near_words *near_words;
    cxm_count_stretches *count_stretches;
};

/* `mask` forbids variants, for tests. */
enum { CXM_SORT_AVX512 = 1, CXM_SORT_POPCNT = 2, CXM_SORT_AVX2 = 4 };
struct cxm_sort_kernels cxm_priv_sort_kernels(unsigned mask);

#endif
