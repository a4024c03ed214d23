import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.zookeeper.CreateMode;

/** Recipes by which clients know of one another. */
final class GroupChecks {
    private GroupChecks() {}

    static void addTo(Map<String, Check> checks) {
        checks.put("leader_latch_fails_over", GroupChecks::leaderLatchFailsOver);
        checks.put("leader_latch_fails_over_on_expiry", GroupChecks::leaderLatchFailsOverOnExpiry);
        checks.put("leader_selector", GroupChecks::leaderSelector);
        checks.put("group_member", GroupChecks::groupMember);
        checks.put("shared_count", GroupChecks::sharedCount);
        checks.put("persistent_node_after_delete", GroupChecks::persistentNodeAfterDelete);
        checks.put("persistent_node_after_expiry", GroupChecks::persistentNodeAfterExpiry);
    }

    private static LeaderLatch startLatch(Bench bench, CuratorFramework client, String id) throws Exception {
        LeaderLatch latch = new LeaderLatch(client, bench.path("latch"), id);
        latch.start();
        bench.closeLater(() -> {
            if (latch.getState() == LeaderLatch.State.STARTED) {
                latch.close();
            }
        });
        return latch;
    }

    private static void leaderLatchFailsOver(Bench bench) throws Exception {
        LeaderLatch one = startLatch(bench, bench.connect(), "one");
        Bench.check(one.await(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "nobody leads");
        LeaderLatch two = startLatch(bench, bench.connect(), "two");
        Bench.waitFor(() -> two.getParticipants().size() == 2, "both participants");
        Bench.check(!two.hasLeadership(), "two leaders");
        Bench.expect(two.getLeader().getId(), "one", "leader");
        one.close();
        Bench.check(two.await(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "no fail-over");
        Bench.expect(two.getLeader().getId(), "two", "leader after the first one left");
    }

    private static void leaderLatchFailsOverOnExpiry(Bench bench) throws Exception {
        LeaderLatch one = startLatch(bench, bench.connectThroughProxy(Bench.SHORT_SESSION_MS), "one");
        Bench.check(one.await(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "nobody leads");
        LeaderLatch two = startLatch(bench, bench.connect(), "two");
        bench.tellProxy("refuse");
        Bench.check(two.await(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "no fail-over");
        Bench.waitFor(() -> !one.hasLeadership(), "the cut-off leader to stand down");
        bench.tellProxy("accept");
        Bench.waitFor(() -> two.getParticipants().size() == 2, "the first one's return");
        Bench.expect(two.getLeader().getId(), "two", "leader after the first one's return");
    }

    private static void leaderSelector(Bench bench) throws Exception {
        CountDownLatch led = new CountDownLatch(3);
        for (String id : List.of("one", "two", "three")) {
            LeaderSelector selector =
                    new LeaderSelector(bench.connect(), bench.path("selector"), new LeaderSelectorListenerAdapter() {
                        @Override
                        public void takeLeadership(CuratorFramework client) {
                            led.countDown();
                        }
                    });
            selector.setId(id);
            selector.start();
            bench.closeLater(selector);
        }
        Bench.check(led.await(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "not everyone led in turn");
    }

    private static void groupMember(Bench bench) throws Exception {
        GroupMember ann = bench.closeLater(
                new GroupMember(bench.connect(), bench.path("group"), "ann", Bench.bytes("1")));
        GroupMember bob = new GroupMember(bench.connect(), bench.path("group"), "bob", Bench.bytes("2"));
        ann.start();
        bob.start();
        Bench.waitFor(() -> ann.getCurrentMembers().keySet().equals(Set.of("ann", "bob")), "both members");
        Bench.expect(Bench.text(ann.getCurrentMembers().get("bob")), "2", "data of a member");
        bob.close();
        Bench.waitFor(() -> ann.getCurrentMembers().keySet().equals(Set.of("ann")), "the one that stayed");
    }

    private static void sharedCount(Bench bench) throws Exception {
        SharedCount one = bench.closeLater(new SharedCount(bench.client, bench.path("count"), 7));
        SharedCount two = bench.closeLater(new SharedCount(bench.connect(), bench.path("count"), 0));
        one.start();
        two.start();
        Bench.expect(two.getCount(), 7, "count of the second client");
        Bench.check(two.trySetCount(two.getVersionedValue(), 8), "the count was not set");
        Bench.waitFor(() -> one.getCount() == 8, "the new count at the first client");
    }

    private static PersistentNode startNode(Bench bench, CuratorFramework client) throws Exception {
        PersistentNode node = bench.closeLater(
                new PersistentNode(client, CreateMode.EPHEMERAL, false, bench.path("node"), Bench.bytes("here")));
        node.start();
        Bench.check(node.waitForInitialCreate(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "no node");
        return node;
    }

    private static void persistentNodeAfterDelete(Bench bench) throws Exception {
        startNode(bench, bench.connect());
        long created = bench.client.checkExists().forPath(bench.path("node")).getCzxid();
        bench.client.delete().forPath(bench.path("node"));
        Bench.waitFor(() -> Bench.exists(bench.client, bench.path("node")), "the node's return");
        Bench.check(bench.client.checkExists().forPath(bench.path("node")).getCzxid() > created, "it is the old node");
    }

    private static void persistentNodeAfterExpiry(Bench bench) throws Exception {
        startNode(bench, bench.connectThroughProxy(Bench.SHORT_SESSION_MS));
        long owner = bench.client.checkExists().forPath(bench.path("node")).getEphemeralOwner();
        bench.tellProxy("refuse");
        Bench.waitFor(() -> !Bench.exists(bench.client, bench.path("node")), "the expiry");
        bench.tellProxy("accept");
        Bench.waitFor(() -> Bench.exists(bench.client, bench.path("node")), "the node's return");
        Bench.check(bench.client.checkExists().forPath(bench.path("node")).getEphemeralOwner() != owner, "same owner");
        Bench.expect(Bench.read(bench.client, bench.path("node")), "here", "data");
    }
}
