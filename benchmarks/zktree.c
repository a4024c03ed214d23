/*
 * zktree: makes a large tree on a ZooKeeper server, and times reads of it.
 *
 *   zktree fill  -s 127.0.0.1:2181 -n 1000000 -b 100 -c 4 -d 256
 *   zktree probe -s 127.0.0.1:2181 -n 1000000 -c 8 -q 2000 -t 20
 *
 * fill creates n nodes below ten parents as fast as the server takes them.
 * probe reads random nodes of that tree at a fixed rate of q reads a second,
 * whether or not earlier ones were answered, so that a stall of the server is
 * felt by every read that falls into it and not by one read per connection.
 * Both print one JSON object.
 *
 * What always holds: the replies of one connection come back in request order,
 * so a ring of sending times per connection is enough to match them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { OP_CREATE = 1, OP_GET = 4, NODE_EXISTS = -110, PARENTS = 10, MAX_EVENTS = 64, MAX_VALUE = 4096 };
enum { BUFFER = 1 << 20, FRAME_ROOM = MAX_VALUE + 256, RING = 1 << 16 };
enum { BUCKETS = 10000001 }; /* one per microsecond, and a last one for more than ten seconds */

typedef struct {
    int fd;
    int32_t xid;
    uint32_t sent, answered;
    size_t out_from, out_end, in_end;
    uint64_t sent_ns[RING];
    uint8_t out[BUFFER], in[BUFFER];
} Conn;

static const char *opt_server = "127.0.0.1:2181";
static long opt_nodes = 1000000, next_node = 0;
static int opt_bytes = 100, opt_conns = 4, opt_depth = 256, opt_rate = 2000;
static double opt_secs = 20;
static uint64_t errors, answers, worst_late_ns, random_state = 88172645463325252ull;
static uint32_t *histogram;

