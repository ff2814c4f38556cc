/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading libvirt's auth.conf; see authfile.h.  The file is read anew for
 * each question, so that no password stays in memory between them.
 */
#include "config.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/authfile.h"
#include "core/conffile.h"
#include "core/error.h"
#include "core/secretfile.h"

/* Where existing files are, and where this build has its own. */
static const char *const system_files[] = {
  SYSCONFDIR "/libvirt/auth.conf", "/etc/libvirt/auth.conf"
};

#define BLANKS " \t\r\f\v"

/* One walk through the text, for the last value of one key of one group. */
struct walk {
  const char *path;
  const char *group, *key;
  bool in_group, seen_group;    /* the wanted one: now, at all */
  bool in_any;
  char *value;                  /* in the text */
  unsigned line, value_line;
  struct virgate_error *err;
};

/* Always returns -1. */
static int __attribute__ ((format (printf, 3, 4)))
complain (struct walk *w, unsigned line, const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL;
  va_list args;

  va_start (args, fmt);
  if (vasprintf (&text, fmt, args) == -1)
    text = NULL;
  va_end (args);
  return error_text (w->err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                     "%s:%u: %s", w->path, line, text ? text
                                                      : "out of memory");
}

/* Where the file is -------------------------------------------------------- */

static bool
put_path (char *path, size_t size, const char *from)
{
  int len = snprintf (path, size, "%s", from);

  return len > 0 && (size_t) len < size;
}

int
authfile_find (const char *named, char *path, size_t size)
{
  const char *variable = secure_getenv ("LIBVIRT_AUTH_FILE");

  if (variable && *variable)
    return put_path (path, size, variable);
  if (named)
    return put_path (path, size, named);
  if (config_user_path (path, size, "/libvirt/auth.conf")
      && access (path, R_OK) == 0)
    return 1;
  for (size_t i = 0; i < COUNT_OF (system_files); i++)
    if (access (system_files[i], R_OK) == 0)
      return put_path (path, size, system_files[i]);
  return 0;
}

/* Syntax ------------------------------------------------------------------- */

static void
cut_blanks (char *text)
{
  size_t len = strlen (text);

  while (len > 0 && strchr (BLANKS, text[len - 1]))
    len--;
  text[len] = '\0';
}

static int
read_group (struct walk *w, char *line)
{
  char *end = strchr (line, ']');

  if (end == NULL || end == line + 1 || end[1 + strspn (end + 1, BLANKS)])
    return complain (w, w->line, "is not [GROUP]");
  *end = '\0';
  w->in_any = true;
  w->in_group = strcmp (line + 1, w->group) == 0;
  w->seen_group |= w->in_group;
  return 0;
}

static int
read_pair (struct walk *w, char *line)
{
  char *value = strchr (line, '=');

  if (value == NULL || value == line)
    return complain (w, w->line, "is not KEY=VALUE, [GROUP] or a comment");
  if (!w->in_any)
    return complain (w, w->line, "stands before the first [GROUP]");
  *value++ = '\0';
  cut_blanks (line);
  if (w->in_group && strcmp (line, w->key) == 0) {
    w->value = value + strspn (value, BLANKS);
    w->value_line = w->line;
  }
  return 0;
}

static int
read_line (struct walk *w, char *line)
{
  size_t len = strlen (line);

  w->line++;
  if (len > 0 && line[len - 1] == '\r')
    line[len - 1] = '\0';
  line += strspn (line, BLANKS);
  if (*line == '\0' || *line == '#')
    return 0;
  return *line == '[' ? read_group (w, line) : read_pair (w, line);
}

/* Lines and names end in a NUL afterwards: every walk has a copy. */
static int
walk_text (struct walk *w, char *text, size_t len)
{
  char *end = text + len;

  if (memchr (text, '\0', len))
    return complain (w, 1, "there is a NUL in the file");
  for (char *line = text; line < end; ) {
    char *stop = memchr (line, '\n', end - line);

    if (stop)
      *stop = '\0';
    if (read_line (w, line) == -1)
      return -1;
    line = stop ? stop + 1 : end;
  }
  return 0;
}

/* A value's characters, as GLib escapes them. */
static char *
unescape (struct walk *w)
{
  static const char letters[] = "sntr\\", characters[] = " \n\t\r\\";
  char *value = strdup (w->value), *to = value;

  if (value == NULL) {
    complain (w, w->value_line, "out of memory");
    return NULL;
  }
  for (const char *at = w->value; *at; at++) {
    const char *letter;

    if (*at != '\\') {
      *to++ = *at;
      continue;
    }
    letter = at[1] ? strchr (letters, *++at) : NULL;
    if (letter == NULL) {
      complain (w, w->value_line, "after a backslash comes s, n, t, r or "
                "another one");
      secret_drop (value, strlen (value));
      return NULL;
    }
    *to++ = characters[letter - letters];
  }
  *to = '\0';
  return value;
}

