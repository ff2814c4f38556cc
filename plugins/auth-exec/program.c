/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The program that is asked; see program.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/owners.h"
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

int
program_check (const struct program *program, const struct virgate_host *host)
{
  char why[512];

  if (program->argv[0] == NULL)
    return host->error (host, "[%s] needs a command: the program that is "
                        "asked", host->section);
  if (owners_check_program (program->argv[0], why, sizeof why) == -1)
    return host->error (host, "command: %s", why);
  return 0;
}
