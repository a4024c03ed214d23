'use strict';

// The checks, by name. Each is given a bench and throws when something is not as it should be.

const assert = require('node:assert/strict');
const zookeeper = require('node-zookeeper-client');
const { closed, refused, until, waitFor } = require('./bench.js');

const { ACL, CreateMode, Event, Exception, Id, Permission } = zookeeper;
const SHORT_SESSION_MS = 1000;

/** The event of a watch as text, and a function to hand to the library. */
function watch() {
    const seen = [];
    return { seen, on: (event) => seen.push(`${event.getName()} ${event.getPath()}`) };
}

/** Commits a transaction of the library; resolves to its results, or rejects with the error that carries them. */
function commit(transaction) {
    return new Promise((resolve, reject) => {
        transaction.commit((error, results) => error ? reject(Object.assign(error, { results })) : resolve(results));
    });
}

async function createReadWriteRemove({ client, path }) {
    assert.equal(await client.ask.create(path('a'), Buffer.from('one')), path('a'));
    const [data, stat] = await client.ask.getData(path('a'));
    assert.deepEqual([data.toString(), stat.version, stat.dataLength], ['one', 0, 3]);
    assert.equal((await client.ask.setData(path('a'), Buffer.from('two'), 0)).version, 1);
    assert.equal((await client.ask.getData(path('a')))[0].toString(), 'two');
    await client.ask.remove(path('a'), 1);
    assert.equal(await client.ask.exists(path('a')), null);
}

async function errors({ client, path }) {
    await refused(client.ask.getData(path('a')), Exception.NO_NODE, 'read of a missing node');
    await client.ask.mkdirp(path('a/b/c'));
    await refused(client.ask.create(path('a')), Exception.NODE_EXISTS, 'create twice');
    await refused(client.ask.setData(path('a'), Buffer.from(''), 9), Exception.BAD_VERSION, 'wrong version');
    await refused(client.ask.remove(path('a')), Exception.NOT_EMPTY, 'remove with a child');
    assert.deepEqual((await client.ask.getChildren(path('a/b')))[0], ['c']);
}

async function sequential({ client, path }) {
    for (const number of ['0000000000', '0000000001', '0000000002']) {
        assert.equal(await client.ask.create(path('s-'), CreateMode.PERSISTENT_SEQUENTIAL), path(`s-${number}`));
    }
}

async function nullData({ client, path }) {
    await client.ask.create(path('null'));
    await client.ask.create(path('empty'), Buffer.alloc(0));
    assert.equal((await client.ask.getData(path('null')))[0], undefined);
    assert.equal((await client.ask.getData(path('empty')))[0].length, 0);
}

async function pipelined({ client, path }) {
    const made = Array.from({ length: 100 }, (_, n) => client.ask.create(path(`n${n}`), Buffer.from(`${n}`)));
    assert.equal((await Promise.all(made)).length, 100);
    const read = await Promise.all(Array.from({ length: 100 }, (_, n) => client.ask.getData(path(`n${n}`))));
    assert.deepEqual(read.map(([data]) => Number(data.toString())), Array.from({ length: 100 }, (_, n) => n));
}

async function children({ client, root, path }) {
    for (const name of ['b', 'a', 'c']) {
        await client.ask.create(path(name));
    }
    await client.ask.remove(path('c'));
    const [names, stat] = await client.ask.getChildren(root);
    assert.deepEqual([names.sort(), stat.numChildren, stat.cversion], [['a', 'b'], 2, 4]);
}

async function multi({ client, root, path }) {
    const results = await commit(client.transaction()
        .create(path('a'), Buffer.from('1'))
        .setData(path('a'), Buffer.from('2'))
        .check(path('a'), 1)
        .create(path('gone'))
        .remove(path('gone')));
    assert.equal(results.length, 5);
    assert.equal(results[0].path, path('a'));
    assert.equal(results[1].stat.version, 1);
    assert.deepEqual((await client.ask.getChildren(root))[0], ['a']);
}

async function multiFails({ client, root, path }) {
    const failing = commit(client.transaction().create(path('a')).check(root, 9).create(path('b')));
    await refused(failing, Exception.BAD_VERSION, 'check of a wrong version');
    assert.deepEqual((await client.ask.getChildren(root))[0], []);
}

async function oneShotWatches({ client, path }) {
    const [created, changed, deleted] = [watch(), watch(), watch()];
    await client.ask.exists(path('a'), created.on);
    await client.ask.create(path('a'));
    await client.ask.getData(path('a'), changed.on);
    await client.ask.setData(path('a'), Buffer.from('1'));
    await client.ask.setData(path('a'), Buffer.from('2'));
    await client.ask.exists(path('a'), deleted.on);
    await client.ask.remove(path('a'));
    assert.deepEqual(created.seen, [`NODE_CREATED ${path('a')}`]);
    assert.deepEqual(changed.seen, [`NODE_DATA_CHANGED ${path('a')}`]);
    assert.deepEqual(deleted.seen, [`NODE_DELETED ${path('a')}`]);
}

async function childWatch({ client, root, path }) {
    const events = watch();
    await client.ask.getChildren(root, events.on);
    await client.ask.create(path('a'));
    await client.ask.create(path('b'));
    assert.deepEqual(events.seen, [`NODE_CHILDREN_CHANGED ${root}`]);
    assert.equal(Event.NODE_CHILDREN_CHANGED, 4);
}

