# What speaks to SQLite outside src/store and src/read, and why it may:
# FILE | CALL, OR HOW THE LITERAL BEGINS | WHY. A row nobody needs is refused.
src/node/node.c | sqlite3_close | without memory for a node, the connection it was given is still its to close
daemon/run/prepare.c | sqlite3_open_v2 | src opens no files: the core is given its connection
daemon/run/prepare.c | sqlite3_close | the connection, when the core is not to have it
daemon/run/prepare.c | sqlite3_errmsg | why it did not open
daemon/run/prepare.c | sqlite3_wal_checkpoint_v2 | what a killed run left is copied before its pages are looked at
daemon/run/prepare.c | sqlite3_db_filename | the log's file is written anew before SQLite believes it
daemon/run/prepare.c | sqlite3_filename_wal | the same
daemon/run/mend.c | sqlite3_open_v2 | src opens no files: store/salvage.h is given both connections
daemon/run/mend.c | sqlite3_close | the old one is nobody's else, and the new one, when it did not open
daemon/run/mend.c | sqlite3_errmsg | why one did not open
daemon/run/mend.c | sqlite3_progress_handler | systemd waits for what is long
daemon/run/mend.c | sqlite3_wal_checkpoint_v2 | two files are to change places, not three
daemon/disk/database.c | sqlite3_open_v2 | a reader's connection, read-only; src opens no files
daemon/disk/database.c | sqlite3_close | the same, when it did not open
daemon/disk/database.c | sqlite3_errmsg | why it did not
daemon/disk/vfs_layer.c | sqlite3_vfs_find | a layer of files under SQLite, which asks nothing
daemon/disk/vfs_layer.c | sqlite3_vfs_register | the same
daemon/disk/vfs_layer.c | sqlite3_vfs_unregister | the same
