/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Access control of a listener: the lists that its `acl =` names.  All of
 * them are asked, in their order: one no is a no, and at least one must say
 * yes.  A listener that names no list allows.  The questions are asked by
 * sessions and, offline, by --explain.
 */
#ifndef VIRGATE_DAEMON_ACCESS_H
#define VIRGATE_DAEMON_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include <virgate/acl.h>

struct listener;
struct policy;
struct proc_row;
struct session;
struct virgate_call;

/* What the lists say, and which of them decides. */
struct access_answer {
  bool is_yes;
  bool is_asked;                /* there was a list to ask */
  int read_only;                /* a list, or a fact, wants it to be */
  const char *list;             /* that decides, borrowed from the policy;
                                   NULL: none */
  struct virgate_acl_reason reason; /* its words */
};

/* May this peer speak at all? */
void access_ask_admit (const struct policy *policy,
                       const struct virgate_peer *peer,
                       struct access_answer *answer);
/* May this identity come in? */
void access_ask_enter (const struct policy *policy,
                       const struct virgate_peer *peer,
                       const struct virgate_identity *identity,
                       struct access_answer *answer);
/* May this call be made? */
void access_ask_permit (const struct policy *policy,
                        const struct virgate_acl_call *question,
                        struct access_answer *answer);

/* "deny = 192.0.2.0/24 (virgated.conf:12, [acl office])". */
void access_describe (const struct access_answer *answer, char *text,
                      size_t size);

/* Longest such text. */
#define ACCESS_TEXT_MAX 512

/* The same question again: what do lists say now?  The log has the rule when
 * it is no.
 */
bool access_still_permits (struct session *session,
                           const struct virgate_acl_call *question);

/* The same for a session; the log has the reason when the answer is no.
 * access_enters may make the session read-only; begun is the policy that it
 * began to authenticate by, and what both that and today's say counts.
 */
bool access_admits (struct session *session);
bool access_enters (struct session *session, const struct policy *begun);
/* Has any list an opinion on calls? */
bool access_judges_calls (const struct session *session);
/* Is a call, of which nothing was looked at yet, to be judged by lists, or is
 * it known that they permit it?
 */
bool access_judges (struct session *session, const struct proc_row *row,
                    const char *payload, size_t len);
/* WAIT: an object's name is not known yet; the call is to be held, and judged
 * again after session_again.
 */
enum access_result { ACCESS_NO, ACCESS_YES, ACCESS_WAIT };
enum access_result access_permits (struct session *session,
                                   struct virgate_call *call);
/* May the session see this object, which the hypervisor itself named? */
bool access_sees (const struct session *session,
                  const struct virgate_permission *permission,
                  const struct virgate_object *object);

#endif /* VIRGATE_DAEMON_ACCESS_H */
