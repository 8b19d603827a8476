/* world: see world.h. */
#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct row {
    int64_t id, next_attempt;
    bool claimed, gone, expired;
    const char *sender;
};

struct place {
    char name[64];
    struct row *rows;
    size_t count, size, first; /* rows before first are gone */
    size_t claimed;
    int64_t held_until;
    unsigned failures;
    char reason[32], text[32];
};

struct question {
    struct question *next;
    enum { LOOK, CLAIM, EXPIRED, RELEASE } kind;
    char next_hop[64];
    int64_t now, before;
    size_t limit;
    void (*fn)(void);
    void *arg;
    bool forgotten;
};

struct loop_timer {
    struct loop_timer *next;
    loop_fn *fn;
    void *arg;
    int64_t at; /* -1: stopped */
};

struct retired {
    struct retired *next;
    loop_fn *fn;
    void *arg;
};

static int64_t now_ms;
int64_t world_wall_jump;
const char *world_sender;
static struct loop_timer *timers;
static struct retired *retired;
static struct place *places;
static size_t place_count;
static struct question *questions;
static int64_t next_id;
static spool_fresh_fn *fresh_fn;
static spool_due_fn *due_fn;
static void *fresh_arg, *due_arg;
static size_t claimed, most_claimed, looks, claims, holds;

enum { START = 1700000000, PLACES = 4096 };

void world_begin(void)
{
    now_ms = 5000000;
    world_wall_jump = 0;
    world_sender = "";
    places = x_calloc(PLACES, sizeof(*places));
    place_count = 0;
    next_id = 1;
    claimed = most_claimed = looks = claims = holds = 0;
}

void world_end(void)
{
    for (size_t i = 0; i < place_count; i++)
        free(places[i].rows);
    free(places);
    for (struct question *question = questions, *next; question != NULL; question = next) {
        next = question->next;
        free(question);
    }
    questions = NULL;
    assert(timers == NULL && retired == NULL);
}

/* --- loop ----------------------------------------------------------------------------------------------- */

struct loop *world_loop(void)
{
    return (struct loop *)&now_ms;
}

int64_t loop_now(struct loop *loop)
{
    (void)loop;
    return now_ms;
}

