/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The C variant of the hot loop of cohorts, and the choice. */
#include "derive/cohort_mark.h"

size_t cxm_priv_cohort_mark_c(const struct cxm_cohort_marks *m, const uint32_t *ids,
                              const int64_t *times, size_t n)
{
    const struct cxm_cohort_calendar *const c = m->calendar;
    const uint64_t begin = (uint64_t)c->begin, last = c->last;
    const int shift = c->shift;
    uint32_t *const words = m->words;
    const uint32_t low = m->low_id, n_ids = m->n_ids;
    size_t i = 0;
    for (; i + CXM_MARK_LEFT <= n; i++) {
        const uint32_t ahead = ids[i + CXM_MARK_AHEAD] - low, at = ids[i] - low;
        const uint64_t since = (uint64_t)times[i] - begin;
        __builtin_prefetch(&words[ahead < n_ids ? ahead : 0], 1);
        if (CXM_UNLIKELY(at >= n_ids || since > last))
            return i;
        words[at] |= (uint32_t)1 << ((since + c->add[since >> shift]) >> shift);
    }
    return i;
}

/* Where there is AVX-512 the C variant is what was measured. */
cxm_cohort_mark *cxm_priv_cohort_mark(unsigned mask)
{
#if CXM_COHORT_X86
    if ((mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2") && CXM_SUPPORTS("bmi2")
        && !CXM_SUPPORTS("avx512bw"))
        return cxm_priv_cohort_mark_avx2;
#else
    (void)mask;
#endif
    return cxm_priv_cohort_mark_c;
}
