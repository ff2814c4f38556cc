/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a person meets at the guest's desk: video, keyboard and mouse, sound.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-devices.h"

/* A number that has its own message. */
#define VIDEO_KIB(tag)                                                  \
  { tag, XT_UINT, XT_HIDE_ZERO | XT_NOT_EMPTY,                          \
    .bad = "cannot parse video " tag " '%s'" }

static const char *const video_names[] = {
  "default", "vga", "cirrus", "vmvga", "xen", "vbox", "qxl", "parallels",
  "virtio", "gop", "none", "bochs", "ramfb", NULL
};

static int
acceleration_after (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  if (node->attrs == NULL)
    return xml_unsupported (load, "missing values for acceleration");
  return domain_clean_path (load, node, "rendernode");
}

const struct xml_elem domain_video_kids[] = {
  { "driver", .attrs = ATTRS (
      VIRTIO_ATTRS,
      { "vgaconf", XT_ENUM, XT_HIDE_ZERO, .names = NAMES ("io", "on", "off") },
      { "name", XT_ENUM, XT_NONZERO,
        .names = NAMES ("default", "qemu", "vhostuser") }) },
  { "model", .flags = XT_ALWAYS, .attrs = ATTRS (
      { "type", XT_ENUM, UNSUPPORTED, .names = video_names,
        .dflt = "default", .bad = "unknown video model '%s'" },
      VIDEO_KIB ("ram"),
      VIDEO_KIB ("vram"),
      VIDEO_KIB ("vram64"),
      VIDEO_KIB ("vgamem"),
      { "heads", XT_UINT, XT_HIDE_ZERO | XT_NOT_EMPTY, .dflt = "1",
        .bad = "cannot parse video heads '%s'",
        .bad_code = VIRGATE_ERR_INTERNAL_ERROR },
      { "primary", XT_BOOL, XT_LENIENT, .skip = "no" }),
    .kids = KIDS (
      { "acceleration", .after = acceleration_after, .flags = XT_KEEP,
        .attrs = ATTRS ({ "accel3d", XT_BOOL }, { "accel2d", XT_BOOL },
                        { "rendernode" }) },
      { "resolution", .attrs = ATTRS (
          { "x", XT_UINT, XT_REQUIRED }, { "y", XT_UINT, XT_REQUIRED }) }) },
  INFO_KIDS,
  { 0 }
};

/* Video memory that a model has by itself, in KiB. */
static unsigned
usual_vram (const struct xml_node *root, const char *type)
{
  static const char *const plain[] = { "vga", "cirrus", "vmvga", NULL };

  if (xml_enum (plain, type) != -1)
    return xml_attr_is (root, "type", "vbox") ? 8 * 1024
           : xml_attr_is (root, "type", "vmware") ? 4 * 1024 : 16 * 1024;
  if (strcmp (type, "bochs") == 0)
    return 16 * 1024;
  if (strcmp (type, "xen") == 0)
    return 4 * 1024;
  return strcmp (type, "qxl") == 0 ? 64 * 1024 : 0;
}

static const char *
usual_model (const struct xml_node *root)
{
  unsigned os = xml_child (root, "os")->kind;
  const char *arch = xml_path_attr (root, "os/type", "arch");

  if (os == OS_XEN || os == OS_LINUX)
    return "xen";
  return arch && strncmp (arch, "ppc64", 5) == 0 ? "vga" : "cirrus";
}

static unsigned
round_up (unsigned long long number)
{
  unsigned power = 1;

  if (number == 0)
    return 0;
  while (power && power < number)
    power <<= 1;
  return power;
}

static int
set_memory (struct xml_load *load, struct xml_node *model, const char *attr,
            unsigned long long dflt)
{
  unsigned kib = round_up (xml_number (xml_attr (model, attr), dflt));

  if (kib == 0)
    return xml_attr_set (model, attr, NULL);
  return xml_attr_setf (model, attr, "%u", kib) == -1
         ? domain_no_memory (load) : 0;
}

int
domain_video_post (struct xml_load *load, struct xml_node *video)
{
  const struct xml_node *root = domain_root_of (video);
  struct xml_node *model = xml_child (video, "model");
  const char *type;

  if (xml_attr_is (model, "type", "default")
      && xml_attr_set (model, "type", usual_model (root)) == -1)
    return domain_no_memory (load);
  type = xml_attr (model, "type");
  if (set_memory (load, model, "ram",
                  strcmp (type, "qxl") == 0 ? usual_vram (root, type)
                  : 0) == -1)
    return -1;
  return set_memory (load, model, "vram", usual_vram (root, type));
}

