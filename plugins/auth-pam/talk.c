/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PAM's conversation; see talk.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "talk.h"

/* Hidden prompts: without a code each gets the password, as modules that do
 * not share theirs ask anew; with a code the second is for that.
 */
static const char *
hidden_answer (struct talk *t)
{
  unsigned prompt = t->hidden++;

  if (*t->code == '\0' || prompt == 0)
    return t->password;
  return prompt == 1 ? t->code : NULL;
}

/* What a module wants to be read goes to the log. */
static void
show (const char *what, const char *text)
{
  fprintf (stderr, "%s: ", what);
  for (const char *p = text ? text : ""; *p; p++)
    fputc (*p == '\n' || *p == '\r' ? ' ' : *p, stderr);
  fputc ('\n', stderr);
}

static int
answer_one (struct talk *t, const struct pam_message *message,
            struct pam_response *response)
{
  const char *answer = NULL;

  if (++t->messages > TALK_MESSAGES_MAX)
    return PAM_CONV_ERR;
  switch (message->msg_style) {
  case PAM_TEXT_INFO:
    show ("info", message->msg);
    return PAM_SUCCESS;
  case PAM_ERROR_MSG:
    show ("error", message->msg);
    return PAM_SUCCESS;
  case PAM_PROMPT_ECHO_ON:
    answer = t->user;
    break;
  case PAM_PROMPT_ECHO_OFF:
    answer = hidden_answer (t);
    break;
  }
  if (answer == NULL)
    return PAM_CONV_ERR;
  response->resp = strdup (answer);
  return response->resp ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void
drop (struct pam_response *responses, int count)
{
  for (int i = 0; i < count; i++)
    if (responses[i].resp) {
      wipe (responses[i].resp, strlen (responses[i].resp));
      free (responses[i].resp);
    }
  free (responses);
}

int
talk (int count, const struct pam_message **messages,
      struct pam_response **responses, void *opaque)
{
  struct pam_response *all;
  int result = PAM_SUCCESS;

  if (count <= 0 || count > PAM_MAX_NUM_MSG)
    return PAM_CONV_ERR;
  all = calloc ((size_t) count, sizeof *all);
  if (all == NULL)
    return PAM_BUF_ERR;
  for (int i = 0; i < count && result == PAM_SUCCESS; i++)
    result = answer_one (opaque, messages[i], &all[i]);
  if (result != PAM_SUCCESS) {
    drop (all, count);
    return result;
  }
  *responses = all;
  return PAM_SUCCESS;
}
