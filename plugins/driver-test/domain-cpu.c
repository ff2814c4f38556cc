/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The guest's CPU and its NUMA cells; NUMA tuning refers to the cells.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-schema.h"

#define VENDOR_ID_LEN 12
#define DISTANCE_LOCAL 10
#define DISTANCE_MAX 255

enum cpu_mode { CPU_CUSTOM, CPU_HOST_MODEL, CPU_PASSTHROUGH, CPU_MAXIMUM };

#define MODEL_MODES (XT_WHEN (CPU_CUSTOM) | XT_WHEN (CPU_HOST_MODEL))
#define HOST_MODES (XT_WHEN (CPU_PASSTHROUGH) | XT_WHEN (CPU_MAXIMUM))

const struct xml_spec domain_cpu_attrs[] = {
  { "mode", XT_ENUM, XT_KIND, UNSUPPORTED, .dflt = "custom",
    .names = NAMES ("custom", "host-model", "host-passthrough", "maximum"),
    .bad = "Invalid mode attribute '%s'" },
  { "match", XT_ENUM, .names = NAMES ("exact", "minimum", "strict"),
    .dflt = "exact" },
  { "check", XT_ENUM, XT_HIDE_ZERO,
    .names = NAMES ("default", "none", "partial", "full") },
  { "migratable", XT_SWITCH },
  { 0 }
};

static int
model_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *vendor_id = xml_attr (node, "vendor_id");

  if (vendor_id && strlen (vendor_id) != VENDOR_ID_LEN)
    return xml_wrong (load, "vendor_id must be exactly %d characters long",
                      VENDOR_ID_LEN);
  if (vendor_id && strchr (vendor_id, ','))
    return xml_wrong (load, "vendor id is invalid");
  if (node->text == NULL)
    return vendor_id == NULL || xml_attr_set (node, "fallback", NULL) == -1;
  return 0;
}

static int
feature_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *name = xml_attr (node, "name");
  const struct xml_node *other;

  if (name == NULL || *name == '\0')
    return xml_wrong (load, "Invalid CPU feature name");
  for (other = xml_child (node->parent, "feature"); other != node;
       other = xml_next (other))
    if (xml_attr_is (other, "name", name))
      return xml_wrong (load, "CPU feature '%s' specified more than once",
                        name);
  return 0;
}

static int
cache_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  long long level = domain_attr_number (node, "level");

  if (xml_src_next (src, "cache"))
    return xml_wrong (load, "at most one CPU cache element may be specified");
  if (xml_attr (node, "level") && (level < 1 || level > 3))
    return xml_wrong (load, "invalid CPU cache level, must be in range "
                      "[1,3]");
  return 0;
}

static long long
id_rank (const struct xml_node *node)
{
  return domain_attr_number (node, "id");
}

static int
cell_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec spec = { "cpus", XT_BITMAP };
  CLEANUP_FREE char *source = xml_src_attr (src, "cpus"), *value = NULL;
  struct xml_bits bits;

  if (source && xml_bits_parse (source, &bits) == 0
      && xml_bits_next (&bits, -1) == -1)
    ;                           /* an empty set is as good as none */
  else if (source
           && (xml_value (load, &spec, "cell", source, &value) == -1
               || xml_attr_set (node, "cpus", value) == -1))
    return -1;
  return domain_amount_attr (load, node, src, "memory");
}

/* Cells without a number take that of their place. */
static int
number_cells (struct xml_load *load, struct xml_node *numa, unsigned count)
{
  struct xml_node *cell = xml_child (numa, "cell"), *other;
  unsigned place = 0;

  for (; cell; cell = xml_next (cell), place++) {
    if (xml_attr (cell, "id") == NULL
        && xml_attr_setf (cell, "id", "%u", place) == -1)
      return domain_no_memory (load);
    if (id_rank (cell) >= count)
      return xml_wrong (load, "Exactly one 'cell' element per guest NUMA "
                        "cell allowed, non-contiguous ranges or ranges not "
                        "starting from 0 are not allowed");
    for (other = xml_child (numa, "cell"); other != cell;
         other = xml_next (other))
      if (id_rank (other) == id_rank (cell))
        return xml_wrong (load, "Duplicate NUMA cell info for cell id '%s'",
                          xml_attr (cell, "id"));
  }
  return 0;
}

