/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * acl-rules: who may call what on which object, and what they may see.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "rules.h"

/* Questions that one call can come to: permissions times objects. */
#define ASKED_MAX 32

static int
acl_open (const struct virgate_host *host, void **inst)
{
  struct rules *rules = calloc (1, sizeof *rules);

  if (rules)
    rules->views = rules_views_new ();
  if (rules == NULL || rules->views == NULL) {
    free (rules);
    return host->error (host, "out of memory");
  }
  if (!VIRGATE_HOST_HAS (host, identity_get)) {
    rules_free (rules);
    return host->error (host, "this program is too old for acl-rules");
  }
  rules->host = host;
  *inst = rules;
  return 0;
}

static void
acl_close (void *inst)
{
  rules_free (inst);
}

static int
acl_enter (void *inst, const struct virgate_peer *peer,
           const struct virgate_identity *identity, int *read_only,
           struct virgate_acl_reason *reason)
{
  return rules_entry (inst, peer, identity, read_only, reason);
}

static struct rules_asked
question (const struct virgate_permission *pair,
          const struct virgate_object *object, bool is_write)
{
  int kind = rules_object_find (pair->object);

  return (struct rules_asked) {
    .perm = rules_perm_of (kind, pair->permission),
    .kind = kind,
    .permission = pair->permission,
    .object = object,
    .is_write = is_write,
  };
}

/* What a call comes to. */
struct questions {
  struct rules_asked asked[ASKED_MAX];
  unsigned count;               /* more than there is room for: too many */
};

static void
add (struct questions *questions, const struct rules_asked asked)
{
  if (questions->count < ASKED_MAX)
    questions->asked[questions->count] = asked;
  questions->count++;
}

/* A permission is needed on all objects of its kind that the call names. */
static void
add_pair (struct questions *questions, const struct virgate_acl_call *call,
          const struct virgate_permission *pair)
{
  unsigned before = questions->count;

  for (uint32_t i = 0; i < call->object_count; i++)
    if (strcmp (call->objects[i].kind, pair->object) == 0)
      add (questions, question (pair, &call->objects[i], call->is_write));
  if (questions->count == before)
    add (questions, question (pair, NULL, call->is_write));
}

static int
acl_permit (void *inst, const struct virgate_acl_call *call,
            struct virgate_acl_reason *reason)
{
  struct questions questions;

  questions.count = 0;
  for (uint32_t i = 0; i < call->permission_count; i++)
    add_pair (&questions, call, &call->permissions[i]);
  if (questions.count <= ASKED_MAX)
    return rules_judge (inst, call->peer, call->identity, call->is_write,
                        questions.asked, questions.count, reason);
  snprintf (reason->text, sizeof reason->text, "it is about too many objects");
  return VIRGATE_ACL_DENY;
}

static int
acl_visible (void *inst, const struct virgate_peer *peer,
             const struct virgate_identity *identity,
             const struct virgate_permission *permission,
             const struct virgate_object *object)
{
  const struct rules_asked asked = question (permission, object, false);

  return rules_judge (inst, peer, identity, false, &asked, 1, NULL);
}

static int
acl_by_name (void *inst, const struct virgate_peer *peer,
             const struct virgate_identity *identity, const char *kind)
{
  return rules_go_by_name (inst, peer, identity, rules_object_find (kind));
}

/* What is not known of an object counts against the caller: whoever may do it
 * to one of which nothing is known may do it to all.
 */
static int
acl_standing (void *inst, const struct virgate_peer *peer,
              const struct virgate_identity *identity,
              const struct virgate_permission *permission, uint32_t is_write)
{
  const struct rules_asked asked = question (permission, NULL, is_write);

  return rules_judge (inst, peer, identity, is_write, &asked, 1, NULL);
}

static const struct virgate_acl_ops ops = {
  .enter = acl_enter,
  .permit = acl_permit,
  .visible = acl_visible,
  .by_name = acl_by_name,
  .standing = acl_standing,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_ACL,
  .ops_size = sizeof ops,
  .name = "rules",
  .version = PACKAGE_VERSION,
  .summary = "roles, and rules of who may do what with which objects",
  .options = rules_options,
  .open = acl_open,
  .config = rules_config,
  .ready = rules_ready,
  .reload = rules_reload,
  .close = acl_close,
  .ops = &ops,
};
