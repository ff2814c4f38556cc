/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drivers: which there are, in what order they are asked, and the way from a
 * procedure to its handler.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
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

static int
driver_open (struct server *server, const struct config_section *section,
             struct virgate_error *err)
{
  const char *name = config_value (section, driver_options, "module");
  CLEANUP (cleanup_driver) struct driver *driver = NULL;
  struct driver **last = &server->drivers;
  const struct module *module;

  module = modules_load (server->modules, VIRGATE_KIND_DRIVER,
                         name ? name : section->name, err);
  if (module == NULL)
    return config_error (err, section, config_key (section, "module"), "%s",
                         error_message (err));
  driver = calloc (1, sizeof *driver);
  if (driver == NULL || route_read (&driver->route, section) == -1)
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
  driver->server = server;
  driver->ops = module->ops;
  if (read_unknown (driver, section, err) == -1)
    return -1;
  server->has_hosts |= driver->route.hosts != NULL;
  driver->instance = instance_open (module, &server->env, section,
                                    driver_options, NULL, err);
  if (driver->instance == NULL || index_handlers (driver, err) == -1)
    return -1;
  while (*last)
    last = &(*last)->next;
  *last = steal_pointer (&driver);
  return 0;
}

int
drivers_open (struct server *server, struct virgate_error *err)
{
  const struct config_section *section = NULL;

  while ((section = config_each (&server->config, "driver", section)))
    if (driver_open (server, section, err) == -1)
      return -1;
  return 0;
}

void
drivers_close (struct server *server)
{
  while (server->drivers) {
    struct driver *next = server->drivers->next;

    driver_free (server->drivers);
    server->drivers = next;
  }
}
