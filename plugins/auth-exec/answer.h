/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the program of auth-exec answers:
 *
 *   yes [NAME]      or   no [REASON]      or   pass
 *   group NAME
 *   ...
 *
 * and nothing else.
 */
#ifndef VIRGATE_AUTH_EXEC_ANSWER_H
#define VIRGATE_AUTH_EXEC_ANSWER_H

#include <stddef.h>

/* Bytes of an answer, of a name in it, and groups. */
#define ANSWER_MAX (64 * 1024)
#define ANSWER_NAME_MAX 255
#define ANSWER_GROUPS_MAX 256

enum answer_verdict { ANSWER_NO, ANSWER_YES, ANSWER_PASS };

struct answer {
  enum answer_verdict verdict;
  const char *word;             /* the name or the reason; NULL: none given */
  const char *groups[ANSWER_GROUPS_MAX];
  size_t group_count;
};

/* Take it apart; strings point into text, which has a NUL after LEN bytes and
 * is changed.  Returns NULL, or what is wrong with it.
 */
const char *answer_parse (struct answer *answer, char *text, size_t len);

#endif /* VIRGATE_AUTH_EXEC_ANSWER_H */
