#include "database.h"

#include <sqlite3.h>

struct gt_reader *gt_database_reader(const char *path, char *why,
                                     size_t why_cap)
{
	sqlite3 *db = NULL;
	int flags =
	        SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	if (sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK)
		return gt_reader_new(db, why, why_cap);
	gt_copy(why, why_cap,
	        db ? sqlite3_errmsg(db) : gt_strerror(-GT_ENOMEM));
	sqlite3_close(db);
	return NULL;
}
