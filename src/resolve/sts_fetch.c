/* sts_fetch: see sts_fetch.h. The exchange is fetch/'s; here its answer becomes a policy or a failure.
 * Owns: nothing beyond the exchange. The certificate is judged twice: by libcurl before the request is sent, and by
 * policy/'s rules for mail hosts (DNS names alone, STS-13), which also find the words for what is wrong.
 * Must never hand over part of a file. */
#include "resolve/sts_fetch.h"

#include <string.h>

#include "fetch/https.h"

enum { HTTPS_PORT = 443, STATUS_OK = 200 };

struct sts_fetch {
    struct loop *loop;
    const struct sts_rules *rules;
    struct arena *arena;
    const char *host, *url;
    struct https *https;
    struct sts_fetch_result result;
    sts_fetch_fn *fn;
    void *arg;
};

/* --- words ------------------------------------------------------------------------------------ */

static void fail(struct sts_fetch *fetch, enum reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct sts_fetch *fetch, enum reason reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = arena_vprintf(fetch->arena, format, arguments);
    va_end(arguments);
    fetch->result = (struct sts_fetch_result){
        .failure = reason, .failure_text = arena_printf(fetch->arena, "%s: %s", fetch->url, text)};
}

/* --- the certificate -------------------------------------------------------------------------- */

static const char *words_of(enum reason reason)
{
    if (reason == REASON_CERTIFICATE_EXPIRED)
        return "the certificate is outside its dates";
    if (reason == REASON_CERTIFICATE_NAME_MISMATCH)
        return "the certificate does not carry this name as a DNS name";
    return "the certificate does not chain to a trusted root";
}

/* NULL: it is good. */
static const char *certificate_fault(struct sts_fetch *fetch, const struct https_result *answer)
{
    const char *const names[] = {fetch->host};
    if (answer->chain_count == 0)
        return "no certificate was shown";
    struct chain_result verdict =
        fetch->rules->verify(fetch->arena, fetch->rules->roots, answer->chain, answer->chain_count,
                             names, 1, (time_t)loop_wall(fetch->loop));
    if (verdict.ok)
        return NULL;
    return arena_printf(fetch->arena, "%s%s%s", words_of(verdict.reason),
                        verdict.detail != NULL ? ": " : "",
                        verdict.detail != NULL ? verdict.detail : "");
}

/* --- what came of it -------------------------------------------------------------------------- */

/* STS-16: text/plain with any parameters. */
static bool is_text_plain(const char *type)
{
    struct slice rest, name = slice_trim(slice_split(slice_of(type), ';', &rest));
    return slice_equal_nocase(name, SLICE_LITERAL("text/plain"));
}

static void fail_by_status(struct sts_fetch *fetch, const struct https_result *answer)
{
    if (answer->status / 100 == 3 && answer->location != NULL)
        fail(fetch, REASON_STS_FETCH_FAILED,
             "answers %u, a redirect to %s; redirects are not followed", answer->status,
             answer->location);
    else
        fail(fetch, REASON_STS_FETCH_FAILED, "answers %u; expected 200", answer->status);
}

static void fail_without_answer(struct sts_fetch *fetch, const struct https_result *answer)
{
    const char *fault = answer->untrusted ? certificate_fault(fetch, answer) : NULL;
    if (answer->untrusted)
        fail(fetch, REASON_STS_WEBPKI_INVALID, "%s", fault != NULL ? fault : answer->text);
    else if (answer->body_too_large)
        fail(fetch, REASON_STS_POLICY_INVALID, "the file is larger than %d octets",
             STS_FETCH_OCTETS);
    else if (answer->header_too_large)
        fail(fetch, REASON_STS_FETCH_FAILED, "the header is larger than %d octets",
             STS_FETCH_HEADER_OCTETS);
    else
        fail(fetch, REASON_STS_FETCH_FAILED, "%s", answer->text);
}

static void judge_file(struct sts_fetch *fetch, const struct https_result *answer)
{
    const char *fault = certificate_fault(fetch, answer);
    if (fault != NULL)
        fail(fetch, REASON_STS_WEBPKI_INVALID, "%s", fault);
    else if (answer->type == NULL)
        fail(fetch, REASON_STS_POLICY_INVALID, "no Content-Type; expected text/plain");
    else if (!is_text_plain(answer->type))
        fail(fetch, REASON_STS_POLICY_INVALID, "Content-Type is %s; expected text/plain",
             answer->type);
    else
        fetch->result.text = answer->body;
}

static void on_answer(void *arg, const struct https_result *answer)
{
    struct sts_fetch *fetch = arg;
    if (answer->status > STATUS_OK || (answer->complete && answer->status != STATUS_OK))
        fail_by_status(fetch, answer);
    else if (!answer->complete)
        fail_without_answer(fetch, answer);
    else
        judge_file(fetch, answer);
    struct arena *arena = fetch->arena;
    fetch->fn(fetch->arg, &fetch->result);
    arena_free(&arena);
}

/* --- making it -------------------------------------------------------------------------------- */

struct sts_fetch *sts_fetch_start(struct loop *loop, const struct sts_fetch_request *request,
                                  sts_fetch_fn *fn, void *arg)
{
    struct arena *arena = arena_create();
    struct sts_fetch *fetch = arena_alloc(arena, sizeof *fetch);
    *fetch = (struct sts_fetch){.loop = loop, .rules = request->rules, .arena = arena, .fn = fn};
    fetch->arg = arg;
    fetch->host = arena_printf(arena, "mta-sts.%s", request->domain);
    fetch->url = arena_printf(arena, "https://%s/.well-known/mta-sts.txt", fetch->host);
    struct https_request exchange = {
        .url = fetch->url,
        .host = fetch->host,
        .url_port = HTTPS_PORT,
        .port = request->port,
        .addresses = request->addresses,
        .address_count = request->address_count,
        .ca_file = request->ca_file,
        .wanted_status = STATUS_OK,
        .body_limit = STS_FETCH_OCTETS,
        .header_limit = STS_FETCH_HEADER_OCTETS,
        .timeout_ms = request->timeout_ms,
    };
    fetch->https = https_start(loop, &exchange, on_answer, fetch);
    return fetch;
}

void sts_fetch_cancel(struct sts_fetch **fetch)
{
    if (*fetch == NULL)
        return;
    struct arena *arena = (*fetch)->arena;
    https_cancel(&(*fetch)->https);
    *fetch = NULL;
    arena_free(&arena);
}
