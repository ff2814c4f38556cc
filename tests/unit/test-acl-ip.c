/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * acl-ip as a module: what a section's keys mean for a peer, before the
 * handshake and after authentication, and which rule is quoted.
 */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <virgate/acl.h>

#include "tests/unit/unit.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/instance.h"
#include "core/peer.h"

static struct host_env env = {
  .role = VIRGATE_ROLE_SERVER, .program = "test",
};

static const struct config_kind kinds[] = {
  { "acl", true, true, NULL },
  { NULL },
};

/* A section of these lines, the first of which is line 2 of "c". */
static struct instance *
section (const char *keys, struct virgate_error *err)
{
  const struct module *module = modules_load (env.modules, VIRGATE_KIND_ACL,
                                              "ip", err);
  struct instance *instance;
  struct config config;
  char text[4000];

  assert_non_null (module);
  config_init (&config);
  snprintf (text, sizeof text, "[acl x]\n%s\n", keys);
  assert_int_equal (config_parse (&config, text, strlen (text), "c", kinds,
                                  err), 0);
  instance = instance_open (module, &env, config.sections, NULL, NULL, err);
  config_free (&config);
  return instance;
}

static int
load (void **state)
{
  unsetenv ("VIRGATE_MODULE_DIR");
  env.modules = modules_new ("../../plugins/acl/.libs", 0, NULL);
  return env.modules ? 0 : -1;
}

static int
unload (void **state)
{
  modules_free (env.modules);
  return 0;
}

/* Facts and identities as words: "address=1.2.3.4 ~address=... uid=5". */
static void
state_word (struct virgate_peer *peer, struct virgate_identity *who,
            char *word)
{
  uint32_t vouch = *word == '~' ? VIRGATE_VOUCH_CLAIM : VIRGATE_VOUCH_KERNEL;
  char *value = strchr (word, '=');

  word += *word == '~';
  *value++ = '\0';
  if (strcmp (word, "address") == 0) {
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in in = { .sin_family = AF_INET };

    if (inet_pton (AF_INET, value, &in.sin_addr) == 1)
      peer_address (peer, word, vouch, &in, sizeof in);
    else if (inet_pton (AF_INET6, value, &in6.sin6_addr) == 1)
      peer_address (peer, word, vouch, &in6, sizeof in6);
    else
      fail_msg ("%s", value);
  }
  else if (strcmp (word, "user") == 0)
    identity_name (who, value, vouch);
  else if (strcmp (word, "group") == 0)
    identity_group (who, value, vouch);
  else if (strcmp (word, "method") == 0)
    identity_method (who, value);
  else if (strspn (value, "0123456789") == strlen (value))
    peer_number (peer, word, vouch, strtoul (value, NULL, 10));
  else
    peer_string (peer, word, strncmp (word, "x509", 4) == 0
                 && vouch == VIRGATE_VOUCH_KERNEL
                 ? VIRGATE_VOUCH_CERTIFICATE : vouch, value);
}

/* State all words. */
static void
state (struct virgate_peer *peer, struct virgate_identity *who,
       const char *facts)
{
  char *copy = strdup (facts), *save = NULL;

  for (char *word = strtok_r (copy, " ", &save); word;
       word = strtok_r (NULL, " ", &save))
    state_word (peer, who, word);
  free (copy);
}

struct answer {
  char letter;                  /* of A(llow), D(eny), P(ass) */
  int read_only;
  struct virgate_acl_reason reason;
};

static char
letter_of (int verdict)
{
  return verdict == VIRGATE_ACL_ALLOW ? 'A' : verdict == VIRGATE_ACL_DENY
         ? 'D' : verdict == VIRGATE_ACL_PASS ? 'P' : 'E';
}

