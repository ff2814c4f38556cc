/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgated from its configuration to its end; see server.h.
 */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/logrules.h"
#include "daemon/accept.h"
#include "daemon/audit.h"
#include "daemon/host-env.h"
#include "daemon/listeners.h"
#include "daemon/metrics.h"
#include "daemon/parts.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/settings.h"
#include "daemon/systemd.h"

/* Calls in flight get so long when the daemon ends. */
#define DRAIN_MS 1700
/* And so long to come back once their sessions were closed. */
#define ABANDON_MS 150

void
server_count (struct loop *loop, int clients, int strangers)
{
  struct server *server = loop->server;

  atomic_fetch_add (&server->clients, (unsigned) clients);
  atomic_fetch_add (&loop->session_count, (unsigned) clients);
  atomic_fetch_add (&server->strangers, (unsigned) strangers);
  atomic_fetch_add (&loop->stranger_count, (unsigned) strangers);
}

struct order {
  struct mail mail;
  struct loop *loop;
  void (*fn) (struct loop *loop);
};

static void
deliver_order (struct mail *mail)
{
  struct order *order = container_of (mail, struct order, mail);

  order->fn (order->loop);
  free (order);
}

static void
server_tell_loop (struct loop *loop, void (*fn) (struct loop *loop))
{
  struct order *order = malloc (sizeof *order);

  if (order == NULL)
    abort ();
  order->mail.deliver = deliver_order;
  order->loop = loop;
  order->fn = fn;
  loop_post (loop, &order->mail);
}

void
server_tell_loops (struct server *server, void (*fn) (struct loop *loop))
{
  for (unsigned i = 0; i < server->loop_count; i++)
    server_tell_loop (&server->loops[i], fn);
}

/* As many descriptors as we may have. */
static void
raise_descriptor_limit (const struct server *server)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == -1)
    return;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_max < server->limits.max_clients)
    log_write (&server->log, VIRGATE_LOG_WARNING, "daemon", "%llu "
               "descriptors are fewer than max-clients = %llu",
               (unsigned long long) limit.rlim_max,
               (unsigned long long) server->limits.max_clients);
}

static unsigned
count_loops (const struct config *config)
{
  unsigned loops = daemon_number (config, "loops");

  return loops > 0 ? loops
                   : MAX_OF (sysconf (_SC_NPROCESSORS_ONLN) - 1, 1L);
}

static int
start_loops (struct server *server, struct virgate_error *err)
{
  unsigned count = count_loops (&server->config);

  mallopt (M_ARENA_MAX, count + 1);
  server->loops = calloc (count, sizeof server->loops[0]);
  if (server->loops == NULL)
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
  for (; server->loop_count < count; server->loop_count++) {
    struct loop *loop = &server->loops[server->loop_count];

    if (loop_init (loop, server, server->loop_count) == -1)
      return error_text (err, VIRGATE_ERR_SYSTEM_ERROR, VIRGATE_FROM_NONE,
                         "cannot make an event loop: %s", strerror (errno));
    loop->limits = server->limits;
  }
  for (unsigned i = 1; i < count; i++)
    if (loop_start (&server->loops[i]) == -1)
      return error_text (err, VIRGATE_ERR_SYSTEM_ERROR, VIRGATE_FROM_NONE,
                         "cannot start a thread: %s", strerror (errno));
  return 0;
}

static int
make_listeners (struct server *server, struct virgate_error *err)
{
  const struct config_section *section = NULL;
  struct listener **last = &server->listeners;

  while ((section = config_each (&server->config, "listen", section))) {
    *last = listener_new (server, section, err);
    if (*last == NULL)
      return -1;
    last = &(*last)->next;
  }
  return 0;
}

static int
open_listeners (struct server *server, struct virgate_error *err)
{
  for (struct listener *listener = server->listeners; listener;
       listener = listener->next) {
    int fds[LISTENER_SOCKETS_MAX];
    unsigned count = systemd_sockets (listener->name, fds,
                                      LISTENER_SOCKETS_MAX);

    if (listener_open (listener, fds, count, err) == -1)
      return -1;
  }
  return 0;
}

static char *
own_hostname (const struct config *config)
{
  const char *given = daemon_value (config, "hostname");
  char name[256] = "localhost";

  if (given)
    return strdup (given);
  gethostname (name, sizeof name - 1);
  return strdup (name);
}

void
server_set_log_level (struct server *server)
{
  log_rules_set_level (&server->log, server->options->is_verbose
                       ? VIRGATE_LOG_DEBUG
                       : log_level_from_name (daemon_value (&server->config,
                                                            "log-level")));
}

/* A source stands in line once for all its strangers.  Arithmetic is shared
 * by taking turns; of what may wait for others, nobody gets all.
 */
static void
init_stranger_workers (struct server *server)
{
  unsigned processors = MAX_OF (sysconf (_SC_NPROCESSORS_ONLN), 1L);
  unsigned checkers = daemon_number (&server->config, "auth-workers");

  workers_init (&server->shakers, processors, processors);
  for (size_t i = 0; i < COUNT_OF (server->checkers); i++)
    workers_init (&server->checkers[i], checkers,
                  MAX_OF (checkers / 4 * 3, 1u));
}

