/* data: see data.h. The decoder is one small automaton, octet by octet; what stays as it is leaves in long runs.
 * Owns: nothing.
 * RFC 5321 2.3.8, 4.1.1.4, 4.5.2.
 * Must never depend on where packets were cut: the state between two octets is all that it knows. */
#include "smtp/data.h"

#include <string.h>

/* Where the decoder stands. "Line start" is only ever after CRLF. */
enum {
    AT_LINE_START,
    AFTER_DOT,    /* CRLF .     held back */
    AFTER_DOT_CR, /* CRLF . CR  held back */
    IN_LINE,
    AFTER_CR, /* CR handed over */
};

static const char received[] = "received:";
enum { RECEIVED_LENGTH = sizeof(received) - 1, RECEIVED_DECIDED };

void data_decoder_init(struct data_decoder *decoder, unsigned line_limit, bool normalize)
{
    *decoder = (struct data_decoder){.state = AT_LINE_START,
                                     .normalize = normalize,
                                     .in_header = true,
                                     .line_limit = line_limit};
}

void data_decoder_chunked(struct data_decoder *decoder)
{
    decoder->chunked = true;
}

void data_decoder_end(struct data_decoder *decoder)
{
    if (decoder->state == AFTER_CR)
        decoder->facts.bare_cr = true;
}

/* A run of the input that goes out unchanged, not yet handed over. */
struct run {
    const char *start;
    size_t length;
    data_fn *fn;
    void *arg;
};

static void run_flush(struct run *run)
{
    if (run->length > 0)
        run->fn(run->arg, (struct slice){run->start, run->length});
    run->length = 0;
}

/* The octets at `at` belong to the content. */
static void run_extend(struct run *run, const char *at, size_t count)
{
    if (run->length > 0 && run->start + run->length != at)
        run_flush(run);
    if (run->length == 0)
        run->start = at;
    run->length += count;
}

/* The octet at `at` does not stand in the input as it should: a constant goes out instead. */
static void run_constant(struct run *run, struct slice constant)
{
    run_flush(run);
    run->fn(run->arg, constant);
}

/* A line of the content has ended. */
static void line_ended(struct data_decoder *decoder)
{
    if (decoder->line_length == 2)
        decoder->in_header = false;
    decoder->line_length = 0;
    decoder->matched = 0;
}

static void match_received(struct data_decoder *decoder, char c)
{
    if (decoder->matched >= RECEIVED_LENGTH)
        return;
    if (ascii_lower(c) != received[decoder->matched])
        decoder->matched = RECEIVED_DECIDED;
    else if (++decoder->matched == RECEIVED_LENGTH)
        decoder->facts.received++;
}

/* Counts an octet of content and notes what is wrong with it. */
static void note(struct data_decoder *decoder, char c)
{
    decoder->facts.size++;
    if (++decoder->line_length > decoder->line_limit)
        decoder->facts.long_line = true;
    if (c == '\0')
        decoder->facts.nul = true;
    if ((unsigned char)c > 127)
        decoder->facts.has_8bit = true;
    if (decoder->in_header)
        match_received(decoder, c);
}

/* An octet of content; what came before it has been handed over. Returns the new state. */
static int content(struct data_decoder *decoder, struct run *run, const char *at)
{
    char c = *at;
    bool after_cr = decoder->state == AFTER_CR;
    if (after_cr && c != '\n')
        decoder->facts.bare_cr = true;
    if (c == '\n' && !after_cr) {
        decoder->facts.bare_lf = true;
        if (decoder->normalize) {
            note(decoder, '\r');
            note(decoder, '\n');
            run_constant(run, SLICE_LITERAL("\r\n"));
            line_ended(decoder);
            return IN_LINE; /* no line start: a dot that follows was not stuffed, and ends nothing */
        }
    }
    note(decoder, c);
    run_extend(run, at, 1);
    if (c == '\n' && after_cr) {
        line_ended(decoder);
        return AT_LINE_START;
    }
    return c == '\r' ? AFTER_CR : IN_LINE;
}

/* The CR held back with a dot that ends nothing after all. */
static void release_cr(struct data_decoder *decoder, struct run *run, const char *at,
                       const char *begin)
{
    note(decoder, '\r');
    if (at > begin)
        run_extend(run, at - 1, 1);
    else
        run_constant(run, SLICE_LITERAL("\r"));
    decoder->state = AFTER_CR;
}

/* One octet. True: it was the last one of CRLF . CRLF. */
static bool step(struct data_decoder *decoder, struct run *run, const char *at, const char *begin)
{
    if (decoder->state == AT_LINE_START && *at == '.' && !decoder->chunked) {
        decoder->state = AFTER_DOT;
        return false;
    }
    if (decoder->state == AFTER_DOT && *at == '\r') {
        decoder->state = AFTER_DOT_CR;
        return false;
    }
    if (decoder->state == AFTER_DOT_CR) {
        if (*at == '\n')
            return true;
        release_cr(decoder, run, at, begin);
    }
    decoder->state = content(decoder, run, at);
    return false;
}

