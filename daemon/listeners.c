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

/* May nobody but this user reach the socket? */
static bool
is_private (const struct listener *listener,
            const struct config_section *section)
{
  const struct virgate_option *options
    = listener->instance->module->desc.options;
  const char *mode = options ? config_value (section, options, "mode") : NULL;

  return (listener->transport->ops->caps & VIRGATE_CAP_LOCAL) && mode
         && (strtoul (mode, NULL, 8) & 077) == 0;
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
    return config_error (err, section, config_key (section, "transport"),
                         "%s", error_message (err));
  listener->instance = instance_open (module, &server->env, section,
                                      listen_options, NULL, err);
  if (listener->instance == NULL)
    return -1;
  listener->transport = &listener->instance->transport;
  listener->is_local = listener->transport->ops->caps & VIRGATE_CAP_LOCAL;
  if (listener->transport->ops->listen == NULL)
    return config_error (err, section, config_key (section, "transport"),
                         "this transport is for clients only");
  return 0;
}

/* The keys of the section that the transport gets, to tell whether they
 * changed.
 */
static char *
transport_text (const struct config_section *section)
{
  return section_text (section, listen_options, "transport");
}

static int
fill (struct listener *listener, const struct config_section *section,
      struct virgate_error *err)
{
  if (open_transport (listener, section, err) == -1)
    return -1;
  listener->policy = policy_new (listener->server, section,
                                 is_private (listener, section), err);
  return listener->policy ? 0 : -1;
}

bool
listener_has_transport (const struct listener *listener,
                        const struct config_section *section)
{
  CLEANUP_FREE char *text = transport_text (section);

  return text && strcmp (text, listener->text) == 0;
}

int
listener_set_policy (struct listener *listener,
                     const struct config_section *section,
                     struct virgate_error *err)
{
  struct policy *policy = policy_new (listener->server, section,
                                      is_private (listener, section), err);

  if (policy == NULL)
    return -1;
  listener->next_policy = policy;
  return 0;
}

void
listener_commit (struct listener *listener, bool ok)
{
  struct policy *next = steal_pointer (&listener->next_policy);

  if (next == NULL)
    return;
  if (ok)
    policy_retire (atomic_exchange (&listener->policy, next));
  else
    policy_unref (next);
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
  crowd_init (&listener->strangers);
  listener->server = server;
  listener->log = &server->log;
  listener->text = transport_text (section);
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

static void
listener_free (struct listener *listener)
{
  policy_unref (listener->policy);
  free (listener->text);
  host_env_close (listener->server, listener->instance);
  free (listener);
}

static void
deliver_freed (struct mail *mail)
{
  listener_free (container_of (mail, struct listener, freed));
}

void
listener_unref (struct listener *listener)
{
  struct loop *current = loop_current ();

  if (atomic_fetch_sub (&listener->refs, 1) > 1)
    return;
  if (current == NULL || current->index == 0) {
    listener_free (listener);
    return;
  }
  listener->freed.deliver = deliver_freed;
  loop_post (&listener->server->loops[0], &listener->freed);
}
