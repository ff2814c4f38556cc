/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication methods and an access list that decide as the input says.
 * A conversation that came to an end must not be gone on with.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "core/peer.h"
#include "fuzz/session-parts.h"

struct conv {
  bool is_over;
  char answer[64];
};

static int
verdict (struct virgate_identity *identity)
{
  int result = mood.auth % 5 - 1;

  if (result == VIRGATE_AUTH_YES
      && identity_name (identity, "somebody", VIRGATE_VOUCH_EXCHANGE) == -1)
    return VIRGATE_AUTH_ERROR;
  return result;
}

static int
facts_decide (void *inst, const struct virgate_peer *peer,
              struct virgate_identity *identity)
{
  int result = verdict (identity);

  return result == VIRGATE_AUTH_MORE ? VIRGATE_AUTH_PASS : result;
}

static const char *
talk_mechanisms (void *inst, const struct virgate_auth_context *context)
{
  return "ONE,TWO";
}

/* One mechanism in common with those. */
static const char *
other_mechanisms (void *inst, const struct virgate_auth_context *context)
{
  return "TWO,THREE";
}

/* Only where the input wants it. */
static const char *
fickle_mechanisms (void *inst, const struct virgate_auth_context *context)
{
  return mood.acl & 16 ? "THREE" : NULL;
}

/* The first byte of what the client sends says how it goes on. */
static int
converse (struct conv *conv, const struct virgate_auth_data *in,
          struct virgate_auth_data *out, struct virgate_identity *identity)
{
  int result;

  if (conv->is_over)
    abort ();
  mood.auth = in->len > 0 ? *(const uint8_t *) in->data : 2;
  result = verdict (identity);
  conv->is_over = result != VIRGATE_AUTH_MORE;
  memset (conv->answer, 'x', sizeof conv->answer);
  if (in->len != 1)
    *out = (struct virgate_auth_data) {
      conv->answer, MIN_OF (in->len, sizeof conv->answer)
    };
  return result == VIRGATE_AUTH_PASS ? VIRGATE_AUTH_NO : result;
}

static int
talk_start (void *inst, const struct virgate_auth_context *context,
            const char *mech, const struct virgate_auth_data *in,
            struct virgate_auth_data *out, void **conv,
            struct virgate_identity *identity)
{
  *conv = calloc (1, sizeof (struct conv));
  return *conv ? converse (*conv, in, out, identity) : VIRGATE_AUTH_ERROR;
}

/* A conversation of one message, which leaves nothing to free. */
static int
once_start (void *inst, const struct virgate_auth_context *context,
            const char *mech, const struct virgate_auth_data *in,
            struct virgate_auth_data *out, void **conv,
            struct virgate_identity *identity)
{
  struct conv once = { 0 };
  int result = converse (&once, in, out, identity);

  *out = (struct virgate_auth_data) { NULL, 0 };
  return result == VIRGATE_AUTH_MORE ? VIRGATE_AUTH_NO : result;
}

static int
once_step (void *conv, const struct virgate_auth_data *in,
           struct virgate_auth_data *out, struct virgate_identity *identity)
{
  abort ();
}

static int
talk_step (void *conv, const struct virgate_auth_data *in,
           struct virgate_auth_data *out, struct virgate_identity *identity)
{
  return converse (conv, in, out, identity);
}

#define TALK(list)                                                      \
  .mechanisms = list, .start = talk_start, .step = talk_step,           \
  .conv_free = free

/* By their letters below. */
static const struct virgate_auth_ops auth_ops[128] = {
  ['f'] = { .decide = facts_decide },
  ['t'] = { TALK (talk_mechanisms) },
  ['s'] = { .flags = VIRGATE_AUTH_BLOCKS, .decide = facts_decide,
            TALK (talk_mechanisms) },
  ['p'] = { .flags = VIRGATE_AUTH_POLKIT, .decide = facts_decide },
  ['e'] = { .flags = VIRGATE_AUTH_POLKIT | VIRGATE_AUTH_BLOCKS,
            .decide = facts_decide, .exempt = facts_decide },
  ['o'] = { TALK (other_mechanisms) },
  ['w'] = { .mechanisms = talk_mechanisms, .start = once_start,
            .step = once_step, .conv_free = free },
  ['b'] = { .flags = VIRGATE_AUTH_BLOCKS | VIRGATE_AUTH_LONG,
            .decide = facts_decide, TALK (fickle_mechanisms) },
};

static const char *const kinds[] = {
  "", "f", "t", "s", "p", "ft p", "sp t", "t s",
  "w o", "w w s", "fw so t", "p e f", "o t w", "fsb", "ep t", "b wf fe",
};

static int
list_enter (void *inst, const struct virgate_peer *peer,
            const struct virgate_identity *identity, int *read_only,
            struct virgate_acl_reason *reason)
{
  *read_only = mood.acl & 8;
  return mood.acl & 4 ? VIRGATE_ACL_PASS : VIRGATE_ACL_ALLOW;
}

/* Lists here are never read again. */
static const _Atomic uint64_t list_reloads;

static int
list_permit (void *inst, const struct virgate_acl_call *call,
             struct virgate_acl_reason *reason)
{
  for (uint32_t i = 0; i < call->object_count; i++)
    if (call->objects[i].name && strcmp (call->objects[i].name, "no") == 0)
      return 0;
  return mood.acl & 2 ? VIRGATE_ACL_PASS : VIRGATE_ACL_ALLOW;
}

static const struct virgate_acl_ops acl_ops = {
  .enter = list_enter, .permit = list_permit,
};

static const char *const names[128] = {
  ['f'] = "f", ['t'] = "t", ['s'] = "s", ['p'] = "p", ['e'] = "e",
  ['o'] = "o", ['w'] = "w", ['b'] = "b",
};

void
parts_policy (struct policy *policy, uint8_t kind)
{
  const char *methods = kinds[kind % COUNT_OF (kinds)];

  policy->is_read_only = kind & 0x10;
  if (kind & 0x20)
    policy->acls[policy->acl_count++] =
      (struct access_list) { "list", NULL, &acl_ops, &list_reloads };
  policy->auth.count = *methods != '\0';
  for (; *methods; methods++) {
    struct auth_chain *chain = &policy->auth.chains[policy->auth.count - 1];

    if (*methods == ' ')
      policy->auth.count++;
    else
      auth_method_init (&chain->methods[chain->count++],
                        names[(unsigned char) *methods], NULL,
                        &auth_ops[(unsigned char) *methods]);
  }
}

bool
parts_may_be_in (const struct virgate_identity *identity, uint8_t kind)
{
  const char *chains = kinds[kind % COUNT_OF (kinds)], *name;
  char said[AUTH_CHAIN_MAX + 1] = "";

  for (uint32_t n = 0; (name = identity_get_method (identity, n)); n++) {
    if (n == AUTH_CHAIN_MAX)
      return false;
    strcat (said, name);
  }
  while (*chains) {
    size_t len = strcspn (chains, " ");

    if (strlen (said) == len && strncmp (said, chains, len) == 0)
      return true;
    chains += len + (chains[len] == ' ');
  }
  return *said == '\0' && *kinds[kind % COUNT_OF (kinds)] == '\0';
}
