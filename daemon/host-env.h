/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the daemon offers modules besides log and errors: timers on the main
 * thread, and watches on files.
 */
#ifndef VIRGATE_DAEMON_HOST_ENV_H
#define VIRGATE_DAEMON_HOST_ENV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"

struct instance;
struct server;

/* Part of struct server. */
struct host_state {
  pthread_mutex_t lock;         /* guards timers, last_id, is_running */
  struct list timers;
  uint64_t last_id;
  bool is_running;              /* loop 0 exists */
  struct list watches;          /* main thread */
  int stop_fd;                  /* readable once the daemon ends */
};

/* Fill in server->env. */
void host_env_init (struct server *server);
/* Loop 0 exists: what was asked for so far begins. */
void host_env_start (struct server *server);
/* Have modules that wait give up: the daemon ends. */
void host_env_hurry (struct server *server);
/* Stop the loop's part of timers and watches; free what is left. */
void host_env_stop (struct server *server);
void host_env_free (struct server *server);

/* Close an instance and forget what it watches.  NULL is fine. */
void host_env_close (struct server *server, struct instance *instance);

#endif /* VIRGATE_DAEMON_HOST_ENV_H */
