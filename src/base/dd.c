/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole numbers as double-doubles; the arithmetic is in the header. */
#include "base/base.h"

struct cxm_dd cxm_priv_dd_int(int64_t x)
{
    const double hi = (double)x;
    if (x > -((int64_t)1 << 53) && x < (int64_t)1 << 53)
        return cxm_priv_dd(hi);
    /* (double)x may round up to 2^63, which int64 cannot hold. */
    return (struct cxm_dd){ hi, (double)(int64_t)((cxm_i128)x - (cxm_i128)hi) };
}
