/* errand_https: a report is posted to an https receiver.
 * Owns: nothing beyond the errand.
 * RFC 8460 3, 5.4; requirement RPT-43. A certificate that is not good is logged, and by default the report goes all the
 * same: it may be about that very certificate's owner.
 * Must never be led into this network by a stranger's record, nor take anything but 2yz for success. */
#include "submit/errand.h"

#include "log/log.h"

enum { ANSWER_LIMIT = 64 * 1024 };

static void log_certificate(const struct errand *errand, const struct chain_result *verdict)
{
    struct log_line line;
    log_begin(&line, LOG_LEVEL_WARNING, "report-receiver-certificate");
    log_text(&line, "domain", errand->domain);
    log_text(&line, "receiver", errand->receiver.uri);
    log_text(&line, "reason", reason_row(verdict->reason)->name);
    log_text(&line, "text", verdict->detail);
    log_end(&line);
}

/* The verdict by the rules for policy hosts; when a good one was insisted on, libcurl has had its say before. */
static void judge_certificate(const struct errand *errand, const struct https_result *result)
{
    const struct courier_parts *parts = &errand->courier->parts;
    const char *const names[] = {errand->receiver.host};
    if (result->chain_count == 0)
        return;
    struct chain_result verdict =
        parts->verify(result->arena, parts->roots, result->chain, result->chain_count, names, 1,
                      (time_t)loop_wall(parts->loop));
    if (!verdict.ok)
        log_certificate(errand, &verdict);
}

static const char *words(struct errand *errand, const struct https_result *result)
{
    if (result->status / 100 == 3 && result->location != NULL)
        return arena_printf(errand->arena, "answers %u, a redirect, which is not followed",
                            result->status);
    if (result->status != 0)
        return arena_printf(errand->arena, "answers %u", result->status);
    if (result->untrusted)
        return arena_printf(errand->arena, "its certificate is not trusted: %s", result->text);
    return result->text != NULL ? arena_strdup(errand->arena, result->text) : "no answer";
}

/* RPT-43: any 2yz, whatever stands in its body. */
static void on_answer(void *arg, const struct https_result *result)
{
    struct errand *errand = arg;
    errand->https = NULL;
    judge_certificate(errand, result);
    errand_end(errand, result->status / 100 == 2 ? "taken" : "failed", words(errand, result));
}

static void post(struct errand *errand, const struct lookup_result *host)
{
    const struct courier_parts *parts = &errand->courier->parts;
    const struct https_request request = {
        .url = errand->receiver.uri,
        .host = errand->receiver.host,
        .url_port = errand->receiver.port,
        .port = errand->receiver.port,
        .addresses = host->addresses,
        .address_count = host->address_count,
        .ca_file = parts->settings->ca_file,
        .any_certificate = !parts->settings->https_certificate,
        .type = "application/tlsrpt+gzip",
        .body = buffer_slice(&errand->gzip),
        .body_limit = ANSWER_LIMIT,
        .header_limit = ANSWER_LIMIT,
        .timeout_ms = errand->deadline_ms - loop_now(parts->loop),
    };
    errand->https = https_start(parts->loop, &request, on_answer, errand);
}

static void on_host(void *arg, const struct lookup_result *result)
{
    struct errand *errand = arg;
    errand->lookup = NULL;
    if (result->address_count > 0)
        post(errand, result);
    else
        errand_end(errand, "failed", result->why_none);
}

void errand_https(struct errand *errand)
{
    const struct courier_parts *parts = &errand->courier->parts;
    int64_t limit = 1000 * (int64_t)parts->settings->https_timeout;
    errand->deadline_ms = loop_now(parts->loop) + limit;
    loop_timer_set(errand->timer, limit);
    errand->lookup = lookup_host(parts->resolver, errand->arena, errand->receiver.host,
                                 parts->settings->allow_addresses,
                                 parts->settings->allow_address_count, on_host, errand);
}
