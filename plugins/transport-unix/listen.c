/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The unix transport's server half: one path, taken over from a daemon that
 * is dead, never from one that lives, and open to nobody before its mode and
 * group are right.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "unix.h"

static int
fail (const struct unix_inst *ux, const char *what, const char *path)
{
  return ux->host->error (ux->host, "%s %s: %s", what, path,
                          strerror (errno));
}

/* The folder, when only it is missing. */
static int
make_dir (const struct unix_inst *ux)
{
  CLEANUP_FREE char *copy = strdup (ux->path);
  const char *dir = copy ? dirname (copy) : "";

  if (mkdir (dir, geteuid () == 0 ? 0755 : 0700) == 0 || errno == EEXIST)
    return 0;
  return fail (ux, "create folder", dir);
}

/* One try to hold PATH.lock: 1 held, 0 it was removed meanwhile, -1. */
static int
try_lock (struct unix_inst *ux, const char *file)
{
  CLEANUP_CLOSE int fd = open (file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                               0600);
  struct stat st;

  if (fd == -1)
    return fail (ux, "create", file);
  if (flock (fd, LOCK_EX | LOCK_NB) == -1) {
    if (errno != EWOULDBLOCK)
      return fail (ux, "lock", file);
    return ux->host->error (ux->host, "bind %s: another daemon holds %s",
                            ux->path, file);
  }
  if (fstat (fd, &st) == -1)
    return fail (ux, "stat", file);
  if (st.st_nlink == 0)
    return 0;
  ux->lock_fd = steal_fd (&fd);
  return 1;
}

static int
take_lock (struct unix_inst *ux)
{
  CLEANUP_FREE char *file = NULL;
  int result;

  if (asprintf (&file, "%s.lock", ux->path) == -1)
    return ux->host->error (ux->host, "out of memory");
  do
    result = try_lock (ux, file);
  while (result == 0);
  return result == 1 ? 0 : -1;
}

static void
drop_lock (struct unix_inst *ux)
{
  CLEANUP_FREE char *file = NULL;

  if (ux->lock_fd == -1)
    return;
  if (asprintf (&file, "%s.lock", ux->path) != -1)
    unlink (file);
  close (steal_fd (&ux->lock_fd));
}

/* Does somebody answer at this socket?  1, 0, or -1. */
static int
is_alive (const struct unix_inst *ux, const struct sockaddr_un *address)
{
  CLEANUP_CLOSE int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK
                                          | SOCK_CLOEXEC, 0);

  if (fd == -1)
    return fail (ux, "socket for", ux->path);
  if (connect (fd, (const struct sockaddr *) address, sizeof *address) == 0
      || errno == EAGAIN)
    return 1;
  if (errno == ECONNREFUSED || errno == ENOENT)
    return 0;
  return fail (ux, "test", ux->path);
}

/* Remove what a dead daemon left behind. */
static int
remove_stale (const struct unix_inst *ux, const struct sockaddr_un *address)
{
  struct stat st;
  int alive;

  if (lstat (ux->path, &st) == -1)
    return errno == ENOENT ? 0 : fail (ux, "stat", ux->path);
  if (!S_ISSOCK (st.st_mode))
    return ux->host->error (ux->host, "bind %s: this file exists and is no "
                            "socket", ux->path);
  alive = is_alive (ux, address);
  if (alive == 1)
    return ux->host->error (ux->host, "bind %s: another program listens "
                            "there", ux->path);
  if (alive == 0 && unlink (ux->path) == -1 && errno != ENOENT)
    return fail (ux, "remove", ux->path);
  return alive;
}

/* Connecting fails until listen is called, whatever mode bind gave. */
static int
open_to_peers (const struct unix_inst *ux, int fd)
{
  if (ux->group != (gid_t) -1 && chown (ux->path, -1, ux->group) == -1)
    return fail (ux, "set the group of", ux->path);
  if (chmod (ux->path, ux->mode) == -1)
    return fail (ux, "set the mode of", ux->path);
  if (listen (fd, ux->backlog) == -1)
    return fail (ux, "listen on", ux->path);
  return 0;
}

