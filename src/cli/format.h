/* format: numbers, times and colours for people.
 * Owns: nothing; texts go into the caller's buffers.
 * Colours are put out on a terminal only, and never when NO_COLOR is set.
 * Must never be used for output that programs read. */
#ifndef DANEWAY_CLI_FORMAT_H
#define DANEWAY_CLI_FORMAT_H

#include <stdint.h>
#include <stdio.h>

enum { FORMAT_TEXT = 40 };

/* "850 octets", "12.3 MB" */
const char *format_octets(int64_t octets, char text_r[FORMAT_TEXT]);
/* "45 s", "12 min", "3 h 20 min", "4 d 2 h" */
const char *format_duration(int64_t seconds, char text_r[FORMAT_TEXT]);
/* "2026-11-23 18:05:09", local time; "-" for 0 */
const char *format_time(int64_t when, char text_r[FORMAT_TEXT]);

/* Text of strangers: control octets become "?", so that no peer writes on the operator's terminal.
 * NULL: nothing. */
void format_put(FILE *out, const char *text);

enum colour { PLAIN, BOLD, DIM, GREEN, YELLOW, RED };
/* Decides once, from the stream and the environment; tests give their own word. */
void format_use_colours(int yes);
int format_wants_colours(FILE *out);
/* The escape sequence that switches to the colour, or "". */
const char *colour(enum colour colour);

#endif
