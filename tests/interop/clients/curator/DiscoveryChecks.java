import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.strategies.RoundRobinStrategy;

/** Curator's service discovery. */
final class DiscoveryChecks {
    private static final String SERVICE = "echo";

    private DiscoveryChecks() {}

    static void addTo(Map<String, Check> checks) {
        checks.put("discovery_register_and_query", DiscoveryChecks::registerAndQuery);
        checks.put("discovery_update", DiscoveryChecks::update);
        checks.put("discovery_provider", DiscoveryChecks::provider);
        checks.put("discovery_cache_follows_sessions", DiscoveryChecks::cacheFollowsSessions);
    }

    private static ServiceDiscovery<String> startDiscovery(Bench bench, CuratorFramework client) throws Exception {
        ServiceDiscovery<String> discovery = bench.closeLater(
                ServiceDiscoveryBuilder.builder(String.class).client(client).basePath(bench.path("services")).build());
        discovery.start();
        return discovery;
    }

    private static ServiceInstance<String> instance(String id, int port, String payload) throws Exception {
        return ServiceInstance.<String>builder()
                .name(SERVICE).id(id).address("127.0.0.1").port(port).payload(payload).build();
    }

    private static TreeSet<String> ids(Iterable<ServiceInstance<String>> instances) {
        TreeSet<String> ids = new TreeSet<>();
        instances.forEach(instance -> ids.add(instance.getId()));
        return ids;
    }

    private static void registerAndQuery(Bench bench) throws Exception {
        ServiceDiscovery<String> serving = startDiscovery(bench, bench.connect());
        ServiceDiscovery<String> asking = startDiscovery(bench, bench.client);
        ServiceInstance<String> one = instance("one", 1001, "v1");
        serving.registerService(one);
        serving.registerService(instance("two", 1002, "v1"));
        Bench.expect(asking.queryForNames(), List.of(SERVICE), "names");
        Bench.expect(ids(asking.queryForInstances(SERVICE)), new TreeSet<>(List.of("one", "two")), "instances");
        Bench.expect(asking.queryForInstance(SERVICE, "two").getPort(), 1002, "port");
        serving.unregisterService(one);
        Bench.expect(asking.queryForInstance(SERVICE, "one"), null, "an instance that was withdrawn");
    }

    private static void update(Bench bench) throws Exception {
        ServiceDiscovery<String> serving = startDiscovery(bench, bench.connect());
        serving.registerService(instance("one", 1001, "v1"));
        serving.updateService(instance("one", 1001, "v2"));
        ServiceDiscovery<String> asking = startDiscovery(bench, bench.client);
        Bench.expect(asking.queryForInstance(SERVICE, "one").getPayload(), "v2", "payload");
    }

    private static void provider(Bench bench) throws Exception {
        ServiceDiscovery<String> serving = startDiscovery(bench, bench.connect());
        for (int n = 1; n <= 3; n++) {
            serving.registerService(instance("number" + n, 1000 + n, "v1"));
        }
        ServiceProvider<String> provider = bench.closeLater(startDiscovery(bench, bench.client)
                .serviceProviderBuilder().serviceName(SERVICE).providerStrategy(new RoundRobinStrategy<>()).build());
        provider.start();
        Bench.waitFor(() -> provider.getAllInstances().size() == 3, "all instances at the provider");
        TreeSet<String> offered = new TreeSet<>();
        for (int n = 0; n < 3; n++) {
            offered.add(provider.getInstance().getId());
        }
        Bench.expect(offered.size(), 3, "instances offered in turn");
    }

    private static void cacheFollowsSessions(Bench bench) throws Exception {
        ServiceCache<String> cache = bench.closeLater(
                startDiscovery(bench, bench.client).serviceCacheBuilder().name(SERVICE).build());
        cache.start();
        CuratorFramework mortal = bench.connectThroughProxy(Bench.SHORT_SESSION_MS);
        startDiscovery(bench, mortal).registerService(instance("mortal", 1001, "v1"));
        startDiscovery(bench, bench.connect()).registerService(instance("steady", 1002, "v1"));
        Bench.waitFor(() -> cache.getInstances().size() == 2, "both instances");
        bench.tellProxy("refuse");
        Bench.waitFor(() -> cache.getInstances().stream().map(ServiceInstance::getId).collect(Collectors.toList())
                .equals(List.of("steady")), "removal of the dead instance");
        bench.tellProxy("accept");
        Bench.waitFor(() -> cache.getInstances().size() == 2, "return of the instance");
    }
}