async function watchesSurviveCut(bench) {
    const { client, root, path } = bench;
    const away = await bench.connect({ throughProxy: true });
    const [created, changed, childrenChanged] = [watch(), watch(), watch()];
    await away.ask.exists(path('a'), created.on);
    await away.ask.getData(root, changed.on);
    await away.ask.getChildren(root, childrenChanged.on);
    await bench.tellProxy('refuse');
    await client.ask.create(path('a'));
    await client.ask.setData(root, Buffer.from('1'));
    await bench.tellProxy('accept');
    await waitFor(() => created.seen.length && changed.seen.length && childrenChanged.seen.length, 'missed events');
    assert.deepEqual(created.seen, [`NODE_CREATED ${path('a')}`]);
    assert.deepEqual(changed.seen, [`NODE_DATA_CHANGED ${root}`]);
    assert.deepEqual(childrenChanged.seen, [`NODE_CHILDREN_CHANGED ${root}`]);
}

async function ephemeral(bench) {
    const other = await bench.connect();
    await other.ask.create(bench.path('e'), CreateMode.EPHEMERAL);
    const stat = await bench.client.ask.exists(bench.path('e'));
    assert.deepEqual(stat.ephemeralOwner, other.getSessionId());
    await closed(other);
    assert.equal(await bench.client.ask.exists(bench.path('e')), null);
}

async function digestAuth(bench) {
    const owner = await bench.connect({ credentials: 'anna:secret' });
    const wrong = await bench.connect({ credentials: 'anna:wrong' });
    const mine = [new ACL(Permission.ALL, new Id('auth', ''))];
    await owner.ask.create(bench.path('a'), Buffer.from('hidden'), mine);
    for (const stranger of [bench.client, wrong]) {
        await refused(stranger.ask.getData(bench.path('a')), Exception.NO_AUTH, 'read by a stranger');
        await refused(stranger.ask.setData(bench.path('a'), Buffer.from('')), Exception.NO_AUTH, 'write by a stranger');
    }
    assert.equal((await owner.ask.getData(bench.path('a')))[0].toString(), 'hidden');
    const [acls] = await owner.ask.getACL(bench.path('a'));
    assert.deepEqual(acls.map((acl) => [acl.permission, acl.id.scheme]), [[31, 'digest']]);
    await owner.ask.remove(bench.path('a'));
}

async function aclChange({ client, root, path }) {
    const readOnly = [new ACL(Permission.READ | Permission.ADMIN | Permission.DELETE, Id.ANYONE_ID_UNSAFE)];
    await client.ask.setACL(root, readOnly);
    await refused(client.ask.create(path('a')), Exception.NO_AUTH, 'create where CREATE was taken away');
    await client.ask.setACL(root, ACL.OPEN_ACL_UNSAFE, 1);
    await client.ask.create(path('a'));
    assert.equal((await client.ask.getACL(root))[1].aversion, 2);
}

async function resumeAfterCut(bench) {
    const client = await bench.connect({ throughProxy: true });
    await client.ask.create(bench.path('e'), CreateMode.EPHEMERAL);
    const session = client.getSessionId();
    const accepted = Number(await bench.tellProxy('accepted'));
    const reconnected = until(client, 'connected');
    await bench.tellProxy('cut');
    await reconnected;
    const stat = await client.ask.exists(bench.path('e'));
    assert.deepEqual([client.getSessionId(), stat.ephemeralOwner], [session, session]);
    assert.equal(Number(await bench.tellProxy('accepted')), accepted + 1);
}

async function resumeWithIdAndPassword(bench) {
    const first = await bench.connect({ throughProxy: true });
    await first.ask.create(bench.path('e'), CreateMode.EPHEMERAL);
    await bench.tellProxy('refuse');
    const second = await bench.connect(
        { sessionId: first.getSessionId(), sessionPassword: first.getSessionPassword() });
    assert.deepEqual(second.getSessionId(), first.getSessionId());
    const expired = until(first, 'expired');
    await closed(second);
    assert.equal(await bench.client.ask.exists(bench.path('e')), null);
    await bench.tellProxy('accept');
    await expired;
}

async function expiry(bench) {
    const client = await bench.connect({ throughProxy: true, sessionTimeout: SHORT_SESSION_MS });
    const events = watch();
    await client.ask.create(bench.path('e'), CreateMode.EPHEMERAL);
    await bench.client.ask.exists(bench.path('e'), events.on);
    const expired = until(client, 'expired');
    await bench.tellProxy('refuse');
    await waitFor(() => events.seen.length, 'the watch upon expiry');
    assert.deepEqual(events.seen, [`NODE_DELETED ${bench.path('e')}`]);
    await bench.tellProxy('accept');
    await expired;
}

module.exports = {
    create_read_write_remove: createReadWriteRemove,
    errors,
    sequential,
    null_data: nullData,
    pipelined,
    children,
    multi,
    multi_fails: multiFails,
    one_shot_watches: oneShotWatches,
    child_watch: childWatch,
    watches_survive_cut: watchesSurviveCut,
    ephemeral,
    digest_auth: digestAuth,
    acl_change: aclChange,
    resume_after_cut: resumeAfterCut,
    resume_with_id_and_password: resumeWithIdAndPassword,
    expiry,
};
