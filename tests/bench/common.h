/* common: what the programs of the benchmark share beside the wire.
 * Owns: the clock that all of them read, and the end of a program that cannot go on.
 * The clock is CLOCK_MONOTONIC: the same in all namespaces of one machine, so that the time of a 250 in
 * one process and of a receipt in another can be subtracted.
 * Must never be linked into the gateway. */
#ifndef DANEWAY_TESTS_BENCH_COMMON_H
#define DANEWAY_TESTS_BENCH_COMMON_H

#include <stdint.h>

/* Says on standard error what is wrong, and ends the program with 1. */
__attribute__((noreturn)) void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with ": strerror(errno)" behind it. */
__attribute__((noreturn)) void die_errno(const char *what);

/* Microseconds of the monotonic clock. */
uint64_t now_us(void);

/* The number that an option was given, or the end of the program. */
uint64_t option_number(const char *option, const char *text, uint64_t max);

/* Allows this process as many descriptors as the system lets it have. */
void allow_many_descriptors(void);

#endif
