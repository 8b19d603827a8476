/* transaction_result: what replies and losses come to for the recipients of a transaction.
 * Owns: nothing.
 * RFC 5321 4.2.1, 4.5.3.2; requirements SMTPC-06, 07, 09.
 * Must never let a reply's text steer a decision (SMTPC-06). */
#include "attempt/transaction_inside.h"

void transaction_settle(struct transaction *t, struct transaction_recipient *recipient,
                        const struct transaction_recipient *as)
{
    const struct recipient *whom = recipient->recipient;
    if (recipient->class == CLASS_ACCEPTED)
        t->accepted--;
    *recipient = *as;
    recipient->recipient = whom;
    if (as->class == CLASS_ACCEPTED)
        t->accepted++;
}

/* The class, reason and text that a reply stands for. */
struct transaction_recipient transaction_from_reply(struct transaction *t, enum reply_class good)
{
    const struct reply *reply = session_reply(t->parts.session);
    struct transaction_recipient as = {.reply = arena_strdup(t->parts.arena, reply->text)};
    if (reply->status_given)
        as.status = arena_strdup(t->parts.arena, reply->status);
    switch (reply->code / 100) {
    case 2:
        as.class = good;
        break;
    case 5:
        as.class = CLASS_PERMANENT;
        as.reason = REASON_REPLY_PERMANENT;
        break;
    case 4:
        as.class = CLASS_TEMPORARY;
        as.reason = REASON_REPLY_TEMPORARY;
        break;
    default:
        as.class = CLASS_TEMPORARY;
        as.reason = REASON_REPLY_INVALID;
        break;
    }
    return as;
}

/* All that are accepted, and with `pending` those too that were not asked. */
void transaction_settle_rest(struct transaction *t, const struct transaction_recipient *as,
                             bool pending)
{
    for (size_t i = 0; i < t->parts.recipient_count; i++) {
        struct transaction_recipient *recipient = &t->parts.recipients[i];
        if (recipient->class == CLASS_ACCEPTED || (pending && recipient->class == CLASS_PENDING))
            transaction_settle(t, recipient, as);
    }
}

/* The session is of no more use: everything open fails for now. */
enum state transaction_fail(struct transaction *t, enum reason reason, const char *detail)
{
    struct transaction_recipient as = {
        .class = CLASS_TEMPORARY, .reason = reason, .detail = detail};
    transaction_settle_rest(t, &as, true);
    t->result.usable = false;
    session_spoil(t->parts.session);
    return STATE_ENDED;
}

enum state transaction_fail_by_reply(struct transaction *t)
{
    t->result.busy |= session_reply(t->parts.session)->code == 421;
    struct transaction_recipient as = transaction_from_reply(t, CLASS_TEMPORARY);
    if (as.reason == REASON_NONE)
        as.reason = REASON_REPLY_INVALID; /* 2yz where none can be */
    transaction_settle_rest(t, &as, false);
    if (as.class == CLASS_PERMANENT) { /* it did not speak of those that were not asked yet */
        as.class = CLASS_TEMPORARY;
        as.reason = REASON_REPLY_TEMPORARY;
        as.status = NULL;
    }
    transaction_settle_rest(t, &as, true);
    t->result.usable = false;
    session_spoil(t->parts.session);
    return STATE_ENDED;
}

/* The connection is gone or silent (SMTPC-07). */
enum state transaction_fail_by_loss(struct transaction *t, enum signal signal)
{
    t->result.connection_failed = true;
    t->result.end_unknown = t->state == STATE_DOT;
    const char *doubt =
        t->state == STATE_DOT
            ? "after the final dot: it may have been accepted, a duplicate is possible"
            : NULL;
    if (signal == SIGNAL_TIMEOUT)
        return transaction_fail(
            t, REASON_REPLY_TIMEOUT,
            doubt != NULL ? doubt
                          : arena_printf(t->parts.arena, "to %s", transaction_state_name(t)));
    const struct session_ending *ending = session_ending(t->parts.session);
    const char *detail = doubt != NULL || ending->detail == NULL
                             ? doubt
                             : arena_printf(t->parts.arena, "in reply to %s: %s",
                                            transaction_state_name(t), ending->detail);
    return transaction_fail(t, ending->reason, detail);
}

/* What is the same in every state that waits for a reply. */
bool transaction_is_end(const struct transaction *t, enum signal signal)
{
    return signal == SIGNAL_LOST || signal == SIGNAL_TIMEOUT ||
           (signal == SIGNAL_REPLY && session_reply(t->parts.session)->code == 421);
}

enum state transaction_finish(struct transaction *t, enum signal signal)
{
    return signal == SIGNAL_REPLY ? transaction_fail_by_reply(t)
                                  : transaction_fail_by_loss(t, signal);
}

enum state transaction_fail_here(struct transaction *t, const char *detail)
{
    t->result.local_failure = true;
    return transaction_fail(t, REASON_GATEWAY_FAILED, detail);
}
