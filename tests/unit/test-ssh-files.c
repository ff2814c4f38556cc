/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ssh's files as the built-in client reads them: ssh_config, known hosts,
 * private keys; and the far side's first words.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "plugins/transport-ssh/far.h"
#include "plugins/transport-ssh/keyfile.h"
#include "plugins/transport-ssh/known.h"
#include "plugins/transport-ssh/sshconf.h"

static const struct sshconf_query query = { "lab", NULL, "joe", "/home/joe" };

static int
parse (struct sshconf *conf, const char *text, char *why)
{
  memset (conf, 0, sizeof *conf);
  *why = '\0';
  return sshconf_parse (conf, &query, text, strlen (text), "f", "/nowhere",
                        why, SSHCONF_WHY_MAX);
}

static void
config_takes_the_first_value_of_matching_blocks (void **state)
{
  char why[SSHCONF_WHY_MAX];
  struct sshconf conf;

  assert_int_equal (parse (&conf, "# x\n\nUser=\"a b\"\r\nHost other\n"
                           "Port 1\nHost *b !lax\n\tPort\t=\t2 # why\n"
                           "hostname x.%h\nHost lab\nPort 3\nUser c\n"
                           "IdentityFile a\nIdentityFile b\n"
                           "Host * !lab\nIdentityFile c\n", why), 0);
  assert_string_equal (conf.value[CONF_USER], "a b");
  assert_string_equal (conf.value[CONF_PORT], "2");
  assert_string_equal (conf.value[CONF_HOSTNAME], "x.%h");
  assert_int_equal (conf.identities, 2);
  sshconf_free (&conf);
}

static void
config_decides_match_or_says_that_it_cannot (void **state)
{
  static const struct {
    const char *line;
    bool holds;
  } rows[] = {
    { "Match all", true }, { "Match !all", false },
    { "Match originalhost lab", true },
    { "Match host lab.example.com", true }, { "Match host lab", false },
    { "Match user joe", true }, { "Match user root,j*", true },
    { "Match !user joe", false }, { "Match localuser joe", true },
    { "Match originalhost lab user root", false },
    { "Match canonical", false }, { "Match originalhost x exec true", false },
  };
  char why[SSHCONF_WHY_MAX], text[200];
  struct sshconf conf;

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    snprintf (text, sizeof text, "HostName %%h.example.com\n%s\nPort 2\n",
              rows[i].line);
    assert_int_equal (parse (&conf, text, why), 0);
    assert_int_equal (conf.value[CONF_PORT] != NULL, rows[i].holds);
    sshconf_free (&conf);
  }
  assert_int_equal (parse (&conf, "\nMatch exec true\n", why), -1);
  assert_non_null (strstr (why, "f:2: 'Match exec' cannot be decided here"));
  sshconf_free (&conf);
}

static void
config_names_the_line_that_is_wrong (void **state)
{
  static const char *const texts[] = { "Port", "\nUser \"x\n", "Port 1 2",
                                       "Host\n" };
  char why[SSHCONF_WHY_MAX];
  struct sshconf conf;

  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    assert_int_equal (parse (&conf, texts[i], why), -1);
    assert_memory_equal (why, "f:", 2);
    sshconf_free (&conf);
  }
}

static void
values_have_tokens_filled_in (void **state)
{
  const struct sshconf_tokens tokens = { "h", "n", "r", "u", "/home/u", 22 };
  char why[SSHCONF_WHY_MAX], *text;

  setenv ("VIRGATE_TEST", "v", 1);
  text = sshconf_expand ("~/%h-%n-%r-%u-%p-%%-%d-${VIRGATE_TEST}", &tokens,
                         why, sizeof why);
  assert_string_equal (text, "/home/u/h-n-r-u-22-%-/home/u-v");
  free (text);
  assert_null (sshconf_expand ("%C", &tokens, why, sizeof why));
  assert_null (sshconf_expand ("${NOT_SET_1}", &tokens, why, sizeof why));
  assert_null (sshconf_expand ("${", &tokens, why, sizeof why));
}

