/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The unix transport: local sockets, with descriptors and with the kernel's
 * word for who the peer is.  This file has what both halves use.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "unix.h"

int
unix_address (struct sockaddr_un *address, const char *path)
{
  memset (address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen (path) >= sizeof address->sun_path)
    return -1;
  strcpy (address->sun_path, path);
  return 0;
}

struct unix_conn *
unix_conn_new (struct unix_inst *inst, int fd)
{
  struct unix_conn *conn = malloc (sizeof *conn);

  if (conn == NULL) {
    close (fd);
    errno = ENOMEM;
    return NULL;
  }
  conn->inst = inst;
  conn->fd = fd;
  return conn;
}

char *
unix_user_dir (void)
{
  const char *dir = secure_getenv ("XDG_RUNTIME_DIR");
  char *text;

  if (dir && dir[0] == '/')
    return strdup (dir);
  return asprintf (&text, "/run/user/%u", geteuid ()) == -1 ? NULL : text;
}

char *
unix_own_path (const char *file)
{
  CLEANUP_FREE char *dir = geteuid () == 0 ? strdup (RUNSTATEDIR)
                                           : unix_user_dir ();
  char *path;

  if (dir == NULL || asprintf (&path, "%s/virgate/%s", dir, file) == -1)
    return NULL;
  return path;
}

/* Life of an instance ---------------------------------------------------- */

static int
unix_open (const struct virgate_host *host, void **inst)
{
  struct unix_inst *ux = calloc (1, sizeof *ux);

  if (ux == NULL)
    return host->error (host, "out of memory");
  ux->host = host;
  ux->mode = 0700;
  ux->group = (gid_t) -1;
  ux->backlog = SOMAXCONN;
  ux->lock_fd = -1;
  *inst = ux;
  return 0;
}

static void
unix_close_inst (void *inst)
{
  struct unix_inst *ux = inst;

  if (ux->lock_fd >= 0)
    close (ux->lock_fd);
  free (ux->path);
  free (ux);
}

static int
set_path (struct unix_inst *ux, const char *value)
{
  struct sockaddr_un address;

  if (unix_address (&address, value) == -1)
    return ux->host->error (ux->host, "'%s' is longer than the %zu bytes that "
                            "a socket's path can have", value,
                            sizeof address.sun_path - 1);
  free (ux->path);
  ux->path = strdup (value);
  return ux->path ? 0 : ux->host->error (ux->host, "out of memory");
}

static int
set_mode (struct unix_inst *ux, const char *value)
{
  ux->mode = strtoul (value, NULL, 8) & 0777;
  return 0;
}

/* By name first: a group may be called 100. */
static int
set_group (struct unix_inst *ux, const char *value)
{
  struct group group, *found = NULL;
  char memory[4096], *end;
  unsigned long gid;

  if (getgrnam_r (value, &group, memory, sizeof memory, &found) == 0
      && found) {
    ux->group = group.gr_gid;
    return 0;
  }
  errno = 0;
  gid = strtoul (value, &end, 10);
  if (errno || *end || end == value || gid >= (gid_t) -1)
    return ux->host->error (ux->host, "there is no group '%s'", value);
  ux->group = gid;
  return 0;
}

static int
set_backlog (struct unix_inst *ux, const char *value)
{
  ux->backlog = atoi (value);
  return 0;
}

static const struct {
  const char *key;
  int (*set) (struct unix_inst *ux, const char *value);
} setters[] = {
  { "path", set_path }, { "mode", set_mode }, { "group", set_group },
  { "backlog", set_backlog },
};

static int
unix_config (void *inst, const char *key, const char *value)
{
  for (size_t i = 0; i < COUNT_OF (setters); i++)
    if (strcmp (setters[i].key, key) == 0)
      return setters[i].set (inst, value);
  return 0;
}

/* Input and output ------------------------------------------------------- */

