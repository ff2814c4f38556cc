/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where data of a disk come from: <source> in all its kinds, with what hangs
 * on it (hosts, authentication, encryption, reservations), and the chain of
 * backing stores.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/uuid.h"
#include "plugins/driver-test/domain-devices.h"

#define WHEN(kind) .when = XT_WHEN (STORAGE_##kind)

static const char *const protocol_names[] = {
  "none", "nbd", "rbd", "sheepdog", "gluster", "iscsi", "http", "https",
  "ftp", "ftps", "tftp", "ssh", "vxhs", "nfs", NULL
};

static const char *const protocol_ports[] = {
  NULL, "10809", NULL, "7000", "24007", "3260", "80", "443", "21", "990",
  "69", "22", "9999", NULL
};

const struct xml_spec domain_storage_attrs[] = {
  { "file", WHEN (FILE), .flags = XT_NOT_EMPTY },
  { "fdgroup", WHEN (FILE) },
  { "dev", WHEN (BLOCK), .flags = XT_NOT_EMPTY },
  { "dir", WHEN (DIR), .flags = XT_NOT_EMPTY },
  { "protocol", XT_ENUM, XT_REQUIRED, WHEN (NETWORK),
    .names = protocol_names },
  { "name", WHEN (NETWORK) },
  { "query", WHEN (NETWORK) },
  { "tls", XT_BOOL, WHEN (NETWORK) },
  { "tlsHostname", WHEN (NETWORK) },
  { "pool", WHEN (VOLUME) },
  { "volume", WHEN (VOLUME) },
  { "mode", XT_ENUM, XT_NONZERO, UNSUPPORTED, WHEN (VOLUME),
    .names = NAMES ("default", "host", "direct"),
    .bad = "unknown source mode '%s' for volume type disk" },
  { "type", XT_ENUM, XT_REQUIRED, WHEN (NVME), .names = NAMES ("pci"),
    .bad = "unsupported source type '%s'",
    .missing = "missing 'type' attribute to disk source" },
  { "managed", XT_BOOL, WHEN (NVME), .dflt = "yes" },
  { "namespace", XT_ULL, XT_REQUIRED | XT_WRAP, WHEN (NVME),
    .bad = "malformed namespace '%s'",
    .missing = "missing 'namespace' attribute to disk source" },
  { "type", XT_ENUM, XT_REQUIRED, WHEN (VHOST_USER), .names = NAMES ("unix"),
    .bad = "invalid 'type' attribute for vhostuser disk source",
    .missing = "missing 'type' attribute for vhostuser disk source" },
  { "path", .flags = XT_REQUIRED, WHEN (VHOST_USER),
    .missing = "missing 'path' attribute for vhostuser disk source" },
  { "startupPolicy", XT_ENUM, XT_NONZERO,
    .names = NAMES ("default", "mandatory", "requisite", "optional") },
  { "index", .flags = XT_MADE },
  { 0 }
};

/* The transport decides which other attributes a host has. */
static int
host_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const char *transport = xml_attr (node, "transport");
  const char *socket = xml_attr (node, "socket");
  bool is_unix = transport && strcmp (transport, "unix") == 0;
  int protocol = xml_enum (protocol_names,
                           xml_attr (node->parent, "protocol") ?: "");

  if (is_unix && socket == NULL)
    return xml_wrong (load, "missing socket for unix transport");
  if (!is_unix && socket)
    return xml_wrong (load, "transport '%s' does not support socket "
                      "attribute", transport ? transport : "(null)");
  if (is_unix) {
    xml_attr_set (node, "name", NULL);
    return xml_attr_set (node, "port", NULL);
  }
  if (xml_attr (node, "name") == NULL)
    return xml_wrong (load, "missing name for host");
  if (transport == NULL && xml_attr (node, "port") == NULL && protocol > 0
      && protocol_ports[protocol]
      && xml_attr_set (node, "port", protocol_ports[protocol]) == -1)
    return domain_no_memory (load);
  return 0;
}

