/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Event registrations and their delivery.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/event.h"

enum watch_kind {
  WATCH_DOMAIN,
  WATCH_NETWORK,
};

/* One registration. */
struct watch {
  struct list link;             /* in the connection's watches */
  enum watch_kind kind;
  int id;                       /* callback id, the world's count */
  int event;
  bool legacy;                  /* asked for without ids: answered likewise */
  bool filtered;                /* for one object only */
  uint8_t uuid[16];
};

static bool
watch_is_twin (const struct watch *watch, enum watch_kind kind, int event,
               const uint8_t *uuid)
{
  return watch->kind == kind && watch->event == event
         && watch->filtered == (uuid != NULL)
         && (!uuid || memcmp (watch->uuid, uuid, sizeof watch->uuid) == 0);
}

/* Register; -1 after the refusal. */
static int
watch_add (const struct ctx *c, enum watch_kind kind, int event, bool legacy,
           const uint8_t *uuid, int *id_r)
{
  struct watch *watch;

  LOCK_FOR_SCOPE (&c->world->lock);
  list_for_each (link, &c->conn->watches) {
    if (watch_is_twin (list_item (link, struct watch, link), kind, event,
                       uuid))
      return fail_in (c, VIRGATE_FROM_NONE, VIRGATE_ERR_INVALID_ARG,
                      "event callback already tracked");
  }
  watch = calloc (1, sizeof *watch);
  if (!watch)
    return fail_memory (c);
  watch->kind = kind;
  watch->event = event;
  watch->legacy = legacy;
  watch->filtered = uuid != NULL;
  if (uuid)
    memcpy (watch->uuid, uuid, sizeof watch->uuid);
  watch->id = c->world->next_watch++;
  list_append (&c->conn->watches, &watch->link);
  if (id_r)
    *id_r = watch->id;
  return 0;
}

/* Forget the oldest registration of a kind with this id or, if by_event, for
 * this event.  Returns 0, or -1 when there is none.
 */
static int
watch_remove (const struct ctx *c, enum watch_kind kind, int number,
              bool by_event)
{
  LOCK_FOR_SCOPE (&c->world->lock);
  list_for_each (link, &c->conn->watches) {
    struct watch *watch = list_item (link, struct watch, link);

    if (watch->kind == kind
        && (by_event ? watch->event : watch->id) == number) {
      list_remove (&watch->link);
      free (watch);
      return 0;
    }
  }
  return -1;
}

void
event_drop (struct conn *conn)
{
  list_for_each (link, &conn->watches)
    free (list_item (link, struct watch, link));
  list_init (&conn->watches);
}

/* Called for every registration that an event concerns. */
typedef void watch_fn (const struct ctx *c, struct conn *conn,
                       const struct watch *watch, void *opaque);

static void
watch_each (const struct ctx *c, enum watch_kind kind, int event,
            const uint8_t uuid[16], watch_fn *fn, void *opaque)
{
  list_for_each (at, &c->world->conns) {
    struct conn *conn = list_item (at, struct conn, link);

    list_for_each (link, &conn->watches) {
      struct watch *watch = list_item (link, struct watch, link);

      if (watch->kind == kind && watch->event == event
          && (!watch->filtered
              || memcmp (watch->uuid, uuid, sizeof watch->uuid) == 0))
        fn (c, conn, watch, opaque);
    }
  }
}

static void
send_lifecycle (const struct ctx *c, struct conn *conn,
                const struct watch *watch, void *opaque)
{
  struct virgate_remote_domain_event_callback_lifecycle_msg *msg = opaque;

  msg->callbackID = watch->id;
  if (watch->legacy)
    c->host->client_event (conn->client, VIRGATE_REMOTE_PROGRAM,
                           VIRGATE_REMOTE_PROC_DOMAIN_EVENT_LIFECYCLE,
                           &msg->msg);
  else
    c->host->client_event (conn->client, VIRGATE_REMOTE_PROGRAM,
                           VIRGATE_REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE,
                           msg);
}

static void
name_dom (struct virgate_domain *out, const struct dom *dom)
{
  out->name = (char *) dom->def->name;
  memcpy (out->uuid, dom->def->uuid, sizeof out->uuid);
  out->id = dom->id;
}

void
event_domain (const struct ctx *c, const struct dom *dom,
              enum event_type type, enum event_detail detail)
{
  struct virgate_remote_domain_event_callback_lifecycle_msg msg = {
    .msg = { .event = type, .detail = detail }
  };

