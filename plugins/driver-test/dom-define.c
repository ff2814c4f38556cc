/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Domains come and go: made of documents, renamed, undefined.  Documents are
 * read before the world is locked.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/event.h"

#define START_VALIDATE 16u      /* virDomainCreateFlags */
#define DEFINE_VALIDATE 1u      /* virDomainDefineFlags */

static struct def *
parse (const struct ctx *c, const char *xml, bool validate)
{
  struct xml_error err = { 0 };
  struct def *def
    = def_parse (xml, DOMAIN_PARSE_INACTIVE
                        | (validate ? DOMAIN_PARSE_VALIDATE : 0), &err);

  if (!def) {
    fail_xml (c, &err);
    return NULL;
  }
  def->text[0] = domain_def_format (def->body, 0);
  return def;
}

static int
create (const struct ctx *c, const char *xml, uint32_t flags,
        struct virgate_domain *out)
{
  struct def *def;
  struct dom *dom;
  bool old;

  if (check_flags (c, flags, START_VALIDATE, "testDomainCreateXML") == -1)
    return -1;
  def = parse (c, xml, flags & START_VALIDATE);
  if (!def)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = dom_assign (c, def, true, &old);
  if (!dom)
    return -1;
  if (dom_start (c->world, dom, DOM_RUNNING_BOOTED) == -1)
    return fail_memory (c);
  event_domain (c, dom, EVENT_STARTED, EVENT_STARTED_BOOTED);
  return fill_dom (c, out, dom);
}

HANDLER (domain_create_xml)
{
  return create (c, args->xml_desc, args->flags, &ret->dom);
}

HANDLER (domain_create_xml_with_files)
{
  return create (c, args->xml_desc, args->flags, &ret->dom);
}

static int
define (const struct ctx *c, const char *xml, uint32_t flags,
        struct virgate_domain *out)
{
  struct def *def;
  struct dom *dom;
  bool old;

  if (check_flags (c, flags, DEFINE_VALIDATE, "testDomainDefineXMLFlags")
      == -1)
    return -1;
  def = parse (c, xml, flags & DEFINE_VALIDATE);
  if (!def)
    return -1;
  if (strchr (def->name, '\n')) {
    def_unref (def);
    return fail_in (c, VIRGATE_FROM_XML, VIRGATE_ERR_XML_DETAIL,
                    "invalid char in name: \n");
  }
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = dom_assign (c, def, false, &old);
  if (!dom)
    return -1;
  dom->persistent = true;
  event_domain (c, dom, EVENT_DEFINED,
                old ? EVENT_DEFINED_UPDATED : EVENT_DEFINED_ADDED);
  return fill_dom (c, out, dom);
}

HANDLER (domain_define_xml)
{
  return define (c, args->xml, 0, &ret->dom);
}

HANDLER (domain_define_xml_flags)
{
  return define (c, args->xml, args->flags, &ret->dom);
}

static int
undefine (const struct ctx *c, const struct virgate_domain *name,
          uint32_t flags)
{
  enum { MANAGED_SAVE = 1, SNAPSHOTS_METADATA = 2 };
  struct dom *dom;

  if (check_flags (c, flags, MANAGED_SAVE | SNAPSHOTS_METADATA,
                   "testDomainUndefineFlags") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, name);
  if (!dom)
    return -1;
  if (dom->managed_save && !(flags & MANAGED_SAVE))
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "Refusing to undefine while domain managed "
                 "save image exists");
  event_domain (c, dom, EVENT_UNDEFINED, EVENT_UNDEFINED_REMOVED);
  dom->managed_save = false;
  dom->persistent = false;
  if (!dom_active (dom)) {
    dom_unlist (c->world, dom);
    dom_free (dom);
  }
  return 0;
}

HANDLER_IN (domain_undefine)
{
  return undefine (c, &args->dom, 0);
}

HANDLER_IN (domain_undefine_flags)
{
  return undefine (c, &args->dom, args->flags);
}

/* Whether the domain may get this name; the order is that of the refusals
 * that clients know.
 */
static int
rename_check (const struct ctx *c, const struct dom *dom, const char *name)
{
  if (dom_active (dom))
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "cannot rename active domain");
  if (!dom->persistent)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "cannot rename a transient domain");
  if (dom->state != DOM_SHUTOFF)
    return fail (c, VIRGATE_ERR_OPERATION_INVALID,
                 "domain has to be shutoff before renaming");
  if (strcmp (dom->def->name, name) == 0)
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_INVALID,
                    "Can't rename domain to itself");
  if (dom_by_name (c->world, name))
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_INVALID,
                    "domain with name '%s' already exists", name);
  if (strchr (name, '/'))
    return fail (c, VIRGATE_ERR_XML_ERROR, "name %s cannot contain '/'",
                 name);
  return 0;
}

HANDLER (domain_rename)
{
  const char *name = args->new_name ? args->new_name : "";
  struct dom *dom;
  struct def *def;
  int result;

  if (check_not_null (c, VIRGATE_FROM_DOMAIN, "virDomainRename", "new_name",
                      args->new_name) == -1)
    return -1;
  if (!*name)
    return fail_arg (c, VIRGATE_FROM_DOMAIN, "virDomainRename", "new_name",
                     "string new_name in virDomainRename must not be empty");
  if (check_flags (c, args->flags, 0, "testDomainRename") == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  dom = find_dom (c, &args->dom);
  if (!dom || rename_check (c, dom, name) == -1)
    return -1;
  def = def_edit (&dom->def);
  if (!def)
    return fail_memory (c);
  event_domain (c, dom, EVENT_UNDEFINED, EVENT_UNDEFINED_RENAMED);
  dom_unlist (c->world, dom);
  result = domain_def_set_name (def->body, name);
  def_changed (def);
  if (dom_list (c->world, dom) == -1 || result == -1)
    return fail_memory (c);
  event_domain (c, dom, EVENT_DEFINED, EVENT_DEFINED_RENAMED);
  ret->retcode = 0;
  return 0;
}
