// Runs the node commands without a build step, as bin/plan.js does.
const path = require("node:path");
require("ts-node").register({ transpileOnly: true, project: path.join(__dirname, "..", "tsconfig.json") });
require("../lifecycle/cli").main(process.argv.slice(2));
