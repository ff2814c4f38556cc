/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Graphics: who may look at the guest's screen, where from, and how; and the
 * ways in which older documents said so.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

enum graphics {
  GRAPHICS_SDL, GRAPHICS_VNC, GRAPHICS_RDP, GRAPHICS_DESKTOP, GRAPHICS_SPICE,
  GRAPHICS_EGL, GRAPHICS_DBUS
};

enum listen { LISTEN_NONE, LISTEN_ADDRESS, LISTEN_NETWORK, LISTEN_SOCKET };

#define IS(kind) XT_WHEN (GRAPHICS_##kind)
#define WHEN(kinds) .when = (kinds)
#define LISTENERS (IS (VNC) | IS (RDP) | IS (SPICE))
#define SECURED (IS (VNC) | IS (SPICE))

static const char *const listen_names[] = {
  "none", "address", "network", "socket", NULL
};

const struct xml_spec domain_graphics_attrs[] = {
  { "type", XT_ENUM, XT_REQUIRED | XT_KIND,
    .names = NAMES ("sdl", "vnc", "rdp", "desktop", "spice", "egl-headless",
                    "dbus") },
  { "socket", .flags = XT_MADE, WHEN (IS (VNC)) },
  { "display", WHEN (IS (SDL) | IS (DESKTOP)) },
  { "xauth", WHEN (IS (SDL)) },
  { "fullscreen", XT_BOOL, .skip = "no", WHEN (IS (SDL) | IS (DESKTOP)) },
  { "p2p", XT_BOOL, .skip = "no", WHEN (IS (DBUS)) },
  { "address", WHEN (IS (DBUS)) },
  { "port", .flags = XT_MADE, WHEN (LISTENERS) },
  { "tlsPort", .flags = XT_MADE, WHEN (IS (SPICE)) },
  { "autoport", .flags = XT_MADE, WHEN (LISTENERS) },
  { "replaceUser", .flags = XT_MADE, WHEN (IS (RDP)) },
  { "multiUser", .flags = XT_MADE, WHEN (IS (RDP)) },
  { "websocket", .flags = XT_MADE, WHEN (IS (VNC)) },
  { "listen", .flags = XT_MADE, WHEN (LISTENERS) },
  { "keymap", WHEN (SECURED) },
  { "defaultMode", XT_ENUM, XT_HIDE_ZERO, WHEN (IS (SPICE)),
    .names = NAMES ("any", "secure", "insecure") },
  { "sharePolicy", XT_ENUM, XT_HIDE_ZERO, WHEN (IS (VNC)),
    .names = NAMES ("default", "allow-exclusive", "force-shared",
                    "ignore") },
  { "powerControl", XT_BOOL, WHEN (IS (VNC)) },
  { "passwd", .flags = XT_SECRET, WHEN (SECURED) },
  { "passwdValidTo", .flags = XT_MADE, WHEN (SECURED) },
  { "connected", .flags = XT_MADE, WHEN (SECURED) },
  { 0 }
};

static int
listen_fault (struct xml_load *load, const struct xml_node *graphics,
              const char *what, const char *own, const char *outer)
{
  return xml_unsupported (load, "graphics '%s' attribute '%s' must match "
                          "'%s' attribute of first listen element (found "
                          "'%s')", strcmp (what, "address") == 0 ? "listen"
                          : what, outer, what, own);
}

/* One attribute of a listen element; the first listen element may have it
 * from the graphics element instead. */
static int
listen_part (struct xml_load *load, struct xml_node *node, xmlNode *src,
             const char *attr, const char *outer_attr, enum listen kind)
{
  bool is_first = xml_child (node->parent, "listen") == node;
  CLEANUP_FREE char *own = xml_src_attr (src, attr);
  CLEANUP_FREE char *outer = is_first && outer_attr
                             ? xml_src_attr (src->parent, outer_attr) : NULL;
  const char *value = own;

  if (node->kind == kind && own && outer && strcmp (own, outer) != 0)
    return listen_fault (load, node->parent, attr, own, outer);
  if (node->kind == kind && own == NULL)
    value = outer;
  if (value == NULL || *value == '\0')
    return 0;
  if (node->kind != kind)
    return kind == LISTEN_ADDRESS ? 0
           : xml_wrong (load, "'%s' attribute is valid only for listen type "
                        "'%s'", attr, attr);
  return xml_attr_set (node, attr, value) == -1 ? domain_no_memory (load) : 0;
}

