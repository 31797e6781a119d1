/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tally: a configuration, the schema of its keys, and the state that rows are added to. */
#ifndef CXM_SRC_TALLY_H
#define CXM_SRC_TALLY_H

#include "column/read.h"
#include "tally/config.h"
#include "tally/table.h"

#include <cxm/tally.h>

enum { CXM_MAX_KEYS = 8, CXM_MAX_MARGINS = 8, CXM_MAX_DESIGN = 5 + CXM_MAX_MARGINS,
       CXM_MOST_KEYS = CXM_MAX_KEYS + CXM_MAX_DESIGN };

/* What a key is for. The keys of a sampling design follow those of "by", in the order of these
 * numbers (they are saved): the cells of a group then stand stratum by stratum, unit by unit. */
enum cxm_key_role { CXM_KEY_BY = 0, CXM_KEY_STRATA = 1, CXM_KEY_CLUSTER = 2,
                    CXM_KEY_CLUSTER_2 = 3, CXM_KEY_FPC = 4, CXM_KEY_FPC_2 = 5,
                    CXM_KEY_MARGIN = 6 };

/* What all rows of a tally share, fixed by the first rows: how its keys are made, and whether
 * there are weights and which optional inputs. `values` describes the key table (churn reasons).
 * A cell is a combination of all keys; a group, which users see, is one of the "by" keys alone. */
struct cxm_schema {
    bool weighted;
    uint32_t n_keys;                  /* of "by" */
    uint32_t n_design;                /* of the sampling design, after them */
    uint8_t roles[CXM_MOST_KEYS];     /* enum cxm_key_role */
    uint32_t given;                  /* bit r: optional input r was given */
    bool has_values;
    int32_t values_type;             /* enum cxm_key_type */
    char **value_categories;
    uint32_t n_value_categories;
    /* Of each key, and long: not even written for a plain schema (below). */
    struct cxm_key_info keys[CXM_MOST_KEYS];
    char **categories[CXM_MOST_KEYS]; /* CXM_KEY_CATEGORY: names in order, NULL otherwise */
    uint32_t n_categories[CXM_MOST_KEYS];
};

/* Without keys and values a schema is two fields, and the rest is zero: most small tallies are so,
 * and their calls shall not write kilobytes. */
static inline bool cxm_priv_schema_is_plain(const struct cxm_schema *schema)
{
    return schema->n_keys == 0 && schema->n_design == 0 && !schema->has_values;
}

static inline bool cxm_priv_has_margins(const struct cxm_schema *schema)
{
    return schema->n_design > 0
        && schema->roles[schema->n_keys + schema->n_design - 1] == CXM_KEY_MARGIN;
}

static inline uint32_t cxm_priv_all_keys(const struct cxm_schema *schema)
{
    return schema->n_keys + schema->n_design;
}

/* What adding changes. A cell exists as long as it has rows. Keys of `values` are the cell's
 * key followed by the value's. */
struct cxm_state {
    struct cxm_table groups;
    struct cxm_table values;
    struct cxm_table frame; /* with margins: rows of each cell, with weights the sums of w and w^2
                               of all of them, answered or not; otherwise without layout */
    int64_t rows;     /* given, copies counted, left-out rows included */
    int64_t left_out; /* of these: without a key, where that was asked for */
};

struct cxm_tally {
    struct cxm_allocator allocator;
    struct cxm_config config;
    struct cxm_schema schema;
    struct cxm_state state;
    uint32_t *order;      /* cells in the order of their keys; NULL: not known yet */
    uint32_t *firsts;     /* with a sampling design: places in `order` where groups begin, and
                             its end; NULL without: each cell is a group */
    uint32_t n_groups;    /* known when `order` is */
    char *key_text[CXM_MAX_KEYS]; /* texts of keys that hold a NUL, as last asked for */
    struct cxm_scratch *one; /* memory of cxm_tally_add_one */
};

/* Where the counters and sums of a unit are. */
struct cxm_unit_layout cxm_priv_unit_layout(const struct cxm_config *config, uint32_t unit,
                                            bool weighted);
uint32_t cxm_priv_n_sums(const struct cxm_config *config, bool weighted);

bool cxm_priv_state_init(struct cxm_state *state, const struct cxm_config *config,
                         bool weighted, bool margins);
void cxm_priv_state_release(struct cxm_state *state);
/* Do the sums of a group, or of a value of the key table, go with its counters? A unit without
 * used rows sums to zero, and weights sum to more than zero exactly where there are rows. */
bool cxm_priv_group_is_sound(const struct cxm_config *config, bool weighted,
                             const struct cxm_table *groups, const int64_t *cell);
