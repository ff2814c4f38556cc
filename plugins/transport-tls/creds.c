/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loading a set of credentials from files and judging it as a peer would,
 * so that a mistake shows at start and not at the first connection.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "creds.h"

/* A file of certificates is not larger. */
#define FILE_MAX (4 * 1024 * 1024)

static const char *const file_kinds[TLS_FILES] = {
  "CA certificate", "revocation list", "certificate", "private key",
};

/* What a set being loaded has in hand. */
struct load {
  const struct tls_want *want;
  gnutls_datum_t data[TLS_FILES]; /* size 0: absent */
  struct tls_creds *creds;
  char *why;
  size_t why_size;
};

static int
fail (const struct load *load, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  vsnprintf (load->why, load->why_size, fmt, args);
  va_end (args);
  return -1;
}

static int
complain (const struct load *load, enum tls_files which, const char *what,
          int code)
{
  return fail (load, "%s %s: %s%s%s", file_kinds[which],
               load->want->paths->file[which], what, code ? ": " : "",
               code ? gnutls_strerror (code) : "");
}

/* A private key is refused when others can read it. */
static int
check_mode (const struct load *load, enum tls_files which, FILE *file)
{
  struct stat st;

  if (fstat (fileno (file), &st) == -1)
    return complain (load, which, strerror (errno), 0);
  if (!S_ISREG (st.st_mode))
    return complain (load, which, "not a regular file", 0);
  if (which == TLS_KEY && (st.st_mode & 077))
    return fail (load, "private key %s: others can read it (mode %04o); "
                 "chmod 0600 it", load->want->paths->file[which],
                 (unsigned) st.st_mode & 07777);
  return 0;
}

static int
read_file (struct load *load, enum tls_files which)
{
  const char *path = load->want->paths->file[which];
  CLEANUP_FCLOSE FILE *file = NULL;
  gnutls_datum_t *data = &load->data[which];

  if (path == NULL)
    return 0;
  file = fopen (path, "re");
  if (file == NULL) {
    if (errno == ENOENT && load->want->paths->is_optional[which])
      return 0;
    return complain (load, which, strerror (errno), 0);
  }
  if (check_mode (load, which, file) == -1)
    return -1;
  data->data = gnutls_malloc (FILE_MAX);
  if (data->data == NULL)
    return complain (load, which, "out of memory", 0);
  data->size = fread (data->data, 1, FILE_MAX, file);
  if (ferror (file))
    return complain (load, which, strerror (errno), 0);
  if (data->size == 0)
    return complain (load, which, "the file is empty", 0);
  if (data->size == FILE_MAX)
    return complain (load, which, "the file is too large", 0);
  return 0;
}

/* What has expired already, as an old CA in a bundle may have, is for the
 * checks to judge.
 */
static void
note_expiry (struct tls_creds *creds, time_t until, enum tls_files which)
{
  if (until == (time_t) -1 || until < time (NULL)
      || (creds->expires != 0 && until >= creds->expires))
    return;
  creds->expires = until;
  creds->expires_what = file_kinds[which];
}

static int
load_ca (struct load *load)
{
  struct tls_creds *creds = load->creds;
  gnutls_x509_crt_t *list = NULL;
  unsigned count = 0;
  int r;

  r = gnutls_x509_crt_list_import2 (&list, &count, &load->data[TLS_CA],
                                    GNUTLS_X509_FMT_PEM, 0);
  if (r < 0 || count == 0)
    return complain (load, TLS_CA, "no certificate in PEM form is in it", r);
  for (unsigned i = 0; i < count; i++)
    note_expiry (creds, gnutls_x509_crt_get_expiration_time (list[i]),
                 TLS_CA);
  /* The trust list owns the certificates from here on. */
  r = gnutls_x509_trust_list_add_cas (creds->trust, list, count, 0);
  gnutls_free (list);
  if (r < 0)
    return complain (load, TLS_CA, "cannot be used", r);
  return 0;
}

/* The trust list takes over a list that is signed by one of its CAs. */
static bool
trust_crl (struct tls_creds *creds, gnutls_x509_crl_t crl)
{
  if (gnutls_x509_trust_list_add_crls (creds->trust, &crl, 1,
                                       GNUTLS_TL_VERIFY_CRL, 0) <= 0)
    return false;
  creds->crls[creds->crl_count++] = crl;
  note_expiry (creds, gnutls_x509_crl_get_next_update (crl), TLS_CRL);
  return true;
}