int
domain_port_before (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  CLEANUP_FREE char *port = xml_src_attr (src, "port");
  unsigned long long number;

  if (port == NULL || xml_attr_is (node, "transport", "unix"))
    return 0;
  if (xml_ull (port, 10, &number) == -1 || number > 0xffffffff)
    return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_INVALID_ARG,
                     "failed to parse port number '%s'", port);
  if (number > 65535)
    return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_INVALID_ARG,
                     "port '%s' out of range", port);
  if (number && xml_attr_setf (node, "port", "%llu", number) == -1)
    return domain_no_memory (load);
  return 0;
}

static int
secret_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *source = xml_src_attr (src, "uuid");
  const char *uuid = source, *usage = xml_attr (node, "usage");
  unsigned char bytes[16];
  char text[37];

  if (uuid == NULL && usage == NULL)
    return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_XML_ERROR,
                     "missing secret uuid or usage attribute");
  if (uuid && usage)
    return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_XML_ERROR,
                     "either secret uuid or usage expected");
  if (uuid == NULL)
    return 0;
  if (!uuid_parse (uuid, bytes))
    return xml_fail (load->err, VIRGATE_FROM_NONE, VIRGATE_ERR_XML_ERROR,
                     "invalid secret uuid '%s'", uuid);
  uuid_format (bytes, text);
  return xml_attr_set (node, "uuid", text) == -1 ? domain_no_memory (load) : 0;
}

#define SECRET_ATTRS(...)                                               \
  ATTRS (__VA_ARGS__, { "uuid", .flags = XT_MADE }, { "usage" })

int
domain_auth_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (xml_child (node, "secret") == NULL)
    return xml_wrong (load, "Missing <secret> element in auth");
  return 0;
}

int
domain_encryption_after (struct xml_load *load, struct xml_node *node,
                         xmlNode *src)
{
  struct xml_node *cipher = xml_child (node, "cipher");

  if (!xml_attr_is (node, "format", "luks")) {
    xml_node_free (cipher);
    xml_node_free (xml_child (node, "ivgen"));
  } else if (xml_child (node, "ivgen") && cipher == NULL)
    return xml_wrong (load, "ivgen element found, but cipher is missing");
  return 0;
}

const struct xml_spec domain_auth_attrs[] = {
  { "type", XT_ENUM, XT_HIDE_ZERO | XT_NOT_EMPTY, UNSUPPORTED,
    .names = NAMES ("none", "chap", "ceph"),
    .bad = "unknown auth type '%s'" },
  { "username", .flags = XT_REQUIRED | XT_NOT_EMPTY,
    .missing = "missing username for auth" },
  { 0 }
};

const struct xml_elem domain_auth_kids[] = {
  { "secret", .attrs = SECRET_ATTRS ({ "type" }), .after = secret_after,
    .flags = XT_KEEP },
  { 0 }
};

const struct xml_spec domain_encryption_attrs[] = {
  { "format", XT_ENUM, XT_REQUIRED | XT_NOT_EMPTY, UNSUPPORTED,
    .names = NAMES ("default", "qcow", "luks", "luks2"),
    .bad = "unknown volume encryption format type %s",
    .missing = "unknown volume encryption format" },
  { "engine", XT_ENUM, XT_NONZERO,
    .names = NAMES ("default", "qemu", "librbd") },
  { 0 }
};

const struct xml_elem domain_encryption_kids[] = {
  { "secret", .flags = XT_MANY, .after = secret_after,
    .attrs = SECRET_ATTRS (
      { "type", XT_ENUM, XT_REQUIRED | XT_NOT_EMPTY, UNSUPPORTED,
        .names = NAMES ("passphrase"),
        .bad = "unknown volume encryption secret type %s",
        .missing = "unknown volume encryption secret type" }) },
  { "cipher", .attrs = ATTRS (
      { "name", .flags = XT_REQUIRED,
        .missing = "cipher info missing 'name' attribute" },
      { "size", XT_UINT, XT_REQUIRED },
      { "mode" }, { "hash" }) },
  { "ivgen", .attrs = ATTRS (
      { "name", .flags = XT_REQUIRED,
        .missing = "missing ivgen info name string" },
      { "hash" }) },
  { 0 }
};

