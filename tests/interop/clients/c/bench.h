/* What each check works with: handles, a root path that is gone afterwards, the proxy, waiting with a deadline. */
#ifndef BENCH_H
#define BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <zookeeper/zookeeper.h>

enum { PATH_BYTES = 256, HANDLES = 8, EVENTS = 16, SESSION_TIMEOUT_MS = 15000, SHORT_SESSION_MS = 1000 };

struct addresses {
    const char *server, *proxy, *control;
};

struct event {
    int type;
    char path[PATH_BYTES];
};

/* What one watch has seen; a watcher's context. Session events are not kept. */
struct events {
    pthread_mutex_t lock;
    int count;
    struct event seen[EVENTS];
};
#define NO_EVENTS { .lock = PTHREAD_MUTEX_INITIALIZER }

struct bench {
    struct addresses addresses;
    char root[PATH_BYTES];
    zhandle_t *client; /* connected straight to the server */
    zhandle_t *opened[HANDLES];
    int opened_count;
};

typedef void check_fn(struct bench *bench);

/* Runs one check with a bench of its own, prints its line and says whether it passed. */
bool run_check(const char *name, check_fn *check, struct addresses addresses);

/* A connected handle, closed when the check is over; `session` may name one to continue, or be NULL. */
zhandle_t *connect_to(struct bench *bench, const char *address, int timeout_ms, const clientid_t *session);

/* Closes a handle before the check is over. */
void close_handle(struct bench *bench, zhandle_t *handle);

/* A path under the root, in a buffer that the next few calls leave alone. */
const char *path_of(struct bench *bench, const char *name);

/* Sends one command to the proxy (see interop/proxy.py) and returns the number that it answers, or 0. */
int tell_proxy(struct bench *bench, const char *command);

/* A watcher function whose context is a `struct events`. */
void record(zhandle_t *handle, int type, int state, const char *path, void *events);

int count_of(struct events *events);

/* Ends the check as failed, with a printf-style reason. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define EXPECT(holds, ...) do { if (!(holds)) fail(__VA_ARGS__); } while (0)

/* Fails unless a call of the library returns `code`. */
#define EXPECT_CODE(code, call) do { \
        int result_ = (call); \
        if (result_ != (code)) fail("%s gave %d (%s) instead of %d", #call, result_, zerror(result_), (code)); \
    } while (0)

/* Goes on as soon as the condition holds; fails after the deadline. */
#define WAIT_FOR(condition) do { \
        for (int waited_ms_ = 0; !(condition); waited_ms_ += poll_once()) \
            EXPECT(waited_ms_ < 20000, "waited in vain for %s", #condition); \
    } while (0)

/* Waits for a moment and returns its length in milliseconds. */
int poll_once(void);

#endif
