/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the analyses of contacts share with the metric: checked columns, rules, the tally. */
#ifndef CXM_SRC_CONTACTS_H
#define CXM_SRC_CONTACTS_H

#include "derive/repeat.h"
#include "tally/tally.h"

/* Copies and checks what does not depend on a tally; n_by is the number of keys then. */
enum cxm_status cxm_priv_take_contacts(const struct cxm_contacts *contacts,
                                       struct cxm_contacts *out, struct cxm_error *error);
struct cxm_repeat_rules cxm_priv_repeat_rules(const struct cxm_tally *tally,
                                              const struct cxm_contacts *contacts);
/* An empty tally with the parameters of a call; fills in the defaults of its options. */
enum cxm_status cxm_priv_fcr_tally(const struct cxm_contacts *contacts, int64_t window,
                                   const struct cxm_fcr_window_options *options,
                                   struct cxm_fcr_window_options *o, struct cxm_tally **out,
                                   struct cxm_error *error);

#endif
