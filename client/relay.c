/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate_relay: bytes between two descriptors and the far side of a
 * transport, for programs that speak the protocol but not the transport.
 * Each direction has one buffer, and is read from only while that is empty.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/internal.h"
#include "common/big-endian.h"
#include "core/frame.h"

/* Bytes on their way in one direction. */
#define ROOM (64 * 1024)

struct flow {
  char *data;
  size_t start, end;
  bool at_end;                  /* of what it is read from */
  bool is_over;                 /* the end is passed on, or nobody wants it */
};

struct relay {
  struct virgate_conn *conn;
  int in_fd, out_fd;            /* out_fd is -1 once it is closed */
  bool in_is_socket, out_is_socket;
  void (*far_ended) (void *opaque);
  void *opaque;
  bool is_unread;               /* nobody reads out_fd: throw it away */
  struct flow up, down;         /* to the far side, and from it */

  /* Worth trying; false until poll says so. */
  bool can_take, can_give;      /* read the far side, write to it */
  bool can_read, can_write;     /* our descriptors */
  short take_wants, give_wants; /* what the transport waits for */

  /* Where it is in the messages that it gives. */
  char word[FRAME_WORD_LEN];    /* the length of one, */
  size_t word_len;              /* as far as it is given */
  size_t rest;                  /* of one, behind that */
};

static bool
is_empty (const struct flow *flow)
{
  return flow->start == flow->end;
}

