/* mbox: the messages of an mbox file (RFC 4155), one after the other.
 * Owns: nothing; messages are slices of the text.
 * Must never take a "From " within a paragraph for the beginning of a message. */
#ifndef DANEWAY_REPORT_MBOX_H
#define DANEWAY_REPORT_MBOX_H

#include "base/slice.h"

/* The next message, without its "From " line; *text is then what follows. false: there is no more. */
bool mbox_next(struct slice *text, struct slice *message_r);

#endif
