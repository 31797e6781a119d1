/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The C variants of all but sorting (sort_runs.c), and the choice among all. */
#include "derive/sort_kernels.h"

/* Kinds are constants where this is called: no branch is left in the loop. */
static inline uint64_t plain_at(const void *array, enum cxm_plain_kind kind, size_t row)
{
    switch (kind) {
    case CXM_PLAIN_8: return ((const uint64_t *)array)[row];
    case CXM_PLAIN_U32: return ((const uint32_t *)array)[row];
    case CXM_PLAIN_I32: return (uint64_t)(int64_t)((const int32_t *)array)[row];
    case CXM_PLAIN_U8: return ((const uint8_t *)array)[row];
    case CXM_PLAIN_NONE:
    default: return 0;
    }
}

static inline bool pack(const struct cxm_plain_rows *rows, size_t first, size_t n,
                        uint64_t *restrict customers, uint64_t *restrict words,
                        enum cxm_plain_kind customer_kind, enum cxm_plain_kind code_kind,
                        bool hashed)
{
    const struct cxm_plain_rows r = *rows; /* which no word overlaps */
    const int rest_bits = r.code_bits + r.time_bits;
    const uint64_t most = UINT64_MAX >> (64 - r.customer_bits);
    uint64_t odd = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t customer = plain_at(r.customer, customer_kind, first + i) - r.customer_base;
        const uint64_t time = (uint64_t)r.time[first + i] - r.time_base;
        uint64_t word = time;
        wrong |= time > r.latest;
        if (code_kind != CXM_PLAIN_NONE) {
            const uint64_t code = plain_at(r.code, code_kind, first + i) - r.code_base;
            odd |= code | (code + 1); /* the last is for missing */
            word |= code << r.time_bits;
        }
        if (hashed) {
            customers[i] = customer;
        } else {
            wrong |= customer > most;
            word |= cxm_priv_mix(customer, r.customer_bits) << rest_bits;
        }
        words[i] = word;
    }
    return wrong == 0 && odd >> r.code_bits == 0;
}

#define PACK(customer_kind, code_kind)                                                          \
    (r->hashed ? pack(r, first, n, customers, words, customer_kind, code_kind, true)            \
               : pack(r, first, n, customers, words, customer_kind, code_kind, false))
#define BY_CODE(customer_kind)                                                                  \
    (r->code_kind == CXM_PLAIN_NONE ? PACK(customer_kind, CXM_PLAIN_NONE)                       \
     : r->code_kind == CXM_PLAIN_U8 ? PACK(customer_kind, CXM_PLAIN_U8)                         \
                                    : PACK(customer_kind, CXM_PLAIN_U32))

bool cxm_priv_pack_plain_c(const struct cxm_plain_rows *r, size_t first, size_t n,
                           uint64_t *customers, uint64_t *words)
{
    switch (r->customer_kind) {
    case CXM_PLAIN_U32: return BY_CODE(CXM_PLAIN_U32);
    case CXM_PLAIN_I32: return BY_CODE(CXM_PLAIN_I32);
    case CXM_PLAIN_8:
    case CXM_PLAIN_U8:
    case CXM_PLAIN_NONE:
    default: return BY_CODE(CXM_PLAIN_8);
    }
}

void cxm_priv_near_words_c(const uint64_t *words, size_t n, const struct cxm_near_rules *rules,
                           struct cxm_near *out)
{
    struct cxm_near bits = { 0, 0, 0, 0 };
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = words[i], next = words[i + 1];
        const bool key = (word ^ next) >> rules->key_shift == 0;
        const bool near = key && next - word - 1 < rules->most;
        const bool old = !rules->none_old && (word & rules->time_mask) <= rules->old;
        bits.near |= (uint64_t)near << i;
        bits.same |= (uint64_t)(word == next) << i;
        bits.old |= (uint64_t)old << i;
        bits.last |= (uint64_t)((word ^ next) >> rules->customer_shift != 0) << i;
    }
    *out = bits;
}

size_t cxm_priv_count_stretches_c(const uint64_t masks[CXM_MASKS], uint64_t last, size_t n,
                                  uint32_t open[CXM_MASKS], uint32_t (*counts)[CXM_MASKS])
{
    size_t ended = 0;
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < CXM_MASKS; k++)
            open[k] += (uint32_t)(masks[k] >> i & 1);
        if ((last >> i & 1) != 0) {
            memcpy(counts[ended++], open, sizeof counts[0]);
            memset(open, 0, sizeof counts[0]);
        }
    }
    return ended;
}

struct cxm_sort_kernels cxm_priv_sort_kernels(unsigned mask)
{
    struct cxm_sort_kernels k = { cxm_priv_pack_plain_c, cxm_priv_sort_runs_c,
                                  cxm_priv_near_words_c, cxm_priv_count_stretches_c };
#if CXM_SORT_X86
    if ((mask & CXM_SORT_AVX2) == 0 && CXM_SUPPORTS("avx2")) {
        k.sort_runs = cxm_priv_sort_runs_avx2;
        k.near_words = cxm_priv_near_words_avx2;
        k.pack_plain = cxm_priv_pack_plain_avx2;
    }
    if ((mask & CXM_SORT_AVX512) == 0 && CXM_SUPPORTS("avx512f")) {
        k.sort_runs = cxm_priv_sort_runs_avx512;
        k.near_words = cxm_priv_near_words_avx512;
    }
    if ((mask & CXM_SORT_AVX512) == 0 && CXM_SUPPORTS("avx512dq"))
        k.pack_plain = cxm_priv_pack_plain_avx512;
    if ((mask & CXM_SORT_POPCNT) == 0 && __builtin_cpu_supports("popcnt")
        && __builtin_cpu_supports("bmi"))
        k.count_stretches = cxm_priv_count_stretches_popcnt;
#else
    (void)mask;
#endif
    return k;
}