static struct answer
ask_admit (struct instance *instance, const char *facts)
{
  const struct virgate_acl_ops *ops = instance->module->ops;
  struct virgate_peer peer = { 0 };
  struct virgate_identity who = { 0 };
  struct answer answer = { 0 };

  state (&peer, &who, facts);
  answer.letter = letter_of (ops->admit (instance->inst, &peer,
                                         &answer.reason));
  peer_free (&peer);
  identity_free (&who);
  return answer;
}

static struct answer
ask_enter (struct instance *instance, const char *early, const char *late)
{
  const struct virgate_acl_ops *ops = instance->module->ops;
  struct virgate_peer peer = { 0 };
  struct virgate_identity who = { 0 };
  struct answer answer = { 0 };

  state (&peer, &who, early);
  state (&peer, &who, late);
  answer.letter = letter_of (ops->enter (instance->inst, &peer, &who,
                                         &answer.read_only, &answer.reason));
  peer_free (&peer);
  identity_free (&who);
  return answer;
}

static const struct {
  const char *keys, *early, *late;
  const char *want;             /* admit, enter, r: read-only */
} rows[] = {
  /* The table of the manual page. */
  { "allow = 10.0.0.0/8", "address=10.1.1.1", "", "AA" },
  { "allow = 10.0.0.0/8", "address=11.1.1.1", "", "DD" },
  { "deny = 10.0.0.0/8", "address=10.1.1.1", "", "DD" },
  { "deny = 10.0.0.0/8", "address=11.1.1.1", "", "AA" },
  { "allow = 10.0.0.0/8\ndeny = 10.1.0.0/16", "address=10.1.1.1", "", "DD" },
  { "allow = 10.0.0.0/8\ndeny = 10.1.0.0/16", "address=10.2.1.1", "", "AA" },
  { "allow = 10.1.1.1\ndeny = 10.0.0.0/8", "address=10.1.1.1", "", "DD" },
  { "allow = 10.1.1.1\ndeny = 10.0.0.0/8\npolicy = allow",
    "address=10.1.1.1", "", "AA" },
  { "allow = 10.1.1.1\ndeny = 10.0.0.0/8\npolicy = allow",
    "address=10.1.1.2", "", "DD" },
  { "allow = 10.1.1.1\ndeny = 10.0.0.0/8\npolicy = allow",
    "address=11.1.1.2", "", "AA" },
  { "deny = 10.0.0.0/8\npolicy = deny", "address=11.1.1.2", "", "DD" },
  { "allow = 10.0.0.0/8\npolicy = pass", "address=10.1.1.1", "", "AA" },
  { "allow = 10.0.0.0/8\npolicy = pass", "address=11.1.1.1", "", "PP" },
  { "deny = 10.0.0.0/8\npolicy = pass", "address=10.1.1.1", "", "DD" },
  { "allow = 10.1.1.1\ndeny = 10.0.0.0/8\npolicy = pass",
    "address=10.1.1.1", "", "DD" },
  /* Nothing at all, and a list of nobody. */
  { "", "address=10.1.1.1", "", "AA" },
  { "allow =", "address=10.1.1.1", "", "DD" },
  { "allow =", "uid=0", "", "DD" },
  { "policy = deny", "address=10.1.1.1", "", "DD" },
  /* Separators, families, mapped addresses. */
  { "allow = 10.1.1.1,10.1.1.2 10.1.1.3, 10.1.1.4", "address=10.1.1.4", "",
    "AA" },
  { "allow = any4", "address=10.1.1.1", "", "AA" },
  { "allow = any4", "address=::1", "", "DD" },
  { "allow = any6", "address=::1", "", "AA" },
  { "allow = ::/0", "address=10.1.1.1", "", "DD" },
  { "allow = ::/0", "address=::ffff:10.1.1.1", "", "DD" },
  { "allow = any", "address=10.1.1.1", "", "AA" },
  { "allow = any", "address=2001:db8::1", "", "AA" },
  { "allow = 10.0.0.0/8", "address=::ffff:10.1.1.1", "", "AA" },
  { "allow = ::ffff:10.0.0.0/104", "address=10.1.1.1", "", "AA" },
  { "allow = ::ffff:0:0/96", "address=10.1.1.1", "", "AA" },
  { "allow = ::ffff:0:0/96", "address=2001:db8::1", "", "DD" },
  /* Sets. */
  { "set = a 10.0.0.0/8 ::1\nallow = @a", "address=::1", "", "AA" },
  { "set = a 10.0.0.0/8\nset = b @a 11.0.0.0/8\nset = a2 12.0.0.1\n"
    "allow = @b", "address=10.3.3.3", "", "AA" },
  { "set = a 10.0.0.0/8\nset = a 11.0.0.0/8\nallow = @a",
    "address=11.3.3.3", "", "AA" },
  { "set = a\nallow = @a", "address=11.3.3.3", "", "DD" },
  /* Peers of a Unix socket have no address. */
  { "allow = any", "uid=0", "", "AD" },
  { "deny = any", "uid=0", "", "AA" },
  { "allow = any uid:7", "uid=7", "", "AA" },
  { "allow = any uid:root", "uid=0", "", "AA" },
  { "allow = uid:7", "uid=8", "", "DD" },
  { "allow = gid:8", "uid=7 gid=7 gid=8", "", "AA" },
  { "allow = gid:root", "uid=7 gid=7 gid=8", "", "DD" },
  { "allow = transport:unix", "transport=unix uid=7", "", "AA" },
  { "allow = listener:pub*", "listener=public", "", "AA" },
  { "allow = listener:pub*", "listener=private", "", "DD" },
  { "rule = deny listener:public 10.0.0.0/8", "listener=public "
    "address=10.1.1.1", "", "DD" },
  { "rule = deny listener:public 10.0.0.0/8", "listener=lan "
    "address=10.1.1.1", "", "AA" },
  /* Who it is is known later: admit must not refuse. */
  { "allow = 10.0.0.0/8 user:joe", "address=11.1.1.1", "user=joe", "AA" },
  { "allow = 10.0.0.0/8 user:joe", "address=11.1.1.1", "user=jim", "AD" },
  { "allow = 10.0.0.0/8 user:joe", "address=10.1.1.1", "user=jim", "AA" },
  { "allow = group:ops", "address=11.1.1.1", "user=x group=dev group=ops",
    "AA" },
  { "allow = method:x509", "address=11.1.1.1", "method=x509", "AA" },
  { "allow = method:x509", "address=11.1.1.1", "method=password", "AD" },
  { "allow = 10.0.0.0/8\ndeny = user:eve", "address=10.1.1.1", "user=eve",
    "AD" },
  { "allow = 10.0.0.0/8\ndeny = user:eve", "address=11.1.1.1", "user=bob",
    "DD" },
  { "deny = 10.0.0.0/8\nallow = user:joe", "address=10.1.1.1", "user=joe",
    "DD" },
  { "deny = 10.0.0.0/8\nallow = user:joe\npolicy = allow",
    "address=10.1.1.1", "user=joe", "AA" },
  { "deny = 10.0.0.0/8\nallow = user:joe\npolicy = allow",
    "address=10.1.1.1", "user=jim", "AD" },
  { "deny = user:joe\npolicy = pass", "address=10.1.1.1", "user=jim", "PP" },
  { "allow = user:joe\npolicy = pass", "address=10.1.1.1", "user=jim", "AP" },
  /* Rules: all conditions, first that matches, before the lists. */
  { "rule = allow 10.0.0.0/8 group:ops", "address=10.1.1.1", "group=ops",
    "AA" },
  { "rule = allow 10.0.0.0/8 group:ops", "address=10.1.1.1", "group=dev",
    "AD" },
  { "rule = allow 10.0.0.0/8 group:ops", "address=11.1.1.1", "group=ops",
    "DD" },
  { "rule = allow address:10.0.0.0/8 group:ops read-only",
    "address=10.1.1.1", "group=ops", "AAr" },
  { "rule = allow 10.1.2.3\nrule = deny 10.1.0.0/16\nallow = 10.0.0.0/8",
    "address=10.1.2.3", "", "AA" },
  { "rule = allow 10.1.2.3\nrule = deny 10.1.0.0/16\nallow = 10.0.0.0/8",
    "address=10.1.2.4", "", "DD" },
  { "rule = deny 10.1.1.1\nrule = allow user:joe", "address=10.1.1.1",
    "user=joe", "DD" },
  { "rule = allow user:joe\nrule = deny 10.1.1.1\nallow = any",
    "address=10.1.1.1", "user=joe", "AA" },
  { "rule = allow user:joe\nrule = deny 10.1.1.1\nallow = any",
    "address=10.1.1.1", "user=jim", "AD" },
  { "rule = deny user:eve\nrule = deny any\nallow = any", "address=10.1.1.1",
    "user=joe", "DD" },
  { "rule = allow user:joe read-only\nrule = allow any", "address=10.1.1.1",
    "user=jim", "AA" },
  { "set = o 10.0.0.0/8\nrule = deny @o\nallow = any", "address=10.1.1.1", "",
    "DD" },
  { "rule = deny any\nallow = uid:7", "uid=7", "", "AA" },
  { "rule = deny any\nallow = uid:7", "uid=7", "address=10.1.1.1", "AD" },
  /* What only the peer or a relay says does not count. */
  { "allow = 10.0.0.0/8", "uid=5", "~address=10.1.1.1", "AD" },
  { "allow = 10.0.0.0/8", "uid=5", "address=10.1.1.1", "AA" },
  { "allow = 10.0.0.0/8", "uid=5", "~address=10.2.1.1 address=10.1.1.1",
    "AA" },
  { "allow = 10.0.0.0/8\ntrust-claims = yes", "uid=5", "~address=10.1.1.1",
    "AA" },
  { "allow = 10.0.0.0/8\ntrust-claims = yes", "uid=5", "~address=11.1.1.1",
    "AD" },
  { "allow = 10.0.0.0/8\ntrust-claims = yes", "uid=5", "", "AD" },
  { "allow = 10.0.0.0/8\ntrust-claims = yes", "address=10.1.1.1",
    "~address=11.1.1.1", "AA" },
  { "allow = 10.0.0.0/8\ntrust-claims = yes", "address=11.1.1.1",
    "~address=10.1.1.1", "DD" },
  { "deny = 10.0.0.0/8\ntrust-claims = yes", "uid=5", "~address=10.1.1.1",
    "AD" },
  { "allow = uid:5\ntrust-claims = yes", "~uid=5", "", "DD" },
  { "allow = user:joe", "address=10.1.1.1", "~user=joe", "AD" },
  { "allow = user:joe", "address=10.1.1.1", "user=joe user=jim", "AD" },
  { "allow = user:joe", "address=10.1.1.1", "user=jim user=joe", "AA" },
  { "allow = user:joe", "address=10.1.1.1", "user=joe ~user=joe", "AD" },
  { "allow = group:ops", "address=10.1.1.1", "~group=ops", "AD" },
  { "allow = ssh-user:joe", "uid=1", "~ssh-user=joe", "AD" },
  { "allow = ssh-user:j*", "uid=1", "ssh-user=joe", "AA" },
  { "allow = ssh-identity:build*", "uid=1", "ssh-identity=builder", "AA" },
  { "allow = ssh-key:SHA256:abc", "uid=1", "ssh-key=SHA256:abc", "AA" },
  /* Certificates. */
  { "allow = dn:\"CN=*.ops.example.com,O=Example\"", "address=10.1.1.1",
    "x509-dn=CN=a.ops.example.com,O=Example", "AA" },
  { "allow = dn:\"CN=*.ops.example.com,*\"", "address=10.1.1.1",
    "x509-dn=CN=a.ops.example.com,O=Example,C=DE", "AA" },
  { "allow = dn:\"CN=*.ops.example.com\"", "address=10.1.1.1",
    "x509-dn=CN=a.ops.example.com,O=Example", "AD" },
  { "allow = dn:CN=a", "address=10.1.1.1", "~x509-dn=CN=a", "AD" },
  { "allow = dn:CN=a", "address=10.1.1.1",
    "x509-dn=CN=a x509-verdict=expired", "AD" },
  { "allow = issuer:CN=ca", "address=10.1.1.1", "x509-issuer=CN=ca", "AA" },
  { "allow = san:DNS:*.Example.com", "address=10.1.1.1",
    "x509-san=DNS:x.org x509-san=DNS:b.example.COM", "AA" },
  { "allow = fingerprint:AA:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaa", "address=10.1.1.1", "x509-fingerprint="
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "AA" },
};

