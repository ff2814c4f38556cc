/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A transport to copy: local sockets whose name is in no file system.  It has
 * both halves and everything that is mandatory, and nothing else.  Rename
 * `skeleton` throughout; the file must be called transport-NAME.so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <virgate/transport.h>

/* One listener, or one use by a client: all state hangs off it. */
struct skeleton {
  const struct virgate_host *host;
  struct sockaddr_un address;   /* the first byte of the path stays NUL */
};

struct skeleton_conn {
  struct skeleton *inst;
  int fd;
};

static int
skeleton_open (const struct virgate_host *host, void **inst)
{
  struct skeleton *s = calloc (1, sizeof *s);

  if (s == NULL)
    return host->error (host, "out of memory");
  s->host = host;
  s->address.sun_family = AF_UNIX;
  strcpy (s->address.sun_path + 1, "virgate-skeleton");
  *inst = s;
  return 0;
}

/* Called with keys of the table below only, their type checked. */
static int
skeleton_config (void *inst, const char *key, const char *value)
{
  struct skeleton *s = inst;

  if (strlen (value) >= sizeof s->address.sun_path - 1)
    return s->host->error (s->host, "the name is too long");
  strcpy (s->address.sun_path + 1, value);
  return 0;
}

static int
conn_new (struct skeleton *s, int fd, void **conn)
{
  struct skeleton_conn *c = malloc (sizeof *c);

  if (c == NULL) {
    close (fd);
    return VIRGATE_IO_ERROR;
  }
  *c = (struct skeleton_conn) { s, fd };
  *conn = c;
  return 0;
}

static int
skeleton_listen (void *inst, const int *adopted, uint32_t count,
                 struct virgate_listening *out, uint32_t max)
{
  struct skeleton *s = inst;
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

  out->fd = socket (AF_UNIX, type, 0);
  snprintf (out->where, sizeof out->where, "@%s", s->address.sun_path + 1);
  if (bind (out->fd, (struct sockaddr *) &s->address, sizeof s->address) == 0
      && listen (out->fd, SOMAXCONN) == 0)
    return 1;
  s->host->error (s->host, "%s: %s", out->where, strerror (errno));
  close (out->fd);
  return -1;
}

static int
skeleton_accept (void *inst, int listen_fd, void **conn)
{
  int fd = accept4 (listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

  if (fd == -1)
    return errno == EAGAIN ? VIRGATE_IO_WANT_READ : VIRGATE_IO_ERROR;
  return conn_new (inst, fd, conn);
}

/* The deadline does not matter here: connecting locally does not wait. */
static int
skeleton_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
                  void **conn)
{
  struct skeleton *s = inst;
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (connect (fd, (struct sockaddr *) &s->address, sizeof s->address) == 0)
    return conn_new (s, fd, conn);
  close (fd);
  return s->host->error (s->host, "connect @%s: %s", s->address.sun_path + 1,
                         strerror (errno));
}

static ssize_t
skeleton_readv (void *conn, const struct iovec *iov, int iovcnt,
                struct virgate_fds *fds)
{
  ssize_t n = readv (((struct skeleton_conn *) conn)->fd, iov, iovcnt);

  if (fds)
    fds->count = 0;             /* this transport passes no descriptors */
  return n == -1 && errno == EAGAIN ? VIRGATE_IO_WANT_READ : n;
}

static ssize_t
skeleton_writev (void *conn, const struct iovec *iov, int iovcnt,
                 const struct virgate_fds *fds)
{
  struct msghdr msg = { .msg_iov = (struct iovec *) iov, .msg_iovlen = iovcnt };
  ssize_t n = sendmsg (((struct skeleton_conn *) conn)->fd, &msg,
                       MSG_NOSIGNAL);

  return n == -1 && errno == EAGAIN ? VIRGATE_IO_WANT_WRITE : n;
}

static int
skeleton_pollfd (void *conn)
{
  return ((struct skeleton_conn *) conn)->fd;
}

/* Say what is known of the peer, and who vouches for it. */
static int
skeleton_peer (void *conn, struct virgate_peer *peer, int after_handshake)
{
  const struct skeleton_conn *c = conn;
  struct ucred cred;
  socklen_t len = sizeof cred;

  if (getsockopt (c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
    return c->inst->host->error (c->inst->host, "%s", strerror (errno));
  return c->inst->host->peer_number (peer, VIRGATE_FACT_UID,
                                     VIRGATE_VOUCH_KERNEL, cred.uid);
}

static void
skeleton_close (void *conn)
{
  close (((struct skeleton_conn *) conn)->fd);
  free (conn);
}

static const struct virgate_option options[] = {
  { .key = "socket-name", .type = VIRGATE_OPTION_STRING,
    .def = "virgate-skeleton", .help = "the abstract socket's name" },
  { .key = NULL },
};

static const char *const schemes[] = { "skeleton", NULL };

static const struct virgate_transport_ops ops = {
  .schemes = schemes,
  .caps = VIRGATE_CAP_LOCAL,
  .listen = skeleton_listen,
  .accept = skeleton_accept,
  .readv = skeleton_readv,
  .writev = skeleton_writev,
  .pollfd = skeleton_pollfd,
  .peer = skeleton_peer,
  .close = skeleton_close,
  .connect = skeleton_connect,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_TRANSPORT,
  .ops_size = sizeof ops,
  .name = "skeleton",
  .version = "1.0",
  .summary = "an example: abstract local sockets",
  .options = options,
  .open = skeleton_open,
  .config = skeleton_config,
  .close = free,
  .ops = &ops,
};
