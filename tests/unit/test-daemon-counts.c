/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How many items a client may ask for.  Texts are libvirtd 9.0.0's.
 */
#include "config.h"

#include <virgate/remote.h>

#include "daemon/counts.h"
#include "unit.h"

static char why[96];

static bool
domains_wrong (int32_t count)
{
  const struct virgate_remote_connect_list_domains_args args = {
    .maxids = count,
  };
  const int32_t procedure = VIRGATE_REMOTE_PROC_CONNECT_LIST_DOMAINS;

  return counts_are_wrong (VIRGATE_REMOTE_PROGRAM,
                           proc_find (VIRGATE_REMOTE_PROGRAM, procedure),
                           &args, why, sizeof why);
}

static void
limit_itself_is_right (void **state)
{
  assert_false (domains_wrong (0));
  assert_false (domains_wrong (VIRGATE_REMOTE_DOMAIN_LIST_MAX));
}

static void
one_more_is_wrong (void **state)
{
  assert_true (domains_wrong (VIRGATE_REMOTE_DOMAIN_LIST_MAX + 1));
  assert_string_equal (why, "maxids > REMOTE_DOMAIN_LIST_MAX");
}

static void
less_than_none_is_wrong (void **state)
{
  assert_true (domains_wrong (-1));
  assert_string_equal (why, "maxids must be non-negative");
}

static void
drivers_check_other_counts (void **state)
{
  const struct virgate_remote_domain_get_vcpus_args args = {
    .dom = { .name = "x" }, .maxinfo = 99999, .maplen = 1,
  };
  const int32_t procedure = VIRGATE_REMOTE_PROC_DOMAIN_GET_VCPUS;

  assert_false (counts_are_wrong (VIRGATE_REMOTE_PROGRAM,
                                  proc_find (VIRGATE_REMOTE_PROGRAM,
                                             procedure),
                                  &args, why, sizeof why));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (limit_itself_is_right),
    cmocka_unit_test (one_more_is_wrong),
    cmocka_unit_test (less_than_none_is_wrong),
    cmocka_unit_test (drivers_check_other_counts),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
