/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The link's thread's side of channels: opening, moving bytes both ways, and
 * what the far side says at the end.  Nothing here waits.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "common/cleanup.h"
#include "common/mem.h"

#define WINDOW (2 * 1024 * 1024)

/* Sealed bytes that wait for the socket: above, no more is taken. */
#define OUT_MAX (512 * 1024)

/* Between the end of the far side's bytes and its exit status. */
#define STATUS_WAIT_NS (300 * NS_PER_MS)

/* Opening ------------------------------------------------------------------ */

/* The one who waits is told; 1: it is open. */
static void
settle (struct channel *channel, int result)
{
  struct link *link = channel->link;
  LOCK_FOR_SCOPE (&link->lock);

  channel->result = result;
  if (result != 1)
    snprintf (channel->why, sizeof channel->why, "%s", link_said (link));
  pthread_cond_broadcast (&link->changed);
}

static bool
failed (struct channel *channel)
{
  int error = libssh2_session_last_errno (channel->link->session);

  if (error == LIBSSH2_ERROR_EAGAIN)
    return true;
  settle (channel, error ? error : LIBSSH2_ERROR_CHANNEL_FAILURE);
  channel->state = channel->ssh ? CHANNEL_CLOSING : CHANNEL_GONE;
  return channel->ssh != NULL;
}

static void
is_up (struct channel *channel)
{
  channel->state = CHANNEL_UP;
  settle (channel, 1);
}

static bool
step_open (struct channel *channel)
{
  static const char *const types[] = {
    [CHANNEL_EXEC] = "session",
    [CHANNEL_UNIX] = "direct-streamlocal@openssh.com",
    [CHANNEL_TCP] = "direct-tcpip",
  };
  const char *type = types[channel->kind];
  bool is_exec = channel->kind == CHANNEL_EXEC;

  channel->ssh = libssh2_channel_open_ex (
    channel->link->session, type, strlen (type), WINDOW,
    LIBSSH2_CHANNEL_PACKET_DEFAULT, is_exec ? NULL : channel->target,
    is_exec ? 0 : channel->target_len);
  if (channel->ssh == NULL)
    return failed (channel);
  if (is_exec)
    channel->state = CHANNEL_STARTING;
  else
    is_up (channel);
  return true;
}

static bool
step_start (struct channel *channel)
{
  int result = libssh2_channel_process_startup (
    channel->ssh, "exec", 4, channel->target, channel->target_len);

  if (result == LIBSSH2_ERROR_EAGAIN)
    return true;
  if (result != 0)
    return failed (channel);
  is_up (channel);
  return true;
}

/* Moving ------------------------------------------------------------------- */

static void
close_near (struct channel *channel)
{
  if (channel->fd >= 0)
    close (channel->fd);
  channel->fd = -1;
}

/* An error on one channel that is none of the link ends the channel only. */
static void
broken (struct channel *channel, ssize_t error)
{
  if (error != LIBSSH2_ERROR_CHANNEL_CLOSED
      && error != LIBSSH2_ERROR_CHANNEL_EOF_SENT)
    channel->link->is_broken = true;
  channel->far_ended = true;
  shutdown (channel->fd, SHUT_WR);
}

/* More from the owner?  False when there is none now. */
static bool
refill (struct channel *channel)
{
  ssize_t n;

  if (!channel->near_readable || channel->near_ended)
    return false;
  n = recv (channel->fd, channel->out, CHANNEL_CHUNK, 0);
  channel->near_readable = n == CHANNEL_CHUNK;
  if (n > 0) {
    channel->in_pair -= n;
    channel->out_at = 0;
    channel->out_len = n;
    return true;
  }
  if (n == -1 && (errno == EAGAIN || errno == EINTR))
    return false;
  channel->near_ended = true;
  if (!channel->far_ended)
    libssh2_channel_send_eof (channel->ssh);
  return false;
}

static void
move_out (struct channel *channel)
{
  const struct buf *waiting = &channel->link->out;

  while (!channel->far_ended && buf_len (waiting) < OUT_MAX) {
    ssize_t n;

    if (channel->out_at == channel->out_len && !refill (channel))
      return;
    n = libssh2_channel_write (channel->ssh, channel->out + channel->out_at,
                               channel->out_len - channel->out_at);
    if (n == LIBSSH2_ERROR_EAGAIN || n == 0)
      return;
    if (n < 0) {
      broken (channel, n);
      return;
    }
    channel->out_at += n;
  }
}

static bool
may_write_now (const struct channel *channel)
{
  return channel->state == CHANNEL_UP && !channel->link->is_broken
         && !channel->near_ended && !channel->far_ended
         && channel->out_at == channel->out_len && channel->in_pair == 0
         && buf_len (&channel->link->out) == 0;
}

size_t
channel_write_now (struct channel *channel, const struct iovec *iov,
                   int iovcnt)
{
  struct link *link = channel->link;
  size_t len = 0;

  if (!may_write_now (channel))
    return 0;
  for (int i = 0; i < iovcnt && len < CHANNEL_CHUNK; i++) {
    size_t n = MIN_OF (iov[i].iov_len, CHANNEL_CHUNK - len);

    memcpy (channel->out + len, iov[i].iov_base, n);
    len += n;
  }
  channel->out_at = 0;
  channel->out_len = len;
  move_out (channel);
  link_flush (link);
  /* What is left is the thread's. */
  if (channel->out_at < channel->out_len || buf_len (&link->out) > 0
      || link->is_readable || link->is_broken)
    link_wake (link);
  return len;
}

