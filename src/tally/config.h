/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tally layer knows about a metric: its inputs and parameters as the registry lists
 * them, the units that it counts in, and the rule from decoded inputs to codes and variables. */
#ifndef CXM_SRC_CONFIG_H
#define CXM_SRC_CONFIG_H

#include "base/base.h"

#include <cxm/metric.h>

/* Rows are worked on in blocks of this size: the arrays of a typical metric (codes, group
 * numbers, one or two variables) stay within the first-level cache. */
enum { CXM_BLOCK = 1024 };

enum { CXM_MAX_REASONS = 8, CXM_MAX_BINS = 1001, CXM_MAX_ITEMS = 200, CXM_MAX_PARAMS = 12,
       CXM_MAX_ROLES = 8, CXM_MAX_TABLE_VALUES = 2 };

/* A unit is a base of its own: NPS has one, a gap one for every item, dimension and overall.
 * Each row gets one code per unit:
 *   0 … bins - 1     used, counted in that bin
 *   bins             missing          bins + 1   invalid
 *   bins + 2         excluded, zero weight
 *   bins + 3 …       excluded for the metric's own reasons
 * For used rows, the unit's variables go into the moment matrix. */
struct cxm_unit_spec {
    uint32_t bins;
    uint32_t variables;
    uint32_t n_reasons;
    uint8_t reasons[CXM_MAX_REASONS]; /* enum cxm_reason of code bins + 3 + i */
};

/* A unit whose variables are whole linear forms of the inputs: variable k is constants[k] plus the
 * sum of coefs[k][slot] times the input, missing where one of them is. Of three bins, which are of
 * two variables, the middle one is where these differ by `met` at most. `rescaled`: rows without
 * some of the inputs are not missing but have a variable that the rule alone knows. */
struct cxm_unit_form {
    int32_t *coefs[2]; /* by slot, zeros */
    int32_t constants[2];
    int32_t met;
    bool rescaled;
};

struct cxm_unit_layout {
    uint32_t n_codes;
    uint32_t counts_at;    /* first counter within the cell */
    uint32_t variables_at; /* first of its variables among all variables */
    uint32_t sums_at;      /* first of its sums */
};

/* A parameter after defaults were filled in. Numbers and texts belong to the configuration. */
struct cxm_value {
    double *numbers;
    size_t n_numbers;
    char **texts;
    size_t n_texts;
};

struct cxm_rules;

struct cxm_config {
    const struct cxm_allocator *allocator;
    const struct cxm_rules *rules;
    struct cxm_value params[CXM_MAX_PARAMS]; /* in the order of the registry */

    /* Set by rules->configure: */
    uint32_t n_units;
    struct cxm_unit_spec *units;
    uint32_t n_items[CXM_MAX_ROLES];         /* columns of each input, 1 unless `many` */
    double lowest[CXM_MAX_ROLES], highest[CXM_MAX_ROLES]; /* range of each input */
    uint32_t n_table_values;  /* numbers a row has in the key table, made by the rule; 0: the
                                 values of a key input, if there is one */
    uint32_t n_table_counts;  /* counters of a value in the key table; 0 counts as 1 */

    /* Derived from that: */
    uint32_t slot[CXM_MAX_ROLES];            /* first slot of each input */
    uint32_t n_slots;
    uint32_t n_variables, n_counts;
};

/* One block of rows between decode and accumulate. */
struct cxm_block {
    size_t n;
    const bool *given;      /* by slot: was the (optional) column given? */
    uint16_t **codes;       /* by slot: ratings and flags, coded as in cxm_priv_read_codes */
    double **values;        /* by slot: numbers and counts */
    uint8_t **states;       /* by slot: enum cxm_row_state of values */
    uint16_t **unit_codes;  /* by unit: set by the rule; may be pointed at a codes[] array */
    double **variables;     /* by variable: written by the rule where the unit's row is used, or
                               pointed at a values[] array */
    bool *in_key_table;     /* by row: does the value of the key input count? */
    /* Of the n_table_values: by row the number (the rule may point it at a values[] array) and
     * the counter that it adds to, CXM_NO_COUNTER for none. */
    double *table_values[CXM_MAX_TABLE_VALUES];
    uint16_t *table_counters[CXM_MAX_TABLE_VALUES];
};

