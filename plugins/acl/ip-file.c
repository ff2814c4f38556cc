/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading files of addresses; see ip-file.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "ip-file.h"

/* Read in pieces of this size. */
#define PIECE (1024 * 1024)

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r';
}

/* Copy a line without its comment and the blanks around it; blanks around the
 * dash of a range go, too.  -1: it is no entry, and why says why.
 */
static int
tidy (const char *text, size_t len, char word[IP_WORD_MAX], char *why,
      size_t size)
{
  bool was_blank = false;
  size_t used = 0;

  for (size_t i = 0; i < len && text[i] != '#' && text[i] != ';'; i++) {
    if (is_blank (text[i])) {
      was_blank = true;
      continue;
    }
    if (text[i] <= 0x20 || text[i] >= 0x7f) {
      snprintf (why, size, "byte %zu is not part of an address", i + 1);
      return -1;
    }
    if (was_blank && used > 0 && text[i] != '-' && word[used - 1] != '-') {
      snprintf (why, size, "more than one entry in a line");
      return -1;
    }
    if (used == IP_WORD_MAX - 1) {
      snprintf (why, size, "too long for an entry");
      return -1;
    }
    was_blank = false;
    word[used++] = text[i];
  }
  word[used] = '\0';
  return 0;
}

static int
parse_line (struct ip_builder *builder, const char *text, size_t len,
            uint16_t source, uint32_t line, char *why, size_t size)
{
  struct ip_range ranges[2];
  char word[IP_WORD_MAX];
  int count;

  if (tidy (text, len, word, why, size) == -1)
    return -1;
  if (*word == '\0')
    return 0;
  count = ip_parse (word, ranges, why, size);
  for (int i = 0; i < count; i++)
    if (ip_builder_add (builder, &ranges[i], line, source) == -1) {
      snprintf (why, size, "out of memory, or more than %d entries",
                IP_ENTRIES_MAX);
      return -1;
    }
  return count == -1 ? -1 : 0;
}

int
ip_file_parse (struct ip_builder *builder, const char *text, size_t len,
               uint16_t source, uint32_t *line, char *why, size_t size)
{
  *line = 0;
  if (len >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0) {
    text += 3;
    len -= 3;
  }
  while (len > 0) {
    const char *end = memchr (text, '\n', len);
    size_t this_len = end ? (size_t) (end - text) : len;

    ++*line;
    if (parse_line (builder, text, this_len, source, *line, why, size) == -1)
      return -1;
    this_len += end != NULL;
    text += this_len;
    len -= this_len;
  }
  return 0;
}

/* What is wrong with a file before it is read; NULL: nothing. */
static const char *
object_to (int fd)
{
  struct stat st;

  if (fd == -1 || fstat (fd, &st) == -1)
    return strerror (errno);
  if (!S_ISREG (st.st_mode))
    return "not a regular file";
  if (st.st_mode & S_IWOTH)
    return "everybody may write it, and so let anybody in: chmod o-w";
  return st.st_size > IP_FILE_MAX ? "longer than 128 MiB" : NULL;
}

static const char *
slurp (int fd, struct buf *text)
{
  for (;;) {
    char *to = buf_reserve (text, PIECE);
    ssize_t n = to ? read (fd, to, PIECE) : -1;

    if (n == 0)
      return NULL;
    if (n == -1 && errno != EINTR)
      return strerror (errno);
    text->end += n > 0 ? n : 0;
    if (buf_len (text) > IP_FILE_MAX)
      return "longer than 128 MiB";
  }
}

int
ip_file_read (struct ip_builder *builder, const char *path, uint16_t source,
              char *why, size_t size)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK
                                     | O_NOCTTY);
  CLEANUP (buf_free) struct buf text = BUF_INIT;
  const char *problem = object_to (fd);
  char complaint[300];
  uint32_t line;

  if (problem == NULL)
    problem = slurp (fd, &text);
  if (problem) {
    snprintf (why, size, "%s: %s", path, problem);
    return -1;
  }
  if (ip_file_parse (builder, buf_data (&text), buf_len (&text), source,
                     &line, complaint, sizeof complaint) == 0)
    return 0;
  snprintf (why, size, "%s:%u: %s", path, line, complaint);
  return -1;
}