static bool
cells_overlap (const struct xml_node *a, const struct xml_node *b)
{
  const char *cpus_a = xml_attr (a, "cpus"), *cpus_b = xml_attr (b, "cpus");
  struct xml_bits bits_a, bits_b;

  if (cpus_a == NULL || cpus_b == NULL
      || xml_bits_parse (cpus_a, &bits_a) == -1
      || xml_bits_parse (cpus_b, &bits_b) == -1)
    return false;
  for (int bit = xml_bits_next (&bits_a, -1); bit != -1;
       bit = xml_bits_next (&bits_a, bit))
    if (xml_bits_has (&bits_b, bit))
      return true;
  return false;
}

static int
check_overlap (struct xml_load *load, const struct xml_node *numa)
{
  const struct xml_node *cell = xml_child (numa, "cell"), *other;

  for (; cell; cell = xml_next (cell))
    for (other = xml_child (numa, "cell"); other != cell;
         other = xml_next (other))
      if (cells_overlap (cell, other))
        return xml_unsupported (load, "NUMA cells %s and %s have overlapping "
                                "vCPU ids", xml_attr (cell, "id"),
                                xml_attr (other, "id"));
  return 0;
}

static struct xml_node *
cell_of (const struct xml_node *numa, long long id)
{
  struct xml_node *cell = xml_child (numa, "cell");

  while (cell && id_rank (cell) != id)
    cell = xml_next (cell);
  return cell;
}

static struct xml_node *
sibling_of (const struct xml_node *distances, long long id)
{
  struct xml_node *node = xml_child (distances, "sibling");

  while (node && id_rank (node) != id)
    node = xml_next (node);
  return node;
}

static int
set_distance (struct xml_load *load, struct xml_node *cell, long long id,
              long long value, bool only_if_absent)
{
  struct xml_node *distances = xml_child_make (cell, "distances"), *node;

  if (distances == NULL)
    return domain_no_memory (load);
  node = sibling_of (distances, id);
  if (node && only_if_absent)
    return 0;
  if (node == NULL)
    node = xml_child_add (distances, "sibling");
  if (node == NULL || xml_attr_setf (node, "id", "%lld", id) == -1
      || xml_attr_setf (node, "value", "%lld", value) == -1)
    return domain_no_memory (load);
  domain_sort (distances, "sibling", id_rank);
  return 0;
}

static int
check_distance (struct xml_load *load, const struct xml_node *cell,
                const struct xml_node *sibling, unsigned count)
{
  long long id = id_rank (sibling), own = id_rank (cell);
  long long value = domain_attr_number (sibling, "value");

  if (id >= count)
    return xml_wrong (load, "'sibling_id %lld' does not refer to a valid "
                      "cell within NUMA 'cell id %lld'", id, own);
  if (value < DISTANCE_LOCAL || value > DISTANCE_MAX
      || (id == own) != (value == DISTANCE_LOCAL))
    return xml_wrong (load, "'value %lld' is invalid for 'sibling id %lld' "
                      "under NUMA 'cell id %lld'", value, id, own);
  return 0;
}

/* A distance that one cell gives holds the other way too, unless the other
 * says otherwise. */
static int
mirror_distances (struct xml_load *load, struct xml_node *numa,
                  struct xml_node *cell, unsigned count)
{
  struct xml_node *sibling = xml_child (xml_child (cell, "distances"),
                                        "sibling");
  struct xml_node *other;

  for (; sibling; sibling = xml_next (sibling)) {
    if (check_distance (load, cell, sibling, count) == -1)
      return -1;
    other = cell_of (numa, id_rank (sibling));
    if (other && other != cell
        && (set_distance (load, other, id_rank (other), DISTANCE_LOCAL,
                          false) == -1
            || set_distance (load, other, id_rank (cell),
                             domain_attr_number (sibling, "value"),
                             true) == -1))
      return -1;
  }
  return xml_child (cell, "distances")
         ? set_distance (load, cell, id_rank (cell), DISTANCE_LOCAL, false)
         : 0;
}

