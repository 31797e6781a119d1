/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns out of structs: every variant against copying each value by itself, for all widths, offsets,
 * many strides and lengths, between pages that may not be touched; and metrics of structs against the
 * same columns side by side: equal bytes. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "guarded.h"
#include "saved.h"

#include <cxm/cxm.h>

#include "column/unweave.h"

#include <stdlib.h>

static uint64_t seed_state = 20261123;
static uint64_t draw(void)
{
    return random_u64(&seed_state);
}

/* ---- the kernels ------------------------------------------------------------------------ */

enum { SOME_ROWS = 70, SOME_MEMBERS = 12, MOST_ROWS = 1040, MOST_MEMBERS = 60, MARK = 0xA5 };

/* With `more` rows the memory ends where the last member of the next one begins. */
static void compare_before(cxm_unweave *variant, struct cxm_member *members, size_t n_members,
                           int64_t stride, size_t n, bool at_end, bool more)
{
    static uint8_t got[MOST_MEMBERS][MOST_ROWS * 8 + 1], want[MOST_MEMBERS][MOST_ROWS * 8 + 1];
    size_t bytes = 0;
    for (size_t m = 0; m < n_members; m++) {
        const size_t end = (size_t)members[m].offset + members[m].width;
        const size_t next = (size_t)members[m].offset + (size_t)stride;
        bytes = end > bytes ? end : bytes;
        bytes = more && next > bytes ? next : bytes;
        members[m].to = got[m];
    }
    bytes += (n - 1) * (size_t)stride;
    struct guarded g = guard_at(bytes, at_end);
    uint8_t *from = g.bytes;
    for (size_t i = 0; i < bytes; i++)
        from[i] = (uint8_t)draw();
    for (size_t m = 0; m < n_members; m++) {
        memset(got[m], MARK, n * 8 + 1);
        memset(want[m], MARK, n * 8 + 1);
        for (size_t i = 0; i < n; i++)
            memcpy(want[m] + i * members[m].width,
                   from + (int64_t)i * stride + members[m].offset, members[m].width);
    }
    cxm_priv_unweave_plan(members, n_members);
    variant(from, stride, n, members, n_members, n % 3 > 0 ? 64 * stride : 0, more);
    for (size_t m = 0; m < n_members; m++)
        assert_memory_equal(got[m], want[m], n * 8 + 1);
    unguard(g);
}

static void compare(cxm_unweave *variant, struct cxm_member *members, size_t n_members,
                    int64_t stride, size_t n, bool at_end)
{
    compare_before(variant, members, n_members, stride, n, at_end, false);
    compare_before(variant, members, n_members, stride, n, at_end, true);
}

static size_t find_variants(cxm_unweave *variants[3])
{
    size_t n = 0;
    variants[n++] = cxm_priv_unweave_c;
#if CXM_UNWEAVE_X86
    if (__builtin_cpu_supports("avx2"))
        variants[n++] = cxm_priv_unweave_avx2;
    if (CXM_SUPPORTS("avx512f") && CXM_SUPPORTS("avx512bw"))
        variants[n++] = cxm_priv_unweave_avx512;
#endif
    return n;
}

/* Two members at all distances, of all widths. */
static void two_members(void **state)
{
    (void)state;
    static const uint32_t widths[] = { 1, 2, 4, 8 };
    cxm_unweave *variants[3];
    const size_t n_variants = find_variants(variants);
    for (size_t v = 0; v < n_variants; v++) {
        for (uint32_t pair = 0; pair < 16; pair++) {
            for (int64_t apart = 0; apart < 40; apart++) {
                struct cxm_member members[2] = { { .offset = 0, .width = widths[pair / 4] },
                                                 { .offset = apart, .width = widths[pair % 4] } };
                compare(variants[v], members, 2, 40, 33, apart % 2);
            }
        }
    }
}

/* Members of all widths, now and then two at one place, or gaps between them. */
static size_t draw_members(struct cxm_member *members, size_t most)
{
    const size_t n_members = 1 + draw() % most;
    int64_t offset = 0;
    for (size_t m = 0; m < n_members; m++) {
        members[m] = (struct cxm_member){ .offset = offset, .width = (uint32_t)1 << draw() % 4 };
        offset += (int64_t)(draw() % 3 == 0 ? draw() % 20 : members[m].width);
    }
    return n_members;
}

