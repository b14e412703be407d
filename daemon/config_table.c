#include "config_table.h"

#define FIELD(f)                                 \
	.offset = offsetof(struct gt_config, f), \
	.cap = sizeof(((struct gt_config *)NULL)->f)
#define CHOICES(c) .choices = (c), .nchoices = sizeof(c) / sizeof *(c)

static const char *const languages[] = {"zh-CN", "en"};
static const char *const levels[] = {"error", "warn", "info", "debug"};

enum {
	KIB = 1 << 10,
	MIB = 1 << 20,
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
};

const struct gt_config_section gt_config_sections[GT_CONFIG_SECTIONS] = {
        {"node", GT_T_CONF_NODE},       {"parent", GT_T_CONF_PARENT},
        {"link", GT_T_CONF_LINK},       {"http", GT_T_CONF_HTTP},
        {"storage", GT_T_CONF_STORAGE}, {"policy", GT_T_CONF_POLICY},
        {"log", GT_T_CONF_LOG},
};

/* clang-format off: a key, then what it takes */
const struct gt_config_row gt_config_rows[GT_CONFIG_ROWS] = {
        {"node", "code", GT_CONFIG_CODE, FIELD(code), .min = 1,
         .doc = GT_T_CONF_NODE_CODE},
        {"node", "name", GT_CONFIG_TEXT, FIELD(name), .fallback = "",
         .doc = GT_T_CONF_NODE_NAME},
        {"node", "language", GT_CONFIG_WORD, FIELD(lang), .fallback = "zh-CN",
         CHOICES(languages), .doc = GT_T_CONF_NODE_LANGUAGE},
        {"parent", "code", GT_CONFIG_CODE, FIELD(parent), .fallback = "",
         .doc = GT_T_CONF_PARENT_CODE},
        {"parent", "addresses", GT_CONFIG_ADDRESSES, FIELD(addresses),
         .fallback = "", .doc = GT_T_CONF_PARENT_ADDRESSES},
        {"link", "listen", GT_CONFIG_LISTEN, FIELD(listen), .fallback = "",
         .doc = GT_T_CONF_LINK_LISTEN},
        {"link", "insecure", GT_CONFIG_BOOL, FIELD(insecure),
         .fallback = "false", .doc = GT_T_CONF_LINK_INSECURE},
        {"link", "heartbeat", GT_CONFIG_DURATION, FIELD(heartbeat_ms),
         .fallback = "15s", .min = 100, .max = HOUR,
         .doc = GT_T_CONF_LINK_HEARTBEAT},
        {"link", "dead", GT_CONFIG_DURATION, FIELD(dead_ms), .fallback = "45s",
         .min = 200, .max = 24 * HOUR, .doc = GT_T_CONF_LINK_DEAD},
        {"link", "window_min", GT_CONFIG_SIZE, FIELD(window_min),
         .fallback = "512KiB", .min = 64 * KIB, .max = 1024 * MIB,
         .doc = GT_T_CONF_LINK_WINDOW_MIN},
        {"link", "window_max", GT_CONFIG_SIZE, FIELD(window_max),
         .fallback = "8MiB", .min = 64 * KIB, .max = 1024 * MIB,
         .doc = GT_T_CONF_LINK_WINDOW_MAX},
        {"link", "max_links", GT_CONFIG_COUNT, FIELD(max_links),
         .fallback = "256", .min = 1, .max = GT_PEERS_MAX,
         .doc = GT_T_CONF_LINK_MAX_LINKS},
        {"link", "max_per_address", GT_CONFIG_COUNT, FIELD(max_per_address),
         .fallback = "64", .min = 1, .max = GT_PEERS_MAX,
         .doc = GT_T_CONF_LINK_MAX_PER_ADDRESS},
        {"http", "listen", GT_CONFIG_LISTEN, FIELD(http),
         .fallback = "127.0.0.1:8080", .min = 1, .doc = GT_T_CONF_HTTP_LISTEN},
        {"http", "terminals", GT_CONFIG_USERS, FIELD(users), .fallback = "",
         .doc = GT_T_CONF_HTTP_TERMINALS},
        {"storage", "reserve", GT_CONFIG_SIZE, FIELD(reserve),
         .fallback = "64MiB", .max = 1ull << 50,
         .doc = GT_T_CONF_STORAGE_RESERVE},
        {"storage", "transfers", GT_CONFIG_COUNT, FIELD(transfers),
         .fallback = "4", .min = 1, .max = GT_TRANSFERS_MAX,
         .doc = GT_T_CONF_STORAGE_TRANSFERS},
        {"policy", "file", GT_CONFIG_TEXT, FIELD(policy),
         .fallback = "policy.yaml", .doc = GT_T_CONF_POLICY_FILE},
        {"log", "level", GT_CONFIG_LEVEL, FIELD(log_level), .fallback = "info",
         CHOICES(levels), .doc = GT_T_CONF_LOG_LEVEL},
};
