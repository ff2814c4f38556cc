/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looking at definitions and changing them: names, amounts, vCPUs, pins,
 * threads, devices; see domain-xml.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/uuid.h"
#include "plugins/driver-test/domain-schema.h"
#include "plugins/driver-test/domain-xml.h"

int
domain_def_set_id (struct domain_def *def, int id)
{
  return id == -1 ? xml_attr_set (def->root, "id", NULL)
                  : xml_attr_setf (def->root, "id", "%d", id);
}

const char *
domain_def_name (const struct domain_def *def)
{
  return xml_path_text (def->root, "name");
}

int
domain_def_set_name (struct domain_def *def, const char *name)
{
  return xml_text_set (xml_child (def->root, "name"), name);
}

void
domain_def_uuid (const struct domain_def *def, unsigned char uuid[16])
{
  /* The tree holds what uuid_format wrote. */
  if (!uuid_parse (xml_path_text (def->root, "uuid"), uuid))
    memset (uuid, 0, 16);
}

const char *
domain_def_text (const struct domain_def *def, const char *path)
{
  return xml_path_text (def->root, path);
}

/* Remove a node, and the parents that it leaves with nothing. */
static void
remove_node (struct domain_def *def, struct xml_node *node)
{
  struct xml_node *parent;

  while (node && node != def->root) {
    parent = node->parent;
    xml_node_free (node);
    if (parent->first || parent->attrs || parent->text
        || (parent->schema->flags & XT_KEEP))
      return;
    node = parent;
  }
}

/* A node that the schema gives a unit always shows it. */
static int
set_unit (struct xml_node *node)
{
  const struct xml_spec *spec = node->schema->attrs;

  for (; spec && spec->name; spec++)
    if (strcmp (spec->name, "unit") == 0)
      return xml_attr_set (node, "unit", "KiB");
  return 0;
}

int
domain_def_set_text (struct domain_def *def, const char *path,
                     const char *text)
{
  struct xml_node *node;

  if (text == NULL) {
    remove_node (def, xml_path (def->root, path));
    return 0;
  }
  node = xml_make_path (def->root, path);
  if (node == NULL || set_unit (node) == -1)
    return -1;
  return xml_text_set (node, text);
}

unsigned long long
domain_def_number (const struct domain_def *def, const char *path,
                   unsigned long long dflt)
{
  return xml_number (xml_path_text (def->root, path), dflt);
}

int
domain_def_set_number (struct domain_def *def, const char *path,
                       unsigned long long number)
{
  char text[24];

  snprintf (text, sizeof text, "%llu", number);
  return domain_def_set_text (def, path, text);
}

unsigned long long
domain_def_memory (const struct domain_def *def)
{
  return domain_def_number (def, "memory", 0);
}

unsigned long long
domain_def_balloon (const struct domain_def *def)
{
  return domain_def_number (def, "currentMemory", 0);
}

int
domain_def_set_memory (struct domain_def *def, unsigned long long kib)
{
  if (domain_def_balloon (def) > kib
      && domain_def_set_balloon (def, kib) == -1)
    return -1;
  return domain_def_set_number (def, "memory", kib);
}

int
domain_def_set_balloon (struct domain_def *def, unsigned long long kib)
{
  return domain_def_set_number (def, "currentMemory", kib);
}

unsigned
domain_def_vcpus_max (const struct domain_def *def)
{
  return domain_vcpus_max (def->root);
}

unsigned
domain_def_vcpus (const struct domain_def *def)
{
  return xml_number (xml_path_attr (def->root, "vcpu", "current"),
                     domain_def_vcpus_max (def));
}

static struct xml_node *
numbered (const struct domain_def *def, const char *path, const char *attr,
          unsigned number)
{
  struct xml_node *node = xml_path (def->root, path);

  while (node && domain_attr_number (node, attr) != number)
    node = xml_next (node);
  return node;
}

bool
domain_def_vcpu_is_online (const struct domain_def *def, unsigned vcpu)
{
  const struct xml_node *listed = numbered (def, "vcpus/vcpu", "id", vcpu);

  return listed ? xml_attr_is (listed, "enabled", "yes")
                : vcpu < domain_def_vcpus (def);
}

