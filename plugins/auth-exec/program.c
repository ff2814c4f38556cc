/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The program that is asked; see program.h.
 */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "program.h"

int
program_parse (struct program *program, const struct virgate_host *host,
               const char *command)
{
  size_t count = 0;
  char *save = NULL;

  program_free (program);
  program->words = strdup (command);
  if (program->words == NULL)
    return host->error (host, "out of memory");
  for (char *word = strtok_r (program->words, " \t", &save); word;
       word = strtok_r (NULL, " \t", &save)) {
    if (count == PROGRAM_WORDS_MAX)
      return host->error (host, "more than %d words", PROGRAM_WORDS_MAX);
    program->argv[count++] = word;
  }
  if (count == 0 || program->argv[0][0] != '/')
    return host->error (host, "the program is wanted by its absolute path, "
                        "not '%s'", command);
  return 0;
}

void
program_free (struct program *program)
{
  free (program->words);
  memset (program, 0, sizeof *program);
}

/* Whoever can write here decides for root who gets in. */
static int
check_owner (const char *program, const char *path,
             const struct virgate_host *host)
{
  struct stat st;

  if (stat (path, &st) == -1)
    return host->error (host, "%s: %s", path, strerror (errno));
  if (st.st_uid != 0)
    return host->error (host, "%s: a daemon run by root asks no program in "
                        "%s, which belongs to uid %u", program, path,
                        st.st_uid);
  if ((st.st_mode & (S_IWGRP | S_IWOTH))
      && !(S_ISDIR (st.st_mode) && (st.st_mode & S_ISVTX)))
    return host->error (host, "%s: a daemon run by root asks no program in "
                        "%s, which others than its owner can write",
                        program, path);
  return 0;
}

/* The file itself, then every folder above it. */
static int
check_owners (const char *path, const struct virgate_host *host)
{
  CLEANUP_FREE char *copy = realpath (path, NULL);
  char *at = copy;

  if (copy == NULL)
    return host->error (host, "%s: %s", path, strerror (errno));
  for (;;) {
    if (check_owner (path, at, host) == -1)
      return -1;
    if (strcmp (at, "/") == 0)
      return 0;
    at = dirname (at);
  }
}

int
program_check (const struct program *program, const struct virgate_host *host)
{
  const char *path = program->argv[0];
  struct stat st;

  if (path == NULL)
    return host->error (host, "[%s] needs a command: the program that is "
                        "asked", host->section);
  if (stat (path, &st) == -1)
    return host->error (host, "command: %s: %s", path, strerror (errno));
  if (!S_ISREG (st.st_mode) || eaccess (path, X_OK) == -1)
    return host->error (host, "command: %s is no program that we may run",
                        path);
  return geteuid () == 0 ? check_owners (path, host) : 0;
}