/* The primary video device stands first. */
struct xml_node *
domain_video_place (const struct xml_node *node, struct xml_node *last)
{
  if (!xml_attr_is (xml_child (node, "model"), "primary", "yes"))
    return NULL;
  while (last->prev && last->prev->schema == last->schema)
    last = last->prev;
  return last;
}

static int
clear_video (struct xml_node *video)
{
  struct xml_node *model = xml_child (video, "model"), *kid, *next;
  static const char *const attrs[] = {
    "ram", "vram", "vram64", "vgamem", "heads", "primary"
  };

  for (size_t i = 0; i < 6; i++)
    if (xml_attr_set (model, attrs[i], NULL) == -1)
      return -1;
  while (model->first)
    xml_node_free (model->first);
  for (kid = video->first; kid; kid = next) {
    next = kid->next;
    if (kid != model && strcmp (xml_name (kid), "alias") != 0)
      xml_node_free (kid);
  }
  return 0;
}

/* A guest with graphics has video; the first device is the primary one. */
int
domain_video_imply (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *devices = xml_child (root, "devices");
  struct xml_node *video = xml_child (devices, "video"), *model;

  if (video == NULL && xml_child (devices, "graphics")) {
    video = xml_child_add (devices, "video");
    model = video ? xml_child_add (video, "model") : NULL;
    if (model == NULL || xml_attr_set (model, "type", "default") == -1)
      return domain_no_memory (load);
    if (xml_attr_set (model, "heads", "1") == -1)
      return domain_no_memory (load);
  }
  if (video == NULL)
    return 0;
  model = xml_child (video, "model");
  if (xml_attr_is (model, "type", "none"))
    return clear_video (video);
  if (xml_attr_set (model, "primary", "yes") == -1)
    return domain_no_memory (load);
  return domain_video_post (load, video);
}

static int
check_model (struct xml_load *load, const struct xml_node *video)
{
  static const char *const qxl[] = { "ram", "vram64", "vgamem" };
  const struct xml_node *model = xml_child (video, "model");
  const struct xml_node *resolution = xml_child (model, "resolution");
  bool is_vhost = xml_attr_is (xml_child (video, "driver"), "name",
                               "vhostuser");

  if (is_vhost && !xml_attr_is (model, "type", "virtio"))
    return xml_unsupported (load, "'vhostuser' driver is only supported with "
                            "'virtio' device");
  if (!is_vhost && xml_path_attr (model, "acceleration", "rendernode"))
    return xml_unsupported (load, "unsupported rendernode accel attribute "
                            "without 'vhostuser'");
  if (resolution && (xml_attr_is (resolution, "x", "0")
                     || xml_attr_is (resolution, "y", "0")))
    return xml_unsupported (load, "video resolution values must be greater "
                            "than 0");
  for (size_t i = 0; !xml_attr_is (model, "type", "qxl") && i < 3; i++)
    if (xml_attr (model, qxl[i]))
      return xml_unsupported (load, "%s attribute only supported for video "
                              "type qxl", qxl[i]);
  if (xml_attr_is (model, "type", "ramfb") && xml_child (video, "address"))
    return xml_unsupported (load, "address not supported for video type "
                            "ramfb");
  return xml_attr_is (model, "type", "virtio") ? 0
         : domain_virtio_absent (load, xml_child (video, "driver"));
}

int
domain_video_check (struct xml_load *load, struct xml_node *root)
{
  const struct xml_node *first = xml_path (root, "devices/video"), *video;

  for (video = first; video; video = xml_next (video)) {
    if (xml_attr_is (xml_child (video, "model"), "type", "none")
        && (video != first || xml_next (video)))
      return xml_unsupported (load, "a 'none' video type must be the only "
                              "video device defined for the domain");
    if (check_model (load, video) == -1)
      return -1;
  }
  for (video = first ? xml_next (first) : NULL; video;
       video = xml_next (video))
    if (xml_attr (xml_child (video, "model"), "primary"))
      return xml_unsupported (load, "Only one primary video device is "
                              "supported");
  return 0;
}

