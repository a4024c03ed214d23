import java.util.LinkedHashMap;
import java.util.Map;

/** Runs every Curator check: {@code Main SERVER PROXY CONTROL}; prints one line a check. */
final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        Map<String, Check> checks = new LinkedHashMap<>();
        NodeChecks.addTo(checks);
        TransactionChecks.addTo(checks);
        WatchChecks.addTo(checks);
        LockChecks.addTo(checks);
        GroupChecks.addTo(checks);
        DiscoveryChecks.addTo(checks);
        SessionChecks.addTo(checks);
        boolean allPassed = true;
        for (Map.Entry<String, Check> entry : checks.entrySet()) {
            allPassed &= passes(entry.getKey(), entry.getValue(), arguments);
        }
        System.out.flush();
        System.exit(allPassed ? 0 : 1);
    }

    private static boolean passes(String name, Check check, String[] arguments) {
        try (Bench bench = new Bench(name, arguments[0], arguments[1], arguments[2])) {
            check.run(bench);
        } catch (Exception | AssertionError error) {
            error.printStackTrace(System.out);
            System.out.println("FAILED " + name + ": " + String.valueOf(error).replaceAll("\\s+", " "));
            return false;
        }
        System.out.println("ok " + name);
        return true;
    }
}
