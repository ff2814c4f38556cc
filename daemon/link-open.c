/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a link is made: connect, authenticate, open, tell who it is for.  All
 * of it blocks, on a worker; see link.h for what comes then.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "core/authenticate.h"
#include "core/authfile.h"
#include "core/error.h"
#include "core/layer.h"
#include "daemon/builtin.h"
#include "daemon/call.h"
#include "daemon/link.h"
#include "daemon/link-identity.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* Nothing that is said before a link is open is longer. */
#define EARLY_MESSAGE_MAX (512 * 1024)

#define OPEN_READ_ONLY 1

/* A link in the making. */
struct opening {
  struct virgate_link *link;
  struct virgate_link_options options;
  struct virgate_error *err;
  struct uri uri;
  bool read_only;
  uint32_t serial;              /* of the call that waits */
  const struct proc_row *row;
  void **ret;                   /* its result, if anybody wants it */
  bool has_answer;
  bool is_refused;              /* err is the far side's */
};

/* Blocking calls ----------------------------------------------------------- */

static int
await (struct opening *o, int want)
{
  const struct dialed *dialed = &o->link->dialed;
  struct pollfd pollfd = {
    .fd = dialed->ops->pollfd (dialed->conn),
    .events = want == VIRGATE_IO_WANT_WRITE ? POLLOUT : POLLIN,
  };
  int64_t left = o->options.deadline - now_ns ();
  struct timespec wait = { left / NS_PER_S, left % NS_PER_S };

  if (left <= 0)
    return error_set (o->err, VIRGATE_ERR_OPERATION_TIMEOUT, VIRGATE_FROM_RPC,
                      "%s", "the hypervisor's daemon did not answer in time");
  if (ppoll (&pollfd, 1, &wait, NULL) == -1 && errno != EINTR)
    return error_system (o->err, errno, VIRGATE_FROM_RPC, "poll");
  return 0;
}

static int
send_all (struct opening *o)
{
  struct virgate_link *link = o->link;

  for (;;) {
    int ret = wire_flush (&link->out, link->dialed.ops, link->dialed.conn);

    if (ret == 0)
      return 0;
    if (ret == VIRGATE_IO_ERROR)
      return error_system (o->err, errno, VIRGATE_FROM_RPC,
                           "cannot write to the hypervisor's daemon");
    if (await (o, ret) == -1)
      return -1;
  }
}

static int
not_understood (struct opening *o)
{
  return error_set (o->err, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC,
                    "cannot understand the hypervisor's daemon's answer to "
                    "%s", o->row->name);
}

static int
take_answer (struct opening *o, const struct frame *frame)
{
  void *none = NULL;
  int result;

  o->has_answer = true;
  if (frame->head.status == FRAME_ERROR) {
    o->is_refused = error_decode (frame->payload, frame->len, o->err) == 0
                    && o->err->code != VIRGATE_ERR_OK;
    return o->is_refused ? -1 : not_understood (o);
  }
  result = xdr_decode_block (o->row->ret, frame->payload, frame->len,
                             EARLY_MESSAGE_MAX, o->ret ? o->ret : &none,
                             NULL);
  free (none);
  return result == 0 ? 0 : not_understood (o);
}

/* A message while a call waits.  What comes after its answer is for later. */
static enum wire_verdict
take_message (void *opaque, const struct frame *frame)
{
  struct opening *o = opaque;

  if (o->has_answer)
    return WIRE_HOLD;
  if (frame->head.program == KEEPALIVE_PROGRAM)
    return keepalive_frame (frame, &o->link->out.buf) == -1 ? WIRE_BROKEN
                                                            : WIRE_NEXT;
  if (frame->head.type != FRAME_REPLY || frame->head.serial != o->serial
      || frame->head.procedure != o->row->number)
    return WIRE_NEXT;
  return take_answer (o, frame) == -1 ? WIRE_BROKEN : WIRE_STOP;
}

/* Read until the answer is there. */
static int
receive_answer (struct opening *o)
{
  const struct dialed *dialed = &o->link->dialed;
  char data[16384];
  struct iovec iov = { data, sizeof data };

  o->has_answer = false;
  while (!o->has_answer) {
    ssize_t n = dialed->ops->readv (dialed->conn, &iov, 1, NULL);

    if (n == VIRGATE_IO_WANT_READ || n == VIRGATE_IO_WANT_WRITE) {
      if (await (o, n) == -1)
        return -1;
      continue;
    }
    if (n == 0)
      return error_set (o->err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC,
                        "%s", "the hypervisor's daemon closed the connection");
    if (n < 0)
      return error_system (o->err, errno, VIRGATE_FROM_RPC,
                           "cannot read from the hypervisor's daemon");
    if (wire_feed (&o->link->in, data, n, NULL, take_message, o)
        == WIRE_BROKEN)
      return o->has_answer ? -1 : not_understood (o);
    if (send_all (o) == -1)
      return -1;
  }
  return 0;
}