static void any_members(void **state)
{
    (void)state;
    static const int64_t strides[] = { 8, 12, 15, 16, 17, 24, 40, 63, 64, 65, 100, 128, 4095, 4096,
                                       4097, 9000 };
    cxm_unweave *variants[3];
    const size_t n_variants = find_variants(variants);
    for (size_t v = 0; v < n_variants; v++) {
        for (size_t n = 1; n <= SOME_ROWS; n++) {
            for (size_t s = 0; s < COUNT_OF(strides); s++) {
                struct cxm_member members[SOME_MEMBERS];
                const size_t n_members = draw_members(members, SOME_MEMBERS);
                compare(variants[v], members, n_members, strides[s], n, draw() % 2);
            }
        }
    }
}

/* So many rows that they are read from several places, and so many members that they are read in turn. */
static void many_rows(void **state)
{
    (void)state;
    static const size_t lengths[] = { 128, 250, 255, 256, 257, 264, 265, 287, 288, 289, 511, 512, 1000,
                                      1023, 1024, 1025, 1040 };
    static const int64_t strides[] = { 16, 24, 64, 65, 128 };
    cxm_unweave *variants[3];
    const size_t n_variants = find_variants(variants);
    for (size_t v = 0; v < n_variants; v++) {
        for (size_t k = 0; k < COUNT_OF(lengths); k++) {
            for (size_t s = 0; s < COUNT_OF(strides); s++) {
                struct cxm_member members[MOST_MEMBERS];
                const size_t n_members = draw_members(members, k % 2 > 0 ? MOST_MEMBERS : 4);
                compare(variants[v], members, n_members, strides[s], lengths[k], draw() % 2);
            }
        }
    }
}

/* Negative strides: the reference is used. */
static void backwards(void **state)
{
    (void)state;
    cxm_unweave *variants[3];
    const size_t n_variants = find_variants(variants);
    for (size_t v = 0; v < n_variants; v++) {
        uint32_t from[80], to[40];
        struct cxm_member member = { .offset = 0, .width = 4, .to = (uint8_t *)to };
        for (uint32_t i = 0; i < 80; i++)
            from[i] = i * i;
        variants[v]((const uint8_t *)(from + 78), -8, 40, &member, 1, 0, v % 2);
        for (uint32_t i = 0; i < 40; i++)
            assert_int_equal(to[i], (78 - 2 * i) * (78 - 2 * i));
    }
}

/* ---- metrics ---------------------------------------------------------------------------- */

enum { ROWS = 5008, COLUMNS = 8 }; /* no rows are left over behind whole vectors */

/* Kinds of columns: what they hold, and of which type. */
struct kind {
    const char *metric;
    struct {
        const char *role;
        enum cxm_type type;
        int kind; /* 0: 0 … 10 and 99, 1: 1 … 5, 2: numbers, 3: keys, 4: 0 or 1, 5: small times,
                     6: keys, of which some are null and far away */
    } columns[COLUMNS];
};

