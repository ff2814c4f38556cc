/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * vCPUs, I/O threads and what they may use: counts, pinning, scheduling,
 * cache shares; and NUMA tuning, which refers to them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-schema.h"

static bool
has_text (const xmlNode *src)
{
  CLEANUP_FREE char *text = xml_src_text (src);

  return text != NULL;
}

int
domain_vcpu_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec spec = { "cpuset", XT_BITMAP };
  CLEANUP_FREE char *source = xml_src_attr (src, "cpuset"), *value = NULL;
  unsigned max, current;

  if (src && !has_text (src))
    return xml_wrong (load, "%s", node->schema->text->bad);
  if (src && node->text && xml_attr (node, "current") == NULL
      && xml_attr_set (node, "current", node->text) == -1)
    return domain_no_memory (load);
  if (source && !xml_attr_is (node, "placement", "auto")) {
    if (xml_value (load, &spec, "vcpu", source, &value) == -1)
      return -1;
    if (strcmp (value, "0-16383") != 0
        && xml_attr_set (node, "cpuset", value) == -1)
      return domain_no_memory (load);
  }
  max = xml_number (node->text, 1);
  current = xml_number (xml_attr (node, "current"), max);
  if (current > max
      && xml_child (domain_root_of (node), "vcpus") == NULL)
    return xml_unsupported (load, "maximum vCPU count must not be less than "
                            "current vCPU count");
  return current == max && xml_attr_set (node, "current", NULL) == -1
         ? domain_no_memory (load) : 0;
}

/* The entry for vCPU ID, made if the document has none. */
static struct xml_node *
vcpu_entry (struct xml_node *vcpus, unsigned id)
{
  struct xml_node *entry = xml_child (vcpus, "vcpu");

  while (entry && domain_attr_number (entry, "id") != id)
    entry = xml_next (entry);
  if (entry)
    return entry;
  entry = xml_child_add (vcpus, "vcpu");
  if (entry && (xml_attr_setf (entry, "id", "%u", id) == -1
                || xml_attr_set (entry, "enabled", "no") == -1))
    return NULL;
  return entry;
}

static long long
id_rank (const struct xml_node *node)
{
  return domain_attr_number (node, "id");
}

/* Default and check one listed vCPU; *ONLINE counts those enabled. */
static int
finish_vcpu (struct xml_load *load, struct xml_node *entry, unsigned *online)
{
  bool is_online = xml_attr_is (entry, "enabled", "yes");

  *online += is_online;
  if (xml_attr (entry, "hotpluggable") == NULL
      && xml_attr_set (entry, "hotpluggable", is_online ? "no" : "yes") == -1)
    return domain_no_memory (load);
  if (!is_online && xml_attr_is (entry, "hotpluggable", "no"))
    return xml_unsupported (load, "vcpu '%lld' is both offline and not "
                            "hotpluggable", id_rank (entry));
  return 0;
}

/* A document that lists vCPUs has them all listed, and the list counts. */
int
domain_vcpus_after (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  struct xml_node *vcpu = xml_child (node->parent, "vcpu"), *entry;
  unsigned max = domain_vcpus_max (node->parent), online = 0;

  if (node->first == NULL)
    return 1;
  for (entry = node->first; entry; entry = entry->next)
    if (id_rank (entry) >= max)
      return xml_wrong (load, "vcpu id '%s' is out of range of maximum vcpu "
                        "count", xml_attr (entry, "id"));
  if (max > DOMAIN_VCPUS_LISTED_MAX)
    return domain_no_memory (load);
  for (unsigned id = 0; id < max; id++)
    if (vcpu_entry (node, id) == NULL)
      return domain_no_memory (load);
  domain_sort (node, "vcpu", id_rank);
  for (entry = node->first; entry; entry = entry->next)
    if (finish_vcpu (load, entry, &online) == -1)
      return -1;
  if (xml_attr_set (vcpu, "current", NULL) == -1
      || (online < max
          && xml_attr_setf (vcpu, "current", "%u", online) == -1))
    return domain_no_memory (load);
  return 0;
}

const struct xml_elem domain_iothread_kids[] = {
  { "iothread", .flags = XT_MANY, .attrs = ATTRS (
      { "id", XT_UINT, XT_REQUIRED | XT_NONZERO },
      { "thread_pool_min", XT_INT, XT_NONNEG },
      { "thread_pool_max", XT_INT, XT_NONNEG }) },
  { 0 }
};

