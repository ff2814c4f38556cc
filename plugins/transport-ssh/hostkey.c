/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Is the host the one that the user knows?  Its key against files of known
 * hosts, and what is done about a host that is in none of them.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "known.h"
#include "link.h"

#define KEY_MAX 8192            /* of a host's key */
#define FINGERPRINT_MAX (sizeof "SHA256:" + BASE64_LEN (32))

/* Hashed names are libssh2's to compare; the key does not matter. */
static bool
is_hash_of (void *opaque, const char *field, size_t len, const char *name)
{
  const struct link *link = opaque;
  LIBSSH2_KNOWNHOSTS *hosts = libssh2_knownhost_init (link->session);
  static const char key[] = "AAAAC3NzaC1lZDI1NTE5AAAAIA==";
  CLEANUP_FREE char *line = NULL;
  int n, result = LIBSSH2_KNOWNHOST_CHECK_NOTFOUND;

  if (hosts == NULL)
    return false;
  n = asprintf (&line, "%.*s ssh-ed25519 %s", (int) len, field, key);
  if (n == -1)
    line = NULL;
  else if (libssh2_knownhost_readline (hosts, line, n,
                                       LIBSSH2_KNOWNHOST_FILE_OPENSSH) == 0)
    result = libssh2_knownhost_checkp (
      hosts, name, -1, key, strlen (key), LIBSSH2_KNOWNHOST_TYPE_PLAIN
      | LIBSSH2_KNOWNHOST_KEYENC_BASE64, NULL);
  libssh2_knownhost_free (hosts);
  return result == LIBSSH2_KNOWNHOST_CHECK_MATCH
         || result == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

void
hostkey_warm_up (struct login *login)
{
  static const char field[] = "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|"
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";

  is_hash_of (login->link, field, sizeof field - 1, "host");
}

static int
look (struct login *login, const char *name, const char *type,
      const char *key, struct known_found *found)
{
  const struct known_query query = {
    name, type, key, is_hash_of, login->link,
  };
  const struct hop *hop = login->hop;

  for (int i = 0; i < hop->known_count; i++)
    if (known_look_file (found, &query, hop->known[i]) == -1)
      return login_fail (login, "cannot read the known hosts in %s: %s",
                         hop->known[i], strerror (errno));
  return 0;
}

/* Before the exchange ------------------------------------------------------ */

/* Kinds that are known go first: a host that has several keys shows the one
 * that can be checked.
 */
int
hostkey_prefer (struct login *login)
{
  struct known_found found = { .types = 0 };
  char wanted[300] = "", *to = wanted;

  if (login->hop->verify == VERIFY_IGNORE)
    return 0;
  if (look (login, login->hop->key_name, NULL, NULL, &found) == -1
      || (found.types == 0 && login->hop->bare_name
          && look (login, login->hop->bare_name, NULL, NULL, &found) == -1))
    return -1;
  if (found.types == 0)
    return 0;
  for (int round = 1; round >= 0; round--)
    for (int i = 0; i < KNOWN_TYPES; i++)
      if ((int) (found.types >> i & 1) == round) {
        if (i == KNOWN_RSA && libssh2_version (RSA_SHA2_VERSION))
          to = stpcpy (to, ",rsa-sha2-512,rsa-sha2-256" + (to == wanted));
        to = stpcpy (stpcpy (to, to > wanted ? "," : ""), known_type_name[i]);
      }
  libssh2_session_method_pref (login->link->session, LIBSSH2_METHOD_HOSTKEY,
                               wanted);
  return 0;
}

/* After it ----------------------------------------------------------------- */

/* The host's key as files and people have it. */
struct shown {
  const char *type;
  char key[BASE64_LEN (KEY_MAX)];
  char fingerprint[FINGERPRINT_MAX];
};

static const char *
type_of (int type)
{
  static const struct {
    int type;
    enum known_type known;
  } table[] = {
    { LIBSSH2_HOSTKEY_TYPE_RSA, KNOWN_RSA },
    { LIBSSH2_HOSTKEY_TYPE_DSS, KNOWN_DSA },
    { LIBSSH2_HOSTKEY_TYPE_ECDSA_256, KNOWN_ECDSA_256 },
    { LIBSSH2_HOSTKEY_TYPE_ECDSA_384, KNOWN_ECDSA_384 },
    { LIBSSH2_HOSTKEY_TYPE_ECDSA_521, KNOWN_ECDSA_521 },
    { LIBSSH2_HOSTKEY_TYPE_ED25519, KNOWN_ED25519 },
  };

  for (size_t i = 0; i < COUNT_OF (table); i++)
    if (table[i].type == type)
      return known_type_name[table[i].known];
  return "unknown";
}

static int
show (struct login *login, struct shown *shown)
{
  LIBSSH2_SESSION *session = login->link->session;
  size_t len = 0;
  int type = 0;
  const char *key = libssh2_session_hostkey (session, &len, &type);
  const char *hash = libssh2_hostkey_hash (session,
                                           LIBSSH2_HOSTKEY_HASH_SHA256);

  if (key == NULL || hash == NULL || len > KEY_MAX)
    return login_fail (login, "the host shows no key that can be checked");
  shown->type = type_of (type);
  base64_encode (key, len, shown->key, true);
  base64_encode (hash, 32, stpcpy (shown->fingerprint, "SHA256:"), false);
  return 0;
}

static int
refuse_changed (struct login *login, const struct shown *shown,
                const struct known_found *found)
{
  return login_fail (login, "THE HOST'S KEY CHANGED: it shows %s %s, and %s "
                     "has another one: somebody may be in between.  If the "
                     "host was made anew, run ssh-keygen -R '%s'",
                     shown->type, shown->fingerprint, found->same_type,
                     login->hop->key_name);
}

static int
refuse_unknown (struct login *login, const struct shown *shown,
                const char *but)
{
  return login_fail (login, "the host's key %s %s is not known%s; check it, "
                     "and connect once with ssh, or add "
                     "known_hosts_verify=auto", shown->type,
                     shown->fingerprint, but);
}

/* Remember it, as was agreed. */
static int
remember (struct login *login, const struct shown *shown)
{
  const struct hop *hop = login->hop;
  const struct ssh *ssh = login->request->ssh;

  if (hop->known_count == 0)
    return 0;
  if (known_add (hop->known[0], hop->key_name, shown->type, shown->key) == -1)
    ssh->host->log (ssh->host, VIRGATE_LOG_WARNING, "cannot add the key of %s "
                    "to %s: %s", hop->key_name, hop->known[0],
                    strerror (errno));
  return 0;
}

static bool
is_yes_word (const char *answer)
{
  return strcasecmp (answer, "yes") == 0 || strcasecmp (answer, "y") == 0;
}

static int
ask (struct login *login, const struct shown *shown, const char *but)
{
  const struct virgate_host *host = login->request->ssh->host;
  char prompt[700], *answer = NULL;
  bool agreed = false;

  snprintf (prompt, sizeof prompt, "The host %.260s is not known%s.  Its key "
            "is %s %s.  Connect, and remember it (yes/no)? ",
            login->hop->key_name, but, shown->type, shown->fingerprint);
  if (login->hop->never_asks || !VIRGATE_HOST_HAS (host, credential)
      || host->credential (host, VIRGATE_CRED_CONFIRM, prompt,
                           shown->fingerprint, &answer) != 0)
    return refuse_unknown (login, shown, but);
  if (answer) {
    agreed = is_yes_word (answer);
    host->secret_free (answer);
  }
  if (!agreed)
    return login_fail (login, "the host's key %s %s was not agreed to",
                       shown->type, shown->fingerprint);
  return remember (login, shown);
}

/* What is odd about a host that is not known. */
static const char *
what_is_known (const struct known_found *found)
{
  if (found->types)
    return " (only keys of other types are, and it does not show those)";
  if (found->has_authority)
    return " (only its certificate authority is, and libssh2 reads no "
           "certificates: backend=openssh does)";
  return "";
}

int
hostkey_check (struct login *login)
{
  const struct hop *hop = login->hop;
  struct known_found found = { .types = 0 }, bare = { .types = 0 };
  struct shown shown;
  const char *but;

  if (hop->verify == VERIFY_IGNORE)
    return 0;
  if (show (login, &shown) == -1
      || look (login, hop->key_name, shown.type, shown.key, &found) == -1)
    return -1;
  if (found.is_revoked)
    return login_fail (login, "the host's key %s %s is revoked by %s",
                       shown.type, shown.fingerprint, found.revoked);
  if (found.matches)
    return 0;
  if (found.same_type[0])
    return refuse_changed (login, &shown, &found);
  /* As with ssh, a key that is known without a port is good on any. */
  if (hop->bare_name) {
    if (look (login, hop->bare_name, shown.type, shown.key, &bare) == -1)
      return -1;
    if (bare.is_revoked)
      return login_fail (login, "the host's key %s %s is revoked by %s",
                         shown.type, shown.fingerprint, bare.revoked);
    if (bare.matches)
      return 0;
  }
  but = what_is_known (&found);
  if (hop->verify == VERIFY_ASK)
    return ask (login, &shown, but);
  if (hop->verify == VERIFY_STRICT || *but)
    return refuse_unknown (login, &shown, but);
  return remember (login, &shown);
}
