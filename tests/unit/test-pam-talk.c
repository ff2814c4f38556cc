/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What PAM's modules are answered, and what auth-pam makes of its helper's
 * answers.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "plugins/auth-pam/ask.c"
#include "plugins/auth-pam/talk.c"

#include "unit.h"

static void
expect (struct talk *t, int style, const char *want)
{
  const struct pam_message message = { style, "?" }, *messages = &message;
  struct pam_response *responses = NULL;
  int result = talk (1, &messages, &responses, t);

  assert_int_equal (result == PAM_SUCCESS, want != NULL);
  if (result != PAM_SUCCESS)
    return;
  assert_string_equal (responses[0].resp, want);
  drop (responses, 1);
}

static void
prompts_get_the_name_the_password_and_the_code (void **state)
{
  struct talk t = { .user = "u", .password = "p", .code = "c" };

  expect (&t, PAM_PROMPT_ECHO_ON, "u");
  expect (&t, PAM_PROMPT_ECHO_OFF, "p");
  expect (&t, PAM_PROMPT_ECHO_ON, "u");
  expect (&t, PAM_PROMPT_ECHO_OFF, "c");
  expect (&t, PAM_PROMPT_ECHO_OFF, NULL);
  expect (&t, 99, NULL);
}

static void
prompts_without_a_code_get_the_password_but_not_for_ever (void **state)
{
  struct talk t = { .user = "u", .password = "p", .code = "" };

  for (int i = 0; i < TALK_MESSAGES_MAX; i++)
    expect (&t, PAM_PROMPT_ECHO_OFF, "p");
  expect (&t, PAM_PROMPT_ECHO_OFF, NULL);
}

static void
several_messages_are_answered_or_none (void **state)
{
  const struct pam_message
    name = { PAM_PROMPT_ECHO_ON, "?" }, text = { PAM_TEXT_INFO, "!" },
    secret = { PAM_PROMPT_ECHO_OFF, "?" }, odd = { 99, "?" };
  const struct pam_message *good[] = { &name, &text, &secret },
                           *bad[] = { &name, &secret, &odd };
  struct talk t = { .user = "u", .password = "p", .code = "" };
  struct pam_response *responses = NULL;

  assert_int_equal (talk (3, good, &responses, &t), PAM_SUCCESS);
  assert_string_equal (responses[0].resp, "u");
  assert_null (responses[1].resp);
  assert_string_equal (responses[2].resp, "p");
  drop (responses, 3);
  assert_int_equal (talk (3, bad, &responses, &t), PAM_CONV_ERR);
  assert_int_equal (talk (0, good, &responses, &t), PAM_CONV_ERR);
  assert_int_equal (talk (PAM_MAX_NUM_MSG + 1, good, &responses, &t),
                    PAM_CONV_ERR);
}

#define ROW(text, is_good, name, groups) \
  { text, sizeof text - 1, is_good, name, groups }

static void
answers_of_the_helper_are_read_whole_or_not_at_all (void **state)
{
  static const struct {
    const char *text;
    size_t len;
    bool is_good;
    const char *name;
    size_t groups;
  } rows[] = {
    ROW ("yes\0u\0", true, "u", 0),
    ROW ("yes\0u\0g\0h\0", true, "u", 2),
    ROW ("no\0why\0", true, "why", 0),
    ROW ("", false, NULL, 0),
    ROW ("yes", false, NULL, 0),
    ROW ("yes\0", false, NULL, 0),
    ROW ("yes\0u", false, NULL, 0),
    ROW ("yes\0\0", false, NULL, 0),
    ROW ("yes\0u\0g", false, NULL, 0),
    ROW ("YES\0u\0", false, NULL, 0),
    ROW ("yes\n\0u\0", false, NULL, 0),
  };
  struct verdict *verdict = malloc (sizeof *verdict);

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    memcpy (verdict->space, rows[i].text, rows[i].len);
    if (read_answer (verdict, rows[i].len) != rows[i].is_good)
      fail_msg ("row %zu", i);
    if (!rows[i].is_good)
      continue;
    assert_string_equal (verdict->name, rows[i].name);
    assert_int_equal (verdict->group_count, rows[i].groups);
  }
  free (verdict);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (prompts_get_the_name_the_password_and_the_code),
    cmocka_unit_test (prompts_without_a_code_get_the_password_but_not_for_ever),
    cmocka_unit_test (several_messages_are_answered_or_none),
    cmocka_unit_test (answers_of_the_helper_are_read_whole_or_not_at_all),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
