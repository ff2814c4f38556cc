/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Metrics in the text format of Prometheus: what loops counted, what modules
 * published, and how things are now; to a file at regular times, for a
 * collector that reads files.
 */
#ifndef VIRGATE_DAEMON_METRICS_H
#define VIRGATE_DAEMON_METRICS_H

#include <stdio.h>

struct instance;
struct server;

/* Before sessions: make the loops count, if somebody wants to know; then
 * begin to write the file.  0 or -1 without memory.  Main thread.
 */
int metrics_begin (struct server *server);
/* Write the file a last time.  Main thread. */
void metrics_end (struct server *server);
void metrics_free (struct server *server);

/* host.h: a module's number; then its instance is closed.  Any thread. */
void metrics_gauge (struct server *server, const struct instance *instance,
                    const char *name, const char *help, double value);
void metrics_forget (struct server *server, const struct instance *instance);
/* Another instance has its title now: forget, and take no more. */
void metrics_retire (struct server *server, struct instance *instance);

#endif /* VIRGATE_DAEMON_METRICS_H */