/* Call a procedure of the remote program.  0, or -1 with err set.  ret: NULL,
 * or where the result goes, to be freed.
 */
static int
call (struct opening *o, int32_t procedure, const void *args, void **ret)
{
  struct frame_header head = {
    .program = VIRGATE_REMOTE_PROGRAM, .version = 1, .procedure = procedure,
    .type = FRAME_CALL, .serial = ++o->serial, .status = FRAME_OK,
  };
  struct buf *out = &o->link->out.buf;
  ptrdiff_t mark = frame_begin (out, &head, 0);

  error_clear (o->err);
  o->is_refused = false;
  o->row = proc_find (VIRGATE_REMOTE_PROGRAM, procedure);
  o->ret = ret;
  if (mark == -1 || xdr_encode (o->row->args, args, out, NULL) == -1
      || frame_end (out, mark) == -1)
    return error_system (o->err, errno, VIRGATE_FROM_RPC, "%s", o->row->name);
  if (send_all (o) == -1)
    return -1;
  if (o->row->flags & PROC_SECRET)
    wipe (out->base, out->size);
  return receive_answer (o);
}

/* The steps ---------------------------------------------------------------- */

static int
auth_call (void *opaque, int32_t procedure, const void *args, void **ret,
           struct virgate_error *err)
{
  struct opening *o = opaque;
  int result = call (o, procedure, args, ret);

  if (result == -1)
    error_move (err, o->err);
  return result;
}

/* A layer begins where the last answer ends: nothing in clear may follow. */
static int
start_layer (struct opening *o, const struct virgate_auth_ops *ops,
             void *conv)
{
  struct dialed *dialed = &o->link->dialed;
  struct layer *layer = layer_new (ops, conv);

  if (layer && buf_len (&o->link->in.part) == 0) {
    layer_begin (layer, &dialed->ops, &dialed->conn);
    dialed->caps = layer_caps (dialed->conn);
    return 0;
  }
  if (layer)
    layer_free (layer);
  else if (ops->conv_free)
    ops->conv_free (conv);
  return error_set (o->err, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC, "%s",
                    "cannot begin the security layer that was agreed on with "
                    "the hypervisor's daemon");
}

/* The opening that this thread is busy with. */
static _Thread_local const struct opening *asking;

int
link_credential (void *opaque, const struct instance *instance,
                 uint32_t kind, const char *prompt, const char *challenge,
                 char **secret)
{
  CLEANUP_ERROR struct virgate_error err = { 0 };
  const char *file, *host;
  int result;

  if (asking == NULL)
    return 1;
  file = asking->options.auth_file;
  host = asking->uri.v.host ? asking->uri.v.host : "localhost";
  if (file)
    result = authfile_private_credential (file, "libvirt", host,
                                          asking->uri.v.user, kind, secret,
                                          &err);
  else
    result = authfile_credential (uri_param (&asking->uri, "authfile"),
                                  "libvirt", host, asking->uri.v.user, kind,
                                  secret, &err);
  if (result == -1)
    host_error_set ("%s", error_message (&err));
  return result == 1 ? 0 : result == 0 ? 1 : -1;
}

static int
log_in (struct opening *o)
{
  static const char *const defaults[] = { "sasl", "password", NULL };
  struct server *server = o->link->loop->server;
  const struct authentication how = {
    .where = o->options.uri, .hostname = o->uri.v.host,
    .wanted = uri_param (&o->uri, "auth"), .caps = o->link->dialed.caps,
    .peer = &o->link->peer, .modules = server->modules,
    .env = &server->onward_env, .defaults = defaults,
    .call = auth_call, .opaque = o,
  };
  CLEANUP_ERROR struct virgate_error err = { 0 };
  struct authenticated out;
  int result;

  asking = o;
  result = authenticate (&how, &out, &err);
  asking = NULL;
  if (result == -1) {
    error_move (o->err, &err);
    return -1;
  }
  o->link->auth = out.instance;
  return out.conv ? start_layer (o, out.instance->module->ops, out.conv) : 0;
}

/* Servers that do not know it are never pinged.  One that is asked pings as
 * well, and sets its timer anew for each message.  On a Unix socket the kernel
 * tells it when nobody is there any more, and all daemons that listen on one
 * know pings: it is not asked.
 */