int
server_prepare (struct server *server, struct virgate_error *err)
{
  server_set_log_level (server);
  limits_from_config (&server->limits, &server->config);
  server->hostname = own_hostname (&server->config);
  host_env_init (server);
  if (sources_init (&server->sources) == -1)
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
  workers_init (&server->workers, daemon_number (&server->config, "workers"),
                daemon_number (&server->config, "client-workers"));
  workers_init (&server->priority,
                daemon_number (&server->config, "priority-workers"),
                daemon_number (&server->config, "client-workers"));
  workers_init (&server->openers,
                daemon_number (&server->config, "gateway-workers"), 0);
  init_stranger_workers (server);
  if (drivers_open (server, err) == -1
      || make_listeners (server, err) == -1
      || parts_check_unused (server, err) == -1)
    return -1;
  parts_sweep (server);
  return 0;
}

/* The audit trail and the metrics. */
static int
start_records (struct server *server, struct virgate_error *err)
{
  const char *audit = daemon_value (&server->config, "audit");

  if (strcmp (audit, "none") != 0) {
    server->audit = audit_open (audit, daemon_number (&server->config,
                                                      "audit-queue"),
                                &server->log, err);
    if (server->audit == NULL)
      return -1;
  }
  if (metrics_begin (server) == 0)
    return 0;
  return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
}

/* Who connects to it waits in vain. */
static void
warn_of_unserved (const char *name, void *opaque)
{
  const struct server *server = opaque;

  if (config_find (&server->config, "listen", name) == NULL)
    log_write (&server->log, VIRGATE_LOG_WARNING, "daemon", "nobody serves "
               "the socket '%s' that was handed over: there is no [listen "
               "%s]", name, name);
}

int
server_start (struct server *server, struct virgate_error *err)
{
  raise_descriptor_limit (server);
  if (start_loops (server, err) == -1 || start_records (server, err) == -1
      || accept_init (server) != 0
      || open_listeners (server, err) == -1)
    return -1;
  for (struct listener *listener = server->listeners; listener;
       listener = listener->next)
    listener_announce (listener);
  systemd_each_name (warn_of_unserved, server);
  host_env_start (server);
  systemd_ready ();
  return 0;
}

/* A driver that hangs cannot be ended, only left behind. */
static void
on_abandoned (uv_timer_t *timer)
{
  const struct server *server = timer->data;

  log_write (&server->log, VIRGATE_LOG_WARNING, "daemon",
             "exiting while driver calls are still running");
  _exit (0);
}

static void
on_drain_over (uv_timer_t *timer)
{
  server_tell_loops (timer->data, loop_abandon);
  uv_timer_start (timer, on_abandoned, ABANDON_MS, 0);
}

/* Once is enough: a second SIGTERM must not kill a daemon about to exit 0. */
static void
block_signals (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
}

void
server_stop (struct server *server)
{
  if (server->is_stopping)
    return;
  server->is_stopping = true;
  block_signals ();
  systemd_stopping ();
  for (struct listener *listener = server->listeners; listener;
       listener = listener->next)
    listener_close (listener);
  uv_timer_stop (&server->retry);
  if (server->idle.data)
    uv_timer_stop (&server->idle);
  metrics_end (server);
  host_env_stop (server);
  host_env_hurry (server);
  uv_timer_init (&server->loops[0].uv, &server->drain);
  server->drain.data = server;
  uv_timer_start (&server->drain, on_drain_over, DRAIN_MS, 0);
  server_tell_loops (server, loop_stop);
}

void
server_run (struct server *server)
{
  uv_run (&server->loops[0].uv, UV_RUN_DEFAULT);
  for (unsigned i = 1; i < server->loop_count; i++)
    loop_join (&server->loops[i]);
}

/* Loops that run although the daemon did not come up. */
static void
end_loops (struct server *server)
{
  for (unsigned i = 1; i < server->loop_count; i++)
    if (server->loops[i].is_running) {
      server_tell_loop (&server->loops[i], loop_stop);
      loop_join (&server->loops[i]);
    }
}

static void
close_listeners (struct server *server)
{
  while (server->listeners) {
    struct listener *next = server->listeners->next;

    listener_close (server->listeners);
    listener_unref (server->listeners);
    server->listeners = next;
  }
}

void
server_free (struct server *server)
{
  host_env_hurry (server);
  workers_stop (&server->workers);
  workers_stop (&server->priority);
  workers_stop (&server->openers);
  workers_stop (&server->shakers);
  for (size_t i = 0; i < COUNT_OF (server->checkers); i++)
    workers_stop (&server->checkers[i]);
  host_env_stop (server);
  close_listeners (server);
  end_loops (server);
  for (unsigned i = 0; i < server->loop_count; i++)
    loop_free (&server->loops[i]);
  accept_end (server);
  drivers_close (server);
  while (server->parts) {
    struct part *next = server->parts->next;

    part_unref (server->parts);
    server->parts = next;
  }
  host_env_free (server);
  metrics_free (server);
  audit_close (server->audit);
  sources_free (&server->sources);
  free (server->loops);
  free (server->hostname);
}
