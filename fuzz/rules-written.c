/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writing rules that an input chooses; see rules-written.h.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "fuzz/rules-written.h"

struct written written = { .fd = -1 };

/* One word, and what is before it. */
static void
put_word (struct fuzz_input *in, char *text, const char *key,
          const char *value)
{
  static const char *const between[] = { " ", "\t", "  ", ", ", "," };
  size_t used = strlen (text);
  bool is_first = strpbrk (text, " \t") == NULL;
  unsigned how = fuzz_byte (in);
  bool needs_quotes = strpbrk (value, " ,") != NULL;

  snprintf (text + used, WRITTEN_MAX - used,
            how & 1 || needs_quotes ? "%s%s\"%s\"" : "%s%s%s",
            between[(how >> 1) % (is_first ? 3 : COUNT_OF (between))], key, value);
}

static void
put_roles (struct fuzz_input *in, char *text, uint64_t roles)
{
  char name[20];

  for (unsigned i = 0; i < READY_ROLES + ROLES_MAX; i++)
    if (roles & BIT (i)) {
      snprintf (name, sizeof name, "own-%u", i);
      put_word (in, text, "", i < READY_ROLES ? oracle_ready[i] : name);
    }
}

static void
make_role (struct fuzz_input *in, char *text)
{
  unsigned at = written.oracle.role_count++;
  struct oracle_role *role = &written.oracle.roles[at];

  role->perms = (fuzz_byte (in) | fuzz_byte (in) << 8)
                & (BIT (oracle_perm_count) - 1);
  role->roles = fuzz_byte (in) & (BIT (READY_ROLES + at) - 1);
  sprintf (text, "own-%u", READY_ROLES + at);
  put_roles (in, text, role->roles);
  for (unsigned i = 0; i < oracle_perm_count; i++)
    if (role->perms & BIT (i))
      put_word (in, text, "", oracle_perms[i]);
}

static void
put_object (struct fuzz_input *in, char *text, struct oracle_rule *rule)
{
  unsigned kind = choose (in, oracle_kind_count), what = fuzz_byte (in);
  bool is_uuid = what % 4 == 0 && oracle_kinds[kind].has_uuid;
  char key[40];

  if (!oracle_gives (&written.oracle, rule->roles, oracle_kinds[kind].kind))
    return;                     /* to name such an object is an error */
  what = what / 4 % (is_uuid ? oracle_uuid_count : oracle_text_count);
  rule->objects[rule->object_count].kind = kind;
  rule->objects[rule->object_count].text = what;
  rule->objects[rule->object_count++].is_uuid = is_uuid;
  sprintf (key, "%s%s:", oracle_kinds[kind].word, is_uuid ? "-uuid" : "");
  put_word (in, text, key, is_uuid ? oracle_uuids[what].text
                                   : oracle_texts[what]);
}

static void
make_rule (struct fuzz_input *in, struct oracle_rule *rule, char *text)
{
  static const char *const verdicts[] = { "deny", "allow", "read-only" };
  unsigned how = fuzz_byte (in), conds = (how >> 2) % 4, objects = how >> 6;

  *rule = (struct oracle_rule) { .verdict = how % 8 == 7 ? READ_ONLY : how % 2 };
  strcpy (text, verdicts[rule->verdict]);
  if (rule->verdict != READ_ONLY) {
    rule->roles = fuzz_byte (in)
                  & (BIT (READY_ROLES + written.oracle.role_count) - 1);
    rule->roles = rule->roles ? rule->roles : BIT (READY_ROLES - 1);
    rule->is_read_only = rule->verdict == ALLOW && how & 32;
    for (unsigned i = 0; i < objects; i++)
      put_object (in, text, rule);
  }
  for (unsigned i = 0; i < conds; i++) {
    rule->conds[rule->cond_count] = choose (in, oracle_cond_count);
    put_word (in, text, "", oracle_conds[rule->conds[rule->cond_count++]].word);
  }
  put_roles (in, text, rule->roles);
  if (rule->is_read_only)
    put_word (in, text, "", "read-only");
}

static void
set (void *inst, const char *key, const char *value)
{
  written.line++;
  must (virgate_module.config (inst, key, value) == 0);
}

static void
put_in_file (const char *text)
{
  size_t len = strlen (text);

  must (written.len + len < sizeof written.file);
  memcpy (written.file + written.len, text, len + 1);
  written.len += len;
}

void
written_file (struct fuzz_input *in)
{
  char text[WRITTEN_MAX];
  uint32_t line = 0;

  written.len = 0;
  put_in_file ("");
  for (unsigned i = written.first; i < written.last; i++) {
    unsigned comments = choose (in, 3);

    for (unsigned n = 0; n < comments; n++, line++)
      put_in_file (n ? " # a comment\n" : "\r\n");
    make_rule (in, &written.oracle.rules[i], text);
    written.lines[i] = ++line;
    put_in_file (text);
    put_in_file (comments ? "\r\n" : "\n");
  }
  if (written.fd == -1) {
    written.fd = memfd_create ("rules", MFD_CLOEXEC);
    snprintf (written.path, sizeof written.path, "/proc/self/fd/%d", written.fd);
    must (written.fd != -1 && fchmod (written.fd, 0600) == 0);
  }
  must (ftruncate (written.fd, 0) == 0
        && pwrite (written.fd, written.file, written.len, 0) == (ssize_t) written.len);
}

static void
make_rules (struct fuzz_input *in, void *inst, unsigned until, char *text)
{
  while (written.oracle.rule_count < until) {
    unsigned at = written.oracle.rule_count++;

    make_rule (in, &written.oracle.rules[at], text);
    set (inst, "rule", text);
    written.lines[at] = written.line;
  }
}

void
written_section (struct fuzz_input *in, void *inst)
{
  static const char *const policies[] = { "deny", "allow", "pass" };
  unsigned how = fuzz_byte (in), count = how % (RULES_MAX_HERE + 1);
  unsigned policy = choose (in, 3);
  char text[WRITTEN_MAX];

  memset (&written.oracle, 0, sizeof written.oracle);
  written.line = 0;
  written.oracle.policy = policy; /* VIRGATE_ACL_DENY, ALLOW, PASS */
  written.oracle.trust_claims = how & 128;
  set (inst, "policy", policies[policy]);
  set (inst, "trust-claims", how & 128 ? "yes" : "no");
  for (const char *const *words = oracle_sets; *words; words++)
    set (inst, "set", *words);
  for (unsigned i = choose (in, ROLES_MAX + 1); i > 0; i--) {
    make_role (in, text);
    set (inst, "role", text);
  }
  written.first = choose (in, count + 1);
  written.last = written.first + choose (in, count - written.first + 1);
  make_rules (in, inst, written.first, text);
  written_file (in);
  written.oracle.rule_count = written.last;
  set (inst, "file", written.path);
  make_rules (in, inst, count, text);
}
