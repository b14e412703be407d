/* dir.h: what is in a node's directory. Self-contained: copy it, move it.
 *
 *   guantong.yaml     configuration
 *   policy.yaml       own layer, optional
 *   pki/ca.pem        CA certificate
 *   pki/cert.pem      this node's certificate, then its chain
 *   pki/key.pem       TLS key, 0600
 *   pki/node.key      Ed25519 seed, 64 hex digits, 0600
 *   pki/date.key      Ed25519 seed that signs dates of the tree, as node.key;
 *                     at one node, mostly the root: guantong pki date
 *   pki/roster.key    64 hex digits: the public key the roster is signed with
 *   pki/members.bin   signed roster rows known at set-up: a 32-bit big-endian
 *                     length, then an encoded Signed, again and again
 *   pki/pseudonym.keys  secrets under which records lose their names, 0600
 *                     (keyring.h): guantong records key new
 *   pki/aliases.txt   who has several names, 0600, optional (pseudonym.h)
 *   data/guantong.db  the database
 *   data/guantong.db-wal  its log; behind an orderly end its beginning
 *   data/guantong.db-shm  its log's index; behind a run that was killed it tells
 *                     what should be in the log
 *   data/guantong.db-wal.other-SECONDS  a log that was in its log's place and was
 *                     not its own; the newest three stay
 *   data/guantong.db-sums  checksums of its pages
 *   data/guantong.db.damaged-SECONDS  one that could not be read whole, in whose
 *                     place a new one was made; and its sums; as many
 *   data/mend         the next start makes the database anew, as far as it can be
 *                     read
 *   data/lock         held by the daemon
 *   data/admitted     there once was a credentials.json: one that is lost opens
 *                     nothing
 *   data/used.json    when each credential was used last, and how much of its
 *                     quota is used up
 *   data/launches/    courses that were launched, each in SESSION.json, 0600
 *   data/reserve      room on the disk that is kept for the database
 *   objects/          object files
 *   staged/           files being published
 *   attachments/      attachments of records by their sha2; new/: on their way in
 *   index/            what is found of objects' manifests; made again where it
 *                     is missing
 *   credentials.json  who may hand in and read records, 0600
 *   control.sock      administration, HTTP
 *   run.json          {"pid","link","http","content","staff"}: while the daemon
 *                     runs; ports as the system chose them, 0: none; written
 *                     when it is ready
 *
 * guantongd changes into the directory, so all names are relative to it (and
 * control.sock never meets the 108-byte limit of socket names). */
#ifndef GT_DIR_H
#define GT_DIR_H

#define GT_DIR_CONFIG       "guantong.yaml"
#define GT_DIR_CA           "pki/ca.pem"
#define GT_DIR_CERT         "pki/cert.pem"
#define GT_DIR_KEY          "pki/key.pem"
#define GT_DIR_NODE_KEY     "pki/node.key"
#define GT_DIR_ROSTER_KEY   "pki/roster.key"
#define GT_DIR_DATE_KEY     "pki/date.key"
#define GT_DIR_MEMBERS      "pki/members.bin"
#define GT_DIR_KEYRING      "pki/pseudonym.keys"
#define GT_DIR_ALIASES      "pki/aliases.txt"
#define GT_DIR_DATA         "data"
#define GT_DIR_DATABASE     "data/guantong.db"
#define GT_DIR_MEND         "data/mend"
#define GT_DIR_RESERVE      "data/reserve"
#define GT_DIR_LOG          "data/guantong.db-wal"
#define GT_DIR_INDEX_OF_LOG "data/guantong.db-shm"
#define GT_DIR_SUMS         "data/guantong.db-sums"
#define GT_DIR_LOCK         "data/lock"
#define GT_DIR_OBJECTS      "objects"
#define GT_DIR_STAGED       "staged"
#define GT_DIR_ATTACHMENTS  "attachments"
#define GT_DIR_INDEX        "index"
#define GT_DIR_CONTROL      "control.sock"
#define GT_DIR_CREDENTIALS  "credentials.json"
#define GT_DIR_ADMITTED     "data/admitted"
#define GT_DIR_USED         "data/used.json"
#define GT_DIR_LAUNCHES     "data/launches"
#define GT_DIR_RUN          "run.json"

#endif
