/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Conditions, `KEY:VALUE` words about a peer or its identity.  Only what the
 * kernel, a verified certificate or a verified exchange vouches for counts.
 * Before the handshake some answers are not known yet.
 */
#ifndef VIRGATE_ACL_IP_COND_H
#define VIRGATE_ACL_IP_COND_H

#include <virgate/acl.h>

#include "ip-sets.h"

enum ip_match { IP_NO, IP_MAYBE, IP_YES };

/* Who is being judged. */
struct ip_question {
  const struct virgate_host *host;
  const struct virgate_peer *peer;
  const struct virgate_identity *identity; /* NULL: it is not known yet */
  enum ip_match has_address;    /* MAYBE: a handshake may still tell it */
  bool is_v6;
  struct ip_addr addr;
};

struct ip_key;

struct ip_cond {
  const struct ip_key *key;
  char *pattern;
  uint64_t number;
  struct ip_table table;        /* of an address condition */
};

/* Is the word a condition rather than an entry of addresses? */
bool ip_is_cond (const char *word);

/* Read a condition; an entry of addresses is one, too.  0, or -1 with why
 * filled in.
 */
int ip_cond_read (struct ip_cond *cond, struct ip_sets *sets,
                  const char *word, char *why, size_t size);
void ip_cond_free (struct ip_cond *cond);

/* ip-idle.c: write to the log when a rule can never match, because one of its
 * conditions is about a listener, a transport or a method that no listener is,
 * uses or asks for.  Of many such rules only the first are told.
 *
 * file, line  where the rule stands; NULL: nowhere
 * told        how many were told so far
 */
void ip_tell_idle (const struct virgate_host *host,
                   const struct ip_cond *conds, unsigned count,
                   const char *file, uint32_t line, unsigned *told);
/* What the condition is about: enum virgate_configured, or 0. */
uint32_t ip_cond_about (const struct ip_cond *cond);

/* Fill in the peer's address.  trust_claims: a relay's word is enough where
 * there is nothing better.
 */
void ip_question_begin (struct ip_question *question,
                        const struct virgate_host *host,
                        const struct virgate_peer *peer,
                        const struct virgate_identity *identity,
                        bool trust_claims);

enum ip_match ip_cond_matches (const struct ip_cond *cond,
                               const struct ip_question *question);

/* Does a table have the address? */
enum ip_match ip_question_in (const struct ip_question *question,
                              const struct ip_table *table,
                              struct ip_hit *hit);

#endif /* VIRGATE_ACL_IP_COND_H */
