/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A process, described so that it is not mistaken; see subject.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "subject.h"

/* Position of the start in /proc/PID/stat, counted behind the name, whose
 * closing parenthesis is the line's last.
 */
#define START_FIELD 20

static bool
fact_number (const struct virgate_host *host, const struct virgate_peer *peer,
             const char *key, uint32_t *number)
{
  struct virgate_fact fact;

  if (!host->peer_get (peer, key, 0, &fact)
      || fact.vouch != VIRGATE_VOUCH_KERNEL || fact.num > UINT32_MAX)
    return false;
  *number = (uint32_t) fact.num;
  return true;
}

bool
subject_find (struct subject *subject, const struct virgate_host *host,
              const struct virgate_peer *peer)
{
  *subject = (struct subject) { 0 };
  return fact_number (host, peer, VIRGATE_FACT_UID, &subject->uid)
         && fact_number (host, peer, VIRGATE_FACT_PID, &subject->pid)
         && subject->pid != 0;
}

uint64_t
subject_start_of (const char *stat)
{
  const char *at = strrchr (stat, ')');

  for (int i = 0; at && i < START_FIELD; i++) {
    at = strchr (at, ' ');
    at += at != NULL;
  }
  return at ? strtoull (at, NULL, 10) : 0;
}

bool
subject_user_of (const char *status, uint32_t *uid)
{
  const char *line = strstr (status, "\nUid:");

  return line && sscanf (line, "\nUid: %*u %u", uid) == 1;
}

/* Read a file of a process.  0, or -1 with errno. */
static int
read_file (uint32_t pid, const char *name, char *text, size_t size)
{
  CLEANUP_CLOSE int fd = -1;
  char path[64];
  ssize_t len;

  snprintf (path, sizeof path, "/proc/%u/%s", pid, name);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd == -1)
    return -1;
  len = read (fd, text, size - 1);
  if (len == -1)
    return -1;
  text[len] = '\0';
  return 0;
}

static int
check_user (const struct subject *subject, const struct virgate_host *host)
{
  char text[4096];
  uint32_t uid;

  if (read_file (subject->pid, "status", text, sizeof text) == -1)
    return host->error (host, "process %u: %s", subject->pid,
                        strerror (errno));
  if (!subject_user_of (text, &uid) || uid != subject->uid)
    return host->error (host, "process %u is no longer one of uid %u, who "
                        "connected", subject->pid, subject->uid);
  return 0;
}

int
subject_look (struct subject *subject, const struct virgate_host *host)
{
  char text[2048];

  if (check_user (subject, host) == -1)
    return -1;
  if (read_file (subject->pid, "stat", text, sizeof text) == -1)
    return host->error (host, "process %u: %s", subject->pid,
                        strerror (errno));
  subject->start = subject_start_of (text);
  if (subject->start == 0)
    return host->error (host, "/proc/%u/stat does not say when the process "
                        "was started", subject->pid);
  return check_user (subject, host);
}
