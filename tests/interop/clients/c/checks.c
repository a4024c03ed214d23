/* Drives a server with ZooKeeper's own C client: `checks SERVER PROXY CONTROL`; prints one line a check. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int create(zhandle_t *handle, const char *path, const char *value, int mode) {
    return zoo_create(handle, path, value, (int)strlen(value), &ZOO_OPEN_ACL_UNSAFE, mode, NULL, 0);
}

static int set(zhandle_t *handle, const char *path, const char *value, int version) {
    return zoo_set(handle, path, value, (int)strlen(value), version);
}

static void expect_value(zhandle_t *handle, const char *path, const char *wanted, struct Stat *stat) {
    char value[64];
    int length = sizeof value - 1;
    EXPECT_CODE(ZOK, zoo_get(handle, path, 0, value, &length, stat));
    value[length < 0 ? 0 : length] = 0;
    EXPECT(strcmp(value, wanted) == 0, "%s holds '%s' instead of '%s'", path, value, wanted);
}

static void expect_events(struct events *events, int count, const struct event *wanted) {
    WAIT_FOR(count_of(events) >= count);
    EXPECT(count_of(events) == count, "%d events instead of %d", events->count, count);
    for (int n = 0; n < count; n++)
        EXPECT(events->seen[n].type == wanted[n].type && strcmp(events->seen[n].path, wanted[n].path) == 0,
               "event %d is %d of %s instead of %d of %s", n, events->seen[n].type, events->seen[n].path,
               wanted[n].type, wanted[n].path);
}

static void expect_event(struct events *events, int type, const char *path) {
    struct event wanted = { .type = type };
    snprintf(wanted.path, PATH_BYTES, "%s", path);
    expect_events(events, 1, &wanted);
}

static void create_get_set_delete(struct bench *bench) {
    const char *path = path_of(bench, "a");
    char created[PATH_BYTES];
    struct Stat stat;
    EXPECT_CODE(ZOK, zoo_create2(bench->client, path, "one", 3, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, created,
                                 sizeof created, &stat));
    EXPECT(strcmp(created, path) == 0 && stat.dataLength == 3, "create2 answered %s", created);
    EXPECT_CODE(ZOK, zoo_set2(bench->client, path, "two", 3, 0, &stat));
    EXPECT(stat.version == 1 && stat.mzxid > stat.czxid, "version %d after a set", stat.version);
    expect_value(bench->client, path, "two", &stat);
    EXPECT_CODE(ZOK, zoo_delete(bench->client, path, 1));
    EXPECT_CODE(ZNONODE, zoo_exists(bench->client, path, 0, &stat));
}

static void errors(struct bench *bench) {
    zhandle_t *client = bench->client;
    const char *path = path_of(bench, "a"), *child = path_of(bench, "a/b");
    EXPECT_CODE(ZNONODE, create(client, child, "", ZOO_PERSISTENT));
    EXPECT_CODE(ZOK, create(client, path, "", ZOO_PERSISTENT));
    EXPECT_CODE(ZNODEEXISTS, create(client, path, "", ZOO_PERSISTENT));
    EXPECT_CODE(ZBADVERSION, set(client, path, "", 9));
    EXPECT_CODE(ZOK, create(client, child, "", ZOO_EPHEMERAL));
    EXPECT_CODE(ZNOTEMPTY, zoo_delete(client, path, -1));
    EXPECT_CODE(ZNOCHILDRENFOREPHEMERALS, create(client, path_of(bench, "a/b/c"), "", ZOO_PERSISTENT));
}

static void sequential(struct bench *bench) {
    for (int n = 0; n < 3; n++) {
        char created[PATH_BYTES], name[32];
        EXPECT_CODE(ZOK, zoo_create(bench->client, path_of(bench, "s-"), "", 0, &ZOO_OPEN_ACL_UNSAFE,
                                    ZOO_PERSISTENT_SEQUENTIAL, created, sizeof created));
        snprintf(name, sizeof name, "s-%010d", n);
        EXPECT(strcmp(created, path_of(bench, name)) == 0, "%s instead of %s", created, name);
    }
}

static void null_data(struct bench *bench) {
    char value[8];
    int length = sizeof value;
    EXPECT_CODE(ZOK, zoo_get(bench->client, bench->root, 0, value, &length, NULL));
    EXPECT(length == -1, "length %d of null data", length);
    EXPECT_CODE(ZOK, set(bench->client, bench->root, "", -1));
    length = sizeof value;
    EXPECT_CODE(ZOK, zoo_get(bench->client, bench->root, 0, value, &length, NULL));
    EXPECT(length == 0, "length %d of empty data", length);
}

static void children(struct bench *bench) {
    struct String_vector names = { 0 };
    struct Stat stat;
    EXPECT_CODE(ZOK, create(bench->client, path_of(bench, "a"), "", ZOO_PERSISTENT));
    EXPECT_CODE(ZOK, create(bench->client, path_of(bench, "b"), "", ZOO_PERSISTENT));
    EXPECT_CODE(ZOK, zoo_delete(bench->client, path_of(bench, "a"), -1));
    EXPECT_CODE(ZOK, zoo_get_children2(bench->client, bench->root, 0, &names, &stat));
    EXPECT(names.count == 1 && strcmp(names.data[0], "b") == 0, "%d children", names.count);
    EXPECT(stat.cversion == 3 && stat.numChildren == 1, "cversion %d", stat.cversion);
    deallocate_String_vector(&names);
}

static void multi(struct bench *bench) {
    const char *a = path_of(bench, "a"), *gone = path_of(bench, "gone");
    struct Stat stat = { 0 };
    char created[PATH_BYTES];
    zoo_op_t ops[5];
    zoo_op_result_t results[5];
    zoo_create_op_init(&ops[0], a, "1", 1, &ZOO_OPEN_ACL_UNSAFE, 0, created, sizeof created);
    zoo_set_op_init(&ops[1], a, "2", 1, 0, &stat);
    zoo_check_op_init(&ops[2], a, 1);
    zoo_create_op_init(&ops[3], gone, "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    zoo_delete_op_init(&ops[4], gone, 0);
    EXPECT_CODE(ZOK, zoo_multi(bench->client, 5, ops, results));
    EXPECT(strcmp(created, a) == 0 && stat.version == 1, "results: %s, version %d", created, stat.version);
    expect_value(bench->client, a, "2", NULL);
    EXPECT_CODE(ZNONODE, zoo_exists(bench->client, gone, 0, NULL));
}

static void multi_fails(struct bench *bench) {
    zoo_op_t ops[3];
    zoo_op_result_t results[3];
    zoo_create_op_init(&ops[0], path_of(bench, "a"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    zoo_check_op_init(&ops[1], bench->root, 9);
    zoo_create_op_init(&ops[2], path_of(bench, "b"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    EXPECT_CODE(ZBADVERSION, zoo_multi(bench->client, 3, ops, results));
    EXPECT(results[0].err == ZOK && results[1].err == ZBADVERSION && results[2].err == ZRUNTIMEINCONSISTENCY,
           "results %d %d %d", results[0].err, results[1].err, results[2].err);
    EXPECT_CODE(ZNONODE, zoo_exists(bench->client, path_of(bench, "a"), 0, NULL));
}

static void one_shot_watches(struct bench *bench) {
    zhandle_t *client = bench->client;
    const char *path = path_of(bench, "a");
    struct events created = NO_EVENTS, changed = NO_EVENTS, deleted = NO_EVENTS;
    EXPECT_CODE(ZNONODE, zoo_wexists(client, path, record, &created, NULL));
    EXPECT_CODE(ZOK, create(client, path, "0", ZOO_PERSISTENT));
    char value[8];
    int length = sizeof value;
    EXPECT_CODE(ZOK, zoo_wget(client, path, record, &changed, value, &length, NULL));
    EXPECT_CODE(ZOK, set(client, path, "1", -1));
    EXPECT_CODE(ZOK, set(client, path, "2", -1));
    EXPECT_CODE(ZOK, zoo_wexists(client, path, record, &deleted, NULL));
    EXPECT_CODE(ZOK, zoo_delete(client, path, -1));
    expect_event(&deleted, ZOO_DELETED_EVENT, path);
    expect_event(&created, ZOO_CREATED_EVENT, path);
    expect_event(&changed, ZOO_CHANGED_EVENT, path);
}

static void child_watch(struct bench *bench) {
    struct String_vector names = { 0 };
    struct events events = NO_EVENTS, last = NO_EVENTS;
    EXPECT_CODE(ZOK, zoo_wget_children(bench->client, bench->root, record, &events, &names));
    deallocate_String_vector(&names);
    EXPECT_CODE(ZOK, create(bench->client, path_of(bench, "a"), "", ZOO_PERSISTENT));
    EXPECT_CODE(ZNONODE, zoo_wexists(bench->client, path_of(bench, "b"), record, &last, NULL));
    EXPECT_CODE(ZOK, create(bench->client, path_of(bench, "b"), "", ZOO_PERSISTENT));
    expect_event(&last, ZOO_CREATED_EVENT, path_of(bench, "b"));
    expect_event(&events, ZOO_CHILD_EVENT, bench->root);
}

static void removed_watch_is_silent(struct bench *bench) {
    struct events removed = NO_EVENTS, kept = NO_EVENTS;
    EXPECT_CODE(ZOK, zoo_wexists(bench->client, bench->root, record, &removed, NULL));
    EXPECT_CODE(ZOK, zoo_remove_watches(bench->client, bench->root, ZWATCHTYPE_DATA, record, &removed, 0));
    EXPECT_CODE(ZOK, zoo_wexists(bench->client, bench->root, record, &kept, NULL));
    EXPECT_CODE(ZOK, set(bench->client, bench->root, "1", -1));
    expect_event(&kept, ZOO_CHANGED_EVENT, bench->root);
    for (int n = 0; n < count_of(&removed); n++)
        EXPECT(removed.seen[n].type != ZOO_CHANGED_EVENT, "a removed watch saw a change");
    EXPECT_CODE(ZNOWATCHER, zoo_remove_watches(bench->client, bench->root, ZWATCHTYPE_ANY, NULL, NULL, 0));
}

static void watches_survive_cut(struct bench *bench) {
    zhandle_t *away = connect_to(bench, bench->addresses.proxy, SESSION_TIMEOUT_MS, NULL);
    struct events created = NO_EVENTS, changed = NO_EVENTS;
    char value[8];
    int length = sizeof value;
    EXPECT_CODE(ZNONODE, zoo_wexists(away, path_of(bench, "a"), record, &created, NULL));
    EXPECT_CODE(ZOK, zoo_wget(away, bench->root, record, &changed, value, &length, NULL));
    tell_proxy(bench, "refuse");
    EXPECT_CODE(ZOK, create(bench->client, path_of(bench, "a"), "", ZOO_PERSISTENT));
    EXPECT_CODE(ZOK, set(bench->client, bench->root, "1", -1));
    tell_proxy(bench, "accept");
    expect_event(&created, ZOO_CREATED_EVENT, path_of(bench, "a"));
    expect_event(&changed, ZOO_CHANGED_EVENT, bench->root);
}

static void ephemeral(struct bench *bench) {
    zhandle_t *other = connect_to(bench, bench->addresses.server, SESSION_TIMEOUT_MS, NULL);
    struct Stat stat;
    EXPECT_CODE(ZOK, create(other, path_of(bench, "e"), "", ZOO_EPHEMERAL));
    EXPECT_CODE(ZOK, zoo_exists(bench->client, path_of(bench, "e"), 0, &stat));
    EXPECT(stat.ephemeralOwner == zoo_client_id(other)->client_id, "another owner");
    close_handle(bench, other);
    EXPECT_CODE(ZNONODE, zoo_exists(bench->client, path_of(bench, "e"), 0, &stat));
}

static void ttl_and_container_are_reaped(struct bench *bench) {
    const char *ttl = path_of(bench, "ttl"), *box = path_of(bench, "box"), *inside = path_of(bench, "box/a");
    EXPECT_CODE(ZOK, zoo_create_ttl(bench->client, ttl, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 300,
                                    NULL, 0));
    EXPECT_CODE(ZOK, create(bench->client, box, "", ZOO_CONTAINER));
    EXPECT_CODE(ZOK, create(bench->client, inside, "", ZOO_PERSISTENT));
    EXPECT_CODE(ZOK, zoo_delete(bench->client, inside, -1));
    WAIT_FOR(zoo_exists(bench->client, ttl, 0, NULL) == ZNONODE);
    WAIT_FOR(zoo_exists(bench->client, box, 0, NULL) == ZNONODE);
}

static void authenticated(int code, const void *done) {
    __atomic_store_n((int *)done, code == ZOK ? 1 : -1, __ATOMIC_SEQ_CST);
}

static zhandle_t *connect_as(struct bench *bench, const char *credentials) {
    zhandle_t *handle = connect_to(bench, bench->addresses.server, SESSION_TIMEOUT_MS, NULL);
    static int done;
    __atomic_store_n(&done, 0, __ATOMIC_SEQ_CST);
    EXPECT_CODE(ZOK, zoo_add_auth(handle, "digest", credentials, (int)strlen(credentials), authenticated, &done));
    WAIT_FOR(__atomic_load_n(&done, __ATOMIC_SEQ_CST) != 0);
    EXPECT(__atomic_load_n(&done, __ATOMIC_SEQ_CST) == 1, "the credentials were refused");
    return handle;
}

static void digest_auth(struct bench *bench) {
    zhandle_t *owner = connect_as(bench, "anna:secret");
    zhandle_t *strangers[] = { bench->client, connect_as(bench, "anna:wrong") };
    const char *path = path_of(bench, "a");
    char value[8];
    int length = sizeof value;
    EXPECT_CODE(ZOK, zoo_create(owner, path, "hidden", 6, &ZOO_CREATOR_ALL_ACL, ZOO_PERSISTENT, NULL, 0));
    for (int n = 0; n < 2; n++) {
        EXPECT_CODE(ZNOAUTH, zoo_get(strangers[n], path, 0, value, &length, NULL));
        EXPECT_CODE(ZNOAUTH, set(strangers[n], path, "", -1));
    }
    expect_value(owner, path, "hidden", NULL);
    EXPECT_CODE(ZOK, zoo_delete(owner, path, -1));
}

static void acl_change(struct bench *bench) {
    struct ACL_vector acls = { 0 };
    struct Stat stat;
    EXPECT_CODE(ZINVALIDACL, zoo_set_acl(bench->client, bench->root, -1, &ZOO_CREATOR_ALL_ACL));
    struct ACL entry = { .perms = ZOO_PERM_READ | ZOO_PERM_DELETE | ZOO_PERM_ADMIN, .id = ZOO_ANYONE_ID_UNSAFE };
    struct ACL_vector without_create = { .count = 1, .data = &entry };
    EXPECT_CODE(ZOK, zoo_set_acl(bench->client, bench->root, 0, &without_create));
    EXPECT_CODE(ZNOAUTH, create(bench->client, path_of(bench, "a"), "", ZOO_PERSISTENT));
    EXPECT_CODE(ZOK, zoo_get_acl(bench->client, bench->root, &acls, &stat));
    EXPECT(acls.count == 1 && acls.data[0].perms == entry.perms && stat.aversion == 1, "ACL read back");
    deallocate_ACL_vector(&acls);
    EXPECT_CODE(ZOK, zoo_set_acl(bench->client, bench->root, 1, &ZOO_OPEN_ACL_UNSAFE));
}

static void resume_after_cut(struct bench *bench) {
    zhandle_t *client = connect_to(bench, bench->addresses.proxy, SESSION_TIMEOUT_MS, NULL);
    int64_t session = zoo_client_id(client)->client_id;
    struct Stat stat;
    EXPECT_CODE(ZOK, create(client, path_of(bench, "e"), "", ZOO_EPHEMERAL));
    int accepted = tell_proxy(bench, "accepted");
    tell_proxy(bench, "cut");
    WAIT_FOR(tell_proxy(bench, "accepted") == accepted + 1 && zoo_state(client) == ZOO_CONNECTED_STATE);
    EXPECT_CODE(ZOK, zoo_exists(client, path_of(bench, "e"), 0, &stat));
    EXPECT(zoo_client_id(client)->client_id == session && stat.ephemeralOwner == session, "another session");
}

static void resume_with_id_and_password(struct bench *bench) {
    zhandle_t *first = connect_to(bench, bench->addresses.proxy, SESSION_TIMEOUT_MS, NULL);
    clientid_t session = *zoo_client_id(first);
    EXPECT_CODE(ZOK, create(first, path_of(bench, "e"), "", ZOO_EPHEMERAL));
    tell_proxy(bench, "refuse");
    zhandle_t *second = connect_to(bench, bench->addresses.server, SESSION_TIMEOUT_MS, &session);
    EXPECT(zoo_client_id(second)->client_id == session.client_id, "another session");
    EXPECT_CODE(ZOK, zoo_exists(second, path_of(bench, "e"), 0, NULL));
    close_handle(bench, second);
    EXPECT_CODE(ZNONODE, zoo_exists(bench->client, path_of(bench, "e"), 0, NULL));
    tell_proxy(bench, "accept");
    WAIT_FOR(zoo_state(first) == ZOO_EXPIRED_SESSION_STATE);
}

static void wrong_password_is_refused(struct bench *bench) {
    zhandle_t *owner = connect_to(bench, bench->addresses.server, SESSION_TIMEOUT_MS, NULL);
    clientid_t forged = *zoo_client_id(owner);
    EXPECT_CODE(ZOK, create(owner, path_of(bench, "e"), "", ZOO_EPHEMERAL));
    memset(forged.passwd, 'x', sizeof forged.passwd);
    zhandle_t *thief = connect_to(bench, bench->addresses.server, SESSION_TIMEOUT_MS, &forged);
    EXPECT(zoo_state(thief) == ZOO_EXPIRED_SESSION_STATE, "state %d of a thief's handle", zoo_state(thief));
    EXPECT_CODE(ZOK, zoo_exists(bench->client, path_of(bench, "e"), 0, NULL));
    /* A server may drop the owner's connection before it looks at the thief's password; the session lives on. */
    WAIT_FOR(zoo_state(owner) == ZOO_CONNECTED_STATE);
    EXPECT(zoo_client_id(owner)->client_id == forged.client_id, "the owner has another session");
}

