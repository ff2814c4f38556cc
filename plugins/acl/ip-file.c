/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading files of addresses; see ip-file.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "ip-file.h"
#include "list-file.h"

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

int
ip_file_read (struct ip_builder *builder, const char *path, uint16_t source,
              char *why, size_t size)
{
  CLEANUP (buf_free) struct buf text = BUF_INIT;
  char complaint[300];
  uint32_t line;

  if (list_file_read (path, IP_FILE_MAX, &text, complaint, sizeof complaint)
      == -1) {
    snprintf (why, size, "%s: %s", path, complaint);
    return -1;
  }
  if (ip_file_parse (builder, buf_data (&text), buf_len (&text), source,
                     &line, complaint, sizeof complaint) == 0)
    return 0;
  snprintf (why, size, "%s:%u: %s", path, line, complaint);
  return -1;
}
