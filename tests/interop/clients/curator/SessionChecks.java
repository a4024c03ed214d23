import static org.apache.zookeeper.KeeperException.Code;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooKeeper;

/** Sessions that outlive a connection, and sessions that end. */
final class SessionChecks {
    private SessionChecks() {}

    static void addTo(Map<String, Check> checks) {
        checks.put("resume_after_cut", SessionChecks::resumeAfterCut);
        checks.put("resume_with_id_and_password", SessionChecks::resumeWithIdAndPassword);
        checks.put("wrong_password_is_refused", SessionChecks::wrongPasswordIsRefused);
        checks.put("closed_by_a_second_handle", SessionChecks::closedByASecondHandle);
        checks.put("expiry", SessionChecks::expiry);
        checks.put("timeout_is_negotiated", SessionChecks::timeoutIsNegotiated);
    }

    private static ZooKeeper handle(CuratorFramework client) throws Exception {
        return client.getZookeeperClient().getZooKeeper();
    }

    private static List<ConnectionState> statesOf(CuratorFramework client) {
        List<ConnectionState> states = Collections.synchronizedList(new ArrayList<>());
        client.getConnectionStateListenable().addListener((any, state) -> states.add(state));
        return states;
    }

    private static void createEphemeral(Bench bench, CuratorFramework client) throws Exception {
        client.create().withMode(CreateMode.EPHEMERAL).forPath(bench.path("e"));
    }

    private static boolean ephemeralExists(Bench bench) throws Exception {
        return Bench.exists(bench.client, bench.path("e"));
    }

    private static void resumeAfterCut(Bench bench) throws Exception {
        CuratorFramework client = bench.connectThroughProxy(Bench.SESSION_TIMEOUT_MS);
        List<ConnectionState> states = statesOf(client);
        createEphemeral(bench, client);
        long session = handle(client).getSessionId();
        int accepted = Integer.parseInt(bench.tellProxy("accepted"));
        bench.tellProxy("cut");
        Bench.waitFor(() -> states.contains(ConnectionState.RECONNECTED), "the reconnection");
        Bench.check(!states.contains(ConnectionState.LOST), "the session was lost");
        Bench.expect(client.checkExists().forPath(bench.path("e")).getEphemeralOwner(), session, "owner");
        Bench.expect(handle(client).getSessionId(), session, "session");
        Bench.expect(bench.tellProxy("accepted"), String.valueOf(accepted + 1), "connections through the proxy");
    }

    private static void resumeWithIdAndPassword(Bench bench) throws Exception {
        CuratorFramework client = bench.connectThroughProxy(Bench.SESSION_TIMEOUT_MS);
        createEphemeral(bench, client);
        ZooKeeper first = handle(client);
        bench.tellProxy("refuse");
        ZooKeeper second = bench.resume(first.getSessionId(), first.getSessionPasswd());
        Bench.expect(second.getSessionId(), first.getSessionId(), "session of the second handle");
        Bench.expect(second.getEphemerals(), List.of(bench.path("e")), "ephemerals of the second handle");
        Bench.check(ephemeralExists(bench), "the ephemeral is gone");
    }

    private static void wrongPasswordIsRefused(Bench bench) throws Exception {
        CuratorFramework client = bench.connect();
        createEphemeral(bench, client);
        ZooKeeper thief = bench.resume(handle(client).getSessionId(), new byte[16]);
        Bench.expectCode(Code.SESSIONEXPIRED, () -> thief.exists(bench.root, false), "read by a thief");
        Bench.check(ephemeralExists(bench), "the ephemeral is gone");
    }

    private static void closedByASecondHandle(Bench bench) throws Exception {
        CuratorFramework client = bench.connectThroughProxy(Bench.SESSION_TIMEOUT_MS);
        List<ConnectionState> states = statesOf(client);
        createEphemeral(bench, client);
        ZooKeeper first = handle(client);
        bench.tellProxy("refuse");
        bench.resume(first.getSessionId(), first.getSessionPasswd()).close();
        Bench.check(!ephemeralExists(bench), "the ephemeral outlived its session");
        bench.tellProxy("accept");
        Bench.waitFor(() -> states.contains(ConnectionState.RECONNECTED), "a connection with a new session");
        Bench.check(states.contains(ConnectionState.LOST), "the session's end was not noticed: " + states);
        Bench.check(handle(client).getSessionId() != first.getSessionId(), "the session is the old one");
    }

    private static void expiry(Bench bench) throws Exception {
        CuratorFramework client = bench.connectThroughProxy(Bench.SHORT_SESSION_MS);
        List<ConnectionState> states = statesOf(client);
        createEphemeral(bench, client);
        ZooKeeper first = handle(client);
        bench.tellProxy("refuse");
        Bench.waitFor(() -> !ephemeralExists(bench), "expiry: the ephemeral's removal");
        bench.tellProxy("accept");
        Bench.waitFor(() -> states.contains(ConnectionState.RECONNECTED), "a connection with a new session");
        Bench.check(states.contains(ConnectionState.LOST), "the expiry was not noticed: " + states);
        Bench.expect(first.getState(), ZooKeeper.States.CLOSED, "state of the expired handle");
        Bench.check(handle(client).getSessionId() != first.getSessionId(), "the session is the old one");
    }

    private static void timeoutIsNegotiated(Bench bench) throws Exception {
        Bench.expect(handle(bench.client).getSessionTimeout(), Bench.SESSION_TIMEOUT_MS, "a timeout within the limits");
        CuratorFramework greedy = bench.connectThroughProxy(10_000_000);
        Bench.expect(handle(greedy).getSessionTimeout(), 60_000, "a timeout above the upper limit");
        CuratorFramework hasty = bench.connectThroughProxy(10);
        Bench.expect(handle(hasty).getSessionTimeout(), 500, "a timeout below the lower limit");
    }
}
