/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Character devices: serial, parallel, console and channel share one table;
 * what they talk to (<source>, <protocol>, <log>) serves smartcards, random
 * number generators and redirected devices too.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

#define IS(kind) XT_WHEN (CHAR_##kind)
#define WHEN(kinds) .when = (kinds)
#define PATHS (IS (FILE) | IS (DEV) | IS (PIPE))

const char *const domain_char_names[] = {
  "null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp", "unix",
  "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus", NULL
};

const struct xml_spec domain_char_source_attrs[] = {
  { "mode", XT_ENUM, WHEN (IS (TCP) | IS (UDP) | IS (UNIX)),
    .names = NAMES ("connect", "bind"), .dflt = "connect" },
  { "path", WHEN (PATHS | IS (UNIX)) },
  { "append", XT_SWITCH, WHEN (IS (FILE)) },
  { "host", WHEN (IS (TCP) | IS (UDP)) },
  { "service", WHEN (IS (TCP) | IS (UDP)) },
  { "tls", XT_BOOL, WHEN (IS (TCP)) },
  { "channel", WHEN (IS (SPICEPORT) | IS (DBUS)) },
  { "master", WHEN (IS (NMDM)) },
  { "slave", WHEN (IS (NMDM)) },
  { 0 }
};

const struct xml_elem domain_char_source_kids[] = {
  { "seclabel", .flags = XT_MANY, WHEN (PATHS | IS (UNIX)),
    .attrs = domain_device_label_attrs,
    .kids = KIDS ({ "label", .text = TEXT (0) }),
    .after = domain_device_label_after },
  { "reconnect", WHEN (IS (TCP) | IS (UNIX)),
    .attrs = domain_reconnect_attrs, .after = domain_reconnect_after },
  { "clipboard", WHEN (IS (QEMU_VDAGENT)),
    .attrs = ATTRS ({ "copypaste", XT_BOOL, XT_REQUIRED }) },
  { "mouse", WHEN (IS (QEMU_VDAGENT)), .attrs = ATTRS (
      { "mode", XT_ENUM, XT_REQUIRED | XT_NONZERO,
        .names = NAMES ("default", "server", "client") }) },
  { 0 }
};

static unsigned
count_source (xmlNode *src, const char *name)
{
  xmlNode *child = xml_src_child (src, name);
  unsigned count = 0;

  for (; child; child = xml_src_next (child, name))
    count++;
  return count;
}

/* How many of what a device may have. */
int
domain_char_before (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  unsigned sources = count_source (src, "source");

  if (sources > 1 && node->kind != CHAR_UDP)
    return xml_wrong (load, "only one source element is allowed for "
                      "character device");
  if (sources > 2)
    return xml_wrong (load, "only two source elements are allowed for "
                      "character device");
  if (count_source (src, "log") > 1)
    return xml_wrong (load, "only one log element is allowed for character "
                      "device");
  if (count_source (src, "protocol") > 1)
    return xml_wrong (load, "only one protocol element is allowed for "
                      "character device");
  return 0;
}

/* A socket without a path is made later; datagrams have one source per
 * direction, where we listen first. */
int
domain_char_source_after (struct xml_load *load, struct xml_node *node,
                          xmlNode *src)
{
  const struct xml_node *other = xml_child (node->parent, "source");
  struct xml_node *first = node->parent->first;

  if (node->kind == CHAR_UNIX)
    return xml_attr (node, "path") == NULL;
  if (node->kind != CHAR_UDP)
    return 0;
  if (xml_attr (node, "host") == NULL && xml_attr (node, "service") == NULL)
    return 1;
  if (other == node)
    return 0;
  if (xml_attr_is (other, "mode", xml_attr (node, "mode")))
    return 1;
  while (first && strcmp (xml_name (first), "source") != 0)
    first = first->next;
  if (xml_attr_is (node, "mode", "bind") && first && first != node) {
    xml_node_unlink (node);
    xml_node_link_before (node, first);
  }
  return 0;
}

int
domain_char_log_after (struct xml_load *load, struct xml_node *node,
                       xmlNode *src)
{
  return xml_attr (node, "file") == NULL;
}

enum target { TARGET_CHANNEL, TARGET_SERIAL, TARGET_CONSOLE, TARGET_PARALLEL };

static const struct {
  const char *device;
  const char *const *types;     /* NULL = has no types */
} targets[] = {
  [TARGET_CHANNEL] = { "channel", NAMES ("none", "guestfwd", "virtio",
                                         "xen") },
  [TARGET_SERIAL] = { "serial", NAMES ("none", "isa-serial", "usb-serial",
                                       "pci-serial", "spapr-vio-serial",
                                       "system-serial", "sclp-serial",
                                       "isa-debug") },
  [TARGET_CONSOLE] = { "console", NAMES ("none", "serial", "xen", "uml",
                                         "virtio", "lxc", "openvz", "sclp",
                                         "sclplm") },
  [TARGET_PARALLEL] = { "parallel", NULL },
};