/* Why the trust list does not take it. */
static int
refuse_crl (const struct load *load, gnutls_x509_crl_t crl)
{
  time_t now = time (NULL), until = gnutls_x509_crl_get_next_update (crl);
  char day[64], issuer[512] = "?";
  size_t len = sizeof issuer;

  if (until != (time_t) -1 && until < now) {
    tls_format_time (until, day, sizeof day);
    return fail (load, "revocation list %s: it is out of date since %s",
                 load->want->paths->file[TLS_CRL], day);
  }
  if (gnutls_x509_crl_get_this_update (crl) > now)
    return complain (load, TLS_CRL, "it is from the future; is the clock "
                     "right?", 0);
  gnutls_x509_crl_get_issuer_dn (crl, issuer, &len);
  return fail (load, "revocation list %s: it is not signed by the CA in use; "
               "issuer: %s", load->want->paths->file[TLS_CRL], issuer);
}

static int
load_crl (struct load *load)
{
  struct tls_creds *creds = load->creds;
  gnutls_x509_crl_t *list = NULL;
  unsigned count = 0;
  int r, ret = 0;

  if (load->data[TLS_CRL].size == 0)
    return 0;
  r = gnutls_x509_crl_list_import2 (&list, &count, &load->data[TLS_CRL],
                                    GNUTLS_X509_FMT_PEM, 0);
  if (r < 0 || count == 0)
    return complain (load, TLS_CRL, "no list in PEM form is in it", r);
  creds->crls = calloc (count, sizeof *creds->crls);
  if (creds->crls == NULL)
    ret = fail (load, "out of memory");
  for (unsigned i = 0; i < count; i++)
    if (ret == -1 || !trust_crl (creds, list[i])) {
      if (ret == 0)
        ret = refuse_crl (load, list[i]);
      gnutls_x509_crl_deinit (list[i]);
    }
  gnutls_free (list);
  return ret;
}

static int
load_chain (struct load *load)
{
  struct tls_creds *creds = load->creds;
  int r;

  r = gnutls_x509_crt_list_import2 (&creds->chain, &creds->chain_len,
                                    &load->data[TLS_CERT],
                                    GNUTLS_X509_FMT_PEM, 0);
  if (r < 0 || creds->chain_len == 0)
    return complain (load, TLS_CERT, "no certificate in PEM form is in it",
                     r);
  if (creds->chain_len > TLS_CHAIN_MAX)
    return complain (load, TLS_CERT, "too many certificates", 0);
  note_expiry (creds, gnutls_x509_crt_get_expiration_time (creds->chain[0]),
               TLS_CERT);
  return 0;
}

static int
pair_fits (struct load *load, gnutls_x509_privkey_t key)
{
  unsigned char of_key[64], of_crt[64];
  size_t key_len = sizeof of_key, crt_len = sizeof of_crt;

  if (gnutls_x509_privkey_get_key_id (key, GNUTLS_KEYID_USE_SHA256, of_key,
                                      &key_len) < 0
      || gnutls_x509_crt_get_key_id (load->creds->chain[0],
                                     GNUTLS_KEYID_USE_SHA256, of_crt,
                                     &crt_len) < 0
      || key_len != crt_len || memcmp (of_key, of_crt, key_len) != 0)
    return fail (load, "private key %s does not belong to certificate %s: "
                 "they are of different pairs",
                 load->want->paths->file[TLS_KEY],
                 load->want->paths->file[TLS_CERT]);
  return 0;
}

static int
load_key (struct load *load)
{
  gnutls_x509_privkey_t key = NULL;
  int r = gnutls_x509_privkey_init (&key);

  if (r >= 0)
    r = gnutls_x509_privkey_import2 (key, &load->data[TLS_KEY],
                                     GNUTLS_X509_FMT_PEM, NULL, 0);
  if (r < 0) {
    gnutls_x509_privkey_deinit (key);
    return complain (load, TLS_KEY, "no key without a password is in it", r);
  }
  if (pair_fits (load, key) == -1) {
    gnutls_x509_privkey_deinit (key);
    return -1;
  }
  r = gnutls_certificate_set_x509_key (load->creds->cred, load->creds->chain,
                                       load->creds->chain_len, key);
  gnutls_x509_privkey_deinit (key);
  return r < 0 ? complain (load, TLS_KEY, "cannot be used", r) : 0;
}

