/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reports: what an analysis returns. A comparison, a cohort matrix, a survival curve or a chart
 * has more than one number a group; all of them come out as rows of one schema:
 *
 *   the key columns · metric, measure, an estimate, its definition · the axis columns
 *
 * Axis columns are what the analysis adds: time, cohort, period, at_risk, statistic, p_value …
 * A report owns all that it holds; it can be read from several threads at once, and outlives
 * the tallies that it was made from. */
#ifndef CXM_REPORT_H
#define CXM_REPORT_H

#include <cxm/arrow.h>
#include <cxm/tally.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_report;

/** Frees a report; NULL is fine. */
CXM_API void cxm_report_free(struct cxm_report *report);

/** How many rows there are. Constant time, like all that follows unless it says otherwise. */
CXM_API size_t cxm_report_rows(const struct cxm_report *report);

/**
 * The estimates of all rows, one after the other; valid as long as the report. Undefined numbers
 * are NaN, and a flag says why. `group` numbers the distinct keys in the order of the rows
 * (CXM_TOTAL: all groups together), `measure` the distinct measures.
 */
CXM_API const struct cxm_estimate *cxm_report_estimates(const struct cxm_report *report);

/** One row with its names inside, for printing. @retval CXM_EINVAL no such row, or out is NULL */
CXM_API CXM_NODISCARD enum cxm_status
cxm_report_row(const struct cxm_report *report, size_t row, struct cxm_row *out);

/** Names of a row: static for the life of the report, never NULL ("" beyond the end). */
CXM_API const char *cxm_report_metric(const struct cxm_report *report, size_t row);
CXM_API const char *cxm_report_measure(const struct cxm_report *report, size_t row);
CXM_API const char *cxm_report_definition(const struct cxm_report *report, size_t row);

/* ---- key columns ---------------------------------------------------------------------- */

CXM_API size_t cxm_report_n_keys(const struct cxm_report *report);
/** @retval CXM_EINVAL no such key */
CXM_API CXM_NODISCARD enum cxm_status
cxm_report_key_info(const struct cxm_report *report, size_t key, struct cxm_key_info *out);
/** The key of a row; `missing` for the rows of all groups together. Text is in the report.
 *  @retval CXM_EINVAL no such row or key */
CXM_API CXM_NODISCARD enum cxm_status
cxm_report_key(const struct cxm_report *report, size_t row, size_t key, struct cxm_key *out);

/* ---- axis columns --------------------------------------------------------------------- */

enum cxm_axis_type {
    CXM_AXIS_REAL = 0,  /**< double; undefined is NaN */
    CXM_AXIS_INT = 1,   /**< int64; undefined is INT64_MIN */
    CXM_AXIS_TEXT = 2,  /**< UTF-8; undefined is NULL */
    CXM_AXIS_BOOL = 3,  /**< int64 0 or 1; undefined is INT64_MIN */
    CXM_AXIS_DATE = 4,  /**< int64 days since 1970-01-01 */
    CXM_AXIS_TIME = 5   /**< int64 seconds since 1970-01-01 UTC */
};

struct cxm_axis_info {
    char name[32];
    int32_t type;       /**< enum cxm_axis_type */
    int32_t reserved;
};

CXM_API size_t cxm_report_n_axes(const struct cxm_report *report);
/** @retval CXM_EINVAL no such axis */
CXM_API CXM_NODISCARD enum cxm_status
cxm_report_axis_info(const struct cxm_report *report, size_t axis, struct cxm_axis_info *out);
/** The axis of that name; -1 when there is none. */
CXM_API int64_t cxm_report_find_axis(const struct cxm_report *report, const char *name);

/** A whole column of a REAL axis; NULL for other types and axes that are not there. */
CXM_API const double *cxm_report_reals(const struct cxm_report *report, size_t axis);
/** A whole column of an INT, BOOL, DATE or TIME axis; NULL otherwise. */
CXM_API const int64_t *cxm_report_ints(const struct cxm_report *report, size_t axis);
/** A value of a TEXT axis; NULL when it is undefined or the axis is of another type. */
CXM_API const char *cxm_report_text(const struct cxm_report *report, size_t axis, size_t row);

/**
 * The rows as an Arrow C stream of one chunk: the key columns, the schema of all results, the
 * axes in their order; undefined values are null. A key called like a later column becomes
 * "…_key"; text that is not UTF-8 goes out as binary. The stream is independent of the report.
 * On failure `out` is untouched. Linear in the cells.
 * @param rows  numbers of the rows, in the order wanted; NULL: all (n_rows is not read)
 * @retval CXM_EINVAL    report or out is NULL, or there is no such row
 * @retval CXM_EOVERFLOW a text column above 2 GiB, a day that does not fit 32 bits
 * @retval CXM_ENOMEM
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_report_to_arrow(const struct cxm_report *report, const int64_t *rows, size_t n_rows,
                    struct ArrowArrayStream *out, struct cxm_error *error);

/**
 * Saves a report for another process or another day: little-endian, checksummed bytes, the same on every
 * machine; NaN and missing keys are kept. `*n_bytes` is set to the size where there is a report; capacity 0
 * asks for it (bytes may be NULL). Versions before 1.0 read their own bytes. Linear in the cells, no
 * allocation; several threads may save one report.
 * @retval CXM_EINVAL  report or n_bytes is NULL, or capacity above 0 but too small; nothing is written
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_report_save(const struct cxm_report *report, uint8_t *bytes, size_t capacity, size_t *n_bytes,
                struct cxm_error *error);

/**
 * Reads a saved report. The bytes may be hostile: everything is checked before use. Linear in the bytes;
 * on failure `*out` is as it was and nothing stays allocated.
 * @retval CXM_EINVAL  bytes or out is NULL   @retval CXM_ECORRUPT  not a report, or damaged
 * @retval CXM_EUNSUPPORTED  of a later version  @retval CXM_ENOMEM
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_report_load(const uint8_t *bytes, size_t n_bytes, const struct cxm_allocator *allocator,
                struct cxm_report **out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