static void
patterns_match_as_ssh_has_them (void **state)
{
  static const struct {
    const char *list, *name;
    int verdict;
  } rows[] = {
    { "*", "x", 1 }, { "", "x", 0 }, { "a?c", "ABC", 1 }, { "a?c", "ac", 0 },
    { "*.b.*", "a.b.c", 1 }, { "a*b*c", "axxbyyc", 1 }, { "a*b", "axxc", 0 },
    { "!x,*", "x", -1 }, { "*,!x", "y", 1 }, { "[h]:22", "[h]:22", 1 },
    { "***********b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0 },
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal (pattern_list (rows[i].list, strlen (rows[i].list),
                                    rows[i].name), rows[i].verdict);
}

static bool
is_x (void *opaque, const char *field, size_t len, const char *name)
{
  return len == 5 && memcmp (field, "|1|x|", 5) == 0;
}

static struct known_found
look (const char *text)
{
  const struct known_query wanted = { "[lab]:22", "ssh-ed25519", "KEY", is_x,
                                      NULL };
  struct known_found found = { .types = 0 };

  known_look (&found, &wanted, text, strlen (text), "f");
  return found;
}

static void
known_hosts_are_read_as_they_are_written (void **state)
{
  struct known_found found;

  assert_true (look ("[lab]:22 ssh-ed25519 KEY").matches);
  assert_true (look ("a,[LAB]:22,b\tssh-ed25519  KEY comment\r\n").matches);
  assert_true (look ("|1|x| ssh-ed25519 KEY\n").matches);
  assert_false (look ("|1|y| ssh-ed25519 KEY\n").matches);
  assert_false (look ("# [lab]:22 ssh-ed25519 KEY\n").matches);
  assert_false (look ("*,![lab]:22 ssh-ed25519 KEY\n").matches);
  assert_false (look ("[lab]:22 ssh-ed25519\n").matches);
  found = look ("x\n\n[lab]:22 ssh-ed25519 OTHER\n");
  assert_string_equal (found.same_type, "f:3");
  found = look ("[lab]:22 ssh-rsa KEY\n");
  assert_int_equal (found.types, 1u << KNOWN_RSA);
  assert_string_equal (found.same_type, "");
  assert_true (look ("@revoked * ssh-ed25519 KEY\n").is_revoked);
  assert_false (look ("@revoked * ssh-ed25519 OTHER\n").is_revoked);
  assert_true (look ("@cert-authority [l*]:* ssh-rsa CA\n").has_authority);
}

/* RFC 4648, section 10. */
static void
base64_is_that_of_the_rfc (void **state)
{
  static const char *const rows[][2] = {
    { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
  };
  char text[20];
  uint8_t back[20];

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t len = strlen (rows[i][0]);

    base64_encode (rows[i][0], len, text, true);
    assert_string_equal (text, rows[i][1]);
    assert_int_equal (base64_decode (text, strlen (text), back, sizeof back),
                      len);
    assert_memory_equal (back, rows[i][0], len);
  }
}

static void
keys_show_their_kind (void **state)
{
  static const char rsa[] = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: "
                            "4,ENCRYPTED\n";
  /* openssh-key-v1, "aes256-ctr", then cut off */
  static const char cut[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHI=\n-----END";
  struct keyfile key = { .path = "f" };

  keyfile_parse (&key, rsa, sizeof rsa - 1);
  assert_string_equal (key.type, "ssh-rsa");
  assert_true (key.is_encrypted);
  memset (&key, 0, sizeof key);
  keyfile_parse (&key, cut, sizeof cut - 1);
  assert_true (key.is_encrypted);
  assert_int_equal (key.blob_len, 0);
}

static enum answer
feed (const char *text, size_t len, struct answer_state *out)
{
  *out = (struct answer_state) { .data = NULL };
  return answer_feed (out, text, len);
}

static void
answers_are_told_from_noise (void **state)
{
  static const char ready[] = "hello\n\nvirgate-far: ready nc -U x\n\0\0\0\34";
  struct answer_state s;

  assert_int_equal (feed (ready, sizeof ready - 1, &s), ANSWER_READY);
  assert_string_equal (s.word, "nc -U x");
  assert_int_equal (s.len - s.rest, 4);
  free (s.data);
  assert_int_equal (feed ("\0\0\0\34", 4, &s), ANSWER_READY);
  assert_int_equal (s.rest, 0);
  free (s.data);
  assert_int_equal (feed ("virgate-far: none no nc\n", 24, &s), ANSWER_NONE);
  assert_string_equal (s.word, "no nc");
  free (s.data);
  assert_int_equal (feed ("virgate-far: ready", 18, &s), ANSWER_MORE);
  free (s.data);
  assert_int_equal (feed ("virgate-far: odd\n", 17, &s), ANSWER_NOISE);
  free (s.data);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (config_takes_the_first_value_of_matching_blocks),
    cmocka_unit_test (config_decides_match_or_says_that_it_cannot),
    cmocka_unit_test (config_names_the_line_that_is_wrong),
    cmocka_unit_test (values_have_tokens_filled_in),
    cmocka_unit_test (patterns_match_as_ssh_has_them),
    cmocka_unit_test (known_hosts_are_read_as_they_are_written),
    cmocka_unit_test (base64_is_that_of_the_rfc),
    cmocka_unit_test (keys_show_their_kind),
    cmocka_unit_test (answers_are_told_from_noise),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
