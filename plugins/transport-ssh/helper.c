/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate-ssh-helper: started by sshd, it hands its standard input and output
 * to virgated and then sleeps until the connection ends, because sshd takes
 * no more input from its client once the command has ended.  No byte of the
 * connection passes through it.  See virgate-ssh-helper(8).
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "helper.h"

#define NAME "virgate-ssh-helper"

/* virgated answers at once, or not at all. */
#define ANSWER_MS 20000

/* The line by which a client finds the end of what a profile printed. */
#define MARK "\nvirgate-far: ready " NAME "\n"

static const char usage[] =
  "usage: " NAME " [-r] [--socket PATH] [--identity NAME] [URI]\n"
  "Started by sshd, hands its standard input and output to virgated.\n";

static int
fail (const char *fmt, ...) __attribute__ ((format (printf, 1, 2)));

static int
fail (const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  fputs (NAME ": ", stderr);
  vfprintf (stderr, fmt, args);
  fputc ('\n', stderr);
  va_end (args);
  return -1;
}

/* Command line ------------------------------------------------------------- */

static int
take_identity (const char *name, struct note *note)
{
  if (!note_is_text (name))
    return fail ("--identity: '%s' is not 1 to %d printable ASCII characters",
                 name, NOTE_TEXT_MAX);
  strcpy (note->field[NOTE_IDENTITY], name);
  return 0;
}

static int
take_option (int option, struct wish *wish, struct note *note)
{
  switch (option) {
  case 'r': wish->read_only = true; return 0;
  case 's': wish->socket = optarg; return 0;
  case 'm': wish->mark = true; return 0;
  case 'i': return take_identity (optarg, note);
  case 'h': fputs (usage, stdout); exit (0);
  case 'V': puts (NAME " " PACKAGE_VERSION); exit (0);
  default: fputs (usage, stderr); return -1;
  }
}

/* Also under the name of libvirt's own helper, virt-ssh-helper. */
static int
read_command_line (int argc, char **argv, struct wish *wish, struct note *note)
{
  static const struct option options[] = {
    { "readonly", no_argument, NULL, 'r' },
    { "read-only", no_argument, NULL, 'r' },
    { "socket", required_argument, NULL, 's' },
    { "identity", required_argument, NULL, 'i' },
    { "mark", no_argument, NULL, 'm' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL }
  };
  const char *original = getenv ("SSH_ORIGINAL_COMMAND");
  int option;

  while ((option = getopt_long (argc, argv, "r", options, NULL)) != -1)
    if (take_option (option, wish, note) == -1)
      return -1;
  if (argc - optind > 1)
    return fail ("one URI, not %d", argc - optind);
  if (optind < argc)
    snprintf (wish->uri, sizeof wish->uri, "%s", argv[optind]);
  if (original)
    original_read (original, wish);
  note->read_only = wish->read_only;
  return 0;
}

/* Where virgated listens --------------------------------------------------- */

static bool
is_session (const char *uri)
{
  const char *host = strstr (uri, "://");
  const char *path = host ? strchr (host + 3, '/') : NULL;

  return path && strcspn (path, "?#") == strlen ("/session")
         && strncmp (path, "/session", strlen ("/session")) == 0;
}

static int
user_socket (char *path, size_t size)
{
  const char *dir = getenv ("XDG_RUNTIME_DIR");

  if (dir && dir[0] == '/')
    return snprintf (path, size, "%s/virgate/virgate-ssh-sock", dir);
  return snprintf (path, size, "/run/user/%u/virgate/virgate-ssh-sock",
                   geteuid ());
}

