/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the guest's machine can do: <features>.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"
#include "plugins/driver-test/domain-schema.h"

#define SPINLOCK_RETRIES_MIN 4095
#define VENDOR_ID_MAX 12
#define DIRTY_RING_MIN 1024
#define DIRTY_RING_MAX 65536

/* Every element child must be in the schema; FORMAT takes its name. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int
check_names (struct xml_load *load, const struct xml_node *node, xmlNode *src,
             const char *format)
{
  const struct xml_elem *kid;
  const char *name;

  for (xmlNode *child = xmlFirstElementChild (src); child;
       child = xmlNextElementSibling (child)) {
    name = (const char *) child->name;
    for (kid = node->schema->kids; kid->name; kid++)
      if (strcmp (kid->name, name) == 0)
        break;
    if (kid->name == NULL)
      return xml_unsupported (load, format, name);
  }
  return 0;
}
#pragma GCC diagnostic pop

int
domain_features_before (struct xml_load *load, struct xml_node *node,
                        xmlNode *src)
{
  return check_names (load, node, src, "unexpected feature '%s'");
}

/* A group's hook: arg is the message for a child that is not known. */
static int
group_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return check_names (load, node, src, node->schema->arg);
}

static bool
is_on (const struct xml_node *node)
{
  return xml_attr_is (node, "state", "on");
}

/* Read an attribute that counts only where the feature is on. */
static int
read_if_on (struct xml_load *load, struct xml_node *node, xmlNode *src,
            const struct xml_spec *spec)
{
  CLEANUP_FREE char *source = xml_src_attr (src, spec->name);

  if (!is_on (node))
    return 0;
  if (source == NULL && (spec->flags & XT_REQUIRED) && spec->missing)
    return xml_wrong (load, "%s", spec->missing);
  return domain_read_attr (load, node, src, spec);
}

static int
spinlocks_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec spec = {
    "retries", XT_UINT, XT_REQUIRED | XT_BASE0
  };

  if (read_if_on (load, node, src, &spec) == -1)
    return -1;
  if (is_on (node)
      && domain_attr_number (node, "retries") < SPINLOCK_RETRIES_MIN)
    return xml_wrong (load, "HyperV spinlock retry count must be at least "
                      "4095");
  return 0;
}

static int
stimer_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct xml_node *direct = xml_child (node, "direct");

  if (!is_on (node) || (direct && !is_on (direct)))
    xml_node_free (direct);
  return 0;
}

static int
stimer_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return is_on (node)
         ? check_names (load, node, src,
                        "unsupported Hyper-V stimer feature: %s") : 0;
}

static int
vendor_id_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec spec = {
    "value", .flags = XT_REQUIRED,
    .missing = "missing 'value' attribute for HyperV feature 'vendor_id'"
  };
  const char *value;

  if (read_if_on (load, node, src, &spec) == -1)
    return -1;
  value = xml_attr (node, "value");
  if (value && strlen (value) > VENDOR_ID_MAX)
    return xml_wrong (load, "HyperV vendor_id value must not be more than %d "
                      "characters.", VENDOR_ID_MAX);
  if (value && strchr (value, ','))
    return xml_wrong (load, "HyperV vendor_id value is invalid");
  return 0;
}

static int
dirty_ring_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec spec = {
    "size", XT_UINT, XT_REQUIRED | XT_BASE0
  };
  long long size;

  if (read_if_on (load, node, src, &spec) == -1)
    return -1;
  size = domain_attr_number (node, "size");
  if (is_on (node) && (size < DIRTY_RING_MIN || size > DIRTY_RING_MAX
                       || (size & (size - 1))))
    return xml_wrong (load, "dirty ring must be power of 2 and ranges [1024, "
                      "65536]");
  return 0;
}

static int
passthrough_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const names[] = {
    "default", "sync_pt", "share_pt", NULL
  };
  static const struct xml_spec spec = {
    "mode", XT_ENUM, XT_NONZERO, .names = names
  };

  return read_if_on (load, node, src, &spec);
}

/* A policy shows as soon as any capability does. */
static int
capabilities_after (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  if (xml_attr_is (node, "policy", "default") && node->first == NULL)
    return 1;
  return 0;
}

