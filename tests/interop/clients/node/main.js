'use strict';

// Runs every check with node-zookeeper-client: `node main.js SERVER PROXY CONTROL`; prints one line a check.

const { Bench } = require('./bench.js');
const checks = require('./checks.js');

async function passes(name, check, addresses) {
    try {
        const bench = new Bench(name, addresses);
        bench.path = bench.path.bind(bench);
        await bench.open();
        await check(bench);
        await bench.close();
    } catch (error) {
        console.log(error.stack);
        console.log(`FAILED ${name}: ${String(error).replaceAll(/\s+/g, ' ')}`);
        return false;
    }
    console.log(`ok ${name}`);
    return true;
}

async function main(addresses) {
    let allPassed = true;
    for (const [name, check] of Object.entries(checks)) {
        allPassed = await passes(name, check, addresses) && allPassed;
    }
    return allPassed;
}

main(process.argv.slice(2)).then((allPassed) => process.exit(allPassed ? 0 : 1));
