/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The password file: who there is, with a verifier and groups for each.  The
 * command that edits it uses this as well as the module.
 *
 *   # a comment
 *   fred:SCRAM-SHA-256$32768:SALT$STOREDKEY:SERVERKEY:operators,staff
 *   *:SCRAM-SHA-256$32768:SALT$STOREDKEY:SERVERKEY
 *
 * The user "*" is nobody: its keys make up an answer for each name that is not
 * in the file, the same one every time.
 */
#ifndef VIRGATE_AUTH_PASSWORD_USERS_H
#define VIRGATE_AUTH_PASSWORD_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "verifier.h"

/* Bytes of a file, and of a line with its newline and NUL. */
#define USERS_FILE_MAX (16 * 1024 * 1024)
#define USERS_LINE_MAX 4096

#define USER_NAME_MAX 255
#define USER_GROUPS_MAX 64

/* The user that stands for all who are not in the file. */
#define USER_NOBODY "*"

struct user {
  const char *name;
  const char *groups;           /* with commas between; "" for none */
  struct verifier verifier;
};

/* One state of the file; shared, never changed. */
struct users {
  unsigned refs;                /* atomic */
  struct user *list;            /* by name */
  size_t count;
  struct arena arena;           /* owns list and strings */
  uint8_t secret[SCRAM_KEY];    /* what answers for nobody are made of */
};

/* A line of the file: NULL, or what is wrong with it.  line is changed, and
 * user points into it; its name is NULL when the line says nothing.
 */
const char *user_parse (char *line, struct user *user);

/* Is this a name as the file can hold it?  NULL, or what is wrong with it. */
const char *user_check_name (const char *name);

/* Read LEN bytes of text; name is the file's, for messages.  Returns it with
 * one reference, or NULL with why filled in: file, line, what is wrong.
 */
struct users *users_parse (const char *text, size_t len, const char *name,
                           char *why, size_t size);

/* Read a file that nobody else can read: mode 0600, or 0640 where its group
 * is one of the caller's; owned by root or the caller's user.
 */
struct users *users_load (const char *path, char *why, size_t size);

struct users *users_ref (struct users *users);
void users_unref (struct users *users);

/* Copy the user of this name to found.  Returns true; or false, and found is
 * somebody whom nobody can be, made up from the name.  Takes as long in both
 * cases.
 */
bool users_find (const struct users *users, const char *name,
                 struct user *found);

#endif /* VIRGATE_AUTH_PASSWORD_USERS_H */
