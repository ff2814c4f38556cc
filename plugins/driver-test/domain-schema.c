/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The root of the domain's schema, and the parts that have no file of their
 * own: identity, memory, boot, clock, what happens when.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/uuid.h"
#include "plugins/driver-test/domain-devices.h"

const char *const domain_os_names[] = {
  "hvm", "xen", "linux", "exe", "uml", "xenpvh", NULL
};

const char *const domain_arch_names[] = {
  "none", "alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686",
  "ia64", "lm32", "m68k", "microblaze", "microblazeel", "mips", "mipsel",
  "mips64", "mips64el", "openrisc", "parisc", "parisc64", "ppc", "ppcle",
  "ppc64", "ppc64le", "ppcemb", "riscv32", "riscv64", "s390", "s390x", "sh4",
  "sh4eb", "sparc", "sparc64", "unicore32", "x86_64", "xtensa", "xtensaeb",
  "loongarch64", NULL
};

const char *const domain_storage_formats[] = {
  "none", "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat",
  "vhd", "ploop", "cow", "qcow", "qcow2", "qed", "vmdk", NULL
};

static const char *const virt_names[] = {
  "none", "qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test",
  "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve", "vz", "hvf", NULL
};

static int
make_uuid (struct xml_load *load, struct xml_node *node)
{
  unsigned char uuid[16];
  char text[37];

  xml_uuid_make (uuid);
  uuid_format (uuid, text);
  return xml_text_set (node, text) == -1 ? domain_no_memory (load) : 0;
}

static int
uuid_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->text)
    return 0;
  domain_load_of (load)->uuid_generated = true;
  return make_uuid (load, node);
}

static int
genid_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_src_next (src, "genid"))
    return xml_wrong (load, "element 'genid' can only appear once");
  return node->text ? 0 : make_uuid (load, node);
}

static int
title_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->text && strchr (node->text, '\n'))
    return xml_wrong (load, "Domain title can't contain newlines");
  return 0;
}

static int
blkio_device_after (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  if (xml_child (node, "path") == NULL)
    return xml_unsupported (load, "missing per-device path");
  return node->first == node->last;
}

static int
hugepage_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (domain_amount_attr (load, node, src, "size") == -1)
    return -1;
  if (xml_attr_is (node, "size", "0"))
    return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                     "hugepage size can't be zero");
  return 0;
}

static const struct xml_elem memory_backing_kids[] = {
  { "hugepages", .flags = XT_KEEP, .kids = KIDS (
      { "page", .flags = XT_MANY, .before = hugepage_before,
        .attrs = ATTRS ({ "size", .flags = XT_MADE },
                        { "unit", .flags = XT_MADE },
                        { "nodeset", XT_BITMAP }) }) },
  { "nosharepages", .flags = XT_KEEP },
  { "locked", .flags = XT_KEEP },
  { "source", .attrs = ATTRS (
      { "type", XT_ENUM, XT_NONZERO | XT_NOT_EMPTY, UNSUPPORTED,
        .names = NAMES ("none", "file", "anonymous", "memfd"),
        .bad = "unknown memoryBacking/source/type '%s'" }) },
  { "access", .attrs = ATTRS (
      { "mode", XT_ENUM, XT_NONZERO | XT_NOT_EMPTY, UNSUPPORTED,
        .names = NAMES ("default", "shared", "private"),
        .bad = "unknown memoryBacking/access/mode '%s'" }) },
  { "allocation", .attrs = ATTRS (
      { "mode", XT_ENUM, XT_NONZERO | XT_NOT_EMPTY, UNSUPPORTED,
        .names = NAMES ("none", "immediate", "ondemand"),
        .bad = "unknown memoryBacking/allocation/mode '%s'" },
      { "threads", XT_UINT, XT_HIDE_ZERO | XT_NOT_EMPTY,
        .bad = "Failed to parse memory allocation threads" }) },
  { "discard", .flags = XT_KEEP },
  { 0 }
};

