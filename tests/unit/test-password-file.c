/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-password's file: base64, verifiers, names, lines, and who is made up.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "plugins/auth-password/base64.h"
#include "plugins/auth-password/users.h"
#include "unit.h"

/* RFC 7677's example: password "pencil". */
#define RFC "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==" \
            "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

/* The same with another number of iterations. */
#define OTHER "SCRAM-SHA-256$32768:W22ZaJ0SNY7soEsUEjb6gQ==" \
              "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
              "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static void
base64_has_one_way_only (void **state)
{
  static const struct {
    const char *text, *bytes;   /* NULL: is not base64 */
  } rows[] = {                  /* RFC 4648, 10 */
    { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" },
    { "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" },
    { "Zh==", NULL }, { "Zm9=", NULL }, { "Zg=", NULL }, { "Zg", NULL },
    { "Z", NULL }, { "====", NULL }, { "Zg==Zg==", NULL }, { "Z===", NULL },
    { "Zm9v\n", NULL }, { "Zm 9v", NULL }, { "Zm-_", NULL },
    { "Zg==\0\0\0", "f" }, { "Zm9vYmFyZm9v", NULL }, /* too long */
  };
  char text[32];
  uint8_t data[8];

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    int len = base64_decode (rows[i].text, strlen (rows[i].text), data,
                             sizeof data);

    if (rows[i].bytes == NULL) {
      assert_int_equal (len, -1);
      continue;
    }
    assert_int_equal (len, strlen (rows[i].bytes));
    assert_memory_equal (data, rows[i].bytes, len);
    base64_encode (data, len, text);
    assert_string_equal (text, rows[i].text);
  }
}

static void
verifier_is_that_of_the_standard (void **state)
{
  char text[VERIFIER_TEXT_MAX];
  struct verifier v, mine;

  assert_null (verifier_parse (&v, RFC));
  assert_int_equal (v.iterations, 4096);
  assert_true (verifier_fits (&v, "pencil", 6));
  assert_false (verifier_fits (&v, "pencil ", 7));
  assert_false (verifier_fits (&v, "penci", 5));
  assert_false (verifier_fits (&v, "", 0));
  verifier_format (&v, text);
  assert_string_equal (text, RFC);
  assert_int_equal (verifier_make (&mine, "pencil", 6, 4096), 0);
  assert_int_equal (mine.salt_len, SALT_LEN);
  assert_memory_not_equal (mine.salt, v.salt, SALT_LEN);
  assert_true (verifier_fits (&mine, "pencil", 6));
}

static void
verifiers_are_judged (void **state)
{
  static const struct {
    const char *text, *wrong;
  } rows[] = {
    { "", "begin with" },
    { "SCRAM-SHA-1$4096:AAAA$A:A", "begin with" },
    { "SCRAM-SHA-256$4095:W22ZaJ0SNY7soEsUEjb6gQ==$", "iterations" },
    { "SCRAM-SHA-256$1000001:W22ZaJ0SNY7soEsUEjb6gQ==$", "iterations" },
    { "SCRAM-SHA-256$99999999999999999999:W22Z$", "iterations" },
    { "SCRAM-SHA-256$-4096:W22Z$", "iterations" },
    { "SCRAM-SHA-256$ 4096:W22Z$", "iterations" },
    { "SCRAM-SHA-256$4096,W22Z$", "iterations" },
    { "SCRAM-SHA-256$4096:$", "salt" },
    { "SCRAM-SHA-256$4096:W22Z$", "salt" },
    { "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==", "salt" },
    { "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$AAAA:", "stored key" },
    { "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
      "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=", "stored key" },
    { "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
      "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:AAAA", "server key" },
    { RFC "=", "server key" },
  };
  struct verifier v;

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    const char *wrong = verifier_parse (&v, rows[i].text);

    assert_non_null (wrong);
    assert_non_null (strstr (wrong, rows[i].wrong));
  }
}

