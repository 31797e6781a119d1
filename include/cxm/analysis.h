/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What can be done with metrics beyond one number a group: the second registry. Each analysis
 * is a function cxm_NAME of the library and of Python; most of them return a report. */
#ifndef CXM_ANALYSIS_H
#define CXM_ANALYSIS_H

#include <cxm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_analysis_info {
    const char *name;        /**< "chart": cxm.chart in Python */
    const char *summary;
    const char *summary_zh;  /**< 控制图 */
    const char *source;      /**< author and year of the method */
};

/** How many analyses there are. */
CXM_API size_t cxm_analysis_count(void);
/** The analysis with that index, in the order of the names; NULL beyond the end. */
CXM_API const struct cxm_analysis_info *cxm_analysis_at(size_t index);
/** The analysis with that name; NULL when there is none. */
CXM_API const struct cxm_analysis_info *cxm_analysis_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
