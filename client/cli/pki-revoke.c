/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The revocation list, and putting certificates on it.
 */
#include "config.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pki.h"

/* Number of the list: RFC 5280 wants it to grow. */
static int
set_number (gnutls_x509_crl_t crl)
{
  uint64_t now = time (NULL);
  unsigned char number[8];

  for (int i = 0; i < 8; i++)
    number[i] = now >> (56 - 8 * i);
  return gnutls_x509_crl_set_number (crl, number + 2, 6);
}

/* A list that goes out of date locks everybody out, so it is good as long as
 * its CA is.
 */
int
pki_write_crl (const struct pki *pki, const struct pki_pair *ca,
               gnutls_x509_crl_t crl)
{
  time_t until = gnutls_x509_crt_get_expiration_time (ca->crt);
  gnutls_datum_t text = { NULL, 0 };
  unsigned char id[64];
  size_t len = sizeof id;
  int r = gnutls_x509_crl_set_version (crl, 2);

  if (r >= 0)
    r = gnutls_x509_crl_set_this_update (crl, time (NULL) - 3600);
  if (r >= 0)
    r = gnutls_x509_crl_set_next_update (crl, until);
  if (r >= 0)
    r = set_number (crl);
  if (r >= 0)
    r = gnutls_x509_crt_get_subject_key_id (ca->crt, id, &len, NULL);
  if (r >= 0)
    r = gnutls_x509_crl_set_authority_key_id (crl, id, len);
  if (r >= 0)
    r = gnutls_x509_crl_sign2 (crl, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0);
  if (r >= 0)
    r = gnutls_x509_crl_export2 (crl, GNUTLS_X509_FMT_PEM, &text);
  r = r < 0 ? pki_gnutls_fail (pki->cmd, "cannot make the revocation list", r)
            : pki_write (pki, PKI_CA_CRL, &text);
  gnutls_free (text.data);
  return r;
}

/* The list as it is; an empty one where there is none. */
static int
load_crl (const struct pki *pki, gnutls_x509_crl_t *crl)
{
  CLEANUP_FREE char *path = pki_path (pki, PKI_CA_CRL);
  gnutls_datum_t text = { NULL, 0 };
  int r = gnutls_x509_crl_init (crl);

  if (r < 0)
    return pki_gnutls_fail (pki->cmd, "cannot make the revocation list", r);
  if (access (path, F_OK) != 0)
    return 0;
  if (pki_read (pki->cmd, path, &text) == -1)
    return -1;
  r = gnutls_x509_crl_import (*crl, &text, GNUTLS_X509_FMT_PEM);
  gnutls_free (text.data);
  return r >= 0 ? 0 : cmd_fail (pki->cmd, STATUS_FAILED, "%s: no revocation "
                                "list is in it: %s", path,
                                gnutls_strerror (r));
}

/* Put one certificate on the list.  Returns 1, 0 when it is there, or -1. */
static int
add (struct pki *pki, gnutls_x509_crl_t crl, const struct pki_pair *ca,
     gnutls_x509_crt_t crt)
{
  struct result *out = pki->cmd->out;
  unsigned char serial[64];
  size_t len = sizeof serial;
  char cn[256], hex[2 * sizeof serial + 1] = "";
  int r;

  pki_common_name (crt, cn, sizeof cn);
  if (!gnutls_x509_crt_check_issuer (crt, ca->crt))
    return cmd_fail (pki->cmd, STATUS_FAILED, "the certificate of '%s' was "
                     "issued by another CA: it must be revoked there", cn);
  r = gnutls_x509_crt_get_serial (crt, serial, &len);
  for (size_t i = 0; r >= 0 && i < len; i++)
    sprintf (hex + 2 * i, "%02x", serial[i]);
  if (gnutls_x509_crt_check_revocation (crt, &crl, 1) == 1)
    return 0;
  if (r >= 0)
    r = gnutls_x509_crl_set_crt (crl, crt, time (NULL));
  if (r < 0)
    return pki_gnutls_fail (pki->cmd, "cannot revoke it", r);
  put_fmt (out, NULL, "", "revoked: %s, serial number %s", cn, hex);
  put_str (out, "revoked", NULL, hex);
  return 1;
}

/* All certificates of one name that were issued here. */
static int
add_by_name (struct pki *pki, gnutls_x509_crl_t crl,
             const struct pki_pair *ca, const char *name)
{
  CLEANUP_FREE char *folder = pki_path (pki, PKI_ISSUED);
  DIR *dir = opendir (folder);
  int seen = 0, r = 0;

  for (struct dirent *entry; r != -1 && dir && (entry = readdir (dir)); ) {
    CLEANUP_FREE char *path = must_format ("%s/%s", folder, entry->d_name);
    gnutls_x509_crt_t crt;
    char cn[256];

    if (entry->d_name[0] == '.')
      continue;
    r = pki_load_cert (pki->cmd, path, &crt);
    if (r == -1)
      break;
    pki_common_name (crt, cn, sizeof cn);
    if (strcmp (cn, name) == 0) {
      seen++;
      r = add (pki, crl, ca, crt);
    }
    gnutls_x509_crt_deinit (crt);
  }
  if (dir)
    closedir (dir);
  return r == -1 || seen > 0 ? r : cmd_fail
    (pki->cmd, STATUS_FAILED, "no certificate of '%s' was issued here; if you "
     "have the certificate, give its file", name);
}

static int
add_by_file (struct pki *pki, gnutls_x509_crl_t crl,
             const struct pki_pair *ca, const char *path)
{
  gnutls_x509_crt_t crt;
  int r;

  if (pki_load_cert (pki->cmd, path, &crt) == -1)
    return -1;
  r = add (pki, crl, ca, crt);
  gnutls_x509_crt_deinit (crt);
  return r;
}

static bool
is_file (const char *what)
{
  struct stat st;

  return stat (what, &st) == 0 && S_ISREG (st.st_mode);
}

int
pki_revoke (struct pki *pki, struct cmd *cmd)
{
  CLEANUP_FREE char *path = pki_path (pki, PKI_CA_CRL);
  struct pki_pair ca = { 0 };
  gnutls_x509_crl_t crl = NULL;
  int r = 0;

  result_record (cmd->out, &style_plain);
  if (pki_load_ca (pki, &ca) == -1 || load_crl (pki, &crl) == -1)
    r = -1;
  for (int i = 0; r != -1 && i < cmd->parsed->nargs; i++) {
    const char *what = cmd->parsed->args[i];

    r = is_file (what) ? add_by_file (pki, crl, &ca, what)
                       : add_by_name (pki, crl, &ca, what);
  }
  if (r != -1)
    r = pki_write_crl (pki, &ca, crl);
  if (r != -1) {
    put_fmt (cmd->out, NULL, "", "revocation list: %s", path);
    put_str (cmd->out, "crl", NULL, path);
    put_fmt (cmd->out, NULL, "", "Copy it to every server that is not this "
             "one; virgated takes it up by itself, and ends the connections "
             "of those who are on it.");
  }
  pki_pair_free (&ca);
  if (crl)
    gnutls_x509_crl_deinit (crl);
  return r == -1 ? -1 : 0;
}
