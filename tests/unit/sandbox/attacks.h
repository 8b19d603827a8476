/* attacks: what somebody would try who has taken a role over; and what the role itself needs.
 * Owns: nothing. Each function returns 0 when it was done, or -1 with errno.
 * Must never do harm where it succeeds. */
#ifndef TESTS_UNIT_SANDBOX_ATTACKS_H
#define TESTS_UNIT_SANDBOX_ATTACKS_H

#include <stddef.h>

typedef int attack_fn(void);
struct attack {
    const char *name;
    attack_fn *fn;
};

/* The directory that the tests made: state/, tables/, keys/, daneway.conf. */
extern const char *attack_top;

extern const struct attack attacks_of_all[], attacks_of_workers[], attacks_of_control[];
extern const struct attack work_of_all[], work_of_workers[]; /* each list ends with NULL */

#endif