static int
load_pair (struct load *load)
{
  char why[TLS_WHY_MAX];
  bool has_cert = load->data[TLS_CERT].size, has_key = load->data[TLS_KEY].size;

  if (!has_cert && !has_key)
    return 0;
  if (has_cert != has_key)
    return complain (load, has_cert ? TLS_KEY : TLS_CERT,
                     "it is missing, and its other half is there", 0);
  if (load_chain (load) == -1 || load_key (load) == -1)
    return -1;
  if (!load->want->is_unjudged
      && !tls_check_chain (load->creds, load->creds->chain,
                           load->creds->chain_len, load->want->is_server, why,
                           sizeof why))
    return complain (load, TLS_CERT, why, 0);
  return 0;
}

/* The system's priorities or the user's, never with anything but X.509
 * certificates and TLS from 1.2 on.
 */
#define ALWAYS "-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS-ALL:" \
               "-CTYPE-ALL:+CTYPE-X509:%PROFILE_MEDIUM"

static int
load_priority (struct load *load)
{
  const struct tls_want *want = load->want;
  CLEANUP_FREE char *text = NULL;
  const char *at = NULL;
  int r;

  if (asprintf (&text, "%s%s%s%s", want->priority ? want->priority : "",
                want->priority ? ":" : "", ALWAYS,
                want->tls13_only ? ":-VERS-TLS1.2" : "") == -1) {
    text = NULL;
    return fail (load, "out of memory");
  }
  r = gnutls_priority_init2 (&load->creds->priority, text, &at,
                             want->priority ? 0
                             : GNUTLS_PRIORITY_INIT_DEF_APPEND);
  if (r < 0)
    return fail (load, "priority '%s': %s at '%s'",
                 want->priority ? want->priority : "of the system",
                 gnutls_strerror (r), at ? at : text);
  return 0;
}

static int
load_all (struct load *load)
{
  struct tls_creds *creds = load->creds;

  if (gnutls_certificate_allocate_credentials (&creds->cred) < 0
      || gnutls_x509_trust_list_init (&creds->trust, 0) < 0)
    return fail (load, "out of memory");
  /* load_pair compares them, with words of its own. */
  gnutls_certificate_set_flags (creds->cred,
                                GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
  for (int i = 0; i < TLS_FILES; i++)
    if (read_file (load, i) == -1)
      return -1;
  if (load_priority (load) == -1 || load_ca (load) == -1
      || load_crl (load) == -1 || load_pair (load) == -1)
    return -1;
  return 0;
}

struct tls_creds *
tls_creds_load (const struct tls_want *want, char *why, size_t size)
{
  struct load load = { .want = want, .why = why, .why_size = size };
  int r;

  load.creds = calloc (1, sizeof *load.creds);
  if (load.creds == NULL) {
    fail (&load, "out of memory");
    return NULL;
  }
  load.creds->refs = 1;
  pthread_mutex_init (&load.creds->lock, NULL);
  r = load_all (&load);
  for (int i = 0; i < TLS_FILES; i++) {
    if (load.data[i].data)
      wipe (load.data[i].data, load.data[i].size);
    gnutls_free (load.data[i].data);
  }
  if (r == -1) {
    tls_creds_unref (load.creds);
    return NULL;
  }
  return load.creds;
}

struct tls_creds *
tls_creds_ref (struct tls_creds *creds)
{
  __atomic_add_fetch (&creds->refs, 1, __ATOMIC_RELAXED);
  return creds;
}

void
tls_creds_unref (struct tls_creds *creds)
{
  if (creds == NULL
      || __atomic_sub_fetch (&creds->refs, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  tls_chain_free (creds->chain, creds->chain_len);
  gnutls_free (creds->chain);
  if (creds->cred)
    gnutls_certificate_free_credentials (creds->cred);
  if (creds->trust)
    gnutls_x509_trust_list_deinit (creds->trust, 1);
  free (creds->crls);
  pthread_mutex_destroy (&creds->lock);
  if (creds->priority)
    gnutls_priority_deinit (creds->priority);
  free (creds);
}
