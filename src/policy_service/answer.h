/* answer: what the engine decided about a next hop, in the words of Postfix's smtp_tls_policy_maps.
 * Owns: nothing; the text lives in the caller's arena; pure.
 * Postfix applies one policy to all mail hosts of a next hop, and looks up TLSA records itself. Where that is not enough
 * to say what was decided, the answer is the stricter one: mail may wait, but never goes out with less.
 * TLS_README and TLSRPT_README of Postfix; RFC 7672 2.2, RFC 8461 5; requirements STS-44, STS-47, STS-52, DANE-07.
 * Must never answer with less than what an attempt of our own would ask for. */
#ifndef DANEWAY_POLICY_SERVICE_ANSWER_H
#define DANEWAY_POLICY_SERVICE_ANSWER_H

#include "attempt/decision.h"

enum answer_kind {
    ANSWER_DANE_ONLY, /* OK dane-only */
    ANSWER_DANE,      /* OK dane */
    ANSWER_SECURE,    /* OK secure ..., by MTA-STS */
    ANSWER_TABLE,     /* OK ..., as the operator's tables have it */
    ANSWER_NOTFOUND,  /* nothing is asked for: Postfix's own level applies */
    ANSWER_TEMP,
    ANSWER_PERM, /* the request is wrong */
    ANSWER_KINDS
};
struct answer {
    enum answer_kind kind;
    const char *
        text; /* the whole reply, at most SOCKETMAP_REPLY_MAX octets: "OK dane-only", "NOTFOUND ", "TEMP ..." */
};
/* `with_tlsrpt`: behind an MTA-STS policy stand the attributes of Postfix 3.10 and later. */
struct answer answer_make(struct arena *arena, const struct decision *decision, bool with_tlsrpt);
/* "NOTFOUND ", "TEMP TEXT", "PERM TEXT": printable, of bounded length. Not for the kinds that say OK. */
struct answer answer_without_policy(struct arena *arena, enum answer_kind kind, const char *text);

#endif
