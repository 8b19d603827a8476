/* socketmap: the grammar of Postfix's socketmap protocol: netstrings, "NAME KEY" in them, and the replies.
 * Owns: nothing; pure.
 * postfix's socketmap_table(5): a request is one netstring, so is its reply; many requests may follow one another.
 * Must never look beyond the octets that are there, and never take a length for more than the limit. */
#ifndef DANEWAY_POLICY_SERVICE_SOCKETMAP_H
#define DANEWAY_POLICY_SERVICE_SOCKETMAP_H

#include "base/slice.h"

enum {
    SOCKETMAP_REQUEST_MAX = 1024, /* octets of a request; a next hop has some 260 at most */
    SOCKETMAP_REPLY_MAX = 98304,  /* octets of a reply: Postfix takes 100,000 */
};

enum socketmap_result {
    SOCKETMAP_MORE,     /* so far it is good: more octets are needed */
    SOCKETMAP_COMPLETE, /* *content_r is the request, *used_r the octets of its netstring */
    SOCKETMAP_INVALID,  /* no netstring: nothing behind it can be understood */
    SOCKETMAP_TOO_LONG, /* one of more than SOCKETMAP_REQUEST_MAX octets */
};
enum socketmap_result netstring_take(struct slice input, struct slice *content_r, size_t *used_r);
/* Appends "LENGTH:CONTENT,". -1: the limit of the buffer. */
int netstring_append(struct buffer *buffer, struct slice content);

enum socketmap_map {
    SOCKETMAP_QUERY,             /* "QUERY" */
    SOCKETMAP_QUERY_WITH_TLSRPT, /* "QUERYwithTLSRPT": for Postfix 3.10 and later */
};
struct socketmap_request {
    enum socketmap_map map;
    struct slice key; /* without blanks and control octets; may be empty */
};
/* NULL; or what is wrong with the request, in words for its sender. Names of maps are taken in any letter case. */
const char *socketmap_parse(struct slice content, struct socketmap_request *request_r);

/* Can the key be a next hop? ".example.com" is how Postfix asks for the parents of a name: none. */
bool socketmap_key_is_next_hop(struct slice key);

#endif