bool cxm_priv_value_is_sound(bool weighted, const struct cxm_table *values, const int64_t *cell);
/* Does the key table go with the groups, as far as the metric can tell? EINCONSISTENT, ENOMEM */
enum cxm_status cxm_priv_check_table(const struct cxm_tally *tally, struct cxm_error *error);
/* Writes the bytes of a number in the key table, after those of the group's key. */
enum { CXM_NUMBER_KEY_BYTES = 9 };
static inline void cxm_priv_put_number_key(uint8_t *out, double value)
{
    out[0] = 1; /* CXM_TAG_PRESENT */
    cxm_priv_put_u64(out + 1, __builtin_bswap64(cxm_priv_word_of_real(value)));
}
/* Writes the key of a text, at most 2 n + 3 bytes; returns how many. */
static inline size_t cxm_priv_put_text_key(uint8_t *out, struct cxm_text text)
{
    uint8_t *to = out;
    *to++ = 1; /* CXM_TAG_PRESENT */
    for (size_t i = 0; i < text.n; i++) {
        *to++ = (uint8_t)text.bytes[i];
        if (text.bytes[i] == '\0')
            *to++ = 0xFF;
    }
    *to++ = 0;
    *to++ = 0;
    return (size_t)(to - out);
}
/* Weights of a frame are both 0, or both above it. */
bool cxm_priv_frame_is_sound(const struct cxm_layout *layout, const int64_t *cell);
/* All or nothing. */
enum cxm_status cxm_priv_state_merge(struct cxm_state *into, const struct cxm_state *from,
                                     struct cxm_error *error);

enum cxm_status cxm_priv_tally_new(const struct cxm_rules *rules, const struct cxm_param *params,
                                   size_t n_params, const struct cxm_allocator *allocator,
                                   struct cxm_tally **out, struct cxm_error *error);

/* An empty tally of the same metric and parameters, without a schema. */
enum cxm_status cxm_priv_tally_like(const struct cxm_tally *tally, struct cxm_tally **out,
                                    struct cxm_error *error);
/* The same schema too. */
enum cxm_status cxm_priv_tally_new_alike(const struct cxm_tally *tally, struct cxm_tally **out,
                                         struct cxm_error *error);

/* "strata", "cluster" …: the role as cxm_tally_add takes it. */
const char *cxm_priv_role_name(enum cxm_key_role role);

void cxm_priv_schema_release(struct cxm_schema *schema, const struct cxm_allocator *allocator);
/* `to` is zero, `from` becomes it. */
void cxm_priv_schema_move(struct cxm_schema *to, struct cxm_schema *from);
bool cxm_priv_schema_copy(const struct cxm_schema *from, struct cxm_schema *to,
                          const struct cxm_allocator *allocator);
enum cxm_status cxm_priv_schema_compare(const struct cxm_config *config,
                                        const struct cxm_schema *a, const struct cxm_schema *b,
                                        struct cxm_error *error);

/* Key k of `from`, its type, calendar and categories, for a key of which nothing but that it is
 * missing is known. False: out of memory. */
bool cxm_priv_schema_take_key(struct cxm_schema *to, const struct cxm_schema *from, uint32_t k,
                              const struct cxm_allocator *allocator);
/* The same for the values beside the keys, such as reasons of churn. */
bool cxm_priv_schema_take_values(struct cxm_schema *to, const struct cxm_schema *from,
                                 const struct cxm_allocator *allocator);
/* The schema of a tally beside one with keys or values of other types: a copy where keys that are
 * missing in every group take those types, and values of which there are none (*settled); else
 * nothing is made. */
enum cxm_status cxm_priv_settle_keys(const struct cxm_tally *tally, const struct cxm_schema *beside,
                                     struct cxm_schema *out, bool *settled,
                                     struct cxm_error *error);

/* Do the schemas of two tallies with rows go together? Keys that are missing in all groups of one have
 * the type of the other: where those are of `into`, *own, and `ours` is its schema with these types. */
enum cxm_status cxm_priv_settle_schemas(const struct cxm_tally *into, const struct cxm_tally *from,
                                        struct cxm_schema *ours, bool *own,
                                        struct cxm_error *error);

/* Makes tally->order, and what comes with it. */
enum cxm_status cxm_priv_tally_sort(struct cxm_tally *tally, struct cxm_error *error);
/* Is it a group of the sorted tally, or CXM_TOTAL? `option` names it in the message. */
enum cxm_status cxm_priv_check_group(const struct cxm_tally *tally, const char *option,
                                     int64_t group, struct cxm_error *error);
/* The cells of a group (CXM_TOTAL: all) as places in tally->order: *first … *end - 1. The tally is
 * sorted. */
void cxm_priv_group_cells(const struct cxm_tally *tally, int64_t group, size_t *first,
                          size_t *end);
/* Bytes of the first n keys at the start of an encoded key. */
size_t cxm_priv_keys_bytes(const struct cxm_schema *schema, uint32_t n, const uint8_t *bytes,
                           size_t n_bytes);
