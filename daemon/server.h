/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgated as a whole.  Made by the main thread before loops start; what
 * changes afterwards is marked.
 */
#ifndef VIRGATE_DAEMON_SERVER_H
#define VIRGATE_DAEMON_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <virgate/driver.h>

#include "core/conffile.h"
#include "core/instance.h"
#include "core/log.h"
#include "core/modules.h"
#include "daemon/drivers.h"
#include "daemon/gauges.h"
#include "daemon/host-env.h"
#include "daemon/loop.h"
#include "daemon/sources.h"
#include "daemon/workers.h"

struct audit;
struct part;
struct listener;

/* Something that happens to newcomers; logged now and then. */
struct complaint {
  const char *what;
  unsigned count;               /* since the last line */
  int64_t at;                   /* of that */
};

struct server {
  const struct options *options; /* of the command line */
  struct log log;
  struct config config;         /* main thread */
  struct modules *modules;
  struct host_env env;
  struct host_env onward_env;   /* for what is a client: links */
  struct host_state host;
  struct limits limits;         /* main thread's, who writes it under
                                   sources.lock: whoever else holds that may
                                   read it; loops have copies */
  struct loop *loops;
  unsigned loop_count;
  struct workers workers, priority;
  struct workers openers;       /* gateways' connections onward */
  struct workers shakers;       /* handshakes: one thread to a processor */
  struct workers checkers[2];   /* authentication that blocks: of remote
                                   clients, of local ones */
  struct drivers drivers;
  struct sources sources;
  struct gauges gauges;
  struct audit *audit;          /* NULL: there is no trail */
  struct listener *listeners;   /* main thread */
  struct part *parts;           /* main thread */
  char *hostname;
  uv_signal_t signals[3];
  uv_check_t check;             /* the rest: main thread, accept.c */
  uv_timer_t retry;
  uv_timer_t drain;
  uv_timer_t metrics;           /* data is NULL when there are none */
  char *metrics_path;
  bool metrics_failed;          /* the file could not be written */
  int64_t started;              /* seconds since the epoch */
  uv_timer_t idle;              /* data is NULL before the first use */
  int64_t idle_timeout_ns, idle_since_ns;
  uint64_t last_client;         /* number of a session */
  int reserve_fd;               /* for when there is no other */
  bool has_arrivals;
  struct complaint refused, made_room;
  atomic_bool is_stopping;
  _Atomic unsigned clients;     /* connections that exist */
  _Atomic unsigned admins;      /* of these, administrators' */
  _Atomic unsigned strangers;   /* of these, not yet open */
};

/* Count sessions and strangers, of a loop and in all. */
void server_count (struct loop *loop, int clients, int strangers);

/* Open what the config describes, short of loops and sockets. */
int server_prepare (struct server *server, struct virgate_error *err);
/* Start everything that the config describes; announce the listeners.  0, or
 * -1 with err set.
 */
int server_start (struct server *server, struct virgate_error *err);
/* Serve until somebody calls server_stop, then end all sessions, loops and
 * workers.
 */
void server_run (struct server *server);
/* Accept no more, finish the calls in flight, return from server_run.  Main
 * thread.
 */
void server_stop (struct server *server);
void server_free (struct server *server);
/* What --verbose and log-level say. */
void server_set_log_level (struct server *server);
/* Read the configuration again.  Main thread. */
void server_reload (struct server *server);
/* Have the listeners of one transport read their files again.  0, or -1 with
 * err set: there is none, or one goes on as before.  Main thread.
 */
int server_reload_transport (struct server *server, const char *name,
                             struct virgate_error *err);
/* End when nobody was connected for so long; 0: never.  Main thread. */
void server_set_idle_timeout (struct server *server, uint32_t seconds);

/* Run fn with each loop, on its thread.  Any thread. */
void server_tell_loops (struct server *server, void (*fn) (struct loop *loop));

/* Set up the table of driver.h. */
extern const struct virgate_driver_services driver_services;

#endif /* VIRGATE_DAEMON_SERVER_H */
