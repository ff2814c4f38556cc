/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What certificates and revocation lists say, for people and as JSON.
 */
#include "config.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pki.h"
#include "plugins/transport-tls/creds.h"

static const struct record_style style_crt = { "", 13, " ", "\n" };

static void
put_time (struct result *out, const char *key, const char *label, time_t when)
{
  char text[64];
  long days = (long) ((when - time (NULL)) / (24 * 3600));

  tls_format_time (when, text, sizeof text);
  if (when < time (NULL))
    put_fmt (out, key, label, "%s (%ld days ago)", text, -days);
  else
    put_fmt (out, key, label, "%s (in %ld days)", text, days);
}

static const char *
purpose (gnutls_x509_crt_t crt)
{
  char oid[128];
  bool is_server = false, is_client = false;
  unsigned critical;

  if (gnutls_x509_crt_get_ca_status (crt, &critical) > 0)
    return "CA";
  for (unsigned n = 0; n < 32; n++) {
    size_t len = sizeof oid;

    if (gnutls_x509_crt_get_key_purpose_oid (crt, n, oid, &len, NULL) < 0)
      return is_server && is_client ? "server and client"
             : is_server ? "server" : is_client ? "client"
             : n == 0 ? "any" : "neither server nor client";
    is_server |= strcmp (oid, GNUTLS_KP_TLS_WWW_SERVER) == 0;
    is_client |= strcmp (oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0;
  }
  return "?";
}

static void
put_hex (struct result *out, const char *key, const char *label,
         const unsigned char *bytes, size_t len)
{
  char text[2 * 64 + 1] = "";

  for (size_t i = 0; i < MIN_OF (len, 64); i++)
    sprintf (text + 2 * i, "%02x", bytes[i]);
  put_str (out, key, label, text);
}

static void
show_crt (struct result *out, const char *path, gnutls_x509_crt_t crt)
{
  char name[1024], names[1024];
  unsigned char bytes[64];
  size_t len;
  unsigned bits = 0;
  int algorithm = gnutls_x509_crt_get_pk_algorithm (crt, &bits);

  result_next (out, &style_crt);
  put_str (out, "file", "File:", path);
  tls_crt_name (crt, name, sizeof name);
  put_str (out, "subject", "Subject:", name);
  len = sizeof name;
  if (gnutls_x509_crt_get_dn (crt, name, &len) == 0)
    put_str (out, "libvirt-dn", "For libvirt:", name);
  tls_crt_issuer (crt, name, sizeof name);
  put_str (out, "issuer", "Issuer:", name);
  if (tls_crt_san (crt, 0, names, sizeof names)) {
    tls_crt_names (crt, names, sizeof names);
    put_str (out, "names", "Names:", names);
  }
  put_str (out, "purpose", "Purpose:", purpose (crt));
  put_fmt (out, "key", "Key:", "%s, %u bits",
           gnutls_pk_algorithm_get_name (algorithm), bits);
  put_time (out, "from", "Valid from:",
            gnutls_x509_crt_get_activation_time (crt));
  put_time (out, "until", "Valid until:",
            gnutls_x509_crt_get_expiration_time (crt));
  len = sizeof bytes;
  if (gnutls_x509_crt_get_serial (crt, bytes, &len) == 0)
    put_hex (out, "serial", "Serial:", bytes, len);
  len = sizeof bytes;
  if (gnutls_x509_crt_get_fingerprint (crt, GNUTLS_DIG_SHA256, bytes,
                                       &len) == 0)
    put_hex (out, "sha256", "SHA-256:", bytes, len);
}

static void
show_crl (struct result *out, const char *path, gnutls_x509_crl_t crl)
{
  int count = gnutls_x509_crl_get_crt_count (crl);
  gnutls_datum_t dn = { NULL, 0 };

  result_next (out, &style_crt);
  put_str (out, "file", "File:", path);
  if (gnutls_x509_crl_get_issuer_dn3 (crl, &dn, 0) == 0)
    put_fmt (out, "issuer", "Issuer:", "%s", (char *) dn.data);
  gnutls_free (dn.data);
  put_time (out, "from", "Made:", gnutls_x509_crl_get_this_update (crl));
  put_time (out, "until", "Valid until:",
            gnutls_x509_crl_get_next_update (crl));
  put_num (out, "revoked", "Revoked:", count, NULL);
  for (int i = 0; i < count; i++) {
    unsigned char serial[64];
    size_t len = sizeof serial;
    time_t when;

    if (gnutls_x509_crl_get_crt_serial (crl, i, serial, &len, &when) == 0)
      put_hex (out, NULL, "  serial:", serial, len);
  }
}

static int
show_file (struct cmd *cmd, const char *path)
{
  gnutls_x509_crt_t *list = NULL;
  gnutls_x509_crl_t *crls = NULL;
  unsigned count = 0, crl_count = 0;
  gnutls_datum_t text;

  if (pki_read (cmd, path, &text) == -1)
    return -1;
  if (gnutls_x509_crt_list_import2 (&list, &count, &text, GNUTLS_X509_FMT_PEM,
                                    0) < 0)
    count = 0;
  if (count == 0
      && gnutls_x509_crl_list_import2 (&crls, &crl_count, &text,
                                       GNUTLS_X509_FMT_PEM, 0) < 0)
    crl_count = 0;
  gnutls_free (text.data);
  for (unsigned i = 0; i < count; i++) {
    show_crt (cmd->out, path, list[i]);
    gnutls_x509_crt_deinit (list[i]);
  }
  for (unsigned i = 0; i < crl_count; i++) {
    show_crl (cmd->out, path, crls[i]);
    gnutls_x509_crl_deinit (crls[i]);
  }
  gnutls_free (list);
  gnutls_free (crls);
  return count + crl_count > 0 ? 0 : cmd_fail
    (cmd, STATUS_FAILED, "%s: neither a certificate nor a revocation list in "
     "PEM form is in it", path);
}

int
pki_show (struct pki *pki, struct cmd *cmd)
{
  static const enum pki_file installed[] = {
    PKI_CA_CERT, PKI_CA_CRL, PKI_SERVER_CERT, PKI_CLIENT_CERT
  };
  bool seen = false;

  for (int i = 0; i < cmd->parsed->nargs; i++)
    if (show_file (cmd, cmd->parsed->args[i]) == -1)
      return -1;
  if (cmd->parsed->nargs > 0)
    return 0;
  for (size_t i = 0; i < COUNT_OF (installed); i++) {
    CLEANUP_FREE char *path = pki_path (pki, installed[i]);

    if (access (path, F_OK) != 0)
      continue;
    if (show_file (cmd, path) == -1)
      return -1;
    seen = true;
  }
  return seen ? 0 : cmd_fail (cmd, STATUS_FAILED, "no certificates are "
                              "installed here; `virgate pki init` begins");
}
