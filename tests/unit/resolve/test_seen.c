/* What destinations have shown: the store, and the worker's memory over it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "fake_helper.h"
#include "fake_loop.h"
#include "resolve/seen.h"
#include "resolve/seen_store.h"

enum { DAY = 86400, NOW = 1000 * DAY };

static struct arena *arena;
static struct seen_store *store;

static void open_store(void)
{
    struct err err = {""};
    arena = arena_create();
    cr_assert(eq(int, seen_store_open(&store, NULL, 90 * DAY, 10, &err), 0), "%s", err.text);
}

static void close_store(void)
{
    seen_store_close(&store);
    arena_free(&arena);
}

TestSuite(seen_store, .init = open_store, .fini = close_store);

static struct seen_note note_of(const char *key, const char *host, int64_t now)
{
    return (struct seen_note){.key = key, .host = host, .now = now, .queue_id = "Q1"};
}

static void lose(struct seen_note *note, enum seen_promise what, const char *host, bool proven)
{
    note->losses[note->loss_count++] = (struct seen_loss){
        .what = what, .host = host, .proven = proven, .seen = NOW - DAY, .text = "it was there"};
}

/* True: the first loss of the note is news. */
static bool write_note(const struct seen_note *note)
{
    struct err err = {""};
    bool news[SEEN_LOSSES_MAX] = {false};
    cr_assert(eq(int, seen_store_note(store, note, news, &err), 0), "%s", err.text);
    return news[0];
}

static struct seen read_seen(const char *key, int64_t now)
{
    struct err err = {""};
    struct seen seen;
    cr_assert(eq(int, seen_store_read(store, arena, key, now, &seen, &err), 0), "%s", err.text);
    return seen;
}

static json_t *rows(void)
{
    struct err err = {""};
    json_t *json = NULL;
    cr_assert(eq(int, seen_store_json(store, 100, &json, &err), 0), "%s", err.text);
    return json;
}

static int number(json_t *list, size_t index, const char *key)
{
    return (int)json_integer_value(json_object_get(json_array_get(list, index), key));
}

static int acknowledge(const char *key, int64_t now)
{
    struct err err = {""};
    int count = -1;
    cr_assert(eq(int, seen_store_acknowledge(store, key, now, &count, &err), 0), "%s", err.text);
    return count;
}

Test(seen_store, what_was_seen_is_there_until_it_fades)
{
    struct seen_note note = note_of("example.org", "mx.example.org", NOW);
    note.tls = note.dane = note.sts = true;
    note.sts_expires = NOW + 7 * DAY;
    write_note(&note);
    struct seen seen = read_seen("example.org", NOW + 90 * DAY);
    cr_assert(eq(sz, seen.host_count, 1u));
    cr_expect(eq(str, (char *)seen.hosts[0].name, "mx.example.org"));
    cr_expect(eq(i64, seen.hosts[0].tls, NOW));
    cr_expect(eq(i64, seen.hosts[0].dane, NOW));
    cr_expect(eq(i64, seen.sts, NOW));
    cr_expect(eq(i64, seen.sts_expires, NOW + 7 * DAY));
    cr_expect(false == seen.lost);
    seen = read_seen("example.org", NOW + 90 * DAY + 1);
    cr_expect(seen.host_count == 0 && seen.sts == 0);
    cr_expect(eq(sz, read_seen("example.net", NOW).host_count, 0u));
}

/* TLS that fades while the host is still met in clear leaves a host that is met in clear. */
Test(seen_store, each_fact_fades_by_itself)
{
    struct seen_note note = note_of("example.org", "mx.example.org", NOW);
    note.tls = note.dane = true;
    write_note(&note);
    note = note_of("example.org", "mx.example.org", NOW + 80 * DAY);
    note.clear = true;
    write_note(&note);
    struct seen seen = read_seen("example.org", NOW + 100 * DAY);
    cr_assert(eq(sz, seen.host_count, 1u));
    cr_expect(seen.hosts[0].tls == 0 && seen.hosts[0].dane == 0);
    cr_expect(eq(i64, seen.hosts[0].met, NOW + 80 * DAY));
}

Test(seen_store, a_loss_is_news_once_a_day)
{
    struct seen_note note = note_of("example.org", "mx.example.org", NOW);
    lose(&note, SEEN_TLS, "mx.example.org", false);
    cr_expect(write_note(&note));
    note.now += 60;
    note.held = true;
    note.queue_id = "Q2";
    cr_expect(false == write_note(&note));
    cr_expect(read_seen("example.org", note.now).lost);
    json_t *list = rows();
    cr_assert(eq(sz, json_array_size(list), 1u));
    cr_expect(eq(int, number(list, 0, "count"), 2));
    cr_expect(eq(int, number(list, 0, "first"), NOW));
    cr_expect(eq(int, number(list, 0, "last"), NOW + 60));
    cr_expect(json_object_get(json_array_get(list, 0), "held") == json_true());
    json_decref(list);
    note.now += DAY;
    cr_expect(write_note(&note), "a day later it is told again");
}