enum input { INPUT_MOUSE, INPUT_TABLET, INPUT_KEYBOARD, INPUT_PASSTHROUGH,
             INPUT_EVDEV };

#define EVDEV .when = XT_WHEN (INPUT_EVDEV)

static int
input_source_after (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  const char *attr = node->kind == INPUT_EVDEV ? "dev" : "evdev";

  if (node->kind != INPUT_EVDEV && node->kind != INPUT_PASSTHROUGH)
    return 1;
  if (xml_attr (node, attr) == NULL)
    return xml_wrong (load, "Missing evdev path for input device");
  return domain_clean_path (load, node, attr);
}

const struct xml_spec domain_input_attrs[] = {
  { "type", XT_ENUM, XT_REQUIRED | XT_KIND, UNSUPPORTED,
    .names = NAMES ("mouse", "tablet", "keyboard", "passthrough", "evdev"),
    .bad = "unknown input device type '%s'",
    .missing = "missing input device type",
    .missing_code = VIRGATE_ERR_INTERNAL_ERROR },
  { "bus", XT_ENUM, UNSUPPORTED, .bad = "unknown input bus type '%s'",
    .names = NAMES ("ps2", "usb", "xen", "parallels", "virtio", "none") },
  { "model", XT_ENUM, XT_NONZERO, UNSUPPORTED, .names = VIRTIO_MODELS,
    .bad = "unknown input model '%s'" },
  { 0 }
};

const struct xml_elem domain_input_kids[] = {
  { "driver", .attrs = ATTRS (VIRTIO_ATTRS) },
  { "source", .after = input_source_after, .attrs = ATTRS (
      { "dev", EVDEV },
      { "evdev", .when = XT_WHEN (INPUT_PASSTHROUGH) },
      { "grab", XT_ENUM, XT_NONZERO, EVDEV,
        .names = NAMES ("default", "all") },
      { "grabToggle", XT_ENUM, XT_NONZERO, EVDEV,
        .names = NAMES ("default", "ctrl-ctrl", "alt-alt", "shift-shift",
                        "meta-meta", "scrolllock", "ctrl-scrolllock") },
      { "repeat", XT_SWITCH, EVDEV }) },
  INFO_KIDS,
  { 0 }
};

static bool
is_arch (const struct xml_node *root, const char *const *names)
{
  return xml_enum (names, xml_path_attr (root, "os/type", "arch")) != -1;
}

/* The bus of an input device that does not name one. */
static const char *
usual_bus (const struct xml_node *root, unsigned kind)
{
  static const char *const x86[] = { "i686", "x86_64", NULL };
  static const char *const s390[] = { "s390", "s390x", NULL };
  unsigned os = xml_child (root, "os")->kind;

  if (os == OS_XEN || os == OS_XENPVH)
    return "xen";
  if (os != OS_HVM)
    return xml_attr_is (root, "type", "vz")
           || xml_attr_is (root, "type", "parallels") ? "parallels" : "ps2";
  if ((kind == INPUT_MOUSE || kind == INPUT_KEYBOARD) && is_arch (root, x86))
    return "ps2";
  if (is_arch (root, s390) || kind == INPUT_PASSTHROUGH)
    return "virtio";
  return kind == INPUT_EVDEV ? "none" : "usb";
}

int
domain_input_after (struct xml_load *load, struct xml_node *node,
                    xmlNode *src)
{
  const struct xml_node *root = domain_root_of (node);
  const struct xml_node *address = xml_child (node, "address");

  if (xml_attr (node, "bus") == NULL
      && xml_attr_set (node, "bus", usual_bus (root, node->kind)) == -1)
    return domain_no_memory (load);
  if (xml_attr_is (node, "bus", "usb") && address
      && !xml_attr_is (address, "type", "usb"))
    return xml_wrong (load, "Invalid address for a USB device");
  if (xml_attr_is (node, "bus", "none"))
    return xml_attr_set (node, "bus", NULL);
  return 0;
}

#define AUDIO_ID                                                        \
  { "audio", .attrs = ATTRS ({ "id", XT_UINT, XT_REQUIRED | XT_NONZERO }) }

static int
codec_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  static const char *const models[] = { "ich6", "ich9", NULL };
  const char *model = xml_attr (node->parent, "model");

  return xml_enum (models, model) == -1;
}