static void fail(const char *what) {
    fprintf(stderr, "zktree: %s: %s\n", what, errno ? strerror(errno) : "refused");
    exit(2);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* ---- requests ---------------------------------------------------------- */

static uint8_t *put_int(uint8_t *p, int32_t v) {
    v = htobe32(v);
    return (uint8_t *)memcpy(p, &v, 4) + 4;
}

static uint8_t *put_bytes(uint8_t *p, const void *bytes, int n) { return (uint8_t *)memcpy(put_int(p, n), bytes, n) + n; }
static uint8_t *put_string(uint8_t *p, const char *s) { return put_bytes(p, s, strlen(s)); }

/* Starts a frame: its length is known only at the end, so that word is left open. */
static uint8_t *open_frame(Conn *c, int op, const char *path) {
    if (BUFFER - c->out_end < FRAME_ROOM || c->sent - c->answered >= RING) { errno = ENOBUFS; fail("too much unanswered"); }
    return put_string(put_int(put_int(c->out + c->out_end + 4, ++c->xid), op), path);
}

static void close_frame(Conn *c, uint8_t *end) {
    uint8_t *frame = c->out + c->out_end;
    put_int(frame, end - frame - 4);
    c->out_end = end - c->out;
    c->sent_ns[c->sent++ % RING] = now_ns();
}

static void add_create(Conn *c, const char *path, const void *value, int bytes) {
    uint8_t *p = put_bytes(open_frame(c, OP_CREATE, path), value, bytes);
    p = put_string(put_string(put_int(put_int(p, 1), 31), "world"), "anyone"); /* one ACL entry: all rights */
    close_frame(c, put_int(p, 0));
}

static void node_path(char *path, size_t size, long node) { snprintf(path, size, "/tree/p%ld/n%07ld", node % PARENTS, node); }

/* Every value is different: a server may not save memory by sharing equal ones. */
static void add_next_node(Conn *c) {
    char path[64];
    uint8_t value[MAX_VALUE];
    for (int i = 0; i < opt_bytes; i++) value[i] = next_random();
    node_path(path, sizeof path, next_node++);
    add_create(c, path, value, opt_bytes);
}

static void add_random_read(Conn *c) {
    char path[64];
    node_path(path, sizeof path, next_random() % opt_nodes);
    uint8_t *p = open_frame(c, OP_GET, path);
    *p++ = 0; /* no watch */
    close_frame(c, p);
}

/* ---- sending and receiving --------------------------------------------- */

static void send_pending(Conn *c) {
    while (c->out_from < c->out_end) {
        ssize_t n = send(c->fd, c->out + c->out_from, c->out_end - c->out_from, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) fail("send");
        c->out_from += n;
    }
    memmove(c->out, c->out + c->out_from, c->out_end - c->out_from);
    c->out_end -= c->out_from;
    c->out_from = 0;
}

static void on_reply(Conn *c, const uint8_t *reply) {
    int32_t xid, error;
    memcpy(&xid, reply, 4);
    memcpy(&error, reply + 12, 4);
    if ((int32_t)be32toh(xid) < 0) return; /* a ping or an event */
    if (error && (int32_t)be32toh(error) != NODE_EXISTS) errors++;
    uint64_t us = (now_ns() - c->sent_ns[c->answered++ % RING]) / 1000;
    histogram[us < BUCKETS - 1 ? us : BUCKETS - 1]++;
    answers++;
}

static void receive(Conn *c) {
    ssize_t n = recv(c->fd, c->in + c->in_end, BUFFER - c->in_end, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("connection lost");
    c->in_end += n;
    size_t from = 0;
    while (c->in_end - from >= 4) {
        uint32_t length;
        memcpy(&length, c->in + from, 4);
        length = be32toh(length);
        if (c->in_end - from - 4 < length) break;
        on_reply(c, c->in + from + 4);
        from += 4 + length;
    }
    memmove(c->in, c->in + from, c->in_end - from);
    c->in_end -= from;
}

static void receive_all(Conn *c, size_t wanted) {
    for (c->in_end = 0; c->in_end < wanted;) {
        ssize_t n = recv(c->fd, c->in + c->in_end, wanted - c->in_end, 0);
        if (n <= 0) fail("no session");
        c->in_end += n;
    }
    c->in_end = 0;
}

static void open_session(Conn *c) {
    char host[64];
    int port, one = 1;
    if (sscanf(opt_server, "%63[^:]:%d", host, &port) != 2) { errno = EINVAL; fail("-s"); }
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    inet_pton(AF_INET, host, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&to, sizeof to)) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    uint8_t hello[49] = { 0 }; /* length, version, zxid (8), timeout, session id (8), password (4 + 16), read-only */
    put_int(hello, 45);
    put_int(hello + 16, 30000);
    put_int(hello + 28, 16);
    if (send(c->fd, hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello) fail("send");
    receive_all(c, 41); /* length, version, timeout, session id (8), password (4 + 16), read-only */
}

static Conn *open_connections(void) {
    Conn *conns = calloc(opt_conns, sizeof *conns);
    if (!conns) fail("memory");
    for (int i = 0; i < opt_conns; i++) open_session(&conns[i]);
    return conns;
}

static int poll_connections(Conn *conns) {
    int epoll = epoll_create1(0);
    for (int i = 0; i < opt_conns; i++) {
        fcntl(conns[i].fd, F_SETFL, O_NONBLOCK);
        struct epoll_event readable = { EPOLLIN, { .ptr = &conns[i] } };
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, conns[i].fd, &readable)) fail("epoll");
    }
    return epoll;
}

/* ---- fill -------------------------------------------------------------- */

static void create_parents(Conn *c) {
    char path[64];
    add_create(c, "/tree", "", 0);
    for (int i = 0; i < PARENTS; i++) {
        snprintf(path, sizeof path, "/tree/p%d", i);
        add_create(c, path, "", 0);
    }
    for (send_pending(c); c->answered < c->sent;) receive(c);
}

static void top_up(Conn *c) {
    while (c->sent - c->answered < (uint32_t)opt_depth && next_node < opt_nodes) add_next_node(c);
    send_pending(c);
}

static void fill(void) {
    Conn *conns = open_connections();
    create_parents(&conns[0]);
    int epoll = poll_connections(conns);
    struct epoll_event events[MAX_EVENTS];
    uint64_t start = now_ns(), wanted = answers + opt_nodes;
    for (int i = 0; i < opt_conns; i++) top_up(&conns[i]);
    while (answers < wanted) {
        int n = epoll_wait(epoll, events, MAX_EVENTS, 1000);
        for (int i = 0; i < n; i++) {
            receive(events[i].data.ptr);
            top_up(events[i].data.ptr);
        }
    }
    printf("{\"nodes\": %ld, \"errors\": %lu, \"secs\": %.3f}\n", opt_nodes, errors, (now_ns() - start) / 1e9);
}