Test(seen_store, what_is_there_again_is_no_longer_lost)
{
    struct seen_note note = note_of("example.org", "mx.example.org", NOW);
    lose(&note, SEEN_TLS, "mx.example.org", false);
    write_note(&note);
    note = note_of("example.org", "mx.example.org", NOW + 60);
    note.tls = true;
    write_note(&note);
    cr_expect(false == read_seen("example.org", NOW + 60).lost);
    json_t *list = rows();
    cr_expect(eq(int, number(list, 0, "ended"), NOW + 60));
    json_decref(list);
    cr_expect(eq(int, acknowledge("example.org", NOW + 70), 0), "nothing is open");
    note = note_of("example.org", "mx.example.org", NOW + 80);
    lose(&note, SEEN_TLS, "mx.example.org", false);
    cr_expect(write_note(&note), "lost once more: news");
    list = rows();
    cr_expect(eq(int, number(list, 0, "count"), 1));
    cr_expect(eq(int, number(list, 0, "first"), NOW + 80));
    json_decref(list);
}

/* A host that was never met before is known from then on, as one without TLS. */
Test(seen_store, acknowledged_is_expected)
{
    struct seen_note note = note_of("example.org", "mx1.example.org", NOW);
    note.tls = note.sts = true;
    note.sts_expires = NOW + DAY;
    write_note(&note);
    note = note_of("example.org", "mx9.example.org", NOW + 10);
    lose(&note, SEEN_TLS, "mx9.example.org", false);
    lose(&note, SEEN_STS, "", false);
    write_note(&note);
    cr_expect(eq(int, acknowledge("example.net", NOW + 20), 0));
    cr_expect(eq(int, acknowledge("example.org", NOW + 20), 2));
    struct seen seen = read_seen("example.org", NOW + 30);
    cr_assert(eq(sz, seen.host_count, 2u));
    for (size_t i = 0; i < 2; i++)
        cr_expect(eq(i64, seen.hosts[i].tls,
                     strcmp(seen.hosts[i].name, "mx1.example.org") == 0 ? NOW : 0));
    cr_expect(seen.sts == 0 && !seen.lost);
}

/* What was proven gone is forgotten, so that it is told once. */
Test(seen_store, proven_is_forgotten)
{
    struct seen_note note = note_of("example.org", "mx.example.org", NOW);
    note.tls = note.dane = note.sts = true;
    write_note(&note);
    note = note_of("example.org", "mx.example.org", NOW + 10);
    note.tls = true;
    lose(&note, SEEN_DANE, "", true);
    lose(&note, SEEN_STS, "", true);
    cr_expect(write_note(&note));
    struct seen seen = read_seen("example.org", NOW + 20);
    cr_expect(seen.hosts[0].dane == 0 && seen.sts == 0);
    cr_expect(eq(i64, seen.hosts[0].tls, NOW + 10));
}

/* The oldest go; an alarm that nobody has acknowledged stays before one that is over. */
Test(seen_store, is_bounded)
{
    char host[32];
    for (int i = 0; i < 300; i++) {
        snprintf(host, sizeof(host), "mx%d.example.org", i);
        struct seen_note note = note_of("example.org", host, NOW + i);
        note.tls = true;
        write_note(&note);
    }
    struct seen seen = read_seen("example.org", NOW + 400);
    cr_expect(seen.host_count <= 100, "%zu", seen.host_count);
    struct seen_note old = note_of("old.example", "mx.old.example", NOW - 100 * DAY);
    lose(&old, SEEN_TLS, "mx.old.example", false);
    write_note(&old);
    for (int i = 0; i < 128; i++) {
        struct seen_note note = note_of("example.net", "mx.example.net", NOW + 400 + i);
        note.tls = true;
        write_note(&note);
    }
    json_t *list = rows();
    cr_expect(eq(sz, json_array_size(list), 0u), "what is older than the memory fades");
    json_decref(list);
}

/* --- the memory of a worker --------------------------------------------------------------------- */

static struct loop *loop;
static struct memory *memory;
static unsigned answers;
static struct seen answer;

static void open_memory(void)
{
    struct err err = {""};
    const struct seen_parts parts = {.lifetime = 90 * DAY, .limit = 1000};
    arena = arena_create();
    loop = loop_create();
    answers = 0;
    cr_assert(eq(int, memory_create(&memory, loop, &parts, &err), 0), "%s", err.text);
}

static void close_memory(void)
{
    memory_free(&memory);
    loop_free(&loop);
    arena_free(&arena);
}

TestSuite(memory, .init = open_memory, .fini = close_memory);

