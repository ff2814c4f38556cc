/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt's auth.conf, and files with secrets.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "core/authfile.h"
#include "core/error.h"
#include "core/secretfile.h"
#include "unit.h"

static const char sample[] =
  "# those of the lab\n"
  "[credentials-work]\n"
  "authname=fred\n"
  "  password =  a b\\sc\\\\d # no comment \n"
  "realm=\n"
  "[credentials-home]\n"
  "username=joe\n"
  "password=first\n"
  "\n"
  "[auth-libvirt-h1.example.com] \t\n"
  "credentials=work\r\n"
  "[auth-libvirt-default]\n"
  "credentials= home \n"
  "[auth-ssh-h1.example.com]\n"
  "credentials=home\n"
  "[auth-libvirt-odd]\n"
  "other=x\n"
  "[auth-libvirt-lost]\n"
  "credentials=nowhere\n"
  "[auth-libvirt-bad]\n"
  "credentials=bad\n"
  "[credentials-bad]\n"
  "password=a\\qb\n"
  "authname=a\\\n"
  "[credentials-home]\n"
  "password=again\n";

static void
credentials_are_found (void **state)
{
  static const struct {
    const char *service, *host, *key;
    const char *value, *wrong;  /* both NULL: there is none */
  } rows[] = {
    { "libvirt", "h1.example.com", "authname", "fred" },
    { "libvirt", "h1.example.com", "password", "a b c\\d # no comment " },
    { "libvirt", "h1.example.com", "realm", "" },
    { "libvirt", "h1.example.com", "username" },
    { "libvirt", "h2.example.com", "username", "joe" },
    { "libvirt", "h2.example.com", "password", "again" },
    { "ssh", "h1.example.com", "username", "joe" },
    { "ssh", "h2.example.com", "username" },
    { "libvirt", "odd", "username", NULL, "[auth-libvirt-odd] has no" },
    { "libvirt", "lost", "username", NULL, "no [credentials-nowhere]" },
    { "libvirt", "bad", "password", NULL, "f:23: after a backslash" },
    { "libvirt", "bad", "authname", NULL, "f:24: after a backslash" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct virgate_error err = { 0 };
    char *value = NULL;
    int result = authfile_lookup_text (sample, strlen (sample), "f",
                                       rows[i].service, rows[i].host,
                                       rows[i].key, &value, &err);

    if (rows[i].wrong) {
      assert_int_equal (result, -1);
      assert_non_null (strstr (err.message, rows[i].wrong));
    }
    else if (rows[i].value == NULL)
      assert_int_equal (result, 0);
    else {
      assert_int_equal (result, 1);
      assert_string_equal (value, rows[i].value);
    }
    free (value);
    error_clear (&err);
  }
}

static void
syntax_is_judged (void **state)
{
  static const struct {
    const char *text, *wrong;   /* NULL: good */
  } rows[] = {
    { "", NULL }, { "\n \n\t\n", NULL }, { "# x", NULL },
    { "[a]\nb=c", NULL }, { "[a]\nb=", NULL }, { "[a b]\nb c=d=e", NULL },
    { "b=c\n[a]", "f:1: stands before the first" },
    { "[a]\nb", "f:2: is not KEY=VALUE" }, { "[a]\n=b", "f:2: is not" },
    { "[a", "f:1: is not [GROUP]" }, { "[]", "is not [GROUP]" },
    { "[a] b", "is not [GROUP]" }, { "[a]\n; x", "f:2: is not KEY=VALUE" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct virgate_error err = { 0 };
    char *value = NULL;
    int result = authfile_lookup_text (rows[i].text, strlen (rows[i].text),
                                       "f", "libvirt", "h", "password",
                                       &value, &err);

    assert_int_equal (result, rows[i].wrong ? -1 : 0);
    if (rows[i].wrong)
      assert_non_null (strstr (err.message, rows[i].wrong));
    error_clear (&err);
  }
  assert_int_equal (authfile_lookup_text ("[a]\n\0", 5, "f", "libvirt", "h",
                                          "password", NULL, NULL), -1);
}

static void
place_is_looked_up_in_order (void **state)
{
  char dir[] = "/tmp/virgate-auth-XXXXXX", path[200], mine[100];

  assert_non_null (mkdtemp (dir));
  unsetenv ("LIBVIRT_AUTH_FILE");
  setenv ("XDG_CONFIG_HOME", dir, 1);
  assert_int_equal (authfile_find ("/n", path, sizeof path), 1);
  assert_string_equal (path, "/n");
  snprintf (mine, sizeof mine, "%s/libvirt", dir);
  mkdir (mine, 0700);
  strcat (mine, "/auth.conf");
  close (open (mine, O_CREAT | O_WRONLY, 0600));
  assert_int_equal (authfile_find (NULL, path, sizeof path), 1);
  assert_string_equal (path, mine);
  assert_int_equal (authfile_find ("/n", path, sizeof path), 1);
  assert_string_equal (path, "/n");
  setenv ("LIBVIRT_AUTH_FILE", "/e", 1);
  assert_int_equal (authfile_find ("/n", path, sizeof path), 1);
  assert_string_equal (path, "/e");
  assert_int_equal (authfile_find (NULL, path, 2), 0);
  unsetenv ("LIBVIRT_AUTH_FILE");
  unlink (mine);
  *strrchr (mine, '/') = '\0';
  rmdir (mine);
  rmdir (dir);
}

static void
files_are_bounded_and_regular (void **state)
{
  char path[] = "/tmp/virgate-auth-XXXXXX", *value = NULL;
  struct virgate_error err = { 0 };
  int fd = mkstemp (path);

  assert_int_equal (write (fd, sample, strlen (sample)), strlen (sample));
  assert_int_equal (authfile_lookup (path, "libvirt", "h1.example.com",
                                     "authname", &value, &err), 1);
  assert_string_equal (value, "fred");
  free (value);
  assert_int_equal (ftruncate (fd, AUTHFILE_MAX + 1), 0);
  assert_int_equal (authfile_lookup (path, "libvirt", "h", "authname", &value,
                                     &err), -1);
  assert_non_null (strstr (err.message, "longer than"));
  close (fd);
  unlink (path);
  assert_int_equal (authfile_lookup (path, "libvirt", "h", "authname", &value,
                                     &err), -1);
  assert_non_null (strstr (err.message, "there is no file"));
  assert_int_equal (authfile_lookup ("/tmp", "libvirt", "h", "authname",
                                     &value, &err), -1);
  assert_non_null (strstr (err.message, "not a regular file"));
  error_clear (&err);
}

static void
password_files_are_private (void **state)
{
  static const struct {
    mode_t mode;
    const char *text, *line;    /* NULL: refused */
  } rows[] = {
    { 0600, "secret\nmore\n", "secret" }, { 0400, "secret", "secret" },
    { 0600, " se cret \r\n", " se cret " }, { 0600, "", "" },
    { 0640, "secret\n", NULL }, { 0604, "secret\n", NULL },
    { 0620, "secret\n", NULL },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    char path[] = "/tmp/virgate-auth-XXXXXX", *line;
    struct virgate_error err = { 0 };
    int fd = mkstemp (path);

    assert_int_equal (write (fd, rows[i].text, strlen (rows[i].text)),
                      strlen (rows[i].text));
    assert_int_equal (fchmod (fd, rows[i].mode), 0);
    line = secret_line (path, &err);
    if (rows[i].line)
      assert_string_equal (line, rows[i].line);
    else {
      assert_null (line);
      assert_non_null (strstr (err.message, "chmod 0600"));
    }
    free (line);
    error_clear (&err);
    close (fd);
    unlink (path);
    assert_null (secret_line (path, NULL));
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (credentials_are_found),
    cmocka_unit_test (syntax_is_judged),
    cmocka_unit_test (place_is_looked_up_in_order),
    cmocka_unit_test (files_are_bounded_and_regular),
    cmocka_unit_test (password_files_are_private),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
