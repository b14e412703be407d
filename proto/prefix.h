/* prefix.h: what sheaves of records are compressed against (PROTOCOL.md, M48):
 * words that statements are made of, the commonest last. zstd takes these bytes,
 * without the 0 at their end, as raw contents before the text. They are part of
 * the protocol: another text is another version. */
#ifndef GT_PREFIX_H
#define GT_PREFIX_H

#define GT_PREFIX_VERBS "http://adlnet.gov/expapi/verbs/"
#define GT_PREFIX_KINDS "http://adlnet.gov/expapi/activities/"

static const char gt_prefix[] =
        "redact:names+text@pseudonymise@aggregate:\"account\":{\"homePage\":"
        "\"urn:guantong:pseudonym:\",\"contextAgents\":[{\"objectType\":"
        "\"contextAgent\",\"agent\":\"contextGroups\":[\"relevantTypes\":["
        "\"attachments\":[{\"usageType\":\"http://adlnet.gov/expapi/"
        "attachments/signature\",\"contentType\":\"application/octet-stream\","
        "\"length\":,\"sha2\":\"\"fileUrl\":\"\"mbox_sha1sum\":\"\"openid\":\""
        "\"interactionType\":\"choice\",\"correctResponsesPattern\":["
        "\"choices\":[{\"id\":\"true-false\"fill-in\"matching\"sequencing\""
        "\"likert\"numeric\"performance\"other\"moreInfo\":\""
        "https://w3id.org/xapi/cmi5/context/categories/moveon\""
        "https://w3id.org/xapi/cmi5/context/categories/cmi5\""
        "https://w3id.org/xapi/cmi5/context/extensions/sessionid\":\""
        "https://w3id.org/xapi/cmi5/context/extensions/launchmode\":\"Normal\""
        "https://w3id.org/xapi/cmi5/result/extensions/progress\":"
        "https://w3id.org/xapi/video/verbs/played\"paused\"seeked\""
        "https://w3id.org/xapi/video/extensions/time\":"
        "http://h5p.org/x-api/h5p-local-content-id\":"
        "http://h5p.org/x-api/h5p-subContentId\":\"" GT_PREFIX_VERBS
        "terminated\"" GT_PREFIX_VERBS "satisfied\"" GT_PREFIX_VERBS
        "waived\"" GT_PREFIX_VERBS "abandoned\"" GT_PREFIX_VERBS
        "suspended\"" GT_PREFIX_VERBS "resumed\"" GT_PREFIX_VERBS
        "registered\"" GT_PREFIX_VERBS "voided\",\"display\":{\"en-US\":\""
        "voided\"}},\"object\":{\"objectType\":\"StatementRef\",\"id\":"
        "\"" GT_PREFIX_VERBS "interacted\"" GT_PREFIX_VERBS
        "attempted\"" GT_PREFIX_VERBS "progressed\"" GT_PREFIX_VERBS
        "failed\"" GT_PREFIX_VERBS "initialized\"" GT_PREFIX_VERBS
        "launched\"" GT_PREFIX_VERBS "answered\"" GT_PREFIX_VERBS
        "passed\"" GT_PREFIX_VERBS "experienced\"" GT_PREFIX_KINDS
        "cmi.interaction\"" GT_PREFIX_KINDS "simulation\"" GT_PREFIX_KINDS
        "question\"" GT_PREFIX_KINDS "media\"" GT_PREFIX_KINDS
        "assessment\"" GT_PREFIX_KINDS "module\"" GT_PREFIX_KINDS
        "course\"" GT_PREFIX_KINDS "lesson\",\"description\":{\"zh-CN\":\""
        "{\"objectType\":\"Agent\",\"mbox\":\"mailto:@example.cn\",\"name\":\""
        "{\"objectType\":\"Group\",\"member\":[{\"instructor\":{\"team\":{"
        "\"revision\":\"\"platform\":\"\"language\":\"zh-CN\",\"statement\":{"
        "\"grouping\":[{\"id\":\"https://\"category\":[{\"id\":\"https://"
        "\"other\":[{\"id\":\"https://\"extensions\":{\"https://"
        "\"result\":{\"score\":{\"scaled\":0.5,\"raw\":,\"min\":0,\"max\":100},"
        "\"success\":true,\"completion\":true,\"response\":\"\",\"duration\":"
        "\"PT1M30S\"},\"stored\":\"\",\"version\":\"1.0.0\",\"authority\":{"
        "\"objectType\":\"Agent\",\"account\":{\"homePage\":\"urn:guantong:\""
        ",\"name\":\"terminal:\"}},"
        "\"result\":{\"completion\":false,\"score\":{\"scaled\":1.0}},"
        "{\"id\":\"00000000-0000-4000-8000-000000000000\",\"actor\":{"
        "\"objectType\":\"Agent\",\"name\":\"\",\"account\":{\"homePage\":"
        "\"https://"
        "www.example.cn\",\"name\":\"\"}},\"verb\":{\"id\":\"" GT_PREFIX_VERBS
        "completed\",\"display\":{\"en\":\"completed\","
        "\"zh-CN\":\"\"}},\"object\":{\"objectType\":\"Activity\",\"id\":"
        "\"https://www.example.cn/lesson/\",\"definition\":{\"name\":{"
        "\"zh-CN\":\"第  课\"},\"type\":\"" GT_PREFIX_KINDS
        "lesson\"}},\"context\":{\"registration\":\"\",\"contextActivities\":{"
        "\"parent\":[{\"id\":\"https://www.example.cn/course/\"}]}},"
        "\"result\":{\"score\":{\"scaled\":0.},\"completion\":true},"
        "\"timestamp\":\"2026-11-30T08:00:00.000Z\"}";

#endif
