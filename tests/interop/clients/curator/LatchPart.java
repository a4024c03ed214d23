import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.leader.Participant;

/** A candidate of a leader latch. */
final class LatchPart implements Part {
    private final LeaderLatch latch;
    private final List<Boolean> history = new CopyOnWriteArrayList<>();

    LatchPart(CuratorFramework client, String path, String identifier) {
        latch = new LeaderLatch(client, path, identifier, LeaderLatch.CloseMode.NOTIFY_LEADER);
        latch.addListener(new LeaderLatchListener() {
            @Override
            public void isLeader() {
                history.add(true);
            }

            @Override
            public void notLeader() {
                history.add(false);
            }
        });
    }

    @Override
    public Object play(String verb, JsonNode arguments) throws Exception {
        switch (verb) {
            case "start":
                latch.start();
                return null;
            case "wait":
                Bench.check(latch.await(Bench.WAIT_DEADLINE_MS, TimeUnit.MILLISECONDS), "never leader");
                return null;
            case "is_leader":
                return latch.hasLeadership();
            case "leader":
                return latch.getLeader().getId();
            case "participants":
                return participants();
            case "history":
                return history;
            case "close":
                latch.close();
                return null;
            default:
                throw Part.unknown(verb);
        }
    }

    private List<String> participants() throws Exception {
        List<String> identifiers = new ArrayList<>();
        for (Participant participant : latch.getParticipants()) {
            identifiers.add(participant.getId());
        }
        return identifiers;
    }
}