static struct xml_node *
find_by_number (struct xml_node *parent, const char *name, const char *attr,
                long long number)
{
  struct xml_node *node = xml_child (parent, name);

  while (node && domain_attr_number (node, attr) != number)
    node = xml_next (node);
  return node;
}

/* Add threads with the lowest free numbers until there are COUNT. */
static int
fill_iothreads (struct xml_load *load, struct xml_node *ids, unsigned have,
                unsigned count)
{
  struct xml_node *thread;

  for (unsigned id = 1; have < count; id++) {
    if (find_by_number (ids, "iothread", "id", id))
      continue;
    thread = xml_child_add (ids, "iothread");
    if (thread == NULL || xml_attr_setf (thread, "id", "%u", id) == -1)
      return domain_no_memory (load);
    have++;
  }
  return 0;
}

/* The list is always there, so that threads have numbers; it is printed if
 * the document had one. */
int
domain_iothreads_after (struct xml_load *load, struct xml_node *node,
                        xmlNode *src)
{
  struct xml_node *root = node->parent, *count, *thread;
  unsigned listed = 0, wanted;

  for (thread = node->first; thread; thread = thread->next, listed++)
    if (find_by_number (node, "iothread", "id", id_rank (thread)) != thread)
      return xml_wrong (load, "duplicate iothread id '%s' found",
                        xml_attr (thread, "id"));
  wanted = xml_number (xml_path_text (root, "iothreads"), 0);
  if (wanted < listed)
    wanted = listed;
  if (wanted > DOMAIN_VCPUS_LISTED_MAX)
    return domain_no_memory (load);
  if (wanted == 0)
    return 1;
  count = xml_child_make (root, "iothreads");
  if (count == NULL || xml_text_setf (count, "%u", wanted) == -1)
    return domain_no_memory (load);
  node->is_hidden = listed == 0;
  return fill_iothreads (load, node, listed, wanted);
}

#define QUOTA(tag, kind, what)                                          \
  { tag, .text = TEXT (.type = kind, .flags = XT_HIDE_ZERO,             \
                       .bad = "can't parse cputune " what " value") }

#define SCHED_ATTRS(...)                                                \
  ATTRS (__VA_ARGS__                                                    \
    { "scheduler", XT_ENUM, XT_REQUIRED | XT_NONZERO,                   \
      .names = NAMES ("none", "batch", "idle", "fifo", "rr") },         \
    { "priority", .flags = XT_MADE })

static int
sched_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec spec = { "priority", XT_INT };
  CLEANUP_FREE char *source = xml_src_attr (src, "priority"), *value = NULL;

  if (!xml_attr_is (node, "scheduler", "fifo")
      && !xml_attr_is (node, "scheduler", "rr"))
    return 0;
  if (source == NULL)
    return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                     "Missing required attribute 'priority' in element '%s'",
                     xml_name (node));
  if (xml_value (load, &spec, xml_name (node), source, &value) == -1)
    return -1;
  return xml_attr_set (node, "priority", value) == -1
         ? domain_no_memory (load) : 0;
}

static int
sched_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *list = node->schema->arg;
  CLEANUP_FREE char *value = xml_src_attr (src, list);
  struct xml_bits bits;

  if (value && xml_bits_parse (value, &bits) == 0
      && xml_bits_next (&bits, -1) == -1)
    return xml_unsupported (load, "'%s' scheduler bitmap '%s' is empty", list,
                            value);
  return 0;
}

#define SCHED_LIST(tag)                                                 \
  { tag, XT_BITMAP, XT_REQUIRED,                                        \
    .missing = "Missing attribute '" tag "' in element '%s'" },

/* Cache and bandwidth shares. */
#define MONITOR(...)                                                    \
  { "monitor", .flags = XT_MANY,                                        \
    .attrs = ATTRS (__VA_ARGS__ { "vcpus", XT_BITMAP, XT_REQUIRED }) }

