/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pieces of work side by side, within one call: no thread outlives it. */
#ifndef CXM_SRC_THREADS_H
#define CXM_SRC_THREADS_H

#include <stddef.h>

enum { CXM_MOST_THREADS = 256 };

/* work(context, i) for i = 0 … n - 1 <= CXM_MOST_THREADS - 1, each in a thread of its own; the caller is
 * one of them, and does what no thread could be started for. */
void cxm_priv_side_by_side(int n, void (*work)(void *context, int i), void *context);

/* work(context, piece) for piece = 0 … n_pieces - 1, which threads take as they come: none waits long
 * for another that has more to do, or a slower core. */
void cxm_priv_share_out(int n_threads, size_t n_pieces, void (*work)(void *context, size_t piece),
                        void *context);

#endif
