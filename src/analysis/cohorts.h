/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the two halves of the cohort analysis share. */
#ifndef CXM_SRC_COHORTS_H
#define CXM_SRC_COHORTS_H

#include "base/base.h"

#include <cxm/cohorts.h>

/* A checked copy of the options, of the whole size. */
enum cxm_status cxm_priv_cohorts_options(const struct cxm_cohorts_options *options,
                                         struct cxm_cohorts_options *out,
                                         struct cxm_error *error);

#endif
