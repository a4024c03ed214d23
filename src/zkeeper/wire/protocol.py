"""Numbers of the client protocol: opcodes, special xids, create flags, watch events, permissions."""

from typing import Final

# Opcodes. The same numbers name the types of transactions.
CREATE: Final = 1
DELETE: Final = 2
EXISTS: Final = 3
GET_DATA: Final = 4
SET_DATA: Final = 5
GET_ACL: Final = 6
SET_ACL: Final = 7
GET_CHILDREN: Final = 8
SYNC: Final = 9
PING: Final = 11
GET_CHILDREN2: Final = 12
CHECK: Final = 13
MULTI: Final = 14
CREATE2: Final = 15
RECONFIG: Final = 16
CHECK_WATCHES: Final = 17
REMOVE_WATCHES: Final = 18
CREATE_CONTAINER: Final = 19
DELETE_CONTAINER: Final = 20
CREATE_TTL: Final = 21
MULTI_READ: Final = 22
AUTH: Final = 100
SET_WATCHES: Final = 101
SASL: Final = 102
GET_EPHEMERALS: Final = 103
GET_ALL_CHILDREN_NUMBER: Final = 104
SET_WATCHES2: Final = 105
ADD_WATCH: Final = 106
WHO_AM_I: Final = 107
CREATE_SESSION: Final = -10
CLOSE_SESSION: Final = -11
ERROR: Final = -1

# Xids with a meaning of their own.
NOTIFICATION_XID: Final = -1
PING_XID: Final = -2

# Create flags.
FLAG_EPHEMERAL: Final = 1
FLAG_SEQUENTIAL: Final = 2
FLAGS_CONTAINER: Final = 4
FLAGS_TTL: Final = 5
FLAGS_SEQUENTIAL_TTL: Final = 6
MAX_TTL_MS: Final = 0xFFFFFFFFFF

# Watch events; every one is sent with the keeper state SyncConnected.
NODE_CREATED: Final = 1
NODE_DELETED: Final = 2
NODE_DATA_CHANGED: Final = 3
NODE_CHILDREN_CHANGED: Final = 4
STATE_SYNC_CONNECTED: Final = 3

# Modes of addWatch, and types of checkWatches and removeWatches.
ADD_WATCH_PERSISTENT: Final = 0
ADD_WATCH_RECURSIVE: Final = 1
WATCHER_CHILDREN: Final = 1
WATCHER_DATA: Final = 2
WATCHER_ANY: Final = 3
WATCHER_PERSISTENT: Final = 4
WATCHER_RECURSIVE: Final = 5

# Permissions.
READ: Final = 1
WRITE: Final = 2
CREATE_CHILD: Final = 4
DELETE_CHILD: Final = 8
ADMIN: Final = 16
ALL: Final = 31

PASSWORD_BYTES: Final = 16
STAT_BYTES: Final = 68
