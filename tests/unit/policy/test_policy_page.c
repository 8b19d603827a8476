/* doc/POLICY.md, row by row: what the page promises to postmasters is what the engine does.
 * A table whose header has "what happens" is read; every other column is one of cross.h's
 * vocabularies. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cross.h"
#include "scene.h"

enum { COLUMNS_MAX = 10, CELL_MAX = 200, LINE_MAX_LENGTH = 1000, WORDS_MAX = 16 };

struct row {
    char cells[COLUMNS_MAX][CELL_MAX];
    int count;
};

static struct row header;
static unsigned line_number;
/* The table "Ordinary mail at level auto" must be complete, and say everything once. */
static unsigned char covered[DANE_CASES][STS_CASES][SERVER_CASES];

TestSuite(policy_page, .init = cross_open, .fini = cross_close);

static struct row split(char *line)
{
    struct row row = {.count = 0};
    char *rest = line + 1;
    for (char *end; (end = strchr(rest, '|')) != NULL && row.count < COLUMNS_MAX; rest = end + 1) {
        struct slice cell = slice_trim((struct slice){rest, (size_t)(end - rest)});
        snprintf(row.cells[row.count++], CELL_MAX, "%.*s", SLICE_ARG(cell));
    }
    return row;
}

/* The values that a cell stands for, as a set of bits. */
static unsigned values_of(const char *column, const char *cell)
{
    unsigned all = (1u << cross_count(column)) - 1, set = 0;
    cr_assert(lt(int, 0, cross_count(column)), "line %u: no column \"%s\"", line_number, column);
    if (strcmp(cell, "any") == 0)
        return all;
    bool but = strncmp(cell, "any but ", 8) == 0;
    char words[CELL_MAX];
    snprintf(words, sizeof(words), "%s", but ? cell + 8 : cell);
    for (char *word = words, *next; word != NULL; word = next) {
        next = strstr(word, " or ");
        if (next != NULL) {
            *next = '\0';
            next += 4;
        }
        int value = cross_word(column, word);
        cr_assert(value >= 0, "line %u: \"%s\" is no word of column \"%s\"", line_number, word,
                  column);
        set |= 1u << value;
    }
    return but ? all & ~set : set;
}

static bool begins_with(const char *text, const char *promise)
{
    size_t length = strlen(promise);
    return strncmp(text, promise, length) == 0 && (text[length] == '\0' || text[length] == ' ');
}

static void check_one(const struct situation *situation, const char *promise, const char *report)
{
    struct ending ending = cross_follow(situation);
    cr_expect(begins_with(ending_text(&ending), promise), "line %u: %s: %s", line_number,
              situation_text(situation), ending_text(&ending));
    if (report != NULL)
        cr_expect(strcmp(ending.report, report) == 0, "line %u: %s: %s", line_number,
                  situation_text(situation), ending.report);
    if (header.count == 4)
        covered[situation->dane][situation->sts][situation->server]++;
}

/* All that the cells from `column` on stand for. */
static unsigned expand(const struct row *row, int column, struct situation situation)
{
    static const char *promise, *report;
    if (column == 0)
        promise = report = NULL;
    if (column == row->count) {
        check_one(&situation, promise, report);
        return 1;
    }
    if (strcmp(header.cells[column], "what happens") == 0) {
        promise = row->cells[column];
        return expand(row, column + 1, situation);
    }
    if (strcmp(header.cells[column], "in reports") == 0) {
        report = row->cells[column];
        return expand(row, column + 1, situation);
    }
    unsigned done = 0, values = values_of(header.cells[column], row->cells[column]);
    for (int value = 0; values >> value != 0; value++) {
        if ((values & 1u << value) == 0)
            continue;
        cross_set(&situation, header.cells[column], value);
        done += expand(row, column + 1, situation);
    }
    return done;
}

static bool is_header(const struct row *row)
{
    for (int i = 0; i < row->count; i++)
        if (strcmp(row->cells[i], "what happens") == 0)
            return true;
    return false;
}

static FILE *open_page(void)
{
    char path[1024];
    const char *top = getenv("TOP_SRCDIR");
    if (top == NULL)
        cr_skip_test("TOP_SRCDIR is not set: run by make check");
    snprintf(path, sizeof(path), "%s/doc/POLICY.md", top);
    FILE *page = fopen(path, "r");
    cr_assert(page != NULL, "%s", path);
    return page;
}

/* covers: DANE-22..27 STS-10 STS-36 STS-40 STS-47 STS-50..52 RTLS-08..10 RTLS-13 RTLS-14 RTLS-17 RTLS-18 */
/* covers: CODE-02 CODE-09 CODE-10 RPT-11 RPT-14 */
Test(policy_page, every_row_happens_as_it_says)
{
    char line[LINE_MAX_LENGTH];
    unsigned rows = 0, deliveries = 0;
    FILE *page = open_page();
    bool in_table = false;
    for (line_number = 1; fgets(line, sizeof(line), page) != NULL; line_number++) {
        if (line[0] != '|') {
            in_table = false;
            continue;
        }
        struct row row = split(line);
        if (!in_table) {
            cr_assert(is_header(&row), "line %u: a table without \"what happens\"", line_number);
            header = row;
            in_table = true;
        } else if (row.cells[0][0] != '-') {
            cr_assert(eq(int, row.count, header.count), "line %u", line_number);
            struct situation usual = {.level = LEVEL_AUTO};
            deliveries += expand(&row, 0, usual);
            rows++;
        }
    }
    fclose(page);
    cr_assert(lt(u32, 80, rows));
    cr_assert(lt(u32, 1000, deliveries));
    for (int dane = 0; dane < DANE_CASES; dane++)
        for (int sts = 0; sts < STS_CASES; sts++)
            for (int server = 0; server < SERVER_CASES; server++)
                cr_expect(eq(int, covered[dane][sts][server], 1), "DANE %d MTA-STS %d host %d",
                          dane, sts, server);
}
