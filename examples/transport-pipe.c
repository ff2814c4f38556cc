/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A transport for clients: the connection is a program's standard input and
 * output, as in
 *   virgate -c 'test+pipe:///default?command=/usr/local/bin/my-tunnel'
 * It has no half for servers, no handshake, and nothing to configure.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <virgate/transport.h>

struct pipe_conn {
  const struct virgate_host *host;
  int fd;
  pid_t child;
};

/* The instance is the host itself: there is no other state. */
static int
pipe_open (const struct virgate_host *host, void **inst)
{
  *inst = (void *) host;
  return 0;
}

static const char *
param (const struct virgate_uri *uri, const char *name)
{
  for (const struct virgate_param *p = uri->params; p && p->name; p++)
    if (strcmp (p->name, name) == 0)
      return p->value;
  return NULL;
}

static int
run (const char *command, int fd, pid_t *child)
{
  char *argv[] = { (char *) command, NULL };
  posix_spawn_file_actions_t actions;
  int error;

  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, fd, 0);
  posix_spawn_file_actions_adddup2 (&actions, fd, 1);
  error = posix_spawn (child, command, &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  return error;
}

/* The thread that connects; starting a program does not wait for anybody. */
static int
pipe_connect (void *inst, const struct virgate_uri *uri, int64_t deadline,
              void **conn)
{
  const struct virgate_host *host = inst;
  const char *command = param (uri, "command");
  struct pipe_conn *c;
  int ends[2], error;

  if (command == NULL || *command != '/')
    return host->error (host, "the URI must say which program to run: "
                        "?command=/path");
  c = calloc (1, sizeof *c);
  if (c == NULL || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC
                               | SOCK_NONBLOCK, 0, ends) == -1) {
    free (c);
    return host->error (host, "%s", strerror (errno));
  }
  c->host = host;
  c->fd = ends[0];
  error = run (command, ends[1], &c->child);
  close (ends[1]);
  if (error == 0) {
    *conn = c;
    return 0;
  }
  close (c->fd);
  free (c);
  return host->error (host, "run %s: %s", command, strerror (error));
}

static ssize_t
pipe_readv (void *conn, const struct iovec *iov, int iovcnt,
            struct virgate_fds *fds)
{
  ssize_t n = readv (((struct pipe_conn *) conn)->fd, iov, iovcnt);

  if (fds)
    fds->count = 0;
  return n == -1 && errno == EAGAIN ? VIRGATE_IO_WANT_READ : n;
}

static ssize_t
pipe_writev (void *conn, const struct iovec *iov, int iovcnt,
             const struct virgate_fds *fds)
{
  struct msghdr msg = { .msg_iov = (struct iovec *) iov, .msg_iovlen = iovcnt };
  ssize_t n = sendmsg (((struct pipe_conn *) conn)->fd, &msg, MSG_NOSIGNAL);

  return n == -1 && errno == EAGAIN ? VIRGATE_IO_WANT_WRITE : n;
}

static int
pipe_pollfd (void *conn)
{
  return ((struct pipe_conn *) conn)->fd;
}

/* Nobody vouches for what is behind a program. */
static int
pipe_peer (void *conn, struct virgate_peer *peer, int after_handshake)
{
  return 0;
}

static void
pipe_close (void *conn)
{
  struct pipe_conn *c = conn;

  close (c->fd);
  kill (c->child, SIGKILL);     /* so that the wait below ends */
  while (waitpid (c->child, NULL, 0) == -1 && errno == EINTR)
    ;
  free (c);
}

static const char *const schemes[] = { "pipe", NULL };
static const char *const params[] = { "command", NULL };

static const struct virgate_transport_ops ops = {
  .schemes = schemes,
  .params = params,
  .caps = VIRGATE_CAP_DUPLEX,
  .readv = pipe_readv,
  .writev = pipe_writev,
  .pollfd = pipe_pollfd,
  .peer = pipe_peer,
  .close = pipe_close,
  .connect = pipe_connect,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_TRANSPORT,
  .ops_size = sizeof ops,
  .name = "pipe",
  .version = "1.0",
  .summary = "a program's standard input and output",
  .open = pipe_open,
  .ops = &ops,
};
