/* dns_answer: making and freeing an answer; shared by dns.c and by whoever stands in for it.
 * Owns: nothing; an answer and all it points to live in its own arena.
 * Must never know where an answer came from. */
#include "resolve/dns.h"

#include "base/slice.h"

struct dns_answer *dns_answer_create(const char *name)
{
    struct arena *arena = arena_create();
    struct dns_answer *answer = arena_alloc(arena, sizeof(*answer));
    char *canonical = arena_strdup(arena, name);
    ascii_lower_text(canonical);
    *answer = (struct dns_answer){.arena = arena, .status = DNS_FAILED, .canonical = canonical};
    return answer;
}

struct dns_answer *dns_answer_failed(const char *name, enum dns_status status, const char *why)
{
    struct dns_answer *answer = dns_answer_create(name);
    answer->status = status;
    answer->why = arena_strdup(answer->arena, why);
    answer->ttl = DNS_TTL_FAILED;
    return answer;
}

void dns_answer_free(struct dns_answer **answer)
{
    if (*answer == NULL)
        return;
    struct arena *arena = (*answer)->arena;
    *answer = NULL;
    arena_free(&arena);
}
