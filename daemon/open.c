/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * connect_open: the name is checked, then offered to each driver in the order
 * of the config, until one does not decline it.  A name with a transport or a
 * host never gets that far.
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

/* For the driver that opens a name: those that there are, and who was not asked
 * yet.  One thread at a time has it.
 */
struct search {
  struct driver_table *table;
  struct route_name wanted;
  unsigned at;
};

static int
search_begin (struct virgate_call *call, const char *name)
{
  struct search *search = call_service_alloc (call, sizeof *search);

  /* A worker may want the client's line, and must not make it. */
  if (search == NULL || session_jobs (call->session) == NULL)
    return call_service_error (call, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC,
                               NULL);
  search->table = drivers_get (call->session->loop->server);
  if (route_name_split (&search->wanted, name, search->table->has_hosts) == -1)
    search->at = search->table->count;  /* nobody's */
  call->search = search;
  return 0;
}

static void
search_end (struct search *search)
{
  route_name_free (&search->wanted);
  drivers_put (search->table);
}

/* The next driver that is for this client, or NULL. */
static struct driver *
next_driver (const struct virgate_call *call)
{
  struct search *search = call->search;
  const struct driver_table *table = search->table;

  while (search->at < table->count
         && !route_fits (&table->driver[search->at]->route, &search->wanted,
                         call->session))
    search->at++;
  return search->at < table->count ? table->driver[search->at] : NULL;
}

/* In whose line it is asked: a gateway in its own, others in the client's. */
static struct driver *
line_of (struct driver *driver)
{
  return driver && driver->ops->frame ? driver : NULL;
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

  search_end (call->search);
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

int
open_prepare (struct virgate_call *call)
{
  const struct virgate_remote_connect_open_args *open = call->args;
  struct driver *first;

  if (check_call (call) == -1 || search_begin (call, open->name) == -1) {
    call->result = -1;
    call_answer (call);
    return -1;
  }
  first = next_driver (call);
  call->asked = line_of (first);
  call->session->is_opening = true;
  call->landed = open_landed;
  return 0;
}

static int
ask (struct virgate_call *call, struct driver *driver)
{
  const struct virgate_remote_connect_open_args *open = call->args;
  int read_only = call->session->is_read_only
                  || (open->flags & OPEN_READ_ONLY);
  int result = driver->ops->open (driver->instance->inst, call,
                                  call->search->wanted.name, read_only,
                                  &call->opened_conn);

  if (result == 0) {
    driver_ref (driver);        /* the session's */
    call->opened = driver;
  }
  return result;
}

/* Ask one driver after the other.  A gateway, which may have to wait for the
 * daemon behind it, is asked in its own line only, and nobody else is asked
 * there, so that who waits there waits for no other; nor for who has left.
 */
int
open_run (void *conn, struct virgate_call *call, const void *args, void *ret)
{
  const struct virgate_remote_connect_open_args *open = args;
  struct driver *driver;

  while ((driver = next_driver (call))) {
    int result;

    if (atomic_load (&call->session->is_gone)) {
      call->is_dropped = true;
      return -1;
    }
    if (line_of (driver) != call->asked) {
      call->asked = line_of (driver);
      call->is_moving = true;
      return -1;                /* to be called again there */
    }
    result = ask (call, driver);
    if (result != VIRGATE_DECLINED)
      return result;
    call->search->at++;
  }
  return no_driver (call, open->name);
}
