/* gunzip: unpacks gzip data (RFC 1952), several members in a row as well.
 * Owns: nothing; what is unpacked goes to the caller's buffer, whose limit holds.
 * Must never unpack more than the buffer takes: that is a bomb. */
#ifndef DANEWAY_REPORT_GUNZIP_H
#define DANEWAY_REPORT_GUNZIP_H

#include "base/slice.h"

enum gunzip {
    GUNZIP_WHOLE,
    GUNZIP_WITH_MORE, /* whole, but something else follows */
    GUNZIP_WRONG_SUM, /* whole, but the check sum is another */
    GUNZIP_CUT,       /* ends in the middle; the buffer has what came before, here and below */
    GUNZIP_DAMAGED,
    GUNZIP_TOO_LARGE,
};

enum gunzip gunzip(struct slice octets, struct buffer *content);

#endif