static int
numa_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  unsigned count = xml_count (xml_child (node, "cell"));
  struct xml_node *cell;

  if (count == 0)
    return xml_wrong (load, "NUMA topology defined without NUMA cells");
  if (number_cells (load, node, count) == -1
      || check_overlap (load, node) == -1)
    return -1;
  for (cell = node->first; cell && strcmp (xml_name (cell), "cell") == 0;
       cell = cell->next)
    if (mirror_distances (load, node, cell, count) == -1)
      return -1;
  domain_sort (node, "cell", id_rank);
  return 0;
}

static int
distances_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->first == NULL)
    return xml_wrong (load, "NUMA distances defined without siblings");
  domain_sort (node, "sibling", id_rank);
  return 0;
}

static int
bandwidth_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return domain_amount_attr (load, node, src, "value");
}

#define LINK_ATTRS(...)                                                 \
  ATTRS ({ "initiator", XT_UINT, XT_REQUIRED },                         \
         { "target", XT_UINT, XT_REQUIRED },                            \
         { "cache", XT_UINT, XT_HIDE_ZERO },                            \
         { "type", XT_ENUM, XT_REQUIRED | XT_NONZERO,                   \
           .names = NAMES ("none", "access", "read", "write") },        \
         __VA_ARGS__)

static const struct xml_elem cell_kids[] = {
  { "distances", .after = distances_after, .flags = XT_KEEP, .kids = KIDS (
      { "sibling", .flags = XT_MANY, .attrs = ATTRS (
          { "id", XT_UINT, XT_REQUIRED },
          { "value", XT_UINT, XT_REQUIRED }) }) },
  { "cache", .flags = XT_MANY, .attrs = ATTRS (
      { "level", XT_UINT, XT_REQUIRED | XT_NONZERO },
      { "associativity", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("none", "direct", "full") },
      { "policy", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("none", "writeback", "writethrough") }),
    .kids = KIDS (
      { "size", .attrs = ATTRS ({ "value", XT_UINT, XT_REQUIRED },
                                { "unit" }) },
      { "line", .attrs = ATTRS ({ "value", XT_UINT, XT_REQUIRED },
                                { "unit" }) }) },
  { 0 }
};

const struct xml_elem domain_cpu_kids[] = {
  { "model", .text = TEXT (0), .when = MODEL_MODES, .after = model_after,
    .attrs = ATTRS (
      { "fallback", XT_ENUM, XT_NOT_EMPTY, UNSUPPORTED, .dflt = "allow",
        .names = NAMES ("allow", "forbid"),
        .bad = "Invalid fallback attribute" },
      { "vendor_id", .flags = XT_NOT_EMPTY }) },
  { "vendor", .text = TEXT (0), .when = MODEL_MODES },
  { "topology", .attrs = ATTRS (
      { "sockets", XT_UINT, XT_REQUIRED | XT_NONZERO },
      { "dies", XT_UINT, XT_NONZERO, .dflt = "1" },
      { "cores", XT_UINT, XT_REQUIRED | XT_NONZERO },
      { "threads", XT_UINT, XT_REQUIRED | XT_NONZERO }) },
  { "cache", .after = cache_after, .attrs = ATTRS (
      { "level", XT_INT, XT_NONNEG },
      { "mode", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("emulate", "passthrough", "disable") }) },
  { "maxphysaddr", .attrs = ATTRS (
      { "mode", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("emulate", "passthrough") },
      { "bits", XT_INT, XT_NONNEG }) },
  { "feature", .flags = XT_MANY, .before = feature_before, .attrs = ATTRS (
      { "policy", XT_ENUM, UNSUPPORTED, .dflt = "require",
        .names = NAMES ("force", "require", "optional", "disable", "forbid"),
        .bad = "Invalid CPU feature policy" },
      { "name" }) },
  { "numa", .after = numa_after, .flags = XT_KEEP,
    .domain = VIRGATE_FROM_DOMAIN, .kids = KIDS (
      { "cell", .flags = XT_MANY, .before = cell_before, .kids = cell_kids,
        .attrs = ATTRS (
          { "id", XT_UINT },
          { "cpus", .flags = XT_MADE },
          { "memory", .flags = XT_MADE },
          { "unit", .flags = XT_MADE },
          { "memAccess", XT_ENUM, XT_NONZERO,
            .names = NAMES ("default", "shared", "private") },
          { "discard", XT_BOOL }) },
      { "interconnects", .kids = KIDS (
          { "latency", .flags = XT_MANY,
            .attrs = LINK_ATTRS ({ "value", XT_ULL, XT_REQUIRED }) },
          { "bandwidth", .flags = XT_MANY, .before = bandwidth_before,
            .attrs = LINK_ATTRS ({ "value", .flags = XT_MADE },
                                 { "unit", .flags = XT_MADE }) }) }) },
  { 0 }
};