static int
reservations_after (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  xmlNode *from = xml_src_child (src, "source");
  CLEANUP_FREE char *type = xml_src_attr (from, "type");
  CLEANUP_FREE char *path = xml_src_attr (from, "path");
  CLEANUP_FREE char *mode = xml_src_attr (from, "mode");

  if (xml_attr_is (node, "managed", "no") || type || path || mode) {
    if (type == NULL)
      return xml_wrong (load, "missing connection type for <reservations/>");
    if (path == NULL)
      return xml_wrong (load, "missing path for <reservations/>");
    if (mode == NULL)
      return xml_wrong (load, "missing connection mode for <reservations/>");
  }
  if (type && strcmp (type, "unix") != 0)
    return xml_wrong (load, "unsupported connection type for "
                      "<reservations/>: %s", type);
  if (mode && strcmp (mode, "client") != 0)
    return xml_wrong (load, "unsupported connection mode for "
                      "<reservations/>: %s", mode);
  return 0;
}

/* Only the storage's slice is known; others are dropped. */
static int
slice_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const struct xml_spec offset = {
    "offset", XT_ULL, .bad = "malformed value '%s' of 'offset' attribute of "
                             "slice"
  };
  static const struct xml_spec size = {
    "size", XT_ULL, .bad = "malformed value '%s' of 'size' attribute of slice"
  };

  if (!xml_attr_is (node, "type", "storage"))
    return 1;
  if (domain_read_attr (load, node, src, &offset) == -1
      || domain_read_attr (load, node, src, &size) == -1)
    return -1;
  if (xml_attr (node, "offset") == NULL || xml_attr (node, "size") == NULL)
    return xml_wrong (load, "missing offset or size attribute of slice");
  return 0;
}

static int
cookie_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->text == NULL)
    return xml_wrong (load, "missing value for cookie '%s'",
                      xml_attr (node, "name"));
  return 0;
}

static int
pci_source_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  return domain_pci_after (load, node, src) == -1 ? -1 : 0;
}

#define LABEL_KINDS                                                     \
  (XT_WHEN (STORAGE_FILE) | XT_WHEN (STORAGE_BLOCK)                     \
   | XT_WHEN (STORAGE_DIR) | XT_WHEN (STORAGE_VOLUME)                   \
   | XT_WHEN (STORAGE_NVME) | XT_WHEN (STORAGE_VHOST_USER))

const struct xml_elem domain_storage_kids[] = {
  { "host", .flags = XT_MANY, WHEN (NETWORK), .before = domain_port_before,
    .after = host_after, .attrs = ATTRS (
      { "name" },
      { "port", .flags = XT_MADE },
      { "transport", XT_ENUM, XT_HIDE_ZERO, UNSUPPORTED,
        .names = NAMES ("tcp", "unix", "rdma"),
        .bad = "unknown protocol transport type '%s'" },
      { "socket" }) },
  { "identity", WHEN (NETWORK), .attrs = ATTRS ({ "user" }, { "group" }) },
  { "snapshot", WHEN (NETWORK),
    .attrs = ATTRS ({ "name", .flags = XT_NOT_EMPTY }) },
  { "config", WHEN (NETWORK),
    .attrs = ATTRS ({ "file", .flags = XT_NOT_EMPTY }) },
  { "initiator", WHEN (NETWORK), .kids = KIDS (
      { "iqn", .attrs = ATTRS ({ "name", .flags = XT_NOT_EMPTY }) }) },
  { "ssl", WHEN (NETWORK), .attrs = ATTRS ({ "verify", XT_BOOL }) },
  { "cookies", WHEN (NETWORK), .flags = XT_ELEM_SECRET, .kids = KIDS (
      { "cookie", .flags = XT_MANY, .text = TEXT (0), .after = cookie_after,
        .attrs = ATTRS ({ "name", .flags = XT_REQUIRED | XT_NOT_EMPTY,
                          .missing = "missing cookie name" }) }) },
  { "readahead", WHEN (NETWORK), .attrs = ATTRS (
      { "size", XT_ULL, XT_HIDE_ZERO | XT_NOT_EMPTY,
        .bad = "invalid readahead size or timeout" }) },
  { "timeout", WHEN (NETWORK), .attrs = ATTRS (
      { "seconds", XT_ULL, XT_HIDE_ZERO | XT_NOT_EMPTY,
        .bad = "invalid readahead size or timeout" }) },
  { "address", WHEN (NVME), .attrs = domain_pci_attrs,
    .after = pci_source_after },
  { "reconnect", WHEN (VHOST_USER), .attrs = domain_reconnect_attrs,
    .after = domain_reconnect_after },
  { "slices", .kids = KIDS (
      { "slice", .flags = XT_MANY, .after = slice_after, .attrs = ATTRS (
          { "type" }, { "offset", .flags = XT_MADE },
          { "size", .flags = XT_MADE }) }) },
  { "seclabel", .flags = XT_MANY, .when = LABEL_KINDS,
    .attrs = domain_device_label_attrs,
    .kids = KIDS ({ "label", .text = TEXT (0) }),
    .after = domain_device_label_after },
  STORAGE_AUTH,
  STORAGE_ENCRYPTION,
  { "reservations", .after = reservations_after,
    .domain = VIRGATE_FROM_STORAGE,
    .attrs = ATTRS ({ "managed", XT_BOOL, XT_REQUIRED }), .kids = KIDS (
      { "source", .attrs = ATTRS (
          { "type", .flags = XT_NOT_EMPTY },
          { "path", .flags = XT_NOT_EMPTY },
          { "mode", .flags = XT_NOT_EMPTY }) }) },
  { 0 }
};

