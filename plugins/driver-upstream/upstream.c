/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * driver-upstream: the module and its options; see upstream.h.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "upstream.h"

#define DEFAULT_URI "remote+unix:///?socket=/run/libvirt/libvirt-sock"
#define DEFAULT_CONNECT_SECONDS 8

static const struct virgate_option options[] = {
  { "upstream", VIRGATE_OPTION_STRING, .def = DEFAULT_URI,
    .help = "URI of the libvirt daemon behind; remote+TRANSPORT:// asks it "
            "for what the client asks for" },
  { "auth-file", VIRGATE_OPTION_PATH,
    .help = "file with names and passwords for it, like libvirt's auth.conf; "
            "nobody else may read it" },
  { "identity", VIRGATE_OPTION_STRING, .def = "yes",
    .help = "tell it who the client is: yes, no or required" },
  { "connect-timeout", VIRGATE_OPTION_UINT, .min = 1, .max = 3600,
    .unit = "seconds", .def = "8", .help = "time for a connection to it" },
  { "max-connections", VIRGATE_OPTION_UINT, .max = 1000000,
    .unit = "connections", .def = "0",
    .help = "connections to it at a time; 0: any number" },
  { "allow-names", VIRGATE_OPTION_LIST,
    .help = "patterns of names to ask it for besides hypervisors, such as "
            "files of its test driver" },
  { NULL }
};

static int
upstream_open (const struct virgate_host *host, void **inst)
{
  struct upstream *upstream = calloc (1, sizeof *upstream);

  if (upstream == NULL)
    return host->error (host, "out of memory");
  if (!VIRGATE_HOST_HAS (host, driver)) {
    free (upstream);
    return host->error (host, "%s serves no calls", host->program);
  }
  upstream->host = host;
  upstream->driver = host->driver;
  upstream->link_flags = VIRGATE_LINK_IDENTITY;
  upstream->connect_ns = DEFAULT_CONNECT_SECONDS * NS_PER_S;
  health_init (&upstream->health);
  *inst = upstream;
  return 0;
}

static void
upstream_close (void *inst)
{
  struct upstream *upstream = inst;

  for (char **name = upstream->allow_names; name && *name; name++)
    free (*name);
  free (upstream->allow_names);
  free (upstream->uri);
  free (upstream->auth_file);
  health_free (&upstream->health);
  free (upstream);
}

/* Keys --------------------------------------------------------------------- */

static int
set_string (struct upstream *upstream, char **where, const char *value)
{
  free (*where);
  *where = strdup (value);
  return *where ? 0 : upstream->host->error (upstream->host, "out of memory");
}

static int
set_uri (struct upstream *upstream, const char *value)
{
  return set_string (upstream, &upstream->uri, value);
}

/* It is read for each connection; that it cannot be is better known now. */
static int
set_auth_file (struct upstream *upstream, const char *value)
{
  const struct virgate_host *host = upstream->host;
  struct stat st;

  if (stat (value, &st) == -1)
    return host->error (host, "%s: %s", value, strerror (errno));
  if (!S_ISREG (st.st_mode) || (st.st_mode & 0077))
    return host->error (host, "%s is not a file that nobody else may read: "
                        "chmod 0600", value);
  return set_string (upstream, &upstream->auth_file, value);
}

static int
set_identity (struct upstream *upstream, const char *value)
{
  static const struct {
    const char *word;
    uint32_t flags;
  } words[] = {
    { "no", 0 },
    { "yes", VIRGATE_LINK_IDENTITY },
    { "required", VIRGATE_LINK_IDENTITY | VIRGATE_LINK_IDENTITY_REQUIRED },
  };

  for (size_t i = 0; i < COUNT_OF (words); i++)
    if (strcmp (words[i].word, value) == 0) {
      upstream->link_flags = words[i].flags;
      return 0;
    }
  return upstream->host->error (upstream->host, "'%s' is none of yes, no and "
                                "required", value);
}

static int
set_connect_timeout (struct upstream *upstream, const char *value)
{
  upstream->connect_ns = strtol (value, NULL, 10) * NS_PER_S;
  return 0;
}

