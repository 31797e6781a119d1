/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Options that every one-call function takes, and how their rows come out. Here and in all other
 * options reserved members are 0: anything else is refused with CXM_EINVAL, so that a later version
 * may give them a meaning.
 *
 *   struct cxm_row row;
 *   cxm_nps(&score, NULL, CXM_ROW(row), NULL, &error);                   all defaults
 *   cxm_nps(&score, &(struct cxm_nps_options){ CXM_INIT(nps), .by = &channel },
 *           CXM_ROWS(rows), &n, &error);                                  a row a channel
 *
 * In C++, which has no such literals:
 *   cxm_nps_options options = {};
 *   options.size = sizeof options;
 *   options.by = &channel; */
#ifndef CXM_OPTIONS_H
#define CXM_OPTIONS_H

#include <cxm/tally.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Members that all options start with; `size` is their own size. */
#define CXM_COMMON_OPTIONS                                                                       \
    size_t size;                      /* sizeof the options, set by CXM_INIT */                   \
    const struct cxm_column *by;      /* keys of the groups; NULL: one group */                   \
    size_t n_by;                      /* number of keys; 0 means 1 when `by` is set */            \
    const struct cxm_column *weight;  /* survey weights; NULL: none */                            \
    const struct cxm_column *freq;    /* whole copies of each row; NULL: one each */              \
    double level;                     /* confidence level; 0: 0.95 */                             \
    int32_t interval;                 /* enum cxm_interval; 0: each measure's default */          \
    int32_t invalid;                  /* enum cxm_invalid; 0: invalid values are an error */      \
    int32_t missing_key;              /* enum cxm_missing_key; 0: kept as a group */              \
    int32_t threads;                  /* 0: this thread only */                                   \
    int32_t total;                    /* not 0: rows of all groups merged come last */            \
    int32_t all_measures;             /* not 0: all measures, not the default ones only */        \
    const struct cxm_column *strata;  /* sampling design, see struct cxm_input; NULL: none */     \
    const struct cxm_column *cluster; /* units drawn; several: of the first stage, the second */  \
    size_t n_cluster;                 /* number of those; 0 means 1 when `cluster` is set */      \
    const struct cxm_column *fpc;     /* finite populations, by stage */                          \
    size_t n_fpc;                     /* number of those; 0 means 1 when `fpc` is set */          \
    double population;                /* of a simple random sample; 0: infinite, or `fpc` */      \
    int32_t lonely;                   /* enum cxm_lonely; 0: an error */                          \
    int32_t design_reserved           /* 0 */

/** The first initialiser of options: `{ CXM_INIT(nps), .by = &channel }`. It sets the size only;
 *  members that are 0 have their defaults. */
#define CXM_INIT(metric) CXM_INIT_##metric

/** An array of rows, or a single row, as the three arguments of a one-call function. A pointer to
 *  rows has no length of its own and does not compile: pass `rows, sizeof *rows, how_many`. */
#define CXM_ROWS(array) (array), sizeof (array)[0],                                               \
    sizeof (array) / sizeof (array)[0] / sizeof(char[sizeof (array) < sizeof (array)[0] ? -1 : 1])
#define CXM_ROW(row) &(row), sizeof (row), (size_t)1

#ifdef __cplusplus
}
#endif

#endif
