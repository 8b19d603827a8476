/* err: see err.h.
 * Owns: nothing.
 * Must never change errno before it is read.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err_r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err_r->text, sizeof(err_r->text), format, arguments);
    va_end(arguments);
    return -1;
}

int err_system(struct err *err_r, const char *format, ...)
{
    int number = errno;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(err_r->text, sizeof(err_r->text), format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof(err_r->text))
        snprintf(err_r->text + length, sizeof(err_r->text) - (size_t)length, ": %s",
                 strerror(number));
    return -1;
}
