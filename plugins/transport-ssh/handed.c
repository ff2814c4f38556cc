/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors from a stranger.  Whether they block belongs to what is open,
 * not to the descriptor, so a stranger who keeps a copy could change it at any
 * time and stop the loop.  Sockets can be asked not to block each time; pipes
 * are opened anew, which makes them ours alone.  Anything else could be a
 * file of a file system that its owner answers for, at his leisure.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "listen.h"

enum kind { KIND_OTHER, KIND_PIPE, KIND_SOCKET };

/* By its name in /proc, which no file's owner has a say in: names of files
 * begin with a slash.
 */
static enum kind
kind_of (int fd)
{
  char link[64], name[16];
  ssize_t n;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink (link, name, sizeof name);
  if (n > 6 && memcmp (name, "pipe:[", 6) == 0)
    return KIND_PIPE;
  if (n > 8 && memcmp (name, "socket:[", 8) == 0)
    return KIND_SOCKET;
  return KIND_OTHER;
}

static int
int_option (int fd, int option)
{
  int value = -1;
  socklen_t len = sizeof value;

  return getsockopt (fd, SOL_SOCKET, option, &value, &len) == -1 ? -1 : value;
}

static int
fail (const char **why, const char *text)
{
  *why = text;
  return -1;
}

/* May it be used in this direction?  Opening it anew must not give more than
 * its owner had.
 */
static bool
is_open_for (int fd, int access)
{
  int flags = fcntl (fd, F_GETFL);
  int has = flags & O_ACCMODE;

  return flags != -1 && !(flags & O_PATH)
         && (has == O_RDWR || has == access);
}

static int
open_anew (int fd, int access, const char **why)
{
  char link[64];
  int own;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  own = open (link, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (own == -1)
    return fail (why, errno == EACCES
                 ? "virgated may not open the helper's pipes: they are "
                   "another user's"
                 : errno == EMFILE || errno == ENFILE
                 ? "virgated can take no more descriptors"
                 : "virgated cannot open the helper's pipes");
  return own;
}

static int
copy_socket (int fd, const char **why)
{
  int own;

  if (int_option (fd, SO_DOMAIN) != AF_UNIX
      || int_option (fd, SO_TYPE) != SOCK_STREAM
      || int_option (fd, SO_ACCEPTCONN) != 0)
    return fail (why, "a socket is not of the kind that sshd makes");
  own = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  return own == -1 ? fail (why, "virgated can take no more descriptors")
                   : own;
}

static int
take (int fd, int access, const char **why)
{
  enum kind kind = kind_of (fd);

  if (kind == KIND_OTHER)
    return fail (why, "standard input and output must be pipes or sockets, as "
                 "sshd makes them without a terminal");
  if (!is_open_for (fd, access))
    return fail (why, access == O_RDONLY ? "standard input cannot be read"
                                         : "standard output cannot be written");
  return kind == KIND_PIPE ? open_anew (fd, access, why)
                           : copy_socket (fd, why);
}

static bool
is_same_socket (int one, int other)
{
  struct stat a, b;

  return fstat (one, &a) == 0 && fstat (other, &b) == 0
         && S_ISSOCK (a.st_mode) && a.st_dev == b.st_dev
         && a.st_ino == b.st_ino;
}

int
handed_take (struct handed *handed, const int fd[2], const char **why)
{
  CLEANUP_CLOSE int in = take (fd[0], O_RDONLY, why);
  CLEANUP_CLOSE int out = in == -1 ? -1 : take (fd[1], O_WRONLY, why);

  if (in == -1 || out == -1)
    return -1;
  handed->in_is_socket = kind_of (in) == KIND_SOCKET;
  handed->out_is_socket = kind_of (out) == KIND_SOCKET;
  handed->in = steal_fd (&in);
  handed->out = is_same_socket (handed->in, out) ? handed->in
                                                 : steal_fd (&out);
  return 0;
}

void
handed_close (struct handed *handed)
{
  if (handed->out != handed->in)
    close (handed->out);
  if (handed->in != -1)
    close (handed->in);
  handed->in = handed->out = -1;
}

/* Input and output --------------------------------------------------------- */

static ssize_t
result (ssize_t n, int want)
{
  if (n >= 0)
    return n;
  return errno == EAGAIN || errno == EWOULDBLOCK ? want : VIRGATE_IO_ERROR;
}

ssize_t
handed_readv (const struct handed *handed, const struct iovec *iov,
              int iovcnt)
{
  struct msghdr msg = { .msg_iov = (struct iovec *) iov,
                        .msg_iovlen = iovcnt };
  ssize_t n;

  do
    n = handed->in_is_socket ? recvmsg (handed->in, &msg, MSG_DONTWAIT)
                          : readv (handed->in, iov, iovcnt);
  while (n == -1 && errno == EINTR);
  return result (n, VIRGATE_IO_WANT_READ);
}

ssize_t
handed_writev (const struct handed *handed, const struct iovec *iov,
               int iovcnt)
{
  struct msghdr msg = { .msg_iov = (struct iovec *) iov,
                        .msg_iovlen = iovcnt };
  ssize_t n;

  do
    n = handed->out_is_socket
        ? sendmsg (handed->out, &msg, MSG_DONTWAIT | MSG_NOSIGNAL)
        : writev (handed->out, iov, iovcnt);
  while (n == -1 && errno == EINTR);
  return result (n, VIRGATE_IO_WANT_WRITE);
}
