/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * plugins/acl/rules-*.c: permissions are those of the protocol's table, and
 * what lines mean.
 */
#include "config.h"

#include <string.h>

#include "common/mem.h"
#include "plugins/acl/rules.h"
#include "protocol/table.h"
#include "tests/unit/unit.h"

static int
number_of (const char *object, const char *permission)
{
  return rules_perm_of (rules_object_find (object), permission);
}

static void
permissions_are_the_protocols (void **state)
{
  struct rules_set all = { .is_all = false }, protocols = all;

  for (size_t i = 0; i < proc_permission_count; i++) {
    const struct virgate_permission *pair = &proc_permissions[i].pair;
    int perm = number_of (pair->object, pair->permission);

    assert_int_not_equal (perm, -1);
    assert_false (rules_set_has (&protocols, perm));
    protocols.bits[perm / 64] |= UINT64_C (1) << (perm % 64);
  }
  assert_true (rules_set_add (&all, "*:*"));
  assert_memory_equal (all.bits, protocols.bits, sizeof all.bits);
}

static void
a_viewer_reads_no_secrets (void **state)
{
  struct rules_table *table = rules_table_new ();
  const struct rules_set *viewer = &table->roles[0].perms;

  assert_true (rules_set_has (viewer, number_of ("domain", "read")));
  assert_false (rules_set_has (viewer, number_of ("domain", "read_secure")));
  assert_false (rules_set_has (viewer, number_of ("secret", "read_secure")));
  assert_false (rules_set_has (viewer, number_of ("domain", "start")));
  assert_false (rules_set_has (viewer, -1));
  rules_table_free (table);
}

static void
lines_are_read_or_refused (void **state)
{
  static const struct {
    const char *text;
    int result;
  } cases[] = {
    { "# nothing\n\n  ; nothing\n", 0 },
    { "role a viewer domain:start\nallow a user:joe domain:web-*\n", 0 },
    { "deny admin vol:images/web-* pool:x network:y\r\n", 0 },
    { "set office 192.0.2.0/24\nread-only @office", 0 },
    { "allow viewer read-only", 0 },
    { "allow", -1 },
    { "allow b", -1 },
    { "deny viewer read-only", -1 },
    { "role a a", -1 },
    { "role a domain:", -1 },
    { "allow viewer domain:", -1 },
    { "allow viewer domain-uuid:zz", -1 },
    { "allow viewer \"domain:open", -1 },
    { "colour red", -1 },
  };

  for (size_t i = 0; i < COUNT_OF (cases); i++) {
    struct rules_table *table = rules_table_new ();
    char why[400] = "";
    uint32_t line;

    assert_int_equal (rules_text (table, cases[i].text,
                                  strlen (cases[i].text), "x", &line, why,
                                  sizeof why), cases[i].result);
    assert_int_equal (why[0] != '\0', cases[i].result == -1);
    rules_table_free (table);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (permissions_are_the_protocols),
    cmocka_unit_test (a_viewer_reads_no_secrets),
    cmocka_unit_test (lines_are_read_or_refused),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