#define BLKIO(tag, kind, what)                                          \
  { tag, .text = TEXT (.type = kind, .flags = XT_HIDE_ZERO | XT_WRAP,   \
                        UNSUPPORTED, .bad = "could not parse " what " %s") }

static const struct xml_elem blkiotune_kids[] = {
  { "weight", .text = TEXT (.type = XT_UINT, .flags = XT_HIDE_ZERO
                            | XT_LENIENT) },
  { "device", .flags = XT_MANY, .after = blkio_device_after, .kids = KIDS (
      { "path", .text = TEXT (0) },
      BLKIO ("weight", XT_UINT, "weight"),
      BLKIO ("read_iops_sec", XT_UINT, "read iops sec"),
      BLKIO ("write_iops_sec", XT_UINT, "write iops sec"),
      BLKIO ("read_bytes_sec", XT_ULL, "read bytes sec"),
      BLKIO ("write_bytes_sec", XT_ULL, "write bytes sec")) },
  { 0 }
};

#define LIMIT(tag, mode)                                                \
  { tag, .attrs = AMOUNT_ATTRS, .after = domain_amount_after,           \
    AMOUNT ("./memtune/" tag "[1]", .flags = mode) }

static const struct xml_elem memtune_kids[] = {
  LIMIT ("hard_limit", AMOUNT_LIMIT | AMOUNT_KEEP_ZERO),
  LIMIT ("soft_limit", AMOUNT_LIMIT | AMOUNT_KEEP_ZERO),
  LIMIT ("min_guarantee", 0),
  LIMIT ("swap_hard_limit", AMOUNT_LIMIT | AMOUNT_KEEP_ZERO),
  { 0 }
};

/* An init argument or variable is its first piece of text, which must be. */
static int
initarg_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (src->children == NULL || src->children->content == NULL)
    return xml_wrong (load, "No data supplied for <initarg> element");
  return 0;
}

static int
initenv_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (src->children == NULL || src->children->content == NULL)
    return xml_wrong (load, "No value supplied for <initenv name='%s'> "
                      "element", xml_attr (node, "name"));
  return 0;
}

static int
os_type_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_node *root = domain_root_of (node);
  bool is_xen = xml_attr_is (root, "type", "xen");

  if (node->text == NULL && xml_text_set (node, "xen") == -1)
    return domain_no_memory (load);
  /* Xen's guests have always been written "linux". */
  if (is_xen && strcmp (node->text, "xen") == 0
      && xml_text_set (node, "linux") == -1)
    return domain_no_memory (load);
  return 0;
}

static int
os_kind (const struct xml_node *root, xmlNode *src)
{
  CLEANUP_FREE char *type = xml_src_text (xml_src_child (src, "type"));
  int kind = type ? xml_enum (domain_os_names, type) : OS_XEN;

  if (kind == OS_LINUX && xml_attr_is (root, "type", "xen"))
    kind = OS_XEN;
  return kind < 0 ? OS_HVM : kind;
}

static int
os_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  node->kind = os_kind (domain_root_of (node), src);
  return 0;
}

static int
os_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct xml_node *child, *next;

  if (xml_child (domain_root_of (node), "bootloader") == NULL)
    return 0;
  for (child = node->first; child; child = next) {
    next = child->next;
    if (strcmp (xml_name (child), "boot") == 0
        || strcmp (xml_name (child), "bootmenu") == 0
        || strcmp (xml_name (child), "bios") == 0)
      child->is_hidden = true;
  }
  return 0;
}

static int
bootmenu_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec timeout = { "timeout", XT_UINT };
  CLEANUP_FREE char *source = xml_src_attr (src, "timeout"), *value = NULL;

  if (!xml_attr_is (node, "enable", "yes") || source == NULL)
    return 0;
  if (xml_value (load, &timeout, "bootmenu", source, &value) == -1)
    return -1;
  return xml_attr_set (node, "timeout", value) == -1 ? domain_no_memory (load)
                                                     : 0;
}

