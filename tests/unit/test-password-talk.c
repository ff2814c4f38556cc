/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-password's conversations, message by message: RFC 7677's example on
 * both sides, what hostile peers send, and that a user who is not there costs
 * the same work as one who is.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <virgate/transport.h>

#include "common/mem.h"
#include "core/peer.h"
#include "plugins/auth-password/password.h"
#include "unit.h"

/* RFC 7677, section 3: user "user", password "pencil". */
#define CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define NONCE CLIENT_NONCE SERVER_NONCE
#define FIRST "n,,n=user,r=" CLIENT_NONCE
#define CHALLENGE "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define FINAL "c=biws,r=" NONCE ",p=" PROOF
#define SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

#define VERIFIER "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==" \
                 "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
                 "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static const struct virgate_auth_ops *ops;

/* The linker puts these in front of what they are named for. */
static const char *nonce;
static unsigned hashes, rounds;

int
__wrap_scram_nonce (char *to)
{
  strcpy (to, nonce);
  return 0;
}

int __real_gnutls_pbkdf2 (gnutls_mac_algorithm_t mac,
                          const gnutls_datum_t *key,
                          const gnutls_datum_t *salt, unsigned iterations,
                          void *output, size_t length);
int
__wrap_gnutls_pbkdf2 (gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
                      const gnutls_datum_t *salt, unsigned iterations,
                      void *output, size_t length)
{
  rounds += iterations;
  return __real_gnutls_pbkdf2 (mac, key, salt, iterations, output, length);
}

int __real_gnutls_hmac_fast (gnutls_mac_algorithm_t mac, const void *key,
                             size_t key_len, const void *text, size_t len,
                             void *digest);
int
__wrap_gnutls_hmac_fast (gnutls_mac_algorithm_t mac, const void *key,
                         size_t key_len, const void *text, size_t len,
                         void *digest)
{
  hashes++;
  return __real_gnutls_hmac_fast (mac, key, key_len, text, len, digest);
}

/* A host ------------------------------------------------------------------- */

static char said[600];
static const char *credentials[8];

static int
host_error (const struct virgate_host *host, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  vsnprintf (said, sizeof said, fmt, args);
  va_end (args);
  return -1;
}

static int
host_error_code (const struct virgate_host *host, int32_t code,
                 int32_t domain, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  vsnprintf (said, sizeof said, fmt, args);
  va_end (args);
  return -1;
}

static int
host_credential (const struct virgate_host *host, uint32_t kind,
                 const char *prompt, const char *challenge, char **secret)
{
  if (credentials[kind] == NULL)
    return 1;
  *secret = strdup (credentials[kind]);
  return 0;
}

static struct virgate_host host = {
  .size = sizeof host, .role = VIRGATE_ROLE_SERVER, .error = host_error,
  .error_code = host_error_code, .identity_name = identity_name,
  .identity_group = identity_group, .credential = host_credential,
  .secret_free = (void (*) (char *)) free,
};

static struct virgate_auth_context context = {
  .size = sizeof context, .caps = VIRGATE_CAP_LOCAL, .hostname = "h",
};

static struct password *
instance_of (uint32_t role, const char *users)
{
  char path[] = "/tmp/virgate-users-XXXXXX";
  int fd = mkstemp (path);
  void *inst = NULL;

  host.role = role;
  assert_int_equal (write (fd, users, strlen (users)), strlen (users));
  assert_int_equal (virgate_module.open (&host, &inst), 0);
  assert_int_equal (virgate_module.config (inst, "file", path), 0);
  assert_int_equal (virgate_module.ready (inst), 0);
  close (fd);
  unlink (path);
  return inst;
}

static int
setup (void **state)
{
  ops = virgate_module.ops;
  *state = instance_of (VIRGATE_ROLE_SERVER, "user:" VERIFIER ":staff,x\n"
                        "a,b=c:" VERIFIER "\n*:" VERIFIER "\n");
  nonce = SERVER_NONCE;
  return 0;
}

static int
teardown (void **state)
{
  virgate_module.close (*state);
  return 0;
}

