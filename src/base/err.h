/* err: why a system call or a library failed, in words for the operator.
 * Owns: nothing; a struct err is a value on the caller's stack.
 * Functions that can fail so return 0 or -1 and take `struct err *err_r` last.
 * Must never be used for what the world said: that is an outcome with a reason.
 */
#ifndef DANEWAY_BASE_ERR_H
#define DANEWAY_BASE_ERR_H

struct err {
    char text[512];
};

/* Sets the text and returns -1, so that `return err_set(err_r, ...)` is the idiom. */
int err_set(struct err *err_r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with ": strerror(errno)" behind it. */
int err_system(struct err *err_r, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
