/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Saving domains to files, restoring them, dumping them.  An image is a
 * magic, the length of a definition, and the definition.  Files are touched
 * without the world's lock, and only if the instance allows it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/event.h"

#define IMAGE_MAGIC "TestGuestMagic"    /* with its terminating zero */
#define IMAGE_XML_MAX 8192              /* bytes of a definition in an image */

static const struct flag_name save_running = {
  2, "VIR_DOMAIN_SAVE_RUNNING"
};
static const struct flag_name save_paused = { 4, "VIR_DOMAIN_SAVE_PAUSED" };

static int
check_files (const struct ctx *c)
{
  if (c->conn->driver->files)
    return 0;
  return fail (c, VIRGATE_ERR_OPERATION_DENIED,
               "this server does not read or write files");
}

/* The daemon's folder is the root. */
static const char *
absolute (const struct ctx *c, const char *path)
{
  size_t len = strlen (path);
  char *copy;

  if (*path == '/')
    return path;
  copy = call_array (c, len + 2, 1);
  if (!copy)
    return NULL;
  *copy = '/';
  memcpy (copy + 1, path, len + 1);
  return copy;
}

/* Write all; returns 0, -1 with errno. */
static int
write_all (int fd, const void *data, size_t len)
{
  const char *at = data;

  while (len) {
    ssize_t n = write (fd, at, len);

    if (n == -1 && errno == EINTR)
      continue;
    if (n == -1)
      return -1;
    at += n;
    len -= (size_t) n;
  }
  return 0;
}

/* Read up to LEN bytes, fewer only at the end; -1 with errno. */
static ssize_t
read_all (int fd, void *data, size_t len)
{
  size_t have = 0;

  while (have < len) {
    ssize_t n = read (fd, (char *) data + have, len - have);

    if (n == -1 && errno == EINTR)
      continue;
    if (n == -1)
      return -1;
    if (n == 0)
      break;
    have += (size_t) n;
  }
  return (ssize_t) have;
}

static int
create_file (const char *path)
{
  return open (path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOCTTY
                       | O_NONBLOCK, S_IRUSR | S_IWUSR);
}

static void
remove_half (int fd, const char *path)
{
  struct stat st;

  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode))
    unlink (path);
}

static int
write_image (const struct ctx *c, const char *path, const char *name,
             const char *xml)
{
  CLEANUP_CLOSE int fd = create_file (path);
  int len = (int) strlen (xml);

  if (fd == -1)
    return fail_system (c, errno, "saving domain '%s' to '%s': open failed",
                        name, path);
  if (write_all (fd, IMAGE_MAGIC, sizeof IMAGE_MAGIC) == -1
      || write_all (fd, &len, sizeof len) == -1
      || write_all (fd, xml, (size_t) len) == -1) {
    fail_system (c, errno, "saving domain '%s' to '%s': write failed", name,
                 path);
    remove_half (fd, path);
    return -1;
  }
  return 0;
}

/* The definition in an image; NULL after the refusal. */
static struct def *
read_image (const struct ctx *c, const char *path)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY
                                       | O_NONBLOCK);
  CLEANUP_FREE char *xml = NULL;
  char magic[sizeof IMAGE_MAGIC];
  struct xml_error err = { 0 };
  struct def *def;
  int len;

  errno = fd == -1 ? errno : 0;
  if (fd == -1)
    fail_system (c, errno, "cannot read domain image '%s'", path);
  else if (read_all (fd, magic, sizeof magic) != sizeof magic)
    fail_system (c, errno, "incomplete save header in '%s'", path);
  else if (memcmp (magic, IMAGE_MAGIC, sizeof magic) != 0)
    fail (c, VIRGATE_ERR_INTERNAL_ERROR, "mismatched header magic");
  else if (read_all (fd, &len, sizeof len) != sizeof len)
    fail_system (c, errno, "failed to read metadata length in '%s'", path);
  else if (len < 1 || len > IMAGE_XML_MAX)
    fail (c, VIRGATE_ERR_INTERNAL_ERROR,
          "length of metadata out of range");
  else if (!(xml = calloc (1, (size_t) len + 1)))
    fail_memory (c);
  else if (read_all (fd, xml, (size_t) len) != len)
    fail_system (c, errno, "incomplete metadata in '%s'", path);
  else if ((def = def_parse (xml, DOMAIN_PARSE_INACTIVE
                                    | DOMAIN_PARSE_SKIP_VALIDATE, &err)))
    return def;
  else
    fail_xml (c, &err);
  return NULL;
}

