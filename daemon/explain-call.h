/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The last part of an answer to --explain: would a call be allowed to who is
 * in?
 */
#ifndef VIRGATE_DAEMON_EXPLAIN_CALL_H
#define VIRGATE_DAEMON_EXPLAIN_CALL_H

#include <stdbool.h>

#include "daemon/access.h"
#include "daemon/explain-words.h"
#include "daemon/explain.h"

/* "entry: let in: allow = 192.0.2.0/24 (...)", or refused instead of yes. */
bool explain_say_access (const char *about, const char *yes,
                         const struct access_answer *answer);

/* question->call is there; the session is in, perhaps to read only. */
enum explain_status explain_call (const struct explain_question *question,
                                  const struct session *session,
                                  bool is_read_only);

#endif /* VIRGATE_DAEMON_EXPLAIN_CALL_H */
