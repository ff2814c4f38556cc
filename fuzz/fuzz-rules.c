/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules of acl-rules.  With an even first byte the rest is a file of them:
 * what is refused is refused with a reason, and what was read is read as the
 * same again by how it is quoted.  With an odd one the rest chooses rules,
 * callers and calls, and what the module says must be what rules-oracle.h
 * says, with the rule that decided.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "core/peer.h"
#include "fuzz/fuzz.h"
#include "fuzz/rules-oracle.h"
#include "fuzz/rules-written.h"
#include "plugins/acl/rules.h"
#include "protocol/table.h"

/* Files -------------------------------------------------------------------- */

static bool
is_same_pattern (const struct rules_pattern *a, const struct rules_pattern *b)
{
  return a->object == b->object && a->how == b->how && a->len == b->len
         && (a->how == RULES_UUID ? memcmp (a->uuid, b->uuid, 16) == 0
                                  : strcmp (a->text, b->text) == 0)
         && (a->parent == NULL) == (b->parent == NULL)
         && (a->parent == NULL || strcmp (a->parent, b->parent) == 0);
}

/* The roles above a rule are still there, and all sets. */
static void
read_again (struct rules_table *table, unsigned at)
{
  const char *text = table->rules[at].text;
  const struct rules_rule *rule, *again;
  char why[400];

  if (strncmp (text, "rule = ", 7) == 0)
    text += 7;
  must (rules_line (table, "rule", text, NULL, 0, why, sizeof why) == 0);
  rule = &table->rules[at];
  again = &table->rules[table->count - 1];
  must (rule->verdict == again->verdict && rule->kinds == again->kinds
        && rule->is_read_only == again->is_read_only
        && memcmp (&rule->perms, &again->perms, sizeof rule->perms) == 0
        && rule->cond_count == again->cond_count
        && rule->pattern_count == again->pattern_count);
  for (unsigned i = 0; i < rule->pattern_count; i++)
    must (is_same_pattern (&rule->patterns[i], &again->patterns[i]));
}

static void
fuzz_file (const char *text, size_t len)
{
  struct rules_table *table = rules_table_new ();
  char why[400] = "";
  uint32_t line;
  unsigned count;

  if (table == NULL)
    abort ();
  if (rules_text (table, text, len, "x", &line, why, sizeof why) == -1)
    must (*why && line > 0);
  else if (memchr (text, '\r', len) == NULL) {
    count = table->count;
    for (unsigned i = 0; i < count && i < 50; i++)
      read_again (table, i);
  }
  rules_table_free (table);
}

/* The host ----------------------------------------------------------------- */

static int
host_error (const struct virgate_host *host, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  vfprintf (stderr, fmt, args);
  va_end (args);
  fprintf (stderr, "\n%s", written.file);
  abort ();
}

static void
host_log (const struct virgate_host *host, int level, const char *fmt, ...)
{
}

static int
host_place (const struct virgate_host *host, const char **file, uint32_t *line)
{
  *file = WRITTEN_SECTION;
  *line = written.line;
  return 0;
}

static const struct virgate_host host = {
  .size = sizeof host, .role = VIRGATE_ROLE_SERVER, .section = "acl fuzz",
  .program = "fuzz-rules", .log = host_log, .error = host_error,
  .peer_get = peer_get, .identity_get = identity_get,
  .peer_serial = peer_serial, .config_place = host_place,
};

/* Callers ------------------------------------------------------------------ */

#define CALLERS 4

static struct caller {
  uint64_t facts;
  struct virgate_peer peer;
  struct virgate_identity identity;
} callers[CALLERS];

static int
state_address (struct caller *caller, const struct oracle_fact *fact)
{
  struct sockaddr_in in = { .sin_family = AF_INET };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

  if (inet_pton (AF_INET, fact->text, &in.sin_addr) == 1)
    return peer_address (&caller->peer, fact->key, fact->vouch, &in,
                         sizeof in);
  must (inet_pton (AF_INET6, fact->text, &in6.sin6_addr) == 1);
  return peer_address (&caller->peer, fact->key, fact->vouch, &in6,
                       sizeof in6);
}

