/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whose a program is; see owners.h.
 */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/owners.h"

/* Whoever can write here decides what root runs. */
static int
check_one (const char *program, const char *path, char *why, size_t size)
{
  struct stat st;

  if (lstat (path, &st) == -1)
    snprintf (why, size, "%s: %s", path, strerror (errno));
  else if (st.st_uid != 0)
    snprintf (why, size, "%s: a daemon run by root asks no program in %s, "
              "which belongs to uid %u", program, path, st.st_uid);
  else if (!S_ISLNK (st.st_mode) && (st.st_mode & (S_IWGRP | S_IWOTH))
           && !(S_ISDIR (st.st_mode) && (st.st_mode & S_ISVTX)))
    snprintf (why, size, "%s: a daemon run by root asks no program in %s, "
              "which others than its owner can write", program, path);
  else
    return 0;
  return -1;
}

/* A path and all folders above it.  It is cut to pieces. */
static int
check_all (const char *program, char *path, char *why, size_t size)
{
  for (;;) {
    if (check_one (program, path, why, size) == -1)
      return -1;
    if (strcmp (path, "/") == 0 || strcmp (path, ".") == 0)
      return 0;
    path = dirname (path);
  }
}

/* Look at the file behind a path and at every folder above it; folders like
 * /tmp, from which nobody else can take away what is root's, do.  Links on the
 * way can be exchanged where they are, not where they lead.
 */
static int
owners_check (const char *path, char *why, size_t size)
{
  CLEANUP_FREE char *given = strdup (path);
  CLEANUP_FREE char *real = realpath (path, NULL);

  if (given == NULL || real == NULL) {
    snprintf (why, size, "%s: %s", path, strerror (errno));
    return -1;
  }
  return check_all (path, given, why, size) == 0
         ? check_all (path, real, why, size) : -1;
}

int
owners_check_program (const char *path, char *why, size_t size)
{
  struct stat st;

  if (stat (path, &st) == -1) {
    snprintf (why, size, "%s: %s", path, strerror (errno));
    return -1;
  }
  if (!S_ISREG (st.st_mode) || eaccess (path, X_OK) == -1) {
    snprintf (why, size, "%s is no program that we may run", path);
    return -1;
  }
  return geteuid () == 0 ? owners_check (path, why, size) : 0;
}
