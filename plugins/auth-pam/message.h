/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What auth-pam and its helper tell each other: strings, each with its NUL.
 * Both are of the same version, or the first string says that they are not.
 *
 *   to the helper:  one for each enum message_part
 *   from it:        "yes", the name, groups ...;  or "no", the reason
 */
#ifndef VIRGATE_AUTH_PAM_MESSAGE_H
#define VIRGATE_AUTH_PAM_MESSAGE_H

#define MESSAGE_VERSION "1"

enum message_part {
  MESSAGE_IS,                   /* MESSAGE_VERSION */
  MESSAGE_SERVICE,
  MESSAGE_USER,
  MESSAGE_PASSWORD,
  MESSAGE_CODE,                 /* the answer to a second hidden prompt; "" */
  MESSAGE_ADDRESS,              /* of the peer; "" when it is local */
  MESSAGE_ACCOUNT,              /* "1": the account must be in order as well */
  MESSAGE_PARTS
};

/* Bytes of a question; of an answer with all groups. */
#define MESSAGE_QUESTION_MAX 4096
#define MESSAGE_ANSWER_MAX (64 * 1024)

/* As many groups as an answer names. */
#define MESSAGE_GROUPS_MAX 256

#endif /* VIRGATE_AUTH_PAM_MESSAGE_H */
