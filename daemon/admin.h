/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt's administration program, as virt-admin speaks it, on listeners
 * with `service = admin`.  There are two servers, as libvirtd has them: what
 * serves hypervisor clients, and what serves administrators.
 */
#ifndef VIRGATE_DAEMON_ADMIN_H
#define VIRGATE_DAEMON_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include <virgate/admin.h>
#include <virgate/driver.h>

#include "daemon/builtin.h"

struct loop;
struct server;

/* The handler of a procedure, or NULL. */
const struct builtin *admin_find (int32_t procedure);

/* What the files of administration share -----------------------------------*/

#define ADMIN_SERVER "admin"
#define MAIN_SERVER "virgated"

struct server *admin_server_of (struct virgate_call *call);

/* Which server is meant?  1 administrators', 0 the other; -1 after the call's
 * error was set, there is no such server or flags has a bit set.
 */
int admin_which (struct virgate_call *call,
                 const struct virgate_admin_server *srv, uint32_t flags);

/* A copy in the call's memory, or NULL. */
char *admin_keep (struct virgate_call *call, const char *text);

/* Parameters of a reply.  make returns -1 after the call's error was set; the
 * room is for as many as the list holds at most.  Strings are copied; one for
 * which there is no memory is empty.
 */
struct admin_params {
  uint32_t len;
  struct virgate_typed_param *val;
  struct virgate_call *call;
};

int admin_params_make (struct virgate_call *call, struct admin_params *params,
                       uint32_t max);
void admin_param_uint (struct admin_params *params, const char *field,
                       uint32_t value);
void admin_param_int (struct admin_params *params, const char *field,
                      int32_t value);
void admin_param_bool (struct admin_params *params, const char *field,
                       bool value);
void admin_param_string (struct admin_params *params, const char *field,
                         const char *value);

/* Read parameters of a call into numbers.
 *
 * known  names, ended by NULL; value[i] is set and has[i] true where given
 *
 * 0, or -1 after the call's error was set: another name or type.
 */
int admin_read_uints (struct virgate_call *call,
                      const struct virgate_typed_param *params, uint32_t len,
                      const char *const *known, uint32_t *value, bool *has);

/* Go from loop to loop: visit runs once on each one's thread, in their order,
 * until it returns true; then finish runs on the last one's, and its result
 * is the call's.  VIRGATE_LATER, or -1 after the call's error was set.
 */
struct admin_tour {
  struct virgate_call *call;
  bool (*visit) (struct admin_tour *tour, struct loop *loop);
  int (*finish) (struct admin_tour *tour);
  int which;                    /* server: for visit and finish */
  uint64_t id;                  /* client */
  void *found;                  /* in the call's memory */
};

int admin_tour_start (const struct admin_tour *tour);

/* Run fn on the main thread; its result is the call's. */
int admin_on_main (struct virgate_call *call,
                   int (*fn) (struct virgate_call *call));

/* The procedures, by file. */
virgate_handler_fn admin_list_clients, admin_lookup_client,
  admin_client_info, admin_client_close;
virgate_handler_fn admin_get_pool, admin_set_pool, admin_get_limits,
  admin_set_limits;
virgate_handler_fn admin_get_outputs, admin_get_filters, admin_set_outputs,
  admin_set_filters;

#endif /* VIRGATE_DAEMON_ADMIN_H */