/* Room for as many descriptors as the kernel passes at once. */
union control {
  struct cmsghdr align;
  char bytes[CMSG_SPACE (sizeof (int) * VIRGATE_FDS_MAX)];
};

static int
io_result (int want)
{
  return errno == EAGAIN || errno == EWOULDBLOCK ? want : VIRGATE_IO_ERROR;
}

static void
take_fds (struct msghdr *msg, struct virgate_fds *fds)
{
  fds->count = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR (msg); c; c = CMSG_NXTHDR (msg, c)) {
    size_t count = (c->cmsg_len - CMSG_LEN (0)) / sizeof (int);

    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
      continue;
    count = MIN_OF (count, (size_t) VIRGATE_FDS_MAX - fds->count);
    memcpy (fds->fd + fds->count, CMSG_DATA (c), count * sizeof (int));
    fds->count += count;
  }
}

/* The kernel dropped descriptors, because this process may have no more: what
 * follows cannot be matched to its frames.
 */
static ssize_t
refuse_truncated (struct virgate_fds *fds)
{
  while (fds->count > 0)
    close (fds->fd[--fds->count]);
  errno = EMFILE;
  return VIRGATE_IO_ERROR;
}

static ssize_t
unix_readv (void *opaque, const struct iovec *iov, int iovcnt,
            struct virgate_fds *fds)
{
  struct unix_conn *conn = opaque;
  struct msghdr msg = { .msg_iov = (struct iovec *) iov,
                        .msg_iovlen = iovcnt };
  union control control;
  ssize_t n;

