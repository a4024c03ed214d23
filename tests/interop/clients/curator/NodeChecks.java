import static org.apache.zookeeper.KeeperException.Code;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.CuratorEvent;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/** Reading and writing nodes of every kind, and who may. */
final class NodeChecks {
    private NodeChecks() {}

    static void addTo(Map<String, Check> checks) {
        checks.put("create_read_write_delete", NodeChecks::createReadWriteDelete);
        checks.put("errors", NodeChecks::errors);
        checks.put("sequential", NodeChecks::sequential);
        checks.put("protected_create", NodeChecks::protectedCreate);
        checks.put("create_or_set", NodeChecks::createOrSet);
        checks.put("background", NodeChecks::background);
        checks.put("namespace", NodeChecks::namespace);
        checks.put("ephemeral", NodeChecks::ephemeral);
        checks.put("ttl_node_is_reaped", NodeChecks::ttlNodeIsReaped);
        checks.put("container_parents_are_reaped", NodeChecks::containerParentsAreReaped);
        checks.put("digest_auth", NodeChecks::digestAuth);
        checks.put("acl_change", NodeChecks::aclChange);
        checks.put("sync", NodeChecks::sync);
    }

    private static void createReadWriteDelete(Bench bench) throws Exception {
        CuratorFramework client = bench.client;
        String path = bench.path("a/b");
        Stat stat = new Stat();
        Bench.expect(
                client.create().storingStatIn(stat).creatingParentsIfNeeded().forPath(path, Bench.bytes("one")),
                path, "created path");
        Bench.expect(stat.getDataLength(), 3, "data length after create");
        Bench.expect(client.setData().withVersion(0).forPath(path, Bench.bytes("two")).getVersion(), 1, "version");
        Bench.expect(Bench.text(client.getData().storingStatIn(stat).forPath(path)), "two", "data");
        Bench.check(stat.getMzxid() > stat.getCzxid(), "mzxid did not grow");
        client.delete().withVersion(1).forPath(path);
        Bench.expect(client.getChildren().forPath(bench.path("a")), List.of(), "children after delete");
    }

    private static void errors(Bench bench) throws Exception {
        CuratorFramework client = bench.client;
        String path = bench.path("node");
        Bench.expectCode(Code.NONODE, () -> client.getData().forPath(path), "read of a missing node");
        Bench.expectCode(Code.NONODE, () -> client.create().forPath(path + "/x"), "create without a parent");
        client.create().forPath(path);
        client.create().forPath(path + "/x");
        Bench.expectCode(Code.NODEEXISTS, () -> client.create().forPath(path), "create twice");
        Bench.expectCode(Code.BADVERSION, () -> client.setData().withVersion(5).forPath(path), "wrong version");
        Bench.expectCode(Code.NOTEMPTY, () -> client.delete().forPath(path), "delete with a child");
        client.create().withMode(CreateMode.EPHEMERAL).forPath(path + "/e");
        Bench.expectCode(
                Code.NOCHILDRENFOREPHEMERALS, () -> client.create().forPath(path + "/e/x"), "child of an ephemeral");
    }

    private static void sequential(Bench bench) throws Exception {
        List<String> wanted = IntStream.range(0, 3)
                .mapToObj(n -> bench.path(String.format("s-%010d", n)))
                .collect(Collectors.toList());
        for (String name : wanted) {
            Bench.expect(
                    bench.client.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath(bench.path("s-")),
                    name, "sequential name");
        }
    }

    private static void protectedCreate(Bench bench) throws Exception {
        String path = bench.client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                .forPath(bench.path("p-"));
        Bench.check(path.matches(bench.root + "/_c_[0-9a-f-]{36}-p-0000000000"), "protected name: " + path);
        Bench.check(Bench.exists(bench.client, path), "no protected node");
    }

    private static void createOrSet(Bench bench) throws Exception {
        for (String value : List.of("first", "second")) {
            bench.client.create().orSetData().forPath(bench.path("node"), Bench.bytes(value));
            Bench.expect(Bench.read(bench.client, bench.path("node")), value, "data");
        }
    }

    private static void background(Bench bench) throws Exception {
        BlockingQueue<CuratorEvent> done = new ArrayBlockingQueue<>(200);
        for (int n = 0; n < 100; n++) {
            bench.client.create().inBackground((client, event) -> done.add(event))
                    .forPath(bench.path("n" + n), Bench.bytes("" + n));
        }
        for (int n = 0; n < 100; n++) {
            CuratorEvent event = done.poll(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS);
            Bench.expect(event.getResultCode(), 0, "result of a create in the background");
            Bench.expect(event.getPath(), bench.path("n" + n), "order of the results");
        }
    }