static int
bind_path (struct unix_inst *ux, struct virgate_listening *out)
{
  CLEANUP_CLOSE int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK
                                          | SOCK_CLOEXEC, 0);
  struct sockaddr_un address;

  if (fd == -1)
    return fail (ux, "socket for", ux->path);
  if (unix_address (&address, ux->path) == -1)
    return ux->host->error (ux->host, "bind %s: the path is too long",
                            ux->path);
  if (remove_stale (ux, &address) == -1)
    return -1;
  if (bind (fd, (struct sockaddr *) &address, sizeof address) == -1)
    return fail (ux, "bind", ux->path);
  if (open_to_peers (ux, fd) == -1) {
    unlink (ux->path);
    return -1;
  }
  out->fd = steal_fd (&fd);
  snprintf (out->where, sizeof out->where, "%s", ux->path);
  return 0;
}

/* Sockets of the service manager ------------------------------------------ */

static int
int_option (int fd, int option)
{
  int value = -1;
  socklen_t len = sizeof value;

  return getsockopt (fd, SOL_SOCKET, option, &value, &len) == -1 ? -1 : value;
}

static int
adopt (struct unix_inst *ux, int fd, struct virgate_listening *out)
{
  struct sockaddr_un address = { 0 };
  socklen_t len = sizeof address;

  if (int_option (fd, SO_DOMAIN) != AF_UNIX
      || int_option (fd, SO_TYPE) != SOCK_STREAM
      || int_option (fd, SO_ACCEPTCONN) != 1)
    return ux->host->error (ux->host, "descriptor %d, which the service "
                            "manager gave, is no unix stream socket that "
                            "listens", fd);
  if (fcntl (fd, F_SETFD, FD_CLOEXEC) == -1
      || fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK) == -1
      || getsockname (fd, (struct sockaddr *) &address, &len) == -1)
    return fail (ux, "adopt", "a socket");
  out->fd = fd;
  snprintf (out->where, sizeof out->where, "%.*s",
            (int) sizeof address.sun_path, address.sun_path);
  return 0;
}

int
unix_listen (void *inst, const int *adopted, uint32_t count,
             struct virgate_listening *out, uint32_t max)
{
  struct unix_inst *ux = inst;

  if (count > max || max == 0)
    return ux->host->error (ux->host, "more than %u sockets", max);
  for (uint32_t i = 0; i < count; i++)
    if (adopt (ux, adopted[i], &out[i]) == -1)
      return -1;
  if (count > 0) {
    ux->is_adopted = true;
    return count;
  }
  if (ux->path == NULL && (ux->path = unix_own_path ("virgate-sock")) == NULL)
    return ux->host->error (ux->host, "out of memory");
  if (make_dir (ux) == -1 || take_lock (ux) == -1)
    return -1;
  if (bind_path (ux, out) == 0)
    return 1;
  drop_lock (ux);
  return -1;
}

void
unix_unlisten (void *inst, const struct virgate_listening *listening)
{
  struct unix_inst *ux = inst;

  if (ux->is_adopted || ux->lock_fd == -1)
    return;
  unlink (ux->path);
  drop_lock (ux);
}

int
unix_accept (void *inst, int listen_fd, void **conn)
{
  int fd;

  do
    fd = accept4 (listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (fd == -1 && (errno == EINTR || errno == ECONNABORTED));
  if (fd == -1)
    return errno == EAGAIN || errno == EWOULDBLOCK ? VIRGATE_IO_WANT_READ
                                                   : VIRGATE_IO_ERROR;
  *conn = unix_conn_new (inst, fd);
  return *conn ? 0 : VIRGATE_IO_ERROR;
}
