/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * URIs: uriparser judges the syntax and splits the authority; decoding, the
 * rules for parameters and the name to forward are here, and follow what
 * stock clients send.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uriparser/Uri.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/uri.h"
#include "core/utf8.h"

#define PORT_MAX 65535

/* What stock clients never forward, whichever transport is used. */
static const char *const consumed[] = {
  "name", "command", "socket", "auth", "sshauth", "netcat", "keyfile",
  "pkipath", "known_hosts", "known_hosts_verify", "tls_priority", "mode",
  "proxy", "no_sanity", "no_verify", "no_tty", "authfile", NULL,
};

/* Drivers whose names need a path, so that a host called "system" is a
 * forgotten slash.
 */
static const char *const path_drivers[] = { "qemu", "vbox", "vz", NULL };
static const char *const path_words[] = { "system", "session", NULL };

/* Bytes beside letters and digits that stay as they are, per component. */
#define KEEP_VALUE "-._~"
#define KEEP_PATH "-_.!~*'()/;@&=+$,"
#define KEEP_FRAGMENT "-_.!~*'();/?:@&=+$,[]"

struct text {
  const char *at;
  size_t len;
};

/* Copy what may be shown of a URI: up to the first unprintable byte, and
 * without the user's part, which might have a password in it.
 */
static void
show (char *shown, size_t size, const char *text)
{
  const char *user = strstr (text, "//"), *at = strchr (text, '@');
  size_t len = 0;

  user = user && at && user < at ? user + 2 : NULL;
  for (; len < size - 2 * sizeof "..." && utf8_printable (text) == 1; text++) {
    if (at && text >= (user ? user : text) && text < at) {
      len = stpcpy (shown + len, "...") - shown;
      text = at;
    }
    shown[len++] = *text;
  }
  strcpy (shown + len, *text ? "..." : "");
}

static int
fail (struct virgate_error *err, const char *text, const char *what)
{
  char shown[256];

  show (shown, sizeof shown, text);
  return error_set (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_URI,
                    "URI '%s': %s", shown, what);
}

static int
no_memory (struct virgate_error *err)
{
  return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_URI, NULL);
}

static bool
in_list (const char *const *list, const char *word)
{
  for (; list && *list; list++)
    if (strcasecmp (*list, word) == 0)
      return true;
  return false;
}

/* Decoding --------------------------------------------------------------- */

static int
hex_digit (char c)
{
  return isdigit ((unsigned char) c) ? c - '0'
                                     : tolower ((unsigned char) c) - 'a' + 10;
}

/* A decoded copy; NULL with errno EINVAL for %00 and malformed escapes. */
static char *
decode (struct uri *uri, struct text in)
{
  char *out = arena_strndup (&uri->arena, in.at, in.len), *to = out;

  if (out == NULL)
    return NULL;
  for (size_t i = 0; i < in.len; i++) {
    char c = in.at[i];

    if (c == '%') {
      if (in.len - i < 3 || !isxdigit ((unsigned char) in.at[i + 1])
          || !isxdigit ((unsigned char) in.at[i + 2])) {
        errno = EINVAL;
        return NULL;
      }
      c = hex_digit (in.at[i + 1]) << 4 | hex_digit (in.at[i + 2]);
      i += 2;
    }
    if (c == '\0') {
      errno = EINVAL;
      return NULL;
    }
    *to++ = c;
  }
  *to = '\0';
  return out;
}

static int
decode_to (struct uri *uri, struct text in, const char **out,
           const char *what, struct virgate_error *err)
{
  *out = decode (uri, in);
  if (*out)
    return 0;
  return errno == EINVAL ? fail (err, uri->v.text, what) : no_memory (err);
}

/* Scheme and authority --------------------------------------------------- */

static bool
is_module_name (const char *name)
{
  for (const char *p = name; *p; p++)
    if (!isalnum ((unsigned char) *p) && *p != '-')
      return false;
  return *name != '\0';
}

/* "driver" or "driver+transport". */
static int
split_scheme (struct uri *uri, struct text scheme, struct virgate_error *err)
{
  const char *plus = memchr (scheme.at, '+', scheme.len);
  size_t len = plus ? (size_t) (plus - scheme.at) : scheme.len;
  char *transport;

  uri->v.driver = arena_strndup (&uri->arena, scheme.at, len);
  if (uri->v.driver == NULL)
    return no_memory (err);
  if (plus == NULL)
    return 0;
  transport = arena_strndup (&uri->arena, plus + 1, scheme.len - len - 1);
  if (transport == NULL)
    return no_memory (err);
  for (char *p = transport; *p; p++)
    *p = tolower ((unsigned char) *p);
  if (!is_module_name (transport))
    return fail (err, uri->v.text, "no transport is called like that");
  uri->v.transport = transport;
  uri->has_transport = true;
  return 0;
}