static int
connect_to (const char *path)
{
  CLEANUP_CLOSE int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const struct timeval limit = { .tv_sec = ANSWER_MS / 1000 };

  if (strlen (path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy (address.sun_path, path);
  if (fd == -1
      || setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == -1
      || connect (fd, (struct sockaddr *) &address, sizeof address) == -1)
    return -1;
  return steal_fd (&fd);
}

static int
cannot_connect (const char *path)
{
  const char *hint = errno == EACCES
    ? "the mode and group of the socket say who may connect"
    : "is virgated running, with a [listen] section whose transport is ssh?";

  return fail ("cannot connect to virgated at '%s': %s; %s", path,
               strerror (errno), hint);
}

/* The daemon of the system, and for users other than root their own. */
static int
find_daemon (const struct wish *wish)
{
  static const char system_path[] = RUNSTATEDIR "/virgate/virgate-ssh-sock";
  bool for_user = geteuid () != 0 && is_session (wish->uri);
  char user_path[512];
  const char *path = wish->socket ? wish->socket
                     : for_user ? user_path : system_path;
  int fd, errnum;

  user_socket (user_path, sizeof user_path);
  fd = connect_to (path);
  if (fd != -1)
    return fd;
  errnum = errno;
  if (path == system_path && geteuid () != 0
      && (errno == ENOENT || errno == ECONNREFUSED))
    fd = connect_to (user_path);
  errno = errnum;
  return fd == -1 ? cannot_connect (path) : fd;
}

/* Handing over ------------------------------------------------------------- */

/* sshd gives pipes of its own user, or a socket.  virgated opens pipes anew,
 * so that nobody else can change how they behave; that it may, whoever it
 * runs as, its owner has to say.
 */
static int
prepare (int fd, const char *what)
{
  struct statfs fs;
  struct stat st;

  if (fstat (fd, &st) == -1 || fstatfs (fd, &fs) == -1)
    return fail ("%s: %s", what, strerror (errno));
  if (!S_ISFIFO (st.st_mode) && !S_ISSOCK (st.st_mode))
    return fail ("%s is neither a pipe nor a socket: this program is started "
                 "by sshd, without a terminal, and serves no shell", what);
  if (S_ISFIFO (st.st_mode) && fs.f_type == PIPEFS_MAGIC)
    (void) !fchmod (fd, 0666);
  return 0;
}

static int
send_note (int fd, const struct note *note)
{
  static const int fds[2] = { STDIN_FILENO, STDOUT_FILENO };
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE (sizeof fds)];
  } control = { .bytes = { 0 } };
  uint8_t data[NOTE_MAX];
  struct iovec iov = { data, note_write (note, data) };
  struct msghdr msg = {
    .msg_iov = &iov, .msg_iovlen = 1,
    .msg_control = control.bytes, .msg_controllen = sizeof control,
  };
  struct cmsghdr *head = CMSG_FIRSTHDR (&msg);

  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN (sizeof fds);
  memcpy (CMSG_DATA (head), fds, sizeof fds);
  if (sendmsg (fd, &msg, MSG_NOSIGNAL) == (ssize_t) iov.iov_len)
    return 0;
  return fail ("cannot hand the connection to virgated: %s",
               strerror (errno));
}

/* What virgated says next, as text in SIZE bytes; 0 at the end. */
static ssize_t
hear (int fd, char *text, size_t size, int timeout_ms)
{
  struct pollfd pollfd = { .fd = fd, .events = POLLIN };
  ssize_t n;

  while (poll (&pollfd, 1, timeout_ms) == -1)
    if (errno != EINTR)
      return -1;
  if (pollfd.revents == 0) {
    errno = ETIMEDOUT;
    return -1;
  }
  do
    n = recv (fd, text, size - 1, 0);
  while (n == -1 && errno == EINTR);
  text[n > 0 ? n : 0] = '\0';
  return n;
}

/* From here on the daemon has the connection, or there is none. */
static int
hand_over (int fd, const struct note *note)
{
  char answer[2], why[512];
  ssize_t n;

  if (send_note (fd, note) == -1)
    return -1;
  n = hear (fd, answer, sizeof answer, ANSWER_MS);
  if (n == -1)
    return fail ("virgated does not answer: %s", strerror (errno));
  if (answer[0] == NOTE_TAKEN)
    return 0;
  if (answer[0] == NOTE_REFUSED && hear (fd, why, sizeof why, ANSWER_MS) > 0)
    return fail ("virgated refused the connection: %s", why);
  return fail ("virgated refused the connection; its log says why");
}

static int
sleep_until_end (int fd)
{
  char answer[2];

  /* virgated has its own; while ours are open, sshd sees no end. */
  close (STDIN_FILENO);
  close (STDOUT_FILENO);
  if (hear (fd, answer, sizeof answer, -1) > 0 && answer[0] == NOTE_DONE)
    return 0;
  return fail ("virgated ended while the connection was in use");
}

int
main (int argc, char **argv)
{
  struct wish wish = { .read_only = false };
  struct note note = { .read_only = false };
  CLEANUP_CLOSE int fd = -1;

  signal (SIGPIPE, SIG_IGN);
  if (read_command_line (argc, argv, &wish, &note) == -1)
    return 2;
  session_read (&note);
  if (prepare (STDIN_FILENO, "standard input") == -1
      || prepare (STDOUT_FILENO, "standard output") == -1)
    return 1;
  fd = find_daemon (&wish);
  if (fd == -1 || hand_over (fd, &note) == -1)
    return 1;
  if (wish.mark
      && write (STDOUT_FILENO, MARK, strlen (MARK)) != (ssize_t) strlen (MARK))
    return 1;
  return sleep_until_end (fd) == 0 ? 0 : 1;
}
