/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * URIs and error payloads, both of which come from outside.  The name made of
 * a URI is a URI and has the same name; an error that was decoded survives the
 * way back.
 */
#include "config.h"

#include "common/buf.h"
#include "core/error.h"
#include "core/uri.h"
#include "fuzz.h"

static void
check_name (const struct uri *uri)
{
  struct uri again;

  if (uri_param (uri, "name") || uri->name[0] == '\0')
    return;
  if (uri_parse (&again, uri->name, NULL) == -1) {
    /* An escape that tripled its length, or a path like //host. */
    if (strlen (uri->name) <= URI_LEN_MAX && uri->v.path[0] == '/')
      abort ();
    return;
  }
  if (again.v.path[0] == '/' && uri->v.path[0] == '/'
      && strcmp (again.name, uri->name) != 0)
    abort ();
  uri_free (&again);
}

static void
fuzz_error (const uint8_t *data, size_t len)
{
  struct virgate_error err = { 0 }, again = { 0 };
  struct buf out = BUF_INIT;

  if (error_decode (data, len, &err) == 0) {
    if (error_encode (&out, &err) == -1
        || error_decode (buf_data (&out), buf_len (&out), &again) == -1
        || again.code != err.code || again.int2 != err.int2
        || strcmp (error_message (&again), error_message (&err)) != 0)
      abort ();
  }
  buf_free (&out);
  error_clear (&err);
  error_clear (&again);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  struct virgate_error err = { 0 };
  char *text = strndup ((const char *) data, len);
  struct uri uri;

  if (uri_parse (&uri, text, &err) == 0) {
    check_name (&uri);
    uri_free (&uri);
  }
  else if (err.message == NULL)
    abort ();
  free (text);
  error_clear (&err);
  fuzz_error (data, len);
  return 0;
}
