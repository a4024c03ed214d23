import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.CuratorWatcher;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.WatcherType;

/** One-shot, persistent and recursive watches, and the caches that Curator builds upon them. */
final class WatchChecks {
    private WatchChecks() {}

    static void addTo(Map<String, Check> checks) {
        checks.put("watch_once", WatchChecks::watchOnce);
        checks.put("child_watch_once", WatchChecks::childWatchOnce);
        checks.put("watch_of_a_missing_node", WatchChecks::watchOfAMissingNode);
        checks.put("persistent_watch", WatchChecks::persistentWatch);
        checks.put("recursive_watch", WatchChecks::recursiveWatch);
        checks.put("removed_watch_is_silent", WatchChecks::removedWatchIsSilent);
        checks.put("watches_survive_cut", WatchChecks::watchesSurviveCut);
        checks.put("persistent_watcher_recipe", WatchChecks::persistentWatcherRecipe);
        checks.put("cache_of_a_tree", WatchChecks::cacheOfATree);
        checks.put("cache_catches_up_after_cut", WatchChecks::cacheCatchesUpAfterCut);
    }

    /** Events as short texts, in order of arrival; changes of the session's state are left out. */
    private static final class Events implements CuratorWatcher {
        private final String root;
        private final LinkedBlockingQueue<String> queue = new LinkedBlockingQueue<>();

        Events(Bench bench) {
            root = bench.root;
        }

        @Override
        public void process(WatchedEvent event) {
            if (event.getType() != EventType.None) {
                queue.add(event.getType() + " " + event.getPath().substring(root.length()));
            }
        }

        void expectNext(String... wanted) throws InterruptedException {
            for (String event : wanted) {
                Bench.expect(queue.poll(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), event, "event");
            }
        }

        /** A reply that comes after all events shows that there are no more of them. */
        void expectNoMore(Bench bench) throws Exception {
            bench.client.sync().forPath(bench.root);
            Bench.expect(queue.poll(), null, "event too many");
        }
    }

    private static void watchOnce(Bench bench) throws Exception {
        Events events = new Events(bench);
        bench.client.getData().usingWatcher(events).forPath(bench.root);
        bench.client.setData().forPath(bench.root, Bench.bytes("1"));
        bench.client.setData().forPath(bench.root, Bench.bytes("2"));
        events.expectNext("NodeDataChanged ");
        events.expectNoMore(bench);
    }

    private static void childWatchOnce(Bench bench) throws Exception {
        Events events = new Events(bench);
        bench.client.getChildren().usingWatcher(events).forPath(bench.root);
        bench.client.setData().forPath(bench.root, Bench.bytes("not a child"));
        bench.client.create().forPath(bench.path("a"));
        bench.client.create().forPath(bench.path("b"));
        events.expectNext("NodeChildrenChanged ");
        events.expectNoMore(bench);
    }

    private static void watchOfAMissingNode(Bench bench) throws Exception {
        Events events = new Events(bench);
        bench.client.checkExists().usingWatcher(events).forPath(bench.path("a"));
        bench.client.create().forPath(bench.path("a"));
        bench.client.checkExists().usingWatcher(events).forPath(bench.path("a"));
        bench.client.delete().forPath(bench.path("a"));
        events.expectNext("NodeCreated /a", "NodeDeleted /a");
        events.expectNoMore(bench);
    }

    private static void persistentWatch(Bench bench) throws Exception {
        Events events = new Events(bench);
        bench.client.watchers().add().withMode(AddWatchMode.PERSISTENT).usingWatcher(events).forPath(bench.root);
        bench.client.setData().forPath(bench.root, Bench.bytes("1"));
        bench.client.setData().forPath(bench.root, Bench.bytes("2"));
        bench.client.create().forPath(bench.path("a"));
        bench.client.create().forPath(bench.path("a/b"));
        bench.client.delete().deletingChildrenIfNeeded().forPath(bench.path("a"));
        events.expectNext("NodeDataChanged ", "NodeDataChanged ", "NodeChildrenChanged ", "NodeChildrenChanged ");
        events.expectNoMore(bench);
    }

    private static void recursiveWatch(Bench bench) throws Exception {
        Events events = new Events(bench);
        addRecursiveWatch(bench.client, bench.root, events);
        bench.client.create().creatingParentsIfNeeded().forPath(bench.path("a/b"));
        bench.client.setData().forPath(bench.path("a/b"), Bench.bytes("1"));
        bench.client.setData().forPath(bench.path("a/b"), Bench.bytes("2"));
        bench.client.delete().deletingChildrenIfNeeded().forPath(bench.path("a"));
        events.expectNext("NodeCreated /a", "NodeCreated /a/b", "NodeDataChanged /a/b", "NodeDataChanged /a/b",
                "NodeDeleted /a/b", "NodeDeleted /a");
        events.expectNoMore(bench);
    }

