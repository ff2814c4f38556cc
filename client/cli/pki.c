/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virgate pki: a CA, certificates for servers and clients, and judging them.
 */
#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pki.h"
#include "rows.h"

#define CA_DAYS 3650
#define LEAF_DAYS 730

static void
say_made (struct cmd *cmd, const struct pki *pki, enum pki_file which,
          const char *what)
{
  CLEANUP_FREE char *path = pki_path (pki, which);

  put_fmt (cmd->out, NULL, "", "%s: %s", what, path);
  put_str (cmd->out, what, NULL, path);
}

static void
say_until (struct cmd *cmd, gnutls_x509_crt_t crt)
{
  time_t until = gnutls_x509_crt_get_expiration_time (crt);
  char day[32] = "?";
  struct tm tm;

  if (gmtime_r (&until, &tm))
    strftime (day, sizeof day, "%Y-%m-%d", &tm);
  put_fmt (cmd->out, NULL, "", "valid until: %s", day);
  put_str (cmd->out, "valid until", NULL, day);
}

/* A CA's name is its own: two of one name are confused with each other. */
static char *
ca_name (struct cmd *cmd)
{
  char host[128] = "", when[32] = "";
  time_t now = time (NULL);
  struct tm tm;

  if (cmd->parsed->nargs > 0)
    return must_strdup (cmd->parsed->args[0]);
  gethostname (host, sizeof host - 1);
  if (gmtime_r (&now, &tm))
    strftime (when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
  return must_format ("CA of %s %s", host, when);
}

static int
save_ca (struct pki *pki, const struct pki_pair *ca)
{
  gnutls_x509_crl_t crl = NULL;
  int r = gnutls_x509_crl_init (&crl);

  if (r < 0)
    return pki_gnutls_fail (pki->cmd, "cannot make the revocation list", r);
  if (pki_save_key (pki, PKI_CA_KEY, ca->key) == -1
      || pki_save_cert (pki, PKI_CA_CERT, ca->crt) == -1
      || pki_write_crl (pki, ca, crl) == -1)
    r = -1;
  gnutls_x509_crl_deinit (crl);
  return r;
}

static int
pki_init (struct pki *pki, struct cmd *cmd)
{
  CLEANUP_FREE char *name = ca_name (cmd);
  const struct pki_order order = {
    .name = name, .is_ca = true, .days = opt_int (cmd, "days", CA_DAYS),
    .organization = opt_str (cmd, "organization"),
    .is_rsa = opt_bool (cmd, "rsa"),
  };
  struct pki_pair ca = { 0 };
  int r;

  if (pki_is_free (pki, PKI_CA_KEY) == -1
      || pki_is_free (pki, PKI_CA_CERT) == -1
      || pki_make (cmd, &order, NULL, &ca) == -1)
    return -1;
  r = save_ca (pki, &ca);
  if (r == 0) {
    result_record (cmd->out, &style_plain);
    say_made (cmd, pki, PKI_CA_CERT, "CA certificate");
    say_made (cmd, pki, PKI_CA_KEY, "CA key");
    say_made (cmd, pki, PKI_CA_CRL, "revocation list");
    say_until (cmd, ca.crt);
    put_fmt (cmd->out, NULL, "", "Keep the CA key to yourself; next: virgate "
             "pki server HOST, virgate pki client NAME");
  }
  pki_pair_free (&ca);
  return r;
}

static int
copy_file (struct pki *from, struct pki *to, enum pki_file which)
{
  CLEANUP_FREE char *path = pki_path (from, which);
  gnutls_datum_t text;
  struct pki into = *to;
  int r;

  if (access (path, F_OK) != 0)
    return 0;
  if (pki_read (from->cmd, path, &text) == -1)
    return -1;
  into.may_replace = true;      /* it is the same CA's, or older */
  r = pki_write (&into, which, &text);
  gnutls_free (text.data);
  return r;
}

/* Make the order and put it, with what goes with it, where it belongs. */
static int
issue (struct pki *pki, struct pki *to, struct pki_order *order)
{
  enum pki_file cert = order->is_server ? PKI_SERVER_CERT : PKI_CLIENT_CERT;
  enum pki_file key = order->is_server ? PKI_SERVER_KEY : PKI_CLIENT_KEY;
  struct cmd *cmd = pki->cmd;
  struct pki_pair ca = { 0 }, pair = { 0 };
  char organization[256];
  size_t len = sizeof organization;
  int r = -1;

  if (pki_is_free (to, key) == -1 || pki_is_free (to, cert) == -1
      || pki_load_ca (pki, &ca) == -1)
    return -1;
  if (gnutls_x509_crt_get_dn_by_oid (ca.crt, GNUTLS_OID_X520_ORGANIZATION_NAME,
                                     0, 0, organization, &len) >= 0
      && order->organization == NULL)
    order->organization = organization;
  if (pki_make (cmd, order, &ca, &pair) == 0
      && pki_note_issued (pki, pair.crt) == 0
      && pki_save_key (to, key, pair.key) == 0
      && pki_save_cert (to, cert, pair.crt) == 0
      && (to == pki || (copy_file (pki, to, PKI_CA_CERT) == 0
                        && copy_file (pki, to, PKI_CA_CRL) == 0)))
    r = 0;
  if (r == 0) {
    result_record (cmd->out, &style_plain);
    say_made (cmd, to, cert, order->is_server ? "server certificate"
                                              : "client certificate");
    say_made (cmd, to, key, "private key");
    say_until (cmd, pair.crt);
  }
  pki_pair_free (&pair);
  pki_pair_free (&ca);
  return r;
}

static int
issue_where_asked (struct pki *pki, struct pki_order *order)
{
  const char *out = opt_str (pki->cmd, "out");
  struct pki to = *pki;

  to.folder = (char *) out;
  return issue (pki, out ? &to : pki, order);
}

static int
pki_server (struct pki *pki, struct cmd *cmd)
{
  struct pki_order order = {
    .name = cmd->parsed->args[0], .names = cmd->parsed->args,
    .count = cmd->parsed->nargs, .is_server = true,
    .days = opt_int (cmd, "days", LEAF_DAYS), .is_rsa = opt_bool (cmd, "rsa"),
    .organization = opt_str (cmd, "organization"),
  };

  return issue_where_asked (pki, &order);
}

static int
pki_client (struct pki *pki, struct cmd *cmd)
{
  struct pki_order order = {
    .name = cmd->parsed->args[0],
    .days = opt_int (cmd, "days", LEAF_DAYS), .is_rsa = opt_bool (cmd, "rsa"),
    .organization = opt_str (cmd, "organization"),
  };

  return issue_where_asked (pki, &order);
}

static const struct {
  const char *name, *args;      /* what it wants, for messages */
  int min, max;
  int (*run) (struct pki *pki, struct cmd *cmd);
} actions[] = {
  { "init", "[NAME]", 0, 1, pki_init },
  { "server", "HOST... [--ip ADDRESS]...", 1, 256, pki_server },
  { "client", "NAME", 1, 1, pki_client },
  { "revoke", "NAME or FILE...", 1, 256, pki_revoke },
  { "show", "[FILE]...", 0, 256, pki_show },
  { "check", "[URI]", 0, 1, pki_check },
};

/* The CN has at most 64 characters (X.520). */
static int
check_args (struct cmd *cmd)
{
  for (int i = 0; i < cmd->parsed->nargs; i++)
    if (cmd->parsed->args[i][0] == '\0')
      return cmd_fail (cmd, STATUS_USAGE, "an empty name");
  return 0;
}

int
run_pki (struct cmd *cmd)
{
  const char *name = opt_str (cmd, "action");
  struct pki pki;
  size_t i = 0;
  int r;

  while (i < COUNT_OF (actions) && strcmp (name, actions[i].name) != 0)
    i++;
  if (i == COUNT_OF (actions))
    return cmd_fail (cmd, STATUS_USAGE, "pki: '%s' is not one of init, "
                     "server, client, revoke, show, check", name);
  if (cmd->parsed->nargs < actions[i].min
      || cmd->parsed->nargs > actions[i].max)
    return cmd_fail (cmd, STATUS_USAGE, "usage: virgate pki %s %s", name,
                     actions[i].args);
  if (check_args (cmd) == -1
      || pki_open (&pki, cmd, opt_str (cmd, "dir")) == -1)
    return -1;
  r = actions[i].run (&pki, cmd);
  pki_close (&pki);
  return r;
}
