/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Presets: named sets of parameters that reproduce the rule of a product. Products of one kind
 * show different numbers for the same data; a preset says which rule, where it is written, when
 * that was read, and what makes it differ. Names of products belong to their owners. */
#ifndef CXM_PRESET_H
#define CXM_PRESET_H

#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_preset_info {
    const char *name;        /**< "zendesk_one_touch_2" */
    const char *product;     /**< "Zendesk Explore" */
    const char *metric;      /**< of this library: "one_touch" */
    const char *measure;     /**< of that metric: "one_touch" */
    const struct cxm_param *params; /**< that differ from the defaults of the metric */
    int32_t n_params;
    int32_t verified;        /**< 1: the rule was read where the source says; 0: second hand,
                                  or read from an example */
    const char *source;      /**< where the rule is written */
    const char *date;        /**< when it was read, "2026" */
    const char *reason;      /**< what makes it differ from the library's default */
    const char *inputs;      /**< what other columns it needs: "replies = messages of the
                                  customer after the first"; "" none */
};

/** How many presets there are. */
CXM_API size_t cxm_preset_count(void);
/** The preset with that index, by metric and name; NULL beyond the end. */
CXM_API const struct cxm_preset_info *cxm_preset_at(size_t index);
/** The preset with that name; NULL when there is none. */
CXM_API const struct cxm_preset_info *cxm_preset_find(const char *name);

/**
 * The same data under several rules, side by side: a row for the measure of every preset (and
 * group of its tally), with the axes preset, product, verified, source, date and reason. A preset
 * of NULL stands for the library's own default: its headline, preset "default".
 *
 * @param tallies  of the metric of their preset, made with its params and filled by the caller
 * @param level    confidence level; 0: 0.95
 * @retval CXM_EINVAL     an argument is NULL, or level is out of range
 * @retval CXM_EMISMATCH  a tally is of another metric than its preset, or keys differ
 * @retval CXM_ENOMEM
 * `out` is untouched on failure. Linear in groups. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_preset_report(struct cxm_tally *const *tallies,
                  const struct cxm_preset_info *const *presets, size_t n, double level,
                  struct cxm_report **out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