/* Saving. ------------------------------------------------------------------ */

/* The running domain as text; NULL after the refusal. */
static char *
running_text (const struct ctx *c, const struct virgate_domain *name)
{
  const struct dom *dom;
  struct def *def;
  char *text;

  {
    LOCK_FOR_SCOPE (&c->world->lock);
    dom = find_active (c, name);
    if (!dom)
      return NULL;
    def = def_ref (dom->def);
  }
  text = domain_def_format (def->body, DOMAIN_FORMAT_SECURE);
  {
    LOCK_FOR_SCOPE (&c->world->lock);
    def_unref (def);
  }
  if (!text)
    fail_memory (c);
  return text;
}

/* Stop a domain that has been written. */
static int
stop_written (const struct ctx *c, const struct virgate_domain *name,
              int reason, enum event_detail detail)
{
  struct dom *dom;

  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_active (c, name);
  if (!dom)
    return -1;
  dom_stop (c->world, dom, reason);
  event_domain (c, dom, EVENT_STOPPED, detail);
  if (!dom->persistent) {
    dom_unlist (c->world, dom);
    dom_free (dom);
  }
  return 0;
}

static int
save (const struct ctx *c, const struct virgate_domain *name,
      const char *path, const char *dxml, uint32_t flags)
{
  CLEANUP_FREE char *text = NULL;

  if (check_flags (c, flags, 0, "testDomainSaveFlags") == -1)
    return -1;
  if (dxml)
    return fail (c, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                 "xml modification unsupported");
  path = absolute (c, path);
  text = path ? running_text (c, name) : NULL;
  if (!text || check_files (c) == -1
      || write_image (c, path, name->name, text) == -1)
    return -1;
  return stop_written (c, name, DOM_SHUTOFF_SAVED, EVENT_STOPPED_SAVED);
}

HANDLER_IN (domain_save)
{
  return save (c, &args->dom, args->to, NULL, 0);
}

HANDLER_IN (domain_save_flags)
{
  if (check_exclusive (c, "virDomainSaveFlags", args->flags, save_running,
                       save_paused) == -1)
    return -1;
  return save (c, &args->dom, args->to, args->dxml, args->flags);
}

static int
restore (const struct ctx *c, const char *path, const char *dxml,
         uint32_t flags)
{
  struct def *def;
  struct dom *dom;
  bool old;

  if (check_flags (c, flags, 0, "testDomainRestoreFlags") == -1)
    return -1;
  if (dxml)
    return fail (c, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                 "xml modification unsupported");
  path = absolute (c, path);
  if (!path || check_files (c) == -1)
    return -1;
  def = read_image (c, path);
  if (!def)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = dom_assign (c, def, true, &old);
  if (!dom)
    return -1;
  if (dom_start (c->world, dom, DOM_RUNNING_RESTORED) == -1)
    return fail_memory (c);
  event_domain (c, dom, EVENT_STARTED, EVENT_STARTED_RESTORED);
  return 0;
}

HANDLER_IN (domain_restore)
{
  return restore (c, args->from, NULL, 0);
}

HANDLER_IN (domain_restore_flags)
{
  if (check_exclusive (c, "virDomainRestoreFlags", args->flags, save_running,
                       save_paused) == -1)
    return -1;
  return restore (c, args->from, args->dxml, args->flags);
}

/* Images by themselves. ---------------------------------------------------- */

HANDLER (domain_save_image_get_xml_desc)
{
  enum { SECURE = 1 };
  CLEANUP_FREE char *text = NULL;
  const char *path = absolute (c, args->file);
  struct def *def;

  if (!path || check_flags (c, args->flags, SECURE,
                            "testDomainSaveImageGetXMLDesc") == -1
      || check_files (c) == -1)
    return -1;
  def = read_image (c, path);
  if (!def)
    return -1;
  text = domain_def_format (def->body, DOMAIN_FORMAT_SECURE);
  def_unref (def);
  if (!text)
    return fail_memory (c);
  ret->xml = call_strdup (c, text);
  return ret->xml ? 0 : -1;
}

