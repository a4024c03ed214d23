import com.fasterxml.jackson.databind.JsonNode;

/** What an actor of a {@link Player} plays: one recipe on one path, told what to do by verbs. */
@FunctionalInterface
interface Part {
    /** Does what the verb says; what it returns is told to whoever asked. */
    Object play(String verb, JsonNode arguments) throws Exception;

    static IllegalArgumentException unknown(String verb) {
        return new IllegalArgumentException("no such verb: " + verb);
    }
}