static void
keys_mean_what_the_manual_says (void **state)
{
  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct virgate_error err = { 0 };
    struct instance *instance = section (rows[i].keys, &err);
    struct answer first, second;
    char got[4] = "";

    if (instance == NULL)
      fail_msg ("%s: %s", rows[i].keys, error_message (&err));
    first = ask_admit (instance, rows[i].early);
    second = ask_enter (instance, rows[i].early, rows[i].late);
    got[0] = first.letter;
    got[1] = second.letter;
    got[2] = second.read_only ? 'r' : '\0';
    if (strcmp (got, rows[i].want) != 0)
      fail_msg ("%s\n%s | %s: %s (%s; %s), not %s", rows[i].keys,
                rows[i].early, rows[i].late, got, first.reason.text,
                second.reason.text, rows[i].want);
    /* Nobody is refused too early, nor asked twice to no end. */
    assert_false (first.letter == 'D' && second.letter != 'D');
    instance_close (instance);
  }
}

static const struct {
  const char *keys, *facts, *text;
  uint32_t line;
} quotes[] = {
  { "allow = any\ndeny = 10.0.0.0/8 192.0.2.0/24", "address=192.0.2.9",
    "deny = 192.0.2.0/24", 3 },
  { "allow = 10.0.0.0-10.0.0.8", "address=10.0.0.3",
    "allow = 10.0.0.0-10.0.0.8", 2 },
  { "set = o 10.0.0.0/8\ndeny = @o", "address=10.0.0.3",
    "deny = @o, 10.0.0.0/8", 3 },
  { "\nrule = deny  10.0.0.0/8 listener:x", "address=10.0.0.3 listener=x",
    "rule = deny  10.0.0.0/8 listener:x", 3 },
  { "allow = 10.0.0.1\nallow = uid:7", "uid=7", "allow = uid:7", 3 },
  { "allow = 10.0.0.1", "address=10.0.0.3", "no allow entry matches", 0 },
  { "deny = 10.0.0.1", "address=10.0.0.3", "no deny entry matches", 0 },
  { "allow = 10.0.0.1\npolicy = pass", "address=10.0.0.3",
    "no entry matches", 0 },
};

