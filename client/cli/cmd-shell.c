/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Commands that serve the command itself: help, echo, cd, connect, call.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rows.h"

static void
help_group (FILE *out, const struct command_group *group)
{
  fprintf (out, " %s (help keyword '%s'):\n", group->title, group->name);
  for (const struct command *c = group->commands; c->name; c++)
    if (!(c->flags & COMMAND_HIDDEN))
      fprintf (out, "    %-30s %s\n", c->name, c->help);
  putc ('\n', out);
}

/* Write help about name, or about everything.  False: there is no such. */
static bool
help_write (FILE *out, const char *name)
{
  const struct command *def = name ? command_find (name) : NULL;
  bool found = name == NULL;

  if (def) {
    command_help (out, def);
    return true;
  }
  if (name == NULL)
    fputs ("Grouped commands:\n\n", out);
  for (const struct command_group *g = command_groups; g->name; g++)
    if (name == NULL || strcasecmp (g->name, name) == 0) {
      help_group (out, g);
      found = true;
    }
  return found;
}

/* All commands as data, for programs. */
static void
help_table (struct cmd *cmd)
{
  static const struct column columns[] = {
    { "group", "Group" }, { "name", "Name" }, { "help", "Help" }
  };

  result_table (cmd->out, columns, COUNT_OF (columns));
  for (const struct command_group *g = command_groups; g->name; g++)
    for (const struct command *c = g->commands; c->name; c++) {
      if (c->flags & COMMAND_HIDDEN)
        continue;
      put_str (cmd->out, NULL, NULL, g->name);
      put_str (cmd->out, NULL, NULL, c->name);
      put_str (cmd->out, NULL, NULL, c->help);
    }
}

int
run_help (struct cmd *cmd)
{
  const char *name = opt_str (cmd, "command");
  CLEANUP_FREE char *text = NULL;
  size_t len;
  FILE *out;
  bool found;

  if (name == NULL && cmd->app->json) {
    help_table (cmd);
    return 0;
  }
  out = must_memstream (&text, &len);
  found = help_write (out, name);
  fclose (out);
  if (!found)
    return cmd_fail (cmd, STATUS_USAGE, "command or command group '%s' "
                     "doesn't exist", name);
  result_text (cmd->out, "help", text);
  return 0;
}

static void
echo_shell (FILE *out, const char *word)
{
  fputc ('\'', out);
  for (; *word; word++)
    if (*word == '\'')
      fputs ("'\\''", out);
    else
      fputc (*word, out);
  fputc ('\'', out);
}

static void
echo_xml (FILE *out, const char *word)
{
  for (; *word; word++)
    switch (*word) {
    case '<':
      fputs ("&lt;", out);
      break;
    case '>':
      fputs ("&gt;", out);
      break;
    case '&':
      fputs ("&amp;", out);
      break;
    case '\'':
      fputs ("&apos;", out);
      break;
    case '"':
      fputs ("&quot;", out);
      break;
    default:
      fputc (*word, out);
    }
}

/* Does the shell take this word as it is? */
static bool
is_plain (const char *word)
{
  return *word != '\0'
         && strspn (word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789-_.,:/@%+=") == strlen (word);
}

int
run_echo (struct cmd *cmd)
{
  const struct parsed *parsed = cmd->parsed;
  CLEANUP_FREE char *text = NULL;
  size_t len;
  FILE *out = must_memstream (&text, &len);

  for (int i = 0; i < parsed->nargs; i++) {
    const char *word = parsed->args[i];

    fputs (i ? " " : "", out);
    if (opt_bool (cmd, "xml"))
      echo_xml (out, word);
    else if (opt_bool (cmd, "shell") && !is_plain (word))
      echo_shell (out, word);
    else
      fputs (word, out);
  }
  if (!opt_bool (cmd, "err"))
    putc ('\n', out);
  fclose (out);
  if (opt_bool (cmd, "err")) {
    fprintf (stderr, "virgate: %s\n", text);
    cmd->host->is_silent = true;
    return 0;
  }
  result_text (cmd->out, "text", text);
  return 0;
}

int
run_cd (struct cmd *cmd)
{
  const char *dir = opt_str (cmd, "dir");

  if (dir == NULL)
    dir = getenv ("HOME");
  if (dir == NULL || chdir (dir) < 0)
    return cmd_fail (cmd, STATUS_FAILED, "cd: %s: %s", dir ? dir : "HOME",
                     strerror (dir ? errno : ENOENT));
  return 0;
}

int
run_pwd (struct cmd *cmd)
{
  CLEANUP_FREE char *dir = getcwd (NULL, 0);

  if (dir == NULL)
    return cmd_fail (cmd, STATUS_FAILED, "pwd: cannot get current directory: "
                     "%s", strerror (errno));
  result_text (cmd->out, "directory", dir);
  return 0;
}

int
run_quit (struct cmd *cmd)
{
  cmd->app->quit = true;
  cmd->host->is_silent = true;
  return 0;
}

int
run_connect (struct cmd *cmd)
{
  struct app *app = cmd->app;
  char **names;
  int count = virgate_expand_alias (opt_str (cmd, "name"), app->config_file,
                                    &names);

  if (count < 0)
    return cmd_result (cmd, -1, NULL);
  hosts_free (app);
  hosts_take (app, names, count);
  app->read_only = opt_bool (cmd, "readonly");
  for (int i = 0; i < app->hosts.count; i++)
    if (host_connect (app, &app->hosts.host[i]) < 0) {
      struct host *host = &app->hosts.host[i];

      cmd->host->status = host->status;
      cmd->host->failure = steal_pointer (&host->failure);
      cmd->host->error = steal_pointer (&host->error);
      return -1;
    }
  return 0;
}

int
run_call (struct cmd *cmd)
{
  const char *name = opt_str (cmd, "procedure");
  CLEANUP_FREE char *json = NULL;
  struct virgate_procedure proc;

  if (virgate_procedure_find (name, &proc) < 0)
    return cmd_fail (cmd, STATUS_USAGE, "unknown procedure '%s'", name);
  if (virgate_call_json (cmd_conn (cmd), name, opt_str (cmd, "args"),
                         &json) < 0)
    return cmd_result (cmd, -1, NULL);
  result_raw (cmd->out, "result", json, json);
  return 0;
}

static void
complete_put (void *opaque, const char *word)
{
  put_str (opaque, NULL, NULL, word);
}

int
run_complete (struct cmd *cmd)
{
  static const struct column columns[] = { { "word", NULL } };
  const struct parsed *parsed = cmd->parsed;

  result_table (cmd->out, columns, 1);
  complete_words (cmd->app, parsed->nargs, parsed->args, complete_put,
                  cmd->out);
  return 0;
}