static enum target
target_of (const struct xml_node *device)
{
  enum target target = TARGET_CHANNEL;

  while (target < TARGET_PARALLEL
         && strcmp (xml_name (device), targets[target].device) != 0)
    target++;
  return target;
}

static int
read_type (struct xml_load *load, struct xml_node *node, xmlNode *src,
           enum target target)
{
  CLEANUP_FREE char *type = xml_src_attr (src, "type");
  const char *const *types = targets[target].types;

  if (type == NULL && target == TARGET_CHANNEL)
    return src ? xml_unsupported (load, "unknown target type '(null)' "
                                  "specified for character device")
           : xml_wrong (load, "target type must be specified for channel "
                        "device");
  if (types == NULL)
    return 0;
  if (type && xml_enum (types, type) == -1)
    return xml_unsupported (load, "unknown target type '%s' specified for "
                            "character device", type);
  if (type && strcmp (type, "none") == 0 && target != TARGET_CHANNEL)
    return 0;
  return xml_attr_set (node, "type", type) == -1 ? domain_no_memory (load)
                                                 : 0;
}

static int
read_forward (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec port = { "port", XT_UINT, XT_REQUIRED };
  CLEANUP_FREE char *address = xml_src_attr (src, "address");
  unsigned char bytes[16];
  char text[INET_ADDRSTRLEN];

  if (address == NULL)
    return xml_wrong (load, "guestfwd channel does not define a target "
                      "address");
  if (inet_pton (AF_INET6, address, bytes) == 1)
    return xml_unsupported (load, "guestfwd channel only supports IPv4 "
                            "addresses");
  if (inet_pton (AF_INET, address, bytes) != 1
      || inet_ntop (AF_INET, bytes, text, sizeof text) == NULL)
    return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_SYSTEM_ERROR,
                     "Cannot parse socket address '%s': Name or service not "
                     "known", address);
  if (domain_read_attr (load, node, src, &port) == -1)
    return -1;
  return xml_attr_set (node, "address", text) == -1 ? domain_no_memory (load)
                                                    : 0;
}

static int
read_name (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec name = { "name" };

  return domain_read_attr (load, node, src, &name);
}

static int
read_port (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec port = {
    "port", XT_UINT, XT_WRAP, .bad = "Invalid port number: %s"
  };

  return domain_read_attr (load, node, src, &port);
}

static int
check_model (struct xml_load *load, xmlNode *src)
{
  static const char *const models[] = {
    "none", "isa-serial", "usb-serial", "pci-serial", "spapr-vty", "pl011",
    "sclpconsole", "sclplmconsole", "16550a", "isa-debugcon", NULL
  };
  CLEANUP_FREE char *name = xml_src_attr (xml_src_child (src, "model"),
                                          "name");

  if (name && *name && xml_enum (models, name) == -1)
    return xml_unsupported (load, "unknown target model '%s' specified for "
                            "character device", name);
  return 0;
}

/* The target's attributes depend on the device that it is the target of. */
static int
target_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  enum target target = target_of (node->parent);

  if (read_type (load, node, src, target) == -1)
    return -1;
  if (target == TARGET_SERIAL && check_model (load, src) == -1)
    return -1;
  if (target != TARGET_CHANNEL)
    return read_port (load, node, src);
  if (xml_attr_is (node, "type", "guestfwd"))
    return read_forward (load, node, src);
  return xml_attr_is (node, "type", "none") ? 0 : read_name (load, node, src);
}

static int
model_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return target_of (node->parent->parent) != TARGET_SERIAL
         || xml_attr_is (node, "name", "none");
}

const struct xml_spec domain_char_attrs[] = {
  { "type", XT_ENUM, XT_KIND, UNSUPPORTED, .dflt = "pty",
    .names = domain_char_names,
    .bad = "unknown type presented to host for character device: %s" },
  { 0 }
};

const struct xml_elem domain_char_kids[] = {
  CHAR_SOURCE,
  { "target", .flags = XT_ALWAYS | XT_KEEP, .before = target_before,
    .attrs = ATTRS (
      { "type", .flags = XT_MADE },
      { "address", .flags = XT_MADE },
      { "port", .flags = XT_MADE },
      { "name", .flags = XT_MADE },
      { "state", .flags = XT_MADE | XT_LIVE }),
    .kids = KIDS ({ "model", .after = model_after, .attrs = ATTRS (
                      { "name", .flags = XT_NOT_EMPTY }) }) },
  INFO_KIDS,
  { 0 }
};

