/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SIGHUP: the configuration, certificates and lists are read again while
 * everybody stays connected.  What the new configuration asks for is made
 * beside what is in use; only when all of it could be made does it take
 * effect.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "daemon/audit.h"
#include "daemon/listeners.h"
#include "daemon/parts.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/settings.h"
#include "daemon/systemd.h"

/* Keys of [daemon] that are used once, at start. */
static const char *const start_keys[] = {
  "loops", "workers", "priority-workers", "gateway-workers", "auth-workers",
  "client-workers", "hostname", "audit", "audit-queue", "metrics-file",
  "metrics-interval",
};

static void
report (struct server *server, const char *fmt, ...) VIRGATE_PRINTF (2, 3);

static void
report (struct server *server, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  log_vwrite (&server->log, VIRGATE_LOG_NOTICE, "reload", fmt, args);
  va_end (args);
}

static bool
same (const char *a, const char *b)
{
  return a == b || (a && b && strcmp (a, b) == 0);
}

static struct listener *
find_listener (struct server *server, const char *name)
{
  struct listener *listener = server->listeners;

  while (listener
         && (listener->is_closed || strcmp (listener->name, name) != 0))
    listener = listener->next;
  return listener;
}

/* A section that is new, or whose sockets changed: new sockets beside the old
 * ones.  What stands in the way of that leaves the old ones as they are.
 */
static int
make_listener (struct server *server, const struct config_section *section,
               struct listener **made, struct virgate_error *err)
{
  struct listener *old = find_listener (server, section->name);
  struct listener *listener = listener_new (server, section, err);

  if (listener == NULL)
    return -1;
  if (listener_open (listener, NULL, 0, err) == 0) {
    listener->next = *made;
    *made = listener;
    return 0;
  }
  listener_unref (listener);
  if (old == NULL)
    return -1;
  report (server, "[%s]: restart needed to change the socket: %s",
          section->title, error_message (err));
  error_clear (err);
  return 0;
}

/* Make what each listener needs. */
static int
make_all (struct server *server, struct listener **made,
          struct virgate_error *err)
{
  const struct config_section *section = NULL;

  while ((section = config_each (&server->config, "listen", section))) {
    struct listener *old = find_listener (server, section->name);
    int ret;

    if (old && listener_has_transport (old, section))
      ret = listener_set_policy (old, section, err);
    else
      ret = make_listener (server, section, made, err);
    if (ret == -1)
      return -1;
  }
  return 0;
}

/* Drop what was made. */
static void
unmake_all (struct server *server, struct listener *made)
{
  for (struct listener *listener = server->listeners; listener;
       listener = listener->next)
    listener_commit (listener, false);
  while (made) {
    struct listener *next = made->next;

    listener_close (made);
    listener_unref (made);
    made = next;
  }
}

/* Listeners that are closed stay while they have sessions; their place in
 * the list is given up.
 */
static void
drop_closed (struct server *server)
{
  struct listener **at = &server->listeners;

  while (*at) {
    struct listener *listener = *at;

    if (!listener->is_closed) {
      at = &listener->next;
      continue;
    }
    *at = listener->next;
    listener_unref (listener);
  }
}

static void
replace_listener (struct server *server, struct listener *made)
{
  struct listener *old = find_listener (server, made->name);

  report (server, "[%s]: %s", made->title, old ? "changed" : "added");
  if (old)
    listener_close (old);
  made->next = server->listeners;
  server->listeners = made;
  listener_announce (made);
}

static void
take_all (struct server *server, struct listener *made)
{
  for (struct listener *listener = server->listeners; listener;
       listener = listener->next) {
    listener_commit (listener, true);
    if (config_find (&server->config, "listen", listener->name) == NULL) {
      report (server, "[%s]: removed", listener->title);
      listener_close (listener);
    }
  }
  while (made) {
    struct listener *next = made->next;

    replace_listener (server, made);
    made = next;
  }
  drop_closed (server);
  parts_sweep (server);
}

