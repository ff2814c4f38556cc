/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making keys and certificates that every libvirt accepts, old and new, and
 * that modern TLS libraries accept as well.
 */
#include "config.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <string.h>
#include <sys/stat.h>

#include "pki.h"

/* Clocks differ: a certificate is good a little before it was made. */
#define BACKDATE_S 3600
#define DAY_S (24 * 3600)

#define SERIAL_LEN 16
#define RSA_BITS 3072

int
pki_gnutls_fail (struct cmd *cmd, const char *what, int code)
{
  return cmd_fail (cmd, STATUS_FAILED, "%s: %s", what,
                   gnutls_strerror (code));
}

void
pki_pair_free (struct pki_pair *pair)
{
  if (pair->key)
    gnutls_x509_privkey_deinit (pair->key);
  if (pair->crt)
    gnutls_x509_crt_deinit (pair->crt);
  *pair = (struct pki_pair) { 0 };
}

bool
pki_is_address (const char *name)
{
  unsigned char addr[16];

  return inet_pton (AF_INET, name, addr) == 1
         || inet_pton (AF_INET6, name, addr) == 1;
}

void
pki_common_name (gnutls_x509_crt_t crt, char *cn, size_t size)
{
  if (gnutls_x509_crt_get_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
                                     cn, &size) < 0)
    cn[0] = '\0';
}

static int
make_key (gnutls_x509_privkey_t key, bool is_rsa)
{
  return is_rsa
         ? gnutls_x509_privkey_generate (key, GNUTLS_PK_RSA, RSA_BITS, 0)
         : gnutls_x509_privkey_generate
             (key, GNUTLS_PK_ECDSA,
              GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
}

static int
set_serial (gnutls_x509_crt_t crt)
{
  unsigned char serial[SERIAL_LEN];
  int r = gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial);

  serial[0] &= 0x7f;            /* positive */
  serial[0] |= 0x40;            /* and always as long */
  return r < 0 ? r : gnutls_x509_crt_set_serial (crt, serial, sizeof serial);
}

static int
set_subject (gnutls_x509_crt_t crt, const struct pki_order *order)
{
  int r = 0;

  if (order->organization)
    r = gnutls_x509_crt_set_dn_by_oid
      (crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, order->organization,
       strlen (order->organization));
  return r < 0 ? r : gnutls_x509_crt_set_dn_by_oid
    (crt, GNUTLS_OID_X520_COMMON_NAME, 0, order->name, strlen (order->name));
}

/* Never beyond the CA's own end: a peer would refuse it as expired. */
static int
set_dates (gnutls_x509_crt_t crt, const struct pki_order *order,
           const struct pki_pair *ca)
{
  time_t now = time (NULL), until = now + (time_t) order->days * DAY_S;
  int r;

  if (ca)
    until = MIN_OF (until, gnutls_x509_crt_get_expiration_time (ca->crt));
  r = gnutls_x509_crt_set_activation_time (crt, now - BACKDATE_S);
  return r < 0 ? r : gnutls_x509_crt_set_expiration_time (crt, until);
}

static int
set_names (gnutls_x509_crt_t crt, const struct pki_order *order)
{
  int r = 0;

  for (int i = 0; i < order->count && r >= 0; i++) {
    const char *name = order->names[i];
    unsigned char addr[16];

    if (!pki_is_address (name))
      r = gnutls_x509_crt_set_subject_alt_name
        (crt, GNUTLS_SAN_DNSNAME, name, strlen (name), GNUTLS_FSAN_APPEND);
    else {
      bool is_v4 = inet_pton (AF_INET, name, addr) == 1;

      if (!is_v4)
        inet_pton (AF_INET6, name, addr);
      r = gnutls_x509_crt_set_subject_alt_name
        (crt, GNUTLS_SAN_IPADDRESS, addr, is_v4 ? 4 : 16,
         GNUTLS_FSAN_APPEND);
    }
  }
  return r;
}

/* The extended usage says server or client.  libvirt before 11.6 demands
 * keyEncipherment of a critical key usage, which a signing key such as an EC
 * key must not have, and warns at every connection where it is not critical:
 * an EC certificate has no key usage at all, which allows what the key can.
 */