static bool
is_socket (int fd)
{
  int type;
  socklen_t len = sizeof type;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

static bool
would_block (void)
{
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int
fail (const struct relay *relay, const char *what)
{
  return client_error (VIRGATE_ERR_SYSTEM_ERROR, VIRGATE_FROM_RPC,
                       "%s: %s: %s", relay->conn->where, what,
                       strerror (errno));
}

static short
wants (ssize_t result)
{
  return result == VIRGATE_IO_WANT_WRITE ? POLLOUT : POLLIN;
}

/* From the far side -------------------------------------------------------- */

static int
take (struct relay *relay)
{
  struct flow *down = &relay->down;
  const struct iovec iov = { down->data, ROOM };
  ssize_t n = relay->conn->ops->readv (relay->conn->transport, &iov, 1, NULL);

  if (n == VIRGATE_IO_WANT_READ || n == VIRGATE_IO_WANT_WRITE) {
    relay->can_take = false;
    relay->take_wants = wants (n);
    return 0;
  }
  if (n == VIRGATE_IO_ERROR)
    return fail (relay, "the connection failed");
  down->start = 0;
  down->end = n;
  down->at_end = n == 0;
  return 1;
}

static void
close_out (struct relay *relay)
{
  if (relay->out_fd == -1)
    return;
  if (relay->out_is_socket)
    shutdown (relay->out_fd, SHUT_WR);
  close (relay->out_fd);
  relay->out_fd = -1;
}

/* What is no socket may block whoever writes more than poll promises. */
static ssize_t
write_some (const struct relay *relay, const char *data, size_t len)
{
  if (relay->out_is_socket)
    return send (relay->out_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
  return write (relay->out_fd, data, MIN_OF (len, (size_t) PIPE_BUF));
}

static int
put (struct relay *relay)
{
  struct flow *down = &relay->down;
  ssize_t n = write_some (relay, down->data + down->start,
                          down->end - down->start);

  relay->can_write = relay->out_is_socket && n > 0;
  if (n == -1 && would_block ())
    return 0;
  if (n == -1 && (errno == EPIPE || errno == ECONNRESET)) {
    relay->is_unread = true;
    return 1;
  }
  if (n == -1)
    return fail (relay, "cannot write what was received");
  down->start += n;
  return 1;
}

/* All of these: 1 when something moved, 0 when not, -1 with the error set. */
static int
pass_down (struct relay *relay)
{
  struct flow *down = &relay->down;

  if (relay->is_unread) {
    close_out (relay);
    down->start = down->end;
  }
  if (is_empty (down) && down->at_end && !down->is_over) {
    close_out (relay);
    down->is_over = true;
    if (relay->far_ended)
      relay->far_ended (relay->opaque);
    return 1;
  }
  if (!is_empty (down))
    return relay->can_write ? put (relay) : 0;
  return !down->at_end && relay->can_take ? take (relay) : 0;
}

/* To the far side ---------------------------------------------------------- */

static int
get (struct relay *relay)
{
  struct flow *up = &relay->up;
  ssize_t n = relay->in_is_socket
              ? recv (relay->in_fd, up->data, ROOM, MSG_DONTWAIT)
              : read (relay->in_fd, up->data, ROOM);

  relay->can_read = relay->in_is_socket && n > 0;
  if (n == -1 && would_block ())
    return 0;
  if (n == -1 && errno != ECONNRESET)
    return fail (relay, "cannot read what is to be sent");
  up->start = 0;
  up->end = MAX_OF (n, 0);
  up->at_end = n <= 0;
  return 1;
}

/* What of a message follows its length, which is in that. */
static size_t
rest_of (const char *word)
{
  return MAX_OF (be32_load (word), FRAME_WORD_LEN) - FRAME_WORD_LEN;
}

/* How many of these bytes are of one message. */
static size_t
of_one_message (const struct relay *relay, const char *data, size_t len)
{
  size_t missing = FRAME_WORD_LEN - relay->word_len;
  char word[FRAME_WORD_LEN];

  if (relay->rest > 0)
    return MIN_OF (relay->rest, len);
  if (len <= missing)
    return len;
  memcpy (word, relay->word, relay->word_len);
  memcpy (word + relay->word_len, data, missing);
  return MIN_OF (missing + rest_of (word), len);
}

/* So many are given, of one message. */
static void
given (struct relay *relay, const char *data, size_t len)
{
  size_t n = MIN_OF (len, relay->rest);

  for (relay->rest -= n; n < len && relay->rest == 0; n++) {
    relay->word[relay->word_len++] = data[n];
    if (relay->word_len == FRAME_WORD_LEN) {
      relay->rest = rest_of (relay->word);
      relay->word_len = 0;
    }
  }
  relay->rest -= len - n;
}

/* Stock servers look for one message in a record: see VIRGATE_CAP_RECORDS. */
static int
give (struct relay *relay)
{
  const struct virgate_transport_ops *ops = relay->conn->ops;
  struct flow *up = &relay->up;
  struct iovec iov = { up->data + up->start, up->end - up->start };
  ssize_t n;

  if (ops->caps & VIRGATE_CAP_RECORDS)
    iov.iov_len = of_one_message (relay, iov.iov_base, iov.iov_len);
  n = ops->writev (relay->conn->transport, &iov, 1, NULL);
  if (n == 0)
    n = VIRGATE_IO_WANT_WRITE;
  if (n == VIRGATE_IO_WANT_READ || n == VIRGATE_IO_WANT_WRITE) {
    relay->can_give = false;
    relay->give_wants = wants (n);
    return 0;
  }
  if (n == VIRGATE_IO_ERROR) {
    /* The far side reads no more; it may still have something to say. */
    up->start = up->end;
    up->at_end = up->is_over = true;
    return 1;
  }
  if (ops->caps & VIRGATE_CAP_RECORDS)
    given (relay, iov.iov_base, n);
  up->start += n;
  return 1;
}

static int
pass_up (struct relay *relay)
{
  struct flow *up = &relay->up;

  if (is_empty (up) && up->at_end && !up->is_over) {
    if (relay->conn->ops->shutdown)
      relay->conn->ops->shutdown (relay->conn->transport);
    up->is_over = true;
    return 1;
  }
  if (!is_empty (up))
    return relay->can_give ? give (relay) : 0;
  return !up->at_end && relay->can_read ? get (relay) : 0;
}

/* Waiting ------------------------------------------------------------------ */

static void
note_far (struct relay *relay, short got)
{
  if (got & (relay->take_wants | POLLERR | POLLHUP))
    relay->can_take = true;
  if (got & (relay->give_wants | POLLERR | POLLHUP))
    relay->can_give = true;
}

static int
wait_for_more (struct relay *relay)
{
  struct pollfd fds[] = {
    { relay->conn->ops->pollfd (relay->conn->transport), 0, 0 },
    { is_empty (&relay->up) && !relay->up.at_end ? relay->in_fd : -1,
      POLLIN, 0 },
    { relay->out_fd, is_empty (&relay->down) ? 0 : POLLOUT, 0 },
  };

  if (is_empty (&relay->down) && !relay->down.at_end)
    fds[0].events |= relay->take_wants;
  if (!is_empty (&relay->up))
    fds[0].events |= relay->give_wants;
  if (fds[0].events == 0)
    fds[0].fd = -1;
  if (poll (fds, COUNT_OF (fds), -1) == -1)
    return errno == EINTR ? 0 : fail (relay, "poll");
  note_far (relay, fds[0].revents);
  if (fds[1].revents)
    relay->can_read = true;
  if (fds[2].revents & (POLLERR | POLLHUP))
    relay->is_unread = true;
  else if (fds[2].revents)
    relay->can_write = true;
  return 0;
}

static int
run (struct relay *relay)
{
  while (!relay->up.is_over
         || (!relay->down.is_over && !relay->is_unread)) {
    int down = pass_down (relay);
    int up = down == -1 ? -1 : pass_up (relay);

    if (up == -1)
      return -1;
    if (up == 0 && down == 0 && wait_for_more (relay) == -1)
      return -1;
  }
  return 0;
}

int
virgate_relay (const char *uri,
               const struct virgate_connect_options *options,
               int in_fd, int out_fd, void (*far_ended) (void *opaque),
               void *opaque)
{
  struct relay relay = {
    .in_fd = in_fd, .out_fd = out_fd,
    .far_ended = far_ended, .opaque = opaque,
    .in_is_socket = is_socket (in_fd), .out_is_socket = is_socket (out_fd),
    .can_take = true, .can_give = true,
    .take_wants = POLLIN, .give_wants = POLLOUT,
  };
  int result = -1;

  relay.conn = conn_dial (uri, options);
  if (relay.conn) {
    relay.up.data = malloc (ROOM);
    relay.down.data = malloc (ROOM);
    result = relay.up.data && relay.down.data ? run (&relay)
             : client_error (VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC, NULL);
    conn_destroy (relay.conn);
  }
  free (relay.up.data);
  free (relay.down.data);
  close_out (&relay);
  return result;
}
