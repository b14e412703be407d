/* error.h: every error the core can name, in one table.
 *
 * Functions return 0 or a negative GT_E...; -GT_E... never means "try and see".
 * The numbers go over the wire (Error.code): never renumber.
 * Tests: u_base.c, u_translate.c, u_vectors.c. */
#ifndef GT_ERROR_H
#define GT_ERROR_H

/* name, number, English, Chinese */
#define GT_ERRORS(X)                                                     \
	X(NOMEM, 1, "out of memory", "内存不足")                         \
	X(STORE, 2, "the database failed", "数据库出错")                 \
	X(MALFORMED, 3, "malformed message", "消息格式错误")             \
	X(LIMIT, 4, "over a limit", "超出限制")                          \
	X(VERSION, 5, "no protocol version in common", "协议版本不兼容") \
	X(IDENTITY, 6, "not who it claims to be", "身份不符")            \
	X(REVOKED, 7, "the node is revoked", "节点已被吊销")             \
	X(UNKNOWN, 8, "not known here", "此处没有")                      \
	X(DENIED, 9, "policy does not allow it", "策略不允许")           \
	X(SIGNATURE, 10, "bad signature", "签名无效")                    \
	X(STALE, 11, "older than what is here", "比现有版本旧")          \
	X(DAMAGED, 12, "bytes differ from their hash", "内容与哈希不符") \
	X(NOSPACE, 13, "no space left on disk", "磁盘空间不足")          \
	X(IO, 14, "input or output failed", "读写失败")                  \
	X(INVALID, 15, "not valid", "无效")                              \
	X(CONFLICT, 16, "conflicts with what is here", "与现有内容冲突") \
	X(BUSY, 17, "busy, try again", "繁忙，请稍后再试")               \
	X(STATE, 18, "not possible in this state", "当前状态下不可行")   \
	X(UNAVAILABLE, 19, "not available now", "暂时不可用")            \
	X(CLOSED, 20, "closed", "已关闭")                                \
	X(TIMEOUT, 21, "timed out", "超时")                              \
	X(BUDGET, 22, "more than its share", "超出配额")                 \
	X(UNDATED, 23, "no date of the tree is new enough",              \
	  "没有足够新的全树日期")

enum gt_error {
#define X(name, number, en, zh) GT_E##name = (number),
	GT_ERRORS(X)
#undef X
};

/* Texts for a code, negative or positive; never NULL. */
const char *gt_strerror(int code);
/* The same sentence in Chinese. */
const char *gt_strerror_zh(int code);
/* "DAMAGED" and the like, for logs and audit rows. */
const char *gt_errname(int code);

#endif
