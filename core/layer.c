/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A security layer between transport and wire; see layer.h.
 *
 * It keeps as little as it can: sealed bytes are read to where the caller
 * wants plain ones, opened text stays with the module until it is taken, and
 * a packet is written from where the module has it.  Only the beginning of a
 * packet, or the end of one that the transport did not take, is kept here.
 *
 * Failures of the module have errno EPROTO, and what it said.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "core/instance.h"
#include "core/layer.h"

/* Where the caller has less room, sealed bytes are read to memory of ours. */
#define READ_ROOM (64 * 1024)

/* Sealed bytes that make no whole packet: a packet is 64 KiB and some. */
#define SEALED_MAX (256 * 1024)

struct layer {
  const struct virgate_transport_ops *lower_ops;
  void *lower;
  const struct virgate_auth_ops *auth;
  void *conv;
  size_t plain_max;             /* bytes for one wrap */
  bool is_encrypted;
  struct buf sealed_in;         /* the beginning of a packet */
  const char *plain;            /* opened, of the module */
  size_t plain_len;
  struct buf sealed_out;        /* the end of a packet being written */
  size_t accepted;              /* plain bytes that the packet stands for */
};

/* Reading ----------------------------------------------------------------- */

static int
fail (void)
{
  errno = EPROTO;
  return -1;
}

/* Open the whole packets of what was read; *used counts their bytes. */
static int
open_packets (struct layer *layer, const void *data, size_t len, size_t *used)
{
  struct virgate_auth_data plain = { NULL, 0 };

  *used = 0;
  host_error_forget ();
  if (layer->auth->unwrap (layer->conv, data, len, used, &plain) == -1
      || *used > len)
    return fail ();
  layer->plain = plain.data;
  layer->plain_len = plain.len;
  return 0;
}

static ssize_t
read_below (struct layer *layer, void *to, size_t room)
{
  struct iovec iov = { to, room };

  return layer->lower_ops->readv (layer->lower, &iov, 1, NULL);
}

/* Read to the caller's memory and keep what is left over. */
static ssize_t
fetch_outside (struct layer *layer, const struct iovec *iov)
{
  ssize_t n = read_below (layer, iov->iov_base, iov->iov_len);
  size_t used;

  if (n <= 0)
    return n;
  if (open_packets (layer, iov->iov_base, n, &used) == -1
      || buf_append (&layer->sealed_in, (char *) iov->iov_base + used,
                     n - used) == -1)
    return VIRGATE_IO_ERROR;
  return n;
}

/* Read to where the beginning of a packet is. */
static ssize_t
fetch_inside (struct layer *layer)
{
  struct buf *sealed = &layer->sealed_in;
  char *to = buf_reserve (sealed, READ_ROOM);
  ssize_t n = to ? read_below (layer, to, READ_ROOM) : VIRGATE_IO_ERROR;
  size_t used;

  if (n <= 0)
    return n;
  sealed->end += n;
  if (open_packets (layer, buf_data (sealed), buf_len (sealed), &used) == -1)
    return VIRGATE_IO_ERROR;
  buf_consume (sealed, used);
  if (buf_len (sealed) > SEALED_MAX)
    return fail ();
  return n;
}

static ssize_t
fetch (struct layer *layer, const struct iovec *iov)
{
  ssize_t n;

  if (buf_len (&layer->sealed_in) == 0 && iov->iov_len >= READ_ROOM)
    n = fetch_outside (layer, iov);
  else
    n = fetch_inside (layer);
  if (buf_len (&layer->sealed_in) == 0)
    buf_free (&layer->sealed_in);
  return n;
}

static ssize_t
deliver (struct layer *layer, const struct iovec *iov, int iovcnt)
{
  ssize_t total = 0;

  for (int i = 0; i < iovcnt && layer->plain_len > 0; i++) {
    size_t len = MIN_OF (iov[i].iov_len, layer->plain_len);

    memcpy (iov[i].iov_base, layer->plain, len);
    layer->plain += len;
    layer->plain_len -= len;
    total += len;
  }
  return total;
}

static ssize_t
layer_readv (void *opaque, const struct iovec *iov, int iovcnt,
             struct virgate_fds *fds)
{
  struct layer *layer = opaque;

  if (fds)
    fds->count = 0;
  while (layer->plain_len == 0) {
    ssize_t n = fetch (layer, iov);

    if (n <= 0)
      return n;
  }
  return deliver (layer, iov, iovcnt);
}

/* Writing ----------------------------------------------------------------- */

/* Seal as much as makes one packet. */
static int
seal (struct layer *layer, const void *data, size_t len,
      struct virgate_auth_data *sealed)
{
  layer->accepted = MIN_OF (len, layer->plain_max);
  host_error_forget ();
  return layer->auth->wrap (layer->conv, data, layer->accepted, sealed) == 0
         ? 0 : fail ();
}

static ssize_t
write_below (struct layer *layer, const void *data, size_t len)
{
  struct iovec iov = { (void *) data, len };
  ssize_t n = layer->lower_ops->writev (layer->lower, &iov, 1, NULL);

  return n == 0 ? VIRGATE_IO_WANT_WRITE : n;
}

/* The end of a packet that was begun.  0, or VIRGATE_IO_*. */
static ssize_t
write_rest (struct layer *layer)
{
  struct buf *rest = &layer->sealed_out;

  while (buf_len (rest) > 0) {
    ssize_t n = write_below (layer, buf_data (rest), buf_len (rest));

    if (n < 0)
      return n;
    buf_consume (rest, n);
  }
  buf_free (rest);
  return 0;
}

