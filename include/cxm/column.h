/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns: typed views of memory that the caller owns. Nothing is copied and nothing is kept
 * after the call. A byte stride makes a field of an array of structs as good a column as
 * an array of numbers; elements need not be aligned, and strides may be negative. */
#ifndef CXM_COLUMN_H
#define CXM_COLUMN_H

#include <string.h>

#include <cxm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cxm_type {
    CXM_NULL = 0,      /**< every element is missing; no data */
    CXM_I8 = 1, CXM_I16 = 2, CXM_I32 = 3, CXM_I64 = 4,
    CXM_U8 = 5, CXM_U16 = 6, CXM_U32 = 7, CXM_U64 = 8,
    CXM_F32 = 9, CXM_F64 = 10,
    CXM_BOOL = 11,     /**< one byte an element: 0 is no, anything else is yes */
    CXM_BITS = 12,     /**< one bit an element, least significant first (Arrow bool) */
    CXM_TEXT = 13,     /**< `width` bytes an element, padded with NUL: char agent[16] */
    CXM_UTF8 = 14,     /**< `data`: n + 1 int32 offsets into `heap` (Arrow utf8, binary) */
    CXM_UTF8_LARGE = 15, /**< `data`: n + 1 int64 offsets into `heap` */
    CXM_UTF8_VIEW = 16,/**< `data`: 16-byte views, `heap`: array of `n_buffers` buffers */
    CXM_DECIMAL = 17,  /**< 128-bit little-endian integers; value = integer / 10^scale */
    CXM_STRINGS = 18   /**< `data`: NUL-terminated const char *; a NULL pointer is missing */
};

/** What an integer means as an instant or a duration. */
enum cxm_time_unit {
    CXM_NO_TIME = 0, CXM_S = 1, CXM_MS = 2, CXM_US = 3, CXM_NS = 4, CXM_DAYS = 5
};

/** Turns an instant into a key: the first day of its period. Weeks are ISO weeks (Monday). */
enum cxm_calendar {
    CXM_NO_CALENDAR = 0, CXM_DAY = 1, CXM_WEEK = 2, CXM_MONTH = 3, CXM_QUARTER = 4, CXM_YEAR = 5
};

/** One row of a zone table: from `utc_from` on, local time = UTC + `offset` seconds. */
struct cxm_zone_row {
    int64_t utc_from;
    int64_t offset;
};

/** A text answer and the number that it stands for, or that it means "no answer". */
struct cxm_label {
    const char *text;
    double value;
    int32_t missing;   /**< not 0: this text means that there is no answer */
    int32_t reserved;
};

enum cxm_column_flags {
    CXM_COLUMN_ORDERED = 1,     /**< the dictionary is a list of categories in order */
    CXM_COLUMN_ZONED = 2,       /**< the instants belong to a named zone */
    CXM_COLUMN_DURATION = 4,    /**< `time_unit` counts a duration, not an instant */
    CXM_COLUMN_SENTINEL = 8,    /**< `sentinel` means missing */
    CXM_COLUMN_HAS_OFFSET = 16, /**< `utc_offset` was given */
    CXM_COLUMN_MASKED_IN = 32,  /**< in `mask`, not 0 means present (default: missing) */
    CXM_COLUMN_DATES = 64       /**< the instants are midnights that stand for local days, which no
                                     time zone moves (Arrow date64); CXM_DAYS are such without it. Where
                                     instants are needed, the day begins by the clock of the column */
};

/**
 * One column. Start from CXM_ARRAY, CXM_FIELD, CXM_FIELD_AS or `{0}`; zero means "none"
 * for every member below `stride`.
 *
 * An element is missing when its validity bit is 0, its mask byte says so, it is NaN, equals
 * the sentinel or a missing code, or its label says so. A column may also be a list of
 * `chunks` (their lengths must add up to n); then only name, n, time, codes, labels and
 * calendar are read from the column itself.
 */
