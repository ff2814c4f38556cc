/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * transport-tls's judgement of certificates, with ones that are made here.
 */
#include "config.h"

#include <string.h>

#include "plugins/transport-tls/creds.h"
#include "unit.h"

#define DAY (24 * 3600)
#define SERVER GNUTLS_KP_TLS_WWW_SERVER
#define CLIENT GNUTLS_KP_TLS_WWW_CLIENT

/* What a certificate under test says. */
struct made {
  const char *purpose;          /* NULL: any */
  unsigned usage;               /* 0: none is stated */
  int from, until;              /* days from now */
  bool is_ca;
  const char *dns;
  const char *ip;               /* 4 bytes */
  const char *raw_names;        /* 22 bytes of DER */
};

static struct tls_creds creds;
static gnutls_x509_privkey_t ca_key;
static gnutls_x509_crt_t ca;

static gnutls_x509_privkey_t
make_key (void)
{
  gnutls_x509_privkey_t key;

  assert_int_equal (gnutls_x509_privkey_init (&key), 0);
  assert_int_equal (gnutls_x509_privkey_generate
                      (key, GNUTLS_PK_ECDSA,
                       GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0),
                    0);
  return key;
}

static void
say_what (gnutls_x509_crt_t crt, const struct made *made)
{
  if (made->purpose)
    gnutls_x509_crt_set_key_purpose_oid (crt, made->purpose, 0);
  if (made->usage)
    gnutls_x509_crt_set_key_usage (crt, made->usage);
  gnutls_x509_crt_set_basic_constraints (crt, made->is_ca, -1);
  if (made->dns)
    gnutls_x509_crt_set_subject_alt_name
      (crt, GNUTLS_SAN_DNSNAME, made->dns, strlen (made->dns),
       GNUTLS_FSAN_APPEND);
  if (made->ip)
    gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_IPADDRESS, made->ip,
                                          4, GNUTLS_FSAN_APPEND);
  if (made->raw_names)
    gnutls_x509_crt_set_extension_by_oid (crt, "2.5.29.17", made->raw_names,
                                          22, 0);
}

/* As a peer has it: some of what was set shows only then. */
static gnutls_x509_crt_t
send_over (gnutls_x509_crt_t crt)
{
  gnutls_datum_t der = { NULL, 0 };
  gnutls_x509_crt_t over;

  assert_int_equal (gnutls_x509_crt_export2 (crt, GNUTLS_X509_FMT_DER, &der),
                    0);
  assert_int_equal (gnutls_x509_crt_init (&over), 0);
  assert_int_equal (gnutls_x509_crt_import (over, &der, GNUTLS_X509_FMT_DER),
                    0);
  gnutls_free (der.data);
  gnutls_x509_crt_deinit (crt);
  return over;
}

/* Signed by the CA, or by itself while there is none. */
static gnutls_x509_crt_t
make (const char *name, const struct made *made, gnutls_x509_privkey_t key)
{
  static unsigned char serial = 1;
  gnutls_x509_crt_t crt;
  time_t now = time (NULL);

  assert_int_equal (gnutls_x509_crt_init (&crt), 0);
  gnutls_x509_crt_set_version (crt, 3);
  gnutls_x509_crt_set_serial (crt, &serial, 1);
  serial++;
  gnutls_x509_crt_set_dn (crt, name, NULL);
  gnutls_x509_crt_set_activation_time (crt, now + made->from * DAY);
  gnutls_x509_crt_set_expiration_time (crt, now + made->until * DAY);
  gnutls_x509_crt_set_key (crt, key);
  say_what (crt, made);
  assert_int_equal (gnutls_x509_crt_sign2 (crt, ca ? ca : crt,
                                           ca ? ca_key : key,
                                           GNUTLS_DIG_SHA256, 0), 0);
  return send_over (crt);
}

static int
set_up (void **state)
{
  const struct made made = { .from = -1, .until = 10, .is_ca = true,
                             .usage = GNUTLS_KEY_KEY_CERT_SIGN
                                      | GNUTLS_KEY_CRL_SIGN };

  ca_key = make_key ();
  ca = make ("CN=CA", &made, ca_key);
  assert_int_equal (gnutls_x509_trust_list_init (&creds.trust, 0), 0);
  assert_int_equal (gnutls_x509_trust_list_add_cas (creds.trust, &ca, 1, 0),
                    1);
  return 0;
}

static int
tear_down (void **state)
{
  gnutls_x509_trust_list_deinit (creds.trust, 1);
  gnutls_x509_privkey_deinit (ca_key);
  return 0;
}

static const struct {
  struct made made;
  bool as_server;
  const char *why;              /* part of it; NULL: it is good */
} rows[] = {
  { { SERVER, 0, -1, 1 }, true, NULL },
  { { CLIENT, 0, -1, 1 }, false, NULL },
  { { NULL, 0, -1, 1 }, false, NULL },
  { { GNUTLS_KP_ANY, 0, -1, 1 }, true, NULL },
  { { SERVER, GNUTLS_KEY_DIGITAL_SIGNATURE, -1, 1 }, true, NULL },
  { { SERVER, GNUTLS_KEY_KEY_ENCIPHERMENT, -1, 1 }, true, NULL },
  { { CLIENT, GNUTLS_KEY_KEY_ENCIPHERMENT, -1, 1 }, false,
    "lacks digitalSignature" },
  { { CLIENT, GNUTLS_KEY_NON_REPUDIATION, -1, 1 }, false,
    "lacks digitalSignature" },
  { { SERVER, 0, -1, 1 }, false, "a server's certificate is not a client's" },
  { { CLIENT, 0, -1, 1 }, true, "lacks serverAuth" },
  { { GNUTLS_KP_EMAIL_PROTECTION, 0, -1, 1 }, false, "lacks clientAuth" },
  { { CLIENT, 0, -3, -1 }, false, "expired on" },
  { { CLIENT, 0, 1, 3 }, false, "is not valid before" },
  { { NULL, 0, -1, 1, .is_ca = true }, false, "it is a CA's certificate" },
};

