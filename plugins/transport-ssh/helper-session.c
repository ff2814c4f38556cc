/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What sshd tells the commands that it starts: where the client is, and with
 * which key it logged in (with ExposeAuthInfo, in a file).  Whether virgated
 * believes it is virgated's decision.
 */
#include "config.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fingerprint.h"
#include "helper.h"

/* sshd's file has a line for each method that was used; keys of 16384 bits
 * have 3 KiB.
 */
#define AUTH_INFO_MAX (64 * 1024)

static void
set (struct note *note, enum note_field field, const char *text)
{
  if (text && note_is_text (text))
    strcpy (note->field[field], text);
}

/* sshd makes it as this user, and for nobody else.  NULL: not so. */
static char *
read_auth_info (const char *path)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK
                                     | O_CLOEXEC | O_NOCTTY);
  CLEANUP_FREE char *text = calloc (1, AUTH_INFO_MAX + 1);
  struct stat st;

  if (fd == -1 || text == NULL || fstat (fd, &st) == -1
      || !S_ISREG (st.st_mode) || st.st_uid != geteuid ()
      || (st.st_mode & 077) || read (fd, text, AUTH_INFO_MAX) <= 0)
    return NULL;
  return steal_pointer (&text);
}

/* "publickey ssh-ed25519 AAAA...": the first key.  A certificate has none that
 * ssh-keygen would call so.
 */
static void
read_key (char *text, struct note *note)
{
  char *save = NULL, print[FINGERPRINT_MAX];

  for (char *line = strtok_r (text, "\n", &save); line;
       line = strtok_r (NULL, "\n", &save)) {
    char *words = NULL;
    const char *method = strtok_r (line, " ", &words);
    const char *type = strtok_r (NULL, " ", &words);
    const char *key = strtok_r (NULL, " ", &words);

    if (key == NULL || strcmp (method, "publickey") != 0
        || strstr (type, "-cert-"))
      continue;
    if (fingerprint (key, strlen (key), print) == 0)
      set (note, NOTE_KEY, print);
    return;
  }
}

void
session_read (struct note *note)
{
  const char *path = getenv ("SSH_USER_AUTH");
  CLEANUP_FREE char *info = path ? read_auth_info (path) : NULL;
  const struct passwd *user = getpwuid (getuid ());

  set (note, NOTE_ADDRESSES, getenv ("SSH_CONNECTION"));
  set (note, NOTE_USER, user ? user->pw_name : NULL);
  if (info)
    read_key (info, note);
}