static int
take_port (struct uri *uri, struct text port, struct virgate_error *err)
{
  unsigned long number = 0;

  for (size_t i = 0; i < port.len && number <= PORT_MAX; i++)
    number = number * 10 + (port.at[i] - '0');
  if (number > PORT_MAX || (port.len > 0 && number == 0))
    return fail (err, uri->v.text, "the port is not from 1 to 65535");
  uri->v.port = number;
  return 0;
}

static bool
is_clean (const char *name)
{
  for (size_t len; *name; name += len) {
    len = utf8_printable (name);
    if (len == 0 || *name == ' ' || *name == '/')
      return false;
  }
  return true;
}

static struct text
text_range (const UriTextRangeA *range)
{
  if (range->first == NULL)
    return (struct text) { "", 0 };
  return (struct text) { range->first, range->afterLast - range->first };
}

static int
take_authority (struct uri *uri, const UriUriA *parsed,
                struct virgate_error *err)
{
  struct text user = text_range (&parsed->userInfo);
  struct text host = text_range (&parsed->hostText);

  if (memchr (user.at, ':', user.len))
    return fail (err, uri->v.text, "a password does not belong in a URI");
  if (user.len > 0
      && decode_to (uri, user, &uri->v.user, "bad escape in the user", err))
    return -1;
  if (host.len > 0
      && decode_to (uri, host, &uri->v.host, "bad escape in the host", err))
    return -1;
  if ((uri->v.user && !is_clean (uri->v.user))
      || (uri->v.host && !is_clean (uri->v.host)))
    return fail (err, uri->v.text, "user or host has a character that names "
                                   "do not have");
  return take_port (uri, text_range (&parsed->portText), err);
}

/* A forgotten slash, or a transport that does not fit. */
static int
check_host (const struct uri *uri, struct virgate_error *err)
{
  const struct virgate_uri *v = &uri->v;

  if (v->host == NULL && (v->user || v->port))
    return fail (err, v->text, "user and port need a host");
  if (v->host == NULL)
    return 0;
  if (in_list (path_drivers, v->driver) && in_list (path_words, v->host))
    return error_set (err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_NONE,
                      "invalid URI %s (maybe you want %s:///%s)", v->text,
                      v->driver, v->host);
  if (uri->has_transport && strcmp (v->transport, "unix") == 0)
    return error_set (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_REMOTE,
                      "using unix socket and remote server '%s' is not "
                      "supported.", v->host);
  return 0;
}

/* Parameters ------------------------------------------------------------- */

static int
take_param (struct uri *uri, struct text part, struct virgate_param *params,
            size_t *count, struct virgate_error *err)
{
  const char *equals = memchr (part.at, '=', part.len);
  struct text name = part, value = { "", 0 };
  struct virgate_param *param = &params[*count];

  if (equals) {
    name.len = equals - part.at;
    value = (struct text) { equals + 1, part.len - name.len - 1 };
  }
  if (name.len == 0)
    return 0;
  if (*count == URI_PARAMS_MAX)
    return fail (err, uri->v.text, "too many parameters");
  if (decode_to (uri, name, &param->name, "bad escape in a parameter", err)
      || decode_to (uri, value, &param->value, "bad escape in a parameter",
                    err))
    return -1;
  ++*count;
  return 0;
}

static int
take_params (struct uri *uri, struct text query, struct virgate_error *err)
{
  const char *at = query.at, *end = query.at + query.len;
  struct virgate_param *params = arena_array (&uri->arena, URI_PARAMS_MAX + 1,
                                              sizeof *params);
  size_t count = 0;

  if (params == NULL)
    return no_memory (err);
  uri->v.params = params;
  while (at < end) {
    const char *stop = memchr (at, '&', end - at);

    if (stop == NULL)
      stop = memchr (at, ';', end - at);
    if (stop == NULL)
      stop = end;
    if (take_param (uri, (struct text) { at, stop - at }, params, &count, err))
      return -1;
    at = stop + 1;
  }
  return 0;
}

const char *
uri_param (const struct uri *uri, const char *name)
{
  const struct virgate_param *param = uri->v.params;
  const char *value = NULL;

  for (; param && param->name; param++)
    if (strcasecmp (param->name, name) == 0)
      value = param->value;
  return value;
}

/* The name to forward ---------------------------------------------------- */

static int
put (struct buf *out, const char *str)
{
  return buf_append (out, str, strlen (str));
}

static int
put_escaped (struct buf *out, const char *str, const char *keep)
{
  static const char hex[] = "0123456789ABCDEF";

  for (; *str; str++) {
    unsigned char c = *str;
    const char escaped[] = { '%', hex[c >> 4], hex[c & 15] };
    bool plain = (c < 0x80 && isalnum (c)) || strchr (keep, c);

    if (buf_append (out, plain ? str : escaped, plain ? 1 : 3) == -1)
      return -1;
  }
  return 0;
}