static void
set_limits (struct server *server)
{
  LOCK_FOR_SCOPE (&server->sources.lock);
  limits_from_config (&server->limits, &server->config);
}

static void
take_limits (struct loop *loop)
{
  LOCK_FOR_SCOPE (&loop->server->sources.lock);
  loop->limits = loop->server->limits;
}

static void
compare_daemon (struct server *server, const struct config *old)
{
  const struct config *now = &server->config;

  for (const struct virgate_option *option = daemon_options; option->key;
       option++) {
    const char *before = daemon_value (old, option->key);
    const char *after = daemon_value (now, option->key);
    bool at_start = false;

    for (size_t i = 0; i < COUNT_OF (start_keys); i++)
      at_start |= strcmp (start_keys[i], option->key) == 0;
    if (!same (before, after))
      report (server, "[daemon] %s: %s, was %s%s", option->key,
              after ? after : "unset", before ? before : "unset",
              at_start ? "; restart needed" : "");
  }
}

static void
reload_instance (struct server *server, struct instance *instance)
{
  CLEANUP_ERROR struct virgate_error err = { 0 };

  if (instance_reload (instance, &err) == -1)
    log_write (&server->log, VIRGATE_LOG_ERROR, "reload", "[%s]: %s; it goes "
               "on as before", instance->title, error_message (&err));
}

/* Files that modules read: certificates, lists. */
static void
reload_instances (struct server *server)
{
  for (struct listener *listener = server->listeners; listener;
       listener = listener->next)
    reload_instance (server, listener->instance);
  for (struct part *part = server->parts; part; part = part->next)
    reload_instance (server, part->instance);
  for (struct driver *driver = server->drivers.all; driver;
       driver = driver->next)
    reload_instance (server, driver->instance);
  server_tell_loops (server, sessions_recheck);
}

int
server_reload_transport (struct server *server, const char *name,
                         struct virgate_error *err)
{
  bool any = false;

  for (struct listener *listener = server->listeners; listener;
       listener = listener->next) {
    if (strcmp (listener->instance->module->desc.name, name) != 0)
      continue;
    any = true;
    if (instance_reload (listener->instance, err) == -1)
      return error_prefix (err, "[%s] ", listener->title);
  }
  if (!any)
    return error_text (err, VIRGATE_ERR_OPERATION_INVALID,
                       VIRGATE_FROM_ADMIN, "no listener has the transport "
                       "%s", name);
  server_tell_loops (server, sessions_recheck);
  return 0;
}

static int
read_again (struct server *server, struct virgate_error *err)
{
  struct listener *made = NULL;
  struct driver_table *drivers = NULL;
  struct config old = server->config;

  config_init (&server->config);
  if (settings_read (&server->config, server->options, server->modules,
                     err) == 0
      && (drivers = drivers_make (server, err))
      && make_all (server, &made, err) == 0
      && parts_check_unused (server, err) == 0) {
    compare_daemon (server, &old);
    drivers_take (server, drivers);
    take_all (server, made);
    set_limits (server);
    server_set_log_level (server);
    server_tell_loops (server, take_limits);
    config_free (&old);
    return 0;
  }
  unmake_all (server, made);
  drivers_put (drivers);
  config_free (&server->config);
  server->config = old;
  parts_sweep (server);
  return -1;
}

void
server_reload (struct server *server)
{
  CLEANUP_ERROR struct virgate_error err = { 0 };

  if (server->is_stopping)
    return;
  systemd_reloading ();
  if (read_again (server, &err) == 0) {
    reload_instances (server);
    if (server->audit)
      audit_reopen (server->audit);
    report (server, "done");
  }
  else
    log_write (&server->log, VIRGATE_LOG_ERROR, "reload", "%s; everything "
               "goes on as before", error_message (&err));
  systemd_ready ();
}
