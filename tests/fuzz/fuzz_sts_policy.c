/* fuzz_sts_policy: any octets as an MTA-STS policy file; what is taken can be used.
 * Owns: nothing.
 * Must never crash, read past the text, or take a policy that allows every host. */
#include <assert.h>
#include <string.h>

#include "daneway/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct sts_policy policy;
    const char *why;
    int rc = sts_policy_parse(arena, (struct slice){(const char *)data, size}, &policy, &why);
    assert((rc == 0) == (why == NULL));
    if (rc == 0) {
        assert(policy.max_age <= 31557600 && policy.line_count >= 3);
        assert(policy.mode == STS_MODE_NONE || policy.mx_count > 0);
        for (size_t i = 0; i < policy.mx_count; i++) {
            assert(policy.mx[i][0] != '\0' && strcmp(policy.mx[i], "*.") != 0);
            bool wildcard = policy.mx[i][0] == '*';
            assert(sts_mx_match(slice_of(policy.mx[i]), slice_of(policy.mx[i])) == !wildcard);
        }
    }
    arena_free(&arena);
    return 0;
}
