/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files with secrets; see secretfile.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/secretfile.h"

#define FAIL(err, ...)                                                  \
  error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF, __VA_ARGS__)

static int
check (int fd, const char *path, unsigned flags, size_t max, size_t *len,
       struct virgate_error *err)
{
  struct stat st;

  if (fstat (fd, &st) == -1)
    return FAIL (err, "%s: %s", path, strerror (errno));
  if (!S_ISREG (st.st_mode))
    return FAIL (err, "%s is not a regular file", path);
  if ((flags & SECRET_PRIVATE) && (st.st_mode & 0077))
    return FAIL (err, "%s holds a secret, and others may read or write it "
                 "(mode %04o): chmod 0600", path,
                 (unsigned) st.st_mode & 07777);
  if ((flags & SECRET_PRIVATE) && st.st_uid != 0 && st.st_uid != geteuid ())
    return FAIL (err, "%s belongs to user %u, neither root nor who runs this",
                 path, (unsigned) st.st_uid);
  if ((unsigned long long) st.st_size > max)
    return FAIL (err, "%s is longer than %zu bytes", path, max);
  *len = (size_t) st.st_size;
  return 0;
}

/* Fill text, which has room for LEN bytes; the file may have shrunk. */
static ssize_t
fill (int fd, char *text, size_t len)
{
  size_t got = 0;

  while (got < len) {
    ssize_t n = read (fd, text + got, len - got);

    if (n == -1 && errno == EINTR)
      continue;
    if (n == -1)
      return -1;
    if (n == 0)
      break;
    got += n;
  }
  return (ssize_t) got;
}

int
secret_read (const char *path, unsigned flags, size_t max, char **text,
             size_t *len, struct virgate_error *err)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK
                               | O_NOCTTY);
  size_t room = 0;
  ssize_t got;

  if (fd == -1 && errno == ENOENT)
    return 1;
  if (fd == -1)
    return FAIL (err, "%s: %s", path, strerror (errno));
  if (check (fd, path, flags, max, &room, err) == -1)
    return -1;
  *text = malloc (room + 1);
  if (*text == NULL)
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
  got = fill (fd, *text, room);
  if (got == -1) {
    FAIL (err, "%s: %s", path, strerror (errno));
    secret_drop (*text, room);
    return -1;
  }
  (*text)[got] = '\0';
  *len = got;
  return 0;
}

void
secret_drop (char *text, size_t len)
{
  wipe (text, len);
  free (text);
}

char *
secret_line (const char *path, struct virgate_error *err)
{
  char *text = NULL, *line;
  size_t len = 0;
  int result = secret_read (path, SECRET_PRIVATE, SECRET_MAX, &text, &len,
                            err);

  if (result == 1)
    FAIL (err, "%s: %s", path, strerror (ENOENT));
  if (result != 0)
    return NULL;
  line = strndup (text, strcspn (text, "\r\n"));
  if (line == NULL)
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
  secret_drop (text, len);
  return line;
}
