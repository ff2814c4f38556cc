/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Having the helper hold a conversation with PAM.
 */
#ifndef VIRGATE_AUTH_PAM_ASK_H
#define VIRGATE_AUTH_PAM_ASK_H

#include <stdbool.h>

#include <virgate/host.h>

#include "message.h"

struct ask {
  const struct virgate_host *host;
  const char *helper;           /* its path */
  const char *service;
  const char *user, *password;
  const char *code;             /* "": none */
  const char *address;          /* "": local */
  bool with_account;
  int64_t deadline;             /* monotonic nanoseconds */
};

/* PAM's answer; strings point into space. */
struct verdict {
  bool is_yes;
  const char *name;             /* or the reason */
  const char *groups[MESSAGE_GROUPS_MAX];
  size_t group_count;
  char space[MESSAGE_ANSWER_MAX + 1];
};

/* Blocks.  0, or -1 after host->error: there is no verdict. */
int ask_pam (const struct ask *ask, struct verdict *verdict);

#endif /* VIRGATE_AUTH_PAM_ASK_H */
