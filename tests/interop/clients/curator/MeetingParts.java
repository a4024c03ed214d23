import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;

/** Recipes for which players meet: barriers, counters, groups, znodes that stay. */
final class MeetingParts {
    private MeetingParts() {}

    static Part barrier(CuratorFramework client, String path, int members) {
        DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, path, members);
        return (verb, arguments) -> {
            switch (verb) {
                case "enter":
                    return barrier.enter(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS);
                case "leave":
                    return barrier.leave(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS);
                default:
                    throw Part.unknown(verb);
            }
        };
    }

    static Part count(CuratorFramework client, String path) throws Exception {
        SharedCount count = new SharedCount(client, path, 0);
        count.start();
        return (verb, arguments) -> {
            switch (verb) {
                case "count":
                    for (int n = 0; n < arguments.get(0).intValue(); n++) {
                        increment(count);
                    }
                    return null;
                case "value":
                    return count.getCount();
                default:
                    throw Part.unknown(verb);
            }
        };
    }

    private static void increment(SharedCount count) throws Exception {
        boolean isSet = false;
        while (!isSet) {
            isSet = count.trySetCount(count.getVersionedValue(), count.getVersionedValue().getValue() + 1);
        }
    }

    static Part atomicLong(CuratorFramework client, String path) {
        DistributedAtomicLong number = new DistributedAtomicLong(client, path, new RetryNTimes(1000, 2));
        return (verb, arguments) -> {
            switch (verb) {
                case "count":
                    for (int n = 0; n < arguments.get(0).intValue(); n++) {
                        Bench.check(number.increment().succeeded(), "an increment failed");
                    }
                    return null;
                case "value":
                    return number.get().postValue();
                default:
                    throw Part.unknown(verb);
            }
        };
    }

    static Part group(CuratorFramework client, String path, String identifier) {
        GroupMember member = new GroupMember(client, path, identifier, Bench.bytes("data of " + identifier));
        return (verb, arguments) -> {
            switch (verb) {
                case "join":
                    member.start();
                    return null;
                case "set_data":
                    member.setThisData(Bench.bytes(arguments.get(0).textValue()));
                    return null;
                case "members":
                    Map<String, String> members = new TreeMap<>();
                    member.getCurrentMembers().forEach((name, data) -> members.put(name, Bench.text(data)));
                    return members;
                case "leave":
                    member.close();
                    return null;
                default:
                    throw Part.unknown(verb);
            }
        };
    }

    static Part node(CuratorFramework client, String path, String data) {
        PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, path, Bench.bytes(data), true);
        return (verb, arguments) -> {
            switch (verb) {
                case "start":
                    node.start();
                    return null;
                case "present":
                    return node.waitForInitialCreate(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS);
                case "close":
                    node.close();
                    return null;
                default:
                    throw Part.unknown(verb);
            }
        };
    }
}
