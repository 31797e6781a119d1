/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loops of weighted bins and of means with AVX2 and with AVX-512: four and eight groups a vector. */
#include "metric/weighed_loops.h"

#if CXM_WEIGHED_X86

__attribute__((target("avx2,fma"))) void
cxm_priv_weigh_avx2(const struct cxm_weighing *w, struct cxm_weighed *out)
{
    cxm_weigh_loop(w, out, true);
}

CXM_TARGET("avx512f,avx512dq,avx512vl,fma") void
cxm_priv_weigh_avx512(const struct cxm_weighing *w, struct cxm_weighed *out)
{
    cxm_weigh_loop(w, out, true);
}

__attribute__((target("avx2,fma"))) void
cxm_priv_average_avx2(const struct cxm_averaging *a, struct cxm_weighed *out)
{
    cxm_average_loop(a, out, true);
}

CXM_TARGET("avx512f,avx512dq,avx512vl,fma") void
cxm_priv_average_avx512(const struct cxm_averaging *a, struct cxm_weighed *out)
{
    cxm_average_loop(a, out, true);
}

#endif