static const struct kind kinds[] = {
    { "nps", { { "score", CXM_U8, 0 } } },
    { "nps", { { "score", CXM_F32, 0 } } },
    { "nps", { { "score", CXM_U8, 0 }, { "by", CXM_U32, 3 } } },
    { "nps", { { "score", CXM_I8, 0 }, { "by", CXM_I16, 3 } } },
    { "nps", { { "score", CXM_I64, 0 }, { "by", CXM_I64, 3 } } },
    { "nps", { { "by", CXM_U32, 3 }, { "score", CXM_U8, 0 } } },
    { "nps", { { "by", CXM_I64, 3 }, { "score", CXM_F64, 0 } } },
    { "nps", { { "score", CXM_U8, 0 }, { "by", CXM_I64, 6 } } },
    { "nps", { { "by", CXM_I16, 6 }, { "score", CXM_F32, 0 } } },
    { "nps", { { "score", CXM_U8, 0 }, { "weight", CXM_F64, 2 }, { "by", CXM_U32, 3 } } },
    { "nps", { { "weight", CXM_F32, 2 }, { "score", CXM_U16, 0 }, { "by", CXM_U8, 3 },
               { "by", CXM_U8, 3 } } },
    { "mean", { { "value", CXM_F64, 2 }, { "by", CXM_U32, 3 } } },
    { "mean", { { "value", CXM_F32, 2 } } },
    { "mean", { { "value", CXM_I32, 3 }, { "by", CXM_U16, 3 }, { "freq", CXM_U8, 4 } } },
    { "mean", { { "value", CXM_F64, 2 }, { "weight", CXM_F64, 2 }, { "by", CXM_I8, 3 } } },
    { "gap", { { "perceived", CXM_F32, 1 }, { "perceived", CXM_F32, 1 }, { "expected", CXM_F32, 1 },
               { "expected", CXM_F32, 1 }, { "by", CXM_U8, 3 } } },
    { "gap", { { "perceived", CXM_U8, 1 }, { "perceived", CXM_F64, 1 }, { "expected", CXM_I64, 1 },
               { "expected", CXM_U8, 1 }, { "by", CXM_U32, 3 } } },
    { "survival", { { "duration", CXM_U16, 5 }, { "event", CXM_U8, 4 }, { "by", CXM_U8, 3 } } },
};

static void put(uint8_t *at, enum cxm_type type, double v)
{
    switch (type) {
    case CXM_U8: case CXM_I8: { const int8_t x = (int8_t)(int)v; memcpy(at, &x, sizeof x); break; }
    case CXM_U16: case CXM_I16: { const int16_t x = (int16_t)v; memcpy(at, &x, sizeof x); break; }
    case CXM_U32: case CXM_I32: { const int32_t x = (int32_t)v; memcpy(at, &x, sizeof x); break; }
    case CXM_F32: { const float x = (float)v; memcpy(at, &x, sizeof x); break; }
    case CXM_F64: memcpy(at, &v, sizeof v); break;
    default: { const int64_t x = (int64_t)v; memcpy(at, &x, sizeof x); break; }
    }
}

static double value_of(int kind)
{
    const uint64_t r = draw();
    switch (kind) {
    case 0: return r % 50 == 0 ? 99 : (double)((r >> 8) % 11);
    case 1: return (double)(1 + r % 5);
    case 2: return (double)(1 + r % 100000) / 1024;
    case 3: return (double)(r % 60);
    case 4: return (double)(r % 2);
    case 6: return r % 5 == 0 ? -30000 : (double)(r % 60);
    default: return (double)(r % 300);
    }
}

/* The saved tally of rows whose columns are `stride` bytes apart (0: each by itself). `bad`: a row with
 * an answer that there is not, of which the message tells. */
static uint8_t *tally_of(const struct kind *kind, int64_t stride, int64_t offset, int64_t bad,
                         int32_t threads, size_t *n_bytes, char *message)
{
    static const double missing = 99;
    static const char *const dimensions[] = { "one", "two" };
    const struct cxm_param items = { "items", NULL, 0, dimensions, 2 };
    uint8_t known[ROWS / 8 + 1], nulls[sizeof known];
    struct cxm_column columns[COLUMNS];
    struct cxm_input inputs[COLUMNS];
    uint8_t *memory[COLUMNS] = { NULL }, *saved = NULL;
    size_t n = 0;
    int64_t width = offset, at = 0;
    seed_state = 7;
    for (; n < COLUMNS && kind->columns[n].role != NULL; n++)
        width += (int64_t)cxm_type_bytes(kind->columns[n].type);
    const size_t all = (size_t)((ROWS - 1) * stride + width - offset);
    struct guarded structs = guard(stride > 0 ? all : 0);
    for (size_t c = 0; c < n; c++) {
        const enum cxm_type type = kind->columns[c].type;
        const size_t bytes = cxm_type_bytes(type);
        const int64_t step = stride > 0 ? stride : (int64_t)bytes;
        memory[c] = stride > 0 ? NULL : malloc(ROWS * bytes);
        uint8_t *from = stride > 0 ? structs.bytes + at : memory[c];
        at += (int64_t)bytes;
        for (int64_t i = 0; i < ROWS; i++) {
            const double value = value_of(kind->columns[c].kind);
            put(from + i * step, type, value);
            known[i / 8] = (uint8_t)(i % 8 == 0 ? value >= 0 : known[i / 8] | (value >= 0) << i % 8);
        }
        if (bad >= 0 && c == 0)
            put(from + bad * step, type, kind->columns[c].kind == 0 ? 77 : (double)INFINITY);
        columns[c] = cxm_column_make(NULL, type, from, ROWS, step, (uint32_t)bytes);
        if (kind->columns[c].kind == 0) {
            columns[c].missing_codes = &missing;
            columns[c].n_missing_codes = 1;
        }
        if (kind->columns[c].kind == 6)
            columns[c].validity = memcpy(nulls, known, sizeof known);
        inputs[c] = (struct cxm_input){ kind->columns[c].role, &columns[c] };
    }
    struct cxm_tally *tally = NULL;
    struct cxm_error error = { 0 };
    const bool gap = strcmp(kind->metric, "gap") == 0;
    assert_int_equal(cxm_tally_new(kind->metric, &items, gap, NULL, &tally, NULL), CXM_OK);
    const struct cxm_add_options add = { .size = sizeof add, .threads = threads };
    const enum cxm_status status = cxm_tally_add(tally, inputs, n, &add, &error);
    message[0] = '\0';
    if (status != CXM_OK)
        snprintf(message, 400, "%s", error.message);
    saved = save_tally(tally, n_bytes);
    cxm_tally_free(tally);
    for (size_t c = 0; c < n; c++)
        free(memory[c]);
    unguard(structs);
    return saved;
}

