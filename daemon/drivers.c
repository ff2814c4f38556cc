/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drivers: which there are, in what order they are asked, how long they live,
 * and the way from a procedure to its handler; see drivers.h.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/drivers.h"
#include "daemon/metrics.h"
#include "daemon/parts.h"
#include "daemon/server.h"
#include "daemon/settings.h"

const struct virgate_handler *
driver_handler (const struct driver *driver, uint32_t program,
                int32_t procedure)
{
  for (unsigned i = 0; i < DRIVER_PROGRAMS; i++)
    if (proc_programs[i].number == program)
      return driver->handlers[i] ? driver->handlers[i][procedure] : NULL;
  return NULL;
}

static int
index_handler (struct driver *driver, const struct virgate_handler *handler)
{
  for (unsigned i = 0; i < DRIVER_PROGRAMS; i++) {
    const struct proc_program *program = &proc_programs[i];

    if (program->number != handler->program || handler->procedure <= 0
        || (uint32_t) handler->procedure > program->count)
      continue;
    if (driver->handlers[i] == NULL)
      driver->handlers[i] = calloc (program->count + 1,
                                    sizeof driver->handlers[i][0]);
    if (driver->handlers[i] == NULL)
      return -1;
    driver->handlers[i][handler->procedure] = handler;
  }
  return 0;
}

static int
index_handlers (struct driver *driver, struct virgate_error *err)
{
  const struct virgate_handler *handler = driver->ops->handlers;

  if (driver->ops->open == NULL
      || (handler == NULL && driver->ops->frame == NULL))
    return error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "%s: the driver lacks open, or handlers and frame",
                       driver->instance->module->file);
  if (driver->ops->frame)
    return 0;
  for (; handler->fn; handler++)
    if (index_handler (driver, handler) == -1)
      return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
  return 0;
}

static void
driver_free (struct driver *driver)
{
  if (driver == NULL)
    return;
  for (unsigned i = 0; i < DRIVER_PROGRAMS; i++)
    free (driver->handlers[i]);
  host_env_close (driver->server, driver->instance);
  route_free (&driver->route);
  free (driver->name);
  free (driver->text);
  free (driver);
}

static void
cleanup_driver (struct driver **driver)
{
  driver_free (*driver);
}

static int
read_unknown (struct driver *driver, const struct config_section *section,
              struct virgate_error *err)
{
  const char *value = config_value (section, driver_options,
                                    "unknown-procedures");

  driver->passes_unknown = strcmp (value, "allow") == 0;
  if (driver->passes_unknown || strcmp (value, "refuse") == 0)
    return 0;
  return config_error (err, section,
                       config_key (section, "unknown-procedures"),
                       "'%s' is neither refuse nor allow", value);
}

static void
warn (const struct driver *driver, const struct config_section *section,
      const char *key, const char *what)
{
  CLEANUP_ERROR struct virgate_error note = { 0 };

  config_error (&note, section, config_key (section, key), "%s", what);
  log_write (&driver->server->log, VIRGATE_LOG_WARNING, "config", "%s",
             error_message (&note));
}

static bool
is_listener (const struct config *config, const char *pattern)
{
  const struct config_section *section = NULL;

  while ((section = config_each (config, "listen", section)))
    if (fnmatch (pattern, section->name, 0) == 0)
      return true;
  return false;
}

/* What is no error, but cannot do anything either. */
static void
warn_useless (const struct driver *driver,
              const struct config_section *section)
{
  static const char *const for_gateways[] = { "unknown-procedures",
                                              "migrate-to" };
  char *const *pattern = driver->route.listeners;
  char what[300];

  for (; pattern && *pattern; pattern++)
    if (!is_listener (&driver->server->config, *pattern)) {
      snprintf (what, sizeof what, "'%.80s' is no listener: there is no "
                "section [listen %.80s]", *pattern, *pattern);
      warn (driver, section, "listeners", what);
    }
  for (size_t i = 0; i < COUNT_OF (for_gateways) && !driver->ops->frame; i++)
    if (config_key (section, for_gateways[i]))
      warn (driver, section, for_gateways[i], "means nothing to a driver that "
            "passes no calls on");
}

static int
read_section (struct driver *driver, const struct config_section *section,
              struct virgate_error *err)
{
  driver->name = strdup (section->name);
  driver->text = section_text (section, NULL, NULL);
  if (driver->name == NULL || driver->text == NULL
      || route_read (&driver->route, section) == -1)
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
  return read_unknown (driver, section, err);
}

/* NULL with err set; else with one reference. */
static struct driver *
driver_open (struct server *server, const struct config_section *section,
             struct virgate_error *err)
{
  const char *name = config_value (section, driver_options, "module");
  CLEANUP (cleanup_driver) struct driver *driver = NULL;
  const struct module *module;

  module = modules_load (server->modules, VIRGATE_KIND_DRIVER,
                         name ? name : section->name, err);
  if (module == NULL) {
    config_error (err, section, config_key (section, "module"), "%s",
                  error_message (err));
    return NULL;
  }
  driver = calloc (1, sizeof *driver);
  if (driver == NULL) {
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
    return NULL;
  }
  driver->server = server;
  driver->ops = module->ops;
  atomic_store (&driver->refs, 1);
  job_line_init (&driver->opening);
  if (read_section (driver, section, err) == -1)
    return NULL;
  driver->instance = instance_open (module, &server->env, section,
                                    driver_options, NULL, err);
  if (driver->instance == NULL || index_handlers (driver, err) == -1)
    return NULL;
  warn_useless (driver, section);
  driver->next = server->drivers.all;
  server->drivers.all = driver;
  return steal_pointer (&driver);
}