static int
list_vcpu (struct domain_def *def, struct xml_node *list, unsigned id,
           bool is_online)
{
  struct xml_node *node = numbered (def, "vcpus/vcpu", "id", id);

  if (node == NULL) {
    node = xml_child_add (list, "vcpu");
    if (node == NULL || xml_attr_setf (node, "id", "%u", id) == -1
        || xml_attr_set (node, "hotpluggable",
                         is_online ? "no" : "yes") == -1)
      return -1;
  }
  return xml_attr_set (node, "enabled", is_online ? "yes" : "no");
}

/* Bring the list of single vCPUs, where there is one, up to date. */
static int
update_list (struct domain_def *def, unsigned max, unsigned online)
{
  struct xml_node *list = xml_child (def->root, "vcpus"), *node, *next;

  if (list == NULL)
    return 0;
  for (unsigned id = 0; id < max; id++)
    if (list_vcpu (def, list, id, id < online) == -1)
      return -1;
  for (node = list->first; node; node = next) {
    next = node->next;
    if (domain_attr_number (node, "id") >= max)
      xml_node_free (node);
  }
  return 0;
}

static int
set_counts (struct domain_def *def, unsigned max, unsigned online)
{
  struct xml_node *vcpu = xml_child (def->root, "vcpu");

  if (xml_text_setf (vcpu, "%u", max) == -1)
    return -1;
  return online == max ? xml_attr_set (vcpu, "current", NULL)
                       : xml_attr_setf (vcpu, "current", "%u", online);
}

static void
forget_above (struct domain_def *def, const char *path, const char *attr,
              unsigned max)
{
  struct xml_node *node = xml_path (def->root, path), *next;

  for (; node; node = next) {
    next = xml_next (node);
    if (domain_attr_number (node, attr) >= max)
      remove_node (def, node);
  }
}

int
domain_def_set_vcpus_max (struct domain_def *def, unsigned count)
{
  unsigned online = domain_def_vcpus (def);

  if (count > DOMAIN_VCPUS_LISTED_MAX && xml_child (def->root, "vcpus"))
    return -1;
  if (online > count)
    online = count;
  forget_above (def, "cputune/vcpupin", "vcpu", count);
  forget_above (def, "cputune/vcpusched", "vcpus", count);
  if (update_list (def, count, online) == -1)
    return -1;
  return set_counts (def, count, online);
}

int
domain_def_set_vcpus (struct domain_def *def, unsigned count)
{
  unsigned max = domain_def_vcpus_max (def);

  if (update_list (def, max, count) == -1)
    return -1;
  return set_counts (def, max, count);
}

static bool
read_set (const char *text, struct xml_bits *cpus)
{
  return text && xml_bits_parse (text, cpus) == 0;
}

bool
domain_def_cpuset (const struct domain_def *def, struct xml_bits *cpus)
{
  return read_set (xml_path_attr (def->root, "vcpu", "cpuset"), cpus);
}

bool
domain_def_vcpu_pin (const struct domain_def *def, unsigned vcpu,
                     struct xml_bits *cpus)
{
  return read_set (xml_attr (numbered (def, "cputune/vcpupin", "vcpu", vcpu),
                             "cpuset"), cpus);
}

bool
domain_def_emulator_pin (const struct domain_def *def, struct xml_bits *cpus)
{
  return read_set (xml_path_attr (def->root, "cputune/emulatorpin", "cpuset"),
                   cpus);
}

bool
domain_def_iothread_pin (const struct domain_def *def, unsigned id,
                         struct xml_bits *cpus)
{
  return read_set (xml_attr (numbered (def, "cputune/iothreadpin", "iothread",
                                       id), "cpuset"), cpus);
}

static struct xml_node *
add_pin (struct domain_def *def, const char *name, const char *attr,
         unsigned number)
{
  struct xml_node *cputune = xml_make_path (def->root, "cputune");
  struct xml_node *pin = cputune ? xml_child_add (cputune, name) : NULL;

  if (pin && attr && xml_attr_setf (pin, attr, "%u", number) == -1)
    return NULL;
  return pin;
}

static long long
vcpu_rank (const struct xml_node *node)
{
  return domain_attr_number (node, "vcpu");
}

static int
set_pin (struct domain_def *def, struct xml_node *pin, const char *name,
         const char *attr, unsigned number, const struct xml_bits *cpus)
{
  CLEANUP_FREE char *text = NULL;

  if (xml_bits_next (cpus, -1) == -1) {
    remove_node (def, pin);
    return 0;
  }
  text = xml_bits_format (cpus);
  if (pin == NULL)
    pin = add_pin (def, name, attr, number);
  if (text == NULL || pin == NULL)
    return -1;
  if (attr && strcmp (attr, "vcpu") == 0)
    domain_sort (pin->parent, name, vcpu_rank);
  return xml_attr_set (pin, "cpuset", text);
}

