/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A link on its loop: reading and writing, both at any time, and holding back
 * whichever side is faster; see link.h.  How it is made is in link-open.c.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "core/error.h"
#include "daemon/gateway.h"
#include "daemon/link.h"
#include "daemon/loop.h"
#include "daemon/session.h"

/* Beyond so many calls in flight stock servers stop reading, and with that
 * answering pings (libvirtd.conf: max_client_requests).
 */
#define BUSY_REQUESTS 4

/* Keepalive is looked after in steps of this. */
#define KEEPALIVE_STEP (250 * NS_PER_MS)

bool
link_passes_fds (const struct virgate_link *link)
{
  return link->dialed.caps & VIRGATE_CAP_PASSES_FDS;
}

bool
link_is_secure (const struct virgate_link *link)
{
  return link->dialed.caps & (VIRGATE_CAP_LOCAL | VIRGATE_CAP_ENCRYPTED);
}

/* The end ------------------------------------------------------------------ */

static void
on_poll_closed (uv_handle_t *handle)
{
  struct virgate_link *link = handle->data;

  session_unpin (link->session);
}

static void
on_second_closed (uv_handle_t *handle)
{
  struct virgate_link *link = handle->data;

  free (handle);
  session_unpin (link->session);
}

static void
close_polls (struct virgate_link *link)
{
  if (link->is_attached)
    uv_close ((uv_handle_t *) &link->poll, on_poll_closed);
  if (link->poll_write)
    uv_close ((uv_handle_t *) link->poll_write, on_second_closed);
  link->poll_write = NULL;
}

/* Close the transport and drop what waits; the driver keeps the memory. */
static void
close_connection (struct virgate_link *link)
{
  const struct virgate_transport_ops *ops = link->dialed.ops;

  if (link->is_closed)
    return;
  link->is_closed = true;
  list_remove (&link->ready);
  list_remove (&link->touched);
  list_remove (&link->pinged);
  close_polls (link);
  if (ops->shutdown)
    ops->shutdown (link->dialed.conn);
  ops->close (link->dialed.conn);
  wire_out_free (&link->out);
  if (!link->is_serving)        /* then its turn does it */
    wire_in_free (&link->in);
}

void
link_detach (struct virgate_link *link)
{
  link->session->onward = NULL;
  close_connection (link);
}

/* It ended by itself: the driver is told. */
SELDOM static void __attribute__ ((format (printf, 2, 3)))
fail (struct virgate_link *link, const char *fmt, ...)
{
  CLEANUP_ERROR struct virgate_error why = { 0 };
  char text[128];
  va_list args;

  if (link->is_closed)
    return;
  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  error_set (&why, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC,
             "the connection to the hypervisor is lost: %s", text);
  link_detach (link);
  if (session_is_closing (link->session))
    gateway_left (link->session);
  if (link->ops.closed)
    link->ops.closed (link->opaque, &why);
}

void
link_service_close (struct virgate_link *link)
{
  if (link == NULL)
    return;
  close_connection (link);
  instance_close (link->auth);
  peer_free (&link->peer);
  free (link);
}

/* Polling and writing ------------------------------------------------------ */

static void on_poll (uv_poll_t *poll, int status, int events);

static void
watch (uv_poll_t *poll, int events)
{
  if (events == 0)
    uv_poll_stop (poll);
  else
    uv_poll_start (poll, events, on_poll);
}

static void
set_poll (struct virgate_link *link)
{
  int events = 0;

  if (link->is_closed)
    return;
  if (!link->is_stopped)
    events = link->want_in ? link->want_in : UV_READABLE;
  if (wire_out_len (&link->out) > 0)
    events |= link->want_out;
  if (events == link->polled)
    return;
  link->polled = events;
  watch (&link->poll, link->poll_write ? events & ~UV_WRITABLE : events);
  if (link->poll_write)
    watch (link->poll_write, events & UV_WRITABLE);
}

/* Ask for a turn, after others. */
static void
again (struct virgate_link *link)
{
  if (list_is_empty (&link->ready))
    list_append (&link->loop->links_ready, &link->ready);
}

static void
touch (struct virgate_link *link)
{
  if (list_is_empty (&link->touched))
    list_append (&link->loop->links_touched, &link->touched);
}

/* The loop lends its buffer, as it does to sessions. */
static struct buf *
out_buf (struct virgate_link *link)
{
  struct buf *out = &link->out.buf;

  if (out->base == NULL) {
    *out = link->loop->out;
    link->loop->out = (struct buf) BUF_INIT;
  }
  return out;
}

/* Everything is written. */
static void
written (struct virgate_link *link)
{
  struct buf *out = &link->out.buf;

  link->want_out = 0;
  if (link->has_secret)
    wipe (out->base, out->size);
  link->has_secret = false;
  if (link->loop->out.base == NULL && out->size <= LOOP_OUT_KEEP) {
    link->loop->out = *out;
    *out = (struct buf) BUF_INIT;
  }
  else
    buf_free (out);
  if (!link->is_full)
    return;
  link->is_full = false;
  if (link->ops.writable)
    link->ops.writable (link->opaque);
}