static int
set_usage (gnutls_x509_crt_t crt, const struct pki_order *order)
{
  int r = gnutls_x509_crt_set_basic_constraints (crt, order->is_ca,
                                                 order->is_ca ? 0 : -1);

  if (r >= 0 && order->is_ca)
    return gnutls_x509_crt_set_key_usage
      (crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
  if (r >= 0 && order->is_rsa)
    r = gnutls_x509_crt_set_key_usage
      (crt, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT);
  return r < 0 ? r : gnutls_x509_crt_set_key_purpose_oid
    (crt, order->is_server ? GNUTLS_KP_TLS_WWW_SERVER
                           : GNUTLS_KP_TLS_WWW_CLIENT, 0);
}

static int
set_key_ids (gnutls_x509_crt_t crt, const struct pki_pair *ca)
{
  unsigned char id[64];
  size_t len = sizeof id;
  int r = gnutls_x509_crt_get_key_id (crt, GNUTLS_KEYID_USE_SHA1, id, &len);

  if (r >= 0)
    r = gnutls_x509_crt_set_subject_key_id (crt, id, len);
  len = sizeof id;
  if (r >= 0 && gnutls_x509_crt_get_subject_key_id (ca->crt, id, &len,
                                                    NULL) >= 0)
    r = gnutls_x509_crt_set_authority_key_id (crt, id, len);
  return r;
}

static int
fill (const struct pki_order *order, const struct pki_pair *ca,
      struct pki_pair *pair)
{
  int r = gnutls_x509_crt_set_version (pair->crt, 3);

  if (r >= 0)
    r = set_serial (pair->crt);
  if (r >= 0)
    r = set_subject (pair->crt, order);
  if (r >= 0)
    r = set_dates (pair->crt, order, order->is_ca ? NULL : ca);
  if (r >= 0)
    r = gnutls_x509_crt_set_key (pair->crt, pair->key);
  if (r >= 0)
    r = set_usage (pair->crt, order);
  if (r >= 0)
    r = set_names (pair->crt, order);
  if (r >= 0)
    r = set_key_ids (pair->crt, ca);
  return r < 0 ? r : gnutls_x509_crt_sign2 (pair->crt, ca->crt, ca->key,
                                            GNUTLS_DIG_SHA256, 0);
}

int
pki_make (struct cmd *cmd, const struct pki_order *order,
          const struct pki_pair *ca, struct pki_pair *pair)
{
  int r;

  *pair = (struct pki_pair) { 0 };
  r = gnutls_x509_privkey_init (&pair->key);
  if (r >= 0)
    r = gnutls_x509_crt_init (&pair->crt);
  if (r >= 0)
    r = make_key (pair->key, order->is_rsa);
  if (r >= 0)
    r = fill (order, ca ? ca : pair, pair);
  if (r >= 0)
    return 0;
  pki_pair_free (pair);
  return pki_gnutls_fail (cmd, "cannot make the certificate", r);
}

int
pki_save_cert (const struct pki *pki, enum pki_file which,
               gnutls_x509_crt_t crt)
{
  gnutls_datum_t text = { NULL, 0 };
  int r = gnutls_x509_crt_export2 (crt, GNUTLS_X509_FMT_PEM, &text);

  r = r < 0 ? pki_gnutls_fail (pki->cmd, "cannot write the certificate", r)
            : pki_write (pki, which, &text);
  gnutls_free (text.data);
  return r;
}

int
pki_save_key (const struct pki *pki, enum pki_file which,
              gnutls_x509_privkey_t key)
{
  gnutls_datum_t text = { NULL, 0 };
  int r = gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL,
                                             GNUTLS_PKCS_PLAIN, &text);

  r = r < 0 ? pki_gnutls_fail (pki->cmd, "cannot write the key", r)
            : pki_write (pki, which, &text);
  wipe (text.data, text.size);
  gnutls_free (text.data);
  return r;
}

int
pki_note_issued (const struct pki *pki, gnutls_x509_crt_t crt)
{
  CLEANUP_FREE char *folder = pki_path (pki, PKI_ISSUED);
  unsigned char serial[64];
  size_t len = sizeof serial;
  char hex[2 * sizeof serial + 5];
  struct pki into = { .cmd = pki->cmd, .folder = folder };
  CLEANUP_FREE char *path = NULL;
  gnutls_datum_t text = { NULL, 0 };
  FILE *file = NULL;

  if (gnutls_x509_crt_get_serial (crt, serial, &len) < 0)
    len = 0;
  for (size_t i = 0; i < len; i++)
    sprintf (hex + 2 * i, "%02x", serial[i]);
  strcpy (hex + 2 * len, ".pem");
  path = must_format ("%s/%s", into.folder, hex);
  mkdir (folder, 0755);
  if (gnutls_x509_crt_export2 (crt, GNUTLS_X509_FMT_PEM, &text) >= 0)
    file = fopen (path, "wxe");
  if (file)
    fwrite (text.data, 1, text.size, file);
  gnutls_free (text.data);
  if (file == NULL || fclose (file) != 0)
    return cmd_fail (pki->cmd, STATUS_FAILED, "cannot write %s: %m", path);
  return 0;
}

int
pki_load_cert (struct cmd *cmd, const char *path, gnutls_x509_crt_t *crt)
{
  gnutls_datum_t text;
  int r;

  if (pki_read (cmd, path, &text) == -1)
    return -1;
  r = gnutls_x509_crt_init (crt);
  if (r >= 0) {
    r = gnutls_x509_crt_import (*crt, &text, GNUTLS_X509_FMT_PEM);
    if (r < 0)
      gnutls_x509_crt_deinit (*crt);
  }
  gnutls_free (text.data);
  if (r >= 0)
    return 0;
  *crt = NULL;
  return cmd_fail (cmd, STATUS_FAILED, "%s: no certificate in PEM form is in "
                   "it: %s", path, gnutls_strerror (r));
}

static int
load_key (struct cmd *cmd, const char *path, gnutls_x509_privkey_t *key)
{
  gnutls_datum_t text;
  int r;

  if (pki_read (cmd, path, &text) == -1)
    return -1;
  r = gnutls_x509_privkey_init (key);
  if (r >= 0)
    r = gnutls_x509_privkey_import2 (*key, &text, GNUTLS_X509_FMT_PEM, NULL,
                                     0);
  wipe (text.data, text.size);
  gnutls_free (text.data);
  return r >= 0 ? 0 : cmd_fail (cmd, STATUS_FAILED, "%s: no private key is in "
                                "it: %s", path, gnutls_strerror (r));
}

int
pki_load_ca (const struct pki *pki, struct pki_pair *ca)
{
  CLEANUP_FREE char *cert = pki_path (pki, PKI_CA_CERT);
  CLEANUP_FREE char *key = pki_path (pki, PKI_CA_KEY);

  *ca = (struct pki_pair) { 0 };
  if (access (key, F_OK) != 0)
    return cmd_fail (pki->cmd, STATUS_FAILED, "there is no CA here (%s): make "
                     "one by `virgate pki init`, or say --dir DIR", key);
  if (pki_load_cert (pki->cmd, cert, &ca->crt) == 0
      && load_key (pki->cmd, key, &ca->key) == 0)
    return 0;
  pki_pair_free (ca);
  return -1;
}
