/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The loader: what it takes, and in which words it refuses.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <virgate/transport.h>

#include "tests/unit/module-dir.h"
#include "tests/unit/unit.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/modprobe.h"
#include "core/modules.h"

static int
make_dir (void **state)
{
  char *dir = malloc (64);

  *state = module_dir_new (dir);
  unsetenv ("VIRGATE_MODULE_DIR");
  return *state ? 0 : -1;
}

static int
remove_dir (void **state)
{
  module_dir_free (*state);
  free (*state);
  return 0;
}

/* Put a library of this folder in as transport-odd.so, and load that. */
static const struct module *
load (struct modules *modules, const char *dir, const char *library,
      struct virgate_error *err)
{
  char from[100];

  snprintf (from, sizeof from, ".libs/%s.so", library);
  if (module_dir_add (dir, from, "transport-odd.so") == -1)
    fail_msg ("cannot copy %s", from);
  return modules_load (modules, VIRGATE_KIND_TRANSPORT, "odd", err);
}

static void
loads_a_module_once (void **state)
{
  struct modules *modules = modules_new (*state, 0, NULL);
  const struct module *module = load (modules, *state, "odd", NULL);

  assert_non_null (module);
  assert_string_equal (module->desc.name, "odd");
  assert_int_equal (module->desc.kind, VIRGATE_KIND_TRANSPORT);
  assert_non_null (strstr (module->file, "/transport-odd.so"));
  assert_ptr_equal (modules_load_file (modules, "transport-odd", NULL),
                    module);
  modules_free (modules);
}

static void
zeroes_what_an_older_module_has_not (void **state)
{
  struct modules *modules = modules_new (*state, 0, NULL);
  struct virgate_error err = { 0 };

  /* Built before there was connect, it has neither half. */
  assert_null (load (modules, *state, "odd-short", &err));
  assert_non_null (strstr (err.message,
                           "its hook listen or connect is missing"));
  error_clear (&err);
  modules_free (modules);
}

static void
refuses_what_is_wrong_by_name (void **state)
{
  static const struct {
    const char *library, *reason;
  } rows[] = {
    { "odd-magic", "virgate_module in it is no module descriptor" },
    { "odd-abi", "built for module ABI 2, this program has 1" },
    { "odd-size", "a descriptor cannot have 24 bytes" },
    { "odd-ops", "it has no ops, or ops of an impossible size (0 bytes)" },
    { "odd-kind", "its kind is 3 (acl), its file's name says transport" },
    { "odd-name", "it calls itself 'other', its file's name says 'odd'" },
    { "odd-hook", "its hook close is missing" },
    { "odd-option", "key word is there twice" },
    { "odd-both", "key n is required and has a default" },
    { "odd-default", "default of key n: 'many' is not a number" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    char dir[64], expected[300];
    struct virgate_error err = { 0 };
    struct modules *modules;

    modules = modules_new (module_dir_new (dir), 0, NULL);
    assert_null (load (modules, dir, rows[i].library, &err));
    snprintf (expected, sizeof expected, "module %s/transport-odd.so: %s",
              dir, rows[i].reason);
    assert_string_equal (err.message, expected);
    error_clear (&err);
    modules_free (modules);
    module_dir_free (dir);
  }
}

static void
survives_constructors_that_do_not_come_back (void **state)
{
  static const struct {
    const char *file, *reason, *sanitized;
  } rows[] = {
    { ".libs/odd-crash.so", "it crashes while it is loaded (Segmentation",
      "it ends the program while it is loaded" },
    { ".libs/odd-hang.so", "it does not finish loading", "" },
    { ".libs/odd-exit.so", "it ends the program while it is loaded", "" },
  };
  struct virgate_error err = { 0 };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    assert_int_equal (modprobe (rows[i].file, NS_PER_S, &err), -1);
    assert_non_null (strstr (err.message, rows[i].file));
    assert_true (strstr (err.message, rows[i].reason)
                 || (*rows[i].sanitized
                     && strstr (err.message, rows[i].sanitized)));
  }
  error_clear (&err);
  assert_int_equal (modprobe (".libs/odd.so", NS_PER_S, &err), 0);
  assert_int_equal (modprobe ("/nowhere/odd.so", NS_PER_S, &err), 0);
}

static void
names_a_file_that_crashes (void **state)
{
  struct modules *modules = modules_new (*state, MODULES_PROBE, NULL);
  struct virgate_error err = { 0 };

  assert_null (load (modules, *state, "odd-exit", &err));
  assert_non_null (strstr (err.message, "transport-odd.so: it ends the "));
  assert_non_null (load (modules, *state, "odd", NULL));
  error_clear (&err);
  modules_free (modules);
}