/* Give the owner what is there.  False when there is no room. */
static bool
drain (struct channel *channel)
{
  ssize_t n;

  while (channel->in_at < channel->in_len) {
    n = send (channel->fd, channel->in + channel->in_at,
              channel->in_len - channel->in_at, MSG_NOSIGNAL);
    if (n == -1 && errno == EINTR)
      continue;
    channel->near_full = n == -1 && errno == EAGAIN;
    if (channel->near_full)
      return false;
    if (n == -1)                /* the owner left: nobody wants it */
      n = channel->in_len - channel->in_at;
    channel->in_at += n;
  }
  channel->near_full = false;
  return true;
}

static void
move_in (struct channel *channel)
{
  while (drain (channel) && !channel->far_ended) {
    ssize_t n = libssh2_channel_read (channel->ssh, channel->in,
                                      CHANNEL_CHUNK);

    if (n == LIBSSH2_ERROR_EAGAIN || n == 0)
      return;
    if (n < 0) {
      broken (channel, n);
      return;
    }
    channel->in_at = 0;
    channel->in_len = n;
  }
}

/* Keep the end of the far side's standard error. */
static void
move_errors (struct channel *channel)
{
  char data[512];
  ssize_t n;

  while ((n = libssh2_channel_read_stderr (channel->ssh, data, sizeof data))
         > 0) {
    LOCK_FOR_SCOPE (&channel->link->lock);
    size_t keep = MIN_OF (channel->said_len, sizeof channel->said - n);

    memmove (channel->said, channel->said + channel->said_len - keep, keep);
    memcpy (channel->said + keep, data, n);
    channel->said_len = keep + n;
  }
}

/* The end ------------------------------------------------------------------ */

static void
note_status (struct channel *channel)
{
  LOCK_FOR_SCOPE (&channel->link->lock);
  char *name = NULL;
  size_t len = 0;

  channel->status = libssh2_channel_get_exit_status (channel->ssh);
  channel->has_status = true;
  libssh2_channel_get_exit_signal (channel->ssh, &name, &len, NULL, NULL,
                                   NULL, NULL);
  if (name)
    answer_quote (name, len, channel->signal, sizeof channel->signal);
  libssh2_free (channel->link->session, name);
}

/* The owner hears of it only when the exit status is there, or late. */
static void
look_for_end (struct channel *channel)
{
  int result;

  if (channel->far_ended || channel->in_at < channel->in_len
      || libssh2_channel_eof (channel->ssh) != 1)
    return;
  if (channel->far_eof == 0)
    channel->far_eof = now_ns ();
  result = libssh2_channel_wait_closed (channel->ssh);
  if (result == LIBSSH2_ERROR_EAGAIN
      && now_ns () < channel->far_eof + STATUS_WAIT_NS)
    return;
  move_errors (channel);
  if (result == 0)
    note_status (channel);
  channel->far_ended = true;
  shutdown (channel->fd, SHUT_WR);
}

/* Bytes that the owner wrote before it left are still sent, and the far side
 * has time to take them: sshd forgets what it holds when we disconnect.
 */
static bool
is_over (const struct channel *channel)
{
  if (channel->near_ended && channel->far_ended)
    return true;
  return channel->near_hup
         && (channel->far_ended
             || now_ns () >= channel->hup_at + CHANNEL_DRAIN_NS);
}

static bool
step_up (struct channel *channel)
{
  move_out (channel);
  move_in (channel);
  if (channel->kind == CHANNEL_EXEC && !channel->link->is_broken)
    move_errors (channel);
  look_for_end (channel);
  if (channel->is_abandoned || is_over (channel)) {
    close_near (channel);
    channel->state = CHANNEL_CLOSING;
  }
  return true;
}

static bool
step_close (struct channel *channel)
{
  if (channel->link->is_broken)
    return true;                /* with the session */
  if (libssh2_channel_free (channel->ssh) == LIBSSH2_ERROR_EAGAIN)
    return true;
  channel->state = CHANNEL_GONE;
  return false;
}

bool
channel_step (struct channel *channel)
{
  static bool (*const steps[]) (struct channel *channel) = {
    [CHANNEL_OPENING] = step_open, [CHANNEL_STARTING] = step_start,
    [CHANNEL_UP] = step_up, [CHANNEL_CLOSING] = step_close,
  };
  enum channel_state before;

  do {
    before = channel->state;
    if (!steps[before] (channel))
      return false;
  } while (channel->state != before);
  return true;
}

short
channel_events (const struct channel *channel)
{
  short events = 0;

  if (channel->state != CHANNEL_UP)
    return 0;
  if (!channel->near_ended && !channel->far_ended
      && channel->out_at == channel->out_len
      && buf_len (&channel->link->out) < OUT_MAX)
    events |= POLLIN;
  if (channel->near_full)
    events |= POLLOUT;
  return events;
}

void
channel_drop (struct channel *channel)
{
  close_near (channel);
  channel_unref (channel);
}
