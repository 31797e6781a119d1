/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The C variants of the loops of selection, and the choice among all. */
#include "derive/select_kernels.h"

#include <float.h>
#include <math.h>

bool cxm_priv_select_index_c(const struct cxm_select_map *map, const double *x,
                             const uint32_t *codes, size_t n, uint32_t *index)
{
    const uint64_t last = ((uint64_t)1 << map->bits) - 1;
    const uint32_t pitch = cxm_priv_select_pitch(map);
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        const int64_t place = cxm_priv_select_place(map->near, x[i]);
        const int64_t from = place < map->base ? map->base : place;
        const uint64_t bucket = ((uint64_t)from - (uint64_t)map->base) >> map->shift;
        uint32_t code = codes != NULL ? codes[i] : 0;
        code = code < map->n_groups ? code : map->n_groups;
        index[i] = code * pitch + (uint32_t)(bucket < last ? bucket : last);
        finite &= fabs(x[i]) <= DBL_MAX;
    }
    return finite;
}

size_t cxm_priv_select_pick_c(const double *x, const uint16_t *cells, const uint64_t *pivots,
                              size_t n, uint64_t *words, uint16_t *picked)
{
    size_t used = 0;
    for (size_t i = 0; pivots == NULL && i < n; i++) {
        words[used] = cxm_priv_select_word(x[i]);
        picked[used] = cells[i];
        used += cells[i] & 1;
    }
    for (size_t i = 0; pivots != NULL && i < n; i++) {
        const uint64_t word = cxm_priv_select_word(x[i]);
        const uint16_t cell = cells[i];
        words[used] = word;
        picked[used] = cell;
        used += (cell & 1u) & (pivots[cell / 2] != word);
    }
    return used;
}

#define RANGE(TYPE)                                                                              \
    do {                                                                                         \
        TYPE low = (TYPE)-1, high = 0;                                                           \
        for (size_t i = 0; i < n; i++) {                                                         \
            TYPE v;                                                                              \
            memcpy(&v, from + sizeof v * i, sizeof v);                                           \
            v = (TYPE)(v ^ flip);                                                                \
            low = v < low ? v : low;                                                             \
            high = v > high ? v : high;                                                          \
        }                                                                                        \
        *least = low;                                                                            \
        *most = high;                                                                            \
    } while (0)

void cxm_priv_select_range_c(const void *values, size_t n, size_t bytes, uint64_t flip,
                             uint64_t *least, uint64_t *most)
{
    const unsigned char *from = values;
    switch (bytes) {
    case 1: RANGE(uint8_t); break;
    case 2: RANGE(uint16_t); break;
    case 4: RANGE(uint32_t); break;
    default: RANGE(uint64_t);
    }
}

struct cxm_select_kernels cxm_priv_select_kernels(unsigned without)
{
    struct cxm_select_kernels k = { cxm_priv_select_index_c, cxm_priv_select_pick_c,
                                    cxm_priv_select_range_c, false };
#if CXM_SELECT_X86
    if ((without & CXM_SELECT_AVX2) == 0 && CXM_SUPPORTS("avx2") && CXM_SUPPORTS("popcnt")) {
        k.index = cxm_priv_select_index_avx2;
        k.pick = cxm_priv_select_pick_avx2;
        k.range = cxm_priv_select_range_avx2;
    }
    if ((without & CXM_SELECT_AVX512) == 0 && CXM_SUPPORTS("avx512f") && CXM_SUPPORTS("avx512dq")
        && CXM_SUPPORTS("avx512vl") && CXM_SUPPORTS("avx512bw")
        && CXM_SUPPORTS("avx512vbmi2")) {
        k.index = cxm_priv_select_index_avx512;
        k.pick = cxm_priv_select_pick_avx512;
        k.range = cxm_priv_select_range_avx512;
        k.large_table = true;
    }
#else
    (void)without;
#endif
    return k;
}