/* One packet.  The plain bytes count as written when all that they were
 * sealed into is; until then the caller comes again with the same bytes.
 */
static ssize_t
write_packet (struct layer *layer, const char *data, size_t len)
{
  struct virgate_auth_data sealed = { NULL, 0 };
  ssize_t n;

  if (buf_len (&layer->sealed_out) == 0) {
    if (seal (layer, data, len, &sealed) == -1)
      return VIRGATE_IO_ERROR;
    n = write_below (layer, sealed.data, sealed.len);
    if (n == VIRGATE_IO_ERROR)
      return n;
    if (n == (ssize_t) sealed.len)
      return layer->accepted;
    if (buf_append (&layer->sealed_out, (const char *) sealed.data
                    + MAX_OF (n, 0), sealed.len - MAX_OF (n, 0)) == -1)
      return VIRGATE_IO_ERROR;
  }
  n = write_rest (layer);
  return n == 0 ? (ssize_t) layer->accepted : n;
}

static ssize_t
layer_writev (void *opaque, const struct iovec *iov, int iovcnt,
              const struct virgate_fds *fds)
{
  struct layer *layer = opaque;
  ssize_t total = 0;

  if (fds && fds->count > 0) {
    errno = EOPNOTSUPP;
    return VIRGATE_IO_ERROR;
  }
  for (int i = 0; i < iovcnt; i++)
    for (size_t done = 0; done < iov[i].iov_len; ) {
      ssize_t n = write_packet (layer, (char *) iov[i].iov_base + done,
                                iov[i].iov_len - done);

      if (n < 0)
        return total > 0 && n != VIRGATE_IO_ERROR ? total : n;
      done += n;
      total += n;
    }
  return total;
}

/* The rest of a transport ------------------------------------------------- */

static size_t
layer_pending (void *opaque)
{
  struct layer *layer = opaque;
  size_t lower = layer->lower_ops->pending
                 ? layer->lower_ops->pending (layer->lower) : 0;

  return layer->plain_len + lower;
}

static int
layer_pollfd (void *opaque)
{
  struct layer *layer = opaque;

  return layer->lower_ops->pollfd (layer->lower);
}

static int
layer_pollfd_write (void *opaque)
{
  struct layer *layer = opaque;
  const struct virgate_transport_ops *ops = layer->lower_ops;

  return ops->pollfd_write ? ops->pollfd_write (layer->lower)
                           : ops->pollfd (layer->lower);
}

uint32_t
layer_caps (void *opaque)
{
  struct layer *layer = opaque;
  const struct virgate_transport_ops *ops = layer->lower_ops;
  uint32_t caps = ops->conn_caps ? ops->conn_caps (layer->lower) : ops->caps;

  caps &= ~(uint32_t) (VIRGATE_CAP_PASSES_FDS | VIRGATE_CAP_DUPLEX);
  return layer->is_encrypted ? caps | VIRGATE_CAP_ENCRYPTED : caps;
}

static void
layer_shutdown (void *opaque)
{
  struct layer *layer = opaque;

  if (layer->lower_ops->shutdown)
    layer->lower_ops->shutdown (layer->lower);
}

void
layer_free (struct layer *layer)
{
  if (layer == NULL)
    return;
  if (layer->lower_ops)
    layer->lower_ops->close (layer->lower);
  layer->auth->conv_free (layer->conv);
  buf_free (&layer->sealed_in);
  buf_free (&layer->sealed_out);
  free (layer);
}

static void
layer_close (void *opaque)
{
  layer_free (opaque);
}

static int
layer_recheck (void *opaque)
{
  struct layer *layer = opaque;

  return layer->lower_ops->recheck ? layer->lower_ops->recheck (layer->lower)
                                   : 0;
}

static const struct virgate_transport_ops layer_ops = {
  .readv = layer_readv,
  .writev = layer_writev,
  .pending = layer_pending,
  .pollfd = layer_pollfd,
  .conn_caps = layer_caps,
  .shutdown = layer_shutdown,
  .close = layer_close,
  .recheck = layer_recheck,
  .pollfd_write = layer_pollfd_write,
};

/* Its beginning ----------------------------------------------------------- */

int
layer_is_wanted (const struct virgate_auth_ops *auth, void *conv)
{
  return auth->layer && auth->layer (conv) > 0;
}

struct layer *
layer_new (const struct virgate_auth_ops *auth, void *conv)
{
  size_t plain_max = auth->layer (conv);
  struct layer *layer;

  if (auth->wrap == NULL || auth->unwrap == NULL || auth->conv_free == NULL
      || plain_max < LAYER_PLAIN_MIN)
    return NULL;
  layer = calloc (1, sizeof *layer);
  if (layer == NULL)
    return NULL;
  layer->auth = auth;
  layer->conv = conv;
  layer->plain_max = MIN_OF (plain_max, (size_t) LAYER_PLAIN_MAX);
  layer->is_encrypted = auth->layer_bits
                        && auth->layer_bits (conv) >= LAYER_BITS_MIN;
  return layer;
}

void
layer_begin (struct layer *layer, const struct virgate_transport_ops **ops,
             void **conn)
{
  layer->lower_ops = *ops;
  layer->lower = *conn;
  *ops = &layer_ops;
  *conn = layer;
}