  /* Without room for them the kernel closes descriptors. */
  if (fds) {
    msg.msg_control = control.bytes;
    msg.msg_controllen = sizeof control;
  }
  do                            /* the kernel has less to do for recv */
    n = fds == NULL && iovcnt == 1
      ? recv (conn->fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT)
      : recvmsg (conn->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (n == -1 && errno == EINTR);
  if (n == -1)
    return io_result (VIRGATE_IO_WANT_READ);
  if (fds) {
    take_fds (&msg, fds);
    if (msg.msg_flags & MSG_CTRUNC)
      return refuse_truncated (fds);
  }
  return n;
}

static void
put_fds (struct msghdr *msg, union control *control,
         const struct virgate_fds *fds)
{
  size_t len = fds->count * sizeof (int);
  struct cmsghdr *head;

  memset (control, 0, CMSG_SPACE (len));
  msg->msg_control = control->bytes;
  msg->msg_controllen = CMSG_SPACE (len);
  head = CMSG_FIRSTHDR (msg);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN (len);
  memcpy (CMSG_DATA (head), fds->fd, len);
}

static ssize_t
unix_writev (void *opaque, const struct iovec *iov, int iovcnt,
             const struct virgate_fds *fds)
{
  struct unix_conn *conn = opaque;
  struct msghdr msg = { .msg_iov = (struct iovec *) iov,
                        .msg_iovlen = iovcnt };
  union control control;
  ssize_t n;

  if (fds && fds->count > 0)
    put_fds (&msg, &control, fds);
  do                            /* the kernel has less to do for send */
    n = iovcnt == 1 && msg.msg_control == NULL
      ? send (conn->fd, iov->iov_base, iov->iov_len,
              MSG_NOSIGNAL | MSG_DONTWAIT)
      : sendmsg (conn->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n == -1 && errno == EINTR);
  return n == -1 ? io_result (VIRGATE_IO_WANT_WRITE) : n;
}

static int
unix_pollfd (void *conn)
{
  return ((struct unix_conn *) conn)->fd;
}

static int
state_path (const struct unix_conn *conn, struct virgate_peer *peer)
{
  const struct virgate_host *host = conn->inst->host;
  struct sockaddr_un address;
  socklen_t len = sizeof address;

  memset (&address, 0, sizeof address);
  if (getsockname (conn->fd, (struct sockaddr *) &address, &len) == -1
      || address.sun_path[0] == '\0')
    return 0;
  return host->peer_string (peer, VIRGATE_FACT_PATH, VIRGATE_VOUCH_KERNEL,
                            address.sun_path);
}

/* Supplementary groups; a peer with more than this has to do with its first
 * one, for the kernel reports all or none.
 */
#define GROUPS_MAX 256

static int
state_groups (struct unix_conn *conn, struct virgate_peer *peer, gid_t first)
{
  const struct virgate_host *host = conn->inst->host;
  gid_t groups[GROUPS_MAX];
  socklen_t len = sizeof groups;

  if (getsockopt (conn->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
    len = 0;
  for (size_t i = 0; i < len / sizeof groups[0]; i++)
    if (groups[i] != first
        && host->peer_number (peer, VIRGATE_FACT_GID, VIRGATE_VOUCH_KERNEL,
                              groups[i]) == -1)
      return -1;
  return 0;
}

static int
unix_peer (void *opaque, struct virgate_peer *peer, int after_handshake)
{
  struct unix_conn *conn = opaque;
  const struct virgate_host *host = conn->inst->host;
  const uint32_t kernel = VIRGATE_VOUCH_KERNEL;
  struct ucred cred;
  socklen_t len = sizeof cred;

  if (getsockopt (conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
    return host->error (host, "credentials of the peer: %s",
                        strerror (errno));
  if (state_path (conn, peer) == -1
      || host->peer_number (peer, VIRGATE_FACT_UID, kernel, cred.uid) == -1
      || host->peer_number (peer, VIRGATE_FACT_GID, kernel, cred.gid) == -1
      || state_groups (conn, peer, cred.gid) == -1
      || host->peer_number (peer, VIRGATE_FACT_PID, kernel, cred.pid) == -1)
    return host->error (host, "out of memory for facts");
  return 0;
}

static void
unix_shutdown (void *conn)
{
  shutdown (((struct unix_conn *) conn)->fd, SHUT_WR);
}

static void
unix_close (void *conn)
{
  close (((struct unix_conn *) conn)->fd);
  free (conn);
}

/* Tables ----------------------------------------------------------------- */

static const char *const schemes[] = { "unix", NULL };
static const char *const params[] = { "socket", "mode", NULL };

static const struct virgate_transport_ops ops = {
  .schemes = schemes,
  .params = params,
  .caps = VIRGATE_CAP_LOCAL | VIRGATE_CAP_PASSES_FDS | VIRGATE_CAP_DUPLEX,
  .listen = unix_listen,
  .unlisten = unix_unlisten,
  .accept = unix_accept,
  .readv = unix_readv,
  .writev = unix_writev,
  .pollfd = unix_pollfd,
  .peer = unix_peer,
  .shutdown = unix_shutdown,
  .close = unix_close,
  .connect = unix_connect,
};

static const struct virgate_option options[] = {
  { .key = "path", .type = VIRGATE_OPTION_PATH,
    .help = "the socket; default virgate-sock in the system's or user's "
            "runtime folder. Clients: used when the URI names none" },
  { .key = "mode", .type = VIRGATE_OPTION_MODE, .def = "0700",
    .help = "who may connect: the mode of the socket" },
  { .key = "group", .type = VIRGATE_OPTION_STRING,
    .help = "group of the socket, by name or number" },
  { .key = "backlog", .type = VIRGATE_OPTION_UINT, .min = 1, .max = 65535,
    .unit = "connections", .def = "4096",
    .help = "how many may wait to be accepted" },
  { .key = NULL },
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_TRANSPORT,
  .ops_size = sizeof ops,
  .name = "unix",
  .version = PACKAGE_VERSION,
  .summary = "local sockets, with the peer's credentials",
  .options = options,
  .open = unix_open,
  .config = unix_config,
  .close = unix_close_inst,
  .ops = &ops,
};
