import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;

/** Curator's recipes as a process that is told what to do: {@code Player SERVER SESSION_TIMEOUT_MS}; see players.py. */
final class Player {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final CuratorFramework client;
    private final PrintStream replies = System.out;
    private final Map<String, Actor> actors = new HashMap<>();

    private Player(CuratorFramework client) {
        this.client = client;
    }

    public static void main(String[] arguments) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder()
                .connectString(arguments[0])
                .sessionTimeoutMs(Integer.parseInt(arguments[1]))
                .connectionTimeoutMs(5_000)
                .retryPolicy(new RetryNTimes(200, 50))
                .build();
        client.start();
        Bench.check(client.blockUntilConnected(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "no connection");
        new Player(client).obeyAll();
        client.close();
        Runtime.getRuntime().halt(0); // Threads of parts may wait for something that will never happen.
    }

    private void obeyAll() throws Exception {
        reply("", "value", "ready");
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = orders.readLine(); line != null; line = orders.readLine()) {
            JsonNode order = JSON.readTree(line);
            actors.computeIfAbsent(order.get("actor").textValue(), Actor::new).obeyLater(order);
        }
    }

    private synchronized void reply(String actor, String kind, Object value) throws Exception {
        Map<String, Object> reply = new LinkedHashMap<>();
        reply.put("actor", actor);
        reply.put(kind, value);
        replies.println(JSON.writeValueAsString(reply));
        replies.flush();
    }

    /** Obeys its orders one after the other, all on one thread: Curator's locks belong to threads. */
    private final class Actor {
        private final String name;
        private final ExecutorService thread;
        private Part part = (verb, arguments) -> {
            throw new IllegalStateException("no part yet");
        };

        Actor(String name) {
            this.name = name;
            this.thread = Executors.newSingleThreadExecutor();
        }

        void obeyLater(JsonNode order) {
            thread.execute(() -> {
                try {
                    obey(order);
                } catch (Exception error) {
                    error.printStackTrace();
                }
            });
        }

        private void obey(JsonNode order) throws Exception {
            try {
                reply(name, "value", play(order.get("verb").textValue(), order.get("arguments")));
            } catch (Exception | AssertionError error) {
                error.printStackTrace();
                reply(name, "error", String.valueOf(error));
            }
        }

        private Object play(String verb, JsonNode arguments) throws Exception {
            if (!verb.equals("use")) {
                return part.play(verb, arguments);
            }
            String recipe = arguments.get(0).textValue();
            String path = arguments.get(1).textValue();
            part = part(recipe, path, arguments.get(2).textValue(), arguments.get(3).intValue());
            return null;
        }
    }

    /** {@code limit} is a number of leases or members. */
    private Part part(String recipe, String path, String identifier, int limit) throws Exception {
        switch (recipe) {
            case "mutex":
                return LockPart.mutex(client, path);
            case "read":
                return LockPart.read(client, path);
            case "write":
                return LockPart.write(client, path);
            case "semaphore":
                return new SemaphorePart(client, path, limit);
            case "election":
                return new ElectionPart(client, path, identifier);
            case "latch":
                return new LatchPart(client, path, identifier);
            case "barrier":
                return MeetingParts.barrier(client, path, limit);
            case "count":
                return MeetingParts.count(client, path);
            case "long":
                return MeetingParts.atomicLong(client, path);
            case "group":
                return MeetingParts.group(client, path, identifier);
            case "node":
                return MeetingParts.node(client, path, identifier);
            case "discovery":
                return new DiscoveryPart(client, path);
            default:
                throw new IllegalArgumentException("no such recipe: " + recipe);
        }
    }
}
