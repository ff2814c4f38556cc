/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Options of the daemon's sections and the default configuration; see
 * settings.h.  virgated.conf(5) is checked against these tables.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/limits.h"
#include "daemon/settings.h"

#define UINT(key, min, max, unit, def, help)                            \
  { key, VIRGATE_OPTION_UINT, 0, min, max, unit, def, help }
#define SIZE(key, min, max, def, help)                                  \
  { key, VIRGATE_OPTION_SIZE, 0, min, max, "bytes", def, help }
#define STRING(key, def, help)                                          \
  { key, VIRGATE_OPTION_STRING, 0, 0, 0, NULL, def, help }
#define PATH(key, help)                                                 \
  { key, VIRGATE_OPTION_PATH, 0, 0, 0, NULL, NULL, help }
#define LIST(key, def, help)                                            \
  { key, VIRGATE_OPTION_LIST, 0, 0, 0, NULL, def, help }
#define BOOL(key, def, help)                                            \
  { key, VIRGATE_OPTION_BOOL, 0, 0, 0, NULL, def, help }
#define END { NULL, 0, 0, 0, 0, NULL, NULL, NULL }

const struct virgate_option daemon_options[] = {
  UINT ("loops", 0, 64, "threads", "0",
        "event loops; 0: one for each processor but one"),
  UINT ("workers", 1, 1024, "threads", "20",
        "threads for calls that may block"),
  UINT ("priority-workers", 1, 1024, "threads", "5",
        "further threads, for calls that never wait for a hypervisor"),
  UINT ("gateway-workers", 1, 1024, "threads", "20",
        "threads that connect clients to daemons behind gateways"),
  UINT ("auth-workers", 1, 1024, "threads", "32",
        "threads for authentication that may block: so many for local "
        "clients, and so many for remote ones"),
  UINT ("client-workers", 1, 1024, "calls", "5",
        "calls of one client that run on workers at a time"),
  UINT ("max-clients", 1, 1000000, "connections", "10000",
        "connections at a time"),
  UINT ("max-unopened", 1, 1000000, "connections", "5000",
        "of these, not yet authenticated and opened"),
  UINT ("local-reserve", 0, 1000000, "connections", "50",
        "the last of max-clients, kept for local sockets"),
  UINT ("source-clients", 0, 1000000, "connections", "8000",
        "of max-clients, for one address or local user; 0: no share"),
  UINT ("source-unopened", 0, 1000000, "connections", "2500",
        "of max-unopened, for one address or local user; 0: no share"),
  UINT ("source-handshakes", 0, 1000000, "connections", "1000",
        "handshakes under way with one address; 0: no share"),
  UINT ("source-ipv6-prefix", 1, 128, "bits", "64",
        "IPv6 addresses that have so many bits in common count as one"),
  UINT ("max-client-requests", 1, 100000, "calls", "64",
        "calls of one client in flight; more are not read"),
  SIZE ("max-client-bytes", 65536, 0x40000000, "64M",
        "arguments of one client's calls in flight"),
  SIZE ("max-message", 65536, 33554436, "8M",
        "longest message of a client; a longer one is refused, not kept"),
  SIZE ("max-unread", 65536, 0x40000000, "8M",
        "replies and events that one client leaves unread before it is "
        "closed"),
  UINT ("handshake-timeout", 1, 3600, "seconds", "10",
        "time for a transport's handshake"),
  UINT ("auth-timeout", 1, 3600, "seconds", "10",
        "time to authenticate"),
  SIZE ("auth-memory", 0, 0x40000000, "5M",
        "for messages of clients that have not authenticated, where they are "
        "longer than 24k; one address has an eighth"),
  UINT ("auth-attempts", 1, 1000, "attempts", "3",
        "attempts to authenticate before the connection is closed"),
  UINT ("auth-delay", 0, 60000, "milliseconds", "250",
        "time before a failed attempt to authenticate is answered; twice as "
        "long with each further one"),
  UINT ("auth-delay-max", 0, 60000, "milliseconds", "2000",
        "longest such time"),
  UINT ("ban-failures", 0, 1000000, "attempts", "20",
        "failed attempts after which an address is banned; 0: never"),
  UINT ("ban-window", 1, 86400, "seconds", "600",
        "time without a failed attempt after which they are forgotten"),
  UINT ("ban-time", 1, 86400, "seconds", "60",
        "length of a first ban; twice as long with each further one"),
  UINT ("ban-time-max", 1, 604800, "seconds", "3600",
        "longest ban"),
  UINT ("open-timeout", 1, 3600, "seconds", "10",
        "time from there to an open connection"),
  UINT ("frame-timeout", 1, 3600, "seconds", "30",
        "time without progress in the middle of a message"),
  UINT ("write-timeout", 1, 3600, "seconds", "60",
        "time without progress in reading what is sent"),
  UINT ("leave-timeout", 1, 3600, "seconds", "60",
        "time to open streams for a client that left, behind a gateway"),
  UINT ("keepalive-interval", 0, 3600, "seconds", "5",
        "silence before a client that supports it is pinged; 0: never"),
  UINT ("keepalive-count", 0, 1000, "pings", "5",
        "pings left unanswered before a client is closed"),
  STRING ("hostname", NULL,
          "name of this host for authentication; default: its own"),
  STRING ("log-level", "notice",
          "error, warning, notice, info or debug"),
  STRING ("audit", "none",
          "the audit trail: none, journal, or the path of a file"),
  UINT ("audit-queue", 16, 1000000, "lines", "4096",
        "lines that wait to be written; what comes beyond is counted only"),
  PATH ("metrics-file",
        "where metrics are written, in Prometheus' format; default: nowhere"),
  UINT ("metrics-interval", 1, 3600, "seconds", "15",
        "time between two writings of metrics-file"),
  END
};

