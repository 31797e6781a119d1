/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A road into BI without any binding: the database counts, the library estimates.
 *
 * SQLite does GROUP BY region, score; the few rows of its answer go in with their counts as
 * `freq`. The tally of each night is kept as a BLOB in a table. Merging the BLOBs of two nights
 * gives the same bytes as one pass over all answers, which is checked at the end. */
#include <cxm/cxm.h>

#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 100 };

static const char schema[] =
    "CREATE TABLE answer (night TEXT, region TEXT, score INTEGER);"
    "CREATE TABLE tally (night TEXT PRIMARY KEY, nps BLOB);"
    "INSERT INTO answer VALUES"
    " ('2025-03-01', 'EMEA', 10), ('2025-03-01', 'EMEA', 9), ('2025-03-01', 'EMEA', 9),"
    " ('2025-03-01', 'EMEA', 7), ('2025-03-01', 'EMEA', 3), ('2025-03-01', 'APAC', 10),"
    " ('2025-03-01', 'APAC', 6), ('2025-03-01', NULL, 8), ('2025-03-01', 'APAC', NULL),"
    " ('2025-03-02', 'EMEA', 10), ('2025-03-02', 'EMEA', 8), ('2025-03-02', 'EMEA', 8),"
    " ('2025-03-02', 'EMEA', 6), ('2025-03-02', 'EMEA', NULL), ('2025-03-02', 'LATAM', 9),"
    " ('2025-03-02', 'LATAM', 9), ('2025-03-02', 'APAC', 2);";

/* The counts of one night, or of all nights. */
struct counts {
    char region[MOST_ROWS][16];
    uint8_t no_region[MOST_ROWS], no_score[MOST_ROWS];
    int score[MOST_ROWS];
    int64_t n[MOST_ROWS];
    size_t rows;
};

static void check(enum cxm_status status, const struct cxm_error *error)
{
    if (status == CXM_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(EXIT_FAILURE);
}

static void check_sql(sqlite3 *database, int result)
{
    if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW)
        return;
    fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(database));
    exit(EXIT_FAILURE);
}

/* What does not fit is an error: cut off, two regions would become one. */
static void need(int fits, const char *what)
{
    if (fits)
        return;
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql, const char *night)
{
    sqlite3_stmt *statement = NULL;
    check_sql(database, sqlite3_prepare_v2(database, sql, -1, &statement, NULL));
    if (night != NULL)
        check_sql(database, sqlite3_bind_text(statement, 1, night, -1, SQLITE_STATIC));
    return statement;
}

/* ?1 is the night; without a value it is NULL, and every night counts. */
static void query_counts(sqlite3 *database, const char *night, struct counts *counts)
{
    sqlite3_stmt *query = prepare(database,
        "SELECT region, score, count(*) FROM answer WHERE ?1 IS NULL OR night = ?1"
        " GROUP BY region, score", night);
    memset(counts, 0, sizeof *counts);
    while (sqlite3_step(query) == SQLITE_ROW) {
        need(counts->rows < MOST_ROWS, "there are more counts than this example has room for");
        const size_t row = counts->rows++;
        const char *region = (const char *)sqlite3_column_text(query, 0);
        counts->no_region[row] = region == NULL;
        const int length = snprintf(counts->region[row], sizeof counts->region[row], "%s",
                                    region ? region : "");
        need(length < (int)sizeof counts->region[row], "a region has a longer name than fits");
        counts->no_score[row] = sqlite3_column_type(query, 1) == SQLITE_NULL;
        counts->score[row] = sqlite3_column_int(query, 1);
        counts->n[row] = sqlite3_column_int64(query, 2);
    }
    check_sql(database, sqlite3_finalize(query));
}

static struct cxm_tally *tally_counts(const struct counts *counts)
{
    struct cxm_column region = CXM_ARRAY(counts->region, counts->rows);
    struct cxm_column score = CXM_ARRAY(counts->score, counts->rows);
    const struct cxm_column freq = CXM_ARRAY(counts->n, counts->rows);
    region.name = "region";
    region.mask = counts->no_region;
    score.mask = counts->no_score;
    region.mask_stride = score.mask_stride = 1;
    const struct cxm_input inputs[] = { { "score", &score }, { "by", &region },
                                        { "freq", &freq } };
    struct cxm_tally *tally = NULL;
    struct cxm_error error;
    check(cxm_tally_new("nps", NULL, 0, NULL, &tally, &error), &error);
    check(cxm_tally_add(tally, inputs, 3, NULL, &error), &error);
    return tally;
}

