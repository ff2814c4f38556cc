/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a section judges a peer; see ip.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "ip.h"

/* What decides, to be quoted. */
struct finding {
  const struct ip_rule *rule;
  bool is_entry;
  struct ip_hit hit;
};

static const uint8_t outcomes[][2][2] = {
  /* [policy][is in deny][is in allow] */
  [IP_POLICY_DENY] = { { IP_CAN_DENY, IP_CAN_ALLOW },
                       { IP_CAN_DENY, IP_CAN_DENY } },
  [IP_POLICY_ALLOW] = { { IP_CAN_ALLOW, IP_CAN_ALLOW },
                        { IP_CAN_DENY, IP_CAN_ALLOW } },
  [IP_POLICY_PASS] = { { IP_CAN_PASS, IP_CAN_ALLOW },
                       { IP_CAN_DENY, IP_CAN_DENY } },
};

/* All conditions of a rule. */
static enum ip_match
match_rule (const struct ip_rule *rule, const struct ip_question *question)
{
  enum ip_match all = IP_YES;

  for (unsigned i = 0; i < rule->count && all != IP_NO; i++)
    all = MIN_OF (all, ip_cond_matches (&rule->conds[i], question));
  return all;
}

/* Is the peer in a list?  Addresses first: they cost least. */
static enum ip_match
match_list (const struct ip *ip, const struct ip_filed *filed,
            enum ip_list list, const struct ip_question *question,
            struct finding *finding)
{
  const struct ip_rules *words = &ip->words[list];
  enum ip_match match = ip_question_in (question, &ip->fixed[list],
                                        &finding->hit);

  if (match != IP_YES && filed)
    match = MAX_OF (match, ip_question_in (question, &filed->table[list],
                                           &finding->hit));
  finding->is_entry = match == IP_YES;
  for (unsigned i = 0; i < words->count && match != IP_YES; i++) {
    finding->rule = &words->rule[i];
    match = MAX_OF (match, match_rule (finding->rule, question));
  }
  if (match != IP_YES || finding->is_entry)
    finding->rule = NULL;
  return match;
}

/* What the lists may lead to. */
static unsigned
combine (enum ip_policy policy, enum ip_match denied, enum ip_match allowed)
{
  unsigned can = 0;

  for (int d = 0; d < 2; d++)
    for (int a = 0; a < 2; a++)
      if (denied != (d ? IP_NO : IP_YES) && allowed != (a ? IP_NO : IP_YES))
        can |= outcomes[policy][d][a];
  return can;
}

static void
quote_rule (const struct ip_rule *rule, struct virgate_acl_reason *reason)
{
  snprintf (reason->text, sizeof reason->text, "%s", rule->text);
  reason->file = rule->file;
  reason->line = rule->line;
}

static void
quote_entry (const struct ip *ip, const struct ip_hit *hit,
             struct virgate_acl_reason *reason)
{
  const struct ip_source *source = &ip->sources[hit->source];
  char text[IP_TEXT_MAX];

  ip_format (&hit->range, text, sizeof text);
  snprintf (reason->text, sizeof reason->text, "%s%s", source->text, text);
  reason->file = source->file;
  reason->line = hit->line;
}

static void
quote (const struct ip *ip, unsigned can, const struct finding found[2],
       struct virgate_acl_reason *reason)
{
  const struct finding *finding = can == IP_CAN_DENY ? &found[IP_DENY]
                                : can == IP_CAN_ALLOW ? &found[IP_ALLOW]
                                : NULL;

  if (finding && finding->is_entry)
    quote_entry (ip, &finding->hit, reason);
  else if (finding && finding->rule)
    quote_rule (finding->rule, reason);
  else
    snprintf (reason->text, sizeof reason->text, "%s",
              can == IP_CAN_DENY ? "no allow entry matches"
              : can == IP_CAN_ALLOW ? "no deny entry matches"
              : can == IP_CAN_PASS ? "no entry matches"
              : "who it is will decide");
}

static unsigned
judge_lists (struct ip *ip, const struct ip_question *question, unsigned can,
             struct virgate_acl_reason *reason)
{
  struct finding found[2] = { { .rule = NULL }, { .rule = NULL } };
  unsigned side = guard_enter (&ip->guard);
  const struct ip_filed *filed = atomic_load (&ip->filed);
  enum ip_match allowed, denied;

  allowed = match_list (ip, filed, IP_ALLOW, question, &found[IP_ALLOW]);
  denied = match_list (ip, filed, IP_DENY, question, &found[IP_DENY]);
  guard_leave (&ip->guard, side);
  can |= combine (ip->policy, denied, allowed);
  quote (ip, can, found, reason);
  return can;
}

unsigned
ip_judge (struct ip *ip, const struct virgate_peer *peer,
          const struct virgate_identity *identity, int *read_only,
          struct virgate_acl_reason *reason)
{
  struct ip_question question;
  unsigned can = 0;

  ip_question_begin (&question, ip->host, peer, identity, ip->trust_claims);
  for (unsigned i = 0; i < ip->rules.count; i++) {
    const struct ip_rule *rule = &ip->rules.rule[i];
    enum ip_match match = match_rule (rule, &question);

    if (match == IP_NO)
      continue;
    can |= rule->verdict == IP_ALLOW ? IP_CAN_ALLOW : IP_CAN_DENY;
    if (match != IP_YES)
      continue;
    quote_rule (rule, reason);
    if (rule->is_read_only)
      *read_only = 1;
    return can;
  }
  return judge_lists (ip, &question, can, reason);
}