    private static void addRecursiveWatch(CuratorFramework client, String path, Events events) throws Exception {
        client.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE).usingWatcher(events).forPath(path);
    }

    private static void removedWatchIsSilent(Bench bench) throws Exception {
        Events events = new Events(bench);
        addRecursiveWatch(bench.client, bench.root, events);
        bench.client.create().forPath(bench.path("a"));
        events.expectNext("NodeCreated /a");
        bench.client.watchers().remove(events).ofType(WatcherType.Any).forPath(bench.root);
        events.expectNext("PersistentWatchRemoved ");
        bench.client.create().forPath(bench.path("b"));
        events.expectNoMore(bench);
    }

    private static void watchesSurviveCut(Bench bench) throws Exception {
        CuratorFramework watching = bench.connectThroughProxy(Bench.SESSION_TIMEOUT_MS);
        Events once = new Events(bench);
        Events recursive = new Events(bench);
        bench.client.create().forPath(bench.path("tree"));
        watching.checkExists().usingWatcher(once).forPath(bench.path("a"));
        addRecursiveWatch(watching, bench.path("tree"), recursive);
        bench.tellProxy("refuse");
        bench.client.create().forPath(bench.path("a"));
        bench.tellProxy("accept");
        once.expectNext("NodeCreated /a");
        watching.checkExists().forPath(bench.root); // Answered after every watch is set again.
        bench.client.create().forPath(bench.path("tree/b"));
        recursive.expectNext("NodeCreated /tree/b");
    }

    private static void persistentWatcherRecipe(Bench bench) throws Exception {
        Events events = new Events(bench);
        PersistentWatcher watcher = bench.closeLater(new PersistentWatcher(bench.client, bench.root, true));
        watcher.getListenable().addListener(events::process);
        Events ready = new Events(bench);
        watcher.getResetListenable().addListener(() -> ready.queue.add("reset"));
        watcher.start();
        ready.expectNext("reset");
        bench.client.create().forPath(bench.path("a"));
        events.expectNext("NodeCreated /a");
    }

    private static CuratorCache startCache(Bench bench, CuratorFramework client, List<String> seen) {
        CuratorCache cache = bench.closeLater(CuratorCache.build(client, bench.root));
        cache.listenable().addListener(CuratorCacheListener.builder()
                .forCreates(node -> seen.add("created " + node.getPath().substring(bench.root.length())))
                .forChanges((before, after) -> seen.add("changed " + Bench.text(before.getData()) + " to "
                        + Bench.text(after.getData())))
                .forDeletes(node -> seen.add("deleted " + node.getPath().substring(bench.root.length())))
                .forInitialized(() -> seen.add("initialized"))
                .build());
        cache.start();
        return cache;
    }

    private static void cacheOfATree(Bench bench) throws Exception {
        bench.client.create().forPath(bench.path("old"), Bench.bytes("1"));
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        CuratorCache cache = startCache(bench, bench.client, seen);
        Bench.waitFor(() -> seen.contains("initialized"), "the first picture");
        Bench.expect(seen.size(), 3, "events up to the first picture");
        seen.clear();
        CuratorFramework writer = bench.connect();
        writer.create().creatingParentsIfNeeded().forPath(bench.path("new/leaf"), Bench.bytes("2"));
        Bench.waitFor(() -> cache.size() == 4, "the new nodes");
        writer.setData().forPath(bench.path("old"), Bench.bytes("3"));
        Bench.waitFor(() -> seen.contains("changed 1 to 3"), "the change");
        writer.delete().forPath(bench.path("new/leaf"));
        Bench.waitFor(() -> seen.contains("deleted /new/leaf"), "the deletion");
        List<String> wanted = List.of("created /new", "created /new/leaf", "changed 1 to 3", "deleted /new/leaf");
        Bench.expect(seen, wanted, "events");
        Bench.expect(Bench.text(cache.get(bench.path("old")).get().getData()), "3", "cached data");
    }

    private static void cacheCatchesUpAfterCut(Bench bench) throws Exception {
        bench.client.create().forPath(bench.path("old"));
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        CuratorCache cache = startCache(bench, bench.connectThroughProxy(Bench.SESSION_TIMEOUT_MS), seen);
        Bench.waitFor(() -> seen.contains("initialized"), "the first picture");
        bench.tellProxy("refuse");
        bench.client.delete().forPath(bench.path("old"));
        bench.client.create().forPath(bench.path("new"), Bench.bytes("1"));
        bench.tellProxy("accept");
        Bench.waitFor(() -> cache.get(bench.path("old")).isEmpty() && cache.get(bench.path("new")).isPresent(),
                "what changed while away");
        bench.client.setData().forPath(bench.path("new"), Bench.bytes("2"));
        Bench.waitFor(() -> seen.contains("changed 1 to 2"), "a change after the reconnection");
    }
}
