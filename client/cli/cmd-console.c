/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams and the user's side of them: console on the terminal, screenshot
 * into a file.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>

#include "rows.h"

#define ESCAPE ']' - '@'        /* Ctrl-] */
#define PIECE 4096              /* bytes read from the terminal at once */

static void
cleanup_stream (struct virgate_client_stream **stream)
{
  virgate_stream_free (*stream);
}

/* The terminal as it was, to be restored. */
struct terminal {
  struct termios before;
  bool is_raw;
};

static void
terminal_raw (struct terminal *terminal)
{
  struct termios raw;

  terminal->is_raw = false;
  if (!isatty (STDIN_FILENO)
      || tcgetattr (STDIN_FILENO, &terminal->before) < 0)
    return;
  raw = terminal->before;
  cfmakeraw (&raw);
  terminal->is_raw = tcsetattr (STDIN_FILENO, TCSAFLUSH, &raw) == 0;
}

static void
terminal_restore (struct terminal *terminal)
{
  if (terminal->is_raw)
    tcsetattr (STDIN_FILENO, TCSAFLUSH, &terminal->before);
}

static int
write_all (int fd, const char *data, size_t len)
{
  while (len > 0) {
    ssize_t n = write (fd, data, len);

    if (n < 0 && errno == EAGAIN) {
      struct pollfd out = { fd, POLLOUT, 0 };

      poll (&out, 1, -1);
    } else if (n < 0 && errno != EINTR)
      return -1;
    if (n > 0) {
      data += n;
      len -= (size_t) n;
    }
  }
  return 0;
}

/* Show what the guest wrote.  Returns 1 at its end, 0 for more, -1. */
static int
console_output (struct cmd *cmd, struct virgate_client_stream *stream)
{
  char buf[PIECE];
  int64_t n;

  while ((n = virgate_stream_read (stream, buf, sizeof buf, NULL, 0)) > 0)
    if (write_all (STDOUT_FILENO, buf, (size_t) n) < 0)
      return cmd_fail (cmd, STATUS_FAILED, "cannot write to the terminal: %s",
                       strerror (errno));
  if (n == -2)
    return 0;
  return n == 0 ? 1 : cmd_result (cmd, -1, NULL);
}

/* Send what the user typed.  Returns 1 at the escape or its end, 0, -1. */
static int
console_input (struct cmd *cmd, struct virgate_client_stream *stream)
{
  char buf[PIECE], *escape;
  ssize_t n = read (STDIN_FILENO, buf, sizeof buf);
  size_t len;

  if (n < 0)
    return errno == EINTR || errno == EAGAIN ? 0 : 1;
  escape = memchr (buf, ESCAPE, (size_t) n);
  len = escape ? (size_t) (escape - buf) : (size_t) n;
  if (len > 0 && virgate_stream_write (stream, buf, len) < 0)
    return cmd_result (cmd, -1, NULL);
  return n == 0 || escape;
}

static int
console_loop (struct cmd *cmd, struct virgate_client_stream *stream)
{
  struct virgate_conn *conn = cmd->host->conn;
  int rc = 0;

  while (rc == 0) {
    struct pollfd fds[] = {
      { virgate_conn_fd (conn), 0, 0 }, { STDIN_FILENO, POLLIN, 0 },
      { cmd->app->stop_fd, POLLIN, 0 }
    };
    bool is_alive = virgate_conn_step (conn) == 0;

    rc = console_output (cmd, stream);
    if (rc != 0)
      break;
    if (!is_alive)
      return cmd_lost (cmd);
    fds[0].events = virgate_conn_events (conn);
    if (poll (fds, 3, virgate_conn_timeout_ms (conn)) < 0 && errno != EINTR)
      break;
    if (fds[2].revents)
      break;
    if (fds[1].revents)
      rc = console_input (cmd, stream);
  }
  return rc < 0 ? -1 : 0;
}

