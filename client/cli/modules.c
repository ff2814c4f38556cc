/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * --list-modules and --module-help, by the same code as the daemon's.
 */
#include "config.h"

#include <string.h>

#include "core/error.h"
#include "core/modules.h"

#include "cli.h"

static void
cleanup_modules (struct modules **modules)
{
  modules_free (*modules);
}

static struct modules *
modules_here (struct app *app)
{
  struct modules *modules = modules_new (app->module_dir, MODULES_PROBE,
                                         NULL);

  if (modules == NULL)
    output_error (app, "out of memory", NULL);
  return modules;
}

/* One module as a row of --json. */
static void
modules_row (void *opaque, const char *file, const struct module *module,
             const struct virgate_error *err)
{
  struct result *out = opaque;

  put_str (out, NULL, NULL, module ? module_kind_name (module->desc.kind)
                                   : NULL);
  put_str (out, NULL, NULL, module ? module->desc.name : NULL);
  put_str (out, NULL, NULL, module ? module->desc.version : NULL);
  put_str (out, NULL, NULL, module ? module->desc.summary : err->message);
  put_str (out, NULL, NULL, file);
}

enum status
modules_list (struct app *app)
{
  static const struct column columns[] = {
    { "kind" }, { "name" }, { "version" }, { "summary" }, { "file" }
  };
  CLEANUP (cleanup_modules) struct modules *modules = modules_here (app);
  struct host host = { .status = STATUS_OK };
  struct hosts hosts = { &host, 1 };

  if (modules == NULL)
    return STATUS_FAILED;
  if (!app->json) {
    modules_print_list (modules, stdout);
    return STATUS_OK;
  }
  result_table (&host.result, columns, COUNT_OF (columns));
  modules_each (modules, 0, modules_row, &host.result);
  json_results (&hosts, stdout);
  result_free (&host.result);
  return STATUS_OK;
}

enum status
modules_help (struct app *app, const char *name)
{
  CLEANUP (cleanup_modules) struct modules *modules = modules_here (app);
  struct virgate_error err = { 0 };
  const struct module *module;

  if (modules == NULL)
    return STATUS_FAILED;
  module = modules_load_file (modules, name, &err);
  if (module == NULL) {
    output_error (app, err.message, &err);
    error_clear (&err);
    return STATUS_FAILED;
  }
  module_print_help (module, stdout);
  return STATUS_OK;
}