const struct virgate_option listen_options[] = {
  STRING ("transport", NULL, "transport module; default: the section's name"),
  LIST ("auth", "none",
        "alternatives, each an auth section or several joined with '+'; or "
        "none"),
  LIST ("acl", NULL, "access control lists: none may say no, one must say yes"),
  UINT ("max-clients", 0, 1000000, "connections", "0",
        "connections at a time; 0: as many as [daemon] allows"),
  UINT ("max-unopened", 0, 1000000, "connections", "0",
        "of these, not yet authenticated and opened; 0: likewise"),
  BOOL ("read-only", "no", "serve no call that changes something"),
  STRING ("service", "hypervisor",
          "hypervisor, or admin: what virt-admin speaks"),
  BOOL ("allow-anonymous", "no",
        "serve others than this user without authentication"),
  END
};

const struct virgate_option auth_options[] = {
  STRING ("module", NULL, "auth module; default: the section's name"),
  END
};

const struct virgate_option acl_options[] = {
  STRING ("module", NULL, "acl module; default: the section's name"),
  END
};

const struct virgate_option driver_options[] = {
  STRING ("module", NULL, "driver module; default: the section's name"),
  LIST ("uri", NULL,
        "patterns of the names that this driver is asked for; default: all"),
  LIST ("hosts", NULL,
        "patterns of what a name's parameter host= must be"),
  LIST ("listeners", NULL,
        "patterns of the listeners whose clients this driver serves"),
  LIST ("users", NULL, "patterns of the identities that it serves"),
  LIST ("groups", NULL, "patterns of the groups that it serves"),
  STRING ("unknown-procedures", "refuse",
          "refuse or allow what the protocol's tables do not know; gateways "
          "only"),
  LIST ("migrate-to", NULL,
        "patterns of URIs that guests may be migrated to; gateways only"),
  END
};

const struct config_kind config_kinds[] = {
  { "daemon", false, false, daemon_options },
  { "listen", true, true, listen_options },
  { "auth", true, true, auth_options },
  { "acl", true, true, acl_options },
  { "driver", true, true, driver_options },
  { NULL, false, false, NULL }
};

uint64_t
daemon_number (const struct config *config, const char *key)
{
  return config_number (config_find (config, "daemon", NULL), daemon_options,
                        key);
}