HANDLER_IN (domain_save_image_define_xml)
{
  static const char function[] = "virDomainSaveImageDefineXML";
  CLEANUP_FREE char *text = NULL;
  CLEANUP_FREE char *name = NULL;
  const char *path = absolute (c, args->file);
  struct xml_error err = { 0 };
  struct def *def;

  if (!path || check_exclusive (c, function, args->flags, save_running,
                                save_paused) == -1
      || check_flags (c, args->flags, save_running.flag | save_paused.flag,
                      "testDomainSaveImageDefineXML") == -1
      || check_files (c) == -1)
    return -1;
  def = read_image (c, path);
  if (!def)
    return -1;
  def_unref (def);
  def = def_parse (args->dxml, DOMAIN_PARSE_INACTIVE, &err);
  if (!def)
    return fail_xml (c, &err);
  text = domain_def_format (def->body, DOMAIN_FORMAT_SECURE);
  name = strdup (def->name);
  def_unref (def);
  if (!text || !name)
    return fail_memory (c);
  return write_image (c, path, name, text);
}

/* Dumps. ------------------------------------------------------------------- */

enum dump_flag {
  DUMP_CRASH = 1,
  DUMP_LIVE = 2,
  DUMP_RESET = 8,
};

static const struct {
  struct flag_name one, other;
} dump_exclusive[] = {
  { { DUMP_CRASH, "VIR_DUMP_CRASH" }, { DUMP_LIVE, "VIR_DUMP_LIVE" } },
  { { DUMP_CRASH, "VIR_DUMP_CRASH" }, { DUMP_RESET, "VIR_DUMP_RESET" } },
  { { DUMP_LIVE, "VIR_DUMP_LIVE" }, { DUMP_RESET, "VIR_DUMP_RESET" } },
};

static int
write_dump (const struct ctx *c, const struct virgate_domain *name,
            const char *path)
{
  CLEANUP_CLOSE int fd = create_file (path);

  if (fd == -1)
    return fail_system (c, errno, "domain '%s' coredump: failed to open %s",
                        name->name, path);
  if (write_all (fd, IMAGE_MAGIC, sizeof IMAGE_MAGIC) == -1)
    return fail_system (c, errno, "domain '%s' coredump: failed to write "
                        "header to %s", name->name, path);
  return 0;
}

static int
dump (const struct ctx *c, const char *function,
      const struct virgate_domain *name, const char *path, uint32_t format,
      uint32_t flags)
{
  for (size_t i = 0; i < COUNT_OF (dump_exclusive); i++)
    if (check_exclusive (c, function, flags, dump_exclusive[i].one,
                         dump_exclusive[i].other) == -1)
      return -1;
  path = absolute (c, path);
  if (!path || check_flags (c, flags, DUMP_CRASH,
                            "testDomainCoreDumpWithFormat") == -1)
    return -1;
  {
    LOCK_FOR_SCOPE (&c->world->lock);
    if (!find_active (c, name))
      return -1;
  }
  if (check_files (c) == -1 || write_dump (c, name, path) == -1)
    return -1;
  if (format)
    return fail (c, VIRGATE_ERR_OPERATION_UNSUPPORTED,
                 "kdump-compressed format is not supported here");
  if (flags & DUMP_CRASH)
    return stop_written (c, name, DOM_SHUTOFF_CRASHED,
                         EVENT_STOPPED_CRASHED);
  return 0;
}

HANDLER_IN (domain_core_dump)
{
  return dump (c, "virDomainCoreDump", &args->dom, args->to, 0, args->flags);
}

HANDLER_IN (domain_core_dump_with_format)
{
  enum { DUMP_FORMATS = 5 };
  static const char function[] = "virDomainCoreDumpWithFormat";

  if (args->dumpformat >= DUMP_FORMATS)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, function, "flags",
                     "dumpformat '%d' is not supported",
                     (int) args->dumpformat);
  return dump (c, function, &args->dom, args->to, args->dumpformat,
               args->flags);
}
