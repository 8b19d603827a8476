/* listener: takes connections from the listening sockets, within the limits.
 * Owns: the watch on the sockets; the sockets are borrowed, and shared with the other workers.
 * Requirement SMTPS-10.
 * Must never spin: out of descriptors, it rests for a second. */
#ifndef DANEWAY_INTAKE_LISTENER_H
#define DANEWAY_INTAKE_LISTENER_H

#include <stddef.h>

struct intake;
struct listeners;
struct listeners *listeners_create(struct intake *intake, const int *descriptors, size_t count);
void listeners_free(struct listeners **listeners);

#endif
