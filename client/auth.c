/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication of a connection: core/authenticate.c, by way of calls.
 */
#include "config.h"

#include <virgate/remote.h>

#include "client/clientconf.h"
#include "client/internal.h"
#include "core/authenticate.h"
#include "core/layer.h"

/* Who is asked to answer a server when no section names anybody. */
static const char *const defaults[] = { "sasl", "password", NULL };

struct authing {
  struct virgate_conn *conn;
  int64_t deadline;
};

/* Room for what a module says, which is secret: memory that grows leaves a
 * copy behind.  Each byte takes four on the wire.
 */
#define SECRET_ROOM (16 * 1024)

static void
make_room (struct virgate_conn *conn)
{
  LOCK_FOR_SCOPE (&conn->lock);

  /* Without memory the call fails by itself. */
  if (buf_reserve (&conn->queue.buf, SECRET_ROOM) == NULL)
    return;
}

/* A password has gone out through these.  Nobody else uses the connection
 * yet, and what is left to be sent stays.
 */
static void
wipe_sent (struct virgate_conn *conn)
{
  LOCK_FOR_SCOPE (&conn->lock);

  buf_wipe_rest (&conn->queue.buf);
  buf_wipe_rest (&conn->sending.buf);
}

static int
call (void *opaque, int32_t procedure, const void *args, void **ret,
      struct virgate_error *err)
{
  const struct authing *a = opaque;
  struct virgate_error *why;
  int result;

  make_room (a->conn);
  result = call_run (a->conn, VIRGATE_REMOTE_PROGRAM, procedure, args, ret,
                     NULL, a->deadline);
  wipe_sent (a->conn);
  if (result == -1 && (why = thread_error ()))
    error_move (err, why);
  return result;
}

/* Always returns -1. */
static int
no_layer (const struct virgate_conn *conn, const char *why)
{
  return client_error (VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC, "%s: %s",
                       conn->where, why);
}

/* The layer begins where the server's last answer ends.  What came in clear
 * behind it must not become the beginning of what is protected.
 */
static int
start_layer (struct virgate_conn *conn, const struct virgate_auth_ops *ops,
             void *conv)
{
  struct layer *layer = layer_new (ops, conv);

  if (layer == NULL) {
    if (ops->conv_free)
      ops->conv_free (conv);
    return no_layer (conn, "cannot set up the security layer that was agreed "
                     "on");
  }
  if (buf_len (&conn->in.part) > 0) {
    layer_free (layer);
    return no_layer (conn, "the server went on in clear where protection "
                     "begins");
  }
  layer_begin (layer, &conn->ops, &conn->transport);
  conn->caps = layer_caps (conn->transport);
  conn->one_at_a_time = true;   /* the module's state is one */
  return 0;
}

int
auth_run (struct virgate_conn *conn, const struct clientconf *conf,
          int64_t deadline)
{
  struct plumbing *plumbing = conn->plumbing;
  struct authing a = { conn, deadline };
  const struct authentication how = {
    .where = conn->where, .hostname = conn->parsed.v.host,
    .wanted = uri_param (&conn->parsed, "auth"),
    .caps = conn->caps, .peer = &plumbing->peer,
    .modules = plumbing->modules, .env = &plumbing->env,
    .files = conf->files, .file_count = conf->count, .defaults = defaults,
    .call = call, .opaque = &a,
  };
  struct virgate_error err = { 0 };
  struct authenticated out;

  if (authenticate (&how, &out, &err) == -1) {
    credential_explain (&plumbing->credentials, &err);
    return client_error_take (&err);
  }
  plumbing->auth = out.instance;
  return out.conv ? start_layer (conn, out.instance->module->ops, out.conv)
                  : 0;
}
