/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The program of auth-exec: its words, and whether it may be run at all.
 */
#ifndef VIRGATE_AUTH_EXEC_PROGRAM_H
#define VIRGATE_AUTH_EXEC_PROGRAM_H

#include <virgate/host.h>

/* The program and its fixed arguments. */
#define PROGRAM_WORDS_MAX 64

struct program {
  char *words;                  /* what argv points into */
  char *argv[PROGRAM_WORDS_MAX + 1];
};

/* Take a command apart at its blanks; there is no quoting.  0, or -1 after
 * host->error.
 */
int program_parse (struct program *program, const struct virgate_host *host,
                   const char *command);
void program_free (struct program *program);

/* Is it there, may we run it, and can nobody put another in its place?  0, or
 * -1 after host->error.
 */
int program_check (const struct program *program,
                   const struct virgate_host *host);

#endif /* VIRGATE_AUTH_EXEC_PROGRAM_H */
