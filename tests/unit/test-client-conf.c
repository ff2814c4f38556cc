/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * client.conf: where it is looked for, the default URI, aliases.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/clientconf.h"
#include "client/internal.h"
#include "unit.h"

/* A temporary home with a config file in it. */
struct home {
  char dir[64], path[128];
};

static void
home_make (struct home *home, const char *text)
{
  FILE *fp;

  strcpy (home->dir, "/tmp/virgate-conf-XXXXXX");
  assert_non_null (mkdtemp (home->dir));
  snprintf (home->path, sizeof home->path, "%s/virgate", home->dir);
  assert_int_equal (mkdir (home->path, 0700), 0);
  strcat (home->path, "/client.conf");
  fp = fopen (home->path, "w");
  assert_non_null (fp);
  fputs (text, fp);
  fclose (fp);
  setenv ("XDG_CONFIG_HOME", home->dir, 1);
  unsetenv ("VIRGATE_DEFAULT_URI");
  unsetenv ("LIBVIRT_DEFAULT_URI");
}

static void
home_remove (struct home *home)
{
  char dir[128];

  unlink (home->path);
  snprintf (dir, sizeof dir, "%s/virgate", home->dir);
  rmdir (dir);
  rmdir (home->dir);
}

/* The hosts behind a name, with spaces in between. */
static const char *
expanded (const char *name, const char *file)
{
  static char text[400];
  char **names;
  int count = virgate_expand_alias (name, file, &names);

  text[0] = '\0';
  if (count == -1)
    return NULL;
  for (int i = 0; i < count; i++)
    sprintf (text + strlen (text), "%s%s", i ? " " : "", names[i]);
  assert_null (names[count]);
  virgate_free (names);
  return text;
}

static const char aliases[] =
  "[client]\n"
  "default-uri = all\n"
  "[alias]\n"
  "a = test:///a\n"
  "b = test+tcp://b/default?x=1\n"
  "all = a b qemu+tls://c/system\n"
  "more = all a\n"
  "loop = loop2\n"
  "loop2 = loop\n";

static void
aliases_stand_for_hosts (void **state)
{
  struct home home;

  home_make (&home, aliases);
  assert_string_equal (expanded ("a", NULL), "a");
  assert_string_equal (expanded ("all", NULL), "a b qemu+tls://c/system");
  assert_string_equal (expanded ("more", NULL), "a b qemu+tls://c/system a");
  assert_string_equal (expanded ("qemu:///system", NULL), "qemu:///system");
  assert_string_equal (expanded ("unknown", NULL), "unknown");
  assert_null (expanded ("loop", NULL));
  assert_non_null (strstr (virgate_last_error ()->message, "itself"));
  home_remove (&home);
}

static void
default_comes_from_environment_then_config (void **state)
{
  struct home home;

  home_make (&home, aliases);
  assert_string_equal (expanded (NULL, NULL), expanded ("all", NULL));
  setenv ("LIBVIRT_DEFAULT_URI", "test:///l", 1);
  assert_string_equal (expanded (NULL, NULL), "test:///l");
  setenv ("VIRGATE_DEFAULT_URI", "a", 1);
  assert_string_equal (expanded (NULL, NULL), "a");
  unsetenv ("VIRGATE_DEFAULT_URI");
  unsetenv ("LIBVIRT_DEFAULT_URI");
  home_remove (&home);
}

static void
no_config_at_all_is_fine (void **state)
{
  setenv ("XDG_CONFIG_HOME", "/nonexistent", 1);
  assert_string_equal (expanded (NULL, NULL), "");
  assert_null (expanded (NULL, "/nonexistent/client.conf"));
  assert_non_null (strstr (virgate_last_error ()->message,
                           "/nonexistent/client.conf"));
}

static void
mistakes_are_named_with_their_line (void **state)
{
  static const struct {
    const char *text, *why;
  } cases[] = {
    { "[client]\nnonsense = 1\n", "client.conf:2" },
    { "[client]\nconnect-timeout = soon\n", "client.conf:2" },
    { "[client]\nmax-message = 1k\n", "client.conf:2" },
    { "[daemon]\n", "client.conf:1" },
    { "[alias x]\n", "client.conf:1" },
  };

  for (size_t i = 0; i < COUNT_OF (cases); i++) {
    struct home home;

    home_make (&home, cases[i].text);
    assert_null (expanded ("a", NULL));
    if (strstr (virgate_last_error ()->message, cases[i].why) == NULL)
      fail_msg ("%s: %s", cases[i].text, virgate_last_error ()->message);
    home_remove (&home);
  }
}

static void
numbers_have_defaults (void **state)
{
  struct clientconf conf;
  struct virgate_error err = { 0 };
  struct home home;

  home_make (&home, "[client]\nmax-message = 2M\n");
  assert_int_equal (clientconf_read (&conf, home.path, &err), 0);
  assert_int_equal (clientconf_number (&conf, "max-message"), 2 << 20);
  assert_int_equal (clientconf_number (&conf, "connect-timeout"), 15);
  clientconf_free (&conf);
  home_remove (&home);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (aliases_stand_for_hosts),
    cmocka_unit_test (default_comes_from_environment_then_config),
    cmocka_unit_test (no_config_at_all_is_fine),
    cmocka_unit_test (mistakes_are_named_with_their_line),
    cmocka_unit_test (numbers_have_defaults),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
