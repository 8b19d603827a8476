/* courier: see courier.h.
 * Owns: the list of errands, their beginning and their end.
 * Must never answer from inside the call that asked. */
#include "submit/courier.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "report/report_gzip.h"
#include "submit/errand.h"

enum { TEXT_LIMIT = 500 };

void courier_use_keys(struct courier *courier, const struct identity_keys *keys)
{
    courier->parts.keys = keys;
}

struct courier *courier_create(const struct courier_parts *parts)
{
    struct courier *courier = x_calloc(1, sizeof(*courier));
    courier->parts = *parts;
    LIST_INIT(&courier->errands);
    return courier;
}

/* --- an errand's life ------------------------------------------------------------------------- */

static void errand_free(struct errand *errand)
{
    LIST_REMOVE(errand, link);
    lookup_cancel(&errand->lookup);
    https_cancel(&errand->https);
    if (errand->committing)
        draft_forget(errand->courier->parts.spool, errand);
    loop_timer_free(&errand->timer);
    buffer_release(&errand->gzip);
    json_decref(errand->answer);
    struct arena *arena = errand->arena;
    arena_free(&arena);
}

static void on_timer(void *arg)
{
    struct errand *errand = arg;
    if (errand->answer == NULL) {
        errand_end(errand, "failed",
                   arena_printf(errand->arena, "no answer within %u s",
                                errand->courier->parts.settings->https_timeout));
        return;
    }
    courier_fn *fn = errand->fn;
    void *fn_arg = errand->arg;
    json_t *answer = json_incref(errand->answer);
    errand_free(errand);
    fn(fn_arg, answer);
}

static struct errand *errand_begin(struct courier *courier, courier_fn *fn, void *arg)
{
    struct arena *arena = arena_create();
    struct errand *errand = arena_alloc(arena, sizeof(*errand));
    errand->courier = courier;
    errand->arena = arena;
    errand->fn = fn;
    errand->arg = arg;
    errand->timer = loop_timer_create(courier->parts.loop, on_timer, errand);
    buffer_init(&errand->gzip, REPORT_GZIP_LIMIT);
    LIST_INSERT_HEAD(&courier->errands, errand, link);
    return errand;
}

static void answer_with(struct errand *errand, json_t *answer)
{
    assert(answer != NULL);
    if (errand->answer != NULL) {
        json_decref(answer);
        return;
    }
    errand->answer = answer;
    loop_timer_set(errand->timer, 0);
}

void errand_end(struct errand *errand, const char *result, const char *text)
{
    CLEANUP(buffer_release) struct buffer clean;
    buffer_init(&clean, TEXT_LIMIT);
    utf8_repair(slice_of(text), &clean);
    answer_with(errand, json_pack("{ss ss%}", "result", result, "text",
                                  clean.len > 0 ? clean.ptr : "", clean.len));
}

void courier_free(struct courier **courier)
{
    if (*courier == NULL)
        return;
    while (!LIST_EMPTY(&(*courier)->errands))
        errand_free(LIST_FIRST(&(*courier)->errands));
    free(*courier);
    *courier = NULL;
}

/* --- the record ------------------------------------------------------------------------------- */

static json_t *receivers_of(const struct tlsrpt_record *record)
{
    json_t *list = json_array();
    for (size_t i = 0; i < record->receiver_count; i++)
        json_array_append_new(list, json_string(record->receivers[i].uri));
    return list;
}

static json_t *record_answer(struct arena *arena, const struct lookup_result *result)
{
    struct tlsrpt_record record = {.receiver_count = 0};
    const char *why = result->why_none, *status = "found";
    if (result->trouble != NULL) {
        status = "failed";
        why = result->trouble;
    } else if (result->text_count == 0) {
        status = "none";
        why = why != NULL ? why : "there is no TXT record";
    } else if (tlsrpt_record_parse(arena, result->texts, result->text_count, &record, &why) != 0) {
        status = "none";
    }
    return json_pack("{ss ss* so sI sI}", "status", status, "why", why, "receivers",
                     receivers_of(&record), "unusable", (json_int_t)record.unusable, "surplus",
                     (json_int_t)record.surplus);
}

static void on_record(void *arg, const struct lookup_result *result)
{
    struct errand *errand = arg;
    errand->lookup = NULL;
    answer_with(errand, record_answer(errand->arena, result));
}

/* RPT-01 */
void courier_look_up(struct courier *courier, const char *domain, courier_fn *fn, void *arg)
{
    struct errand *errand = errand_begin(courier, fn, arg);
    const char *name = arena_printf(errand->arena, "_smtp._tls.%s", domain);
    errand->lookup = lookup_txt(courier->parts.resolver, errand->arena, name, on_record, errand);
}

/* --- a report --------------------------------------------------------------------------------- */

static const char *copied(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

/* -1: the question is not of its form; the control role made it. */
static int read_question(struct errand *errand, const json_t *question)
{
    const char *receiver, *identity, *domain, *day, *report_id, *file_name, *gzip;
    json_int_t successful, failed;
    if (json_unpack((json_t *)(uintptr_t)question, "{ss ss ss ss ss ss sI sI ss}", "receiver",
                    &receiver, "identity", &identity, "domain", &domain, "day", &day, "report_id",
                    &report_id, "file_name", &file_name, "successful", &successful, "failed",
                    &failed, "gzip", &gzip) != 0)
        return -1;
    errand->identity = identity_by_domain(errand->courier->parts.settings, identity);
    errand->domain = copied(errand->arena, domain);
    errand->day = copied(errand->arena, day);
    errand->report_id = copied(errand->arena, report_id);
    errand->file_name = copied(errand->arena, file_name);
    errand->successful = successful;
    errand->failed = failed;
    if (report_receiver_parse(errand->arena, slice_of(receiver), &errand->receiver) != 0)
        return -1;
    return base64_decode(&errand->gzip, slice_of(gzip));
}

void courier_submit(struct courier *courier, const json_t *question, courier_fn *fn, void *arg)
{
    struct errand *errand = errand_begin(courier, fn, arg);
    if (read_question(errand, question) != 0)
        errand_end(errand, "skipped", "the question for a submission is not of its form");
    else if (errand->identity == NULL || !identity_may_report(errand->identity))
        errand_end(errand, "skipped", "organization_name and contact_info are not configured");
    else if (errand->receiver.method == REPORT_BY_MAIL)
        errand_mail(errand);
    else
        errand_https(errand);
}