static int
listen_before (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  unsigned graphics = node->parent->kind;

  if ((node->kind == LISTEN_SOCKET || node->kind == LISTEN_NONE)
      && graphics == GRAPHICS_RDP)
    return xml_unsupported (load, "listen type '%s' is not available for "
                            "graphics type '%s'", listen_names[node->kind],
                            xml_attr (node->parent, "type"));
  if (listen_part (load, node, src, "address", "listen", LISTEN_ADDRESS) == -1
      || listen_part (load, node, src, "network", NULL, LISTEN_NETWORK) == -1
      || listen_part (load, node, src, "socket", "socket",
                      LISTEN_SOCKET) == -1)
    return -1;
  return 0;
}

#define GL                                                              \
  { "gl", WHEN (IS (SDL) | IS (DBUS) | IS (EGL)), .attrs = ATTRS (      \
      { "enable", XT_BOOL, XT_REQUIRED, WHEN (IS (SDL) | IS (DBUS)) },  \
      { "rendernode", WHEN (IS (DBUS) | IS (EGL)) }) }
#define AUDIO(kinds)                                                    \
  { "audio", WHEN (kinds), .attrs = ATTRS (                             \
      { "id", XT_UINT, XT_REQUIRED | XT_NONZERO }) }
#define CHOICE(tag, attr, ...)                                          \
  { tag, WHEN (IS (SPICE)), .attrs = ATTRS (                            \
      { attr, XT_ENUM, XT_REQUIRED | XT_NONZERO,                        \
        .names = NAMES (__VA_ARGS__) }) }

static const char *const channel_names[] = {
  "main", "display", "inputs", "cursor", "playback", "record", "smartcard",
  "usbredir", NULL
};

const struct xml_elem domain_graphics_kids[] = {
  GL,
  AUDIO (IS (DBUS)),
  { "listen", .flags = XT_MANY | XT_OWN_KIND, WHEN (LISTENERS),
    .before = listen_before, .attrs = ATTRS (
      { "type", XT_ENUM, XT_REQUIRED | XT_KIND, .names = listen_names },
      { "address", .flags = XT_MADE },
      { "network", .flags = XT_MADE },
      { "socket", .flags = XT_MADE }) },
  { "channel", .flags = XT_MANY, WHEN (IS (SPICE)), .attrs = ATTRS (
      { "name", XT_ENUM, XT_REQUIRED, .names = channel_names },
      { "mode", XT_ENUM, XT_REQUIRED,
        .names = NAMES ("any", "secure", "insecure") }) },
  CHOICE ("image", "compression", "default", "auto_glz", "auto_lz", "quic",
          "glz", "lz", "off"),
  CHOICE ("jpeg", "compression", "default", "auto", "never", "always"),
  CHOICE ("zlib", "compression", "default", "auto", "never", "always"),
  { "playback", WHEN (IS (SPICE)),
    .attrs = ATTRS ({ "compression", XT_SWITCH, XT_REQUIRED }) },
  CHOICE ("streaming", "mode", "default", "filter", "all", "off"),
  CHOICE ("mouse", "mode", "default", "server", "client"),
  { "clipboard", WHEN (IS (SPICE)),
    .attrs = ATTRS ({ "copypaste", XT_BOOL, XT_REQUIRED }) },
  { "filetransfer", WHEN (IS (SPICE)),
    .attrs = ATTRS ({ "enable", XT_BOOL, XT_REQUIRED }) },
  { "gl", WHEN (IS (SPICE)), .attrs = ATTRS (
      { "enable", XT_BOOL, XT_REQUIRED }, { "rendernode" }) },
  AUDIO (IS (VNC)),
  { 0 }
};

/* Documents without <listen> say it in attributes; a VNC socket given there
 * beats an address. */
static int
imply_listen (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *socket = node->kind == GRAPHICS_VNC
                              ? xml_src_attr (src, "socket") : NULL;
  CLEANUP_FREE char *address = xml_src_attr (src, "listen");
  struct xml_node *listen = xml_child (node, "listen");

  if (listen && (socket == NULL || listen->kind == LISTEN_SOCKET
                 || listen->kind == LISTEN_NONE))
    return 0;
  if (listen == NULL)
    listen = xml_child_add (node, "listen");
  if (listen == NULL)
    return domain_no_memory (load);
  listen->kind = socket ? LISTEN_SOCKET : LISTEN_ADDRESS;
  if (xml_attr_set (listen, "type", listen_names[listen->kind]) == -1
      || xml_attr_set (listen, "network", NULL) == -1
      || xml_attr_set (listen, "address",
                       socket == NULL && address && *address ? address
                       : NULL) == -1
      || xml_attr_set (listen, "socket", socket) == -1)
    return domain_no_memory (load);
  return 0;
}