static int
state (struct caller *caller, const struct oracle_fact *fact)
{
  if (fact->kind == VIRGATE_IDENTITY_NAME)
    return identity_name (&caller->identity, fact->text, fact->vouch);
  if (fact->kind == VIRGATE_IDENTITY_GROUP)
    return identity_group (&caller->identity, fact->text, fact->vouch);
  if (fact->kind == VIRGATE_IDENTITY_METHOD)
    return identity_method (&caller->identity, fact->text);
  if (fact->text == NULL)
    return peer_number (&caller->peer, fact->key, fact->vouch, fact->number);
  if (strcmp (fact->key, VIRGATE_FACT_REMOTE) == 0)
    return state_address (caller, fact);
  return peer_string (&caller->peer, fact->key, fact->vouch, fact->text);
}

/* Two of them have their views in one place, one has none. */
static void
make_callers (struct fuzz_input *in)
{
  static const uint64_t serials[CALLERS] = { 0, 1, 1025, 2 };

  for (unsigned i = 0; i < CALLERS; i++) {
    struct caller *caller = &callers[i];

    caller->facts = 0;
    for (unsigned n = 0; n < FACTS; n += 8)
      caller->facts |= (uint64_t) fuzz_byte (in) << n;
    caller->facts &= BIT (FACTS) - 1;
    for (unsigned n = 0; n < FACTS; n++)
      if (caller->facts & BIT (n))
        must (state (caller, &oracle_facts[n]) == 0);
    caller->peer.serial = serials[i];
  }
}

static void
free_callers (void)
{
  for (unsigned i = 0; i < CALLERS; i++) {
    peer_free (&callers[i].peer);
    identity_free (&callers[i].identity);
  }
}

/* Questions ---------------------------------------------------------------- */

#define PAIRS_MAX 4
#define OBJECTS_HERE 12
#define QUESTIONS_MAX 32        /* more are refused */

static const struct virgate_permission pairs[] = {
  { "domain", "start" }, { "domain", "read" }, { "domain", "write" },
  { "domain", "stop" }, { "connect", "getattr" }, { "connect", "write" },
  { "connect", "search_domains" }, { "storage_vol", "read" },
  { "storage_vol", "delete" }, { "storage_pool", "read" },
  { "network", "stop" }, { "secret", "read_secure" },
  { "nwfilter_binding", "getattr" }, { "domain", "frob" },
  { "connect", "frob" }, { "connect", "search_frobs" }, { "frob", "read" },
};

static struct virgate_permission
choose_pair (struct fuzz_input *in)
{
  unsigned at = fuzz_byte (in);

  return at < COUNT_OF (pairs) * 8 ? pairs[at % COUNT_OF (pairs)]
         : proc_permissions[at % proc_permission_count].pair;
}

static struct virgate_object
choose_object (struct fuzz_input *in)
{
  static const char *const names[] = {
    NULL, "web-1", "web-10", "b-1", "db-2", "a/b", "w*b", "d b", "b", "",
    "a name that is longer than those which are remembered",
  };
  static const char *const parents[] = { NULL, "images", "default", "a" };
  unsigned uuid = choose (in, oracle_uuid_count + 1);

  return (struct virgate_object) {
    .kind = oracle_kinds[choose (in, oracle_kind_count)].kind,
    .name = names[choose (in, COUNT_OF (names))],
    .uuid = uuid ? oracle_uuids[uuid - 1].uuid : NULL,
    .parent = parents[choose (in, COUNT_OF (parents))],
  };
}

static void
differs (const char *what, struct oracle_answer want, int verdict,
         const struct virgate_acl_reason *reason)
{
  fprintf (stderr, "%s: %d by rule %d is right, not %d: %s:%u: %s\n", what,
           want.verdict, want.rule, verdict, reason->file ?: "-",
           reason->line, reason->text);
  abort ();
}

/* The same verdict, for the same reason; of one that leaves it to others any
 * reason is as good.
 */
static void
compare (const char *what, struct oracle_answer want, int verdict,
         const struct virgate_acl_reason *reason)
{
  unsigned rule = want.rule;
  const char *file = NULL;
  uint32_t line = 0;

  if (want.rule >= 0) {
    file = rule >= written.first && rule < written.last ? written.path : WRITTEN_SECTION;
    line = written.lines[rule];
  }
  if (verdict != want.verdict
      || (verdict != VIRGATE_ACL_PASS
          && (line != reason->line || (file == NULL) != (reason->file == NULL)
              || (file && strcmp (file, reason->file) != 0))))
    differs (what, want, verdict, reason);
}

