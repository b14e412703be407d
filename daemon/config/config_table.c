#include "config_table.h"

#include "protocol.h"

#define FIELD(f)                                 \
	.offset = offsetof(struct gt_config, f), \
	.cap = sizeof(((struct gt_config *)NULL)->f)
#define CHOICES(c) .choices = (c), .nchoices = sizeof(c) / sizeof *(c)
#define KIB        1024ull
#define MIB        (1024 * KIB)
#define MINUTE     60000ull
#define HOUR       (60 * MINUTE)

static const char *const languages[] = {"zh-CN", "en"};
static const char *const certificates[] = {"off", "node", "own"};
static const char *const levels[] = {"error", "warn", "info", "debug"};

const struct gt_config_section gt_config_sections[GT_CONFIG_SECTIONS] = {
        {"node", GT_T_CONF_NODE},       {"parent", GT_T_CONF_PARENT},
        {"link", GT_T_CONF_LINK},       {"trust", GT_T_CONF_TRUST},
        {"http", GT_T_CONF_HTTP},       {"records", GT_T_CONF_RECORDS},
        {"storage", GT_T_CONF_STORAGE}, {"policy", GT_T_CONF_POLICY},
        {"log", GT_T_CONF_LOG},
};

/* A key, what it takes, what it is without. */
/* clang-format off */
const struct gt_config_row gt_config_rows[GT_CONFIG_ROWS] = {
	{"node", "code", .type = GT_CONFIG_CODE, FIELD(code), .min = 1,
	 .doc = GT_T_CONF_NODE_CODE},
	{"node", "name", .type = GT_CONFIG_TEXT, FIELD(name), .fallback = "",
	 .doc = GT_T_CONF_NODE_NAME},
	{"node", "language", .type = GT_CONFIG_WORD, FIELD(lang),
	 .fallback = "zh-CN", CHOICES(languages),
	 .doc = GT_T_CONF_NODE_LANGUAGE},

	{"parent", "code", .type = GT_CONFIG_CODE, FIELD(parent),
	 .fallback = "", .doc = GT_T_CONF_PARENT_CODE},
	{"parent", "addresses", .type = GT_CONFIG_ADDRESSES, FIELD(addresses),
	 .fallback = "", .doc = GT_T_CONF_PARENT_ADDRESSES},
	{"parent", "above", .type = GT_CONFIG_ADDRESSES, FIELD(above),
	 .fallback = "", .doc = GT_T_CONF_PARENT_ABOVE},
	{"parent", "above_every", .type = GT_CONFIG_DURATION,
	 FIELD(above_every_ms), .fallback = "1d", .min = 1000,
	 .max = 365 * 24 * HOUR, .doc = GT_T_CONF_PARENT_ABOVE_EVERY},

	{"link", "listen", .type = GT_CONFIG_LISTEN, FIELD(listen),
	 .fallback = "", .doc = GT_T_CONF_LINK_LISTEN},
	{"link", "insecure", .type = GT_CONFIG_BOOL, FIELD(insecure),
	 .fallback = "false", .doc = GT_T_CONF_LINK_INSECURE},
	{"link", "heartbeat", .type = GT_CONFIG_DURATION, FIELD(heartbeat_ms),
	 .fallback = "15s", .min = 100, .max = HOUR,
	 .doc = GT_T_CONF_LINK_HEARTBEAT},
	{"link", "dead", .type = GT_CONFIG_DURATION, FIELD(dead_ms),
	 .fallback = "45s", .min = 200, .max = 24 * HOUR,
	 .doc = GT_T_CONF_LINK_DEAD},
	{"link", "window_min", .type = GT_CONFIG_SIZE, FIELD(window_min),
	 .fallback = "512KiB", .min = 64 * KIB, .max = 1024 * MIB,
	 .doc = GT_T_CONF_LINK_WINDOW_MIN},
	{"link", "window_max", .type = GT_CONFIG_SIZE, FIELD(window_max),
	 .fallback = "8MiB", .min = 64 * KIB, .max = 1024 * MIB,
	 .doc = GT_T_CONF_LINK_WINDOW_MAX},
	{"link", "max_links", .type = GT_CONFIG_COUNT, FIELD(max_links),
	 .fallback = "256", .min = 1, .max = GT_PEERS_MAX,
	 .doc = GT_T_CONF_LINK_MAX_LINKS},
	{"link", "max_per_address", .type = GT_CONFIG_COUNT,
	 FIELD(max_per_address), .fallback = "64", .min = 1,
	 .max = GT_PEERS_MAX, .doc = GT_T_CONF_LINK_MAX_PER_ADDRESS},
	{"link", "protocol", .type = GT_CONFIG_COUNT, FIELD(protocol),
	 .fallback = "0", .max = GT_PROTOCOL_MAX,
	 .doc = GT_T_CONF_LINK_PROTOCOL},

	{"trust", "date_warn", .type = GT_CONFIG_DURATION, FIELD(date_warn_ms),
	 .fallback = "7d", .max = 3650 * 24 * HOUR,
	 .doc = GT_T_CONF_TRUST_DATE_WARN},
	{"trust", "date_limit", .type = GT_CONFIG_DURATION,
	 FIELD(date_limit_ms), .fallback = "30d", .max = 3650 * 24 * HOUR,
	 .doc = GT_T_CONF_TRUST_DATE_LIMIT},

	{"http", "listen", .type = GT_CONFIG_LISTEN, FIELD(http),
	 .fallback = "127.0.0.1:8080", .min = 1,
	 .doc = GT_T_CONF_HTTP_LISTEN},
	{"http", "content", .type = GT_CONFIG_DOOR, FIELD(content),
	 .fallback = "auto", .min = 1, .doc = GT_T_CONF_HTTP_CONTENT},
	{"http", "staff", .type = GT_CONFIG_DOOR, FIELD(staff),
	 .fallback = "auto", .min = 1, .doc = GT_T_CONF_HTTP_STAFF},
	{"http", "listen_tls", .type = GT_CONFIG_WORD, FIELD(listen_tls),
	 .fallback = "off", CHOICES(certificates),
	 .doc = GT_T_CONF_HTTP_LISTEN_TLS},
	{"http", "content_tls", .type = GT_CONFIG_WORD, FIELD(content_tls),
	 .fallback = "off", CHOICES(certificates),
	 .doc = GT_T_CONF_HTTP_CONTENT_TLS},
	{"http", "staff_tls", .type = GT_CONFIG_WORD, FIELD(staff_tls),
	 .fallback = "off", CHOICES(certificates),
	 .doc = GT_T_CONF_HTTP_STAFF_TLS},
	{"http", "certificate", .type = GT_CONFIG_TEXT, FIELD(certificate),
	 .fallback = "pki/http-cert.pem", .min = 1,
	 .doc = GT_T_CONF_HTTP_CERTIFICATE},
	{"http", "key", .type = GT_CONFIG_TEXT, FIELD(key),
	 .fallback = "pki/http-key.pem", .min = 1,
	 .doc = GT_T_CONF_HTTP_KEY},
	{"http", "names", .type = GT_CONFIG_NAMES, FIELD(names),
	 .fallback = "", .doc = GT_T_CONF_HTTP_NAMES},
	{"http", "listen_url", .type = GT_CONFIG_ORIGIN, FIELD(listen_url),
	 .fallback = "", .doc = GT_T_CONF_HTTP_LISTEN_URL},
	{"http", "content_url", .type = GT_CONFIG_ORIGIN, FIELD(content_url),
	 .fallback = "", .doc = GT_T_CONF_HTTP_CONTENT_URL},
	{"http", "connections", .type = GT_CONFIG_COUNT, FIELD(connections),
	 .fallback = "256", .min = 8, .max = 4096,
	 .doc = GT_T_CONF_HTTP_CONNECTIONS},
	{"http", "per_address", .type = GT_CONFIG_COUNT, FIELD(per_address),
	 .fallback = "128", .min = 1, .max = 4096,
	 .doc = GT_T_CONF_HTTP_PER_ADDRESS},
	{"http", "head_time", .type = GT_CONFIG_DURATION, FIELD(head_ms),
	 .fallback = "10s", .min = 1000, .max = 10 * MINUTE,
	 .doc = GT_T_CONF_HTTP_HEAD_TIME},
	{"http", "body_time", .type = GT_CONFIG_DURATION, FIELD(body_ms),
	 .fallback = "1m", .min = 1000, .max = HOUR,
	 .doc = GT_T_CONF_HTTP_BODY_TIME},
	{"http", "terminals", .type = GT_CONFIG_USERS, FIELD(users),
	 .fallback = "", .doc = GT_T_CONF_HTTP_TERMINALS},

	{"records", "reserve", .type = GT_CONFIG_SIZE, FIELD(records_reserve),
	 .fallback = "16MiB", .max = MIB * KIB,
	 .doc = GT_T_CONF_RECORDS_RESERVE},
	{"records", "terminal_hour", .type = GT_CONFIG_SIZE,
	 FIELD(terminal_hour), .fallback = "256MiB", .min = MIB,
	 .max = MIB * MIB, .doc = GT_T_CONF_RECORDS_TERMINAL},
	{"records", "child_hour", .type = GT_CONFIG_SIZE, FIELD(child_hour),
	 .fallback = "4GiB", .min = MIB, .max = MIB * MIB,
	 .doc = GT_T_CONF_RECORDS_CHILD},
	{"records", "terminal_waiting", .type = GT_CONFIG_SIZE,
	 FIELD(terminal_waiting), .fallback = "4GiB", .min = MIB,
	 .max = MIB * MIB, .doc = GT_T_CONF_RECORDS_TERMINAL_WAITING},
	{"records", "child_waiting", .type = GT_CONFIG_SIZE,
	 FIELD(child_waiting), .fallback = "64GiB", .min = MIB,
	 .max = MIB * MIB, .doc = GT_T_CONF_RECORDS_CHILD_WAITING},

	{"records", "attachment", .type = GT_CONFIG_SIZE,
	 FIELD(attachment_max), .fallback = "32MiB", .min = 64 * KIB,
	 .max = 4 * MIB * KIB, .doc = GT_T_CONF_RECORDS_ATTACHMENT},
	{"records", "attachments", .type = GT_CONFIG_SIZE,
	 FIELD(attachments_max), .fallback = "64MiB", .min = 64 * KIB,
	 .max = 4 * MIB * KIB, .doc = GT_T_CONF_RECORDS_ATTACHMENTS},
	{"records", "attachments_hour", .type = GT_CONFIG_SIZE,
	 FIELD(attachments_hour), .fallback = "512MiB", .min = MIB,
	 .max = MIB * MIB, .doc = GT_T_CONF_RECORDS_ATTACHMENTS_HOUR},

	{"records", "certify", .type = GT_CONFIG_CERTIFY, FIELD(certify),
	 .fallback = "", .doc = GT_T_CONF_RECORDS_CERTIFY},

	{"storage", "reserve", .type = GT_CONFIG_SIZE, FIELD(reserve),
	 .fallback = "64MiB", .max = MIB * MIB * KIB,
	 .doc = GT_T_CONF_STORAGE_RESERVE},
	{"storage", "on_demand", .type = GT_CONFIG_SIZE, FIELD(on_demand),
	 .fallback = "0", .max = MIB * MIB * KIB,
	 .doc = GT_T_CONF_STORAGE_ON_DEMAND},
	{"storage", "entries", .type = GT_CONFIG_COUNT, FIELD(entries),
	 .fallback = "2000000", .min = 1000, .max = 100 * MIB,
	 .doc = GT_T_CONF_STORAGE_ENTRIES},
	{"storage", "transfers", .type = GT_CONFIG_COUNT, FIELD(transfers),
	 .fallback = "4", .min = 1, .max = GT_TRANSFERS_MAX,
	 .doc = GT_T_CONF_STORAGE_TRANSFERS},

	{"policy", "file", .type = GT_CONFIG_TEXT, FIELD(policy),
	 .fallback = "policy.yaml", .doc = GT_T_CONF_POLICY_FILE},

	{"log", "level", .type = GT_CONFIG_LEVEL, FIELD(log_level),
	 .fallback = "info", CHOICES(levels), .doc = GT_T_CONF_LOG_LEVEL},
};
/* clang-format on */
