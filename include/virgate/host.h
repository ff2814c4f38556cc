/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The services that a module gets from whoever loaded it: virgated, or a
 * program that uses libvirgate.  They arrive as a table, never by symbol, so
 * the same module file works in both.  A slot that is NULL is a service that
 * this host does not offer.  A slot beyond host->size does not exist: modules
 * ask VIRGATE_HOST_HAS before they use one that is newer than they need.
 */
#ifndef VIRGATE_HOST_H
#define VIRGATE_HOST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <virgate/error.h>
#include <virgate/peer.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VIRGATE_PRINTF(fmt, args) __attribute__ ((format (printf, fmt, args)))
#else
#define VIRGATE_PRINTF(fmt, args)
#endif

struct virgate_host;
struct virgate_transport;       /* a transport instance; see transport.h */
struct virgate_driver_services; /* see driver.h */

/* syslog's numbers, so that journal priorities need no table. */
enum virgate_log_level {
  VIRGATE_LOG_ERROR = 3,
  VIRGATE_LOG_WARNING = 4,
  VIRGATE_LOG_NOTICE = 5,
  VIRGATE_LOG_INFO = 6,
  VIRGATE_LOG_DEBUG = 7
};

enum virgate_host_role {
  VIRGATE_ROLE_SERVER = 1,
  VIRGATE_ROLE_CLIENT = 2
};

/* What a conversation may ask of the person or program behind a client. */
enum virgate_credential {
  VIRGATE_CRED_USERNAME = 1,
  VIRGATE_CRED_AUTHNAME = 2,
  VIRGATE_CRED_PASSWORD = 3,    /* never echoed */
  VIRGATE_CRED_REALM = 4,
  VIRGATE_CRED_PASSPHRASE = 5,  /* of a key file; never echoed */
  VIRGATE_CRED_ECHO_PROMPT = 6,
  VIRGATE_CRED_NOECHO_PROMPT = 7,
  VIRGATE_CRED_CONFIRM = 8      /* yes or no: unknown host key */
};

/* What rules may speak of; see `configured`. */
enum virgate_configured {
  VIRGATE_CONFIGURED_LISTENER = 1,
  VIRGATE_CONFIGURED_TRANSPORT = 2,
  VIRGATE_CONFIGURED_METHOD = 3 /* of authentication */
};

struct virgate_host {
  uint32_t size;                /* of this table in this host */
  uint32_t role;                /* enum virgate_host_role */
  const char *section;          /* "listen public": for messages */
  const char *program;          /* "virgated", or "libvirgate" */

  /* Write one line to the log; no newline, never a secret.  Any thread. */
  void (*log) (const struct virgate_host *host, int level,
               const char *fmt, ...) VIRGATE_PRINTF (3, 4);

  /* Say why the hook that is running is about to return -1: what was tried,
   * on what, and what to do.  The host adds file, line and key.  In a client
   * it becomes the caller's error.  Always returns -1.  Any thread.
   */
  int (*error) (const struct virgate_host *host, const char *fmt, ...)
    VIRGATE_PRINTF (2, 3);

  /* As error, with libvirt's code and domain for the client's caller. */
  int (*error_code) (const struct virgate_host *host, int32_t code,
                     int32_t domain, const char *fmt, ...)
    VIRGATE_PRINTF (4, 5);

  /* Facts.  Strings are copied.  Return 0, or -1 when memory or the ceiling
   * of 16 KiB for one peer is exhausted.
   */
  int (*peer_string) (struct virgate_peer *peer, const char *key,
                      uint32_t vouch, const char *value);
  int (*peer_number) (struct virgate_peer *peer, const char *key,
                      uint32_t vouch, uint64_t value);
  /* sockaddr: AF_INET, AF_INET6; another family is ignored. */
  int (*peer_address) (struct virgate_peer *peer, const char *key,
                       uint32_t vouch, const void *sockaddr, size_t len);

  /* The n-th fact (from 0) with this key; a NULL key counts all facts.
   * Returns 1 and fills *fact (borrowed, valid while the peer is), or 0.
   */
  int (*peer_get) (const struct virgate_peer *peer, const char *key,
                   uint32_t n, struct virgate_fact *fact);

  /* The identity under construction: one name, any number of groups.  method
   * is the auth section's name.  Return 0, or -1 when memory is exhausted.
   */
  int (*identity_name) (struct virgate_identity *identity, const char *name,
                        uint32_t vouch);
  int (*identity_group) (struct virgate_identity *identity, const char *group,
                         uint32_t vouch);