const char *
daemon_value (const struct config *config, const char *key)
{
  return config_value (config_find (config, "daemon", NULL), daemon_options,
                       key);
}

static int64_t
seconds (const struct config *config, const char *key)
{
  return daemon_number (config, key) * NS_PER_S;
}

void
limits_from_config (struct limits *limits, const struct config *config)
{
  *limits = (struct limits) {
    .max_clients = daemon_number (config, "max-clients"),
    .max_strangers = daemon_number (config, "max-unopened"),
    .local_reserve = daemon_number (config, "local-reserve"),
    .max_requests = daemon_number (config, "max-client-requests"),
    .max_request_bytes = daemon_number (config, "max-client-bytes"),
    .max_message = daemon_number (config, "max-message"),
    .max_unread = daemon_number (config, "max-unread"),
    .auth_attempts = daemon_number (config, "auth-attempts"),
    .auth_delay_ns = daemon_number (config, "auth-delay") * NS_PER_MS,
    .auth_delay_max_ns =
      daemon_number (config, "auth-delay-max") * NS_PER_MS,
    .source_clients = daemon_number (config, "source-clients"),
    .source_strangers = daemon_number (config, "source-unopened"),
    .source_shaking = daemon_number (config, "source-handshakes"),
    .auth_memory = daemon_number (config, "auth-memory"),
    .ipv6_prefix = daemon_number (config, "source-ipv6-prefix"),
    .ban_failures = daemon_number (config, "ban-failures"),
    .ban_window_ns = seconds (config, "ban-window"),
    .ban_ns = seconds (config, "ban-time"),
    .ban_max_ns = seconds (config, "ban-time-max"),
    .handshake_ns = seconds (config, "handshake-timeout"),
    .auth_ns = seconds (config, "auth-timeout"),
    .open_ns = seconds (config, "open-timeout"),
    .frame_ns = seconds (config, "frame-timeout"),
    .write_ns = seconds (config, "write-timeout"),
    .leave_ns = seconds (config, "leave-timeout"),
    .keepalive_ns = seconds (config, "keepalive-interval"),
    .keepalive_count = daemon_number (config, "keepalive-count"),
  };
}

/* Where sockets are by default; 0, or -1 when it cannot be known. */
static int
runtime_path (char *path, size_t size, const char *name)
{
  const char *dir = getenv ("XDG_RUNTIME_DIR");
  int len;

  if (geteuid () == 0)
    dir = RUNSTATEDIR;
  if (dir == NULL || *dir != '/')
    return -1;
  len = snprintf (path, size, "%s/virgate/%s", dir, name);
  return len > 0 && (size_t) len < size ? 0 : -1;
}

/* Add text to the config as if a file had it. */
static int
add_text (struct config *config, struct virgate_error *err, const char *fmt,
          ...) VIRGATE_PRINTF (3, 4);

static int
add_text (struct config *config, struct virgate_error *err, const char *fmt,
          ...)
{
  char text[1024];
  va_list args;
  int len;

  va_start (args, fmt);
  len = vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  if (len < 0 || (size_t) len >= sizeof text)
    return error_set (err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_CONF,
                      "%s", "default configuration too long");
  return config_parse (config, text, len, "(default)", config_kinds, err);
}

/* Does --set say something about this section ("listen.local."), or about
 * any of a kind ("listen.")?
 */
static bool
is_set (const struct options *options, const char *prefix)
{
  for (unsigned i = 0; i < options->set_count; i++)
    if (strncmp (options->sets[i], prefix, strlen (prefix)) == 0)
      return true;
  return false;
}

/* The default listeners, where the file has none.  When --set names
 * listeners, then only those that it names.
 */
static int
add_listeners (struct config *config, const struct options *options,
               struct virgate_error *err)
{
  bool all = !is_set (options, "listen.");
  char path[256];