static int
ask_keepalive (struct opening *o)
{
  const struct virgate_remote_connect_supports_feature_args args = {
    .feature = FEATURE_KEEPALIVE,
  };
  CLEANUP_FREE struct virgate_remote_connect_supports_feature_ret *ret = NULL;

  if (o->link->dialed.caps & VIRGATE_CAP_LOCAL)
    o->link->has_keepalive = true;
  else if (call (o, VIRGATE_REMOTE_PROC_CONNECT_SUPPORTS_FEATURE, &args,
                 (void **) &ret) == 0)
    o->link->has_keepalive = ret->supported;
  else if (!o->is_refused)
    return -1;
  return 0;
}

static int
open_far_side (struct opening *o)
{
  const struct virgate_remote_connect_open_args args = {
    .name = o->options.name ? o->options.name : o->uri.name,
    .flags = o->read_only ? OPEN_READ_ONLY : 0,
  };

  return call (o, VIRGATE_REMOTE_PROC_CONNECT_OPEN, &args, NULL);
}

static int
tell_identity (struct opening *o)
{
  struct virgate_remote_connect_set_identity_args args = { .flags = 0 };
  struct link_identity identity;

  if (!(o->options.flags & (VIRGATE_LINK_IDENTITY
                            | VIRGATE_LINK_IDENTITY_REQUIRED)))
    return 0;
  link_identity_fill (&identity, o->link->session, o->link->dialed.caps);
  args.params.len = identity.count;
  args.params.val = identity.params;
  if (identity.count == 0
      || call (o, VIRGATE_REMOTE_PROC_CONNECT_SET_IDENTITY, &args, NULL) == 0)
    return 0;
  if (!o->is_refused
      || (o->options.flags & VIRGATE_LINK_IDENTITY_REQUIRED))
    return -1;
  session_log (o->link->session, VIRGATE_LOG_DEBUG, "the hypervisor's daemon "
               "does not take the identity: %s", error_message (o->err));
  error_clear (o->err);
  return 0;
}

static int
open_all (struct opening *o)
{
  struct virgate_link *link = o->link;
  const struct instance *transport =
    container_of (o->options.transport, struct instance, transport);
  const struct virgate_transport_ops *ops = transport->transport.ops;

  if (uri_consume (&o->uri, ops->params, o->err) == -1)
    return -1;
  if (ops->connect == NULL)
    return error_text (o->err, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                       VIRGATE_FROM_REMOTE, "the transport %s has no half for "
                       "clients", transport->module->desc.name);
  o->uri.v.read_only = o->read_only;
  if (dial (transport, &o->uri, o->options.uri, o->options.deadline,
            &link->peer, &link->dialed, o->err) == -1)
    return -1;
  link->is_closed = false;
  return log_in (o) == -1 || ask_keepalive (o) == -1
         || open_far_side (o) == -1 || tell_identity (o) == -1 ? -1 : 0;
}

static struct virgate_link *
link_new (struct virgate_call *call, const struct virgate_link_ops *ops,
          void *opaque)
{
  struct virgate_link *link = calloc (1, sizeof *link);

  if (link == NULL)
    return NULL;
  link->session = call->session;
  link->loop = call->session->loop;
  link->opaque = opaque;
  link->is_closed = true;       /* no connection yet */
  memcpy (&link->ops, ops, MIN_OF ((size_t) ops->size, sizeof link->ops));
  wire_in_init (&link->in, EARLY_MESSAGE_MAX);
  wire_out_init (&link->out);
  list_init (&link->ready);
  list_init (&link->touched);
  list_init (&link->pinged);
  return link;
}

static void
tell_failure (const struct opening *o)
{
  struct virgate_link_failure *failure = o->options.failure;

  if (failure == NULL || failure->size < sizeof *failure)
    return;
  failure->is_refusal = o->is_refused;
  snprintf (failure->text, sizeof failure->text, "%s",
            error_message (o->err));
}

struct virgate_link *
link_service_open (struct virgate_call *call_,
                   const struct virgate_link_options *where,
                   const struct virgate_link_ops *ops, void *opaque)
{
  const struct virgate_remote_connect_open_args *asked = call_->args;
  CLEANUP_ERROR struct virgate_error err = { 0 };
  struct opening o = { .err = &err };
  int result;

  memcpy (&o.options, where, MIN_OF ((size_t) where->size, sizeof o.options));
  o.read_only = call_->session->is_read_only
                || (asked->flags & OPEN_READ_ONLY);
  o.link = call_->link ? NULL : link_new (call_, ops, opaque);
  if (o.link == NULL || uri_parse (&o.uri, o.options.uri, &err) == -1) {
    call_service_error (call_, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC,
                        "%s", "cannot make a link");
    link_service_close (o.link);
    return NULL;
  }
  result = open_all (&o);
  uri_free (&o.uri);
  if (result == 0) {
    o.link->in.frame_max = FRAME_LEN_MAX;
    call_->link = o.link;
    return o.link;
  }
  tell_failure (&o);
  call_service_record (call_, &err);
  link_service_close (o.link);
  return NULL;
}