static int
put_params (struct buf *out, const struct uri *uri,
            const char *const *leave_out)
{
  const struct virgate_param *param = uri->v.params;
  const char *separator = "?";

  for (; param->name; param++) {
    if (in_list (consumed, param->name) || in_list (leave_out, param->name))
      continue;
    if (put (out, separator) == -1
        || put_escaped (out, param->name, KEEP_VALUE) == -1
        || put (out, "=") == -1
        || put_escaped (out, param->value, KEEP_VALUE) == -1)
      return -1;
    separator = "&";
  }
  return 0;
}

static int
put_name (struct buf *out, const struct uri *uri,
          const char *const *leave_out)
{
  if (put (out, uri->v.driver) == -1 || put (out, "://") == -1
      || put_escaped (out, uri->v.path, KEEP_PATH) == -1
      || put_params (out, uri, leave_out) == -1)
    return -1;
  if (uri->fragment == NULL)
    return 0;
  return put (out, "#") == -1
         || put_escaped (out, uri->fragment, KEEP_FRAGMENT) == -1 ? -1 : 0;
}

int
uri_consume (struct uri *uri, const char *const *params,
             struct virgate_error *err)
{
  CLEANUP (buf_free) struct buf out = BUF_INIT;
  const char *name = uri_param (uri, "name");

  if (name || uri->v.driver == NULL
      || strcmp (uri->v.driver, "remote") == 0) {
    uri->name = name ? name : "";
    return 0;
  }
  if (put_name (&out, uri, params) == -1)
    return no_memory (err);
  uri->name = arena_strndup (&uri->arena, buf_data (&out), buf_len (&out));
  return uri->name ? 0 : no_memory (err);
}

/* All of it -------------------------------------------------------------- */

/* After the authority, if there is one. */
static const char *
path_start (const char *after_scheme)
{
  if (strncmp (after_scheme, "//", 2) != 0)
    return after_scheme;
  return after_scheme + 2 + strcspn (after_scheme + 2, "/?#");
}

static int
take_all (struct uri *uri, const UriUriA *parsed, struct virgate_error *err)
{
  struct text scheme = text_range (&parsed->scheme);
  struct text path, fragment = text_range (&parsed->fragment);

  if (scheme.len == 0)
    return fail (err, uri->v.text, "missing scheme for URI");
  path.at = path_start (scheme.at + scheme.len + 1);
  path.len = strcspn (path.at, "?#");
  if (split_scheme (uri, scheme, err) == -1
      || take_authority (uri, parsed, err) == -1
      || decode_to (uri, path, &uri->v.path, "bad escape in the path", err)
      || take_params (uri, text_range (&parsed->query), err) == -1
      || check_host (uri, err) == -1)
    return -1;
  if (parsed->fragment.first
      && decode_to (uri, fragment, &uri->fragment,
                    "bad escape after '#'", err) == -1)
    return -1;
  if (uri->v.transport == NULL)
    uri->v.transport = uri->v.host ? "tls" : "unix";
  return uri_consume (uri, NULL, err);
}

static int
parse_text (struct uri *uri, struct virgate_error *err)
{
  const char *where;
  UriUriA parsed;
  char what[64];
  int result;

  result = uriParseSingleUriA (&parsed, uri->v.text, &where);
  if (result == URI_ERROR_MALLOC)
    return no_memory (err);
  if (result != URI_SUCCESS) {
    snprintf (what, sizeof what, "not a URI from character %td on",
              where - uri->v.text + 1);
    return fail (err, uri->v.text, what);
  }
  result = take_all (uri, &parsed, err);
  uriFreeUriMembersA (&parsed);
  return result;
}

int
uri_parse (struct uri *uri, const char *text, struct virgate_error *err)
{
  static const struct virgate_param no_params[1];

  memset (uri, 0, sizeof *uri);
  arena_init (&uri->arena, 16 * URI_LEN_MAX);
  uri->name = "";
  uri->v.text = uri->v.path = "";
  uri->v.transport = "unix";
  uri->v.params = no_params;
  if (text == NULL || *text == '\0')
    return 0;
  if (strnlen (text, URI_LEN_MAX + 1) > URI_LEN_MAX)
    return error_set (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_URI,
                      "the URI is longer than %d bytes", URI_LEN_MAX);
  uri->v.transport = NULL;
  uri->v.text = arena_strndup (&uri->arena, text, strlen (text));
  if (uri->v.text == NULL)
    return no_memory (err);
  if (parse_text (uri, err) == 0)
    return 0;
  uri_free (uri);
  return -1;
}

void
uri_free (struct uri *uri)
{
  arena_free (&uri->arena);
  memset (uri, 0, sizeof *uri);
}