struct ports {
  long long port;
  long long tls;
  bool is_auto;
};

static int
read_int (struct xml_load *load, xmlNode *src, const char *attr,
          const char *old_name, long long *out)
{
  CLEANUP_FREE char *value = xml_src_attr (src, attr);

  *out = 0;
  if (value == NULL)
    return 0;
  if (xml_ll (value, 10, out) == 0 && *out == (int) *out)
    return 1;
  if (old_name)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "cannot parse %s port %s", old_name, value);
  return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                   "Invalid value for attribute '%s' in element 'graphics': "
                   "'%s'. Expected integer value", attr, value);
}

/* -1 is the old word for any port. */
static int
read_ports (struct xml_load *load, struct xml_node *node, xmlNode *src,
            struct ports *ports)
{
  static const struct xml_spec spec = { "autoport", XT_BOOL };
  CLEANUP_FREE char *source = xml_src_attr (src, "autoport"), *value = NULL;
  bool is_spice = node->kind == GRAPHICS_SPICE;
  int ret = read_int (load, src, "port",
                      is_spice ? NULL : xml_attr (node, "type"),
                      &ports->port);

  if (ret == -1 || read_int (load, src, is_spice ? "tlsPort" : "none", NULL,
                             &ports->tls) == -1)
    return -1;
  if (is_spice && source
      && xml_value (load, &spec, "graphics", source, &value) == -1)
    return -1;
  ports->is_auto = is_spice ? ports->port == -1 && ports->tls == -1
                            : ret == 0 || ports->port == -1;
  if (source && strcmp (source, "yes") == 0)
    ports->is_auto = true;
  if (source && strcmp (source, "no") == 0 && node->kind == GRAPHICS_VNC)
    ports->is_auto = false;
  if (ports->is_auto || (ports->port == -1 && node->kind == GRAPHICS_VNC))
    ports->port = ports->tls = 0;
  return 0;
}

static int
show_address (struct xml_node *node, const struct xml_node *listen)
{
  return xml_attr_set (node, "listen", xml_attr (listen, "address"));
}

static int
finish_vnc (struct xml_load *load, struct xml_node *node, xmlNode *src,
            const struct xml_node *listen, const struct ports *ports)
{
  CLEANUP_FREE char *generated = xml_src_attr (src, "websocketGenerated");
  long long websocket;
  int ret = 0;

  if (read_int (load, src, "websocket", NULL, &websocket) == -1)
    return -1;
  if (listen->kind == LISTEN_SOCKET)
    return xml_attr_set (node, "socket", xml_attr (listen, "socket"));
  if (listen->kind == LISTEN_NONE)
    return 0;
  if (generated && strcmp (generated, "yes") == 0)
    websocket = -1;
  if (ports->port || ports->is_auto)
    ret |= xml_attr_setf (node, "port", "%lld",
                          ports->is_auto ? -1 : ports->port);
  ret |= xml_attr_set (node, "autoport", ports->is_auto ? "yes" : "no");
  if (websocket)
    ret |= xml_attr_setf (node, "websocket", "%lld", websocket);
  return ret | show_address (node, listen) ? domain_no_memory (load) : 0;
}

static int
finish_spice (struct xml_load *load, struct xml_node *node,
              struct xml_node *listen, const struct ports *ports)
{
  int ret = 0;

  if (listen->kind == LISTEN_ADDRESS && ports->port == 0 && ports->tls == 0
      && !ports->is_auto) {
    listen->kind = LISTEN_NONE;
    ret |= xml_attr_set (listen, "type", "none");
    ret |= xml_attr_set (listen, "address", NULL);
  }
  if (listen->kind != LISTEN_ADDRESS && listen->kind != LISTEN_NETWORK)
    return ret ? domain_no_memory (load) : 0;
  if (ports->port)
    ret |= xml_attr_setf (node, "port", "%lld", ports->port);
  if (ports->tls)
    ret |= xml_attr_setf (node, "tlsPort", "%lld", ports->tls);
  ret |= xml_attr_set (node, "autoport", ports->is_auto ? "yes" : "no");
  return ret | show_address (node, listen) ? domain_no_memory (load) : 0;
}

