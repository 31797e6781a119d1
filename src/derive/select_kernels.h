/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two loops of the sampled selection (select_sample.c) that pay in vectors, and their
 * variants. The C variant is the reference. */
#ifndef CXM_SRC_SELECT_KERNELS_H
#define CXM_SRC_SELECT_KERNELS_H

#include "base/base.h"

/* Numbers to buckets, 1 << bits of them, in ascending order: evenly wide around 0 up to `near`, beyond
 * evenly wide in the logarithm, as the bits of a double are; the last ones take what lies outside. */
struct cxm_select_map {
    double near;
    int64_t base; /* of bucket 0, as cxm_priv_select_place gives it */
    unsigned shift, bits;
    uint32_t n_groups;
};

/* Where the buckets of a group begin. Not a power of two apart: where all groups crowd into the same
 * few buckets, their lines would all be of one set of the first-level cache. */
static inline uint32_t cxm_priv_select_pitch(const struct cxm_select_map *map)
{
    return ((uint32_t)1 << map->bits) + 32;
}

/* The order of places is that of the numbers; unequal numbers may share one. */
static inline int64_t cxm_priv_select_place(double near, double x)
{
    const double size = (x < 0 ? -x : x) + near;
    int64_t bits, zero;
    memcpy(&bits, &size, sizeof bits);
    memcpy(&zero, &near, sizeof zero);
    return x < 0 ? zero - bits : bits - zero;
}

/* A word whose unsigned order is that of the numbers; -0.0 is 0.0. */
static inline uint64_t cxm_priv_select_word(double x)
{
    uint64_t bits;
    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ ((bits >> 63) ? UINT64_MAX : UINT64_C(1) << 63);
}

/* index[i] = min(codes[i], n_groups) * pitch + bucket of x[i]; codes NULL: all 0. True when all
 * numbers are finite; the bucket of a NaN is any. */
typedef bool cxm_select_index(const struct cxm_select_map *map, const double *x,
                              const uint32_t *codes, size_t n, uint32_t *index);
/* The words and cells of the rows whose cell is odd, in order, but not those whose word is
 * pivots[cell / 2] (NULL: there are none); their number. There is room for CXM_SELECT_SLACK more. */
typedef size_t cxm_select_pick(const double *x, const uint16_t *cells, const uint64_t *pivots,
                               size_t n, uint64_t *words, uint16_t *picked);
/* The smallest and the largest of n > 0 numbers of so many bytes (1, 2, 4, 8), after ^ flip. */
typedef void cxm_select_range(const void *values, size_t n, size_t bytes, uint64_t flip,
                              uint64_t *least, uint64_t *most);

enum { CXM_SELECT_SLACK = 32 };

cxm_select_index cxm_priv_select_index_c;
cxm_select_pick cxm_priv_select_pick_c;
cxm_select_range cxm_priv_select_range_c;
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_SELECT_X86 1
cxm_select_index cxm_priv_select_index_avx2, cxm_priv_select_index_avx512;
cxm_select_pick cxm_priv_select_pick_avx2, cxm_priv_select_pick_avx512;
cxm_select_range cxm_priv_select_range_avx2, cxm_priv_select_range_avx512;
#else
#define CXM_SELECT_X86 0
#endif

struct cxm_select_kernels {
    cxm_select_index *index;
    cxm_select_pick *pick;
    cxm_select_range *range;
    bool large_table; /* processors that have these have caches of 1 MiB and more */
};

/* What this processor runs best; `without` forbids variants, for tests. */
enum { CXM_SELECT_AVX512 = 1, CXM_SELECT_AVX2 = 2 };
struct cxm_select_kernels cxm_priv_select_kernels(unsigned without);

#endif
