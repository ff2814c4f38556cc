/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Administration: who is connected, as whom, and the end of it.  Sessions
 * belong to their loops, so each question goes from loop to loop.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/admin.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* libvirt's virClientTransport. */
enum { TRANSPORT_UNIX = 0, TRANSPORT_TCP = 1, TRANSPORT_TLS = 2 };

/* Other transports end in a local socket. */
static uint32_t
transport_of (const struct session *session)
{
  const char *name = session->listener->instance->module->desc.name;

  return strcmp (name, "tcp") == 0 ? TRANSPORT_TCP
         : strcmp (name, "tls") == 0 ? TRANSPORT_TLS : TRANSPORT_UNIX;
}

static const char *
server_name (int which)
{
  return which ? ADMIN_SERVER : MAIN_SERVER;
}

static void
describe (struct virgate_admin_client *client, const struct session *session)
{
  client->srv.name = server_name (session->is_admin);
  client->id = session->id;
  client->timestamp = session->since;
  client->transport = transport_of (session);
}

/* A list ----------------------------------------------------------------- */

static bool
collect (struct admin_tour *tour, struct loop *loop)
{
  struct virgate_admin_server_list_clients_ret *ret = tour->call->ret;

  list_for_each (item, &loop->sessions) {
    const struct session *session = list_item (item, struct session, link);

    if (session_is_closing (session) || session->is_admin != tour->which)
      continue;
    if (ret->ret == VIRGATE_ADMIN_CLIENT_LIST_MAX)
      return true;
    if (ret->clients.val)
      describe (&ret->clients.val[ret->clients.len++], session);
    ret->ret++;
  }
  return false;
}

static int
listed (struct admin_tour *tour)
{
  return 0;
}

int
admin_list_clients (void *conn, struct virgate_call *call, const void *args,
                    void *opaque)
{
  const struct virgate_admin_server_list_clients_args *a = args;
  struct virgate_admin_server_list_clients_ret *ret = opaque;
  struct admin_tour tour = { .call = call, .visit = collect,
                             .finish = listed };

  tour.which = admin_which (call, &a->srv, a->flags);
  if (tour.which == -1)
    return -1;
  if (a->need_results) {
    ret->clients.val = call_service_alloc (call, VIRGATE_ADMIN_CLIENT_LIST_MAX
                                           * sizeof *ret->clients.val);
    if (ret->clients.val == NULL)
      return call_service_error (call, VIRGATE_ERR_NO_MEMORY,
                                 VIRGATE_FROM_ADMIN, NULL);
  }
  return admin_tour_start (&tour);
}

/* One of them ------------------------------------------------------------ */

static struct session *
find (const struct admin_tour *tour, struct loop *loop)
{
  list_for_each (item, &loop->sessions) {
    struct session *session = list_item (item, struct session, link);

    if (session->id == tour->id && session->is_admin == tour->which
        && !session_is_closing (session))
      return session;
  }
  return NULL;
}

/* found says that it was; the answer is in the call already. */
static int
finish_one (struct admin_tour *tour)
{
  if (tour->found)
    return 0;
  return call_service_error (tour->call, VIRGATE_ERR_NO_CLIENT,
                             VIRGATE_FROM_ADMIN, "No client with matching ID "
                             "'%" PRIu64 "'", tour->id);
}

static int
visit_one (struct virgate_call *call, const struct virgate_admin_server *srv,
           uint64_t id, uint32_t flags,
           bool (*visit) (struct admin_tour *tour, struct loop *loop))
{
  const struct admin_tour tour = {
    .call = call, .visit = visit, .finish = finish_one,
    .which = admin_which (call, srv, flags), .id = id,
  };

  return tour.which == -1 ? -1 : admin_tour_start (&tour);
}

static bool
visit_lookup (struct admin_tour *tour, struct loop *loop)
{
  struct virgate_admin_server_lookup_client_ret *ret = tour->call->ret;
  const struct session *session = find (tour, loop);

  if (session)
    describe (&ret->clnt, session);
  tour->found = (void *) session;
  return session;
}

int
admin_lookup_client (void *conn, struct virgate_call *call, const void *args,
                     void *ret)
{
  const struct virgate_admin_server_lookup_client_args *a = args;

  return visit_one (call, &a->srv, a->id, a->flags, visit_lookup);
}