static int
acpi_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  xmlNode *table = xml_src_child (src, "table");

  if (table && xml_src_next (table, "table"))
    return xml_wrong (load, "Only one acpi table is supported");
  return 0;
}

static const char *const fw_features[] = {
  "enrolled-keys", "secure-boot", NULL
};

static long long
fw_feature_rank (const struct xml_node *node)
{
  const char *name = xml_attr (node, "name");

  return xml_enum (fw_features, name);
}

static struct xml_node *
fw_feature (struct xml_node *firmware, const char *name)
{
  struct xml_node *node = xml_child (firmware, "feature");

  while (node && !xml_attr_is (node, "name", name))
    node = xml_next (node);
  return node;
}

static int
firmware_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return xml_attr (node->parent, "firmware") == NULL;
}

static int
firmware_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct xml_node *keys = fw_feature (node, "enrolled-keys");
  struct xml_node *secure = fw_feature (node, "secure-boot");

  if (keys && xml_attr_is (keys, "enabled", "yes")) {
    if (secure && xml_attr_is (secure, "enabled", "no"))
      return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                       "firmware feature 'enrolled-keys' cannot be enabled "
                       "when firmware feature 'secure-boot' is disabled");
    if (secure == NULL)
      secure = xml_child_add (node, "feature");
    if (secure == NULL || xml_attr_set (secure, "enabled", "yes") == -1
        || xml_attr_set (secure, "name", "secure-boot") == -1)
      return domain_no_memory (load);
  }
  domain_sort (node, "feature", fw_feature_rank);
  return 0;
}

/* An NVRAM of the new kind has a type and a source like a disk's. */
static int
nvram_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const types[] = {
    "none", "file", "block", "dir", "network", "volume", "nvme", "vhostuser",
    NULL
  };
  static const struct xml_spec type = { "type", XT_ENUM, .names = types };

  if (domain_read_attr (load, node, src, &type) == -1)
    return -1;
  node->kind = STORAGE_NONE;
  if (xml_attr (node, "type") == NULL)
    return 0;
  node->kind = xml_enum (types, xml_attr (node, "type"));
  if (xml_src_child (src, "source") == NULL)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "missing source of nvram");
  return 0;
}

static int
nvram_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return xml_attr (node, "type") ? xml_text_set (node, NULL) : 0;
}

static int
loader_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->text && xml_attr (node, "type") == NULL
      && xml_attr_set (node, "type", "rom") == -1)
    return domain_no_memory (load);
  return 0;
}

#define BY_INIT XT_WHEN (OS_EXE)
#define BY_FIRMWARE XT_WHEN (OS_HVM)
#define BY_LOADER                                                       \
  (XT_WHEN (OS_HVM) | XT_WHEN (OS_XEN) | XT_WHEN (OS_XENPVH)            \
   | XT_WHEN (OS_UML))

