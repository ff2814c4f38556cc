/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate pki check: are the files that are installed good, and does a
 * connection with them work?  What is wrong is said with how to mend it, for
 * either end.
 */
#include "config.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/uri.h"
#include "pki.h"
#include "plugins/transport-tls/creds.h"

#define WARN_DAYS 30

struct pki_findings {
  struct result *out;
  char *text;                   /* all lines, for a failure */
  size_t len;
  FILE *lines;
  int bad;
};

void
pki_found (struct pki_findings *findings, enum pki_verdict verdict,
           const char *fmt, ...)
{
  static const char *const words[] = { "good", "BAD ", "    " };
  static const char *const keys[] = { "good", "bad", "note" };
  char text[2048];
  va_list args;

  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  put_fmt (findings->out, NULL, "", "%s %s", words[verdict], text);
  put_str (findings->out, keys[verdict], NULL, text);
  fprintf (findings->lines, "%s %s\n", words[verdict], text);
  findings->bad += verdict == PKI_BAD;
}

/* Files of one role --------------------------------------------------------*/

static bool
exists (const char *path)
{
  return path && access (path, F_OK) == 0;
}

static void
found_expiry (struct pki_findings *findings, const char *role,
              const struct tls_creds *creds)
{
  long days = (long) ((creds->expires - time (NULL)) / (24 * 3600));

  if (creds->expires && days < WARN_DAYS)
    pki_found (findings, PKI_NOTE, "%s: the %s ends in %ld days; make a new "
               "one with --force, the connections stay up", role,
               creds->expires_what, days);
}

/* How to mend what creds.c and check.c may say. */
static const struct {
  const char *saying, *advice;
} cures[] = {
  { "chmod 0600", "the file's mode lets others read the key" },
  { "different pairs", "make both anew: virgate pki server or client, with "
    "--force" },
  { "expired", "make a new one: virgate pki server or client, with --force" },
  { "is the clock right", "compare the clocks of both machines" },
  { "no trusted CA", "put the CA that issued it (and CAs between) into the CA "
    "certificate file, or have a new one issued by that CA" },
  { "is not for TLS", "issue one for this role: virgate pki server HOST, "
    "virgate pki client NAME" },
  { "it names:", "issue the server one that names it: virgate pki server HOST "
    "--ip ADDRESS --force; or use a name that is listed" },
  { "No such file", "virgate pki makes it, or say --dir DIR" },
  { "Permission denied", "run as the user that owns it, or use files of your "
    "own in ~/.pki/libvirt" },
  { "not signed by the CA",
    "take the list from where the CA is, or remove it" },
  { "revoked", "have a new one issued" },
};

static void
found_bad (struct pki_findings *findings, const char *what, const char *why)
{
  pki_found (findings, PKI_BAD, "%s: %s", what, why);
  for (size_t i = 0; i < COUNT_OF (cures); i++)
    if (strstr (why, cures[i].saying)) {
      pki_found (findings, PKI_NOTE, "  to mend it: %s", cures[i].advice);
      return;
    }
}

/* Load the files of a role as the TLS module would.  NULL when they are bad,
 * or not there.
 */
static struct tls_creds *
check_role (struct pki_findings *findings, bool is_server,
            const char *folder, bool must_exist)
{
  const char *role = is_server ? "server" : "client";
  struct tls_paths paths = { 0 };
  const struct tls_want want = { .paths = &paths, .is_server = is_server };
  struct tls_creds *creds = NULL;
  char why[TLS_WHY_MAX], name[512];

  if (tls_paths_default (&paths, is_server, folder) == -1)
    must_alloc (NULL, SIZE_MAX, 2);
  if (!must_exist && !exists (paths.file[TLS_CERT])
      && !exists (paths.file[TLS_KEY]))
    pki_found (findings, PKI_NOTE, "%s: no certificate is installed (%s)",
               role, paths.file[TLS_CERT]);
  else if ((creds = tls_creds_load (&want, why, sizeof why)) == NULL)
    found_bad (findings, role, why);
  else if (creds->chain_len == 0)
    pki_found (findings, PKI_NOTE, "%s: no certificate is installed (%s); a "
               "server that wants one will refuse us", role,
               paths.file[TLS_CERT]);
  else {
    tls_crt_name (creds->chain[0], name, sizeof name);
    pki_found (findings, PKI_GOOD, "%s: %s, %s", role, paths.file[TLS_CERT],
               name);
    found_expiry (findings, role, creds);
  }
  tls_paths_free (&paths);
  return creds;
}

