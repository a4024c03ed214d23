import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/** A semaphore; the actor holds one lease at a time. */
final class SemaphorePart implements Part {
    private final CuratorFramework client;
    private final String path;
    private final InterProcessSemaphoreV2 semaphore;
    private Lease lease;

    SemaphorePart(CuratorFramework client, String path, int maxLeases) {
        this.client = client;
        this.path = path;
        semaphore = new InterProcessSemaphoreV2(client, path, maxLeases);
    }

    @Override
    public Object play(String verb, JsonNode arguments) throws Exception {
        switch (verb) {
            case "acquire":
                return acquire();
            case "try_acquire":
                lease = semaphore.acquire(0, TimeUnit.MILLISECONDS);
                return lease != null;
            case "release":
                semaphore.returnLease(lease);
                return null;
            case "visits":
                String place = arguments.get(1).textValue();
                return Sections.repeat(arguments.get(0).intValue(), () -> visit(place));
            default:
                throw Part.unknown(verb);
        }
    }

    private long acquire() throws Exception {
        lease = semaphore.acquire(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS);
        Bench.check(lease != null, "there was never a lease");
        return Sections.token(client, path + "/leases/" + lease.getNodeName());
    }

    private long visit(String place) throws Exception {
        acquire();
        try {
            return Sections.visit(client, place);
        } finally {
            semaphore.returnLease(lease);
        }
    }
}
