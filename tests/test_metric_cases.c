/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Metrics against numbers that another program worked out: reads cases from text files and
 * compares. tests/data/metric_cases.txt comes from tests/reference/metric_cases.py and
 * tests/data/design_cases.txt from design_cases.py (exact fractions); test_real_data.py writes
 * cases of its own and names the file on the command line.
 *
 * A case is lines of words:
 *   case NAME METRIC
 *   numbers PARAM x …       texts PARAM word …       grouping PARAM k x … word …
 *   column ROLE TYPE x …    "-" is a missing element (a null, or NaN of floats)
 *   missing ROLE x …        missing codes of the column given before
 *   lonely WORD             what strata with one unit mean: certainty, adjust
 *   want MEASURE GROUP n missing invalid excluded value std_error lower upper TOLERANCE
 *   end
 * GROUP is the place of the group in sorted order, or "total". A value of "?" is not compared;
 * others may differ by TOLERANCE times the largest of their size and, for a standard error or a
 * limit, the size of the value. */
#include "metric_testing.h"

enum { MAX_COLUMNS = 64, MAX_PARAMS = 12, MAX_WANTS = 400, MAX_WORDS = 200000 };

struct parsed {
    char *name, *metric;
    struct cxm_param params[MAX_PARAMS];
    size_t n_params;
    struct cxm_column columns[MAX_COLUMNS];
    struct cxm_input inputs[MAX_COLUMNS];
    size_t n_columns;
    char *wants[MAX_WANTS];
    size_t n_wants;
    int32_t lonely;
    void *owned[8 * MAX_COLUMNS + MAX_WANTS];
    size_t n_owned;
};

static struct parsed *cases;
static size_t n_cases;

static void *keep(struct parsed *c, void *memory)
{
    if (memory == NULL || c->n_owned == COUNT_OF(c->owned)) {
        fprintf(stderr, "case %s is too large\n", c->name);
        exit(2);
    }
    return c->owned[c->n_owned++] = memory;
}

static char *copy_of(struct parsed *c, const char *text)
{
    char *copy = keep(c, malloc(strlen(text) + 1));
    return strcpy(copy, text);
}

static size_t split(char *line, char **words)
{
    size_t n = 0;
    for (char *word = strtok(line, " \n"); word != NULL && n < MAX_WORDS;
         word = strtok(NULL, " \n"))
        words[n++] = word;
    return n;
}

static void read_param(struct parsed *c, char **words, size_t n)
{
    const bool grouping = strcmp(words[0], "grouping") == 0;
    const bool numbers = grouping || strcmp(words[0], "numbers") == 0;
    const size_t first = grouping ? 3 : 2;
    const size_t n_numbers = grouping ? strtoul(words[2], NULL, 10) : numbers ? n - first : 0;
    const size_t n_texts = n - first - n_numbers;
    double *values = keep(c, calloc(n_numbers + 1, sizeof *values));
    const char **texts = keep(c, calloc(n_texts + 1, sizeof *texts));
    for (size_t i = 0; i < n_numbers; i++)
        values[i] = strtod(words[first + i], NULL);
    for (size_t i = 0; i < n_texts; i++)
        texts[i] = copy_of(c, words[first + n_numbers + i]);
    c->params[c->n_params++] = (struct cxm_param){ copy_of(c, words[1]), values, n_numbers,
                                                   texts, n_texts };
}

static uint32_t type_of(const char *name)
{
    for (uint32_t type = CXM_I8; type <= CXM_STRINGS; type++) {
        if (strcmp(cxm_type_name((enum cxm_type)type), name) == 0)
            return type;
    }
    fprintf(stderr, "unknown type %s\n", name);
    exit(2);
}

static void put(void *data, size_t i, uint32_t type, const char *word, struct parsed *c)
{
    const bool missing = strcmp(word, "-") == 0;
    const long long whole = missing ? 0 : strtoll(word, NULL, 10);
    switch (type) {
    case CXM_I8: ((int8_t *)data)[i] = (int8_t)whole; break;
    case CXM_I16: ((int16_t *)data)[i] = (int16_t)whole; break;
    case CXM_I32: ((int32_t *)data)[i] = (int32_t)whole; break;
    case CXM_I64: ((int64_t *)data)[i] = (int64_t)whole; break;
    case CXM_U8: ((uint8_t *)data)[i] = (uint8_t)whole; break;
    case CXM_U16: ((uint16_t *)data)[i] = (uint16_t)whole; break;
    case CXM_U32: ((uint32_t *)data)[i] = (uint32_t)whole; break;
    case CXM_U64: ((uint64_t *)data)[i] = (uint64_t)whole; break;
    case CXM_BOOL: ((bool *)data)[i] = whole != 0; break;
    case CXM_F32: ((float *)data)[i] = missing ? NAN : strtof(word, NULL); break;
    case CXM_F64: ((double *)data)[i] = missing ? NAN : strtod(word, NULL); break;
    case CXM_STRINGS: ((char **)data)[i] = missing ? NULL : copy_of(c, word); break;
    default: exit(2);
    }
}

