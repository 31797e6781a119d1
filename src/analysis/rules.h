/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names of run rules, and what a report says about a pattern. */
#ifndef CXM_SRC_RULES_H
#define CXM_SRC_RULES_H

#include "estimate/chart.h"

/* Names separated by commas or blanks; "all". EINVAL names the unknown one. */
enum cxm_status cxm_priv_rules_read(const char *text, uint32_t *rules, struct cxm_error *error);
/* Appends "N1: beyond 3 sigma; N5: …". */
void cxm_priv_rules_tell(uint32_t rules, char *out, size_t capacity, size_t *used);
/* Appends "N1+WE4+N5" to a definition. */
void cxm_priv_rules_define(uint32_t rules, char *out, size_t capacity, size_t *used);

#endif
