/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Why a document was refused, in the protocol's terms.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/driver-test/xml-schema.h"

int
xml_fail (struct xml_error *err, int domain, int code,
          const char *format, ...)
{
  va_list args;

  if (err->code != 0)
    return -1;
  err->code = code;
  err->domain = domain;
  if (format == NULL)
    return -1;
  va_start (args, format);
  if (vasprintf (&err->detail, format, args) == -1)
    err->detail = NULL;
  va_end (args);
  return -1;
}

void
xml_error_clear (struct xml_error *err)
{
  free (err->detail);
  *err = (struct xml_error) { 0 };
}
