/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading a listener's policy from its section; see policy.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "daemon/parts.h"
#include "daemon/policy.h"
#include "daemon/server.h"
#include "daemon/settings.h"

static _Atomic uint64_t serials;

static int
complain (struct virgate_error *err, const struct config_section *section,
          const char *key, const char *text)
{
  return config_error (err, section, config_key (section, key), "%s", text);
}

static int
keep_part (struct policy *policy, struct part *part,
           struct virgate_error *err)
{
  struct part **parts = realloc (policy->parts, (policy->part_count + 1)
                                                  * sizeof *parts);

  if (parts == NULL) {
    part_unref (part);
    return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
  }
  policy->parts = parts;
  parts[policy->part_count++] = part;
  return 0;
}

/* Do facts alone never suffice this method? */
static bool
must_talk (const struct auth_method *method)
{
  return (method->ops->flags & VIRGATE_AUTH_POLKIT)
         || (method->talk->start && method->ops->decide == NULL);
}

/* "x509+ password" would be two alternatives, each of which suffices. */
static bool
is_joined_well (const char *words)
{
  size_t len = strlen (words);

  return *words != '+' && words[len - 1] != '+'
         && strstr (words, "++") == NULL;
}

/* "x509+password": methods that must all say yes. */
static int
add_chain (struct policy *policy, const struct config_section *section,
           char *words, struct virgate_error *err)
{
  struct auth_chain *chain = &policy->auth.chains[policy->auth.count];
  unsigned talkers = 0;
  char *save = NULL;

  if (policy->auth.count == AUTH_CHAINS_MAX)
    return complain (err, section, "auth", "too many alternatives");
  if (!is_joined_well (words))
    return complain (err, section, "auth", "a '+' has a method on each side "
                     "and no blank: write A+B where both must say yes");
  for (char *word = strtok_r (words, "+", &save); word;
       word = strtok_r (NULL, "+", &save)) {
    struct part *part = part_get (policy->server, "auth", word, section,
                                  err);

    if (part == NULL || keep_part (policy, part, err) == -1)
      return -1;
    if (chain->count == AUTH_CHAIN_MAX)
      return complain (err, section, "auth", "too many methods in a chain");
    auth_method_init (&chain->methods[chain->count], part->name,
                      part->instance->inst, part->instance->module->ops);
    talkers += must_talk (&chain->methods[chain->count++]);
  }
  if (talkers > 1)
    return complain (err, section, "auth", "a chain can hold one "
                     "conversation only, and two of its methods need one");
  policy->auth.count++;
  return 0;
}

static int
add_acl (struct policy *policy, const struct config_section *section,
         char *name, struct virgate_error *err)
{
  struct part *part = part_get (policy->server, "acl", name, section, err);

  if (part == NULL || keep_part (policy, part, err) == -1)
    return -1;
  if (policy->acl_count == POLICY_ACLS_MAX)
    return complain (err, section, "acl", "too many lists");
  policy->acls[policy->acl_count++] = (struct access_list) {
    part->name, part->instance->inst, part->instance->module->ops,
    &part->instance->reloads,
  };
  return 0;
}

/* Do something with each word of a list key, in all places it was given. */
static int
each_word (struct policy *policy, const struct config_section *section,
           const char *name,
           int (*fn) (struct policy *policy,
                      const struct config_section *section, char *word,
                      struct virgate_error *err),
           struct virgate_error *err)
{
  for (const struct config_key *key = section->keys; key; key = key->next) {
    CLEANUP_FREE char *copy = strdup (key->value);
    char *save = NULL;

    if (strcmp (key->key, name) != 0)
      continue;
    if (copy == NULL)
      return error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
    for (char *word = strtok_r (copy, " \t\n,", &save); word;
         word = strtok_r (NULL, " \t\n,", &save))
      if (fn (policy, section, word, err) == -1)
        return -1;
  }
  return 0;
}

static int
add_auth (struct policy *policy, const struct config_section *section,
          struct virgate_error *err)
{
  const char *auth = config_value (section, listen_options, "auth");

  if (strcmp (auth, "none") == 0)
    return 0;
  if (each_word (policy, section, "auth", add_chain, err) == -1)
    return -1;
  return policy->auth.count > 0
         ? 0 : complain (err, section, "auth", "names no method");
}

static int
set_service (struct policy *policy, const struct config_section *section,
             struct virgate_error *err)
{
  const char *service = config_value (section, listen_options, "service");

  policy->is_admin = strcmp (service, "admin") == 0;
  if (policy->is_admin || strcmp (service, "hypervisor") == 0)
    return 0;
  return complain (err, section, "service", "neither hypervisor nor admin");
}

static int
check_exposure (const struct policy *policy,
                const struct config_section *section, bool is_private,
                struct virgate_error *err)
{
  if (policy->auth.count > 0 || is_private
      || config_bool (section, listen_options, "allow-anonymous"))
    return 0;
  return complain (err, section, "auth", "others than this user could reach "
                   "this socket, and with auth = none use it: name a method, "
                   "give a unix socket mode 0600, or say allow-anonymous = "
                   "yes");
}

struct policy *
policy_new (struct server *server, const struct config_section *section,
            bool is_private, struct virgate_error *err)
{
  struct policy *policy = calloc (1, sizeof *policy);

  if (policy == NULL) {
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_NONE, NULL);
    return NULL;
  }
  atomic_store (&policy->refs, 1);
  policy->serial = atomic_fetch_add (&serials, 1);
  policy->server = server;
  policy->is_read_only = config_bool (section, listen_options, "read-only");
  policy->max_clients = config_number (section, listen_options,
                                       "max-clients");
  policy->max_strangers = config_number (section, listen_options,
                                         "max-unopened");
  if (set_service (policy, section, err) == 0
      && add_auth (policy, section, err) == 0
      && each_word (policy, section, "acl", add_acl, err) == 0
      && check_exposure (policy, section, is_private, err) == 0)
    return policy;
  policy_unref (policy);
  return NULL;
}

void
policy_ref (struct policy *policy)
{
  atomic_fetch_add (&policy->refs, 1);
}

static void
policy_free (struct policy *policy)
{
  for (unsigned i = 0; i < policy->part_count; i++)
    part_unref (policy->parts[i]);
  free (policy->parts);
  free (policy);
}

static void
deliver_free (struct mail *mail)
{
  policy_free (container_of (mail, struct policy, mail));
}

void
policy_unref (struct policy *policy)
{
  struct server *server = policy ? policy->server : NULL;
  struct loop *current = loop_current ();

  if (policy == NULL || atomic_fetch_sub (&policy->refs, 1) > 1)
    return;
  if (current == NULL || current->index == 0) {
    policy_free (policy);
    return;
  }
  policy->mail.deliver = deliver_free;
  loop_post (&server->loops[0], &policy->mail);
}

/* A retirement passes through all loops, one after the other: what a loop was
 * reading when it came it reads no more.
 */
struct retirement {
  struct mail mail;
  struct policy *policy;
  unsigned next;
};

static void
deliver_retirement (struct mail *mail)
{
  struct retirement *step = container_of (mail, struct retirement, mail);
  struct server *server = step->policy->server;

  if (step->next < server->loop_count) {
    loop_post (&server->loops[step->next++], &step->mail);
    return;
  }
  policy_unref (step->policy);
  free (step);
}

void
policy_retire (struct policy *policy)
{
  struct retirement *step = calloc (1, sizeof *step);

  if (step == NULL)
    return;                     /* it stays for ever, which harms nobody */
  step->policy = policy;
  step->mail.deliver = deliver_retirement;
  deliver_retirement (&step->mail);
}
