/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication.  A module decides from the facts alone (decide), or by a
 * conversation that the protocol's SASL procedures carry (mechanisms, start,
 * step), so that an unmodified virsh can talk to it; or both.  The outcome is
 * an identity, or a refusal whose reason the log gets and the peer does not.
 */
#ifndef VIRGATE_AUTH_H
#define VIRGATE_AUTH_H

#include <virgate/module.h>

#ifdef __cplusplus
extern "C" {
#endif

enum virgate_auth_result {
  VIRGATE_AUTH_ERROR = -1,      /* could not decide, after host->error: no */
  VIRGATE_AUTH_NO = 0,          /* refused; say why through host->error: the
                                   log gets it, with who it was and from where,
                                   and the peer does not */
  VIRGATE_AUTH_YES = 1,         /* the identity is filled in */
  VIRGATE_AUTH_MORE = 2,        /* a conversation goes on */
  VIRGATE_AUTH_PASS = 3         /* the facts say nothing: ask others */
};

enum virgate_auth_flags {
  VIRGATE_AUTH_BLOCKS = 1,      /* hooks may block: run them on a worker */
  VIRGATE_AUTH_POLKIT = 2,      /* stock clients are told 'polkit', and decide
                                   runs when they ask for it.  A person may
                                   be asked: the listener's deadline does not
                                   run meanwhile, so decide must end by one of
                                   its own.  What host->error_code says then
                                   reaches the client; see exempt */
  VIRGATE_AUTH_OUTSIDE = 4,     /* decide runs a program or asks a service:
                                   --explain leaves it alone */
  VIRGATE_AUTH_LONG = 8         /* a client's messages may be as long as the
                                   wire allows, as tickets are; otherwise some
                                   thousand bytes must do */
};

/* Wire limit for the data of one SASL message. */
#define VIRGATE_AUTH_DATA_MAX 65536

/* One side's message.  data NULL is "no data", which is not empty data.
 * Results point into memory of the conversation, valid until its next hook.
 */
struct virgate_auth_data {
  const void *data;
  size_t len;
};

/* What a conversation may build on. */
struct virgate_auth_context {
  uint32_t size;
  uint32_t caps;                /* of the connection: transport.h */
  uint32_t key_bits;            /* strength of its encryption; 0: none */
  const struct virgate_peer *peer;
  const char *service;          /* "libvirt" */
  const char *hostname;         /* server's name; client: the URI's host */
};

struct virgate_auth_ops {
  uint32_t flags;               /* enum virgate_auth_flags */

  /* From the facts alone.  Never blocks unless VIRGATE_AUTH_BLOCKS.
   * Returns YES (identity filled), NO, PASS or ERROR.  NULL: PASS.
   */
  int (*decide) (void *inst, const struct virgate_peer *peer,
                 struct virgate_identity *identity);

  /* Server side of a conversation; NULL mechanisms: there is none.
   *
   * mechanisms  SASL names separated by commas that can be offered here (PLAIN
   *             only where caps allow it); "" for none; borrowed until the
   *             next call on this instance and thread.
   * start       The client chose mech and may have sent data.  *conv is set
   *             on MORE and YES.
   * step        The client's next message.
   * Both return MORE, YES (identity filled; out goes with the last reply), NO
   * or ERROR.  conv_free ends it in every case where *conv was set.
   */
  const char *(*mechanisms) (void *inst,
                             const struct virgate_auth_context *context);
  int (*start) (void *inst, const struct virgate_auth_context *context,
                const char *mech, const struct virgate_auth_data *in,
                struct virgate_auth_data *out, void **conv,
                struct virgate_identity *identity);
  int (*step) (void *conv, const struct virgate_auth_data *in,
               struct virgate_auth_data *out,
               struct virgate_identity *identity);
  void (*conv_free) (void *conv);

  /* Client side: choose from the server's list, answer its challenges with
   * credentials from host->credential.  client_start sets *mech (borrowed
   * from the conversation) and returns MORE, or YES when the client needs no
   * answer, or PASS when no mechanism fits (after host->error), or ERROR.
   * wanted: the mechanism that the user named, or NULL.
   */
  int (*client_start) (void *inst, const struct virgate_auth_context *context,
                       const char *mechanisms, const char *wanted,
                       const char **mech, struct virgate_auth_data *out,
                       void **conv);
  int (*client_step) (void *conv, const struct virgate_auth_data *in,
                      struct virgate_auth_data *out);

  /* A security layer that the conversation negotiated, either side.  layer
   * returns the largest plain text for one wrap, 0 when there is no layer.
   * wrap seals LEN plain bytes into one packet; unwrap opens as many whole
   * packets as IN holds, says how many bytes it consumed, and gives plain
   * text (possibly none yet).  Results are valid until the next call of the
   * same hook; they never lie in IN.  Both return 0 or -1 after host->error.
   */
  size_t (*layer) (void *conv);
  int (*wrap) (void *conv, const void *in, size_t len,
               struct virgate_auth_data *out);
  int (*unwrap) (void *conv, const void *in, size_t len, size_t *consumed,
                 struct virgate_auth_data *out);

  /* For VIRGATE_AUTH_POLKIT, before the client is told how to authenticate:
   * YES lets it in without (identity filled), NO and ERROR refuse it, PASS
   * has polkit offered.  As decide otherwise.  NULL: PASS.
   */
  int (*exempt) (void *inst, const struct virgate_peer *peer,
                 struct virgate_identity *identity);

  /* Instead of a conversation, for a module that wants a name and a secret
   * (a password, a token) and nothing else: the host offers SASL's PLAIN,
   * only where nobody can listen (LOCAL or ENCRYPTED), and calls this with
   * what the client said.  Not called when there is a start.
   *
   * user    printable UTF-8, 1 to 255 bytes
   * secret  0 to 1024 bytes; wiped by the host afterwards
   *
   * Returns YES, NO (say why through host->error) or ERROR.  On YES the
   * identity already has user as its name, vouched for by the exchange; add
   * groups, or a better name.  Loop thread, or a worker with
   * VIRGATE_AUTH_BLOCKS.
   */
  int (*password) (void *inst, const struct virgate_auth_context *context,
                   const char *user, const char *secret,
                   struct virgate_identity *identity);

  /* The strength of that layer's encryption in bits; 0 where it protects
   * from changes only.  From 56 on the connection counts as encrypted.
   * NULL: 0.
   */
  uint32_t (*layer_bits) (void *conv);

  /* Does this section want passwords?  Asked once its keys are known.  NULL:
   * it does when there is the hook.
   */
  int (*wants_password) (void *inst);
};

#ifdef __cplusplus
}
#endif

#endif /* VIRGATE_AUTH_H */
