/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The best CPU model that all of several hosts can give to a guest.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/cpu.h"
#include "plugins/driver-test/driver.h"
#include "plugins/driver-test/text.h"

/* Features by their index in cpu_x86_features. */
#define FEATURES_MAX 320u
struct features {
  uint64_t bits[FEATURES_MAX / 64];
};

/* A model and what a guest has to switch on and off to get the data. */
struct candidate {
  const struct cpu_x86_model *model;
  struct features require;
  struct features disable;
  struct features removed;      /* to switch off too, listed last */
};

static bool
has (const struct features *set, size_t index)
{
  return (set->bits[index / 64] >> index % 64) & 1;
}

static void
add (struct features *set, size_t index)
{
  set->bits[index / 64] |= UINT64_C (1) << index % 64;
}

static size_t
count (const struct features *set)
{
  size_t n = 0;

  for (size_t i = 0; i < COUNT_OF (set->bits); i++)
    n += (size_t) __builtin_popcountll (set->bits[i]);
  return n;
}

/* Index of a feature by the LEN bytes of its name; -1 = unknown. */
static int
feature_find (const char *name, size_t len)
{
  for (int i = 0; cpu_x86_features[i]; i++)
    if (strncmp (cpu_x86_features[i], name, len) == 0
        && !cpu_x86_features[i][len])
      return i;
  return -1;
}

/* The set of a list of words. */
static struct features
words (const char *list)
{
  struct features set = { 0 };

  while (list && *list) {
    size_t len = strcspn (list, " ");
    int index = feature_find (list, len);

    if (index >= 0)
      add (&set, (size_t) index);
    list += len;
    list += strspn (list, " ");
  }
  return set;
}

static struct features
merge (struct features one, struct features other)
{
  for (size_t i = 0; i < COUNT_OF (one.bits); i++)
    one.bits[i] |= other.bits[i];
  return one;
}

static struct features
subtract (struct features one, struct features other)
{
  for (size_t i = 0; i < COUNT_OF (one.bits); i++)
    one.bits[i] &= ~other.bits[i];
  return one;
}

static const struct cpu_x86_model *
model_find (const char *name)
{
  const struct cpu_x86_model *model = cpu_x86_models;

  while (model->name && strcmp (model->name, name) != 0)
    model++;
  return model->name ? model : NULL;
}

static struct features
model_features (const struct cpu_x86_model *model)
{
  struct features set = { 0 };

  if (model->base)
    set = model_features (model_find (model->base));
  return subtract (merge (set, words (model->with)), words (model->without));
}

static bool
vendor_known (const char *name)
{
  return strcmp (name, "Intel") == 0 || strcmp (name, "AMD") == 0
         || strcmp (name, "Hygon") == 0;
}

static bool
same (const char *one, const char *other)
{
  return one && other && strcmp (one, other) == 0;
}

/* All that a host has: its model and what it lists besides. */
static int
host_features (const struct ctx *c, const struct host_cpu *cpu,
               const struct cpu_x86_model **model, struct features *set)
{
  *model = model_find (cpu->model);
  if (!*model)
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_INTERNAL_ERROR,
                    "Unknown CPU model %s", cpu->model);
  *set = model_features (*model);
  for (size_t i = 0; i < cpu->feature_count; i++) {
    int index = feature_find (cpu->features[i], strlen (cpu->features[i]));

    if (index < 0)
      return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_INTERNAL_ERROR,
                      "Unknown CPU feature %s", cpu->features[i]);
    add (set, (size_t) index);
  }
  return 0;
}

