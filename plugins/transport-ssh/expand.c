/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tokens, home folders and environment variables in values of ssh's config.
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "sshconf.h"

#define EXPANDED_MAX 4096

struct expansion {
  const struct sshconf_tokens *tokens;
  struct buf out;
  char *why;
  size_t size;
};

static int
put (struct expansion *e, const char *text, size_t len)
{
  if (buf_len (&e->out) + len > EXPANDED_MAX
      || buf_append (&e->out, text, len) == -1) {
    snprintf (e->why, e->size, "the value becomes too long");
    return -1;
  }
  return 0;
}

static int
put_token (struct expansion *e, char letter)
{
  const struct sshconf_tokens *t = e->tokens;
  char port[16];
  const struct {
    char letter;
    const char *text;
  } table[] = {
    { 'h', t->host }, { 'n', t->original }, { 'r', t->user },
    { 'u', t->local_user }, { 'd', t->home }, { 'p', port }, { '%', "%" },
  };

  snprintf (port, sizeof port, "%u", t->port);
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].letter == letter && table[i].text)
      return put (e, table[i].text, strlen (table[i].text));
  snprintf (e->why, e->size, "there is nothing to put for %%%c", letter);
  return -1;
}

/* Text begins with "${"; returns its length, or 0 with why filled in. */
static size_t
put_variable (struct expansion *e, const char *text)
{
  const char *end = strchr (text, '}');
  char name[64];
  const char *value;
  size_t len = end ? (size_t) (end - text - 2) : 0;

  if (len == 0 || len >= sizeof name) {
    snprintf (e->why, e->size, "a ${NAME} is malformed");
    return 0;
  }
  memcpy (name, text + 2, len);
  name[len] = '\0';
  value = secure_getenv (name);
  if (value == NULL) {
    snprintf (e->why, e->size, "there is no environment variable %s", name);
    return 0;
  }
  return put (e, value, strlen (value)) == -1 ? 0 : len + 3;
}

static const char *
home_of (const char *name, size_t len, struct passwd *entry, char *memory,
         size_t size)
{
  struct passwd *found = NULL;
  char user[64];

  if (len >= sizeof user)
    return NULL;
  memcpy (user, name, len);
  user[len] = '\0';
  return getpwnam_r (user, entry, memory, size, &found) == 0 && found
         ? found->pw_dir : NULL;
}

/* "~/x", or "~joe/x"; returns how much of the value that was. */
static size_t
put_home (struct expansion *e, const char *value)
{
  size_t len = strcspn (value, "/");
  struct passwd entry;
  char memory[4096];
  const char *home = e->tokens->home;

  if (len > 1)
    home = home_of (value + 1, len - 1, &entry, memory, sizeof memory);
  if (home == NULL) {
    snprintf (e->why, e->size, "there is no home folder for %.*s",
              (int) (len < 64 ? len : 64), value);
    return 0;
  }
  return put (e, home, strlen (home)) == -1 ? 0 : len;
}

/* The next piece; returns its length in the value, 0 on error. */
static size_t
put_piece (struct expansion *e, const char *at, bool is_first)
{
  if (*at == '~' && is_first)
    return put_home (e, at);
  if (*at == '%')
    return put_token (e, at[1]) == -1 ? 0 : 2;
  if (at[0] == '$' && at[1] == '{')
    return put_variable (e, at);
  return put (e, at, 1) == -1 ? 0 : 1;
}

char *
sshconf_expand (const char *value, const struct sshconf_tokens *tokens,
                char *why, size_t size)
{
  struct expansion e = { tokens, BUF_INIT, why, size };

  for (const char *at = value; *at;) {
    size_t len = put_piece (&e, at, at == value);

    if (len == 0) {
      buf_free (&e.out);
      return NULL;
    }
    at += len;
  }
  if (put (&e, "", 1) == -1) {
    buf_free (&e.out);
    return NULL;
  }
  return e.out.base;
}
