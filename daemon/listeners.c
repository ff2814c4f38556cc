/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making listeners of their sections, opening and closing them; accepting is
 * in accept.c.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "daemon/accept.h"
#include "daemon/listeners.h"
#include "daemon/parts.h"
#include "daemon/server.h"
#include "daemon/settings.h"

static int
complain (struct virgate_error *err, const struct config_section *section,
          const char *key, const char *text)
{
  return config_error (err, section, config_key (section, key), "%s", text);
}

static int
keep_part (struct listener *listener, struct part *part,
           struct virgate_error *err)
{
  struct part **parts = realloc (listener->parts, (listener->part_count + 1)
                                                  * sizeof *parts);

  if (parts == NULL) {
    part_unref (part);
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
  }
  listener->parts = parts;
  parts[listener->part_count++] = part;
  return 0;
}

/* "x509+password": methods that must all say yes. */
static int
add_chain (struct listener *listener, const struct config_section *section,
           char *words, struct virgate_error *err)
{
  struct auth_chain *chain = &listener->auth.chains[listener->auth.count];
  unsigned talkers = 0;
  char *save = NULL;

  if (listener->auth.count == AUTH_CHAINS_MAX)
    return complain (err, section, "auth", "too many alternatives");
  for (char *word = strtok_r (words, "+", &save); word;
       word = strtok_r (NULL, "+", &save)) {
    struct part *part = part_get (listener->server, "auth", word, section,
                                  err);

    if (part == NULL || keep_part (listener, part, err) == -1)
      return -1;
    if (chain->count == AUTH_CHAIN_MAX)
      return complain (err, section, "auth", "too many methods in a chain");
    chain->methods[chain->count] = (struct auth_method) {
      part->name, part->instance->inst, part->instance->module->ops,
    };
    talkers += chain->methods[chain->count].ops->start != NULL;
    chain->count++;
  }
  if (chain->count == 0)
    return complain (err, section, "auth", "a chain without methods");
  if (talkers > 1)
    return complain (err, section, "auth", "a chain can hold one "
                     "conversation only, and two of its methods need one");
  listener->auth.count++;
  return 0;
}

static int
add_acl (struct listener *listener, const struct config_section *section,
         char *name, struct virgate_error *err)
{
  struct part *part = part_get (listener->server, "acl", name, section, err);

  if (part == NULL || keep_part (listener, part, err) == -1)
    return -1;
  if (listener->acl_count == LISTENER_ACLS_MAX)
    return complain (err, section, "acl", "too many lists");
  listener->acls[listener->acl_count++] = (struct access_list) {
    part->name, part->instance->inst, part->instance->module->ops,
  };
  return 0;
}

/* Do something with each word of a list key, in all places it was given. */
static int
each_word (struct listener *listener, const struct config_section *section,
           const char *name,
           int (*fn) (struct listener *listener,
                      const struct config_section *section, char *word,
                      struct virgate_error *err),
           struct virgate_error *err)
{
  for (const struct config_key *key = section->keys; key; key = key->next) {
    CLEANUP_FREE char *copy = strdup (key->value);
    char *save = NULL;

    if (strcmp (key->key, name) != 0)
      continue;
    if (copy == NULL)
      return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
    for (char *word = strtok_r (copy, " \t\n,", &save); word;
         word = strtok_r (NULL, " \t\n,", &save))
      if (fn (listener, section, word, err) == -1)
        return -1;
  }
  return 0;
}

static int
add_auth (struct listener *listener, const struct config_section *section,
          struct virgate_error *err)
{
  const char *auth = config_value (section, listen_options, "auth");

  if (strcmp (auth, "none") == 0)
    return 0;
  if (each_word (listener, section, "auth", add_chain, err) == -1)
    return -1;
  return listener->auth.count > 0
         ? 0 : complain (err, section, "auth", "names no method");
}

/* May nobody but this user reach the socket? */
static bool
is_private (const struct listener *listener,
            const struct config_section *section)
{
  const struct virgate_option *options = listener->instance->module->desc.options;
  const char *mode = options ? config_value (section, options, "mode") : NULL;

  return (listener->transport->ops->caps & VIRGATE_CAP_LOCAL) && mode
         && (strtoul (mode, NULL, 8) & 077) == 0;
}

