/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What auth-polkit reads in /proc, with names made to mislead it.
 */
#include "config.h"

#include "plugins/auth-polkit/subject.c"

#include "unit.h"

#define TAIL " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n"

static void
start_is_the_22nd_field_whatever_the_name (void **state)
{
  assert_int_equal (subject_start_of ("1 (virsh)" TAIL), 4711);
  assert_int_equal (subject_start_of ("1 (a b) S 9 (c)" TAIL), 4711);
  assert_int_equal (subject_start_of ("1 ())" TAIL), 4711);
  assert_int_equal (subject_start_of ("1 (virsh) S 1 2"), 0);
  assert_int_equal (subject_start_of ("1 virsh S 1 2"), 0);
  assert_int_equal (subject_start_of (""), 0);
}

static void
user_is_the_effective_one (void **state)
{
  uint32_t uid = 0;

  assert_true (subject_user_of ("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\n",
                                &uid));
  assert_int_equal (uid, 2);
  /* The kernel writes line ends in a name as \n, two characters. */
  assert_true (subject_user_of ("Name:\tUid:\\t0 0\nUid:\t7\t8\t7\t7\n",
                                &uid));
  assert_int_equal (uid, 8);
  assert_false (subject_user_of ("Name:\tUid:\t0\n", &uid));
  assert_false (subject_user_of ("", &uid));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (start_is_the_22nd_field_whatever_the_name),
    cmocka_unit_test (user_is_the_effective_one),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