static void metrics(void **state)
{
    (void)state;
    static const int64_t strides[] = { 64, 24, 48, 65, 100, 128, 4096 };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        for (int bad = 0; bad < 2; bad++) {
            if (bad && kinds[k].columns[0].kind > 0 && kinds[k].columns[0].type < CXM_F32)
                continue;
            char want_message[400], message[400];
            size_t want_bytes, bytes;
            const int64_t row = bad ? 4321 : -1;
            uint8_t *want = tally_of(&kinds[k], 0, 0, row, 1, &want_bytes, want_message);
            if ((want_message[0] != '\0') != bad)
                fail_msg("%s: %s", kinds[k].metric, want_message);
            for (size_t s = 0; s < COUNT_OF(strides); s++) {
                uint8_t *got = tally_of(&kinds[k], strides[s], 0, row, 1 + (int32_t)(s % 2), &bytes,
                                        message);
                assert_string_equal(message, want_message);
                assert_int_equal(bytes, want_bytes);
                assert_memory_equal(got, want, bytes);
                free(got);
            }
            free(want);
        }
    }
}

/* Ratings of structs whose number is no multiple of anything. */
static void lengths(void **state)
{
    (void)state;
    static const enum cxm_type types[] = { CXM_U8, CXM_I16, CXM_F32, CXM_F64 };
    enum { FEWEST = 1281, MOST = 1290, STRIDE = 40 };
    static uint8_t near[MOST * 8], far[MOST * STRIDE];
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        const size_t width = cxm_type_bytes(types[t]);
        for (size_t i = 0; i < MOST; i++) {
            const double value = (double)(draw() % 11);
            put(near + i * width, types[t], value);
            put(far + i * STRIDE, types[t], value);
        }
        for (int64_t n = FEWEST; n <= MOST; n++) {
            uint8_t *saved[2];
            size_t bytes[2];
            for (int apart = 0; apart < 2; apart++) {
                const struct cxm_column column =
                    cxm_column_make(NULL, types[t], apart ? far : near, n, apart ? STRIDE : (int64_t)width,
                                    (uint32_t)width);
                const struct cxm_input input = { "score", &column };
                struct cxm_tally *tally = NULL;
                assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
                assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, NULL), CXM_OK);
                saved[apart] = save_tally(tally, &bytes[apart]);
                cxm_tally_free(tally);
            }
            assert_int_equal(bytes[0], bytes[1]);
            assert_memory_equal(saved[0], saved[1], bytes[0]);
            free(saved[0]);
            free(saved[1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_members),
        cmocka_unit_test(any_members),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(backwards),
        cmocka_unit_test(metrics),
        cmocka_unit_test(lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
