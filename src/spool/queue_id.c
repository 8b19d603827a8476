/* queue_id: see queue_id.h.
 * Owns: the alphabet (base 32 without i, l, o, u).
 * Must never depend on the locale. */
#include "spool/queue_id.h"

#include <assert.h>
#include <string.h>

enum { DIGITS = 12, BITS = 5 };
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

int64_t message_number(int64_t microseconds, unsigned worker)
{
    assert(microseconds >= 0 && worker < QUEUE_ID_WORKERS);
    return microseconds * QUEUE_ID_WORKERS + worker;
}

int64_t message_microseconds(int64_t message)
{
    return message / QUEUE_ID_WORKERS;
}

int64_t message_number_at(int64_t seconds)
{
    if (seconds <= QUEUE_ID_EPOCH)
        return 0;
    return message_number((seconds - QUEUE_ID_EPOCH) * 1000000, 0);
}

void queue_id_format(int64_t message, char *text_r)
{
    uint64_t rest = (uint64_t)message;
    for (int i = DIGITS - 1; i >= 0; i--) {
        text_r[i] = alphabet[rest & 31];
        rest >>= BITS;
    }
    assert(rest == 0);
    text_r[DIGITS] = '\0';
}

int queue_id_parse(const char *text, int64_t *message_r)
{
    if (strlen(text) != DIGITS)
        return -1;
    uint64_t number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        const char *digit = strchr(alphabet, *at);
        if (digit == NULL)
            return -1;
        number = number << BITS | (uint64_t)(digit - alphabet);
    }
    *message_r = (int64_t)number;
    return 0;
}
