/* pem: reads a certificate chain from a PEM file into the form that policy/ takes.
 * Owns: nothing; the caller owns the chain.
 * For the command's offline checks.
 * Must never verify anything. */
#ifndef DANEWAY_TLS_PEM_H
#define DANEWAY_TLS_PEM_H

#include <stddef.h>

#include "base/err.h"
#include "daneway/peer.h"

/* In file order. -1: unreadable, or no certificate in it. */
int tls_read_chain(const char *path, struct certificate **chain_r, size_t *count_r,
                   struct err *err_r);
void tls_chain_free(struct certificate **chain, size_t count);

#endif
