#include "bench.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static jmp_buf failed;
static char reason[512];

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    longjmp(failed, 1);
}

int poll_once(void) {
    usleep(20 * 1000);
    return 20;
}

zhandle_t *connect_to(struct bench *bench, const char *address, int timeout_ms, const clientid_t *session) {
    EXPECT(bench->opened_count < HANDLES, "more handles than the bench has room for");
    zhandle_t *handle = zookeeper_init(address, NULL, timeout_ms, session, NULL, 0);
    EXPECT(handle != NULL, "no handle for %s", address);
    bench->opened[bench->opened_count++] = handle;
    WAIT_FOR(zoo_state(handle) == ZOO_CONNECTED_STATE || is_unrecoverable(handle));
    return handle;
}

void close_handle(struct bench *bench, zhandle_t *handle) {
    for (int n = 0; n < bench->opened_count; n++)
        if (bench->opened[n] == handle) bench->opened[n] = NULL;
    zookeeper_close(handle);
}

const char *path_of(struct bench *bench, const char *name) {
    static char paths[8][PATH_BYTES];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, PATH_BYTES, "%.200s/%.40s", bench->root, name);
    return path;
}

int tell_proxy(struct bench *bench, const char *command) {
    char host[64], answer[64] = "";
    int port, connection = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(sscanf(bench->addresses.control, "%63[^:]:%d", host, &port) == 2, "no control address");
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    inet_pton(AF_INET, host, &address.sin_addr);
    EXPECT(connect(connection, (struct sockaddr *)&address, sizeof address) == 0, "the proxy is not there");
    dprintf(connection, "%s\n", command);
    EXPECT(read(connection, answer, sizeof answer - 1) > 0, "the proxy did not answer %s", command);
    close(connection);
    return atoi(answer);
}

void record(zhandle_t *handle, int type, int state, const char *path, void *context) {
    (void)handle, (void)state;
    struct events *events = context;
    if (type == ZOO_SESSION_EVENT) return;
    pthread_mutex_lock(&events->lock);
    if (events->count < EVENTS) {
        struct event *event = &events->seen[events->count++];
        event->type = type;
        snprintf(event->path, PATH_BYTES, "%s", path);
    }
    pthread_mutex_unlock(&events->lock);
}

int count_of(struct events *events) {
    pthread_mutex_lock(&events->lock);
    int count = events->count;
    pthread_mutex_unlock(&events->lock);
    return count;
}

static void remove_tree(zhandle_t *handle, const char *path) {
    struct String_vector names = { 0 };
    EXPECT_CODE(ZOK, zoo_get_children(handle, path, 0, &names));
    for (int n = 0; n < names.count; n++) {
        char child[PATH_BYTES * 2];
        snprintf(child, sizeof child, "%s/%s", path, names.data[n]);
        remove_tree(handle, child);
    }
    deallocate_String_vector(&names);
    EXPECT_CODE(ZOK, zoo_delete(handle, path, -1));
}

static void open_bench(struct bench *bench, const char *name) {
    static unsigned run;
    snprintf(bench->root, PATH_BYTES, "/interop-c-%s-%d-%u", name, (int)getpid(), run++);
    tell_proxy(bench, "accept");
    bench->client = connect_to(bench, bench->addresses.server, SESSION_TIMEOUT_MS, NULL);
    EXPECT_CODE(ZOK, zoo_create(bench->client, bench->root, NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0));
}

static void close_handles(struct bench *bench) {
    for (int n = bench->opened_count - 1; n >= 0; n--)
        if (bench->opened[n] != NULL) zookeeper_close(bench->opened[n]);
}

bool run_check(const char *name, check_fn *check, struct addresses addresses) {
    struct bench bench = { .addresses = addresses };
    bool passed = setjmp(failed) == 0;
    if (passed) {
        open_bench(&bench, name);
        check(&bench);
        remove_tree(bench.client, bench.root);
    }
    close_handles(&bench);
    if (passed) printf("ok %s\n", name);
    else printf("FAILED %s: %s\n", name, reason);
    fflush(stdout);
    return passed;
}
