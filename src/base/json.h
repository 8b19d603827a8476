/* json: what this project adds to jansson.
 * Owns: nothing.
 * For CLEANUP; jansson has the same as an attribute of its own, under a name that depends on its version.
 * Must never hold anything but what needs jansson alone.
 */
#ifndef DANEWAY_BASE_JSON_H
#define DANEWAY_BASE_JSON_H

#include <jansson.h>

static inline void json_free(json_t **json)
{
    json_decref(*json);
}

#endif
