/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A module for PAM that does what bad ones do, and asks what others do not;
 * its argument says which.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>
#include <security/pam_modules.h>

/* Ask one thing; 1 when the answer is the one that is wanted. */
static int
ask (pam_handle_t *pam, int style, const char *text, const char *want)
{
  const struct pam_message message = { style, text }, *messages = &message;
  struct pam_response *response = NULL;
  const struct pam_conv *conv;
  int is_right;

  if (pam_get_item (pam, PAM_CONV, (const void **) &conv) != PAM_SUCCESS
      || conv->conv (1, &messages, &response, conv->appdata_ptr)
         != PAM_SUCCESS)
    return 0;
  is_right = want == NULL || (response->resp && !strcmp (response->resp, want));
  free (response->resp);
  free (response);
  return is_right;
}

static int
password_and_code (pam_handle_t *pam)
{
  return ask (pam, PAM_PROMPT_ECHO_ON, "login: ", "alice")
         && ask (pam, PAM_PROMPT_ECHO_OFF, "Password: ", "wonderland")
         && ask (pam, PAM_PROMPT_ECHO_OFF, "Code: ", "123456");
}

static int
ask_for_ever (pam_handle_t *pam)
{
  while (ask (pam, PAM_PROMPT_ECHO_OFF, "Again: ", NULL))
    ;
  return 0;
}

static int
speak (pam_handle_t *pam)
{
  return ask (pam, PAM_TEXT_INFO, "Good\nmorning", NULL)
         && ask (pam, PAM_ERROR_MSG, "Bad evening", NULL);
}

static int
pretend (void)
{
  static const char answer[] = "yes\0root";

  for (int fd = 1; fd < 100; fd++)
    if (write (fd, answer, sizeof answer) == -1)
      continue;
  _exit (0);
}

int
pam_sm_authenticate (pam_handle_t *pam, int flags, int argc,
                     const char **argv)
{
  const char *what = argc > 0 ? argv[0] : "";
  const char *variable = getenv ("VIRGATE_PAM_TEST");

  (void) flags;
  if (strcmp (what, "exit") == 0)
    exit (0);
  if (strcmp (what, "abort") == 0)
    abort ();
  if (strcmp (what, "crash") == 0)
    raise (SIGSEGV);
  if (strcmp (what, "stop") == 0)
    raise (SIGSTOP);
  if (strcmp (what, "print") == 0)
    printf ("yes\n");
  if (strcmp (what, "pretend") == 0)
    return pretend ();
  if (strcmp (what, "map") == 0)
    return pam_set_item (pam, PAM_USER, "bob");
  if (strcmp (what, "nobody") == 0)
    return pam_set_item (pam, PAM_USER, NULL);
  if (strcmp (what, "otp") == 0)
    return password_and_code (pam) ? PAM_SUCCESS : PAM_AUTH_ERR;
  if (strcmp (what, "ask") == 0)
    return ask_for_ever (pam) ? PAM_SUCCESS : PAM_AUTH_ERR;
  if (strcmp (what, "speak") == 0)
    return speak (pam) ? PAM_SUCCESS : PAM_AUTH_ERR;
  if (strcmp (what, "environment") == 0)
    return variable && !strcmp (variable, "yes") ? PAM_SUCCESS : PAM_AUTH_ERR;
  return PAM_AUTH_ERR;
}

int
pam_sm_setcred (pam_handle_t *pam, int flags, int argc, const char **argv)
{
  (void) pam;
  (void) flags;
  (void) argc;
  (void) argv;
  return PAM_SUCCESS;
}
