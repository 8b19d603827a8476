/* check: is the configuration such that the daemon could start with it?
 * Owns: nothing.
 * For `danewayd -t` and `daneway config check`; looks, and changes nothing.
 * Must never ask the network. */
#ifndef DANEWAY_CHECK_H
#define DANEWAY_CHECK_H

#include "base/err.h"
#include "daneway/settings.h"

/* Both tables; -1: file, line, what is wrong, what was expected. */
int check_tables(const struct settings *settings, struct err *err_r);
/* The tables, certificate and key, and whether the resolver's answers may be trusted (DANE-03,
 * DANE-08). */
int check_all(const struct settings *settings, struct err *err_r);

#endif