/* ---- probe ------------------------------------------------------------- */

static int start_timer(void) {
    long period = 1000000000l / opt_rate;
    struct itimerspec every = { { period / 1000000000l, period % 1000000000l }, { 0, 1 } };
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (timer < 0 || timerfd_settime(timer, 0, &every, NULL)) fail("timer");
    return timer;
}

static void send_due_reads(Conn *conns, int timer, uint64_t *turn) {
    uint64_t due;
    if (read(timer, &due, sizeof due) != sizeof due) return;
    uint64_t late_ns = (due - 1) * (1000000000ull / opt_rate);
    if (late_ns > worst_late_ns) worst_late_ns = late_ns;
    for (; due; due--) {
        Conn *c = &conns[(*turn)++ % opt_conns];
        add_random_read(c);
        send_pending(c);
    }
}

static long quantile_us(double q) {
    uint64_t seen = 0;
    for (long us = 0; us < BUCKETS; us++)
        if ((seen += histogram[us]) >= q * answers) return us;
    return BUCKETS;
}

static long slowest_us(void) {
    long us = BUCKETS - 1;
    while (us && !histogram[us]) us--;
    return us;
}

static void print_probe(uint64_t sent) {
    printf("{\"reads\": %lu, \"unanswered\": %lu, \"errors\": %lu, \"p50_us\": %ld, \"p99_us\": %ld, \"p999_us\": %ld, "
           "\"max_us\": %ld, \"worst_late_us\": %lu}\n",
           answers, sent - answers, errors, quantile_us(.5), quantile_us(.99), quantile_us(.999), slowest_us(), worst_late_ns / 1000);
}

/* Sends for opt_secs and then waits for what is still unanswered, for at most ten seconds. */
static void probe(void) {
    Conn *conns = open_connections();
    int epoll = poll_connections(conns), timer = start_timer(), sending = 1;
    struct epoll_event events[MAX_EVENTS], tick = { EPOLLIN, { .ptr = NULL } };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &tick)) fail("epoll");
    uint64_t sent = 0, end = now_ns() + (uint64_t)(opt_secs * 1e9), give_up = end + 10000000000ull;
    while ((sending || answers < sent) && now_ns() < give_up) {
        int n = epoll_wait(epoll, events, MAX_EVENTS, 100);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) receive(events[i].data.ptr);
            else if (sending) send_due_reads(conns, timer, &sent);
        }
        if (sending && now_ns() >= end) { sending = 0; close(timer); }
    }
    print_probe(sent);
}

/* ---- command line ------------------------------------------------------ */

static void usage(void) {
    fprintf(stderr, "usage: zktree fill|probe [-s host:port] [-n nodes] [-b bytes] [-c connections] [-d depth] [-q reads/s] [-t secs]\n");
    exit(2);
}

static void parse(int argc, char **argv) {
    for (int o; (o = getopt(argc, argv, "s:n:b:c:d:q:t:")) != -1;) switch (o) {
        case 's': opt_server = optarg; break;
        case 'n': opt_nodes = atol(optarg); break;
        case 'b': opt_bytes = atoi(optarg); break;
        case 'c': opt_conns = atoi(optarg); break;
        case 'd': opt_depth = atoi(optarg); break;
        case 'q': opt_rate = atoi(optarg); break;
        case 't': opt_secs = atof(optarg); break;
        default: usage();
    }
    if (opt_nodes < 1 || opt_bytes < 0 || opt_bytes > MAX_VALUE || opt_conns < 1 || opt_depth < 1 || opt_rate < 1) usage();
    if ((long)opt_depth * (opt_bytes + 256) > BUFFER || opt_depth > RING) usage();
}

int main(int argc, char **argv) {
    if (argc < 2) usage();
    parse(argc - 1, argv + 1);
    histogram = calloc(BUCKETS, sizeof *histogram);
    if (!histogram) fail("memory");
    if (!strcmp(argv[1], "fill")) fill();
    else if (!strcmp(argv[1], "probe")) probe();
    else usage();
    return errors ? 1 : 0;
}
