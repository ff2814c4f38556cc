/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * connect_open: the name is checked, then offered to each driver in the order
 * of the config.  A name with a transport or a host never gets that far.
 */
#include "config.h"

#include <string.h>

#include <virgate/remote.h>

#include "core/uri.h"
#include "daemon/call.h"
#include "daemon/gateway.h"
#include "daemon/link.h"
#include "daemon/open.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* connect_open's flags; other bits are other people's and ignored. */
#define OPEN_READ_ONLY 1

static int
no_driver (struct virgate_call *call, const char *name)
{
  return call_service_error (call, VIRGATE_ERR_NO_CONNECT, VIRGATE_FROM_NONE,
                             "%s", *name ? name : "<null>");
}

/* "driver://..." with no transport, and nothing that makes a host of it. */
static int
check_name (struct virgate_call *call, const char *name)
{
  struct virgate_error why = { 0 };
  struct uri uri;
  bool is_local;

  if (*name == '\0')
    return 0;
  if (strstr (name, ":") == NULL)
    return call_service_error (call, VIRGATE_ERR_NO_CONNECT,
                               VIRGATE_FROM_NONE, "URI '%s' does not include "
                               "a driver name", name);
  if (uri_parse (&uri, name, &why) == -1) {
    error_clear (&why);
    return call_service_error (call, VIRGATE_ERR_INTERNAL_ERROR,
                               VIRGATE_FROM_URI, "Unable to parse URI %s",
                               name);
  }
  is_local = !uri.has_transport && (uri.v.host == NULL || *uri.v.host == '\0')
             && uri.v.port == 0;
  uri_free (&uri);
  return is_local ? 0 : no_driver (call, name);
}

static int
check_call (struct virgate_call *call)
{
  const struct virgate_remote_connect_open_args *open = call->args;
  struct session *session = call->session;

  if (session->state == SESSION_READY || session->is_opening)
    return call_service_error (call, VIRGATE_ERR_INTERNAL_ERROR,
                               VIRGATE_FROM_RPC, "%s",
                               "connection already open");
  if (open->name == NULL)
    return call_service_error (call, VIRGATE_ERR_INTERNAL_ERROR,
                               VIRGATE_FROM_RPC, "%s", "connection not open");
  return check_name (call, open->name);
}

/* What a gateway's driver needs on the loop. */
static int
begin_gateway (struct session *session, struct virgate_link *link)
{
  if (session->driver->ops->frame && gateway_begin (session) == -1)
    return -1;
  return link ? link_attach (link) : 0;
}

/* Back on the loop with a connection, or with an error. */
static void
open_landed (struct virgate_call *call)
{
  const struct virgate_remote_connect_open_args *open = call->args;
  struct session *session = call->session;

  driver_unref (call->asked);
  session->is_opening = false;
  session->driver = call->opened;
  session->driver_conn = call->opened_conn;
  if (session_is_closing (session))
    return;
  if (session->driver) {
    if (open->flags & OPEN_READ_ONLY)
      session->is_read_only = true;
    session_enter (session, SESSION_READY);
    if (begin_gateway (session, call->link) == -1)
      session_close (session, VIRGATE_LOG_ERROR, "cannot serve it");
  }
  else if (list_is_empty (&session->wait.link))
    session_end (session);      /* its time was over meanwhile */
  session_again (session);
}

/* The gateway that it may have to wait for, with a reference: those who do
 * stand in its line, so that they take neither all workers nor those that never
 * wait for a hypervisor.
 */
static struct driver *
find_gateway (const struct session *session, const char *name)
{
  struct driver_table *table = drivers_get (session->loop->server);
  struct driver *found = NULL;
  struct route_name wanted;

  if (route_name_split (&wanted, name, table->has_hosts) == 0)
    for (unsigned i = 0; i < table->count && found == NULL; i++)
      if (table->driver[i]->ops->frame
          && route_fits (&table->driver[i]->route, &wanted, session))
        found = table->driver[i];
  route_name_free (&wanted);
  if (found)
    driver_ref (found);
  drivers_put (table);
  return found;
}

int
open_prepare (struct virgate_call *call)
{
  const struct virgate_remote_connect_open_args *open = call->args;

  if (check_call (call) == -1) {
    call->result = -1;
    call_answer (call);
    return -1;
  }
  call->asked = find_gateway (call->session, open->name);
  call->session->is_opening = true;
  call->landed = open_landed;
  return 0;
}

/* Ask the drivers that are for this client, one after the other. */
static int
ask_drivers (struct virgate_call *call, const struct driver_table *table,
             const struct route_name *wanted, int read_only)
{
  for (unsigned i = 0; i < table->count; i++) {
    struct driver *driver = table->driver[i];
    int result;

    if (!route_fits (&driver->route, wanted, call->session))
      continue;
    result = driver->ops->open (driver->instance->inst, call, wanted->name,
                                read_only, &call->opened_conn);
    if (result == 0) {
      driver_ref (driver);      /* the session's */
      call->opened = driver;
    }
    if (result != VIRGATE_DECLINED)
      return result;
  }
  return VIRGATE_DECLINED;
}

int
open_run (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  const struct virgate_remote_connect_open_args *open = args;
  struct session *session = call->session;
  struct driver_table *table = drivers_get (session->loop->server);
  int read_only = session->is_read_only || (open->flags & OPEN_READ_ONLY);
  struct route_name wanted;
  int result = VIRGATE_DECLINED;

  if (route_name_split (&wanted, open->name, table->has_hosts) == 0)
    result = ask_drivers (call, table, &wanted, read_only);
  route_name_free (&wanted);
  drivers_put (table);
  return result == VIRGATE_DECLINED ? no_driver (call, open->name) : result;
}