static void
texts_are_prepared (void **state)
{
  static const struct {
    const char *text, *prepared; /* NULL: refused */
  } rows[] = {
    { "pencil", "pencil" }, { "", "" }, { "a b", "a b" },
    { "J\xc3\xbcrgen", "J\xc3\xbcrgen" },
    { "Ju\xcc\x88rgen", "J\xc3\xbcrgen" }, /* composed */
    { "a\xc2\xa0z", "a z" },    /* a space that does not break */
    { "a\nb", NULL }, { "\x7f", NULL }, { "a\xc2\x85z", NULL },
    { "\xff", NULL }, { "\xc3", NULL }, { "\xc0\xaf", NULL },
    { "\xed\xa0\x80", NULL }, { "12345678901234567890", NULL },
  };
  char out[20];

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    int len = text_prepare (rows[i].text, strlen (rows[i].text), out,
                            sizeof out);

    if (rows[i].prepared == NULL) {
      assert_int_equal (len, -1);
      continue;
    }
    assert_int_equal (len, strlen (rows[i].prepared));
    assert_string_equal (out, rows[i].prepared);
  }
}

static struct users *
parse (const char *text, char why[200])
{
  return users_parse (text, strlen (text), "f", why, 200);
}

static void
lines_are_judged (void **state)
{
  static const struct {
    const char *text, *why;     /* NULL: good */
    size_t count;
  } rows[] = {
    { "", NULL, 0 },
    { "# nobody\n\n  \n", NULL, 0 },
    { "u:" RFC, NULL, 1 },
    { "u:" RFC "\r\n", NULL, 1 },
    { "u:" RFC ":\n*:" RFC "\n", NULL, 1 },
    { "u:" RFC ":a,b\nj o:" RFC ":a\n", NULL, 2 },
    { "u", "f:1: is not USER:VERIFIER", 0 },
    { "\nu:x", "f:2: does not begin with", 0 },
    { ":" RFC, "f:1: a user needs a name", 0 },
    { " u:" RFC, "no space", 0 },
    { "u :" RFC, "no space", 0 },
    { "u\x01:" RFC, "control characters", 0 },
    { "Ju\xcc\x88rgen:" RFC, "composed", 0 },
    { "\xff:" RFC, "UTF-8", 0 },
    { "u:" RFC ":a,", "comma", 0 },
    { "u:" RFC ":,a", "from 1 to 255", 0 },
    { "u:" RFC ":a b", "no spaces", 0 },
    { "u:" RFC ":a:b", "no spaces", 0 },
    { "u:" RFC "\nu:" RFC, "user 'u' is there twice", 0 },
  };
  char why[200];

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct users *users = parse (rows[i].text, why);

    if (rows[i].why == NULL) {
      assert_non_null (users);
      assert_int_equal (users->count, rows[i].count);
    }
    else {
      assert_null (users);
      assert_non_null (strstr (why, rows[i].why));
    }
    users_unref (users);
  }
}

static void
nul_and_endless_lines_are_refused (void **state)
{
  char text[USERS_LINE_MAX + 10], why[200];

  memset (text, 'x', sizeof text);
  assert_null (users_parse (text, sizeof text, "f", why, sizeof why));
  assert_non_null (strstr (why, "longer than"));
  assert_null (users_parse ("#\0", 2, "f", why, sizeof why));
  assert_non_null (strstr (why, "NUL"));
}

static void
users_are_found (void **state)
{
  char text[400 * 160] = "", *at = text, name[20], why[200];
  struct users *users;
  struct user user;

  for (int i = 0; i < 257; i++)
    at += sprintf (at, "u%d:" RFC ":g%d\n", i * 7 % 257, i * 7 % 257);
  users = parse (text, why);
  assert_non_null (users);
  for (int i = 0; i < 257; i++) {
    sprintf (name, "u%d", i);
    assert_true (users_find (users, name, &user));
    assert_string_equal (user.name, name);
    assert_int_equal (atoi (user.groups + 1), i);
  }
  assert_false (users_find (users, "u257", &user));
  assert_false (users_find (users, "", &user));
  assert_false (users_find (users, "u", &user));
  assert_false (users_find (users, "v", &user));
  users_unref (users);
}