    private static void namespace(Bench bench) throws Exception {
        CuratorFramework inside = bench.client.usingNamespace(bench.root.substring(1) + "/name/space");
        inside.create().forPath("/node", Bench.bytes("inside"));
        Bench.expect(Bench.read(bench.client, bench.path("name/space/node")), "inside", "data seen from outside");
        Bench.expect(inside.getChildren().forPath("/"), List.of("node"), "children seen from inside");
    }

    private static void ephemeral(Bench bench) throws Exception {
        CuratorFramework other = bench.connect();
        other.create().withMode(CreateMode.EPHEMERAL).forPath(bench.path("e"));
        Bench.expect(bench.client.checkExists().forPath(bench.path("e")).getEphemeralOwner(),
                other.getZookeeperClient().getZooKeeper().getSessionId(), "owner");
        other.close();
        Bench.check(!Bench.exists(bench.client, bench.path("e")), "the ephemeral outlived its session");
    }

    private static void ttlNodeIsReaped(Bench bench) throws Exception {
        bench.client.create().withTtl(300).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(bench.path("short"));
        bench.client.create().withTtl(600_000).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL)
                .forPath(bench.path("long-"));
        Bench.expect(bench.client.checkExists().forPath(bench.path("short")).getEphemeralOwner(), 0L, "owner");
        Bench.waitFor(() -> !Bench.exists(bench.client, bench.path("short")), "removal of the node past its TTL");
        Bench.expect(bench.client.getChildren().forPath(bench.root), List.of("long-0000000001"), "what is left");
    }

    private static void containerParentsAreReaped(Bench bench) throws Exception {
        String child = bench.path("box/inner/node");
        bench.client.create().creatingParentContainersIfNeeded().forPath(child);
        bench.client.create().forPath(bench.path("plain"));
        bench.client.create().forPath(bench.path("plain/node"));
        bench.client.delete().forPath(bench.path("plain/node"));
        bench.client.delete().forPath(child);
        Bench.waitFor(() -> !Bench.exists(bench.client, bench.path("box")), "removal of the empty containers");
        Bench.check(Bench.exists(bench.client, bench.path("plain")), "an ordinary node was removed as well");
    }

    private static void digestAuth(Bench bench) throws Exception {
        CuratorFramework owner = bench.connectAs("anna:secret");
        CuratorFramework wrong = bench.connectAs("anna:wrong");
        String path = bench.path("private");
        owner.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath(path, Bench.bytes("hidden"));
        for (CuratorFramework stranger : List.of(bench.client, wrong)) {
            Bench.expectCode(Code.NOAUTH, () -> stranger.getData().forPath(path), "read by a stranger");
            Bench.expectCode(Code.NOAUTH, () -> stranger.setData().forPath(path), "write by a stranger");
            Bench.expectCode(Code.NOAUTH, () -> stranger.getACL().forPath(path), "getACL by a stranger");
        }
        Bench.expect(Bench.read(bench.connectAs("anna:secret"), path), "hidden", "read by another of the owner's");
        ACL acl = owner.getACL().forPath(path).get(0);
        Bench.expect(acl.getId().getScheme() + " " + acl.getPerms(), "digest 31", "ACL");
        owner.delete().forPath(path);
    }

    private static void aclChange(Bench bench) throws Exception {
        bench.client.setACL().withVersion(0).withACL(ZooDefs.Ids.READ_ACL_UNSAFE).forPath(bench.root);
        Bench.expectCode(Code.NOAUTH, () -> bench.client.create().forPath(bench.path("x")), "create");
        Bench.expectCode(Code.NOAUTH, () -> bench.client.setACL().withACL(ZooDefs.Ids.OPEN_ACL_UNSAFE)
                .forPath(bench.root), "setACL without ADMIN");
        Bench.expect(bench.client.checkExists().forPath(bench.root).getAversion(), 1, "ACL version");
        Bench.expectCode(Code.INVALIDACL, () -> bench.client.create()
                .withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath(bench.path("y")), "creator's ACL without credentials");
    }

    private static void sync(Bench bench) throws Exception {
        CuratorFramework other = bench.connect();
        TreeSet<String> seen = new TreeSet<>();
        for (String name : List.of("a", "b", "c")) {
            bench.client.create().forPath(bench.path(name));
            other.sync().forPath(bench.root);
            seen.addAll(other.getChildren().forPath(bench.root));
            Bench.check(seen.contains(name), "a synced client does not see " + name);
        }
    }
}
