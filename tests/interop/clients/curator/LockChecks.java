import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.retry.RetryNTimes;

/** Recipes that keep several clients apart. */
final class LockChecks {
    private LockChecks() {}

    static void addTo(Map<String, Check> checks) {
        checks.put("mutex", LockChecks::mutex);
        checks.put("mutex_passes_on_when_holder_dies", LockChecks::mutexPassesOnWhenHolderDies);
        checks.put("read_write_lock", LockChecks::readWriteLock);
        checks.put("semaphore", LockChecks::semaphore);
        checks.put("atomic_long", LockChecks::atomicLong);
        checks.put("double_barrier", LockChecks::doubleBarrier);
    }

    /** Runs the tasks at once, each on a thread of its own, and fails if one of them does. */
    private static void runTogether(List<Callable<Void>> tasks) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
        try {
            for (Future<Void> done : threads.invokeAll(tasks, 2L * Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS)) {
                done.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static void acquire(InterProcessMutex mutex) throws Exception {
        Bench.check(mutex.acquire(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "the lock was never free");
    }

    private static void mutex(Bench bench) throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger turns = new AtomicInteger();
        List<Callable<Void>> tasks = new ArrayList<>();
        for (int clients = 0; clients < 3; clients++) {
            InterProcessMutex mutex = new InterProcessMutex(bench.connect(), bench.path("lock"));
            for (int threads = 0; threads < 2; threads++) {
                tasks.add(() -> takeTurns(bench, mutex, inside, turns));
            }
        }
        runTogether(tasks);
        Bench.expect(turns.get(), 30, "turns");
    }

    private static Void takeTurns(Bench bench, InterProcessMutex mutex, AtomicInteger inside, AtomicInteger turns)
            throws Exception {
        for (int n = 0; n < 5; n++) {
            acquire(mutex);
            Bench.expect(inside.incrementAndGet(), 1, "holders of the lock");
            bench.client.checkExists().forPath(bench.root); // A round trip, so that a second holder would be seen.
            turns.incrementAndGet();
            inside.decrementAndGet();
            mutex.release();
        }
        return null;
    }

    private static void mutexPassesOnWhenHolderDies(Bench bench) throws Exception {
        CuratorFramework holder = bench.connectThroughProxy(Bench.SHORT_SESSION_MS);
        acquire(new InterProcessMutex(holder, bench.path("lock")));
        bench.tellProxy("refuse");
        InterProcessMutex next = new InterProcessMutex(bench.client, bench.path("lock"));
        acquire(next);
        Bench.expect(next.getParticipantNodes().size(), 1, "contenders after the holder's expiry");
        next.release();
        bench.tellProxy("accept");
    }

    private static void readWriteLock(Bench bench) throws Exception {
        InterProcessReadWriteLock one = new InterProcessReadWriteLock(bench.client, bench.path("lock"));
        InterProcessReadWriteLock two = new InterProcessReadWriteLock(bench.connect(), bench.path("lock"));
        acquire(one.readLock());
        acquire(two.readLock());
        Bench.check(!two.writeLock().acquire(200, TimeUnit.MILLISECONDS), "a writer beside a reader");
        one.readLock().release();
        two.readLock().release();
        acquire(two.writeLock());
        Bench.check(!one.readLock().acquire(200, TimeUnit.MILLISECONDS), "a reader beside a writer");
        two.writeLock().release();
    }

    private static void semaphore(Bench bench) throws Exception {
        InterProcessSemaphoreV2 one = new InterProcessSemaphoreV2(bench.client, bench.path("semaphore"), 2);
        InterProcessSemaphoreV2 two = new InterProcessSemaphoreV2(bench.connect(), bench.path("semaphore"), 2);
        Lease first = one.acquire();
        Lease second = two.acquire();
        Bench.expect(two.acquire(200, TimeUnit.MILLISECONDS), null, "a third lease of two");
        one.returnLease(first);
        Lease third = two.acquire(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS);
        Bench.check(third != null, "no lease after one was returned");
        two.returnAll(List.of(second, third));
    }

    private static void atomicLong(Bench bench) throws Exception {
        List<Callable<Void>> tasks = new ArrayList<>();
        for (int clients = 0; clients < 3; clients++) {
            DistributedAtomicLong shared =
                    new DistributedAtomicLong(bench.connect(), bench.path("long"), new RetryNTimes(1000, 2));
            tasks.add(() -> {
                for (int n = 0; n < 10; n++) {
                    Bench.check(shared.increment().succeeded(), "an increment failed");
                }
                return null;
            });
        }
        runTogether(tasks);
        DistributedAtomicLong total =
                new DistributedAtomicLong(bench.client, bench.path("long"), new RetryNTimes(1, 1));
        Bench.expect(total.get().postValue(), 30L, "sum of the increments");
    }

    private static void doubleBarrier(Bench bench) throws Exception {
        AtomicInteger entered = new AtomicInteger();
        List<Callable<Void>> tasks = new ArrayList<>();
        for (int clients = 0; clients < 3; clients++) {
            DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(bench.connect(), bench.path("barrier"), 3);
            tasks.add(() -> {
                Bench.check(barrier.enter(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "enter");
                entered.incrementAndGet();
                Bench.check(barrier.leave(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "leave");
                Bench.expect(entered.get(), 3, "entered when the first has left");
                return null;
            });
        }
        runTogether(tasks);
    }
}
