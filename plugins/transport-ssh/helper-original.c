/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SSH_ORIGINAL_COMMAND: what the client would have run, had its account not
 * been given this helper.  Stock clients send a shell script in which their
 * own helper or netcat is called.  It is looked at word by word and never
 * run; a word that is misunderstood can only take rights away.
 */
#include "config.h"

#include <string.h>

#include "helper.h"

/* Whatever a shell takes for the end of a word, or for part of none. */
static const char between[] = " \t\n'\"`\\;|&()<>";

/* Sockets for reading only are named so, by libvirt and here. */
static const char ro_suffix[] = "-sock-ro";

static bool
is_word (const char *word, size_t len, const char *wanted)
{
  return len == strlen (wanted) && memcmp (word, wanted, len) == 0;
}

static bool
ends_with (const char *word, size_t len, const char *end)
{
  size_t end_len = strlen (end);

  return len >= end_len && memcmp (word + len - end_len, end, end_len) == 0;
}

static void
look_at (const char *word, size_t len, struct wish *wish)
{
  if (is_word (word, len, "-r") || is_word (word, len, "--readonly")
      || is_word (word, len, "--read-only")
      || ends_with (word, len, ro_suffix))
    wish->read_only = true;
  else if (is_word (word, len, "--mark"))
    wish->mark = true;
  else if (wish->uri[0] == '\0' && len < URI_MAX
           && memmem (word, len, "://", 3)) {
    memcpy (wish->uri, word, len);
    wish->uri[len] = '\0';
  }
}

void
original_read (const char *command, struct wish *wish)
{
  while (*command) {
    size_t len = strcspn (command, between);

    if (len > 0)
      look_at (command, len, wish);
    command += len;
    command += strspn (command, between);
  }
}
