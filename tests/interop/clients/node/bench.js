'use strict';

// What each check works with: clients, a root path that is gone afterwards, the proxy, waiting with a deadline.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const net = require('node:net');
const { promisify } = require('node:util');
const zookeeper = require('node-zookeeper-client');

const WAIT_DEADLINE_MS = 20_000;
const SESSION_TIMEOUT_MS = 15_000;
const POLL_MS = 20;

/** Gives a client's callback methods a twin each that returns a promise, under `client.ask`. */
function withPromises(client) {
    const names = ['create', 'remove', 'exists', 'setData', 'setACL', 'mkdirp'];
    client.ask = Object.fromEntries(names.map((name) => [name, promisify(client[name]).bind(client)]));
    // These answer with (value, stat): the promise carries both.
    for (const name of ['getChildren', 'getData', 'getACL']) {
        client.ask[name] = (...parameters) => new Promise((resolve, reject) => {
            client[name](...parameters, (error, value, stat) => error ? reject(error) : resolve([value, stat]));
        });
    }
    return client;
}

class Bench {
    constructor(check, [server, proxy, control]) {
        this.server = server;
        this.proxy = proxy;
        this.control = control;
        this.root = `/interop-node-${check}-${crypto.randomBytes(4).toString('hex')}`;
        this.opened = [];
    }

    async open() {
        await this.tellProxy('accept');
        this.client = await this.connect();
        await this.client.ask.create(this.root);
    }

    /** A connected client, closed when the check is over. */
    async connect({ throughProxy = false, credentials = null, ...options } = {}) {
        const client = withPromises(zookeeper.createClient(throughProxy ? this.proxy : this.server,
            { sessionTimeout: SESSION_TIMEOUT_MS, spinDelay: 50, ...options }));
        if (credentials) {
            client.addAuthInfo('digest', Buffer.from(credentials));
        }
        const connected = until(client, 'connected');
        client.connect();
        await connected;
        this.opened.push(client);
        return client;
    }

    path(name) {
        return `${this.root}/${name}`;
    }

    /** Sends one command to the proxy (see interop/proxy.py) and returns its answer. */
    tellProxy(command) {
        const [host, port] = this.control.split(':');
        return new Promise((resolve, reject) => {
            const socket = net.connect(Number(port), host, () => socket.write(`${command}\n`));
            socket.on('error', reject);
            socket.on('data', (answer) => {
                socket.end();
                resolve(answer.toString().trim());
            });
        });
    }

    /** Removes a node and all below it; the library's own removeRecursive stops at the first level. */
    async removeTree(path) {
        const [names] = await this.client.ask.getChildren(path);
        await Promise.all(names.map((name) => this.removeTree(`${path}/${name}`)));
        await this.client.ask.remove(path);
    }

    async close() {
        await this.removeTree(this.root);
        await Promise.all(this.opened.map(closed));
    }
}

/** Closes a client, and returns when its connection is gone. */
async function closed(client) {
    if (client.getState() === zookeeper.State.SYNC_CONNECTED) {
        const gone = until(client, 'disconnected');
        client.close();
        await gone;
    }
}

/** Returns when the emitter emits the event; fails after the deadline. */
function until(emitter, event) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`waited in vain for ${event}`)), WAIT_DEADLINE_MS);
        emitter.once(event, (value) => {
            clearTimeout(timer);
            resolve(value);
        });
    });
}

/** Returns as soon as the condition holds; fails after the deadline. */
async function waitFor(condition, what) {
    const deadline = Date.now() + WAIT_DEADLINE_MS;
    while (!(await condition())) {
        assert(Date.now() < deadline, `waited in vain: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
}

/** Fails unless the promise is refused with the given code of the library. */
async function refused(promise, code, what) {
    try {
        await promise;
    } catch (error) {
        assert.equal(error.code, code, `${what}: ${error}`);
        return;
    }
    assert.fail(`${what}: not refused`);
}

module.exports = { Bench, closed, refused, until, waitFor };
