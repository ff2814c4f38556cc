/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a certificate says, as text for people.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "creds.h"

/* Alternative names that are looked at. */
#define SAN_MAX 64

void
tls_chain_free (gnutls_x509_crt_t *chain, unsigned len)
{
  for (unsigned i = 0; i < len; i++)
    gnutls_x509_crt_deinit (chain[i]);
}

static void
take_name (int r, gnutls_datum_t *dn, char *name, size_t size)
{
  if (r < 0 || dn->size == 0)
    snprintf (name, size, "(no name)");
  else
    snprintf (name, size, "%.*s", (int) dn->size, (const char *) dn->data);
  gnutls_free (dn->data);
}

void
tls_crt_name (gnutls_x509_crt_t crt, char *name, size_t size)
{
  gnutls_datum_t dn = { NULL, 0 };

  take_name (gnutls_x509_crt_get_dn3 (crt, &dn, 0), &dn, name, size);
}

void
tls_crt_issuer (gnutls_x509_crt_t crt, char *name, size_t size)
{
  gnutls_datum_t dn = { NULL, 0 };

  take_name (gnutls_x509_crt_get_issuer_dn3 (crt, &dn, 0), &dn, name, size);
}

static bool
format_address (const char *addr, size_t len, char *text, size_t size)
{
  return (len == 4 && inet_ntop (AF_INET, addr, text, size))
         || (len == 16 && inet_ntop (AF_INET6, addr, text, size));
}

/* A name with a NUL inside is shorter for C than for whoever signed it. */
static const char *
san_label (int type, const char *raw, size_t len)
{
  if (type != GNUTLS_SAN_IPADDRESS && memchr (raw, '\0', len))
    return NULL;
  switch (type) {
  case GNUTLS_SAN_DNSNAME:
    return "DNS";
  case GNUTLS_SAN_RFC822NAME:
    return "email";
  case GNUTLS_SAN_URI:
    return "URI";
  case GNUTLS_SAN_IPADDRESS:
    return "IP";
  default:
    return NULL;
  }
}

bool
tls_crt_san (gnutls_x509_crt_t crt, unsigned n, char *san, size_t size)
{
  char raw[512], address[INET6_ADDRSTRLEN] = "?";
  size_t len = sizeof raw - 1;
  const char *label;
  int type;

  if (n >= SAN_MAX)
    return false;
  type = gnutls_x509_crt_get_subject_alt_name (crt, n, raw, &len, NULL);
  if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
    return false;
  raw[type < 0 ? 0 : len] = '\0';
  label = type < 0 ? NULL : san_label (type, raw, len);
  if (type == GNUTLS_SAN_IPADDRESS)
    format_address (raw, len, address, sizeof address);
  if (label)
    snprintf (san, size, "%s:%s", label,
              type == GNUTLS_SAN_IPADDRESS ? address : raw);
  else
    snprintf (san, size, "other");
  return true;
}

void
tls_crt_names (gnutls_x509_crt_t crt, char *list, size_t size)
{
  size_t used = 0;
  char san[600];

  list[0] = '\0';
  for (unsigned n = 0; used < size && tls_crt_san (crt, n, san, sizeof san);
       n++)
    used += snprintf (list + used, size - used, "%s%s", n ? ", " : "", san);
  if (list[0] == '\0')
    tls_crt_name (crt, list, size);
}

void
tls_format_time (time_t when, char *text, size_t size)
{
  struct tm tm;

  if (gmtime_r (&when, &tm) == NULL
      || strftime (text, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
    snprintf (text, size, "an unknown day");
}