static void
rules_are_quoted_with_their_place (void **state)
{
  for (size_t i = 0; i < COUNT_OF (quotes); i++) {
    struct instance *instance = section (quotes[i].keys, NULL);
    struct answer answer = ask_enter (instance, quotes[i].facts, "");

    assert_string_equal (answer.reason.text, quotes[i].text);
    assert_int_equal (answer.reason.line, quotes[i].line);
    if (quotes[i].line)
      assert_string_equal (answer.reason.file, "c");
    instance_close (instance);
  }
}

static const struct {
  const char *keys, *error;
} errors[] = {
  { "allow = 10.0.0.1/8", "c:2: [acl x] allow: '10.0.0.1/8': host bits are "
    "set: did you mean 10.0.0.0/8" },
  { "allow = 10.0.0.0/8\n\nallow = foo", "c:4: [acl x] allow: 'foo': not an "
    "address; names are not looked up" },
  { "allow = @o", "there is no set 'o' above this line" },
  { "allow = @o\nset = o 10.0.0.1", "c:2:" },
  { "set = o 10.0.0.1\nallow = @o\nset = o 10.0.0.2", "c:4: [acl x] set: the "
    "set 'o' was used above" },
  { "set = o @o", "contains itself" },
  { "set = 10.0.0.0/8", "no name for a set" },
  { "set = 10", "no name for a set" },
  { "set =", "write NAME ENTRY" },
  { "set = o group:ops", "'group:ops': " },
  { "allow = colour:red", "'colour' is no key of a rule; there are address, "
    "listener" },
  { "allow = uid:nobody-of-this-name", "there is no user" },
  { "allow = gid:none-of-this-name", "there is no group" },
  { "allow = fingerprint:12", "64 hexadecimal digits" },
  { "allow = user:", "a pattern is wanted" },
  { "allow = dn:\"CN=a", "a quote is not closed" },
  { "rule = 10.0.0.0/8", "write allow or deny" },
  { "rule = allow", "a rule without conditions" },
  { "rule = allow read-only", "a rule without conditions" },
  { "rule = deny any read-only", "read-only belongs to allow" },
  { "rule = allow any red", "'red': not an address" },
  { "rule = allow uid:1 uid:1 uid:1 uid:1 uid:1 uid:1 uid:1 uid:1 uid:1 "
    "uid:1 uid:1 uid:1 uid:1 uid:1 uid:1 uid:1 uid:1", "more than 16" },
  { "policy = maybe", "none of deny, allow and pass" },
  { "allow-file = here", "not an absolute path" },
  { "allow-file = /nonexistent/list", "/nonexistent/list: No such file" },
  { "allow = [::1]", "without brackets" },
};