static const struct xml_elem os_kids[] = {
  { "type", .flags = XT_ALWAYS | XT_KEEP, .after = os_type_after,
    .text = TEXT (.type = XT_ENUM, UNSUPPORTED, .names = domain_os_names,
                  .bad = "unknown OS type '%s'"),
    .attrs = ATTRS (
      { "arch", XT_ENUM, UNSUPPORTED, .names = domain_arch_names,
        .dflt = "i686", .bad = "Unknown architecture %s" },
      { "machine", .flags = XT_NOT_EMPTY }) },
  { "firmware", .when = BY_FIRMWARE, .before = firmware_before,
    .after = firmware_after, .kids = KIDS (
      { "feature", .flags = XT_MANY, .attrs = ATTRS (
          { "enabled", XT_BOOL, XT_REQUIRED },
          { "name", XT_ENUM, XT_REQUIRED, .names = fw_features }) }) },
  { "init", .when = BY_INIT, .text = TEXT (0) },
  { "initarg", .when = BY_INIT, .flags = XT_MANY, .text = TEXT (0),
    .after = initarg_after },
  { "initenv", .when = BY_INIT, .flags = XT_MANY, .text = TEXT (0),
    .after = initenv_after, .attrs = ATTRS (
      { "name", .flags = XT_REQUIRED,
        .missing = "No name supplied for <initenv> element" }) },
  { "initdir", .when = BY_INIT, .text = TEXT (0) },
  { "inituser", .when = BY_INIT, .text = TEXT (0) },
  { "initgroup", .when = BY_INIT, .text = TEXT (0) },
  { "loader", .when = BY_LOADER, .text = TEXT (0), .after = loader_after,
    .attrs = ATTRS (
      { "readonly", XT_BOOL },
      { "secure", XT_BOOL },
      { "type", XT_ENUM, XT_NONZERO, .names = NAMES ("none", "rom", "pflash") },
      { "stateless", XT_BOOL }) },
  { "nvram", .when = BY_LOADER, .text = TEXT (0), .before = nvram_before,
    .after = nvram_after, .flags = XT_OWN_KIND,
    .attrs = ATTRS ({ "template" }, { "type", .flags = XT_MADE }),
    .kids = KIDS ({ "source", .attrs = domain_storage_attrs,
                    .kids = domain_storage_kids, .when = ~UINT64_C (1),
                    .after = domain_storage_after }) },
  { "kernel", .when = BY_LOADER, .text = TEXT (0) },
  { "initrd", .when = BY_LOADER, .text = TEXT (0) },
  { "cmdline", .when = BY_LOADER | BY_INIT, .text = TEXT (0) },
  { "dtb", .when = BY_LOADER, .text = TEXT (0) },
  { "root", .when = BY_LOADER, .text = TEXT (0) },
  { "acpi", .when = BY_FIRMWARE, .before = acpi_before, .kids = KIDS (
      { "table", .text = TEXT (0), .attrs = ATTRS (
          { "type", XT_ENUM, XT_REQUIRED, .names = NAMES ("slic"),
            .missing = "Missing acpi table type",
            .bad = "Unknown acpi table type: %s" }) }) },
  { "boot", .when = BY_FIRMWARE, .flags = XT_MANY, .attrs = ATTRS (
      { "dev", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("fd", "cdrom", "hd", "network") }) },
  { "bootmenu", .when = BY_FIRMWARE, .after = bootmenu_after,
    .attrs = ATTRS ({ "enable", XT_BOOL }, { "timeout", .flags = XT_MADE }) },
  { "bios", .when = BY_FIRMWARE, .attrs = ATTRS (
      { "useserial", XT_BOOL },
      { "rebootTimeout", XT_INT }) },
  { "smbios", .attrs = ATTRS (
      { "mode", XT_ENUM, XT_HIDE_ZERO, UNSUPPORTED,
        .names = NAMES ("none", "emulate", "host", "sysinfo"),
        .bad = "unknown smbios mode '%s'" }) },
  { 0 }
};

static long long
start_rank (const struct xml_node *node)
{
  return domain_attr_number (node, "start");
}

static int
idmap_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  domain_sort (node, "uid", start_rank);
  domain_sort (node, "gid", start_rank);
  return xml_child (node, "uid") == NULL;
}

#define ID_PART(tag)                                                    \
  { tag, XT_UINT, XT_REQUIRED,                                         \
    .bad = "invalid idmap start/target/count settings",                 \
    .missing = "invalid idmap start/target/count settings" }
#define ID_ATTRS                                                        \
  ATTRS (ID_PART ("start"), ID_PART ("target"), ID_PART ("count"))

static int
clock_adjust (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *value = xml_src_attr (src, "adjustment");
  const char *offset = xml_attr (node, "offset");
  long long number;

  if (value == NULL || *value == '\0')
    return 0;
  if (strcmp (value, "reset") == 0)
    return xml_attr_set (node, "adjustment", "reset");
  if (xml_ll (value, 10, &number) == -1)
    return xml_wrong (load, "unknown clock adjustment '%s'", value);
  if (xml_attr_setf (node, "adjustment", "%lld", number) == -1
      || xml_attr_set (node, "basis", offset) == -1
      || xml_attr_set (node, "offset", "variable") == -1)
    return domain_no_memory (load);
  return 0;
}

