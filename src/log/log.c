/* log: see log.h. A line is built in the caller's struct and leaves in one write(2).
 * Owns: level, format and role of this process, and how many lines are lost that nobody has been told of.
 * Room for the end mark is kept free, so that a cut line is still well-formed.
 * Must never let an octet of a value end the value, the line or the journal's field. */
#include "log/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "log/journal.h"
#include "log/outlet.h"

enum {
    TAIL = 32, /* `" truncated=yes\n` or `","truncated":true}\n` */
    VALUE_LIMIT = 1000,
    NUMBER_LENGTH = 20, /* -9223372036854775808 */
    LINE_LIMIT = (int)sizeof(((struct log_line *)NULL)->text) - TAIL,
};

static struct {
    enum log_level level;
    bool json;
    bool journal; /* standard error is the journal's: it takes "<6>" in front as the priority */
    char role[32];
    atomic_uint lost;
} log_state = {.level = LOG_LEVEL_INFO, .role = "daneway"};

static const struct {
    const char *name;
    int priority; /* syslog's */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

/* JOURNAL_STREAM is inherited also where standard error was redirected: its numbers tell
 * (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
        return false;
    char *end;
    unsigned long long device = strtoull(stream, &end, 10);
    if (*end != ':')
        return false;
    unsigned long long inode = strtoull(end + 1, &end, 10);
    return *end == '\0' && device == status.st_dev && inode == status.st_ino;
}

void log_setup(enum log_level level, bool json, const char *role)
{
    log_state.level = level;
    log_state.json = json;
    log_state.journal = stderr_is_journal();
    snprintf(log_state.role, sizeof(log_state.role), "%s", role);
}

void log_never_wait(void)
{
    outlet_open();
    if (stderr_is_journal())
        journal_open(JOURNAL_SOCKET);
}

bool log_wants(enum log_level level)
{
    return level <= log_state.level;
}

/* Adds all of it or nothing, up to `limit`. */
static bool put(struct log_line *line, const char *text, size_t length, size_t limit)
{
    if (line->used + length > limit)
        return false;
    memcpy(line->text + line->used, text, length);
    line->used += (unsigned)length;
    return true;
}

static bool put_text(struct log_line *line, const char *text, size_t limit)
{
    return put(line, text, strlen(text), limit);
}

/* One character, or one octet that is none; returns how many octets of `rest` it was. */
static size_t escape(struct slice rest, char *text_r, size_t size)
{
    uint32_t code = 0;
    unsigned length = utf8_character(rest, &code);
    unsigned char octet = (unsigned char)rest.ptr[0];
    if (length == 0) {
        snprintf(text_r, size, "%s\\x%02x", log_state.json ? "\\" : "", octet);
        return 1;
    }
    if (code == '"' || code == '\\')
        snprintf(text_r, size, "\\%c", (char)code);
    else if (utf8_is_control(code) && (log_state.json || code > 0xff))
        snprintf(text_r, size, "\\u%04x", code);
    else if (utf8_is_control(code))
        snprintf(text_r, size, "\\x%02x", code);
    else
        snprintf(text_r, size, "%.*s", (int)length, rest.ptr);
    return length;
}

/* How many octets from the first on need no escape; nearly always all of them. */
static size_t plain_length(struct slice value)
{
    size_t length = 0;
    while (length < value.len && value.ptr[length] >= ' ' && value.ptr[length] < 0x7f &&
           value.ptr[length] != '"' && value.ptr[length] != '\\')
        length++;
    return length;
}

static void put_escaped(struct log_line *line, struct slice value)
{
    size_t limit = line->used + VALUE_LIMIT < LINE_LIMIT ? line->used + VALUE_LIMIT : LINE_LIMIT;
    while (value.len > 0) {
        size_t plain = plain_length(value);
        size_t room = limit - line->used;
        put(line, value.ptr, plain < room ? plain : room, limit);
        if (plain > room) {
            line->truncated = true;
            return;
        }
        value = slice_drop(value, plain);
        if (value.len == 0)
            return;
        char text[16];
        size_t taken = escape(value, text, sizeof(text));
        if (!put_text(line, text, limit)) {
            line->truncated = true;
            return;
        }
        value = slice_drop(value, taken);
    }
}

/* Text format: quotes only where a reader would need them. */
static bool is_plain(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return value.len > 0;
}

/* The separator and the key; false if they do not fit with at least a number behind them. */
static bool put_key(struct log_line *line, const char *key)
{
    char text[64];
    int length = log_state.json
                     ? snprintf(text, sizeof(text), "%s\"%s\":", line->used > 1 ? "," : "", key)
                     : snprintf(text, sizeof(text), " %s=", key);
    if (length < 0 || line->used + (size_t)length + NUMBER_LENGTH > LINE_LIMIT) {
        line->truncated = true;
        return false;
    }
    return put(line, text, (size_t)length, LINE_LIMIT);
}

static void put_field(struct log_line *line, const char *key, struct slice value)
{
    if (journal_is_open())
        journal_field(line->fields, &line->fields_used, sizeof(line->fields), key,
                      slice_take(value, VALUE_LIMIT));
}

void log_slice(struct log_line *line, const char *key, struct slice value)
{
    if (!log_wants(line->level))
        return;
    put_field(line, key, value);
    if (!put_key(line, key))
        return;
    bool quoted = log_state.json || !is_plain(value);
    if (quoted)
        put_text(line, "\"", sizeof(line->text));
    put_escaped(line, value);
    if (quoted)
        put_text(line, "\"", sizeof(line->text)); /* TAIL has room for it */
}

void log_text(struct log_line *line, const char *key, const char *value)
{
    if (value != NULL)
        log_slice(line, key, slice_of(value));
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
    char text[NUMBER_LENGTH + 1];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    if (!log_wants(line->level))
        return;
    put_field(line, key, slice_of(text));
    if (put_key(line, key))
        put_text(line, text, LINE_LIMIT);
}

static void put_time(struct log_line *line)
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    char text[80];
    size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + length, sizeof(text) - length, ".%03dZ", (int)(now.tv_nsec / 1000000));
    if (log_state.json) {
        log_text(line, "time", text);
        return;
    }
    put_text(line, "time=", LINE_LIMIT);
    put_text(line, text, LINE_LIMIT);
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    line->level = level;
    line->truncated = false;
    line->used = line->fields_used = 0;
    if (!log_wants(level))
        return;
    if (log_state.json)
        put_text(line, "{", LINE_LIMIT);
    put_time(line);
    log_text(line, "level", levels[level].name);
    log_text(line, "role", log_state.role);
    log_text(line, "event", event);
}