/* Look-ups ----------------------------------------------------------------- */

/* 1 with the value, 0 with the group seen or not, -1. */
static int
find (struct walk *w, const char *text, size_t len, char **value)
{
  char *copy = malloc (len + 1);
  int result = -1;

  if (copy == NULL)
    return complain (w, 1, "out of memory");
  memcpy (copy, text, len);
  copy[len] = '\0';
  if (walk_text (w, copy, len) == 0) {
    *value = w->value ? unescape (w) : NULL;
    result = *value ? 1 : w->value ? -1 : 0;
  }
  secret_drop (copy, len);
  return result;
}

/* The name of the credentials for a host: "auth-SERVICE-HOST". */
static int
find_name (struct walk *w, const char *text, size_t len, const char *service,
           const char *host, char **name)
{
  CLEANUP_FREE char *group = NULL;
  int result;

  if (asprintf (&group, "auth-%s-%s", service, host) == -1)
    return complain (w, 1, "out of memory");
  w->group = group;
  w->key = "credentials";
  result = find (w, text, len, name);
  if (result == 0 && w->seen_group)
    return complain (w, w->line, "[%s] has no credentials", group);
  w->group = NULL;
  return result;
}

int
authfile_lookup_text (const char *text, size_t len, const char *path,
                      const char *service, const char *host, const char *key,
                      char **value, struct virgate_error *err)
{
  struct walk w = { .path = path, .err = err };
  CLEANUP_FREE char *name = NULL, *group = NULL;
  int result = find_name (&w, text, len, service, host, &name);

  if (result == 0) {
    w = (struct walk) { .path = path, .err = err };
    result = find_name (&w, text, len, service, "default", &name);
  }
  if (result != 1)
    return result;
  cut_blanks (name);
  if (asprintf (&group, "credentials-%s", name) == -1)
    return complain (&w, 1, "out of memory");
  w = (struct walk) { .path = path, .err = err, .group = group, .key = key };
  result = find (&w, text, len, value);
  if (result == 0 && !w.seen_group)
    return complain (&w, w.line, "there is no [%s]", group);
  return result;
}

static int
lookup (const char *path, unsigned flags, const char *service,
        const char *host, const char *key, char **value,
        struct virgate_error *err)
{
  char *text = NULL;
  size_t len = 0;
  int result = secret_read (path, flags, AUTHFILE_MAX, &text, &len, err);

  if (result == 1)
    return error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "there is no file %s", path);
  if (result == -1)
    return -1;
  result = authfile_lookup_text (text, len, path, service, host, key, value,
                                 err);
  secret_drop (text, len);
  return result;
}

int
authfile_lookup (const char *path, const char *service, const char *host,
                 const char *key, char **value, struct virgate_error *err)
{
  return lookup (path, 0, service, host, key, value, err);
}

/* Credentials by kind ------------------------------------------------------ */

const char *const *
authfile_keys (uint32_t kind)
{
  static const char *const keys[][3] = {
    [VIRGATE_CRED_USERNAME] = { "username", "authname" },
    [VIRGATE_CRED_AUTHNAME] = { "authname", "username" },
    [VIRGATE_CRED_PASSWORD] = { "password" },
    [VIRGATE_CRED_REALM] = { "realm" },
  };

  return kind < COUNT_OF (keys) && keys[kind][0] ? keys[kind] : NULL;
}

/* path NULL: there is no file. */
static int
find_credential (const char *path, unsigned flags, const char *service,
                 const char *host, const char *user, uint32_t kind,
                 char **value, struct virgate_error *err)
{
  const char *const *key = authfile_keys (kind);
  int result = 0;

  if (key == NULL)
    return 0;
  for (; path && *key && result == 0; key++)
    result = lookup (path, flags, service, host, *key, value, err);
  if (result != 0 || user == NULL || (kind != VIRGATE_CRED_USERNAME
                                      && kind != VIRGATE_CRED_AUTHNAME))
    return result;
  *value = strdup (user);
  return *value ? 1 : error_set (err, VIRGATE_ERR_NO_MEMORY,
                                 VIRGATE_FROM_CONF, NULL);
}

int
authfile_credential (const char *named, const char *service,
                     const char *host, const char *user, uint32_t kind,
                     char **value, struct virgate_error *err)
{
  char path[PATH_MAX];

  return find_credential (authfile_find (named, path, sizeof path) ? path
                                                                   : NULL,
                          0, service, host, user, kind, value, err);
}

int
authfile_private_credential (const char *path, const char *service,
                             const char *host, const char *user,
                             uint32_t kind, char **value,
                             struct virgate_error *err)
{
  return find_credential (path, SECRET_PRIVATE, service, host, user, kind,
                          value, err);
}
