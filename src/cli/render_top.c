/* render_top: see top.h.
 * Owns: the text while it is made, which is cut to the size afterwards.
 * Rates are differences of the daemon's counters; what a worker counted before it was started anew is not known.
 * Must never print a rate below zero. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"
#include "cli/render.h"
#include "cli/top.h"

enum { BAR = 24, NAME = 34, LISTED = 256, ROWS_LEAST = 24, MANY = 20 };

/* What 24 rows have room for; in each further three, one more of each. */
static size_t share(const struct top_view *view, size_t least)
{
    if (view->rows == 0)
        return MANY;
    return least + (view->rows > ROWS_LEAST ? (view->rows - ROWS_LEAST) / 3 : 0);
}

static json_int_t number(json_t *status, const char *section, const char *key)
{
    return json_number(json_object_get(status, section), key);
}

/* --- flow and protection ------------------------------------------------------------------------ */

struct row {
    const char *label, *section, *key; /* in /status */
    const char *column;                /* in /history */
    enum colour colour;
};

static double rate(const struct top_view *view, const struct row *row)
{
    if (view->before == NULL || view->elapsed_ms <= 0)
        return 0;
    json_int_t more =
        number(view->status, row->section, row->key) - number(view->before, row->section, row->key);
    return more > 0 ? (double)more * 1000 / (double)view->elapsed_ms : 0;
}

static json_int_t of_the_day(const struct top_view *view, const struct row *row)
{
    return number(view->history, "totals", row->column);
}

static void print_bar(FILE *out, json_int_t part, json_int_t whole, enum colour how)
{
    int length = whole > 0 ? (int)(part * BAR / whole) : 0;
    fputs(colour(how), out);
    for (int i = 0; i < length; i++)
        fputc('#', out);
    fprintf(out, "%s%*s", colour(PLAIN), BAR - length, "");
}

static void print_flow(FILE *out, const struct top_view *view)
{
    static const struct row rows[] = {
        {"accepted", "intake", "messages", "accepted", PLAIN},
        {"delivered", "result", "delivered", "delivered", GREEN},
        {"deferred", "result", "deferred", "deferred", YELLOW},
        {"returned", "result", "bounced", "bounced", RED},
    };
    fprintf(out, "%sFlow             now/s      24 h%s\n", colour(BOLD), colour(PLAIN));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_int_t day = of_the_day(view, &rows[i]);
        if (i == 1) /* history keeps what protected them */
            for (size_t k = 0; k < 4; k++)
                day +=
                    number(view->history, "totals",
                           (const char *[]){"dane_verified", "verified", "encrypted", "clear"}[k]);
        fprintf(out, "%s%-12s%s %9.1f %9lld\n", colour(rows[i].colour), rows[i].label,
                colour(PLAIN), rate(view, &rows[i]), (long long)day);
    }
}

static void print_protection(FILE *out, const struct top_view *view)
{
    static const struct row rows[] = {
        {"DANE", "result", "dane_verified", "dane_verified", GREEN},
        {"verified", "result", "verified", "verified", GREEN},
        {"encrypted", "result", "encrypted", "encrypted", YELLOW},
        {"clear", "result", "clear", "clear", RED},
    };
    json_int_t whole = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        whole += of_the_day(view, &rows[i]);
    fprintf(out, "%sProtection       now/s      24 h%s\n", colour(BOLD), colour(PLAIN));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_int_t day = of_the_day(view, &rows[i]);
        fprintf(out, "%-12s %9.1f %9lld  ", rows[i].label, rate(view, &rows[i]), (long long)day);
        print_bar(out, day, whole, rows[i].colour);
        fprintf(out, " %3lld %%\n", whole > 0 ? (long long)(day * 100 / whole) : 0LL);
    }
}

/* --- destinations ------------------------------------------------------------------------------- */

struct place {
    json_t *shown; /* of the first worker that names it */
    const char *name;
    json_int_t running, waiting;
    bool held;
};
struct places {
    struct place items[LISTED];
    size_t count;
};

/* Each worker has its own queue for a destination. */
static struct place *place_of(struct places *places, json_t *destination)
{
    const char *name = json_text(destination, "next_hop");
    for (size_t i = 0; name != NULL && i < places->count; i++)
        if (strcmp(places->items[i].name, name) == 0)
            return &places->items[i];
    if (name == NULL || places->count == LISTED)
        return NULL;
    places->items[places->count] = (struct place){.shown = destination, .name = name};
    return &places->items[places->count++];
}

static void gather(struct places *places, json_t *status)
{
    json_t *destination;
    size_t i;
    json_array_foreach(json_object_get(status, "destinations"), i, destination) {
        struct place *place = place_of(places, destination);
        if (place == NULL)
            continue;
        place->running += json_number(destination, "running");
        place->waiting += json_number(destination, "waiting");
        if (json_text_is(destination, "state", "down")) {
            place->held = true;
            place->shown = destination;
        }
    }
}

static int busier(const void *one, const void *other)
{
    const struct place *a = one, *b = other;
    json_int_t at_a = a->running + a->waiting, at_b = b->running + b->waiting;
    return (at_a < at_b) - (at_a > at_b);
}

static void put_name(FILE *out, const char *name, int width)
{
    char text[256];
    snprintf(text, sizeof text, "%.*s", width, name != NULL ? name : "");
    format_put(out, text);
    fprintf(out, "%*s", width - (int)strlen(text), "");
}