void
link_flush (struct virgate_link *link)
{
  int ret;

  list_remove (&link->touched);
  if (link->is_closed)
    return;
  if (wire_out_len (&link->out) > 0) {
    ret = wire_flush (&link->out, link->dialed.ops, link->dialed.conn);
    if (ret == VIRGATE_IO_ERROR) {
      fail (link, "%s", strerror (errno));
      return;
    }
    if (ret == 0)
      written (link);
    else
      link->want_out = ret == VIRGATE_IO_WANT_READ ? UV_READABLE
                                                   : UV_WRITABLE;
  }
  set_poll (link);
}

int
link_service_send (struct virgate_link *link,
                   const struct virgate_frame *frame)
{
  const struct frame_header head = {
    .program = frame->program, .version = frame->version,
    .procedure = frame->procedure, .type = frame->type,
    .serial = frame->serial, .status = frame->status,
  };

  if (link->is_closed)
    return -1;
  if (wire_out_len (&link->out) >= LINK_OUT_MAX) {
    link->is_full = true;
    return VIRGATE_AGAIN;
  }
  out_buf (link);
  if (wire_out_frame (&link->out, link->dialed.ops, link->dialed.conn, &head,
                      frame->payload, frame->len, frame->fds,
                      frame->fd_count) == -1) {
    fail (link, "cannot pass a message on: %s", strerror (errno));
    return -1;
  }
  touch (link);
  return 0;
}

/* Reading ------------------------------------------------------------------ */

/* One frame from the far side. */
static enum wire_verdict
take_frame (void *opaque, const struct frame *frame)
{
  struct virgate_link *link = opaque;
  const struct virgate_frame given = {
    .program = frame->head.program, .version = frame->head.version,
    .procedure = frame->head.procedure, .type = frame->head.type,
    .serial = frame->head.serial, .status = frame->head.status,
    .payload = frame->payload, .len = frame->len,
    .fds = frame->fds, .fd_count = frame->fd_count,
  };
  int result;

  keepalive_heard (&link->keepalive, link->loop->now);
  if (frame->head.program == KEEPALIVE_PROGRAM) {
    result = keepalive_frame (frame, out_buf (link));
    if (result == 1)
      touch (link);
    return result == -1 ? WIRE_BROKEN : WIRE_NEXT;
  }
  result = link->ops.frame (link->opaque, &given);
  if (link->is_closed)
    return WIRE_BROKEN;
  if (result == VIRGATE_AGAIN) {
    link->is_waiting = true;
    return WIRE_HOLD;
  }
  return result == 0 ? WIRE_NEXT : WIRE_BROKEN;
}

/* Read once and hand over what came.  WIRE_BROKEN with errno, 0 at the end. */
static enum wire_verdict
receive (struct virgate_link *link)
{
  const struct virgate_transport_ops *ops = link->dialed.ops;
  struct loop *loop = link->loop;
  struct iovec iov = { NULL, 0 };
  struct virgate_fds *fds = gateway_awaits_fds (link->session) ? &loop->fds
                                                              : NULL;
  ssize_t n;

  iov.iov_base = wire_inside (&link->in, &iov.iov_len);
  if (iov.iov_base == NULL)
    iov = (struct iovec) { loop->scratch, LOOP_SCRATCH };
  loop->fds.count = 0;
  n = ops->readv (link->dialed.conn, &iov, 1, fds);
  if (n == VIRGATE_IO_WANT_READ || n == VIRGATE_IO_WANT_WRITE) {
    link->want_in = n == VIRGATE_IO_WANT_READ ? UV_READABLE : UV_WRITABLE;
    return WIRE_NEXT;
  }
  if (n <= 0) {
    errno = n == 0 ? 0 : errno;
    return WIRE_BROKEN;
  }
  link->want_in = UV_READABLE;
  if (loop->fds.count == 0)
    fds = NULL;
  if (iov.iov_base == loop->scratch)
    return wire_feed (&link->in, iov.iov_base, n, fds, take_frame, link);
  if (fds && wire_feed (&link->in, "", 0, fds, take_frame, link)
             == WIRE_BROKEN)
    return WIRE_BROKEN;
  return wire_feed_inside (&link->in, n, take_frame, link);
}

SELDOM static void
broken (struct virgate_link *link)
{
  if (errno == 0)
    fail (link, "it was closed there");
  else if (errno == ECANCELED || errno == EBADMSG || errno == EMSGSIZE)
    fail (link, "something came that must not be sent");
  else
    fail (link, "%s", strerror (errno));
}

