/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What --list-modules and --module-help print.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/mem.h"
#include "core/error.h"
#include "core/modules.h"

static const char *const type_words[] = {
  [VIRGATE_OPTION_STRING] = "text",
  [VIRGATE_OPTION_BOOL] = "yes or no",
  [VIRGATE_OPTION_UINT] = "number",
  [VIRGATE_OPTION_SIZE] = "size",
  [VIRGATE_OPTION_MODE] = "octal mode",
  [VIRGATE_OPTION_PATH] = "absolute path",
  [VIRGATE_OPTION_LIST] = "words",
};

static void
print_module (void *opaque, const char *file, const struct module *module,
              const struct virgate_error *err)
{
  FILE *out = opaque;

  if (module)
    fprintf (out, "%-10s %-12s %-8s %-58s %s\n",
             module_kind_name (module->desc.kind), module->desc.name,
             module->desc.version, module->desc.summary, module->file);
  else
    fprintf (out, "%s: %s\n", file ? file : "?", error_message (err));
}

void
modules_print_list (struct modules *modules, FILE *out)
{
  modules_each (modules, 0, print_module, out);
}

static void
print_option (const struct virgate_option *option, FILE *out)
{
  fprintf (out, "\n  %s = %s", option->key, type_words[option->type]);
  if (option->min || option->max)
    fprintf (out, " from %" PRIu64 " to %" PRIu64, option->min, option->max);
  if (option->unit)
    fprintf (out, ", in %s", option->unit);
  if (option->flags & VIRGATE_OPTION_REQUIRED)
    fprintf (out, " (required)");
  if (option->def)
    fprintf (out, " (default: %s)", option->def);
  fprintf (out, "\n      %s\n", option->help);
}

void
module_print_help (const struct module *module, FILE *out)
{
  const struct virgate_option *option = module->desc.options;

  fprintf (out, "%s-%s %s: %s\n%s\n", module_kind_name (module->desc.kind),
           module->desc.name, module->desc.version, module->desc.summary,
           module->file);
  if (option == NULL || option->key == NULL)
    fprintf (out, "\n  This module takes no keys.\n");
  for (; option && option->key; option++)
    print_option (option, out);
}
