/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tallies: the exact, mergeable counts behind a metric, per group.
 *
 * The same rows give the same tally and the same saved bytes in any order, in any chunks, with
 * any number of threads and after any tree of merges, with weights too. A call that fails
 * leaves the tally exactly as it was. A tally is used by one thread at a time; distinct
 * tallies are independent. Inputs are borrowed for the call. */
#ifndef CXM_TALLY_H
#define CXM_TALLY_H

#include <cxm/calibrate.h>
#include <cxm/column.h>
#include <cxm/metric.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_tally;

/**
 * Makes an empty tally of a metric.
 *
 * @param metric  "nps", "csat" …, see cxm_metric_at
 * @param params  parameters that differ from the defaults; names as in the registry
 * @param allocator  NULL: malloc; kept until cxm_tally_free
 * @retval CXM_EINVAL  unknown metric or parameter, value out of bounds or inconsistent
 * @retval CXM_ENOMEM
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_new(const char *metric, const struct cxm_param *params, size_t n_params,
              const struct cxm_allocator *allocator, struct cxm_tally **out,
              struct cxm_error *error);

/** Frees a tally; NULL is fine. */
CXM_API void cxm_tally_free(struct cxm_tally *tally);

/** Forgets all rows, keys and the kind of weights, keeps the metric and its parameters (and the
 *  memory of cxm_tally_add_one, for the next row). */
CXM_API void cxm_tally_clear(struct cxm_tally *tally);

/** An independent copy. @retval CXM_ENOMEM */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_copy(const struct cxm_tally *tally, struct cxm_tally **out, struct cxm_error *error);

/**
 * One column and what it is for: the name of an input of the metric ("score"), or one of
 *   "by"      a key of the groups; repeat it for several keys
 *   "weight"  survey weight, 0 or 1e-100 … 1e100; not missing where the row is used
 *   "freq"    whole number of copies of the row, >= 0
 * or of a sampling design, any keys that are never missing:
 *   "strata"  stratum
 *   "cluster" unit that was drawn within its stratum (the same name in two strata is two units);
 *             given twice: the unit that was drawn within that one. Without it rows were drawn
 *   "fpc"     finite population: how many units there are to draw from, a number >= 1, the same
 *             for all rows of a stratum; given twice: of each unit's units of the second stage,
 *             which are rows where there is one cluster
 *   "calibrate"  margin whose totals are known (see cxm_tally_estimate); up to 8
 * Rows whose answer is missing, or that have no weight, stay in the design.
 * Inputs with one column per item are repeated in the order of the items.
 */
struct cxm_input {
    const char *role;
    const struct cxm_column *column;
};

enum cxm_invalid { CXM_INVALID_ERROR = 0, CXM_INVALID_COUNT = 1 };
enum cxm_missing_key { CXM_MISSING_KEY_KEEP = 0, CXM_MISSING_KEY_LEAVE_OUT = 1 };

struct cxm_add_options {
    size_t size;          /**< sizeof(struct cxm_add_options) */
    int32_t invalid;      /**< enum cxm_invalid: values out of range are an error, or counted */
    int32_t missing_key;  /**< rows without a key: a group of their own, or left out (counted
                               in the total as excluded, group_left_out) */
    int32_t threads;      /**< 1 (0 too): this thread only; more: that many at most */
    int32_t reserved;     /**< 0 */
};

