import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.leader.Participant;

/** A candidate that leads from the end of {@code acquire} until {@code release}. */
final class ElectionPart implements Part {
    private final LeaderSelector selector;
    private final SynchronousQueue<String> elected = new SynchronousQueue<>();
    private final SynchronousQueue<String> resigned = new SynchronousQueue<>();

    ElectionPart(CuratorFramework client, String path, String identifier) {
        selector = new LeaderSelector(client, path, new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework leading) throws Exception {
                elected.put(identifier);
                resigned.take();
            }
        });
        selector.setId(identifier);
    }

    @Override
    public Object play(String verb, JsonNode arguments) throws Exception {
        switch (verb) {
            case "acquire":
                selector.start();
                String leader = elected.poll(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS);
                Bench.check(leader != null, "never elected");
                return null;
            case "release":
                resigned.put("resigned");
                selector.close();
                return null;
            case "contenders":
                return contenders();
            default:
                throw Part.unknown(verb);
        }
    }

    /** The leader's identifier, then those of the others. */
    private List<String> contenders() throws Exception {
        List<String> identifiers = new ArrayList<>();
        for (Participant participant : selector.getParticipants()) {
            identifiers.add(participant.isLeader() ? 0 : identifiers.size(), participant.getId());
        }
        return identifiers;
    }
}