  name_dom (&msg.msg.dom, dom);
  watch_each (c, WATCH_DOMAIN, EVENT_LIFECYCLE, dom->def->uuid,
              send_lifecycle, &msg);
}

static void
send_metadata (const struct ctx *c, struct conn *conn,
               const struct watch *watch, void *opaque)
{
  struct virgate_remote_domain_event_callback_metadata_change_msg *msg
    = opaque;

  msg->callbackID = watch->id;
  c->host->client_event
    (conn->client, VIRGATE_REMOTE_PROGRAM,
     VIRGATE_REMOTE_PROC_DOMAIN_EVENT_CALLBACK_METADATA_CHANGE, msg);
}

void
event_metadata (const struct ctx *c, const struct dom *dom, int type,
                const char *uri)
{
  struct virgate_remote_domain_event_callback_metadata_change_msg msg = {
    .type = type, .nsuri = (char *) uri
  };

  name_dom (&msg.dom, dom);
  watch_each (c, WATCH_DOMAIN, EVENT_METADATA_CHANGE, dom->def->uuid,
              send_metadata, &msg);
}

static void
send_network (const struct ctx *c, struct conn *conn,
              const struct watch *watch, void *opaque)
{
  struct virgate_remote_network_event_lifecycle_msg *msg = opaque;

  msg->callbackID = watch->id;
  c->host->client_event (conn->client, VIRGATE_REMOTE_PROGRAM,
                         VIRGATE_REMOTE_PROC_NETWORK_EVENT_LIFECYCLE, msg);
}

void
event_network (const struct ctx *c, const char *name, const uint8_t uuid[16],
               enum net_event_type type)
{
  struct virgate_remote_network_event_lifecycle_msg msg = { .event = type };

  msg.net.name = (char *) name;
  memcpy (msg.net.uuid, uuid, sizeof msg.net.uuid);
  watch_each (c, WATCH_NETWORK, EVENT_LIFECYCLE, uuid, send_network, &msg);
}

/* The calls. --------------------------------------------------------------- */

static int
check_event (const struct ctx *c, const char *what, int event, int last)
{
  if (event >= 0 && event <= last)
    return 0;
  return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                  "unsupported %sevent ID %d", what, event);
}

HANDLER_OUT (connect_domain_event_register)
{
  ret->cb_registered = 0;
  return watch_add (c, WATCH_DOMAIN, EVENT_LIFECYCLE, true, NULL, NULL);
}

static int
remove_event (const struct ctx *c, int event)
{
  if (watch_remove (c, WATCH_DOMAIN, event, true) == 0)
    return 0;
  return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                  "domain event %d not registered", event);
}

HANDLER_OUT (connect_domain_event_deregister)
{
  ret->cb_registered = 0;
  return remove_event (c, EVENT_LIFECYCLE);
}

HANDLER_IN (connect_domain_event_register_any)
{
  if (check_event (c, "", args->eventID, EVENT_DOMAIN_LEGACY_MAX) == -1)
    return -1;
  return watch_add (c, WATCH_DOMAIN, args->eventID, true, NULL, NULL);
}

HANDLER_IN (connect_domain_event_deregister_any)
{
  if (check_event (c, "", args->eventID, EVENT_DOMAIN_LEGACY_MAX) == -1)
    return -1;
  return remove_event (c, args->eventID);
}

HANDLER (connect_domain_event_callback_register_any)
{
  if (check_event (c, "", args->eventID, EVENT_DOMAIN_LAST - 1) == -1)
    return -1;
  return watch_add (c, WATCH_DOMAIN, args->eventID, false,
                    args->dom ? args->dom->uuid : NULL, &ret->callbackID);
}

HANDLER_IN (connect_domain_event_callback_deregister_any)
{
  if (watch_remove (c, WATCH_DOMAIN, args->callbackID, false) == 0)
    return 0;
  return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                  "domain event callback %d not registered",
                  args->callbackID);
}

HANDLER (connect_network_event_register_any)
{
  if (check_event (c, "network ", args->eventID, EVENT_NETWORK_LAST - 1) == -1)
    return -1;
  return watch_add (c, WATCH_NETWORK, args->eventID, false,
                    args->net ? args->net->uuid : NULL, &ret->callbackID);
}

HANDLER_IN (connect_network_event_deregister_any)
{
  if (watch_remove (c, WATCH_NETWORK, args->callbackID, false) == 0)
    return 0;
  return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                  "network event callback %d not registered",
                  args->callbackID);
}