int
domain_cpu_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_attr (node, "migratable")
      && !(XT_WHEN (node->kind) & HOST_MODES))
    return xml_unsupported (load, "Attribute migratable is only allowed for "
                            "'host-passthrough' / 'maximum' CPU mode");
  return 0;
}

static int
check_without_model (struct xml_load *load, struct xml_node *node,
                     xmlNode *src)
{
  if (xml_src_child (src, "vendor"))
    return xml_wrong (load, "CPU vendor specified without CPU model");
  if (node->kind != CPU_CUSTOM)
    return 0;
  if (xml_child (node, "feature"))
    return xml_wrong (load, "Non-empty feature list specified without CPU "
                      "model");
  if (xml_attr (node, "check"))
    return xml_unsupported (load, "check attribute specified for CPU with no "
                            "model");
  if (xml_attr_set (node, "mode", NULL) == -1)
    return -1;
  return xml_attr_set (node, "match", NULL);
}

int
domain_cpu_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *model = xml_src_text (xml_src_child (src, "model"));

  if (node->kind != CPU_CUSTOM && xml_attr_set (node, "match", NULL) == -1)
    return -1;
  if (model == NULL && check_without_model (load, node, src) == -1)
    return -1;
  return 0;
}

/* CPUs in cells: how many, and the highest. */
static unsigned
count_cell_cpus (const struct xml_node *numa, int *highest)
{
  const struct xml_node *cell = xml_child (numa, "cell");
  unsigned count = 0;
  struct xml_bits bits;

  *highest = 0;
  for (; cell; cell = xml_next (cell)) {
    if (xml_attr (cell, "cpus") == NULL
        || xml_bits_parse (xml_attr (cell, "cpus"), &bits) == -1)
      continue;
    for (int bit = xml_bits_next (&bits, -1); bit != -1;
         bit = xml_bits_next (&bits, bit), count++)
      if (bit > *highest)
        *highest = bit;
  }
  return count;
}

static int
check_cell_cpus (struct xml_load *load, const struct xml_node *root)
{
  unsigned max = domain_vcpus_max (root);
  int highest;

  if (count_cell_cpus (xml_path (root, "cpu/numa"), &highest) > max)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "Number of CPUs in <numa> exceeds the <vcpu> count");
  if (highest >= (long long) max)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "CPU IDs in <numa> exceed the <vcpu> count");
  return 0;
}

/* Where memory comes from: static with a set of nodes, or automatic. */
static int
finish_numa_memory (struct xml_load *load, struct xml_node *memory,
                    bool is_static)
{
  const char *placement = xml_attr (memory, "placement");
  bool has_nodes = xml_attr (memory, "nodeset") != NULL;
  bool is_auto;

  if (xml_attr (memory, "mode") == NULL
      && xml_attr_set (memory, "mode", "strict") == -1)
    return domain_no_memory (load);
  if (placement && strcmp (placement, "default") != 0)
    is_auto = strcmp (placement, "auto") == 0;
  else
    is_auto = !has_nodes && !is_static;
  if (!is_auto && !has_nodes)
    return xml_unsupported (load, "nodeset for NUMA memory tuning must be "
                            "set if 'placement' is 'static'");
  if (is_auto && xml_attr_set (memory, "nodeset", NULL) == -1)
    return -1;
  return xml_attr_set (memory, "placement", is_auto ? "auto" : NULL);
}

