/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Points in time order, from columns or from the groups of a tally: what charts and change
 * points start from. */
#ifndef CXM_SRC_SEQUENCE_H
#define CXM_SRC_SEQUENCE_H

#include "analysis/report.h"
#include "column/read.h"

#include <cxm/chart.h>

#define CXM_MOST_COUNT 9007199254740992.0 /* 2^53 */

struct cxm_place {
    double value;        /* NaN: missing */
    double size;         /* of a rate; 1 otherwise */
    int64_t row;         /* of the column, or the group */
    bool no_period;      /* has no place in time */
    bool period_gap;     /* calendar periods are missing between the one before and this */
    bool first;          /* of its series */
};

struct cxm_sequence {
    const char *metric, *measure;  /* names of a tally's; metric "": columns */
    const char *of;                /* its definition, or "" */
    char names[3][96];
    struct cxm_tally *tally;
    uint32_t measure_index;
    bool of_rows;                  /* the measure is a share of rows */
    size_t time_key;
    const struct cxm_column *period; /* of columns */
    struct cxm_key_plan period_plan; /* of them */
    struct cxm_key_info period_info;
    size_t n;
    struct cxm_place *places;      /* series after series, each in time order */
    struct cxm_estimate *estimates;/* of a tally, by group */
    struct cxm_estimate blank;     /* of columns */
};

struct cxm_sequence_input {
    const char *values_name;
    const struct cxm_column *values, *sizes, *period;
    bool rate;           /* values are counts of sizes */
    bool share;          /* … and not above them */
    bool counts;         /* values are whole numbers >= 0 */
};

enum cxm_status cxm_priv_sequence_columns(const struct cxm_sequence_input *input,
                                          struct cxm_sequence *out, struct cxm_error *error);

/* What the points of a tally are. */
enum cxm_points {
    CXM_POINTS_VALUES,  /* the values of the measure, size 1 */
    CXM_POINTS_SHARES,  /* how many said yes, of n */
    CXM_POINTS_RATES,   /* events, of an exposure in the unit of the measure */
    CXM_POINTS_COUNTS   /* events, or what a measure counts; size 1 */
};
enum cxm_status cxm_priv_sequence_tally(struct cxm_tally *tally, uint32_t measure,
                                        enum cxm_points points, struct cxm_sequence *out,
                                        struct cxm_error *error);
void cxm_priv_sequence_release(struct cxm_sequence *sequence);

/* The length of the series that starts at a place. */
size_t cxm_priv_sequence_series(const struct cxm_sequence *s, size_t first);

/* The key columns of a report on the sequence, and its axis `period`. */
int cxm_priv_sequence_axes(const struct cxm_sequence *s, struct cxm_report *report);
/* Sets keys and period of a row; period_axis -1: keys only. */
void cxm_priv_sequence_place(const struct cxm_sequence *s, struct cxm_report *report,
                             size_t row, int period_axis, size_t at);
/* The estimate that a row about a place starts from: counts and base, no numbers. */
struct cxm_estimate cxm_priv_sequence_estimate(const struct cxm_sequence *s, size_t at);

/* The period of a place. False: the tally is out of memory. */
bool cxm_priv_sequence_period(const struct cxm_sequence *s, size_t at, struct cxm_key *out);
/* Does a calendar have periods between these two first days? */
bool cxm_priv_periods_leap(int32_t calendar, int64_t before, int64_t after);

/* "2024-03-01", "row 7": for messages. */
const char *cxm_priv_sequence_where(const struct cxm_sequence *s, size_t at, char *out,
                                    size_t capacity);

#endif