/* A server's conversation; messages are strings, NULL is none. */
struct talking {
  void *conv;
  struct virgate_auth_data out;
  struct virgate_identity who;
};

static int
say (struct talking *t, void *inst, const char *mech, const char *text,
     size_t len)
{
  const struct virgate_auth_data in = { text, text ? len : 0 };

  said[0] = '\0';
  t->out = (struct virgate_auth_data) { NULL, 0 };
  if (mech)
    return ops->start (inst, &context, mech, &in, &t->out, &t->conv, &t->who);
  return ops->step (t->conv, &in, &t->out, &t->who);
}

static void
end (struct talking *t)
{
  if (t->conv)
    ops->conv_free (t->conv);
  identity_free (&t->who);
}

static void
assert_data (const struct virgate_auth_data *data, const char *text)
{
  assert_int_equal (data->len, strlen (text));
  assert_memory_equal (data->data, text, data->len);
}

/* SCRAM, the server -------------------------------------------------------- */

static void
server_does_as_the_standard (void **state)
{
  struct talking t = { NULL };

  assert_int_equal (say (&t, *state, "SCRAM-SHA-256", FIRST, strlen (FIRST)),
                    VIRGATE_AUTH_MORE);
  assert_data (&t.out, CHALLENGE);
  assert_int_equal (say (&t, NULL, NULL, FINAL, strlen (FINAL)),
                    VIRGATE_AUTH_YES);
  assert_data (&t.out, "v=" SIGNATURE);
  assert_string_equal (identity_get_name (&t.who), "user");
  assert_string_equal (identity_get_group (&t.who, 0), "staff");
  assert_string_equal (identity_get_group (&t.who, 1), "x");
  end (&t);
}

/* With the mechanism's name came nothing: an empty challenge, then as ever. */
static void
first_message_may_come_late (void **state)
{
  struct talking t = { NULL };

  assert_int_equal (say (&t, *state, "SCRAM-SHA-256", NULL, 0),
                    VIRGATE_AUTH_MORE);
  assert_data (&t.out, "");
  assert_int_equal (say (&t, NULL, NULL, FIRST, strlen (FIRST)),
                    VIRGATE_AUTH_MORE);
  assert_int_equal (say (&t, NULL, NULL, FINAL, strlen (FINAL)),
                    VIRGATE_AUTH_YES);
  end (&t);
}

