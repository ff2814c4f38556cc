/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One client's connection onward: frames go through as they come.  What may
 * pass at all is the daemon's to decide, in both directions.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "upstream.h"

/* virConnectCloseReason */
#define CLOSE_REASON_EOF 1

/* From the daemon behind --------------------------------------------------- */

static int
link_frame (void *opaque, const struct virgate_frame *frame)
{
  struct upstream_conn *conn = opaque;

  return conn->upstream->driver->client_send (conn->client, frame);
}

static void
link_writable (void *opaque)
{
  struct upstream_conn *conn = opaque;

  conn->upstream->driver->client_resume (conn->client);
}

static void
link_closed (void *opaque, const struct virgate_error *why)
{
  struct upstream_conn *conn = opaque;

  health_lost (conn->upstream, why->message ? why->message : "lost");
  conn->upstream->driver->client_lost (conn->client, why, CLOSE_REASON_EOF);
}

static const struct virgate_link_ops link_ops = {
  .size = sizeof link_ops,
  .frame = link_frame,
  .writable = link_writable,
  .closed = link_closed,
};

/* From the client ---------------------------------------------------------- */

static int
conn_frame (void *opaque, const struct virgate_frame *frame)
{
  struct upstream_conn *conn = opaque;

  return conn->upstream->driver->link_send (conn->link, frame);
}

static void
conn_writable (void *opaque)
{
  struct upstream_conn *conn = opaque;

  conn->upstream->driver->link_resume (conn->link);
}

/* Opening and closing ------------------------------------------------------ */

static int
open_link (struct upstream_conn *conn, struct virgate_call *call,
           const char *name)
{
  struct upstream *upstream = conn->upstream;
  int64_t began = now_ns ();
  struct virgate_link_failure failure = { .size = sizeof failure };
  const struct virgate_link_options where = {
    .size = sizeof where, .flags = upstream->link_flags,
    .uri = upstream->uri, .name = upstream->is_remote ? name : NULL,
    .deadline = began + upstream->connect_ns,
    .transport = upstream->transport, .failure = &failure,
    .auth_file = upstream->auth_file,
  };
  char why[300];

  if (health_begin (upstream, why, sizeof why) == -1)
    return upstream->driver->call_error (call, VIRGATE_ERR_INTERNAL_ERROR,
                                         VIRGATE_FROM_RPC, "%s", why);
  conn->link = upstream->driver->link_open (call, &where, &link_ops, conn);
  if (conn->link == NULL && failure.is_refusal) {
    health_end (upstream, NULL, began);
    health_leave (upstream);
  }
  else
    health_end (upstream, conn->link ? NULL : failure.text, began);
  return conn->link ? 0 : -1;
}

static int
conn_open (void *inst, struct virgate_call *call, const char *name,
           int read_only, void **out)
{
  struct upstream *upstream = inst;
  ptrdiff_t len = name_harmless_len (name, upstream->allow_names);
  CLEANUP_FREE char *asked = NULL;
  struct upstream_conn *conn;

  if (len == -1)
    return VIRGATE_DECLINED;
  asked = strndup (name, len);
  conn = calloc (1, sizeof *conn);
  if (asked == NULL || conn == NULL) {
    free (conn);
    return upstream->driver->call_error (call, VIRGATE_ERR_NO_MEMORY,
                                         VIRGATE_FROM_RPC, NULL);
  }
  conn->upstream = upstream;
  conn->client = upstream->driver->call_client (call);
  if (open_link (conn, call, asked) == -1) {
    free (conn);
    return -1;
  }
  *out = conn;
  return 0;
}

static void
conn_close (void *opaque)
{
  struct upstream_conn *conn = opaque;

  conn->upstream->driver->link_close (conn->link);
  health_leave (conn->upstream);
  free (conn);
}

const struct virgate_driver_ops upstream_ops = {
  .open = conn_open,
  .close = conn_close,
  .frame = conn_frame,
  .writable = conn_writable,
};
