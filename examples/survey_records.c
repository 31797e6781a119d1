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
    { "EMEA", 10, 5 }, { "EMEA", 9, 4 },  { "EMEA", 9, 5 },  { "EMEA", 10, 4 }, { "EMEA", 9, 3 },
    { "EMEA", 8, 4 },  { "EMEA", 7, 9 },  { "EMEA", 7, 3 },  { "EMEA", 6, 2 },  { "EMEA", 0, 1 },
    { "EMEA", -1, 4 }, { "APAC", 10, 5 }, { "APAC", 2, 2 },  { "APAC", 8, 4 },  { "APAC", -1, 9 },
};

static void check(enum cxm_status status, const struct cxm_error *error)
{
    if (status == CXM_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(EXIT_FAILURE);
}

static void print_groups(struct cxm_tally *tally)
{
    const int64_t groups[] = { 0, 1, CXM_TOTAL };
    struct cxm_estimate_options options = { .size = sizeof options, .groups = groups,
                                            .n_groups = 3 };
    struct cxm_row rows[3];
    struct cxm_error error;
    check(cxm_tally_rows(tally, &options, rows, sizeof rows[0], 3, NULL, &error), &error);
    for (int i = 0; i < 3; i++) {
        const struct cxm_estimate *e = &rows[i].estimate;
        printf("%-6s %-6s %8.3f [%8.3f, %8.3f]  n %2lld, missing %lld  %s\n", rows[i].measure,
               e->group == CXM_TOTAL ? "total" : rows[i].group, e->value, e->lower, e->upper,
               (long long)e->n, (long long)e->missing, rows[i].definition);
    }
}

static void print_metric(const char *metric, const struct cxm_column *score)
{
    const size_t n = sizeof surveys / sizeof surveys[0];
    const struct cxm_column region = CXM_FIELD(surveys, n, region);
    const struct cxm_input inputs[] = { { "score", score }, { "by", &region } };
    struct cxm_tally *tally = NULL;
    struct cxm_error error;
    check(cxm_tally_new(metric, NULL, 0, NULL, &tally, &error), &error);
    check(cxm_tally_add(tally, inputs, 2, NULL, &error), &error);
    print_groups(tally);
    cxm_tally_free(tally);
}

int main(void)
{
    static const double no_recommendation[] = { -1 }, no_satisfaction[] = { 9 };
    const size_t n = sizeof surveys / sizeof surveys[0];

    struct cxm_column recommend = CXM_FIELD(surveys, n, recommend);
    recommend.missing_codes = no_recommendation;
    recommend.n_missing_codes = 1;
    print_metric("nps", &recommend);

    struct cxm_column satisfied = CXM_FIELD(surveys, n, satisfied);
    satisfied.missing_codes = no_satisfaction;
    satisfied.n_missing_codes = 1;
    print_metric("csat", &satisfied);
    return 0;
}
