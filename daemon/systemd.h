/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the service manager is told and gives us.  One of systemd.c and
 * systemd-none.c is built.
 */
#ifndef VIRGATE_DAEMON_SYSTEMD_H
#define VIRGATE_DAEMON_SYSTEMD_H

void systemd_ready (void);
void systemd_reloading (void);
void systemd_stopping (void);

/* A line for the journal.  0, or -1 with errno. */
int systemd_journal (const char *line);

/* Sockets handed over under this name.  Returns how many, at most max. */
unsigned systemd_sockets (const char *name, int *fds, unsigned max);

/* Call fn for each socket that was handed over, with its name. */
void systemd_each_name (void (*fn) (const char *name, void *opaque),
                        void *opaque);

#endif /* VIRGATE_DAEMON_SYSTEMD_H */
