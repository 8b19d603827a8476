/* der: see der.h. One function takes one element off the front; the rest names what is expected.
 * Owns: nothing.
 * Lengths are definite and minimal, as DER demands.
 * Must never read past the input. */
#include "policy/der.h"

#include <stdint.h>

enum {
    BIT_STRING = 0x03,
    INTEGER = 0x02,
    OBJECT_IDENTIFIER = 0x06,
    SEQUENCE = 0x30,
    CONTEXT_0 = 0xa0
};

/* The length field behind the tag; its own size in *used_r. 0 or -1. */
static int take_length(struct octets in, size_t *used_r, size_t *length_r)
{
    if (in.length < 2)
        return -1;
    unsigned first = in.ptr[1];
    *used_r = 1;
    *length_r = first;
    if (first < 0x80)
        return 0;
    unsigned count = first & 0x7f;
    if (count == 0 || count > 4 || in.length < 2 + (size_t)count || in.ptr[2] == 0)
        return -1;
    uint32_t length = 0;
    for (unsigned i = 0; i < count; i++)
        length = length << 8 | in.ptr[2 + i];
    *used_r = 1 + (size_t)count;
    *length_r = length;
    return length < 0x80 ? -1 : 0;
}

/* Takes one element with this tag: with its header in *whole_r, without in *content_r (both may be NULL). */
static int take(struct octets *in, unsigned tag, struct octets *whole_r, struct octets *content_r)
{
    size_t used, length;
    if (in->length == 0 || in->ptr[0] != tag || take_length(*in, &used, &length) != 0)
        return -1;
    size_t header = 1 + used;
    if (length > in->length - header)
        return -1;
    if (whole_r != NULL)
        *whole_r = (struct octets){in->ptr, header + length};
    if (content_r != NULL)
        *content_r = (struct octets){in->ptr + header, length};
    in->ptr += header + length;
    in->length -= header + length;
    return 0;
}

/* The input is exactly one sequence. */
static int open_sequence(struct octets in, struct octets *content_r)
{
    return take(&in, SEQUENCE, NULL, content_r) != 0 || in.length > 0 ? -1 : 0;
}

bool der_is_public_key(struct octets der)
{
    struct octets key, algorithm;
    return open_sequence(der, &key) == 0 && take(&key, SEQUENCE, NULL, &algorithm) == 0 &&
           take(&algorithm, OBJECT_IDENTIFIER, NULL, NULL) == 0 &&
           take(&key, BIT_STRING, NULL, NULL) == 0 && key.length == 0;
}

int der_certificate_parse(struct octets der, struct der_certificate *certificate_r)
{
    struct octets outer, inner;
    struct der_certificate found;
    if (open_sequence(der, &outer) != 0 ||
        take(&outer, SEQUENCE, &found.signed_part, &inner) != 0 ||
        take(&outer, SEQUENCE, NULL, NULL) != 0 || take(&outer, BIT_STRING, NULL, NULL) != 0 ||
        outer.length > 0)
        return -1;
    if (inner.length > 0 && inner.ptr[0] == CONTEXT_0 && /* the version */
        take(&inner, CONTEXT_0, NULL, NULL) != 0)
        return -1;
    if (take(&inner, INTEGER, NULL, NULL) != 0)
        return -1;
    for (int i = 0; i < 4; i++) /* signature, issuer, validity, subject */
        if (take(&inner, SEQUENCE, NULL, NULL) != 0)
            return -1;
    if (take(&inner, SEQUENCE, &found.public_key, NULL) != 0 ||
        !der_is_public_key(found.public_key))
        return -1;
    *certificate_r = found;
    return 0;
}
