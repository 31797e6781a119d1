/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First-contact resolution by a repeat-contact window (重复来电窗口法的首接解决率): a contact was
 * solved at once when its customer did not come back within so many days. */
#ifndef CXM_FCR_H
#define CXM_FCR_H

#include <cxm/options.h>
#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The state of a contact. Every row has exactly one; only the first two are in the default
 *  denominator. The numbers never change. */
enum cxm_contact_state {
    CXM_CONTACT_FCR = 0,          /**< the window is over, and nobody came back */
    CXM_CONTACT_REPEAT = 1,       /**< the window is over, and somebody came back in it */
    CXM_CONTACT_PENDING = 2,      /**< the window is not over; nobody came back so far */
    CXM_CONTACT_EARLY_REPEAT = 3, /**< the window is not over, but somebody came back already */
    CXM_CONTACT_OPEN = 4,         /**< not resolved as of `as_of`: the window has not begun */
    CXM_CONTACT_BAD = 5,          /**< resolved before it was opened */
    CXM_CONTACT_UNSEEN = 6,       /**< opened after `as_of` */
    CXM_CONTACT_UNLINKED = 7,     /**< no customer, or no category where categories matter */
    CXM_CONTACT_MISSING = 8,      /**< no opening time */
    CXM_CONTACT_INVALID = 9       /**< an instant or key out of range, where those are counted */
};

/** "fcr", "repeat", "pending", "early_repeat", "open" …; never NULL. */
CXM_API const char *cxm_contact_state_name(enum cxm_contact_state state);

/** What the share is taken of. Contacts whose window is over are the only ones that are known
 *  either way; the other choices are what some reports do. */
enum cxm_fcr_denominator {
    CXM_FCR_MATURE = 0,             /**< fcr / (fcr + repeat); the default */
    CXM_FCR_KEEP_EARLY_REPEATS = 1, /**< early repeats are failures: biased down */
    CXM_FCR_PENDING_AS_SUCCESS = 2, /**< and pending contacts are successes: biased up */
    CXM_FCR_ALL = 3                 /**< mature, and contacts still open so long after their
                                         opening as failures */
};

enum cxm_fcr_anchor { CXM_FCR_FROM_RESOLUTION = 0, CXM_FCR_FROM_OPENING = 1 };

/** The contacts of whole customers. Set `size`; zero members mean none or the default. */
struct cxm_contacts {
    size_t size;                        /**< sizeof(struct cxm_contacts) */
    const struct cxm_column *customer;  /**< any kind of key; missing: unlinked */
    const struct cxm_column *opened;    /**< instants; missing: a missing row */
    const struct cxm_column *resolved;  /**< instants; missing, or after as_of: open. NULL only
                                             from the opening: then nothing is bad */
    const struct cxm_column *category;  /**< any kind of key; NULL: ignored */
    const struct cxm_column *by;        /**< keys of the groups of contacts */
    size_t n_by;                        /**< 0 means 1 when `by` is set */
    int64_t as_of;                      /**< seconds since 1970 UTC: what was known then */
    int64_t period_start, period_end;   /**< count only contacts opened in [start, end); others
                                             are history. Both 0: all */
    uint8_t *states;                    /**< a cxm_contact_state for every row; NULL: not wanted */
    int32_t invalid;                    /**< enum cxm_invalid */
    int32_t missing_key;                /**< enum cxm_missing_key */
    int32_t threads;                    /**< 0: this thread only */
    int32_t reserved;
};