  /* Reading it: NULL when nobody authenticated, or past the last one. */
  const char *(*identity_get_name) (const struct virgate_identity *identity);
  const char *(*identity_get_method) (const struct virgate_identity *identity,
                                      uint32_t n);
  const char *(*identity_get_group) (const struct virgate_identity *identity,
                                     uint32_t n);

  /* Ask the credential callback of a client program.  prompt is shown as is.
   * Returns 0 and a string that the caller wipes and frees with
   * secret_free, 1 when there is no callback or it declined, -1 on error.
   */
  int (*credential) (const struct virgate_host *host, uint32_t kind,
                     const char *prompt, const char *challenge, char **secret);
  void (*secret_free) (char *secret);

  /* The transport below this one, by name: opened, configured with the keys
   * that this module does not know itself, closed by the host.  Returns NULL
   * after reporting why.  For transports that wrap another, and for drivers,
   * who get a client's transport, named as in a URI.
   */
  const struct virgate_transport *(*lower) (const struct virgate_host *host,
                                            const char *name);

  /* Call the module's reload when this file changes.  path: absolute, in a
   * folder below the root.  Returns 0, or -1 and has reported nothing.  Main
   * thread.
   */
  int (*watch_file) (const struct virgate_host *host, const char *path);

  /* Call fn once, on the main thread, after delay_ms.  Returns an id for
   * timer_cancel, or 0.  Any thread.  Cancelling one that has run, or 0, does
   * nothing; the main thread may be in fn while another thread cancels it.
   */
  uint64_t (*timer) (const struct virgate_host *host, uint64_t delay_ms,
                     void (*fn) (void *opaque), void *opaque);
  void (*timer_cancel) (const struct virgate_host *host, uint64_t id);

  /* For drivers only; NULL in hosts that serve no calls. */
  const struct virgate_driver_services *driver;

  /* Where the key stands that `config` is being called with, so that a rule
   * can be quoted later.  Copy *file: it is valid during the hook only.
   * Returns 0; or -1 outside of config, or when no file has the key.
   */
  int (*config_place) (const struct virgate_host *host, const char **file,
                       uint32_t *line);

  /* The n-th entry (from 0) of one kind in an identity, with who vouches for
   * it.  The last name is the one that counts.  Returns 1 and fills *entry
   * (borrowed, valid while the identity is), or 0.
   */
  int (*identity_get) (const struct virgate_identity *identity, uint32_t kind,
                       uint32_t n, struct virgate_identity_entry *entry);

  /* A descriptor that polls readable once the host is about to end, or -1:
   * hooks that wait for long watch it and give up then.  Borrowed, never read
   * from.  Any thread.
   */
  int (*stop_fd) (const struct virgate_host *host);

  /* As lower, with values for keys that the section may leave out: key and
   * value in turn, then NULL; borrowed during the call.
   */
  const struct virgate_transport *
    (*lower_with) (const struct virgate_host *host, const char *name,
                   const char *const *defaults);

  /* A number for the host's metrics: how it is now.  The same name again
   * replaces it; it goes with the instance.  At most 32 for each.  NULL in
   * hosts that have no metrics.  Any thread.
   *
   * name  small letters, digits and '_', with a unit at the end where there
   *       is one: "upstream_connections"
   * help  a sentence
   */
  void (*gauge) (const struct virgate_host *host, const char *name,
                 const char *help, double value);

  /* The number of the connection that the facts are of; no two connections of
   * a program ever have the same.  0: of none.  For caches: a connection's
   * facts and identity stay as they are once it is let in.
   */
  uint64_t (*peer_serial) (const struct virgate_peer *peer);

  /* The n-th name (from 0) of one kind in the host's configuration; the same
   * may come twice.  Copied to name, which ends in NUL, cut at size bytes.
   * Returns 1, or 0 past the last one.  NULL in hosts that listen nowhere.
   * Main thread.
   *
   * what  enum virgate_configured
   */
  int (*configured) (const struct virgate_host *host, uint32_t what,
                     uint32_t n, char *name, size_t size);
};

#define VIRGATE_HOST_HAS(host, slot)                                    \
  ((host)->size >= offsetof (struct virgate_host, slot)                 \
                     + sizeof ((host)->slot)                            \
   && (host)->slot != NULL)

#ifdef __cplusplus
}
#endif

#endif /* VIRGATE_HOST_H */
