/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Survey answers as an array of structs: NPS and CSAT by region, nothing is copied. */
#include <cxm/cxm.h>

#include <stdio.h>
#include <stdlib.h>

struct survey {
    char region[6];       /* padded with NUL, not terminated when full */
    int8_t recommend;     /* 0-10, -1: no answer */
    uint8_t satisfied;    /* 1-5, 9: no answer */
};

static const struct survey surveys[] = {
    { "EMEA", 10, 5 }, { "EMEA", 9, 4 }, { "EMEA", 9, 5 }, { "EMEA", 10, 4 },
    { "EMEA", 9, 3 },  { "EMEA", 8, 4 }, { "EMEA", 7, 9 }, { "EMEA", 7, 3 },
    { "EMEA", 6, 2 },  { "EMEA", 0, 1 }, { "EMEA", -1, 4 },
    { "APAC", 10, 5 }, { "APAC", 2, 2 }, { "APAC", 8, 4 }, { "APAC", -1, 9 },
};
static const size_t n = sizeof surveys / sizeof surveys[0];

/* The groups in sorted order, then the total. */
static void print_rows(enum cxm_status status, const struct cxm_error *error,
                       const struct cxm_row *rows, size_t n_rows)
{
    if (status != CXM_OK) {
        fprintf(stderr, "%s\n", error->message);
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < n_rows; i++) {
        const struct cxm_estimate *e = &rows[i].estimate;
        printf("%-6s %-6s %8.3f [%8.3f, %8.3f]  n %2lld, missing %lld  %s\n", rows[i].measure,
               e->group == CXM_TOTAL ? "total" : rows[i].group, e->value, e->lower, e->upper,
               (long long)e->n, (long long)e->missing, rows[i].definition);
    }
}

int main(void)
{
    static const double no_recommendation[] = { -1 }, no_satisfaction[] = { 9 };
    const struct cxm_column region = CXM_FIELD(surveys, n, region);
    struct cxm_column recommend = CXM_FIELD(surveys, n, recommend);
    struct cxm_column satisfied = CXM_FIELD(surveys, n, satisfied);
    recommend.missing_codes = no_recommendation;
    satisfied.missing_codes = no_satisfaction;
    recommend.n_missing_codes = satisfied.n_missing_codes = 1;

    struct cxm_row rows[8];
    struct cxm_error error;
    size_t n_rows = 0;
    enum cxm_status status = cxm_nps(
        &recommend, &(struct cxm_nps_options){ CXM_INIT(nps), .by = &region, .total = 1 },
        CXM_ROWS(rows), &n_rows, &error);
    print_rows(status, &error, rows, n_rows);

    status = cxm_csat(
        &satisfied, &(struct cxm_csat_options){ CXM_INIT(csat), .by = &region, .total = 1 },
        CXM_ROWS(rows), &n_rows, &error);
    print_rows(status, &error, rows, n_rows);
    return EXIT_SUCCESS;
}