/**
 * Adds contacts to an empty tally of "fcr_window".
 *
 * With key = customer, or customer and category, and W = window:
 *   anchor      the resolution (default) or the opening; end = anchor + W, at most INT64_MAX
 *   next        the first opening of the same key that is after the own opening and not after
 *               as_of; contacts of the same second are no repeats of one another, and a contact
 *               made while the first is still open is one (unless after_only)
 *   repeat      next <= end (right = "open": next < end)
 *   over        end <= as_of (an end beyond INT64_MAX never is)
 *   lookback    above 0: a contact that was opened within so many seconds after another of its key
 *               is no first contact: history only, not in the denominator (not_in_denominator),
 *               whatever its state; issues are as without
 * Rows of a key chain into an issue while they are opened no later than the largest end so far;
 * it is a success when none of its contacts has a repeat, and belongs to the group of its first
 * contact. What is bad makes no issue, but its opening is a contact.
 *
 * A customer's history must be whole: add all rows of a customer in one call. The tally must
 * therefore be empty; tallies of different customers merge. To split by time instead, hand over
 * the rows of a period and of a window after it, and set the period.
 *
 * @param contacts  columns of one length; `states` has room for a byte a row
 * @retval CXM_EINVAL     the tally is of another metric or not empty, a column is missing, there
 *                        is a category although key is "customer" or none although it is not
 * @retval CXM_EDATA      an instant or key out of range: the lowest such row is named
 * @retval CXM_EOVERFLOW  more than 2^32 - 2 rows  @retval CXM_ENOMEM
 * On failure the tally is as it was, and `states` too. Cost: one pass and a sort inside the
 * cache. Memory: 8 bytes a row for windows from the opening without states and groups, else 16;
 * 8 more for customers whose numbers lie far apart, 32 in all for rows whose instants lie far from
 * the others; groups 22 more while rows are added, text customers 8 and their dictionary. States
 * do not depend on the order of rows, nor on threads. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_add_contacts(struct cxm_tally *tally, const struct cxm_contacts *contacts,
                       struct cxm_error *error);

struct cxm_fcr_window_options {
    size_t size;                 /**< set by CXM_INIT */
    double level;                /**< confidence level; 0: 0.95 */
    int32_t interval;            /**< enum cxm_interval; 0: t over customers */
    int32_t anchor;              /**< enum cxm_fcr_anchor */
    int32_t right_open;          /**< not 0: exactly at the end of the window is too late */
    int32_t after_only;          /**< not 0: only contacts after the anchor are repeats */
    int32_t missing_category;    /**< not 0: a category of its own; 0: unlinked */
    int32_t denominator;         /**< enum cxm_fcr_denominator */
    int32_t total;               /**< not 0: rows of all groups merged come last */
    int32_t all_measures;        /**< not 0: all measures, not the default ones only */
    int64_t lookback;            /**< seconds; above 0: only first contacts are counted */
};

#define CXM_INIT_fcr_window .size = sizeof(struct cxm_fcr_window_options)

/**
 * First-contact resolution in one call: the rules of cxm_tally_add_contacts, then one row a
 * group and measure.
 *
 *   fcr        successes / counted contacts, in [0, 1]
 *   std_error  by customer: m/(m-1) sum_c (y_c - p n_c)^2 / N^2, m customers (Cochran 1977);
 *              interval t with m - 1 degrees of freedom. "wilson" and the other intervals of
 *              shares take every contact for independent, and sqrt(p q / n) with it
 *   issue_fcr  the same of issues
 *
 * In a grouped result customers are clusters within their group, also in the total.
 * @param window  seconds, 0 … 2^53
 * Errors as cxm_tally_add_contacts, and those of options. On failure `rows` is as it was.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_fcr_window(const struct cxm_contacts *contacts, int64_t window,
               const struct cxm_fcr_window_options *options, struct cxm_row *rows,
               size_t row_bytes, size_t capacity, size_t *n_out, struct cxm_error *error);

/**
 * The same rate with the contacts whose window is not over: the chance of no repeat within the
 * window by Kaplan & Meier (1958). A contact's time runs from its anchor to the next contact (0 when
 * that came before the anchor), or is censored at as_of; S(window) is the rate. Uses every
 * resolved contact, so it is less variable than fcr where many windows are open; it takes
 * contacts for independent, and those that are pending for like the others.
 *
 * A row a group, measure "fcr_km": std_error by Greenwood, limits log-log (options->interval: one
 * of those of survival curves), axes `at_risk` (contacts whose time was not over at the window's
 * end) and `events` (repeats within it). CENSORED and NaN where every contact's time is shorter than
 * the window and some of them were not repeated. Options as cxm_fcr_window; the denominator is of no
 * use. Errors as cxm_fcr_window.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_fcr_km(const struct cxm_contacts *contacts, int64_t window,
           const struct cxm_fcr_window_options *options, struct cxm_report **out,
           struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
