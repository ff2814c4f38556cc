/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the daemon offers modules besides log and errors: timers on the main
 * thread, and watches on files.
 */
#ifndef VIRGATE_DAEMON_HOST_ENV_H
#define VIRGATE_DAEMON_HOST_ENV_H

struct server;

/* Fill in server->env. */
void host_env_init (struct server *server);
/* Forget timers and watches. */
void host_env_end (struct server *server);

#endif /* VIRGATE_DAEMON_HOST_ENV_H */