/* Settle on a vendor with one more host, whose model may imply one. */
static int
agree_vendor (const struct ctx *c, const struct host_cpu *cpu,
              const struct cpu_x86_model *model, const char **vendor)
{
  const char *own = cpu->vendor ? cpu->vendor : model->vendor;

  if (cpu->vendor && model->vendor && !same (cpu->vendor, model->vendor))
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_OPERATION_FAILED,
                    "CPU vendor %s of model %s differs from vendor %s",
                    model->vendor, model->name, cpu->vendor);
  if (!own)
    return 0;
  if (!*vendor && !vendor_known (own))
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_OPERATION_FAILED,
                    "Unknown CPU vendor %s", own);
  if (!*vendor)
    *vendor = own;
  else if (strcmp (*vendor, own) != 0)
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_OPERATION_FAILED,
                    "CPU vendors do not match");
  return 0;
}

/* What all hosts have, and whose it is. */
static int
intersect (const struct ctx *c, const struct host_cpu *cpus, size_t n,
           struct features *common, const char **vendor)
{
  const struct cpu_x86_model *model;

  if (host_features (c, &cpus[0], &model, common) == -1)
    return -1;
  *vendor = cpus[0].vendor;
  if (*vendor && !vendor_known (*vendor))
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_OPERATION_FAILED,
                    "Unknown CPU vendor %s", *vendor);
  for (size_t i = 1; i < n; i++) {
    struct features set;

    if (host_features (c, &cpus[i], &model, &set) == -1
        || agree_vendor (c, &cpus[i], model, vendor) == -1)
      return -1;
    *common = subtract (*common, subtract (*common, set));
  }
  if (!count (common))
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_OPERATION_FAILED,
                    "CPUs are incompatible");
  return 0;
}

/* How long a definition with this model is; what it switches off weighs more,
 * and ever more, as far as the count reaches.
 */
static size_t
weigh (const struct candidate *candidate, size_t *disabled)
{
  size_t on = count (&candidate->require);
  size_t left = on + count (&candidate->disable)
                + count (&candidate->removed);
  size_t penalty = 2;

  *disabled = 0;
  for (size_t i = 0; i < left; i++)
    if (i >= on) {
      left--;
      *disabled += penalty++;
    }
  return left + *disabled;
}

static bool
better (const struct candidate *one, const struct candidate *than,
        bool is_preferred)
{
  size_t off;
  size_t off_than;
  size_t len = weigh (one, &off);
  size_t len_than = weigh (than, &off_than);

  return len < len_than || (len == len_than && off < off_than)
         || (is_preferred && off < off_than);
}

static bool
named (const struct host_cpu *cpus, size_t n, const char *model)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp (cpus[i].model, model) == 0)
      return true;
  return false;
}

/* Choose the model: the newest that makes the shortest definition. */
static struct candidate
decode (const struct features *data, const char *vendor,
        const struct host_cpu *cpus, size_t n, bool is_single)
{
  struct candidate best = { 0 };
  const struct cpu_x86_model *end = cpu_x86_models;

  while (end->name)
    end++;
  while (end-- > cpu_x86_models) {
    struct candidate next = { .model = end };
    struct features own;
    bool is_preferred = named (cpus, n, end->name);

    if (end->is_hidden
        || (vendor && end->vendor && strcmp (vendor, end->vendor) != 0))
      continue;
    own = model_features (end);
    next.require = subtract (*data, own);
    next.disable = subtract (own, *data);
    next.removed = subtract (words (end->removed),
                             merge (next.require, next.disable));
    if (is_preferred && is_single)
      return next;
    if (!best.model || better (&next, &best, is_preferred))
      best = next;
  }
  return best;
}

static int
by_name (const void *one, const void *other)
{
  return strcmp (cpu_x86_features[*(const size_t *) one],
                 cpu_x86_features[*(const size_t *) other]);
}

/* Append the members of SET to a list; returns its new length. */
static size_t
list (size_t *order, size_t n, const struct features *set)
{
  for (size_t i = 0; cpu_x86_features[i]; i++)
    if (has (set, i))
      order[n++] = i;
  return n;
}

/* Print the features: those to switch on, then those to switch off; or with
 * the model's own among them, all by name.
 */
