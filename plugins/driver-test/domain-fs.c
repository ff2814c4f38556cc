/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Folders of the host shown to the guest: <filesystem>.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

enum fs { FS_MOUNT, FS_BLOCK, FS_FILE, FS_TEMPLATE, FS_RAM, FS_BIND,
          FS_VOLUME };

#define IS(kind) XT_WHEN (FS_##kind)
#define WHEN(kinds) .when = (kinds)

static int
read_mode (struct xml_load *load, struct xml_node *node, xmlNode *src,
           const char *attr)
{
  CLEANUP_FREE char *value = xml_src_attr (src, attr);
  unsigned long long mode;
  char *end;

  if (value == NULL)
    return 0;
  mode = strtoull (value, &end, 8);
  if (end == value || *end || strchr (value, '-') || mode > UINT_MAX)
    return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                     "Invalid value for attribute '%s' in element "
                     "'filesystem': '%s'. Expected non-negative integer "
                     "value", attr, value);
  if (mode > 0777)
    return xml_wrong (load, "invalid %s: '0%llo'", attr, mode);
  return mode && xml_attr_setf (node, attr, "%04llo", mode) == -1
         ? domain_no_memory (load) : 0;
}

int
domain_fs_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return read_mode (load, node, src, "fmode") == -1 ? -1
         : read_mode (load, node, src, "dmode");
}

const struct xml_spec domain_fs_attrs[] = {
  { "type", XT_ENUM, XT_KIND, .dflt = "mount",
    .names = NAMES ("mount", "block", "file", "template", "ram", "bind",
                    "volume") },
  { "accessmode", XT_ENUM, XT_HIDE_ZERO,
    .names = NAMES ("", "passthrough", "mapped", "squash") },
  { "model", XT_ENUM, XT_NONZERO, .names = VIRTIO_MODELS },
  { "multidevs", XT_ENUM, XT_HIDE_ZERO,
    .names = NAMES ("default", "remap", "forbid", "warn") },
  { "fmode", .flags = XT_MADE },
  { "dmode", .flags = XT_MADE },
  { 0 }
};

/* What only virtiofs knows is dropped for the other drivers. */
static bool
is_virtiofs (const struct xml_node *fs)
{
  return xml_attr_is (xml_child (fs, "driver"), "type", "virtiofs");
}

static int
driver_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec queue = {
    "queue", XT_ULL, XT_HIDE_ZERO | XT_WRAP | XT_NOT_EMPTY,
    .bad = "cannot parse queue size '%s' for virtiofs"
  };

  if (is_virtiofs (node->parent))
    return domain_read_attr (load, node, src, &queue);
  if (xml_attr (node, "type") == NULL) {
    xml_attr_set (node, "format", NULL);
    xml_attr_set (node, "wrpolicy", NULL);
  }
  return 0;
}

static int
binary_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return is_virtiofs (node->parent)
         ? domain_clean_path (load, node, "path") : 1;
}

static int
ram_usage (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *usage = xml_src_attr (src, "usage");
  CLEANUP_FREE char *units = xml_src_attr (src, "units");
  unsigned long long bytes;

  if (usage == NULL)
    return xml_wrong (load, "missing 'usage' attribute for RAM filesystem");
  if (xml_ull (usage, 10, &bytes) == -1)
    return xml_wrong (load, "cannot parse usage '%s' for RAM filesystem",
                      usage);
  if (domain_scale (load, "", usage, units, 1024, ULLONG_MAX, &bytes) == -1)
    return -1;
  return xml_attr_setf (node, "usage", "%llu", bytes / 1024) == -1
         || xml_attr_set (node, "units", "KiB") == -1
         ? domain_no_memory (load) : 0;
}

static int
source_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  bool has_pool = xml_attr (node, "pool"), has_volume = xml_attr (node,
                                                                 "volume");

  if (node->kind == FS_RAM)
    return ram_usage (load, node, src);
  if (node->kind == FS_VOLUME && has_pool != has_volume)
    return xml_wrong (load, "'pool' and 'volume' must be specified together "
                      "for 'pool' type source");
  if (xml_attr (node, "socket"))
    return xml_attr_set (node, "dir", NULL);
  return 0;
}

#define LIMIT(tag)                                                      \
  { tag, .attrs = AMOUNT_ATTRS, .after = domain_amount_after,           \
    AMOUNT ("./" tag "[1]", .flags = AMOUNT_BYTES, .scale = 1) }

const struct xml_elem domain_fs_kids[] = {
  { "driver", .before = driver_before, .attrs = ATTRS (
      { "type", XT_ENUM, XT_HIDE_ZERO,
        .names = NAMES ("default", "path", "handle", "loop", "nbd", "ploop",
                        "virtiofs") },
      { "format", XT_ENUM, XT_NONZERO, UNSUPPORTED,
        .names = domain_storage_formats,
        .bad = "unknown driver format value '%s'" },
      { "wrpolicy", XT_ENUM, XT_HIDE_ZERO,
        .names = NAMES ("default", "immediate") },
      { "queue", .flags = XT_MADE },
      VIRTIO_ATTRS) },
  { "binary", .before = binary_before, .attrs = ATTRS (
      { "path", .flags = XT_NOT_EMPTY }, { "xattr", XT_SWITCH }),
    .kids = KIDS (
      { "cache", .attrs = ATTRS (
          { "mode", XT_ENUM, XT_NONZERO,
            .names = NAMES ("default", "none", "always") }) },
      { "sandbox", .attrs = ATTRS (
          { "mode", XT_ENUM, XT_NONZERO,
            .names = NAMES ("default", "namespace", "chroot") }) },
      { "lock", .attrs = ATTRS ({ "posix", XT_SWITCH },
                                { "flock", XT_SWITCH }) },
      { "thread_pool", .attrs = ATTRS (
          { "size", XT_INT, XT_NOT_EMPTY,
            .bad = "cannot parse thread pool size '%s' for virtiofs" }) }) },
  { "source", .after = source_after, .attrs = ATTRS (
      { "dir", WHEN (IS (MOUNT) | IS (BIND)) },
      { "socket" },
      { "dev", WHEN (IS (BLOCK)) },
      { "file", WHEN (IS (FILE)) },
      { "name", WHEN (IS (TEMPLATE)) },
      { "usage", .flags = XT_MADE, WHEN (IS (RAM)) },
      { "units", .flags = XT_MADE, WHEN (IS (RAM)) },
      { "pool", WHEN (IS (VOLUME)) },
      { "volume", WHEN (IS (VOLUME)) }) },
  { "target", .attrs = ATTRS ({ "dir", .flags = XT_NOT_EMPTY }) },
  { "readonly", .flags = XT_KEEP },
  INFO_BOOT,
  INFO_KIDS,
  LIMIT ("space_hard_limit"),
  LIMIT ("space_soft_limit"),
  { 0 }
};

/* Access modes are for folders that the host shares itself. */
int
domain_fs_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_node *source = xml_child (node, "source");
  const char *target = xml_path_attr (node, "target", "dir");

  if (source == NULL && node->kind == FS_RAM)
    return xml_wrong (load, "missing 'usage' attribute for RAM filesystem");
  if (source == NULL && node->kind != FS_VOLUME)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_NO_SOURCE,
                     target ? "%s" : NULL, target);
  if (xml_attr (node, "accessmode") == NULL
      && xml_attr (source, "socket") == NULL
      && xml_attr_set (node, "accessmode", "passthrough") == -1)
    return domain_no_memory (load);
  return 0;
}