/* The size in the largest unit that divides it. */
static int
pretty_size (struct xml_node *node, unsigned long long bytes)
{
  static const char *const units[] = {
    "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
  };
  size_t unit = 0;

  while (bytes && bytes % 1024 == 0 && unit < 6) {
    bytes /= 1024;
    unit++;
  }
  if (xml_attr_set (node, "unit", units[unit]) == -1)
    return -1;
  return xml_text_setf (node, "%llu", bytes);
}

static int
tseg_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *value = xml_src_text (src);
  CLEANUP_FREE char *unit = xml_src_attr (src, "unit");
  unsigned long long bytes;

  if (value == NULL || !is_on (node->parent))
    return 1;
  if (domain_scale (load, "string(./features/smm/tseg)", value, unit,
                    1024 * 1024, ~0ull, &bytes) == -1)
    return -1;
  return pretty_size (node, bytes) == -1 ? domain_no_memory (load) : 0;
}

#define FLAG(tag) { tag, .flags = XT_KEEP }
#define STATE_SPEC { "state", XT_SWITCH, XT_REQUIRED }
#define STATE(tag) { tag, .attrs = ATTRS (STATE_SPEC) }
#define STATE_DEFAULT(tag)                                              \
  { tag, .attrs = ATTRS ({ "state", XT_SWITCH, .dflt = "on" }) }
#define VALUE(tag, ...)                                                 \
  { tag, .attrs = ATTRS ({ "value", XT_ENUM, XT_NONZERO,                \
                           .names = NAMES (__VA_ARGS__) }) }
/* A state that a hook completes with one more attribute. */
#define STATE_AND(tag, attr, hook)                                      \
  { tag, .after = hook,                                                 \
    .attrs = ATTRS (STATE_SPEC, { attr, .flags = XT_MADE }) }

static const struct xml_elem hyperv_kids[] = {
  STATE ("relaxed"),
  STATE ("vapic"),
  STATE_AND ("spinlocks", "retries", spinlocks_after),
  STATE ("vpindex"),
  STATE ("runtime"),
  STATE ("synic"),
  { "stimer", .attrs = ATTRS (STATE_SPEC), .before = stimer_before,
    .after = stimer_after, .kids = KIDS (STATE ("direct")) },
  STATE ("reset"),
  STATE_AND ("vendor_id", "value", vendor_id_after),
  STATE ("frequencies"),
  STATE ("reenlightenment"),
  STATE ("tlbflush"),
  STATE ("ipi"),
  STATE ("evmcs"),
  STATE ("avic"),
  { 0 }
};

static const struct xml_elem kvm_kids[] = {
  STATE ("hidden"),
  STATE ("hint-dedicated"),
  STATE ("poll-control"),
  STATE ("pv-ipi"),
  STATE_AND ("dirty-ring", "size", dirty_ring_after),
  { 0 }
};

static const struct xml_elem xen_kids[] = {
  STATE ("e820_host"),
  STATE_AND ("passthrough", "mode", passthrough_after),
  { 0 }
};

static const struct xml_elem capability_kids[] = {
  STATE_DEFAULT ("audit_control"), STATE_DEFAULT ("audit_write"),
  STATE_DEFAULT ("block_suspend"), STATE_DEFAULT ("chown"),
  STATE_DEFAULT ("dac_override"), STATE_DEFAULT ("dac_read_search"),
  STATE_DEFAULT ("fowner"), STATE_DEFAULT ("fsetid"),
  STATE_DEFAULT ("ipc_lock"), STATE_DEFAULT ("ipc_owner"),
  STATE_DEFAULT ("kill"), STATE_DEFAULT ("lease"),
  STATE_DEFAULT ("linux_immutable"), STATE_DEFAULT ("mac_admin"),
  STATE_DEFAULT ("mac_override"), STATE_DEFAULT ("mknod"),
  STATE_DEFAULT ("net_admin"), STATE_DEFAULT ("net_bind_service"),
  STATE_DEFAULT ("net_broadcast"), STATE_DEFAULT ("net_raw"),
  STATE_DEFAULT ("setgid"), STATE_DEFAULT ("setfcap"),
  STATE_DEFAULT ("setpcap"), STATE_DEFAULT ("setuid"),
  STATE_DEFAULT ("sys_admin"), STATE_DEFAULT ("sys_boot"),
  STATE_DEFAULT ("sys_chroot"), STATE_DEFAULT ("sys_module"),
  STATE_DEFAULT ("sys_nice"), STATE_DEFAULT ("sys_pacct"),
  STATE_DEFAULT ("sys_ptrace"), STATE_DEFAULT ("sys_rawio"),
  STATE_DEFAULT ("sys_resource"), STATE_DEFAULT ("sys_time"),
  STATE_DEFAULT ("sys_tty_config"), STATE_DEFAULT ("syslog"),
  STATE_DEFAULT ("wake_alarm"),
  { 0 }
};

