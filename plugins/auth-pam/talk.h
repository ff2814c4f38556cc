/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PAM's conversation, held with what the client said once and for all.
 */
#ifndef VIRGATE_AUTH_PAM_TALK_H
#define VIRGATE_AUTH_PAM_TALK_H

#include <security/pam_appl.h>

/* Messages of one conversation; a stack that asks without end is refused. */
#define TALK_MESSAGES_MAX 64

struct talk {
  const char *user, *password;
  const char *code;             /* "": there is none */
  unsigned messages, hidden;    /* so far */
};

/* See pam_conv(3); opaque is a struct talk. */
int talk (int count, const struct pam_message **messages,
          struct pam_response **responses, void *opaque);

#endif /* VIRGATE_AUTH_PAM_TALK_H */
