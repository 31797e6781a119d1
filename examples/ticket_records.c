/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tickets as an array of structs: one-touch resolution and the share of reopened tickets by
 * agent. The agent is a fixed-width text field; both metrics read the same memory. */
#include <cxm/cxm.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct ticket {
    int64_t number;
    char agent[16];
    bool solved;
    uint8_t replies;
    uint8_t reopens;
    bool reopened;
};

static const struct ticket tickets[] = {
    { 1, "Ada", true, 1, 0, false },  { 2, "Ada", true, 1, 0, false },
    { 3, "Ada", true, 0, 0, false },  { 4, "Ada", true, 3, 0, false },
    { 5, "Ada", true, 1, 1, true },   { 6, "Ada", false, 2, 0, false },
    { 7, "Chen", true, 1, 0, false }, { 8, "Chen", true, 2, 2, true },
    { 9, "Chen", false, 0, 0, false },{ 10, "Chen", true, 1, 0, false },
};
static const size_t n = sizeof tickets / sizeof tickets[0];

static void print_rows(enum cxm_status status, const struct cxm_error *error,
                       const struct cxm_row *rows, size_t n_rows)
{
    if (status != CXM_OK) {
        fprintf(stderr, "%s\n", error->message);
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < n_rows; i++) {
        const struct cxm_estimate *e = &rows[i].estimate;
        printf("%-9s %-4s %5.1f %% [%4.1f, %5.1f]  n %lld + excluded %lld  %s\n",
               rows[i].measure, rows[i].group, 100 * e->value, 100 * e->lower, 100 * e->upper,
               (long long)e->n, (long long)e->excluded, rows[i].definition);
    }
}

int main(void)
{
    const struct cxm_column agent = CXM_FIELD(tickets, n, agent);
    const struct cxm_column solved = CXM_FIELD(tickets, n, solved);
    const struct cxm_column replies = CXM_FIELD(tickets, n, replies);
    const struct cxm_column reopens = CXM_FIELD(tickets, n, reopens);
    const struct cxm_column reopened = CXM_FIELD(tickets, n, reopened);
    struct cxm_row rows[4];
    struct cxm_error error;
    size_t n_rows = 0;

    enum cxm_status status = cxm_one_touch(
        &solved, &replies, &reopens,
        &(struct cxm_one_touch_options){ CXM_INIT(one_touch), .by = &agent },
        CXM_ROWS(rows), &n_rows, &error);
    print_rows(status, &error, rows, n_rows);

    status = cxm_share(
        &reopened,
        &(struct cxm_share_options){ CXM_INIT(share), .by = &agent, .denominator = &solved },
        CXM_ROWS(rows), &n_rows, &error);
    print_rows(status, &error, rows, n_rows);
    return EXIT_SUCCESS;
}