const struct xml_elem domain_cputune_kids[] = {
  { "shares",
    .text = TEXT (.type = XT_ULL,
                  .bad = "can't parse cputune shares value") },
  QUOTA ("period", XT_ULL, "period"),
  QUOTA ("quota", XT_LL, "quota"),
  QUOTA ("global_period", XT_ULL, "global period"),
  QUOTA ("global_quota", XT_LL, "global quota"),
  QUOTA ("emulator_period", XT_ULL, "emulator period"),
  QUOTA ("emulator_quota", XT_LL, "emulator quota"),
  QUOTA ("iothread_period", XT_ULL, "iothread period"),
  QUOTA ("iothread_quota", XT_LL, "iothread quota"),
  { "vcpupin", .flags = XT_MANY, .attrs = ATTRS (
      { "vcpu", XT_UINT, XT_REQUIRED },
      { "cpuset", XT_BITMAP, XT_REQUIRED,
        .missing = "missing cpuset for %s",
        .missing_code = VIRGATE_ERR_INTERNAL_ERROR }) },
  { "emulatorpin", .attrs = ATTRS (
      { "cpuset", XT_BITMAP, XT_REQUIRED,
        .missing = "missing cpuset for %s",
        .missing_code = VIRGATE_ERR_INTERNAL_ERROR }) },
  { "iothreadpin", .flags = XT_MANY, .attrs = ATTRS (
      { "iothread", XT_UINT, XT_REQUIRED | XT_NONZERO },
      { "cpuset", XT_BITMAP, XT_REQUIRED,
        .missing = "missing cpuset for %s",
        .missing_code = VIRGATE_ERR_INTERNAL_ERROR }) },
  { "emulatorsched", .attrs = SCHED_ATTRS (), .after = sched_after },
  { "vcpusched", .flags = XT_MANY, .before = sched_before,
    .after = sched_after, .arg = "vcpus",
    .attrs = SCHED_ATTRS (SCHED_LIST ("vcpus")) },
  { "iothreadsched", .flags = XT_MANY, .before = sched_before,
    .after = sched_after, .arg = "iothreads",
    .attrs = SCHED_ATTRS (SCHED_LIST ("iothreads")) },
  { "cachetune", .flags = XT_MANY, .kids = KIDS (
      { "cache", .flags = XT_MANY, .attrs = ATTRS (
          { "id", XT_UINT, XT_REQUIRED },
          { "level", XT_UINT, XT_REQUIRED },
          { "type", XT_ENUM, XT_REQUIRED,
            .names = NAMES ("both", "code", "data") },
          { "size" }, { "unit" }) },
      MONITOR ({ "level", XT_UINT, XT_REQUIRED },)),
    .attrs = ATTRS ({ "vcpus", XT_BITMAP, XT_REQUIRED }) },
  { "memorytune", .flags = XT_MANY, .kids = KIDS (
      { "node", .flags = XT_MANY, .attrs = ATTRS (
          { "id", XT_UINT, XT_REQUIRED },
          { "bandwidth", XT_UINT, XT_REQUIRED }) },
      MONITOR ()),
    .attrs = ATTRS ({ "vcpus", XT_BITMAP, XT_REQUIRED }) },
  { 0 }
};

static long long
vcpu_rank (const struct xml_node *node)
{
  return domain_attr_number (node, "vcpu");
}

/* Pins of vCPUs that are not there are forgotten. */
static int
finish_vcpupins (struct xml_load *load, struct xml_node *cputune)
{
  unsigned max = domain_vcpus_max (cputune->parent);
  struct xml_node *pin = xml_child (cputune, "vcpupin"), *next;

  for (; pin; pin = next) {
    next = xml_next (pin);
    if (vcpu_rank (pin) >= max)
      xml_node_free (pin);
    else if (find_by_number (cputune, "vcpupin", "vcpu", vcpu_rank (pin))
             != pin)
      return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                       "duplicate vcpupin for vcpu '%s'",
                       xml_attr (pin, "vcpu"));
  }
  domain_sort (cputune, "vcpupin", vcpu_rank);
  return 0;
}

/* Where a thread stands in the list of I/O threads; -1 = not there. */
static long long
iothread_place (const struct xml_node *any, long long id)
{
  const struct xml_node *ids = xml_child (domain_root_of (any),
                                          "iothreadids");
  const struct xml_node *thread = xml_child (ids, "iothread");

  for (long long place = 0; thread; thread = xml_next (thread), place++)
    if (id_rank (thread) == id)
      return place;
  return -1;
}