struct cxm_column {
    const char *name;         /**< for messages and results; NULL: the name of its role */
    const void *data;         /**< first element; bits: the byte that holds the first bit */
    int64_t n;                /**< number of elements, at most INT64_MAX */
    int64_t stride;           /**< bytes from one element to the next, may be negative or 0 */
    uint32_t type;            /**< enum cxm_type */
    uint32_t width;           /**< CXM_TEXT: bytes of an element */
    int64_t offset;           /**< elements to skip in `data` (bits, offsets, views) */
    const uint8_t *validity;  /**< one bit an element, 1 = present; NULL: all present */
    int64_t validity_offset;  /**< bits to skip */
    const uint8_t *mask;      /**< one byte an element; NULL: none */
    int64_t mask_stride;      /**< bytes from one mask byte to the next */
    const void *heap;         /**< text of CXM_UTF8…; buffers of CXM_UTF8_VIEW */
    const int64_t *heap_bytes;/**< size of the heap, or of each buffer; NULL: trusted */
    int64_t n_buffers;        /**< CXM_UTF8_VIEW: number of buffers */
    const struct cxm_column *dictionary; /**< elements are indexes into this column */
    const struct cxm_column *chunks;     /**< the parts of a chunked column */
    int64_t n_chunks;
    uint32_t flags;           /**< enum cxm_column_flags */
    uint32_t time_unit;       /**< enum cxm_time_unit */
    int32_t scale;            /**< CXM_DECIMAL: digits after the point */
    uint32_t calendar;        /**< enum cxm_calendar, for keys */
    int64_t utc_offset;       /**< seconds east of UTC: of calendar keys, and where dates begin */
    const struct cxm_zone_row *zone; /**< sorted by utc_from; NULL: none */
    int64_t n_zone;
    int64_t sentinel;         /**< integer that means missing (see flags) */
    const double *missing_codes;
    int64_t n_missing_codes;
    const struct cxm_label *labels; /**< answers given as text */
    int64_t n_labels;
    int64_t reserved[4];
};

/** Bytes of one element of a fixed-size type; 0 for the others and for unknown types. */
CXM_API size_t cxm_type_bytes(enum cxm_type type);

/** "u8", "f64", "utf8" …; never NULL. */
CXM_API const char *cxm_type_name(enum cxm_type type);

/**
 * Checks that a column can be read: known type, data where n > 0, sizes that do not overflow,
 * ordered offsets and views inside their heap when `heap_bytes` is given, dictionary indexes
 * are checked when read. Everything that takes columns does this itself.
 * @retval CXM_EINVAL with the reason  @retval CXM_ECORRUPT offsets outside the heap
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_column_check(const struct cxm_column *column, struct cxm_error *error);

/** Builds a column over an array; what the macros below expand to. */
static inline struct cxm_column
cxm_column_make(const char *name, uint32_t type, const void *data, size_t n, int64_t stride,
                uint32_t width)
{
    struct cxm_column column;
    memset(&column, 0, sizeof column);
    column.name = name;
    column.data = n > 0 ? data : NULL;
    column.n = (int64_t)n;
    column.stride = stride;
    column.type = type;
    column.width = width;
    return column;
}

/** Says that the integers are instants or durations in `unit`; `missing` is the sentinel. */
static inline struct cxm_column
cxm_column_time(struct cxm_column column, enum cxm_time_unit unit, int64_t missing)
{
    column.time_unit = unit;
    column.sentinel = missing;
    column.flags |= CXM_COLUMN_SENTINEL;
    return column;
}

/** A calendar key: instants become the first day of their period at `utc_offset` seconds. */
static inline struct cxm_column
cxm_column_period(struct cxm_column column, enum cxm_calendar calendar, int64_t utc_offset)
{
    column.calendar = calendar;
    column.utc_offset = utc_offset;
    column.flags |= CXM_COLUMN_HAS_OFFSET;
    if (column.time_unit == CXM_NO_TIME)
        column.time_unit = CXM_S;
    return column;
}

#define CXM_TIME(column, unit, missing) cxm_column_time((column), (unit), (missing))

#ifdef __cplusplus
}

/* C++: the type of the element chooses the code. */
static inline uint32_t cxm_type_of(const volatile int8_t *) { return CXM_I8; }
static inline uint32_t cxm_type_of(const volatile int16_t *) { return CXM_I16; }
static inline uint32_t cxm_type_of(const volatile int32_t *) { return CXM_I32; }
static inline uint32_t cxm_type_of(const volatile int64_t *) { return CXM_I64; }
static inline uint32_t cxm_type_of(const volatile uint8_t *) { return CXM_U8; }
static inline uint32_t cxm_type_of(const volatile uint16_t *) { return CXM_U16; }
static inline uint32_t cxm_type_of(const volatile uint32_t *) { return CXM_U32; }
static inline uint32_t cxm_type_of(const volatile uint64_t *) { return CXM_U64; }
static inline uint32_t cxm_type_of(const volatile long long *)
{ return sizeof(long long) == 8 ? CXM_I64 : CXM_NULL; }
static inline uint32_t cxm_type_of(const volatile unsigned long long *)
{ return sizeof(long long) == 8 ? CXM_U64 : CXM_NULL; }
static inline uint32_t cxm_type_of(const volatile float *) { return CXM_F32; }
static inline uint32_t cxm_type_of(const volatile double *) { return CXM_F64; }
static inline uint32_t cxm_type_of(const volatile bool *) { return CXM_BOOL; }
static inline uint32_t cxm_type_of(const char *const *) { return CXM_STRINGS; }
static inline uint32_t cxm_type_of(const char *) { return CXM_TEXT; }
template <class T> static inline uint32_t cxm_text_type_of(const T *p) { return cxm_type_of(p); }
template <size_t W> static inline uint32_t cxm_text_type_of(const char (*)[W]) { return CXM_TEXT; }
template <size_t W> static inline uint32_t cxm_text_type_of(const signed char (*)[W]) { return CXM_TEXT; }
template <size_t W> static inline uint32_t cxm_text_type_of(const unsigned char (*)[W]) { return CXM_TEXT; }
#define CXM_TYPE_OF(pointer) cxm_text_type_of(pointer)
/* Where an array, or the elements of a std::vector and the like, begin; nowhere when there are none. */
template <class T> static inline T *cxm_start_of(T *array) { return array; }
template <class V> static inline auto cxm_start_of(V &vector) -> decltype(vector.data())
{ return vector.data(); }
#define CXM_START_OF(array) cxm_start_of(array)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
/* C11: numbers and fixed-width text (char agent[16], also of signed or unsigned char); `char` itself
 * is text of width 1. The outer choice tells `char *` from `char[8]`, the inner one sees where arrays
 * begin. What is none of these, such as a pointer, a struct or a long double, does not compile. */