enum { CXM_NO_COUNTER = UINT16_MAX };

struct cxm_tally;

struct cxm_rules {
    const struct cxm_metric_info *info;
    /* Checks the parameters together, sets n_items and ranges, then cxm_priv_config_units. */
    enum cxm_status (*configure)(struct cxm_config *config, struct cxm_error *error);
    void (*rule)(const struct cxm_config *config, struct cxm_block *block);
    /* Describes a unit, of 1 or 3 bins and 1 or 2 variables; false: it is nothing like that. NULL:
     * no unit is. */
    bool (*form)(const struct cxm_config *config, uint32_t unit, struct cxm_unit_form *out);
    bool one_rating; /* one unit, whose codes are those of the only input, a rating */
    bool one_number; /* one unit of one bin: its variable is the only input, any number, its code the state */
    /* Do the columns that are there (by slot) fit the parameters? NULL: always. */
    enum cxm_status (*check_inputs)(const struct cxm_config *config, const bool *given,
                                    struct cxm_error *error);
    bool unweighted; /* takes no survey weights */
    /* The table's only number is the first input, its counter is the code of the unit, which is
     * that of the second input, a rating, unless one of both is missing or invalid. */
    bool dense_times;
    /* What an input must be, and what to do when it is not: instead of "if 2 means no answer". NULL: for
     * no input; may return NULL. */
    const char *(*advice)(const struct cxm_config *config, int role);
    /* Does the key table go with the groups? `order`: its keys, sorted. NULL: always. */
    bool (*table_is_sound)(const struct cxm_tally *tally, const uint32_t *order);
};

/* Copies and checks parameters, fills in defaults, calls configure. The configuration is zero
 * before. */
enum cxm_status cxm_priv_config_init(struct cxm_config *config, const struct cxm_rules *rules,
                                     const struct cxm_param *params, size_t n_params,
                                     const struct cxm_allocator *allocator,
                                     struct cxm_error *error);
void cxm_priv_config_release(struct cxm_config *config);

/* For configure: makes n units, all zero. NULL: out of memory. */
struct cxm_unit_spec *cxm_priv_config_units(struct cxm_config *config, uint32_t n);

/* EMISMATCH with a sentence that names the first parameter that differs. */
enum cxm_status cxm_priv_config_compare(const struct cxm_config *a, const struct cxm_config *b,
                                        struct cxm_error *error);

static inline uint32_t cxm_priv_table_counts(const struct cxm_config *config)
{
    return config->n_table_counts > 0 ? config->n_table_counts : 1;
}

static inline double cxm_priv_number(const struct cxm_config *config, int param)
{
    return config->params[param].numbers[0];
}

/* Index of a choice among the registry's choices. */
int cxm_priv_choice(const struct cxm_config *config, int param);

/* How many sums a unit has, and where within them. Unweighted: x_i, then x_i x_j (i <= j).
 * Weighted, with v = w x: W and Q (sum of w^2) of every bin, then w x_i, v_i,
 * w v_i, v_i v_j, w x_i x_j. All are exact but for the rounding of v itself. */
static inline uint32_t cxm_priv_pairs(uint32_t n)
{
    return n * (n + 1) / 2;
}

static inline uint32_t cxm_priv_unit_sums(const struct cxm_unit_spec *unit, bool weighted)
{
    const uint32_t p = unit->variables;
    return weighted ? 2 * unit->bins + 3 * p + 2 * cxm_priv_pairs(p) : p + cxm_priv_pairs(p);
}

/* Index of pair (i, j), i <= j, among the pairs of n variables. */
static inline uint32_t cxm_priv_pair(uint32_t n, uint32_t i, uint32_t j)
{
    return i * n - i * (i + 1) / 2 + j;
}

#endif