static void
first_messages_are_judged (void **state)
{
  static const struct {
    const char *text, *why;     /* NULL: is answered with a challenge */
  } rows[] = {
    { "n,,n=user,r=x", NULL },
    { "y,,n=user,r=x", NULL },
    { "n,a=user,n=user,r=x", NULL },
    { "n,,n=nobody,r=x", NULL },
    { "n,,n=a=2Cb=3Dc,r=x", NULL },
    { "n,,n=user,r=x,q=later,z=", NULL },
    { "", "not SCRAM's" }, { "n", "not SCRAM's" }, { "n,", "not SCRAM's" },
    { "x,,n=user,r=x", "not SCRAM's" },
    { "nn,,n=user,r=x", "not SCRAM's" },
    { "n;,n=user,r=x", "not SCRAM's" },
    { "n,b=user,n=user,r=x", "not SCRAM's" },
    { "n,a=user", "not SCRAM's" },
    { "p=tls-unique,,n=user,r=x", "channel binding" },
    { "n,a=root,n=user,r=x", "somebody else" },
    { "n,a=,n=user,r=x", NULL },
    { "n,a=u=XXser,n=user,r=x", "somebody else" },
    { "n,,", "malformed" },
    { "n,,m=ext,n=user,r=x", "extension" },
    { "n,,r=x,n=user", "malformed" },
    { "n,,n=user", "malformed" }, { "n,,n=user,", "malformed" },
    { "n,,n=user,r=", "malformed" }, { "n,,n=user,r=x,", "malformed" },
    { "n,,n=user,r=\x7f", "malformed" }, { "n,,n=user,r=\xc3\xbc", "malformed" },
    { "n,,n=user,r=a b", "malformed" }, { "n,,n=user,r=x,1=y", "malformed" },
    { "n,,n=user,r=x,q", "malformed" }, { "n,,n=user,n=user,r=x", "malformed" },
    { "n,,n=,r=x", "name is empty" }, { "n,,n=us=er,r=x", "name is empty" },
    { "n,,n=user=,r=x", "name is empty" }, { "n,,n=user=2,r=x", "name is" },
    { "n,,n=user=2c,r=x", "name is empty" }, { "n,,n=\xff,r=x", "name is" },
    { "n,,n=a\nb,r=x", "name is empty" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct talking t = { NULL };
    int result = say (&t, *state, "SCRAM-SHA-256", rows[i].text,
                      strlen (rows[i].text));

    assert_int_equal (result, rows[i].why ? VIRGATE_AUTH_NO
                                          : VIRGATE_AUTH_MORE);
    if (rows[i].why)
      assert_non_null (strstr (said, rows[i].why));
    end (&t);
  }
}

static void
first_messages_are_bounded (void **state)
{
  struct talking t = { NULL };
  char text[8192] = "n,,n=user,r=", nul[] = "n,,n=us\0er,r=x";
  size_t len = strlen (text);

  memset (text + len, 'x', sizeof text - len);
  assert_int_equal (say (&t, *state, "SCRAM-SHA-256", text, sizeof text),
                    VIRGATE_AUTH_NO);
  end (&t);
  t = (struct talking) { NULL };
  assert_int_equal (say (&t, *state, "SCRAM-SHA-256", text,
                         len + SCRAM_NONCE_MAX + 1), VIRGATE_AUTH_NO);
  end (&t);
  t = (struct talking) { NULL };
  assert_int_equal (say (&t, *state, "SCRAM-SHA-256", text,
                         len + SCRAM_NONCE_MAX), VIRGATE_AUTH_MORE);
  end (&t);
  t = (struct talking) { NULL };
  assert_int_equal (say (&t, *state, "SCRAM-SHA-256", nul, sizeof nul - 1),
                    VIRGATE_AUTH_NO);
  end (&t);
}

static void
final_messages_are_judged (void **state)
{
  static const struct {
    const char *text, *why;     /* NULL: is let in */
  } rows[] = {
    { FINAL, NULL },
    { "", "malformed" }, { "p=" PROOF, "malformed" },
    { "c=biws,r=" NONCE, "malformed" },
    { "c=biws,r=" NONCE ",p=" PROOF ",x=y", "malformed" },
    { "c=biws,r=" NONCE ",p=" PROOF ",", "malformed" },
    { "r=" NONCE ",c=biws,p=" PROOF, "malformed" },
    { "c=biws,r=" NONCE ",7=x,p=" PROOF, "malformed" },
    { "c=eSws,r=" NONCE ",p=" PROOF, "wrong password" },
    { "c=,r=" NONCE ",p=" PROOF, "wrong password" },
    { "c=biws,r=" CLIENT_NONCE ",p=" PROOF, "wrong password" },
    { "c=biws,r=" NONCE "x,p=" PROOF, "wrong password" },
    { "c=biws,r=" NONCE ",p=", "wrong password" },
    { "c=biws,r=" NONCE ",p=AAAA", "wrong password" },
    { "c=biws,r=" NONCE ",p=*" PROOF, "wrong password" },
    { "c=biws,r=" NONCE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      "wrong password" },
    /* What would be right without the extension is not with it. */
    { "c=biws,r=" NONCE ",q=x,p=" PROOF, "wrong password" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct talking t = { NULL };

    assert_int_equal (say (&t, *state, "SCRAM-SHA-256", FIRST,
                           strlen (FIRST)), VIRGATE_AUTH_MORE);
    hashes = rounds = 0;
    assert_int_equal (say (&t, NULL, NULL, rows[i].text,
                           strlen (rows[i].text)),
                      rows[i].why ? VIRGATE_AUTH_NO : VIRGATE_AUTH_YES);
    assert_int_equal (hashes, 2);
    assert_int_equal (rounds, 0);
    if (rows[i].why) {
      assert_non_null (strstr (said, rows[i].why));
      assert_null (t.out.data);
      assert_null (identity_get_name (&t.who));
    }
    end (&t);
  }
}

/* Nobody gets the same messages for the same work, and is never let in. */
static void
nobody_is_not_told_apart (void **state)
{
  static const char first[] = "n,,n=nobody,r=" CLIENT_NONCE;
  struct talking t = { NULL }, u = { NULL };
  unsigned before;
  char again[200];

  hashes = 0;
  assert_int_equal (say (&u, *state, "SCRAM-SHA-256", FIRST, strlen (FIRST)),
                    VIRGATE_AUTH_MORE);
  before = hashes;
  hashes = 0;
  assert_int_equal (say (&t, *state, "SCRAM-SHA-256", first, strlen (first)),
                    VIRGATE_AUTH_MORE);
  assert_int_equal (hashes, before);
  assert_int_equal (t.out.len, u.out.len);
  assert_non_null (memmem (t.out.data, t.out.len, ",i=4096", 7));
  snprintf (again, sizeof again, "%.*s", (int) t.out.len,
            (const char *) t.out.data);
  hashes = 0;
  assert_int_equal (say (&t, NULL, NULL, FINAL, strlen (FINAL)),
                    VIRGATE_AUTH_NO);
  assert_int_equal (hashes, 2);
  assert_string_equal (said, "there is no user 'nobody'");
  end (&t);
  end (&u);
  t = (struct talking) { NULL };
  say (&t, *state, "SCRAM-SHA-256", first, strlen (first));
  assert_data (&t.out, again);
  end (&t);
}

/* PLAIN -------------------------------------------------------------------- */

static void
plain_messages_are_judged (void **state)
{
  static const struct {
    const char *text;
    size_t len;
    const char *why;            /* NULL: is let in */
    unsigned work;              /* iterations */
  } rows[] = {
#define ROW(text, why, work) { text, sizeof text - 1, why, work }
    ROW ("\0user\0pencil", NULL, 4096),
    ROW ("user\0user\0pencil", NULL, 4096),
    ROW ("\0a,b=c\0pencil", NULL, 4096),
    ROW ("\0user\0wrong", "wrong password for user 'user'", 4096),
    ROW ("\0user\0", "wrong password", 4096),
    ROW ("\0user\0pencil ", "wrong password", 4096),
    ROW ("\0user\0\xff", "wrong password", 4096),
    ROW ("\0nobody\0pencil", "no user 'nobody'", 4096),
    ROW ("\0*\0pencil", "no user '*'", 4096),
    ROW ("\0\0pencil", "no user ''", 4096),
    ROW ("\0a\nb\0pencil", "no user ''", 4096),
    ROW ("root\0user\0pencil", "somebody else", 0),
    ROW ("", "three parts", 0), ROW ("user", "three parts", 0),
    ROW ("\0user", "three parts", 0), ROW ("\0\0user\0pencil", "three parts", 0),
    ROW ("\0user\0pencil\0", "three parts", 0),
#undef ROW
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct talking t = { NULL };

    rounds = 0;
    assert_int_equal (say (&t, *state, "PLAIN", rows[i].text, rows[i].len),
                      rows[i].why ? VIRGATE_AUTH_NO : VIRGATE_AUTH_YES);
    assert_int_equal (rounds, rows[i].work);
    if (rows[i].why)
      assert_non_null (strstr (said, rows[i].why));
    else
      assert_non_null (identity_get_name (&t.who));
    end (&t);
  }
}

static void
plain_is_bounded (void **state)
{
  struct talking t = { NULL };
  char text[3000] = "\0user";

  memset (text + 6, 'x', sizeof text - 6);
  assert_int_equal (say (&t, *state, "PLAIN", text, 6 + PASSWORD_MAX + 1),
                    VIRGATE_AUTH_NO);
  end (&t);
  t = (struct talking) { NULL };
  rounds = 0;
  assert_int_equal (say (&t, *state, "PLAIN", text, sizeof text),
                    VIRGATE_AUTH_NO);
  assert_int_equal (rounds, 0);
  assert_non_null (strstr (said, "too long"));
  end (&t);
}

static void
plain_is_for_private_places (void **state)
{
  struct talking t = { NULL };

  assert_string_equal (ops->mechanisms (*state, &context),
                       "SCRAM-SHA-256,PLAIN");
  context.caps = 0;
  assert_string_equal (ops->mechanisms (*state, &context), "SCRAM-SHA-256");
  assert_int_equal (say (&t, *state, "PLAIN", "\0user\0pencil", 12),
                    VIRGATE_AUTH_NO);
  assert_int_equal (say (&t, *state, "GSSAPI", "", 0), VIRGATE_AUTH_NO);
  context.caps = VIRGATE_CAP_ENCRYPTED;
  assert_string_equal (ops->mechanisms (*state, &context),
                       "SCRAM-SHA-256,PLAIN");
  context.caps = VIRGATE_CAP_LOCAL;
  end (&t);
}

/* The client --------------------------------------------------------------- */

struct client {
  struct password *p;
  void *conv;
  const char *mech;
  struct virgate_auth_data out;
};

static int
client_begin (struct client *c, const char *offered, const char *wanted)
{
  c->p = instance_of (VIRGATE_ROLE_CLIENT, "");
  said[0] = '\0';
  nonce = CLIENT_NONCE;
  credentials[VIRGATE_CRED_AUTHNAME] = "user";
  credentials[VIRGATE_CRED_PASSWORD] = "pencil";
  return ops->client_start (c->p, &context, offered, wanted, &c->mech,
                            &c->out, &c->conv);
}

static int
client_say (struct client *c, const char *text)
{
  const struct virgate_auth_data in = { text, text ? strlen (text) : 0 };

  c->out = (struct virgate_auth_data) { NULL, 0 };
  return ops->client_step (c->conv, &in, &c->out);
}

static void
client_end (struct client *c)
{
  if (c->conv)
    ops->conv_free (c->conv);
  virgate_module.close (c->p);
  nonce = SERVER_NONCE;
}

static void
client_does_as_the_standard (void **state)
{
  struct client c = { NULL };

  assert_int_equal (client_begin (&c, "PLAIN,SCRAM-SHA-256", NULL),
                    VIRGATE_AUTH_MORE);
  assert_string_equal (c.mech, "SCRAM-SHA-256");
  assert_data (&c.out, FIRST);
  assert_int_equal (client_say (&c, CHALLENGE), VIRGATE_AUTH_MORE);
  assert_data (&c.out, FINAL);
  assert_int_equal (client_say (&c, "v=" SIGNATURE), VIRGATE_AUTH_YES);
  assert_int_equal (client_say (&c, NULL), VIRGATE_AUTH_ERROR);
  client_end (&c);
}

static void
client_judges_challenges (void **state)
{
  static const struct {
    const char *text, *why;     /* NULL: is answered */
  } rows[] = {
    { CHALLENGE, NULL }, { CHALLENGE ",x=y", NULL },
    { NULL, "not one that is understood" },
    { "", "not one that is understood" },
    { "m=x," CHALLENGE, "not one that is understood" },
    { "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==", "not one" },
    { "r=" NONCE ",i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ==", "not one" },
    { "r=" CLIENT_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "not for us" },
    { "r=x" SERVER_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "not for us" },
    { "r=" NONCE " ,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "not for us" },
    { "r=" NONCE ",s=,i=4096", "salt" }, { "r=" NONCE ",s=x,i=4096", "salt" },
    { "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095", "4095 iterations" },
    { "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1", "1 iterations" },
    { "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=", "iterations" },
    { "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=04096", "iterations" },
    { "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=+4096", "iterations" },
    { "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=999999999", "iterations" },
    { "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999999999999999",
      "iterations" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct client c = { NULL };

    client_begin (&c, "SCRAM-SHA-256", NULL);
    assert_int_equal (client_say (&c, rows[i].text), rows[i].why
                      ? VIRGATE_AUTH_ERROR : VIRGATE_AUTH_MORE);
    if (rows[i].why)
      assert_non_null (strstr (said, rows[i].why));
    client_end (&c);
  }
}

static void
client_judges_signatures (void **state)
{
  static const struct {
    const char *text, *why;
  } rows[] = {
    { NULL, "does not know the password" },
    { "", "does not know the password" },
    { "v=", "does not know" }, { "v=AAAA", "does not know" },
    { "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "does not know" },
    { "x=y,v=" SIGNATURE, "does not know" },
    { "v=" SIGNATURE ",", "does not know" },
    { "e=invalid-proof", "says 'invalid-proof'" },
    { "e=\x1b[31m", "says '?[31m'" },
    { CHALLENGE, "does not know" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct client c = { NULL };

    client_begin (&c, "SCRAM-SHA-256", NULL);
    client_say (&c, CHALLENGE);
    assert_int_equal (client_say (&c, rows[i].text), VIRGATE_AUTH_ERROR);
    assert_non_null (strstr (said, rows[i].why));
    client_end (&c);
  }
}

static void
client_chooses (void **state)
{
  static const struct {
    const char *offered, *wanted;
    uint32_t caps;
    const char *mech;           /* NULL: passes */
  } rows[] = {
    { "SCRAM-SHA-256,PLAIN", NULL, 0, "SCRAM-SHA-256" },
    { "PLAIN", NULL, VIRGATE_CAP_ENCRYPTED, "PLAIN" },
    { "PLAIN", NULL, 0, NULL },
    { "SCRAM-SHA-256,PLAIN", "PLAIN", VIRGATE_CAP_LOCAL, "PLAIN" },
    { "SCRAM-SHA-256,PLAIN", "PLAIN", 0, NULL },
    { "SCRAM-SHA-256-PLUS,SCRAM-SHA-1", NULL, VIRGATE_CAP_LOCAL, NULL },
    { "GSSAPI", NULL, VIRGATE_CAP_LOCAL, NULL },
    { "", NULL, VIRGATE_CAP_LOCAL, NULL },
    { "SCRAM-SHA-256", "GSSAPI", VIRGATE_CAP_LOCAL, NULL },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct client c = { NULL };

    context.caps = rows[i].caps;
    assert_int_equal (client_begin (&c, rows[i].offered, rows[i].wanted),
                      rows[i].mech ? VIRGATE_AUTH_MORE : VIRGATE_AUTH_PASS);
    if (rows[i].mech)
      assert_string_equal (c.mech, rows[i].mech);
    else
      assert_int_not_equal (said[0], '\0');
    client_end (&c);
  }
  context.caps = VIRGATE_CAP_LOCAL;
}

static void
client_speaks_plain (void **state)
{
  struct client c = { NULL };

  assert_int_equal (client_begin (&c, "PLAIN", NULL), VIRGATE_AUTH_MORE);
  assert_int_equal (c.out.len, 12);
  assert_memory_equal (c.out.data, "\0user\0pencil", 12);
  assert_int_equal (client_say (&c, "more"), VIRGATE_AUTH_ERROR);
  assert_int_equal (client_say (&c, NULL), VIRGATE_AUTH_YES);
  client_end (&c);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (server_does_as_the_standard),
    cmocka_unit_test (first_message_may_come_late),
    cmocka_unit_test (first_messages_are_judged),
    cmocka_unit_test (first_messages_are_bounded),
    cmocka_unit_test (final_messages_are_judged),
    cmocka_unit_test (nobody_is_not_told_apart),
    cmocka_unit_test (plain_messages_are_judged),
    cmocka_unit_test (plain_is_bounded),
    cmocka_unit_test (plain_is_for_private_places),
    cmocka_unit_test (client_does_as_the_standard),
    cmocka_unit_test (client_judges_challenges),
    cmocka_unit_test (client_judges_signatures),
    cmocka_unit_test (client_chooses),
    cmocka_unit_test (client_speaks_plain),
  };

  return cmocka_run_group_tests (tests, setup, teardown);
}