/* The short way for what most octets are: visible ASCII within a line. Returns how many were taken. */
static size_t take_plain(struct data_decoder *decoder, struct run *run, struct slice rest)
{
    size_t count = 0;
    if (decoder->state != IN_LINE || (decoder->in_header && decoder->matched < RECEIVED_LENGTH))
        return 0;
    while (count < rest.len && rest.ptr[count] >= ' ' && rest.ptr[count] <= '~')
        count++;
    if (count == 0)
        return 0;
    run_extend(run, rest.ptr, count);
    decoder->facts.size += count;
    decoder->line_length += count;
    if (decoder->line_length > decoder->line_limit)
        decoder->facts.long_line = true;
    return count;
}

size_t data_decode(struct data_decoder *decoder, struct slice input, data_fn *fn, void *arg,
                   bool *end_r)
{
    struct run run = {.fn = fn, .arg = arg};
    size_t used = 0;
    *end_r = false;
    while (used < input.len && !*end_r) {
        size_t plain = take_plain(decoder, &run, slice_drop(input, used));
        if (plain == 0)
            *end_r = step(decoder, &run, input.ptr + used, input.ptr);
        used += plain > 0 ? plain : 1;
    }
    run_flush(&run);
    return used;
}

/* --- client ---------------------------------------------------------------------------------------- */
enum { SEARCH_WINDOW = 256 };

void data_encoder_init(struct data_encoder *encoder)
{
    *encoder = (struct data_encoder){0};
}

void data_encoder_chunked(struct data_encoder *encoder)
{
    encoder->chunked = true;
}

static bool is_stuffed(const struct data_encoder *encoder, char first)
{
    return first == '.' && !encoder->in_line && !encoder->chunked;
}

/* Ends the line, whether it was CR, LF or CRLF that did. */
static void encode_line_end(struct data_encoder *encoder, data_fn *fn, void *arg)
{
    fn(arg, SLICE_LITERAL("\r\n"));
    encoder->in_line = false;
    encoder->cr_pending = false;
}

/* Octets without CR and LF. */
static void encode_text(struct data_encoder *encoder, struct slice text, data_fn *fn, void *arg)
{
    if (text.len == 0)
        return;
    if (is_stuffed(encoder, text.ptr[0]))
        fn(arg, SLICE_LITERAL("."));
    fn(arg, text);
    encoder->in_line = true;
}

/* Octets before the first CR or LF. In windows, so that many CRs without an LF cost no more than their number. */
static size_t text_length(struct slice rest)
{
    size_t length = 0;
    while (length < rest.len) {
        struct slice window = slice_take(slice_drop(rest, length), SEARCH_WINDOW);
        const char *lf = memchr(window.ptr, '\n', window.len);
        size_t before_lf = lf != NULL ? (size_t)(lf - window.ptr) : window.len;
        const char *cr = memchr(window.ptr, '\r', before_lf);
        length += cr != NULL ? (size_t)(cr - window.ptr) : before_lf;
        if (cr != NULL || lf != NULL)
            break;
    }
    return length;
}

/* How many octets may leave as they are: whole lines that end in CRLF and do not begin with a dot. */
static size_t clean_length(const struct data_encoder *encoder, struct slice rest)
{
    size_t clean = 0;
    bool in_line = encoder->in_line;
    while (clean < rest.len && (in_line || encoder->chunked || rest.ptr[clean] != '.')) {
        struct slice line = slice_drop(rest, clean);
        size_t length = text_length(line);
        if (line.len - length < 2 || line.ptr[length] != '\r' || line.ptr[length + 1] != '\n')
            break;
        clean += length + 2;
        in_line = false;
    }
    return clean;
}

/* The octets up to the next CR or LF, and that one; returns how many were used. */
static size_t encode_piece(struct data_encoder *encoder, struct slice rest, data_fn *fn, void *arg)
{
    size_t length = text_length(rest);
    encode_text(encoder, slice_take(rest, length), fn, arg);
    if (length == rest.len)
        return length;
    if (rest.ptr[length] == '\r')
        encoder->cr_pending = true;
    else
        encode_line_end(encoder, fn, arg);
    return length + 1;
}

void data_encode(struct data_encoder *encoder, struct slice chunk, data_fn *fn, void *arg)
{
    while (chunk.len > 0) {
        if (encoder->cr_pending) {
            encode_line_end(encoder, fn, arg);
            if (chunk.ptr[0] == '\n')
                chunk = slice_drop(chunk, 1);
        }
        size_t clean = clean_length(encoder, chunk);
        if (clean > 0) {
            fn(arg, slice_take(chunk, clean));
            encoder->in_line = false;
        } else if (chunk.len > 0) {
            clean = encode_piece(encoder, chunk, fn, arg);
        }
        chunk = slice_drop(chunk, clean);
    }
}

void data_encode_end(struct data_encoder *encoder, data_fn *fn, void *arg)
{
    if (encoder->cr_pending || (encoder->in_line && !encoder->chunked))
        encode_line_end(encoder, fn, arg);
    if (!encoder->chunked)
        fn(arg, SLICE_LITERAL(".\r\n"));
}
