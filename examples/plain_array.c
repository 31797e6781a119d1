/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The smallest use: the NPS of a plain array of scores. */
#include <cxm/cxm.h>

#include <stdio.h>

int main(void)
{
    static const int scores[] = { 9, 10, 10, 9, 10, 8, 7, 7, 6, 3 };
    const struct cxm_column score = CXM_ARRAY(scores, sizeof scores / sizeof scores[0]);
    struct cxm_row row;
    struct cxm_error error;

    if (cxm_nps(&score, NULL, CXM_ROW(row), NULL, &error) != CXM_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("NPS %.1f, 95 %% interval [%.1f, %.1f], %lld answers (%s)\n", row.estimate.value,
           row.estimate.lower, row.estimate.upper, (long long)row.estimate.n, row.definition);
    return 0;
}
