import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;

/** A mutex, or a side of a read-write lock. */
final class LockPart implements Part {
    /** What one does inside. */
    @FunctionalInterface
    private interface Section {
        long run(CuratorFramework client, String counter) throws Exception;
    }

    private static final class Mutex extends InterProcessMutex {
        Mutex(CuratorFramework client, String path) {
            super(client, path);
        }

        String znode() {
            return getLockPath();
        }
    }

    private final CuratorFramework client;
    private final InterProcessMutex lock;
    private final Supplier<String> znode;
    private final Section section;

    private LockPart(CuratorFramework client, InterProcessMutex lock, Supplier<String> znode, Section section) {
        this.client = client;
        this.lock = lock;
        this.znode = znode;
        this.section = section;
    }

    static LockPart mutex(CuratorFramework client, String path) {
        Mutex mutex = new Mutex(client, path);
        return new LockPart(client, mutex, mutex::znode, Sections::write);
    }

    static LockPart read(CuratorFramework client, String path) {
        InterProcessReadWriteLock.ReadLock lock = new InterProcessReadWriteLock(client, path).readLock();
        return new LockPart(client, lock, lock::getLockPath, Sections::read);
    }

    static LockPart write(CuratorFramework client, String path) {
        InterProcessReadWriteLock.WriteLock lock = new InterProcessReadWriteLock(client, path).writeLock();
        return new LockPart(client, lock, lock::getLockPath, Sections::write);
    }

    @Override
    public Object play(String verb, JsonNode arguments) throws Exception {
        switch (verb) {
            case "acquire":
                return acquire();
            case "try_acquire":
                return lock.acquire(0, TimeUnit.MILLISECONDS);
            case "release":
                lock.release();
                return null;
            case "turns":
                String counter = arguments.get(1).textValue();
                return Sections.repeat(arguments.get(0).intValue(), () -> turn(counter));
            default:
                throw Part.unknown(verb);
        }
    }

    private long acquire() throws Exception {
        Bench.check(lock.acquire(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "the lock was never free");
        return Sections.token(client, znode.get());
    }

    private Object turn(String counter) throws Exception {
        long token = acquire();
        try {
            return List.of(token, section.run(client, counter));
        } finally {
            lock.release();
        }
    }
}
