import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;

/** What a check works with: clients, a root path that is gone afterwards, the proxy, waiting with a deadline. */
final class Bench implements AutoCloseable {
    static final int WAIT_DEADLINE_MS = 20_000;
    static final int SESSION_TIMEOUT_MS = 15_000;
    static final int SHORT_SESSION_MS = 1_000;
    private static final int POLL_MS = 20;

    /** Connected straight to the server. */
    final CuratorFramework client;
    /** The path that the check works under. */
    final String root;

    private final String server;
    private final String proxy;
    private final String control;
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    Bench(String check, String server, String proxy, String control) throws Exception {
        this.server = server;
        this.proxy = proxy;
        this.control = control;
        root = "/interop-curator-" + check + "-" + UUID.randomUUID().toString().substring(0, 8);
        tellProxy("accept");
        client = connect();
        client.create().forPath(root, bytes(""));
    }

    /** A path under the root. */
    String path(String name) {
        return root + "/" + name;
    }

    /** A client of the server, closed when the check is over. */
    CuratorFramework connect() throws Exception {
        return start(builder(server, SESSION_TIMEOUT_MS));
    }

    /** A client behind the proxy. */
    CuratorFramework connectThroughProxy(int sessionTimeoutMs) throws Exception {
        return start(builder(proxy, sessionTimeoutMs));
    }

    /** A client that has given digest credentials. */
    CuratorFramework connectAs(String credentials) throws Exception {
        return start(builder(server, SESSION_TIMEOUT_MS).authorization("digest", bytes(credentials)));
    }

    private static CuratorFrameworkFactory.Builder builder(String address, int sessionTimeoutMs) {
        return CuratorFrameworkFactory.builder()
                .connectString(address)
                .sessionTimeoutMs(sessionTimeoutMs)
                .connectionTimeoutMs(Math.min(sessionTimeoutMs, 5_000))
                .retryPolicy(new RetryNTimes(200, 50));
    }

    private CuratorFramework start(CuratorFrameworkFactory.Builder builder) throws Exception {
        CuratorFramework started = closeLater(builder.build());
        started.start();
        check(started.blockUntilConnected(WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "no connection");
        return started;
    }

    /** A bare handle that continues a session straight at the server. */
    ZooKeeper resume(long sessionId, byte[] password) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper handle = new ZooKeeper(server, SESSION_TIMEOUT_MS, event -> {
            if (event.getState() == KeeperState.SyncConnected || event.getState() == KeeperState.Expired) {
                connected.countDown();
            }
        }, sessionId, password);
        closeLater(handle::close);
        check(connected.await(WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "no connection of a second handle");
        return handle;
    }

    /** Registers something to be closed when the check is over, last opened first. */
    <T extends AutoCloseable> T closeLater(T closeable) {
        opened.push(closeable);
        return closeable;
    }

    /** Sends one command to the proxy (see interop/proxy.py) and returns its answer. */
    String tellProxy(String command) throws IOException {
        String[] hostAndPort = control.split(":");
        try (Socket socket = new Socket(hostAndPort[0], Integer.parseInt(hostAndPort[1]))) {
            socket.getOutputStream().write(bytes(command + "\n"));
            InputStreamReader answers = new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8);
            return new BufferedReader(answers).readLine();
        }
    }

    @Override
    public void close() throws Exception {
        try {
            client.delete().quietly().deletingChildrenIfNeeded().forPath(root);
        } finally {
            while (!opened.isEmpty()) {
                opened.pop().close();
            }
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** The text that a node holds. */
    static String read(CuratorFramework client, String path) throws Exception {
        return text(client.getData().forPath(path));
    }

    static boolean exists(CuratorFramework client, String path) throws Exception {
        return client.checkExists().forPath(path) != null;
    }

    static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    static void expect(Object actual, Object wanted, String what) {
        check(Objects.equals(actual, wanted), what + ": " + actual + " instead of " + wanted);
    }

    /** Fails unless the action is refused with the given code. */
    static void expectCode(KeeperException.Code code, Callable<?> action, String what) throws Exception {
        try {
            Object result = action.call();
            throw new AssertionError(what + ": no " + code + ", but " + result);
        } catch (KeeperException error) {
            expect(error.code(), code, what);
        }
    }

    /** Returns as soon as the condition holds; fails after {@link #WAIT_DEADLINE_MS}. */
    static void waitFor(Callable<Boolean> condition, String what) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(WAIT_DEADLINE_MS);
        while (!condition.call()) {
            check(System.nanoTime() < deadline, "waited in vain: " + what);
            Thread.sleep(POLL_MS);
        }
    }
}
