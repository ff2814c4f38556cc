/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A server on a thread of the test; see fake-server.h.
 */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "fake-server.h"

/* The client's transport: a socket, with descriptors ---------------------- */

struct pair_conn {
  int fd;
};

static ssize_t
pair_result (ssize_t n, int want)
{
  if (n == -1)
    return errno == EAGAIN ? want : VIRGATE_IO_ERROR;
  return n;
}

static ssize_t
pair_readv (void *opaque, const struct iovec *iov, int iovcnt,
            struct virgate_fds *fds)
{
  struct pair_conn *pair = opaque;
  char control[CMSG_SPACE (sizeof (int) * FRAME_FDS_MAX)]
    __attribute__ ((aligned (16)));
  struct msghdr msg = { .msg_iov = (struct iovec *) iov,
                        .msg_iovlen = iovcnt, .msg_control = control,
                        .msg_controllen = sizeof control };
  struct cmsghdr *c;
  ssize_t n;

  do
    n = recvmsg (pair->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (n == -1 && errno == EINTR);
  fds->count = 0;
  c = n > 0 ? CMSG_FIRSTHDR (&msg) : NULL;
  if (c) {
    fds->count = (c->cmsg_len - CMSG_LEN (0)) / sizeof (int);
    memcpy (fds->fd, CMSG_DATA (c), fds->count * sizeof (int));
  }
  return pair_result (n, VIRGATE_IO_WANT_READ);
}

static ssize_t
pair_writev (void *opaque, const struct iovec *iov, int iovcnt,
             const struct virgate_fds *fds)
{
  struct pair_conn *pair = opaque;
  char control[CMSG_SPACE (sizeof (int))] __attribute__ ((aligned (16)));
  struct msghdr msg = { .msg_iov = (struct iovec *) iov,
                        .msg_iovlen = iovcnt };
  ssize_t n;

  if (fds && fds->count == 1) {
    struct cmsghdr *c;

    memset (control, 0, sizeof control);
    msg.msg_control = control;
    msg.msg_controllen = sizeof control;
    c = CMSG_FIRSTHDR (&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN (sizeof (int));
    memcpy (CMSG_DATA (c), fds->fd, sizeof (int));
  }
  do
    n = sendmsg (pair->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n == -1 && errno == EINTR);
  return pair_result (n, VIRGATE_IO_WANT_WRITE);
}

static int
pair_pollfd (void *opaque)
{
  return ((struct pair_conn *) opaque)->fd;
}

static void
pair_close (void *opaque)
{
  close (((struct pair_conn *) opaque)->fd);
  free (opaque);
}

static const struct virgate_transport_ops pair_ops = {
  .readv = pair_readv, .writev = pair_writev, .pollfd = pair_pollfd,
  .close = pair_close,
};

/* Both ends --------------------------------------------------------------- */

static void *
run_script (void *opaque)
{
  struct fake *fake = opaque;

  fake->script (fake);
  close (fake->fd);
  return NULL;
}

void
fake_start (struct fake *fake, fake_fn *script, void *opaque,
            const struct virgate_connect_options *options)
{
  static const struct virgate_connect_options defaults = {
    .size = sizeof defaults, .keepalive_interval_ms = -1
  };
  struct pair_conn *pair = malloc (sizeof *pair);
  int fds[2];

  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                    0);
  fake->fd = fds[0];
  fake->script = script;
  fake->opaque = opaque;
  fake->conn = conn_new (options ? options : &defaults);
  assert_non_null (fake->conn);
  pair->fd = fds[1];
  fake->conn->ops = &pair_ops;
  fake->conn->transport = pair;
  fake->conn->caps = VIRGATE_CAP_LOCAL | VIRGATE_CAP_PASSES_FDS;
  fake->conn->uri = strdup ("test:///fake");
  fake->conn->where = strdup ("test:///fake");
  assert_int_equal (pthread_create (&fake->thread, NULL, run_script, fake),
                    0);
}

void
fake_stop (struct fake *fake)
{
  virgate_conn_free (fake->conn);
  pthread_join (fake->thread, NULL);
}

/* Frames ------------------------------------------------------------------ */

static bool
read_all (int fd, void *data, size_t len)
{
  char *to = data;

  while (len > 0) {
    ssize_t n = recv (fd, to, len, 0);

    if (n == -1 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    to += n;
    len -= n;
  }
  return true;
}

bool
fake_read (struct fake *fake, struct got *got)
{
  char prefix[FRAME_PREFIX_LEN];
  size_t len;

  if (!read_all (fake->fd, prefix, sizeof prefix))
    return false;
  len = frame_unpack_length (prefix);
  assert_in_range (len, FRAME_PREFIX_LEN,
                   FRAME_PREFIX_LEN + sizeof got->payload);
  frame_unpack_header (prefix + FRAME_WORD_LEN, &got->head);
  got->len = len - FRAME_PREFIX_LEN;
  got->fd_count = 0;
  if (!read_all (fake->fd, got->payload, got->len))
    return false;
  if (got->head.type == FRAME_CALL_FDS) {
    memcpy (&got->fd_count, got->payload, sizeof got->fd_count);
    got->fd_count = be32toh (got->fd_count);
  }
  return true;
}

void
fake_write (struct fake *fake, const void *data, size_t len)
{
  const char *from = data;

  while (len > 0) {
    ssize_t n = send (fake->fd, from, len, MSG_NOSIGNAL);

    if (n == -1 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    from += n;
    len -= n;
  }
}

void
fake_send (struct fake *fake, const struct frame_header *head,
           const void *payload, size_t len)
{
  struct buf out = BUF_INIT;

  assert_int_equal (frame_append (&out, head, payload, len), 0);
  fake_write (fake, buf_data (&out), buf_len (&out));
  buf_free (&out);
}

void
fake_reply (struct fake *fake, const struct got *call, const void *payload,
            size_t len)
{
  struct frame_header head = call->head;

  head.type = FRAME_REPLY;
  fake_send (fake, &head, payload, len);
}

void
fake_reply_u32 (struct fake *fake, const struct got *call, uint32_t value)
{
  value = htobe32 (value);
  fake_reply (fake, call, &value, sizeof value);
}

void
fake_fail (struct fake *fake, const struct got *call, int32_t code,
           const char *message)
{
  struct frame_header head = call->head;
  struct virgate_error err = { 0 };
  struct buf out = BUF_INIT;

  head.type = FRAME_REPLY;
  head.status = FRAME_ERROR;
  error_text (&err, code, VIRGATE_FROM_DOMAIN, "%s", message);
  assert_int_equal (error_encode (&out, &err), 0);
  fake_send (fake, &head, buf_data (&out), buf_len (&out));
  buf_free (&out);
  error_clear (&err);
}

void
fake_event (struct fake *fake, int32_t callback, int32_t event)
{
  const struct frame_header head = {
    .program = VIRGATE_REMOTE_PROGRAM, .version = 1, .serial = 1,
    .procedure = VIRGATE_REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE,
    .type = FRAME_MESSAGE,
  };
  const struct virgate_remote_domain_event_callback_lifecycle_msg msg = {
    .callbackID = callback,
    .msg = { .dom = { .name = "d", .id = 7 }, .event = event },
  };
  struct buf out = BUF_INIT;

  assert_int_equal (xdr_encode (proc_find (head.program,
                                           head.procedure)->args,
                                &msg, &out, NULL), 0);
  fake_send (fake, &head, buf_data (&out), buf_len (&out));
  buf_free (&out);
}

/* Scripts ----------------------------------------------------------------- */

static bool
is_close (const struct got *got)
{
  return got->head.procedure == VIRGATE_REMOTE_PROC_CONNECT_CLOSE
         && got->head.type == FRAME_CALL;
}

void
fake_idle (struct fake *fake)
{
  struct got *got = malloc (sizeof *got);

  while (fake_read (fake, got))
    if (is_close (got))
      fake_reply (fake, got, NULL, 0);
  free (got);
}

void
fake_echo (struct fake *fake)
{
  struct got *got = malloc (sizeof *got);

  while (fake_read (fake, got)) {
    if (got->head.program == VIRGATE_REMOTE_PROGRAM
        && got->head.procedure
           == VIRGATE_REMOTE_PROC_CONNECT_SUPPORTS_FEATURE)
      fake_reply (fake, got, got->payload, 4);
    else if (is_close (got))
      fake_reply (fake, got, NULL, 0);
  }
  free (got);
}

int
call_feature (struct virgate_conn *conn, int32_t feature)
{
  const struct virgate_remote_connect_supports_feature_args args = {
    .feature = feature
  };
  struct virgate_remote_connect_supports_feature_ret *ret;
  int result;

  if (virgate_remote_connect_supports_feature (conn, &args, &ret) == -1)
    return -1;
  result = ret->supported;
  virgate_free (ret);
  return result;
}

void
assert_error (int32_t code, const char *text)
{
  const struct virgate_error *err = virgate_last_error ();

  if (err->code != code || strstr (err->message, text) == NULL)
    fail_msg ("error %d '%s', expected %d '%s'", err->code, err->message,
              code, text);
}
