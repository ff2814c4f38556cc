/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists of names in a section of auth-pam: users and groups that may enter.
 */
#ifndef VIRGATE_AUTH_PAM_NAMES_H
#define VIRGATE_AUTH_PAM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <virgate/host.h>

/* Names in one list. */
#define NAMES_MAX 4096

struct names {
  char **name;
  size_t count;
};

/* Add the words of a value.  0, or -1 after host->error. */
int names_add (struct names *names, const struct virgate_host *host,
               const char *value);
bool names_have (const struct names *names, const char *name);
void names_free (struct names *names);

#endif /* VIRGATE_AUTH_PAM_NAMES_H */
