/* Command lines: any octets; what is taken can be written by the client's half without harm.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(struct slice value)
{
    char *text = value.ptr != NULL ? x_strndup(value.ptr, value.len) : NULL;
    assert(text == NULL || strlen(text) == value.len);
    return text;
}

/* One line, however much was asked for. */
static void must_be_a_line(struct buffer *out)
{
    assert(memchr(out->ptr, '\r', out->len) == out->ptr + out->len - 2);
    assert(memchr(out->ptr, '\n', out->len) == out->ptr + out->len - 1);
    buffer_release(out);
}

static void write_rcpt(const struct path *path, unsigned notify, struct slice orcpt)
{
    static const struct capabilities capabilities = {.dsn = true, .smtputf8 = true};
    struct buffer out;
    CLEANUP(text_free) char *address = text_of(path->address);
    CLEANUP(text_free) char *original = text_of(orcpt);
    const struct recipient recipient = {.address = address, .notify = notify, .orcpt = original};
    buffer_init(&out, 4096);
    assert(command_format_rcpt(&out, &recipient, &capabilities) == 0);
    assert(orcpt.ptr == NULL || memmem(out.ptr, out.len, orcpt.ptr, orcpt.len) != NULL);
    must_be_a_line(&out);
}

static void write_mail(const struct mail_argument *mail)
{
    static const struct capabilities capabilities = {
        .size = true, .eightbitmime = true, .dsn = true, .requiretls = true};
    struct buffer out;
    CLEANUP(text_free) char *sender = text_of(mail->path.address);
    CLEANUP(text_free) char *envid = text_of(mail->envid);
    const struct envelope envelope = {
        .sender = sender, .body = mail->body, .ret = mail->ret, .envid = envid};
    buffer_init(&out, 4096);
    assert(command_format_mail(&out, &envelope, &capabilities) == 0);
    assert(envid == NULL || memmem(out.ptr, out.len, envid, strlen(envid)) != NULL);
    must_be_a_line(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct command command = command_parse((struct slice){(const char *)data, size});
    struct mail_argument mail;
    struct rcpt_argument rcpt;
    for (int lenient = 0; lenient < 2; lenient++) {
        if (command.verb == VERB_MAIL &&
            mail_argument_parse(command.argument, lenient, &mail) == ARGUMENT_OK)
            write_mail(&mail);
        if (command.verb == VERB_RCPT &&
            rcpt_argument_parse(command.argument, lenient, lenient, &rcpt) == ARGUMENT_OK)
            write_rcpt(&rcpt.path, rcpt.notify, rcpt.orcpt);
    }
    greeting_name_is_valid(command.argument);
    return 0;
}
