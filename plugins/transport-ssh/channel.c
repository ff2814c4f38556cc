/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The owner's side of channels: asking the link's thread for one, and the pipe
 * that it becomes.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "common/cleanup.h"
#include "common/mem.h"

/* What openssh wants to be told beside the path or host. */
static int
put_u32 (struct buf *out, uint32_t n)
{
  const unsigned char bytes[] = { n >> 24, n >> 16, n >> 8, n };

  return buf_append (out, bytes, sizeof bytes);
}

static int
put_string (struct buf *out, const char *text)
{
  return put_u32 (out, strlen (text)) | buf_append (out, text, strlen (text));
}

/* The command, or the message that names the target. */
static int
set_target (struct channel *channel, const struct channel_spec *spec)
{
  struct buf out = BUF_INIT;
  int result = 0;

  if (spec->kind == CHANNEL_EXEC)
    result = buf_append (&out, spec->target, strlen (spec->target));
  else {
    result |= put_string (&out, spec->target);
    if (spec->kind == CHANNEL_TCP)
      result |= put_u32 (&out, spec->port) | put_string (&out, "127.0.0.1");
    else
      result |= put_string (&out, "");
    result |= put_u32 (&out, 0);
  }
  channel->target = out.base;
  channel->target_len = buf_len (&out);
  return result;
}

void
channel_unref (struct channel *channel)
{
  struct link *link = channel->link;
  bool is_last;

  pthread_mutex_lock (&link->lock);
  is_last = --channel->refs == 0;
  pthread_mutex_unlock (&link->lock);
  if (!is_last)
    return;
  if (channel->fd >= 0)
    close (channel->fd);
  free (channel->target);
  free (channel->in);
  free (channel->out);
  free (channel);
}

/* The pipe ----------------------------------------------------------------- */

static void
pipe_close (struct ssh_pipe *pipe)
{
  struct channel *channel = container_of (pipe, struct channel, pipe);
  struct link *link = channel->link;

  close (channel->pipe.fd);
  if (link->pid != getpid ())
    return;
  channel_unref (channel);
  link_release (link);
}

static void
pipe_why (struct ssh_pipe *pipe, char *text, size_t size)
{
  struct channel *channel = container_of (pipe, struct channel, pipe);
  LOCK_FOR_SCOPE (&channel->link->lock);
  char said[600];
  size_t len;

  if (channel->signal[0])
    len = snprintf (text, size, "the far side's program was ended by signal "
                    "%s", channel->signal);
  else if (channel->has_status && channel->kind == CHANNEL_EXEC)
    len = snprintf (text, size, "the far side's program ended with status %d",
                    channel->status);
  else if (channel->link->why[0])
    len = snprintf (text, size, "%s", channel->link->why);
  else
    len = snprintf (text, size, "the far side closed the connection");
  answer_quote (channel->said, channel->said_len, said, sizeof said);
  if (said[0] && len < size)
    snprintf (text + len, size - len, ": %s", said);
}

static ssize_t
pipe_writev (struct ssh_pipe *pipe, const struct iovec *iov, int iovcnt)
{
  struct channel *channel = container_of (pipe, struct channel, pipe);
  pthread_mutex_t *lock = &channel->link->session_lock;
  ssize_t n = 0;

  if (channel->link->pid == getpid () && pthread_mutex_trylock (lock) == 0) {
    n = channel_write_now (channel, iov, iovcnt);
    pthread_mutex_unlock (lock);
  }
  if (n > 0)
    return n;
  n = ssh_pipe_writev (pipe, iov, iovcnt);
  if (n > 0)
    channel->in_pair += n;
  return n;
}

static int
pipe_peer (struct ssh_pipe *pipe, const struct virgate_host *host,
           struct virgate_peer *peer)
{
  const struct link *link = container_of (pipe, struct channel, pipe)->link;

  if (link->remote_len == 0)
    return 0;
  return host->peer_address (peer, VIRGATE_FACT_REMOTE, VIRGATE_VOUCH_KERNEL,
                             &link->remote, link->remote_len);
}

static const struct ssh_pipe_ops pipe_ops = {
  .why = pipe_why,
  .writev = pipe_writev,
  .peer = pipe_peer,
  .close = pipe_close,
};

_Atomic bool *
channel_is_silent (struct ssh_pipe *pipe)
{
  return &container_of (pipe, struct channel, pipe)->link->is_silent;
}

/* Opening ------------------------------------------------------------------ */

static struct channel *
channel_new (struct link *link, const struct channel_spec *spec)
{
  struct channel *channel = calloc (1, sizeof *channel);
  int fds[2];

  if (channel == NULL)
    return NULL;
  list_init (&channel->item);
  channel->link = link;
  channel->kind = spec->kind;
  channel->refs = 1;
  channel->fd = -1;
  if (set_target (channel, spec) == -1
      || (channel->in = malloc (CHANNEL_CHUNK)) == NULL
      || (channel->out = malloc (CHANNEL_CHUNK)) == NULL
      || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                     fds) == -1) {
    channel_unref (channel);
    return NULL;
  }
  channel->pipe = (struct ssh_pipe) { fds[0], &pipe_ops };
  channel->fd = fds[1];
  return channel;
}

/* Link locked.  Wait for the link's thread; false when time is up. */
static bool
await (struct channel *channel, int64_t deadline)
{
  struct link *link = channel->link;
  struct timespec until = { deadline / NS_PER_S, deadline % NS_PER_S };

  while (channel->result == 0 && link->why[0] == '\0') {
    if (deadline == INT64_MAX)
      pthread_cond_wait (&link->changed, &link->lock);
    else if (pthread_cond_timedwait (&link->changed, &link->lock, &until)
             == ETIMEDOUT)
      return channel->result != 0 || link->why[0];
  }
  return true;
}

static void
say_failure (const struct channel *channel, bool in_time,
             struct channel_spec *spec, char *why, size_t size)
{
  spec->error = !in_time ? 0 : channel->result ? channel->result
                             : LIBSSH2_ERROR_SOCKET_DISCONNECT;
  if (!in_time)
    snprintf (why, size, "it did not answer in time");
  else
    snprintf (why, size, "%s", channel->result ? channel->why
                                               : channel->link->why);
}

struct ssh_pipe *
channel_open (struct link *link, struct channel_spec *spec, int64_t deadline,
              char *why, size_t size)
{
  struct channel *channel = channel_new (link, spec);
  bool in_time, is_open;

  if (channel == NULL) {
    snprintf (why, size, "%s", strerror (errno));
    spec->error = LIBSSH2_ERROR_ALLOC;
    link_release (link);
    return NULL;
  }
  pthread_mutex_lock (&link->lock);
  channel->refs++;
  list_append (&link->requests, &channel->item);
  pthread_mutex_unlock (&link->lock);
  link_wake (link);

  pthread_mutex_lock (&link->lock);
  in_time = await (channel, deadline);
  is_open = channel->result == 1;
  if (!is_open) {
    channel->is_abandoned = true;
    say_failure (channel, in_time, spec, why, size);
  }
  pthread_mutex_unlock (&link->lock);
  if (is_open)
    return &channel->pipe;
  pipe_close (&channel->pipe);
  return NULL;
}