int
domain_char_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_node *target = xml_child (node, "target");

  if (node->kind == CHAR_SPICEVMC
      && (target_of (node) != TARGET_CHANNEL
          || !xml_attr_is (target, "type", "virtio")))
    return xml_unsupported (load, "spicevmc device type only supports "
                            "virtio");
  if (target_of (node) == TARGET_SERIAL
      && xml_attr_is (target, "type", "usb-serial")
      && xml_child (node, "address")
      && !xml_attr_is (xml_child (node, "address"), "type", "usb"))
    return xml_unsupported (load, "usb-serial requires address of usb type");
  return 0;
}

static long long
port_of (const struct xml_node *device)
{
  const struct xml_node *target = xml_child (device, "target");

  return xml_attr (target, "port") ? domain_attr_number (target, "port") : -1;
}

static int
set_port (struct xml_load *load, struct xml_node *device, long long port)
{
  return xml_attr_setf (xml_child (device, "target"), "port", "%lld",
                        port) == -1 ? domain_no_memory (load) : 0;
}

/* Parallel ports count from those before, consoles by place. */
static int
number_ports (struct xml_load *load, struct xml_node *devices)
{
  struct xml_node *device = xml_child (devices, "parallel");
  long long highest = -1, place = 0;

  for (; device; device = xml_next (device)) {
    if (port_of (device) == -1 && set_port (load, device, highest + 1) == -1)
      return -1;
    if (port_of (device) > highest)
      highest = port_of (device);
  }
  for (device = xml_child (devices, "console"); device;
       device = xml_next (device))
    if (set_port (load, device, place++) == -1)
      return -1;
  return 0;
}

#define ISA_PORTS 4

static bool
is_isa (const struct xml_node *serial)
{
  return xml_attr_is (xml_child (serial, "target"), "type", "isa-serial");
}

static int
number_isa (struct xml_load *load, struct xml_node *devices)
{
  struct xml_node *serial = xml_child (devices, "serial");
  bool used[ISA_PORTS] = { false };
  unsigned count = 0;
  long long port;

  for (; serial; serial = xml_next (serial)) {
    if (!is_isa (serial))
      continue;
    port = port_of (serial);
    if (count++ >= ISA_PORTS || port >= ISA_PORTS)
      return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                       "Maximum supported number of ISA serial ports is "
                       "'%d'", ISA_PORTS);
    if (port != -1 && used[port])
      return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                       "target port '%lld' already allocated", port);
    if (port != -1)
      used[port] = true;
  }
  for (serial = xml_child (devices, "serial"); serial;
       serial = xml_next (serial))
    for (port = 0; is_isa (serial) && port_of (serial) == -1
                   && port < ISA_PORTS; port++)
      if (!used[port]) {
        used[port] = true;
        if (set_port (load, serial, port) == -1)
          return -1;
      }
  return 0;
}

static int
number_serials (struct xml_load *load, struct xml_node *devices)
{
  struct xml_node *serial = xml_child (devices, "serial"), *other;
  long long highest;

  for (; serial; serial = xml_next (serial)) {
    if (port_of (serial) != -1)
      continue;
    highest = -1;
    for (other = xml_child (devices, "serial"); other;
         other = xml_next (other))
      if (port_of (other) > highest)
        highest = port_of (other);
    if (set_port (load, serial, highest + 1) == -1)
      return -1;
  }
  return 0;
}

int
domain_chars_number (struct xml_load *load, struct xml_node *devices)
{
  struct xml_node *console;

  if (number_ports (load, devices) == -1 || number_isa (load, devices) == -1
      || number_serials (load, devices) == -1)
    return -1;
  for (console = xml_child (devices, "console"); console;
       console = xml_next (console))
    if (xml_attr (xml_child (console, "target"), "type") == NULL
        && xml_attr_set (xml_child (console, "target"), "type",
                         "serial") == -1)
      return domain_no_memory (load);
  return 0;
}

static bool
is_serial (const struct xml_node *console)
{
  return console
         && xml_attr_is (xml_child (console, "target"), "type", "serial");
}

/* The same device under another name: both have the one table. */
static struct xml_node *
twin (struct xml_node *devices, const struct xml_node *device,
      const char *name)
{
  struct xml_node *copy = xml_node_copy (device), *like;

  if (copy == NULL)
    return NULL;
  like = xml_child_add (devices, name);
  if (like == NULL) {
    xml_node_free (copy);
    return NULL;
  }
  copy->schema = like->schema;
  xml_node_free (like);
  return copy;
}

/* A console that stands for the first serial port stands before all others.
 */