static void
mistakes_are_errors_with_their_place (void **state)
{
  for (size_t i = 0; i < COUNT_OF (errors); i++) {
    struct virgate_error err = { 0 };

    if (section (errors[i].keys, &err) != NULL)
      fail_msg ("no error: %s", errors[i].keys);
    if (strstr (error_message (&err), errors[i].error) == NULL)
      fail_msg ("%s:\n%s, not\n%s", errors[i].keys, error_message (&err),
                errors[i].error);
    error_clear (&err);
  }
}

/* Files ------------------------------------------------------------------ */

static void
write_file (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

  assert_int_equal (write (fd, text, strlen (text)), strlen (text));
  close (fd);
}

static void
files_are_swapped_whole (void **state)
{
  char dir[] = "/tmp/virgate-test-XXXXXX", path[64], keys[200];
  struct virgate_error err = { 0 };
  struct instance *instance;
  struct answer answer;

  assert_non_null (mkdtemp (dir));
  snprintf (path, sizeof path, "%s/list", dir);
  snprintf (keys, sizeof keys, "allow = any\ndeny-file = %s", path);
  write_file (path, "# abusers\n10.0.0.0/8\n");
  instance = section (keys, &err);
  assert_non_null (instance);
  answer = ask_admit (instance, "address=10.1.1.1");
  assert_int_equal (answer.letter, 'D');
  assert_string_equal (answer.reason.text, "deny = 10.0.0.0/8");
  assert_string_equal (answer.reason.file, path);
  assert_int_equal (answer.reason.line, 2);
  write_file (path, "11.0.0.0/8\nnonsense\n");
  assert_int_equal (instance_reload (instance, &err), -1);
  assert_non_null (strstr (error_message (&err), "/list:2: 'nonsense'"));
  assert_int_equal (ask_admit (instance, "address=10.1.1.1").letter, 'D');
  assert_int_equal (ask_admit (instance, "address=11.1.1.1").letter, 'A');
  write_file (path, "11.0.0.0/8\n");
  error_clear (&err);
  assert_int_equal (instance_reload (instance, &err), 0);
  assert_int_equal (ask_admit (instance, "address=10.1.1.1").letter, 'A');
  assert_int_equal (ask_admit (instance, "address=11.1.1.1").letter, 'D');
  unlink (path);
  assert_int_equal (instance_reload (instance, &err), -1);
  assert_int_equal (ask_admit (instance, "address=11.1.1.1").letter, 'D');
  rmdir (dir);
  error_clear (&err);
  instance_close (instance);
}

