/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a client's credentials come from, and in which order.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/clientconf.h"
#include "client/internal.h"
#include "unit.h"

static char dir[] = "/tmp/virgate-cred-XXXXXX";
static struct clientconf conf;
static const char *asked;

static int
ask (void *opaque, int kind, const char *prompt, const char *challenge,
     char **result)
{
  asked = prompt;
  if (opaque == NULL)
    return 1;
  *result = strdup (opaque);
  return 0;
}

static void
write_file (const char *name, mode_t mode, const char *text)
{
  char path[100];
  FILE *f;

  snprintf (path, sizeof path, "%s/%s", dir, name);
  f = fopen (path, "w");
  fputs (text, f);
  fclose (f);
  chmod (path, mode);
}

static int
setup (void **state)
{
  char path[100], text[600];

  if (mkdtemp (dir) == NULL)
    return -1;
  write_file ("secret", 0600, "from a file\n");
  write_file ("open", 0644, "from a file\n");
  snprintf (text, sizeof text, "[credentials h1]\nauthname = fred\n"
            "password-file = %s/secret\n"
            "[credentials ssh h1]\nusername = root\n"
            "[credentials h2]\npassword-file = %s/open\n"
            "[credentials default]\nrealm = R\n", dir, dir);
  write_file ("client.conf", 0600, text);
  write_file ("auth.conf", 0644, "[credentials-x]\nauthname=joe\n"
              "password=from auth.conf\n"
              "[auth-libvirt-h1]\ncredentials=x\n"
              "[auth-libvirt-h3]\ncredentials=x\n");
  snprintf (path, sizeof path, "%s/auth.conf", dir);
  setenv ("LIBVIRT_AUTH_FILE", path, 1);
  snprintf (path, sizeof path, "%s/client.conf", dir);
  return clientconf_read (&conf, path, NULL);
}

static int
teardown (void **state)
{
  static const char *const names[] = { "secret", "open", "client.conf",
                                       "auth.conf" };
  char path[100];

  clientconf_free (&conf);
  for (size_t i = 0; i < COUNT_OF (names); i++) {
    snprintf (path, sizeof path, "%s/%s", dir, names[i]);
    unlink (path);
  }
  rmdir (dir);
  return 0;
}

static const struct module sasl = {
  .desc = { .kind = VIRGATE_KIND_AUTH, .name = "sasl" }
}, ssh = {
  .desc = { .kind = VIRGATE_KIND_TRANSPORT, .name = "ssh" }
};

static void
credentials_come_in_order (void **state)
{
  static const struct {
    const char *uri;
    const struct module *module;
    uint32_t kind;
    const char *from_ask;
    const char *want, *wrong;   /* both NULL: none */
  } rows[] = {
    { "x+tls://h1/", &sasl, VIRGATE_CRED_AUTHNAME, "a", "fred" },
    { "x+tls://h1/", &sasl, VIRGATE_CRED_USERNAME, "a", "fred" },
    { "x+tls://h1/", &sasl, VIRGATE_CRED_PASSWORD, "a", "from a file" },
    { "x+tls://h1/", &sasl, VIRGATE_CRED_REALM, "a", "R" },
    { "x+ssh://h1/", &ssh, VIRGATE_CRED_USERNAME, "a", "root" },
    { "x+ssh://h1/", &ssh, VIRGATE_CRED_PASSWORD, "a", "from a file" },
    { "x+tls://u@h2/", &sasl, VIRGATE_CRED_AUTHNAME, "a", "u" },
    { "x+tls://u@h2/", &sasl, VIRGATE_CRED_PASSWORD, "a", NULL, "chmod" },
    { "x+tls://u@h3/", &sasl, VIRGATE_CRED_AUTHNAME, "a", "joe" },
    { "x+tls://u@h3/", &sasl, VIRGATE_CRED_PASSWORD, "a", "from auth.conf" },
    { "x+ssh://h3/", &ssh, VIRGATE_CRED_USERNAME, "a", "a" },
    { "x+tls://u@h4/", &sasl, VIRGATE_CRED_AUTHNAME, "a", "u" },
    { "x+tls://u@h4/", &sasl, VIRGATE_CRED_PASSWORD, "a", "a" },
    { "x+tls://u@h4/", &sasl, VIRGATE_CRED_PASSWORD, NULL },
    { "x+tls://h1/", &sasl, VIRGATE_CRED_PASSPHRASE, "a", "a" },
    { "x+tls://h1/", &sasl, VIRGATE_CRED_CONFIRM, NULL },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    const struct instance instance = { .module = rows[i].module };
    struct uri uri;
    struct credentials from = {
      .conf = &conf, .uri = &uri, .ask = ask,
      .ask_opaque = (void *) rows[i].from_ask,
    };
    char *secret = NULL;
    int result;

    assert_int_equal (uri_parse (&uri, rows[i].uri, NULL), 0);
    host_error_forget ();
    asked = NULL;
    result = credential_get (&from, &instance, rows[i].kind, "P", NULL,
                             &secret);
    if (rows[i].wrong) {
      assert_int_equal (result, -1);
      assert_non_null (strstr (host_error_said (), rows[i].wrong));
    }
    else if (rows[i].want) {
      assert_int_equal (result, 0);
      assert_string_equal (secret, rows[i].want);
    }
    else
      assert_int_equal (result, 1);
    assert_int_equal (asked != NULL, result == 1
                      || (result == 0 && strcmp (secret, "a") == 0));
    free (secret);
    uri_free (&uri);
  }
}

static void
what_is_missing_is_explained (void **state)
{
  const struct instance instance = { .module = &sasl };
  struct credentials from = { .conf = &conf };
  struct virgate_error err = { 0 };
  char *secret = NULL;

  error_set (&err, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC, "%s", "x");
  credential_explain (&from, &err);
  assert_string_equal (err.message, "authentication failed: x");
  assert_int_equal (credential_get (&from, &instance, VIRGATE_CRED_PASSWORD,
                                    "P", NULL, &secret), 1);
  credential_explain (&from, &err);
  assert_int_equal (err.code, VIRGATE_ERR_AUTH_FAILED);
  assert_non_null (strstr (err.message, "failed: x; a name and a password"));
  assert_non_null (strstr (err.message, "[credentials localhost]"));
  error_clear (&err);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (credentials_come_in_order),
    cmocka_unit_test (what_is_missing_is_explained),
  };

  return cmocka_run_group_tests (tests, setup, teardown);
}