static uint8_t *save(struct cxm_tally *tally, size_t *n_bytes)
{
    struct cxm_error error;
    check(cxm_tally_save(tally, NULL, 0, n_bytes, &error), &error);
    uint8_t *bytes = malloc(*n_bytes);
    if (bytes == NULL)
        exit(EXIT_FAILURE);
    check(cxm_tally_save(tally, bytes, *n_bytes, n_bytes, &error), &error);
    return bytes;
}

/* What a job does every night. */
static void run_night(sqlite3 *database, const char *night)
{
    struct counts counts;
    query_counts(database, night, &counts);
    struct cxm_tally *tally = tally_counts(&counts);
    size_t n_bytes = 0;
    uint8_t *bytes = save(tally, &n_bytes);
    sqlite3_stmt *insert = prepare(database, "INSERT INTO tally VALUES (?1, ?2)", night);
    check_sql(database, sqlite3_bind_blob(insert, 2, bytes, (int)n_bytes, SQLITE_STATIC));
    check_sql(database, sqlite3_step(insert));
    check_sql(database, sqlite3_finalize(insert));
    printf("%s: %zu rows of counts, a tally of %s\n", night, counts.rows,
           n_bytes < 1000 ? "less than 1000 bytes" : "1000 bytes or more");
    free(bytes);
    cxm_tally_free(tally);
}

/* What a report does: every stored night, merged. */
static struct cxm_tally *merge_nights(sqlite3 *database)
{
    struct cxm_tally *all = NULL, *night = NULL;
    struct cxm_error error;
    check(cxm_tally_new("nps", NULL, 0, NULL, &all, &error), &error);
    sqlite3_stmt *query = prepare(database, "SELECT nps FROM tally ORDER BY night DESC", NULL);
    while (sqlite3_step(query) == SQLITE_ROW) {
        check(cxm_tally_load(sqlite3_column_blob(query, 0),
                             (size_t)sqlite3_column_bytes(query, 0), NULL, &night, &error),
              &error);
        check(cxm_tally_merge(all, night, &error), &error);
        cxm_tally_free(night);
    }
    check_sql(database, sqlite3_finalize(query));
    return all;
}

static void print_groups(struct cxm_tally *tally)
{
    struct cxm_row rows[8];
    size_t n_rows = 0;
    struct cxm_error error;
    check(cxm_tally_rows(tally, NULL, rows, sizeof rows[0], 8, &n_rows, &error), &error);
    for (size_t i = 0; i < n_rows; i++) {
        const struct cxm_estimate *e = &rows[i].estimate;
        const char *group = e->flags & CXM_FLAG_MISSING_KEY ? "-" : rows[i].group;
        printf("%-6s %6.1f [%6.1f, %5.1f]  n %lld, missing %lld\n", group, e->value, e->lower,
               e->upper, (long long)e->n, (long long)e->missing);
    }
}

int main(void)
{
    sqlite3 *database = NULL;
    check_sql(database, sqlite3_open(":memory:", &database));
    check_sql(database, sqlite3_exec(database, schema, NULL, NULL, NULL));
    run_night(database, "2025-03-01");
    run_night(database, "2025-03-02");

    struct cxm_tally *merged = merge_nights(database);
    print_groups(merged);

    struct counts counts;
    query_counts(database, NULL, &counts);
    struct cxm_tally *once = tally_counts(&counts);
    size_t n_merged = 0, n_once = 0;
    uint8_t *bytes = save(merged, &n_merged), *expected = save(once, &n_once);
    const int same = n_merged == n_once && memcmp(bytes, expected, n_once) == 0;
    printf("two nights merged and one pass: %s bytes\n", same ? "the same" : "DIFFERENT");

    free(bytes);
    free(expected);
    cxm_tally_free(merged);
    cxm_tally_free(once);
    sqlite3_close(database);
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