  if (config_each (config, "listen", NULL))
    return 0;
  if (runtime_path (path, sizeof path, "virgate-sock") == -1)
    return !all ? 0
      : error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                    "no listener is configured, and without XDG_RUNTIME_DIR "
                    "there is no place for the default sockets");
  if ((all || is_set (options, "listen.local."))
      && add_text (config, err, "[listen local]\ntransport = unix\n"
                   "path = %s\nmode = 0600\n", path) == -1)
    return -1;
  if (!all && !is_set (options, "listen.local-ro."))
    return 0;
  return add_text (config, err, "[listen local-ro]\ntransport = unix\n"
                   "path = %s-ro\nmode = 0600\nread-only = yes\n", path);
}

static bool
has_module (struct modules *modules, const char *name)
{
  struct virgate_error ignored = { 0 };
  bool has = modules_load (modules, VIRGATE_KIND_DRIVER, name, &ignored);

  error_clear (&ignored);
  return has;
}

/* driver-test, and everything else to the local libvirt if it is there. */
static int
add_drivers (struct config *config, struct modules *modules,
             struct virgate_error *err)
{
  if (has_module (modules, "test")
      && add_text (config, err, "[driver test]\n") == -1)
    return -1;
  if (has_module (modules, "upstream")
      && access ("/run/libvirt/libvirt-sock", F_OK) == 0)
    return add_text (config, err, "[driver upstream]\n");
  return 0;
}

static int
read_file (struct config *config, const struct options *options,
           struct virgate_error *err)
{
  const char *file = options->config_file ? options->config_file
                                          : SYSCONFDIR "/virgate/virgated.conf";
  int ret = config_read (config, file, config_kinds, err);

  if (ret == 1 && options->config_file)
    return error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                       "%s: there is no such file", file);
  return ret == 1 ? 0 : ret;
}

/* What the option table cannot say. */
static int
check_daemon (const struct config *config, struct virgate_error *err)
{
  const struct config_section *section =
    config_find (config, "daemon", NULL);

  const char *audit = daemon_value (config, "audit");

  if (log_level_from_name (daemon_value (config, "log-level")) == -1)
    return config_error (err, section, config_key (section, "log-level"),
                         "none of error, warning, notice, info and debug");
  if (*audit != '/' && strcmp (audit, "none") != 0
      && strcmp (audit, "journal") != 0)
    return config_error (err, section, config_key (section, "audit"),
                         "none of none, journal and an absolute path");
  return 0;
}

int
settings_read (struct config *config, const struct options *options,
               struct modules *modules, struct virgate_error *err)
{
  if (read_file (config, options, err) == -1
      || add_listeners (config, options, err) == -1)
    return -1;
  for (unsigned i = 0; i < options->set_count; i++)
    if (config_set (config, options->sets[i], config_kinds, err) == -1)
      return -1;
  if (config_find (config, "daemon", NULL) == NULL
      && add_text (config, err, "[daemon]\n") == -1)
    return -1;
  if (check_daemon (config, err) == -1)
    return -1;
  if (config_each (config, "driver", NULL) == NULL)
    return add_drivers (config, modules, err);
  return 0;
}

/* Which kind of module a kind of section is about, and who names it. */
struct section_module {
  const char *section;
  uint32_t kind;
  const struct virgate_option *options;
  const char *key;
};

static const struct section_module section_modules[] = {
  { "listen", VIRGATE_KIND_TRANSPORT, listen_options, "transport" },
  { "auth", VIRGATE_KIND_AUTH, auth_options, "module" },
  { "acl", VIRGATE_KIND_ACL, acl_options, "module" },
  { "driver", VIRGATE_KIND_DRIVER, driver_options, "module" },
};

const struct virgate_option *
section_module_options (struct modules *modules,
                        const struct config_section *section)
{
  for (size_t i = 0; i < COUNT_OF (section_modules); i++) {
    const struct section_module *about = &section_modules[i];
    CLEANUP_ERROR struct virgate_error ignored = { 0 };
    const struct module *module;
    const char *name;

    if (strcmp (about->section, section->kind) != 0)
      continue;
    name = config_value (section, about->options, about->key);
    module = modules_load (modules, about->kind, name ? name : section->name,
                           &ignored);
    return module ? module->desc.options : NULL;
  }
  return NULL;
}
