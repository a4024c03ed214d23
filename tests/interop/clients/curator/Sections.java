import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.CreateMode;

/** What players do inside a lock, so that two at a time are seen: a znode counts without being atomic. */
final class Sections {
    private Sections() {}

    /** Makes the number odd, then even again, as nobody may while another does. Returns what it came to be. */
    static long write(CuratorFramework client, String counter) throws Exception {
        long seen = number(client, counter);
        Bench.check(seen % 2 == 0, "inside together with a writer at " + seen);
        client.setData().forPath(counter, Bench.bytes(String.valueOf(seen + 1)));
        client.setData().forPath(counter, Bench.bytes(String.valueOf(seen + 2)));
        return seen + 2;
    }

    /** Looks twice for a number that has to be the same, and even. */
    static long read(CuratorFramework client, String counter) throws Exception {
        long seen = number(client, counter);
        Bench.check(seen % 2 == 0 && seen == number(client, counter), "inside together with a writer at " + seen);
        return seen;
    }

    /** Enters a place, counts who is there, leaves. */
    static long visit(CuratorFramework client, String place) throws Exception {
        String own = client.create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(place + "/v");
        long present = client.getChildren().forPath(place).size();
        client.delete().forPath(own);
        return present;
    }

    static List<Object> repeat(int times, Callable<Object> turn) throws Exception {
        List<Object> told = new ArrayList<>();
        for (int n = 0; n < times; n++) {
            told.add(turn.call());
        }
        return told;
    }

    static long token(CuratorFramework client, String path) throws Exception {
        return client.checkExists().forPath(path).getCzxid();
    }

    private static long number(CuratorFramework client, String counter) throws Exception {
        return Long.parseLong(Bench.read(client, counter));
    }
}
