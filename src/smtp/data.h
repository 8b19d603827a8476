/* data: the content of a message on the wire: dot-stuffing, and where exactly it ends.
 * Owns: nothing; both directions are small values that keep what a cut between packets needs.
 * RFC 5321 2.3.8, 4.1.1.4, 4.5.2, 6.3; RFC 3030 2; requirements SMTPS-13..16, 19, 23, SMTPC-11, 12, 24.
 * Must never take anything but CRLF . CRLF for the end, and never send CR or LF but as CRLF. */
#ifndef DANEWAY_SMTP_DATA_H
#define DANEWAY_SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Takes a run of the result; it is valid during the call, and never empty. */
typedef void data_fn(void *arg, struct slice run);

/* --- server: from the wire ------------------------------------------------------------------------ */
/* What was seen so far; any of it may be a reason to refuse the message after its true end. */
struct data_facts {
    uint64_t size;     /* octets handed over */
    unsigned received; /* Received fields in the header section */
    bool bare_cr, bare_lf, nul, long_line, has_8bit;
};

struct data_decoder {
    struct data_facts facts;
    /* private */
    int state;
    bool normalize;
    bool chunked; /* no dot means anything */
    bool in_header;
    unsigned line_limit;
    unsigned
        matched; /* octets of "received:" at the start of this line; past its length: decided */
    uint64_t line_length; /* octets of this line so far */
};

/* line_limit: octets of a text line with CRLF. normalize: a bare LF becomes CRLF (facts.bare_lf is still set). */
void data_decoder_init(struct data_decoder *decoder, unsigned line_limit, bool normalize);
/* Content of BDAT instead: any octets, dots as they stand; data_decode finds no end in it. */
void data_decoder_chunked(struct data_decoder *decoder);
/* After the last chunk: a CR that stands last is bare. */
void data_decoder_end(struct data_decoder *decoder);
/* Reads from `input` up to the end of the data at most; *end_r tells whether it was reached. Returns the octets consumed:
 * all of them, unless the end stands before; what follows the end are commands. */
size_t data_decode(struct data_decoder *decoder, struct slice input, data_fn *fn, void *arg,
                   bool *end_r);

/* --- client: to the wire -------------------------------------------------------------------------- */
struct data_encoder {
    /* private */
    bool chunked;    /* for BDAT: dots stay as they are, and nothing marks the end */
    bool in_line;    /* the last octet sent was not the LF of a CRLF */
    bool cr_pending; /* a CR that stood last in a chunk */
};
void data_encoder_init(struct data_encoder *encoder);
/* For BDAT instead of DATA: line ends are CRLF likewise, but no dot is stuffed and no line ends the data (SMTPC-24). */
void data_encoder_chunked(struct data_encoder *encoder);
/* One chunk of content, of any length; runs point into it or are constants: hand them to stream_write. */
void data_encode(struct data_encoder *encoder, struct slice chunk, data_fn *fn, void *arg);
/* After the last chunk: ends an unfinished line, then ".\r\n"; for BDAT only a CR that was held back. */
void data_encode_end(struct data_encoder *encoder, data_fn *fn, void *arg);

#endif
