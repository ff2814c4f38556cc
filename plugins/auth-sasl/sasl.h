/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-sasl's own map: one section's settings, one conversation, and what
 * each file offers the others.
 */
#ifndef VIRGATE_AUTH_SASL_H
#define VIRGATE_AUTH_SASL_H

#include <stdatomic.h>
#include <stdbool.h>

#include <sasl/sasl.h>

#include <virgate/auth.h>
#include <virgate/transport.h>

/* Words, patterns or options of one section. */
#define WORDS_MAX 4096

/* What one packet of a security layer may take, sealed, as stock peers agree
 * on: bytes.
 */
#define PACKET_MAX 65536

/* Where others can listen, that much protection is wanted at least: bits.
 * Stock peers know no less.
 */
#define BITS_MIN 56

/* Cyrus wants all callbacks as one type. */
#define CALLBACK(fn) ((int (*) (void)) (void (*) (void)) (fn))

/* words.c: lists ------------------------------------------------------------*/

struct words {
  char **word;
  size_t count;
};

/* Add a copy of LEN bytes; 0, or -1 without memory or above WORDS_MAX. */
int words_add (struct words *words, const char *word, size_t len);
/* Add what is between the SEPARATORS, or all of it as one for "". */
int words_split (struct words *words, const char *text,
                 const char *separators);
/* Is it one of them?  Mechanisms are compared without case. */
bool words_have (const struct words *words, const char *word);
/* Write them for people, "nothing" when there are none. */
void words_show (const struct words *words, char *text, size_t size);
/* One string with SEPARATOR between them; NULL without memory. */
char *words_join (const struct words *words, char separator);
void words_free (struct words *words);

/* sasl.c: one section -------------------------------------------------------*/

struct sasl {
  const struct virgate_host *host;
  char *service, *hostname, *realm, *app_name, *database, *keytab;
  uint32_t bits_min;
  struct words mechanisms;      /* as configured; none: a choice of ours */
  struct words users, groups, options;
  char *mech_list;              /* what Cyrus may offer, best first */
  char *offered[2];             /* with commas; [1]: where nobody listens */
  atomic_bool is_warned;
};

/* The value of the option that Cyrus asks for; NULL: its own. */
const char *sasl_option (const struct sasl *s, const char *name);

/* process.c: what Cyrus has once in a process -------------------------------*/

struct conv;

/* Start a half, once.  A daemon that is a gateway needs both.  0, or -1 after
 * host->error.
 */
int process_begin_server (const struct sasl *s);
int process_begin_client (const struct sasl *s);
/* Mechanisms that there are plugins for. */
int process_plugins (struct words *words);
/* Is there a keytab that can be read? */
bool process_has_keytab (const struct sasl *s);
/* Around all that a conversation does by this mechanism. */
void process_enter (const struct conv *conv, const char *mech);
void process_leave (const struct conv *conv, const char *mech);

/* conv.c: one conversation, either side -------------------------------------*/

struct conv {
  const struct sasl *s;
  sasl_conn_t *conn;
  sasl_callback_t callbacks[8];
  char mech[SASL_MECHNAMEMAX + 1];
  bool is_secure;               /* nobody can listen */
  bool is_client;
  bool is_done;
  char *decoy;                  /* why it cannot succeed; NULL: it can */
  uint32_t bits;                /* of the layer, once done */
  uint64_t order;               /* of the packet that comes next */
  bool is_ordered;              /* order is known */
  struct virgate_auth_data last; /* what the client sent at its end */

  /* The client's. */
  const char *peer;             /* its name for the server */
  char *authname;
  sasl_secret_t *password;
  int asked;                    /* host->credential's last answer, or 0 */
};

/* Can nobody listen? */
bool context_is_secure (const struct virgate_auth_context *context);

struct conv *conv_new (const struct sasl *s,
                       const struct virgate_auth_context *context);
/* "ADDRESS;PORT" of a fact for Cyrus; NULL when there is none. */
const char *conv_address (const struct sasl *s,
                          const struct virgate_auth_context *context,
                          const char *key, char *text, size_t size);
/* Say how much protection this conversation has and needs.  A Cyrus code. */
int conv_secure (struct conv *conv,
                 const struct virgate_auth_context *context);
/* What Cyrus agreed on.  0, or -1 after host->error when it is too little. */
int conv_finish (struct conv *conv);
/* What Cyrus says of the last failure, made readable. */
const char *conv_why (const struct conv *conv, int code);
void conv_free (void *conv);

/* decoy.c: users that do not exist ------------------------------------------*/

#define DECOY_SOURCE "virgate-decoy"

/* Make them known to Cyrus, once. */
void decoy_register (void);
/* What their conversations answer instead of the section. */
const char *decoy_option (const char *name);
/* Is the first answer of Cyrus one that must not be told? */
bool decoy_is_wanted (const char *mech, int code);

/* layer.c: the security layer -----------------------------------------------*/

size_t conv_layer (void *conv);
uint32_t conv_layer_bits (void *conv);
int conv_wrap (void *conv, const void *in, size_t len,
               struct virgate_auth_data *out);
int conv_unwrap (void *conv, const void *in, size_t len, size_t *consumed,
                 struct virgate_auth_data *out);

/* server.c ------------------------------------------------------------------*/

/* Find out what can be offered.  0, or -1 after host->error. */
int server_ready (struct sasl *s);
const char *server_mechanisms (void *inst,
                               const struct virgate_auth_context *context);
int server_start (void *inst, const struct virgate_auth_context *context,
                  const char *mech, const struct virgate_auth_data *in,
                  struct virgate_auth_data *out, void **conv,
                  struct virgate_identity *identity);
int server_step (void *conv, const struct virgate_auth_data *in,
                 struct virgate_auth_data *out,
                 struct virgate_identity *identity);

/* client.c ------------------------------------------------------------------*/

int client_start (void *inst, const struct virgate_auth_context *context,
                  const char *mechanisms, const char *wanted,
                  const char **mech, struct virgate_auth_data *out,
                  void **conv);
int client_step (void *conv, const struct virgate_auth_data *in,
                 struct virgate_auth_data *out);

#endif /* VIRGATE_AUTH_SASL_H */