#define CXM_TYPE_OF(pointer)                                                                     \
    _Generic((pointer),                                                                          \
        char **: CXM_STRINGS, const char **: CXM_STRINGS,                                        \
        char *const *: CXM_STRINGS, const char *const *: CXM_STRINGS,                            \
        signed char **: (void)0, unsigned char **: (void)0,                                      \
        signed char *const *: (void)0, unsigned char *const *: (void)0,                          \
        const signed char **: (void)0, const unsigned char **: (void)0,                          \
        const signed char *const *: (void)0, const unsigned char *const *: (void)0,              \
        default: _Generic(*(pointer),                                                            \
            _Bool: CXM_BOOL,                                                                     \
            signed char: CXM_I8, unsigned char: CXM_U8,                                          \
            short: CXM_I16, unsigned short: CXM_U16,                                             \
            int: CXM_I32, unsigned int: CXM_U32,                                                 \
            long: (sizeof(long) == 8 ? CXM_I64 : CXM_I32),                                       \
            unsigned long: (sizeof(long) == 8 ? CXM_U64 : CXM_U32),                              \
            long long: CXM_I64, unsigned long long: CXM_U64,                                     \
            float: CXM_F32, double: CXM_F64,                                                     \
            char: CXM_TEXT, char *: CXM_TEXT, const char *: CXM_TEXT,                            \
            signed char *: CXM_TEXT, const signed char *: CXM_TEXT,                              \
            unsigned char *: CXM_TEXT, const unsigned char *: CXM_TEXT))
#endif
#ifndef CXM_START_OF
#define CXM_START_OF(array) (array)
#endif

#ifdef CXM_TYPE_OF
/** A column over a plain array of n elements: `CXM_ARRAY(scores, 100)`. */
#define CXM_ARRAY(array, n)                                                                      \
    cxm_column_make(#array, (uint32_t)CXM_TYPE_OF(CXM_START_OF(array)), CXM_START_OF(array), (n), \
                    (int64_t)sizeof (array)[0], (uint32_t)sizeof (array)[0])
/** A column over one field of an array of n structs: `CXM_FIELD(tickets, n, customer)`. */
#define CXM_FIELD(array, n, field)                                                               \
    cxm_column_make(#field, (uint32_t)CXM_TYPE_OF(&(array)[0].field),                            \
                    &(array)[0].field, (n), (int64_t)sizeof (array)[0],                          \
                    (uint32_t)sizeof (array)[0].field)
#endif

/* C99: the type is named, and its size is checked while compiling. */
#define CXM_SIZE_CHECK(type, bytes)                                                              \
    ((uint32_t)(type) + 0u * (uint32_t)sizeof(char[((type) == CXM_TEXT ||                        \
        (bytes) == ((type) == CXM_I8 || (type) == CXM_U8 || (type) == CXM_BOOL ? 1u              \
                    : (type) == CXM_I16 || (type) == CXM_U16 ? 2u                                \
                    : (type) == CXM_I32 || (type) == CXM_U32 || (type) == CXM_F32 ? 4u           \
                    : (type) == CXM_DECIMAL ? 16u : 8u)) ? 1 : -1]))
#define CXM_ARRAY_AS(type, array, n)                                                             \
    cxm_column_make(#array, CXM_SIZE_CHECK(type, sizeof (array)[0]), CXM_START_OF(array), (n),   \
                    (int64_t)sizeof (array)[0], (uint32_t)sizeof (array)[0])
#define CXM_FIELD_AS(type, array, n, field)                                                      \
    cxm_column_make(#field, CXM_SIZE_CHECK(type, sizeof (array)[0].field), &(array)[0].field,    \
                    (n), (int64_t)sizeof (array)[0], (uint32_t)sizeof (array)[0].field)

#endif
