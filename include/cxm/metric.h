/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The registry: what metrics there are, what they take and what they yield. Bindings read it
 * instead of repeating it. Everything returned is static and read-only. */
#ifndef CXM_METRIC_H
#define CXM_METRIC_H

#include <cxm/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How an input column is read. */
enum cxm_role {
    CXM_ROLE_RATING = 0,  /**< whole numbers within the scale */
    CXM_ROLE_NUMBER = 1,  /**< any finite real number; decimals and durations too */
    CXM_ROLE_FLAG = 2,    /**< yes / no: bool, 0 / 1, or labels */
    CXM_ROLE_KEY = 3,     /**< any key: integer, text, category, day … */
    CXM_ROLE_COUNT = 4,   /**< whole numbers >= 0 */
    CXM_ROLE_MONEY = 5    /**< whole minor units (cents), also below 0 */
};

enum cxm_param_kind {
    CXM_PARAM_NUMBER = 0,
    CXM_PARAM_INTEGER = 1,
    CXM_PARAM_YES_NO = 2,
    CXM_PARAM_CHOICE = 3,    /**< one of `choices`, as text */
    CXM_PARAM_PAIR = 4,      /**< two numbers, low and high */
    CXM_PARAM_NUMBERS = 5,   /**< a list of numbers */
    CXM_PARAM_TEXTS = 6,     /**< a list of names */
    CXM_PARAM_GROUPING = 7   /**< texts: names of the dimensions; numbers: for every item the
                                  index of its dimension, or -1 */
};

struct cxm_input_info {
    const char *name;        /**< "score" */
    const char *summary;
    int32_t role;            /**< enum cxm_role */
    int32_t optional;        /**< not 0: may be left out */
    int32_t many;            /**< not 0: one column per item */
    int32_t reserved;
};

struct cxm_param_info {
    const char *name;        /**< "promoter" */
    const char *summary;
    int32_t kind;            /**< enum cxm_param_kind */
    int32_t required;        /**< not 0: there is no default */
    double defaults[2];      /**< numbers, pairs, yes/no */
    const char *default_text;/**< choices; NULL otherwise */
    const char *const *choices; /**< NULL-terminated; NULL when any value goes */
    double lowest, highest;  /**< bounds of every number */
    int32_t later;           /**< not 0: saved tallies have it only where it is not the default */
    int32_t reserved;
};

struct cxm_measure_info {
    const char *name;        /**< "nps"; "share[k]" for a family of measures */
    const char *summary;
    const char *summary_zh;  /**< the term of the source articles */
    int32_t unit;            /**< enum cxm_unit */
    int32_t is_default;      /**< shown when nothing was asked for */
};

struct cxm_metric_info {
    const char *name;        /**< "nps" */
    const char *summary;
    const char *summary_zh;  /**< 净推荐值 */
    int32_t kind;            /**< number in saved tallies, never reused */
    int32_t base;            /**< enum cxm_base_kind */
    const struct cxm_input_info *inputs;
    int32_t n_inputs;
    const struct cxm_param_info *params;
    int32_t n_params;
    const struct cxm_measure_info *measures; /**< families are one entry; first = headline */
    int32_t n_measures;
    const enum cxm_interval *intervals;      /**< that the headline accepts, default first */
    int32_t n_intervals;
};

/** How many metrics there are. */
CXM_API size_t cxm_metric_count(void);
/** The metric with that index; NULL beyond the end. */
CXM_API const struct cxm_metric_info *cxm_metric_at(size_t index);
/** The metric with that name; NULL when there is none. */
CXM_API const struct cxm_metric_info *cxm_metric_find(const char *name);

/** A parameter by name. Numbers, pairs and yes/no go into `numbers`, text into `texts`. */
struct cxm_param {
    const char *name;
    const double *numbers;
    size_t n_numbers;
    const char *const *texts;
    size_t n_texts;
};

#ifdef __cplusplus
}
#endif

#endif