static void
empty_file_of_an_allow_list_allows_nobody (void **state)
{
  char path[] = "/tmp/virgate-test-XXXXXX", keys[200];
  int fd = mkstemp (path);
  struct instance *instance;

  snprintf (keys, sizeof keys, "allow-file = %s", path);
  instance = section (keys, NULL);
  assert_int_equal (ask_admit (instance, "address=10.1.1.1").letter, 'D');
  instance_close (instance);
  close (fd);
  unlink (path);
}

/* Threads that ask while the list is replaced see an old or a new one. */
struct asker {
  struct instance *instance;
  _Atomic bool is_over;
  _Atomic unsigned asked;
};

static void *
ask_and_ask (void *opaque)
{
  struct asker *asker = opaque;

  while (!atomic_load (&asker->is_over)) {
    if (ask_admit (asker->instance, "address=10.1.1.1").letter != 'D')
      abort ();
    atomic_fetch_add (&asker->asked, 1);
  }
  return NULL;
}

static void
reload_does_not_disturb_who_asks (void **state)
{
  char path[] = "/tmp/virgate-test-XXXXXX", keys[200];
  int fd = mkstemp (path);
  struct asker asker = { .is_over = false };
  pthread_t threads[3];

  write_file (path, "10.0.0.0/8\n12.0.0.0/8\n");
  snprintf (keys, sizeof keys, "deny-file = %s", path);
  asker.instance = section (keys, NULL);
  for (int i = 0; i < 3; i++)
    assert_int_equal (pthread_create (&threads[i], NULL, ask_and_ask,
                                      &asker), 0);
  for (int i = 0; i < 300 || atomic_load (&asker.asked) < 1000; i++)
    assert_int_equal (instance_reload (asker.instance, NULL), 0);
  atomic_store (&asker.is_over, true);
  for (int i = 0; i < 3; i++)
    pthread_join (threads[i], NULL);
  instance_close (asker.instance);
  close (fd);
  unlink (path);
}

