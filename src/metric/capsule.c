/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Handing a stream to Python without knowing Python: what a PyCapsule needs from C.
 *
 * __arrow_c_stream__ returns a capsule around a stream. Whoever takes the stream moves it out;
 * then, or when nobody ever does, the capsule's destructor frees the rest. The destructor must
 * be C: one written in Python runs with exceptions pending and after the interpreter has been
 * taken down. It gets the capsule and nothing else, and needs PyCapsule_GetPointer to look
 * inside.
 *
 * That function is looked up among the symbols of the process at the time of the call. Where
 * it could be kept instead, in a variable of this library, would be global state; and inside
 * the capsule it cannot be reached. Extension modules of Python are bound to the interpreter
 * in the same way, so the look-up works wherever they can be loaded. Should it fail all the
 * same, a stream that nobody took is leaked: never a wrong pointer is freed. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif

#include "base/base.h"

#include <cxm/arrow.h>

#ifndef _WIN32
#include <dlfcn.h>
#endif

struct ArrowArrayStream *cxm_arrow_stream_new(void)
{
    return cxm_priv_alloc_zero(NULL, 1, sizeof(struct ArrowArrayStream));
}

void cxm_arrow_stream_free(struct ArrowArrayStream *stream)
{
    if (stream == NULL)
        return;
    if (stream->release != NULL)
        stream->release(stream);
    cxm_priv_release(NULL, stream);
}

#ifndef _WIN32

typedef int is_valid_function(void *capsule, const char *name);
typedef void *get_pointer_function(void *capsule, const char *name);

void cxm_arrow_capsule_destructor(void *capsule)
{
    static const char name[] = "arrow_array_stream";
    is_valid_function *is_valid = NULL;
    get_pointer_function *get_pointer = NULL;
    /* Copied as bytes: C has no conversion from an object pointer to a function pointer. */
    void *symbol = dlsym(RTLD_DEFAULT, "PyCapsule_IsValid");
    memcpy(&is_valid, &symbol, sizeof symbol);
    symbol = dlsym(RTLD_DEFAULT, "PyCapsule_GetPointer");
    memcpy(&get_pointer, &symbol, sizeof symbol);
    /* Asking first: GetPointer would set an exception, and one may be pending already. */
    if (is_valid != NULL && get_pointer != NULL && is_valid(capsule, name))
        cxm_arrow_stream_free(get_pointer(capsule, name));
}

#else

void cxm_arrow_capsule_destructor(void *capsule)
{
    (void)capsule; /* the name of Python's library is unknown here: leaked, as said above */
}

#endif
