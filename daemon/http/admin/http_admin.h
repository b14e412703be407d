/* http_admin.h: what operators and their machines ask and order.
 *
 * http_admin.c reads and orders for people on the control socket, http_status.c
 * tells how the node is, http_publish.c turns what is to be published into
 * drafts, http_api.c is the catalogue as JSON and http_metrics.c what machines
 * watch, both open to everybody. The room may use the machinery of daemon/http
 * and config (a policy is parsed here), none of the rooms beside it. It
 * promises that an order is answered only when the core has decided it, and
 * that no filter of the audit log is misspelt and taken for none.
 * Tests: u_http_api.c, e2e/test_house.py. */
#ifndef GT_HTTP_ADMIN_H
#define GT_HTTP_ADMIN_H

#include "http_request.h"

/* GET /api/resources, /api/resources/RID. http_api.c */
gt_handler gt_http_resources, gt_http_resource;
/* GET /healthz, /metrics. http_metrics.c */
gt_handler gt_http_health, gt_http_metrics;
/* GET /admin/status, /admin/wait. http_status.c */
gt_handler gt_http_status, gt_http_wait;
/* /admin/..., each by its name (http.h). http_admin.c */
gt_handler gt_http_publish, gt_http_publish_check, gt_http_withdraw,
        gt_http_fetch, gt_http_policy, gt_http_members, gt_http_roster,
        gt_http_reload;
gt_handler gt_http_explain, gt_http_layers, gt_http_audit, gt_http_records,
        gt_http_preview, gt_http_seal, gt_http_demanded, gt_http_demand_diff,
        gt_http_preview, gt_http_groups, gt_http_demanded, gt_http_demand_diff,
        gt_http_quarantine, gt_http_quarantined, gt_http_quarantine_drop,
        gt_http_copies, gt_http_copies_keep;
/* /admin/documents: what lost against another version, one of it, and what is to
 * become of that. http_admin.c */
gt_handler gt_http_conflicts, gt_http_conflict, gt_http_conflict_drop,
        gt_http_conflict_restore;
/* /admin/credentials, and below it set, rotate, remove. http_credential.c */
gt_handler gt_http_credentials, gt_http_credential_set,
        gt_http_credential_rotate, gt_http_credential_remove;
/* Certificates, by their names. http_certificate.c */
gt_handler gt_http_certificates, gt_http_certify, gt_http_revoke,
        gt_http_verify, gt_http_certificate, gt_http_certificate_list;
/* GET /admin/records/report. http_report.c */
gt_handler gt_http_report;
/* POST /admin/person/find. http_person.c */
gt_handler gt_http_person;
/* POST /admin/person/erase. http_person.c */
gt_handler gt_http_erase;
/* The answer to a command, as the core gave it: JSON, or why not. */
enum MHD_Result gt_http_replied(struct gt_request *rq);
/* 400: the argument of that name is wrong. http_status.c */
enum MHD_Result gt_http_bad_arg(struct gt_request *rq, const char *name);

#endif
