/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Values in documents: numbers, UUIDs, MAC addresses, enums; read leniently
 * where the protocol's other speakers are lenient, written in one form.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/uuid.h"
#include "plugins/driver-test/xml-bits.h"
#include "plugins/driver-test/xml-schema.h"

int
xml_ll (const char *str, int base, long long *out)
{
  char *end;

  errno = 0;
  *out = strtoll (str, &end, base);
  return errno || end == str || *end ? -1 : 0;
}

int
xml_ull (const char *str, int base, unsigned long long *out)
{
  char *end;

  errno = 0;
  *out = strtoull (str, &end, base);
  return errno || end == str || *end || memchr (str, '-', end - str) ? -1 : 0;
}

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
xml_uuid_make (unsigned char uuid[16])
{
  /* 16 bytes never come short from the kernel, nor are they interrupted. */
  if (getrandom (uuid, 16, 0) != 16)
    memset (uuid, 0, 16);
  uuid[6] = (uuid[6] & 0x0f) | 0x40;
  uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

int
xml_mac_parse (const char *str, unsigned char mac[6])
{
  int digit;

  for (size_t i = 0; i < 6; i++) {
    mac[i] = 0;
    digit = hex_digit (*str);
    if (digit == -1)
      return -1;
    mac[i] = digit;
    digit = hex_digit (*++str);
    if (digit != -1) {
      mac[i] = mac[i] << 4 | digit;
      str++;
    }
    if (i == 5)
      return (unsigned char) *str <= ' ' ? 0 : -1;
    if (*str++ != ':')
      return -1;
  }
  return -1;
}

void
xml_mac_format (const unsigned char mac[6], char out[18])
{
  snprintf (out, 18, "%02x:%02x:%02x:%02x:%02x:%02x",
            mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

int
xml_enum (const char *const *names, const char *value)
{
  if (*value)
    for (int i = 0; names[i]; i++)
      if (strcmp (names[i], value) == 0)
        return i;
  return -1;
}

static const char *const bool_names[] = { "", "yes", "no", NULL };
static const char *const switch_names[] = { "", "on", "off", NULL };

/* What went wrong with a value, as the usual message ends. */
enum fault { FINE, WRONG, NEGATIVE, ZERO };

static const char *
expected (enum xml_type type)
{
  switch (type) {
  case XT_INT:
    return " Expected integer value";
  case XT_LL:
    return " Expected long long integer value";
  case XT_UINT:
  case XT_ULL:
    return " Expected non-negative integer value";
  case XT_UUID:
    return " Expected UUID";
  default:
    return "";
  }
}

static int
bitmap_fault (struct xml_load *load, const char *value)
{
  return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_INVALID_ARG,
                   "Failed to parse bitmap '%s'", value);
}

static int
usual_fault (struct xml_load *load, const struct xml_spec *spec,
             const char *elem, const char *value, enum fault fault)
{
  const char *name = spec->name ? spec->name : elem;

  if (spec->type == XT_BITMAP)
    return fault == WRONG ? bitmap_fault (load, value)
           : xml_unsupported (load, "Invalid value of '%s': %s", name, value);
  if (fault == ZERO && spec->type >= XT_INT)
    return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                     "Invalid value for attribute '%s' in element '%s': "
                     "Zero is not permitted", name, elem);
  return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                   "Invalid value for attribute '%s' in element '%s': "
                   "'%s'.%s", name, elem, value,
                   fault == NEGATIVE ? " Expected non-negative value"
                   : expected (spec->type));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int
own_fault (struct xml_load *load, const struct xml_spec *spec,
           const char *value)
{
  return xml_fail (load->err, load->domain,
                   spec->bad_code ? spec->bad_code : VIRGATE_ERR_XML_ERROR,
                   spec->bad, value);
}

static int
number_text (const struct xml_spec *spec, unsigned long long number,
             char **out)
{
  const char *usual = spec->type == XT_INT || spec->type == XT_LL
                      ? "%lld" : "%llu";

  if (spec->flags & XT_HEX)
    return asprintf (out, spec->format, (unsigned) number);
  return asprintf (out, spec->format ? spec->format : usual, number);
}
#pragma GCC diagnostic pop

static int
number_base (const struct xml_spec *spec)
{
  return spec->flags & XT_BASE0 ? 0 : spec->flags & XT_BASE16 ? 16 : 10;
}

static enum fault
read_signed (const struct xml_spec *spec, const char *value, char **out)
{
  long long number;

  if (xml_ll (value, number_base (spec), &number) == -1
      || (spec->type == XT_INT && (number < INT_MIN || number > INT_MAX))
      || (spec->max && number > (long long) spec->max))
    return WRONG;
  if (number < 0 && (spec->flags & XT_NONNEG))
    return NEGATIVE;
  if (number == 0 && (spec->flags & XT_NONZERO))
    return ZERO;
  if (number == 0 && (spec->flags & XT_HIDE_ZERO))
    return FINE;
  if (number_text (spec, number, out) == -1)
    *out = NULL;
  return FINE;
}

/* -1 as shorthand for the largest number, where that is allowed. */
static int
read_number (const struct xml_spec *spec, const char *value,
             unsigned long long *out)
{
  long long number;

  if (!(spec->flags & XT_WRAP) || strchr (value, '-') == NULL)
    return xml_ull (value, number_base (spec), out);
  if (xml_ll (value, number_base (spec), &number) == -1
      || (spec->type == XT_UINT && number < -(long long) UINT_MAX))
    return -1;
  *out = spec->type == XT_UINT ? (unsigned) number
                               : (unsigned long long) number;
  return 0;
}

static enum fault
read_unsigned (const struct xml_spec *spec, const char *value, char **out)
{
  unsigned long long number;

  if (read_number (spec, value, &number) == -1
      || (spec->type == XT_UINT && number > UINT_MAX)
      || (spec->max && number > spec->max))
    return WRONG;
  if (number == 0 && (spec->flags & XT_NONZERO))
    return ZERO;
  if (number == 0 && (spec->flags & XT_HIDE_ZERO))
    return FINE;
  if (number_text (spec, number, out) == -1)
    *out = NULL;
  return FINE;
}

static enum fault
read_enum (const struct xml_spec *spec, const char *const *names,
           const char *value, char **out)
{
  int index = xml_enum (names, value);

  if (index == -1)
    return WRONG;
  if (index == 0 && (spec->flags & XT_NONZERO))
    return ZERO;
  if (index > 0 || !(spec->flags & XT_HIDE_ZERO))
    *out = strdup (value);
  return FINE;
}

static enum fault
read_mac (const char *value, char **out)
{
  unsigned char mac[6];
  char text[18];

  if (xml_mac_parse (value, mac) == -1)
    return WRONG;
  xml_mac_format (mac, text);
  *out = strdup (text);
  return FINE;
}

static enum fault
read_uuid (const char *value, char **out)
{
  unsigned char uuid[16];
  char text[37];

  if (!uuid_parse (value, uuid))
    return WRONG;
  uuid_format (uuid, text);
  *out = strdup (text);
  return FINE;
}

static enum fault
read_bitmap (const char *value, char **out)
{
  struct xml_bits bits;

  if (xml_bits_parse (value, &bits) == -1)
    return WRONG;
  if (xml_bits_next (&bits, -1) == -1)
    return ZERO;
  *out = xml_bits_format (&bits);
  return FINE;
}

static enum fault
read_value (const struct xml_spec *spec, const char *value, char **out)
{
  switch (spec->type) {
  case XT_ENUM:
    return read_enum (spec, spec->names, value, out);
  case XT_BOOL:
    return read_enum (spec, bool_names, value, out);
  case XT_SWITCH:
    return read_enum (spec, switch_names, value, out);
  case XT_INT:
  case XT_LL:
    return read_signed (spec, value, out);
  case XT_UINT:
  case XT_ULL:
    return read_unsigned (spec, value, out);
  case XT_MAC:
    return read_mac (value, out);
  case XT_UUID:
    return read_uuid (value, out);
  case XT_BITMAP:
    return read_bitmap (value, out);
  case XT_STRING:
    break;
  }
  if (*value || !(spec->flags & XT_NOT_EMPTY))
    *out = strdup (value);
  return FINE;
}

int
xml_value (struct xml_load *load, const struct xml_spec *spec,
           const char *elem, const char *value, char **out)
{
  enum fault fault;

  *out = NULL;
  fault = read_value (spec, value, out);
  if (fault != FINE && !(spec->flags & XT_LENIENT))
    return spec->bad ? own_fault (load, spec, value)
                     : usual_fault (load, spec, elem, value, fault);
  if (*out && spec->skip && strcmp (*out, spec->skip) == 0) {
    free (*out);
    *out = NULL;
  }
  return 0;
}