static int
set_max_connections (struct upstream *upstream, const char *value)
{
  upstream->max_connections = strtoul (value, NULL, 10);
  return 0;
}

static int
add_name (struct upstream *upstream, const char *word, size_t len)
{
  size_t count = 0;
  char **grown;

  while (upstream->allow_names && upstream->allow_names[count])
    count++;
  grown = realloc (upstream->allow_names, (count + 2) * sizeof *grown);
  if (grown == NULL)
    return -1;
  upstream->allow_names = grown;
  grown[count] = strndup (word, len);
  grown[count + 1] = NULL;
  return grown[count] ? 0 : -1;
}

static int
add_names (struct upstream *upstream, const char *value)
{
  static const char blanks[] = " \t,";

  for (value += strspn (value, blanks); *value;
       value += strspn (value, blanks)) {
    size_t len = strcspn (value, blanks);

    if (add_name (upstream, value, len) == -1)
      return upstream->host->error (upstream->host, "out of memory");
    value += len;
  }
  return 0;
}

static int
upstream_config (void *inst, const char *key, const char *value)
{
  static const struct {
    const char *key;
    int (*set) (struct upstream *upstream, const char *value);
  } keys[] = {
    { "upstream", set_uri },
    { "auth-file", set_auth_file },
    { "identity", set_identity },
    { "connect-timeout", set_connect_timeout },
    { "max-connections", set_max_connections },
    { "allow-names", add_names },
  };

  for (size_t i = 0; i < COUNT_OF (keys); i++)
    if (strcmp (keys[i].key, key) == 0)
      return keys[i].set (inst, value);
  return -1;
}

/* The transport ------------------------------------------------------------ */

/* "qemu+tls://host/system": the word after '+'; without it libvirt takes tls
 * to a host, and the local socket otherwise.
 */
static char *
transport_name (const char *uri)
{
  size_t scheme = strcspn (uri, ":");
  const char *plus = memchr (uri, '+', scheme);
  const char *after = uri + scheme;

  if (plus)
    return strndup (plus + 1, scheme - (plus + 1 - uri));
  after += strspn (after, ":");
  after += strncmp (after, "//", 2) == 0 ? 2 : 0;
  return strdup (*after && !strchr ("/?#", *after) ? "tls" : "unix");
}

static bool
names_no_driver (const char *uri)
{
  return strncmp (uri, "remote+", 7) == 0 || strncmp (uri, "remote:", 7) == 0;
}

static int
check_uri (const struct upstream *upstream)
{
  const struct virgate_host *host = upstream->host;
  struct virgate_link_failure failure = { .size = sizeof failure };
  const struct virgate_link_options where = {
    .size = sizeof where, .uri = upstream->uri,
    .transport = upstream->transport, .failure = &failure,
  };

  if (upstream->driver->size < sizeof *upstream->driver
      || upstream->driver->link_check (&where) == 0)
    return 0;
  return host->error (host, "upstream: %s", failure.text);
}

static int
upstream_ready (void *inst)
{
  struct upstream *upstream = inst;
  const struct virgate_host *host = upstream->host;
  CLEANUP_FREE char *name = NULL;

  if (upstream->uri == NULL && set_uri (upstream, DEFAULT_URI) == -1)
    return -1;
  if (strchr (upstream->uri, ':') == NULL)
    return host->error (host, "upstream: '%s' is no URI", upstream->uri);
  name = transport_name (upstream->uri);
  if (name == NULL)
    return host->error (host, "out of memory");
  upstream->is_remote = names_no_driver (upstream->uri);
  upstream->transport = host->lower (host, name);
  return upstream->transport ? check_uri (upstream) : -1;
}

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_DRIVER,
  .ops_size = sizeof upstream_ops,
  .name = "upstream",
  .version = PACKAGE_VERSION,
  .summary = "a stock libvirt daemon behind this one",
  .options = options,
  .open = upstream_open,
  .config = upstream_config,
  .ready = upstream_ready,
  .close = upstream_close,
  .ops = &upstream_ops,
};
