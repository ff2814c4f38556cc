/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finding and loading module files; see modules.h.  Whether a loaded file is
 * a module at all is modcheck.c's question.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <ltdl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/modcheck.h"
#include "core/modprobe.h"
#include "core/modules.h"

#define NAME_MAX_LEN 64

/* Constructors take milliseconds; this is for an overloaded machine. */
#define PROBE_NS (10 * NS_PER_S)

/* A loaded module and the memory behind it. */
struct loaded {
  struct loaded *next;
  struct module module;
  char *file;
  void *ops;
};

struct modules {
  char **dirs;                  /* absolute where they exist; NULL at the end */
  uint32_t flags;
  const struct log *log;
  pthread_mutex_t lock;         /* guards loaded; taken before ltdl_lock */
  struct loaded *loaded;
};

/* libltdl keeps process-wide state without a lock of its own. */
static pthread_mutex_t ltdl_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const kind_names[] = {
  [VIRGATE_KIND_TRANSPORT] = "transport",
  [VIRGATE_KIND_AUTH] = "auth",
  [VIRGATE_KIND_ACL] = "acl",
  [VIRGATE_KIND_DRIVER] = "driver",
};

const char *
module_kind_name (uint32_t kind)
{
  return kind < COUNT_OF (kind_names) ? kind_names[kind] : NULL;
}

/* Where to look --------------------------------------------------------- */

static int
add_dir (struct modules *modules, size_t *count, const char *dir)
{
  char **dirs = reallocarray (modules->dirs, *count + 2, sizeof *dirs);

  if (dirs == NULL)
    return -1;
  modules->dirs = dirs;
  dirs[*count] = realpath (dir, NULL);
  if (dirs[*count] == NULL)
    dirs[*count] = strdup (dir);
  if (dirs[*count] == NULL)
    return -1;
  dirs[++*count] = NULL;
  return 0;
}

static int
add_dirs (struct modules *modules, const char *dir)
{
  const char *variable = secure_getenv ("VIRGATE_MODULE_DIR");
  CLEANUP_FREE char *list = variable ? strdup (variable) : NULL;
  char *rest = list, *next;
  size_t count = 0;

  if ((variable && list == NULL)
      || (dir && add_dir (modules, &count, dir) == -1))
    return -1;
  while ((next = strsep (&rest, ":")))
    if (*next && add_dir (modules, &count, next) == -1)
      return -1;
  return count > 0 ? 0 : add_dir (modules, &count, MODULEDIR);
}

struct modules *
modules_new (const char *dir, uint32_t flags, const struct log *log)
{
  struct modules *modules = calloc (1, sizeof *modules);

  if (modules == NULL)
    return NULL;
  modules->flags = flags;
  modules->log = log;
  pthread_mutex_init (&modules->lock, NULL);
  if (add_dirs (modules, dir) == 0)
    return modules;
  modules_free (modules);
  return NULL;
}

static void
loaded_free (struct loaded *loaded)
{
  if (loaded == NULL)
    return;
  free (loaded->file);
  free (loaded->ops);
  free (loaded);
}

void
modules_free (struct modules *modules)
{
  if (modules == NULL)
    return;
  while (modules->loaded) {
    struct loaded *next = modules->loaded->next;

    loaded_free (modules->loaded);
    modules->loaded = next;
  }
  for (char **dir = modules->dirs; dir && *dir; dir++)
    free (*dir);
  free (modules->dirs);
  pthread_mutex_destroy (&modules->lock);
  free (modules);
}

/* Which modules there are ------------------------------------------------ */

struct found {
  uint32_t kind;
  char name[NAME_MAX_LEN];
};

struct found_list {
  struct found *items;
  size_t count;
};

static void
found_list_free (struct found_list *list)
{
  free (list->items);
}

static bool
is_module_name (const char *name, size_t len)
{
  if (len == 0 || len >= NAME_MAX_LEN)
    return false;
  for (size_t i = 0; i < len; i++)
    if (!isalnum ((unsigned char) name[i]) && name[i] != '-')
      return false;
  return true;
}

/* Split "KIND-NAME" with LEN bytes. */
static bool
split_name (const char *name, size_t len, struct found *found)
{
  for (uint32_t kind = 1; kind < COUNT_OF (kind_names); kind++) {
    size_t kind_len = strlen (kind_names[kind]);

    if (len > kind_len + 1 && name[kind_len] == '-'
        && memcmp (name, kind_names[kind], kind_len) == 0
        && is_module_name (name + kind_len + 1, len - kind_len - 1)) {
      found->kind = kind;
      memcpy (found->name, name + kind_len + 1, len - kind_len - 1);
      found->name[len - kind_len - 1] = '\0';
      return true;
    }
  }
  return false;
}

