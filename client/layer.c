/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A security layer that an authentication negotiated, as a transport on top
 * of the transport: what is written is sealed by the module, what is read is
 * opened by it.  Descriptors cannot pass.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"

/* Sealed bytes that make no whole packet: a packet is 64 KiB and some. */
#define SEALED_MAX (256 * 1024)

struct layer {
  const struct virgate_transport_ops *lower_ops;
  void *lower;
  const struct virgate_auth_ops *auth;
  void *conv;
  size_t plain_max;             /* bytes for one wrap */
  struct buf sealed_in, plain_in;
  struct buf sealed_out;        /* being written */
  size_t accepted;              /* plain bytes that it stands for */
};

static ssize_t
deliver (struct layer *layer, const struct iovec *iov, int iovcnt)
{
  ssize_t total = 0;

  for (int i = 0; i < iovcnt; i++) {
    size_t len = MIN_OF (iov[i].iov_len, buf_len (&layer->plain_in));

    if (len == 0)
      break;
    memcpy (iov[i].iov_base, buf_data (&layer->plain_in), len);
    buf_consume (&layer->plain_in, len);
    total += len;
  }
  return total;
}

/* Read from below.  1, 0 at the end, or VIRGATE_IO_*. */
static ssize_t
fetch (struct layer *layer)
{
  struct iovec iov = { buf_reserve (&layer->sealed_in, READ_AHEAD),
                       READ_AHEAD };
  ssize_t n;

  if (iov.iov_base == NULL)
    return VIRGATE_IO_ERROR;
  n = layer->lower_ops->readv (layer->lower, &iov, 1, NULL);
  if (n > 0)
    layer->sealed_in.end += n;
  return n;
}

/* Open what is whole. */
static int
open_sealed (struct layer *layer)
{
  struct virgate_auth_data plain = { NULL, 0 };
  size_t used = 0;

  if (layer->auth->unwrap (layer->conv, buf_data (&layer->sealed_in),
                           buf_len (&layer->sealed_in), &used, &plain) == -1
      || used > buf_len (&layer->sealed_in)) {
    errno = EBADMSG;
    return -1;
  }
  buf_consume (&layer->sealed_in, used);
  if (buf_len (&layer->sealed_in) > SEALED_MAX) {
    errno = EBADMSG;
    return -1;
  }
  return buf_append (&layer->plain_in, plain.data, plain.len);
}

static ssize_t
layer_readv (void *opaque, const struct iovec *iov, int iovcnt,
             struct virgate_fds *fds)
{
  struct layer *layer = opaque;

  while (buf_len (&layer->plain_in) == 0) {
    ssize_t n = fetch (layer);

    if (n <= 0)
      return n;
    if (open_sealed (layer) == -1)
      return VIRGATE_IO_ERROR;
  }
  return deliver (layer, iov, iovcnt);
}

static int
seal (struct layer *layer, const struct iovec *iov)
{
  struct virgate_auth_data sealed = { NULL, 0 };
  size_t len = MIN_OF (iov->iov_len, layer->plain_max);

  if (layer->auth->wrap (layer->conv, iov->iov_base, len, &sealed) == -1) {
    errno = EBADMSG;
    return -1;
  }
  if (buf_append (&layer->sealed_out, sealed.data, sealed.len) == -1)
    return -1;
  layer->accepted = len;
  return 0;
}

/* The plain bytes count as written when all that they were sealed into is;
 * until then the caller comes again with the same bytes.
 */
static ssize_t
layer_writev (void *opaque, const struct iovec *iov, int iovcnt,
              const struct virgate_fds *fds)
{
  struct layer *layer = opaque;

  if (buf_len (&layer->sealed_out) == 0 && seal (layer, iov) == -1)
    return VIRGATE_IO_ERROR;
  while (buf_len (&layer->sealed_out) > 0) {
    struct iovec out = { buf_data (&layer->sealed_out),
                         buf_len (&layer->sealed_out) };
    ssize_t n = layer->lower_ops->writev (layer->lower, &out, 1, NULL);

    if (n <= 0)
      return n == 0 ? VIRGATE_IO_WANT_WRITE : n;
    buf_consume (&layer->sealed_out, n);
  }
  return (ssize_t) layer->accepted;
}

static size_t
layer_pending (void *opaque)
{
  struct layer *layer = opaque;
  size_t lower = layer->lower_ops->pending
                 ? layer->lower_ops->pending (layer->lower) : 0;

  return buf_len (&layer->plain_in) + lower;
}

static int
layer_pollfd (void *opaque)
{
  struct layer *layer = opaque;

  return layer->lower_ops->pollfd (layer->lower);
}

static void
layer_shutdown (void *opaque)
{
  struct layer *layer = opaque;

  if (layer->lower_ops->shutdown)
    layer->lower_ops->shutdown (layer->lower);
}

static void
layer_close (void *opaque)
{
  struct layer *layer = opaque;

  layer->lower_ops->close (layer->lower);
  if (layer->auth->conv_free)
    layer->auth->conv_free (layer->conv);
  buf_free (&layer->sealed_in);
  if (layer->plain_in.base)
    wipe (layer->plain_in.base, layer->plain_in.size);
  buf_free (&layer->plain_in);
  buf_free (&layer->sealed_out);
  free (layer);
}

static const struct virgate_transport_ops layer_ops = {
  .readv = layer_readv,
  .writev = layer_writev,
  .pending = layer_pending,
  .pollfd = layer_pollfd,
  .shutdown = layer_shutdown,
  .close = layer_close,
};

int
layer_start (struct virgate_conn *conn, struct instance *auth, void *conv)
{
  const struct virgate_auth_ops *ops = auth->module->ops;
  struct layer *layer = calloc (1, sizeof *layer);

  /* What came in clear behind the last answer must not become the beginning
   * of what is protected from here on.
   */
  if (layer == NULL || ops->wrap == NULL || ops->unwrap == NULL
      || buf_len (&conn->in.part) > 0) {
    if (ops->conv_free)
      ops->conv_free (conv);
    free (layer);
    return client_error (VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC,
                         "%s: cannot set up the security layer", conn->where);
  }
  layer->lower_ops = conn->ops;
  layer->lower = conn->transport;
  layer->auth = ops;
  layer->conv = conv;
  layer->plain_max = ops->layer (conv);
  conn->ops = &layer_ops;
  conn->transport = layer;
  conn->caps = (conn->caps & ~VIRGATE_CAP_PASSES_FDS) | VIRGATE_CAP_ENCRYPTED;
  conn->one_at_a_time = true;   /* the module's state is one */
  return 0;
}
