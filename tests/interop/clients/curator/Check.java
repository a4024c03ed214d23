/** One check: uses the bench it is given and throws when something is not as it should be. */
@FunctionalInterface
interface Check {
    void run(Bench bench) throws Exception;
}
