/* render_answer: the beginning of a page about a decision trace: what became of the mail, or would
 * become of it, and who can mend what is wrong.
 * Owns: nothing. The rest of the page is the proof.
 * Must never say more than the trace does. */
#include <string.h>

#include "cli/format.h"
#include "cli/render.h"
#include "daneway/reason.h"

/* "4.7.5 tlsa-mismatch" */
static void put_code(FILE *out, const char *status, const char *name)
{
    enum reason reason = name != NULL ? reason_by_name(name) : REASON_NONE;
    if (status == NULL && reason != REASON_NONE)
        status = reason_status(reason);
    if (status != NULL)
        format_put(out, status);
    if (name == NULL)
        return;
    fputs(status != NULL ? " " : "", out);
    format_put(out, name);
}

static void put_headline(FILE *out, enum colour which, const char *text)
{
    fprintf(out, "\n%s%s%s", colour(which), text, colour(PLAIN));
}

/* --- a message: its recipients ---------------------------------------------------------------- */

static bool same_text(json_t *a, json_t *b, const char *key)
{
    const char *x = json_text(a, key), *y = json_text(b, key);
    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

/* What befell both is said once, below the last of them. */
static bool same_fate(json_t *a, json_t *b)
{
    return same_text(a, b, "disposition") && same_text(a, b, "status") && same_text(a, b, "text");
}

static void put_recipient(FILE *out, json_t *recipient)
{
    bool delivered = json_text_is(recipient, "disposition", "delivered");
    bool bounced = json_text_is(recipient, "disposition", "bounced");
    put_headline(out,
                 delivered ? GREEN
                 : bounced ? RED
                           : YELLOW,
                 delivered ? "DELIVERED"
                 : bounced ? "RETURNED "
                           : "WAITS    ");
    fprintf(out, "  %s", colour(BOLD));
    format_put(out, json_text(recipient, "address"));
    fprintf(out, "%s  ", colour(PLAIN));
    put_code(out, json_text(recipient, "status"), json_text(recipient, "reason"));
    if (delivered && json_text(recipient, "tls") != NULL) {
        fputs(", ", out);
        format_put(out, json_text(recipient, "tls"));
    }
}

static void put_fate(FILE *out, json_t *recipient)
{
    fputc('\n', out);
    render_folded(out, "  ", json_text(recipient, "text"));
    if (!json_text_is(recipient, "disposition", "delivered"))
        render_who(out, "  ", recipient);
}

static void put_recipients(FILE *out, json_t *recipients)
{
    json_t *recipient;
    size_t i;
    json_array_foreach(recipients, i, recipient) {
        put_recipient(out, recipient);
        if (!same_fate(recipient, json_array_get(recipients, i + 1)))
            put_fate(out, recipient);
    }
}

/* --- a destination: what would become of mail for it ------------------------------------------ */

static const char *sentence_for(const char *need)
{
    static const struct {
        const char *need, *sentence;
    } table[] = {
        {"authenticated", "with TLS and an authenticated mail host, or not at all."},
        {"encrypt", "with TLS, or not at all; the certificate is not checked."},
        {"may", "with TLS if the mail host offers it, else in clear."},
        {"none", "in clear, without TLS."},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (need != NULL && strcmp(need, table[i].need) == 0)
            return table[i].sentence;
    return "how safely depends on which mail host takes it, see PLAN.";
}

/* What all the hosts that would be tried need; NULL if they differ. */
static const char *common_need(json_t *plan)
{
    const char *need = NULL;
    json_t *host;
    size_t i;
    json_array_foreach(json_object_get(plan, "hosts"), i, host) {
        if (json_text(host, "skip") != NULL)
            continue;
        if (need != NULL && !json_text_is(host, "need", need))
            return NULL;
        need = json_text(host, "need");
    }
    return need;
}

/* REQUIRETLS is kept or not under TLS: a look-up cannot tell. */
static bool must_list_requiretls(json_t *plan)
{
    json_t *host;
    size_t i;
    json_array_foreach(json_object_get(plan, "hosts"), i, host) {
        if (json_text(host, "skip") == NULL && json_text_is(host, "requiretls", "must"))
            return true;
    }
    return false;
}

static void put_would_be_tried(FILE *out, json_t *plan)
{
    const char *need = common_need(plan);
    bool safe = need != NULL && strcmp(need, "authenticated") == 0;
    put_headline(out, safe ? GREEN : YELLOW, "Mail would be sent now");
    fprintf(out, ": %s\n", sentence_for(need));
    if (must_list_requiretls(plan))
        fputs("Only `daneway probe --requiretls` can tell whether a mail host lists REQUIRETLS.\n",
              out);
}

/* The reason of the whole, with the hosts that share it. */
static void put_would_not_be_tried(FILE *out, json_t *plan)
{
    bool bounce = json_text_is(plan, "action", "bounce");
    json_t *host;
    size_t i;
    put_headline(out, bounce ? RED : YELLOW,
                 bounce ? "Mail would be returned to its sender" : "Mail would wait");
    fputs(": ", out);
    put_code(out, NULL, json_text(plan, "reason"));
    fputc('\n', out);
    render_folded(out, "  ", json_text(plan, "text"));
    render_folded(out, "  ", json_text(plan, "detail"));
    json_array_foreach(json_object_get(plan, "hosts"), i, host) {
        if (!json_text_is(host, "skip", json_text(plan, "reason")))
            continue;
        fputs("  Mail host: ", out);
        format_put(out, json_text(host, "name"));
        fputc('\n', out);
    }
    render_who(out, "  ", plan);
}

static void put_probed_host(FILE *out, json_t *tried)
{
    json_t *ending = json_object_get(tried, "ending");
    fputs("  ", out);
    format_put(out, json_text(tried, "host"));
    fputs(" [", out);
    format_put(out, json_text(tried, "address"));
    fputs("]: ", out);
    put_code(out, NULL, json_text(ending, "reason"));
    fputc('\n', out);
}

/* As the delivery ends: by a bounce only if every host failed for good. */
static bool all_for_good(json_t *tries)
{
    json_t *tried;
    size_t i;
    json_array_foreach(tries, i, tried) {
        const char *name = json_text(json_object_get(tried, "ending"), "reason");
        enum reason reason = name != NULL ? reason_by_name(name) : REASON_NONE;
        if (reason == REASON_NONE || reason_row(reason)->permanence == TEMPORARY)
            return false;
    }
    return true;
}

static void put_probed(FILE *out, json_t *tries)
{
    json_t *tried;
    size_t i;
    json_array_foreach(tries, i, tried) {
        if (!render_would_send(tried))
            continue;
        bool clear = json_text_is(json_object_get(tried, "verdict"), "action", "reconnect-clear");
        const char *protection = json_text(json_object_get(tried, "verdict"), "protection");
        put_headline(out, GREEN, "Mail would be sent now");
        fputs(": to ", out);
        format_put(out, json_text(tried, "host"));
        fputs(", ", out);
        format_put(out, clear || protection == NULL ? "clear" : protection);
        fputc('\n', out);
        return;
    }
    bool returned = all_for_good(tries);
    put_headline(out, returned ? RED : YELLOW,
                 returned ? "Mail would be returned to its sender" : "Mail would wait");
    fputs(": no mail host is good enough\n", out);
    json_array_foreach(tries, i, tried) {
        put_probed_host(out, tried);
    }
}

bool render_would_send(json_t *tried)
{
    json_t *verdict = json_object_get(tried, "verdict");
    return json_text_is(verdict, "action", "go-on") ||
           json_text_is(verdict, "action", "reconnect-clear");
}

const char *render_told(json_t *trace)
{
    json_t *plan = json_object_get(trace, "plan");
    json_t *recipients = json_object_get(json_object_get(trace, "result"), "recipients");
    if (json_array_size(recipients) > 0)
        return json_text(json_array_get(recipients, 0), "reason");
    return json_array_size(json_object_get(trace, "tried")) == 0 ? json_text(plan, "reason") : NULL;
}

void render_answer(FILE *out, json_t *trace)
{
    json_t *plan = json_object_get(trace, "plan"), *tried = json_object_get(trace, "tried");
    json_t *recipients = json_object_get(json_object_get(trace, "result"), "recipients");
    if (json_array_size(recipients) > 0)
        put_recipients(out, recipients);
    else if (json_array_size(tried) > 0)
        put_probed(out, tried);
    else if (json_text_is(plan, "action", "try"))
        put_would_be_tried(out, plan);
    else if (json_text(plan, "action") != NULL)
        put_would_not_be_tried(out, plan);
}