enum clock_offset { CLOCK_UTC, CLOCK_LOCAL, CLOCK_VARIABLE, CLOCK_ZONE,
                    CLOCK_ABSOLUTE };

static int
clock_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->kind == CLOCK_UTC || node->kind == CLOCK_LOCAL)
    return clock_adjust (load, node, src);
  return 0;
}

static const char *const timer_names[] = {
  "platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock",
  "armvtimer", NULL
};

static const struct xml_elem timer_kids[] = {
  { "catchup", .attrs = ATTRS (
      { "threshold", XT_ULL, XT_HIDE_ZERO },
      { "slew", XT_ULL, XT_HIDE_ZERO },
      { "limit", XT_ULL, XT_HIDE_ZERO }) },
  { 0 }
};

static int
refuse_timer (struct xml_load *load, const char *name, const char *what)
{
  return xml_unsupported (load, "timer %s doesn't support setting of timer "
                          "%s", name, what);
}

static int
timer_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *name = xml_attr (node, "name");
  bool is_tsc = strcmp (name, "tsc") == 0;

  if ((strcmp (name, "kvmclock") == 0 || strcmp (name, "hypervclock") == 0)
      && xml_attr (node, "tickpolicy"))
    return refuse_timer (load, name, "tickpolicy");
  if (xml_child (node, "catchup") && !xml_attr_is (node, "tickpolicy",
                                                   "catchup"))
    return xml_wrong (load, "setting of timer catchup policies is only "
                      "supported with tickpolicy='catchup'");
  if (!is_tsc && xml_attr (node, "frequency"))
    return refuse_timer (load, name, "frequency");
  if (!is_tsc && xml_attr (node, "mode"))
    return refuse_timer (load, name, "mode");
  if (xml_attr (node, "track") && strcmp (name, "platform") != 0
      && strcmp (name, "rtc") != 0)
    return refuse_timer (load, name, "track");
  return 0;
}

static const struct xml_spec clock_attrs[] = {
  { "offset", XT_ENUM, XT_KIND | XT_NOT_EMPTY, UNSUPPORTED, .dflt = "utc",
    .names = NAMES ("utc", "localtime", "variable", "timezone", "absolute"),
    .bad = "unknown clock offset '%s'" },
  { "adjustment", XT_LL, XT_LENIENT, .when = XT_WHEN (CLOCK_VARIABLE),
    .dflt = "0" },
  { "adjustment", .flags = XT_MADE,
    .when = XT_WHEN (CLOCK_UTC) | XT_WHEN (CLOCK_LOCAL) },
  { "basis", XT_ENUM, XT_NOT_EMPTY, UNSUPPORTED,
    .when = XT_WHEN (CLOCK_VARIABLE),
    .names = NAMES ("utc", "localtime"), .dflt = "utc",
    .bad = "unknown clock basis '%s'" },
  { "basis", .flags = XT_MADE,
    .when = XT_WHEN (CLOCK_UTC) | XT_WHEN (CLOCK_LOCAL) },
  { "timezone", .flags = XT_REQUIRED | XT_NOT_EMPTY,
    .when = XT_WHEN (CLOCK_ZONE),
    .missing = "missing 'timezone' attribute for clock with "
               "offset='timezone'",
    .missing_code = VIRGATE_ERR_INTERNAL_ERROR },
  { "start", XT_ULL, XT_REQUIRED, .when = XT_WHEN (CLOCK_ABSOLUTE),
    .bad = "missing 'start' attribute for clock with offset='absolute'",
    .bad_code = VIRGATE_ERR_INTERNAL_ERROR,
    .missing = "missing 'start' attribute for clock with offset='absolute'",
    .missing_code = VIRGATE_ERR_INTERNAL_ERROR },
  { 0 }
};