static void read_column(struct parsed *c, char **words, size_t n_words)
{
    const uint32_t type = type_of(words[2]);
    const size_t n = n_words - 3;
    const size_t bytes = type == CXM_STRINGS ? sizeof(char *)
                                             : cxm_type_bytes((enum cxm_type)type);
    void *data = keep(c, calloc(n + 1, bytes));
    uint8_t *validity = keep(c, calloc(n / 8 + 1, 1));
    for (size_t i = 0; i < n; i++) {
        put(data, i, type, words[3 + i], c);
        if (strcmp(words[3 + i], "-") != 0)
            validity[i / 8] = (uint8_t)(validity[i / 8] | 1u << i % 8);
    }
    const size_t at = c->n_columns++;
    if (at == MAX_COLUMNS)
        keep(c, NULL);
    c->columns[at] = cxm_column_make(NULL, type, data, n, (int64_t)bytes, 0);
    if (type != CXM_F32 && type != CXM_F64)
        c->columns[at].validity = validity;
    c->inputs[at] = (struct cxm_input){ copy_of(c, words[1]), NULL };
}

static void read_missing(struct parsed *c, char **words, size_t n)
{
    double *codes = keep(c, calloc(n, sizeof *codes));
    for (size_t i = 2; i < n; i++)
        codes[i - 2] = strtod(words[i], NULL);
    c->columns[c->n_columns - 1].missing_codes = codes;
    c->columns[c->n_columns - 1].n_missing_codes = (int64_t)n - 2;
}

static void read_line(char *line, char **words)
{
    struct parsed *c = n_cases > 0 ? &cases[n_cases - 1] : NULL;
    if (strncmp(line, "want ", 5) == 0) {
        if (c->n_wants == MAX_WANTS)
            keep(c, NULL);
        c->wants[c->n_wants++] = copy_of(c, line);
        return;
    }
    const size_t n = split(line, words);
    if (n == 0 || words[0][0] == '#' || strcmp(words[0], "end") == 0)
        return;
    if (strcmp(words[0], "case") == 0) {
        cases = realloc(cases, (n_cases + 1) * sizeof *cases);
        c = &cases[n_cases++];
        memset(c, 0, sizeof *c);
        c->name = copy_of(c, words[1]);
        c->metric = copy_of(c, words[2]);
    } else if (strcmp(words[0], "column") == 0) {
        read_column(c, words, n);
    } else if (strcmp(words[0], "lonely") == 0) {
        c->lonely = strcmp(words[1], "adjust") == 0 ? CXM_LONELY_ADJUST : CXM_LONELY_CERTAINTY;
    } else if (strcmp(words[0], "missing") == 0) {
        read_missing(c, words, n);
    } else {
        read_param(c, words, n);
    }
}

static bool read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    static char line[1 << 20];
    char **words = malloc(MAX_WORDS * sizeof *words);
    if (file == NULL || words == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL)
        read_line(line, words);
    free(words);
    return fclose(file) == 0;
}

static void compare(const char *case_name, const char *what, double got, const char *want,
                    double size, double tolerance)
{
    if (strcmp(want, "?") == 0)
        return;
    const double value = strtod(want, NULL);
    size = fmax(isfinite(size) ? fabs(size) : 0, fabs(value));
    if (got == value || (isnan(got) && isnan(value)) || fabs(got - value) <= tolerance * size)
        return;
    print_error("%s: %s is %.17g, not %s\n", case_name, what, got, want);
    fail();
}

static void matches_case(void **state)
{
    struct parsed *c = *state;
    for (size_t i = 0; i < c->n_columns; i++)
        c->inputs[i].column = &c->columns[i];
    struct cxm_tally *t = tally_of(c->metric, c->params, c->n_params, c->inputs, c->n_columns);
    assert_true(c->n_wants > 0);
    lonely_strata = c->lonely;
    for (size_t i = 0; i < c->n_wants; i++) {
        char text[1024], what[200], *words[16];
        assert_true(strlen(c->wants[i]) < sizeof text);
        strcpy(text, c->wants[i]);
        assert_int_equal(split(text, words), 12);
        const int64_t group = strcmp(words[2], "total") == 0 ? CXM_TOTAL
                                                             : strtoll(words[2], NULL, 10);
        const struct cxm_estimate e = measure_in(t, words[1], group);
        const double got[4] = { e.value, e.std_error, e.lower_raw, e.upper_raw };
        static const char *const names[4] = { "value", "std_error", "lower", "upper" };
        const int64_t base[4] = { e.n, e.missing, e.invalid, e.excluded };
        for (int k = 0; k < 4; k++) {
            if (base[k] != strtoll(words[3 + k], NULL, 10))
                print_error("%s: %s\n", c->name, words[1]);
            assert_int_equal(base[k], strtoll(words[3 + k], NULL, 10));
        }
        for (int k = 0; k < 4; k++) {
            snprintf(what, sizeof what, "%s of %s in %s", names[k], words[1], words[2]);
            compare(c->name, what, got[k], words[7 + k], k < 2 ? 0 : e.value,
                    strtod(words[11], NULL));
        }
    }
    cxm_tally_free(t);
}

int main(int argc, char **argv)
{
    if (argc > 1 ? !read_file(argv[1])
                 : !read_file(TEST_DATA "/metric_cases.txt")
                     || !read_file(TEST_DATA "/design_cases.txt")) {
        fprintf(stderr, "cannot read the cases\n");
        return 2;
    }
    struct CMUnitTest *tests = calloc(n_cases, sizeof *tests);
    if (tests == NULL || n_cases == 0)
        return 2;
    for (size_t i = 0; i < n_cases; i++)
        tests[i] = (struct CMUnitTest){ cases[i].name, matches_case, NULL, NULL, &cases[i] };
    const int failed = _cmocka_run_group_tests("metric cases", tests, n_cases, NULL, NULL);
    for (size_t i = 0; i < n_cases; i++)
        while (cases[i].n_owned > 0)
            free(cases[i].owned[--cases[i].n_owned]);
    free(cases);
    free(tests);
    return failed;
}
