/* multi: a libcurl multi handle on our loop.
 * Owns: the multi handle, the descriptors that it watches, its timer.
 * libcurl says which descriptors and which time it waits for, the loop tells it when they come. Internal to https.c.
 * Must never call back from inside libcurl. */
#ifndef DANEWAY_FETCH_MULTI_H
#define DANEWAY_FETCH_MULTI_H

#include <curl/curl.h>

#include "loop/loop.h"

struct multi;
/* The transfer has ended; the handle is still in the multi. From the loop, after libcurl has returned; `multi` must not
 * be freed from here. */
typedef void multi_done_fn(void *arg, CURLcode code);
/* One transfer; begins with the next turn of the loop. `easy` is borrowed. */
struct multi *multi_start(struct loop *loop, CURL *easy, multi_done_fn *fn, void *arg);
void multi_free(struct multi **multi);

#endif