static void on_answer(void *arg, const struct seen *seen)
{
    (void)arg;
    answer = *seen;
    answers++;
}

/* True: it was there at once. */
static bool ask(const char *key)
{
    struct memory_waiter waiter = {.arena = arena, .fn = on_answer};
    bool there = memory_ask(memory, key, &waiter, &answer);
    loop_run(loop);
    return there;
}

Test(memory, keys)
{
    cr_expect(eq(str, (char *)memory_key(arena, NEXT_HOP_DOMAIN, "a.example", 25), "a.example"));
    cr_expect(eq(str, (char *)memory_key(arena, NEXT_HOP_HOST, "mx.a.example", 587),
                 "[mx.a.example]:587"));
    cr_expect(eq(str, (char *)memory_key(arena, NEXT_HOP_LITERAL, "192.0.2.1", 25), "[192.0.2.1]"));
}

Test(memory, is_read_once_and_then_at_hand)
{
    cr_expect(false == ask("example.org"));
    cr_expect(eq(uint, answers, 1u));
    cr_expect(eq(str, (char *)answer.key, "example.org"));
    cr_expect(ask("example.org"), "the second time it is there");
    memory_drop(memory, "example.org");
    cr_expect(false == ask("example.org"), "unless somebody says that it has changed");
}

/* One write a day for a host that shows what it always does. */
Test(memory, writes_what_is_new)
{
    struct seen_note note = note_of("example.org", "mx.example.org", loop_wall(loop));
    note.tls = true;
    ask("example.org");
    memory_note(memory, &note);
    cr_expect(false == ask("example.org"), "what was written is read");
    cr_assert(eq(sz, answer.host_count, 1u));
    cr_expect(eq(i64, answer.hosts[0].tls, note.now));
    memory_note(memory, &note);
    cr_expect(ask("example.org"), "nothing new, nothing written");
    note.now += DAY;
    memory_note(memory, &note);
    cr_expect(false == ask("example.org"));
    cr_expect(eq(i64, answer.hosts[0].tls, note.now));
}

Test(memory, counts_losses)
{
    struct seen_note note = note_of("example.org", "mx.example.org", loop_wall(loop));
    lose(&note, SEEN_TLS, "mx.example.org", false);
    note.held = true;
    ask("example.org");
    memory_note(memory, &note);
    memory_note(memory, &note);
    lose(&note, SEEN_DANE, "", true);
    memory_note(memory, &note);
    struct seen_counters counters = memory_counters(memory);
    cr_expect(eq(u64, counters.downgrades, 3u));
    cr_expect(eq(u64, counters.held, 3u));
    cr_expect(eq(u64, counters.changes, 1u));
    ask("example.org");
    cr_expect(answer.lost);
}

/* Whoever asked and has gone is not called; two who ask at a time get one reading. */
Test(memory, waiters_come_and_go)
{
    struct memory_waiter one = {.arena = arena, .fn = on_answer}, other = one;
    struct seen seen;
    cr_expect(false == memory_ask(memory, "example.org", &one, &seen));
    cr_expect(false == memory_ask(memory, "example.org", &other, &seen));
    memory_forget_waiter(&one);
    loop_run(loop);
    cr_expect(eq(uint, answers, 1u));
}

/* Mail does not wait for a slow disk: it goes on with what was known before, and later ones at once, until there is more. */
Test(memory, is_not_waited_for_long)
{
    struct memory_waiter waiter = {.arena = arena, .fn = on_answer};
    struct seen seen = {.lost = true};
    int64_t begun = loop_now(loop);
    ask("example.net");
    answers = 0;
    fake_helper_takes(60000);
    cr_expect(false == memory_ask(memory, "example.org", &waiter, &seen));
    fake_loop_pass(loop, 1000);
    cr_expect(eq(uint, answers, 0u));
    fake_loop_pass(loop, 2000);
    cr_expect(eq(uint, answers, 1u), "an answer came, although nothing was read");
    cr_expect(answer.key == NULL && answer.host_count == 0);
    cr_expect(memory_ask(memory, "example.org", &waiter, &seen), "nor do others wait");
    cr_expect(seen.key == NULL);
    loop_run(loop);
    cr_expect(ge(i64, loop_now(loop) - begun, 60000));
    cr_expect(eq(uint, answers, 1u), "nobody is answered twice");
    cr_expect(memory_ask(memory, "example.org", &waiter, &seen));
    cr_expect(eq(str, (char *)seen.key, "example.org"), "now it has been read");
    memory_drop(memory, "example.org");
    cr_expect(false == memory_ask(memory, "example.org", &waiter, &seen));
    fake_loop_pass(loop, 3000);
    cr_expect(eq(uint, answers, 2u));
    cr_expect(eq(str, (char *)answer.key, "example.org"), "what was known before");
    loop_run(loop);
    fake_helper_takes(1);
}
