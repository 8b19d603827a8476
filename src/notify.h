/* notify: tells the service manager how the daemon is, by sd_notify(3)'s protocol.
 * Owns: nothing; each word is one datagram to $NOTIFY_SOCKET. Without that variable nothing is sent.
 * Must never wait for the service manager. */
#ifndef DANEWAY_NOTIFY_H
#define DANEWAY_NOTIFY_H

/* Lines as in sd_notify(3): "READY=1\nSTATUS=..." */
void notify(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "RELOADING=1" with the time that systemd 253 and later want beside it. */
void notify_reloading(const char *status);
/* Seconds between two "WATCHDOG=1"; 0: nobody waits for them. Half of what $WATCHDOG_USEC allows. */
unsigned notify_watchdog_interval(void);

#endif