/**
 * Adds rows. All columns have the same length.
 *
 * The first successful add fixes the keys (number, names, types, calendar rule) and whether
 * there are weights; later ones must agree.
 *
 * @param options  NULL: all defaults
 * @retval CXM_EINVAL    a role is missing, unknown or given twice; lengths differ
 * @retval CXM_EDATA     a value is invalid; error names the lowest such row, its column, value
 * @retval CXM_EMISMATCH keys or weights differ from earlier rows; a column of keys or reasons of
 *                       nothing but nulls (CXM_NULL) fits every type
 * @retval CXM_EOVERFLOW more than INT64_MAX rows  @retval CXM_ENOMEM
 * On failure the tally is as it was. Cost: linear in rows; groups cost a hash look-up a row,
 * none where the keys are small integers.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_add(struct cxm_tally *tally, const struct cxm_input *inputs, size_t n_inputs,
              const struct cxm_add_options *options, struct cxm_error *error);

/**
 * Adds one row of numbers to an ungrouped tally: values[i] belongs to the i-th input of the
 * registry, in order, NaN = missing; metrics with items or text inputs take cxm_tally_add.
 * @param weight  NULL: the tally has no weights   @param freq  copies of the row
 * Errors as cxm_tally_add, with row 0. Constant time.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_add_one(struct cxm_tally *tally, const double *values, size_t n_values,
                  const double *weight, int64_t freq, struct cxm_error *error);

/**
 * Adds the rows of `from` to `into`; groups are matched by key. Merging is associative and
 * commutative bit for bit; an empty tally of the same metric and parameters is the identity. A
 * key that is missing in every group of one tally has the type that it has in the other; so have
 * the reasons of churn of a tally in which nobody gave one.
 * @retval CXM_EMISMATCH  metric, parameters, keys or weights differ; the message says how
 * @retval CXM_EOVERFLOW  counts beyond INT64_MAX  @retval CXM_ENOMEM
 * On failure `into` is as it was. Cost: the groups of `from`.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_merge(struct cxm_tally *into, const struct cxm_tally *from, struct cxm_error *error);

/**
 * Takes the rows of `from` out of `into` again, exactly; groups left without rows vanish. Moving
 * windows of an engine do so with a tally of the rows that leave.
 * @retval CXM_EINCONSISTENT  `from` has rows that `into` has not
 * Other errors and types of keys as cxm_tally_merge. On failure `into` is as it was. Cost: the
 * groups of `from`; all of `into` where groups or values vanish, and for quantiles, sketch and
 * survival.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_subtract(struct cxm_tally *into, const struct cxm_tally *from, struct cxm_error *error);

/** Not 0: same metric, parameters, keys and counts, so the same saved bytes. */
CXM_API int cxm_tally_equal(const struct cxm_tally *a, const struct cxm_tally *b);

/**
 * Saves a tally: canonical, little-endian, checksummed bytes, the same on every machine.
 * `*n_bytes` is set to the size, also where capacity is too small; capacity 0 asks for it (bytes may be
 * NULL).
 * @retval CXM_EINVAL  tally or n_bytes is NULL; capacity above 0 but too small: no byte is written
 * @retval CXM_ENOMEM
 * Sorts the keys in place. Cost: linear in the bytes, after sorting; asking for the size costs a pass
 * over the tally.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_save(struct cxm_tally *tally, uint8_t *bytes, size_t capacity, size_t *n_bytes,
               struct cxm_error *error);

/**
 * Reads a saved tally. The bytes may be hostile: everything is checked before use.
 * @param allocator  NULL: malloc; kept until cxm_tally_free
 * @retval CXM_EINVAL  out is NULL
 * @retval CXM_ECORRUPT  not a tally (NULL neither), damaged, or not canonical
 * @retval CXM_EUNSUPPORTED  a newer major version, unknown metric or critical section
 * @retval CXM_ENOMEM
 * On failure nothing stays allocated. Cost: linear in the bytes; memory: a few times as much.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_load(const uint8_t *bytes, size_t n_bytes, const struct cxm_allocator *allocator,
               struct cxm_tally **out, struct cxm_error *error);

struct cxm_tally_info {
    char metric[24];         /**< "" when the kind is unknown to this version */
    char definition[216];
    uint64_t configuration;  /**< hash of metric, parameters, keys and weights */
    int64_t rows;            /**< rows given (copies) */
    int64_t groups;          /**< 1 when there are no keys and rows were added; of metrics unknown
                                  to this version with a sampling design: cells */
    int32_t kind;
    int32_t n_keys;
    int32_t weighted;        /**< 1: has survey weights */
    int32_t format_major, format_minor;
    int32_t n_design;        /**< columns of the sampling design */
};

/* With -Wshadow g++ complains that a function called like a struct hides its constructor. */
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
/** What saved bytes hold; also for metrics that this version does not know. Those that it knows are
 *  loaded for the while. Errors and cost as cxm_tally_load. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_info(const uint8_t *bytes, size_t n_bytes, struct cxm_tally_info *out,
               struct cxm_error *error);
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/** The same for a tally in memory. */
CXM_API void cxm_tally_describe(const struct cxm_tally *tally, struct cxm_tally_info *out);

/* ---- groups and keys ------------------------------------------------------------------ */

/** How many groups of "by" there are, in sorted order; 1 for an ungrouped tally, even when
 *  empty. The columns of a sampling design make no groups. */
CXM_API int64_t cxm_tally_groups(const struct cxm_tally *tally);

enum cxm_key_type {
    CXM_KEY_INT = 0, CXM_KEY_UINT = 1, CXM_KEY_REAL = 2, CXM_KEY_BOOL = 3,
    CXM_KEY_TEXT = 4, CXM_KEY_BYTES = 5,
    CXM_KEY_CATEGORY = 6,  /**< integer = rank of the category; text = its name */
    CXM_KEY_DATE = 7,      /**< integer = days since 1970-01-01 */
    CXM_KEY_TIME = 8       /**< integer = seconds since 1970-01-01 UTC */
};