static void
check_judges_dates_usage_and_purpose (void **state)
{
  gnutls_x509_privkey_t key = make_key ();
  char why[TLS_WHY_MAX] = "";

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    gnutls_x509_crt_t crt = make ("CN=leaf", &rows[i].made, key);
    bool good = tls_check_chain (&creds, &crt, 1, rows[i].as_server, why,
                                 sizeof why);

    if (good != (rows[i].why == NULL)
        || (rows[i].why && strstr (why, rows[i].why) == NULL))
      fail_msg ("row %zu: %s", i, good ? "good" : why);
    gnutls_x509_crt_deinit (crt);
  }
  gnutls_x509_privkey_deinit (key);
}

static void
check_trusts_only_its_own_cas (void **state)
{
  const struct made made = { CLIENT, 0, -1, 1 };
  gnutls_x509_privkey_t key = make_key ();
  gnutls_x509_crt_t real = ca, crt;
  char why[TLS_WHY_MAX] = "";

  ca = NULL;
  crt = make ("CN=CA", &made, key);     /* its name is the CA's */
  ca = real;
  assert_false (tls_check_chain (&creds, &crt, 1, false, why, sizeof why));
  assert_false (tls_check_chain (&creds, &crt, 0, false, why, sizeof why));
  assert_string_equal (why, "no certificate was shown");
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_privkey_deinit (key);
}

static void
check_finds_revoked_ones_even_when_expired (void **state)
{
  const struct made made = { CLIENT, 0, -3, -1 };
  gnutls_x509_privkey_t key = make_key ();
  gnutls_x509_crt_t named = make ("CN=named", &made, key);
  gnutls_x509_crt_t other = make ("CN=other", &made, key);
  gnutls_datum_t der = { NULL, 0 };
  gnutls_x509_crl_t crl;

  assert_int_equal (gnutls_x509_crl_init (&crl), 0);
  gnutls_x509_crl_set_version (crl, 2);
  gnutls_x509_crl_set_this_update (crl, time (NULL) - DAY);
  gnutls_x509_crl_set_next_update (crl, time (NULL) + DAY);
  gnutls_x509_crl_set_crt (crl, named, time (NULL));
  assert_int_equal (gnutls_x509_crl_sign2 (crl, ca, ca_key,
                                           GNUTLS_DIG_SHA256, 0), 0);
  assert_int_equal (gnutls_x509_crl_export2 (crl, GNUTLS_X509_FMT_DER, &der),
                    0);
  gnutls_x509_crl_deinit (crl);
  assert_int_equal (gnutls_x509_crl_init (&crl), 0);
  assert_int_equal (gnutls_x509_crl_import (crl, &der, GNUTLS_X509_FMT_DER),
                    0);
  gnutls_free (der.data);
  creds.crls = &crl;
  creds.crl_count = 1;
  assert_true (tls_check_revoked (&creds, &named, 1));
  assert_false (tls_check_revoked (&creds, &other, 1));
  assert_false (tls_check_revoked (&creds, NULL, 0));
  creds.crl_count = 0;
  creds.crls = NULL;
  assert_false (tls_check_revoked (&creds, &named, 1));
  gnutls_x509_crl_deinit (crl);
  gnutls_x509_crt_deinit (named);
  gnutls_x509_crt_deinit (other);
  gnutls_x509_privkey_deinit (key);
}

static void
check_compares_names_and_addresses (void **state)
{
  const struct made made = { SERVER, 0, -1, 1, .dns = "*.example.com",
                             .ip = "\x7f\0\0\1" };
  gnutls_x509_privkey_t key = make_key ();
  gnutls_x509_crt_t crt = make ("CN=other.org", &made, key);
  char why[TLS_WHY_MAX] = "";

  assert_true (tls_check_name (crt, "a.example.com", why, sizeof why));
  assert_true (tls_check_name (crt, "127.0.0.1", why, sizeof why));
  assert_false (tls_check_name (crt, "a.b.example.com", why, sizeof why));
  assert_false (tls_check_name (crt, "127.0.0.2", why, sizeof why));
  assert_false (tls_check_name (crt, "::1", why, sizeof why));
  assert_false (tls_check_name (crt, "other.org", why, sizeof why));
  assert_string_equal (why, "it is not for 'other.org'; it names: "
                       "DNS:*.example.com, IP:127.0.0.1");
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_privkey_deinit (key);
}

static void
names_with_a_nul_inside_are_no_names (void **state)
{
  const struct made made = { SERVER, 0, -1, 1, .raw_names =
                             "\x30\x14\x82\x12good.org\0.evil.org" };
  gnutls_x509_privkey_t key = make_key ();
  gnutls_x509_crt_t crt = make ("CN=x", &made, key);
  char text[TLS_WHY_MAX] = "";

  assert_true (tls_crt_san (crt, 0, text, sizeof text));
  assert_string_equal (text, "other");
  assert_false (tls_crt_san (crt, 1, text, sizeof text));
  assert_false (tls_check_name (crt, "good.org", text, sizeof text));
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_privkey_deinit (key);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (check_judges_dates_usage_and_purpose),
    cmocka_unit_test (check_trusts_only_its_own_cas),
    cmocka_unit_test (check_finds_revoked_ones_even_when_expired),
    cmocka_unit_test (check_compares_names_and_addresses),
    cmocka_unit_test (names_with_a_nul_inside_are_no_names),
  };

  return cmocka_run_group_tests (tests, set_up, tear_down);
}