/* Pairs of a permission and an object; a call with too many is refused. */
static unsigned
count_questions (const struct virgate_acl_call *call)
{
  unsigned sum = 0, here;

  for (unsigned p = 0; p < call->permission_count; p++) {
    here = 0;
    for (unsigned i = 0; i < call->object_count; i++)
      here += strcmp (call->objects[i].kind, call->permissions[p].object) == 0;
    sum += here ? here : 1;
  }
  return sum;
}

static void
ask_permit (struct fuzz_input *in, const struct virgate_acl_ops *ops,
            void *inst, const struct caller *caller)
{
  struct virgate_permission needs[PAIRS_MAX];
  struct virgate_object objects[OBJECTS_HERE];
  struct virgate_acl_reason reason = { 0 };
  unsigned how = fuzz_byte (in);
  struct virgate_acl_call call = {
    .size = sizeof call, .peer = &caller->peer,
    .identity = &caller->identity, .permissions = needs,
    .permission_count = how % (PAIRS_MAX + 1), .objects = objects,
    .object_count = how / 8 % (OBJECTS_HERE + 1),
    .is_write = choose (in, 2),
  };
  struct oracle_answer want;

  for (unsigned i = 0; i < call.permission_count; i++)
    needs[i] = choose_pair (in);
  for (unsigned i = 0; i < call.object_count; i++)
    objects[i] = choose_object (in);
  want = oracle_permit (&written.oracle, caller->facts, &call);
  if (count_questions (&call) > QUESTIONS_MAX)
    want = (struct oracle_answer) { VIRGATE_ACL_DENY, -1 };
  compare ("permit", want, ops->permit (inst, &call, &reason), &reason);
  reason = (struct virgate_acl_reason) { 0 };
  compare ("permit again", want, ops->permit (inst, &call, &reason), &reason);
  if (call.permission_count == 1
      && ops->standing (inst, call.peer, call.identity, &needs[0],
                        call.is_write) == VIRGATE_ACL_ALLOW)
    must (want.verdict == VIRGATE_ACL_ALLOW);
}

static void
ask_visible (struct fuzz_input *in, const struct virgate_acl_ops *ops,
             void *inst, const struct caller *caller)
{
  const struct virgate_permission pair = choose_pair (in);
  struct virgate_object object = choose_object (in);
  struct oracle_answer want;

  object.kind = pair.object;
  want = oracle_visible (&written.oracle, caller->facts, &pair, &object);
  must (ops->visible (inst, &caller->peer, &caller->identity, &pair, &object)
        == want.verdict);
  if (ops->standing (inst, &caller->peer, &caller->identity, &pair, false)
      == VIRGATE_ACL_ALLOW)
    must (want.verdict == VIRGATE_ACL_ALLOW);
}

static void
ask_entry (struct fuzz_input *in, const struct virgate_acl_ops *ops,
           void *inst, const struct caller *caller)
{
  const char *kind = oracle_kinds[choose (in, oracle_kind_count)].kind;
  struct virgate_acl_reason reason = { 0 };
  int read_only = 0;

  compare ("entry", oracle_enter (&written.oracle, caller->facts),
           ops->enter (inst, &caller->peer, &caller->identity, &read_only,
                       &reason), &reason);
  must (read_only == oracle_reads_only (&written.oracle, caller->facts));
  must (ops->by_name (inst, &caller->peer, &caller->identity, kind)
        == oracle_by_name (&written.oracle, caller->facts, kind));
}

static void
fuzz_calls (struct fuzz_input *in)
{
  const struct virgate_acl_ops *ops = virgate_module.ops;
  void *inst;

  must (virgate_module.open (&host, &inst) == 0);
  written_section (in, inst);
  make_callers (in);
  must (virgate_module.ready (inst) == 0);
  for (int i = 0; i < 64 && in->len > 0; i++) {
    unsigned how = fuzz_byte (in);
    const struct caller *caller = &callers[how % CALLERS];

    switch (how / CALLERS % 8) {
    case 0:
      written_file (in);
      must (virgate_module.reload (inst) == 0);
      break;
    case 1: ask_entry (in, ops, inst, caller); break;
    case 2: ask_visible (in, ops, inst, caller); break;
    default: ask_permit (in, ops, inst, caller);
    }
  }
  virgate_module.close (inst);
  free_callers ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  struct fuzz_input in = { data, len };
  bool is_file = fuzz_byte (&in) % 2 == 0;
  size_t rest = in.len;
  char *text;

  if (!is_file)
    fuzz_calls (&in);
  else {
    text = fuzz_block (&in, &rest);
    fuzz_file (text, rest);
    free (text);
  }
  return 0;
}