static long long
iothreadpin_rank (const struct xml_node *node)
{
  return iothread_place (node, domain_attr_number (node, "iothread"));
}

static int
finish_iothreadpins (struct xml_load *load, struct xml_node *cputune)
{
  struct xml_node *pin = xml_child (cputune, "iothreadpin");

  for (; pin; pin = xml_next (pin)) {
    if (iothreadpin_rank (pin) == -1)
      return xml_unsupported (load, "Cannot find 'iothread' : %s",
                              xml_attr (pin, "iothread"));
    if (find_by_number (cputune, "iothreadpin", "iothread",
                        domain_attr_number (pin, "iothread")) != pin)
      return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                       "duplicate iothreadpin for same iothread '%s'",
                       xml_attr (pin, "iothread"));
  }
  domain_sort (cputune, "iothreadpin", iothreadpin_rank);
  return 0;
}

static int
check_sched_thread (struct xml_load *load, const struct xml_node *sched,
                    int id)
{
  if (strcmp (xml_name (sched), "vcpusched") == 0) {
    if ((unsigned) id >= domain_vcpus_max (domain_root_of (sched)))
      return xml_unsupported (load, "vCPU '%d' is not present in domain "
                              "definition", id);
  } else if (iothread_place (sched, id) == -1)
    return xml_unsupported (load, "Cannot find 'iothread' : %d", id);
  return 0;
}

/* One element per thread: "0-1" becomes two. */
static int
split_sched (struct xml_load *load, struct xml_node *cputune,
             struct xml_node *sched)
{
  const char *name = xml_name (sched), *list = sched->schema->arg;
  struct xml_node *one;
  struct xml_bits bits;

  if (xml_bits_parse (xml_attr (sched, list), &bits) == -1)
    return domain_no_memory (load);
  for (int id = xml_bits_next (&bits, -1); id != -1;
       id = xml_bits_next (&bits, id)) {
    if (check_sched_thread (load, sched, id) == -1)
      return -1;
    one = xml_node_copy (sched);
    if (one == NULL)
      return domain_no_memory (load);
    xml_node_link (cputune, one);
    if (xml_attr_setf (one, list, "%d", id) == -1)
      return domain_no_memory (load);
    if (find_by_number (cputune, name, list, id) != one)
      return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                       "'%s' attributes '%s' must not overlap", name, list);
  }
  return 0;
}

static long long
sched_rank (const struct xml_node *node)
{
  long long id = domain_attr_number (node, node->schema->arg);

  return strcmp (xml_name (node), "vcpusched") == 0
         ? id : iothread_place (node, id);
}

/* Takes the lists out first, so that only single threads are compared. */
static int
finish_scheds (struct xml_load *load, struct xml_node *cputune,
               const char *name)
{
  struct xml_node *sched = xml_child (cputune, name), *next, *lists = NULL;
  int ret = 0;

  for (; sched; sched = next) {
    next = xml_next (sched);
    xml_node_unlink (sched);
    sched->next = lists;
    lists = sched;
  }
  for (sched = NULL; lists; lists = next) {
    next = lists->next;
    lists->next = sched;
    sched = lists;
  }
  for (; sched; sched = next) {
    next = sched->next;
    sched->next = NULL;
    sched->parent = cputune;
    if (ret == 0)
      ret = split_sched (load, cputune, sched);
    sched->parent = NULL;
    xml_node_free (sched);
  }
  domain_sort (cputune, name, sched_rank);
  return ret;
}

static int
only_one (struct xml_load *load, xmlNode *src, const char *name)
{
  xmlNode *first = xml_src_child (src, name);

  if (first && xml_src_next (first, name))
    return xml_wrong (load, "only one %s is supported", name);
  return 0;
}

int
domain_cputune_after (struct xml_load *load, struct xml_node *node,
                      xmlNode *src)
{
  if (finish_vcpupins (load, node) == -1
      || only_one (load, src, "emulatorpin") == -1
      || finish_iothreadpins (load, node) == -1
      || finish_scheds (load, node, "vcpusched") == -1
      || finish_scheds (load, node, "iothreadsched") == -1
      || only_one (load, src, "emulatorsched") == -1)
    return -1;
  return 0;
}
