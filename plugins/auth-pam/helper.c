/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate-pam-helper: one conversation with PAM.  Whatever its modules do to
 * the process they run in (hang, leak, change signals, exit) is done to this
 * one, which auth-pam started for nothing else and ends when it is late.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/mem.h"
#include "message.h"
#include "talk.h"

struct helper {
  char question[MESSAGE_QUESTION_MAX];
  const char *parts[MESSAGE_PARTS];
  int out;                      /* for the answer */
};

/* Read all of the question.  False when it is none. */
static bool
read_question (struct helper *h)
{
  size_t len = 0;
  char *at = h->question;
  ssize_t n;

  do {
    n = read (0, h->question + len, sizeof h->question - len);
    len += MAX_OF (n, 0);
  } while (n > 0 || (n == -1 && errno == EINTR));
  for (int i = 0; i < MESSAGE_PARTS; i++) {
    char *end = memchr (at, '\0', len - (size_t) (at - h->question));

    if (end == NULL)
      return false;
    h->parts[i] = at;
    at = end + 1;
  }
  return strcmp (h->parts[MESSAGE_IS], MESSAGE_VERSION) == 0;
}

/* What modules read and write is not our question and answer.  No file keeps
 * the password when one of them crashes, and nobody is left when the daemon
 * dies.
 */
static int
shut_in (struct helper *h)
{
  static const struct rlimit none = { 0, 0 };
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  h->out = fcntl (1, F_DUPFD_CLOEXEC, 3);
  if (null == -1 || h->out == -1 || dup2 (null, 0) == -1
      || dup2 (null, 1) == -1)
    return -1;
  close (null);
  setrlimit (RLIMIT_CORE, &none);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  return 0;
}

static void
say (const struct helper *h, const char *text, size_t len)
{
  while (len > 0) {
    ssize_t n = write (h->out, text, len);

    if (n == -1 && errno != EINTR)
      _exit (1);
    text += MAX_OF (n, 0);
    len -= MAX_OF (n, 0);
  }
}

static void
say_string (const struct helper *h, const char *text)
{
  say (h, text, strlen (text) + 1);
}

static int
say_no (const struct helper *h, pam_handle_t *pam, const char *step,
        int result)
{
  char text[512];

  snprintf (text, sizeof text, "%s: %s", step, pam_strerror (pam, result));
  say_string (h, "no");
  say_string (h, text);
  return 0;
}

/* Groups, by name; a user that this host does not know has none. */
static void
say_groups (const struct helper *h, const char *name)
{
  const struct passwd *user = getpwnam (name);
  gid_t gids[MESSAGE_GROUPS_MAX];
  int count = MESSAGE_GROUPS_MAX;

  if (user == NULL)
    return;
  if (getgrouplist (name, user->pw_gid, gids, &count) == -1)
    count = MIN_OF (count, MESSAGE_GROUPS_MAX);
  for (int i = 0; i < count; i++) {
    const struct group *group = getgrgid (gids[i]);

    if (group)
      say_string (h, group->gr_name);
  }
}

/* A module may have made another name of the one that was given. */
static int
say_yes (const struct helper *h, pam_handle_t *pam)
{
  const void *name = NULL;
  int result = pam_get_item (pam, PAM_USER, &name);

  if (result != PAM_SUCCESS || name == NULL)
    return say_no (h, pam, "the name", result);
  say_string (h, "yes");
  say_string (h, name);
  say_groups (h, name);
  return 0;
}

static int
set_items (const struct helper *h, pam_handle_t *pam)
{
  int result = pam_set_item (pam, PAM_TTY, "virgate");

  if (result == PAM_SUCCESS && *h->parts[MESSAGE_ADDRESS])
    result = pam_set_item (pam, PAM_RHOST, h->parts[MESSAGE_ADDRESS]);
  return result;
}

static int
converse (const struct helper *h, pam_handle_t *pam, int *result)
{
  *result = set_items (h, pam);
  if (*result != PAM_SUCCESS)
    return say_no (h, pam, "pam_set_item", *result);
  *result = pam_authenticate (pam, PAM_DISALLOW_NULL_AUTHTOK);
  if (*result != PAM_SUCCESS)
    return say_no (h, pam, "pam_authenticate", *result);
  if (*h->parts[MESSAGE_ACCOUNT])
    *result = pam_acct_mgmt (pam, PAM_DISALLOW_NULL_AUTHTOK);
  if (*result != PAM_SUCCESS)
    return say_no (h, pam, "pam_acct_mgmt", *result);
  return say_yes (h, pam);
}

int
main (void)
{
  static struct helper h;
  struct talk t = { 0 };
  const struct pam_conv conv = { talk, &t };
  pam_handle_t *pam = NULL;
  int result, status;

  if (isatty (0) || !read_question (&h)) {
    fprintf (stderr, "error: this program is for virgate's auth-pam only\n");
    return 1;
  }
  t.user = h.parts[MESSAGE_USER];
  t.password = h.parts[MESSAGE_PASSWORD];
  t.code = h.parts[MESSAGE_CODE];
  if (shut_in (&h) == -1)
    return 1;
  result = pam_start (h.parts[MESSAGE_SERVICE], t.user, &conv, &pam);
  if (result == PAM_SUCCESS)
    status = converse (&h, pam, &result);
  else
    status = say_no (&h, pam, "pam_start", result);
  if (pam)
    pam_end (pam, result);
  wipe (&h, sizeof h);
  return status;
}
