/* fake_helper: what a test can ask of the helper without a thread.
 * Owns: nothing. */
#ifndef DANEWAY_TESTS_FAKE_HELPER_H
#define DANEWAY_TESTS_FAKE_HELPER_H

#include <stdint.h>

/* From now on a job is answered after so many virtual milliseconds. */
void fake_helper_takes(int64_t ms);
/* How many jobs there were. */
unsigned fake_helper_jobs(void);

#endif
