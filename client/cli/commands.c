/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of all commands, in groups, and the help made from it.
 */
#include "config.h"

#include <string.h>

#include "rows.h"

const struct command_group command_groups[] = {
  { "domain", "Domain Management", domain_commands },
  { "monitor", "Domain Monitoring", monitor_commands },
  { "events", "Domain Events", event_commands },
  { "host", "Host and Hypervisor", host_commands },
  { "network", "Networking", network_commands },
  { "virgate", "Virgate itself", shell_commands },
  { NULL }
};

const struct command *
command_find (const char *name)
{
  for (const struct command_group *g = command_groups; g->name; g++)
    for (const struct command *c = g->commands; c->name; c++)
      if (strcmp (c->name, name) == 0)
        return c;
  return NULL;
}

static void
option_usage (FILE *out, const struct cli_option *o)
{
  const char *kind = o->type == OPT_STRING ? "string" : "number";
  bool is_required = o->flags & OPT_REQUIRED;

  if (o->type == OPT_BOOL)
    fprintf (out, " [--%s]", o->name);
  else if (o->type == OPT_ARGS)
    fprintf (out, is_required ? " <%s>..." : " [<%s>]...", o->name);
  else if (is_required)
    fprintf (out, " <%s>", o->name);
  else
    fprintf (out, " [--%s <%s>]", o->name, kind);
}

void
command_usage (FILE *out, const struct command *def)
{
  fputs (def->name, out);
  for (const struct cli_option *o = def->options; o && o->name; o++)
    option_usage (out, o);
}

/* The option as it is written in the list below the usage line. */
static void
option_spelling (char *text, size_t size, const struct cli_option *o)
{
  const char *kind = o->type == OPT_STRING ? " <string>"
                     : o->type == OPT_BOOL ? "" : " <number>";

  if (o->type == OPT_ARGS)
    snprintf (text, size, "<%s>...", o->name);
  else if (o->flags & OPT_REQUIRED)
    snprintf (text, size, "[--%s]%s", o->name, kind);
  else
    snprintf (text, size, "--%s%s", o->name, kind);
}

void
command_help (FILE *out, const struct command *def)
{
  char spelling[64];

  fprintf (out, "  NAME\n    %s - %s\n\n  SYNOPSIS\n    ", def->name,
           def->help);
  command_usage (out, def);
  putc ('\n', out);
  if (def->options)
    fputs ("\n  OPTIONS\n", out);
  for (const struct cli_option *o = def->options; o && o->name; o++) {
    option_spelling (spelling, sizeof spelling, o);
    fprintf (out, "    %-24s  %s\n", spelling, o->help);
  }
}
