/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the roads of selection share, and the entry of the sampled one: for select.c. */
#ifndef CXM_SRC_SELECT_ROWS_H
#define CXM_SRC_SELECT_ROWS_H

#include "derive/select.h"

/* ---- rows in ranges, one a thread -------------------------------------------------------- */

enum { CXM_SELECT_BLOCK = 1024, CXM_SELECT_THREADS = 64 };

/* Runs work(items[i]) for all n items of that size, each in a thread of its own; where no thread
 * can be had, here. */
void cxm_priv_select_run(void *items, size_t item_bytes, int n, void (*work)(void *));
int cxm_priv_select_workers(const struct cxm_selection *s);
/* The first row of range i of n. */
int64_t cxm_priv_select_first(const struct cxm_selection *s, int i, int n);

/* The codes of a block: where they lie or in `buffer`; NULL: all rows are of group 0. */
const uint32_t *cxm_priv_select_codes(const struct cxm_selection *s, int64_t first, size_t n,
                                      uint32_t *buffer);

/* Those of n keys that were packed side by side, of so many bytes each. */
const uint32_t *cxm_priv_select_packed_codes(const struct cxm_selection *s, const void *keys,
                                             size_t n, uint32_t *buffer);
uint32_t cxm_priv_select_key_bytes(const struct cxm_selection *s);

/* EDATA that names a row whose value is invalid. */
enum cxm_status cxm_priv_select_refuse(const struct cxm_column *column, int64_t row,
                                       struct cxm_error *error);

/* The word of a rank: quickselect in place, after which those before it are not larger and those
 * behind it not smaller. */
uint64_t cxm_priv_select_rank(uint64_t *x, size_t n, size_t rank);
/* One or more words that lie side by side. */
struct cxm_span {
    const uint64_t *words;
    size_t n;
};
/* Words of k <= CXM_SELECT_TOGETHER ranks among all words of the spans: a histogram of fine parts,
 * then quickselect in the few parts that are wanted, which are copied to `scratch` (room for
 * all). */
enum { CXM_SELECT_TOGETHER = 64 };
void cxm_priv_select_ranks(const struct cxm_span *spans, size_t n_spans, const int64_t *ranks,
                           size_t k, uint64_t *scratch, uint64_t *out);
double cxm_priv_select_number(uint64_t word);

/* ---- the sampled road -------------------------------------------------------------------- */

enum { CXM_SELECT_RUN = 8, CXM_SELECT_PROBS = 32 }; /* rows of a run of the sample; probs at most */

enum cxm_sample_result { CXM_SAMPLE_DONE, CXM_SAMPLE_NO, CXM_SAMPLE_NO_MEMORY, CXM_SAMPLE_BAD };

/* Counts n, missing and invalid of all groups into s, and keeps the values of the brackets, `scale`
 * times as wide as usual. NO: the sample says that this does not pay; BAD: *bad_row is the
 * lowest invalid row. */
enum cxm_sample_result cxm_priv_sampled_count(struct cxm_selection *s, double scale,
                                             int64_t *bad_row);
/* NO: a rank lies outside of its brackets. */
enum cxm_sample_result cxm_priv_sampled_values(struct cxm_selection *s, const uint32_t *groups,
                                              const int64_t *ranks, size_t n, double *out);
void cxm_priv_sampled_release(struct cxm_selection *s);

#endif
