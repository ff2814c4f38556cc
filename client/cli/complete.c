/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What could come next: commands, options, domains and networks, all by the
 * table.  Serves the shell's Tab key and bash.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "rows.h"

#define COMPLETE_LIMIT_MS 2000  /* waiting for a server */

/* Who wants the words, and how they must begin. */
struct wanted {
  struct app *app;
  const char *start;
  void (*fn) (void *opaque, const char *word);
  void *opaque;
};

static void
offer (const struct wanted *wanted, const char *word)
{
  if (strncmp (word, wanted->start, strlen (wanted->start)) == 0)
    wanted->fn (wanted->opaque, word);
}

/* A connection that is there or can be had quickly; NULL: none. */
static struct virgate_conn *
complete_conn (struct app *app)
{
  struct host *host = app->hosts.host;
  int32_t before = app->timeout_ms;
  int rc;

  if (app->hosts.count == 0)
    return NULL;
  app->timeout_ms = COMPLETE_LIMIT_MS;
  app->asks_nothing = true;
  rc = host_connect (app, host);
  app->timeout_ms = before;
  app->asks_nothing = false;
  host_forget (host);
  if (rc < 0)
    return NULL;
  virgate_set_call_timeout (host->conn, COMPLETE_LIMIT_MS);
  return host->conn;
}

static void
offer_domains (const struct wanted *wanted)
{
  struct virgate_remote_connect_list_all_domains_args args = { 1, 0 };
  struct virgate_remote_connect_list_all_domains_ret *ret = NULL;
  struct virgate_conn *conn = complete_conn (wanted->app);

  if (conn == NULL
      || virgate_remote_connect_list_all_domains (conn, &args, &ret) < 0)
    return;
  for (uint32_t i = 0; i < ret->domains.len; i++)
    offer (wanted, ret->domains.val[i].name);
  virgate_free (ret);
}

static void
offer_networks (const struct wanted *wanted)
{
  struct virgate_remote_connect_list_all_networks_args args = { 1, 0 };
  struct virgate_remote_connect_list_all_networks_ret *ret = NULL;
  struct virgate_conn *conn = complete_conn (wanted->app);

  if (conn == NULL
      || virgate_remote_connect_list_all_networks (conn, &args, &ret) < 0)
    return;
  for (uint32_t i = 0; i < ret->nets.len; i++)
    offer (wanted, ret->nets.val[i].name);
  virgate_free (ret);
}

static void
offer_commands (const struct wanted *wanted)
{
  for (const struct command_group *g = command_groups; g->name; g++)
    for (const struct command *c = g->commands; c->name; c++)
      if (!(c->flags & COMMAND_HIDDEN))
        offer (wanted, c->name);
}

static void
offer_procedures (const struct wanted *wanted)
{
  struct virgate_procedure proc;

  for (uint32_t n = 0; virgate_procedure_at (n, &proc) == 0; n++)
    if (!proc.is_event) {
      CLEANUP_FREE char *full = must_format ("%s.%s", proc.program_name,
                                             proc.name);

      offer (wanted, proc.program == VIRGATE_REMOTE_PROGRAM ? proc.name
                                                            : full);
    }
}

static void
offer_events (const struct wanted *wanted)
{
  for (const struct event_kind *kind = domain_events; kind->name; kind++)
    offer (wanted, kind->name);
}

static void
offer_values (const struct wanted *wanted, const struct cli_option *option)
{
  static void (*const offers[]) (const struct wanted *) = {
    [COMPLETE_DOMAIN] = offer_domains, [COMPLETE_NETWORK] = offer_networks,
    [COMPLETE_COMMAND] = offer_commands,
    [COMPLETE_PROCEDURE] = offer_procedures, [COMPLETE_EVENT] = offer_events
  };

  if (option && option->completes < COUNT_OF (offers)
      && offers[option->completes])
    offers[option->completes] (wanted);
}

static void
offer_options (const struct wanted *wanted, const struct command *def,
               int count, char **words)
{
  for (const struct cli_option *o = def->options; o && o->name; o++) {
    CLEANUP_FREE char *word = must_format ("--%s", o->name);
    bool is_given = false;

    for (int i = 1; i < count - 1; i++)
      is_given = is_given || strcmp (words[i], word) == 0;
    if (!is_given)
      offer (wanted, word);
  }
}

/* The option whose value the last word is; NULL: none. */
static const struct cli_option *
option_at_end (const struct command *def, int count, char **words)
{
  const struct cli_option *named;
  int position = 0;

  for (int i = 1; i < count - 1; i++) {
    named = strncmp (words[i], "--", 2) == 0 ? option_find (def, words[i] + 2)
                                             : NULL;
    if (named && named->type != OPT_BOOL) {
      if (i == count - 2)
        return named;
      i++;
    } else if (named == NULL)
      position++;
  }
  named = option_at (def, position);
  while (named == NULL && --position >= 0) {
    named = option_at (def, position);
    if (named && named->type != OPT_ARGS)
      return NULL;
  }
  return named;
}

void
complete_words (struct app *app, int count, char **words,
                void (*fn) (void *opaque, const char *word), void *opaque)
{
  struct wanted wanted = { app, count > 0 ? words[count - 1] : "", fn, opaque };
  const struct command *def;

  if (count <= 1) {
    offer_commands (&wanted);
    return;
  }
  def = command_find (words[0]);
  if (def == NULL)
    return;
  if (wanted.start[0] == '-')
    offer_options (&wanted, def, count, words);
  else
    offer_values (&wanted, option_at_end (def, count, words));
}