/* Rows in a cell: every row has exactly one code in the first unit. */
int64_t cxm_priv_cell_rows(const struct cxm_config *config, const int64_t *cell);
/* Merges or subtracts a tally and itself: its rows are read from a copy while it changes. */
typedef enum cxm_status cxm_tally_join(struct cxm_tally *into, const struct cxm_tally *from,
                                       struct cxm_error *error);
enum cxm_status cxm_priv_with_copy(cxm_tally_join *join, struct cxm_tally *tally,
                                   struct cxm_error *error);

/* The state changed: forget what was derived from it. */
void cxm_priv_tally_changed(struct cxm_tally *tally);
/* A tally of no rows gets those of `state`; an earlier add of no rows may have left a schema: it
 * has none now, for the caller to fill in. */
void cxm_priv_tally_begin(struct cxm_tally *tally, const struct cxm_state *state);

/* The key of one group, decoded from its bytes; text is in the tally. */
void cxm_priv_decode_key(const struct cxm_schema *schema, const uint8_t *bytes, size_t n,
                         size_t key, struct cxm_key *out);
/* The same of a group of a sorted tally; after a NUL inside a text follows its escape. */
void cxm_priv_group_key(const struct cxm_tally *tally, int64_t group, size_t key,
                        struct cxm_key *out);
/* A single encoded key of a type; the number of bytes read, 0 when they are malformed. Text is
 * copied without its escapes into `text` (at least n bytes) when it is not NULL. */
size_t cxm_priv_parse_key(int32_t type, const uint8_t *bytes, size_t n, struct cxm_key *out,
                          char *text);

/* A key of any kind of number as a double; NaN for text. */
double cxm_priv_key_number(const struct cxm_key *key);

/* Keys are encoded so that memcmp orders them: a tag (present before missing), then a word with
 * the high byte first, or text with 00 escaped as 00 FF and closed by 00 00. */
enum { CXM_TAG_PRESENT = 1, CXM_TAG_MISSING = 2 };

/* ---- adding --------------------------------------------------------------------------- */

/* The columns of one add, by slot. */
struct cxm_sources {
    const struct cxm_column **slots;      /* n_slots; NULL where an optional one is absent */
    bool *given;                          /* behind the slots, in one block */
    const struct cxm_column *keys[CXM_MOST_KEYS]; /* of "by", then of the design */
    uint8_t roles[CXM_MOST_KEYS];
    uint32_t n_keys, n_by;                        /* all; those of "by" */
    const struct cxm_column *weight, *freq;
    const struct cxm_column *value;       /* of the key table */
    int64_t n;
    bool count_invalid, leave_out_missing_keys;
    /* Last, and written only where there is a key: they are long. */
    struct cxm_key_plan value_plan, plans[CXM_MOST_KEYS];
};

static inline bool cxm_priv_sources_margins(const struct cxm_sources *sources)
{
    return sources->n_keys > sources->n_by
        && sources->roles[sources->n_keys - 1] == CXM_KEY_MARGIN;
}

/* Adds rows first … last - 1 to a fresh state. On failure the state is to be released. */
enum cxm_status cxm_priv_add_range(const struct cxm_config *config,
                                   const struct cxm_sources *sources, int64_t first,
                                   int64_t last, struct cxm_state *state,
                                   struct cxm_error *error);

/* The short cut of dense.c: done; not possible (the state may hold a part: start anew); or out
 * of memory. */
enum cxm_dense_result { CXM_DENSE_DONE, CXM_DENSE_NO, CXM_DENSE_NO_MEMORY };
enum cxm_dense_result cxm_priv_dense_range(const struct cxm_config *config,
                                           const struct cxm_sources *sources, int64_t first,
                                           int64_t last, struct cxm_state *state);
/* Rows of one rating without groups, see dense_all.c, that are worth a thread; 0: not this way. */
int64_t cxm_priv_dense_all_worth(const struct cxm_config *config,
                                 const struct cxm_sources *sources);
/* The same for all rows by one key, with its own threads: a fresh state gets them. */
enum cxm_dense_result cxm_priv_dense_groups(const struct cxm_config *config,
                                            const struct cxm_sources *sources, int n_threads,
                                            struct cxm_state *state);

/* The short cut of times.c, for metrics of times: the same, with and without keys. */
enum cxm_dense_result cxm_priv_dense_times(const struct cxm_config *config,
                                           const struct cxm_sources *sources, int n_threads,
                                           struct cxm_state *state);

/* The message for an invalid value of a slot. */
enum cxm_status cxm_priv_invalid_value(const struct cxm_config *config, uint32_t slot,
                                       const struct cxm_column *column, int64_t row,
                                       struct cxm_error *error);

