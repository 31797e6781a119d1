/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arrow C data and C stream interfaces: columns read in place, results exported. */
#ifndef CXM_ARROW_H
#define CXM_ARROW_H

#include <cxm/tally.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The struct layouts of the Arrow C data interface (Apache-2.0, the Apache Software
 * Foundation), with the canonical guards so that several copies do not clash. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

/** Arrow data held in memory while its columns are used. */
struct cxm_arrow;

/**
 * Takes over a stream, reads all of it and keeps its chunks until cxm_arrow_free. Accepts a
 * stream of structs (a table) and of plain arrays (one column, index 0). The stream is moved:
 * `stream->release` is NULL afterwards, also when the call fails.
 * @retval CXM_EINVAL  a released stream, or the producer reported an error (its message)
 * @retval CXM_ECORRUPT  lengths, offsets or buffers contradict each other
 * @retval CXM_ENOMEM
 * Nothing is copied. Columns of types that cannot be read are refused only when asked for. Cost: the
 * producer's, and a check of each chunk.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_arrow_from_stream(struct ArrowArrayStream *stream, const struct cxm_allocator *allocator,
                      struct cxm_arrow **out, struct cxm_error *error);

/** The same for one array; schema and array are moved, also when the call fails. Errors alike. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_arrow_from_array(struct ArrowSchema *schema, struct ArrowArray *array,
                     const struct cxm_allocator *allocator, struct cxm_arrow **out,
                     struct cxm_error *error);

/** Releases the chunks; NULL is fine. */
CXM_API void cxm_arrow_free(struct cxm_arrow *arrow);
CXM_API int64_t cxm_arrow_rows(const struct cxm_arrow *arrow);
CXM_API int64_t cxm_arrow_columns(const struct cxm_arrow *arrow);
/** Name of a column, NULL beyond the end. */
CXM_API const char *cxm_arrow_name(const struct cxm_arrow *arrow, int64_t index);
/** Index of the column with that name; -1 none, -2 several. */
CXM_API int64_t cxm_arrow_find(const struct cxm_arrow *arrow, const char *name);
/**
 * A view of one column, valid until cxm_arrow_free.
 * @retval CXM_EUNSUPPORTED  lists, unions, run-end … : the message names the format
 * @retval CXM_EINVAL no such column   @retval CXM_ECORRUPT hostile offsets
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_arrow_column(struct cxm_arrow *arrow, int64_t index, struct cxm_column *out,
                 struct cxm_error *error);

/**
 * Exports result rows (key columns, metric, measure, value … flags) as a stream with
 * one chunk. The stream owns its memory: the tally may be freed. Undefined numbers are null.
 * @param options  NULL: all defaults   @param[out] out  untouched on failure
 * @retval CXM_EOVERFLOW  a text column above 2 GiB, a day that does not fit 32 bits
 * Other errors as cxm_tally_estimate. Sorts the keys in place. Linear in the cells.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_to_arrow(struct cxm_tally *tally, const struct cxm_estimate_options *options,
                   struct ArrowArrayStream *out, struct cxm_error *error);

/**
 * For bindings that pass a stream on in a PyCapsule: a zeroed, released stream on the heap, to
 * be filled by cxm_tally_to_arrow and wrapped by
 * `PyCapsule_New(stream, "arrow_array_stream", cxm_arrow_capsule_destructor)`. NULL: no memory.
 */
CXM_API struct ArrowArrayStream *cxm_arrow_stream_new(void);

/** Releases a stream of cxm_arrow_stream_new unless it was taken, and frees it; NULL is fine. */
CXM_API void cxm_arrow_stream_free(struct ArrowArrayStream *stream);

/**
 * The destructor of such a capsule (void * stands for PyObject *): does cxm_arrow_stream_free
 * on the stream inside. Finds PyCapsule_GetPointer among the symbols of the process; needs
 * Python's lock like every destructor, raises nothing, works while the interpreter shuts down.
 * A capsule of another name is left alone.
 */
CXM_API void cxm_arrow_capsule_destructor(void *capsule);

#ifdef __cplusplus
}
#endif

#endif