/* As an entry of the journal with fields; false: it is to leave by standard error. */
static bool write_to_journal(const struct log_line *line)
{
    return journal_is_open() &&
           journal_send(levels[line->level].priority,
                        (struct slice){line->text, line->used - 1}, /* without its end */
                        (struct slice){line->fields, line->fields_used});
}

static void write_out(const struct log_line *line)
{
    if (write_to_journal(line))
        return;
    char out[sizeof(line->text) + 4];
    int prefix =
        log_state.journal ? snprintf(out, sizeof(out), "<%d>", levels[line->level].priority) : 0;
    memcpy(out + prefix, line->text, line->used);
    if (!outlet_write(out, line->used + (size_t)prefix)) {
        atomic_fetch_add(&log_state.lost, 1);
        return;
    }
    unsigned lost = atomic_exchange(&log_state.lost, 0);
    if (lost > 0)
        log_event(LOG_LEVEL_ERROR, "log-gap",
                  "%u lines before this one are lost: whoever reads this log did not", lost);
}

void log_end(struct log_line *line)
{
    if (!log_wants(line->level))
        return;
    if (line->truncated)
        put_text(line, log_state.json ? ",\"truncated\":true" : " truncated=yes",
                 sizeof(line->text));
    put_text(line, log_state.json ? "}\n" : "\n", sizeof(line->text));
    write_out(line);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (!log_wants(level))
        return;
    char text[VALUE_LIMIT + 2]; /* one octet more than is written, so that a cut is seen */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct log_line line;
    log_begin(&line, level, event);
    log_text(&line, "text", text);
    log_end(&line);
}