/* ---- one block ------------------------------------------------------------------------ */

/* A column as whole numbers: x = q 2^exponent, |q| < 2^bits. */
struct cxm_quanta {
    int64_t *q;
    int32_t exponent, bits;
    bool good; /* the column could be written so */
};

/* One sum of a unit: of a, of a b, or of a b c. */
struct cxm_term {
    const int64_t *a, *b, *c; /* NULL: not a factor */
    const double *x, *y;      /* the same as b and c, where a b c needs more than 128 bits */
    uint32_t sum;         /* only where digits is CXM_BY_VALUE */
    int32_t shift;        /* from the quantum to the digit below it */
    int32_t at;           /* limb of that digit, from the start of the cell */
    int32_t digits;       /* that shifted values reach: 1 to 5; 0: all values are 0;
                             CXM_BY_VALUE: too long, w x y is added as doubles */
};

enum { CXM_BY_VALUE = -1 };

/* The arrays of a block and how far its values reach. */
struct cxm_scratch {
    const struct cxm_allocator *allocator;
    const struct cxm_config *config;
    bool weighted;
    size_t rows;               /* room in the arrays, at most CXM_BLOCK */
    struct cxm_block block;
    void *memory;
    struct cxm_unit_layout *layouts; /* by unit */
    uint32_t *groups;          /* by row; UINT32_MAX: left out */
    double *weight;
    uint8_t *weight_state;
    int64_t *freq;
    struct cxm_span *spans;    /* by variable, of x, what was seen so far; then of v = w x */
    struct cxm_span *old_spans;
    struct cxm_span weight_span;
    struct cxm_window *windows;/* by sum, of these spans */
    bool windows_known;        /* the table covers them */
    struct cxm_quanta *x, *v, w; /* by variable; of the weights */
    double **weighed;          /* v = w x, by variable */
    struct cxm_term *terms;    /* of one unit */
    bool *given;               /* owned where block.given is not that of an add */
};

struct cxm_scratch *cxm_priv_scratch_new(const struct cxm_config *config, bool weighted,
                                         size_t rows, const struct cxm_allocator *allocator);
void cxm_priv_scratch_free(struct cxm_scratch *scratch);
/* Of the values seen so far. */
void cxm_priv_scratch_forget(struct cxm_scratch *scratch);

/* Marks used rows without weight as excluded, checks weights of used rows: the first row with
 * a bad weight is named, and the block ends before it. */
enum cxm_status cxm_priv_block_check(struct cxm_scratch *scratch,
                                     const struct cxm_sources *sources, int64_t first,
                                     struct cxm_error *error);
/* Widens the windows of the table for the sums of this block. */
enum cxm_status cxm_priv_block_prepare(struct cxm_scratch *scratch, struct cxm_table *groups,
                                       int64_t first, struct cxm_error *error);
/* Counts and sums a prepared block into the cells of its groups (NULL: all into cell 0). */
void cxm_priv_block_add(struct cxm_scratch *scratch, struct cxm_table *groups,
                        const uint32_t *group, const int64_t *freq);

/* Writes n finite or infinite doubles as quanta; false: their digits reach too far. */
bool cxm_priv_quantise(const double *x, size_t n, struct cxm_quanta *out);
/* Makes the windows of the table cover the sums of the block (used rows hold their values, the
 * others 0). EOVERFLOW: a value times its weight is no finite double. */
enum cxm_status cxm_priv_sums_prepare(struct cxm_scratch *scratch, struct cxm_table *groups,
                                      int64_t first, struct cxm_error *error);
/* Adds the sums of one unit; cannot fail after preparing. */
void cxm_priv_sums_add(struct cxm_scratch *scratch, struct cxm_table *groups, uint32_t unit,
                       const uint32_t *group, const int64_t *freq);
/* Normalises after a block of one row, that went into cell 0: only its own sums can need it. */
void cxm_priv_sums_carry_one(const struct cxm_scratch *scratch, struct cxm_table *groups);

/* ---- columns of a call (inputs.c) ------------------------------------------------------- */

static inline const char *cxm_priv_column_name(const struct cxm_column *column, const char *role)
{
    return column->name != NULL ? column->name : role;
}

/* Fills sources, which are zero but for what options say; n > 0. */
enum cxm_status cxm_priv_match_inputs(const struct cxm_config *config,
                                      const struct cxm_input *inputs, size_t n,
                                      struct cxm_sources *sources, struct cxm_error *error);
/* How the keys of matched columns are read. */
enum cxm_status cxm_priv_plan_keys(struct cxm_sources *sources, struct cxm_error *error);
/* The schema of rows from there. */
enum cxm_status cxm_priv_make_schema(const struct cxm_config *config,
                                     const struct cxm_sources *sources,
                                     struct cxm_schema *schema, struct cxm_error *error);

#endif