int64_t loop_wall(struct loop *loop)
{
    (void)loop;
    return START + now_ms / 1000 + world_wall_jump;
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg)
{
    (void)loop;
    struct loop_timer *timer = x_calloc(1, sizeof(*timer));
    *timer = (struct loop_timer){.next = timers, .fn = fn, .arg = arg, .at = -1};
    timers = timer;
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
    timer->at = now_ms + (ms > 0 ? ms : 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->at = -1;
}

void loop_timer_free(struct loop_timer **timer)
{
    struct loop_timer **place = &timers;
    while (*place != *timer)
        place = &(*place)->next;
    *place = (*timer)->next;
    free(*timer);
    *timer = NULL;
}

void loop_retire(struct loop *loop, loop_fn *fn, void *arg)
{
    (void)loop;
    struct retired *entry = x_calloc(1, sizeof(*entry));
    *entry = (struct retired){.fn = fn, .arg = arg};
    struct retired **end = &retired;
    while (*end != NULL)
        end = &(*end)->next;
    *end = entry;
}

/* --- rows -------------------------------------------------------------------------------------------------- */

static struct place *place_of(const char *name)
{
    for (size_t i = 0; i < place_count; i++) {
        if (strcmp(places[i].name, name) == 0)
            return &places[i];
    }
    assert(place_count < PLACES);
    struct place *place = &places[place_count++];
    snprintf(place->name, sizeof(place->name), "%s", name);
    return place;
}

static struct row *add_row(struct place *place, int64_t next_attempt)
{
    if (place->count == place->size) {
        place->size = place->size == 0 ? 16 : place->size * 2;
        place->rows = x_realloc(place->rows, place->size * sizeof(*place->rows));
    }
    struct row *row = &place->rows[place->count++];
    *row = (struct row){.id = next_id++, .next_attempt = next_attempt, .sender = world_sender};
    return row;
}

void world_store(const char *next_hop, size_t count, int64_t delay)
{
    struct place *place = place_of(next_hop);
    int64_t at = spool_now(world_spool()) + delay;
    for (size_t i = 0; i < count; i++)
        add_row(place, at);
    if (due_fn != NULL)
        due_fn(due_arg, at);
}

void world_store_expired(const char *next_hop, size_t count)
{
    struct place *place = place_of(next_hop);
    for (size_t i = 0; i < count; i++)
        add_row(place, INT64_MAX / 2)->expired = true;
}

static struct delivery *claim_row(struct place *place, struct row *row)
{
    assert(!row->claimed && !row->gone);
    row->claimed = true;
    place->claimed++;
    if (++claimed > most_claimed)
        most_claimed = claimed;
    struct delivery *delivery = delivery_create();
    delivery->id = row->id;
    delivery->envelope.sender = row->sender;
    delivery->next_hop = arena_strdup(delivery->arena, place->name);
    return delivery;
}

static struct row *row_of(struct place *place, int64_t id)
{
    for (size_t i = place->first; i < place->count; i++) {
        if (place->rows[i].id == id)
            return &place->rows[i];
    }
    abort();
}

static void unclaim(struct place *place, struct row *row)
{
    assert(row->claimed);
    row->claimed = false;
    place->claimed--;
    claimed--;
}

bool world_fresh(const char *next_hop)
{
    struct place *place = place_of(next_hop);
    size_t at = place->count;
    add_row(place, spool_now(world_spool()));
    if (place->failures > 0)
        return false;
    struct delivery *delivery = claim_row(place, &place->rows[at]);
    if (fresh_fn(fresh_arg, delivery))
        return true;
    spool_release(world_spool(), &delivery);
    return false;
}

void world_settle(const struct delivery *delivery, int64_t delay)
{
    struct place *place = place_of(delivery->next_hop);
    struct row *row = row_of(place, delivery->id);
    unclaim(place, row);
    row->gone = delay < 0;
    while (place->first < place->count && place->rows[place->first].gone)
        place->first++;
    if (delay < 0)
        return;
    row->next_attempt = spool_now(world_spool()) + delay;
    if (due_fn != NULL)
        due_fn(due_arg, row->next_attempt);
}

/* --- spool ---------------------------------------------------------------------------------------------------- */

struct spool *world_spool(void)
{
    return (struct spool *)&next_id;
}

int64_t spool_now(const struct spool *spool)
{
    (void)spool;
    return START + now_ms / 1000;
}

void spool_on_fresh(struct spool *spool, spool_fresh_fn *fn, void *arg)
{
    (void)spool;
    fresh_fn = fn;
    fresh_arg = arg;
}

void spool_on_due(struct spool *spool, spool_due_fn *fn, void *arg)
{
    (void)spool;
    due_fn = fn;
    due_arg = arg;
}

static struct question *ask(int kind, size_t limit, void *arg)
{
    struct question *question = x_calloc(1, sizeof(*question));
    question->kind = kind;
    question->limit = limit;
    question->arg = arg;
    struct question **end = &questions;
    while (*end != NULL)
        end = &(*end)->next;
    *end = question;
    return question;
}

void spool_due_destinations(struct spool *spool, int64_t now, size_t limit,
                            spool_destinations_fn *fn, void *arg)
{
    (void)spool;
    looks++;
    struct question *question = ask(LOOK, limit, arg);
    question->now = now;
    question->fn = (void (*)(void))fn;
}

void spool_claim(struct spool *spool, const char *next_hop, int64_t now, size_t limit,
                 spool_claimed_fn *fn, void *arg)
{
    (void)spool;
    claims++;
    struct question *question = ask(CLAIM, limit, arg);
    snprintf(question->next_hop, sizeof(question->next_hop), "%s", next_hop);
    question->now = now;
    question->fn = (void (*)(void))fn;
}

void spool_claim_expired(struct spool *spool, int64_t arrived_before,
                         int64_t notices_arrived_before, size_t limit, spool_expired_fn *fn,
                         void *arg)
{
    (void)spool;
    (void)notices_arrived_before;
    struct question *question = ask(EXPIRED, limit, arg);
    question->before = arrived_before;
    question->fn = (void (*)(void))fn;
}

void spool_release(struct spool *spool, struct delivery **delivery)
{
    (void)spool;
    struct question *question = ask(RELEASE, 0, NULL); /* behind what has been asked before */
    snprintf(question->next_hop, sizeof(question->next_hop), "%s", (*delivery)->next_hop);
    question->now = (*delivery)->id;
    delivery_free(delivery);
}

void spool_hold_destination(struct spool *spool, const char *next_hop, int64_t until,
                            const char *reason, const char *text)
{
    (void)spool;
    struct place *place = place_of(next_hop);
    snprintf(place->reason, sizeof(place->reason), "%s", reason != NULL ? reason : "");
    snprintf(place->text, sizeof(place->text), "%s", text != NULL ? text : "");
    place->held_until = until;
    place->failures = until == 0 ? 0 : place->failures + 1;
    holds += until != 0;
}

void spool_forget(struct spool *spool, void *arg)
{
    (void)spool;
    for (struct question *question = questions; question != NULL; question = question->next) {
        if (question->arg == arg)
            question->forgotten = true;
    }
    if (fresh_arg == arg)
        fresh_fn = NULL;
    if (due_arg == arg)
        due_fn = NULL;
}

static void answer_look(const struct question *question)
{
    struct due_destination *due = x_calloc(question->limit + 1, sizeof(*due));
    size_t count = 0;
    bool more = false;
    int64_t next_due = INT64_MAX;
    for (size_t i = 0; i < place_count; i++) {
        struct place *place = &places[i];
        bool ready = false;
        for (size_t j = place->first; j < place->count; j++) {
            const struct row *row = &place->rows[j];
            int64_t at =
                row->next_attempt > place->held_until ? row->next_attempt : place->held_until;
            if (row->gone || row->expired)
                continue;
            if (at <= question->now)
                ready = ready || !row->claimed;
            else if (at < next_due)
                next_due = at;
            if (ready && j > place->first + 3000)
                break; /* enough seen of a large backlog */
        }
        if (!ready || place->claimed > 0)
            continue;
        if (count == question->limit)
            more = true;
        else
            due[count++] = (struct due_destination){place->name, place->failures};
    }
    ((spool_destinations_fn *)question->fn)(question->arg, due, count, more, next_due);
    free(due);
}

static void answer_claim(const struct question *question)
{
    struct delivery **deliveries = x_calloc(question->limit + 1, sizeof(struct delivery *));
    size_t count = 0;
    bool more = false;
    struct place *place = place_of(question->next_hop);
    for (size_t i = place->first; i < place->count && !more; i++) {
        struct row *row = &place->rows[i];
        if (row->gone || row->claimed || row->next_attempt > question->now)
            continue;
        if (count == question->limit)
            more = true;
        else
            deliveries[count++] = claim_row(place, row);
    }
    ((spool_claimed_fn *)question->fn)(question->arg, deliveries, count, more);
    free(deliveries);
}

static void answer_expired(const struct question *question)
{
    struct delivery **deliveries = x_calloc(question->limit + 1, sizeof(struct delivery *));
    struct destination_hold *held_for = x_calloc(question->limit + 1, sizeof(*held_for));
    size_t count = 0;
    for (size_t i = 0; i < place_count; i++) {
        for (size_t j = places[i].first; j < places[i].count && count < question->limit; j++) {
            struct row *row = &places[i].rows[j];
            if (!row->expired || row->gone || row->claimed)
                continue;
            held_for[count] =
                (struct destination_hold){places[i].failures > 0, places[i].reason, places[i].text};
            deliveries[count++] = claim_row(&places[i], row);
        }
    }
    ((spool_expired_fn *)question->fn)(question->arg, deliveries, held_for, count,
                                       count == question->limit);
    free(deliveries);
    free(held_for);
}

static void answer_release(const struct question *question)
{
    struct place *place = place_of(question->next_hop);
    unclaim(place, row_of(place, question->now));
}

static bool answer_one(void)
{
    struct question *question = questions;
    if (question == NULL)
        return false;
    questions = question->next;
    if (!question->forgotten && question->kind == LOOK)
        answer_look(question);
    else if (!question->forgotten && question->kind == CLAIM)
        answer_claim(question);
    else if (question->kind == RELEASE)
        answer_release(question);
    else if (!question->forgotten)
        answer_expired(question);
    free(question);
    return true;
}

static bool retire_one(void)
{
    struct retired *entry = retired;
    if (entry == NULL)
        return false;
    retired = entry->next;
    entry->fn(entry->arg);
    free(entry);
    return true;
}

static struct loop_timer *first_timer(void)
{
    struct loop_timer *first = NULL;
    for (struct loop_timer *timer = timers; timer != NULL; timer = timer->next) {
        if (timer->at >= 0 && (first == NULL || timer->at < first->at))
            first = timer;
    }
    return first;
}

void world_pass(int64_t seconds)
{
    int64_t until = now_ms + seconds * 1000;
    for (;;) {
        if (answer_one() || retire_one())
            continue;
        struct loop_timer *timer = first_timer();
        if (timer == NULL || timer->at > until)
            break;
        if (timer->at > now_ms)
            now_ms = timer->at;
        timer->at = -1;
        timer->fn(timer->arg);
    }
    now_ms = until;
}

size_t world_claimed(void)
{
    return claimed;
}

size_t world_waiting(const char *next_hop)
{
    struct place *place = place_of(next_hop);
    size_t count = 0;
    for (size_t i = place->first; i < place->count; i++)
        count += !place->rows[i].gone;
    return count;
}

size_t world_most_claimed(void)
{
    return most_claimed;
}

size_t world_looks(void)
{
    return looks;
}

size_t world_claims(void)
{
    return claims;
}

size_t world_holds(void)
{
    return holds;
}

int64_t world_held_for(const char *next_hop)
{
    int64_t until = place_of(next_hop)->held_until;
    return until == 0 ? 0 : until - spool_now(world_spool());
}