static bool
visit_close (struct admin_tour *tour, struct loop *loop)
{
  struct session *session = find (tour, loop);

  tour->found = session;
  /* Who ends itself has no answer, as from libvirtd. */
  if (session)
    session_close (session, VIRGATE_LOG_NOTICE, "by an administrator");
  return session;
}

int
admin_client_close (void *conn, struct virgate_call *call, const void *args,
                    void *ret)
{
  const struct virgate_admin_client_close_args *a = args;

  return visit_one (call, &a->clnt.srv, a->clnt.id, a->flags, visit_close);
}

/* What is known of it ---------------------------------------------------- */

static bool
fact (const struct session *session, const char *key,
      struct virgate_fact *out)
{
  return peer_get (&session->peer, key, 0, out);
}

static void
put_address (struct admin_params *params, const struct session *session)
{
  struct virgate_fact address;
  char text[80];

  if (!fact (session, VIRGATE_FACT_REMOTE, &address))
    return;
  snprintf (text, sizeof text, address.addr_len == 4 ? "%s:%" PRIu64
                                                     : "[%s]:%" PRIu64,
            address.str, address.num);
  admin_param_string (params, "sock_addr", text);
}

/* Before it is let in nothing is settled, and a worker may be adding to it. */
static bool
has_identity (const struct session *session)
{
  return session->state >= SESSION_OPEN;
}

/* The first name of a kind that the kernel's word stands for: whoever made it
 * of an id had the time to look it up.  A number otherwise.
 */
static void
put_name (struct admin_params *params, const char *field,
          const struct session *session, uint32_t kind, uint64_t id)
{
  struct virgate_identity_entry entry;
  char text[32];

  for (uint32_t n = 0; has_identity (session)
       && identity_get (&session->identity, kind, n, &entry); n++)
    if (entry.vouch == VIRGATE_VOUCH_KERNEL) {
      admin_param_string (params, field, entry.value);
      return;
    }
  snprintf (text, sizeof text, "%" PRIu64, id);
  admin_param_string (params, field, text);
}

static void
put_owner (struct admin_params *params, const struct session *session)
{
  struct virgate_fact uid, gid, pid;

  if (!fact (session, VIRGATE_FACT_UID, &uid)
      || !fact (session, VIRGATE_FACT_GID, &gid))
    return;
  admin_param_int (params, "unix_user_id", uid.num);
  put_name (params, "unix_user_name", session, VIRGATE_IDENTITY_NAME, uid.num);
  admin_param_int (params, "unix_group_id", gid.num);
  put_name (params, "unix_group_name", session, VIRGATE_IDENTITY_GROUP,
            gid.num);
  if (fact (session, VIRGATE_FACT_PID, &pid))
    admin_param_int (params, "unix_process_id", pid.num);
}

static void
put_identity (struct admin_params *params, const struct session *session)
{
  bool is_in = has_identity (session);
  const char *name = is_in ? identity_get_name (&session->identity) : NULL;
  const char *method = is_in ? identity_get_method (&session->identity, 0)
                             : NULL;
  struct virgate_fact dn;

  if (name)
    admin_param_string (params, "sasl_user_name", name);
  if (fact (session, VIRGATE_FACT_X509_DN, &dn))
    admin_param_string (params, "tls_x509_dname", dn.str);
  /* Beyond what libvirtd tells. */
  if (method)
    admin_param_string (params, "auth", method);
  admin_param_string (params, "listener", session->listener->name);
}

static bool
visit_info (struct admin_tour *tour, struct loop *loop)
{
  struct virgate_admin_client_get_info_ret *ret = tour->call->ret;
  const struct session *session = find (tour, loop);
  struct admin_params params = { 0, ret->params.val, tour->call };

  tour->found = (void *) session;
  if (session == NULL)
    return false;
  admin_param_bool (&params, "readonly", session->is_read_only);
  put_address (&params, session);
  put_identity (&params, session);
  put_owner (&params, session);
  ret->params.len = params.len;
  return true;
}

int
admin_client_info (void *conn, struct virgate_call *call, const void *args,
                   void *opaque)
{
  const struct virgate_admin_client_get_info_args *a = args;
  struct virgate_admin_client_get_info_ret *ret = opaque;
  struct admin_params params;

  if (admin_params_make (call, &params,
                         VIRGATE_ADMIN_CLIENT_INFO_PARAMETERS_MAX) == -1)
    return -1;
  ret->params.val = params.val;
  return visit_one (call, &a->clnt.srv, a->clnt.id, a->flags, visit_info);
}
