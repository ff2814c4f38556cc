/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making a link: the socket, the key exchange, and how libssh2 sends and
 * receives.
 *
 * What libssh2 sends is always taken whole and kept until the socket has room.
 * It could cope with a full socket only by being called again in the same way
 * at once, whatever else became possible meanwhile.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "link.h"

/* Reports ------------------------------------------------------------------ */

int
login_fail (const struct login *login, const char *fmt, ...)
{
  char text[SSH_WHY_MAX];
  va_list args;

  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  return ssh_fail (login->request->ssh, "ssh to %s: %s", login->link->where,
                   text);
}

int
login_late (const struct login *login, const char *step)
{
  return login_fail (login, "%s did not end in time; the host does not answer",
                     step);
}

const char *
link_said (struct link *link)
{
  char *text = NULL;
  int len = 0;

  libssh2_session_last_error (link->session, &text, &len, 0);
  return text ? text : "no reason is given";
}

/* Input and output --------------------------------------------------------- */

/* sshd says several small things in a row at the beginning, and its kernel
 * holds each back until the one before is acknowledged, which ours would do
 * forty milliseconds later.
 */
static void
acknowledge (struct link *link)
{
  int on = 1;

  if (link->quick == 0 || link->jump)
    return;
  link->quick--;
  setsockopt (link->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static ssize_t
receive (libssh2_socket_t fd, void *data, size_t len, int flags,
         void **abstract)
{
  struct link *link = *abstract;
  ssize_t n;

  if (link->is_broken)
    return -EPIPE;
  if (!link->is_readable)
    return -EAGAIN;
  do
    n = recv (link->fd, data, len, MSG_NOSIGNAL);
  while (n == -1 && errno == EINTR);
  if (n < (ssize_t) len)        /* there is no more, for now */
    link->is_readable = false;
  if (n > 0)
    link->heard = now_ns ();
  if (n > 1)
    acknowledge (link);
  if (n == 0)
    link->end = "the host closed the connection";
  if (n >= 0)
    return n;
  if (errno != EAGAIN && errno != EWOULDBLOCK)
    link->end = errno == ECONNRESET ? "the host closed the connection, and "
                                      "dropped what was under way"
                                    : strerrordesc_np (errno);
  return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static ssize_t
take (libssh2_socket_t fd, const void *data, size_t len, int flags,
      void **abstract)
{
  struct link *link = *abstract;

  if (link->is_broken)
    return -EPIPE;
  return buf_append (&link->out, data, len) == -1 ? -ENOMEM : (ssize_t) len;
}

/* The host ends the connection, and says why. */
static void
hear_goodbye (LIBSSH2_SESSION *session, int reason, const char *message,
              int message_len, const char *language, int language_len,
              void **abstract)
{
  struct link *link = *abstract;

  answer_quote (message ? message : "", message ? message_len : 0,
                link->goodbye, sizeof link->goodbye);
  link->end = link->goodbye[0] ? link->goodbye
                               : "the host closed the connection";
}

void
link_flush (struct link *link)
{
  while (buf_len (&link->out) > 0 && !link->is_broken) {
    ssize_t n = send (link->fd, buf_data (&link->out), buf_len (&link->out),
                      MSG_NOSIGNAL);

    if (n == -1 && errno == EINTR)
      continue;
    if (n == -1) {
      link->is_broken = errno != EAGAIN && errno != EWOULDBLOCK;
      return;
    }
    buf_consume (&link->out, n);
  }
}

int
link_wait (struct link *link, int64_t deadline)
{
  struct pollfd pollfd = { .fd = link->fd, .events = POLLIN };
  int64_t left = deadline - now_ns ();
  struct timespec wait = { left / NS_PER_S, left % NS_PER_S };

  if (left <= 0)
    return -1;
  link_flush (link);
  if (buf_len (&link->out) > 0)
    pollfd.events |= POLLOUT;
  ppoll (&pollfd, 1, deadline == INT64_MAX ? NULL : &wait, NULL);
  link->is_readable |= (pollfd.revents & ~POLLOUT) != 0;
  return 0;
}

/* The socket --------------------------------------------------------------- */

/* What to do about a host that cannot be reached. */
static const char *
advice (int error)
{
  switch (error) {
  case ECONNREFUSED:
    return "no ssh server listens there: is the port right, and sshd running?";
  case ETIMEDOUT:
    return "it does not answer: is it up, and does a firewall drop ssh?";
  case EHOSTUNREACH:
  case ENETUNREACH:
    return "there is no way to it: is the network up?";
  default:
    return NULL;
  }
}

/* A transport below makes the connection; its socket is what we want. */
static int
dial_directly (struct login *login)
{
  const struct ssh *ssh = login->request->ssh;
  const struct hop *hop = login->hop;
  struct link *link = login->link;
  struct virgate_uri uri = {
    .text = "", .host = hop->host, .port = hop->port,
  };
  const struct virgate_transport_ops *ops;
  void *conn;

  if (ssh->lower == NULL)
    return login_fail (login, "the tcp transport, which makes the connection, "
                       "is not there");
  ops = ssh->lower->ops;
  errno = 0;
  if (ops->connect (ssh->lower->inst, &uri, login->deadline, &conn) == -1) {
    const char *what = advice (errno);

    return what ? login_fail (login, "cannot connect to %s port %u: %s; %s",
                              hop->host, hop->port, strerror (errno), what)
                : -1;
  }
  link->fd = fcntl (ops->pollfd (conn), F_DUPFD_CLOEXEC, 3);
  ops->close (conn);
  if (link->fd == -1)
    return login_fail (login, "%s", strerror (errno));
  link->remote_len = sizeof link->remote;
  if (getpeername (link->fd, (struct sockaddr *) &link->remote,
                   &link->remote_len) == -1)
    link->remote_len = 0;
  return 0;
}

/* ssh inside ssh: a channel of the link before is the socket. */
static int
dial_through (struct login *login)
{
  const struct hop *hop = login->hop;
  struct channel_spec spec = {
    .kind = CHANNEL_TCP, .target = hop->host, .port = hop->port,
  };
  struct link *before = link_get (login->request, hop->jump);
  char why[SSH_WHY_MAX];

  if (before == NULL)
    return -1;
  login->link->jump = channel_open (before, &spec, login->deadline, why,
                                    sizeof why);
  if (login->link->jump == NULL)
    return login_fail (login, "the jump host %s does not lead to %s port %u: "
                       "%s", hop->jump->original, hop->host, hop->port, why);
  login->link->fd = login->link->jump->fd;
  return 0;
}

/* The session -------------------------------------------------------------- */

static int
session_new (struct login *login)
{
  struct link *link = login->link;

  link->session = libssh2_session_init_ex (NULL, NULL, NULL, link);
  if (link->session == NULL)
    return login_fail (login, "out of memory");
  link->quick = QUICK_RECEIPTS;
  libssh2_session_set_blocking (link->session, 0);
  libssh2_session_callback_set (link->session, LIBSSH2_CALLBACK_RECV,
                                (void *) receive);
  libssh2_session_callback_set (link->session, LIBSSH2_CALLBACK_SEND,
                                (void *) take);
  libssh2_session_callback_set (link->session, LIBSSH2_CALLBACK_DISCONNECT,
                                (void *) hear_goodbye);
  if (link->alive_ns > 0)
    libssh2_keepalive_config (link->session, 1,
                              (unsigned) (link->alive_ns / NS_PER_S));
  return 0;
}

static int
handshake_failed (struct login *login, int result)
{
  struct link *link = login->link;

  if (result == LIBSSH2_ERROR_KEX_FAILURE
      || result == LIBSSH2_ERROR_METHOD_NONE)
    return login_fail (login, "it offers no way of exchanging keys that "
                       "libssh2 %s knows (%s); write backend=openssh",
                       libssh2_version (0), link_said (link));
  if (result == LIBSSH2_ERROR_BANNER_RECV
      || result == LIBSSH2_ERROR_BANNER_NONE)
    return login_fail (login, "what answers on port %u is no ssh server, or "
                       "it closed at once (too many connections, or a "
                       "firewall)", login->hop->port);
  if (link->jump) {
    char why[200];

    link->jump->ops->why (link->jump, why, sizeof why);
    return login_fail (login, "the key exchange failed: %s (by way of %s: %s)",
                       link_said (link), login->hop->jump->original, why);
  }
  return login_fail (login, "the key exchange failed: %s", link_said (link));
}

static int
shake_hands (struct login *login)
{
  struct link *link = login->link;
  int result;

  link->is_readable = true;
  while ((result = libssh2_session_handshake (link->session, link->fd))
         == LIBSSH2_ERROR_EAGAIN) {
    link_flush (link);
    if (link->heard == 0)
      hostkey_warm_up (login);
    if (link_wait (link, login->deadline) == -1)
      return login_late (login, "the key exchange");
  }
  return result == 0 ? 0 : handshake_failed (login, result);
}

int
link_connect (struct login *login)
{
  if ((login->hop->jump ? dial_through (login) : dial_directly (login)) == -1
      || session_new (login) == -1 || hostkey_prefer (login) == -1
      || shake_hands (login) == -1 || hostkey_check (login) == -1
      || auth_log_in (login) == -1)
    return -1;
  link_flush (login->link);
  return 0;
}

void
link_disconnect (struct link *link)
{
  if (link->session) {
    if (!link->is_broken)
      libssh2_session_disconnect (link->session, "bye");
    link_flush (link);
    link->is_broken = true;     /* nothing waits for the far side any more */
    libssh2_session_free (link->session);
    link->session = NULL;
  }
  if (link->jump)
    link->jump->ops->close (link->jump);
  else if (link->fd >= 0)
    close (link->fd);
  link->jump = NULL;
  link->fd = -1;
}
