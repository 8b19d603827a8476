/* fuzz_conf: any text as daneway.conf: settings that keep their bounds, or an error with file and
 * expectation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_settings(const struct settings *settings)
{
    must(settings->intake.recipient_limit >= 100);
    must(settings->intake.listen_count > 0);
    must(settings->delivery.port > 0 && settings->resolver.port > 0);
    must(settings->hostname[0] != '\0' &&
         strcmp(settings->hostname, settings->intake.hostname) == 0);
    must(settings->delivery.policy.digests[0] != 0);
    must((settings->intake.certificate[0] == '\0') == (settings->intake.key[0] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char first[] = "hostname = gw.example.org\n"; /* so that the system is not asked */
    char path[64];
    int fd = memfd_create("conf", MFD_CLOEXEC);
    if (fd < 0 || write(fd, first, sizeof(first) - 1) < 0 || write(fd, data, size) < 0)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct settings *settings = NULL;
    struct err err = {""};
    if (conf_read(&settings, path, &err) == 0)
        check_settings(settings);
    else
        must(settings == NULL && strncmp(err.text, path, strlen(path)) == 0 &&
             (strstr(err.text, "expected") != NULL || strstr(err.text, "lists them") != NULL));
    conf_free(&settings);
    close(fd);
    return 0;
}
