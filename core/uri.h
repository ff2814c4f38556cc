/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt's URIs: driver[+transport]://[user@][host][:port]/path[?params].
 * Split for transports, and turned into the name that the far side is asked
 * to open: parameters that concern the way there are taken out, the rest goes
 * on.
 */
#ifndef VIRGATE_CORE_URI_H
#define VIRGATE_CORE_URI_H

#include <stdbool.h>

#include <virgate/error.h>
#include <virgate/transport.h>

#include "common/arena.h"

/* Bytes of a URI, and parameters in one. */
#define URI_LEN_MAX 4096
#define URI_PARAMS_MAX 64

struct uri {
  struct virgate_uri v;         /* for the transport; see below */
  const char *name;             /* for connect_open, never NULL */
  const char *fragment;         /* decoded; NULL: none */
  bool has_transport;           /* +NAME was written, not defaulted */
  struct arena arena;           /* owns all strings */
};

/* Split a URI.
 *
 * text  NULL or "": nothing but name "" and the transport "unix"
 *
 * v.transport is in lower case, and defaulted: "unix" without a host, "tls"
 * with one.  v.driver keeps its case.  v.params holds all parameters decoded,
 * in order.  v.path is decoded, "" when absent.
 *
 * Returns 0, and the caller frees with uri_free; -1 with err set (domain
 * VIRGATE_FROM_URI), nothing to free.
 */
int uri_parse (struct uri *uri, const char *text, struct virgate_error *err);
void uri_free (struct uri *uri);

/* Leave these parameters (NULL-terminated; a transport's own) out of the name
 * as well.  Returns 0, or -1 with err set.
 */
int uri_consume (struct uri *uri, const char *const *params,
                 struct virgate_error *err);

/* The last value of a parameter, or NULL.  Names are compared without
 * regard to case, as libvirt does.
 */
const char *uri_param (const struct uri *uri, const char *name);

#endif /* VIRGATE_CORE_URI_H */