/* What only some protocols have is dropped for the others. */
static void
drop_unless (struct xml_node *node, const char *name, const char *protocol,
             const char *const *protocols)
{
  if (xml_enum (protocols, protocol) == -1)
    xml_node_free (xml_child (node, name));
}

static int
finish_network (struct xml_load *load, struct xml_node *node)
{
  const char *protocol = xml_attr (node, "protocol");
  const char *name = xml_attr (node, "name");

  if (name == NULL && strcmp (protocol, "nbd") != 0)
    return xml_wrong (load, "missing name for disk source");
  if (name && (strcmp (protocol, "gluster") == 0
               || strcmp (protocol, "rbd") == 0)
      && (strchr (name, '/') == NULL || *name == '/'))
    return xml_wrong (load, "can't split path '%s' into pool name and image "
                      "name", name);
  if (xml_enum (NAMES ("http", "https"), protocol) == -1)
    xml_attr_set (node, "query", NULL);
  drop_unless (node, "identity", protocol, NAMES ("nfs"));
  drop_unless (node, "ssl", protocol, NAMES ("https", "ftps"));
  drop_unless (node, "cookies", protocol, NAMES ("http", "https"));
  drop_unless (node, "readahead", protocol,
               NAMES ("http", "https", "ftp", "ftps"));
  drop_unless (node, "timeout", protocol,
               NAMES ("http", "https", "ftp", "ftps"));
  if (name && *name == '\0')
    xml_attr_set (node, "name", NULL);
  return xml_attr_set (node, "startupPolicy", NULL);
}

static int
finish_volume (struct xml_load *load, struct xml_node *node)
{
  const char *pool = xml_attr (node, "pool");
  const char *volume = xml_attr (node, "volume");

  xml_node_free (xml_child (node, "auth"));
  if ((pool == NULL) != (volume == NULL))
    return xml_wrong (load, "'pool' and 'volume' must be specified together "
                      "for 'pool' type source");
  return pool == NULL ? xml_attr_set (node, "mode", NULL) : 0;
}

int
domain_storage_after (struct xml_load *load, struct xml_node *node,
                      xmlNode *src)
{
  switch (node->kind) {
  case STORAGE_NETWORK:
    return finish_network (load, node);
  case STORAGE_VOLUME:
    return finish_volume (load, node);
  case STORAGE_NVME:
    if (xml_child (node, "address") == NULL)
      return xml_wrong (load, "NVMe disk source is missing address");
  }
  return 0;
}