static int
check_exposure (const struct listener *listener,
                const struct config_section *section,
                struct virgate_error *err)
{
  if (listener->auth.count > 0
      || config_bool (section, listen_options, "allow-anonymous")
      || is_private (listener, section))
    return 0;
  return complain (err, section, "auth", "others than this user could reach "
                   "this socket, and with auth = none use it: name a method, "
                   "give a unix socket mode 0600, or say allow-anonymous = "
                   "yes");
}

static int
open_transport (struct listener *listener,
                const struct config_section *section,
                struct virgate_error *err)
{
  struct server *server = listener->server;
  const char *name = config_value (section, listen_options, "transport");
  const struct module *module =
    modules_load (server->modules, VIRGATE_KIND_TRANSPORT,
                  name ? name : section->name, err);

  if (module == NULL)
    return complain (err, section, "transport", error_message (err));
  listener->instance = instance_open (module, &server->env, section,
                                      listen_options, NULL, err);
  if (listener->instance == NULL)
    return -1;
  listener->transport = &listener->instance->transport;
  listener->is_local = listener->transport->ops->caps & VIRGATE_CAP_LOCAL;
  if (listener->transport->ops->listen == NULL)
    return complain (err, section, "transport", "this transport is for "
                     "clients only");
  return 0;
}

static int
fill (struct listener *listener, const struct config_section *section,
      struct virgate_error *err)
{
  if (open_transport (listener, section, err) == -1
      || add_auth (listener, section, err) == -1
      || each_word (listener, section, "acl", add_acl, err) == -1)
    return -1;
  listener->is_read_only = config_bool (section, listen_options, "read-only");
  return check_exposure (listener, section, err);
}

struct listener *
listener_new (struct server *server, const struct config_section *section,
              struct virgate_error *err)
{
  struct listener *listener = calloc (1, sizeof *listener);

  if (listener == NULL) {
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
    return NULL;
  }
  atomic_store (&listener->refs, 1);
  listener->server = server;
  listener->log = &server->log;
  listener->text = section_text (section);
  snprintf (listener->title, sizeof listener->title, "%s", section->title);
  listener->name = strchr (listener->title, ' ') + 1;
  if (listener->text && fill (listener, section, err) == 0)
    return listener;
  listener_unref (listener);
  return NULL;
}

int
listener_open (struct listener *listener, const int *adopted, uint32_t count,
               struct virgate_error *err)
{
  const struct virgate_transport *transport = listener->transport;
  struct virgate_listening at[LISTENER_SOCKETS_MAX];
  int opened;

  host_error_forget ();
  opened = transport->ops->listen (transport->inst, adopted, count, at,
                                   LISTENER_SOCKETS_MAX);
  if (opened == -1) {
    host_error_take (listener->instance, err);
    return error_prefix (err, "[%s] ", listener->title);
  }
  for (int i = 0; i < opened; i++) {
    struct acceptor *acceptor = &listener->acceptors[i];

    acceptor->listener = listener;
    acceptor->at = at[i];
    acceptor->poll.data = acceptor;
  }
  listener->acceptor_count = opened;
  return 0;
}

void
listener_announce (struct listener *listener)
{
  const char *transport = listener->instance->module->desc.name;

  for (unsigned i = 0; i < listener->acceptor_count; i++) {
    acceptor_start (&listener->acceptors[i]);
    printf ("ready listen %s %s %s\n", listener->name, transport,
            listener->acceptors[i].at.where);
  }
  fflush (stdout);
}

static void
on_poll_closed (uv_handle_t *handle)
{
  struct acceptor *acceptor = handle->data;

  listener_unref (acceptor->listener);
}

void
listener_close (struct listener *listener)
{
  const struct virgate_transport *transport = listener->transport;

  if (listener->is_closed)
    return;
  listener->is_closed = true;
  for (unsigned i = 0; i < listener->acceptor_count; i++) {
    struct acceptor *acceptor = &listener->acceptors[i];

    if (acceptor->is_polled) {
      listener_ref (listener);
      uv_close ((uv_handle_t *) &acceptor->poll, on_poll_closed);
    }
    if (transport->ops->unlisten)
      transport->ops->unlisten (transport->inst, &acceptor->at);
    close (acceptor->at.fd);
  }
}

void
listener_ref (struct listener *listener)
{
  atomic_fetch_add (&listener->refs, 1);
}

void
listener_unref (struct listener *listener)
{
  if (atomic_fetch_sub (&listener->refs, 1) > 1)
    return;
  for (unsigned i = 0; i < listener->part_count; i++)
    part_unref (listener->parts[i]);
  free (listener->parts);
  free (listener->text);
  instance_close (listener->instance);
  free (listener);
}