int
domain_def_set_vcpu_pin (struct domain_def *def, unsigned vcpu,
                         const struct xml_bits *cpus)
{
  return set_pin (def, numbered (def, "cputune/vcpupin", "vcpu", vcpu),
                  "vcpupin", "vcpu", vcpu, cpus);
}

int
domain_def_set_emulator_pin (struct domain_def *def,
                             const struct xml_bits *cpus)
{
  return set_pin (def, xml_path (def->root, "cputune/emulatorpin"),
                  "emulatorpin", NULL, 0, cpus);
}

int
domain_def_set_iothread_pin (struct domain_def *def, unsigned id,
                             const struct xml_bits *cpus)
{
  return set_pin (def, numbered (def, "cputune/iothreadpin", "iothread", id),
                  "iothreadpin", "iothread", id, cpus);
}

struct xml_node *
domain_def_iothread (const struct domain_def *def, unsigned id)
{
  return numbered (def, "iothreadids/iothread", "id", id);
}

struct xml_node *
domain_def_iothreads (const struct domain_def *def)
{
  return xml_path (def->root, "iothreadids/iothread");
}

static int
count_iothreads (struct domain_def *def)
{
  unsigned count = xml_count (domain_def_iothreads (def));

  if (count == 0)
    return domain_def_set_text (def, "iothreads", NULL);
  return domain_def_set_number (def, "iothreads", count);
}

int
domain_def_add_iothread (struct domain_def *def, unsigned id)
{
  struct xml_node *list = xml_make_path (def->root, "iothreadids");
  struct xml_node *node = list ? xml_child_add (list, "iothread") : NULL;

  if (node == NULL || xml_attr_setf (node, "id", "%u", id) == -1)
    return -1;
  list->is_hidden = false;
  return count_iothreads (def);
}

int
domain_def_remove_iothread (struct domain_def *def, unsigned id)
{
  remove_node (def, numbered (def, "cputune/iothreadpin", "iothread", id));
  remove_node (def, numbered (def, "cputune/iothreadsched", "iothreads", id));
  remove_node (def, domain_def_iothread (def, id));
  return count_iothreads (def);
}

struct xml_node *
domain_def_devices (const struct domain_def *def, const char *kind)
{
  return xml_child (xml_child (def->root, "devices"), kind);
}

const char *
domain_disk_target (const struct xml_node *disk)
{
  return xml_path_attr (disk, "target", "dev");
}

const char *
domain_disk_source (const struct xml_node *disk)
{
  static const char *const attrs[] = { "file", "dev", "dir", "name" };
  const struct xml_node *source = xml_child (disk, "source");
  const char *path = NULL;

  for (size_t i = 0; i < 4 && path == NULL; i++)
    path = xml_attr (source, attrs[i]);
  return path;
}

struct xml_node *
domain_def_interface (const struct domain_def *def, const char *name)
{
  struct xml_node *node = domain_def_devices (def, "interface");
  unsigned char mac[6];
  char text[18];
  bool is_mac = xml_mac_parse (name, mac) == 0;
  const char *own;

  if (is_mac)
    xml_mac_format (mac, text);
  for (; node; node = xml_next (node)) {
    own = is_mac ? xml_path_attr (node, "mac", "address")
                 : xml_path_attr (node, "target", "dev");
    if (own && strcmp (own, is_mac ? text : name) == 0)
      break;
  }
  return node;
}

/* A name that no interface has yet; false: all are taken. */
static bool
free_name (const struct domain_def *def, char *name, size_t size)
{
  for (unsigned number = 0; number < DOMAIN_INTERFACES_MAX; number++) {
    snprintf (name, size, "testnet%u", number);
    if (domain_def_interface (def, name) == NULL)
      return true;
  }
  return false;
}

int
domain_def_name_interfaces (struct domain_def *def)
{
  struct xml_node *node = domain_def_devices (def, "interface"), *target;
  char name[24];

  for (; node; node = xml_next (node)) {
    target = xml_child_make (node, "target");
    if (target == NULL)
      return -1;
    if (xml_attr (target, "dev"))
      continue;
    if (!free_name (def, name, sizeof name))
      return 1;
    if (xml_attr_set (target, "dev", name) == -1)
      return -1;
  }
  return 0;
}