static int
compare_found (const void *a, const void *b)
{
  const struct found *x = a, *y = b;

  return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1)
                            : strcmp (x->name, y->name);
}

static void
found_add (struct found_list *list, const struct found *found)
{
  struct found *items;

  for (size_t i = 0; i < list->count; i++)
    if (compare_found (&list->items[i], found) == 0)
      return;
  items = reallocarray (list->items, list->count + 1, sizeof *items);
  if (items == NULL)
    return;
  list->items = items;
  items[list->count++] = *found;
}

static void
scan_dir (struct found_list *list, const char *path, uint32_t kind)
{
  const size_t suffix = strlen (".so");
  DIR *dir = opendir (path);
  struct dirent *entry;
  struct found found;

  if (dir == NULL)
    return;
  while ((entry = readdir (dir))) {
    size_t len = strlen (entry->d_name);

    if (len > suffix && strcmp (entry->d_name + len - suffix, ".so") == 0
        && split_name (entry->d_name, len - suffix, &found)
        && (kind == 0 || kind == found.kind))
      found_add (list, &found);
  }
  closedir (dir);
}

static struct found_list
scan (const struct modules *modules, uint32_t kind)
{
  struct found_list list = { NULL, 0 };

  for (char **dir = modules->dirs; *dir; dir++)
    scan_dir (&list, *dir, kind);
  if (list.count)
    qsort (list.items, list.count, sizeof *list.items, compare_found);
  return list;
}

/* Loading ---------------------------------------------------------------- */

/* "transport module 'x' is not installed: looked for transport-x.so in A, B;
 * there are: tcp, unix"
 */
static void
report_missing (const struct modules *modules, uint32_t kind,
                const char *name, struct virgate_error *err)
{
  CLEANUP (found_list_free) struct found_list others = scan (modules, kind);
  char where[512] = "", there[512] = "none of this kind";
  size_t len = 0;

  for (char **dir = modules->dirs; *dir && len < sizeof where; dir++)
    len += snprintf (where + len, sizeof where - len, "%s%s",
                     len ? ", " : "", *dir);
  len = 0;
  for (size_t i = 0; i < others.count && len < sizeof there; i++)
    len += snprintf (there + len, sizeof there - len, "%s%s",
                     len ? ", " : "", others.items[i].name);
  error_text (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_CONF,
              "%s module '%s' is not installed: looked for %s-%s.so in %s; "
              "installed: %s", kind_names[kind], name, kind_names[kind], name,
              where, there);
}

/* The first folder's file, absolute; NULL with err set. */
static char *
find_file (const struct modules *modules, uint32_t kind, const char *name,
           struct virgate_error *err)
{
  char *path;

  for (char **dir = modules->dirs; *dir; dir++) {
    if (asprintf (&path, "%s/%s-%s.so", *dir, kind_names[kind], name) == -1)
      break;
    if (access (path, F_OK) == 0)
      return path;
    free (path);
  }
  report_missing (modules, kind, name, err);
  return NULL;
}

int
modules_have (struct modules *modules, uint32_t kind, const char *name)
{
  CLEANUP (found_list_free) struct found_list list = scan (modules, kind);

  for (size_t i = 0; i < list.count; i++)
    if (strcmp (list.items[i].name, name) == 0)
      return 1;
  return 0;
}

/* Open with libltdl: symbols stay local, and the file stays mapped, because
 * libraries behind it (TLS, ssh) do not survive being unmapped.
 */
static lt_dlhandle
open_advised (const char *file)
{
  lt_dlhandle handle = NULL;
  lt_dladvise advise;

  if (lt_dladvise_init (&advise))
    return NULL;
  if (!lt_dladvise_local (&advise) && !lt_dladvise_resident (&advise))
    handle = lt_dlopenadvise (file, advise);
  lt_dladvise_destroy (&advise);
  return handle;
}

/* libltdl says "file not found" whatever went wrong; ask again directly. */
static const char *
why_not_opened (const char *file)
{
  void *handle = dlopen (file, RTLD_NOW | RTLD_LOCAL);
  const char *why = handle ? "libltdl cannot open it" : dlerror ();

  if (handle)
    dlclose (handle);
  return why ? why : "unknown reason";
}