static int
mirror_serial (struct xml_load *load, struct xml_node *devices,
               const struct xml_node *serial)
{
  struct xml_node *console = twin (devices, serial, "console"), *target;
  struct xml_node *first = xml_child (devices, "console");

  if (console == NULL)
    return domain_no_memory (load);
  if (first)
    xml_node_link_before (console, first);
  else
    xml_node_link (devices, console);
  target = xml_child (console, "target");
  xml_node_free (xml_child (target, "model"));
  return xml_attr_set (target, "type", "serial") == -1
         ? domain_no_memory (load) : 0;
}

/* The first console of a full virtual machine was once another word for its
 * first serial port. */
static int
console_to_serial (struct xml_load *load, struct xml_node *devices,
                   struct xml_node *console)
{
  struct xml_node *serial = xml_child (devices, "serial"), *target;

  if (serial == NULL) {
    serial = twin (devices, console, "serial");
    if (serial == NULL)
      return domain_no_memory (load);
    xml_node_link (devices, serial);
    target = xml_child (serial, "target");
    if (xml_attr_set (target, "type", NULL) == -1
        || xml_attr_set (target, "port", "0") == -1)
      return domain_no_memory (load);
  }
  xml_node_free (console);
  return mirror_serial (load, devices, serial);
}

static bool
is_mirrored (const struct xml_node *serial)
{
  static const char *const types[] = {
    "isa-serial", "spapr-vio-serial", "system-serial", "sclp-serial", NULL
  };
  const char *type = xml_path_attr (serial, "target", "type");

  return type == NULL || xml_enum (types, type) != -1;
}

int
domain_console_imply (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *devices = xml_child (root, "devices");
  struct xml_node *console = xml_child (devices, "console"), *other;
  struct xml_node *serial = xml_child (devices, "serial");
  bool is_hvm = xml_child (root, "os")->kind == OS_HVM;

  for (other = console ? xml_next (console) : NULL; other;
       other = xml_next (other))
    if (is_serial (other))
      return xml_unsupported (load, "Only the first console can be a serial "
                              "port");
  if (!is_hvm)
    return 0;
  if (is_serial (console))
    return console_to_serial (load, devices, console);
  return serial && is_mirrored (serial)
         ? mirror_serial (load, devices, serial) : 0;
}

static int
missing (struct xml_load *load, const char *what)
{
  return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                   "Missing source %s attribute for char device", what);
}

static int
check_channel (struct xml_load *load, const char *channel)
{
  if (channel == NULL)
    return xml_unsupported (load, "Missing source channel attribute for char "
                            "device");
  if (channel[strspn (channel, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
                      "TUVWXYZ0123456789_-.")])
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INVALID_ARG,
                     "Invalid character in source channel for char device");
  return 0;
}

static int
check_network (struct xml_load *load, unsigned kind,
               const struct xml_node *source)
{
  while (kind == CHAR_UDP && source && xml_attr_is (source, "mode", "bind"))
    source = xml_next (source);
  if (kind == CHAR_TCP && xml_attr (source, "host") == NULL)
    return missing (load, "host");
  return xml_attr (source, "service") == NULL ? missing (load, "service") : 0;
}

static int
check_reconnect (struct xml_load *load, const struct xml_node *source)
{
  if (xml_attr_is (source, "mode", "bind") && xml_child (source, "reconnect"))
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "chardev reconnect is possible only for connect mode");
  return 0;
}

int
domain_char_check (struct xml_load *load, const struct xml_node *device,
                   bool may_lack_path)
{
  const struct xml_node *source = xml_child (device, "source");
  const char *master = xml_attr (source, "master");
  const char *slave = xml_attr (source, "slave");

  switch (device->kind) {
  case CHAR_FILE:
  case CHAR_DEV:
  case CHAR_PIPE:
    return xml_attr (source, "path") ? 0 : missing (load, "path");
  case CHAR_NMDM:
    if ((master == NULL) != (slave == NULL))
      return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                       "Should define both master and slave path attributes "
                       "for nmdm device");
    return 0;
  case CHAR_TCP:
  case CHAR_UDP:
    if (check_network (load, device->kind, source) == -1)
      return -1;
    return check_reconnect (load, source);
  case CHAR_UNIX:
    if (source == NULL && !may_lack_path)
      return missing (load, "path");
    return check_reconnect (load, source);
  case CHAR_SPICEPORT:
  case CHAR_DBUS:
    return check_channel (load, xml_attr (source, "channel"));
  }
  return 0;
}

int
domain_chars_check (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *device = xml_child (root, "devices")->first;
  const char *type;

  for (; device; device = device->next) {
    if (device->schema->kids != domain_char_kids)
      continue;
    type = xml_path_attr (device, "target", "type");
    if (domain_char_check (load, device,
                           target_of (device) == TARGET_CHANNEL && type
                           && (strcmp (type, "virtio") == 0
                               || strcmp (type, "xen") == 0)) == -1)
      return -1;
  }
  return 0;
}
