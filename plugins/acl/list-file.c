/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading files of entries and rules; see list-file.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "list-file.h"

/* Read in pieces of this size. */
#define PIECE (256 * 1024)

#define MIB (1024 * 1024)

static const char *
object_to (int fd)
{
  struct stat st;

  if (fd == -1 || fstat (fd, &st) == -1)
    return strerror (errno);
  if (!S_ISREG (st.st_mode))
    return "not a regular file";
  return st.st_mode & S_IWOTH
         ? "everybody may write it, and so let anybody in: chmod o-w" : NULL;
}

/* 0, or -1 with errno; EFBIG when there is more than max. */
static int
slurp (int fd, size_t max, struct buf *text)
{
  for (;;) {
    char *to = buf_reserve (text, PIECE);
    ssize_t n = to ? read (fd, to, PIECE) : -1;

    if (n == 0)
      return 0;
    if (n == -1 && errno != EINTR)
      return -1;
    text->end += n > 0 ? n : 0;
    if (buf_len (text) > max) {
      errno = EFBIG;
      return -1;
    }
  }
}

int
list_file_read (const char *path, size_t max, struct buf *text, char *why,
                size_t size)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK
                                     | O_NOCTTY);
  const char *problem = object_to (fd);

  if (problem == NULL && slurp (fd, max, text) == 0)
    return 0;
  if (problem == NULL && errno == EFBIG)
    snprintf (why, size, "longer than %zu MiB", max / MIB);
  else
    snprintf (why, size, "%s", problem ? problem : strerror (errno));
  return -1;
}