/* For whoever reads the log: all of a hook, its reason included. */
static void
speed_is_printed (void **state)
{
  char path[] = "/tmp/virgate-test-XXXXXX", keys[200];
  char word[] = "address=10.1.2.5";
  FILE *file = fdopen (mkstemp (path), "w");
  struct virgate_peer peer = { 0 };
  struct virgate_acl_reason reason;
  const struct virgate_acl_ops *ops;
  struct instance *instance;
  int64_t began;

  for (int i = 0; i < 100000; i++)
    fprintf (file, "10.%d.%d.%d/31\n", i >> 14 & 255, i >> 6 & 255,
             i << 2 & 255);
  fclose (file);
  snprintf (keys, sizeof keys, "deny-file = %s", path);
  instance = section (keys, NULL);
  ops = instance->module->ops;
  state_word (&peer, NULL, word);
  began = now_ns ();
  for (int i = 0; i < 100000; i++)
    if (ops->admit (instance->inst, &peer, &reason) != VIRGATE_ACL_DENY)
      fail ();
  print_message ("100000 entries: %.0f ns for admit\n",
                 (now_ns () - began) / 1e5);
  peer_free (&peer);
  instance_close (instance);
  unlink (path);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (keys_mean_what_the_manual_says),
    cmocka_unit_test (rules_are_quoted_with_their_place),
    cmocka_unit_test (mistakes_are_errors_with_their_place),
    cmocka_unit_test (files_are_swapped_whole),
    cmocka_unit_test (empty_file_of_an_allow_list_allows_nobody),
    cmocka_unit_test (reload_does_not_disturb_who_asks),
    cmocka_unit_test (speed_is_printed),
  };

  return cmocka_run_group_tests (tests, load, unload);
}
