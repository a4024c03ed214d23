import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceInstanceBuilder;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.UriSpec;

/** Service discovery. Instances are told field by field, under the names of the fields of our own. */
final class DiscoveryPart implements Part {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ServiceDiscovery<Object> discovery;

    DiscoveryPart(CuratorFramework client, String path) throws Exception {
        discovery = ServiceDiscoveryBuilder.builder(Object.class).client(client).basePath(path).build();
        discovery.start();
    }

    @Override
    public Object play(String verb, JsonNode arguments) throws Exception {
        switch (verb) {
            case "register":
                discovery.registerService(instance(arguments.get(0)));
                return null;
            case "update":
                discovery.updateService(instance(arguments.get(0)));
                return null;
            case "unregister":
                discovery.unregisterService(instance(arguments.get(0)));
                return null;
            case "names":
                return new TreeSet<>(discovery.queryForNames());
            case "ids":
                TreeSet<String> ids = new TreeSet<>();
                discovery.queryForInstances(arguments.get(0).textValue()).forEach(found -> ids.add(found.getId()));
                return ids;
            case "find":
                return fields(discovery.queryForInstance(arguments.get(0).textValue(), arguments.get(1).textValue()));
            default:
                throw Part.unknown(verb);
        }
    }

    private static ServiceInstance<Object> instance(JsonNode fields) throws Exception {
        ServiceInstanceBuilder<Object> builder = ServiceInstance.builder()
                .name(fields.get("name").textValue())
                .id(fields.get("id").textValue())
                .address(fields.get("address").textValue())
                .registrationTimeUTC(fields.get("registered_at_ms").longValue())
                .serviceType(ServiceType.valueOf(fields.get("type").textValue()))
                .enabled(fields.get("enabled").booleanValue());
        if (fields.get("port").isInt()) {
            builder.port(fields.get("port").intValue());
        }
        if (fields.get("ssl_port").isInt()) {
            builder.sslPort(fields.get("ssl_port").intValue());
        }
        if (fields.get("uri_spec").isTextual()) {
            builder.uriSpec(new UriSpec(fields.get("uri_spec").textValue()));
        }
        return builder.payload(payload(fields.get("payload"))).build();
    }

    /** A map, text, a number or nothing: what Java makes of that JSON. */
    private static Object payload(JsonNode payload) {
        if (!payload.isObject()) {
            return JSON.convertValue(payload, Object.class);
        }
        Map<String, Object> map = JSON.convertValue(payload, new TypeReference<LinkedHashMap<String, Object>>() {});
        map.remove("@class");
        return map;
    }

    private static Map<String, Object> fields(ServiceInstance<Object> found) {
        if (found == null) {
            return null;
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", found.getName());
        fields.put("id", found.getId());
        fields.put("address", found.getAddress());
        fields.put("port", found.getPort());
        fields.put("ssl_port", found.getSslPort());
        fields.put("payload", found.getPayload());
        fields.put("registered_at_ms", found.getRegistrationTimeUTC());
        fields.put("type", found.getServiceType().name());
        fields.put("uri", found.buildUriSpec());
        fields.put("enabled", found.isEnabled());
        return fields;
    }
}