static void
print_features (struct text *out, const struct candidate *cpu, bool expand)
{
  size_t order[FEATURES_MAX];
  size_t n;
  struct features on = cpu->require;

  if (expand)
    on = subtract (merge (on, model_features (cpu->model)), cpu->disable);
  n = list (order, 0, &on);
  n = list (order, n, &cpu->disable);
  n = list (order, n, &cpu->removed);
  if (expand)
    qsort (order, n, sizeof *order, by_name);
  for (size_t i = 0; i < n; i++)
    text_add (out, "  <feature policy='%s' name='%s'/>\n",
              has (&on, order[i]) ? "require" : "disable",
              cpu_x86_features[order[i]]);
}

static void
print (struct text *out, const struct candidate *cpu, const char *vendor,
       bool is_exact, bool expand)
{
  text_add (out, "<cpu mode='custom' match='exact'>\n"
            "  <model fallback='%s'>%s</model>\n",
            is_exact ? "forbid" : "allow", cpu->model->name);
  if (vendor)
    text_add (out, "  <vendor>%s</vendor>\n", vendor);
  print_features (out, cpu, expand);
  text_add (out, "</cpu>\n");
}

static int
baseline_x86 (const struct ctx *c, const struct host_cpu *cpus, size_t n,
              bool expand, const char **ret)
{
  struct features common;
  struct candidate cpu;
  const char *vendor;
  struct text out = TEXT_INIT;
  bool is_single = true;
  bool is_said = true;          /* every host names its vendor */

  if (intersect (c, cpus, n, &common, &vendor) == -1)
    return -1;
  for (size_t i = 0; i < n; i++) {
    is_single = is_single && strcmp (cpus[i].model, cpus[0].model) == 0;
    is_said = is_said && cpus[i].vendor;
  }
  cpu = decode (&common, vendor, cpus, n, is_single);
  print (&out, &cpu, is_said ? vendor : NULL,
         is_single && same (cpu.model->name, cpus[0].model), expand);
  *ret = text_finish (c, &out);
  return *ret ? 0 : -1;
}

static int
baseline (const struct ctx *c, const struct host_cpu *cpus, size_t n,
          bool expand, const char **ret)
{
  if (cpus[0].arch->kind == CPU_ARCH_UNKNOWN)
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_NO_SUPPORT,
                    "'%s' architecture is not supported by CPU driver",
                    cpus[0].arch->name);
  if (cpus[0].arch->kind != CPU_ARCH_X86)
    return fail_in (c, VIRGATE_FROM_CPU, VIRGATE_ERR_NO_SUPPORT,
                    "cannot compute baseline CPU of %s architecture",
                    cpus[0].arch->name);
  return baseline_x86 (c, cpus, n, expand, ret);
}

#define EXPAND_FEATURES 1u
HANDLER (connect_baseline_cpu)
{
  size_t n = args->xmlCPUs.len;
  struct host_cpu *cpus;
  struct xml_error err = { 0 };
  int rc = 0;

  if (check_not_null (c, VIRGATE_FROM_DOMAIN, "virConnectBaselineCPU",
                      "xmlCPUs", n ? args->xmlCPUs.val : NULL) == -1
      || check_flags (c, args->flags, EXPAND_FEATURES,
                      "testConnectBaselineCPU") == -1)
    return -1;
  cpus = calloc (n, sizeof *cpus);
  if (!cpus)
    return fail_memory (c);
  for (size_t i = 0; i < n && rc == 0; i++)
    rc = host_cpu_parse (&cpus[i], args->xmlCPUs.val[i], &err);
  if (rc == -1)
    fail_xml (c, &err);
  else
    rc = baseline (c, cpus, n, args->flags & EXPAND_FEATURES, &ret->cpu);
  for (size_t i = 0; i < n; i++)
    host_cpu_clear (&cpus[i]);
  free (cpus);
  return rc;
}
