/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The smallest use: the NPS of a plain array of scores. */
#include <cxm/cxm.h>

#include <stdio.h>

int main(void)
{
    static const int scores[] = { 9, 10, 10, 9, 10, 8, 7, 7, 6, 3 };
    const struct cxm_column score = CXM_ARRAY(scores, sizeof scores / sizeof scores[0]);
    const struct cxm_input input = { "score", &score };
    struct cxm_tally *tally = NULL;
    struct cxm_row row;
    struct cxm_error error;

    enum cxm_status status = cxm_tally_new("nps", NULL, 0, NULL, &tally, &error);
    if (status == CXM_OK)
        status = cxm_tally_add(tally, &input, 1, NULL, &error);
    if (status == CXM_OK)
        status = cxm_tally_rows(tally, NULL, &row, sizeof row, 1, NULL, &error);
    cxm_tally_free(tally);
    if (status != CXM_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("NPS %.1f, 95 %% interval [%.1f, %.1f], %lld answers (%s)\n", row.estimate.value,
           row.estimate.lower, row.estimate.upper, (long long)row.estimate.n, row.definition);
    return 0;
}
