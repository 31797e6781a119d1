/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Members of structs as columns: the reference in C, and the choice among the variants. Typical: 2 to
 * 11 members of a struct of 64 bytes, 1 024 rows. The variants read 16 bytes of a row at once, which
 * hold up to four members or more, and turn those of 16 rows (or 8) into columns within registers:
 * a load and two shuffles for four members of a row, where one by one each is a load and a store. Rows
 * are read in their order, and with each one the line of a later one is asked for: a processor then
 * finds out by itself what comes next, and half of the time that memory takes is saved. With AVX2, of
 * a thousand rows four quarters take turns: of each the processor finds that out. */
#include "column/unweave.h"

void cxm_priv_unweave_plan(struct cxm_member *members, size_t n_members)
{
    int64_t start = INT64_MIN;
    for (size_t i = 0; i < n_members; i++) {
        struct cxm_member *m = &members[i];
        const uint64_t at = (uint64_t)m->offset - (uint64_t)start;
        const bool inside = start >= 0 && at + m->width <= 16
                         && (m->width >= 4 ? at % 4 == 0 : at % 4 + m->width <= 4);
        if (!inside)
            start = m->offset;
        m->at = inside ? (uint32_t)at : 0;
    }
}

#define COPY(TYPE)                                                                               \
    for (size_t i = 0; i < n; i++)                                                               \
        memcpy(to + i * sizeof(TYPE), from + (int64_t)i * stride, sizeof(TYPE));                 \
    break

static void copy(const uint8_t *from, int64_t stride, size_t n, uint32_t width, uint8_t *to)
{
    switch (width) {
    case 1: COPY(uint8_t);
    case 2: COPY(uint16_t);
    case 4: COPY(uint32_t);
    default: COPY(uint64_t);
    }
}

void cxm_priv_unweave_rows(const uint8_t *from, int64_t stride, size_t first, size_t last,
                           const struct cxm_member *members, size_t n_members)
{
    for (size_t m = 0; m < n_members; m++)
        copy(from + (int64_t)first * stride + members[m].offset, stride, last - first,
             members[m].width, members[m].to + first * members[m].width);
}

void cxm_priv_unweave_c(const uint8_t *from, int64_t stride, size_t n,
                        const struct cxm_member *members, size_t n_members, int64_t ahead, bool more)
{
    const struct cxm_asking asking = { (uintptr_t)from + (uintptr_t)ahead, stride };
    (void)more;
    for (size_t row = 0; row < n; row += CXM_WEAVE_ROWS) {
        const size_t end = n - row < CXM_WEAVE_ROWS ? n : row + CXM_WEAVE_ROWS;
        for (size_t i = row; ahead != 0 && i < end; i++)
            cxm_priv_ask(asking, i);
        cxm_priv_unweave_rows(from, stride, row, end, members, n_members);
    }
}

bool cxm_priv_unweave_streams(cxm_unweave *unweave, int64_t stride)
{
#if CXM_UNWEAVE_X86
    return unweave == cxm_priv_unweave_avx2 && stride >= CXM_LEAST_WEAVE && stride <= CXM_MOST_WEAVE;
#else
    (void)unweave, (void)stride;
    return false;
#endif
}

cxm_unweave *cxm_priv_unweave(unsigned mask)
{
#if CXM_UNWEAVE_X86
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512f") && CXM_SUPPORTS("avx512bw"))
        return cxm_priv_unweave_avx512;
    if ((mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2"))
        return cxm_priv_unweave_avx2;
#else
    (void)mask;
#endif
    return cxm_priv_unweave_c;
}
