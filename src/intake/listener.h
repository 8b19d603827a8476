/* listener: what becomes of a connection from the listening sockets: a session, or a word of refusal.
 * Owns: nothing beyond the acceptor.
 * Requirement SMTPS-10.
 * Must never start a session beyond the limits. */
#ifndef DANEWAY_INTAKE_LISTENER_H
#define DANEWAY_INTAKE_LISTENER_H

struct acceptor;
struct intake;
/* The sockets are borrowed; acceptor_free when no more are to be taken. */
struct intake_listeners;
struct acceptor *listener_create(struct intake *intake, const struct intake_listeners *listeners);

#endif