static void
check_ca_key (struct pki_findings *findings, const struct pki *pki)
{
  CLEANUP_FREE char *path = pki_path (pki, PKI_CA_KEY);
  struct stat st;

  if (stat (path, &st) == 0 && (st.st_mode & 077))
    pki_found (findings, PKI_BAD, "CA key %s: others can read it (mode %04o); "
               "chmod 0600 it, and think of who may have a copy", path,
               (unsigned) st.st_mode & 07777);
}

static void
check_files (struct pki_findings *findings, const struct pki *pki)
{
  CLEANUP_FREE char *ca = pki_path (pki, PKI_CA_CERT);

  if (!exists (ca) && pki->folder == NULL)
    found_bad (findings, ca, "No such file");
  check_ca_key (findings, pki);
  tls_creds_unref (check_role (findings, true, pki->folder, false));
  tls_creds_unref (check_role (findings, false, pki->folder, false));
}

/* A connection -------------------------------------------------------------*/

/* What the other end's administrator needs to know of us. */
static void
found_us (struct pki_findings *findings, const struct tls_creds *creds)
{
  char name[512], other[512] = "", issuer[512];
  size_t len = sizeof other;

  if (creds == NULL || creds->chain_len == 0)
    return;
  tls_crt_name (creds->chain[0], name, sizeof name);
  tls_crt_issuer (creds->chain[0], issuer, sizeof issuer);
  gnutls_x509_crt_get_dn (creds->chain[0], other, &len);
  pki_found (findings, PKI_NOTE, "  the server's side: its CA file must hold "
             "'%s', its revocation list must not name us", issuer);
  pki_found (findings, PKI_NOTE, "  virgated: [auth x509] allow must match "
             "'%s'", name);
  pki_found (findings, PKI_NOTE, "  libvirtd: tls_allowed_dn_list, if set, "
             "must match '%s'", other);
}

static char *
with_folder (const char *uri, const char *folder)
{
  CLEANUP_FREE char *full = folder ? realpath (folder, NULL) : NULL;

  return full ? must_format ("%s%cpkipath=%s", uri,
                             strchr (uri, '?') ? '&' : '?', full)
              : must_strdup (uri);
}

static void
check_connection (struct pki_findings *findings, struct cmd *cmd,
                  const char *uri, const struct tls_creds *creds)
{
  struct host host = { .name = uri };

  if (host_connect (cmd->app, &host) == 0)
    pki_found (findings, PKI_GOOD, "connected to %s", uri);
  else {
    found_bad (findings, uri, host.failure);
    found_us (findings, creds);
  }
  virgate_conn_free (host.conn);
  result_free (&host.result);
  virgate_error_free (host.error);
  free (host.failure);
}

static void
check_uri (struct pki_findings *findings, struct cmd *cmd, const char *text)
{
  const char *dir = opt_str (cmd, "dir");
  CLEANUP_FREE char *uri = with_folder (text, dir);
  CLEANUP_ERROR struct virgate_error err = { 0 };
  struct tls_creds *creds;
  struct uri parts;
  char port[16];

  if (uri_parse (&parts, uri, &err) == -1) {
    pki_found (findings, PKI_BAD, "%s", error_message (&err));
    return;
  }
  if (strcmp (parts.v.transport, "tls") != 0) {
    pki_found (findings, PKI_NOTE, "%s is not a TLS connection", text);
    check_connection (findings, cmd, uri, NULL);
    uri_free (&parts);
    return;
  }
  creds = check_role (findings, false, uri_param (&parts, "pkipath"), true);
  snprintf (port, sizeof port, "%u", parts.v.port ? parts.v.port : 16514);
  if (creds) {
    pki_probe (findings, parts.v.host ? parts.v.host : "localhost", port,
               creds);
    check_connection (findings, cmd, uri, creds);
  }
  tls_creds_unref (creds);
  uri_free (&parts);
}

int
pki_check (struct pki *pki, struct cmd *cmd)
{
  struct pki_findings findings = { .out = cmd->out };

  findings.lines = must_memstream (&findings.text, &findings.len);
  result_record (cmd->out, &style_plain);
  if (cmd->parsed->nargs > 0)
    check_uri (&findings, cmd, cmd->parsed->args[0]);
  else
    check_files (&findings, pki);
  fclose (findings.lines);
  /* A failed command shows its error alone, on one line. */
  if (findings.bad > 0 && !cmd->app->json)
    fputs (findings.text, stdout);
  if (findings.bad > 0)
    cmd_fail (cmd, STATUS_FAILED, "%d of the checks failed%s%s",
              findings.bad, cmd->app->json ? ": " : "",
              cmd->app->json ? findings.text : "");
  free (findings.text);
  return findings.bad > 0 ? -1 : 0;
}
