/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns out of an array of structs: members of a row side by side with those of the next. */
#ifndef CXM_SRC_UNWEAVE_H
#define CXM_SRC_UNWEAVE_H

#include "base/base.h"

/* Lines of memory that will be read soon are asked for meanwhile, one by one: where the first one is,
 * and how far the next. Many at once would be in the way of what is read and written now. */
struct cxm_asking {
    uintptr_t from;
    int64_t step;
};

CXM_PREFETCHER void cxm_priv_ask(struct cxm_asking asking, size_t i)
{
#if defined(__GNUC__)
    __builtin_prefetch((const void *)(asking.from + i * (uintptr_t)asking.step), 0, 3);
#else
    (void)asking, (void)i;
#endif
}

/* A member of 1, 2, 4 or 8 bytes, and where its column goes. `at` is for the variants: where in the 16
 * bytes that are read at once it begins; those begin at the last member before with at == 0. */
struct cxm_member {
    int64_t offset; /* from the first member, 0 or more */
    uint32_t width, at;
    uint8_t *to;
};

/* Fills in `at` of members in the order of their offsets. */
void cxm_priv_unweave_plan(struct cxm_member *members, size_t n_members);

/* Takes n rows apart, of which the first one's first member is at `from`, and asks for the bytes that
 * lie `ahead` of each row, or for none: 0. (A variant that reads many rows in a better way asks for
 * none.) Reads no byte before that member and none after the last one of the last row, or where there
 * are `more` rows, none after where the last one of the next row begins. Members of a row may lie
 * further apart than rows do. */
enum { CXM_LEAST_WEAVE = 16, CXM_MOST_WEAVE = 4096, CXM_WEAVE_ROWS = 16 }; /* rows whose lines stay in
                                                              the first-level cache meanwhile */
typedef void cxm_unweave(const uint8_t *from, int64_t stride, size_t n,
                         const struct cxm_member *members, size_t n_members, int64_t ahead,
                         bool more);

cxm_unweave cxm_priv_unweave_c;
/* Rows first … last - 1 of them, by the reference. */
void cxm_priv_unweave_rows(const uint8_t *from, int64_t stride, size_t first, size_t last,
                           const struct cxm_member *members, size_t n_members);
/* How many members from the first one on are within the 16 bytes that are read for it. */
static inline size_t cxm_priv_unweave_window(const struct cxm_member *members, size_t n_members)
{
    size_t n = 1;
    while (n < n_members && members[n].at > 0)
        n++;
    return n;
}
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_UNWEAVE_X86 1
cxm_unweave cxm_priv_unweave_avx2, cxm_priv_unweave_avx512;
#else
#define CXM_UNWEAVE_X86 0
#endif

/* Does this variant read rows of that stride, a thousand at a time, as fast as they come? Being asked
 * for lines by anybody else is then only in its way. */
bool cxm_priv_unweave_streams(cxm_unweave *unweave, int64_t stride);

/* What this processor runs best; `mask` (of CXM_CPU_…) forbids variants, for tests. */
cxm_unweave *cxm_priv_unweave(unsigned mask);

#endif
