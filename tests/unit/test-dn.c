/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Patterns of distinguished names.
 */
#include "config.h"

#include "common/dn.c"

#include "unit.h"

static const struct {
  const char *pattern, *name;
  bool matches;
} rows[] = {
  { "CN=a,O=B", "CN=a,O=B", true },
  { "O=B,CN=a", "CN=a,O=B", true },     /* the order of other tools */
  { "cn=a, o=B", "CN=a,O=B", true },
  { "CN=A,O=B", "CN=a,O=B", false },
  { "CN=a", "CN=a,O=B", false },
  { "CN=a,O=B", "CN=a", false },
  { "CN=a,O=B,C=DE", "CN=a,O=B", false },
  { "CN=*,O=B", "CN=anything at all,O=B", true },
  { "CN=*.x.org,O=B", "CN=h.x.org,O=B", true },
  { "CN=*.x.org,O=B", "CN=h.x.org.evil,O=B", false },
  { "CN=*", "CN=a,O=B", false },        /* a star ends at the comma */
  { "CN=a*", "CN=a\\,O=B", true },      /* an escaped comma is none */
  { "CN=a,*", "CN=a,O=B,C=DE", true },
  { "CN=a,*", "CN=a", true },
  { "CN=a,*", "O=B,CN=a", true },
  { "CN=b,*", "CN=a,O=b", false },
  { "*", "CN=a,O=B", true },
  { "CN=?,O=B", "CN=a,O=B", true },
  { "CN=[ab],O=B", "CN=c,O=B", false },
  { "CN=a\\,b,O=B", "CN=a\\,b,O=B", true },
  { "CN=a?b,O=B", "CN=a\\,b,O=B", true },
  { "CN=a,b,O=B", "CN=a\\,b,O=B", false },
  { "CN=a\\*,O=B", "CN=a*,O=B", true },
  { "CN=a\\*,O=B", "CN=ab,O=B", false },
  { "CN=a\\ ,O=B", "CN=a\\ ,O=B", true },
  { "CN=a ,O=B", "CN=a\\ ,O=B", false },
  { "CN=a+O=B", "CN=a+O=B", true },
  { "", "CN=a", false },
  { "CN=a", "", false },
  { "CN=,O=B", "CN=,O=B", true },
};

static void
dn_patterns_match_part_by_part (void **state)
{
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (dn_matches (rows[i].pattern, rows[i].name) != rows[i].matches)
      fail_msg ("'%s' and '%s'", rows[i].pattern, rows[i].name);
}

static void
dn_that_is_too_long_matches_nothing (void **state)
{
  char part[PART_LEN_MAX + 8] = "CN=", many[PARTS_MAX * 4 + 16] = "";

  memset (part + 3, 'x', sizeof part - 4);
  part[sizeof part - 1] = '\0';
  assert_false (dn_matches ("*", part));
  for (int i = 0; i <= PARTS_MAX; i++)
    strcat (many, "A=b,");
  assert_false (dn_matches ("*", many));
  many[(PARTS_MAX - 1) * 4 + 3] = '\0';
  assert_true (dn_matches ("*", many));
}

static void
dn_gives_the_first_common_name (void **state)
{
  char cn[8];

  assert_true (dn_common_name ("O=B,CN=a b,CN=c", cn, sizeof cn));
  assert_string_equal (cn, "a b");
  assert_true (dn_common_name ("cn=a\\,b", cn, sizeof cn));
  assert_string_equal (cn, "a,b");
  assert_true (dn_common_name ("CN=1234567", cn, sizeof cn));
  assert_false (dn_common_name ("CN=12345678", cn, sizeof cn));
  assert_false (dn_common_name ("O=B", cn, sizeof cn));
  assert_false (dn_common_name ("CN=", cn, sizeof cn));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (dn_patterns_match_part_by_part),
    cmocka_unit_test (dn_that_is_too_long_matches_nothing),
    cmocka_unit_test (dn_gives_the_first_common_name),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
