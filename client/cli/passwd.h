/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of `virgate passwd` share: one password file, read, changed
 * and written as a whole.
 */
#ifndef VIRGATE_CLI_PASSWD_H
#define VIRGATE_CLI_PASSWD_H

#include "cli.h"
#include "plugins/auth-password/users.h"

/* All report through cmd_fail and return -1. */

/* A password file.  While fd is open it is locked against other editors. */
struct passwd {
  struct cmd *cmd;
  char *path;                   /* what links lead to */
  int fd;                       /* -1: there is none yet, or not locked */
  char *text;                   /* NUL-terminated; "" when there is none */
  size_t len;
};

/* What becomes of one user. */
struct change {
  const char *name;
  bool must_be_new;             /* else there must be one */
  bool is_removed;
  const struct verifier *verifier; /* NULL: as it was */
  const char *groups;           /* NULL: as they were */
};

/* Read the file; with lock, keep others from changing it until
 * passwd_close.
 */
int passwd_open (struct passwd *passwd, struct cmd *cmd, const char *path,
                 bool lock);
void passwd_close (struct passwd *passwd);

/* The user's line; false when there is none. */
bool passwd_find (const struct passwd *passwd, const char *name,
                  struct user *user, char line[USERS_LINE_MAX]);

/* Put the change into the text; what else is in it stays as it is. */
int passwd_change (struct passwd *passwd, const struct change *change);

/* Write the text: whole, or not at all.  1: somebody else has made the file
 * meanwhile, to be opened again.
 */
int passwd_save (struct passwd *passwd);

#endif /* VIRGATE_CLI_PASSWD_H */