static int
finish_rdp (struct xml_load *load, struct xml_node *node, xmlNode *src,
            const struct xml_node *listen, const struct ports *ports)
{
  CLEANUP_FREE char *replace = xml_src_attr (src, "replaceUser");
  CLEANUP_FREE char *multi = xml_src_attr (src, "multiUser");
  int ret = 0;

  if (ports->port || ports->is_auto)
    ret |= xml_attr_setf (node, "port", "%lld", ports->port);
  if (ports->is_auto)
    ret |= xml_attr_set (node, "autoport", "yes");
  if (replace && strcmp (replace, "yes") == 0)
    ret |= xml_attr_set (node, "replaceUser", "yes");
  if (multi && strcmp (multi, "yes") == 0)
    ret |= xml_attr_set (node, "multiUser", "yes");
  return ret | show_address (node, listen) ? domain_no_memory (load) : 0;
}

/* When a password ends: normalised as the calendar has it. */
static int
read_valid_to (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *value = xml_src_attr (src, "passwdValidTo");
  struct tm tm = { 0 };
  char text[32];
  int len = 0;
  time_t when;

  if (value == NULL)
    return 0;
  if (sscanf (value, "%d-%d-%dT%d:%d:%d%n", &tm.tm_year, &tm.tm_mon,
              &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &len) != 6
      || value[len])
    return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                     "cannot parse password validity time '%s', expect "
                     "YYYY-MM-DDTHH:MM:SS", value);
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  when = timegm (&tm);
  if (gmtime_r (&when, &tm) == NULL
      || strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
    return 0;
  return xml_attr_set (node, "passwdValidTo", text) == -1
         ? domain_no_memory (load) : 0;
}

static int
read_connected (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *value = xml_src_attr (src, "connected");

  if (value == NULL)
    return 0;
  if (xml_enum (NAMES ("fail", "disconnect", "keep"), value) == -1)
    return xml_unsupported (load, "unknown connected value %s", value);
  if (node->kind == GRAPHICS_VNC && strcmp (value, "keep") != 0)
    return xml_unsupported (load, "VNC supports connected='keep' only");
  return xml_attr_set (node, "connected", value) == -1
         ? domain_no_memory (load) : 0;
}

static long long
channel_rank (const struct xml_node *node)
{
  return xml_enum (channel_names, xml_attr (node, "name"));
}

/* The last word on each channel counts, and "any" need not be said. */
static void
finish_channels (struct xml_node *node)
{
  struct xml_node *channel, *next;

  domain_sort (node, "channel", channel_rank);
  for (channel = xml_child (node, "channel"); channel; channel = next) {
    next = xml_next (channel);
    if ((next && channel_rank (next) == channel_rank (channel))
        || xml_attr_is (channel, "mode", "any"))
      xml_node_free (channel);
  }
}

int
domain_graphics_after (struct xml_load *load, struct xml_node *node,
                       xmlNode *src)
{
  struct ports ports = { 0 };
  struct xml_node *listen;

  if (!(XT_WHEN (node->kind) & LISTENERS))
    return 0;
  finish_channels (node);
  if (imply_listen (load, node, src) == -1
      || read_ports (load, node, src, &ports) == -1)
    return -1;
  if (xml_attr (node, "passwd")
      && (read_valid_to (load, node, src) == -1
          || read_connected (load, node, src) == -1))
    return -1;
  listen = xml_child (node, "listen");
  if (node->kind == GRAPHICS_VNC)
    return finish_vnc (load, node, src, listen, &ports);
  if (node->kind == GRAPHICS_SPICE)
    return finish_spice (load, node, listen, &ports);
  return finish_rdp (load, node, src, listen, &ports);
}

int
domain_graphics_check (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *node = xml_path (root, "devices/graphics"), *listen;

  for (; node; node = xml_next (node)) {
    for (listen = xml_child (node, "listen"); listen;
         listen = xml_next (listen))
      if (listen->kind == LISTEN_NETWORK
          && xml_attr (listen, "network") == NULL)
        return xml_wrong (load, "'network' attribute is required for listen "
                          "type 'network'");
    if (node->kind == GRAPHICS_DBUS && xml_attr (node, "p2p")
        && xml_attr (node, "address"))
      return xml_wrong (load, "D-Bus p2p with an address is not supported");
  }
  return 0;
}
