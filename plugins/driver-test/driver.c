/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * driver-test: a hypervisor that exists in memory only, for trying clients
 * and this daemon itself.  The module, its options, and its connections.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/event.h"
#include "plugins/driver-test/world.h"

#define SCHEME "test://"
#define DEFAULT_PATH "/default"

/* Options. ----------------------------------------------------------------- */

static const struct virgate_option options[] = {
  { "files", VIRGATE_OPTION_BOOL, 0, 0, 0, NULL, "yes",
    "clients may save, restore and dump domains to files of this daemon" },
  { "allow-file", VIRGATE_OPTION_LIST, 0, 0, 0, NULL, NULL,
    "patterns of paths that clients may open as test:///PATH" },
  { NULL }
};

static int
driver_open (const struct virgate_host *host, void **inst)
{
  struct driver *driver = calloc (1, sizeof *driver);

  if (!driver)
    return host->error (host, "out of memory");
  if (!VIRGATE_HOST_HAS (host, driver)) {
    free (driver);
    return host->error (host, "%s serves no calls", host->program);
  }
  driver->host = host;
  driver->files = true;
  pthread_mutex_init (&driver->lock, NULL);
  *inst = driver;
  return 0;
}

static int
add_pattern (struct driver *driver, const char *word, size_t len)
{
  char **grown = realloc (driver->allow,
                          (driver->allow_count + 1) * sizeof *grown);

  if (!grown)
    return driver->host->error (driver->host, "out of memory");
  driver->allow = grown;
  if (*word != '/')
    return driver->host->error (driver->host, "'%.*s' must be an absolute "
                                "path", (int) len, word);
  grown[driver->allow_count] = strndup (word, len);
  if (!grown[driver->allow_count])
    return driver->host->error (driver->host, "out of memory");
  driver->allow_count++;
  return 0;
}

static int
driver_config (void *inst, const char *key, const char *value)
{
  static const char blanks[] = " \t";
  struct driver *driver = inst;

  if (strcmp (key, "files") == 0) {
    driver->files = strchr ("yYtT1", *value)
                    || strcasecmp (value, "on") == 0;
    return 0;
  }
  for (value += strspn (value, blanks); *value;
       value += strspn (value, blanks)) {
    size_t len = strcspn (value, blanks);

    if (add_pattern (driver, value, len) == -1)
      return -1;
    value += len;
  }
  return 0;
}

static void
driver_close (void *inst)
{
  struct driver *driver = inst;

  world_free (driver->shared);
  for (size_t i = 0; i < driver->allow_count; i++)
    free (driver->allow[i]);
  free (driver->allow);
  pthread_mutex_destroy (&driver->lock);
  free (driver);
}

/* Connections. ------------------------------------------------------------- */

/* The path of a name, the caller's; NULL = no memory. */
static char *
path_of (const char *name)
{
  const char *path = name + strlen (SCHEME);

  path += strcspn (path, "/?#");
  return strndup (path, strcspn (path, "?#"));
}

static bool
is_allowed (const struct driver *driver, const char *path)
{
  for (size_t i = 0; i < driver->allow_count; i++)
    if (!strstr (path, "/../")
        && fnmatch (driver->allow[i], path, FNM_PATHNAME) == 0)
      return true;
  return false;
}

/* The world that everybody shares, with one more reference. */
static struct world *
shared_world (struct driver *driver, struct xml_error *err)
{
  LOCK_FOR_SCOPE (&driver->lock);
  if (driver->shared)
    driver->shared->refs++;
  else
    driver->shared = world_new (NULL, err);
  return driver->shared;
}

static void
drop_world (struct driver *driver, struct world *world)
{
  {
    LOCK_FOR_SCOPE (&driver->lock);
    if (--world->refs > 0)
      return;
    if (driver->shared == world)
      driver->shared = NULL;
  }
  world_free (world);
}

static struct world *
find_world (const struct ctx *c, const char *path)
{
  struct driver *driver = c->conn->driver;
  struct xml_error err = { 0 };
  struct world *world;

  if (strcmp (path, DEFAULT_PATH) == 0) {
    world = shared_world (driver, &err);
  } else if (is_allowed (driver, path)) {
    world = world_new (path, &err);
  } else {
    fail (c, VIRGATE_ERR_OPERATION_DENIED,
          "this server does not open %s: see allow-file in "
          "virgate-driver-test(7)", path);
    return NULL;
  }
  if (!world)
    fail_xml (c, &err);
  return world;
}

static void
conn_free (struct conn *conn)
{
  free (conn->name);
  free (conn);
}

static int
conn_open (void *inst, struct virgate_call *call, const char *name,
           int read_only, void **out)
{
  struct driver *driver = inst;
  CLEANUP_FREE char *path = NULL;
  struct conn *conn;
  struct ctx c = { .call = call, .host = driver->host->driver };

  if (strncmp (name, SCHEME, strlen (SCHEME)) != 0)
    return VIRGATE_DECLINED;
  path = path_of (name);
  conn = calloc (1, sizeof *conn);
  if (!path || !conn || !(conn->name = strdup (name))) {
    free (conn);
    return fail_memory (&c);
  }
  conn->driver = driver;
  conn->client = c.host->call_client (call);
  list_init (&conn->watches);
  c.conn = conn;
  if (!*path || strcmp (path, "/") == 0)
    fail (&c, VIRGATE_ERR_INVALID_ARG,
          "testOpen: supply a path or use test:///default");
  else
    conn->world = find_world (&c, path);
  if (!conn->world) {
    conn_free (conn);
    return -1;
  }
  {
    LOCK_FOR_SCOPE (&conn->world->lock);
    list_append (&conn->world->conns, &conn->link);
  }
  *out = conn;
  return 0;
}

static void
conn_close (void *opaque)
{
  struct conn *conn = opaque;

  {
    LOCK_FOR_SCOPE (&conn->world->lock);
    list_remove (&conn->link);
    event_drop (conn);
  }
  drop_world (conn->driver, conn->world);
  conn_free (conn);
}

static const struct virgate_driver_ops ops = {
  .open = conn_open,
  .close = conn_close,
  .handlers = test_handlers,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_DRIVER,
  .ops_size = sizeof ops,
  .name = "test",
  .version = PACKAGE_VERSION,
  .summary = "a hypervisor that exists in memory only",
  .options = options,
  .open = driver_open,
  .config = driver_config,
  .close = driver_close,
  .ops = &ops,
};
