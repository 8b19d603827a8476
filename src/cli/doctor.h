/* doctor: findings on the health of a gateway, for the files of `daneway doctor` alone.
 * Owns: the findings, which live in an arena.
 * A check says what it found and, unless all is well, what to do.
 * Must never change anything, and never print a secret. */
#ifndef DANEWAY_CLI_DOCTOR_H
#define DANEWAY_CLI_DOCTOR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/alloc.h"
#include "daneway/settings.h"

enum health {
    HEALTH_GOOD,
    HEALTH_UNKNOWN, /* could not be looked into: says why */
    HEALTH_WARNING, /* works now, and should be mended */
    HEALTH_BAD,     /* does not work */
};

struct finding {
    enum health health;
    const char *check;        /* "resolver" */
    const char *text, *to_do; /* to_do NULL: nothing */
};

struct doctor {
    struct arena *arena;
    const struct settings *settings;
    const char *probed;  /* --to; NULL: nobody is connected to */
    json_t *status;      /* of the running daemon; NULL: it does not answer */
    const char *silence; /* why it does not */
    int64_t now;         /* seconds since 1970 */
    struct finding *findings;
    size_t count, size;
};

/* `text` is made by arena_printf or a literal. */
void doctor_find(struct doctor *doctor, enum health health, const char *check, const char *text,
                 const char *to_do);
/* 0, or 1 if anything is bad or warned of. */
int doctor_print(FILE *out, const struct doctor *doctor);
/* [{"check","health": "good" | "unknown" | "warning" | "bad","text","to_do"}] */
json_t *doctor_json(const struct doctor *doctor);

/* --- doctor_machine.c: what is true of this machine --- */
void doctor_check_clock(struct doctor *doctor);
void doctor_check_disk(struct doctor *doctor);
void doctor_check_secrets(struct doctor *doctor);
/* Of the running daemon: version, its descriptors, its sandbox, what its workers say. */
void doctor_check_daemon(struct doctor *doctor);

/* --- doctor_setup.c: what the configuration names --- */
void doctor_check_configuration(struct doctor *doctor);
void doctor_check_tables(struct doctor *doctor);
void doctor_check_certificates(struct doctor *doctor);
void doctor_check_roots(struct doctor *doctor);
void doctor_check_reports(struct doctor *doctor);

/* --- doctor_network.c: what has to be asked for --- */
void doctor_check_resolver(struct doctor *doctor);
void doctor_check_hostname(struct doctor *doctor);
void doctor_check_port(struct doctor *doctor);

#endif
