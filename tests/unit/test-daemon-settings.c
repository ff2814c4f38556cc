/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The configuration without a file, and the manual page against the tables.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "daemon/limits.h"
#include "daemon/settings.h"
#include "unit.h"

struct fixture {
  struct config config;
  struct modules *modules;
  struct virgate_error err;
  char file[64];
};

static int
setup (void **state)
{
  struct fixture *f = calloc (1, sizeof *f);
  int fd;

  config_init (&f->config);
  f->modules = modules_new ("/nonexistent", 0, NULL);
  strcpy (f->file, "/tmp/virgate-unit-XXXXXX");
  fd = mkstemp (f->file);
  close (fd);
  setenv ("XDG_RUNTIME_DIR", "/run/user/1", 1);
  *state = f;
  return f->modules ? 0 : -1;
}

static int
teardown (void **state)
{
  struct fixture *f = *state;

  unlink (f->file);
  config_free (&f->config);
  modules_free (f->modules);
  error_clear (&f->err);
  free (f);
  return 0;
}

static int
read_with (struct fixture *f, const char *text, const char **sets,
           unsigned set_count)
{
  const struct options options = {
    .config_file = f->file, .sets = sets, .set_count = set_count,
  };
  CLEANUP_FCLOSE FILE *fp = fopen (f->file, "w");

  fputs (text, fp);
  fflush (fp);
  return settings_read (&f->config, &options, f->modules, &f->err);
}

static const char *
listen_key (struct fixture *f, const char *name, const char *key)
{
  const struct config_section *section =
    config_find (&f->config, "listen", name);
  const struct config_key *found = config_key (section, key);

  return found ? found->value : NULL;
}

static void
without_a_file_there_are_two_private_sockets (void **state)
{
  struct fixture *f = *state;

  assert_int_equal (read_with (f, "", NULL, 0), 0);
  assert_string_equal (listen_key (f, "local", "mode"), "0600");
  assert_string_equal (listen_key (f, "local-ro", "mode"), "0600");
  assert_string_equal (listen_key (f, "local-ro", "read-only"), "yes");
}

static void
listeners_of_a_file_replace_the_default_ones (void **state)
{
  struct fixture *f = *state;

  assert_int_equal (read_with (f, "[listen x]\ntransport = tcp\n", NULL, 0),
                    0);
  assert_non_null (config_find (&f->config, "listen", "x"));
  assert_null (config_find (&f->config, "listen", "local"));
}

static void
set_of_one_default_listener_leaves_out_the_other (void **state)
{
  struct fixture *f = *state;
  const char *sets[] = { "listen.local.path=/tmp/x" };

  assert_int_equal (read_with (f, "", sets, 1), 0);
  assert_string_equal (listen_key (f, "local", "path"), "/tmp/x");
  assert_string_equal (listen_key (f, "local", "mode"), "0600");
  assert_null (config_find (&f->config, "listen", "local-ro"));
}

static void
unknown_log_level_is_refused (void **state)
{
  struct fixture *f = *state;

  assert_int_equal (read_with (f, "[daemon]\nlog-level = loud\n", NULL, 0),
                    -1);
  assert_non_null (strstr (f->err.message, ":2: [daemon] log-level"));
}

static void
limits_come_from_the_config (void **state)
{
  struct fixture *f = *state;
  struct limits limits;

  assert_int_equal (read_with (f, "[daemon]\nmax-clients = 7\n"
                               "open-timeout = 3\nmax-unread = 1M\n", NULL,
                               0), 0);
  limits_from_config (&limits, &f->config);
  assert_int_equal (limits.max_clients, 7);
  assert_int_equal (limits.open_ns, 3 * NS_PER_S);
  assert_int_equal (limits.max_unread, 1 << 20);
}

static void
missing_file_is_an_error_only_when_it_was_named (void **state)
{
  struct fixture *f = *state;
  const struct options options = { .config_file = "/nonexistent/file" };

  assert_int_equal (settings_read (&f->config, &options, f->modules,
                                   &f->err), -1);
}

/* Each key has an item of its own: ".It Cm KEY". */
static void
manual_page_has_every_key (void **state)
{
  const char *source = getenv ("top_srcdir");
  CLEANUP_FREE char *path = NULL, *page = calloc (1, 65536);
  CLEANUP_FCLOSE FILE *fp = NULL;

  assert_true (asprintf (&path, "%s/docs/virgated.conf.5",
                         source ? source : "../..") > 0);
  fp = fopen (path, "r");
  assert_non_null (fp);
  assert_true (fread (page, 1, 65535, fp) > 0);
  for (const struct config_kind *kind = config_kinds; kind->kind; kind++)
    for (const struct virgate_option *option = kind->options; option->key;
         option++) {
      char item[80];

      snprintf (item, sizeof item, ".It Cm %s\n", option->key);
      if (strstr (page, item) == NULL)
        fail_msg ("no %s", item);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (without_a_file_there_are_two_private_sockets),
    TEST (listeners_of_a_file_replace_the_default_ones),
    TEST (set_of_one_default_listener_leaves_out_the_other),
    TEST (unknown_log_level_is_refused),
    TEST (limits_come_from_the_config),
    TEST (missing_file_is_an_error_only_when_it_was_named),
    TEST (manual_page_has_every_key),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