static const struct virgate_module *
open_file (const char *file, struct virgate_error *err)
{
  LOCK_FOR_SCOPE (&ltdl_lock);
  const struct virgate_module *desc;
  lt_dlhandle handle;

  if (lt_dlinit ()) {
    error_text (err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_CONF,
                "libltdl: %s", lt_dlerror ());
    return NULL;
  }
  handle = open_advised (file);
  if (handle == NULL) {
    error_text (err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_CONF,
                "load %s: %s", file, why_not_opened (file));
    return NULL;
  }
  desc = lt_dlsym (handle, "virgate_module");
  if (desc == NULL)
    error_text (err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_CONF,
                "load %s: it has no symbol virgate_module", file);
  return desc;
}

static struct loaded *
load_file (struct modules *modules, const char *file, uint32_t kind,
           const char *name, struct virgate_error *err)
{
  const struct virgate_module *desc;
  struct loaded *loaded;

  if ((modules->flags & MODULES_STRICT)
      && modcheck_owners (file, err) == -1)
    return NULL;
  log_write (modules->log, VIRGATE_LOG_DEBUG, NULL, "loading %s", file);
  if ((modules->flags & MODULES_PROBE)
      && modprobe (file, PROBE_NS, err) == -1)
    return NULL;
  desc = open_file (file, err);
  if (desc == NULL || modcheck_head (desc, file, kind, name, err) == -1)
    return NULL;
  loaded = calloc (1, sizeof *loaded);
  if (loaded == NULL || (loaded->file = strdup (file)) == NULL
      || (loaded->ops = modcheck_copy (desc, &loaded->module.desc)) == NULL) {
    loaded_free (loaded);
    error_set (err, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_CONF, NULL);
    return NULL;
  }
  loaded->module.file = loaded->file;
  loaded->module.ops = loaded->module.desc.ops = loaded->ops;
  loaded->module.ops_size = desc->ops_size;
  if (modcheck_body (&loaded->module, err) == 0)
    return loaded;
  loaded_free (loaded);
  return NULL;
}

static const struct module *
find_loaded (const struct modules *modules, uint32_t kind, const char *name)
{
  for (const struct loaded *l = modules->loaded; l; l = l->next)
    if (l->module.desc.kind == kind && strcmp (l->module.desc.name, name) == 0)
      return &l->module;
  return NULL;
}

static const struct module *
load_new (struct modules *modules, uint32_t kind, const char *name,
          struct virgate_error *err)
{
  CLEANUP_FREE char *file = find_file (modules, kind, name, err);
  struct loaded *loaded;

  if (file == NULL
      || (loaded = load_file (modules, file, kind, name, err)) == NULL)
    return NULL;
  loaded->next = modules->loaded;
  modules->loaded = loaded;
  return &loaded->module;
}

const struct module *
modules_load (struct modules *modules, uint32_t kind, const char *name,
              struct virgate_error *err)
{
  LOCK_FOR_SCOPE (&modules->lock);
  const struct module *module;

  if (!is_module_name (name, strlen (name))) {
    error_text (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_CONF,
                "'%.64s' cannot be the name of a module", name);
    return NULL;
  }
  module = find_loaded (modules, kind, name);
  return module ? module : load_new (modules, kind, name, err);
}

const struct module *
modules_load_file (struct modules *modules, const char *name,
                   struct virgate_error *err)
{
  struct found found;

  if (split_name (name, strlen (name), &found))
    return modules_load (modules, found.kind, found.name, err);
  error_text (err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_CONF,
              "'%.64s' is no module: expected transport-NAME, auth-NAME, "
              "acl-NAME or driver-NAME", name);
  return NULL;
}

void
modules_each (struct modules *modules, uint32_t kind,
              void (*fn) (void *opaque, const char *file,
                          const struct module *module,
                          const struct virgate_error *err),
              void *opaque)
{
  CLEANUP (found_list_free) struct found_list list = scan (modules, kind);

  for (size_t i = 0; i < list.count; i++) {
    CLEANUP_ERROR struct virgate_error err = { 0 };
    const struct found *found = &list.items[i];
    const struct module *module = modules_load (modules, found->kind,
                                                found->name, &err);
    CLEANUP_FREE char *file = module ? strdup (module->file)
                                     : find_file (modules, found->kind,
                                                  found->name, NULL);

    fn (opaque, file, module, &err);
  }
}
