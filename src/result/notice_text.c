/* notice_text: the part of a notice that people read: what happened, to whom, who can mend it,
 * what to do.
 * Owns: the words that are not in reason.def. The reader is a sender who knows nothing of DANE:
 * sentences first, codes behind them.
 * Must never hold anything that is not printable ASCII, but addresses in a notice that goes out with SMTPUTF8. */
#include "result/notice.h"

#include <string.h>

enum { REPLY_LIMIT = 500 };

static void write_introduction(struct writer *writer, struct arena *arena,
                               const struct notice *notice)
{
    size_t count = notice->recipient_count;
    write_line(writer, "This is the mail gateway %s.", notice->hostname);
    write_empty_line(writer);
    const char *who =
        count == 1 ? "the recipient below" : arena_printf(arena, "the %zu recipients below", count);
    const char *text = "";
    switch (notice->kind) {
    case NOTICE_FAILED:
        text = arena_printf(
            arena, "Your message could not be delivered to %s. It will not be tried again.", who);
        break;
    case NOTICE_DELAYED:
        text = arena_printf(arena,
                            "Your message could not be delivered to %s yet. You need not send it "
                            "again: it will be tried until %s.",
                            who, mail_date(arena, notice->retry_until));
        break;
    default:
        text = arena_printf(arena,
                            "Your message has been accepted by the mail host for %s. That host "
                            "does not tell what becomes of it, so that this is the last that you "
                            "hear of its success.",
                            who);
        break;
    }
    write_folded(writer, "", "", text);
}

/* What a failure of TLS comes to for the sender, before any term of the trade; NULL for all else. */
static const char *plain_sentence(struct arena *arena, enum reason reason, const char *domain)
{
    switch (reason_row(reason)->result) {
    case RESULT_NONE:
    case RESULT_TYPE_COUNT:
        return NULL;
    case RESULT_STARTTLS_NOT_SUPPORTED:
        return arena_printf(arena,
                            "The mail server of %s did not offer the encryption that is demanded "
                            "for it; your mail was not sent over the unsafe connection.",
                            domain);
    case RESULT_CERTIFICATE_HOST_MISMATCH:
    case RESULT_CERTIFICATE_EXPIRED:
    case RESULT_CERTIFICATE_NOT_TRUSTED:
    case RESULT_TLSA_INVALID:
        return arena_printf(arena,
                            "The mail server of %s could not prove its identity; your mail was not "
                            "sent over the unsafe connection.",
                            domain);
    case RESULT_VALIDATION_FAILURE:
        return arena_printf(arena,
                            "No safe connection to the mail server of %s could be made; your mail "
                            "was not sent over an unsafe one.",
                            domain);
    case RESULT_DNSSEC_INVALID:
    case RESULT_DANE_REQUIRED:
    case RESULT_STS_POLICY_FETCH_ERROR:
    case RESULT_STS_POLICY_INVALID:
    case RESULT_STS_WEBPKI_INVALID:
        return arena_printf(arena,
                            "It could not be found out how mail to %s must be protected; your mail "
                            "was not sent without that.",
                            domain);
    }
    return NULL;
}

static void write_plain_sentence(struct writer *writer, struct arena *arena,
                                 const struct notice *notice, const struct notice_recipient *one)
{
    const char *at = strrchr(one->recipient->address, '@');
    const char *domain = at != NULL
                             ? shown_address(arena, notice_is_global(notice->envelope), at + 1)
                             : "the recipient's domain";
    const char *sentence = plain_sentence(arena, one->reason, domain);
    if (sentence != NULL)
        write_folded(writer, "    ", "    ", sentence);
}

/* What happened, without the reply of the host if that follows on a line of its own. */
static const char *what_happened(struct arena *arena, const struct notice_recipient *one)
{
    const char *text = one->text != NULL ? one->text : reason_row(one->reason)->text;
    if (one->reason == REASON_EXPIRED)
        return ""; /* that it expired is said anyway */
    size_t length = strlen(text), tail = one->reply != NULL ? strlen(one->reply) : 0;
    if (tail > 0 && length > tail && strcmp(text + length - tail, one->reply) == 0) {
        const char *said = " It said: ";
        length -= tail;
        if (length > strlen(said) && memcmp(text + length - strlen(said), said, strlen(said)) == 0)
            text = arena_strndup(arena, text, length - strlen(said));
    }
    return printable(arena, text, REPLY_LIMIT);
}

static void write_what_happened(struct writer *writer, struct arena *arena,
                                const struct notice *notice, const struct notice_recipient *one)
{
    const char *text = what_happened(arena, one);
    if (one->expired)
        write_folded(writer, "    ", "    ",
                     arena_printf(arena,
                                  "The message was kept and tried for %s without success.%s%s",
                                  duration_text(arena, notice->lifetime),
                                  text[0] != '\0' ? " The last attempt: " : "", text));
    else if (text[0] != '\0')
        write_folded(writer, "    ", "    ", text);
}

/* The advice is for the one who can follow it; the reader is the sender. */
static void write_advice(struct writer *writer, struct arena *arena, enum reason reason)
{
    const struct reason_row *row = reason_row(reason);
    if (reason == REASON_NONE || reason == REASON_REPLY_PERMANENT ||
        reason == REASON_REPLY_TEMPORARY) /* the reply has just said why */
        return;
    const char *who = row->who == WHO_SENDER ? "you" : who_name(row->who);
    write_folded(writer, "    ", "        ",
                 arena_printf(arena, "What %s can do: %s", who, row->advice));
}

static void write_recipient(struct writer *writer, struct arena *arena, const struct notice *notice,
                            const struct notice_recipient *one)
{
    write_empty_line(writer);
    write_line(writer, "<%s>",
               shown_address(arena, notice_is_global(notice->envelope), one->recipient->address));
    if (one->protection != NULL)
        write_folded(writer, "    ", "    ", printable(arena, one->protection, REPLY_LIMIT));
    write_plain_sentence(writer, arena, notice, one);
    if (notice->kind != NOTICE_RELAYED)
        write_what_happened(writer, arena, notice, one);
    if (one->reply != NULL)
        write_folded(writer, "    ", "        ",
                     arena_printf(arena, "%s said: %s",
                                  one->remote_name != NULL ? printable(arena, one->remote_name, 255)
                                                           : "The mail host",
                                  printable(arena, one->reply, REPLY_LIMIT)));
    write_advice(writer, arena, one->reason);
    write_line(writer, "    Status code: %s%s%s", one->status,
               one->reason != REASON_NONE ? ", reason: " : "",
               one->reason != REASON_NONE ? reason_row(one->reason)->name : "");
}

void write_text_for_people(struct writer *writer, struct arena *arena, const struct notice *notice)
{
    write_introduction(writer, arena, notice);
    for (size_t i = 0; i < notice->recipient_count; i++)
        write_recipient(writer, arena, notice, &notice->recipients[i]);
    write_empty_line(writer);
    write_folded(writer, "", "",
                 arena_printf(arena,
                              "If you need help, ask your postmaster and pass this notice on. The "
                              "message came to this gateway on %s.",
                              mail_date(arena, notice->envelope->arrival)));
    write_line(writer, "Queue id: %s", notice->queue_id);
    write_empty_line(writer);
    const char *quoted = notice->content.ptr != NULL  ? ", and your message"
                         : notice->header.ptr != NULL ? ", and the header of your message"
                                                      : "";
    write_line(writer, "What follows is for programs%s.", quoted);
}
