/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Is a certificate good?  The same checks for one's own and the peer's, each
 * with its own plain words.  Nothing here talks to anybody.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "creds.h"

static bool
bad (char *why, size_t size, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  vsnprintf (why, size, fmt, args);
  va_end (args);
  return false;
}

static bool
dates_fit (gnutls_x509_crt_t crt, char *why, size_t size)
{
  time_t now = time (NULL), from, until;
  char name[512], day[64];

  from = gnutls_x509_crt_get_activation_time (crt);
  until = gnutls_x509_crt_get_expiration_time (crt);
  tls_crt_name (crt, name, sizeof name);
  if (until != (time_t) -1 && until < now) {
    tls_format_time (until, day, sizeof day);
    return bad (why, size, "the certificate of %s expired on %s", name, day);
  }
  if (from != (time_t) -1 && from > now) {
    tls_format_time (from, day, sizeof day);
    return bad (why, size, "the certificate of %s is not valid before %s; "
                "is the clock right?", name, day);
  }
  return true;
}

static bool
is_ca (gnutls_x509_crt_t crt)
{
  unsigned critical;

  return gnutls_x509_crt_get_ca_status (crt, &critical) > 0;
}

/* Modern certificates sign (digitalSignature); RSA ones of old encipher. */
static bool
usage_fits (gnutls_x509_crt_t crt, bool server, char *why, size_t size)
{
  unsigned usage, critical, wanted = GNUTLS_KEY_DIGITAL_SIGNATURE;

  if (gnutls_x509_crt_get_key_usage (crt, &usage, &critical) < 0)
    return true;
  if (server)
    wanted |= GNUTLS_KEY_KEY_ENCIPHERMENT | GNUTLS_KEY_KEY_AGREEMENT;
  if (usage & wanted)
    return true;
  return bad (why, size, "its key usage allows no %s: it lacks "
              "digitalSignature", server ? "TLS server" : "TLS client");
}

/* Extended key usage, judged strictly: a server's is not a client's. */
static bool
purpose_fits (gnutls_x509_crt_t crt, bool server, char *why, size_t size)
{
  const char *wanted = server ? GNUTLS_KP_TLS_WWW_SERVER
                              : GNUTLS_KP_TLS_WWW_CLIENT;
  char oid[128];

  for (unsigned n = 0; n < 32; n++) {
    unsigned critical;
    size_t len = sizeof oid;
    int r = gnutls_x509_crt_get_key_purpose_oid (crt, n, oid, &len, &critical);

    if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
      return n == 0 || bad (why, size, "it is not for TLS %s: its extended "
                            "key usage lacks %s", server ? "servers"
                            : "clients (a server's certificate is not a "
                            "client's)", server ? "serverAuth" : "clientAuth");
    if (r == 0 && (strcmp (oid, wanted) == 0
                   || strcmp (oid, GNUTLS_KP_ANY) == 0))
      return true;
  }
  return bad (why, size, "its extended key usage cannot be read");
}

static const struct {
  unsigned status;
  const char *text;
} verdicts[] = {
  { GNUTLS_CERT_REVOKED, "it is revoked" },
  { GNUTLS_CERT_SIGNER_NOT_FOUND,
    "no trusted CA issued it (unknown CA, self-signed, or an intermediate "
    "certificate is missing)" },
  { GNUTLS_CERT_SIGNER_NOT_CA, "its issuer is not a CA" },
  { GNUTLS_CERT_INSECURE_ALGORITHM,
    "its key is too short or its algorithm too weak (RSA needs 2048 bits)" },
  { GNUTLS_CERT_NOT_ACTIVATED, "it is not valid yet" },
  { GNUTLS_CERT_EXPIRED, "it, or a CA above it, has expired" },
  { GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED,
    "the revocation list is out of date" },
  { GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE,
    "the revocation list is from the future" },
  { GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
    "a CA above it may not issue it (name or path length constraints)" },
  { GNUTLS_CERT_SIGNATURE_FAILURE, "its signature is wrong" },
};

static bool
trust_says (const struct tls_creds *creds, const gnutls_x509_crt_t *chain,
            unsigned len, char *why, size_t size)
{
  unsigned flags = GNUTLS_PROFILE_TO_VFLAGS (GNUTLS_PROFILE_MEDIUM);
  unsigned status = 0;
  char issuer[512];
  int r;

  r = gnutls_x509_trust_list_verify_crt (creds->trust,
                                         (gnutls_x509_crt_t *) chain, len,
                                         flags, &status, NULL);
  if (r < 0)
    return bad (why, size, "it cannot be judged: %s", gnutls_strerror (r));
  for (unsigned i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
    if (!(status & verdicts[i].status))
      continue;
    tls_crt_issuer (chain[len - 1], issuer, sizeof issuer);
    return bad (why, size, "%s; issuer: %s", verdicts[i].text, issuer);
  }
  return status == 0 || bad (why, size, "it is not trusted");
}

bool
tls_check_chain (const struct tls_creds *creds, const gnutls_x509_crt_t *chain,
                 unsigned len, bool server, char *why, size_t size)
{
  if (len == 0)
    return bad (why, size, "no certificate was shown");
  for (unsigned i = 0; i < len; i++)
    if (!dates_fit (chain[i], why, size))
      return false;
  if (!trust_says (creds, chain, len, why, size))
    return false;
  if (is_ca (chain[0]))
    return bad (why, size, "it is a CA's certificate and not a %s's",
                server ? "server" : "client");
  return usage_fits (chain[0], server, why, size)
         && purpose_fits (chain[0], server, why, size);
}

/* The whole verification would stop at the first fault, such as a date. */
bool
tls_check_revoked (const struct tls_creds *creds,
                   const gnutls_x509_crt_t *chain, unsigned len)
{
  for (unsigned i = 0; i < len; i++)
    if (gnutls_x509_crt_check_revocation (chain[i], creds->crls,
                                          creds->crl_count) == 1)
      return true;
  return false;
}

/* The address in the text of a URI's host, where it is one; its length. */
static unsigned
parse_address (const char *name, unsigned char addr[16])
{
  char text[64];

  snprintf (text, sizeof text, "%.*s", (int) strcspn (name, "%"), name);
  return inet_pton (AF_INET, text, addr) == 1 ? 4
         : inet_pton (AF_INET6, text, addr) == 1 ? 16 : 0;
}

bool
tls_check_name (gnutls_x509_crt_t crt, const char *name, char *why,
                size_t size)
{
  unsigned char addr[16];
  char names[700];
  unsigned len = parse_address (name, addr);

  if (len ? gnutls_x509_crt_check_ip (crt, addr, len, 0)
          : gnutls_x509_crt_check_hostname (crt, name))
    return true;
  tls_crt_names (crt, names, sizeof names);
  return bad (why, size, "it is not for '%s'; it names: %s", name, names);
}