const struct xml_elem domain_sound_kids[] = {
  { "codec", .flags = XT_MANY, .after = codec_after, .attrs = ATTRS (
      { "type", XT_ENUM, XT_REQUIRED, UNSUPPORTED,
        .names = NAMES ("duplex", "micro", "output"),
        .bad = "unknown codec type '%s'" }) },
  AUDIO_ID,
  INFO_KIDS,
  { 0 }
};

enum audio {
  AUDIO_NONE, AUDIO_ALSA, AUDIO_COREAUDIO, AUDIO_JACK, AUDIO_OSS,
  AUDIO_PULSEAUDIO, AUDIO_SDL, AUDIO_SPICE, AUDIO_FILE, AUDIO_DBUS
};

#define IS(name) XT_WHEN (AUDIO_##name)
#define WHEN(kinds) .when = (kinds)

static int
stream_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  bool is_fixed = xml_attr_is (node, "fixedSettings", "yes");
  bool has_settings = xml_src_child (src, "settings");

  if (is_fixed && !xml_attr_is (node, "mixingEngine", "yes"))
    return xml_unsupported (load, "fixed audio settings requires mixing "
                            "engine");
  if (has_settings && !is_fixed)
    return xml_unsupported (load, "audio settings specified without fixed "
                            "settings flag");
  if (is_fixed && xml_child_make (node, "settings") == NULL)
    return domain_no_memory (load);
  return 0;
}

#define AUDIO_STREAM(tag)                                               \
  { tag, .after = stream_after, .attrs = ATTRS (                        \
      { "mixingEngine", XT_BOOL }, { "fixedSettings", XT_BOOL },        \
      { "voices", XT_UINT, XT_NONZERO },                                \
      { "bufferLength", XT_UINT, XT_NONZERO },                          \
      { "serverName", WHEN (IS (JACK)) },                               \
      { "clientName", WHEN (IS (JACK)) },                               \
      { "connectPorts", WHEN (IS (JACK)) },                             \
      { "exactName", XT_BOOL, WHEN (IS (JACK)) },                       \
      { "name", WHEN (IS (PULSEAUDIO)) },                               \
      { "streamName", WHEN (IS (PULSEAUDIO)) },                         \
      { "latency", XT_UINT, XT_HIDE_ZERO, WHEN (IS (PULSEAUDIO)) },     \
      { "dev", WHEN (IS (ALSA) | IS (OSS)) },                           \
      { "bufferCount", XT_UINT, XT_HIDE_ZERO,                           \
        WHEN (IS (COREAUDIO) | IS (OSS) | IS (SDL)) },                  \
      { "tryPoll", XT_BOOL, WHEN (IS (OSS)) }),                         \
    .kids = KIDS (                                                      \
      { "settings", .flags = XT_KEEP, .attrs = ATTRS (                  \
          { "frequency", XT_UINT, XT_NONZERO },                         \
          { "channels", XT_UINT, XT_NONZERO },                          \
          { "format", XT_ENUM, XT_NONZERO,                              \
            .names = NAMES ("", "u8", "s8", "u16", "s16", "u32", "s32", \
                            "f32") }) }) }

const struct xml_spec domain_audio_attrs[] = {
  { "id", XT_UINT, XT_REQUIRED | XT_NONZERO },
  { "type", XT_ENUM, XT_REQUIRED | XT_KIND,
    .names = NAMES ("none", "alsa", "coreaudio", "jack", "oss", "pulseaudio",
                    "sdl", "spice", "file", "dbus") },
  { "timerPeriod", XT_UINT, XT_NONZERO },
  { "tryMMap", XT_BOOL, WHEN (IS (OSS)) },
  { "exclusive", XT_BOOL, WHEN (IS (OSS)) },
  { "dspPolicy", XT_INT, WHEN (IS (OSS)) },
  { "serverName", WHEN (IS (PULSEAUDIO)) },
  { "driver", XT_ENUM, XT_NONZERO, WHEN (IS (SDL)),
    .names = NAMES ("", "esd", "alsa", "arts", "pulseaudio") },
  { "path", WHEN (IS (FILE)) },
  { 0 }
};

const struct xml_elem domain_audio_kids[] = {
  AUDIO_STREAM ("input"),
  AUDIO_STREAM ("output"),
  { 0 }
};