static const struct xml_elem clock_kids[] = {
  { "timer", .flags = XT_MANY, .kids = timer_kids, .after = timer_after,
    .attrs = ATTRS (
      { "name", XT_ENUM, XT_REQUIRED, .names = timer_names },
      { "present", XT_BOOL },
      { "tickpolicy", XT_ENUM, XT_NONZERO,
        .names = NAMES ("none", "delay", "catchup", "merge", "discard") },
      { "track", XT_ENUM, XT_NONZERO,
        .names = NAMES ("none", "boot", "guest", "wall", "realtime") },
      { "frequency", XT_ULL, XT_HIDE_ZERO },
      { "mode", XT_ENUM, XT_NONZERO,
        .names = NAMES ("none", "auto", "native", "emulate", "paravirt",
                        "smpsafe") }) },
  { 0 }
};

static const char *const perf_names[] = {
  "cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references",
  "cache_misses", "branch_instructions", "branch_misses", "bus_cycles",
  "stalled_cycles_frontend", "stalled_cycles_backend", "ref_cpu_cycles",
  "cpu_clock", "task_clock", "page_faults", "context_switches",
  "cpu_migrations", "page_faults_min", "page_faults_maj", "alignment_faults",
  "emulation_faults", NULL
};

static long long
perf_rank (const struct xml_node *node)
{
  return xml_enum (perf_names, xml_attr (node, "name"));
}

static int
perf_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct xml_node *event, *next;

  domain_sort (node, "event", perf_rank);
  for (event = node->first; event; event = next) {
    next = event->next;
    if (next && xml_attr_is (next, "name", xml_attr (event, "name")))
      return xml_wrong (load, "perf event '%s' was already specified",
                        xml_attr (event, "name"));
  }
  return 0;
}

static int
resource_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_src_next (src, "resource"))
    return xml_wrong (load, "only one resource element is supported");
  return 0;
}

static int
domain_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  domain_load_of (load)->root = node;
  domain_load_of (load)->src = src;
  return 0;
}

static const struct xml_spec virt_type = {
  "type", XT_ENUM, UNSUPPORTED, .names = virt_names,
  .bad = "invalid domain type %s"
};

static int
check_value (struct xml_load *load, const struct xml_spec *spec,
             const char *source)
{
  CLEANUP_FREE char *value = NULL;

  return source && *source ? xml_value (load, spec, "type", source, &value)
                           : 0;
}

/* What kind of guest it is is judged before what the guest has. */
static int
kind_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  xmlNode *root = domain_load_of (load)->src;
  xmlNode *os = xml_src_child (xml_src_child (root, "os"), "type");
  CLEANUP_FREE char *type = xml_src_attr (root, "type");
  CLEANUP_FREE char *text = xml_src_text (os);
  CLEANUP_FREE char *arch = xml_src_attr (os, "arch");

  if (type == NULL || *type == '\0')
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "missing domain type attribute");
  if (check_value (load, &virt_type, type) == -1
      || xml_attr_set (node->parent, "type", type) == -1)
    return -1;
  if (text == NULL && xml_src_child (root, "bootloader") == NULL)
    return xml_wrong (load, "an os <type> must be specified");
  if (check_value (load, os_kids[0].text, text) == -1
      || check_value (load, os_kids[0].attrs, arch) == -1)
    return -1;
  return 1;
}

#define ACTION(tag, dflt_value)                                         \
  { "on_" tag, .flags = XT_ALWAYS,                                     \
    .text = TEXT (.type = XT_ENUM, UNSUPPORTED, .dflt = dflt_value,     \
                  .names = NAMES ("destroy", "restart",                 \
                                  "rename-restart", "preserve",         \
                                  "coredump-destroy",                   \
                                  "coredump-restart"),                  \
                  .bad = "unknown on_" tag " action: %s") }

