/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modules in use: the order of their hooks, and whose words an error has.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/module-dir.h"
#include "tests/unit/unit.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/instance.h"

static const struct virgate_option own[] = {
  { "transport", VIRGATE_OPTION_STRING, 0, 0, 0, NULL, NULL, "" },
  { NULL },
};

static const struct config_kind kinds[] = {
  { "listen", true, true, own },
  { NULL },
};

struct fixture {
  char dir[64];
  char lines[1000];
  struct log log;
  struct host_env env;
  const struct module *module;
  struct virgate_error err;
};

static void
add_line (void *opaque, int level, const char *line)
{
  struct fixture *f = opaque;

  if (level < VIRGATE_LOG_DEBUG)
    strcat (strcat (f->lines, line), " ");
}

static int
make (void **state)
{
  struct fixture *f = calloc (1, sizeof *f);

  unsetenv ("VIRGATE_MODULE_DIR");
  module_dir_new (f->dir);
  module_dir_add (f->dir, ".libs/odd.so", "transport-odd.so");
  f->log = (struct log) { .level = VIRGATE_LOG_DEBUG, .fd = -1,
                          .sink = add_line, .opaque = f };
  f->env = (struct host_env) {
    .role = VIRGATE_ROLE_SERVER, .program = "test", .log = &f->log,
    .modules = modules_new (f->dir, 0, &f->log),
  };
  f->module = modules_load (f->env.modules, VIRGATE_KIND_TRANSPORT, "odd",
                            NULL);
  *state = f;
  return f->module ? 0 : -1;
}

static int
unmake (void **state)
{
  struct fixture *f = *state;

  error_clear (&f->err);
  modules_free (f->env.modules);
  module_dir_free (f->dir);
  free (f);
  return 0;
}

static struct instance *
opened (struct fixture *f, struct config *config, const char *text)
{
  config_init (config);
  assert_int_equal (config_parse (config, text, strlen (text), "c", kinds,
                                  NULL), 0);
  return instance_open (f->module, &f->env, config->sections, own, NULL,
                        &f->err);
}

static void
gets_keys_in_file_order_then_ready (void **state)
{
  struct fixture *f = *state;
  struct config config;
  struct instance *instance;

  instance = opened (f, &config, "[listen x]\nword = b\ntransport = odd\n"
                                 "port = 7\nword = where\n");
  assert_non_null (instance);
  config_free (&config);
  assert_string_equal (f->lines, "open word=b port=7 word=where c:5 "
                                "ready ");
  assert_string_equal (instance->host.section, "listen x");
  assert_ptr_equal (instance->transport.ops, f->module->ops);
  assert_ptr_equal (instance->transport.inst, instance->inst);
  assert_true (VIRGATE_HOST_HAS (&instance->host, lower));
  assert_false (VIRGATE_HOST_HAS (&instance->host, credential));
  instance_close (instance);
  assert_non_null (strstr (f->lines, "ready close "));
}

static void
insists_on_keys_that_are_required (void **state)
{
  struct fixture *f = *state;
  struct config config;

  /* Not over the file that is mapped. */
  modules_free (f->env.modules);
  module_dir_free (f->dir);
  module_dir_new (f->dir);
  module_dir_add (f->dir, ".libs/odd-required.so", "transport-odd.so");
  f->env.modules = modules_new (f->dir, 0, &f->log);
  f->module = modules_load (f->env.modules, VIRGATE_KIND_TRANSPORT, "odd",
                            NULL);
  assert_null (opened (f, &config, "[listen x]\nword = a\n"));
  assert_string_equal (f->err.message, "c:1: [listen x] the key 'n' must be "
                       "given: how many");
  config_free (&config);
  assert_null (opened (f, &config, "[listen x]\nm = 1\n"));
  assert_non_null (strstr (f->err.message, "m: there is no such key here"));
  config_free (&config);
}

static void
names_file_line_and_key_in_errors (void **state)
{
  static const struct {
    const char *text, *reason;
  } rows[] = {
    { "[listen x]\nport = 65536\n",
      "c:2: [listen x] port: '65536' is not a number from 0 to 65535" },
    { "[listen x]\n\nport = 13\n",
      "c:3: [listen x] port: unlucky number 13" },
    { "[listen x]\nword = 14\n", "c:2: [listen x] word: module transport-odd "
      "failed without saying why" },
    { "[listen x]\nport = 1\nport = 2\n",
      "c:3: [listen x] port: given twice, first in line 2" },
    { "[listen x]\nprot = 1\n", "c:2: [listen x] prot: there is no such key "
      "here (module transport-odd): did you mean 'port'? there are: transport, "
      "port, word" },
    { "[listen x]\ncolour = 1\n", "c:2: [listen x] colour: there is no such "
      "key here (module transport-odd); there are: transport, port, word" },
  };
  struct fixture *f = *state;

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct config config;

    assert_null (opened (f, &config, rows[i].text));
    assert_string_equal (f->err.message, rows[i].reason);
    assert_non_null (strstr (f->lines, "close "));
    f->lines[0] = '\0';
    config_free (&config);
  }
}

static void
does_without_a_section (void **state)
{
  struct fixture *f = *state;
  struct instance *instance = instance_open (f->module, &f->env, NULL, NULL,
                                             "as is", &f->err);

  assert_non_null (instance);
  assert_string_equal (f->lines, "open ready ");
  assert_string_equal (instance->host.section, "as is");
  instance_close (instance);
}

static void
gives_a_lower_transport_the_keys_left_over (void **state)
{
  struct fixture *f = *state;
  struct config config;
  struct instance *instance;
  const struct virgate_transport *lower;

  instance = opened (f, &config, "[listen x]\n");
  f->lines[0] = '\0';
  lower = instance->host.lower (&instance->host, "odd");
  assert_non_null (lower);
  assert_ptr_equal (lower->ops, f->module->ops);
  /* The outer one's port, since the config names none. */
  assert_string_equal (f->lines, "open port=4711 ready ");
  assert_null (instance->host.lower (&instance->host, "none"));
  assert_int_equal (host_error_take (instance, &f->err), -1);
  assert_non_null (strstr (f->err.message, "'none' is not installed"));
  f->lines[0] = '\0';
  instance_close (instance);
  assert_string_equal (f->lines, "close close ");
  config_free (&config);
}

static void
finds_transports_by_scheme (void **state)
{
  struct fixture *f = *state;

  assert_ptr_equal (transport_for_scheme (f->env.modules, "odd", NULL),
                    f->module);
  assert_ptr_equal (transport_for_scheme (f->env.modules, "even", NULL),
                    f->module);
  assert_null (transport_for_scheme (f->env.modules, "tls", &f->err));
  assert_non_null (strstr (f->err.message, "looked for transport-tls.so in"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (gets_keys_in_file_order_then_ready, make,
                                     unmake),
    cmocka_unit_test_setup_teardown (insists_on_keys_that_are_required,
                                     make, unmake),
    cmocka_unit_test_setup_teardown (names_file_line_and_key_in_errors, make,
                                     unmake),
    cmocka_unit_test_setup_teardown (does_without_a_section, make, unmake),
    cmocka_unit_test_setup_teardown
      (gives_a_lower_transport_the_keys_left_over, make, unmake),
    cmocka_unit_test_setup_teardown (finds_transports_by_scheme, make,
                                     unmake),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