/* Life --------------------------------------------------------------------- */

void
driver_ref (struct driver *driver)
{
  atomic_fetch_add (&driver->refs, 1);
}

static void
deliver_free (struct mail *mail)
{
  struct driver *driver = container_of (mail, struct driver, mail);
  struct driver **at = &driver->server->drivers.all;

  while (*at != driver)
    at = &(*at)->next;
  *at = driver->next;
  driver_free (driver);
}

void
driver_unref (struct driver *driver)
{
  if (driver == NULL || atomic_fetch_sub (&driver->refs, 1) > 1)
    return;
  driver->mail.deliver = deliver_free;
  loop_post (&driver->server->loops[0], &driver->mail);
}

struct driver_table *
drivers_get (struct server *server)
{
  struct driver_table *table;

  LOCK_FOR_SCOPE (&server->drivers.lock);
  table = server->drivers.table;
  atomic_fetch_add (&table->refs, 1);
  return table;
}

void
drivers_put (struct driver_table *table)
{
  if (table == NULL || atomic_fetch_sub (&table->refs, 1) > 1)
    return;
  for (unsigned i = 0; i < table->count; i++)
    driver_unref (table->driver[i]);
  free (table);
}

/* Tables ------------------------------------------------------------------- */

static struct driver *
find (const struct driver_table *table, const char *name)
{
  for (unsigned i = 0; table && i < table->count; i++)
    if (strcmp (table->driver[i]->name, name) == 0)
      return table->driver[i];
  return NULL;
}

/* The driver that a section has already, or a new one. */
static struct driver *
driver_for (struct server *server, const struct config_section *section,
            struct virgate_error *err)
{
  struct driver *old = find (server->drivers.table, section->name);
  CLEANUP_FREE char *text = section_text (section, NULL, NULL);

  if (old == NULL || text == NULL || strcmp (old->text, text) != 0)
    return driver_open (server, section, err);
  driver_ref (old);
  return old;
}

static struct driver_table *
table_new (const struct config *config, struct virgate_error *err)
{
  const struct config_section *section = NULL;
  struct driver_table *table;
  unsigned count = 0;

  while ((section = config_each (config, "driver", section)))
    count++;
  table = calloc (1, sizeof *table + count * sizeof table->driver[0]);
  if (table)
    atomic_store (&table->refs, 1);
  else
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
  return table;
}

/* As far as it goes: -1 with err set when a section fails. */
static int
fill (struct server *server, struct driver_table *table,
      struct virgate_error *err)
{
  const struct config_section *section = NULL;

  while ((section = config_each (&server->config, "driver", section))) {
    struct driver *driver = driver_for (server, section, err);

    if (driver == NULL)
      return -1;
    table->driver[table->count++] = driver;
    table->has_hosts |= driver->route.hosts != NULL;
  }
  return 0;
}

struct driver_table *
drivers_make (struct server *server, struct virgate_error *err)
{
  struct driver_table *table = table_new (&server->config, err);

  if (table && fill (server, table, err) == 0)
    return table;
  drivers_put (table);
  return NULL;
}

int
drivers_open (struct server *server, struct virgate_error *err)
{
  pthread_mutex_init (&server->drivers.lock, NULL);
  server->drivers.table = table_new (&server->config, err);
  return server->drivers.table
         && fill (server, server->drivers.table, err) == 0 ? 0 : -1;
}

void
drivers_close (struct server *server)
{
  free (server->drivers.table);
  while (server->drivers.all) {
    struct driver *next = server->drivers.all->next;

    driver_free (server->drivers.all);
    server->drivers.all = next;
  }
}

static void
report (struct server *server, const struct driver *driver, const char *what)
{
  log_write (&server->log, VIRGATE_LOG_NOTICE, "reload", "[%s]: %s",
             driver->instance->title, what);
}

/* Who has lost its place goes on for those whom it serves, unseen. */
static void
report_changes (struct server *server, const struct driver_table *old,
                const struct driver_table *table)
{
  for (unsigned i = 0; i < table->count; i++) {
    const struct driver *before = find (old, table->driver[i]->name);

    if (before != table->driver[i])
      report (server, table->driver[i], before ? "changed" : "added");
  }
  for (unsigned i = 0; i < old->count; i++) {
    const struct driver *now = find (table, old->driver[i]->name);

    if (now == NULL)
      report (server, old->driver[i], "removed");
    if (now != old->driver[i])
      metrics_retire (server, old->driver[i]->instance);
  }
}

void
drivers_take (struct server *server, struct driver_table *table)
{
  struct driver_table *old = server->drivers.table;

  report_changes (server, old, table);
  pthread_mutex_lock (&server->drivers.lock);
  server->drivers.table = table;
  pthread_mutex_unlock (&server->drivers.lock);
  drivers_put (old);
}
