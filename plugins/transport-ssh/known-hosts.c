/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of known host keys; see known.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "known.h"
#include "sshconf.h"

const char *const known_type_name[KNOWN_TYPES] = {
  [KNOWN_ED25519] = "ssh-ed25519",
  [KNOWN_ECDSA_256] = "ecdsa-sha2-nistp256",
  [KNOWN_ECDSA_384] = "ecdsa-sha2-nistp384",
  [KNOWN_ECDSA_521] = "ecdsa-sha2-nistp521",
  [KNOWN_RSA] = "ssh-rsa",
  [KNOWN_DSA] = "ssh-dss",
};

/* A part of a line. */
struct field {
  const char *at;
  size_t len;
};

static struct field
next_field (const char **line, const char *end)
{
  struct field field;

  while (*line < end && strchr (" \t\r", **line))
    ++*line;
  field.at = *line;
  while (*line < end && **line && !strchr (" \t\r", **line))
    ++*line;
  field.len = *line - field.at;
  return field;
}

static bool
is_word (struct field field, const char *word)
{
  return field.len == strlen (word) && memcmp (field.at, word, field.len) == 0;
}

static bool
is_named (const struct known_query *query, struct field names)
{
  if (names.len > 0 && names.at[0] == '|')
    return query->hashed
           && query->hashed (query->opaque, names.at, names.len, query->name);
  return pattern_list (names.at, names.len, query->name) == 1;
}

static void
note_key (struct known_found *found, const struct known_query *query,
          struct field type, struct field key, const char *file,
          unsigned line)
{
  for (int i = 0; i < KNOWN_TYPES; i++)
    if (is_word (type, known_type_name[i]))
      found->types |= 1u << i;
  if (query->type == NULL || !is_word (type, query->type))
    return;
  if (is_word (key, query->key))
    found->matches = true;
  else if (found->same_type[0] == '\0')
    snprintf (found->same_type, sizeof found->same_type, "%s:%u", file, line);
}

static void
look_at_line (struct known_found *found, const struct known_query *query,
              struct field line, const char *file, unsigned number)
{
  const char *at = line.at, *end = line.at + line.len;
  struct field names = next_field (&at, end), marker = { "", 0 }, type, key;

  if (names.len == 0 || names.at[0] == '#')
    return;
  if (names.at[0] == '@') {
    marker = names;
    names = next_field (&at, end);
  }
  type = next_field (&at, end);
  key = next_field (&at, end);
  if (key.len == 0 || !is_named (query, names))
    return;
  if (marker.len == 0)
    note_key (found, query, type, key, file, number);
  else if (is_word (marker, "@cert-authority"))
    found->has_authority = true;
  else if (is_word (marker, "@revoked") && query->key
           && is_word (key, query->key)) {
    found->is_revoked = true;
    snprintf (found->revoked, sizeof found->revoked, "%s:%u", file, number);
  }
}

void
known_look (struct known_found *found, const struct known_query *query,
            const char *text, size_t len, const char *file)
{
  const char *end = text + len;

  for (unsigned number = 1; text < end; number++) {
    const char *stop = memchr (text, '\n', end - text);
    struct field line = { text, (stop ? stop : end) - text };

    look_at_line (found, query, line, file, number);
    text += line.len + 1;
  }
}

int
known_look_file (struct known_found *found, const struct known_query *query,
                 const char *file)
{
  CLEANUP_CLOSE int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  CLEANUP_FREE char *text = NULL;
  struct stat st;
  ssize_t len, n;

  if (fd == -1)
    return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
  if (fstat (fd, &st) == -1)
    return -1;
  if (!S_ISREG (st.st_mode))
    return 0;                   /* /dev/null, for one */
  if (st.st_size > KNOWN_FILE_MAX) {
    errno = EFBIG;
    return -1;
  }
  text = malloc (st.st_size + 1);
  if (text == NULL)
    return -1;
  for (len = 0; len < st.st_size; len += n) {
    n = read (fd, text + len, st.st_size - len);
    if (n == -1)
      return -1;
    if (n == 0)
      break;
  }
  known_look (found, query, text, len, file);
  return 0;
}

/* Adding ------------------------------------------------------------------- */

/* The folders above a file, private to the user. */
static void
make_folders (const char *file)
{
  CLEANUP_FREE char *folder = strdup (file);

  if (folder == NULL)
    return;
  for (char *slash = strchr (folder + 1, '/'); slash;
       slash = strchr (slash + 1, '/')) {
    *slash = '\0';
    mkdir (folder, 0700);
    *slash = '/';
  }
}

/* Does the file end in the middle of a line? */
static bool
ends_open (int fd)
{
  off_t size = lseek (fd, 0, SEEK_END);
  char last = '\n';

  return size > 0 && pread (fd, &last, 1, size - 1) == 1 && last != '\n';
}

int
known_add (const char *file, const char *name, const char *type,
           const char *key)
{
  CLEANUP_CLOSE int fd = -1;
  CLEANUP_FREE char *line = NULL;
  int len;

  make_folders (file);
  fd = open (file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd == -1)
    return -1;
  len = asprintf (&line, "%s%s %s %s\n", ends_open (fd) ? "\n" : "", name,
                  type, key);
  if (len == -1) {
    line = NULL;
    return -1;
  }
  return write (fd, line, len) == len ? 0 : -1;
}
