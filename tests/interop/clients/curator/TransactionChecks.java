import static org.apache.zookeeper.KeeperException.Code;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.api.transaction.OperationType;
import org.apache.curator.framework.api.transaction.TransactionOp;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.OpResult.ErrorResult;
import org.apache.zookeeper.ZooDefs;

/** Several operations that happen together or not at all. */
final class TransactionChecks {
    private TransactionChecks() {}

    static void addTo(Map<String, Check> checks) {
        checks.put("transaction", TransactionChecks::transaction);
        checks.put("transaction_fails_as_a_whole", TransactionChecks::transactionFailsAsAWhole);
        checks.put("in_transaction", TransactionChecks::inTransaction);
        checks.put("transaction_without_permission", TransactionChecks::transactionWithoutPermission);
    }

    private static void transaction(Bench bench) throws Exception {
        TransactionOp op = bench.client.transactionOp();
        List<CuratorTransactionResult> results = bench.client.transaction().forOperations(
                op.create().forPath(bench.path("a"), Bench.bytes("1")),
                op.create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(bench.path("a-")),
                op.setData().withVersion(0).forPath(bench.path("a"), Bench.bytes("2")),
                op.check().withVersion(1).forPath(bench.path("a")),
                op.create().forPath(bench.path("gone")),
                op.delete().forPath(bench.path("gone")));
        Bench.expect(results.stream().map(CuratorTransactionResult::getType).collect(Collectors.toList()),
                List.of(OperationType.CREATE, OperationType.CREATE, OperationType.SET_DATA, OperationType.CHECK,
                        OperationType.CREATE, OperationType.DELETE), "types of the results");
        Bench.expect(results.get(1).getResultPath(), bench.path("a-0000000001"), "sequential name");
        Bench.expect(results.get(2).getResultStat().getVersion(), 1, "version after setData");
        Bench.expect(Bench.read(bench.client, bench.path("a")), "2", "data");
        Bench.expect(bench.client.checkExists().forPath(bench.root).getNumChildren(), 2, "children");
    }

    private static void transactionFailsAsAWhole(Bench bench) throws Exception {
        CuratorOp create = bench.client.transactionOp().create().forPath(bench.path("a"));
        CuratorOp check = bench.client.transactionOp().check().withVersion(9).forPath(bench.root);
        CuratorOp last = bench.client.transactionOp().create().forPath(bench.path("b"));
        try {
            bench.client.transaction().forOperations(create, check, last);
            throw new AssertionError("a transaction with a failing check succeeded");
        } catch (KeeperException.BadVersionException error) {
            List<Integer> codes = error.getResults().stream()
                    .map(result -> ((ErrorResult) result).getErr())
                    .collect(Collectors.toList());
            Bench.expect(codes, List.of(0, Code.BADVERSION.intValue(), Code.RUNTIMEINCONSISTENCY.intValue()), "codes");
        }
        Bench.expect(bench.client.getChildren().forPath(bench.root), List.of(), "children");
    }

    @SuppressWarnings("deprecation") // The older interface is what long-lived programs still use.
    private static void inTransaction(Bench bench) throws Exception {
        bench.client.inTransaction()
                .create().forPath(bench.path("a"), Bench.bytes("1"))
                .and().setData().forPath(bench.path("a"), Bench.bytes("2"))
                .and().commit();
        Bench.expect(Bench.read(bench.client, bench.path("a")), "2", "data");
        Bench.expectCode(Code.NODEEXISTS, () -> bench.client.inTransaction()
                .create().forPath(bench.path("b"))
                .and().create().forPath(bench.path("a"))
                .and().commit(), "create of an existing node");
        Bench.check(!Bench.exists(bench.client, bench.path("b")), "half of a failed transaction was carried out");
    }

    private static void transactionWithoutPermission(Bench bench) throws Exception {
        CuratorFramework owner = bench.connectAs("anna:secret");
        owner.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath(bench.path("private"));
        TransactionOp op = bench.client.transactionOp();
        Bench.expectCode(Code.NOAUTH, () -> bench.client.transaction().forOperations(
                op.create().forPath(bench.path("a")),
                op.create().forPath(bench.path("private/b"))), "create under a stranger's node");
        Bench.check(!Bench.exists(bench.client, bench.path("a")), "half of a refused transaction was carried out");
        owner.delete().forPath(bench.path("private"));
    }
}