static void expiry(struct bench *bench) {
    zhandle_t *client = connect_to(bench, bench->addresses.proxy, SHORT_SESSION_MS, NULL);
    struct events events = NO_EVENTS;
    EXPECT_CODE(ZOK, create(client, path_of(bench, "e"), "", ZOO_EPHEMERAL));
    EXPECT_CODE(ZOK, zoo_wexists(bench->client, path_of(bench, "e"), record, &events, NULL));
    tell_proxy(bench, "refuse");
    expect_event(&events, ZOO_DELETED_EVENT, path_of(bench, "e"));
    tell_proxy(bench, "accept");
    WAIT_FOR(zoo_state(client) == ZOO_EXPIRED_SESSION_STATE);
    EXPECT_CODE(ZINVALIDSTATE, zoo_exists(client, bench->root, 0, NULL));
}

#define CHECK(name) { #name, name }
static const struct { const char *name; check_fn *check; } checks[] = {
    CHECK(create_get_set_delete), CHECK(errors), CHECK(sequential), CHECK(null_data), CHECK(children),
    CHECK(multi), CHECK(multi_fails), CHECK(one_shot_watches), CHECK(child_watch), CHECK(removed_watch_is_silent),
    CHECK(watches_survive_cut), CHECK(ephemeral), CHECK(ttl_and_container_are_reaped), CHECK(digest_auth),
    CHECK(acl_change), CHECK(resume_after_cut), CHECK(resume_with_id_and_password), CHECK(wrong_password_is_refused),
    CHECK(expiry),
};

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: %s SERVER PROXY CONTROL\n", arguments[0]);
        return 2;
    }
    struct addresses addresses = { arguments[1], arguments[2], arguments[3] };
    bool all_passed = true;
    zoo_set_debug_level((ZooLogLevel)0); /* The library logs every refused connection. */
    for (size_t n = 0; n < sizeof checks / sizeof checks[0]; n++)
        all_passed &= run_check(checks[n].name, checks[n].check, addresses);
    return all_passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
