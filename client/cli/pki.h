/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of `virgate pki` share: where a set of certificates lives,
 * and how its files are read, written and made.
 */
#ifndef VIRGATE_CLI_PKI_H
#define VIRGATE_CLI_PKI_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "cli.h"

enum pki_file {
  PKI_CA_CERT, PKI_CA_CRL, PKI_CA_KEY, PKI_ISSUED,
  PKI_SERVER_CERT, PKI_SERVER_KEY, PKI_CLIENT_CERT, PKI_CLIENT_KEY,
  PKI_FILES
};

/* A place for certificates: libvirt's places of the whole system, or one
 * folder.
 */
struct pki {
  struct cmd *cmd;
  char *folder;                 /* NULL: the system's */
  bool may_replace;             /* --force */
};

/* A key and its certificate. */
struct pki_pair {
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t crt;
};

/* What a new certificate says. */
struct pki_order {
  const char *name;             /* CN */
  const char *organization;     /* O, or NULL */
  char **names;                 /* alternative ones: hosts and addresses */
  int count;
  int days;
  bool is_ca, is_server, is_rsa;
};

/* pki-files.c: all report through cmd_fail and return -1 or NULL. */

/* The place that --dir, or who we are, means. */
int pki_open (struct pki *pki, struct cmd *cmd, const char *folder);
void pki_close (struct pki *pki);
/* The path of a file; free. */
char *pki_path (const struct pki *pki, enum pki_file which);
/* A whole file; the caller frees data. */
int pki_read (struct cmd *cmd, const char *path, gnutls_datum_t *text);
int pki_write (const struct pki *pki, enum pki_file which,
               const gnutls_datum_t *text);
/* Before anything is made: would pki_write refuse to replace it? */
int pki_is_free (const struct pki *pki, enum pki_file which);

/* pki-make.c */
void pki_pair_free (struct pki_pair *pair);
/* The CA of this place. */
int pki_load_ca (const struct pki *pki, struct pki_pair *ca);
/* Make a pair, signed by ca, or by itself without one. */
int pki_make (struct cmd *cmd, const struct pki_order *order,
              const struct pki_pair *ca, struct pki_pair *pair);
int pki_save_cert (const struct pki *pki, enum pki_file which,
                   gnutls_x509_crt_t crt);
int pki_save_key (const struct pki *pki, enum pki_file which,
                  gnutls_x509_privkey_t key);
/* The certificate, by its serial number, for pki revoke. */
int pki_note_issued (const struct pki *pki, gnutls_x509_crt_t crt);
/* The first certificate of a file. */
int pki_load_cert (struct cmd *cmd, const char *path, gnutls_x509_crt_t *crt);
/* The subject's CN; "" when there is none. */
void pki_common_name (gnutls_x509_crt_t crt, char *cn, size_t size);
bool pki_is_address (const char *name);
int pki_gnutls_fail (struct cmd *cmd, const char *what, int code);

/* pki-revoke.c */
int pki_write_crl (const struct pki *pki, const struct pki_pair *ca,
                   gnutls_x509_crl_t crl);
int pki_revoke (struct pki *pki, struct cmd *cmd);

/* pki-show.c, pki-check.c, pki-probe.c */
int pki_show (struct pki *pki, struct cmd *cmd);
int pki_check (struct pki *pki, struct cmd *cmd);

struct pki_findings;
/* One line for people: something is right, or wrong, or just so. */
enum pki_verdict { PKI_GOOD, PKI_BAD, PKI_NOTE };
void pki_found (struct pki_findings *findings, enum pki_verdict verdict,
                const char *fmt, ...) CLI_PRINTF (3, 4);

struct tls_creds;
/* Shake hands with the server of a URI by ourselves and judge what it shows,
 * and what it will think of us; creds may be NULL.
 */
void pki_probe (struct pki_findings *findings, const char *host,
                const char *port, const struct tls_creds *creds);

#endif /* VIRGATE_CLI_PKI_H */