static int
page_size_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  int ret = domain_amount_after (load, node, src);

  if (ret != -1)
    return ret;
  xml_error_clear (load->err);
  return xml_unsupported (load, "Unable to parse HPT maxpagesize setting");
}

const struct xml_elem domain_features_kids[] = {
  FLAG ("acpi"),
  { "apic", .flags = XT_KEEP, .attrs = ATTRS ({ "eoi", XT_SWITCH }) },
  FLAG ("pae"),
  STATE_DEFAULT ("hap"),
  FLAG ("viridian"),
  FLAG ("privnet"),
  { "hyperv", .flags = XT_KEEP | XT_OPEN, .kids = hyperv_kids,
    .before = group_before,
    .arg = "unsupported HyperV Enlightenment feature: %s",
    .attrs = ATTRS (
      { "mode", XT_ENUM, XT_NONZERO, .dflt = "custom",
        .names = NAMES ("none", "custom", "passthrough") }) },
  { "kvm", .flags = XT_KEEP | XT_OPEN, .kids = kvm_kids,
    .before = group_before, .arg = "unsupported KVM feature: %s" },
  STATE_DEFAULT ("pvspinlock"),
  { "capabilities", .kids = capability_kids, .before = group_before,
    .after = capabilities_after, .arg = "unexpected capability feature '%s'",
    .attrs = ATTRS (
      { "policy", XT_ENUM, .dflt = "default",
        .names = NAMES ("default", "allow", "deny") }) },
  STATE_DEFAULT ("pmu"),
  STATE_DEFAULT ("vmport"),
  { "gic", .flags = XT_KEEP, .attrs = ATTRS (
      { "version", XT_ENUM, XT_NONZERO,
        .names = NAMES ("none", "host", "2", "3") }) },
  { "smm", .attrs = ATTRS ({ "state", XT_SWITCH, .dflt = "on" }),
    .kids = KIDS ({ "tseg", .flags = XT_KEEP, .attrs = AMOUNT_ATTRS,
                    .after = tseg_after }) },
  { "ioapic", .attrs = ATTRS (
      { "driver", XT_ENUM, XT_NONZERO,
        .names = NAMES ("none", "qemu", "kvm") }) },
  { "hpt", .attrs = ATTRS (
      { "resizing", XT_ENUM, XT_NONZERO,
        .names = NAMES ("none", "enabled", "disabled", "required") }),
    .kids = KIDS ({ "maxpagesize", .attrs = AMOUNT_ATTRS,
                    .after = page_size_after,
                    AMOUNT ("./features/hpt/maxpagesize") }) },
  STATE_DEFAULT ("vmcoreinfo"),
  STATE ("htm"),
  STATE ("nested-hv"),
  { "msrs", .attrs = ATTRS (
      { "unknown", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("ignore", "fault") }) },
  STATE ("ccf-assist"),
  { "xen", .flags = XT_KEEP | XT_OPEN, .kids = xen_kids,
    .before = group_before, .arg = "unsupported Xen feature: %s" },
  VALUE ("cfpc", "none", "broken", "workaround", "fixed"),
  VALUE ("sbbc", "none", "broken", "workaround", "fixed"),
  VALUE ("ibs", "none", "broken", "workaround", "fixed-ibs", "fixed-ccd",
         "fixed-na"),
  { "tcg", .kids = KIDS ({ "tb-cache", .attrs = AMOUNT_ATTRS,
                           .after = domain_amount_after,
                           AMOUNT ("./tb-cache") }) },
  { 0 }
};
