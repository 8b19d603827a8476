/* reader: one reading of daneway.conf: libconfuse's tokens, our values, and in which line each
 * option stood.
 * Owns: the line numbers; the settings and their arena are the caller's. libconfuse 3.3 alone
 * miscounts lines behind comments, takes an unclosed section for a whole one and puts environment
 * variables into texts; so the text is looked through first (prepare.c).
 * Must never leave an error without file, line and what was expected. */
#ifndef DANEWAY_CONF_READER_H
#define DANEWAY_CONF_READER_H

#include "conf/option.h"

struct seen_option {
    unsigned line;    /* where the option stood; 0: it has its default */
    unsigned values;  /* of a list, taken so far */
    const char *last; /* the last of them */
};

struct reader {
    const char *path; /* of the file, for errors */
    struct arena *arena;
    struct settings *settings;
    struct seen_option *seen; /* one for each option */
    const char *title;        /* of the section identity that is being read; NULL: none */
    bool failed;
    struct err err; /* the first error */
};

/* prepare.c: checks quotes, braces and octets of `text`, and blanks out comments in place, so that
 * lines stay where they are. */
int prepare(const char *path, char *text, size_t length, struct err *err_r);
/* Reads the prepared text into reader->settings. */
int reader_run(struct reader *reader, const char *text, struct err *err_r);
/* identity.c: sections with a title, each of which is one identity. */
/* A value of the section with that title has come: is it a new one? */
void reader_turn_to_identity(struct reader *reader, const char *title);
/* At the end of the file. */
void reader_end_identity(struct reader *reader);
/* check.c: what no option can know alone; fills in the host name. */
int reader_check(struct reader *reader, struct err *err_r);

#endif
