/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Histories: the rows of a table sorted by customer and time, handed out in batches of whole
 * customers. What needs all rows of a customer in one place (repeat contacts, spells, repeat
 * purchase, recency and frequency) is a visitor of these batches.
 *
 *   struct cxm_event_columns columns = { .customer = c, .time = t };
 *   cxm_priv_sort_events(&columns, &(struct cxm_event_plan){ .visit = visit, … }, error);
 *
 * One pass packs each row into a word of (customer, code, time), or two where customers lie far
 * apart, and one more where the visitor wants rows or second instants; the words go to one of up
 * to 4 096 partitions by a one-to-one scramble of the customer's key. Each partition (some 12 000
 * rows: it fits the second-level cache) is then sorted on its own by a counting sort and networks
 * for what is left, a few rows. Keys of numbers, instants, dates, categories are words of 64 bits
 * and need no dictionary; texts are numbered first (8 bytes a row and the dictionary).
 * Memory: 8 bytes a row that is kept, 16 for customers that are not close together, 8 more for
 * rows and second instants; 32 for rows whose instants lie far from the others. Beside it 1 KiB a
 * partition and thread, and for the partition that a thread sorts 16 to 64 bytes a row; much
 * where a single customer fills it. After LaMarca & Ladner (1999) and Satish et al. (2010). */
#ifndef CXM_SRC_SORT_H
#define CXM_SRC_SORT_H

#include "column/read.h"

/* Codes of keys that are missing, where such rows are kept. */
#define CXM_CODE_MISSING UINT32_MAX
/* `extra` of rows without. */
#define CXM_NO_INSTANT INT64_MIN

struct cxm_event {
    uint64_t customer; /* the same exactly for rows of the same customer; scrambled */
    int64_t time;
    int64_t extra;
    uint32_t code;
    uint32_t row;
};

struct cxm_event_columns {
    const struct cxm_column *customer; /* any kind of key */
    const struct cxm_column *time;     /* instants; NULL: all 0 */
    const struct cxm_column *extra;    /* instants; NULL: none */
    const struct cxm_column *code;     /* any kind of key; NULL: all 0 */
};

/* A block of rows before it is sorted: what a filter decides on. States are enum
 * cxm_row_state; columns that are NULL have states of all USED. */
struct cxm_event_block {
    int64_t first;
    size_t n;
    unsigned worker; /* as in visits */
    const int64_t *time, *extra;
    const uint8_t *customer_state, *time_state, *extra_state, *code_state;
};

/* Which rows enter: sets keep[i]. Blocks come in any order from several threads; rows of
 * distinct blocks are distinct. */
typedef void cxm_event_filter(void *context, const struct cxm_event_block *block, bool *keep);

/* n events of whole customers, sorted by customer, code, time, row. They may be overwritten. The
 * worker is 0 … threads - 1; calls of one worker follow one another, those of two may run at
 * once. Customers come in an order that is fixed for the same keys, but not that of the keys. */
typedef enum cxm_status cxm_event_visit(void *context, unsigned worker,
                                        struct cxm_event *events, size_t n,
                                        struct cxm_error *error);

/* The same as words: n of them and one more that is of nobody. A word is the customer (a number
 * that is the same for the rows of one customer, here), the code and the time, each as many bits:
 * time - time_base in the lowest, then code - code_base (all ones: missing). Words ascend. */
struct cxm_packed {
    const uint64_t *words;
    size_t n;
    int code_bits, time_bits;
    int64_t time_base;
    uint32_t code_base;
};

typedef enum cxm_status cxm_packed_visit(void *context, unsigned worker,
                                         const struct cxm_packed *packed,
                                         struct cxm_error *error);

/* Or as records in any order: piece after piece of a partition, which holds all rows of its
 * customers; n is 0 when there are no more. A record is `stride` words: the first, shifted down by
 * customer_shift, is the customer, the lowest time_bits of the last are time - time_base. */
struct cxm_records {
    const uint64_t *words;
    size_t n, stride;
    int customer_shift, time_bits;
    int64_t time_base;
};

typedef enum cxm_status cxm_records_visit(void *context, unsigned worker,
                                          const struct cxm_records *records,
                                          struct cxm_error *error);

struct cxm_event_plan {
    cxm_event_filter *filter; /* NULL: keeps rows whose customer and time are there */
    cxm_event_visit *visit;
    cxm_packed_visit *visit_packed; /* NULL: none. Where there is one, `visit` gets no rows (all 0),
                                 and only partitions that could not be packed. Without extra. */
    cxm_records_visit *visit_records; /* instead of visit_packed, on the same conditions */
    void *context;
    bool has_latest;          /* the filter keeps nothing that is later */
    int64_t latest;
    bool keeps_complete;      /* it keeps all other rows that have all their values, and does nothing
                               * about them */
    bool codes_given;         /* the code is a column of unsigned 32-bit numbers < 2^32 - 1 */
    unsigned without;         /* variants of kernels that are not to be used, for tests */
    size_t large;             /* for tests: partitions of so many words are sorted by all workers
                               * together; 0: as it pays */
    int threads;              /* 0 means 1; no more than CXM_MOST_WORKERS */
    bool count_invalid;       /* false: an invalid key or instant is an error */
    bool never_counts;        /* and no option of the caller counts it: the message offers none */
    bool *subsecond;          /* set when an instant was floored to the second; may be NULL */
    const struct cxm_allocator *allocator; /* NULL: malloc */
};

enum { CXM_MOST_WORKERS = 64 };

/* EDATA: the lowest row with an invalid value. EOVERFLOW: more than 2^32 - 1 rows. ENOMEM, and
 * what the visitor returns (of the lowest worker). Columns were checked to fit by the caller,
 * with cxm_priv_column_fits, and have the same length. */
enum cxm_status cxm_priv_sort_events(const struct cxm_event_columns *columns,
                                     const struct cxm_event_plan *plan,
                                     struct cxm_error *error);

/* Numbers the distinct keys of columns 0, 1, 2 … in the order of their first row; a missing key
 * is a key like others, unless it is the only column: then CXM_CODE_MISSING. `codes` has room
 * for a row each, and is the caller's to release. */
struct cxm_codes {
    const struct cxm_allocator *allocator;
    uint32_t *codes;
    uint32_t *ranks; /* by code: its place in the order of the keys */
    uint32_t n;      /* distinct keys */
};

enum cxm_status cxm_priv_code_keys(const struct cxm_column *const *columns, size_t n_columns,
                                   const char *role, bool count_invalid,
                                   const struct cxm_allocator *allocator, struct cxm_codes *out,
                                   struct cxm_error *error);
void cxm_priv_codes_release(struct cxm_codes *codes);

#endif