static void
says_where_a_missing_module_was_looked_for (void **state)
{
  struct modules *modules = modules_new (*state, 0, NULL);
  struct virgate_error err = { 0 };
  char expected[300];

  assert_null (modules_load (modules, VIRGATE_KIND_AUTH, "ldap", &err));
  snprintf (expected, sizeof expected, "auth module 'ldap' is not installed: "
            "looked for auth-ldap.so in %s; installed: none of this kind",
            (char *) *state);
  assert_string_equal (err.message, expected);
  assert_non_null (load (modules, *state, "odd", NULL));
  assert_null (modules_load (modules, VIRGATE_KIND_TRANSPORT, "tls", &err));
  assert_non_null (strstr (err.message, "; installed: odd"));
  assert_null (modules_load (modules, VIRGATE_KIND_TRANSPORT, "../x", &err));
  assert_string_equal (err.message, "'../x' cannot be the name of a module");
  assert_null (modules_load (modules, VIRGATE_KIND_TRANSPORT, "", &err));
  assert_null (modules_load_file (modules, "odd", &err));
  assert_non_null (strstr (err.message, "'odd' is no module"));
  error_clear (&err);
  modules_free (modules);
}

static void
says_what_the_linker_says (void **state)
{
  struct modules *modules = modules_new (*state, 0, NULL);
  struct virgate_error err = { 0 };

  assert_int_equal (module_dir_add (*state, "/proc/self/status",
                                    "transport-text.so"), 0);
  assert_null (modules_load (modules, VIRGATE_KIND_TRANSPORT, "text", &err));
  assert_non_null (strstr (err.message, "transport-text.so: "));
  assert_null (strstr (err.message, "file not found"));
  error_clear (&err);
  modules_free (modules);
}

static void
refuses_for_root_what_others_can_write (void **state)
{
  struct modules *modules = modules_new (*state, MODULES_STRICT, NULL);
  struct virgate_error err = { 0 };
  char path[100];

  if (geteuid () != 0)
    skip ();
  snprintf (path, sizeof path, "%s/transport-odd.so", (char *) *state);
  module_dir_add (*state, ".libs/odd.so", "transport-odd.so");

  chmod (path, 0664);
  assert_null (modules_load (modules, VIRGATE_KIND_TRANSPORT, "odd", &err));
  assert_non_null (strstr (err.message, "others than its owner can write"));
  chmod (path, 0644);
  assert_int_equal (chown (path, 1, 0), 0);
  assert_null (modules_load (modules, VIRGATE_KIND_TRANSPORT, "odd", &err));
  assert_non_null (strstr (err.message, "which belongs to uid 1"));
  assert_int_equal (chown (path, 0, 0), 0);
  chmod (*state, 01777);
  assert_null (modules_load (modules, VIRGATE_KIND_TRANSPORT, "odd", &err));
  assert_non_null (strstr (err.message, "others than its owner can write"));
  chmod (*state, 0700);
  assert_non_null (modules_load (modules, VIRGATE_KIND_TRANSPORT, "odd",
                                 &err));
  error_clear (&err);
  modules_free (modules);
}

static void
lists_modules_and_their_keys (void **state)
{
  struct modules *modules;
  CLEANUP_FREE char *text = NULL;
  size_t len;
  FILE *out = open_memstream (&text, &len);

  setenv ("VIRGATE_MODULE_DIR", "/nowhere::/tmp", 1);
  modules = modules_new (*state, 0, NULL);
  unsetenv ("VIRGATE_MODULE_DIR");
  module_dir_add (*state, ".libs/odd.so", "transport-odd.so");
  module_dir_add (*state, ".libs/odd-kind.so", "driver-odd.so");
  module_dir_add (*state, ".libs/odd.so", "unrelated.so");
  module_dir_add (*state, ".libs/odd.so", "transport-a_b.so");
  modules_print_list (modules, out);
  module_print_help (modules_load_file (modules, "transport-odd", NULL), out);
  fclose (out);
  assert_non_null (strstr (text, "transport  odd          1.0      odd"));
  assert_non_null (strstr (text, "driver-odd.so: its kind is 3"));
  assert_null (strstr (text, "unrelated"));
  assert_null (strstr (text, "a_b"));
  assert_non_null (strstr (text, "  port = number from 0 to 65535\n"
                                 "      a port\n"));
  modules_free (modules);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (loads_a_module_once, make_dir,
                                     remove_dir),
    cmocka_unit_test_setup_teardown (zeroes_what_an_older_module_has_not,
                                     make_dir, remove_dir),
    cmocka_unit_test (refuses_what_is_wrong_by_name),
    cmocka_unit_test (survives_constructors_that_do_not_come_back),
    cmocka_unit_test_setup_teardown (names_a_file_that_crashes, make_dir,
                                     remove_dir),
    cmocka_unit_test_setup_teardown
      (says_where_a_missing_module_was_looked_for, make_dir, remove_dir),
    cmocka_unit_test_setup_teardown (says_what_the_linker_says, make_dir,
                                     remove_dir),
    cmocka_unit_test_setup_teardown (refuses_for_root_what_others_can_write,
                                     make_dir, remove_dir),
    cmocka_unit_test_setup_teardown (lists_modules_and_their_keys, make_dir,
                                     remove_dir),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
