/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client half: which backend makes the pipe, what the far side says
 * first, and the hooks of the connection.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "client.h"

/* A far side that says nothing for so long has a command of its own, and
 * waits for our first message.
 */
#define SILENCE_NS (3 * NS_PER_S)

struct client {
  struct ssh_conn conn;
  const struct ssh *ssh;
  struct ssh_pipe *pipe;
  struct answer_state answer;   /* data: bytes not yet given to the engine */
  bool is_answered;
  char *where;
};

/* The far side's first words ----------------------------------------------- */

/* One recv.  Returns its result, with *answer when there were bytes. */
static ssize_t
feed_once (struct ssh_pipe *pipe, struct answer_state *state,
           enum answer *answer)
{
  char data[4096];
  ssize_t n;

  do
    n = recv (pipe->fd, data, sizeof data, 0);
  while (n == -1 && errno == EINTR);
  if (n > 0)
    *answer = answer_feed (state, data, n);
  return n;
}

/* What an answer other than ready means, in words. */
static void
say_answer (struct ssh_pipe *pipe, const struct answer_state *state,
            enum answer answer, char *why, size_t size)
{
  char quoted[200], ended[SSH_WHY_MAX / 2];

  if (answer == ANSWER_NONE) {
    snprintf (why, size, "%s", state->word);
    return;
  }
  answer_quote (state->data ? state->data : "", state->len, quoted,
                sizeof quoted);
  if (answer == ANSWER_NOISE) {
    snprintf (why, size, "what the far side sends is no message of the "
              "protocol but '%s': does a profile there print it, or a command "
              "that is forced on the account?", quoted);
    return;
  }
  pipe->ops->why (pipe, ended, sizeof ended);
  snprintf (why, size, "%s%s%s%s", ended, state->len ? "; it printed '" : "",
            quoted, state->len ? "'" : "");
}

int
ssh_await_answer (struct ssh_pipe *pipe, struct answer_state *state,
                  int64_t deadline, bool *is_silent, char *why, size_t size)
{
  int64_t silence = now_ns () + (*is_silent ? 0 : SILENCE_NS);
  enum answer answer = ANSWER_MORE;

  for (;;) {
    struct pollfd pollfd = { .fd = pipe->fd, .events = POLLIN };
    int64_t now = now_ns (), until = MIN_OF (silence, deadline);
    ssize_t n = feed_once (pipe, state, &answer);

    if (n > 0 && answer == ANSWER_READY) {
      *is_silent = false;
      return 0;
    }
    if (n > 0 && answer == ANSWER_MORE)
      continue;
    if (n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
      say_answer (pipe, state, answer, why, size);
      return answer == ANSWER_NONE ? 1 : -1;
    }
    if (now >= deadline) {
      snprintf (why, size, "the far side did not answer in time");
      return -1;
    }
    if (now >= silence) {
      *is_silent = true;
      return 0;
    }
    poll (&pollfd, 1, (int) ((until - now) / NS_PER_MS) + 1);
  }
}

/* Hooks -------------------------------------------------------------------- */

static size_t
client_pending (void *conn)
{
  const struct client *client = conn;

  return client->is_answered ? client->answer.len - client->answer.rest : 0;
}

static void
forget_answer (struct client *client)
{
  free (client->answer.data);
  client->answer = (struct answer_state) { .data = NULL };
}

/* Bytes that came with the answer. */
static ssize_t
take_early (struct client *client, const struct iovec *iov, int iovcnt)
{
  struct answer_state *state = &client->answer;
  size_t taken = 0;

  for (int i = 0; i < iovcnt && state->rest < state->len; i++) {
    size_t len = MIN_OF (iov[i].iov_len, state->len - state->rest);

    memcpy (iov[i].iov_base, state->data + state->rest, len);
    state->rest += len;
    taken += len;
  }
  if (state->rest == state->len)
    forget_answer (client);
  return taken;
}

/* The connection is over: say how, and what errno stands for it. */
static ssize_t
ended (struct client *client, enum answer answer)
{
  char why[SSH_WHY_MAX];

  say_answer (client->pipe, &client->answer, answer, why, sizeof why);
  ssh_fail (client->ssh, "ssh to %s: %s", client->where, why);
  errno = ECONNRESET;
  return VIRGATE_IO_ERROR;
}

/* Until the answer is there, which the engine's first call brings about. */
static ssize_t
await_early (struct client *client, const struct iovec *iov, int iovcnt)
{
  enum answer answer = ANSWER_MORE;
  ssize_t n;

  do
    n = feed_once (client->pipe, &client->answer, &answer);
  while (n > 0 && answer == ANSWER_MORE);
  if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return VIRGATE_IO_WANT_READ;
  if (answer != ANSWER_READY)
    return ended (client, answer);
  client->is_answered = true;
  if (client_pending (client) > 0)
    return take_early (client, iov, iovcnt);
  forget_answer (client);
  return VIRGATE_IO_WANT_READ;
}

