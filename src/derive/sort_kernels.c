/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The C variants, and the choice among all. Runs are short, a few words; a long one is merged
 * from the bottom up (Knuth 1998, section 5.2.4). */
#include "derive/sort_kernels.h"

enum { SHORT_RUN = 16 }; /* words that insertion sorts faster than merging */

static uint64_t plain_at(const void *array, enum cxm_plain_kind kind, size_t row)
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

bool cxm_priv_pack_plain_c(const struct cxm_plain_rows *r, size_t first, size_t n,
                           uint64_t *customers, uint64_t *words)
{
    const int rest_bits = r->code_bits + r->time_bits;
    uint64_t odd = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t row = first + i;
        const uint64_t customer = plain_at(r->customer, r->customer_kind, row) - r->customer_base;
        const uint64_t time = (uint64_t)r->time[row] - r->time_base;
        uint64_t word = time;
        odd |= time > r->latest;
        if (r->code_kind != CXM_PLAIN_NONE) {
            const uint64_t code = plain_at(r->code, r->code_kind, row) - r->code_base;
            odd |= code >> r->code_bits | (code + 1) >> r->code_bits; /* the last is for missing */
            word |= code << r->time_bits;
        }
        if (r->hashed) {
            customers[i] = customer;
        } else {
            odd |= r->customer_bits < 64 ? customer >> r->customer_bits : 0;
            word |= cxm_priv_mix(customer, r->customer_bits) << rest_bits;
        }
        words[i] = word;
    }
    return odd == 0;
}

static void insertion_sort(uint64_t *words, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const uint64_t word = words[i];
        size_t at = i;
        for (; at > 0 && words[at - 1] > word; at--)
            words[at] = words[at - 1];
        words[at] = word;
    }
}

/* Runs that follow one another in order already are left alone, so that a log in time order costs
 * one comparison a run. */
void cxm_priv_sort_run(uint64_t *words, size_t n, uint64_t *other)
{
    for (size_t left = 0; left < n; left += SHORT_RUN)
        insertion_sort(words + left, n - left < SHORT_RUN ? n - left : SHORT_RUN);
    for (size_t width = SHORT_RUN; width < n; width *= 2) {
        for (size_t left = 0; left + width < n; left += 2 * width) {
            uint64_t *const a = words + left, *const b = a + width;
            const size_t n_b = n - left - width < width ? n - left - width : width;
            if (b[-1] <= b[0])
                continue;
            memcpy(other, a, width * sizeof *a);
            size_t i = 0, j = 0;
            for (uint64_t *to = a; i < width; to++)
                *to = j < n_b && b[j] < other[i] ? b[j++] : other[i++];
        }
    }
}

void cxm_priv_sort_runs_c(uint64_t *from, const uint32_t *ends, size_t n_runs, uint64_t *to)
{
    for (size_t r = 0, start = 0; r < n_runs; start = ends[r++]) {
        const size_t n = ends[r] - start;
        memcpy(to + start, from + start, n * sizeof *to);
        if (n > 1)
            cxm_priv_sort_run(to + start, n, from + start);
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