static void print_busiest(FILE *out, struct places *places, size_t most)
{
    size_t shown = 0;
    qsort(places->items, places->count, sizeof places->items[0], busier);
    fprintf(out, "%s%-*s running  waiting%s\n", colour(BOLD), NAME, "Busiest destinations",
            colour(PLAIN));
    for (size_t i = 0; i < places->count && shown < most; i++) {
        const struct place *place = &places->items[i];
        if (place->held || place->running + place->waiting == 0)
            continue;
        put_name(out, place->name, NAME);
        fprintf(out, " %7lld  %7lld\n", (long long)place->running, (long long)place->waiting);
        shown++;
    }
    if (shown == 0)
        fputs("none has anything to do\n", out);
}

static void print_held(FILE *out, const struct places *places, int64_t now, size_t most)
{
    size_t held = 0;
    for (size_t i = 0; i < places->count; i++)
        held += places->items[i].held;
    if (held == 0)
        return;
    fprintf(out, "%sHeld destinations (%zu)%s\n", colour(BOLD), held, colour(PLAIN));
    for (size_t i = 0, shown = 0; i < places->count && shown < most; i++) {
        const struct place *place = &places->items[i];
        char wait[FORMAT_TEXT];
        int64_t probe = json_number(place->shown, "probe_at");
        if (!place->held)
            continue;
        put_name(out, place->name, NAME);
        fprintf(out, " %s", colour(RED));
        format_put(out, json_text(place->shown, "reason"));
        fprintf(out, "%s, %s %s\n", colour(PLAIN), probe > now ? "next probe in" : "is being tried",
                probe > now ? format_duration(probe - now, wait) : "");
        shown++;
    }
}

/* --- the page ----------------------------------------------------------------------------------- */

static void print_reasons(FILE *out, json_t *history, size_t most)
{
    json_t *reason, *list = json_object_get(history, "reasons");
    size_t i;
    if (json_array_size(list) == 0)
        return;
    fprintf(out, "%sReasons, 24 h%s\n", colour(BOLD), colour(PLAIN));
    json_array_foreach(list, i, reason) {
        if (i >= most)
            break;
        fprintf(out, "%9lld  ", (long long)json_number(reason, "count"));
        format_put(out, json_text(reason, "reason"));
        fputs(": ", out);
        format_put(out, json_text(reason, "text"));
        fputc('\n', out);
    }
}

static void print_head(FILE *out, const struct top_view *view)
{
    char when[FORMAT_TEXT], octets[FORMAT_TEXT], age[FORMAT_TEXT];
    bool validating = json_is_true(json_object_get(view->status, "validating"));
    json_int_t oldest = number(view->status, "queue", "oldest");
    size_t missing = json_array_size(json_object_get(view->status, "missing"));
    fprintf(out, "%sdanewayd %s%s  %s  %sDNSSEC %s%s", colour(BOLD),
            json_text(view->status, "version") != NULL ? json_text(view->status, "version") : "",
            colour(PLAIN), format_time(view->now, when), colour(validating ? GREEN : RED),
            validating ? "validating" : "NOT VALIDATING", colour(PLAIN));
    if (missing > 0)
        fprintf(out, "  %s%zu workers silent%s", colour(RED), missing, colour(PLAIN));
    fprintf(out, "\nQueue %lld messages, %s", (long long)number(view->status, "queue", "messages"),
            format_octets(number(view->status, "queue", "octets"), octets));
    if (oldest > 0)
        fprintf(out, ", the oldest for %s", format_duration(view->now - oldest, age));
    fprintf(out, "; %lld under way\n", (long long)number(view->status, "schedule", "running"));
}

/* How many octets of the line are `columns` wide at most: escape sequences and the rest of a UTF-8 character are not. */
static size_t length_of_columns(const char *line, size_t length, unsigned columns)
{
    unsigned used = 0;
    bool escape = false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c == '\033')
            escape = true;
        else if (escape)
            escape = !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
        else if ((c & 0xc0) != 0x80 && ++used > columns)
            return i;
    }
    return length;
}

/* The page in its size; what is too much is left out, the last line is kept. */
static void put_page(FILE *out, const char *page, const struct top_view *view)
{
    unsigned room = view->rows > 0 ? view->rows - (view->keys != NULL) : UINT32_MAX;
    for (unsigned row = 0; *page != '\0' && row < room; row++) {
        size_t length = strcspn(page, "\n");
        size_t fits = view->columns > 0 ? length_of_columns(page, length, view->columns) : length;
        fwrite(page, 1, fits, out);
        fprintf(out, "%s%s", fits < length ? colour(PLAIN) : "", view->line_end);
        page += length + (page[length] == '\n');
    }
    if (view->keys != NULL)
        fprintf(out, "%s%.*s%s\033[K", colour(DIM),
                view->columns > 0 ? (int)view->columns : (int)strlen(view->keys), view->keys,
                colour(PLAIN));
}

void render_top(FILE *out, const struct top_view *view)
{
    char *page = NULL;
    size_t size = 0;
    struct places places = {.count = 0};
    FILE *text = open_memstream(&page, &size);
    if (text == NULL)
        return;
    gather(&places, view->status);
    print_head(text, view);
    print_flow(text, view);
    print_protection(text, view);
    print_busiest(text, &places, share(view, 3));
    print_held(text, &places, view->now, share(view, 3));
    print_reasons(text, view->history, share(view, 2));
    fclose(text);
    put_page(out, page, view);
    free(page);
}
