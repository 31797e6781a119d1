/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hot loop of cohort_dense.c and its variants: a bit in the word of a customer for the period of
 * an instant. The C variant is the reference. */
#ifndef CXM_SRC_COHORT_MARK_H
#define CXM_SRC_COHORT_MARK_H

#include "derive/cohort_bits.h"

/* Word i is that of customer low_id + i; the calendar has at most 32 periods. */
struct cxm_cohort_marks {
    const struct cxm_cohort_calendar *calendar;
    uint32_t *words;
    uint32_t low_id, n_ids;
};

/* Marks the first of n rows and returns how many: it stops before a row that is outside (and may stop
 * some rows before it), and CXM_MARK_LEFT or more rows before the last, which it only looks at. */
typedef size_t cxm_cohort_mark(const struct cxm_cohort_marks *marks, const uint32_t *ids,
                               const int64_t *times, size_t n);

/* Words are fetched so many rows before they are needed: memory that two threads have driven out of
 * the cache takes 150 ns, 24 rows were 50 ns (twice the time with two threads). */
enum { CXM_MARK_AHEAD = 48, CXM_MARK_LEFT = CXM_MARK_AHEAD + 8 };

cxm_cohort_mark cxm_priv_cohort_mark_c;
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_COHORT_X86 1
cxm_cohort_mark cxm_priv_cohort_mark_avx2;
#else
#define CXM_COHORT_X86 0
#endif

/* What this processor runs best; `mask` (of CXM_CPU_…) forbids variants, for tests. */
cxm_cohort_mark *cxm_priv_cohort_mark(unsigned mask);

#endif
