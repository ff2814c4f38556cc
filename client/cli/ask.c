/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions that a login asks, on the terminal itself: standard input may be
 * a pipe, and what is secret is not shown.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#include <virgate/host.h>

#include "cli.h"

#define ANSWER_MAX 4096

static bool
is_secret (int kind)
{
  return kind == VIRGATE_CRED_PASSWORD || kind == VIRGATE_CRED_PASSPHRASE
         || kind == VIRGATE_CRED_NOECHO_PROMPT;
}

/* One line from the terminal, without its newline; NULL at its end. */
static char *
ask_line (FILE *tty)
{
  char *answer = must_alloc (NULL, ANSWER_MAX, 1);

  if (fgets (answer, ANSWER_MAX, tty) == NULL) {
    free (answer);
    return NULL;
  }
  answer[strcspn (answer, "\n")] = '\0';
  return answer;
}

/* Ask with the echo switched off; a signal must not leave it off. */
static char *
ask_hidden (FILE *tty)
{
  struct termios before, silent;
  sigset_t set, old;
  char *answer;

  if (tcgetattr (fileno (tty), &before) < 0)
    return NULL;
  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGTSTP);
  pthread_sigmask (SIG_BLOCK, &set, &old);
  silent = before;
  silent.c_lflag &= ~(tcflag_t) ECHO;
  tcsetattr (fileno (tty), TCSAFLUSH, &silent);
  answer = ask_line (tty);
  tcsetattr (fileno (tty), TCSAFLUSH, &before);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  fputc ('\n', tty);
  return answer;
}

int
ask_credential (void *opaque, int kind, const char *prompt,
                const char *challenge, char **result)
{
  struct app *app = opaque;
  CLEANUP_FCLOSE FILE *tty = fopen ("/dev/tty", "r+e");

  if (tty == NULL)
    return 1;
  setvbuf (tty, NULL, _IONBF, 0); /* no copy of a password stays behind */
  LOCK_FOR_SCOPE (&app->ask_lock);
  if (challenge && *challenge)
    fprintf (tty, "%s\n", challenge);
  fprintf (tty, "%s ", prompt ? prompt : "Answer:");
  *result = is_secret (kind) ? ask_hidden (tty) : ask_line (tty);
  return *result ? 0 : 1;
}
