/* report_file: the directories reports/YYYY-MM-DD/ in the state directory, and the files in them.
 * Owns: nothing. A file is whole or not there: written beside, synced, renamed, the directory synced.
 * Requirement RPT-36. Blocks for as long as the disk takes: not for a thread that serves somebody.
 * Must never follow a link, and never touch what has not the name of a day. */
#ifndef DANEWAY_REPORT_REPORT_FILE_H
#define DANEWAY_REPORT_REPORT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

/* Opens the day's directory, made if it is not there (mode 0750). The caller closes the descriptor. */
int report_directory_open(int *directory_r, const char *state_directory, const char *day,
                          struct err *err_r);
/* Takes the place of a file of that name (mode 0640); `name` without a slash, 255 octets at most. */
int report_file_write(int directory, const char *name, json_t *report, struct err *err_r);
/* What has been written so far stays, even if the machine falls. */
int report_directory_sync(int directory, struct err *err_r);
/* Removes days before `before`, `limit` files at most; *left_r: there are more. */
int report_directory_expire(const char *state_directory, const char *before, size_t limit,
                            bool *left_r, struct err *err_r);

#endif
