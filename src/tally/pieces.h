/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chunked and masked columns, piece by piece as plain ones. */
#ifndef CXM_SRC_PIECES_H
#define CXM_SRC_PIECES_H

#include "tally/tally.h"

/* Adds all rows of sources to a state, which it makes; on failure there is none. */
typedef enum cxm_status cxm_add_rows(const struct cxm_config *config,
                                     const struct cxm_sources *sources, int32_t threads,
                                     struct cxm_state *out, struct cxm_error *error);

/* Makes *out of all rows with `add`, which gets pieces without chunks and masks. *done false: there
 * are neither, or it would not pay, or a piece failed for another reason than memory: then the
 * whole is to be added as it is, which also tells what is wrong with which row. */
enum cxm_status cxm_priv_add_pieces(const struct cxm_config *config,
                                    const struct cxm_sources *sources, int32_t threads,
                                    cxm_add_rows *add, struct cxm_state *out, bool *done,
                                    struct cxm_error *error);

#endif
