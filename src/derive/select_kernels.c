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
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        const int64_t place = cxm_priv_select_place(map->near, x[i]);
        const int64_t from = place < map->base ? map->base : place;
        const uint64_t bucket = ((uint64_t)from - (uint64_t)map->base) >> map->shift;
        uint32_t code = codes != NULL ? codes[i] : 0;
        code = code < map->n_groups ? code : map->n_groups;
        index[i] = code << map->bits | (uint32_t)(bucket < last ? bucket : last);
        finite &= fabs(x[i]) <= DBL_MAX;
    }
    return finite;
}

size_t cxm_priv_select_pick_c(const double *x, const uint16_t *cells, size_t n, uint64_t *words,
                              uint16_t *picked)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        words[used] = cxm_priv_select_word(x[i]);
        picked[used] = cells[i];
        used += cells[i] & 1;
    }
    return used;
}

void cxm_priv_select_range_c(const void *values, size_t n, bool wide, uint64_t flip,
                             uint64_t *least, uint64_t *most)
{
    const unsigned char *from = values;
    uint64_t low = UINT64_MAX, high = 0;
    if (wide) {
        for (size_t i = 0; i < n; i++) {
            uint64_t v;
            memcpy(&v, from + 8 * i, sizeof v);
            v ^= flip;
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
    } else {
        uint32_t low32 = UINT32_MAX, high32 = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t v;
            memcpy(&v, from + 4 * i, sizeof v);
            v ^= (uint32_t)flip;
            low32 = v < low32 ? v : low32;
            high32 = v > high32 ? v : high32;
        }
        low = low32;
        high = high32;
    }
    *least = low;
    *most = high;
}

struct cxm_select_kernels cxm_priv_select_kernels(bool plain)
{
    struct cxm_select_kernels k = { cxm_priv_select_index_c, cxm_priv_select_pick_c,
                                    cxm_priv_select_range_c };
#if CXM_SELECT_X86
    if (!plain && CXM_SUPPORTS("avx512f") && CXM_SUPPORTS("avx512dq")
        && CXM_SUPPORTS("avx512vl") && CXM_SUPPORTS("avx512bw")
        && CXM_SUPPORTS("avx512vbmi2")) {
        k.index = cxm_priv_select_index_avx512;
        k.pick = cxm_priv_select_pick_avx512;
        k.range = cxm_priv_select_range_avx512;
    }
#else
    (void)plain;
#endif
    return k;
}