struct cxm_key_info {
    char name[64];
    int32_t type;          /**< enum cxm_key_type */
    int32_t calendar;      /**< enum cxm_calendar of the rule that made the key */
};

/** The value of one key of one group. */
struct cxm_key {
    int32_t type;
    int32_t missing;       /**< 1: the rows without a value */
    int64_t integer;
    double real;
    const char *text;      /**< in the tally, not NUL-terminated; valid until it changes, or
                                until the next call for the same key */
    size_t text_bytes;
};

CXM_API size_t cxm_tally_n_keys(const struct cxm_tally *tally);
/** @retval CXM_EINVAL no such key */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_key_info(const struct cxm_tally *tally, size_t key, struct cxm_key_info *out);
/** The key of a group, by its place in sorted order.
 *  @retval CXM_EINVAL no such group or key  @retval CXM_ENOMEM */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_key(struct cxm_tally *tally, int64_t group, size_t key, struct cxm_key *out);
/** One group as a tally of its own, without keys (group = CXM_TOTAL: all merged), or with
 *  them (`keep_keys`). The columns of a sampling design stay, but only with the units of the group:
 *  merge all groups again before estimating, or the rest of the sample is forgotten. Sorts the keys of
 *  `tally` in place; cost: the group. @retval CXM_EINVAL no such group  @retval CXM_ENOMEM */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_group(struct cxm_tally *tally, int64_t group, int keep_keys, struct cxm_tally **out,
                struct cxm_error *error);

/* ---- estimates ------------------------------------------------------------------------ */

/** A measure of this tally: families such as share[k] appear once per member. */
struct cxm_measure {
    char name[72];
    int32_t unit;          /**< enum cxm_unit */
    int32_t is_default;
    int32_t family;        /**< index into cxm_metric_info.measures */
    int32_t reserved;
};

/** The measures of a tally, headline first. See cxm_tally_estimate for the three sizes.
 *  @retval CXM_EINVAL capacity too small, another element size  @retval CXM_ENOMEM */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_measures(struct cxm_tally *tally, struct cxm_measure *out, size_t element_bytes,
                   size_t capacity, size_t *n_out, struct cxm_error *error);

/** A stratum of which one unit was drawn tells nothing of its variance: what then? */
enum cxm_lonely {
    CXM_LONELY_ERROR = 0,     /**< an error that names the stratum, CXM_ELONELY */
    CXM_LONELY_CERTAINTY = 1, /**< it adds nothing, as if it had been drawn for certain */
    CXM_LONELY_ADJUST = 2     /**< its distance from the mean of all units stands in */
};

struct cxm_estimate_options {
    size_t size;             /**< sizeof(struct cxm_estimate_options) */
    double level;            /**< in (0, 1); 0: 0.95 */
    int32_t interval;        /**< enum cxm_interval; measures it does not fit keep theirs */
    int32_t small_n;         /**< bound of CXM_FLAG_SMALL_N; 0: 30 */
    const uint32_t *measures;/**< indexes; NULL: the default measures */
    size_t n_measures;
    const int64_t *groups;   /**< indexes or CXM_TOTAL; NULL: all groups */
    size_t n_groups;
    int32_t lonely;          /**< enum cxm_lonely; sampling designs only */
    int32_t calibration;     /**< enum cxm_calibration_method, of the margins */
    /** Totals of the margins whose columns the tally was given ("calibrate"): weights are then
     *  raked to them, or calibrated linearly, see cxm_rake. Of each margin `by` is not read, and
     *  n_by says how many columns it has. NULL: base weights, and the margin columns do not
     *  matter. Analyses of tallies (cxm_target, cxm_compare, cxm_standardise ...) know no totals
     *  and read base weights. */
    const struct cxm_margin *margins;
    size_t n_margins;
    int32_t threads;         /**< 1 (0 too): this thread only; more: that many at most, for very many
                                  groups; the same bits with any number. Since 0.2 */
    int32_t max_iterations;  /**< of the calibration, with the tolerance: those of the cxm_rake that made */
    double tolerance;        /**< the weights give the same weights again; 0: 200 and 1e-10. Since 0.2 */
};