static long long
cellid_rank (const struct xml_node *node)
{
  return domain_attr_number (node, "cellid");
}

static int
check_memnode (struct xml_load *load, const struct xml_node *root,
               const struct xml_node *memnode)
{
  const struct xml_node *other;

  if (cell_of (xml_path (root, "cpu/numa"), cellid_rank (memnode)) == NULL)
    return xml_wrong (load, "Argument 'cellid' in memnode element must "
                      "correspond to existing guest's NUMA cell");
  for (other = xml_child (memnode->parent, "memnode"); other != memnode;
       other = xml_next (other))
    if (cellid_rank (other) == cellid_rank (memnode))
      return xml_wrong (load, "Multiple memnode elements with cellid %s",
                        xml_attr (memnode, "cellid"));
  if (xml_attr_is (xml_child (memnode->parent, "memory"), "mode",
                   "restrictive")
      && !xml_attr_is (memnode, "mode", "restrictive"))
    return xml_wrong (load, "'restrictive' mode is required in memnode "
                      "element when mode is 'restrictive' in memory element");
  return 0;
}

static int
check_memnodes (struct xml_load *load, struct xml_node *root,
                struct xml_node *numatune)
{
  const struct xml_node *memnode = xml_child (numatune, "memnode");

  if (memnode && xml_attr_is (xml_child (numatune, "memory"), "placement",
                              "auto"))
    return xml_unsupported (load, "Per-node binding is not compatible with "
                            "automatic NUMA placement.");
  for (; memnode; memnode = xml_next (memnode))
    if (check_memnode (load, root, memnode) == -1)
      return -1;
  domain_sort (numatune, "memnode", cellid_rank);
  return 0;
}

/* Memory that follows the CPUs places the CPUs too, where nothing else
 * does. */
static int
place_vcpus (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *vcpu = xml_child (root, "vcpu");

  if (!xml_attr_is (xml_path (root, "numatune/memory"), "placement", "auto")
      || xml_attr (vcpu, "cpuset") || xml_path (root, "cputune/vcpupin")
      || xml_path (root, "cputune/emulatorpin")
      || xml_path (root, "cputune/iothreadpin"))
    return 0;
  return xml_attr_set (vcpu, "placement", "auto") == -1
         ? domain_no_memory (load) : 0;
}

/* The CPU's cells stand elsewhere in the document. */
int
domain_numatune_before (struct xml_load *load, struct xml_node *node,
                        xmlNode *src)
{
  const xmlNode *cpu = src ? xml_src_child (src->parent, "cpu") : NULL;

  if (src && xml_src_next (src, "numatune"))
    return xml_wrong (load, "only one numatune is supported");
  if (xml_src_child (src, "memnode")
      && xml_src_child (xml_src_child (cpu, "numa"), "cell") == NULL)
    return xml_wrong (load, "Element 'memnode' is invalid without any guest "
                      "NUMA cells");
  return 0;
}

int
domain_numatune_check (struct xml_load *load, struct xml_node *root)
{
  bool is_static = xml_attr_is (xml_child (root, "vcpu"), "placement",
                                "static");
  struct xml_node *numatune, *memory;

  if (check_cell_cpus (load, root) == -1)
    return -1;
  memory = xml_path (root, "numatune/memory");
  if (memory == NULL && !is_static) {
    memory = xml_make_path (root, "numatune/memory");
    if (memory == NULL)
      return domain_no_memory (load);
  }
  if (memory && finish_numa_memory (load, memory, is_static) == -1)
    return -1;
  numatune = xml_child (root, "numatune");
  if (numatune && check_memnodes (load, root, numatune) == -1)
    return -1;
  return place_vcpus (load, root);
}