static const struct xml_elem domain_kids[] = {
  { "name", .flags = XT_ALWAYS,
    .text = TEXT (.flags = XT_REQUIRED, .missing = "",
                  .missing_code = VIRGATE_ERR_NO_NAME) },
  { "uuid", .flags = XT_ALWAYS | XT_KEEP, .after = uuid_after,
    .text = TEXT (.type = XT_UUID, .bad = "malformed uuid element",
                  .bad_code = VIRGATE_ERR_INTERNAL_ERROR) },
  { "genid", .flags = XT_KEEP, .after = genid_after,
    .text = TEXT (.type = XT_UUID, .bad = "malformed genid element",
                  .bad_code = VIRGATE_ERR_INTERNAL_ERROR) },
  { "kind", .flags = XT_ALWAYS | XT_FIXED, .before = kind_before },
  { "title", .text = TEXT (0), .after = title_after },
  { "description", .text = TEXT (0) },
  { "metadata", .flags = XT_RAW },
  { "maxMemory", .after = domain_amount_after,
    AMOUNT ("./maxMemory[1]", .flags = AMOUNT_KEEP_ZERO),
    .attrs = ATTRS (
      { "slots", XT_UINT, XT_NOT_EMPTY, .dflt = "0",
        .bad = "Failed to parse memory slot count" },
      { "unit", .flags = XT_MADE }) },
  { "memory", .flags = XT_ALWAYS, .after = domain_amount_after,
    AMOUNT ("./memory[1]", .flags = AMOUNT_KEEP_ZERO),
    .attrs = ATTRS ({ "dumpCore", XT_SWITCH }, { "unit", .flags = XT_MADE }) },
  { "currentMemory", .flags = XT_ALWAYS, .after = domain_amount_after,
    AMOUNT ("./currentMemory[1]", .flags = AMOUNT_KEEP_ZERO),
    .attrs = AMOUNT_ATTRS },
  { "blkiotune", .kids = blkiotune_kids },
  { "memtune", .kids = memtune_kids },
  { "memoryBacking", .kids = memory_backing_kids },
  { "vcpu", .flags = XT_ALWAYS | XT_KEEP, .after = domain_vcpu_after,
    .attrs = ATTRS (
      { "placement", XT_ENUM, .names = NAMES ("static", "auto"),
        .dflt = "static" },
      { "cpuset", .flags = XT_MADE },
      { "current", XT_UINT }),
    .text = TEXT (.type = XT_UINT, .dflt = "1",
                  .bad = "maximum vcpus count must be an integer") },
  { "vcpus", .after = domain_vcpus_after, .kids = KIDS (
      { "vcpu", .flags = XT_MANY, .attrs = ATTRS (
          { "id", XT_UINT, XT_REQUIRED },
          { "enabled", XT_BOOL, XT_REQUIRED },
          { "hotpluggable", XT_BOOL },
          { "order", XT_UINT, XT_HIDE_ZERO }) }) },
  { "iothreads",
    .text = TEXT (.type = XT_UINT, .flags = XT_HIDE_ZERO,
                  .bad = "invalid iothreads count '%s'") },
  { "iothreadids", .flags = XT_ALWAYS, .after = domain_iothreads_after,
    .kids = domain_iothread_kids },
  { "defaultiothread", .attrs = ATTRS (
      { "thread_pool_min", XT_INT, XT_NONNEG },
      { "thread_pool_max", XT_INT, XT_NONNEG }) },
  { "cputune", .after = domain_cputune_after, .kids = domain_cputune_kids },
  { "numatune", .before = domain_numatune_before, .kids = KIDS (
      { "memory", .attrs = ATTRS (
          { "mode", XT_ENUM, UNSUPPORTED,
            .names = NAMES ("strict", "preferred", "interleave",
                            "restrictive"),
            .bad = "Unsupported NUMA memory tuning mode '%s'" },
          { "nodeset", XT_BITMAP },
          { "placement", XT_ENUM, UNSUPPORTED,
            .names = NAMES ("default", "static", "auto"),
            .bad = "Unsupported NUMA memory placement mode '%s'" }) },
      { "memnode", .flags = XT_MANY, .attrs = ATTRS (
          { "cellid", XT_UINT, XT_REQUIRED },
          { "mode", XT_ENUM, .dflt = "strict",
            .names = NAMES ("strict", "preferred", "interleave",
                            "restrictive") },
          { "nodeset", XT_BITMAP, XT_REQUIRED,
            .missing = "Missing required nodeset attribute in memnode "
                       "element" }) }) },
  { "resource", .after = resource_after, .kids = KIDS (
      { "partition", .text = TEXT (0) },
      { "fibrechannel", .attrs = ATTRS ({ "appid",
                                          .flags = XT_NOT_EMPTY }) }) },
  { "sysinfo", .flags = XT_MANY,
    .kids = domain_sysinfo_kids, .attrs = ATTRS (
      { "type", XT_ENUM, XT_REQUIRED | XT_KIND,
        .names = NAMES ("smbios", "fwcfg") }) },
  { "bootloader", .text = TEXT (0) },
  { "bootloader_args", .text = TEXT (0) },
  { "os", .flags = XT_ALWAYS, .before = os_before, .after = os_after,
    .kids = os_kids, .attrs = ATTRS (
      { "firmware", XT_ENUM, XT_NONZERO | XT_NOT_EMPTY,
        .names = NAMES ("none", "bios", "efi"),
        .bad = "unknown firmware value %s" }) },
  { "idmap", .after = idmap_after, .kids = KIDS (
      { "uid", .flags = XT_MANY, .attrs = ID_ATTRS },
      { "gid", .flags = XT_MANY, .attrs = ID_ATTRS }) },
  { "features", .before = domain_features_before,
    .kids = domain_features_kids },
  { "cpu", .domain = VIRGATE_FROM_CPU, .before = domain_cpu_before,
    .after = domain_cpu_after, .attrs = domain_cpu_attrs,
    .kids = domain_cpu_kids },
  { "clock", .flags = XT_ALWAYS, .attrs = clock_attrs, .kids = clock_kids,
    .before = clock_before },
  ACTION ("poweroff", "destroy"),
  ACTION ("reboot", "restart"),
  ACTION ("crash", "destroy"),
  { "on_lockfailure",
    .text = TEXT (.type = XT_ENUM, .flags = XT_HIDE_ZERO, UNSUPPORTED,
                  .names = NAMES ("default", "poweroff", "restart", "pause",
                                  "ignore"),
                  .bad = "unknown on_lockfailure action: %s") },
  { "pm", .kids = KIDS (
      { "suspend-to-mem", .attrs = ATTRS ({ "enabled", XT_BOOL }) },
      { "suspend-to-disk", .attrs = ATTRS ({ "enabled", XT_BOOL }) }) },
  { "perf", .after = perf_after, .kids = KIDS (
      { "event", .flags = XT_MANY, .attrs = ATTRS (
          { "name", XT_ENUM, XT_REQUIRED, .names = perf_names },
          { "enabled", XT_BOOL, XT_REQUIRED }) }) },
  { "devices", .flags = XT_ALWAYS | XT_KEEP | XT_OPEN,
    .kids = domain_device_kids },
  { "seclabel", .flags = XT_MANY, .attrs = domain_seclabel_attrs,
    .kids = domain_seclabel_kids, .after = domain_seclabel_after },
  { "keywrap", .after = domain_keywrap_after, .kids = KIDS (
      { "cipher", .flags = XT_MANY, .attrs = ATTRS (
          { "name", XT_ENUM, XT_REQUIRED, .names = NAMES ("aes", "dea") },
          { "state", XT_SWITCH, XT_REQUIRED }) }) },
  { "launchSecurity", .kids = domain_sec_kids, .attrs = ATTRS (
      { "type", XT_ENUM, XT_REQUIRED | XT_NONZERO | XT_KIND,
        .names = NAMES ("", "sev", "s390-pv") },
      { "kernelHashes", XT_BOOL, .when = XT_WHEN (1) }) },
  { 0 }
};

const struct xml_elem domain_schema = {
  "domain", .kids = domain_kids, .before = domain_before, .attrs = ATTRS (
    { "type", .flags = XT_MADE },
    { "id", .flags = XT_MADE | XT_LIVE })
};
