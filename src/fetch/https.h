/* https: one HTTPS exchange with one of the given addresses: GET, or POST of a body.
 * Owns: the handles of libcurl, the answer while it grows; a multi handle of its own for each exchange, so that nothing
 * is shared between strangers. No thread.
 * RFC 9110; what it is for decides which answer is good: resolve/ for MTA-STS policies, submit/ for TLS reports.
 * Must never follow a redirect, use a proxy, look up a name, or connect to an address that was not given. */
#ifndef DANEWAY_FETCH_HTTPS_H
#define DANEWAY_FETCH_HTTPS_H

#include <stdbool.h>

#include "base/address.h"
#include "base/alloc.h"
#include "base/slice.h"
#include "daneway/peer.h"
#include "loop/loop.h"

struct https_request {
    const char *url;   /* "https://host[:url_port]/..." */
    const char *host;  /* that of the URL; SNI, and the name that the certificate must carry */
    uint16_t url_port; /* that of the URL */
    uint16_t port;     /* that is connected to */
    const struct address *addresses;
    size_t address_count;
    const char *ca_file;  /* "": the system's */
    bool any_certificate; /* go on whatever the certificate is; the caller judges the chain */
    const char *type;     /* of the body that is sent; NULL: GET */
    struct slice body;    /* borrowed until the end */
    unsigned
        wanted_status; /* the body of any other answer is broken off at once; 0: it is read and dropped */
    size_t body_limit; /* octets of the answer */
    size_t header_limit;
    int64_t timeout_ms;
};

struct https_result {
    bool complete; /* the whole answer is there */
    unsigned
        status; /* of the answer; 0: none came. It may be there although the answer is not complete */
    struct slice body;    /* of a complete answer with the status wanted */
    const char *type;     /* Content-Type; NULL: none */
    const char *location; /* where a redirect leads; NULL: none */
    bool untrusted;       /* given up because of the certificate */
    bool body_too_large, header_too_large;
    const char *text;                /* why it is not complete, in libcurl's words */
    const struct certificate *chain; /* as it was shown, also when it was not trusted */
    size_t chain_count;
    struct arena *arena; /* of all of it */
};
/* `result` is valid during the callback. */
typedef void https_fn(void *arg, const struct https_result *result);

struct https; /* gone when its callback comes */
/* All but `body` is copied. Never calls back from inside. */
struct https *https_start(struct loop *loop, const struct https_request *request, https_fn *fn,
                          void *arg);
/* The callback will not come. Not from inside it. */
void https_cancel(struct https **https);

#endif