static ssize_t
client_readv (void *conn, const struct iovec *iov, int iovcnt,
              struct virgate_fds *fds)
{
  struct client *client = conn;
  ssize_t n;

  if (client->answer.len > 0 && client->is_answered)
    return take_early (client, iov, iovcnt);
  if (!client->is_answered)
    return await_early (client, iov, iovcnt);
  do
    n = readv (client->pipe->fd, iov, iovcnt);
  while (n == -1 && errno == EINTR);
  if (n > 0)
    return n;
  if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return VIRGATE_IO_WANT_READ;
  return ended (client, ANSWER_MORE);
}

static ssize_t
client_writev (void *conn, const struct iovec *iov, int iovcnt,
               const struct virgate_fds *fds)
{
  const struct client *client = conn;

  if (fds && fds->count > 0) {
    errno = EOPNOTSUPP;
    return VIRGATE_IO_ERROR;
  }
  return client->pipe->ops->writev
         ? client->pipe->ops->writev (client->pipe, iov, iovcnt)
         : ssh_pipe_writev (client->pipe, iov, iovcnt);
}

ssize_t
ssh_pipe_writev (struct ssh_pipe *pipe, const struct iovec *iov, int iovcnt)
{
  struct msghdr msg = { .msg_iov = (struct iovec *) iov,
                        .msg_iovlen = iovcnt };
  ssize_t n;

  do
    n = sendmsg (pipe->fd, &msg, MSG_NOSIGNAL);
  while (n == -1 && errno == EINTR);
  if (n >= 0)
    return n;
  return errno == EAGAIN || errno == EWOULDBLOCK ? VIRGATE_IO_WANT_WRITE
                                                 : VIRGATE_IO_ERROR;
}

static int
client_pollfd (void *conn)
{
  return ((struct client *) conn)->pipe->fd;
}

static int
client_peer (void *conn, struct virgate_peer *peer, int after_handshake)
{
  const struct client *client = conn;

  if (client->pipe->ops->peer == NULL)
    return 0;
  return client->pipe->ops->peer (client->pipe, client->ssh->host, peer);
}

static void
client_shutdown (void *conn)
{
  shutdown (((struct client *) conn)->pipe->fd, SHUT_WR);
}

static void
client_close (void *conn)
{
  struct client *client = conn;

  client->pipe->ops->close (client->pipe);
  free (client->answer.data);
  free (client->where);
  free (client);
}

static const struct ssh_half client_half = {
  .readv = client_readv,
  .writev = client_writev,
  .pending = client_pending,
  .pollfd = client_pollfd,
  .peer = client_peer,
  .shutdown = client_shutdown,
  .close = client_close,
};

/* Connecting --------------------------------------------------------------- */

struct ssh_conn *
ssh_client_new (const struct ssh *ssh, struct ssh_pipe *pipe,
                struct answer_state *state, const char *where)
{
  struct client *client = calloc (1, sizeof *client);
  char *copy = strdup (where);

  if (client == NULL || copy == NULL) {
    free (client);
    free (copy);
    return NULL;
  }
  *client = (struct client) {
    .conn = { &client_half }, .ssh = ssh, .pipe = pipe, .answer = *state,
    .is_answered = state->word[0] != '\0', .where = copy,
  };
  *state = (struct answer_state) { .data = NULL };
  if (client_pending (client) == 0 && client->is_answered)
    forget_answer (client);
  return &client->conn;
}

const char *
ssh_host_of (const struct ssh_request *request)
{
  const char *host = request->uri->host;

  return host && *host ? host : "localhost";
}

/* Names go to programs and into files of other programs. */
static int
check_names (const struct ssh_request *request)
{
  const char *host = ssh_host_of (request), *user = request->uri->user;

  if (*host == '-' || strlen (host) > SSH_HOST_MAX
      || strpbrk (host, "'\"`$\\;&<>|(){}*?!, \t\r\n"))
    return ssh_fail (request->ssh, "'%.300s' cannot be the name of a host",
                     host);
  if (user && (*user == '-' || strpbrk (user, "'\"`$\\;&<>|(){} \t\r\n")))
    return ssh_fail (request->ssh, "'%.300s' cannot be the name of a user",
                     user);
  return 0;
}

int
ssh_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
             void **conn)
{
  struct ssh_request request;

  if (ssh_request_init (&request, inst, uri, deadline) == -1
      || check_names (&request) == -1)
    return -1;
  if (request.word[SSH_COMMAND]
      || (request.word[SSH_BACKEND]
          && strcmp (request.word[SSH_BACKEND], "openssh") == 0))
    return ssh_exec_connect (&request, conn);
  return ssh2_connect (&request, conn);
}