/**
 * Estimates measures of groups: for each group each measure, in the order asked for.
 *
 * @param element_bytes  sizeof(struct cxm_estimate) of the caller
 * @param capacity       elements in `out`; 0 only asks for the count
 * @param n_out          set to the number of rows (may be NULL when capacity is not 0)
 * @retval CXM_EINVAL    bad level, interval, measure or group, capacity too small; the interval
 *                       fits none of the measures asked for
 * @retval CXM_ELONELY   of a stratum one unit was drawn, see enum cxm_lonely
 * @retval CXM_EDATA     a finite population is smaller than what was drawn from it
 * @retval CXM_EINCONSISTENT  a finite population differs within its stratum
 * Undefined values are NaN with a flag, status CXM_OK.
 *
 * With a sampling design the standard error is linearised over its units (Woodruff 1971):
 *   V = sum_h (1 - f_h) n_h / (n_h - 1) sum_c (t_hc - tbar_h)^2  (+ the second stage, within units)
 * where t_hc sums the influences of the rows of unit c in stratum h; rows outside of a group count
 * as zeros, so the whole design stays. df = units - strata that have rows of the group (as R's
 * degf of a subset). Means have t(df) limits; NPS adjusted Wald and shares Wilson ones on
 * n_a = min(n, n_d (t_{n-1} / t_df)^2), n_d = v / std_error^2; "korn-graubard" is not capped at n. With
 * df = 0 limits are NaN; where every unit was drawn, limits and value are the same.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_estimate(struct cxm_tally *tally, const struct cxm_estimate_options *options,
                   struct cxm_estimate *out, size_t element_bytes, size_t capacity,
                   size_t *n_out, struct cxm_error *error);

/** How the sample was drawn, and what that does to one estimate. Unknown numbers are NaN. */
struct cxm_design {
    int64_t strata;       /**< with rows of the group; 1 without strata */
    int64_t clusters;     /**< primary units with rows of the group; rows where rows were drawn */
    double df;            /**< clusters - strata */
    double deff;          /**< design effect: std_error^2 over that of a simple random sample of n
                               from as many as the weights sum to, (N - n) / N S^2 / n (Kish 1965);
                               NaN where they sum to n or less */
    double deff_replace;  /**< the same without (N - n) / N */
    double deff_weight;   /**< from the weights alone: n sum w^2 / (sum w)^2 */
    double n_eff_kish;    /**< (sum w)^2 / sum w^2 */
    double n_eff_design;  /**< v / std_error^2, v the variance of one answer (divisor n) */
};

/**
 * The design of one estimate: of a measure with a standard error.
 * @param group   index or CXM_TOTAL   @param lonely  enum cxm_lonely
 * @retval CXM_EINVAL  no such group or measure; others as cxm_tally_estimate
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_design(struct cxm_tally *tally, int64_t group, uint32_t measure, int32_t lonely,
                 struct cxm_design *out, struct cxm_error *error);

/**
 * The jackknife standard error of one estimate (JKn): each primary unit is left out once, the
 * others of its stratum weigh n_h / (n_h - 1) times as much, theta_hc is the measure anew:
 *   V = sum_h (1 - f_h) (n_h - 1) / n_h sum_c (theta_hc - mean of all theta_hc)^2
 * Strata of which every unit was drawn, or a lone one, have no replicates; the second stage of a
 * finite population adds nothing. In the unit of the measure (Wolter 2007, chapter 4; as the
 * replicates of R's survey, which centres them at their mean unless told to).
 *
 * @param group      index or CXM_TOTAL: the design of the whole sample, its other rows are zeros
 * @param lonely     CXM_LONELY_ERROR or CXM_LONELY_CERTAINTY
 * @param[out] std_error  NaN: the measure has no linearised standard error either, or is
 *                   undefined without some unit. Of base weights, also where margins were given
 * @retval CXM_EINVAL  no clusters or no weights (1 each will do), lonely is CXM_LONELY_ADJUST, no
 *                     such group or measure; others as cxm_tally_estimate
 * On failure nothing is written. Cost: primary units times cells of the group.       Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_jackknife(struct cxm_tally *tally, int64_t group, uint32_t measure, int32_t lonely,
                    double *std_error, struct cxm_error *error);

/** The base of a measure with the excluded rows by reason. */
struct cxm_base {
    int64_t rows, n, missing, invalid, excluded;
    int64_t excluded_by[16]; /**< by enum cxm_reason */
};
/** Of the rows of a group, or of all (CXM_TOTAL): rows = n + missing + invalid + excluded, with `freq`
 *  in copies. Sorts the keys in place. @retval CXM_EINVAL no such group or measure
 *  @retval CXM_ENOMEM */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_base(struct cxm_tally *tally, int64_t group, uint32_t measure, struct cxm_base *out,
               struct cxm_error *error);

/** The definition id, such as "nps/0-10/6-9". Writes at most `capacity` bytes with the final
 *  NUL, returns the length that it needs (like snprintf). */
CXM_API size_t cxm_tally_definition(const struct cxm_tally *tally, char *out, size_t capacity);

/** The same rows with names inside, for printing. Capacity, order and errors as cxm_tally_estimate. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_rows(struct cxm_tally *tally, const struct cxm_estimate_options *options,
               struct cxm_row *out, size_t element_bytes, size_t capacity, size_t *n_out,
               struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