/* Asked again, in another process even, nobody answers the same. */
static void
nobody_is_stable (void **state)
{
  char why[200];
  struct users *users = parse ("*:" RFC "\nu:" OTHER, why);
  struct users *again = parse ("v:" OTHER "\n*:" RFC, why);
  struct users *others = parse ("u:" OTHER, why);
  struct user a, b, c, d;

  assert_false (users_find (users, "nobody", &a));
  assert_false (users_find (again, "nobody", &b));
  assert_false (users_find (users, "somebody", &c));
  assert_false (users_find (others, "nobody", &d));
  assert_int_equal (a.verifier.iterations, 32768);
  assert_int_equal (a.verifier.salt_len, 16);
  assert_memory_equal (a.verifier.salt, b.verifier.salt, SALT_LEN);
  assert_memory_not_equal (a.verifier.salt, c.verifier.salt, SALT_LEN);
  assert_memory_not_equal (a.verifier.salt, d.verifier.salt, SALT_LEN);
  assert_false (users_find (users, USER_NOBODY, &a));
  users_unref (users);
  users_unref (again);
  users_unref (others);
}

/* With users of several kinds, those who are not there are of several, too. */
static void
nobody_is_like_the_others (void **state)
{
  char why[200], name[20];
  struct users *users = parse ("u:" OTHER "\nv:" RFC, why);
  unsigned few = 0;
  struct user user;

  for (int i = 0; i < 200; i++) {
    sprintf (name, "n%d", i);
    assert_false (users_find (users, name, &user));
    few += user.verifier.iterations == 4096;
  }
  assert_in_range (few, 50, 150);
  users_unref (users);
}

static void
files_of_others_are_refused (void **state)
{
  static const struct {
    mode_t mode;
    const char *why;            /* NULL: good */
  } rows[] = {
    { 0600, NULL }, { 0400, NULL }, { 0640, NULL }, { 0644, "mode 0644" },
    { 0660, "mode 0660" }, { 0602, "mode 0602" }, { 0610, "mode 0610" },
  };
  char path[] = "/tmp/virgate-users-XXXXXX", why[200];
  int fd = mkstemp (path);

  assert_int_equal (write (fd, "u:" RFC "\n", strlen ("u:" RFC "\n")),
                    strlen ("u:" RFC "\n"));
  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct users *users;

    assert_int_equal (fchmod (fd, rows[i].mode), 0);
    users = users_load (path, why, sizeof why);
    if (rows[i].why == NULL)
      assert_non_null (users);
    else
      assert_non_null (strstr (why, rows[i].why));
    users_unref (users);
  }
  assert_int_equal (fchmod (fd, 0600), 0);
  assert_int_equal (ftruncate (fd, USERS_FILE_MAX + 1), 0);
  assert_null (users_load (path, why, sizeof why));
  assert_non_null (strstr (why, "larger than"));
  close (fd);
  unlink (path);
  assert_null (users_load (path, why, sizeof why));
  assert_non_null (strstr (why, "virgate passwd"));
  assert_null (users_load ("/tmp", why, sizeof why));
  assert_non_null (strstr (why, "not a file"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (base64_has_one_way_only),
    cmocka_unit_test (verifier_is_that_of_the_standard),
    cmocka_unit_test (verifiers_are_judged),
    cmocka_unit_test (texts_are_prepared),
    cmocka_unit_test (lines_are_judged),
    cmocka_unit_test (nul_and_endless_lines_are_refused),
    cmocka_unit_test (users_are_found),
    cmocka_unit_test (nobody_is_stable),
    cmocka_unit_test (nobody_is_like_the_others),
    cmocka_unit_test (files_of_others_are_refused),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
