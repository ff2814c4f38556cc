/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What programs of auth-exec may answer.
 */
#include "config.h"

#include "plugins/auth-exec/answer.c"

#include "unit.h"

#define ROW(text, verdict, word, groups) \
  { text, sizeof text - 1, true, verdict, word, groups }
#define BAD(text) { text, sizeof text - 1, false }

static const struct {
  const char *text;
  size_t len;
  bool is_good;
  enum answer_verdict verdict;
  const char *word;
  size_t groups;
} rows[] = {
  ROW ("yes", ANSWER_YES, NULL, 0),
  ROW ("yes\n", ANSWER_YES, NULL, 0),
  ROW ("yes a b\n", ANSWER_YES, "a b", 0),
  ROW ("yes a\ngroup b", ANSWER_YES, "a", 1),
  ROW ("yes\ngroup b c\ngroup d\n", ANSWER_YES, NULL, 2),
  ROW ("yes \n", ANSWER_YES, NULL, 0),
  ROW ("no", ANSWER_NO, NULL, 0),
  ROW ("no never  again \n", ANSWER_NO, "never  again ", 0),
  ROW ("pass\n", ANSWER_PASS, NULL, 0),
  BAD (""),
  BAD ("\n"),
  BAD ("y"),
  BAD ("Yes"),
  BAD ("yes  a\n"),
  BAD ("yes a \n"),
  BAD ("yes\ta\n"),
  BAD ("yes a\r\n"),
  BAD ("yes a\0\n"),
  BAD ("\0yes\n"),
  BAD (" yes\n"),
  BAD ("\nyes\n"),
  BAD ("yes\n\n"),
  BAD ("yes\ngroup\n"),
  BAD ("yes\ngroup \n"),
  BAD ("yes\ngroup  a\n"),
  BAD ("yes\nyes\n"),
  BAD ("yesterday\n"),
  BAD ("no\ngroup a\n"),
  BAD ("no\nyes\n"),
  BAD ("pass on\n"),
  BAD ("pass\nno\n"),
  BAD ("yes a\x7f"),
};

static void
answers_are_taken_apart_or_refused (void **state)
{
  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct answer answer;
    char text[64];
    const char *wrong;

    memcpy (text, rows[i].text, rows[i].len + 1);
    wrong = answer_parse (&answer, text, rows[i].len);
    if ((wrong == NULL) != rows[i].is_good)
      fail_msg ("'%s': %s", rows[i].text, wrong ? wrong : "is taken");
    if (wrong)
      continue;
    assert_int_equal (answer.verdict, rows[i].verdict);
    assert_int_equal (answer.group_count, rows[i].groups);
    assert_int_equal (answer.word != NULL, rows[i].word != NULL);
    if (answer.word)
      assert_string_equal (answer.word, rows[i].word);
  }
}

static void
answers_have_limits (void **state)
{
  static char text[ANSWER_MAX];
  struct answer answer;

  memset (text, 'x', sizeof text);
  memcpy (text, "yes ", 4);
  text[4 + ANSWER_NAME_MAX] = '\0';
  assert_null (answer_parse (&answer, text, 4 + ANSWER_NAME_MAX));
  memset (text + 4, 'x', ANSWER_NAME_MAX + 1);
  text[5 + ANSWER_NAME_MAX] = '\0';
  assert_non_null (answer_parse (&answer, text, 5 + ANSWER_NAME_MAX));
  for (size_t groups = ANSWER_GROUPS_MAX; groups < ANSWER_GROUPS_MAX + 2;
       groups++) {
    strcpy (text, "yes");
    for (size_t i = 0; i < groups; i++)
      strcat (text, "\ngroup a");
    assert_int_equal (answer_parse (&answer, text, strlen (text)) == NULL,
                      groups == ANSWER_GROUPS_MAX);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (answers_are_taken_apart_or_refused),
    cmocka_unit_test (answers_have_limits),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
