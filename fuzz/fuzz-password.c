/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names and passwords: the password file, libvirt's auth.conf, and what peers
 * say in SCRAM and PLAIN, to a server and to a client.  The first byte chooses.
 */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <virgate/transport.h>

#include "common/mem.h"
#include "core/authfile.h"
#include "core/error.h"
#include "core/peer.h"
#include "fuzz.h"
#include "plugins/auth-password/password.h"

/* RFC 7677's user, whose password is "pencil". */
#define USERS "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==" \
              "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
              "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=:g\n"

static struct virgate_auth_context context = {
  .size = sizeof context, .caps = VIRGATE_CAP_LOCAL, .hostname = "h",
};

/* Two in the place of GnuTLS's: the time is spent on other things. */
int
gnutls_pbkdf2 (gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
               const gnutls_datum_t *salt, unsigned iterations, void *output,
               size_t length)
{
  memset (output, (int) iterations, length);
  return 0;
}

/* Nonces that inputs can have in them. */
int
gnutls_rnd (gnutls_rnd_level_t level, void *data, size_t len)
{
  memset (data, 0, len);
  return 0;
}

/* The module's host -------------------------------------------------------- */

static bool has_reason;

static int
host_error (const struct virgate_host *host, const char *fmt, ...)
{
  has_reason = true;
  return -1;
}

static int
host_error_code (const struct virgate_host *host, int32_t code,
                 int32_t domain, const char *fmt, ...)
{
  has_reason = true;
  return -1;
}

static int
host_credential (const struct virgate_host *host, uint32_t kind,
                 const char *prompt, const char *challenge, char **secret)
{
  *secret = strdup (kind == VIRGATE_CRED_PASSWORD ? "pencil" : "user");
  return 0;
}

static struct virgate_host host = {
  .size = sizeof host, .error = host_error, .error_code = host_error_code,
  .identity_name = identity_name, .identity_group = identity_group,
  .credential = host_credential, .secret_free = (void (*) (char *)) free,
};

/* An instance for each role, kept for all inputs. */
static void *
instance_of (uint32_t role)
{
  static void *server, *client;
  void **inst = role == VIRGATE_ROLE_SERVER ? &server : &client;
  char path[] = "/tmp/virgate-fuzz-XXXXXX";
  int fd;

  if (*inst)
    return *inst;
  fd = mkstemp (path);
  host.role = role;
  if (fd == -1 || write (fd, USERS, strlen (USERS)) == -1
      || virgate_module.open (&host, inst) == -1
      || virgate_module.config (*inst, "file", path) == -1
      || virgate_module.ready (*inst) == -1)
    abort ();
  close (fd);
  unlink (path);
  return *inst;
}

/* What is tried ------------------------------------------------------------ */

static void
try_file (struct fuzz_input *in)
{
  size_t len = in->len;
  char *text = fuzz_block (in, &len), why[200] = "";
  struct users *users = users_parse (text, len, "f", why, sizeof why);
  struct user user;

  if (users)
    users_find (users, "user", &user);
  else if (why[0] == '\0')
    abort ();
  users_unref (users);
  free (text);
}

static void
try_authfile (struct fuzz_input *in)
{
  size_t len = in->len;
  char *text = fuzz_block (in, &len), *value = NULL;
  struct virgate_error err = { 0 };
  int result = authfile_lookup_text (text, len, "f", "libvirt", "h",
                                     "password", &value, &err);

  if ((result == 1) != (value != NULL) || (result == -1 && !err.message))
    abort ();
  free (value);
  error_clear (&err);
  free (text);
}

/* A message of the peer: none, or as long as its first byte says and a bit. */
static void *
take_message (struct fuzz_input *in, struct virgate_auth_data *data)
{
  size_t len = fuzz_byte (in);
  void *block = NULL;

  *data = (struct virgate_auth_data) { NULL, 0 };
  if (len == 255)
    return NULL;
  if (len > 200)
    len = (len - 200) * 100;
  block = fuzz_block (in, &len);
  *data = (struct virgate_auth_data) { block, len };
  return block;
}

/* Is this how it has to go on?  PLAIN alone can be guessed. */
static bool
goes_on (int result, bool may_succeed)
{
  if (result == VIRGATE_AUTH_YES && !may_succeed)
    abort ();
  if (result != VIRGATE_AUTH_YES && result != VIRGATE_AUTH_MORE && !has_reason)
    abort ();
  return result == VIRGATE_AUTH_MORE;
}

static void
try_server (struct fuzz_input *in, const char *mech)
{
  const struct virgate_auth_ops *ops = virgate_module.ops;
  void *inst = instance_of (VIRGATE_ROLE_SERVER), *conv = NULL;
  struct virgate_identity who = { 0 };
  struct virgate_auth_data data, out = { NULL, 0 };
  void *block = take_message (in, &data);
  bool may_succeed = strcmp (mech, "PLAIN") == 0;
  int result;

  has_reason = false;
  result = ops->start (inst, &context, mech, &data, &out, &conv, &who);
  free (block);
  for (int i = 0; i < 4 && goes_on (result, may_succeed); i++) {
    block = take_message (in, &data);
    result = ops->step (conv, &data, &out, &who);
    free (block);
  }
  if (conv)
    ops->conv_free (conv);
  identity_free (&who);
}

static void
try_client (struct fuzz_input *in, const char *mech)
{
  const struct virgate_auth_ops *ops = virgate_module.ops;
  void *inst = instance_of (VIRGATE_ROLE_CLIENT), *conv = NULL;
  struct virgate_auth_data data, out = { NULL, 0 };
  const char *chosen;
  int result;

  has_reason = false;
  result = ops->client_start (inst, &context, mech, NULL, &chosen, &out,
                              &conv);
  for (int i = 0; i < 4 && goes_on (result, true); i++) {
    void *block = take_message (in, &data);

    result = ops->client_step (conv, &data, &out);
    free (block);
  }
  if (conv)
    ops->conv_free (conv);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  struct fuzz_input in = { data, len };

  switch (fuzz_byte (&in) % 6) {
  case 0:
    try_file (&in);
    break;
  case 1:
    try_authfile (&in);
    break;
  case 2:
    try_server (&in, "SCRAM-SHA-256");
    break;
  case 3:
    try_server (&in, "PLAIN");
    break;
  case 4:
    try_client (&in, "SCRAM-SHA-256");
    break;
  case 5:
    try_client (&in, "PLAIN");
    break;
  }
  return 0;
}