static bool
has_unread (const struct virgate_link *link)
{
  const struct virgate_transport_ops *ops = link->dialed.ops;

  return ops->pending && ops->pending (link->dialed.conn) > 0;
}

/* One turn: what was held back, or what can be read now.  What it made for
 * the client is written at its end, all at once.
 */
static void
turn (struct virgate_link *link)
{
  struct session *session = link->session;
  enum wire_verdict verdict;

  link->is_waiting = false;
  link->is_serving = session->is_serving = true;
  verdict = link->is_stopped ? wire_resume (&link->in, take_frame, link)
                             : receive (link);
  link->is_serving = session->is_serving = false;
  if (link->is_closed)
    wire_in_free (&link->in);
  else if (verdict == WIRE_BROKEN)
    broken (link);
  else {
    link->is_stopped = verdict == WIRE_STOP;
    if (!link->is_waiting && (link->is_stopped || has_unread (link)))
      again (link);
    link_flush (link);
  }
  session_flush (session);
}

void
link_continue (struct virgate_link *link)
{
  if (!link->is_closed && !link->is_waiting)
    turn (link);
}

void
link_service_resume (struct virgate_link *link)
{
  if (link == NULL || link->is_closed || !link->is_waiting)
    return;
  link->is_waiting = false;
  again (link);
}

static void
on_poll (uv_poll_t *poll, int status, int events)
{
  struct virgate_link *link = poll->data;

  link->loop->now = now_ns ();
  if (status < 0) {             /* libuv has stopped; reading says why */
    link->polled = 0;
    if (!link->is_stopped)
      turn (link);
    else
      fail (link, "it was closed there");
    return;
  }
  if (wire_out_len (&link->out) > 0 && (events & link->want_out))
    link_flush (link);
  if (!link->is_closed && !link->is_stopped
      && (events & (link->want_in ? link->want_in : UV_READABLE)))
    turn (link);
}

/* Life --------------------------------------------------------------------- */

static void
start_keepalive (struct virgate_link *link)
{
  struct loop *loop = link->loop;

  if (loop->limits.keepalive_ns == 0)
    return;
  keepalive_start (&link->keepalive, loop->limits.keepalive_ns,
                   loop->limits.keepalive_count, loop->now);
  list_append (&loop->links_pinged, &link->pinged);
  loop_wake_at (loop, keepalive_deadline (&link->keepalive));
}

/* Watch the descriptor that is written to, if there is a second one. */
static int
attach_second (struct virgate_link *link)
{
  const struct virgate_transport_ops *ops = link->dialed.ops;
  void *conn = link->dialed.conn;
  uv_poll_t *poll;
  int fd = ops->pollfd_write ? ops->pollfd_write (conn) : -1;

  if (fd == -1 || fd == ops->pollfd (conn))
    return 0;
  poll = malloc (sizeof *poll);
  if (poll == NULL || uv_poll_init (&link->loop->uv, poll, fd) != 0) {
    free (poll);
    return -1;
  }
  poll->data = link;
  link->poll_write = poll;
  session_pin (link->session);
  return 0;
}

int
link_attach (struct virgate_link *link)
{
  const struct virgate_transport_ops *ops = link->dialed.ops;

  if (uv_poll_init (&link->loop->uv, &link->poll,
                    ops->pollfd (link->dialed.conn)) != 0)
    return -1;
  link->poll.data = link;
  link->is_attached = true;
  link->session->onward = link;
  session_pin (link->session);
  if (attach_second (link) == -1)
    return -1;
  if (link->has_keepalive)
    start_keepalive (link);
  link->is_stopped = buf_len (&link->in.part) > 0;
  if (link->is_stopped || has_unread (link))
    again (link);
  set_poll (link);
  return 0;
}

static void
check (struct virgate_link *link, int64_t now)
{
  enum keepalive_due due;

  /* Not when the far side has a reason to be silent. */
  if (link->session->requests >= BUSY_REQUESTS || link->is_stopped
      || wire_out_len (&link->out) > 0) {
    keepalive_heard (&link->keepalive, now);
    return;
  }
  due = keepalive_check (&link->keepalive, now);
  if (due == KEEPALIVE_DEAD)
    fail (link, "pings are not answered");
  else if (due == KEEPALIVE_SEND_PING
           && keepalive_append (out_buf (link), KEEPALIVE_PING) == 0)
    touch (link);
}

void
links_keepalive (struct loop *loop)
{
  int64_t next = INT64_MAX;

  list_for_each (item, &loop->links_pinged) {
    struct virgate_link *link = list_item (item, struct virgate_link, pinged);

    check (link, loop->now);
    if (!link->is_closed)
      next = MIN_OF (next, keepalive_deadline (&link->keepalive));
  }
  if (next != INT64_MAX)
    loop_wake_at (loop, MAX_OF (next, loop->now + KEEPALIVE_STEP));
}
