/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Logging in by answers: a password, and whatever else the server asks.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"

#define QUESTIONS_MAX 20        /* in one conversation */

enum outcome
auth_try_password (struct auth *a)
{
  const struct hop *hop = a->login->hop;
  char prompt[400];
  struct asking asking = { VIRGATE_CRED_PASSWORD, prompt };
  enum outcome outcome = GO_ON;

  snprintf (prompt, sizeof prompt, "%.100s@%.200s's password: ", hop->user,
            hop->original);
  while (outcome == GO_ON && auth_ask_again (a, &asking)) {
    int result;

    while ((result = libssh2_userauth_password_ex (
              a->session, hop->user, strlen (hop->user), asking.answer,
              strlen (asking.answer), NULL)) == LIBSSH2_ERROR_EAGAIN)
      if (!auth_wait (a))
        break;
    outcome = auth_outcome (a, result);
  }
  asking_end (a, &asking);
  if (outcome == GO_ON)
    auth_note (a, asking.tries ? "password: it is wrong"
               : "password: there is nobody to ask");
  return outcome;
}

/* One question of the server's; false ends the conversation. */
static bool
answer_one (struct auth *a, const LIBSSH2_USERAUTH_KBDINT_PROMPT *question,
            LIBSSH2_USERAUTH_KBDINT_RESPONSE *response)
{
  char prompt[512];
  char *answer;

  answer_quote ((const char *) question->text, question->length, prompt,
                sizeof prompt);
  a->was_asked = true;
  if (a->questions++ >= QUESTIONS_MAX)
    return false;
  answer = auth_ask (a, question->echo ? VIRGATE_CRED_ECHO_PROMPT
                                       : VIRGATE_CRED_NOECHO_PROMPT, prompt);
  if (answer == NULL)
    return false;
  response->text = strdup (answer);     /* libssh2 frees it */
  response->length = response->text ? strlen (answer) : 0;
  auth_forget (a, answer);
  return response->text != NULL;
}

static void
answer_all (const char *name, int name_len, const char *instruction,
            int instruction_len, int count,
            const LIBSSH2_USERAUTH_KBDINT_PROMPT *questions,
            LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses, void **abstract)
{
  struct link *link = *abstract;
  struct auth *a = link->auth;

  for (int i = 0; i < count && !a->got_none; i++)
    a->got_none = !answer_one (a, &questions[i], &responses[i]);
}

enum outcome
auth_try_questions (struct auth *a)
{
  const char *user = a->login->hop->user;
  enum outcome outcome = GO_ON;

  for (int tries = 0; tries < AUTH_TRIES && outcome == GO_ON && !a->got_none;
       tries++) {
    int result;

    a->was_asked = false;
    while ((result = libssh2_userauth_keyboard_interactive_ex (
              a->session, user, strlen (user), answer_all))
           == LIBSSH2_ERROR_EAGAIN)
      if (!auth_wait (a))
        break;
    outcome = auth_outcome (a, result);
    if (!a->was_asked)
      break;
  }
  if (outcome == GO_ON)
    auth_note (a, a->got_none ? "keyboard-interactive: there is nobody to ask"
                  : "keyboard-interactive: the answers are wrong");
  return outcome;
}
