/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ending a daemon that nobody has used for a while, when an administrator
 * asked for that.  Administrators themselves do not count as use.
 */
#include "config.h"

#include "daemon/server.h"

/* How often it is looked. */
#define LOOK_MS 500

static void
on_look (uv_timer_t *timer)
{
  struct server *server = timer->data;
  unsigned clients = atomic_load (&server->clients);

  if (clients > atomic_load (&server->admins)) {
    server->idle_since_ns = 0;
    return;
  }
  if (server->idle_since_ns == 0)
    server->idle_since_ns = now_ns ();
  if (now_ns () - server->idle_since_ns < server->idle_timeout_ns)
    return;
  log_write (&server->log, VIRGATE_LOG_NOTICE, "daemon", "nobody has been "
             "here for %lld seconds: ending, as an administrator asked",
             (long long) (server->idle_timeout_ns / NS_PER_S));
  server_stop (server);
}

void
server_set_idle_timeout (struct server *server, uint32_t seconds)
{
  server->idle_timeout_ns = seconds * NS_PER_S;
  server->idle_since_ns = 0;
  if (server->idle.data == NULL) {
    uv_timer_init (&server->loops[0].uv, &server->idle);
    server->idle.data = server;
  }
  if (seconds > 0)
    uv_timer_start (&server->idle, on_look, LOOK_MS, LOOK_MS);
  else
    uv_timer_stop (&server->idle);
}