int
run_console (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  CLEANUP (cleanup_stream) struct virgate_client_stream *stream = NULL;
  struct virgate_remote_domain_open_console_args args = {
    .dev_name = (char *) opt_str (cmd, "devname"), .flags = opt_bits (cmd)
  };
  struct terminal terminal;
  int rc;

  if (dom == NULL)
    return -1;
  if (dom->id < 0)
    return cmd_fail (cmd, STATUS_FAILED, "The domain is not running");
  args.dom = *dom;
  stream = virgate_stream_open (cmd_conn (cmd), VIRGATE_REMOTE_PROGRAM,
                                REMOTE (DOMAIN_OPEN_CONSOLE), &args, NULL);
  if (stream == NULL)
    return cmd_result (cmd, -1, NULL);
  fprintf (stderr, "Connected to domain '%s'\n"
           "Escape character is ^] (Ctrl + ])\n", dom->name);
  fflush (stdout);
  terminal_raw (&terminal);
  rc = console_loop (cmd, stream);
  terminal_restore (&terminal);
  fputc ('\n', stderr);
  cmd->host->is_silent = true;
  return rc;
}

/* The file name that virsh would choose: NAME-TIME.EXTENSION.  free. */
static char *
screenshot_name (const struct virgate_domain *dom, const char *mime)
{
  char when[32];
  time_t now = time (NULL);
  struct tm tm;
  char *name;

  localtime_r (&now, &tm);
  strftime (when, sizeof when, "%Y-%m-%d-%H:%M:%S", &tm);
  name = must_format ("%s-%s%s", dom->name, when,
                      strcmp (mime, "image/x-portable-pixmap") == 0 ? ".ppm"
                      : strcmp (mime, "image/png") == 0 ? ".png" : "");
  for (char *c = name; *c; c++)
    if (*c == '/')              /* a name must not choose the folder */
      *c = '-';
  return name;
}

static int
stream_to_file (struct cmd *cmd, struct virgate_client_stream *stream,
                const char *path)
{
  CLEANUP_CLOSE int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                               0666);
  CLEANUP_FREE char *buf = must_alloc (NULL, 65536, 1);
  int64_t n;

  if (fd < 0)
    return cmd_fail (cmd, STATUS_FAILED, "cannot create file %s: %s", path,
                     strerror (errno));
  while ((n = virgate_stream_read (stream, buf, 65536, NULL,
                                   cmd_left_ms (cmd))) > 0)
    if (write_all (fd, buf, (size_t) n) < 0)
      return cmd_fail (cmd, STATUS_FAILED, "cannot write %s: %s", path,
                       strerror (errno));
  if (n == -2)
    return cmd_fail (cmd, STATUS_TIMEOUT, "the screenshot did not come in "
                     "time");
  if (n < 0 || virgate_stream_finish (stream) < 0)
    return cmd_result (cmd, -1, NULL);
  return 0;
}

int
run_screenshot (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  CLEANUP (cleanup_stream) struct virgate_client_stream *stream = NULL;
  struct virgate_remote_domain_screenshot_args args = {
    .screen = (uint32_t) opt_int (cmd, "screen", 0)
  };
  struct virgate_remote_domain_screenshot_ret *ret = NULL;
  CLEANUP_FREE char *path = NULL;
  const char *mime;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  stream = virgate_stream_open (cmd_conn (cmd), VIRGATE_REMOTE_PROGRAM,
                                REMOTE (DOMAIN_SCREENSHOT), &args,
                                (void **) &ret);
  if (stream == NULL)
    return cmd_result (cmd, -1, NULL);
  cmd_keep (cmd, ret);
  mime = ret->mime ? ret->mime : "";
  path = opt_str (cmd, "file") ? must_strdup (opt_str (cmd, "file"))
                               : screenshot_name (dom, mime);
  if (stream_to_file (cmd, stream, path) < 0) {
    if (!opt_str (cmd, "file"))
      unlink (path);
    return -1;
  }
  result_record (cmd->out, &style_plain);
  put_fmt (cmd->out, NULL, "", "Screenshot saved to %s, with type of %s", path,
           mime);
  put_str (cmd->out, "file", NULL, path);
  put_str (cmd->out, "type", NULL, mime);
  return 0;
}
